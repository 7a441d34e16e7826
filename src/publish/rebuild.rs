//! The rebuild of one dirty month: its counts and its files from one query.

use std::collections::BTreeSet;
use std::io;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;

use super::changes_file::MAX_CHANGE_BYTES;
use super::error::PublishError;
use super::file_store::{StaticFileStore, StoredETags};
use super::month_builder::{BuiltMonth, MonthBuilder, MonthFile};
use super::month_contents::MonthContents;
use super::month_difference::{MonthDifference, PhotoLine, compare_versions};
use super::month_pages::read_month_pages;
use super::stored_text::{decompress, json_digest};
use crate::catalogue::Catalogue;
use crate::catalogue::index_parts::StoredIndexPart;
use crate::catalogue::published::{DirtyMonth, PublishTable, PublishedFile, PublishedMonth};
use crate::catalogue::published_lists::PendingLists;
use crate::term_index::IndexPart;
use crate::view::PublicView;

/// Rebuilds single months. Writes the files of a month, but not its item in the publish table.
pub(super) struct MonthRebuilder<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) table: &'a PublishTable,
    pub(super) files: &'a StaticFileStore,
    /// The ETags of all files that were stored before this cycle wrote any file.
    pub(super) stored: &'a StoredETags,
    pub(super) view: &'a PublicView,
    /// The lists that must be checked. Those of their months are checked even if no file changes.
    pub(super) pending: &'a PendingLists,
    /// The present time.
    pub(super) now: DateTime<Utc>,
}

/// A rebuilt month. Its files are written, but its item in the publish table is not.
pub(super) struct RebuiltMonth {
    pub(super) dirty: DirtyMonth,
    /// The new item of the month in the publish table. It is not written yet.
    pub(super) month: PublishedMonth,
    /// The time at which the month must be rebuilt again. See [`BuiltMonth::waits_until`].
    pub(super) waits_until: Option<DateTime<Utc>>,
    /// The keys of the stored parts of the term index that no longer belong to the month. They must
    /// be deleted after the item of the month is written.
    pub(super) obsolete_index: BTreeSet<String>,
    /// The change of the month's files, or `None` if the stored files were already up to date.
    pub(super) change: Option<FilesChange>,
    /// The photos and the term index, if lists may change.
    pub(super) contents: Option<MonthContents>,
}

/// The difference between the old and the new files of a month.
pub(super) struct FilesChange {
    pub(super) difference: MonthDifference,
    /// `true` if `difference` lists every change. It is `false` if the list would be too long, or
    /// if the stored files are not those in the item of the month. Readers of `changes.json` must
    /// then read all files of the month again.
    pub(super) is_complete: bool,
    /// The paths of the stored files that no longer belong to the month. They must be deleted.
    pub(super) obsolete: BTreeSet<String>,
}

impl RebuiltMonth {
    /// Returns the ids of the new, changed and removed photos, or `None` if they are not known.
    pub(super) fn changed_ids(&self) -> Option<BTreeSet<&str>> {
        let Some(change) = &self.change else {
            return Some(BTreeSet::new());
        };
        let set = change.difference.set.iter().map(PhotoLine::id);
        let removed = change.difference.removed.iter().map(String::as_str);
        change.is_complete.then(|| set.chain(removed).collect())
    }
}

impl MonthRebuilder<'_> {
    /// Builds a month from its photos in the index by-date, and writes the files that have changed
    /// and the new parts of the term index. `before` is the present item of the month, if the month
    /// has one. If the stored files are not those in `before`, writes all files of the month. A
    /// repeat is safe.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn rebuild(
        &self,
        dirty: DirtyMonth,
        before: Option<PublishedMonth>,
    ) -> Result<RebuiltMonth, PublishError> {
        let BuiltMonth {
            mut month,
            files,
            index,
            waits_until,
        } = self.build_month(&dirty.month).await?;
        let before = before.unwrap_or_default();
        let is_settled = self.has_stored_files(&dirty.month, &before.files).await?;
        let is_same = is_settled && digests(&before.files) == digests(&month.files);
        let keeps_lists = is_same && before.index == month.index;
        let contents = match keeps_lists && !self.pending.months.contains(&dirty.month) {
            true => None,
            false => Some(month_contents(&dirty.month, &files, &index)?),
        };
        let obsolete_index = self.put_index(&dirty.month, index).await?;
        let before = before.files;
        if is_same {
            month.files = before;
            return Ok(RebuiltMonth {
                dirty,
                month,
                waits_until,
                obsolete_index,
                change: None,
                contents,
            });
        }
        let mut obsolete = self.stored_paths(&dirty.month);
        for file in &month.files {
            obsolete.remove(&file.path);
        }
        let comparison = match is_settled {
            true => self.compare_files(&before, &files).await?,
            false => None,
        };
        // Without a comparison, nothing is known about the stored files, so all are replaced.
        let kept = comparison.as_ref().map_or(&[][..], |_| before.as_slice());
        month.files = self.put_changed_files(kept, files).await?;
        let (difference, is_complete) = comparison.unwrap_or_default();
        Ok(RebuiltMonth {
            dirty,
            month,
            waits_until,
            obsolete_index,
            change: Some(FilesChange {
                difference,
                is_complete,
                obsolete,
            }),
            contents,
        })
    }

    /// Writes the parts of the term index of a month that are not stored yet. Returns the keys of
    /// the stored parts that do not belong to the month any more.
    async fn put_index(
        &self,
        month: &str,
        parts: Vec<StoredIndexPart>,
    ) -> Result<BTreeSet<String>, PublishError> {
        let mut stored = self.table.index_part_keys(month).await?;
        for part in parts {
            if !stored.remove(&part.key) {
                self.table.put_index_part(part).await?;
            }
        }
        Ok(stored)
    }

    /// Reports whether the stored files of a month are exactly `files`. They are not if an earlier
    /// cycle was interrupted, or if someone else changed them.
    async fn has_stored_files(
        &self,
        month: &str,
        files: &[PublishedFile],
    ) -> Result<bool, PublishError> {
        let listed: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
        if listed != self.stored_paths(month) {
            return Ok(false);
        }
        for file in files {
            if self.stored.get(&file.path) == Some(&file.etag) {
                continue;
            }
            // Some stores return another ETag in a list than in the response to a PUT.
            let json = self.files.read_json(&file.path).await?.unwrap_or_default();
            if json_digest(&json) != file.digest {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the paths of the stored files of a month.
    fn stored_paths(&self, month: &str) -> BTreeSet<String> {
        let prefix = format!("{month}.");
        let paths = self.stored.keys();
        paths
            .filter(|path| path.starts_with(&prefix))
            .cloned()
            .collect()
    }

    /// Compares the stored files of a month, which `before` lists, with its new files. Returns the
    /// difference, and `true` if it lists every change. Returns `None` if a stored file does not
    /// have its digest, or is not a list of photos.
    async fn compare_files(
        &self,
        before: &[PublishedFile],
        files: &[MonthFile],
    ) -> Result<Option<(MonthDifference, bool)>, PublishError> {
        let mut replaced = Vec::new();
        for old in before {
            if files.iter().any(|file| is_same(&file.entry, old)) {
                continue;
            }
            let json = self.files.read_json(&old.path).await?.unwrap_or_default();
            if json_digest(&json) != old.digest {
                return Ok(None);
            }
            replaced.push(json);
        }
        let mut new = Vec::new();
        for MonthFile { entry, compressed } in files {
            if find_same(before, entry).is_none() {
                let json = decompress(compressed);
                new.push(json.map_err(|error| PublishError::json(&entry.path, error))?);
            }
        }
        Ok(compare_versions(&replaced, &new, MAX_CHANGE_BYTES).ok())
    }

    /// Builds the counts and the files of a month from its photos in the index by-date.
    async fn build_month(&self, month: &str) -> Result<BuiltMonth, PublishError> {
        let mut builder = MonthBuilder::new(month, self.view, self.now);
        let mut pages = read_month_pages(self.catalogue, month).await?;
        while let Some(page) = pages.try_next().await? {
            for entry in &page.entries {
                builder
                    .add_photo(&entry.summary)
                    .map_err(|error| PublishError::json(month, error))?;
            }
        }
        builder
            .finish()
            .map_err(|error| PublishError::json(month, error))
    }

    /// Writes the files that are not in `before`. Returns the entries of all files, including the
    /// unchanged ones.
    async fn put_changed_files(
        &self,
        before: &[PublishedFile],
        files: Vec<MonthFile>,
    ) -> Result<Vec<PublishedFile>, PublishError> {
        let mut entries = Vec::new();
        for MonthFile { entry, compressed } in files {
            if let Some(old) = find_same(before, &entry) {
                entries.push(old.clone());
                continue;
            }
            let stored = self.files.put_compressed(&entry.path, compressed).await?;
            entries.push(PublishedFile {
                etag: stored.etag,
                bytes: stored.bytes,
                ..entry
            });
        }
        Ok(entries)
    }
}

/// Returns the photos and the term index of a month that was built.
fn month_contents(
    month: &str,
    files: &[MonthFile],
    index: &[StoredIndexPart],
) -> Result<MonthContents, PublishError> {
    let texts = files.iter().map(|file| decompress(&file.compressed));
    let texts: io::Result<Vec<Vec<u8>>> = texts.collect();
    let parts = index.iter().map(|part| {
        let json = decompress(&part.compressed)?;
        IndexPart::parse(&json).map_err(io::Error::other)
    });
    let parts: io::Result<Vec<IndexPart>> = parts.collect();
    texts
        .and_then(|texts| MonthContents::new(texts, parts?))
        .map_err(|error| PublishError::json(month, error))
}

fn find_same<'a>(files: &'a [PublishedFile], file: &PublishedFile) -> Option<&'a PublishedFile> {
    files.iter().find(|other| is_same(other, file))
}

fn is_same(one: &PublishedFile, other: &PublishedFile) -> bool {
    one.path == other.path && one.digest == other.digest
}

fn digests(files: &[PublishedFile]) -> Vec<&str> {
    files.iter().map(|file| file.digest.as_str()).collect()
}
