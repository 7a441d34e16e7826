//! Index: brings the catalogue item of an archive key up to date. The numbers in comments are the
//! steps of index in docs/ingest-protocol.md.

use photo_metadata::{BEGINNING_BYTES, EXTRACTOR_VERSION, Extraction, is_photo_extension};

use crate::archive::{self, ArchiveKey, KeyPlace, NO_EXTENSION, SourceKey};
use crate::catalogue::item::{PhotoItem, PhotoPart, shot_evidence};
use crate::catalogue::item_size::{ItemSizeError, MAX_BYTES_WITH_FILES, stored_item_size};
use crate::catalogue::{CatalogueError, WriteOutcome};
use crate::identity::{Evidence, EvidenceState};
use crate::photo_id::PhotoId;
use crate::retry::{Attempt, retry};
use crate::storage::ObjectProperties;

use super::archived_file::ArchivedFile;
use super::extract::MetadataRead;
use super::ledger::{LedgerVerdict, ledger_entry};
use super::overrides::merge_set_values;
use super::provenance::Provenance;
use super::public_times::set_times_of_older_item;
use super::sidecar_index::has_lost_its_photo;
use super::{Ingest, IngestError, MAX_ROUNDS, Outcome, record};

/// The file that a write adds to an item.
pub(super) enum AddedFile<'a> {
    /// A photo file, whose metadata were just extracted.
    Photo(Box<FreshExtraction<'a>>),
    /// A sidecar.
    Sidecar,
}

/// An extraction that the present attempt has made, and the name of the part (file of the photo)
/// that it comes from.
pub(super) struct FreshExtraction<'a> {
    part: &'a str,
    extraction: Extraction,
}

/// An archived file that is not indexed.
struct SkippedFile {
    reason: String,
    /// `true` if the file may have keywords or a rating: it is a photo, or its extension is one of
    /// a photo. A film or a text of the same name does not hide the photo.
    may_have_labels: bool,
}

/// What index does with a photo that is in the folder of another day than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MisfiledPhotos {
    /// Index moves the photo to its day. An edit may have corrected the date.
    Move,
    /// The photo stays. `photos reindex` may read the catalogue with a newer extractor, and moves
    /// photos only if its owner asks for it.
    Stay,
}

/// What must be done with the photo of a file after the file was indexed.
#[derive(Debug, Clone, PartialEq)]
enum FollowUp {
    /// Nothing is left to do.
    Nothing,
    /// The photo is in the folder of another day. It must be moved.
    Move,
    /// The photo has moved or was renamed, and its sidecars were left. They must be moved too.
    FollowPhoto,
    /// A person put the file of this item there, perhaps by a rename. Its sidecars may be left at
    /// one of the kin.
    LookAtKin(Box<PhotoItem>),
}

/// The outcome of index for one file, and what must be done after that.
pub(super) struct IndexedFile {
    outcome: Outcome,
    /// The source of the copy, if it has other bytes now. It must be organised again.
    changed_source: Option<SourceKey>,
    then: FollowUp,
}

impl IndexedFile {
    /// Builds the end of an attempt after which nothing is left to do.
    pub(super) fn done(outcome: Outcome) -> Attempt<Self> {
        Attempt::Done(IndexedFile {
            outcome,
            changed_source: None,
            then: FollowUp::Nothing,
        })
    }

    /// Builds the end of an attempt after a file was removed. If it was the last photo file of its
    /// item, and its photo has another name now, the sidecars must follow it.
    fn of_removed_file(outcome: Outcome, item: &PhotoItem) -> Attempt<Self> {
        Attempt::Done(IndexedFile {
            outcome,
            changed_source: None,
            then: match has_lost_its_photo(item) {
                true => FollowUp::FollowPhoto,
                false => FollowUp::Nothing,
            },
        })
    }
}

impl Ingest {
    /// Updates the catalogue item of the photo with this archive key, so that the item matches the
    /// archived file. Writes nothing if the item matches already. If the source has other bytes
    /// now, organises it again. If the photo is in the folder of another day, moves it or not, as
    /// `misfiled` requires. A repeat is safe.
    pub(super) async fn index(
        &self,
        key: &ArchiveKey,
        misfiled: MisfiledPhotos,
    ) -> Result<Outcome, IngestError> {
        let IndexedFile {
            outcome,
            changed_source,
            then,
        } = Box::pin(self.index_and_look(key)).await?;
        // This may change nothing here: the source may be gone by now, or show another shot. So the
        // work below is done too.
        if let Some(source) = changed_source {
            Box::pin(self.organise(&source)).await?;
        }
        match then {
            FollowUp::Move if misfiled == MisfiledPhotos::Move => {
                Box::pin(self.move_to_capture_day(key.stem())).await?;
            }
            FollowUp::FollowPhoto => Box::pin(self.follow_photo(key.stem())).await?,
            FollowUp::LookAtKin(item) => Box::pin(self.bring_sidecars_of_kin(&item)).await?,
            FollowUp::Move | FollowUp::Nothing => {}
        }
        Ok(outcome)
    }

    /// Updates the catalogue item as [`Ingest::index`] does, and does nothing else.
    pub(super) async fn index_file(&self, key: &ArchiveKey) -> Result<Outcome, IngestError> {
        // Boxed, because the future is large and callers are in large futures themselves.
        let file = Box::pin(self.index_and_look(key)).await?;
        Ok(file.outcome)
    }

    async fn index_and_look(&self, key: &ArchiveKey) -> Result<IndexedFile, IngestError> {
        let file = retry(MAX_ROUNDS, || self.index_once(key)).await?;
        file.ok_or_else(|| IngestError::Contended {
            object: key.object().clone(),
        })
    }

    /// Makes one attempt of [`Ingest::index`]. Returns [`Attempt::Retry`] if the copy or the item
    /// changed between two requests.
    async fn index_once(&self, key: &ArchiveKey) -> Result<Attempt<IndexedFile>, IngestError> {
        // Step 1 comes before step 2: the bytes that are read must not be older than the item that
        // they replace.
        let mut item = self.catalogue.item(&PhotoId::from_stem(key.stem())).await?;
        if let Some(item) = &mut item {
            set_times_of_older_item(item, (self.clock)());
        }
        if let Some(reason) = self.skip_reason(key.object()) {
            return self.skip_archived_name(key, item, reason).await;
        }
        // Step 2.
        let Some((properties, head)) = self
            .storage
            .read_beginning(key.object(), BEGINNING_BYTES)
            .await?
        else {
            let recorded = item.as_ref().and_then(|item| item.parts.get(key.part()));
            let tombstone = PhotoPart::removed(key.as_str(), recorded);
            return self.tombstone_part(key, item, tombstone).await;
        };
        let source = Provenance::of(&properties).map(|from| from.source.object);
        if let Some(reason) = source.and_then(|source| self.skip_reason(&source)) {
            return self.skip_archived_name(key, item, reason).await;
        }
        if let Some(item) = &item
            && is_indexed(item, key, &properties)
        {
            let indexed = self.look_at_photo(key, item, Outcome::Unchanged);
            return Ok(Attempt::Done(indexed.await?));
        }
        if let Some(kind) = key.sidecar_kind() {
            let index = self.index_sidecar(key, kind, &properties, head, item);
            return Box::pin(index).await;
        }
        match self.extract(key.object(), &properties, head).await? {
            MetadataRead::Changed => Ok(Attempt::Retry),
            MetadataRead::Done(Ok(extraction)) => {
                self.index_photo(key, &properties, item, extraction).await
            }
            MetadataRead::Done(Err(unsupported)) => {
                let file = SkippedFile {
                    reason: unsupported.reason,
                    may_have_labels: key.extension().is_some_and(is_photo_extension),
                };
                self.skip_file(key, &properties, item, file).await
            }
        }
    }

    /// Records in the ledger that an archived file is skipped, and why. If the item of the photo
    /// has the file as a live part, the part becomes a tombstone. If not, but the file may have
    /// labels, the item gets a tombstone for it.
    async fn skip_file(
        &self,
        key: &ArchiveKey,
        properties: &ObjectProperties,
        item: Option<PhotoItem>,
        file: SkippedFile,
    ) -> Result<Attempt<IndexedFile>, IngestError> {
        let verdict = LedgerVerdict::Skipped {
            reason: &file.reason,
            earlier: None,
        };
        let entry = ledger_entry(key.object(), properties, verdict);
        self.catalogue.put_ledger_entry(&entry).await?;
        let recorded = item.as_ref().and_then(|item| item.parts.get(key.part()));
        if recorded.is_some_and(PhotoPart::is_live) {
            let tombstone = PhotoPart::unreadable(key.as_str(), recorded, &file.reason);
            return self.tombstone_part(key, item, tombstone).await;
        }
        if file.may_have_labels {
            return self
                .record_skipped_file(key, properties, item, file.reason)
                .await;
        }
        Ok(IndexedFile::done(Outcome::Skipped(file.reason)))
    }

    /// Adds a tombstone for a skipped file to the item of its photo, so that the labels of the
    /// photo have a gap. If there is no item, writes one with only this tombstone, because the
    /// other files of the photo may come later. Writes nothing if the item has the gap already.
    async fn record_skipped_file(
        &self,
        key: &ArchiveKey,
        properties: &ObjectProperties,
        item: Option<PhotoItem>,
        reason: String,
    ) -> Result<Attempt<IndexedFile>, IngestError> {
        let read_revision = item.as_ref().map(|item| item.revision);
        let mut item = item.unwrap_or_else(|| PhotoItem::stub(key.stem()));
        let recorded = item.parts.get(key.part());
        let tombstone = PhotoPart::skipped(key.as_str(), recorded, &reason);
        if recorded.is_some_and(|part| part.labels == tombstone.labels) {
            return Ok(IndexedFile::done(Outcome::Skipped(reason)));
        }
        item.parts.insert(key.part().to_owned(), tombstone);
        match self.write_item(item, read_revision, None).await {
            Ok(ItemWrite::Written(_)) => {}
            Ok(ItemWrite::Stale) => return Ok(Attempt::Retry),
            // A repeat would fail again.
            Err(IngestError::Catalogue(CatalogueError::TooLarge { cause, .. })) => {
                tracing::error!(s3.key = key.as_str(), %cause, "no room for a skipped file");
                return Ok(IndexedFile::done(Outcome::Skipped(reason)));
            }
            Err(error) => return Err(error),
        }
        // As in step 4: if the file changed, the handler of its event may have read the item before
        // this write.
        let now = self.storage.head_object(key.object()).await?;
        let is_unchanged = now.map(|now| now.version()) == Some(properties.version());
        Ok(match is_unchanged {
            true => IndexedFile::done(Outcome::Skipped(reason)),
            false => Attempt::Retry,
        })
    }

    /// Writes the part of an archived photo file to the item of its photo.
    async fn index_photo(
        &self,
        key: &ArchiveKey,
        properties: &ObjectProperties,
        item: Option<PhotoItem>,
        extraction: Extraction,
    ) -> Result<Attempt<IndexedFile>, IngestError> {
        let before = item.clone();
        let file = self.describe_file(key, properties, None).await?;
        let mut item = item.unwrap_or_else(|| PhotoItem::stub(key.stem()));
        self.adopt_set_values(&file, &mut item).await?;
        item.evidence = item.known_evidence();
        item.evidence.add(Evidence {
            content: file.content.clone(),
            source: file.copied_from().cloned(),
            slot: key.slot(),
            state: EvidenceState::Seen,
            ..shot_evidence(&extraction.photo)
        });
        let part = indexed_part(key, properties, file, &extraction);
        item.parts.insert(key.part().to_owned(), part);
        let fresh = FreshExtraction {
            part: key.part(),
            extraction,
        };
        let added = AddedFile::Photo(Box::new(fresh));
        Box::pin(self.write_file(key, properties, before, item, added)).await
    }

    /// Writes an item with the part of an archived file. `before` is the item as it was read. Then
    /// checks that the file is unchanged, and compares it with its source. These are the steps
    /// index 3 to 5 of docs/ingest-protocol.md.
    pub(super) async fn write_file(
        &self,
        key: &ArchiveKey,
        properties: &ObjectProperties,
        before: Option<PhotoItem>,
        item: PhotoItem,
        added: AddedFile<'_>,
    ) -> Result<Attempt<IndexedFile>, IngestError> {
        let must_check_file = before.as_ref().is_none_or(|item| {
            let part = item.parts.get(key.part());
            part.is_some_and(|part| !is_certainly_older(part, properties))
        });
        let read_revision = before.as_ref().map(|item| item.revision);
        // Step 3.
        let written = match self.write_item(item, read_revision, Some(added)).await {
            Ok(ItemWrite::Written(item)) => item,
            Ok(ItemWrite::Stale) => return Ok(Attempt::Retry),
            // A repeat would fail again. The photo keeps its item without this file, and the labels
            // of the file are a gap.
            Err(IngestError::Catalogue(CatalogueError::TooLarge { cause, .. })) => {
                let file = SkippedFile {
                    reason: cause.to_string(),
                    may_have_labels: true,
                };
                return self.skip_file(key, properties, before, file).await;
            }
            Err(error) => return Err(error),
        };
        // Step 4. Each later change of the file has an event. Its handler writes this item, unless
        // the item describes the changed file already: the file is gone and the part is a
        // tombstone, or the file has again the version of the part. If the handler writes before
        // this task, the condition on the revision fails. If it writes after this task, its result
        // is right.
        if must_check_file {
            let now = self.storage.head_object(key.object()).await?;
            if now.as_ref().map(ObjectProperties::version) != Some(properties.version()) {
                return Ok(Attempt::Retry);
            }
        }
        let indexed = self.look_at_photo(key, &written, Outcome::Indexed);
        Ok(Attempt::Done(indexed.await?))
    }

    /// Step 2b. If a person copied or renamed the file in the archive, makes this stem and the stem
    /// that the file was made for kin, and adds what is set there to this item. A photo that was
    /// hidden stays hidden. Sends no request for any other file, or if both are kin already.
    async fn adopt_set_values(
        &self,
        file: &ArchivedFile,
        item: &mut PhotoItem,
    ) -> Result<(), IngestError> {
        let Some(stem) = file.made_for.as_ref().filter(|stem| **stem != item.stem) else {
            return Ok(());
        };
        if item.kin.contains(stem) {
            return Ok(());
        }
        let id = PhotoId::from_stem(stem);
        if let Some(other) = self.catalogue.add_kin(&id, &item.stem).await? {
            item.kin.insert(stem.clone());
            merge_set_values(item, &other);
        }
        Ok(())
    }

    /// Updates the item of a file that is gone from the archive, or is not a photo any more: its
    /// part becomes `tombstone`. If the item is a stub, it gets its first part. After the write,
    /// checks that the file is still gone. These are the steps index 3 and 4 of
    /// docs/ingest-protocol.md.
    pub(super) async fn tombstone_part(
        &self,
        key: &ArchiveKey,
        item: Option<PhotoItem>,
        tombstone: PhotoPart,
    ) -> Result<Attempt<IndexedFile>, IngestError> {
        let Some(mut item) = item else {
            return Ok(IndexedFile::done(Outcome::Gone));
        };
        if item
            .parts
            .get(key.part())
            .is_some_and(|part| !part.is_live() && part.labels == tombstone.labels)
        {
            return Ok(IndexedFile::of_removed_file(Outcome::Gone, &item));
        }
        item.parts.insert(key.part().to_owned(), tombstone);
        let read_revision = item.revision;
        let written = self.write_item(item, Some(read_revision), None).await?;
        let ItemWrite::Written(written) = written else {
            return Ok(Attempt::Retry);
        };
        // Step 4.
        let now = self.storage.head_object(key.object()).await?;
        Ok(match now {
            None => IndexedFile::of_removed_file(Outcome::Removed, &written),
            Some(_) => Attempt::Retry,
        })
    }

    /// Adds a tombstone to a stub (an item without parts), so that the item is no longer a stub.
    /// This increases the revision of the item, so every task that still works on this stem must
    /// read the item again. The claim stays, because a copy may still arrive. Returns `false` and
    /// changes nothing if the item is not a stub. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the table fails, or [`IngestError::Busy`] if other writers keep changing
    /// the item.
    pub async fn tombstone_stub(&self, stem: &str) -> Result<bool, IngestError> {
        let id = PhotoId::from_stem(stem);
        let written = retry(MAX_ROUNDS, || self.tombstone_stub_once(stem, &id)).await?;
        written.ok_or_else(|| IngestError::Busy { id: id.to_string() })
    }

    async fn tombstone_stub_once(
        &self,
        stem: &str,
        id: &PhotoId,
    ) -> Result<Attempt<bool>, IngestError> {
        let item = self.catalogue.item(id).await?;
        let Some(mut item) = item.filter(|item| item.parts.is_empty()) else {
            return Ok(Attempt::Done(false));
        };
        let tombstone = PhotoPart::tombstone(&self.layout.archive_prefix().join(stem));
        item.parts.insert(NO_EXTENSION.to_owned(), tombstone);
        let read_revision = item.revision;
        Ok(
            match self.write_item(item, Some(read_revision), None).await? {
                ItemWrite::Written(_) => Attempt::Done(true),
                ItemWrite::Stale => Attempt::Retry,
            },
        )
    }

    /// Derives the record (the normalised metadata) from the parts, and writes the item. `added` is
    /// the file that the caller adds. Writes nothing if the stored item does not have the revision
    /// `read_revision` any more. Returns the item as it was written.
    ///
    /// # Errors
    /// Returns [`CatalogueError::TooLarge`] if the item does not fit, or if `added` is given and no
    /// room would be left for the tombstone of a skipped file.
    async fn write_item(
        &self,
        mut item: PhotoItem,
        read_revision: Option<u64>,
        added: Option<AddedFile<'_>>,
    ) -> Result<ItemWrite, IngestError> {
        item.revision = read_revision.unwrap_or_default() + 1;
        let adds_file = added.is_some();
        let fresh = match added {
            Some(AddedFile::Photo(fresh)) => Some(*fresh),
            Some(AddedFile::Sidecar) | None => None,
        };
        match record::primary_part(&item) {
            None => record::clear_record(&mut item),
            Some(primary) => match fresh {
                Some(fresh) if fresh.part == primary => {
                    record::derive_record(&mut item, &primary, fresh.extraction);
                }
                _ if record::is_derived_from(&item, &primary) => {}
                // If the primary part is changing now, the item keeps its record until the event of
                // that part is processed. If this task waited here, two parts that were removed
                // together would wait for each other.
                _ => {
                    if let Some(extraction) = self.extract_part(&item, &primary).await? {
                        record::derive_record(&mut item, &primary, extraction);
                    }
                }
            },
        }
        record::derive_summary_and_keys(&mut item, &self.rules, (self.clock)());
        let bytes = stored_item_size(&item);
        if adds_file && bytes > MAX_BYTES_WITH_FILES {
            return Err(IngestError::Catalogue(CatalogueError::TooLarge {
                pk: item.pk,
                cause: ItemSizeError::NoRoomForTombstone { bytes },
            }));
        }
        if let Some(partition) = item.index.date_partition {
            self.ensure_date_partition(partition).await?;
        }
        let written = self.catalogue.put_item(&item, read_revision).await?;
        Ok(match written {
            WriteOutcome::Written => ItemWrite::Written(Box::new(item)),
            WriteOutcome::Stale => ItemWrite::Stale,
        })
    }

    /// Extracts the metadata of the part `name` of the item. Returns `None` if there is no such
    /// part, if the archived file has another ETag than the part, or if it cannot be read as a
    /// photo.
    async fn extract_part(
        &self,
        item: &PhotoItem,
        name: &str,
    ) -> Result<Option<Extraction>, IngestError> {
        let Some(part) = item.parts.get(name) else {
            return Ok(None);
        };
        let Some(key) = self.layout.archive_key(&part.key) else {
            return Ok(None);
        };
        let object = key.object();
        let read = self.storage.read_beginning(object, BEGINNING_BYTES).await?;
        let Some((properties, head)) = read.filter(|(now, _)| now.etag == part.etag) else {
            return Ok(None);
        };
        match self.extract(object, &properties, head).await? {
            MetadataRead::Done(Ok(extraction)) => Ok(Some(extraction)),
            MetadataRead::Done(Err(_)) | MetadataRead::Changed => Ok(None),
        }
    }

    /// Finds out what must be done after a file was indexed: its source has other bytes (step 5),
    /// or its photo must be moved or followed (step 6).
    async fn look_at_photo(
        &self,
        key: &ArchiveKey,
        item: &PhotoItem,
        outcome: Outcome,
    ) -> Result<IndexedFile, IngestError> {
        let part = item.parts.get(key.part());
        let mut changed_source = None;
        if let Some(from) = part.and_then(PhotoPart::copied_from)
            && let Some(KeyPlace::Source(source)) = self.layout.place(&from.object)
        {
            let now = self.storage.head_object(&from.object).await?;
            changed_source = now.filter(|now| now.etag != from.etag).map(|_| source);
        }
        Ok(IndexedFile {
            outcome,
            changed_source,
            then: follow_up(key, item),
        })
    }
}

/// Returns what must be done with a photo after a file of it was indexed. Only the primary part and
/// the sidecars decide the day. A photo with a file by hand, or into which another photo was
/// merged, is not moved.
fn follow_up(key: &ArchiveKey, item: &PhotoItem) -> FollowUp {
    let part = item.parts.get(key.part());
    let is_by_hand = part.is_none_or(|part| part.copied_from().is_none());
    if is_by_hand {
        let may_be_renamed = !item.kin.is_empty() && key.sidecar_kind().is_none();
        return match may_be_renamed {
            true => FollowUp::LookAtKin(Box::new(item.clone())),
            false => FollowUp::Nothing,
        };
    }
    if has_lost_its_photo(item) {
        return FollowUp::FollowPhoto;
    }
    let primary = item.derived_from.as_ref();
    let is_primary = primary.is_some_and(|primary| primary.part == key.part());
    let decides_day = is_primary || key.sidecar_kind().is_some();
    let mut live = item.parts.values().filter(|part| part.is_live());
    let is_ours = live.all(|part| part.copied_from().is_some());
    // The files of merged photos may have several days.
    let is_misfiled = decides_day
        && is_ours
        && item.merged.is_empty()
        && archive::is_misfiled(&item.stem, item.folder_date());
    match is_misfiled {
        true => FollowUp::Move,
        false => FollowUp::Nothing,
    }
}

/// The result of a write of an item.
enum ItemWrite {
    /// The item was written, in this form.
    Written(Box<PhotoItem>),
    /// Another writer changed the item first.
    Stale,
}

/// Reports whether an item describes a file already: the present extractor has read this version,
/// and the part is in the present form.
fn is_indexed(item: &PhotoItem, key: &ArchiveKey, properties: &ObjectProperties) -> bool {
    item.parts.get(key.part()).is_some_and(|part| {
        part.version() == Some(properties.version())
            && part.extractor_version >= EXTRACTOR_VERSION
            && part.content.is_some()
    })
}

/// Reports whether a live part describes an object version that is certainly older than the present
/// one. The file cannot get that version again.
fn is_certainly_older(part: &PhotoPart, properties: &ObjectProperties) -> bool {
    let version = part.version();
    version.is_some_and(|version| version.is_older_than(&properties.version()))
}

/// Builds the part (the entry of one file in an item) from the archived file, its properties and
/// the extraction.
fn indexed_part(
    key: &ArchiveKey,
    properties: &ObjectProperties,
    file: ArchivedFile,
    extraction: &Extraction,
) -> PhotoPart {
    PhotoPart {
        mime: extraction.format.mime().to_owned(),
        width: extraction.photo.record.width,
        height: extraction.photo.record.height,
        picture: extraction.picture,
        preview: extraction.preview,
        labels: Some(extraction.labels.clone()),
        ..file.into_part(key, properties)
    }
}
