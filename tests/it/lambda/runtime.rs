//! Runs the binary of a function under one of two hosts: a server of Lambda's Runtime API in this
//! file, or AWS's Runtime Interface Emulator.
//!
//! Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

use std::collections::{BTreeMap, HashMap};
use std::net::TcpListener as Port;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{Path as Segment, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// The environment variable that contains the path of AWS's Runtime Interface Emulator.
/// `.ci/stores` gets the emulator from PyPI.
const EMULATOR: &str = "LAMBDA_RIE";
/// The name of the variable with the folder of built functions. Without it, the tests build them.
const BINARIES: &str = "LAMBDA_BINARIES";
/// The maximum time that a test waits for a response, which should take milliseconds.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The time limit that an invocation gets.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The program that delivers events to a function, as Lambda does.
#[derive(Debug, Clone)]
pub(super) enum FunctionHost {
    /// The test itself, which has a server of Lambda's Runtime API (in this file).
    RuntimeApi,
    /// AWS's Runtime Interface Emulator, which is the program at this path.
    Emulator(PathBuf),
}

impl FunctionHost {
    /// Returns AWS's emulator. The variable `LAMBDA_RIE` contains its path.
    ///
    /// # Panics
    /// Panics if the variable is not set.
    pub(super) fn emulator() -> Self {
        let path = std::env::var_os(EMULATOR).expect("LAMBDA_RIE is set");
        FunctionHost::Emulator(path.into())
    }
}

/// A running function, and the way to send it events.
pub(super) struct FunctionProcess {
    child: Mutex<Child>,
    log: PathBuf,
    inlet: EventInlet,
}

/// The way in which events reach a function.
enum EventInlet {
    Queue(Arc<InvocationQueue>),
    Http { endpoint: String },
}

/// The queue of a function under the Runtime API: the events that wait for the function, and the
/// callers that wait for its responses.
struct InvocationQueue {
    events: mpsc::UnboundedSender<(String, Value)>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Value)>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Value>>>,
}

impl FunctionProcess {
    /// Starts the binary `name` with exactly these environment variables. Writes its log to
    /// `folder`.
    pub(super) async fn start(
        host: &FunctionHost,
        name: &str,
        environment: &BTreeMap<String, String>,
        folder: &Path,
    ) -> Self {
        let binary = binaries_folder().join(name);
        let log = folder.join(format!("{name}-{}.log", fastrand::u32(..)));
        let (mut command, inlet) = match host {
            FunctionHost::RuntimeApi => {
                let (events, waiting) = mpsc::unbounded_channel();
                let queue = Arc::new(InvocationQueue {
                    events,
                    waiting: waiting.into(),
                    answers: Mutex::default(),
                });
                let router = Router::new()
                    .route("/2018-06-01/runtime/invocation/next", get(next_event))
                    .route(
                        "/2018-06-01/runtime/invocation/{id}/response",
                        post(accept_answer),
                    )
                    .route(
                        "/2018-06-01/runtime/invocation/{id}/error",
                        post(accept_answer),
                    )
                    .with_state(Arc::clone(&queue));
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap().to_string();
                tokio::spawn(async move { axum::serve(listener, router).await });
                let mut command = Command::new(binary);
                command.env_clear().env("AWS_LAMBDA_RUNTIME_API", address);
                (command, EventInlet::Queue(queue))
            }
            FunctionHost::Emulator(program) => {
                let (outside, inside) = (free_port(), free_port());
                let mut command = Command::new(program);
                command
                    .env_clear()
                    .arg("--runtime-interface-emulator-address")
                    .arg(format!("127.0.0.1:{outside}"))
                    .arg("--runtime-api-address")
                    .arg(format!("127.0.0.1:{inside}"))
                    .arg(binary);
                let endpoint = format!("http://127.0.0.1:{outside}");
                (command, EventInlet::Http { endpoint })
            }
        };
        let output = std::fs::File::create(&log).unwrap();
        let child = command
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", TIMEOUT.as_secs().to_string())
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[$LATEST]0123")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        FunctionProcess {
            child: Mutex::new(child),
            log,
            inlet,
        }
    }

    /// Invokes the function with an event, and returns its response. If the function fails, the
    /// response is an object with `errorType` and `errorMessage`.
    pub(super) async fn invoke(&self, event: &Value) -> Value {
        match &self.inlet {
            EventInlet::Queue(queue) => {
                let id = format!("{:032x}", fastrand::u128(..));
                let (sender, mut receiver) = oneshot::channel();
                queue.answers.lock().unwrap().insert(id.clone(), sender);
                queue.events.send((id, event.clone())).unwrap();
                let start = Instant::now();
                loop {
                    let tick = Duration::from_millis(100);
                    match tokio::time::timeout(tick, &mut receiver).await {
                        Ok(answer) => return answer.unwrap(),
                        // Lambda reports this type of error.
                        Err(_) if self.has_ended() => {
                            return json!({ "errorType": "Runtime.ExitError", "errorMessage": self.read_log() });
                        }
                        Err(_) => self.check_wait(start),
                    }
                }
            }
            EventInlet::Http { endpoint } => {
                let url = format!("{endpoint}/2015-03-31/functions/function/invocations");
                let start = Instant::now();
                loop {
                    let sent = crate::http_client().post(&url).json(event).send().await;
                    match sent {
                        Ok(answer) => {
                            let answer = answer.bytes().await.unwrap();
                            return serde_json::from_slice(&answer).unwrap_or_default();
                        }
                        // The emulator does not listen yet, so the request is repeated.
                        Err(error) if error.is_connect() => {
                            self.check_wait(start);
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                        Err(error) => panic!("{error}: {}", self.read_log()),
                    }
                }
            }
        }
    }

    /// Returns the log that the function has written so far.
    pub(super) fn read_log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn has_ended(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    fn check_wait(&self, start: Instant) {
        assert!(start.elapsed() < MAX_WAIT, "no answer: {}", self.read_log());
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        // The process may have ended already. The emulator stops its own function.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Serves the route of the Runtime API from which a function gets its next event.
async fn next_event(State(queue): State<Arc<InvocationQueue>>) -> Response {
    let Some((id, event)) = queue.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = (SystemTime::now() + TIMEOUT)
        .duration_since(UNIX_EPOCH)
        .unwrap();
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:it".to_owned(),
        ),
    ];
    (headers, Json(event)).into_response()
}

/// Serves the routes of the Runtime API to which a function sends its response or its error. Passes
/// them to the caller.
async fn accept_answer(
    State(queue): State<Arc<InvocationQueue>>,
    Segment(id): Segment<String>,
    body: bytes::Bytes,
) -> Response {
    let Some(waiting) = queue.answers.lock().unwrap().remove(&id) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // The caller may have stopped waiting.
    let _ = waiting.send(serde_json::from_slice(&body).unwrap_or_default());
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

fn free_port() -> u16 {
    let port = Port::bind("127.0.0.1:0").unwrap();
    port.local_addr().unwrap().port()
}

/// Returns the folder with the binaries of the functions. It is the folder in `LAMBDA_BINARIES`.
/// Without this variable, builds them as for Lambda, but with another build profile.
fn binaries_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = std::env::var_os(BINARIES) {
            return PathBuf::from(folder);
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        // Cargo set these variables for this test. With them, ring's build script would run again.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
        let built = cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--locked", "--bins"])
            .args(["--no-default-features", "--features", "lambda"])
            .arg("--target-dir")
            .arg(target)
            .output()
            .unwrap();
        let messages = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{messages}");
        target.join("debug")
    })
}
