//! Tests of whole events: batches with a bad message, invocations without enough time, and stores
//! that refuse requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::ingest::Ingest;
use photo_catalogue::object::{Bucket, ObjectRef};
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::Storage;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::fixture::{IngestWorld, SOURCE, layout, source_object};
use super::photos::TestShot;

fn notification(key: &str) -> Value {
    notification_of(&source_object(key))
}

pub(super) fn notification_of(object: &ObjectRef) -> Value {
    json!({ "Records": [{ "eventSource": "aws:s3",
                          "s3": { "bucket": { "name": object.bucket.as_str() }, "object": { "key": object.key } } }] })
}

pub(super) fn message(id: usize, body: String) -> Value {
    json!({ "messageId": id.to_string(), "eventSource": "aws:sqs", "body": body })
}

#[tokio::test]
async fn bad_message_is_returned_and_the_other_nine_are_acknowledged() {
    let world = IngestWorld::without_delivery(layout()).await;
    let mut messages = vec![message(0, "{\"not\": \"an event\"}".to_owned())];
    for id in 1..10 {
        let key = format!("card/IMG_{id}.jpg");
        let taken = format!("2018:02:01 09:41:{id:02}");
        world.upload(&key, TestShot::at(taken.leak()).jpeg()).await;
        messages.push(message(id, notification(&key).to_string()));
    }
    let event = json!({ "Records": messages });
    for _ in 0..2 {
        assert_eq!(
            world.ingest.handle_event(&event).await.unwrap(),
            json!({ "batchItemFailures": [{ "itemIdentifier": "0" }] })
        );
    }
    assert_eq!(world.archive_keys().await.len(), 9);
}

#[tokio::test]
async fn bad_photo_has_an_outcome_and_no_message_is_returned() {
    let world = IngestWorld::without_delivery(layout()).await;
    for (poison, outcome) in [
        (b"dear diary".as_slice(), "skipped"),
        // It is a JPEG with a picture, so it is archived although it has no metadata.
        (b"\xff\xd8\xff\xda\0\x02 and no more", "undated"),
    ] {
        let mut messages = Vec::new();
        for id in 0..10 {
            let key = format!("{outcome}/IMG_{id}.jpg");
            let taken = format!("2018:02:01 09:41:{id:02}");
            let bytes = match id {
                7 => poison.to_vec(),
                _ => TestShot::at(taken.leak()).jpeg(),
            };
            world.upload(&key, bytes).await;
            messages.push(message(id, notification(&key).to_string()));
        }
        let answer = world
            .ingest
            .handle_event(&json!({ "Records": messages }))
            .await;
        assert_eq!(answer.unwrap(), json!({ "batchItemFailures": [] }));
        let ledger = world
            .ledger_entry(&format!("{outcome}/IMG_7.jpg"))
            .await
            .unwrap();
        assert_eq!(ledger.outcome.as_str(), outcome);
        let others = world.take_outcomes();
        let archived = others
            .iter()
            .filter(|(_, outcome)| outcome.name() == "archived");
        assert_eq!((others.len(), archived.count()), (10, 9));
    }
    // The photos of the second event have the same names and bytes as those of the first.
    assert_eq!(world.archive_keys().await.len(), 10);
}

#[tokio::test]
async fn batch_operations_job_gets_a_result_for_each_task() {
    let world =
        IngestWorld::without_delivery(Layout::new(SOURCE, "in/", "archive", "").unwrap()).await;
    world
        .upload("in/a b.jpg", TestShot::at("2018:02:01 09:41:07").jpeg())
        .await;
    let mut results = Vec::new();
    for key in ["in/a+b.jpg", "in/gone.jpg", "elsewhere.jpg"] {
        let event = json!({ "invocationSchemaVersion": "2.0", "invocationId": "i", "job": { "id": "j" },
                            "tasks": [{ "taskId": key, "s3Key": key, "s3Bucket": SOURCE }] });
        let answer = world.ingest.handle_event(&event).await.unwrap();
        assert_eq!(answer["results"][0]["taskId"], key);
        let result = &answer["results"][0];
        results.push(format!(
            "{}, {}",
            result["resultCode"], result["resultString"]
        ));
    }
    assert_eq!(
        results,
        [
            "\"Succeeded\", \"archived: 2018-02-01/a b.jpg\"",
            "\"Succeeded\", \"gone\"",
            "\"PermanentFailure\", \"under neither the source nor the archive prefix\"",
        ]
    );
}

#[tokio::test]
async fn key_that_occurs_ten_times_in_a_batch_is_processed_once() {
    let world = IngestWorld::without_delivery(layout()).await;
    world
        .upload("a.jpg", TestShot::at("2018:02:01 09:41:07").jpeg())
        .await;
    let messages: Vec<Value> = (0..10)
        .map(|id| message(id, notification("a.jpg").to_string()))
        .collect();
    world
        .ingest
        .handle_event(&json!({ "Records": messages }))
        .await
        .unwrap();
    assert_eq!(world.take_outcomes().len(), 1);
}

/// Builds ingest over a test server in place of S3. The server sends the text `answer` to every
/// request. If `answer` is `None`, it sends no response.
async fn ingest_over_stub_store(answer: Option<&'static str>) -> Ingest {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 16 * 1024];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    if let Some(answer) = answer {
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    let world = IngestWorld::without_delivery(layout()).await;
    let endpoints = Endpoints {
        s3: Some(endpoint.clone()),
        dynamodb: Some(world.dynamodb.clone()),
    };
    let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
    Ingest::new(
        Storage::new(clients.s3),
        Catalogue::new(clients.dynamodb, "photos"),
        layout(),
        LocationPolicy::Exact,
        Arc::new(Utc::now),
    )
}

#[tokio::test]
async fn unfinished_messages_are_returned_at_the_deadline() {
    let ingest = ingest_over_stub_store(None).await;
    let messages = (0..20).map(|id| message(id, notification(&format!("{id}.jpg")).to_string()));
    let event = json!({ "Records": messages.collect::<Vec<_>>() });
    let start = Instant::now();
    let answer = ingest
        .handle_event_within(&event, Duration::from_millis(1500))
        .await
        .unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 20);
    assert!(
        start.elapsed() < Duration::from_millis(1400),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn status_403_never_counts_as_gone() {
    let ingest = ingest_over_stub_store(Some(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nx-amz-request-id: 1\r\n\r\n",
    ))
    .await;
    for (bucket, key) in [(SOURCE, "a.jpg"), ("archive", "2018-02-01/a.jpg")] {
        let error = ingest
            .process_object(&Bucket::new(bucket).unwrap().object(key))
            .await
            .expect_err("an error");
        assert!(
            error.to_string().contains("403") && !error.is_retryable(),
            "{error}"
        );
    }
    let event = json!({ "Records": [message(1, notification("a.jpg").to_string())] });
    let answer = ingest.handle_event(&event).await.unwrap();
    assert_eq!(
        answer,
        json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] })
    );
}
