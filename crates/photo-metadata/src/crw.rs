//! Canon CRW (CIFF 1.0 revision 4): heaps inside heaps, each with its directory at its end. A handful of records is taken
//! out; there is no EXIF.

use chrono::DateTime;

use super::found::Found;
use super::limits;
use super::sparse::View;
use super::text;
use crate::capture_time::DateSource;
use crate::record::EmbeddedPreview;

/// What the CRW holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    let mut records = limits::RECORDS;
    match view.le32(2) {
        Some(header) if heap(view.from(u64::from(header)), 0, &mut records, found).is_some() => {}
        _ => found.warn("CRW cut short before its directory"),
    }
}

/// `left` counts the records of all heaps together: a heap may hold itself.
fn heap(heap: View<'_>, depth: u8, left: &mut usize, found: &mut Found) -> Option<()> {
    if depth > limits::DEPTH {
        return None;
    }
    let directory = u64::from(heap.le32(heap.len().checked_sub(4)?)?);
    let count = heap.le16(directory)?;
    for index in 0..u64::from(count) {
        *left = left.checked_sub(1)?;
        let at = directory + 2 + index * 10;
        let tag = heap.le16(at)?;
        // Bits 14 and 15: the value stands in the entry itself (8 bytes), or in the heap.
        let value = match tag >> 14 {
            0 => heap.part(u64::from(heap.le32(at + 6)?), u64::from(heap.le32(at + 2)?)),
            1 => heap.part(at + 2, 8),
            _ => continue,
        };
        match tag & 0x3fff {
            0x2800..=0x37ff => {
                heap_below(value, depth, left, found);
            }
            tag => {
                record(tag, value, found);
            }
        }
    }
    Some(())
}

fn heap_below(value: View<'_>, depth: u8, left: &mut usize, found: &mut Found) {
    if heap(value, depth + 1, left, found).is_none() {
        found.warn("CRW with a broken directory");
    }
}

fn record(tag: u16, value: View<'_>, found: &mut Found) -> Option<()> {
    let float = |at| {
        value
            .le32(at)
            .map(f32::from_bits)
            .filter(|v| v.is_finite())
            .map(f64::from)
    };
    match tag {
        0x080a => {
            let bytes = value.up_to(0, 256)?;
            let mut parts = bytes.split(|&b| b == 0);
            for property in ["tiff:Make", "tiff:Model"] {
                let said = text::clean(&text::decode(parts.next()?))?;
                found.properties.push((property, said));
            }
        }
        0x0810 => {
            let said = text::clean(&text::decode(text::until_nul(value.up_to(0, 256)?)))?;
            found.properties.push(("dc:creator", said));
        }
        0x180b => found
            .properties
            .push(("aux:SerialNumber", value.le32(0)?.to_string())),
        0x180e => {
            // By the camera's clock.
            let time = DateTime::from_timestamp(i64::from(value.le32(0)?), 0)?;
            found.date = Some((
                DateSource::CrwTimeStamp,
                time.format("%Y-%m-%dT%H:%M:%S").to_string(),
            ));
        }
        0x1810 => {
            found.size = value.le32(0).zip(value.le32(4));
            let orientation = match value.le32(12)? {
                0 => "1",
                90 => "6",
                180 => "3",
                270 => "8",
                _ => return None,
            };
            found
                .properties
                .push(("tiff:Orientation", orientation.to_owned()));
        }
        0x1818 => {
            // EV: compensation, shutter, aperture.
            let (bias, time, aperture) = (float(0)?, float(4)?, float(8)?);
            found
                .properties
                .push(("exif:ExposureBiasValue", format!("{bias:.2}")));
            found
                .properties
                .push(("exif:ShutterSpeedValue", time.to_string()));
            found
                .properties
                .push(("exif:ApertureValue", aperture.to_string()));
        }
        0x1029 => found.properties.push((
            "exif:FocalLength",
            value.le16(2).filter(|&f| f > 0)?.to_string(),
        )),
        0x102a => {
            // APEX-like in 32nds: auto ISO times base ISO.
            let auto = (f64::from(value.le16(2)?) / 32.0).exp2() * 100.0;
            let base = (f64::from(value.le16(4)?) / 32.0).exp2() * 100.0 / 32.0;
            let iso = (auto * base / 100.0).round();
            if (1.0..1e6).contains(&iso) {
                found
                    .properties
                    .push(("exif:ISOSpeedRatings", iso.to_string()));
            }
            // Words 21 and 22: aperture and shutter, APEX in 32nds.
            if let (Some(aperture @ 1..), Some(time)) = (value.le16(42), value.le16(44)) {
                found
                    .properties
                    .push(("exif:ApertureValue", canon_ev(aperture).to_string()));
                found
                    .properties
                    .push(("exif:ShutterSpeedValue", canon_ev(time).to_string()));
            }
        }
        0x2007 => {
            let (offset, length) = (value.base(), value.len());
            found.previews.push(EmbeddedPreview {
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

/// Canon's 32nds, in which 12 and 20 stand for a third and two thirds.
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
