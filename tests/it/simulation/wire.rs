//! The wire: the SDK's HTTP client hook. Every request waits here until the schedule answers it.

use std::fmt;
use std::sync::{Arc, Mutex};

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
use tokio::sync::oneshot;

use super::objects::Store;

pub(super) type Request = http::Request<Bytes>;
pub(super) type Response = http::Response<Bytes>;
pub(super) type Answer = Result<Response, ConnectorError>;

/// A request that a client waits for.
pub(super) struct Call {
    /// The task that sent it; `None` outside of one.
    pub(super) task: Option<tokio::task::Id>,
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What was sent and not answered.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Vec<Call>>>);

impl Wire {
    pub(super) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The program's own clients, with this wire for a network. Without the SDK's retries: what fails is given back.
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

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = request.try_into_http1x().unwrap().map(|body| {
            Bytes::copy_from_slice(body.bytes().expect("a request whose body is in memory"))
        });
        let (answer, answered) = oneshot::channel();
        let task = tokio::task::try_id();
        self.0.lock().unwrap().push(Call {
            task,
            request,
            answer,
        });
        HttpConnectorFuture::new(async move {
            let answer = answered.await.unwrap_or_else(|_| Err(broken()))?;
            Ok(HttpResponse::try_from(answer.map(SdkBody::from)).unwrap())
        })
    }
}

/// The connection broke off.
pub(super) fn broken() -> ConnectorError {
    ConnectorError::io("the connection broke off".into())
}

/// Both services, answering at once.
pub(super) struct Services {
    pub(super) store: Store,
    s3: S3Service,
    table: dynoxide::Database,
}

impl Services {
    pub(super) fn new() -> Self {
        let store = Store::default();
        Services {
            s3: S3ServiceBuilder::new(store.clone()).build(),
            store,
            table: dynoxide::Database::memory().unwrap(),
        }
    }

    pub(super) async fn answer(&self, mut request: Request) -> Response {
        if let Some(operation) = operation(&request) {
            return self.dynamodb(&operation, request.body());
        }
        // Signatures are not what is simulated, and cost more than all the rest.
        request.headers_mut().remove("authorization");
        let (parts, body) = self
            .s3
            .call(request.map(s3s::Body::from))
            .await
            .unwrap()
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response::from_parts(parts, body)
    }

    fn dynamodb(&self, operation: &str, body: &[u8]) -> Response {
        let table = &self.table;
        match operation {
            "CreateTable" => run(body, |request| table.create_table(request)),
            "GetItem" => run(body, |request| table.get_item(request)),
            "PutItem" => run(body, |request| table.put_item(request)),
            "UpdateItem" => run(body, |request| table.update_item(request)),
            "Scan" => run(body, |request| table.scan(request)),
            other => panic!("ingest asked for {other}"),
        }
    }
}

fn run<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> dynoxide::Result<O>,
) -> Response {
    match operation(serde_json::from_slice(body).unwrap()) {
        Ok(answer) => response(200, serde_json::to_string(&answer).unwrap()),
        Err(error) => response(error.status_code(), error.to_json()),
    }
}

/// An answer of this status and body.
pub(super) fn response(status: u16, body: impl Into<Bytes>) -> Response {
    http::Response::builder()
        .status(status)
        .body(body.into())
        .unwrap()
}

/// `PutItem`; `None` for a request to S3.
pub(super) fn operation(request: &Request) -> Option<String> {
    let target = request.headers().get("x-amz-target")?.to_str().unwrap();
    Some(target.rsplit('.').next().unwrap_or_default().to_owned())
}
