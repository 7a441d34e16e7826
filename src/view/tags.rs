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

use photo_metadata::{TagValue, Tags};

use super::clean_text;

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

/// Returns the public tags of a photo, with cleaned texts. `with_places` is `true` if the location
/// of the photo is published without a change.
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

/// Returns a value whose texts are all cleaned by [`clean_text()`].
fn clean_value(value: &TagValue) -> TagValue {
    match value {
        TagValue::Integer(_) | TagValue::Real(_) => value.clone(),
        TagValue::Text(text) => TagValue::Text(clean_text(text)),
        TagValue::Rational { value, fraction } => TagValue::Rational {
            value: *value,
            fraction: clean_text(fraction),
        },
        TagValue::List(values) => TagValue::List(values.iter().map(clean_value).collect()),
    }
}
