//! PNG (third edition): eXIf, XMP in iTXt, ImageMagick's `Raw profile type ...` texts, Creation Time and the other
//! registered keywords. Image data are skipped; where there are megabytes of them, the chunks after them are looked for
//! in the file's tail, by their check sum.

use std::io::Read;

use flate2::Crc;
use flate2::read::ZlibDecoder;

use super::found::{Found, Part};
use super::sparse::View;
use super::{limits, photoshop, text};
use crate::capture_time::DateSource;

/// Chunks of image data shorter than this are not walked one by one beyond the bytes at hand.
const LONG_CHUNK: u64 = 256 << 10;
/// Image data up to here are walked whatever their chunks' length.
const WALKED: u64 = 64 << 10;

/// What the PNG holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    found.size = view
        .be32(16)
        .zip(view.be32(20))
        .filter(|_| view.get(12, 4) == Some(b"IHDR"));
    let mut at = 8_u64;
    for _ in 0..limits::SEGMENTS {
        let (Some(length), Some(kind)) = (view.be32(at), view.array::<4>(at + 4)) else {
            return found.warn("PNG cut short before its end");
        };
        let length = u64::from(length);
        match &kind {
            b"IEND" => return,
            b"IDAT" if at > WALKED && length < LONG_CHUNK => return tail(view, at, found),
            _ => chunk(kind, view.part(at.saturating_add(8), length), found),
        }
        at = at.saturating_add(12).saturating_add(length);
    }
    found.warn("PNG with too many chunks");
}

/// The chunks among the file's last bytes: whatever has a metadata chunk's name and its right check sum is one.
fn tail(view: View<'_>, after: u64, found: &mut Found) {
    let start = view.len().saturating_sub(limits::PNG_TAIL).max(after);
    let Some(bytes) = view.get(start, view.len() - start) else {
        return;
    };
    let mut at = 4;
    let mut left = limits::PNG_TAIL_CHUNKS;
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
        if let (true, Some(sum), Some(content)) = (named, sum, bytes.get(at..end)) {
            left = match left.checked_sub(1) {
                Some(left) => left,
                None => return found.warn("PNG with too many chunks"),
            };
            let mut crc = Crc::new();
            crc.update(content);
            if crc.sum() == sum {
                chunk(kind, view.part(start + at as u64 + 4, length as u64), found);
                at = end + 4;
                continue;
            }
        }
        at += 1;
    }
}

fn chunk(kind: [u8; 4], body: View<'_>, found: &mut Found) {
    match &kind {
        // zxIf was the name of a compressed form for a while; eXIf some programs prefix as in a JPEG.
        // Before the profiles in texts, which count where both say something (ExifTool's order).
        b"eXIf" => found.tiffs.insert(0, Part::of(without_prefix(body))),
        b"tEXt" | b"zTXt" | b"iTXt" if body.len() <= limits::PACKET => {
            let Some(bytes) = body.get(0, body.len()) else {
                return;
            };
            let mut room = found.room();
            let entry = entry(kind, bytes, &mut room);
            found.memory = limits::MEMORY - room;
            match entry {
                Ok((keyword, value)) => keyword_value(&keyword, value, found),
                Err(why) => found.warn(why),
            }
        }
        _ => {}
    }
}

fn without_prefix(body: View<'_>) -> View<'_> {
    if body.len() >= 6 && body.get(0, 6) == Some(b"Exif\0\0") {
        body.from(6)
    } else {
        body
    }
}

/// Keyword and value of a text chunk (PNG 11.3.3), inflated; what that takes goes off `room`.
fn entry(kind: [u8; 4], bytes: &[u8], room: &mut u64) -> Result<(String, Vec<u8>), String> {
    let broken = || "PNG with a broken text chunk".to_owned();
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let keyword = text::decode(parts.next().ok_or_else(broken)?);
    let rest = parts.next().ok_or_else(broken)?;
    let value = match &kind {
        b"tEXt" => rest.to_vec(),
        b"zTXt" => inflate(rest.get(1..).ok_or_else(broken)?, room)?,
        _ => {
            let (compressed, rest) = (rest.first() == Some(&1), rest.get(2..).ok_or_else(broken)?);
            let value = rest.splitn(3, |&b| b == 0).nth(2).ok_or_else(broken)?;
            if compressed {
                inflate(value, room)?
            } else {
                value.to_vec()
            }
        }
    };
    Ok((keyword, value))
}

fn inflate(bytes: &[u8], room: &mut u64) -> Result<Vec<u8>, String> {
    let mut value = Vec::new();
    let inflated = ZlibDecoder::new(bytes)
        .take(*room + 1)
        .read_to_end(&mut value);
    let length = value.len() as u64;
    let most = *room;
    *room = most.saturating_sub(length);
    match inflated {
        Ok(_) if length > most => Err("PNG with a text that inflates without end".to_owned()),
        Ok(_) => Ok(value),
        Err(_) => Err("PNG with a broken compressed text".to_owned()),
    }
}

fn keyword_value(keyword: &str, value: Vec<u8>, found: &mut Found) {
    let said = || text::clean(&text::decode(&value));
    match keyword {
        "XML:com.adobe.xmp" => found.xmp.push(Part::Memory(value)),
        "Creation Time" => {
            found.date = said().map(|date| (DateSource::PngCreationTime, date));
        }
        "Title" => found
            .properties
            .extend(said().map(|said| ("dc:title", said))),
        "Description" => found
            .properties
            .extend(said().map(|said| ("dc:description", said))),
        "Author" => found
            .properties
            .extend(said().map(|said| ("dc:creator", said))),
        "Copyright" => found
            .properties
            .extend(said().map(|said| ("dc:rights", said))),
        _ => {
            let Some(kind) = keyword.strip_prefix("Raw profile type ") else {
                return;
            };
            let Some(mut profile) = raw_profile(&value) else {
                return found.warn("PNG with a raw profile that is no hexadecimal");
            };
            match kind {
                "exif" | "APP1" | "app1" => {
                    if let Some(xmp) = profile.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                        found.xmp.push(Part::Memory(xmp.to_vec()));
                    } else {
                        if profile.starts_with(b"Exif\0") {
                            profile.drain(..6.min(profile.len()));
                        }
                        found.tiffs.push(Part::Memory(profile));
                    }
                }
                "xmp" => found.xmp.push(Part::Memory(profile)),
                // ImageMagick keeps IPTC inside Photoshop's resources, under either name.
                "iptc" | "8bim" | "8BIM" if profile.first() == Some(&0x1c) => {
                    found.iptc.push(Part::Memory(profile))
                }
                "iptc" | "8bim" | "8BIM" => photoshop::read_bytes(&profile, found),
                _ => {}
            }
        }
    }
}

/// ImageMagick's form: a line feed, the profile's name, its length in decimal, then hexadecimal in lines.
fn raw_profile(value: &[u8]) -> Option<Vec<u8>> {
    let text = value.strip_prefix(b"\n")?;
    let mut lines = text.splitn(3, |&b| b == b'\n');
    let (_name, length, hex) = (lines.next()?, lines.next()?, lines.next()?);
    let length: usize = std::str::from_utf8(length).ok()?.trim().parse().ok()?;
    // A digit that is none reads as 0, so that one wrong byte costs no more than itself.
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

    fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        let header: (&[u8; 4], &[u8]) = (b"IHDR", &[0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
        for (kind, body) in [header].iter().chain(chunks).chain([&(b"IEND", &[][..])]) {
            bytes.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
            let mut crc = Crc::new();
            crc.update(*kind);
            crc.update(body);
            bytes.extend(*kind);
            bytes.extend(*body);
            bytes.extend(crc.sum().to_be_bytes());
        }
        bytes
    }

    fn read_bytes(bytes: &[u8]) -> Found {
        let file = Sparse::whole(bytes);
        let mut found = Found::default();
        read(file.view(), &mut found);
        found
    }

    #[test]
    fn exif_xmp_and_dates_are_found_in_their_chunks() {
        let found = read_bytes(&png(&[
            (b"eXIf", b"MM\0*"),
            (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>"),
            (
                b"tEXt",
                b"Raw profile type exif\0\nexif\n      10\n457869660000\n4d4d002a\n",
            ),
            (b"tEXt", b"Creation Time\x002018-02-01T09:41:07"),
        ]));
        assert_eq!(found.size, Some((3, 2)));
        assert_eq!(
            found.tiffs,
            [
                Part::File { start: 41, len: 4 },
                Part::Memory(b"MM\0*".to_vec())
            ]
        );
        assert_eq!(found.xmp, [Part::Memory(b"<x/>".to_vec())]);
        assert_eq!(
            found.date,
            Some((
                DateSource::PngCreationTime,
                "2018-02-01T09:41:07".to_owned()
            ))
        );
    }

    #[test]
    fn chunks_after_megabytes_of_short_data_chunks_are_found_from_the_end() {
        let data = vec![7_u8; 8_192];
        let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"IDAT", &data); 40];
        chunks.push((b"eXIf", b"MM\0*"));
        let found = read_bytes(&png(&chunks));
        assert_eq!(found.tiffs.len(), 1);
    }

    #[test]
    fn a_text_that_inflates_without_end_is_refused() {
        use std::io::Write;
        let mut bomb =
            flate2::write::ZlibEncoder::new(b"k\0\0".to_vec(), flate2::Compression::best());
        let zeros = vec![0_u8; 1 << 20];
        for _ in 0..=limits::MEMORY >> 20 {
            bomb.write_all(&zeros).expect("memory");
        }
        let found = read_bytes(&png(&[(b"zTXt", &bomb.finish().expect("memory"))]));
        assert_eq!(
            found.warnings,
            ["PNG with a text that inflates without end"]
        );
    }
}
