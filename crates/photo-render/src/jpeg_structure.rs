//! The structure of a JPEG: its markers, without its pixels (ITU T.81, annex B).
//!
//! `mozjpeg` fills the missing part of a truncated file with grey and reports success. So the end of
//! the picture is searched here. The memory of a decode is also estimated from this structure.

use memchr::memchr;

use crate::error::RenderError;
use crate::limits::MAX_SCANS;
use crate::picture::PictureFormat;
use crate::size::PixelSize;

/// The start of a segment with a part of an ICC profile.
const ICC_HEADER: &[u8] = b"ICC_PROFILE\0";

/// What the markers of a JPEG contain.
#[derive(Debug)]
pub(crate) struct JpegStructure {
    pub(crate) size: PixelSize,
    /// The sampling factors of each component, horizontal and vertical.
    pub(crate) sampling: Vec<(u8, u8)>,
    /// Whether the decoder must keep all coefficients: the picture is progressive, or its components
    /// are in several scans.
    pub(crate) needs_coefficients: bool,
    /// Whether there is a segment of Adobe. If so, CMYK is stored inverted.
    pub(crate) has_adobe_segment: bool,
    /// The ICC profile.
    pub(crate) icc: Option<Vec<u8>>,
}

/// Reads the structure of a JPEG up to its end marker.
///
/// Fails if the end is missing, if the picture is of a kind that is not decoded, or if it has too
/// many scans.
pub(crate) fn read_jpeg_structure(bytes: &[u8]) -> Result<JpegStructure, RenderError> {
    if !bytes.starts_with(b"\xff\xd8") {
        return match bytes {
            [] | [0xff] => Err(RenderError::Truncated(PictureFormat::Jpeg)),
            _ => Err(corrupt("it does not begin with a start marker")),
        };
    }
    let mut walk = MarkerWalk { bytes, at: 2 };
    let mut frame = None;
    let mut icc = IccChunks::default();
    let mut has_adobe_segment = false;
    let mut scans = 0;
    let mut is_split = false;
    loop {
        match walk.next_marker()? {
            // The end.
            0xd9 => break,
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => {}
            0xda => {
                let segment = walk.segment()?;
                let frame: &FrameHeader = frame
                    .as_ref()
                    .ok_or_else(|| corrupt("a scan comes before the frame header"))?;
                scans += 1;
                if scans > MAX_SCANS {
                    let max_scans = MAX_SCANS;
                    return Err(RenderError::TooManyScans { max_scans });
                }
                let components = segment.first().copied().unwrap_or_default();
                is_split |= usize::from(components) < frame.sampling.len();
                walk.skip_scan()?;
            }
            marker @ (0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
                let header = frame_header(marker, walk.segment()?)?;
                if frame.replace(header).is_some() {
                    return Err(unsupported("several frames"));
                }
            }
            0xe2 => icc.add(walk.segment()?),
            0xee => has_adobe_segment |= walk.segment()?.starts_with(b"Adobe"),
            0x02..=0xbf | 0xd8 => return Err(corrupt("a marker is invalid")),
            _ => {
                walk.segment()?;
            }
        }
    }
    let frame = frame.filter(|_| scans > 0);
    let frame = frame.ok_or_else(|| corrupt("it has no picture"))?;
    Ok(JpegStructure {
        size: frame.size,
        sampling: frame.sampling,
        needs_coefficients: frame.is_progressive || is_split,
        has_adobe_segment,
        icc: icc.profile(),
    })
}

/// A position between the markers of a JPEG.
struct MarkerWalk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> MarkerWalk<'a> {
    /// Returns the next marker, and moves behind it. Skips bytes before it, as decoders do.
    fn next_marker(&mut self) -> Result<u8, RenderError> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let start = memchr(0xff, rest).ok_or_else(truncated)?;
            let fill = rest[start..].iter().take_while(|byte| **byte == 0xff);
            let code_at = start + fill.count();
            let code = *rest.get(code_at).ok_or_else(truncated)?;
            self.at += code_at + 1;
            if code != 0 {
                return Ok(code);
            }
        }
    }

    /// Returns the content of the segment here, and moves behind it.
    fn segment(&mut self) -> Result<&'a [u8], RenderError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (length, content) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let content_length = length
            .checked_sub(2)
            .ok_or_else(|| corrupt("the length of a segment is invalid"))?;
        let content = content.get(..content_length).ok_or_else(truncated)?;
        self.at += length;
        Ok(content)
    }

    /// Moves to the first marker after the data of a scan. In the data, 0xFF is followed by 0, or by
    /// one of the restart markers.
    fn skip_scan(&mut self) -> Result<(), RenderError> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let start = memchr(0xff, rest).ok_or_else(truncated)?;
            match rest.get(start + 1).ok_or_else(truncated)? {
                0x00 | 0xd0..=0xd7 => self.at += start + 2,
                0xff => self.at += start + 1,
                _ => {
                    self.at += start;
                    return Ok(());
                }
            }
        }
    }
}

/// The header of a frame.
struct FrameHeader {
    size: PixelSize,
    sampling: Vec<(u8, u8)>,
    is_progressive: bool,
}

/// Parses the header of a frame. Fails if `mozjpeg` does not decode frames of this kind.
fn frame_header(marker: u8, segment: &[u8]) -> Result<FrameHeader, RenderError> {
    match marker {
        0xc0..=0xc2 => {}
        0xc3 => return Err(unsupported("lossless")),
        0xc5..=0xc7 | 0xcd..=0xcf => return Err(unsupported("hierarchical")),
        _ => return Err(unsupported("arithmetic coding")),
    }
    let (&[precision, h1, h0, w1, w0, count], components) = segment
        .split_first_chunk::<6>()
        .ok_or_else(|| corrupt("the frame header is too short"))?;
    if precision != 8 {
        return Err(unsupported(&format!("{precision} bits per sample")));
    }
    let size = PixelSize {
        width: u16::from_be_bytes([w1, w0]).into(),
        height: u16::from_be_bytes([h1, h0]).into(),
    };
    if size.height == 0 {
        return Err(unsupported("a height that is defined after the picture"));
    }
    if size.width == 0 {
        return Err(corrupt("its width is 0"));
    }
    if !matches!(count, 1 | 3 | 4) {
        return Err(unsupported(&format!("{count} components")));
    }
    let components = components.as_chunks::<3>().0.iter().take(count.into());
    let sampling: Vec<(u8, u8)> = components.map(|[_, hv, _]| (hv >> 4, hv & 15)).collect();
    let is_valid = |factor: u8| (1..=4).contains(&factor);
    if sampling.len() < usize::from(count)
        || !sampling.iter().all(|(h, v)| is_valid(*h) && is_valid(*v))
    {
        return Err(corrupt("the frame header is invalid"));
    }
    Ok(FrameHeader {
        size,
        sampling,
        is_progressive: marker == 0xc2,
    })
}

/// The parts of an ICC profile, which may be in several segments (ICC.1, annex B.4).
#[derive(Default)]
struct IccChunks<'a> {
    /// The number of each part, and its bytes.
    chunks: Vec<(u8, &'a [u8])>,
}

impl<'a> IccChunks<'a> {
    /// Adds a segment, if it is a part of a profile.
    fn add(&mut self, segment: &'a [u8]) {
        let content = segment.strip_prefix(ICC_HEADER);
        if let Some((&[number, _], part)) = content.and_then(|rest| rest.split_first_chunk()) {
            self.chunks.push((number, part));
        }
    }

    /// Returns the profile. A profile with missing parts is returned as it is, so that it is found
    /// to be unusable. Returns `None` if there is no part.
    fn profile(mut self) -> Option<Vec<u8>> {
        self.chunks.sort_by_key(|(number, _)| *number);
        self.chunks.dedup_by_key(|(number, _)| *number);
        let bytes = self.chunks.iter().flat_map(|(_, part)| *part);
        (!self.chunks.is_empty()).then(|| bytes.copied().collect())
    }
}

fn truncated() -> RenderError {
    RenderError::Truncated(PictureFormat::Jpeg)
}

fn corrupt(detail: &str) -> RenderError {
    RenderError::corrupt(PictureFormat::Jpeg, detail)
}

fn unsupported(kind: &str) -> RenderError {
    RenderError::unsupported(PictureFormat::Jpeg, kind)
}
