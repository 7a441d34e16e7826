//! Decodes TIFFs of CMYK. `image` converts them by a simple formula, without their ICC profile.

use std::error::Error;
use std::io::{self, Cursor};

use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;
use tiff::{TiffError, TiffResult};

use crate::colour::PixelLayout;
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::error::RenderError;
use crate::interleaved::{DeclaredColours, SampleDepth, SampleFormat, reduce_interleaved};
use crate::limits::MAX_ICC_BYTES;
use crate::picture::{EncodedPicture, PictureFormat};
use crate::size::PixelSize;

const FORMAT: PictureFormat = PictureFormat::Tiff;
/// The value of the tag PlanarConfiguration if each ink is stored by itself [TIFF 6.0, section 8].
const SEPARATE_PLANES: u16 = 2;

/// Decodes a TIFF of CMYK and reduces it to the size of its largest rendition.
pub(crate) fn decode_cmyk_tiff(
    picture: &EncodedPicture<'_>,
    depth: SampleDepth,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let error = |error| decoder_error(plan.limits.max_memory, error);
    let max_memory = usize::try_from(plan.limits.max_memory).unwrap_or(usize::MAX);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = max_memory;
    limits.intermediate_buffer_size = max_memory;
    limits.ifd_value_size = MAX_ICC_BYTES;
    let decoder = Decoder::new(Cursor::new(picture.bytes)).map_err(error)?;
    let mut decoder = decoder.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(error)?;
    let size = PixelSize { width, height };
    if size.pixels() == 0 {
        return Err(RenderError::corrupt(FORMAT, "it has no pixels"));
    }
    plan.limits.check_pixels(size)?;
    let format = SampleFormat {
        layout: PixelLayout::Cmyk,
        has_alpha: false,
        depth,
    };
    let sample_bytes = match depth {
        SampleDepth::Bits8 => 1,
        SampleDepth::Bits16 => 2,
    };
    let total = (size.pixels()).saturating_mul(format.layout.samples() as u64 * sample_bytes);
    let target = plan.largest_size(size);
    let reduction = BandDownscaler::memory(DecodedArea::whole(size), target);
    plan.check_memory(total.saturating_add(reduction), target)?;
    if planar_configuration(&mut decoder).map_err(error)? == Some(SEPARATE_PLANES) {
        return Err(RenderError::unsupported(FORMAT, "separate planes of CMYK"));
    }
    // A profile that is too large or broken does not make the picture unreadable.
    let icc = match decoder.find_tag(Tag::IccProfile) {
        Ok(None) => None,
        Ok(Some(icc)) => Some(icc.into_u8_vec().unwrap_or_default()),
        Err(_) => Some(Vec::new()),
    };

    let mut bytes = vec![0; total as usize];
    decoder.read_image_bytes(&mut bytes).map_err(error)?;
    let colours = DeclaredColours {
        icc: icc.as_deref(),
        untagged: picture.untagged_colour,
    };
    Ok(reduce_interleaved(&bytes, size, format, colours, target))
}

fn planar_configuration(decoder: &mut Decoder<Cursor<&[u8]>>) -> TiffResult<Option<u16>> {
    let value = decoder.find_tag(Tag::PlanarConfiguration)?;
    value.map(|value| value.into_u16()).transpose()
}

/// Returns the outcome for an error of `tiff`.
fn decoder_error(max_memory: u64, error: TiffError) -> RenderError {
    match error {
        TiffError::IoError(io) if io.kind() == io::ErrorKind::UnexpectedEof => {
            RenderError::Truncated(FORMAT)
        }
        TiffError::UnsupportedError(kind) => RenderError::unsupported(FORMAT, &kind.to_string()),
        TiffError::LimitsExceeded => RenderError::DecoderMemory {
            format: FORMAT,
            max_memory,
        },
        error => {
            let detail = error.source().map(ToString::to_string);
            RenderError::corrupt(FORMAT, &detail.unwrap_or_else(|| error.to_string()))
        }
    }
}
