//! The TCP listeners of the servers, and their URLs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use hyper_util::service::TowerToHyperService;
use local_http::RequestGuard;
use tokio::net::TcpListener;

use crate::cli::shutdown::ServiceTasks;

/// Binds a TCP listener to this address and port.
///
/// # Errors
/// Fails if the port is in use or not allowed. The error names `flag`, the flag that chooses
/// another port.
pub(super) async fn bind(address: IpAddr, port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(address, port);
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                anyhow::anyhow!(
                    "port {port} on {} is taken; choose another with {flag}",
                    address.ip()
                )
            }
            std::io::ErrorKind::PermissionDenied => {
                anyhow::anyhow!(
                    "port {port} needs more rights than this user has; choose another with {flag}"
                )
            }
            _ => anyhow::anyhow!("cannot listen on {address} ({flag}): {error}"),
        })
}

/// Raises this process's limit of open files as far as the system allows: each connection is an open
/// file. If the limit cannot be raised, logs the reason.
pub(super) fn raise_open_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// Returns the URL with which a program on this machine reaches a listener, for example
/// `http://127.0.0.1:8080`.
///
/// # Errors
/// Fails if the system cannot return the address of the listener.
pub(super) fn local_url(listener: &TcpListener) -> anyhow::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(format!("http://{address}"))
}

/// Starts the HTTP server of the gallery as a task of `servers`. It serves only requests that
/// `guard` lets pass.
pub(super) fn serve_gallery(
    servers: &ServiceTasks,
    listener: TcpListener,
    router: Router,
    guard: RequestGuard,
) {
    let service = TowerToHyperService::new(router);
    servers.spawn("the gallery", |shutdown| async move {
        local_http::serve(listener, service, guard, shutdown.cancelled_owned()).await;
        Ok(())
    });
}
