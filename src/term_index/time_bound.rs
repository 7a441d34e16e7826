//! The wall-clock times that limit a list, and the sort keys that belong to them.

use chrono::{NaiveDate, NaiveDateTime};

/// One end of the date range of a list: a year, month, day, minute, second or millisecond of the
/// wall clock, as precise as the request gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeBound {
    /// The time without its fraction, as precise as the request gave it, for example
    /// `2018-02-01T09:41`.
    text: String,
    /// The fraction of the second in milliseconds, if the request gave one.
    milliseconds: Option<u32>,
}

impl TimeBound {
    /// Parses a year, a month, a day or a wall-clock time. Returns `None` if the text has another
    /// form.
    ///
    /// ```
    /// use photo_catalogue::term_index::TimeBound;
    ///
    /// let month = TimeBound::parse("2018-02").unwrap();
    /// assert_eq!((month.lowest_sort_key(), month.highest_sort_key()), ("2018-02".to_owned(), "2018-02~".to_owned()));
    /// assert_eq!(TimeBound::parse("yesterday"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
        let valid = match whole.len() {
            4 => day(&format!("{whole}-01-01")) && whole != "0000",
            7 => day(&format!("{whole}-01")) && !whole.starts_with("0000"),
            10 => day(whole),
            16 => NaiveDateTime::parse_from_str(whole, "%Y-%m-%dT%H:%M").is_ok(),
            19 => NaiveDateTime::parse_from_str(whole, "%Y-%m-%dT%H:%M:%S").is_ok(),
            _ => false,
        };
        let milliseconds = match fraction {
            None => None,
            Some(digits)
                if whole.len() == 19
                    && matches!(digits.len(), 1..=3)
                    && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Some(format!("{digits:0<3}").parse().ok()?)
            }
            Some(_) => return None,
        };
        (has_strict_form(whole) && valid).then(|| TimeBound {
            text: whole.to_owned(),
            milliseconds,
        })
    }

    /// Returns a text that sorts before the sort keys of all photos that were taken at this time or
    /// later, and after the sort keys of earlier photos.
    ///
    /// In a sort key, a `#` follows the time. Milliseconds come before the `#` only if they are not
    /// zero. `#` sorts before `.`, so photos without milliseconds sort first within a second.
    pub fn lowest_sort_key(&self) -> String {
        match self.milliseconds {
            None | Some(0) => self.text.clone(),
            Some(milliseconds) => format!("{}.{milliseconds:03}", self.text),
        }
    }

    /// Returns a text that sorts after the sort keys of all photos that were taken before the end
    /// of this year, month, day, minute, second or millisecond. After the time, a sort key has `#`
    /// or a further part of the time. `$` sorts directly after `#`, and `~` after all of these.
    pub fn highest_sort_key(&self) -> String {
        match self.milliseconds {
            None => format!("{}~", self.text),
            Some(0) => format!("{}$", self.text),
            Some(milliseconds) => format!("{}.{milliseconds:03}~", self.text),
        }
    }
}

/// Reports whether the text is the beginning of a time in the form `2018-02-01T09:41:07`, with a
/// digit or the right separator at each place. chrono alone would also accept signs, spaces and
/// single digits.
fn has_strict_form(text: &str) -> bool {
    let form = b"dddd-dd-ddTdd:dd:dd";
    text.len() <= form.len()
        && text
            .bytes()
            .zip(form)
            .all(|(byte, expected)| match expected {
                b'd' => byte.is_ascii_digit(),
                _ => byte == *expected,
            })
}
