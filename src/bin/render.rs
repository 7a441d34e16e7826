//! The render function on AWS Lambda. It passes batches of the photos table's stream to
//! [`photo_catalogue::render`].

#![allow(
    clippy::disallowed_methods,
    reason = "a function reads the clock and its variables"
)]

use std::time::{Instant, SystemTime};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo_catalogue::cdn;
use photo_catalogue::clients;
use photo_catalogue::config::{self, Settings};
use photo_catalogue::secrets;
use photo_catalogue::services::Services;
use photo_catalogue::telemetry;
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
    let waited = waiting.elapsed();
    settings.extend(secrets?);
    let api = settings.get(config::CLOUDFRONT_ENDPOINT);
    let cdn = settings.cdn_distribution();
    let cdn = cdn.map(|distribution| cdn::invalidator(&sdk, distribution, api));
    let render = services.with_settings(settings).render(cdn).await?;
    telemetry::log_ready(waited);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let render = render.clone();
        async move {
            let remaining = event.context.deadline().duration_since(SystemTime::now());
            let remaining = remaining.unwrap_or_default();
            Ok::<_, Error>(render.handle_event(&event.payload, remaining).await)
        }
    }))
    .await
}
