//! The gallery function on AWS Lambda. It answers requests of API Gateway and of Function URLs with
//! the router of [`photo_catalogue::gallery`].

#![allow(
    clippy::disallowed_methods,
    reason = "a function reads the clock and its variables"
)]

use std::time::Instant;

use lambda_http::Error;
use photo_catalogue::clients;
use photo_catalogue::config::{self, Settings};
use photo_catalogue::secrets;
use photo_catalogue::services::{Deployment, OriginalAccess, Services};
use photo_catalogue::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut settings = Settings::from_environment();
    telemetry::init_json_logs(settings.get(config::LOG_FILTER));
    let sdk = clients::from_environment().await;
    let services = Services::connect(&settings, &sdk, &settings.endpoints())?;
    let table = settings.require(config::TABLE)?;
    let waiting = Instant::now();
    let (secrets, ()) = tokio::join!(
        secrets::read_secrets(&sdk, &settings),
        clients::open_connections(&services.clients, table, None),
    );
    let waited = waiting.elapsed();
    settings.extend(secrets?);
    // All instances must share one key, or an instance would refuse the cursors of the others.
    let cursor_key = settings.require(config::CURSOR_KEY)?.parse()?;
    let services = services.with_settings(settings);
    let router = services.router(Deployment::Functions, OriginalAccess::Nobody, cursor_key)?;
    telemetry::log_ready(waited);
    lambda_http::run(router).await
}
