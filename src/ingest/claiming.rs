//! Which name of a day an upload gets: the first one that is free, or that its own photo has. These are
//! the steps 4 and 4b of organise in docs/ingest-protocol.md.

use std::collections::{BTreeSet, HashMap};

use photo_metadata::{Extraction, PictureData};

use crate::archive::{self, ArchiveKey, NameNumber};
use crate::catalogue::WriteOutcome;
use crate::catalogue::batch::MAX_BATCH_KEYS;
use crate::catalogue::claim::ClaimOutcome;
use crate::catalogue::item::{PhotoItem, PhotoPart, part_slot, shot_evidence};
use crate::identity::{ContentId, Evidence, EvidenceState, PictureRelation, ShotVerdict};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;

use super::judgement::{ItemJudgement, LedgerRelation, Newcomer, judge_item};
use super::organise::{CopyTarget, IndexedCopies, OrganiseAttempt, SourceUpload, Step};
use super::overrides::{update_item, update_overrides};
use super::record::derive_claim_keys;
use super::{Ingest, IngestError};

/// The number of names that organise tries to claim without a read. Most photos get one of them. The
/// items of the next names are read a hundred at a time, because thousands of undated photos may have
/// one name.
const FIRST_NAMES: usize = 4;

/// An upload whose metadata were read.
struct ReadUpload<'a> {
    upload: &'a SourceUpload,
    evidence: Evidence,
    /// The picture data of the upload, if their place in the file is known.
    picture: Option<PictureData>,
}

/// What organise does with an upload if an item is the same shot.
enum JoinStep {
    /// The upload may use the stem.
    Target(CopyTarget),
    /// The upload must take the next name, because another upload has its slot.
    NextName,
    /// Index has seen the bytes under the stem. Nothing is copied.
    Seen,
    /// The item changed. Organise starts again.
    Retry,
}

impl Ingest {
    /// Tries the names of an upload in order: first the stem in its ledger entry, then the names of
    /// its day (step 4). Copies the source to the first name that it may use.
    pub(super) async fn claim_name(
        &self,
        upload: &SourceUpload,
        extraction: &Extraction,
        indexed: &IndexedCopies,
    ) -> Result<OrganiseAttempt, IngestError> {
        let date = extraction.photo.record.capture.local;
        let plan = archive::plan_names(&self.layout, &upload.object, date);
        let first = plan.archive_key(NameNumber::FIRST);
        let read = ReadUpload {
            evidence: Evidence {
                content: upload.content.clone(),
                source: Some(upload.object.clone()),
                slot: first.slot(),
                state: EvidenceState::Claimed,
                ..shot_evidence(&extraction.photo)
            },
            picture: extraction.picture,
            upload,
        };
        let of_ledger = upload.ledger_key(self);
        let numbers = std::iter::successors(Some(NameNumber::FIRST), |number| number.next());
        let planned = numbers.map(|number| plan.archive_key(number));
        let planned = planned.filter(|key| {
            let of_ledger = of_ledger.as_ref();
            of_ledger.is_none_or(|ledger| ledger.stem() != key.stem())
        });
        let mut names = of_ledger.clone().into_iter().chain(planned);
        let (mut held_for, mut count) = (None, FIRST_NAMES);
        loop {
            let keys: Vec<ArchiveKey> = names.by_ref().take(count).collect();
            if keys.is_empty() {
                break;
            }
            let stems: Vec<&str> = keys.iter().map(ArchiveKey::stem).collect();
            let mut items = match count {
                FIRST_NAMES => HashMap::new(),
                _ => self.catalogue.photo_items(&stems).await?,
            };
            for key in &keys {
                let item = items.remove(key.stem());
                let step = self.try_name(&read, key, item, &mut held_for, indexed);
                if let Step::End(attempt) = step.await? {
                    return Ok(attempt);
                }
            }
            count = MAX_BATCH_KEYS;
        }
        Err(IngestError::NoFreeName {
            object: upload.object.clone(),
            archive_key: plan.archive_key(NameNumber::LAST),
        })
    }

    /// Tries one name (step 4). Continues if the upload must take the next name. `item` is the item of
    /// the name, if it was read already. Sets `held_for` to the stem of the item, if the item is
    /// hidden, may be the same photo, and is the first such item.
    async fn try_name(
        &self,
        read: &ReadUpload<'_>,
        key: &ArchiveKey,
        item: Option<PhotoItem>,
        held_for: &mut Option<String>,
        indexed: &IndexedCopies,
    ) -> Result<Step<()>, IngestError> {
        let ReadUpload {
            upload, evidence, ..
        } = read;
        let claim = match item {
            Some(item) => ClaimOutcome::Refused(Box::new(item)),
            None => {
                let held_for = held_for.as_deref();
                let claim = self.catalogue.claim_stem(key.stem(), evidence, held_for);
                claim.await?
            }
        };
        let (item, target) = match claim {
            ClaimOutcome::Claimed(item) => {
                let target = CopyTarget::of_own_copy(key.clone(), &upload.object);
                (item, Some(target))
            }
            ClaimOutcome::Refused(item) => {
                let verdict = match self.judge(read, &item).await? {
                    Step::End(attempt) => return Ok(Step::End(attempt)),
                    Step::Continue(verdict) => verdict,
                };
                match verdict {
                    ShotVerdict::Different => return Ok(Step::Continue(())),
                    ShotVerdict::Undecided => match self.unindexed_copy(read, &item, key).await? {
                        Some((copy, content)) if !indexed.contains(&content) => {
                            return Ok(Step::End(OrganiseAttempt::IndexFirst(copy, content)));
                        }
                        _ => (item, None),
                    },
                    ShotVerdict::Same => {
                        match self.join(read, &item, key, held_for.as_deref()).await? {
                            JoinStep::Target(target) => (item, Some(target)),
                            JoinStep::NextName => (item, None),
                            JoinStep::Retry => return Ok(Step::End(OrganiseAttempt::Retry)),
                            JoinStep::Seen => {
                                let key = key_of_content(&item, key, &evidence.content);
                                let attempt = self.record_duplicate(upload, key).await?;
                                return Ok(Step::End(attempt));
                            }
                        }
                    }
                }
            }
        };
        let is_claim = |entry: &Evidence| {
            entry.state == EvidenceState::Claimed
                && entry.content == evidence.content
                && entry.source == evidence.source
        };
        // An earlier attempt may have left a claim here.
        let mut has_claim = item.evidence.iter().any(is_claim);
        if let Some(target) = target {
            if let Step::End(attempt) = self.use_target(upload, target, indexed).await? {
                return Ok(Step::End(attempt));
            }
            has_claim = true;
        }
        if has_claim {
            self.retract_claim(&item.stem, evidence).await?;
        }
        // The upload takes the next name, although it may be this photo.
        if held_for.is_none() && item.is_hidden_by_hand() {
            *held_for = Some(item.stem);
        }
        Ok(Step::Continue(()))
    }

    /// Decides whether the upload and an item are one shot. Compares picture data if nothing else
    /// decides. If the archived file has changed since the item was read, it must be indexed first.
    async fn judge(
        &self,
        read: &ReadUpload<'_>,
        item: &PhotoItem,
    ) -> Result<Step<ShotVerdict>, IngestError> {
        let entry = read.upload.entry.as_ref();
        let is_here = read
            .upload
            .ledger_key(self)
            .is_some_and(|key| key.stem() == item.stem);
        let mut newcomer = Newcomer {
            evidence: &read.evidence,
            ledger: match entry {
                Some(entry) if is_here => LedgerRelation::Here(entry.content.as_ref()),
                _ => LedgerRelation::Elsewhere,
            },
            pictures: PictureRelation::Unknown,
        };
        let judgement = judge_item(item, &newcomer, &self.siblings);
        let judgement = match judgement {
            ItemJudgement::Decided(verdict) => return Ok(Step::Continue(verdict)),
            ItemJudgement::ComparePictures => {
                let live = item.live_in_slot(&read.evidence.slot).next();
                newcomer.pictures = match live {
                    Some(part) => self.compare_with_part(read, part).await?,
                    None => PictureRelation::Other,
                };
                let changed = live.filter(|_| newcomer.pictures == PictureRelation::Unknown);
                let changed = changed.and_then(|part| self.layout.archive_key(&part.key));
                if let Some(key) = changed {
                    let content = read.evidence.content.clone();
                    return Ok(Step::End(OrganiseAttempt::IndexFirst(key, content)));
                }
                judge_item(item, &newcomer, &self.siblings)
            }
        };
        Ok(Step::Continue(match judgement {
            ItemJudgement::Decided(verdict) => verdict,
            ItemJudgement::ComparePictures => ShotVerdict::Undecided,
        }))
    }

    /// Finds an earlier version of the upload that is in the archive, but not in the item yet. Its
    /// picture data can be compared with the upload only after it was indexed. Sends a request only
    /// if the item has a claim of the same source key, and no live copy in this slot.
    async fn unindexed_copy(
        &self,
        read: &ReadUpload<'_>,
        item: &PhotoItem,
        key: &ArchiveKey,
    ) -> Result<Option<(ArchiveKey, ContentId)>, IngestError> {
        let slot = &read.evidence.slot;
        let is_claim = |entry: &Evidence| {
            entry.source == read.evidence.source && entry.state == EvidenceState::Claimed
        };
        let is_claimed = item.evidence.in_slot(slot).any(is_claim);
        let is_indexed = item.live_in_slot(slot).any(PhotoPart::is_live_copy);
        if !is_claimed || is_indexed {
            return Ok(None);
        }
        let entry = read.upload.entry.as_ref();
        let there = self.head_archived_file(key, entry).await?;
        let there = there.filter(|file| file.placement.is_archived());
        Ok(there.map(|file| (key.clone(), file.content)))
    }

    async fn compare_with_part(
        &self,
        read: &ReadUpload<'_>,
        part: &PhotoPart,
    ) -> Result<PictureRelation, IngestError> {
        let Some(picture) = read.picture else {
            return Ok(PictureRelation::Other);
        };
        let upload = read.upload;
        let source = (&upload.object, upload.properties.etag.as_str());
        self.compare_pictures(source, picture, part).await
    }

    /// Decides what organise does with an upload if an item is the same shot (steps 4 and 4b), and
    /// writes the item if its evidence changes. `held_for` is the stem of a hidden item that the
    /// upload has passed. If it is given, the item becomes held, unless a person has decided who may
    /// see it.
    async fn join(
        &self,
        read: &ReadUpload<'_>,
        item: &PhotoItem,
        key: &ArchiveKey,
        held_for: Option<&str>,
    ) -> Result<JoinStep, IngestError> {
        let ReadUpload {
            upload, evidence, ..
        } = read;
        let known = item.known_evidence();
        let live = item.live_in_slot(&evidence.slot).next();
        let live_source = live.and_then(PhotoPart::copied_from);
        let live_source = live_source.map(|from| &from.object);
        let mut target = CopyTarget {
            key: known_key(item, key),
            source: upload.object.clone(),
            known: known.contents_in(&evidence.slot),
            sighting: known.has_seen(&evidence.content).into(),
        };
        if known.has_seen(&evidence.content) && live_source != Some(&upload.object) {
            let is_at_stem = upload
                .ledger_key(self)
                .is_some_and(|key| key.stem() == item.stem);
            let is_own = is_at_stem
                || known
                    .in_slot(&evidence.slot)
                    .any(|entry| entry.source.as_ref() == Some(&upload.object));
            // The file was removed, and its key was uploaded again.
            let is_brought_back = is_own && upload.entry.is_some() && live.is_none();
            if !is_brought_back {
                return Ok(JoinStep::Seen);
            }
            let mut item = item.clone();
            forget_removed_file(&mut item, evidence, &upload.object);
            return self.write_claim(item, target).await;
        }
        if !known.has(&evidence.content) {
            // Step 4b.
            let of_evidence = known.in_slot(&evidence.slot);
            let of_evidence = of_evidence.filter_map(|entry| entry.source.as_ref());
            let others: BTreeSet<&ObjectRef> = match live {
                Some(_) => live_source.into_iter().collect(),
                None => of_evidence.collect(),
            };
            let other = others.into_iter().find(|other| **other != upload.object);
            if let Some(other) = other
                && self.storage.head_object(other).await?.is_some()
            {
                return Ok(JoinStep::NextName);
            }
        }
        if let Some(claimant) = known.claimant(&evidence.content) {
            target.source = claimant.clone();
        }
        let hidden = held_for.filter(|_| item.can_be_held());
        if let Some(hidden) = hidden
            && item.has_live_photo()
        {
            self.hold(item, hidden).await?;
            return Ok(JoinStep::Retry);
        }
        // The slot has no file yet, so a second key of these bytes finds them only by this claim.
        let must_claim = live.is_none() && !known.has(&evidence.content);
        if must_claim || hidden.is_some() {
            let mut item = item.clone();
            item.evidence = known;
            if must_claim {
                item.evidence.add(evidence.clone());
            }
            item.held_for = item.held_for.or_else(|| hidden.map(str::to_owned));
            return self.write_claim(item, target).await;
        }
        Ok(JoinStep::Target(target))
    }

    /// Holds a photo that is in the catalogue, and its kin, because an upload joins it that may be the
    /// photo with the stem `hidden`. Does nothing if a person has decided who may see it. A repeat is
    /// safe.
    async fn hold(&self, item: &PhotoItem, hidden: &str) -> Result<(), IngestError> {
        let hold = |item: &mut PhotoItem| {
            if item.can_be_held() {
                item.held_for = Some(hidden.to_owned());
            }
        };
        let id = PhotoId::from_stem(&item.stem);
        update_overrides(&self.catalogue, &self.rules, (self.clock)(), &id, hold).await?;
        Ok(())
    }

    /// Removes the claim of an upload from the item of a stem, because its archive key has a file
    /// by hand, or the copy of another upload. Otherwise the same bytes could be archived under
    /// this stem later, when the other file is gone, although their photo has another name, and may
    /// be hidden or removed there.
    async fn retract_claim(&self, stem: &str, evidence: &Evidence) -> Result<(), IngestError> {
        let retract = |item: &mut PhotoItem| {
            let source = evidence.source.as_ref();
            item.evidence.remove_claim(&evidence.content, source);
            item.passed.add(evidence.clone());
            if item.evidence.is_empty() && !item.has_photo_parts() && item.kin.is_empty() {
                item.held_for = None;
            }
        };
        update_item(&self.catalogue, &self.rules, (self.clock)(), stem, retract).await?;
        Ok(())
    }

    /// Writes an item whose evidence was changed by a claim.
    async fn write_claim(
        &self,
        mut item: PhotoItem,
        target: CopyTarget,
    ) -> Result<JoinStep, IngestError> {
        let read_revision = item.revision;
        item.revision += 1;
        derive_claim_keys(&mut item);
        let written = self.catalogue.put_item(&item, Some(read_revision)).await?;
        Ok(match written {
            WriteOutcome::Written => JoinStep::Target(target),
            WriteOutcome::Stale => JoinStep::Retry,
        })
    }
}

/// Returns the archive key of a file in the slot of `key`. If the item has a live file in this
/// slot, this is its key, and otherwise the key of the file that claimed the slot. Its extension
/// may be spelled in another way: `JPG`, `jpeg`. Returns `key` if the item records nothing of the
/// slot.
fn known_key(item: &PhotoItem, key: &ArchiveKey) -> ArchiveKey {
    let slot = key.slot();
    if let Some((name, _)) = item.named_live_in_slot(&slot).next() {
        return key.with_part(name);
    }
    let claimed = item.evidence.in_slot(&slot).next();
    let claimed = claimed.and_then(|entry| entry.source.as_ref());
    match claimed.and_then(|source| archive::split_extension(source.file_name()).1) {
        Some(extension) => key.with_part(extension),
        None => key.clone(),
    }
}

/// Returns the archive key of the file of an item that has, or had, these bytes. It may be in
/// another slot than `key`, because two programs may give equal bytes two extensions.
fn key_of_content(item: &PhotoItem, key: &ArchiveKey, content: &ContentId) -> ArchiveKey {
    let mut parts = item.parts.iter();
    let part = parts.find(|(_, part)| part.content.as_ref() == Some(content));
    match part {
        Some((name, _)) => key.with_part(name),
        None => known_key(item, key),
    }
}

/// Removes from an item what records that a file was removed ("seen" and the tombstone), so that
/// `source` can be archived there again.
pub(super) fn forget_removed_file(item: &mut PhotoItem, evidence: &Evidence, source: &ObjectRef) {
    item.evidence = item.known_evidence();
    item.evidence.forget_sighting(&evidence.content, source);
    item.parts
        .retain(|name, part| part.is_live() || part_slot(name) != evidence.slot);
}
