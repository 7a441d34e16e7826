//! Orientation, odd sizes, and the kinds of JPEG.

use moxcms::ColorProfile;
use tiff::encoder::colortype::{CMYK8, CMYK16};

use super::builders::{
    JpegKind, TestPixels, cmyk_tiff, gradient, jpeg, picture, pixels_of, rendered,
    rendered_picture, sharp_recipe, with_segment, without_segments,
};
use crate::{ColourConversion, PictureFormat, PictureOrientation, PixelSize, RenderRecipe};

/// The marker of Adobe's segment.
const APP14: u8 = 0xee;

/// Returns where a pixel of the upright picture is in the stored picture, by the words of EXIF: which
/// visual edges the row 0 and the column 0 are.
fn stored_place(orientation: u16, x: u32, y: u32, width: u32, height: u32) -> (u32, u32) {
    let (right, bottom) = (width - 1 - x, height - 1 - y);
    match orientation {
        // Row 0 is the top, and column 0 is the left-hand side.
        1 => (x, y),
        // Top, right-hand side.
        2 => (right, y),
        // Bottom, right-hand side.
        3 => (right, bottom),
        // Bottom, left-hand side.
        4 => (x, bottom),
        // Left-hand side, top.
        5 => (y, x),
        // Right-hand side, top.
        6 => (y, right),
        // Right-hand side, bottom.
        7 => (bottom, right),
        // Left-hand side, bottom.
        8 => (bottom, x),
        _ => unreachable!("there are eight orientations"),
    }
}

#[test]
fn all_orientations_become_upright() {
    // A multiple of 16, so that no orientation has blocks that are cut.
    let (width, height) = (96, 64);
    let upright = |x, y| gradient(x, y, (width, height));
    for exif in 1..=8 {
        let stored_size = if exif < 5 {
            (width, height)
        } else {
            (height, width)
        };
        let mut stored = vec![[0; 3]; (width * height) as usize];
        for y in 0..height {
            for x in 0..width {
                let (stored_x, stored_y) = stored_place(exif, x, y, width, height);
                stored[(stored_y * stored_size.0 + stored_x) as usize] = upright(x, y);
            }
        }
        let bytes = jpeg(stored_size, JpegKind::RGB, None, |x, y| {
            stored[(y * stored_size.0 + x) as usize]
        });
        let mut picture = picture(&bytes, PictureFormat::Jpeg);
        picture.orientation = PictureOrientation::from_exif(exif).expect("1 to 8");
        let recipe = RenderRecipe::new(&[24, 96], 100).expect("a valid recipe");
        let result = rendered_picture(&picture, &recipe).expect("a valid JPEG");
        assert_eq!(result.size, PixelSize { width, height });
        for rendition in &result.renditions {
            let scale = width / rendition.size.width;
            let centre = |at: u32| at * scale + scale / 2;
            let size = rendition.size;
            let expected = TestPixels {
                size,
                pixels: (0..size.height)
                    .flat_map(|y| (0..size.width).map(move |x| upright(centre(x), centre(y))))
                    .collect(),
            };
            let difference = pixels_of(rendition).mean_difference(&expected);
            assert!(difference < 2.5, "orientation {exif}: {difference}");
        }
    }
    assert_eq!(PictureOrientation::from_exif(0), None);
    assert_eq!(PictureOrientation::from_exif(9), None);
}

#[test]
fn odd_sizes_are_rendered() {
    let recipe = RenderRecipe::new(&[8, 40], 90).expect("a valid recipe");
    for width in (1..=18).chain([97, 321]) {
        for height in [1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 127] {
            let size = (width, height);
            let bytes = jpeg(
                size,
                JpegKind {
                    chroma: (2, 2),
                    ..JpegKind::RGB
                },
                None,
                |x, y| gradient(x, y, size),
            );
            let result = rendered(&bytes, PictureFormat::Jpeg, &recipe).expect("a valid JPEG");
            assert_eq!(result.size, PixelSize { width, height });
            for rendition in &result.renditions {
                // Reads the size from the JPEG.
                pixels_of(rendition);
            }
        }
    }
}

/// A decode at half scale rounds 5667 / 2 up. If the half pixel were not cut off, the result would
/// be shifted by up to half a pixel at the right and the lower edge.
#[test]
fn half_scale_at_odd_sizes_shifts_nothing() {
    let size = (5667, 3685);
    // Soft stripes of 24 pixels show a shift.
    let wave = |at: u32| ((f64::from(at) + 0.5) * std::f64::consts::TAU / 24.0).sin();
    let pixel = |x: u32, y: u32| [(127.5 + 60.0 * wave(x) + 60.0 * wave(y)) as u8];
    let bytes = jpeg(size, JpegKind::GREY, None, pixel);
    let recipe = RenderRecipe::new(&[2048], 100).expect("a valid recipe");
    let result = rendered(&bytes, PictureFormat::Jpeg, &recipe).expect("a valid JPEG");
    let small = pixels_of(&result.renditions[0]);
    assert_eq!((small.size.width, small.size.height), (2048, 1332));

    // The mean of the wave over the pixels that each result pixel covers.
    let mean_wave = |at: u32, ratio: f64| {
        let (from, to) = (f64::from(at) * ratio, f64::from(at + 1) * ratio);
        let turn = std::f64::consts::TAU / 24.0;
        ((from * turn).cos() - (to * turn).cos()) / turn / ratio
    };
    let ratio = (5667.0 / 2048.0, 3685.0 / 1332.0);
    let region_difference = |xs: std::ops::Range<u32>, ys: std::ops::Range<u32>| {
        let mut sum = 0.0;
        let count = xs.len() * ys.len();
        for y in ys {
            for x in xs.clone() {
                let expected = 127.5 + 60.0 * mean_wave(x, ratio.0) + 60.0 * mean_wave(y, ratio.1);
                sum += (f64::from(small.at(x, y)[0]) - expected).abs();
            }
        }
        sum / count as f64
    };
    let near_start = region_difference(10..200, 10..200);
    let near_end = region_difference(1840..2040, 1125..1325);
    assert!(near_start < 4.0, "{near_start}");
    assert!(near_end < near_start + 0.3, "{near_end} after {near_start}");
}

#[test]
fn grey_is_rendered() {
    let bytes = jpeg((64, 48), JpegKind::GREY, None, |_, _| [119]);
    let result = rendered(&bytes, PictureFormat::Jpeg, &sharp_recipe(64)).expect("a valid JPEG");
    assert_eq!(result.average_colour.to_string(), "#777777");
    assert_eq!(pixels_of(&result.renditions[0]).at(30, 20), [119; 3]);
}

#[test]
fn cmyk_is_rendered() {
    // Full magenta, half black.
    let (inks, inverted) = ([0, 255, 0, 128], [255, 0, 255, 127]);
    for kind in [JpegKind::CMYK, JpegKind::YCCK] {
        // libjpeg writes Adobe's segment for both, and Adobe stores CMYK inverted.
        let bytes = jpeg((64, 48), kind, None, |_, _| inverted);
        let result =
            rendered(&bytes, PictureFormat::Jpeg, &sharp_recipe(64)).expect("a valid JPEG");
        let [red, green, blue] = result.average_colour.0;
        assert!(
            red.abs_diff(127) < 3 && green < 3 && blue.abs_diff(127) < 3,
            "{:?}",
            result.average_colour
        );
    }
    // Without Adobe's segment, it is not inverted.
    let bytes = without_segments(&jpeg((64, 48), JpegKind::CMYK, None, |_, _| inks), APP14);
    let result = rendered(&bytes, PictureFormat::Jpeg, &sharp_recipe(64)).expect("a valid JPEG");
    let [red, green, blue] = result.average_colour.0;
    assert!(
        red.abs_diff(127) < 3 && green < 3 && blue.abs_diff(127) < 3,
        "{:?}",
        result.average_colour
    );
}

#[test]
fn cmyk_of_tiff_is_rendered_and_its_profile_is_looked_at() {
    let bytes = cmyk_tiff::<CMYK8>((64, 48), [0, 255, 0, 128], &[]);
    let wide = cmyk_tiff::<CMYK16>((64, 48), [0, 65_535, 0, 32_896], &[]);
    let rgb = ColorProfile::new_display_p3().encode().expect("a profile");
    let unusable = cmyk_tiff::<CMYK8>((64, 48), [0, 255, 0, 128], &rgb);
    for (bytes, conversion) in [
        (bytes, ColourConversion::Untagged),
        (wide, ColourConversion::Untagged),
        (unusable, ColourConversion::UnusableProfile),
    ] {
        let result = rendered(&bytes, PictureFormat::Tiff, &sharp_recipe(64));
        let result = result.expect("a valid TIFF");
        assert_eq!(result.conversion, conversion);
        let [red, green, blue] = result.average_colour.0;
        assert!(
            red.abs_diff(127) < 3 && green < 3 && blue.abs_diff(127) < 3,
            "{:?}",
            result.average_colour
        );
        let cut = rendered(&bytes[..1_000], PictureFormat::Tiff, &sharp_recipe(64));
        assert!(cut.is_err(), "{cut:?}");
    }
}

#[test]
fn progressive_and_subsampled_jpegs_give_the_same_picture() {
    let size = (200, 120);
    let render_kind = |kind| {
        let bytes = jpeg(size, kind, None, |x, y| gradient(x, y, size));
        let result = rendered(&bytes, PictureFormat::Jpeg, &sharp_recipe(100));
        pixels_of(&result.expect("a valid JPEG").renditions[0])
    };
    let plain = render_kind(JpegKind::RGB);
    for is_progressive in [false, true] {
        for chroma in [(1, 1), (2, 1), (1, 2), (2, 2)] {
            let kind = JpegKind {
                is_progressive,
                chroma,
                ..JpegKind::RGB
            };
            let difference = render_kind(kind).mean_difference(&plain);
            assert!(
                difference < 1.5,
                "{is_progressive} {chroma:?}: {difference}"
            );
        }
    }
}

#[test]
fn segments_and_bytes_around_the_picture_are_ignored() {
    let plain = jpeg((64, 48), JpegKind::RGB, None, |x, y| {
        gradient(x, y, (64, 48))
    });
    // A thumbnail in a segment has an end marker of its own.
    let mut bytes = with_segment(&plain, 0xe1, &[b"Exif\0\0".as_slice(), &plain].concat());
    bytes.extend_from_slice(&plain);
    bytes.extend_from_slice(b"trailer \xff\xff\xd8");
    let recipe = RenderRecipe::default();
    assert_eq!(
        rendered(&bytes, PictureFormat::Jpeg, &recipe),
        rendered(&plain, PictureFormat::Jpeg, &recipe)
    );
}
