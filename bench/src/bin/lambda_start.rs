//! How large the Lambda functions are and how fast they start: `cargo run -p bench --bin lambda_start [-- FOLDER]`, where FOLDER
//! holds their binaries (`target/function` unless told), built by
//! `cargo build --profile function -p photo-catalogue -p bench-functions --no-default-features --features photo-catalogue/lambda --bins`. Fails where a zip is over 6 MB.
//!
//! Each is started several times under a server of Lambda's Runtime API that is made here, over the embedded engines:
//! from its start until it asks for the first event, how much of that it waited for connections (by its own log), then
//! its first event and five more. `bare-function` does nothing over one `SdkConfig`; `downloading-function` downloads a
//! photo, uploads it and puts an item. Medians, the functions in turns; peak memory is `VmHWM` (Linux). Not in it: fetching
//! the zip, the network, TLS, and Systems Manager, which answers with a secret on AWS.

#![expect(clippy::print_stdout, reason = "its report is what it is run for")]

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::ByteStream;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::dynamodb_engine::DynamoDbEngine;
use photo_catalogue::storage::Storage;
use s3_folder::{KeyPair, S3Store};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const OURS: [&str; 3] = ["ingest", "publish", "gallery"];
const FUNCTIONS: [&str; 5] = [
    "ingest",
    "publish",
    "gallery",
    "bare-function",
    "downloading-function",
];
/// Bytes.
const LARGEST_ZIP: usize = 6_000_000;
const STARTS: usize = 9;
const LATER: usize = 5;
const PHOTO_BYTES: usize = 5_000_000;
const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join("target/function"),
        PathBuf::from,
    );
    let world = World::new().await?;
    let mut functions = Vec::new();
    for name in FUNCTIONS {
        functions.push(Function::new(name, folder.join(name))?);
    }
    for start in 0..STARTS {
        for function in &mut functions {
            let mut events = Vec::new();
            for event in 0..=LATER {
                events.push(world.event(function.name, start * 100 + event).await?);
            }
            function
                .runs
                .push(world.run(&function.binary, events).await?);
        }
    }
    println!(
        "function              binary MB  zip MB   init ms  of it waited  first event ms  later events ms  peak MB"
    );
    for function in &functions {
        function.print();
    }
    println!(
        "events: ingest and downloading-function, a new JPEG of 5 MB each; publish, idle ticks; gallery, /v1/photos"
    );
    let own = |name: &str| {
        let function = functions.iter().find(|function| function.name == name);
        function.map_or(f64::NAN, |function| function.init() - function.waited())
    };
    let bare = own("bare-function");
    for name in OURS {
        println!(
            "{name}: init without what it waited for is {:.2} times that of bare-function",
            own(name) / bare
        );
    }
    let large = functions
        .iter()
        .filter(|function| OURS.contains(&function.name) && function.zip_bytes > LARGEST_ZIP);
    match large.map(|function| function.name).collect::<Vec<_>>()[..] {
        [] => Ok(()),
        ref names => Err(format!("over 6 MB zipped: {}", names.join(", ")).into()),
    }
}

/// A function's binary, and what its starts took.
struct Function {
    name: &'static str,
    binary: PathBuf,
    binary_bytes: usize,
    zip_bytes: usize,
    runs: Vec<Run>,
}

impl Function {
    fn new(name: &'static str, binary: PathBuf) -> Result<Self> {
        let bytes = std::fs::read(&binary).map_err(|error| {
            let shown = binary.display();
            format!("{shown}: {error}; the head of this example says how it is built")
        })?;
        let mut deflated =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflated.write_all(&bytes)?;
        Ok(Function {
            name,
            binary,
            binary_bytes: bytes.len(),
            zip_bytes: deflated.finish()?.len(),
            runs: Vec::new(),
        })
    }

    /// Milliseconds.
    fn init(&self) -> f64 {
        median_ms(self.runs.iter().map(|run| run.init).collect())
    }

    /// Milliseconds.
    fn waited(&self) -> f64 {
        median_ms(self.runs.iter().map(|run| run.waited).collect())
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
            self.init(),
            self.waited(),
            median_ms(firsts.collect()),
            median_ms(later.copied().collect()),
            peak.unwrap_or_default() as f64 / 1e6,
        );
    }
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// What one process took.
struct Run {
    init: Duration,
    /// Of it for connections.
    waited: Duration,
    events: Vec<Duration>,
    peak_bytes: u64,
}

/// The engines.
struct World {
    clients: Clients,
    endpoints: Endpoints,
    photo: Vec<u8>,
    _data: tempfile::TempDir,
}

impl World {
    async fn new() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let store = S3Store::open(data.path())?;
        let (listener, s3) = listen().await?;
        let keys = KeyPair {
            access_key: "test".to_owned(),
            secret_key: "secret".to_owned(),
        };
        tokio::spawn(store.serve(listener, keys, std::future::pending()));
        let (listener, dynamodb) = listen().await?;
        let engine = DynamoDbEngine::open_in_memory()?;
        tokio::spawn(engine.serve(listener, std::future::pending()));
        let endpoints = Endpoints {
            s3: Some(s3),
            dynamodb: Some(dynamodb),
        };
        let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
        for bucket in ["inbox", "archive", "site"] {
            let storage = Storage::new(clients.s3.clone());
            storage.create_bucket(bucket).await?;
        }
        let photos = Catalogue::new(clients.dynamodb.clone(), "photos");
        photos.create_table().await?;
        let published = PublishTable::new(clients.dynamodb.clone(), "publish");
        published.create_table().await?;
        let example = "examples/photos/fuji/DSCF2210.JPG";
        let mut photo =
            std::fs::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(example))?;
        // Behind the picture's end, where no reader of metadata looks.
        photo.resize(PHOTO_BYTES, 0);
        Ok(World {
            clients,
            endpoints,
            photo,
            _data: data,
        })
    }

    /// An event that the function has work with.
    async fn event(&self, name: &str, number: usize) -> Result<Value> {
        Ok(match name {
            "ingest" | "downloading-function" => {
                let key = format!("{name}{number}/DSCF2210.JPG");
                let put = self.clients.s3.put_object().bucket("inbox").key(&key);
                let body = ByteStream::from(self.photo.clone());
                put.body(body).send().await?;
                json!({ "Records": [{ "eventSource": "aws:s3",
                        "s3": { "bucket": { "name": "inbox" }, "object": { "key": key } } }] })
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

    /// Starts the binary, gives it the events one after another, and ends it.
    async fn run(&self, binary: &Path, events: Vec<Value>) -> Result<Run> {
        let (asked, mut asks) = mpsc::unbounded_channel();
        let (send, waiting) = mpsc::unbounded_channel();
        let (answered, mut answers) = mpsc::unbounded_channel();
        let runtime = Arc::new(Runtime {
            asked,
            waiting: Mutex::new(waiting),
            answered,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/1/response", post(response))
            .route("/2018-06-01/runtime/invocation/1/error", post(error))
            .with_state(runtime);
        let (listener, _) = listen().await?;
        let address = listener.local_addr()?.to_string();
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let log = tempfile::NamedTempFile::new()?;
        let start = Instant::now();
        let child = Ended(
            Command::new(binary)
                .env_clear()
                .envs([
                    ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
                    ("AWS_LAMBDA_FUNCTION_NAME", "example"),
                    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                    ("AWS_LAMBDA_LOG_GROUP_NAME", "example"),
                    ("AWS_LAMBDA_LOG_STREAM_NAME", "example"),
                    ("AWS_ACCESS_KEY_ID", "test"),
                    ("AWS_SECRET_ACCESS_KEY", "secret"),
                    ("AWS_REGION", "us-east-1"),
                    (
                        "S3_ENDPOINT",
                        self.endpoints.s3.as_deref().unwrap_or_default(),
                    ),
                    (
                        "DYNAMODB_ENDPOINT",
                        self.endpoints.dynamodb.as_deref().unwrap_or_default(),
                    ),
                    ("SOURCE_BUCKET", "inbox"),
                    ("ARCHIVE_BUCKET", "archive"),
                    ("PHOTOS_TABLE", "photos"),
                    ("PUBLISH_TABLE", "publish"),
                    ("GALLERY_BUCKET", "site"),
                    ("CURSOR_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
                ])
                .stdin(Stdio::null())
                .stdout(log.reopen()?)
                .spawn()?,
        );
        let late = || format!("{} does not answer", binary.display());
        let at = tokio::time::timeout(TIMEOUT, asks.recv()).await;
        let at = at.map_err(|_| late())?.ok_or_else(late)?;
        let mut run = Run {
            init: at - start,
            waited: waited(log.path())?,
            events: Vec::new(),
            peak_bytes: 0,
        };
        for event in events {
            let start = Instant::now();
            send.send(event)?;
            let answer = tokio::time::timeout(TIMEOUT, answers.recv()).await;
            let answer: Option<Instant> = answer.map_err(|_| late())?.ok_or_else(late)?;
            let answered = answer.ok_or("the function answered with an error")?;
            run.events.push(answered - start);
        }
        run.peak_bytes = peak_bytes(child.0.id())?;
        server.abort();
        Ok(run)
    }
}

/// A process that does not outlive this one.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lambda's side of a function.
struct Runtime {
    asked: mpsc::UnboundedSender<Instant>,
    waiting: Mutex<mpsc::UnboundedReceiver<Value>>,
    answered: mpsc::UnboundedSender<Option<Instant>>,
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let _nobody_counts_the_later_ones = runtime.asked.send(Instant::now());
    let Some(event) = runtime.waiting.lock().await.recv().await else {
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

async fn response(State(runtime): State<Arc<Runtime>>) -> StatusCode {
    let _who_asked_may_be_gone = runtime.answered.send(Some(Instant::now()));
    StatusCode::ACCEPTED
}

async fn error(State(runtime): State<Arc<Runtime>>) -> StatusCode {
    let _who_asked_may_be_gone = runtime.answered.send(None);
    StatusCode::ACCEPTED
}

/// What a function that is ready says of its start; nothing where it waited for nothing.
fn waited(log: &Path) -> Result<Duration> {
    let log = std::fs::read_to_string(log)?;
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let waited = lines
        .filter_map(|line| line["fields"]["waited_ms"].as_f64())
        .next();
    Ok(Duration::from_secs_f64(waited.unwrap_or_default() / 1e3))
}

fn peak_bytes(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmHWM")?.parse::<u64>()? * 1024)
}

async fn listen() -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    Ok((listener, endpoint))
}
