//! Sigma X3F (the layout is publicly described): a directory at the file's end names the sections; PROP holds the
//! camera's own properties, an IMA2 of format 18 a JPEG with Exif.

use chrono::DateTime;

use super::found::Found;
use super::sparse::View;
use super::tiff::Order;
use super::{jpeg, limits, text};
use crate::capture_time::DateSource;
use crate::record::EmbeddedPreview;

/// What the X3F holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    let sized = view
        .le32(4)
        .is_some_and(|version| (0x0002_0000..0x0004_0000).contains(&version));
    let size = sized
        .then(|| view.le32(28).zip(view.le32(32)))
        .flatten()
        .filter(|size| size.0 > 0 && size.1 > 0);
    let Some(directory) = view
        .len()
        .checked_sub(4)
        .and_then(|at| view.le32(at))
        .map(u64::from)
    else {
        return found.warn("X3F cut short before its directory");
    };
    if view.up_to(directory, 4) != Some(b"SECd") {
        found.warn("X3F cut short before its directory");
        found.size = size;
        return;
    }
    let count = view
        .le32(directory + 8)
        .unwrap_or(0)
        .min(limits::RECORDS as u32);
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
            b"PROP" => properties(section, found),
            b"IMA2" if section.le32(12) == Some(18) && pictures < limits::PICTURES => {
                pictures += 1;
                let picture = section.from(28);
                jpeg::read(picture, found);
                let jpeg_size = found.size.take();
                found.previews.push(EmbeddedPreview {
                    offset: picture.base(),
                    length: picture.len(),
                    width: jpeg_size.map(|s| s.0),
                    height: jpeg_size.map(|s| s.1),
                });
            }
            _ => {}
        }
    }
    found.size = size;
}

/// Pairs of offsets, in UTF-16 units, into the section's text.
fn properties(section: View<'_>, found: &mut Found) {
    let count = u64::from(section.le32(8).unwrap_or(0)).min(limits::RECORDS as u64);
    let text_start = 24 + count * 8;
    let said = |at: u32| {
        let start = text_start.checked_add(u64::from(at).checked_mul(2)?)?;
        text::utf16(section.up_to(start, 512)?, Order::Little)
    };
    for index in 0..count {
        let (Some(name), Some(value)) =
            (section.le32(24 + index * 8), section.le32(28 + index * 8))
        else {
            return;
        };
        let (Some(name), Some(value)) = (said(name), said(value)) else {
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
                // Seconds since 1970 by the camera's clock, which knows no zone.
                let time = value
                    .parse()
                    .ok()
                    .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                found.date = time.map(|time| {
                    (
                        DateSource::X3fTime,
                        time.format("%Y-%m-%dT%H:%M:%S").to_string(),
                    )
                });
                continue;
            }
            _ => continue,
        };
        found.properties.push((property, value));
    }
}
