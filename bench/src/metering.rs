//! Proxies that count the requests and the DynamoDB capacity units between a program and the
//! embedded engines.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dynamodb_engine::EngineAccess;
use local_http::RequestGuard;
use photo_catalogue::clients::{Clients, Endpoints};
use serde_json::{Value, json};
use tokio::net::UnixListener;

use crate::{BenchEngines, BenchResult, connect, listen};

/// Clients of the embedded engines whose requests are counted. The counts contain the capacity
/// units that DynamoDB charges, as the engine computes them.
pub struct MeteredClients {
    /// The clients.
    pub clients: Clients,
    counts: Arc<Mutex<RequestCounts>>,
}

impl MeteredClients {
    /// Starts the proxies before the engines, and connects the clients to them.
    pub async fn start(engines: &BenchEngines) -> BenchResult<Self> {
        let counts = Arc::default();
        let clients = connect(&Endpoints {
            s3: Some(start_proxy(ProxyTarget::of_s3(engines), &counts).await?),
            dynamodb: Some(start_proxy(ProxyTarget::of_dynamodb(engines)?, &counts).await?),
        });
        Ok(MeteredClients { clients, counts })
    }

    /// Returns the numbers of requests and capacity units since the last call of this function.
    pub fn take_counts(&self) -> RequestCounts {
        std::mem::take(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Numbers of requests and capacity units. They are fractional if they are means.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestCounts {
    /// The requests to S3 that are billed as writes.
    pub s3_writes: f64,
    /// The requests to S3 that are billed as reads.
    pub s3_reads: f64,
    /// The deletions of S3, which are free.
    pub s3_deletes: f64,
    /// The requests to DynamoDB.
    pub dynamodb: f64,
    /// The write units of DynamoDB.
    pub write_units: f64,
    /// The read units of DynamoDB.
    pub read_units: f64,
}

impl RequestCounts {
    fn add_s3_request(&mut self, method: &Method, path: &str) {
        match method.as_str() {
            "DELETE" => self.s3_deletes += 1.0,
            "HEAD" => self.s3_reads += 1.0,
            // A listing costs as much as a write.
            "GET" if !path.contains("list-type") => self.s3_reads += 1.0,
            _ => self.s3_writes += 1.0,
        }
    }

    fn add_dynamodb_request(&mut self, operation: &str, response: &Value) {
        let capacity = &response["ConsumedCapacity"];
        // A request for several items has a list: the capacity of each table.
        let tables = capacity
            .as_array()
            .map_or(std::slice::from_ref(capacity), Vec::as_slice);
        let units = tables
            .iter()
            .filter_map(|table| table["CapacityUnits"].as_f64());
        // A write whose condition fails is billed with at least one unit. Its response has no
        // capacity.
        let units = units.reduce(|sum, units| sum + units).unwrap_or(1.0);
        self.dynamodb += 1.0;
        if operation.ends_with("GetItem") || operation.ends_with("Query") {
            self.read_units += units;
        } else {
            self.write_units += units;
        }
    }
}

impl std::ops::Div<f64> for RequestCounts {
    type Output = RequestCounts;

    fn div(self, by: f64) -> RequestCounts {
        RequestCounts {
            s3_writes: self.s3_writes / by,
            s3_reads: self.s3_reads / by,
            s3_deletes: self.s3_deletes / by,
            dynamodb: self.dynamodb / by,
            write_units: self.write_units / by,
            read_units: self.read_units / by,
        }
    }
}

/// The engine to which a proxy forwards requests.
struct ProxyTarget {
    url: String,
    client: reqwest::Client,
}

impl ProxyTarget {
    fn of_s3(engines: &BenchEngines) -> Self {
        ProxyTarget {
            url: engines.endpoints.s3.clone().unwrap_or_default(),
            client: reqwest::Client::new(),
        }
    }

    /// Serves the embedded DynamoDB on a Unix socket too. The proxy changes the requests, so their
    /// signatures are wrong, and the TCP port would refuse them.
    fn of_dynamodb(engines: &BenchEngines) -> BenchResult<Self> {
        let path = engines.folder().join(".engine/metered.sock");
        // A folder that is kept has the socket of an earlier run.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        let (engine, guard) = (engines.engine.clone(), RequestGuard::default());
        tokio::spawn(engine.serve(listener, EngineAccess::OwnerOnly, guard, pending()));
        Ok(ProxyTarget {
            url: "http://localhost".to_owned(),
            client: reqwest::Client::builder().unix_socket(path).build()?,
        })
    }
}

/// A proxy that counts the requests that it forwards.
struct CountingProxy {
    target: ProxyTarget,
    counts: Arc<Mutex<RequestCounts>>,
}

/// Starts a proxy that forwards requests to `target`. Returns the URL of the proxy.
async fn start_proxy(
    target: ProxyTarget,
    counts: &Arc<Mutex<RequestCounts>>,
) -> BenchResult<String> {
    let (listener, endpoint) = listen().await?;
    let proxy = Arc::new(CountingProxy {
        target,
        counts: Arc::clone(counts),
    });
    let router = Router::new().fallback(proxy_request).with_state(proxy);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(endpoint)
}

async fn proxy_request(State(proxy): State<Arc<CountingProxy>>, request: Request) -> Response {
    match proxy.forward(request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

impl CountingProxy {
    async fn forward(&self, request: Request) -> BenchResult<Response> {
        let (mut parts, body) = request.into_parts();
        let mut body = axum::body::to_bytes(body, usize::MAX).await?;
        let operation = parts.headers.get("x-amz-target");
        let operation = operation.and_then(|target| target.to_str().ok().map(str::to_owned));
        if operation.is_some() {
            let mut request: Value = serde_json::from_slice(&body)?;
            request["ReturnConsumedCapacity"] = json!("TOTAL");
            body = Bytes::from(request.to_string());
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", self.target.url);
        let request = self.target.client.request(parts.method.clone(), url);
        let response = request.headers(parts.headers).body(body).send().await?;
        let (status, mut headers) = (response.status(), response.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        let body = response.bytes().await?;
        let parsed: Option<Value> = match operation {
            Some(_) => Some(serde_json::from_slice(&body)?),
            None => None,
        };
        {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            match (&operation, &parsed) {
                (Some(operation), Some(response)) => {
                    counts.add_dynamodb_request(operation, response);
                }
                _ => counts.add_s3_request(&parts.method, path),
            }
        }
        let mut forwarded = Response::new(Body::from(body));
        *forwarded.status_mut() = status;
        *forwarded.headers_mut() = headers;
        Ok(forwarded)
    }
}
