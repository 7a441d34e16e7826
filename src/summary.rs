//! The photo as a list shows it: the one attribute that every index projects, and what the gallery serves.

use serde::{Deserialize, Serialize};

use crate::privacy::{Facts, Visibility, VisibilityRules};
use photo_metadata::PhotoRecord;

/// One photo in a list, under 1 KB but for its texts. Stored as it was derived; the gallery's public view decides what
/// of it leaves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// See [`crate::photo_id::PhotoId`].
    pub id: String,
    /// `2018-02-01/foobar`: the photo's name in the archive, below the archive prefix.
    pub stem: String,
    /// `foobar`.
    pub name: String,
    /// `photo`.
    pub kind: String,
    /// Changes whenever the record does; opaque.
    pub version: String,
    /// The normalised metadata. Flattened into the summary's own fields.
    #[serde(flatten)]
    pub record: PhotoRecord,
    /// The pictures, best for a browser first.
    pub images: Vec<Image>,
    /// A tiny stand-in while the picture loads; none is made yet.
    pub placeholder: Option<String>,
    /// What a person set; not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

/// A picture of a photo: an archived file, or the JPEG inside one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// The archive key of the file. The public view replaces it by `url`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Where a browser gets it; set by the public view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Pixels across, after orientation.
    pub width: Option<u32>,
    /// Pixels down, after orientation.
    pub height: Option<u32>,
    /// Media type.
    pub mime: String,
    /// Size, bytes.
    pub bytes: u64,
    /// `original`: the archived file; `preview`: the JPEG embedded in a file that browsers cannot show.
    pub kind: String,
}

impl Summary {
    /// The list form of a photo.
    pub fn of(
        id: &str,
        stem: &str,
        revision: u64,
        record: PhotoRecord,
        images: Vec<Image>,
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

    /// Who may see the photo, as far as its list form tells: where it was uploaded is not part of that.
    pub fn visibility_by(&self, rules: &VisibilityRules) -> Visibility {
        let facts = Facts {
            set: self.visibility,
            keywords: &self.record.keywords,
            rating: self.record.rating,
        };
        rules.decide(facts, std::iter::empty())
    }
}
