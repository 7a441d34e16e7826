//! Pictures in linear light.

use std::ops::Range;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::orientation::PictureOrientation;
use crate::size::PixelSize;
use crate::transfer::srgb_of_linear;

/// The filter of every reduction. In linear light, filters with a longer reach draw dark lines
/// beside bright edges.
pub(crate) const FILTER: FilterType = FilterType::CatmullRom;
/// The reach of [`FILTER`] in pixels of the result.
pub(crate) const FILTER_REACH: f64 = 2.0;

/// A picture in sRGB primaries and linear light, not turned yet. 65,535 is white.
pub(crate) struct LinearImage {
    pub(crate) size: PixelSize,
    /// Row by row.
    pub(crate) pixels: Vec<U16x3>,
}

impl LinearImage {
    /// Returns the picture reduced to a size.
    pub(crate) fn resized(&self, resizer: &mut Resizer, size: PixelSize) -> Self {
        if size == self.size {
            return Self {
                size,
                pixels: self.pixels.clone(),
            };
        }
        let mut pixels = vec![U16x3::default(); size.pixels() as usize];
        let crop = CropArea {
            top: 0.0,
            width: f64::from(self.size.width),
            height: f64::from(self.size.height),
        };
        resize_area(resizer, &self.pixels, self.size, crop, &mut pixels, size);
        Self { size, pixels }
    }

    /// Returns some rows of the upright picture in 8-bit sRGB, three bytes for each pixel.
    pub(crate) fn upright_srgb_rows(
        &self,
        orientation: PictureOrientation,
        rows: Range<u32>,
    ) -> Vec<u8> {
        let upright = orientation.upright_size(self.size);
        let path = orientation.pixel_path(self.size);
        let table = srgb_of_linear();
        let mut bytes = Vec::with_capacity(rows.len() * upright.width as usize * 3);
        for y in rows {
            for index in path.row(y, upright.width) {
                let samples = self.pixels[index].0;
                bytes.extend(samples.map(|sample| table[usize::from(sample)]));
            }
        }
        bytes
    }

    /// Returns the mean of all pixels in 8-bit sRGB: the colour of the picture seen from far away.
    pub(crate) fn mean_srgb(&self) -> [u8; 3] {
        let mut sums = [0_u64; 3];
        for pixel in &self.pixels {
            for (sum, sample) in sums.iter_mut().zip(pixel.0) {
                *sum += u64::from(sample);
            }
        }
        let count = (self.pixels.len() as u64).max(1);
        sums.map(|sum| srgb_of_linear()[((sum + count / 2) / count) as usize])
    }
}

/// The part of some rows that is resized. It begins at the left edge. It may end inside a pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CropArea {
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Resizes a part of some rows to a size. Pixels around the part have an influence on its edges.
pub(crate) fn resize_area(
    resizer: &mut Resizer,
    from: &[U16x3],
    from_size: PixelSize,
    area: CropArea,
    to: &mut [U16x3],
    to_size: PixelSize,
) {
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FILTER))
        .crop(0.0, area.top, area.width, area.height);
    let from = TypedImageRef::new(from_size.width, from_size.height, from)
        .expect("the buffer has the size of the rows");
    let mut to = TypedImage::from_pixels_slice(to_size.width, to_size.height, to)
        .expect("the buffer has the size of the result");
    resizer
        .resize_typed(&from, &mut to, &options)
        .expect("the area is inside the rows");
}
