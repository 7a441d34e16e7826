//! The items of the photos table. This module defines their fields and sends no request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::date_partition::{DatePartition, deserialize_stored};
use crate::archive::UNDATED;
use crate::object::{ObjectRef, ObjectVersion};
use crate::photo_id::PhotoId;
use crate::privacy::{
    UNREAD_LABELS, Visibility, VisibilityFacts, VisibilityReason, VisibilityRules,
};
use crate::summary::Summary;
use photo_metadata::EXTRACTOR_VERSION;
use photo_metadata::{Camera, EmbeddedPreview, FileLabels, PhotoMetadata, Tags};

/// The version of the item format: the fields of an item and its index keys. Increase the version
/// if a change of the program requires that existing items are written again.
pub const SCHEMA_VERSION: u32 = 1;
/// The maximum size of the keywords in the labels (keywords and rating) of a photo, in bytes. Every
/// index contains a copy of them. If a photo has more, the rest is left out, and
/// [`FileLabels::gap`] contains the reason.
const MAX_LABEL_BYTES: usize = 16 << 10;

/// The attribute in which a photo item has its schema version. The item with the date partitions
/// has it too, and there it is the schema version of the whole table.
pub(super) const SCHEMA_VERSION_ATTRIBUTE: &str = "schemaVersion";

/// The header of a photo item: a small selection of its fields. It contains the fields that
/// identify the photo and its parts (files). It does not contain the record (the normalised
/// metadata), except for the camera and the capture time.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoItemHeader {
    /// The key of the item: `photo#<id>`. See [`PhotoItem::pk`].
    pub pk: String,
    /// The stem of the photo. See [`PhotoItem::stem`].
    pub stem: String,
    /// The owner of the stem. See [`PhotoItem::owner`].
    pub owner: String,
    /// The revision of the item: a number that grows with each write. See [`PhotoItem::revision`].
    pub revision: u64,
    /// The parts of the photo, by extension. See [`PhotoItem::parts`].
    pub parts: BTreeMap<String, PhotoPart>,
    /// The partition of the index by-date that lists the photo. See [`IndexKeys::date_partition`].
    #[serde(deserialize_with = "deserialize_stored")]
    pub date_partition: Option<DatePartition>,
    /// The version of the extractor that derived the record. See [`PhotoItem::extractor_version`].
    pub extractor_version: u32,
    /// The camera, if it is known. See
    /// [`PhotoRecord::camera`](photo_metadata::PhotoRecord::camera).
    pub camera: Option<Camera>,
    /// The capture time as the file contains it, without a correction by a person. See
    /// [`photo_metadata::CaptureTime::local`].
    pub taken_at_local: Option<String>,
}

impl PhotoItemHeader {
    /// The names of the DynamoDB attributes that a request for headers reads.
    pub(super) const ATTRIBUTES: [&'static str; 10] = [
        "pk",
        "stem",
        "owner",
        "revision",
        "parts",
        "datePartition",
        "extractorVersion",
        "camera",
        "takenAtLocal",
        SCHEMA_VERSION_ATTRIBUTE,
    ];
}

/// A photo item: one shot with its parts (files), and the record (the normalised metadata), which
/// is derived from one of the parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoItem {
    /// The key of the item: `photo#<id>`.
    pub pk: String,
    /// The id of the photo. See [`PhotoId`].
    pub id: String,
    /// The stem, such as `2018-02-01/foobar`.
    pub stem: String,
    /// The owner of the stem. See `archive::Owner`.
    pub owner: String,
    /// The revision of this item. Each write increases it by one. An item of revision 0 is a stub,
    /// which only claims the stem.
    pub revision: u64,
    /// The parts of the photo. The key is the file's extension in its original case.
    pub parts: BTreeMap<String, PhotoPart>,
    /// The part that the record was derived from. `None` if the item has no record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<DerivedFrom>,
    /// The record: the normalised metadata. In the table, the fields of the record are attributes
    /// of the item itself.
    #[serde(flatten)]
    pub photo: PhotoMetadata,
    /// All metadata tags of the part that the record was derived from. The outer key is the group
    /// of tags (the IFD, such as `IFD0`), the inner key is the name of the tag.
    pub exif: Tags,
    /// The tags that were left out because of their size. The key is `<IFD>.<Tag>`, the value is
    /// the size of the tag in bytes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exif_omitted: BTreeMap<String, u64>,
    /// The problems that occurred when the record was derived from its part, one text for each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exif_warnings: Vec<String>,
    /// The values that a person set. They stay when the photo is indexed again.
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The version of the extractor that derived the record.
    pub extractor_version: u32,
    /// The version of the item format when this item was written. See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The summary: the fields that lists show. `None` for a stub, and if no file of the photo is
    /// in the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// The keys of this item in the indexes of the table.
    #[serde(flatten)]
    pub index: IndexKeys,
}

/// The keys of an item in the indexes of the table (schema/tables.json). An item without a key for
/// an index is not in that index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IndexKeys {
    /// The partition key in the index by-date. `None` for a stub, and if no file of the photo is in
    /// the archive.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deserialize_stored"
    )]
    pub date_partition: Option<DatePartition>,
    /// The sort key in the indexes by-date, by-camera and by-lens: `takenAtLocal#id`, or
    /// `undated#name#id` for an undated photo. See [`super::query::date_sort`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_sort: Option<String>,
    /// The partition key in the index by-camera: the slug of the camera, such as `nikon-d750`. Only
    /// public photos have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_partition: Option<String>,
    /// The partition key in the index by-lens: the slug of the lens. Only public photos have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens_partition: Option<String>,
    /// The partition key in the index by-place: the first 4 characters of the geohash of the
    /// published position. Only public photos have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_partition: Option<String>,
    /// The sort key in the index by-place: `geohash#id`. Only public photos have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_sort: Option<String>,
}

/// A part of a photo: one file of the shot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoPart {
    /// The archive key, including the prefix.
    pub key: String,
    /// The ETag of the archived file.
    pub etag: String,
    /// The Last-Modified of the archived file.
    pub last_modified: String,
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// The media type, such as `image/jpeg`, detected from the bytes.
    pub mime: String,
    /// The width of the displayed picture in pixels, after the orientation is applied.
    pub width: Option<u32>,
    /// The height of the displayed picture in pixels, after the orientation is applied.
    pub height: Option<u32>,
    /// The source object that the file was copied from. `None` for a foreign file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PartSource>,
    /// The position and the size of the JPEG that is embedded in the file, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<EmbeddedPreview>,
    /// The keywords and the rating of the file, from all sources in it. The rules of visibility use
    /// the labels of all parts. A tombstone keeps the labels of the removed file. `None` if they are
    /// unknown: the file was read before labels existed, or there never was a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<FileLabels>,
    /// The version of the extractor that read the file.
    pub extractor_version: u32,
    /// The state of the part. It is stored as the attribute `removed`, which is `true` for a
    /// tombstone.
    #[serde(rename = "removed", skip_serializing_if = "PartState::is_live")]
    pub state: PartState,
}

/// The beginning of the gap in the labels of a file that is not a photo any more.
const NO_PHOTO_ANY_MORE: &str = "a file is not a photo any more: ";
/// The beginning of the gap in the labels of a file that was skipped, and is not a live part.
const SKIPPED_FILE: &str = "a file of the photo was skipped: ";

/// Reports whether these are the labels of [`PhotoPart::unreadable`] or [`PhotoPart::skipped`].
fn is_of_unreadable_file(labels: &FileLabels) -> bool {
    let gap = labels.gap.as_deref();
    gap.is_some_and(|gap| gap.starts_with(NO_PHOTO_ANY_MORE) || gap.starts_with(SKIPPED_FILE))
}

/// Returns the labels of a part with one more gap. The labels are empty if there is no part.
fn labels_with_gap(recorded: Option<&PhotoPart>, gap: &str) -> FileLabels {
    let labels = recorded.and_then(|part| part.labels.clone());
    let mut labels = labels.unwrap_or_default();
    labels.add_gap(gap);
    labels
}

impl PhotoPart {
    /// Builds a tombstone without labels for this archive key.
    pub fn tombstone(key: &str) -> Self {
        PhotoPart {
            key: key.to_owned(),
            state: PartState::Tombstone,
            ..PhotoPart::default()
        }
    }

    /// Builds the tombstone of a file that is still in the archive, but is not a photo any more.
    /// `recorded` is its part until now. The labels of the earlier photo stay, and the file may have
    /// others now. So [`FileLabels::gap`] of the tombstone contains `reason`, which is the reason why
    /// the file is not a photo.
    pub fn unreadable(key: &str, recorded: Option<&PhotoPart>, reason: &str) -> Self {
        let gap = format!("{NO_PHOTO_ANY_MORE}{reason}");
        PhotoPart {
            labels: Some(labels_with_gap(recorded, &gap)),
            ..PhotoPart::tombstone(key)
        }
    }

    /// Builds the tombstone of a file that is in the archive, but was skipped for `reason`. It was
    /// never a live part, or it is a removed part that came back in a form that cannot be read.
    /// `recorded` is its part until now. The file may have keywords that make the photo private. So
    /// [`FileLabels::gap`] of the tombstone contains the reason.
    pub fn skipped(key: &str, recorded: Option<&PhotoPart>, reason: &str) -> Self {
        let gap = format!("{SKIPPED_FILE}{reason}");
        PhotoPart {
            labels: Some(labels_with_gap(recorded, &gap)),
            ..PhotoPart::tombstone(key)
        }
    }

    /// Builds the tombstone of a file that is gone from the archive. `recorded` is its part until
    /// now. The labels of the file stay, so that a photo that one of its files makes private does not
    /// become public while its files are removed one by one. Only the gap of a file that could not be
    /// read does not stay.
    pub fn removed(key: &str, recorded: Option<&PhotoPart>) -> Self {
        let mut labels = recorded.and_then(|part| part.labels.clone());
        if let Some(labels) = labels
            .as_mut()
            .filter(|labels| is_of_unreadable_file(labels))
        {
            labels.gap = None;
        }
        PhotoPart {
            labels: labels.filter(|labels| *labels != FileLabels::default()),
            ..PhotoPart::tombstone(key)
        }
    }

    /// Returns `true` if the file is in the archive and is a photo.
    pub fn is_live(&self) -> bool {
        self.state.is_live()
    }

    /// Returns `true` if the part describes a file that is in the archive: a live part, or the
    /// tombstone of a file that could not be read.
    pub fn describes_present_file(&self) -> bool {
        self.is_live() || self.labels.as_ref().is_some_and(is_of_unreadable_file)
    }

    /// Returns `true` if the file is in the archive and was read by an extractor older than this
    /// version.
    pub fn is_read_by_older_than(&self, extractor_version: u32) -> bool {
        self.is_live() && self.extractor_version < extractor_version
    }

    /// Returns the version (ETag and Last-Modified) of the archived file that this part describes.
    /// Returns `None` for a tombstone.
    pub fn version(&self) -> Option<ObjectVersion> {
        self.is_live().then(|| ObjectVersion {
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
        })
    }
}

/// The state of a part. It is stored as the boolean `removed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum PartState {
    /// The file is in the archive, and is a photo.
    #[default]
    Live,
    /// The file is gone, or cannot be read as a photo.
    Tombstone,
}

impl PartState {
    /// Returns `true` if the file is in the archive and is a photo.
    pub fn is_live(&self) -> bool {
        *self == PartState::Live
    }
}

impl From<bool> for PartState {
    fn from(removed: bool) -> Self {
        match removed {
            true => PartState::Tombstone,
            false => PartState::Live,
        }
    }
}

impl From<PartState> for bool {
    fn from(state: PartState) -> Self {
        state == PartState::Tombstone
    }
}

/// The source object that a part was copied from, and the ETag of the copied bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSource {
    /// The bucket and the key of the source object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// The ETag of the bytes that were copied.
    pub etag: String,
}

/// The part that a record was derived from, and the ETag of that part at that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedFrom {
    /// The key of the part in [`PhotoItem::parts`].
    pub part: String,
    /// The ETag of the part when the record was derived.
    pub etag: String,
}

/// The values that a person set for a photo. They are shown instead of the values in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overrides {
    /// The visibility, if a person set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The title, if a person set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The caption, if a person set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The number of seconds that is added to the capture time of the file. It corrects a wrong
    /// camera clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift_seconds: Option<i64>,
}

impl Overrides {
    /// Returns `true` if no value is set.
    pub fn is_empty(&self) -> bool {
        *self == Overrides::default()
    }

    /// Merges two sets of overrides. Each value comes from `self` if it is set there, and otherwise
    /// from `other`.
    #[must_use]
    pub fn or(self, other: Overrides) -> Overrides {
        Overrides {
            visibility: self.visibility.or(other.visibility),
            title: self.title.or(other.title),
            caption: self.caption.or(other.caption),
            shift_seconds: self.shift_seconds.or(other.shift_seconds),
        }
    }
}

impl PhotoItem {
    /// Builds a stub: an item that claims the stem for the owner and has no files yet.
    pub fn stub(stem: &str, owner: &str) -> Self {
        let id = PhotoId::from_stem(stem);
        PhotoItem {
            pk: photo_pk(&id),
            id: id.to_string(),
            stem: stem.to_owned(),
            owner: owner.to_owned(),
            extractor_version: EXTRACTOR_VERSION,
            schema_version: SCHEMA_VERSION,
            ..PhotoItem::default()
        }
    }

    /// Returns `true` if at least one part (file) of this photo is in the archive.
    pub fn has_live_parts(&self) -> bool {
        self.parts.values().any(PhotoPart::is_live)
    }

    /// Returns `true` if at least one part (file) of this photo is in the archive and was copied
    /// there by ingest.
    pub fn has_live_copies(&self) -> bool {
        let mut parts = self.parts.values();
        parts.any(|part| part.is_live() && part.source.is_some())
    }

    /// Applies these rules to the photo, and returns the rule that decides who may see it. Uses the
    /// labels of all parts, and the sources of the live parts. Does not use the index keys of the
    /// item, because they may come from earlier rules.
    pub fn decide_visibility(&self, rules: &VisibilityRules) -> VisibilityReason {
        let mut facts = VisibilityFacts {
            set: self.overrides.visibility,
            ..VisibilityFacts::default()
        };
        let record = &self.photo.record;
        facts
            .keywords
            .extend(record.keywords.iter().map(String::as_str));
        facts.add_rating(record.rating);
        let labels = self.labels();
        facts.add_labels(Some(&labels));
        let live = self.parts.values().filter(|part| part.is_live());
        let sources = live.filter_map(|part| part.source.as_ref());
        facts
            .sources
            .extend(sources.map(|source| source.object.key.as_str()));
        rules.decide(&facts)
    }

    /// Returns the labels of all parts together, also those that the tombstones of removed files
    /// keep. [`FileLabels::gap`] contains a reason if the labels of a part are unknown or incomplete,
    /// if the file of a part is not a photo any more, or if all keywords have more than 16 KB
    /// together.
    pub fn labels(&self) -> FileLabels {
        let mut labels = FileLabels::default();
        for part in self.parts.values() {
            match &part.labels {
                Some(part) => labels.merge(part),
                None if part.is_live() => labels.add_gap(UNREAD_LABELS),
                None => {}
            }
        }
        labels.limit_bytes(MAX_LABEL_BYTES);
        labels
    }

    /// Returns `true` if the photo is in the public indexes: at least one of its files is in the
    /// archive, and its date partition is not private.
    pub fn is_public(&self) -> bool {
        let partition = self.index.date_partition;
        self.has_live_parts()
            && partition.is_some_and(|partition| partition.visibility == Visibility::Public)
    }
}

/// The first characters of the key of every photo item.
pub(super) const PHOTO_PREFIX: &str = "photo#";

/// Returns the key of a photo item.
///
/// ```
/// use photo_catalogue::catalogue::item::photo_pk;
/// use photo_catalogue::photo_id::PhotoId;
///
/// let id = PhotoId::from_stem("2018-02-01/foobar");
/// assert_eq!(photo_pk(&id), format!("photo#{id}"));
/// ```
pub fn photo_pk(id: &PhotoId) -> String {
    format!("{PHOTO_PREFIX}{id}")
}

/// A ledger entry: what ingest did with the bytes of one object. Organise (the copy to the archive)
/// writes one for each source object. Index (the update of the catalogue) writes one for an
/// archived file that is not a photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The key of the entry: `ledger#<bucket>/<key>`.
    pub pk: String,
    /// The bucket and the key of the object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// The version of the object (ETag and Last-Modified) that this entry describes.
    #[serde(flatten)]
    pub version: ObjectVersion,
    /// The outcome of ingest for the object: archived, undated or skipped.
    pub outcome: LedgerOutcome,
    /// The reason why the object was skipped. `None` for other outcomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The archive key of the copy, including the prefix. `None` if there is no copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_key: Option<String>,
    /// The owner of the copy. `None` if there is no copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The version of the extractor that read the object.
    pub extractor_version: u32,
}

/// The outcome in a ledger entry: what ingest did with the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LedgerOutcome {
    /// The photo was copied to the folder of its day.
    Archived,
    /// The photo was copied to the folder `undated/`.
    Undated,
    /// The object was skipped, because it is not a photo.
    Skipped,
}

impl LedgerOutcome {
    /// Returns the text of the outcome, as the catalogue stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            LedgerOutcome::Archived => "archived",
            LedgerOutcome::Undated => UNDATED,
            LedgerOutcome::Skipped => "skipped",
        }
    }
}

impl LedgerEntry {
    /// The first characters of the key of every ledger entry.
    pub const PREFIX: &'static str = "ledger#";
    /// The attributes that a scan reads for ledger entries, in addition to
    /// [`PhotoItemHeader::ATTRIBUTES`].
    pub(super) const SCANNED_ATTRIBUTES: [&'static str; 7] = [
        "bucket",
        "key",
        "etag",
        "lastModified",
        "outcome",
        "reason",
        "archiveKey",
    ];

    /// Returns the key of the ledger entry of an object.
    ///
    /// ```
    /// use photo_catalogue::catalogue::item::LedgerEntry;
    ///
    /// let object = "s3://inbox/card/foobar.jpg".parse()?;
    /// assert_eq!(LedgerEntry::pk(&object), "ledger#inbox/card/foobar.jpg");
    /// # Ok::<(), photo_catalogue::object::ObjectNameError>(())
    /// ```
    pub fn pk(object: &ObjectRef) -> String {
        format!("{}{}/{}", Self::PREFIX, object.bucket, object.key)
    }
}
