//! The writer's thread: gathers requests and carries them out together. [`crate::writer`] describes
//! the protocol.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::address::ObjectAddress;
use crate::database::{self, Durability, PendingColumns, StoredObject};
use crate::errors::{database_error, file_error, s3_error};
use crate::files::{self, PathState};
use crate::notification::ObjectChange;
use crate::placement::{Placement, StoreFolders, is_path_key, is_registrable_key};
use crate::store_context::StoreContext;
use crate::upload_rows;
use crate::write_request::{
    ChangeReply, DatabaseChange, DeleteRequest, PutRequest, WriteRefusal, WriteReply, WriterRequest,
};

/// The maximum number of requests in one batch.
const MAX_BATCH_REQUESTS: usize = 128;

/// The maximum number of attempts to rename a file to its place. An attempt fails if another
/// program removes a folder above the file at the same time.
const MAX_RENAME_ATTEMPTS: u32 = 4;

/// The state of the writer's thread.
pub(crate) struct WriterThread {
    connection: Connection,
    context: Arc<StoreContext>,
    /// A request that waits for the next batch, because the last batch already had a request for
    /// the same object.
    carried: Option<WriterRequest>,
}

/// A write whose conditions hold, between the two transactions of the write protocol.
/// [`crate::writer`] describes the protocol.
enum PreparedWrite {
    Put {
        put: Box<PutRequest>,
        placement: Placement,
        reply: WriteReply<Box<PutRequest>>,
    },
    Delete {
        delete: Box<DeleteRequest>,
        placement: Placement,
        reply: WriteReply<Box<DeleteRequest>>,
    },
}

/// A write after the attempt to rename or remove its file, and the result of this attempt.
struct PlacedWrite {
    write: PreparedWrite,
    result: io::Result<()>,
}

/// A check that failed, so that the write is refused.
enum FailedCheck {
    Error(S3Error),
    /// Another program changed the object's file, and this change is not registered in the database
    /// yet.
    Stale,
}

impl FailedCheck {
    fn into_refusal<T>(self, request: T) -> WriteRefusal<T> {
        match self {
            FailedCheck::Error(error) => WriteRefusal::Error(error),
            FailedCheck::Stale => WriteRefusal::Stale(request),
        }
    }
}

impl From<S3Error> for FailedCheck {
    fn from(error: S3Error) -> Self {
        FailedCheck::Error(error)
    }
}

impl From<rusqlite::Error> for FailedCheck {
    fn from(error: rusqlite::Error) -> Self {
        FailedCheck::Error(database_error(error))
    }
}

impl WriterThread {
    /// Returns the state with which the thread starts.
    pub(crate) fn new(connection: Connection, context: Arc<StoreContext>) -> WriterThread {
        WriterThread {
            connection,
            context,
            carried: None,
        }
    }

    /// Carries out requests until every sender of the queue is dropped.
    pub(crate) fn run(mut self, queue: &Receiver<WriterRequest>) {
        while let Some(first) = self.carried.take().or_else(|| queue.recv().ok()) {
            let batch = self.gather_batch(first, queue);
            self.carry_out(batch);
            self.context.delivery.notify_one();
        }
    }

    /// Returns the next batch: `first`, and the requests that wait in `queue`. The batch ends
    /// before a request for an object that another request of the batch changes. That request must
    /// see the result of the earlier one, so it is kept for the next batch.
    fn gather_batch(
        &mut self,
        first: WriterRequest,
        queue: &Receiver<WriterRequest>,
    ) -> Vec<WriterRequest> {
        let mut addresses = HashSet::new();
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            if let Some(address) = request.address()
                && !addresses.insert(address.clone())
            {
                self.carried = Some(request);
                break;
            }
            batch.push(request);
            next = if batch.len() < MAX_BATCH_REQUESTS {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        batch
    }

    fn carry_out(&mut self, batch: Vec<WriterRequest>) {
        let synced = batch
            .iter()
            .any(|request| request.durability() == Durability::PowerLoss);
        let durability = if synced {
            Durability::PowerLoss
        } else {
            Durability::ProcessCrash
        };
        let mut prepared = Vec::new();
        let mut replies: Vec<ChangeReply> = Vec::new();
        let begun = database::set_durability(&self.connection, durability)
            .and_then(|()| self.connection.execute_batch("BEGIN IMMEDIATE"));
        let committed = begun.and_then(|()| {
            for request in batch {
                self.prepare(request, &mut prepared, &mut replies)?;
            }
            self.connection.execute_batch("COMMIT")
        });
        let committed = committed.map_err(|error| self.roll_back(&error));
        for reply in replies {
            reply(committed.clone());
        }
        match committed {
            Ok(()) => self.place_files(prepared),
            Err(message) => refuse_all(prepared, &message),
        }
    }

    /// Ends the transaction of a failed batch. Returns the error message for the requests of the
    /// batch.
    fn roll_back(&self, error: &rusqlite::Error) -> String {
        tracing::error!(%error, "s3 store: the database refused a change");
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        format!("database: {error}")
    }

    /// Checks one request: step 1 of the protocol in [`crate::writer`]. If a put passes the checks,
    /// saves its pending row and adds the put to `prepared`. If a delete passes the checks, adds
    /// the delete to `prepared`. Runs a change of the database at once, and adds its reply to
    /// `replies`. Replies at once to a request that is refused, and to the delete of an object that
    /// does not exist.
    fn prepare(
        &self,
        request: WriterRequest,
        prepared: &mut Vec<PreparedWrite>,
        replies: &mut Vec<ChangeReply>,
    ) -> rusqlite::Result<()> {
        match request {
            WriterRequest::Put(put, reply) => match self.check_put(&put) {
                Ok(placement) => {
                    database::save_pending_object(
                        &self.connection,
                        &put.address,
                        &put.object(placement),
                        PendingColumns {
                            event_name: put.change.event_name(),
                            upload: put.upload.as_deref(),
                        },
                    )?;
                    prepared.push(PreparedWrite::Put {
                        put,
                        placement,
                        reply,
                    });
                }
                Err(failed) => drop(reply.send(Err(failed.into_refusal(put)))),
            },
            WriterRequest::Delete(delete, reply) => match self.check_delete(&delete) {
                Ok(Some(placement)) => prepared.push(PreparedWrite::Delete {
                    delete,
                    placement,
                    reply,
                }),
                Ok(None) => drop(reply.send(Ok(()))),
                Err(failed) => drop(reply.send(Err(failed.into_refusal(delete)))),
            },
            WriterRequest::Database(change) => replies.push(self.run_change(change)?),
        }
        Ok(())
    }

    /// Runs a change of the database in a savepoint, so that only the change is undone if it fails,
    /// and not the whole batch.
    fn run_change(&self, change: DatabaseChange) -> rusqlite::Result<ChangeReply> {
        self.connection.execute_batch("SAVEPOINT change")?;
        let outcome = (change.run)(&self.connection);
        let end = if outcome.keep {
            "RELEASE change"
        } else {
            "ROLLBACK TO change; RELEASE change"
        };
        self.connection.execute_batch(end)?;
        Ok(outcome.reply)
    }

    /// Checks the bucket, the multipart upload and the conditions of a put. Returns the placement
    /// of the object's file.
    fn check_put(&self, put: &PutRequest) -> Result<Placement, FailedCheck> {
        self.context.access.require_write()?;
        let address = &put.address;
        self.require_bucket(&address.bucket)?;
        if let Some(upload) = &put.upload {
            upload_rows::require_open_upload(&self.connection, upload)?;
        }
        let current = database::load_object(&self.connection, address)?.current;
        if !put.conditions.is_empty() {
            if self.is_stale(address, current.as_ref())? {
                return Err(FailedCheck::Stale);
            }
            put.conditions.check(current.as_ref())?;
        }
        match current {
            Some(object) => Ok(object.placement),
            None => Ok(self.choose_placement(address)?),
        }
    }

    /// Checks the bucket and the conditions of a delete. Returns the placement of the object's
    /// file, or `None` if there is no object to delete.
    fn check_delete(&self, delete: &DeleteRequest) -> Result<Option<Placement>, FailedCheck> {
        self.context.access.require_write()?;
        let address = &delete.address;
        self.require_bucket(&address.bucket)?;
        let current = database::load_object(&self.connection, address)?.current;
        let matters = current.is_none() || !delete.conditions.is_empty();
        if matters && self.is_stale(address, current.as_ref())? {
            return Err(FailedCheck::Stale);
        }
        delete.conditions.check(current.as_ref())?;
        Ok(current.map(|object| object.placement))
    }

    fn require_bucket(&self, bucket: &str) -> Result<(), FailedCheck> {
        if database::bucket_exists(&self.connection, bucket)? {
            Ok(())
        } else {
            Err(s3_error(S3ErrorCode::NoSuchBucket).into())
        }
    }

    /// Reports whether another program changed the object's file, and this change is not registered
    /// in the database yet. This is so if the file does not have the identity in the row `current`,
    /// or if there is a file although `current` is `None`.
    fn is_stale(&self, address: &ObjectAddress, current: Option<&StoredObject>) -> S3Result<bool> {
        let placement = match current {
            Some(object) => object.placement,
            None if is_registrable_key(&address.key) => Placement::ByPath,
            None => return Ok(false),
        };
        let state = self
            .context
            .inspect_object(address, placement)
            .map_err(|error| file_error("inspect", error))?;
        match (current, state) {
            (Some(object), state) => Ok(!state.is_file(object.identity)),
            (None, PathState::File(identity)) => {
                database::file_belongs_to_other_case(&self.connection, address, identity)
                    .map(|belongs| !belongs)
                    .map_err(database_error)
            }
            (None, PathState::Missing | PathState::Obstacle) => Ok(false),
        }
    }

    /// Chooses the placement of the file of a new object: [`Placement::ByPath`] if the file can be
    /// at the path of the key, and [`Placement::ByHash`] if it cannot.
    fn choose_placement(&self, address: &ObjectAddress) -> S3Result<Placement> {
        if !is_path_key(&address.key)
            || database::name_collides(&self.connection, address).map_err(database_error)?
        {
            return Ok(Placement::ByHash);
        }
        match self.context.inspect_object(address, Placement::ByPath) {
            Ok(PathState::Obstacle) => Ok(Placement::ByHash),
            Ok(PathState::File(_) | PathState::Missing) => Ok(Placement::ByPath),
            // For example, the path is too long for the file system.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput
                ) =>
            {
                Ok(Placement::ByHash)
            }
            Err(error) => Err(file_error("inspect", error)),
        }
    }

    /// Carries out steps 2 to 4 of the protocol in [`crate::writer`]: renames the files of puts to
    /// their places and removes the files of deletes, changes the database, and answers the
    /// requests.
    fn place_files(&mut self, prepared: Vec<PreparedWrite>) {
        if prepared.is_empty() {
            return;
        }
        let mut unsynced = Vec::new();
        let placed: Vec<PlacedWrite> = prepared
            .into_iter()
            .map(|mut write| PlacedWrite {
                result: write.place_file(&self.context.folders, &mut unsynced),
                write,
            })
            .collect();
        let folders: BTreeSet<PathBuf> = unsynced.into_iter().collect();
        let synced = folders
            .iter()
            .try_for_each(|folder| files::sync_folder(folder));
        if let Err(error) = synced {
            // It is unknown whether the renames will survive a power loss. Recovery completes the
            // writes whose files it finds.
            tracing::error!(%error, "s3 store: cannot sync a folder");
            let message = format!("cannot sync a folder: {error}");
            refuse_all(placed.into_iter().map(|placed| placed.write), &message);
            return;
        }
        let promoted = self
            .promote(&placed)
            .map_err(|error| self.roll_back(&error));
        for PlacedWrite { write, result } in placed {
            match (&promoted, result) {
                (Err(message), _) => write.refuse(message),
                (Ok(()), Err(error)) => write.refuse(&format!("cannot place the file: {error}")),
                (Ok(()), Ok(())) => write.succeed(&self.context.folders),
            }
        }
    }

    /// Carries out step 3 of the protocol in [`crate::writer`], in one transaction. If the file of
    /// a put is in its place, turns the pending row into the row of the object. If the rename of
    /// the file failed, deletes the pending row. If the file of a delete was removed, deletes the
    /// row of the object.
    fn promote(&self, placed: &[PlacedWrite]) -> rusqlite::Result<()> {
        database::set_durability(&self.connection, Durability::ProcessCrash)?;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        for PlacedWrite { write, result } in placed {
            match write {
                PreparedWrite::Put { put, placement, .. } => {
                    database::delete_pending_object(&self.connection, &put.address)?;
                    if result.is_ok() {
                        self.promote_put(put, *placement)?;
                    }
                }
                PreparedWrite::Delete { delete, .. } if result.is_ok() => {
                    self.promote_delete(delete)?;
                }
                PreparedWrite::Delete { .. } => {}
            }
        }
        self.connection.execute_batch("COMMIT")
    }

    fn promote_put(&self, put: &PutRequest, placement: Placement) -> rusqlite::Result<()> {
        let object = put.object(placement);
        database::save_object(&self.connection, &put.address, &object)?;
        if let Some(upload) = &put.upload {
            upload_rows::mark_upload_completed(&self.connection, upload, &put.etag)?;
        }
        self.context.record_change(
            &self.connection,
            &put.address,
            put.change.event_name(),
            Some(&object),
        )
    }

    fn promote_delete(&self, delete: &DeleteRequest) -> rusqlite::Result<()> {
        if database::delete_object(&self.connection, &delete.address)? {
            let name = ObjectChange::Delete.event_name();
            self.context
                .record_change(&self.connection, &delete.address, name, None)?;
        }
        Ok(())
    }
}

impl PreparedWrite {
    /// Carries out step 2 of the protocol in [`crate::writer`] for one write: renames the file of a
    /// put to its place, or removes the file of a delete. Adds each folder whose entries changed to
    /// `unsynced`.
    fn place_file(
        &mut self,
        folders: &StoreFolders,
        unsynced: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        match self {
            PreparedWrite::Put { put, placement, .. } => {
                place_put(put, *placement, folders, unsynced)
            }
            PreparedWrite::Delete {
                delete, placement, ..
            } => {
                let target = folders.object_file(&delete.address, *placement);
                if let PathState::File(_) = files::inspect_path(&target)? {
                    let path = target.path();
                    std::fs::remove_file(&path).or_else(files::ignore_missing)?;
                    unsynced.extend(path.parent().map(PathBuf::from));
                }
                Ok(())
            }
        }
    }

    fn refuse(self, message: &str) {
        let error = s3_error!(InternalError, "{message}");
        match self {
            PreparedWrite::Put { reply, .. } => drop(reply.send(Err(WriteRefusal::Error(error)))),
            PreparedWrite::Delete { reply, .. } => {
                drop(reply.send(Err(WriteRefusal::Error(error))));
            }
        }
    }

    fn succeed(self, folders: &StoreFolders) {
        match self {
            PreparedWrite::Put { reply, .. } => drop(reply.send(Ok(()))),
            PreparedWrite::Delete {
                delete,
                placement,
                reply,
            } => {
                if placement == Placement::ByPath {
                    let target = folders.object_file(&delete.address, placement);
                    files::remove_empty_parents(&target);
                }
                drop(reply.send(Ok(())));
            }
        }
    }
}

fn place_put(
    put: &mut PutRequest,
    placement: Placement,
    folders: &StoreFolders,
    unsynced: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let target = folders.object_file(&put.address, placement);
    let path = target.path();
    let mut attempt = 1;
    loop {
        let placed =
            files::create_parents(&target, unsynced).and_then(|()| put.file.move_to(&path));
        match placed {
            Ok(()) => break,
            // Another program removed one of the folders between the two steps.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && attempt < MAX_RENAME_ATTEMPTS =>
            {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
    unsynced.extend(path.parent().map(PathBuf::from));
    Ok(())
}

fn refuse_all(writes: impl IntoIterator<Item = PreparedWrite>, message: &str) {
    for write in writes {
        write.refuse(message);
    }
}
