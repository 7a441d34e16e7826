//! Accepts connections, checks requests, and limits the time and the number of connections.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use crate::guard::{RefusedRequest, RequestGuard};
use crate::request_body::{BodyPatience, RequestBody};

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The limits of a server's connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// The maximum time in which a client must send the head of a request. An idle connection is
    /// closed after the same time.
    pub head_timeout: Duration,
    /// The maximum time for which the server waits for the body of a request.
    pub body: BodyPatience,
    /// The maximum time in which a client must read some bytes of a response that is being sent.
    pub write_timeout: Duration,
    /// The maximum number of open connections. More clients wait until a connection is closed.
    pub max_connections: usize,
    /// The time that running requests have to finish after the shutdown began.
    pub shutdown_grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        ConnectionLimits {
            head_timeout: Duration::from_secs(20),
            body: BodyPatience::default(),
            write_timeout: Duration::from_secs(60),
            max_connections: 4096,
            shutdown_grace: Duration::from_secs(5),
        }
    }
}

/// A listener that accepts the connections of a server.
pub trait ConnectionListener: Send + 'static {
    /// The stream of bytes of one connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl ConnectionListener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // A small response must not wait until the client has acknowledged the previous one.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

#[cfg(unix)]
impl ConnectionListener for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn accept(&self) -> io::Result<tokio::net::UnixStream> {
        Ok(tokio::net::UnixListener::accept(self).await?.0)
    }
}

/// Serves HTTP/1 on `listener` until `shutdown` is ready, with the default limits. See
/// [`serve_with_limits`].
pub async fn serve<L, S, B>(
    listener: L,
    service: S,
    guard: RequestGuard,
    shutdown: impl Future<Output = ()>,
) where
    L: ConnectionListener,
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let limits = ConnectionLimits::default();
    serve_with_limits(listener, service, guard, limits, shutdown).await;
}

/// Serves HTTP/1 on `listener` until `shutdown` is ready. Then accepts no more connections, and
/// gives running requests the time of [`ConnectionLimits::shutdown_grace`]. Requests that `guard`
/// refuses get the status 403 and are not passed to `service`.
pub async fn serve_with_limits<L, S, B>(
    listener: L,
    service: S,
    guard: RequestGuard,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) where
    L: ConnectionListener,
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let service = GuardedService {
        service,
        guard: Arc::new(guard),
        patience: limits.body,
    };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout);
    let connections = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(limits.max_connections));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, permit) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept_connection(&listener, &free) => accepted,
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write_timeout));
        let stream = TokioIo::new(Box::pin(stream));
        let connection = http.serve_connection(stream, service.clone());
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.shutdown_grace, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("the server stopped while requests were running");
    }
}

/// Accepts the next connection, as soon as fewer connections than the maximum are open. Tries again
/// after an error, because an error must not end the server: for example, too many open files, or a
/// client that left.
async fn accept_connection<L: ConnectionListener>(
    listener: &L,
    free: &Arc<Semaphore>,
) -> (L::Stream, tokio::sync::OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = Arc::clone(free).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok(stream) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A service whose requests are checked by a guard, and whose clients must send the bodies of their
/// requests in time.
#[derive(Clone)]
struct GuardedService<S> {
    service: S,
    guard: Arc<RequestGuard>,
    patience: BodyPatience,
}

impl<S, B> Service<Request<Incoming>> for GuardedService<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes>,
{
    type Response = Response<Either<B, Full<Bytes>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let authority = request.uri().authority();
        let checked = self
            .guard
            .check(request.method(), authority, request.headers());
        match checked {
            Ok(()) => {
                let request = request.map(|body| RequestBody::new(body, self.patience));
                let response = self.service.call(request);
                Box::pin(async move { Ok(response.await?.map(Either::Left)) })
            }
            Err(refused) => {
                tracing::warn!(
                    host = ?request.headers().get(header::HOST),
                    origin = ?request.headers().get(header::ORIGIN),
                    "{}",
                    refused.to_string().trim_end(),
                );
                Box::pin(async move { Ok(refuse(refused).map(Either::Right)) })
            }
        }
    }
}

/// Returns the response to a refused request.
fn refuse(refused: RefusedRequest) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(refused.to_string())));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    // A connection whose request body was not read must not be used again.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
