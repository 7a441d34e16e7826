//! Sony's maker note: an IFD (image file directory, a table of tags), with or without a header of
//! 12 bytes. Its newer parts are enciphered, and are not read.

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{MakerNoteFacts, NoteContext, lens_name, serial_number, unsigned_at, value_name};
use crate::field_value::round_to;
use crate::lens_ids::{LensTraits, a_mount_lens_name};
use crate::tag::maker_note::sony as tag;
use crate::text::field_text;

/// The length of the header in bytes.
const HEADER_BYTES: u64 = 12;
/// The value of `LensType` for lenses without the A-mount.
const NO_A_MOUNT: u32 = 65_535;

/// The values of `PictureEffect`.
const PICTURE_EFFECTS: &[(u32, &str)] = &[
    (1, "Toy Camera"),
    (2, "Pop Color"),
    (3, "Posterization"),
    (4, "Posterization B/W"),
    (5, "Retro Photo"),
    (6, "Soft High Key"),
    (7, "Partial Color (red)"),
    (8, "Partial Color (green)"),
    (9, "Partial Color (blue)"),
    (10, "Partial Color (yellow)"),
    (13, "High Contrast Monochrome"),
    (16, "Toy Camera (normal)"),
    (17, "Toy Camera (cool)"),
    (18, "Toy Camera (warm)"),
    (19, "Toy Camera (green)"),
    (20, "Toy Camera (magenta)"),
    (32, "Soft Focus (low)"),
    (33, "Soft Focus"),
    (34, "Soft Focus (high)"),
    (48, "Miniature (auto)"),
    (49, "Miniature (top)"),
    (50, "Miniature (middle horizontal)"),
    (51, "Miniature (bottom)"),
    (52, "Miniature (left)"),
    (53, "Miniature (middle vertical)"),
    (54, "Miniature (right)"),
    (64, "HDR Painting (low)"),
    (65, "HDR Painting"),
    (66, "HDR Painting (high)"),
    (80, "Rich-tone Monochrome"),
    (97, "Water Color"),
    (98, "Water Color 2"),
    (112, "Illustration (low)"),
    (113, "Illustration"),
    (114, "Illustration (high)"),
];

/// The values of `CreativeStyle` that need another name.
const CREATIVE_STYLES: &[(&str, &str)] = &[
    ("AdobeRGB", "Adobe RGB"),
    ("Autumnleaves", "Autumn Leaves"),
    ("BW", "B&W"),
    ("Nightview", "Night View/Portrait"),
    ("VV2", "Vivid 2"),
];

/// The values of `ReleaseMode`. ExifTool calls the first one `Normal`.
const RELEASE_MODES: &[(u32, &str)] = &[
    (0, "Single"),
    (2, "Continuous"),
    (5, "Exposure Bracketing"),
    (6, "White Balance Bracketing"),
    (8, "DRO Bracketing"),
];

/// A feature of a lens in `LensSpec`: the byte with its bits (the first byte is 0, the last one is
/// 1), a mask, the bits, and the name.
type LensFeature = (usize, u8, u8, &'static str);

/// The features that are written before the focal length.
const PREFIXES: &[LensFeature] = &[
    (0, 0x03, 0x01, "DT"),
    (0, 0x03, 0x02, "FE"),
    (0, 0x03, 0x03, "E"),
    (0, 0x40, 0x40, "PZ"),
];
/// The features that are written after the aperture, in this order.
const SUFFIXES: &[LensFeature] = &[
    (1, 0xe0, 0x20, "STF"),
    (1, 0xe0, 0x40, "Reflex"),
    (1, 0xe0, 0x60, "Macro"),
    (1, 0xe0, 0x80, "Fisheye"),
    (1, 0x0c, 0x04, "ZA"),
    (1, 0x0c, 0x08, "G"),
    (1, 0x03, 0x01, "SSM"),
    (1, 0x03, 0x02, "SAM"),
    (0, 0x80, 0x80, "OSS"),
    (0, 0x20, 0x20, "LE"),
    (0, 0x08, 0x08, "II"),
];

/// The beginnings of notes of Sony cameras in the forms of other makers, and of the encrypted note
/// of an SRF file.
const OTHER_FORMS: [&[u8]; 3] = [b"SONY PI", b"PREMI\0", b"\x01\0"];

/// Reports whether a note has one of Sony's headers.
pub(super) fn is_note(head: &[u8]) -> bool {
    let headers: [&[u8]; 5] = [
        b"SONY DSC",
        b"SONY CAM",
        b"SONY MOBILE",
        b"\0\0SONY PIC\0",
        b"VHAB     \0",
    ];
    headers.iter().any(|header| head.starts_with(header))
}

/// Reads a note.
pub(super) fn read(
    block: &NoteBlock<'_>,
    head: &[u8],
    context: &NoteContext<'_>,
) -> Option<MakerNoteFacts> {
    let start = match head {
        head if is_note(head) => HEADER_BYTES,
        head if OTHER_FORMS.iter().any(|start| head.starts_with(start)) => return None,
        _ => 0,
    };
    let directory = block.directory(start, OffsetOrigin::Tiff)?;
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    let effect = number(tag::PICTURE_EFFECT).and_then(|value| value_name(PICTURE_EFFECTS, value));
    Some(MakerNoteFacts {
        body_serial: directory
            .field(tag::SERIAL_NUMBER)
            .and_then(|f| body_serial(&field_text(&f)?)),
        lens: find_lens(&directory, &context.traits),
        film_simulation: effect.or_else(|| creative_style(&directory)),
        drive_mode: number(tag::RELEASE_MODE).and_then(|mode| value_name(RELEASE_MODES, mode)),
        ..MakerNoteFacts::default()
    })
}

/// Returns a serial number of eight digits. The note has the pairs of digits in reverse.
fn body_serial(text: &str) -> Option<String> {
    let digits = text.as_bytes().first_chunk::<8>()?;
    if text.len() != 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pairs = digits.chunks_exact(2).rev().flatten();
    serial_number(pairs.map(|&digit| char::from(digit)).collect())
}

fn creative_style(directory: &NoteDirectory<'_>) -> Option<String> {
    let style = field_text(&directory.field(tag::CREATIVE_STYLE)?)?;
    if style == "None" {
        return None;
    }
    let other = CREATIVE_STYLES.iter().find(|(code, _)| *code == style);
    Some(other.map_or(style, |(_, name)| (*name).to_owned()))
}

/// Returns the name of the lens for its number, or a name that is made from its focal lengths,
/// apertures and features.
fn find_lens(directory: &NoteDirectory<'_>, traits: &LensTraits) -> Option<String> {
    let number = unsigned_at(&directory.field(tag::LENS_TYPE)?, 0)?;
    let specified = || {
        let field = directory.field(tag::LENS_SPEC)?;
        lens_specification(field.bytes?.first_chunk::<8>()?)
    };
    match number {
        NO_A_MOUNT => specified(),
        _ => a_mount_lens_name(number, traits, specified().as_deref()),
    }
    .and_then(lens_name)
}

/// Returns the name of a lens with the eight bytes of `LensSpec`: features, two focal lengths and
/// two apertures as decimal digits, and more features. For example `E 18-55mm F3.5-5.6 OSS`.
fn lens_specification(bytes: &[u8; 8]) -> Option<String> {
    let [
        first,
        short_high,
        short_low,
        long_high,
        long_low,
        wide,
        tele,
        last,
    ] = *bytes;
    let digits = |byte: u8| {
        let (tens, ones) = (u32::from(byte >> 4), u32::from(byte & 15));
        (tens <= 9 && ones <= 9).then_some(10 * tens + ones)
    };
    let length = |high, low| Some(100 * digits(high)? + digits(low)?);
    // The first digit of an aperture is hexadecimal: b0 stands for f/11.
    let aperture = |byte: u8| round_to(f64::from(byte >> 4) + f64::from(byte & 15) / 10.0, 1);
    let (short, long) = (length(short_high, short_low)?, length(long_high, long_low)?);
    let (wide, tele) = (aperture(wide), aperture(tele));
    let is_zoom = long != 0 && long != short;
    if short == 0 || wide <= 0.0 || is_zoom && long < short || tele != 0.0 && tele < wide {
        return None;
    }
    let features = [first, last];
    let mut words: Vec<String> = feature_names(PREFIXES, features);
    words.push(if is_zoom {
        format!("{short}-{long}mm")
    } else {
        format!("{short}mm")
    });
    words.push(if tele != 0.0 && tele != wide {
        format!("F{wide}-{tele}")
    } else {
        format!("F{wide}")
    });
    words.extend(feature_names(SUFFIXES, features));
    Some(words.join(" "))
}

fn feature_names(table: &[LensFeature], features: [u8; 2]) -> Vec<String> {
    let has_feature = |&&(byte, mask, bits, _): &&LensFeature| {
        features.get(byte).is_some_and(|byte| byte & mask == bits)
    };
    let found = table.iter().filter(has_feature);
    found.map(|(_, _, _, name)| (*name).to_owned()).collect()
}
