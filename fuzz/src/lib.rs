//! The extraction and what holds of it whatever the bytes are. It links `photo-metadata` alone.

pub mod attacks;
pub mod samples;

use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::NaiveDateTime;
use photo_metadata::{
    ExtractError, Extraction, Extractor, FileContext, PhotoMetadata, UnsupportedFormat, extract,
    is_bidi_control,
};

/// No file takes longer, however hostile. (Under a sanitizer everything is some ten times slower.)
pub const LONGEST: Duration = Duration::from_millis(if cfg!(fuzzing) { 1_000 } else { 100 });
/// Ranged reads, and their bytes, of one extraction (crates/photo-metadata/src/limits.rs).
const READS: u32 = 6;
const BYTES: u64 = 8 << 20;

/// Runs the whole extraction, over the bytes at once and by ranges; how long it took at once.
///
/// # Panics
/// Where the two disagree, a range lies outside the file, a limit is passed, or the JSON does not read back.
pub fn holds(bytes: &[u8]) -> Duration {
    let mut took = timed(bytes);
    for _ in 0..3 {
        // It may have been another process that took the time.
        if took >= LONGEST {
            took = took.min(timed(bytes));
        }
    }
    assert!(took < LONGEST, "{took:?} for {} bytes", bytes.len());
    let whole = extract(bytes, context());
    let ranged = ranged(bytes);
    let (Ok(whole), Ok(ranged)) = (&whole, &ranged) else {
        assert_eq!(whole.is_ok(), ranged.is_ok());
        return took;
    };
    assert!(ranged.reads.count <= READS && ranged.reads.bytes <= BYTES);
    // Where a file's parts lie too far apart, ranges find less.
    if !ranged.warnings.iter().any(|w| w.contains("too far apart")) {
        assert_eq!(ranged.photo, whole.photo);
        assert_eq!(ranged.tags, whole.tags);
    }
    stored_and_read_back(whole);
    took
}

/// How long one extraction of bytes at hand takes, whatever they are.
pub fn timed(bytes: &[u8]) -> Duration {
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

fn ranged(bytes: &[u8]) -> Result<Extraction, UnsupportedFormat> {
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

/// The record is stored as JSON numbers and text: what is none of either must not be in it.
fn stored_and_read_back(extraction: &Extraction) {
    let json = serde_json::to_string(&extraction.photo).expect("a photo is JSON");
    let read: PhotoMetadata = serde_json::from_str(&json).expect("its own JSON");
    assert_eq!(read.record.capture, extraction.photo.record.capture);
    assert_eq!(read.record.camera, extraction.photo.record.camera);
    let hidden =
        |c: char| c.is_control() || is_bidi_control(c);
    let photo = &extraction.photo.record;
    let texts = [
        &photo.title,
        &photo.caption,
        &photo.artist,
        &photo.copyright,
    ];
    for text in texts.into_iter().flatten().chain(&photo.keywords) {
        assert!(text.len() <= 1_024 && !text.contains(hidden), "{text:?}");
    }
    if let Some(place) = &photo.location {
        assert!(place.lat.abs() <= 90.0 && place.lon.abs() <= 180.0);
    }
    assert!(!matches!(extraction.photo.orientation, Some(0 | 9..)));
}
