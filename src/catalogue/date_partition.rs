//! The partitions of the index by-date, which lists all photos of the catalogue by time. This
//! module does no I/O.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDateTime};
use serde::{Deserialize, Deserializer, Serialize};

use crate::archive::UNDATED;
use crate::privacy::Visibility;

/// The first characters in the text form of a date partition with private photos, such as
/// `private#2018`.
pub(super) const PRIVATE_PREFIX: &str = "private#";

/// A partition of the index by-date. It contains the photos of one visibility (public or private)
/// and of one year, or those without a date. Its text form is `2018`, `undated`, `private#2018` or
/// `private#undated`.
///
/// ```
/// use photo_catalogue::catalogue::date_partition::DatePartition;
/// use photo_catalogue::privacy::Visibility;
///
/// let partition: DatePartition = "private#2018".parse()?;
/// assert_eq!(partition.visibility, Visibility::Private);
/// assert_eq!(partition.year, Some(2018));
/// assert_eq!(partition.to_string(), "private#2018");
/// assert!("2018-02".parse::<DatePartition>().is_err());
/// # Ok::<(), photo_catalogue::catalogue::date_partition::InvalidDatePartition>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct DatePartition {
    /// Who may see the photos of the partition.
    pub visibility: Visibility,
    /// The year in which the photos were taken. `None` if they have no date.
    pub year: Option<u16>,
}

impl DatePartition {
    /// Returns the partition of the photos that were taken at `time`. Returns the undated partition
    /// if `time` is `None`, or if the year is not between 0 and 9999.
    pub fn of_time(visibility: Visibility, time: Option<NaiveDateTime>) -> Self {
        // EXIF 2.32, 4.6.5: the year of a date has four digits.
        let year = time.and_then(|time| u16::try_from(time.year()).ok());
        let year = year.filter(|year| *year <= 9999);
        DatePartition { visibility, year }
    }

    /// Returns the text of the year, without the visibility: `2018`, or `undated` if there is no
    /// year.
    pub fn period(&self) -> String {
        self.year
            .map_or_else(|| UNDATED.to_owned(), |year| format!("{year:04}"))
    }

    /// Returns `true` if the photos of the partition have no date.
    pub fn is_undated(&self) -> bool {
        self.year.is_none()
    }
}

impl fmt::Display for DatePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.visibility {
            Visibility::Public => "",
            Visibility::Private => PRIVATE_PREFIX,
        };
        write!(f, "{prefix}{}", self.period())
    }
}

/// The error of a text that is not a date partition. The field is the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a date partition, such as 2018, undated or private#2018")]
pub struct InvalidDatePartition(String);

impl FromStr for DatePartition {
    type Err = InvalidDatePartition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (visibility, period) = match text.strip_prefix(PRIVATE_PREFIX) {
            Some(period) => (Visibility::Private, period),
            None => (Visibility::Public, text),
        };
        let is_year = period.len() == 4 && period.bytes().all(|byte| byte.is_ascii_digit());
        let year = match period {
            UNDATED => None,
            // Four digits are below 65,536.
            year if is_year => year.parse().ok(),
            _ => return Err(InvalidDatePartition(text.to_owned())),
        };
        Ok(DatePartition { visibility, year })
    }
}

/// Reads a stored partition. A text that is not a partition is read as `None`: the photo is then
/// not public, and the reconcile command reports and repairs it.
///
/// # Errors
/// Returns an error if the stored value is not a text.
pub(super) fn deserialize_stored<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DatePartition>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

impl From<DatePartition> for String {
    fn from(partition: DatePartition) -> Self {
        partition.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_it_is_written() {
        for text in ["2018", "0001", "undated", "private#2018", "private#undated"] {
            let partition: DatePartition = text.parse().expect(text);
            assert_eq!(partition.to_string(), text);
        }
    }

    #[test]
    fn other_text_is_no_partition() {
        for text in [
            "",
            "18",
            "02018",
            "+201",
            "undated#",
            "private#",
            "Private#2018",
            "２０１８",
        ] {
            assert!(text.parse::<DatePartition>().is_err(), "{text}");
        }
    }

    #[test]
    fn time_decides_the_year() {
        let time = chrono::NaiveDate::from_ymd_opt(7, 2, 1).map(NaiveDateTime::from);
        let partition = DatePartition::of_time(Visibility::Private, time);
        assert_eq!(partition.to_string(), "private#0007");
        let undated = DatePartition::of_time(Visibility::Public, None);
        assert_eq!(undated.to_string(), "undated");
    }
}
