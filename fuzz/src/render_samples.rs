//! Small pictures of each format and kind, as seeds for the target `render`.

use heifer::EncodeOptions;
use image::codecs::gif::GifEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, Frame, ImageEncoder, Rgba, RgbaImage};
use mozjpeg::{ColorSpace, Compress};
use photo_render::PictureFormat;
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace as JxlColours;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use crate::rendering::first_byte;
use avif_files::{GRADIENT_420_10, GRADIENT_422, GRADIENT_SIZE, GREY, TestItem, avif, crop, nclx};

/// The files that the tests of `photo-render` write.
#[allow(dead_code, reason = "the tests use the other items")]
#[path = "../../crates/photo-render/src/tests/avif_files.rs"]
mod avif_files;

const WIDTH: usize = 40;
const HEIGHT: usize = 30;

/// Returns the samples of all formats, each with its name and with the first byte that
/// [`check_rendering`](crate::rendering::check_rendering) expects.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let (rgb, ycc) = (ColorSpace::JCS_RGB, ColorSpace::JCS_YCbCr);
    let (grey, cmyk) = (ColorSpace::JCS_GRAYSCALE, ColorSpace::JCS_CMYK);
    let baseline = jpeg(3, rgb, ycc, false);
    let pictures = [
        ("jpeg_grey", PictureFormat::Jpeg, jpeg(1, grey, grey, false)),
        ("jpeg_rgb", PictureFormat::Jpeg, jpeg(3, rgb, rgb, false)),
        (
            "jpeg_progressive",
            PictureFormat::Jpeg,
            jpeg(3, rgb, ycc, true),
        ),
        (
            "jpeg_grey_progressive",
            PictureFormat::Jpeg,
            jpeg(1, grey, grey, true),
        ),
        ("jpeg_cmyk", PictureFormat::Jpeg, jpeg(4, cmyk, cmyk, false)),
        (
            "jpeg_ycck",
            PictureFormat::Jpeg,
            jpeg(4, cmyk, ColorSpace::JCS_YCCK, false),
        ),
        ("jpeg", PictureFormat::Jpeg, baseline),
        ("png_8", PictureFormat::Png, png(3, ExtendedColorType::Rgb8)),
        (
            "png_8_alpha",
            PictureFormat::Png,
            png(4, ExtendedColorType::Rgba8),
        ),
        (
            "png_16",
            PictureFormat::Png,
            png(6, ExtendedColorType::Rgb16),
        ),
        (
            "png_16_grey_alpha",
            PictureFormat::Png,
            png(4, ExtendedColorType::La16),
        ),
        (
            "tiff_8",
            PictureFormat::Tiff,
            tiff(3, ExtendedColorType::Rgb8),
        ),
        (
            "tiff_16_grey",
            PictureFormat::Tiff,
            tiff(2, ExtendedColorType::L16),
        ),
        (
            "tiff_16",
            PictureFormat::Tiff,
            tiff(6, ExtendedColorType::Rgb16),
        ),
        (
            "webp",
            PictureFormat::WebP,
            webp(3, ExtendedColorType::Rgb8),
        ),
        (
            "webp_alpha",
            PictureFormat::WebP,
            webp(4, ExtendedColorType::Rgba8),
        ),
        ("gif", PictureFormat::Gif, gif()),
        ("heic", PictureFormat::Heic, heic(WIDTH, HEIGHT)),
        ("heic_grid", PictureFormat::Heic, heic(600, 20)),
        ("avif_8_grid_alpha", PictureFormat::Avif, avif_grid()),
        (
            "avif_8_crop",
            PictureFormat::Avif,
            avif(&[avif_picture(GRADIENT_422)
                .with(crop((20, 10), (1, 1)))
                .with(nclx(12, 13, 6))]),
        ),
        (
            "avif_10",
            PictureFormat::Avif,
            avif(&[avif_picture(GRADIENT_420_10)]),
        ),
        (
            "avif_8_grey",
            PictureFormat::Avif,
            avif(&[avif_picture(GREY)]),
        ),
        (
            "jxl_8",
            PictureFormat::JpegXl,
            jxl(3, JxlColours::RGB, BitDepth::Eight),
        ),
        (
            "jxl_8_alpha",
            PictureFormat::JpegXl,
            jxl(4, JxlColours::RGBA, BitDepth::Eight),
        ),
        (
            "jxl_16_grey",
            PictureFormat::JpegXl,
            jxl(2, JxlColours::Luma, BitDepth::Sixteen),
        ),
    ];
    let with_first_byte = pictures.into_iter().map(|(name, format, bytes)| {
        let input = [&[first_byte(format)], bytes.as_slice()].concat();
        (name, input)
    });
    with_first_byte.collect()
}

/// Returns the samples of a picture with soft and hard changes. `bytes` is the number of bytes of a
/// pixel.
fn samples(width: usize, height: usize, bytes: usize) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let values = places.flat_map(|(x, y)| {
        (0..bytes).map(move |sample| {
            let edge = if (x / 7 + y / 5) % 2 == 0 { 0 } else { 60 };
            (x * 3 + y * (sample + 1) + edge) as u8
        })
    });
    values.collect()
}

fn jpeg(bytes: usize, from: ColorSpace, stored: ColorSpace, is_progressive: bool) -> Vec<u8> {
    let mut encoder = Compress::new(from);
    // It resets the colour space, so it comes first.
    encoder.set_fastest_defaults();
    encoder.set_size(WIDTH, HEIGHT);
    encoder.set_color_space(stored);
    encoder.set_quality(50.0);
    if is_progressive {
        encoder.set_progressive_mode();
    }
    let mut rows = encoder.start_compress(Vec::new()).expect("a valid size");
    rows.write_scanlines(&samples(WIDTH, HEIGHT, bytes))
        .expect("all rows");
    rows.finish().expect("all rows are written")
}

/// Encodes a picture. `bytes` is the number of bytes of a pixel.
fn encode(encoder: impl ImageEncoder, bytes: usize, kind: ExtendedColorType) {
    let samples = samples(WIDTH, HEIGHT, bytes);
    encoder
        .write_image(&samples, WIDTH as u32, HEIGHT as u32, kind)
        .expect("the samples have the size");
}

fn png(bytes: usize, kind: ExtendedColorType) -> Vec<u8> {
    let mut written = Vec::new();
    encode(PngEncoder::new(&mut written), bytes, kind);
    written
}

fn tiff(bytes: usize, kind: ExtendedColorType) -> Vec<u8> {
    let mut written = std::io::Cursor::new(Vec::new());
    encode(TiffEncoder::new(&mut written), bytes, kind);
    written.into_inner()
}

fn webp(bytes: usize, kind: ExtendedColorType) -> Vec<u8> {
    let mut written = Vec::new();
    encode(WebPEncoder::new_lossless(&mut written), bytes, kind);
    written
}

fn gif() -> Vec<u8> {
    let mut written = Vec::new();
    let mut encoder = GifEncoder::new(&mut written);
    for colour in [[200, 60, 20, 255], [0, 0, 255, 255]] {
        let mut image = RgbaImage::from_pixel(WIDTH as u32, HEIGHT as u32, Rgba(colour));
        image.put_pixel(5, 5, Rgba([0, 0, 0, 0]));
        encoder
            .encode_frame(Frame::new(image))
            .expect("a valid frame");
    }
    drop(encoder);
    written
}

fn heic(width: usize, height: usize) -> Vec<u8> {
    let options = EncodeOptions {
        quality: 40,
        ..EncodeOptions::default()
    };
    let samples = samples(width, height, 3);
    heifer::encode_rgb8(width as u32, height as u32, &samples, &options).expect("a valid size")
}

/// Returns one of the coded gradients.
fn avif_picture(hex: &str) -> TestItem {
    TestItem::coded(hex, GRADIENT_SIZE)
}

/// Returns a grid of two tiles with alpha.
fn avif_grid() -> Vec<u8> {
    avif(&[
        TestItem::grid(2, 1, (90, 30), &[2, 3]),
        TestItem::squares(),
        TestItem::squares(),
        TestItem::alpha_of(2),
        TestItem::alpha_of(3),
    ])
}

fn jxl(bytes: usize, colours: JxlColours, depth: BitDepth) -> Vec<u8> {
    let options = EncoderOptions::default()
        .set_width(WIDTH)
        .set_height(HEIGHT)
        .set_colorspace(colours)
        .set_depth(depth);
    let mut written = Vec::new();
    JxlSimpleEncoder::new(&samples(WIDTH, HEIGHT, bytes), options)
        .encode(&mut written)
        .expect("the samples have the size");
    written
}
