//! The server over real connections.

#![allow(clippy::disallowed_methods, reason = "tests read the clock")]

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use local_http::{AllowedOrigins, ConnectionLimits, RequestGuard, serve_with_limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const HEAD_TIMEOUT: Duration = Duration::from_millis(500);

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello"))))
}

/// Starts a server on a free port. It stops when the sender is dropped.
async fn start(limits: ConnectionLimits) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let guard = RequestGuard::new([""; 0], AllowedOrigins::ThisMachine);
        let shutdown = async {
            let _ = stopped.await;
        };
        serve_with_limits(listener, service_fn(hello), guard, limits, shutdown).await;
    });
    (address, stop)
}

/// Sends the head of a request, and returns the whole response.
async fn send(address: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("read");
    response
}

fn limits() -> ConnectionLimits {
    ConnectionLimits {
        head_timeout: HEAD_TIMEOUT,
        ..ConnectionLimits::default()
    }
}

#[tokio::test]
async fn own_requests_are_answered_and_foreign_ones_refused() {
    let (address, _stop) = start(limits()).await;
    let own = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let response = send(&address, &own).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(response.ends_with("hello"), "{response}");

    let foreign = [
        "POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 4\r\n\r\nbody",
        "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n",
        "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nConnection: close\r\n\r\n",
    ];
    for head in foreign {
        let response = send(&address, head).await;
        assert!(
            response.starts_with("HTTP/1.1 403") || response.starts_with("HTTP/1.0 403"),
            "{head}: {response}"
        );
        assert!(!response.contains("hello"), "{head}: {response}");
    }
}

#[tokio::test]
async fn half_open_connections_are_closed_while_others_are_answered() {
    let (address, _stop) = start(limits()).await;
    let start = Instant::now();
    let mut open = Vec::new();
    for sent in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\nX: "] {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(&address).await.expect("connected");
            stream.write_all(sent.as_bytes()).await.expect("sent");
            open.push(stream);
        }
    }
    let own = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let response = send(&address, own).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    for mut stream in open {
        let mut rest = Vec::new();
        // The server closes or resets the connection.
        let _ = stream.read_to_end(&mut rest).await;
    }
    assert!(start.elapsed() < 20 * HEAD_TIMEOUT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn idle_connection_is_closed_after_its_response() {
    let (address, _stop) = start(limits()).await;
    let mut stream = TcpStream::connect(&address).await.expect("connected");
    let head = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(head).await.expect("sent");
    let mut response = String::new();
    let closed = tokio::time::timeout(20 * HEAD_TIMEOUT, stream.read_to_string(&mut response));
    closed.await.expect("closed").expect("read");
    assert!(response.ends_with("hello"), "{response}");
}

#[tokio::test]
async fn more_clients_than_the_maximum_wait() {
    let limits = ConnectionLimits {
        max_connections: 2,
        ..limits()
    };
    let (address, _stop) = start(limits).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        idle.push(TcpStream::connect(&address).await.expect("connected"));
    }
    tokio::time::sleep(HEAD_TIMEOUT / 5).await;
    let start = Instant::now();
    let own = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let response = send(&address, own).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(start.elapsed() > HEAD_TIMEOUT / 2, "{:?}", start.elapsed());
}

#[tokio::test]
async fn shutdown_closes_idle_connections_and_the_listener() {
    let (address, stop) = start(limits()).await;
    let _idle = TcpStream::connect(&address).await.expect("connected");
    drop(stop);
    tokio::time::sleep(HEAD_TIMEOUT).await;
    assert!(TcpStream::connect(&address).await.is_err());
}
