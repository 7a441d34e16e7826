//! Tests that the published files follow the public view.

use photo_catalogue::catalogue::published::FilesState;
use photo_catalogue::privacy::LocationPolicy;
use serde_json::json;
use std::time::Duration;

use super::fixture::{PublishWorld, settings};
use crate::gallery::fixture::Shot;

#[tokio::test]
async fn a_view_that_hides_more_removes_the_hidden_data_from_all_files() {
    let mut world = PublishWorld::new().await;
    let place =
        |name, local| Shot::new(name, local).place(-73.645_678, 45.471_234, LocationPolicy::Exact);
    let shots = [
        place("IMG_0001", "2018-02-01T09:00:00"),
        place("IMG_0002", "2019-03-01T09:00:00"),
    ];
    let records = world.change(&shots).await;
    world.mark(&records).await;
    world.settle().await;
    let files_with_position = |files: &std::collections::BTreeMap<String, serde_json::Value>| {
        files
            .values()
            .filter(|file| file.to_string().contains("45.47"))
            .count()
    };
    // These are the files of both months, the file of changes and the map.
    assert_eq!(files_with_position(&world.files().await), 4);

    let hiding = world.other_publisher(settings(LocationPolicy::Hide));
    world.pass(60);
    hiding
        .run_cycle(world.now, Duration::from_secs(600))
        .await
        .unwrap();
    let files = world.files().await;
    assert_eq!(files_with_position(&files), 0, "{files:?}");
    let months = world.published.months().await.unwrap();
    assert!(
        months
            .iter()
            .all(|month| month.cells.is_empty() && month.photos == 1)
    );
    // Readers of the earlier files must read everything again.
    assert!(files["changes.json"]["since"].as_u64() >= Some(2));
}

#[tokio::test]
async fn a_private_photo_is_in_no_file() {
    let mut world = PublishWorld::new().await;
    let shots = [
        Shot::new("IMG_0001", "2018-02-01T09:00:00").private(),
        Shot::new("IMG_0002", "2018-02-01T09:00:00"),
    ];
    let records = world.change(&shots).await;
    world.mark(&records).await;
    world.settle().await;
    let files = world.files().await;
    assert!(files["2018-02.json"].to_string().contains("IMG_0002"));
    for (path, file) in &files {
        let text = file.to_string();
        assert!(
            !text.contains("IMG_0001") && !text.contains("SECRET"),
            "{path}: {text}"
        );
    }
}

/// Stores what an earlier version of publish has left: the state of another public view, and
/// changes that contain an old version of a photo. Interrupts the first cycle at each place: before
/// its first request, after one request, and so on. The files of the months do not change.
#[tokio::test]
async fn changes_of_an_earlier_view_are_dropped_even_after_an_interruption() {
    let mut world = PublishWorld::new().await;
    let records = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.settle().await;
    for cut in (0..).step_by(2) {
        let earlier = FilesState {
            view: "earlier".to_owned(),
            ..world.published.state().await.unwrap().files
        };
        world.published.put_files(&earlier).await.unwrap();
        let generation = earlier.generation;
        let photo = json!({ "id": "a", "title": "SECRET-OLD" });
        let change = json!({ "generation": generation, "month": "2018-02", "set": [photo] });
        let since = generation - 1;
        let old = json!({ "generation": generation, "since": since, "changes": [change] });
        world.put_file("changes.json", &old.to_string()).await;
        world.pass(60);
        world.wire.cut_after(cut);
        let is_interrupted = world.run_cycle().await.is_err();
        world.wire.mend();
        // The lease of the interrupted cycle ends.
        world.pass(180);
        world.settle().await;
        let changes = world.file("changes.json").await.unwrap();
        assert!(!changes.to_string().contains("SECRET"), "{cut}: {changes}");
        assert!(
            changes["since"].as_u64() >= Some(generation),
            "{cut}: {changes}"
        );
        if !is_interrupted {
            assert!(cut > 10, "{cut} requests");
            return;
        }
    }
}
