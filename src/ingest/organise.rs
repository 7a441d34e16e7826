//! Organise: copies a source object to its archive key. The numbers in comments are the steps of
//! organise in docs/ingest-protocol.md.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use photo_metadata::{BEGINNING_BYTES, EXTRACTOR_VERSION, Extraction, PictureData};

use crate::archive::{self, ArchiveKey, NameNumber, SidecarName, SourceKey, UploadName};
use crate::catalogue::WriteOutcome;
use crate::catalogue::batch::MAX_BATCH_KEYS;
use crate::catalogue::claim::ClaimOutcome;
use crate::catalogue::item::{
    LedgerEntry, PartSource, PhotoItem, PhotoPart, part_slot, shot_evidence,
};
use crate::catalogue::upload_sidecars::RecordedUpload;
use crate::identity::{ContentId, Evidence, EvidenceState, PictureRelation, ShotVerdict};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;
use crate::storage::{CopyOutcome, EtagKind, ObjectProperties};

use super::archived_file::ArchivedFile;
use super::extract::MetadataRead;
use super::judgement::{ItemJudgement, LedgerRelation, Newcomer, judge_item};
use super::ledger::{LedgerVerdict, ledger_entry};
use super::overrides::{update_item, update_overrides};
use super::provenance::Provenance;
use super::record::derive_claim_keys;
use super::{Ingest, IngestError, MAX_ROUNDS, Outcome, SourceAfter};

/// The number of names that organise tries to claim without a read. Most photos get one of them. The
/// items of the next names are read a hundred at a time, because thousands of undated photos may have
/// one name.
const FIRST_NAMES: usize = 4;

/// A source object at the beginning of the present attempt, and the ledger entry of its key.
pub(super) struct SourceUpload {
    pub(super) object: ObjectRef,
    pub(super) properties: ObjectProperties,
    pub(super) content: ContentId,
    /// The ledger entry as it was read. It may describe earlier bytes.
    pub(super) entry: Option<LedgerEntry>,
}

/// An upload whose metadata were read.
struct ReadUpload<'a> {
    upload: &'a SourceUpload,
    evidence: Evidence,
    /// The picture data of the upload, if their place in the file is known.
    picture: Option<PictureData>,
}

/// The archive key that an upload may use.
pub(super) struct CopyTarget {
    key: ArchiveKey,
    /// The source object in the metadata of the copy. It is another object than the upload, if that
    /// object claimed the same bytes first.
    source: ObjectRef,
    /// The content ids of the files that are known in the slot.
    known: BTreeSet<ContentId>,
    /// Whether index has seen the bytes of the upload under this stem.
    sighting: EvidenceState,
}

impl CopyTarget {
    /// Builds the target of a copy that names `source` in its metadata. No file is known in the slot.
    pub(super) fn of_own_copy(key: ArchiveKey, source: &ObjectRef) -> Self {
        CopyTarget {
            key,
            source: source.clone(),
            known: BTreeSet::new(),
            sighting: EvidenceState::Claimed,
        }
    }
}

/// The result of organise for one photo.
pub(super) struct OrganisedPhoto {
    outcome: Outcome,
    /// The archive key of the photo. `None` if it is not archived.
    archive_key: Option<ArchiveKey>,
    /// The keys of its sidecars in the source.
    sidecars: BTreeSet<String>,
}

/// The end of an attempt to organise an upload.
enum OrganiseAttempt {
    /// The work is done, with this outcome.
    Done(Outcome),
    /// The source, the item or the ledger entry changed. Organise starts again.
    Retry,
    /// The archive has a copy under this key that its item does not record. It must be indexed
    /// before organise starts again.
    IndexFirst(ArchiveKey, ContentId),
}

/// The result of a step: the attempt ends, or organise continues.
enum Step<T> {
    /// The attempt ends.
    End(OrganiseAttempt),
    /// Organise continues with this.
    Continue(T),
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

/// The content ids of copies that were indexed during the work on one upload. If index cannot read
/// such a copy, its item does not record it. So the copy counts as known, and organise does not
/// start again because of it.
type IndexedCopies = BTreeSet<ContentId>;

impl Ingest {
    /// Copies the source object to its archive key, and writes its ledger entry. Then does the same for
    /// the sidecars of this photo. A repeat is safe.
    pub(super) async fn organise(&self, key: &SourceKey) -> Result<Outcome, IngestError> {
        if let Some(reason) = self.skip_reason(key.object()) {
            return Ok(Outcome::Skipped(reason));
        }
        if let Some(name) = SidecarName::parse(key.file_name()) {
            return self.organise_sidecar(key, &name, None).await;
        }
        let OrganisedPhoto {
            outcome,
            archive_key,
            sidecars,
        } = self.organise_photo(key).await?;
        // Boxed, because the future is large and only few photos need it.
        Box::pin(self.organise_sidecars_of(key, archive_key.as_ref(), sidecars)).await?;
        Ok(outcome)
    }

    /// Copies a photo to its archive key, and writes its ledger entry. A repeat is safe.
    pub(super) async fn organise_photo(
        &self,
        key: &SourceKey,
    ) -> Result<OrganisedPhoto, IngestError> {
        let mut indexed = IndexedCopies::new();
        for _ in 0..MAX_ROUNDS {
            let mut recorded = RecordedUpload::default();
            match self.organise_once(key, &indexed, &mut recorded).await? {
                OrganiseAttempt::Done(outcome) => {
                    let entry = recorded.entry.as_ref();
                    let known = || self.layout.archive_key(entry?.copied_to()?);
                    let archive_key = match &outcome {
                        Outcome::Unchanged => known(),
                        Outcome::Duplicate(key) => Some(key.clone()),
                        outcome => outcome.archive_key().cloned(),
                    };
                    return Ok(OrganisedPhoto {
                        outcome,
                        archive_key,
                        sidecars: recorded.sidecars,
                    });
                }
                OrganiseAttempt::Retry => {}
                OrganiseAttempt::IndexFirst(copy, content) => {
                    self.index_file(&copy).await?;
                    indexed.insert(content);
                }
            }
        }
        Err(IngestError::Contended {
            object: key.object().clone(),
        })
    }

    /// Makes one attempt of [`Ingest::organise_photo`]. Sets `recorded` to what the table records of the
    /// upload.
    async fn organise_once(
        &self,
        key: &SourceKey,
        indexed: &IndexedCopies,
        recorded: &mut RecordedUpload,
    ) -> Result<OrganiseAttempt, IngestError> {
        let object = key.object().clone();
        let name = UploadName::of_photo(&object);
        // Steps 1 and 2 are independent of each other, so they run at the same time.
        let (read, in_table) = tokio::join!(
            self.storage.read_beginning(&object, BEGINNING_BYTES),
            self.catalogue.recorded_upload(&object, &name)
        );
        *recorded = in_table?;
        let entry = recorded.entry.clone();
        let Some((properties, head)) = read? else {
            return Ok(OrganiseAttempt::Done(Outcome::Gone));
        };
        let known = entry
            .as_ref()
            .filter(|entry| entry.version == properties.version());
        let content = match known.and_then(|entry| entry.content.clone()) {
            Some(content) => content,
            None => self.content_id(&object, &properties).await?,
        };
        let upload = SourceUpload {
            content,
            properties,
            object,
            entry,
        };
        if upload.is_known()
            && let Step::End(attempt) = self.organise_known(&upload, indexed).await?
        {
            return Ok(attempt);
        }
        self.organise_unknown(&upload, head, indexed).await
    }

    /// Returns the content id of an object. Sends a HEAD request if its ETag is not an MD5.
    pub(super) async fn content_id(
        &self,
        object: &ObjectRef,
        properties: &ObjectProperties,
    ) -> Result<ContentId, IngestError> {
        let (bytes, etag) = (properties.size_bytes, &properties.etag);
        if properties.etag_kind == EtagKind::Md5 {
            return Ok(ContentId::of_md5(bytes, etag));
        }
        let crc = self.storage.read_crc64nvme(object, etag).await?;
        Ok(match crc {
            Some(crc) => ContentId::of_crc64nvme(bytes, &crc),
            None => ContentId::of_version(bytes, object, &properties.version()),
        })
    }

    /// Processes a source whose present bytes have a ledger entry, because they were processed
    /// before (step 3). Continues if the archive key must be planned again: a newer extractor must
    /// read bytes that were skipped, the archive key is outside the archive prefix or has no item,
    /// a person put a file there, or the copy of another upload is there.
    async fn organise_known(
        &self,
        upload: &SourceUpload,
        indexed: &IndexedCopies,
    ) -> Result<Step<()>, IngestError> {
        let unchanged = Step::End(OrganiseAttempt::Done(Outcome::Unchanged));
        let Some(entry) = &upload.entry else {
            return Ok(Step::Continue(()));
        };
        let Some(archive_key) = entry.copied_to() else {
            let is_current = entry.extractor_version >= EXTRACTOR_VERSION;
            return Ok(match is_current {
                true => unchanged,
                false => Step::Continue(()),
            });
        };
        let Some(key) = self.layout.archive_key(archive_key) else {
            return Ok(Step::Continue(()));
        };
        let item = self.catalogue.item(&PhotoId::from_stem(key.stem())).await?;
        let Some(item) = item else {
            return Ok(Step::Continue(()));
        };
        let known = item.known_evidence();
        let slot = key.slot();
        // Step 3, an older version of this upload: its copy arrived late.
        let mut live = item.live_in_slot(&slot);
        let older = live.find(|part| {
            let from = part.copied_from();
            from.is_some_and(|from| from.object == upload.object)
                && part.content_id().as_ref() != Some(&upload.content)
        });
        if older.is_none() && (known.has_seen(&upload.content) || item.has_old_tombstone(&slot)) {
            self.delete_source(upload, &key).await?;
            return Ok(unchanged);
        }
        let claimant = match older {
            Some(_) => None,
            None => known.claimant(&upload.content),
        };
        let target = CopyTarget {
            key,
            source: claimant.unwrap_or(&upload.object).clone(),
            known: known.contents_in(&slot),
            sighting: EvidenceState::Claimed,
        };
        self.use_target(upload, target, indexed).await
    }

    /// Processes a source whose present bytes are not in the ledger, or must be read again. Extracts
    /// the metadata, claims a stem, and copies the source. A file that is not a photo only gets a
    /// ledger entry.
    async fn organise_unknown(
        &self,
        upload: &SourceUpload,
        head: Bytes,
        indexed: &IndexedCopies,
    ) -> Result<OrganiseAttempt, IngestError> {
        let SourceUpload {
            object, properties, ..
        } = upload;
        match self.extract(object, properties, head).await? {
            MetadataRead::Changed => Ok(OrganiseAttempt::Retry),
            MetadataRead::Done(Ok(extraction)) => {
                self.claim_name(upload, &extraction, indexed).await
            }
            MetadataRead::Done(Err(unsupported)) => {
                let earlier = upload.entry.as_ref();
                let verdict = LedgerVerdict::Skipped {
                    reason: &unsupported.reason,
                    earlier,
                };
                let entry = ledger_entry(object, properties, verdict);
                let written = self.catalogue.put_ledger_entry_if(&entry, earlier).await?;
                if written == WriteOutcome::Stale {
                    return Ok(OrganiseAttempt::Retry);
                }
                let outcome = Outcome::Skipped(unsupported.reason);
                Ok(OrganiseAttempt::Done(outcome))
            }
        }
    }

    /// Tries the names of an upload in order: first the stem in its ledger entry, then the names of
    /// its day (step 4). Copies the source to the first name that it may use.
    async fn claim_name(
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

    /// Writes the ledger entry of an upload whose bytes index has seen under this key.
    async fn record_duplicate(
        &self,
        upload: &SourceUpload,
        key: ArchiveKey,
    ) -> Result<OrganiseAttempt, IngestError> {
        if self.record_archived(upload, &key).await? == WriteOutcome::Stale {
            return Ok(OrganiseAttempt::Retry);
        }
        self.delete_source(upload, &key).await?;
        Ok(OrganiseAttempt::Done(Outcome::Duplicate(key)))
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
        update_overrides(&self.catalogue, &self.privacy, &id, hold).await?;
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
        update_item(&self.catalogue, &self.privacy, stem, retract).await?;
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

    /// Looks at the archive key (step 5), and copies the source if that is necessary (steps 6 and
    /// 7). Continues if the upload must take the next name, because a person put a file there, or
    /// because the copy of another upload is there.
    async fn use_target(
        &self,
        upload: &SourceUpload,
        target: CopyTarget,
        indexed: &IndexedCopies,
    ) -> Result<Step<()>, IngestError> {
        let CopyTarget {
            key, source, known, ..
        } = &target;
        let there = self.head_archived_file(key, upload.entry.as_ref()).await?;
        let must_copy = match there {
            None => true,
            Some(file) if file.content == upload.content => false,
            Some(file) if !file.placement.is_archived() => return Ok(Step::Continue(())),
            Some(file) if !known.contains(&file.content) && !indexed.contains(&file.content) => {
                let attempt = OrganiseAttempt::IndexFirst(key.clone(), file.content);
                return Ok(Step::End(attempt));
            }
            Some(file) if self.belongs_to_other(&file, upload, source).await? => {
                return Ok(Step::Continue(()));
            }
            // The file has other bytes. If another upload claimed the bytes of this one first, the
            // file is an edit of that upload and stays. Otherwise it is an older version.
            Some(_) => *source == upload.object,
        };
        // Step 6.
        if self.record_archived(upload, key).await? == WriteOutcome::Stale {
            return Ok(Step::End(OrganiseAttempt::Retry));
        }
        if must_copy && self.copy(upload, &target).await? == CopyOutcome::SourceChanged {
            return Ok(Step::End(OrganiseAttempt::Retry));
        }
        self.delete_source(upload, key).await?;
        // A copy that index has not seen must still be indexed.
        let outcome = match must_copy || target.sighting == EvidenceState::Claimed {
            true => Outcome::of_copy(key.clone()),
            false => Outcome::Unchanged,
        };
        Ok(Step::End(OrganiseAttempt::Done(outcome)))
    }

    /// Reports whether two source keys compete for one slot (step 4b): the archived file was copied
    /// from a source object that still exists, and that is neither this upload nor the one that
    /// claimed its bytes first (`claimant`).
    async fn belongs_to_other(
        &self,
        file: &ArchivedFile,
        upload: &SourceUpload,
        claimant: &ObjectRef,
    ) -> Result<bool, IngestError> {
        let others = [&upload.object, claimant];
        match file.copied_from().filter(|from| !others.contains(from)) {
            Some(other) => Ok(self.storage.head_object(other).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Writes the ledger entry of an upload with its archive key, if the stored entry is still the one
    /// that was read. Sends no request if the entry is the same.
    pub(super) async fn record_archived(
        &self,
        upload: &SourceUpload,
        key: &ArchiveKey,
    ) -> Result<WriteOutcome, IngestError> {
        let verdict = LedgerVerdict::Archived {
            archive_key: key,
            content: &upload.content,
        };
        let entry = ledger_entry(&upload.object, &upload.properties, verdict);
        let read = upload.entry.as_ref();
        let is_same = read.is_some_and(|read| {
            read.version == entry.version
                && read.outcome == entry.outcome
                && read.archive_key == entry.archive_key
                && read.content == entry.content
        });
        if is_same {
            return Ok(WriteOutcome::Written);
        }
        Ok(self.catalogue.put_ledger_entry_if(&entry, read).await?)
    }

    /// Copies the source to the archive key, if the source still has the bytes that were read (step
    /// 7).
    pub(super) async fn copy(
        &self,
        upload: &SourceUpload,
        target: &CopyTarget,
    ) -> Result<CopyOutcome, IngestError> {
        let SourceUpload {
            object, properties, ..
        } = upload;
        let provenance = Provenance {
            source: PartSource {
                object: target.source.clone(),
                etag: properties.etag.clone(),
            },
            content: Some(upload.content.clone()),
            target: self.below_archive_prefix(&target.key),
            last_modified: Some(properties.last_modified),
        };
        let (metadata, left_out) = provenance.copy_metadata(&properties.metadata);
        if !left_out.is_empty() {
            tracing::warn!(
                s3.key = object.key,
                left_out = left_out.join(", "),
                "the copy has no room for this user metadata (limit 2 KB)"
            );
        }
        let to = target.key.object();
        let copied = self.storage.copy_object(object, to, properties, &metadata);
        Ok(copied.await?)
    }

    /// Deletes the source, if the setting is [`SourceAfter::Delete`]. First a HEAD must show that the
    /// archive has a copy with the same bytes. The source is deleted only if it still has these bytes.
    /// If the copy is gone, the source stays, because it may be the last file with these bytes.
    pub(super) async fn delete_source(
        &self,
        upload: &SourceUpload,
        key: &ArchiveKey,
    ) -> Result<(), IngestError> {
        if self.source_after == SourceAfter::Keep {
            return Ok(());
        }
        let SourceUpload {
            object, properties, ..
        } = upload;
        let copy = self.head_archived_file(key, upload.entry.as_ref()).await?;
        let is_copy = copy.is_some_and(|copy| {
            copy.placement.is_archived()
                && copy.content == upload.content
                && copy.bytes == properties.size_bytes
        });
        if is_copy {
            // A changed source is not deleted. Its new bytes have their own event.
            self.storage
                .delete_if_match(object, &properties.etag)
                .await?;
        }
        Ok(())
    }
}

impl SourceUpload {
    /// Reports whether the ledger entry describes the present bytes.
    pub(super) fn is_known(&self) -> bool {
        let entry = self.entry.as_ref();
        entry.is_some_and(|entry| entry.version == self.properties.version())
    }

    /// Returns the archive key in the ledger entry, if it is under the archive prefix.
    fn ledger_key(&self, ingest: &Ingest) -> Option<ArchiveKey> {
        let key = self.entry.as_ref()?.archive_key.as_deref()?;
        ingest.layout.archive_key(key)
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
