//! Notifications: their JSON, and their delivery until they are acknowledged.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::primitives::ByteStream;
use s3_folder::{NotificationFilter, ObjectAddress, S3Store};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{BUCKET, FolderServer};

/// A receiver that keeps every event.
#[derive(Clone, Default)]
struct NotificationReceiver {
    events: Arc<Mutex<Vec<Value>>>,
    came: Arc<Notify>,
}

impl NotificationReceiver {
    /// Delivers notifications in the background. `answer` returns the response to an event. Its
    /// first argument is the number of events so far. Returns the handle that stops the delivery.
    fn start_delivery(
        &self,
        store: &S3Store,
        answer: impl Fn(usize, &Value) -> Result<Value, String> + Clone + Send + Sync + 'static,
    ) -> Arc<Notify> {
        let stop = Arc::new(Notify::new());
        let (receiver, store, stopped) = (self.clone(), store.clone(), Arc::clone(&stop));
        let handler = move |event: Value| {
            let (receiver, answer) = (receiver.clone(), answer.clone());
            async move {
                let count = {
                    let mut events = receiver.events.lock().unwrap();
                    events.push(event.clone());
                    events.len()
                };
                receiver.came.notify_one();
                answer(count, &event)
            }
        };
        tokio::spawn(async move {
            store
                .deliver_notifications(2, handler, async move { stopped.notified().await })
                .await
        });
        stop
    }

    /// Returns the S3 records that were received, ordered by their sequencers.
    fn records(&self) -> Vec<Value> {
        let events = self.events.lock().unwrap();
        let bodies = events
            .iter()
            .flat_map(|event| event["Records"].as_array().unwrap().clone());
        let mut records: Vec<Value> = bodies
            .map(|record| {
                serde_json::from_str::<Value>(record["body"].as_str().unwrap()).unwrap()["Records"]
                    [0]
                .clone()
            })
            .collect();
        records.sort_by_key(|record| {
            record["s3"]["object"]["sequencer"]
                .as_str()
                .unwrap()
                .to_owned()
        });
        records
    }

    /// Waits until every notification is acknowledged.
    async fn wait_until_drained(&self, store: &S3Store) {
        for _ in 0..3000 {
            if store.count_undelivered() == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!(
            "{} notifications were not delivered",
            store.count_undelivered()
        );
    }
}

/// Acknowledges every record.
fn acknowledge(_: usize, _: &Value) -> Result<Value, String> {
    Ok(json!({ "batchItemFailures": [] }))
}

/// Returns the event names and keys of records.
fn notified_changes(records: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    records
        .iter()
        .map(|record| {
            (
                text(&record["eventName"]),
                text(&record["s3"]["object"]["key"]),
            )
        })
        .collect()
}

#[tokio::test]
async fn every_change_under_the_prefix_is_notified_in_aws_json() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, "inbox/"));
    let receiver = NotificationReceiver::default();
    receiver.start_delivery(&server.store, acknowledge);
    server.put("elsewhere/a.jpg", "x").await;
    server.put("inbox/a b+ä.jpg", "hello").await;
    let copy = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("inbox/c")
        .copy_source("photos/elsewhere/a.jpg");
    copy.send().await.unwrap();
    server.delete("inbox/c").await;
    server.delete("inbox/never").await;
    receiver.wait_until_drained(&server.store).await;
    let records = receiver.records();
    let expected = [
        ("ObjectCreated:Put", "inbox/a+b%2B%C3%A4.jpg"),
        ("ObjectCreated:Copy", "inbox/c"),
        ("ObjectRemoved:Delete", "inbox/c"),
    ];
    assert_eq!(
        notified_changes(&records),
        expected.map(|(name, key)| (name.to_owned(), key.to_owned()))
    );

    let mut shown = records.clone();
    for record in &mut shown {
        let time = record["eventTime"].as_str().unwrap();
        assert!(
            time.len() == 24
                && time.ends_with('Z')
                && chrono::DateTime::parse_from_rfc3339(time).is_ok()
        );
        record["eventTime"] = "TIME".into();
        record["responseElements"] = json!({"x-amz-request-id": "ID", "x-amz-id-2": "ID"});
        record["s3"]["object"]["sequencer"] = "SEQUENCER".into();
    }
    insta::assert_json_snapshot!("notifications", shown);
    let event = receiver.events.lock().unwrap()[0]["Records"][0].clone();
    assert_eq!(event["eventSource"], "aws:sqs");
    assert!(!event["messageId"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn sequencers_grow_for_each_key() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    for body in ["1", "2", "3"] {
        server.put("k", body).await;
    }
    let receiver = NotificationReceiver::default();
    receiver.start_delivery(&server.store, acknowledge);
    receiver.wait_until_drained(&server.store).await;
    let etags: Vec<_> = receiver
        .records()
        .iter()
        .map(|record| record["s3"]["object"]["eTag"].clone())
        .collect();
    assert_eq!(
        etags,
        [
            "c4ca4238a0b923820dcc509a6f75849b",
            "c81e728d9d4c2f636f067f89cc14862c",
            "eccbc87e4b5ce2fe28308fd9f2a7baf3"
        ]
    );
}

#[tokio::test]
async fn unacknowledged_notifications_are_sent_again() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    for i in 0..5 {
        server.put(&format!("k{i}"), "x").await;
    }
    let receiver = NotificationReceiver::default();
    // The handler fails, then panics, then refuses one record, then acknowledges all.
    receiver.start_delivery(&server.store, |count, event| match count {
        1 => Err("not now".to_owned()),
        2 => panic!("a bug in the handler"),
        3 => Ok(json!({ "batchItemFailures": [{ "itemIdentifier": event["Records"][0]["messageId"] }] })),
        _ => Ok(json!({})),
    });
    receiver.wait_until_drained(&server.store).await;
    let events = receiver.events.lock().unwrap();
    let counts: Vec<usize> = events
        .iter()
        .map(|event| event["Records"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [5, 5, 5, 1]);
    assert_eq!(
        events[3]["Records"][0]["attributes"]["ApproximateReceiveCount"],
        "4"
    );
    assert_eq!(server.store.count_dead_letters(), 0);
}

#[tokio::test]
async fn batches_have_ten_records_and_run_in_parallel() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    futures::future::join_all((0..35).map(|i| server.put_one_byte(format!("k{i}")))).await;
    let receiver = NotificationReceiver::default();
    receiver.start_delivery(&server.store, acknowledge);
    receiver.wait_until_drained(&server.store).await;
    let events = receiver.events.lock().unwrap();
    let mut counts: Vec<usize> = events
        .iter()
        .map(|event| event["Records"].as_array().unwrap().len())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [5, 10, 10, 10]);
}

#[tokio::test]
async fn undelivered_notifications_and_filters_survive_a_restart() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, "in/"));
    server.put("in/a", "x").await;
    assert_eq!(server.store.count_undelivered(), 1);
    let server = server.restart().await;
    server.put("in/b", "x").await;
    server.put("out/c", "x").await;
    let receiver = NotificationReceiver::default();
    let stop = receiver.start_delivery(&server.store, acknowledge);
    receiver.wait_until_drained(&server.store).await;
    assert_eq!(
        notified_changes(&receiver.records())
            .iter()
            .map(|(_, key)| key.as_str())
            .collect::<Vec<_>>(),
        ["in/a", "in/b"]
    );
    stop.notify_one();
    server
        .store
        .set_notification_filters(&[NotificationFilter::new(BUCKET, "out/")]);
    server.put("in/d", "x").await;
    server.put("out/e", "x").await;
    assert_eq!(server.store.count_undelivered(), 1);
}

#[tokio::test]
async fn notification_becomes_a_dead_letter_after_twenty_attempts() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    server.put("poison", "x").await;
    let data = server.stop().await;
    let database = rusqlite::Connection::open(data.path().join(".engine/s3.sqlite")).unwrap();
    database
        .execute("UPDATE outbox SET attempts = 19", [])
        .unwrap();
    drop(database);
    let server = FolderServer::start_in(data).await;
    let receiver = NotificationReceiver::default();
    receiver.start_delivery(&server.store, |_, _| Err("never".to_owned()));
    receiver.wait_until_drained(&server.store).await;
    assert_eq!(server.store.count_dead_letters(), 1);
    assert_eq!(receiver.events.lock().unwrap().len(), 1);
}

/// Returns the folder of a store with one dead letter, for the object `poison ä`.
async fn folder_with_dead_letter() -> Arc<tempfile::TempDir> {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    server.put("poison ä", "x").await;
    let data = server.stop().await;
    let database = rusqlite::Connection::open(data.path().join(".engine/s3.sqlite")).unwrap();
    let sql = "INSERT INTO dead_letters SELECT id, body, 20, 0 FROM outbox; DELETE FROM outbox;";
    database.execute_batch(sql).unwrap();
    data
}

#[tokio::test]
async fn dead_letters_are_listed_and_delivered_after_the_next_start() {
    let server = FolderServer::start_in(folder_with_dead_letter().await).await;
    let listed = server.store.list_dead_letters().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].object, ObjectAddress::new(BUCKET, "poison ä"));
    assert_eq!(listed[0].event_name, "ObjectCreated:Put");
    assert_eq!((listed[0].attempts, listed[0].failed_ms), (20, 0));
    let other_process = S3Store::list_dead_letters_of(server.data.path()).unwrap();
    assert_eq!(other_process, listed);

    let receiver = NotificationReceiver::default();
    receiver.start_delivery(&server.store, acknowledge);
    receiver.came.notified().await;
    receiver.wait_until_drained(&server.store).await;
    assert_eq!(server.store.count_dead_letters(), 0);
    let event = receiver.events.lock().unwrap()[0].clone();
    let attributes = &event["Records"][0]["attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "21");
    let sent: i64 = attributes["SentTimestamp"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let age_ms = chrono::Utc::now().timestamp_millis() - sent;
    assert!((0..600_000).contains(&age_ms), "{age_ms}");
}

#[tokio::test]
async fn dead_letter_that_fails_again_is_sent_after_an_hour() {
    let data = folder_with_dead_letter().await;
    tokio::time::pause();
    let store = S3Store::open(data.path()).unwrap();
    let receiver = NotificationReceiver::default();
    let start = tokio::time::Instant::now();
    receiver.start_delivery(&store, |count, _| match count {
        3 => Ok(json!({})),
        _ => Err("not yet".to_owned()),
    });
    for attempt in 1..=3 {
        receiver.came.notified().await;
        assert_eq!(receiver.events.lock().unwrap().len(), attempt);
        let hours = start.elapsed().as_secs() / 3600;
        assert_eq!(hours, attempt as u64 - 1);
    }
    receiver.wait_until_drained(&store).await;
    assert_eq!(store.count_dead_letters(), 0);
}

impl FolderServer {
    /// Puts an object of one byte.
    async fn put_one_byte(&self, key: String) {
        let body = ByteStream::from_static(b"x");
        self.client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }
}
