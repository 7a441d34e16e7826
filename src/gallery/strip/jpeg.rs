//! Strips a JPEG. Kept: JFIF (without its thumbnail), the ICC profile, Adobe's transform flag, and what a decoder
//! needs. Gone: Exif, XMP, extended XMP, IPTC, multi-picture and every other application segment, comments, what stands
//! between segments, and everything after the end of the image, where phones put further pictures and films with Exif
//! of their own. [ITU-T T.81 B.1; Exif 3.0, 4.5.4 and 4.7; ICC.1 B.4]

use std::ops::Range;

use super::{EXIF, Edit, MAX_PIECES, NotStrippable, Piece, orientation, orientation_tiff};

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
/// Length of what is kept of JFIF: identifier, version, density, and a thumbnail of 0 by 0.
const JFIF_BYTES: usize = 14;
/// Length of Adobe's segment.
const ADOBE_BYTES: usize = 12;

/// Reads a JPEG, fed in order, and notes what of it is kept.
#[derive(Debug)]
pub(crate) struct JpegScanner {
    state: State,
    /// Offset in the file of the next byte.
    offset: u64,
    pieces: Vec<Piece>,
    /// Where in `pieces` our Exif belongs: after SOI and JFIF.
    exif_at: Option<usize>,
    orientation: Option<u8>,
    seen_jfif: bool,
    seen_scan: bool,
}

#[derive(Debug)]
enum State {
    /// Before SOI: how many of its bytes are there.
    Start(u8),
    /// Between segments; whether the last byte was 0xFF.
    Between { fill: bool },
    /// In the length of a segment.
    Length {
        marker: u8,
        start: u64,
        high: Option<u8>,
    },
    /// In a segment: what has come of it, where that matters, and how much is to come.
    Segment {
        marker: u8,
        start: u64,
        head: Vec<u8>,
        head_bytes: usize,
        remaining: usize,
    },
    /// In entropy-coded data that began here; whether the last byte was 0xFF.
    Scan { start: u64, fill: bool },
    /// Past EOI.
    End,
    /// Not to be saved.
    Broken,
}

impl JpegScanner {
    /// A scanner for a JPEG that begins at this offset of the file.
    pub(crate) fn new(offset: u64) -> Self {
        JpegScanner {
            state: State::Start(0),
            offset,
            pieces: Vec::new(),
            exif_at: None,
            orientation: None,
            seen_jfif: false,
            seen_scan: false,
        }
    }

    /// Takes the next bytes. Returns false when no more are of use.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((&byte, rest)) = bytes.split_first() {
            match &mut self.state {
                State::End | State::Broken => return false,
                // The two states that hold nearly all bytes take them in one go.
                State::Segment {
                    head,
                    head_bytes,
                    remaining,
                    ..
                } if *remaining > 0 => {
                    let (now, later) = bytes.split_at((*remaining).min(bytes.len()));
                    let wanted = head_bytes.saturating_sub(head.len()).min(now.len());
                    head.extend_from_slice(now.get(..wanted).unwrap_or_default());
                    *remaining -= now.len();
                    self.offset += now.len() as u64;
                    bytes = later;
                    self.end_segment();
                    continue;
                }
                State::Scan { fill: false, .. } => {
                    let plain = bytes
                        .iter()
                        .position(|byte| *byte == 0xff)
                        .unwrap_or(bytes.len());
                    self.offset += plain as u64;
                    bytes = bytes.get(plain..).unwrap_or_default();
                    if let (State::Scan { fill, .. }, Some((_, rest))) =
                        (&mut self.state, bytes.split_first())
                    {
                        *fill = true;
                        self.offset += 1;
                        bytes = rest;
                    }
                    continue;
                }
                _ => {}
            }
            self.step(byte);
            self.offset += 1;
            self.end_segment();
            bytes = rest;
        }
        !matches!(self.state, State::End | State::Broken)
    }

    /// The edit list, once all bytes are in: of a picture that ends early, what there is of it. Turned as the file says
    /// or, where it does not say, as `orientation` does.
    ///
    /// # Errors
    /// It is no JPEG, or ends before its picture begins.
    pub(crate) fn finish(mut self, orientation: Option<u8>) -> Result<Edit, NotStrippable> {
        if let State::Scan { start, .. } = self.state {
            self.keep(start..self.offset);
        }
        if !self.seen_scan || matches!(self.state, State::Broken) || self.pieces.len() > MAX_PIECES
        {
            return Err(NotStrippable);
        }
        if let (Some(at), Some(value @ 2..=8)) = (self.exif_at, self.orientation.or(orientation)) {
            self.pieces.insert(at, exif_with_orientation(value));
        }
        Ok(Edit::new(self.pieces))
    }

    /// Takes one byte, at `self.offset`.
    fn step(&mut self, byte: u8) {
        let here = self.offset;
        match &mut self.state {
            State::Start(0) if byte == 0xff => self.state = State::Start(1),
            State::Start(1) if byte == SOI => {
                self.keep(here - 1..here + 1);
                self.state = State::Between { fill: false };
            }
            State::Start(_) => self.state = State::Broken,
            // What is not a marker between segments is passed over, as decoders do, and not kept.
            State::Between { fill } if byte == 0xff => *fill = true,
            State::Between { fill: true } => self.marker(byte, here - 1),
            State::Between { .. } => {}
            State::Length {
                marker,
                start,
                high,
            } => match *high {
                None => *high = Some(byte),
                Some(high) => {
                    let (marker, start) = (*marker, *start);
                    self.state = match usize::from(u16::from_be_bytes([high, byte])).checked_sub(2)
                    {
                        None => State::Broken,
                        Some(remaining) => {
                            let head_bytes = match marker {
                                APP1 => remaining,
                                APP0 | APP2 | APP14 => remaining.min(16),
                                _ => 0,
                            };
                            State::Segment {
                                marker,
                                start,
                                head: Vec::new(),
                                head_bytes,
                                remaining,
                            }
                        }
                    };
                }
            },
            State::Scan { start, fill } => match byte {
                // A stuffed byte, or a restart marker.
                0x00 | 0xd0..=0xd7 => *fill = false,
                0xff => {}
                marker => {
                    let start = *start;
                    self.keep(start..here - 1);
                    self.marker(marker, here - 1);
                }
            },
            State::Segment { .. } | State::End | State::Broken => {}
        }
    }

    /// A marker whose 0xFF is at `start`.
    fn marker(&mut self, marker: u8, start: u64) {
        self.state = match marker {
            EOI if self.seen_scan => {
                self.keep(start..start + 2);
                State::End
            }
            EOI => State::Broken,
            // Markers without a segment have no business here.
            0x00 | 0x01 | 0xd0..=SOI => State::Between { fill: false },
            _ => State::Length {
                marker,
                start,
                high: None,
            },
        };
    }

    /// Settles a segment whose last byte has come.
    fn end_segment(&mut self) {
        let State::Segment {
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
        self.state = State::Between { fill: false };
        match marker {
            APP0 if head.starts_with(JFIF) && head.len() >= JFIF_BYTES && !self.seen_jfif => {
                self.seen_jfif = true;
                // Its thumbnail is gone: 0 by 0.
                self.push(segment(APP0, &[&head[..JFIF_BYTES - 2], &[0, 0]]));
            }
            APP1 if head.starts_with(EXIF) && self.orientation.is_none() => {
                self.orientation = orientation(&head);
            }
            APP2 if head.starts_with(ICC) => self.keep_essential(whole),
            APP14 if head.starts_with(ADOBE) && head.len() >= ADOBE_BYTES => {
                self.exif_goes_here();
                self.push(segment(APP14, &[&head[..ADOBE_BYTES]]));
            }
            SOS => {
                self.keep_essential(whole);
                self.seen_scan = true;
                self.state = State::Scan {
                    start: self.offset,
                    fill: false,
                };
            }
            // Frames, tables, restart intervals, numbers of lines [B.1.1.3]; of APPn, JPGn, COM and RES nothing.
            0xc0..=0xcf | 0xdb..=0xdf => self.keep_essential(whole),
            _ => {}
        }
    }

    /// Keeps a segment that may not stand before our Exif.
    fn keep_essential(&mut self, range: Range<u64>) {
        self.exif_goes_here();
        self.keep(range);
    }

    fn exif_goes_here(&mut self) {
        self.exif_at.get_or_insert(self.pieces.len());
    }

    fn keep(&mut self, range: Range<u64>) {
        // Our Exif must find its place between two pieces.
        let split = self.exif_at == Some(self.pieces.len());
        match self.pieces.last_mut() {
            Some(Piece::Kept(last)) if last.end == range.start && !split => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.push(Piece::Kept(range)),
        }
    }

    /// One more than may be tells `finish` that there were too many.
    fn push(&mut self, piece: Piece) {
        if self.pieces.len() <= MAX_PIECES {
            self.pieces.push(piece);
        }
    }
}

/// A segment of our own.
fn segment(marker: u8, payload: &[&[u8]]) -> Piece {
    let payload = payload.concat();
    // Ours are a few bytes long.
    let length = (payload.len() as u16 + 2).to_be_bytes();
    Piece::Made([&[0xff, marker], &length[..], &payload].concat().into())
}

/// An Exif segment that says nothing but the orientation.
fn exif_with_orientation(orientation: u8) -> Piece {
    segment(APP1, &[EXIF, &orientation_tiff(orientation)])
}

#[cfg(test)]
mod tests;
