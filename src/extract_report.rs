//! The JSON object that `photos extract` prints for a file. This module does no I/O.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::archive::{NO_EXTENSION, split_extension};
use photo_metadata::{
    EmbeddedPreview, Extraction, PhotoMetadata, ReadTotals, SidecarExtraction, Tags,
};

/// The JSON object `{"file", "photo", "error"}` for a file. [`FileReport::new`] describes it.
///
/// The report borrows the metadata, and is written without a copy of them.
#[derive(Debug, Serialize)]
pub struct FileReport<'e> {
    file: &'e str,
    photo: Option<PhotoReport<'e>>,
    error: Option<String>,
}

impl<'e> FileReport<'e> {
    /// Returns the report for a file. If `outcome` is an error, the field `photo` is null.
    /// Otherwise the field `error` is null.
    ///
    /// `photo` contains the fields of [`PhotoMetadata`], with their names in the catalogue, and
    /// also `kind`, `name` and `parts`. `parts` contains only this file, with `size_bytes` as its
    /// size. If there were problems with reading the file, `exifWarnings` lists them.
    ///
    /// If `every_tag` is `true`, `photo` also contains `exif`, `exifOmitted` and `reads`. `reads`
    /// is the number of reads and of bytes that the extraction needed.
    pub fn new<E: Display>(
        file: &'e str,
        size_bytes: u64,
        outcome: Result<&'e Extraction, E>,
        every_tag: bool,
    ) -> Self {
        let (photo, error) = match outcome {
            Ok(extraction) => (
                Some(PhotoReport::new(file, size_bytes, extraction, every_tag)),
                None,
            ),
            Err(error) => (None, Some(error.to_string())),
        };
        FileReport { file, photo, error }
    }
}

/// The field `photo` of a [`FileReport`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhotoReport<'e> {
    kind: &'static str,
    name: &'e str,
    #[serde(flatten)]
    metadata: &'e PhotoMetadata,
    parts: OnlyPart<'e>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    exif_warnings: &'e [String],
    #[serde(flatten)]
    tags: Option<TagReport<'e>>,
}

/// The map `parts` of a photo with one file.
#[derive(Debug)]
struct OnlyPart<'e> {
    extension: &'e str,
    part: PartReport,
}

/// The file of a photo.
#[derive(Debug, Serialize)]
struct PartReport {
    bytes: u64,
    mime: &'static str,
    width: Option<u32>,
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<EmbeddedPreview>,
}

/// The fields of a photo that are only printed with every tag.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TagReport<'e> {
    exif: &'e Tags,
    exif_omitted: &'e BTreeMap<String, u64>,
    reads: ReadReport,
}

/// The numbers of reads and of bytes that were needed.
#[derive(Debug, Serialize)]
struct ReadReport {
    count: u32,
    bytes: u64,
}

impl<'e> PhotoReport<'e> {
    fn new(file: &'e str, size_bytes: u64, extraction: &'e Extraction, every_tag: bool) -> Self {
        let file_name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let (name, extension) = split_extension(file_name);
        let record = &extraction.photo.record;
        PhotoReport {
            kind: "photo",
            name,
            metadata: &extraction.photo,
            parts: OnlyPart {
                extension: extension.unwrap_or(NO_EXTENSION),
                part: PartReport {
                    bytes: size_bytes,
                    mime: extraction.format.mime(),
                    width: record.width,
                    height: record.height,
                    preview: extraction.preview,
                },
            },
            exif_warnings: &extraction.warnings,
            tags: every_tag.then(|| TagReport::new(extraction)),
        }
    }
}

impl<'e> TagReport<'e> {
    fn new(extraction: &'e Extraction) -> Self {
        let ReadTotals { count, bytes } = extraction.reads;
        TagReport {
            exif: &extraction.tags,
            exif_omitted: &extraction.omitted,
            reads: ReadReport { count, bytes },
        }
    }
}

impl Serialize for OnlyPart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_map(Some(1))?;
        parts.serialize_entry(self.extension, &self.part)?;
        parts.end()
    }
}

/// Returns the JSON object for a sidecar: `file`, `sidecar` with its format, the fields of the
/// record that the sidecar has, `labels`, `warnings` and `error`, which is null.
///
/// If `tags` is not `None`, the object also contains them, as `exif`.
pub fn sidecar_report(file: &str, extraction: &SidecarExtraction, tags: Option<&Tags>) -> Value {
    let mut fields = Map::new();
    fields.insert("file".to_owned(), json!(file));
    if let Ok(Value::Object(mut metadata)) = serde_json::to_value(&extraction.metadata) {
        fields.insert("sidecar".to_owned(), json!(metadata.remove("format")));
        if let Some(Value::Object(record)) = metadata.remove("record") {
            fields.extend(record);
        }
    }
    fields.insert("labels".to_owned(), json!(extraction.labels));
    fields.insert("warnings".to_owned(), json!(extraction.warnings));
    if let Some(tags) = tags {
        fields.insert("exif".to_owned(), json!(tags));
    }
    fields.insert("error".to_owned(), Value::Null);
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDateTime;
    use photo_metadata::{
        FileContext, SidecarFormat, extract, extract_sidecar, extract_sidecar_tags,
    };

    /// A TIFF file that contains only the tag Orientation.
    const ROTATED_TIFF: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

    fn extraction() -> Extraction {
        let context = FileContext {
            file_name: "foobar.TIF".to_owned(),
            latest_credible_time: NaiveDateTime::MAX,
        };
        extract(ROTATED_TIFF, context).expect("a photo")
    }

    /// Returns the report for a file of 26 bytes.
    fn report_json(file: &str, outcome: Result<&Extraction, &str>, every_tag: bool) -> Value {
        let report = FileReport::new(file, 26, outcome, every_tag);
        serde_json::to_value(report).expect("JSON")
    }

    #[test]
    fn a_photo_has_its_orientation_and_one_part() {
        let report = report_json("a/foobar.TIF", Ok(&extraction()), false);
        assert_eq!(report["file"], "a/foobar.TIF");
        assert_eq!(report["error"], Value::Null);
        let photo = &report["photo"];
        assert_eq!(
            (&photo["name"], &photo["orientation"]),
            (&json!("foobar"), &json!(6))
        );
        assert_eq!(photo["parts"]["TIF"]["bytes"], 26);
        assert_eq!(photo["parts"]["TIF"]["mime"], "image/tiff");
        assert!(photo.get("exif").is_none() && photo.get("exifWarnings").is_none());
    }

    #[test]
    fn every_tag_comes_with_the_read_totals() {
        let report = report_json("foobar", Ok(&extraction()), true);
        assert_eq!(report["photo"]["exif"]["IFD0"]["Orientation"], 6);
        assert_eq!(
            report["photo"]["reads"],
            json!({"count": 1, "bytes": ROTATED_TIFF.len()})
        );
    }

    #[test]
    fn a_sidecar_has_its_format_and_the_fields_that_it_has() {
        let xmp = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
            <xmp:Rating>4</xmp:Rating></x:xmpmeta>"#;
        let sidecar = extract_sidecar(xmp, SidecarFormat::Xmp, NaiveDateTime::MAX);
        let mut expected = json!({"file": "a/foobar.xmp", "sidecar": "xmp", "rating": 4,
            "labels": {"rating": 4}, "warnings": [], "error": null});
        assert_eq!(sidecar_report("a/foobar.xmp", &sidecar, None), expected);
        let tags = extract_sidecar_tags(xmp, SidecarFormat::Xmp);
        expected["exif"] = json!({"XMP-xmp": {"Rating": "4"}});
        assert_eq!(
            sidecar_report("a/foobar.xmp", &sidecar, Some(&tags)),
            expected
        );
    }

    #[test]
    fn an_unsupported_file_has_an_error() {
        let report = report_json("a.txt", Err("empty"), true);
        assert_eq!(
            report,
            json!({"file": "a.txt", "photo": null, "error": "empty"})
        );
    }
}
