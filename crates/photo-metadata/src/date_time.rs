//! Dates and times as cameras and programs write them. An impossible date is `None`, and is never
//! clamped to a possible one.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::tag;
use super::text::field_text;
use super::tiff::{Ifd, IfdField, IfdFields};

/// The first year that is recognised in the name of a file. A smaller number has another meaning,
/// because there were no digital cameras before.
const FIRST_YEAR_IN_A_NAME: i32 = 1980;

/// The result of parsing a date: a wall-clock time, and an offset from UTC if the text has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedDateTime {
    pub(crate) local: NaiveDateTime,
    pub(crate) offset: Option<FixedOffset>,
    /// `false` if the text has a day only. Then the time is midnight.
    has_time: bool,
}

impl ParsedDateTime {
    /// Returns a date with this wall-clock time and without an offset.
    pub(crate) fn from_local(local: NaiveDateTime) -> Self {
        ParsedDateTime {
            local,
            offset: None,
            has_time: true,
        }
    }

    /// Returns the date with these milliseconds added to the wall-clock time.
    pub(crate) fn plus_milliseconds(self, milliseconds: i64) -> Self {
        let local = self
            .local
            .checked_add_signed(TimeDelta::milliseconds(milliseconds));
        ParsedDateTime {
            local: local.unwrap_or(self.local),
            ..self
        }
    }
}

/// Parses a date in the form of EXIF (`2018:02:01 09:41:07`), in the form of XMP (ISO 8601; the
/// time may be missing or incomplete, the day may not), or in a similar form that a careless
/// program writes. Returns `None` if the text is not a date, or the date is impossible.
pub(crate) fn parse_date_time(text: &str) -> Option<ParsedDateTime> {
    let mut rest = text.trim();
    let year = take_number(&mut rest, 4, 4)?;
    take_separator(&mut rest, ":-/.")?;
    let month = take_number(&mut rest, 1, 2)?;
    take_separator(&mut rest, ":-/.")?;
    let day = take_number(&mut rest, 1, 2)?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    let Some(()) = take_separator(&mut rest, " T:") else {
        let local = date.and_time(NaiveTime::MIN);
        return rest.is_empty().then_some(ParsedDateTime {
            local,
            offset: None,
            has_time: false,
        });
    };
    rest = rest.trim_start();
    let hour = take_number(&mut rest, 1, 2)?;
    take_separator(&mut rest, ":.")?;
    let minute = take_number(&mut rest, 1, 2)?;
    let second = if take_separator(&mut rest, ":.").is_some() {
        take_number(&mut rest, 1, 2)?
    } else {
        0
    };
    let mut time = NaiveTime::from_hms_opt(hour, minute, second)?;
    if take_separator(&mut rest, ".").is_some() {
        let digits: usize = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, after) = rest.split_at(digits);
        let fraction = parse_milliseconds(fraction).unwrap_or(0);
        time = time
            .overflowing_add_signed(TimeDelta::milliseconds(fraction))
            .0;
        rest = after;
    }
    Some(ParsedDateTime {
        local: date.and_time(time),
        offset: parse_offset(rest),
        has_time: true,
    })
}

/// Converts the digits after the decimal point of a second to milliseconds (EXIF 3.0 4.6.6.5): `67`
/// gives 670.
pub(crate) fn parse_milliseconds(digits: &str) -> Option<i64> {
    let digits = digits.trim();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<3}").get(..3)?.parse().ok()
}

/// Converts an EXIF date and time to ISO 8601: `2018:02:01 09:41:07` gives `2018-02-01T09:41:07`.
/// Returns `None` if the text is not a date.
pub(crate) fn to_iso_date_time(text: &str) -> Option<String> {
    let parsed = parse_date_time(text)?;
    let format = if parsed.has_time {
        "%Y-%m-%dT%H:%M:%S%.f"
    } else {
        "%Y-%m-%d"
    };
    let offset = parsed
        .offset
        .map(|offset| offset.to_string())
        .unwrap_or_default();
    Some(parsed.local.format(format).to_string() + &offset)
}

/// Converts an EXIF date to a day in ISO 8601: `2018:02:01` gives `2018-02-01`. Returns `None` if
/// the text is not a date.
pub(crate) fn to_iso_date(text: &str) -> Option<String> {
    parse_date_time(text).map(|parsed| parsed.local.format("%Y-%m-%d").to_string())
}

/// Parses an offset from UTC: `+01:00`, `-0330` or `Z`. Returns `None` for an offset that no place
/// on earth has.
pub(crate) fn parse_offset(text: &str) -> Option<FixedOffset> {
    let mut rest = text.trim();
    if rest.eq_ignore_ascii_case("z") {
        return FixedOffset::east_opt(0);
    }
    let sign = if take_separator(&mut rest, "-").is_some() {
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
    let seconds = i32::try_from(
        hours
            .checked_mul(3600)?
            .checked_add(minutes.checked_mul(60)?)?,
    )
    .ok()?
    .checked_mul(sign)?;
    let on_earth = minutes < 60 && (-12 * 3600..=14 * 3600).contains(&seconds) && rest.is_empty();
    if on_earth {
        FixedOffset::east_opt(seconds)
    } else {
        None
    }
}

/// Returns the time of the GPS receiver in UTC, from the fields GPSDateStamp and GPSTimeStamp.
pub(crate) fn gps_date_time(fields: &IfdFields<'_>) -> Option<NaiveDateTime> {
    let date = parse_date_time(&field_text(fields.get(Ifd::Gps, tag::GPS_DATE_STAMP)?)?)?
        .local
        .date();
    let time = gps_time_of_day(fields.get(Ifd::Gps, tag::GPS_TIME_STAMP)?)?;
    Some(date.and_time(time))
}

/// Parses the field GPSTimeStamp: hours, minutes and seconds as three rational numbers. Also
/// accepts a text, which some programs write against the standard.
pub(crate) fn gps_time_of_day(field: &IfdField<'_>) -> Option<NaiveTime> {
    if let Some(text) = field_text(field).filter(|_| field.number(0).is_none()) {
        return parse_date_time(&format!("2000:01:01 {text}")).map(|parsed| parsed.local.time());
    }
    let part = |index| {
        field
            .number(index)?
            .value()
            .filter(|v| (0.0..60.0).contains(v))
    };
    let seconds = part(0)? * 3600.0 + part(1)? * 60.0 + part(2)?;
    let milliseconds = (seconds * 1000.0).round();
    if !(0.0..86_400_000.0).contains(&milliseconds) {
        return None;
    }
    let milliseconds = milliseconds as u32;
    NaiveTime::from_num_seconds_from_midnight_opt(
        milliseconds / 1000,
        milliseconds % 1000 * 1_000_000,
    )
}

/// Finds a date in the name of a file: `IMG_20180201_094107`, `2018-02-01 09.41.07`,
/// `Screenshot_2018-02-01-09-41-07`. If the name has a day only (`IMG-20180201-WA0001`), the time
/// is midnight. Returns `None` for a name that begins with `PXL_`, because its time is in UTC.
pub(crate) fn find_date_in_file_name(name: &str) -> Option<NaiveDateTime> {
    if name.starts_with("PXL_") {
        return None;
    }
    (0..name.len()).find_map(|start| {
        let before = name.get(..start)?;
        if before.ends_with(|c: char| c.is_ascii_digit()) {
            None
        } else {
            parse_date_prefix(name.get(start..)?)
        }
    })
}

/// Parses a date at the start of `rest`, and the time after the date. If no time follows, returns
/// midnight.
fn parse_date_prefix(mut rest: &str) -> Option<NaiveDateTime> {
    let year = take_number(&mut rest, 4, 4).and_then(|year| i32::try_from(year).ok())?;
    let between = take_any_separator(&mut rest);
    let month = take_number(&mut rest, 2, 2)?;
    if take_any_separator(&mut rest) != between {
        return None;
    }
    let day = take_number(&mut rest, 2, 2)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)
        .filter(|_| (FIRST_YEAR_IN_A_NAME..=2100).contains(&year))?;
    let time = parse_time_prefix(rest);
    let boundary = !rest.starts_with(|c: char| c.is_ascii_digit());
    match time {
        Some(time) => Some(date.and_time(time)),
        None => boundary.then(|| date.and_time(NaiveTime::MIN)),
    }
}

/// Parses a time at the start of `rest`: `094107`, `09-41-07` or `9.41.07 PM`.
fn parse_time_prefix(mut rest: &str) -> Option<NaiveTime> {
    rest = rest
        .strip_prefix(" at ")
        .unwrap_or_else(|| rest.trim_start_matches(['_', '-', ' ', 'T']));
    let hour = take_number(&mut rest, 1, 2)?;
    let between = take_any_separator(&mut rest);
    let minute = take_number(&mut rest, 2, 2)?;
    if take_any_separator(&mut rest) != between {
        return None;
    }
    let second = take_number(&mut rest, 2, 2)?;
    // Up to three more digits are milliseconds. If there are more than three, this is not a time.
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 3 {
        return None;
    }
    let afternoon = rest.trim_start().get(..2).map(str::to_ascii_uppercase);
    let hour = match (afternoon.as_deref(), hour) {
        (Some("PM"), 1..=11) => hour + 12,
        (Some("AM"), 12) => 0,
        _ => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, second)
}

/// Removes a separator (`-`, `.`, `_` or `:`) from the start of `rest`, and returns it. Returns
/// `None` if there is no separator.
fn take_any_separator(rest: &mut &str) -> Option<char> {
    let first = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '.' | '_' | ':'))?;
    *rest = rest.get(first.len_utf8()..).unwrap_or_default();
    Some(first)
}

/// Removes the first character of `rest` if it is one of the characters in `of`. Returns `None`,
/// and leaves `rest` unchanged, if it is not.
fn take_separator(rest: &mut &str, of: &str) -> Option<()> {
    let first = rest.chars().next().filter(|&c| of.contains(c))?;
    *rest = rest.get(first.len_utf8()..)?;
    Some(())
}

/// Removes a number of `least` to `most` digits from the start of `rest`, and returns the number.
/// Returns `None` if there are fewer than `least` digits.
fn take_number(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let digits = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits < least {
        return None;
    }
    let (number, after) = rest.split_at(digits);
    *rest = after;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Option<String> {
        parse_date_time(text).map(|w| w.local.format("%FT%T%.f").to_string())
    }

    #[test]
    fn dates_are_parsed_in_every_common_form() {
        assert_eq!(
            local("2018:02:01 09:41:07").as_deref(),
            Some("2018-02-01T09:41:07")
        );
        assert_eq!(
            local("2018-02-01T09:41:07.67+01:00").as_deref(),
            Some("2018-02-01T09:41:07.670")
        );
        assert_eq!(
            parse_date_time("2018-02-01T09:41:07+01:00").and_then(|w| w.offset),
            FixedOffset::east_opt(3600)
        );
        assert_eq!(
            local("2018-02-01T09:41").as_deref(),
            Some("2018-02-01T09:41:00")
        );
        assert_eq!(local("2018-02-01").as_deref(), Some("2018-02-01T00:00:00"));
    }

    #[test]
    fn impossible_dates_are_none() {
        for text in [
            "0000:00:00 00:00:00",
            "2018:103:01 00:00:00",
            "2018:02:30 00:00:00",
            "2018:02:01 25:00:00",
            "",
            "2018",
        ] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_that_no_place_has_are_none() {
        assert_eq!(parse_offset("+05:45"), FixedOffset::east_opt(20_700));
        assert_eq!(parse_offset("-0330"), FixedOffset::west_opt(12_600));
        assert_eq!(parse_offset("Z"), FixedOffset::east_opt(0));
        assert_eq!(
            (
                parse_offset("+15:00"),
                parse_offset("+01:75"),
                parse_offset("    :  ")
            ),
            (None, None, None)
        );
    }

    #[test]
    fn dates_in_file_names_are_found() {
        let name = |name| find_date_in_file_name(name).map(|at| at.format("%F %T").to_string());
        assert_eq!(
            name("IMG_20180201_094107.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("IMG_20180201_094107_1.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("2018-02-01 09.41.07.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("Screenshot_2018-02-01-09-41-07.png").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("Screen Shot 2018-02-01 at 9.41.07 PM.png").as_deref(),
            Some("2018-02-01 21:41:07")
        );
        assert_eq!(
            name("20180201094107123.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("IMG-20180201-WA0001.jpg").as_deref(),
            Some("2018-02-01 00:00:00")
        );
        for other in [
            "DSC_0001.JPG",
            "120180201.jpg",
            "201802011.jpg",
            "20181301.jpg",
            "PXL_20210101_123456789.jpg",
            "1920-1080.png",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
