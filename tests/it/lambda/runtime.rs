//! What runs a function's binary: a server of Lambda's Runtime API, made here, or AWS's own Runtime Interface Emulator.
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

/// Says where AWS's Runtime Interface Emulator is; `.ci/stores` gets it from PyPI.
pub(super) const EMULATOR: &str = "LAMBDA_RIE";
/// How long a test waits for what should take milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a function has left when it is woken.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a function runs under.
#[derive(Debug, Clone)]
pub(super) enum Under {
    /// The server of this file.
    RuntimeApi,
    /// The program at this path.
    Emulator(PathBuf),
}

impl Under {
    /// AWS's emulator, where it is.
    pub(super) fn emulator() -> Option<Self> {
        std::env::var_os(EMULATOR).map(|path| Under::Emulator(path.into()))
    }
}

/// A function that runs.
pub(super) struct Function {
    child: Mutex<Child>,
    log: PathBuf,
    door: Door,
}

/// How its events get in.
enum Door {
    Queue(Arc<Queue>),
    Http { endpoint: String },
}

/// Events on their way in, answers on their way out.
struct Queue {
    events: mpsc::UnboundedSender<(String, Value)>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Value)>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Value>>>,
}

impl Function {
    /// Starts the binary `name` with this environment and no other variable; its log goes into `folder`.
    pub(super) async fn start(
        under: &Under,
        name: &str,
        environment: &BTreeMap<String, String>,
        folder: &Path,
    ) -> Self {
        let binary = binaries().join(name);
        let log = folder.join(format!("{name}-{}.log", fastrand::u32(..)));
        let (mut command, door) = match under {
            Under::RuntimeApi => {
                let (events, waiting) = mpsc::unbounded_channel();
                let queue = Arc::new(Queue {
                    events,
                    waiting: waiting.into(),
                    answers: Mutex::default(),
                });
                let router = Router::new()
                    .route("/2018-06-01/runtime/invocation/next", get(next))
                    .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
                    .route("/2018-06-01/runtime/invocation/{id}/error", post(answer))
                    .with_state(Arc::clone(&queue));
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap().to_string();
                tokio::spawn(async move { axum::serve(listener, router).await });
                let mut command = Command::new(binary);
                command.env_clear().env("AWS_LAMBDA_RUNTIME_API", address);
                (command, Door::Queue(queue))
            }
            Under::Emulator(program) => {
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
                (command, Door::Http { endpoint })
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
        Function {
            child: Mutex::new(child),
            log,
            door,
        }
    }

    /// What it answers to this event. Of an error, an object with `errorType` and `errorMessage`.
    pub(super) async fn invoke(&self, event: &Value) -> Value {
        match &self.door {
            Door::Queue(queue) => {
                let id = format!("{:032x}", fastrand::u128(..));
                let (sender, mut receiver) = oneshot::channel();
                queue.answers.lock().unwrap().insert(id.clone(), sender);
                queue.events.send((id, event.clone())).unwrap();
                let start = Instant::now();
                loop {
                    let tick = Duration::from_millis(100);
                    match tokio::time::timeout(tick, &mut receiver).await {
                        Ok(answer) => return answer.unwrap(),
                        // As Lambda words it.
                        Err(_) if self.has_ended() => {
                            return json!({ "errorType": "Runtime.ExitError", "errorMessage": self.log() });
                        }
                        Err(_) => self.still_patient(start),
                    }
                }
            }
            Door::Http { endpoint } => {
                let url = format!("{endpoint}/2015-03-31/functions/function/invocations");
                let start = Instant::now();
                loop {
                    let sent = crate::http_client().post(&url).json(event).send().await;
                    match sent {
                        Ok(answer) => {
                            let answer = answer.bytes().await.unwrap();
                            return serde_json::from_slice(&answer).unwrap_or_default();
                        }
                        // It does not listen yet.
                        Err(error) if error.is_connect() => {
                            self.still_patient(start);
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                        Err(error) => panic!("{error}: {}", self.log()),
                    }
                }
            }
        }
    }

    /// What it has logged.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn has_ended(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    fn still_patient(&self, start: Instant) {
        assert!(start.elapsed() < PATIENCE, "no answer: {}", self.log());
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        // It may have ended by itself. The emulator takes its function with it.
        let _ = child.kill();
        let _ = child.wait();
    }
}

async fn next(State(queue): State<Arc<Queue>>) -> Response {
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

async fn answer(
    State(queue): State<Arc<Queue>>,
    Segment(id): Segment<String>,
    body: bytes::Bytes,
) -> Response {
    let Some(waiting) = queue.answers.lock().unwrap().remove(&id) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // Who asked may have given up.
    let _ = waiting.send(serde_json::from_slice(&body).unwrap_or_default());
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

fn free_port() -> u16 {
    let port = Port::bind("127.0.0.1:0").unwrap();
    port.local_addr().unwrap().port()
}

/// The folder of the functions' binaries, built as for Lambda but for their profile.
fn binaries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        // What cargo has told this test of its package; ring's build would run again for it.
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
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{said}");
        target.join("debug")
    })
}
