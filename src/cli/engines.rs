//! Opens the embedded S3 and DynamoDB engines of a data folder, and serves them to other processes.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use local_http::RequestGuard;
use s3_folder::{NotificationFilter, OpenError, S3Handler, S3Store};
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};

use super::data_dir;
use super::key_pair_file::StoredKeyPair;
use super::shutdown::ServiceTasks;
use crate::archive::Layout;
use crate::catalogue::published::PublishTable;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::newer_version::NewerVersionError;
use crate::private_files::open_private_file;
use crate::services::Services;
use dynamodb_engine::{DynamoDbEngine, EngineAccess, NewerDatabaseError};

/// The embedded engines of a data folder: S3 and DynamoDB. Both respond to requests of this process
/// without a connection. Clones share the engines.
#[derive(Clone)]
pub(super) struct EmbeddedEngines {
    pub(super) store: S3Store,
    /// The handler of S3 requests that are signed with `key_pair`.
    pub(super) s3: S3Handler,
    pub(super) dynamodb: DynamoDbEngine,
    pub(super) key_pair: StoredKeyPair,
    /// The temporary folder for copies of the databases, if the data folder is only read. It is
    /// removed when the last clone is dropped.
    _scratch: Option<Arc<TempDir>>,
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
    /// Fails if a folder or database cannot be opened, or if a newer version of this program wrote
    /// one of the databases. Nothing is changed in the latter case.
    pub(super) fn open(
        data: &Path,
        layout: &Layout,
        key_pair: StoredKeyPair,
    ) -> anyhow::Result<Self> {
        check_folder_version(data)?;
        let store = S3Store::open(data).map_err(|error| store_error(data, error))?;
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
        let dynamodb = open_catalogue(data)?;
        Ok(EmbeddedEngines {
            s3: store.handler(key_pair.to_key_pair()),
            store,
            dynamodb,
            key_pair,
            _scratch: None,
        })
    }

    /// Opens the engines of a data folder for reading, and writes nothing in the folder. The caller
    /// must lock the folder first.
    ///
    /// # Errors
    /// Fails if a database cannot be read or copied, or if a newer version of this program wrote
    /// it.
    pub(super) fn open_to_read(data: &Path, key_pair: StoredKeyPair) -> anyhow::Result<Self> {
        let dynamodb = open_catalogue_to_read(data)?;
        let scratch = tempfile::tempdir().context("cannot create a temporary folder")?;
        let store = S3Store::open_to_read(data, scratch.path())
            .map_err(|error| store_error(data, error))?;
        Ok(EmbeddedEngines {
            s3: store.handler(key_pair.to_key_pair()),
            store,
            dynamodb,
            key_pair,
            _scratch: Some(Arc::new(scratch)),
        })
    }

    /// Starts tasks in `servers` that serve the engines to other processes on `listeners`. A TCP
    /// listener accepts a request only if `guard` lets it pass and it is signed with the key pair.
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
        let store = self.store.clone();
        servers.spawn("the end of old uploads", |shutdown| async move {
            let expiry = store.expire_uploads_daily();
            shutdown.run_until_cancelled(expiry).await;
            Ok(())
        });
        let engine = self.dynamodb.clone();
        servers.spawn("DynamoDB's socket", |shutdown| async move {
            let (access, guard) = (EngineAccess::OwnerOnly, RequestGuard::default());
            let shutdown = shutdown.cancelled_owned();
            engine
                .serve(listeners.socket, access, guard, shutdown)
                .await;
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

/// Opens the DynamoDB engine of a data folder. Creates its database if it does not exist, so that
/// only its owner can read it. The caller must lock the folder first.
///
/// # Errors
/// Fails if the database cannot be opened, or if a newer version of this program wrote it.
pub(super) fn open_catalogue(data: &Path) -> anyhow::Result<DynamoDbEngine> {
    open_private_file(&data_dir::catalogue_file(data))
        .and_then(|_| DynamoDbEngine::open(data))
        .with_context(|| format!("cannot open the catalogue in {}", data.display()))
        .map_err(|error| name_newer_folder(data, error))
}

/// Opens the DynamoDB engine of a data folder for reading, and writes nothing in the folder. The
/// caller must lock the folder first.
///
/// # Errors
/// Fails if the database cannot be read or copied, or if a newer version of this program wrote it.
pub(super) fn open_catalogue_to_read(data: &Path) -> anyhow::Result<DynamoDbEngine> {
    DynamoDbEngine::open_to_read(data)
        .with_context(|| {
            let data = data.display();
            format!(
                "cannot read the catalogue in {data}; if an older version wrote it, start \
                 `photos serve` once"
            )
        })
        .map_err(|error| name_newer_folder(data, error))
}

/// Checks that no newer version of this program wrote the databases and the privacy settings of a
/// data folder. Changes nothing.
///
/// # Errors
/// Fails with one line if a newer version wrote them, or if a database cannot be read.
pub(super) fn check_folder_version(data: &Path) -> anyhow::Result<()> {
    data_dir::check_privacy_version(data)?;
    S3Store::check_version(data).map_err(|error| store_error(data, error))?;
    DynamoDbEngine::check_version(data)
        .with_context(|| format!("cannot open the catalogue in {}", data.display()))
        .map_err(|error| name_newer_folder(data, error))
}

/// Checks that no newer version of this program wrote the tables. Sends two requests. Missing
/// tables pass, because the first request of a command reports them better.
///
/// # Errors
/// Fails with one line if a newer version wrote a table.
pub(super) async fn check_table_versions(
    catalogue: &Catalogue,
    published: &PublishTable,
) -> anyhow::Result<()> {
    let published = async { published.state().await.map(drop) };
    let (catalogue, published) = tokio::join!(catalogue.check_version(), published);
    for checked in [catalogue, published] {
        if let Err(CatalogueError::NewerVersion(error)) = checked {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Returns the error of a store in a data folder. If a newer version wrote the store, the error
/// names the folder and not its database, because people work with the folder.
fn store_error(data: &Path, error: OpenError) -> anyhow::Error {
    match error {
        OpenError::NewerVersion {
            found, supported, ..
        } => NewerVersionError {
            what: data.display().to_string(),
            found: found.cast_unsigned(),
            supported: supported.cast_unsigned(),
        }
        .into(),
        other => other.into(),
    }
}

/// Returns the error of a catalogue in a data folder. If a newer version wrote the catalogue, the
/// error names the folder.
fn name_newer_folder(data: &Path, error: anyhow::Error) -> anyhow::Error {
    let newer = error.chain().find_map(|cause| {
        let inner = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
        inner.downcast_ref::<NewerDatabaseError>()
    });
    let newer = newer.map(|newer| NewerVersionError {
        what: data.display().to_string(),
        found: newer.found,
        supported: newer.supported,
    });
    newer.map_or(error, anyhow::Error::from)
}

/// Creates the source bucket, the archive bucket, the photos table and the publish table, if they
/// do not exist. Records the version of this program in the photos table. A repeat is safe.
///
/// # Errors
/// Fails if a store refuses a request or cannot be reached, or if a newer version of this program
/// wrote a table. Then no bucket is created.
pub(super) async fn create_stores(services: &Services) -> anyhow::Result<()> {
    let layout = services.settings().layout()?;
    let (catalogue, published) = (&services.catalogue, services.published()?);
    catalogue.create_table().await?;
    published.create_table().await?;
    check_table_versions(catalogue, &published).await?;
    catalogue.record_version().await?;
    for bucket in [layout.source_bucket(), layout.archive_bucket()] {
        services.storage.create_bucket(bucket).await?;
    }
    Ok(())
}
