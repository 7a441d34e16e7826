//! Tests of publish after the clock was set back.

use chrono::TimeDelta;
use photo_catalogue::publish::HookRules;

use super::fixture::PublishWorld;
use super::hook::{HookReceiver, add_photo, hook_state, world_with_rules};
use crate::gallery::fixture::Shot;

/// The times by which a test sets the clock back: an hour and a year.
fn set_backs() -> [TimeDelta; 2] {
    [TimeDelta::hours(1), TimeDelta::days(365)]
}

/// Adds a photo, and marks its month dirty.
async fn mark_photo(world: &PublishWorld, name: &str) {
    let shot = Shot::new(name, "2018-02-01T09:00:00");
    let records = world.change(&[shot]).await;
    world.mark(&records).await;
}

#[tokio::test]
async fn a_month_and_a_lease_wait_no_longer_than_usual() {
    for set_back in set_backs() {
        let mut world = PublishWorld::new().await;
        add_photo(&mut world, "IMG_0001").await;
        mark_photo(&world, "IMG_0002").await;
        let until = world.now + TimeDelta::minutes(3);
        let leased = world.published.lease("killed", world.now, until).await;
        assert!(leased.unwrap());
        world.now -= set_back;
        // The wait of the month and the lease begin again. The process with the lease may be at
        // work, so its lease must not be taken.
        world.run_cycle().await.unwrap();
        let marks = world.published.dirty_months().await.unwrap();
        assert_eq!((marks[0].since, marks[0].last), (world.now, world.now));
        for _ in 0..17 {
            world.pass(10);
            assert_eq!(world.run_cycle().await.unwrap().changed, 0);
        }
        world.pass(30);
        assert_eq!(world.run_cycle().await.unwrap().changed, 1);
        assert_eq!(world.file("index.json").await.unwrap()["photos"], 2);
        assert_eq!(world.published.dirty_months().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_month_that_is_marked_again_and_again_is_rebuilt() {
    for set_back in set_backs() {
        let mut world = PublishWorld::new().await;
        add_photo(&mut world, "IMG_0001").await;
        mark_photo(&world, "IMG_0002").await;
        world.now -= set_back;
        let mut rebuilt = 0;
        // The month is never quiet for ten seconds, so it is due after five minutes.
        for photo in 0..40 {
            mark_photo(&world, &format!("IMG_1{photo:03}")).await;
            world.pass(9);
            rebuilt += world.run_cycle().await.unwrap().months;
        }
        assert_eq!(rebuilt, 1);
    }
}

#[tokio::test]
async fn the_hook_keeps_its_budget_and_does_not_stop() {
    let rules = HookRules {
        quiet: TimeDelta::zero(),
        interval: TimeDelta::zero(),
        per_day: 1,
        ..HookRules::default()
    };
    for set_back in set_backs() {
        let (receiver, url) = HookReceiver::start(&[]).await;
        let mut world = world_with_rules(&url, rules).await;
        add_photo(&mut world, "IMG_0001").await;
        assert_eq!(receiver.calls(), 1);
        // An import is killed.
        let hold = world.now + TimeDelta::minutes(3);
        world.published.hold_hook(hold).await.unwrap();
        world.now -= set_back;
        add_photo(&mut world, "IMG_0002").await;
        let state = world.published.state().await.unwrap();
        assert!(state.held_until.unwrap() <= world.now + TimeDelta::minutes(3));
        let counted = hook_state(&world).await.call_times(world.now);
        assert!(counted[0] <= world.now, "{counted:?}");
        let first = world.now;
        while world.now < first + TimeDelta::hours(23) {
            world.pass(3_600);
            world.run_cycle().await.unwrap();
        }
        assert_eq!(receiver.calls(), 1);
        world.pass(7_200);
        world.run_cycle().await.unwrap();
        assert_eq!(receiver.calls(), 2);
        assert_eq!(hook_state(&world).await.pending, None);
    }
}
