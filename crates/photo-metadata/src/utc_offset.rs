//! Offsets from UTC: parses them, and reports whether a place has them.

use chrono::FixedOffset;

use super::text_scanner::{take_number, take_separator};

/// The least and the greatest offset from UTC that any place has, in seconds.
const OFFSETS_ON_EARTH: std::ops::RangeInclusive<i32> = -12 * 3600..=14 * 3600;

/// The offsets from UTC that places have had since the year 2000: the offset in quarters of an
/// hour, and a range of longitudes in degrees at which it was in use. Summer time is included, and
/// the time zones at sea. The ranges come from the tz database and the boundaries of its zones
/// (timezone-boundary-builder), sampled every half degree, without the time of New Zealand at the
/// South Pole.
#[rustfmt::skip]
const OFFSET_LONGITUDES: &[(i32, f64, f64)] = &[
    (-48, -180.0, -172.5), (-44, -178.5, -157.5), (-40, -180.0, -136.5), (-40, 172.5, 180.0),
    (-38, -141.0, -138.0), (-36, -180.0, -127.5), (-36, 172.5, 180.0), (-32, -173.5, -112.5),
    (-28, -141.0, -89.0), (-24, -136.5, -60.0), (-20, -120.5, -60.0), (-18, -73.5, -60.0),
    (-16, -91.0, -35.0), (-14, -60.5, -52.5), (-12, -81.0, -10.5), (-10, -60.5, -52.5),
    (-8, -73.5, -10.5), (-4, -68.5, -7.5), (0, -31.5, 25.0), (4, -18.5, 34.5), (8, -9.5, 45.0),
    (12, 19.0, 70.0), (14, 44.0, 63.5), (16, 26.5, 70.0), (18, 44.0, 74.5), (20, 40.0, 115.0),
    (22, 68.0, 97.5), (23, 80.0, 88.5), (24, 51.0, 97.5), (26, 92.0, 100.5), (28, 63.0, 116.5),
    (32, 75.0, 160.0), (34, 124.0, 131.0), (35, 125.5, 129.0), (36, 93.0, 160.0),
    (38, 129.0, 142.0), (39, 125.5, 129.0), (40, 106.0, 163.0), (42, 129.0, 142.0),
    (42, 158.5, 159.5), (44, -180.0, -169.0), (44, 97.0, 180.0), (46, 167.5, 168.5),
    (48, 155.0, 180.0), (48, -180.0, -168.0), (51, -177.5, -175.5), (52, 163.0, 180.0),
    (52, -180.0, -157.0), (55, -177.5, -175.5), (56, -177.0, -150.0),
];

/// Returns the offset with this number of quarters of an hour, if a place at this longitude has or
/// had it. The longitude is in degrees, positive to the east.
pub(crate) fn offset_at_longitude(quarters: i64, longitude: f64) -> Option<FixedOffset> {
    let quarters = i32::try_from(quarters).ok()?;
    let is_used = OFFSET_LONGITUDES
        .iter()
        .any(|&(offset, west, east)| offset == quarters && (west..=east).contains(&longitude));
    if is_used {
        FixedOffset::east_opt(quarters.checked_mul(900)?)
    } else {
        None
    }
}

/// Parses an offset from UTC: `+01:00`, `-0330`, `+1`, `Z`, `UTC`, `GMT` or `UTC+2`. Returns `None`
/// for an offset that no place on earth has.
pub(crate) fn parse_offset(text: &str) -> Option<FixedOffset> {
    let text = text.trim();
    let mut rest = ["UTC", "GMT"]
        .iter()
        .find_map(|name| strip_prefix_ignoring_case(text, name))
        .unwrap_or(text);
    let is_utc = rest.len() < text.len() && rest.is_empty();
    if is_utc || rest.eq_ignore_ascii_case("z") {
        return FixedOffset::east_opt(0);
    }
    let sign = if take_separator(&mut rest, "-\u{2212}").is_some() {
        -1
    } else {
        take_separator(&mut rest, "+")?;
        1
    };
    let hours = take_number(&mut rest, 1, 2)?;
    take_separator(&mut rest, ":");
    let minutes = if rest.is_empty() {
        0
    } else {
        take_number(&mut rest, 2, 2)?
    };
    let seconds = hours
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?;
    let seconds = i32::try_from(seconds).ok()?.checked_mul(sign)?;
    // Every place has an offset of whole quarters of an hour.
    let on_earth = minutes % 15 == 0 && minutes < 60 && OFFSETS_ON_EARTH.contains(&seconds);
    if on_earth && rest.is_empty() {
        FixedOffset::east_opt(seconds)
    } else {
        None
    }
}

/// Returns the offset of a time zone of North America that is written as letters, such as `EST`
/// (RFC 5322 4.3). Other abbreviations are ambiguous.
pub(crate) fn parse_zone_letters(text: &str) -> Option<FixedOffset> {
    let hours = match text.trim().to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    FixedOffset::east_opt(hours * 3600)
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_that_no_place_has_are_none() {
        for (text, seconds) in [
            ("+05:45", 20_700),
            ("-0330", -12_600),
            ("Z", 0),
            ("UTC", 0),
            (" gmt ", 0),
            ("GMT+02:00", 7200),
            ("+1", 3600),
        ] {
            assert_eq!(parse_offset(text), FixedOffset::east_opt(seconds), "{text}");
        }
        for text in [
            "+15:00", "+01:75", "+01:07", "    :  ", "", "PM", "01:00", "+01:00 x",
        ] {
            assert_eq!(parse_offset(text), None, "{text}");
        }
    }

    #[test]
    fn offset_must_exist_at_the_longitude() {
        for (quarters, longitude, exists) in [
            (8, 13.4, true),    // Berlin in summer
            (10, 13.4, false),  // a fix that is 30 minutes old
            (12, 13.4, false),  // a fix that is 60 minutes old
            (22, 77.2, true),   // Delhi
            (23, 85.3, true),   // Kathmandu
            (23, 77.2, false),  // Delhi, 15 minutes late
            (-14, -52.7, true), // St. John's
            (-10, 2.3, false),  // Paris
            (51, -176.5, true), // Chatham Islands
            (56, -157.4, true), // Kiritimati
            (56, 13.4, false),
            (57, 0.0, false),
            (i64::MAX, 0.0, false),
        ] {
            let offset = offset_at_longitude(quarters, longitude);
            assert_eq!(offset.is_some(), exists, "{quarters} {longitude}");
        }
    }

    #[test]
    fn zones_of_north_america_have_letters() {
        assert_eq!(parse_zone_letters("EST"), FixedOffset::west_opt(5 * 3600));
        assert_eq!(parse_zone_letters("IST"), None);
    }
}
