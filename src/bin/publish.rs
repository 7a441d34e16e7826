//! The publish function on AWS Lambda: batches of the photos table's stream and a schedule's ticks in,
//! [`photo_catalogue::publish`] does the work.

use std::time::{Instant, SystemTime};

use chrono::Utc;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::config::{self, SettingsError};
use photo_catalogue::publish::{self, Publisher};
use photo_catalogue::secrets;
use photo_catalogue::storage::Storage;
use photo_catalogue::telemetry;
use photo_catalogue::view::{PictureHosting, PublicView};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_json_logs();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let need = |name| variable(name).ok_or(SettingsError::Missing(name));
    let endpoints = Endpoints {
        s3: variable(config::S3_ENDPOINT),
        dynamodb: variable(config::DYNAMODB_ENDPOINT),
    };
    let sdk = clients::from_environment().await;
    let (plain, parameter) = (config::HOOK_URL, config::HOOK_URL_PARAMETER);
    let clients = clients::connect(&sdk, &endpoints);
    let table = need(config::TABLE)?;
    let (bucket, prefix) = (
        need(config::GALLERY_BUCKET)?,
        variable(config::GALLERY_PREFIX)
            .unwrap_or_else(|| config::DEFAULT_GALLERY_PREFIX.to_owned()),
    );
    let object = format!("{prefix}{}", clients::NO_OBJECT);
    let waiting = Instant::now();
    let (hook_url, ()) = tokio::join!(
        secrets::read_secret(&sdk, plain, parameter, variable),
        clients::open_connections(&clients, &table, Some((&bucket, &object))),
    );
    let (hook_url, waited) = (hook_url?, waiting.elapsed());
    let hook_variable = |name: &str| match name {
        config::HOOK_URL => hook_url.clone(),
        name => variable(name),
    };
    let settings = publish::PublishSettings {
        bucket,
        prefix,
        view: PublicView::new(
            config::privacy(variable)?,
            PictureHosting {
                base_url: variable(config::PHOTO_BASE_URL),
                stripped: variable(config::PHOTO_BASE_URL_STRIPPED).as_deref() == Some("true"),
                served_here: false,
            },
        ),
        compress: true,
        hook: config::hook(hook_variable, false)?,
        rules: config::hook_rules(variable)?,
    };
    let publish = Publisher::new(
        Catalogue::new(clients.dynamodb.clone(), &table),
        PublishTable::new(clients.dynamodb, &need(config::PUBLISH_TABLE)?),
        Storage::new(clients.s3),
        settings,
    );
    telemetry::log_ready(waited);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let publish = publish.clone();
        async move {
            let remaining = event.context.deadline().duration_since(SystemTime::now());
            let remaining = remaining.unwrap_or_default();
            Ok::<_, Error>(
                publish
                    .handle_event(&event.payload, Utc::now(), remaining)
                    .await?,
            )
        }
    }))
    .await
}
