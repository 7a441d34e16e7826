//! Decodes JPEG XL with `jxl`.

use jxl::api::{
    Endianness, Event, ExtraChannel, JxlBasicInfo, JxlColorType, JxlDataFormat, JxlDecoder,
    JxlDecoderOptions, JxlOutputBuffer, JxlPixelFormat, JxlTransferFunction, ProfileLevel,
};
use jxl::error::Error;

use crate::colour::PixelLayout;
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::error::RenderError;
use crate::interleaved::{DeclaredColours, SampleDepth, SampleFormat, reduce_interleaved};
use crate::limits::RenderLimits;
use crate::orientation::PictureOrientation;
use crate::picture::{EncodedPicture, PictureFormat, UntaggedColour};
use crate::size::PixelSize;

const FORMAT: PictureFormat = PictureFormat::JpegXl;
/// The estimated memory of the decoder in bytes for each sample of the picture.
const DECODER_BYTES_PER_SAMPLE: u64 = 4;
/// The maximum number of samples of a pixel: colours, alpha and others.
const MAX_CHANNELS: u64 = 8;

/// Decodes a JPEG XL and reduces it to the size of its largest rendition. Of an animation, decodes the
/// first frame. The decoder turns the picture upright.
pub(crate) fn decode_jxl(
    picture: &EncodedPicture<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let mut decoder = JxlDecoder::new(decoder_options(&plan.limits));
    let mut input = picture.bytes;
    while process(&mut decoder, &mut input, None)? != Event::BasicInfo {}
    let info = decoder.basic_info().ok_or_else(no_header)?;
    let size = stored_size(info)?;
    plan.limits.check_pixels(size)?;
    let samples = sample_format(info, &decoder)?;
    let channels = 4 + info.extra_channels.len() as u64;
    let row_bytes = row_bytes(size, samples);
    let buffer = row_bytes as u64 * u64::from(size.height);
    let target = plan.largest_size(size);
    let memory = size
        .pixels()
        .saturating_mul(channels * DECODER_BYTES_PER_SAMPLE);
    let memory = memory.saturating_add(buffer);
    let reduction = BandDownscaler::memory(DecodedArea::whole(size), target);
    plan.check_memory(memory.saturating_add(reduction), target)?;

    let pixel_format = pixel_format(samples, info.extra_channels.len());
    decoder
        .set_pixel_format(pixel_format)
        .map_err(decoder_error)?;
    let icc = output_profile(&decoder)?;
    let mut bytes = vec![0; buffer as usize];
    let mut output = [JxlOutputBuffer::new(
        &mut bytes,
        size.height as usize,
        row_bytes,
    )];
    loop {
        match process(&mut decoder, &mut input, Some(&mut output))? {
            Event::FrameComplete { .. } => break,
            Event::Complete => return Err(RenderError::corrupt(FORMAT, "it has no frame")),
            _ => {}
        }
    }
    let colours = DeclaredColours {
        icc: icc.as_deref(),
        untagged: UntaggedColour::Srgb,
    };
    Ok(DecodedPicture {
        container_orientation: Some(PictureOrientation::Upright),
        ..reduce_interleaved(&bytes, size, samples, colours, target)
    })
}

/// Decodes up to the next event. Fails if the bytes end before it.
fn process(
    decoder: &mut JxlDecoder,
    input: &mut &[u8],
    output: Option<&mut [JxlOutputBuffer<'_>]>,
) -> Result<Event, RenderError> {
    match decoder
        .process(input, output, None)
        .map_err(decoder_error)?
    {
        Event::NeedMoreInput { .. } => Err(RenderError::Truncated(FORMAT)),
        event => Ok(event),
    }
}

/// Returns the options of the decoder.
fn decoder_options(limits: &RenderLimits) -> JxlDecoderOptions {
    let mut options = JxlDecoderOptions::default();
    let samples = limits.max_pixels.saturating_mul(MAX_CHANNELS);
    options.sample_limit = Some(usize::try_from(samples).unwrap_or(usize::MAX));
    // Level 5 allows no CMYK and no large panoramas.
    options.max_profile_level = ProfileLevel::Main10;
    options
}

/// Returns the size of the upright picture.
fn stored_size(info: &JxlBasicInfo) -> Result<PixelSize, RenderError> {
    let (width, height) = info.size;
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width @ 1..), Ok(height @ 1..)) => Ok(PixelSize { width, height }),
        _ => Err(RenderError::corrupt(FORMAT, "its size is invalid")),
    }
}

/// Returns the samples that the decoder shall write.
fn sample_format(info: &JxlBasicInfo, decoder: &JxlDecoder) -> Result<SampleFormat, RenderError> {
    let profile = decoder.embedded_color_profile().ok_or_else(no_header)?;
    if profile.is_cmyk() {
        return Err(RenderError::unsupported(FORMAT, "CMYK"));
    }
    let has_alpha = |channel: &ExtraChannel| matches!(channel, ExtraChannel::Alpha);
    Ok(SampleFormat {
        layout: match profile.channels() {
            1 => PixelLayout::Grey,
            _ => PixelLayout::Rgb,
        },
        has_alpha: info
            .extra_channels
            .iter()
            .any(|channel| has_alpha(&channel.ec_type)),
        depth: match info.bit_depth.bits_per_sample() {
            0..=8 => SampleDepth::Bits8,
            _ => SampleDepth::Bits16,
        },
    })
}

/// Returns the number of bytes of a decoded row.
fn row_bytes(size: PixelSize, format: SampleFormat) -> usize {
    let samples = format.layout.samples() + usize::from(format.has_alpha);
    let bytes = match format.depth {
        SampleDepth::Bits8 => 1,
        SampleDepth::Bits16 => 2,
    };
    size.width as usize * samples * bytes
}

/// Returns the decoder's name for a format of samples.
fn pixel_format(format: SampleFormat, extra_channels: usize) -> JxlPixelFormat {
    JxlPixelFormat {
        color_type: match (format.layout, format.has_alpha) {
            (PixelLayout::Grey, false) => JxlColorType::Grayscale,
            (PixelLayout::Grey, true) => JxlColorType::GrayscaleAlpha,
            (_, false) => JxlColorType::Rgb,
            (_, true) => JxlColorType::Rgba,
        },
        color_data_format: Some(match format.depth {
            SampleDepth::Bits8 => JxlDataFormat::U8 { bit_depth: 8 },
            SampleDepth::Bits16 => JxlDataFormat::U16 {
                endianness: Endianness::native(),
                bit_depth: 16,
            },
        }),
        extra_channel_format: vec![None; extra_channels],
    }
}

/// Returns the ICC profile of the decoded samples. Fails for high dynamic range, which needs tone
/// mapping.
fn output_profile(decoder: &JxlDecoder) -> Result<Option<Vec<u8>>, RenderError> {
    let profile = decoder.output_color_profile().ok_or_else(no_header)?;
    if let Some(JxlTransferFunction::PQ | JxlTransferFunction::HLG) = profile.transfer_function() {
        return Err(RenderError::unsupported(
            FORMAT,
            "high dynamic range (PQ or HLG)",
        ));
    }
    Ok(profile.try_as_icc().map(|icc| icc.into_owned()))
}

fn no_header() -> RenderError {
    RenderError::corrupt(FORMAT, "its header is incomplete")
}

/// Returns the outcome for an error of the decoder.
fn decoder_error(error: Error) -> RenderError {
    match error {
        Error::OutOfBounds(_) => RenderError::Truncated(FORMAT),
        Error::LevelLimitExceeded { .. } => RenderError::unsupported(FORMAT, &error.to_string()),
        _ => RenderError::corrupt(FORMAT, &error.to_string()),
    }
}
