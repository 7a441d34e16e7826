//! The sequence header of an AV1 picture (AV1 Bitstream & Decoding Process Specification, 5.3 to 5.5).
//!
//! The decoder does not return all of it, and it must be known before decoding.

use crate::error::RenderError;
use crate::limits::MAX_AV1_FRAMES;
use crate::picture::PictureFormat;
use crate::yuv::ChromaLocation;

const FORMAT: PictureFormat = PictureFormat::Avif;

/// The types of the units of a stream (6.2.2).
mod obu_type {
    pub(super) const SEQUENCE_HEADER: u8 = 1;
    pub(super) const FRAME_HEADER: u8 = 3;
    pub(super) const FRAME: u8 = 6;
    pub(super) const REDUNDANT_FRAME_HEADER: u8 = 7;
}

/// What the header of an AV1 picture states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Av1Header {
    /// 8, 10 or 12.
    pub(crate) bits: u32,
    /// The number of chroma samples for four luma samples, 0 to 8.
    pub(crate) chroma_samples: u32,
    pub(crate) chroma_location: ChromaLocation,
    /// The numbers of the colour space (ITU-T H.273). 2 is not stated.
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) has_full_range: bool,
    /// The number of coded frames, at least 1.
    pub(crate) frames: u32,
}

impl Av1Header {
    /// Reads the units of a coded picture. Fails if one is cut off, if there is no picture, or if there
    /// are too many frames.
    pub(crate) fn read(stream: &[u8]) -> Result<Self, RenderError> {
        let mut sequence: Option<&[u8]> = None;
        let mut frames = 0;
        let mut rest = stream;
        while !rest.is_empty() {
            let (kind, content, after) = split_unit(rest)?;
            rest = after;
            match kind {
                obu_type::SEQUENCE_HEADER if sequence.is_none_or(|first| first == content) => {
                    sequence = Some(content);
                }
                obu_type::SEQUENCE_HEADER => {
                    return Err(RenderError::corrupt(FORMAT, "it has two sequence headers"));
                }
                obu_type::FRAME_HEADER | obu_type::FRAME | obu_type::REDUNDANT_FRAME_HEADER => {
                    frames += 1;
                }
                _ => {}
            }
        }
        let Some(sequence) = sequence.filter(|_| frames > 0) else {
            return Err(RenderError::corrupt(FORMAT, "it has no AV1 picture"));
        };
        if frames > MAX_AV1_FRAMES {
            return Err(RenderError::unsupported(FORMAT, "a picture of many frames"));
        }
        let mut bits = HeaderBits {
            bytes: sequence,
            at: 0,
        };
        let header = read_sequence(&mut bits);
        let header = header
            .ok_or_else(|| RenderError::corrupt(FORMAT, "the sequence header of AV1 is invalid"))?;
        Ok(Self { frames, ..header })
    }
}

/// Returns the type of the first unit, its content, and the bytes after it.
fn split_unit(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), RenderError> {
    let truncated = || RenderError::Truncated(FORMAT);
    let (&head, mut rest) = bytes.split_first().ok_or_else(truncated)?;
    let kind = head >> 3 & 0xf;
    if head & 4 != 0 {
        // The layer of the unit.
        rest = rest.get(1..).ok_or_else(truncated)?;
    }
    if head & 2 == 0 {
        return Ok((kind, rest, &[]));
    }
    let mut size = 0_usize;
    for shift in (0..=28).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or_else(truncated)?;
        rest = after;
        size |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (content, after) = rest.split_at_checked(size).ok_or_else(truncated)?;
            return Ok((kind, content, after));
        }
    }
    Err(RenderError::corrupt(FORMAT, "a size in AV1 is invalid"))
}

/// Reads bits, the highest of a byte first.
struct HeaderBits<'a> {
    bytes: &'a [u8],
    /// The number of the next bit.
    at: usize,
}

impl HeaderBits<'_> {
    /// Returns the next bits as a number. Returns `None` at the end.
    fn number(&mut self, bits: u32) -> Option<u32> {
        let mut number = 0;
        for _ in 0..bits {
            let byte = self.bytes.get(self.at / 8)?;
            number = number << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(number)
    }

    /// Returns the next bit.
    fn flag(&mut self) -> Option<bool> {
        Some(self.number(1)? == 1)
    }

    /// Reads a number of variable length (4.10.3), and drops it.
    fn skip_variable_number(&mut self) -> Option<()> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        self.number(zeros.min(32))?;
        Some(())
    }
}

/// Reads a sequence header (5.5.1), without its number of frames.
fn read_sequence(reader: &mut HeaderBits<'_>) -> Option<Av1Header> {
    let profile = reader.number(3)?;
    let _is_still = reader.flag()?;
    let is_reduced = reader.flag()?;
    if is_reduced {
        let _level = reader.number(5)?;
    } else {
        skip_operating_points(reader)?;
    }
    let (width_bits, height_bits) = (reader.number(4)? + 1, reader.number(4)? + 1);
    let _max_size = (reader.number(width_bits)?, reader.number(height_bits)?);
    if !is_reduced && reader.flag()? {
        let _frame_id_bits = reader.number(4 + 3)?;
    }
    // Large blocks and two filters inside of a frame.
    let _tools = reader.number(3)?;
    if !is_reduced {
        skip_tools_between_frames(reader)?;
    }
    // Super-resolution, and two filters after a frame.
    let _tools = reader.number(3)?;
    read_colours(reader, profile)
}

/// Reads the times, the operating points and their parts of the decoder model.
fn skip_operating_points(reader: &mut HeaderBits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if reader.flag()? {
        let _ticks = (reader.number(32)?, reader.number(32)?);
        if reader.flag()? {
            reader.skip_variable_number()?;
        }
        if reader.flag()? {
            delay_bits = Some(reader.number(5)? + 1);
            let _model = (reader.number(32)?, reader.number(5 + 5)?);
        }
    }
    let has_display_delay = reader.flag()?;
    let points = reader.number(5)? + 1;
    for _ in 0..points {
        let _layers = reader.number(12)?;
        let level = reader.number(5)?;
        if level > 7 {
            let _tier = reader.flag()?;
        }
        if let Some(bits) = delay_bits
            && reader.flag()?
        {
            let _delays = (reader.number(bits)?, reader.number(bits)?, reader.flag()?);
        }
        if has_display_delay && reader.flag()? {
            let _delay = reader.number(4)?;
        }
    }
    Some(())
}

/// Reads which tools are used between frames.
fn skip_tools_between_frames(reader: &mut HeaderBits<'_>) -> Option<()> {
    let _tools = reader.number(4)?;
    let has_order = reader.flag()?;
    if has_order {
        let _tools = reader.number(2)?;
    }
    let chooses_screen_content = reader.flag()?;
    let has_screen_content = chooses_screen_content || reader.flag()?;
    if has_screen_content {
        let chooses_whole_vectors = reader.flag()?;
        if !chooses_whole_vectors {
            let _has_whole_vectors = reader.flag()?;
        }
    }
    if has_order {
        let _order_bits = reader.number(3)?;
    }
    Some(())
}

/// Reads the colours (5.5.2).
fn read_colours(reader: &mut HeaderBits<'_>, profile: u32) -> Option<Av1Header> {
    let is_deep = reader.flag()?;
    let bits = match (profile, is_deep) {
        (2, true) if reader.flag()? => 12,
        (_, true) => 10,
        (_, false) => 8,
    };
    let is_grey = profile != 1 && reader.flag()?;
    let (mut primaries, mut transfer, mut matrix) = (2, 2, 2);
    if reader.flag()? {
        let code = |reader: &mut HeaderBits<'_>| Some(reader.number(8)? as u16);
        (primaries, transfer, matrix) = (code(reader)?, code(reader)?, code(reader)?);
    }
    let mut header = Av1Header {
        bits,
        chroma_samples: 0,
        chroma_location: ChromaLocation::Centre,
        primaries,
        transfer,
        matrix,
        has_full_range: true,
        frames: 0,
    };
    if is_grey {
        header.has_full_range = reader.flag()?;
        return Some(header);
    }
    if (primaries, transfer, matrix) == (1, 13, 0) {
        // sRGB without a conversion has no choice.
        header.chroma_samples = 8;
        return Some(header);
    }
    header.has_full_range = reader.flag()?;
    let (halves_width, halves_height) = match (profile, bits) {
        (0, _) => (true, true),
        (1, _) => (false, false),
        (_, 12) => {
            let halves_width = reader.flag()?;
            (halves_width, halves_width && reader.flag()?)
        }
        _ => (true, false),
    };
    header.chroma_samples = match (halves_width, halves_height) {
        (true, true) => 2,
        (true, false) => 4,
        _ => 8,
    };
    if halves_width && halves_height {
        header.chroma_location = match reader.number(2)? {
            1 => ChromaLocation::Left,
            2 => ChromaLocation::TopLeft,
            // Not stated. The encoders of pictures reduce chroma as those of JPEG do.
            _ => ChromaLocation::Centre,
        };
    }
    Some(header)
}
