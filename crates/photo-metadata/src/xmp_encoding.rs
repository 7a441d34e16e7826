//! Decodes the bytes of an XMP packet to text: decompresses them, and converts their encoding.

use std::borrow::Cow;

use super::labels::LabelCollector;
use super::limits;
use super::text::decode_mixed_text;
use super::work_budget::{InflateResult, WorkBudget, inflate_zlib_within};

/// Decompresses a packet that is zlib data (RFC 1950), as a HEIF may have it (ISO/IEC 14496-12
/// 8.11.6.3, the encoding `deflate`). Returns `None` if the packet is something else: XML does not
/// begin with the byte of zlib. If the data are broken or too large, returns what could be read,
/// and records that labels may be missing. `inflated_bytes` is the number of bytes of all packets
/// of the file that were decompressed.
pub(crate) fn inflate_packet(
    bytes: &[u8],
    budget: &WorkBudget,
    inflated_bytes: &mut u64,
    labels: &mut LabelCollector,
) -> Option<Vec<u8>> {
    let &[first @ 0x78, second, ..] = bytes else {
        return None;
    };
    if u16::from_be_bytes([first, second]) % 31 != 0 {
        return None;
    }
    let room = limits::MAX_UNPACKED_BYTES.saturating_sub(*inflated_bytes);
    let (mut inflated, result) =
        inflate_zlib_within(bytes, room.min(limits::MAX_PACKET_BYTES), budget);
    if !matches!(result, InflateResult::Whole) {
        labels.add_gap("XMP that cannot be decompressed completely");
    }
    inflated.truncate(usize::try_from(limits::MAX_PACKET_BYTES).unwrap_or(usize::MAX));
    *inflated_bytes += inflated.len() as u64;
    Some(inflated)
}

/// Decodes a packet. Decodes it as UTF-16 if it begins with a byte order mark of UTF-16, or if one
/// of its first two bytes is zero. Decodes every other packet as UTF-8.
pub(crate) fn decode_packet(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xfe, 0xff, ..] | [0, b'<', ..] => encoding_rs::UTF_16BE.decode(bytes).0,
        [0xff, 0xfe, ..] | [b'<', 0, ..] => encoding_rs::UTF_16LE.decode(bytes).0,
        _ => decode_mixed_text(bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PACKET: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject>Private</dc:subject></x:xmpmeta>"#;

    /// Returns the first value of `dc:subject`, and whether the labels have a gap.
    fn read(bytes: &[u8]) -> (Option<String>, bool) {
        let mut xmp = crate::xmp::XmpProperties::default();
        let _ = xmp.read_packet(bytes, &WorkBudget::default());
        let subject = xmp.get("dc:subject").map(str::to_owned);
        let labels = format!("{:?}", xmp.labels);
        (subject, !labels.ends_with("gap: None }"))
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn packets_in_all_encodings_are_read() {
        let read_whole = (Some("Private".to_owned()), false);
        let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{feff}{PACKET}")
                .encode_utf16()
                .flat_map(unit)
                .collect()
        };
        for bytes in [
            PACKET.as_bytes().to_vec(),
            format!("\u{feff}\n{PACKET}").into_bytes(),
            utf16(u16::to_be_bytes),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes)[2..].to_vec(),
            utf16(u16::to_le_bytes)[2..].to_vec(),
            deflate(PACKET.as_bytes()),
        ] {
            assert_eq!(read(&bytes), read_whole, "{bytes:?}");
        }
    }

    #[test]
    fn compressed_packets_that_are_broken_are_a_gap() {
        let deflated = deflate(PACKET.as_bytes());
        for end in 2..deflated.len() - 4 {
            assert!(read(&deflated[..end]).1, "{end}");
        }
        let too_long = PACKET.replace("Private", &"x".repeat(5 << 20));
        let (subject, gap) = read(&deflate(too_long.as_bytes()));
        assert!(subject.is_none() && gap);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_latin_1() {
        let packet = |value: &[u8]| {
            let (start, end) = PACKET.split_once("Private").expect("a value");
            read(&[start.as_bytes(), value, end.as_bytes()].concat()).0
        };
        assert_eq!(packet(b"Z\xfcrich").as_deref(), Some("Zürich"));
        // One wrong byte does not change the rest.
        let mixed = ["Zürich ".as_bytes(), b"\xe9t\xe9"].concat();
        assert_eq!(packet(&mixed).as_deref(), Some("Zürich été"));
    }

    #[test]
    fn an_ampersand_that_is_no_entity_stays_and_is_a_gap() {
        for value in ["A & B", "A &B", "A &unknown; B"] {
            let (subject, gap) = read(PACKET.replace("Private", value).as_bytes());
            assert_eq!(subject.as_deref(), Some(value));
            assert!(gap);
        }
    }
}
