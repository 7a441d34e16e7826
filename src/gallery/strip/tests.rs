//! Real encoders' and real decoders' word on the stripper: the pixels are the same, the metadata is gone.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, RgbImage};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::metadata::Metadata;

use super::*;

fn strip(format: Format, file: &[u8]) -> Result<Vec<u8>, NotStrippable> {
    let mut scanner = Scanner::new(format, 0);
    for chunk in file.chunks(1000) {
        if !scanner.feed(chunk) {
            break;
        }
    }
    let edit = scanner.finish(None)?;
    let pieces = edit.slice(0..edit.size_bytes()).into_iter();
    Ok(pieces
        .flat_map(|piece| match piece {
            Piece::Made(bytes) => bytes.to_vec(),
            Piece::Kept(range) => file[range.start as usize..range.end as usize].to_vec(),
        })
        .collect())
}

/// What a reader of Exif finds, by name.
fn tags(file: &[u8]) -> Vec<String> {
    let read = exif::Reader::new().read_from_container(&mut Cursor::new(file));
    read.map(|exif| exif.fields().map(|field| field.tag.to_string()).collect())
        .unwrap_or_default()
}

#[test]
fn pixels_and_orientation_stay_and_the_position_goes() {
    let image = DynamicImage::from(RgbImage::from_fn(40, 40, |x, y| {
        image::Rgb([x as u8 * 6, y as u8 * 6, 99])
    }));
    for (format, encoder, extension) in [
        (Format::Jpeg, ImageFormat::Jpeg, FileExtension::JPEG),
        (
            Format::Png,
            ImageFormat::Png,
            FileExtension::PNG {
                as_zTXt_chunk: false,
            },
        ),
        (Format::WebP, ImageFormat::WebP, FileExtension::WEBP),
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
            "{format:?}: the file is no test"
        );

        let stripped = strip(format, &file).expect("strippable");
        // This writer hides PNG's Exif in a text chunk, where no browser turns a picture by it.
        let left: &[&str] = if format == Format::Png {
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

/// Real cameras' files, where they are at hand.
#[test]
fn of_real_files_nothing_but_the_orientation_is_left() {
    fn files_of(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                files_of(&path, files)
            } else {
                files.push(path)
            }
        }
    }
    let mut files = Vec::new();
    files_of(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        &mut files,
    );
    for path in files {
        let file = std::fs::read(&path).expect("readable");
        let format = match file.as_slice() {
            [0xff, 0xd8, ..] => Format::Jpeg,
            [0x89, b'P', b'N', b'G', ..] => Format::Png,
            [b'R', b'I', b'F', b'F', ..] => Format::WebP,
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
