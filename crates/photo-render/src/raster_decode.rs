//! Decodes PNG, WebP, TIFF and GIF with `image`.

use std::error::Error;
use std::io::{self, Cursor};

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::error::{ImageError, LimitErrorKind, UnsupportedErrorKind};
use image::{ColorType, ExtendedColorType, ImageDecoder, Limits};

use crate::cmyk_tiff::decode_cmyk_tiff;
use crate::colour::PixelLayout;
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::error::RenderError;
use crate::interleaved::{DeclaredColours, SampleDepth, SampleFormat, reduce_interleaved};
use crate::limits::RenderLimits;
use crate::picture::{EncodedPicture, PictureFormat};
use crate::size::PixelSize;

/// Decodes a picture and reduces it to the size of its largest rendition.
///
/// Transparent pixels are shown over white. The mean with white is one of encoded samples, as in
/// browsers.
pub(crate) fn decode_raster(
    picture: &EncodedPicture<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let format = picture.format;
    let error = |error| decoder_error(format, &plan.limits, error);
    let reader = Cursor::new(picture.bytes);
    match format {
        PictureFormat::Png => {
            let limits = decoder_limits(&plan.limits);
            let decoder = PngDecoder::with_limits(reader, limits).map_err(error)?;
            decode_with(decoder, picture, plan)
        }
        PictureFormat::WebP => decode_with(WebPDecoder::new(reader).map_err(error)?, picture, plan),
        PictureFormat::Tiff => {
            let decoder = TiffDecoder::new(reader).map_err(error)?;
            match decoder.original_color_type() {
                ExtendedColorType::Cmyk8 => decode_cmyk_tiff(picture, SampleDepth::Bits8, plan),
                ExtendedColorType::Cmyk16 => decode_cmyk_tiff(picture, SampleDepth::Bits16, plan),
                _ => decode_with(decoder, picture, plan),
            }
        }
        PictureFormat::Gif => decode_with(GifDecoder::new(reader).map_err(error)?, picture, plan),
        _ => Err(RenderError::NoDecoder(format)),
    }
}

/// Decodes a picture with a decoder of `image`.
fn decode_with(
    mut decoder: impl ImageDecoder,
    picture: &EncodedPicture<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let format = picture.format;
    let error = |error| decoder_error(format, &plan.limits, error);
    let (width, height) = decoder.dimensions();
    let size = PixelSize { width, height };
    if size.pixels() == 0 {
        return Err(RenderError::corrupt(format, "it has no pixels"));
    }
    plan.limits.check_pixels(size)?;
    let samples = sample_format(format, decoder.color_type())?;
    let target = plan.largest_size(size);
    let area = DecodedArea::whole(size);
    // WebP and GIF keep the picture in a second buffer.
    let copies = match format {
        PictureFormat::WebP | PictureFormat::Gif => 2,
        _ => 1,
    };
    let decoder_memory = decoder.total_bytes().saturating_mul(copies);
    let memory = decoder_memory.saturating_add(BandDownscaler::memory(area, target));
    plan.check_memory(memory, target)?;
    decoder
        .set_limits(decoder_limits(&plan.limits))
        .map_err(error)?;

    let icc = decoder.icc_profile().unwrap_or_default();
    let mut bytes = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut bytes).map_err(error)?;
    let colours = DeclaredColours {
        icc: icc.as_deref(),
        untagged: picture.untagged_colour,
    };
    Ok(reduce_interleaved(&bytes, size, samples, colours, target))
}

/// Returns the samples for a colour type of `image`. Fails for floating-point samples: their white
/// is not defined.
fn sample_format(format: PictureFormat, colour: ColorType) -> Result<SampleFormat, RenderError> {
    let (layout, has_alpha, depth) = match colour {
        ColorType::L8 => (PixelLayout::Grey, false, SampleDepth::Bits8),
        ColorType::La8 => (PixelLayout::Grey, true, SampleDepth::Bits8),
        ColorType::Rgb8 => (PixelLayout::Rgb, false, SampleDepth::Bits8),
        ColorType::Rgba8 => (PixelLayout::Rgb, true, SampleDepth::Bits8),
        ColorType::L16 => (PixelLayout::Grey, false, SampleDepth::Bits16),
        ColorType::La16 => (PixelLayout::Grey, true, SampleDepth::Bits16),
        ColorType::Rgb16 => (PixelLayout::Rgb, false, SampleDepth::Bits16),
        ColorType::Rgba16 => (PixelLayout::Rgb, true, SampleDepth::Bits16),
        _ => return Err(RenderError::unsupported(format, "floating-point samples")),
    };
    Ok(SampleFormat {
        layout,
        has_alpha,
        depth,
    })
}

/// Returns the limits for a decoder of `image`.
fn decoder_limits(limits: &RenderLimits) -> Limits {
    let mut decoder_limits = Limits::no_limits();
    decoder_limits.max_alloc = Some(limits.max_memory);
    decoder_limits
}

/// Returns the outcome for an error of `image`.
fn decoder_error(format: PictureFormat, limits: &RenderLimits, error: ImageError) -> RenderError {
    match &error {
        _ if is_unexpected_end(&error) => RenderError::Truncated(format),
        ImageError::Unsupported(unsupported) => match unsupported.kind() {
            UnsupportedErrorKind::GenericFeature(kind) => RenderError::unsupported(format, &kind),
            _ => RenderError::unsupported(format, &unsupported.to_string()),
        },
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::InsufficientMemory) => {
            RenderError::DecoderMemory {
                format,
                max_memory: limits.max_memory,
            }
        }
        _ => {
            // The cause has the words of the decoder, without the name of the format.
            let detail = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            RenderError::corrupt(format, &detail)
        }
    }
}

/// Reports whether an error, or one of its causes, is an unexpected end of the bytes.
fn is_unexpected_end(error: &ImageError) -> bool {
    if let ImageError::IoError(io) = error {
        return io.kind() == io::ErrorKind::UnexpectedEof;
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        cause = error.source();
    }
    false
}
