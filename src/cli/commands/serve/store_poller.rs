//! Finds what was added to and removed from buckets that send no notifications, by listing them
//! again and again.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;
use crate::catalogue::batch::ScannedItem;
use crate::catalogue::published::PublishTable;
use crate::cli::shutdown::ServiceTasks;
use crate::config::SettingsError;
use crate::ingest::survey::{IngestStatus, ListedObject, SURVEY_BATCH};
use crate::ingest::{Ingest, IngestError, Outcome};
use crate::object::{Bucket, ObjectRef, Prefix};
use crate::photo_id::PhotoId;
use crate::publish;
use crate::services::Services;
use crate::storage::Storage;
use crate::telemetry::error_chain;

/// Keys that are processed at a time.
const CONCURRENCY: usize = 8;

/// Lists source and archive again and again, and processes the changes.
pub(super) struct StorePoller {
    storage: Storage,
    catalogue: Catalogue,
    published: PublishTable,
    ingest: Ingest,
    interval: Duration,
}

/// The objects of a bucket that were listed and processed, by key.
type SeenObjects = HashMap<String, ListedObject>;

/// A key to process.
struct PollWork {
    /// The listed key that led to it.
    seen_as: String,
    object: ObjectRef,
}

impl StorePoller {
    pub(super) fn new(
        services: &Services,
        ingest: Ingest,
        interval: Duration,
    ) -> Result<Self, SettingsError> {
        Ok(StorePoller {
            storage: services.storage.clone(),
            catalogue: services.catalogue.clone(),
            published: services.published()?,
            ingest,
            interval,
        })
    }

    /// Starts a task that polls until its shutdown.
    pub(super) fn start(self, tasks: &ServiceTasks) {
        tasks.spawn("ingest", |shutdown| async move {
            self.run(shutdown).await;
            Ok(())
        });
    }

    async fn run(self, shutdown: CancellationToken) {
        let poll = async {
            let (mut source, mut archive) = (SeenObjects::new(), None);
            loop {
                if let Err(error) = self.poll(&mut source, &mut archive).await {
                    let error = error_chain(error.as_ref());
                    tracing::warn!(error, "cannot list the store; trying again");
                }
                tokio::time::sleep(self.interval).await;
            }
        };
        shutdown.run_until_cancelled(poll).await;
    }

    /// Lists both buckets once. The first time, the archive is compared with the catalogue.
    async fn poll(
        &self,
        source: &mut SeenObjects,
        archive: &mut Option<SeenObjects>,
    ) -> anyhow::Result<()> {
        let layout = self.ingest.layout();
        let (bucket, prefix) = (layout.source_bucket(), layout.source_prefix());
        self.apply_listing_changes(bucket, prefix, source).await?;
        let (bucket, prefix) = (layout.archive_bucket(), layout.archive_prefix());
        if archive.is_none() {
            *archive = Some(self.recorded_objects().await?);
        }
        if let Some(archive) = archive {
            self.apply_listing_changes(bucket, prefix, archive).await?;
        }
        Ok(())
    }

    /// Returns the archived files of the catalogue, so that those that were removed while no
    /// process listed the bucket are noticed. Scans the table.
    async fn recorded_objects(&self) -> anyhow::Result<SeenObjects> {
        let mut seen = SeenObjects::new();
        let mut items = std::pin::pin!(self.catalogue.scan_items());
        while let Some(found) = items.try_next().await? {
            let ScannedItem::Photo(photo) = found else {
                continue;
            };
            for part in photo.parts.into_values().filter(|part| part.is_live()) {
                // Without ETag and size, so that it differs from the listing and is surveyed.
                let sighting = ListedObject {
                    key: part.key.clone(),
                    etag: String::new(),
                    size_bytes: 0,
                    last_modified: None,
                };
                seen.insert(part.key, sighting);
            }
        }
        Ok(seen)
    }

    /// Lists a bucket, processes the objects that differ from `seen`, and updates `seen`. Keys that
    /// failed count as not seen, so that the next listing processes them again.
    async fn apply_listing_changes(
        &self,
        bucket: &Bucket,
        prefix: &Prefix,
        seen: &mut SeenObjects,
    ) -> anyhow::Result<()> {
        let objects = self.storage.list_objects(bucket, prefix.as_str());
        let mut now: SeenObjects = objects
            .map_ok(|listed| (listed.key.clone(), ListedObject::from(listed)))
            .try_collect()
            .await?;
        let work = self.find_work(bucket, seen, &now).await?;
        let processed: Vec<(String, Result<(), IngestError>)> = stream::iter(work)
            .map(|work| async move {
                let result = self.sync_object(&work.object).await;
                (work.seen_as, result)
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        for (key, result) in processed {
            let Err(error) = result else { continue };
            tracing::warn!(s3.bucket = bucket.as_str(), s3.key = key, %error, "cannot process a key; trying again");
            match seen.remove(&key) {
                // It was removed from the bucket, and the catalogue does not record that yet.
                Some(before) if !now.contains_key(&key) => {
                    now.insert(key, before);
                }
                _ => {
                    now.remove(&key);
                }
            }
        }
        *seen = now;
        Ok(())
    }

    /// Returns the keys to process: of new and changed objects, and of objects that were removed
    /// from the archive.
    async fn find_work(
        &self,
        bucket: &Bucket,
        seen: &SeenObjects,
        now: &SeenObjects,
    ) -> anyhow::Result<Vec<PollWork>> {
        let mut changed: Vec<ListedObject> = now
            .values()
            .filter(|sighting| seen.get(&sighting.key) != Some(sighting))
            .cloned()
            .collect();
        // In key order, in which a JPEG and its RAW are neighbours.
        changed.sort_by(|one, other| one.key.cmp(&other.key));
        let archive = self.ingest.layout().archive_bucket();
        let mut work = Vec::new();
        let mut push = |seen_as: &str, object: ObjectRef| {
            work.push(PollWork {
                seen_as: seen_as.to_owned(),
                object,
            });
        };
        for chunk in changed.chunks(SURVEY_BATCH) {
            let standings = self.ingest.survey_objects(bucket, chunk).await?;
            for (ListedObject { key, .. }, standing) in chunk.iter().zip(standings) {
                match standing {
                    IngestStatus::New => push(key, bucket.object(key)),
                    IngestStatus::Unindexed { archive_key } => {
                        push(key, archive_key.object().clone())
                    }
                    IngestStatus::Known { .. } | IngestStatus::Skipped | IngestStatus::Outside => {}
                }
            }
        }
        if bucket == archive {
            for key in seen.keys().filter(|key| !now.contains_key(*key)) {
                push(key, bucket.object(key));
            }
        }
        Ok(work)
    }

    /// Archives and indexes one key, and marks every month whose public view may change: no stream of
    /// the table reaches publish here. Safe to repeat.
    async fn sync_object(&self, object: &ObjectRef) -> Result<(), IngestError> {
        let layout = self.ingest.layout();
        let archive = layout.archive_bucket();
        let archived = layout.archive_key(&object.key);
        let archived = archived.filter(|_| object.bucket == *archive);
        let copy = match archived {
            Some(copy) => copy,
            None => match self.ingest.process_object(object).await? {
                Outcome::Archived(copy) | Outcome::Undated(copy) => copy,
                _ => return Ok(()),
            },
        };
        let id = PhotoId::from_stem(copy.stem());
        let month = async || -> Result<Option<String>, IngestError> {
            let item = self.catalogue.item(&id).await?;
            Ok(item.as_ref().and_then(publish::public_month))
        };
        let before = month().await?;
        // Marked before the change too. A mark without a change costs one look; a change without a
        // mark would never be published.
        self.mark_months(before.iter()).await?;
        self.ingest.process_object(copy.object()).await?;
        let after = month().await?;
        // The month before is marked again: publish may have cleared the first mark in between.
        self.mark_months(before.iter().chain(&after)).await
    }

    async fn mark_months(&self, months: impl Iterator<Item = &String>) -> Result<(), IngestError> {
        for month in months.collect::<BTreeSet<_>>() {
            self.published.mark_dirty(month, Utc::now()).await?;
        }
        Ok(())
    }
}
