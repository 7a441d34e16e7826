//! The summary of a photo: the one attribute that every index projects, and from which lists are
//! made. Pure.

use serde::{Deserialize, Serialize};

use crate::privacy::{Visibility, VisibilityFacts, VisibilityRules};
use photo_metadata::PhotoRecord;

/// The summary of a photo, under 1 KB without its texts. It is stored with everything that was
/// derived. The public view decides what the public may see of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// See [`crate::photo_id::PhotoId`].
    pub id: String,
    /// The stem: `2018-02-01/foobar`.
    pub stem: String,
    /// The last part of the stem: `foobar`.
    pub name: String,
    /// Always `photo`.
    pub kind: String,
    /// An opaque text that changes whenever the record changes.
    pub version: String,
    /// The normalised metadata. Flattened into the summary's own fields.
    #[serde(flatten)]
    pub record: PhotoRecord,
    /// The pictures, the best one for a browser first.
    pub images: Vec<PhotoImage>,
    /// A tiny picture to show while the real one loads. It is always absent today.
    pub placeholder: Option<String>,
    /// The visibility that a person set. It is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

/// A picture of a photo: an archived file, or the JPEG inside one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoImage {
    /// The archive key of the file. The public view replaces it with a URL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The width after orientation, in pixels.
    pub width: Option<u32>,
    /// The height after orientation, in pixels.
    pub height: Option<u32>,
    /// The media type.
    pub mime: String,
    /// The size in bytes.
    pub bytes: u64,
    /// Which picture it is: the archived file or the JPEG inside it.
    pub kind: ImageKind,
}

/// What a picture of a photo is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// The archived file.
    #[default]
    Original,
    /// The JPEG embedded in a file that browsers cannot show.
    Preview,
}

impl Summary {
    /// Creates the summary of a photo.
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
        }
    }

    /// Decides who may see the photo. A summary has no source keys, so the rules for sources do not
    /// apply.
    pub fn decide_visibility(&self, rules: &VisibilityRules) -> Visibility {
        let facts = VisibilityFacts {
            set: self.visibility,
            keywords: &self.record.keywords,
            rating: self.record.rating,
        };
        rules.decide(facts, std::iter::empty())
    }
}
