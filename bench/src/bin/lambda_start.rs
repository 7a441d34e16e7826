//! Measures the size and the start of the Lambda functions:
//! `cargo run -p bench --bin lambda_start [-- FOLDER]`. FOLDER contains their binaries. The default
//! is `target/function`. They are built by
//! `cargo build --profile function -p photo-catalogue -p bench-functions --no-default-features --features photo-catalogue/lambda --bins`.
//! Fails if a zip is larger than 6.3 MB.
//!
//! Each function is started several times, over the embedded engines, under a server of Lambda's
//! Runtime API that this program provides. The program measures the time from the start to the
//! request for the first event, and for how much of it the function waits for connections (as its
//! log reports). It also measures the first event and five more events. `bare-function` loads one
//! `SdkConfig` and does nothing else. `render` makes the pictures of photos of 24 MP, with one
//! processor, which Lambda gives to 1,769 MB. `downloading-function` downloads a photo, uploads it and puts
//! an item. The functions take turns, and medians are printed. Peak memory is `VmHWM` (Linux). The
//! download of the zip, the network, TLS, and the Systems Manager request for secrets are not
//! included.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::ByteStream;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bench::{
    ACCESS_KEY, BenchEngines, BenchResult, ChildProcess, DatedPhoto, EngineStorage, LargePhoto,
    ProcessMemory, SECRET_KEY, listen, median_ms, repository_root,
};
use chrono::Utc;
use futures::TryStreamExt;
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::Clients;
use photo_catalogue::ingest::{Ingest, ItemRules};
use photo_catalogue::object::Bucket;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::pictures::PictureRecipe;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::Storage;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

const OURS: [&str; 4] = ["ingest", "render", "publish", "gallery"];
const FUNCTIONS: [&str; 6] = [
    "ingest",
    "render",
    "publish",
    "gallery",
    "bare-function",
    "downloading-function",
];
/// The maximum size of a function's zip in bytes.
const MAX_ZIP_BYTES: usize = 6_300_000;
/// The number of measured starts of each function.
const STARTS: usize = 5;
/// The number of events that a function gets after the first event of a start.
const LATER_EVENTS: usize = 5;
const PHOTO_BYTES: usize = 5_000_000;
/// The picture of the photos that render gets.
const LARGE_PHOTO: LargePhoto = LargePhoto {
    width: 6_000,
    height: 4_000,
};
/// The number of renditions of such a photo.
const RENDITIONS: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> BenchResult<()> {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(|| repository_root().join("target/function"), PathBuf::from);
    let bench = LambdaBench::start().await?;
    let mut functions = Vec::new();
    for name in FUNCTIONS {
        functions.push(MeasuredFunction::read(name, folder.join(name))?);
    }
    for start in 0..STARTS {
        for function in &mut functions {
            let mut events = Vec::new();
            for event in 0..=LATER_EVENTS {
                let number = start * 100 + event;
                events.push(bench.create_event(function.name, number).await?);
            }
            let run = bench.run_function(&function.binary, events).await?;
            function.runs.push(run);
        }
    }
    bench.check_pictures(STARTS * (1 + LATER_EVENTS)).await?;
    print_report(&functions);
    let too_large: Vec<&str> = functions
        .iter()
        .filter(|function| OURS.contains(&function.name) && function.zip_bytes > MAX_ZIP_BYTES)
        .map(|function| function.name)
        .collect();
    if too_large.is_empty() {
        Ok(())
    } else {
        Err(format!("over 6.3 MB zipped: {}", too_large.join(", ")).into())
    }
}

fn print_report(functions: &[MeasuredFunction]) {
    println!(
        "function              binary MB  zip MB   init ms  of it waited  first event ms  later events ms  peak MB"
    );
    for function in functions {
        function.print();
    }
    println!(
        "events: ingest and downloading-function, a new JPEG of 5 MB each; render, the pictures of a new JPEG of 24 MP each; \
         publish, idle cycles; gallery, /v1/photos"
    );
    let own_ms = |name: &str| {
        let function = functions.iter().find(|function| function.name == name);
        function.map_or(f64::NAN, |function| {
            function.init_ms() - function.waited_ms()
        })
    };
    let bare_ms = own_ms("bare-function");
    for name in OURS {
        println!(
            "{name}: init without waiting is {:.2} times that of bare-function",
            own_ms(name) / bare_ms
        );
    }
}

/// The binary of a Lambda function, and the measurements of its starts.
struct MeasuredFunction {
    name: &'static str,
    binary: PathBuf,
    binary_bytes: usize,
    zip_bytes: usize,
    runs: Vec<FunctionRun>,
}

impl MeasuredFunction {
    fn read(name: &'static str, binary: PathBuf) -> BenchResult<Self> {
        let bytes = std::fs::read(&binary).map_err(|error| {
            let shown = binary.display();
            format!("{shown}: {error}; the head of lambda_start.rs has the command that builds it")
        })?;
        let mut deflated =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflated.write_all(&bytes)?;
        Ok(MeasuredFunction {
            name,
            binary,
            binary_bytes: bytes.len(),
            zip_bytes: deflated.finish()?.len(),
            runs: Vec::new(),
        })
    }

    /// Returns the median time in milliseconds from the start of the process to its request for the
    /// first event.
    fn init_ms(&self) -> f64 {
        median_ms(self.runs.iter().map(|run| run.init))
    }

    /// Returns the median time in milliseconds for which the function waits for connections during
    /// its start.
    fn waited_ms(&self) -> f64 {
        median_ms(self.runs.iter().map(|run| run.waited))
    }

    fn print(&self) {
        let firsts = self.runs.iter().map(|run| run.events[0]);
        let later = self.runs.iter().flat_map(|run| &run.events[1..]);
        let peak = self.runs.iter().map(|run| run.peak_bytes).max();
        println!(
            "{:20}  {:9.1}  {:6.1}  {:8.1}  {:12.1}  {:14.1}  {:15.1}  {:7.1}",
            self.name,
            self.binary_bytes as f64 / 1e6,
            self.zip_bytes as f64 / 1e6,
            self.init_ms(),
            self.waited_ms(),
            median_ms(firsts),
            median_ms(later.copied()),
            peak.unwrap_or_default() as f64 / 1e6,
        );
    }
}

/// The measurements of one start of a function.
struct FunctionRun {
    init: Duration,
    /// The time for which the function waits for connections. It is included in `init`.
    waited: Duration,
    events: Vec<Duration>,
    peak_bytes: u64,
}

/// The embedded engines that the functions use, their clients, and the photo that is uploaded.
struct LambdaBench {
    engines: BenchEngines,
    clients: Clients,
    photo: Vec<u8>,
    /// A photo of 24 MP.
    large_photo: DatedPhoto,
}

impl LambdaBench {
    async fn start() -> BenchResult<Self> {
        let engines = BenchEngines::start(EngineStorage::Memory).await?;
        engines
            .create_buckets(&["inbox", "archive", "site"])
            .await?;
        let clients = engines.connect();
        let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
        catalogue.create_table().await?;
        let table = PublishTable::new(clients.dynamodb.clone(), "publish");
        table.create_table().await?;
        let example = "examples/photos/fuji/DSCF2210.JPG";
        let mut photo = std::fs::read(repository_root().join(example))?;
        // Readers of metadata ignore bytes after the end of the picture.
        photo.resize(PHOTO_BYTES, 0);
        let large_photo = DatedPhoto::read("fuji/DSCF2210.JPG", "2020:10:18 11:32:09")?;
        Ok(LambdaBench {
            engines,
            clients,
            photo,
            large_photo: large_photo.with_picture(&LARGE_PHOTO)?,
        })
    }

    /// Returns the event with this number for the function `name`. If the event names a photo,
    /// uploads the photo first.
    async fn create_event(&self, name: &str, number: usize) -> BenchResult<Value> {
        Ok(match name {
            "ingest" | "downloading-function" => {
                let key = format!("{name}{number}/DSCF2210.JPG");
                let put = self.clients.s3.put_object().bucket("inbox").key(&key);
                let body = ByteStream::from(self.photo.clone());
                put.body(body).send().await?;
                json!({ "Records": [{ "eventSource": "aws:s3",
                        "s3": { "bucket": { "name": "inbox" }, "object": { "key": key } } }] })
            }
            "render" => {
                let item = self.ingest_large_photo(number).await?;
                let image: serde_dynamo::Item = serde_dynamo::to_item(item)?;
                json!({ "Records": [{ "eventSource": "aws:dynamodb",
                        "dynamodb": { "SequenceNumber": "1", "NewImage": image } }] })
            }
            "publish" => json!({ "source": "aws.scheduler" }),
            _ => json!({
                "version": "2.0", "routeKey": "$default", "rawPath": "/v1/photos", "rawQueryString": "",
                "headers": {}, "isBase64Encoded": false,
                "requestContext": { "accountId": "1", "apiId": "1", "routeKey": "$default", "stage": "$default",
                    "domainName": "host", "domainPrefix": "host", "requestId": "1",
                    "time": "23/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_428_000_000_u64,
                    "http": { "method": "GET", "path": "/v1/photos", "protocol": "HTTP/1.1",
                              "sourceIp": "192.0.2.1", "userAgent": "example" } } }),
        })
    }

    /// Uploads a photo of 24 MP, and archives and indexes it. Returns its item.
    async fn ingest_large_photo(&self, number: usize) -> BenchResult<PhotoItem> {
        let layout = Layout::new("inbox", "", "archive", "")?;
        let rules = ItemRules {
            recipe: Some(PictureRecipe::default()),
            ..ItemRules::from(LocationPolicy::Hide)
        };
        let storage = Storage::new(self.clients.s3.clone());
        let catalogue = Catalogue::new(self.clients.dynamodb.clone(), "photos");
        let ingest = Ingest::new(
            storage,
            catalogue.clone(),
            layout,
            rules,
            Arc::new(Utc::now),
        );
        let clock = format!("2020:10:01 {:02}:{:02}:00", number / 60, number % 60);
        let key = format!("large/DSCF{number:04}.JPG");
        let put = self.clients.s3.put_object().bucket("inbox").key(&key);
        let body = ByteStream::from(self.large_photo.with_clock(&clock));
        put.body(body).send().await?;
        ingest
            .sync_object(&Bucket::new("inbox")?.object(&key))
            .await?;
        let id = PhotoId::from_stem(&format!("2020-10-01/DSCF{number:04}"));
        Ok(catalogue
            .item(&id)
            .await?
            .ok_or_else(|| format!("there is no item of {key}"))?)
    }

    /// Returns an error if render did not make all renditions of `photos` photos.
    async fn check_pictures(&self, photos: usize) -> BenchResult<()> {
        let storage = Storage::new(self.clients.s3.clone());
        let bucket = Bucket::new("site")?;
        let listed = storage.list_objects(&bucket, "gallery/r/");
        let pictures = listed.try_fold(0, async |count, _| Ok(count + 1)).await?;
        match photos * RENDITIONS {
            expected if expected == pictures => Ok(()),
            expected => {
                Err(format!("render made {pictures} pictures instead of {expected}").into())
            }
        }
    }

    /// Starts a binary, sends it the events one after another, and kills it. Returns the
    /// measurements.
    async fn run_function(&self, binary: &Path, events: Vec<Value>) -> BenchResult<FunctionRun> {
        let mut server = RuntimeServer::start().await?;
        let log = tempfile::NamedTempFile::new()?;
        let start = Instant::now();
        let child = ChildProcess(
            Command::new(binary)
                .env_clear()
                .envs(self.environment(&server.address))
                .stdin(Stdio::null())
                .stdout(log.reopen()?)
                .spawn()?,
        );
        let timed_out = || format!("{} does not answer", binary.display());
        let ready = tokio::time::timeout(TIMEOUT, server.requests.recv()).await;
        let ready = ready.map_err(|_| timed_out())?.ok_or_else(timed_out)?;
        let mut run = FunctionRun {
            init: ready - start,
            waited: read_waited_time(log.path())?,
            events: Vec::new(),
            peak_bytes: 0,
        };
        for event in events {
            let start = Instant::now();
            server.events.send(event)?;
            let response = tokio::time::timeout(TIMEOUT, server.responses.recv()).await;
            let response = response.map_err(|_| timed_out())?.ok_or_else(timed_out)?;
            match response {
                FunctionResponse::Success(at) => run.events.push(at - start),
                FunctionResponse::Error(message) => {
                    let shown = binary.display();
                    return Err(format!("{shown} answered an error: {message}").into());
                }
            }
        }
        run.peak_bytes = ProcessMemory::of_process(child.0.id())?.peak;
        Ok(run)
    }

    /// Returns the environment variables of a function. `runtime_address` is the address of the
    /// server of Lambda's Runtime API.
    fn environment<'a>(&'a self, runtime_address: &'a str) -> Vec<(&'static str, &'a str)> {
        let endpoints = &self.engines.endpoints;
        vec![
            ("AWS_LAMBDA_RUNTIME_API", runtime_address),
            ("AWS_LAMBDA_FUNCTION_NAME", "example"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "example"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "example"),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_REGION", "us-east-1"),
            ("S3_ENDPOINT", endpoints.s3.as_deref().unwrap_or_default()),
            (
                "DYNAMODB_ENDPOINT",
                endpoints.dynamodb.as_deref().unwrap_or_default(),
            ),
            ("SOURCE_BUCKET", "inbox"),
            ("ARCHIVE_BUCKET", "archive"),
            ("PHOTOS_TABLE", "photos"),
            ("PUBLISH_TABLE", "publish"),
            ("GALLERY_BUCKET", "site"),
            ("CURSOR_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
        ]
    }
}

/// The response of a function to an event.
enum FunctionResponse {
    Success(Instant),
    /// The body of the function's error response.
    Error(String),
}

/// A server of Lambda's Runtime API for one function. The server stops when the value is dropped.
struct RuntimeServer {
    address: String,
    /// A channel with the time of each request of the function for an event.
    requests: mpsc::UnboundedReceiver<Instant>,
    events: mpsc::UnboundedSender<Value>,
    responses: mpsc::UnboundedReceiver<FunctionResponse>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// The ends of the server's channels that its request handlers use. [`RuntimeServer`] has the other
/// ends.
struct RuntimeChannels {
    requests: mpsc::UnboundedSender<Instant>,
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    responses: mpsc::UnboundedSender<FunctionResponse>,
}

impl RuntimeServer {
    async fn start() -> BenchResult<Self> {
        let (request_sender, requests) = mpsc::unbounded_channel();
        let (events, event_receiver) = mpsc::unbounded_channel();
        let (response_sender, responses) = mpsc::unbounded_channel();
        let channels = Arc::new(RuntimeChannels {
            requests: request_sender,
            events: Mutex::new(event_receiver),
            responses: response_sender,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(send_next_event))
            .route(
                "/2018-06-01/runtime/invocation/1/response",
                post(receive_response),
            )
            .route(
                "/2018-06-01/runtime/invocation/1/error",
                post(receive_error),
            )
            .with_state(channels);
        let (listener, _) = listen().await?;
        Ok(RuntimeServer {
            address: listener.local_addr()?.to_string(),
            requests,
            events,
            responses,
            task: tokio::spawn(async move { axum::serve(listener, router).await }),
        })
    }
}

impl Drop for RuntimeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn send_next_event(State(channels): State<Arc<RuntimeChannels>>) -> Response {
    // The measurement only uses the time of the first request.
    let _ = channels.requests.send(Instant::now());
    let Some(event) = channels.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = (SystemTime::now() + TIMEOUT).duration_since(UNIX_EPOCH);
    let deadline = deadline.unwrap_or_default().as_millis().to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", "1"),
        ("lambda-runtime-deadline-ms", deadline.as_str()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:1:function:example",
        ),
    ];
    (headers, Json(event)).into_response()
}

/// Reads the whole body, because the server closes a connection with an unread body, and the function
/// then stops.
async fn receive_response(
    State(channels): State<Arc<RuntimeChannels>>,
    _body: Bytes,
) -> StatusCode {
    // This fails if the measurement has ended.
    let _ = channels
        .responses
        .send(FunctionResponse::Success(Instant::now()));
    StatusCode::ACCEPTED
}

async fn receive_error(
    State(channels): State<Arc<RuntimeChannels>>,
    message: String,
) -> StatusCode {
    // This fails if the measurement has ended.
    let _ = channels.responses.send(FunctionResponse::Error(message));
    StatusCode::ACCEPTED
}

/// Returns the time for which a function waited for connections: the field `waited_ms` in its log.
/// Returns zero if the log does not have this field.
fn read_waited_time(log: &Path) -> BenchResult<Duration> {
    let log = std::fs::read_to_string(log)?;
    let mut lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let waited_ms = lines.find_map(|line| line["fields"]["waited_ms"].as_f64());
    Ok(Duration::from_secs_f64(waited_ms.unwrap_or_default() / 1e3))
}
