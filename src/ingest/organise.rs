//! Organise: copies a source object to its archive key. The numbers in comments are the steps of
//! organise in docs/ingest-protocol.md.

use std::collections::BTreeSet;

use bytes::Bytes;

use photo_metadata::{BEGINNING_BYTES, EXTRACTOR_VERSION};

use crate::archive::{ArchiveKey, SidecarName, SourceKey, UploadName};
use crate::catalogue::WriteOutcome;
use crate::catalogue::item::{LedgerEntry, PartSource};
use crate::catalogue::upload_sidecars::RecordedUpload;
use crate::identity::{ContentId, EvidenceState};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;
use crate::storage::{CopyOutcome, EtagKind, ObjectProperties};

use super::archived_file::ArchivedFile;
use super::extract::MetadataRead;
use super::ledger::{LedgerVerdict, ledger_entry};
use super::provenance::Provenance;
use super::{Ingest, IngestError, MAX_ROUNDS, Outcome, SourceAfter};

/// A source object at the beginning of the present attempt, and the ledger entry of its key.
pub(super) struct SourceUpload {
    pub(super) object: ObjectRef,
    pub(super) properties: ObjectProperties,
    pub(super) content: ContentId,
    /// The ledger entry as it was read. It may describe earlier bytes.
    pub(super) entry: Option<LedgerEntry>,
}

/// The archive key that an upload may use.
pub(super) struct CopyTarget {
    pub(super) key: ArchiveKey,
    /// The source object in the metadata of the copy. It is another object than the upload, if that
    /// object claimed the same bytes first.
    pub(super) source: ObjectRef,
    /// The content ids of the files that are known in the slot.
    pub(super) known: BTreeSet<ContentId>,
    /// Whether index has seen the bytes of the upload under this stem.
    pub(super) sighting: EvidenceState,
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
pub(super) enum OrganiseAttempt {
    /// The work is done, with this outcome.
    Done(Outcome),
    /// The source, the item or the ledger entry changed. Organise starts again.
    Retry,
    /// The archive has a copy under this key that its item does not record. It must be indexed
    /// before organise starts again.
    IndexFirst(ArchiveKey, ContentId),
}

/// The result of a step: the attempt ends, or organise continues.
pub(super) enum Step<T> {
    /// The attempt ends.
    End(OrganiseAttempt),
    /// Organise continues with this.
    Continue(T),
}

/// The content ids of copies that were indexed during the work on one upload. If index cannot read
/// such a copy, its item does not record it. So the copy counts as known, and organise does not
/// start again because of it.
pub(super) type IndexedCopies = BTreeSet<ContentId>;

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

    /// Writes the ledger entry of an upload whose bytes index has seen under this key.
    pub(super) async fn record_duplicate(
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

    /// Looks at the archive key (step 5), and copies the source if that is necessary (steps 6 and
    /// 7). Continues if the upload must take the next name, because a person put a file there, or
    /// because the copy of another upload is there.
    pub(super) async fn use_target(
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
    pub(super) fn ledger_key(&self, ingest: &Ingest) -> Option<ArchiveKey> {
        let key = self.entry.as_ref()?.archive_key.as_deref()?;
        ingest.layout.archive_key(key)
    }
}
