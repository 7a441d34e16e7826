//! Places near which no position is published. Pure.

use std::collections::BTreeSet;
use std::str::FromStr;

use photo_metadata::Location;

/// Characters of a zone's geohash cells: 5,000 km at 1, 39 by 20 km at 4, 1.2 by 0.6 km at 6.
const MAX_CELL_CHARS: usize = 6;
/// Metres that are kept clear around a point where none are said.
const DEFAULT_METRES: f64 = 1_000.0;
/// Largest of them.
const MAX_METRES: f64 = 100_000.0;
/// Metres of a degree of latitude.
const METRES_OF_A_DEGREE: f64 = 111_320.0;

/// Whole cells of the geohash grid inside which no position is published, so that what is missing shows a cell and not
/// its middle.
///
/// Written as zones separated by semicolons or blanks, each a geohash cell of 1 to 6 characters (`f25dv`), or a point with
/// the metres that are kept clear around it (`45.4712,-73.6456,1000`; without metres, 1,000), which becomes the cells, one
/// to four, that this touches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HomeZones(BTreeSet<String>);

/// A zone that is neither a cell nor a point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
// It does not repeat what was written: that is somebody's home.
#[error(
    "home zone {0} is neither a geohash cell of 1 to 6 characters nor LAT,LON or LAT,LON,METRES (at most 100000)"
)]
pub struct InvalidHomeZone(usize);

impl HomeZones {
    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a position lies in a zone. What is not on the globe does not.
    pub fn contain(&self, location: &Location) -> bool {
        !self.is_empty()
            && location.geohash(MAX_CELL_CHARS).is_some_and(|hash| {
                (1..=hash.len())
                    .any(|chars| hash.get(..chars).is_some_and(|cell| self.0.contains(cell)))
            })
    }
}

impl FromStr for HomeZones {
    type Err = InvalidHomeZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zones = text.split(|c: char| c == ';' || c.is_whitespace());
        let mut cells = BTreeSet::new();
        for (index, zone) in zones.filter(|zone| !zone.is_empty()).enumerate() {
            cells.extend(cells_of(zone).ok_or(InvalidHomeZone(index + 1))?);
        }
        Ok(HomeZones(cells))
    }
}

fn cells_of(zone: &str) -> Option<BTreeSet<String>> {
    if !zone.contains(',') {
        let cell = zone.to_ascii_lowercase();
        let valid =
            (1..=MAX_CELL_CHARS).contains(&cell.len()) && geohash::decode_bbox(&cell).is_ok();
        return valid.then(|| BTreeSet::from([cell]));
    }
    let numbers: Vec<f64> = zone
        .split(',')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let (lat, lon, metres) = match numbers[..] {
        [lat, lon] => (lat, lon, DEFAULT_METRES),
        [lat, lon, metres] => (lat, lon, metres),
        _ => return None,
    };
    (metres > 0.0 && metres <= MAX_METRES).then_some(())?;
    cells_around(lat, lon, metres)
}

/// The cells that a square around a point touches. They are no smaller than it in either direction, so that its corners
/// find them all. `None` off the globe and where no cell is large enough, which is at the poles alone.
fn cells_around(lat: f64, lon: f64, metres: f64) -> Option<BTreeSet<String>> {
    let point = Location {
        lat,
        lon,
        ..Location::default()
    };
    point.geohash(1)?;
    let high = metres / METRES_OF_A_DEGREE;
    // Wider towards the pole: as wide as at the edge that is nearer to it.
    let wide = high / (lat.abs() + high).min(90.0).to_radians().cos();
    let chars = (1..=MAX_CELL_CHARS).rev().find(|chars| {
        let (width, height) = cell_degrees(*chars);
        width >= 2.0 * wide && height >= 2.0 * high
    })?;
    let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)];
    corners
        .iter()
        .map(|(north, east)| {
            let lat = (lat + north * high).clamp(-90.0, 90.0);
            let lon = (lon + east * wide + 180.0).rem_euclid(360.0) - 180.0;
            Location {
                lat,
                lon,
                ..Location::default()
            }
            .geohash(chars)
        })
        .collect()
}

/// Width and height of a geohash cell, degrees: each character has five bits, the first of which halves the longitude.
fn cell_degrees(chars: usize) -> (f64, f64) {
    let bits = 5 * i32::try_from(chars).unwrap_or(i32::MAX);
    (
        360.0 / 2_f64.powi(bits - bits / 2),
        180.0 / 2_f64.powi(bits / 2),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(lat: f64, lon: f64) -> Location {
        Location {
            lat,
            lon,
            ..Location::default()
        }
    }

    fn zones(text: &str) -> HomeZones {
        text.parse().expect("zones")
    }

    #[test]
    fn a_cell_hides_all_of_itself_and_nothing_beside_it() {
        let zones = zones("f25dv; U09TV");
        assert!(
            zones.contain(&at(45.5, -73.57))
                == (at(45.5, -73.57).geohash(5).as_deref() == Some("f25dv"))
        );
        let cell = geohash::decode_bbox("u09tv").expect("a cell");
        let (west, south, east, north) = (cell.min().x, cell.min().y, cell.max().x, cell.max().y);
        assert!(zones.contain(&at(south, west)));
        assert!(zones.contain(&at(north - 1e-6, east - 1e-6)));
        assert!(!zones.contain(&at(north + 1e-6, east - 1e-6)));
        assert!(!zones.contain(&at(f64::NAN, 0.0)));
        assert!(HomeZones::default().is_empty() && !HomeZones::default().contain(&at(0.0, 0.0)));
    }

    #[test]
    fn what_is_no_zone_is_named_by_its_place_and_not_by_its_text() {
        for wrong in [
            "f25d; seven77",
            "f25d;ail",
            "f25d;91,0",
            "f25d;0,181",
            "f25d;1,2,3,4",
            "f25d;1,2,0",
            "f25d;1,2,100001",
            "f25d;NaN,2",
            "f25d;90,0",
            "f25d;1,x",
        ] {
            let error = wrong.parse::<HomeZones>().expect_err(wrong);
            assert!(error.to_string().starts_with("home zone 2 "), "{error}");
        }
        assert!(zones("").is_empty() && zones(" ;").is_empty());
    }

    #[test]
    fn a_point_becomes_few_cells() {
        assert!((1..=4).contains(&zones("45.4712,-73.6456").0.len()));
        assert!((1..=4).contains(&zones("-16.8,180,5000").0.len()));
        // The antimeridian has a cell on either side.
        assert!(zones("-16.8,180,5000").contain(&at(-16.8, -179.99)));
    }

    proptest! {
        #[test]
        fn nothing_within_its_metres_is_outside(
            lat in -85.0..85.0_f64, lon in -180.0..180.0_f64, metres in 1.0..100_000.0_f64,
            bearing in 0.0..std::f64::consts::TAU, part in 0.0..0.99_f64,
        ) {
            let zones = zones(&format!("{lat},{lon},{metres}"));
            prop_assert!(zones.contain(&at(lat, lon)));
            // A step on the sphere (haversine's inverse), so that it does not share the code's flat arithmetic.
            let (angle, phi) = (part * metres / 6_371_000.0, lat.to_radians());
            let to = (phi.sin() * angle.cos() + phi.cos() * angle.sin() * bearing.cos()).asin();
            let turn = (bearing.sin() * angle.sin() * phi.cos()).atan2(angle.cos() - phi.sin() * to.sin());
            let lon = (lon + turn.to_degrees() + 180.0).rem_euclid(360.0) - 180.0;
            prop_assert!(zones.contain(&at(to.to_degrees(), lon)));
        }
    }
}
