//! Nikon's maker note. It has three forms: with a TIFF header of its own, with a short header, and
//! without a header (the D1 and the early Coolpix cameras).

use chrono::FixedOffset;

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{
    MakerNoteFacts, NoteContext, iso_speed, offset_of_minutes, serial_number, unsigned_at,
};
use crate::field_value::lens_specification;
use crate::lens_ids::nikon_lens_name;
use crate::tag::maker_note::nikon as tag;
use crate::text::{clean_text, decode_text, field_text, until_nul};
use crate::tiff::{ByteOrder, IfdField, read_byte_order};

/// The place of the TIFF header in a note of the newest form.
const HEADER_START: u64 = 10;
/// The length in bytes of a name in the structure `PictureControlData`.
const NAME_BYTES: usize = 20;

/// The bits of `ShootingMode` and their names. If no bit is set, the mode is single frames.
const SHOOTING_BITS: &[(u32, &str)] = &[
    (0, "Continuous"),
    (1, "Delay"),
    (2, "PC Control"),
    (3, "Self-timer"),
    (4, "Exposure Bracketing"),
    (5, "Auto ISO"),
    (6, "White-Balance Bracketing"),
    (7, "IR Control"),
    (8, "D-Lighting Bracketing"),
    (11, "Pre-capture"),
];
/// The bits of `ShootingMode` that mean anything other than single frames.
const NOT_SINGLE_FRAME: u32 = 0x87;

/// Reads a note.
pub(super) fn read(
    block: &NoteBlock<'_>,
    head: &[u8],
    context: &NoteContext<'_>,
) -> Option<MakerNoteFacts> {
    // The short form has other tags, which contain none of these facts.
    if head.starts_with(b"Nikon\0\x01") {
        return None;
    }
    let directory = if head.starts_with(b"Nikon\0\x02") {
        let inner = block.view_from(HEADER_START);
        let order = read_byte_order(inner)?;
        let start = u64::from(order.u32(inner.array(4)?)).checked_add(HEADER_START)?;
        block.directory_in(start, OffsetOrigin::Note(HEADER_START), order)?
    } else {
        block.directory(0, OffsetOrigin::Tiff)?
    };
    let text = |tag| field_text(&directory.field(tag)?);
    Some(MakerNoteFacts {
        time_zone: directory.field(tag::WORLD_TIME).and_then(|f| time_zone(&f)),
        body_serial: text(tag::SERIAL_NUMBER)
            .or_else(|| text(tag::OLD_SERIAL_NUMBER))
            .and_then(|text| body_serial(&text)),
        iso: find_iso(&directory),
        lens: find_lens(&directory),
        film_simulation: picture_control(&directory),
        drive_mode: directory
            .field(tag::SHOOTING_MODE)
            .and_then(|f| Some(shooting_mode(unsigned_at(&f, 0)?, context.model))),
    })
}

/// Returns the offset in the structure `WorldTime`: the minutes from UTC without daylight saving
/// time, and a byte that is 1 during daylight saving time. Nikon's editor changes the byte order of
/// the file but not of this structure.
///
/// If the clock of the camera was never set, the zone is UTC or the zone of the country in which
/// the camera was sold. The file does not show this. So the zone is used.
fn time_zone(field: &IfdField<'_>) -> Option<FixedOffset> {
    let &[first, second, daylight, ..] = field.bytes? else {
        return None;
    };
    let daylight = match daylight {
        0 => 0,
        1 => 60,
        _ => return None,
    };
    let minutes_in = |order: ByteOrder| {
        let minutes = order.u16([first, second]).cast_signed();
        offset_of_minutes(i32::from(minutes) + daylight)
    };
    minutes_in(field.order).or_else(|| minutes_in(field.order.swapped()))
}

/// Returns a serial number without the words `NO=`, which older cameras write before it.
fn body_serial(text: &str) -> Option<String> {
    let start = text.get(..3);
    let number = match start {
        Some(start) if start.eq_ignore_ascii_case("no=") => text.get(3..)?,
        _ => text,
    };
    serial_number(clean_text(number)?)
}

/// Returns the ISO speed: the second of two numbers, or the logarithm in the structure `ISOInfo`.
fn find_iso(directory: &NoteDirectory<'_>) -> Option<u32> {
    let used = directory.field(tag::ISO).and_then(|f| unsigned_at(&f, 1));
    let logarithm = || {
        let field = directory.field(tag::ISO_INFO)?;
        let code = field.bytes?.first().copied().filter(|&code| code > 0)?;
        let iso = (f64::from(code) / 12.0 - 5.0).exp2() * 100.0;
        Some(iso.round() as u32)
    };
    used.and_then(iso_speed)
        .or_else(|| logarithm().and_then(iso_speed))
}

/// Returns the name of the lens for the eight bytes that identify it, if they are not encrypted.
/// Otherwise returns its focal lengths and apertures.
fn find_lens(directory: &NoteDirectory<'_>) -> Option<String> {
    let specified = || lens_specification(&directory.field(tag::LENS)?);
    lens_key(directory)
        .and_then(nikon_lens_name)
        .or_else(specified)
}

/// Returns the eight bytes that identify a lens as one number: seven bytes of the structure
/// `LensData`, and the tag `LensType`.
fn lens_key(directory: &NoteDirectory<'_>) -> Option<u64> {
    let data = directory.field(tag::LENS_DATA)?;
    let bytes = data.bytes?;
    let start = match bytes.get(..4)? {
        b"0100" => 6,
        b"0101" => 11,
        // Later versions are encrypted.
        _ => return None,
    };
    let kind = directory.field(tag::LENS_TYPE)?.bytes?.first().copied()?;
    let mut key = [0; 8];
    let (identity, rest) = key.split_at_mut(7);
    identity.copy_from_slice(bytes.get(start..start + 7)?);
    rest.fill(kind);
    Some(u64::from_be_bytes(key))
}

/// Returns the name in the structure `PictureControlData`.
fn picture_control(directory: &NoteDirectory<'_>) -> Option<String> {
    let field = directory
        .field(tag::PICTURE_CONTROL)
        .or_else(|| directory.field(tag::COOLPIX_PICTURE_CONTROL))?;
    let bytes = field.bytes?;
    let start = match bytes.get(..2)? {
        b"01" | b"02" => 4,
        b"03" => 8,
        _ => return None,
    };
    let name = until_nul(bytes.get(start..start + NAME_BYTES)?);
    clean_text(&decode_text(name)).map(|name| capitalise_words(&name))
}

/// Writes each word of capitals with one capital, as ExifTool does: `DEEP TONE` gives `Deep Tone`.
/// A word without vowels is kept, because it is an abbreviation.
fn capitalise_words(text: &str) -> String {
    let is_vowel = |c: char| "AEIOUY".contains(c);
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut changed = String::with_capacity(text.len());
    for word in words {
        let length = word.chars().take_while(char::is_ascii_uppercase).count();
        let (capitals, rest) = word.split_at(length);
        match capitals.split_at_checked(1) {
            Some((first, others)) if capitals.contains(is_vowel) => {
                changed.push_str(first);
                changed.push_str(&others.to_ascii_lowercase());
            }
            _ => changed.push_str(capitals),
        }
        changed.push_str(rest);
    }
    changed
}

/// Returns the name of a shooting mode: the names of its bits. In the D70, one bit has another
/// meaning.
fn shooting_mode(bits: u32, model: &str) -> String {
    let mut names = Vec::new();
    if bits & NOT_SINGLE_FRAME == 0 {
        names.push("Single-Frame");
    }
    let is_d70 = model.split_whitespace().any(|word| word == "D70");
    for &(bit, name) in SHOOTING_BITS {
        if bits >> bit & 1 == 1 && !(is_d70 && bit == 5) {
            names.push(name);
        }
    }
    names.join(", ")
}
