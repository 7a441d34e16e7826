//! Adds what archived sidecars contain to the items of their photos, and lets sidecars follow a photo that
//! has moved or was renamed.

use std::collections::{BTreeSet, VecDeque};

use bytes::{Bytes, BytesMut};
use chrono::TimeDelta;
use photo_metadata::{
    FileLabels, MAX_SIDECAR_BYTES, SidecarExtraction, SidecarFormat, extract_sidecar,
};

use crate::archive::{ArchiveKey, SidecarKind};
use crate::catalogue::batch::MAX_BATCH_KEYS;
use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::object::ObjectRef;
use crate::photo_id::PhotoId;
use crate::retry::{Attempt, retry};
use crate::storage::ObjectProperties;

use super::index::{AddedFile, IndexedFile};
use super::moving::{OldFile, PartMove};
use super::{Ingest, IngestError, MAX_ROUNDS};

impl Ingest {
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
    pub(super) async fn read_sidecar(
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

/// Reports whether an item has sidecars that ingest has archived, but no photo any more, and kin that
/// may have the photo.
pub(super) fn has_lost_its_photo(item: &PhotoItem) -> bool {
    let mut sidecars = item.live_sidecars();
    !item.has_live_photo() && !item.kin.is_empty() && sidecars.any(|(_, part)| part.is_live_copy())
}
