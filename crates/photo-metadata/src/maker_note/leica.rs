//! Leica's maker note. It has the form of Panasonic's for cameras that Panasonic makes, and several
//! forms for the others. ExifTool numbers them from 1 to 10.

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{
    MakerNoteFacts, NoteContext, lens_name, panasonic, serial_number, serial_text, unsigned_at,
};
use crate::lens_ids::leica_lens_name;
use crate::tag::maker_note::leica as tag;
use crate::text::{clean_text, decode_text, field_text, until_nul};
use crate::tiff::{FieldType, IfdField};

/// The length of the header in bytes, in all forms but two.
const HEADER_BYTES: u64 = 8;
/// The length of the header `LEICA CAMERA AG` in bytes.
const LONG_HEADER_BYTES: u64 = 18;

/// Reads a note.
pub(super) fn read(
    block: &NoteBlock<'_>,
    head: &[u8],
    context: &NoteContext<'_>,
) -> Option<MakerNoteFacts> {
    let directory = |origin| block.directory(HEADER_BYTES, origin);
    if head.starts_with(b"LEICA CAMERA AG\0") {
        let directory = block.directory(LONG_HEADER_BYTES, OffsetOrigin::Tiff)?;
        return Some(panasonic::read_directory(&directory));
    }
    if context.make == "LEICA" {
        return Some(panasonic::read_directory(&directory(OffsetOrigin::Tiff)?));
    }
    match head.get(5..8) {
        _ if !head.starts_with(b"LEICA") => {
            let directory = block.directory(0, OffsetOrigin::Tiff)?;
            Some(read_r8(&directory))
        }
        // In a JPEG, the offsets of the M8 count from the directory, and in a DNG from the start of
        // the file.
        Some([0, 0, 0]) => {
            let in_note = directory(OffsetOrigin::Note(HEADER_BYTES))?;
            Some(read_m8(&in_note))
        }
        Some([b'0', ..]) => Some(read_m9(&directory(OffsetOrigin::Note(0))?)),
        Some([0, 0x01 | 0x04 | 0x05 | 0x06 | 0x07 | 0x10 | 0x1a, 0]) => {
            Some(read_x(&directory(OffsetOrigin::Note(0))?))
        }
        Some([0, 0x08..=0x0a, 0]) => Some(read_x(&directory(OffsetOrigin::Tiff)?)),
        // The S2 and the M (Typ 240). In a JPEG of these cameras, the note is outside EXIF.
        Some([0, 0x02, 0xff]) => Some(read_s2(&directory(OffsetOrigin::Tiff)?)),
        _ => None,
    }
}

/// Reads the note of the R8 and R9.
fn read_r8(directory: &NoteDirectory<'_>) -> MakerNoteFacts {
    let serial = directory.field(tag::R8_SERIAL_INFO).and_then(|field| {
        let number = until_nul(field.bytes?.get(4..12)?);
        serial_number(clean_text(&decode_text(number))?)
    });
    MakerNoteFacts {
        body_serial: serial,
        ..MakerNoteFacts::default()
    }
}

/// Reads the note of the M8. The values of its facts are inside the entries.
fn read_m8(directory: &NoteDirectory<'_>) -> MakerNoteFacts {
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    MakerNoteFacts {
        body_serial: number(tag::M8_SERIAL_NUMBER)
            .and_then(|number| serial_number(format!("{number:07}"))),
        lens: number(tag::M8_LENS_TYPE).and_then(leica_lens_name),
        ..MakerNoteFacts::default()
    }
}

/// Reads the note of the M9 and the M Monochrom.
fn read_m9(directory: &NoteDirectory<'_>) -> MakerNoteFacts {
    let field = |part, tag| directory.subdirectory(part)?.field(tag);
    MakerNoteFacts {
        body_serial: field(tag::M9_CAMERA, tag::M9_SERIAL_NUMBER).and_then(|f| serial_text(&f)),
        lens: field(tag::M9_LENS, tag::M9_LENS_TYPE)
            .and_then(|f| leica_lens_name(unsigned_at(&f, 0)?)),
        ..MakerNoteFacts::default()
    }
}

/// Reads the note of the X, T, Q, SL and CL.
fn read_x(directory: &NoteDirectory<'_>) -> MakerNoteFacts {
    let serial = directory.field(tag::SERIAL_NUMBER);
    MakerNoteFacts {
        body_serial: serial.and_then(|f| serial_number(unsigned_at(&f, 0)?.to_string())),
        lens: text_lens(directory.field(tag::LENS_TYPE)),
        film_simulation: directory.field(tag::FILM_MODE).and_then(|f| field_text(&f)),
        ..MakerNoteFacts::default()
    }
}

/// Reads the note of the S2, the S and the M (Typ 240).
fn read_s2(directory: &NoteDirectory<'_>) -> MakerNoteFacts {
    MakerNoteFacts {
        lens: text_lens(directory.field(tag::LENS_TYPE)),
        ..MakerNoteFacts::default()
    }
}

/// Returns the name of a lens in a field with text. The field has other types in other cameras.
fn text_lens(field: Option<IfdField<'_>>) -> Option<String> {
    let field = field.filter(|field| field.kind == FieldType::Ascii)?;
    lens_name(field_text(&field)?)
}
