//! Helpers of the parsers of dates: each removes a piece from the start of a text.

/// Removes the first character of `rest` if it is one of the characters in `of`. Returns `None`,
/// and leaves `rest` unchanged, if it is not.
pub(crate) fn take_separator(rest: &mut &str, of: &str) -> Option<()> {
    let first = rest.chars().next().filter(|&c| of.contains(c))?;
    *rest = rest.get(first.len_utf8()..)?;
    Some(())
}

/// Removes a number of `least` to `most` digits from the start of `rest`, and returns the number.
/// Returns `None` if there are fewer than `least` digits.
pub(crate) fn take_number(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
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

/// Half of the day: the meaning of AM and PM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HalfDay {
    /// Before noon.
    Morning,
    /// After noon.
    Afternoon,
}

/// The ways in which programs write AM and PM, in upper case. The Unicode CLDR has the forms of each
/// language.
#[rustfmt::skip]
const HALF_DAYS: [(&str, HalfDay); 31] = [
    ("AM", HalfDay::Morning), ("A.M.", HalfDay::Morning), ("A. M.", HalfDay::Morning),
    ("A.\u{a0}M.", HalfDay::Morning), ("A.\u{202f}M.", HalfDay::Morning), ("A.M", HalfDay::Morning),
    ("上午", HalfDay::Morning), ("凌晨", HalfDay::Morning), ("清晨", HalfDay::Morning),
    ("早上", HalfDay::Morning), ("午前", HalfDay::Morning), ("오전", HalfDay::Morning),
    ("ÖÖ", HalfDay::Morning), ("π.μ.", HalfDay::Morning), ("Π.Μ.", HalfDay::Morning),
    ("ΠΜ", HalfDay::Morning),
    ("PM", HalfDay::Afternoon), ("P.M.", HalfDay::Afternoon), ("P. M.", HalfDay::Afternoon),
    ("P.\u{a0}M.", HalfDay::Afternoon), ("P.\u{202f}M.", HalfDay::Afternoon), ("P.M", HalfDay::Afternoon),
    ("下午", HalfDay::Afternoon), ("中午", HalfDay::Afternoon), ("晚上", HalfDay::Afternoon),
    ("午後", HalfDay::Afternoon), ("오후", HalfDay::Afternoon), ("ÖS", HalfDay::Afternoon),
    ("μ.μ.", HalfDay::Afternoon), ("Μ.Μ.", HalfDay::Afternoon), ("ΜΜ", HalfDay::Afternoon),
];

/// Removes blanks and a word for AM or PM from the start of `rest`. Returns `None`, and leaves
/// `rest` unchanged, if no such word follows.
pub(crate) fn take_half_day(rest: &mut &str) -> Option<HalfDay> {
    let trimmed = rest.trim_start();
    // Nearly always, a digit or nothing follows.
    trimmed.chars().next().filter(|c| c.is_alphabetic())?;
    let (word, half) = HALF_DAYS.iter().find(|(word, _)| {
        let head = trimmed.get(..word.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(word))
    })?;
    let after = trimmed.get(word.len()..)?;
    // "AMBER" does not begin with AM.
    if word.starts_with(|c: char| c.is_ascii()) && after.starts_with(|c: char| c.is_alphanumeric())
    {
        return None;
    }
    *rest = after;
    Some(*half)
}

/// Converts an hour of the 12-hour clock to the 24-hour clock. An hour above 12 is of the 24-hour
/// clock already.
pub(crate) fn hour_of_day(hour: u32, half: Option<HalfDay>) -> u32 {
    match (half, hour) {
        // 午後0時 is noon.
        (Some(HalfDay::Afternoon), 0..=11) => hour + 12,
        (Some(HalfDay::Morning), 12) => 0,
        _ => hour,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_days_are_words_of_their_own() {
        for (text, half, after) in [
            (" PM", Some(HalfDay::Afternoon), ""),
            ("p.m. x", Some(HalfDay::Afternoon), " x"),
            ("\u{202f}AM.png", Some(HalfDay::Morning), ".png"),
            ("下午6:44", Some(HalfDay::Afternoon), "6:44"),
            ("amber", None, "amber"),
            ("", None, ""),
        ] {
            let mut rest = text;
            assert_eq!((take_half_day(&mut rest), rest), (half, after), "{text}");
        }
        for text in [
            "p. m.",
            "P.\u{a0}m.",
            "p.\u{202f}m.",
            "p.m",
            "μ.μ.",
            "晚上",
            "ÖS",
        ] {
            let mut rest = text;
            assert_eq!(take_half_day(&mut rest), Some(HalfDay::Afternoon), "{text}");
            assert_eq!(rest, "", "{text}");
        }
        assert_eq!(hour_of_day(0, Some(HalfDay::Afternoon)), 12);
        assert_eq!(hour_of_day(12, Some(HalfDay::Afternoon)), 12);
        assert_eq!(hour_of_day(12, Some(HalfDay::Morning)), 0);
        assert_eq!(hour_of_day(18, Some(HalfDay::Afternoon)), 18);
        assert_eq!(hour_of_day(6, Some(HalfDay::Afternoon)), 18);
    }
}
