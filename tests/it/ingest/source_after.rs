//! Tests of SOURCE_AFTER and of the storage class of copies, and of stores that do not support
//! these settings.

use axum::Router;
use http::{Method, StatusCode};
use photo_catalogue::ingest::{Outcome, SourceAfter};
use photo_catalogue::object::ObjectRef;
use photo_catalogue::storage::{CopySettings, DeleteOutcome, Storage};
use tokio::net::TcpListener;

use super::fixture::{ARCHIVE, IngestWorld, SOURCE, archive_object, layout, source_object};
use super::photos::TestShot;

const MORNING: TestShot = TestShot {
    taken: Some("2018:02:01 09:41:07"),
    serial: "1000001",
};
/// The minimum size of one piece of a multipart upload in S3, in bytes. Only the last piece may be
/// smaller.
const PART: u64 = 5 << 20;

/// Starts a world in which ingest deletes an upload after it is archived. Notifications are not
/// delivered until the test starts the delivery.
async fn world_that_deletes_uploads() -> IngestWorld {
    let mut world = IngestWorld::without_delivery(layout()).await;
    world.ingest = world.ingest_with(CopySettings::default(), SourceAfter::Delete);
    world
}

#[tokio::test]
async fn upload_is_deleted_after_its_copy_has_its_bytes() {
    let world = world_that_deletes_uploads().await;
    world.ingest.check_store_capabilities("1").await.unwrap();
    world.start_delivery();
    world.upload("DCIM/DSC_1.JPG", MORNING.jpeg()).await;
    world.upload("DCIM/DSC_1.DNG", MORNING.dng()).await;
    world.upload("notes.txt", b"dear diary".to_vec()).await;
    world.wait_until_delivered().await;
    // The file that is not a photo stays, and the probe object is gone.
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 1);
    let archive = world.archived_files().await;
    assert_eq!(archive["2018-02-01/DSC_1.JPG"], MORNING.jpeg());
    assert_eq!(archive["2018-02-01/DSC_1.DNG"], MORNING.dng());
    assert_eq!(world.live_parts("2018-02-01/DSC_1").await, ["DNG", "JPG"]);

    // An edit of a deleted upload still replaces its part, and old events change nothing.
    world.upload("DCIM/DSC_1.JPG", MORNING.edited(1)).await;
    world.wait_until_delivered().await;
    world.deliver_all_again().await;
    let archive = world.archived_files().await;
    assert_eq!(archive.len(), 2);
    assert_eq!(archive["2018-02-01/DSC_1.JPG"], MORNING.edited(1));
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 1);
}

#[tokio::test]
async fn upload_left_by_a_crash_is_deleted_by_the_next_event() {
    let world = IngestWorld::without_delivery(layout()).await;
    world.upload("a.jpg", MORNING.jpeg()).await;
    world
        .ingest
        .process_object(&source_object("a.jpg"))
        .await
        .unwrap();
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 1);
    let deleting = world.ingest_with(CopySettings::default(), SourceAfter::Delete);
    let outcome = deleting
        .process_object(&source_object("a.jpg"))
        .await
        .unwrap();
    assert_eq!(outcome.name(), "archived");
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 0);
    assert_eq!(world.archive_keys().await, ["2018-02-01/a.jpg"]);
}

#[tokio::test]
async fn upload_whose_copy_was_removed_by_hand_stays() {
    let world = IngestWorld::without_delivery(layout()).await;
    world.upload("a.jpg", MORNING.jpeg()).await;
    world
        .ingest
        .sync_object(&source_object("a.jpg"))
        .await
        .unwrap();
    world.delete_archived("2018-02-01/a.jpg").await;
    let deleting = world.ingest_with(CopySettings::default(), SourceAfter::Delete);
    deleting
        .process_object(&source_object("a.jpg"))
        .await
        .unwrap();
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 1);
    assert_eq!(world.archive_keys().await, [""; 0]);
}

#[tokio::test]
async fn changed_upload_is_not_deleted() {
    let world = IngestWorld::without_delivery(layout()).await;
    world.upload("a.jpg", MORNING.jpeg()).await;
    let etag = world.list_etags(SOURCE, "").await["a.jpg"].clone();
    world.upload("a.jpg", MORNING.edited(1)).await;
    let storage = Storage::new(world.s3.clone());
    let deleted = storage
        .delete_if_match(&"s3://inbox/a.jpg".parse().unwrap(), &etag)
        .await;
    assert_eq!(deleted.unwrap(), DeleteOutcome::Changed);
    assert_eq!(
        world.read_objects(SOURCE, "").await["a.jpg"],
        MORNING.edited(1)
    );
}

/// Starts a test server in place of S3. It accepts every request, ignores all conditions, and keeps
/// one object at most. Returns its URL.
async fn start_careless_store() -> String {
    let there = std::sync::Arc::new(std::sync::Mutex::new(false));
    let answer = move |method: Method| {
        let there = std::sync::Arc::clone(&there);
        async move {
            let mut there = there.lock().unwrap();
            let status = match method {
                Method::HEAD if !*there => StatusCode::NOT_FOUND,
                Method::DELETE => StatusCode::NO_CONTENT,
                _ => StatusCode::OK,
            };
            match method {
                Method::PUT => *there = true,
                Method::DELETE => *there = false,
                _ => {}
            }
            (status, [("etag", "\"0123456789abcdef0123456789abcdef\"")])
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}

#[tokio::test]
async fn setting_that_the_store_cannot_honour_is_refused_at_start() {
    let mut world = IngestWorld::without_delivery(layout()).await;
    world.s3 = world.s3_client(&start_careless_store().await);
    let class = CopySettings {
        storage_class: Some("STANDARD_IA".to_owned()),
        ..CopySettings::default()
    };
    let keep = world.ingest_with(CopySettings::default(), SourceAfter::Keep);
    keep.check_store_capabilities("1")
        .await
        .expect("no capability is necessary");
    let delete = world.ingest_with(CopySettings::default(), SourceAfter::Delete);
    let error = delete
        .check_store_capabilities("1")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("SOURCE_AFTER is \"delete\""), "{error}");
    let class = world.ingest_with(class, SourceAfter::Keep);
    let error = class
        .check_store_capabilities("1")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("ARCHIVE_STORAGE_CLASS"), "{error}");
}

#[tokio::test]
async fn large_object_is_copied_in_parts_with_headers_metadata_and_tags() {
    let mut world = IngestWorld::without_delivery(layout()).await;
    world.ingest = world.ingest_with(
        CopySettings {
            storage_class: Some("STANDARD_IA".to_owned()),
            largest_bytes: PART,
            part_bytes: PART,
        },
        SourceAfter::Delete,
    );
    world.ingest.check_store_capabilities("1").await.unwrap();
    let mut bytes = MORNING.jpeg();
    bytes.resize(2 * PART as usize + 12_345, 7);
    let put = world.s3.put_object().bucket(SOURCE).key("card/large+1.jpg");
    put.body(bytes.clone().into())
        .content_type("image/jpeg")
        .cache_control("max-age=60")
        .metadata("note", "kept")
        .tagging("who=A%20%26%20B&where=there")
        .send()
        .await
        .unwrap();
    let outcome = world
        .ingest
        .process_object(&source_object("card/large+1.jpg"))
        .await;
    let key = "2018-02-01/large+1.jpg";
    assert_eq!(
        outcome.unwrap(),
        Outcome::Archived(world.layout.archive_key(key).unwrap())
    );
    assert!(world.archived_files().await[key] == bytes);
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 0);

    let head = world.s3.head_object().bucket(ARCHIVE).key(key);
    let head = head.send().await.unwrap();
    assert!(head.e_tag().unwrap().ends_with("-3\""), "{head:?}");
    assert_eq!(head.content_type(), Some("image/jpeg"));
    assert_eq!(head.cache_control(), Some("max-age=60"));
    assert_eq!(head.storage_class().unwrap().as_str(), "STANDARD_IA");
    assert_eq!(head.metadata().unwrap()["note"], "kept");
    let tags = world.s3.get_object_tagging().bucket(ARCHIVE).key(key);
    let mut tags: Vec<String> = tags
        .send()
        .await
        .unwrap()
        .tag_set
        .into_iter()
        .map(|tag| format!("{}={}", tag.key(), tag.value()))
        .collect();
    tags.sort();
    assert_eq!(tags, ["where=there", "who=A & B"]);

    world
        .ingest
        .process_object(&archive_object(key))
        .await
        .unwrap();
    let part = world.item("2018-02-01/large+1").await.unwrap().parts["jpg"].clone();
    assert_eq!(part.bytes, bytes.len() as u64);

    // This is an edit. Its event is delivered twice.
    bytes.extend(b"edit");
    world.upload("card/large+1.jpg", bytes.clone()).await;
    world
        .ingest
        .process_object(&source_object("card/large+1.jpg"))
        .await
        .unwrap();
    world
        .ingest
        .process_object(&source_object("card/large+1.jpg"))
        .await
        .unwrap();
    assert!(world.archived_files().await[key] == bytes);
    assert_eq!(world.archive_keys().await, [key]);
    let uploads = world.s3.list_multipart_uploads().bucket(ARCHIVE);
    assert_eq!(uploads.send().await.unwrap().uploads().len(), 0);
}

#[tokio::test]
async fn copy_in_parts_of_a_changed_source_is_aborted() {
    let world = IngestWorld::without_delivery(layout()).await;
    let mut bytes = MORNING.jpeg();
    bytes.resize(PART as usize + 1, 7);
    world.upload("a.jpg", bytes.clone()).await;
    let storage = Storage::new(world.s3.clone()).with_copy_settings(CopySettings {
        largest_bytes: PART,
        part_bytes: PART,
        ..CopySettings::default()
    });
    let from: ObjectRef = "s3://inbox/a.jpg".parse().unwrap();
    let mut source = storage.head_object(&from).await.unwrap().unwrap();
    bytes.push(1);
    world.upload("a.jpg", bytes).await;
    let to = "s3://archive/2018-02-01/a.jpg".parse().unwrap();
    let nothing = std::collections::BTreeMap::new();
    let copied = storage.copy_object(&from, &to, &source, &nothing).await;
    assert_eq!(
        copied.unwrap(),
        photo_catalogue::storage::CopyOutcome::SourceChanged
    );
    source.etag = "0".repeat(32);
    let copied = storage
        .copy_object(
            &"s3://inbox/gone.jpg".parse().unwrap(),
            &to,
            &source,
            &nothing,
        )
        .await;
    assert_eq!(
        copied.unwrap(),
        photo_catalogue::storage::CopyOutcome::SourceChanged
    );
    assert_eq!(world.archive_keys().await, [""; 0]);
    let uploads = world.s3.list_multipart_uploads().bucket(ARCHIVE);
    assert_eq!(uploads.send().await.unwrap().uploads().len(), 0);
}
