//! The ledger entry that organise and index write about an object.

use photo_metadata::EXTRACTOR_VERSION;

use crate::archive::{ArchiveKey, Owner};
use crate::catalogue::item::{LedgerEntry, LedgerOutcome};
use crate::object::ObjectRef;
use crate::storage::ObjectProperties;

/// The verdict about some bytes.
pub(super) enum LedgerVerdict<'a> {
    /// The bytes are not a photo, with the reason.
    Skipped(&'a str),
    /// The photo is archived.
    Archived {
        archive_key: &'a ArchiveKey,
        owner: &'a Owner,
    },
}

/// Builds the ledger entry of an object with these properties.
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
