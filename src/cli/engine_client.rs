//! The HTTP clients of the SDK for the embedded engines. One passes requests to the engines of this
//! process without a connection. The other reaches the engines of a running `photos serve`.

use std::fmt;
use std::path::PathBuf;

use aws_config::SdkConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper_util::rt::TokioIo;
use s3_folder::S3Handler;
use sync_wrapper::SyncStream;
use tokio::net::UnixStream;

use super::data_dir::ServeEndpoints;
use super::engines::EmbeddedEngines;
use super::key_pair_file::StoredKeyPair;
use crate::clients::{self, Endpoints};
use dynamodb_engine::DynamoDbEngine;

/// The URL of the S3 engine of this process. The domain `invalid` never resolves (RFC 2606), so no
/// request can leave the process.
const S3_URL: &str = "http://s3.invalid";
/// The URL of a DynamoDB engine that has no TCP port.
const DYNAMODB_URL: &str = "http://dynamodb.invalid";

/// Returns the configuration and the URLs with which clients reach the engines of this process.
pub(super) fn in_process(engines: &EmbeddedEngines) -> (SdkConfig, Endpoints) {
    let connector = EngineConnector {
        s3: Some(engines.s3.clone()),
        dynamodb: engines.dynamodb.clone(),
    };
    connect(connector, &engines.key_pair)
}

/// Returns the configuration and the URL with which clients reach a DynamoDB engine of this process.
/// There is no S3.
///
/// # Errors
/// Fails if the system has no random numbers.
pub(super) fn dynamodb_in_process(
    dynamodb: DynamoDbEngine,
) -> anyhow::Result<(SdkConfig, Endpoints)> {
    let connector = EngineConnector { s3: None, dynamodb };
    Ok(connect(connector, &StoredKeyPair::random()?))
}

fn connect(connector: EngineConnector, key_pair: &StoredKeyPair) -> (SdkConfig, Endpoints) {
    let endpoints = Endpoints {
        s3: connector.s3.is_some().then(|| S3_URL.to_owned()),
        dynamodb: Some(DYNAMODB_URL.to_owned()),
    };
    let connector = SharedHttpConnector::new(connector);
    let http = http_client_fn(move |_, _| connector.clone());
    let sdk = clients::with_key_pair(&key_pair.access_key, &key_pair.secret_key);
    (sdk.into_builder().http_client(http).build(), endpoints)
}

/// Returns the configuration and the URLs with which clients reach the engines of a running `photos
/// serve`: S3 by its TCP port, and DynamoDB by its socket.
pub(super) fn of_running_serve(running: &ServeEndpoints) -> (SdkConfig, Endpoints) {
    let tcp = Builder::new().build_http();
    let socket = running.socket.clone();
    let http = http_client_fn(move |settings, components| {
        SharedHttpConnector::new(SocketConnector {
            socket: socket.clone(),
            tcp: tcp.http_connector(settings, components),
        })
    });
    let key_pair = &running.key_pair;
    let sdk = clients::with_key_pair(&key_pair.access_key, &key_pair.secret_key);
    let endpoints = Endpoints {
        s3: Some(running.s3.clone()),
        dynamodb: Some(DYNAMODB_URL.to_owned()),
    };
    (sdk.into_builder().http_client(http).build(), endpoints)
}

/// Reports whether a request is one for DynamoDB. Only its API has this header.
fn is_for_dynamodb(request: &HttpRequest) -> bool {
    request.headers().contains_key("x-amz-target")
}

/// Passes requests to the engines of this process.
#[derive(Clone)]
struct EngineConnector {
    s3: Option<S3Handler>,
    dynamodb: DynamoDbEngine,
}

impl fmt::Debug for EngineConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineConnector")
    }
}

impl HttpConnector for EngineConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engines = self.clone();
        HttpConnectorFuture::new(async move {
            let responded = respond(&engines, request).await;
            responded.map_err(|error| ConnectorError::other(error, None))
        })
    }
}

async fn respond(
    engines: &EngineConnector,
    request: HttpRequest,
) -> Result<HttpResponse, BoxError> {
    let is_for_dynamodb = is_for_dynamodb(&request);
    let mut request = request.try_into_http1x()?;
    let response = if is_for_dynamodb {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let response = engines.dynamodb.respond(&head.headers, body).await;
        response.map(SdkBody::from)
    } else {
        // A usual HTTP client adds this header, and the signature covers it. There is no such
        // client here.
        if let Some(host) = request.uri().authority() {
            let host = HeaderValue::from_str(host.as_str())?;
            request.headers_mut().entry(header::HOST).or_insert(host);
        }
        let request = request.map(|body| body.map_err(BodyError));
        let s3 = engines.s3.as_ref().ok_or("this command uses no S3")?;
        let response = s3.respond(request).await?;
        // The SDK's body must be `Sync`, although only one task at a time uses it.
        response.map(|body| {
            SdkBody::from_body_1_x(StreamBody::new(SyncStream::new(BodyStream::new(body))))
        })
    };
    Ok(HttpResponse::try_from(response)?)
}

/// The error of a request's body. The handler needs a type that is an error itself.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the body of the request")]
struct BodyError(#[source] BoxError);

/// Sends requests for DynamoDB through a socket, and all others over TCP.
#[derive(Debug, Clone)]
struct SocketConnector {
    socket: PathBuf,
    tcp: SharedHttpConnector,
}

impl HttpConnector for SocketConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !is_for_dynamodb(&request) {
            return self.tcp.call(request);
        }
        let socket = self.socket.clone();
        HttpConnectorFuture::new(async move {
            let response = send_through_socket(socket, request).await;
            response.map_err(ConnectorError::io)
        })
    }
}

/// Sends one request on a new connection. On a Unix socket, this costs less than a tenth of a
/// millisecond.
async fn send_through_socket(
    socket: PathBuf,
    request: HttpRequest,
) -> Result<HttpResponse, BoxError> {
    let (mut head, body) = request.try_into_http1x()?.into_parts();
    let body = body.collect().await?.to_bytes();
    head.uri = "/".parse()?;
    let host = HeaderValue::from_static("localhost");
    head.headers.insert(header::HOST, host);
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::from_parts(head, Full::new(body));
    let exchange = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, BoxError>(Response::from_parts(head, SdkBody::from(body)))
    };
    tokio::select! {
        response = exchange => Ok(HttpResponse::try_from(response?)?),
        ended = connection => {
            ended?;
            Err("the connection was closed before the response".into())
        }
    }
}
