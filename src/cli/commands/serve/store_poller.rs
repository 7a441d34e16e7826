//! Finds the objects that were added, changed or removed in buckets that send no notifications. For
//! that, the buckets are listed again and again.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;
use crate::catalogue::batch::ScannedItem;
use crate::catalogue::item::PhotoPart;
use crate::catalogue::published::PublishTable;
use crate::cli::picture_worker::PictureQueue;
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

/// The maximum number of objects that are processed at the same time.
const CONCURRENCY: usize = 8;

/// A task that lists the source bucket and the archive bucket again and again, and processes the
/// objects that have changed.
pub(super) struct StorePoller {
    storage: Storage,
    catalogue: Catalogue,
    published: PublishTable,
    ingest: Ingest,
    pictures: PictureQueue,
    /// The pause between two polls. Each poll lists both buckets.
    interval: Duration,
}

/// The objects of one bucket that were listed and processed: a map from key to object.
type SeenObjects = HashMap<String, ListedObject>;

impl StorePoller {
    pub(super) fn new(
        services: &Services,
        ingest: Ingest,
        interval: Duration,
        pictures: PictureQueue,
    ) -> Result<Self, SettingsError> {
        Ok(StorePoller {
            storage: services.storage.clone(),
            catalogue: services.catalogue.clone(),
            published: services.published()?,
            ingest,
            pictures,
            interval,
        })
    }

    /// Starts a task that lists the buckets until `tasks` are stopped.
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

    /// Lists both buckets once and processes the objects that have changed since the last listing.
    /// `source` and `archive` contain the objects of the last listings of the two buckets.
    /// `archive` is `None` at the first poll. The first listing of the archive is compared with the
    /// files that the catalogue records.
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

    /// Returns the archived files that the catalogue records, as a map from key to object. The
    /// poller compares the first listing of the archive with these files, to find the files that
    /// were removed while this program did not run. Scans the table.
    async fn recorded_objects(&self) -> anyhow::Result<SeenObjects> {
        let mut seen = SeenObjects::new();
        let mut items = std::pin::pin!(self.catalogue.scan_items());
        while let Some(found) = items.try_next().await? {
            let ScannedItem::Photo(photo) = found else {
                continue;
            };
            for part in photo
                .parts
                .into_values()
                .filter(PhotoPart::describes_present_file)
            {
                // ETag and size are empty, so that the object differs from the listing and is
                // surveyed.
                let listed = ListedObject {
                    key: part.key.clone(),
                    etag: String::new(),
                    size_bytes: 0,
                    last_modified: None,
                };
                seen.insert(part.key, listed);
            }
        }
        Ok(seen)
    }

    /// Lists a bucket and processes the objects that differ from `seen`. Then replaces `seen` by
    /// the listing. If an object could not be processed, `seen` is set so that the next poll
    /// processes the object again.
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
            .map(|object| async move {
                let result = self.sync_object(&object).await;
                (object.key, result)
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        for (key, result) in processed {
            let Err(error) = result else { continue };
            tracing::warn!(s3.bucket = bucket.as_str(), s3.key = key, %error, "cannot process a key; trying again");
            match seen.remove(&key) {
                // The object was removed from the bucket, and the catalogue does not record that
                // yet.
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

    /// Returns the objects to process: new and changed objects that are not ingested yet, and
    /// objects that were removed from the archive. `seen` contains the objects of the last listing,
    /// and `now` contains those of the present listing.
    async fn find_work(
        &self,
        bucket: &Bucket,
        seen: &SeenObjects,
        now: &SeenObjects,
    ) -> anyhow::Result<Vec<ObjectRef>> {
        let mut changed: Vec<ListedObject> = now
            .values()
            .filter(|listed| seen.get(&listed.key) != Some(listed))
            .cloned()
            .collect();
        // The order is that of the keys, in which a JPEG and its RAW are neighbours.
        changed.sort_by(|one, other| one.key.cmp(&other.key));
        let archive = self.ingest.layout().archive_bucket();
        let mut work = Vec::new();
        for chunk in changed.chunks(SURVEY_BATCH) {
            let statuses = self.ingest.survey_objects(bucket, chunk).await?;
            for (ListedObject { key, .. }, status) in chunk.iter().zip(statuses) {
                match status {
                    IngestStatus::New | IngestStatus::Changed { .. } => {
                        work.push(bucket.object(key));
                    }
                    IngestStatus::Known { .. }
                    | IngestStatus::Duplicate { .. }
                    | IngestStatus::Skipped
                    | IngestStatus::SkippedName(_)
                    | IngestStatus::Outside => {}
                }
            }
        }
        if bucket == archive {
            let gone = seen.keys().filter(|key| !now.contains_key(*key));
            work.extend(gone.map(|key| bucket.object(key)));
        }
        Ok(work)
    }

    /// Archives and indexes one object. Also marks as dirty each month whose public photos may
    /// change, because no process reads the stream of the photos table for publish. A repeat is
    /// safe.
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
        let before = self.public_months(copy.stem()).await?;
        // The months are marked before the change too. A mark without a change costs one rebuild. A
        // change without a mark would never be published.
        self.mark_months(before.iter()).await?;
        self.ingest.process_object(copy.object()).await?;
        let after = self.public_months(copy.stem()).await?;
        // The months before are marked again: publish may have cleared the first marks in between.
        self.mark_months(before.iter().chain(&after)).await?;
        Box::pin(self.queue_pictures(copy.stem())).await
    }

    /// Queues a photo and its kin, if their pictures need work. The kin may have the old or the new name
    /// of a photo that was moved.
    async fn queue_pictures(&self, stem: &str) -> Result<(), IngestError> {
        let Some(item) = self.catalogue.item(&PhotoId::from_stem(stem)).await? else {
            return Ok(());
        };
        self.pictures.add_item(&item).await?;
        for kin in &item.kin {
            if let Some(kin) = self.catalogue.item(&PhotoId::from_stem(kin)).await? {
                self.pictures.add_item(&kin).await?;
            }
        }
        Ok(())
    }

    /// Returns the months under which a photo and its kin are published. A photo may have moved to
    /// another day, and its kin are the old and the new name.
    async fn public_months(&self, stem: &str) -> Result<BTreeSet<String>, IngestError> {
        let item = self.catalogue.item(&PhotoId::from_stem(stem)).await?;
        let Some(item) = item else {
            return Ok(BTreeSet::new());
        };
        let mut months: BTreeSet<String> = publish::public_month(&item).into_iter().collect();
        for kin in &item.kin {
            let kin = self.catalogue.item(&PhotoId::from_stem(kin)).await?;
            months.extend(kin.as_ref().and_then(publish::public_month));
        }
        Ok(months)
    }

    async fn mark_months(&self, months: impl Iterator<Item = &String>) -> Result<(), IngestError> {
        for month in months.collect::<BTreeSet<_>>() {
            self.published.mark_dirty(month, Utc::now()).await?;
        }
        Ok(())
    }
}
