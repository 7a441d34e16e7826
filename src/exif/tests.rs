//! The whole extraction over small, made-up files: hostile ones that reach each limit, and the driver's contract.

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{NaiveDate, NaiveDateTime};

use super::{Context, Extraction, Extractor, Format, NotAPhoto, Step, extract, limits};
use crate::photo::TagValue;

fn context() -> Context {
    let not_after: NaiveDateTime = NaiveDate::from_ymd_opt(2030, 1, 1)
        .and_then(|d| d.and_hms_opt(0, 0, 0))
        .expect("a date");
    Context {
        file_name: "DSC_0001.JPG".to_owned(),
        not_after,
    }
}

fn read(bytes: &[u8]) -> Extraction {
    extract(bytes, context()).expect("a recognised format")
}

/// By ranges, as from a store; with the ranges asked for.
fn ranged(bytes: &[u8]) -> (Result<Extraction, NotAPhoto>, Vec<std::ops::Range<u64>>) {
    let mut extractor = Extractor::new(bytes.len() as u64, context());
    let mut asked = Vec::new();
    loop {
        match extractor.step() {
            Step::Need(range) => {
                asked.push(range.clone());
                let part = bytes
                    .get(range.start as usize..range.end as usize)
                    .expect("a range inside the file");
                extractor.feed(range.start, Bytes::copy_from_slice(part));
            }
            Step::Done(result) => return (result, asked),
        }
    }
}

/// A little-endian IFD: entries of tag, type, count and the four bytes of value or offset; then the next IFD's offset.
fn ifd(entries: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
    let mut bytes = u16::try_from(entries.len())
        .expect("few")
        .to_le_bytes()
        .to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

fn tiff(body: &[u8]) -> Vec<u8> {
    [b"II*\0\x08\0\0\0", body].concat()
}

fn says(extraction: &Extraction, what: &str) -> bool {
    extraction
        .warnings
        .iter()
        .any(|warning| warning.contains(what))
}

#[test]
fn a_small_tiff_is_read_whole_and_at_once() {
    let mut bytes = tiff(&ifd(&[(0x010f, 2, 6, 38), (0x0112, 3, 1, 6)], 0));
    bytes.extend(b"Canon\0");
    let (result, asked) = ranged(&bytes);
    let photo = result.expect("a photo").photo;
    assert_eq!(photo.camera.map(|c| c.slug).as_deref(), Some("canon"));
    assert_eq!(
        (photo.orientation, asked.as_slice()),
        (Some(6), std::slice::from_ref(&(0..44)))
    );
}

#[test]
fn an_empty_file_is_no_photo_and_costs_nothing() {
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
fn a_broken_photo_is_an_undated_photo_with_a_warning() {
    for bytes in [
        &b"\xff\xd8"[..],
        b"II*\0",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBPVP8X",
        b"MM\0*\xff\xff\xff\xff",
        b"\0MRM",
    ] {
        let extraction = read(bytes);
        assert_eq!(extraction.photo.capture.date, None);
        assert_eq!(extraction.photo, ranged(bytes).0.expect("a photo").photo);
    }
    assert!(says(&read(b"\xff\xd8"), "cut short"));
}

#[test]
fn a_file_that_ends_before_its_size_is_cut_and_not_waited_for() {
    let mut extractor = Extractor::new(1 << 20, context());
    assert!(matches!(extractor.step(), Step::Need(range) if range == (0..64 << 10)));
    extractor.feed(
        0,
        Bytes::from_static(b"\xff\xd8\xff\xe1\x10\x00Exif\0\0II*\0"),
    );
    assert!(
        matches!(extractor.step(), Step::Done(Ok(extraction)) if extraction.format == Format::Jpeg)
    );
}

#[test]
fn no_more_than_six_ranges_are_asked_for() {
    // Each IFD of the chain a megabyte after the one before.
    let mut bytes = vec![0; 8 << 20];
    bytes[..8].copy_from_slice(b"II*\0\x08\0\0\0");
    for page in 0..8_u32 {
        let at = if page == 0 {
            8
        } else {
            (page << 20) as usize - 77
        };
        let directory = ifd(&[(0x0112, 3, 1, 1)], ((page + 1) << 20) - 77);
        bytes[at..at + directory.len()].copy_from_slice(&directory);
    }
    let (result, asked) = ranged(&bytes);
    let extraction = result.expect("a photo");
    assert_eq!(asked.len(), limits::READS as usize);
    assert!(says(&extraction, "too far apart"));
    assert_eq!(extraction.photo.orientation, Some(1));
    assert_eq!(extraction.reads.count, limits::READS);
}

#[test]
fn no_more_than_eight_megabytes_are_asked_for() {
    // An XMP of 3 MiB, and two more like it.
    let mib = 1_u32 << 20;
    let mut bytes = vec![b' '; 12 << 20];
    let entries = [
        (0x02bc, 1, 3 * mib, mib),
        (0x83bb, 1, 3 * mib, 5 * mib),
        (0x8649, 1, 3 * mib, 9 * mib),
    ];
    let head = tiff(&ifd(&entries, 0));
    bytes[..head.len()].copy_from_slice(&head);
    let (result, asked) = ranged(&bytes);
    let total: u64 = asked.iter().map(|range| range.end - range.start).sum();
    assert!(total <= limits::BYTES, "{asked:?}");
    assert!(says(&result.expect("a photo"), "too far apart"));
}

#[test]
fn a_chain_of_ifds_is_read_to_its_limit_and_a_loop_not_at_all() {
    let page = |n: u32| ifd(&[(0x0112, 3, 1, 1)], 8 + 18 * (n + 1));
    let body: Vec<u8> = (0..20).flat_map(page).collect();
    let extraction = read(&tiff(&body));
    assert_eq!(extraction.tags.len(), usize::from(limits::CHAIN));
    let looped = read(&tiff(&ifd(&[(0x0112, 3, 1, 1)], 8)));
    assert!(says(&looped, "repeats"));
}

#[test]
fn sub_ifds_are_read_to_a_number_and_a_depth() {
    // Each SubIFD holds one more.
    let nested: Vec<u8> = (0..20_u32)
        .flat_map(|n| ifd(&[(0x014a, 4, 1, 8 + 18 * (n + 1))], 0))
        .collect();
    assert!(says(&read(&tiff(&nested)), "nested too deep"));
    // 200 SubIFDs side by side.
    let mut body = ifd(&[(0x014a, 4, 200, 26)], 0);
    body.extend((0..200_u32).flat_map(|n| (826 + 18 * n).to_le_bytes()));
    body.extend((0..200).flat_map(|_| ifd(&[(0x0112, 3, 1, 1)], 0)));
    let wide = read(&tiff(&body));
    assert!(says(&wide, "too many IFDs"));
    assert_eq!(wide.tags.len() + 1, limits::IFDS);
}

#[test]
fn entries_beyond_their_limit_are_left_and_said() {
    let entries: Vec<(u16, u16, u32, u32)> = (0..60_000).map(|n| (n, 3, 1, 1)).collect();
    let extraction = read(&tiff(&ifd(&entries, 0)));
    assert!(says(&extraction, "too many entries"));
    assert!(extraction.tags["IFD0"].len() <= limits::ENTRIES);
}

#[test]
fn large_and_binary_values_are_listed_with_their_size() {
    let size = u32::try_from(limits::VALUE).expect("small") + 2;
    let binary = u32::try_from(limits::BINARY).expect("small") + 1;
    let mut bytes = tiff(&ifd(
        &[(0x013e, 3, size / 2, 100), (0xc4a5, 7, binary, 100)],
        0,
    ));
    bytes.resize(5_000, 0x80);
    let extraction = read(&bytes);
    assert_eq!(extraction.omitted["IFD0.WhitePoint"], u64::from(size));
    assert_eq!(extraction.omitted["IFD0.PrintIM"], u64::from(binary));
}

#[test]
fn all_values_together_have_a_limit() {
    let entries: Vec<(u16, u16, u32, u32)> =
        (0..400).map(|n| (0x4000 + n, 1, 2_000, 6_000)).collect();
    let mut bytes = tiff(&ifd(&entries, 0));
    bytes.resize(9_000, 7);
    let extraction = read(&bytes);
    let kept = extraction.tags["IFD0"].len() as u64 * 2_000;
    assert!(
        kept <= limits::VALUES && kept + 2_000 > limits::VALUES,
        "{kept}"
    );
    assert!(!extraction.omitted.is_empty());
}

#[test]
fn warnings_have_a_limit() {
    // Every value lies outside the file.
    let entries: Vec<(u16, u16, u32, u32)> =
        (0..100).map(|n| (0x4000 + n, 1, 100, 1_000_000)).collect();
    assert_eq!(
        read(&tiff(&ifd(&entries, 0))).warnings.len(),
        limits::WARNINGS
    );
}

#[test]
fn xmp_has_its_limits_too() {
    let packet = |inner: &str| {
        let head = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><r:RDF><r:Description>"#;
        let body = format!(
            "http://ns.adobe.com/xap/1.0/\0{head}{inner}</r:Description></r:RDF></x:xmpmeta>"
        );
        let length = u16::try_from(body.len() + 2).expect("short").to_be_bytes();
        read(
            &[
                b"\xff\xd8\xff\xe1",
                &length[..],
                body.as_bytes(),
                b"\xff\xd9",
            ]
            .concat(),
        )
    };
    let words = (0..limits::KEYWORDS + 100).fold(String::new(), |mut words, n| {
        let _ = write!(words, "<r:li>k{n}</r:li>");
        words
    });
    let many = packet(&format!("<dc:subject><r:Bag>{words}</r:Bag></dc:subject>"));
    assert_eq!(many.photo.keywords.len(), limits::KEYWORDS);
    assert!(says(
        &packet(&"<dc:a>".repeat(limits::XML_DEPTH + 1)),
        "nested too deep"
    ));
    let names = (0..limits::PROPERTIES + 10).fold(String::new(), |mut names, n| {
        let _ = write!(names, "<dc:p{n}>x</dc:p{n}>");
        names
    });
    assert_eq!(
        packet(&(names + "<dc:title>late</dc:title>")).photo.title,
        None
    );
    // The billion laughs: entities are not expanded.
    let laughs =
        packet(r#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><dc:title>&b;</dc:title>"#);
    assert_eq!(laughs.photo.title, None);
}

#[test]
fn segments_have_a_limit() {
    let bytes = [
        &b"\xff\xd8"[..],
        &b"\xff\xfe\0\x02".repeat(limits::SEGMENTS + 1),
        b"\xff\xc0\0\x07\x08\0\x02\0\x03",
    ]
    .concat();
    assert_eq!(read(&bytes).photo.width, None);
}

#[test]
fn items_and_packets_of_a_heif_have_limits() {
    // iloc claims 65,535 items, and holds none; meta claims 4 GB.
    let mut bytes = b"\0\0\0\x14ftypheic\0\0\0\0heic\0\0\0\x24meta\0\0\0\0\0\0\0\x18iloc\0\0\0\0\x44\x40\xff\xff\0\x01\0\0\0\0\0\0".to_vec();
    assert_eq!(read(&bytes).photo.capture.date, None);
    bytes[20..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    assert_eq!(read(&bytes).photo.capture.date, None);
    const { assert!(limits::ITEMS < 65_535 && limits::PACKET < 0x7fff_ffff) };
}

#[test]
fn values_are_typed_and_impossible_ones_are_absent() {
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
    assert_eq!(tags.get("FNumber"), None);
    let photo = extraction.photo;
    assert_eq!(
        (photo.exposure.time.as_deref(), photo.exposure.f_number),
        (Some("1/250"), None)
    );
    assert_eq!(
        (photo.capture.date.as_deref(), photo.orientation),
        (Some("2018-02-01"), None)
    );
}

#[test]
fn a_lens_is_named_by_lens_model_else_its_specification_else_the_maker_note() {
    let read_lens = |tags: &[u16]| {
        let all = [
            (0x010f, 2, 6, 200),
            (0x927c, 7, 40, 300),
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
        read(&bytes).photo.lens.map(|lens| lens.name)
    };
    let all = &[0x927c, 0xa432, 0xa434];
    assert_eq!(read_lens(all).as_deref(), Some("RF 50mm"));
    assert_eq!(read_lens(&all[..2]).as_deref(), Some("18-55mm f/3.5-5.6"));
    assert_eq!(read_lens(&all[..1]).as_deref(), Some("EF 24mm"));
    assert_eq!(read_lens(&[]), None);
}
