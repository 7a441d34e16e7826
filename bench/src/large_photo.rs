//! A picture as large and as detailed as a photo.

use std::io;

use mozjpeg::{ColorSpace, Compress};

/// A picture with soft gradients, shapes with hard edges, and the grain of a sensor. The same size
/// gives the same pixels.
pub struct LargePhoto {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}

impl LargePhoto {
    /// Returns the rows in 8-bit sRGB, three bytes for each pixel.
    pub fn rows(&self) -> impl Iterator<Item = Vec<u8>> {
        let mut random = fastrand::Rng::with_seed(1);
        let width = self.width;
        (0..self.height).map(move |y| {
            let pixels = (0..width).flat_map(|x| pixel(x as f32, y as f32, &mut random));
            pixels.collect()
        })
    }

    /// Returns a JPEG with quality 92 and 4:2:2 chroma, as many cameras write it.
    ///
    /// # Errors
    /// The size is not possible in a JPEG.
    pub fn jpeg(&self, is_progressive: bool) -> io::Result<Vec<u8>> {
        let mut encoder = Compress::new(ColorSpace::JCS_RGB);
        encoder.set_fastest_defaults();
        encoder.set_size(self.width, self.height);
        encoder.set_color_space(ColorSpace::JCS_YCbCr);
        encoder.set_quality(92.0);
        encoder.set_chroma_sampling_pixel_sizes((2, 1), (2, 1));
        if is_progressive {
            encoder.set_progressive_mode();
        }
        let mut rows = encoder.start_compress(Vec::new())?;
        for row in self.rows() {
            rows.write_scanlines(&row)?;
        }
        rows.finish()
    }
}

/// Returns a pixel of the picture.
fn pixel(x: f32, y: f32, random: &mut fastrand::Rng) -> [u8; 3] {
    let soft = 90.0 + 60.0 * (x / 911.0).sin() * (y / 733.0).cos();
    let texture = 18.0 * (x / 5.3 + (y / 61.0).sin() * 4.0).sin() * (y / 7.1).cos();
    let edge = if ((x - y) / 257.0).rem_euclid(2.0) < 1.0 {
        25.0
    } else {
        0.0
    };
    let grain = (random.f32() + random.f32() - 1.0) * 14.0;
    let tint = (x / 1_700.0).cos() * 30.0;
    let light = soft + texture + edge + grain;
    [light + tint, light, light - tint].map(|value| value as u8)
}
