//! The listeners of the servers, and the URLs at which they are reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;

use crate::cli::shutdown::ServiceTasks;

/// Binds a listener.
///
/// # Errors
/// The port is in use or not allowed. The error names `flag`, which chooses another.
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

/// Returns the URL at which this machine reaches a listener.
///
/// # Errors
/// The listener has no address.
pub(super) fn local_url(listener: &TcpListener) -> anyhow::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(format!("http://{address}"))
}

/// Starts the gallery's server.
pub(super) fn serve_gallery(servers: &ServiceTasks, listener: TcpListener, router: Router) {
    servers.spawn("the gallery", |shutdown| async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
    });
}
