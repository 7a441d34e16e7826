//! The reasons why a picture is not rendered.

use crate::limits::MAX_DETAIL_CHARS;
use crate::picture::PictureFormat;

/// The reason why a picture is not rendered. Its text is one line that can be shown to the owner of
/// the picture.
///
/// The same bytes with the same recipe and limits give the same error, so a retry is useless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The end of the picture is missing.
    #[error("truncated {0}")]
    Truncated(PictureFormat),
    /// The bytes are not a valid picture of their format.
    #[error("corrupt {format}: {detail}")]
    Corrupt {
        /// The format that the caller named.
        format: PictureFormat,
        /// What is wrong, in the words of the decoder.
        detail: String,
    },
    /// The picture is valid, but of a kind that is not decoded here.
    #[error("unsupported kind of {format}: {kind}")]
    UnsupportedKind {
        /// The format of the picture.
        format: PictureFormat,
        /// What is unsupported: `lossless`, `12 bits per sample`.
        kind: String,
    },
    /// This build has no decoder for the format.
    #[error("this build does not decode {0}")]
    NoDecoder(PictureFormat),
    /// The picture has more pixels than [`RenderLimits`](crate::RenderLimits) allow.
    #[error("too many pixels: {width} × {height}, the limit is {max_pixels}")]
    TooManyPixels {
        /// The stored width in pixels.
        width: u32,
        /// The stored height in pixels.
        height: u32,
        /// The limit.
        max_pixels: u64,
    },
    /// Rendering would need more memory than [`RenderLimits`](crate::RenderLimits) allow.
    #[error("over the memory limit: about {estimate} bytes are needed, the limit is {max_memory}")]
    TooMuchMemory {
        /// The estimate in bytes.
        estimate: u64,
        /// The limit in bytes.
        max_memory: u64,
    },
    /// The decoder stopped because it needed more memory than
    /// [`RenderLimits`](crate::RenderLimits) allow.
    #[error("over the memory limit: the decoder of {format} needs more than {max_memory} bytes")]
    DecoderMemory {
        /// The format of the picture.
        format: PictureFormat,
        /// The limit in bytes.
        max_memory: u64,
    },
    /// A JPEG has so many scans that decoding it would take too long.
    #[error("too many scans in a JPEG: the limit is {max_scans}")]
    TooManyScans {
        /// The limit.
        max_scans: u32,
    },
    /// A decoder panicked. This is a bug of the decoder, and the picture is probably corrupt.
    #[error("the decoder of {0} failed")]
    DecoderPanicked(PictureFormat),
    /// A rendition could not be encoded. This is a bug.
    #[error("a rendition could not be encoded: {0}")]
    NotEncoded(String),
}

impl RenderError {
    /// Returns the error for a corrupt picture. `detail` becomes one line of limited length.
    pub(crate) fn corrupt(format: PictureFormat, detail: &str) -> Self {
        Self::Corrupt {
            format,
            detail: one_line(detail),
        }
    }

    /// Returns the error for a kind of picture that is not decoded. `kind` becomes one line of
    /// limited length.
    pub(crate) fn unsupported(format: PictureFormat, kind: &str) -> Self {
        Self::UnsupportedKind {
            format,
            kind: one_line(kind),
        }
    }
}

/// Returns a text without line breaks and control characters, cut to the length that an error may
/// have.
fn one_line(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = visible.take(MAX_DETAIL_CHARS).collect();
    cut.trim().to_owned()
}
