//! Sidecars: files that belong to a photo and describe it. Organise copies a sidecar beside its photo,
//! and index adds what it contains to the item of the photo. A sidecar never has an item of its own.
//!
//! The photo and its sidecars may come in any order and at the same time. Organise writes down that a
//! sidecar waits, and then lists the uploads with its name. Organise of a photo starts after its upload,
//! and reads which sidecars wait. So at least one of the two finds the other.

use std::collections::{BTreeSet, HashMap, VecDeque};

use bytes::{Bytes, BytesMut};
use chrono::TimeDelta;
use futures::TryStreamExt;
use photo_metadata::{
    EXTRACTOR_VERSION, FileLabels, MAX_SIDECAR_BYTES, SidecarExtraction, SidecarFormat,
    SidecarMetadata, extract_sidecar, photo_extensions,
};

use crate::archive::{ArchiveKey, KeyPlace, SidecarKind, SidecarName, SourceKey, UploadName};
use crate::catalogue::WriteOutcome;
use crate::catalogue::batch::MAX_BATCH_KEYS;
use crate::catalogue::item::{LedgerEntry, PartState, PhotoItem, PhotoPart};
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
/// The reason in the ledger entry of a sidecar whose name belongs to a file by hand.
const BY_HAND: &str =
    "a sidecar that is not archived: a person put another file under its archive key";
/// The reason in the ledger entry of a sidecar if another upload is the sidecar of the photo.
const OTHER_UPLOAD: &str = "a sidecar that is not archived: its photo has another sidecar of this name, from another folder";
/// The reason in the ledger entry of a sidecar whose archive key would be too long.
const LONG_NAME: &str = "a sidecar that is not archived: its name is too long";
/// The maximum length of a file name in the archive, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// The formats into which RAW files are exported. If a photo has a RAW file, its sidecar goes to it.
const EXPORTED_SLOTS: [&str; 10] = [
    "avif", "gif", "heic", "jp2", "jpg", "jxl", "png", "psd", "tif", "webp",
];

/// The state of the archive key of a sidecar.
enum SidecarTarget {
    /// The key has no file, or an older version of the sidecar.
    Free,
    /// The key has the bytes of the sidecar already.
    SameBytes,
    /// The key has a file that must stay. The text is the reason for the ledger.
    Taken(&'static str),
}

impl Ingest {
    /// Copies a sidecar beside its photo, and writes its ledger entry. If its photo has not come yet, the
    /// sidecar waits: organise of the photo continues with it. A repeat is safe.
    pub(super) async fn organise_sidecar(
        &self,
        key: &SourceKey,
        name: &SidecarName,
    ) -> Result<Outcome, IngestError> {
        let done = retry(MAX_ROUNDS, || {
            Box::pin(self.organise_sidecar_once(key, name))
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
    ) -> Result<Attempt<Outcome>, IngestError> {
        let object = key.object().clone();
        let photo_name = UploadName::of_sidecar(&object, name);
        let (properties, entry) = tokio::join!(
            self.storage.head_object(&object),
            self.catalogue.ledger_entry(&object)
        );
        let entry = entry?;
        let Some(properties) = properties? else {
            if entry.is_some_and(|entry| entry.copied_to().is_none()) {
                self.catalogue
                    .remove_waiting_sidecar(&photo_name, &object)
                    .await?;
            }
            return Ok(Attempt::Done(Outcome::Gone));
        };
        let upload = SourceUpload {
            content: self.content_id(&object, &properties).await?,
            properties,
            object,
            entry,
        };
        if self.has_part_of(&upload).await? {
            return Ok(Attempt::Done(Outcome::Unchanged));
        }
        // This comes before the listing. A photo that the listing lacks is uploaded later, so organise
        // of that photo finds this record.
        self.catalogue
            .add_waiting_sidecar(&photo_name, &upload.object)
            .await?;
        let Some(photo) = self.find_photo(&upload.object, name, &photo_name).await? else {
            return self.record_waiting(&upload, WAITS).await;
        };
        let Some(target) = self.sidecar_key(&photo, name) else {
            return self.record_waiting(&upload, LONG_NAME).await;
        };
        let must_copy = match self.look_at_target(&upload, &target).await? {
            SidecarTarget::Free => true,
            SidecarTarget::SameBytes => false,
            SidecarTarget::Taken(reason) => return self.record_waiting(&upload, reason).await,
        };
        if self.record_archived(&upload, &target).await? == WriteOutcome::Stale {
            return Ok(Attempt::Retry);
        }
        let copy = CopyTarget::of_own_copy(target.clone(), &upload.object);
        if must_copy && self.copy(&upload, &copy).await? == CopyOutcome::SourceChanged {
            return Ok(Attempt::Retry);
        }
        self.catalogue
            .remove_waiting_sidecar(&photo_name, &upload.object)
            .await?;
        self.delete_source(&upload, &target).await?;
        Ok(Attempt::Done(Outcome::of_copy(target)))
    }

    /// Reports whether an item has, or had, the present bytes of a sidecar under the archive key in its
    /// ledger entry. A sidecar that was removed from the archive is not archived again. If it is still
    /// there, deletes the upload, if the setting is [`SourceAfter::Delete`].
    async fn has_part_of(&self, upload: &SourceUpload) -> Result<bool, IngestError> {
        let archived = upload.entry.as_ref().filter(|_| upload.is_known());
        let archived = archived.and_then(|entry| self.layout.archive_key(entry.copied_to()?));
        let Some(key) = archived else {
            return Ok(false);
        };
        let item = self.catalogue.item(&PhotoId::from_stem(key.stem())).await?;
        let part = item.as_ref().and_then(|item| item.parts.get(key.part()));
        let has_bytes = part.is_some_and(|part| part.content.as_ref() == Some(&upload.content));
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

    /// Finds the archive key of the photo to which a sidecar belongs. Organises the uploads with its name
    /// first, if their present bytes have no ledger entry. Returns `None` if there is no such photo.
    async fn find_photo(
        &self,
        sidecar: &ObjectRef,
        name: &SidecarName,
        photo_name: &UploadName,
    ) -> Result<Option<ArchiveKey>, IngestError> {
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
        if let Some(photo) = self.choose_photo(name, ledger) {
            return Ok(Some(photo));
        }
        // The upload of the photo may be deleted.
        let keys = possible_photo_keys(sidecar, name);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let ledger = self.catalogue.ledger_entries(bucket, &keys).await?;
        Ok(self.choose_photo(name, ledger))
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

    /// Chooses the photo of a sidecar from the ledger entries of the uploads with its name. A RAW file
    /// comes first, because editors write sidecars for RAW files. Then the order of the keys decides.
    fn choose_photo(
        &self,
        name: &SidecarName,
        ledger: HashMap<String, LedgerEntry>,
    ) -> Option<ArchiveKey> {
        let entries = ledger.into_values();
        let photos = entries.filter(|entry| name.describes(entry.object.file_name()));
        let photos = photos.filter_map(|entry| {
            let key = self.layout.archive_key(entry.copied_to()?)?;
            let is_exported = EXPORTED_SLOTS.contains(&key.slot().as_str());
            Some((is_exported, entry.object.key, key))
        });
        let first = photos.min_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        first.map(|(_, _, key)| key)
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

    /// Looks at the archive key of a sidecar.
    async fn look_at_target(
        &self,
        upload: &SourceUpload,
        target: &ArchiveKey,
    ) -> Result<SidecarTarget, IngestError> {
        let there = self.head_archived_file(target, upload.entry.as_ref());
        Ok(match there.await? {
            None => SidecarTarget::Free,
            Some(file) if file.content == upload.content => SidecarTarget::SameBytes,
            Some(file) if !file.placement.is_archived() => SidecarTarget::Taken(BY_HAND),
            Some(file) if self.belongs_to_other_sidecar(&file, upload).await? => {
                SidecarTarget::Taken(OTHER_UPLOAD)
            }
            Some(_) => SidecarTarget::Free,
        })
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

    /// Organises and indexes the sidecars with these keys, which wait for the photo `photo`.
    pub(super) async fn organise_waiting(
        &self,
        photo: &SourceKey,
        keys: impl IntoIterator<Item = String>,
    ) -> Result<(), IngestError> {
        for key in keys {
            let object = photo.object().bucket.object(key);
            let name = SidecarName::parse(object.file_name());
            let (Some(KeyPlace::Source(key)), Some(name)) = (self.layout.place(&object), name)
            else {
                continue;
            };
            if self.skip_reason(key.object()).is_some() {
                continue;
            }
            let outcome = self.organise_sidecar(&key, &name).await?;
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
        let part = sidecar_part(key, kind, properties, file, sidecar, labels);
        item.parts.insert(key.part().to_owned(), part);
        self.write_file(key, properties, before, item, AddedFile::Sidecar)
            .await
    }

    /// Reads a sidecar, and extracts its metadata. Reads at most [`MAX_SIDECAR_BYTES`]. Returns `None` if
    /// the file changed meanwhile.
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
        let Some(photo) = self.find_photo_of_sidecars(&item).await? else {
            return Ok(Attempt::Done(()));
        };
        let mut photos = photo.live_photo_parts();
        let base = photos.find_map(|(_, part)| self.layout.archive_key(&part.key));
        let Some(base) = base else {
            return Ok(Attempt::Done(()));
        };
        let mut moves: Vec<PartMove> = Vec::new();
        for (name, part) in item.live_sidecars().filter(|(_, part)| part.is_live_copy()) {
            let to = base.with_part(name);
            let planned = self.plan_part_move(part, to, OldFile::Delete);
            let Some(planned) = planned else { continue };
            if !self.has_other_file(std::slice::from_ref(&planned)).await? {
                moves.push(planned);
            }
        }
        self.move_parts(&item, &photo.stem, &moves).await
    }

    /// Finds the photo that was at the stem of an item, among its kin and their kin. A photo with other
    /// bytes does not count, because a person may have put it there.
    async fn find_photo_of_sidecars(
        &self,
        item: &PhotoItem,
    ) -> Result<Option<PhotoItem>, IngestError> {
        let mut visited = BTreeSet::from([item.stem.clone()]);
        let mut left: VecDeque<String> = item.kin.iter().cloned().collect();
        while let Some(stem) = left.pop_front() {
            if visited.len() > MAX_BATCH_KEYS || !visited.insert(stem.clone()) {
                continue;
            }
            let Some(kin) = self.catalogue.item(&PhotoId::from_stem(&stem)).await? else {
                continue;
            };
            if has_photo_of(&kin, item) {
                return Ok(Some(kin));
            }
            left.extend(kin.kin.iter().cloned());
        }
        Ok(None)
    }
}

/// Reports whether a photo shows the shot that was at the stem of `item`: one of its files was there, or
/// it is the copy of an edit and the evidence of both has common bytes.
fn has_photo_of(photo: &PhotoItem, item: &PhotoItem) -> bool {
    let (known, others) = (item.known_evidence(), photo.known_evidence());
    let have_common = others.iter().any(|entry| known.has(&entry.content));
    let mut live = photo.live_photo_parts();
    live.any(|(_, part)| {
        let was_there = part.content_id().is_some_and(|content| known.has(&content));
        was_there || part.is_live_copy() && have_common
    })
}

/// Reports whether an item has sidecars that ingest has archived, but no photo any more, and kin that
/// may have the photo.
pub(super) fn has_lost_its_photo(item: &PhotoItem) -> bool {
    let mut sidecars = item.live_sidecars();
    !item.has_live_photo() && !item.kin.is_empty() && sidecars.any(|(_, part)| part.is_live_copy())
}

/// Builds the part of an archived sidecar.
fn sidecar_part(
    key: &ArchiveKey,
    kind: SidecarKind,
    properties: &ObjectProperties,
    file: ArchivedFile,
    sidecar: Option<SidecarMetadata>,
    labels: FileLabels,
) -> PhotoPart {
    let version = properties.version();
    PhotoPart {
        key: key.as_str().to_owned(),
        etag: version.etag,
        last_modified: version.last_modified,
        bytes: properties.size_bytes,
        mime: kind.mime(key.part()).to_owned(),
        source: file.provenance.map(|from| from.source),
        placement: file.placement,
        content: Some(file.content),
        sidecar,
        labels: Some(labels),
        extractor_version: EXTRACTOR_VERSION,
        state: PartState::Live,
        ..PhotoPart::default()
    }
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

/// Returns the forms of a name that differ only in Unicode: as it is, NFC and NFD.
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
