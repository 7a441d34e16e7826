//! Merges photos, and splits them again. Only a person does this: ingest never merges two photos
//! that are in the catalogue.

use std::collections::BTreeSet;

use crate::archive::{self, ArchiveKey, NameNumber, SidecarKind, SidecarName, UploadName};
use crate::catalogue::WriteOutcome;
use crate::catalogue::item::{PartPlacement, PhotoItem, PhotoPart, part_slot};
use crate::identity::{ContentId, Evidence, EvidenceList, EvidenceState};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;
use crate::retry::{Attempt, retry};

use super::claiming::forget_removed_file;
use super::moving::{OldFile, PartMove};
use super::overrides::{merge_set_values, update_item};
use super::record::derive_claim_keys;
use super::{Ingest, IngestError, MAX_ROUNDS};

/// The error of a merge or a split. The text is one line.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A photo does not exist, or all its files were removed.
    #[error("there is no photo {0} with files in the archive")]
    NoPhoto(String),
    /// Both names are the same photo.
    #[error("{0} cannot be merged with itself")]
    OnePhoto(String),
    /// Both photos have a file of one format, with other bytes, and the upload of the second one is
    /// gone. So the file could not be restored.
    #[error(
        "{kept} and {other} are two files of one format, and the upload of {other} is gone; remove \
         one of them first, with `photos rm --for-good`"
    )]
    TwoFiles {
        /// The archive key of the file that would stay.
        kept: String,
        /// The archive key of the other file.
        other: String,
    },
    /// There is nothing to split: the photo has one file, and no photo was merged into it.
    #[error("{0} has one file, and no photo was merged into it")]
    NothingToSplit(String),
    /// The store or the table failed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

/// The plan of a merge: what happens to each file of the photo that is merged.
#[derive(Default)]
struct MergePlan {
    /// The files that move. If the photo that stays has a file with the same bytes, the new key is
    /// the key of that file, and nothing is copied.
    moves: Vec<PartMove>,
    /// The files that are removed, because the photo that stays has another file of their format.
    /// Their uploads still exist.
    replaced: Vec<PartMove>,
}

/// Whether two photos stay kin after a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinship {
    /// From now on, a person sets the values of each photo separately.
    Ends,
    /// One has a file that a person copied from the other, so what is set at one is set at both.
    Stays,
}

impl Ingest {
    /// Merges the photo `from` into the photo `into`: its files move to the name of `into`. If both
    /// have equal bytes, one file stays. If both have a file of one format with other bytes, the
    /// file of `into` stays, and the other one is removed if its upload still has it. What is set
    /// at `from` is added to `into`, which is hidden if one of the two was. [`Ingest::split_photo`]
    /// undoes it.
    ///
    /// A repeat is safe, and continues a merge that was interrupted.
    ///
    /// # Errors
    /// Returns a [`MergeError`] if a photo does not exist, or if a file could not be restored later.
    pub async fn merge_photos(&self, into: &str, from: &str) -> Result<(), MergeError> {
        if into == from {
            return Err(MergeError::OnePhoto(into.to_owned()));
        }
        let merged = retry(MAX_ROUNDS, || Box::pin(self.merge_once(into, from))).await?;
        let busy = || IngestError::Busy {
            id: PhotoId::from_stem(into).to_string(),
        };
        Ok(merged.ok_or_else(busy)?)
    }

    async fn merge_once(&self, into: &str, from: &str) -> Result<Attempt<()>, MergeError> {
        let target = self.photo(into).await?;
        let is_merged = target.merged.contains(from);
        let source = match self.photo(from).await {
            Err(MergeError::NoPhoto(_)) if is_merged => return Ok(Attempt::Done(())),
            source => source?,
        };
        let plan = self.plan_merge(&target, &source).await?;
        // The bytes of the removed files count as seen here, so that their next event does not copy
        // them.
        let seen: Vec<Evidence> = plan
            .replaced
            .iter()
            .filter_map(|part_move| {
                source
                    .known_evidence()
                    .of_content(&part_move.content)
                    .cloned()
            })
            .collect();
        let join = |item: &mut PhotoItem| {
            item.evidence = item.known_evidence();
            for entry in &seen {
                item.evidence.add(entry.clone());
            }
            item.kin.insert(from.to_owned());
            item.merged.insert(from.to_owned());
            merge_set_values(item, &source);
        };
        update_item(&self.catalogue, &self.rules, (self.clock)(), into, join).await?;
        if self.move_parts(&source, into, &plan.moves).await? == Attempt::Retry {
            return Ok(Attempt::Retry);
        }
        for part_move in &plan.replaced {
            self.redirect_ledger(&source, part_move).await?;
            if !self
                .delete_file(&part_move.from, &part_move.part.etag)
                .await?
            {
                return Ok(Attempt::Retry);
            }
        }
        Ok(Attempt::Done(()))
    }

    async fn plan_merge(
        &self,
        target: &PhotoItem,
        source: &PhotoItem,
    ) -> Result<MergePlan, MergeError> {
        let mut plan = MergePlan::default();
        let Some(base) = self.any_key(target) else {
            return Err(MergeError::NoPhoto(target.stem.clone()));
        };
        for (name, part) in live_parts(source) {
            let slot = part_slot(name);
            let there = target.live_in_slot(&slot).next();
            let to = match there {
                Some(there) => self.layout.archive_key(&there.key),
                None => Some(base.with_part(name)),
            };
            let moved = to.and_then(|to| self.plan_part_move(part, to, OldFile::Delete));
            let Some(moved) = moved else { continue };
            match there {
                Some(there) if there.content_id().as_ref() != Some(&moved.content) => {
                    if !self.has_upload(part).await? {
                        return Err(MergeError::TwoFiles {
                            kept: there.key.clone(),
                            other: part.key.clone(),
                        });
                    }
                    plan.replaced.push(moved);
                }
                _ => plan.moves.push(moved),
            }
        }
        Ok(plan)
    }

    /// Splits a photo. Each photo that was merged into it gets its files back, under its old name.
    /// If no photo was merged into it, all files except the primary one move together to the next
    /// free name. The photos that are split off stay hidden if the photo is hidden. Returns their
    /// stems. [`Ingest::merge_photos`] undoes it.
    ///
    /// # Errors
    /// Returns a [`MergeError`] if the photo does not exist, or if there is nothing to split.
    pub async fn split_photo(&self, stem: &str) -> Result<Vec<String>, MergeError> {
        let split = retry(MAX_ROUNDS, || Box::pin(self.split_once(stem))).await?;
        let busy = || IngestError::Busy {
            id: PhotoId::from_stem(stem).to_string(),
        };
        Ok(split.ok_or_else(busy)?)
    }

    async fn split_once(&self, stem: &str) -> Result<Attempt<Vec<String>>, MergeError> {
        let item = self.photo(stem).await?;
        if item.merged.is_empty() {
            return self.split_formats(&item).await;
        }
        for other in &item.merged {
            if self.split_merged(&item, other).await? == Attempt::Retry {
                return Ok(Attempt::Retry);
            }
        }
        Ok(Attempt::Done(item.merged.into_iter().collect()))
    }

    /// Moves the files of the merged photo `other` back to its stem. If both photos had the same
    /// bytes, copies the file. Then ends the merge.
    async fn split_merged(&self, item: &PhotoItem, other: &str) -> Result<Attempt<()>, MergeError> {
        let back = self.catalogue.item(&PhotoId::from_stem(other)).await;
        let back = back.map_err(IngestError::from)?;
        let known = back
            .as_ref()
            .map(PhotoItem::known_evidence)
            .unwrap_or_default();
        // The part of this key is replaced below.
        let key = self.layout.archive_prefix().join(&format!("{other}.jpg"));
        let Some(key) = self.layout.archive_key(&key) else {
            return Ok(Attempt::Done(()));
        };
        let (mut moves, mut has_copy_by_hand) = (Vec::new(), false);
        let other_sidecars = sidecars_of(back.as_ref(), &known);
        for (name, part) in live_parts(item) {
            let is_of_other =
                |content: &ContentId| known.has(content) || other_sidecars(name, part);
            let Some(content) = part.content_id().filter(is_of_other) else {
                continue;
            };
            // The photo itself may have had the same bytes, from another upload.
            let of_other: BTreeSet<Option<ObjectRef>> = known
                .iter()
                .filter(|entry| entry.content == content)
                .map(|entry| entry.source.clone())
                .collect();
            let mut own = item.evidence.iter();
            let is_own =
                own.any(|entry| entry.content == content && !of_other.contains(&entry.source));
            let old_file = match is_own {
                true => OldFile::Keep,
                false => OldFile::Delete,
            };
            let Some(mut moved) = self.plan_part_move(part, key.with_part(name), old_file) else {
                continue;
            };
            match of_other.into_iter().flatten().next() {
                Some(source) => moved.origin.object = source,
                // A person had copied the file. The new file is a copy by hand again.
                None if is_own => moved.placement = PartPlacement::ByHand,
                None => {}
            }
            has_copy_by_hand |= moved.placement == PartPlacement::ByHand;
            moves.push(moved);
        }
        if self.move_parts(item, other, &moves).await? == Attempt::Retry {
            return Ok(Attempt::Retry);
        }
        let given_back: BTreeSet<ContentId> =
            moves.into_iter().map(|moved| moved.content).collect();
        if let Some(back) = &back {
            self.restore_replaced(item, back, &given_back).await?;
        }
        let kinship = match has_copy_by_hand {
            true => Kinship::Stays,
            false => Kinship::Ends,
        };
        self.end_merge(&item.stem, other, kinship).await?;
        Ok(Attempt::Done(()))
    }

    /// Archives the uploads again whose files were removed when `back` was merged into `item`.
    async fn restore_replaced(
        &self,
        item: &PhotoItem,
        back: &PhotoItem,
        given_back: &BTreeSet<ContentId>,
    ) -> Result<(), IngestError> {
        for (name, part) in back.parts.iter().filter(|(_, part)| !part.is_live()) {
            let slot = part_slot(name);
            let Some(entry) = back.evidence.in_slot(&slot).next_back() else {
                continue;
            };
            let (content, Some(source)) = (&entry.content, &entry.source) else {
                continue;
            };
            if given_back.contains(content) || !item.evidence.has(content) {
                continue;
            }
            // The upload may have other bytes by now.
            let ledger = self.catalogue.ledger_entry(source).await?;
            let ledger = ledger.filter(|entry| {
                let key = entry
                    .copied_to()
                    .and_then(|key| self.layout.archive_key(key));
                entry.content.as_ref() == Some(content)
                    && key.is_some_and(|key| key.stem() == item.stem)
            });
            if let Some(mut ledger) = ledger {
                ledger.archive_key = Some(part.key.clone());
                self.catalogue.replace_ledger_entry(&ledger).await?;
                self.forget_removal(&part.key, source, Some(content))
                    .await?;
                Box::pin(self.sync_object(source)).await?;
            }
        }
        Ok(())
    }

    /// Moves all files except the primary one together to the next free name.
    async fn split_formats(&self, item: &PhotoItem) -> Result<Attempt<Vec<String>>, MergeError> {
        let primary = item.derived_from.as_ref().map(|from| from.part.as_str());
        let mut photos = item.live_photo_parts();
        let Some((_, first)) = photos.find(|(name, _)| Some(name.as_str()) != primary) else {
            return Err(MergeError::NothingToSplit(item.stem.clone()));
        };
        // A sidecar that is named after the primary part stays with it.
        let is_of_primary = |name: &str| {
            let described = archive::described_part(name);
            let described = described.filter(|_| SidecarKind::of_part(name).is_some());
            Some(name) == primary
                || described
                    .zip(primary)
                    .is_some_and(|(part, primary)| part.eq_ignore_ascii_case(primary))
        };
        let others: Vec<(&String, &PhotoPart)> = live_parts(item)
            .filter(|(name, _)| !is_of_primary(name))
            .collect();
        let origin = first.source.as_ref().map(|from| from.object.clone());
        let origin = origin.unwrap_or_else(|| self.layout.archive_bucket().object(&first.key));
        let plan = archive::plan_names(&self.layout, &origin, item.folder_date());
        let numbers = std::iter::successors(Some(NameNumber::FIRST), |number| number.next());
        for number in numbers {
            let key = plan.archive_key(number);
            let moves = others.iter().filter_map(|(name, part)| {
                self.plan_part_move(part, key.with_part(name), OldFile::Delete)
            });
            let moves: Vec<PartMove> = moves.collect();
            let id = PhotoId::from_stem(key.stem());
            let there = self.catalogue.item(&id).await.map_err(IngestError::from)?;
            let is_started = there
                .as_ref()
                .is_some_and(|there| there.kin.contains(&item.stem) && key.stem() != item.stem);
            if there.is_some() && !is_started {
                continue;
            }
            if there.is_none() && !self.claim_for_split(item, &key, &moves).await? {
                return Ok(Attempt::Retry);
            }
            if self.move_parts(item, key.stem(), &moves).await? == Attempt::Retry {
                return Ok(Attempt::Retry);
            }
            self.end_merge(&item.stem, key.stem(), Kinship::Ends)
                .await?;
            return Ok(Attempt::Done(vec![key.stem().to_owned()]));
        }
        Err(MergeError::Ingest(IngestError::NoFreeName {
            object: origin,
            archive_key: plan.archive_key(NameNumber::LAST),
        }))
    }

    /// Claims a free stem for files that are split off. Returns `false` if it is not free any more.
    async fn claim_for_split(
        &self,
        item: &PhotoItem,
        key: &ArchiveKey,
        moves: &[PartMove],
    ) -> Result<bool, IngestError> {
        let known = item.known_evidence();
        let mut claim = PhotoItem::stub(key.stem());
        for part_move in moves {
            if let Some(entry) = known.of_content(&part_move.content) {
                claim.evidence.add(Evidence {
                    state: EvidenceState::Claimed,
                    ..entry.clone()
                });
            }
        }
        claim.kin.insert(item.stem.clone());
        merge_set_values(&mut claim, item);
        derive_claim_keys(&mut claim);
        let written = self.catalogue.put_item(&claim, None).await?;
        Ok(written == WriteOutcome::Written)
    }

    /// Records that the photo `other` is not merged into the photo `one` any more. Changes `one`
    /// last, so that an interrupted split can be repeated.
    async fn end_merge(&self, one: &str, other: &str, kinship: Kinship) -> Result<(), IngestError> {
        for (stem, kin) in [(other, one), (one, other)] {
            let part = |item: &mut PhotoItem| {
                if kinship == Kinship::Ends {
                    item.kin.remove(kin);
                }
                item.merged.remove(kin);
            };
            update_item(&self.catalogue, &self.rules, (self.clock)(), stem, part).await?;
        }
        Ok(())
    }

    /// Removes from an item what records that a file was removed, so that the next event of
    /// `source` archives the file again. `archive_key` is the key of the removed file, and
    /// `content` its content id, if it is known. Changes nothing if the file is there. A repeat is
    /// safe.
    ///
    /// # Errors
    /// Returns an error if the table fails, or [`IngestError::Busy`] if other writers keep changing
    /// the item.
    pub async fn forget_removal(
        &self,
        archive_key: &str,
        source: &ObjectRef,
        content: Option<&ContentId>,
    ) -> Result<(), IngestError> {
        let Some(key) = self.layout.archive_key(archive_key) else {
            return Ok(());
        };
        let slot = key.slot();
        let forget = |item: &mut PhotoItem| {
            if item.live_in_slot(&slot).next().is_some() {
                return;
            }
            let of_source = |entry: &&Evidence| entry.source.as_ref() == Some(source);
            let known = content.and_then(|content| item.evidence.of_content(content));
            let known = known.or_else(|| item.evidence.in_slot(&slot).rfind(of_source));
            let evidence = known.cloned().unwrap_or_else(|| Evidence {
                slot: slot.clone(),
                ..Evidence::default()
            });
            forget_removed_file(item, &evidence, source);
        };
        update_item(
            &self.catalogue,
            &self.rules,
            (self.clock)(),
            key.stem(),
            forget,
        )
        .await?;
        Ok(())
    }

    /// Reports whether the upload from which a file was copied still exists with the same bytes. Returns
    /// `false` for a file that a person put into the archive.
    async fn has_upload(&self, part: &PhotoPart) -> Result<bool, IngestError> {
        let Some(from) = part.copied_from() else {
            return Ok(false);
        };
        let upload = self.storage.head_object(&from.object).await?;
        Ok(upload.is_some_and(|upload| upload.etag == from.etag))
    }

    async fn photo(&self, stem: &str) -> Result<PhotoItem, MergeError> {
        let item = self.catalogue.item(&PhotoId::from_stem(stem)).await;
        let item = item.map_err(IngestError::from)?;
        let photo = item.filter(PhotoItem::has_live_photo);
        photo.ok_or_else(|| MergeError::NoPhoto(stem.to_owned()))
    }

    /// Returns the archive key of any live file of a photo. Returns `None` if no file is in this
    /// archive.
    fn any_key(&self, item: &PhotoItem) -> Option<ArchiveKey> {
        live_parts(item).find_map(|(_, part)| self.layout.archive_key(&part.key))
    }
}

/// Returns a function that reports whether a part is a sidecar of the merged photo `photo`, whose
/// evidence is `known`. Its item has a tombstone of the sidecar with the same bytes, or the upload of
/// the sidecar has the name of an upload of the photo.
fn sidecars_of<'a>(
    photo: Option<&'a PhotoItem>,
    known: &EvidenceList,
) -> impl Fn(&str, &PhotoPart) -> bool + use<'a> {
    let sources = known.iter().filter_map(|entry| entry.source.as_ref());
    let names: Vec<UploadName> = sources.map(UploadName::of_photo).collect();
    move |name, part| {
        let recorded = photo.and_then(|photo| photo.parts.get(name));
        let had_bytes = recorded
            .is_some_and(|recorded| recorded.content.is_some() && recorded.content == part.content);
        let upload = part.source.as_ref().and_then(|from| {
            let name = SidecarName::parse(from.object.file_name())?;
            Some(UploadName::of_sidecar(&from.object, &name))
        });
        let is_sidecar = SidecarKind::of_part(name).is_some();
        is_sidecar && (had_bytes || upload.is_some_and(|upload| names.contains(&upload)))
    }
}

fn live_parts(item: &PhotoItem) -> impl Iterator<Item = (&String, &PhotoPart)> {
    item.parts.iter().filter(|(_, part)| part.is_live())
}
