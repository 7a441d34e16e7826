//! Telemetry: log lines, metrics, and counts of the requests that were sent.

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

/// Counts the requests that a client sends, including retries, and the bytes of the responses. All
/// clones share the same numbers.
#[derive(Debug, Clone, Default)]
pub struct RequestCounter(Arc<RequestTotals>);

#[derive(Debug, Default)]
struct RequestTotals {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl RequestCounter {
    /// Returns the number of requests sent so far.
    pub fn count(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes in all response bodies so far. A body whose length is not known
    /// in advance counts as 0.
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
        // The length of the body, not the header `Content-Length`: the response to a HEAD has that
        // header, but no body.
        let bytes = context.response().body().content_length().unwrap_or(0);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// Starts logging as JSON on standard output, which CloudWatch reads. `filter` is the value of
/// `RUST_LOG`. Without it, lines of level `info` and above are written.
pub fn init_json_logs(filter: Option<&str>) {
    init_logs(tracing_subscriber::fmt::layer().json(), filter, "info");
}

/// Starts logging as text for people. `writer` is called for each line, and returns a writer for
/// that line. It should write to standard error. `filter` is the value of `RUST_LOG`. If it is
/// `None`, `default` is the filter.
pub fn init_text_logs<W: io::Write + 'static>(
    filter: Option<&str>,
    default: &str,
    writer: fn() -> W,
) {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(writer)
        .with_target(false);
    init_logs(lines, filter, default);
}

/// Installs the log writer of this process. `filter` and `default` select lines by target and level
/// only. A filter by the fields of a span would need a regex engine, which adds half a megabyte to
/// each function's binary.
fn init_logs(lines: impl Layer<Registry> + Send + Sync, filter: Option<&str>, default: &str) {
    let directives = filter.unwrap_or_default();
    let (filter, error) = match directives.parse::<Targets>() {
        Ok(filter) if !directives.is_empty() => (filter, None),
        Ok(_) => (parse_default_filter(default), None),
        Err(error) => (parse_default_filter(default), Some(error)),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
    if let Some(error) = error {
        tracing::warn!(%error, "RUST_LOG cannot be parsed and is ignored");
    }
}

fn parse_default_filter(filter: &str) -> Targets {
    // The text is a constant of this program, so it always parses.
    filter.parse().unwrap_or_default()
}

/// Logs that a Lambda function is ready for events. `waited` is the time that the start of the
/// function spent on connections and secrets.
pub fn log_ready(waited: Duration) {
    let waited_ms = (waited.as_secs_f64() * 1e4).round() / 10.0;
    tracing::info!(waited_ms, "ready");
}

/// Returns the texts of an error and of all its sources in one line. Without the sources, many
/// errors of the AWS SDK are only "dispatch failure".
pub(crate) fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // Many errors repeat the text of their source.
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        source = error.source();
    }
    line
}
