//! The public tags of a photo: an allow-list by IFD (a group of tags) and name.
//!
//! The public tags show how a picture was made. They never identify the camera body, its owner or a
//! customer. They show the place only if locations are published without a change.
//!
//! Titles, captions and keywords are not among the public tags. They are in the record, and the
//! owner may have changed them there: the original texts must then stay hidden.
//!
//! These tags are left out on purpose: serial numbers, owners, contacts, unique ids, comments,
//! maker notes and `HostComputer`. Pressure, temperature and elevation are left out too, because
//! they could reveal the place.

use photo_metadata::{Location, TagValue, Tags};

use super::clean_text;
use super::rounding::round_measured;

/// The names of the tags that are public under every location policy, grouped by IFD (a group of
/// tags in a file).
const PUBLIC_TAGS: [(&str, &[&str]); 6] = [
    (
        "IFD0",
        &[
            "Artist",
            "BitsPerSample",
            "Compression",
            "Copyright",
            "ImageHeight",
            "ImageWidth",
            "Make",
            "Model",
            "ModifyDate",
            "Orientation",
            "PhotometricInterpretation",
            "PlanarConfiguration",
            "PrimaryChromaticities",
            "Rating",
            "ReferenceBlackWhite",
            "ResolutionUnit",
            "SamplesPerPixel",
            "Software",
            "TransferFunction",
            "WhitePoint",
            "XResolution",
            "YCbCrCoefficients",
            "YCbCrPositioning",
            "YCbCrSubSampling",
            "YResolution",
        ],
    ),
    (
        "ExifIFD",
        &[
            "ApertureValue",
            "BrightnessValue",
            "CFAPattern",
            "ColorSpace",
            "ComponentsConfiguration",
            "CompositeImage",
            "CompositeImageCount",
            "CompressedBitsPerPixel",
            "Contrast",
            "CreateDate",
            "CustomRendered",
            "DateTimeOriginal",
            "DigitalZoomRatio",
            "ExifImageHeight",
            "ExifImageWidth",
            "ExifVersion",
            "ExposureCompensation",
            "ExposureIndex",
            "ExposureMode",
            "ExposureProgram",
            "ExposureTime",
            "FNumber",
            "FileSource",
            "Flash",
            "FlashEnergy",
            "FlashpixVersion",
            "FocalLength",
            "FocalLengthIn35mmFormat",
            "FocalPlaneResolutionUnit",
            "FocalPlaneXResolution",
            "FocalPlaneYResolution",
            "GainControl",
            "Gamma",
            "ISO",
            "ISOSpeed",
            "ISOSpeedLatitudeyyy",
            "ISOSpeedLatitudezzz",
            "LensInfo",
            "LensMake",
            "LensModel",
            "LightSource",
            "MaxApertureValue",
            "MeteringMode",
            "OffsetTime",
            "OffsetTimeDigitized",
            "OffsetTimeOriginal",
            "RecommendedExposureIndex",
            "Saturation",
            "SceneCaptureType",
            "SceneType",
            "SensingMethod",
            "SensitivityType",
            "Sharpness",
            "ShutterSpeedValue",
            "StandardOutputSensitivity",
            "SubSecTime",
            "SubSecTimeDigitized",
            "SubSecTimeOriginal",
            "SubjectArea",
            "SubjectDistance",
            "SubjectDistanceRange",
            "WhiteBalance",
        ],
    ),
    ("InteropIFD", &["InteropIndex", "InteropVersion"]),
    (
        "XMP-xmp",
        &["CreateDate", "CreatorTool", "ModifyDate", "Rating"],
    ),
    ("XMP-aux", &["Lens", "LensInfo"]),
    ("XMP-photoshop", &["DateCreated"]),
];

/// The names of the tags that are public only if the location of the photo is published without a
/// change, grouped by IFD (a group of tags in a file). The names of places in XMP and IPTC are not
/// among them: the field `place` has them, under rules of its own.
const PLACE_TAGS: [(&str, &[&str]); 1] = [(
    "GPS",
    &[
        "GPSAltitude",
        "GPSAltitudeRef",
        "GPSDOP",
        "GPSDateStamp",
        "GPSDifferential",
        "GPSHPositioningError",
        "GPSImgDirection",
        "GPSImgDirectionRef",
        "GPSLatitude",
        "GPSLatitudeRef",
        "GPSLongitude",
        "GPSLongitudeRef",
        "GPSMapDatum",
        "GPSMeasureMode",
        "GPSSatellites",
        "GPSSpeed",
        "GPSSpeedRef",
        "GPSStatus",
        "GPSTimeStamp",
        "GPSTrack",
        "GPSTrackRef",
        "GPSVersionID",
    ],
)];

/// The greatest difference of two equal coordinates, in degrees. It is about 10 metres.
const SAME_PLACE_DEGREES: f64 = 1e-4;

/// Reports whether the GPS tags have this location. Tags without coordinates have no other
/// location. The letters of the hemispheres are ignored.
pub(super) fn have_location(tags: &Tags, location: Option<&Location>) -> bool {
    let is_same = |tag: &str, coordinate: fn(&Location) -> f64| {
        let recorded = tags.get("GPS").and_then(|gps| gps.get(tag));
        let Some(recorded) = recorded else {
            return true;
        };
        let shown = location.map(coordinate);
        let degrees = degrees_of(recorded);
        degrees.zip(shown).is_some_and(|(degrees, shown)| {
            (degrees.abs() - shown.abs()).abs() <= SAME_PLACE_DEGREES
        })
    };
    is_same("GPSLatitude", |location| location.lat)
        && is_same("GPSLongitude", |location| location.lon)
}

/// Returns the degrees of a coordinate: of degrees, minutes and seconds, or of a single number.
fn degrees_of(value: &TagValue) -> Option<f64> {
    let number = |value: &TagValue| match value {
        TagValue::Integer(value) => Some(*value as f64),
        TagValue::Real(value) | TagValue::Rational { value, .. } => Some(*value),
        TagValue::Text(_) | TagValue::List(_) => None,
    };
    match value {
        TagValue::List(parts) => {
            let units = [1.0, 60.0, 3600.0];
            let degrees = parts.iter().zip(units);
            let degrees = degrees.map(|(part, unit)| Some(number(part)? / unit));
            degrees.sum()
        }
        single => number(single),
    }
}

/// Returns the public tags of a photo, with cleaned texts. `with_places` is `true` if its GPS tags
/// are public.
pub(super) fn public_tags(tags: &Tags, with_places: bool) -> Tags {
    let is_in = |lists: &[(&str, &[&str])], ifd: &str, tag: &str| {
        lists
            .iter()
            .any(|(listed, names)| *listed == ifd && names.contains(&tag))
    };
    let is_public = |ifd: &str, tag: &str| {
        is_in(&PUBLIC_TAGS, ifd, tag)
            // TIFF/EP and many RAW files have Exif tags in the first IFD.
            || (ifd == "IFD0" && is_in(&PUBLIC_TAGS, "ExifIFD", tag)) || (with_places && is_in(&PLACE_TAGS, ifd, tag))
    };
    let mut public = Tags::new();
    for (ifd, values) in tags {
        for (tag, value) in values.iter().filter(|(tag, _)| is_public(ifd, tag)) {
            public
                .entry(ifd.clone())
                .or_default()
                .insert(tag.clone(), clean_value(value));
        }
    }
    public
}

/// Returns a value whose texts are all cleaned by [`clean_text()`], and whose quotients are
/// rounded.
fn clean_value(value: &TagValue) -> TagValue {
    match value {
        TagValue::Integer(_) | TagValue::Real(_) => value.clone(),
        TagValue::Text(text) => TagValue::Text(clean_text(text)),
        TagValue::Rational { value, fraction } => TagValue::Rational {
            // The fraction has all digits.
            value: round_measured(*value),
            fraction: clean_text(fraction),
        },
        TagValue::List(values) => TagValue::List(values.iter().map(clean_value).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gps_tags_of_another_place_are_not_public() {
        let location = |lat, lon| Location {
            lat,
            lon,
            ..Location::default()
        };
        let angle = |parts: [f64; 3]| TagValue::List(parts.map(TagValue::Real).into());
        let gps = |tags: &[(&str, TagValue)]| {
            let tags = tags.iter().cloned();
            let tags = tags.map(|(name, value)| (name.to_owned(), value));
            Tags::from([("GPS".to_owned(), tags.collect())])
        };
        let home = gps(&[
            ("GPSLatitude", angle([45.0, 28.0, 16.4424])),
            ("GPSLongitude", angle([73.0, 38.0, 24.0])),
        ]);
        assert!(have_location(&home, Some(&location(45.471_234, -73.64))));
        assert!(!have_location(&home, Some(&location(45.471_234, -73.7))));
        assert!(!have_location(&home, Some(&location(10.0, 20.0))));
        assert!(!have_location(&home, None));
        let text = gps(&[("GPSLatitude", TagValue::Text("45.47".to_owned()))]);
        assert!(!have_location(&text, Some(&location(45.47, 0.0))));
        assert!(have_location(&Tags::new(), None));
    }
}
