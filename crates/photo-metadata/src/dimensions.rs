//! Finds the width and height of the full picture, before orientation. An IFD (image file
//! directory) is a table of tags.

use super::field_value::whole_number;
use super::format::PhotoFormat;
use super::sources::MetadataSources;
use super::tag;
use super::tiff::{Ifd, IfdFields};

/// Returns the width and height in pixels, before orientation.
///
/// For a JPEG, this is the size in the frame header. The size in EXIF is used only if there is no
/// frame header, because editors forget to update it. For a RAW file, this is the size of the
/// largest image in all IFDs (tables of tags), after the crop that the camera recorded.
pub(crate) fn stored_dimensions(sources: &MetadataSources<'_, '_>) -> Option<(u32, u32)> {
    let fields = sources.fields;
    let exif = dimensions_in(
        fields,
        Ifd::Exif,
        tag::EXIF_IMAGE_WIDTH,
        tag::EXIF_IMAGE_HEIGHT,
    );
    if sources.format.is_raw() {
        return sources
            .size
            .or_else(|| raw_dimensions(fields, exif))
            .or(exif);
    }
    let page = matches!(sources.format, PhotoFormat::Tiff | PhotoFormat::BigTiff)
        .then(|| page_dimensions(fields));
    sources
        .blocks
        .size
        .or(page.flatten())
        .or(exif)
        .filter(|size| size.0 > 0 && size.1 > 0)
}

/// Returns the width and height of the first page of a TIFF in pixels: those of IFD0. If IFD0 is a
/// small copy of another image (tag SubfileType, TIFF 6.0 section 8), returns the size of the
/// largest image.
fn page_dimensions(fields: &IfdFields<'_>) -> Option<(u32, u32)> {
    let first = dimensions_in(fields, Ifd::Main(0), tag::IMAGE_WIDTH, tag::IMAGE_HEIGHT);
    let subfile_type = fields.get(Ifd::Main(0), tag::SUBFILE_TYPE);
    let is_small_copy = subfile_type
        .and_then(|field| whole_number(field, 0))
        .is_some_and(|kind| kind & 1 == 1);
    if is_small_copy {
        largest_image(fields).map(|(size, _)| size)
    } else {
        first
    }
}

/// Returns the size of the largest image in pixels, and its IFD.
fn largest_image(fields: &IfdFields<'_>) -> Option<((u32, u32), Ifd)> {
    let widths = fields
        .list
        .iter()
        .filter(|f| f.tag == tag::IMAGE_WIDTH && f.ifd != Ifd::Gps);
    let sizes = widths.filter_map(|f| {
        let size = dimensions_in(fields, f.ifd, tag::IMAGE_WIDTH, tag::IMAGE_HEIGHT)?;
        Some((size, f.ifd))
    });
    sizes.max_by_key(|&(size, _)| area(size))
}

fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

/// Returns the width and height of a RAW file in pixels. This is the first of three sizes that
/// exists: the tag DefaultCropSize, `exif` (the size in EXIF), and the size of the largest image.
/// DefaultCropSize and `exif` are skipped if they have less than 80 % of the area of the largest
/// image.
fn raw_dimensions(fields: &IfdFields<'_>, exif: Option<(u32, u32)>) -> Option<(u32, u32)> {
    let (sensor, ifd) = largest_image(fields).unzip();
    // In a DNG, DefaultCropSize is the size after development.
    let crop = ifd
        .and_then(|ifd| fields.get(ifd, tag::DEFAULT_CROP_SIZE))
        .and_then(|f| Some((whole_number(f, 0)?, whole_number(f, 1)?)));
    let plausible =
        |size: &(u32, u32)| sensor.is_none_or(|sensor| area(*size) * 10 >= area(sensor) * 8);
    crop.filter(plausible).or(exif.filter(plausible)).or(sensor)
}

/// Returns the values of the tags `width` and `height` in one IFD. Returns `None` if one of them is
/// missing or zero.
fn dimensions_in(fields: &IfdFields<'_>, ifd: Ifd, width: u16, height: u16) -> Option<(u32, u32)> {
    let (width, height) = (
        whole_number(fields.get(ifd, width)?, 0)?,
        whole_number(fields.get(ifd, height)?, 0)?,
    );
    (width > 0 && height > 0).then_some((width, height))
}
