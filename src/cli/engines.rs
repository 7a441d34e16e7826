//! Opens the embedded S3 and DynamoDB engines of a data folder, and serves them to other processes.

use std::path::Path;

use anyhow::Context;
use local_http::RequestGuard;
use s3_folder::{NotificationFilter, S3Handler, S3Store};
use tokio::net::{TcpListener, UnixListener};

use super::key_pair_file::StoredKeyPair;
use super::shutdown::ServiceTasks;
use crate::archive::Layout;
use crate::dynamodb_engine::{DynamoDbEngine, EngineAccess};
use crate::services::Services;

/// The embedded engines of a data folder: S3 and DynamoDB. Both respond to requests of this process
/// without a connection. Clones share the engines.
#[derive(Clone)]
pub(super) struct EmbeddedEngines {
    pub(super) store: S3Store,
    /// The handler of S3 requests that are signed with `key_pair`.
    pub(super) s3: S3Handler,
    pub(super) dynamodb: DynamoDbEngine,
    pub(super) key_pair: StoredKeyPair,
}

/// The listeners on which the embedded engines serve other processes.
pub(super) struct EngineListeners {
    /// The TCP listener of S3.
    pub(super) s3: TcpListener,
    /// The socket of DynamoDB, which only the owner can open.
    pub(super) socket: UnixListener,
    /// The TCP listener of DynamoDB, if the owner asked for one.
    pub(super) dynamodb: Option<TcpListener>,
}

impl EmbeddedEngines {
    /// Opens the engines of a data folder. The caller must lock the folder first. No other process
    /// is served until [`EmbeddedEngines::serve`] is called.
    ///
    /// # Errors
    /// Fails if a folder or database cannot be opened.
    pub(super) fn open(
        data: &Path,
        layout: &Layout,
        key_pair: StoredKeyPair,
    ) -> anyhow::Result<Self> {
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
        Ok(EmbeddedEngines {
            s3: store.handler(key_pair.to_key_pair()),
            store,
            dynamodb,
            key_pair,
        })
    }

    /// Serves other processes on `listeners`, as tasks of `servers`. The TCP listeners accept only
    /// requests that `guard` lets pass and that are signed with the key pair.
    pub(super) fn serve(
        &self,
        servers: &ServiceTasks,
        listeners: EngineListeners,
        guard: &RequestGuard,
    ) {
        let (handler, s3_guard) = (self.s3.clone(), guard.clone());
        servers.spawn("S3", |shutdown| async move {
            let shutdown = shutdown.cancelled_owned();
            local_http::serve(listeners.s3, handler, s3_guard, shutdown).await;
            Ok(())
        });
        let engine = self.dynamodb.clone();
        servers.spawn("DynamoDB's socket", |shutdown| async move {
            let (access, guard) = (EngineAccess::OwnerOnly, RequestGuard::default());
            let shutdown = shutdown.cancelled_owned();
            engine.serve(listeners.socket, access, guard, shutdown).await;
            Ok(())
        });
        if let Some(listener) = listeners.dynamodb {
            let (engine, guard) = (self.dynamodb.clone(), guard.clone());
            let access = EngineAccess::Signed(self.key_pair.to_key_pair());
            servers.spawn("DynamoDB", |shutdown| async move {
                let shutdown = shutdown.cancelled_owned();
                engine.serve(listener, access, guard, shutdown).await;
                Ok(())
            });
        }
    }

    /// Writes to the disk all changes that the DynamoDB engine has acknowledged.
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
