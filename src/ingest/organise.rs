//! Organise: copies a source object to its archive key. The numbers in comments are the steps of
//! organise in docs/ingest-protocol.md.

use bytes::Bytes;

use photo_metadata::{BEGINNING_BYTES, EXTRACTOR_VERSION};

use crate::archive::{self, ArchiveKey, ArchiveNameVariant, ArchivePlan, Owner, SourceKey};
use crate::catalogue::Claim;
use crate::catalogue::item::{LedgerEntry, PartSource, PhotoItem};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;
use crate::retry::{Attempt, retry};
use crate::storage::{CopyOutcome, ObjectProperties};

use super::extract::MetadataRead;
use super::ledger::{LedgerVerdict, ledger_entry};
use super::provenance::Provenance;
use super::target::TargetState;
use super::{Ingest, IngestError, MAX_ROUNDS, Outcome, SourceAfter};

/// A source object, and its properties at the beginning of the present attempt.
struct SourceObject {
    object: ObjectRef,
    properties: ObjectProperties,
}

impl SourceObject {
    fn part_source(&self) -> PartSource {
        PartSource {
            object: self.object.clone(),
            etag: self.properties.etag.clone(),
        }
    }
}

impl Ingest {
    /// Copies the source object to its archive key, and writes its ledger entry. A repeat is safe.
    pub(super) async fn organise(&self, key: &SourceKey) -> Result<Outcome, IngestError> {
        if let Some(reason) = self.skip_reason(key.object()) {
            return Ok(Outcome::Skipped(reason));
        }
        let outcome = retry(MAX_ROUNDS, || self.organise_once(key)).await?;
        outcome.ok_or_else(|| IngestError::Contended {
            object: key.object().clone(),
        })
    }

    /// Makes one attempt of [`Ingest::organise`]. Returns [`Attempt::Retry`] if the source changed
    /// between two requests.
    async fn organise_once(&self, key: &SourceKey) -> Result<Attempt<Outcome>, IngestError> {
        let object = key.object().clone();
        // Steps 1 and 2a are independent of each other, so they run at the same time.
        let (read, entry) = tokio::join!(
            self.storage.read_beginning(&object, BEGINNING_BYTES),
            self.catalogue.ledger_entry(&object)
        );
        let Some((properties, head)) = read? else {
            return Ok(Attempt::Done(Outcome::Gone));
        };
        let known = entry?.filter(|entry| entry.version == properties.version());
        let source = SourceObject { object, properties };
        if let Some(entry) = known
            && let Some(attempt) = self.organise_known(&source, &entry).await?
        {
            return Ok(attempt);
        }
        self.organise_unknown(key, &source, head).await
    }

    /// Processes a source whose present bytes have the ledger entry `entry`, because they were
    /// processed before (step organise 2a of docs/ingest-protocol.md). Copies the source only if
    /// the archived copy has other bytes. Returns `None` if the archive key must be planned again:
    /// a newer extractor must read bytes that were skipped, the archive key is outside the archive
    /// prefix, or a foreign file has the archive key.
    async fn organise_known(
        &self,
        source: &SourceObject,
        entry: &LedgerEntry,
    ) -> Result<Option<Attempt<Outcome>>, IngestError> {
        let unchanged = Some(Attempt::Done(Outcome::Unchanged));
        let (Some(archive_key), Some(owner)) = (&entry.archive_key, &entry.owner) else {
            let is_current = entry.extractor_version >= EXTRACTOR_VERSION;
            return Ok(if is_current { unchanged } else { None });
        };
        let Some(archive_key) = self.layout.archive_key(archive_key) else {
            return Ok(None);
        };
        let owner = Owner::stored(owner);
        // Step 3. A copy that was removed by hand stays removed.
        match self.target_state(&archive_key, &owner).await? {
            TargetState::OwnCopy(from) if from.etag == source.properties.etag => {
                self.delete_source(source, &archive_key).await?;
                Ok(unchanged)
            }
            TargetState::Empty => Ok(unchanged),
            TargetState::OwnCopy(_) => self.copy(source, &archive_key, &owner).await.map(Some),
            TargetState::Foreign => Ok(None),
        }
    }

    /// Processes a source whose present bytes are not in the ledger, or must be read again.
    /// Extracts the metadata, plans and claims the archive key, and copies the source. A file that
    /// is not a photo only gets a ledger entry.
    async fn organise_unknown(
        &self,
        key: &SourceKey,
        source: &SourceObject,
        head: Bytes,
    ) -> Result<Attempt<Outcome>, IngestError> {
        let SourceObject { object, properties } = source;
        match self.extract(object, properties, head).await? {
            MetadataRead::Changed => Ok(Attempt::Retry),
            MetadataRead::Done(Ok(extraction)) => {
                let photo = &extraction.photo;
                let plan = archive::plan_copy(&self.layout, key, &properties.etag, photo);
                self.claim_archive_key(source, &plan).await
            }
            MetadataRead::Done(Err(unsupported)) => {
                let verdict = LedgerVerdict::Skipped(&unsupported.reason);
                self.catalogue
                    .put_ledger_entry(&ledger_entry(object, properties, verdict))
                    .await?;
                Ok(Attempt::Done(Outcome::Skipped(unsupported.reason)))
            }
        }
    }

    /// Claims the first stem of the plan that is free or belongs to the owner of the plan, and
    /// copies the source to that stem (steps organise 2b to 5 of docs/ingest-protocol.md).
    async fn claim_archive_key(
        &self,
        source: &SourceObject,
        plan: &ArchivePlan,
    ) -> Result<Attempt<Outcome>, IngestError> {
        let owner = &plan.owner;
        for name in ArchiveNameVariant::IN_ORDER {
            let archive_key = plan.archive_key(name);
            let claim = self
                .catalogue
                .claim_stem(archive_key.stem(), owner.as_str());
            if claim.await? == Claim::Taken {
                continue;
            }
            match self.target_state(&archive_key, owner).await? {
                TargetState::OwnCopy(from) if from.etag == source.properties.etag => {
                    let recorded = self.record_archived(source, &archive_key, owner);
                    return recorded.await.map(Attempt::Done);
                }
                TargetState::OwnCopy(_) | TargetState::Empty => {
                    return self.copy(source, &archive_key, owner).await;
                }
                TargetState::Foreign => {
                    self.release_claim_to_foreign_file(&archive_key, owner)
                        .await?;
                }
            }
        }
        Err(IngestError::NoFreeName {
            object: source.object.clone(),
            archive_key: plan.archive_key(ArchiveNameVariant::FullSuffix),
        })
    }

    /// Gives up the claim of `owner` on a stem, because a foreign file (a file that ingest did not
    /// write) has the key `key`. The foreign file becomes the owner of the stem. Changes nothing if
    /// the archive has a copy that ingest made under the stem. A repeat is safe.
    pub(super) async fn release_claim_to_foreign_file(
        &self,
        key: &ArchiveKey,
        owner: &Owner,
    ) -> Result<(), IngestError> {
        let id = PhotoId::from_stem(key.stem());
        if let Some(item) = self.catalogue.item(&id).await?
            && item.owner == owner.as_str()
            && !item.has_live_copies()
        {
            let read_revision = item.revision;
            let released = PhotoItem {
                owner: Owner::FOREIGN.to_owned(),
                revision: read_revision + 1,
                ..item
            };
            // A stale write means that another writer changed the item first. In both cases, this
            // photo continues with its next name.
            self.catalogue
                .put_item(&released, Some(read_revision))
                .await?;
        }
        Ok(())
    }

    /// Copies the source to the archive key, if the source still has the bytes that were read. Then
    /// writes the ledger entry. Returns [`Attempt::Retry`] if the source has changed.
    async fn copy(
        &self,
        source: &SourceObject,
        archive_key: &ArchiveKey,
        owner: &Owner,
    ) -> Result<Attempt<Outcome>, IngestError> {
        let SourceObject { object, properties } = source;
        let provenance = Provenance {
            owner: owner.as_str().to_owned(),
            source: source.part_source(),
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
        let to = archive_key.object();
        match self
            .storage
            .copy_object(object, to, properties, &metadata)
            .await?
        {
            CopyOutcome::SourceChanged => Ok(Attempt::Retry),
            CopyOutcome::Done => {
                let recorded = self.record_archived(source, archive_key, owner);
                recorded.await.map(Attempt::Done)
            }
        }
    }

    /// Writes the ledger entry of an archived source. After that, deletes the source if the setting
    /// is [`SourceAfter::Delete`].
    async fn record_archived(
        &self,
        source: &SourceObject,
        archive_key: &ArchiveKey,
        owner: &Owner,
    ) -> Result<Outcome, IngestError> {
        let verdict = LedgerVerdict::Archived { archive_key, owner };
        let entry = ledger_entry(&source.object, &source.properties, verdict);
        self.catalogue.put_ledger_entry(&entry).await?;
        self.delete_source(source, archive_key).await?;
        Ok(Outcome::of_copy(archive_key.clone()))
    }

    /// Deletes the source, if the setting is [`SourceAfter::Delete`]. First a HEAD must show that
    /// the copy exists and was made from the same bytes. The source is deleted only if it still has
    /// these bytes. If the copy is gone, the source stays, because it may be the last file with
    /// these bytes.
    async fn delete_source(
        &self,
        source: &SourceObject,
        archive_key: &ArchiveKey,
    ) -> Result<(), IngestError> {
        if self.source_after == SourceAfter::Keep {
            return Ok(());
        }
        let SourceObject { object, properties } = source;
        let copy = self.storage.head_object(archive_key.object()).await?;
        let is_copy = copy.is_some_and(|copy| {
            let from = Provenance::of(&copy).map(|from| from.source);
            from == Some(source.part_source()) && copy.size_bytes == properties.size_bytes
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
