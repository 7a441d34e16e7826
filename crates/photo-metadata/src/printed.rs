//! What the codes of enumerated tags mean, in words: kamadak-exif knows them.

use ::exif::{Context, Tag, Value};

use super::names;
use crate::record::TagValue;

/// The meaning of a tag's number: `5` of `MeteringMode` is `pattern`. `None` for tags that are no codes, and for codes
/// that nobody has defined. `ifd` and `name` as [`super::Extraction::tags`] has them.
pub fn describe_value(ifd: &str, name: &str, value: &TagValue) -> Option<String> {
    let TagValue::Integer(code) = value else {
        return None;
    };
    let context = match ifd {
        "GPS" => Context::Gps,
        "ExifIFD" => Context::Exif,
        "InteropIFD" => Context::Interop,
        _ => Context::Tiff,
    };
    let tag = Tag(context, names::number(ifd == "GPS", name)?);
    let value = Value::Short(vec![u16::try_from(*code).ok()?]);
    let words = value.display_as(tag).to_string();
    // A code that it does not know comes in brackets; a plain number, as it is.
    let is_words = words.starts_with(|first: char| first.is_alphabetic());
    (is_words && words != code.to_string()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_meaning_and_numbers_have_none() {
        let words = |ifd, name, code| describe_value(ifd, name, &TagValue::Integer(code));
        assert_eq!(
            words("ExifIFD", "MeteringMode", 5).as_deref(),
            Some("pattern")
        );
        assert_eq!(
            words("ExifIFD", "ExposureProgram", 3).as_deref(),
            Some("aperture priority")
        );
        assert_eq!(words("IFD0", "ResolutionUnit", 2).as_deref(), Some("inch"));
        assert!(words("IFD0", "Orientation", 6).is_some());
        assert_eq!(words("ExifIFD", "MeteringMode", 99), None);
        assert_eq!(words("ExifIFD", "ISO", 400), None);
        assert_eq!(words("ExifIFD", "MeteringMode", -1), None);
        assert_eq!(words("ExifIFD", "NoSuchTag", 1), None);
        assert_eq!(
            describe_value("IFD0", "Make", &TagValue::Text("NIKON".to_owned())),
            None
        );
    }
}
