//! Finds the name of the lens in a maker note, for photos that have the name nowhere else. A maker
//! note is a field of EXIF in the camera maker's own format. Nothing else of a maker note is read.
//! An IFD (image file directory) is a table of tags.

use super::field_value::lens_specification;
use super::lens_ids::{pentax_lens_name, sony_lens_name};
use super::sparse::ByteView;
use super::tag::{self, maker_note as maker_note_tag};
use super::text::field_text;
use super::tiff::{Ifd, IfdField, IfdFields, directory_fields};

/// Returns the name of the lens from the maker note. Depending on the maker, this is a text in the
/// note, a name made from the focal lengths and apertures in the note, or the name for the lens
/// number in the note. A number that means more than one lens has no name. `canon_note` has the
/// fields of the separate maker note of a Canon CR3.
pub(crate) fn find_lens_name(fields: &IfdFields<'_>, canon_note: &IfdFields<'_>) -> Option<String> {
    // The maker note of a Canon CR3 is an IFD of its own.
    let canon_lens = canon_note.get(Ifd::MakerNote, maker_note_tag::CANON_LENS_MODEL);
    if let Some(name) = canon_lens.and_then(field_text) {
        return lens_name(name);
    }
    let note = fields.exif(tag::MAKER_NOTE)?;
    let make = fields
        .get(Ifd::Main(0), tag::MAKE)
        .and_then(field_text)?
        .to_ascii_lowercase();
    let is = |maker: &str| make.starts_with(maker);
    if is("canon") {
        return text_in_directory(note, note.offset, maker_note_tag::CANON_LENS_MODEL);
    }
    if is("panasonic") && note_starts_with(note, b"Panasonic\0\0\0") {
        let start = note.offset.checked_add(12)?;
        return text_in_directory(note, start, maker_note_tag::PANASONIC_LENS_TYPE);
    }
    if is("olympus") || is("om digital") {
        return olympus_lens(note);
    }
    if is("pentax") || is("ricoh") || is("asahi") {
        return pentax_lens(note);
    }
    if is("sony") {
        return sony_lens(note);
    }
    if is("nikon") && note_starts_with(note, b"Nikon\0\x02") {
        return nikon_lens(note);
    }
    None
}

fn note_starts_with(note: &IfdField<'_>, start: &[u8]) -> bool {
    let length = start.len() as u64;
    note.size >= length && note.view.get(note.offset, length) == Some(start)
}

/// Returns the lens name in the field `tag` of a directory in the maker note. `start` is the offset
/// of this directory in the TIFF structure.
fn text_in_directory(note: &IfdField<'_>, start: u64, tag: u16) -> Option<String> {
    let all = directory_fields(note.view, start, note.order);
    lens_name(all.iter().find(|f| f.tag == tag).and_then(field_text)?)
}

fn pentax_lens(note: &IfdField<'_>) -> Option<String> {
    // After `AOC`, offsets count from the start of the TIFF structure. After `PENTAX`, they count
    // from the start of the note.
    let (view, start) = if note_starts_with(note, b"AOC\0") {
        (note.view, note.offset.checked_add(6)?)
    } else {
        (note.view.from(note.offset), 10)
    };
    let all = directory_fields(view, start, note.order);
    let lens = all
        .iter()
        .find(|f| f.tag == maker_note_tag::PENTAX_LENS_TYPE)?;
    pentax_lens_name(lens.unsigned(0)?, lens.unsigned(1)?)
}

fn sony_lens(note: &IfdField<'_>) -> Option<String> {
    let start = if note_starts_with(note, b"SONY") {
        note.offset.checked_add(12)?
    } else {
        note.offset
    };
    let all = directory_fields(note.view, start, note.order);
    let lens = all
        .iter()
        .find(|f| f.tag == maker_note_tag::SONY_LENS_TYPE)?;
    sony_lens_name(lens.unsigned(0)?)
}

fn nikon_lens(note: &IfdField<'_>) -> Option<String> {
    // The note is a TIFF structure of its own from byte 10 on.
    let all = nikon_fields(note.view.from(note.offset.checked_add(10)?))?;
    all.iter()
        .find(|f| f.tag == maker_note_tag::NIKON_LENS)
        .and_then(lens_specification)
}

fn nikon_fields(inner: ByteView<'_>) -> Option<Vec<IfdField<'_>>> {
    let order = super::tiff::read_byte_order(inner)?;
    let start = match order {
        super::tiff::ByteOrder::Big => inner.be32(4)?,
        super::tiff::ByteOrder::Little => inner.le32(4)?,
    };
    Some(directory_fields(inner, u64::from(start), order))
}

/// Returns the lens name of an Olympus maker note: the text LensModel in the directory Equipment.
fn olympus_lens(note: &IfdField<'_>) -> Option<String> {
    let inner = note.view.from(note.offset);
    let head = inner.up_to(0, 16)?;
    // In the two newer forms, offsets count from the start of the note. In the old form, they count
    // from the start of the TIFF structure.
    let (view, start, order) = if head.starts_with(b"OLYMPUS\0") {
        (inner, 12, super::tiff::read_byte_order(inner.from(8))?)
    } else if head.starts_with(b"OM SYSTEM\0") {
        (inner, 16, super::tiff::read_byte_order(inner.from(12))?)
    } else if head.starts_with(b"OLYMP\0") {
        (note.view, note.offset.checked_add(8)?, note.order)
    } else {
        return None;
    };
    let all = directory_fields(view, start, order);
    let equipment = all
        .iter()
        .find(|f| f.tag == maker_note_tag::OLYMPUS_EQUIPMENT)?;
    // The value is a pointer to the directory. In older cameras it is the directory itself.
    let start = if equipment.size == 4 {
        equipment.unsigned(0)?
    } else {
        equipment.offset
    };
    lens_name(
        directory_fields(view, start, order)
            .iter()
            .find(|f| f.tag == maker_note_tag::OLYMPUS_LENS_MODEL)
            .and_then(field_text)?,
    )
}

/// Returns `name` if it is the name of a lens. Returns `None` if it has no letters or is `no-lens`.
fn lens_name(name: String) -> Option<String> {
    let is_name = name.chars().any(char::is_alphabetic) && !name.eq_ignore_ascii_case("no-lens");
    is_name.then_some(name)
}
