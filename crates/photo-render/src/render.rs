//! From the bytes of a picture to its renditions.

use std::fmt;

use fast_image_resize::Resizer;

#[cfg(feature = "more-formats")]
use crate::avif_decode::decode_avif;
use crate::colour::ColourConversion;
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::decoder_panic::catch_decoder_panic;
use crate::error::RenderError;
#[cfg(feature = "more-formats")]
use crate::heic_decode::decode_heic;
use crate::jpeg_decode::decode_jpeg;
use crate::jpeg_encode::encode_jpeg;
#[cfg(feature = "more-formats")]
use crate::jxl_decode::decode_jxl;
use crate::limits::RenderLimits;
use crate::linear::LinearImage;
use crate::orientation::PictureOrientation;
use crate::picture::{EncodedPicture, PictureFormat};
use crate::raster_decode::decode_raster;
use crate::recipe::RenderRecipe;
use crate::rights::RightsNotice;
use crate::size::PixelSize;

/// The maximum width and height of the picture from which a thumbhash is computed.
const THUMBHASH_EDGE: u32 = 100;

/// The renditions of a picture, and what a page shows until they are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedPicture {
    /// The size of the upright picture in the file.
    pub size: PixelSize,
    /// At least one, largest first. [`RenderRecipe::rendition_sizes`] defines their sizes.
    pub renditions: Vec<JpegRendition>,
    /// A thumbhash of the upright picture, at most 25 bytes.
    pub placeholder: Vec<u8>,
    /// The mean of the light of all pixels.
    pub average_colour: SrgbColour,
    /// Which colours the picture had.
    pub conversion: ColourConversion,
}

/// A web-size picture: a progressive JPEG in sRGB, upright, with 4:2:0 chroma. It contains no
/// metadata except a [`RightsNotice`].
#[derive(Clone, PartialEq, Eq)]
pub struct JpegRendition {
    /// Width and height in pixels.
    pub size: PixelSize,
    /// The bytes of the JPEG.
    pub jpeg: Vec<u8>,
}

impl fmt::Debug for JpegRendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JpegRendition")
            .field("size", &self.size)
            .field("bytes", &self.jpeg.len())
            .finish()
    }
}

/// A colour in 8-bit sRGB: red, green, blue. Its text is `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SrgbColour(pub [u8; 3]);

impl fmt::Display for SrgbColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Returns the renditions of a picture.
///
/// The result depends only on the arguments and on the version of this crate. The call uses one
/// thread, and two more while it decodes an AVIF.
///
/// # Errors
///
/// Fails if the picture cannot be decoded completely, is of a kind that is not supported, or is
/// beyond a limit. It never panics.
pub fn render(
    picture: &EncodedPicture<'_>,
    recipe: &RenderRecipe,
    rights: &RightsNotice,
    limits: RenderLimits,
) -> Result<RenderedPicture, RenderError> {
    let plan = RenderPlan { recipe, limits };
    let format = picture.format;
    let decoded = catch_decoder_panic(format, || decode(picture, &plan))?;
    let orientation = decoded.container_orientation.unwrap_or(picture.orientation);
    let encode = || encode_all(decoded, orientation, recipe, rights);
    catch_decoder_panic(format, encode).map_err(|error| match error {
        // The encoder panics like the decoder.
        RenderError::Corrupt { detail, .. } => RenderError::NotEncoded(detail),
        _ => error,
    })
}

/// Decodes a picture with the decoder of its format.
fn decode(
    picture: &EncodedPicture<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    match picture.format {
        PictureFormat::Jpeg => decode_jpeg(picture, plan),
        PictureFormat::Png | PictureFormat::WebP | PictureFormat::Tiff | PictureFormat::Gif => {
            decode_raster(picture, plan)
        }
        #[cfg(feature = "more-formats")]
        PictureFormat::Heic => decode_heic(picture, plan),
        #[cfg(feature = "more-formats")]
        PictureFormat::Avif => decode_avif(picture, plan),
        #[cfg(feature = "more-formats")]
        PictureFormat::JpegXl => decode_jxl(picture, plan),
        #[cfg(not(feature = "more-formats"))]
        PictureFormat::Heic | PictureFormat::Avif | PictureFormat::JpegXl => {
            Err(RenderError::NoDecoder(picture.format))
        }
    }
}

/// Encodes all renditions. Each is reduced from the next larger one.
fn encode_all(
    decoded: DecodedPicture,
    orientation: PictureOrientation,
    recipe: &RenderRecipe,
    rights: &RightsNotice,
) -> Result<RenderedPicture, RenderError> {
    let xmp = rights.xmp_segment();
    let stored_size = decoded.stored_size;
    let mut image = decoded.image;
    let mut resizer = Resizer::new();
    let mut renditions = Vec::new();
    for size in recipe.rendition_sizes(stored_size) {
        if size != image.size {
            image = image.resized(&mut resizer, size);
        }
        let jpeg = encode_jpeg(&image, orientation, recipe.quality(), xmp.as_deref())
            .map_err(|error| RenderError::NotEncoded(error.to_string()))?;
        renditions.push(JpegRendition {
            size: orientation.upright_size(size),
            jpeg,
        });
    }
    Ok(RenderedPicture {
        size: orientation.upright_size(stored_size),
        renditions,
        placeholder: thumbhash_of(&image, orientation, &mut resizer),
        average_colour: SrgbColour(image.mean_srgb()),
        conversion: decoded.conversion,
    })
}

/// Returns the thumbhash of the upright picture.
fn thumbhash_of(
    image: &LinearImage,
    orientation: PictureOrientation,
    resizer: &mut Resizer,
) -> Vec<u8> {
    let long_edge = image.size.long_edge().min(THUMBHASH_EDGE);
    let small = image.resized(resizer, image.size.with_long_edge(long_edge));
    let size = orientation.upright_size(small.size);
    let rgb = small.upright_srgb_rows(orientation, 0..size.height);
    let pixels = rgb.as_chunks::<3>().0.iter();
    let rgba: Vec<u8> = pixels.flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    thumbhash::rgba_to_thumb_hash(size.width as usize, size.height as usize, &rgba)
}
