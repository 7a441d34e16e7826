//! HEIC: tiles, odd sizes, colours, and damage.

use std::sync::LazyLock;

use heifer::{EncodeOptions, Metadata};
use proptest::prelude::*;

use super::builders::{TestPixels, gradient, pixels_of, rendered, sharp_recipe};
use super::colours::{CHART, DISPLAY_P3, chart_difference, chart_pixel};
use super::damage::check_outcome;
use crate::{ColourConversion, PictureFormat, PixelSize, RenderError, RenderRecipe};

/// Returns a HEIC of high quality.
fn heic(size: (u32, u32), pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let samples = samples(size, pixel);
    heifer::encode_rgb8(size.0, size.1, &samples, &options()).expect("a valid size")
}

fn samples(size: (u32, u32), pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let places = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
    places.flat_map(|(x, y)| pixel(x, y)).collect()
}

fn options() -> EncodeOptions {
    EncodeOptions {
        quality: 95,
        ..EncodeOptions::default()
    }
}

/// Returns the mean difference of a rendered gradient from the gradient.
fn gradient_difference(size: (u32, u32)) -> f64 {
    let bytes = heic(size, |x, y| gradient(x, y, size));
    let recipe = sharp_recipe(size.0.max(size.1));
    let result = rendered(&bytes, PictureFormat::Heic, &recipe).expect("a valid HEIC");
    assert_eq!(
        result.size,
        PixelSize {
            width: size.0,
            height: size.1
        }
    );
    let actual = pixels_of(&result.renditions[0]);
    let expected = TestPixels {
        size: actual.size,
        pixels: samples(size, |x, y| gradient(x, y, size))
            .as_chunks()
            .0
            .to_vec(),
    };
    actual.mean_difference(&expected)
}

#[test]
fn single_pictures_and_grids_are_rendered() {
    // The last one is a grid.
    for size in [(96, 64), (97, 63), (33, 17), (1300, 900)] {
        let difference = gradient_difference(size);
        assert!(difference < 3.0, "{size:?}: {difference}");
    }
}

#[test]
fn profiles_give_the_expected_colours() {
    let icc = moxcms::ColorProfile::new_display_p3()
        .encode()
        .expect("a profile");
    let metadata = Metadata {
        icc_profile: Some(icc),
        ..Metadata::default()
    };
    let plain = heic(CHART, chart_pixel);
    let image = heifer::decode(&plain).expect("a valid HEIC");
    let bytes = heifer::encode_with_metadata(&image, &metadata, &options()).expect("a valid size");
    let recipe = sharp_recipe(CHART.0);
    let result = rendered(&bytes, PictureFormat::Heic, &recipe).expect("a valid HEIC");
    assert_eq!(result.conversion, ColourConversion::Profile);
    let difference = chart_difference(&result, DISPLAY_P3);
    // The chart was compressed twice.
    assert!(difference < 1.5, "{difference}");
}

#[test]
fn truncated_files_are_reported() {
    let whole = heic((300, 200), |x, y| gradient(x, y, (300, 200)));
    for tenth in 0..10 {
        let end = whole.len() * tenth / 10;
        let outcome = rendered(&whole[..end], PictureFormat::Heic, &RenderRecipe::default());
        let error = outcome.expect_err("an error");
        assert!(
            !matches!(error, RenderError::DecoderPanicked(_)),
            "{end} bytes: {error}"
        );
    }
    let almost = &whole[..whole.len() * 9 / 10];
    let outcome = rendered(almost, PictureFormat::Heic, &RenderRecipe::default());
    assert_eq!(outcome, Err(RenderError::Truncated(PictureFormat::Heic)));
}

/// A small picture that is changed.
static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| heic((70, 50), |x, y| gradient(x, y, (70, 50))));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        at_start: bool,
    ) {
        let mut bytes = SMALL.clone();
        // The boxes are at the start.
        let range = if at_start { bytes.len().min(500) } else { bytes.len() };
        for (index, value) in changes {
            let at = index.index(range);
            bytes[at] = value;
        }
        check_outcome(&bytes, PictureFormat::Heic);
    }
}
