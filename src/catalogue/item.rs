//! The items of the photos table. This module defines their fields and sends no request.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use super::date_partition::{DatePartition, deserialize_stored};
use super::set_date::{SetDate, SetOffset};
use crate::archive::{self, NO_EXTENSION, SidecarKind, UNDATED};
use crate::identity::{ContentId, Evidence, EvidenceList, EvidenceState, Slot};
use crate::object::{ObjectRef, ObjectVersion};
use crate::photo_id::PhotoId;
use crate::pictures::{PicturePlan, Renditions};
use crate::privacy::{
    UNREAD_LABELS, Visibility, VisibilityFacts, VisibilityReason, VisibilityRules, is_same_keyword,
};
use crate::summary::Summary;
use photo_metadata::EXTRACTOR_VERSION;
use photo_metadata::{
    Camera, CaptureTime, EmbeddedPreview, FileLabels, PartialDateTime, PhotoMetadata, PhotoRecord,
    PictureData, SidecarMetadata, Tags,
};

/// The version of the item format: the fields of an item and its index keys. Increase the version
/// if a change of the program requires that existing items are written again.
pub const SCHEMA_VERSION: u32 = 4;
/// The first version of the item format that has [`PhotoItem::added_at`].
pub(crate) const FIRST_VERSION_WITH_TIMES: u32 = 4;
/// The maximum size of the keywords in the labels (keywords and rating) of a photo, in bytes. Every
/// index contains a copy of them. If a photo has more, the rest is left out, and
/// [`FileLabels::gap`] contains the reason.
pub(crate) const MAX_LABEL_BYTES: usize = 16 << 10;

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
    /// The revision of the item: a number that grows with each write. See [`PhotoItem::revision`].
    pub revision: u64,
    /// The parts of the photo, by extension. See [`PhotoItem::parts`].
    pub parts: BTreeMap<String, PhotoPart>,
    /// The evidence of all files that were claimed or seen. See [`PhotoItem::evidence`].
    pub evidence: EvidenceList,
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
    /// The plan of the pictures. See [`PhotoItem::picture_plan`].
    pub picture_plan: Option<Box<PicturePlan>>,
    /// The renditions. See [`PhotoItem::renditions`].
    pub renditions: Option<Box<Renditions>>,
}

impl PhotoItemHeader {
    /// Returns `true` if at least one photo file of this item is in the archive. Sidecars do not
    /// count.
    pub fn has_live_photo(&self) -> bool {
        let mut live = self.parts.iter().filter(|(_, part)| part.is_live());
        live.any(|(name, _)| SidecarKind::of_part(name).is_none())
    }

    /// The names of the DynamoDB attributes that a request for headers reads.
    pub(super) const ATTRIBUTES: [&'static str; 12] = [
        "pk",
        "stem",
        "revision",
        "parts",
        "evidence",
        "datePartition",
        "extractorVersion",
        "camera",
        "takenAtLocal",
        "picturePlan",
        "renditions",
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
    /// The revision of this item. Each write increases it by one.
    pub revision: u64,
    /// The evidence of all files that were ever claimed or seen under this stem. It decides which
    /// files may use the stem. An item without evidence was written by an older version of this
    /// program: its parts and its record are the evidence. See [`PhotoItem::known_evidence`].
    #[serde(skip_serializing_if = "EvidenceList::is_empty")]
    pub evidence: EvidenceList,
    /// The evidence of uploads that claimed this stem and then took a later name, because another
    /// file had their key. Their bytes, and other files of their shot, must find that later name.
    /// See [`crate::ingest`].
    #[serde(skip_serializing_if = "EvidenceList::is_empty")]
    pub passed: EvidenceList,
    /// What a claim of the stem compares with a new file. It is derived from the evidence.
    #[serde(flatten)]
    pub claim: ClaimKeys,
    /// The stems that show the same files, because a photo was moved, or because a person copied or
    /// renamed a file in the archive. What a person sets at one of them is set at all.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub kin: BTreeSet<String>,
    /// The stems of the photos that their owner has merged into this one. They are kin, too.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub merged: BTreeSet<String>,
    /// The stem of a hidden photo, if this photo is hidden because of it: a new file took a name of
    /// its own beside the hidden photo, and the evidence does not show that it is another shot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_for: Option<String>,
    /// The parts of the photo: its photo files and its sidecars. The key is the file's extension in
    /// its original case, such as `NEF`, or the name of a sidecar, such as `xmp` or `NEF.xmp`.
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
    /// The instant at which the photo first became public, in whole seconds. It never changes after
    /// that. While the photo waits for its pictures for the first time, it is the time at which the
    /// wait ends. `None` if the photo was never public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_at: Option<DateTime<Utc>>,
    /// The values that a person set. They stay when the photo is indexed again.
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The plan: which pictures the photo should have. `None` if it never should have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_plan: Option<Box<PicturePlan>>,
    /// The renditions that render has made, or the reason why it made none. `None` if render has
    /// not worked on the photo, or has removed its pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renditions: Option<Box<Renditions>>,
    /// It is `due` if render has work to do for this photo. It is derived from the plan and the
    /// renditions. On AWS, a filter on the table's stream reads it.
    #[serde(rename = "pictureWork", skip_serializing_if = "Option::is_none")]
    pub picture_work_due: Option<String>,
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

/// The attributes that the condition of a claim compares with a new file (see
/// [`crate::catalogue::claim`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimKeys {
    /// The slots that are claimed, or were ever used.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub slots: BTreeSet<Slot>,
    /// The capture time of the shot to the second: `2018-02-01T09:41:07`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shot_second: Option<NaiveDateTime>,
    /// The camera model of the shot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shot_model: Option<String>,
    /// The serial number of the camera body of the shot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shot_serial: Option<String>,
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
    /// The sort key in the indexes by-date, by-camera and by-lens: `time#name#id`, or
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
    /// The source object that the file was copied from. `None` for a file that ingest did not copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PartSource>,
    /// Who put the file under its key. It is stored as the attribute `byHand`, which is `true` for
    /// a file that a person put there.
    #[serde(rename = "byHand", skip_serializing_if = "PartPlacement::is_archived")]
    pub placement: PartPlacement,
    /// The content id of the file, also of one that was removed. `None` if it is unknown, and for a
    /// part that an older version of this program wrote. See [`PhotoPart::content_id`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentId>,
    /// The place of the picture data in the file, without its metadata. `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureData>,
    /// The position and the size of the JPEG that is embedded in the file, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<EmbeddedPreview>,
    /// What a sidecar contains about its photo. `None` for a photo file, and for a sidecar that
    /// only belongs to its photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidecar: Option<SidecarMetadata>,
    /// The keywords and the rating of the file, from all sources in it. The rules of visibility use
    /// the labels of all parts. A tombstone keeps the labels of the removed file. `None` if they
    /// are unknown: the file was read before labels existed, or there never was a file.
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
    /// `recorded` is its part until now. The labels of the earlier photo stay, and the file may
    /// have others now. So [`FileLabels::gap`] of the tombstone contains `reason`, which is the
    /// reason why the file is not a photo.
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
    /// now. The labels of the file stay, so that a photo that one of its files makes private does
    /// not become public while its files are removed one by one. Only the gap of a file that could
    /// not be read does not stay.
    pub fn removed(key: &str, recorded: Option<&PhotoPart>) -> Self {
        let mut labels = recorded.and_then(|part| part.labels.clone());
        let content = recorded.and_then(|part| part.content.clone());
        if let Some(labels) = labels
            .as_mut()
            .filter(|labels| is_of_unreadable_file(labels))
        {
            labels.gap = None;
        }
        PhotoPart {
            labels: labels.filter(|labels| *labels != FileLabels::default()),
            content,
            ..PhotoPart::tombstone(key)
        }
    }

    /// Returns `true` if the file is in the archive and is a photo.
    pub fn is_live(&self) -> bool {
        self.state.is_live()
    }

    /// Returns `true` if the file is in the archive, and ingest put it under its key.
    pub fn is_live_copy(&self) -> bool {
        self.is_live() && self.copied_from().is_some()
    }

    /// Returns the source of a file that ingest put under its key. Returns `None` for a file that a
    /// person put there, even if it is a copy of a file that ingest has archived.
    pub fn copied_from(&self) -> Option<&PartSource> {
        let source = self.source.as_ref();
        source.filter(|_| self.placement.is_archived())
    }

    /// Returns the content id of the file, or `None` for a tombstone.
    pub fn content_id(&self) -> Option<ContentId> {
        if !self.is_live() {
            return None;
        }
        let of_etag = || {
            let etag = self.source.as_ref().map_or(&self.etag, |from| &from.etag);
            ContentId::of_md5(self.bytes, etag)
        };
        Some(self.content.clone().unwrap_or_else(of_etag))
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

/// Who put a file under its archive key. It is stored as the boolean `byHand`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum PartPlacement {
    /// Ingest has copied the file from its source. If the part has no source, it is a tombstone, or
    /// an older version of this program wrote it for a file that is there by hand.
    #[default]
    Archived,
    /// A person or another program put the file there.
    ByHand,
}

impl PartPlacement {
    /// Returns `true` if ingest put the file under its key.
    pub fn is_archived(&self) -> bool {
        *self == PartPlacement::Archived
    }
}

impl From<bool> for PartPlacement {
    fn from(by_hand: bool) -> Self {
        match by_hand {
            true => PartPlacement::ByHand,
            false => PartPlacement::Archived,
        }
    }
}

impl From<PartPlacement> for bool {
    fn from(placement: PartPlacement) -> Self {
        placement == PartPlacement::ByHand
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
    /// The alternative text, if a person set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
    /// The keywords that a person added to those of the files, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added_keywords: Vec<String>,
    /// The keywords of the files that are not shown, because a person removed them, each once. No
    /// keyword is in both lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_keywords: Vec<String>,
    /// The number of seconds that is added to the capture time of the file. It corrects a wrong
    /// camera clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift_seconds: Option<i64>,
    /// The date, if a person set it. It replaces the date of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<SetDate>,
    /// The offset from UTC, if a person set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<SetOffset>,
}

impl Overrides {
    /// Returns `true` if no value is set.
    pub fn is_empty(&self) -> bool {
        *self == Overrides::default()
    }

    /// Returns the capture time that is shown for a file with this capture time.
    pub fn correct(&self, capture: CaptureTime) -> CaptureTime {
        let capture = match (self.date, self.shift_seconds) {
            (Some(date), _) => date.capture_time(),
            (None, Some(seconds)) => capture.shifted(seconds),
            (None, None) => capture,
        };
        match self.offset {
            Some(offset) => offset.apply(capture),
            None => capture,
        }
    }

    /// Replaces the values of a file by those that a person set.
    pub fn apply_to(&self, record: &mut PhotoRecord) {
        record.capture = self.correct(record.capture);
        let replace = |value: &mut Option<String>, set: &Option<String>| {
            if set.is_some() {
                value.clone_from(set);
            }
        };
        replace(&mut record.title, &self.title);
        replace(&mut record.caption, &self.caption);
        replace(&mut record.alt_text, &self.alt_text);
        let keywords = &mut record.keywords;
        keywords.retain(|keyword| !self.removes_keyword(keyword));
        for keyword in &self.added_keywords {
            if !has_keyword(keywords, keyword) {
                keywords.push(keyword.clone());
            }
        }
    }

    /// Reports whether a person removed this keyword of a file.
    pub fn removes_keyword(&self, keyword: &str) -> bool {
        has_keyword(&self.removed_keywords, keyword)
    }

    /// Adds a keyword to those of the files. It is not removed any more. A repeat has no effect.
    pub fn add_keyword(&mut self, keyword: &str) {
        self.removed_keywords
            .retain(|removed| !is_same_keyword(removed, keyword));
        if !has_keyword(&self.added_keywords, keyword) {
            self.added_keywords.push(keyword.to_owned());
        }
    }

    /// Removes a keyword, whether it is in a file or was added by a person. A repeat has no effect.
    pub fn remove_keyword(&mut self, keyword: &str) {
        self.added_keywords
            .retain(|added| !is_same_keyword(added, keyword));
        if !has_keyword(&self.removed_keywords, keyword) {
            self.removed_keywords.push(keyword.to_owned());
        }
    }

    /// Merges two sets of overrides. Each value comes from `self` if it is set there, and otherwise
    /// from `other`. The keywords of both are added. A keyword that one of them adds is not
    /// removed, because it may make the photo private.
    #[must_use]
    pub fn or(mut self, other: Overrides) -> Overrides {
        let unknown = |known: &[String], more: Vec<String>| {
            let more = more.into_iter();
            more.filter(|keyword| !has_keyword(known, keyword))
                .collect::<Vec<_>>()
        };
        let added = unknown(&self.added_keywords, other.added_keywords);
        self.added_keywords.extend(added);
        let removed = unknown(&self.removed_keywords, other.removed_keywords);
        self.removed_keywords.extend(removed);
        let removed = unknown(&self.added_keywords, self.removed_keywords);
        Overrides {
            visibility: self.visibility.or(other.visibility),
            title: self.title.or(other.title),
            caption: self.caption.or(other.caption),
            alt_text: self.alt_text.or(other.alt_text),
            added_keywords: self.added_keywords,
            removed_keywords: removed,
            shift_seconds: self.shift_seconds.or(other.shift_seconds),
            date: self.date.or(other.date),
            offset: self.offset.or(other.offset),
        }
    }
}

/// Reports whether a list has this keyword, as people would read it.
fn has_keyword(keywords: &[String], keyword: &str) -> bool {
    keywords.iter().any(|known| is_same_keyword(known, keyword))
}

impl PhotoItem {
    /// Builds a stub: an item of this stem without files.
    pub fn stub(stem: &str) -> Self {
        let id = PhotoId::from_stem(stem);
        PhotoItem {
            pk: photo_pk(&id),
            id: id.to_string(),
            stem: stem.to_owned(),
            extractor_version: EXTRACTOR_VERSION,
            schema_version: SCHEMA_VERSION,
            ..PhotoItem::default()
        }
    }

    /// Returns `true` if at least one photo file of this item is in the archive. Sidecars do not
    /// count.
    pub fn has_live_photo(&self) -> bool {
        self.live_photo_parts().next().is_some()
    }

    /// Returns `true` if the item has, or had, a photo file.
    pub fn has_photo_parts(&self) -> bool {
        let mut names = self.parts.keys();
        names.any(|name| SidecarKind::of_part(name).is_none())
    }

    /// Returns the live parts that are photo files, with their names. Sidecars are left out.
    pub fn live_photo_parts(&self) -> impl Iterator<Item = (&String, &PhotoPart)> {
        let live = self.parts.iter().filter(|(_, part)| part.is_live());
        live.filter(|(name, _)| SidecarKind::of_part(name).is_none())
    }

    /// Returns the live parts that are sidecars, with their names.
    pub fn live_sidecars(&self) -> impl Iterator<Item = (&String, &PhotoPart)> {
        let live = self.parts.iter().filter(|(_, part)| part.is_live());
        live.filter(|(name, _)| SidecarKind::of_part(name).is_some())
    }

    /// Returns the record of the primary part, changed by what the sidecars contain. If several
    /// sidecars contain a field, the one that is named after the primary part counts (`NEF.xmp`),
    /// then one that is named after another part, then one that is named after the photo (`xmp`).
    pub fn described_record(&self) -> PhotoRecord {
        let mut record = self.photo.record.clone();
        let primary = self.derived_from.as_ref().map(|from| from.part.as_str());
        let rank = |name: &str| match archive::described_part(name) {
            None => 0,
            Some(part) if primary.is_some_and(|name| name.eq_ignore_ascii_case(part)) => 2,
            Some(_) => 1,
        };
        let mut sidecars: Vec<(&String, &PhotoPart)> = self.live_sidecars().collect();
        sidecars.sort_by_key(|(name, _)| rank(name));
        for metadata in sidecars
            .iter()
            .filter_map(|(_, part)| part.sidecar.as_ref())
        {
            metadata.apply_to(&mut record);
        }
        record
    }

    /// Returns the date after which the folder of the photo is named: the date in the primary part.
    /// If it has none, returns the date in a sidecar. A sidecar does not replace a date of the
    /// photo here: a RAW that comes later must find its JPEG in the folder of its own day.
    pub fn folder_date(&self) -> Option<PartialDateTime> {
        let own = self.photo.record.capture.local;
        own.or_else(|| self.described_record().capture.local)
    }

    /// Returns `true` if the photo is in the folder of another date than
    /// [`PhotoItem::folder_date`]. See [`archive::is_misfiled`]. A person may have put files into a
    /// folder that is named after a year or a month, for a reason of their own. So a photo counts
    /// only if ingest put all its files there.
    pub fn is_misfiled(&self) -> bool {
        let mut live = self.parts.values().filter(|part| part.is_live());
        archive::is_misfiled(&self.stem, self.folder_date())
            && (!archive::is_in_year_or_month_folder(&self.stem)
                || live.all(|part| part.copied_from().is_some()))
    }

    /// Returns the live parts in a slot. There is at most one, unless a person puts files into the
    /// archive. The file that ingest has archived comes first.
    pub fn live_in_slot<'a>(&'a self, slot: &'a Slot) -> impl Iterator<Item = &'a PhotoPart> {
        self.named_live_in_slot(slot).map(|(_, part)| part)
    }

    /// Returns the live parts in a slot as [`PhotoItem::live_in_slot`] does, with their names.
    pub(crate) fn named_live_in_slot<'a>(
        &'a self,
        slot: &'a Slot,
    ) -> impl Iterator<Item = (&'a str, &'a PhotoPart)> {
        let live = || {
            let parts = self.parts.iter().filter(|(_, part)| part.is_live());
            let parts = parts.map(|(name, part)| (name.as_str(), part));
            parts.filter(|(name, _)| part_slot(name) == *slot)
        };
        let archived = live().filter(|(_, part)| part.copied_from().is_some());
        archived.chain(live().filter(|(_, part)| part.copied_from().is_none()))
    }

    /// Returns the evidence of the item. If an older version of this program wrote the item, the
    /// live parts and the record are the evidence.
    pub fn known_evidence(&self) -> EvidenceList {
        if !self.evidence.is_empty() {
            return self.evidence.clone();
        }
        self.live_photo_parts()
            .filter_map(|(name, part)| {
                Some(Evidence {
                    content: part.content_id()?,
                    source: part.copied_from().map(|from| from.object.clone()),
                    slot: part_slot(name),
                    state: EvidenceState::Seen,
                    ..self.photo_evidence()
                })
            })
            .collect()
    }

    /// Returns what the record of the item shows of the shot, as evidence without a file.
    pub(crate) fn photo_evidence(&self) -> Evidence {
        shot_evidence(&self.photo)
    }

    /// Reports whether an older version of this program has recorded that a file of this slot was
    /// removed. Such a tombstone has no evidence.
    pub fn has_old_tombstone(&self, slot: &Slot) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|(name, part)| !part.is_live() && part_slot(name) == *slot)
            && self.evidence.in_slot(slot).next().is_none()
    }

    /// Returns `true` if a person has hidden the photo, or if it is held because of a hidden photo.
    /// A file that takes the place of such a photo must be hidden too. The rules of visibility do
    /// not count, because they apply to the new file itself.
    pub fn is_hidden_by_hand(&self) -> bool {
        match self.overrides.visibility {
            Some(visibility) => visibility == Visibility::Private,
            None => self.held_for.is_some(),
        }
    }

    /// Returns `true` if the photo is not held and no person has decided who may see it.
    pub fn can_be_held(&self) -> bool {
        self.overrides.visibility.is_none() && self.held_for.is_none()
    }

    /// Applies these rules to the photo, and returns the rule that decides who may see it. Uses the
    /// labels of all parts, the keywords that a person has added, and the sources of the live
    /// parts. Does not use the index keys of the item, because they may come from earlier rules.
    pub fn decide_visibility(&self, rules: &VisibilityRules) -> VisibilityReason {
        let mut facts = VisibilityFacts {
            set: self.overrides.visibility,
            held_for: self.held_for.as_deref(),
            ..VisibilityFacts::default()
        };
        let record = &self.photo.record;
        let Overrides {
            added_keywords,
            removed_keywords,
            ..
        } = &self.overrides;
        let keywords = record.keywords.iter().chain(added_keywords);
        facts.keywords.extend(keywords.map(String::as_str));
        facts.removed_keywords = removed_keywords.iter().map(String::as_str).collect();
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
    /// keep. [`FileLabels::gap`] contains a reason if the labels of a part are unknown or
    /// incomplete, if the file of a part is not a photo any more, or if all keywords have more than
    /// 16 KB together.
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

    /// Returns `true` if lists show the photo at the time `now`: it is public, and does not wait
    /// for its pictures.
    pub fn is_listed(&self, now: DateTime<Utc>) -> bool {
        let summary = self.summary.as_ref();
        self.is_public() && summary.is_some_and(|summary| !summary.awaits_pictures(now))
    }

    /// Returns the instant at which the photo first became public. Returns `None` if it was not
    /// public until the time `now`: it was always private, or waits for its first pictures.
    pub fn first_public_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let is_first_wait = self.summary.as_ref().is_some_and(|summary| {
            let until = summary.awaited_until.map(|until| until.trunc_subsecs(0));
            summary.awaits_pictures(now) && self.added_at == until
        });
        self.added_at.filter(|_| !is_first_wait)
    }

    /// Returns `true` if the photo is in the public indexes: at least one of its files is in the
    /// archive, and its date partition is not private.
    pub fn is_public(&self) -> bool {
        let partition = self.index.date_partition;
        self.has_live_photo()
            && partition.is_some_and(|partition| partition.visibility == Visibility::Public)
    }
}

/// Returns the slot of a part with this name. The name is an extension, or `(none)`.
pub(crate) fn part_slot(name: &str) -> Slot {
    Slot::of_extension(Some(name).filter(|name| *name != NO_EXTENSION))
}

/// Returns what the metadata of a file show of its shot, as evidence without a file.
pub(crate) fn shot_evidence(photo: &PhotoMetadata) -> Evidence {
    let camera = photo.record.camera.as_ref();
    Evidence {
        taken: photo.record.capture.metadata_second(),
        model: camera.and_then(|camera| camera.model.clone()),
        serial: photo.body_serial.clone(),
        ..Evidence::default()
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
    /// The archive key of the copy, including the prefix. `None` if there is no copy. The entry is
    /// written before the copy is made. If the object was skipped, this is the key of its earlier
    /// bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_key: Option<String>,
    /// The content id of the archived bytes. `None` if there is no copy, or if an older version of
    /// this program wrote the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentId>,
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
    pub(super) const SCANNED_ATTRIBUTES: [&'static str; 8] = [
        "bucket",
        "key",
        "etag",
        "lastModified",
        "outcome",
        "reason",
        "archiveKey",
        "content",
    ];

    /// Returns the archive key of the bytes that this entry describes. Returns `None` if they were
    /// skipped.
    pub fn copied_to(&self) -> Option<&str> {
        let key = self.archive_key.as_deref();
        key.filter(|_| self.outcome != LedgerOutcome::Skipped)
    }

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
