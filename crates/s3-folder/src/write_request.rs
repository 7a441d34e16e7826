//! The requests that the writer's thread carries out, and their results.

use rusqlite::Connection;
use s3s::S3Error;
use tokio::sync::oneshot;

use crate::address::ObjectAddress;
use crate::conditions::WriteConditions;
use crate::database::{Durability, ObjectAttributes, StoredObject};
use crate::files::{FileIdentity, TemporaryFile};
use crate::notification::ObjectChange;
use crate::placement::Placement;

/// A request to make a temporary file the object at an address.
pub(crate) struct PutRequest {
    pub(crate) address: ObjectAddress,
    pub(crate) file: TemporaryFile,
    /// The identity of `file`. The file is already synced.
    pub(crate) identity: FileIdentity,
    /// The ETag, without quotes.
    pub(crate) etag: String,
    /// The time of the last change, in milliseconds since 1970.
    pub(crate) modified_ms: i64,
    pub(crate) attributes: ObjectAttributes,
    pub(crate) conditions: WriteConditions,
    pub(crate) change: ObjectChange,
    /// The id of the multipart upload that this request completes. The upload must still be open.
    /// The transaction that makes the object also marks the upload as completed. `None` if the
    /// request does not complete an upload.
    pub(crate) upload: Option<String>,
}

impl PutRequest {
    /// Returns the object that the request makes. `placement` is the placement of the object's
    /// file.
    pub(crate) fn object(&self, placement: Placement) -> StoredObject {
        StoredObject {
            placement,
            identity: self.identity,
            etag: self.etag.clone(),
            modified_ms: self.modified_ms,
            attributes: self.attributes.clone(),
        }
    }
}

/// A request to remove an object.
pub(crate) struct DeleteRequest {
    pub(crate) address: ObjectAddress,
    pub(crate) conditions: WriteConditions,
}

/// The reason why a write was not carried out.
pub(crate) enum WriteRefusal<T> {
    /// The write failed with this error.
    Error(S3Error),
    /// Another program changed the object's file, and this change is not registered in the database
    /// yet. The value is the unchanged request. The caller can send the request again after it has
    /// registered the file.
    Stale(T),
}

/// The result of a write. An error of the kind [`WriteRefusal::Stale`] contains the request of the
/// type `T`.
pub(crate) type WriteResult<T> = Result<(), WriteRefusal<T>>;

/// The channel to which the writer sends a write's result.
pub(crate) type WriteReply<T> = oneshot::Sender<WriteResult<T>>;

/// A request to the writer's thread.
pub(crate) enum WriterRequest {
    Put(Box<PutRequest>, WriteReply<Box<PutRequest>>),
    Delete(Box<DeleteRequest>, WriteReply<Box<DeleteRequest>>),
    Database(DatabaseChange),
}

impl WriterRequest {
    /// Returns the address of the object that the request changes. Returns `None` if the request
    /// only changes the database.
    pub(crate) fn address(&self) -> Option<&ObjectAddress> {
        match self {
            WriterRequest::Put(put, _) => Some(&put.address),
            WriterRequest::Delete(delete, _) => Some(&delete.address),
            WriterRequest::Database(_) => None,
        }
    }

    /// Returns the kind of failure that the first transaction of the request must survive.
    /// [`crate::writer`] describes the transactions.
    pub(crate) fn durability(&self) -> Durability {
        match self {
            WriterRequest::Put(..) => Durability::PowerLoss,
            WriterRequest::Delete(..) => Durability::ProcessCrash,
            WriterRequest::Database(change) => change.durability,
        }
    }
}

/// A change of the database that does not touch files.
pub(crate) struct DatabaseChange {
    pub(crate) durability: Durability,
    pub(crate) run: Box<dyn FnOnce(&Connection) -> ChangeOutcome + Send>,
}

/// The result of running a [`DatabaseChange`].
pub(crate) struct ChangeOutcome {
    /// `true` if the change is kept, `false` if it is rolled back.
    pub(crate) keep: bool,
    /// The function that sends the reply. It is called after the commit.
    pub(crate) reply: ChangeReply,
}

/// A function that sends the reply to a change. Its argument is the result of the commit. An error
/// is the message for the client.
pub(crate) type ChangeReply = Box<dyn FnOnce(Result<(), String>) + Send>;
