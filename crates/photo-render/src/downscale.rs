//! Reduces a picture while it is decoded.

use fast_image_resize::Resizer;
use fast_image_resize::pixels::U16x3;

use crate::linear::{CropArea, FILTER_REACH, LinearImage, resize_area};
use crate::size::PixelSize;

/// The number of decoded rows that are reduced together. More rows need more memory. With fewer rows,
/// more rows are reduced twice, at the edges of the bands.
const BAND_ROWS: f64 = 96.0;

/// The decoded rows of a picture, and which part of them is the picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecodedArea {
    /// The size of the decoded rows.
    pub(crate) stored: PixelSize,
    /// The width and height of the picture in decoded pixels. At odd sizes, a decode at half scale
    /// rounds up, and the picture ends inside the last pixel. If the whole pixel were used, the
    /// result would be shifted.
    pub(crate) exact: (f64, f64),
}

impl DecodedArea {
    /// Returns the area of a picture that is decoded at full size.
    pub(crate) fn whole(size: PixelSize) -> Self {
        Self {
            stored: size,
            exact: (f64::from(size.width), f64::from(size.height)),
        }
    }
}

/// Reduces a picture band by band, so that the decoded picture is never in memory as a whole.
///
/// The result is the same as that of a reduction of the whole picture.
pub(crate) struct BandDownscaler {
    area: DecodedArea,
    target: PixelSize,
    resizer: Resizer,
    /// Decoded rows in linear light that are still needed.
    band: Vec<U16x3>,
    /// The number of the first row in `band`.
    band_top: u32,
    /// The finished rows of the result.
    result: Vec<U16x3>,
}

impl BandDownscaler {
    /// Returns a downscaler to a size that is not larger than the area.
    pub(crate) fn new(area: DecodedArea, target: PixelSize) -> Self {
        Self {
            area,
            target,
            resizer: Resizer::new(),
            band: Vec::new(),
            band_top: 0,
            result: Vec::with_capacity(target.pixels() as usize),
        }
    }

    /// Returns the estimated memory of a downscaler and its result in bytes.
    pub(crate) fn memory(area: DecodedArea, target: PixelSize) -> u64 {
        let pixel = size_of::<U16x3>() as u64;
        let rows = (BAND_ROWS as u64 + 64).min(u64::from(area.stored.height));
        2 * pixel * rows * u64::from(area.stored.width) + pixel * target.pixels()
    }

    /// Returns the buffer to which the caller appends the next decoded rows in linear light. Whole
    /// rows must be appended. Then [`reduce`](Self::reduce) must be called.
    pub(crate) fn buffer(&mut self) -> &mut Vec<U16x3> {
        &mut self.band
    }

    /// Reduces the rows in the buffer, as far as the following rows have no influence on the result.
    pub(crate) fn reduce(&mut self) {
        let is_same_size = self.target == self.area.stored;
        if is_same_size {
            self.result.append(&mut self.band);
            return;
        }
        let ratio = self.ratio();
        let rows_at_once = ((BAND_ROWS / ratio) as u32).max(1);
        while self.next_row() < self.target.height {
            let first = self.next_row();
            let end = first.saturating_add(rows_at_once).min(self.target.height);
            let reach = FILTER_REACH * ratio.max(1.0) + 1.0;
            let needed_end =
                ((f64::from(end) * ratio + reach).ceil() as u32).min(self.area.stored.height);
            if self.band_end() < needed_end {
                return;
            }
            self.reduce_rows(first, end);
            let kept_from = (f64::from(end) * ratio - reach).floor().max(0.0) as u32;
            self.drop_rows_before(kept_from);
        }
    }

    /// Returns the reduced picture. Rows that were never decoded are black.
    pub(crate) fn finish(mut self) -> LinearImage {
        self.result
            .resize(self.target.pixels() as usize, U16x3::default());
        LinearImage {
            size: self.target,
            pixels: self.result,
        }
    }

    /// Returns the number of decoded rows for each row of the result.
    fn ratio(&self) -> f64 {
        self.area.exact.1 / f64::from(self.target.height)
    }

    /// Returns the number of the next row of the result.
    fn next_row(&self) -> u32 {
        (self.result.len() / self.target.width as usize) as u32
    }

    /// Returns the number of the row after the last one in the buffer.
    fn band_end(&self) -> u32 {
        self.band_top + (self.band.len() / self.area.stored.width as usize) as u32
    }

    /// Appends some rows to the result.
    fn reduce_rows(&mut self, first: u32, end: u32) {
        let rows = self.band_end() - self.band_top;
        let top = f64::from(first) * self.ratio() - f64::from(self.band_top);
        let height = f64::from(end - first) * self.ratio();
        let crop = CropArea {
            top,
            width: self.area.exact.0,
            // Rounding must not move the end behind the last row.
            height: height.min(f64::from(rows) - top),
        };
        let from_size = PixelSize {
            width: self.area.stored.width,
            height: rows,
        };
        let to_size = PixelSize {
            width: self.target.width,
            height: end - first,
        };
        let start = self.result.len();
        self.result
            .resize(start + to_size.pixels() as usize, U16x3::default());
        let to = &mut self.result[start..];
        resize_area(&mut self.resizer, &self.band, from_size, crop, to, to_size);
    }

    /// Removes the rows of the buffer before a row.
    fn drop_rows_before(&mut self, row: u32) {
        let count = row.saturating_sub(self.band_top);
        self.band
            .drain(..count as usize * self.area.stored.width as usize);
        self.band_top += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a picture with random pixels.
    fn noise(size: PixelSize) -> LinearImage {
        let mut random = fastrand::Rng::with_seed(7);
        let pixel = |_| U16x3::new(std::array::from_fn(|_| random.u16(..)));
        LinearImage {
            size,
            pixels: (0..size.pixels()).map(pixel).collect(),
        }
    }

    /// Reduces a picture by bands, with a number of rows at a time.
    fn reduced_by_bands(image: &LinearImage, target: PixelSize, rows: usize) -> LinearImage {
        let mut downscaler = BandDownscaler::new(DecodedArea::whole(image.size), target);
        for band in image.pixels.chunks(rows * image.size.width as usize) {
            downscaler.buffer().extend_from_slice(band);
            downscaler.reduce();
        }
        downscaler.finish()
    }

    #[test]
    fn bands_give_the_result_of_the_whole_picture() {
        let size = |width, height| PixelSize { width, height };
        for (from, to) in [
            (size(300, 1000), size(100, 333)),
            (size(301, 997), size(299, 990)),
            (size(50, 700), size(50, 7)),
            (size(40, 600), size(1, 1)),
            (size(1, 500), size(1, 400)),
            (size(500, 1), size(300, 1)),
        ] {
            let image = noise(from);
            let whole = image.resized(&mut Resizer::new(), to);
            for rows in [1, 16, 1000] {
                let banded = reduced_by_bands(&image, to, rows);
                let differences = whole
                    .pixels
                    .iter()
                    .zip(&banded.pixels)
                    .flat_map(|(a, b)| a.0.into_iter().zip(b.0).map(|(a, b)| a.abs_diff(b)));
                let largest = differences.max().expect("pixels");
                // The weights of the filter are computed with other rounding.
                assert!(largest <= 2, "{from:?} to {to:?}: {largest}");
            }
        }
    }
}
