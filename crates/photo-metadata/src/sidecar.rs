//! Reads sidecars. A sidecar is a file beside a photo that describes it: XMP, as Lightroom, Capture
//! One, darktable and digiKam write it, or the JSON of Google Takeout.
//!
//! The result is a record of the sidecar alone. It can be stored, and applied to the record of the
//! photo later.

use chrono::NaiveDateTime;
use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::extraction::limit_warnings;
use super::labels::FileLabels;
use super::limits;
use super::record::{PhotoRecord, Tags};
use super::sidecar_fields::apply_xmp_record;
use super::sidecar_xmp::{read_xmp_sidecar, read_xmp_tags};
use super::takeout::{apply_takeout_record, read_takeout_sidecar};

/// The maximum number of bytes of a sidecar that are read. A larger sidecar has a gap. To find out
/// whether a sidecar is larger, the caller must read one byte more.
pub const MAX_SIDECAR_BYTES: u64 = limits::MAX_PACKET_BYTES;

/// The gap of a sidecar that is larger than the maximum.
const TOO_LARGE: &str = "sidecar that is too large";

/// The format of a sidecar. In JSON, it is the text `xmp` or `takeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SidecarFormat {
    /// XMP in a file of its own.
    Xmp,
    /// The JSON of Google Takeout.
    Takeout,
}

/// What was read from a sidecar.
#[derive(Debug, Clone, PartialEq)]
pub struct SidecarExtraction {
    /// The metadata in the sidecar.
    pub metadata: SidecarMetadata,
    /// The keywords and the rating in the sidecar, before any limit of the record. If some of them
    /// may be missing, `gap` contains the reason. Google Takeout has no keywords and no rating.
    pub labels: FileLabels,
    /// One line of text for each problem.
    pub warnings: Vec<String>,
}

/// The metadata in a sidecar: its format, and the record that its fields make. [`apply_to`] applies
/// them to the record of the photo.
///
/// In JSON, it is an object `{"format", "record"}`. `record` has only the fields that the sidecar
/// has, without nulls, empty lists and empty objects. It is absent if the sidecar has no field.
///
/// [`apply_to`]: SidecarMetadata::apply_to
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SidecarMetadata {
    /// The format of the sidecar. The rules of [`SidecarMetadata::apply_to`] depend on it.
    pub format: SidecarFormat,
    /// The normalised metadata in the sidecar. It never has a width and a height.
    #[serde(default)]
    pub record: PhotoRecord,
}

impl SidecarMetadata {
    /// Applies the sidecar to the record of its photo.
    ///
    /// Each field that an XMP sidecar has replaces that of the record, except the width and the
    /// height: editors write their changes only into the sidecar. A list is replaced as a whole.
    /// Its date replaces that of the record only if its kind is not worse: the date of a
    /// digitisation does not replace that of the original. A time that is the same to the second
    /// keeps its milliseconds and its offset.
    ///
    /// A sidecar of Google Takeout only adds fields that the record lacks.
    ///
    /// Applying a sidecar again changes nothing.
    ///
    /// ```
    /// use chrono::NaiveDateTime;
    /// use photo_metadata::{FileContext, SidecarFormat, extract, extract_sidecar};
    ///
    /// let photo = include_bytes!("../../../examples/photos/card1/DSC_0001.JPG");
    /// let latest_credible_time = NaiveDateTime::MAX;
    /// let context = FileContext { file_name: "DSC_0001.JPG".to_owned(), latest_credible_time };
    /// let mut record = extract(photo, context)?.photo.record;
    ///
    /// let xmp = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
    ///   <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    ///     <rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"
    ///       xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:DateTimeOriginal="2018:02:01 09:41:07"/>
    ///   </rdf:RDF>
    /// </x:xmpmeta>"#;
    /// let sidecar = extract_sidecar(xmp.as_bytes(), SidecarFormat::Xmp, latest_credible_time);
    /// sidecar.metadata.apply_to(&mut record);
    ///
    /// assert_eq!(record.rating, Some(5));
    /// // The sidecar has whole seconds. The milliseconds of the photo stay.
    /// assert_eq!(record.capture.local_text().as_deref(), Some("2018-02-01T09:41:07.670"));
    /// # Ok::<(), photo_metadata::UnsupportedFormat>(())
    /// ```
    pub fn apply_to(&self, record: &mut PhotoRecord) {
        match self.format {
            SidecarFormat::Xmp => apply_xmp_record(&self.record, record),
            SidecarFormat::Takeout => apply_takeout_record(&self.record, record),
        }
    }
}

impl Serialize for SidecarMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct StoredFields {
            format: SidecarFormat,
            #[serde(skip_serializing_if = "Option::is_none")]
            record: Option<Value>,
        }
        let record = serde_json::to_value(&self.record).map_err(S::Error::custom)?;
        let stored = StoredFields {
            format: self.format,
            record: without_empty_values(record),
        };
        stored.serialize(serializer)
    }
}

/// Removes nulls, empty lists and empty objects from a JSON value. Returns `None` if nothing is
/// left.
fn without_empty_values(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(values) => {
            let kept: Vec<Value> = values
                .into_iter()
                .filter_map(without_empty_values)
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(fields) => {
            let kept: serde_json::Map<String, Value> = fields
                .into_iter()
                .filter_map(|(name, value)| Some((name, without_empty_values(value)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other),
    }
}

/// Reads a sidecar that is in memory. Never fails: broken content gives a gap in
/// [`SidecarExtraction::labels`] and a warning, and the metadata before it are kept.
///
/// Reads at most [`MAX_SIDECAR_BYTES`], and does at most as much work as for a photo. The caller
/// chooses the format by the name of the file. A date after `latest_credible_time` is ignored, as
/// [`FileContext`](crate::FileContext) describes.
///
/// ```
/// use chrono::NaiveDateTime;
/// use photo_metadata::{SidecarFormat, extract_sidecar};
///
/// let json = br#"{"title": "IMG_1.jpg", "description": "Night in Kyoto",
///     "photoTakenTime": {"timestamp": "1517474467"}}"#;
/// let sidecar = extract_sidecar(json, SidecarFormat::Takeout, NaiveDateTime::MAX);
///
/// let record = &sidecar.metadata.record;
/// assert_eq!(record.caption.as_deref(), Some("Night in Kyoto"));
/// // The wall clock at the place is not known. So this is the day in UTC, and is marked as such.
/// assert_eq!(record.capture.local_text().as_deref(), Some("2018-02-01"));
/// assert_eq!(record.capture.date_source.unwrap().name(), "TakeoutUTC");
///
/// let broken = extract_sidecar(&json[..40], SidecarFormat::Takeout, NaiveDateTime::MAX);
/// assert!(broken.labels.gap.is_some() && !broken.warnings.is_empty());
/// ```
pub fn extract_sidecar(
    bytes: &[u8],
    format: SidecarFormat,
    latest_credible_time: NaiveDateTime,
) -> SidecarExtraction {
    let (bytes, is_cut) = readable_bytes(bytes, format);
    let mut warnings = Vec::new();
    let (record, mut labels) = match format {
        SidecarFormat::Xmp => read_xmp_sidecar(bytes, latest_credible_time, &mut warnings),
        SidecarFormat::Takeout if is_cut => Default::default(),
        SidecarFormat::Takeout => read_takeout_sidecar(bytes, latest_credible_time, &mut warnings),
    };
    if is_cut {
        labels.gap = Some(TOO_LARGE.to_owned());
        warnings.insert(0, TOO_LARGE.to_owned());
    }
    if let Some(gap) = labels.gap.as_ref().filter(|_| warnings.is_empty()) {
        warnings.push(gap.clone());
    }
    limit_warnings(&mut warnings);
    SidecarExtraction {
        metadata: SidecarMetadata { format, record },
        labels,
        warnings,
    }
}

/// Reads the tags of an XMP sidecar, with ExifTool's names of groups and tags. Returns no tags for
/// another sidecar.
///
/// ```
/// use photo_metadata::{SidecarFormat, extract_sidecar_tags};
///
/// let xmp = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
///     <xmp:Rating>5</xmp:Rating></x:xmpmeta>"#;
/// let tags = extract_sidecar_tags(xmp, SidecarFormat::Xmp);
/// assert_eq!(serde_json::to_value(&tags["XMP-xmp"]["Rating"]).unwrap(), "5");
/// ```
pub fn extract_sidecar_tags(bytes: &[u8], format: SidecarFormat) -> Tags {
    match format {
        SidecarFormat::Xmp => read_xmp_tags(readable_bytes(bytes, format).0),
        SidecarFormat::Takeout => Tags::default(),
    }
}

/// Returns the bytes of a sidecar that are read, and whether there are more.
fn readable_bytes(bytes: &[u8], format: SidecarFormat) -> (&[u8], bool) {
    let max = match format {
        SidecarFormat::Xmp => MAX_SIDECAR_BYTES,
        SidecarFormat::Takeout => limits::MAX_TAKEOUT_BYTES,
    };
    match bytes.get(..usize::try_from(max).unwrap_or(usize::MAX)) {
        Some(start) => (start, start.len() < bytes.len()),
        None => (bytes, false),
    }
}
