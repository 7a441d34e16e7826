//! Standard output: tables for people, JSON for programs.

use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use photo_metadata::is_bidi_control;
use serde::Serialize;

/// Writes `value` as one line of JSON.
pub(super) fn json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Returns standard output with a buffer. The caller must flush the buffer at the end. Otherwise an
/// error of the last write is lost.
pub(super) fn stdout() -> io::BufWriter<io::StdoutLock<'static>> {
    io::BufWriter::new(io::stdout().lock())
}

/// Returns an empty table without border lines, at most as wide as the terminal. `head` contains
/// the titles of the columns. If `head` is empty, the table has no titles.
pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if !head.is_empty() {
        table.set_header(head.iter().copied());
    }
    table
}

/// Writes a table, with two spaces between its columns and no spaces at the ends of its lines.
pub(super) fn write_table(out: &mut impl Write, table: &mut Table) -> io::Result<()> {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// Returns text from a photo in a form that is safe on a terminal. Escapes characters that could
/// move the cursor or change the order of the text.
pub(super) fn escape_control(text: &str) -> String {
    let escaped = |c: char| c.is_control() || is_bidi_control(c);
    text.chars()
        .flat_map(|c| {
            let (plain, hidden) = if escaped(c) {
                (None, Some(c.escape_unicode()))
            } else {
                (Some(c), None)
            };
            plain.into_iter().chain(hidden.into_iter().flatten())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            escape_control("a\u{1b}[31mb\u{202e}c é"),
            "a\\u{1b}[31mb\\u{202e}c é"
        );
    }
}
