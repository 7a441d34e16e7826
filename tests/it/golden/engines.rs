//! Records what is stored: the tables through DynamoDB's own protocol, the objects through the AWS
//! SDK, and the static files from disk.

use std::fmt::Write;

use serde_json::{Value, json};

use super::normalise::{self, is_number, is_second, is_time};
use super::pretty::pretty;
use super::recording::Recorder;
use crate::serve::process::files;

/// Records the tables, the buckets and the static files.
pub(super) fn record(recorder: &mut Recorder) {
    record_photos(recorder);
    record_publish(recorder);
    record_dirty_months(recorder);
    let tables: Vec<Value> = ["photos", "publish"]
        .iter()
        .map(|table| shape(recorder, table))
        .collect();
    recorder.add(
        "dynamodb/tables.json",
        pretty(&Value::Array(tables).to_string()) + "\n",
    );
    for bucket in ["archive", "inbox", "site"] {
        let objects = objects(recorder, bucket);
        recorder.add(&format!("s3/{bucket}.txt"), objects);
    }
    record_site(recorder);
}

/// Returns all items of a table, sorted by their keys.
pub(super) fn items(recorder: &Recorder, table: &str) -> Vec<Value> {
    let request = json!({ "TableName": table, "ConsistentRead": true });
    let answer = dynamodb(recorder, "Scan", &request);
    assert!(answer["LastEvaluatedKey"].is_null(), "more than one page");
    let mut items = answer["Items"].as_array().unwrap().clone();
    items.iter_mut().for_each(sort);
    let key = |item: &Value| [&item["pk"]["S"], &item["sk"]["S"]].map(Value::to_string);
    items.sort_by_key(key);
    items
}

/// Replaces the picture secret by a fixed one, so that the names of pictures are the same in each
/// run. The next `photos serve` uses it.
pub(super) fn fix_picture_secret(recorder: &mut Recorder) {
    let secret = data_encoding::BASE64.encode(&[7; 32]);
    let item = json!({ "pk": { "S": "pictureSecret" }, "secret": { "S": secret } });
    let request = json!({ "TableName": "photos", "Item": item });
    dynamodb(recorder, "PutItem", &request);
}

/// Replaces the times at which the photos became public and last changed by fixed ones, so that the
/// static files and their digests are the same in each run. Checks the form of each time.
pub(super) fn fix_times(recorder: &mut Recorder) {
    for mut item in items(recorder, "photos") {
        let is_photo = item["pk"]["S"].as_str().unwrap().starts_with("photo#");
        if !is_photo {
            continue;
        }
        let added = item["addedAt"].clone();
        let summary = &mut item["summary"]["M"];
        assert_eq!(summary["addedAt"], added);
        for (field, time) in [
            ("addedAt", "2026-01-02T03:04:05Z"),
            ("changedAt", "2026-02-03T04:05:06Z"),
        ] {
            assert!(
                is_second(summary[field]["S"].as_str().unwrap()),
                "{summary}"
            );
            summary[field] = json!({ "S": time });
        }
        item["addedAt"] = item["summary"]["M"]["addedAt"].clone();
        dynamodb(
            recorder,
            "PutItem",
            &json!({ "TableName": "photos", "Item": item }),
        );
    }
}

/// Records the photo items and the ledger entries.
fn record_photos(recorder: &mut Recorder) {
    let (ledger, photos): (Vec<Value>, Vec<Value>) = items(recorder, "photos")
        .into_iter()
        .partition(|item| item["pk"]["S"].as_str().unwrap().starts_with("ledger#"));
    for (name, items) in [("photos", photos), ("ledger", ledger)] {
        let text = normalise::last_modified(&Value::Array(items).to_string());
        recorder.add(&format!("dynamodb/{name}.json"), pretty(&text) + "\n");
    }
}

/// Records the published months and the state of publish, from the publish table. Leaves out the
/// dirty months, because they change all the time.
fn record_publish(recorder: &mut Recorder) {
    let mut items = items(recorder, "publish");
    items.retain(|item| item["pk"]["S"] != "dirty");
    let mut text = Value::Array(items).to_string();
    // The fingerprints depend on how Rust prints the settings. If they change, an upgrade publishes
    // everything again, and nothing else happens. So they have their own file.
    let mut fingerprints = String::new();
    for name in ["view", "positions"] {
        let value = first(&text, &format!("\"{name}\":{{\"S\":\""));
        let form = |text: &str| text == value && matches!(text.len(), 26 | 32);
        text = normalise::replace(
            &text,
            (&format!("\"{name}\":{{\"S\":\""), "\""),
            form,
            "<fingerprint>",
        );
        writeln!(fingerprints, "{name}: {value}").unwrap();
    }
    for name in ["since", "last"] {
        text = normalise::field(&text, name, is_time, "<time>");
    }
    text = normalise::field(&text, "stream", |arn| arn.starts_with("arn:"), "<stream>");
    text = normalise::field(&text, "shard", |id| id.starts_with("shardId-"), "<shard>");
    text = normalise::field(&text, "sequence", is_number, "<sequence>");
    // The version of the page is a digest of its modules.
    text = normalise::field(&text, "page", is_page_version, "<page version>");
    // The version of the counts depends on how often publish was started.
    let version = ("\"version\":{\"N\":\"", "\"");
    text = normalise::replace(&text, version, is_number, "<version>");
    let until = ("\"until\":{\"N\":\"", "\"");
    text = normalise::replace(&text, until, is_number, "<milliseconds>");
    recorder.add("dynamodb/publish.json", pretty(&text) + "\n");
    recorder.add("dynamodb/fingerprints.txt", fingerprints);
}

/// Records the dirty months right after `photos recount`, which marks every month of every year
/// with photos. Publish waits ten seconds before it rebuilds them, so they are still in the table.
fn record_dirty_months(recorder: &mut Recorder) {
    recorder.photos.output(&["recount"]);
    let mut items = items(recorder, "publish");
    items.retain(|item| item["pk"]["S"] == "dirty");
    let mut text = Value::Array(items).to_string();
    for (name, placeholder) in [
        ("generation", "<generation>"),
        ("last", "<milliseconds>"),
        ("since", "<milliseconds>"),
    ] {
        let place = format!("\"{name}\":{{\"N\":\"");
        text = normalise::replace(&text, (&place, "\""), is_number, placeholder);
    }
    // Each item gets its own line, because only the months differ.
    let lines = text.replace("},{\"generation\"", "},\n{\"generation\"") + "\n";
    recorder.add("dynamodb/dirty-months.json", lines);
}

/// Returns the key attributes and the indexes of a table.
fn shape(recorder: &Recorder, table: &str) -> Value {
    let described = dynamodb(recorder, "DescribeTable", &json!({ "TableName": table }));
    let mut table = described["Table"].clone();
    let table = table.as_object_mut().unwrap();
    let mut keep = |name: &str| table.remove(name).unwrap_or_default();
    let mut attributes = keep("AttributeDefinitions");
    let mut indexes = keep("GlobalSecondaryIndexes");
    let by = |list: &mut Value, name: &str| {
        if let Some(list) = list.as_array_mut() {
            list.sort_by_key(|entry| entry[name].to_string());
        }
    };
    by(&mut attributes, "AttributeName");
    by(&mut indexes, "IndexName");
    let index = |index: &Value| {
        json!({
            "IndexName": index["IndexName"],
            "KeySchema": index["KeySchema"],
            "Projection": index["Projection"],
        })
    };
    let indexes: Vec<Value> = indexes
        .as_array()
        .into_iter()
        .flatten()
        .map(index)
        .collect();
    let mut shape = json!({
        "TableName": keep("TableName"),
        "KeySchema": keep("KeySchema"),
        "AttributeDefinitions": attributes,
        "GlobalSecondaryIndexes": indexes,
        "StreamSpecification": keep("StreamSpecification"),
    });
    sort(&mut shape);
    shape
}

/// Returns every object of a bucket: its key, headers and user metadata.
fn objects(recorder: &Recorder, bucket: &str) -> String {
    let s3 = recorder.photos.s3();
    let listed = s3.list_objects_v2().bucket(bucket).send();
    let listed = recorder.runtime.block_on(listed).unwrap();
    assert!(
        listed.next_continuation_token.is_none(),
        "more than one page"
    );
    let mut out = String::new();
    for object in listed.contents() {
        let key = object.key().unwrap();
        let head = s3.head_object().bucket(bucket).key(key).send();
        let head = recorder.runtime.block_on(head).unwrap();
        // The tests of publish compare the files of the page. Here, an edit of them changes
        // nothing.
        let is_page = is_page_file(key);
        let name = normalise::replace(key, ("/app/", "/"), is_page_version, "<version>");
        writeln!(out, "{name}").unwrap();
        let mut line = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                writeln!(out, "  {name}: {value}").unwrap();
            }
        };
        // The bytes of index.json differ from run to run, because they contain the time of writing.
        if key != "gallery/index.json" && !is_page {
            line("etag", head.e_tag());
        }
        let length = head.content_length().map(|length| length.to_string());
        line("length", length.as_deref().filter(|_| !is_page));
        line("content-type", head.content_type());
        line("content-encoding", head.content_encoding());
        line("cache-control", head.cache_control());
        line(
            "storage-class",
            head.storage_class().map(|class| class.as_str()),
        );
        let mut metadata: Vec<_> = head.metadata().into_iter().flatten().collect();
        metadata.sort();
        for (name, value) in metadata {
            let value = if name == "photo-source-modified" {
                assert!(is_second(value), "{value}");
                "<time>"
            } else {
                value
            };
            line(&format!("x-amz-meta-{name}"), Some(value));
        }
    }
    out
}

/// Reports whether an object is a file of the gallery page.
fn is_page_file(key: &str) -> bool {
    let extension = key.rsplit('.').next();
    matches!(extension, Some("html" | "js" | "css"))
}

/// Reports whether a text has the form of a version of the gallery page.
fn is_page_version(text: &str) -> bool {
    text.len() == 16 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Records the files of the static gallery from disk. Lays out `index.json` and `changes.json` on
/// several lines, and replaces the time of writing. The other files stay unchanged.
fn record_site(recorder: &mut Recorder) {
    let root = recorder.photos.data().join("site");
    for name in files(&root).into_keys() {
        if name.ends_with(".jpg") || is_page_file(&name) {
            // The gallery's responses contain the digests of the pictures, and the tests of publish
            // compare the files of the page.
            continue;
        }
        let mut text = std::fs::read_to_string(root.join(&name)).unwrap();
        if name.ends_with("/index.json") || name.ends_with("/changes.json") {
            text = pretty(&normalise::field(&text, "generated", is_second, "<time>"));
        }
        recorder.add(&format!("site/{name}"), text);
    }
}

/// Sends a request to the embedded DynamoDB in DynamoDB's own protocol, through the socket of the
/// owner. Returns the response.
fn dynamodb(recorder: &Recorder, operation: &str, request: &Value) -> Value {
    let http = reqwest::Client::builder()
        .tls_certs_only([])
        .unix_socket(recorder.photos.running().socket);
    let sent = http
        .build()
        .unwrap()
        .post("http://localhost/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .body(request.to_string())
        .send();
    let answer = recorder.runtime.block_on(sent).unwrap();
    let status = answer.status();
    let text = recorder.runtime.block_on(answer.text()).unwrap();
    assert!(status.is_success(), "{operation}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// Sorts the attributes in a JSON value, and the members of sets, because DynamoDB returns them in
/// no order.
fn sort(value: &mut Value) {
    value.sort_all_objects();
    sort_sets(value);
}

fn sort_sets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("SS" | "NS", Value::Array(members)) => {
                        members.sort_by_key(Value::to_string);
                    }
                    (_, value) => sort_sets(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(sort_sets),
        _ => {}
    }
}

/// Returns the text after the first `before`, up to the next double quote.
fn first(text: &str, before: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}
