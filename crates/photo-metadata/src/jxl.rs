//! JPEG XL (ISO/IEC 18181-2) and JPEG 2000 (ISO/IEC 15444-1 annex I). The boxes `Exif`, `uuid` and
//! `xml ` are read. A box `brob` contains another box, compressed by Brotli. It is read if the
//! other box is `Exif` or `xml `. The codestream is the compressed picture. Only its size and its
//! orientation are read.

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
    let mut codestream = CodestreamStart::default();
    if view.array::<2>(0) == Some([0xff, 0x0a]) {
        codestream.add(view);
        return codestream.store_size(blocks);
    }
    let mut cut = true;
    let mut boxes = iter_boxes(view);
    for top in &mut boxes {
        cut = top.exceeds_parent;
        match &top.kind {
            b"jxlc" => codestream.add(top.body),
            // If the codestream is in pieces, each piece begins with its number in four bytes. The
            // pieces are in order (ISO/IEC 18181-2).
            b"jxlp" => codestream.add(top.body.from(4)),
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
    codestream.store_size(blocks);
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
        // The value 1 is an extension of the format: the real number follows. The price is that of
        // the largest window that the decoder accepts.
        (_, 0, 1) => 30,
        (_, 0, high) => 8 + high,
    };
    1 << bits
}

/// The first bytes of a codestream: enough for its size and its orientation.
#[derive(Default)]
struct CodestreamStart {
    bytes: Vec<u8>,
}

impl CodestreamStart {
    /// The largest number of bytes before the end of the orientation: 2 bytes of the signature, 68
    /// bits of the size, and 5 bits.
    const MAX_BYTES: u64 = 12;

    /// Adds the next piece of the codestream. Its first bytes are needed only if all pieces before
    /// it together are too short.
    fn add(&mut self, piece: ByteView<'_>) {
        let missing = Self::MAX_BYTES.saturating_sub(self.bytes.len() as u64);
        self.bytes
            .extend(piece.up_to(0, missing).unwrap_or_default());
    }

    /// Stores the size and the orientation in `blocks`. A decoder applies the orientation of the
    /// codestream, and ignores the one in EXIF (ISO/IEC 18181-2, box `Exif`).
    fn store_size(&self, blocks: &mut MetadataBlocks) {
        let Some(rest) = self.bytes.strip_prefix(&[0xff, 0x0a]) else {
            return;
        };
        let mut bits = BitReader { bytes: rest, at: 0 };
        blocks.size = read_size_header(&mut bits);
        if blocks.size.is_some() {
            blocks.orientation = read_orientation(&mut bits);
        }
    }
}

/// A reader of numbers of any number of bits. The lowest bit of a byte is the first one (ISO/IEC
/// 18181-1 annex B).
struct BitReader<'a> {
    bytes: &'a [u8],
    /// The number of bits that were read.
    at: usize,
}

impl BitReader<'_> {
    /// Reads a number of `count` bits, at most 32. Returns `None` at the end of the bytes.
    fn take(&mut self, count: u8) -> Option<u32> {
        let mut value = 0;
        for place in 0..count {
            let bit = self.bytes.get(self.at / 8)? >> (self.at % 8) & 1;
            value |= u32::from(bit) << place;
            self.at += 1;
        }
        Some(value)
    }
}

/// Returns the width and height in the size header of a codestream (ISO/IEC 18181-1 D.3).
fn read_size_header(bits: &mut BitReader<'_>) -> Option<(u32, u32)> {
    let small = bits.take(1)? == 1;
    let height = read_length(bits, small)?;
    let width = match bits.take(3)? {
        0 => read_length(bits, small)?,
        ratio => {
            let (n, d) = [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)]
                .get(ratio as usize - 1)?;
            u32::try_from(u64::from(height) * n / d).ok()?
        }
    };
    Some((width, height))
}

/// Reads a width or a height. If it is small, it is a multiple of 8.
fn read_length(bits: &mut BitReader<'_>, small: bool) -> Option<u32> {
    if small {
        return Some((bits.take(5)? + 1) * 8);
    }
    let count = match bits.take(2)? {
        0 => 9,
        1 => 13,
        2 => 18,
        _ => 30,
    };
    Some(bits.take(count)? + 1)
}

/// Returns the orientation in the image metadata, which follow the size header: 1 to 8, as in EXIF
/// (ISO/IEC 18181-1 annex D, ImageMetadata).
fn read_orientation(bits: &mut BitReader<'_>) -> Option<u8> {
    let all_default = bits.take(1)? == 1;
    if all_default || bits.take(1)? == 0 {
        return Some(1);
    }
    u8::try_from(bits.take(3)? + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;
    use crate::tests::builders::{JXL_SIGNATURE, media_box};

    /// Returns a codestream of these numbers, each with its number of bits. A byte of zeros
    /// follows.
    fn codestream(numbers: &[(u8, u32)]) -> Vec<u8> {
        let mut bits = Vec::new();
        for &(count, number) in numbers {
            bits.extend((0..count).map(|place| (number >> place & 1) as u8));
        }
        let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
        let start = [0xff, 0x0a].into_iter();
        start.chain(bits.chunks(8).map(byte)).chain([0]).collect()
    }

    fn read(bytes: &[u8]) -> MetadataBlocks {
        let file = Sparse::whole(bytes);
        let mut blocks = MetadataBlocks::default();
        read_jxl(file.view(), &mut blocks);
        blocks
    }

    /// Returns the bytes of a file with these boxes.
    fn container(boxes: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let boxes = boxes.iter().flat_map(|(kind, body)| media_box(kind, body));
        JXL_SIGNATURE.iter().copied().chain(boxes).collect()
    }

    /// The numbers of a size header of 48 by 16 pixels, both small.
    const SMALL: [(u8, u32); 4] = [(1, 1), (5, 1), (3, 0), (5, 5)];

    #[test]
    fn codestream_has_the_size_and_the_orientation() {
        for orientation in 1..=8_u8 {
            let metadata = [(1, 0), (1, 1), (3, u32::from(orientation) - 1)];
            let blocks = read(&codestream(&[&SMALL[..], &metadata].concat()));
            assert_eq!(blocks.size, Some((48, 16)));
            assert_eq!(blocks.orientation, Some(orientation));
        }
        for metadata in [&[(1, 1)][..], &[(1, 0), (1, 0)]] {
            let blocks = read(&codestream(&[&SMALL[..], metadata].concat()));
            assert_eq!((blocks.size, blocks.orientation), (Some((48, 16)), Some(1)));
        }
        // The longest header has 73 bits.
        let long = [(1, 0), (2, 3), (30, 1 << 29), (3, 0), (2, 3), (30, 99_999)];
        let metadata = [(1, 0), (1, 1), (3, 7)];
        let blocks = read(&codestream(&[&long[..], &metadata].concat()));
        assert_eq!(blocks.size, Some((100_000, (1 << 29) + 1)));
        assert_eq!(blocks.orientation, Some(8));
    }

    #[test]
    fn header_may_be_spread_over_pieces() {
        let metadata = [(1, 0), (1, 1), (3, 5)];
        let whole = codestream(&[&SMALL[..], &metadata].concat());
        for cut in 0..=whole.len() {
            let (first, second) = whole.split_at(cut);
            let first = [&[0; 4], first].concat();
            let second = [&[0x80, 0, 0, 1], second].concat();
            let exif = b"\0\0\0\0II*\0\x08\0\0\0\0\0";
            let boxes: [(&[u8; 4], &[u8]); 3] =
                [(b"jxlp", &first), (b"Exif", exif), (b"jxlp", &second)];
            let blocks = read(&container(&boxes));
            assert_eq!((blocks.size, blocks.orientation), (Some((48, 16)), Some(6)));
            assert_eq!((blocks.tiffs.len(), blocks.warnings.len()), (1, 0));
        }
        // One byte in each piece.
        let pieces: Vec<Vec<u8>> = whole.iter().map(|&b| vec![0, 0, 0, 0, b]).collect();
        let boxes: Vec<(&[u8; 4], &[u8])> =
            pieces.iter().map(|piece| (b"jxlp", &piece[..])).collect();
        assert_eq!(read(&container(&boxes)).orientation, Some(6));
    }

    #[test]
    fn broken_header_has_no_orientation() {
        let cut = codestream(&SMALL);
        for end in 2..4 {
            let blocks = read(&cut[..end]);
            assert_eq!((blocks.size, blocks.orientation), (None, None));
        }
        let other = container(&[(b"jxlc", b"\xff\x0b\x01\x02\x03")]);
        assert_eq!(read(&other).size, None);
    }
}
