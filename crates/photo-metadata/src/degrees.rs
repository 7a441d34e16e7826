//! Parses coordinates that are written as text, and joins them with their hemispheres.

use super::record::storable_number;

/// The two kinds of coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CoordinateAxis {
    Latitude,
    Longitude,
}

/// A half of the globe, by the sign of the coordinates in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hemisphere {
    /// North or east.
    Positive,
    /// South or west.
    Negative,
}

impl CoordinateAxis {
    /// Returns the hemisphere with this name: a letter or a word. Returns `None` for any other
    /// text, and for a hemisphere of the other axis.
    pub(crate) fn hemisphere(self, name: &str) -> Option<Hemisphere> {
        let name = name.trim().to_ascii_lowercase();
        match (self, name.as_str()) {
            (CoordinateAxis::Latitude, "n" | "north")
            | (CoordinateAxis::Longitude, "e" | "east") => Some(Hemisphere::Positive),
            (CoordinateAxis::Latitude, "s" | "south")
            | (CoordinateAxis::Longitude, "w" | "west") => Some(Hemisphere::Negative),
            _ => None,
        }
    }
}

/// A coordinate whose hemisphere may still be unknown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ParsedDegrees {
    /// The number of degrees, without a sign.
    size: f64,
    has_minus: bool,
    /// The hemisphere, if it is written next to the number.
    hemisphere: Option<Hemisphere>,
}

impl ParsedDegrees {
    /// Returns the sum of degrees, minutes and seconds. A minus before the first of them that is
    /// not zero counts for all.
    pub(crate) fn of_parts(parts: &[f64]) -> Self {
        let mut unit = 1.0;
        let mut size = 0.0;
        for part in parts {
            size += part.abs() / unit;
            unit *= 60.0;
        }
        let first = parts.iter().find(|&&part| part != 0.0);
        ParsedDegrees {
            size,
            has_minus: first.is_some_and(|&part| part < 0.0),
            hemisphere: None,
        }
    }

    /// Returns the coordinate in this hemisphere. Returns `None` if the hemisphere next to the
    /// number is another one, or if a minus contradicts the hemisphere.
    pub(crate) fn in_hemisphere(self, hemisphere: Hemisphere) -> Option<f64> {
        if self.hemisphere.is_some_and(|own| own != hemisphere) {
            return None;
        }
        match hemisphere {
            Hemisphere::Positive if self.has_minus => None,
            Hemisphere::Positive => Some(self.size),
            Hemisphere::Negative => Some(-self.size),
        }
    }

    /// Returns the coordinate in the hemisphere next to the number. Returns `None` if there is
    /// none.
    pub(crate) fn in_own_hemisphere(self) -> Option<f64> {
        self.in_hemisphere(self.hemisphere?)
    }

    /// Returns the number with its sign. Returns `None` if there is a hemisphere next to it.
    pub(crate) fn signed(self) -> Option<f64> {
        let signed = if self.has_minus {
            -self.size
        } else {
            self.size
        };
        self.hemisphere.is_none().then_some(signed)
    }
}

/// Parses a coordinate. XMP writes degrees, minutes and seconds with commas (`45,30.0N` or
/// `45,30,0N`; XMP part 2, 2.4), or degrees alone. EXIF requires numbers, but some programs write
/// texts such as `45 deg 30' 0.00" N`, `N 45:30:00` and `45.5`.
///
/// Returns `None` if the text has more than three numbers, more than 60 minutes or seconds, or
/// anything other than numbers, their units and a hemisphere. For example,
/// `52,00000,50,00000,34,01180` has decimal commas, and its first three numbers alone would be
/// another place.
pub(crate) fn parse_degrees(text: &str, axis: CoordinateAxis) -> Option<ParsedDegrees> {
    let mut parts: Vec<f64> = Vec::new();
    let mut hemisphere = None;
    let mut minutes_have_unit = false;
    let mut rest = text.trim();
    let is_first = |rest: &str| rest.len() == text.trim().len();
    while let Some(c) = rest.chars().next() {
        let (token, after) = split_token(rest);
        if is_number_start(c) {
            parts.push(parse_part(token)?);
        } else if is_unit(token, parts.len(), minutes_have_unit) {
            minutes_have_unit |= parts.len() == 2;
        } else if c.is_ascii_alphabetic() {
            // The hemisphere is the first or the last word.
            if hemisphere.is_some() || !(is_first(rest) || after.is_empty()) {
                return None;
            }
            hemisphere = Some(axis.hemisphere(token)?);
        } else if !is_separator(c) {
            return None;
        }
        rest = after;
    }
    let (first, smaller) = parts.split_first()?;
    // 60 seconds are 59.999 seconds, rounded.
    let is_part_of_unit = |part: &f64| (0.0..=60.0).contains(part);
    if smaller.len() > 2 || !smaller.iter().all(is_part_of_unit) {
        return None;
    }
    let mut degrees = ParsedDegrees::of_parts(&parts);
    degrees.has_minus = first.is_sign_negative();
    degrees.hemisphere = hemisphere;
    storable_number(degrees.size).map(|_| degrees)
}

fn is_number_start(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '+' | '-' | '.')
}

/// Reports whether a character may be between the numbers: a space, a comma, a colon, or a sign for
/// degrees, minutes and seconds.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            ',' | ':'
                | ';'
                | '\''
                | '"'
                | '°'
                | 'º'
                | '´'
                | '`'
                | '′'
                | '″'
                | '‘'
                | '’'
                | '“'
                | '”'
        )
}

/// Reports whether a word is the unit of the number before it. `count` is the number of numbers
/// before it. The letter s after the third number is a unit if the second number has one too
/// (`45d30m36s`), and south otherwise (`45,30,36S`).
fn is_unit(word: &str, count: usize, minutes_have_unit: bool) -> bool {
    if word == "s" && count == 3 {
        return minutes_have_unit;
    }
    let word = word.to_ascii_lowercase();
    match count {
        1 => matches!(word.as_str(), "d" | "deg" | "degree" | "degrees"),
        2 => matches!(word.as_str(), "m" | "min" | "minute" | "minutes"),
        3 => matches!(word.as_str(), "sec" | "second" | "seconds"),
        _ => false,
    }
}

/// Splits off the first number, word or other character of a text that is not empty.
fn split_token(text: &str) -> (&str, &str) {
    let mut chars = text.char_indices();
    let first = chars.next().map_or(' ', |(_, c)| c);
    let belongs = |c: char| {
        if is_number_start(first) {
            c.is_ascii_digit() || matches!(c, '.' | '/')
        } else {
            first.is_ascii_alphabetic() && c.is_alphabetic()
        }
    };
    let end = chars.find(|&(_, c)| !belongs(c));
    let end = end.map_or(text.len(), |(at, _)| at);
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Parses a number or a fraction.
fn parse_part(text: &str) -> Option<f64> {
    match text.split_once('/') {
        Some((n, d)) => Some(n.parse::<f64>().ok()? / d.parse::<f64>().ok()?),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a latitude in XMP.
    fn latitude(text: &str) -> Option<f64> {
        let degrees = parse_degrees(text, CoordinateAxis::Latitude)?;
        degrees.in_own_hemisphere().or_else(|| degrees.signed())
    }

    #[test]
    fn degrees_are_read_in_many_forms() {
        for text in [
            "45,30.0N",
            "45,30,0N",
            "45.5",
            "+45.5",
            "45.5N",
            "45.5 n",
            "N45.5",
            "n 45.5",
            "North 45.5",
            "45.5 North",
            "45 30",
            "45:30:00",
            "45 deg 30' 0.00\" N",
            "45 degrees 30 minutes 0 seconds",
            "45°30′0″N",
            "45º 30’ 0” N",
            "45d30m0s",
            "45d30m0s N",
            "45 deg 29 min 60 sec",
            "45/1,30/1,0/100N",
            "  45.5  ",
        ] {
            assert_eq!(latitude(text), Some(45.5), "{text}");
        }
        for text in [
            "45,30,36S",
            "45,30.6S",
            "-45.51",
            "45d30m36s S",
            "45 30 36 s",
            "S 45.51",
        ] {
            let degrees = latitude(text).unwrap_or_default();
            assert!((degrees + 45.51).abs() < 1e-9, "{text}: {degrees}");
        }
        let west = parse_degrees("73,30W", CoordinateAxis::Longitude)
            .and_then(ParsedDegrees::in_own_hemisphere);
        assert_eq!(west, Some(-73.5));
    }

    #[test]
    fn other_texts_are_no_coordinate() {
        for text in [
            "",
            "north",
            "é",
            "-",
            ".",
            "N",
            "48,51,29.6,1N",
            "52,00000,50,00000,34,01180",
            // A decimal comma.
            "48,8583",
            "48,60.1N",
            "48,-30N",
            "48-30-10N",
            "N45.5N",
            "45N30",
            "45.5E",
            "45.5X",
            "45 km",
            "45*30",
            "1/0",
            "0/0",
            "45.5.5",
            "9e99",
            "-45.5N",
        ] {
            assert_eq!(latitude(text), None, "{text}");
        }
        assert_eq!(latitude("-45.5S"), Some(-45.5));
    }

    #[test]
    fn hemispheres_must_agree() {
        let north = CoordinateAxis::Latitude
            .hemisphere(" North ")
            .expect("a hemisphere");
        let south = CoordinateAxis::Latitude
            .hemisphere("s")
            .expect("a hemisphere");
        for name in ["", "E", "W", "K", "NS", "0"] {
            assert_eq!(CoordinateAxis::Latitude.hemisphere(name), None, "{name}");
        }
        assert_eq!(CoordinateAxis::Longitude.hemisphere("N"), None);
        let of = |parts: &[f64]| ParsedDegrees::of_parts(parts);
        assert_eq!(of(&[45.0, 30.0]).in_hemisphere(south), Some(-45.5));
        assert_eq!(of(&[-45.0, 30.0]).in_hemisphere(south), Some(-45.5));
        assert_eq!(of(&[-45.0, 30.0]).in_hemisphere(north), None);
        assert_eq!(of(&[0.0, -30.0]).in_hemisphere(north), None);
        assert_eq!(of(&[45.0]).in_own_hemisphere(), None);
        let in_text = parse_degrees("45.5S", CoordinateAxis::Latitude).expect("degrees");
        assert_eq!(in_text.in_hemisphere(south), Some(-45.5));
        assert_eq!(in_text.in_hemisphere(north), None);
        assert_eq!(in_text.signed(), None);
    }
}
