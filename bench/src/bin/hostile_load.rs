//! Measures the gallery of `photos serve` while hostile files are uploaded to it, and the time in
//! which `photos serve` starts:
//! `cargo build --release && cargo run --release -p bench --bin hostile_load [-- SECONDS]`.
//!
//! The catalogue has 500 photos. One client sends requests to the gallery, one after the other: at
//! first alone, and then while all files of `test_support::hostile_files` are uploaded again and
//! again, under new names, four at a time. Each part lasts `SECONDS` seconds, 30 by default. Exits
//! with 1 if a route has a 99th percentile above 100 ms during the uploads, or if a start takes
//! more than a second. A start ends when the gallery has answered its first request.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints its report"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use bench::{
    ACCESS_KEY, BenchResult, ChildProcess, DatedPhoto, SECRET_KEY, connect, count_listed_photos,
    find_photos_binary, install_tls_provider, percentile,
};
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::clients::Endpoints;
use serde_json::Value;
use test_support::hostile_files;

const PHOTOS: usize = 500;
const CONCURRENT_UPLOADS: usize = 4;
const MAX_PERCENTILE_MS: f64 = 100.0;
const MAX_START: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(5);
/// The routes of the gallery that the client requests in turn. `{stem}` and `{picture}` are those of
/// one of the photos.
const ROUTES: [&str; 6] = [
    "/v1/photos",
    "/v1/photos?order=oldest&limit=10",
    "/v1/photos/{stem}",
    "/v1/timeline",
    "/v1/map",
    "/photos/{picture}",
];

/// The times of all requests to each route, in milliseconds.
type RequestTimes = BTreeMap<&'static str, Vec<f64>>;

/// A running `photos serve`, which is killed when the value is dropped.
struct RunningServer {
    _process: ChildProcess,
    gallery: String,
    s3: Client,
    /// The time from the start of the process to the first answer of the gallery.
    start_time: Duration,
}

#[tokio::main]
async fn main() -> BenchResult<ExitCode> {
    install_tls_provider();
    let seconds = std::env::args()
        .nth(1)
        .map(|text| text.parse())
        .transpose()?;
    let duration = Duration::from_secs(seconds.unwrap_or(30));
    let folder = tempfile::tempdir()?;
    let first = RunningServer::start(folder.path()).await?;
    upload_photos(&first).await?;
    let first_start = first.start_time;
    drop(first);

    let server = RunningServer::start(folder.path()).await?;
    let second_start = server.start_time;
    println!("| `photos serve` starts | ms |\n| --- | --- |");
    println!("| in an empty folder | {:.0} |", milliseconds(first_start));
    println!(
        "| with {PHOTOS} photos, after it was killed | {:.0} |\n",
        milliseconds(second_start)
    );

    let alone = measure_routes(&server, duration).await?;
    let uploaded = Arc::new(AtomicUsize::new(0));
    let uploads = tokio::spawn(upload_hostile_files(
        server.s3.clone(),
        Arc::clone(&uploaded),
    ));
    let loaded = measure_routes(&server, duration).await?;
    let has_failed = uploads.is_finished();
    uploads.abort();
    if has_failed {
        uploads.await??;
    }
    let is_fast = print_routes(&alone, &loaded);
    println!(
        "\nhostile files uploaded in {} s: {}",
        duration.as_secs(),
        uploaded.load(Relaxed)
    );
    let is_met = is_fast && first_start.max(second_start) < MAX_START;
    Ok(if is_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl RunningServer {
    async fn start(data: &Path) -> BenchResult<Self> {
        let endpoints = data.join(".engine/serve.json");
        // A process that was killed leaves this file.
        let _ = std::fs::remove_file(&endpoints);
        let start = Instant::now();
        let child = Command::new(find_photos_binary()?)
            .args(["serve", "--port", "0", "--s3-port", "0", "--data"])
            .arg(data)
            .args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
            .stderr(Stdio::null())
            .spawn()?;
        let process = ChildProcess(child);
        let running: Value = loop {
            match std::fs::read(&endpoints) {
                Ok(json) if !json.is_empty() => break serde_json::from_slice(&json)?,
                _ => tokio::time::sleep(POLL).await,
            }
        };
        let url = |server: &str| running[server].as_str().unwrap_or_default().to_owned();
        let gallery = url("gallery");
        reqwest::get(format!("{gallery}/v1/photos"))
            .await?
            .error_for_status()?;
        let s3 = connect(&Endpoints {
            s3: Some(url("s3")),
            dynamodb: None,
        });
        Ok(RunningServer {
            _process: process,
            gallery,
            s3: s3.s3,
            start_time: start.elapsed(),
        })
    }
}

/// Uploads the photos, and waits until the gallery lists all of them.
async fn upload_photos(server: &RunningServer) -> BenchResult<()> {
    let photo = DatedPhoto::read("fuji/DSCF2210.JPG", "2020:10:18 11:32:09")?;
    stream::iter(0..PHOTOS)
        .map(|number| {
            let (month, day) = (number / 28 % 12 + 1, number % 28 + 1);
            let minute = number / 336;
            let bytes = photo.with_clock(&format!("2020:{month:02}:{day:02} 11:{minute:02}:09"));
            let put = server.s3.put_object().bucket("inbox");
            put.key(format!("card/{number:05}.JPG"))
                .body(bytes.into())
                .send()
        })
        .buffer_unordered(CONCURRENT_UPLOADS)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    while count_listed_photos(&server.gallery).await? < PHOTOS {
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Uploads all hostile files again and again, under new names.
async fn upload_hostile_files(s3: Client, uploaded: Arc<AtomicUsize>) -> BenchResult<()> {
    let files = hostile_files::all();
    for round in 0_u32.. {
        let puts: Vec<_> = files
            .iter()
            .map(|(name, bytes)| {
                let put = s3.put_object().bucket("inbox");
                put.key(format!("hostile/{round}/{name}"))
                    .body(bytes.clone().into())
                    .send()
            })
            .collect();
        let mut sent = stream::iter(puts).buffer_unordered(CONCURRENT_UPLOADS);
        while sent.try_next().await?.is_some() {
            uploaded.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

/// Requests the routes in turn for `duration`. Returns the times of the requests.
async fn measure_routes(server: &RunningServer, duration: Duration) -> BenchResult<RequestTimes> {
    let client = reqwest::Client::new();
    let url = format!("{}/v1/photos?order=oldest&limit=1", server.gallery);
    let page: Value = client.get(url).send().await?.json().await?;
    let stem = page["items"][0]["stem"].as_str().ok_or("no photo")?;
    let picture = format!("{stem}.JPG");
    let mut times = RequestTimes::new();
    let start = Instant::now();
    for &route in ROUTES.iter().cycle() {
        if start.elapsed() > duration {
            break;
        }
        let path = route.replace("{stem}", stem).replace("{picture}", &picture);
        let sent = Instant::now();
        let response = client
            .get(format!("{}{path}", server.gallery))
            .send()
            .await?;
        response.error_for_status()?.bytes().await?;
        times
            .entry(route)
            .or_default()
            .push(milliseconds(sent.elapsed()));
    }
    times
        .values_mut()
        .for_each(|times| times.sort_by(f64::total_cmp));
    Ok(times)
}

/// Prints the times of each route. Returns `false` if a route is too slow.
fn print_routes(alone: &RequestTimes, loaded: &RequestTimes) -> bool {
    println!("| route | requests | median alone, ms | p99 alone, ms | median, ms | p99, ms |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut is_fast = true;
    for (route, times) in loaded {
        let before = alone.get(route).unwrap_or(times);
        let slow = percentile(times, 99);
        println!(
            "| `{route}` | {} | {:.1} | {:.1} | {:.1} | {slow:.1} |",
            times.len(),
            percentile(before, 50),
            percentile(before, 99),
            percentile(times, 50),
        );
        is_fast &= slow < MAX_PERCENTILE_MS;
    }
    is_fast
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
