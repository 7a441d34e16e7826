//! A sweep ingests many objects of one bucket. It *surveys* a hundred objects at a time: it looks
//! up in the table which of them are already ingested. Then it processes the others. The number of
//! objects that are processed at the same time is limited.
//!
//! If the notifications of the bucket start an ingest in the background, the sweep leaves the
//! objects to that ingest and waits until they are done. If the background ingest makes no
//! progress, the sweep processes the objects itself.

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
use crate::archive::{ArchiveKey, KeyPlace};
use crate::identity::BytesRelation;
use crate::ingest::survey::{IngestStatus, ListedObject, SURVEY_BATCH};
use crate::ingest::{Ingest, IngestError, Outcome};
use crate::object::{Bucket, ObjectRef};
use crate::storage::{Storage, StorageError};
use crate::telemetry::error_chain;
use s3_folder::{ObjectAddress, S3Store};

/// The maximum number of surveys that run at the same time. A survey finds out which objects are
/// already ingested.
const MAX_SURVEYS: usize = 4;
/// The maximum number of files that are uploaded at the same time.
const MAX_UPLOADS: usize = 16;
/// The maximum number of objects for which the sweep waits at the same time, until the background
/// ingest has processed them.
const MAX_WAITING_KEYS: usize = 256;
/// The time between two surveys of the objects for which the sweep waits.
const SURVEY_INTERVAL: Duration = Duration::from_millis(200);
/// The time without progress of the background ingest after which the sweep processes the objects
/// itself.
const STALL: Duration = Duration::from_secs(20);
/// The maximum number of attempts for an object, if each error is retryable.
const MAX_ATTEMPTS: u32 = 4;
/// The pause before the second attempt. The pause doubles with each further attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// An object or a local file that the sweep ingests if it is not ingested yet.
pub(super) struct Candidate {
    pub(super) key: String,
    /// The size of the object or file, in bytes.
    pub(super) bytes: u64,
    /// The object in the listing of the bucket, or `None` if the file must be uploaded first.
    pub(super) seen: Option<ListedObject>,
    /// The object that an upload of the file replaces, or `None` if the key is free.
    pub(super) replaced: Option<ListedObject>,
    /// The file to upload, or `None` if the object exists already.
    pub(super) upload: Option<Upload>,
}

/// The result of a sweep for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyResult {
    /// The photo was in the catalogue already. `undated` is `true` if it has no credible date.
    Known { undated: bool },
    /// An earlier ingest found that the object is not a photo, and skipped the object.
    KnownNotAPhoto,
    /// The object was skipped, because its name is never a photo's. The text is the reason.
    SkippedName(String),
    /// This ingest added the photo to the catalogue. `undated` is `true` if it has no credible
    /// date.
    New { undated: bool },
    /// This ingest replaced a photo of the catalogue by an edit under the same key.
    Edited,
    /// This ingest found that the object is not a photo, and skipped the object.
    NotAPhoto,
    /// The object no longer exists.
    Gone,
    /// The object could not be uploaded or processed. The text is the error in one line.
    Failed(String),
}

/// An object that waits for the background ingest, and the sender of the channel on which the
/// waiting task receives the new status of the object.
type WaitingKey = (ListedObject, oneshot::Sender<IngestStatus>);

/// The ingest of many objects of one bucket.
pub(super) struct Sweep {
    storage: Storage,
    /// The embedded S3 store, if it runs in this process. Local files are uploaded to it without a
    /// request.
    store: Option<S3Store>,
    ingest: Ingest,
    bucket: Bucket,
    /// The maximum number of objects that this sweep processes at the same time.
    jobs: usize,
    uploads: Arc<Semaphore>,
    /// Limits the number of photos that this sweep processes at the same time. Photos that the
    /// background ingest processes are not counted.
    processing: Semaphore,
    /// Waits for the background ingest. `None` if this sweep processes all objects itself.
    waiter: Option<Waiter>,
}

/// The queue of the task [`watch_waiting`], which waits until the background ingest has processed
/// the objects in the queue.
struct Waiter {
    queue: mpsc::UnboundedSender<WaitingKey>,
    /// `true` if the background ingest has made no progress for the time [`STALL`].
    stalled: Arc<AtomicBool>,
}

impl Sweep {
    /// Creates a sweep of a bucket that processes at most `jobs` objects at the same time. If
    /// `wait` is given, the sweep leaves the objects to the background ingest as long as that
    /// ingest makes progress. `wait` returns the number of notifications that the background ingest
    /// has not processed yet.
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

    /// Returns a stream of the candidates with their ingest statuses, in the same order. A
    /// candidate that must be uploaded first has the status [`IngestStatus::Changed`] if its upload
    /// replaces an archived object, and otherwise [`IngestStatus::New`].
    pub(super) fn survey<'a>(
        &'a self,
        candidates: impl Stream<Item = Result<Candidate, StorageError>> + 'a,
    ) -> impl Stream<Item = anyhow::Result<(Candidate, IngestStatus)>> + 'a {
        candidates
            .chunks(SURVEY_BATCH)
            .map(move |chunk| async move {
                let chunk: Vec<Candidate> = chunk.into_iter().collect::<Result<_, _>>()?;
                let listed = chunk.iter().map(Candidate::listed);
                let seen: Vec<ListedObject> = listed.flatten().cloned().collect();
                let mut statuses = self
                    .ingest
                    .survey_objects(&self.bucket, &seen)
                    .await?
                    .into_iter();
                let surveyed = chunk.into_iter().map(|candidate| {
                    let status = candidate.listed().and_then(|_| statuses.next());
                    let status = status.unwrap_or(IngestStatus::New);
                    let status = match (&candidate.upload, status) {
                        (None, status) => status,
                        // The bytes are compared after the upload.
                        (Some(_), IngestStatus::Known { archive_key, .. }) => {
                            IngestStatus::Changed {
                                archive_key,
                                bytes: BytesRelation::Other,
                            }
                        }
                        (Some(_), changed @ IngestStatus::Changed { .. }) => changed,
                        (Some(_), _) => IngestStatus::New,
                    };
                    (candidate, status)
                });
                Ok::<_, anyhow::Error>(surveyed.collect::<Vec<_>>())
            })
            .buffered(MAX_SURVEYS)
            .map_ok(|chunk| stream::iter(chunk.into_iter().map(Ok)))
            .try_flatten()
    }

    /// Ingests the candidates. Calls `each` for every candidate with its key, its size in bytes and
    /// its result. If `shutdown` is cancelled, finishes the candidates that are in work and starts
    /// no others.
    ///
    /// # Errors
    /// Fails if the bucket cannot be listed or if a survey fails. If one candidate fails, its
    /// result is [`KeyResult::Failed`] and the sweep continues.
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

    async fn process(&self, mut candidate: Candidate, mut status: IngestStatus) -> KeyResult {
        if let Some(upload) = &candidate.upload {
            let Ok(_permit) = self.uploads.acquire().await else {
                return KeyResult::Failed("the uploads have ended".to_owned());
            };
            match self.put(upload).await {
                Err(why) => return KeyResult::Failed(why),
                Ok(etag) => {
                    let replaced = candidate.replaced.as_ref();
                    if let IngestStatus::Changed { bytes, .. } = &mut status
                        && replaced.is_some_and(|replaced| replaced.etag == etag)
                    {
                        *bytes = BytesRelation::Equal;
                    }
                    candidate.seen = Some(ListedObject {
                        key: upload.key.clone(),
                        etag,
                        size_bytes: upload.size_bytes,
                        last_modified: None,
                    });
                }
            }
        }
        let earlier = status.clone();
        let status = match status {
            IngestStatus::Known { undated, .. } | IngestStatus::Duplicate { undated } => {
                return KeyResult::Known { undated };
            }
            IngestStatus::Skipped => return KeyResult::KnownNotAPhoto,
            IngestStatus::SkippedName(reason) => return KeyResult::SkippedName(reason),
            IngestStatus::New | IngestStatus::Changed { .. } => {
                match (&self.waiter, candidate.seen) {
                    (Some(waiter), Some(seen)) => waiter.wait(seen, status).await,
                    _ => status,
                }
            }
            IngestStatus::Outside => status,
        };
        let object = match &status {
            IngestStatus::Known {
                archive_key,
                undated,
            } => return self.archived_result(&earlier, archive_key, *undated).await,
            IngestStatus::Duplicate { undated } => return KeyResult::Known { undated: *undated },
            IngestStatus::Skipped => return KeyResult::NotAPhoto,
            IngestStatus::SkippedName(reason) => return KeyResult::SkippedName(reason.clone()),
            IngestStatus::New | IngestStatus::Changed { .. } | IngestStatus::Outside => {
                self.bucket.object(candidate.key.as_str())
            }
        };
        let Ok(_permit) = self.processing.acquire().await else {
            return KeyResult::Failed("the sweep has ended".to_owned());
        };
        match self.sync_object(&object).await {
            Ok(Outcome::Archived(key)) => self.archived_result(&earlier, &key, false).await,
            Ok(Outcome::Undated(key)) => self.archived_result(&earlier, &key, true).await,
            Ok(Outcome::Duplicate(key)) => KeyResult::Known {
                undated: key.is_undated(),
            },
            Ok(Outcome::Unchanged) if matches!(earlier, IngestStatus::Changed { .. }) => {
                KeyResult::Known {
                    undated: self.is_undated(&object),
                }
            }
            Ok(Outcome::Indexed | Outcome::Removed | Outcome::Unchanged) => KeyResult::New {
                undated: self.is_undated(&object),
            },
            Ok(Outcome::Skipped(_)) => KeyResult::NotAPhoto,
            Ok(Outcome::Gone) => KeyResult::Gone,
            Ok(Outcome::Outside) => KeyResult::Failed(format!(
                "{object} is under neither the source nor the archive prefix"
            )),
            Err(error) => KeyResult::Failed(error.to_string()),
        }
    }

    /// Uploads a local file. Returns the ETag of the new object, or an error in one line.
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

    /// Returns the result for an object that is now archived under `key`. `earlier` is its status
    /// before. Reads the item of the photo if the key is another one than before: an edit that has
    /// changed the day moves its photo, and the two stems are kin then.
    async fn archived_result(
        &self,
        earlier: &IngestStatus,
        key: &ArchiveKey,
        undated: bool,
    ) -> KeyResult {
        let IngestStatus::Changed { archive_key, bytes } = earlier else {
            return KeyResult::New { undated };
        };
        match bytes {
            BytesRelation::Equal => KeyResult::Known { undated },
            BytesRelation::Other if archive_key == key => KeyResult::Edited,
            BytesRelation::Other => match self.ingest.has_kin(key, archive_key).await {
                Ok(true) => KeyResult::Edited,
                Ok(false) => KeyResult::New { undated },
                Err(error) => KeyResult::Failed(error.to_string()),
            },
        }
    }

    /// Archives and indexes an object. Repeats a failed attempt if its error is retryable, up to
    /// [`MAX_ATTEMPTS`] attempts in all.
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

impl Candidate {
    /// Returns the object in the bucket that has the key of the candidate, if there is one.
    fn listed(&self) -> Option<&ListedObject> {
        self.seen.as_ref().or(self.replaced.as_ref())
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

    /// Waits until the background ingest has processed an object whose status was `status`. Stops
    /// earlier if the background ingest has no work left or makes no progress. Returns the status
    /// of the object at the end of the wait.
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

/// Surveys the waiting objects again and again, until the sweep is dropped. When the background
/// ingest has processed an object, sends the new status to the task that waits for the object. If
/// the background ingest has no work left or makes no progress, sends the statuses of all waiting
/// objects.
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
            let is_done = matches!(
                status,
                IngestStatus::Known { .. }
                    | IngestStatus::Duplicate { .. }
                    | IngestStatus::Skipped
                    | IngestStatus::SkippedName(_)
            );
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
