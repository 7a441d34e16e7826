//! JPEG XL (ISO/IEC 18181-2) and JPEG 2000 (ISO/IEC 15444-1 annex I): the boxes `Exif`, `xml ` and `uuid`, and `brob`,
//! which holds one of them under Brotli. Of the codestream only the size header is read.

use std::io::Read;

use super::bmff::{boxes, first};
use super::found::{Found, Part};
use super::heif::tiff_start;
use super::limits;
use super::sparse::View;

/// XMP as a `uuid` box (XMP part 3).
pub(crate) const XMP_UUID: &[u8] =
    b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
const EXIF_UUID: &[u8] = b"JpgTiffExif->JP2";
/// Adobe's.
const EXIF_UUID_2: &[u8] = b"\x05\x37\xcd\xab\x9d\x0c\x44\x31\xa7\x2a\xfa\x56\x1f\x2a\x11\x3e";
const IPTC_UUID: &[u8] = b"\x33\xc7\xa4\xd2\xb8\x1d\x47\x23\xa0\xba\xf1\xa3\xe0\x97\xad\x38";

/// What the JPEG XL or JPEG 2000 file holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    if view.array::<2>(0) == Some([0xff, 0x0a]) {
        found.size = codestream_size(view);
        return;
    }
    let mut cut = true;
    for top in boxes(view) {
        cut = top.cut;
        match &top.kind {
            b"jxlc" => found.size = found.size.or_else(|| codestream_size(top.body)),
            // Four bytes number the parts of a codestream in pieces.
            b"jxlp" => found.size = found.size.or_else(|| codestream_size(top.body.from(4))),
            b"jp2h" => {
                let header = first(top.body, b"ihdr");
                found.size = header.and_then(|ihdr| Some((ihdr.be32(4)?, ihdr.be32(0)?)));
            }
            b"Exif" => exif(top.body, found),
            b"xml " => found.xmp.push(Part::of(top.body)),
            b"brob" => compressed(top.body, found),
            b"uuid" => match top.body.up_to(0, 16) {
                Some(XMP_UUID) => found.xmp.push(Part::of(top.body.from(16))),
                Some(EXIF_UUID | EXIF_UUID_2) => exif_at(top.body.from(16), 0, found),
                Some(IPTC_UUID) => found.iptc.push(Part::of(top.body.from(16))),
                _ => {}
            },
            _ => {}
        }
    }
    if cut {
        found.warn("cut short before its last box");
    }
}

/// Four bytes say where in the rest the TIFF header is.
fn exif(body: View<'_>, found: &mut Found) {
    let Some(start) = body.up_to(0, 64).and_then(tiff_start) else {
        return found.warn("a broken Exif box");
    };
    exif_at(body, start as u64, found);
}

fn exif_at(body: View<'_>, start: u64, found: &mut Found) {
    let prefixed = body.up_to(start, 6) == Some(b"Exif\0\0");
    found.tiffs.push(Part::of(body.from(if prefixed {
        start + 6
    } else {
        start
    })));
}

/// ISO/IEC 18181-2 9.8: the box's own type, then its content under Brotli.
fn compressed(body: View<'_>, found: &mut Found) {
    let Some(kind) = body
        .array::<4>(0)
        .filter(|kind| matches!(kind, b"Exif" | b"xml "))
    else {
        return;
    };
    let Some(bytes) = body.up_to(4, limits::PACKET) else {
        return;
    };
    let mut content = Vec::new();
    let inflated = brotli_decompressor::Decompressor::new(bytes, 4096)
        .take(found.room() + 1)
        .read_to_end(&mut content);
    let fits = content.len() as u64 <= found.room();
    found.memory += content.len() as u64;
    if inflated.is_err() || !fits {
        return found.warn("a compressed metadata box that does not inflate");
    }
    if &kind == b"xml " {
        return found.xmp.push(Part::Memory(content));
    }
    match tiff_start(content.get(..64.min(content.len())).unwrap_or_default()) {
        Some(start) => {
            content.drain(..start);
            found.tiffs.push(Part::Memory(content));
        }
        None => found.warn("a broken Exif box"),
    }
}

/// ISO/IEC 18181-1 D.3: bits from the lowest on.
fn codestream_size(view: View<'_>) -> Option<(u32, u32)> {
    let bytes = view
        .array::<12>(0)
        .filter(|bytes| bytes.starts_with(&[0xff, 0x0a]))?;
    let mut bits = bytes
        .iter()
        .skip(2)
        .rev()
        .fold(0_u128, |bits, &b| bits << 8 | u128::from(b));
    let mut take = |count: u32| {
        let value = (bits & ((1_u128 << count) - 1)) as u32;
        bits >>= count;
        value
    };
    let small = take(1) == 1;
    let length = |take: &mut dyn FnMut(u32) -> u32| {
        if small {
            return (take(5) + 1) * 8;
        }
        let width = [9, 13, 18, 30][(take(2) & 3) as usize];
        take(width) + 1
    };
    let height = length(&mut take);
    let width = match take(3) {
        0 => length(&mut take),
        ratio => {
            let (n, d) = [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)]
                [(ratio as usize - 1) % 7];
            u32::try_from(u64::from(height) * n / d).ok()?
        }
    };
    Some((width, height))
}
