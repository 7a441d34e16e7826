//! The source of a picture: which bytes of the archive it is made of, and how they are decoded.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use data_encoding::BASE64;
use photo_metadata::TagValue;
use photo_render::{
    EncodedPicture, PictureFormat, PictureOrientation, RenderedPicture, RightsNotice,
    UntaggedColour,
};

use super::PictureRenderer;
use super::picture_files::PictureFile;
use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::object::{Bucket, ObjectRef};
use crate::pictures::{
    ORIGINAL_NAME, OriginalCopies, PictureRecipe, PictureSet, RenditionFile, WantedPictures,
    decoded_format,
};
use crate::storage::{Storage, StorageError};
use crate::strip::{AddedMetadata, Span, StripFormat, StripScanner};

/// The maximum size of a source, in bytes. No camera writes larger pictures in the formats that are
/// decoded whole.
const MAX_SOURCE_BYTES: u64 = 256 << 20;

/// Makes the pictures of one photo from the bytes of its source.
#[derive(Debug)]
pub(super) struct PictureMaker {
    key: String,
    etag: String,
    range: Range<u64>,
    format: PictureFormat,
    orientation: PictureOrientation,
    untagged_colour: UntaggedColour,
    recipe: PictureRecipe,
    rights: RightsNotice,
    /// `true` if the source is the whole file, and the file is a JPEG.
    is_original: bool,
}

/// The result of reading the source.
pub(super) enum PictureBytes {
    /// The bytes of the source.
    Read(Bytes),
    /// The file is gone, or has other bytes than the item describes.
    Changed,
}

impl PictureMaker {
    /// Chooses the source of the pictures that a photo should have.
    ///
    /// # Errors
    /// Returns the reason in one line if no picture can be made of the file.
    pub(super) fn new(item: &PhotoItem, wanted: &WantedPictures) -> Result<Self, String> {
        let part = item.parts.get(&wanted.part);
        let part = part.filter(|part| part.etag == wanted.etag);
        let part = part.ok_or("the file is gone")?;
        let (range, format) = find_source(part)?;
        let bytes = range.end - range.start;
        if bytes > MAX_SOURCE_BYTES {
            return Err(format!(
                "file too large: {bytes} bytes, the limit is {MAX_SOURCE_BYTES}"
            ));
        }
        let record = item.described_record();
        let orientation = item.photo.orientation.map(u16::from);
        let orientation = orientation.and_then(PictureOrientation::from_exif);
        Ok(PictureMaker {
            key: part.key.clone(),
            etag: part.etag.clone(),
            is_original: format == PictureFormat::Jpeg && bytes == part.bytes,
            range,
            format,
            orientation: orientation.unwrap_or_default(),
            untagged_colour: untagged_colour(item),
            recipe: wanted.recipe.clone(),
            rights: RightsNotice {
                copyright: record.copyright,
                creator: record.artist,
                credit: record.credit,
                license_url: record.license_url,
            },
        })
    }

    /// Reads the source in one request.
    pub(super) async fn read(
        &self,
        storage: &Storage,
        archive: &Bucket,
    ) -> Result<PictureBytes, StorageError> {
        let object: ObjectRef = archive.object(&self.key);
        let read = storage
            .read_range(&object, self.range.clone(), &self.etag)
            .await?;
        Ok(read.map_or(PictureBytes::Changed, PictureBytes::Read))
    }

    /// Makes the pictures. Returns them without a token, and their files. Returns the reason in one line
    /// if the picture cannot be made. Needs much processor time, so it must not run on an async worker.
    ///
    /// # Errors
    /// Fails if the renderer cannot work now.
    pub(super) fn render(
        &self,
        bytes: &[u8],
        renderer: &PictureRenderer,
    ) -> io::Result<Result<(PictureSet, Vec<PictureFile>), String>> {
        let picture = EncodedPicture {
            bytes,
            format: self.format,
            orientation: self.orientation,
            untagged_colour: self.untagged_colour,
        };
        let rendered = renderer(&picture, self.recipe.renditions(), &self.rights)?;
        Ok(rendered.map(|rendered| self.picture_set(bytes, rendered)))
    }

    /// Returns the pictures without a token, and their files.
    fn picture_set(
        &self,
        bytes: &[u8],
        rendered: RenderedPicture,
    ) -> (PictureSet, Vec<PictureFile>) {
        let mut set = PictureSet {
            width: rendered.size.width,
            height: rendered.size.height,
            placeholder: BASE64.encode(&rendered.placeholder),
            color: rendered.average_colour.to_string(),
            ..PictureSet::default()
        };
        let mut files = Vec::new();
        for rendition in rendered.renditions {
            let file = RenditionFile {
                width: rendition.size.width,
                height: rendition.size.height,
                bytes: rendition.jpeg.len() as u64,
            };
            files.push(PictureFile {
                name: file.name(),
                jpeg: rendition.jpeg,
            });
            set.files.push(file);
        }
        if let Some(jpeg) = self.strip_original(bytes) {
            set.original = Some(RenditionFile {
                width: set.width,
                height: set.height,
                bytes: jpeg.len() as u64,
            });
            files.push(PictureFile {
                name: ORIGINAL_NAME.to_owned(),
                jpeg,
            });
        }
        (set, files)
    }

    /// Returns a copy of the original without its metadata, if the recipe has one and it can be made.
    fn strip_original(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.recipe.originals() == OriginalCopies::None || !self.is_original {
            return None;
        }
        let mut scanner = StripScanner::new(StripFormat::Jpeg, 0);
        scanner.feed(bytes);
        let edits = scanner.finish(&AddedMetadata::default()).ok()?;
        let mut stripped = Vec::with_capacity(bytes.len());
        for span in edits.slice(0..edits.size_bytes()) {
            match span {
                Span::Kept(range) => {
                    let range =
                        usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
                    stripped.extend_from_slice(bytes.get(range)?);
                }
                Span::Made(made) => stripped.extend_from_slice(&made),
            }
        }
        Some(stripped)
    }
}

/// Returns the bytes of a file that are decoded, and their format: the file itself, or the JPEG that is
/// embedded in it.
fn find_source(part: &PhotoPart) -> Result<(Range<u64>, PictureFormat), String> {
    if let Some(format) = decoded_format(&part.mime) {
        return Ok((0..part.bytes, format));
    }
    let preview = part.preview.as_ref();
    let preview = preview.ok_or_else(|| format!("no JPEG in the file, which is {}", part.mime))?;
    let end = preview.offset.checked_add(preview.length);
    let end = end.filter(|end| *end <= part.bytes);
    let end = end.ok_or("the JPEG in the file is cut off")?;
    Ok((preview.offset..end, PictureFormat::Jpeg))
}

/// Returns the colour space of a picture without an ICC profile. Cameras mark Adobe RGB by the
/// interoperability index `R03` (EXIF 3.0, 4.6.7, and DCF 2.0, optional colour space).
fn untagged_colour(item: &PhotoItem) -> UntaggedColour {
    let index = item
        .exif
        .get("InteropIFD")
        .and_then(|ifd| ifd.get("InteropIndex"));
    match index {
        Some(TagValue::Text(text)) if text.starts_with("R03") => UntaggedColour::AdobeRgb,
        _ => UntaggedColour::Srgb,
    }
}
