//! Small photos that the tests make themselves.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::ifd::ExifTagGroup;
use little_exif::metadata::Metadata;

/// A description of a shot. Tests make a JPEG, a RAW and edits from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TestShot {
    /// The capture time as Exif writes it, such as `2018:02:01 09:41:07`. `None` for an undated
    /// shot.
    pub(crate) taken: Option<&'static str>,
    pub(crate) serial: &'static str,
}

impl TestShot {
    pub(crate) fn at(taken: &'static str) -> Self {
        TestShot {
            taken: Some(taken),
            serial: "1000001",
        }
    }

    pub(crate) fn undated() -> Self {
        TestShot {
            taken: None,
            serial: "1000001",
        }
    }

    /// Returns the JPEG of the shot.
    pub(crate) fn jpeg(&self) -> Vec<u8> {
        let picture = RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 9, y as u8 * 9, 90]));
        let mut bytes = Vec::new();
        DynamicImage::from(picture)
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
            .unwrap();
        if let Some(metadata) = self.metadata() {
            metadata
                .write_to_vec(&mut bytes, FileExtension::JPEG)
                .unwrap();
        }
        bytes
    }

    /// Returns the JPEG after an edit that changes the bytes and not the metadata. Edits with
    /// different numbers `edit` have different bytes.
    pub(crate) fn edited(&self, edit: u8) -> Vec<u8> {
        let mut bytes = self.jpeg();
        bytes.extend([b"edit".as_slice(), &[edit]].concat());
        bytes
    }

    /// Returns the RAW of the shot. It is a DNG: a TIFF with the tag DNGVersion. It has no picture,
    /// because no test reads the pixels.
    pub(crate) fn dng(&self) -> Vec<u8> {
        self.encode_dng(None)
    }

    /// Returns the RAW of the shot with this XMP packet.
    pub(crate) fn dng_with_xmp(&self, packet: &str) -> Vec<u8> {
        let packet = packet.as_bytes().to_vec();
        self.encode_dng(Some(ExifTag::UnknownINT8U(
            packet,
            0x02bc,
            ExifTagGroup::GENERIC,
        )))
    }

    /// Returns the JPEG of the shot with another segment before its EXIF. The segment begins with
    /// its marker.
    pub(crate) fn jpeg_with_segment(&self, segment: &[u8]) -> Vec<u8> {
        let jpeg = self.jpeg();
        let (start, rest) = jpeg.split_at(2);
        [start, segment, rest].concat()
    }

    fn encode_dng(&self, tag: Option<ExifTag>) -> Vec<u8> {
        let mut metadata = self.metadata().unwrap_or_default();
        if let Some(tag) = tag {
            metadata.set_tag(tag);
        }
        metadata.set_tag(ExifTag::UnknownINT8U(
            vec![1, 4, 0, 0],
            0xc612,
            ExifTagGroup::GENERIC,
        ));
        metadata.encode().unwrap()
    }

    fn metadata(&self) -> Option<Metadata> {
        let taken = self.taken?;
        let mut metadata = Metadata::new();
        metadata.set_tag(ExifTag::Make("NIKON CORPORATION".to_owned()));
        metadata.set_tag(ExifTag::Model("NIKON D750".to_owned()));
        metadata.set_tag(ExifTag::DateTimeOriginal(taken.to_owned()));
        metadata.set_tag(ExifTag::SerialNumber(self.serial.to_owned()));
        metadata.set_tag(ExifTag::LensModel("50mm f/1.8".to_owned()));
        metadata.set_tag(ExifTag::ISO(vec![400]));
        Some(metadata)
    }
}
