//! The pictures of a photo: what render should make, and what it has made. Pure.
//!
//! The *plan* is part of a photo's item. Index and every other step that derives an item keep it up
//! to date. Render compares it with the *renditions*, which are also part of the item, and does the
//! work that is left (`src/catalogue/picture_work.rs`).
//!
//! Each change of the plan increases its *epoch*. The names of the stored pictures depend on the
//! epoch. So a name that is not wanted any more is never wanted again, and it can be deleted at any
//! later time.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use photo_render::{PictureFormat, RENDER_VERSION, RecipeError, RenderRecipe};
use serde::{Deserialize, Serialize};

use crate::photo_id::short_digest;
use photo_metadata::PhotoRecord;

/// How the pictures of a photo are made: the long edges of its renditions, and whether a stripped
/// copy of the original is one of the pictures.
///
/// ```
/// use photo_catalogue::pictures::{OriginalCopies, PictureRecipe};
///
/// let recipe = PictureRecipe::new("640, 2048", OriginalCopies::None)?;
/// assert_eq!(recipe.to_string(), "640,2048;q76;v1");
/// assert_eq!("640,2048;q76;v1".parse(), Ok(recipe));
/// # Ok::<(), photo_catalogue::pictures::InvalidRecipe>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PictureRecipe {
    renditions: RenderRecipe,
    originals: OriginalCopies,
    /// The version of the code that makes renditions. See [`RENDER_VERSION`] and
    /// [`PictureFormat::render_version`].
    version: u32,
}

/// Whether a stripped copy of the original is one of the pictures of a photo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OriginalCopies {
    /// There is no copy of the original.
    #[default]
    None,
    /// If the original is a JPEG, there is a copy of it in full size, without its metadata.
    Jpeg,
}

/// The error for a recipe that cannot be parsed. The text is the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecipe {
    /// A long edge is not a number.
    #[error("a long edge is not a number of pixels: \"{0}\"")]
    NotANumber(String),
    /// A long edge is too large, or there are too many.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The text is not a stored recipe.
    #[error("not a recipe: \"{0}\"")]
    Form(String),
}

impl Default for PictureRecipe {
    fn default() -> Self {
        PictureRecipe {
            renditions: RenderRecipe::default(),
            originals: OriginalCopies::None,
            version: RENDER_VERSION,
        }
    }
}

impl PictureRecipe {
    /// Parses the long edges of renditions in pixels, separated by commas.
    ///
    /// # Errors
    /// Returns an error if a long edge is not a number from 1 to 8,192, or if there are none or more
    /// than 16.
    pub fn new(long_edges: &str, originals: OriginalCopies) -> Result<Self, InvalidRecipe> {
        let edges = parse_edges(long_edges)?;
        let quality = RenderRecipe::default().quality();
        Ok(PictureRecipe {
            renditions: RenderRecipe::new(&edges, quality)?,
            originals,
            version: RENDER_VERSION,
        })
    }

    /// Replaces the choice about copies of originals.
    #[must_use]
    pub fn with_originals(self, originals: OriginalCopies) -> Self {
        PictureRecipe { originals, ..self }
    }

    /// Returns the recipe for a file of a media type. If an older version could not decode the type, its
    /// version is newer than that of other files.
    #[must_use]
    pub fn for_media_type(self, mime: &str) -> Self {
        // A file that is not decoded whole contains a JPEG.
        let format = decoded_format(mime).unwrap_or(PictureFormat::Jpeg);
        PictureRecipe {
            version: format.render_version(),
            ..self
        }
    }

    /// Returns the recipe of the renditions.
    pub fn renditions(&self) -> &RenderRecipe {
        &self.renditions
    }

    /// Returns whether a stripped copy of the original is one of the pictures.
    pub fn originals(&self) -> OriginalCopies {
        self.originals
    }
}

/// Returns the format of files that are decoded whole.
pub(crate) fn decoded_format(mime: &str) -> Option<PictureFormat> {
    Some(match mime {
        "image/jpeg" => PictureFormat::Jpeg,
        "image/png" => PictureFormat::Png,
        "image/webp" => PictureFormat::WebP,
        "image/tiff" => PictureFormat::Tiff,
        "image/gif" => PictureFormat::Gif,
        "image/heic" | "image/heif" => PictureFormat::Heic,
        "image/avif" => PictureFormat::Avif,
        "image/jxl" => PictureFormat::JpegXl,
        _ => return None,
    })
}

fn parse_edges(text: &str) -> Result<Vec<u32>, InvalidRecipe> {
    let edges = text.split(',').map(str::trim);
    edges
        .map(|edge| {
            edge.parse()
                .map_err(|_| InvalidRecipe::NotANumber(edge.to_owned()))
        })
        .collect()
}

impl fmt::Display for PictureRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edges = self.renditions.long_edges().iter();
        let edges: Vec<String> = edges.map(u32::to_string).collect();
        let quality = self.renditions.quality();
        write!(f, "{};q{quality};v{}", edges.join(","), self.version)?;
        match self.originals {
            OriginalCopies::None => Ok(()),
            OriginalCopies::Jpeg => f.write_str(";jpeg"),
        }
    }
}

impl FromStr for PictureRecipe {
    type Err = InvalidRecipe;

    /// Parses a recipe in the form in which it is stored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || InvalidRecipe::Form(text.to_owned());
        let parts: Vec<&str> = text.split(';').collect();
        let (edges, quality, version, originals) = match parts.as_slice() {
            [edges, quality, version] => (edges, quality, version, OriginalCopies::None),
            [edges, quality, version, "jpeg"] => (edges, quality, version, OriginalCopies::Jpeg),
            _ => return Err(form()),
        };
        let quality = quality.strip_prefix('q').and_then(|text| text.parse().ok());
        let version = version.strip_prefix('v').and_then(|text| text.parse().ok());
        Ok(PictureRecipe {
            renditions: RenderRecipe::new(&parse_edges(edges)?, quality.ok_or_else(form)?)?,
            originals,
            version: version.ok_or_else(form)?,
        })
    }
}

impl TryFrom<String> for PictureRecipe {
    type Error = InvalidRecipe;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PictureRecipe> for String {
    fn from(recipe: PictureRecipe) -> Self {
        recipe.to_string()
    }
}

/// The plan of a photo: which pictures should exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PicturePlan {
    /// The number of this plan. Each change of [`PicturePlan::wanted`] increases it by one.
    pub epoch: u64,
    /// The epoch since which the photo was never hidden. Renditions of an earlier epoch are not
    /// shown.
    pub shown_from: u64,
    /// The pictures that should exist. `None` if there should be none: the photo is private, has no
    /// file, or no pictures are made at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<WantedPictures>,
    /// The time until which the photo is not listed, because it has no pictures yet. It is stored in
    /// milliseconds since 1970. `None` if the photo does not wait.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "chrono::serde::ts_milliseconds_option"
    )]
    pub awaited_until: Option<DateTime<Utc>>,
}

/// The pictures that a photo should have: what they are made of, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WantedPictures {
    /// The part that the pictures are made of. The key is that of [`PhotoItem::parts`](crate::catalogue::item::PhotoItem::parts).
    pub part: String,
    /// The ETag of the part.
    pub etag: String,
    /// The recipe.
    pub recipe: PictureRecipe,
    /// A digest of the rights that the pictures contain: copyright, creator, credit and licence.
    /// `None` if there are no rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<String>,
}

/// The renditions of a photo: what render has made, by which plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Renditions {
    /// The epoch of the plan by which they were made.
    pub epoch: u64,
    /// The part that they were made of.
    pub part: String,
    /// The recipe by which they were made.
    pub recipe: PictureRecipe,
    /// The pictures, or the reason why there are none.
    #[serde(flatten)]
    pub outcome: RenderOutcome,
}

/// The outcome of render for one photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenderOutcome {
    /// The pictures were made and stored.
    #[serde(rename = "made")]
    Made(PictureSet),
    /// The pictures cannot be made. The text is the reason, in one line.
    #[serde(rename = "unrendered")]
    Unrendered(String),
}

/// The stored pictures of a photo. Lists show them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureSet {
    /// The token: the secret part of the names of the pictures.
    pub token: String,
    /// The width of the full picture in pixels, after the orientation is applied.
    pub width: u32,
    /// The height of the full picture in pixels, after the orientation is applied.
    pub height: u32,
    /// The renditions, the largest first.
    pub files: Vec<RenditionFile>,
    /// The stripped copy of the original, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub original: Option<RenditionFile>,
    /// A tiny picture that a page shows until the real one is loaded: a thumbhash in base64.
    pub placeholder: String,
    /// The average colour of the picture, such as `#6b5a48`.
    pub color: String,
}

/// One stored picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionFile {
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The size of the file, in bytes.
    pub bytes: u64,
}

impl RenditionFile {
    /// Returns the name of a rendition in the folder of its photo: its long edge, as in `2048.jpg`.
    pub fn name(&self) -> String {
        format!("{}.jpg", self.width.max(self.height))
    }
}

/// The name of the stripped copy of the original in the folder of its photo.
pub const ORIGINAL_NAME: &str = "original.jpg";

/// Returns the path of a picture, relative to the prefix of the static gallery files.
///
/// ```
/// use photo_catalogue::pictures::picture_path;
///
/// assert_eq!(picture_path("k3ab", "2048.jpg"), "r/k3ab/2048.jpg");
/// ```
pub fn picture_path(token: &str, name: &str) -> String {
    format!("{PICTURE_FOLDER}{token}/{name}")
}

/// The folder of all pictures, relative to the prefix of the static gallery files.
pub const PICTURE_FOLDER: &str = "r/";

impl PicturePlan {
    /// Sets the pictures that should exist. Increases the epoch if they differ from those of the
    /// plan.
    pub(crate) fn set_wanted(&mut self, wanted: Option<WantedPictures>) {
        if self.wanted == wanted {
            return;
        }
        self.epoch += 1;
        if wanted.is_none() {
            self.shown_from = self.epoch;
        }
        self.wanted = wanted;
    }

    /// Makes render work again, although the wanted pictures stay the same. Has no effect if no pictures
    /// are wanted.
    pub(crate) fn renew(&mut self) {
        if self.wanted.is_some() {
            self.epoch += 1;
        }
    }

    /// Reports whether the outcome of render counts: it was not made before the photo was hidden.
    pub(crate) fn shows(&self, made: &Renditions) -> bool {
        self.wanted.is_some() && made.epoch >= self.shown_from
    }

    /// Returns `true` if the photo never should have pictures.
    pub(crate) fn is_empty(&self) -> bool {
        *self == PicturePlan::default()
    }
}

/// Returns a digest of the rights that pictures of a photo with this record contain. Returns `None`
/// if there are none.
pub(crate) fn rights_digest(record: &PhotoRecord) -> Option<String> {
    let rights = [
        &record.copyright,
        &record.artist,
        &record.credit,
        &record.license_url,
    ];
    let is_empty = rights.iter().all(|text| text.is_none());
    (!is_empty).then(|| short_digest(format!("{rights:?}").as_bytes()))
}
