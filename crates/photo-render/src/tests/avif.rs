//! AVIF: depths, turns, crops, grids, alpha, colours, and damage.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::avif_files::{
    GRADIENT_420, GRADIENT_420_10, GRADIENT_422, GRADIENT_444, GRADIENT_SIZE, GREY, SQUARES,
    SQUARES_420_10, SQUARES_422_12, SQUARES_RGB, SQUARES_SIZE, TestItem, avif, container, crop,
    icc, nclx, plain_box,
};
use super::builders::{TestPixels, gradient, picture, pixels_of, rendered, sharp_recipe};
use super::damage::check_outcome;
use crate::limits::MAX_HEIF_ITEMS;
use crate::{
    ColourConversion, PictureFormat, PictureOrientation, RenderError, RenderLimits, RenderRecipe,
    RightsNotice, render,
};

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const MIDDLE: [u8; 3] = [128; 3];
const WHITE: [u8; 3] = [255; 3];
/// The parts of the squares, row by row.
const PARTS: [[u8; 3]; 4] = [RED, GREEN, BLUE, MIDDLE];

/// Returns the pixels of an AVIF.
fn pixels(items: &[TestItem]) -> TestPixels {
    let bytes = avif(items);
    let result = rendered(&bytes, PictureFormat::Avif, &sharp_recipe(200));
    pixels_of(&result.expect("a valid AVIF").renditions[0])
}

/// Returns the text of the error for an AVIF.
fn error_of(items: &[TestItem]) -> String {
    error_of_file(&avif(items))
}

/// Returns the text of the error for the bytes of a file.
fn error_of_file(bytes: &[u8]) -> String {
    let outcome = rendered(bytes, PictureFormat::Avif, &RenderRecipe::default());
    outcome.expect_err("an error").to_string()
}

/// Checks the colour in the middle of the four parts of a picture, row by row.
fn assert_parts(pixels: &TestPixels, expected: [[u8; 3]; 4]) {
    let (width, height) = (pixels.size.width, pixels.size.height);
    for (part, expected) in (0..4).zip(expected) {
        let at = (
            width / 4 + part % 2 * (width / 2),
            height / 4 + part / 2 * (height / 2),
        );
        assert_near(pixels.at(at.0, at.1), expected);
    }
}

/// Checks a colour. The renditions are JPEGs, so it is not exact.
fn assert_near(actual: [u8; 3], expected: [u8; 3]) {
    let differences = actual.iter().zip(expected).map(|(a, b)| a.abs_diff(b));
    assert!(
        differences.max() <= Some(6),
        "{actual:?} is not {expected:?}"
    );
}

#[test]
fn all_depths_and_layouts_are_rendered() {
    for hex in [SQUARES, SQUARES_420_10, SQUARES_422_12, SQUARES_RGB] {
        let pixels = pixels(&[TestItem::coded(hex, SQUARES_SIZE)]);
        assert_eq!((pixels.size.width, pixels.size.height), SQUARES_SIZE);
        assert_parts(&pixels, PARTS);
    }
}

#[test]
fn odd_sizes_and_grey_are_rendered() {
    for hex in [
        GRADIENT_444,
        GRADIENT_420,
        GRADIENT_422,
        GRADIENT_420_10,
        GREY,
    ] {
        let actual = pixels(&[TestItem::coded(hex, GRADIENT_SIZE)]);
        assert_eq!((actual.size.width, actual.size.height), GRADIENT_SIZE);
        let places = (0..GRADIENT_SIZE.1).flat_map(|y| (0..GRADIENT_SIZE.0).map(move |x| (x, y)));
        let colours = places.map(|(x, y)| gradient(x, y, GRADIENT_SIZE));
        let expected = TestPixels {
            size: actual.size,
            pixels: match hex {
                GREY => colours.map(|[red, _, _]| [red; 3]).collect(),
                _ => colours.collect(),
            },
        };
        let difference = actual.mean_difference(&expected);
        assert!(difference < 4.0, "{difference}");
    }
}

#[test]
fn turns_and_mirrors_are_applied_once() {
    for quarters in 0..4_u8 {
        for mirror in [None, Some(0_u8), Some(1)] {
            let mut item = TestItem::squares().with(plain_box(b"irot", &[quarters]));
            let mut parts = PARTS;
            for _ in 0..quarters {
                // Anticlockwise: the right column becomes the top row.
                parts = [parts[1], parts[3], parts[0], parts[2]];
            }
            if let Some(axis) = mirror {
                item = item.with(plain_box(b"imir", &[axis]));
                parts = match axis {
                    0 => [parts[2], parts[3], parts[0], parts[1]],
                    _ => [parts[1], parts[0], parts[3], parts[2]],
                };
            }
            let bytes = avif(&[item]);
            // The orientation of the caller has no effect.
            let mut stored = picture(&bytes, PictureFormat::Avif);
            stored.orientation = PictureOrientation::Rotate90;
            let recipe = sharp_recipe(200);
            let limits = RenderLimits::default();
            let result = render(&stored, &recipe, &RightsNotice::default(), limits);
            let pixels = pixels_of(&result.expect("a valid AVIF").renditions[0]);
            let size = match quarters % 2 {
                0 => SQUARES_SIZE,
                _ => (SQUARES_SIZE.1, SQUARES_SIZE.0),
            };
            assert_eq!((pixels.size.width, pixels.size.height), size);
            assert_parts(&pixels, parts);
        }
    }
}

#[test]
fn crops_are_applied_before_turns() {
    let cropped = |size, offset| TestItem::squares().with(crop(size, offset));
    // The part at the bottom left: its middle is 12 pixels to the left and 8 down.
    let bottom_left = pixels(&[cropped((24, 16), (-24, 16))]);
    assert_eq!((bottom_left.size.width, bottom_left.size.height), (24, 16));
    assert_parts(&bottom_left, [BLUE; 4]);
    let left = cropped((24, 32), (-24, 0)).with(plain_box(b"irot", &[1]));
    let left = pixels(&[left]);
    assert_eq!((left.size.width, left.size.height), (32, 24));
    assert_parts(&left, [RED, BLUE, RED, BLUE]);

    let outside = "corrupt AVIF: the crop is not inside the picture";
    assert_eq!(error_of(&[cropped((24, 16), (-26, 16))]), outside);
    assert_eq!(error_of(&[cropped((0, 16), (0, 0))]), outside);
    assert_eq!(error_of(&[cropped((49, 16), (0, 0))]), outside);
    let turned = TestItem::squares().with(plain_box(b"irot", &[1]));
    assert_eq!(
        error_of(&[turned.with(crop((24, 16), (0, 0)))]),
        "unsupported kind of AVIF: a crop or turn after another one"
    );
}

/// Returns a grid of 2 × 2 squares and its tiles.
fn grid_of_squares(size: (u16, u16)) -> Vec<TestItem> {
    let mut items = vec![TestItem::grid(2, 2, size, &[2, 3, 4, 5])];
    items.extend((0..4).map(|_| TestItem::squares()));
    items
}

#[test]
fn grids_are_put_together() {
    // The last column and row are cut.
    let pixels = pixels(&grid_of_squares((90, 50)));
    assert_eq!((pixels.size.width, pixels.size.height), (90, 50));
    for (x, y) in [(0, 0), (48, 0), (0, 32), (48, 32)] {
        for (part, expected) in (0..4).zip(PARTS) {
            let at = (x + 12 + part % 2 * 24, y + 8 + part / 2 * 16);
            if at.0 < 90 && at.1 < 50 {
                assert_near(pixels.at(at.0, at.1), expected);
            }
        }
    }
    // All tiles but the first are outside.
    let one = super::avif::pixels(&grid_of_squares((48, 32)));
    assert_parts(&one, PARTS);
}

#[test]
fn broken_grids_are_named() {
    let mut missing = grid_of_squares((90, 50));
    missing[0] = TestItem::grid(2, 2, (90, 50), &[2, 3, 4]);
    assert_eq!(error_of(&missing), "corrupt AVIF: tiles are missing");
    assert_eq!(
        error_of(&grid_of_squares((97, 50))),
        "corrupt AVIF: the tiles do not cover the picture"
    );
    let mut mixed = grid_of_squares((90, 50));
    mixed[2] = TestItem::coded(SQUARES_420_10, SQUARES_SIZE);
    assert_eq!(
        error_of(&mixed),
        "unsupported kind of AVIF: tiles of different kinds"
    );
    let mut turned = grid_of_squares((90, 50));
    turned[2] = TestItem::squares().with(plain_box(b"irot", &[1]));
    assert_eq!(
        error_of(&turned),
        "unsupported kind of AVIF: a picture of the kind grid"
    );
    let mut recursive = grid_of_squares((90, 50));
    recursive[0] = TestItem::grid(2, 2, (90, 50), &[1, 1, 1, 1]);
    assert_eq!(
        error_of(&recursive),
        "unsupported kind of AVIF: a picture of the kind grid"
    );
}

#[test]
fn transparent_pixels_are_shown_over_white() {
    // The alpha is 0 at the top left, 51 at the bottom left, and 255 at the right.
    let expected = [WHITE, GREEN, [204, 204, 255], MIDDLE];
    assert_parts(
        &pixels(&[TestItem::squares(), TestItem::alpha_of(1)]),
        expected,
    );
    let deep = TestItem::coded(SQUARES_420_10, SQUARES_SIZE);
    assert_parts(&pixels(&[deep, TestItem::alpha_of(1)]), expected);
    // With the planes as green, blue and red, the blue part is [107, 29, 255].
    let plain = || TestItem::squares().with(nclx(1, 13, 0));
    let straight = pixels(&[plain(), TestItem::alpha_of(1)]);
    assert_near(straight.at(12, 24), [225, 210, 255]);
    let premultiplied = pixels(&[plain().referring(b"prem", &[2]), TestItem::alpha_of(1)]);
    assert_near(premultiplied.at(12, 24), [255, 233, 255]);
    let turned = TestItem::squares().with(plain_box(b"irot", &[2]));
    assert_parts(
        &pixels(&[turned, TestItem::alpha_of(1)]),
        [MIDDLE, [204, 204, 255], GREEN, WHITE],
    );
    // Another auxiliary picture, such as a depth map.
    let mut depth = TestItem::alpha_of(1);
    depth.properties.truncate(1);
    assert_parts(&pixels(&[TestItem::squares(), depth]), PARTS);

    let mut small = TestItem::alpha_of(1);
    small.properties[0] = super::avif_files::image_size((24, 32));
    assert_eq!(
        error_of(&[TestItem::squares(), small]),
        "unsupported kind of AVIF: alpha of another size"
    );
}

#[test]
fn grids_have_alpha_as_a_whole_or_in_each_tile() {
    let one_row = || {
        vec![
            TestItem::grid(2, 1, (96, 32), &[2, 3]),
            TestItem::squares(),
            TestItem::squares(),
        ]
    };
    let mut whole = one_row();
    let mut alpha = TestItem::grid(2, 1, (96, 32), &[5, 6]);
    alpha.references.push((*b"auxl", vec![1]));
    alpha
        .properties
        .push(TestItem::alpha_of(1).properties[1].clone());
    whole.push(alpha);
    whole.extend([TestItem::alpha_of(9), TestItem::alpha_of(9)]);
    let mut in_tiles = one_row();
    in_tiles.extend([TestItem::alpha_of(2), TestItem::alpha_of(3)]);
    for items in [whole, in_tiles] {
        let pixels = pixels(&items);
        for left in [0, 48] {
            assert_near(pixels.at(left + 12, 8), WHITE);
            assert_near(pixels.at(left + 36, 8), GREEN);
            assert_near(pixels.at(left + 36, 24), MIDDLE);
        }
    }
}

/// Returns the conversion of an AVIF with a property, and the colour of its green part.
fn green_with(property: Vec<u8>) -> (ColourConversion, [u8; 3]) {
    let bytes = avif(&[TestItem::squares().with(property)]);
    let result = rendered(&bytes, PictureFormat::Avif, &sharp_recipe(200));
    let result = result.expect("a valid AVIF");
    (
        result.conversion,
        pixels_of(&result.renditions[0]).at(36, 8),
    )
}

#[test]
fn colour_spaces_are_converted() {
    // The green of BT.470 BG has less red than that of sRGB, and is darker.
    let (conversion, srgb) = green_with(nclx(1, 13, 6));
    assert_eq!(conversion, ColourConversion::Untagged);
    assert_near(srgb, GREEN);
    // H.273 12 is Display P3.
    let (conversion, named) = green_with(nclx(12, 13, 6));
    assert_eq!(conversion, ColourConversion::Profile);
    let p3 = moxcms::ColorProfile::new_display_p3();
    let (conversion, profiled) = green_with(icc(&p3.encode().expect("a profile")));
    assert_eq!(conversion, ColourConversion::Profile);
    assert_near(named, profiled);
    let grey_profile = moxcms::ColorProfile::new_gray_with_gamma(2.2);
    let grey_icc = icc(&grey_profile.encode().expect("a profile"));
    let (conversion, _) = green_with(grey_icc.clone());
    assert_eq!(conversion, ColourConversion::UnusableProfile);
    let grey = avif(&[TestItem::coded(GREY, GRADIENT_SIZE).with(grey_icc)]);
    let result = rendered(&grey, PictureFormat::Avif, &sharp_recipe(200));
    assert_eq!(
        result.expect("a valid AVIF").conversion,
        ColourConversion::Profile
    );
}

#[test]
fn unknown_colours_are_named() {
    let error = |property| error_of(&[TestItem::squares().with(property)]);
    for matrix in [3, 8, 10, 14, 16, 17] {
        assert_eq!(
            error(nclx(1, 13, matrix)),
            format!("unsupported kind of AVIF: matrix coefficients {matrix}")
        );
    }
    for transfer in [16, 18] {
        assert_eq!(
            error(nclx(9, transfer, 9)),
            "unsupported kind of AVIF: high dynamic range (PQ or HLG)"
        );
    }
    // A grey picture has no matrix.
    let grey = TestItem::coded(GREY, GRADIENT_SIZE).with(nclx(1, 13, 16));
    assert_eq!(pixels(&[grey]).size.width, GRADIENT_SIZE.0);
}

#[test]
fn unsupported_files_are_named() {
    let mut other = TestItem::squares();
    other.kind = *b"hvc1";
    assert_eq!(
        error_of(&[other]),
        "unsupported kind of AVIF: a picture of the kind hvc1"
    );
    let sequence = "unsupported kind of AVIF: a sequence without a primary picture";
    assert_eq!(
        error_of_file(&container(b"avis", None, &[TestItem::squares()])),
        sequence
    );
    let file_type = plain_box(b"ftyp", b"avis\0\0\0\0avismif1");
    assert_eq!(
        error_of_file(&[file_type, plain_box(b"moov", b"")].concat()),
        sequence
    );
    // With a primary picture, that is rendered.
    let with_primary = container(b"avis", Some(1), &[TestItem::squares()]);
    assert!(rendered(&with_primary, PictureFormat::Avif, &RenderRecipe::default()).is_ok());
    let layer = "unsupported kind of AVIF: one layer of several";
    assert_eq!(
        error_of(&[TestItem::squares().with(plain_box(b"a1op", &[1]))]),
        layer
    );
    assert_eq!(
        error_of(&[TestItem::squares().with(plain_box(b"lsel", &[0, 1]))]),
        layer
    );
    let all_layers = TestItem::squares().with(plain_box(b"lsel", &[0xff, 0xff]));
    assert_parts(&pixels(&[all_layers]), PARTS);

    let mut frames = TestItem::squares();
    let unit = frames.data[frames.data.len() - 34..].to_vec();
    assert_eq!(unit[..2], [0x32, 32]);
    for _ in 0..8 {
        frames.data.extend_from_slice(&unit);
    }
    assert_eq!(
        error_of(&[frames]),
        "unsupported kind of AVIF: a picture of many frames"
    );
    let mut empty = TestItem::squares();
    empty.data.truncate(2);
    assert_eq!(error_of(&[empty]), "corrupt AVIF: it has no AV1 picture");
}

#[test]
fn sizes_must_be_those_of_the_coded_picture() {
    let sized = |size| TestItem::coded(SQUARES, size);
    assert_eq!(
        error_of(&[sized((49, 32))]),
        "corrupt AVIF: a tile is too small"
    );
    // The decoder stops at a frame that is much larger than stated.
    let error = error_of_limited(&sized((48, 32)), 48 * 32 - 1);
    assert_eq!(error, "too many pixels: 48 × 32, the limit is 1535");
    let mut large = TestItem::coded(GRADIENT_444, (1, 1));
    large.properties[0] = super::avif_files::image_size((0, 17));
    assert_eq!(
        error_of(&[large]),
        "corrupt AVIF: the tiles do not cover the picture"
    );
    let huge = error_of(&[sized((40_000, 10_000))]);
    assert!(huge.starts_with("over the memory limit: "), "{huge}");
}

/// Returns the text of the error under a limit of pixels.
fn error_of_limited(item: &TestItem, max_pixels: u64) -> String {
    let item = TestItem {
        kind: item.kind,
        data: item.data.clone(),
        properties: item.properties.clone(),
        references: Vec::new(),
    };
    let bytes = avif(&[item]);
    let limits = RenderLimits {
        max_pixels,
        ..RenderLimits::default()
    };
    let stored = picture(&bytes, PictureFormat::Avif);
    let outcome = render(
        &stored,
        &RenderRecipe::default(),
        &RightsNotice::default(),
        limits,
    );
    outcome.expect_err("an error").to_string()
}

#[test]
fn hostile_boxes_are_refused() {
    // Two grids are tiles of each other.
    let circle = [
        TestItem::grid(1, 1, (48, 32), &[2]),
        TestItem::grid(1, 1, (48, 32), &[1]),
    ];
    assert_eq!(
        error_of(&circle),
        "unsupported kind of AVIF: a picture of the kind grid"
    );
    let mut looped = TestItem::squares();
    looped.references = vec![(*b"dimg", vec![2])];
    let mut second = TestItem::squares();
    second.references = vec![(*b"dimg", vec![1])];
    assert_parts(&pixels(&[looped, second]), PARTS);
    let mut entry = plain_box(
        b"infe",
        &[2, 0, 0, 0, 0, 1, 0, 0, b'a', b'v', b'0', b'1', 0],
    );
    entry = entry.repeat(MAX_HEIF_ITEMS + 1);
    let list = plain_box(b"iinf", &[&[0; 6], &entry[..]].concat());
    let meta = plain_box(b"meta", &[&[0; 4], &list[..]].concat());
    let file_type = plain_box(b"ftyp", b"avif\0\0\0\0avifmif1");
    let many = [file_type, meta].concat();
    assert_eq!(
        error_of_file(&many),
        "unsupported kind of AVIF: too many items"
    );
}

#[test]
fn truncated_files_are_reported() {
    let whole = avif(&[TestItem::squares(), TestItem::alpha_of(1)]);
    assert!(rendered(&whole, PictureFormat::Avif, &RenderRecipe::default()).is_ok());
    let start = whole.len() - 100;
    for end in 0..whole.len() {
        let outcome = rendered(&whole[..end], PictureFormat::Avif, &RenderRecipe::default());
        let error = outcome.expect_err("an error");
        let is_named = match end {
            _ if end >= start => error == RenderError::Truncated(PictureFormat::Avif),
            _ => !matches!(error, RenderError::DecoderPanicked(_)),
        };
        assert!(is_named, "{end} bytes: {error}");
    }
    // The coded picture is cut, but the file is whole.
    let item = TestItem::squares();
    for end in 0..item.data.len() {
        let mut cut = TestItem::squares();
        cut.data.truncate(end);
        error_of(&[cut]);
    }
}

/// A small picture with alpha and a grid that is changed.
static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut items = grid_of_squares((90, 50));
    items.extend((2..6).map(TestItem::alpha_of));
    avif(&items)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_data: bool,
    ) {
        let mut bytes = SMALL.clone();
        let data = bytes.windows(4).position(|kind| kind == b"mdat").expect("data");
        let range = if in_data { data..bytes.len() } else { 0..data };
        for (index, value) in changes {
            let at = range.start + index.index(range.len());
            bytes[at] = value;
        }
        check_outcome(&bytes, PictureFormat::Avif);
    }
}
