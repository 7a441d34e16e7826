//! A wall-clock date that may be known only in part: to the year, the month or the day.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use serde::{Deserialize, Serialize};

/// The precision of a capture time, coarsest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatePrecision {
    /// Only the year is known.
    Year,
    /// Only the year and the month are known.
    Month,
    /// The day is known, but not the time of day.
    Day,
    /// The time is known to the second, or to the minute with 0 as the second.
    Second,
    /// The time is known to the millisecond.
    Subsecond,
}

/// A wall-clock date and time. Its later parts may be unknown.
///
/// An unknown part is never replaced by an invented one. The text of the year 1985 is `1985`, not
/// `1985-01-01T00:00:00`. To sort dates of different precision, use [`start`](Self::start).
///
/// ```
/// use photo_metadata::{DatePrecision, PartialDateTime};
///
/// let month: PartialDateTime = "1985-06".parse().unwrap();
/// assert_eq!(month.precision(), DatePrecision::Month);
/// assert_eq!(month.day(), None);
/// assert_eq!(month.start().to_string(), "1985-06-01 00:00:00");
/// assert_eq!(month.to_string(), "1985-06");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDateTime {
    /// The start of the period: of the year, the month or the day, or the time itself.
    start: NaiveDateTime,
    precision: DatePrecision,
}

/// The error if a text is not a [`PartialDateTime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date, such as 1985, 1985-06, 1985-06-14 or 1985-06-14T10:00:00")]
pub struct InvalidPartialDate;

impl PartialDateTime {
    /// Creates a date with only a year. Returns `None` if the calendar has no such year.
    pub fn from_year(year: i32) -> Option<Self> {
        Self::from_first_day(NaiveDate::from_ymd_opt(year, 1, 1)?, DatePrecision::Year)
    }

    /// Creates a date with only a year and a month (1 to 12). Returns `None` if the calendar has no
    /// such month.
    pub fn from_month(year: i32, month: u32) -> Option<Self> {
        Self::from_first_day(
            NaiveDate::from_ymd_opt(year, month, 1)?,
            DatePrecision::Month,
        )
    }

    fn from_first_day(day: NaiveDate, precision: DatePrecision) -> Option<Self> {
        Some(PartialDateTime {
            start: day.and_time(NaiveTime::MIN),
            precision,
        })
    }

    /// Returns the wall-clock time. Returns the start of the period if the time is not known: of
    /// the year, the month or the day.
    pub fn start(self) -> NaiveDateTime {
        self.start
    }

    /// Returns the precision.
    pub fn precision(self) -> DatePrecision {
        self.precision
    }

    /// Returns the day, or `None` if only the year or the month is known.
    pub fn day(self) -> Option<NaiveDate> {
        (self.precision >= DatePrecision::Day).then(|| self.start.date())
    }

    /// Returns the wall-clock time, or `None` if the time of day is not known.
    pub fn time(self) -> Option<NaiveDateTime> {
        (self.precision >= DatePrecision::Second).then_some(self.start)
    }

    /// Returns the known part of the day as a text: `1985`, `1985-06` or `1985-06-14`. This is the
    /// name of the photo's folder.
    pub fn period(self) -> String {
        let day = self.start.date();
        match self.precision {
            DatePrecision::Year => day.format("%Y").to_string(),
            DatePrecision::Month => day.format("%Y-%m").to_string(),
            DatePrecision::Day | DatePrecision::Second | DatePrecision::Subsecond => {
                day.to_string()
            }
        }
    }

    /// Returns the date with at most this precision: the later parts are dropped.
    #[must_use]
    pub fn limited_to(self, precision: DatePrecision) -> Self {
        let day = self.start.date();
        let coarser = match precision.min(self.precision) {
            DatePrecision::Year => Self::from_year(day.year()),
            DatePrecision::Month => Self::from_month(day.year(), day.month()),
            DatePrecision::Day => Some(Self::from(day)),
            DatePrecision::Second | DatePrecision::Subsecond => None,
        };
        coarser.unwrap_or(self)
    }

    /// Reports whether `other` is inside the period of this date and has a finer precision. For
    /// example, 14 June 1985 is inside June 1985.
    pub fn contains(self, other: Self) -> bool {
        let (a, b) = (self.start.date(), other.start.date());
        let is_inside = match self.precision {
            DatePrecision::Year => a.year() == b.year(),
            DatePrecision::Month => (a.year(), a.month()) == (b.year(), b.month()),
            DatePrecision::Day => a == b,
            DatePrecision::Second | DatePrecision::Subsecond => false,
        };
        is_inside && other.precision > self.precision
    }

    /// Returns the date, later by `shift`. Returns it unchanged if the shift cannot be applied: if
    /// the time of day is not known, or the result is outside the calendar. A day without a time is
    /// shifted only by whole days.
    #[must_use]
    pub fn shifted(self, shift: TimeDelta) -> Self {
        let is_whole_days = TimeDelta::days(shift.num_days()) == shift;
        match self.precision {
            DatePrecision::Year | DatePrecision::Month => self,
            DatePrecision::Day if !is_whole_days => self,
            _ => PartialDateTime {
                start: self.start.checked_add_signed(shift).unwrap_or(self.start),
                ..self
            },
        }
    }
}

impl From<NaiveDate> for PartialDateTime {
    /// Creates a date with a day, but without a time of day.
    fn from(day: NaiveDate) -> Self {
        PartialDateTime {
            start: day.and_time(NaiveTime::MIN),
            precision: DatePrecision::Day,
        }
    }
}

impl From<NaiveDateTime> for PartialDateTime {
    /// Creates a date with a time, to the millisecond. Smaller fractions are cut. The precision is
    /// a second if the milliseconds are 0.
    fn from(time: NaiveDateTime) -> Self {
        let milliseconds = time.nanosecond() / 1_000_000;
        PartialDateTime {
            start: time
                .with_nanosecond(milliseconds * 1_000_000)
                .unwrap_or(time),
            precision: match milliseconds {
                0 => DatePrecision::Second,
                _ => DatePrecision::Subsecond,
            },
        }
    }
}

impl fmt::Display for PartialDateTime {
    /// Writes the known parts as ISO 8601: `1985`, `1985-06`, `1985-06-14`, `1985-06-14T10:00:00`
    /// or `1985-06-14T10:00:00.670`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.precision {
            // chrono's debug form is ISO 8601. It is written faster than a format string is parsed.
            DatePrecision::Second | DatePrecision::Subsecond => write!(f, "{:?}", self.start),
            _ => f.write_str(&self.period()),
        }
    }
}

impl FromStr for PartialDateTime {
    type Err = InvalidPartialDate;

    /// Parses the form that [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
        let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let month = || NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok();
        let year = || NaiveDate::parse_from_str(&format!("{text}-01-01"), "%Y-%m-%d").ok();
        time.map(PartialDateTime::from)
            .or_else(|| day().map(PartialDateTime::from))
            .or_else(|| month().and_then(|day| Self::from_month(day.year(), day.month())))
            .or_else(|| year().and_then(|day| Self::from_year(day.year())))
            // chrono also accepts fewer digits.
            .filter(|date| text.starts_with(&date.period()))
            .ok_or(InvalidPartialDate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> PartialDateTime {
        text.parse().expect(text)
    }

    #[test]
    fn text_is_read_as_it_is_written() {
        for (text, precision, start) in [
            ("1985", DatePrecision::Year, "1985-01-01 00:00:00"),
            ("1985-06", DatePrecision::Month, "1985-06-01 00:00:00"),
            ("1985-06-14", DatePrecision::Day, "1985-06-14 00:00:00"),
            (
                "1985-06-14T10:00:00",
                DatePrecision::Second,
                "1985-06-14 10:00:00",
            ),
            (
                "1985-06-14T10:00:00.670",
                DatePrecision::Subsecond,
                "1985-06-14 10:00:00.670",
            ),
            ("-0005", DatePrecision::Year, "-0005-01-01 00:00:00"),
            ("+10000-01-02", DatePrecision::Day, "+10000-01-02 00:00:00"),
        ] {
            let parsed = date(text);
            assert_eq!(
                (parsed.precision(), parsed.to_string().as_str()),
                (precision, text)
            );
            assert_eq!(parsed.start().to_string(), start);
        }
        for text in [
            "",
            "85-",
            "985",
            "1985-6",
            "1985-6-14T10:00:00",
            "1985-13",
            "1985-02-30",
            "yesterday",
            "1985-06-14 10:00:00",
        ] {
            assert_eq!(
                text.parse::<PartialDateTime>(),
                Err(InvalidPartialDate),
                "{text}"
            );
        }
    }

    #[test]
    fn only_known_parts_are_returned() {
        assert_eq!((date("1985").day(), date("1985-06").day()), (None, None));
        assert_eq!(date("1985-06-14").time(), None);
        assert!(date("1985-06-14").day().is_some() && date("1985-06-14T00:00:00").time().is_some());
        let periods =
            ["1985", "1985-06", "1985-06-14", "1985-06-14T10:00:00.1"].map(|d| date(d).period());
        assert_eq!(periods, ["1985", "1985-06", "1985-06-14", "1985-06-14"]);
    }

    #[test]
    fn finer_date_of_the_same_period_is_inside() {
        for (coarse, fine, is_inside) in [
            ("1985", "1985-06", true),
            ("1985", "1985-12-31T10:00:00", true),
            ("1985", "1986", false),
            ("1985", "1985", false),
            ("1985-06", "1985-06-14", true),
            ("1985-06", "1985-07-14", false),
            ("1985-06", "1985", false),
            ("1985-06-14", "1985-06-14T10:00:00", true),
            ("1985-06-14", "1985-06-15T10:00:00", false),
            ("1985-06-14T10:00:00", "1985-06-14T10:00:00.5", false),
        ] {
            assert_eq!(
                date(coarse).contains(date(fine)),
                is_inside,
                "{coarse} {fine}"
            );
        }
    }

    #[test]
    fn unknown_time_is_not_shifted() {
        let hour = TimeDelta::hours(25);
        let day = TimeDelta::days(-1);
        for (before, shift, after) in [
            ("1985", day, "1985"),
            ("1985-06", day, "1985-06"),
            ("1985-06-14", hour, "1985-06-14"),
            ("1985-06-14", day, "1985-06-13"),
            ("1985-06-14T10:00:00", hour, "1985-06-15T11:00:00"),
        ] {
            assert_eq!(date(before).shifted(shift), date(after));
        }
    }
}
