//! Tests of `photos serve` over external stores. These stores deliver no notifications, so polling
//! must find every change.

use std::process::Output;
use std::time::Duration;

use photo_catalogue::object::Bucket;
use photo_catalogue::storage::DeleteOutcome;
use serde_json::Value;

use super::process::Photos;
use crate::conformance::{RunningStore, test_every_store};
use crate::ingest::fixture::{ARCHIVE, SOURCE};
use crate::ingest::photos::TestShot;

/// Waits until the gallery lists exactly these stems, and its timeline counts the same number of
/// photos.
async fn wait_until_listed(store: &str, gallery: &str, stems: &[&str]) {
    let client = crate::http_client();
    let get_json = async |path: &str| -> Option<Value> {
        let answer = client.get(format!("{gallery}{path}")).send().await.ok()?;
        answer.json().await.ok()
    };
    let mut seen = (Vec::new(), 0);
    for _ in 0..1200 {
        if let (Some(photos), Some(timeline)) = (
            get_json("/v1/photos").await,
            get_json("/v1/timeline?unit=year").await,
        ) {
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
    panic!("{store}: {seen:?}, not {stems:?}");
}

// The test blocks its thread while a command runs. That thread is not one of the runtime's workers,
// so the embedded servers keep running.
test_every_store! {
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    polling_finds_new_and_removed_objects
}

/// Checks that polling finds new and removed objects. Uses the default names of the buckets, which
/// no other test uses.
async fn polling_finds_new_and_removed_objects(store: RunningStore) {
    let name = store.name();
    let in_bucket = |bucket: &str, key: &str| Bucket::new(bucket).unwrap().object(key);
    let put = async |bucket: &str, key: &str, bytes: Vec<u8>| {
        store.put(&in_bucket(bucket, key), bytes).await
    };
    for bucket in [SOURCE, ARCHIVE] {
        let bucket = Bucket::new(bucket).unwrap();
        store.storage().create_bucket(&bucket).await.unwrap();
    }
    let delete = async |key: &str, etag: &str| {
        let object = in_bucket(ARCHIVE, key);
        let deleted = store.storage().delete_if_match(&object, etag).await;
        assert_eq!(deleted.unwrap(), DeleteOutcome::Done, "{name}: {key}");
    };
    let shot = TestShot::at("2018:02:01 09:41:07");
    put(SOURCE, "card/a.jpg", shot.jpeg()).await;
    let mut photos = Photos::at_rest();
    let stores = store.elsewhere();
    let gallery = photos.start_elsewhere(&stores);
    wait_until_listed(name, &gallery, &["2018-02-01/a"]).await;

    put(SOURCE, "card/a.dng", shot.dng()).await;
    let other = TestShot::at("2019:02:01 09:41:07").jpeg();
    let b = put(SOURCE, "card/b.jpg", other).await;
    put(SOURCE, "card/notes.txt", b"no photo".to_vec()).await;
    // These names are never a photo's.
    let hidden = TestShot::at("2016:02:01 09:41:07").jpeg();
    put(SOURCE, "card/.trashed-1-c.jpg", hidden.clone()).await;
    put(ARCHIVE, "2016-02-01/.c.jpg", hidden).await;
    // A person puts this file into the archive.
    let by_hand = TestShot::at("2017:01:01 09:41:07").jpeg();
    let c = put(ARCHIVE, "2017-01-01/c.jpg", by_hand).await;
    let all = ["2019-02-01/b", "2018-02-01/a", "2017-01-01/c"];
    wait_until_listed(name, &gallery, &all).await;
    let archived = async |key: &str| {
        let object = in_bucket(ARCHIVE, key);
        store.storage().head_object(&object).await.unwrap()
    };
    for key in ["2018-02-01/a.dng", "2018-02-01/a.jpg"] {
        assert!(archived(key).await.is_some(), "{name}: {key}");
    }
    // These stores have no stream that reports the changes that commands make.
    let assert_success = |output: Output| assert!(output.status.success(), "{name}: {output:?}");
    let run = |verb: &str| {
        let arguments = [verb, "2018-02-01/a", "--location", "exact"];
        assert_success(photos.run_elsewhere(&stores, &arguments));
    };
    let set = |seen: &str| {
        let arguments = ["set", "2018-02-01/a", "--location", "exact", seen];
        assert_success(photos.run_on_tables(&stores, &arguments));
    };
    set("--private");
    wait_until_listed(name, &gallery, &["2019-02-01/b", "2017-01-01/c"]).await;
    set("--public");
    wait_until_listed(name, &gallery, &all).await;
    run("rm");
    wait_until_listed(name, &gallery, &["2019-02-01/b", "2017-01-01/c"]).await;
    run("restore");
    wait_until_listed(name, &gallery, &all).await;
    delete("2019-02-01/b.jpg", &b).await;
    wait_until_listed(name, &gallery, &["2018-02-01/a", "2017-01-01/c"]).await;

    // The next start finds the objects that were removed while no process ran.
    photos.interrupt();
    delete("2017-01-01/c.jpg", &c).await;
    let gallery = photos.start_elsewhere(&stores);
    wait_until_listed(name, &gallery, &["2018-02-01/a"]).await;
    assert!(!photos.data().exists(), "a data folder was created");
}
