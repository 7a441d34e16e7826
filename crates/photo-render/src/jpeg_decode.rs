//! Decodes JPEGs with `mozjpeg`.

use std::io;

use mozjpeg::{ColorSpace, Decompress};

use crate::colour::{PixelLayout, RowConverter};
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::error::RenderError;
use crate::jpeg_structure::{JpegStructure, read_jpeg_structure};
use crate::picture::{EncodedPicture, PictureFormat};
use crate::size::PixelSize;

/// The number of rows that are decoded at a time. A multiple of the 16 rows of a block row.
const ROWS_AT_ONCE: usize = 32;

/// Decodes a JPEG and reduces it to the size of its largest rendition.
///
/// The decoder reduces by 2, 4 or 8 itself, if the result is not smaller than the largest rendition.
/// This part of the reduction is a mean of encoded samples, not of light.
pub(crate) fn decode_jpeg(
    picture: &EncodedPicture<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let structure = read_jpeg_structure(picture.bytes)?;
    let size = structure.size;
    plan.limits.check_pixels(size)?;
    let target = plan.largest_size(size);
    let eighths = decoded_eighths(size, target);
    let area = DecodedArea {
        stored: PixelSize {
            width: (size.width * eighths).div_ceil(8),
            height: (size.height * eighths).div_ceil(8),
        },
        exact: (
            f64::from(size.width * eighths) / 8.0,
            f64::from(size.height * eighths) / 8.0,
        ),
    };
    let layout = match structure.sampling.len() {
        1 => PixelLayout::Grey,
        4 => PixelLayout::Cmyk,
        _ => PixelLayout::Rgb,
    };
    let memory = decoder_memory(&structure, area.stored, layout);
    plan.check_memory(memory + BandDownscaler::memory(area, target), target)?;

    let icc = structure.icc.as_deref();
    let mut converter = RowConverter::new(layout, icc, picture.untagged_colour);
    let mut downscaler = BandDownscaler::new(area, target);
    let is_inverted = layout == PixelLayout::Cmyk && structure.has_adobe_segment;
    decode_rows(picture.bytes, eighths, area.stored, layout, |rows| {
        if is_inverted {
            rows.iter_mut().for_each(|sample| *sample = 255 - *sample);
        }
        converter.append(rows, downscaler.buffer());
        downscaler.reduce();
    })
    .map_err(|error| RenderError::corrupt(PictureFormat::Jpeg, &error.to_string()))?;
    Ok(DecodedPicture {
        stored_size: size,
        image: downscaler.finish(),
        conversion: converter.conversion(),
        container_orientation: None,
    })
}

/// Returns the scale of the decoder in eighths: the smallest one at which the decoded picture is not
/// smaller than the target.
fn decoded_eighths(size: PixelSize, target: PixelSize) -> u32 {
    let scales = [1, 2, 4].into_iter();
    let mut fitting = scales.filter(|eighths| size.long_edge() * eighths >= target.long_edge() * 8);
    fitting.next().unwrap_or(8)
}

/// Decodes all rows, and calls `handle_rows` with some of them at a time.
///
/// Panics if the data are corrupt, which is how `mozjpeg` reports this.
fn decode_rows(
    bytes: &[u8],
    eighths: u32,
    stored: PixelSize,
    layout: PixelLayout,
    mut handle_rows: impl FnMut(&mut [u8]),
) -> io::Result<()> {
    let mut decoder = Decompress::new_mem(bytes)?;
    decoder.scale(eighths as u8);
    let mut rows = decoder.to_colorspace(match layout {
        PixelLayout::Grey => ColorSpace::JCS_GRAYSCALE,
        PixelLayout::Rgb => ColorSpace::JCS_RGB,
        PixelLayout::Cmyk => ColorSpace::JCS_CMYK,
    })?;
    let size = (rows.width(), rows.height());
    if size != (stored.width as usize, stored.height as usize) {
        return Err(io::Error::other("its size changes after the frame header"));
    }
    let row_bytes = size.0 * layout.samples();
    let mut buffer = vec![0; row_bytes * ROWS_AT_ONCE.min(size.1)];
    let mut left = size.1;
    while left > 0 {
        let count = left.min(ROWS_AT_ONCE);
        let part = &mut buffer[..count * row_bytes];
        rows.read_scanlines_into(part)?;
        handle_rows(part);
        left -= count;
    }
    Ok(())
}

/// Returns the estimated memory of the decoder in bytes, without the downscaler.
fn decoder_memory(structure: &JpegStructure, stored: PixelSize, layout: PixelLayout) -> u64 {
    let rows = 2 * ROWS_AT_ONCE as u64 * u64::from(stored.width) * layout.samples() as u64;
    if !structure.needs_coefficients {
        return rows;
    }
    let max_h = structure
        .sampling
        .iter()
        .map(|(h, _)| *h)
        .max()
        .unwrap_or(1);
    let max_v = structure
        .sampling
        .iter()
        .map(|(_, v)| *v)
        .max()
        .unwrap_or(1);
    let whole = u64::from(max_h) * u64::from(max_v);
    let shares = structure.sampling.iter();
    let shares: u64 = shares.map(|(h, v)| u64::from(*h) * u64::from(*v)).sum();
    // Each coefficient has two bytes.
    rows + structure.size.pixels() * shares * 2 / whole
}
