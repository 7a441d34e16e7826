//! RAW files that are no TIFF: Fujifilm RAF and Minolta MRW wrap one, Panasonic RW2 has a JPEG with one inside. Sensor
//! data are never looked at.

use super::found::{Found, Part};
use super::sparse::View;
use super::tiff::{Fields, Ifd};
use super::{jpeg, limits, normalise};
use crate::record::EmbeddedPreview;

/// RAF: a JPEG with all metadata, its place at byte 84; the sensor's size in a directory whose place is at byte 92.
pub(crate) fn read_raf(view: View<'_>, found: &mut Found) {
    let (Some(start), Some(length)) = (view.be32(84), view.be32(88)) else {
        return found.warn("RAF cut short in its header");
    };
    let picture = view.part(u64::from(start), u64::from(length));
    jpeg::read(picture, found);
    let size = found.size.take();
    found.previews.push(EmbeddedPreview {
        offset: picture.base(),
        length: picture.len(),
        width: size.map(|s| s.0),
        height: size.map(|s| s.1),
    });
    found.size = view
        .be32(92)
        .and_then(|directory| raf_size(view.from(u64::from(directory))));
}

/// Tag 0x111: the cropped size; 0x121 and 0x100 the sensor's.
fn raf_size(directory: View<'_>) -> Option<(u32, u32)> {
    let mut at = 4_u64;
    let mut sizes = [None; 3];
    for _ in 0..directory.be32(0)?.min(limits::RECORDS as u32) {
        let (tag, length) = (directory.be16(at)?, directory.be16(at + 2)?);
        let slot = match tag {
            0x0111 => 0,
            0x0121 => 1,
            0x0100 => 2,
            _ => 3,
        };
        if let Some(slot) = sizes.get_mut(slot) {
            *slot = directory
                .be16(at + 6)
                .zip(directory.be16(at + 4))
                .map(|(w, h)| (u32::from(w), u32::from(h)));
        }
        at += 4 + u64::from(length);
    }
    sizes
        .into_iter()
        .flatten()
        .find(|size| size.0 > 0 && size.1 > 0)
}

/// MRW: blocks of a name and a length; TTW is the TIFF, PRD has the size.
pub(crate) fn read_mrw(view: View<'_>, found: &mut Found) {
    let Some(end) = view.be32(4).map(|length| u64::from(length) + 8) else {
        return found.warn("MRW cut short in its header");
    };
    let mut at = 8_u64;
    for _ in 0..limits::SEGMENTS {
        if at >= end {
            return;
        }
        let (Some(kind), Some(length)) = (view.array::<4>(at), view.be32(at + 4)) else {
            return found.warn("MRW cut short before its image");
        };
        let body = view.part(at + 8, u64::from(length));
        match &kind {
            b"\0TTW" => found.tiffs.push(Part::of(body)),
            b"\0PRD" => {
                found.size = body
                    .be16(14)
                    .zip(body.be16(12))
                    .map(|(w, h)| (u32::from(w), u32::from(h)))
            }
            _ => {}
        }
        at = at.saturating_add(8 + u64::from(length));
    }
}

/// RW2: the JPEG that tag 0x2e holds, whose Exif adds to the RAW's own; and the size between the sensor's borders.
pub(crate) fn read_rw2(fields: &Fields<'_>, found: &mut Found) {
    let number = |tag| {
        fields
            .get(Ifd::Main(0), tag)
            .and_then(|field| normalise::whole(field, 0))
    };
    let span = |from, to| {
        number(to)?
            .checked_sub(number(from)?)
            .filter(|&span| span > 0)
    };
    found.size = span(5, 7)
        .zip(span(4, 6))
        .or_else(|| number(2).zip(number(3)));
    if let Some(field) = fields.get(Ifd::Main(0), 0x002e) {
        let size = found.size;
        jpeg::read(field.view.part(field.offset, field.size), found);
        found.size = size;
    }
}
