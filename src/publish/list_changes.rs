//! Finds the lists that the rebuilt months of a batch change, and changes them.
//!
//! A list of a month changes if it has other photos in the term index, or if the JSON of one of its
//! photos has changed. If this is not known, for example after an interrupted cycle, all lists of
//! the month are compared with their files.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::PublishError;
use super::list_key::ListKey;
use super::list_writer::{ListUpdate, ListWriter, StoredLists, covers_month};
use super::month_contents::{ListRows, MonthContents, list_rows};
use super::rebuild::RebuiltMonth;
use super::text_writer::parse_parts;
use crate::catalogue::published::PublishedMonth;
use crate::catalogue::published_lists::{PendingLists, PublishedList};

/// All published months, by name.
pub(super) type PublishedMonths = BTreeMap<String, PublishedMonth>;

/// The lists that the rebuilt months of a batch change.
#[derive(Debug, Default)]
pub(super) struct ListChanges {
    months: BTreeMap<String, ListedMonth>,
    /// The months to replace in each list.
    touched: BTreeMap<ListKey, BTreeSet<String>>,
    /// The items of all lists, if they were read.
    items: Option<HashMap<String, PublishedList>>,
    /// `true` if the term index of a month has changed, so that the text index must be written.
    pub(super) changes_text: bool,
}

/// A rebuilt month.
#[derive(Debug)]
struct ListedMonth {
    contents: MonthContents,
    rows: ListRows,
    /// `true` if an interrupted cycle may have changed the files of its lists.
    is_pending: bool,
}

impl ListChanges {
    /// Reports whether no list changes.
    pub(super) fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// Reports whether photos of albums may have changed.
    pub(super) fn changes_albums(&self) -> bool {
        !self.months.is_empty()
    }

    /// Adds the changes to the lists and months that are pending.
    pub(super) fn add_to(&self, pending: &mut PendingLists) {
        pending.months.extend(self.months.keys().cloned());
        let keys = self.touched.keys();
        pending.lists.extend(keys.map(ListKey::to_stored));
        pending.text |= self.changes_text;
    }

    fn touch(&mut self, lists: impl IntoIterator<Item = ListKey>, month: &str) {
        for key in lists {
            let months = self.touched.entry(key).or_default();
            months.insert(month.to_owned());
        }
    }

    /// Returns the update of a list.
    fn update_of(
        &self,
        key: ListKey,
        items: &HashMap<String, PublishedList>,
        stored: &StoredLists,
    ) -> ListUpdate {
        let months = self.touched.get(&key).into_iter().flatten();
        let changes = months.filter_map(|name| {
            let month = self.months.get(name)?;
            let rows = month.rows.get(&key).map(Vec::as_slice);
            Some(month.contents.photos(name, rows.unwrap_or_default()))
        });
        ListUpdate {
            item: items.get(&key.to_stored()).cloned(),
            changes: changes.collect(),
            stored: stored.get(&key).cloned(),
            key,
        }
    }
}

impl ListWriter<'_> {
    /// Finds the lists that these rebuilt months change. Takes the contents of the months.
    /// `pending` is what an interrupted cycle has left.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn find_changes(
        &self,
        rebuilt: &mut [RebuiltMonth],
        pending: &PendingLists,
    ) -> Result<ListChanges, PublishError> {
        let mut changes = ListChanges::default();
        let before = |month: &str| {
            self.published
                .get(month)
                .map(|month| month.index.as_slice())
        };
        let changed = rebuilt.iter().filter(|built| built.contents.is_some());
        let keys = changed.flat_map(|built| before(&built.dirty.month).unwrap_or_default());
        let keys: Vec<String> = keys.cloned().collect();
        let stored = self.table.index_parts(&keys).await?;
        let interrupted: Vec<ListKey> = pending
            .lists
            .iter()
            .filter_map(|key| ListKey::from_stored(key))
            .collect();
        for built in rebuilt {
            let Some(contents) = built.contents.take() else {
                continue;
            };
            let month = &built.dirty.month;
            let is_pending = pending.months.contains(month);
            let keys = before(month).unwrap_or_default();
            changes.changes_text |= is_pending || keys != built.month.index;
            let index = parse_parts(keys, &stored);
            let rows = contents.list_rows();
            match (&index, built.changed_ids()) {
                (Some(index), Some(ids)) if !is_pending => {
                    let lists = contents.changed_lists(&rows, index, &ids);
                    changes.touch(lists, month);
                }
                _ => {
                    changes.touch(rows.keys().cloned(), month);
                    let earlier = list_rows(index.as_deref().unwrap_or_default());
                    changes.touch(earlier.into_keys(), month);
                }
            }
            if is_pending {
                changes.touch(interrupted.iter().cloned(), month);
            }
            // The lists of the month are not known, so each list that may have its photos is
            // checked.
            if index.is_none() || (is_pending && pending.all) {
                let items = match changes.items.take() {
                    Some(items) => items,
                    None => self.table.all_lists().await?,
                };
                let covering = items.values().filter(|list| covers_month(list, month));
                let keys = covering.filter_map(|list| ListKey::from_stored(&list.key));
                changes.touch(keys, month);
                changes.items = Some(items);
            }
            let month = month.clone();
            changes.months.insert(
                month,
                ListedMonth {
                    contents,
                    rows,
                    is_pending,
                },
            );
        }
        Ok(changes)
    }

    /// Writes the lists that have changed. `pending` is what an interrupted cycle has left.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn apply_changes(
        &self,
        mut changes: ListChanges,
        pending: &PendingLists,
    ) -> Result<(), PublishError> {
        let items = match changes.items.take() {
            Some(items) => items,
            None => {
                let keys: Vec<String> = changes.touched.keys().map(ListKey::to_stored).collect();
                self.table.lists(&keys).await?
            }
        };
        let stored = self.read_interrupted(&changes, pending).await?;
        let keys: Vec<ListKey> = changes.touched.keys().cloned().collect();
        let updates = keys
            .into_iter()
            .map(|key| changes.update_of(key, &items, &stored));
        self.update_all(updates).await
    }

    /// Returns the stored files of the lists that an interrupted cycle may have changed. They may
    /// differ from the items.
    async fn read_interrupted(
        &self,
        changes: &ListChanges,
        pending: &PendingLists,
    ) -> Result<StoredLists, PublishError> {
        let is_pending = |month: &String| {
            let month = changes.months.get(month);
            month.is_some_and(|month| month.is_pending)
        };
        let touched = changes.touched.iter();
        let keys = touched.filter(|(_, months)| months.iter().any(is_pending));
        if pending.all {
            let mut all = self.all_stored_files().await?;
            let keys = keys.map(|(key, _)| (key.clone(), all.remove(key).unwrap_or_default()));
            return Ok(keys.collect());
        }
        let mut stored = StoredLists::new();
        for (key, _) in keys {
            if pending.lists.contains(&key.to_stored()) {
                stored.insert(key.clone(), self.stored_files(key).await?);
            }
        }
        Ok(stored)
    }
}
