//! The lens' name out of a maker note, where only that has it. Nothing else of a maker note is read.

use super::sparse::View;
use super::tiff::{Field, Fields, Ifd, MAKER_NOTE, directory_fields};
use super::{lens_ids, normalise, text};

/// The lens' name, of the makers who write it as text, and of those who write a number that means one lens.
pub(crate) fn lens(fields: &Fields<'_>, canon_note: &Fields<'_>) -> Option<String> {
    // A CR3 has Canon's maker note as an IFD of its own.
    if let Some(name) = canon_note.get(Ifd::MakerNote, 0x0095).and_then(text::of) {
        return named(name);
    }
    let note = fields.exif(MAKER_NOTE)?;
    let make = fields
        .get(Ifd::Main(0), 0x010f)
        .and_then(text::of)?
        .to_ascii_lowercase();
    let tiff = note.view;
    let at = |skip: u64| note.offset.checked_add(skip);
    let starts = |what: &[u8]| {
        note.size >= what.len() as u64 && tiff.get(note.offset, what.len() as u64) == Some(what)
    };
    let text_in = |view: View<'_>, start: u64, tag: u16| {
        directory_fields(view, start, note.order)
            .iter()
            .find(|f| f.tag == tag)
            .and_then(text::of)
    };
    if make.starts_with("canon") {
        return named(text_in(tiff, note.offset, 0x0095)?);
    }
    if make.starts_with("panasonic") && starts(b"Panasonic\0\0\0") {
        return named(text_in(tiff, at(12)?, 0x0051)?);
    }
    if make.starts_with("olympus") || make.starts_with("om digital") {
        return olympus(note);
    }
    if make.starts_with("pentax") || make.starts_with("ricoh") || make.starts_with("asahi") {
        // AOC: offsets from the TIFF; PENTAX: from the note.
        let (view, start) = if starts(b"AOC\0") {
            (tiff, at(6)?)
        } else {
            (tiff.from(note.offset), 10)
        };
        let all = directory_fields(view, start, note.order);
        let lens = all.iter().find(|f| f.tag == 0x003f)?;
        return lens_ids::pentax(lens.unsigned(0)?, lens.unsigned(1)?);
    }
    if make.starts_with("sony") {
        let start = if starts(b"SONY") {
            at(12)?
        } else {
            note.offset
        };
        let all = directory_fields(tiff, start, note.order);
        return lens_ids::sony(all.iter().find(|f| f.tag == 0xb027)?.unsigned(0)?);
    }
    if make.starts_with("nikon") && starts(b"Nikon\0\x02") {
        // A TIFF structure of its own from byte 10; tag 0x0084 is a specification like EXIF's.
        let inner = tiff.from(at(10)?);
        let all = nikon_fields(inner)?;
        return all
            .iter()
            .find(|f| f.tag == 0x0084)
            .and_then(normalise::specification);
    }
    None
}

fn nikon_fields(inner: View<'_>) -> Option<Vec<Field<'_>>> {
    let order = super::tiff::order(inner)?;
    let start = match order {
        super::tiff::Order::Big => inner.be32(4)?,
        super::tiff::Order::Little => inner.le32(4)?,
    };
    Some(directory_fields(inner, u64::from(start), order))
}

/// Equipment (0x2010), then LensModel (0x0203).
fn olympus(note: &Field<'_>) -> Option<String> {
    let inner = note.view.from(note.offset);
    let head = inner.up_to(0, 16)?;
    // The two newer forms count offsets from the note, the old one from the TIFF.
    let (view, start, order) = if head.starts_with(b"OLYMPUS\0") {
        (inner, 12, super::tiff::order(inner.from(8))?)
    } else if head.starts_with(b"OM SYSTEM\0") {
        (inner, 16, super::tiff::order(inner.from(12))?)
    } else if head.starts_with(b"OLYMP\0") {
        (note.view, note.offset.checked_add(8)?, note.order)
    } else {
        return None;
    };
    let all = directory_fields(view, start, order);
    let equipment = all.iter().find(|f| f.tag == 0x2010)?;
    // A pointer, or, in older cameras, the directory itself as the value.
    let start = if equipment.size == 4 {
        equipment.unsigned(0)?
    } else {
        equipment.offset
    };
    named(
        directory_fields(view, start, order)
            .iter()
            .find(|f| f.tag == 0x0203)
            .and_then(text::of)?,
    )
}

fn named(name: String) -> Option<String> {
    let is_name = name.chars().any(char::is_alphabetic) && !name.eq_ignore_ascii_case("no-lens");
    is_name.then_some(name)
}
