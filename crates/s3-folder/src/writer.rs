//! The handle of the writer's thread, the only thread that changes objects.
//!
//! Requests wait in a queue. The thread takes all waiting requests as one batch and carries it out:
//! 1. One transaction checks every condition and writes the row of each new object as a *pending
//!    row*. If there is a pending row, the transaction is synced to disk.
//! 2. The files of puts are renamed to their places, the files of deletes are removed, and each
//!    touched folder is synced once.
//! 3. One transaction turns the pending rows into objects and inserts their notifications into the
//!    outbox, which is the table of notifications that are not delivered yet.
//! 4. The requests are answered.
//!
//! Because there is one thread, no other write comes between the check of a condition and the write
//! that depends on it. All writes of a batch share the sync of the first transaction, and writes in
//! the same folder share the sync of the folder.
//!
//! The invariants, for a crash of the process or of the machine at any point:
//! - The rename is the commit point. Before it, the pending row is on disk with the identity that
//!   the file will have. So a reader that finds the new bytes also finds their metadata. Recovery
//!   ([`crate::recovery`]) and readers match bytes and metadata by that identity.
//! - A request is answered after its rename or removal is on disk. The transaction of step 3 is
//!   not synced (`synchronous=NORMAL`). If a power loss undoes this transaction, the next start
//!   repeats it: recovery finds the pending row of a put, and the scan finds that the file of a
//!   delete is missing. Both insert the notification again. So a notification can be sent twice,
//!   but is never lost.
//! - The thread does not hash, and does not wait for an upload.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use rusqlite::Connection;
use s3s::{S3Result, s3_error};
use tokio::sync::oneshot;

use crate::database::Durability;
use crate::errors::shutdown_error;
use crate::store_context::StoreContext;
use crate::write_request::{
    ChangeOutcome, DatabaseChange, DeleteRequest, PutRequest, WriteRefusal, WriteResult,
    WriterRequest,
};
use crate::writer_thread::WriterThread;

/// A handle that sends requests to the writer's thread. The thread ends when the last handle is
/// dropped.
#[derive(Debug, Clone)]
pub(crate) struct WriterHandle {
    requests: Sender<WriterRequest>,
}

impl WriterHandle {
    /// Starts the writer's thread.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn start(
        connection: Connection,
        context: Arc<StoreContext>,
    ) -> io::Result<WriterHandle> {
        let (requests, queue) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("s3-writer".to_owned())
            .spawn(move || WriterThread::new(connection, context).run(&queue))?;
        Ok(WriterHandle { requests })
    }

    /// Puts an object. Returns when the object is on disk.
    ///
    /// # Errors
    /// A condition does not hold, another program changed the object's file, or the disk or the
    /// database failed.
    pub(crate) async fn put(&self, put: Box<PutRequest>) -> WriteResult<Box<PutRequest>> {
        let (reply, result) = oneshot::channel();
        let _ = self.requests.send(WriterRequest::Put(put, reply));
        result
            .await
            .unwrap_or_else(|_| Err(WriteRefusal::Error(shutdown_error())))
    }

    /// Deletes an object. Returns when the removal of its file is on disk.
    ///
    /// # Errors
    /// A condition does not hold, another program changed the object's file, or the disk or the
    /// database failed.
    pub(crate) async fn delete(
        &self,
        delete: Box<DeleteRequest>,
    ) -> WriteResult<Box<DeleteRequest>> {
        let (reply, result) = oneshot::channel();
        let _ = self.requests.send(WriterRequest::Delete(delete, reply));
        result
            .await
            .unwrap_or_else(|_| Err(WriteRefusal::Error(shutdown_error())))
    }

    /// Runs `change` in a transaction. `change` must change only the database, no files. Returns
    /// when the transaction is committed. If `change` fails, everything that it did is rolled back.
    ///
    /// # Errors
    /// The error of `change`, or the database failed.
    pub(crate) async fn change_database<T: Send + 'static>(
        &self,
        durability: Durability,
        change: impl FnOnce(&Connection) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        self.send_change(durability, change)
            .await
            .unwrap_or_else(|_| Err(shutdown_error()))
    }

    /// Runs `change` like [`Self::change_database`], but blocks the calling thread.
    ///
    /// # Errors
    /// The error of `change`, or the database failed.
    pub(crate) fn change_database_blocking<T: Send + 'static>(
        &self,
        durability: Durability,
        change: impl FnOnce(&Connection) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        self.send_change(durability, change)
            .blocking_recv()
            .unwrap_or_else(|_| Err(shutdown_error()))
    }

    /// Sends a change of the database to the writer's thread, and does not wait. The receiver gets
    /// the result. The change is carried out even if the receiver is dropped.
    pub(crate) fn send_change<T: Send + 'static>(
        &self,
        durability: Durability,
        change: impl FnOnce(&Connection) -> S3Result<T> + Send + 'static,
    ) -> oneshot::Receiver<S3Result<T>> {
        let (sender, receiver) = oneshot::channel();
        let run = Box::new(move |connection: &Connection| {
            let result = change(connection);
            ChangeOutcome {
                keep: result.is_ok(),
                reply: Box::new(move |committed| {
                    let _ = sender.send(match committed {
                        Ok(()) => result,
                        Err(message) => Err(s3_error!(InternalError, "{message}")),
                    });
                }),
            }
        });
        let change = DatabaseChange { durability, run };
        let _ = self.requests.send(WriterRequest::Database(change));
        receiver
    }
}
