//! The writer's thread: gathers requests and carries them out together. [`super::writer`] has the protocol.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use s3s::{S3ErrorCode, S3Result, s3_error};
use tokio::sync::oneshot;

use super::database::{self, Object};
use super::files::{self, Standing};
use super::location::{Folders, Location, is_adoptable, is_plain};
use super::notification::Event;
use super::writer::{Delete, Put, Refused, Request, Shared};
use super::{database_error, file_error, parts, refusal};

/// Most requests that are carried out together.
const BATCH: usize = 128;

/// The writer's thread.
pub(super) struct Thread {
    connection: Connection,
    shared: Arc<Shared>,
    /// Taken from the queue, but about a key that the last batch was busy with.
    carried: Option<Request>,
}

type Reply = Box<dyn FnOnce(Result<(), String>) + Send>;

/// A write between its two transactions.
enum Prepared {
    Put {
        put: Box<Put>,
        location: Location,
        reply: oneshot::Sender<Result<(), Refused<Box<Put>>>>,
    },
    Delete {
        delete: Box<Delete>,
        location: Location,
        reply: oneshot::Sender<Result<(), Refused<Box<Delete>>>>,
    },
}

impl Thread {
    pub(super) fn new(connection: Connection, shared: Arc<Shared>) -> Thread {
        Thread {
            connection,
            shared,
            carried: None,
        }
    }

    /// Works until nobody can ask for anything any more.
    pub(super) fn run(mut self, queue: &Receiver<Request>) {
        while let Some(first) = self.carried.take().or_else(|| queue.recv().ok()) {
            let batch = self.gather(first, queue);
            self.carry_out(batch);
            self.shared.delivery.notify_one();
        }
    }

    /// What is waiting, as long as no key comes twice: the second is to see what the first did.
    fn gather(&mut self, first: Request, queue: &Receiver<Request>) -> Vec<Request> {
        let mut keys = HashSet::new();
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            if let Some(key) = key_of(&request)
                && !keys.insert(key)
            {
                self.carried = Some(request);
                break;
            }
            batch.push(request);
            next = if batch.len() < BATCH {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        batch
    }

    fn carry_out(&mut self, batch: Vec<Request>) {
        let durable = batch.iter().any(|request| match request {
            Request::Put(..) => true,
            Request::Delete(..) => false,
            Request::Change { durable, .. } => *durable,
        });
        let mut prepared = Vec::new();
        let mut replies: Vec<Reply> = Vec::new();
        let begun = database::set_durable(&self.connection, durable)
            .and_then(|()| self.connection.execute_batch("BEGIN IMMEDIATE"));
        let committed = begun.and_then(|()| {
            for request in batch {
                self.prepare(request, &mut prepared, &mut replies)?;
            }
            self.connection.execute_batch("COMMIT")
        });
        let committed = committed.map_err(|error| self.undo(&error));
        for reply in replies {
            reply(committed.clone());
        }
        match committed {
            Ok(()) => self.place(prepared),
            Err(message) => prepared
                .into_iter()
                .for_each(|write| write.refuse(&message)),
        }
    }

    fn undo(&self, error: &rusqlite::Error) -> String {
        tracing::error!(%error, "s3 store: the database refused a change");
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        format!("database: {error}")
    }

    fn prepare(
        &self,
        request: Request,
        prepared: &mut Vec<Prepared>,
        replies: &mut Vec<Reply>,
    ) -> rusqlite::Result<()> {
        match request {
            Request::Put(put, reply) => match self.judge_put(&put) {
                Ok(Ok(location)) => {
                    let object = put.object(location);
                    database::put_object(
                        &self.connection,
                        &put.bucket,
                        &put.key,
                        Some(put.event.name()),
                        &object,
                    )?;
                    prepared.push(Prepared::Put {
                        put,
                        location,
                        reply,
                    });
                }
                Ok(Err(error)) => drop(reply.send(Err(Refused::Error(error)))),
                Err(Stale) => drop(reply.send(Err(Refused::Stale(put)))),
            },
            Request::Delete(delete, reply) => match self.judge_delete(&delete) {
                Ok(Ok(Some(location))) => prepared.push(Prepared::Delete {
                    delete,
                    location,
                    reply,
                }),
                Ok(Ok(None)) => drop(reply.send(Ok(()))),
                Ok(Err(error)) => drop(reply.send(Err(Refused::Error(error)))),
                Err(Stale) => drop(reply.send(Err(Refused::Stale(delete)))),
            },
            Request::Change { run, .. } => {
                self.connection.execute_batch("SAVEPOINT change")?;
                let (keep, reply) = run(&self.connection);
                replies.push(reply);
                let end = if keep {
                    "RELEASE change"
                } else {
                    "ROLLBACK TO change; RELEASE change"
                };
                self.connection.execute_batch(end)?;
            }
        }
        Ok(())
    }

    /// Whether the put may happen, and where its file belongs.
    fn judge_put(&self, put: &Put) -> Result<S3Result<Location>, Stale> {
        let judged = || -> S3Result<Result<Location, Stale>> {
            let (bucket, key) = (&put.bucket, &put.key);
            if !database::bucket_exists(&self.connection, bucket).map_err(database_error)? {
                return Err(refusal(S3ErrorCode::NoSuchBucket));
            }
            if let Some(upload) = &put.upload {
                parts::require_open(&self.connection, upload)?;
            }
            let (current, _) =
                database::object(&self.connection, bucket, key).map_err(database_error)?;
            if !put.conditions.is_empty() {
                if self.is_stale(bucket, key, current.as_ref())? {
                    return Ok(Err(Stale));
                }
                put.conditions.check(current.as_ref())?;
            }
            match current {
                Some(object) => Ok(Ok(object.location)),
                None => self.choose_location(bucket, key).map(Ok),
            }
        };
        match judged() {
            Ok(Ok(location)) => Ok(Ok(location)),
            Ok(Err(stale)) => Err(stale),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Whether the delete may happen, and where the file is; `None` where there is nothing to delete.
    fn judge_delete(&self, delete: &Delete) -> Result<S3Result<Option<Location>>, Stale> {
        let judged = || -> S3Result<Result<Option<Location>, Stale>> {
            let (bucket, key) = (&delete.bucket, &delete.key);
            if !database::bucket_exists(&self.connection, bucket).map_err(database_error)? {
                return Err(refusal(S3ErrorCode::NoSuchBucket));
            }
            let (current, _) =
                database::object(&self.connection, bucket, key).map_err(database_error)?;
            if (current.is_none() || !delete.conditions.is_empty())
                && self.is_stale(bucket, key, current.as_ref())?
            {
                return Ok(Err(Stale));
            }
            delete.conditions.check(current.as_ref())?;
            Ok(Ok(current.map(|object| object.location)))
        };
        match judged() {
            Ok(Ok(location)) => Ok(Ok(location)),
            Ok(Err(stale)) => Err(stale),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Whether the file is not what the row says.
    fn is_stale(&self, bucket: &str, key: &str, current: Option<&Object>) -> S3Result<bool> {
        let location = match current {
            Some(object) => object.location,
            None if is_adoptable(key) => Location::Plain,
            None => return Ok(false),
        };
        let standing = self
            .shared
            .look(bucket, key, location)
            .map_err(|error| file_error("look at", error))?;
        Ok(match (current, standing) {
            (Some(object), Standing::File(identity)) => identity != object.identity,
            (Some(_), _) => true,
            // A file under a name that another object has taken is that object's.
            (None, Standing::File(identity)) => !database::same_name(&self.connection, bucket, key)
                .map_err(database_error)?
                .iter()
                .any(|(_, object)| object.identity == identity),
            (None, _) => false,
        })
    }

    fn choose_location(&self, bucket: &str, key: &str) -> S3Result<Location> {
        if !is_plain(key)
            || database::collides(&self.connection, bucket, key).map_err(database_error)?
        {
            return Ok(Location::Odd);
        }
        match self.shared.look(bucket, key, Location::Plain) {
            Ok(Standing::Obstacle) => Ok(Location::Odd),
            // A name that the file system finds too long as a path, say.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput
                ) =>
            {
                Ok(Location::Odd)
            }
            Ok(_) => Ok(Location::Plain),
            Err(error) => Err(file_error("look at", error)),
        }
    }

    /// Steps (2) to (4).
    fn place(&mut self, prepared: Vec<Prepared>) {
        if prepared.is_empty() {
            return;
        }
        let mut unsynced = Vec::new();
        let placed: Vec<(Prepared, io::Result<()>)> = prepared
            .into_iter()
            .map(|mut write| {
                let result = write.place(&self.shared.folders, &mut unsynced);
                (write, result)
            })
            .collect();
        let synced = unsynced
            .into_iter()
            .collect::<BTreeSet<PathBuf>>()
            .iter()
            .try_for_each(|f| files::sync_folder(f));
        if let Err(error) = synced {
            // Whether the renames will last is unknown: recovery decides by what it finds.
            tracing::error!(%error, "s3 store: cannot sync a folder");
            placed
                .into_iter()
                .for_each(|(write, _)| write.refuse(&format!("cannot sync a folder: {error}")));
            return;
        }
        let promoted = self.promote(&placed).map_err(|error| self.undo(&error));
        for (write, result) in placed {
            match (&promoted, result) {
                (Err(message), _) => write.refuse(message),
                (Ok(()), Err(error)) => write.refuse(&format!("cannot place the file: {error}")),
                (Ok(()), Ok(())) => write.succeed(&self.shared.folders),
            }
        }
    }

    /// Transaction (3).
    fn promote(&self, placed: &[(Prepared, io::Result<()>)]) -> rusqlite::Result<()> {
        let connection = &self.connection;
        database::set_durable(connection, false)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for (write, result) in placed {
            match write {
                Prepared::Put { put, location, .. } => {
                    database::delete_object(connection, &put.bucket, &put.key, true)?;
                    if result.is_ok() {
                        let object = put.object(*location);
                        database::put_object(connection, &put.bucket, &put.key, None, &object)?;
                        if let Some(upload) = &put.upload {
                            parts::mark_completed(connection, upload, &put.etag)?;
                        }
                        self.shared.record(
                            connection,
                            &put.bucket,
                            &put.key,
                            put.event.name(),
                            Some(&object),
                        )?;
                    }
                }
                Prepared::Delete { delete, .. } => {
                    if result.is_ok()
                        && database::delete_object(connection, &delete.bucket, &delete.key, false)?
                    {
                        let name = Event::Delete.name();
                        self.shared
                            .record(connection, &delete.bucket, &delete.key, name, None)?;
                    }
                }
            }
        }
        connection.execute_batch("COMMIT")
    }
}

impl Put {
    fn object(&self, location: Location) -> Object {
        Object {
            location,
            identity: self.identity,
            etag: self.etag.clone(),
            modified_ms: self.modified_ms,
            attributes: self.attributes.clone(),
        }
    }
}

impl Prepared {
    /// Renames or removes the file; says which folders changed.
    fn place(&mut self, folders: &Folders, unsynced: &mut Vec<PathBuf>) -> io::Result<()> {
        match self {
            Prepared::Put { put, location, .. } => {
                let (root, relative) = folders.locate(&put.bucket, &put.key, *location);
                let target = root.join(&relative);
                let mut tries = 0;
                loop {
                    let placed = files::make_parents(&root, &relative, unsynced)
                        .and_then(|()| put.file.place(&target));
                    match placed {
                        // A folder above was removed in between.
                        Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 3 => {
                            tries += 1
                        }
                        Err(error) => return Err(error),
                        Ok(()) => break,
                    }
                }
                unsynced.extend(target.parent().map(PathBuf::from));
            }
            Prepared::Delete {
                delete, location, ..
            } => {
                let (root, relative) = folders.locate(&delete.bucket, &delete.key, *location);
                if let Standing::File(_) = files::look(&root, &relative)? {
                    let target = root.join(&relative);
                    std::fs::remove_file(&target).or_else(files::absent)?;
                    unsynced.extend(target.parent().map(PathBuf::from));
                }
            }
        }
        Ok(())
    }

    fn refuse(self, message: &str) {
        match self {
            Prepared::Put { reply, .. } => {
                let _ = reply.send(Err(Refused::Error(s3_error!(InternalError, "{message}"))));
            }
            Prepared::Delete { reply, .. } => {
                let _ = reply.send(Err(Refused::Error(s3_error!(InternalError, "{message}"))));
            }
        }
    }

    fn succeed(self, folders: &Folders) {
        match self {
            Prepared::Put { reply, .. } => drop(reply.send(Ok(()))),
            Prepared::Delete {
                delete,
                location,
                reply,
            } => {
                if location == Location::Plain {
                    files::remove_empty_parents(&folders.bucket(&delete.bucket), &delete.key);
                }
                let _ = reply.send(Ok(()));
            }
        }
    }
}

/// The file was changed behind the store's back.
struct Stale;

fn key_of(request: &Request) -> Option<(String, String)> {
    match request {
        Request::Put(put, _) => Some((put.bucket.clone(), put.key.clone())),
        Request::Delete(delete, _) => Some((delete.bucket.clone(), delete.key.clone())),
        Request::Change { .. } => None,
    }
}
