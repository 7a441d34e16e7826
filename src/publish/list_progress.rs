//! What a cycle must do to the lists and to the text index besides the months of its batches.

use std::collections::BTreeSet;

use crate::catalogue::published::DirtyMonth;
use crate::catalogue::published_lists::{PendingLists, TextShards};

/// The state of the lists and of the text index during a cycle.
#[derive(Debug, Default)]
pub(super) struct ListProgress {
    /// What an interrupted cycle has left, or what must be checked. It does not contain the changes
    /// of this cycle.
    pub(super) pending: PendingLists,
    /// `true` if the publish table contains an item with pending lists.
    is_recorded: bool,
    /// The stored shards of the text index.
    pub(super) shards: TextShards,
    /// `true` if the text index must be written.
    pub(super) needs_text: bool,
    /// `true` if the stored shards may differ from `shards`.
    pub(super) has_unknown_text: bool,
    /// `true` if `facets.json` may name other shards than `shards`.
    pub(super) has_old_facets: bool,
    /// The paths of shards that must be deleted at the end of the cycle.
    pub(super) obsolete_text: BTreeSet<String>,
    /// `true` if the files of albums must be updated.
    pub(super) needs_albums: bool,
    /// `true` if the stored files of albums may differ from their items.
    pub(super) has_unknown_albums: bool,
    /// `true` if the record in the publish table names the albums.
    has_recorded_albums: bool,
    /// `true` if `shards` must be written to the publish table.
    pub(super) has_new_shards: bool,
}

/// Reports whether the pending lists need a cycle although no month is due.
pub(super) fn needs_cycle(pending: &PendingLists, dirty: &[DirtyMonth]) -> bool {
    let is_unfinished =
        pending.text || pending.albums || (pending.all && pending.months.is_empty());
    is_unfinished || unmarked_months(pending, dirty).next().is_some()
}

/// Returns the months of the pending lists that are not dirty. A cycle was interrupted before it
/// marked them.
pub(super) fn unmarked_months<'a>(
    pending: &'a PendingLists,
    dirty: &[DirtyMonth],
) -> impl Iterator<Item = &'a String> {
    let dirty: BTreeSet<&str> = dirty.iter().map(|month| month.month.as_str()).collect();
    let months = pending.months.iter();
    months.filter(move |month| !dirty.contains(month.as_str()))
}

impl ListProgress {
    /// Starts with the stored state.
    pub(super) fn new(pending: PendingLists, shards: TextShards) -> Self {
        ListProgress {
            is_recorded: !pending.is_empty(),
            needs_text: pending.text,
            has_unknown_text: pending.text,
            needs_albums: pending.albums,
            has_unknown_albums: pending.albums,
            has_recorded_albums: pending.albums,
            pending,
            shards,
            ..ListProgress::default()
        }
    }

    /// Requires that all lists of these months and all albums are checked, and in the end all other
    /// files. The caller must write the pending lists to the publish table.
    pub(super) fn check_all(&mut self, months: impl IntoIterator<Item = String>) {
        self.pending.months.extend(months);
        self.pending.all = true;
        self.pending.text = true;
        self.pending.albums = true;
        self.needs_text = true;
        self.has_unknown_text = true;
        self.needs_albums = true;
        self.has_unknown_albums = true;
    }

    /// Ends the check of these months, because their lists are written.
    pub(super) fn finish_months<'a>(&mut self, months: impl IntoIterator<Item = &'a String>) {
        for month in months {
            self.pending.months.remove(month);
        }
        if self.pending.months.is_empty() {
            self.pending.lists.clear();
        }
    }

    /// Sets the shards after they were written. `obsolete` are the paths of files to delete.
    pub(super) fn set_shards(&mut self, shards: TextShards, obsolete: BTreeSet<String>) {
        let has_new_names = !shards.shards.keys().eq(self.shards.shards.keys());
        self.has_old_facets |= has_new_names || self.has_unknown_text;
        self.has_new_shards |= shards != self.shards;
        self.shards = shards;
        self.obsolete_text = obsolete;
        self.needs_text = false;
        self.has_unknown_text = false;
    }

    /// Reports whether all months are checked, so that only the other files remain to be checked.
    pub(super) fn must_check_files(&self) -> bool {
        self.pending.all && self.pending.months.is_empty()
    }

    /// Returns the record that the publish table must contain at the end of the cycle. Returns
    /// `None` if the table needs no write.
    pub(super) fn final_record(&mut self) -> Option<PendingLists> {
        self.pending.text = self.needs_text;
        self.pending.albums = self.needs_albums;
        let needs_write = self.is_recorded || !self.pending.is_empty();
        needs_write.then(|| self.pending.clone())
    }

    /// Records that the publish table contains the present pending lists.
    pub(super) fn mark_recorded(&mut self) {
        let pending = self.pending.clone();
        self.set_recorded(&pending);
    }

    /// Records that the publish table contains these pending lists.
    pub(super) fn set_recorded(&mut self, pending: &PendingLists) {
        self.is_recorded = true;
        self.has_recorded_albums = pending.albums;
    }

    /// Returns the record that must be written before the files of an album change. Returns `None`
    /// if it is written already.
    pub(super) fn record_of_albums(&self) -> Option<PendingLists> {
        let record = || PendingLists {
            albums: true,
            text: self.needs_text,
            ..self.pending.clone()
        };
        (!self.has_recorded_albums).then(record)
    }

    /// Ends the update of the albums. `is_complete` is `false` if it must be repeated, because
    /// photos could not be read.
    pub(super) fn finish_albums(&mut self, is_complete: bool) {
        self.needs_albums = !is_complete;
        self.has_unknown_albums = false;
    }
}
