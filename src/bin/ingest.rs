//! The ingest function on AWS Lambda: events in, [`photo_catalogue::ingest`] does the work.

use std::io;
use std::time::{Instant, SystemTime};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::config::{self, IngestSettings, Settings};
use photo_catalogue::ingest::{Ingest, Outcome};
use photo_catalogue::storage::Storage;
use photo_catalogue::telemetry::{self, MetricsWriter};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_json_logs();
    let variable = |name: &str| std::env::var(name).ok();
    let settings = Settings::read(variable)?;
    let own = IngestSettings::read(variable)?;
    let endpoints = Endpoints {
        s3: variable(config::S3_ENDPOINT),
        dynamodb: variable(config::DYNAMODB_ENDPOINT),
    };
    let clients = clients::connect(&clients::from_environment().await, &endpoints);
    let object = format!("{}{}", settings.layout.archive_prefix(), clients::NO_OBJECT);
    let bucket = settings.layout.archive_bucket();
    let waiting = Instant::now();
    clients::open_connections(&clients, &settings.table, Some((bucket, &object))).await;
    let ingest = Ingest::new(
        Storage::new(clients.s3).copying(own.copying),
        Catalogue::new(clients.dynamodb, &settings.table),
        settings.layout,
        settings.privacy,
    )
    .with_source_after(own.source_after)
    .with_observer({
        let metrics = MetricsWriter::new(io::stdout());
        move |report| {
            let outcome = report.result.ok().map(Outcome::name);
            if let Err(error) = metrics.write(outcome, report.duration, report.cost) {
                tracing::warn!(%error, "metrics are not written");
            }
        }
    });
    // Every environment has a log stream of its own.
    let tail = variable("AWS_LAMBDA_LOG_STREAM_NAME").unwrap_or_default();
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
