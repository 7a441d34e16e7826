//! Normalises metadata: makes one record from EXIF fields, XMP and IPTC. Each field of the record
//! has one cleaned value in a fixed unit.
//!
//! A value stays empty if no source has it, or only an impossible one. No value is guessed. APEX
//! values are logarithms of exposure values.

use super::boilerplate::CameraNames;
use super::camera::{make_camera, make_lens};
use super::capture::find_capture_time;
use super::context::FileContext;
use super::description::TextFinder;
use super::dimensions::stored_dimensions;
use super::field_value::{lens_specification, parse_fraction, real_number, round_to, whole_number};
use super::keywords::collect_keywords;
use super::people::collect_people;
use super::place::find_place;
use super::placeholder::{camera_name, lens_name, serial_number};
use super::position::find_location;
use super::rating::find_rating;
use super::record::{Exposure, Lens, PhotoMetadata, PhotoRecord};
use super::rights::{find_artist, find_copyright, find_credit, find_license_url, find_usage_terms};
use super::sources::MetadataSources;
use super::tag;
use super::text::field_text;
use super::tiff::{FieldNumber, Ifd, IfdFields};
use super::xmp::XmpProperties;

/// Returns the normalised metadata of a file. Adds a warning for each text or list that is too long.
pub(crate) fn normalise_metadata(
    sources: &MetadataSources<'_, '_>,
    context: &FileContext,
    warnings: &mut Vec<String>,
) -> PhotoMetadata {
    let (fields, xmp) = (sources.fields, sources.xmp);
    let serial = |tag| {
        let mut texts = fields.in_exif_first(tag).filter_map(field_text);
        texts.find_map(serial_number)
    };
    let serial_in_xmp = |name| xmp.get(name).map(str::to_owned).and_then(serial_number);
    let in_container = sources.blocks.orientation;
    let orientation = in_container.or_else(|| find_orientation(fields, xmp));
    PhotoMetadata {
        orientation,
        body_serial: serial(tag::SERIAL_NUMBER)
            .or_else(|| serial(tag::CAMERA_SERIAL_NUMBER))
            .or_else(|| serial_in_xmp("exifEX:BodySerialNumber"))
            .or_else(|| serial_in_xmp("aux:SerialNumber"))
            .or_else(|| sources.maker_note.body_serial.clone()),
        record: normalise_record(sources, context, orientation, warnings),
    }
}

fn normalise_record(
    sources: &MetadataSources<'_, '_>,
    context: &FileContext,
    orientation: Option<u8>,
    warnings: &mut Vec<String>,
) -> PhotoRecord {
    let (fields, xmp) = (sources.fields, sources.xmp);
    let in_xmp = |name| xmp.get(name).map(str::to_owned);
    let camera_text = |tag, name| {
        let mut texts = fields.in_ifd0_first(tag).filter_map(field_text);
        texts
            .find_map(camera_name)
            .or_else(|| in_xmp(name).and_then(camera_name))
    };
    let make = camera_text(tag::MAKE, "tiff:Make");
    let model = camera_text(tag::MODEL, "tiff:Model");
    let size = oriented_dimensions(sources, orientation);
    let texts = TextFinder {
        sources,
        camera: CameraNames {
            make: make.as_deref(),
            model: model.as_deref(),
        },
    };
    let location = find_location(fields, xmp);
    let note = &sources.maker_note;
    let mut exposure = find_exposure(fields, xmp);
    exposure.iso = exposure.iso.or(note.iso);
    PhotoRecord {
        title: texts.find_title(),
        headline: texts.find_headline(),
        caption: texts.find_caption(warnings),
        alt_text: texts.find_alt_text(),
        extended_description: texts.find_extended_description(warnings),
        event: texts.find_event(),
        label: texts.find_label(),
        capture: find_capture_time(sources, context, location.as_ref()),
        width: size.map(|s| s.0),
        height: size.map(|s| s.1),
        camera: make_camera(make, model),
        lens: find_lens(sources),
        exposure,
        location,
        place: find_place(sources),
        keywords: collect_keywords(sources, warnings),
        people: collect_people(xmp, warnings),
        rating: find_rating(fields, xmp),
        artist: find_artist(sources),
        credit: find_credit(sources),
        copyright: find_copyright(sources),
        license_url: find_license_url(sources),
        usage_terms: find_usage_terms(sources),
        film_simulation: note.film_simulation.clone(),
        drive_mode: note.drive_mode.clone(),
    }
}

fn find_orientation(fields: &IfdFields<'_>, xmp: &XmpProperties) -> Option<u8> {
    let orientation = |number: u32| u8::try_from(number).ok().filter(|n| (1..=8).contains(n));
    let mut in_ifd0 = fields
        .all(Ifd::Main(0), tag::ORIENTATION)
        .filter_map(|f| whole_number(f, 0));
    in_ifd0
        .find_map(orientation)
        .or_else(|| orientation(xmp.get("tiff:Orientation")?.parse().ok()?))
}

/// Returns the width and height in pixels, after orientation.
fn oriented_dimensions(
    sources: &MetadataSources<'_, '_>,
    orientation: Option<u8>,
) -> Option<(u32, u32)> {
    let quarter_turned = sources
        .blocks
        .quarter_turned
        .unwrap_or(matches!(orientation, Some(5..=8)));
    let (width, height) = stored_dimensions(sources)?;
    Some(if quarter_turned {
        (height, width)
    } else {
        (width, height)
    })
}

fn find_exposure(fields: &IfdFields<'_>, xmp: &XmpProperties) -> Exposure {
    let first = |tag, name, accept: fn(&f64) -> bool| {
        let mut in_exif = fields.in_exif_first(tag).filter_map(real_number);
        let in_xmp = || xmp.get(name).and_then(parse_fraction);
        in_exif.find(accept).or_else(|| in_xmp().filter(accept))
    };
    let number = |tag, name| first(tag, name, |_| true);
    // A 0 stands for an unknown value, so it does not hide another source.
    let positive = |tag, name| first(tag, name, |&value| value > 0.0);
    // If the plain value is missing, the APEX value is used (EXIF 3.0 annex C).
    let seconds = positive(tag::EXPOSURE_TIME, "exif:ExposureTime").or_else(|| {
        let apex = number(tag::SHUTTER_SPEED_VALUE, "exif:ShutterSpeedValue")
            .filter(|v| v.abs() < 30.0)?;
        Some(round_to((-apex).exp2(), 6))
    });
    let f_number = positive(tag::F_NUMBER, "exif:FNumber").or_else(|| {
        let apex = number(tag::APERTURE_VALUE, "exif:ApertureValue")
            .filter(|v| (0.0..20.0).contains(v))?;
        Some(round_to((apex / 2.0).exp2(), 1))
    });
    Exposure {
        time: seconds.and_then(|seconds| exposure_time_text(fields, seconds)),
        seconds,
        f_number,
        iso: find_iso(fields, xmp),
        focal_length: positive(tag::FOCAL_LENGTH, "exif:FocalLength"),
        focal_length35: positive(
            tag::FOCAL_LENGTH_IN_35MM_FORMAT,
            "exif:FocalLengthIn35mmFilm",
        ),
        bias: number(tag::EXPOSURE_COMPENSATION, "exif:ExposureBiasValue"),
        flash: fields
            .exif(tag::FLASH)
            .and_then(|f| whole_number(f, 0))
            .map(|flash| flash & 1 == 1)
            .or_else(|| {
                xmp.get("exif:Flash/exif:Fired")
                    .map(|fired| fired.eq_ignore_ascii_case("true"))
            }),
    }
}

/// Returns the exposure time in seconds as a text for people: `1/250`, `2.5`. If the file has a
/// fraction with the numerator 1, returns this fraction. Any other time is rounded.
fn exposure_time_text(fields: &IfdFields<'_>, seconds: f64) -> Option<String> {
    if !(1e-7..1e7).contains(&seconds) {
        return None;
    }
    if let Some(FieldNumber::Fraction(1, d)) =
        fields.exif(tag::EXPOSURE_TIME).and_then(|f| f.number(0))
    {
        return Some(if d == 1 {
            "1".to_owned()
        } else {
            format!("1/{d}")
        });
    }
    // ExifTool's rule: a time below a quarter of a second is a fraction.
    Some(if seconds < 0.250_01 {
        format!("1/{}", (1.0 / seconds).round())
    } else {
        round_to(seconds, 1).to_string()
    })
}

/// Returns the ISO speed in the field PhotographicSensitivity. If the field is missing, returns the
/// ISO speed in a field of the type LONG, in a field of Panasonic, or in XMP. The largest value of
/// the field is 65535. It means "at least 65535", so a larger value in a field of the type LONG
/// replaces it (EXIF 3.0 4.6.6.7.6).
fn find_iso(fields: &IfdFields<'_>, xmp: &XmpProperties) -> Option<u32> {
    let first = |tag| {
        let mut all = fields.in_exif_first(tag).filter_map(|f| whole_number(f, 0));
        all.find(|&iso| iso > 0)
    };
    let long = || {
        first(tag::RECOMMENDED_EXPOSURE_INDEX)
            .or_else(|| first(tag::STANDARD_OUTPUT_SENSITIVITY))
            .or_else(|| first(tag::ISO_SPEED))
    };
    match first(tag::ISO) {
        Some(65_535) => long().filter(|&iso| iso > 65_535).or(Some(65_535)),
        Some(iso) => Some(iso),
        None => long()
            // A Panasonic RW2 has a tag of its own.
            .or_else(|| {
                fields
                    .get(Ifd::Main(0), tag::PANASONIC_ISO)
                    .and_then(|f| whole_number(f, 0))
                    .filter(|&iso| iso > 0)
            })
            .or_else(|| {
                xmp.get("exif:ISOSpeedRatings")
                    .or_else(|| xmp.get("exifEX:PhotographicSensitivity"))?
                    .parse()
                    .ok()
            }),
    }
}

fn find_lens(sources: &MetadataSources<'_, '_>) -> Option<Lens> {
    let (fields, xmp) = (sources.fields, sources.xmp);
    let in_exif = |tag| {
        let mut texts = fields.in_exif_first(tag).filter_map(field_text);
        texts.find_map(lens_name)
    };
    let in_xmp = |name| xmp.get(name).map(str::to_owned).and_then(lens_name);
    let make = in_exif(tag::LENS_MAKE).or_else(|| in_xmp("exifEX:LensMake"));
    let specified = || {
        let mut lenses = fields
            .in_exif_first(tag::LENS_INFO)
            .chain(fields.all(Ifd::Main(0), tag::DNG_LENS_INFO));
        lenses.find_map(lens_specification)
    };
    // exifEX:LensModel is EXIF's LensModel in XMP. Adobe's aux:Lens is its older name.
    let model = in_exif(tag::LENS_MODEL)
        .or_else(|| in_xmp("exifEX:LensModel"))
        .or_else(|| in_xmp("aux:Lens"))
        .or_else(specified)
        .or_else(|| sources.maker_note.lens.clone().and_then(lens_name));
    make_lens(make, model)
}
