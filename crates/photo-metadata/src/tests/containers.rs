//! Tests of the sizes and orientations of containers: HEIF, AVIF and JPEG XL, and JPEG with bytes
//! between its segments.

use super::builders::{JXL_SIGNATURE, exif_segment, ifd, media_box, tiff};
use super::{has_warning, read};
use crate::{Extraction, PhotoFormat};

/// The content of a box `clap`: a crop to these lengths in the middle of the picture.
fn clap(width: u32, height: u32) -> Vec<u8> {
    let numbers = [width, 1, height, 1, 0, 1, 0, 1];
    numbers.map(u32::to_be_bytes).concat()
}

/// Makes a HEIF of this brand. Its primary item is the item 2, with these properties. Item 1 is a
/// tile with a size and a crop of its own.
fn heif(brand: &[u8; 4], properties: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let ispe = |width: u32, height: u32| {
        let numbers = [0, width, height];
        (b"ispe", numbers.map(u32::to_be_bytes).concat())
    };
    let all: Vec<(&[u8; 4], Vec<u8>)> = [ispe(512, 512), (b"clap", clap(100, 100)), ispe(64, 100)]
        .into_iter()
        .chain(properties.iter().cloned())
        .collect();
    let boxes = all.iter().flat_map(|(kind, body)| media_box(kind, body));
    let ipco = media_box(b"ipco", &boxes.collect::<Vec<u8>>());
    let own: Vec<u8> = (3..=all.len())
        .map(|index| 0x80 | u8::try_from(index).expect("few"))
        .collect();
    let count = u8::try_from(own.len()).expect("few");
    let ipma = [&[0; 4][..], &[0, 0, 0, 2, 0, 1, 2, 1, 2, 0, 2, count], &own].concat();
    let iprp = media_box(b"iprp", &[ipco, media_box(b"ipma", &ipma)].concat());
    let pitm = media_box(b"pitm", &[0, 0, 0, 0, 0, 2]);
    let iinf = media_box(b"iinf", &[0; 6]);
    let meta = [&[0; 4][..], &pitm, &iinf, &iprp].concat();
    let ftyp = [&brand[..], &[0; 4], b"mif1"].concat();
    [media_box(b"ftyp", &ftyp), media_box(b"meta", &meta)].concat()
}

fn size(extraction: &Extraction) -> Option<(u32, u32)> {
    let record = &extraction.photo.record;
    record.width.zip(record.height)
}

#[test]
fn size_of_a_heif_is_that_after_crop_and_rotation() {
    for (brand, format) in [
        (b"heic", PhotoFormat::Heic),
        (b"avif", PhotoFormat::Avif),
        (b"jpeg", PhotoFormat::Heif),
    ] {
        let of = |properties: &[(&[u8; 4], Vec<u8>)]| {
            let extraction = read(&heif(brand, properties));
            assert_eq!(extraction.format, format);
            assert_eq!(extraction.warnings, Vec::<String>::new());
            size(&extraction)
        };
        let crop = |width, height| (b"clap", clap(width, height));
        let turn = |quarters: u8| (b"irot", vec![quarters]);
        assert_eq!(of(&[]), Some((64, 100)));
        assert_eq!(of(&[crop(29, 80)]), Some((29, 80)));
        assert_eq!(of(&[crop(29, 80), turn(1)]), Some((80, 29)));
        assert_eq!(of(&[crop(29, 80), turn(2)]), Some((29, 80)));
        assert_eq!(of(&[crop(29, 80), turn(3)]), Some((80, 29)));
        // The crop is applied to the turned picture, if it comes after the rotation.
        assert_eq!(of(&[turn(1), crop(80, 29)]), Some((80, 29)));
        assert_eq!(
            of(&[turn(1), crop(29, 80)]),
            Some((64, 100)).map(|(w, h)| (h, w))
        );
        assert_eq!(of(&[turn(1), turn(1)]), Some((64, 100)));
        // A crop that does not fit is ignored.
        assert_eq!(of(&[crop(65, 80)]), Some((64, 100)));
        assert_eq!(of(&[(b"clap", vec![0; 32])]), Some((64, 100)));
        assert_eq!(of(&[(b"clap", vec![0, 0, 0, 1])]), Some((64, 100)));
        // Two crops.
        assert_eq!(of(&[crop(60, 90), crop(61, 80)]), Some((60, 90)));
        assert_eq!(of(&[crop(60, 90), crop(50, 80)]), Some((50, 80)));
    }
}

/// Makes a JPEG XL of 48 by 16 pixels with this orientation in the codestream, cut into pieces
/// after `first` bytes. The Exif box between them contains `exif`.
fn jxl(orientation: u8, first: usize, exif: Option<u8>) -> Vec<u8> {
    // From the lowest bit on: a small size (1), the height (5), no ratio (3), the width (5), not
    // all default (1), extra fields (1), the orientation (3).
    let bits = 1_u32 | 1 << 1 | 5 << 9 | 1 << 15 | (u32::from(orientation) - 1) << 16;
    let codestream = [&[0xff, 0x0a], &bits.to_le_bytes()[..]].concat();
    let (start, rest) = codestream.split_at(first);
    let mut file = JXL_SIGNATURE.to_vec();
    file.extend(media_box(b"jxlp", &[&[0; 4], start].concat()));
    if let Some(exif) = exif {
        let block = tiff(&ifd(&[(0x0112, 3, 1, u32::from(exif))], 0));
        file.extend(media_box(b"Exif", &[&[0; 4][..], &block].concat()));
    }
    file.extend(media_box(b"jxlp", &[&[0x80, 0, 0, 1], rest].concat()));
    file
}

#[test]
fn orientation_of_a_jxl_is_that_of_the_codestream() {
    for first in 0..=6 {
        for exif in [None, Some(1), Some(3), Some(6), Some(9)] {
            for orientation in 1..=8 {
                let extraction = read(&jxl(orientation, first, exif));
                assert_eq!(extraction.format, PhotoFormat::Jxl);
                assert_eq!(extraction.photo.orientation, Some(orientation));
                let upright = if orientation >= 5 { (16, 48) } else { (48, 16) };
                assert_eq!(size(&extraction), Some(upright));
            }
        }
    }
    // If the codestream is missing, only EXIF has an orientation.
    let whole = jxl(8, 6, Some(6));
    let exif_box = whole.len() - 12 - 4;
    let without_pieces = [&whole[..12], &whole[12 + 12 + 6..exif_box + 4]].concat();
    assert_eq!(read(&without_pieces).photo.orientation, Some(6));
}

#[test]
fn bytes_between_jpeg_segments_are_skipped() {
    let exif = exif_segment(&tiff(&ifd(&[(0x0112, 3, 1, 6)], 0)));
    let file = |bytes: &[u8]| {
        let frame = b"\xff\xc0\0\x07\x08\0\x02\0\x03\xff\xda\0\x02\0\xff\xd9";
        [&b"\xff\xd8\xff\xe0\0\x04ab"[..], bytes, &exif, bytes, frame].concat()
    };
    for (bytes, has_gap) in [
        (&b""[..], false),
        (&[0; 6], false),
        (&[0xff; 6], false),
        (&[0; 3_000], false),
        (b"Make", true),
        (b"\xff\0", true),
    ] {
        let extraction = read(&file(bytes));
        assert_eq!(extraction.photo.orientation, Some(6), "{bytes:?}");
        assert_eq!(size(&extraction), Some((2, 3)));
        let is_allowed = bytes.iter().all(|&b| b == 0xff);
        assert_eq!(has_warning(&extraction, "other bytes"), !is_allowed);
        // Zeros cannot be the rest of a broken segment. Other bytes may be metadata.
        assert_eq!(extraction.labels.gap.is_some(), has_gap, "{bytes:?}");
    }
}
