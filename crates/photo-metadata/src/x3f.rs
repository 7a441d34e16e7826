//! Sigma X3F, whose layout is publicly described. A directory at the end of the file lists its
//! sections. The section PROP contains the properties of the camera. A section IMA2 of format 18 is
//! a JPEG with EXIF.

use chrono::DateTime;

use super::blocks::MetadataBlocks;
use super::sparse::ByteView;
use super::text::decode_utf16;
use super::tiff::ByteOrder;
use super::{jpeg, limits};
use crate::capture_time::DateSource;
use crate::record::EmbeddedPreview;

/// The versions of the format X3F whose header contains the size of the picture.
const VERSIONS_WITH_SIZE: std::ops::Range<u32> = 0x0002_0000..0x0004_0000;

/// Finds the metadata blocks of an X3F, and adds them to `blocks`.
pub(crate) fn read_x3f(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let has_size = view
        .le32(4)
        .is_some_and(|version| VERSIONS_WITH_SIZE.contains(&version));
    let size = has_size
        .then(|| view.le32(28).zip(view.le32(32)))
        .flatten()
        .filter(|size| size.0 > 0 && size.1 > 0);
    let Some(directory) = view
        .len()
        .checked_sub(4)
        .and_then(|at| view.le32(at))
        .map(u64::from)
    else {
        return blocks.warn("X3F cut short before its directory");
    };
    if view.up_to(directory, 4) != Some(b"SECd") {
        blocks.warn("X3F cut short before its directory");
        blocks.size = size;
        return;
    }
    let count = view
        .le32(directory + 8)
        .unwrap_or(0)
        .min(limits::MAX_RECORDS as u32);
    let mut pictures = 0;
    for index in 0..u64::from(count) {
        let at = directory + 12 + index * 12;
        let (Some(start), Some(length), Some(kind)) =
            (view.le32(at), view.le32(at + 4), view.array::<4>(at + 8))
        else {
            break;
        };
        let section = view.part(u64::from(start), u64::from(length));
        match &kind {
            b"PROP" => read_properties(section, blocks),
            b"IMA2" if section.le32(12) == Some(18) && pictures < limits::MAX_X3F_PICTURES => {
                pictures += 1;
                let picture = section.from(28);
                jpeg::read_jpeg(picture, blocks);
                let jpeg_size = blocks.size.take();
                blocks.previews.push(EmbeddedPreview {
                    offset: picture.base(),
                    length: picture.len(),
                    width: jpeg_size.map(|s| s.0),
                    height: jpeg_size.map(|s| s.1),
                });
            }
            _ => {}
        }
    }
    blocks.size = size;
}

/// Reads the properties in the section PROP. A property is a pair of offsets: one of its name and
/// one of its value. The offsets are positions in the text of the section, in UTF-16 units of two
/// bytes.
fn read_properties(section: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let count = u64::from(section.le32(8).unwrap_or(0)).min(limits::MAX_RECORDS as u64);
    let text_start = 24 + count * 8;
    let text_at = |at: u32| {
        let start = text_start.checked_add(u64::from(at).checked_mul(2)?)?;
        decode_utf16(section.up_to(start, 512)?, ByteOrder::Little)
    };
    for index in 0..count {
        let (Some(name), Some(value)) =
            (section.le32(24 + index * 8), section.le32(28 + index * 8))
        else {
            return;
        };
        let (Some(name), Some(value)) = (text_at(name), text_at(value)) else {
            continue;
        };
        let property = match name.as_str() {
            "CAMMANUF" => "tiff:Make",
            "CAMMODEL" => "tiff:Model",
            "CAMSERIAL" => "aux:SerialNumber",
            "APERTURE" => "exif:FNumber",
            "SHUTTER" => "exif:ExposureTime",
            "ISO" => "exif:ISOSpeedRatings",
            "FLENGTH" => "exif:FocalLength",
            "FLEQ35MM" => "exif:FocalLengthIn35mmFilm",
            "EXPCOMP" => "exif:ExposureBiasValue",
            "TIME" => {
                // Seconds since 1970 by the camera's clock, without a time zone.
                let time = value
                    .parse()
                    .ok()
                    .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                blocks.date = time.map(|time| {
                    (
                        DateSource::X3fTime,
                        time.format("%Y-%m-%dT%H:%M:%S").to_string(),
                    )
                });
                continue;
            }
            _ => continue,
        };
        blocks.properties.push((property, value));
    }
}
