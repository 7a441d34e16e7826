//! Looks up tag names by number, and numbers by name. An IFD (image file directory) is a table of
//! tags.

use super::format::PhotoFormat;
use super::tag::{
    EXIF, GPS, PANASONIC_RAW, STRIP_BYTE_COUNTS, STRIP_OFFSETS, THUMBNAIL_LENGTH, THUMBNAIL_OFFSET,
};
use super::tiff::Ifd;

/// The place of a tag: what the names of some tags depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TagPlace {
    pub(crate) ifd: Ifd,
    pub(crate) format: PhotoFormat,
    /// `true` if the strips of the IFD are a JPEG that is a preview.
    pub(crate) is_jpeg_preview: bool,
}

/// Returns ExifTool's name of a tag, or `None` if ExifTool has none.
///
/// IFD0 of a Panasonic RW2 has other tags. The names of four tags depend on the place: those of the
/// offset and the length of an embedded JPEG, and of the strips.
pub(crate) fn tag_name(place: TagPlace, tag: u16) -> Option<&'static str> {
    let is_panasonic = matches!(place.format, PhotoFormat::Rw2 | PhotoFormat::Rwl);
    match (place.ifd, tag) {
        (Ifd::Gps, _) => return find_name(GPS, tag),
        (Ifd::Main(_) | Ifd::Sub(_), THUMBNAIL_OFFSET | THUMBNAIL_LENGTH) => {
            let [offset, length] = embedded_jpeg_names(place);
            let is_offset = tag == THUMBNAIL_OFFSET;
            return Some(if is_offset { offset } else { length });
        }
        (Ifd::Main(_) | Ifd::Sub(_), STRIP_OFFSETS | STRIP_BYTE_COUNTS) => {
            let [offset, length] = strip_names(place);
            let is_offset = tag == STRIP_OFFSETS;
            return Some(if is_offset { offset } else { length });
        }
        (Ifd::Main(0), _) if is_panasonic && find_name(PANASONIC_RAW, tag).is_some() => {
            return find_name(PANASONIC_RAW, tag);
        }
        _ => {}
    }
    find_name(EXIF, tag)
}

const THUMBNAIL: [&str; 2] = ["ThumbnailOffset", "ThumbnailLength"];
const PREVIEW: [&str; 2] = ["PreviewImageStart", "PreviewImageLength"];
const JPG_FROM_RAW: [&str; 2] = ["JpgFromRawStart", "JpgFromRawLength"];
const OTHER_IMAGE: [&str; 2] = ["OtherImageStart", "OtherImageLength"];
const STRIPS: [&str; 2] = ["StripOffsets", "StripByteCounts"];

/// Returns the names of the offset and the length of an embedded JPEG (ExifTool, the tag `0x201` in
/// Exif.pm).
fn embedded_jpeg_names(place: TagPlace) -> [&'static str; 2] {
    use PhotoFormat::{Arw, Avif, Cr3, Heic, Heif, Mrw, Nrw, Sr2, WebP};
    match (place.ifd, place.format) {
        (Ifd::Main(1), _) => THUMBNAIL,
        (Ifd::Main(0), Mrw | Nrw | WebP | Heic | Heif | Avif | Cr3) => THUMBNAIL,
        (Ifd::Main(0), Arw | Sr2) => PREVIEW,
        (Ifd::Sub(0) | Ifd::Main(2), _) => JPG_FROM_RAW,
        _ => OTHER_IMAGE,
    }
}

/// Returns the names of the offsets and the lengths of strips (ExifTool, the tag `0x111` in
/// Exif.pm).
fn strip_names(place: TagPlace) -> [&'static str; 2] {
    use PhotoFormat::{BigTiff, Cr2, Dng, Tiff};
    match (place.ifd, place.format) {
        (Ifd::Main(0), Cr2) => PREVIEW,
        (Ifd::Sub(2), Dng | Tiff | BigTiff) if place.is_jpeg_preview => JPG_FROM_RAW,
        (_, Dng | Tiff | BigTiff) if place.is_jpeg_preview => PREVIEW,
        _ => STRIPS,
    }
}

/// Returns the number of the tag with this name. `gps` is `true` for a tag of the GPS IFD, and
/// `false` for a tag of any other IFD. Returns `None` if the name is unknown.
pub(crate) fn tag_number(gps: bool, name: &str) -> Option<u16> {
    let mut table = if gps { GPS } else { EXIF }.iter();
    table.find(|entry| entry.1 == name).map(|entry| entry.0)
}

fn find_name(table: &'static [(u16, &'static str)], tag: u16) -> Option<&'static str> {
    let index = table.binary_search_by_key(&tag, |entry| entry.0).ok()?;
    table.get(index).map(|entry| entry.1)
}
