//! Tests of objects whose names are never a photo's: thumbnails, trash, unfinished uploads, hidden
//! files.

use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::ingest::survey::{ExpectedOutcome, IngestStatus, ListedObject};
use photo_catalogue::ingest::{Ingest, Outcome};

use super::fixture::{IngestWorld, archive_object, source_object};
use super::photos::TestShot;

/// Names that a NAS, a phone, an editor and a browser give to files that are not photos.
const NEVER_PHOTOS: [&str; 7] = [
    "c/@eaDir/IMG_1.JPG/SYNOPHOTO_THUMB_XL.jpg",
    "c/.thumbnails/7.jpg",
    "c/.picasaoriginals/IMG_1.JPG",
    "c/.trashed-1650000000-IMG_9.JPG",
    "c/.Trash-1000/files/IMG_8.JPG",
    "c/#recycle/IMG_7.JPG",
    "c/IMG_6.JPG.part",
];
const DELETED: &str = "c/.trashed-1650000000-IMG_9.JPG";

fn shot() -> TestShot {
    TestShot::at("2021:06:12 10:00:00")
}

/// Returns the ingest of the world with another setting SKIP_NAMES.
fn ingest_with_names(world: &IngestWorld, setting: &str) -> Ingest {
    let names = setting.parse().unwrap();
    world.ingest.clone().with_skipped_names(names)
}

fn listed(key: &str) -> ListedObject {
    ListedObject {
        key: key.to_owned(),
        etag: String::new(),
        size_bytes: 1,
        last_modified: None,
    }
}

fn is_public(item: Option<&PhotoItem>) -> bool {
    item.is_some_and(PhotoItem::is_public)
}

#[tokio::test]
async fn upload_with_a_skipped_name_costs_no_request_and_leaves_no_trace() {
    let world = IngestWorld::new().await;
    for key in NEVER_PHOTOS {
        world.upload(key, shot().jpeg()).await;
    }
    world.wait_until_delivered().await;
    assert!(world.wire.take().counts().is_empty());
    let outcomes = world.take_outcomes();
    assert_eq!(outcomes.len(), NEVER_PHOTOS.len());
    for (key, outcome) in outcomes {
        let Outcome::Skipped(reason) = &outcome else {
            panic!("{key}: {outcome:?}");
        };
        assert!(reason.ends_with(')'), "{key}: {reason}");
        assert!(world.ledger_entry(&key).await.is_none(), "{key}");
    }
    assert!(world.archive_keys().await.is_empty());

    // A survey and a prediction read nothing either.
    let bucket = world.layout.source_bucket();
    let objects: Vec<ListedObject> = NEVER_PHOTOS.iter().map(|key| listed(key)).collect();
    let statuses = world.ingest.survey_objects(bucket, &objects).await.unwrap();
    for (key, status) in NEVER_PHOTOS.iter().zip(statuses) {
        assert!(
            matches!(status, IngestStatus::SkippedName(_)),
            "{key}: {status:?}"
        );
        let expected = world.ingest.predict_outcome(&source_object(key)).await;
        assert!(matches!(expected, Ok(ExpectedOutcome::NotAPhoto(_))));
    }
    assert!(world.wire.take().counts().is_empty());
}

#[tokio::test]
async fn file_becomes_a_photo_after_its_pattern_is_removed() {
    let world = IngestWorld::new().await;
    world.upload(DELETED, shot().jpeg()).await;
    world.wait_until_delivered().await;
    assert!(world.archive_keys().await.is_empty());

    // The hidden file matches a second pattern.
    for setting in ["!.trashed-*", "!.*"] {
        let ingest = ingest_with_names(&world, setting);
        let outcome = ingest.sync_object(&source_object(DELETED)).await.unwrap();
        assert!(matches!(outcome, Outcome::Skipped(_)), "{outcome:?}");
    }
    let ingest = ingest_with_names(&world, "!.trashed-*,!.*");
    let bucket = world.layout.source_bucket();
    let statuses = ingest.survey_objects(bucket, &[listed(DELETED)]).await;
    assert_eq!(statuses.unwrap(), [IngestStatus::New]);
    let outcome = ingest.sync_object(&source_object(DELETED)).await.unwrap();
    assert!(matches!(outcome, Outcome::Archived(_)), "{outcome:?}");
    // No name in the archive begins with a dot.
    let keys = world.archive_keys().await;
    assert_eq!(keys, ["2021-06-12/_trashed-1650000000-IMG_9.JPG"]);
}

#[tokio::test]
async fn skipped_file_in_the_archive_is_not_catalogued_and_not_read() {
    let world = IngestWorld::new().await;
    let keys = [
        "2021-06-12/.hidden.jpg",
        ".hidden/2021-06-12/a.jpg",
        "2021-06-12/@eaDir/IMG_1.JPG/SYNOPHOTO_THUMB_XL.jpg",
        "2021-06-12/\u{202e}.hidden.jpg",
    ];
    for key in keys {
        world.put_archived(key, shot().jpeg()).await;
    }
    world.wait_until_delivered().await;
    let log = world.wire.take();
    let counts: Vec<_> = log.counts().into_iter().collect();
    assert_eq!(counts, [("dynamodb GetItem", keys.len())]);
    for key in keys {
        let stem = key.rsplit_once('.').unwrap().0;
        assert!(world.item(stem).await.is_none(), "{key}");
        assert!(world.item(key).await.is_none(), "{key}");
    }
}

#[tokio::test]
async fn file_indexed_before_its_name_was_skipped_leaves_the_catalogue() {
    let world = IngestWorld::without_delivery(super::fixture::layout()).await;
    let (key, stem) = ("2021-06-12/draft-1.jpg", "2021-06-12/draft-1");
    world.put_archived(key, shot().jpeg()).await;
    let index_as_photo = async || {
        let indexed = world.ingest.process_object(&archive_object(key)).await;
        indexed.unwrap();
        assert!(is_public(world.item(stem).await.as_ref()));
    };
    index_as_photo().await;

    let ingest = ingest_with_names(&world, "draft-*");
    let bucket = world.layout.archive_bucket();
    let status = async || {
        let statuses = ingest.survey_objects(bucket, &[listed(key)]).await;
        statuses.unwrap().remove(0)
    };
    assert_eq!(status().await, IngestStatus::New);
    for _ in 0..2 {
        let outcome = ingest.process_object(&archive_object(key)).await.unwrap();
        assert!(matches!(outcome, Outcome::Skipped(_)), "{outcome:?}");
        assert!(!is_public(world.item(stem).await.as_ref()));
        assert!(world.live_parts(stem).await.is_empty());
        assert!(matches!(status().await, IngestStatus::SkippedName(_)));
    }
    // The file stays. If the pattern is removed, it is a photo again.
    assert_eq!(world.archive_keys().await, [key]);
    index_as_photo().await;
}

#[tokio::test]
async fn copy_of_an_upload_with_a_skipped_name_leaves_the_catalogue() {
    let world = IngestWorld::without_delivery(super::fixture::layout()).await;
    world.upload("exports/a.jpg", shot().jpeg()).await;
    let upload = source_object("exports/a.jpg");
    let outcome = world.ingest.sync_object(&upload).await.unwrap();
    let copy = outcome.archive_key().unwrap().object().clone();
    let is_listed = async || is_public(world.item("2021-06-12/a").await.as_ref());
    assert!(is_listed().await);

    let ingest = ingest_with_names(&world, "exports/");
    for _ in 0..2 {
        ingest.sync_object(&upload).await.unwrap();
        let outcome = ingest.process_object(&copy).await.unwrap();
        assert!(matches!(outcome, Outcome::Skipped(_)), "{outcome:?}");
        assert!(!is_listed().await);
    }
    assert_eq!(world.archive_keys().await, ["2021-06-12/a.jpg"]);
    world.ingest.process_object(&copy).await.unwrap();
    assert!(is_listed().await);
}

#[tokio::test]
async fn index_does_not_organise_a_source_with_a_skipped_name() {
    let world = IngestWorld::without_delivery(super::fixture::layout()).await;
    let ingest = ingest_with_names(&world, "!.trashed-*,!.*");
    world.upload(DELETED, shot().jpeg()).await;
    ingest.sync_object(&source_object(DELETED)).await.unwrap();
    let keys = world.archive_keys().await;
    // The source is edited after its pattern was added again.
    world.upload(DELETED, shot().edited(2)).await;
    world
        .ingest
        .process_object(&archive_object(&keys[0]))
        .await
        .unwrap();
    assert_eq!(world.archived_files().await[&keys[0]], shot().jpeg());
}
