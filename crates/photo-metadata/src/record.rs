//! The record types: the normalised metadata of a photo, its camera, lens, exposure and tags.
//!
//! Plain data with one serialised form. The JSON names are the same in `photos extract`, in
//! DynamoDB and, through the gallery's public view, on the web.

use std::collections::BTreeMap;

use serde::ser::{Error, SerializeMap};
use serde::{Deserialize, Serialize, Serializer};

use crate::capture_time::CaptureTime;
use crate::location::Location;

/// The record of a photo: its normalised metadata, cleaned and in stated units. Lists show the
/// whole record.
///
/// Text is UTF-8 without control characters and without characters that reorder the text around
/// them, at most 1 KB per field. A value that the file lacks, or that is impossible, is `None`.
///
/// A new field that the public may see is declared here, read in `normalise.rs`, and allowed in the
/// public view.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhotoRecord {
    /// The capture time. Its fields are flattened into those of the record.
    #[serde(flatten)]
    pub capture: CaptureTime,
    /// The width in pixels, after orientation. For a RAW file, the width of the full image.
    pub width: Option<u32>,
    /// The height in pixels, after orientation.
    pub height: Option<u32>,
    /// The camera.
    pub camera: Option<Camera>,
    /// The lens.
    pub lens: Option<Lens>,
    /// Shutter speed, aperture, sensitivity and focal length.
    pub exposure: Exposure,
    /// The position at which the photo was taken, exactly as recorded. It is private until the
    /// gallery's location policy is applied.
    pub location: Option<Location>,
    /// A short title.
    pub title: Option<String>,
    /// A description.
    pub caption: Option<String>,
    /// The keywords in file order, each once.
    pub keywords: Vec<String>,
    /// The rating in stars: 0 to 5, or -1 for a rejected photo (XMP `xmp:Rating`).
    pub rating: Option<i8>,
    /// The photographer.
    pub artist: Option<String>,
    /// The copyright notice.
    pub copyright: Option<String>,
}

/// All normalised metadata of a file: its [`PhotoRecord`], and the fields that are stored but never
/// listed.
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
    /// The fields that lists show. In JSON they are flattened into the fields of this type.
    #[serde(flatten)]
    pub record: PhotoRecord,
    /// The EXIF orientation, 1 to 8 (EXIF 3.0, 4.6.5.1.6).
    pub orientation: Option<u8>,
    /// The serial number of the camera body. Private: it is never served, but the owner of a photo
    /// is derived from it.
    pub body_serial: Option<String>,
}

impl Serialize for PhotoMetadata {
    /// Writes the fields in a fixed order: each field that is only stored follows a related one.
    /// Users see this order in `photos extract` and `photos show`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = serde_json::to_value(&self.record).map_err(S::Error::custom)?;
        let mut fields = serializer.serialize_map(None)?;
        for (name, value) in record.as_object().into_iter().flatten() {
            fields.serialize_entry(name, value)?;
            match name.as_str() {
                "height" => fields.serialize_entry("orientation", &self.orientation)?,
                "camera" => fields.serialize_entry("bodySerial", &self.body_serial)?,
                _ => {}
            }
        }
        fields.end()
    }
}

/// A camera: a name for people, a slug for queries, and its two texts as recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Camera {
    /// The name for queries, in lower-case ASCII letters, digits and hyphens: `nikon-d750`.
    pub slug: String,
    /// The name for people: `Nikon D750`.
    pub name: String,
    /// The tag `Make`, as recorded.
    pub make: Option<String>,
    /// The tag `Model`, as recorded.
    pub model: Option<String>,
}

/// A lens. It has the same fields as a [`Camera`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lens {
    /// The name for queries: `ef24-105mm-f-4l-is-usm`.
    pub slug: String,
    /// The name for people.
    pub name: String,
    /// The tag `LensMake`, as recorded.
    pub make: Option<String>,
    /// The tag `LensModel`, as recorded. If it is absent, a name made from `LensSpecification`
    /// (`18-55mm f/3.5-5.6`), or the name from the maker note.
    pub model: Option<String>,
}

/// The exposure of a picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exposure {
    /// The exposure time for people: `1/250`, `2.5`.
    pub time: Option<String>,
    /// The exposure time in seconds.
    pub seconds: Option<f64>,
    /// The f-number.
    pub f_number: Option<f64>,
    /// The ISO speed.
    pub iso: Option<u32>,
    /// The focal length in millimetres.
    pub focal_length: Option<f64>,
    /// The focal length in millimetres that has the same angle of view on 35 mm film.
    pub focal_length35: Option<f64>,
    /// The exposure compensation in EV.
    pub bias: Option<f64>,
    /// `true` if the flash fired.
    pub flash: Option<bool>,
}

/// All tags, by IFD and then by name. Both are ExifTool's names: `tags["ExifIFD"]["FNumber"]`.
pub type Tags = BTreeMap<String, BTreeMap<String, TagValue>>;

/// The value of a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TagValue {
    /// A BYTE, SHORT or LONG, or one of their signed kinds.
    Integer(i64),
    /// A FLOAT or DOUBLE. See [`storable_number`].
    Real(f64),
    /// An ASCII or UTF-8 text. Dates are ISO 8601 wall-clock times.
    Text(String),
    /// A RATIONAL or SRATIONAL, with the fraction as recorded: `1/250`.
    Rational {
        /// The quotient of the fraction.
        value: f64,
        /// The numerator and the denominator, separated by `/`.
        fraction: String,
    },
    /// A list, if the field has more than one value.
    List(Vec<TagValue>),
}

/// Returns a number if a record can store it: it must be finite, and either zero or of a magnitude
/// from 1e-130 to 1e125. This is the range of a DynamoDB number (DynamoDB Developer Guide, "Data
/// types"). No camera measures anything outside this range.
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
        let read: PhotoMetadata = serde_json::from_value(json).expect("metadata");
        assert_eq!(read, metadata);
    }
}
