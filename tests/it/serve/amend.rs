//! Tests of `photos set`, `photos fix-date` and `photos reindex`, which change records and do not
//! change files.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use photo_catalogue::catalogue::WriteOutcome;
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::{self, Endpoints};
use photo_metadata::EXTRACTOR_VERSION;
use serde_json::{Value, json};

use super::process::{Elsewhere, Photos};
use crate::ingest::fixture::{IngestWorld, archive_object, layout, source_object};
use crate::ingest::moving::file_under_wrong_day;
use crate::ingest::photos::TestShot;
use crate::ingest::proxy::StoreProxy;

fn list_capture_times(photos: &Photos) -> Vec<Value> {
    let lines = photos.output(&["list", "--json"]);
    let of = |line: &str| {
        let photo: Value = serde_json::from_str(line).unwrap();
        json!([photo["stem"], photo["takenAtLocal"]])
    };
    lines.lines().map(of).collect()
}

#[test]
fn fix_date_shifts_capture_times_and_can_be_undone() {
    let photos = Photos::at_rest();
    let card = photos.folder().join("card");
    std::fs::create_dir(&card).unwrap();
    for (name, at) in [
        ("a", "2018:02:01 09:00:00"),
        ("b", "2018:02:02 23:30:00"),
        ("c", "2018:02:03 09:00:00"),
    ] {
        std::fs::write(card.join(format!("{name}.jpg")), TestShot::at(at).jpeg()).unwrap();
    }
    photos.output(&["import", "card"]);
    photos.output(&["set", "--private", "2018-02-01/a"]);
    let (before, tree) = (list_capture_times(&photos), photos.tree("archive"));
    let fix = |camera: &str, shift: &str| {
        let range = ["--from", "2018-02-01", "--to", "2018-02-02"];
        let rest = ["--camera", camera, "--shift", shift];
        photos.output(&[&["fix-date"], &range[..], &rest[..]].concat());
    };
    fix("another-camera", "+1h");
    assert_eq!(list_capture_times(&photos), before);
    // A repeat has no effect.
    fix("nikon-d750", "+1h");
    fix("nikon-d750", "+1h");
    let after = json!([
        ["2018-02-03/c", "2018-02-03T09:00:00"],
        ["2018-02-02/b", "2018-02-03T00:30:00"],
    ]);
    assert_eq!(json!(list_capture_times(&photos)), after);
    let private = photos.output(&["list", "--json", "--private"]);
    assert!(private.contains("2018-02-01T10:00:00"), "{private}");
    // The shift survives a reindex and a second import, and the files do not change.
    photos.output(&["reindex"]);
    photos.output(&["import", "photos-data/archive"]);
    assert_eq!(json!(list_capture_times(&photos)), after);
    assert_eq!(photos.tree("archive"), tree);
    fix("nikon-d750", "0");
    assert_eq!(list_capture_times(&photos), before);
}

/// Starts the embedded engines, with the tables of ingest and of publish.
pub(super) async fn start_world() -> IngestWorld {
    let world = IngestWorld::without_delivery(layout()).await;
    let endpoints = Endpoints {
        s3: None,
        dynamodb: Some(world.dynamodb.clone()),
    };
    let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
    let published = PublishTable::new(clients.dynamodb, "publish");
    published.create_table().await.unwrap();
    world
}

/// Runs `photos reindex` on the stores of this world, and returns its messages.
pub(super) fn run_reindex(world: &IngestWorld, arguments: &[&str]) -> String {
    let arguments = [&["reindex"], arguments].concat();
    let output = Photos::at_rest().run_elsewhere(&world.elsewhere(), &arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refused_command_marks_no_month() {
    let world = start_world().await;
    let shot = TestShot::at("2018:02:01 09:41:07").jpeg();
    world.upload("a.jpg", shot).await;
    let archived = source_object("a.jpg");
    world.ingest.sync_object(&archived).await.unwrap();
    let catalogue = clients::connect(
        &clients::with_key_pair("test", "secret"),
        &Endpoints {
            s3: None,
            dynamodb: Some(world.dynamodb.clone()),
        },
    );
    let published = PublishTable::new(catalogue.dynamodb, "publish");
    let remove = |stores: &Elsewhere| {
        let rules = ["--location", "exact", "--source-after", "delete"];
        Photos::at_rest().run_elsewhere(stores, &[&["rm", "2018-02-01/a"], &rules[..]].concat())
    };
    // This store reports success although the condition of a delete is not met.
    let ignore_conditions = |status| match status {
        StatusCode::PRECONDITION_FAILED => StatusCode::NO_CONTENT,
        other => other,
    };
    let (_proxy, s3) = StoreProxy::start(&world.s3_endpoint, |_| None, ignore_conditions).await;
    let careless = Elsewhere {
        s3,
        ..world.elsewhere()
    };
    let refused = remove(&careless);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(published.dirty_months().await.unwrap().is_empty());
    assert_eq!(world.live_parts("2018-02-01/a").await, ["jpg"]);

    let removed = remove(&world.elsewhere());
    assert!(removed.status.success(), "{removed:?}");
    assert!(!published.dirty_months().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reindex_rereads_old_extractions_and_keeps_overrides() {
    let world = start_world().await;
    let shot = TestShot::at("2018:02:01 09:41:07");
    for key in ["old.jpg", "new.jpg"] {
        world.upload(key, shot.jpeg()).await;
        world.ingest.sync_object(&source_object(key)).await.unwrap();
    }
    let mut old = world.item("2018-02-01/old").await.unwrap();
    let new = world.item("2018-02-01/new").await.unwrap();
    let read = old.revision;
    let lens = old.photo.record.lens.take();
    assert!(lens.is_some());
    old.overrides.title = Some("set".to_owned());
    old.extractor_version = EXTRACTOR_VERSION - 1;
    for part in old.parts.values_mut() {
        part.extractor_version = EXTRACTOR_VERSION - 1;
    }
    old.revision += 1;
    let written = world.catalogue.put_item(&old, Some(read)).await.unwrap();
    assert_eq!(written, WriteOutcome::Written);

    let reindex = || run_reindex(&world, &["--location", "exact"]);
    assert!(reindex().contains("1 photos read again"));
    let now = world.item("2018-02-01/old").await.unwrap();
    assert_eq!(
        (now.photo.record.lens, now.extractor_version),
        (lens, EXTRACTOR_VERSION)
    );
    assert_eq!(now.summary.unwrap().record.title.as_deref(), Some("set"));
    assert_eq!(world.item("2018-02-01/new").await.unwrap(), new);
    assert!(reindex().contains("0 photos read again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reindex_reports_misfiled_photos_and_moves_them_on_request() {
    let world = start_world().await;
    let shot = TestShot::at("2018:02:01 09:41:07");
    file_under_wrong_day(&world, &[("a.jpg", shot.jpeg()), ("a.dng", shot.dng())]).await;
    world.put_archived("0001-01-01/b.jpg", shot.jpeg()).await;
    world.put_archived("2018-02-01/c.jpg", shot.jpeg()).await;
    for key in ["0001-01-01/b.jpg", "2018-02-01/c.jpg"] {
        world
            .ingest
            .process_object(&archive_object(key))
            .await
            .unwrap();
    }
    let before = world.archive_keys().await;
    let messages = run_reindex(&world, &["--location", "exact"]);
    assert!(
        messages.contains("2 are in the folder of another day"),
        "{messages}"
    );
    assert_eq!(world.archive_keys().await, before);
    let messages = run_reindex(&world, &["--location", "exact", "--move"]);
    assert!(
        messages.contains("0001-01-01/b: moved to 2018-02-01/b"),
        "{messages}"
    );
    assert!(messages.contains("2 moved, 0 failed"), "{messages}");
    let day = ["a.dng", "a.jpg", "b.jpg", "c.jpg"].map(|name| format!("2018-02-01/{name}"));
    assert_eq!(world.archive_keys().await, day);
    let messages = run_reindex(&world, &["--location", "exact", "--move"]);
    assert!(
        messages.contains("0 moved, 0 failed") && !messages.contains("another day"),
        "{messages}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reindex_applies_new_privacy_rules_without_reading_files() {
    let world = start_world().await;
    let shot = TestShot::at("2018:02:01 09:41:07");
    for key in ["family/a.jpg", "b.jpg"] {
        world.upload(key, shot.jpeg()).await;
        world.ingest.sync_object(&source_object(key)).await.unwrap();
    }
    let partitions = async || {
        let mut partitions = Vec::new();
        for stem in ["2018-02-01/a", "2018-02-01/b"] {
            let item = world.item(stem).await.unwrap();
            partitions.push(item.index.date_partition.unwrap().to_string());
        }
        partitions
    };
    assert_eq!(partitions().await, ["2018", "2018"]);
    // The files are deleted, so a read of them would fail.
    for key in ["2018-02-01/a.jpg", "2018-02-01/b.jpg"] {
        world.delete_archived(key).await;
    }
    let rules = ["--location", "exact", "--private-sources", "family/"];
    let messages = run_reindex(&world, &rules);
    assert!(
        messages.contains("0 photos read again, 1 derived again"),
        "{messages}"
    );
    assert_eq!(partitions().await, ["private#2018", "2018"]);
    let messages = run_reindex(&world, &rules);
    assert!(messages.contains("0 derived again"), "{messages}");
}

/// Returns an item as a version of this program wrote it that had no times.
fn item_without_times(item: &PhotoItem) -> PhotoItem {
    let mut item = item.clone();
    item.schema_version = 3;
    item.added_at = None;
    if let Some(summary) = &mut item.summary {
        (summary.added_at, summary.changed_at) = (None, None);
    }
    item
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reindex_dates_older_photos_without_reading_files() {
    let world = start_world().await;
    let shot = TestShot::at("2018:02:01 09:41:07");
    world.upload("a.jpg", shot.jpeg()).await;
    world
        .ingest
        .sync_object(&source_object("a.jpg"))
        .await
        .unwrap();
    let stem = "2018-02-01/a";
    let mut older = item_without_times(&world.item(stem).await.unwrap());
    for part in older.parts.values_mut() {
        part.last_modified = "2020-01-02T03:04:05Z".to_owned();
    }
    world.put_item(&older).await;

    let read: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&read);
    let s3 = StoreProxy::recording(&world.s3_endpoint, move |request, _| {
        seen.lock()
            .unwrap()
            .push(format!("{} {}", request.method, request.uri.path()));
    });
    let stores = Elsewhere {
        s3: s3.await,
        ..world.elsewhere()
    };
    let reindex = || {
        let arguments = ["reindex", "--location", "exact"];
        let output = Photos::at_rest().run_elsewhere(&stores, &arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let messages = reindex();
    assert!(
        messages.contains("0 photos read again, 1 derived again"),
        "{messages}"
    );
    let item = world.item(stem).await.unwrap();
    let time = "2020-01-02T03:04:05Z".parse().ok();
    let summary = item.summary.unwrap();
    assert_eq!(item.added_at, time);
    assert_eq!((summary.added_at, summary.changed_at), (time, time));
    let messages = reindex();
    assert!(
        messages.contains("0 photos read again, 0 derived again"),
        "{messages}"
    );
    assert_eq!(world.item(stem).await.unwrap().revision, item.revision);
    let requests = read.lock().unwrap().clone();
    let of_files = requests.iter().filter(|request| request.contains("a.jpg"));
    assert_eq!(of_files.count(), 0, "{requests:?}");
}

#[test]
fn texts_and_keywords_that_are_set_stay_and_can_be_restored() {
    let photos = Photos::at_rest();
    let card = photos.folder().join("card");
    std::fs::create_dir(&card).unwrap();
    let file = card.join("a.jpg");
    std::fs::write(&file, TestShot::at("2018:02:01 09:41:07").jpeg()).unwrap();
    photos.output(&["import", "card"]);
    let stem = "2018-02-01/a";
    let listed = || {
        let photo = photos.output(&["list", "--json"]);
        let photo: Value = serde_json::from_str(photo.trim()).unwrap();
        json!([
            photo["keywords"],
            photo["altText"],
            photo["alt"],
            photo["title"],
            photo["caption"]
        ])
    };
    let before = listed();
    assert_eq!(before[0], json!([]));
    let set = |flags: &[&str]| photos.output(&[&["set", stem], flags].concat());
    set(&[
        "--keyword",
        "sea",
        "--keyword",
        " Places|Japan ",
        "--alt",
        "A boat",
    ]);
    set(&[
        "--title",
        "Boat",
        "--caption",
        "On the sea",
        "--keyword",
        "SEA",
    ]);
    let after = json!([
        ["sea", "Places|Japan"],
        "A boat",
        "A boat",
        "Boat",
        "On the sea"
    ]);
    assert_eq!(listed(), after);
    let shown = photos.output(&["show", "2018-02-01-a"]);
    for row in [
        "set.addedKeywords",
        "sea, Places|Japan",
        "set.altText",
        "A boat",
    ] {
        assert!(shown.contains(row), "{shown}");
    }
    // An edit of the upload keeps them, and so does a reindex.
    std::fs::write(&file, TestShot::at("2018:02:01 09:41:07").edited(1)).unwrap();
    photos.output(&["import", "card"]);
    photos.output(&["reindex"]);
    assert_eq!(listed(), after);
    set(&["--remove-keyword", "Sea"]);
    assert_eq!(listed()[0], json!(["Places|Japan"]));
    set(&[
        "--keyword",
        "",
        "--remove-keyword",
        "",
        "--alt",
        "",
        "--title",
        "",
        "--caption",
        "",
    ]);
    assert_eq!(listed(), before);
    for wrong in [
        &["--keyword", " "][..],
        &["--keyword", "a\nb"],
        &["--alt", &"x".repeat(1_025)],
    ] {
        let output = photos.run(&[&["set", stem], wrong].concat());
        assert!(!output.status.success(), "{wrong:?}");
    }
    assert_eq!(listed(), before);
}

#[test]
fn private_keyword_that_is_set_by_hand_hides_the_photo() {
    let photos = Photos::at_rest();
    let card = photos.folder().join("card");
    std::fs::create_dir(&card).unwrap();
    let bytes = TestShot::at("2018:02:01 09:41:07").jpeg();
    std::fs::write(card.join("a.jpg"), bytes).unwrap();
    photos.output(&["import", "card"]);
    let rules = ["--private-keywords", "family"];
    let set = |flags: &[&str]| {
        photos.output(&[&["set", "2018-02-01/a"], flags, &rules].concat());
        photos
            .output(&["list", "--json", "--private"])
            .contains("2018-02-01/a")
    };
    assert!(set(&["--keyword", "People|Family"]));
    let private = photos.output(&["list", "--private"]);
    assert!(private.contains("keyword People|Family"), "{private}");
    photos.output(&[&["reindex"][..], &rules].concat());
    assert!(
        photos
            .output(&["list", "--private"])
            .contains("keyword People|Family")
    );
    assert!(!set(&["--remove-keyword", "People|Family"]));
}
