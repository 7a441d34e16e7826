//! Takes everything out of a picture but the picture, its colours and its orientation, without decoding it and without
//! holding it: bytes are fed in as they come, and what comes out is an edit list, ranges of the file with a few bytes
//! of our own between them. Pure; nothing is read here.
//!
//! What is kept is listed, format by format; what is not listed is gone. Other formats are not served where they must
//! be stripped.

mod chunks;
mod jpeg;

use std::ops::Range;

use bytes::Bytes;

use chunks::{Container, PNG, WEBP};
use jpeg::JpegScanner;

/// Most pieces of an edit list; only a file made to hurt has more.
const MAX_PIECES: usize = 4096;
/// What Exif begins with in a JPEG, and at times in a WebP.
const EXIF: &[u8] = b"Exif\0\0";

/// Formats that can be stripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, not animated.
    WebP,
}

impl Format {
    /// The format of a media type.
    pub(crate) fn of(mime: &str) -> Option<Self> {
        match mime {
            "image/jpeg" => Some(Format::Jpeg),
            "image/png" => Some(Format::Png),
            "image/webp" => Some(Format::WebP),
            _ => None,
        }
    }
}

/// Reads a file, fed in order, and notes what of it is kept.
#[derive(Debug)]
pub(crate) enum Scanner {
    /// Of a JPEG.
    Jpeg(JpegScanner),
    /// Of a PNG or a WebP.
    Chunks(Container),
}

impl Scanner {
    /// A scanner for a picture that begins at this offset of the file.
    pub(crate) fn new(format: Format, offset: u64) -> Self {
        match format {
            Format::Jpeg => Scanner::Jpeg(JpegScanner::new(offset)),
            Format::Png => Scanner::Chunks(Container::new(&PNG, offset)),
            Format::WebP => Scanner::Chunks(Container::new(&WEBP, offset)),
        }
    }

    /// Takes the next bytes. Returns false when no more are of use.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> bool {
        match self {
            Scanner::Jpeg(scanner) => scanner.feed(bytes),
            Scanner::Chunks(scanner) => scanner.feed(bytes),
        }
    }

    /// The edit list, once all bytes are in. Turned as the picture says or, where it does not say, as `orientation`
    /// does.
    ///
    /// # Errors
    /// It is not of its format, or ends before its picture begins.
    pub(crate) fn finish(self, orientation: Option<u8>) -> Result<Edit, NotStrippable> {
        match self {
            Scanner::Jpeg(scanner) => scanner.finish(orientation),
            Scanner::Chunks(scanner) => scanner.finish(orientation),
        }
    }
}

/// A piece of what is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes of our own.
    Made(Bytes),
    /// Bytes of the file.
    Kept(Range<u64>),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Piece::Made(bytes) => bytes.len() as u64,
            Piece::Kept(range) => range.end - range.start,
        }
    }
}

/// What is served of a file, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pieces: Vec<Piece>,
    size_bytes: u64,
}

impl Edit {
    fn new(pieces: Vec<Piece>) -> Self {
        let size_bytes = pieces.iter().map(Piece::len).sum();
        Edit { pieces, size_bytes }
    }

    /// A file, or a part of one, as it is.
    pub(crate) fn whole(range: Range<u64>) -> Self {
        Edit::new(vec![Piece::Kept(range)])
    }

    /// Size of what is served, bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The pieces of a range of what is served.
    pub(crate) fn slice(&self, range: Range<u64>) -> Vec<Piece> {
        let mut slice = Vec::new();
        let mut start = 0;
        for piece in &self.pieces {
            let end = start + piece.len();
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                let (from, to) = (from - start, to - start);
                slice.push(match piece {
                    // A made piece is a few bytes: its offsets fit.
                    Piece::Made(bytes) => Piece::Made(bytes.slice(from as usize..to as usize)),
                    Piece::Kept(kept) => Piece::Kept(kept.start + from..kept.start + to),
                });
            }
            start = end;
        }
        slice
    }
}

/// The file is none that can be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a picture that can be stripped")]
pub(crate) struct NotStrippable;

/// A TIFF structure that says nothing but the orientation: one IFD with one SHORT [Exif 3.0, 4.6.5.1.6].
fn orientation_tiff(orientation: u8) -> [u8; 26] {
    let mut tiff = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    tiff[18] = orientation;
    tiff
}

/// The orientation that Exif's first IFD says, 1 to 8; with or without the header of a JPEG's Exif.
fn orientation(exif: &[u8]) -> Option<u8> {
    let tiff = exif.strip_prefix(EXIF).unwrap_or(exif);
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little {
            u16::from_le_bytes(*bytes)
        } else {
            u16::from_be_bytes(*bytes)
        })
    };
    let ifd = tiff.get(4..)?.first_chunk::<4>()?;
    let ifd = if little {
        u32::from_le_bytes(*ifd)
    } else {
        u32::from_be_bytes(*ifd)
    } as usize;
    let entries = ifd.checked_add(2)?;
    (0..usize::from(u16_at(ifd)?))
        .map_while(|index| entries.checked_add(index * 12))
        .find(|at| u16_at(*at) == Some(0x0112))
        .and_then(|at| u16_at(at.checked_add(8)?))
        .and_then(|value| u8::try_from(value).ok())
        .filter(|value| (1..=8).contains(value))
}

#[cfg(test)]
mod tests;
