//! Fields, XMP and IPTC to the photo that is catalogued: one value for each thing, cleaned and in its unit. It reads no
//! container and invents nothing: what no source says, or only impossibly, stays empty.

use super::camera;
use super::capture::{self, Sources};
use super::format::Format;
use super::found::Found;
use super::iptc::Iptc;
use super::place;
use super::text;
use super::tiff::{Field, Fields, Ifd, Number, Order};
use super::xmp::Xmp;
use super::{FileContext, limits, maker_note, size};
use crate::record::{Exposure, Lens, PhotoMetadata, PhotoRecord};

/// Everything that one file says.
pub(crate) struct Said<'a, 's> {
    pub(crate) format: Format,
    pub(crate) fields: &'a Fields<'s>,
    pub(crate) xmp: &'a Xmp,
    pub(crate) iptc: &'a Iptc,
    pub(crate) found: &'a Found,
    /// The container's own size, as stored.
    pub(crate) size: Option<(u32, u32)>,
    /// Canon's maker note of a CR3, where it is a structure of its own.
    pub(crate) canon_note: &'a Fields<'s>,
}

/// The photo.
pub(crate) fn photo(said: &Said<'_, '_>, context: &FileContext) -> PhotoMetadata {
    let Said {
        fields,
        xmp,
        iptc,
        found,
        ..
    } = *said;
    let ifd0 = |tag| {
        fields
            .get(Ifd::Main(0), tag)
            .or_else(|| fields.get(Ifd::Exif, tag))
            .and_then(text::of)
    };
    let exif = |tag| fields.exif(tag).and_then(text::of);
    let said_in_xmp = |name| xmp.get(name).map(str::to_owned);
    let make = ifd0(0x010f).or_else(|| said_in_xmp("tiff:Make"));
    let model = ifd0(0x0110).or_else(|| said_in_xmp("tiff:Model"));
    let orientation = fields
        .get(Ifd::Main(0), 0x0112)
        .and_then(|f| whole(f, 0))
        .or_else(|| xmp.get("tiff:Orientation")?.parse().ok())
        .and_then(|n| u8::try_from(n).ok())
        .filter(|n| (1..=8).contains(n));
    let quarter_turned = found
        .quarter_turned
        .unwrap_or(matches!(orientation, Some(5..=8)));
    let size = size::of(said).map(|(width, height)| {
        if quarter_turned {
            (height, width)
        } else {
            (width, height)
        }
    });
    let date = Sources {
        fields,
        xmp,
        iptc,
        container: found.date.clone(),
        context,
    };
    PhotoMetadata {
        orientation,
        body_serial: exif(0xa431)
            .or_else(|| exif(0xc62f))
            .or_else(|| said_in_xmp("aux:SerialNumber")),
        record: PhotoRecord {
            capture: capture::time(&date),
            width: size.map(|s| s.0),
            height: size.map(|s| s.1),
            camera: camera::camera(make, model),
            lens: lens(said),
            exposure: exposure(fields, xmp),
            location: place::location(fields, xmp),
            title: said_in_xmp("dc:title")
                .or_else(|| iptc.title.clone())
                .or_else(|| fields.get(Ifd::Main(0), 0x9c9b).and_then(explorer)),
            caption: said_in_xmp("dc:description")
                .or_else(|| iptc.caption.clone())
                .or_else(|| ifd0(0x010e).filter(|caption| !is_boilerplate(caption)))
                .or_else(|| fields.get(Ifd::Main(0), 0x9c9c).and_then(explorer)),
            keywords: keywords(fields, xmp, iptc),
            rating: rating(fields, xmp),
            artist: joined(xmp.all("dc:creator"))
                .or_else(|| iptc.artist.clone())
                .or_else(|| ifd0(0x013b))
                .or_else(|| fields.get(Ifd::Main(0), 0x9c9d).and_then(explorer)),
            copyright: said_in_xmp("dc:rights")
                .or_else(|| iptc.copyright.clone())
                .or_else(|| fields.get(Ifd::Main(0), 0x8298).and_then(copyright)),
        },
    }
}

/// The `index`-th number of a field, where it is a whole one; a careless writer's text, too.
pub(crate) fn whole(field: &Field<'_>, index: usize) -> Option<u32> {
    let value = match field.number(index) {
        Some(Number::Integer(n)) => return u32::try_from(n).ok(),
        Some(number) => number.value()?,
        None => text::of(field)?
            .split([' ', ','])
            .nth(index)?
            .parse()
            .ok()?,
    };
    (value >= 0.0 && value <= f64::from(u32::MAX)).then_some(value.round() as u32)
}

/// The first number of a field.
pub(crate) fn real(field: &Field<'_>) -> Option<f64> {
    match field.number(0) {
        Some(number) => number.value(),
        None => fraction(&text::of(field)?),
    }
}

/// `1/250`, `2.8`: XMP writes its rationals so.
pub(crate) fn fraction(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((n, d)) => n.trim().parse::<f64>().ok()? / d.trim().parse::<f64>().ok()?,
        None => text.split_whitespace().next()?.parse().ok()?,
    };
    crate::record::storable_number(value)
}

fn exposure(fields: &Fields<'_>, xmp: &Xmp) -> Exposure {
    let number = |tag, name| {
        fields
            .exif(tag)
            .and_then(real)
            .or_else(|| xmp.get(name).and_then(fraction))
    };
    let positive = |tag, name| number(tag, name).filter(|&value| value > 0.0);
    // APEX where the plain value is missing (EXIF 3.0 annex C).
    let seconds = positive(0x829a, "exif:ExposureTime").or_else(|| {
        let apex = number(0x9201, "exif:ShutterSpeedValue").filter(|v| v.abs() < 30.0)?;
        Some(round((-apex).exp2(), 6))
    });
    let f_number = positive(0x829d, "exif:FNumber").or_else(|| {
        let apex = number(0x9202, "exif:ApertureValue").filter(|v| (0.0..20.0).contains(v))?;
        Some(round((apex / 2.0).exp2(), 1))
    });
    Exposure {
        time: seconds.and_then(|seconds| caption(fields, seconds)),
        seconds,
        f_number,
        iso: iso(fields, xmp),
        focal_length: positive(0x920a, "exif:FocalLength"),
        focal_length35: positive(0xa405, "exif:FocalLengthIn35mmFilm"),
        bias: number(0x9204, "exif:ExposureBiasValue"),
        flash: fields
            .exif(0x9209)
            .and_then(|f| whole(f, 0))
            .map(|flash| flash & 1 == 1)
            .or_else(|| {
                xmp.get("exif:Fired")
                    .map(|fired| fired.eq_ignore_ascii_case("true"))
            }),
    }
}

/// `1/250`, `2.5`. The fraction as recorded where it is one of 1, else rounded.
fn caption(fields: &Fields<'_>, seconds: f64) -> Option<String> {
    if !(1e-7..1e7).contains(&seconds) {
        return None;
    }
    if let Some(Number::Fraction(1, d)) = fields.exif(0x829a).and_then(|f| f.number(0)) {
        return Some(if d == 1 {
            "1".to_owned()
        } else {
            format!("1/{d}")
        });
    }
    // ExifTool's rule: below a quarter of a second as a fraction.
    Some(if seconds < 0.250_01 {
        format!("1/{}", (1.0 / seconds).round())
    } else {
        round(seconds, 1).to_string()
    })
}

fn round(value: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (value * factor).round() / factor
}

/// PhotographicSensitivity; 65535 means "more than that", and the true one stands in LONGs (EXIF 3.0 4.6.6.7.6).
fn iso(fields: &Fields<'_>, xmp: &Xmp) -> Option<u32> {
    let first = |tag| {
        fields
            .exif(tag)
            .and_then(|f| whole(f, 0))
            .filter(|&iso| iso > 0)
    };
    let long = || {
        first(0x8832)
            .or_else(|| first(0x8831))
            .or_else(|| first(0x8833))
    };
    match first(0x8827) {
        Some(65_535) => long().filter(|&iso| iso > 65_535).or(Some(65_535)),
        Some(iso) => Some(iso),
        None => long()
            // Panasonic's RW2 has it among its own numbers.
            .or_else(|| {
                fields
                    .get(Ifd::Main(0), 0x0017)
                    .and_then(|f| whole(f, 0))
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

fn lens(said: &Said<'_, '_>) -> Option<Lens> {
    let (fields, xmp) = (said.fields, said.xmp);
    let make = fields
        .exif(0xa433)
        .and_then(text::of)
        .or_else(|| xmp.get("exifEX:LensMake").map(str::to_owned));
    let recorded = fields.exif(0xa434).and_then(text::of);
    // "----" and the like: a slot that was never filled.
    let recorded = recorded.filter(|lens| lens.chars().any(char::is_alphanumeric));
    // Adobe's aux:Lens is the older word for exifEX:LensModel, which is EXIF's LensModel in XMP.
    let in_xmp = || {
        xmp.get("exifEX:LensModel")
            .or_else(|| xmp.get("aux:Lens"))
            .map(str::to_owned)
    };
    let specified = || {
        fields
            .exif(0xa432)
            .or_else(|| fields.get(Ifd::Main(0), 0xc630))
            .and_then(specification)
    };
    let model = recorded
        .or_else(in_xmp)
        .or_else(specified)
        .or_else(|| maker_note::lens(fields, said.canon_note));
    camera::lens(make, model)
}

/// A name made of LensSpecification (EXIF 3.0 4.6.6.7.9): `18-55mm f/3.5-5.6`.
pub(crate) fn specification(field: &Field<'_>) -> Option<String> {
    let part = |index| {
        field
            .number(index)
            .and_then(Number::value)
            .filter(|&v| v > 0.0 && v < 10_000.0)
    };
    let shortest = part(0)?;
    let longest = part(1).unwrap_or(shortest);
    let span = |from: f64, to: f64| {
        if (from - to).abs() < 1e-6 {
            round(from, 1).to_string()
        } else {
            format!("{}-{}", round(from, 1), round(to, 1))
        }
    };
    let apertures = part(2)
        .map(|wide| format!(" f/{}", span(wide, part(3).unwrap_or(wide))))
        .unwrap_or_default();
    Some(format!("{}mm{apertures}", span(shortest, longest)))
}

/// What cameras write into every ImageDescription.
fn is_boilerplate(caption: &str) -> bool {
    let caption = caption.to_ascii_uppercase();
    [
        "DIGITAL CAMERA",
        "SONY DSC",
        "DCIM",
        "EXIF_JPEG",
        "DCF ",
        "DEFAULT",
        "<DIGIMAX",
        "JPEG",
        "UNTITLED",
        "CREATED WITH GIMP",
    ]
    .iter()
    .any(|start| caption.starts_with(start))
        || caption.ends_with("DIGITAL CAMERA")
        || caption.ends_with("DIGITAL STILL CAMERA")
}

/// Windows Explorer's texts are UTF-16 in BYTEs.
fn explorer(field: &Field<'_>) -> Option<String> {
    text::utf16(field.bytes?, Order::Little)
}

/// EXIF 3.0 4.6.5.4.6: the photographer's notice, NUL, the editor's. A lone space stands for none.
fn copyright(field: &Field<'_>) -> Option<String> {
    let mut parts = field
        .bytes?
        .split(|&b| b == 0)
        .map(text::decode)
        .filter_map(|part| text::clean(&part));
    parts.next()
}

fn keywords(fields: &Fields<'_>, xmp: &Xmp, iptc: &Iptc) -> Vec<String> {
    let explorer = fields
        .get(Ifd::Main(0), 0x9c9e)
        .and_then(explorer)
        .unwrap_or_default();
    let mut keywords: Vec<String> = Vec::new();
    let all = xmp.all("dc:subject").iter().chain(&iptc.keywords).cloned();
    for keyword in all.chain(explorer.split(';').filter_map(text::clean)) {
        if keywords.len() < limits::KEYWORDS && !keywords.contains(&keyword) {
            keywords.push(keyword);
        }
    }
    keywords
}

fn rating(fields: &Fields<'_>, xmp: &Xmp) -> Option<i8> {
    let in_xmp = xmp
        .get("xmp:Rating")
        .and_then(|rating| rating.parse::<f64>().ok())
        .filter(|r| (-1.0..=5.0).contains(r));
    let stars = || {
        fields
            .get(Ifd::Main(0), 0x4746)
            .and_then(|f| whole(f, 0))
            .filter(|&stars| (1..=5).contains(&stars))
    };
    in_xmp
        .map(|rating| rating.round() as i8)
        .or_else(|| stars().and_then(|stars| i8::try_from(stars).ok()))
}

fn joined(names: &[String]) -> Option<String> {
    if names.is_empty() {
        None
    } else {
        text::clean(&names.join(", "))
    }
}
