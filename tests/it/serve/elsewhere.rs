//! `photos serve` over stores elsewhere: no notification is delivered, and all is found by looking.

use std::time::Duration;

use serde_json::Value;

use super::process::Photos;
use crate::ingest::fixture::{ARCHIVE, World, layout};
use crate::ingest::photos::Shot;

/// The stems that the gallery lists, and how many its timeline counts, once they are as they should be.
async fn listed(gallery: &str, stems: &[&str]) {
    let client = crate::http_client();
    let ask = async |path: &str| -> Option<Value> {
        let answer = client.get(format!("{gallery}{path}")).send().await.ok()?;
        answer.json().await.ok()
    };
    let mut seen = (Vec::new(), 0);
    for _ in 0..1200 {
        if let (Some(photos), Some(timeline)) =
            (ask("/v1/photos").await, ask("/v1/timeline?unit=year").await)
        {
            let items = photos["items"].as_array().unwrap();
            let of = |photo: &Value| photo["stem"].as_str().unwrap().to_owned();
            let years = timeline["items"].as_array().unwrap();
            let counted = years.iter().map(|year| year["photos"].as_u64().unwrap());
            seen = (items.iter().map(of).collect(), counted.sum::<u64>());
            if seen.0 == stems && seen.1 == stems.len() as u64 {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{seen:?}, not {stems:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_comes_and_goes_in_a_store_without_notifications_is_found_by_looking() {
    let world = World::quiet(layout()).await;
    let shot = Shot::at("2018:02:01 09:41:07");
    world.upload("card/a.jpg", shot.jpeg()).await;
    let mut photos = Photos::at_rest();
    let stores = (world.s3_endpoint.as_str(), world.dynamodb.as_str());
    let gallery = photos.start_elsewhere(stores);
    listed(&gallery, &["2018-02-01/a"]).await;

    world.upload("card/a.dng", shot.dng()).await;
    world
        .upload("card/b.jpg", Shot::at("2019:02:01 09:41:07").jpeg())
        .await;
    world.upload("card/notes.txt", "no photo").await;
    // Dropped into the archive by hand.
    world
        .put(
            ARCHIVE,
            "2017-01-01/c.jpg",
            Shot::at("2017:01:01 09:41:07").jpeg(),
        )
        .await;
    listed(&gallery, &["2019-02-01/b", "2018-02-01/a", "2017-01-01/c"]).await;
    assert_eq!(world.parts("2018-02-01/a").await, ["dng", "jpg"]);
    world.delete(ARCHIVE, "2019-02-01/b.jpg").await;
    listed(&gallery, &["2018-02-01/a", "2017-01-01/c"]).await;

    // What goes while nobody looks is missed at the next start.
    photos.interrupt();
    world.delete(ARCHIVE, "2017-01-01/c.jpg").await;
    let gallery = photos.start_elsewhere(stores);
    listed(&gallery, &["2018-02-01/a"]).await;
    assert!(!photos.data().exists(), "a data folder was made");
}
