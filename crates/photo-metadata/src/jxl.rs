//! JPEG XL (ISO/IEC 18181-2) and JPEG 2000 (ISO/IEC 15444-1 annex I). The boxes `Exif`, `uuid` and
//! `xml ` are read. A box `brob` contains another box, compressed by Brotli. It is read if the
//! other box is `Exif` or `xml `. The codestream is the compressed picture. Only its size header is
//! read.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::bmff::{BROKEN_BOXES, XMP_UUID, find_box, iter_boxes};
use super::heif::find_tiff_header;
use super::limits;
use super::sparse::ByteView;
use super::work_budget::{InflateResult, PaidReader, Work, inflate_within};

const EXIF_UUID: &[u8] = b"JpgTiffExif->JP2";
/// The identifier of a `uuid` box in which Adobe's programs write EXIF.
const EXIF_UUID_2: &[u8] = b"\x05\x37\xcd\xab\x9d\x0c\x44\x31\xa7\x2a\xfa\x56\x1f\x2a\x11\x3e";
const IPTC_UUID: &[u8] = b"\x33\xc7\xa4\xd2\xb8\x1d\x47\x23\xa0\xba\xf1\xa3\xe0\x97\xad\x38";

/// Finds the metadata blocks of a JPEG XL or JPEG 2000 file, and adds them to `blocks`.
pub(crate) fn read_jxl(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    if view.array::<2>(0) == Some([0xff, 0x0a]) {
        blocks.size = codestream_size(view);
        return;
    }
    let mut cut = true;
    let mut boxes = iter_boxes(view);
    for top in &mut boxes {
        cut = top.exceeds_parent;
        match &top.kind {
            b"jxlc" => blocks.size = blocks.size.or_else(|| codestream_size(top.body)),
            // If the codestream is in pieces, each piece begins with its number in four bytes.
            b"jxlp" => blocks.size = blocks.size.or_else(|| codestream_size(top.body.from(4))),
            b"jp2h" => {
                let header = find_box(top.body, b"ihdr");
                blocks.size = header.and_then(|ihdr| Some((ihdr.be32(4)?, ihdr.be32(0)?)));
            }
            b"Exif" => read_exif_box(top.body, blocks),
            b"xml " => blocks.xmp.push(MetadataBlock::of_view(top.body)),
            b"brob" => read_compressed_box(top.body, blocks),
            b"uuid" => match top.body.up_to(0, 16) {
                Some(XMP_UUID) => blocks.xmp.push(MetadataBlock::of_view(top.body.from(16))),
                Some(EXIF_UUID | EXIF_UUID_2) => add_exif_at(top.body.from(16), 0, blocks),
                Some(IPTC_UUID) => blocks.iptc.push(MetadataBlock::of_view(top.body.from(16))),
                _ => {}
            },
            _ => {}
        }
    }
    if boxes.are_incomplete() {
        blocks.warn(BROKEN_BOXES);
    } else if cut {
        blocks.warn("cut short before its last box");
    }
}

/// Reads a box `Exif`, and adds its TIFF structure to `blocks`. The first four bytes of the box are
/// the offset of the TIFF header in the bytes after them.
fn read_exif_box(body: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let Some(start) = body.up_to(0, 64).and_then(find_tiff_header) else {
        return blocks.warn("a broken Exif box");
    };
    add_exif_at(body, start as u64, blocks);
}

fn add_exif_at(body: ByteView<'_>, start: u64, blocks: &mut MetadataBlocks) {
    let prefixed = body.up_to(start, 6) == Some(b"Exif\0\0");
    blocks
        .tiffs
        .push(MetadataBlock::of_view(body.from(if prefixed {
            start + 6
        } else {
            start
        })));
}

/// Reads a box `brob` (ISO/IEC 18181-2 9.8): the type of the inner box, and then the compressed
/// content of the inner box.
fn read_compressed_box(body: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let Some(kind) = body
        .array::<4>(0)
        .filter(|kind| matches!(kind, b"Exif" | b"xml "))
    else {
        return;
    };
    let Some(bytes) = body.up_to(4, limits::MAX_PACKET_BYTES) else {
        return;
    };
    let budget = body.budget();
    let paid = budget
        .pay(Work::Decoders, 1)
        .and_then(|()| budget.pay(Work::WindowBytes, brotli_window_bytes(bytes)));
    if paid.is_none() {
        return;
    }
    let input = PaidReader { bytes, budget };
    let decoder = brotli_decompressor::Decompressor::new(input, 4096);
    let (mut content, result) = inflate_within(decoder, blocks.memory_left(), budget);
    blocks.memory += content.len() as u64;
    if result != InflateResult::Whole {
        return blocks.warn("a compressed metadata box that does not inflate");
    }
    if &kind == b"xml " {
        return blocks.xmp.push(MetadataBlock::Memory(content));
    }
    match find_tiff_header(content.get(..64.min(content.len())).unwrap_or_default()) {
        Some(start) => {
            content.drain(..start);
            blocks.tiffs.push(MetadataBlock::Memory(content));
        }
        None => blocks.warn("a broken Exif box"),
    }
}

/// Returns the size in bytes of the window of a Brotli stream (RFC 7932 9.1). A decoder allocates
/// this memory, even if the stream inflates to nothing.
fn brotli_window_bytes(stream: &[u8]) -> u64 {
    let first = stream.first().copied().unwrap_or(0);
    let (middle, high) = (first >> 1 & 7, first >> 4 & 7);
    let bits = match (first & 1, middle, high) {
        (0, ..) => 16,
        (_, 1.., _) => 17 + middle,
        (_, 0, 0) => 17,
        // The value 1 is an extension of the format: the real number follows. The largest window
        // that the decoder accepts is charged.
        (_, 0, 1) => 30,
        (_, 0, high) => 8 + high,
    };
    1 << bits
}

/// Returns the width and height in the size header of a codestream, which is the compressed
/// picture. The fields of the header are read bit by bit, from the lowest bit on (ISO/IEC 18181-1
/// D.3).
fn codestream_size(view: ByteView<'_>) -> Option<(u32, u32)> {
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
