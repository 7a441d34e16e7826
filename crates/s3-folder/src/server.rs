//! HTTP: connections, signatures, shutdown. It knows nothing of objects.

use std::future::Future;
use std::io;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;

use super::service::Service;
use super::{KeyPair, S3Store};

/// How long running requests may take after the shutdown began.
const GRACE: Duration = Duration::from_secs(5);

/// See [`S3Store::serve`].
pub(super) async fn serve(
    store: S3Store,
    listener: TcpListener,
    credentials: KeyPair,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let service = {
        let mut builder = S3ServiceBuilder::new(Service { store });
        builder.set_auth(SimpleAuth::from_single(
            credentials.access_key,
            credentials.secret_key,
        ));
        builder.build()
    };
    let mut http = Builder::new(TokioExecutor::new());
    // A client that opens a connection and says nothing does not keep it for ever.
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(60));
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, or a client that left: neither is the listener's end.
                    tracing::warn!(%error, "s3 server: cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Small answers must not wait for the acknowledgement of the last.
        let _ = stream.set_nodelay(true);
        let connection = http
            .serve_connection(TokioIo::new(stream), service.clone())
            .into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "s3 server: a connection broke off");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("s3 server: requests were still running at the shutdown");
    }
    Ok(())
}
