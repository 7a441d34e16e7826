//! Fujifilm's maker note: a header, and an IFD (image file directory, a table of tags) in
//! little-endian byte order. Offsets count from the start of the note.

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{MakerNoteFacts, unsigned_at, value_name};
use crate::tag::maker_note::fujifilm as tag;
use crate::tiff::ByteOrder;

/// The place of the directory's offset in the header.
const DIRECTORY_POINTER: u64 = 8;

/// The film simulations in colour, by `FilmMode`. The names are those of Fujifilm's menus, which
/// ExifTool has in brackets: `F0/Standard (Provia)`.
const FILM_MODES: &[(u32, &str)] = &[
    (0x000, "Provia"),
    (0x100, "Studio Portrait"),
    (0x110, "Studio Portrait Enhanced Saturation"),
    (0x120, "Astia"),
    (0x130, "Studio Portrait Increased Sharpness"),
    (0x200, "Velvia"),
    (0x300, "Studio Portrait Ex"),
    (0x400, "Velvia"),
    (0x500, "Pro Neg. Std"),
    (0x501, "Pro Neg. Hi"),
    (0x600, "Classic Chrome"),
    (0x700, "Eterna"),
    (0x800, "Classic Negative"),
    (0x900, "Bleach Bypass"),
    (0xa00, "Nostalgic Neg"),
    (0xb00, "Reala ACE"),
];

/// The film simulations without colour, by `Saturation`.
const MONOCHROME_MODES: &[(u32, &str)] = &[
    (0x300, "Monochrome"),
    (0x301, "Monochrome+R Filter"),
    (0x302, "Monochrome+Ye Filter"),
    (0x303, "Monochrome+G Filter"),
    (0x310, "Sepia"),
    (0x500, "Acros"),
    (0x501, "Acros+R Filter"),
    (0x502, "Acros+Ye Filter"),
    (0x503, "Acros+G Filter"),
];

/// The drive modes, by the low byte of `DriveSettings`.
const DRIVE_MODES: &[(u32, &str)] = &[(0, "Single"), (1, "Continuous Low"), (2, "Continuous High")];

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>) -> Option<MakerNoteFacts> {
    let start = block.view_from(DIRECTORY_POINTER).le32(0)?;
    let origin = OffsetOrigin::Note(0);
    let directory = block.directory_in(u64::from(start), origin, ByteOrder::Little)?;
    let drive = directory.field(tag::DRIVE_SETTINGS);
    Some(MakerNoteFacts {
        film_simulation: film_simulation(&directory),
        drive_mode: drive
            .and_then(|f| unsigned_at(&f, 0))
            .and_then(|settings| value_name(DRIVE_MODES, settings & 0xff)),
        ..MakerNoteFacts::default()
    })
}

/// Returns the name of the film simulation. If a photo has no colour, `FilmMode` is missing or has
/// no meaning.
fn film_simulation(directory: &NoteDirectory<'_>) -> Option<String> {
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    number(tag::SATURATION)
        .and_then(|value| value_name(MONOCHROME_MODES, value))
        .or_else(|| value_name(FILM_MODES, number(tag::FILM_MODE)?))
}
