//! Opens and starts the embedded S3 and DynamoDB servers of a data folder.

use std::path::Path;

use anyhow::Context;
use s3_folder::{KeyPair, NotificationFilter, S3Store};
use tokio::net::TcpListener;

use super::shutdown::ServiceTasks;
use crate::archive::Layout;
use crate::dynamodb_engine::DynamoDbEngine;
use crate::services::Services;

/// The embedded engines of a data folder: the S3 server and the DynamoDB server.
#[derive(Clone)]
pub(super) struct EmbeddedEngines {
    pub(super) store: S3Store,
    pub(super) dynamodb: DynamoDbEngine,
}

/// The TCP listeners on which the embedded engines serve requests.
pub(super) struct EngineListeners {
    pub(super) s3: TcpListener,
    pub(super) dynamodb: TcpListener,
}

impl EmbeddedEngines {
    /// Opens the engines of a data folder. The caller must lock the folder first. No request is
    /// served until [`EmbeddedEngines::serve`] is called.
    ///
    /// # Errors
    /// Fails if a folder or database cannot be opened.
    pub(super) fn open(data: &Path, layout: &Layout) -> anyhow::Result<Self> {
        let store = S3Store::open(data)?;
        // The filters must be set before the first request. Files that were put into the folder
        // while no server ran are notified at once.
        store.set_notification_filters(&[
            NotificationFilter::new(
                layout.source_bucket().as_str(),
                layout.source_prefix().as_str(),
            ),
            NotificationFilter::new(
                layout.archive_bucket().as_str(),
                layout.archive_prefix().as_str(),
            ),
        ]);
        let dynamodb = DynamoDbEngine::open(data)
            .with_context(|| format!("cannot open the catalogue in {}", data.display()))?;
        Ok(EmbeddedEngines { store, dynamodb })
    }

    /// Starts the S3 server and the DynamoDB server as tasks of `servers`. The S3 server accepts
    /// only requests with this key pair.
    pub(super) fn serve(
        &self,
        servers: &ServiceTasks,
        listeners: EngineListeners,
        access_key: &str,
        secret_key: &str,
    ) {
        let credentials = KeyPair {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        };
        let (store, dynamodb) = (self.store.clone(), self.dynamodb.clone());
        servers.spawn("S3", |shutdown| {
            store.serve(listeners.s3, credentials, shutdown.cancelled_owned())
        });
        servers.spawn("DynamoDB", |shutdown| {
            dynamodb.serve(listeners.dynamodb, shutdown.cancelled_owned())
        });
    }

    /// Writes to the disk all changes that the DynamoDB server has acknowledged.
    ///
    /// # Errors
    /// Fails if the database cannot be written.
    pub(super) async fn sync(&self) -> std::io::Result<()> {
        let dynamodb = self.dynamodb.clone();
        let synced = tokio::task::spawn_blocking(move || dynamodb.sync());
        synced.await.unwrap_or_else(|error| Err(error.into()))
    }
}

/// Creates the source bucket, the archive bucket, the photos table and the publish table, if they
/// do not exist. A repeat is safe.
///
/// # Errors
/// Fails if a store refuses a request or cannot be reached.
pub(super) async fn create_stores(services: &Services) -> anyhow::Result<()> {
    let layout = services.settings().layout()?;
    for bucket in [layout.source_bucket(), layout.archive_bucket()] {
        services.storage.create_bucket(bucket).await?;
    }
    services.catalogue.create_table().await?;
    services.published()?.create_table().await?;
    Ok(())
}
