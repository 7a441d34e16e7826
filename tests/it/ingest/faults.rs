//! Tests of stores that refuse requests: 403 for a missing object, and throttling at random.

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use photo_catalogue::ingest::Outcome;
use serde_json::{Value, json};

use super::events::{message, notification_of};
use super::fixture::{IngestWorld, archive_object, layout, source_object};
use super::photos::TestShot;
use super::proxy::{StoreProxy, random_share};

/// The number of requests for a new photo, if none fails (docs/ingest-protocol.md).
const IDEAL_REQUESTS_PER_PHOTO: usize = 10;

#[tokio::test]
async fn status_403_for_missing_objects_never_counts_as_gone() {
    let mut world = IngestWorld::new().await;
    for key in ["a.jpg", "b.jpg"] {
        let shot = TestShot::at("2018:02:01 09:41:07");
        world.upload(key, shot.jpeg()).await;
    }
    world.wait_until_delivered().await;
    let items = [
        world.item("2018-02-01/a").await,
        world.item("2018-02-01/b").await,
    ];
    // From now on, only the ingest behind the proxy gets events.
    world.store.set_notification_filters(&[]);
    let missing_is_403 = |status| match status {
        StatusCode::NOT_FOUND => StatusCode::FORBIDDEN,
        other => other,
    };
    let (_, s3) = StoreProxy::start(&world.s3_endpoint, |_| None, missing_is_403).await;
    world.ingest = world.ingest_over(&s3, &world.dynamodb.clone());

    // One copy is gone, one source is gone, and one key never existed.
    world.delete_archived("2018-02-01/a.jpg").await;
    world.delete(&source_object("b.jpg")).await;
    let objects = [
        archive_object("2018-02-01/a.jpg"),
        source_object("b.jpg"),
        archive_object("2018-02-01/never.jpg"),
        // The copy exists, but the HEAD of its source is refused.
        archive_object("2018-02-01/b.jpg"),
    ];
    for object in &objects {
        let error = world
            .ingest
            .process_object(object)
            .await
            .expect_err(&object.key);
        assert!(error.to_string().contains("403"), "{error}");
    }
    let messages: Vec<Value> = (0..)
        .zip(&objects)
        .map(|(id, object)| message(id, notification_of(object).to_string()))
        .collect();
    let answer = world
        .ingest
        .handle_event(&json!({ "Records": messages }))
        .await;
    let returned = answer.unwrap()["batchItemFailures"].clone();
    assert_eq!(returned.as_array().unwrap().len(), objects.len());
    assert_eq!(
        [
            world.item("2018-02-01/a").await,
            world.item("2018-02-01/b").await
        ],
        items
    );
    assert_eq!(world.item("2018-02-01/never").await, None);

    // The upload exists, so ingest processes it. But a stem counts as free only if the HEAD of its
    // key returns 404, and here it returns 403.
    let shot = TestShot::at("2018:02:01 12:00:00");
    world.upload("c.jpg", shot.jpeg()).await;
    world
        .ingest
        .process_object(&source_object("c.jpg"))
        .await
        .expect_err("the HEAD is refused");
    assert_eq!(world.archive_keys().await, ["2018-02-01/b.jpg"]);
}

fn throttled_response(_: &Method) -> Response {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#;
    let headers = [("content-type", "application/x-amz-json-1.0")];
    (StatusCode::BAD_REQUEST, headers, body).into_response()
}

fn unavailable_response(method: &Method) -> Response {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let body = if method == Method::HEAD { "" } else { body };
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stdout,
    reason = "prints the figure in the documentation"
)]
async fn ingest_converges_with_a_fifth_of_dynamodb_and_a_tenth_of_s3_requests_refused() {
    const PHOTOS: usize = 60;
    let mut world = IngestWorld::without_delivery(layout()).await;
    let throttle = random_share(20, 1);
    let before = move |method: &Method| throttle().then(|| throttled_response(method));
    let (table, dynamodb) = StoreProxy::start(&world.dynamodb, before, |status| status).await;
    let refuse = random_share(10, 2);
    let before = move |method: &Method| refuse().then(|| unavailable_response(method));
    let (store, s3) = StoreProxy::start(&world.s3_endpoint, before, |status| status).await;
    world.ingest = world.ingest_over(&s3, &dynamodb);
    for number in 0..PHOTOS {
        let taken = format!("2018:02:{:02} 09:41:07", number % 28 + 1);
        let shot = TestShot::at(taken.leak());
        world
            .upload(&format!("card/IMG_{number}.jpg"), shot.jpeg())
            .await;
    }
    world.start_delivery();
    world.wait_until_delivered().await;

    assert_eq!(world.archive_keys().await.len(), PHOTOS);
    for number in 0..PHOTOS {
        let stem = format!("2018-02-{:02}/IMG_{number}", number % 28 + 1);
        assert_eq!(world.live_parts(&stem).await, ["jpg"], "{stem}");
    }
    let outcomes = world.take_outcomes();
    let archived = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Archived(_)));
    assert!(archived.count() >= PHOTOS);
    let sent = table.received() + store.received();
    // One more request registers the year.
    let ideal = PHOTOS * IDEAL_REQUESTS_PER_PHOTO + 1;
    println!(
        "{PHOTOS} photos: {sent} requests, {} of {} refused by DynamoDB, {} of {} by S3: {:.2} times the ideal",
        table.refused(),
        table.received(),
        store.refused(),
        store.received(),
        sent as f64 / ideal as f64
    );
    assert!(table.refused() * 100 > table.received() * 15);
    assert!(store.refused() * 100 > store.received() * 6);
    assert!(sent * 10 <= ideal * 16, "{sent} requests for {ideal}");
}
