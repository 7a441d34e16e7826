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
/// The first year of a date that is written out, as `1962-07-14`. Scans have such names. This is the year
/// of the oldest known photograph.
const FIRST_YEAR_WRITTEN_OUT: i32 = 1826;
/// The words that screenshots of macOS and pictures of WhatsApp have between date and time, in many
/// languages. macOS writes an accented letter as a letter and an accent.
#[rustfmt::skip]
const WORDS_BEFORE_TIME: [&str; 33] = [
    "at", "um", "à", "a\u{300}", "a las", "a la(s)", "a les", "a", "alle", "alle ore", "ore", "às", "a\u{300}s",
    "à(s)", "a\u{300}(s)", "om", "kl.", "kl", "klo", "kello", "o", "в", "о", "la", "ob", "v", "u", "στις", "saat",
    "lúc", "pukul", "pada", "ב-",
];

/// Finds a date in the name of a file, and returns it with its source.
///
/// A date with a time is found in `IMG_20180201_094107`, `2018-02-01 09.41.07`,
/// `2018_0201_094107`, `Screenshot_2018-02-01-09-41-07` and
/// `Bildschirmfoto 2018-02-01 um 09.41.07`. If the name has only a day, as `IMG-20180201-WA0001`,
/// the time is unknown. Some names have an instant in UTC: 13 digits, which are milliseconds since
/// 1970, a name that begins with `PXL_`, and a time that ends in `Z`. Of these, only the day in UTC is
/// returned.
///
/// If there is no day, a month is found that is a word of its own: `Scan 1985-06`.
pub(crate) fn find_date_in_file_name(name: &str) -> Option<(PartialDateTime, DateSource)> {
    find_day(name).or_else(|| Some((find_month(name)?, DateSource::FileName)))
}

fn find_day(name: &str) -> Option<(PartialDateTime, DateSource)> {
    (0..name.len()).find_map(|start| {
        let before = name.get(..start)?;
        if before.ends_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let rest = name.get(start..)?;
        if let Some((date, is_utc)) = parse_date_prefix(rest) {
            // The names of Google's camera.
            let is_utc = is_utc || ends_with_ignoring_case(before, "PXL_");
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

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    let tail = text.len().checked_sub(end.len());
    let tail = tail.and_then(|start| text.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Finds a year and a month with a hyphen between them, as a word of its own.
fn find_month(name: &str) -> Option<PartialDateTime> {
    (0..name.len()).find_map(|start| {
        let (before, mut rest) = name.split_at_checked(start)?;
        let is_gap = |c: char| c.is_whitespace() || c == '_';
        if !before.chars().next_back().is_none_or(is_gap) {
            return None;
        }
        let year = take_number(&mut rest, 4, 4).and_then(|year| i32::try_from(year).ok())?;
        rest = rest.strip_prefix('-')?;
        let month = take_number(&mut rest, 2, 2)?;
        // The extension of the file may follow.
        let after = rest.strip_prefix('.').map_or(rest, |extension| {
            match extension.starts_with(|c: char| c.is_ascii_digit()) {
                true => rest,
                false => "",
            }
        });
        let years = FIRST_YEAR_WRITTEN_OUT..=*YEARS_IN_A_NAME.end();
        let is_word = after.chars().next().is_none_or(is_gap) && years.contains(&year);
        PartialDateTime::from_month(year, month).filter(|_| is_word)
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

/// Parses a date at the start of `rest`, and the time after the date if there is one. Also returns
/// whether the time is marked as one in UTC.
fn parse_date_prefix(mut rest: &str) -> Option<(PartialDateTime, bool)> {
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
    let is_written_out = matches!(before_day, Some('-' | '_')) && !is_short;
    let first_year = match is_written_out {
        true => FIRST_YEAR_WRITTEN_OUT,
        false => *YEARS_IN_A_NAME.start(),
    };
    let years = first_year..=*YEARS_IN_A_NAME.end();
    let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| years.contains(&year))?;
    let boundary = !rest.starts_with(|c: char| c.is_ascii_digit());
    match parse_time_prefix(rest) {
        Some((time, is_utc)) => Some((date.and_time(time).into(), is_utc)),
        // Without a time, such a number may be something else.
        None if is_joined || is_short => None,
        None => boundary.then(|| (date.into(), false)),
    }
}

/// Parses a time at the start of `rest`: `094107`, `09-41-07` or `9.41.07 PM`. A word may precede
/// it. Also returns whether a `Z` follows, which marks a time in UTC.
fn parse_time_prefix(mut rest: &str) -> Option<(NaiveTime, bool)> {
    rest = trim_separators(rest);
    let lower = rest.to_lowercase();
    let words = WORDS_BEFORE_TIME.iter().filter(|word| {
        let after = lower.strip_prefix(**word);
        after.is_some_and(|after| after.starts_with(char::is_whitespace) || word.ends_with('-'))
    });
    if let Some(word) = words.max_by_key(|word| word.len()) {
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
    let is_fraction = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    let after = rest.trim_start_matches(is_fraction).strip_prefix('Z');
    let is_utc = after.is_some_and(|after| !after.starts_with(char::is_alphanumeric));
    let time = NaiveTime::from_hms_opt(hour_of_day(hour, half), minute, second)?;
    Some((time, is_utc))
}

/// Removes the characters that may separate a date from a time.
fn trim_separators(rest: &str) -> &str {
    rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '_' | '-' | 'T' | ','))
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
            "Captura de Pantalla 2018-02-01 a la(s) 9.41.07 a. m..png",
            "Captura de pantalla 2018-02-01 a les 9.41.07.png",
            "Captura de ecrã 2018-02-01, às 09.41.07.png",
            "Schermata 2018-02-01 alle ore 09.41.07.png",
            "Immagine WhatsApp 2018-02-01 ore 09.41.07_ab12.jpg",
            "Imagem do WhatsApp de 2018-02-01 à(s) 09.41.07_ab12.jpg",
            "Знімок екрана 2018-02-01 о 09.41.07.png",
            "Tangkapan Skrin 2018-02-01 pada 9.41.07 AM.png",
            "צילום מסך 2018-02-01 ב-9.41.07.png",
            "Ekran Resmi 2018-02-01 ÖÖ 9.41.07.png",
            "Στιγμιότυπο 2018-02-01, 9.41.07 π.μ..png",
        ] {
            let wanted = ("2018-02-01T09:41:07".to_owned(), DateSource::FileName);
            assert_eq!(found(name), Some(wanted), "{name}");
        }
        for name in [
            "Screen Shot 2018-02-01 at 9.41.07 PM.png",
            "Captura de Pantalla 2018-02-01 a la(s) 9.41.07 p. m..png",
            "Στιγμιότυπο οθόνης 2018-02-01 στις 9.41.07 μ.μ..png",
            "螢幕截圖 2018-02-01 晚上9.41.07.png",
        ] {
            let evening = found(name).map(|found| found.0);
            assert_eq!(evening.as_deref(), Some("2018-02-01T21:41:07"), "{name}");
        }
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
            ("copy of pxl_20240101_012612027.MP.jpg", "2024-01-01"),
            ("20240101T012612Z.jpg", "2024-01-01"),
            ("2024-01-01T01-26-12.027Z.png", "2024-01-01"),
        ] {
            let wanted = (day.to_owned(), DateSource::FileNameUtc);
            assert_eq!(found(name), Some(wanted), "{name}");
        }
    }

    #[test]
    fn scans_have_the_date_that_is_written_out() {
        for (name, date) in [
            ("1962-07-14 Oma.jpg", Some("1962-07-14")),
            ("scan_1962_07_14.tif", Some("1962-07-14")),
            ("Scan 1985-06.jpg", Some("1985-06")),
            ("1985-06 beach.jpg", Some("1985-06")),
            ("Album_1985-06_003.jpg", Some("1985-06")),
            ("1985-06 and 1985-07-02.jpg", Some("1985-07-02")),
            ("1985-06", Some("1985-06")),
            ("19620714.jpg", None),
            ("1962.07.14.jpg", None),
            ("1800-01-01.jpg", None),
            ("1985-13.jpg", None),
            ("1985-06.12.jpg", None),
            ("1985-06-x.jpg", None),
            ("Smith-1985-06.jpg", None),
            ("1985-067.jpg", None),
            ("1985_06.jpg", None),
        ] {
            let found = found(name).map(|found| found.0);
            assert_eq!(found.as_deref(), date, "{name}");
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
