//! Builds the ledger entries that organise and index write.

use photo_metadata::EXTRACTOR_VERSION;

use crate::archive::ArchiveKey;
use crate::catalogue::item::{LedgerEntry, LedgerOutcome};
use crate::identity::ContentId;
use crate::object::ObjectRef;
use crate::storage::ObjectProperties;

/// The verdict of ingest on the bytes of an object: skipped or archived. It becomes a ledger entry.
pub(super) enum LedgerVerdict<'a> {
    /// The bytes are not a photo.
    Skipped {
        /// The reason.
        reason: &'a str,
        /// The entry of earlier bytes of the object. Its archive key stays, so that the next edit
        /// finds its photo.
        earlier: Option<&'a LedgerEntry>,
    },
    /// The photo with this content id is archived under this key, or will be.
    Archived {
        archive_key: &'a ArchiveKey,
        content: &'a ContentId,
    },
}

/// Builds the ledger entry of an object with these properties and this verdict.
pub(super) fn ledger_entry(
    object: &ObjectRef,
    properties: &ObjectProperties,
    verdict: LedgerVerdict<'_>,
) -> LedgerEntry {
    let (outcome, reason, archive_key, content) = match verdict {
        LedgerVerdict::Skipped { reason, earlier } => (
            LedgerOutcome::Skipped,
            Some(reason.to_owned()),
            earlier.and_then(|entry| entry.archive_key.clone()),
            earlier.and_then(|entry| entry.content.clone()),
        ),
        LedgerVerdict::Archived {
            archive_key,
            content,
        } => (
            if archive_key.is_undated() {
                LedgerOutcome::Undated
            } else {
                LedgerOutcome::Archived
            },
            None,
            Some(archive_key.as_str().to_owned()),
            Some(content.clone()),
        ),
    };
    LedgerEntry {
        pk: LedgerEntry::pk(object),
        object: object.clone(),
        version: properties.version(),
        outcome,
        reason,
        archive_key,
        content,
        extractor_version: EXTRACTOR_VERSION,
    }
}
