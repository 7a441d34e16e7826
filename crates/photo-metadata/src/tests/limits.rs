//! Tests of each limit in `limits.rs`: metadata before the limit are read, and metadata after it
//! are not.

use std::fmt::Write as _;

use super::builders::{
    self, JXL_SIGNATURE, PNG_SIGNATURE, exif_segment, ifd, iptc_block, jpeg, media_box,
    photoshop_segment, png_chunk, resources, tiff, xmp_segment,
};
use super::{has_warning, ranged, read};
use crate::limits;
use crate::{Extraction, TagValue};

#[test]
fn no_more_than_six_ranges_are_asked_for() {
    // The IFDs of the chain are a megabyte apart.
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
    assert_eq!(asked.len(), limits::MAX_READS as usize);
    assert!(has_warning(&extraction, "too far apart"));
    assert_eq!(extraction.photo.orientation, Some(1));
    assert_eq!(extraction.reads.count, limits::MAX_READS);
}

#[test]
fn no_more_than_eight_megabytes_are_asked_for() {
    // XMP, IPTC and Photoshop resources of 3 MiB each.
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
    assert!(total <= limits::MAX_READ_BYTES, "{asked:?}");
    assert!(has_warning(&result.expect("a photo"), "too far apart"));
}

#[test]
fn chains_of_ifds_have_a_limit() {
    let page = |n: u32| ifd(&[(0x0112, 3, 1, 1)], 8 + 18 * (n + 1));
    let pages = u32::from(limits::MAX_CHAINED_IFDS);
    let body: Vec<u8> = (0..pages + 3).flat_map(page).collect();
    let extraction = read(&tiff(&body));
    assert_eq!(extraction.tags.len(), usize::from(limits::MAX_CHAINED_IFDS));
    assert!(has_warning(&extraction, "more than 32 pages"));
    // The pages after these may have keywords.
    assert!(extraction.labels.gap.is_some());
    // A document of as many pages as the limit allows has no warning.
    let mut body: Vec<u8> = (0..pages - 1).flat_map(page).collect();
    body.extend(ifd(&[(0x0112, 3, 1, 1)], 0));
    let extraction = read(&tiff(&body));
    assert_eq!(extraction.tags.len(), usize::from(limits::MAX_CHAINED_IFDS));
    assert_eq!(extraction.warnings, Vec::<String>::new());
    assert_eq!(extraction.labels.gap, None);
    let looped = read(&tiff(&ifd(&[(0x0112, 3, 1, 1)], 8)));
    assert!(has_warning(&looped, "repeats"));
}

#[test]
fn sub_ifds_have_a_limit_and_a_depth() {
    // Each SubIFD contains another one.
    let nested: Vec<u8> = (0..20_u32)
        .flat_map(|n| ifd(&[(0x014a, 4, 1, 8 + 18 * (n + 1))], 0))
        .collect();
    assert!(has_warning(&read(&tiff(&nested)), "nested too deep"));
    // 200 SubIFDs side by side.
    let mut body = ifd(&[(0x014a, 4, 200, 26)], 0);
    body.extend((0..200_u32).flat_map(|n| (826 + 18 * n).to_le_bytes()));
    body.extend((0..200).flat_map(|_| ifd(&[(0x0112, 3, 1, 1)], 0)));
    let wide = read(&tiff(&body));
    assert!(has_warning(&wide, "too many IFDs"));
    assert_eq!(wide.tags.len() + 1, limits::MAX_IFDS);
}

#[test]
fn entries_have_a_limit() {
    let entries: Vec<(u16, u16, u32, u32)> = (0..60_000).map(|n| (n, 3, 1, 1)).collect();
    let extraction = read(&tiff(&ifd(&entries, 0)));
    assert!(has_warning(&extraction, "too many entries"));
    assert!(extraction.tags["IFD0"].len() <= limits::MAX_ENTRIES);
}

#[test]
fn large_and_binary_values_are_listed_with_their_size() {
    let size = u32::try_from(limits::MAX_VALUE_BYTES).expect("small") + 2;
    let binary = u32::try_from(limits::MAX_BINARY_BYTES).expect("small") + 1;
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
        kept <= limits::MAX_ALL_VALUES_BYTES && kept + 2_000 > limits::MAX_ALL_VALUES_BYTES,
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
        limits::MAX_WARNINGS
    );
}

#[test]
fn xmp_has_limits() {
    let packet = |inner: &str| {
        let body = format!("{XMP_HEAD}{inner}</r:Description></r:RDF></x:xmpmeta>");
        read(&jpeg(&[xmp_segment(body.as_bytes())]))
    };
    let words = (0..limits::MAX_KEYWORDS + 100).fold(String::new(), |mut words, n| {
        let _ = write!(words, "<r:li>k{n}</r:li>");
        words
    });
    let many = packet(&format!("<dc:subject><r:Bag>{words}</r:Bag></dc:subject>"));
    assert_eq!(many.photo.record.keywords.len(), limits::MAX_KEYWORDS);
    assert!(has_warning(
        &packet(&"<dc:a>".repeat(limits::MAX_XML_DEPTH + 1)),
        "nested too deep"
    ));
    // The billion laughs attack: entities are not expanded.
    let laughs =
        packet(r#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><dc:title>&b;</dc:title>"#);
    assert_eq!(laughs.photo.record.title.as_deref(), Some("&b;"));
}

#[test]
fn segments_have_a_limit() {
    let bytes = [
        &b"\xff\xd8"[..],
        &b"\xff\xfe\0\x02".repeat(limits::MAX_SEGMENTS + 1),
        b"\xff\xc0\0\x07\x08\0\x02\0\x03",
    ]
    .concat();
    assert_eq!(read(&bytes).photo.record.width, None);
}

#[test]
fn a_directory_of_nonsense_is_skipped() {
    let read_with = |broken: usize| {
        let mut entries = vec![(0x0112, 3, 1, 6)];
        entries.extend((0..broken).map(|_| (0x4000, 99, 1, 1)));
        entries.push((0x0115, 3, 1, 3));
        read(&tiff(&ifd(&entries, 0)))
    };
    let sound = read_with(limits::MAX_BROKEN_ENTRIES - 1);
    assert!(sound.tags["IFD0"].contains_key("SamplesPerPixel"));
    let nonsense = read_with(limits::MAX_BROKEN_ENTRIES);
    assert!(!nonsense.tags["IFD0"].contains_key("SamplesPerPixel"));
    assert!(has_warning(&nonsense, "too many broken entries"));
}

const XMP_HEAD: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><r:RDF><r:Description>"#;
const LATE: &str = "<dc:title>late</dc:title>";

/// Makes a JPEG XL with one XMP box for each text in `insides`, and extracts its metadata.
fn packets(insides: &[String]) -> Extraction {
    let mut bytes = JXL_SIGNATURE.to_vec();
    for inside in insides {
        let packet = format!("{XMP_HEAD}{inside}");
        bytes.extend(media_box(b"xml ", packet.as_bytes()));
    }
    read(&bytes)
}

fn title_is_read(insides: &[String]) -> bool {
    packets(insides).photo.record.title.is_some()
}

#[test]
fn xmp_properties_and_values_have_a_limit() {
    let properties = |count: usize| {
        let names = (0..count).fold(String::new(), |mut names, n| {
            let _ = write!(names, "<dc:p{n}>x</dc:p{n}>");
            names
        });
        packets(&[names + LATE])
    };
    let all = properties(limits::MAX_PROPERTIES - 1);
    assert_eq!(all.photo.record.title.as_deref(), Some("late"));
    assert_eq!(all.warnings, Vec::<String>::new());
    let many = properties(limits::MAX_PROPERTIES);
    assert!(many.photo.record.title.is_none() && has_warning(&many, "too many properties"));
    assert!(many.labels.gap.is_some());

    let values = |count: usize| {
        let members = "<r:li dc:a='' dc:b='' dc:c='' dc:d=''/>".repeat(count / 4);
        packets(&[format!("<dc:a><r:Bag>{members}</r:Bag></dc:a>{LATE}")])
    };
    assert!(
        values(limits::MAX_XMP_VALUES - 4)
            .photo
            .record
            .title
            .is_some()
    );
    let many = values(limits::MAX_XMP_VALUES);
    assert!(many.photo.record.title.is_none() && has_warning(&many, "too many properties"));
}

#[test]
fn tags_of_xmp_have_a_size_limit() {
    let tag = |inside: String| packets(&[inside]);
    let text = |bytes: u64| tag(format!("<dc:a>{}</dc:a>", "x".repeat(bytes as usize)));
    let longest = text(limits::MAX_TEXT_VALUE_BYTES);
    assert!(longest.tags["XMP-dc"].contains_key("TagA") && longest.omitted.is_empty());
    let long = text(limits::MAX_TEXT_VALUE_BYTES + 1);
    assert!(long.tags.is_empty());
    assert_eq!(
        long.omitted["XMP-dc.TagA"],
        limits::MAX_TEXT_VALUE_BYTES + 1
    );

    let list = |count: usize| {
        let items = "<r:li>x</r:li>".repeat(count);
        tag(format!("<dc:subject><r:Bag>{items}</r:Bag></dc:subject>"))
    };
    let longest = list(limits::MAX_LIST_VALUES);
    assert!(
        matches!(&longest.tags["XMP-dc"]["Subject"], TagValue::List(items) if items.len() == limits::MAX_LIST_VALUES)
    );
    let long = list(limits::MAX_LIST_VALUES + 1);
    assert_eq!(long.omitted.keys().collect::<Vec<_>>(), ["XMP-dc.Subject"]);

    let name = |length: usize| tag(format!("<dc:{}>x</dc:a>", "a".repeat(length)));
    let longest = name(limits::MAX_TAG_NAME_BYTES);
    assert!(longest.tags["XMP-dc"].len() == 1 && longest.warnings.is_empty());
    let long = name(limits::MAX_TAG_NAME_BYTES + 1);
    assert!(long.tags.is_empty() && has_warning(&long, "a name that is too long"));

    let nested = |length: usize| {
        let name = format!("dc:{}", "a".repeat(length));
        tag(format!("<{name}>").repeat(8) + "x" + &format!("</{name}>").repeat(8))
    };
    assert_eq!(
        nested(limits::MAX_TAG_NAME_BYTES / 8).tags["XMP-dc"].len(),
        1
    );
    for length in [
        limits::MAX_TAG_NAME_BYTES / 8 + 1,
        limits::MAX_XMP_PATH_BYTES / 8 + 1,
    ] {
        let long = nested(length);
        assert!(long.tags.is_empty() && has_warning(&long, "a name that is too long"));
    }

    let all = (0..400).fold(String::new(), |mut all, n| {
        let _ = write!(all, "<dc:p{n:03}>{}</dc:p{n:03}>", "x".repeat(2_000));
        all
    });
    let all = tag(all);
    let kept = all.tags["XMP-dc"].len() as u64 * 2_004;
    assert!(
        kept <= limits::MAX_ALL_VALUES_BYTES && kept + 2_004 > limits::MAX_ALL_VALUES_BYTES,
        "{kept}"
    );
    assert_eq!(all.tags["XMP-dc"].len() + all.omitted.len(), 400);
}

#[test]
fn languages_and_omitted_tags_have_a_limit() {
    let languages = |count: usize| {
        let items = (0..count).fold(String::new(), |mut items, n| {
            let _ = write!(items, "<r:li xml:lang='x{n}'>x</r:li>");
            items
        });
        packets(&[format!("<dc:title><r:Alt>{items}</r:Alt></dc:title>")])
    };
    let most = languages(limits::MAX_LIST_VALUES);
    assert_eq!(most.tags["XMP-dc"].len(), limits::MAX_LIST_VALUES);
    assert_eq!(most.warnings, Vec::<String>::new());
    let many = languages(limits::MAX_LIST_VALUES + 1);
    assert_eq!(many.tags["XMP-dc"].len(), limits::MAX_LIST_VALUES);
    assert!(has_warning(&many, "too many languages"));

    // Each value in each language is a tag. Nearly all of them are over the limit of all values.
    let long = "x".repeat(300);
    let omitted = (0..6).fold(String::new(), |mut all, n| {
        let _ = write!(all, "<dc:p{n}><r:Alt>");
        for language in 0..1_000 {
            let _ = write!(all, "<r:li xml:lang='x{language}'>{long}</r:li>");
        }
        all + &format!("</r:Alt></dc:p{n}>")
    });
    let many = packets(&[omitted]);
    assert_eq!(many.omitted.len(), limits::MAX_OMITTED_TAGS);
    assert!(has_warning(&many, "more tags are left out"));
}

#[test]
fn tags_of_iptc_have_a_size_limit() {
    let read_iptc = |datasets: &[Vec<u8>]| {
        let resources = resources(&[datasets.concat()]);
        let segments = resources.chunks(60_000).map(photoshop_segment);
        read(&jpeg(&segments.collect::<Vec<_>>()))
    };
    let dataset = |number: u8, length: u64| {
        let length = usize::try_from(length).expect("short");
        iptc_block(&[(2, number, vec![b'x'; length])])
    };
    let longest = read_iptc(&[dataset(120, limits::MAX_TEXT_VALUE_BYTES)]);
    assert!(longest.tags["IPTC"].contains_key("Caption-Abstract"));
    let long = read_iptc(&[dataset(120, limits::MAX_TEXT_VALUE_BYTES + 1)]);
    assert_eq!(
        long.omitted["IPTC.Caption-Abstract"],
        limits::MAX_TEXT_VALUE_BYTES + 1
    );
    let many = read_iptc(&vec![dataset(25, 1); limits::MAX_LIST_VALUES + 1]);
    assert!(many.omitted.contains_key("IPTC.Keywords"));
}

#[test]
fn xmp_packets_have_a_size_limit() {
    let after = |bytes: u64| {
        let room = usize::try_from(bytes).expect("small") - XMP_HEAD.len();
        [" ".repeat(room) + LATE]
    };
    assert!(title_is_read(&after(limits::MAX_PACKET_BYTES - 100)));
    assert!(!title_is_read(&after(limits::MAX_PACKET_BYTES)));
}

#[test]
fn xmp_packets_together_have_a_size_limit() {
    let filler = " ".repeat(usize::try_from(limits::MAX_PACKET_BYTES).expect("small"));
    let late = " ".repeat(1_000) + LATE;
    assert!(title_is_read(&[filler.clone(), late.clone()]));
    assert!(!title_is_read(&[filler.clone(), filler, late]));
    const { assert!(limits::MAX_ALL_PACKETS_BYTES == 2 * limits::MAX_PACKET_BYTES) };
}

#[test]
fn blocks_have_a_limit() {
    let with = |before: usize| {
        let mut all = vec![String::new(); before];
        all.push(LATE.to_owned());
        packets(&all)
    };
    assert!(with(limits::MAX_BLOCKS - 1).photo.record.title.is_some());
    let many = with(limits::MAX_BLOCKS);
    assert_eq!(many.photo.record.title, None);
    assert!(has_warning(&many, "more metadata blocks"));
}

#[test]
fn elements_attributes_and_namespaces_have_limits() {
    let after = |before: String| [before + LATE];
    // Three elements are around these, and the title is one more.
    assert!(title_is_read(&after(
        "<dc:a/>".repeat(limits::MAX_XML_ELEMENTS - 4)
    )));
    let many = packets(&after("<dc:a/>".repeat(limits::MAX_XML_ELEMENTS - 3)));
    assert!(many.photo.record.title.is_none() && has_warning(&many, "too many elements"));
    let attributes = |n: usize| {
        [format!(
            "<r:Description {} dc:title='late'/>",
            "b='x' ".repeat(n)
        )]
    };
    assert!(title_is_read(&attributes(limits::MAX_XML_ATTRIBUTES - 1)));
    assert!(!title_is_read(&attributes(limits::MAX_XML_ATTRIBUTES)));
    let namespaces = |n: usize| {
        let declared = (0..n).fold(String::new(), |mut declared, n| {
            let _ = write!(declared, " xmlns:n{n}='u'");
            declared
        });
        after(format!("<dc:a{declared}/>"))
    };
    assert!(title_is_read(&namespaces(limits::MAX_XML_NAMESPACES)));
    assert!(!title_is_read(&namespaces(limits::MAX_XML_NAMESPACES + 1)));
}

/// Makes a HEIF with an Exif item, and extracts its metadata. In the box `iloc`, `items_before`
/// other items are listed before the Exif item. The first of them has `extents_of_the_first`
/// extents (ranges of bytes). An extent takes no bytes in the box, so their number is not limited
/// by the size of the box.
fn heif(items_before: usize, extents_of_the_first: usize) -> Extraction {
    let infe = media_box(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0");
    let iinf = media_box(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &infe].concat());
    let count = u16::try_from(items_before + 1)
        .expect("small")
        .to_be_bytes();
    // Version 0 without lengths and offsets: the item is at the base offset, and an extent without
    // a length is the rest of the file.
    let mut iloc = vec![0, 0, 0, 0, 0x00, 0x40, count[0], count[1]];
    for index in 0..items_before {
        let extents = if index == 0 { extents_of_the_first } else { 0 };
        let extents = u16::try_from(extents).expect("small").to_be_bytes();
        iloc.extend([0xff, 0xff, 0, 0, 0, 0, 0, 0, extents[0], extents[1]]);
    }
    let base = iloc.len() + 4;
    iloc.extend([0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    let ftyp = media_box(b"ftyp", b"heic\0\0\0\0heic");
    let meta_length = 8 + 4 + iinf.len() + 8 + iloc.len();
    let place = u32::try_from(ftyp.len() + meta_length + 8).expect("small");
    iloc[base..base + 4].copy_from_slice(&place.to_be_bytes());
    let meta = media_box(
        b"meta",
        &[&[0; 4][..], &iinf, &media_box(b"iloc", &iloc)].concat(),
    );
    let item = [&[0; 4][..], &tiff(&ifd(&[(0x0112, 3, 1, 6)], 0))].concat();
    read(&[ftyp, meta, media_box(b"mdat", &item)].concat())
}

#[test]
fn items_and_extents_of_a_heif_have_limits() {
    let orientation = |items, extents| heif(items, extents).photo.orientation;
    assert_eq!(orientation(limits::MAX_ITEMS - 1, 0), Some(6));
    assert_eq!(orientation(limits::MAX_ITEMS, 0), None);
    assert_eq!(orientation(1, limits::MAX_ITEMS - 1), Some(6));
    assert_eq!(orientation(1, limits::MAX_ITEMS), None);
    assert!(has_warning(&heif(limits::MAX_ITEMS, 0), "lies nowhere"));
}

/// Makes a CRW, and extracts its metadata. `records_before` other records are before the record
/// with the name of the camera.
fn crw(records_before: usize) -> Extraction {
    let mut records = vec![(0x0001, Vec::new()); records_before];
    records.push((0x080a, b"Canon\0EOS\0".to_vec()));
    read(&builders::crw(&records))
}

/// Makes an X3F, and extracts its metadata. Its last property is the maker of the camera. The
/// orientation in each JPEG is the number of the JPEG.
fn x3f(properties_before: usize, pictures: u8) -> Extraction {
    let mut properties = b"SECp\0\0\x02\0".to_vec();
    let count = u32::try_from(properties_before + 1).expect("small");
    for number in [count, 0, 0, 0] {
        properties.extend(number.to_le_bytes());
    }
    // The only text: CAMMANUF, then SIGMA.
    properties.extend([0xff; 8].repeat(properties_before));
    properties.extend([0_u32, 9].map(u32::to_le_bytes).concat());
    let text = "CAMMANUF\0SIGMA\0";
    properties.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let mut bytes = b"FOVb\0\0\x02\0".to_vec();
    bytes.resize(40, 0);
    let mut sections = vec![(40, properties.len(), b"PROP")];
    bytes.extend(properties);
    for turn in 1..=pictures {
        let tiff = tiff(&ifd(&[(0x0112, 3, 1, u32::from(turn))], 0));
        let mut image = b"SECi\0\0\x02\0\x02\0\0\0\x12\0\0\0".to_vec();
        image.resize(28, 0);
        image.extend(jpeg(&[exif_segment(&tiff)]));
        sections.push((bytes.len(), image.len(), b"IMA2"));
        bytes.extend(image);
    }
    let directory = u32::try_from(bytes.len()).expect("small");
    bytes.extend(b"SECd\0\0\x02\0");
    bytes.extend(u32::try_from(sections.len()).expect("small").to_le_bytes());
    for (start, length, kind) in sections {
        bytes.extend(u32::try_from(start).expect("small").to_le_bytes());
        bytes.extend(u32::try_from(length).expect("small").to_le_bytes());
        bytes.extend(kind);
    }
    bytes.extend(directory.to_le_bytes());
    read(&bytes)
}

/// Makes a RAF, and extracts its metadata. `records_before` other records are before the record
/// with the size.
fn raf(records_before: usize) -> Extraction {
    let mut bytes = b"FUJIFILMCCD-RAW ".to_vec();
    bytes.resize(100, 0);
    bytes[92..96].copy_from_slice(&100_u32.to_be_bytes());
    bytes.extend(
        u32::try_from(records_before + 1)
            .expect("small")
            .to_be_bytes(),
    );
    bytes.extend([0x40, 0, 0, 0].repeat(records_before));
    bytes.extend([1, 0x11, 0, 4, 0, 4, 0, 6]);
    read(&bytes)
}

#[test]
fn records_and_pictures_of_raw_files_have_limits() {
    let has_camera = |extraction: Extraction| extraction.photo.record.camera.is_some();
    assert!(has_camera(crw(limits::MAX_RECORDS - 1)));
    assert!(!has_camera(crw(limits::MAX_RECORDS)));
    assert!(has_camera(x3f(limits::MAX_RECORDS - 1, 0)));
    assert!(!has_camera(x3f(limits::MAX_RECORDS, 0)));
    assert_eq!(raf(limits::MAX_RECORDS - 1).photo.record.width, Some(6));
    assert_eq!(raf(limits::MAX_RECORDS).photo.record.width, None);
    let most = u8::try_from(limits::MAX_X3F_PICTURES).expect("small");
    assert_eq!(x3f(0, most + 1).photo.orientation, Some(most));
}

#[test]
fn a_heap_inside_itself_is_not_read_forever() {
    let mut bytes = b"II\x1a\0\0\0HEAPCCDR\x02\0\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(200_u16.to_le_bytes());
    for _ in 0..200 {
        bytes.extend([0x07, 0x28, 0xd6, 0x07, 0, 0, 0, 0, 0, 0]);
    }
    bytes.extend([0; 4]);
    assert_eq!(bytes.len() - 26, 0x07d6);
    assert!(has_warning(&read(&bytes), "broken directory"));
}

#[test]
fn only_the_last_bytes_of_a_png_are_searched() {
    let data = png_chunk(b"IDAT", &[7; 8_192]);
    let exif = png_chunk(b"eXIf", &tiff(&ifd(&[(0x0112, 3, 1, 6)], 0)));
    let orientation = |before: Vec<u8>, after: usize| {
        let head = [PNG_SIGNATURE, &data.repeat(20)].concat();
        let bytes = [
            head,
            before,
            exif.clone(),
            data.repeat(after),
            png_chunk(b"IEND", b""),
        ]
        .concat();
        let extraction = read(&bytes);
        (extraction.photo.orientation, extraction.labels.gap)
    };
    assert_eq!(orientation(Vec::new(), 7), (Some(6), None));
    // Metadata among the image data is not allowed, so nothing is missing here.
    assert_eq!(orientation(Vec::new(), 8), (None, None));
    let long_end = png_chunk(b"prVt", &[7; 1 << 17]);
    let (_, gap) = orientation(long_end, 0);
    assert_eq!(
        gap.as_deref(),
        Some("PNG with a long end that was not read")
    );
    const { assert!(limits::PNG_TAIL_BYTES == 8 * 8_192) };
    let names = |n: usize| b"\0\0\0\0tEXt".repeat(n);
    assert_eq!(
        orientation(names(limits::MAX_PNG_TAIL_CHUNKS - 1), 0).0,
        Some(6)
    );
    let (orientation, gap) = orientation(names(limits::MAX_PNG_TAIL_CHUNKS), 0);
    assert_eq!(
        (orientation, gap.as_deref()),
        (None, Some("PNG with too many chunks"))
    );
}

#[test]
fn compressed_texts_of_a_png_have_a_limit() {
    let mut bytes = PNG_SIGNATURE.to_vec();
    let half = usize::try_from(limits::MAX_UNPACKED_BYTES / 2).expect("small");
    for text in [
        vec![b' '; half],
        vec![b' '; half - 100],
        b"late".to_vec(),
        vec![b' '; 200],
    ] {
        let mut packed =
            flate2::write::ZlibEncoder::new(b"Title\0\0".to_vec(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &text).expect("memory");
        let body = packed.finish().expect("memory");
        bytes.extend(png_chunk(b"zTXt", &body));
    }
    let extraction = read(&bytes);
    assert_eq!(extraction.photo.record.title.as_deref(), Some("late"));
    assert!(has_warning(&extraction, "inflates without end"));
}
