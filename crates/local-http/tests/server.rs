//! The server over real connections.

#![allow(clippy::disallowed_methods, reason = "tests read the clock")]

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use local_http::{
    AllowedOrigins, BodyPatience, ConnectionLimits, RequestBody, RequestGuard, serve_with_limits,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const HEAD_TIMEOUT: Duration = Duration::from_millis(500);

/// The longest pause in a request body.
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// Reads the body of a request, except for `/unread`. Responds `hello`, or the error of the body.
async fn hello(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut text = "hello".to_owned();
    if request.uri().path() != "/unread"
        && let Err(error) = request.into_body().collect().await
    {
        text = format!("{:?}", error.kind());
    }
    Ok(Response::new(Full::new(Bytes::from(text))))
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
        body: BodyPatience {
            max_pause: MAX_PAUSE,
            base_time: 2 * MAX_PAUSE,
            bytes_per_second: 100,
        },
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

/// Sends `head`, and then `piece` again and again with pauses of `pause`, `times` times. Returns
/// the response and the time until the connection was closed.
async fn send_slowly(
    address: &str,
    head: &str,
    piece: &[u8],
    times: usize,
    pause: Duration,
) -> (String, Duration) {
    let stream = TcpStream::connect(address).await.expect("connected");
    let (mut read, mut write) = stream.into_split();
    let start = Instant::now();
    let head = format!("{head}\r\n");
    let pieces = piece.to_owned();
    let sending = tokio::spawn(async move {
        write.write_all(head.as_bytes()).await.expect("sent");
        for _ in 0..times {
            tokio::time::sleep(pause).await;
            if write.write_all(&pieces).await.is_err() {
                break;
            }
        }
        write
    });
    let mut response = Vec::new();
    let reading = tokio::time::timeout(60 * MAX_PAUSE, read.read_to_end(&mut response));
    // The server may reset a connection whose body it did not read.
    let _ = reading.await.expect("the server closes the connection");
    let elapsed = start.elapsed();
    sending.abort();
    (String::from_utf8_lossy(&response).into_owned(), elapsed)
}

#[tokio::test]
async fn stalled_bodies_are_given_up_and_their_connections_closed() {
    let (address, _stop) = start(limits()).await;
    let host = "Host: localhost\r\n";
    for (path, head) in [
        ("/", "Content-Length: 1000\r\n"),
        ("/", "Transfer-Encoding: chunked\r\n"),
        ("/unread", "Content-Length: 1000\r\n"),
        ("/unread", "Transfer-Encoding: chunked\r\n"),
    ] {
        for piece in [&b""[..], b"3\r\nabc\r\n"] {
            let head = format!("POST {path} HTTP/1.1\r\n{host}{head}");
            let (response, elapsed) = send_slowly(&address, &head, piece, 1, Duration::ZERO).await;
            assert!(elapsed < 20 * MAX_PAUSE, "{head}: {elapsed:?}");
            let expected = if path == "/" { "TimedOut" } else { "hello" };
            assert!(response.ends_with(expected), "{head}: {response}");
        }
    }
}

#[tokio::test]
async fn slow_bodies_are_read_if_they_are_steady_and_not_too_slow() {
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    // 100 bytes allow one more second, which is more than the pauses between them. The limit of one
    // pause is long here, because a busy machine may stop the client for a while.
    let mut patient = limits();
    patient.body.max_pause = 10 * MAX_PAUSE;
    let (address, _stop) = start(patient).await;
    let steady = format!("{head}Content-Length: 1000\r\n");
    let (response, elapsed) = send_slowly(&address, &steady, &[0; 50], 20, MAX_PAUSE / 4).await;
    assert!(response.ends_with("hello"), "{response}");
    assert!(elapsed > 2 * MAX_PAUSE, "{elapsed:?}");
    // A byte comes in time, but the whole body would last very long.
    let (address, _stop) = start(limits()).await;
    let dripping = format!("{head}Content-Length: 100000\r\n");
    let (response, elapsed) =
        send_slowly(&address, &dripping, &[0; 1], 100_000, MAX_PAUSE / 4).await;
    assert!(response.ends_with("TimedOut"), "{response}");
    assert!(elapsed < 20 * MAX_PAUSE, "{elapsed:?}");
}
