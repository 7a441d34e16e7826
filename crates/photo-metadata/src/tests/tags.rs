//! Tests that the tags of all sources of a file are in `Extraction::tags`, with ExifTool's names
//! and groups, and which source the record prefers.

use super::builders::{
    exif_segment, ifd, iptc_block, jpeg, photoshop_segment, resources, tiff, xmp_segment,
};
use super::{builders, ranged, read};
use crate::{Extraction, TagValue};

fn text(text: &str) -> TagValue {
    TagValue::Text(text.to_owned())
}

/// Returns the value of a tag.
fn value(extraction: &Extraction, group: &str, name: &str) -> Option<TagValue> {
    extraction.tags.get(group)?.get(name).cloned()
}

/// Returns the groups of the tags.
fn groups(extraction: &Extraction) -> Vec<&str> {
    extraction.tags.keys().map(String::as_str).collect()
}

fn xmp(elements: &str) -> Vec<u8> {
    builders::xmp("", elements).into_bytes()
}

#[test]
fn tags_of_exif_xmp_and_iptc_are_in_one_map() {
    let exif = tiff(&ifd(&[(0x0112, 3, 1, 6)], 0));
    let packet = xmp("<dc:format>image/jpeg</dc:format><xmp:Rating>4</xmp:Rating>");
    let block = resources(&[iptc_block(&[
        (2, 80, "Anna"),
        (2, 25, "one"),
        (2, 25, "two"),
    ])]);
    let file = jpeg(&[
        exif_segment(&exif),
        xmp_segment(&packet),
        photoshop_segment(&block),
    ]);
    let extraction = read(&file);
    assert_eq!(groups(&extraction), ["IFD0", "IPTC", "XMP-dc", "XMP-xmp"]);
    assert_eq!(
        value(&extraction, "IPTC", "Keywords"),
        Some(TagValue::List(vec![text("one"), text("two")]))
    );
    assert_eq!(
        value(&extraction, "XMP-dc", "Format"),
        Some(text("image/jpeg"))
    );
    assert_eq!(ranged(&file).0.expect("a photo").tags, extraction.tags);
}

#[test]
fn last_xmp_packet_counts_and_labels_are_of_all() {
    let first =
        xmp("<dc:title>one</dc:title><dc:subject>Private</dc:subject><dc:source>s</dc:source>");
    let second = xmp("<dc:title>two</dc:title><dc:subject>Family</dc:subject>");
    let extraction = read(&jpeg(&[xmp_segment(&first), xmp_segment(&second)]));
    assert_eq!(extraction.photo.record.title.as_deref(), Some("two"));
    assert_eq!(extraction.photo.record.keywords, ["Family"]);
    assert_eq!(extraction.labels.keywords, ["Private", "Family"]);
    assert_eq!(value(&extraction, "XMP-dc", "Title"), Some(text("two")));
    assert_eq!(value(&extraction, "XMP-dc", "Source"), Some(text("s")));
}

#[test]
fn second_iptc_block_is_a_group_of_its_own() {
    let first = iptc_block(&[(2, 80, "Anna"), (2, 25, "one")]);
    let second = iptc_block(&[(2, 80, "Ben"), (2, 25, "two"), (2, 90, "Zürich")]);
    let mut file = jpeg(&[photoshop_segment(&resources(&[first, second]))]);
    // A record of FotoStation after the picture.
    let record = iptc_block(&[(2, 80, "Carla"), (2, 5, "Title")]);
    file.extend(&record);
    file.extend([0, 1]);
    file.extend((record.len() as u32 + 10).to_be_bytes());
    file.extend([0xa1, 0xb2, 0xc3, 0xd4]);
    let extraction = read(&file);
    let author = |group| value(&extraction, group, "By-line");
    assert_eq!(
        [author("IPTC"), author("IPTC2"), author("IPTC3")],
        ["Anna", "Ben", "Carla"].map(|name| Some(text(name)))
    );
    let record = &extraction.photo.record;
    assert_eq!(record.artist.as_deref(), Some("Anna"));
    assert_eq!(record.title.as_deref(), Some("Title"));
    assert_eq!(record.keywords, ["one"]);
    assert_eq!(extraction.labels.keywords, ["one", "two"]);
}

#[test]
fn group_of_iptc_depends_on_its_place() {
    let cities = ["tag", "resources"].map(|city| iptc_block(&[(2, 90, city)]));
    let resources = resources(&cities[1..]);
    let [tag_at, resources_at] = [100, 200];
    let mut exif = tiff(&ifd(
        &[
            (0x83bb, 7, cities[0].len() as u32, tag_at),
            (0x8649, 7, resources.len() as u32, resources_at),
        ],
        0,
    ));
    exif.resize(300, 0);
    exif[tag_at as usize..][..cities[0].len()].copy_from_slice(&cities[0]);
    exif[resources_at as usize..][..resources.len()].copy_from_slice(&resources);
    let city = |extraction: &Extraction, group| value(extraction, group, "City");
    let in_tiff = read(&exif);
    assert_eq!(city(&in_tiff, "IPTC"), Some(text("tag")));
    assert_eq!(city(&in_tiff, "IPTC2"), Some(text("resources")));
    // In a JPEG, neither is the standard place.
    let in_jpeg = read(&jpeg(&[exif_segment(&exif)]));
    assert_eq!(city(&in_jpeg, "IPTC2"), Some(text("tag")));
    assert_eq!(city(&in_jpeg, "IPTC3"), Some(text("resources")));
}

#[test]
fn xmp_in_a_gif_is_read_and_the_gap_stays() {
    let mut file = b"GIF89a\x01\0\x01\0\0\0\0!\xff\x0bXMP DataXMP".to_vec();
    file.extend(b"<?xpacket begin=''?>");
    file.extend(xmp("<dc:subject>Private</dc:subject>"));
    file.extend(b"<?xpacket end='w'?>\x01");
    file.extend((0..=255).rev());
    file.extend(b"\0;");
    let extraction = read(&file);
    assert_eq!(
        value(&extraction, "XMP-dc", "Subject"),
        Some(text("Private"))
    );
    assert_eq!(extraction.labels.keywords, ["Private"]);
    assert!(extraction.labels.gap.is_some());
}

#[test]
fn offsets_of_pictures_count_from_the_start_of_the_file() {
    let exif = tiff(
        &[
            ifd(&[(0x0111, 4, 1, 50)], 8 + 18),
            ifd(
                &[(0x0201, 4, 1, 60), (0x0202, 4, 1, 20), (0x0111, 4, 1, 70)],
                0,
            ),
        ]
        .concat(),
    );
    let file = jpeg(&[exif_segment(&exif)]);
    let extraction = read(&file);
    let number = |group, name| value(&extraction, group, name);
    // Before the TIFF structure are the start of the JPEG, the marker, the size and the identifier.
    assert_eq!(number("IFD0", "StripOffsets"), Some(TagValue::Integer(62)));
    assert_eq!(
        number("IFD1", "ThumbnailOffset"),
        Some(TagValue::Integer(72))
    );
    assert_eq!(number("IFD1", "StripOffsets"), Some(TagValue::Integer(82)));
    assert_eq!(
        number("IFD1", "ThumbnailLength"),
        Some(TagValue::Integer(20))
    );
    assert_eq!(extraction.omitted["IFD1.ThumbnailImage"], 20);
    let in_tiff = read(&exif);
    assert_eq!(
        value(&in_tiff, "IFD0", "StripOffsets"),
        Some(TagValue::Integer(50))
    );
}

#[test]
fn values_that_are_no_number_or_blank_are_texts() {
    let mut exif = tiff(&ifd(
        &[
            (0x010e, 2, 4, u32::from_le_bytes(*b"   \0")),
            (0x011a, 5, 1, 100),
            (0x011b, 5, 1, 108),
            (0xa302, 7, 8, 116),
            (0xc65d, 1, 16, 124),
        ],
        0,
    ));
    exif.resize(100, 0);
    exif.extend([0; 8]);
    exif.extend([5, 0, 0, 0, 0, 0, 0, 0]);
    exif.extend([0, 2, 0, 2, 0, 1, 1, 2]);
    exif.extend(0x10..0x20);
    let extraction = read(&exif);
    let tag = |name| value(&extraction, "IFD0", name);
    assert_eq!(tag("ImageDescription"), Some(text("")));
    assert_eq!(tag("XResolution"), Some(text("undef")));
    assert_eq!(tag("YResolution"), Some(text("inf")));
    assert_eq!(
        tag("CFAPattern"),
        Some(TagValue::List(
            [2, 2, 0, 1, 1, 2].map(TagValue::Integer).into()
        ))
    );
    assert_eq!(
        tag("RawDataUniqueID"),
        Some(text("101112131415161718191a1b1c1d1e1f"))
    );
}

#[test]
fn long_texts_of_exif_are_whole_or_omitted() {
    let with = |length: usize| {
        let long = "x".repeat(length) + "\r\nend\0";
        let mut exif = tiff(&ifd(&[(0x010e, 2, long.len() as u32, 100)], 0));
        exif.resize(100, 0);
        exif.extend(long.as_bytes());
        read(&exif)
    };
    let Some(TagValue::Text(kept)) = value(&with(2_000), "IFD0", "ImageDescription") else {
        panic!("a text");
    };
    assert_eq!((kept.len(), kept.get(1_998..)), (2_004, Some("xx\nend")));
    let extraction = with(3_000);
    assert_eq!(value(&extraction, "IFD0", "ImageDescription"), None);
    assert_eq!(extraction.omitted["IFD0.ImageDescription"], 3_006);
}
