//! Sizes, metadata and encoding of renditions.

use chrono::NaiveDateTime;
use photo_metadata::{FileContext, extract};

use super::builders::{
    JpegKind, gradient, jpeg, picture, pixels_of, rendered, segments, sharp_recipe, with_segment,
};
use crate::{
    JpegRendition, PictureFormat, PixelSize, RecipeError, RenderLimits, RenderRecipe, RightsNotice,
    render,
};

/// Returns the long edges of the renditions of a picture with the default recipe.
fn default_edges(width: u32, height: u32) -> Vec<u32> {
    let sizes = RenderRecipe::default().rendition_sizes(PixelSize { width, height });
    sizes.into_iter().map(PixelSize::long_edge).collect()
}

#[test]
fn no_rendition_is_enlarged() {
    assert_eq!(default_edges(6000, 4000), [2048, 1280, 640, 320]);
    assert_eq!(default_edges(4000, 6000), [2048, 1280, 640, 320]);
    assert_eq!(default_edges(2048, 10), [2048, 1280, 640, 320]);
    // All pixels of a picture between two edges are offered.
    assert_eq!(default_edges(2016, 1512), [2016, 1280, 640, 320]);
    assert_eq!(default_edges(1440, 1000), [1440, 1280, 640, 320]);
    // A rendition hardly larger than the next one is useless.
    assert_eq!(default_edges(1439, 1000), [1280, 640, 320]);
    assert_eq!(default_edges(330, 330), [320]);
    // There is always one.
    assert_eq!(default_edges(320, 1), [320]);
    assert_eq!(default_edges(200, 319), [319]);
    assert_eq!(default_edges(1, 1), [1]);
}

#[test]
fn shapes_are_kept() {
    let sizes = RenderRecipe::default().rendition_sizes(PixelSize {
        width: 5667,
        height: 3685,
    });
    let sizes: Vec<_> = sizes.iter().map(|size| (size.width, size.height)).collect();
    assert_eq!(sizes, [(2048, 1332), (1280, 832), (640, 416), (320, 208)]);
    let line = RenderRecipe::default().rendition_sizes(PixelSize {
        width: 65_535,
        height: 2,
    });
    assert!(line.iter().all(|size| size.height == 1));
}

#[test]
fn recipes_are_checked() {
    let recipe = RenderRecipe::new(&[640, 320, 640], 80).expect("a valid recipe");
    assert_eq!(
        (recipe.long_edges(), recipe.quality()),
        (&[320, 640][..], 80)
    );
    assert_eq!(
        RenderRecipe::new(&[], 80),
        Err(RecipeError::EdgeCount { count: 0, max: 16 })
    );
    assert_eq!(
        RenderRecipe::new(&[1; 17], 80),
        Err(RecipeError::EdgeCount { count: 17, max: 16 })
    );
    for long_edge in [0, 8_193] {
        let error = RecipeError::EdgeSize {
            long_edge,
            max: 8_192,
        };
        assert_eq!(RenderRecipe::new(&[320, long_edge], 80), Err(error));
    }
    assert_eq!(RenderRecipe::new(&[320], 0), Err(RecipeError::Quality(0)));
    assert_eq!(
        RenderRecipe::new(&[320], 101),
        Err(RecipeError::Quality(101))
    );
}

/// Returns a rendition of a JPEG that has all kinds of metadata.
fn rendition_with(rights: &RightsNotice) -> JpegRendition {
    let icc = moxcms::ColorProfile::new_display_p3()
        .encode()
        .expect("a profile");
    let mut bytes = jpeg((640, 480), JpegKind::RGB, Some(&icc), |x, y| {
        gradient(x, y, (640, 480))
    });
    for (marker, content) in [
        (
            0xe1,
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".as_slice(),
        ),
        (0xed, b"Photoshop 3.0\0"),
        (0xfe, b"a comment"),
    ] {
        bytes = with_segment(&bytes, marker, content);
    }
    let picture = picture(&bytes, PictureFormat::Jpeg);
    let result = render(
        &picture,
        &RenderRecipe::default(),
        rights,
        RenderLimits::default(),
    );
    result.expect("a valid JPEG").renditions.remove(0)
}

/// Returns the application segments and comments of a JPEG, without JFIF.
fn metadata_segments(jpeg: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut segments = segments(jpeg);
    segments.retain(|(marker, _)| matches!(marker, 0xe1..=0xef | 0xfe));
    segments
}

#[test]
fn renditions_are_progressive_with_halved_chroma_and_without_metadata() {
    let rendition = rendition_with(&RightsNotice::default());
    assert_eq!(metadata_segments(&rendition.jpeg), []);
    let segments = segments(&rendition.jpeg);
    let frame = segments
        .iter()
        .find(|(marker, _)| matches!(marker, 0xc0..=0xc3));
    let (marker, frame) = frame.expect("a frame header");
    assert_eq!(*marker, 0xc2, "progressive");
    // Precision, height, width, and three components: number, sampling factors, table.
    assert_eq!(frame[..6], [8, 1, 224, 2, 128, 3]);
    assert_eq!(
        (frame[7], frame[10], frame[13]),
        (0x22, 0x11, 0x11),
        "4:2:0"
    );
    assert!(
        segments
            .iter()
            .all(|(marker, content)| *marker != 0xe0 || content.starts_with(b"JFIF"))
    );
}

#[test]
fn renditions_contain_the_four_fields_of_rights() {
    let rights = RightsNotice {
        copyright: Some("© 2018 Ann & Bob <\u{7}>".to_owned()),
        creator: Some("Ann \"A\" Example".to_owned()),
        credit: Some("Example/Agency".to_owned()),
        license_url: Some("https://example.org/licence?a=1&b=2".to_owned()),
    };
    let rendition = rendition_with(&rights);
    let segments = metadata_segments(&rendition.jpeg);
    assert_eq!(segments.len(), 1);
    let context = FileContext {
        file_name: String::new(),
        latest_credible_time: NaiveDateTime::MAX,
    };
    let extraction = extract(&rendition.jpeg, context).expect("a JPEG");
    assert_eq!(extraction.warnings, Vec::<String>::new());
    let record = &extraction.photo.record;
    assert_eq!(record.copyright.as_deref(), Some("© 2018 Ann & Bob <>"));
    assert_eq!(record.artist, rights.creator);
    assert_eq!(record.credit, rights.credit);
    assert_eq!(record.license_url, rights.license_url);
    // There is nothing else.
    let names = extraction
        .tags
        .iter()
        .filter(|(group, _)| group.starts_with("XMP"));
    let names: Vec<&String> = names.flat_map(|(_, tags)| tags.keys()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn long_rights_are_cut() {
    let long = Some("\"é".repeat(10_000));
    let rights = RightsNotice {
        copyright: long.clone(),
        creator: long.clone(),
        credit: long.clone(),
        license_url: long,
    };
    let rendition = rendition_with(&rights);
    assert_eq!(metadata_segments(&rendition.jpeg).len(), 1);
    let empty = Some(" \u{1} ".to_owned());
    let rights = RightsNotice {
        copyright: empty,
        ..RightsNotice::default()
    };
    assert_eq!(metadata_segments(&rendition_with(&rights).jpeg), []);
}

#[test]
fn reduction_is_in_linear_light() {
    // One black and one white pixel have half the light of white: 188 in sRGB, not 128.
    let checkerboard = |x: u32, y: u32| [if (x + y).is_multiple_of(2) { 0 } else { 255 }];
    let samples: Vec<u8> = (0..256)
        .flat_map(|y| (0..256).flat_map(move |x| checkerboard(x, y)))
        .collect();
    let png = super::builders::png((256, 256), image::ExtendedColorType::L8, None, &samples);
    for edge in [128, 100, 64, 40] {
        let result = rendered(&png, PictureFormat::Png, &sharp_recipe(edge)).expect("a valid PNG");
        let grey = pixels_of(&result.renditions[0]).at(20, 20)[0];
        assert!(grey.abs_diff(188) <= 1, "{grey} at {edge}");
        assert_eq!(result.average_colour.to_string(), "#bcbcbc");
    }
    // Fields of 32 pixels, in a JPEG that the decoder reduces to a half first.
    let fields = |x: u32, y: u32| checkerboard(x / 32, y / 32);
    let bytes = jpeg((2048, 2048), JpegKind::GREY, None, fields);
    let result = rendered(&bytes, PictureFormat::Jpeg, &sharp_recipe(32)).expect("a valid JPEG");
    let grey = result.average_colour.0[0];
    assert!(grey.abs_diff(188) <= 1, "{grey}");
}

#[test]
fn placeholder_shows_the_upright_picture() {
    let size = (400, 300);
    let bytes = jpeg(size, JpegKind::RGB, None, |x, _| {
        if x < 200 {
            [200, 30, 30]
        } else {
            [30, 30, 200]
        }
    });
    let result =
        rendered(&bytes, PictureFormat::Jpeg, &RenderRecipe::default()).expect("a valid JPEG");
    assert!(
        result.placeholder.len() <= 25,
        "{}",
        result.placeholder.len()
    );
    let (width, height, rgba) =
        thumbhash::thumb_hash_to_rgba(&result.placeholder).expect("a thumbhash");
    assert!(width > height);
    assert!(rgba[0] > rgba[2], "red is on the left");
    let last = rgba.len() - 4;
    assert!(rgba[last] < rgba[last + 2], "blue is on the right");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let bytes = jpeg((900, 700), JpegKind::RGB, None, |x, y| {
        gradient(x, y, (900, 700))
    });
    let recipe = RenderRecipe::default();
    let first = rendered(&bytes, PictureFormat::Jpeg, &recipe);
    assert!(first.is_ok());
    assert_eq!(first, rendered(&bytes, PictureFormat::Jpeg, &recipe));
}
