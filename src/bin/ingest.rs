//! The ingest function on AWS Lambda. It passes S3 events to [`photo_catalogue::ingest`].

#![allow(
    clippy::disallowed_methods,
    reason = "a function reads the clock and its variables"
)]

use std::io;
use std::time::{Instant, SystemTime};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo_catalogue::clients;
use photo_catalogue::config::{self, Settings};
use photo_catalogue::ingest::Outcome;
use photo_catalogue::secrets;
use photo_catalogue::services::Services;
use photo_catalogue::telemetry::{self, MetricsWriter};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut settings = Settings::from_environment();
    telemetry::init_json_logs(settings.get(config::LOG_FILTER));
    let sdk = clients::from_environment().await;
    let services = Services::connect(&settings, &sdk, &settings.endpoints())?;
    let layout = settings.layout()?;
    let key = layout.archive_prefix().join(clients::NO_OBJECT);
    let object = layout.archive_bucket().object(key);
    let table = settings.require(config::TABLE)?;
    let waiting = Instant::now();
    let (secrets, ()) = tokio::join!(
        secrets::read_secrets(&sdk, &settings),
        clients::open_connections(&services.clients, table, Some(&object)),
    );
    settings.extend(secrets?);
    let metrics = MetricsWriter::new(io::stdout());
    let services = services.with_settings(settings.clone());
    let ingest = services.ingest()?.with_observer(move |report| {
        let outcome = report.result.ok().map(Outcome::name);
        if let Err(error) = metrics.write(outcome, report.duration, report.cost) {
            tracing::warn!(%error, "cannot write the metrics");
        }
    });
    // No two instances have the same log stream, so no two probes have the same key.
    let tail = settings.get(config::LOG_STREAM_NAME).unwrap_or_default();
    ingest
        .check_store_capabilities(&tail.replace('/', "-"))
        .await?;
    telemetry::log_ready(waiting.elapsed());
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let ingest = ingest.clone();
        async move {
            let remaining = event.context.deadline().duration_since(SystemTime::now());
            let remaining = remaining.unwrap_or_default();
            Ok::<_, Error>(
                ingest
                    .handle_event_within(&event.payload, remaining)
                    .await?,
            )
        }
    }))
    .await
}
