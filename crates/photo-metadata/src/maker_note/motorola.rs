//! Motorola's maker note: a header of eight bytes, and an IFD (image file directory, a table of
//! tags). Offsets count from the start of the note.

use super::MakerNoteFacts;
use super::directory::{NoteBlock, OffsetOrigin};
use super::serial_text;
use crate::tag::maker_note::motorola as tag;
use crate::text::field_text;

/// The length of the header in bytes.
const HEADER_BYTES: u64 = 8;

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>) -> Option<MakerNoteFacts> {
    let directory = block.directory(HEADER_BYTES, OffsetOrigin::Note(0))?;
    let drive = directory.field(tag::DRIVE_MODE);
    Some(MakerNoteFacts {
        body_serial: directory
            .field(tag::SERIAL_NUMBER)
            .and_then(|f| serial_text(&f)),
        drive_mode: drive.and_then(|f| field_text(&f)),
        ..MakerNoteFacts::default()
    })
}
