//! The public view: what of a photo leaves, and in which form. Every public byte of a photo, in a list, on its page or
//! as a picture, goes through [`PublicView`]; no handler reads a stored field itself.
//!
//! It is an allow-list by construction: stored records are taken apart field by field, so that a new field is public
//! only when somebody names it here. Never public: serial numbers, owners, contacts, maker notes, source buckets and
//! keys, ETags of parts, and any position that the location policy does not publish.

mod tags;

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::gallery::strip::Format;
use crate::photo_id::digest26;
use crate::privacy::{LocationPolicy, Privacy, Visibility};
use crate::summary::{Image, Summary};
use photo_metadata::{
    Camera, CaptureTime, Exposure, Lens, Location, PhotoRecord, Tags, is_bidi_control,
};

/// The fields of a photo in a list, in their order; a test holds that they are all and no others. A photo's own page
/// has `tags` besides.
pub(crate) const FIELDS: [&str; 25] = [
    "id",
    "stem",
    "name",
    "kind",
    "version",
    "date",
    "takenAtLocal",
    "offset",
    "takenAt",
    "dateSource",
    "offsetSource",
    "width",
    "height",
    "camera",
    "lens",
    "exposure",
    "location",
    "title",
    "caption",
    "keywords",
    "rating",
    "artist",
    "copyright",
    "images",
    "placeholder",
];

/// What of a URL's path is written as it is; everything else is percent-encoded.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The rules by which photos are shown.
#[derive(Debug, Clone)]
pub struct PublicView {
    privacy: Privacy,
    pictures: Pictures,
}

/// Where pictures are to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pictures {
    /// Nowhere that may be told.
    Nowhere,
    /// At this base, from a server that is not this one: originals as they are or, `stripped`, without positions.
    Elsewhere { base: String, stripped: bool },
    /// At this base, from this server: whatever it can strip where it must, and embedded previews.
    Here(String),
}

/// A photo in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    id: String,
    stem: String,
    name: String,
    kind: String,
    version: String,
    #[serde(flatten)]
    record: PhotoRecord,
    images: Vec<PublicImage>,
    placeholder: Option<String>,
}

impl Listed {
    /// The photo as a point of a map, a GeoJSON feature [RFC 7946, 3.2]; `None` where its place is not published.
    pub(crate) fn feature(&self) -> Option<serde_json::Value> {
        let location = self.record.location.as_ref()?;
        let mut coordinates = vec![location.lon, location.lat];
        coordinates.extend(location.alt);
        Some(serde_json::json!({
            "type": "Feature",
            "id": self.id,
            "geometry": { "type": "Point", "coordinates": coordinates },
            "properties": {
                "stem": self.stem,
                "date": self.record.capture.day(),
                "takenAtLocal": self.record.capture.local_text(),
                "title": self.record.title,
                "image": self.images.first(),
            },
        }))
    }
}

/// A photo on its own page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Detailed {
    #[serde(flatten)]
    listed: Listed,
    tags: Tags,
}

/// A picture of a photo, by its address.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct PublicImage {
    url: String,
    width: Option<u32>,
    height: Option<u32>,
    mime: String,
    /// Of the archived file or of the embedded preview; stripped, a picture is a little smaller.
    bytes: u64,
    kind: &'static str,
}

/// A picture that may be served, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Archive key.
    pub(crate) key: String,
    /// ETag of the bytes that the record was made from.
    pub(crate) etag: String,
    /// Media type of what is served.
    pub(crate) mime: String,
    /// What a browser calls it when it saves it.
    pub(crate) file_name: String,
    /// What must be done to it first.
    pub(crate) treatment: Treatment,
}

/// What must be done to a file before it may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Nothing.
    AsIs,
    /// Everything but the picture, its colours and its orientation is taken out.
    Strip(Format),
    /// Only this range of it is served, a JPEG, stripped likewise; turned as the file says, where the JPEG does not.
    Preview {
        /// Bytes of the file.
        range: Range<u64>,
        /// EXIF orientation of the file.
        orientation: Option<u8>,
    },
}

impl PublicView {
    /// The view that keeps this from the public. `base_url` is where the archive below its prefix is reached; `stripped` states
    /// that what is served there carries no position; `served_here` that this server answers for it (then, without a
    /// base, at its own `/photos`).
    pub fn new(
        privacy: impl Into<Privacy>,
        base_url: Option<&str>,
        stripped: bool,
        served_here: bool,
    ) -> Self {
        let privacy = privacy.into();
        let base = base_url.map(|base| base.trim_end_matches('/').to_owned());
        let pictures = match (base, served_here) {
            (None, true) => Pictures::Here("/photos".to_owned()),
            (None, false) => Pictures::Nowhere,
            // What was said to be there is not what this server makes of it.
            (Some(_), true) if !stripped && !privacy.shows_files_as_they_are(None) => {
                Pictures::Nowhere
            }
            (Some(base), true) => Pictures::Here(base),
            (Some(base), false) => Pictures::Elsewhere { base, stripped },
        };
        PublicView { privacy, pictures }
    }

    /// A photo as lists show it; `None` where the rules, which may have changed since it was indexed, make it private.
    /// Only for list forms from public partitions: an index's key is its visibility.
    pub(crate) fn listed(&self, summary: &Summary) -> Option<Listed> {
        let visibility = summary.visibility_by(&self.privacy.visibility);
        (visibility == Visibility::Public).then(|| self.shown(summary))
    }

    fn shown(&self, summary: &Summary) -> Listed {
        let Summary {
            id,
            stem,
            name,
            kind,
            version,
            record,
            images,
            placeholder,
            visibility: _,
        } = summary;
        Listed {
            id: clean_text(id),
            stem: clean_text(stem),
            name: clean_text(name),
            kind: clean_text(kind),
            version: clean_text(version),
            record: self.public_record(record),
            images: images
                .iter()
                .filter_map(|image| self.public_image(summary, image))
                .collect(),
            placeholder: placeholder.as_deref().map(clean_text),
        }
    }

    fn public_record(&self, record: &PhotoRecord) -> PhotoRecord {
        let PhotoRecord {
            capture,
            width,
            height,
            camera,
            lens,
            exposure,
            location,
            title,
            caption,
            keywords,
            rating,
            artist,
            copyright,
        } = record;
        let text = |text: &Option<String>| text.as_deref().map(clean_text);
        PhotoRecord {
            capture: public_capture(capture),
            width: *width,
            height: *height,
            camera: camera.as_ref().map(public_camera),
            lens: lens.as_ref().map(public_lens),
            exposure: public_exposure(exposure),
            location: location
                .as_ref()
                .and_then(|location| self.public_location(location)),
            title: text(title),
            caption: text(caption),
            keywords: keywords.iter().map(|keyword| clean_text(keyword)).collect(),
            rating: *rating,
            artist: text(artist),
            copyright: text(copyright),
        }
    }

    /// A photo as its own page shows it: the list form and its public tags. `None` for what is not public: a private
    /// photo, a claimed name, a photo whose files are gone.
    pub(crate) fn detailed(&self, item: &PhotoItem) -> Option<Detailed> {
        let summary = item.summary.as_ref().filter(|_| self.is_public(item))?;
        Some(Detailed {
            listed: self.shown(summary),
            tags: tags::public_tags(&item.exif, self.shows_as_it_is(summary)),
        })
    }

    /// A file of a photo (its part, by extension), or the preview inside it, as it may be served; `None` where it may
    /// not: the photo is not public, the file is gone, or it cannot be stripped of what it must not show.
    pub(crate) fn picture(&self, item: &PhotoItem, part: &str, preview: bool) -> Option<Picture> {
        if !self.is_public(item) || !matches!(self.pictures, Pictures::Here(_)) {
            return None;
        }
        let summary = item.summary.as_ref()?;
        let live = item.parts.get(part).filter(|part| !part.removed)?;
        let PhotoPart {
            key,
            etag,
            mime,
            preview: embedded,
            ..
        } = live;
        let file_name = clean_text(key.rsplit('/').next().unwrap_or(key));
        let (key, etag) = (key.clone(), etag.clone());
        if preview {
            let embedded = embedded.as_ref()?;
            let range = embedded.offset..embedded.offset.checked_add(embedded.length)?;
            return Some(Picture {
                key,
                etag,
                mime: "image/jpeg".to_owned(),
                file_name: format!("{file_name}.preview.jpg"),
                treatment: Treatment::Preview {
                    range,
                    orientation: item.photo.orientation,
                },
            });
        }
        let treatment = if self.shows_as_it_is(summary) {
            Treatment::AsIs
        } else {
            Treatment::Strip(Format::of(mime)?)
        };
        Some(Picture {
            key,
            etag,
            mime: clean_text(mime),
            file_name,
            treatment,
        })
    }

    /// Whether any position is published at all.
    pub(crate) fn publishes_positions(&self) -> bool {
        self.privacy.location != LocationPolicy::Hide
    }

    /// How far from where a photo was taken it may be shown, degrees.
    pub(crate) fn moved(&self) -> f64 {
        self.privacy.location.moved()
    }

    /// Names what it publishes of positions: counts of cells that were made under another name tell more, or less.
    pub(crate) fn positions(&self) -> String {
        let Privacy {
            location,
            home_zones,
            ..
        } = &self.privacy;
        // A digest, since home zones are told nowhere.
        digest26(format!("{location:?} {home_zones:?}").as_bytes())
    }

    /// Whether a point, which need not be a photo's, lies where no position is published.
    pub(crate) fn hides(&self, point: &Location) -> bool {
        self.privacy.home_zones.contain(point)
    }

    /// Whether a photo's files and tags may be seen with whatever they say of places.
    fn shows_as_it_is(&self, summary: &Summary) -> bool {
        self.privacy
            .shows_files_as_they_are(summary.record.location.as_ref())
    }

    /// Visible to everybody: it is indexed as such, and the rules of today agree.
    fn is_public(&self, item: &PhotoItem) -> bool {
        item.is_public() && item.visibility_by(&self.privacy.visibility) == Visibility::Public
    }

    /// Where a photo was taken, as far as it is published: what filters go by too.
    pub(crate) fn position(&self, summary: &Summary) -> Option<Location> {
        summary
            .record
            .location
            .as_ref()
            .and_then(|location| self.public_location(location))
    }

    fn public_location(&self, location: &Location) -> Option<Location> {
        let Location {
            lat,
            lon,
            alt,
            precision,
            direction,
            speed,
            timestamp,
        } = self.privacy.publish(location)?;
        Some(Location {
            lat,
            lon,
            alt,
            precision,
            direction,
            speed,
            timestamp: timestamp.as_deref().map(clean_text),
        })
    }

    fn public_image(&self, summary: &Summary, image: &Image) -> Option<PublicImage> {
        let Image {
            key,
            url: _,
            width,
            height,
            mime,
            bytes,
            kind,
        } = image;
        let preview = kind == "preview";
        let base = match &self.pictures {
            Pictures::Nowhere => return None,
            Pictures::Elsewhere { .. } if preview => return None,
            // Originals carry GPS.
            Pictures::Elsewhere { base, stripped } => {
                (*stripped || self.shows_as_it_is(summary)).then_some(base)?
            }
            Pictures::Here(base) => {
                let servable =
                    preview || self.shows_as_it_is(summary) || Format::of(mime).is_some();
                servable.then_some(base)?
            }
        };
        let path = utf8_percent_encode(below_prefix(key, &summary.stem)?, PATH);
        let query = if preview { "?preview=1" } else { "" };
        Some(PublicImage {
            url: format!("{base}/{path}{query}"),
            width: *width,
            height: *height,
            mime: if preview {
                "image/jpeg".to_owned()
            } else {
                clean_text(mime)
            },
            bytes: *bytes,
            kind: if preview { "preview" } else { "original" },
        })
    }
}

/// Text without control characters (line feeds stay) and without those that reorder what follows them, so that it is
/// harmless in a terminal and reads as it is spelt. Markup is left alone: in JSON it is only text.
pub(crate) fn clean_text(text: &str) -> String {
    text.chars()
        .filter(|c| (!c.is_control() || *c == '\n') && !is_bidi_control(*c))
        .collect()
}

/// The archive key below the archive prefix: the stem and what follows it.
fn below_prefix<'a>(key: &'a str, stem: &str) -> Option<&'a str> {
    let base = match key.rfind('.') {
        Some(dot) if key.get(..dot)?.ends_with(stem) => dot,
        _ if key.ends_with(stem) => key.len(),
        _ => return None,
    };
    key.get(base.checked_sub(stem.len())?..)
}

fn public_capture(capture: &CaptureTime) -> CaptureTime {
    let CaptureTime {
        local,
        offset,
        date_source,
        offset_source,
    } = *capture;
    CaptureTime {
        local,
        offset,
        date_source,
        offset_source,
    }
}

fn public_camera(camera: &Camera) -> Camera {
    let Camera {
        slug,
        name,
        make,
        model,
    } = camera;
    Camera {
        slug: clean_text(slug),
        name: clean_text(name),
        make: make.as_deref().map(clean_text),
        model: model.as_deref().map(clean_text),
    }
}

fn public_lens(lens: &Lens) -> Lens {
    let Lens {
        slug,
        name,
        make,
        model,
    } = lens;
    Lens {
        slug: clean_text(slug),
        name: clean_text(name),
        make: make.as_deref().map(clean_text),
        model: model.as_deref().map(clean_text),
    }
}

fn public_exposure(exposure: &Exposure) -> Exposure {
    let Exposure {
        time,
        seconds,
        f_number,
        iso,
        focal_length,
        focal_length35,
        bias,
        flash,
    } = exposure;
    Exposure {
        time: time.as_deref().map(clean_text),
        seconds: *seconds,
        f_number: *f_number,
        iso: *iso,
        focal_length: *focal_length,
        focal_length35: *focal_length35,
        bias: *bias,
        flash: *flash,
    }
}

#[cfg(test)]
mod tests;
