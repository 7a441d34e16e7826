//! Files that other programs change in the folder.

use std::fs;

use s3_folder::NotificationFilter;

use super::{BUCKET, FolderServer, code};

/// Waits until the bucket has exactly these keys. After a start, the background scan registers the
/// changes a moment later.
async fn wait_for_keys(server: &FolderServer, keys: &[&str]) {
    for _ in 0..1000 {
        if server.keys().await == keys {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(server.keys().await, keys);
}

/// Returns the event names and keys of the undelivered notifications, oldest first.
fn notified_changes(server: &FolderServer) -> Vec<(String, String)> {
    let database =
        rusqlite::Connection::open(server.data.path().join(".engine/s3.sqlite")).unwrap();
    let mut statement = database
        .prepare("SELECT body FROM outbox ORDER BY id")
        .unwrap();
    let bodies = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let records = bodies.map(|body| {
        let body: serde_json::Value = serde_json::from_str(&body.unwrap()).unwrap();
        let record = &body["Records"][0];
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (
            text(&record["eventName"]),
            text(&record["s3"]["object"]["key"]),
        )
    });
    records.collect()
}

fn expected(events: &[(&str, &str)]) -> Vec<(String, String)> {
    events
        .iter()
        .map(|(name, key)| ((*name).to_owned(), (*key).to_owned()))
        .collect()
}

#[tokio::test]
async fn new_file_in_the_folder_is_found_at_once() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    fs::create_dir(server.file("2018")).unwrap();
    fs::write(server.file("2018/a b.jpg"), "dropped").unwrap();
    let head = server.head("2018/a b.jpg").await;
    assert_eq!(head.content_type(), Some("image/jpeg"));
    assert_eq!(server.get("2018/a b.jpg").await.unwrap(), b"dropped");
    assert_eq!(
        notified_changes(&server),
        expected(&[("ObjectCreated:Put", "2018/a+b.jpg")])
    );
}

#[tokio::test]
async fn edited_or_removed_file_is_seen_at_once() {
    let server = FolderServer::start().await;
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("e.jpg")
        .metadata("owner", "me");
    put.body(aws_sdk_s3::primitives::ByteStream::from_static(b"before"))
        .send()
        .await
        .unwrap();
    server.put("gone.jpg", "x").await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    fs::write(server.file("e.jpg"), "edited").unwrap();
    fs::remove_file(server.file("gone.jpg")).unwrap();
    let got = server.get_object("e.jpg").await;
    assert!(
        got.metadata().unwrap().is_empty(),
        "metadata belongs to bytes"
    );
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"edited");
    assert_eq!(server.get("gone.jpg").await, None);
    assert_eq!(
        notified_changes(&server),
        expected(&[
            ("ObjectCreated:Put", "e.jpg"),
            ("ObjectRemoved:Delete", "gone.jpg")
        ])
    );
}

#[tokio::test]
async fn changes_while_stopped_are_registered_at_the_start() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    for key in [
        "edited.jpg",
        "kept.jpg",
        "removed.jpg",
        "moved.jpg",
        "odd//key",
    ] {
        server.put(key, key).await;
    }
    let data = server.stop().await;
    let folder = data.path().join(BUCKET);
    fs::write(folder.join("edited.jpg"), "edited").unwrap();
    fs::remove_file(folder.join("removed.jpg")).unwrap();
    fs::create_dir(folder.join("new")).unwrap();
    fs::rename(folder.join("moved.jpg"), folder.join("new/moved.jpg")).unwrap();
    fs::write(folder.join(".DS_Store"), "finder").unwrap();
    fs::write(folder.join("new/.half.jpg.Xy"), "rsync").unwrap();
    rusqlite::Connection::open(data.path().join(".engine/s3.sqlite"))
        .unwrap()
        .execute("DELETE FROM outbox", [])
        .unwrap();
    let server = FolderServer::start_in(data).await;
    wait_for_keys(
        &server,
        &["edited.jpg", "kept.jpg", "new/moved.jpg", "odd//key"],
    )
    .await;
    let mut notified_changes = notified_changes(&server);
    notified_changes.sort();
    let created = [
        ("ObjectCreated:Put", "edited.jpg"),
        ("ObjectCreated:Put", "new/moved.jpg"),
    ];
    let removed = [
        ("ObjectRemoved:Delete", "moved.jpg"),
        ("ObjectRemoved:Delete", "removed.jpg"),
    ];
    assert_eq!(notified_changes, expected(&[created, removed].concat()));
    assert_eq!(server.get(".DS_Store").await, None);
}

#[tokio::test]
async fn rewritten_equal_bytes_keep_metadata_without_notification() {
    let server = FolderServer::start().await;
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("k.jpg")
        .metadata("owner", "me");
    let etag = put
        .body(aws_sdk_s3::primitives::ByteStream::from_static(b"bytes"))
        .send()
        .await
        .unwrap()
        .e_tag;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    // The file is as after the restore of a backup.
    fs::remove_file(server.file("k.jpg")).unwrap();
    fs::write(server.file("k.jpg"), "bytes").unwrap();
    let head = server.head("k.jpg").await;
    assert_eq!(head.metadata().unwrap()["owner"], "me");
    assert_eq!(head.e_tag(), etag.as_deref());
    assert!(notified_changes(&server).is_empty());
}

#[tokio::test]
async fn conditions_are_checked_against_the_file_not_the_row() {
    let server = FolderServer::start().await;
    let etag = server.put("k.jpg", "before").await;
    fs::write(server.file("k.jpg"), "edited").unwrap();
    let delete = server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("k.jpg")
        .if_match(&etag)
        .send()
        .await;
    assert_eq!(code(&delete.unwrap_err()), "PreconditionFailed");
    assert_eq!(fs::read(server.file("k.jpg")).unwrap(), b"edited");
    fs::write(server.file("dropped.jpg"), "dropped").unwrap();
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("dropped.jpg")
        .if_none_match("*")
        .send()
        .await;
    assert_eq!(code(&put.unwrap_err()), "PreconditionFailed");
    let copy = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("copy")
        .copy_source("photos/k.jpg");
    assert_eq!(
        code(&copy.copy_source_if_match(&etag).send().await.unwrap_err()),
        "PreconditionFailed"
    );
    server.delete("dropped.jpg").await;
    assert!(!server.file("dropped.jpg").exists());
}

#[tokio::test]
async fn lost_database_is_rebuilt_from_the_files() {
    let server = FolderServer::start().await;
    let etag = server.put("2018/a.jpg", "a").await;
    let before = server.head("2018/a.jpg").await;
    let data = server.stop().await;
    fs::remove_dir_all(data.path().join(".engine")).unwrap();
    let server = FolderServer::start_in(data).await;
    server
        .client
        .create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    wait_for_keys(&server, &["2018/a.jpg"]).await;
    let after = server.head("2018/a.jpg").await;
    assert_eq!(after.e_tag(), Some(etag.as_str()));
    assert_eq!(after.last_modified(), before.last_modified());
}
