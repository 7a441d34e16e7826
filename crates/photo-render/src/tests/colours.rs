//! ICC profiles, Adobe RGB without a profile, and unusable profiles.

use image::ExtendedColorType;
use moxcms::{ColorProfile, ToneReprCurve};

use super::builders::{
    JpegKind, jpeg, picture, pixels_of, png, rendered, rendered_picture, sharp_recipe,
};
use crate::{ColourConversion, PictureFormat, RenderedPicture, UntaggedColour};

/// The number of patches in a row and in a column of the test chart.
const PATCHES: u32 = 12;
/// The edge of a patch in pixels.
const PATCH: u32 = 32;
pub(super) const CHART: (u32, u32) = (PATCHES * PATCH, PATCHES * PATCH);

/// Returns the colour of a patch: all mixtures of a few values.
fn patch_colour(patch: u32) -> [u8; 3] {
    let value = |index: u32| (20 + index * 42) as u8;
    [
        value(patch % 6),
        value(patch / 6 % 6),
        value(patch / 36 % 4 + 1),
    ]
}

pub(super) fn chart_pixel(x: u32, y: u32) -> [u8; 3] {
    patch_colour(y / PATCH * PATCHES + x / PATCH)
}

/// A colour space with the white of sRGB.
#[derive(Clone, Copy)]
pub(super) struct RgbSpace {
    /// Returns linear light for an encoded value.
    to_linear: fn(f64) -> f64,
    /// From its linear light to that of sRGB.
    to_srgb: [[f64; 3]; 3],
}

fn srgb_to_linear(value: f64) -> f64 {
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

pub(super) const DISPLAY_P3: RgbSpace = RgbSpace {
    to_linear: srgb_to_linear,
    to_srgb: [
        [1.224_940_2, -0.224_940_2, 0.0],
        [-0.042_057, 1.042_057, 0.0],
        [-0.019_637_6, -0.078_636, 1.098_273_6],
    ],
};

const ADOBE_RGB: RgbSpace = RgbSpace {
    to_linear: |value| value.powf(563.0 / 256.0),
    to_srgb: [
        [1.398_355_7, -0.398_355_7, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, -0.042_932_9, 1.042_932_9],
    ],
};

impl RgbSpace {
    /// Returns the linear light of sRGB for a colour of this space, cut to the gamut of sRGB.
    fn linear_srgb(self, colour: [u8; 3]) -> [f64; 3] {
        let linear = colour.map(|value| (self.to_linear)(f64::from(value) / 255.0));
        self.to_srgb.map(|row| {
            let sum: f64 = row
                .iter()
                .zip(linear)
                .map(|(factor, light)| factor * light)
                .sum();
            sum.clamp(0.0, 1.0)
        })
    }
}

/// Returns CIE L*a*b* for linear light of sRGB, relative to its white.
fn lab(linear: [f64; 3]) -> [f64; 3] {
    let [r, g, b] = linear;
    let xyz = [
        (0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b,
        (0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83,
    ];
    let [x, y, z] = xyz.map(|t: f64| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Returns the colour difference ΔE2000 of two colours in L*a*b* (Sharma, Wu and Dalal, 2005).
fn delta_e2000(first: [f64; 3], second: [f64; 3]) -> f64 {
    let chroma = |a: f64, b: f64| a.hypot(b);
    let mean_c = (chroma(first[1], first[2]) + chroma(second[1], second[2])) / 2.0;
    let seventh = |c: f64| (c.powi(7) / (c.powi(7) + 25_f64.powi(7))).sqrt();
    let stretch = 1.5 - 0.5 * seventh(mean_c);
    let prime = |colour: [f64; 3]| {
        let a = colour[1] * stretch;
        let hue = colour[2].atan2(a).to_degrees().rem_euclid(360.0);
        (
            chroma(a, colour[2]),
            if a == 0.0 && colour[2] == 0.0 {
                0.0
            } else {
                hue
            },
        )
    };
    let ((c1, h1), (c2, h2)) = (prime(first), prime(second));
    let mut hue_step = h2 - h1;
    if c1 * c2 == 0.0 {
        hue_step = 0.0;
    } else if hue_step.abs() > 180.0 {
        hue_step -= 360.0 * hue_step.signum();
    }
    let big_h = 2.0 * (c1 * c2).sqrt() * (hue_step / 2.0).to_radians().sin();
    let mean_l = (first[0] + second[0]) / 2.0;
    let mean_cp = (c1 + c2) / 2.0;
    let mean_h = match (h1 + h2, (h1 - h2).abs() > 180.0) {
        (sum, _) if c1 * c2 == 0.0 => sum,
        (sum, false) => sum / 2.0,
        (sum, true) if sum < 360.0 => (sum + 360.0) / 2.0,
        (sum, true) => (sum - 360.0) / 2.0,
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t =
        1.0 - 0.17 * cos(mean_h - 30.0) + 0.24 * cos(2.0 * mean_h) + 0.32 * cos(3.0 * mean_h + 6.0)
            - 0.20 * cos(4.0 * mean_h - 63.0);
    let lightness = (mean_l - 50.0).powi(2);
    let l = (second[0] - first[0]) / (1.0 + 0.015 * lightness / (20.0 + lightness).sqrt());
    let c = (c2 - c1) / (1.0 + 0.045 * mean_cp);
    let h = big_h / (1.0 + 0.015 * mean_cp * t);
    let turn = 60.0 * (-((mean_h - 275.0) / 25.0).powi(2)).exp();
    let rotation = -turn.to_radians().sin() * 2.0 * seventh(mean_cp);
    (l * l + c * c + h * h + rotation * c * h).sqrt()
}

/// Returns the mean ΔE2000 between the patches of a rendered chart and the expected colours.
pub(super) fn chart_difference(result: &RenderedPicture, space: RgbSpace) -> f64 {
    let pixels = pixels_of(&result.renditions[0]);
    let scale = CHART.0 / pixels.size.width;
    let count = PATCHES * PATCHES;
    let differences = (0..count).map(|patch| {
        let centre = |at: u32| (at * PATCH + PATCH / 2) / scale;
        let colour = pixels.at(centre(patch % PATCHES), centre(patch / PATCHES));
        let actual = colour.map(|value| srgb_to_linear(f64::from(value) / 255.0));
        let expected = space.linear_srgb(patch_colour(patch));
        delta_e2000(lab(actual), lab(expected))
    });
    differences.sum::<f64>() / f64::from(count)
}

#[test]
fn delta_e2000_agrees_with_published_pairs() {
    // From the supplement of Sharma, Wu and Dalal.
    for (first, second, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        (
            [60.2574, -34.0099, 36.2677],
            [60.4626, -34.1751, 39.4387],
            1.2644,
        ),
        (
            [2.0776, 0.0795, -1.1350],
            [0.9033, -0.0636, -0.5514],
            0.9082,
        ),
    ] {
        let difference = delta_e2000(first, second);
        assert!((difference - expected).abs() < 1e-4, "{difference}");
    }
}

#[test]
fn profiles_give_the_expected_colours() {
    for (profile, space, name) in [
        (ColorProfile::new_display_p3(), DISPLAY_P3, "Display P3"),
        (ColorProfile::new_adobe_rgb(), ADOBE_RGB, "Adobe RGB"),
    ] {
        let icc = profile.encode().expect("a profile");
        let in_jpeg = jpeg(CHART, JpegKind::RGB, Some(&icc), chart_pixel);
        let all = || (0..CHART.1).flat_map(|y| (0..CHART.0).flat_map(move |x| chart_pixel(x, y)));
        let samples: Vec<u8> = all().collect();
        let in_png = png(CHART, ExtendedColorType::Rgb8, Some(&icc), &samples);
        let wide: Vec<u8> = all()
            .flat_map(|value| (u16::from(value) * 257).to_ne_bytes())
            .collect();
        let in_wide_png = png(CHART, ExtendedColorType::Rgb16, Some(&icc), &wide);
        for (bytes, format) in [
            (in_jpeg, PictureFormat::Jpeg),
            (in_png, PictureFormat::Png),
            (in_wide_png, PictureFormat::Png),
        ] {
            for edge in [CHART.0, CHART.0 / 2] {
                let result =
                    rendered(&bytes, format, &sharp_recipe(edge)).expect("a valid picture");
                assert_eq!(result.conversion, ColourConversion::Profile);
                let difference = chart_difference(&result, space);
                assert!(difference < 1.0, "{name}, {format}, {edge}: {difference}");
            }
        }
    }
}

#[test]
fn adobe_rgb_without_a_profile_gives_the_expected_colours() {
    let bytes = jpeg(CHART, JpegKind::RGB, None, chart_pixel);
    let mut picture = picture(&bytes, PictureFormat::Jpeg);
    picture.untagged_colour = UntaggedColour::AdobeRgb;
    let recipe = sharp_recipe(CHART.0);
    let result = rendered_picture(&picture, &recipe).expect("a valid JPEG");
    assert_eq!(result.conversion, ColourConversion::Untagged);
    let difference = chart_difference(&result, ADOBE_RGB);
    assert!(difference < 1.0, "{difference}");
    // A profile is more certain than the caller.
    let icc = ColorProfile::new_display_p3().encode().expect("a profile");
    let bytes = jpeg(CHART, JpegKind::RGB, Some(&icc), chart_pixel);
    picture.bytes = &bytes;
    let result = rendered_picture(&picture, &recipe).expect("a valid JPEG");
    assert!(chart_difference(&result, DISPLAY_P3) < 1.0);
}

#[test]
fn grey_profiles_are_applied() {
    let icc = ColorProfile::new_gray_with_gamma(1.0)
        .encode()
        .expect("a profile");
    let bytes = jpeg((64, 64), JpegKind::GREY, Some(&icc), |_, _| [128]);
    let result = rendered(&bytes, PictureFormat::Jpeg, &sharp_recipe(64)).expect("a valid JPEG");
    assert_eq!(result.conversion, ColourConversion::Profile);
    let grey = result.average_colour.0[0];
    assert!(grey.abs_diff(188) <= 1, "{grey}");
}

#[test]
fn a_profile_in_several_segments_is_read() {
    let mut profile = ColorProfile::new_display_p3();
    // A curve of 80 KB, which is that of sRGB.
    let curve: Vec<u16> = (0..40_000)
        .map(|at| (srgb_to_linear(f64::from(at) / 39_999.0) * 65_535.0) as u16)
        .collect();
    profile.cicp = None;
    profile.red_trc = Some(ToneReprCurve::Lut(curve));
    let icc = profile.encode().expect("a profile");
    assert!(icc.len() > 80_000);
    let bytes = jpeg(CHART, JpegKind::RGB, Some(&icc), chart_pixel);
    let result =
        rendered(&bytes, PictureFormat::Jpeg, &sharp_recipe(CHART.0)).expect("a valid JPEG");
    assert_eq!(result.conversion, ColourConversion::Profile);
    let difference = chart_difference(&result, DISPLAY_P3);
    assert!(difference < 1.0, "{difference}");
}

#[test]
fn unusable_profiles_are_ignored() {
    let grey_icc = ColorProfile::new_gray_with_gamma(2.2)
        .encode()
        .expect("a profile");
    let p3_icc = ColorProfile::new_display_p3().encode().expect("a profile");
    let plain = jpeg(CHART, JpegKind::RGB, None, chart_pixel);
    let recipe = sharp_recipe(CHART.0);
    let expected = rendered(&plain, PictureFormat::Jpeg, &recipe).expect("a valid JPEG");
    for icc in [
        b"no profile".as_slice(),
        &grey_icc,
        &p3_icc[..p3_icc.len() / 2],
    ] {
        let bytes = jpeg(CHART, JpegKind::RGB, Some(icc), chart_pixel);
        let result = rendered(&bytes, PictureFormat::Jpeg, &recipe).expect("a valid JPEG");
        assert_eq!(result.conversion, ColourConversion::UnusableProfile);
        assert_eq!(result.renditions, expected.renditions);
    }
}
