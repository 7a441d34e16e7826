//! Strips the formats that are a sequence of chunks: PNG and WebP.
//!
//! A chunk is a block of bytes with a name of four characters and a length. For each format, a list
//! contains the names of the chunks that stay. All other chunks are removed: text, time, Exif, XMP
//! and unknown ones. Everything after the end of the picture is also removed. [PNG 3rd edition, 5
//! and 11; RFC 9649 (WebP), 2]

use std::ops::Range;

use flate2::Crc;

use super::edit_list::{EditList, MAX_SPANS, NotStrippable, Span};
use super::orientation::{orientation_tiff, parse_orientation};

/// The maximum number of bytes of an Exif chunk in which the scanner looks for the orientation. The
/// orientation is near the beginning of the chunk.
const MAX_EXIF_BYTES: usize = 64 * 1024;
/// The length of the data of a `VP8X` chunk, in bytes. This chunk of a WebP contains flags and the
/// size of the picture.
const VP8X_BYTES: usize = 10;
/// The flag for an Exif chunk, in the first byte of a `VP8X` chunk.
const VP8X_EXIF: u8 = 0x08;
/// The flag for an XMP chunk, in the first byte of a `VP8X` chunk.
const VP8X_XMP: u8 = 0x04;
/// The flag for an animation, in the first byte of a `VP8X` chunk.
const VP8X_ANIMATION: u8 = 0x02;

/// The rules of a format: how its chunks are written, and which of them stay.
#[derive(Debug)]
pub(super) struct ChunkRules {
    format: ChunkFormat,
    /// The number of bytes before the first chunk.
    prelude_bytes: usize,
    /// The number of bytes of the checksum after the data of a chunk.
    checksum_bytes: u64,
    /// The names of the chunks that stay.
    kept: &'static [&'static [u8; 4]],
    /// The names of the chunks that contain pixels. A picture without such a chunk is not served.
    pixels: &'static [&'static [u8; 4]],
    /// The name of the chunk that contains Exif.
    exif: &'static [u8; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkFormat {
    Png,
    WebP,
}

/// The rules of PNG, including animated PNG.
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

/// The rules of WebP. An animated WebP is refused, because it has chunks inside chunks. No camera
/// writes one.
pub(super) const WEBP: ChunkRules = ChunkRules {
    format: ChunkFormat::WebP,
    prelude_bytes: 12,
    checksum_bytes: 0,
    kept: &[b"VP8 ", b"VP8L", b"ALPH", b"ICCP"],
    pixels: &[b"VP8 ", b"VP8L"],
    exif: b"EXIF",
};

/// A scanner that receives the bytes of a PNG or a WebP in order, and builds the edit list of the
/// picture ([`EditList`]).
#[derive(Debug)]
pub(crate) struct ChunkScanner {
    rules: &'static ChunkRules,
    state: ChunkState,
    /// The offset of the next byte in the file.
    offset: u64,
    /// The offset in the file at which the picture ends. It is `u64::MAX` while the size is not
    /// known, and always for a PNG, which does not contain its size.
    end: u64,
    spans: Vec<Span>,
    orientation: Option<u8>,
    /// The data of the `VP8X` chunk, if the picture has one.
    vp8x: Option<Vec<u8>>,
    seen_pixels: bool,
}

#[derive(Debug)]
enum ChunkState {
    /// The scanner is in the bytes before the first chunk. The field contains the bytes that have
    /// arrived so far.
    Prelude(Vec<u8>),
    /// The scanner is in the eight bytes before the data of a chunk: its name and length. The field
    /// contains the bytes that have arrived so far.
    Head(Vec<u8>),
    /// The scanner is in the data of a chunk, which begins at `start`. `head` contains the first
    /// bytes of the data, at most `head_bytes` of them. `remaining` is the number of bytes of the
    /// chunk that have not arrived.
    Data {
        chunk: [u8; 4],
        start: u64,
        head: Vec<u8>,
        head_bytes: usize,
        remaining: u64,
    },
    /// The scanner is after the end of the picture.
    End,
    /// The bytes are not a picture in this format.
    Broken,
}

impl ChunkScanner {
    /// Builds a scanner for a picture that begins at this byte offset of the file.
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

    /// Returns the edit list. The stripped picture keeps its orientation. If the picture has no
    /// orientation, it gets `orientation`.
    ///
    /// # Errors
    /// Returns [`NotStrippable`] if the bytes are not a picture in this format, or if they end too
    /// early: for a PNG before its pixels begin, for a WebP before its end.
    pub(super) fn finish(mut self, orientation: Option<u8>) -> Result<EditList, NotStrippable> {
        match &self.state {
            ChunkState::End => {}
            // Browsers show the beginning of a truncated PNG. They do not show a truncated WebP.
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

    /// Adds a new beginning to a WebP: the new size, and flags that match the chunks that stay.
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

    /// Changes to the next state, if all bytes of the present state have arrived.
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

    /// Checks the bytes before the first chunk, and reads the size of a WebP.
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

    /// Reads the name and the length of a chunk, and changes to the state in its data.
    fn begin_chunk(&mut self, head: &[u8]) {
        let start = self.offset - 8;
        let (name, size) = match self.rules.format {
            ChunkFormat::Png => (
                head.get(4..),
                u64::from(u32_at(head, 0, u32::from_be_bytes)),
            ),
            // A padding byte follows a chunk of odd size.
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

    /// Handles a chunk whose bytes have all arrived: keeps it or removes it.
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

    /// Adds a range of the file to the spans that stay.
    fn keep(&mut self, range: Range<u64>) {
        // The signature and IHDR stay separate spans, because the new Exif chunk comes after them.
        let (joins, full) = (self.spans.len() > 2, self.spans.len() > MAX_SPANS);
        match self.spans.last_mut() {
            Some(Span::Kept(last)) if joins && last.end == range.start => last.end = range.end,
            // `finish` fails if there is one span too many, so no more are added.
            _ if full => {}
            _ => self.spans.push(Span::Kept(range)),
        }
    }
}

/// Appends bytes to `head` until `head` has `wanted` bytes. Returns the number of appended bytes.
fn fill_head(head: &mut Vec<u8>, wanted: usize, bytes: &[u8]) -> usize {
    let taken = wanted.saturating_sub(head.len()).min(bytes.len());
    head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
    taken
}

/// Reads the four bytes at the index `at` as a number. Returns 0 if there are no four bytes.
fn u32_at(bytes: &[u8], at: usize, read: fn([u8; 4]) -> u32) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map_or(0, |bytes| read(*bytes))
}

/// Builds a new PNG chunk with this name and this data.
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

/// Builds a new WebP chunk with this name and this data. The length of the data must be even.
fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Span {
    let length = (data.len() as u32).to_le_bytes();
    Span::Made([name.as_slice(), &length, data].concat().into())
}

#[cfg(test)]
mod tests;
