//! Tests with real encoders and decoders: the pixels stay the same and the metadata is removed.

#![allow(
    clippy::disallowed_methods,
    reason = "a test over real photos reads files"
)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, RgbImage};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::metadata::Metadata;

use super::*;

fn strip(format: StripFormat, file: &[u8]) -> Result<Vec<u8>, NotStrippable> {
    let mut scanner = StripScanner::new(format, 0);
    for chunk in file.chunks(1000) {
        if !scanner.feed(chunk) {
            break;
        }
    }
    let edit = scanner.finish(&AddedMetadata::default())?;
    let spans = edit.slice(0..edit.size_bytes()).into_iter();
    Ok(spans
        .flat_map(|span| match span {
            Span::Made(bytes) => bytes.to_vec(),
            Span::Kept(range) => file[range.start as usize..range.end as usize].to_vec(),
        })
        .collect())
}

/// Returns the names of the metadata tags that an Exif reader finds in a file.
fn tags(file: &[u8]) -> Vec<String> {
    let read = exif::Reader::new().read_from_container(&mut Cursor::new(file));
    read.map(|exif| exif.fields().map(|field| field.tag.to_string()).collect())
        .unwrap_or_default()
}

#[test]
fn pixels_and_orientation_stay_and_location_is_removed() {
    let image = DynamicImage::from(RgbImage::from_fn(40, 40, |x, y| {
        image::Rgb([x as u8 * 6, y as u8 * 6, 99])
    }));
    for (format, encoder, extension) in [
        (StripFormat::Jpeg, ImageFormat::Jpeg, FileExtension::JPEG),
        (
            StripFormat::Png,
            ImageFormat::Png,
            FileExtension::PNG {
                as_zTXt_chunk: false,
            },
        ),
        (StripFormat::WebP, ImageFormat::WebP, FileExtension::WEBP),
    ] {
        let mut file = Vec::new();
        image
            .write_to(&mut Cursor::new(&mut file), encoder)
            .expect("encoded");
        let plain_bytes = file.len();
        let mut metadata = Metadata::new();
        metadata.set_tag(ExifTag::Orientation(vec![6]));
        metadata.set_tag(ExifTag::GPSLatitudeRef("N".to_owned()));
        metadata.set_tag(ExifTag::OwnerName("SECRET".to_owned()));
        metadata.write_to_vec(&mut file, extension).expect("tagged");
        assert!(
            file.len() > plain_bytes + 20,
            "{format:?}: the file has no metadata"
        );

        let stripped = strip(format, &file).expect("strippable");
        // The crate that writes the metadata puts the Exif of a PNG into a text chunk, so stripping
        // removes it. Browsers ignore an orientation in a text chunk.
        let left: &[&str] = if format == StripFormat::Png {
            &[]
        } else {
            &["Orientation"]
        };
        assert_eq!(tags(&stripped), left, "{format:?}");
        assert!(
            !stripped.windows(6).any(|window| window == b"SECRET"),
            "{format:?}"
        );
        let decode = |bytes: &[u8]| image::load_from_memory(bytes).expect("decodable");
        assert_eq!(decode(&stripped), decode(&file), "{format:?}");
    }
}

test_support::needs_corpus! {
#[test]
fn real_files_keep_only_the_orientation() {
    let mut files = Vec::new();
    collect_files(&test_support::requirements::corpus(), &mut files);
    assert!(!files.is_empty(), "the corpus has files");
    for path in files {
        let file = std::fs::read(&path).expect("readable");
        let format = match file.as_slice() {
            [0xff, 0xd8, ..] => StripFormat::Jpeg,
            [0x89, b'P', b'N', b'G', ..] => StripFormat::Png,
            [b'R', b'I', b'F', b'F', ..] => StripFormat::WebP,
            _ => continue,
        };
        if let Ok(stripped) = strip(format, &file) {
            let tags = tags(&stripped);
            assert!(
                tags.iter().all(|tag| tag == "Orientation"),
                "{}: {tags:?}",
                path.display()
            );
            assert!(stripped.len() <= file.len() + 64);
        }
    }
}
}

/// Collects the paths of all files below a folder.
fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_files(&path, files);
        } else {
            files.push(path);
        }
    }
}
