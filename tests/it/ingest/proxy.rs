//! A server between ingest and a store, which counts what is sent and answers some of it itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use tokio::net::TcpListener;

/// Answers in the store's place, before it is asked; `None` lets the request through.
type Before = dyn Fn(&Method) -> Option<Response> + Send + Sync;

/// What becomes of the status of a store's answer.
type After = dyn Fn(StatusCode) -> StatusCode + Send + Sync;

/// A proxy of one store.
#[derive(Clone)]
pub(crate) struct Proxy {
    upstream: String,
    client: reqwest::Client,
    before: Arc<Before>,
    after: Arc<After>,
    received: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts one before `upstream`; the proxy and its endpoint.
    pub(crate) async fn start(
        upstream: &str,
        before: impl Fn(&Method) -> Option<Response> + Send + Sync + 'static,
        after: impl Fn(StatusCode) -> StatusCode + Send + Sync + 'static,
    ) -> (Self, String) {
        let proxy = Proxy {
            upstream: upstream.to_owned(),
            client: crate::http_client(),
            before: Arc::new(before),
            after: Arc::new(after),
            received: Arc::default(),
            refused: Arc::default(),
        };
        let router = Router::new().fallback(pass).with_state(proxy.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (proxy, endpoint)
    }

    /// Requests that came.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// Those of them that the store never saw.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    proxy.received.fetch_add(1, Ordering::Relaxed);
    if let Some(answer) = (proxy.before)(request.method()) {
        proxy.refused.fetch_add(1, Ordering::Relaxed);
        return answer;
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path_and_query().unwrap();
    // With the host that was signed.
    let sent = proxy
        .client
        .request(parts.method, format!("{}{path}", proxy.upstream))
        .headers(parts.headers)
        .body(body)
        .send();
    let Ok(answer) = sent.await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = (proxy.after)(answer.status());
    let mut headers = answer.headers().clone();
    headers.remove(header::TRANSFER_ENCODING);
    if status != answer.status() {
        return (status, [("x-amz-request-id", "1")]).into_response();
    }
    let body = answer.bytes().await.unwrap();
    let mut passed = Response::new(Body::from(body));
    *passed.status_mut() = status;
    *passed.headers_mut() = headers;
    passed
}

/// Says yes to this share of the questions, in an order that a seed chooses.
pub(crate) fn share(percent: u32, seed: u64) -> impl Fn() -> bool + Send + Sync + 'static {
    let random = Mutex::new(fastrand::Rng::with_seed(seed));
    move || random.lock().unwrap().u32(..100) < percent
}
