//! The JSON object that `photos extract` prints for a file. This module does no I/O.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use crate::archive::{NO_EXTENSION, split_extension};
use photo_metadata::{Extraction, SidecarExtraction, Tags};

/// Returns the JSON object `{"file", "photo", "error"}` for a file. If `outcome` is an error, the
/// field `photo` is null. Otherwise the field `error` is null.
///
/// `photo` contains the fields of [`PhotoMetadata`](photo_metadata::PhotoMetadata), with their
/// names in the catalogue, and also `kind`, `name` and `parts`. `parts` contains only this file,
/// with `size_bytes` as its size. If there were problems with reading the file, `exifWarnings`
/// lists them.
///
/// If `every_tag` is `true`, `photo` also contains `exif`, `exifOmitted` and `reads`. `reads` is
/// the number of reads and of bytes that the extraction needed.
pub fn report<E: Display>(
    file: &str,
    size_bytes: u64,
    outcome: Result<&Extraction, E>,
    every_tag: bool,
) -> Value {
    match outcome {
        Ok(extraction) => {
            json!({"file": file, "photo": photo(file, size_bytes, extraction, every_tag), "error": null})
        }
        Err(error) => json!({"file": file, "photo": null, "error": error.to_string()}),
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

fn photo(file: &str, size_bytes: u64, extraction: &Extraction, every_tag: bool) -> Value {
    let file_name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let (name, extension) = split_extension(file_name);
    let mut photo = Map::new();
    photo.insert("kind".to_owned(), json!("photo"));
    photo.insert("name".to_owned(), json!(name));
    if let Ok(Value::Object(fields)) = serde_json::to_value(&extraction.photo) {
        photo.extend(fields);
    }
    let record = &extraction.photo.record;
    let mut part = json!({
        "bytes": size_bytes,
        "mime": extraction.format.mime(),
        "width": record.width,
        "height": record.height,
    });
    if let Some(preview) = extraction.preview {
        part["preview"] = json!(preview);
    }
    photo.insert(
        "parts".to_owned(),
        json!({extension.unwrap_or(NO_EXTENSION): part}),
    );
    if !extraction.warnings.is_empty() {
        photo.insert("exifWarnings".to_owned(), json!(extraction.warnings));
    }
    if every_tag {
        let reads = json!({"count": extraction.reads.count, "bytes": extraction.reads.bytes});
        photo.insert("exif".to_owned(), json!(extraction.tags));
        photo.insert("exifOmitted".to_owned(), json!(extraction.omitted));
        photo.insert("reads".to_owned(), reads);
    }
    Value::Object(photo)
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

    #[test]
    fn a_photo_has_its_orientation_and_one_part() {
        let report = report("a/foobar.TIF", 26, Ok::<_, &str>(&extraction()), false);
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
        let report = report("foobar", 26, Ok::<_, &str>(&extraction()), true);
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
        let report = report("a.txt", 5, Err("empty"), true);
        assert_eq!(
            report,
            json!({"file": "a.txt", "photo": null, "error": "empty"})
        );
    }
}
