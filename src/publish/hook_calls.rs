//! Calls the build hook, and records each call in the stored state of the hook.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep};

use super::error::PublishError;
use super::hook::BuildHook;
use super::lease::PublishLease;
use super::schedule::{HookDecision, HookResponse, HookRules, HookState, PendingBuild};
use crate::catalogue::published::{PublishState, PublishTable};

/// Returns the state of the hook, which is stored as JSON in the state of publish.
///
/// # Errors
/// Fails if the stored JSON is not a state of the hook.
pub fn parse_hook_state(state: &PublishState) -> Result<HookState, PublishError> {
    let mut hook: HookState = match &state.hook {
        None => HookState::default(),
        Some(hook) => serde_json::from_value(hook.clone())
            .map_err(|error| PublishError::json("state of the build hook", error))?,
    };
    hook.held_until = state.held_until;
    Ok(hook)
}

/// The pause between two attempts of a trial call to acquire the lease.
const LEASE_PAUSE: Duration = Duration::from_millis(500);

/// Calls the hook now, as a trial, even if a limit is reached. The call counts against the daily
/// and the monthly budget. A pending build stays pending. Each repeat starts another build.
///
/// The call needs the lease, so that it cannot overwrite the state that a cycle writes at the same
/// time. If another process has the lease, waits up to `patience` for its end.
///
/// # Errors
/// Fails with [`PublishError::LeaseTaken`] if another process still has the lease after that. The
/// hook is then not called, and nothing is written. Also fails if a request to the publish table
/// failed. A failed call of the hook is not an error.
pub async fn send_trial_call(
    table: &PublishTable,
    hook: &BuildHook,
    rules: &HookRules,
    now: DateTime<Utc>,
    patience: Duration,
) -> Result<HookResponse, PublishError> {
    let lease = PublishLease::new(table.clone());
    let started = Instant::now();
    let mut now = now;
    while !lease
        .acquire(table.state().await?.leased_until, now)
        .await?
    {
        if started.elapsed() >= patience {
            return Err(PublishError::LeaseTaken);
        }
        sleep(LEASE_PAUSE).await;
        now += TimeDelta::from_std(LEASE_PAUSE).unwrap_or_default();
    }
    let response = call_under_lease(table, hook, rules, now).await;
    lease.release().await?;
    response
}

/// Calls the hook as a trial, and records the call. The caller must have the lease.
async fn call_under_lease(
    table: &PublishTable,
    hook: &BuildHook,
    rules: &HookRules,
    now: DateTime<Utc>,
) -> Result<HookResponse, PublishError> {
    let mut state = parse_hook_state(&table.state().await?)?;
    state.correct_clock(now);
    state.record_call(rules, now);
    table.put_hook(&state).await?;
    let nothing = PendingBuild {
        since: now,
        last: now,
        photos: 0,
        from: None,
        to: None,
        generation: 0,
    };
    Ok(hook.call(&nothing, now).await)
}

/// Calls the hook if a build is pending and a call is due, and records the response. Returns `None`
/// if no call is due.
///
/// The call is recorded in the table before it is sent. So a crash cannot lead to a second call.
///
/// # Errors
/// Fails if a request to the publish table failed. A failed call of the hook is not an error: a
/// later cycle calls the hook again.
pub(super) async fn call_hook_if_due(
    table: &PublishTable,
    hook: &BuildHook,
    rules: &HookRules,
    mut state: HookState,
    now: DateTime<Utc>,
) -> Result<Option<HookResponse>, PublishError> {
    let Some(pending) = state.pending.clone() else {
        return Ok(None);
    };
    if state.decide(rules, now) != HookDecision::Call {
        return Ok(None);
    }
    state.record_call(rules, now);
    table.put_hook(&state).await?;
    let response = hook.call(&pending, now).await;
    // terraform/alarms.tf counts these two messages.
    if response.is_success {
        tracing::info!(
            photos = pending.photos,
            answer = response.description,
            "build hook called"
        );
    } else {
        tracing::warn!(
            answer = response.description,
            "the build hook failed; it will be called again"
        );
    }
    state.record_response(response.clone(), pending.generation);
    table.put_hook(&state).await?;
    Ok(Some(response))
}
