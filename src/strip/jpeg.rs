//! Strips a JPEG.
//!
//! A JPEG is a sequence of segments. Each begins with a marker, which is 0xFF and another byte: SOI
//! begins the image, SOF begins the frame, SOS begins a scan (the compressed pixels), EOI ends the
//! image, and APP0 to APP15 begin application segments, such as JFIF, Exif and ICC.
//!
//! These segments stay: JFIF without its thumbnail, the colours of the ICC profile, Adobe's
//! transform flag, and the segments that a decoder needs, if they are well-formed. These are
//! removed: Exif, XMP, extended XMP, IPTC, multi-picture and all other application segments,
//! comments, and bytes between segments. Everything after the end of the image is also removed,
//! because phones put more pictures and films there, with their own Exif. [ITU-T T.81 B.1 and B.2;
//! Exif 3.0, 4.5.4 and 4.7; ICC.1 B.4]
//!
//! If the image has no end, other data may follow the pixels without a mark. So a scan is kept only
//! if the next marker may follow a scan. A JPEG is refused if it has no such scan, or if it has
//! other bytes between its scans.

use std::ops::Range;

use bytes::Bytes;

use super::colour_profile::{MAX_PROFILE_BYTES, rewrite_profile};
use super::edit_list::{EditList, MAX_SPANS, NotStrippable, Span};
use super::exif_block::{AddedMetadata, EXIF_HEADER, parse_orientation};

const DHT: u8 = 0xc4;
/// The marker JPG, which is reserved.
const JPG: u8 = 0xc8;
const DAC: u8 = 0xcc;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const DQT: u8 = 0xdb;
const DNL: u8 = 0xdc;
const DRI: u8 = 0xdd;
const DHP: u8 = 0xde;
const EXP: u8 = 0xdf;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COM: u8 = 0xfe;

const JFIF: &[u8] = b"JFIF\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const ADOBE: &[u8] = b"Adobe";
/// The number of bytes of JFIF data that stay: identifier, version, density, and the size of a
/// thumbnail with 0 by 0 pixels.
const JFIF_BYTES: usize = 14;
/// The number of data bytes of Adobe's segment. The last one is the transform flag, which stays.
const ADOBE_BYTES: usize = 12;
/// The maximum number of profile bytes in one segment: its maximum length, without the length
/// itself, the identifier, and the number and count of the segments.
const MAX_CHUNK_BYTES: usize = 65_535 - 2 - ICC.len() - 2;

/// A scanner that receives the bytes of a JPEG in order, and builds the edit list of the picture
/// ([`EditList`]).
#[derive(Debug)]
pub(crate) struct JpegScanner {
    state: JpegState,
    /// The offset of the next byte in the file.
    offset: u64,
    /// The new JFIF segment.
    jfif: Option<Span>,
    /// The new segment with Adobe's transform flag.
    adobe: Option<Span>,
    profile: ProfileChunks,
    orientation: Option<u8>,
    /// The spans after SOI and the application segments.
    spans: Vec<Span>,
    seen_frame: bool,
    /// `true` if a scan has been kept.
    kept_scan: bool,
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
    /// The scanner is in entropy-coded data (the compressed pixels). Its SOS segment begins at
    /// `start`. `fill` is `true` if the last byte was 0xFF.
    Scan { start: u64, fill: bool },
    /// The scanner is after the end of the image: after EOI, or after a scan that does not end.
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
            jfif: None,
            adobe: None,
            profile: ProfileChunks::default(),
            orientation: None,
            spans: Vec::new(),
            seen_frame: false,
            kept_scan: false,
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

    /// Returns the edit list. Of a picture that does not end, the complete scans are kept. The
    /// stripped picture keeps its orientation. If the picture has no orientation, it gets that of
    /// `added`.
    ///
    /// # Errors
    /// Returns [`NotStrippable`] if the bytes are not a well-formed JPEG, or if no scan is
    /// complete.
    pub(crate) fn finish(self, added: &AddedMetadata) -> Result<EditList, NotStrippable> {
        if !self.kept_scan
            || matches!(self.state, JpegState::Broken)
            || self.spans.len() > MAX_SPANS
        {
            return Err(NotStrippable);
        }
        let mut spans = vec![made_span(&[0xff, SOI])];
        spans.extend(self.jfif);
        if let Some(tiff) = added.build_tiff(self.orientation) {
            spans.push(make_segment(APP1, &[EXIF_HEADER, &tiff]));
        }
        spans.extend(self.profile.make_segments());
        spans.extend(self.adobe);
        spans.extend(self.spans);
        spans.push(made_span(&[0xff, EOI]));
        Ok(EditList::new(spans))
    }

    /// Scans one byte, which is at `self.offset`.
    fn scan_byte(&mut self, byte: u8) {
        let here = self.offset;
        match &mut self.state {
            JpegState::Start(0) if byte == 0xff => self.state = JpegState::Start(1),
            JpegState::Start(1) if byte == SOI => {
                self.state = JpegState::Between { fill: false };
            }
            JpegState::Start(_) => self.state = JpegState::Broken,
            // Decoders skip bytes between segments that are not a marker. They are removed.
            JpegState::Between { fill } if byte == 0xff => *fill = true,
            JpegState::Between { fill: true } => self.handle_marker(byte, here - 1),
            // The image may have no end, and other data follows it.
            JpegState::Between { .. } if self.kept_scan => self.state = JpegState::Broken,
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
                marker if may_follow_scan(marker) => {
                    let start = *start;
                    self.keep(start..here - 1);
                    self.kept_scan = true;
                    self.handle_marker(marker, here - 1);
                }
                // The scan does not end: these bytes are no pixels.
                _ => self.state = JpegState::End,
            },
            JpegState::Segment { .. } | JpegState::End | JpegState::Broken => {}
        }
    }

    /// Changes to the state after a marker. The 0xFF of the marker is at `start`.
    fn handle_marker(&mut self, marker: u8, start: u64) {
        self.state = match marker {
            // A second image begins without an end of the first.
            EOI | SOI if self.kept_scan => JpegState::End,
            EOI | SOI | JPG | DHP | EXP => JpegState::Broken,
            // Markers without a segment do not belong here, so they are skipped.
            0x00 | 0x01 | 0xd0..=0xd7 if !self.kept_scan => JpegState::Between { fill: false },
            0x00 | 0x01 | 0xd0..=0xd7 => JpegState::Broken,
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
            APP0 if head.starts_with(JFIF) && head.len() >= JFIF_BYTES => {
                // The two zeros are the size of the thumbnail, which is removed.
                let segment = || make_segment(APP0, &[&head[..JFIF_BYTES - 2], &[0, 0]]);
                self.jfif.get_or_insert_with(segment);
            }
            APP1 if head.starts_with(EXIF_HEADER) && self.orientation.is_none() => {
                self.orientation = parse_orientation(&head);
            }
            APP2 => {
                if let Some(chunk) = head.strip_prefix(ICC) {
                    self.profile.add(chunk);
                }
            }
            APP14 if head.starts_with(ADOBE) && head.len() >= ADOBE_BYTES => {
                let transform = head[ADOBE_BYTES - 1];
                let segment = || make_segment(APP14, &[ADOBE, &[0, 100, 0, 0, 0, 0, transform]]);
                self.adobe.get_or_insert_with(segment);
            }
            SOS if self.seen_frame && is_well_formed(SOS, &head) => {
                self.state = JpegState::Scan { start, fill: false };
            }
            marker if is_frame(marker) && !self.seen_frame && is_well_formed(marker, &head) => {
                self.seen_frame = true;
                self.keep(whole);
            }
            DHT | DAC | DQT | DRI | DNL if is_well_formed(marker, &head) => self.keep(whole),
            marker if is_essential(marker) => self.state = JpegState::Broken,
            // All other segments are removed.
            _ => {}
        }
    }

    /// Adds a range of the file to the spans that stay.
    fn keep(&mut self, range: Range<u64>) {
        let full = self.spans.len() > MAX_SPANS;
        match self.spans.last_mut() {
            Some(Span::Kept(last)) if last.end == range.start => last.end = range.end,
            // `finish` fails if there is one span too many, so no more are added.
            _ if full => {}
            _ => self.spans.push(Span::Kept(range)),
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
        APP1 | APP2 => remaining,
        APP0 | APP14 => remaining.min(16),
        marker if is_essential(marker) => remaining,
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

/// Reports whether a marker begins a frame.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && ![DHT, JPG, DAC].contains(&marker)
}

/// Reports whether a decoder needs the segment of this marker.
fn is_essential(marker: u8) -> bool {
    is_frame(marker) || matches!(marker, DHT | DAC | SOS | DQT | DNL | DRI)
}

/// Reports whether this marker may be the first one after a scan.
fn may_follow_scan(marker: u8) -> bool {
    matches!(
        marker,
        EOI | SOS | DHT | DAC | DQT | DNL | DRI | APP0..=APP15 | COM
    )
}

/// Reports whether the data of a segment has the length that its content requires. In a longer
/// segment, other bytes could follow the content [ITU-T T.81 B.2.2 to B.2.5].
fn is_well_formed(marker: u8, data: &[u8]) -> bool {
    let count_at = |at: usize| data.get(at).map_or(0, |count| usize::from(*count));
    match marker {
        DQT => have_whole_parts(data, |part| {
            let wide = part.first().is_some_and(|head| head >> 4 != 0);
            Some(if wide { 129 } else { 65 })
        }),
        DHT => have_whole_parts(data, |part| {
            let counts = part.get(1..17)?.iter();
            Some(17 + counts.map(|count| usize::from(*count)).sum::<usize>())
        }),
        DAC => !data.is_empty() && data.len().is_multiple_of(2),
        DRI | DNL => data.len() == 2,
        SOS => count_at(0) > 0 && data.len() == 4 + 2 * count_at(0),
        _ => count_at(5) > 0 && data.len() == 6 + 3 * count_at(5),
    }
}

/// Reports whether data consists of one or more whole parts. `part_bytes` returns the length of the
/// part at the beginning of the data that it gets.
fn have_whole_parts(mut data: &[u8], part_bytes: impl Fn(&[u8]) -> Option<usize>) -> bool {
    if data.is_empty() {
        return false;
    }
    while !data.is_empty() {
        match part_bytes(data).and_then(|length| data.get(length..)) {
            Some(rest) => data = rest,
            None => return false,
        }
    }
    true
}

/// The ICC profile of a JPEG, which is divided into chunks: one in each segment.
#[derive(Debug, Default)]
struct ProfileChunks {
    /// The bytes of the chunks so far.
    profile: Vec<u8>,
    /// The number of chunks so far.
    chunks: u8,
    /// The number of chunks of the whole profile.
    count: u8,
    /// `true` if the chunks do not fit together. The profile is then removed.
    broken: bool,
}

impl ProfileChunks {
    /// Adds the next chunk. It begins with its number, from 1, and the number of chunks [ICC.1
    /// B.4].
    fn add(&mut self, chunk: &[u8]) {
        let Some(([number, count], bytes)) = chunk.split_first_chunk::<2>() else {
            self.broken = true;
            return;
        };
        let is_next = self.chunks.checked_add(1) == Some(*number)
            && (self.chunks == 0 || self.count == *count)
            && self.profile.len() + bytes.len() <= MAX_PROFILE_BYTES;
        if is_next && !self.broken {
            (self.chunks, self.count) = (*number, *count);
            self.profile.extend_from_slice(bytes);
        } else {
            self.broken = true;
            self.profile = Vec::new();
        }
    }

    /// Returns the segments of the rewritten profile. Returns none if there is no complete profile.
    fn make_segments(&self) -> Vec<Span> {
        let complete = !self.broken && self.chunks > 0 && self.chunks == self.count;
        let Some(profile) = complete.then(|| rewrite_profile(&self.profile)).flatten() else {
            return Vec::new();
        };
        let chunks = profile.chunks(MAX_CHUNK_BYTES);
        // A profile in more than 255 segments is removed.
        let Ok(count) = u8::try_from(chunks.len()) else {
            return Vec::new();
        };
        (1..=count)
            .zip(chunks)
            .map(|(number, chunk)| make_segment(APP2, &[ICC, &[number, count], chunk]))
            .collect()
    }
}

fn made_span(bytes: &'static [u8]) -> Span {
    Span::Made(Bytes::from_static(bytes))
}

/// Builds a new segment with this marker and this data, which must have at most 65,533 bytes.
fn make_segment(marker: u8, payload: &[&[u8]]) -> Span {
    let payload = payload.concat();
    let length = (payload.len() as u16 + 2).to_be_bytes();
    Span::Made([&[0xff, marker], &length[..], &payload].concat().into())
}

#[cfg(test)]
mod tests;
