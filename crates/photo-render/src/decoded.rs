//! What all decoders get and return.

use crate::colour::ColourConversion;
use crate::error::RenderError;
use crate::limits::RenderLimits;
use crate::linear::LinearImage;
use crate::orientation::PictureOrientation;
use crate::recipe::RenderRecipe;
use crate::size::PixelSize;

/// The estimated memory of the smaller renditions and of an encoder, in bytes for each pixel of the
/// largest rendition.
const ENCODER_BYTES_PER_PIXEL: u64 = 14;

/// What a decoder must respect.
#[derive(Clone, Copy)]
pub(crate) struct RenderPlan<'a> {
    pub(crate) recipe: &'a RenderRecipe,
    pub(crate) limits: RenderLimits,
}

impl RenderPlan<'_> {
    /// Returns the size of the largest rendition of a stored picture, before it is turned.
    pub(crate) fn largest_size(&self, stored: PixelSize) -> PixelSize {
        let sizes = self.recipe.rendition_sizes(stored);
        sizes.first().copied().unwrap_or(stored)
    }

    /// Returns an error if a decoder and the encoder after it need too much memory.
    pub(crate) fn check_memory(&self, decoder: u64, target: PixelSize) -> Result<(), RenderError> {
        let encoder = target.pixels() * ENCODER_BYTES_PER_PIXEL;
        self.limits.check_memory(decoder.saturating_add(encoder))
    }
}

/// A decoded picture, reduced to the size of its largest rendition.
pub(crate) struct DecodedPicture {
    /// The size of the file's picture, before it is turned.
    pub(crate) stored_size: PixelSize,
    pub(crate) image: LinearImage,
    pub(crate) conversion: ColourConversion,
    /// The orientation that the container states, if its format defines one. It replaces that of
    /// the caller.
    pub(crate) container_orientation: Option<PictureOrientation>,
}
