//! Makes encoded pictures, and reads renditions.

use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::{ExtendedColorType, ImageEncoder};
use mozjpeg::{ColorSpace, Compress, Decompress};
use tiff::encoder::{TiffValue, colortype};
use tiff::tags::Tag;

use crate::{
    EncodedPicture, JpegRendition, PictureFormat, PictureOrientation, PixelSize, RenderError,
    RenderLimits, RenderRecipe, RenderedPicture, RightsNotice, UntaggedColour, render,
};

/// How a test JPEG is written.
#[derive(Clone, Copy)]
pub(crate) struct JpegKind {
    pub(crate) samples: ColorSpace,
    pub(crate) stored: ColorSpace,
    pub(crate) is_progressive: bool,
    /// The size of a chroma pixel.
    pub(crate) chroma: (u8, u8),
}

impl JpegKind {
    pub(crate) const RGB: Self = Self {
        samples: ColorSpace::JCS_RGB,
        stored: ColorSpace::JCS_YCbCr,
        is_progressive: false,
        chroma: (1, 1),
    };
    pub(crate) const GREY: Self = Self {
        samples: ColorSpace::JCS_GRAYSCALE,
        stored: ColorSpace::JCS_GRAYSCALE,
        ..Self::RGB
    };
    pub(crate) const CMYK: Self = Self {
        samples: ColorSpace::JCS_CMYK,
        stored: ColorSpace::JCS_CMYK,
        ..Self::RGB
    };
    pub(crate) const YCCK: Self = Self {
        samples: ColorSpace::JCS_CMYK,
        stored: ColorSpace::JCS_YCCK,
        ..Self::RGB
    };
}

/// Returns a JPEG of high quality. `pixel` returns the samples of a pixel.
pub(crate) fn jpeg<const N: usize>(
    size: (u32, u32),
    kind: JpegKind,
    icc: Option<&[u8]>,
    mut pixel: impl FnMut(u32, u32) -> [u8; N],
) -> Vec<u8> {
    let mut encoder = Compress::new(kind.samples);
    encoder.set_fastest_defaults();
    encoder.set_size(size.0 as usize, size.1 as usize);
    encoder.set_color_space(kind.stored);
    encoder.set_quality(98.0);
    if kind.stored == ColorSpace::JCS_YCbCr {
        encoder.set_chroma_sampling_pixel_sizes(kind.chroma, kind.chroma);
    }
    if kind.is_progressive {
        encoder.set_progressive_mode();
    }
    let mut rows = encoder.start_compress(Vec::new()).expect("a valid size");
    if let Some(icc) = icc {
        rows.write_icc_profile(icc);
    }
    for y in 0..size.1 {
        let row: Vec<u8> = (0..size.0).flat_map(|x| pixel(x, y)).collect();
        rows.write_scanlines(&row).expect("the row has the width");
    }
    rows.finish().expect("all rows are written")
}

/// Returns a JPEG with one more segment after the start marker.
pub(crate) fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// Returns a JPEG without the segments of a marker.
pub(crate) fn without_segments(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut kept = jpeg[..2].to_vec();
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != marker {
            kept.extend_from_slice(&jpeg[at..at + 2 + length]);
        }
        at += 2 + length;
    }
    kept.extend_from_slice(&jpeg[at..]);
    kept
}

/// Returns a PNG.
pub(crate) fn png(
    size: (u32, u32),
    kind: ExtendedColorType,
    icc: Option<&[u8]>,
    samples: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    if let Some(icc) = icc {
        encoder
            .set_icc_profile(icc.to_vec())
            .expect("PNG has profiles");
    }
    encoder
        .write_image(samples, size.0, size.1, kind)
        .expect("the samples have the size");
    bytes
}

/// Returns a TIFF.
pub(crate) fn tiff(size: (u32, u32), kind: ExtendedColorType, samples: &[u8]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes)
        .write_image(samples, size.0, size.1, kind)
        .expect("the samples have the size");
    bytes.into_inner()
}

/// Returns a TIFF of CMYK with one colour of inks, and with an ICC profile if `icc` is not empty.
pub(crate) fn cmyk_tiff<C>(size: (u32, u32), inks: [C::Inner; 4], icc: &[u8]) -> Vec<u8>
where
    C: colortype::ColorType,
    [C::Inner]: TiffValue,
    C::Inner: Copy,
{
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).expect("a writer");
    let mut image = encoder.new_image::<C>(size.0, size.1).expect("a size");
    if !icc.is_empty() {
        let written = image.encoder().write_tag(Tag::IccProfile, icc);
        written.expect("a tag");
    }
    let samples = inks.repeat((size.0 * size.1) as usize);
    image
        .write_data(&samples)
        .expect("the samples have the size");
    bytes.into_inner()
}

/// Returns an upright picture without a known colour space.
pub(crate) fn picture(bytes: &[u8], format: PictureFormat) -> EncodedPicture<'_> {
    EncodedPicture {
        bytes,
        format,
        orientation: PictureOrientation::Upright,
        untagged_colour: UntaggedColour::Srgb,
    }
}

/// Returns a recipe with one long edge and the highest quality, so that pixels can be compared.
pub(crate) fn sharp_recipe(long_edge: u32) -> RenderRecipe {
    RenderRecipe::new(&[long_edge], 100).expect("a valid recipe")
}

/// Renders an upright picture.
pub(crate) fn rendered(
    bytes: &[u8],
    format: PictureFormat,
    recipe: &RenderRecipe,
) -> Result<RenderedPicture, RenderError> {
    rendered_picture(&picture(bytes, format), recipe)
}

/// Renders a picture without rights, under the default limits.
pub(crate) fn rendered_picture(
    picture: &EncodedPicture<'_>,
    recipe: &RenderRecipe,
) -> Result<RenderedPicture, RenderError> {
    let rights = RightsNotice::default();
    render(picture, recipe, &rights, RenderLimits::default())
}

/// Returns the pixels of a rendition.
pub(crate) fn pixels_of(rendition: &JpegRendition) -> TestPixels {
    let decoder = Decompress::new_mem(&rendition.jpeg).expect("a JPEG");
    let mut rows = decoder.rgb().expect("a JPEG in colour");
    let size = PixelSize {
        width: rows.width() as u32,
        height: rows.height() as u32,
    };
    assert_eq!(size, rendition.size);
    let pixels = rows.read_scanlines().expect("all rows");
    TestPixels { size, pixels }
}

/// The pixels of a rendition.
#[derive(Clone)]
pub(crate) struct TestPixels {
    pub(crate) size: PixelSize,
    pub(crate) pixels: Vec<[u8; 3]>,
}

impl TestPixels {
    pub(crate) fn at(&self, x: u32, y: u32) -> [u8; 3] {
        self.pixels[(y * self.size.width + x) as usize]
    }

    /// Returns the mean difference of the samples of two pictures of one size.
    pub(crate) fn mean_difference(&self, other: &Self) -> f64 {
        assert_eq!(self.size, other.size);
        let pairs = self
            .pixels
            .iter()
            .flatten()
            .zip(other.pixels.iter().flatten());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / (self.pixels.len() * 3) as f64
    }
}

/// The content of each segment of a JPEG, with its marker, up to the first scan.
pub(crate) fn segments(jpeg: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut segments = Vec::new();
    let mut at = 2;
    loop {
        let marker = jpeg[at + 1];
        let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        segments.push((marker, jpeg[at + 4..at + 2 + length].to_vec()));
        if marker == 0xda {
            return segments;
        }
        at += 2 + length;
    }
}

/// Returns a smooth colour for a place in a picture.
pub(crate) fn gradient(x: u32, y: u32, size: (u32, u32)) -> [u8; 3] {
    let scaled = |at: u32, all: u32| (at * 255 / all.max(1)) as u8;
    let (right, down) = (scaled(x, size.0), scaled(y, size.1));
    [right, down, (right / 2).saturating_add(64)]
}
