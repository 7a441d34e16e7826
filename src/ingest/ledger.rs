//! The ledger entry that organise and index write about an object.

use photo_metadata::EXTRACTOR_VERSION;

use crate::archive::{ArchiveKey, Owner, UNDATED};
use crate::catalogue::item::{LedgerEntry, ObjectVersion};
use crate::storage::ObjectProperties;

use super::event::Notice;

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
    object: &Notice,
    properties: &ObjectProperties,
    verdict: LedgerVerdict<'_>,
) -> LedgerEntry {
    let (outcome, reason, archive_key, owner) = match verdict {
        LedgerVerdict::Skipped(reason) => ("skipped", Some(reason.to_owned()), None, None),
        LedgerVerdict::Archived { archive_key, owner } => (
            if is_undated(archive_key) {
                "undated"
            } else {
                "archived"
            },
            None,
            Some(archive_key.as_str().to_owned()),
            Some(owner.as_str().to_owned()),
        ),
    };
    LedgerEntry {
        pk: LedgerEntry::pk(&object.bucket, &object.key),
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        version: object_version(properties),
        outcome: outcome.to_owned(),
        reason,
        archive_key,
        owner,
        extractor_version: EXTRACTOR_VERSION,
    }
}

/// Reports whether a copy is in the folder of photos without a credible date.
pub(super) fn is_undated(key: &ArchiveKey) -> bool {
    let folder = key.stem().strip_prefix(UNDATED);
    folder.is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the version of an object with these properties.
pub(super) fn object_version(properties: &ObjectProperties) -> ObjectVersion {
    ObjectVersion::new(&properties.etag, properties.last_modified)
}
