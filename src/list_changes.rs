//! The form of a setting that changes a list of defaults: `selects,!png`. This module does no I/O.

/// One change of a list of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListChange<'a> {
    /// Adds this entry.
    Add(&'a str),
    /// Removes this entry. The text has an exclamation mark before it.
    Remove(&'a str),
}

/// Parses the changes in a text, separated by commas. Ignores blanks around a change. An empty text
/// has no change.
pub(crate) fn parse_list_changes(text: &str) -> impl Iterator<Item = ListChange<'_>> {
    let changes = text.split(',').map(str::trim);
    let changes = changes.filter(|change| !change.is_empty());
    changes.map(|change| match change.strip_prefix('!') {
        Some(removed) => ListChange::Remove(removed),
        None => ListChange::Add(change),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_separated_by_commas() {
        let changes: Vec<ListChange<'_>> = parse_list_changes(" a ,!b,, ").collect();
        assert_eq!(changes, [ListChange::Add("a"), ListChange::Remove("b")]);
        assert_eq!(parse_list_changes("").count(), 0);
    }
}
