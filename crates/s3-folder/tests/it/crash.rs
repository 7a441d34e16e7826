//! Crashes: states between the steps of a write, made by hand, and a server killed again and again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use s3_folder::{KeyPair, NotificationFilter, S3Store};

use super::{BUCKET, Server, client, files};

/// Makes the row of `key` pending again, as it is between the rename and the end of the write.
const UNDO_PROMOTION: &str =
    "UPDATE objects SET pending = 1, event = 'ObjectCreated:Copy' WHERE key = CAST(?1 AS BLOB)";

async fn stopped_with(bodies: &[(&str, &str)]) -> Arc<tempfile::TempDir> {
    let server = Server::start().await;
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

fn database(data: &Arc<tempfile::TempDir>) -> rusqlite::Connection {
    rusqlite::Connection::open(data.path().join(".engine/s3.sqlite")).unwrap()
}

async fn owner(server: &Server, key: &str) -> Option<String> {
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
async fn a_write_that_reached_its_place_is_completed_with_its_metadata_and_notification() {
    let data = stopped_with(&[("a/k.jpg", "new")]).await;
    assert_eq!(
        database(&data)
            .execute(UNDO_PROMOTION, ["a/k.jpg"])
            .unwrap(),
        1
    );
    let server = Server::start_in(data).await;
    assert_eq!(owner(&server, "a/k.jpg").await.as_deref(), Some("new"));
    assert_eq!(server.store.count_undelivered(), 1);
    let body: String = database(&server.data)
        .query_row("SELECT body FROM outbox", [], |row| row.get(0))
        .unwrap();
    assert!(body.contains("ObjectCreated:Copy"));
}

#[tokio::test]
async fn a_write_that_did_not_reach_its_place_never_was() {
    let data = stopped_with(&[("k.jpg", "old"), ("other.jpg", "new")]).await;
    let database = database(&data);
    // A pending row for k.jpg whose file is still in the temporary folder, and one for a key that had nothing.
    let sql = "INSERT INTO objects SELECT bucket, CAST(?1 AS BLOB), 1, odd, CAST(?1 AS BLOB), size, etag, modified_ms,
               inode, mtime_ns, attributes, 'ObjectCreated:Put' FROM objects WHERE key = CAST('other.jpg' AS BLOB)";
    for key in ["k.jpg", "never.jpg"] {
        assert_eq!(database.execute(sql, [key]).unwrap(), 1);
    }
    drop(database);
    fs::write(data.path().join(".engine/tmp/leftover"), "half of it").unwrap();
    let server = Server::start_in(data).await;
    assert_eq!(owner(&server, "k.jpg").await.as_deref(), Some("old"));
    assert_eq!(server.get("k.jpg").await.unwrap(), b"old");
    assert_eq!(server.get("never.jpg").await, None);
    assert_eq!(server.store.count_undelivered(), 0);
    assert!(files(&server.data.path().join(".engine/tmp")).is_empty());
}

#[tokio::test]
async fn a_delete_that_removed_the_file_is_completed_with_its_notification() {
    let data = stopped_with(&[("k.jpg", "x")]).await;
    fs::remove_file(data.path().join(BUCKET).join("k.jpg")).unwrap();
    let server = Server::start_in(data).await;
    assert_eq!(server.get("k.jpg").await, None);
    assert_eq!(server.store.count_undelivered(), 1);
}

/// Not a test: the server that [`what_was_acknowledged_survives_kill_9`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(data) = std::env::var("LOCAL_S3_CHILD") else {
        return;
    };
    let store = S3Store::open(data.as_ref()).unwrap();
    store.add_notification_filter(NotificationFilter::new(BUCKET, ""));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Through the pipe, past the test harness, which keeps what a test prints.
    writeln!(
        std::io::stderr(),
        "listening on {}",
        listener.local_addr().unwrap()
    )
    .unwrap();
    let key_pair = KeyPair {
        access_key: "test".to_owned(),
        secret_key: "secret".to_owned(),
    };
    store
        .serve(listener, key_pair, std::future::pending())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    for round in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "local_s3::crash::child", "--nocapture"])
            .env("LOCAL_S3_CHILD", data.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                line.unwrap()
                    .strip_prefix("listening on ")
                    .map(str::to_owned)
            })
            .unwrap();
        let checksums = aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired;
        let client = client(&format!("http://{address}"), "secret", checksums);
        let _ = client.create_bucket().bucket(BUCKET).send().await;
        let writers = (0..8).map(|writer| {
            let client = client.clone();
            async move {
                let mut done = Vec::new();
                for i in 0.. {
                    let (key, body) = (
                        format!("{writer}/{}", i % 5),
                        format!("{round} {writer} {i}"),
                    );
                    let put = client
                        .put_object()
                        .bucket(BUCKET)
                        .key(&key)
                        .metadata("owner", &body);
                    match put
                        .body(ByteStream::from(body.clone().into_bytes()))
                        .send()
                        .await
                    {
                        Ok(_) => done.push((key, body)),
                        Err(_) => break,
                    }
                }
                done
            }
        });
        let kill = async {
            tokio::time::sleep(std::time::Duration::from_millis(50 + 13 * (round % 10))).await;
            child.kill().unwrap();
            child.wait().unwrap();
        };
        let (done, ()) = tokio::join!(futures::future::join_all(writers), kill);
        acknowledged.extend(done.into_iter().flatten());
    }
    assert!(
        acknowledged.len() > 50,
        "the children wrote {} objects",
        acknowledged.len()
    );
    let server = Server::start_in(data).await;
    let mut told: Vec<String> = Vec::new();
    {
        let database = database(&server.data);
        let mut statement = database.prepare("SELECT body FROM outbox").unwrap();
        told.extend(
            statement
                .query_map([], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap),
        );
    }
    for key in server.keys().await {
        let got = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key(&key)
            .send()
            .await
            .unwrap();
        let (owner, etag) = (
            got.metadata().unwrap()["owner"].clone(),
            got.e_tag().unwrap().replace('"', ""),
        );
        let body = got.body.collect().await.unwrap().to_vec();
        assert_eq!(
            body,
            owner.as_bytes(),
            "bytes and metadata are of one write"
        );
        assert!(
            told.iter().any(|body| body.contains(&etag)),
            "what is there was told of"
        );
        // Later writes than the last acknowledged one may have happened, earlier ones not.
        let last = acknowledged
            .iter()
            .rfind(|(acknowledged, _)| *acknowledged == key);
        let order = |text: &str| {
            text.split(' ')
                .map(|number| number.parse::<u64>().unwrap())
                .collect::<Vec<_>>()
        };
        assert!(
            last.is_none_or(|(_, body)| order(&owner) >= order(body)),
            "{key}: {owner} after {last:?}"
        );
    }
    let keys = server.keys().await;
    assert!(acknowledged.iter().all(|(key, _)| keys.contains(key)));
    assert!(files(&server.data.path().join(".engine/tmp")).is_empty());
    // Each acknowledged write has its own notification.
    assert!(told.len() >= acknowledged.len());
}
