//! Organise: a source object as it is now is copied to its archive key. Numbers are those of the protocol in
//! docs/ingest-protocol.md.

use crate::archive::{self, ArchiveKey, ArchiveNameVariant, ArchivePlan, Owner, SourceKey};
use crate::catalogue::Claim;
use crate::catalogue::item::{LedgerEntry, PartSource, PhotoItem};
use crate::photo_id::PhotoId;
use crate::storage::{CopyOutcome, ObjectProperties};
use photo_metadata::{EXTRACTOR_VERSION, HEAD_BYTES};

use super::provenance::Provenance;
use super::{Ingest, IngestError, MetadataRead, Outcome, ROUNDS, SourceAfter, version};

/// What is under an archive key, seen by one owner with certain bytes to copy there.
enum Look {
    /// Our copy of these bytes.
    SameBytes,
    /// Our copy of other bytes, or nothing: the copy may be written.
    Free { empty: bool },
    /// Somebody else's file.
    Foreign,
}

impl Ingest {
    /// Copies the source as it is now to its archive key and writes the ledger. Safe to repeat.
    pub(super) async fn organise(&self, source: &SourceKey) -> Result<Outcome, IngestError> {
        for _ in 0..ROUNDS {
            if let Some(outcome) = self.organise_once(source).await? {
                return Ok(outcome);
            }
        }
        let bucket = self.layout.source_bucket().to_owned();
        Err(IngestError::Contended {
            bucket,
            key: source.as_str().to_owned(),
        })
    }

    /// One round; `None` where the source changed meanwhile.
    async fn organise_once(&self, source: &SourceKey) -> Result<Option<Outcome>, IngestError> {
        let bucket = self.layout.source_bucket();
        // 1, and the read of 2: neither depends on the other.
        let (read, entry) = tokio::join!(
            self.storage.read_head(bucket, source.as_str(), HEAD_BYTES),
            self.catalogue.ledger(bucket, source.as_str())
        );
        let Some((object, head)) = read? else {
            return Ok(Some(Outcome::Gone));
        };
        let known = entry?.filter(|entry| entry.version == version(&object));
        if let Some(entry) = known {
            match (&entry.archive_key, &entry.owner) {
                (Some(archive_key), Some(owner)) => {
                    let archive_key = self.layout.archive_key(archive_key);
                    let owner = Owner::stored(owner);
                    if let Some(archive_key) = archive_key {
                        // 3. Removed by hand stays removed; only a file that took the place sends us to another name.
                        match self.look(&archive_key, &owner, &object).await? {
                            Look::SameBytes => {
                                self.remove_source(source, &object, &archive_key).await?;
                                return Ok(Some(Outcome::Unchanged));
                            }
                            Look::Free { empty: true } => return Ok(Some(Outcome::Unchanged)),
                            Look::Free { empty: false } => {
                                return self.copy(source, &object, &archive_key, &owner).await;
                            }
                            Look::Foreign => {}
                        }
                    }
                }
                _ if entry.extractor_version == EXTRACTOR_VERSION => {
                    return Ok(Some(Outcome::Unchanged));
                }
                _ => {}
            }
        }
        let extraction = match self
            .extract(bucket, source.as_str(), &object, head, source.file_name())
            .await?
        {
            MetadataRead::Changed => return Ok(None),
            MetadataRead::Done(Ok(extraction)) => extraction,
            MetadataRead::Done(Err(not_a_photo)) => {
                self.catalogue
                    .put_ledger(&self.entry(source, &object, Verdict::Skipped(&not_a_photo.reason)))
                    .await?;
                return Ok(Some(Outcome::Skipped(not_a_photo.reason)));
            }
        };
        let plan = archive::plan_copy(&self.layout, source, &object.etag, &extraction.photo);
        self.claim_archive_key(source, &object, &plan).await
    }

    /// 2 to 5: the first of the plan's names that is ours or free.
    async fn claim_archive_key(
        &self,
        source: &SourceKey,
        object: &ObjectProperties,
        plan: &ArchivePlan,
    ) -> Result<Option<Outcome>, IngestError> {
        for name in ArchiveNameVariant::IN_ORDER {
            let archive_key = plan.archive_key(name);
            if self
                .catalogue
                .claim(archive_key.stem(), plan.owner.as_str())
                .await?
                == Claim::Taken
            {
                continue;
            }
            match self.look(&archive_key, &plan.owner, object).await? {
                Look::SameBytes => {
                    return self
                        .record_archived(source, object, &archive_key, &plan.owner)
                        .await
                        .map(Some);
                }
                Look::Free { .. } => {
                    return self.copy(source, object, &archive_key, &plan.owner).await;
                }
                Look::Foreign => {
                    self.release_claim_to_foreign_file(&archive_key, &plan.owner)
                        .await?
                }
            }
        }
        Err(IngestError::NoName {
            bucket: self.layout.source_bucket().to_owned(),
            key: source.as_str().to_owned(),
            archive_key: plan
                .archive_key(ArchiveNameVariant::FullSuffix)
                .as_str()
                .to_owned(),
        })
    }

    /// 3: what is there now?
    async fn look(
        &self,
        key: &ArchiveKey,
        owner: &Owner,
        source: &ObjectProperties,
    ) -> Result<Look, IngestError> {
        let Some(there) = self
            .storage
            .head(self.layout.archive_bucket(), key.as_str())
            .await?
        else {
            return Ok(Look::Free { empty: true });
        };
        Ok(match Provenance::of(&there) {
            Some(from) if from.owner == owner.as_str() && from.source.etag == source.etag => {
                Look::SameBytes
            }
            Some(from) if from.owner == owner.as_str() => Look::Free { empty: false },
            _ => Look::Foreign,
        })
    }

    /// 3: the name is somebody else's. A stub of ours that nothing was archived under becomes theirs.
    pub(super) async fn release_claim_to_foreign_file(
        &self,
        key: &ArchiveKey,
        owner: &Owner,
    ) -> Result<(), IngestError> {
        let id = PhotoId::from_stem(key.stem());
        if let Some(item) = self.catalogue.item(&id).await?
            && item.owner == owner.as_str()
            && !item.has_live_parts_of_ours()
        {
            let read = item.revision;
            let theirs = PhotoItem {
                owner: Owner::FOREIGN.to_owned(),
                revision: read + 1,
                ..item
            };
            // Stale: somebody else settled it meanwhile. Either way, this photo goes on to its next name.
            self.catalogue.put(&theirs, Some(read)).await?;
        }
        Ok(())
    }

    /// 4: the copy, as long as the source holds the bytes that were read.
    async fn copy(
        &self,
        source: &SourceKey,
        object: &ObjectProperties,
        archive_key: &ArchiveKey,
        owner: &Owner,
    ) -> Result<Option<Outcome>, IngestError> {
        let bucket = self.layout.source_bucket();
        let provenance = Provenance {
            owner: owner.as_str().to_owned(),
            source: PartSource {
                bucket: bucket.to_owned(),
                key: source.as_str().to_owned(),
                etag: object.etag.clone(),
            },
            last_modified: Some(object.last_modified),
        };
        let (metadata, left_out) = provenance.metadata(object);
        if !left_out.is_empty() {
            tracing::warn!(
                s3.key = source.as_str(),
                left_out = left_out.join(", "),
                "user metadata over 2 KB stay with the source only"
            );
        }
        let to = (self.layout.archive_bucket(), archive_key.as_str());
        let from = (bucket, source.as_str());
        match self.storage.copy(from, to, object, &metadata).await? {
            CopyOutcome::SourceChanged => Ok(None),
            CopyOutcome::Done => self
                .record_archived(source, object, archive_key, owner)
                .await
                .map(Some),
        }
    }

    /// 5: the ledger, and then the source where it is not to be kept.
    async fn record_archived(
        &self,
        source: &SourceKey,
        object: &ObjectProperties,
        archive_key: &ArchiveKey,
        owner: &Owner,
    ) -> Result<Outcome, IngestError> {
        let undated = archive_key
            .stem()
            .starts_with(&format!("{}/", archive::UNDATED));
        self.catalogue
            .put_ledger(&self.entry(
                source,
                object,
                Verdict::Archived {
                    archive_key,
                    owner,
                    undated,
                },
            ))
            .await?;
        self.remove_source(source, object, archive_key).await?;
        let key = archive_key.as_str().to_owned();
        Ok(if undated {
            Outcome::Undated(key)
        } else {
            Outcome::Archived(key)
        })
    }

    /// 5, with [`SourceAfter::Delete`]: where the copy is seen to hold these bytes, the source is deleted IF it still holds
    /// them too. A copy that is gone already leaves the source where it is: it may be the last.
    async fn remove_source(
        &self,
        source: &SourceKey,
        object: &ObjectProperties,
        archive_key: &ArchiveKey,
    ) -> Result<(), IngestError> {
        if self.source_after == SourceAfter::Keep {
            return Ok(());
        }
        let bucket = self.layout.source_bucket();
        let copy = self
            .storage
            .head(self.layout.archive_bucket(), archive_key.as_str())
            .await?;
        let from = copy.as_ref().and_then(Provenance::of);
        let is_ours = from.is_some_and(|from| {
            from.source.etag == object.etag
                && from.source.key == source.as_str()
                && from.source.bucket == bucket
        });
        if is_ours && copy.is_some_and(|copy| copy.size_bytes == object.size_bytes) {
            // Changed: what is there now has an event of its own.
            self.storage
                .delete_if_match(bucket, source.as_str(), &object.etag)
                .await?;
        }
        Ok(())
    }

    fn entry(
        &self,
        source: &SourceKey,
        object: &ObjectProperties,
        verdict: Verdict<'_>,
    ) -> LedgerEntry {
        ledger_entry(
            self.layout.source_bucket(),
            source.as_str(),
            object,
            verdict,
        )
    }
}

/// What the ledger says of some bytes.
pub(super) enum Verdict<'a> {
    /// They are no photo.
    Skipped(&'a str),
    /// They are archived.
    Archived {
        archive_key: &'a ArchiveKey,
        owner: &'a Owner,
        undated: bool,
    },
}

pub(super) fn ledger_entry(
    bucket: &str,
    key: &str,
    object: &ObjectProperties,
    verdict: Verdict<'_>,
) -> LedgerEntry {
    let (outcome, reason, archive_key, owner) = match verdict {
        Verdict::Skipped(reason) => ("skipped", Some(reason.to_owned()), None, None),
        Verdict::Archived {
            archive_key,
            owner,
            undated,
        } => (
            if undated { "undated" } else { "archived" },
            None,
            Some(archive_key.as_str().to_owned()),
            Some(owner.as_str().to_owned()),
        ),
    };
    LedgerEntry {
        pk: LedgerEntry::pk(bucket, key),
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: version(object),
        outcome: outcome.to_owned(),
        reason,
        archive_key,
        owner,
        extractor_version: EXTRACTOR_VERSION,
    }
}
