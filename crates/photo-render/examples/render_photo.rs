//! Renders a local picture with the default recipe: `render_photo FILE FOLDER [QUALITY]`. QUALITY is the
//! quality of the JPEGs, 1 to 100. The picture of a RAW is its largest embedded JPEG.
//!
//! Writes `FOLDER/<long edge>.jpg` for each rendition. Prints their sizes, the size of the
//! placeholder, and the average colour. Exits with 1 and the reason if the picture cannot be rendered.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program reads files and prints"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use photo_metadata::{Extraction, FileContext, PhotoFormat, extract};
use photo_render::{
    EncodedPicture, PictureFormat, PictureOrientation, RenderLimits, RenderRecipe, RightsNotice,
    UntaggedColour, render,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, folder, quality) = match arguments.as_slice() {
        [file, folder] => (file, folder, None),
        [file, folder, quality] => (file, folder, Some(quality.parse()?)),
        _ => return Err("usage: render_photo FILE FOLDER [QUALITY]".into()),
    };
    let mut recipe = RenderRecipe::default();
    if let Some(quality) = quality {
        recipe = RenderRecipe::new(recipe.long_edges(), quality)?;
    }
    let bytes = fs::read(file)?;
    let extraction = extract(&bytes, file_context())?;
    let picture = encoded_picture(&bytes, &extraction)?;
    let rights = rights_notice(&extraction);
    let rendered = render(&picture, &recipe, &rights, RenderLimits::default())?;

    fs::create_dir_all(folder)?;
    for rendition in &rendered.renditions {
        let (size, jpeg) = (rendition.size, &rendition.jpeg);
        let name = format!("{}.jpg", size.long_edge());
        fs::write(Path::new(folder).join(&name), jpeg)?;
        println!(
            "{name}: {} x {}, {} bytes",
            size.width,
            size.height,
            jpeg.len()
        );
    }
    println!("placeholder: {} bytes", rendered.placeholder.len());
    println!(
        "colour: {} ({:?})",
        rendered.average_colour, rendered.conversion
    );
    Ok(())
}

/// Returns a context for the extraction. Dates do not matter here.
fn file_context() -> FileContext {
    FileContext {
        file_name: String::new(),
        latest_credible_time: chrono::NaiveDateTime::MAX,
    }
}

/// Returns the picture of a file, with the facts from its metadata.
fn encoded_picture<'a>(
    bytes: &'a [u8],
    extraction: &Extraction,
) -> Result<EncodedPicture<'a>, String> {
    let mut bytes = bytes;
    let format = match extraction.format {
        raw if raw.is_raw() => {
            let preview = extraction.preview.as_ref().ok_or("the RAW has no JPEG")?;
            let start = usize::try_from(preview.offset).unwrap_or(usize::MAX);
            let end = usize::try_from(preview.length).map(|length| start.saturating_add(length));
            let jpeg = end.ok().and_then(|end| bytes.get(start..end));
            bytes = jpeg.ok_or("the JPEG in the RAW is cut")?;
            PictureFormat::Jpeg
        }
        PhotoFormat::Jpeg => PictureFormat::Jpeg,
        PhotoFormat::Png => PictureFormat::Png,
        PhotoFormat::WebP => PictureFormat::WebP,
        PhotoFormat::Tiff | PhotoFormat::BigTiff => PictureFormat::Tiff,
        PhotoFormat::Gif => PictureFormat::Gif,
        PhotoFormat::Heic | PhotoFormat::Heif => PictureFormat::Heic,
        PhotoFormat::Avif => PictureFormat::Avif,
        PhotoFormat::Jxl => PictureFormat::JpegXl,
        other => return Err(format!("{} has no renderer", other.mime())),
    };
    let orientation = extraction.photo.orientation.unwrap_or(1);
    let interoperability = extraction
        .tags
        .values()
        .find_map(|tags| tags.get("InteropIndex"));
    let is_adobe_rgb = interoperability.is_some_and(|value| format!("{value:?}").contains("R03"));
    Ok(EncodedPicture {
        bytes,
        format,
        orientation: PictureOrientation::from_exif(orientation.into()).unwrap_or_default(),
        untagged_colour: match is_adobe_rgb {
            true => UntaggedColour::AdobeRgb,
            false => UntaggedColour::Srgb,
        },
    })
}

/// Returns the rights in the metadata of a file.
fn rights_notice(extraction: &Extraction) -> RightsNotice {
    let record = &extraction.photo.record;
    RightsNotice {
        copyright: record.copyright.clone(),
        creator: record.artist.clone(),
        credit: record.credit.clone(),
        license_url: record.license_url.clone(),
    }
}
