//! Sigma's maker note: a header of ten bytes, and an IFD (image file directory, a table of tags).
//! Most values are texts.

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{MakerNoteFacts, NoteContext, iso_speed, serial_text, unsigned_at, value_name};
use crate::lens_ids::sigma_lens_name;
use crate::tag::maker_note::sigma as tag;
use crate::text::field_text;

/// The length of the header in bytes.
const HEADER_BYTES: u64 = 10;
/// The place of the version in the header.
const VERSION: usize = 9;
/// The first version in which the tag `LensType` has this meaning.
const FIRST_LENS_VERSION: u8 = 3;

/// The values of `ColorMode`.
const COLOR_MODES: &[(u32, &str)] = &[
    (1, "Sepia"),
    (2, "B&W"),
    (3, "Standard"),
    (4, "Vivid"),
    (5, "Neutral"),
    (6, "Portrait"),
    (7, "Landscape"),
    (8, "FOV Classic Blue"),
];

/// The values of `DriveMode` that need another name.
const DRIVE_MODES: &[(&str, &str)] = &[
    ("SINGLE", "Single Shot"),
    ("MULTI", "Multi Shot"),
    ("2S", "2 s Timer"),
    ("10S", "10 s Timer"),
    ("UP", "Mirror Up"),
    ("AB", "Auto Bracket"),
    ("OFF", "Off"),
];

/// Reads a note.
pub(super) fn read(
    block: &NoteBlock<'_>,
    head: &[u8],
    context: &NoteContext<'_>,
) -> Option<MakerNoteFacts> {
    let directory = block.directory(HEADER_BYTES, OffsetOrigin::Tiff)?;
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    let text = |tag| field_text(&directory.field(tag)?);
    let mode = number(tag::COLOR_MODE).and_then(|mode| value_name(COLOR_MODES, mode));
    let has_lens = head
        .get(VERSION)
        .is_some_and(|&version| version >= FIRST_LENS_VERSION);
    Some(MakerNoteFacts {
        body_serial: directory
            .field(tag::SERIAL_NUMBER)
            .and_then(|f| serial_text(&f)),
        iso: number(tag::ISO).and_then(iso_speed),
        lens: lens_number(&directory)
            .filter(|_| has_lens)
            .and_then(|number| sigma_lens_name(number, &context.traits)),
        film_simulation: mode.or_else(|| text(tag::PICTURE_MODE)),
        drive_mode: text(tag::DRIVE_MODE).map(|mode| drive_mode(&mode)),
        ..MakerNoteFacts::default()
    })
}

/// Returns the number of the lens. Most cameras write it as hexadecimal digits.
fn lens_number(directory: &NoteDirectory<'_>) -> Option<u32> {
    let field = directory.field(tag::LENS_TYPE)?;
    match field.number(0) {
        Some(_) => unsigned_at(&field, 0),
        None => u32::from_str_radix(&field_text(&field)?, 16).ok(),
    }
}

fn drive_mode(mode: &str) -> String {
    let other = DRIVE_MODES.iter().find(|(code, _)| *code == mode);
    other.map_or(mode, |(_, name)| name).to_owned()
}
