//! Finds the photos to which a sidecar can belong.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use futures::TryStreamExt;
use photo_metadata::{BEGINNING_BYTES, PhotoRecord, photo_extensions};

use crate::archive::{ArchiveKey, KeyPlace, SidecarName, UploadName};
use crate::catalogue::batch::MAX_BATCH_KEYS;
use crate::catalogue::item::LedgerEntry;
use crate::identity::{EvidenceList, NEAR_SECONDS};
use crate::object::ObjectRef;
use crate::photo_id::{PhotoId, compose_letters, decompose_letters};
use crate::storage::ListingEntry;

use super::organise::SourceUpload;
use super::{Ingest, IngestError};

/// The formats into which RAW files are exported. If a photo has a RAW file, its sidecar goes to it.
const EXPORTED_SLOTS: [&str; 10] = [
    "avif", "gif", "heic", "jp2", "jpg", "jxl", "png", "psd", "tif", "webp",
];

/// The photo of a sidecar.
pub(super) struct FoundPhoto {
    pub(super) key: ArchiveKey,
    pub(super) upload: PhotoUpload,
}

/// Whether the source has the upload of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PhotoUpload {
    /// The upload is in the folder of the sidecar.
    Present,
    /// Only the ledger has an entry of it.
    Gone,
}

impl Ingest {
    /// Finds the photos to which a sidecar can belong, the best one first. Usually this is one photo. There
    /// are more if a folder has several shots under one name. Organises the uploads with this name first,
    /// if their present bytes have no ledger entry.
    pub(super) async fn find_photos(
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
    pub(super) async fn contradicts_photo(
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
