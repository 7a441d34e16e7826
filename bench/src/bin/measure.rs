//! What ingest costs: `cargo run -p bench --bin measure [-- PHOTOS [MEGABYTES]]`, 1000 photos of 5 MB unless told.
//!
//! First the bill of one photo at a time, counted where the SDK sends: requests to S3 and DynamoDB, bytes read. Then
//! the real `photos serve` under 16 uploads at a time: photos a second until the last is in the catalogue, and the
//! most memory that the process has held (`VmHWM`, Linux). Uses as much disk as twice all the photos, in the
//! system's temporary folder.

#![expect(clippy::print_stdout, reason = "its report is what it is run for")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::dynamodb_engine::DynamoDbEngine;
use photo_catalogue::ingest::Ingest;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::Storage;
use s3_folder::{KeyPair, NotificationFilter, S3Store};
use serde_json::Value;
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Photos of each kind whose bill is counted one by one.
const BILLED: usize = 50;
const UPLOADS_AT_A_TIME: usize = 16;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<usize>());
    let photos = arguments.next().transpose()?.unwrap_or(1000);
    let megabytes = arguments.next().transpose()?.unwrap_or(5);
    let photo = Photo::new(megabytes * 1_000_000)?;
    bill(&photo, megabytes).await?;
    serve(&photo, photos, megabytes).await
}

/// A JPEG of any size whose wall clock can be set.
struct Photo {
    bytes: Vec<u8>,
    clocks: Vec<usize>,
}

impl Photo {
    fn new(size: usize) -> Result<Self> {
        let small = std::fs::read(root().join("examples/photos/fuji/DSCF2210.JPG"))?;
        let end = small.len() - 2;
        // Entropy-coded bytes as far as a reader of metadata can tell: none is a marker.
        let mut state = 1_u64;
        let filler = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u8 & 0x7f
        });
        let mut bytes = small[..end].to_vec();
        bytes.extend(filler.take(size.saturating_sub(small.len())));
        bytes.extend_from_slice(&small[end..]);
        let clock = b"2020:10:18 11:32:09";
        let clocks = (0..end - clock.len())
            .filter(|&at| bytes[at..].starts_with(clock))
            .collect::<Vec<_>>();
        if clocks.is_empty() {
            return Err("the example photo has another wall clock".into());
        }
        Ok(Photo { bytes, clocks })
    }

    /// The `number`-th photo: a minute after the one before.
    fn number(&self, number: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let (day, hour, minute) = (number / 1440 % 28 + 1, number / 60 % 24, number % 60);
        let year = 2000 + number / (1440 * 28);
        let clock = format!("{year:04}:03:{day:02} {hour:02}:{minute:02}:00");
        for &at in &self.clocks {
            bytes[at..at + clock.len()].copy_from_slice(clock.as_bytes());
        }
        bytes
    }
}

/// Requests and bytes of one photo.
#[derive(Clone, Copy)]
struct Bill {
    s3: u64,
    dynamodb: u64,
    bytes: u64,
}

async fn bill(photo: &Photo, megabytes: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bench = Bench::start(folder.path()).await?;
    // The first photo of a year adds a request, once: it names the year.
    bench.ingest("first.JPG", photo.number(0)).await?;
    println!(
        "One photo at a time   photos  S3 requests  DynamoDB requests  bytes read, median    most"
    );
    let mut bills = Vec::new();
    for number in 0..BILLED {
        bills.push(
            bench
                .ingest(&format!("{number}.JPG"), photo.number(number + 1))
                .await?,
        );
    }
    report(&format!("new JPEG, {megabytes} MB"), &mut bills);
    let mut bills = Vec::new();
    for number in 0..BILLED {
        bills.push(
            bench
                .ingest(&format!("{number}.JPG"), photo.number(number + 1))
                .await?,
        );
    }
    report("the same once more", &mut bills);
    let corpus = root().join("../shared/corpus");
    if corpus.is_dir() {
        let mut bills = Vec::new();
        for (number, file) in files(&corpus)?.iter().enumerate() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let bytes = std::fs::read(file)?;
            bills.push(bench.ingest(&format!("{number}/{name}"), bytes).await?);
        }
        report("real cameras' files", &mut bills);
    }
    Ok(())
}

fn report(what: &str, bills: &mut [Bill]) {
    bills.sort_by_key(|bill| bill.bytes);
    let range = |of: fn(&Bill) -> u64| {
        let (least, most) = bills
            .iter()
            .map(of)
            .fold((u64::MAX, 0), |(l, m), n| (l.min(n), m.max(n)));
        if least == most {
            format!("{most}")
        } else {
            format!("{least} to {most}")
        }
    };
    println!(
        "{what:20}  {:6}  {:>11}  {:>17}  {:>18}  {:>6}",
        bills.len(),
        range(|bill| bill.s3),
        range(|bill| bill.dynamodb),
        kib(bills[bills.len() / 2].bytes),
        kib(bills[bills.len() - 1].bytes),
    );
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

/// Engines and ingest in this process, with counters on ingest's own clients.
struct Bench {
    store: S3Store,
    ingest: Clients,
    user: Storage,
    drop: PathBuf,
}

impl Bench {
    async fn start(folder: &Path) -> Result<Self> {
        let store = S3Store::open(folder)?;
        let (s3, s3_url) = listen().await?;
        let (dynamodb, dynamodb_url) = listen().await?;
        let credentials = KeyPair {
            access_key: "photos".to_owned(),
            secret_key: "photos-secret".to_owned(),
        };
        tokio::spawn(store.clone().serve(s3, credentials, std::future::pending()));
        tokio::spawn(DynamoDbEngine::open(folder)?.serve(dynamodb, std::future::pending()));
        let endpoints = Endpoints {
            s3: Some(s3_url),
            dynamodb: Some(dynamodb_url),
        };
        let config = clients::with_key_pair("photos", "photos-secret");
        let user = Storage::new(clients::connect(&config, &endpoints).s3);
        user.create_bucket("inbox").await?;
        user.create_bucket("archive").await?;
        let ingest = clients::connect(&config, &endpoints);
        let catalogue = Catalogue::new(ingest.dynamodb.clone(), "photos");
        catalogue.create_table().await?;
        store.set_notification_filters(&[
            NotificationFilter::new("inbox", ""),
            NotificationFilter::new("archive", ""),
        ]);
        let worker = Ingest::new(
            Storage::new(ingest.s3.clone()),
            catalogue,
            Layout::new("inbox", "", "archive", "")?,
            LocationPolicy::Exact,
        );
        let deliverer = store.clone();
        tokio::spawn(async move {
            let handler = move |event: Value| {
                let worker = worker.clone();
                async move {
                    worker
                        .handle_event(&event)
                        .await
                        .map_err(|error| error.to_string())
                }
            };
            deliverer
                .deliver_notifications(1, handler, std::future::pending())
                .await;
        });
        Ok(Bench {
            store,
            ingest,
            user,
            drop: folder.join("upload"),
        })
    }

    /// Uploads a photo, waits until nothing is left to do, and says what that took.
    async fn ingest(&self, key: &str, bytes: Vec<u8>) -> Result<Bill> {
        let (s3, dynamodb) = (&self.ingest.s3_requests, &self.ingest.dynamodb_requests);
        let before = (s3.count(), dynamodb.count(), s3.bytes_received());
        std::fs::write(&self.drop, bytes)?;
        self.user.put_file("inbox", key, &self.drop, None).await?;
        while self.store.count_undelivered() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Bill {
            s3: s3.count() - before.0,
            dynamodb: dynamodb.count() - before.1,
            bytes: s3.bytes_received() - before.2,
        })
    }
}

async fn listen() -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// The real binary, ended when this is dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn serve(photo: &Photo, photos: usize, megabytes: usize) -> Result<()> {
    // target/<profile>/measure
    let binary = std::env::current_exe()?
        .ancestors()
        .nth(1)
        .ok_or("not in a target folder")?
        .join("photos");
    if !binary.is_file() {
        return Err(format!("{} is not built; `cargo build` first", binary.display()).into());
    }
    let folder = tempfile::tempdir()?;
    let child = Command::new(binary)
        .args([
            "serve",
            "--port",
            "0",
            "--s3-port",
            "0",
            "--dynamodb-port",
            "0",
            "--data",
        ])
        .arg(folder.path())
        .stderr(Stdio::null())
        .spawn()?;
    let serving = Serving(child);
    let running: Value = loop {
        match std::fs::read(folder.path().join(".engine/serve.json")) {
            Ok(json) => break serde_json::from_slice(&json)?,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let idle = peak_memory(serving.0.id())?;
    let url = |server: &str| running[server].as_str().unwrap_or_default().to_owned();
    let endpoints = Endpoints {
        s3: Some(url("s3")),
        dynamodb: None,
    };
    let s3 = clients::connect(
        &clients::with_key_pair("photos", "photos-secret"),
        &endpoints,
    )
    .s3;
    let start = Instant::now();
    stream::iter(0..photos)
        .map(|number| {
            let request = s3
                .put_object()
                .bucket("inbox")
                .key(format!("card/{number:05}.JPG"));
            request.body(photo.number(number).into()).send()
        })
        .buffer_unordered(UPLOADS_AT_A_TIME)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    let uploaded = start.elapsed();
    while count(&url("gallery")).await? < photos {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ingested = start.elapsed();
    println!(
        "\n`photos serve`, {photos} photos of {megabytes} MB, {UPLOADS_AT_A_TIME} uploads at a time"
    );
    println!(
        "  uploaded           {:8.1} photos/s",
        photos as f64 / uploaded.as_secs_f64()
    );
    println!(
        "  in the catalogue   {:8.1} photos/s",
        photos as f64 / ingested.as_secs_f64()
    );
    println!("  memory at the start {:7.1} MB", idle);
    println!(
        "  most memory held    {:7.1} MB",
        peak_memory(serving.0.id())?
    );
    Ok(())
}

/// Photos that the gallery lists.
async fn count(gallery: &str) -> Result<usize> {
    // reqwest asks for a TLS provider even where nothing is encrypted; it may be there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let page: Value = client
            .get(format!("{gallery}/v1/photos?fields=id&limit=200{cursor}"))
            .send()
            .await?
            .json()
            .await?;
        count += page["items"].as_array().map_or(0, Vec::len);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(count),
        }
    }
}

/// The most resident memory that a process has had, MB.
fn peak_memory(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}

fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
