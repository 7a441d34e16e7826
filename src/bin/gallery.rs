//! The gallery function on AWS Lambda: API Gateway and Function URL requests, answered by
//! [`photo_catalogue::gallery`]'s router.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use lambda_http::Error;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::config::{self, Settings, SettingsError};
use photo_catalogue::gallery;
use photo_catalogue::secrets;
use photo_catalogue::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_json_logs();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let settings = Settings::read(variable)?;
    let endpoints = Endpoints {
        s3: None,
        dynamodb: variable(config::DYNAMODB_ENDPOINT),
    };
    let sdk = clients::from_environment().await;
    let clients = clients::connect(&sdk, &endpoints);
    // Without a key that all its instances share, a cursor of one would be refused by the next.
    let (plain, parameter) = (config::CURSOR_KEY, config::CURSOR_KEY_PARAMETER);
    let waiting = Instant::now();
    let (cursor_key, ()) = tokio::join!(
        secrets::read_secret(&sdk, plain, parameter, variable),
        clients::open_connections(&clients, &settings.table, None),
    );
    let waited = waiting.elapsed();
    let cursor_key = cursor_key?.ok_or(SettingsError::Missing(config::CURSOR_KEY))?;
    let publish_table =
        variable(config::PUBLISH_TABLE).ok_or(SettingsError::Missing(config::PUBLISH_TABLE))?;
    let router = gallery::router(
        Catalogue::new(clients.dynamodb.clone(), &settings.table),
        PublishTable::new(clients.dynamodb, &publish_table),
        gallery::GallerySettings {
            privacy: settings.privacy,
            photo_base_url: variable(config::PHOTO_BASE_URL),
            photo_base_url_stripped: variable(config::PHOTO_BASE_URL_STRIPPED).as_deref()
                == Some("true"),
            cursor_key: cursor_key.parse()?,
            cors_origins: variable(config::CORS_ORIGINS)
                .map(|origins| {
                    origins
                        .split(',')
                        .map(|one| one.trim().to_owned())
                        .collect()
                })
                .unwrap_or_default(),
            pictures: None,
            now: Arc::new(Utc::now),
        },
    );
    telemetry::log_ready(waited);
    lambda_http::run(router).await
}
