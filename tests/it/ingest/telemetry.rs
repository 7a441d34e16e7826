//! Tests of the log lines about a key, and of what they must never contain.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, Once};

use serde_json::Value;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::fixture::{IngestWorld, archive_object, layout, source_object};
use super::photos::TestShot;

/// The log lines of one thread, in memory.
#[derive(Clone, Default)]
struct CapturedLog(Arc<Mutex<Vec<u8>>>);

thread_local! {
    /// The log of this thread. `None` if it is not captured now. The runtime of a test has one
    /// thread.
    static CAPTURED: RefCell<Option<CapturedLog>> = const { RefCell::new(None) };
}

/// A writer for the log subscriber. It writes each line to the log of the thread that logs it. All
/// threads share one subscriber. If each thread had its own, lines would be lost while another
/// thread starts or stops.
struct CapturingWriter;

impl Write for CapturingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        CAPTURED.with_borrow(|log| {
            if let Some(log) = log {
                log.0.lock().unwrap().extend(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl CapturedLog {
    /// Starts to capture the log lines of this thread, until [`CapturedLog::stop`]. Leaves out the
    /// lines of the engines that run on this thread.
    fn start() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let filter: Targets = "info,dynoxide=off".parse().unwrap();
            let lines = tracing_subscriber::fmt::layer().json();
            let lines = lines.with_writer(|| CapturingWriter).with_filter(filter);
            tracing_subscriber::registry().with(lines).init();
        });
        let log = CapturedLog::default();
        CAPTURED.set(Some(log.clone()));
        log
    }

    fn stop() {
        CAPTURED.set(None);
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the log lines about keys, as JSON.
    fn key_lines(&self) -> Vec<Value> {
        let lines = self.text();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| line["fields"]["s3.key"].is_string())
            .collect()
    }
}

#[tokio::test]
async fn concurrent_keys_have_one_line_each_with_outcome_and_cost() {
    let world = IngestWorld::without_delivery(layout()).await;
    let log = CapturedLog::start();
    let names = ["a", "b", "c"];
    for name in names {
        world
            .upload(
                &format!("{name}.jpg"),
                TestShot::at("2018:02:01 09:41:07").jpeg(),
            )
            .await;
    }
    world.upload("notes.txt", b"no photo".to_vec()).await;
    world.wire.take();
    let keys = ["a.jpg", "b.jpg", "c.jpg", "notes.txt", "gone.jpg"];
    let objects = keys.map(source_object);
    let work = objects
        .iter()
        .map(|object| world.ingest.process_object(object));
    for ended in futures::future::join_all(work).await {
        ended.unwrap();
    }
    CapturedLog::stop();
    let lines = log.key_lines();
    let mut requests = 0;
    for key in keys {
        let of_key: Vec<&Value> = lines
            .iter()
            .map(|line| &line["fields"])
            .filter(|fields| fields["s3.key"] == key)
            .collect();
        let [fields] = of_key[..] else {
            panic!("{key}: {of_key:?}");
        };
        let outcome = match key {
            "notes.txt" => "skipped",
            "gone.jpg" => "gone",
            _ => "archived",
        };
        assert_eq!(fields["outcome"], outcome, "{key}");
        assert_eq!(fields["reason"].is_string(), outcome == "skipped", "{key}");
        let number = |name: &str| fields[name].as_u64().unwrap();
        let read = match key {
            "notes.txt" => 8,
            "gone.jpg" => 0,
            _ => TestShot::at("2018:02:01 09:41:07").jpeg().len() as u64,
        };
        assert_eq!(number("bytes_read"), read, "{key}");
        assert_eq!(number("reads"), u64::from(read > 0), "{key}");
        number("milliseconds");
        requests += number("requests");
    }
    assert_eq!(lines.len(), keys.len());
    let sent = world.wire.take().requests.len() as u64;
    assert_eq!(requests, sent, "each request belongs to a key");
}

/// Checks that no log line contains metadata of the example photos: people, places and cameras.
#[tokio::test]
async fn log_contains_no_metadata() {
    let world = IngestWorld::without_delivery(layout()).await;
    let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    let log = CapturedLog::start();
    let mut keys = Vec::new();
    for entry in walkdir::WalkDir::new(&photos) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(&photos).unwrap();
            let key = name.to_str().unwrap().to_owned();
            world
                .upload(&key, std::fs::read(entry.path()).unwrap())
                .await;
            keys.push(key);
        }
    }
    let (mut values, mut archived) = (Vec::new(), String::new());
    for key in &keys {
        world
            .ingest
            .process_object(&source_object(key))
            .await
            .unwrap();
    }
    for key in world.archive_keys().await {
        world
            .ingest
            .process_object(&archive_object(&key))
            .await
            .unwrap();
        let (stem, _) = key.rsplit_once('.').unwrap();
        let item = world.item(stem).await.unwrap();
        collect_texts(&serde_json::to_value(&item.exif).unwrap(), &mut values);
        archived += &key;
    }
    CapturedLog::stop();
    let log = log.text();
    assert_eq!(log.lines().count(), 2 * keys.len());
    // The archive keys contain the day, so the keys are left out.
    values.retain(|text| !archived.contains(text.as_str()));
    values.sort_unstable();
    values.dedup();
    assert!(values.len() > 50, "{values:?}");
    for text in values {
        assert!(!log.contains(&text), "{text:?} is in the log");
    }
}

/// Collects every text and number of a JSON value that is longer than five characters.
fn collect_texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, found)),
        Value::Object(values) => values
            .values()
            .for_each(|value| collect_texts(value, found)),
        Value::Null | Value::Bool(_) => {}
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
    }
    found.retain(|text| text.len() > 5);
}
