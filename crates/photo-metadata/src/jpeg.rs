//! JPEG (ITU-T T.81 annex B): the segments before the picture.
//!
//! EXIF and XMP are in APP1 segments, IPTC is in the Photoshop resources of APP13, and the size is
//! in the frame header. The entropy-coded picture is not read.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::record::PictureData;
use super::sparse::ByteView;
use super::work_budget::Work;
use super::{limits, photoshop};

/// The reason why keywords or a rating may be missing if an extended XMP packet is broken or
/// incomplete.
const BROKEN_EXTENSION: &str = "extended XMP is broken or cut short";
const APP1: u8 = 0xe1;
const APP13: u8 = 0xed;
/// The marker at the start of a JPEG.
const START: u8 = 0xd8;
/// The marker of a comment (COM).
const COMMENT: u8 = 0xfe;
/// The marker of a scan: the compressed picture begins here.
const SCAN: u8 = 0xda;
/// The warning if the bytes between two segments are too many, or contain another picture.
const OTHER_BYTES: &str = "JPEG with something else between its segments";
const EXIF: &[u8] = b"Exif\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Finds the metadata blocks of a JPEG that begins at the start of the view, and adds them to
/// `blocks`.
pub(crate) fn read_jpeg(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let mut resources: Vec<ByteView<'_>> = Vec::new();
    let mut extensions: Vec<XmpExtension<'_>> = Vec::new();
    for segment in segments(view) {
        let JpegSegment {
            marker,
            body,
            skipped,
        } = match segment {
            Ok(segment) => segment,
            Err(SegmentError { reason, is_end }) => {
                blocks.ends_before_picture = is_end;
                blocks.warn(reason);
                break;
            }
        };
        warn_of_skipped_bytes(skipped, blocks);
        match marker {
            SCAN => {
                blocks.picture = Some(PictureData {
                    offset: body.base(),
                    length: body.len(),
                });
            }
            APP1 if starts_with(body, EXTENDED_XMP) => {
                match read_extension(body.from(EXTENDED_XMP.len() as u64)) {
                    Some(extension) => extensions.push(extension),
                    None => blocks.labels.add_gap(BROKEN_EXTENSION),
                }
            }
            APP1 => read_app1(body, blocks),
            APP13 if starts_with(body, PHOTOSHOP) => {
                resources.push(body.from(PHOTOSHOP.len() as u64))
            }
            COMMENT if view.budget().pay(Work::Bytes, body.len()).is_some() => {
                if let Some(comment) = body.get(0, body.len()) {
                    blocks.add_comment(comment);
                }
            }
            _ if is_frame(marker) => blocks.size = blocks.size.or_else(|| frame_size(body)),
            _ => {}
        }
    }
    match resources.as_slice() {
        [] => {}
        [one] => photoshop::read_resources(*one, blocks),
        // A large resource block is cut into segments of 64 KiB.
        many => {
            let length = many.iter().map(ByteView::len).sum();
            if length > blocks.memory_left() {
                return blocks.warn("JPEG with more Photoshop resources than any photo has");
            }
            let whole: Option<Vec<&[u8]>> =
                many.iter().map(|part| part.get(0, part.len())).collect();
            let budget = view.budget();
            match whole {
                // If the work budget is used up, this is recorded after the last block.
                Some(_) if budget.pay(Work::Bytes, length).is_none() => {}
                Some(parts) => {
                    photoshop::read_copied_resources(&parts.concat(), budget, blocks);
                }
                None => blocks
                    .labels
                    .add_gap("Photoshop resources that were not read"),
            }
        }
    }
    join_extensions(extensions, blocks);
}

/// A piece of an extended XMP packet (XMP specification part 3, 1.1.3.1). A packet over 64 KB is
/// cut into such pieces, and each piece is in an APP1 segment.
struct XmpExtension<'s> {
    /// The digest of the whole packet. All pieces of a packet have the same.
    packet: [u8; 32],
    /// The size of the whole packet in bytes.
    total: u32,
    /// The offset of the piece in the packet.
    offset: u32,
    body: ByteView<'s>,
}

fn read_extension(body: ByteView<'_>) -> Option<XmpExtension<'_>> {
    Some(XmpExtension {
        packet: body.array(0)?,
        total: body.be32(32)?,
        offset: body.be32(36)?,
        body: body.from(40),
    })
}

/// Joins the pieces of extended XMP to whole packets, and adds the packets to the blocks. If a
/// packet is incomplete or too large, records that keywords or a rating may be missing.
fn join_extensions(mut extensions: Vec<XmpExtension<'_>>, blocks: &mut MetadataBlocks) {
    extensions.sort_by_key(|extension| (extension.packet, extension.offset));
    for pieces in extensions.chunk_by(|one, next| one.packet == next.packet) {
        let total = pieces.first().map_or(0, |piece| u64::from(piece.total));
        if total > limits::MAX_PACKET_BYTES.min(blocks.memory_left()) {
            blocks.labels.add_gap("extended XMP that is too large");
            continue;
        }
        let mut packet = Vec::new();
        for piece in pieces {
            let fits = u64::from(piece.offset) == packet.len() as u64
                && piece.body.len() <= total - packet.len() as u64;
            let bytes = piece.body.get(0, piece.body.len()).filter(|_| fits);
            packet.extend_from_slice(bytes.unwrap_or_default());
        }
        if packet.len() as u64 == total {
            blocks.memory += total;
            blocks.xmp.push(MetadataBlock::Memory(packet));
        } else {
            blocks.labels.add_gap(BROKEN_EXTENSION);
        }
    }
}

/// Returns the width and height of the JPEG at the start of the view, from its frame header.
/// Returns `None` if the bytes up to the frame header are missing or broken.
pub(crate) fn frame_size_of(view: ByteView<'_>) -> Option<(u32, u32)> {
    segments(view)
        .map_while(Result::ok)
        .find(|segment| is_frame(segment.marker))
        .and_then(|s| frame_size(s.body))
}

fn read_app1(body: ByteView<'_>, blocks: &mut MetadataBlocks) {
    // Some writers put a few bytes before the identifier. ExifTool accepts up to four.
    if let Some(skipped) = (0..=4).find(|&skip| starts_with(body.from(skip), EXIF)) {
        blocks.tiffs.push(MetadataBlock::of_view(
            body.from(skipped + EXIF.len() as u64 + 1),
        ));
    } else if starts_with(body, XMP) {
        blocks
            .xmp
            .push(MetadataBlock::of_view(body.from(XMP.len() as u64)));
    } else if let Some(start) = odd_xmp_start(body) {
        blocks.xmp.push(MetadataBlock::of_view(body.from(start)));
    } else if matches!(
        body.array::<4>(6),
        Some([b'I', b'I', b'*', 0] | [b'M', b'M', 0, b'*'])
    ) {
        // The identifier is broken, but the TIFF header after it is valid.
        blocks.tiffs.push(MetadataBlock::of_view(body.from(6)));
    }
}

/// Returns the start of the XMP in a segment whose header is not the one of the standard: a broken
/// one, another one, or none. As ExifTool does (`ProcessJPEG` in ExifTool.pm), accepts a segment
/// that begins with `http` or `XMP`, or in which a packet begins. Returns `None` if there is no
/// XMP.
fn odd_xmp_start(body: ByteView<'_>) -> Option<u64> {
    let head = body.up_to(0, limits::MAX_XMP_HEADER_BYTES)?;
    let find = |what: &[u8]| head.windows(what.len()).position(|window| window == what);
    let start = if head.starts_with(b"http") || head.starts_with(b"XMP\0") {
        find(b"<")
    } else {
        find(b"<?xpacket").or_else(|| find(b"<x:xmpmeta"))
    };
    start.map(|start| start as u64)
}

fn starts_with(view: ByteView<'_>, what: &[u8]) -> bool {
    view.len() >= what.len() as u64 && view.get(0, what.len() as u64) == Some(what)
}

fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

fn frame_size(body: ByteView<'_>) -> Option<(u32, u32)> {
    let (height, width) = (body.be16(1)?, body.be16(3)?);
    Some((u32::from(width), u32::from(height)))
}

struct JpegSegment<'s> {
    marker: u8,
    body: ByteView<'s>,
    skipped: SkippedBytes,
}

/// The bytes between a segment and the one before it, which belong to neither. Padding with the
/// byte 0xff is allowed (ITU-T T.81 B.1.1.2) and does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SkippedBytes {
    None,
    Zeros,
    Other,
}

/// Adds a warning about skipped bytes, if there are any. If they are not zeros, they may be the end
/// of a segment with a wrong length. So metadata may be missing.
fn warn_of_skipped_bytes(skipped: SkippedBytes, blocks: &mut MetadataBlocks) {
    let warning = "JPEG with other bytes between its segments: they were skipped";
    if skipped == SkippedBytes::Other {
        blocks.labels.add_gap(warning);
    }
    let is_known = blocks.warnings.iter().any(|known| known == warning);
    let has_room = blocks.warnings.len() < limits::MAX_WARNINGS;
    if skipped != SkippedBytes::None && !is_known && has_room {
        blocks.warnings.push(warning.to_owned());
    }
}

/// The reason why the segments of a JPEG end before its first scan.
struct SegmentError {
    reason: &'static str,
    /// `true` if the file ends here.
    is_end: bool,
}

impl SegmentError {
    fn broken(reason: &'static str) -> Self {
        SegmentError {
            reason,
            is_end: false,
        }
    }
}

/// Returns the segments of a JPEG up to its first scan, which is the compressed picture. The body
/// of the scan is the rest of the file. If the segments end too early, the last item is an error.
fn segments(view: ByteView<'_>) -> impl Iterator<Item = Result<JpegSegment<'_>, SegmentError>> {
    let mut walk = SegmentWalk {
        view,
        at: 2,
        left: limits::MAX_SEGMENTS,
    };
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let next = walk.read_segment().transpose();
        is_over = !matches!(&next, Some(Ok(segment)) if segment.marker != SCAN);
        next
    })
}

/// The state of reading the segments of a JPEG.
struct SegmentWalk<'s> {
    view: ByteView<'s>,
    at: u64,
    left: usize,
}

impl<'s> SegmentWalk<'s> {
    /// Reads the next segment that has a body. Returns `None` at the end of the picture.
    fn read_segment(&mut self) -> Result<Option<JpegSegment<'s>>, SegmentError> {
        let mut skipped = SkippedBytes::None;
        loop {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return Err(SegmentError::broken("JPEG with too many segments"));
            }
            let Some([prefix, marker]) = self.view.array(self.at) else {
                return Err(SegmentError {
                    reason: "JPEG cut short before its picture",
                    is_end: self.at.saturating_add(2) > self.view.len(),
                });
            };
            match (prefix, marker) {
                (0xff, 0xff) => self.at += 1,
                // After other bytes, this is the start of another picture in these bytes.
                (0xff, START) if skipped != SkippedBytes::None => {
                    return Err(SegmentError::broken(OTHER_BYTES));
                }
                (0xff, 0x01 | 0xd0..=START) => self.at += 2,
                (0xff, 0xd9) => return Ok(None),
                (0xff, 1..) => return self.read_body(marker, skipped).map(Some),
                _ => skipped = self.skip_other_bytes()?,
            }
        }
    }

    /// Reads the body of the segment at the present position. The body of a scan is the rest of the
    /// file.
    fn read_body(
        &mut self,
        marker: u8,
        skipped: SkippedBytes,
    ) -> Result<JpegSegment<'s>, SegmentError> {
        let body = if marker == SCAN {
            self.view.from(self.at + 2)
        } else {
            let length = self.view.be16(self.at + 2).map(u64::from);
            let Some(length) = length.filter(|&length| length >= 2) else {
                return Err(SegmentError {
                    reason: "JPEG with a broken segment",
                    is_end: self.at.saturating_add(4) > self.view.len(),
                });
            };
            let body = self.view.part(self.at + 4, length - 2);
            self.at = self.at.saturating_add(2).saturating_add(length);
            body
        };
        Ok(JpegSegment {
            marker,
            body,
            skipped,
        })
    }

    /// Moves the position to the next marker, as decoders do (for example `next_marker` of
    /// libjpeg). Returns the kind of the bytes before it.
    fn skip_other_bytes(&mut self) -> Result<SkippedBytes, SegmentError> {
        // The marker is usually near. So the second range is rarely asked for.
        for length in [512, limits::MAX_SKIPPED_BYTES] {
            let Some(bytes) = self.view.up_to(self.at, length) else {
                break;
            };
            let is_marker = |pair: &[u8]| matches!(pair, [0xff, 1..=0xfe]);
            let end = bytes.windows(2).position(is_marker);
            let scanned = end.unwrap_or(bytes.len());
            if self
                .view
                .budget()
                .pay(Work::Bytes, scanned as u64)
                .is_none()
            {
                break;
            }
            if let Some(skipped) = end.and_then(|end| bytes.get(..end)) {
                self.at = self.at.saturating_add(skipped.len() as u64);
                return Ok(if skipped.iter().all(|&b| b == 0) {
                    SkippedBytes::Zeros
                } else {
                    SkippedBytes::Other
                });
            }
        }
        Err(SegmentError::broken(OTHER_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;
    use crate::tests::builders::{jpeg, segment};

    fn read_bytes(bytes: &[u8]) -> MetadataBlocks {
        let file = Sparse::whole(bytes);
        let mut blocks = MetadataBlocks::default();
        read_jpeg(file.view(), &mut blocks);
        blocks
    }

    #[test]
    fn exif_and_size_are_found() {
        let bytes = b"\xff\xd8\xff\xe1\0\x06abcd\xff\xff\xe1\0\x0cExif\0\0II*\0\xff\xc0\0\x07\x08\0\x02\0\x03\xff\xd9";
        let blocks = read_bytes(bytes);
        assert_eq!(blocks.size, Some((3, 2)));
        assert_eq!(
            blocks.tiffs,
            vec![MetadataBlock::File { start: 21, len: 4 }]
        );
        assert_eq!(blocks.warnings, Vec::<String>::new());
    }

    #[test]
    fn xmp_under_an_odd_header_is_found() {
        let xmp_of = |body: &[u8]| {
            let bytes = jpeg(&[segment(0xe1, body)]);
            let blocks = read_bytes(&bytes);
            let starts = blocks.xmp.iter().map(|block| match block {
                MetadataBlock::File { start, .. } => bytes[*start as usize..].starts_with(b"<"),
                MetadataBlock::Memory(_) => false,
            });
            starts.collect::<Vec<_>>()
        };
        let packet = b"<?xpacket begin=''?><x:xmpmeta/>";
        for header in [
            &b"http://ns.adobe.com/xap/1.0/\0"[..],
            b"http://ns.adobe.com/xap/1.0/ \0",
            b"http://ns.adobe.com/xap/1.0/\n",
            b"http://ns.adobe.com/xap/2.0/\0\0",
            b"https://example.org/",
            b"XMP\0",
            b"",
            b"\0\x01junk",
        ] {
            assert_eq!(xmp_of(&[header, packet].concat()), [true], "{header:?}");
        }
        assert_eq!(xmp_of(b"<x:xmpmeta/>"), [true]);
        assert_eq!(xmp_of(b"http://ns.adobe.com/xap/1.0/ <rdf:RDF/>"), [true]);
        assert_eq!(xmp_of(b"XMP\0<rdf:RDF/>"), [true]);
        for other in [&b"http://example.org/"[..], b"QVCI\0<", b"PARROT\0"] {
            assert_eq!(xmp_of(other), [false; 0]);
        }
    }

    #[test]
    fn a_cut_jpeg_has_a_warning() {
        assert_eq!(
            read_bytes(b"\xff\xd8\xff\xe1").warnings,
            vec!["JPEG with a broken segment"]
        );
        assert_eq!(
            read_bytes(b"\xff\xd8").warnings,
            vec!["JPEG cut short before its picture"]
        );
    }

    #[test]
    fn bytes_between_segments_are_skipped() {
        let read_after = |junk: &[u8]| {
            let start = b"\xff\xd8\xff\xe0\0\x04ab";
            let end = b"\xff\xe1\0\x0cExif\0\0II*\0\xff\xc0\0\x07\x08\0\x02\0\x03\xff\xda";
            read_bytes(&[&start[..], junk, end].concat())
        };
        let warning = ["JPEG with other bytes between its segments: they were skipped"];
        for zeros in [1, 6, 600] {
            let blocks = read_after(&vec![0; zeros]);
            assert_eq!((blocks.size, blocks.tiffs.len()), (Some((3, 2)), 1));
            assert_eq!(blocks.warnings, warning);
        }
        // A marker without a meaning, stuffed zeros, and bytes that may have been metadata.
        for junk in [
            &b"\xff\0"[..],
            b"\0\xff\0\0",
            b"Make",
            b"\xff\xff\0\xff\xff",
        ] {
            let blocks = read_after(junk);
            assert_eq!((blocks.size, blocks.tiffs.len()), (Some((3, 2)), 1));
            assert_eq!(blocks.warnings, warning);
        }
        // Padding is allowed.
        assert_eq!(read_after(b"\xff\xff").warnings, Vec::<String>::new());
        // A second picture is not read as this one.
        let other = b"Make\xff\xd8\xff\xc0\0\x07\x08\0\x01\0\x01";
        assert_eq!(read_after(other).size, None);
        assert_eq!(read_after(other).warnings, [OTHER_BYTES]);
    }

    #[test]
    fn skipped_bytes_have_a_limit() {
        let limit = usize::try_from(limits::MAX_SKIPPED_BYTES).expect("small");
        let read_after = |junk: usize| {
            let mut bytes = b"\xff\xd8".to_vec();
            bytes.resize(2 + junk, 0);
            bytes.extend(b"\xff\xc0\0\x07\x08\0\x02\0\x03\xff\xda");
            read_bytes(&bytes)
        };
        assert_eq!(read_after(limit - 2).size, Some((3, 2)));
        assert_eq!(read_after(limit).size, None);
        assert_eq!(read_after(limit).warnings, [OTHER_BYTES]);
    }
}
