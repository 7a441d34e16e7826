//! Where a photo was taken: the GPS IFD (EXIF 3.0 4.6.7), else XMP. Impossible positions, and the one that unset
//! receivers write (0, 0), are none.

use super::capture::gps_stamp;
use super::normalise::{fraction, real, whole};
use super::text;
use super::tiff::{Field, Fields, Ifd, Number};
use super::xmp::Xmp;
use crate::location::{Location, LocationPrecision};

/// The position, exactly as recorded.
pub(crate) fn location(fields: &Fields<'_>, xmp: &Xmp) -> Option<Location> {
    let from_fields = || {
        Some((
            degrees(fields, 0x02, 0x01, b'S')?,
            degrees(fields, 0x04, 0x03, b'W')?,
        ))
    };
    let from_xmp = || {
        Some((
            xmp_degrees(xmp.get("exif:GPSLatitude")?)?,
            xmp_degrees(xmp.get("exif:GPSLongitude")?)?,
        ))
    };
    let (lat, lon) = from_fields()
        .filter(|&at| is_possible(at))
        .or_else(|| from_xmp().filter(|&at| is_possible(at)))?;
    let gps = |tag| fields.get(Ifd::Gps, tag);
    Some(Location {
        lat,
        lon,
        alt: altitude(fields).or_else(|| xmp_altitude(xmp)),
        precision: LocationPrecision::Exact,
        direction: gps(0x11)
            .and_then(real)
            .filter(|d| (0.0..=360.0).contains(d)),
        speed: gps(0x0d)
            .and_then(real)
            .filter(|&v| v >= 0.0)
            .and_then(|speed| {
                // K: km/h, M: miles, N: knots (EXIF 3.0 4.6.7.1.13).
                match gps(0x0c).and_then(text::of).as_deref() {
                    None | Some("K" | "k") => Some(speed),
                    Some("M" | "m") => Some(speed * 1.609_344),
                    Some("N" | "n") => Some(speed * 1.852),
                    _ => None,
                }
            }),
        timestamp: gps_stamp(fields).map(|stamp| stamp.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string()),
    })
}

fn is_possible((lat, lon): (f64, f64)) -> bool {
    (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) && (lat != 0.0 || lon != 0.0)
}

/// Degrees, minutes and seconds with their hemisphere; without a hemisphere a position is none.
fn degrees(fields: &Fields<'_>, tag: u16, reference: u16, negative: u8) -> Option<f64> {
    let field = fields.get(Ifd::Gps, tag)?;
    let reference = text::of(fields.get(Ifd::Gps, reference)?)?;
    let degrees = match field.number(0) {
        Some(_) => sexagesimal(field)?,
        None => xmp_degrees(&text::of(field)?)?,
    };
    let first = reference.bytes().next()?.to_ascii_uppercase();
    Some(if first == negative { -degrees } else { degrees })
}

/// A missing or undefined (0/0) second or minute is nothing; the degrees must be there.
fn sexagesimal(field: &Field<'_>) -> Option<f64> {
    let part = |index| field.number(index).and_then(Number::value);
    Some(part(0)? + part(1).unwrap_or(0.0) / 60.0 + part(2).unwrap_or(0.0) / 3600.0)
}

/// EXIF 3.0 4.6.7.1.6: references 1 and 3 are below.
fn altitude(fields: &Fields<'_>) -> Option<f64> {
    let metres = fields.get(Ifd::Gps, 0x06).and_then(real)?;
    let reference = fields.get(Ifd::Gps, 0x05);
    let below = reference
        .and_then(|f| whole(f, 0))
        .is_some_and(|reference| matches!(reference, 1 | 3));
    Some(if below { -metres.abs() } else { metres })
}

fn xmp_altitude(xmp: &Xmp) -> Option<f64> {
    let metres = xmp.get("exif:GPSAltitude").and_then(fraction)?;
    Some(
        if matches!(xmp.get("exif:GPSAltitudeRef"), Some("1" | "3")) {
            -metres.abs()
        } else {
            metres
        },
    )
}

/// `45,28.2N`, `45,28,12N` (XMP part 2, 2.4), or plain signed degrees.
fn xmp_degrees(text: &str) -> Option<f64> {
    let text = text.trim();
    let (numbers, negative) = match text.chars().last()?.to_ascii_uppercase() {
        'N' | 'E' => (text.get(..text.len() - 1)?, false),
        'S' | 'W' => (text.get(..text.len() - 1)?, true),
        _ => (text, false),
    };
    let mut degrees = 0.0;
    let mut unit = 1.0;
    for part in numbers.split(',') {
        degrees += part.trim().parse::<f64>().ok()? / unit;
        unit *= 60.0;
    }
    crate::record::storable_number(if negative { -degrees } else { degrees })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xmp_writes_degrees_with_minutes() {
        assert_eq!(xmp_degrees("45,30.0N"), Some(45.5));
        assert_eq!(xmp_degrees("45,30,36W"), Some(-45.51));
        assert_eq!(xmp_degrees("-45.5"), Some(-45.5));
        assert_eq!(
            (xmp_degrees("north"), xmp_degrees(""), xmp_degrees("é")),
            (None, None, None)
        );
    }

    #[test]
    fn no_position_is_both_zero_or_beyond_the_poles() {
        assert!(!is_possible((0.0, 0.0)));
        assert!(!is_possible((91.0, 1.0)));
        assert!(is_possible((0.0, 1.0)));
    }
}
