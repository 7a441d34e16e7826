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
/// The length of a degree of latitude at the equator, in metres. It is longer everywhere else, so a
/// distance that is converted with this number is never too small.
const METRES_PER_DEGREE: f64 = 110_500.0;
/// The minimum width and height of a block, as a multiple of the distance of the zone. A block is a
/// cell of the grid that [`HomeZones`] describes.
const MIN_BLOCK_DISTANCES: f64 = 4.0;

/// Home zones: areas in which no location is published.
///
/// The text form is a list of zones, separated by semicolons or white space. A zone is a geohash
/// cell of 1 to 6 characters (`f25dv`), or a point with a distance in metres
/// (`45.4712,-73.6456,1000`). The distance is 1,000 metres if it is left out.
///
/// The zone of a point is a block of a fixed grid, and a margin around the block. The grid and the
/// margin depend only on the distance. So all points in a block have the same zone, and a person
/// who sees the zone learns only the block. The block is 4 to 8 distances wide and high. The margin
/// is at least one distance wide, so the zone contains every place within the distance.
///
/// ```
/// use photo_catalogue::privacy::HomeZones;
/// use photo_metadata::Location;
///
/// let zones: HomeZones = "f25dv; 45.4712,-73.6456,1000".parse()?;
/// let at = |lat, lon| Location { lat, lon, ..Location::default() };
/// assert!(zones.contains(&at(45.4712, -73.6456)));
/// assert!(!zones.contains(&at(48.8584, 2.2945)));
/// // The zone is the same for a home 700 metres away in the same block.
/// assert_eq!("45.4712,-73.6456".parse(), "45.4772,-73.6426".parse::<HomeZones>());
/// // The error does not repeat the text, because it may be the address of a home.
/// let error = "f25dv; 91,0".parse::<HomeZones>().expect_err("not on the globe");
/// assert!(error.to_string().starts_with("home zone 2 is"));
/// # Ok::<(), photo_catalogue::privacy::InvalidHomeZone>(())
/// ```
// The Debug form is part of the fingerprints that publish stores. See `PublicView`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HomeZones {
    cells: BTreeSet<String>,
    areas: Vec<ZoneArea>,
}

/// The area of the zone of a point, in degrees. It may cross the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ZoneArea {
    south: f64,
    north: f64,
    west: f64,
    /// The distance from the west to the east edge. It is 360 if the area goes around a pole.
    width: f64,
}

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
        self.cells.is_empty() && self.areas.is_empty()
    }

    /// Returns `true` if a location is in a home zone. A location that is not on the globe, such as
    /// latitude 91, is in no home zone.
    pub fn contains(&self, location: &Location) -> bool {
        !self.is_empty()
            && location.geohash(MAX_CELL_CHARS).is_some_and(|hash| {
                self.areas.iter().any(|area| area.contains(location))
                    || (1..=hash.len()).any(|chars| {
                        hash.get(..chars)
                            .is_some_and(|cell| self.cells.contains(cell))
                    })
            })
    }
}

impl ZoneArea {
    /// Returns the area of the zone of a point: the block of the grid that contains the point, and
    /// the margin around the block. Returns `None` if the point is not on the globe.
    ///
    /// The blocks are the cells of a grid that divides the globe. First the latitude selects a row
    /// of blocks, then the longitude selects a block of this row. All blocks of a row have the same
    /// width, which depends on the latitude of the row and not on that of the point.
    fn around(lat: f64, lon: f64, metres: f64) -> Option<Self> {
        let point = Location {
            lat,
            lon,
            ..Location::default()
        };
        point.is_on_globe().then_some(())?;
        let distance = metres / METRES_PER_DEGREE;
        let height = halve_while_larger(180.0, MIN_BLOCK_DISTANCES * distance);
        let row = ((lat + 90.0) / height).floor().min(180.0 / height - 1.0);
        let south = (row * height - 90.0 - distance).max(-90.0);
        let north = ((row + 1.0) * height - 90.0 + distance).min(90.0);
        // A degree of longitude is shortest at the edge of the zone that is nearest to a pole.
        let shortest = south.abs().max(north.abs()).to_radians().cos();
        let margin = distance / shortest;
        let width = halve_while_larger(360.0, MIN_BLOCK_DISTANCES * margin);
        let column = ((lon + 180.0).rem_euclid(360.0) / width).floor();
        let area = ZoneArea {
            south,
            north,
            west: column * width - 180.0 - margin,
            width: width + 2.0 * margin,
        };
        // At a pole, all longitudes meet, so the zone must go all around the pole.
        let is_all_around = north >= 90.0 || south <= -90.0 || area.width >= 360.0;
        Some(if is_all_around {
            ZoneArea {
                west: -180.0,
                width: 360.0,
                ..area
            }
        } else {
            area
        })
    }

    fn contains(&self, location: &Location) -> bool {
        (self.south..=self.north).contains(&location.lat)
            && (location.lon - self.west).rem_euclid(360.0) <= self.width
    }
}

/// Halves `whole` as long as the result is at least `least`. Returns `whole` if even it is smaller.
fn halve_while_larger(whole: f64, least: f64) -> f64 {
    let mut part = whole;
    while part / 2.0 >= least {
        part /= 2.0;
    }
    part
}

impl FromStr for HomeZones {
    type Err = InvalidHomeZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zones = text.split(|c: char| c == ';' || c.is_whitespace());
        let mut parsed = HomeZones::default();
        for (index, zone) in zones.filter(|zone| !zone.is_empty()).enumerate() {
            let invalid = InvalidHomeZone(index + 1);
            if zone.contains(',') {
                let area = parse_point(zone).ok_or(invalid)?;
                parsed.areas.push(area);
            } else {
                let cell = zone.to_ascii_lowercase();
                let is_cell = (1..=MAX_CELL_CHARS).contains(&cell.len())
                    && geohash::decode_bbox(&cell).is_ok();
                is_cell.then_some(()).ok_or(invalid)?;
                parsed.cells.insert(cell);
            }
        }
        Ok(parsed)
    }
}

/// Parses a zone that is a point: `LAT,LON` or `LAT,LON,METRES`. Returns its area, or `None` if the
/// text is not a point on the globe with an allowed distance.
fn parse_point(zone: &str) -> Option<ZoneArea> {
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
    ZoneArea::around(lat, lon, metres)
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
            "f25d;1,x",
        ] {
            let error = wrong.parse::<HomeZones>().expect_err(wrong);
            assert!(error.to_string().starts_with("home zone 2 "), "{error}");
        }
        assert!(zones("").is_empty() && zones(" ;").is_empty());
    }

    #[test]
    fn zone_may_cross_the_antimeridian_or_go_around_a_pole() {
        for lon in [-180.0, -179.99, 179.99, 180.0] {
            assert!(zones("-16.8,180,5000").contains(&at(-16.8, lon)), "{lon}");
            assert!(
                zones("-16.8,-179.99,5000").contains(&at(-16.8, lon)),
                "{lon}"
            );
            assert!(zones("90,0,5000").contains(&at(89.96, lon)), "{lon}");
            assert!(!zones("90,0,5000").contains(&at(88.0, lon)), "{lon}");
        }
    }

    #[test]
    fn zones_of_a_region_show_only_the_blocks_of_the_grid() {
        // 10,201 homes in a square of half a degree have one of few zones: one for each block.
        let mut seen: Vec<HomeZones> = Vec::new();
        for (north, east) in (0..=100).flat_map(|n| (0..=100).map(move |e| (n, e))) {
            let (lat, lon) = (
                45.3 + 0.005 * f64::from(north),
                -73.9 + 0.005 * f64::from(east),
            );
            let zone = zones(&format!("{lat},{lon},1000"));
            if !seen.contains(&zone) {
                seen.push(zone);
            }
        }
        assert!((50..150).contains(&seen.len()), "{} zones", seen.len());
    }

    proptest! {
        #[test]
        fn everything_within_the_distance_is_inside(
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, metres in 1.0..100_000.0_f64,
            bearing in 0.0..std::f64::consts::TAU, part in 0.0..=1.0_f64,
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

        #[test]
        fn all_homes_of_a_block_have_the_same_zone(
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, metres in 1.0..100_000.0_f64,
            up in 0.0..1.0_f64, right in 0.0..1.0_f64,
        ) {
            let area = ZoneArea::around(lat, lon, metres).expect("on the globe");
            let text = format!("{lat},{lon},{metres}");
            // Computes the block from the zone: it is the zone without the margin. At a pole, the
            // zone has no margin to take away.
            let margin = metres / METRES_PER_DEGREE;
            let south = if area.south > -90.0 { area.south + margin } else { -90.0 };
            let north = if area.north < 90.0 { area.north - margin } else { 90.0 };
            let inside = |low: f64, high: f64, share: f64| low + (high - low) * (0.001 + 0.998 * share);
            let other_lat = inside(south, north, up);
            let other_lon = if area.width < 360.0 {
                let shortest = area.south.abs().max(area.north.abs()).to_radians().cos();
                let side = margin / shortest;
                let (west, east) = (area.west + side, area.west + area.width - side);
                prop_assert!(east - west >= 3.999 * side && east - west <= 8.001 * side);
                (inside(west, east, right) + 180.0).rem_euclid(360.0) - 180.0
            } else {
                lon
            };
            prop_assert_eq!(zones(&text), zones(&format!("{other_lat},{other_lon},{metres}")));
            if area.south > -90.0 && area.north < 90.0 {
                let height = north - south;
                prop_assert!(height >= 3.999 * margin && height <= 8.001 * margin);
            }
        }
    }
}
