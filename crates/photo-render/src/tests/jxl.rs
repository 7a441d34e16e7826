//! JPEG XL: depths, alpha, and damage. The tests write lossless pictures.

use proptest::prelude::*;
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use super::builders::{TestPixels, gradient, pixels_of, rendered, sharp_recipe};
use super::damage::check_outcome;
use crate::{PictureFormat, RenderError, RenderLimits, RenderRecipe, RightsNotice, render};

/// Returns a lossless JPEG XL.
fn jxl(size: (u32, u32), colours: ColorSpace, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
    let options = EncoderOptions::default()
        .set_width(size.0 as usize)
        .set_height(size.1 as usize)
        .set_colorspace(colours)
        .set_depth(depth);
    let mut bytes = Vec::new();
    JxlSimpleEncoder::new(samples, options)
        .encode(&mut bytes)
        .expect("the samples have the size");
    bytes
}

fn gradient_samples(size: (u32, u32)) -> Vec<u8> {
    let places = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
    places.flat_map(|(x, y)| gradient(x, y, size)).collect()
}

/// Returns the mean difference of a rendered gradient from the gradient.
fn gradient_difference(size: (u32, u32), bytes: &[u8]) -> f64 {
    let recipe = sharp_recipe(size.0.max(size.1));
    let result = rendered(bytes, PictureFormat::JpegXl, &recipe).expect("a valid JPEG XL");
    let actual = pixels_of(&result.renditions[0]);
    let expected = TestPixels {
        size: actual.size,
        pixels: gradient_samples(size).as_chunks().0.to_vec(),
    };
    actual.mean_difference(&expected)
}

#[test]
fn both_depths_are_rendered() {
    for size in [(96, 64), (97, 63), (33, 17), (600, 400)] {
        let samples = gradient_samples(size);
        let bytes = jxl(size, ColorSpace::RGB, BitDepth::Eight, &samples);
        let difference = gradient_difference(size, &bytes);
        assert!(difference < 2.5, "{size:?}: {difference}");
        let wide: Vec<u8> = samples
            .iter()
            .flat_map(|value| (u16::from(*value) * 257).to_ne_bytes())
            .collect();
        let bytes = jxl(size, ColorSpace::RGB, BitDepth::Sixteen, &wide);
        let difference = gradient_difference(size, &bytes);
        assert!(difference < 2.5, "16 bits, {size:?}: {difference}");
    }
}

#[test]
fn grey_and_transparent_pixels_are_rendered() {
    for (colours, pixel, expected) in [
        (ColorSpace::Luma, &[119][..], "#777777"),
        (ColorSpace::LumaA, &[0, 51], "#cccccc"),
        (ColorSpace::RGBA, &[10, 20, 30, 255], "#0a141e"),
        (ColorSpace::RGBA, &[10, 20, 30, 0], "#ffffff"),
    ] {
        let samples = pixel.repeat(50 * 40);
        let bytes = jxl((50, 40), colours, BitDepth::Eight, &samples);
        let result = rendered(&bytes, PictureFormat::JpegXl, &RenderRecipe::default());
        let colour = result.expect("a valid JPEG XL").average_colour;
        assert_eq!(colour.to_string(), expected, "{colours:?}");
    }
}

/// Returns a small picture that is changed or cut.
fn small() -> Vec<u8> {
    jxl(
        (70, 50),
        ColorSpace::RGB,
        BitDepth::Eight,
        &gradient_samples((70, 50)),
    )
}

#[test]
fn truncated_files_are_reported() {
    let whole = small();
    for tenth in 0..10 {
        let end = whole.len() * tenth / 10;
        let outcome = rendered(
            &whole[..end],
            PictureFormat::JpegXl,
            &RenderRecipe::default(),
        );
        assert_eq!(
            outcome,
            Err(RenderError::Truncated(PictureFormat::JpegXl)),
            "{end} bytes"
        );
    }
}

#[test]
fn limits_are_checked_before_decoding() {
    let bytes = small();
    let picture = super::builders::picture(&bytes, PictureFormat::JpegXl);
    let outcome = |limits| {
        let rights = RightsNotice::default();
        render(&picture, &RenderRecipe::default(), &rights, limits).err()
    };
    let limits = RenderLimits {
        max_pixels: 3_499,
        ..RenderLimits::default()
    };
    assert!(outcome(limits).is_some());
    let limits = RenderLimits {
        max_memory: 50_000,
        ..RenderLimits::default()
    };
    assert!(matches!(
        outcome(limits),
        Some(RenderError::TooMuchMemory { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = small();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        check_outcome(&bytes, PictureFormat::JpegXl);
    }
}
