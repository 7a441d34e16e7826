//! Panasonic's maker note: a header of 12 bytes, and an IFD (image file directory, a table of
//! tags).

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{MakerNoteFacts, NoteContext, lens_name, unsigned_at, value_name};
use crate::tag::maker_note::panasonic as tag;
use crate::text::field_text;

/// The length of the header in bytes.
const HEADER_BYTES: u64 = 12;

/// The values of `PhotoStyle`.
const PHOTO_STYLES: &[(u32, &str)] = &[
    (0, "Auto"),
    (1, "Standard or Custom"),
    (2, "Vivid"),
    (3, "Natural"),
    (4, "Monochrome"),
    (5, "Scenery"),
    (6, "Portrait"),
    (8, "Cinelike D"),
    (9, "Cinelike V"),
    (11, "L. Monochrome"),
    (12, "Like709"),
    (15, "L. Monochrome D"),
    (17, "V-Log"),
    (18, "Cinelike D2"),
];

/// The values of `FilmMode`, which older cameras have.
const FILM_MODES: &[(u32, &str)] = &[
    (1, "Standard (color)"),
    (2, "Dynamic (color)"),
    (3, "Nature (color)"),
    (4, "Smooth (color)"),
    (5, "Standard (B&W)"),
    (6, "Dynamic (B&W)"),
    (7, "Smooth (B&W)"),
    (10, "Nostalgic"),
    (11, "Vibrant"),
];

/// The values of `BurstMode`. ExifTool calls the first two `Off` and `On`.
const BURST_MODES: &[(u32, &str)] = &[
    (0, "Single"),
    (1, "Continuous"),
    (2, "Auto Exposure Bracketing (AEB)"),
    (3, "Focus Bracketing"),
    (4, "Continuous (Unlimited)"),
    (8, "White Balance Bracketing"),
    (17, "Continuous (with flash)"),
    (18, "Aperture Bracketing"),
];
/// The values of `SelfTimer` if it is off.
const TIMER_OFF: [u32; 2] = [0, 1];

/// Reads a note of Panasonic.
pub(super) fn read(block: &NoteBlock<'_>, context: &NoteContext<'_>) -> Option<MakerNoteFacts> {
    // The offsets of this camera are too small by 12 (ExifTool's module MakerNotes).
    let displacement = match context.model {
        "DC-FT7" => block.displacement.checked_add(12)?,
        _ => block.displacement,
    };
    let block = NoteBlock {
        displacement,
        ..*block
    };
    let directory = block.directory(HEADER_BYTES, OffsetOrigin::Tiff)?;
    Some(read_directory(&directory))
}

/// Reads a directory with Panasonic's tags.
pub(super) fn read_directory(directory: &NoteDirectory<'_>) -> MakerNoteFacts {
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    let style = number(tag::PHOTO_STYLE).and_then(|style| value_name(PHOTO_STYLES, style));
    let mode = number(tag::BURST_MODE).and_then(|mode| value_name(BURST_MODES, mode));
    let has_timer = number(tag::SELF_TIMER).is_some_and(|timer| !TIMER_OFF.contains(&timer));
    MakerNoteFacts {
        lens: directory
            .field(tag::LENS_TYPE)
            .and_then(|f| field_text(&f))
            .and_then(lens_name),
        film_simulation: style.or_else(|| value_name(FILM_MODES, number(tag::FILM_MODE)?)),
        drive_mode: match mode.as_deref() {
            Some("Single") if has_timer => Some("Self-timer".to_owned()),
            _ => mode,
        },
        ..MakerNoteFacts::default()
    }
}
