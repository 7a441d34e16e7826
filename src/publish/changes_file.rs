//! `changes.json`: the last changes of the published photos (docs/static-gallery.md). Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::month_difference::MonthDifference;

/// The name of the file with the last changes of the published photos.
pub(super) const CHANGES_FILE: &str = "changes.json";
/// The maximum number of changes in the file.
const MAX_CHANGES: usize = 200;
/// The maximum size of all changes together, in bytes of JSON.
const MAX_CHANGES_BYTES: usize = 1_000_000;
/// The maximum size of the photos in one change, in bytes of JSON. If they are larger, the change
/// lists no photos, and readers must read all files of the month again.
pub(super) const MAX_CHANGE_BYTES: usize = 64_000;

/// The contents of `changes.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ChangesFile {
    /// The generation after the last change in this file. The generation is the number of a state
    /// of the static files.
    pub(super) generation: u64,
    /// The generation before the first change in this file. A reader that has the static files of
    /// an earlier generation must read all files again.
    pub(super) since: u64,
    /// The changes, in the order of their generations. All these generations are higher than
    /// `since`.
    pub(super) changes: Vec<MonthChange>,
}

/// A change of the published photos of one month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct MonthChange {
    /// The generation of the static files after this change. It increases by one with each change.
    pub(super) generation: u64,
    /// The name of the month, such as `2018-02`.
    pub(super) month: String,
    /// `true` if the change is too large to be listed or is not known exactly. `set` and `removed`
    /// are then empty, and readers must read all files of the month again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) reload: bool,
    /// The photos that were added or changed, each as JSON in its present form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) set: Vec<Value>,
    /// The ids of the photos that were removed from the month.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) removed: Vec<String>,
}

impl MonthChange {
    /// Creates the entry in `changes.json` for the change of a month that led to this generation of
    /// the static files. If `difference` is `None`, the entry lists no photos, and readers must
    /// read all files of the month again.
    pub(super) fn new(generation: u64, month: &str, difference: Option<MonthDifference>) -> Self {
        let reload = difference.is_none();
        let MonthDifference { set, removed, .. } = difference.unwrap_or_default();
        MonthChange {
            generation,
            month: month.to_owned(),
            reload,
            set,
            removed,
        }
    }
}

impl ChangesFile {
    /// Returns the contents of a `changes.json` that lists no changes. `generation` is the present
    /// generation of the static files. A reader that has the files of an earlier generation must
    /// read all files again.
    pub(super) fn empty(generation: u64) -> Self {
        ChangesFile {
            generation,
            since: generation,
            changes: Vec::new(),
        }
    }

    /// Appends new changes to the contents of `changes.json`. If there are then too many changes,
    /// drops the earliest.
    ///
    /// `since` is the generation at which the present public view began. All earlier changes are
    /// dropped in two cases: if the contents begin before `since`, because the earlier changes may
    /// belong to another public view; and if a generation is missing between the last earlier
    /// change and the first new change.
    pub(super) fn append(self, since: u64, new: Vec<MonthChange>) -> Self {
        let Some(first) = new.first().map(|change| change.generation) else {
            return self;
        };
        let last = new.last().map_or(first, |change| change.generation);
        let mut changes: Vec<MonthChange> = Vec::new();
        let mut from = first.saturating_sub(1);
        if self.generation == from && self.since >= since {
            from = self.since;
            changes = self.changes;
        }
        changes.extend(new);
        if let Some(last_dropped) = excess_changes(&changes).checked_sub(1) {
            from = changes[last_dropped].generation;
            changes.drain(..=last_dropped);
        }
        ChangesFile {
            generation: last,
            since: from,
            changes,
        }
    }
}

/// Returns how many of the earliest changes must be dropped, so that the others have at most
/// [`MAX_CHANGES_BYTES`] bytes and are at most [`MAX_CHANGES`].
fn excess_changes(changes: &[MonthChange]) -> usize {
    let bytes = |change: &MonthChange| serde_json::to_vec(change).map_or(0, |json| json.len());
    let sizes: Vec<usize> = changes.iter().map(bytes).collect();
    let mut total: usize = sizes.iter().sum();
    let mut dropped = 0;
    for size in sizes {
        if total <= MAX_CHANGES_BYTES && changes.len() - dropped <= MAX_CHANGES {
            break;
        }
        total -= size;
        dropped += 1;
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(generation: u64) -> MonthChange {
        MonthChange::new(generation, "2018-02", Some(MonthDifference::default()))
    }

    #[test]
    fn beyond_the_largest_number_the_earliest_changes_are_dropped() {
        let file = ChangesFile::default().append(0, vec![change(1), change(2)]);
        assert_eq!((file.since, file.generation), (0, 2));
        let file = file.append(0, (3..=300).map(change).collect());
        assert_eq!(
            (file.since, file.generation, file.changes.len()),
            (100, 300, 200)
        );
        assert_eq!(file.changes[0].generation, 101);
    }

    #[test]
    fn beyond_the_largest_size_the_earliest_changes_are_dropped() {
        let large = |generation| MonthChange {
            set: vec![Value::String("x".repeat(MAX_CHANGE_BYTES))],
            ..change(generation)
        };
        let file = ChangesFile::default().append(0, (1..=40).map(large).collect());
        assert!(serde_json::to_vec(&file).expect("JSON").len() < MAX_CHANGES_BYTES + 1000);
        assert_eq!(file.generation, 40);
        assert_eq!(file.changes[0].generation, file.since + 1);
    }

    #[test]
    fn another_view_or_a_gap_drops_all_earlier_changes() {
        let before = ChangesFile::default().append(0, vec![change(1), change(2)]);
        let other_view = before.clone().append(2, vec![change(3)]);
        assert_eq!((other_view.since, other_view.changes.len()), (2, 1));
        let gap = before.append(0, vec![change(5)]);
        assert_eq!((gap.since, gap.changes.len()), (4, 1));
    }
}
