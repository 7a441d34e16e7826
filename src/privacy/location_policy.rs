//! The location policy: how precise published locations are. This module does no I/O.

use std::str::FromStr;

use photo_metadata::{Location, LocationPrecision};

/// The number of decimals of an exact latitude or longitude. Seven decimals are about a centimetre,
/// which is less than the error of any receiver. The other digits come from the conversion of
/// degrees, minutes and seconds.
const EXACT_DECIMALS: u8 = 7;

/// The location policy: how precise published locations are.
///
/// Lists, filters, index keys, counts and the metadata of pictures use only the redacted location
/// that the policy returns.
///
/// ```
/// use photo_catalogue::privacy::LocationPolicy;
/// use photo_metadata::Location;
///
/// let home = Location { lat: 45.471_234, lon: -73.645_678, alt: Some(31.0), ..Location::default() };
/// let policy: LocationPolicy = "round:2".parse()?;
/// let published = policy.redact_location(&home).expect("a location on the globe");
/// assert_eq!((published.lat, published.lon, published.alt), (45.47, -73.65, None));
/// assert_eq!(LocationPolicy::default().redact_location(&home), None);
/// # Ok::<(), photo_catalogue::privacy::InvalidLocationPolicy>(())
/// ```
// The Debug form is part of the fingerprints that publish stores. See `PublicView`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LocationPolicy {
    /// No location is published. This is the default, so that a forgotten setting cannot reveal a
    /// home.
    #[default]
    Hide,
    /// Only latitude and longitude are published, rounded to this number of decimals (0 to 5). One
    /// decimal is about 11 km, two decimals are about 1.1 km.
    Round(u8),
    /// The location is published as it was recorded. Latitude and longitude have at most
    /// 7 decimals.
    Exact,
}

/// The error of a text that is not `hide`, `round:0` to `round:5` or `exact`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a location policy: use hide, round:N (N decimals, 0 to 5) or exact")]
pub struct InvalidLocationPolicy(String);

impl LocationPolicy {
    /// Returns the location that may be published. Returns `None` if the policy hides all
    /// locations, or if the location is not on the globe.
    ///
    /// A rounded location has only latitude and longitude. Altitude, direction, speed and the time
    /// of the receiver are removed, because they would reveal the exact place.
    pub fn redact_location(&self, location: &Location) -> Option<Location> {
        if !location.is_on_globe() {
            return None;
        }
        // The antimeridian is always written as -180, so that an index finds it from both sides.
        let meridian = |lon: f64| if lon == 180.0 { -180.0 } else { lon };
        match *self {
            LocationPolicy::Hide => None,
            LocationPolicy::Round(decimals) => Some(Location {
                lat: round(location.lat, decimals),
                lon: meridian(round(location.lon, decimals)),
                precision: LocationPrecision::Rounded(decimals),
                ..Location::default()
            }),
            LocationPolicy::Exact => Some(Location {
                lat: round_position(location.lat),
                lon: meridian(round_position(location.lon)),
                precision: LocationPrecision::Exact,
                ..location.clone()
            }),
        }
    }

    /// Returns the maximum distance by which rounding moves a location, in degrees. It is the same
    /// for latitude and longitude. Returns 0 if locations are not rounded.
    pub fn max_rounding_degrees(&self) -> f64 {
        match *self {
            LocationPolicy::Round(decimals) => 0.5 / 10_f64.powi(decimals.into()),
            LocationPolicy::Hide | LocationPolicy::Exact => 0.0,
        }
    }

    /// Returns `true` if locations are published as they were recorded.
    pub fn is_exact(&self) -> bool {
        *self == LocationPolicy::Exact
    }
}

impl FromStr for LocationPolicy {
    type Err = InvalidLocationPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidLocationPolicy(text.to_owned());
        match text {
            "hide" => Ok(LocationPolicy::Hide),
            "exact" => Ok(LocationPolicy::Exact),
            _ => match text.strip_prefix("round:").map(str::as_bytes) {
                Some([digit @ b'0'..=b'5']) => Ok(LocationPolicy::Round(digit - b'0')),
                _ => Err(invalid()),
            },
        }
    }
}

impl std::fmt::Display for LocationPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LocationPolicy::Hide => f.write_str("hide"),
            LocationPolicy::Round(decimals) => write!(f, "round:{decimals}"),
            LocationPolicy::Exact => f.write_str("exact"),
        }
    }
}

/// Rounds a latitude or longitude to the decimals of an exact position.
pub(crate) fn round_position(degrees: f64) -> f64 {
    round(degrees, EXACT_DECIMALS)
}

/// Rounds a number of degrees to this number of decimals.
fn round(degrees: f64, decimals: u8) -> f64 {
    let scale = 10_f64.powi(i32::from(decimals));
    // `+ 0.0` turns -0.0 into 0.0. The sign would reveal the hemisphere.
    (degrees * scale).round() / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Location {
        Location {
            lat: 45.471_234,
            lon: -73.645_678,
            alt: Some(31.0),
            precision: LocationPrecision::Exact,
            direction: Some(12.0),
            speed: Some(3.0),
            timestamp: Some("2018-02-01T08:41:07Z".to_owned()),
        }
    }

    #[test]
    fn policy_is_printed_as_it_is_parsed() {
        for text in ["hide", "round:0", "round:2", "round:5", "exact"] {
            assert_eq!(
                text.parse::<LocationPolicy>()
                    .map(|policy| policy.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in [
            "", "round", "round:", "round:6", "round:12", "round:-1", "Exact", "none",
        ] {
            assert!(text.parse::<LocationPolicy>().is_err(), "{text}");
        }
    }

    #[test]
    fn rounding_removes_everything_that_narrows_the_location_down() {
        let published = LocationPolicy::Round(2).redact_location(&home());
        let expected = Location {
            lat: 45.47,
            lon: -73.65,
            precision: LocationPrecision::Rounded(2),
            ..Location::default()
        };
        assert_eq!(published, Some(expected));
    }

    #[test]
    fn hide_publishes_nothing_and_exact_publishes_everything() {
        assert_eq!(LocationPolicy::Hide.redact_location(&home()), None);
        assert_eq!(LocationPolicy::Exact.redact_location(&home()), Some(home()));
    }

    #[test]
    fn exact_position_has_at_most_seven_decimals() {
        let recorded = Location {
            lat: 2.352_200_000_000_000_3,
            lon: -73.645_678_049_999,
            ..home()
        };
        let published = LocationPolicy::Exact.redact_location(&recorded);
        let published = published.expect("published");
        assert_eq!((published.lat, published.lon), (2.3522, -73.645_678));
    }

    #[test]
    fn location_off_the_globe_is_not_published() {
        for (lat, lon) in [
            (91.0, 0.0),
            (0.0, 181.0),
            (f64::NAN, 0.0),
            (0.0, f64::INFINITY),
        ] {
            let nowhere = Location { lat, lon, ..home() };
            assert_eq!(LocationPolicy::Exact.redact_location(&nowhere), None);
        }
    }

    #[test]
    fn antimeridian_is_always_minus_180() {
        for (policy, lon) in [
            (LocationPolicy::Exact, 180.0),
            (LocationPolicy::Exact, 179.999_999_99),
            (LocationPolicy::Round(2), 179.999),
        ] {
            let published = policy
                .redact_location(&Location { lon, ..home() })
                .expect("published");
            assert_eq!(published.lon, -180.0);
        }
    }

    #[test]
    fn pole_is_in_the_outermost_cell() {
        let geohash = |lat| {
            Location {
                lat,
                lon: 10.0,
                ..Location::default()
            }
            .geohash(4)
        };
        assert_eq!(geohash(90.0), geohash(89.95));
        assert_eq!(geohash(-90.0), geohash(-89.95));
        assert_eq!(geohash(45.0).map(|hash| hash.len()), Some(4));
        assert_eq!(geohash(91.0), None);
    }

    #[test]
    fn rounded_zero_does_not_reveal_the_hemisphere() {
        let equator = Location {
            lat: -0.001,
            lon: -0.001,
            ..home()
        };
        let published = LocationPolicy::Round(1)
            .redact_location(&equator)
            .expect("published");
        assert!(published.lat.is_sign_positive() && published.lon.is_sign_positive());
    }
}
