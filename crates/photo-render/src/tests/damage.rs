//! Truncated, corrupt and random bytes.

use proptest::prelude::*;

use tiff::encoder::colortype::CMYK8;

use super::builders::{JpegKind, cmyk_tiff, gradient, jpeg, png, rendered, tiff};
use crate::{PictureFormat, RenderError, RenderRecipe};

const FORMATS: [PictureFormat; 8] = [
    PictureFormat::Jpeg,
    PictureFormat::Png,
    PictureFormat::WebP,
    PictureFormat::Tiff,
    PictureFormat::Gif,
    PictureFormat::Heic,
    PictureFormat::Avif,
    PictureFormat::JpegXl,
];

/// Returns a small JPEG with all that a JPEG can have.
fn sample_jpeg(is_progressive: bool) -> Vec<u8> {
    let kind = JpegKind {
        is_progressive,
        chroma: (2, 2),
        ..JpegKind::RGB
    };
    let icc = moxcms::ColorProfile::new_adobe_rgb()
        .encode()
        .expect("a profile");
    let mut random = fastrand::Rng::with_seed(3);
    jpeg((150, 110), kind, Some(&icc), |x, y| {
        gradient(x, y, (150, 110)).map(|value| value.saturating_add(random.u8(..40)))
    })
}

fn small_recipe() -> RenderRecipe {
    RenderRecipe::new(&[32, 64], 76).expect("a valid recipe")
}

#[test]
fn truncated_jpegs_are_reported() {
    for is_progressive in [false, true] {
        let whole = sample_jpeg(is_progressive);
        let tenths = (0..10).map(|tenth| whole.len() * tenth / 10);
        for end in tenths.chain([1, 2, 3, whole.len() - 2, whole.len() - 1]) {
            let outcome = rendered(&whole[..end], PictureFormat::Jpeg, &small_recipe());
            assert_eq!(
                outcome,
                Err(RenderError::Truncated(PictureFormat::Jpeg)),
                "{end} bytes"
            );
            // A download that reserved the space.
            let mut padded = whole[..end].to_vec();
            padded.resize(whole.len(), 0);
            let outcome = rendered(&padded, PictureFormat::Jpeg, &small_recipe());
            assert!(outcome.is_err(), "{end} bytes, then zeros");
        }
        assert!(rendered(&whole, PictureFormat::Jpeg, &small_recipe()).is_ok());
    }
    let error = RenderError::Truncated(PictureFormat::Jpeg);
    assert_eq!(error.to_string(), "truncated JPEG");
}

#[test]
fn truncated_pngs_and_tiffs_are_reported() {
    let samples: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(100 * 100 * 3)
        .collect();
    let rgb = image::ExtendedColorType::Rgb8;
    for (whole, format) in [
        (png((100, 100), rgb, None, &samples), PictureFormat::Png),
        (tiff((100, 100), rgb, &samples), PictureFormat::Tiff),
        (
            cmyk_tiff::<CMYK8>((100, 100), [0, 255, 0, 128], &[]),
            PictureFormat::Tiff,
        ),
    ] {
        for tenth in 1..10 {
            let end = whole.len() * tenth / 10;
            let outcome = rendered(&whole[..end], format, &small_recipe());
            assert_eq!(outcome, Err(RenderError::Truncated(format)), "{end} bytes");
        }
        assert!(rendered(&whole, format, &small_recipe()).is_ok());
    }
}

/// Returns the text of the error for a JPEG whose frame header is changed.
fn error_of_changed_frame(change: impl Fn(&mut [u8])) -> String {
    let mut bytes = sample_jpeg(false);
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("a frame header");
    change(&mut bytes[frame..]);
    let error = rendered(&bytes, PictureFormat::Jpeg, &small_recipe()).expect_err("an error");
    error.to_string()
}

#[test]
fn unsupported_jpegs_are_named() {
    let kind = |change: &dyn Fn(&mut [u8])| error_of_changed_frame(change);
    assert_eq!(
        kind(&|frame| frame[1] = 0xc3),
        "unsupported kind of JPEG: lossless"
    );
    assert_eq!(
        kind(&|frame| frame[1] = 0xc9),
        "unsupported kind of JPEG: arithmetic coding"
    );
    assert_eq!(
        kind(&|frame| frame[1] = 0xc5),
        "unsupported kind of JPEG: hierarchical"
    );
    assert_eq!(
        kind(&|frame| frame[4] = 12),
        "unsupported kind of JPEG: 12 bits per sample"
    );
    assert_eq!(
        kind(&|frame| frame[9] = 2),
        "unsupported kind of JPEG: 2 components"
    );
    let height = kind(&|frame| frame[5..7].fill(0));
    assert_eq!(
        height,
        "unsupported kind of JPEG: a height that is defined after the picture"
    );
    assert_eq!(
        kind(&|frame| frame[7..9].fill(0)),
        "corrupt JPEG: its width is 0"
    );
    assert_eq!(
        kind(&|frame| frame[11] = 0x05),
        "corrupt JPEG: the frame header is invalid"
    );
    // This error comes from mozjpeg.
    let table = kind(&|frame| frame[12] = 9);
    assert!(table.starts_with("corrupt JPEG: "), "{table}");
}

#[test]
fn other_bytes_are_corrupt() {
    for format in FORMATS {
        let outcome = rendered(
            b"this is a text and no picture at all",
            format,
            &small_recipe(),
        );
        let error = outcome.expect_err("an error").to_string();
        assert!(
            error.contains(&format.to_string()) && !error.contains('\n'),
            "{error}"
        );
    }
    let no_scan = b"\xff\xd8\xff\xd9";
    let error = rendered(no_scan, PictureFormat::Jpeg, &small_recipe()).expect_err("an error");
    assert_eq!(error.to_string(), "corrupt JPEG: it has no picture");
}

/// Renders bytes. The call must not panic, and sizes must be those of the recipe.
pub(super) fn check_outcome(bytes: &[u8], format: PictureFormat) {
    let recipe = small_recipe();
    match rendered(bytes, format, &recipe) {
        Ok(result) => {
            assert!(!result.renditions.is_empty());
            assert!(result.renditions.iter().all(|r| r.size.long_edge() <= 64));
        }
        Err(error) => {
            let is_bug = matches!(
                error,
                RenderError::NotEncoded(_) | RenderError::DecoderPanicked(_)
            );
            assert!(!is_bug, "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), format in 0..FORMATS.len()) {
        let format = FORMATS[format];
        check_outcome(&bytes, format);
        let start: &[u8] = match format {
            PictureFormat::Jpeg => b"\xff\xd8\xff\xc0\0\x11\x08\0\x20\0\x20\x03\x01\x22\0\x02\x11\x01\x03\x11\x01",
            PictureFormat::Png => b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x20\x08\x02\0\0\0",
            PictureFormat::WebP => b"RIFF\xff\xff\0\0WEBPVP8 ",
            PictureFormat::Tiff => b"II*\0\x08\0\0\0",
            PictureFormat::Gif => b"GIF89a\x20\0\x20\0\x80\0\0",
            _ => b"\0\0\0\x18ftypmif1",
        };
        check_outcome(&[start, &bytes].concat(), format);
    }

    #[test]
    fn mutated_jpegs_never_panic(
        is_progressive: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = sample_jpeg(is_progressive);
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            let at = cut.index(bytes.len());
            bytes.remove(at);
        }
        check_outcome(&bytes, PictureFormat::Jpeg);
    }

    #[test]
    fn mutated_pngs_and_tiffs_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let samples: Vec<u8> = (0..40 * 30 * 3).map(|at| (at % 251) as u8).collect();
        let rgb = image::ExtendedColorType::Rgb8;
        let cmyk = cmyk_tiff::<CMYK8>((8, 6), [0, 255, 0, 128], b"no profile");
        for (mut bytes, format) in [
            (png((40, 30), rgb, None, &samples), PictureFormat::Png),
            (tiff((40, 30), rgb, &samples), PictureFormat::Tiff),
            (cmyk, PictureFormat::Tiff),
        ] {
            for (index, value) in &changes {
                let at = index.index(bytes.len());
                bytes[at] = *value;
            }
            check_outcome(&bytes, format);
        }
    }
}
