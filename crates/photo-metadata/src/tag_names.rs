//! Looks up tag names by number, and numbers by name. An IFD (image file directory) is a table of
//! tags.

use super::tag::{EXIF, GPS, PANASONIC_RAW, THUMBNAIL_LENGTH, THUMBNAIL_OFFSET};
use super::tiff::Ifd;

/// Returns ExifTool's name of a tag, or `None` if ExifTool has none. `panasonic_raw` is `true` for
/// a Panasonic RW2, whose IFD0 has other tags.
///
/// The names of two tags depend on the IFD: those of the offset and the length of an embedded JPEG.
pub(crate) fn tag_name(ifd: Ifd, tag: u16, panasonic_raw: bool) -> Option<&'static str> {
    match (ifd, tag) {
        (Ifd::Gps, _) => return find_name(GPS, tag),
        (Ifd::Main(0), THUMBNAIL_OFFSET) => return Some("PreviewImageStart"),
        (Ifd::Main(0), THUMBNAIL_LENGTH) => return Some("PreviewImageLength"),
        (Ifd::Sub(_), THUMBNAIL_OFFSET) => return Some("JpgFromRawStart"),
        (Ifd::Sub(_), THUMBNAIL_LENGTH) => return Some("JpgFromRawLength"),
        (Ifd::Main(0), _) if panasonic_raw && find_name(PANASONIC_RAW, tag).is_some() => {
            return find_name(PANASONIC_RAW, tag);
        }
        _ => {}
    }
    find_name(EXIF, tag)
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
