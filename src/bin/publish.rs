//! The publish function on AWS Lambda: batches of the photos table's stream and a schedule's ticks in,
//! [`photo_catalogue::publish`] does the work.

use std::time::SystemTime;

use chrono::Utc;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::Published;
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::config::{self, SettingsError};
use photo_catalogue::gallery::PublicView;
use photo_catalogue::publish::{self, Publish};
use photo_catalogue::secrets;
use photo_catalogue::storage::Storage;
use photo_catalogue::telemetry;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::log_json();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let need = |name| variable(name).ok_or(SettingsError::Missing(name));
    let endpoints = Endpoints {
        s3: variable(config::S3_ENDPOINT),
        dynamodb: variable(config::DYNAMODB_ENDPOINT),
    };
    let sdk = clients::from_environment().await;
    let (plain, parameter) = (config::HOOK_URL, config::HOOK_URL_PARAMETER);
    let hook_url = secrets::read(&sdk, plain, parameter, variable).await?;
    let hook_variable = |name: &str| match name {
        config::HOOK_URL => hook_url.clone(),
        name => variable(name),
    };
    let settings = publish::Settings {
        bucket: need(config::GALLERY_BUCKET)?,
        prefix: variable(config::GALLERY_PREFIX)
            .unwrap_or_else(|| config::DEFAULT_GALLERY_PREFIX.to_owned()),
        view: PublicView::new(
            config::privacy(variable)?,
            variable(config::PHOTO_BASE_URL).as_deref(),
            variable(config::PHOTO_BASE_URL_STRIPPED).as_deref() == Some("true"),
            false,
        ),
        compress: true,
        hook: config::hook(hook_variable, false)?,
        rules: config::hook_rules(variable)?,
    };
    let clients = clients::connect(&sdk, &endpoints);
    let publish = Publish::new(
        Catalogue::new(clients.dynamodb.clone(), &need(config::TABLE)?),
        Published::new(clients.dynamodb, &need(config::PUBLISH_TABLE)?),
        Storage::new(clients.s3),
        settings,
    );
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let publish = publish.clone();
        async move {
            let remaining = event.context.deadline().duration_since(SystemTime::now());
            let remaining = remaining.unwrap_or_default();
            Ok::<_, Error>(
                publish
                    .handle(&event.payload, Utc::now(), remaining)
                    .await?,
            )
        }
    }))
    .await
}
