//! Strips a JPEG.
//!
//! A JPEG is a sequence of segments. Each begins with a marker, which is 0xFF and another byte: SOI
//! begins the image, SOS begins the compressed pixels, EOI ends the image, and APP0 to APP15 begin
//! application segments, such as JFIF, Exif and ICC.
//!
//! These segments stay: JFIF without its thumbnail, the ICC profile (the colours), Adobe's
//! transform flag, and the segments that a decoder needs. These are removed: Exif, XMP, extended
//! XMP, IPTC, multi-picture and all other application segments, comments, and bytes between
//! segments. Everything after the end of the image is also removed, because phones put more
//! pictures and films there, with their own Exif. [ITU-T T.81 B.1; Exif 3.0, 4.5.4 and 4.7; ICC.1
//! B.4]

use std::ops::Range;

use super::edit_list::{EditList, MAX_SPANS, NotStrippable, Span};
use super::orientation::{EXIF_HEADER, orientation_tiff, parse_orientation};

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;

const JFIF: &[u8] = b"JFIF\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const ADOBE: &[u8] = b"Adobe";
/// The number of bytes of JFIF data that stay: identifier, version, density, and the size of a
/// thumbnail with 0 by 0 pixels.
const JFIF_BYTES: usize = 14;
/// The number of data bytes of Adobe's segment that stay.
const ADOBE_BYTES: usize = 12;

/// A scanner that receives the bytes of a JPEG in order, and builds the edit list of the picture
/// ([`EditList`]).
#[derive(Debug)]
pub(crate) struct JpegScanner {
    state: JpegState,
    /// The offset of the next byte in the file.
    offset: u64,
    spans: Vec<Span>,
    /// The index in `spans` at which the new Exif segment is inserted, after SOI and JFIF. `None`
    /// until the scanner has reached this place.
    exif_at: Option<usize>,
    orientation: Option<u8>,
    seen_jfif: bool,
    seen_scan: bool,
}

#[derive(Debug)]
enum JpegState {
    /// The scanner is in SOI, the first marker. The field is the number of its bytes that have
    /// arrived.
    Start(u8),
    /// The scanner is between segments. `fill` is `true` if the last byte was 0xFF.
    Between { fill: bool },
    /// The scanner is in the two bytes with the length of a segment.
    Length {
        marker: u8,
        start: u64,
        high: Option<u8>,
    },
    /// The scanner is in a segment, which begins at `start`. `head` contains the first bytes of the
    /// segment's data, at most `head_bytes` of them. `remaining` is the number of bytes of the
    /// segment that have not arrived.
    Segment {
        marker: u8,
        start: u64,
        head: Vec<u8>,
        head_bytes: usize,
        remaining: usize,
    },
    /// The scanner is in entropy-coded data (the compressed pixels), which begins at `start`.
    /// `fill` is `true` if the last byte was 0xFF.
    Scan { start: u64, fill: bool },
    /// The scanner is after EOI, the end of the image.
    End,
    /// The bytes are not a JPEG.
    Broken,
}

impl JpegScanner {
    /// Builds a scanner for a JPEG that begins at this byte offset of the file.
    pub(crate) fn new(offset: u64) -> Self {
        JpegScanner {
            state: JpegState::Start(0),
            offset,
            spans: Vec::new(),
            exif_at: None,
            orientation: None,
            seen_jfif: false,
            seen_scan: false,
        }
    }

    /// Scans the next bytes. Returns `false` if the scanner needs no more bytes.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = match &self.state {
                JpegState::End | JpegState::Broken => return false,
                // Nearly all bytes are in these two states, so many bytes are scanned at once.
                JpegState::Segment { remaining, .. } if *remaining > 0 => self.scan_segment(bytes),
                JpegState::Scan { fill: false, .. } => self.scan_entropy_coded(bytes),
                _ => {
                    self.scan_byte(byte);
                    self.offset += 1;
                    self.end_segment();
                    rest
                }
            };
        }
        !matches!(self.state, JpegState::End | JpegState::Broken)
    }

    /// Scans the bytes that belong to the present segment. Returns the bytes after the segment.
    fn scan_segment<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let JpegState::Segment {
            head,
            head_bytes,
            remaining,
            ..
        } = &mut self.state
        else {
            return bytes;
        };
        let (now, later) = bytes.split_at((*remaining).min(bytes.len()));
        let wanted = head_bytes.saturating_sub(head.len()).min(now.len());
        head.extend_from_slice(now.get(..wanted).unwrap_or_default());
        *remaining -= now.len();
        self.offset += now.len() as u64;
        self.end_segment();
        later
    }

    /// Scans entropy-coded bytes (the compressed pixels) up to and including the next 0xFF. Returns
    /// the bytes after this 0xFF.
    fn scan_entropy_coded<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let plain = bytes
            .iter()
            .position(|byte| *byte == 0xff)
            .unwrap_or(bytes.len());
        self.offset += plain as u64;
        let bytes = bytes.get(plain..).unwrap_or_default();
        match (&mut self.state, bytes.split_first()) {
            (JpegState::Scan { fill, .. }, Some((_, rest))) => {
                *fill = true;
                self.offset += 1;
                rest
            }
            _ => bytes,
        }
    }

    /// Returns the edit list. If the picture is truncated, the bytes that exist are kept. The
    /// stripped picture keeps its orientation. If the picture has no orientation, it gets
    /// `orientation`.
    ///
    /// # Errors
    /// Returns [`NotStrippable`] if the bytes are not a JPEG, or if they end before the pixels
    /// begin.
    pub(crate) fn finish(mut self, orientation: Option<u8>) -> Result<EditList, NotStrippable> {
        if let JpegState::Scan { start, .. } = self.state {
            self.keep(start..self.offset);
        }
        if !self.seen_scan
            || matches!(self.state, JpegState::Broken)
            || self.spans.len() > MAX_SPANS
        {
            return Err(NotStrippable);
        }
        if let (Some(at), Some(value @ 2..=8)) = (self.exif_at, self.orientation.or(orientation)) {
            self.spans.insert(at, make_exif_segment(value));
        }
        Ok(EditList::new(self.spans))
    }

    /// Scans one byte, which is at `self.offset`.
    fn scan_byte(&mut self, byte: u8) {
        let here = self.offset;
        match &mut self.state {
            JpegState::Start(0) if byte == 0xff => self.state = JpegState::Start(1),
            JpegState::Start(1) if byte == SOI => {
                self.keep(here - 1..here + 1);
                self.state = JpegState::Between { fill: false };
            }
            JpegState::Start(_) => self.state = JpegState::Broken,
            // Decoders skip bytes between segments that are not a marker. They are removed.
            JpegState::Between { fill } if byte == 0xff => *fill = true,
            JpegState::Between { fill: true } => self.handle_marker(byte, here - 1),
            JpegState::Between { .. } => {}
            JpegState::Length {
                marker,
                start,
                high,
            } => match *high {
                None => *high = Some(byte),
                Some(high) => {
                    let length = u16::from_be_bytes([high, byte]);
                    self.state = begin_segment(*marker, *start, length);
                }
            },
            JpegState::Scan { start, fill } => match byte {
                // This is a stuffed byte or a restart marker. The data goes on after it.
                0x00 | 0xd0..=0xd7 => *fill = false,
                0xff => {}
                marker => {
                    let start = *start;
                    self.keep(start..here - 1);
                    self.handle_marker(marker, here - 1);
                }
            },
            JpegState::Segment { .. } | JpegState::End | JpegState::Broken => {}
        }
    }

    /// Changes to the state after a marker. The 0xFF of the marker is at `start`.
    fn handle_marker(&mut self, marker: u8, start: u64) {
        self.state = match marker {
            EOI if self.seen_scan => {
                self.keep(start..start + 2);
                JpegState::End
            }
            EOI => JpegState::Broken,
            // Markers without a segment do not belong here, so they are skipped.
            0x00 | 0x01 | 0xd0..=SOI => JpegState::Between { fill: false },
            _ => JpegState::Length {
                marker,
                start,
                high: None,
            },
        };
    }

    /// Handles a segment whose bytes have all arrived: keeps it or removes it.
    fn end_segment(&mut self) {
        let JpegState::Segment {
            marker,
            start,
            head,
            remaining: 0,
            ..
        } = &mut self.state
        else {
            return;
        };
        let (marker, start, head) = (*marker, *start, std::mem::take(head));
        let whole = start..self.offset;
        self.state = JpegState::Between { fill: false };
        match marker {
            APP0 if head.starts_with(JFIF) && head.len() >= JFIF_BYTES && !self.seen_jfif => {
                self.seen_jfif = true;
                // The two zeros are the size of the thumbnail, which is removed.
                self.push(make_segment(APP0, &[&head[..JFIF_BYTES - 2], &[0, 0]]));
            }
            APP1 if head.starts_with(EXIF_HEADER) && self.orientation.is_none() => {
                self.orientation = parse_orientation(&head);
            }
            APP2 if head.starts_with(ICC) => self.keep_essential(whole),
            APP14 if head.starts_with(ADOBE) && head.len() >= ADOBE_BYTES => {
                self.mark_exif_place();
                self.push(make_segment(APP14, &[&head[..ADOBE_BYTES]]));
            }
            SOS => {
                self.keep_essential(whole);
                self.seen_scan = true;
                self.state = JpegState::Scan {
                    start: self.offset,
                    fill: false,
                };
            }
            // These are frames, tables, restart intervals and numbers of lines [B.1.1.3]. APPn,
            // JPGn, COM and RES are removed.
            0xc0..=0xcf | 0xdb..=0xdf => self.keep_essential(whole),
            _ => {}
        }
    }

    /// Keeps a segment that must come after the new Exif segment.
    fn keep_essential(&mut self, range: Range<u64>) {
        self.mark_exif_place();
        self.keep(range);
    }

    /// Sets the place of the new Exif segment, if it is not set yet.
    fn mark_exif_place(&mut self) {
        self.exif_at.get_or_insert(self.spans.len());
    }

    /// Adds a range of the file to the spans that stay.
    fn keep(&mut self, range: Range<u64>) {
        // The new Exif segment is inserted between two spans, so these two must not be joined.
        let split = self.exif_at == Some(self.spans.len());
        match self.spans.last_mut() {
            Some(Span::Kept(last)) if last.end == range.start && !split => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.push(Span::Kept(range)),
        }
    }

    /// Adds a span. Adds nothing if there is one span too many already, because `finish` fails in
    /// that case.
    fn push(&mut self, span: Span) {
        if self.spans.len() <= MAX_SPANS {
            self.spans.push(span);
        }
    }
}

/// Returns the state of the scanner at the beginning of a segment. `length` is the length of the
/// segment, which includes the two bytes of the length itself.
fn begin_segment(marker: u8, start: u64, length: u16) -> JpegState {
    let Some(remaining) = usize::from(length).checked_sub(2) else {
        return JpegState::Broken;
    };
    let head_bytes = match marker {
        APP1 => remaining,
        APP0 | APP2 | APP14 => remaining.min(16),
        _ => 0,
    };
    JpegState::Segment {
        marker,
        start,
        head: Vec::new(),
        head_bytes,
        remaining,
    }
}

/// Builds a new segment with this marker and this data.
fn make_segment(marker: u8, payload: &[&[u8]]) -> Span {
    let payload = payload.concat();
    // The segments written here are only a few bytes long.
    let length = (payload.len() as u16 + 2).to_be_bytes();
    Span::Made([&[0xff, marker], &length[..], &payload].concat().into())
}

/// Builds an Exif segment that contains only the orientation.
fn make_exif_segment(orientation: u8) -> Span {
    make_segment(APP1, &[EXIF_HEADER, &orientation_tiff(orientation)])
}

#[cfg(test)]
mod tests;
