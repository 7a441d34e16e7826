//! The limits: pixels, memory and scans.

use image::ExtendedColorType;

use super::builders::{JpegKind, gradient, jpeg, picture, png, rendered, segments};
use crate::limits::{MAX_DETAIL_CHARS, MAX_ICC_BYTES, MAX_MEMORY, MAX_PIXELS, MAX_SCANS};
use crate::{
    ColourConversion, PictureFormat, PixelSize, RenderError, RenderLimits, RenderRecipe,
    RightsNotice, render,
};

/// Renders with limits.
fn outcome(bytes: &[u8], format: PictureFormat, limits: RenderLimits) -> Option<RenderError> {
    let picture = picture(bytes, format);
    render(
        &picture,
        &RenderRecipe::default(),
        &RightsNotice::default(),
        limits,
    )
    .err()
}

#[test]
fn pictures_with_too_many_pixels_are_refused() {
    let limits = RenderLimits {
        max_pixels: 64 * 48,
        ..RenderLimits::default()
    };
    let jpeg_of = |width, height| jpeg((width, height), JpegKind::GREY, None, |_, _| [0]);
    assert_eq!(outcome(&jpeg_of(64, 48), PictureFormat::Jpeg, limits), None);
    let error = outcome(&jpeg_of(64, 49), PictureFormat::Jpeg, limits);
    let expected = RenderError::TooManyPixels {
        width: 64,
        height: 49,
        max_pixels: 64 * 48,
    };
    assert_eq!(error.as_ref(), Some(&expected));
    let text = error.expect("an error").to_string();
    assert_eq!(text, "too many pixels: 64 × 49, the limit is 3072");
    let png = png((64, 49), ExtendedColorType::L8, None, &[0; 64 * 49]);
    assert_eq!(outcome(&png, PictureFormat::Png, limits), Some(expected));
}

#[test]
fn sizes_in_headers_cost_nothing() {
    // A small file that claims 65,535 × 65,535 pixels.
    let mut bytes = jpeg((64, 48), JpegKind::GREY, None, |_, _| [0]);
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("a frame header");
    bytes[frame + 5..frame + 9].fill(0xff);
    let error = outcome(&bytes, PictureFormat::Jpeg, RenderLimits::default());
    assert!(matches!(
        error,
        Some(RenderError::TooManyPixels {
            max_pixels: MAX_PIXELS,
            ..
        })
    ));
}

#[test]
fn progressive_jpegs_need_memory_for_their_coefficients() {
    let size = (1600, 1000);
    let limits = RenderLimits {
        max_memory: 24 << 20,
        ..RenderLimits::default()
    };
    for (is_progressive, expected) in [(false, None), (true, Some(limits.max_memory))] {
        let kind = JpegKind {
            is_progressive,
            ..JpegKind::RGB
        };
        let bytes = jpeg(size, kind, None, |x, y| gradient(x, y, size));
        let picture = picture(&bytes, PictureFormat::Jpeg);
        let recipe = RenderRecipe::new(&[640], 76).expect("a valid recipe");
        let tight = RenderLimits {
            max_memory: 12 << 20,
            ..limits
        };
        let limits = if is_progressive { tight } else { limits };
        let error = render(&picture, &recipe, &RightsNotice::default(), limits).err();
        match (error, expected) {
            (None, None) => {}
            (
                Some(RenderError::TooMuchMemory {
                    estimate,
                    max_memory,
                }),
                Some(_),
            ) => {
                // Three components with two bytes for each coefficient.
                assert!(
                    estimate > 1600 * 1000 * 6 && max_memory == limits.max_memory,
                    "{estimate}"
                );
            }
            (error, _) => panic!("{error:?}"),
        }
    }
}

#[test]
fn pngs_need_memory_for_all_pixels() {
    let bytes = png(
        (400, 400),
        ExtendedColorType::Rgb8,
        None,
        &vec![0; 400 * 400 * 3],
    );
    let limits = RenderLimits {
        max_memory: 400 * 400 * 3,
        ..RenderLimits::default()
    };
    let error = outcome(&bytes, PictureFormat::Png, limits);
    assert!(
        matches!(error, Some(RenderError::TooMuchMemory { .. })),
        "{error:?}"
    );
    assert_eq!(
        outcome(&bytes, PictureFormat::Png, RenderLimits::default()),
        None
    );
}

#[test]
fn jpegs_with_too_many_scans_are_refused() {
    let kind = JpegKind {
        is_progressive: true,
        ..JpegKind::GREY
    };
    let bytes = jpeg((64, 48), kind, None, |x, y| [gradient(x, y, (64, 48))[0]]);
    // The first scan, with the tables before it, is repeated.
    let before: usize = 2 + segments(&bytes)
        .iter()
        .map(|(_, content)| content.len() + 4)
        .sum::<usize>();
    let scan_start = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xda])
        .expect("a scan");
    let ends = bytes[before..]
        .windows(2)
        .position(|pair| pair[0] == 0xff && pair[1] != 0);
    let scan_end = before + ends.expect("another marker");
    let scan = &bytes[scan_start..scan_end];
    let with_scans = |count: u32| {
        let more = scan.repeat(count as usize - 1);
        [&bytes[..scan_end], &more, b"\xff\xd9"].concat()
    };
    let recipe = RenderRecipe::default();
    let error = rendered(&with_scans(MAX_SCANS + 1), PictureFormat::Jpeg, &recipe).err();
    assert_eq!(
        error,
        Some(RenderError::TooManyScans {
            max_scans: MAX_SCANS
        })
    );
    let error = rendered(&with_scans(MAX_SCANS), PictureFormat::Jpeg, &recipe).err();
    assert!(
        !matches!(error, Some(RenderError::TooManyScans { .. })),
        "{error:?}"
    );
}

#[test]
fn wide_panoramas_are_rendered() {
    let size = (43_000, 400);
    let kind = JpegKind {
        chroma: (2, 2),
        ..JpegKind::RGB
    };
    let bytes = jpeg(size, kind, None, |x, y| gradient(x, y, size));
    let result = rendered(&bytes, PictureFormat::Jpeg, &RenderRecipe::default());
    let result = result.expect("a valid JPEG");
    let sizes: Vec<_> = result
        .renditions
        .iter()
        .map(|rendition| rendition.size)
        .collect();
    assert_eq!(
        sizes[0],
        PixelSize {
            width: 2048,
            height: 19
        }
    );
    assert_eq!(
        sizes[3],
        PixelSize {
            width: 320,
            height: 3
        }
    );
}

#[test]
fn defaults_allow_large_photos() {
    let limits = RenderLimits::default();
    assert_eq!(
        (limits.max_pixels, limits.max_memory),
        (MAX_PIXELS, MAX_MEMORY)
    );
    for (width, height) in [(43_000, 12_000), (23_296, 17_472)] {
        assert_eq!(limits.check_pixels(PixelSize { width, height }), Ok(()));
    }
}

#[test]
fn too_large_profiles_are_ignored() {
    let mut icc = moxcms::ColorProfile::new_adobe_rgb()
        .encode()
        .expect("a profile");
    for (size, expected) in [
        (MAX_ICC_BYTES, ColourConversion::Profile),
        (MAX_ICC_BYTES + 1, ColourConversion::UnusableProfile),
    ] {
        icc.resize(size, 0);
        let bytes = jpeg((16, 16), JpegKind::RGB, Some(&icc), |_, _| [90, 80, 70]);
        let result = rendered(&bytes, PictureFormat::Jpeg, &RenderRecipe::default());
        assert_eq!(result.expect("a valid JPEG").conversion, expected);
    }
}

#[test]
fn errors_are_short() {
    let detail = "é\n".repeat(10_000);
    let RenderError::Corrupt { detail, .. } = RenderError::corrupt(PictureFormat::Gif, &detail)
    else {
        panic!("another error");
    };
    assert!(detail.chars().count() <= MAX_DETAIL_CHARS && !detail.contains('\n'));
}
