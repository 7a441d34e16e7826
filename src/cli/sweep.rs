//! Ingests many keys of one bucket. It surveys a hundred keys at a time, and processes the keys
//! that are not ingested yet. The number of keys that are processed at the same time is limited.
//!
//! If the store's notifications start an ingest in the background, the sweep leaves the keys to
//! that ingest and waits until they are done. If the background ingest makes no progress, the sweep
//! processes the keys itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, Stream};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::session::{BacklogProbe, Session};
use super::upload::Upload;
use crate::archive::KeyPlace;
use crate::ingest::survey::{IngestStatus, ListedObject, SURVEY_BATCH};
use crate::ingest::{Ingest, IngestError, Outcome};
use crate::object::{Bucket, ObjectRef};
use crate::storage::{Storage, StorageError};
use crate::telemetry::error_chain;
use s3_folder::{ObjectAddress, S3Store};

/// The maximum number of surveys that run at the same time.
const MAX_SURVEYS: usize = 4;
/// The maximum number of uploads at the same time.
const MAX_UPLOADS: usize = 16;
/// The maximum number of keys for which the sweep waits at the same time.
const MAX_WAITING_KEYS: usize = 256;
/// The time between two surveys of the keys for which the sweep waits.
const SURVEY_INTERVAL: Duration = Duration::from_millis(200);
/// The time without progress after which the sweep no longer waits for the background ingest.
const STALL: Duration = Duration::from_secs(20);
/// The maximum number of attempts for a key, if each error is retryable.
const MAX_ATTEMPTS: u32 = 4;
/// The pause before the second attempt. It doubles with each further attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A key that a sweep should ingest.
pub(super) struct Candidate {
    pub(super) key: String,
    /// The size of the object or file, in bytes.
    pub(super) bytes: u64,
    /// The object as it was listed, or `None` if it must be uploaded first.
    pub(super) seen: Option<ListedObject>,
    /// The file to upload, or `None` if the object exists already.
    pub(super) upload: Option<Upload>,
}

/// The result of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyResult {
    /// The photo was in the catalogue already.
    Known { undated: bool },
    /// The object is not a photo, and an earlier ingest skipped it already.
    KnownNotAPhoto,
    /// The photo is new in the catalogue.
    New { undated: bool },
    /// The object is not a photo. This ingest skipped it.
    NotAPhoto,
    /// The object no longer exists.
    Gone,
    /// The key failed. The text is the error in one line.
    Failed(String),
}

/// An object that the background ingest should process, and the sender that returns its status to
/// the waiting task.
type WaitingKey = (ListedObject, oneshot::Sender<IngestStatus>);

/// The ingest of many keys of one bucket.
pub(super) struct Sweep {
    storage: Storage,
    /// The embedded store, if this process runs it. It accepts local files without a request.
    store: Option<S3Store>,
    ingest: Ingest,
    bucket: Bucket,
    /// The maximum number of keys that are processed at the same time.
    jobs: usize,
    uploads: Arc<Semaphore>,
    /// Limits the photos that this sweep processes at the same time. Photos that the background
    /// ingest processes do not count.
    processing: Semaphore,
    /// Waits for the background ingest, or `None` if this sweep processes all keys itself.
    waiter: Option<Waiter>,
}

/// Waits for the keys that the background ingest should process.
struct Waiter {
    queue: mpsc::UnboundedSender<WaitingKey>,
    /// `true` after the background ingest has made no progress for [`STALL`].
    stalled: Arc<AtomicBool>,
}

impl Sweep {
    /// Creates a sweep of a bucket, which processes at most `jobs` keys at the same time. With
    /// `wait`, the keys are left to the background ingest, as long as it makes progress.
    pub(super) fn new(
        session: &Session,
        bucket: &Bucket,
        jobs: usize,
        wait: Option<BacklogProbe>,
    ) -> Self {
        let ingest = || session.ingest.clone();
        Sweep {
            storage: session.storage.clone(),
            store: session.store().cloned(),
            ingest: ingest(),
            bucket: bucket.clone(),
            jobs,
            uploads: Arc::new(Semaphore::new(MAX_UPLOADS)),
            processing: Semaphore::new(jobs),
            waiter: wait.map(|backlog| Waiter::start(ingest(), bucket.clone(), backlog)),
        }
    }

    /// Returns the ingest status of each candidate, in the order of the candidates. A candidate
    /// that must be uploaded first is new.
    pub(super) fn survey<'a>(
        &'a self,
        candidates: impl Stream<Item = Result<Candidate, StorageError>> + 'a,
    ) -> impl Stream<Item = anyhow::Result<(Candidate, IngestStatus)>> + 'a {
        candidates
            .chunks(SURVEY_BATCH)
            .map(move |chunk| async move {
                let chunk: Vec<Candidate> = chunk.into_iter().collect::<Result<_, _>>()?;
                let is_there = |candidate: &&Candidate| candidate.upload.is_none();
                let seen = chunk.iter().filter(is_there);
                let seen: Vec<ListedObject> = seen.filter_map(|one| one.seen.clone()).collect();
                let mut statuses = self
                    .ingest
                    .survey_objects(&self.bucket, &seen)
                    .await?
                    .into_iter();
                let surveyed = chunk.into_iter().map(|candidate| {
                    let status = match (&candidate.upload, &candidate.seen) {
                        (None, Some(_)) => statuses.next(),
                        _ => None,
                    };
                    (candidate, status.unwrap_or(IngestStatus::New))
                });
                Ok::<_, anyhow::Error>(surveyed.collect::<Vec<_>>())
            })
            .buffered(MAX_SURVEYS)
            .map_ok(|chunk| stream::iter(chunk.into_iter().map(Ok)))
            .try_flatten()
    }

    /// Ingests the candidates, and calls `each` with the key, the size in bytes and the result of
    /// each. After `shutdown`, no further key is begun. The keys that are already begun are
    /// finished.
    ///
    /// # Errors
    /// Fails if a listing or a survey fails. If a single key fails, its result is
    /// [`KeyResult::Failed`].
    pub(super) async fn run(
        &self,
        candidates: impl Stream<Item = Result<Candidate, StorageError>>,
        shutdown: &CancellationToken,
        mut each: impl FnMut(&str, u64, KeyResult),
    ) -> anyhow::Result<()> {
        let width = if self.waiter.is_some() {
            MAX_WAITING_KEYS
        } else {
            self.jobs
        };
        let surveyed = self
            .survey(candidates)
            .take_until(Box::pin(shutdown.cancelled()));
        let work = surveyed
            .map_ok(|(candidate, status)| async move {
                let bytes = candidate.bytes;
                let key = candidate.key.clone();
                let done = self.process(candidate, status).await;
                Ok((key, bytes, done))
            })
            .try_buffer_unordered(width);
        let mut work = std::pin::pin!(work);
        while let Some((key, bytes, done)) = work.try_next().await? {
            each(&key, bytes, done);
        }
        Ok(())
    }

    async fn process(&self, mut candidate: Candidate, status: IngestStatus) -> KeyResult {
        if let Some(upload) = &candidate.upload {
            let Ok(_permit) = self.uploads.acquire().await else {
                return KeyResult::Failed("the uploads have ended".to_owned());
            };
            match self.put(upload).await {
                Err(why) => return KeyResult::Failed(why),
                Ok(etag) => {
                    candidate.seen = Some(ListedObject {
                        key: upload.key.clone(),
                        etag,
                        size_bytes: upload.size_bytes,
                        last_modified: None,
                    });
                }
            }
        }
        let status = match status {
            IngestStatus::Known { undated } => return KeyResult::Known { undated },
            IngestStatus::Skipped => return KeyResult::KnownNotAPhoto,
            IngestStatus::New | IngestStatus::Unindexed { .. } => {
                match (&self.waiter, candidate.seen) {
                    (Some(waiter), Some(seen)) => waiter.wait(seen, status).await,
                    _ => status,
                }
            }
            IngestStatus::Outside => status,
        };
        let object = match &status {
            IngestStatus::Known { undated } => return KeyResult::New { undated: *undated },
            IngestStatus::Skipped => return KeyResult::NotAPhoto,
            IngestStatus::Unindexed { archive_key } => archive_key.object().clone(),
            IngestStatus::New | IngestStatus::Outside => self.bucket.object(candidate.key.as_str()),
        };
        let Ok(_permit) = self.processing.acquire().await else {
            return KeyResult::Failed("the sweep has ended".to_owned());
        };
        match self.sync_object(&object).await {
            Ok(Outcome::Archived(_) | Outcome::Indexed | Outcome::Removed | Outcome::Unchanged) => {
                KeyResult::New {
                    undated: self.is_undated(&object),
                }
            }
            Ok(Outcome::Undated(_)) => KeyResult::New { undated: true },
            Ok(Outcome::Skipped(_)) => KeyResult::NotAPhoto,
            Ok(Outcome::Gone) => KeyResult::Gone,
            Ok(Outcome::Outside) => KeyResult::Failed(format!(
                "{object} is under neither the source nor the archive prefix"
            )),
            Err(error) => KeyResult::Failed(error.to_string()),
        }
    }

    /// Uploads a file and returns the ETag of the new object.
    async fn put(&self, Upload { path, key, .. }: &Upload) -> Result<String, String> {
        match &self.store {
            Some(store) => {
                let taken = store
                    .put_local_file(&ObjectAddress::new(self.bucket.as_str(), key), path)
                    .await;
                taken.map_err(|error| error_chain(&error))
            }
            None => {
                let object = self.bucket.object(key);
                let put = self.storage.put_file(&object, path, None).await;
                put.map_err(|error| error.to_string())
            }
        }
    }

    /// Reports whether an object is in the archive's folder for undated photos. A photo in another
    /// folder may be undated too, but only the catalogue records that.
    fn is_undated(&self, object: &ObjectRef) -> bool {
        let place = self.ingest.layout().place(object);
        matches!(place, Some(KeyPlace::Archive(key)) if key.is_undated())
    }

    /// Archives and indexes an object. Tries again after a retryable error, at most [`MAX_ATTEMPTS`]
    /// times in all.
    async fn sync_object(&self, object: &ObjectRef) -> Result<Outcome, IngestError> {
        let mut attempt = 1;
        loop {
            match self.ingest.sync_object(object).await {
                Err(error) if error.is_retryable() && attempt < MAX_ATTEMPTS => {
                    tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }
}

impl Waiter {
    fn start(ingest: Ingest, bucket: Bucket, backlog: BacklogProbe) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let stalled = Arc::new(AtomicBool::new(false));
        tokio::spawn(watch_waiting(
            ingest,
            bucket,
            backlog,
            waiting,
            Arc::clone(&stalled),
        ));
        Waiter { queue, stalled }
    }

    /// Waits until the background ingest has processed an object or makes no progress. Returns the
    /// status of the object then. `status` is the status before.
    async fn wait(&self, seen: ListedObject, status: IngestStatus) -> IngestStatus {
        if self.stalled.load(Ordering::Relaxed) {
            return status;
        }
        let (sender, receiver) = oneshot::channel();
        if self.queue.send((seen, sender)).is_err() {
            return status;
        }
        receiver.await.unwrap_or(status)
    }
}

/// Surveys the waiting keys again and again, until the sweep is dropped. Sends the status of each
/// key that is done to its waiting task. If the background ingest makes no progress, sends the
/// status of all keys.
async fn watch_waiting(
    ingest: Ingest,
    bucket: Bucket,
    backlog: BacklogProbe,
    mut queue: mpsc::UnboundedReceiver<WaitingKey>,
    stalled: Arc<AtomicBool>,
) {
    let mut waiting: Vec<WaitingKey> = Vec::new();
    let (mut last_progress, mut left_before) = (Instant::now(), None);
    loop {
        if waiting.is_empty() {
            match queue.recv().await {
                Some(first) => waiting.push(first),
                None => return,
            }
            last_progress = Instant::now();
        }
        tokio::time::sleep(SURVEY_INTERVAL).await;
        while let Ok(next) = queue.try_recv() {
            waiting.push(next);
        }
        // The backlog must be read before the survey. If it is empty now, the background ingest is
        // not working on any key that the survey finds unfinished.
        let left = backlog();
        let is_backlog_empty = left == Some(0);
        if left != left_before {
            // The background ingest processes the keys in its own order, so any change of the
            // backlog is progress.
            last_progress = Instant::now();
        }
        left_before = left;
        let statuses = survey_waiting(&ingest, &bucket, &waiting).await;
        let is_stalled = last_progress.elapsed() >= STALL;
        let mut unfinished = Vec::new();
        for ((seen, sender), status) in waiting.drain(..).zip(statuses) {
            let is_done = matches!(status, IngestStatus::Known { .. } | IngestStatus::Skipped);
            if is_done {
                last_progress = Instant::now();
            }
            if is_done || is_backlog_empty || is_stalled {
                // The receiver no longer exists if the sweep was interrupted.
                let _ = sender.send(status);
            } else {
                unfinished.push((seen, sender));
            }
        }
        waiting = unfinished;
        if is_stalled && !stalled.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "no other ingest makes progress with these uploads; processing them here"
            );
        }
    }
}

async fn survey_waiting(
    ingest: &Ingest,
    bucket: &Bucket,
    waiting: &[WaitingKey],
) -> Vec<IngestStatus> {
    let seen: Vec<ListedObject> = waiting.iter().map(|(seen, _)| seen.clone()).collect();
    match ingest.survey_objects(bucket, &seen).await {
        Ok(statuses) => statuses,
        Err(error) => {
            tracing::warn!(%error, "cannot survey the uploads; trying again");
            vec![IngestStatus::New; seen.len()]
        }
    }
}
