//! Moves a photo that is in the folder of the wrong day to the folder of its capture day. The
//! numbers in comments are the steps of docs/ingest-protocol.md, "A photo moves".
//!
//! The old copy is deleted only after the catalogue lists the new one. If the move is interrupted,
//! the next call continues it.

use std::collections::BTreeSet;

use crate::archive::{self, ArchiveKey, NameNumber};
use crate::catalogue::WriteOutcome;
use crate::catalogue::item::{LedgerOutcome, PartPlacement, PartSource, PhotoItem, PhotoPart};
use crate::identity::{ContentId, Evidence, EvidenceState};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;
use crate::retry::{Attempt, retry};
use crate::storage::{CopyOutcome, DeleteOutcome};

use super::overrides::{merge_set_values, update_item};
use super::provenance::Provenance;
use super::record::derive_claim_keys;
use super::{Ingest, IngestError, MAX_ROUNDS};

/// The move of one file of a photo.
pub(super) struct PartMove {
    pub(super) part: PhotoPart,
    pub(super) content: ContentId,
    /// The source object that the part was copied from. If the source is unknown, the archived file
    /// itself.
    pub(super) origin: PartSource,
    pub(super) from: ArchiveKey,
    pub(super) to: ArchiveKey,
    pub(super) old_file: OldFile,
    /// Whether the new file is a copy of ingest, or counts as a copy by hand, because a person had
    /// made such a copy before. The metadata of a copy by hand name the old key, and no ledger
    /// entry names the new one.
    pub(super) placement: PartPlacement,
}

/// What happens to the old file after a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldFile {
    /// It is deleted.
    Delete,
    /// It stays, because another photo has it too.
    Keep,
}

/// The plan of a move: the new stem of the photo, which is already claimed, and the moves of all
/// its files.
struct MovePlan {
    stem: String,
    parts: Vec<PartMove>,
}

/// The result of the claim of a new stem for a photo.
enum MoveClaim {
    /// The stem belongs to the photo.
    Claimed,
    /// The stem belongs to another photo.
    Taken,
    /// The item of the stem changed. The move starts again.
    Retry,
}

impl Ingest {
    /// Moves a photo to the folder of its capture day, if it is in the folder of another day or in
    /// `undated/`. All files of the photo get the same new stem: the first name of that day that is
    /// free or belongs to this photo. Both stems are kin from then on: what a person has set moves
    /// too. Returns the new stem. Returns `None` if nothing was moved: the folder is right, the
    /// photo has no day, another photo was merged into it, or it is gone.
    ///
    /// The capture day comes from the file, even if a person has corrected the capture time. See
    /// [`PhotoItem::folder_date`]. At any
    /// time the archive has at least one copy of each file. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the store or the table fails. Returns [`IngestError::Busy`] if other
    /// writers keep changing the photo, and [`IngestError::NoFreeName`] if every stem is taken.
    pub async fn move_to_capture_day(&self, stem: &str) -> Result<Option<String>, IngestError> {
        let id = PhotoId::from_stem(stem);
        let moved = retry(MAX_ROUNDS, || Box::pin(self.move_photo_once(&id))).await?;
        moved.ok_or_else(|| IngestError::Busy { id: id.to_string() })
    }

    /// Makes one attempt of [`Ingest::move_to_capture_day`]. Returns [`Attempt::Retry`] if a file
    /// or an item changed between two requests.
    async fn move_photo_once(&self, id: &PhotoId) -> Result<Attempt<Option<String>>, IngestError> {
        let item = self.catalogue.item(id).await?;
        let Some(item) = item.filter(|item| self.is_misfiled(item)) else {
            return Ok(Attempt::Done(None));
        };
        let Some(plan) = self.claim_new_name(&item).await? else {
            return Ok(Attempt::Retry);
        };
        Ok(
            match self.move_parts(&item, &plan.stem, &plan.parts).await? {
                Attempt::Done(()) => Attempt::Done(Some(plan.stem)),
                Attempt::Retry => Attempt::Retry,
            },
        )
    }

    /// Steps m2 to m5: moves files of an item to the claimed stem `new`. The primary part is the
    /// last one of `parts`. Returns [`Attempt::Retry`] if a file changed between two requests.
    pub(super) async fn move_parts(
        &self,
        item: &PhotoItem,
        new: &str,
        parts: &[PartMove],
    ) -> Result<Attempt<()>, IngestError> {
        self.join_kin(&item.stem, new).await?;
        // Photo files are copied before sidecars, and deleted after them. A sidecar at a stem
        // without a photo would follow the photo to the other stem at the same time.
        let mut parts: Vec<&PartMove> = parts.iter().collect();
        parts.sort_by_key(|part_move| part_move.to.sidecar_kind().is_none());
        // The primary part comes first. Without it, the new item would have the day of another
        // part, and the handler of its event would move this part back at the same time. Each of
        // the moves would then delete the copy that the other one has made.
        for part_move in parts.iter().rev() {
            if !self.copy_part(part_move).await? {
                self.index_file(&part_move.from).await?;
                self.index_file(&part_move.to).await?;
                return Ok(Attempt::Retry);
            }
            self.redirect_ledger(item, part_move).await?;
            self.index_file(&part_move.to).await?;
        }
        let moved = parts.into_iter();
        for part_move in moved.filter(|part_move| part_move.old_file == OldFile::Delete) {
            if !self.delete_old_part(part_move).await? {
                return Ok(Attempt::Retry);
            }
        }
        Ok(Attempt::Done(()))
    }

    /// Step m1: plans the move, and claims the new stem for all files of the photo. Returns `None`
    /// if an item changed during that.
    async fn claim_new_name(&self, item: &PhotoItem) -> Result<Option<MovePlan>, IngestError> {
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
        let origin = self.part_origin(primary).object;
        let plan = archive::plan_names(&self.layout, &origin, item.folder_date());
        let numbers = std::iter::successors(Some(NameNumber::FIRST), |number| number.next());
        for number in numbers {
            let first = plan.archive_key(number);
            let parts = self.plan_part_moves(item, primary, &first);
            if self.has_other_file(&parts).await? {
                continue;
            }
            match self.claim_for_move(item, primary, &first).await? {
                MoveClaim::Taken => {}
                MoveClaim::Retry => return Ok(None),
                MoveClaim::Claimed => {
                    let stem = first.stem().to_owned();
                    return Ok(Some(MovePlan { stem, parts }));
                }
            }
        }
        Err(IngestError::NoFreeName {
            object: origin,
            archive_key: plan.archive_key(NameNumber::LAST),
        })
    }

    /// Claims one stem for a photo that moves. The claim also writes what is set at the photo, so
    /// that a hidden photo is public at no moment, and the time at which the photo became public.
    async fn claim_for_move(
        &self,
        item: &PhotoItem,
        primary: &PhotoPart,
        to: &ArchiveKey,
    ) -> Result<MoveClaim, IngestError> {
        let there = self.catalogue.item(&PhotoId::from_stem(to.stem())).await?;
        if let Some(there) = there {
            let known = there.known_evidence();
            let content = primary.content_id();
            let is_this_photo = there.kin.contains(&item.stem)
                || content.is_some_and(|content| known.has(&content));
            return Ok(match is_this_photo {
                true => MoveClaim::Claimed,
                false => MoveClaim::Taken,
            });
        }
        let claimed = |entry: &Evidence| Evidence {
            state: EvidenceState::Claimed,
            ..entry.clone()
        };
        let live: BTreeSet<ContentId> = item
            .parts
            .values()
            .filter_map(PhotoPart::content_id)
            .collect();
        let known = item.known_evidence();
        let mut claim = PhotoItem::stub(to.stem());
        // What was seen and removed under the old stem stays removed.
        claim.evidence = known
            .iter()
            .map(|entry| match live.contains(&entry.content) {
                true => claimed(entry),
                false => entry.clone(),
            })
            .collect();
        claim.kin.insert(item.stem.clone());
        claim.added_at = item.first_public_at((self.clock)());
        merge_set_values(&mut claim, item);
        derive_claim_keys(&mut claim);
        Ok(match self.catalogue.put_item(&claim, None).await? {
            WriteOutcome::Written => MoveClaim::Claimed,
            WriteOutcome::Stale => MoveClaim::Retry,
        })
    }

    /// Step m2: makes two stems kin, and writes at the new one what is set at the old one.
    async fn join_kin(&self, old: &str, new: &str) -> Result<(), IngestError> {
        let Some(old_item) = self
            .catalogue
            .add_kin(&PhotoId::from_stem(old), new)
            .await?
        else {
            return Ok(());
        };
        let join = |item: &mut PhotoItem| {
            if item.kin.insert(old.to_owned()) || !old_item.overrides.is_empty() {
                merge_set_values(item, &old_item);
            }
        };
        update_item(&self.catalogue, &self.rules, (self.clock)(), new, join).await?;
        Ok(())
    }

    /// Plans the moves of all files of the photo to the stem of `first`.
    fn plan_part_moves(
        &self,
        item: &PhotoItem,
        primary: &PhotoPart,
        first: &ArchiveKey,
    ) -> Vec<PartMove> {
        let live = item.parts.iter().filter(|(_, part)| part.is_live());
        let moves = live.filter_map(|(name, part)| {
            self.plan_part_move(part, first.with_part(name), OldFile::Delete)
        });
        let mut moves: Vec<PartMove> = moves.collect();
        // The plan depends on the primary part, so the old copy of this part is deleted last. After
        // an interruption, the next attempt then makes the same plan.
        moves.sort_by_key(|part_move| part_move.part.key == primary.key);
        moves
    }

    /// Plans the move of one file to this key. Returns `None` if the file is not in this archive.
    pub(super) fn plan_part_move(
        &self,
        part: &PhotoPart,
        to: ArchiveKey,
        old_file: OldFile,
    ) -> Option<PartMove> {
        Some(PartMove {
            part: part.clone(),
            content: part.content_id()?,
            origin: self.part_origin(part),
            from: self.layout.archive_key(&part.key)?,
            to,
            old_file,
            placement: PartPlacement::Archived,
        })
    }

    /// Reports whether one of the new keys has a file that a person put there, or a file with other
    /// bytes that is no edit of the file that moves. The move must not use such a name.
    pub(super) async fn has_other_file(&self, parts: &[PartMove]) -> Result<bool, IngestError> {
        for part_move in parts {
            let there = self.head_archived_file(&part_move.to, None).await?;
            let source = part_move.part.copied_from().map(|from| &from.object);
            let is_other = there.is_some_and(|file| {
                let is_edit = source.is_some() && file.copied_from() == source;
                let is_by_hand = !file.placement.is_archived();
                is_by_hand || file.content != part_move.content && !is_edit
            });
            if is_other {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns `true` if the photo is in the wrong folder, all its files are in this archive, and
    /// no photo was merged into it. See [`PhotoItem::is_misfiled`].
    fn is_misfiled(&self, item: &PhotoItem) -> bool {
        let mut live = item.parts.values().filter(|part| part.is_live());
        item.has_live_photo()
            && item.merged.is_empty()
            && live.all(|part| self.layout.archive_key(&part.key).is_some())
            && item.is_misfiled()
    }

    fn part_origin(&self, part: &PhotoPart) -> PartSource {
        part.source.clone().unwrap_or_else(|| PartSource {
            object: self.layout.archive_bucket().object(&part.key),
            etag: part.etag.clone(),
        })
    }

    /// Step m3: copies a file to its new key, if the new key has no file. Another version of the
    /// same source that is there stays, unless the source has the bytes of the old file. Copies
    /// nothing and returns `false` if the old file does not have the bytes that the catalogue
    /// lists, or if another file came to the new key in between.
    async fn copy_part(&self, part_move: &PartMove) -> Result<bool, IngestError> {
        let PartMove { part, from, to, .. } = part_move;
        let there = self.head_archived_file(to, None).await?;
        if let Some(file) = there {
            let source = part.copied_from();
            let is_edit = source.is_some_and(|from| file.copied_from() == Some(&from.object));
            let is_same = file.content == part_move.content;
            if is_same || !is_edit || !self.is_current(part).await? {
                return Ok(is_same || is_edit);
            }
        }
        let old = self.storage.head_object(from.object()).await?;
        let Some(old) = old.filter(|old| old.etag == part.etag) else {
            return Ok(false);
        };
        let modified = Provenance::of(&old).and_then(|from| from.last_modified);
        let provenance = Provenance {
            source: part_move.origin.clone(),
            content: Some(part_move.content.clone()),
            target: self.below_archive_prefix(match part_move.placement {
                PartPlacement::Archived => to,
                PartPlacement::ByHand => from,
            }),
            last_modified: modified.or(Some(old.last_modified)),
        };
        // The metadata that does not fit is ignored, because it did not fit into the old copy
        // either.
        let (metadata, _) = provenance.copy_metadata(&old.metadata);
        let copied = self
            .storage
            .copy_object(from.object(), to.object(), &old, &metadata);
        Ok(copied.await? == CopyOutcome::Done)
    }

    /// Reports whether the source of a part has the bytes from which the part was copied.
    async fn is_current(&self, part: &PhotoPart) -> Result<bool, IngestError> {
        let Some(from) = part.copied_from() else {
            return Ok(false);
        };
        let now = self.storage.head_object(&from.object).await?;
        Ok(now.is_some_and(|now| now.etag == from.etag))
    }

    /// Step m4: writes the new key into the ledger entries of the sources of a file. The sources
    /// are that of the part, and those that the evidence has for these bytes. This comes before the
    /// old copy is deleted. Otherwise the next edit of a source would go to the old key.
    pub(super) async fn redirect_ledger(
        &self,
        item: &PhotoItem,
        part_move: &PartMove,
    ) -> Result<(), IngestError> {
        if part_move.placement == PartPlacement::ByHand {
            return Ok(());
        }
        let known = item.known_evidence();
        let of_bytes = known
            .iter()
            .filter(|entry| entry.content == part_move.content);
        let mut sources: BTreeSet<ObjectRef> = match part_move.old_file {
            OldFile::Delete => of_bytes.filter_map(|entry| entry.source.clone()).collect(),
            OldFile::Keep => BTreeSet::new(),
        };
        if part_move.part.source.is_some() {
            sources.insert(part_move.origin.object.clone());
        }
        for source in &sources {
            let Some(mut entry) = self.catalogue.ledger_entry(source).await? else {
                continue;
            };
            let content = entry.content.clone();
            let is_of_these_bytes = content
                .map_or(entry.version.etag == part_move.origin.etag, |content| {
                    content == part_move.content
                });
            if is_of_these_bytes && entry.archive_key.as_deref() == Some(part_move.from.as_str()) {
                entry.archive_key = Some(part_move.to.as_str().to_owned());
                entry.outcome = LedgerOutcome::Archived;
                self.catalogue.replace_ledger_entry(&entry).await?;
            }
        }
        Ok(())
    }

    /// Step m5: deletes the old copy of a file if the new key has it. Then indexes the old key, so
    /// that the catalogue records the removal. Deletes nothing if an edit came to the new key.
    /// Returns `false` if the new copy is gone, or if the old copy has changed.
    pub(super) async fn delete_old_part(&self, part_move: &PartMove) -> Result<bool, IngestError> {
        let PartMove { part, from, to, .. } = part_move;
        let Some(there) = self.head_archived_file(to, None).await? else {
            return Ok(false);
        };
        if there.content != part_move.content {
            // An edit came to the new key. The older version stays, because its source may be gone.
            return Ok(true);
        }
        self.delete_file(from, &part.etag).await
    }

    /// Deletes an archived file if it has this ETag, and indexes its key. Returns `false` if the
    /// file has another ETag.
    pub(super) async fn delete_file(
        &self,
        key: &ArchiveKey,
        etag: &str,
    ) -> Result<bool, IngestError> {
        // A HEAD comes first, because a store may ignore the condition of the delete.
        let now = self.storage.head_object(key.object()).await?;
        if now.is_some_and(|now| now.etag == etag) {
            let deleted = self.storage.delete_if_match(key.object(), etag);
            if deleted.await? == DeleteOutcome::Changed {
                return Ok(false);
            }
        }
        self.index_file(key).await?;
        Ok(true)
    }
}
