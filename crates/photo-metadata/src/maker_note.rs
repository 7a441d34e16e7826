//! Reads the facts of a photo that only its maker note has. A maker note is a field of EXIF in the
//! camera maker's own format. Only the facts in [`MakerNoteFacts`] are read. Encrypted parts are
//! not decrypted.
//!
//! Each maker has a module. The tags and their meanings are public facts, from ExifTool's tag name
//! documentation. An IFD (image file directory) is a table of tags.

mod canon;
mod casio;
mod directory;
mod fixed_layout;
mod fujifilm;
mod leica;
mod minolta;
mod motorola;
mod nikon;
mod olympus;
mod panasonic;
mod pentax;
mod phase_one;
mod private_data;
mod ricoh;
mod samsung;
mod sanyo;
mod sigma;
mod sony;

use chrono::FixedOffset;

use self::directory::NoteBlock;
use super::blocks::MetadataBlock;
use super::lens_ids::LensTraits;
use super::sparse::ByteView;
use super::tag;
use super::text::field_text;
use super::tiff::{FieldNumber, Ifd, IfdField, IfdFields};
use super::xmp::XmpProperties;

/// The facts of a photo that come from its maker note. A fact is `None` if the note does not have
/// it, or if its value is a placeholder or impossible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MakerNoteFacts {
    /// The difference of the camera's clock from UTC, with daylight saving time.
    pub(crate) time_zone: Option<FixedOffset>,
    /// The serial number of the body, as on its plate. Numbers of circuit boards, which ExifTool
    /// calls `InternalSerialNumber`, are not read: they differ from the number that EXIF and XMP
    /// have in other files of the same shot.
    pub(crate) body_serial: Option<String>,
    /// The ISO speed.
    pub(crate) iso: Option<u32>,
    /// The name of the lens.
    pub(crate) lens: Option<String>,
    /// The name of the film simulation or picture style.
    pub(crate) film_simulation: Option<String>,
    /// The drive mode: single shots, a series, a self-timer.
    pub(crate) drive_mode: Option<String>,
}

/// The facts from EXIF that are needed to read a note.
#[derive(Debug, Clone, Copy)]
struct NoteContext<'a> {
    /// The tag `Make`.
    make: &'a str,
    /// The tag `Model`.
    model: &'a str,
    /// The facts about the lens in EXIF.
    traits: LensTraits,
}

/// The places of a file in which a maker note can be.
pub(crate) struct NoteSources<'a, 's> {
    pub(crate) fields: &'a IfdFields<'s>,
    /// The fields of the separate note of a Canon CR3.
    pub(crate) canon_note: &'a IfdFields<'s>,
    /// The records of a Canon CRW that have the facts of a note.
    pub(crate) crw_records: &'a [(u16, MetadataBlock)],
    pub(crate) xmp: &'a XmpProperties,
    pub(crate) file: ByteView<'s>,
}

/// Reads the maker note of a file. Returns empty facts if there is no note, or if its format is not
/// known.
pub(crate) fn read_maker_note(sources: &NoteSources<'_, '_>) -> MakerNoteFacts {
    let (fields, canon_note) = (sources.fields, sources.canon_note);
    let block = fields.get(Ifd::Exif, tag::MAKER_NOTE);
    let block = block
        .or_else(|| fields.get(Ifd::Main(0), tag::MAKER_NOTE))
        .map(NoteBlock::of_field)
        .or_else(|| private_data::find_maker_note(fields));
    if block.is_none() && canon_note.list.is_empty() && sources.crw_records.is_empty() {
        return MakerNoteFacts::default();
    }
    let text = |tag, property| {
        let recorded = fields.get(Ifd::Main(0), tag).and_then(field_text);
        recorded.or_else(|| sources.xmp.get(property).map(str::to_owned))
    };
    let make = text(tag::MAKE, "tiff:Make");
    let model = text(tag::MODEL, "tiff:Model");
    let context = NoteContext {
        make: make.as_deref().unwrap_or_default(),
        model: model.as_deref().unwrap_or_default(),
        traits: exif_lens_traits(fields),
    };
    if !sources.crw_records.is_empty() {
        return canon::read_records(sources.file, sources.crw_records, &context);
    }
    // The maker note of a Canon CR3 is a TIFF structure of its own.
    let facts = match canon_note.list.first() {
        Some(field) => canon::read_structure(field.view, &context),
        None => block.and_then(|block| read_block(&block, &context)),
    };
    facts.unwrap_or_default()
}

/// Returns the focal length and the largest aperture in the Exif IFD.
fn exif_lens_traits(fields: &IfdFields<'_>) -> LensTraits {
    let number = |tag| {
        let field = fields.exif(tag)?;
        field.number(0)?.value().filter(|&value| value > 0.0)
    };
    LensTraits {
        range: None,
        // The tag is an APEX value, which is a logarithm (EXIF 3.0 annex C).
        max_aperture: number(tag::MAX_APERTURE_VALUE)
            .filter(|&apex| apex < 20.0)
            .map(|apex| (apex / 2.0).exp2()),
        focal_length: number(tag::FOCAL_LENGTH),
    }
}

/// Reads a note in the form that its beginning and the maker of the camera show. The rules are
/// those of ExifTool's module `MakerNotes`, in its order.
fn read_block(block: &NoteBlock<'_>, context: &NoteContext<'_>) -> Option<MakerNoteFacts> {
    let head = block.head(64);
    let begins = |start: &[u8]| head.starts_with(start);
    let make = context.make.to_ascii_lowercase();
    let is = |maker: &str| make.starts_with(maker);
    if begins(b"Nikon\0") {
        return nikon::read(block, head, context);
    }
    if is("canon") {
        return canon::read(block, context);
    }
    if is("casio") || begins(b"QVC\0") || begins(b"DCI\0") {
        return casio::read(block, head);
    }
    if begins(b"FUJIFILM") || begins(b"GENERALE") {
        return fujifilm::read(block);
    }
    if begins(b"MOT\0") {
        return motorola::read(block);
    }
    if olympus::is_note(head) {
        return olympus::read(block, head);
    }
    if pentax::is_note(head) {
        return pentax::read(block, head, context);
    }
    if phase_one::is_note(head) {
        return phase_one::read(block, head);
    }
    if is("leica") {
        return leica::read(block, head, context);
    }
    if begins(b"Panasonic") {
        return panasonic::read(block, context);
    }
    if sony::is_note(head) || is("sony") {
        return sony::read(block, head, context);
    }
    if is("minolta") || is("konica minolta") {
        return minolta::read(block, head, context);
    }
    if is("nikon") {
        return nikon::read(block, head, context);
    }
    if is("ricoh") || is("pentax ricoh") {
        return ricoh::read(block, head);
    }
    if is("samsung") {
        return samsung::read(block);
    }
    if begins(b"SANYO") {
        return sanyo::read(block);
    }
    if begins(b"SIGMA") || begins(b"FOVEON") {
        return sigma::read(block, head, context);
    }
    fixed_layout::read(block, head, &make, context.model)
}

impl<'s> NoteBlock<'s> {
    /// Returns the note that is the value of a field.
    fn of_field(field: &IfdField<'s>) -> Self {
        NoteBlock {
            view: field.view,
            start: field.offset,
            size: field.size,
            order: field.order,
            displacement: 0,
        }
    }
}

/// Returns the name of a value in a table of values and their names.
fn value_name(table: &[(u32, &str)], value: u32) -> Option<String> {
    let entry = table.iter().find(|entry| entry.0 == value)?;
    Some(entry.1.to_owned())
}

/// Returns the number at `index` of a field, if it is an integer that is not negative.
fn unsigned_at(field: &IfdField<'_>, index: usize) -> Option<u32> {
    u32::try_from(field.unsigned(index)?).ok()
}

/// Returns the 16-bit number at `index` of a field as a signed number. Makers use both types for
/// the same list.
fn signed_at(field: &IfdField<'_>, index: usize) -> Option<i16> {
    match field.number(index)? {
        FieldNumber::Integer(number) => match u16::try_from(number) {
            Ok(number) => Some(number.cast_signed()),
            Err(_) => i16::try_from(number).ok(),
        },
        _ => None,
    }
}

/// Returns the 32-bit number at `index` of a field as a signed number. Makers use both types for
/// the same list.
fn signed_long_at(field: &IfdField<'_>, index: usize) -> Option<i32> {
    match field.number(index)? {
        FieldNumber::Integer(number) => match u32::try_from(number) {
            Ok(number) => Some(number.cast_signed()),
            Err(_) => i32::try_from(number).ok(),
        },
        _ => None,
    }
}

/// Returns the offset from UTC of this many minutes. Returns `None` if no place has this offset.
fn offset_of_minutes(minutes: i32) -> Option<FixedOffset> {
    let is_possible = minutes % 15 == 0 && (-12 * 60..=14 * 60).contains(&minutes);
    FixedOffset::east_opt(minutes.checked_mul(60).filter(|_| is_possible)?)
}

/// Returns a serial number. Returns `None` for a text without letters and digits, or with zeros
/// only. Cameras write such texts if they have no number.
fn serial_number(text: String) -> Option<String> {
    let mut characters = text.chars().filter(|c| c.is_alphanumeric());
    characters.any(|c| c != '0').then_some(text)
}

/// Returns the serial number in a field with a text.
fn serial_text(field: &IfdField<'_>) -> Option<String> {
    serial_number(field_text(field)?)
}

/// Returns an ISO speed. Returns `None` if it is not possible. 65535 stands for an unknown speed.
fn iso_speed(iso: u32) -> Option<u32> {
    (iso > 0 && iso != 65_535 && iso < 10_000_000).then_some(iso)
}

/// Returns `name` if it is the name of a lens. Returns `None` if it has no letters or is `no-lens`.
fn lens_name(name: String) -> Option<String> {
    let is_name = name.chars().any(char::is_alphabetic) && !name.eq_ignore_ascii_case("no-lens");
    is_name.then_some(name)
}
