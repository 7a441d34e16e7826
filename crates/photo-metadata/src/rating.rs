//! The rating of a photo in stars.

use super::field_value::whole_number;
use super::tag;
use super::tiff::{FieldNumber, IfdFields};
use super::xmp::XmpProperties;

/// The XMP property in which Windows writes the rating in percent.
pub(crate) const PERCENT_RATING: &str = "MicrosoftPhoto:Rating";

/// Returns the rating in stars: 0 to 5, or -1 for a rejected photo. XMP has priority over EXIF, and
/// a rating in stars has priority over one in percent. Only in XMP, 0 is a rating.
pub(crate) fn find_rating(fields: &IfdFields<'_>, xmp: &XmpProperties) -> Option<i8> {
    let in_xmp = || {
        let rating = xmp.get("xmp:Rating")?.parse::<f64>().ok()?;
        (-1.0..=5.0).contains(&rating).then(|| rating.round() as i8)
    };
    let in_exif = || {
        let mut all = fields.in_ifd0_first(tag::RATING);
        let stars = all.find_map(|field| whole_number(field, 0).filter(|n| (1..=5).contains(n)));
        stars.map(|stars| stars as i8)
    };
    let percent_in_exif = || {
        let mut all = fields.in_ifd0_first(tag::RATING_PERCENT);
        all.find_map(|field| stars_of_percent(field.number(0).and_then(FieldNumber::value)?))
    };
    let percent_in_xmp = || stars_of_percent(xmp.get(PERCENT_RATING)?.parse().ok()?);
    in_xmp()
        .or_else(in_exif)
        .or_else(percent_in_exif)
        .or_else(percent_in_xmp)
}

/// Returns the number of stars of a rating in percent. Windows writes 1, 25, 50, 75 and 99 for one
/// to five stars. The bounds of the numbers between them are those of the property `System.Rating`
/// in the Windows documentation. Returns `None` for 0, which means that there is no rating, and for
/// a number that is not a percentage.
pub(crate) fn stars_of_percent(percent: f64) -> Option<i8> {
    match percent.round() as i64 {
        1..=12 => Some(1),
        13..=37 => Some(2),
        38..=62 => Some(3),
        63..=87 => Some(4),
        88..=100 => Some(5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_a_number_of_stars_from_one_to_five() {
        for (percent, stars) in [
            (1.0, 1),
            (25.0, 2),
            (50.0, 3),
            (75.0, 4),
            (99.0, 5),
            (100.0, 5),
        ] {
            assert_eq!(stars_of_percent(percent), Some(stars), "{percent}");
        }
        for percent in [0.0, -1.0, 101.0, f64::NAN, f64::INFINITY] {
            assert_eq!(stars_of_percent(percent), None, "{percent}");
        }
    }

    #[test]
    fn stars_have_priority_over_percent() {
        let rating = |percent: &str, stars: Option<&str>| {
            let mut xmp = XmpProperties::default();
            xmp.add(PERCENT_RATING, percent);
            if let Some(stars) = stars {
                xmp.add("xmp:Rating", stars);
            }
            find_rating(&IfdFields::default(), &xmp)
        };
        assert_eq!(rating("75", None), Some(4));
        assert_eq!(rating("75", Some("2")), Some(2));
        assert_eq!(rating("75", Some("-1")), Some(-1));
        assert_eq!(rating("0", None), None);
    }
}
