//! Skips objects by their names. [`crate::skipped_names`] decides which names are never a photo's.
//!
//! A skip by name is not written to the ledger, because it needs no record: the name and the
//! setting always give the same answer. So a skipped upload costs no request, and after a change of
//! the setting the next event or `photos reconcile` finds the right outcome.

use crate::archive::ArchiveKey;
use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::object::ObjectRef;
use crate::retry::Attempt;
use crate::skipped_names::SkippedNames;

use super::index::IndexedFile;
use super::{Ingest, IngestError, Outcome};

impl Ingest {
    /// Sets the names that are never a photo's. Without this call, ingest uses the default
    /// patterns.
    #[must_use]
    pub fn with_skipped_names(mut self, names: SkippedNames) -> Self {
        self.skipped_names = names.into();
        self
    }

    /// Returns the names that are never a photo's.
    pub fn skipped_names(&self) -> &SkippedNames {
        &self.skipped_names
    }

    /// Returns the reason why an object of the source or the archive is never a photo, or `None` if
    /// ingest must process it. Sends no request.
    pub(super) fn skip_reason(&self, object: &ObjectRef) -> Option<String> {
        self.skipped_names.reason_for_object(&self.layout, object)
    }

    /// Returns the reason why a part of an item is never a photo: the name of the archived file, or
    /// the name of the upload that it was copied from. Returns `None` if both are ordinary names.
    pub fn skip_reason_of_part(&self, part: &PhotoPart) -> Option<String> {
        let file = self.layout.archive_bucket().object(&part.key);
        let source = part.source.as_ref().map(|source| &source.object);
        self.skip_reason(&file)
            .or_else(|| self.skip_reason(source?))
    }

    /// Skips an archived file by its name, or by the name of its upload. `item` is the item of the
    /// photo. If it has the file as a live part, the part becomes a tombstone. If it has a tombstone
    /// because the file could not be read, the gap of that tombstone goes. Both happen if the file
    /// was indexed before its name was skipped.
    pub(super) async fn skip_archived_name(
        &self,
        key: &ArchiveKey,
        item: Option<PhotoItem>,
        reason: String,
    ) -> Result<Attempt<IndexedFile>, IngestError> {
        let recorded = item.as_ref().and_then(|item| item.parts.get(key.part()));
        if recorded.is_some_and(PhotoPart::describes_present_file) {
            let tombstone = PhotoPart::removed(key.as_str(), recorded);
            return self.tombstone_part(key, item, tombstone).await;
        }
        Ok(IndexedFile::done(Outcome::Skipped(reason)))
    }
}
