//! Removes dangerous characters from texts that are published.

use photo_metadata::is_bidi_control;

/// Returns text without control characters (except line feeds) and without characters that change
/// the order of the text around them. The result is safe in a terminal. Markup is kept, because it
/// is only text in JSON.
pub(crate) fn clean_text(text: &str) -> String {
    text.chars()
        .filter(|c| (!c.is_control() || *c == '\n') && !is_bidi_control(*c))
        .collect()
}
