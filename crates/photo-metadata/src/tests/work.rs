//! Tests of the work budget: no file makes an extraction do more work than the limits allow.

use std::sync::OnceLock;

use test_support::hostile_files;

use super::{context, has_warning, read};
use crate::extraction::TOO_MUCH_WORK;
use crate::limits;
use crate::work_budget::Work;
use crate::{ExtractionStep, Extractor};

/// The maximum amount of work of each kind that the budget of one pass can pay for. An amount is a
/// number of things, such as decoders or bytes, and not a number of units of work.
const MOST_OF_PASS: [(Work, u64); 8] = [
    (Work::Reads, 6_291_456),
    (Work::Decoders, 1_536),
    (Work::WindowBytes, 384 << 20),
    (Work::CompressedBytes, 768 << 10),
    (Work::Bytes, 48 << 20),
    (Work::XmlEvents, 786_432),
    (Work::XmlTagBytes, 6_291_456),
    (Work::Datasets, 393_216),
];
/// The hostile files that cost much although they have nearly no decompressed bytes.
const WITHOUT_OUTPUT: [&str; 4] = [
    "JXL of Brotli windows",
    "JXL of Brotli tables",
    "PNG of deflate tables",
    "PNG of small compressed texts",
];

/// Returns all hostile files. They are made once.
fn all_hostile_files() -> &'static [(&'static str, Vec<u8>)] {
    static ALL: OnceLock<Vec<(&str, Vec<u8>)>> = OnceLock::new();
    ALL.get_or_init(hostile_files::all)
}

#[test]
fn no_hostile_file_exceeds_the_work_limits() {
    for (name, bytes) in all_hostile_files() {
        let mut extractor = Extractor::new(bytes.len() as u64, context());
        let result = loop {
            let step = extractor.step();
            let counts = extractor.file.budget().counts.borrow().clone();
            for (work, most) in MOST_OF_PASS {
                let count = counts.get(&work).copied().unwrap_or(0);
                assert!(count <= most, "{name}: {count} {work:?}");
            }
            match step {
                ExtractionStep::Need(range) => {
                    let part = &bytes[range.start as usize..range.end as usize];
                    extractor.feed(range.start, bytes::Bytes::copy_from_slice(part));
                }
                ExtractionStep::Done(result) => break result.expect("a photo"),
            }
        };
        let most = limits::MAX_WORK + limits::MAX_PASS_WORK;
        assert!(extractor.work < most, "{name}: {}", extractor.work);
        if WITHOUT_OUTPUT.contains(name) {
            // The warning comes first, so that no other warning displaces it.
            let first = result.warnings.first().map(String::as_str);
            assert_eq!(first, Some(TOO_MUCH_WORK), "{name}");
        }
    }
}

#[test]
fn metadata_before_the_end_of_the_budget_are_kept() {
    let exif = b"\0\0\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u32::try_from(exif.len() + 8).expect("small").to_be_bytes();
    let mut bytes = all_hostile_files()
        .iter()
        .find(|file| file.0 == "JXL of Brotli windows")
        .map(|file| file.1.clone())
        .expect("a hostile file");
    let first_box = 12 + 20;
    bytes.splice(first_box..first_box, [&length[..], b"Exif", exif].concat());
    let extraction = read(&bytes);
    assert_eq!(extraction.photo.orientation, Some(6));
    assert!(has_warning(&extraction, TOO_MUCH_WORK));
}

#[test]
fn a_slug_has_a_maximum_length() {
    let name = "щ".repeat(limits::MAX_TEXT_BYTES / 2);
    let slug = crate::camera::make_slug(&name);
    assert!(
        slug.len() <= limits::MAX_SLUG_BYTES && !slug.ends_with('-'),
        "{slug}"
    );
    assert_eq!(crate::camera::make_slug("a-"), "a");
}
