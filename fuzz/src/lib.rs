//! Runs the extraction and the rendering, and checks the properties that hold for any bytes. Only
//! `photo-metadata` and `photo-render` are linked.

#[path = "../../tests/support/src/hostile_files.rs"]
pub mod hostile_files;
pub mod render_samples;
pub mod rendering;
pub mod samples;

use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::NaiveDateTime;
use photo_metadata::{
    ExtractError, Extraction, Extractor, FileContext, PhotoMetadata, PhotoRecord, SidecarFormat,
    SidecarMetadata, UnsupportedFormat, extract, extract_sidecar, extract_sidecar_tags,
    is_bidi_control,
};

/// The time limit of an extraction, for any file. Under a sanitizer the limit is higher, because
/// everything is about ten times slower.
pub const MAX_TIME: Duration = Duration::from_millis(if cfg!(fuzzing) { 1_000 } else { 100 });
/// The maximum number of ranged reads of one extraction. It is the value in
/// crates/photo-metadata/src/limits.rs.
const MAX_READS: u32 = 6;
/// The maximum number of bytes that the ranged reads of one extraction return together. It is the
/// value in crates/photo-metadata/src/limits.rs.
const MAX_BYTES: u64 = 8 << 20;

/// Runs the extraction over all bytes at once, and by ranges, and compares the results. Returns the
/// time of the extraction over all bytes.
///
/// # Panics
/// Panics if the two results differ although the ranges contained all metadata, if a range lies
/// outside the file, if a limit is exceeded, or if the record fails `check_stored_record`.
pub fn check_extraction(bytes: &[u8]) -> Duration {
    let mut took = time_extraction(bytes);
    for _ in 0..3 {
        // Another process may have used the processor, so a slow extraction is measured again.
        if took >= MAX_TIME {
            took = took.min(time_extraction(bytes));
        }
    }
    assert!(took < MAX_TIME, "{took:?} for {} bytes", bytes.len());
    let whole = extract(bytes, context());
    let ranged = extract_by_ranges(bytes);
    let (Ok(whole), Ok(ranged)) = (&whole, &ranged) else {
        assert_eq!(whole.is_ok(), ranged.is_ok());
        return took;
    };
    assert!(ranged.reads.count <= MAX_READS && ranged.reads.bytes <= MAX_BYTES);
    // If the metadata are too far apart, the extraction by ranges finds less.
    if !ranged.warnings.iter().any(|w| w.contains("too far apart")) {
        assert_eq!(ranged.photo, whole.photo);
        assert_eq!(ranged.tags, whole.tags);
    }
    check_stored_record(whole);
    took
}

/// Reads the bytes as a sidecar of each format, and applies it to an empty record.
///
/// # Panics
/// Panics if the time limit is exceeded, if a gap has no warning, if the metadata cannot be stored as
/// JSON and read back, or if a field that was applied is not that of the sidecar.
pub fn check_sidecar(bytes: &[u8]) {
    for format in [SidecarFormat::Xmp, SidecarFormat::Takeout] {
        let time = || {
            let started = Instant::now();
            let sidecar = extract_sidecar(bytes, format, NaiveDateTime::MAX);
            (started.elapsed(), sidecar)
        };
        let (mut took, sidecar) = time();
        for _ in 0..3 {
            // Another process may have used the processor, so a slow extraction is measured again.
            if took >= MAX_TIME {
                took = took.min(time().0);
            }
        }
        assert!(took < MAX_TIME, "{took:?} for {} bytes", bytes.len());
        assert!(sidecar.labels.gap.is_none() || !sidecar.warnings.is_empty());
        let json = serde_json::to_value(&sidecar.metadata).expect("a sidecar is JSON");
        assert!(!has_empty_value(&json), "{json}");
        let read: SidecarMetadata = serde_json::from_str(&json.to_string()).expect("its own JSON");
        assert_eq!(read.record.capture, sidecar.metadata.record.capture);
        assert_eq!(read.record.keywords, sidecar.metadata.record.keywords);
        let mut record = PhotoRecord::default();
        sidecar.metadata.apply_to(&mut record);
        assert_eq!(record.capture, sidecar.metadata.record.capture);
        assert_eq!(record.location, sidecar.metadata.record.location);
        assert_eq!(record.people, sidecar.metadata.record.people);
        let applied_once = record.clone();
        sidecar.metadata.apply_to(&mut record);
        assert_eq!(record, applied_once);
        drop(extract_sidecar_tags(bytes, format));
    }
}

/// Reports whether a JSON value contains a null, an empty list or an empty object.
fn has_empty_value(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty() || values.iter().any(has_empty_value),
        Value::Object(fields) => fields.is_empty() || fields.values().any(has_empty_value),
        _ => false,
    }
}

/// Returns the time that one extraction of bytes in memory takes.
pub fn time_extraction(bytes: &[u8]) -> Duration {
    let started = Instant::now();
    let result = extract(bytes, context());
    let took = started.elapsed();
    drop(result);
    took
}

fn context() -> FileContext {
    FileContext {
        file_name: "IMG_20180201_094107.JPG".to_owned(),
        latest_credible_time: NaiveDateTime::MAX,
    }
}

fn extract_by_ranges(bytes: &[u8]) -> Result<Extraction, UnsupportedFormat> {
    let read = |range: std::ops::Range<u64>| {
        assert!(
            range.start < range.end && range.end <= bytes.len() as u64,
            "{range:?}"
        );
        Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(
            &bytes[range.start as usize..range.end as usize],
        ))
    };
    match Extractor::new(bytes.len() as u64, context()).run(read) {
        Ok(extraction) => Ok(extraction),
        Err(ExtractError::UnsupportedFormat(unsupported)) => Err(unsupported),
        Err(ExtractError::Read(never)) => match never {},
    }
}

/// Checks that the record can be stored as JSON and read back, that its texts are clean, and that
/// its position and its orientation are possible.
fn check_stored_record(extraction: &Extraction) {
    let json = serde_json::to_string(&extraction.photo).expect("a photo is JSON");
    let read: PhotoMetadata = serde_json::from_str(&json).expect("its own JSON");
    assert_eq!(read.record.capture, extraction.photo.record.capture);
    assert_eq!(read.record.camera, extraction.photo.record.camera);
    let hidden = |c: char| c.is_control() || is_bidi_control(c);
    let photo = &extraction.photo.record;
    let texts = [&photo.title, &photo.artist, &photo.copyright];
    for text in texts.into_iter().flatten().chain(&photo.keywords) {
        assert!(text.len() <= 1_024 && !text.contains(hidden), "{text:?}");
    }
    // A caption keeps its line breaks, and is longer.
    let is_hidden = |c: char| c != '\n' && hidden(c);
    for text in [&photo.caption, &photo.extended_description]
        .into_iter()
        .flatten()
    {
        assert!(
            text.chars().count() <= 4_000 && !text.contains(is_hidden),
            "{text:?}"
        );
    }
    if let Some(place) = &photo.location {
        assert!(place.lat.abs() <= 90.0 && place.lon.abs() <= 180.0);
    }
    assert!(!matches!(extraction.photo.orientation, Some(0 | 9..)));
}
