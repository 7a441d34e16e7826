//! Removes all metadata from a picture, except its colours and its orientation. Adds the position
//! that the location policy publishes, if there is one.
//!
//! The picture is not decoded and not kept in memory. The caller passes the bytes of the file in
//! order. The result is an [`EditList`]: ranges of the file that are served unchanged, and a few
//! new bytes between them. This module does no I/O.
//!
//! For each format, a list defines what stays. Everything else is removed. A picture in a format
//! without such a list is never served.
//!
//! The pixels themselves are not read. Bytes that a program hides inside compressed pixels stay.

mod chunks;
mod colour_profile;
mod edit_list;
mod exif_block;
mod jpeg;

use chunks::{ChunkScanner, PNG, WEBP};
pub(crate) use edit_list::{EditList, NotStrippable, Span, SpanCutter};
pub(crate) use exif_block::AddedMetadata;
use jpeg::JpegScanner;

/// A format whose pictures can be stripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StripFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

impl StripFormat {
    /// Returns the format of a media type, or `None` if pictures of that type cannot be stripped.
    pub(crate) fn from_mime(mime: &str) -> Option<Self> {
        match mime {
            "image/jpeg" => Some(StripFormat::Jpeg),
            "image/png" => Some(StripFormat::Png),
            "image/webp" => Some(StripFormat::WebP),
            _ => None,
        }
    }
}

/// A scanner that receives the bytes of a picture in order, and builds the edit list of the picture
/// ([`EditList`]): the ranges of the file that stay, and new bytes between them.
#[derive(Debug)]
pub(crate) enum StripScanner {
    /// The scanner of a JPEG.
    Jpeg(JpegScanner),
    /// The scanner of a PNG or a WebP.
    Chunks(ChunkScanner),
}

impl StripScanner {
    /// Builds a scanner for a picture that begins at this byte offset of the file.
    pub(crate) fn new(format: StripFormat, offset: u64) -> Self {
        match format {
            StripFormat::Jpeg => StripScanner::Jpeg(JpegScanner::new(offset)),
            StripFormat::Png => StripScanner::Chunks(ChunkScanner::new(&PNG, offset)),
            StripFormat::WebP => StripScanner::Chunks(ChunkScanner::new(&WEBP, offset)),
        }
    }

    /// Scans the next bytes. Returns `false` if the scanner needs no more bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> bool {
        match self {
            StripScanner::Jpeg(scanner) => scanner.feed(bytes),
            StripScanner::Chunks(scanner) => scanner.feed(bytes),
        }
    }

    /// Returns the edit list. The caller must first pass bytes to [`StripScanner::feed`] until it
    /// returns `false` or the file ends. The stripped picture keeps its orientation. If the picture
    /// has none, it gets that of `added`. It gets the position of `added`, and no other one.
    ///
    /// # Errors
    /// Returns [`NotStrippable`] if the bytes are not a picture in this format, or if they end too
    /// early.
    pub(crate) fn finish(self, added: &AddedMetadata) -> Result<EditList, NotStrippable> {
        match self {
            StripScanner::Jpeg(scanner) => scanner.finish(added),
            StripScanner::Chunks(scanner) => scanner.finish(added),
        }
    }
}

#[cfg(test)]
mod tests;
