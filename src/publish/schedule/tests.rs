use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time")
}

fn success() -> HookResponse {
    HookResponse {
        is_success: true,
        description: "200".to_owned(),
        not_before: None,
    }
}

fn failure(not_before: Option<DateTime<Utc>>) -> HookResponse {
    HookResponse {
        is_success: false,
        description: "503".to_owned(),
        not_before,
    }
}

fn add_photo(state: &mut HookState, seconds: i64) {
    state.add_change(
        1,
        Some("2018-02-01".to_owned()),
        Some("2018-02-01".to_owned()),
        at(seconds),
    );
}

/// Returns the times of the calls in a simulation. `changes` contains the times of the changes, in
/// ascending order. All times are in seconds. A cycle runs at each full minute that may lead to a
/// call.
fn simulate_calls(
    rules: &HookRules,
    changes: &[i64],
    end: i64,
    mut respond: impl FnMut() -> HookResponse,
) -> Vec<i64> {
    let mut state = HookState::default();
    let mut changes = changes.iter().peekable();
    let (mut calls, mut now) = (Vec::new(), 0);
    while now <= end {
        while let Some(change) = changes.next_if(|change| **change <= now) {
            add_photo(&mut state, *change);
        }
        let mut next = changes.peek().map_or(end + 1, |change| **change);
        match state.decide(rules, at(now)) {
            HookDecision::Idle => {}
            HookDecision::Wait { until, .. } => next = next.min((until - at(0)).num_seconds()),
            HookDecision::Call => {
                calls.push(now);
                let pending = state.pending.as_ref();
                let seen = pending.map_or(0, |pending| pending.generation);
                state.record_call(rules, at(now));
                state.record_response(respond(), seen);
                next = now;
            }
        }
        now = (next.max(now + 1) + 59) / 60 * 60;
    }
    calls
}

#[test]
fn each_limit_delays_the_call_and_is_reported() {
    let rules = HookRules::default();
    let mut state = HookState::default();
    assert_eq!(state.decide(&rules, at(0)), HookDecision::Idle);
    add_photo(&mut state, 0);
    let wait = |until, why| HookDecision::Wait {
        until: at(until),
        why,
    };
    assert_eq!(
        state.decide(&rules, at(89)),
        wait(90, WaitReason::RecentChange)
    );
    assert_eq!(state.decide(&rules, at(90)), HookDecision::Call);
    // Without quiet, the call is due a quarter of an hour after the first change.
    add_photo(&mut state, 880);
    assert_eq!(
        state.decide(&rules, at(881)),
        wait(900, WaitReason::RecentChange)
    );
    assert_eq!(state.decide(&rules, at(900)), HookDecision::Call);

    state.record_call(&rules, at(900));
    state.record_response(success(), 2);
    assert_eq!(state.decide(&rules, at(901)), HookDecision::Idle);
    add_photo(&mut state, 1000);
    assert_eq!(
        state.decide(&rules, at(1100)),
        wait(1500, WaitReason::RecentCall)
    );

    state.record_call(&rules, at(2000));
    state.record_call(&rules, at(3000));
    assert_eq!(
        state.decide(&rules, at(4000)),
        wait(900 + 86_400, WaitReason::DayBudget)
    );

    let generous = HookRules {
        per_day: 100,
        ..rules
    };
    for call in 0..3 {
        state.record_call(&rules, at(4000 + call));
    }
    // A third of 18 is spent. One of the other twelve is released every 31/12 days.
    let per_token = 31 * 86_400 / 12;
    assert_eq!(
        state.decide(&generous, at(4700)),
        wait(900 + per_token, WaitReason::MonthBudget)
    );
}

#[test]
fn failed_calls_are_repeated_after_growing_pauses_and_not_before_retry_after() {
    let rules = HookRules {
        interval: TimeDelta::zero(),
        per_day: 1000,
        per_month: 3000,
        ..HookRules::default()
    };
    let mut state = HookState::default();
    add_photo(&mut state, 0);
    state.record_call(&rules, at(100));
    state.record_response(failure(None), 1);
    let wait = |until| HookDecision::Wait {
        until: at(until),
        why: WaitReason::FailedCall,
    };
    assert_eq!(state.decide(&rules, at(101)), wait(220));
    state.record_call(&rules, at(220));
    state.record_response(failure(Some(at(5000))), 1);
    assert_eq!(state.decide(&rules, at(221)), wait(5000));
    assert!(state.pending.is_some());
    state.record_call(&rules, at(5000));
    state.record_response(success(), 1);
    assert_eq!(state.decide(&rules, at(5001)), HookDecision::Idle);
}

#[test]
fn a_change_during_a_call_needs_another_build() {
    let rules = HookRules::default();
    let mut state = HookState::default();
    add_photo(&mut state, 0);
    state.record_call(&rules, at(100));
    add_photo(&mut state, 101);
    state.record_response(success(), 1);
    assert!(state.pending.is_some());
}

#[test]
fn ten_thousand_uploads_in_ten_minutes_make_at_most_two_builds() {
    let uploads: Vec<i64> = (0..10_000).map(|n| n * 600 / 10_000).collect();
    let calls = simulate_calls(&HookRules::default(), &uploads, 86_400, success);
    assert!(calls.len() <= 2, "{calls:?}");
    assert!(*calls.last().expect("a call") > *uploads.last().expect("an upload"));
}

#[test]
fn hourly_changes_never_exceed_the_monthly_budget() {
    let changes: Vec<i64> = (0..365 * 24).map(|hour| hour * 3600).collect();
    let calls = simulate_calls(&HookRules::default(), &changes, 366 * 86_400, success);
    for window in calls.windows(19) {
        assert!(window[18] - window[0] >= 31 * 86_400, "{window:?}");
    }
    // Calls are spread over the year and do not stop.
    assert!(calls.len() >= 140, "{}", calls.len());
}

#[test]
fn a_pending_build_has_the_number_of_photos_and_their_days() {
    let mut state = HookState::default();
    let day = |day: &str| Some(format!("2018-02-{day}"));
    state.add_change(30, day("02"), day("03"), at(0));
    state.add_change(7, day("01"), day("02"), at(5));
    state.add_change(1, None, None, at(6));
    let pending = state.pending.expect("pending");
    assert_eq!(
        (pending.photos, pending.from, pending.to),
        (38, day("01"), day("03"))
    );
    assert_eq!((pending.since, pending.last), (at(0), at(6)));
}

proptest! {
    #[test]
    fn no_limit_is_exceeded_and_the_last_change_is_built(
        mut changes in proptest::collection::vec(0..40 * 86_400i64, 1..200),
        interval in 0..7200i64,
        per_day in 1..10u32,
        per_month in 1..40u32,
        failing in proptest::collection::vec(any::<bool>(), 0..20),
    ) {
        changes.sort_unstable();
        let rules = HookRules { interval: TimeDelta::seconds(interval), per_day, per_month, ..HookRules::default() };
        let last = *changes.last().expect("at least one");
        let mut call = 0;
        let calls = simulate_calls(&rules, &changes, last + 120 * 86_400, || {
            call += 1;
            if failing.get(call - 1).copied().unwrap_or(false) { failure(None) } else { success() }
        });
        for pair in calls.windows(2) {
            prop_assert!(pair[1] - pair[0] >= interval);
        }
        for window in calls.windows(per_day as usize + 1) {
            prop_assert!(window[per_day as usize] - window[0] >= 86_400);
        }
        for window in calls.windows(per_month as usize + 1) {
            prop_assert!(window[per_month as usize] - window[0] >= 31 * 86_400, "{:?}", window);
        }
        // Many failures may use up 120 days of budget.
        if failing.len() < per_month as usize {
            prop_assert!(*calls.last().expect("a call") >= last, "{:?} {}", calls, last);
        }
    }
}

#[test]
fn an_import_delays_the_hook_and_ends_in_one_call() {
    let rules = HookRules::default();
    let mut state = HookState::default();
    // The import takes an hour, which is far longer than the maximum wait for a time without
    // changes. It renews its hold every minute.
    for second in (0..3600).step_by(60) {
        add_photo(&mut state, second);
        state.held_until = Some(at(second + 180));
        assert_ne!(state.decide(&rules, at(second)), HookDecision::Call);
    }
    // The last month is published a little later and belongs to the same build.
    add_photo(&mut state, 3600);
    let until = at(3540 + 180);
    assert_eq!(
        state.decide(&rules, at(3601)),
        HookDecision::Wait {
            until,
            why: WaitReason::Import
        }
    );
    assert_eq!(state.decide(&rules, until), HookDecision::Call);
}

/// The number of seconds by which a test sets the clock back: an hour and a year.
const SET_BACK: [i64; 2] = [3_600, 365 * 86_400];

fn dirty_month(since: i64, last: i64) -> DirtyMonth {
    DirtyMonth {
        month: "2018-02".to_owned(),
        generation: 1,
        since: at(since),
        last: at(last),
    }
}

#[test]
fn the_wait_of_a_month_begins_again_if_the_clock_was_set_back() {
    assert_eq!(decide_month(&dirty_month(0, 0), at(9)), MonthDecision::Wait);
    assert!(month_is_due(&dirty_month(0, 0), at(10)));
    assert!(month_is_due(&dirty_month(0, 299), at(300)));
    // The clocks of two machines may differ a little.
    assert_eq!(
        decide_month(&dirty_month(59, 60), at(0)),
        MonthDecision::Wait
    );
    for seconds in SET_BACK {
        for since in [-100, seconds] {
            let decision = decide_month(&dirty_month(since, seconds), at(0));
            let since = at(since.min(0));
            assert_eq!(decision, MonthDecision::Correct { since });
        }
        // The month was marked again after the clock was set back.
        let decision = decide_month(&dirty_month(seconds, -20), at(0));
        assert_eq!(decision, MonthDecision::Correct { since: at(0) });
    }
}

#[test]
fn a_lease_and_a_hold_that_end_too_late_are_shortened() {
    assert_eq!(decide_lease(None, at(0)), LeaseDecision::Acquire);
    assert_eq!(decide_lease(Some(at(0)), at(0)), LeaseDecision::Acquire);
    assert_eq!(decide_lease(Some(at(1)), at(0)), LeaseDecision::Wait);
    assert_eq!(decide_lease(Some(at(240)), at(0)), LeaseDecision::Wait);
    assert_eq!(shortened_hook_hold(at(240), at(0)), None);
    for seconds in SET_BACK {
        let from = at(seconds + 180);
        let decision = decide_lease(Some(from), at(0));
        assert_eq!(decision, LeaseDecision::Shorten { from });
        assert_eq!(shortened_hook_hold(from, at(0)), Some(at(180)));
    }
}

#[test]
fn the_hook_does_not_wait_until_the_clock_reaches_its_earlier_time() {
    let rules = HookRules::default();
    for seconds in SET_BACK {
        let mut state = HookState::default();
        add_photo(&mut state, seconds);
        state.record_call(&rules, at(seconds));
        state.record_response(failure(Some(at(seconds + 86_400))), 1);
        assert!(state.correct_clock(at(0)));
        // The longest `Retry-After` is a day. So a time that is an hour too late may be right, and
        // is not corrected.
        let until = at(86_400 + seconds.min(3_600));
        let expected = HookDecision::Wait {
            until,
            why: WaitReason::FailedCall,
        };
        match state.decide(&rules, at(1)) {
            HookDecision::Wait { until, .. } => assert!(until <= at(86_400 + 60), "{until}"),
            decision => assert_eq!(decision, expected),
        }
        assert_eq!(state.decide(&rules, at(86_400 + 60)), HookDecision::Call);
    }
}

#[test]
fn a_short_error_of_the_clock_at_a_start_does_not_use_up_the_budget() {
    let rules = HookRules::default();
    let mut state = HookState::default();
    for day in 0..18 {
        state.record_call(&rules, at(day * 86_400));
    }
    let before = state.call_times(at(30 * 86_400));
    // A machine without a battery starts in an earlier year, until it has asked a time server.
    assert!(state.correct_clock(at(-365 * 86_400)));
    assert_eq!(state.call_times(at(-365 * 86_400)), [at(-365 * 86_400); 18]);
    assert!(!state.correct_clock(at(30 * 86_400)));
    assert_eq!(state.call_times(at(30 * 86_400)), before);
}

#[test]
fn the_json_of_calls_is_read_in_both_forms() {
    let rules = HookRules::default();
    let mut state = HookState::default();
    state.record_call(&rules, at(1_000));
    let json = serde_json::to_value(&state).expect("JSON");
    assert!(json["called"][0].is_string(), "{json}");
    state.correct_clock(at(0));
    state.record_call(&rules, at(0));
    let json = serde_json::to_string(&state).expect("JSON");
    assert_eq!(
        serde_json::from_str::<HookState>(&json).expect("JSON"),
        state
    );
}

/// Returns the true times of the calls in a simulation with changes all the time. `show_clock`
/// returns the time that the clock shows at a true time. All times are in seconds. The state is
/// stored as JSON between two cycles.
fn simulate_wrong_clock(
    rules: &HookRules,
    step: i64,
    end: i64,
    show_clock: impl Fn(i64) -> i64,
) -> Vec<i64> {
    let mut state = HookState::default();
    let mut calls = Vec::new();
    for now in (0..end).step_by(usize::try_from(step).expect("a step")) {
        let clock = at(show_clock(now));
        let mut is_changed = state.correct_clock(clock);
        if state.pending.is_none() {
            state.add_change(1, None, None, clock);
        }
        if state.decide(rules, clock) == HookDecision::Call {
            calls.push(now);
            state.record_call(rules, clock);
            state.record_response(success(), 1);
            is_changed = true;
        }
        if is_changed {
            let json = serde_json::to_string(&state).expect("JSON");
            state = serde_json::from_str(&json).expect("JSON");
        }
    }
    calls
}

#[test]
fn first_call_after_a_clock_was_set_back_counts_when_it_is_set_right() {
    let rules = HookRules {
        per_day: 1,
        ..HookRules::default()
    };
    let year = 365 * 86_400;
    let show_clock = |now: i64| match now {
        3_600..10_800 => now - year,
        _ => now,
    };
    let calls = simulate_wrong_clock(&rules, 3_607, 3 * 86_400, show_clock);
    assert!(
        calls.windows(2).all(|pair| pair[1] - pair[0] >= 86_400),
        "{calls:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_clock_that_is_set_back_never_exceeds_the_budget_and_never_stops_the_hook(
        set_back_at in 1..60 * 24i64,
        set_back in prop_oneof![Just(3_600), Just(365 * 86_400), 120..40 * 86_400i64],
        set_right_after in prop_oneof![Just(None), (1..60 * 24i64).prop_map(Some)],
        per_day in 1..5u32,
        per_month in 2..30u32,
    ) {
        let rules = HookRules { per_day, per_month, ..HookRules::default() };
        let set_back_at = set_back_at * 3_600;
        let set_right_at = set_right_after.map(|hours| set_back_at + hours * 3_600);
        let show_clock = |now: i64| {
            let is_back = now >= set_back_at && set_right_at.is_none_or(|right| now < right);
            if is_back { now - set_back } else { now }
        };
        let end = 160 * 86_400;
        let calls = simulate_wrong_clock(&rules, 3_607, end, show_clock);
        // If the clock has already passed its earlier time, nothing shows that it is still wrong.
        // If it is set right after that, earlier calls look older than they are by the same time.
        let passed = set_right_at.filter(|right| right - set_back_at > set_back);
        let shortened = |from: i64, to: i64| {
            let is_within = passed.is_some_and(|right| from < right && right <= to);
            to - from + if is_within { set_back } else { 0 }
        };
        for window in calls.windows(per_day as usize + 1) {
            let time = shortened(window[0], window[per_day as usize]);
            prop_assert!(time >= 86_400, "{:?}", window);
        }
        for window in calls.windows(per_month as usize + 1) {
            let time = shortened(window[0], window[per_month as usize]);
            prop_assert!(time >= 31 * 86_400, "{:?}", window);
        }
        // All calls of a month may count again from the time at which the clock was set back. Even
        // then, the budget allows a call at most two months later.
        let longest_pause = 3 * 31 * 86_400;
        for pair in calls.windows(2) {
            prop_assert!(pair[1] - pair[0] >= 600);
            prop_assert!(pair[1] - pair[0] <= longest_pause, "{:?}", pair);
        }
        prop_assert!(end - calls.last().expect("a call") <= longest_pause);
    }
}
