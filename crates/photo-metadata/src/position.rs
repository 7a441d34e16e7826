//! Finds the position of a photo: in the GPS IFD (EXIF 3.0 4.6.7), or else in XMP. An IFD (image
//! file directory) is a table of tags.
//!
//! Impossible positions are ignored. The position 0, 0 is ignored too, because a GPS receiver that
//! does not know its position writes it.

use super::date_time::gps_date_time;
use super::field_value::{parse_fraction, real_number, whole_number};
use super::location::{Location, LocationPrecision};
use super::record::storable_number;
use super::tag;
use super::text::field_text;
use super::tiff::{FieldNumber, Ifd, IfdField, IfdFields};
use super::xmp::XmpProperties;

/// Returns the position in the file, without rounding. Returns `None` if there is no possible
/// position.
pub(crate) fn find_location(fields: &IfdFields<'_>, xmp: &XmpProperties) -> Option<Location> {
    let from_fields = || {
        Some((
            degrees(fields, tag::GPS_LATITUDE, tag::GPS_LATITUDE_REF, b'S')?,
            degrees(fields, tag::GPS_LONGITUDE, tag::GPS_LONGITUDE_REF, b'W')?,
        ))
    };
    let from_xmp = || {
        Some((
            parse_degrees(xmp.get("exif:GPSLatitude")?)?,
            parse_degrees(xmp.get("exif:GPSLongitude")?)?,
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
        direction: gps(tag::GPS_IMG_DIRECTION)
            .and_then(real_number)
            .filter(|d| (0.0..=360.0).contains(d)),
        speed: gps(tag::GPS_SPEED)
            .and_then(real_number)
            .filter(|&v| v >= 0.0)
            .and_then(|speed| {
                // K: km/h, M: miles, N: knots (EXIF 3.0 4.6.7.1.13).
                match gps(tag::GPS_SPEED_REF).and_then(field_text).as_deref() {
                    None | Some("K" | "k") => Some(speed),
                    Some("M" | "m") => Some(speed * 1.609_344),
                    Some("N" | "n") => Some(speed * 1.852),
                    _ => None,
                }
            }),
        timestamp: gps_date_time(fields)
            .map(|stamp| stamp.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string()),
    })
}

fn is_possible((lat, lon): (f64, f64)) -> bool {
    (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) && (lat != 0.0 || lon != 0.0)
}

/// Returns the coordinate in the field `tag`, in degrees. The field `reference` contains the
/// hemisphere. If the hemisphere begins with the letter `negative`, the result is negative. Returns
/// `None` if the coordinate or the hemisphere is missing.
fn degrees(fields: &IfdFields<'_>, tag: u16, reference: u16, negative: u8) -> Option<f64> {
    let field = fields.get(Ifd::Gps, tag)?;
    let reference = field_text(fields.get(Ifd::Gps, reference)?)?;
    let degrees = match field.number(0) {
        Some(_) => sexagesimal(field)?,
        None => parse_degrees(&field_text(field)?)?,
    };
    let first = reference.bytes().next()?.to_ascii_uppercase();
    Some(if first == negative { -degrees } else { degrees })
}

/// Returns the sum of degrees, minutes and seconds, in degrees. A minute or a second that is
/// missing or undefined (0/0) counts as 0. Returns `None` if the degrees are missing.
fn sexagesimal(field: &IfdField<'_>) -> Option<f64> {
    let part = |index| field.number(index).and_then(FieldNumber::value);
    Some(part(0)? + part(1).unwrap_or(0.0) / 60.0 + part(2).unwrap_or(0.0) / 3600.0)
}

/// Returns the altitude in metres, negative below sea level. GPSAltitudeRef 1 and 3 mean below sea
/// level (EXIF 3.0 4.6.7.1.6).
fn altitude(fields: &IfdFields<'_>) -> Option<f64> {
    let metres = fields
        .get(Ifd::Gps, tag::GPS_ALTITUDE)
        .and_then(real_number)?;
    let reference = fields.get(Ifd::Gps, tag::GPS_ALTITUDE_REF);
    let below = reference
        .and_then(|f| whole_number(f, 0))
        .is_some_and(|reference| matches!(reference, 1 | 3));
    Some(if below { -metres.abs() } else { metres })
}

fn xmp_altitude(xmp: &XmpProperties) -> Option<f64> {
    let metres = xmp.get("exif:GPSAltitude").and_then(parse_fraction)?;
    Some(
        if matches!(xmp.get("exif:GPSAltitudeRef"), Some("1" | "3")) {
            -metres.abs()
        } else {
            metres
        },
    )
}

/// Parses a coordinate and returns it in degrees: `45,30.0N` (degrees and minutes) gives 45.5, and
/// so does `45,30,0N` (XMP part 2, 2.4). A number without a letter is in degrees already.
fn parse_degrees(text: &str) -> Option<f64> {
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
    storable_number(if negative { -degrees } else { degrees })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_of_xmp_have_minutes() {
        assert_eq!(parse_degrees("45,30.0N"), Some(45.5));
        assert_eq!(parse_degrees("45,30,36W"), Some(-45.51));
        assert_eq!(parse_degrees("-45.5"), Some(-45.5));
        assert_eq!(
            (
                parse_degrees("north"),
                parse_degrees(""),
                parse_degrees("é")
            ),
            (None, None, None)
        );
    }

    #[test]
    fn zero_zero_and_positions_beyond_the_poles_are_ignored() {
        assert!(!is_possible((0.0, 0.0)));
        assert!(!is_possible((91.0, 1.0)));
        assert!(is_possible((0.0, 1.0)));
    }
}
