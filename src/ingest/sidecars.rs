//! Sidecars: files that belong to a photo and describe it. Organise copies a sidecar to the stem of its
//! photo, and index adds what it contains to the item of the photo. A sidecar never has an item of its
//! own.
//!
//! The photo and its sidecars may come in any order and at the same time. Organise records the sidecar
//! under its name, and then lists the uploads with this name. Organise of a photo starts after its upload,
//! and reads the sidecars that are recorded under its name. So at least one of the two finds the other.

use std::collections::{BTreeSet, HashMap, VecDeque};

use bytes::{Bytes, BytesMut};
use chrono::{NaiveDateTime, TimeDelta};
use futures::TryStreamExt;
use photo_metadata::{
    BEGINNING_BYTES, FileLabels, MAX_SIDECAR_BYTES, PhotoRecord, SidecarExtraction, SidecarFormat,
    extract_sidecar, photo_extensions,
};

use crate::archive::{ArchiveKey, KeyPlace, SidecarKind, SidecarName, SourceKey, UploadName};
use crate::catalogue::WriteOutcome;
use crate::catalogue::batch::MAX_BATCH_KEYS;
use crate::catalogue::item::{LedgerEntry, PhotoItem, PhotoPart};
use crate::identity::{EvidenceList, NEAR_SECONDS};
use crate::object::ObjectRef;
use crate::photo_id::{PhotoId, compose_letters, decompose_letters};
use crate::retry::{Attempt, retry};
use crate::storage::{CopyOutcome, ListingEntry, ObjectProperties};

use super::archived_file::ArchivedFile;
use super::index::{AddedFile, IndexedFile, MisfiledPhotos};
use super::ledger::{LedgerVerdict, ledger_entry};
use super::moving::{OldFile, PartMove};
use super::organise::{CopyTarget, SourceUpload};
use super::{Ingest, IngestError, MAX_ROUNDS, Outcome, SourceAfter};

/// The reason in the ledger entry of a sidecar whose photo has not come yet.
const WAITS: &str = "a sidecar that waits: its folder has no photo of this name";
/// The reason in the ledger entry of a sidecar whose photo is uncertain.
const OTHER_SHOT: &str = "a sidecar that waits: the upload of its photo is gone, and the archived photo of this name has another date or camera";
/// The reason in the ledger entry of a sidecar whose name belongs to a file by hand.
const BY_HAND: &str =
    "a sidecar that is not archived: a person put another file under its archive key";
/// The reason in the ledger entry of a sidecar if another upload is the sidecar of the photo.
const OTHER_UPLOAD: &str = "a sidecar that is not archived: its photo has another sidecar of this name, from another folder";
/// The reason in the ledger entry of a sidecar that a person has removed from the archive.
const REMOVED: &str = "a sidecar that is not archived: a person removed it from the archive";
/// The reason in the ledger entry of a sidecar whose archive key would be too long.
const LONG_NAME: &str = "a sidecar that is not archived: its name is too long";
/// The maximum length of a file name in the archive, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// The formats into which RAW files are exported. If a photo has a RAW file, its sidecar goes to it.
const EXPORTED_SLOTS: [&str; 10] = [
    "avif", "gif", "heic", "jp2", "jpg", "jxl", "png", "psd", "tif", "webp",
];

/// Whether a sidecar can be archived with a photo.
enum SidecarTarget {
    /// The archive key of the sidecar has no file, or an older version of the sidecar.
    Free(ArchiveKey),
    /// The archive key has the bytes of the sidecar already.
    SameBytes(ArchiveKey),
    /// The sidecar cannot be archived with this photo. The text is the reason for the ledger.
    Refused(&'static str),
}

/// The photo of a sidecar.
struct FoundPhoto {
    key: ArchiveKey,
    upload: PhotoUpload,
}

/// Whether the source has the upload of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PhotoUpload {
    /// The upload is in the folder of the sidecar.
    Present,
    /// Only the ledger has an entry of it.
    Gone,
}

impl Ingest {
    /// Copies a sidecar to the stem of its photo, and writes its ledger entry. If its photo has not come
    /// yet, the sidecar waits: organise of the photo continues with it. `photo` is the archive key of the
    /// photo, if organise of the photo calls this. A repeat is safe.
    pub(super) async fn organise_sidecar(
        &self,
        key: &SourceKey,
        name: &SidecarName,
        photo: Option<&ArchiveKey>,
    ) -> Result<Outcome, IngestError> {
        let done = retry(MAX_ROUNDS, || {
            Box::pin(self.organise_sidecar_once(key, name, photo))
        });
        done.await?.ok_or_else(|| IngestError::Contended {
            object: key.object().clone(),
        })
    }

    /// Makes one attempt of [`Ingest::organise_sidecar`].
    async fn organise_sidecar_once(
        &self,
        key: &SourceKey,
        name: &SidecarName,
        photo: Option<&ArchiveKey>,
    ) -> Result<Attempt<Outcome>, IngestError> {
        let object = key.object().clone();
        let photo_name = UploadName::of_sidecar(&object, name);
        let (properties, entry) = tokio::join!(
            self.storage.head_object(&object),
            self.catalogue.ledger_entry(&object)
        );
        let entry = entry?;
        let Some(properties) = properties? else {
            self.catalogue.remove_sidecar(&photo_name, &object).await?;
            // The sidecar may have been uploaded again, and recorded before its record was removed.
            let is_gone = self.storage.head_object(&object).await?.is_none();
            return Ok(match is_gone {
                true => Attempt::Done(Outcome::Gone),
                false => Attempt::Retry,
            });
        };
        let upload = SourceUpload {
            content: self.content_id(&object, &properties).await?,
            properties,
            object,
            entry,
        };
        if self.has_part_of(&upload, photo).await? {
            return Ok(Attempt::Done(Outcome::Unchanged));
        }
        // This comes before the listing. A photo that the listing lacks is uploaded later, so organise
        // of that photo finds this record. The record stays: another shot may take the place of the
        // photo, and the sidecar may have come before it.
        self.catalogue
            .add_sidecar(&photo_name, &upload.object)
            .await?;
        let photos = self.find_photos(&upload.object, name, &photo_name).await?;
        let (target, must_copy) = match self.choose_target(&upload, name, &photos).await? {
            SidecarTarget::Free(target) => (target, true),
            SidecarTarget::SameBytes(target) => (target, false),
            SidecarTarget::Refused(reason) => return self.record_waiting(&upload, reason).await,
        };
        if self.record_archived(&upload, &target).await? == WriteOutcome::Stale {
            return Ok(Attempt::Retry);
        }
        let copy = CopyTarget::of_own_copy(target.clone(), &upload.object);
        if must_copy && self.copy(&upload, &copy).await? == CopyOutcome::SourceChanged {
            return Ok(Attempt::Retry);
        }
        self.delete_source(&upload, &target).await?;
        Ok(Attempt::Done(Outcome::of_copy(target)))
    }

    /// Reports whether an item has, or had, the present bytes of a sidecar under the archive key in its
    /// ledger entry. A sidecar that was removed from the archive is not archived again. If it is still
    /// there, deletes the upload, if the setting is [`SourceAfter::Delete`].
    ///
    /// Returns `false` if `photo` is at another stem: another shot has taken the place of the photo.
    async fn has_part_of(
        &self,
        upload: &SourceUpload,
        photo: Option<&ArchiveKey>,
    ) -> Result<bool, IngestError> {
        let archived = upload.entry.as_ref().filter(|_| upload.is_known());
        let archived = archived.and_then(|entry| self.layout.archive_key(entry.copied_to()?));
        let Some(key) = archived else {
            return Ok(false);
        };
        let item = self.catalogue.item(&PhotoId::from_stem(key.stem())).await?;
        let part = item.as_ref().and_then(|item| item.parts.get(key.part()));
        let kin = item.as_ref().map(|item| &item.kin);
        let is_of_photo = photo.is_none_or(|photo| {
            photo.stem() == key.stem() || kin.is_some_and(|kin| kin.contains(photo.stem()))
        });
        let has_bytes =
            is_of_photo && part.is_some_and(|part| part.content.as_ref() == Some(&upload.content));
        if has_bytes {
            self.delete_source(upload, &key).await?;
        }
        Ok(has_bytes)
    }

    /// Writes the ledger entry of a sidecar that is not copied, with the reason.
    async fn record_waiting(
        &self,
        upload: &SourceUpload,
        reason: &str,
    ) -> Result<Attempt<Outcome>, IngestError> {
        let earlier = upload.entry.as_ref();
        let verdict = LedgerVerdict::Skipped { reason, earlier };
        let entry = ledger_entry(&upload.object, &upload.properties, verdict);
        let written = self.catalogue.put_ledger_entry_if(&entry, earlier).await?;
        Ok(match written {
            WriteOutcome::Written => Attempt::Done(Outcome::Skipped(reason.to_owned())),
            WriteOutcome::Stale => Attempt::Retry,
        })
    }

    /// Finds the photos to which a sidecar can belong, the best one first. Usually this is one photo. There
    /// are more if a folder has several shots under one name. Organises the uploads with this name first,
    /// if their present bytes have no ledger entry.
    async fn find_photos(
        &self,
        sidecar: &ObjectRef,
        name: &SidecarName,
        photo_name: &UploadName,
    ) -> Result<Vec<FoundPhoto>, IngestError> {
        let listed = self.list_photos(sidecar, name, photo_name).await?;
        let bucket = &sidecar.bucket;
        let keys: Vec<&str> = listed.iter().map(|photo| photo.key.as_str()).collect();
        let mut ledger = self.catalogue.ledger_entries(bucket, &keys).await?;
        for photo in &listed {
            let is_known = ledger.get(&photo.key).is_some_and(|entry| {
                let version = &entry.version;
                version.matches_listing(&photo.etag, photo.last_modified)
            });
            let object = bucket.object(&photo.key);
            if !is_known && let Some(KeyPlace::Source(key)) = self.layout.place(&object) {
                Box::pin(self.organise_photo(&key)).await?;
                let entry = self.catalogue.ledger_entry(&object).await?;
                ledger.extend(entry.map(|entry| (photo.key.clone(), entry)));
            }
        }
        let present = self.rank_photos(name, ledger, PhotoUpload::Present);
        if !present.is_empty() {
            return Ok(present);
        }
        // The upload of the photo may be deleted.
        let keys = possible_photo_keys(sidecar, name);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let ledger = self.catalogue.ledger_entries(bucket, &keys).await?;
        Ok(self.rank_photos(name, ledger, PhotoUpload::Gone))
    }

    /// Reports whether a sidecar shows another date or camera than the archived photo with this key. Its
    /// own photo may not have come yet: cameras use a name again. Reads the sidecar.
    async fn contradicts_photo(
        &self,
        upload: &SourceUpload,
        name: &SidecarName,
        photo: &ArchiveKey,
    ) -> Result<bool, IngestError> {
        let Some(format) = name.kind.format() else {
            return Ok(false);
        };
        let item = self
            .catalogue
            .item(&PhotoId::from_stem(photo.stem()))
            .await?;
        let read = self.storage.read_beginning(&upload.object, BEGINNING_BYTES);
        let (Some(item), Some((properties, head))) = (item, read.await?) else {
            return Ok(false);
        };
        let read = self.read_sidecar(&upload.object, &properties, head, format);
        // If the sidecar has changed, its copy fails, and organise starts again.
        Ok(read.await?.is_some_and(|sidecar| {
            shows_other_shot(&sidecar.metadata.record, &item.known_evidence())
        }))
    }

    /// Lists the uploads that can be the photo of a sidecar: the same folder and the same name. At most
    /// a hundred, in the order of their keys.
    async fn list_photos(
        &self,
        sidecar: &ObjectRef,
        name: &SidecarName,
        photo_name: &UploadName,
    ) -> Result<Vec<ListingEntry>, IngestError> {
        let mut found = Vec::new();
        for base in name_forms(&name.base) {
            let prefix = format!("{}{base}.", folder_of(sidecar));
            let mut listing = std::pin::pin!(self.storage.list_objects(&sidecar.bucket, &prefix));
            while let Some(listed) = listing.try_next().await? {
                let object = sidecar.bucket.object(&listed.key);
                let is_photo = SidecarName::parse(object.file_name()).is_none()
                    && UploadName::of_photo(&object) == *photo_name
                    && name.describes(object.file_name())
                    && self.skip_reason(&object).is_none();
                if is_photo {
                    found.push(listed);
                }
                if found.len() >= MAX_BATCH_KEYS {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Returns the photos in the ledger entries of the uploads with the name of a sidecar. A RAW file comes
    /// first, because editors write sidecars for RAW files. Then the order of the keys decides.
    fn rank_photos(
        &self,
        name: &SidecarName,
        ledger: HashMap<String, LedgerEntry>,
        upload: PhotoUpload,
    ) -> Vec<FoundPhoto> {
        let entries = ledger.into_values();
        let entries = entries.filter(|entry| name.describes(entry.object.file_name()));
        let photos = entries.filter_map(|entry| {
            let key = self.layout.archive_key(entry.copied_to()?)?;
            let is_exported = EXPORTED_SLOTS.contains(&key.slot().as_str());
            Some((is_exported, entry.object.key, key))
        });
        let mut photos: Vec<(bool, String, ArchiveKey)> = photos.collect();
        photos.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let photos = photos.into_iter();
        photos
            .map(|(_, _, key)| FoundPhoto { key, upload })
            .collect()
    }

    /// Returns the archive key of a sidecar of the photo with this archive key. Returns `None` if the file
    /// name would be too long.
    fn sidecar_key(&self, photo: &ArchiveKey, name: &SidecarName) -> Option<ArchiveKey> {
        let plain = photo.with_part(&name.part);
        // The name of a photo may itself end in an extension: `DSC_1.NEF` of `DSC_1.NEF.jpg`. Its
        // sidecar `DSC_1.NEF.xmp` would belong to `DSC_1.NEF`.
        let long = photo.with_part(&format!("{}.{}", photo.part(), name.extension()));
        [plain, long].into_iter().find(|key| {
            let parsed = self.layout.archive_key(key.as_str());
            parsed.is_some_and(|parsed| parsed == *key) && key.file_name().len() <= MAX_NAME_BYTES
        })
    }

    /// Chooses the first of these photos with which a sidecar can be archived. If there is none, an edit
    /// goes to the place of the older version. If there is no such place, returns the reason of the first
    /// photo.
    async fn choose_target(
        &self,
        upload: &SourceUpload,
        name: &SidecarName,
        photos: &[FoundPhoto],
    ) -> Result<SidecarTarget, IngestError> {
        let mut first_reason = None;
        for photo in photos {
            match self.find_target(upload, name, photo).await? {
                SidecarTarget::Refused(reason) => {
                    first_reason.get_or_insert(reason);
                }
                target => return Ok(target),
            }
        }
        let entry = upload.entry.as_ref();
        let older = entry.and_then(|entry| self.layout.archive_key(entry.archive_key.as_deref()?));
        if let Some(key) = older.filter(|_| first_reason.is_some()) {
            let there = self.head_archived_file(&key, entry).await?;
            let own = there.filter(|file| file.copied_from() == Some(&upload.object));
            if let Some(file) = own
                && !self.contradicts_photo(upload, name, &key).await?
            {
                return Ok(match file.content == upload.content {
                    true => SidecarTarget::SameBytes(key),
                    false => SidecarTarget::Free(key),
                });
            }
        }
        Ok(SidecarTarget::Refused(first_reason.unwrap_or(WAITS)))
    }

    /// Finds out whether a sidecar can be archived with this photo.
    async fn find_target(
        &self,
        upload: &SourceUpload,
        name: &SidecarName,
        photo: &FoundPhoto,
    ) -> Result<SidecarTarget, IngestError> {
        if photo.upload == PhotoUpload::Gone
            && self.contradicts_photo(upload, name, &photo.key).await?
        {
            return Ok(SidecarTarget::Refused(OTHER_SHOT));
        }
        let Some(target) = self.sidecar_key(&photo.key, name) else {
            return Ok(SidecarTarget::Refused(LONG_NAME));
        };
        let there = self.head_archived_file(&target, upload.entry.as_ref());
        Ok(match there.await? {
            None if self.was_removed(upload, &target).await? => SidecarTarget::Refused(REMOVED),
            None => SidecarTarget::Free(target),
            Some(file) if file.content == upload.content => SidecarTarget::SameBytes(target),
            Some(file) if !file.placement.is_archived() => SidecarTarget::Refused(BY_HAND),
            Some(file) if self.belongs_to_other_sidecar(&file, upload).await? => {
                SidecarTarget::Refused(OTHER_UPLOAD)
            }
            Some(_) => SidecarTarget::Free(target),
        })
    }

    /// Reports whether the present bytes of a sidecar were under this archive key, which has no file now.
    /// Only bytes that were archived before can have been there.
    async fn was_removed(
        &self,
        upload: &SourceUpload,
        target: &ArchiveKey,
    ) -> Result<bool, IngestError> {
        if !upload.is_known() {
            return Ok(false);
        }
        let id = PhotoId::from_stem(target.stem());
        let item = self.catalogue.item(&id).await?;
        let part = item.as_ref().and_then(|item| item.parts.get(target.part()));
        Ok(part.is_some_and(|part| part.content.as_ref() == Some(&upload.content)))
    }

    /// Reports whether an archived sidecar was copied from another upload that still exists, or that
    /// ingest has deleted.
    async fn belongs_to_other_sidecar(
        &self,
        file: &ArchivedFile,
        upload: &SourceUpload,
    ) -> Result<bool, IngestError> {
        match file.copied_from().filter(|from| **from != upload.object) {
            None => Ok(false),
            Some(_) if self.source_after == SourceAfter::Delete => Ok(true),
            Some(other) => Ok(self.storage.head_object(other).await?.is_some()),
        }
    }

    /// Organises and indexes the sidecars with these keys. They have the name of the upload `source`,
    /// which is archived under the key `photo`. `photo` is `None` if the upload is not archived.
    pub(super) async fn organise_sidecars_of(
        &self,
        source: &SourceKey,
        photo: Option<&ArchiveKey>,
        keys: BTreeSet<String>,
    ) -> Result<(), IngestError> {
        for key in keys {
            let object = source.object().bucket.object(key);
            let name = SidecarName::parse(object.file_name());
            let (Some(KeyPlace::Source(key)), Some(name)) = (self.layout.place(&object), name)
            else {
                continue;
            };
            if self.skip_reason(key.object()).is_some() {
                continue;
            }
            let outcome = self.organise_sidecar(&key, &name, photo).await?;
            // A store without notifications has no event for this copy.
            if let Some(copy) = outcome.archive_key() {
                Box::pin(self.index(copy, MisfiledPhotos::Move)).await?;
            }
        }
        Ok(())
    }

    /// Writes the part of an archived sidecar to the item of its photo. If there is no item, writes one
    /// with only this part. No list shows it, and a photo that comes later uses it.
    pub(super) async fn index_sidecar(
        &self,
        key: &ArchiveKey,
        kind: SidecarKind,
        properties: &ObjectProperties,
        head: Bytes,
        before: Option<PhotoItem>,
    ) -> Result<Attempt<IndexedFile>, IngestError> {
        let (sidecar, labels) = match kind.format() {
            None => (None, FileLabels::default()),
            Some(format) => {
                let read = self.read_sidecar(key.object(), properties, head, format);
                let Some(SidecarExtraction {
                    metadata, labels, ..
                }) = read.await?
                else {
                    return Ok(Attempt::Retry);
                };
                (Some(metadata), labels)
            }
        };
        let file = self.describe_file(key, properties, None).await?;
        let mut item = before
            .clone()
            .unwrap_or_else(|| PhotoItem::stub(key.stem()));
        let part = PhotoPart {
            mime: kind.mime(key.part()).to_owned(),
            sidecar,
            labels: Some(labels),
            ..file.into_part(key, properties)
        };
        item.parts.insert(key.part().to_owned(), part);
        self.write_file(key, properties, before, item, AddedFile::Sidecar)
            .await
    }

    /// Reads a sidecar, and extracts its metadata. Reads at most [`MAX_SIDECAR_BYTES`]. Returns `None` if
    /// the file has changed since the caller read its properties.
    async fn read_sidecar(
        &self,
        object: &ObjectRef,
        properties: &ObjectProperties,
        head: Bytes,
        format: SidecarFormat,
    ) -> Result<Option<SidecarExtraction>, IngestError> {
        // One more byte shows that the file is too large.
        let end = properties.size_bytes.min(MAX_SIDECAR_BYTES + 1);
        let mut bytes = BytesMut::from(head);
        let start = bytes.len() as u64;
        if start < end {
            let rest = self
                .storage
                .read_range(object, start..end, &properties.etag);
            match rest.await? {
                Some(rest) => bytes.extend_from_slice(&rest),
                None => return Ok(None),
            }
        }
        let latest = (self.clock)().naive_utc() + TimeDelta::days(1);
        let extract = move || extract_sidecar(&bytes, format, latest);
        Ok(Some(self.extractions.run(extract).await))
    }

    /// Moves the sidecars at a stem without a photo to the photo that was there. Its files have moved to
    /// another day, or a person has renamed them. A sidecar stays if the other photo has a sidecar of
    /// the same name, or if a person put it there. A repeat is safe.
    pub(super) async fn follow_photo(&self, stem: &str) -> Result<(), IngestError> {
        let moved = retry(MAX_ROUNDS, || Box::pin(self.follow_photo_once(stem)));
        moved.await?.ok_or_else(|| IngestError::Busy {
            id: PhotoId::from_stem(stem).to_string(),
        })
    }

    async fn follow_photo_once(&self, stem: &str) -> Result<Attempt<()>, IngestError> {
        let item = self.catalogue.item(&PhotoId::from_stem(stem)).await?;
        let Some(item) = item.filter(has_lost_its_photo) else {
            return Ok(Attempt::Done(()));
        };
        let kin = self.kin_of(&item).await?;
        // A person may have copied the photo. The sidecars go to the nearest copy that has none.
        for photo in kin.iter().filter(|photo| has_photo_of(photo, &item)) {
            let moves = self.plan_sidecar_moves(&item, photo).await?;
            if !moves.is_empty() {
                return self.move_parts(&item, &photo.stem, &moves).await;
            }
        }
        Ok(Attempt::Done(()))
    }

    /// Plans to move the archived sidecars of an item to a photo. Leaves out those whose name is used
    /// there.
    async fn plan_sidecar_moves(
        &self,
        item: &PhotoItem,
        photo: &PhotoItem,
    ) -> Result<Vec<PartMove>, IngestError> {
        let mut moves = Vec::new();
        let mut photos = photo.live_photo_parts();
        let base = photos.find_map(|(_, part)| self.layout.archive_key(&part.key));
        let Some(base) = base else {
            return Ok(moves);
        };
        for (name, part) in item.live_sidecars().filter(|(_, part)| part.is_live_copy()) {
            let to = base.with_part(name);
            let planned = self.plan_part_move(part, to, OldFile::Delete);
            let Some(planned) = planned else { continue };
            if !self.has_other_file(std::slice::from_ref(&planned)).await? {
                moves.push(planned);
            }
        }
        Ok(moves)
    }

    /// Moves the sidecars that were left at the kin of an item to its photo. A repeat is safe.
    pub(super) async fn bring_sidecars_of_kin(&self, item: &PhotoItem) -> Result<(), IngestError> {
        let kin = self.kin_of(item).await?;
        for kin in kin.iter().filter(|kin| has_lost_its_photo(kin)) {
            self.follow_photo(&kin.stem).await?;
        }
        Ok(())
    }

    /// Reads the kin of an item, their kin, and so on: at most a hundred items, the nearest first.
    async fn kin_of(&self, item: &PhotoItem) -> Result<Vec<PhotoItem>, IngestError> {
        let mut found = Vec::new();
        let mut visited = BTreeSet::from([item.stem.clone()]);
        let mut left: VecDeque<String> = item.kin.iter().cloned().collect();
        while let Some(stem) = left.pop_front() {
            if found.len() >= MAX_BATCH_KEYS || !visited.insert(stem.clone()) {
                continue;
            }
            if let Some(kin) = self.catalogue.item(&PhotoId::from_stem(&stem)).await? {
                left.extend(kin.kin.iter().cloned());
                found.push(kin);
            }
        }
        Ok(found)
    }
}

/// Reports whether a photo shows the shot that was at the stem of `item`: one of its files was there, or
/// it is the copy of an edit and the evidence of both has common bytes. A photo with other bytes does not
/// count, because a person may have put it there.
fn has_photo_of(photo: &PhotoItem, item: &PhotoItem) -> bool {
    let (known, others) = (item.known_evidence(), photo.known_evidence());
    let have_common = others.iter().any(|entry| known.has(&entry.content));
    let mut live = photo.live_photo_parts();
    live.any(|(_, part)| {
        let was_there = part.content_id().is_some_and(|content| known.has(&content));
        was_there || part.is_live_copy() && have_common
    })
}

/// Reports whether the record of a sidecar has another date or camera than all evidence of a photo. Equal
/// times may differ by two seconds, as in [`crate::identity`].
fn shows_other_shot(record: &PhotoRecord, evidence: &EvidenceList) -> bool {
    let taken = record.capture.metadata_second();
    let times: Vec<NaiveDateTime> = evidence.iter().filter_map(|entry| entry.taken).collect();
    let has_other_time = taken.is_some_and(|taken| {
        let is_far = |time: &NaiveDateTime| (*time - taken).abs() > NEAR_SECONDS;
        !times.is_empty() && times.iter().all(is_far)
    });
    let model = record
        .camera
        .as_ref()
        .and_then(|camera| camera.model.as_deref());
    let models: Vec<&str> = evidence
        .iter()
        .filter_map(|entry| entry.model.as_deref())
        .collect();
    let has_other_model = model.is_some_and(|model| {
        let is_other = |known: &&str| !known.trim().eq_ignore_ascii_case(model.trim());
        !models.is_empty() && models.iter().all(is_other)
    });
    has_other_time || has_other_model
}

/// Reports whether an item has sidecars that ingest has archived, but no photo any more, and kin that
/// may have the photo.
pub(super) fn has_lost_its_photo(item: &PhotoItem) -> bool {
    let mut sidecars = item.live_sidecars();
    !item.has_live_photo() && !item.kin.is_empty() && sidecars.any(|(_, part)| part.is_live_copy())
}

/// Returns the keys that the photo of a sidecar can have. Other spellings of an extension, such as
/// `Jpg`, are left out.
fn possible_photo_keys(sidecar: &ObjectRef, name: &SidecarName) -> Vec<String> {
    let extensions = match &name.photo_extension {
        Some(extension) => vec![extension.to_lowercase(), extension.to_uppercase()],
        None => {
            let known = photo_extensions().iter();
            known
                .flat_map(|extension| [(*extension).to_owned(), extension.to_uppercase()])
                .collect()
        }
    };
    let folder = folder_of(sidecar);
    let mut keys = Vec::new();
    for base in name_forms(&name.base) {
        let named = extensions.iter();
        keys.extend(named.map(|extension| format!("{folder}{base}.{extension}")));
        if name.photo_extension.is_none() {
            keys.push(format!("{folder}{base}"));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Returns the forms of a name that differ only in Unicode: unchanged, NFC and NFD.
fn name_forms(name: &str) -> Vec<String> {
    let composed = compose_letters(name).into_owned();
    let mut forms = vec![
        name.to_owned(),
        composed,
        decompose_letters(name).into_owned(),
    ];
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Returns the key of the folder of an object, with a slash at its end.
fn folder_of(object: &ObjectRef) -> &str {
    &object.key[..object.key.len() - object.file_name().len()]
}
