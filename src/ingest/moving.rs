//! Moves a photo that is in the folder of the wrong day to the folder of its capture day. The steps
//! are those of docs/ingest-protocol.md, "A photo moves".
//!
//! A move works like the step organise, with the archived file as its source: claim the new stem,
//! HEAD, copy, ledger entry, then index. The old copy is deleted only after the catalogue lists the
//! new one. If the move is interrupted, the next call continues it.

use crate::archive::{self, ArchiveKey, ArchiveNameVariant, ArchivePlan, Owner};
use crate::catalogue::Claim;
use crate::catalogue::item::{LedgerOutcome, Overrides, PartSource, PhotoItem, PhotoPart};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;
use crate::retry::{Attempt, retry};
use crate::storage::{CopyOutcome, DeleteOutcome};

use super::overrides::update_overrides_if;
use super::provenance::Provenance;
use super::target::TargetState;
use super::{Ingest, IngestError, MAX_ROUNDS};

/// The move of one file of a photo.
struct PartMove {
    part: PhotoPart,
    /// The source object that the part was copied from. If the source is unknown, the archived file
    /// itself.
    origin: PartSource,
    to: ArchiveKey,
    progress: MoveProgress,
}

/// The progress of the move of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MoveProgress {
    /// The file must be copied: no object exists under the new key.
    ToCopy,
    /// The file is copied: a copy from the same source exists under the new key. If the source has
    /// other bytes now, the step index notices this and copies them.
    Copied,
}

/// The plan of a move: the new stem of the photo, which is already claimed, and the moves of all
/// its files.
struct MovePlan {
    stem: String,
    owner: Owner,
    parts: Vec<PartMove>,
}

impl Ingest {
    /// Moves a photo to the folder of its capture day, if it is in the folder of another day or in
    /// `undated/`. All files of the photo get the same new stem: the first possible stem that is
    /// free or belongs to this photo. The overrides (the values that a person set) move too.
    /// Returns the new stem. Returns `None` if nothing was moved: the folder is right, the photo
    /// has no day, or the photo is gone.
    ///
    /// The capture day comes from the file, even if a person has corrected the capture time. At any
    /// time the archive has at least one copy of each file. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the store or the table fails. Returns [`IngestError::Busy`] if other
    /// writers keep changing the photo, and [`IngestError::NoFreeName`] if every stem is taken.
    pub async fn move_to_capture_day(&self, stem: &str) -> Result<Option<String>, IngestError> {
        let id = PhotoId::from_stem(stem);
        let moved = retry(MAX_ROUNDS, || self.move_photo_once(&id)).await?;
        moved.ok_or_else(|| IngestError::Busy { id: id.to_string() })
    }

    /// Makes one attempt of [`Ingest::move_to_capture_day`]. Returns [`Attempt::Retry`] if a file
    /// changed between two requests.
    async fn move_photo_once(&self, id: &PhotoId) -> Result<Attempt<Option<String>>, IngestError> {
        let item = self.catalogue.item(id).await?;
        let Some(item) = item.filter(|item| self.is_misfiled(item)) else {
            return Ok(Attempt::Done(None));
        };
        let plan = self.claim_new_name(&item).await?;
        // The overrides are written before the first copy, so that a private photo is not public
        // for a moment.
        let overrides = |set: &mut Overrides| *set = set.clone().or(item.overrides.clone());
        let new_id = PhotoId::from_stem(&plan.stem);
        update_overrides_if(&self.catalogue, &self.privacy, &new_id, |_| true, overrides).await?;
        for part_move in &plan.parts {
            if part_move.progress == MoveProgress::ToCopy
                && !self.copy_part(part_move, &plan.owner).await?
            {
                let old = self.archive_object_of(&part_move.part);
                self.process_object(&old).await?;
                return Ok(Attempt::Retry);
            }
        }
        for part_move in &plan.parts {
            if part_move.part.source.is_some() {
                self.redirect_ledger(part_move, &plan.owner).await?;
            }
            self.process_object(part_move.to.object()).await?;
        }
        for part_move in &plan.parts {
            if !self.delete_old_part(part_move, &plan.owner).await? {
                return Ok(Attempt::Retry);
            }
        }
        Ok(Attempt::Done(Some(plan.stem)))
    }

    /// Deletes the old copy of a part if the new copy exists. Then indexes the old key, so that the
    /// catalogue records the removal. Returns `false` if the new copy is gone, or if the old copy
    /// has changed.
    async fn delete_old_part(
        &self,
        part_move: &PartMove,
        owner: &Owner,
    ) -> Result<bool, IngestError> {
        let progress = self
            .move_progress(&part_move.to, owner, &part_move.origin)
            .await?;
        if progress != Some(MoveProgress::Copied) {
            return Ok(false);
        }
        let old = self.archive_object_of(&part_move.part);
        let etag = &part_move.part.etag;
        // A HEAD comes first, because a store may ignore the condition of the delete.
        let now = self.storage.head_object(&old).await?;
        if now.is_some_and(|now| now.etag == *etag) {
            let deleted = self.storage.delete_if_match(&old, etag).await?;
            if deleted == DeleteOutcome::Changed {
                return Ok(false);
            }
        }
        self.process_object(&old).await?;
        Ok(true)
    }

    /// Plans the move, and claims the new stem for all files of the photo. The new stem is the
    /// first stem in the folder of the capture day that is free or belongs to this photo.
    async fn claim_new_name(&self, item: &PhotoItem) -> Result<MovePlan, IngestError> {
        let live = || item.parts.iter().filter(|(_, part)| part.is_live());
        let is_primary = |name: &str| {
            let from = item.derived_from.as_ref();
            from.is_some_and(|from| from.part == name)
        };
        let primary = live().find(|(name, _)| is_primary(name));
        let Some((_, primary)) = primary.or_else(|| live().next()) else {
            let id = item.id.clone();
            return Err(IngestError::Busy { id });
        };
        let origin = self.part_origin(primary);
        let plan = archive::plan_move(&self.layout, &origin.object, &origin.etag, &item.photo);
        for name in ArchiveNameVariant::IN_ORDER {
            let first = plan.archive_key(name);
            let claim = self.catalogue.claim_stem(first.stem(), plan.owner.as_str());
            if claim.await? == Claim::Taken {
                continue;
            }
            if let Some(mut parts) = self.plan_part_moves(item, &plan, &first).await? {
                // The plan depends on the primary part, so this part is moved last. After an
                // interruption, the next attempt then makes the same plan.
                parts.sort_by_key(|part_move| part_move.part.key == primary.key);
                return Ok(MovePlan {
                    stem: first.stem().to_owned(),
                    owner: plan.owner,
                    parts,
                });
            }
        }
        Err(IngestError::NoFreeName {
            object: origin.object,
            archive_key: plan.archive_key(ArchiveNameVariant::FullSuffix),
        })
    }

    /// Plans the moves of all files of the photo to the stem of `first`. If one of the new keys has
    /// a file that is not a copy of the same source, releases the claim on the stem and returns
    /// `None`.
    async fn plan_part_moves(
        &self,
        item: &PhotoItem,
        plan: &ArchivePlan,
        first: &ArchiveKey,
    ) -> Result<Option<Vec<PartMove>>, IngestError> {
        let mut parts = Vec::new();
        for part in item.parts.values().filter(|part| part.is_live()) {
            let Some(key) = self.layout.archive_key(&part.key) else {
                continue;
            };
            let to = first.with_extension_of(&key);
            let origin = self.part_origin(part);
            let Some(progress) = self.move_progress(&to, &plan.owner, &origin).await? else {
                self.release_claim_to_foreign_file(&to, &plan.owner).await?;
                return Ok(None);
            };
            parts.push(PartMove {
                part: part.clone(),
                origin,
                to,
                progress,
            });
        }
        Ok(Some(parts))
    }

    /// Finds out how far the move of one file is, with a HEAD of the new key. Returns `None` if the
    /// new key has a file of another owner or from another source.
    async fn move_progress(
        &self,
        to: &ArchiveKey,
        owner: &Owner,
        origin: &PartSource,
    ) -> Result<Option<MoveProgress>, IngestError> {
        Ok(match self.target_state(to, owner).await? {
            TargetState::Empty => Some(MoveProgress::ToCopy),
            TargetState::OwnCopy(from) if from.object == origin.object => {
                Some(MoveProgress::Copied)
            }
            TargetState::OwnCopy(_) | TargetState::Foreign => None,
        })
    }

    /// Returns `true` if the photo is in the wrong folder, and all its files are in this archive.
    /// See [`archive::is_misfiled`].
    fn is_misfiled(&self, item: &PhotoItem) -> bool {
        let mut live = item.parts.values().filter(|part| part.is_live());
        item.has_live_parts()
            && live.all(|part| self.layout.archive_key(&part.key).is_some())
            && archive::is_misfiled(&item.stem, item.photo.record.capture.day())
    }

    fn archive_object_of(&self, part: &PhotoPart) -> ObjectRef {
        self.layout.archive_bucket().object(&part.key)
    }

    fn part_origin(&self, part: &PhotoPart) -> PartSource {
        part.source.clone().unwrap_or_else(|| PartSource {
            object: self.archive_object_of(part),
            etag: part.etag.clone(),
        })
    }

    /// Copies a part to its new key. Copies nothing and returns `false` if the file does not have
    /// the bytes that the catalogue lists.
    async fn copy_part(&self, part_move: &PartMove, owner: &Owner) -> Result<bool, IngestError> {
        let object = self.archive_object_of(&part_move.part);
        let old = self.storage.head_object(&object).await?;
        let Some(old) = old.filter(|old| old.etag == part_move.part.etag) else {
            return Ok(false);
        };
        let modified = Provenance::of(&old).and_then(|from| from.last_modified);
        let provenance = Provenance {
            owner: owner.as_str().to_owned(),
            source: part_move.origin.clone(),
            last_modified: modified.or(Some(old.last_modified)),
        };
        // The metadata that does not fit is ignored, because it did not fit into the old copy
        // either.
        let (metadata, _) = provenance.copy_metadata(&old.metadata);
        let to = part_move.to.object();
        let copied = self.storage.copy_object(&object, to, &old, &metadata);
        Ok(copied.await? == CopyOutcome::Done)
    }

    /// Writes the new key into the ledger entry of the source. This comes before the old copy is
    /// deleted. Otherwise an event of the source would find no object under the old key, and ingest
    /// would assume that a person removed the copy.
    async fn redirect_ledger(
        &self,
        part_move: &PartMove,
        owner: &Owner,
    ) -> Result<(), IngestError> {
        let PartSource { object, etag } = &part_move.origin;
        let Some(mut entry) = self.catalogue.ledger_entry(object).await? else {
            return Ok(());
        };
        let is_of_this_copy = entry.version.etag == *etag
            && entry.archive_key.as_deref() == Some(part_move.part.key.as_str());
        if is_of_this_copy {
            entry.archive_key = Some(part_move.to.as_str().to_owned());
            entry.owner = Some(owner.as_str().to_owned());
            entry.outcome = LedgerOutcome::Archived;
            self.catalogue.replace_ledger_entry(&entry).await?;
        }
        Ok(())
    }
}
