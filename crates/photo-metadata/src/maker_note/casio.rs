//! Casio's maker note: an IFD (image file directory, a table of tags). The newer form has a header.

use super::directory::{NoteBlock, OffsetOrigin};
use super::{MakerNoteFacts, iso_speed, unsigned_at, value_name};
use crate::tag::maker_note::casio as tag;

/// The length in bytes of the header of the newer form.
const HEADER_BYTES: u64 = 6;

/// The values of `DriveMode` that are not a frame rate.
const DRIVE_MODES: &[(u32, &str)] = &[
    (0, "Single Shot"),
    (1, "Continuous Shooting"),
    (240, "Auto-N"),
];

/// The value of `ReleaseMode` for the shutter button without a series. ExifTool calls it `Normal`.
const NORMAL_RELEASE: u32 = 1;
/// The other values of `ReleaseMode`.
const RELEASE_MODES: &[(u32, &str)] = &[
    (3, "AE Bracketing"),
    (11, "WB Bracketing"),
    (13, "Contrast Bracketing"),
    (19, "High Speed Burst"),
];

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>, head: &[u8]) -> Option<MakerNoteFacts> {
    let is_newer = head.starts_with(b"QVC\0") || head.starts_with(b"DCI\0");
    if !is_newer {
        let directory = block.directory(0, OffsetOrigin::Tiff)?;
        return Some(MakerNoteFacts {
            iso: directory
                .field(tag::OLD_ISO)
                .and_then(|f| iso_speed(unsigned_at(&f, 0)?)),
            ..MakerNoteFacts::default()
        });
    }
    let directory = block.directory(HEADER_BYTES, OffsetOrigin::Layout)?;
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    let release = number(tag::RELEASE_MODE);
    let unusual = release.and_then(|mode| value_name(RELEASE_MODES, mode));
    let is_normal = release == Some(NORMAL_RELEASE);
    Some(MakerNoteFacts {
        iso: number(tag::ISO).and_then(iso_speed),
        drive_mode: unusual
            .or_else(|| Some(drive_mode(number(tag::DRIVE_MODE)?)))
            .or_else(|| is_normal.then(|| "Single".to_owned())),
        ..MakerNoteFacts::default()
    })
}

/// Returns the name of a drive mode. A number without a name is the number of frames in a second.
fn drive_mode(mode: u32) -> String {
    value_name(DRIVE_MODES, mode).unwrap_or_else(|| format!("Continuous ({mode} fps)"))
}
