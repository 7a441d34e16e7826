//! The files of the simulated photos: JPEGs, each of one colour, and sidecars with a credit.

use std::collections::BTreeMap;
use std::io::Cursor;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use fastrand::Rng;
use image::{DynamicImage, ImageFormat, RgbImage};
use md5::{Digest, Md5};

/// The brightness levels of one channel. Each file has another combination of three levels.
const LEVELS: [u8; 4] = [20, 90, 160, 230];
/// The maximum difference of a channel between a file and its pictures. JPEG is not exact.
const TOLERANCE: u8 = 20;
/// The size of all photos.
const SIZE: (u32, u32) = (24, 16);

/// What the oracle knows about a photo file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileContent {
    /// A picture of this colour.
    Colour([u8; 3]),
    /// A file that ends in the middle of its picture, so no pictures can be made of it.
    Truncated,
}

/// Makes the files of a run, and remembers what they are.
#[derive(Default)]
pub(super) struct PictureFileMaker {
    /// The number of files so far.
    made: usize,
    /// What the photo files are, by ETag.
    contents: BTreeMap<String, FileContent>,
}

impl PictureFileMaker {
    /// Makes a photo file with a colour that no other file of the run has. A few files are truncated.
    pub(super) fn make_photo(&mut self, random: &mut Rng) -> Bytes {
        let is_truncated = random.usize(..6) == 0;
        let number = self.next_number();
        let (bytes, content) = match is_truncated {
            true => (truncated_jpeg(number), FileContent::Truncated),
            false => {
                let level = |digit: u32| LEVELS[number / LEVELS.len().pow(digit) % LEVELS.len()];
                let colour = [level(0), level(1), level(2)];
                (one_colour_jpeg(colour), FileContent::Colour(colour))
            }
        };
        self.contents.insert(etag(&bytes), content);
        bytes.into()
    }

    /// Makes a sidecar with a credit that no other sidecar of the run has.
    pub(super) fn make_sidecar(&mut self) -> Bytes {
        let number = self.next_number();
        let packet = format!(
            r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
            xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
            xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="Agency-{number}."/>
            </rdf:RDF></x:xmpmeta>"#
        );
        packet.into()
    }

    /// Returns what the photo file with this ETag is.
    pub(super) fn content(&self, etag: &str) -> FileContent {
        self.contents[etag]
    }

    fn next_number(&mut self) -> usize {
        self.made += 1;
        self.made
    }
}

/// Returns the credit in the bytes of a file, such as `Agency-7.`
pub(super) fn find_credit(bytes: &[u8]) -> Option<String> {
    let start = bytes.windows(7).position(|text| text == b"Agency-")?;
    let length = bytes[start..].iter().position(|byte| *byte == b'.')?;
    let credit = &bytes[start..=start + length];
    Some(String::from_utf8_lossy(credit).into_owned())
}

/// Reports whether all pixels of a JPEG have this colour, apart from small differences.
pub(super) fn has_colour(jpeg: &[u8], colour: [u8; 3]) -> bool {
    let Ok(picture) = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg) else {
        return false;
    };
    let mut channels = picture
        .to_rgb8()
        .into_raw()
        .into_iter()
        .zip(colour.iter().cycle());
    channels.all(|(shown, meant)| shown.abs_diff(*meant) <= TOLERANCE)
}

/// Returns the ETag that the simulated store gives these bytes.
fn etag(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Md5::digest(bytes))
}

fn one_colour_jpeg(colour: [u8; 3]) -> Vec<u8> {
    encode(&RgbImage::from_pixel(SIZE.0, SIZE.1, image::Rgb(colour)))
}

/// Returns the first half of a JPEG with many details.
fn truncated_jpeg(number: usize) -> Vec<u8> {
    let mut random = Rng::with_seed(number as u64);
    let noise = RgbImage::from_fn(64, 48, |_, _| image::Rgb([random.u8(..), random.u8(..), 0]));
    let mut bytes = encode(&noise);
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn encode(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Cursor::new(&mut bytes);
    let picture = DynamicImage::from(picture.clone());
    picture.write_to(&mut writer, ImageFormat::Jpeg).unwrap();
    bytes
}
