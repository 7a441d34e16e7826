//! Removes characters from a text that the public must not get.

use photo_metadata::is_bidi_control;

/// Returns text without control characters (except line feeds) and without characters that reorder
/// the text around them. The result is harmless in a terminal. Markup is kept, because it is only
/// text in JSON.
pub(crate) fn clean_text(text: &str) -> String {
    text.chars()
        .filter(|c| (!c.is_control() || *c == '\n') && !is_bidi_control(*c))
        .collect()
}
