//! PNG, WebP, TIFF and GIF.

use image::codecs::gif::GifEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, Frame, ImageEncoder, Rgba, RgbaImage};

use super::builders::{gradient, pixels_of, png, rendered, sharp_recipe, tiff};
use crate::{PictureFormat, RenderRecipe};

const SIZE: (u32, u32) = (96, 64);

/// Returns the samples of a gradient, with each value converted.
fn samples<const N: usize>(convert: impl Fn([u8; 3]) -> [u8; N]) -> Vec<u8> {
    let rows = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| gradient(x, y, SIZE)));
    rows.flat_map(convert).collect()
}

/// Returns the mean difference of a rendered gradient from the gradient.
fn gradient_difference(bytes: &[u8], format: PictureFormat) -> f64 {
    let result = rendered(bytes, format, &sharp_recipe(SIZE.0)).expect("a valid picture");
    let actual = pixels_of(&result.renditions[0]);
    let mut expected = actual.clone();
    let places = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
    expected.pixels = places.map(|(x, y)| gradient(x, y, SIZE)).collect();
    actual.mean_difference(&expected)
}

fn wide(value: u8) -> [u8; 2] {
    (u16::from(value) * 257).to_ne_bytes()
}

#[test]
fn all_formats_and_depths_are_rendered() {
    let rgb = samples(|pixel| pixel);
    let rgb16 = samples(|[r, g, b]| {
        let ([r1, r2], [g1, g2], [b1, b2]) = (wide(r), wide(g), wide(b));
        [r1, r2, g1, g2, b1, b2]
    });
    let mut webp = Vec::new();
    WebPEncoder::new_lossless(&mut webp)
        .write_image(&rgb, SIZE.0, SIZE.1, ExtendedColorType::Rgb8)
        .expect("the samples have the size");
    for (bytes, format) in [
        (
            png(SIZE, ExtendedColorType::Rgb8, None, &rgb),
            PictureFormat::Png,
        ),
        (
            png(SIZE, ExtendedColorType::Rgb16, None, &rgb16),
            PictureFormat::Png,
        ),
        (
            tiff(SIZE, ExtendedColorType::Rgb8, &rgb),
            PictureFormat::Tiff,
        ),
        (
            tiff(SIZE, ExtendedColorType::Rgb16, &rgb16),
            PictureFormat::Tiff,
        ),
        (webp, PictureFormat::WebP),
    ] {
        let difference = gradient_difference(&bytes, format);
        assert!(difference < 2.0, "{format}: {difference}");
    }
}

/// Returns the average colour of a PNG of one pixel value.
fn colour_of(kind: ExtendedColorType, pixel: &[u8]) -> String {
    let samples = pixel.repeat((SIZE.0 * SIZE.1) as usize);
    let bytes = png(SIZE, kind, None, &samples);
    let result = rendered(&bytes, PictureFormat::Png, &RenderRecipe::default());
    result.expect("a valid PNG").average_colour.to_string()
}

#[test]
fn transparent_pixels_are_shown_over_white() {
    assert_eq!(
        colour_of(ExtendedColorType::Rgba8, &[10, 20, 30, 0]),
        "#ffffff"
    );
    assert_eq!(
        colour_of(ExtendedColorType::Rgba8, &[10, 20, 30, 255]),
        "#0a141e"
    );
    assert_eq!(
        colour_of(ExtendedColorType::Rgba8, &[0, 0, 0, 128]),
        "#7f7f7f"
    );
    assert_eq!(colour_of(ExtendedColorType::La8, &[0, 51]), "#cccccc");
    let half = [[0, 0], [0, 0], [0, 0], 0x8000_u16.to_ne_bytes()].concat();
    assert_eq!(colour_of(ExtendedColorType::Rgba16, &half), "#7f7f7f");
    let fifth = [[0, 0], 0x3333_u16.to_ne_bytes()].concat();
    assert_eq!(colour_of(ExtendedColorType::La16, &fifth), "#cccccc");
    assert_eq!(colour_of(ExtendedColorType::L16, &wide(119)), "#777777");
}

#[test]
fn animations_show_their_first_frame() {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for colour in [[255, 0, 0, 255], [0, 0, 255, 255]] {
        let frame = Frame::new(RgbaImage::from_pixel(40, 30, Rgba(colour)));
        encoder.encode_frame(frame).expect("a valid frame");
    }
    drop(encoder);
    let result = rendered(&bytes, PictureFormat::Gif, &RenderRecipe::default());
    assert_eq!(
        result.expect("a valid GIF").average_colour.to_string(),
        "#ff0000"
    );
}

#[test]
fn unsupported_kinds_are_named() {
    let floats: Vec<u8> = (0..SIZE.0 * SIZE.1 * 3)
        .flat_map(|_| 0.5_f32.to_ne_bytes())
        .collect();
    let bytes = tiff(SIZE, ExtendedColorType::Rgb32F, &floats);
    let error = rendered(&bytes, PictureFormat::Tiff, &RenderRecipe::default());
    let error = error.expect_err("an error").to_string();
    assert_eq!(error, "unsupported kind of TIFF: floating-point samples");
}

#[cfg(not(feature = "more-formats"))]
#[test]
fn formats_without_a_decoder_are_named() {
    for format in [
        PictureFormat::Heic,
        PictureFormat::Avif,
        PictureFormat::JpegXl,
    ] {
        let outcome = rendered(b"any bytes", format, &RenderRecipe::default());
        assert_eq!(outcome, Err(crate::RenderError::NoDecoder(format)));
    }
}
