//! The simulated network. It is the HTTP client hook of the SDK. Every request waits here until the
//! schedule responds to it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use bytes::Bytes;
use http_body_util::BodyExt;
use photo_catalogue::clients::{self, Clients, Endpoints};
use s3s::service::{S3Service, S3ServiceBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::oneshot;

use super::objects::SimulatedS3;
use super::world::TABLE;

pub(super) type WireRequest = http::Request<Bytes>;
pub(super) type WireResponse = http::Response<Bytes>;
pub(super) type WireResult = Result<WireResponse, ConnectorError>;

/// A request that was sent and has no response yet.
pub(super) struct PendingCall {
    /// The async task that sent the request. `None` if no task sent it.
    pub(super) task: Option<tokio::task::Id>,
    pub(super) request: WireRequest,
    pub(super) answer: oneshot::Sender<WireResult>,
}

/// The simulated network: the list of all requests that have no response yet.
#[derive(Clone, Default)]
pub(super) struct SimulatedNetwork(Arc<Mutex<Vec<PendingCall>>>);

impl SimulatedNetwork {
    pub(super) fn take(&self) -> Vec<PendingCall> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Runs a future over this network. The services respond at once and without faults.
    pub(super) async fn run_at_once<T>(
        &self,
        services: &SimulatedServices,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_millis(1)) => {
                    for call in self.take() {
                        let answer = services.answer(call.request).await;
                        let _ = call.answer.send(Ok(answer));
                    }
                }
            }
        }
    }

    /// Builds the program's own clients, connected to this network. The retries of the SDK are off:
    /// if a request fails, the whole event is delivered again.
    pub(super) fn clients(&self) -> Clients {
        let connector = SharedHttpConnector::new(self.clone());
        let config = clients::with_key_pair("simulation", "simulation")
            .into_builder()
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let endpoints = Endpoints {
            s3: Some("http://s3.simulation".to_owned()),
            dynamodb: Some("http://dynamodb.simulation".to_owned()),
        };
        clients::connect(&config, &endpoints)
    }
}

impl fmt::Debug for SimulatedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedNetwork")
    }
}

impl HttpConnector for SimulatedNetwork {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = request.try_into_http1x().unwrap().map(|body| {
            Bytes::copy_from_slice(body.bytes().expect("a request whose body is in memory"))
        });
        let (answer, answered) = oneshot::channel();
        let task = tokio::task::try_id();
        self.0.lock().unwrap().push(PendingCall {
            task,
            request,
            answer,
        });
        HttpConnectorFuture::new(async move {
            let answer = answered
                .await
                .unwrap_or_else(|_| Err(broken_connection()))?;
            Ok(HttpResponse::try_from(answer.map(SdkBody::from)).unwrap())
        })
    }
}

/// Returns the error of a broken connection.
pub(super) fn broken_connection() -> ConnectorError {
    ConnectorError::io("the connection broke".into())
}

/// The two simulated services, S3 and DynamoDB. They respond at once and without faults.
pub(super) struct SimulatedServices {
    pub(super) store: SimulatedS3,
    s3: S3Service,
    table: dynoxide::Database,
}

impl SimulatedServices {
    pub(super) fn new() -> Self {
        let store = SimulatedS3::default();
        SimulatedServices {
            s3: S3ServiceBuilder::new(store.clone()).build(),
            store,
            table: dynoxide::Database::memory().unwrap(),
        }
    }

    pub(super) async fn answer(&self, mut request: WireRequest) -> WireResponse {
        if let Some(operation) = operation(&request) {
            return self.dynamodb(&operation, request.body());
        }
        // Signatures are not simulated. To check them would take most of the run time.
        request.headers_mut().remove("authorization");
        let (parts, body) = self
            .s3
            .call(request.map(s3s::Body::from))
            .await
            .unwrap()
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        WireResponse::from_parts(parts, body)
    }

    /// Reads an item of the table. Returns `None` if there is none.
    pub(super) fn read_item(&self, pk: &str) -> Option<serde_dynamo::Item> {
        let item = self.read_attributes(pk)?;
        Some(serde_json::from_value(item).unwrap())
    }

    /// Reads an item of the table, and returns its attributes in DynamoDB's own JSON.
    pub(super) fn read_attributes(&self, pk: &str) -> Option<Value> {
        let request = serde_json::json!({ "TableName": TABLE, "Key": { "pk": { "S": pk } } });
        let answer = self.dynamodb("GetItem", request.to_string().as_bytes());
        let mut answer: Value = serde_json::from_slice(answer.body()).unwrap();
        answer.get_mut("Item").map(Value::take)
    }

    fn dynamodb(&self, operation: &str, body: &[u8]) -> WireResponse {
        let table = &self.table;
        match operation {
            "BatchGetItem" => run_operation(body, |request| table.batch_get_item(request)),
            "CreateTable" => run_operation(body, |request| table.create_table(request)),
            "GetItem" => run_operation(body, |request| table.get_item(request)),
            "PutItem" => run_operation(body, |request| table.put_item(request)),
            "UpdateItem" => run_operation(body, |request| table.update_item(request)),
            other => panic!("unexpected operation {other}"),
        }
    }
}

fn run_operation<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> dynoxide::Result<O>,
) -> WireResponse {
    match operation(serde_json::from_slice(body).unwrap()) {
        Ok(answer) => response(200, serde_json::to_string(&answer).unwrap()),
        Err(error) => response(error.status_code(), error.to_json()),
    }
}

/// Builds a response with this status and body.
pub(super) fn response(status: u16, body: impl Into<Bytes>) -> WireResponse {
    http::Response::builder()
        .status(status)
        .body(body.into())
        .unwrap()
}

/// Returns the operation of a request to DynamoDB, such as `PutItem`. Returns `None` for a request
/// to S3.
pub(super) fn operation(request: &WireRequest) -> Option<String> {
    let target = request.headers().get("x-amz-target")?.to_str().unwrap();
    Some(target.rsplit('.').next().unwrap_or_default().to_owned())
}

/// Builds the response with which a service refuses a request, because there are too many requests.
pub(super) fn throttled_response(request: &WireRequest) -> WireResponse {
    if operation(request).is_some() {
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#;
        return response(400, body);
    }
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    response(
        503,
        if request.method() == http::Method::HEAD {
            ""
        } else {
            body
        },
    )
}

/// Describes a request in one line for the trace.
pub(super) fn describe_request(request: &WireRequest) -> String {
    if let Some(operation) = operation(request) {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let pk = body["Key"]["pk"]["S"]
            .as_str()
            .or(body["Item"]["pk"]["S"].as_str());
        let revision = body["Item"]["revision"]["N"].as_str();
        let revision = revision
            .map(|revision| format!(" revision {revision}"))
            .unwrap_or_default();
        return format!("{operation} {}{revision}", pk.unwrap_or_default());
    }
    let copy = request
        .headers()
        .get("x-amz-copy-source")
        .map(|from| format!(" from {}", from.to_str().unwrap()));
    format!(
        "{} {}{}",
        request.method(),
        request.uri().path(),
        copy.unwrap_or_default()
    )
}
