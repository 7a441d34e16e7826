//! A file of the archive, as a HEAD or a GET of its key shows it: who put it there, and which bytes
//! it has.

use photo_metadata::EXTRACTOR_VERSION;

use crate::archive::ArchiveKey;
use crate::catalogue::item::{LedgerEntry, PartPlacement, PhotoPart};
use crate::identity::ContentId;
use crate::object::ObjectRef;
use crate::storage::{EtagKind, ObjectProperties};

use super::provenance::Provenance;
use super::{Ingest, IngestError};

/// A file of the archive.
#[derive(Debug, Clone)]
pub(super) struct ArchivedFile {
    /// The provenance in the metadata of the file. A file that a person put there has one too, if it
    /// is a copy of a copy that ingest made.
    pub provenance: Option<Provenance>,
    /// Who put the file under this key.
    pub placement: PartPlacement,
    /// The stem that the file was made for, if a person copied or renamed it.
    pub made_for: Option<String>,
    /// The content id of the file.
    pub content: ContentId,
    /// The size of the file, in bytes.
    pub bytes: u64,
}

impl ArchivedFile {
    /// Returns the source object, if ingest put the file under its key.
    pub(super) fn copied_from(&self) -> Option<&ObjectRef> {
        let provenance = self.provenance.as_ref();
        let provenance = provenance.filter(|_| self.placement.is_archived());
        provenance.map(|from| &from.source.object)
    }

    /// Builds the live part of the file, without what its content shows.
    pub(super) fn into_part(self, key: &ArchiveKey, properties: &ObjectProperties) -> PhotoPart {
        let version = properties.version();
        PhotoPart {
            key: key.as_str().to_owned(),
            etag: version.etag,
            last_modified: version.last_modified,
            bytes: properties.size_bytes,
            source: self.provenance.map(|from| from.source),
            placement: self.placement,
            content: Some(self.content),
            extractor_version: EXTRACTOR_VERSION,
            ..PhotoPart::default()
        }
    }
}

impl Ingest {
    /// Describes the file under an archive key, after one HEAD request. `entry` is a ledger entry
    /// that the caller has read. Returns `None` if there is no file.
    pub(super) async fn head_archived_file(
        &self,
        key: &ArchiveKey,
        entry: Option<&LedgerEntry>,
    ) -> Result<Option<ArchivedFile>, IngestError> {
        match self.storage.head_object(key.object()).await? {
            Some(properties) => self.describe_file(key, &properties, entry).await.map(Some),
            None => Ok(None),
        }
    }

    /// Finds out who put the file with these properties under this archive key. Sends a request only
    /// for the copy of an older version of this program, whose metadata do not contain the archive
    /// key: the ledger entry of its source contains it. `entry` is a ledger entry that the caller has
    /// read.
    pub(super) async fn describe_file(
        &self,
        key: &ArchiveKey,
        properties: &ObjectProperties,
        entry: Option<&LedgerEntry>,
    ) -> Result<ArchivedFile, IngestError> {
        let provenance = Provenance::of(properties);
        let target = match &provenance {
            None => None,
            Some(Provenance {
                target: Some(target),
                ..
            }) => Some(self.layout.archive_prefix().join(target)),
            Some(from) => {
                let source = &from.source.object;
                let entry = match entry.filter(|entry| entry.object == *source) {
                    Some(entry) => Some(entry.clone()),
                    None => self.catalogue.ledger_entry(source).await?,
                };
                // The key may have been used for another shot since then.
                let entry = entry.filter(|entry| entry.version.etag == from.source.etag);
                entry.and_then(|entry| entry.archive_key)
            }
        };
        let is_own_key = target.as_deref() == Some(key.as_str());
        let is_intact = provenance
            .as_ref()
            .is_some_and(|from| has_copied_bytes(properties, from));
        let placement = match is_own_key && is_intact {
            true => PartPlacement::Archived,
            false => PartPlacement::ByHand,
        };
        let target = target.and_then(|target| self.layout.archive_key(&target));
        let target = target.map(|target| target.stem().to_owned());
        let content = match &provenance {
            Some(from) if is_intact => from.content_id(properties.size_bytes),
            _ => content_of_etag(key.object(), properties),
        };
        Ok(ArchivedFile {
            made_for: target.filter(|_| !is_own_key),
            provenance,
            placement,
            content,
            bytes: properties.size_bytes,
        })
    }
}

/// Reports whether a file may have the bytes that its provenance describes. A person may have
/// changed the file and kept its metadata. The ETags show this if both are the MD5 of the bytes.
fn has_copied_bytes(properties: &ObjectProperties, from: &Provenance) -> bool {
    let is_plain = |etag: &str| etag.len() == 32 && !etag.contains('-');
    let (here, there) = (&properties.etag, &from.source.etag);
    // The copy of an older version has no content id. The ETag of its source may be no MD5, although
    // it has the form of one.
    let of_md5 = ContentId::of_md5(properties.size_bytes, there);
    let are_md5 = properties.etag_kind == EtagKind::Md5
        && is_plain(here)
        && is_plain(there)
        && from.content.as_ref() == Some(&of_md5);
    !are_md5 || here == there
}

/// Returns the content id of an object from its ETag alone.
pub(super) fn content_of_etag(object: &ObjectRef, properties: &ObjectProperties) -> ContentId {
    match properties.etag_kind {
        EtagKind::Md5 => ContentId::of_md5(properties.size_bytes, &properties.etag),
        EtagKind::Opaque => {
            ContentId::of_version(properties.size_bytes, object, &properties.version())
        }
    }
}
