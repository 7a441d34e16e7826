//! Organises sidecars: files that belong to a photo and describe it. A sidecar is copied to the stem of
//! its photo. `sidecar_index.rs` adds what it contains to the item of the photo. A sidecar never has an
//! item of its own.
//!
//! The photo and its sidecars may come in any order and at the same time. Organise records the sidecar
//! under its name, and then lists the uploads with this name. Organise of a photo starts after its upload,
//! and reads the sidecars that are recorded under its name. So at least one of the two finds the other.

use std::collections::BTreeSet;

use crate::archive::{ArchiveKey, KeyPlace, SidecarName, SourceKey, UploadName};
use crate::catalogue::WriteOutcome;
use crate::photo_id::PhotoId;
use crate::retry::{Attempt, retry};
use crate::storage::CopyOutcome;

use super::archived_file::ArchivedFile;
use super::index::MisfiledPhotos;
use super::ledger::{LedgerVerdict, ledger_entry};
use super::organise::{CopyTarget, SourceUpload};
use super::sidecar_photos::{FoundPhoto, PhotoUpload};
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
/// Whether a sidecar can be archived with a photo.
enum SidecarTarget {
    /// The archive key of the sidecar has no file, or an older version of the sidecar.
    Free(ArchiveKey),
    /// The archive key has the bytes of the sidecar already.
    SameBytes(ArchiveKey),
    /// The sidecar cannot be archived with this photo. The text is the reason for the ledger.
    Refused(&'static str),
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
}
