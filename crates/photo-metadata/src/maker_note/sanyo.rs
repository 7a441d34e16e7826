//! Sanyo's maker note: a header of eight bytes, and an IFD (image file directory, a table of tags).

use super::directory::{NoteBlock, OffsetOrigin};
use super::{MakerNoteFacts, unsigned_at, value_name};
use crate::tag::maker_note::sanyo as tag;

/// The length of the header in bytes.
const HEADER_BYTES: u64 = 8;

/// The values of `SequentialShot`. ExifTool calls the first one `None`, and the next ones after the
/// quality of the series.
const SEQUENCES: &[(u32, &str)] = &[
    (0, "Single"),
    (1, "Continuous"),
    (2, "Continuous (Best)"),
    (3, "Exposure Bracketing"),
];

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>) -> Option<MakerNoteFacts> {
    let directory = block.directory(HEADER_BYTES, OffsetOrigin::Tiff)?;
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    let sequence = number(tag::SEQUENTIAL_SHOT).and_then(|value| value_name(SEQUENCES, value));
    let has_timer = number(tag::SELF_TIMER) == Some(1);
    Some(MakerNoteFacts {
        drive_mode: match sequence.as_deref() {
            Some("Single") if has_timer => Some("Self-timer".to_owned()),
            _ => sequence,
        },
        ..MakerNoteFacts::default()
    })
}
