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
        made(0xdb, &[0; 65]),
        made(0xc0, &[8; 15]),
        made(0xc4, &[0; 20]),
        made(SOS, &[1; 10]),
    ]
    .concat()
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
    scanner.finish(orientation)
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
    scans.extend(made(SOS, &[2; 10]));
    let head = [
        exif(6, false),
        made(APP0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\x03\x01SECRET-THUMB"),
        made(APP0, b"JFXX\0SECRET"),
        exif(3, false),
        made(APP1, b"http://ns.adobe.com/xap/1.0/\0SECRET-XMP"),
        made(APP1, b"http://ns.adobe.com/xmp/extension/\0SECRET-XMP"),
        made(APP2, b"MPF\0SECRET-MPF"),
        made(APP2, b"ICC_PROFILE\0\x01\x01COLOURS"),
        made(0xe4, b"SECRET-SAMSUNG"),
        made(0xed, b"Photoshop 3.0\0SECRET-IPTC"),
        made(APP14, b"Adobe\0\x64\0\0\0\0\x01SECRET"),
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
    assert!(contains(&bytes, "COLOURS"));
    assert_eq!(
        bytes.windows(2).filter(|pair| *pair == [0xff, EOI]).count(),
        1
    );
    let adobe = made(APP14, b"Adobe\0\x64\0\0\0\0\x01");
    let icc = made(APP2, b"ICC_PROFILE\0\x01\x01COLOURS");
    let jfif = made(APP0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\0\0");
    let Span::Made(exif) = make_exif_segment(6) else {
        panic!("made")
    };
    let scans = [
        &essentials(),
        SCAN,
        &made(SOS, &[2; 10]),
        SCAN,
        &[0xff, EOI],
    ]
    .concat();
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
        (1..=8).find(|value| {
            let Span::Made(exif) = make_exif_segment(*value) else {
                return false;
            };
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
fn truncated_scan_is_kept_and_truncated_head_is_refused() {
    let file = jpeg_with_secrets();
    // The scan begins after SOS: marker, length and 10 bytes.
    let scan = 14
        + file
            .windows(2)
            .position(|pair| pair == [0xff, SOS])
            .expect("scan");
    for end in 0..file.len() {
        match edit(&file[..end], 3, None) {
            Ok(edit) => {
                assert!(end >= scan, "{end} of a head that ends at {scan}");
                let bytes = rendered(&file[..end], &edit.slice(0..edit.size_bytes()));
                assert!(!contains(&bytes, "SECRET"), "cut at {end}");
            }
            Err(NotStrippable) => assert!(end < scan, "{end}"),
        }
    }
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
        .flat_map(|_| [made(0xdb, &[0; 1]), made(0xfe, &[0; 1])])
        .collect();
    assert_eq!(edit(&jpeg(&many), 4096, None), Err(NotStrippable));
}

#[test]
fn spans_of_an_embedded_jpeg_are_offsets_in_the_file() {
    let raw = [b"RAW-HEAD".to_vec(), jpeg_with_secrets()].concat();
    let mut scanner = JpegScanner::new(8);
    scanner.feed(&raw[8..]);
    let edit = scanner.finish(None).expect("strippable");
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
