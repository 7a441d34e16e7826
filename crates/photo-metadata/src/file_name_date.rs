//! Finds a date in the name of a file.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};

use super::capture_time::DateSource;
use super::partial_date_time::PartialDateTime;
use super::text_scanner::{hour_of_day, take_half_day, take_number};

/// The years that are recognised in the name of a file. A smaller number has another meaning,
/// because there were no digital cameras before.
const YEARS_IN_A_NAME: std::ops::RangeInclusive<i32> = 1980..=2100;
/// The first year of a number of 13 digits that counts as milliseconds since 1970. Before this
/// year, no program named photos in this way. Most other numbers of 13 digits, such as ISBN and
/// EAN, are either before it or in the future.
const FIRST_YEAR_IN_MILLISECONDS: i32 = 2005;
/// The words that screenshots of macOS and others have between date and time, in many languages.
/// macOS writes an accented letter as a letter and an accent.
const WORDS_BEFORE_TIME: [&str; 24] = [
    "at",
    "um",
    "à",
    "a\u{300}",
    "a las",
    "a",
    "alle",
    "às",
    "a\u{300}s",
    "om",
    "kl.",
    "kl",
    "klo",
    "kello",
    "o",
    "в",
    "la",
    "ob",
    "v",
    "u",
    "στις",
    "saat",
    "lúc",
    "pukul",
];

/// Finds a date in the name of a file, and returns it with its source.
///
/// A date with a time is found in `IMG_20180201_094107`, `2018-02-01 09.41.07`,
/// `2018_0201_094107`, `Screenshot_2018-02-01-09-41-07` and
/// `Bildschirmfoto 2018-02-01 um 09.41.07`. If the name has only a day, as `IMG-20180201-WA0001`,
/// the time is unknown. 13 digits are milliseconds since 1970 in UTC, and the date in a name that
/// begins with `PXL_` is in UTC too. In both cases, only the day in UTC is returned.
pub(crate) fn find_date_in_file_name(name: &str) -> Option<(PartialDateTime, DateSource)> {
    let is_utc = name.starts_with("PXL_");
    (0..name.len()).find_map(|start| {
        let before = name.get(..start)?;
        if before.ends_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let rest = name.get(start..)?;
        if let Some(date) = parse_date_prefix(rest) {
            return match is_utc {
                true => Some((date.day()?.into(), DateSource::FileNameUtc)),
                false => Some((date, DateSource::FileName)),
            };
        }
        Some((
            parse_milliseconds_prefix(rest)?.into(),
            DateSource::FileNameUtc,
        ))
    })
}

/// Parses 13 digits at the start of `rest` as milliseconds since 1970, and returns the day in UTC.
fn parse_milliseconds_prefix(rest: &str) -> Option<NaiveDate> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number: i64 = rest.get(..13)?.parse().ok()?;
    let day = DateTime::from_timestamp_millis(number)?.date_naive();
    let years = FIRST_YEAR_IN_MILLISECONDS..=*YEARS_IN_A_NAME.end();
    (digits == 13 && years.contains(&day.year())).then_some(day)
}

/// Parses a date at the start of `rest`, and the time after the date if there is one.
fn parse_date_prefix(mut rest: &str) -> Option<PartialDateTime> {
    let year = take_number(&mut rest, 4, 4).and_then(|year| i32::try_from(year).ok())?;
    let between = take_any_separator(&mut rest);
    let month = take_number(&mut rest, 2, 2)?;
    let before_day = take_any_separator(&mut rest);
    // Dash cameras write 2018_0201_094107.
    let is_joined = between.is_some() && before_day.is_none();
    if before_day != between && !is_joined {
        return None;
    }
    // The screenshots of macOS in Polish write a day of one digit.
    let least_digits = if before_day.is_some() { 1 } else { 2 };
    let digits = rest.len();
    let day = take_number(&mut rest, least_digits, 2)?;
    let is_short = digits - rest.len() == 1;
    let date =
        NaiveDate::from_ymd_opt(year, month, day).filter(|_| YEARS_IN_A_NAME.contains(&year))?;
    let boundary = !rest.starts_with(|c: char| c.is_ascii_digit());
    match parse_time_prefix(rest) {
        Some(time) => Some(date.and_time(time).into()),
        // Without a time, such a number may be something else.
        None if is_joined || is_short => None,
        None => boundary.then(|| date.into()),
    }
}

/// Parses a time at the start of `rest`: `094107`, `09-41-07` or `9.41.07 PM`. A word may precede
/// it.
fn parse_time_prefix(mut rest: &str) -> Option<NaiveTime> {
    rest = trim_separators(rest);
    let lower = rest.to_lowercase();
    let word = WORDS_BEFORE_TIME.iter().find(|word| {
        let after = lower.strip_prefix(**word);
        after.is_some_and(|after| after.starts_with(char::is_whitespace))
    });
    if let Some(word) = word {
        rest = trim_separators(rest.get(word.len()..)?);
    }
    let half_before = take_half_day(&mut rest);
    rest = rest.trim_start();
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
    let half = half_before.or_else(|| take_half_day(&mut rest));
    NaiveTime::from_hms_opt(hour_of_day(hour, half), minute, second)
}

/// Removes the characters that may separate a date from a time.
fn trim_separators(rest: &str) -> &str {
    rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '_' | '-' | 'T'))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Option<(String, DateSource)> {
        find_date_in_file_name(name).map(|(date, source)| (date.to_string(), source))
    }

    #[test]
    fn times_in_file_names_are_found() {
        for name in [
            "IMG_20180201_094107.jpg",
            "IMG_20180201_094107_1.jpg",
            "2018-02-01 09.41.07.jpg",
            "2018_0201_094107_001.JPG",
            "Screenshot_2018-02-01-09-41-07.png",
            "Screenshot from 2018-02-01 09-41-07.png",
            "Screenshot 2018-02-01 094107.png",
            "Screen Shot 2018-02-01 at 9.41.07 AM.png",
            "Screenshot 2018-02-01 at 9.41.07\u{202f}AM.png",
            "Bildschirmfoto 2018-02-01 um 09.41.07.png",
            "Capture d’écran 2018-02-01 à 09.41.07.png",
            "Capture d’e\u{301}cran 2018-02-01 a\u{300} 09.41.07.png",
            "Captura de pantalla 2018-02-01 a las 9.41.07.png",
            "Zrzut ekranu 2018-02-1 o 09.41.07.png",
            "Снимок экрана 2018-02-01 в 09.41.07.png",
            "截屏2018-02-01 上午9.41.07.png",
            "スクリーンショット 2018-02-01 9.41.07.png",
            "WhatsApp Image 2018-02-01 at 09.41.07.jpeg",
            "signal-2018-02-01-09-41-07-123.jpg",
            "WP_20180201_09_41_07_Pro.jpg",
            "20180201094107123.jpg",
        ] {
            let wanted = ("2018-02-01T09:41:07".to_owned(), DateSource::FileName);
            assert_eq!(found(name), Some(wanted), "{name}");
        }
        let evening = found("Screen Shot 2018-02-01 at 9.41.07 PM.png");
        assert_eq!(
            evening.map(|found| found.0).as_deref(),
            Some("2018-02-01T21:41:07")
        );
    }

    #[test]
    fn day_without_a_time_has_no_time() {
        for name in [
            "IMG-20180201-WA0001.jpg",
            "2018-02-01 beach.jpg",
            "2018-02-01 at noon.jpg",
        ] {
            let wanted = ("2018-02-01".to_owned(), DateSource::FileName);
            assert_eq!(found(name), Some(wanted), "{name}");
        }
    }

    #[test]
    fn instant_in_utc_gives_its_day_in_utc() {
        for (name, day) in [
            ("FB_IMG_1520000000000.jpg", "2018-03-02"),
            ("mmexport1520000000000.jpg", "2018-03-02"),
            ("1520000000000-1.jpg", "2018-03-02"),
            ("PXL_20240101_012612027.jpg", "2024-01-01"),
        ] {
            let wanted = (day.to_owned(), DateSource::FileNameUtc);
            assert_eq!(found(name), Some(wanted), "{name}");
        }
    }

    #[test]
    fn other_numbers_are_no_date() {
        for name in [
            "DSC_0001.JPG",
            "120180201.jpg",
            "201802011.jpg",
            "20181301.jpg",
            "1920-1080.png",
            "2018_0201.jpg",
            "2018.02.1.jpg",
            "9780306406157.jpg",
            "15200000000001.jpg",
            "",
        ] {
            assert_eq!(found(name), None, "{name}");
        }
    }
}
