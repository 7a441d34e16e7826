//! The store: opens a folder, and gives the operations access to its database and its writer.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use s3s::{S3ErrorCode, S3Result, s3_error};

use crate::database::{self, Durability};
use crate::errors::{database_error, s3_error};
use crate::notification::{self, NotificationFilter};
use crate::placement::StoreFolders;
use crate::recovery;
use crate::store_context::StoreContext;
use crate::writer::WriterHandle;

/// The reason why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be created, read or written.
    #[error("cannot use the folder {path}")]
    Folder {
        /// The path of the folder.
        path: String,
        /// The error of the file system.
        source: io::Error,
    },
    /// The database cannot be read or written.
    #[error("cannot use the database {path}")]
    Database {
        /// The path of the database.
        path: String,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
}

/// An open store. A clone is a handle of the same store. The store is closed when the last clone is
/// dropped and no request or scan is running.
#[derive(Clone)]
pub struct S3Store {
    state: Arc<OpenState>,
}

struct OpenState {
    context: Arc<StoreContext>,
    writer: WriterHandle,
}

impl S3Store {
    /// Opens the store in the folder `data`. Creates the folder and the database if they do not
    /// exist. Completes or undoes every write that a crash interrupted, before it returns. Blocks.
    ///
    /// ```
    /// use s3_folder::S3Store;
    ///
    /// let data = tempfile::tempdir().unwrap();
    /// let store = S3Store::open(data.path())?;
    /// assert!(data.path().join(".engine/s3.sqlite").exists());
    /// assert_eq!(store.count_undelivered(), 0);
    /// # Ok::<(), s3_folder::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// The folder or its database cannot be used.
    pub fn open(data: &Path) -> Result<S3Store, OpenError> {
        let folder_error = |path: &Path, source| OpenError::Folder {
            path: path.display().to_string(),
            source,
        };
        let folders = StoreFolders::new(data);
        for folder in [folders.temporary(), folders.uploads(), folders.hashed()] {
            std::fs::create_dir_all(&folder).map_err(|source| folder_error(&folder, source))?;
        }
        let file = folders.database();
        let database_error = |source| OpenError::Database {
            path: file.display().to_string(),
            source,
        };
        let connection = database::open_writer(&file).map_err(database_error)?;
        let filters = notification::load_filters(&connection).map_err(database_error)?;
        let context = Arc::new(StoreContext::new(folders, filters));
        recovery::recover(&connection, &context).map_err(database_error)?;
        let writer = WriterHandle::start(connection, Arc::clone(&context))
            .map_err(|source| folder_error(data, source))?;
        Ok(S3Store {
            state: Arc::new(OpenState { context, writer }),
        })
    }

    /// Adds a notification filter. From now on, changes of the objects that match the filter are
    /// notified. The filter is saved, so it also applies after the store is opened again. Safe to
    /// repeat.
    pub fn add_notification_filter(&self, filter: NotificationFilter) {
        let mut filters = self.context().filters();
        if !filters.contains(&filter) {
            filters.push(filter);
            self.replace_filters(filters);
        }
    }

    /// Replaces all notification filters, also the saved filters of earlier starts. Safe to repeat.
    ///
    /// ```
    /// use s3_folder::{NotificationFilter, S3Store};
    ///
    /// let data = tempfile::tempdir().unwrap();
    /// let store = S3Store::open(data.path())?;
    /// store.set_notification_filters(&[
    ///     NotificationFilter::new("documents", "inbox/"),
    ///     NotificationFilter::new("backups", ""),
    /// ]);
    /// # Ok::<(), s3_folder::OpenError>(())
    /// ```
    pub fn set_notification_filters(&self, filters: &[NotificationFilter]) {
        self.replace_filters(filters.to_vec());
    }

    /// Returns the number of notifications that are not delivered yet: those that wait for their
    /// first attempt, are being delivered, or wait for another attempt. Returns 0 if the database
    /// cannot be read.
    #[must_use]
    pub fn count_undelivered(&self) -> u64 {
        self.count_rows("SELECT COUNT(*) FROM outbox")
    }

    /// Returns the number of notifications that failed 20 times and are not sent again. Returns 0
    /// if the database cannot be read.
    #[must_use]
    pub fn count_dead_letters(&self) -> u64 {
        self.count_rows("SELECT COUNT(*) FROM dead_letters")
    }

    fn count_rows(&self, sql: &str) -> u64 {
        self.context()
            .readers
            .read(|connection| database::query_count(connection, sql))
            .unwrap_or_else(|error| {
                tracing::error!(%error, "s3 store: cannot count rows");
                0
            })
    }

    fn replace_filters(&self, filters: Vec<NotificationFilter>) {
        self.context().replace_filters(filters.clone());
        // No need to wait: the writer carries out later requests after this one.
        drop(
            self.writer()
                .send_change(Durability::PowerLoss, move |connection| {
                    notification::save_filters(connection, &filters).map_err(database_error)
                }),
        );
    }

    pub(crate) fn context(&self) -> &Arc<StoreContext> {
        &self.state.context
    }

    pub(crate) fn writer(&self) -> &WriterHandle {
        &self.state.writer
    }

    /// Runs `change` in a transaction. `change` must change only the database, no files. Returns
    /// when the change is on disk.
    ///
    /// # Errors
    /// The error of `change`, or the database failed.
    pub(crate) async fn change_database<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        self.writer()
            .change_database(Durability::PowerLoss, change)
            .await
    }

    /// Runs `work` on a thread for blocking work.
    ///
    /// # Errors
    /// The error of `work`, or `InternalError` if `work` panics.
    pub(crate) async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(S3Store) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(store))
            .await
            .map_err(|error| s3_error!(error, InternalError, "the request was interrupted"))?
    }

    /// Runs a query on the database. Blocks.
    ///
    /// # Errors
    /// `InternalError` if the database fails.
    pub(crate) fn read_database<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> S3Result<T> {
        self.context().readers.read(query).map_err(database_error)
    }

    /// Runs a query on the database, on a thread for blocking work.
    ///
    /// # Errors
    /// `InternalError` if the database fails.
    pub(crate) async fn query_database<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> S3Result<T> {
        self.run_blocking(|store| store.read_database(query)).await
    }

    /// Checks that a bucket exists.
    ///
    /// # Errors
    /// `NoSuchBucket` if the bucket does not exist.
    pub(crate) async fn require_bucket(&self, bucket: &str) -> S3Result {
        let bucket = bucket.to_owned();
        self.run_blocking(move |store| store.require_bucket_blocking(&bucket))
            .await
    }

    /// Checks that a bucket exists. Blocks the thread, unlike [`Self::require_bucket`].
    ///
    /// # Errors
    /// `NoSuchBucket` if the bucket does not exist.
    pub(crate) fn require_bucket_blocking(&self, bucket: &str) -> S3Result {
        if self.read_database(|connection| database::bucket_exists(connection, bucket))? {
            Ok(())
        } else {
            Err(s3_error(S3ErrorCode::NoSuchBucket))
        }
    }
}
