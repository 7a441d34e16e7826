//! Ricoh's maker note: a header of eight bytes, and an IFD (image file directory, a table of tags).
//! Newer cameras write the form of Pentax.

use super::directory::{NoteBlock, OffsetOrigin};
use super::{MakerNoteFacts, serial_number, unsigned_at, value_name};
use crate::tag::maker_note::ricoh as tag;
use crate::text::{clean_text, decode_text, field_text, until_nul};
use crate::tiff::{FieldType, IfdField};
use crate::utc_offset::parse_offset;

/// The length of the header in bytes.
const HEADER_BYTES: u64 = 8;

/// The values of `DriveMode`.
const DRIVE_MODES: &[(u32, &str)] = &[
    (0, "Single-frame"),
    (1, "Continuous"),
    (8, "AF-priority Continuous"),
];

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>, head: &[u8]) -> Option<MakerNoteFacts> {
    let headers: [&[u8]; 5] = [b"Ricoh", b"RICOH", b"      ", b"MM\0*", b"II*\0"];
    if !headers.iter().any(|header| head.starts_with(header)) {
        return None;
    }
    let directory = block.directory(HEADER_BYTES, OffsetOrigin::Tiff)?;
    let drive = directory.field(tag::DRIVE_MODE);
    let zone = || {
        let theta = directory.subdirectory(tag::THETA)?;
        parse_offset(&field_text(&theta.field(tag::TIME_ZONE)?)?)
    };
    Some(MakerNoteFacts {
        time_zone: zone(),
        body_serial: directory
            .field(tag::SERIAL_NUMBER)
            .and_then(|f| body_serial(&f)),
        // In other cameras, a field with this tag has another type and another meaning.
        drive_mode: drive
            .filter(|f| f.kind == FieldType::Short)
            .and_then(|f| value_name(DRIVE_MODES, unsigned_at(&f, 0)?)),
        ..MakerNoteFacts::default()
    })
}

/// Returns the serial number, if the field is text. In older cameras, it contains the number of a
/// circuit board in binary form.
fn body_serial(field: &IfdField<'_>) -> Option<String> {
    let bytes = field.bytes?;
    let is_text = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_ ".contains(byte);
    if !bytes.iter().all(is_text) {
        return None;
    }
    serial_number(clean_text(&decode_text(until_nul(bytes)))?)
}
