//! The maker note of Samsung's cameras: an IFD (image file directory, a table of tags) without a
//! header. Phones have other notes, without these facts.

use super::directory::{NoteBlock, OffsetOrigin};
use super::{MakerNoteFacts, iso_speed, serial_text, unsigned_at};
use crate::lens_ids::samsung_lens_name;
use crate::tag::maker_note::samsung as tag;

/// The smallest number of characters of a serial number.
const MIN_SERIAL_LENGTH: usize = 5;

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>) -> Option<MakerNoteFacts> {
    let directory = block.directory(0, OffsetOrigin::Layout)?;
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    Some(MakerNoteFacts {
        body_serial: directory
            .field(tag::SERIAL_NUMBER)
            .and_then(|f| serial_text(&f))
            .filter(|serial| serial.len() >= MIN_SERIAL_LENGTH),
        iso: number(tag::ISO).and_then(iso_speed),
        lens: number(tag::LENS_TYPE).and_then(samsung_lens_name),
        ..MakerNoteFacts::default()
    })
}
