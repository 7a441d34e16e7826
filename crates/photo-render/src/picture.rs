//! The input of a call.

use std::fmt;

use crate::orientation::PictureOrientation;

/// The bytes of one picture, and what the caller has read from its metadata.
#[derive(Debug, Clone, Copy)]
pub struct EncodedPicture<'a> {
    /// The whole file, or the whole preview inside a RAW file. Bytes after the end of the picture
    /// are ignored.
    pub bytes: &'a [u8],
    /// The format of the bytes. It is not detected here.
    pub format: PictureFormat,
    /// The orientation in EXIF. A preview inside a RAW file has the orientation of the RAW file. It
    /// has no effect on HEIC, AVIF and JPEG XL, because their containers have one of their own.
    pub orientation: PictureOrientation,
    /// The colours of a picture without an ICC profile.
    pub untagged_colour: UntaggedColour,
}

/// The format of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// JPEG: baseline or progressive, grey, RGB, YCbCr, CMYK or YCCK, 8 bits per sample.
    Jpeg,
    /// PNG.
    Png,
    /// WebP. Of an animation, the first frame.
    WebP,
    /// TIFF and BigTIFF, the first page.
    Tiff,
    /// GIF. Of an animation, the first frame.
    Gif,
    /// HEIF with HEVC.
    Heic,
    /// HEIF with AV1.
    Avif,
    /// JPEG XL.
    JpegXl,
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Tiff => "TIFF",
            Self::Gif => "GIF",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::JpegXl => "JPEG XL",
        })
    }
}

/// The colour space of a picture without an ICC profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UntaggedColour {
    /// sRGB, as browsers assume.
    #[default]
    Srgb,
    /// Adobe RGB (1998). Cameras state it only by `InteropIndex` `R03` in EXIF. It has no effect on
    /// grey and CMYK.
    AdobeRgb,
}
