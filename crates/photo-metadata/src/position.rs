//! Finds the position of a photo: in the GPS IFD (EXIF 3.0 4.6.7), or else in XMP. An IFD (image
//! file directory) is a table of tags.
//!
//! Impossible positions are ignored. The position 0, 0 is ignored too, because GPS receivers
//! without a fix write it. A position is also ignored if it has no hemisphere, or if its sign
//! contradicts its hemisphere.

use chrono::{DateTime, NaiveDateTime};

use super::date_time::gps_date_time;
use super::degrees::{CoordinateAxis, ParsedDegrees, parse_degrees};
use super::field_value::{as_fractions, parse_fraction, real_number, whole_number};
use super::location::{Location, LocationPrecision};
use super::tag;
use super::text::field_text;
use super::tiff::{FieldNumber, Ifd, IfdField, IfdFields};
use super::xmp::XmpProperties;

/// Returns the position in the file, without rounding. Returns `None` if there is no possible
/// position.
pub(crate) fn find_location(fields: &IfdFields<'_>, xmp: &XmpProperties) -> Option<Location> {
    let from_fields = || {
        Some((
            field_degrees(
                fields,
                tag::GPS_LATITUDE,
                tag::GPS_LATITUDE_REF,
                CoordinateAxis::Latitude,
            )?,
            field_degrees(
                fields,
                tag::GPS_LONGITUDE,
                tag::GPS_LONGITUDE_REF,
                CoordinateAxis::Longitude,
            )?,
        ))
    };
    let from_xmp = || {
        Some((
            xmp_degrees(
                xmp,
                "exif:GPSLatitude",
                "exif:GPSLatitudeRef",
                CoordinateAxis::Latitude,
            )?,
            xmp_degrees(
                xmp,
                "exif:GPSLongitude",
                "exif:GPSLongitudeRef",
                CoordinateAxis::Longitude,
            )?,
        ))
    };
    let (lat, lon) = from_fields()
        .filter(|&at| is_possible(at))
        .or_else(|| from_xmp().filter(|&at| is_possible(at)))?;
    Some(Location {
        lat,
        lon,
        alt: altitude(fields).or_else(|| xmp_altitude(xmp)),
        precision: LocationPrecision::Exact,
        direction: direction(fields, xmp),
        speed: speed(fields).or_else(|| xmp_speed(xmp)),
        timestamp: gps_date_time(fields)
            .or_else(|| xmp_date_time(xmp))
            .map(|stamp| stamp.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string()),
    })
}

/// Reports whether a position is on the globe, and is not 0, 0.
pub(crate) fn is_possible((lat, lon): (f64, f64)) -> bool {
    (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) && (lat != 0.0 || lon != 0.0)
}

/// Returns the first text of a tag in the GPS IFD that is not blank.
fn gps_text(fields: &IfdFields<'_>, tag: u16) -> Option<String> {
    fields.all(Ifd::Gps, tag).find_map(field_text)
}

/// Returns the first number of a tag in the GPS IFD that can be read.
fn gps_number(fields: &IfdFields<'_>, tag: u16) -> Option<f64> {
    fields.all(Ifd::Gps, tag).find_map(real_number)
}

/// Returns the coordinate in the field `tag`, in degrees. The field `reference` contains the
/// hemisphere. If the coordinate is text, the hemisphere may be in this text. Returns `None` if the
/// coordinate or the hemisphere is missing.
fn field_degrees(
    fields: &IfdFields<'_>,
    tag: u16,
    reference: u16,
    axis: CoordinateAxis,
) -> Option<f64> {
    let read = |field: &IfdField<'_>| match field.number(0) {
        Some(_) => sexagesimal(field),
        None => parse_degrees(&field_text(field)?, axis),
    };
    let degrees = fields.all(Ifd::Gps, tag).find_map(read)?;
    match gps_text(fields, reference) {
        Some(reference) => degrees.in_hemisphere(axis.hemisphere(&reference)?),
        None => degrees.in_own_hemisphere(),
    }
}

/// Returns degrees, minutes and seconds. A minute or a second that is missing or undefined (0/0)
/// counts as 0. Returns `None` if the degrees are missing, or if there are more than three parts.
fn sexagesimal(field: &IfdField<'_>) -> Option<ParsedDegrees> {
    let field = as_fractions(field, 3);
    let part = |index| field.number(index).and_then(FieldNumber::value);
    let parts = [part(0)?, part(1).unwrap_or(0.0), part(2).unwrap_or(0.0)];
    (field.count <= 3).then(|| ParsedDegrees::of_parts(&parts))
}

/// Returns the coordinate in an XMP property, in degrees. A number without a hemisphere is in
/// degrees already, and negative in the south and west.
fn xmp_degrees(
    xmp: &XmpProperties,
    name: &str,
    reference: &str,
    axis: CoordinateAxis,
) -> Option<f64> {
    let degrees = parse_degrees(xmp.get(name)?, axis)?;
    // The hemisphere is part of the coordinate (XMP part 2, 2.4). Some programs write it apart.
    match xmp.get(reference) {
        Some(reference) => degrees.in_hemisphere(axis.hemisphere(reference)?),
        None => degrees.in_own_hemisphere().or_else(|| degrees.signed()),
    }
}

/// Returns the altitude in metres, negative below sea level. GPSAltitudeRef 1 and 3 mean below sea
/// level (EXIF 3.0 4.6.7.1.6).
fn altitude(fields: &IfdFields<'_>) -> Option<f64> {
    let metres = gps_number(fields, tag::GPS_ALTITUDE)?;
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

/// Returns the direction of view in degrees.
fn direction(fields: &IfdFields<'_>, xmp: &XmpProperties) -> Option<f64> {
    let is_direction = |degrees: &f64| (0.0..=360.0).contains(degrees);
    let in_xmp = || xmp.get("exif:GPSImgDirection").and_then(parse_fraction);
    gps_number(fields, tag::GPS_IMG_DIRECTION)
        .filter(is_direction)
        .or_else(|| in_xmp().filter(is_direction))
}

/// Returns the speed in km/h.
fn speed(fields: &IfdFields<'_>) -> Option<f64> {
    let reference = gps_text(fields, tag::GPS_SPEED_REF);
    kilometres_per_hour(gps_number(fields, tag::GPS_SPEED)?, reference.as_deref())
}

fn xmp_speed(xmp: &XmpProperties) -> Option<f64> {
    let speed = xmp.get("exif:GPSSpeed").and_then(parse_fraction)?;
    kilometres_per_hour(speed, xmp.get("exif:GPSSpeedRef"))
}

/// Converts a speed to km/h. `unit` is K for km/h, M for miles per hour, N for knots (EXIF 3.0
/// 4.6.7.1.13). Returns `None` for a negative speed and for another unit.
fn kilometres_per_hour(speed: f64, unit: Option<&str>) -> Option<f64> {
    let factor = match unit {
        None | Some("K" | "k") => 1.0,
        Some("M" | "m") => 1.609_344,
        Some("N" | "n") => 1.852,
        _ => return None,
    };
    (speed >= 0.0).then_some(speed * factor)
}

/// Returns the time of the GPS receiver in UTC, from XMP. There it is one text with the date, and
/// without an offset it is in UTC (XMP part 2, 2.4).
fn xmp_date_time(xmp: &XmpProperties) -> Option<NaiveDateTime> {
    let text = xmp.get("exif:GPSTimeStamp")?;
    let with_offset = DateTime::parse_from_rfc3339(text).ok();
    with_offset
        .map(|stamp| stamp.naive_utc())
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_zero_and_positions_beyond_the_poles_are_ignored() {
        assert!(!is_possible((0.0, 0.0)));
        assert!(!is_possible((91.0, 1.0)));
        assert!(is_possible((0.0, 1.0)));
    }
}
