//! The DynamoDB API over HTTP: for other processes of the owner, and for the engine's own process
//! without a connection.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::service::TowerToHyperService;
use local_http::{ConnectionListener, RequestBody, RequestGuard};
use s3_folder::KeyPair;

use super::DynamoDbEngine;
use super::signature::{is_signed, names_key_pair};

/// The maximum size of a request's body in bytes (DynamoDB Developer Guide, "Quotas": 16 MB).
const MAX_BODY_BYTES: usize = 16 << 20;
/// The media type of the API.
const MEDIA_TYPE: &str = "application/x-amz-json-1.0";

/// The condition under which the server accepts a request.
#[derive(Clone)]
pub enum EngineAccess {
    /// Every request is accepted. The listener must be one that only the owner can reach, such as a
    /// socket in a folder of the owner.
    OwnerOnly,
    /// A request must be signed with this key pair.
    Signed(KeyPair),
}

impl DynamoDbEngine {
    /// Serves the DynamoDB API on `listener` until the future `shutdown` completes. Then accepts no
    /// more connections, and gives running requests a few seconds to finish.
    pub async fn serve<L: ConnectionListener>(
        self,
        listener: L,
        access: EngineAccess,
        guard: RequestGuard,
        shutdown: impl Future<Output = ()>,
    ) {
        let access = Arc::new(access);
        let service = tower::service_fn(move |request: Request<RequestBody>| {
            let (engine, access) = (self.clone(), Arc::clone(&access));
            async move { Ok::<_, Infallible>(engine.respond_over_http(request, &access).await) }
        });
        let service = TowerToHyperService::new(service);
        local_http::serve(listener, service, guard, shutdown).await;
    }

    /// Responds to a request of the DynamoDB API that comes from this process. Signatures are not
    /// checked.
    pub async fn respond(&self, headers: &HeaderMap, body: Bytes) -> Response<Bytes> {
        let target = headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok());
        let target = target.unwrap_or_default().to_owned();
        let engine = self.clone();
        let ran = tokio::task::spawn_blocking(move || engine.run_operation(&target, &body));
        match ran.await {
            Ok(answer) => {
                let status = StatusCode::from_u16(answer.status);
                json_response(status.unwrap_or(StatusCode::BAD_REQUEST), answer.json)
            }
            // The operation panicked, or the process is stopping.
            Err(error) => {
                tracing::error!(%error, "the DynamoDB engine failed");
                let error = "com.amazonaws.dynamodb.v20120810#InternalServerError";
                error_response(StatusCode::INTERNAL_SERVER_ERROR, error)
            }
        }
    }

    async fn respond_over_http(
        &self,
        request: Request<RequestBody>,
        access: &EngineAccess,
    ) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        if head.method != Method::POST || head.uri.path() != "/" || head.uri.query().is_some() {
            let error = "com.amazon.coral.service#UnknownOperationException";
            return error_response(StatusCode::NOT_FOUND, error).map(Full::new);
        }
        let key_pair = match access {
            EngineAccess::OwnerOnly => None,
            EngineAccess::Signed(key_pair) => Some(key_pair),
        };
        let unrecognized = || {
            let error = "com.amazon.coral.service#UnrecognizedClientException";
            error_response(StatusCode::BAD_REQUEST, error).map(Full::new)
        };
        // This saves reading the body of a stranger. The signature covers the body, so it is
        // verified below.
        if key_pair.is_some_and(|key_pair| !names_key_pair(&head.headers, key_pair)) {
            return unrecognized();
        }
        let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
            let error = "com.amazon.coral.service#SerializationException";
            return error_response(StatusCode::BAD_REQUEST, error).map(Full::new);
        };
        let body = body.to_bytes();
        let now = Utc::now();
        if key_pair.is_some_and(|key_pair| !is_signed(&head.headers, &body, key_pair, now)) {
            return unrecognized();
        }
        self.respond(&head.headers, body).await.map(Full::new)
    }
}

fn error_response(status: StatusCode, error: &str) -> Response<Bytes> {
    json_response(status, serde_json::json!({ "__type": error }).to_string())
}

fn json_response(status: StatusCode, json: String) -> Response<Bytes> {
    // The SDK checks this checksum (DynamoDB Developer Guide, "DynamoDB low-level API").
    let checksum = crc32fast::hash(json.as_bytes()).to_string();
    let mut response = Response::new(Bytes::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(MEDIA_TYPE),
    );
    if let Ok(checksum) = checksum.parse() {
        headers.insert("x-amz-crc32", checksum);
    }
    response
}
