//! Reduces pictures that a decoder returned as a whole.

use crate::alpha::{AlphaSample, compose_over_white};
use crate::colour::{PictureSample, PixelLayout, RowConverter};
use crate::decoded::DecodedPicture;
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::picture::UntaggedColour;
use crate::size::PixelSize;

/// The number of rows that are converted at a time.
const ROWS_AT_ONCE: usize = 32;

/// The samples of a decoded pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleFormat {
    pub(crate) layout: PixelLayout,
    pub(crate) has_alpha: bool,
    pub(crate) depth: SampleDepth,
}

/// The number of bits of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleDepth {
    Bits8,
    Bits16,
}

/// What a file states about its colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeclaredColours<'a> {
    pub(crate) icc: Option<&'a [u8]>,
    pub(crate) untagged: UntaggedColour,
}

/// Reduces a decoded picture. `bytes` contains its samples row by row, in the byte order of the
/// machine. The result has no orientation of its container.
pub(crate) fn reduce_interleaved(
    bytes: &[u8],
    size: PixelSize,
    format: SampleFormat,
    colours: DeclaredColours<'_>,
    target: PixelSize,
) -> DecodedPicture {
    match format.depth {
        SampleDepth::Bits8 => {
            let append = |bytes: &[u8], samples: &mut Vec<u8>| samples.extend_from_slice(bytes);
            reduce_samples(bytes, size, format, colours, target, append)
        }
        SampleDepth::Bits16 => {
            let append = |bytes: &[u8], samples: &mut Vec<u16>| {
                let pairs = bytes.as_chunks().0.iter();
                samples.extend(pairs.map(|pair| u16::from_ne_bytes(*pair)));
            };
            reduce_samples(bytes, size, format, colours, target, append)
        }
    }
}

/// Reduces a decoded picture. `append` appends the samples in some bytes.
fn reduce_samples<S: PictureSample + AlphaSample>(
    bytes: &[u8],
    size: PixelSize,
    format: SampleFormat,
    colours: DeclaredColours<'_>,
    target: PixelSize,
    append: impl Fn(&[u8], &mut Vec<S>),
) -> DecodedPicture {
    let mut converter = RowConverter::new(format.layout, colours.icc, colours.untagged);
    let mut downscaler = BandDownscaler::new(DecodedArea::whole(size), target);
    let row_bytes = bytes.len() / size.height as usize;
    let mut samples = Vec::new();
    for rows in bytes.chunks(row_bytes * ROWS_AT_ONCE) {
        samples.clear();
        append(rows, &mut samples);
        match (format.has_alpha, format.layout) {
            (true, PixelLayout::Grey) => compose_over_white::<S, 2>(&mut samples),
            (true, _) => compose_over_white::<S, 4>(&mut samples),
            (false, _) => {}
        }
        converter.append(&samples, downscaler.buffer());
        downscaler.reduce();
    }
    DecodedPicture {
        stored_size: size,
        image: downscaler.finish(),
        conversion: converter.conversion(),
        container_orientation: None,
    }
}
