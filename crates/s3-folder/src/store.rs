//! The store: opens a folder, and gives the operations access to its database and its writer.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use s3s::{S3ErrorCode, S3Result, s3_error};

use crate::database::{self, Durability, OpenDatabaseError};
use crate::dead_letters::{self, DeadLetter};
use crate::errors::{database_error, s3_error};
use crate::notification::{self, NotificationFilter};
use crate::placement::StoreFolders;
use crate::private_files;
use crate::recovery;
use crate::store_context::{StoreAccess, StoreContext};
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
    /// A newer version of this program wrote the database. The database is unchanged.
    #[error(
        "the database {path} was written by a newer version (schema {found}; this one reads up to \
         {supported})"
    )]
    NewerVersion {
        /// The path of the database.
        path: String,
        /// The schema version of the database.
        found: i64,
        /// The newest schema version that this program reads.
        supported: i64,
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

/// Opens the store in these folders. The internal folder must exist.
fn open_store(folders: StoreFolders, access: StoreAccess) -> Result<S3Store, OpenError> {
    create_folder(&folders.temporary())?;
    create_folder(&folders.uploads())?;
    let file = folders.database();
    let database_error = |source| OpenError::Database {
        path: file.display().to_string(),
        source,
    };
    // SQLite gives the files of its log the mode of the database.
    private_files::create_private_file(&file).map_err(|source| folder_error(&file, source))?;
    let connection =
        database::open_writer(&file).map_err(|error| database_open_error(&file, error))?;
    let filters = notification::load_filters(&connection).map_err(database_error)?;
    let context = Arc::new(StoreContext::new(folders, access, filters));
    recovery::recover(&connection, &context).map_err(database_error)?;
    let data = context.folders.data().to_path_buf();
    let writer = WriterHandle::start(connection, Arc::clone(&context))
        .map_err(|source| folder_error(&data, source))?;
    Ok(S3Store {
        state: Arc::new(OpenState { context, writer }),
    })
}

/// Copies a closed database and the log that a crash may have left. SQLite applies the log when the
/// copy is opened. Does nothing if there is no database.
fn copy_database(source: &Path, target: &Path) -> io::Result<()> {
    for suffix in ["", "-wal"] {
        let with_suffix = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let (from, to) = (with_suffix(source), with_suffix(target));
        let mut bytes = match File::open(&from) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let is_cloned = reflink_copy::reflink(&from, &to).is_ok();
        private_files::create_private_file(&to)?;
        if !is_cloned {
            io::copy(&mut bytes, &mut File::options().write(true).open(&to)?)?;
        }
    }
    Ok(())
}

fn create_folder(folder: &Path) -> Result<(), OpenError> {
    private_files::create_internal_folder(folder).map_err(|source| folder_error(folder, source))
}

fn database_open_error(file: &Path, error: OpenDatabaseError) -> OpenError {
    let path = file.display().to_string();
    match error {
        OpenDatabaseError::Sqlite(source) => OpenError::Database { path, source },
        OpenDatabaseError::NewerSchema { found, supported } => OpenError::NewerVersion {
            path,
            found,
            supported,
        },
    }
}

fn folder_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Folder {
        path: path.display().to_string(),
        source,
    }
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
    /// On Unix, the data folder and the folders of buckets are created with mode 0700, and the
    /// database with mode 0600. The modes of existing folders do not change, except that of the
    /// folder `.engine`.
    ///
    /// # Errors
    /// The folder or its database cannot be used. Or a newer version of this program wrote the
    /// database: then nothing is changed.
    pub fn open(data: &Path) -> Result<S3Store, OpenError> {
        let folders = StoreFolders::new(data);
        create_folder(folders.internal())?;
        create_folder(&folders.hashed())?;
        open_store(folders, StoreAccess::ReadWrite)
    }

    /// Opens the store in the folder `data` for reading, and writes nothing in this folder. Works
    /// on a copy of the database, which is made in the folder `scratch`. Requests that would change
    /// the store fail with `AccessDenied`. The copy shows interrupted writes as [`S3Store::open`]
    /// would have left them. Blocks. The caller removes `scratch` after the store is closed.
    ///
    /// No other process may have the store open.
    ///
    /// ```
    /// use s3_folder::S3Store;
    ///
    /// let (data, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    /// drop(S3Store::open(data.path())?);
    /// let store = S3Store::open_to_read(data.path(), scratch.path())?;
    /// store.rescan();
    /// # Ok::<(), s3_folder::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// The database cannot be copied or read. Or a newer version of this program wrote it.
    pub fn open_to_read(data: &Path, scratch: &Path) -> Result<S3Store, OpenError> {
        let (source, folders) = (
            StoreFolders::new(data).database(),
            StoreFolders::with_internal(data, scratch),
        );
        create_folder(scratch)?;
        copy_database(&source, &folders.database())
            .map_err(|error| folder_error(&source, error))?;
        open_store(folders, StoreAccess::ReadOnly).map_err(|error| match error {
            // The error must name the path of the data folder, and not that of the copy.
            OpenError::NewerVersion {
                found, supported, ..
            } => OpenError::NewerVersion {
                path: source.display().to_string(),
                found,
                supported,
            },
            other => other,
        })
    }

    /// Checks that no newer version of this program wrote the database of the folder `data`.
    /// Changes nothing. Does nothing if the folder has no database. Blocks.
    ///
    /// # Errors
    /// A newer version wrote the database, or it cannot be read.
    pub fn check_version(data: &Path) -> Result<(), OpenError> {
        let file = StoreFolders::new(data).database();
        if !file.exists() {
            return Ok(());
        }
        database::open_to_read(&file)
            .map_err(OpenDatabaseError::from)
            .and_then(|connection| database::check_version(&connection).map(drop))
            .map_err(|error| database_open_error(&file, error))
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

    /// Returns the number of dead letters: notifications that failed 20 times or more. They are
    /// sent again at the next start, or after a longer pause. Returns 0 if the database cannot be
    /// read.
    #[must_use]
    pub fn count_dead_letters(&self) -> u64 {
        self.count_rows("SELECT COUNT(*) FROM dead_letters")
    }

    /// Lists the dead letters, the oldest first. Blocks.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn list_dead_letters(&self) -> Result<Vec<DeadLetter>, OpenError> {
        let context = self.context();
        let listed = context.readers.read(dead_letters::list_dead_letters);
        listed.map_err(|source| OpenError::Database {
            path: context.folders.database().display().to_string(),
            source,
        })
    }

    /// Lists the dead letters of the store in the folder `data`, which another process has open.
    /// Returns an empty list if the folder has no store. Changes nothing. Blocks.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn list_dead_letters_of(data: &Path) -> Result<Vec<DeadLetter>, OpenError> {
        let file = StoreFolders::new(data).database();
        if !file.exists() {
            return Ok(Vec::new());
        }
        database::open_to_read(&file)
            .and_then(|connection| dead_letters::list_dead_letters(&connection))
            .map_err(|source| OpenError::Database {
                path: file.display().to_string(),
                source,
            })
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
