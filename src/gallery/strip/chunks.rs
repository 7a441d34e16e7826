//! Strips the formats that are a row of chunks: PNG and WebP. Which chunks are kept is a list; text, time, Exif, XMP
//! and whatever is not known by name are gone, and so is everything past the end.
//! [PNG 3rd edition, 5 and 11; RFC 9649 (WebP), 2]

use std::ops::Range;

use flate2::Crc;

use super::{Edit, MAX_PIECES, NotStrippable, Piece, orientation, orientation_tiff};

/// Longest Exif that is looked into for its orientation, bytes; it stands near the beginning.
const MAX_EXIF_BYTES: usize = 64 * 1024;
/// Longest `VP8X`, bytes; it has 10.
const VP8X_BYTES: usize = 10;
/// Flags of `VP8X`.
const VP8X_EXIF: u8 = 0x08;
const VP8X_XMP: u8 = 0x04;
const VP8X_ANIMATION: u8 = 0x02;

/// How a format's chunks are written, and which of them are kept.
#[derive(Debug)]
pub(super) struct Rules {
    format: Chunked,
    prelude_bytes: usize,
    /// Bytes after a chunk's data that belong to it.
    checksum_bytes: u64,
    kept: &'static [&'static [u8; 4]],
    /// Chunks of the picture itself: once one has begun, there is something to show.
    picture: &'static [&'static [u8; 4]],
    exif: &'static [u8; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunked {
    Png,
    WebP,
}

/// PNG, animated ones too.
pub(super) const PNG: Rules = Rules {
    format: Chunked::Png,
    prelude_bytes: 8,
    checksum_bytes: 4,
    kept: &[
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
        b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT",
    ],
    picture: &[b"IDAT"],
    exif: b"eXIf",
};

/// WebP. Animated ones hold chunks within chunks and are refused: no camera makes them.
pub(super) const WEBP: Rules = Rules {
    format: Chunked::WebP,
    prelude_bytes: 12,
    checksum_bytes: 0,
    kept: &[b"VP8 ", b"VP8L", b"ALPH", b"ICCP"],
    picture: &[b"VP8 ", b"VP8L"],
    exif: b"EXIF",
};

/// Reads a file of chunks, fed in order, and notes what of it is kept.
#[derive(Debug)]
pub(crate) struct Container {
    rules: &'static Rules,
    state: State,
    /// Offset in the file of the next byte.
    offset: u64,
    /// Offset in the file of its end, as far as its prelude says.
    end: u64,
    pieces: Vec<Piece>,
    orientation: Option<u8>,
    /// The data of `VP8X`.
    vp8x: Option<Vec<u8>>,
    seen_picture: bool,
}

#[derive(Debug)]
enum State {
    /// Before the first chunk: what has come.
    Prelude(Vec<u8>),
    /// In the eight bytes before a chunk's data: what has come.
    Head(Vec<u8>),
    /// In a chunk.
    Data {
        chunk: [u8; 4],
        start: u64,
        head: Vec<u8>,
        head_bytes: usize,
        remaining: u64,
    },
    /// Past the end.
    End,
    /// Not to be saved.
    Broken,
}

impl Container {
    /// A scanner for a picture that begins at this offset of the file.
    pub(super) fn new(rules: &'static Rules, offset: u64) -> Self {
        Container {
            rules,
            state: State::Prelude(Vec::new()),
            offset,
            end: u64::MAX,
            pieces: Vec::new(),
            orientation: None,
            vp8x: None,
            seen_picture: false,
        }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::End | State::Broken => return false,
                State::Prelude(head) => take(head, self.rules.prelude_bytes, bytes),
                State::Head(head) => take(head, 8, bytes),
                State::Data {
                    head,
                    head_bytes,
                    remaining,
                    ..
                } => {
                    let taken = usize::try_from(*remaining)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    take(head, *head_bytes, bytes.get(..taken).unwrap_or_default());
                    *remaining -= taken as u64;
                    taken
                }
            };
            self.offset += taken as u64;
            bytes = bytes.get(taken..).unwrap_or_default();
            self.settle();
        }
        !matches!(self.state, State::End | State::Broken)
    }

    pub(super) fn finish(mut self, orientation: Option<u8>) -> Result<Edit, NotStrippable> {
        match &self.state {
            State::End => {}
            // A PNG is shown as far as it goes; a WebP is not.
            State::Data { chunk, start, .. }
                if self.rules.format == Chunked::Png && self.keeps(chunk) =>
            {
                self.keep(*start..self.offset);
            }
            State::Head(_) if self.rules.format == Chunked::Png => {}
            _ => return Err(NotStrippable),
        }
        if !self.seen_picture || self.pieces.len() > MAX_PIECES {
            return Err(NotStrippable);
        }
        let orientation = self
            .orientation
            .or(orientation)
            .filter(|value| (2..=8).contains(value));
        match self.rules.format {
            Chunked::Png => {
                if let Some(value) = orientation {
                    // The first two pieces are the signature and IHDR, which must come first.
                    self.pieces
                        .insert(2, png_chunk(b"eXIf", &orientation_tiff(value)));
                }
            }
            Chunked::WebP => self.finish_webp(orientation)?,
        }
        Ok(Edit::new(self.pieces))
    }

    /// Writes the head anew: its size, and what it says is in it.
    fn finish_webp(&mut self, orientation: Option<u8>) -> Result<(), NotStrippable> {
        let mut first = Vec::new();
        if let Some(mut vp8x) = self.vp8x.take() {
            let flags = vp8x.first_mut().ok_or(NotStrippable)?;
            *flags &= !(VP8X_EXIF | VP8X_XMP);
            if let Some(value) = orientation {
                *flags |= VP8X_EXIF;
                self.pieces
                    .push(webp_chunk(b"EXIF", &orientation_tiff(value)));
            }
            first.push(webp_chunk(b"VP8X", &vp8x));
        }
        let size_bytes: u64 = self.pieces.iter().chain(&first).map(Piece::len).sum();
        let size = u32::try_from(size_bytes + 4).map_err(|_| NotStrippable)?;
        let prelude = [b"RIFF".as_slice(), &size.to_le_bytes(), b"WEBP"].concat();
        first.insert(0, Piece::Made(prelude.into()));
        self.pieces.splice(0..0, first);
        Ok(())
    }

    /// Goes on to the next state where all of this one has come.
    fn settle(&mut self) {
        match &mut self.state {
            State::Prelude(head) if head.len() == self.rules.prelude_bytes => {
                let head = std::mem::take(head);
                self.state = State::Head(Vec::new());
                self.prelude(&head);
            }
            State::Head(head) if head.len() == 8 => {
                let head = std::mem::take(head);
                self.head(&head);
                // An empty chunk is over as soon as it has begun.
                self.settle();
            }
            State::Data {
                chunk,
                start,
                head,
                remaining: 0,
                ..
            } => {
                let (chunk, start, head) = (*chunk, *start, std::mem::take(head));
                self.state = State::Head(Vec::new());
                self.chunk(chunk, start..self.offset, head);
            }
            _ => {}
        }
    }

    fn prelude(&mut self, head: &[u8]) {
        let start = self.offset - head.len() as u64;
        match self.rules.format {
            Chunked::Png if head == b"\x89PNG\r\n\x1a\n" => {
                self.pieces.push(Piece::Kept(start..self.offset))
            }
            Chunked::WebP if head.starts_with(b"RIFF") && head.ends_with(b"WEBP") => {
                self.end = start + 8 + u64::from(u32_at(head, 4, u32::from_le_bytes));
            }
            _ => self.state = State::Broken,
        }
    }

    fn head(&mut self, head: &[u8]) {
        let start = self.offset - 8;
        let (name, size) = match self.rules.format {
            Chunked::Png => (
                head.get(4..),
                u64::from(u32_at(head, 0, u32::from_be_bytes)),
            ),
            // Chunks of odd size are padded.
            Chunked::WebP => (
                head.get(..4),
                u64::from(u32_at(head, 4, u32::from_le_bytes)).next_multiple_of(2),
            ),
        };
        let Some(chunk) = name.and_then(|name| name.first_chunk::<4>()).copied() else {
            return;
        };
        let remaining = size + self.rules.checksum_bytes;
        let first = self.rules.format == Chunked::Png && self.pieces.len() == 1;
        if (first && chunk != *b"IHDR") || self.offset.saturating_add(remaining) > self.end {
            self.state = State::Broken;
            return;
        }
        self.seen_picture |= self.rules.picture.contains(&&chunk);
        let head_bytes = match &chunk {
            chunk if chunk == self.rules.exif => MAX_EXIF_BYTES,
            b"VP8X" => VP8X_BYTES,
            _ => 0,
        };
        self.state = State::Data {
            chunk,
            start,
            head: Vec::new(),
            head_bytes,
            remaining,
        };
    }

    /// A chunk that has come to its end.
    fn chunk(&mut self, chunk: [u8; 4], range: Range<u64>, head: Vec<u8>) {
        let at_end = range.end == self.end;
        if chunk == *self.rules.exif && self.orientation.is_none() {
            self.orientation = orientation(&head);
        } else if self.rules.format == Chunked::WebP && chunk == *b"VP8X" {
            let animated = head.first().is_none_or(|flags| flags & VP8X_ANIMATION != 0);
            if animated || head.len() != VP8X_BYTES || self.vp8x.is_some() {
                self.state = State::Broken;
                return;
            }
            self.vp8x = Some(head);
        } else if self.keeps(&chunk) {
            self.keep(range);
        }
        if at_end || (self.rules.format == Chunked::Png && chunk == *b"IEND") {
            self.state = State::End;
        }
    }

    fn keeps(&self, chunk: &[u8; 4]) -> bool {
        self.rules.kept.contains(&chunk)
    }

    fn keep(&mut self, range: Range<u64>) {
        // The signature and IHDR stay pieces of their own: what we add comes after them.
        let (joins, full) = (self.pieces.len() > 2, self.pieces.len() > MAX_PIECES);
        match self.pieces.last_mut() {
            Some(Piece::Kept(last)) if joins && last.end == range.start => last.end = range.end,
            // One more than may be tells `finish` that there were too many.
            _ if full => {}
            _ => self.pieces.push(Piece::Kept(range)),
        }
    }
}

/// Fills `head` up to `wanted` bytes; how many were taken.
fn take(head: &mut Vec<u8>, wanted: usize, bytes: &[u8]) -> usize {
    let taken = wanted.saturating_sub(head.len()).min(bytes.len());
    head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
    taken
}

fn u32_at(bytes: &[u8], at: usize, read: fn([u8; 4]) -> u32) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map_or(0, |bytes| read(*bytes))
}

fn png_chunk(name: &[u8; 4], data: &[u8]) -> Piece {
    // Ours are a few bytes long.
    let length = (data.len() as u32).to_be_bytes();
    let mut crc = Crc::new();
    crc.update(name);
    crc.update(data);
    Piece::Made(
        [&length, name.as_slice(), data, &crc.sum().to_be_bytes()]
            .concat()
            .into(),
    )
}

/// Of data of even length.
fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Piece {
    let length = (data.len() as u32).to_le_bytes();
    Piece::Made([name.as_slice(), &length, data].concat().into())
}

#[cfg(test)]
mod tests;
