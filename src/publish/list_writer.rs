//! Writes the files of lists: the photos of a keyword, a camera or a lens (docs/static-gallery.md).
//!
//! A list is updated in this order: the new files, the changed files, its item in the publish
//! table, the removal of files. A new file is not linked before the file that links it is written,
//! and each write leaves all photos of the other months in linked files. So if a cycle is
//! interrupted, the files that can be reached from the first one are right, except for the months
//! that are still dirty. The item may then be older than the files. The next cycle finds that out,
//! because the list is pending, and follows the files in place of the item.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt};

use super::error::PublishError;
use super::file_store::{StaticFileStore, StoredETags};
use super::list_changes::PublishedMonths;
use super::list_file::{ListFile, ListMonth, month_age};
use super::list_key::{ListKey, ListKind};
use super::list_patch::{ListPatch, PlannedFile};
use super::month_builder::FILE_BYTES;
use super::stored_text::json_digest;
use crate::catalogue::published::PublishTable;
use crate::catalogue::published_lists::{ListPart, PublishedList};

/// The maximum number of lists that are updated at the same time. The files of a list may need 30
/// MB of memory.
const CONCURRENT_LISTS: usize = 4;

/// Writes the files and the items of lists.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListWriter<'a> {
    pub(super) table: &'a PublishTable,
    pub(super) files: &'a StaticFileStore,
    /// The published months.
    pub(super) published: &'a PublishedMonths,
    /// The present time.
    pub(super) now: DateTime<Utc>,
}

/// What must be done to one list.
#[derive(Debug)]
pub(super) struct ListUpdate {
    pub(super) key: ListKey,
    /// The item of the list, if it has one.
    pub(super) item: Option<PublishedList>,
    /// The photos that the list must have in some months.
    pub(super) changes: Vec<ListMonth>,
    /// The ETags of the stored files of the list, if the files may differ from the item.
    pub(super) stored: Option<StoredETags>,
}

/// The result of an attempt to replace months in a list.
enum PatchOutcome {
    /// The list has exactly these photos already.
    Unchanged,
    /// The files must be written.
    Changed,
    /// A file is not the one in the item.
    Damaged,
}

/// The ETags of the stored files of each list.
pub(super) type StoredLists = BTreeMap<ListKey, StoredETags>;

impl ListWriter<'_> {
    /// Updates lists, a few at a time. `updates` is consumed slowly, so that not all photos are in
    /// memory. After an error, starts no further update, and waits for those that have begun. So no
    /// write is left on its way when the next cycle lists the files.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn update_all(
        &self,
        mut updates: impl Iterator<Item = ListUpdate>,
    ) -> Result<(), PublishError> {
        let has_failed = &AtomicBool::new(false);
        let updates = std::iter::from_fn(|| match has_failed.load(Ordering::Relaxed) {
            true => None,
            false => updates.next(),
        });
        let results: Vec<Result<(), PublishError>> = stream::iter(updates)
            .map(|update| async move {
                let result = self.update(update).await;
                has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
                result
            })
            .buffer_unordered(CONCURRENT_LISTS)
            .collect()
            .await;
        results.into_iter().collect()
    }

    /// Returns the ETags of the stored files of one list. Sends one request.
    pub(super) async fn stored_files(&self, key: &ListKey) -> Result<StoredETags, PublishError> {
        self.files.list_below(&key.path_prefix()).await
    }

    /// Returns the ETags of all stored list files. Sends one request for each 1,000 files of a
    /// kind.
    pub(super) async fn all_stored_files(&self) -> Result<StoredLists, PublishError> {
        let mut lists = StoredLists::new();
        for kind in ListKind::ALL {
            let folder = format!("{}/", kind.as_str());
            for (path, etag) in self.files.list_below(&folder).await? {
                if let Some(key) = ListKey::of_path(&path) {
                    lists.entry(key).or_default().insert(path, etag);
                }
            }
        }
        Ok(lists)
    }

    /// Checks all lists: deletes the files of lists that have no item, and repairs lists whose
    /// files are not those of their items.
    pub(super) async fn check_all(&self) -> Result<(), PublishError> {
        let mut stored = self.all_stored_files().await?;
        let items: HashMap<String, PublishedList> = self.table.all_lists().await?;
        let updates = items.into_values().filter_map(|item| {
            let key = ListKey::from_stored(&item.key)?;
            let stored = stored.remove(&key).unwrap_or_default();
            (!is_as_recorded(&item.parts, &stored)).then_some(ListUpdate {
                key,
                item: Some(item),
                changes: Vec::new(),
                stored: Some(stored),
            })
        });
        let updates: Vec<ListUpdate> = updates.collect();
        self.update_all(updates.into_iter()).await?;
        for path in stored.into_values().flat_map(BTreeMap::into_keys) {
            self.files.delete(&path).await?;
        }
        Ok(())
    }

    /// Updates one list.
    async fn update(&self, update: ListUpdate) -> Result<(), PublishError> {
        let ListUpdate {
            key,
            item,
            changes,
            stored,
        } = update;
        let parts = item.as_ref().map(|item| item.parts.as_slice());
        let parts = parts.unwrap_or_default();
        let is_known = stored
            .as_ref()
            .is_none_or(|stored| is_as_recorded(parts, stored));
        if is_known {
            let mut patch = ListPatch::new(parts, FILE_BYTES);
            match self.apply_changes_to(&mut patch, &key, &changes).await? {
                PatchOutcome::Unchanged => return Ok(()),
                PatchOutcome::Changed => {
                    let paths = parts.iter().map(|part| part.path.clone()).collect();
                    return self.write_list(&key, patch, item.as_ref(), paths).await;
                }
                PatchOutcome::Damaged => {}
            }
        }
        let stored = match stored {
            Some(stored) => stored,
            None => self.stored_files(&key).await?,
        };
        let mut patch = self.follow_files(&key, parts, &stored, is_known).await?;
        let mut paths: BTreeSet<String> = stored.into_keys().collect();
        paths.extend(parts.iter().map(|part| part.path.clone()));
        self.restore_lost(parts, &patch, &changes).await?;
        match self.apply_changes_to(&mut patch, &key, &changes).await? {
            PatchOutcome::Damaged => {
                let error = io::Error::other("a file has changed while it was read");
                Err(PublishError::json(&key.first_path(), error))
            }
            // The item of the list may still name other files.
            PatchOutcome::Unchanged | PatchOutcome::Changed => {
                self.link_parts(&mut patch, &key).await?;
                self.write_list(&key, patch, item.as_ref(), paths).await
            }
        }
    }

    /// Reads the files that the changes need, and replaces the months in them.
    async fn apply_changes_to(
        &self,
        patch: &mut ListPatch,
        key: &ListKey,
        changes: &[ListMonth],
    ) -> Result<PatchOutcome, PublishError> {
        let wanted = patch.parts_to_read(changes);
        if !self.read_parts(key, patch, wanted).await? {
            return Ok(PatchOutcome::Damaged);
        }
        if !patch.apply(changes.to_vec()) {
            return Ok(PatchOutcome::Unchanged);
        }
        match self.link_parts(patch, key).await? {
            true => Ok(PatchOutcome::Changed),
            false => Ok(PatchOutcome::Damaged),
        }
    }

    /// Reads the files that are needed because other files change. Returns `false` if one of them
    /// is not the one in the item.
    async fn link_parts(&self, patch: &mut ListPatch, key: &ListKey) -> Result<bool, PublishError> {
        let wanted = patch.parts_to_link();
        self.read_parts(key, patch, wanted).await
    }

    /// Requests that the months of lost files are rebuilt with their lists, before the item of the
    /// list forgets these files. `parts` are the files in the item, and `found` those that are
    /// left. The photos of `changes` need no rebuild.
    async fn restore_lost(
        &self,
        parts: &[ListPart],
        found: &ListPatch,
        changes: &[ListMonth],
    ) -> Result<(), PublishError> {
        let is_found = |path: &str| {
            let mut found = (0..).map_while(|at| found.part(at));
            found.any(|part| part.path == path)
        };
        let lost: Vec<&ListPart> = parts.iter().filter(|part| !is_found(&part.path)).collect();
        let months: Vec<&String> = self
            .published
            .keys()
            .filter(|month| lost.iter().any(|part| covers(part, month)))
            .filter(|month| changes.iter().all(|change| change.month != **month))
            .collect();
        if months.is_empty() {
            return Ok(());
        }
        self.table.request_list_check(self.now).await?;
        for month in months {
            self.table.mark_dirty(month, self.now).await?;
        }
        Ok(())
    }

    /// Reads files of a list. Returns `false` if one of them is not the one in the item.
    async fn read_parts(
        &self,
        key: &ListKey,
        patch: &mut ListPatch,
        wanted: BTreeSet<usize>,
    ) -> Result<bool, PublishError> {
        for at in wanted {
            let Some(part) = patch.part(at) else {
                return Ok(false);
            };
            let json = self.files.read_json(&part.path).await?.unwrap_or_default();
            if json_digest(&json) != part.digest {
                return Ok(false);
            }
            match ListFile::parse(&Bytes::from(json), key) {
                Some(file) => patch.set_file(at, file),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Finds the files of a list from the first one on, each of which contains the path of the next
    /// one. Ends at a file that is missing or damaged. Keeps only the contents of files that differ
    /// from `parts`, the files in the item. If `reads_all` is `false`, does not read a file whose
    /// ETag is that in the item.
    async fn follow_files(
        &self,
        key: &ListKey,
        parts: &[ListPart],
        stored: &StoredETags,
        reads_all: bool,
    ) -> Result<ListPatch, PublishError> {
        let mut patch = ListPatch::new(&[], FILE_BYTES);
        let mut seen = BTreeSet::new();
        let mut next = Some(key.first_path());
        while let Some(path) = next.filter(|path| seen.insert(path.clone())) {
            let etag = stored.get(&path).cloned().unwrap_or_default();
            let at = parts.iter().position(|part| part.path == path);
            let recorded = at.and_then(|at| parts.get(at));
            if let Some(recorded) = recorded.filter(|part| !reads_all && part.etag == etag) {
                // The file is the one in the item, and so it names the successor in the item.
                let follower = at.and_then(|at| parts.get(at + 1));
                next = follower.map(|part| part.path.clone());
                patch.push(recorded.clone(), None);
                continue;
            }
            let json = self.files.read_json(&path).await?.unwrap_or_default();
            let digest = json_digest(&json);
            let Some(file) = ListFile::parse(&Bytes::from(json), key) else {
                break;
            };
            next = file.next.clone();
            let is_recorded = recorded.is_some_and(|part| part.digest == digest);
            let month = |month: Option<&ListMonth>| month.map(|month| month.month.clone());
            let part = ListPart {
                photos: file.photos(),
                newest: month(file.months.first()).unwrap_or_default(),
                oldest: month(file.months.last()).unwrap_or_default(),
                digest,
                etag,
                path,
            };
            patch.push(part, (!is_recorded).then_some(file));
        }
        Ok(patch)
    }

    /// Writes the files and the item of a list, and deletes the files that no longer belong to it.
    /// `paths` are the paths of its stored files.
    async fn write_list(
        &self,
        key: &ListKey,
        patch: ListPatch,
        item: Option<&PublishedList>,
        mut paths: BTreeSet<String>,
    ) -> Result<(), PublishError> {
        let plan = patch
            .finish(key, &paths)
            .map_err(|error| PublishError::json(&key.first_path(), error))?;
        let mut list = PublishedList {
            key: key.to_stored(),
            name: plan.name,
            photos: plan.photos,
            parts: Vec::new(),
        };
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (at, PlannedFile { part, compressed }) in plan.files.into_iter().enumerate() {
            let writes = if paths.remove(&part.path) {
                &mut changed
            } else {
                &mut new
            };
            writes.extend(compressed.map(|compressed| (at, compressed)));
            list.parts.push(part);
        }
        for (at, compressed) in new.into_iter().chain(changed) {
            if let Some(part) = list.parts.get_mut(at) {
                part.etag = self
                    .files
                    .put_compressed(&part.path, compressed)
                    .await?
                    .etag;
            }
        }
        if !list.parts.is_empty() && item != Some(&list) {
            self.table.put_list(&list).await?;
        }
        for path in paths {
            self.files.delete(&path).await?;
        }
        if list.parts.is_empty() && item.is_some() {
            self.table.delete_list(&list.key).await?;
        }
        Ok(())
    }
}

/// Reports whether the stored files of a list are those in its item.
fn is_as_recorded(parts: &[ListPart], stored: &StoredETags) -> bool {
    let is_stored = |part: &ListPart| stored.get(&part.path) == Some(&part.etag);
    parts.len() == stored.len() && parts.iter().all(is_stored)
}

/// Reports whether a list may have photos of a month.
pub(super) fn covers_month(list: &PublishedList, month: &str) -> bool {
    list.parts.iter().any(|part| covers(part, month))
}

/// Reports whether a file may have photos of a month.
fn covers(part: &ListPart, month: &str) -> bool {
    let range = month_age(&part.oldest)..=month_age(&part.newest);
    range.contains(&month_age(month))
}
