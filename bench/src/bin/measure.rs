//! Measures the requests, the speed and the memory of ingest:
//! `cargo run -p bench --bin measure [-- PHOTOS [MEGABYTES]]`. The defaults are 1000 photos of 5
//! MB.
//!
//! First, photos are ingested one at a time. The program counts the requests to S3 and DynamoDB
//! that the SDK sends, and the bytes that ingest reads. Then `photos serve` receives 16 uploads at
//! a time. The program prints photos per second until the last one is in the catalogue, and the
//! peak memory of the process (Linux). It needs disk space for twice all the photos, in the
//! system's temporary folder.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{
    ACCESS_KEY, BenchEngines, BenchResult, ChildProcess, DatedPhoto, EngineStorage, ProcessMemory,
    SECRET_KEY, connect, count_listed_photos, find_photos_binary, list_files, range_text,
    repository_root,
};
use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::clients::{Clients, Endpoints};
use photo_catalogue::ingest::Ingest;
use photo_catalogue::object::Bucket;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::Storage;
use s3_folder::NotificationFilter;
use serde_json::Value;

/// The number of photos that are ingested one at a time, first as new photos and then a second
/// time.
const COUNTED_PHOTOS: usize = 50;
const CONCURRENT_UPLOADS: usize = 16;

#[tokio::main]
async fn main() -> BenchResult<()> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<usize>());
    let photos = arguments.next().transpose()?.unwrap_or(1000);
    let megabytes = arguments.next().transpose()?.unwrap_or(5);
    let photo = DatedPhoto::read("fuji/DSCF2210.JPG", "2020:10:18 11:32:09")?
        .enlarged_to(megabytes * 1_000_000);
    count_requests(&photo, megabytes).await?;
    measure_serve(&photo, photos, megabytes).await
}

/// Returns the bytes of `photo` with another capture time. Each `number` gives a different capture
/// time.
fn numbered_photo(photo: &DatedPhoto, number: usize) -> Vec<u8> {
    let (day, hour, minute) = (number / 1440 % 28 + 1, number / 60 % 24, number % 60);
    let year = 2000 + number / (1440 * 28);
    photo.with_clock(&format!("{year:04}:03:{day:02} {hour:02}:{minute:02}:00"))
}

/// The numbers of ingest's requests for one photo, and the number of bytes that ingest received
/// from S3.
#[derive(Clone, Copy)]
struct PhotoRequests {
    s3: u64,
    dynamodb: u64,
    bytes: u64,
}

async fn count_requests(photo: &DatedPhoto, megabytes: usize) -> BenchResult<()> {
    let bench = IngestBench::start().await?;
    // The first photo of a year needs one more request, which adds the year to the catalogue.
    bench.ingest("first.JPG", numbered_photo(photo, 0)).await?;
    println!(
        "One photo at a time   photos  S3 requests  DynamoDB requests  bytes read, median    most"
    );
    for what in [&*format!("new JPEG, {megabytes} MB"), "the same again"] {
        let mut requests = Vec::new();
        for number in 0..COUNTED_PHOTOS {
            let bytes = numbered_photo(photo, number + 1);
            requests.push(bench.ingest(&format!("{number}.JPG"), bytes).await?);
        }
        print_requests(what, &mut requests);
    }
    let corpus = repository_root().join("../shared/corpus");
    if corpus.is_dir() {
        let mut requests = Vec::new();
        for (number, file) in list_files(&corpus)?.iter().enumerate() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let bytes = std::fs::read(file)?;
            requests.push(bench.ingest(&format!("{number}/{name}"), bytes).await?);
        }
        print_requests("real cameras' files", &mut requests);
    }
    Ok(())
}

fn print_requests(what: &str, requests: &mut [PhotoRequests]) {
    requests.sort_by_key(|one| one.bytes);
    let kib = |one: PhotoRequests| format!("{} KiB", one.bytes.div_ceil(1024));
    println!(
        "{what:20}  {:6}  {:>11}  {:>17}  {:>18}  {:>6}",
        requests.len(),
        range_text(requests.iter().map(|one| one.s3)),
        range_text(requests.iter().map(|one| one.dynamodb)),
        kib(requests[requests.len() / 2]),
        kib(requests[requests.len() - 1]),
    );
}

/// The embedded engines, and ingest as a task of this process. Ingest has clients of its own, so
/// that only the requests of ingest are counted.
struct IngestBench {
    engines: BenchEngines,
    ingest: Clients,
    uploader: Storage,
    upload_file: PathBuf,
}

impl IngestBench {
    async fn start() -> BenchResult<Self> {
        let engines = BenchEngines::start(EngineStorage::Disk).await?;
        engines.create_buckets(&["inbox", "archive"]).await?;
        let ingest = engines.connect();
        let catalogue = Catalogue::new(ingest.dynamodb.clone(), "photos");
        catalogue.create_table().await?;
        engines.store.set_notification_filters(&[
            NotificationFilter::new("inbox", ""),
            NotificationFilter::new("archive", ""),
        ]);
        let worker = Ingest::new(
            Storage::new(ingest.s3.clone()),
            catalogue,
            Layout::new("inbox", "", "archive", "")?,
            LocationPolicy::Exact,
            Arc::new(Utc::now),
        );
        let store = engines.store.clone();
        tokio::spawn(async move {
            let handler = move |event: Value| {
                let worker = worker.clone();
                async move {
                    let handled = worker.handle_event(&event).await;
                    handled.map_err(|error| error.to_string())
                }
            };
            store
                .deliver_notifications(1, handler, std::future::pending())
                .await;
        });
        Ok(IngestBench {
            uploader: Storage::new(engines.connect().s3),
            upload_file: engines.folder().join("upload"),
            engines,
            ingest,
        })
    }

    /// Uploads a photo and waits until ingest has no more work. Returns the requests and bytes that
    /// ingest needed.
    async fn ingest(&self, key: &str, bytes: Vec<u8>) -> BenchResult<PhotoRequests> {
        let (s3, dynamodb) = (&self.ingest.s3_requests, &self.ingest.dynamodb_requests);
        let before = (s3.count(), dynamodb.count(), s3.bytes_received());
        std::fs::write(&self.upload_file, bytes)?;
        self.uploader
            .put_file(&Bucket::new("inbox")?.object(key), &self.upload_file, None)
            .await?;
        while self.engines.store.count_undelivered() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(PhotoRequests {
            s3: s3.count() - before.0,
            dynamodb: dynamodb.count() - before.1,
            bytes: s3.bytes_received() - before.2,
        })
    }
}

async fn measure_serve(photo: &DatedPhoto, photos: usize, megabytes: usize) -> BenchResult<()> {
    let folder = tempfile::tempdir()?;
    let ports = ["--port", "0", "--s3-port", "0"];
    let child = Command::new(find_photos_binary()?)
        .arg("serve")
        .args(ports)
        .args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
        .arg("--data")
        .arg(folder.path())
        .stderr(Stdio::null())
        .spawn()?;
    let serve = ChildProcess(child);
    // `photos serve` writes its endpoints to this file when it is ready.
    let running: Value = loop {
        match std::fs::read(folder.path().join(".engine/serve.json")) {
            Ok(json) => break serde_json::from_slice(&json)?,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let peak_mb =
        || -> BenchResult<f64> { Ok(ProcessMemory::of_process(serve.0.id())?.peak as f64 / 1e6) };
    let idle_mb = peak_mb()?;
    let url = |server: &str| running[server].as_str().unwrap_or_default().to_owned();
    let start = Instant::now();
    upload_photos(photo, photos, url("s3")).await?;
    let uploaded = start.elapsed().as_secs_f64();
    while count_listed_photos(&url("gallery")).await? < photos {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ingested = start.elapsed().as_secs_f64();
    let photos_per_second = |seconds: f64| photos as f64 / seconds;
    println!(
        "\n`photos serve`, {photos} photos of {megabytes} MB, {CONCURRENT_UPLOADS} uploads at a time"
    );
    println!(
        "  uploaded           {:8.1} photos/s",
        photos_per_second(uploaded)
    );
    println!(
        "  in the catalogue   {:8.1} photos/s",
        photos_per_second(ingested)
    );
    println!("  memory at the start {idle_mb:7.1} MB");
    println!("  peak memory         {:7.1} MB", peak_mb()?);
    Ok(())
}

async fn upload_photos(photo: &DatedPhoto, photos: usize, s3_url: String) -> BenchResult<()> {
    let endpoints = Endpoints {
        s3: Some(s3_url),
        dynamodb: None,
    };
    let s3 = connect(&endpoints).s3;
    stream::iter(0..photos)
        .map(|number| {
            let key = format!("card/{number:05}.JPG");
            let put = s3.put_object().bucket("inbox").key(key);
            put.body(numbered_photo(photo, number).into()).send()
        })
        .buffer_unordered(CONCURRENT_UPLOADS)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(())
}
