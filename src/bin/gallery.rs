//! The gallery function on AWS Lambda. It answers requests of API Gateway and of Function URLs with
//! the router of [`photo_catalogue::gallery`].

#![allow(
    clippy::disallowed_methods,
    reason = "a function reads the clock and its variables"
)]

use std::time::Instant;

use lambda_http::Error;
use photo_catalogue::clients;
use photo_catalogue::config::{self, Settings, SettingsError};
use photo_catalogue::secrets;
use photo_catalogue::services::{Deployment, Services};
use photo_catalogue::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_environment();
    telemetry::init_json_logs(settings.get(config::LOG_FILTER));
    let sdk = clients::from_environment().await;
    let services = Services::connect(&settings, &sdk, &settings.endpoints())?;
    let table = settings.require(config::TABLE)?;
    let variable = |name: &str| settings.get(name).map(str::to_owned);
    let waiting = Instant::now();
    let (cursor_key, ()) = tokio::join!(
        secrets::read_secret(
            &sdk,
            config::CURSOR_KEY,
            config::CURSOR_KEY_PARAMETER,
            variable
        ),
        clients::open_connections(&services.clients, table, None),
    );
    let waited = waiting.elapsed();
    // All instances must share one key, or an instance would refuse the cursors of the others.
    let cursor_key = cursor_key?.ok_or(SettingsError::Missing(config::CURSOR_KEY))?;
    let router = services.router(Deployment::Functions, cursor_key.parse()?)?;
    telemetry::log_ready(waited);
    lambda_http::run(router).await
}
