//! Turns fields into tags: every tag of every IFD (image file directory, a table of tags), with
//! ExifTool's names. Values are decoded, but not checked.

use std::collections::BTreeMap;
use std::iter;

use super::format::PhotoFormat;
use super::record::TagValue;
use super::tag_collector::{TagCollector, clean_tag_text};
use super::tag_names::{TagPlace, tag_name};
use super::text::{decode_text, decode_utf16, field_text, until_nul, user_comment_text};
use super::tiff::{ByteOrder, FieldNumber, FieldType, Ifd, IfdField, IfdFields};
use super::{date_time, limits, tag};

/// Adds the tags of all IFDs to `collector`. If an IFD has several tags of one name, the last one
/// counts.
pub(crate) fn collect_field_tags(
    fields: &IfdFields<'_>,
    format: PhotoFormat,
    collector: &mut TagCollector,
) {
    let mut groups: BTreeMap<Ifd, Vec<(String, TagValue)>> = BTreeMap::new();
    for field in &fields.list {
        let place = TagPlace {
            ifd: field.ifd,
            format,
            is_jpeg_preview: is_strip(field) && is_jpeg_preview(fields, field.ifd),
        };
        let name = match tag_name(place, field.tag) {
            Some(name) => name.to_owned(),
            None => format!("Exif_0x{:04x}", field.tag),
        };
        if let Some(picture) = name.strip_suffix("Length")
            && let Some(FieldNumber::Integer(length @ 1..)) = field.number(0)
        {
            add_picture(picture, field.ifd, length, collector);
        }
        let value = match field.bytes {
            Some(_) if field.tag != tag::MAKER_NOTE => decode_value(field),
            _ => None,
        };
        match value.filter(|_| collector.reserve(field.size)) {
            Some(value) => groups.entry(field.ifd).or_default().push((name, value)),
            None => collector.omit(&field.ifd.name(), &name, field.size),
        }
    }
    for (ifd, tags) in groups {
        // Of several tags with one name, `collect` keeps the last one.
        collector.add_new_group(ifd.name(), tags.into_iter().collect());
    }
}

/// Records the size of an embedded JPEG as that of a tag, as ExifTool does. `name` is the name of
/// the tag with its length, without `Length`.
fn add_picture(name: &str, ifd: Ifd, length: i64, collector: &mut TagCollector) {
    let name = match name {
        "Thumbnail" => "ThumbnailImage",
        "PreviewImage" | "JpgFromRaw" | "OtherImage" | "PreviewJXL" => name,
        _ => return,
    };
    collector.omit(&ifd.name(), name, length.unsigned_abs());
}

fn is_strip(field: &IfdField<'_>) -> bool {
    matches!(field.tag, tag::STRIP_OFFSETS | tag::STRIP_BYTE_COUNTS)
}

/// Reports whether the strips of an IFD are a JPEG that is a preview: the compression is JPEG, and
/// the picture is not the full one.
fn is_jpeg_preview(fields: &IfdFields<'_>, ifd: Ifd) -> bool {
    let number = |tag| fields.get(ifd, tag).and_then(|field| field.number(0));
    number(tag::COMPRESSION) == Some(FieldNumber::Integer(JPEG_COMPRESSION))
        && number(tag::SUBFILE_TYPE) != Some(FieldNumber::Integer(0))
}

/// The value of Compression for a JPEG (TIFF technical note 2).
const JPEG_COMPRESSION: i64 = 7;

/// Decodes the value of a field, depending on its tag and its type. Returns `None` if the value is
/// too large.
fn decode_value(field: &IfdField<'_>) -> Option<TagValue> {
    let bytes = field.bytes.unwrap_or_default();
    // Of a text that is too large, only the start was read.
    if field.size > limits::MAX_VALUE_BYTES || bytes.len() as u64 != field.size {
        return None;
    }
    let text = |text: Option<String>| Some(TagValue::Text(text.unwrap_or_default()));
    match (field.ifd, field.tag, field.kind) {
        (Ifd::Gps, tag::GPS_DATE_STAMP, FieldType::Ascii) => {
            text(field_text(field).map(|date| date_time::to_iso_date(&date).unwrap_or(date)))
        }
        (Ifd::Gps, tag::GPS_TIME_STAMP, _) => text(gps_time(field)),
        (
            Ifd::Gps,
            tag::GPS_PROCESSING_METHOD | tag::GPS_AREA_INFORMATION,
            FieldType::Undefined,
        ) => text(user_comment_text(field)),
        (
            _,
            tag::MODIFY_DATE | tag::DATE_TIME_ORIGINAL | tag::CREATE_DATE | tag::PREVIEW_DATE_TIME,
            FieldType::Ascii,
        ) if field.ifd != Ifd::Gps => {
            text(field_text(field).map(|date| date_time::to_iso_date_time(&date).unwrap_or(date)))
        }
        (_, tag::USER_COMMENT, _) => text(user_comment_text(field)),
        // Texts of Windows Explorer (XPTitle to XPSubject): UTF-16, little-endian in any structure.
        (_, tag::XP_TITLE..=tag::XP_SUBJECT, _) => text(decode_utf16(bytes, ByteOrder::Little)),
        (_, _, FieldType::Ascii) => text(Some(clean_tag_text(&decode_text(until_nul(bytes))))),
        (_, tag::CFA_PATTERN, FieldType::Undefined) => Some(cfa_pattern(field, bytes)),
        (_, tag::CR2_CFA_PATTERN, FieldType::Long) => Some(cr2_cfa_pattern(field)),
        (_, _, FieldType::Undefined) if is_text(bytes) => text(field_text(field)),
        (_, _, FieldType::Undefined) if bytes.len() > limits::MAX_BINARY_BYTES => None,
        (_, _, FieldType::Byte) if is_digest(field) => Some(hexadecimal(bytes)),
        _ => Some(decode_numbers(field)),
    }
}

/// Reports whether bytes of the type UNDEFINED are text, such as a version number (`0231`). A text
/// has at least four printable characters, and only NULs after them.
fn is_text(bytes: &[u8]) -> bool {
    let (text, rest) = bytes.split_at(until_nul(bytes).len());
    text.len() >= 4 && text.iter().all(|b| (0x20..0x7f).contains(b)) && rest.iter().all(|&b| b == 0)
}

/// Returns the time in GPSTimeStamp: `14:27:07.24`.
fn gps_time(field: &IfdField<'_>) -> Option<String> {
    let time = date_time::gps_time_of_day(field)?;
    let text = time.format("%H:%M:%S%.f").to_string();
    Some(match text.contains('.') {
        true => text.trim_end_matches('0').to_owned(),
        false => text,
    })
}

/// Returns the colours of a colour filter array (EXIF 3.0 4.6.6.6.20): the width and the height of
/// the repeated pattern, then its colours. The byte order of the two sizes is not defined.
fn cfa_pattern(field: &IfdField<'_>, bytes: &[u8]) -> TagValue {
    let Some((&[a, b, c, d], colours)) = bytes.split_first_chunk::<4>() else {
        return decode_numbers(field);
    };
    let sizes = |order: ByteOrder| [order.u16([a, b]), order.u16([c, d])].map(i64::from);
    let fits = |sizes: &[i64; 2]| sizes.iter().product::<i64>() <= colours.len() as i64;
    let orders = [field.order, ByteOrder::Big, ByteOrder::Little].map(sizes);
    let Some(sizes) = orders.into_iter().find(fits) else {
        return decode_numbers(field);
    };
    let colours = colours.iter().map(|&colour| i64::from(colour));
    TagValue::List(
        sizes
            .into_iter()
            .chain(colours)
            .map(TagValue::Integer)
            .collect(),
    )
}

/// Returns the colours that a number in a CR2 stands for: 0 is red, 1 is green, 2 is blue
/// (ExifTool, `CR2CFAPattern` in Exif.pm).
fn cr2_cfa_pattern(field: &IfdField<'_>) -> TagValue {
    let colours = match field.number(0) {
        Some(FieldNumber::Integer(1)) => [0, 1, 1, 2],
        Some(FieldNumber::Integer(2)) => [2, 1, 1, 0],
        Some(FieldNumber::Integer(3)) => [1, 2, 0, 1],
        Some(FieldNumber::Integer(4)) => [1, 0, 2, 1],
        _ => return decode_numbers(field),
    };
    TagValue::List(colours.map(TagValue::Integer).into())
}

/// Reports whether a field is a digest or a unique number of 16 bytes (DNG specification 1.7).
fn is_digest(field: &IfdField<'_>) -> bool {
    let is_known = matches!(
        field.tag,
        tag::RAW_DATA_UNIQUE_ID
            | tag::PREVIEW_SETTINGS_DIGEST
            | tag::RAW_IMAGE_DIGEST
            | tag::ORIGINAL_RAW_FILE_DIGEST
            | tag::NEW_RAW_IMAGE_DIGEST
    );
    is_known && field.size == 16
}

/// Returns bytes as hexadecimal digits, as ExifTool shows a digest.
fn hexadecimal(bytes: &[u8]) -> TagValue {
    let digits: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    TagValue::Text(digits.concat())
}

/// Returns the number of bytes before the TIFF structure of a field, if the field is an offset in
/// this structure. ExifTool shows offsets in the file.
fn offset_base(field: &IfdField<'_>) -> i64 {
    let is_offset = matches!(
        field.tag,
        tag::STRIP_OFFSETS | tag::TILE_OFFSETS | tag::THUMBNAIL_OFFSET
    ) && matches!(field.ifd, Ifd::Main(_) | Ifd::Sub(_));
    match is_offset && field.view.is_in_file() {
        true => i64::try_from(field.view.base()).unwrap_or_default(),
        false => 0,
    }
}

fn decode_numbers(field: &IfdField<'_>) -> TagValue {
    let count = usize::try_from(field.count).unwrap_or(usize::MAX);
    let base = offset_base(field);
    let mut values = (0..count)
        .map_while(|index| field.number(index))
        .map(|number| match number {
            FieldNumber::Integer(n) => TagValue::Integer(n.saturating_add(base)),
            number => number_value(number),
        });
    match values.next() {
        None => TagValue::Text(String::new()),
        Some(only) if count == 1 => only,
        Some(first) => TagValue::List(iter::once(first).chain(values).collect()),
    }
}

/// Returns a number as the value of a tag. A fraction that is not a number, or a number that a
/// record cannot store, is the text `inf` or `undef` (ExifTool's words).
fn number_value(number: FieldNumber) -> TagValue {
    let Some(value) = number.value() else {
        return TagValue::Text(match number {
            FieldNumber::Fraction(0, _) => "undef".to_owned(),
            FieldNumber::Fraction(..) => "inf".to_owned(),
            FieldNumber::Real(value) if value.is_finite() => format!("{value:e}"),
            FieldNumber::Real(value) => value.to_string(),
            FieldNumber::Integer(n) => n.to_string(),
        });
    };
    match number {
        FieldNumber::Integer(n) => TagValue::Integer(n),
        FieldNumber::Fraction(n, d) => TagValue::Rational {
            value,
            fraction: format!("{n}/{d}"),
        },
        FieldNumber::Real(_) => TagValue::Real(value),
    }
}
