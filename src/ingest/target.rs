//! The state of the target of a copy: an archive key.

use crate::archive::{ArchiveKey, Owner};
use crate::catalogue::item::PartSource;

use super::provenance::Provenance;
use super::{Ingest, IngestError};

/// The state of an archive key, from the point of view of one owner who wants to write a copy to
/// it.
pub(super) enum TargetState {
    /// No object exists under the key.
    Empty,
    /// The object is a copy of this owner. The field is the source of the copy, with the ETag of
    /// the copied bytes.
    OwnCopy(PartSource),
    /// The object is a copy with another owner (the hash that the files of one shot share), or
    /// ingest did not write it.
    Foreign,
}

impl Ingest {
    /// Reads the state of an archive key for this owner, with one HEAD request. Organise does this
    /// before it copies (step organise 3 of docs/ingest-protocol.md).
    pub(super) async fn target_state(
        &self,
        key: &ArchiveKey,
        owner: &Owner,
    ) -> Result<TargetState, IngestError> {
        let Some(object) = self.storage.head_object(key.object()).await? else {
            return Ok(TargetState::Empty);
        };
        Ok(match Provenance::of(&object) {
            Some(from) if from.owner == owner.as_str() => TargetState::OwnCopy(from.source),
            _ => TargetState::Foreign,
        })
    }
}
