//! When a month is rebuilt and when the build hook is due. Pure: state and time in, a decision out.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::catalogue::published::DirtyMonth;

/// How long a month must be left alone before it is rebuilt: by then its index shows the last change.
const MONTH_QUIET: TimeDelta = TimeDelta::seconds(10);
/// How long a month that is never left alone waits.
const MONTH_MAX_WAIT: TimeDelta = TimeDelta::minutes(5);
/// The day's budget counts over the 24 hours before.
const DAY: TimeDelta = TimeDelta::hours(24);
/// The month's budget counts over the longest month before, so that it holds whichever day the provider's begins.
const MONTH: TimeDelta = TimeDelta::days(31);
/// This part of the month's budget may be spent at any time; the rest is released evenly.
const AT_ONCE: u32 = 3;
/// First pause after a build hook that failed; doubled each time.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(2);
/// Longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(6);

/// Whether it is time to rebuild a month.
pub(super) fn month_is_due(mark: &DirtyMonth, now: DateTime<Utc>) -> bool {
    now - mark.last >= MONTH_QUIET || now - mark.since >= MONTH_MAX_WAIT
}

/// The build hook's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookRules {
    /// How long it must have been quiet.
    pub quiet: TimeDelta,
    /// How long a change waits at most, where it is never quiet.
    pub max_wait: TimeDelta,
    /// Least time from one build to the next.
    pub interval: TimeDelta,
    /// Most builds in 24 hours; at least 1.
    pub per_day: u32,
    /// Most builds in 31 days; at least 1. A third of them may follow one another; the rest is released evenly.
    pub per_month: u32,
}

impl Default for HookRules {
    /// Netlify's free plan pays about 20 builds a month: 18, so that some are left for a person.
    fn default() -> Self {
        HookRules {
            quiet: TimeDelta::seconds(90),
            max_wait: TimeDelta::minutes(15),
            interval: TimeDelta::minutes(10),
            per_day: 3,
            per_month: 18,
        }
    }
}

/// What is remembered of the build hook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HookState {
    /// What changed since the last build that was begun well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingBuild>,
    /// When the hook was called in the last 31 days, oldest first; also where that failed, since it may have got through.
    pub called: Vec<DateTime<Utc>>,
    /// Calls that failed since one went well.
    pub failures: u32,
    /// What the receiver asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// How the last call ended, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<String>,
    /// Until when an import holds the hook back. Kept apart, since the import writes it.
    #[serde(skip)]
    pub held_until: Option<DateTime<Utc>>,
}

/// A change of the public view that no build has taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingBuild {
    /// When the first of it was published.
    pub since: DateTime<Utc>,
    /// When the last was.
    pub last: DateTime<Utc>,
    /// Photos that came, changed or went.
    pub photos: u64,
    /// The earliest of their days, `2018-02-01`; absent where all are undated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Counts the changes; a build clears only what it has seen.
    pub generation: u64,
}

/// What to do about the hook now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookDecision {
    /// Nothing has changed.
    Idle,
    /// Something has, and it must wait.
    Wait {
        /// Until then, if nothing changes meanwhile.
        until: DateTime<Utc>,
        /// What for.
        why: WaitReason,
    },
    /// Call it now.
    Call,
}

/// What a build waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// For photos to stop coming.
    Quiet,
    /// For the interval since the last build.
    Interval,
    /// For the budget of a day.
    Day,
    /// For the budget of a month.
    PublishedMonth,
    /// After a call that failed.
    Failure,
    /// For an import.
    Import,
}

impl std::fmt::Display for WaitReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            WaitReason::Quiet => "photos are still coming",
            WaitReason::Interval => "the last build is too recent",
            WaitReason::Day => "the day's budget is spent",
            WaitReason::PublishedMonth => "the month's budget is spent so far",
            WaitReason::Failure => "the last call failed",
            WaitReason::Import => "photos are being imported",
        })
    }
}

impl HookState {
    /// Adds a change of the public view.
    pub fn add(
        &mut self,
        photos: u64,
        from: Option<String>,
        to: Option<String>,
        now: DateTime<Utc>,
    ) {
        let pending = self.pending.get_or_insert(PendingBuild {
            since: now,
            last: now,
            photos: 0,
            from: None,
            to: None,
            generation: 0,
        });
        pending.last = now;
        pending.photos += photos;
        pending.generation += 1;
        pending.from = [pending.from.take(), from].into_iter().flatten().min();
        pending.to = pending.to.take().max(to);
    }

    /// Whether to call the hook now. It is never called more than once in an interval, nor above a budget, and is as
    /// soon as all of them allow.
    pub fn decide(&self, rules: &HookRules, now: DateTime<Utc>) -> HookDecision {
        let Some(pending) = &self.pending else {
            return HookDecision::Idle;
        };
        let quiet = (pending.last + rules.quiet).min(pending.since + rules.max_wait);
        let mut limits = vec![(quiet, WaitReason::Quiet)];
        limits.extend(
            self.called
                .last()
                .map(|at| (*at + rules.interval, WaitReason::Interval)),
        );
        limits.extend(self.day_allows(rules).map(|at| (at, WaitReason::Day)));
        limits.extend(
            self.month_allows(rules)
                .map(|at| (at, WaitReason::PublishedMonth)),
        );
        limits.extend(self.held_until.map(|at| (at, WaitReason::Import)));
        limits.extend(self.failure_allows().map(|at| (at, WaitReason::Failure)));
        match limits.into_iter().max_by_key(|(until, _)| *until) {
            Some((until, why)) if until > now => HookDecision::Wait { until, why },
            _ => HookDecision::Call,
        }
    }

    /// Notes that the hook is being called: before it is, so that a crash cannot call it twice.
    pub fn record_call(&mut self, now: DateTime<Utc>) {
        self.called.retain(|at| now - *at < MONTH);
        self.called.push(now);
    }

    /// Notes how the call ended that saw the changes up to `generation`.
    pub fn record_response(&mut self, answer: HookResponse, generation: u64) {
        self.last_answer = Some(answer.description);
        if answer.is_success {
            self.failures = 0;
            self.not_before = None;
            if self
                .pending
                .as_ref()
                .is_some_and(|pending| pending.generation == generation)
            {
                self.pending = None;
            }
        } else {
            self.failures = self.failures.saturating_add(1);
            self.not_before = answer.not_before;
        }
    }

    /// When the last 24 hours hold room for one more.
    fn day_allows(&self, rules: &HookRules) -> Option<DateTime<Utc>> {
        let earlier = self
            .called
            .len()
            .checked_sub(rules.per_day.max(1) as usize)?;
        self.called.get(earlier).map(|at| *at + DAY)
    }

    /// When the bucket holds a token again. It holds `AT_ONCE`th of the budget and fills with the rest over 31 days, so
    /// that no 31 days see more than the budget.
    fn month_allows(&self, rules: &HookRules) -> Option<DateTime<Utc>> {
        let budget = rules.per_month.max(1);
        let burst = budget.div_ceil(AT_ONCE);
        let Some(released) = budget.checked_sub(burst).filter(|released| *released > 0) else {
            let earlier = self.called.len().checked_sub(budget as usize)?;
            return self.called.get(earlier).map(|at| *at + MONTH);
        };
        let a_token = MONTH / i32::try_from(released).unwrap_or(i32::MAX);
        // When the bucket was, or will be, full.
        let mut full = *self.called.first()?;
        for at in &self.called {
            full = full.max(*at) + a_token;
        }
        Some(full - a_token * i32::try_from(burst).unwrap_or(i32::MAX) + a_token)
    }

    fn failure_allows(&self) -> Option<DateTime<Utc>> {
        let last = *self.called.last()?;
        let doublings = self.failures.checked_sub(1)?.min(16);
        let pause = (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
        Some((last + pause).max(self.not_before.unwrap_or(last)))
    }
}

/// How a call of the hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookResponse {
    /// A 2xx.
    pub is_success: bool,
    /// In words, without the URL.
    pub description: String,
    /// `Retry-After`.
    pub not_before: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests;
