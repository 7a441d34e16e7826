//! The record types: the normalised metadata of a photo, its camera, lens, exposure and tags. An
//! IFD (image file directory) is a table of tags.
//!
//! The types are plain data with one serialised form. The JSON names are the same in
//! `photos extract`, in DynamoDB and, through the gallery's public view, on the web.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::capture_time::CaptureTime;
use crate::location::Location;
use crate::place::Place;

/// The record of a photo: its normalised metadata, cleaned and in fixed units. Lists of photos
/// contain all fields of the record.
///
/// Text is UTF-8 without control characters and without characters that reorder the text around
/// them, one line of at most 1 KB per field. Only `caption` and `extended_description` are longer:
/// they keep their line breaks, as line feeds, and have at most 4,000 characters. A value that the
/// file lacks, or that is impossible, is `None`.
///
/// To add a field that the public may see, declare it here, read it in `normalise.rs`, and allow it
/// in the public view.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoRecord {
    /// The capture time. In JSON, its fields are direct fields of the record.
    #[serde(flatten)]
    pub capture: CaptureTime,
    /// The width in pixels, after orientation. For a RAW file, this is the width of the full image,
    /// not of the preview.
    pub width: Option<u32>,
    /// The height in pixels, after orientation.
    pub height: Option<u32>,
    /// The camera.
    pub camera: Option<Camera>,
    /// The lens.
    pub lens: Option<Lens>,
    /// Shutter speed, aperture, sensitivity and focal length.
    pub exposure: Exposure,
    /// The position at which the photo was taken, exactly as in the file. It is private until the
    /// gallery's location policy is applied.
    pub location: Option<Location>,
    /// The names of the place at which the photo was taken. They are private until the gallery's
    /// location policy is applied.
    pub place: Option<Place>,
    /// A short title.
    pub title: Option<String>,
    /// A headline: a summary of the caption in a few words, as newspapers print it.
    pub headline: Option<String>,
    /// A description, with line breaks.
    pub caption: Option<String>,
    /// A description in place of the picture, for people who do not see it. It is what HTML has in
    /// the attribute `alt`.
    pub alt_text: Option<String>,
    /// What the alternative text is too short for, with line breaks.
    pub extended_description: Option<String>,
    /// The keywords, each once: first those of XMP, then those of IPTC and of Windows Explorer, then
    /// those of other properties. A hierarchical keyword is one text: `Places|Japan|Kyoto`.
    pub keywords: Vec<String>,
    /// The names of the people in the photo, each once. They are private unless the gallery's
    /// settings show them.
    pub people: Vec<String>,
    /// The event at which the photo was taken.
    pub event: Option<String>,
    /// The label that a person gave the photo, such as the name of a colour (XMP `xmp:Label`).
    pub label: Option<String>,
    /// The rating in stars: 0 to 5, or -1 for a rejected photo (XMP `xmp:Rating`).
    pub rating: Option<i8>,
    /// The photographer.
    pub artist: Option<String>,
    /// The credit line: whom to name when the photo is published.
    pub credit: Option<String>,
    /// The copyright notice.
    pub copyright: Option<String>,
    /// The URL of the licence, with the scheme `http` or `https`.
    pub license_url: Option<String>,
    /// The terms on which others may use the photo.
    pub usage_terms: Option<String>,
    /// The name of the film simulation or picture style, as the camera calls it: `Classic Chrome`.
    /// It comes from the maker note (data in the camera maker's own format).
    pub film_simulation: Option<String>,
    /// The drive mode, as the camera calls it: `Single`, `Continuous, High`, `Self-timer`. It comes
    /// from the maker note.
    pub drive_mode: Option<String>,
}

/// All normalised metadata of a file: the [`PhotoRecord`], and the fields that are stored but are
/// not in lists of photos.
///
/// In JSON it is one flat object:
///
/// ```
/// use photo_metadata::{PhotoMetadata, PhotoRecord};
///
/// let record = PhotoRecord { title: Some("Night".to_owned()), ..PhotoRecord::default() };
/// let metadata = PhotoMetadata { record, orientation: Some(6), body_serial: None };
/// let json = serde_json::to_value(&metadata).unwrap();
/// assert_eq!((&json["title"], &json["orientation"]), (&"Night".into(), &6.into()));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoMetadata {
    /// The fields that are in lists of photos. In JSON, they are direct fields of this type.
    #[serde(flatten)]
    pub record: PhotoRecord,
    /// The EXIF orientation, 1 to 8: how the stored picture must be turned or mirrored (EXIF 3.0,
    /// 4.6.5.1.6).
    pub orientation: Option<u8>,
    /// The serial number of the camera body. It is private: the gallery never returns it.
    pub body_serial: Option<String>,
}

impl Serialize for PhotoMetadata {
    /// Writes the fields in a fixed order: `orientation` after `height`, and `bodySerial` after
    /// `camera`. Users see this order in `photos extract` and `photos show`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = &self.record;
        let fields = OrderedFields {
            capture: &record.capture,
            width: &record.width,
            height: &record.height,
            orientation: &self.orientation,
            camera: &record.camera,
            body_serial: &self.body_serial,
            lens: &record.lens,
            exposure: &record.exposure,
            location: &record.location,
            place: &record.place,
            title: &record.title,
            headline: &record.headline,
            caption: &record.caption,
            alt_text: &record.alt_text,
            extended_description: &record.extended_description,
            keywords: &record.keywords,
            people: &record.people,
            event: &record.event,
            label: &record.label,
            rating: &record.rating,
            artist: &record.artist,
            credit: &record.credit,
            copyright: &record.copyright,
            license_url: &record.license_url,
            usage_terms: &record.usage_terms,
            film_simulation: &record.film_simulation,
            drive_mode: &record.drive_mode,
        };
        fields.serialize(serializer)
    }
}

/// The fields of a [`PhotoMetadata`] in the order in which they are written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderedFields<'m> {
    #[serde(flatten)]
    capture: &'m CaptureTime,
    width: &'m Option<u32>,
    height: &'m Option<u32>,
    orientation: &'m Option<u8>,
    camera: &'m Option<Camera>,
    body_serial: &'m Option<String>,
    lens: &'m Option<Lens>,
    exposure: &'m Exposure,
    location: &'m Option<Location>,
    place: &'m Option<Place>,
    title: &'m Option<String>,
    headline: &'m Option<String>,
    caption: &'m Option<String>,
    alt_text: &'m Option<String>,
    extended_description: &'m Option<String>,
    keywords: &'m Vec<String>,
    people: &'m Vec<String>,
    event: &'m Option<String>,
    label: &'m Option<String>,
    rating: &'m Option<i8>,
    artist: &'m Option<String>,
    credit: &'m Option<String>,
    copyright: &'m Option<String>,
    license_url: &'m Option<String>,
    usage_terms: &'m Option<String>,
    film_simulation: &'m Option<String>,
    drive_mode: &'m Option<String>,
}

/// A camera: a name for people, a slug for queries, and the two tags from which both are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Camera {
    /// The name for queries, in lower-case ASCII letters, digits and hyphens: `nikon-d750`.
    pub slug: String,
    /// The name for people: `Nikon D750`.
    pub name: String,
    /// The value of the tag `Make` in the file.
    pub make: Option<String>,
    /// The value of the tag `Model` in the file.
    pub model: Option<String>,
}

/// A lens. It has the same fields as a [`Camera`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lens {
    /// The name for queries: `ef24-105mm-f-4l-is-usm`.
    pub slug: String,
    /// The name for people: `EF24-105mm f/4L IS USM`.
    pub name: String,
    /// The value of the tag `LensMake`, or of the same property in XMP.
    pub make: Option<String>,
    /// The value of the tag `LensModel`, or of the same property in XMP. If both are absent, a name
    /// made from the tag `LensSpecification` (`18-55mm f/3.5-5.6`), or else the name in the maker
    /// note (data in the camera maker's own format).
    pub model: Option<String>,
}

/// The exposure of a picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exposure {
    /// The exposure time in seconds as a text for people: `1/250`, `2.5`.
    pub time: Option<String>,
    /// The exposure time in seconds.
    pub seconds: Option<f64>,
    /// The f-number.
    pub f_number: Option<f64>,
    /// The ISO speed.
    pub iso: Option<u32>,
    /// The focal length in millimetres.
    pub focal_length: Option<f64>,
    /// The focal length in millimetres of a lens that has the same angle of view on 35 mm film.
    pub focal_length35: Option<f64>,
    /// The exposure compensation in EV (exposure values).
    pub bias: Option<f64>,
    /// `true` if the flash fired, `false` if it did not.
    pub flash: Option<bool>,
}

/// All tags of a file, in a map by group and then by name. Groups and tags have ExifTool's names:
/// `tags["ExifIFD"]["FNumber"]`, `tags["XMP-dc"]["Subject"]`, `tags["IPTC"]["City"]`. The group of an
/// EXIF tag is its IFD (image file directory, a table of tags).
pub type Tags = BTreeMap<String, BTreeMap<String, TagValue>>;

/// The value of a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TagValue {
    /// An integer: a value of the TIFF type BYTE, SHORT or LONG, or of their signed forms.
    Integer(i64),
    /// A floating-point number: a value of the TIFF type FLOAT or DOUBLE. It fulfils the condition
    /// of [`storable_number`].
    Real(f64),
    /// A text in ASCII or UTF-8. A date is an ISO 8601 wall-clock time.
    Text(String),
    /// A fraction: a value of the TIFF type RATIONAL or SRATIONAL.
    Rational {
        /// The quotient of the fraction.
        value: f64,
        /// The numerator and the denominator, separated by `/`.
        fraction: String,
    },
    /// A list, if the field has more than one value.
    List(Vec<TagValue>),
}

/// Returns `value` if a record can store it, else `None`. A record can store finite numbers that
/// are zero or of a magnitude from 1e-130 to 1e125. This is the range of a DynamoDB number
/// (DynamoDB Developer Guide, "Data types"). No camera measures anything outside this range.
///
/// ```
/// use photo_metadata::storable_number;
///
/// assert_eq!(storable_number(0.004), Some(0.004));
/// assert_eq!(storable_number(f64::NAN), None);
/// assert_eq!(storable_number(1e300), None);
/// ```
pub fn storable_number(value: f64) -> Option<f64> {
    (value == 0.0 || (1e-130..1e125).contains(&value.abs())).then_some(value)
}

/// The place of the picture data in a file: the compressed picture without the metadata around it.
/// An editor that changes only the metadata keeps these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureData {
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The length in bytes.
    pub length: u64,
}

/// A JPEG embedded in a RAW file. Browsers can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddedPreview {
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The length in bytes.
    pub length: u64,
    /// The width in pixels, before orientation.
    pub width: Option<u32>,
    /// The height in pixels, before orientation.
    pub height: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_storable_range_are_dropped() {
        for value in [0.0, -0.0, 1.0, -2.5, 1e-130, 9.9e124, -1e-100] {
            assert_eq!(storable_number(value), Some(value));
        }
        for value in [
            f64::NAN,
            f64::INFINITY,
            1e125,
            -1e300,
            9e-131,
            f64::MIN_POSITIVE,
        ] {
            assert_eq!(storable_number(value), None, "{value}");
        }
    }

    #[test]
    fn metadata_is_one_flat_object() {
        let metadata = PhotoMetadata {
            orientation: Some(6),
            ..PhotoMetadata::default()
        };
        let json = serde_json::to_value(&metadata).expect("JSON");
        assert_eq!(json["orientation"], 6);
        let flattened = |name: &str| json.get(name).is_some_and(serde_json::Value::is_null);
        assert!(flattened("takenAtLocal") && flattened("title") && flattened("bodySerial"));
        assert_eq!(json.get("record"), None);
        let record = serde_json::to_value(&metadata.record).expect("JSON");
        let names = record
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys());
        assert!(names.clone().count() > 20);
        for name in names {
            assert!(json.get(name).is_some(), "{name} is not written");
        }
        let read: PhotoMetadata = serde_json::from_value(json).expect("metadata");
        assert_eq!(read, metadata);
    }
}
