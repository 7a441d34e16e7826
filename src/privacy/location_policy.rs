//! What the world may know of a photo's place. Pure: the policy is a value, and never read from anywhere here.

use std::str::FromStr;

use photo_metadata::{Location, LocationPrecision};

/// How much of a photo's position is published. Everything that a position shows through goes by the published one:
/// lists, filters, index keys, counts and the pictures' own metadata.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LocationPolicy {
    /// Nothing: the default, so that a forgotten setting gives no home away.
    #[default]
    Hide,
    /// Latitude and longitude rounded to this many decimals (0 to 5): 1 is about 11 km, 2 about 1.1 km.
    Round(u8),
    /// As recorded.
    Exact,
}

/// A policy that is none of `hide`, `round:0` to `round:5` and `exact`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no location policy; it is hide, round:N (N decimals, 0 to 5) or exact")]
pub struct InvalidLocationPolicy(String);

impl LocationPolicy {
    /// The position as it may be published; `None` where nothing may.
    ///
    /// Rounded, only latitude and longitude are left: altitude, direction, speed and the receiver's time would narrow
    /// the rounded position down again. A position that is not on the globe is not published at all.
    pub fn publish(&self, location: &Location) -> Option<Location> {
        if !location.is_on_globe() {
            return None;
        }
        // One meridian, one way to write it: an index must find it from both sides.
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
                lon: meridian(location.lon),
                precision: LocationPrecision::Exact,
                ..location.clone()
            }),
        }
    }

    /// How far from a photo's position the published one may be, degrees of latitude or of longitude.
    pub fn moved(&self) -> f64 {
        match *self {
            LocationPolicy::Round(decimals) => 0.5 / 10_f64.powi(decimals.into()),
            LocationPolicy::Hide | LocationPolicy::Exact => 0.0,
        }
    }

    /// Whether files may be published with the position that they carry.
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

fn round(degrees: f64, decimals: u8) -> f64 {
    let scale = 10_f64.powi(i32::from(decimals));
    // `+ 0.0` turns -0.0 into 0.0, which would tell the hemisphere.
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
    fn a_policy_reads_and_prints_the_same() {
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
    fn rounding_leaves_nothing_that_narrows_the_position_down() {
        let published = LocationPolicy::Round(2).publish(&home());
        let expected = Location {
            lat: 45.47,
            lon: -73.65,
            precision: LocationPrecision::Rounded(2),
            ..Location::default()
        };
        assert_eq!(published, Some(expected));
    }

    #[test]
    fn hidden_is_nothing_and_exact_is_everything() {
        assert_eq!(LocationPolicy::Hide.publish(&home()), None);
        assert_eq!(LocationPolicy::Exact.publish(&home()), Some(home()));
    }

    #[test]
    fn a_position_off_the_globe_is_not_published() {
        for (lat, lon) in [
            (91.0, 0.0),
            (0.0, 181.0),
            (f64::NAN, 0.0),
            (0.0, f64::INFINITY),
        ] {
            let nowhere = Location { lat, lon, ..home() };
            assert_eq!(LocationPolicy::Exact.publish(&nowhere), None);
        }
    }

    #[test]
    fn the_antimeridian_is_written_one_way() {
        for (policy, lon) in [
            (LocationPolicy::Exact, 180.0),
            (LocationPolicy::Round(2), 179.999),
        ] {
            let published = policy
                .publish(&Location { lon, ..home() })
                .expect("published");
            assert_eq!(published.lon, -180.0);
        }
    }

    #[test]
    fn the_north_pole_is_in_the_northernmost_cell() {
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
    fn zero_does_not_tell_the_hemisphere() {
        let equator = Location {
            lat: -0.001,
            lon: -0.001,
            ..home()
        };
        let published = LocationPolicy::Round(1)
            .publish(&equator)
            .expect("published");
        assert!(published.lat.is_sign_positive() && published.lon.is_sign_positive());
    }
}
