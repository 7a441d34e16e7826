//! Turns fields into the map of tags that is stored and shown: every tag of every IFD (image file
//! directory, a table of tags), with ExifTool's names. Values are decoded, but not checked.

use std::collections::{BTreeMap, HashMap};

use super::tag_names::tag_name;
use super::text::{decode_utf16, field_text, until_nul, user_comment_text};
use super::tiff::{ByteOrder, FieldNumber, FieldType, Ifd, IfdField, IfdFields};
use super::{date_time, limits, tag};
use crate::record::{TagValue, Tags};

/// Returns two maps: the values of the tags that are small enough, and the sizes in bytes of the
/// others. The key of the second map is the IFD and the name: `ExifIFD.MakerNote`.
pub(crate) fn collect_tags(
    fields: &IfdFields<'_>,
    panasonic_raw: bool,
) -> (Tags, BTreeMap<String, u64>) {
    let mut groups: HashMap<Ifd, BTreeMap<String, TagValue>> = HashMap::new();
    let mut omitted = BTreeMap::new();
    let mut kept_bytes = 0_u64;
    for field in &fields.list {
        let name = match tag_name(field.ifd, field.tag, panasonic_raw) {
            Some(name) => name.to_owned(),
            None => format!("Exif_0x{:04x}", field.tag),
        };
        let fits = field.size <= limits::MAX_VALUE_BYTES
            && kept_bytes.saturating_add(field.size) <= limits::MAX_ALL_VALUES_BYTES;
        let value = match field.bytes {
            Some(_) if fits && field.tag != tag::MAKER_NOTE => decode_value(field),
            _ => DecodedValue::Omitted,
        };
        match value {
            DecodedValue::Kept(value) => {
                kept_bytes = kept_bytes.saturating_add(field.size);
                groups.entry(field.ifd).or_default().insert(name, value);
            }
            DecodedValue::Omitted => {
                omitted
                    .entry(format!("{}.{name}", field.ifd.name()))
                    .or_insert(field.size);
            }
            DecodedValue::None => {}
        }
    }
    let tags = groups
        .into_iter()
        .map(|(ifd, group)| (ifd.name(), group))
        .collect();
    (tags, omitted)
}

/// The result of decoding a field: a value for the map of tags, a value that is left out because it
/// is too large, or no value.
enum DecodedValue {
    Kept(TagValue),
    Omitted,
    None,
}

impl From<Option<String>> for DecodedValue {
    fn from(text: Option<String>) -> Self {
        text.map_or(DecodedValue::None, |text| {
            DecodedValue::Kept(TagValue::Text(text))
        })
    }
}

/// Decodes the value of a field, depending on its tag and its type.
fn decode_value(field: &IfdField<'_>) -> DecodedValue {
    let bytes = field.bytes.unwrap_or_default();
    match (field.ifd, field.tag, field.kind) {
        (Ifd::Gps, tag::GPS_DATE_STAMP, FieldType::Ascii) => field_text(field)
            .map(|date| date_time::to_iso_date(&date).unwrap_or(date))
            .into(),
        (Ifd::Gps, tag::GPS_TIME_STAMP, _) => date_time::gps_time_of_day(field)
            .map(|time| time.format("%H:%M:%S%.f").to_string())
            .into(),
        (
            Ifd::Gps,
            tag::GPS_PROCESSING_METHOD | tag::GPS_AREA_INFORMATION,
            FieldType::Undefined,
        ) => user_comment_text(field).into(),
        (Ifd::Gps, _, FieldType::Ascii) => field_text(field).into(),
        (
            _,
            tag::MODIFY_DATE | tag::DATE_TIME_ORIGINAL | tag::CREATE_DATE | tag::PREVIEW_DATE_TIME,
            FieldType::Ascii,
        ) => field_text(field)
            .map(|date| date_time::to_iso_date_time(&date).unwrap_or(date))
            .into(),
        (_, tag::USER_COMMENT, _) => user_comment_text(field).into(),
        // Texts of Windows Explorer (XPTitle to XPSubject): UTF-16, little-endian in any structure.
        (_, tag::XP_TITLE..=tag::XP_SUBJECT, _) => decode_utf16(bytes, ByteOrder::Little).into(),
        (_, _, FieldType::Ascii) => field_text(field).into(),
        (_, _, FieldType::Undefined) if is_text(bytes) => field_text(field).into(),
        (_, _, FieldType::Undefined) if bytes.len() > limits::MAX_BINARY_BYTES => {
            DecodedValue::Omitted
        }
        _ => decode_numbers(field),
    }
}

/// Reports whether bytes of the type UNDEFINED are text, such as a version number (`0231`). A text
/// has at least four printable characters, and only NULs after them.
fn is_text(bytes: &[u8]) -> bool {
    let (text, rest) = bytes.split_at(until_nul(bytes).len());
    text.len() >= 4 && text.iter().all(|b| (0x20..0x7f).contains(b)) && rest.iter().all(|&b| b == 0)
}

fn decode_numbers(field: &IfdField<'_>) -> DecodedValue {
    let count = usize::try_from(field.count).unwrap_or(usize::MAX);
    if count == 1 {
        return field
            .number(0)
            .and_then(number_value)
            .map_or(DecodedValue::None, DecodedValue::Kept);
    }
    // In a list the position matters. So a value that is not a number keeps its place, as `undef`
    // (ExifTool's word).
    let list: Vec<TagValue> = (0..count)
        .map_while(|index| field.number(index))
        .map(|n| number_value(n).unwrap_or_else(|| TagValue::Text("undef".to_owned())))
        .collect();
    if list.is_empty() {
        DecodedValue::None
    } else {
        DecodedValue::Kept(TagValue::List(list))
    }
}

/// Returns a number as the value of a tag. Returns `None` if a record cannot store the number.
fn number_value(number: FieldNumber) -> Option<TagValue> {
    let value = number.value()?;
    Some(match number {
        FieldNumber::Integer(n) => TagValue::Integer(n),
        FieldNumber::Fraction(n, d) => TagValue::Rational {
            value,
            fraction: format!("{n}/{d}"),
        },
        FieldNumber::Real(_) => TagValue::Real(value),
    })
}
