//! What of a listing is still to be done, told without looking at one object: a hundred keys by two requests.
//!
//! For whoever makes a whole library right: `photos import`, the polling of a store without notifications, `photos
//! reconcile`. A level-triggered sweep: list, survey, [`Ingest::sync_key`] what is not done. Killed anywhere, it is
//! begun again, and finds what is done by this alone.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Ingest, IngestError, MetadataRead, Outcome};
use crate::archive::{ArchiveKey, KeyPlace, UNDATED};
use crate::catalogue::batch::BATCH;
use crate::catalogue::item::{LedgerEntry, PhotoItemHeader};
use crate::storage::Listed;
use photo_metadata::{EXTRACTOR_VERSION, HEAD_BYTES};

/// Keys that are best surveyed at a time: as many as one request to the table answers.
pub const SURVEY_BATCH: usize = BATCH;

/// An object as a listing, or the answer to an upload, shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Without quotes.
    pub etag: String,
    /// Size, bytes.
    pub size_bytes: u64,
    /// Absent where only the bytes are known.
    pub last_modified: Option<DateTime<Utc>>,
}

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestStatus {
    /// These bytes have not been dealt with.
    New,
    /// Archived, and its copy is not in the catalogue.
    Unindexed {
        /// The copy.
        archive_key: String,
    },
    /// Archived and in the catalogue, or removed from the archive by hand, which stays so.
    Known {
        /// Without a believable date.
        undated: bool,
    },
    /// No photo, by its bytes.
    Skipped,
    /// Under neither prefix.
    Outside,
}

/// What an object would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// Filed under this day.
    Dated(NaiveDate),
    /// A photo without a believable date.
    Undated,
    /// No photo, and why.
    NotAPhoto(String),
    /// It is gone, or changing.
    Gone,
}

impl From<Listed> for ListedObject {
    fn from(listed: Listed) -> Self {
        ListedObject {
            key: listed.key,
            etag: listed.etag,
            size_bytes: listed.size_bytes,
            last_modified: Some(listed.last_modified),
        }
    }
}

impl ListedObject {
    pub(super) fn is(&self, version: &crate::catalogue::item::ObjectVersion) -> bool {
        match self.last_modified {
            Some(time) => version.is_listed(&self.etag, time),
            None => version.etag == self.etag,
        }
    }
}

impl Ingest {
    /// How far each of these objects of a bucket is, in their order. Reads the table only, and changes nothing.
    ///
    /// # Errors
    /// The table.
    pub async fn survey_objects(
        &self,
        bucket: &str,
        seen: &[ListedObject],
    ) -> Result<Vec<IngestStatus>, IngestError> {
        let places: Vec<Option<KeyPlace>> = seen
            .iter()
            .map(|sighting| self.layout.place(bucket, &sighting.key))
            .collect();
        let keys = |wanted: fn(&KeyPlace) -> bool| -> Vec<&str> {
            let with_places = seen.iter().zip(&places);
            with_places
                .filter(|(_, place)| place.as_ref().is_some_and(wanted))
                .map(|(sighting, _)| sighting.key.as_str())
                .collect()
        };
        let mut ledger = self
            .catalogue
            .ledgers(bucket, &keys(|place| matches!(place, KeyPlace::Source(_))))
            .await?;
        // The archive keys in question: those that are listed, and those that the ledger leads to.
        let copies: Vec<Option<ArchiveKey>> = seen
            .iter()
            .zip(&places)
            .map(|(sighting, place)| match place {
                Some(KeyPlace::Archive(key)) => Some(key.clone()),
                Some(KeyPlace::Source(_)) => {
                    let entry = ledger.get(&sighting.key);
                    let entry = entry.filter(|entry| sighting.is(&entry.version))?;
                    self.layout.archive_key(entry.archive_key.as_deref()?)
                }
                None => None,
            })
            .collect();
        let stems: Vec<&str> = copies.iter().flatten().map(ArchiveKey::stem).collect();
        let holdings = self.catalogue.photo_item_headers(&stems).await?;
        let is_indexed = |sighting: &ListedObject, key: &ArchiveKey| {
            let part = holdings
                .get(key.stem())
                .and_then(|item| item.parts.get(key.part()));
            part.is_some_and(|part| {
                part.extractor_version == EXTRACTOR_VERSION
                    && part.version().is_some_and(|bytes| sighting.is(&bytes))
            })
        };
        // A file of the archive that no item has may be no photo.
        let strangers: Vec<&str> = seen
            .iter()
            .zip(&places)
            .zip(&copies)
            .filter_map(|((sighting, place), copy)| match (place, copy) {
                (Some(KeyPlace::Archive(_)), Some(key)) if !is_indexed(sighting, key) => {
                    Some(sighting.key.as_str())
                }
                _ => None,
            })
            .collect();
        ledger.extend(self.catalogue.ledgers(bucket, &strangers).await?);
        let standing = |((sighting, place), copy): (
            (&ListedObject, &Option<KeyPlace>),
            &Option<ArchiveKey>,
        )| {
            let entry = ledger
                .get(&sighting.key)
                .filter(|entry| sighting.is(&entry.version));
            match (place, copy) {
                (None, _) => IngestStatus::Outside,
                (Some(KeyPlace::Archive(_)), Some(key)) if is_indexed(sighting, key) => {
                    let item = holdings.get(key.stem());
                    IngestStatus::Known {
                        undated: item.is_some_and(is_undated),
                    }
                }
                (Some(KeyPlace::Source(_)), Some(key)) => {
                    let item = holdings.get(key.stem());
                    if item.is_some_and(|item| item.parts.contains_key(key.part())) {
                        IngestStatus::Known {
                            undated: key.stem().starts_with(&format!("{UNDATED}/")),
                        }
                    } else {
                        IngestStatus::Unindexed {
                            archive_key: key.as_str().to_owned(),
                        }
                    }
                }
                _ if entry.is_some_and(is_skipped) => IngestStatus::Skipped,
                _ => IngestStatus::New,
            }
        };
        let all = seen.iter().zip(&places).zip(&copies);
        Ok(all.map(standing).collect())
    }

    /// Makes a key right as [`Ingest::process_key`] does, and at once the copy that follows from it: for where no
    /// notification wakes the second step. The outcome is that of the first. Safe to repeat.
    ///
    /// # Errors
    /// It has to be tried again.
    pub async fn sync_key(&self, bucket: &str, key: &str) -> Result<Outcome, IngestError> {
        let outcome = self.process_key(bucket, key).await?;
        if let Outcome::Archived(copy) | Outcome::Undated(copy) = &outcome {
            self.process_key(self.layout.archive_bucket(), copy).await?;
        }
        Ok(outcome)
    }

    /// What an object would become, by ranged reads of it alone. Changes nothing.
    ///
    /// # Errors
    /// The store.
    pub async fn predict_outcome(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<ExpectedOutcome, IngestError> {
        let Some((object, head)) = self.storage.read_head(bucket, key, HEAD_BYTES).await? else {
            return Ok(ExpectedOutcome::Gone);
        };
        let file_name = key.rsplit('/').next().unwrap_or(key);
        Ok(
            match self.extract(bucket, key, &object, head, file_name).await? {
                MetadataRead::Changed => ExpectedOutcome::Gone,
                MetadataRead::Done(Err(unsupported)) => {
                    ExpectedOutcome::NotAPhoto(unsupported.reason)
                }
                MetadataRead::Done(Ok(extraction)) => {
                    ExpectedOutcome::of(extraction.photo.record.capture.day())
                }
            },
        )
    }
}

impl ExpectedOutcome {
    /// Of a photo with this date.
    pub fn of(date: Option<NaiveDate>) -> Self {
        date.map_or(ExpectedOutcome::Undated, ExpectedOutcome::Dated)
    }
}

fn is_undated(item: &PhotoItemHeader) -> bool {
    // A private photo's partition has a word in front.
    item.date_partition
        .as_deref()
        .is_some_and(|partition| partition.ends_with(UNDATED))
}

/// Whether today's extractor has found these bytes to be no photo.
fn is_skipped(entry: &LedgerEntry) -> bool {
    entry.archive_key.is_none() && entry.extractor_version == EXTRACTOR_VERSION
}
