//! Tests of photos that wait for their pictures: sites, feeds and the build hook do not see them
//! earlier, and see one change.

use chrono::TimeDelta;
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::catalogue::picture_work::PICTURE_WAIT;
use serde_json::json;

use super::fixture::{PhotoChange, PublishWorld};
use crate::gallery::fixture::Shot;

fn shot() -> Shot {
    Shot::new("IMG_0001", "2018-02-01T09:00:00")
}

/// Returns a new photo that waits for its pictures.
fn waiting_photo(world: &PublishWorld) -> PhotoItem {
    let mut item = shot().item();
    let summary = item.summary.as_mut().unwrap();
    summary.pictures = None;
    summary.awaited_until = Some(world.now + PICTURE_WAIT);
    item
}

/// Writes a new photo that waits for its pictures, and runs cycles until its month is built.
async fn add_waiting_photo(world: &mut PublishWorld) -> PhotoItem {
    let records = world
        .change(&[Shot::new("IMG_0000", "2019-05-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.settle().await;
    let item = waiting_photo(world);
    let change = PhotoChange::new(None, Some(item.clone()));
    world.write(&change).await;
    world.mark(&[change.record]).await;
    world.pass(60);
    let report = world.run_cycle().await.unwrap();
    assert_eq!((report.months, report.changed), (1, 0));
    assert_eq!(world.file("2018-02.json").await, None);
    assert_eq!(world.file("index.json").await.unwrap()["photos"], 1);
    item
}

#[tokio::test]
async fn photo_is_published_once_with_its_pictures() {
    let mut world = PublishWorld::new().await;
    let before = add_waiting_photo(&mut world).await;
    let generation = world.file("index.json").await.unwrap()["generation"].clone();
    let change = PhotoChange::new(Some(before), Some(shot().item()));
    world.write(&change).await;
    world.mark(&[change.record]).await;
    world.pass(60);
    let report = world.run_cycle().await.unwrap();
    assert_eq!((report.months, report.changed), (1, 1));
    let index = world.file("index.json").await.unwrap();
    let last = index["generation"].as_u64().unwrap();
    assert_eq!(json!(last - 1), generation, "one change");
    let month = world.file("2018-02.json").await.unwrap();
    assert!(month["items"][0]["placeholder"].is_string());
    // Nothing is left to do when the wait would have ended.
    world.pass(PICTURE_WAIT.num_seconds());
    let report = world.run_cycle().await.unwrap();
    assert_eq!((report.months, report.deferred), (0, 0));
}

#[tokio::test]
async fn photo_without_pictures_is_published_after_its_wait() {
    let mut world = PublishWorld::new().await;
    add_waiting_photo(&mut world).await;
    world.pass((PICTURE_WAIT - TimeDelta::seconds(70)).num_seconds());
    let report = world.run_cycle().await.unwrap();
    assert_eq!((report.months, report.deferred), (0, 0), "it still waits");
    world.pass(20);
    world.settle().await;
    let month = world.file("2018-02.json").await.unwrap();
    assert_eq!(month["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(month["items"][0]["images"], json!([]));
    assert_eq!(world.file("index.json").await.unwrap()["photos"], 2);
}
