//! Decides when a month is rebuilt and when the build hook is called. Pure: the functions read no
//! clock. The caller passes the state and the time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::catalogue::published::DirtyMonth;

/// The time after the last mark of a dirty month at which the month is due. By that time, the index
/// by-date contains the last change.
const MONTH_QUIET: TimeDelta = TimeDelta::seconds(10);
/// The time after the first mark of a dirty month at which the month is due, even if it is marked
/// again and again.
const MONTH_MAX_WAIT: TimeDelta = TimeDelta::minutes(5);
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
/// The maximum pause after a failed call of the build hook. Only the header `Retry-After` of a
/// response can make the pause longer.
const MAX_PAUSE: TimeDelta = TimeDelta::hours(6);

/// Reports whether a dirty month is due: the next cycle then rebuilds the month.
pub(super) fn month_is_due(dirty: &DirtyMonth, now: DateTime<Utc>) -> bool {
    now - dirty.last >= MONTH_QUIET || now - dirty.since >= MONTH_MAX_WAIT
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
    /// The times of the calls of the hook in the last 31 days, oldest first. Failed calls are
    /// included, because a failed call may have started a build.
    pub called: Vec<DateTime<Utc>>,
    /// The number of failed calls of the hook since the last successful call.
    pub failures: u32,
    /// The earliest time of the next call of the hook, if the response to the last failed call set
    /// this time with `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// The text that describes the response to the last call of the hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<String>,
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
        let interval = self.called.last().map(|at| *at + rules.interval);
        // If two limits end at the same time, the later one in this list is reported.
        let limits = [
            (Some(quiet), WaitReason::RecentChange),
            (interval, WaitReason::RecentCall),
            (self.day_budget_frees_at(rules), WaitReason::DayBudget),
            (self.month_budget_frees_at(rules), WaitReason::MonthBudget),
            (self.held_until, WaitReason::Import),
            (self.failure_pause_ends_at(), WaitReason::FailedCall),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(until, why)| until.map(|until| (until, why)));
        match limits.max_by_key(|(until, _)| *until) {
            Some((until, why)) if until > now => HookDecision::Wait { until, why },
            _ => HookDecision::Call,
        }
    }

    /// Adds a call at the time `now` to this state. The caller must store the state before it sends
    /// the call, so that a crash cannot lead to a second call.
    pub fn record_call(&mut self, now: DateTime<Utc>) {
        self.called.retain(|at| now - *at < MONTH);
        self.called.push(now);
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

    /// Returns the time from which the daily budget allows one more call. Returns `None` or a time
    /// in the past if it allows a call now.
    fn day_budget_frees_at(&self, rules: &HookRules) -> Option<DateTime<Utc>> {
        let earlier = self
            .called
            .len()
            .checked_sub(rules.per_day.max(1) as usize)?;
        self.called.get(earlier).map(|at| *at + DAY)
    }

    /// Returns the time from which the monthly budget allows one more call. Returns `None` or a
    /// time in the past if it allows a call now.
    ///
    /// The budget is a token bucket. At first, the budget divided by [`BURST_DIVISOR`] is
    /// available. The rest becomes available evenly over 31 days. So no period of 31 days has more
    /// calls than the budget.
    fn month_budget_frees_at(&self, rules: &HookRules) -> Option<DateTime<Utc>> {
        let budget = rules.per_month.max(1);
        let burst = budget.div_ceil(BURST_DIVISOR);
        let Some(released) = budget.checked_sub(burst).filter(|released| *released > 0) else {
            let earlier = self.called.len().checked_sub(budget as usize)?;
            return self.called.get(earlier).map(|at| *at + MONTH);
        };
        let per_token = MONTH / i32::try_from(released).unwrap_or(i32::MAX);
        // The time at which the bucket is full if no further call is made. It may be in the past.
        let mut full = *self.called.first()?;
        for at in &self.called {
            full = full.max(*at) + per_token;
        }
        Some(full - per_token * i32::try_from(burst).unwrap_or(i32::MAX) + per_token)
    }

    /// Returns the time at which the pause after a failed call ends. Returns `None` if the last
    /// call succeeded or if there was none.
    fn failure_pause_ends_at(&self) -> Option<DateTime<Utc>> {
        let last = *self.called.last()?;
        let doublings = self.failures.checked_sub(1)?.min(16);
        let pause = (FIRST_PAUSE * (1 << doublings)).min(MAX_PAUSE);
        Some((last + pause).max(self.not_before.unwrap_or(last)))
    }
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
