//! Tests of the extraction over real files of many cameras. The corpus is the folder in
//! `PHOTO_CORPUS`, or `../shared/corpus` next to the project. If there is no corpus, the tests are
//! ignored. Never copy a file of the corpus into the project.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use chrono::{NaiveDate, NaiveDateTime};
use photo_metadata::PhotoMetadata;
use photo_metadata::{
    Extraction, ExtractionStep, Extractor, FileContext, UnsupportedFormat, extract,
};
use serde_json::Value;
use test_support::requirements::corpus;

fn oracle(corpus: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(corpus.join("oracle.json")).expect("the oracle is readable");
    serde_json::from_str(&text).expect("the oracle is JSON")
}

fn files(corpus: &Path) -> Vec<(String, Vec<u8>)> {
    let names = oracle(corpus).into_keys();
    names
        .filter_map(|name| Some((name.clone(), std::fs::read(corpus.join(name)).ok()?)))
        .collect()
}

fn context(name: &str) -> FileContext {
    let latest_credible_time: NaiveDateTime = NaiveDate::from_ymd_opt(2026, 12, 31)
        .and_then(|d| d.and_hms_opt(0, 0, 0))
        .expect("a date");
    FileContext {
        file_name: name.rsplit('/').next().unwrap_or(name).to_owned(),
        latest_credible_time,
    }
}

fn ranged(name: &str, bytes: &[u8]) -> Result<Extraction, UnsupportedFormat> {
    let mut extractor = Extractor::new(bytes.len() as u64, context(name));
    loop {
        match extractor.step() {
            ExtractionStep::Need(range) => {
                assert!(
                    range.start < range.end && range.end <= bytes.len() as u64,
                    "{name}: {range:?}"
                );
                let part = &bytes[range.start as usize..range.end as usize];
                extractor.feed(range.start, Bytes::copy_from_slice(part));
            }
            ExtractionStep::Done(result) => return result,
        }
    }
}

test_support::needs_corpus! {
#[test]
fn few_ranged_reads_give_the_same_as_the_whole_file() {
    let corpus = corpus();
    let mut table: BTreeMap<&str, Vec<(u32, u64)>> = BTreeMap::new();
    for (name, bytes) in files(&corpus) {
        match (ranged(&name, &bytes), extract(&bytes, context(&name))) {
            (Ok(ranged), Ok(whole)) => {
                assert_eq!(ranged.photo, whole.photo, "{name}");
                assert_eq!(ranged.tags, whole.tags, "{name}");
                assert_eq!(ranged.omitted, whole.omitted, "{name}");
                assert_eq!(ranged.preview, whole.preview, "{name}");
                table
                    .entry(ranged.format.name())
                    .or_default()
                    .push((ranged.reads.count, ranged.reads.bytes));
            }
            (Err(ranged), Err(whole)) => assert_eq!(ranged.reason, whole.reason, "{name}"),
            (ranged, whole) => panic!("{name}: {ranged:?} by ranges, {whole:?} at once"),
        }
    }
    for (format, mut reads) in table {
        reads.sort_unstable();
        let most = reads.iter().map(|r| r.0).max().unwrap_or(0);
        let one = reads.iter().filter(|r| r.0 == 1).count();
        let mut sizes: Vec<u64> = reads.iter().map(|r| r.1).collect();
        sizes.sort_unstable();
        assert!(most <= 3, "{format}: {most} reads");
        assert!(sizes[sizes.len() / 2] <= 1 << 20, "{format}");
        if format == "JPEG" {
            assert!(
                one * 100 >= reads.len() * 98,
                "{one} of {} JPEG in one read",
                reads.len()
            );
        }
    }
}
}

/// Returns the first of these fields that the oracle has for a file. The oracle is the expected
/// metadata from another program. A blank field counts as absent.
fn oracle_field<'a>(oracle: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter()
        .filter_map(|key| oracle.get(key))
        .find(|value| value.as_str() != Some("") && !value.is_null())
}

test_support::needs_corpus! {
#[test]
fn important_fields_agree_with_exiftool() {
    let corpus = corpus();
    let oracle = oracle(&corpus);
    let (mut agreeing, mut all, mut differences) = (0, 0, Vec::new());
    for (name, bytes) in files(&corpus) {
        let Some(oracle) = oracle
            .get(&name)
            .filter(|o| oracle_field(o, &["IFD0:Make", "ExifIFD:ExposureTime"]).is_some())
        else {
            continue;
        };
        let photo = extract(&bytes, context(&name))
            .map(|extraction| extraction.photo)
            .unwrap_or_default();
        for (field, wanted, got) in pairs(oracle, &photo) {
            all += 1;
            if wanted == got {
                agreeing += 1;
            } else {
                differences.push(format!("{name}: {field} wanted {wanted:?} got {got:?}"));
            }
        }
    }
    assert!(
        all > 500 && agreeing * 1000 >= all * 995,
        "{agreeing} of {all}:\n{}",
        differences.join("\n")
    );
}
}

fn pairs(oracle: &Value, photo: &PhotoMetadata) -> Vec<(&'static str, String, String)> {
    let text = |keys: &[&str]| {
        oracle_field(oracle, keys)?
            .as_str()
            .map(|text| text.trim().to_owned())
            .filter(|t| !t.is_empty())
    };
    let number = |keys: &[&str]| {
        oracle_field(oracle, keys)?
            .as_f64()
            .filter(|&n| n > 0.0)
            .map(|n| format!("{n:.4}"))
    };
    let date = text(&["ExifIFD:DateTimeOriginal", "IFD0:DateTimeOriginal"])
        .filter(|date| date.len() >= 19 && ("1826".."2027").contains(&&date[..4]))
        .map(|date| {
            format!(
                "{}-{}-{}T{}",
                &date[..4],
                &date[5..7],
                &date[8..10],
                &date[11..19]
            )
        });
    let four = |value: Option<f64>| value.map(|v| format!("{v:.4}"));
    let camera = photo.record.camera.clone().unwrap_or_default();
    let fields = [
        ("make", text(&["IFD0:Make"]), camera.make),
        ("model", text(&["IFD0:Model"]), camera.model),
        (
            "taken",
            date,
            photo
                .record
                .capture
                .local
                .map(|at| at.start().format("%FT%T").to_string()),
        ),
        (
            "seconds",
            number(&["ExifIFD:ExposureTime", "IFD0:ExposureTime"]),
            four(photo.record.exposure.seconds),
        ),
        (
            "fNumber",
            number(&["ExifIFD:FNumber", "IFD0:FNumber"]),
            four(photo.record.exposure.f_number),
        ),
        (
            "iso",
            number(&["ExifIFD:ISO", "IFD0:ISO"]),
            four(photo.record.exposure.iso.map(f64::from)),
        ),
        (
            "orientation",
            number(&["IFD0:Orientation"]),
            four(photo.orientation.map(f64::from)),
        ),
    ];
    let wanted = fields
        .into_iter()
        .filter_map(|(name, wanted, got)| Some((name, wanted?, got.unwrap_or_default())));
    wanted.collect()
}

/// Returns the byte offsets at which a test damages a file: many in the first 2 KiB, and a few in
/// the rest.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..length.min(2_048))
        .step_by(13)
        .chain((2_048..length).step_by((length / 60).max(97)))
}

test_support::needs_corpus! {
#[test]
fn a_cut_file_never_panics() {
    let corpus = corpus();
    for (name, bytes) in files(&corpus) {
        for end in places(bytes.len()).step_by(2) {
            let _ = extract(&bytes[..end], context(&name));
        }
    }
}
}

test_support::needs_corpus! {
#[test]
fn flipped_bits_never_panic() {
    let corpus = corpus();
    for (name, mut bytes) in files(&corpus) {
        for place in places(bytes.len()).step_by(5) {
            for flip in [0x01, 0xff] {
                bytes[place] ^= flip;
                let _ = extract(&bytes, context(&name));
                bytes[place] ^= flip;
            }
        }
    }
}
}
