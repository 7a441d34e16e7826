//! Tests of TIFF structures: which TIFF is a RAW file, links between IFDs (image file directories,
//! which are tables of tags), BigTIFF, and values with a wrong type.

use super::builders::{
    TestField, ifd_with_values, iptc_block, iptc_field, long_field, short_field, text_field, xmp,
    xmp_field,
};
use super::{has_warning, ranged, read};
use crate::record::TagValue;
use crate::{Extraction, PhotoFormat};

/// The number of bytes from the start of one IFD to the start of the next one.
const STEP: u32 = 1_000;

/// Returns the offset of an IFD of [`structure`], by its place in the list.
fn offset(place: u32) -> u32 {
    8 + STEP * place
}

/// Makes a little-endian TIFF. Each item is an IFD and the offset of the next one. The IFDs are at
/// the offsets [`offset`].
fn structure(ifds: &[(&[TestField], u32)]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    for (place, (entries, next)) in ifds.iter().enumerate() {
        let start = offset(u32::try_from(place).expect("few"));
        bytes.resize(start as usize, 0);
        bytes.extend(ifd_with_values(start, entries, *next));
    }
    bytes
}

/// Returns the entries of an image of 64 by 48 pixels, divided by `scale`.
fn image(
    scale: u32,
    subfile_type: u32,
    compression: u16,
    photometric: Option<u16>,
) -> Vec<TestField> {
    let mut entries = vec![
        long_field(0x00fe, &[subfile_type]),
        long_field(0x0100, &[64 / scale]),
        long_field(0x0101, &[48 / scale]),
        short_field(0x0103, compression),
    ];
    entries.extend(photometric.map(|kind| short_field(0x0106, kind)));
    entries
}

/// Makes a TIFF of this maker with two images. The second one is in a SubIFD. There is also an Exif
/// IFD with a maker note.
fn two_images(make: &str, first: Vec<TestField>, second: &[TestField]) -> Vec<u8> {
    let mut first = first;
    first.extend([
        text_field(0x010f, make),
        text_field(0x0110, "Model 1"),
        long_field(0x014a, &[offset(1)]),
        long_field(0x8769, &[offset(2)]),
    ]);
    let exif = [(0x927c, 7, b"a maker note".to_vec())];
    structure(&[(&first, 0), (second, 0), (&exif, 0)])
}

const MAKERS: [(&str, PhotoFormat); 14] = [
    ("NIKON CORPORATION", PhotoFormat::Nef),
    ("SONY", PhotoFormat::Arw),
    ("PENTAX", PhotoFormat::Pef),
    ("RICOH IMAGING COMPANY, LTD.", PhotoFormat::Pef),
    ("SAMSUNG", PhotoFormat::Srw),
    ("Phase One", PhotoFormat::Iiq),
    ("Leaf", PhotoFormat::Mos),
    ("Hasselblad", PhotoFormat::ThreeFr),
    ("Imacon", PhotoFormat::Fff),
    ("EASTMAN KODAK COMPANY", PhotoFormat::Kdc),
    ("Kodak", PhotoFormat::Kdc),
    ("Mamiya-OP Co.,Ltd.", PhotoFormat::Mef),
    ("SEIKO EPSON CORP.", PhotoFormat::Erf),
    ("EPSON", PhotoFormat::Erf),
];

#[test]
fn export_of_any_maker_is_a_tiff() {
    for (make, _) in MAKERS {
        for compression in [1, 5, 6, 7, 8, 32_773, 34_925] {
            for photometric in [1, 2, 5, 6, 8] {
                let first = image(1, 0, compression, Some(photometric));
                let second = image(2, 1, 7, Some(photometric));
                let extraction = read(&two_images(make, first, &second));
                assert_eq!(extraction.format, PhotoFormat::Tiff, "{make} {compression}");
                let record = extraction.photo.record;
                assert_eq!((record.width, record.height), (Some(64), Some(48)));
                assert_eq!(extraction.preview, None);
            }
        }
    }
}

#[test]
fn sensor_data_make_a_raw_file() {
    for (make, format) in MAKERS {
        for sensor in [32_803, 34_892] {
            // The sensor data may be in IFD0 or in a SubIFD.
            let in_sub_ifd =
                two_images(make, image(4, 1, 1, Some(2)), &image(1, 0, 1, Some(sensor)));
            let in_ifd0 = two_images(make, image(1, 0, 7, Some(sensor)), &image(4, 1, 6, Some(6)));
            for bytes in [in_sub_ifd, in_ifd0] {
                let extraction = read(&bytes);
                assert_eq!(extraction.format, format, "{make}");
                let record = extraction.photo.record;
                assert_eq!((record.width, record.height), (Some(64), Some(48)));
            }
        }
    }
}

#[test]
fn raw_compressions_and_colour_filter_tags_make_a_raw_file() {
    for (make, compression, format) in [
        ("NIKON CORPORATION", 34_713, PhotoFormat::Nef),
        ("SONY", 32_767, PhotoFormat::Arw),
        ("PENTAX", 65_535, PhotoFormat::Pef),
        ("SAMSUNG", 32_770, PhotoFormat::Srw),
        ("SAMSUNG", 32_772, PhotoFormat::Srw),
        ("EASTMAN KODAK COMPANY", 65_000, PhotoFormat::Dcr),
        ("EASTMAN KODAK COMPANY", 32_867, PhotoFormat::Kdc),
    ] {
        let bytes = two_images(
            make,
            image(4, 1, 1, Some(2)),
            &image(1, 0, compression, None),
        );
        assert_eq!(read(&bytes).format, format);
        // The compression of another maker is ignored.
        let bytes = two_images(
            "Canon",
            image(4, 1, 1, Some(2)),
            &image(1, 0, compression, None),
        );
        assert_eq!(read(&bytes).format, PhotoFormat::Tiff);
    }
    let with_pattern = |photometric| {
        let mut sensor = image(1, 0, 1, photometric);
        sensor.push((0x828d, 3, vec![2, 0, 2, 0]));
        read(&two_images(
            "NIKON CORPORATION",
            image(4, 1, 1, Some(2)),
            &sensor,
        ))
        .format
    };
    assert_eq!(with_pattern(None), PhotoFormat::Nef);
    // An RGB picture with copied tags does not contain sensor data.
    assert_eq!(with_pattern(Some(2)), PhotoFormat::Tiff);
}

#[test]
fn raw_files_without_sensor_tags_are_found() {
    // An ARW of the first Sony: the tag SubIFDs is the offset of the sensor data.
    let first_sony = |subfile_type, compression| {
        let mut first = image(1, subfile_type, compression, None);
        first.extend([
            text_field(0x010f, "SONY"),
            text_field(0x0110, "DSLR-A100"),
            long_field(0x014a, &[900]),
            long_field(0xc634, &[800]),
        ]);
        read(&structure(&[(&first, 0)])).format
    };
    assert_eq!(first_sony(1, 6), PhotoFormat::Arw);
    assert_eq!(first_sony(0, 1), PhotoFormat::Tiff);

    let with_note_and_picture = |make, note: &[u8], picture_bytes| {
        let first = [
            text_field(0x010f, make),
            long_field(0x0117, &[picture_bytes, 1]),
            long_field(0x8769, &[offset(1)]),
        ];
        let exif = [(0x927c, 7, note.to_vec())];
        read(&structure(&[(&first, 0), (&exif, 0)])).format
    };
    let with_note = |make, note| with_note_and_picture(make, note, 1);
    for make in ["Phase One", "Leaf"] {
        assert_eq!(with_note(make, b"IIIITwaR and more"), PhotoFormat::Iiq);
        assert_eq!(with_note(make, b"IIIICwaR and more"), PhotoFormat::Iiq);
        assert_eq!(with_note(make, b"MMMMRawT and more"), PhotoFormat::Iiq);
        assert_eq!(with_note(make, b"another note"), PhotoFormat::Tiff);
        assert_eq!(with_note(make, b"IIII"), PhotoFormat::Tiff);
        // The picture of an export is longer than the note, even if the note was copied.
        let export = with_note_and_picture(make, b"IIIITwaR and more", 17);
        assert_eq!(export, PhotoFormat::Tiff);
    }

    let hasselblad = |first_type, samples| {
        let first = image(4, first_type, 1, Some(2));
        let mut second = image(1, 0, 1, Some(1));
        second.push(short_field(0x0115, samples));
        read(&two_images("Hasselblad", first, &second)).format
    };
    assert_eq!(hasselblad(1, 1), PhotoFormat::ThreeFr);
    assert_eq!(hasselblad(1, 3), PhotoFormat::Tiff);
    assert_eq!(hasselblad(0, 1), PhotoFormat::Tiff);
}

#[test]
fn blank_maker_does_not_hide_the_raw_format() {
    let mut first = image(1, 0, 1, Some(32_803));
    first.extend([text_field(0x010f, "   "), long_field(0x8769, &[offset(1)])]);
    let exif = [text_field(0x010f, "PENTAX")];
    let bytes = structure(&[(&first, 0), (&exif, 0)]);
    assert_eq!(read(&bytes).format, PhotoFormat::Pef);
}

#[test]
fn size_of_a_tiff_is_that_of_the_full_picture() {
    let size = |bytes: &[u8]| {
        let record = read(bytes).photo.record;
        record.width.zip(record.height)
    };
    // IFD0 is a small copy of the picture, as in the scans of Nikon's film scanners.
    let small_first = two_images("Nikon", image(4, 1, 1, Some(2)), &image(1, 0, 1, Some(2)));
    assert_eq!(read(&small_first).format, PhotoFormat::Tiff);
    assert_eq!(size(&small_first), Some((64, 48)));
    // The second page may be larger.
    let pages = [image(2, 2, 1, Some(2)), image(1, 2, 1, Some(2))];
    let pages = structure(&[(&pages[0], offset(1)), (&pages[1], 0)]);
    assert_eq!(size(&pages), Some((32, 24)));
}

/// Returns the names of the groups of tags, and the value of ImageWidth in each.
fn widths(extraction: &Extraction) -> Vec<(&str, i64)> {
    let groups = extraction.tags.iter();
    let widths = groups.filter_map(|(group, tags)| match tags.get("ImageWidth") {
        Some(TagValue::Integer(width)) => Some((group.as_str(), *width)),
        _ => None,
    });
    widths.collect()
}

#[test]
fn links_between_ifds_have_the_names_of_exiftool() {
    let with_width = |width: u32, more: &[TestField]| {
        let mut entries = vec![long_field(0x0100, &[width]), long_field(0x0101, &[1])];
        entries.extend(more.iter().cloned());
        entries
    };
    // IFD0 has two SubIFDs. The first has a SubIFD of its own, and is followed by another one. IFD1
    // follows IFD0.
    let first = with_width(1, &[long_field(0x014a, &[offset(1), offset(2)])]);
    let sub = with_width(2, &[long_field(0x014a, &[offset(3)])]);
    let others: Vec<Vec<TestField>> = (3..=6).map(|width| with_width(width, &[])).collect();
    let bytes = structure(&[
        (&first, offset(5)),
        (&sub, offset(4)),
        (&others[0], 0),
        (&others[1], 0),
        (&others[2], 0),
        (&others[3], 0),
    ]);
    let extraction = read(&bytes);
    let wanted = [
        ("IFD0", 1),
        ("IFD1", 6),
        ("SubIFD", 2),
        ("SubIFD1", 3),
        ("SubIFD2", 4),
        ("SubIFD3", 5),
    ];
    assert_eq!(widths(&extraction), wanted);
    assert_eq!(extraction.warnings, Vec::<String>::new());
    assert_eq!(widths(&ranged(&bytes).0.expect("a photo")), wanted);
}

#[test]
fn chain_after_a_sub_ifd_must_be_sound() {
    let first = [long_field(0x0100, &[1]), long_field(0x014a, &[offset(1)])];
    let sub = [long_field(0x0100, &[2]), long_field(0x0101, &[1])];
    let chain = |third: &[TestField], next: u32| {
        let bytes = structure(&[(&first, 0), (&sub, next), (third, 0)]);
        let extraction = read(&bytes);
        assert_eq!(extraction.warnings, Vec::<String>::new());
        extraction.tags.contains_key("SubIFD1")
    };
    let sound = [long_field(0x0100, &[3]), long_field(0x0101, &[1])];
    assert!(chain(&sound, offset(2)));
    // The chain may return to an IFD that was read.
    assert!(!chain(&sound, offset(1)));
    assert!(!chain(&sound, 0));
    assert!(!chain(&sound, 1 << 30));
    assert!(!chain(&[long_field(0x0100, &[3])], offset(2)));
    let out_of_order = [long_field(0x0101, &[3]), long_field(0x0100, &[1])];
    assert!(!chain(&out_of_order, offset(2)));
    let unknown_type = [long_field(0x0100, &[3]), (0x0101, 40, vec![1])];
    assert!(!chain(&unknown_type, offset(2)));
    // A list of SubIFDs that is a chain too is read once.
    let listed = [
        long_field(0x0100, &[1]),
        long_field(0x014a, &[offset(1), offset(2)]),
    ];
    let bytes = structure(&[(&listed, 0), (&sub, offset(2)), (&sound, 0)]);
    let extraction = read(&bytes);
    assert_eq!(
        widths(&extraction),
        [("IFD0", 1), ("SubIFD", 2), ("SubIFD1", 3)]
    );
    assert_eq!(extraction.warnings, Vec::<String>::new());
}

/// Makes a little-endian BigTIFF with one IFD. Each entry is a tag, a type, a count and the eight
/// bytes of a value or an offset.
fn big_tiff(entries: &[(u16, u16, u64, u64)]) -> Vec<u8> {
    let mut bytes = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    bytes.extend((entries.len() as u64).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 8]);
    bytes
}

#[test]
fn big_tiff_may_be_a_raw_file() {
    let with_make = |make: &[u8; 8], more: &[(u16, u16, u64, u64)]| {
        let mut entries = vec![
            (0x0100, 4, 1, 64),
            (0x0101, 4, 1, 48),
            (0x010f, 2, 8, u64::from_le_bytes(*make)),
        ];
        entries.extend(more);
        entries.sort_unstable();
        big_tiff(&entries)
    };
    let version = (0xc612, 1, 4, 0x0000_0701);
    let sensor = (0x0106, 3, 1, 32_803);
    for (make, more, format) in [
        (b"Leica\0\0\0", &[version][..], PhotoFormat::Dng),
        (b"GoPro\0\0\0", &[version], PhotoFormat::Gpr),
        (b"NIKON\0\0\0", &[sensor], PhotoFormat::Nef),
        (b"NIKON\0\0\0", &[], PhotoFormat::BigTiff),
    ] {
        let extraction = read(&with_make(make, more));
        assert_eq!(extraction.format, format);
        let record = extraction.photo.record;
        assert_eq!((record.width, record.height), (Some(64), Some(48)));
    }
    // The preview of a DNG, with an offset and a length of 64 bits.
    let mut bytes = with_make(
        b"Leica\0\0\0",
        &[version, (0x0201, 16, 1, 400), (0x0202, 16, 1, 22)],
    );
    bytes.resize(400, 0);
    bytes.extend(b"\xff\xd8\xff\xc0\0\x07\x08\0\x02\0\x03\xff\xda\0\x02\0\0\0\0\0\xff\xd9");
    let preview = read(&bytes).preview.expect("a preview");
    assert_eq!((preview.offset, preview.length), (400, 22));
    assert_eq!((preview.width, preview.height), (Some(3), Some(2)));
}

#[test]
fn offsets_in_a_big_tiff_have_64_bits() {
    let bytes = big_tiff(&[
        (0x0103, 3, 1, 7),
        (0x0111, 16, 1, 5 << 30),
        (0x0117, 16, 1, 6 << 30),
    ]);
    let picture = read(&bytes).picture.expect("a picture");
    assert_eq!((picture.offset, picture.length), (5 << 30, 6 << 30));
}

/// Returns the extraction of a file whose Exif IFD has one entry.
fn with_exif(entry: TestField) -> Extraction {
    let first = [long_field(0x8769, &[offset(1)])];
    read(&structure(&[(&first, 0), (&[entry], 0)]))
}

#[test]
fn fractions_with_an_integer_type_are_read() {
    let fraction = |n: i32, d: i32| [n.to_le_bytes(), d.to_le_bytes()].concat();
    // Eight bytes of any type.
    for kind in [1, 3, 4, 5, 7] {
        let value = |tag| {
            with_exif((tag, kind, fraction(28, 10)))
                .photo
                .record
                .exposure
        };
        assert_eq!(value(0x829d).f_number, Some(2.8), "{kind}");
        assert_eq!(value(0x829a).seconds, Some(2.8), "{kind}");
        assert_eq!(value(0x920a).focal_length, Some(2.8), "{kind}");
        assert_eq!(value(0x9204).bias, Some(2.8), "{kind}");
        assert_eq!(value(0x9201).seconds, Some(0.143_587), "{kind}");
    }
    for kind in [1, 3, 4, 5, 6, 7, 8, 9, 10] {
        let bias = with_exif((0x9204, kind, fraction(-2, 3)));
        assert_eq!(bias.photo.record.exposure.bias, Some(-2.0 / 3.0), "{kind}");
        let TagValue::Rational { fraction, .. } = &bias.tags["ExifIFD"]["ExposureCompensation"]
        else {
            panic!("no fraction: {:?}", bias.tags);
        };
        assert_eq!(fraction, "-2/3");
    }
    // Two integers are a numerator and a denominator. One is a number.
    let f_number = |kind, bytes: &[u8]| {
        let extraction = with_exif((0x829d, kind, bytes.to_vec()));
        extraction.photo.record.exposure.f_number
    };
    assert_eq!(f_number(3, &[28, 0, 10, 0]), Some(2.8));
    assert_eq!(f_number(8, &[28, 0, 10, 0]), Some(2.8));
    assert_eq!(f_number(1, &[28, 10]), Some(2.8));
    assert_eq!(f_number(3, &[8, 0]), Some(8.0));
    assert_eq!(f_number(3, &[28, 0, 0, 0]), None);
    // Three integers are not a fraction.
    assert_eq!(f_number(3, &[28, 0, 10, 0, 1, 0]), None);
    assert_eq!(f_number(11, &2.5_f32.to_le_bytes()), Some(2.5));
    assert_eq!(f_number(12, &2.5_f64.to_le_bytes()), Some(2.5));
    let bias = |entry| with_exif(entry).photo.record.exposure.bias;
    assert_eq!(bias((0x9204, 8, vec![0xfe, 0xff])), Some(-2.0));
    assert_eq!(bias((0x9204, 2, b"-1/3\0".to_vec())), Some(-1.0 / 3.0));
    assert_eq!(
        bias((0x9204, 12, 0.5_f64.to_le_bytes().to_vec())),
        Some(0.5)
    );
}

#[test]
fn lens_specification_without_a_focal_length_is_no_lens() {
    let lens = |kind, numbers: [u32; 8]| {
        let entry = (0xa432, kind, numbers.map(u32::to_le_bytes).concat());
        let lens = with_exif(entry).photo.record.lens;
        lens.map(|lens| lens.name)
    };
    let wanted = Some("18-55mm f/3.5-5.6".to_owned());
    for kind in [3, 4, 5, 7] {
        assert_eq!(lens(kind, [18, 1, 55, 1, 35, 10, 56, 10]), wanted);
        assert_eq!(lens(kind, [0, 1, 0, 1, 0, 1, 0, 1]), None);
        assert_eq!(lens(kind, [0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(lens(kind, [1, 0, 1, 0, 1, 0, 1, 0]), None);
        assert_eq!(lens(kind, [0, 1, 55, 1, 0, 0, 0, 0]), None);
    }
}

#[test]
fn keywords_of_every_ifd_are_labels() {
    let packet =
        |keyword: &str| xmp_field(&xmp("", &format!("<dc:subject>{keyword}</dc:subject>")));
    let iptc = |keyword: &str| iptc_field(&iptc_block(&[(2, 25, keyword)]));
    let file = structure(&[
        (
            &[
                packet("replaced"),
                packet("main"),
                long_field(0x014a, &[offset(2)]),
                long_field(0x8769, &[offset(3)]),
            ],
            offset(1),
        ),
        (&[packet("page")], 0),
        (&[iptc("sub")], 0),
        (&[packet("exif"), short_field(0x0103, 1)], 0),
    ]);
    let extraction = read(&file);
    assert_eq!(extraction.photo.record.keywords, ["main"]);
    let mut labels = extraction.labels.keywords;
    labels.sort();
    assert_eq!(labels, ["exif", "main", "page", "replaced", "sub"]);
    assert_eq!(extraction.labels.gap, None);
    // A block that is not there.
    let cut = structure(&[
        (&[short_field(0x0103, 1)], offset(1)),
        (&[packet("page")], 0),
    ]);
    let cut = cut.get(..cut.len() - 1).expect("bytes");
    assert!(read(cut).labels.gap.is_some());
}

#[test]
fn pages_beyond_the_limit_add_a_warning() {
    let page = [long_field(0x0100, &[1]), long_field(0x0101, &[1])];
    let pages: Vec<(&[TestField], u32)> = (1..=40)
        .map(|next| (&page[..], if next < 40 { offset(next) } else { 0 }))
        .collect();
    let extraction = read(&structure(&pages));
    assert_eq!(extraction.tags.len(), 32);
    assert!(has_warning(&extraction, "more than 32 pages"));
    assert!(extraction.labels.gap.is_some());
}
