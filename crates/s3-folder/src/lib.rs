//! An S3 server over a plain folder.
//!
//! `DATA/<bucket>/<key>` is an ordinary file wherever the key can be a path; everything else is in `DATA/.engine`:
//! the database `s3.sqlite` (what an object is beside its bytes), half-received uploads, and the objects whose keys
//! no file system carries (`//`, `..`, `a` beside `a/b`, …). The folder stays the owner's: files that are dropped
//! into it, edited or deleted by other programs are taken up as if they had come over HTTP, with a notification.
//!
//! What it guarantees, also when the process is killed or the machine loses power at any point:
//! - An acknowledged write, copy, tagging or delete is on disk; one that was not acknowledged happened whole or not
//!   at all. Bytes never show with another version's ETag or metadata.
//! - Conditions (`If-Match`, `If-None-Match`, `x-amz-copy-source-if-*`) hold at the moment of the change: of any
//!   number of racing `If-None-Match: *` writers one succeeds.
//! - Every change to a bucket and prefix given to [`S3Store::add_notification_filter`] is told at least once, in AWS's JSON, and told
//!   again until it is acknowledged.
//!
//! How: writer.rs has the protocol and why SQLite's `synchronous=NORMAL` is enough where it is used. What it never
//! does: follow a symbolic link inside DATA, touch anything outside DATA, hold an upload in memory whole, keep
//! versions, or check more than one key pair (no policies, no ACLs). It is one process's: two on one DATA are not
//! supported.

mod address;
mod adoption;
mod attributes;
mod batch;
mod conditions;
mod copying;
mod database;
mod delivery;
mod errors;
mod files;
mod listing;
mod location;
mod multipart;
mod notification;
mod objects;
mod parts;
mod reading;
mod receive;
mod recovery;
mod server;
mod service;
mod taking;
mod writer;

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use s3s::{S3Result, s3_error};
use tokio::net::TcpListener;

use errors::{custom, database_error, file_error, refusal};
use location::Folders;
use writer::{Refused, Shared, Writer};

pub use address::ObjectAddress;
pub use notification::NotificationFilter;
pub use taking::PutLocalFileError;

/// The one key pair that requests must be signed with.
#[derive(Clone)]
pub struct KeyPair {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be made, read or written.
    #[error("{path}: {source}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be read or written.
    #[error("{path}: {source}")]
    Database {
        /// Its file.
        path: String,
        /// Why.
        source: rusqlite::Error,
    },
}

/// An open store. Clones share it; the last one that is dropped closes it.
#[derive(Clone)]
pub struct S3Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    writer: Writer,
    /// Tells the background scan that nobody waits for it any more.
    closing: Arc<AtomicBool>,
}

impl S3Store {
    /// Opens the store in `data`, and creates it where there is none.
    ///
    /// What a crash left half done is completed or undone before this returns.
    ///
    /// # Errors
    /// The folder or its database cannot be used.
    pub fn open(data: &Path) -> Result<S3Store, OpenError> {
        let folders = Folders::new(data);
        for folder in [folders.temporary(), folders.uploads(), folders.odd()] {
            std::fs::create_dir_all(&folder).map_err(|source| OpenError::Folder {
                path: folder.display().to_string(),
                source,
            })?;
        }
        let file = folders.database();
        let database = |source| OpenError::Database {
            path: file.display().to_string(),
            source,
        };
        let connection = database::open_writer(&file).map_err(database)?;
        let filters = delivery::filters(&connection).map_err(database)?;
        let shared = Arc::new(Shared {
            readers: database::Readers::new(&file),
            folders,
            filters: RwLock::new(filters),
            delivery: tokio::sync::Notify::new(),
        });
        recovery::recover(&connection, &shared).map_err(database)?;
        let writer =
            Writer::start(connection, Arc::clone(&shared)).map_err(|source| OpenError::Folder {
                path: data.display().to_string(),
                source,
            })?;
        let closing = Arc::new(AtomicBool::new(false));
        let store = S3Store {
            inner: Arc::new(Inner {
                shared,
                writer,
                closing,
            }),
        };
        Ok(store)
    }

    /// Takes up all that was changed in the buckets' folders by other programs, before it returns; the store does so by
    /// itself too, in its own time. Blocks: reads every file that is new. Safe to repeat.
    pub fn rescan(&self) {
        adoption::scan(self);
    }

    /// Tells, from now on and after every later start, of each object created or removed in `bucket` under `prefix`.
    /// Safe to repeat.
    pub fn add_notification_filter(&self, filter: NotificationFilter) {
        let mut filters = self.filters();
        if !filters.contains(&filter) {
            filters.push(filter);
            self.replace_filters(filters);
        }
    }

    /// Tells of exactly these buckets and prefixes from now on; forgets those of earlier starts.
    pub fn set_notification_filters(&self, filters: &[NotificationFilter]) {
        self.replace_filters(filters.to_vec());
    }

    /// Serves S3 over HTTP on `listener` until `shutdown`: path-style requests, Signature Version 4 (header, presigned
    /// URL, chunked body) checked against `credentials`, any region. Then it accepts nothing more and gives running
    /// requests a few seconds to finish. First the folders are compared with the database on a thread of its own: files
    /// that were added, changed or removed meanwhile are taken up one by one, each with its notification.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(
        self,
        listener: TcpListener,
        credentials: KeyPair,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        adoption::scan_in_background(&self);
        server::serve(self, listener, credentials, shutdown).await
    }

    /// Delivers notifications until `shutdown`, then waits for the batches under way.
    ///
    /// Up to 10 at a time become one Lambda event as SQS sends it (`Records[].body` is the S3 notification), as soon
    /// as there is one, at most `concurrency` batches at once. `handler` answers Lambda's partial batch response,
    /// `{"batchItemFailures":[{"itemIdentifier":messageId}]}`; those, or all where it fails or panics, come again
    /// after a growing pause, and after 20 attempts they are set aside as dead letters. A notification is forgotten
    /// only when it was acknowledged: it may come twice, also after a crash.
    pub async fn deliver_notifications<H, F>(
        &self,
        concurrency: usize,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) where
        H: Fn(serde_json::Value) -> F + Clone + Send + 'static,
        F: Future<Output = Result<serde_json::Value, String>> + Send + 'static,
    {
        delivery::deliver(self, concurrency, handler, shutdown).await;
    }

    /// Notifications that wait for delivery, are being delivered, or wait to be tried again.
    #[must_use]
    pub fn count_undelivered(&self) -> u64 {
        self.count("SELECT COUNT(*) FROM outbox")
    }

    /// Notifications that were given up after 20 attempts.
    #[must_use]
    pub fn count_dead_letters(&self) -> u64 {
        self.count("SELECT COUNT(*) FROM dead_letters")
    }

    fn count(&self, sql: &str) -> u64 {
        self.inner
            .shared
            .readers
            .with(|connection| database::count(connection, sql))
            .unwrap_or_else(|error| {
                tracing::error!(%error, "s3 store: cannot count");
                0
            })
    }

    fn filters(&self) -> Vec<NotificationFilter> {
        self.inner
            .shared
            .filters
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace_filters(&self, filters: Vec<NotificationFilter>) {
        *self
            .inner
            .shared
            .filters
            .write()
            .unwrap_or_else(PoisonError::into_inner) = filters.clone();
        // The answer need not be awaited: a change sent later is made later.
        drop(self.inner.writer.change(true, move |connection| {
            delivery::save_filters(connection, &filters).map_err(database_error)
        }));
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// Puts a received object in place; where the file there was changed by others, after that was taken up.
    async fn put(&self, put: writer::Put) -> S3Result {
        let mut put = Box::new(put);
        loop {
            match self.inner.writer.put(put).await.map_err(writer::stopped)? {
                Ok(()) => return Ok(()),
                Err(Refused::Error(error)) => return Err(error),
                Err(Refused::Stale(again)) => put = again,
            }
            let (bucket, key) = (put.bucket.clone(), put.key.clone());
            self.blocking(move |store| adoption::reconcile(&store, &bucket, &key))
                .await?;
        }
    }

    /// Removes an object.
    async fn delete(&self, delete: writer::Delete) -> S3Result {
        let mut delete = Box::new(delete);
        loop {
            match self
                .inner
                .writer
                .delete(delete)
                .await
                .map_err(writer::stopped)?
            {
                Ok(()) => return Ok(()),
                Err(Refused::Error(error)) => return Err(error),
                Err(Refused::Stale(again)) => delete = again,
            }
            let (bucket, key) = (delete.bucket.clone(), delete.key.clone());
            self.blocking(move |store| adoption::reconcile(&store, &bucket, &key))
                .await?;
        }
    }

    /// Changes the database alone, on disk when this returns.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&rusqlite::Connection) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        self.inner
            .writer
            .change(true, change)
            .await
            .map_err(writer::stopped)?
    }

    /// Runs file and database work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(S3Store) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(store))
            .await
            .map_err(|error| s3_error!(error, InternalError, "the work was broken off"))?
    }

    /// A query, off the async threads.
    async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> S3Result<T> {
        self.blocking(|store| store.shared().readers.with(query).map_err(database_error))
            .await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
