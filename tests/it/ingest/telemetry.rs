//! What is told of the work on a key, and what is never told.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, Once};

use serde_json::Value;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::fixture::{ARCHIVE, IngestWorld, SOURCE, layout};
use super::photos::TestShot;

/// Log lines as a function writes them, kept.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

thread_local! {
    /// Who listens to this thread; a test's runtime has one.
    static LISTENER: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Writes to whoever listens to this thread. One subscriber for all threads: of several, each for a thread, some miss
/// lines while others come and go.
struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LISTENER.with_borrow(|log| {
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

impl Log {
    /// What a function writes, from here to [`Log::stop`]. The engine on this thread has its own to say.
    fn listen() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let filter: Targets = "info,dynoxide=off".parse().unwrap();
            let lines = tracing_subscriber::fmt::layer().json();
            let lines = lines.with_writer(|| Lines).with_filter(filter);
            tracing_subscriber::registry().with(lines).init();
        });
        let log = Log::default();
        LISTENER.set(Some(log.clone()));
        log
    }

    fn stop() {
        LISTENER.set(None);
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines about keys.
    fn keys(&self) -> Vec<Value> {
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
async fn each_key_has_one_line_with_its_outcome_and_cost_also_among_others() {
    let world = IngestWorld::without_delivery(layout()).await;
    let log = Log::listen();
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
    let work = keys.map(|key| world.ingest.process_key(SOURCE, key));
    for ended in futures::future::join_all(work).await {
        ended.unwrap();
    }
    Log::stop();
    let lines = log.keys();
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
    assert_eq!(requests, sent, "each request is some key's");
}

/// What the example photos say of people, places and cameras is in none of the lines that a function writes.
#[tokio::test]
async fn nothing_that_a_photo_says_is_in_the_log() {
    let world = IngestWorld::without_delivery(layout()).await;
    let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    let log = Log::listen();
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
    let (mut said, mut archived) = (Vec::new(), String::new());
    for key in &keys {
        world.ingest.process_key(SOURCE, key).await.unwrap();
    }
    for key in world.archive_keys().await {
        world.ingest.process_key(ARCHIVE, &key).await.unwrap();
        let (stem, _) = key.rsplit_once('.').unwrap();
        let item = world.item(stem).await.unwrap();
        texts(&serde_json::to_value(&item.exif).unwrap(), &mut said);
        archived += &key;
    }
    Log::stop();
    let log = log.text();
    assert_eq!(log.lines().count(), 2 * keys.len());
    // The day is in the key.
    said.retain(|text| !archived.contains(text.as_str()));
    said.sort_unstable();
    said.dedup();
    assert!(said.len() > 50, "{said:?}");
    for text in said {
        assert!(!log.contains(&text), "{text:?} is in the log");
    }
}

/// Every text and number of some length.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(values) => values.values().for_each(|value| texts(value, found)),
        Value::Null | Value::Bool(_) => {}
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
    }
    found.retain(|text| text.len() > 5);
}
