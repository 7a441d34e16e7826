//! The maker note of Minolta and Konica Minolta: an IFD (image file directory, a table of tags)
//! without a header. The settings are a list of 32-bit numbers. They are always big-endian.

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{MakerNoteFacts, NoteContext, iso_speed, unsigned_at, value_name};
use crate::lens_ids::a_mount_lens_name;
use crate::tag::maker_note::minolta as tag;

/// The places of the numbers in the list `MinoltaCameraSettings`.
mod setting {
    pub(super) const DRIVE_MODE: usize = 6;
    pub(super) const ISO: usize = 8;
}

/// The values of `DriveMode`.
const DRIVE_MODES: &[(u32, &str)] = &[
    (0, "Single"),
    (1, "Continuous"),
    (2, "Self-timer"),
    (4, "Bracketing"),
    (5, "Interval"),
    (6, "UHS continuous"),
    (7, "HS continuous"),
];

/// The beginnings of notes that are not directories.
const OTHER_FORMS: [&[u8]; 6] = [b"MINOL", b"CAMER", b"MLY0", b"KC", b"+M+M", b"\xd7"];

/// Reads a note.
pub(super) fn read(
    block: &NoteBlock<'_>,
    head: &[u8],
    context: &NoteContext<'_>,
) -> Option<MakerNoteFacts> {
    if OTHER_FORMS.iter().any(|start| head.starts_with(start)) {
        return None;
    }
    let directory = block.directory(0, OffsetOrigin::Tiff)?;
    let lens = directory.field(tag::LENS_TYPE);
    Some(MakerNoteFacts {
        iso: camera_setting(&directory, context, setting::ISO).and_then(decode_iso),
        lens: lens.and_then(|f| a_mount_lens_name(unsigned_at(&f, 0)?, &context.traits, None)),
        drive_mode: camera_setting(&directory, context, setting::DRIVE_MODE)
            .and_then(|mode| value_name(DRIVE_MODES, mode)),
        ..MakerNoteFacts::default()
    })
}

/// Returns the number at `index` of the camera's settings.
fn camera_setting(
    directory: &NoteDirectory<'_>,
    context: &NoteContext<'_>,
    index: usize,
) -> Option<u32> {
    // The numbers in the list of this camera are in another order.
    let newer = match context.model {
        "DiMAGE X31" => None,
        _ => directory.field(tag::CAMERA_SETTINGS),
    };
    let field = newer.or_else(|| directory.field(tag::OLD_CAMERA_SETTINGS))?;
    let (numbers, _) = field.bytes?.as_chunks::<4>();
    numbers.get(index).map(|number| u32::from_be_bytes(*number))
}

/// Returns the ISO speed for its logarithm in eighths.
fn decode_iso(code: u32) -> Option<u32> {
    let code = u8::try_from(code).ok().filter(|&code| code > 0)?;
    let iso = ((f64::from(code) - 48.0) / 8.0).exp2() * 100.0;
    iso_speed(iso.round() as u32)
}
