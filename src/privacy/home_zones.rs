//! Home zones: areas in which no location is published. This module does no I/O.

use std::collections::BTreeSet;
use std::str::FromStr;

use photo_metadata::Location;

/// The maximum length of a geohash cell's name, in characters. A cell with 1 character is about
/// 5,000 km wide. With 4 characters it is 39 by 20 km, with 6 characters 1.2 by 0.6 km.
const MAX_CELL_CHARS: usize = 6;
/// The default distance around a point, in metres. It is used if the text of a zone has no
/// distance.
const DEFAULT_METRES: f64 = 1_000.0;
/// The maximum distance around a point, in metres.
const MAX_METRES: f64 = 100_000.0;
/// The length of a degree of latitude, in metres.
const METRES_PER_DEGREE: f64 = 111_320.0;

/// Home zones: geohash cells in which no location is published.
///
/// A zone always consists of whole cells of the geohash grid. So the area without positions on the
/// map has the shape of cells, and the centre of this area does not reveal the home.
///
/// The text form is a list of zones, separated by semicolons or white space. A zone is a geohash
/// cell of 1 to 6 characters (`f25dv`), or a point with a distance in metres
/// (`45.4712,-73.6456,1000`). The distance is 1,000 metres if it is left out. A point becomes the
/// one to four cells that the square around it touches.
///
/// ```
/// use photo_catalogue::privacy::HomeZones;
/// use photo_metadata::Location;
///
/// let zones: HomeZones = "f25dv; 45.4712,-73.6456,1000".parse()?;
/// let at = |lat, lon| Location { lat, lon, ..Location::default() };
/// assert!(zones.contains(&at(45.4712, -73.6456)));
/// assert!(!zones.contains(&at(48.8584, 2.2945)));
/// // The error does not repeat the text, because it may be the address of a home.
/// let error = "f25dv; 91,0".parse::<HomeZones>().expect_err("not on the globe");
/// assert!(error.to_string().starts_with("home zone 2 is"));
/// # Ok::<(), photo_catalogue::privacy::InvalidHomeZone>(())
/// ```
// The Debug form is part of the fingerprints that publish stores. See `PublicView`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HomeZones(BTreeSet<String>);

/// The error of a text that is not a list of home zones. The field is the number of the wrong zone
/// in the list. The first zone has the number 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
// The message does not repeat the text, because it may be the address of a home.
#[error(
    "home zone {0} is neither a geohash cell of 1 to 6 characters nor LAT,LON or LAT,LON,METRES (at most 100000)"
)]
pub struct InvalidHomeZone(usize);

impl HomeZones {
    /// Returns `true` if there are no home zones.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if a location is in a home zone. A location that is not on the globe, such as
    /// latitude 91, is in no home zone.
    pub fn contains(&self, location: &Location) -> bool {
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
            cells.extend(parse_zone(zone).ok_or(InvalidHomeZone(index + 1))?);
        }
        Ok(HomeZones(cells))
    }
}

/// Parses one zone. Returns the names of its cells, or `None` if the text is neither a cell nor a
/// point.
fn parse_zone(zone: &str) -> Option<BTreeSet<String>> {
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

/// Returns the names of the cells that a square around a point touches. `metres` is half the length
/// of a side.
///
/// All cells have the same size. They are at least as wide and as high as the square, so it is
/// enough to look up the cells of its four corners. Returns `None` if the point is not on the
/// globe. Also returns `None` if no cell is large enough, which happens only near the poles.
fn cells_around(lat: f64, lon: f64, metres: f64) -> Option<BTreeSet<String>> {
    let point = Location {
        lat,
        lon,
        ..Location::default()
    };
    point.geohash(1)?;
    let half_height = metres / METRES_PER_DEGREE;
    // A degree of longitude is shorter towards the pole, so the edge nearer to the pole is used.
    let half_width = half_height / (lat.abs() + half_height).min(90.0).to_radians().cos();
    let chars = (1..=MAX_CELL_CHARS).rev().find(|chars| {
        let (width, height) = cell_degrees(*chars);
        width >= 2.0 * half_width && height >= 2.0 * half_height
    })?;
    let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)];
    corners
        .iter()
        .map(|(north, east)| {
            let lat = (lat + north * half_height).clamp(-90.0, 90.0);
            let lon = (lon + east * half_width + 180.0).rem_euclid(360.0) - 180.0;
            Location {
                lat,
                lon,
                ..Location::default()
            }
            .geohash(chars)
        })
        .collect()
}

/// Returns the width and the height of a geohash cell, in degrees. `chars` is the number of
/// characters in the name of the cell. Each character stands for five bits, and each bit halves the
/// cell: the first bit halves the width, the second the height, the third the width, and so on.
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
    fn zone_contains_its_whole_cell_and_nothing_else() {
        let zones = zones("f25dv; U09TV");
        assert!(
            zones.contains(&at(45.5, -73.57))
                == (at(45.5, -73.57).geohash(5).as_deref() == Some("f25dv"))
        );
        let cell = geohash::decode_bbox("u09tv").expect("a cell");
        let (west, south, east, north) = (cell.min().x, cell.min().y, cell.max().x, cell.max().y);
        assert!(zones.contains(&at(south, west)));
        assert!(zones.contains(&at(north - 1e-6, east - 1e-6)));
        assert!(!zones.contains(&at(north + 1e-6, east - 1e-6)));
        assert!(!zones.contains(&at(f64::NAN, 0.0)));
        assert!(HomeZones::default().is_empty() && !HomeZones::default().contains(&at(0.0, 0.0)));
    }

    #[test]
    fn invalid_zone_is_named_by_its_number_and_not_by_its_text() {
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
    fn point_becomes_at_most_four_cells() {
        assert!((1..=4).contains(&zones("45.4712,-73.6456").0.len()));
        assert!((1..=4).contains(&zones("-16.8,180,5000").0.len()));
        // The zone has a cell on each side of the antimeridian.
        assert!(zones("-16.8,180,5000").contains(&at(-16.8, -179.99)));
    }

    proptest! {
        #[test]
        fn everything_within_the_distance_is_inside(
            lat in -85.0..85.0_f64, lon in -180.0..180.0_f64, metres in 1.0..100_000.0_f64,
            bearing in 0.0..std::f64::consts::TAU, part in 0.0..0.99_f64,
        ) {
            let zones = zones(&format!("{lat},{lon},{metres}"));
            prop_assert!(zones.contains(&at(lat, lon)));
            // Goes a distance along the sphere (the inverse of the haversine formula). The code
            // above uses flat arithmetic, so the test does not repeat its mistakes.
            let (angle, phi) = (part * metres / 6_371_000.0, lat.to_radians());
            let to = (phi.sin() * angle.cos() + phi.cos() * angle.sin() * bearing.cos()).asin();
            let turn = (bearing.sin() * angle.sin() * phi.cos()).atan2(angle.cos() - phi.sin() * to.sin());
            let lon = (lon + turn.to_degrees() + 180.0).rem_euclid(360.0) - 180.0;
            prop_assert!(zones.contains(&at(to.to_degrees(), lon)));
        }
    }
}
