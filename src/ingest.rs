//! Ingest: the archive follows the source, and the catalogue follows the archive.
//!
//! An event only means "this key may have changed". Two steps react to an event, and each reads the
//! present state of the key. So the order, the age and the number of the events do not matter.
//! Organise (`organise.rs`) copies a source object to its archive key. Index (`index.rs`) writes
//! the catalogue item of an archived photo. This module does not depend on Lambda, on environment
//! variables or on AWS types.

mod archived_file;
mod claiming;
pub mod event;
mod extract;
mod index;
mod item_rules;
mod item_trim;
mod judgement;
mod ledger;
mod merging;
mod moving;
mod organise;
mod outcome;
mod overrides;
mod picture_data;
pub mod provenance;
mod public_times;
pub mod reconcile;
mod record;
mod sidecar_index;
mod sidecar_photos;
mod sidecars;
mod skipping;
pub mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::Value;

use crate::archive::{ArchiveKey, KeyPlace, Layout};
use crate::background::BackgroundSlots;
use crate::catalogue::Catalogue;
use crate::catalogue::date_partition::DatePartition;
use crate::clock::Clock;
use crate::identity::SiblingFolders;
use crate::object::ObjectRef;
use crate::skipped_names::SkippedNames;
use crate::storage::Storage;
use crate::telemetry;
use event::{Disposition, EventError, EventMessage};

pub use index::MisfiledPhotos;
pub use item_rules::ItemRules;
pub use merging::MergeError;
pub use outcome::{IngestError, KeyReport, Outcome, StoreCapabilityError};
pub use overrides::{
    ChangedItem, is_outdated, put_renditions, rederive_item, renew_pictures, update_overrides,
};
pub use picture_data::COMPARED_BYTES;

/// The maximum number of keys of one event that are processed at the same time.
const CONCURRENCY: usize = 8;
/// The time at the end of an invocation that is reserved for sending the response.
const TIME_TO_RESPOND: Duration = Duration::from_secs(1);
/// The maximum number of attempts of a step. A step starts again if its object or item changed
/// while the step ran. After the last attempt, the step fails.
const MAX_ROUNDS: usize = 8;

/// The ingest service. It processes the objects of one object store, and writes to one catalogue. A
/// clone is cheap.
#[derive(Clone)]
pub struct Ingest {
    storage: Storage,
    catalogue: Catalogue,
    layout: Layout,
    rules: Arc<ItemRules>,
    source_after: SourceAfter,
    skipped_names: Arc<SkippedNames>,
    siblings: Arc<SiblingFolders>,
    /// The date partitions that this process has registered in the catalogue. The process registers
    /// each of them only once. See [`Catalogue::date_partitions`].
    date_partitions: Arc<Mutex<BTreeSet<DatePartition>>>,
    observer: Option<KeyObserver>,
    /// Runs extractions, and limits the number of those that run at the same time.
    extractions: BackgroundSlots,
    /// The clock that bounds capture times: no photo was taken in the future.
    clock: Clock,
}

/// The action for an upload after its photo is archived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SourceAfter {
    /// Ingest keeps the upload. It never changes anything under the source prefix, except for its
    /// probe objects.
    #[default]
    Keep,
    /// Ingest deletes the upload, if the copy was made from the same bytes and if the upload has
    /// not changed since then.
    Delete,
}

/// A callback. Ingest calls it with a report after it has processed a key.
type KeyObserver = Arc<dyn Fn(&KeyReport<'_>) + Send + Sync>;

impl Ingest {
    /// Builds the ingest service. `rules` decide which photos and positions are public, and which
    /// pictures are made. A capture time that is more than a day later than the time of `clock` is
    /// not credible. Sends no request.
    pub fn new(
        storage: Storage,
        catalogue: Catalogue,
        layout: Layout,
        rules: impl Into<ItemRules>,
        clock: Clock,
    ) -> Self {
        Ingest {
            storage,
            catalogue,
            layout,
            rules: Arc::new(rules.into()),
            source_after: SourceAfter::default(),
            skipped_names: Arc::default(),
            siblings: Arc::default(),
            date_partitions: Arc::default(),
            observer: None,
            extractions: BackgroundSlots::default(),
            clock,
        }
    }

    /// Sets the action for an upload after it is archived. The caller must call
    /// [`Ingest::check_store_capabilities`] before it processes the first event.
    #[must_use]
    pub fn with_source_after(mut self, source_after: SourceAfter) -> Self {
        self.source_after = source_after;
        self
    }

    /// Sets the names of folders that only separate formats, such as `JPEG/` and `RAW/`. Without
    /// this call, ingest uses the default names.
    #[must_use]
    pub fn with_sibling_folders(mut self, siblings: SiblingFolders) -> Self {
        self.siblings = siblings.into();
        self
    }

    /// Sets the slots in which extractions run. Without this call, ingest has slots of its own.
    #[must_use]
    pub fn with_background(mut self, slots: BackgroundSlots) -> Self {
        self.extractions = slots;
        self
    }

    /// Sets a callback that runs after each key is processed. The callback may run more than once
    /// for a photo. If the work on a key is cancelled at the deadline, the callback does not run
    /// for this key.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(&KeyReport<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Checks that the store supports what the settings require. For this, writes a probe object
    /// under the source prefix, and deletes it. Sends no request if the settings require nothing
    /// special. `suffix` is the end of the probe object's key. Two checks at the same time must use
    /// different suffixes.
    ///
    /// # Errors
    /// Returns an error if the store lacks a capability, or if the check fails. The caller must not
    /// start ingest in that case.
    pub async fn check_store_capabilities(&self, suffix: &str) -> Result<(), StoreCapabilityError> {
        let deletes = self.source_after == SourceAfter::Delete;
        if !deletes && !self.storage.sets_storage_class() {
            return Ok(());
        }
        let object = self.layout.probe_object(suffix);
        let capabilities = self.storage.probe_capabilities(&object).await?;
        if deletes && !capabilities.honours_delete_if_match {
            return Err(StoreCapabilityError::DeleteIfMatch);
        }
        if !capabilities.keeps_storage_class {
            return Err(StoreCapabilityError::StorageClass);
        }
        Ok(())
    }

    /// Processes all keys of an event, and returns the response that the sender expects. A key that
    /// occurs twice is processed once. A repeat is safe.
    ///
    /// SQS gets `batchItemFailures`, and S3 Batch Operations gets one result for each task. For
    /// these two, a failed message does not affect the others. Any other sender gets an empty
    /// response, or an error if any key failed.
    ///
    /// # Errors
    /// Returns an error if the shape of the event is unknown. Also returns an error if a key failed
    /// and the sender is neither SQS nor S3 Batch Operations. In that case, the sender must deliver
    /// the event again.
    pub async fn handle_event(&self, event: &Value) -> Result<Value, EventError> {
        self.process_event(event, None).await
    }

    /// Processes an event as [`Ingest::handle_event`] does, but within the time `remaining`. One
    /// second before the end of this time, cancels unfinished work and reports it as failed, so
    /// that the sender delivers the event again.
    ///
    /// # Errors
    /// Returns the same errors as [`Ingest::handle_event`].
    pub async fn handle_event_within(
        &self,
        event: &Value,
        remaining: Duration,
    ) -> Result<Value, EventError> {
        let deadline = tokio::time::Instant::now() + remaining.saturating_sub(TIME_TO_RESPOND);
        self.process_event(event, Some(deadline)).await
    }

    /// Returns the buckets and prefixes of source and archive.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    async fn process_event(
        &self,
        event: &Value,
        deadline: Option<tokio::time::Instant>,
    ) -> Result<Value, EventError> {
        let event = event::unwrap_event(event)?;
        let messages = event.messages.iter();
        let objects: BTreeSet<ObjectRef> = messages
            .flat_map(|message| &message.objects)
            .flatten()
            .cloned()
            .collect();
        let dispositions: BTreeMap<ObjectRef, Disposition> = stream::iter(objects)
            .map(|object| async move {
                let disposition = self.process_with_deadline(&object, deadline).await;
                (object, disposition)
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        let messages = event.messages.iter();
        let results: Vec<_> = messages
            .map(|message| message_disposition(message, &dispositions))
            .collect();
        event.response(&results)
    }

    async fn process_with_deadline(
        &self,
        object: &ObjectRef,
        deadline: Option<tokio::time::Instant>,
    ) -> Disposition {
        let work = self.process_object(object);
        let outcome = match deadline {
            None => work.await,
            Some(deadline) if tokio::time::Instant::now() >= deadline => {
                return Disposition::Retry("not started: out of time".to_owned());
            }
            Some(deadline) => match tokio::time::timeout_at(deadline, work).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    tracing::warn!(
                        s3.bucket = object.bucket.as_str(),
                        s3.key = object.key,
                        "cancelled: out of time; will be retried"
                    );
                    return Disposition::Retry("cancelled: out of time".to_owned());
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

    /// Processes one object. Copies an upload under the source prefix to the archive (the step
    /// organise). Updates the catalogue item for a file under the archive prefix (the step index).
    /// Writes one log line. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the object must be processed again.
    pub async fn process_object(&self, object: &ObjectRef) -> Result<Outcome, IngestError> {
        self.process_object_and(object, MisfiledPhotos::Move).await
    }

    /// Processes one object as [`Ingest::process_object`] does. If its photo is in the folder of
    /// another day than its own, moves it or not, as `misfiled` requires. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the object must be processed again.
    pub async fn process_object_and(
        &self,
        object: &ObjectRef,
        misfiled: MisfiledPhotos,
    ) -> Result<Outcome, IngestError> {
        #[expect(clippy::disallowed_methods, reason = "the duration is only logged")]
        let start = Instant::now();
        let work = async {
            match self.layout.place(object) {
                Some(KeyPlace::Source(source)) => self.organise(&source).await,
                Some(KeyPlace::Archive(archived)) => self.index(&archived, misfiled).await,
                None => Ok(Outcome::Outside),
            }
        };
        // Boxed, because the future is large and would be copied into each future around it.
        let (outcome, cost) = telemetry::measure_cost(Box::pin(work)).await;
        let report = KeyReport {
            object,
            result: outcome.as_ref(),
            duration: start.elapsed(),
            cost,
        };
        report.log();
        if let Some(observer) = &self.observer {
            observer(&report);
        }
        outcome
    }

    /// Processes one object as [`Ingest::process_object`] does. If this makes a copy in the
    /// archive, also indexes the copy. Returns the outcome for `object`, not for the copy. A repeat
    /// is safe. This is for stores without notifications, because no event starts the second step
    /// there.
    ///
    /// # Errors
    /// Returns an error if the object must be processed again.
    pub async fn sync_object(&self, object: &ObjectRef) -> Result<Outcome, IngestError> {
        let outcome = self.process_object(object).await?;
        if let Some(copy) = outcome.archive_key() {
            self.process_object(copy.object()).await?;
        }
        Ok(outcome)
    }

    /// Returns an archive key without the archive prefix.
    fn below_archive_prefix(&self, key: &ArchiveKey) -> Option<String> {
        let below = self.layout.archive_prefix().strip(key.as_str());
        below.map(str::to_owned)
    }

    /// Registers a date partition in the catalogue, once in each process. Ingest calls this before
    /// it writes a photo into the partition.
    async fn ensure_date_partition(&self, partition: DatePartition) -> Result<(), IngestError> {
        let registered = || {
            self.date_partitions
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let is_registered = registered().contains(&partition);
        if !is_registered {
            self.catalogue.ensure_date_partition(partition).await?;
            registered().insert(partition);
        }
        Ok(())
    }
}

/// Returns the disposition of a message. If a key of the message failed, this is the disposition of
/// the first such key. If no key failed, it is the disposition of the first key.
fn message_disposition(
    message: &EventMessage,
    dispositions: &BTreeMap<ObjectRef, Disposition>,
) -> Disposition {
    match &message.objects {
        Err(error) => {
            tracing::error!(message.id = message.id, %error, "cannot parse the message");
            Disposition::Permanent(error.to_string())
        }
        Ok(objects) => {
            let mut results = objects.iter().filter_map(|object| dispositions.get(object));
            let first = results.clone().next();
            let failed = results.find(|result| !result.is_done());
            let result = failed.or(first).cloned();
            result.unwrap_or_else(|| Disposition::Done(String::new()))
        }
    }
}
