//! End-to-end tests of the Lambda functions, from an upload to its pictures and the response of the
//! gallery. They
//! run the real binaries, built as for Lambda, under a server of Lambda's Runtime API
//! (`runtime.rs`). If `LAMBDA_RIE` is set, they also run them under AWS's Runtime Interface
//! Emulator.
//!
//! The test writes the functions' requests to AWS to `target/tmp/lambda-requests.json`.
//! `.ci/terraform policies` compares them with the policies that the module renders.

mod account;
mod runtime;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use self::account::{FUNCTIONS, FakeAccount, HOOK_URL, PARAMETERS};
use self::runtime::{FunctionHost, FunctionProcess};
use crate::ingest::photos::TestShot;
use photo_catalogue::object::{Bucket, ObjectRef};

/// The name of the file to which the test writes all requests that the functions sent to AWS.
const REQUESTS: &str = "lambda-requests.json";
/// A keyword of the example photo `fuji/DSCF2210.JPG`.
const PRIVATE_KEYWORD: &str = "Buchenwald & Söhne";

#[tokio::test]
async fn functions_bring_a_photo_from_upload_to_gallery() {
    let requests = run_from_upload_to_gallery(FunctionHost::RuntimeApi).await;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(REQUESTS);
    std::fs::write(kept, serde_json::to_vec_pretty(&requests).unwrap()).unwrap();
}

test_support::needs_emulator! {
#[tokio::test]
async fn functions_work_under_the_emulator_of_aws() {
    run_from_upload_to_gallery(FunctionHost::emulator()).await;
}
}

/// Runs the whole test: uploads photos, and invokes each function as AWS does. Returns the
/// functions' requests to AWS.
async fn run_from_upload_to_gallery(host: FunctionHost) -> Vec<Value> {
    let mut account = FakeAccount::new(host).await;
    let ingest = account.start("ingest").await;
    ignore_setup_events(&mut account, &ingest).await;
    ingest_s3_events(&mut account, &ingest).await;
    ingest_sqs_batch(&mut account, &ingest).await;
    ingest_batch_operations_task(&mut account, &ingest).await;
    let render = account.start("render").await;
    make_pictures(
        &mut account,
        &render,
        &["2018-02-01/IMG 1", "2018-03-04/IMG_2", "undated/scan"],
    )
    .await;

    // One of the stems has no photo, so the photos table is read for it.
    let stems = ["undated/scan", "2018-02-01/IMG 1", "2018-02-01/moved"];
    account.add_album("Best", &stems).await;
    let publish = account.start("publish").await;
    let mut files = vec![
        "gallery/2018-02.json",
        "gallery/2018-03.json",
        "gallery/changes.json",
        "gallery/facets.json",
        "gallery/index.html",
        "gallery/index.json",
        "gallery/map.json",
        "gallery/photo-gallery.js",
        "gallery/undated.json",
    ];
    publish_stream_batch(&account, &publish, &files).await;
    query_gallery(&account).await;
    remove_from_archive(&mut account, &ingest).await;
    delete_pictures(&mut account, &render, 2).await;
    files.retain(|file| *file != "gallery/2018-03.json");
    publish_stream_batch(&account, &publish, &files).await;
    account.hide("2018-02-01/IMG 1").await;
    delete_pictures(&mut account, &render, 1).await;
    move_photo_to_its_day(&mut account, &ingest).await;
    check_hook_is_secret(&publish);
    check_secrets_are_read_once(&account);
    account.requests.lock().unwrap().clone()
}

/// Invokes ingest with the events that are not about photos: S3's test event, and the notification
/// of ingest's own probe object.
async fn ignore_setup_events(account: &mut FakeAccount, ingest: &FunctionProcess) {
    let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox" });
    assert_eq!(ingest.invoke(&test).await, json!({}));
    let probe = account.notifications(1).await.remove(0);
    assert_eq!(ingest.invoke(&probe).await, json!({}));
}

/// Invokes ingest with the events that S3 sends directly to a function: first for an upload, and
/// then for its copy. Also checks that an unknown event is an error.
async fn ingest_s3_events(account: &mut FakeAccount, ingest: &FunctionProcess) {
    let shot = first_shot();
    account.upload("trip/IMG 1.jpg", shot.jpeg()).await;
    for _ in 0..2 {
        let event = account.notifications(1).await.remove(0);
        assert_eq!(ingest.invoke(&event).await, json!({}));
    }
    let copied = account.list_keys("ingest", "ARCHIVE_BUCKET").await;
    assert_eq!(copied, ["2018-02-01/IMG 1.jpg"]);
    let refused = ingest.invoke(&json!({ "not": "an event" })).await;
    let message = refused["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("no known shape"), "{refused}");
}

/// Invokes ingest with the events of an upload and of an edit that has another day. The photo moves
/// to the folder of that day.
async fn move_photo_to_its_day(account: &mut FakeAccount, ingest: &FunctionProcess) {
    let shot = |taken| TestShot {
        taken: Some(taken),
        ..first_shot()
    };
    // An upload has its own event and that of its copy. The move of the copy has two more.
    for (taken, events) in [("2018:02:05 10:00:00", 2), ("2018:02:06 10:00:00", 4)] {
        account.upload("moved.jpg", shot(taken).jpeg()).await;
        for _ in 0..events {
            let event = account.notifications(1).await.remove(0);
            assert_eq!(ingest.invoke(&event).await, json!({}));
        }
    }
    let keys = account.list_keys("ingest", "ARCHIVE_BUCKET").await;
    let moved: Vec<&String> = keys.iter().filter(|key| key.contains("moved")).collect();
    assert_eq!(moved, ["2018-02-06/moved.jpg"]);
}

/// Invokes ingest with the events that SQS sends: first a batch in which one message is not from
/// S3, and then the batch of the copies.
async fn ingest_sqs_batch(account: &mut FakeAccount, ingest: &FunctionProcess) {
    let raw = first_shot().dng();
    account.upload("trip/IMG 1.DNG", raw).await;
    account.upload("scan.jpg", TestShot::undated().jpeg()).await;
    account.upload("diary.txt", "dear diary").await;
    let mut events = account.notifications(3).await;
    events.insert(1, json!({ "not": "an event" }));
    let one_failure = json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] });
    assert_eq!(ingest.invoke(&sqs_batch(&events)).await, one_failure);
    let copies = account.notifications(2).await;
    assert_eq!(ingest.invoke(&sqs_batch(&copies)).await, no_failures());
    // SOURCE_AFTER=delete deletes archived uploads. A file that is not a photo stays.
    let left = account.list_keys("ingest", "SOURCE_BUCKET").await;
    assert_eq!(left, ["diary.txt"]);
}

/// Invokes ingest with a task of S3 Batch Operations.
async fn ingest_batch_operations_task(account: &mut FakeAccount, ingest: &FunctionProcess) {
    let later = TestShot::at("2018:03:04 10:00:00");
    account.upload("old/IMG_2.jpg", later.jpeg()).await;
    account.notifications(1).await;
    let bucket = account.variable("ingest", "SOURCE_BUCKET");
    let task = batch_operations_task(&Bucket::new(&bucket).unwrap().object("old/IMG_2.jpg"));
    let answer = ingest.invoke(&task).await;
    assert_eq!(answer["results"][0]["taskId"], "task");
    assert_eq!(answer["results"][0]["resultCode"], "Succeeded", "{answer}");
    let copy = account.notifications(1).await.remove(0);
    assert_eq!(ingest.invoke(&copy).await, json!({}));
}

/// Invokes render with the records of the photos table's stream that pass its filter. Checks that
/// exactly the photos with these stems have pictures then.
async fn make_pictures(account: &mut FakeAccount, render: &FunctionProcess, stems: &[&str]) {
    let batch = account.picture_batch().await;
    let records = batch["Records"].as_array().unwrap();
    assert!(records.len() >= stems.len(), "{batch}");
    assert_eq!(render.invoke(&batch).await, no_failures());
    let pictures = picture_folders(account).await;
    assert_eq!(pictures.len(), stems.len(), "{stems:?}: {pictures:?}");
    // A second delivery of the same records changes nothing.
    assert_eq!(render.invoke(&batch).await, no_failures());
    assert_eq!(picture_folders(account).await, pictures);
    // The write of the pictures to the item is no work for render.
    assert_eq!(account.picture_batch().await["Records"], json!([]));
    assert_eq!(*account.cloudfront.invalidations.lock().unwrap(), [""; 0]);
}

/// Invokes render with the records of photos that must have no pictures any more. Checks that
/// CloudFront gets the paths of the deleted pictures, and that those of `left` photos remain.
async fn delete_pictures(account: &mut FakeAccount, render: &FunctionProcess, left: usize) {
    let before = picture_folders(account).await;
    let batch = account.picture_batch().await;
    assert_eq!(render.invoke(&batch).await, no_failures());
    let after = picture_folders(account).await;
    assert_eq!(after.len(), left);
    let mut invalidations = account.cloudfront.invalidations.lock().unwrap();
    let body = invalidations.pop().unwrap();
    assert!(invalidations.is_empty(), "{invalidations:?}");
    let deleted: Vec<&String> = before.difference(&after).collect();
    assert!(!deleted.is_empty());
    for folder in deleted {
        assert!(
            body.contains(&format!("<Path>/{folder}/*</Path>")),
            "{body}"
        );
    }
}

/// Returns the folders of the stored pictures. Each photo has one.
async fn picture_folders(account: &FakeAccount) -> BTreeSet<String> {
    let keys = account.list_keys("render", "GALLERY_BUCKET").await;
    let pictures = keys.iter().filter(|key| key.starts_with("gallery/r/"));
    pictures
        .filter_map(|key| Some(key.rsplit_once('/')?.0.to_owned()))
        .collect()
}

/// Invokes publish with the records of the photos table's stream. Then invokes it as the schedule
/// does, until the static files are exactly `files`.
async fn publish_stream_batch(account: &FakeAccount, publish: &FunctionProcess, files: &[&str]) {
    let batch = account.stream_batch().await;
    assert_eq!(publish.invoke(&batch).await, no_failures());
    run_cycles_until(account, publish, files).await;
}

/// Invokes the gallery with the events of API Gateway and of a Function URL. Also checks that one
/// instance of the function accepts the cursor of another.
async fn query_gallery(account: &FakeAccount) {
    let gallery = account.start("gallery").await;
    let first = gallery.invoke(&http_request("/v1/photos", "limit=1")).await;
    let first = json_body(&first);
    assert_eq!(first["items"][0]["stem"], "2018-03-04/IMG_2");
    let other = account.start("gallery").await;
    let query = format!("limit=1&cursor={}", first["next"].as_str().unwrap());
    let second = other
        .invoke(&function_url_request("/v1/photos", &query))
        .await;
    let second = json_body(&second);
    assert_eq!(second["items"][0]["stem"], "2018-02-01/IMG 1");
    let path = format!("/v1/photos/{}", second["items"][0]["id"].as_str().unwrap());
    let photo = json_body(&gallery.invoke(&http_request(&path, "")).await);
    assert_eq!(photo["stem"], "2018-02-01/IMG 1");
    let pictures = format!("{}/r/", account.variable("gallery", "GALLERY_URL"));
    let url = photo["images"][0]["url"].as_str().unwrap_or_default();
    assert!(url.starts_with(&pictures), "{photo}");
    let timeline = gallery
        .invoke(&http_request("/v1/timeline", "unit=month"))
        .await;
    let timeline = json_body(&timeline);
    assert!(timeline.to_string().contains("2018-03"), "{timeline}");
    let added = gallery
        .invoke(&http_request("/v1/photos", "order=added"))
        .await;
    let added = json_body(&added);
    assert_eq!(added["items"].as_array().map(Vec::len), Some(3), "{added}");
    let albums = json_body(&gallery.invoke(&http_request("/v1/albums", "")).await);
    assert_eq!(albums["items"][0]["photos"], 2, "{albums}");
    let album = gallery
        .invoke(&http_request("/v1/photos", "album=best"))
        .await;
    assert_eq!(json_body(&album)["items"][0]["stem"], "undated/scan");
    for query in ["camera=none", "lens=none", "bbox=2.2,48.8,2.3,48.9"] {
        let answer = json_body(&gallery.invoke(&http_request("/v1/photos", query)).await);
        assert_eq!(answer["items"], json!([]), "{query}");
    }
    let request = function_url_request("/v1/photos", "limit=0");
    let problem = gallery.invoke(&request).await;
    assert_eq!(problem["statusCode"], 400, "{problem}");
    let page = gallery.invoke(&http_request("/", "")).await;
    let url = format!("{}/index.html", account.variable("gallery", "GALLERY_URL"));
    assert_eq!(page["statusCode"], 302, "{page}");
    assert_eq!(page["headers"]["location"], url, "{page}");
}

/// Deletes a photo from the archive, and invokes ingest with the notification.
async fn remove_from_archive(account: &mut FakeAccount, ingest: &FunctionProcess) {
    let bucket = account.variable("ingest", "ARCHIVE_BUCKET");
    let remove = account.s3.delete_object().bucket(bucket);
    remove.key("2018-03-04/IMG_2.jpg").send().await.unwrap();
    let removal = account.notifications(1).await.remove(0);
    assert_eq!(ingest.invoke(&removal).await, json!({}));
}

/// Checks that publish did not log the URL of the hook.
fn check_hook_is_secret(publish: &FunctionProcess) {
    let log = publish.read_log();
    assert!(!log.contains(HOOK_URL), "{log}");
}

/// Checks that each start of a function read all its parameters in one request.
fn check_secrets_are_read_once(account: &FakeAccount) {
    let requests = account.requests.lock().unwrap().clone();
    for (function, starts) in [("ingest", 1), ("publish", 1), ("gallery", 2), ("render", 1)] {
        let is_read = |one: &&Value| one["function"] == function && one["service"] == "ssm";
        let reads: Vec<&Value> = requests.iter().filter(is_read).collect();
        assert_eq!(reads.len(), starts, "{function}");
        let expected: BTreeSet<String> = account.parameter_names(function).into_iter().collect();
        assert!(!expected.is_empty());
        for read in reads {
            let names = read["names"]["Names"].as_array().unwrap().iter();
            let names = names.map(|name| name.as_str().unwrap().split(':').next().unwrap());
            let names: BTreeSet<String> = names.map(str::to_owned).collect();
            assert_eq!(names, expected, "{function}");
        }
    }
}

/// Returns the shot whose JPEG and RAW the test uploads.
fn first_shot() -> TestShot {
    TestShot::at("2018:02:01 09:41:07")
}

/// Returns the response to an SQS batch in which no message failed.
fn no_failures() -> Value {
    json!({ "batchItemFailures": [] })
}

#[tokio::test]
async fn invalid_hook_stops_publish_at_start_and_is_not_logged() {
    let account = FakeAccount::new(FunctionHost::RuntimeApi).await;
    let parameter = account.parameter_name("publish", "HOOK_URL_PARAMETER");
    account.set_parameter(&parameter, "https://hooks.example/s3cret");
    let publish = account.start("publish").await;
    let answer = publish.invoke(&json!({ "source": "aws.scheduler" })).await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    let log = publish.read_log();
    assert!(log.contains("hook") && !log.contains("s3cret"), "{log}");
}

#[tokio::test]
async fn missing_parameter_stops_the_gallery_and_is_named() {
    let account = FakeAccount::new(FunctionHost::RuntimeApi).await;
    let parameter = account.parameter_name("gallery", "CURSOR_KEY_PARAMETER");
    account.parameters.values.lock().unwrap().remove(&parameter);
    let gallery = account.start("gallery").await;
    let answer = gallery.invoke(&http_request("/v1/photos", "")).await;
    assert_eq!(answer["errorType"], "Runtime.ExitError");
    let log = gallery.read_log();
    assert!(log.contains(&parameter), "{log}");
}

#[tokio::test]
async fn unreadable_privacy_rule_stops_every_function_before_it_writes() {
    for variable in ["", "HOME_ZONES", "PRIVATE_KEYWORDS", "PRIVATE_SOURCES"] {
        let account = FakeAccount::new(FunctionHost::RuntimeApi).await;
        let store = &account.parameters;
        let parameter = if variable.is_empty() {
            // The role may not read the parameters.
            store.denied.store(true, Ordering::Relaxed);
            account.parameter_name("ingest", "HOME_ZONES_PARAMETER")
        } else {
            let name = account.parameter_name("ingest", &format!("{variable}_PARAMETER"));
            store.values.lock().unwrap().remove(&name).unwrap();
            name
        };
        for function in FUNCTIONS {
            let process = account.start(function).await;
            let event = http_request("/v1/photos", "");
            let answer = process.invoke(&event).await;
            assert_eq!(answer["errorType"], "Runtime.ExitError", "{function}");
            let log = process.read_log();
            assert!(log.contains(&parameter), "{function}: {log}");
            assert_is_secret(&log);
        }
        let requests = account.requests.lock().unwrap().clone();
        let is_write = |one: &&Value| {
            let target = one["target"].as_str().unwrap_or_default();
            let reads = ["GetItem", "GetParameters"].map(|name| target.ends_with(name));
            one["method"] != "HEAD" && !reads.contains(&true)
        };
        assert_eq!(requests.iter().find(is_write), None, "{variable}");
    }
}

#[tokio::test]
async fn function_starts_although_many_others_read_parameters_at_once() {
    let account = FakeAccount::new(FunctionHost::RuntimeApi).await;
    account.parameters.throttled.store(4, Ordering::Relaxed);
    let publish = account.start("publish").await;
    let report = publish.invoke(&json!({ "source": "aws.scheduler" })).await;
    assert!(report["months"].is_u64(), "{report}");
    assert_eq!(account.parameters.throttled.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn privacy_rules_in_parameters_hide_positions_and_photos() {
    let mut account = FakeAccount::new(FunctionHost::RuntimeApi).await;
    let zones = account.parameter_name("ingest", "HOME_ZONES_PARAMETER");
    account.set_parameter(&zones, "52.5145,13.3501,500");
    let keywords = account.parameter_name("ingest", "PRIVATE_KEYWORDS_PARAMETER");
    account.set_parameter(&keywords, PRIVATE_KEYWORD);
    let ingest = account.start("ingest").await;
    account.notifications(1).await;
    for (key, example) in [
        ("phone/berlin.jpg", "phone/IMG_0412.JPG"),
        ("phone/tokyo.jpg", "phone/IMG_0977.JPG"),
        ("private/desert.jpg", "olympus/P6050077.JPG"),
        ("fuji/leaves.jpg", "fuji/DSCF2210.JPG"),
    ] {
        account.upload(key, example_photo(example)).await;
        for _ in 0..2 {
            let event = account.notifications(1).await.remove(0);
            assert_eq!(ingest.invoke(&event).await, json!({}));
        }
    }
    let render = account.start("render").await;
    make_pictures(
        &mut account,
        &render,
        &["2022-07-16/berlin", "2023-04-09/tokyo"],
    )
    .await;
    let publish = account.start("publish").await;
    let files = [
        "gallery/2022-07.json",
        "gallery/2023-04.json",
        "gallery/changes.json",
        "gallery/facets.json",
        "gallery/index.html",
        "gallery/index.json",
        "gallery/map.json",
        "gallery/photo-gallery.js",
    ];
    publish_stream_batch(&account, &publish, &files).await;
    let gallery = account.start("gallery").await;
    let list = json_body(&gallery.invoke(&http_request("/v1/photos", "")).await);
    let shown: Vec<(&str, bool)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["stem"].as_str().unwrap(), item["location"].is_object()))
        .collect();
    assert_eq!(
        shown,
        [("2023-04-09/tokyo", true), ("2022-07-16/berlin", false)]
    );
    for process in [&ingest, &render, &publish, &gallery] {
        let log = process.read_log();
        assert!(
            !log.contains("52.5145") && !log.contains(PRIVATE_KEYWORD),
            "{log}"
        );
    }
}

#[tokio::test]
async fn cdn_forgets_hidden_pictures_although_it_failed_before() {
    let (mut account, render) = account_with_pictures().await;
    let folder = picture_folders(&account).await.pop_first().unwrap();

    account.hide("2018-02-01/a").await;
    let batch = account.picture_batch().await;
    // An error that no repeat mends.
    account.fail_invalidations(&[(StatusCode::FORBIDDEN, "AccessDenied")]);
    let sequence = &batch["Records"][0]["dynamodb"]["SequenceNumber"];
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] });
    assert_eq!(render.invoke(&batch).await, failed);
    assert!(picture_folders(&account).await.is_empty());
    assert!(
        render.read_log().contains("AccessDenied"),
        "{}",
        render.read_log()
    );
    // The pictures are gone, but the CDN may still have them.
    account.fail_invalidations(&[(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"); 2]);
    assert_eq!(render.invoke(&batch).await, no_failures());
    let bodies = std::mem::take(&mut *account.cloudfront.invalidations.lock().unwrap());
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(
        bodies[0].contains(&format!("<Path>/{folder}/*</Path>")),
        "{bodies:?}"
    );
    assert!(account.cloudfront.failures.lock().unwrap().is_empty());
}

/// Returns an account with the pictures of one photo, `2018-02-01/a`, and the render function.
async fn account_with_pictures() -> (FakeAccount, FunctionProcess) {
    let mut account = FakeAccount::new(FunctionHost::RuntimeApi).await;
    let render = make_pictures_of_one_photo(&mut account).await;
    (account, render)
}

/// Uploads the photo `2018-02-01/a`, and makes its pictures. Returns the render function.
async fn make_pictures_of_one_photo(account: &mut FakeAccount) -> FunctionProcess {
    let ingest = account.start("ingest").await;
    account.notifications(1).await;
    account.upload("a.jpg", first_shot().jpeg()).await;
    for _ in 0..2 {
        let event = account.notifications(1).await.remove(0);
        assert_eq!(ingest.invoke(&event).await, json!({}));
    }
    let render = account.start("render").await;
    make_pictures(account, &render, &["2018-02-01/a"]).await;
    render
}

test_support::needs_moto! {
#[tokio::test]
async fn moto_accepts_the_invalidation_of_hidden_pictures() {
    let moto = std::env::var("CONFORMANCE_MOTO").unwrap();
    let mut account = FakeAccount::new(FunctionHost::RuntimeApi).await;
    let distributions = format!("{moto}/2020-05-31/distribution");
    // Each distribution has another reference.
    let body = DISTRIBUTION.replace("REFERENCE", &fastrand::u64(..).to_string());
    let created = call_moto(crate::http_client().post(&distributions).body(body)).await;
    let distribution = text_of_element(&created, "Id").to_owned();
    account.use_cloudfront(&moto, &distribution);
    let render = make_pictures_of_one_photo(&mut account).await;
    let folder = picture_folders(&account).await.pop_first().unwrap();

    account.hide("2018-02-01/a").await;
    let batch = account.picture_batch().await;
    assert_eq!(render.invoke(&batch).await, no_failures());
    let invalidations = format!("{distributions}/{distribution}/invalidation");
    let listed = call_moto(crate::http_client().get(&invalidations)).await;
    assert_eq!(listed.matches("<InvalidationSummary>").count(), 1, "{listed}");
    let invalidation = format!("{invalidations}/{}", text_of_element(&listed, "Id"));
    let created = call_moto(crate::http_client().get(&invalidation)).await;
    assert_eq!(text_of_element(&created, "Path"), format!("/{folder}/*"));
}
}

/// A distribution with one origin, as CloudFront's API accepts it.
const DISTRIBUTION: &str = "<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
    <CallerReference>REFERENCE</CallerReference><Comment>it</Comment><Enabled>true</Enabled><Origins><Quantity>1</Quantity><Items>\
    <Origin><Id>files</Id><DomainName>site.s3.amazonaws.com</DomainName><S3OriginConfig><OriginAccessIdentity></OriginAccessIdentity></S3OriginConfig></Origin>\
    </Items></Origins><DefaultCacheBehavior><TargetOriginId>files</TargetOriginId><ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>\
    </DefaultCacheBehavior></DistributionConfig>";

/// Sends a request to the CloudFront of moto, which reads the service from the signature. Returns
/// the body of the response.
async fn call_moto(request: reqwest::RequestBuilder) -> String {
    let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudfront/aws4_request";
    let request = request
        .header(
            "authorization",
            format!("{scope}, SignedHeaders=host, Signature=0"),
        )
        .header("content-type", "application/xml");
    let response = request.send().await.unwrap().error_for_status().unwrap();
    response.text().await.unwrap()
}

/// Returns the text of the first element with this name.
fn text_of_element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once("</").unwrap().0
}

#[tokio::test]
async fn too_many_hidden_photos_share_one_invalidation() {
    let (mut account, render) = account_with_pictures().await;
    account.hide("2018-02-01/a").await;
    let batch = account.picture_batch().await;
    account.fail_invalidations(&[(StatusCode::BAD_REQUEST, "TooManyInvalidationsInProgress")]);
    assert_eq!(render.invoke(&batch).await, no_failures());
    let bodies = account.cloudfront.invalidations.lock().unwrap().clone();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(
        bodies[0].contains("<Path>/gallery/r/*</Path>"),
        "{bodies:?}"
    );
    assert!(bodies[0].contains("<CallerReference>all-"), "{bodies:?}");
}

/// Checks that a log contains no value of a parameter.
fn assert_is_secret(log: &str) {
    for (_, value) in PARAMETERS {
        assert!(!log.contains(value), "{log}");
    }
}

/// Returns the bytes of a file in `examples/photos`.
fn example_photo(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    std::fs::read(folder.join(file)).unwrap()
}

/// Invokes publish as the schedule does, until the static files are exactly `files`. Publish waits
/// a few seconds before it rebuilds a changed month.
async fn run_cycles_until(account: &FakeAccount, publish: &FunctionProcess, files: &[&str]) {
    for _ in 0..60 {
        let report = publish.invoke(&json!({ "source": "aws.scheduler" })).await;
        assert!(report["months"].is_u64(), "{report}");
        let mut stored = account.list_keys("publish", "GALLERY_BUCKET").await;
        // The pictures, the modules of the page, the lists and the text index are in folders.
        stored.retain(|key| key.matches('/').count() == 1);
        if stored == files {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("other files than {files:?}: {}", publish.read_log());
}

/// Returns an SQS batch of messages with these bodies. The id of a message is its index.
fn sqs_batch(bodies: &[Value]) -> Value {
    let messages = bodies.iter().enumerate().map(|(number, body)| {
        json!({ "messageId": number.to_string(), "receiptHandle": "handle", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:photo-catalogue-uploads",
                "body": body.to_string() })
    });
    json!({ "Records": messages.collect::<Vec<_>>() })
}

/// Returns the event with which S3 Batch Operations invokes a function for one object.
fn batch_operations_task(object: &ObjectRef) -> Value {
    json!({ "invocationSchemaVersion": "2.0", "invocationId": "invocation",
            "job": { "id": "job", "userArguments": {} },
            "tasks": [{ "taskId": "task", "s3Bucket": object.bucket.as_str(), "s3Key": object.key, "s3VersionId": null }] })
}

/// Returns the event of a request that arrives through an HTTP API of API Gateway (payload format
/// 2.0).
fn http_request(path: &str, query: &str) -> Value {
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

/// Returns the event of a request that arrives through a Function URL.
fn function_url_request(path: &str, query: &str) -> Value {
    let mut event = http_request(path, query);
    let host = "abcdefghij.lambda-url.us-east-1.on.aws";
    event["headers"]["host"] = json!(host);
    event["requestContext"]["domainName"] = json!(host);
    event
}

/// Returns the body of a response. Its status must be 200.
fn json_body(answer: &Value) -> Value {
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(answer["isBase64Encoded"], false, "{answer}");
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}
