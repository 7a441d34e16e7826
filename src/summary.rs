//! The summary of a photo: the fields of its item that lists show. Every index contains it. This
//! module does no I/O.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::pictures::PictureSet;
use crate::privacy::{Visibility, VisibilityFacts, VisibilityReason, VisibilityRules};
use photo_metadata::{FileLabels, PhotoRecord};

/// The summary of a photo: the fields that lists show. Without texts such as the caption, it has
/// less than 2 KB. It is stored with all derived fields, including private ones. The public view
/// decides which of them the public may see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// The id of the photo. See [`crate::photo_id::PhotoId`].
    pub id: String,
    /// The stem of the photo, such as `2018-02-01/foobar`.
    pub stem: String,
    /// The stem without its folder, such as `foobar`.
    pub name: String,
    /// The kind of the item. It is always `photo`.
    pub kind: String,
    /// A text that identifies the public content of the summary. If a field that may be published
    /// changes, it changes too.
    pub version: String,
    /// The normalised metadata. In JSON, its fields are fields of the summary itself.
    #[serde(flatten)]
    pub record: PhotoRecord,
    /// The instant at which the photo first became public, in whole seconds. It never changes after
    /// that. While the photo waits for its pictures, it is the time at which the wait ends. `None`
    /// if the photo was never public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_at: Option<DateTime<Utc>>,
    /// The instant at which the public content of the photo last changed, in whole seconds. A photo
    /// that is shown again has changed. `None` if the photo is private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<DateTime<Utc>>,
    /// The pictures of the photo. `None` if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Box<PictureSet>>,
    /// The time until which the photo is not listed, because it has no pictures yet. It is stored
    /// in milliseconds since 1970. `None` if the photo does not wait.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "chrono::serde::ts_milliseconds_option"
    )]
    pub awaited_until: Option<DateTime<Utc>>,
    /// The visibility that a person set for the photo, if any. It is not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The stem of the hidden photo because of which this photo is hidden, if any. It is not
    /// published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_for: Option<String>,
    /// The labels (keywords and rating) of all files of the photo. Keywords that are in `record`
    /// are left out here. The labels are never published. `None` in a summary that was written
    /// before labels existed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<FileLabels>,
    /// The names of the folders of uploads that are albums, and that have a file of the photo. They
    /// are sorted. They are not published as a field of the photo: a folder is published as an
    /// album.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// The keywords of the files that a person has removed from the photo. They are not published,
    /// and still make the photo private if a rule requires it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_keywords: Vec<String>,
    /// The reason why the photo is private, as a text for its owner. `None` if it is public. It is
    /// not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_reason: Option<String>,
}

impl Summary {
    /// Builds the summary of a photo. `revision` is the revision of the photo's item. It becomes
    /// the version of the summary.
    pub fn new(id: &str, stem: &str, revision: u64, record: PhotoRecord) -> Self {
        Summary {
            id: id.to_owned(),
            stem: stem.to_owned(),
            name: stem.rsplit('/').next().unwrap_or(stem).to_owned(),
            kind: "photo".to_owned(),
            version: revision.to_string(),
            record,
            ..Summary::default()
        }
    }

    /// Reports whether the photo is not listed at the time `now`, because it has no pictures yet.
    pub fn awaits_pictures(&self, now: DateTime<Utc>) -> bool {
        self.awaited_until.is_some_and(|until| now < until)
    }

    /// Applies these rules to the photo, and returns the rule that decides who may see it. The
    /// rules for source keys are not applied, because a summary has no source keys.
    pub fn decide_visibility(&self, rules: &VisibilityRules) -> VisibilityReason {
        let keywords = self.record.keywords.iter().map(String::as_str);
        let mut facts = VisibilityFacts {
            set: self.visibility,
            held_for: self.held_for.as_deref(),
            keywords: keywords.collect(),
            removed_keywords: self.removed_keywords.iter().map(String::as_str).collect(),
            rating: self.record.rating,
            ..VisibilityFacts::default()
        };
        facts.add_labels(self.labels.as_ref());
        rules.decide(&facts)
    }
}
