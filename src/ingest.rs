//! Ingest: the archive follows the source, and the catalogue follows the archive.
//!
//! Two level-triggered steps react to "this key may have changed". The order, age and number of the
//! events do not matter. Organise (`organise.rs`) copies a source object to its archive key. Index
//! (`index.rs`) keeps one catalogue item per archived photo. This module has no dependency on
//! Lambda, on environment variables or on AWS types.

pub mod event;
mod extract;
mod index;
mod ledger;
mod moving;
mod organise;
mod outcome;
mod overrides;
pub mod provenance;
pub mod reconcile;
mod record;
pub mod survey;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::Value;

use crate::archive::{KeyPlace, Layout};
use crate::catalogue::Catalogue;
use crate::catalogue::date_partition::DatePartition;
use crate::object::ObjectRef;
use crate::privacy::Privacy;
use crate::storage::Storage;
use crate::telemetry;
use event::{Disposition, EventError, EventMessage};

pub use outcome::{IngestError, KeyReport, Outcome, StoreCapabilityError};
pub use overrides::{is_outdated, update_overrides};

/// Number of keys of one event that are processed concurrently.
const CONCURRENCY: usize = 8;
/// PhotoPart of an invocation's time that is reserved for the response.
const TIME_TO_RESPOND: Duration = Duration::from_secs(1);
/// Number of times that a step starts again after a concurrent change, before it fails.
const MAX_ROUNDS: usize = 8;

/// Ingest over one store and one catalogue. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    storage: Storage,
    catalogue: Catalogue,
    layout: Layout,
    privacy: Arc<Privacy>,
    source_after: SourceAfter,
    /// The date partitions that this process has registered, so that it writes each only once. See
    /// [`Catalogue::date_partitions`].
    date_partitions: Arc<Mutex<BTreeSet<DatePartition>>>,
    observer: Option<KeyObserver>,
}

/// What ingest does with an upload after its photo is archived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SourceAfter {
    /// Keep it. Nothing under the source prefix is ever changed.
    #[default]
    Keep,
    /// Delete it, if its copy has the same bytes and the upload still has them.
    Delete,
}

/// A callback that receives a report after each key.
type KeyObserver = Arc<dyn Fn(&KeyReport<'_>) + Send + Sync>;

impl Ingest {
    /// Creates ingest over this store and catalogue. `privacy` decides which index keys a photo
    /// has.
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
            date_partitions: Arc::default(),
            observer: None,
        }
    }

    /// Sets what happens to an upload after its photo is archived. Call
    /// [`Ingest::check_store_capabilities`] before the first event.
    #[must_use]
    pub fn with_source_after(mut self, source_after: SourceAfter) -> Self {
        self.source_after = source_after;
        self
    }

    /// Calls `observer` after each key is processed. A photo may be reported more than once. A key
    /// whose work is cancelled at the deadline is not reported.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(&KeyReport<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Checks that the store honours the settings, with a probe object under the source prefix.
    /// Sends no request if the settings need no special capability. `suffix` is part of the probe's
    /// name; two concurrent checks must not use the same one.
    ///
    /// # Errors
    /// Returns an error if the store lacks a capability or the check fails. Ingest must not start.
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

    /// Processes all keys of an event and returns the response that its sender expects.
    ///
    /// SQS gets `batchItemFailures` and S3 Batch Operations gets a result per task; one failure
    /// does not affect the other messages. Any other sender gets an empty response, or an error if
    /// any key failed. A key that occurs twice is processed once. Safe to repeat.
    ///
    /// # Errors
    /// Returns an error for an event of an unknown shape, or if an event with a single response
    /// must be delivered again.
    pub async fn handle_event(&self, event: &Value) -> Result<Value, EventError> {
        self.process_event(event, None).await
    }

    /// Processes an event as [`Ingest::handle_event`] does, within the remaining time. Shortly
    /// before the deadline, unfinished work is cancelled and reported for a retry.
    ///
    /// # Errors
    /// As for [`Ingest::handle_event`].
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

    /// Brings one object up to date: organises an object of the source, or indexes one of the
    /// archive. Writes one log line. Safe to repeat.
    ///
    /// # Errors
    /// Returns an error if the object must be processed again.
    pub async fn process_object(&self, object: &ObjectRef) -> Result<Outcome, IngestError> {
        #[expect(clippy::disallowed_methods, reason = "the duration is only logged")]
        let start = Instant::now();
        let work = async {
            match self.layout.place(object) {
                Some(KeyPlace::Source(source)) => self.organise(&source).await,
                Some(KeyPlace::Archive(archived)) => self.index(&archived).await,
                None => Ok(Outcome::Outside),
            }
        };
        // Boxed, since the future is large and moves with each future around it.
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

    /// Brings one object up to date as [`Ingest::process_object`] does, and then indexes the copy that it
    /// made. For stores without notifications, where no event starts the second step. Returns the
    /// outcome of the first step. Safe to repeat.
    ///
    /// # Errors
    /// Returns an error if the key must be processed again.
    pub async fn sync_object(&self, object: &ObjectRef) -> Result<Outcome, IngestError> {
        let outcome = self.process_object(object).await?;
        if let Some(copy) = outcome.archive_key() {
            self.process_object(copy.object()).await?;
        }
        Ok(outcome)
    }

    /// Registers a date partition. Called before the first item is put into it.
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

/// Combines the dispositions of a message's keys: the first failure, else the first success.
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
