//! Fields to the typed map that is stored and shown: every tag of every IFD, by ExifTool's names. It decodes values and
//! judges none.

use std::collections::BTreeMap;

use super::tiff::{Field, Fields, Ifd, Kind, MAKER_NOTE, Number, Order};
use super::{capture, limits, names, text};
use crate::record::{TagValue, Tags};

/// Every tag that is small enough, and the sizes of those that are not.
pub(crate) fn all(fields: &Fields<'_>, panasonic_raw: bool) -> (Tags, BTreeMap<String, u64>) {
    let mut groups: Vec<(Ifd, BTreeMap<String, TagValue>)> = Vec::new();
    let mut omitted = BTreeMap::new();
    let mut kept_bytes = 0_u64;
    for field in &fields.list {
        let name = match names::of(field.ifd, field.tag, panasonic_raw) {
            Some(name) => name.to_owned(),
            None => format!("Exif_0x{:04x}", field.tag),
        };
        let fits =
            field.size <= limits::VALUE && kept_bytes.saturating_add(field.size) <= limits::VALUES;
        let value = match field.bytes {
            Some(_) if fits && field.tag != MAKER_NOTE => value(field),
            _ => Value::Large,
        };
        match value {
            Value::Kept(value) => {
                kept_bytes = kept_bytes.saturating_add(field.size);
                let index = match groups.iter().position(|group| group.0 == field.ifd) {
                    Some(index) => index,
                    None => {
                        groups.push((field.ifd, BTreeMap::new()));
                        groups.len() - 1
                    }
                };
                if let Some((_, group)) = groups.get_mut(index) {
                    group.insert(name, value);
                }
            }
            Value::Large => {
                omitted
                    .entry(format!("{}.{name}", field.ifd.name()))
                    .or_insert(field.size);
            }
            Value::None => {}
        }
    }
    let tags = groups
        .into_iter()
        .map(|(ifd, group)| (ifd.name(), group))
        .collect();
    (tags, omitted)
}

enum Value {
    Kept(TagValue),
    Large,
    None,
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Value::None, |text| Value::Kept(TagValue::Text(text)))
    }
}

fn value(field: &Field<'_>) -> Value {
    let bytes = field.bytes.unwrap_or_default();
    match (field.ifd, field.tag, field.kind) {
        (Ifd::Gps, 0x1d, Kind::Ascii) => text::of(field)
            .map(|date| capture::iso_date(&date).unwrap_or(date))
            .into(),
        (Ifd::Gps, 0x07, _) => capture::gps_time(field)
            .map(|time| time.format("%H:%M:%S%.f").to_string())
            .into(),
        (Ifd::Gps, 0x1b | 0x1c, Kind::Undefined) => text::user_comment(field).into(),
        (Ifd::Gps, _, Kind::Ascii) => text::of(field).into(),
        (_, 0x0132 | 0x9003 | 0x9004 | 0xc71b, Kind::Ascii) => text::of(field)
            .map(|date| capture::iso(&date).unwrap_or(date))
            .into(),
        (_, 0x9286, _) => text::user_comment(field).into(),
        // Windows Explorer's texts (XPTitle ... XPSubject): UTF-16, little-endian whatever the structure is.
        (_, 0x9c9b..=0x9c9f, _) => text::utf16(bytes, Order::Little).into(),
        (_, _, Kind::Ascii) => text::of(field).into(),
        (_, _, Kind::Undefined) if is_text(bytes) => text::of(field).into(),
        (_, _, Kind::Undefined) if bytes.len() > limits::BINARY => Value::Large,
        _ => numbers(field),
    }
}

/// Versions ("0231") and the like: at least four printable characters, then nothing but NULs.
fn is_text(bytes: &[u8]) -> bool {
    let (text, rest) = bytes.split_at(text::until_nul(bytes).len());
    text.len() >= 4 && text.iter().all(|b| (0x20..0x7f).contains(b)) && rest.iter().all(|&b| b == 0)
}

fn numbers(field: &Field<'_>) -> Value {
    let count = usize::try_from(field.count).unwrap_or(usize::MAX);
    if count == 1 {
        return field
            .number(0)
            .and_then(number)
            .map_or(Value::None, Value::Kept);
    }
    // In a list the places count, so that what is no number keeps its place (ExifTool's word for it).
    let list: Vec<TagValue> = (0..count)
        .map_while(|index| field.number(index))
        .map(|n| number(n).unwrap_or_else(|| TagValue::Text("undef".to_owned())))
        .collect();
    if list.is_empty() {
        Value::None
    } else {
        Value::Kept(TagValue::List(list))
    }
}

fn number(number: Number) -> Option<TagValue> {
    let value = number.value()?;
    Some(match number {
        Number::Integer(n) => TagValue::Integer(n),
        Number::Fraction(n, d) => TagValue::Rational {
            value,
            fraction: format!("{n}/{d}"),
        },
        Number::Real(_) => TagValue::Real(value),
    })
}
