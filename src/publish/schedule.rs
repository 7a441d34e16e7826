//! Decides when a month is rebuilt, when the build hook is called, and whether the lease can be
//! acquired. Pure: the functions read no clock. The caller passes the state and the time.
//!
//! The clock of the machine may be set back, by an hour or by years. Stored times are then in the
//! future. Nothing waits until the clock reaches them again:
//!
//! - the wait of a dirty month begins again;
//! - a lease, or the delay of the hook by an import, is shortened to its longest duration;
//! - a call of the hook counts as a call at the present time, so that the budget is kept.
//!
//! It is unknown whether the clock was wrong before or is wrong now. So the recorded time of a call
//! is kept, and counts again as soon as the clock has reached it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::hook_call::HookCall;
use crate::catalogue::published::DirtyMonth;

/// The time after the last mark of a dirty month at which the month is due. By that time, the index
/// by-date contains the last change.
const MONTH_QUIET: TimeDelta = TimeDelta::seconds(10);
/// The time after the first mark of a dirty month at which the month is due, even if it is marked
/// again and again.
const MONTH_MAX_WAIT: TimeDelta = TimeDelta::minutes(5);
/// The duration of a lease, which is the right to publish alone. If a cycle is interrupted and does
/// not release the lease, no other process can run a cycle until the lease ends by itself.
pub(super) const LEASE_DURATION: TimeDelta = TimeDelta::minutes(3);
/// The maximum duration of one delay of the build hook by an import. An import renews its delay
/// until it ends. If an import is killed, its delay ends by itself after this time.
pub const MAX_HOOK_HOLD: TimeDelta = TimeDelta::minutes(3);
/// The maximum difference between the clocks of two machines that is expected. A stored time that
/// is further in the future was written before the clock was set back.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(1);
/// The time for which a call of the build hook counts against the daily budget.
const DAY: TimeDelta = TimeDelta::hours(24);
/// The time for which a call of the build hook counts against the monthly budget. It is as long as
/// the longest month. The budget is therefore kept in every billing month of the host, no matter on
/// which day the month begins.
const MONTH: TimeDelta = TimeDelta::days(31);
/// The monthly budget divided by this number is the burst: the number of calls that the budget
/// allows without a pause. The other calls are allowed evenly over the month.
const BURST_DIVISOR: u32 = 3;
/// The pause after a failed call of the build hook. The pause doubles with each further failure in
/// a row.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(2);
/// The maximum pause that the header `Retry-After` of a response can set. A longer pause is
/// shortened to this time.
pub(super) const MAX_RETRY_AFTER: TimeDelta = TimeDelta::hours(24);
/// The maximum pause after a failed call of the build hook. Only the header `Retry-After` of a
/// response can make the pause longer.
const MAX_PAUSE: TimeDelta = TimeDelta::hours(6);

/// The decision what a cycle does with a dirty month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MonthDecision {
    /// The month is rebuilt now.
    Rebuild,
    /// A later cycle rebuilds the month.
    Wait,
    /// The time at which the month became dirty is in the future, because the clock was set back. The
    /// month gets the present time instead, and waits from then on. It is not rebuilt at once,
    /// because the DynamoDB index `by-date` may not contain the newest change yet.
    Correct {
        /// The new time at which the month became dirty.
        since: DateTime<Utc>,
    },
}

/// Decides what a cycle does with a dirty month.
pub(super) fn decide_month(dirty: &DirtyMonth, now: DateTime<Utc>) -> MonthDecision {
    if is_in_future(dirty.last, now) || is_in_future(dirty.since, now) {
        let since = dirty.since.min(now);
        return MonthDecision::Correct { since };
    }
    match now - dirty.last >= MONTH_QUIET || now - dirty.since >= MONTH_MAX_WAIT {
        true => MonthDecision::Rebuild,
        false => MonthDecision::Wait,
    }
}

/// Reports whether a dirty month is due: the next cycle then rebuilds the month.
pub(super) fn month_is_due(dirty: &DirtyMonth, now: DateTime<Utc>) -> bool {
    decide_month(dirty, now) == MonthDecision::Rebuild
}

/// The decision whether a process tries to acquire the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeaseDecision {
    /// There is no lease, or it has ended.
    Acquire,
    /// Another process has the lease.
    Wait,
    /// Another process has or had the lease, and the clock was set back. The lease must be shortened
    /// to [`LEASE_DURATION`] from now.
    Shorten {
        /// The present end of the lease.
        from: DateTime<Utc>,
    },
}

/// Decides whether a process tries to acquire the lease. `leased_until` is the end of the present
/// lease, if there is one.
pub(super) fn decide_lease(
    leased_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> LeaseDecision {
    match leased_until {
        Some(from) if is_in_future(from, now + LEASE_DURATION) => LeaseDecision::Shorten { from },
        Some(until) if until > now => LeaseDecision::Wait,
        _ => LeaseDecision::Acquire,
    }
}

/// Returns the new end of the hook's delay by an import, if its present end `held_until` is later
/// than any import can set it. Returns `None` if the present end is credible.
pub(super) fn shortened_hook_hold(
    held_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let latest = now + MAX_HOOK_HOLD;
    is_in_future(held_until, latest).then_some(latest)
}

/// Reports whether a stored time is so far in the future that the clock must have been set back.
pub(super) fn is_in_future(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at - now > MAX_CLOCK_SKEW
}

/// The limits for calls of the build hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookRules {
    /// The time after the last change at which the hook is called, if nothing changes until then.
    pub quiet: TimeDelta,
    /// The time after the first change at which the hook is called even if further changes follow
    /// again and again. The other limits still apply.
    pub max_wait: TimeDelta,
    /// The minimum time between two calls of the build hook.
    pub interval: TimeDelta,
    /// The maximum number of calls of the build hook in 24 hours. The value 0 counts as 1.
    pub per_day: u32,
    /// The maximum number of calls of the build hook in 31 days. The value 0 counts as 1. A third
    /// of the calls may follow one another at once. The others are allowed evenly over the 31 days.
    pub per_month: u32,
}

impl Default for HookRules {
    /// Returns limits for Netlify's free plan, which includes about 20 builds a month. The limit of
    /// 18 leaves some of them for manual builds.
    ///
    /// ```
    /// use photo_catalogue::publish::HookRules;
    ///
    /// let rules = HookRules::default();
    /// assert_eq!((rules.per_day, rules.per_month), (3, 18));
    /// ```
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

/// The state of the build hook in the publish table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HookState {
    /// The changes since the last successful call of the hook, or `None` if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingBuild>,
    /// The calls of the hook in the last 31 days, and at least as many calls as the monthly budget
    /// allows. Failed calls are included, because a failed call may have started a build.
    pub called: Vec<HookCall>,
    /// The number of failed calls of the hook since the last successful call.
    pub failures: u32,
    /// The earliest time of the next call of the hook, if the response to the last failed call set
    /// this time with `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// The text that describes the response to the last call of the hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<String>,
    /// A time that the clock had shown before it was set back. `None` if the clock has reached it again,
    /// or if nothing shows that it was set back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_back_from: Option<DateTime<Utc>>,
    /// The time before which the hook must not be called, because of an import. The import writes
    /// this time, so it is stored in an item of its own.
    #[serde(skip)]
    pub held_until: Option<DateTime<Utc>>,
}

/// A build of the site that is needed but not started, with the changes of the published photos
/// that it will show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingBuild {
    /// The time at which the first of the changes was published.
    pub since: DateTime<Utc>,
    /// The time at which the last of the changes was published.
    pub last: DateTime<Utc>,
    /// The number of new, changed and removed photos.
    pub photos: u64,
    /// The earliest day of the changed photos, such as `2018-02-01`. `None` if all are undated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The latest day of the changed photos. `None` if all are undated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The number of changes. If it is higher after a call of the hook than before, changes were
    /// added during the call. These changes need another build.
    pub generation: u64,
}

/// The decision whether the hook is called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookDecision {
    /// The hook is not called, because nothing has changed.
    Idle,
    /// The hook is not called yet. A build is pending, but must wait.
    Wait {
        /// The time at which the wait ends, if there is no further change until then.
        until: DateTime<Utc>,
        /// The reason for the wait. If there are several reasons, this is the reason that lasts
        /// longest.
        why: WaitReason,
    },
    /// The hook must be called now.
    Call,
}

/// The reason why a pending build must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The hook must wait: the last change is too recent, and more changes may follow.
    RecentChange,
    /// The hook must wait: the last call is too recent.
    RecentCall,
    /// The hook must wait: the calls of the last 24 hours have used up the daily budget.
    DayBudget,
    /// The hook must wait: the calls of the last 31 days have used up all calls that the monthly
    /// budget allows so far.
    MonthBudget,
    /// The hook must wait: the last call failed, and the pause after it has not ended.
    FailedCall,
    /// The hook must wait: an import is running, or has just ended.
    Import,
}

impl std::fmt::Display for WaitReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            WaitReason::RecentChange => "photos are still coming",
            WaitReason::RecentCall => "the last build is too recent",
            WaitReason::DayBudget => "the day's budget is spent",
            WaitReason::MonthBudget => "the month's budget is spent so far",
            WaitReason::FailedCall => "the last call failed",
            WaitReason::Import => "photos are being imported",
        })
    }
}

impl HookState {
    /// Adds a change to the pending build. Creates a pending build if there is none. `photos` is
    /// the number of photos that changed. `from` and `to` are the earliest and the latest day of
    /// these photos.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use photo_catalogue::publish::HookState;
    ///
    /// let day = |day: &str| Some(day.to_owned());
    /// let mut state = HookState::default();
    /// state.add_change(2, day("2018-02-03"), day("2018-02-04"), DateTime::UNIX_EPOCH);
    /// state.add_change(1, day("2018-02-01"), day("2018-02-01"), DateTime::UNIX_EPOCH);
    /// let pending = state.pending.unwrap();
    /// assert_eq!((pending.photos, pending.from), (3, day("2018-02-01")));
    /// ```
    pub fn add_change(
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

    /// Decides whether the hook must be called now. The hook is called as soon as a build is
    /// pending and all limits allow a call.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta};
    /// use photo_catalogue::publish::{HookDecision, HookRules, HookState, WaitReason};
    ///
    /// let (rules, now) = (HookRules::default(), DateTime::UNIX_EPOCH);
    /// let mut state = HookState::default();
    /// assert_eq!(state.decide(&rules, now), HookDecision::Idle);
    ///
    /// state.add_change(1, None, None, now);
    /// let until = now + TimeDelta::seconds(90);
    /// let why = WaitReason::RecentChange;
    /// assert_eq!(state.decide(&rules, now), HookDecision::Wait { until, why });
    /// assert_eq!(state.decide(&rules, until), HookDecision::Call);
    /// ```
    pub fn decide(&self, rules: &HookRules, now: DateTime<Utc>) -> HookDecision {
        let Some(pending) = &self.pending else {
            return HookDecision::Idle;
        };
        let quiet = (pending.last + rules.quiet).min(pending.since + rules.max_wait);
        let calls = self.call_times(now);
        let interval = calls.last().map(|at| *at + rules.interval);
        // If two limits end at the same time, the later one in this list is reported.
        let limits = [
            (Some(quiet), WaitReason::RecentChange),
            (interval, WaitReason::RecentCall),
            (day_budget_frees_at(rules, &calls), WaitReason::DayBudget),
            (
                month_budget_frees_at(rules, &calls),
                WaitReason::MonthBudget,
            ),
            (self.held_until, WaitReason::Import),
            (self.failure_pause_ends_at(&calls), WaitReason::FailedCall),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(until, why)| until.map(|until| (until, why)));
        match limits.max_by_key(|(until, _)| *until) {
            Some((until, why)) if until > now => HookDecision::Wait { until, why },
            _ => HookDecision::Call,
        }
    }

    /// Returns the times at which the recorded calls count against the budget, in ascending order.
    /// No time is in the future, except for a small difference between clocks.
    pub fn call_times(&self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let times = self.called.iter().map(|call| call.counted_at(now));
        let mut times: Vec<DateTime<Utc>> = times.collect();
        times.sort_unstable();
        times
    }

    /// Corrects the times in this state that are in the future, because the clock was set back.
    /// Returns `true` if the caller must store the state. A repeat at the same time changes nothing.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta};
    /// use photo_catalogue::publish::{HookDecision, HookRules, HookState};
    ///
    /// let (rules, now) = (HookRules::default(), DateTime::UNIX_EPOCH);
    /// let mut state = HookState::default();
    /// state.add_change(1, None, None, now + TimeDelta::days(365));
    /// assert!(state.correct_clock(now));
    /// assert!(!state.correct_clock(now));
    /// assert_eq!(state.decide(&rules, now + TimeDelta::seconds(90)), HookDecision::Call);
    /// ```
    pub fn correct_clock(&mut self, now: DateTime<Utc>) -> bool {
        let mut is_changed = false;
        for call in &mut self.called {
            is_changed |= call.correct_clock(now);
        }
        if self.set_back_from.is_some_and(|shown| shown <= now) {
            self.set_back_from = None;
            is_changed = true;
        }
        if let Some(pending) = &mut self.pending
            && (is_in_future(pending.last, now) || is_in_future(pending.since, now))
        {
            let shown = pending.last.max(pending.since);
            self.set_back_from = self.set_back_from.max(Some(shown));
            pending.last = now;
            pending.since = pending.since.min(now);
            is_changed = true;
        }
        let latest = now + MAX_RETRY_AFTER;
        if self.not_before.is_some_and(|at| is_in_future(at, latest)) {
            self.not_before = Some(latest);
            is_changed = true;
        }
        is_changed
    }

    /// Adds a call at the time `now` to this state. The caller must store the state before it sends
    /// the call, so that a crash cannot lead to a second call.
    pub fn record_call(&mut self, rules: &HookRules, now: DateTime<Utc>) {
        // A later call is never counted before an earlier one, even if the clock was set back.
        let latest = self.called.iter().map(HookCall::recorded_at).max();
        let latest = latest.max(self.set_back_from);
        self.called.sort_by_key(|call| call.counted_at(now));
        let mut excess = self.called.len().saturating_sub(rules.per_month as usize);
        self.called.retain(|call| {
            let is_excess = excess > 0 && now - call.counted_at(now) >= MONTH;
            excess = excess.saturating_sub(1);
            !is_excess
        });
        self.called.push(HookCall::new(now, latest));
    }

    /// Adds the response to a call to this state. `generation` is the [`PendingBuild::generation`]
    /// at the time of the call. The build stays pending if the call failed, or if changes were
    /// added during the call.
    pub fn record_response(&mut self, response: HookResponse, generation: u64) {
        self.last_answer = Some(response.description);
        if response.is_success {
            self.failures = 0;
            self.not_before = None;
            // Changes that were added during the call still need a build.
            if self
                .pending
                .as_ref()
                .is_some_and(|pending| pending.generation == generation)
            {
                self.pending = None;
            }
        } else {
            self.failures = self.failures.saturating_add(1);
            self.not_before = response.not_before;
        }
    }

    /// Returns the time at which the pause after a failed call ends. Returns `None` if the last
    /// call succeeded or if there was none.
    fn failure_pause_ends_at(&self, calls: &[DateTime<Utc>]) -> Option<DateTime<Utc>> {
        let last = *calls.last()?;
        let doublings = self.failures.checked_sub(1)?.min(16);
        let pause = (FIRST_PAUSE * (1 << doublings)).min(MAX_PAUSE);
        Some((last + pause).max(self.not_before.unwrap_or(last)))
    }
}

/// Returns the time from which the daily budget allows one more call. Returns `None` or a time in
/// the past if it allows a call now. `calls` are the times of the calls, in ascending order.
fn day_budget_frees_at(rules: &HookRules, calls: &[DateTime<Utc>]) -> Option<DateTime<Utc>> {
    let earlier = calls.len().checked_sub(rules.per_day.max(1) as usize)?;
    calls.get(earlier).map(|at| *at + DAY)
}

/// Returns the time from which the monthly budget allows one more call. Returns `None` or a time in
/// the past if it allows a call now. `calls` are the times of the calls, in ascending order.
///
/// The budget is a token bucket. At first, the budget divided by [`BURST_DIVISOR`] is available.
/// The rest becomes available evenly over 31 days. So no period of 31 days has more calls than the
/// budget.
fn month_budget_frees_at(rules: &HookRules, calls: &[DateTime<Utc>]) -> Option<DateTime<Utc>> {
    let budget = rules.per_month.max(1);
    let burst = budget.div_ceil(BURST_DIVISOR);
    let Some(released) = budget.checked_sub(burst).filter(|released| *released > 0) else {
        let earlier = calls.len().checked_sub(budget as usize)?;
        return calls.get(earlier).map(|at| *at + MONTH);
    };
    let per_token = MONTH / i32::try_from(released).unwrap_or(i32::MAX);
    // The time at which the bucket is full if no further call is made. It may be in the past.
    let mut full = *calls.first()?;
    for at in calls {
        full = full.max(*at) + per_token;
    }
    Some(full - per_token * i32::try_from(burst).unwrap_or(i32::MAX) + per_token)
}

/// The response to one call of the hook, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookResponse {
    /// `true` if the HTTP status is 2xx.
    pub is_success: bool,
    /// The HTTP status or the error as text, without the secret URL.
    pub description: String,
    /// The earliest time of the next call, if the response set this time with the header
    /// `Retry-After`.
    pub not_before: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests;
