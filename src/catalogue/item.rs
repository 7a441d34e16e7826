//! What one item of the `photos` table holds. Shapes only: no request is made here.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::photo_id::PhotoId;
use crate::privacy::{Visibility, VisibilityFacts, VisibilityRules};
use crate::summary::Summary;
use photo_metadata::EXTRACTOR_VERSION;
use photo_metadata::{Camera, EmbeddedPreview, PhotoMetadata, Tags};

/// Bumped when the shape of an item changes so that older items must be written anew.
pub const SCHEMA_VERSION: u32 = 1;
/// A private photo's date partition begins with this.
pub const PRIVATE_PARTITION: &str = "private#";

/// Which bytes an object holds: its ETag and its time of change. Two writes of one key are never equal in both, but for
/// equal bytes within one second, which are equal in all that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectVersion {
    /// Without quotes.
    pub etag: String,
    /// `2018-02-01T08:41:07Z`.
    pub last_modified: String,
}

impl ObjectVersion {
    /// A generation from what a store answers; to the second, which is all that every answer holds.
    pub fn new(etag: &str, last_modified: DateTime<Utc>) -> Self {
        ObjectVersion {
            etag: etag.trim_matches('"').to_owned(),
            last_modified: last_modified.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

impl ObjectVersion {
    /// Whether a listing shows these bytes. A listing may round the time otherwise than a HEAD does (Swift rounds one of
    /// them up), so a second more or less is the same.
    pub fn is_listed(&self, etag: &str, last_modified: DateTime<Utc>) -> bool {
        let recorded = DateTime::parse_from_rfc3339(&self.last_modified);
        self.etag == etag
            && recorded
                .is_ok_and(|recorded| (recorded.timestamp() - last_modified.timestamp()).abs() <= 1)
    }
}

/// What an item says of its files, without its record.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoItemHeader {
    /// See [`PhotoItem::pk`].
    pub pk: String,
    /// See [`PhotoItem::stem`].
    pub stem: String,
    /// See [`PhotoItem::owner`].
    pub owner: String,
    /// See [`PhotoItem::revision`].
    pub revision: u64,
    /// See [`PhotoItem::parts`].
    pub parts: BTreeMap<String, PhotoPart>,
    /// See [`IndexKeys::date_partition`].
    pub date_partition: Option<String>,
    /// See [`PhotoItem::extractor_version`].
    pub extractor_version: u32,
    /// See [`PhotoRecord::camera`](photo_metadata::PhotoRecord::camera).
    pub camera: Option<Camera>,
    /// By its file, whatever was set. See [`photo_metadata::CaptureTime::local`].
    pub taken_at_local: Option<String>,
}

impl PhotoItemHeader {
    /// The attributes that it is made of.
    pub(super) const ATTRIBUTES: [&'static str; 9] = [
        "pk",
        "stem",
        "owner",
        "revision",
        "parts",
        "datePartition",
        "extractorVersion",
        "camera",
        "takenAtLocal",
    ];
}

/// A photo item: one shot, its parts and the record derived from its primary part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoItem {
    /// `photo#<id>`.
    pub pk: String,
    /// See [`PhotoId`].
    pub id: String,
    /// `2018-02-01/foobar`.
    pub stem: String,
    /// Whose name the stem is (see `archive::Owner`).
    pub owner: String,
    /// Counts the writes of this item; 0 is a stub, which only claims the name.
    pub revision: u64,
    /// The files of this shot, by extension as it is spelt.
    pub parts: BTreeMap<String, PhotoPart>,
    /// The part that the record was derived from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<DerivedFrom>,
    /// The derived record. Flattened: its fields are attributes of the item.
    #[serde(flatten)]
    pub photo: PhotoMetadata,
    /// Every tag of the primary part: `exif.<IFD>.<Tag>`.
    pub exif: Tags,
    /// Tags that were left out, with their sizes in bytes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exif_omitted: BTreeMap<String, u64>,
    /// What of the primary part could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exif_warnings: Vec<String>,
    /// What a person set; kept by every re-index.
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The extractor that derived the record.
    pub extractor_version: u32,
    /// The shape of this item.
    pub schema_version: u32,
    /// The list form; absent for stubs and for photos all of whose parts are removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// The attributes that the indexes are keyed by.
    #[serde(flatten)]
    pub index: IndexKeys,
}

/// The attributes that the indexes are keyed by (schema/tables.json). An absent one keeps the item out of that index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IndexKeys {
    /// The year, or `undated`; with `private#` in front for a private photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_partition: Option<String>,
    /// `takenAtLocal#id`; undated: `undated#name#id`. See [`super::query::date_sort`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_sort: Option<String>,
    /// The camera's slug; public photos only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_partition: Option<String>,
    /// The lens's slug; public photos only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens_partition: Option<String>,
    /// The first 4 characters of the geohash of the published position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_partition: Option<String>,
    /// `geohash#id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_sort: Option<String>,
}

/// One file of a shot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoPart {
    /// Archive key, prefix included.
    pub key: String,
    /// ETag of the copy.
    pub etag: String,
    /// Last-Modified of the copy.
    pub last_modified: String,
    /// Size, bytes.
    pub bytes: u64,
    /// Media type by its bytes.
    pub mime: String,
    /// Pixels across, after orientation.
    pub width: Option<u32>,
    /// Pixels down, after orientation.
    pub height: Option<u32>,
    /// Where it was copied from; absent for a file that is not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PartSource>,
    /// The JPEG inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<EmbeddedPreview>,
    /// The extractor that read it.
    pub extractor_version: u32,
    /// A tombstone: the file was here and is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

impl PhotoPart {
    /// Whether its file is there and was read by an older extractor than this.
    pub fn is_below(&self, extractor_version: u32) -> bool {
        !self.removed && self.extractor_version < extractor_version
    }

    /// Which bytes this part was read from; `None` for a tombstone.
    pub fn version(&self) -> Option<ObjectVersion> {
        (!self.removed).then(|| ObjectVersion {
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
        })
    }
}

/// The source object of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSource {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// ETag of the bytes that were copied.
    pub etag: String,
}

/// Which part, at which bytes, a record was derived from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedFrom {
    /// Key in `parts`.
    pub part: String,
    /// Its ETag then.
    pub etag: String,
}

/// What a person set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overrides {
    /// `public` or `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Seconds that its camera's clock was slow by, and that are added to the time of its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift_seconds: Option<i64>,
}

impl Overrides {
    /// Whether nothing was set.
    pub fn is_empty(&self) -> bool {
        *self == Overrides::default()
    }

    /// What was set here, and of the rest what was set there.
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
    /// A stub: the name is claimed, nothing is archived under it yet.
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

    /// Whether a file of this shot is in the archive, by this record.
    pub fn has_live_parts(&self) -> bool {
        self.parts.values().any(|part| !part.removed)
    }

    /// Whether one of them is a copy that organise made.
    pub fn has_live_parts_of_ours(&self) -> bool {
        let mut parts = self.parts.values();
        parts.any(|part| !part.removed && part.source.is_some())
    }

    /// Who may see it, by the rules, whatever it is indexed as.
    pub fn decide_visibility(&self, rules: &VisibilityRules) -> Visibility {
        let facts = VisibilityFacts {
            set: self.overrides.visibility,
            keywords: &self.photo.record.keywords,
            rating: self.photo.record.rating,
        };
        let live = self.parts.values().filter(|part| !part.removed);
        let sources = live.filter_map(|part| part.source.as_ref());
        rules.decide(facts, sources.map(|source| source.key.as_str()))
    }

    /// Whether it is indexed for the public: it has files, and its date partition is not a private one.
    pub fn is_public(&self) -> bool {
        let partition = self.index.date_partition.as_deref().unwrap_or_default();
        self.has_live_parts() && !partition.is_empty() && !partition.starts_with(PRIVATE_PARTITION)
    }
}

/// What the partition key of every photo item begins with.
pub(super) const PHOTO_PREFIX: &str = "photo#";

/// Partition key of a photo item.
pub fn photo_pk(id: &PhotoId) -> String {
    format!("{PHOTO_PREFIX}{id}")
}

/// A ledger item: what became of one key's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// `ledger#<bucket>/<key>`.
    pub pk: String,
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// The bytes that this entry speaks of.
    #[serde(flatten)]
    pub version: ObjectVersion,
    /// `archived`, `undated`, `skipped`.
    pub outcome: String,
    /// Why, where it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where its copy went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_key: Option<String>,
    /// The owner that it was archived for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The extractor that decided.
    pub extractor_version: u32,
}

impl LedgerEntry {
    /// Partition key of a key's ledger entry.
    pub fn pk(bucket: &str, key: &str) -> String {
        format!("{}{bucket}/{key}", Self::PREFIX)
    }

    /// What every such partition key begins with.
    pub const PREFIX: &'static str = "ledger#";
}
