//! Parses dates with the English name of a month, in the form of RFC 5322 3.3 and of the C function
//! asctime. The PNG specification (11.3.3.3) suggests the form of RFC 1123, an older version of it.

use chrono::NaiveDate;

use super::date_time::{ParsedDateTime, add_time};
use super::partial_date_time::PartialDateTime;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// The maximum number of words that are read of a text. The longest form has eight.
const MAX_WORDS: usize = 10;

/// The words of a date, by their meaning.
#[derive(Default)]
struct DateWords<'t> {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    time: Option<&'t str>,
    /// The words after the time: `PM`, an offset or a zone.
    after_time: String,
}

/// Parses a date such as `Thu, 1 Feb 2018 09:41:07 +0100`, `1 February 2018`, `01-Feb-18` or
/// `Thu Feb  1 09:41:07 2018`. Returns `None` if the text has no year or no name of a month. A year
/// of two digits is from 1950 to 2049 (RFC 5322 4.3).
pub(super) fn parse_named_month(text: &str) -> Option<ParsedDateTime> {
    let mut words = DateWords::default();
    let split = text.split(|c: char| c.is_whitespace() || c == ',');
    for word in split.filter(|word| !word.is_empty()).take(MAX_WORDS) {
        let has_hyphen = word.contains('-') && month_number(word.split('-').nth(1)).is_some();
        match has_hyphen {
            true => word.split('-').for_each(|word| words.add_word(word)),
            false => words.add_word(word),
        }
    }
    let (year, month) = (words.year?, words.month?);
    let Some(day) = words.day else {
        return PartialDateTime::from_month(year, month).map(ParsedDateTime::from_local);
    };
    let Some(day) = NaiveDate::from_ymd_opt(year, month, day) else {
        return PartialDateTime::from_month(year, month).map(ParsedDateTime::unsound);
    };
    let time = words.time.unwrap_or_default();
    Some(add_time(day, &format!("{time}{}", words.after_time)))
}

impl<'t> DateWords<'t> {
    fn add_word(&mut self, word: &'t str) {
        // German and others write the day as `1.`, English as `1st`.
        let word = ["st", "nd", "rd", "th", "."]
            .iter()
            .find_map(|end| word.strip_suffix(end))
            .filter(|number| number.ends_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(word);
        let is_number = word.bytes().all(|b| b.is_ascii_digit());
        let number: Option<u32> = word.parse().ok().filter(|_| is_number);
        match (number, word.len()) {
            (Some(number), 4) => self.year = i32::try_from(number).ok(),
            (Some(number), 1 | 2) if self.day.is_none() => self.day = Some(number),
            (Some(number), 2) if self.year.is_none() => {
                let century = if number < 50 { 2000 } else { 1900 };
                self.year = i32::try_from(century + number).ok();
            }
            (Some(_), _) => {}
            _ if word.contains(':') && self.time.is_none() => self.time = Some(word),
            _ if self.time.is_some() => {
                self.after_time.push(' ');
                self.after_time.push_str(word);
            }
            _ if self.month.is_none() => self.month = month_number(Some(word)),
            _ => {}
        }
    }
}

/// Returns the number of a month, 1 to 12. Its name may be cut after three or more letters.
fn month_number(name: Option<&str>) -> Option<u32> {
    let name = name?.trim_end_matches('.').to_ascii_lowercase();
    let mut months = MONTHS.iter();
    let index = months.position(|month| name.len() >= 3 && month.starts_with(&name))?;
    u32::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_have_any_usual_order() {
        for (text, local) in [
            ("Fri, 19 Sep 2003 18:39:32 +0200", "2003-09-19T18:39:32"),
            ("19 September 2003", "2003-09-19"),
            ("September 19, 2003 6:39 PM", "2003-09-19T18:39:00"),
            ("Fri Sep 19 18:39:32 2003", "2003-09-19T18:39:32"),
            ("19-Sep-03", "2003-09-19"),
            ("19-Sep-1953 01:02:03", "1953-09-19T01:02:03"),
            ("Sep 2003", "2003-09"),
            ("19. Sep. 2003 18:39:32", "2003-09-19T18:39:32"),
            ("September 1st, 2003", "2003-09-01"),
            ("31 Sep 2003 10:00:00", "2003-09"),
        ] {
            let parsed = parse_named_month(text).map(|parsed| parsed.local.to_string());
            assert_eq!(parsed.as_deref(), Some(local), "{text}");
        }
    }

    #[test]
    fn text_without_year_or_month_is_no_date() {
        for text in [
            "19 Sep",
            "2003",
            "Septic 19 2003",
            "19 Se 2003",
            "é 2003",
            "",
        ] {
            assert_eq!(parse_named_month(text), None, "{text}");
        }
    }
}
