//! Width and height of the full picture, as stored, and the previews inside a RAW file.

use super::format::Format;
use super::jpeg;
use super::normalise::{Said, whole};
use super::sparse::View;
use super::tiff::{Fields, Ifd};
use crate::record::EmbeddedPreview;

/// Width and height before orientation. A JPEG's own frame header counts, not what EXIF says of it (editors forget that);
/// of a RAW, the largest image of all its IFDs, as the camera crops it.
pub(crate) fn of(said: &Said<'_, '_>) -> Option<(u32, u32)> {
    let fields = said.fields;
    let exif = pair(fields, Ifd::Exif, 0xa002, 0xa003);
    if said.format.is_raw() {
        return said.size.or_else(|| raw(fields, exif)).or(exif);
    }
    let page = matches!(said.format, Format::Tiff | Format::BigTiff)
        .then(|| pair(fields, Ifd::Main(0), 0x0100, 0x0101));
    said.found
        .size
        .or(page.flatten())
        .or(exif)
        .filter(|size| size.0 > 0 && size.1 > 0)
}

fn raw(fields: &Fields<'_>, exif: Option<(u32, u32)>) -> Option<(u32, u32)> {
    let area = |size: (u32, u32)| u64::from(size.0) * u64::from(size.1);
    let widths = fields
        .list
        .iter()
        .filter(|f| f.tag == 0x0100 && f.ifd != Ifd::Gps);
    let (sensor, ifd) = widths
        .filter_map(|f| Some((pair(fields, f.ifd, 0x0100, 0x0101)?, f.ifd)))
        .max_by_key(|&(size, _)| area(size))
        .unzip();
    // DNG: DefaultCropSize is what a developer makes of the sensor's pixels.
    let crop = ifd
        .and_then(|ifd| fields.get(ifd, 0xc620))
        .and_then(|f| Some((whole(f, 0)?, whole(f, 1)?)));
    let plausible =
        |size: &(u32, u32)| sensor.is_none_or(|sensor| area(*size) * 10 >= area(sensor) * 8);
    crop.filter(plausible).or(exif.filter(plausible)).or(sensor)
}

fn pair(fields: &Fields<'_>, ifd: Ifd, width: u16, height: u16) -> Option<(u32, u32)> {
    let (width, height) = (
        whole(fields.get(ifd, width)?, 0)?,
        whole(fields.get(ifd, height)?, 0)?,
    );
    (width > 0 && height > 0).then_some((width, height))
}

/// The largest embedded JPEG, where the file's bytes say that it is one.
pub(crate) fn preview(
    file: View<'_>,
    fields: &Fields<'_>,
    found: &[EmbeddedPreview],
) -> Option<EmbeddedPreview> {
    let mut candidates = found.to_vec();
    let mut add = |view: View<'_>, offset: Option<u32>, length: Option<u32>| {
        if let (Some(offset), Some(length), true) = (offset, length, view.is_in_file()) {
            let offset = view.base().saturating_add(u64::from(offset));
            candidates.push(EmbeddedPreview {
                offset,
                length: u64::from(length),
                width: None,
                height: None,
            });
        }
    };
    for field in &fields.list {
        let in_same = |tag| fields.get(field.ifd, tag);
        let number = |tag| in_same(tag).and_then(|f| whole(f, 0));
        match field.tag {
            0x0201 => add(field.view, whole(field, 0), number(0x0202)),
            // One strip of baseline JPEG; lossless JPEG of sensor data (colour filter array, linear raw) is none.
            0x0111 if field.count == 1 && matches!(number(0x0103), Some(6 | 7)) => {
                let sensor_data = matches!(number(0x0106), Some(32_803 | 34_892));
                if !sensor_data && (field.ifd == Ifd::Main(0) || number(0x0106).is_some()) {
                    add(field.view, whole(field, 0), number(0x0117));
                }
            }
            // Panasonic RW2's JpgFromRaw: the value is the JPEG.
            0x002e if field.ifd == Ifd::Main(0) => add(
                field.view,
                u32::try_from(field.offset).ok(),
                u32::try_from(field.size).ok(),
            ),
            _ => {}
        }
    }
    candidates.retain(|c| {
        c.length > 4
            && c.offset
                .checked_add(c.length)
                .is_some_and(|end| end <= file.len())
    });
    candidates.sort_by_key(|c| std::cmp::Reverse(c.length));
    candidates.into_iter().take(3).find_map(|candidate| {
        let picture = file.part(candidate.offset, candidate.length);
        let is_jpeg = picture.array::<2>(0)? == [0xff, 0xd8];
        let size = jpeg::size(picture);
        is_jpeg.then_some(EmbeddedPreview {
            width: size.map(|s| s.0),
            height: size.map(|s| s.1),
            ..candidate
        })
    })
}
