//! Tests that a file whose keywords may be missing has a gap in its labels.

use super::builders::{JXL_SIGNATURE, bag, media_box};
use super::{builders, context, read};
use crate::{FileLabels, extract, limits};

/// The keyword in the XMP of each file.
const KEYWORD: &str = "Private";

fn xmp() -> Vec<u8> {
    builders::xmp("", &bag("dc:subject", &[KEYWORD])).into_bytes()
}

/// Returns an entry of the list of items: an XMP item with this id.
fn xmp_entry(id: u8) -> Vec<u8> {
    let head = [2, 0, 0, 0, 0, id, 0, 0];
    media_box(
        b"infe",
        &[&head[..], b"mime", b"\0", b"application/rdf+xml\0"].concat(),
    )
}

/// The parts of a HEIF that a test can change.
struct HeifParts {
    /// The number of entries that the list of items announces.
    announced: u8,
    /// The entries of the list of items.
    entries: Vec<u8>,
    /// The number of bytes that the extent of the item is longer than the XMP.
    excess: u32,
}

impl Default for HeifParts {
    fn default() -> Self {
        HeifParts {
            announced: 1,
            entries: xmp_entry(1),
            excess: 0,
        }
    }
}

impl HeifParts {
    fn to_file(&self) -> Vec<u8> {
        let list = media_box(
            b"iinf",
            &[&[0, 0, 0, 0, 0, self.announced][..], &self.entries].concat(),
        );
        let packet = xmp();
        let length = u32::try_from(packet.len()).expect("small") + self.excess;
        let ftyp = media_box(b"ftyp", b"heic\0\0\0\0heic");
        let meta = |offset: u32| {
            let location = [
                &[0, 0, 0, 0, 0x44, 0x00, 0, 1, 0, 1, 0, 0, 0, 1][..],
                &offset.to_be_bytes(),
                &length.to_be_bytes(),
            ]
            .concat();
            let body = [&[0; 4][..], &list, &media_box(b"iloc", &location)].concat();
            media_box(b"meta", &body)
        };
        let offset = ftyp.len() + meta(0).len() + 8;
        let meta = meta(u32::try_from(offset).expect("small"));
        [ftyp, meta, media_box(b"mdat", &packet)].concat()
    }
}

fn assert_has_keyword(labels: &FileLabels) {
    assert_eq!(
        (labels.keywords.as_slice(), labels.gap.as_deref()),
        (&[KEYWORD.to_owned()][..], None)
    );
}

/// Checks that the keyword was read, or that the labels have a gap.
fn assert_keyword_or_gap(file: &[u8], change: &str) {
    if let Ok(extraction) = extract(file, context()) {
        let labels = extraction.labels;
        let has_keyword = labels.keywords == [KEYWORD];
        assert!(has_keyword || labels.gap.is_some(), "{change}: {labels:?}");
    }
}

#[test]
fn xmp_of_a_heif_is_read_or_is_a_gap() {
    assert_has_keyword(&read(&HeifParts::default().to_file()).labels);
    let entry = xmp_entry(1);
    let long_name = [
        &[2, 0, 0, 0, 0, 1, 0, 0][..],
        b"mime",
        &[b'x'; 600],
        b"\0application/rdf+xml\0",
    ]
    .concat();
    let many = entry.repeat(limits::MAX_BLOCKS + 1);
    let changed = [
        ("entry cut short", entry[..entry.len() - 30].to_vec()),
        (
            "entry without its content",
            media_box(b"infe", &[2, 0, 0, 0]),
        ),
        ("version 1", media_box(b"infe", &[1, 0, 0, 0, 0, 1, 0, 0])),
        ("broken box", [&[0, 0, 0, 3][..], b"infe", &entry].concat()),
        ("long name", media_box(b"infe", &long_name)),
        ("missing entry", Vec::new()),
        ("many items", many),
    ];
    for (change, entries) in changed {
        let parts = HeifParts {
            entries,
            ..HeifParts::default()
        };
        let labels = read(&parts.to_file()).labels;
        assert!(labels.gap.is_some(), "{change}: {labels:?}");
    }
    let missing_entry = HeifParts {
        announced: 2,
        ..HeifParts::default()
    };
    assert!(read(&missing_entry.to_file()).labels.gap.is_some());
    let cut_item = HeifParts {
        excess: 1,
        ..HeifParts::default()
    };
    assert!(read(&cut_item.to_file()).labels.gap.is_some());
}

#[test]
fn every_cut_and_every_changed_byte_of_a_heif_is_a_gap_or_keeps_the_keyword() {
    let parts = HeifParts::default();
    let whole = parts.to_file();
    for length in 0..whole.len() {
        assert_keyword_or_gap(&whole[..length], &format!("cut to {length}"));
    }
    // The bytes of the boxes that lead to the list of items. A changed type of a box is not
    // noticed.
    let list = whole
        .windows(4)
        .position(|kind| kind == b"iinf")
        .expect("a list");
    for at in (list - 4..list).chain(list + 4..list + 14) {
        for value in [0, 1, 3, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            assert_keyword_or_gap(&changed, &format!("{value} at {at}"));
        }
    }
}

#[test]
fn boxes_that_are_not_read_are_a_gap() {
    let jxl =
        |before: &[u8]| read(&[JXL_SIGNATURE, before, &media_box(b"xml ", &xmp())].concat()).labels;
    let filler = media_box(b"free", &[]);
    assert_has_keyword(&jxl(&filler.repeat(limits::MAX_SEGMENTS - 2)));
    assert!(jxl(&filler.repeat(limits::MAX_SEGMENTS)).gap.is_some());
    assert!(jxl(&[&[0, 0, 0, 7][..], b"free"].concat()).gap.is_some());
    let huge = [&[0, 0, 0, 1][..], b"free", &[0xff; 8]].concat();
    assert!(jxl(&huge).gap.is_some());

    let cr3 = |in_moov: &[u8], before: &[u8]| {
        let xmp_uuid = [crate::bmff::XMP_UUID, &xmp()].concat();
        let file = [
            &media_box(b"ftyp", b"crx \0\0\0\x01crx isom"),
            &media_box(b"moov", in_moov)[..],
            before,
            &media_box(b"uuid", &xmp_uuid),
            &media_box(b"mdat", &[]),
        ]
        .concat();
        read(&file).labels
    };
    assert_has_keyword(&cr3(&[], &[]));
    assert!(cr3(&[], &filler.repeat(limits::MAX_SEGMENTS)).gap.is_some());
    assert!(
        cr3(&filler.repeat(limits::MAX_SEGMENTS + 1), &[])
            .gap
            .is_some()
    );
    assert!(cr3(b"\0\0\0\x01free\0\0\0\0\0\0\0\0", &[]).gap.is_some());
    let cut = [
        media_box(b"ftyp", b"crx \0\0\0\x01crx isom"),
        media_box(b"moov", &[]),
    ];
    assert!(read(&cut.concat()).labels.gap.is_some());
}
