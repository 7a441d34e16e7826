//! The position of a photo and its precision.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The position at which a photo was taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Location {
    /// The latitude in degrees, positive to the north (WGS 84).
    pub lat: f64,
    /// The longitude in degrees, positive to the east (WGS 84).
    pub lon: f64,
    /// The altitude in metres above sea level, negative below it.
    pub alt: Option<f64>,
    /// The precision of `lat` and `lon`.
    pub precision: LocationPrecision,
    /// The direction of view in degrees, clockwise from north (`GPSImgDirection`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<f64>,
    /// The speed of the GPS receiver in km/h (`GPSSpeed`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// The time of the GPS receiver in UTC: `2018-02-01T08:41:07Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

impl Location {
    /// Returns the geohash of the position. `chars` is its length, 1 to 12 characters. Returns
    /// `None` if the position is not on the globe.
    ///
    /// A position on the border of the map (a pole, or the longitude 180) belongs to the cell that
    /// touches the border.
    ///
    /// ```
    /// use photo_metadata::Location;
    ///
    /// let eiffel_tower = Location { lat: 48.8584, lon: 2.2945, ..Location::default() };
    /// assert_eq!(eiffel_tower.geohash(4).as_deref(), Some("u09t"));
    ///
    /// let nowhere = Location { lat: 91.0, ..eiffel_tower };
    /// assert_eq!(nowhere.geohash(4), None);
    /// ```
    pub fn geohash(&self, chars: usize) -> Option<String> {
        // geohash::encode maps the upper bounds to the lower ones. So the coordinates stay a tenth
        // of a millimetre below them.
        let below = |degrees: f64, most: f64| degrees.min(most - 1e-9);
        if !self.is_on_globe() {
            return None;
        }
        let place = geohash::Coord {
            x: below(self.lon, 180.0),
            y: below(self.lat, 90.0),
        };
        geohash::encode(place, chars).ok()
    }

    /// Reports whether the latitude is from -90 to 90 and the longitude from -180 to 180.
    pub fn is_on_globe(&self) -> bool {
        (-90.0..=90.0).contains(&self.lat) && (-180.0..=180.0).contains(&self.lon)
    }
}

/// The precision of a position.
///
/// In JSON, a precision is the text `"exact"` or `"round:N"`. Any other stored text is read as
/// [`Exact`](Self::Exact), because stored positions are exact.
///
/// ```
/// use photo_metadata::LocationPrecision;
///
/// let json = serde_json::to_string(&LocationPrecision::Rounded(2)).unwrap();
/// assert_eq!(json, r#""round:2""#);
/// assert_eq!(serde_json::from_str::<LocationPrecision>(&json).unwrap(), LocationPrecision::Rounded(2));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum LocationPrecision {
    /// The position is as the camera recorded it.
    #[default]
    Exact,
    /// The latitude and longitude are rounded to this number of decimals.
    Rounded(u8),
}

impl fmt::Display for LocationPrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocationPrecision::Exact => f.write_str("exact"),
            LocationPrecision::Rounded(decimals) => write!(f, "round:{decimals}"),
        }
    }
}

impl From<LocationPrecision> for String {
    fn from(precision: LocationPrecision) -> Self {
        precision.to_string()
    }
}

impl From<String> for LocationPrecision {
    fn from(text: String) -> Self {
        let decimals = text.strip_prefix("round:").and_then(|n| n.parse().ok());
        decimals.map_or(LocationPrecision::Exact, LocationPrecision::Rounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_is_one_text_in_json() {
        for (precision, json) in [
            (LocationPrecision::Exact, r#""exact""#),
            (LocationPrecision::Rounded(0), r#""round:0""#),
            (LocationPrecision::Rounded(5), r#""round:5""#),
        ] {
            assert_eq!(serde_json::to_string(&precision).expect("JSON"), json);
            let read: LocationPrecision = serde_json::from_str(json).expect("a precision");
            assert_eq!(read, precision);
        }
        for json in [r#""""#, r#""round:""#, r#""round:-1""#, r#""precise""#] {
            let read: LocationPrecision = serde_json::from_str(json).expect("a precision");
            assert_eq!(read, LocationPrecision::Exact, "{json}");
        }
    }
}
