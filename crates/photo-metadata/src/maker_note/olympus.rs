//! The maker note of Olympus and OM System, and of Epson. Its facts are in directories inside the
//! directory.

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{MakerNoteFacts, lens_name, serial_text, unsigned_at, value_name};
use crate::lens_ids::four_thirds_lens_name;
use crate::tag::maker_note::olympus as tag;
use crate::text::field_text;
use crate::tiff::{IfdField, read_byte_order};

/// The values of the first number of `PictureMode`.
const PICTURE_MODES: &[(u32, &str)] = &[
    (1, "Vivid"),
    (2, "Natural"),
    (3, "Muted"),
    (4, "Portrait"),
    (5, "i-Enhance"),
    (6, "e-Portrait"),
    (7, "Color Creator"),
    (8, "Underwater"),
    (9, "Color Profile 1"),
    (10, "Color Profile 2"),
    (11, "Color Profile 3"),
    (12, "Monochrome Profile 1"),
    (13, "Monochrome Profile 2"),
    (14, "Monochrome Profile 3"),
    (17, "Art Mode"),
    (18, "Monochrome Profile 4"),
    (256, "Monotone"),
    (512, "Sepia"),
];
/// The value of `PictureMode` if `ArtFilter` has the name.
const ART_MODE: u32 = 17;

/// The values of the first number of `ArtFilter`.
const ART_FILTERS: &[(u32, &str)] = &[
    (1, "Soft Focus"),
    (2, "Pop Art"),
    (3, "Pale & Light Color"),
    (4, "Light Tone"),
    (5, "Pin Hole"),
    (6, "Grainy Film"),
    (8, "Underwater"),
    (9, "Diorama"),
    (10, "Cross Process"),
    (12, "Fish Eye"),
    (13, "Drawing"),
    (14, "Gentle Sepia"),
    (15, "Pale & Light Color II"),
    (16, "Pop Art II"),
    (17, "Pin Hole II"),
    (18, "Pin Hole III"),
    (19, "Grainy Film II"),
    (20, "Dramatic Tone"),
    (21, "Punk"),
    (22, "Soft Focus 2"),
    (23, "Sparkle"),
    (24, "Watercolor"),
    (25, "Key Line"),
    (26, "Key Line II"),
    (27, "Miniature"),
    (28, "Reflection"),
    (29, "Fragmented"),
    (31, "Cross Process II"),
    (32, "Dramatic Tone II"),
    (33, "Watercolor I"),
    (34, "Watercolor II"),
    (35, "Diorama II"),
    (36, "Vintage"),
    (37, "Vintage II"),
    (38, "Vintage III"),
    (39, "Partial Color"),
    (40, "Partial Color II"),
    (41, "Partial Color III"),
    (42, "Bleach Bypass"),
    (43, "Bleach Bypass II"),
    (44, "Instant Film"),
];

/// The values of the first number of `DriveMode`.
const DRIVE_MODES: &[(u32, &str)] = &[
    (0, "Single Shot"),
    (1, "Continuous Shooting"),
    (2, "Exposure Bracketing"),
    (3, "White Balance Bracketing"),
    (4, "Exposure+WB Bracketing"),
];
/// The value of the first number of `DriveMode` if bits in the third number have the names.
const BRACKETING: u32 = 5;
/// The bits of the third number of `DriveMode`.
const BRACKETING_BITS: &[(u32, &str)] = &[
    (0, "AE"),
    (1, "WB"),
    (2, "FL"),
    (3, "MF"),
    (4, "ISO"),
    (5, "AE Auto"),
    (6, "Focus"),
];
/// The values of the sixth number of `DriveMode`, which the E-M1 and later cameras have. The kind
/// of the shutter is in the high bits.
const SHOOTING_MODES: &[(u32, &str)] = &[
    (0x01, "Single Shot"),
    (0x02, "Sequential L"),
    (0x03, "Sequential H"),
    (0x07, "Sequential"),
    (0x11, "Single Shot"),
    (0x12, "Sequential L"),
    (0x13, "Sequential H"),
    (0x14, "Self-Timer 12 sec"),
    (0x15, "Self-Timer 2 sec"),
    (0x16, "Custom Self-Timer"),
    (0x17, "Sequential"),
    (0x21, "Single Shot"),
    (0x22, "Sequential L"),
    (0x23, "Sequential H"),
    (0x24, "Self-Timer 2 sec"),
    (0x25, "Self-Timer 12 sec"),
    (0x26, "Custom Self-Timer"),
    (0x27, "Sequential"),
    (0x28, "Sequential SH1"),
    (0x29, "Sequential SH2"),
    (0x30, "HighRes Shot"),
    (0x41, "ProCap H"),
    (0x42, "ProCap L"),
    (0x43, "ProCap"),
    (0x48, "ProCap SH1"),
    (0x49, "ProCap SH2"),
];

/// Reports whether a note has one of the headers of this form.
pub(super) fn is_note(head: &[u8]) -> bool {
    let headers: [&[u8]; 4] = [b"OLYMP\0", b"EPSON\0", b"OLYMPUS\0", b"OM SYSTEM\0"];
    headers.iter().any(|header| head.starts_with(header))
}

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>, head: &[u8]) -> Option<MakerNoteFacts> {
    // In the two newer forms, offsets count from the start of the note. In the old form, they count
    // from the start of the TIFF structure.
    let in_note = |start: u64| {
        let order = read_byte_order(block.view_from(start - 4))?;
        block.directory_in(start, OffsetOrigin::Note(0), order)
    };
    let directory = if head.starts_with(b"OLYMPUS\0") {
        in_note(12)?
    } else if head.starts_with(b"OM SYSTEM\0") {
        in_note(16)?
    } else {
        block.directory(8, OffsetOrigin::Tiff)?
    };
    let equipment = directory.subdirectory(tag::EQUIPMENT);
    let settings = directory.subdirectory(tag::CAMERA_SETTINGS);
    let serial = |directory: &NoteDirectory<'_>, tag| serial_text(&directory.field(tag)?);
    Some(MakerNoteFacts {
        body_serial: equipment
            .and_then(|equipment| serial(&equipment, tag::SERIAL_NUMBER))
            .or_else(|| serial(&directory, tag::OLD_SERIAL_NUMBER))
            .or_else(|| {
                serial(&directory, tag::OLDEST_SERIAL_NUMBER).filter(|text| is_serial(text))
            }),
        lens: equipment.and_then(|equipment| find_lens(&equipment)),
        film_simulation: settings.and_then(|settings| picture_mode(&settings)),
        drive_mode: settings.and_then(|settings| drive_mode(&settings.field(tag::DRIVE_MODE)?)),
        ..MakerNoteFacts::default()
    })
}

/// Reports whether a text is a serial number. Some old cameras write `OLYMPUS DIGITAL CAMERA`
/// instead.
fn is_serial(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// Returns the name of the lens in the directory `Equipment`, or the name for its number.
fn find_lens(equipment: &NoteDirectory<'_>) -> Option<String> {
    let model = equipment.field(tag::LENS_MODEL);
    if let Some(name) = model.and_then(|f| field_text(&f)).and_then(lens_name) {
        return Some(name);
    }
    let kind = equipment.field(tag::LENS_TYPE)?;
    let part = |index| unsigned_at(&kind, index).filter(|&part| part < 256);
    four_thirds_lens_name(part(0)? << 16 | part(2)? << 8 | part(3)?)
}

fn picture_mode(settings: &NoteDirectory<'_>) -> Option<String> {
    let first = |tag| unsigned_at(&settings.field(tag)?, 0);
    let mode = first(tag::PICTURE_MODE)?;
    let filter = || value_name(ART_FILTERS, first(tag::ART_FILTER)?);
    let filter = if mode == ART_MODE { filter() } else { None };
    filter.or_else(|| value_name(PICTURE_MODES, mode))
}

/// Returns the name of a drive mode. The number of the shot in its series is left out.
fn drive_mode(field: &IfdField<'_>) -> Option<String> {
    let mode = unsigned_at(field, 0)?;
    if let (BRACKETING, Some(bits)) = (mode, unsigned_at(field, 2)) {
        let names: Vec<&str> = BRACKETING_BITS
            .iter()
            .filter(|(bit, _)| bits >> bit & 1 == 1)
            .map(|(_, name)| *name)
            .collect();
        return (!names.is_empty()).then(|| format!("{} Bracketing", names.join("+")));
    }
    match unsigned_at(field, 5) {
        Some(shooting) if shooting > 0 => value_name(SHOOTING_MODES, shooting),
        _ => value_name(DRIVE_MODES, mode),
    }
}
