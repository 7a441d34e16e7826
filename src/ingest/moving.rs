//! Moving: a photo whose folder is another day than its own is filed again, by the protocol's own steps
//! (docs/ingest-protocol.md, "A photo moves").
//!
//! It is an organise whose source is the archived file: claim, look, copy, ledger; then index. Only when the catalogue
//! holds the new copies does the old one go. Broken off anywhere, it is asked for again and goes on.

use crate::archive::{self, ArchiveKey, ArchiveNameVariant, ArchivePlan, Owner};
use crate::catalogue::Claim;
use crate::catalogue::item::{Overrides, PartSource, PhotoItem, PhotoPart};
use crate::photo_id::PhotoId;
use crate::storage::{CopyOutcome, DeleteOutcome, ObjectProperties};

use super::overrides::update_overrides_if;
use super::provenance::Provenance;
use super::{Ingest, IngestError, ROUNDS};

/// One file of a photo that moves.
struct Move {
    part: PhotoPart,
    /// What it was copied from; itself, where nothing says.
    origin: PartSource,
    to: ArchiveKey,
    there: There,
}

/// What is under a key that a file would move to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    /// Its copy, or one of other bytes of the same source, which index holds to that source.
    Itself,
    /// Any other file.
    Another,
}

impl Ingest {
    /// Files a photo in the folder of its day where its own is another, all its files together, under the first of its
    /// names that is its own or free; what a person has set goes with it. Its new stem; `None` where it stays: it is filed
    /// right, has no day, or is gone.
    ///
    /// Its day is the one that its file says, as for an upload, whatever was set since. Safe to repeat, and at any time at
    /// least one copy of each file is in the archive.
    ///
    /// # Errors
    /// The store or the table; [`IngestError::Busy`] where others keep changing the photo, and
    /// [`IngestError::NoName`].
    pub async fn move_to_capture_day(&self, stem: &str) -> Result<Option<String>, IngestError> {
        let id = PhotoId::from_stem(stem);
        for _ in 0..ROUNDS {
            let item = self.catalogue.item(&id).await?;
            let Some(item) = item.filter(|item| self.is_misfiled(item)) else {
                return Ok(None);
            };
            if let Some(moved) = self.move_photo_once(&item).await? {
                return Ok(Some(moved));
            }
        }
        Err(IngestError::Busy { id: id.to_string() })
    }

    /// One round; `None` where a file changed meanwhile, and the catalogue knows of it by now.
    async fn move_photo_once(&self, item: &PhotoItem) -> Result<Option<String>, IngestError> {
        let bucket = self.layout.archive_bucket();
        let (stem, owner, files) = self.claim_new_name(item).await?;
        // Before a copy is there: an upload that is private is never anything else.
        let overrides = |set: &mut Overrides| *set = set.clone().or(item.overrides.clone());
        let id = PhotoId::from_stem(&stem);
        update_overrides_if(&self.catalogue, &self.privacy, &id, |_| true, overrides).await?;
        for file in &files {
            if file.there == There::Nothing && !self.copy_part(file, &owner).await? {
                self.process_key(bucket, &file.part.key).await?;
                return Ok(None);
            }
        }
        for file in &files {
            if file.part.source.is_some() {
                self.redirect_ledger(file, &owner).await?;
            }
            self.process_key(bucket, file.to.as_str()).await?;
        }
        for file in &files {
            let (key, etag) = (&file.part.key, &file.part.etag);
            if self.there(&file.to, &owner, &file.origin).await? != There::Itself {
                return Ok(None);
            }
            // Looked at first, since a store may ignore the condition.
            let old = self.storage.head(bucket, key).await?;
            if old.is_some_and(|old| old.etag == *etag) {
                let deleted = self.storage.delete_if_match(bucket, key, etag).await?;
                if deleted == DeleteOutcome::Changed {
                    return Ok(None);
                }
            }
            self.process_key(bucket, key).await?;
        }
        Ok(Some(stem))
    }

    /// The first name of its day that is its own or free, for all its files.
    async fn claim_new_name(
        &self,
        item: &PhotoItem,
    ) -> Result<(String, Owner, Vec<Move>), IngestError> {
        let live = || item.parts.iter().filter(|(_, part)| !part.removed);
        let is_primary = |name: &str| {
            let from = item.derived_from.as_ref();
            from.is_some_and(|from| from.part == name)
        };
        let primary = live().find(|(name, _)| is_primary(name));
        let Some((_, primary)) = primary.or_else(|| live().next()) else {
            let id = item.id.clone();
            return Err(IngestError::Busy { id });
        };
        let origin = self.origin(primary);
        let from = (origin.bucket.as_str(), origin.key.as_str());
        let plan = archive::plan_move(&self.layout, from, &origin.etag, &item.photo);
        for name in ArchiveNameVariant::IN_ORDER {
            let first = plan.archive_key(name);
            let claim = self.catalogue.claim(first.stem(), plan.owner.as_str());
            if claim.await? == Claim::Taken {
                continue;
            }
            if let Some(mut files) = self.look_around(item, &plan, &first).await? {
                // The one that the plan rests on goes last: broken off, the next attempt plans the same.
                files.sort_by_key(|file| file.part.key == primary.key);
                return Ok((first.stem().to_owned(), plan.owner, files));
            }
        }
        Err(IngestError::NoName {
            bucket: origin.bucket,
            key: origin.key,
            archive_key: plan
                .archive_key(ArchiveNameVariant::FullSuffix)
                .as_str()
                .to_owned(),
        })
    }

    /// What is under the keys that its files would take beside `first`; `None` where one is somebody else's.
    async fn look_around(
        &self,
        item: &PhotoItem,
        plan: &ArchivePlan,
        first: &ArchiveKey,
    ) -> Result<Option<Vec<Move>>, IngestError> {
        let mut files = Vec::new();
        for part in item.parts.values().filter(|part| !part.removed) {
            let Some(key) = self.layout.archive_key(&part.key) else {
                continue;
            };
            let to = first.with_extension_of(&key);
            let origin = self.origin(part);
            let there = self.there(&to, &plan.owner, &origin).await?;
            if there == There::Another {
                self.release_claim_to_foreign_file(&to, &plan.owner).await?;
                return Ok(None);
            }
            files.push(Move {
                part: part.clone(),
                origin,
                to,
                there,
            });
        }
        Ok(Some(files))
    }

    async fn there(
        &self,
        key: &ArchiveKey,
        owner: &Owner,
        origin: &PartSource,
    ) -> Result<There, IngestError> {
        let bucket = self.layout.archive_bucket();
        let Some(object) = self.storage.head(bucket, key.as_str()).await? else {
            return Ok(There::Nothing);
        };
        let is_of_it = |from: Provenance| {
            let source = (&from.source.bucket, &from.source.key);
            from.owner == owner.as_str() && source == (&origin.bucket, &origin.key)
        };
        Ok(match Provenance::of(&object).is_some_and(is_of_it) {
            true => There::Itself,
            false => There::Another,
        })
    }

    /// Its folder says another day than its file, and all its files are in this archive.
    fn is_misfiled(&self, item: &PhotoItem) -> bool {
        let mut live = item.parts.values().filter(|part| !part.removed);
        item.has_live_parts()
            && live.all(|part| self.layout.archive_key(&part.key).is_some())
            && archive::is_misfiled(&item.stem, item.photo.record.capture.day())
    }

    fn origin(&self, part: &PhotoPart) -> PartSource {
        let itself = || PartSource {
            bucket: self.layout.archive_bucket().to_owned(),
            key: part.key.clone(),
            etag: part.etag.clone(),
        };
        part.source.clone().unwrap_or_else(itself)
    }

    /// The copy, as long as the file holds the bytes that the catalogue knows; `false` where it does not.
    async fn copy_part(&self, file: &Move, owner: &Owner) -> Result<bool, IngestError> {
        let bucket = self.layout.archive_bucket();
        let key = file.part.key.as_str();
        let old: Option<ObjectProperties> = self.storage.head(bucket, key).await?;
        let Some(old) = old.filter(|old| old.etag == file.part.etag) else {
            return Ok(false);
        };
        let modified = Provenance::of(&old).and_then(|from| from.last_modified);
        let provenance = Provenance {
            owner: owner.as_str().to_owned(),
            source: file.origin.clone(),
            last_modified: modified.or(Some(old.last_modified)),
        };
        // What was left out for want of room was left out before.
        let (metadata, _) = provenance.metadata(&old);
        let to = (bucket, file.to.as_str());
        let copied = self.storage.copy((bucket, key), to, &old, &metadata);
        Ok(copied.await? == CopyOutcome::Done)
    }

    /// The ledger knows the upload's bytes under their new key, before the old copy goes: an event of theirs that came
    /// then would take them for removed.
    async fn redirect_ledger(&self, file: &Move, owner: &Owner) -> Result<(), IngestError> {
        let PartSource { bucket, key, etag } = &file.origin;
        let Some(mut entry) = self.catalogue.ledger(bucket, key).await? else {
            return Ok(());
        };
        let is_of_this_copy = entry.version.etag == *etag
            && entry.archive_key.as_deref() == Some(file.part.key.as_str());
        if is_of_this_copy {
            entry.archive_key = Some(file.to.as_str().to_owned());
            entry.owner = Some(owner.as_str().to_owned());
            "archived".clone_into(&mut entry.outcome);
            self.catalogue.amend_ledger(&entry).await?;
        }
        Ok(())
    }
}
