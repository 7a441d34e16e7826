//! The functions' real binaries, built as for Lambda, from a photo's upload to the gallery's answer: under a server of
//! Lambda's Runtime API that is made here and, where LAMBDA_RIE says where it is, under AWS's Runtime Interface Emulator.
//!
//! What they ask of AWS is kept in `target/tmp/lambda-requests.json`; `.ci/terraform policies` holds it against the
//! policies that the module renders.

mod account;
mod runtime;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use self::account::{Account, HOOK_URL};
use self::runtime::{EMULATOR, Function, Under};
use crate::ingest::photos::TestShot;

/// What each function asked of AWS in the course of [`from_upload_to_gallery`].
const REQUESTS: &str = "lambda-requests.json";

#[tokio::test]
async fn the_real_binaries_take_a_photo_from_its_upload_to_the_gallery() {
    let requests = from_upload_to_gallery(Under::RuntimeApi).await;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(REQUESTS);
    std::fs::write(kept, serde_json::to_vec_pretty(&requests).unwrap()).unwrap();
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "what is skipped has to be said")]
async fn they_do_the_same_under_the_emulator_of_aws() {
    let Some(under) = Under::emulator() else {
        println!("{EMULATOR} does not say where AWS's emulator is: it was not used");
        return;
    };
    from_upload_to_gallery(under).await;
}

/// Uploads, and wakes each function as AWS would; what they asked of AWS.
async fn from_upload_to_gallery(under: Under) -> Vec<Value> {
    let mut account = Account::new(under).await;
    let ingest = account.start("ingest").await;

    // S3 says once that it will tell; then it tells of what ingest has tried the store with.
    let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox" });
    assert_eq!(ingest.invoke(&test).await, json!({}));
    let probe = account.notifications(1).await.remove(0);
    assert_eq!(ingest.invoke(&probe).await, json!({}));

    // S3 wakes ingest directly: for the upload, then for its copy.
    let shot = TestShot::at("2018:02:01 09:41:07");
    account.upload("trip/IMG 1.jpg", shot.jpeg()).await;
    for _ in 0..2 {
        let event = account.notifications(1).await.remove(0);
        assert_eq!(ingest.invoke(&event).await, json!({}));
    }
    let copied = account.keys("ingest", "ARCHIVE_BUCKET").await;
    assert_eq!(copied, ["2018-02-01/IMG 1.jpg"]);
    let refused = ingest.invoke(&json!({ "not": "an event" })).await;
    let said = refused["errorMessage"].as_str().unwrap_or_default();
    assert!(said.contains("no known shape"), "{refused}");

    // SQS wakes it with a batch, of which one message is none of S3's.
    account.upload("trip/IMG 1.DNG", shot.dng()).await;
    account.upload("scan.jpg", TestShot::undated().jpeg()).await;
    account.upload("diary.txt", "dear diary").await;
    let mut events = account.notifications(3).await;
    events.insert(1, json!({ "not": "an event" }));
    let given_back = json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] });
    assert_eq!(ingest.invoke(&sqs(&events)).await, given_back);
    let copies = account.notifications(2).await;
    let none_back = json!({ "batchItemFailures": [] });
    assert_eq!(ingest.invoke(&sqs(&copies)).await, none_back);
    // What is archived was deleted, as SOURCE_AFTER says; what is no photo stays.
    assert_eq!(account.keys("ingest", "SOURCE_BUCKET").await, ["diary.txt"]);

    // S3 Batch Operations wakes it with a task.
    let later = TestShot::at("2018:03:04 10:00:00");
    account.upload("old/IMG_2.jpg", later.jpeg()).await;
    account.notifications(1).await;
    let bucket = account.variable("ingest", "SOURCE_BUCKET");
    let answer = ingest.invoke(&job(&bucket, "old/IMG_2.jpg")).await;
    assert_eq!(answer["results"][0]["taskId"], "task");
    assert_eq!(answer["results"][0]["resultCode"], "Succeeded", "{answer}");
    let copy = account.notifications(1).await.remove(0);
    assert_eq!(ingest.invoke(&copy).await, json!({}));

    // The stream wakes publish, and so does the schedule.
    let publish = account.start("publish").await;
    let batch = account.stream_batch().await;
    assert_eq!(publish.invoke(&batch).await, none_back);
    let mut files = vec![
        "gallery/2018-02.json",
        "gallery/2018-03.json",
        "gallery/changes.json",
        "gallery/index.json",
        "gallery/undated.json",
    ];
    tick_until(&account, &publish, &files).await;

    // API Gateway and a Function URL ask the gallery; another instance takes the first one's cursor.
    let gallery = account.start("gallery").await;
    let first = json_of(&gallery.invoke(&request("/v1/photos", "limit=1")).await);
    assert_eq!(first["items"][0]["stem"], "2018-03-04/IMG_2");
    let other = account.start("gallery").await;
    let query = format!("limit=1&cursor={}", first["next"].as_str().unwrap());
    let second = json_of(&other.invoke(&function_url("/v1/photos", &query)).await);
    assert_eq!(second["items"][0]["stem"], "2018-02-01/IMG 1");
    let id = second["items"][0]["id"].as_str().unwrap();
    let photo = json_of(
        &gallery
            .invoke(&request(&format!("/v1/photos/{id}"), ""))
            .await,
    );
    assert_eq!(photo["stem"], "2018-02-01/IMG 1");
    let timeline = json_of(&gallery.invoke(&request("/v1/timeline", "unit=month")).await);
    assert!(timeline.to_string().contains("2018-03"), "{timeline}");
    for (path, query) in [
        ("/v1/photos", "camera=none"),
        ("/v1/photos", "lens=none"),
        ("/v1/photos", "bbox=2.2,48.8,2.3,48.9"),
    ] {
        let answer = json_of(&gallery.invoke(&request(path, query)).await);
        assert_eq!(answer["items"], json!([]), "{query}");
    }
    let problem = gallery.invoke(&function_url("/v1/photos", "limit=0")).await;
    assert_eq!(problem["statusCode"], 400, "{problem}");

    // What is removed from the archive by hand leaves the gallery.
    let bucket = account.variable("ingest", "ARCHIVE_BUCKET");
    let remove = account.s3.delete_object().bucket(bucket);
    remove.key("2018-03-04/IMG_2.jpg").send().await.unwrap();
    let removal = account.notifications(1).await.remove(0);
    assert_eq!(ingest.invoke(&removal).await, json!({}));
    let batch = account.stream_batch().await;
    assert_eq!(publish.invoke(&batch).await, none_back);
    files.retain(|file| *file != "gallery/2018-03.json");
    tick_until(&account, &publish, &files).await;

    // The hook's URL was read, and told to nobody.
    let asked: Vec<Value> = account.requests.lock().unwrap().clone();
    let parameter = account.variable("publish", "HOOK_URL_PARAMETER");
    let read = |one: &&Value| one["function"] == "publish" && one["service"] == "ssm";
    let read: Vec<&Value> = asked.iter().filter(read).collect();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0]["names"]["Name"], parameter.as_str());
    assert!(!publish.log().contains(HOOK_URL), "{}", publish.log());
    asked
}

#[tokio::test]
async fn a_hook_that_is_refused_stops_publish_at_its_start_and_is_not_told() {
    let account = Account::new(Under::RuntimeApi).await;
    let parameter = account.variable("publish", "HOOK_URL_PARAMETER");
    account.set_parameter(&parameter, "https://hooks.example/s3cret");
    let publish = account.start("publish").await;
    let answer = publish.invoke(&json!({ "source": "aws.scheduler" })).await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    let log = publish.log();
    assert!(log.contains("hook") && !log.contains("s3cret"), "{log}");
}

#[tokio::test]
async fn a_parameter_that_is_not_there_stops_the_gallery_at_its_start_and_is_named() {
    let account = Account::new(Under::RuntimeApi).await;
    account.parameters.lock().unwrap().clear();
    let gallery = account.start("gallery").await;
    let answer = gallery.invoke(&request("/v1/photos", "")).await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    let parameter = account.variable("gallery", "CURSOR_KEY_PARAMETER");
    assert!(gallery.log().contains(&parameter), "{}", gallery.log());
}

/// Ticks, as the schedule does, until there are these static files. A month that changed is left alone for some seconds.
async fn tick_until(account: &Account, publish: &Function, files: &[&str]) {
    for _ in 0..60 {
        let ticked = publish.invoke(&json!({ "source": "aws.scheduler" })).await;
        assert!(ticked["months"].is_u64(), "{ticked}");
        if account.keys("publish", "GALLERY_BUCKET").await == files {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("other files than {files:?}: {}", publish.log());
}

/// A batch of messages with these bodies; a message's number is its identity.
fn sqs(bodies: &[Value]) -> Value {
    let messages = bodies.iter().enumerate().map(|(number, body)| {
        json!({ "messageId": number.to_string(), "receiptHandle": "handle", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:photo-catalogue-uploads",
                "body": body.to_string() })
    });
    json!({ "Records": messages.collect::<Vec<_>>() })
}

/// A task of a job of S3 Batch Operations.
fn job(bucket: &str, key: &str) -> Value {
    json!({ "invocationSchemaVersion": "2.0", "invocationId": "invocation",
            "job": { "id": "job", "userArguments": {} },
            "tasks": [{ "taskId": "task", "s3Bucket": bucket, "s3Key": key, "s3VersionId": null }] })
}

/// A request as an HTTP API of API Gateway passes it on (payload format 2.0).
fn request(path: &str, query: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "isBase64Encoded": false,
        "headers": { "accept": "application/json", "host": "abcdefghij.execute-api.us-east-1.amazonaws.com" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdefghij", "routeKey": "$default", "stage": "$default",
            "domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com", "domainPrefix": "abcdefghij",
            "requestId": "JKJaXmPLvHcESHA=", "time": "23/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_428_000_000_u64,
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "it" },
        },
    })
}

/// The same as a Function URL does.
fn function_url(path: &str, query: &str) -> Value {
    let mut event = request(path, query);
    let host = "abcdefghij.lambda-url.us-east-1.on.aws";
    event["headers"]["host"] = json!(host);
    event["requestContext"]["domainName"] = json!(host);
    event
}

/// The body of a good answer to a request.
fn json_of(answer: &Value) -> Value {
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(answer["isBase64Encoded"], false, "{answer}");
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}
