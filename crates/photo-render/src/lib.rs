#![doc = include_str!("../README.md")]

mod alpha;
#[cfg(feature = "more-formats")]
mod av1_header;
#[cfg(feature = "more-formats")]
mod avif_decode;
mod cmyk_tiff;
mod colour;
mod decoded;
mod decoder_panic;
mod downscale;
mod error;
#[cfg(feature = "more-formats")]
mod heic_decode;
#[cfg(feature = "more-formats")]
mod heif_items;
mod interleaved;
mod jpeg_decode;
mod jpeg_encode;
mod jpeg_structure;
#[cfg(feature = "more-formats")]
mod jxl_decode;
mod limits;
mod linear;
#[cfg(feature = "more-formats")]
mod nclx;
mod orientation;
mod picture;
mod raster_decode;
mod recipe;
mod render;
mod rights;
mod size;
mod transfer;
#[cfg(feature = "more-formats")]
mod yuv;

pub use colour::ColourConversion;
pub use error::RenderError;
pub use limits::RenderLimits;
pub use orientation::PictureOrientation;
pub use picture::{EncodedPicture, PictureFormat, UntaggedColour};
pub use recipe::{RENDER_VERSION, RecipeError, RenderRecipe};
pub use render::{JpegRendition, RenderedPicture, SrgbColour, render};
pub use rights::RightsNotice;
pub use size::PixelSize;

#[cfg(test)]
mod tests;
