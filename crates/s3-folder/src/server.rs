//! The HTTP server: connections, signatures and shutdown. It does not interpret requests.

use std::future::Future;
use std::io;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::{TcpListener, TcpStream};

use crate::external_changes::scan_in_background;
use crate::key_pair::KeyPair;
use crate::service::StoreService;
use crate::store::S3Store;

/// The time for which running requests can continue after the shutdown began.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// The time that a client has to send the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl S3Store {
    /// Serves S3 over HTTP on `listener` until `shutdown` is ready. Then accepts no more
    /// connections, and gives running requests a few seconds to finish.
    ///
    /// Requests must be path-style, in any region. They must be signed with `credentials` by
    /// Signature Version 4: in a header, in a presigned URL, or with a chunked body.
    ///
    /// At the start, a background thread compares the folders with the database. It registers each
    /// file that other programs added, changed or removed while the store was not open, and records
    /// a notification for each.
    ///
    /// The README of this crate has an example with a client.
    ///
    /// # Errors
    /// None at present: errors of single connections are logged.
    pub async fn serve(
        self,
        listener: TcpListener,
        credentials: KeyPair,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        scan_in_background(&self);
        let service = http_service(self, credentials);
        let mut http = Builder::new(TokioExecutor::new());
        // A client that opens a connection and sends nothing must not keep it for ever.
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT);
        let connections = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let stream = tokio::select! {
                () = &mut shutdown => break,
                stream = accept_connection(&listener) => stream,
            };
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
        if tokio::time::timeout(SHUTDOWN_GRACE, connections.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("s3 server: stopped while requests were running");
        }
        Ok(())
    }
}

fn http_service(store: S3Store, credentials: KeyPair) -> S3Service {
    let mut builder = S3ServiceBuilder::new(StoreService { store });
    builder.set_auth(SimpleAuth::from_single(
        credentials.access_key,
        credentials.secret_key,
    ));
    builder.build()
}

/// Accepts the next connection. Tries again after an error, because an error must not end the
/// server: for example, too many open files, or a client that left.
async fn accept_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A small response must not wait until the client has acknowledged the previous
                // one.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "s3 server: cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
