//! Colour spaces that HEIF and AV1 name by numbers (ITU-T H.273).

use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics,
};

use crate::error::RenderError;
use crate::picture::PictureFormat;

/// Returns the profile of a colour space that is named by its primaries and its transfer function.
/// Returns `None` if it is sRGB, or not stated.
///
/// All transfer functions of standard range are taken as that of sRGB, as browsers do for pictures.
/// Fails for those of high dynamic range: they need tone mapping, which this crate does not have.
pub(crate) fn named_profile(
    format: PictureFormat,
    primaries: u16,
    transfer: u16,
) -> Result<Option<ColorProfile>, RenderError> {
    if matches!(transfer, 16 | 18) {
        return Err(RenderError::unsupported(
            format,
            "high dynamic range (PQ or HLG)",
        ));
    }
    // 1 is sRGB, and 2 is not stated.
    if matches!(primaries, 1 | 2) {
        return Ok(None);
    }
    let primaries = u8::try_from(primaries).ok();
    let primaries = primaries.and_then(|code| CicpColorPrimaries::try_from(code).ok());
    Ok(primaries.map(|color_primaries| {
        ColorProfile::new_from_cicp(CicpProfile {
            color_primaries,
            transfer_characteristics: TransferCharacteristics::Srgb,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: true,
        })
    }))
}
