//! Makes a JPEG as large and as detailed as a photo, for measurements:
//! `make_photo WIDTH HEIGHT FILE`.
//!
//! The picture has soft gradients, shapes with hard edges, and the grain of a sensor. It is baseline
//! with quality 92 and 4:2:2 chroma, as many cameras write it.

#![allow(clippy::disallowed_methods, reason = "a program writes a file")]

use std::error::Error;
use std::fs;

use mozjpeg::{ColorSpace, Compress};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [width, height, file] = arguments.as_slice() else {
        return Err("usage: make_photo WIDTH HEIGHT FILE".into());
    };
    let (width, height) = (width.parse()?, height.parse()?);
    let mut encoder = Compress::new(ColorSpace::JCS_RGB);
    encoder.set_fastest_defaults();
    encoder.set_size(width, height);
    encoder.set_color_space(ColorSpace::JCS_YCbCr);
    encoder.set_quality(92.0);
    encoder.set_chroma_sampling_pixel_sizes((2, 1), (2, 1));
    let mut rows = encoder.start_compress(Vec::new())?;
    let mut random = fastrand::Rng::with_seed(1);
    for y in 0..height {
        let row: Vec<u8> = (0..width)
            .flat_map(|x| pixel(x as f32, y as f32, &mut random))
            .collect();
        rows.write_scanlines(&row)?;
    }
    fs::write(file, rows.finish()?)?;
    Ok(())
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
