//! Reads the values of EXIF fields as numbers, even if a program wrote them with a wrong type.

use super::record::storable_number;
use super::tag;
use super::text::field_text;
use super::tiff::{FieldNumber, FieldType, IfdField};

/// Returns the number at `index` in a field, rounded to an integer. The first number has the index
/// 0. A number that is written as text is accepted too. Returns `None` if the number is missing or
/// negative.
pub(crate) fn whole_number(field: &IfdField<'_>, index: usize) -> Option<u32> {
    let value = match field.number(index) {
        Some(FieldNumber::Integer(n)) => return u32::try_from(n).ok(),
        Some(number) => number.value()?,
        None => {
            let text = field_text(field)?;
            text.split([' ', ',']).nth(index)?.parse().ok()?
        }
    };
    (value >= 0.0 && value <= f64::from(u32::MAX)).then_some(value.round() as u32)
}

/// Returns the first number of a field. A number that is written as text is accepted too. So is a
/// fraction that is written as two integers, or as four SHORTs or eight BYTEs. Returns `None` for
/// any other list of integers.
pub(crate) fn real_number(field: &IfdField<'_>) -> Option<f64> {
    // FocalLengthIn35mmFormat is the one tag that is read here and has no fraction.
    if field.count > 1 && field.tag != tag::FOCAL_LENGTH_IN_35MM_FORMAT && is_integer(field.kind) {
        return integer_fraction(field)?.value();
    }
    match field.number(0) {
        Some(number) => number.value(),
        None => parse_fraction(&field_text(field)?),
    }
}

fn is_integer(kind: FieldType) -> bool {
    match kind {
        FieldType::Byte
        | FieldType::SByte
        | FieldType::Undefined
        | FieldType::Short
        | FieldType::SShort
        | FieldType::Long
        | FieldType::SLong
        | FieldType::Long8
        | FieldType::SLong8 => true,
        FieldType::Ascii
        | FieldType::Rational
        | FieldType::SRational
        | FieldType::Float
        | FieldType::Double => false,
    }
}

/// Returns a field with `count` fractions. If the field has an integer type but the size of these
/// fractions, its type is wrong, so the result has the type RATIONAL or SRATIONAL.
pub(crate) fn as_fractions<'s>(field: &IfdField<'s>, count: u64) -> IfdField<'s> {
    let kind = match field.kind {
        kind if !is_integer(kind) || field.size != 8 * count => return *field,
        FieldType::SByte | FieldType::SShort | FieldType::SLong => FieldType::SRational,
        _ => FieldType::Rational,
    };
    IfdField {
        kind,
        count,
        ..*field
    }
}

/// Returns the fraction in a field of an integer type. Eight bytes are a RATIONAL with a wrong
/// type. Two integers are a numerator and a denominator.
fn integer_fraction(field: &IfdField<'_>) -> Option<FieldNumber> {
    let fraction = as_fractions(field, 1);
    if fraction.count == 1 {
        return fraction.number(0);
    }
    let (numerator, denominator) = (field.number(0)?, field.number(1)?);
    match (numerator, denominator) {
        (FieldNumber::Integer(n), FieldNumber::Integer(d)) if field.count == 2 => {
            Some(FieldNumber::Fraction(n, d))
        }
        _ => None,
    }
}

/// Parses a fraction or a decimal number: `1/250` gives 0.004, and `2.8` gives 2.8. XMP writes
/// numbers in these forms.
pub(crate) fn parse_fraction(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((n, d)) => n.trim().parse::<f64>().ok()? / d.trim().parse::<f64>().ok()?,
        None => text.split_whitespace().next()?.parse().ok()?,
    };
    storable_number(value)
}

/// Rounds a value to this number of decimals.
pub(crate) fn round_to(value: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (value * factor).round() / factor
}

/// Returns a lens name that is made from the focal lengths and the apertures in the field
/// LensSpecification (EXIF 3.0 4.6.6.7.9): `18-55mm f/3.5-5.6`.
pub(crate) fn lens_specification(field: &IfdField<'_>) -> Option<String> {
    let field = as_fractions(field, 4);
    let part = |index| {
        let number = field.number(index).and_then(FieldNumber::value);
        number.filter(|&v| v > 0.0 && v < 10_000.0)
    };
    let shortest = part(0)?;
    let longest = part(1).unwrap_or(shortest);
    let span = |from: f64, to: f64| {
        if (from - to).abs() < 1e-6 {
            round_to(from, 1).to_string()
        } else {
            format!("{}-{}", round_to(from, 1), round_to(to, 1))
        }
    };
    let apertures = part(2)
        .map(|wide| format!(" f/{}", span(wide, part(3).unwrap_or(wide))))
        .unwrap_or_default();
    Some(format!("{}mm{apertures}", span(shortest, longest)))
}
