//! One recorded call of the build hook, and the time at which it counts against the budget. The
//! budget is the maximum number of calls in a day and in a month. Pure.
//!
//! The clock may be set back, or may be wrong for a while after a start. So a call can have several
//! possible times. It counts at the latest of them that is not in the future.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::schedule::is_in_future;

/// A recorded call of the build hook. As JSON, it is its time, or a map if the clock was set back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredHookCall", into = "StoredHookCall")]
pub struct HookCall {
    /// The time that the clock showed at the call.
    at: DateTime<Utc>,
    /// More possible times of this call, the latest first. When all possible times are in the
    /// future, the present time of the clock is added.
    corrected: Vec<DateTime<Utc>>,
    /// The time of an earlier call or change, if it is later than the time of this call. Then the clock
    /// was set back between the two. When the clock reaches this time again, it is unknown how long ago
    /// this call was.
    after: Option<DateTime<Utc>>,
}

/// The JSON of a [`HookCall`].
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredHookCall {
    /// A call whose time is certain.
    Certain(DateTime<Utc>),
    /// A call before or after which the clock was set back.
    Uncertain {
        at: DateTime<Utc>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        corrected: Vec<DateTime<Utc>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<DateTime<Utc>>,
    },
}

impl HookCall {
    /// Creates the record of a call at the time `now`. `latest` is the latest recorded time of all
    /// earlier calls and changes, if there are any.
    pub(super) fn new(now: DateTime<Utc>, latest: Option<DateTime<Utc>>) -> Self {
        HookCall {
            at: now,
            corrected: Vec::new(),
            after: latest.filter(|latest| is_in_future(*latest, now)),
        }
    }

    /// Returns the time that the clock showed at the call.
    pub fn recorded_at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Returns the time at which this call counts against the budget: the latest possible time that
    /// is not in the future. If all possible times are in the future, returns `now`.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta};
    /// use photo_catalogue::publish::{HookRules, HookState};
    ///
    /// let (at, year) = (DateTime::UNIX_EPOCH, TimeDelta::days(365));
    /// let mut state = HookState::default();
    /// state.record_call(&HookRules::default(), at);
    /// assert_eq!(state.called[0].counted_at(at + year), at);
    /// assert_eq!(state.called[0].counted_at(at - year), at - year);
    /// ```
    pub fn counted_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut times = std::iter::once(&self.at).chain(&self.corrected);
        let possible = times.find(|at| !is_in_future(**at, now));
        possible.copied().unwrap_or(now)
    }

    /// Adds a possible time to this call if all others are in the future. Replaces the time of the
    /// call by `now` if the clock was set back before the call, and has reached its earlier time
    /// again. Returns `true` if the call has changed.
    pub(super) fn correct_clock(&mut self, now: DateTime<Utc>) -> bool {
        if self.after.is_some_and(|after| after <= now) {
            *self = HookCall::new(now, None);
            return true;
        }
        let times = std::iter::once(&self.at).chain(&self.corrected);
        let is_changed = times.copied().all(|at| is_in_future(at, now));
        if is_changed {
            self.corrected.push(now);
        }
        is_changed
    }
}

impl From<StoredHookCall> for HookCall {
    fn from(stored: StoredHookCall) -> Self {
        let (at, corrected, after) = match stored {
            StoredHookCall::Certain(at) => (at, Vec::new(), None),
            StoredHookCall::Uncertain {
                at,
                corrected,
                after,
            } => (at, corrected, after),
        };
        HookCall {
            at,
            corrected,
            after,
        }
    }
}

impl From<HookCall> for StoredHookCall {
    fn from(call: HookCall) -> Self {
        if call.corrected.is_empty() && call.after.is_none() {
            return StoredHookCall::Certain(call.at);
        }
        StoredHookCall::Uncertain {
            at: call.at,
            corrected: call.corrected,
            after: call.after,
        }
    }
}
