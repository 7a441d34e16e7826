//! The cursors of a request: from a parameter to a position, and back to JSON.

use serde::Serialize;

use super::cursor::{ListPosition, open_cursor, seal_cursor};
use super::problem::Problem;
use super::state::GalleryState;

/// Returns the position at which a page begins, or `None` for the first page. `query` is the query
/// to which the cursor belongs.
///
/// # Errors
/// Returns a problem if the cursor belongs to another query, has expired, or is no cursor.
pub(super) fn open_position(
    gallery: &GalleryState,
    query: &impl Serialize,
    cursor: Option<&str>,
) -> Result<Option<ListPosition>, Problem> {
    let settings = &gallery.settings;
    let bound = bound_text(query)?;
    let open = |token: &str| {
        open_cursor(&settings.cursor_key, &bound, token, (settings.now)())
            .map_err(|error| Problem::invalid_cursor(&error.to_string()))
    };
    cursor.map(open).transpose()
}

/// Returns the cursor for a position, as a JSON string.
///
/// # Errors
/// Returns a problem if the encryption fails.
pub(super) fn seal_position(
    gallery: &GalleryState,
    query: &impl Serialize,
    position: &ListPosition,
) -> Result<String, Problem> {
    let settings = &gallery.settings;
    let bound = bound_text(query)?;
    let sealed = seal_cursor(&settings.cursor_key, &bound, position, (settings.now)());
    // Base64url needs no escapes in JSON.
    Ok(format!("\"{}\"", sealed.ok_or_else(Problem::internal)?))
}

/// Returns the text to which a cursor is bound.
fn bound_text(query: &impl Serialize) -> Result<String, Problem> {
    // A query consists of plain texts and numbers, which can always be serialised.
    serde_json::to_string(query).map_err(|_| Problem::internal())
}
