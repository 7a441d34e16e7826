//! The rebuild of one dirty month: its counts and its files from one query.

use std::collections::BTreeSet;

use futures::TryStreamExt;

use super::changes_file::MAX_CHANGE_BYTES;
use super::error::PublishError;
use super::file_store::StaticFileStore;
use super::json_file::{decompress_json, json_digest};
use super::month_builder::{MonthBuilder, MonthFile};
use super::month_difference::{MonthDifference, compare_versions};
use super::month_pages::read_month_pages;
use crate::catalogue::Catalogue;
use crate::catalogue::published::{DirtyMonth, PublishedFile, PublishedMonth};
use crate::view::PublicView;

/// Rebuilds single months. Writes the files of a month, but not its item in the publish table.
pub(super) struct MonthRebuilder<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) files: &'a StaticFileStore,
    pub(super) view: &'a PublicView,
}

/// A rebuilt month. Its files are written, but its item in the publish table is not.
pub(super) struct RebuiltMonth {
    pub(super) dirty: DirtyMonth,
    /// The new item of the month in the publish table. It is not written yet.
    pub(super) month: PublishedMonth,
    /// The change of the month's files, or `None` if the stored files were already up to date.
    pub(super) change: Option<FilesChange>,
}

/// The difference between the old and the new files of a month.
pub(super) struct FilesChange {
    pub(super) difference: MonthDifference,
    /// `true` if `difference` lists every change. It is `false` if the list would be too long, or
    /// if a stored file does not have the digest in the item of the month. Readers of
    /// `changes.json` must then read all files of the month again.
    pub(super) is_complete: bool,
    /// The paths of the stored files that no longer belong to the month. They must be deleted.
    pub(super) obsolete: BTreeSet<String>,
}

impl MonthRebuilder<'_> {
    /// Builds a month from its photos in the index by-date, and writes the files that have changed.
    /// `before` is the present item of the month, if the month has one. A repeat is safe.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn rebuild(
        &self,
        dirty: DirtyMonth,
        before: Option<PublishedMonth>,
    ) -> Result<RebuiltMonth, PublishError> {
        let (mut month, files) = self.build_month(&dirty.month).await?;
        let was_published = before.is_some();
        let before = before.map(|month| month.files).unwrap_or_default();
        if digests(&before) == digests(&month.files) {
            month.files = before;
            return Ok(RebuiltMonth {
                dirty,
                month,
                change: None,
            });
        }
        let (old_json, is_intact) = self.read_replaced_files(&before, &month.files).await?;
        let new_json = new_json(&before, &files)?;
        let (difference, is_listed) = compare_versions(&old_json, &new_json, MAX_CHANGE_BYTES)
            .map_err(|error| PublishError::json(&dirty.month, error))?;
        let mut obsolete: BTreeSet<String> = before.iter().map(|file| file.path.clone()).collect();
        if !was_published || !is_intact {
            // An interrupted cycle may have left files that the item does not list.
            obsolete.extend(self.files.list_month(&dirty.month).await?);
        }
        for file in &month.files {
            obsolete.remove(&file.path);
        }
        month.files = self.put_changed_files(&before, files).await?;
        Ok(RebuiltMonth {
            dirty,
            month,
            change: Some(FilesChange {
                difference,
                is_complete: is_listed && is_intact,
                obsolete,
            }),
        })
    }

    /// Builds the counts and the files of a month from its photos in the index by-date.
    async fn build_month(
        &self,
        month: &str,
    ) -> Result<(PublishedMonth, Vec<MonthFile>), PublishError> {
        let mut builder = MonthBuilder::new(month, self.view);
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

    /// Reads the stored files of `before` that are not in `after`. Returns the JSON of these files,
    /// and `true` if each of them has the digest in `before`. A stored file has another digest if
    /// an interrupted cycle has written it.
    async fn read_replaced_files(
        &self,
        before: &[PublishedFile],
        after: &[PublishedFile],
    ) -> Result<(Vec<Vec<u8>>, bool), PublishError> {
        let mut replaced = Vec::new();
        let mut is_intact = true;
        for old in before.iter().filter(|old| find_same(after, old).is_none()) {
            let json = self.files.read_json(&old.path).await?.unwrap_or_default();
            is_intact &= json_digest(&json) == old.digest;
            replaced.push(json);
        }
        Ok((replaced, is_intact))
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

/// Returns the JSON of the files that are not in `before`.
fn new_json(before: &[PublishedFile], files: &[MonthFile]) -> Result<Vec<Vec<u8>>, PublishError> {
    files
        .iter()
        .filter(|file| find_same(before, &file.entry).is_none())
        .map(|file| {
            decompress_json(&file.compressed)
                .map_err(|error| PublishError::json(&file.entry.path, error))
        })
        .collect()
}

fn find_same<'a>(files: &'a [PublishedFile], file: &PublishedFile) -> Option<&'a PublishedFile> {
    files
        .iter()
        .find(|other| other.path == file.path && other.digest == file.digest)
}

fn digests(files: &[PublishedFile]) -> Vec<&str> {
    files.iter().map(|file| file.digest.as_str()).collect()
}
