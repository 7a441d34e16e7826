#![doc = include_str!("../README.md")]

mod guard;
#[cfg(feature = "server")]
mod request_body;
#[cfg(feature = "server")]
mod server;

pub use guard::{AllowedOrigins, RefusedRequest, RequestGuard};
#[cfg(feature = "server")]
pub use request_body::{BodyPatience, RequestBody};
#[cfg(feature = "server")]
pub use server::{ConnectionLimits, ConnectionListener, serve, serve_with_limits};
