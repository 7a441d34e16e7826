//! Renders pictures and checks the properties that hold for any bytes.

use photo_render::{
    EncodedPicture, PictureFormat, PictureOrientation, RenderError, RenderLimits, RenderRecipe,
    RightsNotice, UntaggedColour, render,
};

/// Small limits, so that a run is short.
const LIMITS: RenderLimits = RenderLimits {
    max_pixels: 16 << 20,
    max_memory: 256 << 20,
};
/// Two long edges, so that a rendition is also made from another one.
const LONG_EDGES: [u32; 2] = [16, 48];

/// Returns the first byte of an input of [`check_rendering`]: a format, the orientation "upright",
/// and sRGB.
pub fn first_byte(format: PictureFormat) -> u8 {
    match format {
        PictureFormat::Jpeg => 0,
        PictureFormat::Png => 1,
        PictureFormat::WebP => 2,
        PictureFormat::Tiff => 3,
        PictureFormat::Gif => 4,
        PictureFormat::Heic => 5,
        PictureFormat::JpegXl => 6,
        PictureFormat::Avif => 7,
    }
}

/// Returns the format that the first byte of an input selects: its lowest three bits.
fn format_of(byte: u8) -> PictureFormat {
    match byte & 7 {
        0 => PictureFormat::Jpeg,
        1 => PictureFormat::Png,
        2 => PictureFormat::WebP,
        3 => PictureFormat::Tiff,
        4 => PictureFormat::Gif,
        5 => PictureFormat::Heic,
        6 => PictureFormat::JpegXl,
        _ => PictureFormat::Avif,
    }
}

/// Renders a picture. The first byte selects the format, the orientation and the colour space. The
/// other bytes are the picture.
///
/// # Panics
/// Panics if a codec panics, if an error has more than one line, if a size is not that of the recipe,
/// or if a rendition is not a whole JPEG.
pub fn check_rendering(input: &[u8]) {
    let Some((&selection, bytes)) = input.split_first() else {
        return;
    };
    let orientation = u16::from(selection >> 3 & 7) + 1;
    let picture = EncodedPicture {
        bytes,
        format: format_of(selection),
        orientation: PictureOrientation::from_exif(orientation).expect("it is 1 to 8"),
        untagged_colour: match selection & 0x40 {
            0 => UntaggedColour::Srgb,
            _ => UntaggedColour::AdobeRgb,
        },
    };
    let recipe = RenderRecipe::new(&LONG_EDGES, 76).expect("a valid recipe");
    match render(&picture, &recipe, &RightsNotice::default(), LIMITS) {
        Ok(rendered) => {
            let sizes: Vec<_> = rendered.renditions.iter().map(|r| r.size).collect();
            assert_eq!(sizes, recipe.rendition_sizes(rendered.size));
            for rendition in &rendered.renditions {
                let jpeg = &rendition.jpeg;
                assert!(jpeg.starts_with(b"\xff\xd8") && jpeg.ends_with(b"\xff\xd9"));
            }
            assert!(rendered.placeholder.len() <= 25);
        }
        // libFuzzer stops at a panic before it is caught. Other programs see these errors.
        Err(error @ (RenderError::DecoderPanicked(_) | RenderError::NotEncoded(_))) => {
            panic!("{error}")
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    }
}
