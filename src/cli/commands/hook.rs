//! `photos hook` shows when the site is built next and why it is not built now, or makes a trial
//! call of the build hook.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use chrono::{DateTime, Local, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::flags::HookFlags;
use crate::cli::output::{escape_control, json_line, stdout};
use crate::publish::{self, HookDecision, HookState, PendingBuild};

/// The maximum time for which a trial call waits until no other process publishes. A cycle of
/// publish usually takes a few seconds.
const LEASE_PATIENCE: Duration = Duration::from_secs(30);

/// The arguments of `photos hook`.
#[derive(Debug, Args)]
pub(in crate::cli) struct HookArguments {
    #[command(subcommand)]
    command: HookCommand,
}

/// The subcommands of `photos hook`.
#[derive(Debug, Subcommand)]
enum HookCommand {
    /// Show what waits to be built, until when and why.
    Status(HookStatusArguments),
    /// Call the hook now, as a trial. The call counts against the limits.
    Test(HookTestArguments),
}

/// The arguments of `photos hook status`.
#[derive(Debug, Args)]
struct HookStatusArguments {
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hook: HookFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// The arguments of `photos hook test`.
#[derive(Debug, Args)]
struct HookTestArguments {
    #[command(flatten)]
    hook: HookFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// Runs the subcommand of `photos hook`. The exit status is 1 if a trial call fails.
pub(in crate::cli) async fn run(arguments: HookArguments) -> anyhow::Result<CommandStatus> {
    match arguments.command {
        HookCommand::Status(arguments) => print_hook_status(arguments).await,
        HookCommand::Test(arguments) => call_hook(arguments).await,
    }
}

/// Prints the pending build, the last call of the build hook, and the numbers of calls in the last
/// 24 hours and 31 days, with their limits.
async fn print_hook_status(arguments: HookStatusArguments) -> anyhow::Result<CommandStatus> {
    let rules = arguments.hook.settings().hook_rules()?;
    let handle = arguments.target.connect_to_read().await?;
    let mut state = publish::parse_hook_state(&handle.published.state().await?)?;
    let now = Utc::now();
    // The next cycle does the same and stores the result. This command writes nothing.
    state.correct_clock(now);
    let decision = state.decide(&rules, now);
    let mut out = stdout();
    if arguments.json {
        let (until, why) = match decision {
            HookDecision::Wait { until, why } => (Some(until), Some(why.to_string())),
            HookDecision::Idle | HookDecision::Call => (None, None),
        };
        json_line(
            &mut out,
            &json!({
                "pending": state.pending,
                "until": until,
                "why": why,
                "lastCall": state.call_times(now).last(),
                "lastAnswer": state.last_answer,
                "callsIn31Days": count_recent_calls(&state, now, 31),
                "callsIn24Hours": count_recent_calls(&state, now, 1),
            }),
        )?;
    } else {
        writeln!(out, "{}", describe_decision(&state, decision))?;
        if let (Some(at), Some(answer)) = (state.call_times(now).last(), &state.last_answer) {
            writeln!(
                out,
                "Last call {}: {}",
                format_local_time(*at),
                escape_control(answer)
            )?;
        }
        writeln!(
            out,
            "{} of {} calls in 24 hours, {} of {} in 31 days",
            count_recent_calls(&state, now, 1),
            rules.per_day,
            count_recent_calls(&state, now, 31),
            rules.per_month,
        )?;
    }
    out.flush()?;
    Ok(CommandStatus::Success)
}

/// Returns a sentence that describes the pending build and the earliest time of the next call.
fn describe_decision(state: &HookState, decision: HookDecision) -> String {
    let title = |pending: &Option<PendingBuild>| {
        pending
            .as_ref()
            .map(publish::build_title)
            .unwrap_or_default()
    };
    match decision {
        HookDecision::Idle => "Nothing waits to be built.".to_owned(),
        HookDecision::Call => format!("{}: built at the next tick.", title(&state.pending)),
        HookDecision::Wait { until, why } => format!(
            "{}: built at {} at the earliest; {why}.",
            title(&state.pending),
            format_local_time(until)
        ),
    }
}

/// Returns the number of calls of the build hook in the last `days` days before `now`.
fn count_recent_calls(state: &HookState, now: DateTime<Utc>, days: i64) -> usize {
    let since = now - chrono::TimeDelta::days(days);
    let times = state.call_times(now);
    times.iter().filter(|at| **at > since).count()
}

/// Returns a time as text for people, in the local time zone, for example `2018-02-01 09:41:07`.
fn format_local_time(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Calls the build hook once, as a trial, and prints the response.
///
/// # Errors
/// Fails if the URL of the hook is not set, if a cycle of another process is still running after
/// [`LEASE_PATIENCE`], or if the call cannot be recorded in the publish table.
async fn call_hook(arguments: HookTestArguments) -> anyhow::Result<CommandStatus> {
    // A hook on this machine is allowed, because the person who runs this command owns the machine.
    let Some(hook) = arguments.hook.settings().hook(true)? else {
        bail!("HOOK_URL is not set; give the build hook's URL with --hook-url");
    };
    let rules = arguments.hook.settings().hook_rules()?;
    let handle = arguments.target.connect().await?;
    let table = &handle.published;
    let answer = publish::send_trial_call(table, &hook, &rules, Utc::now(), LEASE_PATIENCE).await?;
    let mut out = stdout();
    writeln!(out, "{}", escape_control(&answer.description))?;
    out.flush()?;
    Ok(if answer.is_success {
        CommandStatus::Success
    } else {
        CommandStatus::PartialFailure
    })
}
