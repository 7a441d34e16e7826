//! A date and an offset that a person sets for a photo. This module does no I/O.

use std::fmt;
use std::str::FromStr;

use chrono::{FixedOffset, NaiveDateTime};
use photo_metadata::{CaptureTime, DatePrecision, DateSource, OffsetSource, PartialDateTime};
use serde::{Deserialize, Serialize};

/// A date that a person set: a year, a month, a day, or a wall-clock time.
///
/// ```
/// use photo_catalogue::catalogue::set_date::SetDate;
///
/// let date: SetDate = "1985-06".parse()?;
/// assert_eq!(date.to_string(), "1985-06");
/// assert!("1985-13".parse::<SetDate>().is_err());
/// # Ok::<(), photo_catalogue::catalogue::set_date::InvalidDate>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SetDate(PartialDateTime);

/// The error of a text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a date; write 1985, 1985-06, 1985-06-14 or 1985-06-14T10:00:00")]
pub struct InvalidDate(String);

/// An offset from UTC that a person set.
///
/// ```
/// use photo_catalogue::catalogue::set_date::SetOffset;
///
/// let offset: SetOffset = "+02:00".parse()?;
/// assert_eq!(offset.to_string(), "+02:00");
/// assert!("2".parse::<SetOffset>().is_err());
/// # Ok::<(), photo_catalogue::catalogue::set_date::InvalidOffset>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SetOffset(FixedOffset);

/// The error of a text that is no offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an offset from UTC; write +02:00 or -03:30")]
pub struct InvalidOffset(String);

impl SetDate {
    /// Returns the capture time with this date. The offset of the file does not stay, because it
    /// belongs to another date.
    pub fn capture_time(self) -> CaptureTime {
        CaptureTime::new(self.0, DateSource::SetByHand, None)
    }
}

impl SetOffset {
    /// Returns a capture time with this offset. Its wall-clock time stays the same. The offset is
    /// dropped if the time of day is not known.
    #[must_use]
    pub fn apply(self, capture: CaptureTime) -> CaptureTime {
        let source = OffsetSource::Date(DateSource::SetByHand);
        let time = capture.local.and_then(PartialDateTime::time);
        CaptureTime {
            offset: time.map(|_| self.0),
            offset_source: time.map(|_| source),
            ..capture
        }
    }
}

impl FromStr for SetDate {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minute = |text| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok();
        let date: Option<PartialDateTime> = text.parse().ok();
        let date = date.or_else(|| minute(text).map(PartialDateTime::from));
        let is_plain = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit());
        match date.filter(|date| is_plain && date.precision() != DatePrecision::Subsecond) {
            Some(date) => Ok(SetDate(date)),
            None => Err(InvalidDate(text.to_owned())),
        }
    }
}

impl fmt::Display for SetDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SetOffset {
    type Err = InvalidOffset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let offset = text.parse::<FixedOffset>().ok();
        let is_whole = text.len() == 6;
        let offset = offset.filter(|_| is_whole);
        offset
            .map(SetOffset)
            .ok_or_else(|| InvalidOffset(text.to_owned()))
    }
}

impl fmt::Display for SetOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for SetDate {
    type Error = InvalidDate;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SetDate> for String {
    fn from(date: SetDate) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for SetOffset {
    type Error = InvalidOffset;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SetOffset> for String {
    fn from(offset: SetOffset) -> Self {
        offset.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_has_the_precision_of_its_text() {
        for (text, local, precision) in [
            ("1985", "1985", DatePrecision::Year),
            ("1985-06", "1985-06", DatePrecision::Month),
            ("1985-06-14", "1985-06-14", DatePrecision::Day),
            (
                "1985-06-14T10:00",
                "1985-06-14T10:00:00",
                DatePrecision::Second,
            ),
        ] {
            let date: SetDate = text.parse().expect("a date");
            let capture = date.capture_time();
            assert_eq!(capture.local_text().as_deref(), Some(local));
            assert_eq!(capture.precision(), Some(precision));
            assert_eq!(date.to_string(), local);
        }
        for text in [
            "",
            "85",
            "985",
            "1985-6",
            "1985-00",
            "1985-02-30",
            "14.6.1985",
            "-985",
            "1985-06-14 10:00",
        ] {
            assert!(text.parse::<SetDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn offset_changes_only_a_dated_photo() {
        let offset: SetOffset = "-03:30".parse().expect("an offset");
        assert_eq!(offset.apply(CaptureTime::default()), CaptureTime::default());
        let date: SetDate = "1985-06-14T10:00:00".parse().expect("a date");
        let capture = offset.apply(date.capture_time());
        assert_eq!(
            capture
                .instant()
                .map(|instant| instant.to_rfc3339())
                .as_deref(),
            Some("1985-06-14T13:30:00+00:00")
        );
        for text in ["", "02:00", "+2", "+25:00", "UTC"] {
            assert!(text.parse::<SetOffset>().is_err(), "{text}");
        }
    }
}
