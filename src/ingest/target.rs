//! The state of an archive key that a copy would be written to.

use crate::archive::{ArchiveKey, Owner};
use crate::catalogue::item::PartSource;

use super::provenance::Provenance;
use super::{Ingest, IngestError};

/// The state of an archive key from the view of one owner.
pub(super) enum TargetState {
    /// No object exists under the key.
    Empty,
    /// A copy of this owner, with the source and the bytes that it was made from.
    OwnCopy(PartSource),
    /// A file of another owner, or one that ingest did not write.
    Foreign,
}

impl Ingest {
    /// Reads the state of an archive key with one HEAD request (organise 3).
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
