//! `photos hook`: when the site will be built next and why not now; a trial call.

use std::io::Write;

use anyhow::bail;
use chrono::{DateTime, Local, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::flags::HookFlags;
use crate::cli::output::{escape_control, json_line, stdout};
use crate::publish::{self, HookDecision, HookState, PendingBuild};

#[derive(Debug, Args)]
pub(in crate::cli) struct HookArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What waits to be built, until when and why.
    Status(Status),
    /// Call the hook now, as a trial; the call counts against the budgets.
    Test(Test),
}

#[derive(Debug, Args)]
struct Status {
    /// A line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hook: HookFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

#[derive(Debug, Args)]
struct Test {
    #[command(flatten)]
    hook: HookFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// Does what was asked of the hook.
pub(in crate::cli) async fn run(arguments: HookArguments) -> anyhow::Result<CommandStatus> {
    match arguments.what {
        What::Status(arguments) => status(arguments).await,
        What::Test(arguments) => test(arguments).await,
    }
}

async fn status(arguments: Status) -> anyhow::Result<CommandStatus> {
    let rules = arguments.hook.settings().hook_rules()?;
    let handle = arguments.target.connect().await?;
    let state = publish::parse_hook_state(&handle.published.state().await?)?;
    let now = Utc::now();
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
                "lastCall": state.called.last(),
                "lastAnswer": state.last_answer,
                "callsIn31Days": calls_since(&state, now, 31),
                "callsIn24Hours": calls_since(&state, now, 1),
            }),
        )?;
    } else {
        writeln!(out, "{}", next(&state, decision))?;
        if let (Some(at), Some(answer)) = (state.called.last(), &state.last_answer) {
            writeln!(out, "Last call {}: {}", clock(*at), escape_control(answer))?;
        }
        writeln!(
            out,
            "{} of {} calls in 24 hours, {} of {} in 31 days",
            calls_since(&state, now, 1),
            rules.per_day,
            calls_since(&state, now, 31),
            rules.per_month,
        )?;
    }
    out.flush()?;
    Ok(CommandStatus::Success)
}

fn next(state: &HookState, decision: HookDecision) -> String {
    let what = |pending: &Option<PendingBuild>| {
        pending
            .as_ref()
            .map(publish::build_title)
            .unwrap_or_default()
    };
    match decision {
        HookDecision::Idle => "Nothing waits to be built.".to_owned(),
        HookDecision::Call => format!("{}: built at the next tick.", what(&state.pending)),
        HookDecision::Wait { until, why } => format!(
            "{}: built at {} at the earliest; {why}.",
            what(&state.pending),
            clock(until)
        ),
    }
}

fn calls_since(state: &HookState, now: DateTime<Utc>, days: i64) -> usize {
    let since = now - chrono::TimeDelta::days(days);
    state.called.iter().filter(|at| **at > since).count()
}

fn clock(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

async fn test(arguments: Test) -> anyhow::Result<CommandStatus> {
    // The owner of the data folder owns the machine, so a hook on it is allowed.
    let Some(hook) = arguments.hook.settings().hook(true)? else {
        bail!("HOOK_URL is not set; give the build hook's URL with --hook-url");
    };
    let handle = arguments.target.connect().await?;
    let answer = publish::send_trial_call(&handle.published, &hook, Utc::now()).await?;
    let mut out = stdout();
    writeln!(out, "{}", escape_control(&answer.description))?;
    out.flush()?;
    Ok(if answer.is_success {
        CommandStatus::Success
    } else {
        CommandStatus::PartialFailure
    })
}
