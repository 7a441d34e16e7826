//! Tests on constructed JPEG files: what is kept, what is removed, and what is refused.

use super::*;
use proptest::prelude::*;

const SCAN: &[u8] = &[1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4, 0xff, 0xd7, 0xff, 0x00];

fn made(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2)
        .expect("short")
        .to_be_bytes();
    [&[0xff, marker], &length[..], payload].concat()
}

fn exif(orientation: u8, big: bool) -> Vec<u8> {
    let ifd: Vec<u8> = if big {
        [
            b"MM\0*\0\0\0\x08\0\x02".as_slice(),
            &[1, 0x0f, 0, 2, 0, 0, 0, 1, b'X', 0, 0, 0],
        ]
        .concat()
    } else {
        [
            b"II*\0\x08\0\0\0\x02\0".as_slice(),
            &[0x0f, 1, 2, 0, 1, 0, 0, 0, b'X', 0, 0, 0],
        ]
        .concat()
    };
    let entry: [u8; 12] = if big {
        [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
    } else {
        [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]
    };
    made(APP1, &[EXIF_HEADER, &ifd, &entry, b"SECRET-GPS"].concat())
}

/// Returns the bytes of the segments that a decoder needs: tables, frame and scan.
fn essentials() -> Vec<u8> {
    [
        made(DQT, &[0; 65]),
        frame(),
        made(DHT, &[0; 17]),
        scan_header(1),
    ]
    .concat()
}

/// Returns the segment of a frame with three components.
fn frame() -> Vec<u8> {
    made(0xc0, &[&[8, 0, 8, 0, 8, 3][..], &[1; 9]].concat())
}

/// Returns the segment before a scan of three components. `fill` is the value of its other bytes.
fn scan_header(fill: u8) -> Vec<u8> {
    made(SOS, &[&[3][..], &[fill; 9]].concat())
}

/// Returns a profile that defines the colours of a picture, with secrets in it.
fn profile() -> Vec<u8> {
    crate::strip::colour_profile::tests::profile_with_secrets()
}

fn rewritten_profile() -> Vec<u8> {
    rewrite_profile(&profile()).expect("a profile")
}

/// Divides a profile into two segments.
fn profile_segments(profile: &[u8]) -> Vec<u8> {
    let (first, second) = profile.split_at(profile.len() / 2);
    [
        made(APP2, &[ICC, &[1, 2], first].concat()),
        made(APP2, &[ICC, &[2, 2], second].concat()),
    ]
    .concat()
}

fn exif_segment(orientation: u8) -> Vec<u8> {
    let added = AddedMetadata {
        orientation: Some(orientation),
        position: None,
    };
    let tiff = added.build_tiff(None).unwrap_or_default();
    made(APP1, &[EXIF_HEADER, &tiff].concat())
}

fn jpeg(head: &[Vec<u8>]) -> Vec<u8> {
    [
        &[0xff, SOI][..],
        &head.concat(),
        &essentials(),
        SCAN,
        &[0xff, EOI],
    ]
    .concat()
}

fn edit(file: &[u8], step: usize, orientation: Option<u8>) -> Result<EditList, NotStrippable> {
    let mut scanner = JpegScanner::new(0);
    for chunk in file.chunks(step) {
        if !scanner.feed(chunk) {
            break;
        }
    }
    scanner.finish(&AddedMetadata {
        orientation,
        position: None,
    })
}

fn rendered(file: &[u8], spans: &[Span]) -> Vec<u8> {
    spans
        .iter()
        .flat_map(|span| match span {
            Span::Made(bytes) => bytes.to_vec(),
            Span::Kept(range) => file[range.start as usize..range.end as usize].to_vec(),
        })
        .collect()
}

fn stripped(file: &[u8]) -> Vec<u8> {
    let edit = edit(file, 7, None).expect("strippable");
    let bytes = rendered(file, &edit.slice(0..edit.size_bytes()));
    assert_eq!(bytes.len() as u64, edit.size_bytes());
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Returns a JPEG with every kind of metadata that must be removed.
fn jpeg_with_secrets() -> Vec<u8> {
    let mut scans = [
        made(APP1, b"SECRET-BETWEEN-SCANS"),
        made(0xfe, b"SECRET-COMMENT"),
    ]
    .concat();
    scans.extend(scan_header(2));
    let head = [
        exif(6, false),
        made(APP0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\x03\x01SECRET-THUMB"),
        made(APP0, b"JFXX\0SECRET"),
        exif(3, false),
        made(APP1, b"http://ns.adobe.com/xap/1.0/\0SECRET-XMP"),
        made(APP1, b"http://ns.adobe.com/xmp/extension/\0SECRET-XMP"),
        made(APP2, b"MPF\0SECRET-MPF"),
        profile_segments(&profile()),
        made(0xe4, b"SECRET-SAMSUNG"),
        made(0xed, b"Photoshop 3.0\0SECRET-IPTC"),
        made(APP14, b"Adobe\0\x64SEC!\x01SECRET"),
        made(APP14, b"Adobe\0\x64SEC!\x02SECRET"),
        made(0xf0, b"SECRET-JPG"),
        b"SECRET-GARBAGE".to_vec(),
        made(0xfe, b"SECRET-COMMENT"),
    ];
    let file = [
        &[0xff, SOI][..],
        &head.concat(),
        &essentials(),
        SCAN,
        &scans,
        SCAN,
        &[0xff, EOI],
    ]
    .concat();
    [file, jpeg(&[exif(1, false)]), b"SECRET-TRAILER".to_vec()].concat()
}

#[test]
fn file_without_metadata_is_unchanged() {
    let file = jpeg(&[]);
    assert_eq!(stripped(&file), file);
}

#[test]
fn only_colours_and_orientation_are_kept() {
    let bytes = stripped(&jpeg_with_secrets());
    assert!(!contains(&bytes, "SECRET"), "{bytes:x?}");
    assert_eq!(
        bytes.windows(2).filter(|pair| *pair == [0xff, EOI]).count(),
        1
    );
    let adobe = made(APP14, b"Adobe\0\x64\0\0\0\0\x01");
    let icc = made(APP2, &[ICC, &[1, 1], &rewritten_profile()].concat());
    let jfif = made(APP0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\0\0");
    let exif = exif_segment(6);
    let scans = [&essentials(), SCAN, &scan_header(2), SCAN, &[0xff, EOI]].concat();
    assert_eq!(
        bytes,
        [&[0xff, SOI][..], &jfif, &exif, &icc, &adobe, &scans].concat()
    );
}

#[test]
fn stripping_twice_changes_nothing() {
    let once = stripped(&jpeg_with_secrets());
    assert_eq!(stripped(&once), once);
}

#[test]
fn orientation_of_the_file_is_preferred_to_the_given_one() {
    let with = |file: &[u8], orientation| {
        let edit = edit(file, 5, orientation).expect("strippable");
        let bytes = rendered(file, &edit.slice(0..edit.size_bytes()));
        (2..=8).find(|value| {
            let exif = exif_segment(*value);
            bytes.windows(exif.len()).any(|window| window == exif)
        })
    };
    assert_eq!(with(&jpeg(&[exif(6, false)]), Some(3)), Some(6));
    assert_eq!(with(&jpeg(&[exif(8, true)]), None), Some(8));
    assert_eq!(with(&jpeg(&[]), Some(3)), Some(3));
    // An upright picture needs no orientation, and an impossible orientation is dropped.
    assert_eq!(with(&jpeg(&[exif(1, false)]), Some(3)), None);
    assert_eq!(with(&jpeg(&[exif(9, false)]), None), None);
    assert_eq!(with(&jpeg(&[]), Some(0)), None);
}

#[test]
fn truncated_file_keeps_its_complete_scans_only() {
    let file = jpeg_with_secrets();
    let position = |bytes: &[u8]| {
        file.windows(bytes.len())
            .position(|window| window == bytes)
            .expect("in the file")
    };
    // The first scan is complete as soon as the marker after it has arrived.
    let complete = position(b"SECRET-BETWEEN-SCANS") - 2;
    for end in 0..file.len() {
        match edit(&file[..end], 3, None) {
            Ok(edit) => {
                assert!(end >= complete, "{end}: the scan ends at {complete}");
                let bytes = rendered(&file[..end], &edit.slice(0..edit.size_bytes()));
                assert!(!contains(&bytes, "SECRET"), "cut at {end}");
                assert!(bytes.ends_with(&[0xff, EOI]), "cut at {end}");
            }
            Err(NotStrippable) => assert!(end < complete, "{end}"),
        }
    }
}

#[test]
fn bytes_after_a_picture_without_end_are_removed() {
    let whole = jpeg(&[]);
    let cut = &whole[..whole.len() - 2];
    let second = jpeg(&[exif(6, false)]);
    for trailer in [
        &b""[..],
        b"SECRET",
        &second,
        &[b"SECRET", &second[..]].concat(),
    ] {
        let file = [cut, trailer].concat();
        assert_eq!(edit(&file, 5, None), Err(NotStrippable));
    }
    // A marker of the trailer may look like one of the image.
    for trailer in [
        [made(0xe5, b"SECRET"), b"SECRET".to_vec()].concat(),
        [made(COM, b"SECRET"), vec![0xff, 0xd3], b"SECRET".to_vec()].concat(),
        made(DHT, b"SECRET"),
    ] {
        let file = [cut, b"SECRET", &trailer, &[0xff, EOI]].concat();
        assert_eq!(edit(&file, 5, None), Err(NotStrippable), "{trailer:x?}");
    }
    // A scan that is complete is kept.
    let scans = [cut, &scan_header(2), SCAN].concat();
    let file = [&scans, &b"SECRET"[..], &second].concat();
    assert_eq!(stripped(&file), [cut, &[0xff, EOI]].concat());
}

#[test]
fn malformed_segments_of_a_decoder_are_refused() {
    for segment in [
        made(DQT, &[&[0; 65][..], b"SECRET"].concat()),
        made(DQT, b""),
        made(DHT, &[&[0; 17][..], b"SECRET"].concat()),
        made(DHT, b"SECRET"),
        made(DAC, b"SECRETS"),
        made(DRI, b"SECRET"),
        made(DNL, b"SECRET"),
        made(JPG, b"SECRET"),
        made(DHP, b"SECRET"),
        made(EXP, b"SECRET"),
        made(SOS, &[&[3][..], &[1; 9], b"SECRET"].concat()),
        made(
            0xc1,
            &[&[8, 0, 8, 0, 8, 3][..], &[1; 9], b"SECRET"].concat(),
        ),
        // A second frame, or a scan before the first one.
        [frame(), frame()].concat(),
        scan_header(1),
    ] {
        assert_eq!(
            edit(&jpeg(std::slice::from_ref(&segment)), 9, None),
            Err(NotStrippable),
            "{segment:x?}"
        );
    }
}

#[test]
fn profile_whose_chunks_do_not_fit_together_is_removed() {
    let icc = |number, count, data: &[u8]| made(APP2, &[ICC, &[number, count], data].concat());
    let whole = profile();
    let (first, second) = whole.split_at(100);
    for chunks in [
        vec![icc(1, 2, first)],
        vec![icc(2, 2, second), icc(1, 2, first)],
        vec![icc(1, 2, first), icc(2, 3, second)],
        vec![icc(1, 1, b"SECRET")],
        vec![made(APP2, ICC)],
        vec![icc(1, 1, &whole), icc(1, 1, &whole)],
    ] {
        assert_eq!(stripped(&jpeg(&chunks)), jpeg(&[]));
    }
}

#[test]
fn large_profile_is_divided_into_segments() {
    let large = crate::strip::colour_profile::tests::large_profile();
    let segments = large.chunks(60_000);
    let count = segments.len() as u8;
    let segments: Vec<_> = (1..=count)
        .zip(segments)
        .map(|(number, chunk)| made(APP2, &[ICC, &[number, count], chunk].concat()))
        .collect();
    assert!(count > 2);
    let bytes = stripped(&jpeg(&segments));
    assert!(!contains(&bytes, "SECRET"));
    assert_eq!(stripped(&bytes), bytes);
}

#[test]
fn other_files_are_refused() {
    for file in [
        &b""[..],
        b"\xff",
        b"II*\0",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe1\0\0",
        b"text",
    ] {
        assert_eq!(edit(file, 1, None), Err(NotStrippable), "{file:x?}");
    }
}

#[test]
fn too_many_spans_are_refused() {
    let many: Vec<Vec<u8>> = (0..MAX_SPANS)
        .flat_map(|_| [made(DRI, &[0; 2]), made(COM, &[0; 1])])
        .collect();
    assert_eq!(edit(&jpeg(&many), 4096, None), Err(NotStrippable));
}

#[test]
fn spans_of_an_embedded_jpeg_are_offsets_in_the_file() {
    let raw = [b"RAW-HEAD".to_vec(), jpeg_with_secrets()].concat();
    let mut scanner = JpegScanner::new(8);
    scanner.feed(&raw[8..]);
    let edit = scanner
        .finish(&AddedMetadata::default())
        .expect("strippable");
    assert_eq!(
        rendered(&raw, &edit.slice(0..edit.size_bytes())),
        stripped(&jpeg_with_secrets())
    );
}

proptest! {
    #[test]
    fn slice_equals_the_same_range_of_the_whole(from in 0_u64..400, length in 0_u64..400, step in 1_usize..50) {
        let file = jpeg_with_secrets();
        let edit = edit(&file, step, None).expect("strippable");
        let whole = rendered(&file, &edit.slice(0..edit.size_bytes()));
        let to = (from + length).min(edit.size_bytes());
        let from = from.min(to);
        let part = rendered(&file, &edit.slice(from..to));
        prop_assert_eq!(&part[..], &whole[from as usize..to as usize]);
    }

    #[test]
    fn any_bytes_give_spans_inside_the_file(
        noise in proptest::collection::vec(prop_oneof![Just(0xff_u8), Just(0xd8), Just(0xda), Just(0xe1), any::<u8>()], 0..300),
        step in 1_usize..20,
    ) {
        let file = [&[0xff, SOI][..], &noise].concat();
        if let Ok(edit) = edit(&file, step, Some(6)) {
            for span in edit.slice(0..edit.size_bytes()) {
                if let Span::Kept(range) = span {
                    prop_assert!(range.start < range.end && range.end <= file.len() as u64);
                }
            }
        }
    }
}
