//! Describes in words the values of tags whose values are codes. kamadak-exif has the tables.

use ::exif::{Context, Tag, Value};

use super::tag_names::tag_number;
use crate::record::TagValue;

/// Returns the meaning of a tag's value in words, if the value is a code. `ifd` and `name` are the
/// keys of the tag in [`Extraction::tags`](crate::Extraction::tags). Returns `None` if the value is
/// not a code, or if the code is undefined.
///
/// ```
/// use photo_metadata::{TagValue, describe_value};
///
/// let meaning = describe_value("ExifIFD", "MeteringMode", &TagValue::Integer(5));
/// assert_eq!(meaning.as_deref(), Some("pattern"));
/// assert_eq!(describe_value("ExifIFD", "ISO", &TagValue::Integer(400)), None);
/// ```
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
    let tag = Tag(context, tag_number(ifd == "GPS", name)?);
    let value = Value::Short(vec![u16::try_from(*code).ok()?]);
    let words = value.display_as(tag).to_string();
    // kamadak-exif shows an unknown code in brackets, and a plain number as digits.
    let is_words = words.starts_with(|first: char| first.is_alphabetic());
    (is_words && words != code.to_string()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_defined_codes_have_a_meaning() {
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
