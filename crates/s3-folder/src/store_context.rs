//! The data of an open store that the writer's thread and the requests share.

use std::io;
use std::sync::{PoisonError, RwLock};

use rusqlite::Connection;
use s3s::S3Result;

use crate::address::ObjectAddress;
use crate::database::{ReaderPool, StoredObject};
use crate::errors::read_only_error;
use crate::files::{self, PathState};
use crate::notification::{self, NotificationFilter};
use crate::placement::{Placement, StoreFolders};
use crate::times::now_ms;
use crate::upload_expiry::UploadsInUse;

/// The kinds of operations that an open store carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreAccess {
    /// All operations.
    ReadWrite,
    /// Only operations that change nothing in the data folder.
    ReadOnly,
}

impl StoreAccess {
    /// Checks that the store may be changed.
    ///
    /// # Errors
    /// `AccessDenied` if the store is open for reading only.
    pub(crate) fn require_write(self) -> S3Result {
        match self {
            StoreAccess::ReadWrite => Ok(()),
            StoreAccess::ReadOnly => Err(read_only_error()),
        }
    }
}

/// The folders, read connections and notification filters of an open store.
#[derive(Debug)]
pub(crate) struct StoreContext {
    pub(crate) folders: StoreFolders,
    pub(crate) readers: ReaderPool,
    pub(crate) access: StoreAccess,
    /// The multipart uploads for which a request is running.
    pub(crate) uploads_in_use: UploadsInUse,
    filters: RwLock<Vec<NotificationFilter>>,
    /// The signal that wakes the task that delivers notifications. The writer's thread sends the
    /// signal after every batch of requests, because the batch may have added a notification.
    pub(crate) delivery: tokio::sync::Notify,
}

impl StoreContext {
    /// Returns a context with these filters.
    pub(crate) fn new(
        folders: StoreFolders,
        access: StoreAccess,
        filters: Vec<NotificationFilter>,
    ) -> StoreContext {
        StoreContext {
            readers: ReaderPool::new(&folders.database()),
            access,
            uploads_in_use: UploadsInUse::default(),
            folders,
            filters: RwLock::new(filters),
            delivery: tokio::sync::Notify::new(),
        }
    }

    /// Returns the notification filters.
    pub(crate) fn filters(&self) -> Vec<NotificationFilter> {
        self.filters
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces the notification filters in memory. Does not save them in the database.
    pub(crate) fn replace_filters(&self, filters: Vec<NotificationFilter>) {
        *self.filters.write().unwrap_or_else(PoisonError::into_inner) = filters;
    }

    /// Inserts the record of a change into the outbox (the table of notifications that are not
    /// delivered yet) if a filter matches the object. `object` is `None` if the object was removed.
    /// The caller must call this in the transaction that makes the change.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) fn record_change(
        &self,
        connection: &Connection,
        address: &ObjectAddress,
        event_name: &str,
        object: Option<&StoredObject>,
    ) -> rusqlite::Result<()> {
        let filters = self.filters.read().unwrap_or_else(PoisonError::into_inner);
        if filters.iter().any(|filter| filter.matches(address)) {
            notification::insert_record(connection, address, event_name, object, now_ms())?;
        }
        Ok(())
    }

    /// Returns the state of the path of an object's file. Follows no links.
    ///
    /// # Errors
    /// The file system cannot be read.
    pub(crate) fn inspect_object(
        &self,
        address: &ObjectAddress,
        placement: Placement,
    ) -> io::Result<PathState> {
        files::inspect_path(&self.folders.object_file(address, placement))
    }
}
