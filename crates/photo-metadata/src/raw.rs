//! RAW files that wrap a TIFF: Fujifilm RAF and Minolta MRW, and the JPEG inside a Panasonic RW2.
//! Sensor data are not read.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::field_value::whole_number;
use super::sparse::ByteView;
use super::tag::{self, raf};
use super::tiff::{Ifd, IfdFields};
use super::{jpeg, limits};
use crate::record::EmbeddedPreview;

/// Finds the metadata blocks and the size of a RAF, and adds them to `blocks`. The metadata blocks
/// are in a JPEG whose offset is at byte 84. The size of the picture is in a directory whose offset
/// is at byte 92.
pub(crate) fn read_raf(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let (Some(start), Some(length)) = (view.be32(84), view.be32(88)) else {
        return blocks.warn("RAF cut short in its header");
    };
    let picture = view.part(u64::from(start), u64::from(length));
    jpeg::read_jpeg(picture, blocks);
    let size = blocks.size.take();
    blocks.previews.push(EmbeddedPreview {
        offset: picture.base(),
        length: picture.len(),
        width: size.map(|s| s.0),
        height: size.map(|s| s.1),
    });
    blocks.size = view
        .be32(92)
        .and_then(|directory| read_raf_size(view.from(u64::from(directory))));
}

/// Returns the width and height in the directory of a RAF: the cropped size if there is one, or
/// else the size of the image or of the sensor.
fn read_raf_size(directory: ByteView<'_>) -> Option<(u32, u32)> {
    let mut at = 4_u64;
    let mut sizes = [None; 3];
    for _ in 0..directory.be32(0)?.min(limits::MAX_RECORDS as u32) {
        let (tag, length) = (directory.be16(at)?, directory.be16(at + 2)?);
        let slot = match tag {
            raf::RAW_IMAGE_CROPPED_SIZE => 0,
            raf::RAW_IMAGE_SIZE => 1,
            raf::RAW_IMAGE_FULL_SIZE => 2,
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

/// Finds the metadata blocks and the size of an MRW, and adds them to `blocks`. The file consists
/// of blocks with a name and a length. The block TTW is a TIFF structure, and the block PRD
/// contains the size.
pub(crate) fn read_mrw(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let Some(end) = view.be32(4).map(|length| u64::from(length) + 8) else {
        return blocks.warn("MRW cut short in its header");
    };
    let mut at = 8_u64;
    for _ in 0..limits::MAX_SEGMENTS {
        if at >= end {
            return;
        }
        let (Some(kind), Some(length)) = (view.array::<4>(at), view.be32(at + 4)) else {
            return blocks.warn("MRW cut short before its image");
        };
        let body = view.part(at + 8, u64::from(length));
        match &kind {
            b"\0TTW" => blocks.tiffs.push(MetadataBlock::of_view(body)),
            b"\0PRD" => {
                blocks.size = body
                    .be16(14)
                    .zip(body.be16(12))
                    .map(|(w, h)| (u32::from(w), u32::from(h)))
            }
            _ => {}
        }
        at = at.saturating_add(8 + u64::from(length));
    }
}

/// Finds the metadata blocks of the JPEG inside an RW2, and adds them to `blocks`. Sets the size of
/// the picture to the size of the area between the borders of the sensor.
pub(crate) fn read_rw2_jpeg(fields: &IfdFields<'_>, blocks: &mut MetadataBlocks) {
    let number = |tag| {
        fields
            .get(Ifd::Main(0), tag)
            .and_then(|field| whole_number(field, 0))
    };
    let span = |from, to| {
        number(to)?
            .checked_sub(number(from)?)
            .filter(|&span| span > 0)
    };
    blocks.size = span(tag::SENSOR_LEFT_BORDER, tag::SENSOR_RIGHT_BORDER)
        .zip(span(tag::SENSOR_TOP_BORDER, tag::SENSOR_BOTTOM_BORDER))
        .or_else(|| number(tag::SENSOR_WIDTH).zip(number(tag::SENSOR_HEIGHT)));
    if let Some(field) = fields.get(Ifd::Main(0), tag::JPG_FROM_RAW) {
        let size = blocks.size;
        jpeg::read_jpeg(field.view.part(field.offset, field.size), blocks);
        blocks.size = size;
    }
}
