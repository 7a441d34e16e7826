//! Index: the catalogue's item of an archive key is made to say what is there now. Numbers are those of the protocol
//! in docs/ingest-protocol.md.

use bytes::Bytes;

use crate::archive::{ArchiveKey, KeyPlace, NO_EXTENSION, Owner};
use crate::catalogue::WriteOutcome;
use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::photo_id::PhotoId;
use crate::storage::ObjectProperties;
use photo_metadata::{EXTRACTOR_VERSION, Extraction, HEAD_BYTES};

use super::organise::{Verdict, ledger_entry};
use super::provenance::Provenance;
use super::{Ingest, IngestError, MetadataRead, Outcome, ROUNDS, record, version};

impl Ingest {
    /// Makes the item of this archive key right. Safe to repeat.
    pub(super) async fn index(&self, key: &ArchiveKey) -> Result<Outcome, IngestError> {
        for _ in 0..ROUNDS {
            if let Some(outcome) = self.index_once(key).await? {
                return Ok(outcome);
            }
        }
        let bucket = self.layout.archive_bucket().to_owned();
        Err(IngestError::Contended {
            bucket,
            key: key.as_str().to_owned(),
        })
    }

    /// One round; `None` where copy or item changed meanwhile.
    async fn index_once(&self, key: &ArchiveKey) -> Result<Option<Outcome>, IngestError> {
        let bucket = self.layout.archive_bucket();
        // 1 before 2: what is read of the copy must not be older than the item that it is written over.
        let item = self.catalogue.item(&PhotoId::from_stem(key.stem())).await?;
        let Some((object, head)) = self
            .storage
            .read_head(bucket, key.as_str(), HEAD_BYTES)
            .await?
        else {
            return self.tombstone_part(key, item).await;
        };
        let recorded = item.as_ref().and_then(|item| item.parts.get(key.part()));
        let is_new_to_its_item = item.is_some() && recorded.is_none();
        if recorded.is_some_and(|part| {
            part.version() == Some(version(&object)) && part.extractor_version == EXTRACTOR_VERSION
        }) {
            self.reconcile_with_source(&object).await?;
            return Ok(Some(Outcome::Unchanged));
        }
        let extraction = match self
            .extract(bucket, key.as_str(), &object, head, key.file_name())
            .await?
        {
            MetadataRead::Changed => return Ok(None),
            MetadataRead::Done(Ok(extraction)) => extraction,
            MetadataRead::Done(Err(not_a_photo)) => {
                let entry = ledger_entry(
                    bucket,
                    key.as_str(),
                    &object,
                    Verdict::Skipped(&not_a_photo.reason),
                );
                self.catalogue.put_ledger(&entry).await?;
                if recorded.is_some_and(|part| !part.removed) {
                    return self.tombstone_part(key, item).await;
                }
                return Ok(Some(Outcome::Skipped(not_a_photo.reason)));
            }
        };
        // 3.
        let provenance = Provenance::of(&object);
        let read = item.as_ref().map(|item| item.revision);
        let owner = provenance
            .as_ref()
            .map_or(Owner::FOREIGN, |from| from.owner.as_str());
        let mut item = item.unwrap_or_else(|| PhotoItem::stub(key.stem(), owner));
        let others_live = item
            .parts
            .iter()
            .any(|(name, part)| name != key.part() && !part.removed);
        // A file of somebody else's takes over no name that is held: a first copy of the holder's may be under way, and the
        // upload that comes again must find its name.
        if !others_live && provenance.is_some() {
            item.owner = owner.to_owned();
        }
        item.parts.insert(
            key.part().to_owned(),
            part(key, &object, provenance, &extraction),
        );
        if !self
            .write(item, read, Some((key.part(), extraction)))
            .await?
        {
            return Ok(None);
        }
        // 4. Where there was an item and it knew nothing of this part, the condition on its revision already tells:
        // whoever changed the copy meanwhile has an event, whose handler writes this item (a tombstone at least) before
        // or after us. Where there was no item, a removal leaves no tombstone to tell us by.
        if !is_new_to_its_item {
            let now = self.storage.head(bucket, key.as_str()).await?;
            if now.as_ref().map(version) != Some(version(&object)) {
                return Ok(None);
            }
        }
        self.reconcile_with_source(&object).await?;
        Ok(Some(Outcome::Indexed))
    }

    /// 3, where the copy is gone: its part becomes a tombstone, also where there was only a stub.
    async fn tombstone_part(
        &self,
        key: &ArchiveKey,
        item: Option<PhotoItem>,
    ) -> Result<Option<Outcome>, IngestError> {
        let Some(mut item) = item else {
            return Ok(Some(Outcome::Gone));
        };
        if item.parts.get(key.part()).is_some_and(|part| part.removed) {
            return Ok(Some(Outcome::Gone));
        }
        let tombstone = PhotoPart {
            key: key.as_str().to_owned(),
            removed: true,
            ..PhotoPart::default()
        };
        item.parts.insert(key.part().to_owned(), tombstone);
        let read = item.revision;
        if !self.write(item, Some(read), None).await? {
            return Ok(None);
        }
        // 4.
        let gone = self
            .storage
            .head(self.layout.archive_bucket(), key.as_str())
            .await?
            .is_none();
        Ok(gone.then_some(Outcome::Removed))
    }

    /// Records of a name that was claimed that nothing came: a tombstone, which makes whoever is still at work on it look
    /// again. The claim stays its owner's, since a copy may land late. `false` where it is no stub. Safe to repeat.
    ///
    /// # Errors
    /// The table; [`IngestError::Busy`] where others keep changing it.
    pub async fn tombstone_stub(&self, stem: &str) -> Result<bool, IngestError> {
        let id = PhotoId::from_stem(stem);
        for _ in 0..ROUNDS {
            let item = self.catalogue.item(&id).await?;
            let Some(mut item) = item.filter(|item| item.parts.is_empty()) else {
                return Ok(false);
            };
            let tombstone = PhotoPart {
                key: format!("{}{stem}", self.layout.archive_prefix()),
                removed: true,
                ..PhotoPart::default()
            };
            item.parts.insert(NO_EXTENSION.to_owned(), tombstone);
            let read = item.revision;
            if self.write(item, Some(read), None).await? {
                return Ok(true);
            }
        }
        Err(IngestError::Busy { id: id.to_string() })
    }

    /// Derives the record anew from the parts and writes it; `false` where the item changed meanwhile.
    async fn write(
        &self,
        mut item: PhotoItem,
        read: Option<u64>,
        fresh: Option<(&str, Extraction)>,
    ) -> Result<bool, IngestError> {
        item.revision = read.unwrap_or_default() + 1;
        match record::primary(&item) {
            None => record::clear(&mut item),
            Some(primary) => match fresh {
                Some((part, extraction)) if part == primary => {
                    record::derive(&mut item, &primary, extraction)
                }
                _ if record::is_derived_from(&item, &primary) => {}
                // Where it is changing under us, its own event will say how, and until then the item keeps the record that
                // it has: waiting would leave two parts that were removed together waiting for each other.
                _ => {
                    if let Some(extraction) = self.extract_part(&item, &primary).await? {
                        record::derive(&mut item, &primary, extraction);
                    }
                }
            },
        }
        record::finish(&mut item, &self.privacy);
        if let Some(year) = &item.index.date_partition {
            self.ensure_date_partition(year).await?;
        }
        Ok(self.catalogue.put(&item, read).await? == WriteOutcome::Written)
    }

    async fn extract_part(
        &self,
        item: &PhotoItem,
        name: &str,
    ) -> Result<Option<Extraction>, IngestError> {
        let bucket = self.layout.archive_bucket();
        let Some(part) = item.parts.get(name) else {
            return Ok(None);
        };
        let Some(key) = self.layout.archive_key(&part.key) else {
            return Ok(None);
        };
        let read: Option<(ObjectProperties, Bytes)> = self
            .storage
            .read_head(bucket, &part.key, HEAD_BYTES)
            .await?;
        let Some((object, head)) = read.filter(|(object, _)| object.etag == part.etag) else {
            return Ok(None);
        };
        match self
            .extract(bucket, &part.key, &object, head, key.file_name())
            .await?
        {
            MetadataRead::Done(Ok(extraction)) => Ok(Some(extraction)),
            MetadataRead::Done(Err(_)) | MetadataRead::Changed => Ok(None),
        }
    }

    /// 5: where the source holds other bytes than the copy came from, a copy that landed late has undone an edit:
    /// organise that source.
    async fn reconcile_with_source(&self, copy: &ObjectProperties) -> Result<(), IngestError> {
        let Some(from) = Provenance::of(copy) else {
            return Ok(());
        };
        let Some(KeyPlace::Source(source)) =
            self.layout.place(&from.source.bucket, &from.source.key)
        else {
            return Ok(());
        };
        match self
            .storage
            .head(&from.source.bucket, &from.source.key)
            .await?
        {
            Some(object) if object.etag != from.source.etag => {
                self.organise(&source).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

fn part(
    key: &ArchiveKey,
    object: &ObjectProperties,
    from: Option<Provenance>,
    extraction: &Extraction,
) -> PhotoPart {
    let bytes = version(object);
    PhotoPart {
        key: key.as_str().to_owned(),
        etag: bytes.etag,
        last_modified: bytes.last_modified,
        bytes: object.size_bytes,
        mime: extraction.format.mime().to_owned(),
        width: extraction.photo.record.width,
        height: extraction.photo.record.height,
        source: from.map(|from| from.source),
        preview: extraction.preview,
        extractor_version: EXTRACTOR_VERSION,
        removed: false,
    }
}
