//! Tests the whole extraction with small files that are made here, and the contract of
//! [`Extractor`].

pub(crate) mod builders;
mod containers;
mod dates;
mod gaps;
mod limits;
mod maker_notes;
mod names;
mod positions;
mod sidecars;
mod structures;
mod tags;
mod texts;
mod work;

use bytes::Bytes;
use chrono::{NaiveDate, NaiveDateTime};

use self::builders::{ifd, tiff};
use crate::record::TagValue;
use crate::{
    Extraction, ExtractionStep, Extractor, FileContext, PhotoFormat, UnsupportedFormat, extract,
};

fn context() -> FileContext {
    let latest_credible_time: NaiveDateTime = NaiveDate::from_ymd_opt(2030, 1, 1)
        .and_then(|d| d.and_hms_opt(0, 0, 0))
        .expect("a date");
    FileContext {
        file_name: "DSC_0001.JPG".to_owned(),
        latest_credible_time,
    }
}

fn read(bytes: &[u8]) -> Extraction {
    extract(bytes, context()).expect("a recognised format")
}

/// Runs an extraction by ranges, as over an object store. Returns the result and the ranges that
/// the extractor asked for.
fn ranged(
    bytes: &[u8],
) -> (
    Result<Extraction, UnsupportedFormat>,
    Vec<std::ops::Range<u64>>,
) {
    let mut extractor = Extractor::new(bytes.len() as u64, context());
    let mut asked = Vec::new();
    loop {
        match extractor.step() {
            ExtractionStep::Need(range) => {
                asked.push(range.clone());
                let part = bytes
                    .get(range.start as usize..range.end as usize)
                    .expect("a range inside the file");
                extractor.feed(range.start, Bytes::copy_from_slice(part));
            }
            ExtractionStep::Done(result) => return (result, asked),
        }
    }
}

fn has_warning(extraction: &Extraction, what: &str) -> bool {
    extraction
        .warnings
        .iter()
        .any(|warning| warning.contains(what))
}

#[test]
fn a_small_tiff_takes_one_read() {
    let mut bytes = tiff(&ifd(&[(0x010f, 2, 6, 38), (0x0112, 3, 1, 6)], 0));
    bytes.extend(b"Canon\0");
    let (result, asked) = ranged(&bytes);
    let photo = result.expect("a photo").photo;
    assert_eq!(
        photo.record.camera.map(|c| c.slug).as_deref(),
        Some("canon")
    );
    assert_eq!(
        (photo.orientation, asked.as_slice()),
        (Some(6), std::slice::from_ref(&(0..44)))
    );
}

#[test]
fn an_empty_file_takes_no_read() {
    let (result, asked) = ranged(b"");
    assert_eq!(
        result
            .map(|_| ())
            .map_err(|e| (e.to_string(), e.reads.count)),
        Err(("empty".to_owned(), 0))
    );
    assert!(asked.is_empty());
}

#[test]
fn a_broken_photo_is_undated() {
    for bytes in [
        &b"\xff\xd8"[..],
        b"II*\0",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBPVP8X",
        b"MM\0*\xff\xff\xff\xff",
        b"\0MRM",
    ] {
        let extraction = read(bytes);
        assert_eq!(extraction.photo.record.capture.day(), None);
        assert_eq!(extraction.photo, ranged(bytes).0.expect("a photo").photo);
    }
    assert!(has_warning(&read(b"\xff\xd8"), "cut short"));
}

#[test]
fn a_file_may_end_before_its_size() {
    let mut extractor = Extractor::new(1 << 20, context());
    assert!(matches!(extractor.step(), ExtractionStep::Need(range) if range == (0..64 << 10)));
    extractor.feed(
        0,
        Bytes::from_static(b"\xff\xd8\xff\xe1\x10\x00Exif\0\0II*\0"),
    );
    assert!(
        matches!(extractor.step(), ExtractionStep::Done(Ok(extraction)) if extraction.format == PhotoFormat::Jpeg)
    );
}

#[test]
fn impossible_values_are_absent() {
    let mut bytes = tiff(&ifd(
        &[
            (0x829a, 5, 1, 62),
            (0x829d, 5, 1, 70),
            (0x9003, 2, 20, 78),
            (0x0112, 3, 1, 9),
        ],
        0,
    ));
    bytes.extend([1, 0, 0, 0, 250, 0, 0, 0]);
    bytes.extend([0; 8]);
    bytes.extend(b"2018:02:01 09:41:07\0");
    let extraction = read(&bytes);
    let tags = &extraction.tags["IFD0"];
    assert_eq!(
        tags["ExposureTime"],
        TagValue::Rational {
            value: 0.004,
            fraction: "1/250".to_owned()
        }
    );
    assert_eq!(
        tags["DateTimeOriginal"],
        TagValue::Text("2018-02-01T09:41:07".to_owned())
    );
    assert_eq!(tags["FNumber"], TagValue::Text("undef".to_owned()));
    let photo = extraction.photo;
    assert_eq!(
        (
            photo.record.exposure.time.as_deref(),
            photo.record.exposure.f_number
        ),
        (Some("1/250"), None)
    );
    assert_eq!(
        (photo.record.capture.day(), photo.orientation),
        (NaiveDate::from_ymd_opt(2018, 2, 1), None)
    );
}

#[test]
fn lens_names_come_from_model_then_specification_then_maker_note() {
    let read_lens = |tags: &[u16]| {
        let all = [
            (0x010f, 2, 6, 200),
            (0x927c, 7, 58, 300),
            (0xa432, 5, 4, 220),
            (0xa434, 2, 8, 260),
        ];
        let entries: Vec<(u16, u16, u32, u32)> = all
            .into_iter()
            .filter(|entry| entry.0 == 0x010f || tags.contains(&entry.0))
            .collect();
        let mut bytes = tiff(&ifd(&entries, 0));
        bytes.resize(400, 0);
        bytes[200..206].copy_from_slice(b"Canon\0");
        let numbers = [18_u32, 1, 55, 1, 35, 10, 56, 10];
        bytes[220..252].copy_from_slice(&numbers.map(u32::to_le_bytes).concat());
        bytes[260..268].copy_from_slice(b"RF 50mm\0");
        let note = ifd(&[(0x0095, 2, 8, 350)], 0);
        bytes[300..300 + note.len()].copy_from_slice(&note);
        bytes[350..358].copy_from_slice(b"EF 24mm\0");
        read(&bytes).photo.record.lens.map(|lens| lens.name)
    };
    let all = &[0x927c, 0xa432, 0xa434];
    assert_eq!(read_lens(all).as_deref(), Some("RF 50mm"));
    assert_eq!(read_lens(&all[..2]).as_deref(), Some("18-55mm f/3.5-5.6"));
    assert_eq!(read_lens(&all[..1]).as_deref(), Some("EF 24mm"));
    assert_eq!(read_lens(&[]), None);
}
