//! Tests of photos in the folder of the wrong day, and of their move to the right one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use axum::response::IntoResponse;
use http::StatusCode;
use photo_catalogue::ingest::{Ingest, MisfiledPhotos, Outcome};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::{LocationPolicy, Visibility};

use super::fixture::{IngestWorld, archive_object, layout, source_object};
use super::photos::TestShot;
use super::proxy::StoreProxy;

const TAKEN: &str = "2018:02:01 09:41:07";
const WRONG: &str = "2018-01-31";
const RIGHT: &str = "2018-02-01";

/// Uploads these files of one shot, and puts their copies into the folder of the wrong day,
/// [`WRONG`]. Sets metadata and ledger as if an older extractor had read this day from the files.
pub(crate) async fn file_under_wrong_day(world: &IngestWorld, files: &[(&str, Vec<u8>)]) {
    for (name, bytes) in files {
        world.upload(name, bytes.clone()).await;
        world
            .ingest
            .sync_object(&source_object(name))
            .await
            .unwrap();
        let (right, wrong) = (format!("{RIGHT}/{name}"), format!("{WRONG}/{name}"));
        let name_wrong_key = |metadata: &mut HashMap<String, String>| {
            metadata.insert("photo-target".to_owned(), wrong.clone());
        };
        world.copy_archived(&right, &wrong, name_wrong_key).await;
        world.delete_archived(&right).await;
        let mut entry = world.ledger_entry(name).await.unwrap();
        entry.archive_key = Some(wrong.clone());
        world.catalogue.put_ledger_entry(&entry).await.unwrap();
        world
            .ingest
            .process_object_and(&archive_object(&wrong), MisfiledPhotos::Stay)
            .await
            .unwrap();
        world.delete_item(&format!("{RIGHT}/{}", stem(name))).await;
    }
}

fn stem(name: &str) -> &str {
    name.split_once('.').unwrap().0
}

async fn misfiled_pair() -> (IngestWorld, BTreeMap<String, Vec<u8>>) {
    let world = IngestWorld::without_delivery(layout()).await;
    let shot = TestShot::at(TAKEN);
    let files = [("a.jpg", shot.jpeg()), ("a.dng", shot.dng())];
    file_under_wrong_day(&world, &files).await;
    let id = PhotoId::from_stem(&format!("{WRONG}/a"));
    let exact = LocationPolicy::Exact.into();
    let private = |item: &mut photo_catalogue::catalogue::item::PhotoItem| {
        item.overrides.visibility = Some(Visibility::Private);
    };
    let set = photo_catalogue::ingest::update_overrides(
        &world.catalogue,
        &exact,
        chrono::Utc::now(),
        &id,
        private,
    );
    assert_eq!(set.await.unwrap().len(), 1);
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes));
    (world, BTreeMap::from(files))
}

/// Checks the final state after a move: each of `files` is in the folder of the right day, and the
/// catalogue lists it there.
async fn assert_moved(world: &IngestWorld, files: &BTreeMap<String, Vec<u8>>) {
    let right = |(name, bytes): (&String, &Vec<u8>)| (format!("{RIGHT}/{name}"), bytes.clone());
    let expected: BTreeMap<_, _> = files.iter().map(right).collect();
    assert_eq!(world.archived_files().await, expected);
    assert_listed(world, &format!("{RIGHT}/a")).await;
    let item = world.item(&format!("{RIGHT}/a")).await.unwrap();
    assert_eq!(item.overrides.visibility, Some(Visibility::Private));
    assert_eq!(
        item.index.date_partition,
        Some("private#2018".parse().unwrap())
    );
    assert_eq!(
        world.live_parts(&format!("{RIGHT}/a")).await.len(),
        files.len()
    );
    assert_eq!(world.live_parts(&format!("{WRONG}/a")).await, [""; 0]);
    // Later events change nothing.
    for name in files.keys() {
        let again = world
            .ingest
            .process_object(&source_object(name))
            .await
            .unwrap();
        assert_eq!(again, Outcome::Unchanged, "{name}");
        let copy = format!("{RIGHT}/{name}");
        let again = world
            .ingest
            .process_object(&archive_object(&copy))
            .await
            .unwrap();
        assert_eq!(again, Outcome::Unchanged, "{name}");
        let entry = world.ledger_entry(name).await.unwrap();
        assert_eq!(entry.archive_key, Some(copy));
    }
    assert_eq!(world.archived_files().await, expected);
}

/// Checks that a list with the stem of the wrong day shows the private photo at this stem.
async fn assert_listed(world: &IngestWorld, stem: &str) {
    let list = [format!("{WRONG}/a"), format!("{RIGHT}/a")];
    let photos = world.catalogue.listed_photos(&list).await.unwrap();
    let photo = photos.first().expect("the list shows the photo");
    assert_eq!(photo.listed_stem, list[0]);
    assert_eq!(photo.entry.summary.stem, stem);
    assert_eq!(photo.visibility, Visibility::Private);
}

async fn move_pair(ingest: &Ingest) -> Option<String> {
    ingest
        .move_to_capture_day(&format!("{WRONG}/a"))
        .await
        .unwrap()
}

#[tokio::test]
async fn photo_moves_to_its_day_with_all_files_and_overrides() {
    let (world, files) = misfiled_pair().await;
    assert_listed(&world, &format!("{WRONG}/a")).await;
    assert_eq!(move_pair(&world.ingest).await, Some(format!("{RIGHT}/a")));
    assert_moved(&world, &files).await;
    assert_eq!(move_pair(&world.ingest).await, None);
    // An edit of the upload changes the same photo.
    let edited = TestShot::at(TAKEN).edited(1);
    world.upload("a.jpg", edited.clone()).await;
    world
        .ingest
        .sync_object(&source_object("a.jpg"))
        .await
        .unwrap();
    let now = world.archived_files().await;
    assert_eq!(now[&format!("{RIGHT}/a.jpg")], edited);
    assert_eq!(now.len(), 2);
}

#[tokio::test]
async fn moved_photo_keeps_the_time_at_which_it_was_added() {
    let world = IngestWorld::without_delivery(layout()).await;
    file_under_wrong_day(&world, &[("a.jpg", TestShot::at(TAKEN).jpeg())]).await;
    let mut item = world.item(&format!("{WRONG}/a")).await.unwrap();
    assert!(item.added_at.is_some());
    let added_at = chrono::DateTime::from_timestamp(1_500_000_000, 0);
    item.added_at = added_at;
    item.summary.as_mut().unwrap().added_at = added_at;
    world.put_item(&item).await;
    assert_eq!(move_pair(&world.ingest).await, Some(format!("{RIGHT}/a")));
    let moved = world.item(&format!("{RIGHT}/a")).await.unwrap();
    assert_eq!(moved.added_at, added_at);
    let summary = moved.summary.unwrap();
    assert_eq!(summary.added_at, added_at);
    assert!(summary.changed_at > added_at);
}

#[tokio::test]
async fn move_interrupted_after_any_request_loses_nothing_and_can_continue() {
    let mut requests = 0;
    loop {
        let (world, files) = misfiled_pair().await;
        let left = Arc::new(AtomicIsize::new(requests));
        let refuse = || {
            let left = Arc::clone(&left);
            move |_: &http::Method| {
                let is_over = left.fetch_sub(1, Ordering::SeqCst) <= 0;
                is_over.then(|| StatusCode::FORBIDDEN.into_response())
            }
        };
        let (_, s3) = StoreProxy::start(&world.s3_endpoint, refuse(), |status| status).await;
        let (_, dynamodb) = StoreProxy::start(&world.dynamodb, refuse(), |status| status).await;
        let broken = world.ingest_over(&s3, &dynamodb);
        let ended = broken.move_to_capture_day(&format!("{WRONG}/a")).await;
        let kept: Vec<Vec<u8>> = world.archived_files().await.into_values().collect();
        for (name, bytes) in &files {
            assert!(kept.contains(bytes), "{name} is lost after {requests}");
        }
        let list = [format!("{WRONG}/a")];
        let listed = world.catalogue.listed_photos(&list).await.unwrap();
        assert_eq!(listed.len(), 1, "after {requests}");
        // Events between the attempts change nothing.
        for name in files.keys() {
            world
                .ingest
                .process_object(&source_object(name))
                .await
                .unwrap();
        }
        move_pair(&world.ingest).await;
        assert_moved(&world, &files).await;
        if ended.is_ok() {
            break;
        }
        requests += 1;
    }
    assert!(requests > 20, "{requests} requests");
}

#[tokio::test]
async fn move_uses_the_next_name_if_the_first_is_taken() {
    let (world, files) = misfiled_pair().await;
    // These are an older file, and a foreign file in the folder of a day that no camera writes.
    let other = TestShot::at("2018:02:01 20:00:00").jpeg();
    world.put_archived("2018-02-01/a.jpg", other.clone()).await;
    let foreign = TestShot::at("2018:02:01 21:00:00").jpeg();
    world
        .put_archived("0001-01-01/a.jpg", foreign.clone())
        .await;
    for key in ["2018-02-01/a.jpg", "0001-01-01/a.jpg"] {
        world
            .ingest
            .process_object(&archive_object(key))
            .await
            .unwrap();
    }
    let mut stems = vec![move_pair(&world.ingest).await.unwrap()];
    let moved = world
        .ingest
        .move_to_capture_day("0001-01-01/a")
        .await
        .unwrap();
    stems.extend(moved);
    let archive = world.archived_files().await;
    assert_eq!(archive.len(), 4, "{:?}", archive.keys());
    assert_eq!(archive["2018-02-01/a.jpg"], other);
    for name in ["jpg", "dng"] {
        assert_eq!(
            archive[&format!("{}.{name}", stems[0])],
            files[&format!("a.{name}")]
        );
    }
    assert_eq!(archive[&format!("{}.jpg", stems[1])], foreign);
    assert!(
        stems.iter().all(|stem| stem.starts_with("2018-02-01/a~")),
        "{stems:?}"
    );
}

#[tokio::test]
async fn copy_from_another_source_is_not_reused() {
    let (world, files) = misfiled_pair().await;
    // The shot is archived again by today's extractor, and a foreign RAW replaces the old one.
    for (key, bytes) in &files {
        let known = world.ledger_entry(key).await.unwrap().version;
        world
            .catalogue
            .delete_ledger_entry(&world.layout.source_bucket().object(key), &known)
            .await
            .unwrap();
        world.upload(key, bytes.clone()).await;
        world.ingest.sync_object(&source_object(key)).await.unwrap();
    }
    let wrong = format!("{WRONG}/a.dng");
    let foreign = TestShot::at("2018:02:01 22:00:00").dng();
    world.put_archived(&wrong, foreign.clone()).await;
    world
        .ingest
        .process_object(&archive_object(&wrong))
        .await
        .unwrap();

    let stem = move_pair(&world.ingest).await.unwrap();
    assert!(stem.starts_with(&format!("{RIGHT}/a~")), "{stem}");
    let archive = world.archived_files().await;
    for (name, bytes) in &files {
        assert_eq!(archive[&format!("{RIGHT}/{name}")], *bytes);
    }
    assert_eq!(archive[&format!("{stem}.dng")], foreign);
}

#[tokio::test]
async fn photo_without_a_day_or_outside_day_folders_stays() {
    let world = IngestWorld::without_delivery(layout()).await;
    let dated = TestShot::at(TAKEN).jpeg();
    for (key, bytes) in [
        ("2018-01-31/undated.jpg", TestShot::undated().jpeg()),
        ("Summer 2017/a.jpg", dated.clone()),
        ("a.jpg", dated.clone()),
        ("2018-02-01/a.jpg", dated.clone()),
        ("/2018-02-01/a.jpg", dated),
    ] {
        world.put_archived(key, bytes).await;
        world
            .ingest
            .process_object(&archive_object(key))
            .await
            .unwrap();
        let stem = key.rsplit_once('.').unwrap().0;
        assert_eq!(
            world.ingest.move_to_capture_day(stem).await.unwrap(),
            None,
            "{key}"
        );
    }
    assert_eq!(world.archived_files().await.len(), 5);
    assert_eq!(
        world
            .ingest
            .move_to_capture_day("2018-01-31/nothing")
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn photo_that_a_person_filed_by_year_stays() {
    let world = IngestWorld::without_delivery(layout()).await;
    let shot = TestShot::at(TAKEN);
    world.put_archived("2018/a.jpg", shot.jpeg()).await;
    let object = archive_object("2018/a.jpg");
    world.ingest.process_object(&object).await.unwrap();
    let moved = world.ingest.move_to_capture_day("2018/a").await.unwrap();
    assert_eq!(moved, None);
    assert_eq!(world.archive_keys().await, ["2018/a.jpg"]);
}
