//! The summary of a photo: the fields of its item that lists show. Every index contains it. This
//! module does no I/O.

use serde::{Deserialize, Serialize};

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
    /// The pictures of the photo, in the order in which a browser should prefer them.
    pub images: Vec<PhotoImage>,
    /// A tiny picture that a page shows until the real one is loaded. It is always `None` today.
    pub placeholder: Option<String>,
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
    /// The reason why the photo is private, as a text for its owner. `None` if it is public. It is
    /// not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_reason: Option<String>,
}

/// A picture of a photo: an archived file, or the JPEG that is embedded in one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoImage {
    /// The archive key of the file. The public view replaces it with a URL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The width of the displayed picture in pixels, after the orientation is applied.
    pub width: Option<u32>,
    /// The height of the displayed picture in pixels, after the orientation is applied.
    pub height: Option<u32>,
    /// The media type, such as `image/jpeg`.
    pub mime: String,
    /// The size of the picture, in bytes.
    pub bytes: u64,
    /// The kind of the picture: the archived file, or the JPEG that is embedded in it.
    pub kind: ImageKind,
}

/// The kind of a picture of a photo: an archived file, or the JPEG that is embedded in one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// The archived file, as it was uploaded.
    #[default]
    Original,
    /// The JPEG that is embedded in an archived file.
    Preview,
}

impl Summary {
    /// Builds the summary of a photo. `revision` is the revision of the photo's item. It becomes
    /// the version of the summary.
    pub fn new(
        id: &str,
        stem: &str,
        revision: u64,
        record: PhotoRecord,
        images: Vec<PhotoImage>,
    ) -> Self {
        Summary {
            id: id.to_owned(),
            stem: stem.to_owned(),
            name: stem.rsplit('/').next().unwrap_or(stem).to_owned(),
            kind: "photo".to_owned(),
            version: revision.to_string(),
            record,
            images,
            placeholder: None,
            visibility: None,
            held_for: None,
            labels: None,
            private_reason: None,
        }
    }

    /// Applies these rules to the photo, and returns the rule that decides who may see it. The rules
    /// for source keys are not applied, because a summary has no source keys.
    pub fn decide_visibility(&self, rules: &VisibilityRules) -> VisibilityReason {
        let keywords = self.record.keywords.iter().map(String::as_str);
        let mut facts = VisibilityFacts {
            set: self.visibility,
            held_for: self.held_for.as_deref(),
            keywords: keywords.collect(),
            rating: self.record.rating,
            ..VisibilityFacts::default()
        };
        facts.add_labels(self.labels.as_ref());
        rules.decide(&facts)
    }
}
