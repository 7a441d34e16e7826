//! Texts of an XMP packet: their places, and the entities in them.

use quick_xml::escape::resolve_predefined_entity;

use super::xmp_packet::TextSpan;

/// Splits a name into its prefix and the rest. The prefix is empty if there is none.
pub(crate) fn split_name(name: &str) -> (&str, &str) {
    let colon = name.bytes().position(|b| b == b':');
    let parts = colon.and_then(|colon| Some((name.get(..colon)?, name.get(colon + 1..)?)));
    parts.unwrap_or(("", name))
}

/// Adds the character that an entity stands for: one of the five of XML, or a character reference.
/// If the entity is unknown, adds it unchanged, and returns `false`.
pub(crate) fn push_entity(text: &mut String, name: &str) -> bool {
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        },
        None => None,
    };
    if let Some(character) = code.and_then(char::from_u32) {
        text.push(character);
    } else if let Some(known) = resolve_predefined_entity(name) {
        text.push_str(known);
    } else {
        text.extend(["&", name, ";"]);
        return false;
    }
    true
}

/// Returns the place of `part` in `text`. The caller must pass a slice of `text`.
pub(crate) fn span_in(text: &str, part: &[u8]) -> TextSpan {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    TextSpan {
        start: u32::try_from(start).unwrap_or(u32::MAX),
        length: u32::try_from(part.len()).unwrap_or_default(),
    }
}

/// Adds a text to those that follow the text of the packet. Returns its place.
pub(crate) fn push_text(packet: &str, added: &mut String, text: &str) -> TextSpan {
    let start = packet.len() + added.len();
    added.push_str(text);
    TextSpan {
        start: u32::try_from(start).unwrap_or(u32::MAX),
        length: u32::try_from(text.len()).unwrap_or_default(),
    }
}

/// Returns the text at a place of the packet, or of the texts that follow it.
pub(crate) fn text_in<'a>(packet: &'a str, added: &'a str, span: TextSpan) -> &'a str {
    let start = span.start as usize;
    let (source, start) = match start.checked_sub(packet.len()) {
        Some(start) => (added, start),
        None => (packet, start),
    };
    source
        .get(start..start + span.length as usize)
        .unwrap_or_default()
}
