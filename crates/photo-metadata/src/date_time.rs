//! Parses dates in texts: in the form of EXIF, in the form of XMP, and in other forms that cameras
//! and programs write. The time of the GPS receiver is parsed here too.
//!
//! One bad part does not make the whole date unusable. If the time is impossible, the day is kept.
//! If the day is impossible, the month is kept. Such a date is marked as not sound, so that a sound
//! date of the same period can take its place.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::named_month::parse_named_month;
use super::partial_date_time::{DatePrecision, PartialDateTime};
use super::tag;
use super::text::field_text;
use super::text_scanner::{hour_of_day, take_half_day, take_number, take_separator};
use super::tiff::{Ifd, IfdField, IfdFields};
use super::utc_offset::{parse_offset, parse_zone_letters};

/// The result of parsing a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedDateTime {
    /// The wall-clock time, as far as the text has it.
    pub(crate) local: PartialDateTime,
    /// The offset from UTC, if the text has one.
    pub(crate) offset: Option<FixedOffset>,
    /// `false` if a part of the text is impossible, and was left out or corrected.
    pub(crate) is_sound: bool,
    /// `true` if the text has a fraction of a second.
    has_fraction: bool,
}

impl ParsedDateTime {
    /// Returns a sound date without an offset.
    pub(crate) fn from_local(local: impl Into<PartialDateTime>) -> Self {
        ParsedDateTime {
            local: local.into(),
            offset: None,
            is_sound: true,
            has_fraction: false,
        }
    }

    pub(super) fn unsound(local: PartialDateTime) -> Self {
        ParsedDateTime {
            is_sound: false,
            ..Self::from_local(local)
        }
    }

    /// Returns the date with these milliseconds added. Returns it unchanged if its text has a
    /// fraction of a second already, or no time.
    pub(crate) fn plus_milliseconds(self, milliseconds: i64) -> Self {
        let added = self.local.time().filter(|_| !self.has_fraction);
        let added =
            added.and_then(|time| time.checked_add_signed(TimeDelta::milliseconds(milliseconds)));
        ParsedDateTime {
            local: added.map_or(self.local, PartialDateTime::from),
            ..self
        }
    }
}

/// Parses a date. Returns `None` if the text is not a date.
///
/// These forms are accepted: EXIF (`2018:02:01 09:41:07`); XMP (ISO 8601, also `2018` and
/// `2018-02`); digits only (`20180201T094107`); RFC 5322, which the PNG specification suggests
/// (`Thu, 1 Feb 2018 09:41:07 +0100`); and the form of the C function asctime. Parts may be padded
/// with blanks. `00` and blanks stand for an unknown part. An offset, `AM` or `PM` may follow the
/// time.
pub(crate) fn parse_date_time(text: &str) -> Option<ParsedDateTime> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '"'));
    match parse_year_first(text) {
        // 2018-Feb-01 begins with the year too.
        Some(date) if !date.is_sound && date.local.precision() == DatePrecision::Year => {
            let named = parse_named_month(text);
            let named = named.filter(|named| date.local.contains(named.local));
            Some(named.unwrap_or(date))
        }
        Some(date) => Some(date),
        None => parse_named_month(text),
    }
}

/// A number in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatePart {
    Known(u32),
    /// The part is missing, blank or zero.
    Unknown,
    /// The part is not a possible number.
    Bad,
}

fn parse_year_first(text: &str) -> Option<ParsedDateTime> {
    let mut rest = text;
    let year = i32::try_from(take_number(&mut rest, 4, 4)?).ok()?;
    // The year 0 stands for an unknown date.
    if year == 0 {
        return None;
    }
    let year_only = || PartialDateTime::from_year(year);
    let is_compact = rest.starts_with(|c: char| c.is_ascii_digit());
    if rest.is_empty() {
        return Some(ParsedDateTime::from_local(year_only()?));
    }
    if !is_compact && take_separator(&mut rest, ":-/.").is_none() {
        return Some(ParsedDateTime::unsound(year_only()?));
    }
    let month = match take_date_part(&mut rest, is_compact) {
        DatePart::Known(month) if month <= 12 => month,
        DatePart::Unknown if !is_compact || rest.starts_with("00") => {
            return Some(ParsedDateTime::from_local(year_only()?));
        }
        // A longer number without separators is not a date.
        _ if is_compact => return None,
        _ => return Some(ParsedDateTime::unsound(year_only()?)),
    };
    let month_only = PartialDateTime::from_month(year, month)?;
    let day = match rest.is_empty() || is_compact || take_separator(&mut rest, ":-/.").is_some() {
        true => take_date_part(&mut rest, is_compact),
        false => DatePart::Bad,
    };
    let day = match day {
        DatePart::Known(day) => NaiveDate::from_ymd_opt(year, month, day),
        DatePart::Unknown if !is_compact || !rest.starts_with(|c: char| c.is_ascii_digit()) => {
            return Some(ParsedDateTime::from_local(month_only));
        }
        DatePart::Unknown | DatePart::Bad => None,
    };
    match day {
        Some(day) => Some(add_time(day, rest)),
        None if is_compact && !has_eight_digits(text) => None,
        None => Some(ParsedDateTime::unsound(month_only)),
    }
}

/// Reports whether a text begins with exactly eight digits, as a day without separators does.
fn has_eight_digits(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 8
}

/// Removes the next number from the start of `rest`: one or two digits, which blanks may precede.
/// If `is_compact` is `true`, the number has two digits, and other digits may follow.
fn take_date_part(rest: &mut &str, is_compact: bool) -> DatePart {
    if is_compact {
        return match take_number(rest, 2, 2) {
            Some(0) => DatePart::Unknown,
            Some(number) => DatePart::Known(number),
            None => DatePart::Bad,
        };
    }
    *rest = rest.trim_start();
    let number = take_number(rest, 1, 2);
    let is_longer = rest.starts_with(|c: char| c.is_ascii_digit());
    match number {
        Some(0) if !is_longer => DatePart::Unknown,
        Some(number) if !is_longer => DatePart::Known(number),
        None if rest.is_empty() || rest.starts_with([':', '-', '/', '.']) => DatePart::Unknown,
        _ => DatePart::Bad,
    }
}

/// A time of day that a text contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ParsedTime {
    time: NaiveTime,
    offset: Option<FixedOffset>,
    is_sound: bool,
    has_fraction: bool,
}

/// Returns the date of `day` with the time in `text`, which follows the day. If the time is
/// impossible, only the day is known.
pub(super) fn add_time(day: NaiveDate, text: &str) -> ParsedDateTime {
    let is_blank = text
        .trim_end_matches(['Z', 'z'])
        .chars()
        .all(|c| c.is_whitespace() || matches!(c, ':' | 'T' | '-' | '.'));
    if is_blank {
        return ParsedDateTime::from_local(day);
    }
    match parse_time(text) {
        Some(parsed) => ParsedDateTime {
            local: day.and_time(parsed.time).into(),
            offset: parsed.offset,
            is_sound: parsed.is_sound,
            has_fraction: parsed.has_fraction,
        },
        None => ParsedDateTime::unsound(day.into()),
    }
}

/// Parses a time at the start of a text: `09:41:07.67+01:00`, `9.41 PM`, `094107`. Returns `None`
/// if the hour or the minute is missing or impossible.
///
/// The hour 24 is read as 0, because some phones write it for the first hour of the same day. The
/// second 60 is read as 59. If the second is missing or impossible, it is 0.
fn parse_time(text: &str) -> Option<ParsedTime> {
    let mut rest = text.trim_start_matches([' ', 'T', 't', ',', ':', '_']);
    let half_before = take_half_day(&mut rest);
    rest = rest.trim_start();
    let hour = take_number(&mut rest, 1, 2).filter(|&hour| hour <= 24)?;
    let is_compact = rest.starts_with(|c: char| c.is_ascii_digit());
    if !is_compact {
        take_separator(&mut rest, ":.")?;
        rest = rest.trim_start();
    }
    let minute = take_number(&mut rest, 1, 2).filter(|&minute| minute < 60)?;
    let mut second = DatePart::Known(0);
    if is_compact && rest.starts_with(|c: char| c.is_ascii_digit())
        || take_separator(&mut rest, ":.").is_some()
    {
        rest = rest.trim_start();
        second = match take_number(&mut rest, 1, 2) {
            Some(second) if second <= 60 => DatePart::Known(second),
            _ => DatePart::Bad,
        };
    }
    let mut milliseconds = 0;
    let mut has_fraction = false;
    if take_separator(&mut rest, ".,").is_some() {
        let digits: usize = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, after) = rest.split_at(digits);
        has_fraction = digits > 0;
        milliseconds = parse_milliseconds(fraction).unwrap_or(0);
        rest = after;
    }
    let half = half_before.or_else(|| take_half_day(&mut rest));
    // A comment, such as the name of the zone (RFC 5322 3.2.2): `+0100 (CET)`.
    let rest = rest.split('(').next().unwrap_or_default();
    let (whole, is_sound) = match second {
        DatePart::Known(60) => (59, false),
        DatePart::Known(second) => (second, hour < 24),
        DatePart::Unknown | DatePart::Bad => (0, false),
    };
    let time = NaiveTime::from_hms_opt(hour_of_day(hour, half) % 24, minute, whole)?;
    Some(ParsedTime {
        time: time
            .overflowing_add_signed(TimeDelta::milliseconds(milliseconds))
            .0,
        offset: parse_offset(rest).or_else(|| parse_zone_letters(rest)),
        is_sound,
        has_fraction,
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
/// Returns `None` if the text is not a date, or if a part of it is impossible.
pub(crate) fn to_iso_date_time(text: &str) -> Option<String> {
    let parsed = parse_date_time(text).filter(|parsed| parsed.is_sound)?;
    let offset = parsed
        .offset
        .map(|offset| offset.to_string())
        .unwrap_or_default();
    Some(match parsed.local.time() {
        // chrono's debug form is ISO 8601.
        Some(time) => format!("{time:?}{offset}"),
        None => parsed.local.to_string(),
    })
}

/// Converts an EXIF date to a day in ISO 8601: `2018:02:01` gives `2018-02-01`. Returns `None` if
/// the text is not a date, or if its day is unknown.
pub(crate) fn to_iso_date(text: &str) -> Option<String> {
    let day = parse_date_time(text)?.local.day()?;
    Some(day.to_string())
}

/// Returns the time of the GPS receiver in UTC, from the fields GPSDateStamp and GPSTimeStamp.
pub(crate) fn gps_date_time(fields: &IfdFields<'_>) -> Option<NaiveDateTime> {
    let date = gps_day(fields)?;
    let time = gps_time_of_day(fields.get(Ifd::Gps, tag::GPS_TIME_STAMP)?)?;
    Some(date.and_time(time))
}

/// Returns the day in the field GPSDateStamp. It is a day in UTC.
pub(crate) fn gps_day(fields: &IfdFields<'_>) -> Option<NaiveDate> {
    parse_date_time(&field_text(fields.get(Ifd::Gps, tag::GPS_DATE_STAMP)?)?)?
        .local
        .day()
}

/// Parses the field GPSTimeStamp: hours, minutes and seconds as three rational numbers. Also
/// accepts a text, which some programs write against the standard.
pub(crate) fn gps_time_of_day(field: &IfdField<'_>) -> Option<NaiveTime> {
    if let Some(text) = field_text(field).filter(|_| field.number(0).is_none()) {
        return parse_time(&text).map(|parsed| parsed.time);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Option<String> {
        parse_date_time(text).map(|parsed| parsed.local.to_string())
    }

    #[test]
    fn dates_are_parsed_in_every_common_form() {
        for (text, wanted) in [
            ("2018:02:01 09:41:07", "2018-02-01T09:41:07"),
            ("2018-02-01T09:41:07.67+01:00", "2018-02-01T09:41:07.670"),
            ("2018-02-01T09:41", "2018-02-01T09:41:00"),
            ("2018-02-01", "2018-02-01"),
            ("2018/2/1 9.41.07", "2018-02-01T09:41:07"),
            ("20180201", "2018-02-01"),
            ("20180201T094107", "2018-02-01T09:41:07"),
            ("20180201094107", "2018-02-01T09:41:07"),
            ("2018:02:01 09:41:07 GMT", "2018-02-01T09:41:07"),
            ("Thu, 1 Feb 2018 09:41:07 +0100", "2018-02-01T09:41:07"),
            ("01 Feb 18 09:41 EST", "2018-02-01T09:41:00"),
            ("Thu Feb  1 09:41:07 2018", "2018-02-01T09:41:07"),
            ("Thu Feb  1 09:41:07 CET 2018", "2018-02-01T09:41:07"),
            ("2018-Feb-01 09:41:07", "2018-02-01T09:41:07"),
        ] {
            assert_eq!(local(text).as_deref(), Some(wanted), "{text}");
            assert!(
                parse_date_time(text).is_some_and(|parsed| parsed.is_sound),
                "{text}"
            );
        }
    }

    #[test]
    fn time_of_twelve_hours_becomes_one_of_twenty_four() {
        for (text, wanted) in [
            ("2014:04:21 06:44:05 PM", "2014-04-21T18:44:05"),
            ("2014:04:21 06:44:05PM", "2014-04-21T18:44:05"),
            ("2014:04:21 12:44:05 p.m.", "2014-04-21T12:44:05"),
            ("2014:04:21 06:44:05 p. m.", "2014-04-21T18:44:05"),
            ("2014:04:21 06:44:05 μ.μ.", "2014-04-21T18:44:05"),
            ("2014:04:21 午後0:44:05", "2014-04-21T12:44:05"),
            ("2014:04:21 12:44:05 AM", "2014-04-21T00:44:05"),
            ("2014:04:21 下午06:44:05", "2014-04-21T18:44:05"),
            ("2014:04:21 18:44:05 PM", "2014-04-21T18:44:05"),
        ] {
            assert_eq!(local(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn offset_may_follow_the_time() {
        let offset = |text| parse_date_time(text).and_then(|parsed| parsed.offset);
        for (text, seconds) in [
            ("2018-02-01T09:41:07+01:00", 3600),
            ("2018:02:01 09:41:07 UTC", 0),
            ("2018-02-01T09:41:07.1Z", 0),
            ("Thu, 1 Feb 2018 09:41:07 -0330", -12_600),
            ("1 Feb 2018 09:41:07 EST", -18_000),
            ("Thu Feb 01 2018 09:41:07 GMT+0100 (CET)", 3600),
            ("Thu, 1 Feb 2018 09:41:07 +0100 (CET)", 3600),
        ] {
            assert_eq!(offset(text), FixedOffset::east_opt(seconds), "{text}");
        }
        assert_eq!(offset("2018:02:01 09:41:07 junk"), None);
    }

    #[test]
    fn unknown_parts_are_left_out() {
        for (text, wanted) in [
            ("1985", "1985"),
            ("1985-06", "1985-06"),
            ("1985:06", "1985-06"),
            ("1985:00:00 00:00:00", "1985"),
            ("1985:06:00", "1985-06"),
            ("19850600", "1985-06"),
            ("19850000", "1985"),
            ("1985:  :     :  :  ", "1985"),
            ("1985:06:14   :  :  ", "1985-06-14"),
            ("1985-06-14Z", "1985-06-14"),
            ("June 1985", "1985-06"),
        ] {
            let parsed = parse_date_time(text);
            assert_eq!(local(text).as_deref(), Some(wanted), "{text}");
            assert!(parsed.is_some_and(|parsed| parsed.is_sound), "{text}");
        }
    }

    #[test]
    fn impossible_part_does_not_spoil_the_others() {
        for (text, wanted) in [
            ("2019:01:01 24:04:20", "2019-01-01T00:04:20"),
            ("2019:01:01 23:59:60", "2019-01-01T23:59:59"),
            ("2019:01:01 09:41:75", "2019-01-01T09:41:00"),
            ("2019:01:01 25:00:00", "2019-01-01"),
            ("2019:01:01 09:75:00", "2019-01-01"),
            ("2019:01:01 noon", "2019-01-01"),
            ("2018:02:30 00:00:00", "2018-02"),
            ("2018:13:01 00:00:00", "2018"),
            ("2018:103:01 00:00:00", "2018"),
            ("2018 or so", "2018"),
        ] {
            assert_eq!(local(text).as_deref(), Some(wanted), "{text}");
            assert!(
                parse_date_time(text).is_some_and(|parsed| !parsed.is_sound),
                "{text}"
            );
        }
    }

    #[test]
    fn blank_padding_is_accepted() {
        for (text, wanted) in [
            ("2007:12:28 14:31: 2", "2007-12-28T14:31:02"),
            ("2003: 1: 5  9: 4: 0", "2003-01-05T09:04:00"),
        ] {
            assert_eq!(local(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_date() {
        for text in [
            "",
            "18",
            "0000:00:00 00:00:00",
            "    :  :     :  :  ",
            "12345678901",
            "20181301",
            "yesterday",
            "May be",
        ] {
            let is_date = parse_date_time(text)
                .is_some_and(|parsed| parsed.local.start().date() > NaiveDate::default());
            assert!(!is_date, "{text}");
        }
    }

    #[test]
    fn fraction_is_added_once() {
        let with = |text: &str| {
            let parsed = parse_date_time(text).map(|parsed| parsed.plus_milliseconds(670));
            parsed.map(|parsed| parsed.local.to_string())
        };
        assert_eq!(
            with("2018:02:01 09:41:07").as_deref(),
            Some("2018-02-01T09:41:07.670")
        );
        assert_eq!(
            with("2018:02:01 09:41:07.5").as_deref(),
            Some("2018-02-01T09:41:07.500")
        );
        assert_eq!(with("2018:02:01").as_deref(), Some("2018-02-01"));
    }

    #[test]
    fn tags_keep_texts_that_are_no_sound_date() {
        assert_eq!(to_iso_date_time("2018:02:01 25:41:07"), None);
        assert_eq!(to_iso_date_time("2018:02").as_deref(), Some("2018-02"));
        assert_eq!(to_iso_date("2018:02:01").as_deref(), Some("2018-02-01"));
        assert_eq!(to_iso_date("2018:02"), None);
    }
}
