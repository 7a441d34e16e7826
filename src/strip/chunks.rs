//! Strips the formats that are a sequence of chunks: PNG and WebP.
//!
//! A chunk is a block of bytes with a name of four characters and a length. For each format, a list
//! contains the names of the chunks that stay. All other chunks are removed: text, time, Exif, XMP
//! and unknown ones. Everything after the end of the picture is also removed. Only chunks with
//! pixels are served unchanged. The others are rewritten with only the bytes that have a meaning.
//! [PNG 3rd edition, 5 and 11; RFC 9649 (WebP), 2]

use std::io::Write;
use std::ops::{Range, RangeInclusive};

use flate2::Crc;
use photo_metadata::inflate_zlib;

use super::colour_profile::{MAX_PROFILE_BYTES, rewrite_profile};
use super::edit_list::{EditList, MAX_SPANS, NotStrippable, Span};
use super::exif_block::{AddedMetadata, parse_orientation};

/// The maximum number of bytes of an Exif chunk in which the scanner looks for the orientation. The
/// orientation is near the beginning of the chunk.
const MAX_EXIF_BYTES: usize = 64 * 1024;
/// The length of the data of a `VP8X` chunk, in bytes. This chunk of a WebP contains flags and the
/// size of the picture.
const VP8X_BYTES: usize = 10;
/// The flag for a colour profile, in the first byte of a `VP8X` chunk.
const VP8X_PROFILE: u8 = 0x20;
/// The flag for transparency, in the first byte of a `VP8X` chunk.
const VP8X_ALPHA: u8 = 0x10;
/// The flag for an Exif chunk, in the first byte of a `VP8X` chunk.
const VP8X_EXIF: u8 = 0x08;
/// The flag for an animation, in the first byte of a `VP8X` chunk.
const VP8X_ANIMATION: u8 = 0x02;
/// The number of bytes at the beginning of an `ANMF` chunk, before the chunks of its frame.
const FRAME_HEADER_BYTES: usize = 16;
/// The bits of the last byte of the header of a frame that have a meaning.
const FRAME_FLAGS: u8 = 0x03;
/// The number of bytes of a `VP8 ` or `VP8L` chunk that contain the size of the picture.
const BITSTREAM_HEADER_BYTES: usize = 10;
/// The bytes before the first chunk of a PNG.
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The bytes before the profile in the `iCCP` chunk of a stripped PNG: a name, and the method of
/// compression.
const PROFILE_HEAD: &[u8] = b"icc\0\0";

/// The rules of a format: how its chunks are written, and which of them stay.
#[derive(Debug)]
pub(super) struct ChunkRules {
    format: ChunkFormat,
    /// The number of bytes before the first chunk.
    prelude_bytes: usize,
    /// The number of bytes of the checksum after the data of a chunk.
    checksum_bytes: usize,
    /// The names of the chunks that stay unchanged.
    pixels: &'static [&'static [u8; 4]],
    /// The names of the short chunks that are rewritten, with the lengths that they may have. A
    /// second chunk of the same name is removed.
    short: &'static [(&'static [u8; 4], RangeInclusive<usize>)],
    /// The name of the chunk that contains Exif.
    exif: &'static [u8; 4],
    /// The name of the chunk that contains the colour profile.
    profile: &'static [u8; 4],
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
    pixels: &[b"IDAT", b"fdAT", b"fcTL"],
    short: &[
        (b"IHDR", 13..=13),
        (b"PLTE", 3..=768),
        (b"tRNS", 1..=256),
        (b"cHRM", 32..=32),
        (b"gAMA", 4..=4),
        (b"sBIT", 1..=4),
        (b"sRGB", 1..=1),
        (b"cICP", 4..=4),
        (b"mDCV", 24..=24),
        (b"cLLI", 8..=8),
        (b"bKGD", 1..=6),
        (b"pHYs", 9..=9),
        (b"acTL", 8..=8),
    ],
    exif: b"eXIf",
    profile: b"iCCP",
};

/// The rules of WebP, including animated WebP.
pub(super) const WEBP: ChunkRules = ChunkRules {
    format: ChunkFormat::WebP,
    prelude_bytes: 12,
    checksum_bytes: 0,
    pixels: &[b"VP8 ", b"VP8L", b"ALPH"],
    short: &[(b"ANIM", 6..=6)],
    exif: b"EXIF",
    profile: b"ICCP",
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
    /// The first chunk of a PNG, `IHDR`.
    header: Option<Span>,
    /// The spans of the chunks that stay, after `IHDR` or `VP8X` and the profile.
    spans: Vec<Span>,
    /// The names of the short chunks that have been kept.
    kept_short: Vec<[u8; 4]>,
    orientation: Option<u8>,
    /// The data of the first chunk with a colour profile. It is empty if the chunk is too long. The
    /// profile is rewritten in [`ChunkScanner::finish`], because this takes long for some files.
    profile: Option<Vec<u8>>,
    /// The data of the `VP8X` chunk, if the picture has one.
    vp8x: Option<Vec<u8>>,
    /// The data of a new `VP8X` chunk, for a picture that has none.
    new_vp8x: Option<Vec<u8>>,
    /// The frame of an animated WebP that the scanner is in.
    frame: Option<OpenFrame>,
    seen_pixels: bool,
}

/// A frame of an animated WebP whose end has not arrived.
#[derive(Debug)]
struct OpenFrame {
    /// The index in the spans of the new beginning of the frame.
    span: usize,
    /// The offset in the file at which the frame ends.
    end: u64,
    /// The header of the frame.
    header: Vec<u8>,
}

/// A chunk whose end has not arrived.
#[derive(Debug)]
struct OpenChunk {
    name: [u8; 4],
    /// The offset in the file at which the chunk begins.
    start: u64,
    /// The first bytes of the data, at most `head_bytes` of them.
    head: Vec<u8>,
    head_bytes: usize,
    /// The length of the data in bytes.
    size: u64,
    /// The number of bytes of the data, and of the padding after it, that have not arrived.
    remaining: u64,
    /// The checksum of the name and the data so far.
    checksum: Crc,
}

#[derive(Debug)]
enum ChunkState {
    /// The scanner is in the bytes before the first chunk. The field contains the bytes that have
    /// arrived so far.
    Prelude(Vec<u8>),
    /// The scanner is in the eight bytes before the data of a chunk: its name and length. The field
    /// contains the bytes that have arrived so far.
    Head(Vec<u8>),
    /// The scanner is in the data of a chunk.
    Data(OpenChunk),
    /// The scanner is in the checksum after the data of a chunk. The second field contains the
    /// bytes that have arrived so far.
    Checksum(OpenChunk, Vec<u8>),
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
            header: None,
            spans: Vec::new(),
            kept_short: Vec::new(),
            orientation: None,
            profile: None,
            vp8x: None,
            new_vp8x: None,
            frame: None,
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
                ChunkState::Data(chunk) => chunk.take_data(bytes, self.rules),
                ChunkState::Checksum(_, read) => fill_head(read, self.rules.checksum_bytes, bytes),
            };
            self.offset += taken as u64;
            bytes = bytes.get(taken..).unwrap_or_default();
            self.advance_state();
        }
        !matches!(self.state, ChunkState::End | ChunkState::Broken)
    }

    /// Returns the edit list. The stripped picture keeps its orientation. If the picture has no
    /// orientation, it gets that of `added`. Of a truncated PNG, the complete chunks are kept.
    ///
    /// # Errors
    /// Returns [`NotStrippable`] if the bytes are not a picture in this format, or if they end too
    /// early: for a PNG before its first chunk with pixels ends, for a WebP before its end.
    pub(super) fn finish(self, added: &AddedMetadata) -> Result<EditList, NotStrippable> {
        let complete = match (&self.state, self.rules.format) {
            (ChunkState::End, _) => true,
            // Browsers show the beginning of a truncated PNG. They do not show a truncated WebP.
            (ChunkState::Broken, _) | (_, ChunkFormat::WebP) => false,
            (_, ChunkFormat::Png) => true,
        };
        if !complete || !self.seen_pixels || self.spans.len() > MAX_SPANS {
            return Err(NotStrippable);
        }
        match self.rules.format {
            ChunkFormat::Png => self.finish_png(added),
            ChunkFormat::WebP => self.finish_webp(added),
        }
    }

    /// Returns the edit list of a PNG. The Exif chunk and the profile come after `IHDR`.
    fn finish_png(self, added: &AddedMetadata) -> Result<EditList, NotStrippable> {
        let mut spans = vec![Span::Made(PNG_SIGNATURE.into())];
        spans.push(self.header.ok_or(NotStrippable)?);
        if let Some(tiff) = added.build_tiff(self.orientation) {
            spans.push(png_chunk(b"eXIf", &tiff));
        }
        let profile = self.profile.as_deref().and_then(inflate_profile);
        if let Some(profile) = profile.and_then(|profile| rewrite_profile(&profile)) {
            let data = [PROFILE_HEAD, &deflate(&profile)].concat();
            spans.push(png_chunk(b"iCCP", &data));
        }
        spans.extend(self.spans);
        spans.push(png_chunk(b"IEND", &[]));
        Ok(EditList::new(spans))
    }

    /// Returns the edit list of a WebP. It gets a new beginning: the new size, and flags that match
    /// the chunks that stay.
    fn finish_webp(mut self, added: &AddedMetadata) -> Result<EditList, NotStrippable> {
        let mut spans = Vec::new();
        // Programs ignore an Exif chunk in a picture without `VP8X`, and its orientation.
        let own_orientation = self.orientation.filter(|_| self.vp8x.is_some());
        let tiff = added.build_tiff(own_orientation);
        let new_vp8x = self.new_vp8x.filter(|_| tiff.is_some());
        if let Some(mut vp8x) = self.vp8x.or(new_vp8x) {
            let (flags, rest) = vp8x.split_at_mut_checked(4).ok_or(NotStrippable)?;
            let mut kept = flags[0] & (VP8X_ALPHA | VP8X_ANIMATION);
            let profile = self.profile.as_deref().and_then(rewrite_profile);
            if profile.is_some() {
                kept |= VP8X_PROFILE;
            }
            if let Some(tiff) = &tiff {
                kept |= VP8X_EXIF;
                self.spans.push(webp_chunk(b"EXIF", tiff));
            }
            spans.push(webp_chunk(b"VP8X", &[&[kept, 0, 0, 0], &*rest].concat()));
            spans.extend(profile.map(|profile| webp_chunk(b"ICCP", &profile)));
        }
        spans.extend(self.spans);
        let size_bytes: u64 = spans.iter().map(Span::len).sum();
        let size = u32::try_from(size_bytes + 4).map_err(|_| NotStrippable)?;
        let prelude = [b"RIFF".as_slice(), &size.to_le_bytes(), b"WEBP"].concat();
        spans.insert(0, Span::Made(prelude.into()));
        Ok(EditList::new(spans))
    }

    /// Changes to the next state, if all bytes of the present state have arrived.
    fn advance_state(&mut self) {
        match std::mem::replace(&mut self.state, ChunkState::Broken) {
            ChunkState::Prelude(head) if head.len() == self.rules.prelude_bytes => {
                self.state = ChunkState::Head(Vec::new());
                self.end_prelude(&head);
            }
            ChunkState::Head(head) if head.len() == 8 => {
                self.begin_chunk(&head);
                // A chunk without data ends as soon as it begins.
                self.advance_state();
            }
            ChunkState::Data(chunk) if chunk.remaining == 0 => {
                if self.rules.checksum_bytes > 0 {
                    self.state = ChunkState::Checksum(chunk, Vec::new());
                } else {
                    self.state = ChunkState::Head(Vec::new());
                    self.end_chunk(chunk);
                }
            }
            ChunkState::Checksum(chunk, read) if read.len() == self.rules.checksum_bytes => {
                self.state = ChunkState::Head(Vec::new());
                // A wrong checksum means that the pixels were overwritten or cut off.
                let has_pixels = self.rules.pixels.contains(&&chunk.name);
                if has_pixels && read != chunk.checksum.sum().to_be_bytes() {
                    self.state = ChunkState::Broken;
                } else {
                    self.end_chunk(chunk);
                }
            }
            state => self.state = state,
        }
    }

    /// Checks the bytes before the first chunk, and reads the size of a WebP.
    fn end_prelude(&mut self, head: &[u8]) {
        let start = self.offset - head.len() as u64;
        match self.rules.format {
            ChunkFormat::Png if head == PNG_SIGNATURE => {}
            ChunkFormat::WebP if head.starts_with(b"RIFF") && head.ends_with(b"WEBP") => {
                self.end = start + 8 + u64::from(u32_at(head, 4, u32::from_le_bytes));
            }
            _ => self.state = ChunkState::Broken,
        }
    }

    /// Reads the name and the length of a chunk, and changes to the state in its data.
    fn begin_chunk(&mut self, head: &[u8]) {
        let (name, size) = match self.rules.format {
            ChunkFormat::Png => (head.get(4..), u32_at(head, 0, u32::from_be_bytes)),
            ChunkFormat::WebP => (head.get(..4), u32_at(head, 4, u32::from_le_bytes)),
        };
        let Some(name) = name.and_then(|name| name.first_chunk::<4>()).copied() else {
            return;
        };
        let size = u64::from(size);
        let mut remaining = match self.rules.format {
            ChunkFormat::Png => size,
            // A padding byte follows a chunk of odd size.
            ChunkFormat::WebP => size.next_multiple_of(2),
        };
        let whole = remaining + self.rules.checksum_bytes as u64;
        let end = self.frame.as_ref().map_or(self.end, |frame| frame.end);
        let is_png = self.rules.format == ChunkFormat::Png;
        let no_header = is_png && self.header.is_none() && name != *b"IHDR";
        if no_header || self.offset.saturating_add(whole) > end {
            return;
        }
        if name == *b"ANMF" && !is_png {
            if remaining < FRAME_HEADER_BYTES as u64 || self.frame.is_some() {
                return;
            }
            // The chunks of the frame are scanned like other chunks.
            remaining = FRAME_HEADER_BYTES as u64;
        }
        let mut checksum = Crc::new();
        checksum.update(&name);
        self.state = ChunkState::Data(OpenChunk {
            name,
            start: self.offset - 8,
            head: Vec::new(),
            head_bytes: self.head_bytes(name),
            size,
            remaining,
            checksum,
        });
    }

    /// Returns the number of bytes at the beginning of a chunk that must be kept in memory.
    fn head_bytes(&self, name: [u8; 4]) -> usize {
        let rules = self.rules;
        let is_short = |(short, _): &&(&[u8; 4], RangeInclusive<usize>)| **short == name;
        match &name {
            name if name == rules.exif => MAX_EXIF_BYTES,
            name if name == rules.profile => MAX_PROFILE_BYTES,
            b"VP8X" => VP8X_BYTES,
            b"ANMF" => FRAME_HEADER_BYTES,
            b"VP8 " | b"VP8L" => BITSTREAM_HEADER_BYTES,
            _ => {
                let rule = rules.short.iter().find(is_short);
                rule.map_or(0, |(_, lengths)| *lengths.end())
            }
        }
    }

    /// Handles a chunk whose bytes have all arrived: keeps it, rewrites it or removes it.
    fn end_chunk(&mut self, chunk: OpenChunk) {
        let range = chunk.start..self.offset;
        let name = chunk.name;
        let in_frame = self.frame.is_some();
        if self.rules.pixels.contains(&&name) {
            if matches!(&name, b"IDAT" | b"VP8 " | b"VP8L") {
                self.seen_pixels = true;
            }
            if self.rules.format == ChunkFormat::WebP && self.new_vp8x.is_none() {
                self.new_vp8x = new_vp8x(name, &chunk.head);
            }
            if name != *b"fcTL" || chunk.size == 26 {
                self.keep(range);
            }
        } else if !in_frame {
            self.rewrite_chunk(chunk);
        }
        if self
            .frame
            .as_ref()
            .is_some_and(|frame| frame.end == self.offset)
        {
            self.end_frame();
        }
        let at_end = self.frame.is_none() && self.offset == self.end;
        if at_end || (self.rules.format == ChunkFormat::Png && name == *b"IEND") {
            self.state = ChunkState::End;
        }
    }

    /// Rewrites or removes a chunk that does not stay unchanged.
    fn rewrite_chunk(&mut self, chunk: OpenChunk) {
        let OpenChunk {
            name, head, size, ..
        } = chunk;
        let rules = self.rules;
        if name == *rules.exif && self.orientation.is_none() {
            self.orientation = parse_orientation(&head);
        } else if name == *rules.profile {
            let is_whole = head.len() as u64 == size;
            self.profile
                .get_or_insert(if is_whole { head } else { Vec::new() });
        } else if name == *b"VP8X" {
            if head.len() < VP8X_BYTES {
                self.state = ChunkState::Broken;
            }
            self.vp8x.get_or_insert(head);
        } else if name == *b"ANMF" {
            // The new beginning replaces this span at the end of the frame.
            let frame = OpenFrame {
                span: self.spans.len(),
                end: chunk.start + 8 + size.next_multiple_of(2),
                header: head,
            };
            self.push(Span::Made(Vec::new().into()));
            self.frame = Some(frame);
        } else {
            self.keep_short(name, &head, size);
        }
    }

    /// Keeps a short chunk, if its length is valid and if it is the first of its name.
    fn keep_short(&mut self, name: [u8; 4], data: &[u8], size: u64) {
        let rule = self.rules.short.iter().find(|(short, _)| **short == name);
        let whole = data.len() as u64 == size;
        let valid = whole && rule.is_some_and(|(_, lengths)| lengths.contains(&data.len()));
        if !valid || self.kept_short.contains(&name) {
            return;
        }
        self.kept_short.push(name);
        match self.rules.format {
            ChunkFormat::Png if name == *b"IHDR" => self.header = Some(png_chunk(&name, data)),
            ChunkFormat::Png => self.push(png_chunk(&name, data)),
            ChunkFormat::WebP => self.push(webp_chunk(&name, data)),
        }
    }

    /// Writes the new beginning of a frame, with its new size.
    fn end_frame(&mut self) {
        let Some(frame) = self.frame.take() else {
            return;
        };
        let pixels = self.spans.get(frame.span + 1..).unwrap_or_default();
        let size = FRAME_HEADER_BYTES as u64 + pixels.iter().map(Span::len).sum::<u64>();
        let mut head = [
            b"ANMF".as_slice(),
            &(size as u32).to_le_bytes(),
            &frame.header,
        ]
        .concat();
        if let Some(flags) = head.last_mut() {
            *flags &= FRAME_FLAGS;
        }
        if pixels.is_empty() {
            self.state = ChunkState::Broken;
        } else if let Some(span) = self.spans.get_mut(frame.span) {
            *span = Span::Made(head.into());
        }
    }

    /// Adds a range of the file to the spans that stay.
    fn keep(&mut self, range: Range<u64>) {
        match self.spans.last_mut() {
            Some(Span::Kept(last)) if last.end == range.start => last.end = range.end,
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

impl OpenChunk {
    /// Reads the next bytes of the data. Returns their number.
    fn take_data(&mut self, bytes: &[u8], rules: &ChunkRules) -> usize {
        let taken = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let bytes = bytes.get(..taken).unwrap_or_default();
        fill_head(&mut self.head, self.head_bytes, bytes);
        if rules.checksum_bytes > 0 {
            self.checksum.update(bytes);
        }
        self.remaining -= taken as u64;
        taken
    }
}

/// Returns the data of a `VP8X` chunk for a picture that has none, from the beginning of its
/// pixels: a flag for transparency, and the size of the picture [RFC 9649, 2.5 to 2.7 and 3.4; RFC
/// 6386, 9.1].
fn new_vp8x(chunk: [u8; 4], pixels: &[u8]) -> Option<Vec<u8>> {
    const SIZE_BITS: u32 = 0x3fff;
    let (flags, width, height) = match &chunk {
        b"VP8 " if pixels.get(3..6)? == b"\x9d\x01\x2a" => {
            let size = u32_at(pixels, 6, u32::from_le_bytes);
            (0, size & SIZE_BITS, (size >> 16) & SIZE_BITS)
        }
        b"VP8L" if *pixels.first()? == b'/' => {
            let size = u32_at(pixels, 1, u32::from_le_bytes);
            let alpha = if size & (1 << 28) == 0 { 0 } else { VP8X_ALPHA };
            (
                alpha,
                (size & SIZE_BITS) + 1,
                ((size >> 14) & SIZE_BITS) + 1,
            )
        }
        _ => return None,
    };
    let side = |pixels: u32| pixels.checked_sub(1).map(u32::to_le_bytes);
    let (width, height) = (side(width)?, side(height)?);
    Some([&[flags, 0, 0, 0], &width[..3], &height[..3]].concat())
}

/// Returns the profile in the data of an `iCCP` chunk. The data is a name, a 0, the method of
/// compression, and the compressed profile [PNG 3rd edition, 11.3.2.3]. Returns `None` if the
/// profile is broken or too long, or if it needs too much work to decompress.
fn inflate_profile(data: &[u8]) -> Option<Vec<u8>> {
    let name_bytes = data.iter().position(|byte| *byte == 0)?;
    let compressed = data.get(name_bytes + 2..)?;
    inflate_zlib(compressed, MAX_PROFILE_BYTES as u64)
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // A write to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
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
    // A profile is the longest chunk that is written here.
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

/// Builds a new WebP chunk with this name and this data.
fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Span {
    let length = (data.len() as u32).to_le_bytes();
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    Span::Made([name.as_slice(), &length, data, padding].concat().into())
}

#[cfg(test)]
mod tests;
