//! Tests of the results of uploads.

use photo_catalogue::catalogue::item::LedgerOutcome;
use photo_catalogue::ingest::Outcome;
use serde_json::json;

use super::fixture::{IngestWorld, SOURCE, archive_object, layout, source_object};
use super::photos::TestShot;

const MORNING: TestShot = TestShot {
    taken: Some("2018:02:01 09:41:07"),
    serial: "1000001",
};

#[tokio::test]
async fn upload_goes_to_its_day_and_into_the_catalogue() {
    let world = IngestWorld::new().await;
    world.upload("card/DCIM/été+1.JPG", MORNING.jpeg()).await;
    world.wait_until_delivered().await;

    let archive = world.archived_files().await;
    assert_eq!(archive.keys().collect::<Vec<_>>(), ["2018-02-01/été+1.JPG"]);
    assert_eq!(archive["2018-02-01/été+1.JPG"], MORNING.jpeg());
    let item = world.item("2018-02-01/été+1").await.unwrap();
    let part = &item.parts["JPG"];
    assert_eq!(part.key, "2018-02-01/été+1.JPG");
    assert_eq!((part.width, part.height), (Some(24), Some(16)));
    assert_eq!((part.mime.as_str(), item.revision), ("image/jpeg", 1));
    let source = part.source.as_ref().unwrap();
    assert_eq!(
        (source.object.bucket.as_str(), source.object.key.as_str()),
        (SOURCE, "card/DCIM/été+1.JPG")
    );
    assert_eq!(
        item.photo.record.capture.local_text().as_deref(),
        Some("2018-02-01T09:41:07")
    );
    assert_eq!(
        serde_json::to_value(&item.exif["IFD0"]["Model"]).unwrap(),
        json!("NIKON D750")
    );
    assert_eq!(item.index.date_partition, Some("2018".parse().unwrap()));
    assert!(
        world
            .catalogue
            .date_partitions()
            .await
            .unwrap()
            .contains(&"2018".parse().unwrap())
    );
    let ledger = world.ledger_entry("card/DCIM/été+1.JPG").await.unwrap();
    assert_eq!(
        (ledger.outcome.as_str(), ledger.archive_key.as_deref()),
        ("archived", Some("2018-02-01/été+1.JPG"))
    );
}

#[tokio::test]
async fn new_photo_costs_five_requests_to_each_store() {
    let world = IngestWorld::new().await;
    // A process registers each year only once, so the first upload registers it.
    world
        .upload("first.jpg", TestShot::at("2018:05:05 05:05:05").jpeg())
        .await;
    world.wait_until_delivered().await;
    world.wire.take();
    world.upload("card/foobar.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;

    let log = world.wire.take();
    let counts: Vec<_> = log.counts().into_iter().collect();
    assert_eq!(
        counts,
        [
            ("dynamodb BatchGetItem", 1),
            ("dynamodb GetItem", 1),
            ("dynamodb PutItem", 2),
            ("dynamodb UpdateItem", 1),
            ("s3 COPY", 1),
            ("s3 GET", 2),
            ("s3 HEAD", 2),
        ]
    );
    assert_eq!(log.bytes_read, 2 * MORNING.jpeg().len() as u64);
}

#[tokio::test]
async fn large_photo_is_never_read_whole() {
    let world = IngestWorld::new().await;
    let mut bytes = MORNING.jpeg();
    bytes.resize(2_000_000, 0);
    world.upload("large.jpg", bytes).await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, ["2018-02-01/large.jpg"]);
    assert_eq!(world.wire.take().bytes_read, 2 * 64 * 1024);
}

#[tokio::test]
async fn equal_names_from_two_folders_are_both_archived() {
    let world = IngestWorld::new().await;
    let evening = TestShot::at("2018:02:01 19:00:00");
    world.upload("nikon/IMG_1.jpg", MORNING.jpeg()).await;
    world.upload("canon/IMG_1.jpg", evening.jpeg()).await;
    world.wait_until_delivered().await;
    let archive = world.archived_files().await;
    let keys: Vec<&String> = archive.keys().collect();
    assert_eq!(keys, ["2018-02-01/IMG_1.jpg", "2018-02-01/IMG_1~2.jpg"]);
    let mut bytes: Vec<_> = archive.values().cloned().collect();
    let mut uploaded = [MORNING.jpeg(), evening.jpeg()];
    bytes.sort();
    uploaded.sort();
    assert_eq!(bytes, uploaded);
    for key in keys {
        assert_eq!(
            world.live_parts(key.trim_end_matches(".jpg")).await,
            ["jpg"]
        );
    }
}

#[tokio::test]
async fn photo_without_a_date_goes_to_undated() {
    let world = IngestWorld::new().await;
    world.upload("scan.jpg", TestShot::undated().jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, ["undated/scan.jpg"]);
    let item = world.item("undated/scan").await.unwrap();
    assert_eq!(item.photo.record.capture.day(), None);
    assert_eq!(item.index.date_partition, Some("undated".parse().unwrap()));
    assert_eq!(
        world.ledger_entry("scan.jpg").await.unwrap().outcome,
        LedgerOutcome::Undated
    );
}

#[tokio::test]
async fn photo_with_a_partial_date_goes_to_the_folder_of_its_year_or_month() {
    let world = IngestWorld::new().await;
    for (name, taken) in [
        ("year.jpg", "1985:00:00 00:00:00"),
        ("month.jpg", "1985:06:00 00:00:00"),
        ("day.jpg", "1985:06:14   :  :  "),
    ] {
        world.upload(name, TestShot::at(taken).jpeg()).await;
    }
    world.wait_until_delivered().await;
    let keys = ["1985-06-14/day.jpg", "1985-06/month.jpg", "1985/year.jpg"];
    assert_eq!(world.archive_keys().await, keys);
    for (stem, sort) in [
        ("1985/year", "1985-01-01T00:00:00#year#"),
        ("1985-06/month", "1985-06-01T00:00:00#month#"),
        ("1985-06-14/day", "1985-06-14T00:00:00#day#"),
    ] {
        let item = world.item(stem).await.unwrap();
        assert_eq!(item.index.date_partition, Some("1985".parse().unwrap()));
        assert!(item.index.date_sort.unwrap().starts_with(sort));
        let (folder, name) = stem.split_once('/').unwrap();
        let local = item.photo.record.capture.local.unwrap();
        assert_eq!(local.to_string(), folder);
        let entry = world.ledger_entry(&format!("{name}.jpg")).await.unwrap();
        assert_eq!(entry.outcome, LedgerOutcome::Archived);
    }
}

#[tokio::test]
async fn photo_moves_when_its_date_becomes_known() {
    let world = IngestWorld::new().await;
    world
        .upload("scan.jpg", TestShot::at("1985:00:00 00:00:00").jpeg())
        .await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, ["1985/scan.jpg"]);
    world
        .upload("scan.jpg", TestShot::at("1985:06:14 10:00:00").jpeg())
        .await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, ["1985-06-14/scan.jpg"]);
}

#[tokio::test]
async fn photo_moves_although_another_shot_has_its_source_key() {
    let world = IngestWorld::without_delivery(layout()).await;
    let first = MORNING.jpeg();
    let edit = TestShot::at("2018:02:03 09:41:07").jpeg();
    let other = TestShot::at("2018:02:01 15:00:00").edited(1);
    world.upload("scan.jpg", first).await;
    world
        .ingest
        .sync_object(&source_object("scan.jpg"))
        .await
        .unwrap();
    world.upload("scan.jpg", edit.clone()).await;
    let outcome = world
        .ingest
        .process_object(&source_object("scan.jpg"))
        .await;
    assert_eq!(outcome.unwrap().name(), "archived");
    world.upload("scan.jpg", other.clone()).await;
    let copy = archive_object("2018-02-01/scan.jpg");
    world.ingest.process_object(&copy).await.unwrap();
    let archive = world.archived_files().await;
    let keys: Vec<&String> = archive.keys().collect();
    assert_eq!(keys, ["2018-02-01/scan~2.jpg", "2018-02-03/scan.jpg"]);
    assert_eq!(archive["2018-02-03/scan.jpg"], edit);
    assert_eq!(archive["2018-02-01/scan~2.jpg"], other);
}

#[tokio::test]
async fn raw_and_its_jpeg_are_one_photo() {
    let world = IngestWorld::new().await;
    world.upload("DCIM/DSC_1.DNG", MORNING.dng()).await;
    world.upload("DCIM/DSC_1.JPG", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(
        world.archive_keys().await,
        ["2018-02-01/DSC_1.DNG", "2018-02-01/DSC_1.JPG"]
    );
    assert_eq!(world.live_parts("2018-02-01/DSC_1").await, ["DNG", "JPG"]);
    let item = world.item("2018-02-01/DSC_1").await.unwrap();
    assert_eq!(item.derived_from.unwrap().part, "JPG");

    // After the JPEG is deleted, the record is derived from the RAW.
    world.delete_archived("2018-02-01/DSC_1.JPG").await;
    world.wait_until_delivered().await;
    let item = world.item("2018-02-01/DSC_1").await.unwrap();
    assert_eq!(item.derived_from.unwrap().part, "DNG");
    assert!(item.summary.is_some());
}

#[tokio::test]
async fn edit_replaces_its_part_but_a_reused_name_does_not() {
    let world = IngestWorld::new().await;
    world.upload("DCIM/IMG_1.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    world.upload("DCIM/IMG_1.jpg", MORNING.edited(1)).await;
    world.wait_until_delivered().await;
    let archive = world.archived_files().await;
    assert_eq!(archive.len(), 1);
    assert_eq!(archive["2018-02-01/IMG_1.jpg"], MORNING.edited(1));
    let item = world.item("2018-02-01/IMG_1").await.unwrap();
    assert_eq!(
        (item.revision, item.parts["jpg"].bytes),
        (2, MORNING.edited(1).len() as u64)
    );

    let another = TestShot::at("2018:02:01 15:00:00");
    world.upload("DCIM/IMG_1.jpg", another.jpeg()).await;
    world.wait_until_delivered().await;
    let archive = world.archived_files().await;
    assert_eq!(archive.len(), 2);
    assert_eq!(archive["2018-02-01/IMG_1.jpg"], MORNING.edited(1));
    assert!(archive.values().any(|bytes| *bytes == another.jpeg()));
}

#[tokio::test]
async fn copy_removed_by_hand_stays_removed_until_the_next_upload() {
    let world = IngestWorld::new().await;
    world.upload("foobar.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    world.delete_archived("2018-02-01/foobar.jpg").await;
    world.wait_until_delivered().await;
    let item = world.item("2018-02-01/foobar").await.unwrap();
    assert!(!item.parts["jpg"].is_live() && item.summary.is_none());
    assert_eq!(
        item.index,
        photo_catalogue::catalogue::item::IndexKeys::default()
    );

    world
        .ingest
        .process_object(&source_object("foobar.jpg"))
        .await
        .unwrap();
    assert_eq!(world.archive_keys().await, [""; 0]);

    // The next upload has the same bytes, but another second in its Last-Modified.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    world.upload("foobar.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, ["2018-02-01/foobar.jpg"]);
    assert_eq!(world.live_parts("2018-02-01/foobar").await, ["jpg"]);
}

#[tokio::test]
async fn redelivered_events_write_nothing() {
    let world = IngestWorld::new().await;
    world.upload("DCIM/DSC_1.DNG", MORNING.dng()).await;
    world.upload("DCIM/DSC_1.JPG", MORNING.jpeg()).await;
    world.upload("notes.jpg", b"dear diary".to_vec()).await;
    world.wait_until_delivered().await;
    let (archive, item) = (
        world.archived_files().await,
        world.item("2018-02-01/DSC_1").await,
    );
    let skipped = world.ledger_entry("notes.jpg").await;
    assert_eq!(skipped.as_ref().unwrap().outcome, LedgerOutcome::Skipped);
    world.wire.take();

    for _ in 0..5 {
        world.deliver_all_again().await;
    }
    let log = world.wire.take();
    let kinds: Vec<&str> = log.counts().into_keys().collect();
    assert_eq!(
        kinds,
        [
            "dynamodb BatchGetItem",
            "dynamodb GetItem",
            "s3 GET",
            "s3 HEAD"
        ]
    );
    assert_eq!(world.store.count_undelivered(), 0);
    assert_eq!(archive, world.archived_files().await);
    assert_eq!(item, world.item("2018-02-01/DSC_1").await);
    assert_eq!(skipped, world.ledger_entry("notes.jpg").await);
}

#[tokio::test]
async fn file_that_is_not_a_photo_stays_and_is_in_the_ledger() {
    let world = IngestWorld::new().await;
    world.upload("empty.jpg", Vec::new()).await;
    world
        .upload("text.jpg", b"not a photo at all".to_vec())
        .await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, [""; 0]);
    assert_eq!(world.read_objects(SOURCE, "").await.len(), 2);
    for key in ["empty.jpg", "text.jpg"] {
        let entry = world.ledger_entry(key).await.unwrap();
        assert_eq!(entry.outcome, LedgerOutcome::Skipped);
        assert!(!entry.reason.unwrap().is_empty());
    }
    let skipped = |(_, outcome): &(String, Outcome)| matches!(outcome, Outcome::Skipped(_));
    assert!(world.take_outcomes().iter().all(skipped));
}
