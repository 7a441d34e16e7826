//! Ingest: the archive follows the source, the catalogue follows the archive.
//!
//! Two level-triggered steps, each "this key may have changed: make it right", so the order, age and number of events
//! do not matter: organise (`organise.rs`) copies a source object to its archive key, index (`index.rs`) keeps one
//! catalogue item for each archived photo. Knows no Lambda, no environment and no AWS type.

pub mod event;
mod index;
mod moving;
mod organise;
mod overrides;
mod provenance;
pub mod reconcile;
mod record;
pub mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::TimeDelta;
use futures::{StreamExt, stream};
use serde_json::Value;

use crate::archive::{KeyPlace, Layout};
use crate::catalogue::item::ObjectVersion;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::privacy::Privacy;
use crate::storage::{ObjectProperties, Storage, StorageError};
use crate::telemetry::{self, WorkCost};
use event::{Disposition, EventError, EventMessage, Notice};
use photo_metadata::{Extraction, ExtractionStep, Extractor, FileContext, UnsupportedFormat};
use provenance::Provenance;

pub use overrides::{is_outdated, update_overrides};

/// Keys of one event that are worked on at a time.
const CONCURRENCY: usize = 8;
/// What is kept of an invocation's time for its answer.
const TIME_TO_ANSWER: Duration = Duration::from_secs(1);
/// How often a step starts again because the world changed under it, before it is given back.
const ROUNDS: usize = 8;

/// Ingest over one store and one catalogue. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    storage: Storage,
    catalogue: Catalogue,
    layout: Layout,
    privacy: Arc<Privacy>,
    source_after: SourceAfter,
    /// Date partitions known to be in [`Catalogue::years`], so that it is written once a year and process.
    years: Arc<Mutex<BTreeSet<String>>>,
    observer: Option<Observer>,
}

/// What becomes of an upload once its photo is archived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SourceAfter {
    /// It stays: nothing is ever changed under the source prefix.
    #[default]
    Keep,
    /// It is deleted, IF its copy holds its bytes and it still does.
    Delete,
}

/// Why ingest does not begin on a store; one line that names the setting.
#[derive(Debug, thiserror::Error)]
pub enum StoreCapabilityError {
    /// It would delete what was uploaded meanwhile.
    #[error(
        "SOURCE_AFTER is \"delete\", but this store deletes an object also where it was changed meanwhile; set \"keep\""
    )]
    DeleteIfMatch,
    /// It drops the class, or has another.
    #[error("this store does not keep the storage class of ARCHIVE_STORAGE_CLASS")]
    StorageClass,
    /// It could not be tried.
    #[error("the store could not be tried: {0}")]
    Storage(#[from] StorageError),
}

/// Hears of every key that was worked on.
type Observer = Arc<dyn Fn(&KeyReport<'_>) + Send + Sync>;

/// The work on one key, when it is over.
#[derive(Debug)]
pub struct KeyReport<'a> {
    /// Bucket.
    pub bucket: &'a str,
    /// Key.
    pub key: &'a str,
    /// What became of it; an error is tried again.
    pub result: Result<&'a Outcome, &'a IngestError>,
    /// How long it took.
    pub duration: Duration,
    /// What it cost.
    pub cost: WorkCost,
}

/// What became of a key. Every outcome that is an end for the bytes is written to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The source is copied to this archive key.
    Archived(String),
    /// The same, under `undated/`: the photo has no believable date.
    Undated(String),
    /// These bytes were dealt with before.
    Unchanged,
    /// No photo, by its bytes; it stays where it is.
    Skipped(String),
    /// The catalogue holds the copy as it is now.
    Indexed,
    /// The copy is gone, and the catalogue says so.
    Removed,
    /// There is nothing under this key.
    Gone,
    /// The key is under neither prefix.
    Outside,
}

impl Outcome {
    /// One word for logs and counts.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Archived(_) => "archived",
            Outcome::Undated(_) => "undated",
            Outcome::Unchanged => "unchanged",
            Outcome::Skipped(_) => "skipped",
            Outcome::Indexed => "indexed",
            Outcome::Removed => "removed",
            Outcome::Gone => "gone",
            Outcome::Outside => "outside",
        }
    }
}

impl KeyReport<'_> {
    /// One line. Never what a photo's metadata say: a log is read by more people than the catalogue.
    fn log(&self) {
        let (outcome, reason) = match self.result {
            Ok(Outcome::Skipped(reason)) => ("skipped", Some(reason)),
            Ok(outcome) => (outcome.name(), None),
            Err(_) => ("retried", None),
        };
        let milliseconds = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        let WorkCost {
            requests,
            reads,
            bytes_read,
        } = self.cost;
        let (bucket, key) = (self.bucket, self.key);
        macro_rules! line {
            ($level:ident, $($more:tt)*) => {
                tracing::$level!(
                    s3.bucket = bucket, s3.key = key, outcome, milliseconds, requests, reads, bytes_read, $($more)*
                )
            };
        }
        match self.result {
            Ok(_) => line!(info, reason),
            Err(error) => line!(warn, %error, "to be tried again"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Archived(detail) | Outcome::Undated(detail) | Outcome::Skipped(detail) => {
                write!(f, "{}: {detail}", self.name())
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// Why a key has to be tried again. Nothing is lost: the event that named it is given back.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The table.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Others kept changing the same photo.
    #[error("s3://{bucket}/{key} changed {ROUNDS} times while it was being read")]
    Contended {
        /// Bucket.
        bucket: String,
        /// Key.
        key: String,
    },
    /// The same, of a photo that a person has something to say of.
    #[error("photo {id} changed {ROUNDS} times meanwhile; try again")]
    Busy {
        /// Its id.
        id: String,
    },
    /// Every name that this photo may take is another's.
    #[error("every archive name of s3://{bucket}/{key} is taken, the last of them {archive_key}")]
    NoName {
        /// Bucket.
        bucket: String,
        /// Key.
        key: String,
        /// The last name tried.
        archive_key: String,
    },
}

impl IngestError {
    /// Whether another attempt may go well although nothing was changed for it.
    pub fn is_retryable(&self) -> bool {
        match self {
            IngestError::Storage(error) => error.is_retryable(),
            IngestError::Catalogue(error) => matches!(error, CatalogueError::Request { .. }),
            IngestError::Contended { .. } | IngestError::Busy { .. } => true,
            IngestError::NoName { .. } => false,
        }
    }
}

/// What reading an object's metadata came to.
#[expect(
    clippy::large_enum_variant,
    reason = "one of them lives at a time, and it is taken apart at once"
)]
enum MetadataRead {
    /// Other bytes now, or none.
    Changed,
    /// Read.
    Done(Result<Extraction, UnsupportedFormat>),
}

impl Ingest {
    /// Ingest over this store and catalogue. `privacy` decides which index keys a photo has.
    pub fn new(
        storage: Storage,
        catalogue: Catalogue,
        layout: Layout,
        privacy: impl Into<Privacy>,
    ) -> Self {
        Ingest {
            storage,
            catalogue,
            layout,
            privacy: Arc::new(privacy.into()),
            source_after: SourceAfter::default(),
            years: Arc::default(),
            observer: None,
        }
    }

    /// The same, which does this with an upload once its photo is archived. See [`Ingest::check_store_capabilities`].
    #[must_use]
    pub fn with_source_after(mut self, source_after: SourceAfter) -> Self {
        self.source_after = source_after;
        self
    }

    /// Tries whether the store keeps what the settings need of it, on an object of our own under the source prefix. Asks
    /// nothing where they need nothing. `tail` is part of that object's name, and no two tries at a time share one.
    ///
    /// # Errors
    /// It does not, or could not be tried: ingest must not begin.
    pub async fn check_store_capabilities(&self, tail: &str) -> Result<(), StoreCapabilityError> {
        let deletes = self.source_after == SourceAfter::Delete;
        if !deletes && !self.storage.sets_storage_class() {
            return Ok(());
        }
        let key = self.layout.probe_key(tail);
        let probed = self
            .storage
            .probe(self.layout.source_bucket(), &key)
            .await?;
        if deletes && !probed.honours_delete_if_match {
            return Err(StoreCapabilityError::DeleteIfMatch);
        }
        if !probed.keeps_storage_class {
            return Err(StoreCapabilityError::StorageClass);
        }
        Ok(())
    }

    /// The same, telling `observer` of the work on every key, which may be more than once a photo. Not of what is broken
    /// off at a deadline.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(&KeyReport<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Does what an event asks and answers in kind: SQS with `batchItemFailures` and S3 Batch Operations with a result
    /// for each task, one failure never failing its neighbours; anything else with an empty answer, or an error if any
    /// of its keys failed. A key that is named twice is worked on once. Safe to repeat.
    ///
    /// # Errors
    /// An event of no known shape, or one with a single answer for all that has to be delivered again.
    pub async fn handle_event(&self, event: &Value) -> Result<Value, EventError> {
        self.process_event(event, None).await
    }

    /// The same, with this much time left: what is not done shortly before is broken off, or not begun, and given back.
    ///
    /// # Errors
    /// As for [`Ingest::handle_event`].
    pub async fn handle_event_within(
        &self,
        event: &Value,
        remaining: Duration,
    ) -> Result<Value, EventError> {
        let deadline = tokio::time::Instant::now() + remaining.saturating_sub(TIME_TO_ANSWER);
        self.process_event(event, Some(deadline)).await
    }

    /// The buckets and prefixes that it works between.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    async fn process_event(
        &self,
        event: &Value,
        deadline: Option<tokio::time::Instant>,
    ) -> Result<Value, EventError> {
        let delivery = event::unwrap(event)?;
        let told = delivery.parcels.iter().flat_map(|parcel| &parcel.notices);
        let keys: BTreeSet<Notice> = told.flatten().cloned().collect();
        let ended: BTreeMap<Notice, Disposition> = stream::iter(keys)
            .map(|notice| async move {
                let ending = self.process_with_deadline(&notice, deadline).await;
                (notice, ending)
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        let ending = |parcel: &EventMessage| match &parcel.notices {
            Err(error) => {
                tracing::error!(message.id = parcel.id, %error, "cannot be understood");
                Disposition::Permanent(error.to_string())
            }
            Ok(notices) => {
                let mut endings = notices.iter().filter_map(|notice| ended.get(notice));
                let first = endings.clone().next();
                let failed = endings.find(|ending| !ending.is_done());
                failed
                    .or(first)
                    .cloned()
                    .unwrap_or_else(|| Disposition::Done(String::new()))
            }
        };
        delivery.answer(&delivery.parcels.iter().map(ending).collect::<Vec<_>>())
    }

    async fn process_with_deadline(
        &self,
        notice: &Notice,
        deadline: Option<tokio::time::Instant>,
    ) -> Disposition {
        let work = self.process_key(&notice.bucket, &notice.key);
        let outcome = match deadline {
            None => work.await,
            Some(deadline) if tokio::time::Instant::now() >= deadline => {
                return Disposition::Retry("no time was left to begin".to_owned());
            }
            Some(deadline) => match tokio::time::timeout_at(deadline, work).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    tracing::warn!(
                        s3.bucket = notice.bucket,
                        s3.key = notice.key,
                        "broken off, out of time; to be tried again"
                    );
                    return Disposition::Retry("broken off, out of time".to_owned());
                }
            },
        };
        match outcome {
            Ok(Outcome::Outside) => {
                Disposition::Ignored("under neither the source nor the archive prefix".to_owned())
            }
            Ok(outcome) => Disposition::Done(outcome.to_string()),
            Err(error) if error.is_retryable() => Disposition::Retry(error.to_string()),
            Err(error) => Disposition::Permanent(error.to_string()),
        }
    }

    /// Makes one key right, whatever happened to it, and says so in one log line. Safe to repeat.
    ///
    /// # Errors
    /// It has to be tried again.
    pub async fn process_key(&self, bucket: &str, key: &str) -> Result<Outcome, IngestError> {
        let start = Instant::now();
        let work = async {
            match self.layout.place(bucket, key) {
                Some(KeyPlace::Source(source)) => self.organise(&source).await,
                Some(KeyPlace::Archive(archived)) => self.index(&archived).await,
                None => Ok(Outcome::Outside),
            }
        };
        // Large, and moved with each future around it.
        let (outcome, cost) = telemetry::measure_cost(Box::pin(work)).await;
        let worked = KeyReport {
            bucket,
            key,
            result: outcome.as_ref(),
            duration: start.elapsed(),
            cost,
        };
        worked.log();
        if let Some(observer) = &self.observer {
            observer(&worked);
        }
        outcome
    }

    /// The metadata of an object whose head is already here: further ranges are read IF it still holds these bytes.
    async fn extract(
        &self,
        bucket: &str,
        key: &str,
        object: &ObjectProperties,
        head: Bytes,
        file_name: &str,
    ) -> Result<MetadataRead, IngestError> {
        // A photo cannot be younger than its upload. A day more, since the wall clock may be ahead of UTC.
        let uploaded = Provenance::of(object)
            .and_then(|from| from.last_modified)
            .unwrap_or(object.last_modified);
        let context = FileContext {
            file_name: file_name.to_owned(),
            latest_credible_time: uploaded.naive_utc() + TimeDelta::days(1),
        };
        let mut extractor = Extractor::new(object.size_bytes, context);
        loop {
            match extractor.step() {
                ExtractionStep::Need(range)
                    if range.start == 0 && range.end <= head.len() as u64 =>
                {
                    extractor.feed(0, head.clone());
                }
                ExtractionStep::Need(range) => {
                    match self
                        .storage
                        .read_range(bucket, key, range.clone(), &object.etag)
                        .await?
                    {
                        Some(bytes) => extractor.feed(range.start, bytes),
                        None => return Ok(MetadataRead::Changed),
                    }
                }
                ExtractionStep::Done(result) => return Ok(MetadataRead::Done(result)),
            }
        }
    }

    /// Names a date partition before anything is put into it.
    async fn ensure_date_partition(&self, year: &str) -> Result<(), IngestError> {
        let known = self
            .years
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(year);
        if !known {
            self.catalogue.ensure_date_partition(year).await?;
            self.years
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(year.to_owned());
        }
        Ok(())
    }
}

fn version(object: &ObjectProperties) -> ObjectVersion {
    ObjectVersion::new(&object.etag, object.last_modified)
}
