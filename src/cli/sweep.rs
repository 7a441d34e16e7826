//! Ingests many keys of one bucket: surveys a hundred at a time, and processes those that are not
//! done, a bounded number at once.
//!
//! If notifications have already started an ingest, the sweep leaves the keys to it and waits for
//! them. If that ingest makes no progress, the sweep processes the keys itself.

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

/// Surveys that run while photos are processed.
const SURVEYS: usize = 4;
/// Uploads at a time.
const UPLOADS: usize = 16;
/// Keys that are waited for at a time.
const WAITING: usize = 256;
/// How often the keys that are waited for are surveyed.
const SURVEY_INTERVAL: Duration = Duration::from_millis(200);
/// How long the background ingest may make no progress.
const STALL: Duration = Duration::from_secs(20);
/// How often a key is tried if its error is retryable.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt. It doubles with each further attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A key to ingest.
pub(super) struct Candidate {
    pub(super) key: String,
    pub(super) bytes: u64,
    /// The object, or `None` if it must be uploaded first.
    pub(super) seen: Option<ListedObject>,
    /// The file to upload, or `None` if the object is there.
    pub(super) upload: Option<Upload>,
}

/// The result of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// The photo was in the catalogue before.
    Known { undated: bool },
    /// The object was skipped before, because it is no photo.
    KnownNotAPhoto,
    /// The photo is new in the catalogue.
    New { undated: bool },
    /// The object is no photo.
    NotAPhoto,
    /// The object does not exist any more.
    Gone,
    /// The error, in one line.
    Failed(String),
}

/// An object that the background ingest should process, and who waits for it.
type WaitingKey = (ListedObject, oneshot::Sender<IngestStatus>);

/// The ingest of many keys of one bucket.
pub(super) struct Sweep {
    storage: Storage,
    /// The embedded store, if this process runs it. It copies local files without a request.
    store: Option<S3Store>,
    ingest: Ingest,
    bucket: Bucket,
    jobs: usize,
    uploads: Arc<Semaphore>,
    /// Limits the photos that are processed here at a time. Those that are waited for do not count.
    processing: Semaphore,
    waiter: Option<Waiter>,
}

/// Waits for the keys that the background ingest should process.
struct Waiter {
    queue: mpsc::UnboundedSender<WaitingKey>,
    stalled: Arc<AtomicBool>,
}

impl Sweep {
    /// Prepares a sweep of a bucket. With `wait`, keys are left to the background ingest while it
    /// makes progress.
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
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            processing: Semaphore::new(jobs),
            waiter: wait.map(|backlog| Waiter::start(ingest(), bucket.clone(), backlog)),
        }
    }

    /// Surveys the candidates, in their order. A candidate that must be uploaded first counts as
    /// new.
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
            .buffered(SURVEYS)
            .map_ok(|chunk| stream::iter(chunk.into_iter().map(Ok)))
            .try_flatten()
    }

    /// Ingests the candidates and calls `each` with the result of each key. After `shutdown`, no
    /// key is begun, and those that are under way are finished.
    ///
    /// # Errors
    /// The listing or the table fails. The error of a single key is its result.
    pub(super) async fn run(
        &self,
        candidates: impl Stream<Item = Result<Candidate, StorageError>>,
        shutdown: &CancellationToken,
        mut each: impl FnMut(&str, u64, Done),
    ) -> anyhow::Result<()> {
        let width = if self.waiter.is_some() {
            WAITING
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

    async fn process(&self, mut candidate: Candidate, status: IngestStatus) -> Done {
        if let Some(upload) = &candidate.upload {
            let Ok(_permit) = self.uploads.acquire().await else {
                return Done::Failed("the uploads have ended".to_owned());
            };
            match self.put(upload).await {
                Err(why) => return Done::Failed(why),
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
            IngestStatus::Known { undated } => return Done::Known { undated },
            IngestStatus::Skipped => return Done::KnownNotAPhoto,
            IngestStatus::New | IngestStatus::Unindexed { .. } => {
                match (&self.waiter, candidate.seen) {
                    (Some(waiter), Some(seen)) => waiter.wait(seen, status).await,
                    _ => status,
                }
            }
            IngestStatus::Outside => status,
        };
        let object = match &status {
            IngestStatus::Known { undated } => return Done::New { undated: *undated },
            IngestStatus::Skipped => return Done::NotAPhoto,
            IngestStatus::Unindexed { archive_key } => archive_key.object().clone(),
            IngestStatus::New | IngestStatus::Outside => self.bucket.object(candidate.key.as_str()),
        };
        let Ok(_permit) = self.processing.acquire().await else {
            return Done::Failed("the sweep has ended".to_owned());
        };
        match self.sync_object(&object).await {
            Ok(Outcome::Archived(_) | Outcome::Indexed | Outcome::Removed | Outcome::Unchanged) => {
                Done::New {
                    undated: self.is_undated(&object),
                }
            }
            Ok(Outcome::Undated(_)) => Done::New { undated: true },
            Ok(Outcome::Skipped(_)) => Done::NotAPhoto,
            Ok(Outcome::Gone) => Done::Gone,
            Ok(Outcome::Outside) => Done::Failed(format!(
                "{object} is under neither the source nor the archive prefix"
            )),
            Err(error) => Done::Failed(error.to_string()),
        }
    }

    /// Stores a file and returns its ETag.
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

    /// Reports whether an object is in the archive's folder for undated photos. Only the catalogue
    /// records whether a photo in another folder is undated.
    fn is_undated(&self, object: &ObjectRef) -> bool {
        let place = self.ingest.layout().place(object);
        matches!(place, Some(KeyPlace::Archive(key)) if key.is_undated())
    }

    /// Archives and indexes an object. Retries errors that may pass.
    async fn sync_object(&self, object: &ObjectRef) -> Result<Outcome, IngestError> {
        let mut attempt = 1;
        loop {
            match self.ingest.sync_object(object).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
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

    /// Returns the status of an object when the background ingest has processed it or makes no
    /// progress.
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

/// Surveys the waiting keys until the sweep is dropped, and answers those that are done.
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
        // Must come before the survey: if the backlog is empty now, no ingest works on a key that
        // the survey does not find done.
        let left = backlog();
        let is_backlog_empty = left == Some(0);
        if left != left_before {
            // The background ingest has an order of its own, so any key is progress.
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
                // The receiver is gone if the sweep was broken off.
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
