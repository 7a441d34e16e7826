//! All limits for large and hostile input, in one place.
//!
//! A picture beyond a limit is not rendered, and the outcome is a [`RenderError`] that names the
//! limit. No limit affects a picture that a camera really writes.
//!
//! [`RenderError`]: crate::RenderError

use crate::error::RenderError;
use crate::size::PixelSize;

/// The maximum number of pixels of a picture, 512 Mi. A panorama of 43,000 × 12,000 pixels and the
/// 400 megapixels of a pixel-shift camera are below it. It bounds the time of a decode.
pub(crate) const MAX_PIXELS: u64 = 512 << 20;
/// The maximum memory of one call, in bytes, as estimated before decoding.
pub(crate) const MAX_MEMORY: u64 = 768 << 20;
/// The maximum number of scans of a JPEG. Each scan may take as long as a decode. Encoders write 1
/// to 14.
pub(crate) const MAX_SCANS: u32 = 64;
/// The maximum number of items of a HEIF, and of tiles of its picture. A panorama of 43,000 × 12,000
/// pixels has 2,016 tiles of 512 × 512.
#[cfg(feature = "more-formats")]
pub(crate) const MAX_HEIF_ITEMS: usize = 10_000;
/// The maximum number of items of a HEIF, multiplied by the bytes of the lists that describe them. It
/// bounds the time in which the boxes are read. A panorama with 5,000 tiles is below it.
#[cfg(feature = "more-formats")]
pub(crate) const MAX_HEIF_SEARCH_BYTES: usize = 1 << 30;
/// The maximum number of coded frames of one AV1 picture. A picture has one, and one for each more of
/// its layers. It bounds the time of a decode, because frames may be invisible.
#[cfg(feature = "more-formats")]
pub(crate) const MAX_AV1_FRAMES: u32 = 8;
/// The maximum size of an ICC profile, in bytes. The profiles of printing presses have up to 3 MB.
pub(crate) const MAX_ICC_BYTES: usize = 8 << 20;
/// The maximum long edge of a rendition, in pixels.
pub(crate) const MAX_LONG_EDGE: u32 = 8_192;
/// The maximum number of long edges of a recipe.
pub(crate) const MAX_LONG_EDGES: usize = 16;
/// The maximum size of one text of a rights notice, in bytes of UTF-8. All four texts must fit into
/// one segment of a JPEG, 64 KB, even if each character is escaped with six.
pub(crate) const MAX_RIGHTS_BYTES: usize = 2_048;
/// The maximum number of characters of a decoder's own message in an error.
pub(crate) const MAX_DETAIL_CHARS: usize = 200;

/// The limits of one call that depend on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderLimits {
    /// The maximum number of pixels of the picture. The default is 536,870,912.
    pub max_pixels: u64,
    /// The maximum memory of the call in bytes, as estimated before decoding. The default is
    /// 805,306,368. The bytes of the picture itself are not part of it.
    pub max_memory: u64,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self {
            max_pixels: MAX_PIXELS,
            max_memory: MAX_MEMORY,
        }
    }
}

impl RenderLimits {
    /// Returns an error if a picture has more pixels than allowed.
    pub(crate) fn check_pixels(&self, size: PixelSize) -> Result<(), RenderError> {
        if size.pixels() > self.max_pixels {
            return Err(RenderError::TooManyPixels {
                width: size.width,
                height: size.height,
                max_pixels: self.max_pixels,
            });
        }
        Ok(())
    }

    /// Returns an error if an estimate is over the limit of memory.
    pub(crate) fn check_memory(&self, estimate: u64) -> Result<(), RenderError> {
        if estimate > self.max_memory {
            return Err(RenderError::TooMuchMemory {
                estimate,
                max_memory: self.max_memory,
            });
        }
        Ok(())
    }
}
