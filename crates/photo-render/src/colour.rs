//! Converts decoded rows to linear light with the primaries of sRGB.

use std::sync::Arc;

use fast_image_resize::pixels::U16x3;
use moxcms::{
    CmsError, ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformExecutor,
    TransformOptions,
};

use crate::limits::MAX_ICC_BYTES;
use crate::picture::UntaggedColour;
use crate::transfer::{linear_of_8, linear_of_16};

/// Which colours a picture had, and whether they were converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourConversion {
    /// The picture has no ICC profile. It was read in the colour space of [`UntaggedColour`]. CMYK
    /// was converted by a simple formula.
    Untagged,
    /// The colours were converted by the ICC profile of the picture, or from the colour space that
    /// a HEIC, AVIF or JPEG XL names without a profile.
    Profile,
    /// The picture has an ICC profile that is broken, is over 8 MiB, or is for another kind of picture. The colours
    /// were taken as those of a picture without a profile. Browsers do the same.
    UnusableProfile,
}

/// The samples of one decoded pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PixelLayout {
    Grey,
    Rgb,
    /// 255 is full ink.
    Cmyk,
}

impl PixelLayout {
    /// Returns the number of samples of a pixel.
    pub(crate) fn samples(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// A sample of a decoded pixel: `u8` or `u16`.
pub(crate) trait PictureSample: Copy + Default + Into<u32> {
    /// Returns the table from sRGB to linear light. It has an entry for each value.
    fn linear_table() -> &'static [u16];

    /// Returns a transform from a profile to sRGB.
    fn new_transform(profile: &ColorProfile, from: Layout)
    -> Result<SrgbTransform<Self>, CmsError>;
}

/// A transform from the samples of a picture to sRGB.
type SrgbTransform<S> = Arc<dyn TransformExecutor<S> + Send + Sync>;

impl PictureSample for u8 {
    fn linear_table() -> &'static [u16] {
        linear_of_8()
    }

    fn new_transform(profile: &ColorProfile, from: Layout) -> Result<SrgbTransform<u8>, CmsError> {
        let srgb = ColorProfile::new_srgb();
        profile.create_transform_8bit(from, &srgb, Layout::Rgb, transform_options())
    }
}

impl PictureSample for u16 {
    fn linear_table() -> &'static [u16] {
        linear_of_16()
    }

    fn new_transform(profile: &ColorProfile, from: Layout) -> Result<SrgbTransform<u16>, CmsError> {
        let srgb = ColorProfile::new_srgb();
        profile.create_transform_16bit(from, &srgb, Layout::Rgb, transform_options())
    }
}

/// Converts decoded rows to linear light with the primaries of sRGB.
pub(crate) struct RowConverter<S> {
    layout: PixelLayout,
    /// `None` if the samples are sRGB, grey with its transfer function, or CMYK without a profile.
    transform: Option<SrgbTransform<S>>,
    /// The result of one use of `transform`.
    srgb: Vec<S>,
    conversion: ColourConversion,
}

impl<S: PictureSample> RowConverter<S> {
    /// Returns a converter for pixels of a layout. `icc` is the profile of the picture.
    pub(crate) fn new(layout: PixelLayout, icc: Option<&[u8]>, untagged: UntaggedColour) -> Self {
        let from_profile = icc.and_then(|icc| profile_transform(layout, icc));
        let conversion = match (icc, &from_profile) {
            (None, _) => ColourConversion::Untagged,
            (Some(_), Some(_)) => ColourConversion::Profile,
            (Some(_), None) => ColourConversion::UnusableProfile,
        };
        let from_untagged = || match (layout, untagged) {
            (PixelLayout::Rgb, UntaggedColour::AdobeRgb) => {
                S::new_transform(&ColorProfile::new_adobe_rgb(), Layout::Rgb).ok()
            }
            _ => None,
        };
        Self {
            layout,
            transform: from_profile.or_else(from_untagged),
            srgb: Vec::new(),
            conversion,
        }
    }

    /// Returns a converter for RGB of a colour space that the file names by a number, or of sRGB.
    #[cfg(feature = "more-formats")]
    pub(crate) fn from_named_space(profile: Option<&ColorProfile>) -> Self {
        let transform = profile.and_then(|profile| S::new_transform(profile, Layout::Rgb).ok());
        Self {
            layout: PixelLayout::Rgb,
            conversion: match transform {
                Some(_) => ColourConversion::Profile,
                None => ColourConversion::Untagged,
            },
            transform,
            srgb: Vec::new(),
        }
    }

    /// Returns which colours the picture had.
    pub(crate) fn conversion(&self) -> ColourConversion {
        self.conversion
    }

    /// Appends the linear light of whole pixels.
    pub(crate) fn append(&mut self, samples: &[S], linear: &mut Vec<U16x3>) {
        let table = S::linear_table();
        let light = |value: S| table[value.into() as usize];
        if let Some(transform) = &self.transform {
            let count = samples.len() / self.layout.samples();
            self.srgb.resize(count * 3, S::default());
            let converted = transform.transform(samples, &mut self.srgb);
            debug_assert!(
                converted.is_ok(),
                "both buffers have the same number of pixels"
            );
            let pixels = self.srgb.as_chunks::<3>().0.iter();
            linear.extend(pixels.map(|pixel| U16x3::new(pixel.map(light))));
            return;
        }
        match self.layout {
            PixelLayout::Rgb => {
                let pixels = samples.as_chunks::<3>().0.iter();
                linear.extend(pixels.map(|pixel| U16x3::new(pixel.map(light))));
            }
            PixelLayout::Grey => {
                let pixels = samples.iter();
                linear.extend(pixels.map(|grey| U16x3::new([light(*grey); 3])));
            }
            PixelLayout::Cmyk => {
                let white = table.len() as u32 - 1;
                let left = |ink: S, black: S| table[light_left(white, ink.into(), black.into())];
                let pixels = samples.as_chunks::<4>().0.iter();
                linear.extend(
                    pixels.map(|&[c, m, y, k]| U16x3::new([c, m, y].map(|ink| left(ink, k)))),
                );
            }
        }
    }
}

/// Returns the value of sRGB that one ink and black leave of white paper.
fn light_left(white: u32, ink: u32, black: u32) -> usize {
    let left = u64::from(white - ink) * u64::from(white - black);
    let white = u64::from(white);
    ((left + white / 2) / white) as usize
}

/// Returns the transform of an ICC profile, if the profile is valid, not too large, and for pixels of
/// this layout.
fn profile_transform<S: PictureSample>(
    layout: PixelLayout,
    icc: &[u8],
) -> Option<SrgbTransform<S>> {
    if icc.len() > MAX_ICC_BYTES {
        return None;
    }
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    let (colours, from) = match layout {
        PixelLayout::Grey => (DataColorSpace::Gray, Layout::Gray),
        PixelLayout::Rgb => (DataColorSpace::Rgb, Layout::Rgb),
        // moxcms names a layout by its number of channels.
        PixelLayout::Cmyk => (DataColorSpace::Cmyk, Layout::Rgba),
    };
    if profile.color_space != colours {
        return None;
    }
    S::new_transform(&profile, from).ok()
}

/// Returns the options of every transform. Photos keep their white, as in browsers.
fn transform_options() -> TransformOptions {
    TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    }
}
