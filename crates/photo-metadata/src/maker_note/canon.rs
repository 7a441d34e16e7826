//! Canon's maker note: an IFD (image file directory, a table of tags) without a header. Most of its
//! values are lists of 16-bit numbers.

use chrono::FixedOffset;

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{
    MakerNoteFacts, NoteContext, iso_speed, lens_name, offset_of_minutes, serial_number, signed_at,
    signed_long_at, unsigned_at, value_name,
};
use crate::blocks::MetadataBlock;
use crate::lens_ids::{LensTraits, canon_lens_name, canon_rf_lens_name};
use crate::limits;
use crate::sparse::ByteView;
use crate::tag::crw;
use crate::tag::maker_note::canon as tag;
use crate::text::field_text;
use crate::tiff::{ByteOrder, FieldType, Ifd, IfdField, read_byte_order};

/// The places of the numbers in the list `CanonCameraSettings`.
mod setting {
    pub(super) const SELF_TIMER: usize = 2;
    pub(super) const CONTINUOUS_DRIVE: usize = 5;
    pub(super) const ISO: usize = 16;
    pub(super) const LENS_TYPE: usize = 22;
    pub(super) const MAX_FOCAL_LENGTH: usize = 23;
    pub(super) const MIN_FOCAL_LENGTH: usize = 24;
    pub(super) const FOCAL_UNITS: usize = 25;
    pub(super) const MAX_APERTURE: usize = 26;
}

/// The place of `RFLensType` in the list `CanonFileInfo`.
const RF_LENS_TYPE: usize = 61;
/// The place of `PictureStyle` in the list `ProcessingInfo`.
const PICTURE_STYLE: usize = 10;
/// The length in bytes of the footer: a TIFF header with the offset at which the camera wrote the
/// note.
const FOOTER_BYTES: u64 = 8;

/// The values of `ContinuousDrive`.
const DRIVE_MODES: &[(u32, &str)] = &[
    (0, "Single"),
    (1, "Continuous"),
    (2, "Movie"),
    (3, "Continuous, Speed Priority"),
    (4, "Continuous, Low"),
    (5, "Continuous, High"),
    (6, "Silent Single"),
    (8, "Continuous, High+"),
    (9, "Single, Silent"),
    (10, "Continuous, Silent"),
];

/// The values of `PictureStyle`. The older cameras have other numbers for some of the styles.
const PICTURE_STYLES: &[(u32, &str)] = &[
    (0x01, "Standard"),
    (0x02, "Portrait"),
    (0x03, "High Saturation"),
    (0x04, "Adobe RGB"),
    (0x05, "Low Saturation"),
    (0x06, "CM Set 1"),
    (0x07, "CM Set 2"),
    (0x21, "User Def. 1"),
    (0x22, "User Def. 2"),
    (0x23, "User Def. 3"),
    (0x41, "PC 1"),
    (0x42, "PC 2"),
    (0x43, "PC 3"),
    (0x81, "Standard"),
    (0x82, "Portrait"),
    (0x83, "Landscape"),
    (0x84, "Neutral"),
    (0x85, "Faithful"),
    (0x86, "Monochrome"),
    (0x87, "Auto"),
    (0x88, "Fine Detail"),
];

/// Reads a note in the Exif IFD.
pub(super) fn read(block: &NoteBlock<'_>, context: &NoteContext<'_>) -> Option<MakerNoteFacts> {
    let directory = block.directory(0, OffsetOrigin::Tiff)?;
    let directory = directory.shifted(recorded_shift(block, &directory).unwrap_or(0));
    Some(read_directory(&directory, context))
}

/// Reads the note of a CR3, which is a TIFF structure of its own.
pub(super) fn read_structure(
    view: ByteView<'_>,
    context: &NoteContext<'_>,
) -> Option<MakerNoteFacts> {
    let order = read_byte_order(view)?;
    let block = NoteBlock {
        view,
        start: 0,
        size: view.len(),
        order,
        displacement: 0,
    };
    let start = u64::from(order.u32(view.array(4)?));
    let directory = block.directory(start, OffsetOrigin::Tiff)?;
    Some(read_directory(&directory, context))
}

/// Reads the records of a CRW. `file` is the whole file.
pub(super) fn read_records(
    file: ByteView<'_>,
    records: &[(u16, MetadataBlock)],
    context: &NoteContext<'_>,
) -> MakerNoteFacts {
    let view_of = |wanted| {
        let (_, block) = records.iter().find(|(number, _)| *number == wanted)?;
        match block {
            MetadataBlock::File { start, len } => Some(file.part(*start, *len)),
            MetadataBlock::Memory(_) => None,
        }
    };
    let settings = view_of(crw::CAMERA_SETTINGS).and_then(record_list);
    // In cameras that are not EOS cameras, the record has another meaning.
    let serial = view_of(crw::SERIAL_NUMBER).filter(|_| context.model.contains("EOS"));
    MakerNoteFacts {
        body_serial: serial.and_then(|view| body_serial(view.le32(0)?, context.model)),
        lens: settings.and_then(|settings| numbered_lens(&settings, context)),
        drive_mode: settings.and_then(|settings| drive_mode(&settings)),
        ..MakerNoteFacts::default()
    }
}

/// Returns a record of a CRW that is a list of 16-bit numbers, as if it were a field.
fn record_list(view: ByteView<'_>) -> Option<IfdField<'_>> {
    let bytes = view.up_to(0, limits::MAX_VALUE_BYTES)?;
    let field = IfdField {
        ifd: Ifd::MakerNote,
        tag: tag::CAMERA_SETTINGS,
        kind: FieldType::Short,
        count: view.len() / 2,
        order: ByteOrder::Little,
        bytes: Some(bytes),
        size: view.len(),
        offset: 0,
        view,
    };
    (field.unsigned(0)? == field.size).then_some(field)
}

/// Returns the number of bytes by which a note was moved, if its footer shows this. The footer is
/// only read if there is an unusual gap before the first value: in a RAW file it may be far away.
fn recorded_shift(block: &NoteBlock<'_>, directory: &NoteDirectory<'_>) -> Option<i64> {
    if block.displacement != 0 || matches!(directory.first_gap(), Some(0 | 4 | 6)) {
        return None;
    }
    let footer_start = block.size.checked_sub(FOOTER_BYTES)?;
    let footer = block.view_from(footer_start);
    if read_byte_order(footer)? != directory.order()
        || !matches!(footer.array(2)?, [42, 0] | [0, 42])
    {
        return None;
    }
    let written_at = i64::from(directory.order().u32(footer.array(4)?));
    i64::try_from(block.start).ok()?.checked_sub(written_at)
}

fn read_directory(directory: &NoteDirectory<'_>, context: &NoteContext<'_>) -> MakerNoteFacts {
    let settings = number_list(directory, tag::CAMERA_SETTINGS);
    MakerNoteFacts {
        time_zone: directory.field(tag::TIME_INFO).and_then(|f| time_zone(&f)),
        body_serial: directory
            .field(tag::SERIAL_NUMBER)
            .and_then(|f| body_serial(unsigned_at(&f, 0)?, context.model)),
        iso: settings
            .and_then(|settings| camera_iso(&settings))
            .or_else(|| calculated_iso(&number_list(directory, tag::SHOT_INFO)?)),
        lens: find_lens(directory, settings.as_ref(), context),
        film_simulation: number_list(directory, tag::PROCESSING_INFO)
            .and_then(|list| value_name(PICTURE_STYLES, unsigned_at(&list, PICTURE_STYLE)?)),
        drive_mode: settings.and_then(|settings| drive_mode(&settings)),
    }
}

/// Returns a list of 16-bit numbers. Its first number is the size of the list in bytes, which shows
/// that the field is at the right place.
fn number_list<'s>(directory: &NoteDirectory<'s>, tag: u16) -> Option<IfdField<'s>> {
    let field = directory.field(tag)?;
    (field.unsigned(0)? == field.size).then_some(field)
}

/// Returns the offset in the list `TimeInfo`: its size, the minutes from UTC, a city, and the
/// minutes of daylight saving time. The minutes from UTC already contain daylight saving time: in
/// Paris in summer they are 120 (ExifTool's table `Canon TimeInfo` lists such pairs).
fn time_zone(field: &IfdField<'_>) -> Option<FixedOffset> {
    /// The city of a camera whose zone was never set.
    const NOT_SET: i32 = 32_766;
    let size = signed_long_at(field, 0)?;
    let is_set = u64::try_from(size) == Ok(field.size) && signed_long_at(field, 2)? != NOT_SET;
    offset_of_minutes(signed_long_at(field, 1)?).filter(|_| is_set)
}

/// Formats a serial number like the plate of the camera.
fn body_serial(number: u32, model: &str) -> Option<String> {
    let has_word = |word: &str| model.split_whitespace().any(|part| part == word);
    serial_number(if has_word("D30") {
        format!("{:04x}{:05}", number >> 16, number % (1 << 16))
    } else if model.contains("EOS-1D") {
        format!("{number:06}")
    } else {
        format!("{number:010}")
    })
}

/// The bit that newer cameras set in an ISO speed.
const ISO_BIT: u32 = 0x4000;
/// The value that means that the ISO speed is not written here.
const NO_ISO: u32 = 0x7fff;

/// Returns the ISO speed in the list `CanonCameraSettings`. Older cameras write a code.
fn camera_iso(settings: &IfdField<'_>) -> Option<u32> {
    match unsigned_at(settings, setting::ISO)? {
        NO_ISO => None,
        code if code & ISO_BIT != 0 => iso_speed(code & (ISO_BIT - 1)),
        16 => Some(50),
        17 => Some(100),
        18 => Some(200),
        19 => Some(400),
        20 => Some(800),
        _ => None,
    }
}

/// Returns the ISO speed in the list `CanonShotInfo`: the base speed times the automatic gain. Both
/// are logarithms in 32nds.
fn calculated_iso(shot: &IfdField<'_>) -> Option<u32> {
    let gain = f64::from(signed_at(shot, 1)?) / 32.0;
    let base = signed_at(shot, 2).filter(|&base| base != 0)?;
    let iso = (gain + f64::from(base) / 32.0).exp2() * 100.0 / 32.0;
    (1.0..1e7).contains(&iso).then_some(iso.round() as u32)
}

fn drive_mode(settings: &IfdField<'_>) -> Option<String> {
    let mode = value_name(
        DRIVE_MODES,
        unsigned_at(settings, setting::CONTINUOUS_DRIVE)?,
    )?;
    let has_timer = unsigned_at(settings, setting::SELF_TIMER).is_some_and(|delay| delay > 0);
    Some(match mode.as_str() {
        "Single" if has_timer => "Self-timer".to_owned(),
        _ => mode,
    })
}

/// Returns the name of the lens: the text in the note, or the name for one of its two numbers.
fn find_lens(
    directory: &NoteDirectory<'_>,
    settings: Option<&IfdField<'_>>,
    context: &NoteContext<'_>,
) -> Option<String> {
    let recorded = directory.field(tag::LENS_MODEL);
    if let Some(name) = recorded.and_then(|f| field_text(&f)).and_then(lens_name) {
        return Some(name);
    }
    let rf_type = number_list(directory, tag::FILE_INFO)
        .and_then(|list| unsigned_at(&list, RF_LENS_TYPE))
        .filter(|&number| number > 0);
    if let Some(number) = rf_type {
        return canon_rf_lens_name(number);
    }
    numbered_lens(settings?, context)
}

/// Returns the name for the number of the lens in the list `CanonCameraSettings`.
fn numbered_lens(settings: &IfdField<'_>, context: &NoteContext<'_>) -> Option<String> {
    let number = unsigned_at(settings, setting::LENS_TYPE)?;
    canon_lens_name(number, &lens_traits(settings, context))
}

/// Returns the facts about the lens in the list `CanonCameraSettings`.
fn lens_traits(settings: &IfdField<'_>, context: &NoteContext<'_>) -> LensTraits {
    let units = unsigned_at(settings, setting::FOCAL_UNITS).filter(|&units| units > 0);
    let length = |index| {
        let length = unsigned_at(settings, index).filter(|&length| length > 0)?;
        Some(f64::from(length) / f64::from(units.unwrap_or(1)))
    };
    let shortest = length(setting::MIN_FOCAL_LENGTH);
    let aperture = signed_at(settings, setting::MAX_APERTURE).filter(|&aperture| aperture > 0);
    LensTraits {
        range: shortest.zip(length(setting::MAX_FOCAL_LENGTH)),
        max_aperture: aperture
            .map(|aperture| (exposure_value(aperture) / 2.0).exp2())
            .or(context.traits.max_aperture),
        ..context.traits
    }
}

/// Converts a number of 32nds of an EV (exposure value) to EV. Canon writes a third as 12 and two
/// thirds as 20.
fn exposure_value(raw: i16) -> f64 {
    let whole = f64::from(raw & !0x1f);
    let fraction = match raw & 0x1f {
        12 => 32.0 / 3.0,
        20 => 64.0 / 3.0,
        rest => f64::from(rest),
    };
    (whole + fraction) / 32.0
}
