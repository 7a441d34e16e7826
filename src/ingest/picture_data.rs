//! Compares the picture data of two files, without their metadata.

use photo_metadata::{BEGINNING_BYTES, PictureData};

use crate::catalogue::item::PhotoPart;
use crate::identity::PictureRelation;
use crate::object::ObjectRef;

use super::extract::MetadataRead;
use super::{Ingest, IngestError};

/// The number of bytes of the picture data that are compared.
pub const COMPARED_BYTES: u64 = 16 << 10;

impl Ingest {
    /// Compares the picture data of an upload with those of an archived file: their length and their
    /// first 16 KiB. `source` is the upload with its ETag. Reads one range of each file. A part that
    /// an older version of this program wrote does not record the place of its picture data, so its
    /// file is read first. Returns [`PictureRelation::Unknown`] if a file has changed.
    pub(super) async fn compare_pictures(
        &self,
        source: (&ObjectRef, &str),
        picture: PictureData,
        part: &PhotoPart,
    ) -> Result<PictureRelation, IngestError> {
        let archived = self.layout.archive_bucket().object(&part.key);
        let other = match part.picture {
            Some(other) => Some(other),
            None => self.find_picture_data(&archived, &part.etag).await?,
        };
        let length = picture.length;
        let Some(other) = other.filter(|other| other.length == length) else {
            return Ok(PictureRelation::Other);
        };
        let range = |picture: PictureData| {
            let end = picture.offset + length.min(COMPARED_BYTES);
            picture.offset..end
        };
        let (object, etag) = source;
        let (here, there) = tokio::join!(
            self.storage.read_range(object, range(picture), etag),
            self.storage.read_range(&archived, range(other), &part.etag)
        );
        Ok(match (here?, there?) {
            (Some(here), Some(there)) if here == there => PictureRelation::Equal,
            (Some(_), Some(_)) => PictureRelation::Other,
            _ => PictureRelation::Unknown,
        })
    }

    /// Reads the place of the picture data in a file, if the file still has this ETag.
    async fn find_picture_data(
        &self,
        object: &ObjectRef,
        etag: &str,
    ) -> Result<Option<PictureData>, IngestError> {
        let read = self.storage.read_beginning(object, BEGINNING_BYTES).await?;
        let Some((properties, head)) = read.filter(|(now, _)| now.etag == etag) else {
            return Ok(None);
        };
        Ok(match self.extract(object, &properties, head).await? {
            MetadataRead::Done(Ok(extraction)) => extraction.picture,
            MetadataRead::Done(Err(_)) | MetadataRead::Changed => None,
        })
    }
}
