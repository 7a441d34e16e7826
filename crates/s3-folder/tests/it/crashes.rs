//! Tests crashes: states between the steps of a write, made by hand, and a server that is killed
//! again and again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use s3_folder::{KeyPair, NotificationFilter, S3Store};

use super::multipart::completion_of;
use super::{BUCKET, FolderServer, client, files};

/// The SQL that turns the row of an object back into a pending row. The database is then in the
/// state that a crash leaves after the rename of the file and before the end of the write.
const UNDO_PROMOTION: &str =
    "UPDATE objects SET pending = 1, event = 'ObjectCreated:Copy' WHERE key = CAST(?1 AS BLOB)";

/// Returns the folder of a stopped store with these objects and an empty outbox.
async fn stopped_store_with(bodies: &[(&str, &str)]) -> Arc<tempfile::TempDir> {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    for (key, body) in bodies {
        let put = server
            .client
            .put_object()
            .bucket(BUCKET)
            .key(*key)
            .metadata("owner", *body);
        put.body(ByteStream::from(body.as_bytes().to_vec()))
            .send()
            .await
            .unwrap();
    }
    let data = server.stop().await;
    database(&data).execute("DELETE FROM outbox", []).unwrap();
    data
}

/// Opens the database of a store.
fn database(data: &Arc<tempfile::TempDir>) -> rusqlite::Connection {
    rusqlite::Connection::open(data.path().join(".engine/s3.sqlite")).unwrap()
}

/// Returns the user metadata `owner` of an object.
async fn owner(server: &FolderServer, key: &str) -> Option<String> {
    let head = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .ok()?;
    head.metadata()
        .and_then(|metadata| metadata.get("owner").cloned())
}

#[tokio::test]
async fn renamed_write_is_completed_with_metadata_and_notification() {
    let data = stopped_store_with(&[("a/k.jpg", "new")]).await;
    assert_eq!(
        database(&data)
            .execute(UNDO_PROMOTION, ["a/k.jpg"])
            .unwrap(),
        1
    );
    let server = FolderServer::start_in(data).await;
    assert_eq!(owner(&server, "a/k.jpg").await.as_deref(), Some("new"));
    assert_eq!(server.store.count_undelivered(), 1);
    let body: String = database(&server.data)
        .query_row("SELECT body FROM outbox", [], |row| row.get(0))
        .unwrap();
    assert!(body.contains("ObjectCreated:Copy"));
}

#[tokio::test]
async fn write_that_was_not_renamed_is_undone() {
    let data = stopped_store_with(&[("k.jpg", "old"), ("other.jpg", "new")]).await;
    let database = database(&data);
    // A pending row for k.jpg whose file is still in the temporary folder, and one for a key that
    // had no object.
    let sql = "INSERT INTO objects SELECT bucket, CAST(?1 AS BLOB), 1, odd, CAST(?1 AS BLOB), size, etag, modified_ms,
               inode, mtime_ns, attributes, 'ObjectCreated:Put', NULL FROM objects WHERE key = CAST('other.jpg' AS BLOB)";
    for key in ["k.jpg", "never.jpg"] {
        assert_eq!(database.execute(sql, [key]).unwrap(), 1);
    }
    drop(database);
    fs::write(data.path().join(".engine/tmp/leftover"), "half of it").unwrap();
    let server = FolderServer::start_in(data).await;
    assert_eq!(owner(&server, "k.jpg").await.as_deref(), Some("old"));
    assert_eq!(server.get("k.jpg").await.unwrap(), b"old");
    assert_eq!(server.get("never.jpg").await, None);
    assert_eq!(server.store.count_undelivered(), 0);
    assert!(files(&server.data.path().join(".engine/tmp")).is_empty());
}

#[tokio::test]
async fn delete_that_removed_its_file_is_completed_with_notification() {
    let data = stopped_store_with(&[("k.jpg", "x")]).await;
    fs::remove_file(data.path().join(BUCKET).join("k.jpg")).unwrap();
    let server = FolderServer::start_in(data).await;
    assert_eq!(server.get("k.jpg").await, None);
    assert_eq!(server.store.count_undelivered(), 1);
}

#[tokio::test]
async fn upload_whose_object_was_renamed_is_completed() {
    let server = FolderServer::start().await;
    let key = "film.mov";
    let upload = server.begin_upload(key).await;
    let part = server.part(key, &upload, 1, b"bytes".to_vec()).await;
    let data = server.stop().await;
    let engine = data.path().join(".engine");
    let open_state = tempfile::tempdir().unwrap();
    fs::copy(engine.join("s3.sqlite"), open_state.path().join("open")).unwrap();
    let part_file = files(&engine.join("uploads")).remove(0);

    let server = FolderServer::start_in(data).await;
    let parts = completion_of([part]);
    let etag = server.complete_upload(key, &upload, parts.clone()).await;
    let data = server.stop().await;
    // The state after the rename and before the last transaction: the upload and its part are
    // still open, and the object has only its pending row.
    let connection = database(&data);
    let open = open_state.path().join("open");
    connection
        .execute("ATTACH ?1 AS open", [open.to_str().unwrap()])
        .unwrap();
    let sql = "UPDATE objects SET pending = 1, event = 'ObjectCreated:CompleteMultipartUpload',
                   upload = (SELECT id FROM open.uploads);
               DELETE FROM uploads; INSERT INTO uploads SELECT * FROM open.uploads;
               INSERT INTO parts SELECT * FROM open.parts;";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    fs::write(data.path().join(".engine/uploads").join(part_file), "bytes").unwrap();

    let server = FolderServer::start_in(data).await;
    assert_eq!(server.get(key).await.unwrap(), b"bytes");
    let listed = server.client.list_multipart_uploads().bucket(BUCKET);
    assert!(listed.send().await.unwrap().uploads().is_empty());
    assert!(files(&server.data.path().join(".engine/uploads")).is_empty());
    // The client missed the response, so it repeats the request.
    assert_eq!(server.complete_upload(key, &upload, parts).await, etag);
}

/// Serves the store in a child process. [`acknowledged_writes_survive_kill_9`] starts this process
/// and kills it. In a normal test run, this test does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(data) = std::env::var("LOCAL_S3_CHILD") else {
        return;
    };
    let store = S3Store::open(data.as_ref()).unwrap();
    store.add_notification_filter(NotificationFilter::new(BUCKET, ""));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The address is written to the pipe directly: the test harness captures what a test prints.
    writeln!(
        std::io::stderr(),
        "listening on {}",
        listener.local_addr().unwrap()
    )
    .unwrap();
    let handler = store.handler(KeyPair::new("test", "secret"));
    let guard = local_http::RequestGuard::default();
    local_http::serve(listener, handler, guard, std::future::pending()).await;
}

/// A write that the server acknowledged: its key and its body. The body has three numbers: the
/// round, the writer, and the number of the write.
#[derive(Debug)]
struct AcknowledgedWrite {
    key: String,
    body: String,
}

/// Starts the server as a child process. Returns it with its address.
fn spawn_child(data: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crashes::child", "--nocapture"])
        .env("LOCAL_S3_CHILD", data)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("listening on ")
                .map(|address| format!("http://{address}"))
        })
        .unwrap();
    (child, address)
}

/// Writes objects until the server fails. Returns the acknowledged writes.
async fn write_until_killed(client: Client, round: u64, writer: u64) -> Vec<AcknowledgedWrite> {
    let mut acknowledged = Vec::new();
    for i in 0.. {
        let write = AcknowledgedWrite {
            key: format!("{writer}/{}", i % 5),
            body: format!("{round} {writer} {i}"),
        };
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key(&write.key)
            .metadata("owner", &write.body)
            .body(ByteStream::from(write.body.clone().into_bytes()));
        if put.send().await.is_err() {
            break;
        }
        acknowledged.push(write);
    }
    acknowledged
}

/// Starts the server, writes objects, and kills the server. Returns the acknowledged writes.
async fn kill_while_writing(data: &Path, round: u64) -> Vec<AcknowledgedWrite> {
    let (mut child, address) = spawn_child(data);
    let checksums = aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired;
    let client = client(&address, "secret", checksums);
    let _ = client.create_bucket().bucket(BUCKET).send().await;
    let writers = (0..8).map(|writer| write_until_killed(client.clone(), round, writer));
    let kill = async {
        tokio::time::sleep(std::time::Duration::from_millis(50 + 13 * (round % 10))).await;
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let (acknowledged, ()) = tokio::join!(futures::future::join_all(writers), kill);
    acknowledged.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kill_9() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let mut acknowledged: Vec<AcknowledgedWrite> = Vec::new();
    for round in 0..20 {
        acknowledged.extend(kill_while_writing(data.path(), round).await);
    }
    assert!(
        acknowledged.len() > 50,
        "the children wrote {} objects",
        acknowledged.len()
    );
    let server = FolderServer::start_in(data).await;
    let notifications = outbox_bodies(&server);
    let keys = server.keys().await;
    for key in &keys {
        let got = server.get_object(key).await;
        let owner = got.metadata().unwrap()["owner"].clone();
        let etag = got.e_tag().unwrap().replace('"', "");
        let body = got.body.collect().await.unwrap().to_vec();
        assert_eq!(
            body,
            owner.as_bytes(),
            "bytes and metadata are of one write"
        );
        assert!(
            notifications.iter().any(|body| body.contains(&etag)),
            "every object has a notification"
        );
        // A write after the last acknowledged one may have happened, but no older one may be back.
        let last = acknowledged.iter().rfind(|write| write.key == *key);
        assert!(
            last.is_none_or(|write| write_order(&owner) >= write_order(&write.body)),
            "{key}: {owner} after {last:?}"
        );
    }
    assert!(acknowledged.iter().all(|write| keys.contains(&write.key)));
    assert!(files(&server.data.path().join(".engine/tmp")).is_empty());
    // Each acknowledged write has its own notification.
    assert!(notifications.len() >= acknowledged.len());
}

/// Returns the notifications in the outbox.
fn outbox_bodies(server: &FolderServer) -> Vec<String> {
    let database = database(&server.data);
    let mut statement = database.prepare("SELECT body FROM outbox").unwrap();
    let bodies = statement.query_map([], |row| row.get(0)).unwrap();
    bodies.map(Result::unwrap).collect()
}

/// Returns the numbers in a body as a list. Of two writes of one writer, the later one has the
/// larger list.
fn write_order(body: &str) -> Vec<u64> {
    body.split(' ')
        .map(|number| number.parse().unwrap())
        .collect()
}
