//! Finds the ingest status of listed objects: not processed yet, archived, or skipped. This is
//! called a survey. A survey of up to a hundred objects sends a few requests to the table, and
//! reads no object.
//!
//! `photos import`, `photos reconcile` and the poller of a store without notifications list
//! objects, survey them, and call [`Ingest::sync_object`] for each object that is not done. After
//! an interruption they start again, because the survey finds what is already done.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use photo_metadata::{BEGINNING_BYTES, EXTRACTOR_VERSION, PartialDateTime};

use super::extract::MetadataRead;
use super::{Ingest, IngestError};
use crate::archive::{ArchiveKey, KeyPlace, SidecarName};
use crate::catalogue::batch::MAX_BATCH_KEYS;
use crate::catalogue::item::{LedgerEntry, PhotoItemHeader, PhotoPart};
use crate::identity::BytesRelation;
use crate::object::{Bucket, ObjectRef, ObjectVersion};
use crate::photo_id::PhotoId;
use crate::storage::ListingEntry;

/// The recommended number of objects in one call of [`Ingest::survey_objects`]. One request to the
/// table returns at most this number of items.
pub const SURVEY_BATCH: usize = MAX_BATCH_KEYS;

/// An object, as a listing or the response to a PUT describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedObject {
    /// The key of the object.
    pub key: String,
    /// The ETag, without quotes.
    pub etag: String,
    /// The size in bytes.
    pub size_bytes: u64,
    /// Last-Modified. `None` if it is unknown, because the response to a PUT does not contain it.
    pub last_modified: Option<DateTime<Utc>>,
}

/// The status of ingest for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestStatus {
    /// The present bytes of the object are not processed yet, and no earlier bytes of its key are
    /// archived.
    New,
    /// Earlier bytes of the source key are archived. The present object is not processed yet.
    Changed {
        /// The archive key of the earlier bytes.
        archive_key: ArchiveKey,
        /// Whether the present bytes are the earlier ones: the object was uploaded again.
        bytes: BytesRelation,
    },
    /// The object is archived, and its photo is in the catalogue. A source object also has this
    /// status if a person removed its copy, because ingest does not restore a removed copy.
    Known {
        /// The archive key of the photo.
        archive_key: ArchiveKey,
        /// `true` if the photo has no credible date.
        undated: bool,
    },
    /// Another source object has the same bytes, and its photo is in the catalogue.
    Duplicate {
        /// `true` if the photo has no credible date.
        undated: bool,
    },
    /// The bytes are not a photo.
    Skipped,
    /// The name of the object is never a photo's. The text is the reason.
    SkippedName(String),
    /// The key is neither under the source prefix nor under the archive prefix.
    Outside,
}

/// The outcome that ingest would have for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// The photo would be copied to the folder of this day, month or year.
    Dated(PartialDateTime),
    /// The photo has no credible date, and would be copied to `undated/`.
    Undated,
    /// The bytes are not a photo, or the name is never a photo's. The text is the reason.
    NotAPhoto(String),
    /// The object is a sidecar. It would be copied beside its photo.
    Sidecar,
    /// The object was deleted, or it changed while it was read.
    Gone,
}

impl From<ListingEntry> for ListedObject {
    fn from(listed: ListingEntry) -> Self {
        ListedObject {
            key: listed.key,
            etag: listed.etag,
            size_bytes: listed.size_bytes,
            last_modified: Some(listed.last_modified),
        }
    }
}

impl ListedObject {
    /// Returns `true` if the listed object has this version (ETag and Last-Modified).
    pub(super) fn has_version(&self, version: &ObjectVersion) -> bool {
        match self.last_modified {
            Some(time) => version.matches_listing(&self.etag, time),
            None => version.etag == self.etag,
        }
    }
}

/// An object of a listing, for which [`Ingest::survey_objects`] must find the [`IngestStatus`].
struct SurveyedObject<'a> {
    listed: &'a ListedObject,
    place: Option<KeyPlace>,
    /// The reason why the name of the object is never a photo's.
    skip_reason: Option<String>,
    /// The archive key to look up: the object's own key, or the key of its copy in the ledger.
    copy: Option<ArchiveKey>,
    /// The archive key of earlier bytes of a source object.
    earlier: Option<ArchiveKey>,
}

/// The ledger entries and the headers of photo items that [`Ingest::survey_objects`] has read from
/// the table.
struct SurveyTable {
    /// The ledger entries, by object key.
    ledger: HashMap<String, LedgerEntry>,
    /// The headers of the photo items, by stem.
    headers: HashMap<String, PhotoItemHeader>,
}

impl SurveyTable {
    /// Returns the ledger entry of an object, if the entry describes the listed bytes.
    fn ledger_entry(&self, listed: &ListedObject) -> Option<&LedgerEntry> {
        let entry = self.ledger.get(&listed.key);
        entry.filter(|entry| listed.has_version(&entry.version))
    }

    /// Returns `true` if the catalogue lists the listed bytes under this archive key, and if the
    /// present version of the extractor has read them.
    fn is_indexed(&self, listed: &ListedObject, key: &ArchiveKey) -> bool {
        let item = self.headers.get(key.stem());
        let part = item.and_then(|item| item.parts.get(key.part()));
        part.is_some_and(|part| {
            part.extractor_version >= EXTRACTOR_VERSION
                && part
                    .version()
                    .is_some_and(|version| listed.has_version(&version))
        })
    }

    /// Returns `true` if the catalogue lists a file under this archive key.
    fn is_listed(&self, key: &ArchiveKey) -> bool {
        let item = self.headers.get(key.stem());
        let part = item.and_then(|item| item.parts.get(key.part()));
        part.is_some_and(PhotoPart::is_live)
    }

    /// Reports whether index has seen the bytes in the ledger entry of a source object under this
    /// archive key. The entry is written before the copy is made. An older version of this program
    /// wrote it after the copy and without a content id. Then the part in the item decides.
    fn has_seen_entry(&self, listed: &ListedObject, key: &ArchiveKey) -> bool {
        let entry = self.ledger.get(&listed.key);
        let content = entry.and_then(|entry| entry.content.as_ref());
        let Some(item) = self.headers.get(key.stem()) else {
            return false;
        };
        let part = item.parts.get(key.part());
        let has_part = part.is_some();
        match content {
            // A sidecar has no evidence.
            Some(_) if key.sidecar_kind().is_some() => {
                part.and_then(|part| part.content.as_ref()) == content
            }
            Some(content) if !item.evidence.is_empty() => item.evidence.has_seen(content),
            _ => has_part,
        }
    }

    fn status(&self, object: &SurveyedObject<'_>) -> IngestStatus {
        let listed = object.listed;
        if let Some(reason) = &object.skip_reason {
            return match &object.place {
                // The file was indexed before its name was skipped.
                Some(KeyPlace::Archive(key)) if self.is_listed(key) => IngestStatus::New,
                _ => IngestStatus::SkippedName(reason.clone()),
            };
        }
        match (&object.place, &object.copy) {
            (None, _) => IngestStatus::Outside,
            (Some(KeyPlace::Archive(_)), Some(key)) if self.is_indexed(listed, key) => {
                let item = self.headers.get(key.stem());
                IngestStatus::Known {
                    archive_key: key.clone(),
                    undated: item.is_some_and(is_undated_item),
                }
            }
            (Some(KeyPlace::Source(_)), Some(key)) => {
                let item = self.headers.get(key.stem());
                let part = item.and_then(|item| item.parts.get(key.part()));
                let undated = key.is_undated();
                match part {
                    _ if !self.has_seen_entry(listed, key) => IngestStatus::New,
                    Some(part) if is_of_other_source(part, &listed.key) => {
                        IngestStatus::Duplicate { undated }
                    }
                    _ => IngestStatus::Known {
                        archive_key: key.clone(),
                        undated,
                    },
                }
            }
            _ if self.ledger_entry(listed).is_some_and(is_skipped) => IngestStatus::Skipped,
            (Some(KeyPlace::Source(_)), None) if let Some(earlier) = &object.earlier => {
                let entry = self.ledger.get(&listed.key);
                let is_same = entry.is_some_and(|entry| entry.version.etag == listed.etag);
                IngestStatus::Changed {
                    archive_key: earlier.clone(),
                    bytes: match is_same {
                        true => BytesRelation::Equal,
                        false => BytesRelation::Other,
                    },
                }
            }
            _ => IngestStatus::New,
        }
    }
}

impl Ingest {
    /// Returns the ingest status of these objects of a bucket, in the same order. Reads only the
    /// table. Changes nothing.
    ///
    /// # Errors
    /// Returns an error if the table fails.
    pub async fn survey_objects(
        &self,
        bucket: &Bucket,
        listed: &[ListedObject],
    ) -> Result<Vec<IngestStatus>, IngestError> {
        let mut objects: Vec<SurveyedObject<'_>> = listed
            .iter()
            .map(|listed| {
                let object = bucket.object(&listed.key);
                SurveyedObject {
                    listed,
                    place: self.layout.place(&object),
                    skip_reason: self.skip_reason(&object),
                    copy: None,
                    earlier: None,
                }
            })
            .collect();
        let source_keys: Vec<&str> = objects
            .iter()
            .filter(|object| object.skip_reason.is_none())
            .filter(|object| matches!(object.place, Some(KeyPlace::Source(_))))
            .map(|object| object.listed.key.as_str())
            .collect();
        let mut table = SurveyTable {
            ledger: self.catalogue.ledger_entries(bucket, &source_keys).await?,
            headers: HashMap::new(),
        };
        for object in &mut objects {
            object.copy = match &object.place {
                Some(KeyPlace::Archive(key)) => Some(key.clone()),
                Some(KeyPlace::Source(_)) => table
                    .ledger_entry(object.listed)
                    .and_then(|entry| self.layout.archive_key(entry.copied_to()?)),
                None => None,
            };
            object.earlier = table
                .ledger
                .get(&object.listed.key)
                .and_then(|entry| self.layout.archive_key(entry.archive_key.as_deref()?));
        }
        let copies = objects.iter().filter_map(|object| object.copy.as_ref());
        let stems: Vec<&str> = copies.map(ArchiveKey::stem).collect();
        table.headers = self.catalogue.photo_item_headers(&stems).await?;
        // A file in the archive without an item may not be a photo. In that case it has a ledger
        // entry.
        let unindexed: Vec<&str> = objects
            .iter()
            .filter(|object| object.skip_reason.is_none())
            .filter(|object| match &object.place {
                Some(KeyPlace::Archive(key)) => !table.is_indexed(object.listed, key),
                _ => false,
            })
            .map(|object| object.listed.key.as_str())
            .collect();
        let entries = self.catalogue.ledger_entries(bucket, &unindexed).await?;
        table.ledger.extend(entries);
        Ok(objects.iter().map(|object| table.status(object)).collect())
    }

    /// Reports whether the photos of two archive keys are kin: they show the same files, for example
    /// because a photo has moved to another day. Changes nothing.
    ///
    /// # Errors
    /// Returns an error if the table fails.
    pub async fn has_kin(&self, key: &ArchiveKey, other: &ArchiveKey) -> Result<bool, IngestError> {
        let item = self.catalogue.item(&PhotoId::from_stem(key.stem())).await?;
        Ok(item.is_some_and(|item| item.kin.contains(other.stem())))
    }

    /// Predicts the outcome that ingest would have for an object. Reads ranges of the object.
    /// Changes nothing.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn predict_outcome(
        &self,
        object: &ObjectRef,
    ) -> Result<ExpectedOutcome, IngestError> {
        if let Some(reason) = self.skip_reason(object) {
            return Ok(ExpectedOutcome::NotAPhoto(reason));
        }
        if SidecarName::parse(object.file_name()).is_some() {
            return Ok(ExpectedOutcome::Sidecar);
        }
        let read = self.storage.read_beginning(object, BEGINNING_BYTES).await?;
        let Some((properties, head)) = read else {
            return Ok(ExpectedOutcome::Gone);
        };
        Ok(match self.extract(object, &properties, head).await? {
            MetadataRead::Changed => ExpectedOutcome::Gone,
            MetadataRead::Done(Err(unsupported)) => ExpectedOutcome::NotAPhoto(unsupported.reason),
            MetadataRead::Done(Ok(extraction)) => {
                ExpectedOutcome::of_date(extraction.photo.record.capture.local)
            }
        })
    }
}

impl ExpectedOutcome {
    /// Returns the outcome for a photo with this date. `None` means that the photo has no credible
    /// date.
    pub fn of_date(date: Option<PartialDateTime>) -> Self {
        date.map_or(ExpectedOutcome::Undated, ExpectedOutcome::Dated)
    }
}

/// Reports whether a live part was copied from another source object than the one with this key.
fn is_of_other_source(part: &PhotoPart, key: &str) -> bool {
    let from = part.copied_from();
    part.is_live() && from.is_none_or(|from| from.object.key != key)
}

fn is_undated_item(item: &PhotoItemHeader) -> bool {
    item.date_partition
        .is_some_and(|partition| partition.is_undated())
}

/// Returns `true` if the present version of the extractor found that the object of this entry is
/// not a photo.
fn is_skipped(entry: &LedgerEntry) -> bool {
    entry.copied_to().is_none() && entry.extractor_version >= EXTRACTOR_VERSION
}
