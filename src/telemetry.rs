//! What is told of the work: log lines, metrics, and counts of the requests that were sent.

pub(crate) mod cost;
mod metrics;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

pub use cost::{WorkCost, measure_cost};
pub use metrics::MetricsWriter;

/// Counts the requests of a client as they are sent, retries included, and the bytes of their answers.
#[derive(Debug, Clone, Default)]
pub struct RequestCounter(Arc<RequestTotals>);

#[derive(Debug, Default)]
struct RequestTotals {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl RequestCounter {
    /// Requests sent so far.
    pub fn count(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Bytes of the bodies that answers announced so far.
    pub fn bytes_received(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

#[dyn_dispatch_hint]
impl Intercept for RequestCounter {
    fn name(&self) -> &'static str {
        "RequestCounter"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        cost::count_request();
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Of the body, not the header: the answer to a HEAD tells the length of a body that does not come.
        let bytes = context.response().body().content_length().unwrap_or(0);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// Log lines as JSON on standard output, as CloudWatch reads them; `RUST_LOG` filters them, `info` without it.
pub fn init_json_logs() {
    start(tracing_subscriber::fmt::layer().json(), "info");
}

/// Log lines for people, for standard error, each through a writer of its own; `RUST_LOG` filters them, else `default`.
pub fn init_text_logs<W: io::Write + 'static>(default: &str, writer: fn() -> W) {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(writer)
        .with_target(false);
    start(lines, default);
}

/// By target and level only: filters by a span's fields would link a regex engine, half a megabyte of every function.
fn start(lines: impl Layer<Registry> + Send + Sync, default: &str) {
    let told = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, refused) = match told.parse::<Targets>() {
        Ok(filter) if !told.is_empty() => (filter, None),
        Ok(_) => (self::default(default), None),
        Err(error) => (self::default(default), Some(error)),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
    if let Some(error) = refused {
        tracing::warn!(%error, "RUST_LOG is not understood, and left out");
    }
}

fn default(filter: &str) -> Targets {
    // The text is one of ours.
    filter.parse().unwrap_or_default()
}

/// Tells that a function is ready for events, and how long of its start it waited for others: connections and secrets.
pub fn log_ready(waited: Duration) {
    let waited_ms = (waited.as_secs_f64() * 1e4).round() / 10.0;
    tracing::info!(waited_ms, "ready");
}

/// An error and what caused it, in one line: the SDK's own texts say no more than "dispatch failure".
pub(crate) fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many wrap an error and repeat its text.
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line
}
