//! The one place at which panics of the codecs become errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::RenderError;
use crate::picture::PictureFormat;

/// The start of the text with which `mozjpeg` panics if the data are corrupt.
const MOZJPEG_ERROR: &str = "libjpeg fatal error: ";

/// Calls a decoder. Returns an error if it panics.
///
/// `mozjpeg` panics if a JPEG is corrupt: this is its documented way to report it, and it prints
/// nothing. No other decoder is known to panic. This function has no effect if the program is built
/// with `panic = "abort"`.
pub(crate) fn catch_decoder_panic<T>(
    format: PictureFormat,
    decode: impl FnOnce() -> Result<T, RenderError>,
) -> Result<T, RenderError> {
    // All state of the decoder is dropped, so none of it is seen after the panic.
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| Err(panic_error(format, &*panic)))
}

/// Returns the error for the payload of a panic.
fn panic_error(format: PictureFormat, panic: &(dyn Any + Send)) -> RenderError {
    let text = panic.downcast_ref::<String>();
    match text.and_then(|text| text.strip_prefix(MOZJPEG_ERROR)) {
        Some(detail) => RenderError::corrupt(format, detail),
        None => RenderError::DecoderPanicked(format),
    }
}
