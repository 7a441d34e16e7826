//! Maker notes without directories, in which each fact has a fixed place: Kodak, HP and Reconyx.

use super::directory::{NoteBlock, OffsetOrigin};
use super::{MakerNoteFacts, iso_speed, serial_number, unsigned_at};
use crate::tag::maker_note::kodak;
use crate::text::{clean_text, decode_text, decode_utf16, until_nul};
use crate::tiff::ByteOrder;

/// The words before a serial number in a note of HP.
const HP_SERIAL_START: &str = "SERIAL NUMBER:";
/// The length of a serial number of Reconyx in characters.
const RECONYX_SERIAL_LENGTH: u64 = 15;

/// Reads a note. `make` is the tag `Make` in lower case.
pub(super) fn read(
    block: &NoteBlock<'_>,
    head: &[u8],
    make: &str,
    model: &str,
) -> Option<MakerNoteFacts> {
    if let Some(serial) = reconyx_serial(block, head, make) {
        return Some(MakerNoteFacts {
            body_serial: serial_number(serial),
            ..MakerNoteFacts::default()
        });
    }
    // Notes of HP and Kodak may begin with the same letters.
    if let Some(start) = head.strip_prefix(b"IIII") {
        return Some(read_hp(block, start));
    }
    if !make.contains("kodak") {
        return None;
    }
    Some(read_kodak(block, head, model))
}

/// Returns the serial number in a note of a Reconyx camera trap.
fn reconyx_serial(block: &NoteBlock<'_>, head: &[u8], make: &str) -> Option<String> {
    let begins = |start: &[u8]| head.starts_with(start);
    let text = |start| fixed_text(block, start, RECONYX_SERIAL_LENGTH);
    let wide_text = |start| {
        let bytes = block.view_from(start).get(0, 2 * RECONYX_SERIAL_LENGTH)?;
        decode_utf16(bytes, ByteOrder::Little)
    };
    if begins(b"RECONYXUF\0") {
        return text(75);
    }
    if begins(b"RECONYXH2\0") {
        return wide_text(126);
    }
    if begins(b"RECONYXMF\0") {
        return wide_text(140);
    }
    if begins(b"RECONYXHF4K\0") {
        return text(132);
    }
    let is_hyper_fire = match head.get(..4) {
        Some([0x01, 0xf1, 0x02 | 0x03, 0]) => true,
        Some([0x01, 0xf1, ..]) => make == "reconyx",
        _ => false,
    };
    // The table counts 16-bit numbers.
    if is_hyper_fire { wide_text(42) } else { None }
}

/// Reads a note that begins with `IIII`. `version` are the bytes after these letters.
fn read_hp(block: &NoteBlock<'_>, version: &[u8]) -> MakerNoteFacts {
    let serial_start = match version.first() {
        Some(4 | 5) => Some(92),
        Some(6) => Some(88),
        _ => None,
    };
    let serial = serial_start.and_then(|start| {
        let text = fixed_text(block, start, 26)?;
        serial_number(clean_text(text.strip_prefix(HP_SERIAL_START)?)?)
    });
    MakerNoteFacts {
        body_serial: serial,
        iso: iso_at(block, 52, ByteOrder::Little),
        ..MakerNoteFacts::default()
    }
}

/// Reads a note of Kodak. ExifTool numbers the forms from 1 to 12.
fn read_kodak(block: &NoteBlock<'_>, head: &[u8], model: &str) -> MakerNoteFacts {
    let iso = |start, order| MakerNoteFacts {
        iso: iso_at(block, start, order),
        ..MakerNoteFacts::default()
    };
    if head.starts_with(b"KDK") {
        let order = match head.starts_with(b"KDK INFO") {
            true => ByteOrder::Big,
            false => ByteOrder::Little,
        };
        let burst = block.view_from(8 + 10).array::<1>(0);
        let drive = match burst {
            Some([0]) => Some("Single"),
            Some([1]) => Some("Continuous"),
            _ => None,
        };
        return MakerNoteFacts {
            drive_mode: drive.map(str::to_owned),
            ..iso(8 + 96, order)
        };
    }
    if is_kodak_serial(head) {
        return MakerNoteFacts {
            body_serial: fixed_text(block, 0, 16).and_then(serial_number),
            ..MakerNoteFacts::default()
        };
    }
    if model.contains("DX3215") {
        return iso(26, ByteOrder::Big);
    }
    if model.contains("DX3700") {
        return iso(26, ByteOrder::Little);
    }
    let older = ["CX4200", "CX4230", "CX4300", "CX4310", "CX6200", "CX6230"];
    if older.iter().any(|older| model.contains(older)) {
        return iso(30, ByteOrder::Big);
    }
    match head {
        [b'M', b'M', 0, 2..=0x7f, ..] | [b'I', b'I', 2..=0x7f, 0, ..]
            if head.get(2..4) != Some(b"\0*") =>
        {
            MakerNoteFacts {
                iso: kodak_directory_iso(block, head),
                ..MakerNoteFacts::default()
            }
        }
        _ => MakerNoteFacts::default(),
    }
}

/// Reports whether a note of Kodak begins with a serial number: `KCXFH43500123`.
fn is_kodak_serial(head: &[u8]) -> bool {
    let is_code = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let serial: Vec<u8> = head.iter().copied().take_while(is_code).collect();
    let end = head.get(serial.len());
    matches!(serial.first(), Some(b'C' | b'K'))
        && (12..=14).contains(&serial.len())
        && matches!(end, Some(0 | b' '))
        && serial.iter().rev().take(4).all(u8::is_ascii_digit)
}

/// Returns the ISO speed in a directory after two letters for the byte order. It is a logarithm in
/// thirds.
fn kodak_directory_iso(block: &NoteBlock<'_>, head: &[u8]) -> Option<u32> {
    let order = match head.first()? {
        b'I' => ByteOrder::Little,
        _ => ByteOrder::Big,
    };
    let directory = block.directory_in(2, OffsetOrigin::Tiff, order)?;
    let code = unsigned_at(&directory.field(kodak::ISO)?, 0).filter(|&code| code < 60)?;
    iso_speed(((f64::from(code) / 3.0).exp2() * 25.0).round() as u32)
}

/// Returns the text at the byte `start` of a note, up to the first NUL.
fn fixed_text(block: &NoteBlock<'_>, start: u64, length: u64) -> Option<String> {
    let bytes = block.view_from(start).get(0, length)?;
    clean_text(&decode_text(until_nul(bytes)))
}

/// Returns the ISO speed at the byte `start` of a note.
fn iso_at(block: &NoteBlock<'_>, start: u64, order: ByteOrder) -> Option<u32> {
    let bytes = block.view_from(start).array(0)?;
    iso_speed(u32::from(order.u16(bytes)))
}
