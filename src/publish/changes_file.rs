//! `changes.json`: the last changes of the published photos (docs/static-gallery.md). Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::month_difference::{MonthDifference, PhotoLine};

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
    /// `since`. Each photo of a month is only in the last change that concerns it. So if a photo is
    /// not in its month any more, the file contains no data of it, except its id.
    pub(super) changes: Vec<MonthChange>,
}

/// A change of the published photos of one month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct MonthChange {
    /// The generation of the static files after this change. It increases by one with each change.
    /// A generation is absent from the file if later changes concern all photos of its change.
    pub(super) generation: u64,
    /// The name of the month, such as `2018-02`.
    pub(super) month: String,
    /// `true` if the change is too large to be listed or is not known exactly. `set` and `removed`
    /// are then empty, and readers must read all files of the month again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) reload: bool,
    /// The photos that were added or changed. Each has the bytes of its line in the month's file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) set: Vec<PhotoLine>,
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

    /// Returns the contents of a `changes.json` after a generation in which no month has changed.
    /// If a generation is missing before `generation`, or if the contents begin before `since`,
    /// drops the changes, as [`ChangesFile::append`] does.
    pub(super) fn advance(self, since: u64, generation: u64) -> Self {
        match self.generation + 1 == generation && self.since >= since {
            true => ChangesFile { generation, ..self },
            false => ChangesFile::empty(generation),
        }
    }

    /// Appends new changes to the contents of `changes.json`. Drops the earlier data of each photo
    /// that a new change concerns, so that no old version and no removed photo stays in the file.
    /// If there are then too many changes, drops the earliest.
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
        drop_replaced_photos(&mut changes);
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

/// Drops each photo and each removal from all changes of its month except the last one. Drops the
/// photos of a month from all changes before the month's last `reload`. Drops changes that are
/// empty then. A reader of the remaining changes gets the same photos as a reader of all changes.
fn drop_replaced_photos(changes: &mut Vec<MonthChange>) {
    let mut reloaded: BTreeSet<String> = BTreeSet::new();
    let mut listed: BTreeSet<(String, String)> = BTreeSet::new();
    for change in changes.iter_mut().rev() {
        let month = &change.month;
        if reloaded.contains(month) {
            change.reload = false;
        }
        if change.reload {
            reloaded.insert(month.clone());
        }
        if reloaded.contains(month) {
            change.set.clear();
            change.removed.clear();
            continue;
        }
        let mut is_last = |id: &str| listed.insert((month.clone(), id.to_owned()));
        change.set.retain(|photo| is_last(photo.id()));
        change.removed.retain(|id| is_last(id));
    }
    changes.retain(|change| change.reload || !change.set.is_empty() || !change.removed.is_empty());
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
mod tests;
