//! Makes many keys of one bucket right: surveys a hundred at a time, works on what is not done, a bounded number at
//! once.
//!
//! Where an ingest that notifications wake is at work already, it is left to it and waited for; where that does not
//! get on, the work is done here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, Stream};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::library::Opened;
use super::upload::Upload;
use crate::ingest::survey::{IngestStatus, ListedObject, SURVEY_BATCH};
use crate::ingest::{Ingest, IngestError, Outcome};
use crate::storage::{Storage, StorageError};
use s3_folder::{ObjectAddress, S3Store};

/// Surveys under way while photos are worked on.
const SURVEYS: usize = 4;
/// Uploads at a time.
const UPLOADS: usize = 16;
/// Photos that are waited for at a time.
const WAITING: usize = 256;
/// How often those are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Without one photo getting on for so long, the work is done here.
const STALL: Duration = Duration::from_secs(20);
/// How often a key is tried that may go well the next time.
const ATTEMPTS: u32 = 4;
/// First pause before that; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// A key to be made right.
pub(super) struct Candidate {
    pub(super) key: String,
    pub(super) bytes: u64,
    /// As it is there; absent where it is yet to be uploaded.
    pub(super) seen: Option<ListedObject>,
    /// The file that it is to hold, where it does not yet.
    pub(super) upload: Option<Upload>,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// It was in the catalogue before.
    Known { undated: bool },
    /// It was known to be no photo.
    KnownNotAPhoto,
    /// It is in the catalogue now.
    New { undated: bool },
    /// It is no photo.
    NotAPhoto,
    /// It is not there any more.
    Gone,
    /// Why not.
    Failed(String),
}

/// How much another ingest has left of what it was told of; `None` where nobody can say.
pub(super) type AtWork = Box<dyn Fn() -> Option<u64> + Send>;

/// Keys of one bucket, and how they are worked on.
pub(super) struct Sweep {
    storage: Storage,
    /// The embedded store of this process, which takes files as they are.
    store: Option<S3Store>,
    ingest: Ingest,
    bucket: String,
    jobs: usize,
    uploads: Arc<Semaphore>,
    /// Photos that are worked on here at a time, however many are waited for.
    works: Semaphore,
    waiter: Option<Waiter>,
}

/// Those that another ingest is expected to do.
struct Waiter {
    queue: mpsc::UnboundedSender<(ListedObject, oneshot::Sender<IngestStatus>)>,
    stalled: Arc<AtomicBool>,
}

impl Sweep {
    /// Over a bucket. With `wait`, the work is another ingest's as long as that is at work.
    pub(super) fn new(opened: &Opened, bucket: &str, jobs: usize, wait: Option<AtWork>) -> Self {
        let ingest = || opened.ingest.clone();
        Sweep {
            storage: opened.storage.clone(),
            store: opened.store().cloned(),
            ingest: ingest(),
            bucket: bucket.to_owned(),
            jobs,
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            works: Semaphore::new(jobs),
            waiter: wait.map(|at_work| Waiter::start(ingest(), bucket.to_owned(), at_work)),
        }
    }

    /// How far each candidate is, in their order. One that is not there yet is new.
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
                let mut standings = self
                    .ingest
                    .survey_objects(&self.bucket, &seen)
                    .await?
                    .into_iter();
                let surveyed = chunk.into_iter().map(|candidate| {
                    let standing = match (&candidate.upload, &candidate.seen) {
                        (None, Some(_)) => standings.next(),
                        _ => None,
                    };
                    (candidate, standing.unwrap_or(IngestStatus::New))
                });
                Ok::<_, anyhow::Error>(surveyed.collect::<Vec<_>>())
            })
            .buffered(SURVEYS)
            .map_ok(|chunk| stream::iter(chunk.into_iter().map(Ok)))
            .try_flatten()
    }

    /// Works them off, and tells of each. When `stop` comes, no more is begun, and what is under way is finished.
    ///
    /// # Errors
    /// The listing or the table failed; what one key failed by is told of that key.
    pub(super) async fn run(
        &self,
        candidates: impl Stream<Item = Result<Candidate, StorageError>>,
        stop: impl Future<Output = ()>,
        mut each: impl FnMut(&str, u64, Done),
    ) -> anyhow::Result<()> {
        let width = if self.waiter.is_some() {
            WAITING
        } else {
            self.jobs
        };
        let surveyed = self.survey(candidates).take_until(Box::pin(stop));
        let work = surveyed
            .map_ok(|(candidate, standing)| async move {
                let bytes = candidate.bytes;
                let key = candidate.key.clone();
                let done = self.work(candidate, standing).await;
                Ok((key, bytes, done))
            })
            .try_buffer_unordered(width);
        let mut work = std::pin::pin!(work);
        while let Some((key, bytes, done)) = work.try_next().await? {
            each(&key, bytes, done);
        }
        Ok(())
    }

    async fn work(&self, mut candidate: Candidate, standing: IngestStatus) -> Done {
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
        let standing = match standing {
            IngestStatus::Known { undated } => return Done::Known { undated },
            IngestStatus::Skipped => return Done::KnownNotAPhoto,
            IngestStatus::New | IngestStatus::Unindexed { .. } => {
                match (&self.waiter, candidate.seen) {
                    (Some(waiter), Some(seen)) => waiter.wait(seen, standing).await,
                    _ => standing,
                }
            }
            IngestStatus::Outside => standing,
        };
        let archive = self.ingest.layout().archive_bucket();
        let (bucket, key) = match &standing {
            IngestStatus::Known { undated } => return Done::New { undated: *undated },
            IngestStatus::Skipped => return Done::NotAPhoto,
            IngestStatus::Unindexed { archive_key } => (archive, archive_key.as_str()),
            IngestStatus::New | IngestStatus::Outside => {
                (self.bucket.as_str(), candidate.key.as_str())
            }
        };
        let Ok(_permit) = self.works.acquire().await else {
            return Done::Failed("the work has ended".to_owned());
        };
        match self.complete(bucket, key).await {
            Ok(Outcome::Archived(_) | Outcome::Indexed | Outcome::Removed | Outcome::Unchanged) => {
                Done::New {
                    undated: self.is_undated(bucket, key),
                }
            }
            Ok(Outcome::Undated(_)) => Done::New { undated: true },
            Ok(Outcome::Skipped(_)) => Done::NotAPhoto,
            Ok(Outcome::Gone) => Done::Gone,
            Ok(Outcome::Outside) => Done::Failed(format!(
                "{key} is under neither the source nor the archive prefix"
            )),
            Err(error) => Done::Failed(error.to_string()),
        }
    }

    /// Stores a file; its ETag.
    async fn put(&self, Upload { path, key, .. }: &Upload) -> Result<String, String> {
        match &self.store {
            Some(store) => {
                let taken = store
                    .put_local_file(&ObjectAddress::new(&self.bucket, key), path)
                    .await;
                taken.map_err(|error| error.to_string())
            }
            None => {
                let put = self.storage.put_file(&self.bucket, key, path, None).await;
                put.map_err(|error| error.to_string())
            }
        }
    }

    /// By the folder that undated photos are filed in; one that lies elsewhere is told by the catalogue only.
    fn is_undated(&self, bucket: &str, key: &str) -> bool {
        let layout = self.ingest.layout();
        let folder = format!("{}{}/", layout.archive_prefix(), crate::archive::UNDATED);
        bucket == layout.archive_bucket() && key.starts_with(&folder)
    }

    async fn complete(&self, bucket: &str, key: &str) -> Result<Outcome, IngestError> {
        let mut attempt = 1;
        loop {
            match self.ingest.sync_key(bucket, key).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                    tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }
}

impl Waiter {
    fn start(ingest: Ingest, bucket: String, at_work: AtWork) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let stalled = Arc::new(AtomicBool::new(false));
        tokio::spawn(look(ingest, bucket, at_work, waiting, Arc::clone(&stalled)));
        Waiter { queue, stalled }
    }

    /// How far it is once the other ingest is through with it, or does not get on.
    async fn wait(&self, seen: ListedObject, standing: IngestStatus) -> IngestStatus {
        if self.stalled.load(Ordering::Relaxed) {
            return standing;
        }
        let (tell, told) = oneshot::channel();
        if self.queue.send((seen, tell)).is_err() {
            return standing;
        }
        told.await.unwrap_or(standing)
    }
}

/// Looks after those that wait, until nobody can any more.
async fn look(
    ingest: Ingest,
    bucket: String,
    at_work: AtWork,
    mut queue: mpsc::UnboundedReceiver<(ListedObject, oneshot::Sender<IngestStatus>)>,
    stalled: Arc<AtomicBool>,
) {
    let mut waiting: Vec<(ListedObject, oneshot::Sender<IngestStatus>)> = Vec::new();
    let (mut moved, mut left_before) = (Instant::now(), None);
    loop {
        if waiting.is_empty() {
            match queue.recv().await {
                Some(first) => waiting.push(first),
                None => return,
            }
            moved = Instant::now();
        }
        tokio::time::sleep(LOOK).await;
        while let Ok(next) = queue.try_recv() {
            waiting.push(next);
        }
        // Before the survey: what it then does not find done is in nobody's hands.
        let left = at_work();
        let is_left_alone = left == Some(0);
        if left != left_before {
            // Its own order is not this one.
            moved = Instant::now();
        }
        left_before = left;
        let seen: Vec<ListedObject> = waiting.iter().map(|(seen, _)| seen.clone()).collect();
        let standings = match ingest.survey_objects(&bucket, &seen).await {
            Ok(standings) => standings,
            Err(error) => {
                tracing::warn!(%error, "cannot look how far they are");
                vec![IngestStatus::New; seen.len()]
            }
        };
        let gives_up = moved.elapsed() >= STALL;
        let mut unfinished = Vec::new();
        for ((seen, tell), standing) in waiting.drain(..).zip(standings) {
            let is_done = matches!(standing, IngestStatus::Known { .. } | IngestStatus::Skipped);
            if is_done {
                moved = Instant::now();
            }
            if is_done || is_left_alone || gives_up {
                // Who does not listen any more was broken off.
                let _ = tell.send(standing);
            } else {
                unfinished.push((seen, tell));
            }
        }
        waiting = unfinished;
        if gives_up && !stalled.swap(true, Ordering::Relaxed) {
            tracing::warn!("no ingest gets on with these uploads; the work is done here");
        }
    }
}
