//! Canon CRW (CIFF 1.0 revision 4). A heap is a sequence of records with a directory at its end. A
//! record can be another heap. The file is one heap. It has no EXIF. Only a few records are read.
//! EV and APEX are logarithmic units of exposure.

use chrono::{DateTime, FixedOffset};

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::limits;
use super::sparse::ByteView;
use super::tag::crw;
use super::text::{clean_text, decode_text, until_nul};
use crate::capture_time::DateSource;
use crate::record::EmbeddedPreview;

/// The value of the third number of the record `TimeStamp` if the second number is a time zone.
const ZONE_IS_VALID: u32 = 0x8000_0000;

/// Reads the metadata of a CRW, and adds them to `blocks`.
pub(crate) fn read_crw(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let mut records = limits::MAX_RECORDS;
    match view.le32(2) {
        Some(header)
            if read_heap(view.from(u64::from(header)), 0, &mut records, blocks).is_some() => {}
        _ => blocks.warn("CRW cut short before its directory"),
    }
}

/// Reads a heap, which is a sequence of records with a directory at its end, and the heaps inside
/// this heap. `left` is the number of records that may still be read in all heaps together. This
/// limit is necessary because a broken heap may contain itself. Returns `None` if the directory of
/// the heap is broken or a limit is reached.
fn read_heap(
    heap: ByteView<'_>,
    depth: u8,
    left: &mut usize,
    blocks: &mut MetadataBlocks,
) -> Option<()> {
    if depth > limits::MAX_SUB_IFD_DEPTH {
        return None;
    }
    let directory = u64::from(heap.le32(heap.len().checked_sub(4)?)?);
    let count = heap.le16(directory)?;
    for index in 0..u64::from(count) {
        *left = left.checked_sub(1)?;
        let at = directory + 2 + index * 10;
        let tag = heap.le16(at)?;
        // Bits 14 and 15 are the place of the value: in the heap, or in the entry itself (8 bytes).
        let value = match tag >> 14 {
            0 => heap.part(u64::from(heap.le32(at + 6)?), u64::from(heap.le32(at + 2)?)),
            1 => heap.part(at + 2, 8),
            _ => continue,
        };
        match tag & crw::NUMBER_BITS {
            crw::FIRST_HEAP..=crw::LAST_HEAP => {
                read_inner_heap(value, depth, left, blocks);
            }
            tag => {
                read_record(tag, value, blocks);
            }
        }
    }
    Some(())
}

fn read_inner_heap(value: ByteView<'_>, depth: u8, left: &mut usize, blocks: &mut MetadataBlocks) {
    if read_heap(value, depth + 1, left, blocks).is_none() {
        blocks.warn("CRW with a broken directory");
    }
}

fn read_record(tag: u16, value: ByteView<'_>, blocks: &mut MetadataBlocks) -> Option<()> {
    let float = |at| {
        value
            .le32(at)
            .map(f32::from_bits)
            .filter(|v| v.is_finite())
            .map(f64::from)
    };
    match tag {
        crw::MAKE_MODEL => {
            let bytes = value.up_to(0, 256)?;
            let mut parts = bytes.split(|&b| b == 0);
            for property in ["tiff:Make", "tiff:Model"] {
                let text = clean_text(&decode_text(parts.next()?))?;
                blocks.properties.push((property, text));
            }
        }
        crw::OWNER_NAME => {
            let text = clean_text(&decode_text(until_nul(value.up_to(0, 256)?)))?;
            blocks.properties.push(("dc:creator", text));
        }
        crw::SERIAL_NUMBER | crw::CAMERA_SETTINGS => blocks
            .crw_records
            .push((tag, MetadataBlock::of_view(value))),
        crw::TIME_STAMP => {
            // The time by the camera's clock. An offset in seconds follows, and a bit that shows
            // whether the offset is valid.
            let time = DateTime::from_timestamp(i64::from(value.le32(0)?), 0)?;
            let seconds = value.le32(4).map(u32::cast_signed);
            let offset = seconds
                .filter(|_| value.le32(8) == Some(ZONE_IS_VALID))
                .and_then(FixedOffset::east_opt)
                .map(|offset| offset.to_string());
            let local = time.format("%Y-%m-%dT%H:%M:%S").to_string();
            blocks.date = Some((
                DateSource::CrwTimeStamp,
                local + &offset.unwrap_or_default(),
            ));
        }
        crw::IMAGE_INFO => {
            blocks.size = value.le32(0).zip(value.le32(4));
            let orientation = match value.le32(12)? {
                0 => "1",
                90 => "6",
                180 => "3",
                270 => "8",
                _ => return None,
            };
            blocks
                .properties
                .push(("tiff:Orientation", orientation.to_owned()));
        }
        crw::EXPOSURE_INFO => {
            // Exposure compensation, shutter speed and aperture, in EV.
            let (bias, time, aperture) = (float(0)?, float(4)?, float(8)?);
            blocks
                .properties
                .push(("exif:ExposureBiasValue", format!("{bias:.2}")));
            blocks
                .properties
                .push(("exif:ShutterSpeedValue", time.to_string()));
            blocks
                .properties
                .push(("exif:ApertureValue", aperture.to_string()));
        }
        crw::FOCAL_LENGTH => blocks.properties.push((
            "exif:FocalLength",
            value.le16(2).filter(|&f| f > 0)?.to_string(),
        )),
        crw::SHOT_INFO => read_shot_info(value, blocks)?,
        crw::JPG_FROM_RAW => {
            let (offset, length) = (value.base(), value.len());
            blocks.previews.push(EmbeddedPreview {
                offset,
                length,
                width: None,
                height: None,
            });
        }
        _ => {}
    }
    Some(())
}

/// Reads the record `CanonShotInfo`: the ISO speed, the aperture and the shutter speed.
fn read_shot_info(value: ByteView<'_>, blocks: &mut MetadataBlocks) -> Option<()> {
    // The ISO is auto ISO times base ISO. Both are stored in 32nds of units like those of APEX.
    let auto = (f64::from(value.le16(2)?) / 32.0).exp2() * 100.0;
    let base = (f64::from(value.le16(4)?) / 32.0).exp2() * 100.0 / 32.0;
    let iso = (auto * base / 100.0).round();
    if (1.0..1e6).contains(&iso) {
        blocks
            .properties
            .push(("exif:ISOSpeedRatings", iso.to_string()));
    }
    // Words 21 and 22: aperture and shutter speed, in 32nds of APEX units.
    if let (Some(aperture @ 1..), Some(time)) = (value.le16(42), value.le16(44)) {
        blocks
            .properties
            .push(("exif:ApertureValue", canon_ev(aperture).to_string()));
        blocks
            .properties
            .push(("exif:ShutterSpeedValue", canon_ev(time).to_string()));
    }
    Some(())
}

/// Converts a value in 32nds of an EV (exposure value) to EV. In the value, Canon writes one third
/// of an EV as 12 and two thirds as 20. These give exactly 1/3 and 2/3.
fn canon_ev(raw: u16) -> f64 {
    let value = f64::from(raw.cast_signed());
    let (sign, value) = if value < 0.0 {
        (-1.0, -value)
    } else {
        (1.0, value)
    };
    let fraction = value % 32.0;
    let exact = match fraction as u8 {
        12 => 32.0 / 3.0,
        20 => 64.0 / 3.0,
        _ => fraction,
    };
    sign * (value - fraction + exact) / 32.0
}
