//! Builds the ledger entries that organise and index write.

use photo_metadata::EXTRACTOR_VERSION;

use crate::archive::{ArchiveKey, Owner};
use crate::catalogue::item::{LedgerEntry, LedgerOutcome};
use crate::object::ObjectRef;
use crate::storage::ObjectProperties;

/// The verdict of ingest on the bytes of an object: skipped or archived. It becomes a ledger entry.
pub(super) enum LedgerVerdict<'a> {
    /// The bytes are not a photo. The text is the reason.
    Skipped(&'a str),
    /// The photo is archived under this key, for this owner.
    Archived {
        archive_key: &'a ArchiveKey,
        owner: &'a Owner,
    },
}

/// Builds the ledger entry of an object with these properties and this verdict.
pub(super) fn ledger_entry(
    object: &ObjectRef,
    properties: &ObjectProperties,
    verdict: LedgerVerdict<'_>,
) -> LedgerEntry {
    let (outcome, reason, archive_key, owner) = match verdict {
        LedgerVerdict::Skipped(reason) => {
            (LedgerOutcome::Skipped, Some(reason.to_owned()), None, None)
        }
        LedgerVerdict::Archived { archive_key, owner } => (
            if archive_key.is_undated() {
                LedgerOutcome::Undated
            } else {
                LedgerOutcome::Archived
            },
            None,
            Some(archive_key.as_str().to_owned()),
            Some(owner.as_str().to_owned()),
        ),
    };
    LedgerEntry {
        pk: LedgerEntry::pk(object),
        object: object.clone(),
        version: properties.version(),
        outcome,
        reason,
        archive_key,
        owner,
        extractor_version: EXTRACTOR_VERSION,
    }
}
