//! A proxy between ingest and a store. It counts the requests, and can respond to some of them
//! itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode, header};
use tokio::net::TcpListener;

/// A function that can answer a request in place of the store. If it returns `None`, the proxy
/// forwards the request.
type ShortCircuit = dyn Fn(&Method) -> Option<Response> + Send + Sync;

/// A function that replaces the HTTP status of the store's response with another one.
type StatusMap = dyn Fn(StatusCode) -> StatusCode + Send + Sync;

/// A function that the proxy calls with each request, before it forwards the request.
type RequestObserver = dyn Fn(&Parts, &Bytes) + Send + Sync;

/// An HTTP proxy in front of one store.
#[derive(Clone)]
pub(crate) struct StoreProxy {
    upstream: String,
    client: reqwest::Client,
    seen: Arc<RequestObserver>,
    before: Arc<ShortCircuit>,
    after: Arc<StatusMap>,
    received: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl StoreProxy {
    /// Starts a proxy of the store at the URL `upstream`. `before` can answer a request in place of
    /// the store, and `after` changes the status of the store's responses. Returns the proxy and
    /// its URL.
    pub(crate) async fn start(
        upstream: &str,
        before: impl Fn(&Method) -> Option<Response> + Send + Sync + 'static,
        after: impl Fn(StatusCode) -> StatusCode + Send + Sync + 'static,
    ) -> (Self, String) {
        StoreProxy::start_with(upstream, |_, _| (), before, after).await
    }

    /// Starts a proxy that forwards every request, and calls `seen` for each. Returns the URL of
    /// the proxy.
    pub(crate) async fn recording(
        upstream: &str,
        seen: impl Fn(&Parts, &Bytes) + Send + Sync + 'static,
    ) -> String {
        StoreProxy::start_with(upstream, seen, |_| None, |status| status)
            .await
            .1
    }

    async fn start_with(
        upstream: &str,
        seen: impl Fn(&Parts, &Bytes) + Send + Sync + 'static,
        before: impl Fn(&Method) -> Option<Response> + Send + Sync + 'static,
        after: impl Fn(StatusCode) -> StatusCode + Send + Sync + 'static,
    ) -> (Self, String) {
        let proxy = StoreProxy {
            upstream: upstream.to_owned(),
            client: crate::http_client(),
            seen: Arc::new(seen),
            before: Arc::new(before),
            after: Arc::new(after),
            received: Arc::default(),
            refused: Arc::default(),
        };
        let router = Router::new().fallback(forward).with_state(proxy.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (proxy, endpoint)
    }

    /// Returns the number of requests that the proxy received.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// Returns the number of requests that the proxy did not forward.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

async fn forward(State(proxy): State<StoreProxy>, request: Request) -> Response {
    proxy.received.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    if let Some(answer) = (proxy.before)(&parts.method) {
        proxy.refused.fetch_add(1, Ordering::Relaxed);
        return answer;
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (proxy.seen)(&parts, &body);
    let path = parts.uri.path_and_query().unwrap();
    // The Host header stays unchanged, because it is signed.
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

/// Returns a function that returns `true` in `percent` percent of its calls. The seed decides which
/// calls these are.
pub(crate) fn random_share(percent: u32, seed: u64) -> impl Fn() -> bool + Send + Sync + 'static {
    let random = Mutex::new(fastrand::Rng::with_seed(seed));
    move || random.lock().unwrap().u32(..100) < percent
}
