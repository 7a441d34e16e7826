//! The one thread that changes things. Requests queue; it takes what has gathered and carries it out together.
//!
//! For a batch: (1) one transaction judges every condition and writes each new object's row as *pending*, synced to
//! disk; (2) the files are renamed to their places, those of deletes removed, and the touched folders synced, each
//! once; (3) one transaction turns the pending rows into the objects and puts their notifications into the outbox;
//! (4) the requests are answered. One thread, so a condition and the write that it guards cannot be torn apart, and
//! 64 waiting writers share the syncs of one.
//!
//! Its invariants, for a crash of the process or of the machine at any point:
//! - The rename is the commit point. Before it the pending row is on disk, and carries the identity that the file
//!   will have; so whoever finds the new bytes finds their metadata too ([`super::recovery`] and readers match them).
//! - A request is answered after its rename (or removal) is on disk. Transaction (3) is not synced (`NORMAL`): what a
//!   power cut takes of it, recovery makes again from the pending row or from the missing file, with the
//!   notification. A notification may then come twice, never not at all.
//! - Nothing is hashed and no upload is awaited here.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, RwLock};

use rusqlite::Connection;
use s3s::{S3Error, S3Result, s3_error};
use tokio::sync::oneshot;

use super::batch::Thread;
use super::conditions::WriteConditions;
use super::database::{Attributes, Object, Readers};
use super::files::{self, Identity, Standing, Temporary};
use super::location::{Folders, Location};
use super::notification::{self, Event, NotificationFilter};
use super::now_ms;

/// What the writer shares with readers.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folders: Folders,
    pub(super) readers: Readers,
    pub(super) filters: RwLock<Vec<NotificationFilter>>,
    /// Rung after every batch that may have left something to deliver.
    pub(super) delivery: tokio::sync::Notify,
}

impl Shared {
    /// Puts the notification of a change into the outbox, if anyone is to be told of it.
    pub(super) fn record(
        &self,
        connection: &Connection,
        bucket: &str,
        key: &str,
        event_name: &str,
        object: Option<&Object>,
    ) -> rusqlite::Result<()> {
        let filters = self
            .filters
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if filters.iter().any(|filter| filter.matches(bucket, key)) {
            notification::record(connection, bucket, key, event_name, object, now_ms())?;
        }
        Ok(())
    }

    /// What stands at an object's place.
    pub(super) fn look(&self, bucket: &str, key: &str, location: Location) -> io::Result<Standing> {
        let (root, relative) = self.folders.locate(bucket, key, location);
        files::look(&root, &relative)
    }
}

/// A received object, ready to be put in place.
pub(super) struct Put {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) file: Temporary,
    /// Of `file`, synced.
    pub(super) identity: Identity,
    pub(super) etag: String,
    pub(super) modified_ms: i64,
    pub(super) attributes: Attributes,
    pub(super) conditions: WriteConditions,
    pub(super) event: Event,
    /// The multipart upload that it completes; it must still be open, and is marked completed with it.
    pub(super) upload: Option<String>,
}

/// A request to remove an object.
pub(super) struct Delete {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) conditions: WriteConditions,
}

/// Why a write was not carried out.
pub(super) enum Refused<T> {
    /// For good.
    Error(S3Error),
    /// The file was changed behind the store's back: reconcile the key, then ask again.
    Stale(T),
}

/// What the writer is asked to do.
pub(super) enum Request {
    Put(Box<Put>, oneshot::Sender<Result<(), Refused<Box<Put>>>>),
    Delete(
        Box<Delete>,
        oneshot::Sender<Result<(), Refused<Box<Delete>>>>,
    ),
    /// A change of the database alone. It answers whether to keep what it did, and how to reply when that is on disk
    /// (where `durable`) or at least committed.
    Change {
        durable: bool,
        run: Box<Change>,
    },
}

type Change = dyn FnOnce(&Connection) -> (bool, Box<dyn FnOnce(Result<(), String>) + Send>) + Send;

/// The way to the writer. It ends when the last one is dropped.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    requests: Sender<Request>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, shared: Arc<Shared>) -> io::Result<Writer> {
        let (requests, queue) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("s3-writer".to_owned())
            .spawn(move || {
                Thread::new(connection, shared).run(&queue);
            })?;
        Ok(Writer { requests })
    }

    /// Asks for a put. The answer comes when the object is on disk.
    pub(super) fn put(&self, put: Box<Put>) -> oneshot::Receiver<Result<(), Refused<Box<Put>>>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.requests.send(Request::Put(put, reply));
        answer
    }

    /// Asks for a delete. The answer comes when the file is gone from disk.
    pub(super) fn delete(
        &self,
        delete: Box<Delete>,
    ) -> oneshot::Receiver<Result<(), Refused<Box<Delete>>>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.requests.send(Request::Delete(delete, reply));
        answer
    }

    /// Asks for a change of the database alone; where `change` fails, nothing of it stays.
    pub(super) fn change<T: Send + 'static>(
        &self,
        durable: bool,
        change: impl FnOnce(&Connection) -> S3Result<T> + Send + 'static,
    ) -> oneshot::Receiver<S3Result<T>> {
        let (reply, answer) = oneshot::channel();
        let run: Box<Change> = Box::new(move |connection| {
            let result = change(connection);
            let keep = result.is_ok();
            let reply = move |committed: Result<(), String>| {
                let _ = reply.send(match committed {
                    Ok(()) => result,
                    Err(message) => Err(s3_error!(InternalError, "{message}")),
                });
            };
            (keep, Box::new(reply))
        });
        let _ = self.requests.send(Request::Change { durable, run });
        answer
    }
}

/// The answer for a request that the writer ended without.
pub(super) fn stopped<E>(_: E) -> S3Error {
    s3_error!(ServiceUnavailable, "the store is shutting down")
}
