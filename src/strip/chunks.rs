//! Strips the formats that are a sequence of chunks: PNG and WebP.
//!
//! A list names the chunks that are kept. Text, time, Exif, XMP and all unknown chunks are removed,
//! and so is everything after the end of the picture.
//! [PNG 3rd edition, 5 and 11; RFC 9649 (WebP), 2]

use std::ops::Range;

use flate2::Crc;

use super::edit_list::{EditList, MAX_SPANS, NotStrippable, Span};
use super::orientation::{orientation_tiff, parse_orientation};

/// How many bytes of an Exif chunk are searched for the orientation. It is near the beginning.
const MAX_EXIF_BYTES: usize = 64 * 1024;
/// The length of the data of a `VP8X` chunk, in bytes.
const VP8X_BYTES: usize = 10;
/// Flags in the first byte of `VP8X`.
const VP8X_EXIF: u8 = 0x08;
const VP8X_XMP: u8 = 0x04;
const VP8X_ANIMATION: u8 = 0x02;

/// How the chunks of a format are written, and which of them are kept.
#[derive(Debug)]
pub(super) struct ChunkRules {
    format: ChunkFormat,
    /// The length of what comes before the first chunk, in bytes.
    prelude_bytes: usize,
    /// The length of the checksum after the data of a chunk, in bytes.
    checksum_bytes: u64,
    /// The chunks that are kept.
    kept: &'static [&'static [u8; 4]],
    /// The chunks that contain pixels. When one has begun, there is something to show.
    pixels: &'static [&'static [u8; 4]],
    /// The chunk that contains Exif.
    exif: &'static [u8; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkFormat {
    Png,
    WebP,
}

/// PNG, including animated PNG.
pub(super) const PNG: ChunkRules = ChunkRules {
    format: ChunkFormat::Png,
    prelude_bytes: 8,
    checksum_bytes: 4,
    kept: &[
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
        b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT",
    ],
    pixels: &[b"IDAT"],
    exif: b"eXIf",
};

/// WebP. An animated WebP has chunks inside chunks and is refused. No camera writes one.
pub(super) const WEBP: ChunkRules = ChunkRules {
    format: ChunkFormat::WebP,
    prelude_bytes: 12,
    checksum_bytes: 0,
    kept: &[b"VP8 ", b"VP8L", b"ALPH", b"ICCP"],
    pixels: &[b"VP8 ", b"VP8L"],
    exif: b"EXIF",
};

/// A scanner that receives the bytes of a PNG or a WebP in order and builds its edit list.
#[derive(Debug)]
pub(crate) struct ChunkScanner {
    rules: &'static ChunkRules,
    state: ChunkState,
    /// The offset of the next byte in the file.
    offset: u64,
    /// The offset of the end of the picture in the file, if the prelude contains its size.
    end: u64,
    spans: Vec<Span>,
    orientation: Option<u8>,
    /// The data of the `VP8X` chunk.
    vp8x: Option<Vec<u8>>,
    seen_pixels: bool,
}

#[derive(Debug)]
enum ChunkState {
    /// Before the first chunk, with the bytes received so far.
    Prelude(Vec<u8>),
    /// In the eight bytes before the data of a chunk, with the bytes received so far.
    Head(Vec<u8>),
    /// In the data of a chunk, with its first `head_bytes` bytes.
    Data {
        chunk: [u8; 4],
        start: u64,
        head: Vec<u8>,
        head_bytes: usize,
        remaining: u64,
    },
    /// After the end of the picture.
    End,
    /// The bytes are not a picture in this format.
    Broken,
}

impl ChunkScanner {
    /// Creates a scanner for a picture that begins at this offset of the file.
    pub(super) fn new(rules: &'static ChunkRules, offset: u64) -> Self {
        ChunkScanner {
            rules,
            state: ChunkState::Prelude(Vec::new()),
            offset,
            end: u64::MAX,
            spans: Vec::new(),
            orientation: None,
            vp8x: None,
            seen_pixels: false,
        }
    }

    /// Scans the next bytes. Returns `false` if the scanner needs no more bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                ChunkState::End | ChunkState::Broken => return false,
                ChunkState::Prelude(head) => fill_head(head, self.rules.prelude_bytes, bytes),
                ChunkState::Head(head) => fill_head(head, 8, bytes),
                ChunkState::Data {
                    head,
                    head_bytes,
                    remaining,
                    ..
                } => {
                    let taken = usize::try_from(*remaining)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    fill_head(head, *head_bytes, bytes.get(..taken).unwrap_or_default());
                    *remaining -= taken as u64;
                    taken
                }
            };
            self.offset += taken as u64;
            bytes = bytes.get(taken..).unwrap_or_default();
            self.advance_state();
        }
        !matches!(self.state, ChunkState::End | ChunkState::Broken)
    }

    /// Returns the edit list. The result has the picture's own orientation, or `orientation` if the
    /// picture has none.
    ///
    /// # Errors
    /// Fails if the bytes are not a picture in this format, or if they end too early: a PNG before
    /// its pixels begin, a WebP before they end.
    pub(super) fn finish(mut self, orientation: Option<u8>) -> Result<EditList, NotStrippable> {
        match &self.state {
            ChunkState::End => {}
            // Browsers show the beginning of a PNG that is cut off. They do not do so for a WebP.
            ChunkState::Data { chunk, start, .. }
                if self.rules.format == ChunkFormat::Png && self.is_kept(chunk) =>
            {
                self.keep(*start..self.offset);
            }
            ChunkState::Head(_) if self.rules.format == ChunkFormat::Png => {}
            _ => return Err(NotStrippable),
        }
        if !self.seen_pixels || self.spans.len() > MAX_SPANS {
            return Err(NotStrippable);
        }
        let orientation = self
            .orientation
            .or(orientation)
            .filter(|value| (2..=8).contains(value));
        match self.rules.format {
            ChunkFormat::Png => {
                if let Some(value) = orientation {
                    // The first two spans are the signature and IHDR. They must come first.
                    self.spans
                        .insert(2, png_chunk(b"eXIf", &orientation_tiff(value)));
                }
            }
            ChunkFormat::WebP => self.finish_webp(orientation)?,
        }
        Ok(EditList::new(self.spans))
    }

    /// Adds a new head with the new size and the flags of the chunks that are left.
    fn finish_webp(&mut self, orientation: Option<u8>) -> Result<(), NotStrippable> {
        let mut head = Vec::new();
        if let Some(mut vp8x) = self.vp8x.take() {
            let flags = vp8x.first_mut().ok_or(NotStrippable)?;
            *flags &= !(VP8X_EXIF | VP8X_XMP);
            if let Some(value) = orientation {
                *flags |= VP8X_EXIF;
                self.spans
                    .push(webp_chunk(b"EXIF", &orientation_tiff(value)));
            }
            head.push(webp_chunk(b"VP8X", &vp8x));
        }
        let size_bytes: u64 = self.spans.iter().chain(&head).map(Span::len).sum();
        let size = u32::try_from(size_bytes + 4).map_err(|_| NotStrippable)?;
        let prelude = [b"RIFF".as_slice(), &size.to_le_bytes(), b"WEBP"].concat();
        head.insert(0, Span::Made(prelude.into()));
        self.spans.splice(0..0, head);
        Ok(())
    }

    /// Moves to the next state if all bytes of this one have been received.
    fn advance_state(&mut self) {
        match &mut self.state {
            ChunkState::Prelude(head) if head.len() == self.rules.prelude_bytes => {
                let head = std::mem::take(head);
                self.state = ChunkState::Head(Vec::new());
                self.end_prelude(&head);
            }
            ChunkState::Head(head) if head.len() == 8 => {
                let head = std::mem::take(head);
                self.begin_chunk(&head);
                // A chunk without data ends as soon as it begins.
                self.advance_state();
            }
            ChunkState::Data {
                chunk,
                start,
                head,
                remaining: 0,
                ..
            } => {
                let (chunk, start, head) = (*chunk, *start, std::mem::take(head));
                self.state = ChunkState::Head(Vec::new());
                self.end_chunk(chunk, start..self.offset, head);
            }
            _ => {}
        }
    }

    /// Checks the bytes before the first chunk.
    fn end_prelude(&mut self, head: &[u8]) {
        let start = self.offset - head.len() as u64;
        match self.rules.format {
            ChunkFormat::Png if head == b"\x89PNG\r\n\x1a\n" => {
                self.spans.push(Span::Kept(start..self.offset))
            }
            ChunkFormat::WebP if head.starts_with(b"RIFF") && head.ends_with(b"WEBP") => {
                self.end = start + 8 + u64::from(u32_at(head, 4, u32::from_le_bytes));
            }
            _ => self.state = ChunkState::Broken,
        }
    }

    /// Reads the name and the length of a chunk.
    fn begin_chunk(&mut self, head: &[u8]) {
        let start = self.offset - 8;
        let (name, size) = match self.rules.format {
            ChunkFormat::Png => (
                head.get(4..),
                u64::from(u32_at(head, 0, u32::from_be_bytes)),
            ),
            // A chunk of odd size is followed by a padding byte.
            ChunkFormat::WebP => (
                head.get(..4),
                u64::from(u32_at(head, 4, u32::from_le_bytes)).next_multiple_of(2),
            ),
        };
        let Some(chunk) = name.and_then(|name| name.first_chunk::<4>()).copied() else {
            return;
        };
        let remaining = size + self.rules.checksum_bytes;
        let first = self.rules.format == ChunkFormat::Png && self.spans.len() == 1;
        if (first && chunk != *b"IHDR") || self.offset.saturating_add(remaining) > self.end {
            self.state = ChunkState::Broken;
            return;
        }
        self.seen_pixels |= self.rules.pixels.contains(&&chunk);
        let head_bytes = match &chunk {
            chunk if chunk == self.rules.exif => MAX_EXIF_BYTES,
            b"VP8X" => VP8X_BYTES,
            _ => 0,
        };
        self.state = ChunkState::Data {
            chunk,
            start,
            head: Vec::new(),
            head_bytes,
            remaining,
        };
    }

    /// Keeps or drops a chunk that has been received in full.
    fn end_chunk(&mut self, chunk: [u8; 4], range: Range<u64>, head: Vec<u8>) {
        let at_end = range.end == self.end;
        if chunk == *self.rules.exif && self.orientation.is_none() {
            self.orientation = parse_orientation(&head);
        } else if self.rules.format == ChunkFormat::WebP && chunk == *b"VP8X" {
            let animated = head.first().is_none_or(|flags| flags & VP8X_ANIMATION != 0);
            if animated || head.len() != VP8X_BYTES || self.vp8x.is_some() {
                self.state = ChunkState::Broken;
                return;
            }
            self.vp8x = Some(head);
        } else if self.is_kept(&chunk) {
            self.keep(range);
        }
        if at_end || (self.rules.format == ChunkFormat::Png && chunk == *b"IEND") {
            self.state = ChunkState::End;
        }
    }

    /// Returns `true` if chunks with this name are kept.
    fn is_kept(&self, chunk: &[u8; 4]) -> bool {
        self.rules.kept.contains(&chunk)
    }

    /// Keeps a range of the file.
    fn keep(&mut self, range: Range<u64>) {
        // The signature and IHDR stay separate spans, because the new Exif chunk comes after them.
        let (joins, full) = (self.spans.len() > 2, self.spans.len() > MAX_SPANS);
        match self.spans.last_mut() {
            Some(Span::Kept(last)) if joins && last.end == range.start => last.end = range.end,
            // One span too many makes `finish` fail.
            _ if full => {}
            _ => self.spans.push(Span::Kept(range)),
        }
    }
}

/// Appends bytes to `head` until it has `wanted` bytes. Returns how many were appended.
fn fill_head(head: &mut Vec<u8>, wanted: usize, bytes: &[u8]) -> usize {
    let taken = wanted.saturating_sub(head.len()).min(bytes.len());
    head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
    taken
}

/// Reads four bytes as a number. Returns 0 if they do not exist.
fn u32_at(bytes: &[u8], at: usize, read: fn([u8; 4]) -> u32) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map_or(0, |bytes| read(*bytes))
}

/// Returns a new PNG chunk.
fn png_chunk(name: &[u8; 4], data: &[u8]) -> Span {
    // The chunks written here are only a few bytes long.
    let length = (data.len() as u32).to_be_bytes();
    let mut crc = Crc::new();
    crc.update(name);
    crc.update(data);
    Span::Made(
        [&length, name.as_slice(), data, &crc.sum().to_be_bytes()]
            .concat()
            .into(),
    )
}

/// Returns a new WebP chunk. The data must have an even length.
fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Span {
    let length = (data.len() as u32).to_le_bytes();
    Span::Made([name.as_slice(), &length, data].concat().into())
}

#[cfg(test)]
mod tests;
