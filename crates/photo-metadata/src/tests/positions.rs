//! Tests of positions: coordinates in odd forms, in EXIF and in XMP, and the values that belong to
//! them.

use super::builders::{TestTiff, ascii, rationals, xmp, xmp_field};
use super::read;
use crate::Location;

/// An entry of the GPS IFD (image file directory, which is a table of tags): a tag, a type, and the
/// bytes of the value.
type GpsEntry<'a> = (u16, u16, &'a [u8]);

/// Returns the location of a TIFF with a GPS IFD and these XMP attributes.
fn location(gps: &[GpsEntry<'_>], attributes: &str) -> Option<Location> {
    let gps = gps
        .iter()
        .map(|(tag, kind, value)| (*tag, *kind, value.to_vec()));
    let file = TestTiff {
        ifd0: vec![xmp_field(&xmp(attributes, ""))],
        gps: gps.collect(),
        ..TestTiff::default()
    };
    read(&file.to_bytes()).photo.record.location
}

/// Returns the latitude of a file whose longitude is 7.5 degrees east. The latitude has this type,
/// value and hemisphere.
fn latitude(kind: u16, value: &[u8], reference: &[u8]) -> Option<f64> {
    let gps = [
        (1, 2, reference),
        (2, kind, value),
        (3, 2, b"E\0"),
        (4, 2, b"7.5\0"),
    ];
    location(&gps, "").map(|location| location.lat)
}

#[test]
fn coordinates_in_exif_may_be_text() {
    let text = |text: &str, reference: &[u8]| latitude(2, &ascii(text), reference);
    assert_eq!(text("45.5", b"N\0"), Some(45.5));
    assert_eq!(text("45.5", b"S\0"), Some(-45.5));
    assert_eq!(text("45 deg 30' 0.00\" N", b"N\0"), Some(45.5));
    assert_eq!(text("45,30,0", b"South\0"), Some(-45.5));
    // The hemisphere may be in the text only.
    assert_eq!(text("45 deg 30' 0.00\" S", b"\0"), Some(-45.5));
    assert_eq!(text("45.5", b"\0"), None);
    assert_eq!(text("-45.5", b"\0"), None);
    // Two hemispheres, or a sign and a hemisphere, contradict each other.
    assert_eq!(text("45.5S", b"N\0"), None);
    assert_eq!(text("-45.5", b"N\0"), None);
    assert_eq!(text("-45.5", b"S\0"), Some(-45.5));
    assert_eq!(text("45.5", b"E\0"), None);
    assert_eq!(text("45.5", b"?\0"), None);
    // Decimal commas make more than three numbers.
    assert_eq!(text("52,00000,50,00000,34,01180", b"N\0"), None);
    assert_eq!(text("48,51,29.6,1", b"N\0"), None);
}

#[test]
fn coordinates_in_exif_have_three_parts_at_most() {
    assert_eq!(latitude(5, &rationals(&[45, 30, 0]), b"N\0"), Some(45.5));
    assert_eq!(latitude(5, &rationals(&[45, 30]), b"n\0"), Some(45.5));
    assert_eq!(latitude(5, &rationals(&[45]), b"S\0"), Some(-45.0));
    assert_eq!(latitude(3, &[45, 0, 30, 0, 0, 0], b"N\0"), Some(45.5));
    // The bytes of three fractions, with a wrong type.
    for kind in [1, 3, 4, 7] {
        let value = rationals(&[45, 30, 0]);
        assert_eq!(latitude(kind, &value, b"N\0"), Some(45.5), "{kind}");
    }
    assert_eq!(latitude(10, &rationals(&[-45, 30, 0]), b"S\0"), Some(-45.5));
    assert_eq!(latitude(10, &rationals(&[-45, 30, 0]), b"N\0"), None);
    assert_eq!(latitude(5, &rationals(&[45, 30, 0, 1]), b"N\0"), None);
    assert_eq!(latitude(5, &rationals(&[45, 30, 0]), b" \0"), None);
}

#[test]
fn blank_hemisphere_does_not_hide_another_one() {
    let degrees = rationals(&[45, 30, 0]);
    let gps: [GpsEntry<'_>; 6] = [
        (1, 2, b"S\0"),
        (1, 2, b" \0"),
        (2, 5, &degrees),
        (2, 2, b"\0"),
        (3, 2, b"E\0"),
        (4, 2, b"7.5\0"),
    ];
    assert_eq!(location(&gps, "").map(|location| location.lat), Some(-45.5));
}

#[test]
fn coordinates_in_xmp_have_many_forms() {
    let latitude = |more: &str| {
        let xmp = format!(r#"exif:GPSLongitude="7,30.0W" {more}"#);
        location(&[], &xmp).map(|location| (location.lat, location.lon))
    };
    let of = |text: &str| latitude(&format!("exif:GPSLatitude=\"{text}\""));
    assert_eq!(of("45,30.0N"), Some((45.5, -7.5)));
    assert_eq!(of("45,30,0S"), Some((-45.5, -7.5)));
    assert_eq!(of("-45.5"), Some((-45.5, -7.5)));
    assert_eq!(of("45 deg 30' 0.00&quot; S"), Some((-45.5, -7.5)));
    assert_eq!(of("48,51,29.6,1N"), None);
    assert_eq!(of("45,30.0E"), None);
    let apart = r#"exif:GPSLatitude="45.5" exif:GPSLatitudeRef="S""#;
    assert_eq!(latitude(apart), Some((-45.5, -7.5)));
}

#[test]
fn direction_speed_altitude_and_time_are_read_from_xmp() {
    let xmp = r#"exif:GPSLatitude="45,30.0N" exif:GPSLongitude="73,30.0W"
        exif:GPSImgDirection="1763/10" exif:GPSSpeed="10/1" exif:GPSSpeedRef="N"
        exif:GPSAltitude="123/10" exif:GPSAltitudeRef="1""#;
    let of = |time: &str, gps: &[GpsEntry<'_>]| {
        let xmp = format!("{xmp} exif:GPSTimeStamp=\"{time}\"");
        location(gps, &xmp).expect("a position")
    };
    let found = of("2020-01-02T03:04:05Z", &[]);
    assert_eq!((found.direction, found.speed), (Some(176.3), Some(18.52)));
    assert_eq!(found.alt, Some(-12.3));
    assert_eq!(found.timestamp.as_deref(), Some("2020-01-02T03:04:05Z"));
    let time = |time| of(time, &[]).timestamp;
    let wanted = Some("2020-01-01T23:34:05.500Z".to_owned());
    assert_eq!(time("2020-01-02T05:04:05.5+05:30"), wanted);
    assert_eq!(time("2020-01-01T23:34:05.5"), wanted);
    assert_eq!(time("03:04:05"), None);
    assert_eq!(time("2020-02-30T03:04:05Z"), None);

    // EXIF has priority, if its values are possible.
    let degrees = (rationals(&[45]), rationals(&[7]));
    let (direction, speed) = (rationals(&[90]), rationals(&[36]));
    let gps: [GpsEntry<'_>; 6] = [
        (1, 2, b"N\0"),
        (2, 5, &degrees.0),
        (3, 2, b"E\0"),
        (4, 5, &degrees.1),
        (13, 5, &speed),
        (17, 5, &direction),
    ];
    let found = of("2020-01-02T03:04:05Z", &gps);
    assert_eq!(
        (found.lat, found.direction, found.speed),
        (45.0, Some(90.0), Some(36.0))
    );
    let impossible = rationals(&[361]);
    let gps = [gps[0], gps[1], gps[2], gps[3], (17, 5, &impossible)];
    assert_eq!(of("", &gps).direction, Some(176.3));
}
