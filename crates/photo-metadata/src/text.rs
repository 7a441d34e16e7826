//! Converts bytes to text: decodes the character sets of metadata, and cleans every text.

use std::borrow::Cow;

use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::limits;
use super::tiff::{ByteOrder, FieldType, IfdField};

/// Returns the text of a field: decodes it by [`decode_field`], and cleans the text by
/// [`clean_text`]. Returns `None` if the field is not text or nothing is left.
pub(crate) fn field_text(field: &IfdField<'_>) -> Option<String> {
    clean_text(&decode_field(field)?)
}

/// Decodes the bytes of a field up to the first NUL by [`decode_text`]. Returns `None` if the field
/// is not text.
pub(crate) fn decode_field(field: &IfdField<'_>) -> Option<String> {
    let bytes = field.bytes?;
    match field.kind {
        FieldType::Ascii | FieldType::Undefined | FieldType::Byte => {
            Some(decode_text(until_nul(bytes)))
        }
        _ => None,
    }
}

/// Returns the bytes before the first NUL.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}

/// Decodes text in UTF-8. If the bytes are not UTF-8, decodes them as Windows-1252, which contains
/// Latin-1.
pub(crate) fn decode_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}

/// Decodes text in UTF-8. Decodes each byte that is not part of UTF-8 as Windows-1252, which contains
/// Latin-1.
pub(crate) fn decode_mixed_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    Cow::Owned(text)
}

/// Decodes UTF-16 in the given byte order, up to the first NUL, and cleans the text. Returns `None`
/// if nothing is left.
pub(crate) fn decode_utf16(bytes: &[u8], order: ByteOrder) -> Option<String> {
    clean_text(&decode_whole_utf16(bytes, order))
}

/// Decodes UTF-16 in the given byte order, up to the first NUL. Does not clean the text.
pub(crate) fn decode_whole_utf16(bytes: &[u8], order: ByteOrder) -> String {
    let end = bytes
        .chunks_exact(2)
        .position(|pair| pair == [0, 0])
        .map_or(bytes.len() & !1, |n| n * 2);
    let encoding = if order == ByteOrder::Big {
        UTF_16BE
    } else {
        UTF_16LE
    };
    let text = bytes.get(..end).unwrap_or_default();
    encoding.decode(text).0.into_owned()
}

/// Returns the text of the field UserComment, cleaned by [`clean_text`]. Returns `None` if nothing
/// is left.
pub(crate) fn user_comment_text(field: &IfdField<'_>) -> Option<String> {
    clean_text(&decode_user_comment(field)?)
}

/// Decodes the field UserComment (EXIF 3.0 4.6.6.4). Its first 8 bytes are a code for the character
/// set of the rest. Does not clean the text.
pub(crate) fn decode_user_comment(field: &IfdField<'_>) -> Option<String> {
    let bytes = field.bytes?;
    let Some((code, text)) = bytes.split_at_checked(8) else {
        return Some(decode_text(until_nul(bytes)));
    };
    let with = |encoding: &'static Encoding| encoding.decode(text).0.into_owned();
    // Many writers fill the code with blanks, or write it in small letters.
    let name = code
        .split(|b| matches!(b, 0 | b' '))
        .next()
        .unwrap_or_default();
    let filling = code.get(name.len()..).unwrap_or_default();
    let is_filled = filling.iter().all(|b| matches!(b, 0 | b' '));
    let code = match is_filled {
        true => name.to_ascii_uppercase(),
        false => Vec::new(),
    };
    let is_ascii = |text: &[u8]| text.len() > 8 && text.iter().all(|b| (0x20..0x7f).contains(b));
    Some(match code.as_slice() {
        b"ASCII" | b"UTF-8" | b"UTF8" => decode_text(until_nul(text)),
        // The code of UTF-16 before a text that is none.
        b"UNICODE" if is_ascii(text) => decode_text(text),
        b"UNICODE" => {
            // Programs use different byte orders. The bytes with more zeros are the high bytes.
            let zeros = |side: usize| {
                text.iter()
                    .skip(side)
                    .step_by(2)
                    .filter(|&&b| b == 0)
                    .count()
            };
            let order = match zeros(0).cmp(&zeros(1)) {
                std::cmp::Ordering::Greater => ByteOrder::Big,
                std::cmp::Ordering::Less => ByteOrder::Little,
                std::cmp::Ordering::Equal => field.order,
            };
            decode_whole_utf16(text, order)
        }
        // JIS X 0208 is written as ISO-2022-JP and, against the standard, as EUC or Shift_JIS.
        b"JIS" if text.contains(&0x1b) => with(encoding_rs::ISO_2022_JP),
        b"JIS" if !EUC_JP.decode(text).2 => with(EUC_JP),
        b"JIS" => with(SHIFT_JIS),
        b"" if is_filled => decode_text(until_nul(text)),
        // A code with one NUL after it.
        _ if bytes.starts_with(b"ASCII\0") => decode_text(until_nul(bytes.get(6..)?)),
        _ => decode_text(until_nul(bytes)),
    })
}

/// Cleans a text. Removes control characters, characters that reorder the text, noncharacters and
/// byte order marks. Makes line breaks and tabs spaces. Trims the text and cuts it to 1 KB. Returns
/// `None` if nothing is left.
pub(crate) fn clean_text(text: &str) -> Option<String> {
    clean_text_to(text, limits::MAX_TEXT_BYTES)
}

/// Cleans a text as [`clean_text`] does, but does not cut it.
pub(crate) fn clean_whole_text(text: &str) -> Option<String> {
    clean_text_to(text, usize::MAX)
}

/// Cleans a text as [`clean_text`] does, and cuts it to `max_bytes`.
fn clean_text_to(text: &str, max_bytes: usize) -> Option<String> {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if trimmed.is_empty() {
        return None;
    }
    // Nearly every text is short printable ASCII. This way it takes one allocation.
    if trimmed.len() <= max_bytes && trimmed.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Some(trimmed.to_owned());
    }
    let mut kept = String::with_capacity(trimmed.len().min(max_bytes));
    for c in trimmed.chars() {
        let c = if matches!(c, '\n' | '\r' | '\t') {
            ' '
        } else {
            c
        };
        if kept.len() + c.len_utf8() > max_bytes {
            break;
        }
        let repeated_space = c == ' ' && kept.ends_with(' ');
        if !is_unwanted(c) && !repeated_space {
            kept.push(c);
        }
    }
    kept.truncate(kept.trim_end().len());
    (!kept.is_empty()).then_some(kept)
}

/// Cleans a text of several lines as [`clean_text`] does, but keeps its line breaks, and does not
/// cut it. Each line break becomes a line feed. Returns `None` if nothing is left.
pub(crate) fn clean_lines(text: &str) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    let mut after_return = false;
    for c in text.chars() {
        match c {
            // The pair CR LF is one line break. So is NEL, the line break of mainframes.
            '\n' if after_return => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => kept.push('\n'),
            '\t' => kept.push(' '),
            _ if is_unwanted(c) => {}
            _ => kept.push(c),
        }
        after_return = c == '\r';
    }
    let trimmed = kept.trim();
    if trimmed.is_empty() {
        return None;
    }
    if trimmed.len() < kept.len() {
        kept = trimmed.to_owned();
    }
    Some(kept)
}

/// Cuts a text after this number of characters. Returns `true` if the text was longer.
pub(crate) fn cut_after(text: &mut String, max_chars: usize) -> bool {
    let Some((end, _)) = text.char_indices().nth(max_chars) else {
        return false;
    };
    text.truncate(end);
    text.truncate(text.trim_end().len());
    true
}

/// Reports whether a character reorders the text around it: a mark, an embedding, an override or an
/// isolate (Unicode Standard Annex 9, "Directional Formatting Characters").
///
/// All code that cleans or escapes text uses this one list: for records, archive keys, the public
/// view and the terminal. So a text that is safe in one of them is safe in the others too.
///
/// ```
/// use photo_metadata::is_bidi_control;
///
/// assert!("photo\u{202e}gpj.exe".contains(is_bidi_control));
/// assert!(!"Zürich 東京".contains(is_bidi_control));
/// ```
pub fn is_bidi_control(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Reports whether a character must not be in any text: a control character, or one of those that
/// reorder the text, separate lines or have no meaning of their own.
pub(crate) fn is_unwanted(c: char) -> bool {
    c.is_control()
        || is_bidi_control(c)
        || matches!(
            c,
            '\u{feff}' | '\u{fffd}' | '\u{fffe}' | '\u{ffff}' | '\u{fff9}'..='\u{fffb}'
        )
        || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiff::Ifd;

    fn comment(bytes: &[u8]) -> Option<String> {
        user_comment_text(&IfdField {
            ifd: Ifd::Exif,
            tag: 0x9286,
            kind: FieldType::Undefined,
            count: bytes.len() as u64,
            order: ByteOrder::Little,
            bytes: Some(bytes),
            size: bytes.len() as u64,
            offset: 0,
            view: crate::sparse::Sparse::whole(&[]).view(),
        })
    }

    #[test]
    fn control_and_bidi_characters_are_removed() {
        assert_eq!(clean_text(" a\u{202e}b\u{7}c\0 ").as_deref(), Some("abc"));
        assert_eq!(clean_text("Zürich 東京").as_deref(), Some("Zürich 東京"));
        assert_eq!(clean_text(" \0 "), None);
        assert_eq!(
            clean_text(&"é".repeat(2_000)).map(|t| t.len()),
            Some(limits::MAX_TEXT_BYTES)
        );
    }

    #[test]
    fn line_breaks_of_a_long_text_are_kept_in_one_form() {
        let lines = |text| clean_lines(text);
        assert_eq!(
            lines(" a\r\nb\rc\n\nd \n\0").as_deref(),
            Some("a\nb\nc\n\nd")
        );
        assert_eq!(lines("a\u{2028}b\u{85}c\td").as_deref(), Some("a\nb\nc d"));
        assert_eq!(
            lines("\u{202e}\r\n a\u{1b}[31mb").as_deref(),
            Some("a[31mb")
        );
        assert_eq!(lines("\r\n \0\t"), None);
        let long = "é".repeat(5_000);
        assert_eq!(lines(&long), Some(long));
    }

    #[test]
    fn text_is_cut_between_characters() {
        let cut = |text: &str, max| {
            let mut text = text.to_owned();
            let is_cut = cut_after(&mut text, max);
            (text, is_cut)
        };
        assert_eq!(cut("Zürich", 6), ("Zürich".to_owned(), false));
        assert_eq!(cut("Zürich", 2), ("Zü".to_owned(), true));
        assert_eq!(cut("a \nb", 3), ("a".to_owned(), true));
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_read_as_latin_1() {
        assert_eq!(decode_text(b"Z\xfcrich"), "Zürich");
        assert_eq!(decode_text("Zürich".as_bytes()), "Zürich");
    }

    #[test]
    fn a_user_comment_is_decoded_by_its_character_code() {
        assert_eq!(comment(b"ASCII\0\0\0hello\0\0").as_deref(), Some("hello"));
        for (bytes, text) in [
            (&b"ASCII   hello"[..], "hello"),
            (b"Ascii\0\0\0hello", "hello"),
            (b"ASCII\0hello", "hello"),
            (b"UTF-8\0\0\0Z\xc3\xbcrich", "Zürich"),
            (b"Unicode\0h\0i\0", "hi"),
            (b"UNICODE h\0i\0", "hi"),
            (b"UNICODE\0hello there", "hello there"),
            (b"        hello", "hello"),
            (b"ASCIIart on the wall", "ASCIIart on the wall"),
            (b"JIS is a standard", "JIS is a standard"),
        ] {
            assert_eq!(comment(bytes).as_deref(), Some(text));
        }
        assert_eq!(comment(b"UNICODE\0h\0i\0").as_deref(), Some("hi"));
        assert_eq!(comment(b"UNICODE\0\0h\0i").as_deref(), Some("hi"));
        assert_eq!(
            comment(b"JIS\0\0\0\0\0\x1b$BEl5~\x1b(B").as_deref(),
            Some("東京")
        );
        assert_eq!(comment(b"\0\0\0\0\0\0\0\0   "), None);
    }
}
