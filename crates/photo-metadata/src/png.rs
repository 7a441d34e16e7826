//! PNG (third edition). Reads the chunk eXIf, XMP in the chunk iTXt, ImageMagick's texts
//! `Raw profile type ...`, Creation Time and the other registered keywords.
//!
//! Image data are skipped. If they are long, the search continues in the last bytes of the file,
//! because metadata may follow the image data. A chunk in these bytes is recognised by its name and
//! its check sum.

use flate2::Crc;

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::keywords::KEYWORD_TEXT;
use super::record::PictureData;
use super::sparse::ByteView;
use super::text::{clean_text, decode_text, until_nul};
use super::work_budget::{InflateResult, Work, WorkBudget, inflate_zlib_within};
use super::{limits, photoshop};
use crate::capture_time::DateSource;

/// The minimum size in bytes of a long chunk of image data. After the first [`WALKED`] bytes of the
/// file, the reader steps over a long chunk to the next chunk. At a shorter chunk of image data, it
/// jumps to the last bytes of the file, because thousands of short chunks may follow.
const LONG_CHUNK: u64 = 256 << 10;
/// The number of bytes at the beginning of the file in which the reader steps from chunk to chunk,
/// however long a chunk of image data is. [`LONG_CHUNK`] is for the bytes after these.
const WALKED: u64 = 64 << 10;
/// The maximum number of attempts to find a chunk of image data in the last bytes of the file. Each
/// attempt computes a checksum, which takes time.
const MAX_IMAGE_TRIES: u32 = 16;

/// Finds the metadata blocks of a PNG, and adds them to `blocks`.
pub(crate) fn read_png(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    blocks.size = view
        .be32(16)
        .zip(view.be32(20))
        .filter(|_| view.get(12, 4) == Some(b"IHDR"));
    let mut at = 8_u64;
    for _ in 0..limits::MAX_SEGMENTS {
        let (Some(length), Some(kind)) = (view.be32(at), view.array::<4>(at + 4)) else {
            return blocks.warn("PNG cut short before its end");
        };
        let length = u64::from(length);
        if &kind == b"IDAT" && blocks.picture.is_none() {
            let rest = view.from(at);
            blocks.picture = Some(PictureData {
                offset: rest.base(),
                length: rest.len(),
            });
        }
        match &kind {
            b"IEND" => return,
            b"IDAT" if at > WALKED && length < LONG_CHUNK => return read_tail(view, at, blocks),
            _ => read_chunk(kind, view.part(at.saturating_add(8), length), blocks),
        }
        at = at.saturating_add(12).saturating_add(length);
    }
    blocks.warn("PNG with too many chunks");
}

/// Finds metadata chunks in the last bytes of the file, and adds their metadata blocks to `blocks`.
/// The search does not begin before the offset `after`. A chunk must have the name of a metadata
/// chunk and the right check sum.
fn read_tail(view: ByteView<'_>, after: u64, blocks: &mut MetadataBlocks) {
    let start = view.len().saturating_sub(limits::PNG_TAIL_BYTES).max(after);
    let Some(bytes) = view.get(start, view.len() - start) else {
        return;
    };
    let mut has_image_data = false;
    let mut image_tries_left = MAX_IMAGE_TRIES;
    let mut at = 4;
    let mut left = limits::MAX_PNG_TAIL_CHUNKS;
    while let Some(kind) = bytes
        .get(at..at + 4)
        .and_then(|kind| <[u8; 4]>::try_from(kind).ok())
    {
        let named = matches!(&kind, b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" | b"tIME");
        let length = bytes
            .get(at - 4..at)
            .and_then(|l| l.try_into().ok())
            .map_or(u32::MAX, u32::from_be_bytes) as usize;
        let end = at.saturating_add(4).saturating_add(length);
        let sum = bytes
            .get(end..end.saturating_add(4))
            .and_then(|sum| sum.try_into().ok())
            .map(u32::from_be_bytes);
        if &kind == b"IDAT"
            && !has_image_data
            && image_tries_left > 0
            && let Some(content) = bytes.get(at..end)
        {
            image_tries_left -= 1;
            let mut crc = Crc::new();
            crc.update(content);
            has_image_data = sum == Some(crc.sum());
        }
        if let (true, Some(sum), Some(content)) = (named, sum, bytes.get(at..end)) {
            left = match left.checked_sub(1) {
                Some(left) => left,
                None => return blocks.warn("PNG with too many chunks"),
            };
            if view
                .budget()
                .pay(Work::Bytes, content.len() as u64)
                .is_none()
            {
                return;
            }
            let mut crc = Crc::new();
            crc.update(content);
            if crc.sum() == sum {
                read_chunk(
                    kind,
                    view.part(start + at as u64 + 4, length as u64),
                    blocks,
                );
                at = end + 4;
                continue;
            }
        }
        at += 1;
    }
    // All image data are in one row of chunks. So if the last of them is here, no chunk with
    // metadata was skipped.
    if !has_image_data {
        blocks
            .labels
            .add_gap("PNG with a long end that was not read");
    }
}

fn read_chunk(kind: [u8; 4], body: ByteView<'_>, blocks: &mut MetadataBlocks) {
    match &kind {
        // Some programs add the prefix that EXIF has in a JPEG. eXIf is read before the profiles in
        // texts. If both have a value, the profile counts (ExifTool's order).
        b"eXIf" => {
            let block = MetadataBlock::of_view(without_prefix(body));
            blocks.tiffs.insert(0, block);
            // One block more than the limit is kept, so that the warning appears.
            blocks.tiffs.truncate(limits::MAX_BLOCKS + 1);
        }
        b"tEXt" | b"zTXt" | b"iTXt" if body.len() > limits::MAX_PACKET_BYTES => {
            blocks.labels.add_gap("PNG with a text that is too long");
        }
        b"tEXt" | b"zTXt" | b"iTXt" => {
            let Some(bytes) = body.get(0, body.len()) else {
                return blocks.labels.add_gap("PNG with a text that was not read");
            };
            let budget = body.budget();
            if budget.pay(Work::Bytes, body.len()).is_none() {
                return;
            }
            let mut room = blocks.memory_left();
            let entry = read_text_entry(kind, bytes, &mut room, budget);
            blocks.memory = limits::MAX_UNPACKED_BYTES - room;
            match entry {
                Ok((keyword, value)) => apply_keyword(&keyword, value, budget, blocks),
                Err(why) => blocks.warn(why),
            }
        }
        _ => {}
    }
}

fn without_prefix(body: ByteView<'_>) -> ByteView<'_> {
    if body.len() >= 6 && body.get(0, 6) == Some(b"Exif\0\0") {
        body.from(6)
    } else {
        body
    }
}

/// Returns the keyword and the decompressed value of a text chunk (PNG 11.3.3). If the value was
/// compressed, subtracts its decompressed size from `room`, the number of bytes that may still be
/// decompressed.
fn read_text_entry(
    kind: [u8; 4],
    bytes: &[u8],
    room: &mut u64,
    budget: &WorkBudget,
) -> Result<(String, Vec<u8>), String> {
    let broken = || "PNG with a broken text chunk".to_owned();
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let keyword = decode_text(parts.next().ok_or_else(broken)?);
    let rest = parts.next().ok_or_else(broken)?;
    let value = match &kind {
        b"tEXt" => rest.to_vec(),
        b"zTXt" => inflate(rest.get(1..).ok_or_else(broken)?, room, budget)?,
        _ => {
            let (compressed, rest) = (rest.first() == Some(&1), rest.get(2..).ok_or_else(broken)?);
            let value = rest.splitn(3, |&b| b == 0).nth(2).ok_or_else(broken)?;
            if compressed {
                inflate(value, room, budget)?
            } else {
                value.to_vec()
            }
        }
    };
    Ok((keyword, value))
}

fn inflate(bytes: &[u8], room: &mut u64, budget: &WorkBudget) -> Result<Vec<u8>, String> {
    let broken = || "PNG with a broken compressed text".to_owned();
    let (value, result) = inflate_zlib_within(bytes, *room, budget);
    *room = room.saturating_sub(value.len() as u64);
    match result {
        InflateResult::Whole => Ok(value),
        InflateResult::TooLong => Err("PNG with a text that inflates without end".to_owned()),
        InflateResult::Broken => Err(broken()),
    }
}

fn apply_keyword(keyword: &str, value: Vec<u8>, budget: &WorkBudget, blocks: &mut MetadataBlocks) {
    // The keywords of the standard have capitals. Programs write them in any case.
    let known = keyword.trim().to_ascii_lowercase();
    match known.as_str() {
        "xml:com.adobe.xmp" => blocks.xmp.push(MetadataBlock::Memory(value)),
        "creation time" => {
            let date = clean_text(&decode_text(&value));
            blocks.date = date.map(|date| (DateSource::PngCreationTime, date));
        }
        "title" => add_property("dc:title", &value, blocks),
        "description" => add_property("dc:description", &value, blocks),
        "author" | "artist" => add_property("dc:creator", &value, blocks),
        "copyright" => add_property("dc:rights", &value, blocks),
        "comment" => blocks.add_comment(&value),
        "keyword" | "keywords" | "subject" | "tags" => {
            blocks.labels.add_keyword(&decode_text(&value));
            add_property(KEYWORD_TEXT, &value, blocks);
        }
        _ => {
            let Some(kind) = known.strip_prefix("raw profile type ") else {
                return;
            };
            let Some(mut profile) = parse_raw_profile(&value) else {
                return blocks.warn("PNG with a raw profile that is not hexadecimal");
            };
            match kind {
                "exif" | "app1" => {
                    if let Some(xmp) = profile.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                        blocks.xmp.push(MetadataBlock::Memory(xmp.to_vec()));
                    } else {
                        if profile.starts_with(b"Exif\0") {
                            profile.drain(..6.min(profile.len()));
                        }
                        blocks.tiffs.push(MetadataBlock::Memory(profile));
                    }
                }
                "xmp" => blocks.xmp.push(MetadataBlock::Memory(profile)),
                // ImageMagick writes IPTC inside Photoshop resources, under either name.
                "iptc" | "8bim" if profile.first() == Some(&0x1c) => {
                    blocks.iptc.push(MetadataBlock::Memory(profile))
                }
                "iptc" | "8bim" => photoshop::read_copied_resources(&profile, budget, blocks),
                _ => {}
            }
        }
    }
}

/// Adds a text to the properties of the container, under the name of the XMP property with the same
/// meaning.
fn add_property(name: &'static str, value: &[u8], blocks: &mut MetadataBlocks) {
    blocks
        .properties
        .push((name, decode_text(until_nul(value))));
}

/// Parses a raw profile, the form in which ImageMagick writes metadata as text: a line feed, the
/// name of the profile, its length in decimal, and its bytes in lines of hexadecimal. Returns the
/// bytes.
fn parse_raw_profile(value: &[u8]) -> Option<Vec<u8>> {
    let text = value.strip_prefix(b"\n")?;
    let mut lines = text.splitn(3, |&b| b == b'\n');
    let (_name, length, hex) = (lines.next()?, lines.next()?, lines.next()?);
    let length: usize = std::str::from_utf8(length).ok()?.trim().parse().ok()?;
    // A wrong digit is read as 0, so that it spoils only its own byte.
    let nibble = |b: u8| char::from(b).to_digit(16).unwrap_or(0) as u8;
    let digits: Vec<u8> = hex
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace() && *b != 0)
        .collect();
    let mut bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect();
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;
    use crate::tests::builders::png;

    fn read_bytes(bytes: &[u8]) -> MetadataBlocks {
        let file = Sparse::whole(bytes);
        let mut blocks = MetadataBlocks::default();
        read_png(file.view(), &mut blocks);
        blocks
    }

    #[test]
    fn exif_xmp_and_dates_are_found() {
        let blocks = read_bytes(&png(&[
            (b"eXIf", b"MM\0*"),
            (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>"),
            (
                b"tEXt",
                b"Raw profile type exif\0\nexif\n      10\n457869660000\n4d4d002a\n",
            ),
            (b"tEXt", b"Creation Time\x002018-02-01T09:41:07"),
        ]));
        assert_eq!(blocks.size, Some((3, 2)));
        assert_eq!(
            blocks.tiffs,
            [
                MetadataBlock::File { start: 41, len: 4 },
                MetadataBlock::Memory(b"MM\0*".to_vec())
            ]
        );
        assert_eq!(blocks.xmp, [MetadataBlock::Memory(b"<x/>".to_vec())]);
        assert_eq!(
            blocks.date,
            Some((
                DateSource::PngCreationTime,
                "2018-02-01T09:41:07".to_owned()
            ))
        );
    }

    #[test]
    fn chunks_after_megabytes_of_image_data_are_found() {
        let data = vec![7_u8; 8_192];
        let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"IDAT", &data); 40];
        chunks.push((b"eXIf", b"MM\0*"));
        let blocks = read_bytes(&png(&chunks));
        assert_eq!(blocks.tiffs.len(), 1);
    }

    #[test]
    fn a_decompression_bomb_is_refused() {
        use std::io::Write;
        let mut bomb =
            flate2::write::ZlibEncoder::new(b"k\0\0".to_vec(), flate2::Compression::best());
        let zeros = vec![0_u8; 1 << 20];
        for _ in 0..=limits::MAX_UNPACKED_BYTES >> 20 {
            bomb.write_all(&zeros).expect("memory");
        }
        let blocks = read_bytes(&png(&[(b"zTXt", &bomb.finish().expect("memory"))]));
        assert_eq!(
            blocks.warnings,
            ["PNG with a text that inflates without end"]
        );
    }
}
