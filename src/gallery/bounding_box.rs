//! A box on the globe, and the geohash cells that it touches. Pure.
//!
//! The index by-place has one partition for each geohash cell of 4 characters. A sort key begins
//! with the geohash of 9 characters. A box is therefore read as ranges of sort keys. Within a cell,
//! the ranges consist of *sub-cells*: the 1,024 geohash cells of 6 characters in the cell. The
//! names in this file call a sub-cell a part.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::term_index::Area;
use crate::view::GEOHASH_DIGITS;
use photo_metadata::Location;

/// The maximum number of cells that a box may touch if its photos come from the index by-place. The
/// photos of each cell need at least one index query.
pub(crate) const MAX_CELLS: usize = 16;
/// The length of a cell's geohash, in characters.
const CELL_CHARS: usize = 4;
/// The number of cells around the globe. It is also the number of cells from pole to pole. The four
/// characters of a cell's geohash have 20 bits: 10 for the longitude and 10 for the latitude.
const CELLS_PER_SIDE: usize = 1 << 10;
/// A cell is divided into 32 × 32 sub-cells. The column of a sub-cell has this number of bits, and
/// so has its row. Together they are the two characters by which the geohash of a sub-cell is
/// longer than the geohash of its cell. A sub-cell is at most 1.2 by 0.6 km.
const PARTS_BITS: usize = 5;
/// The number of columns of sub-cells in a cell. It is also the number of rows.
const PARTS_PER_SIDE: usize = 1 << PARTS_BITS;
/// The largest gap that a query bridges. If the numbers of two sub-cells differ by at most this
/// value, one query reads both and all sub-cells between them. To read a few unneeded sub-cells is
/// cheaper than one more query.
const MAX_GAP_PARTS: usize = 8;
/// A character that sorts after all digits of a geohash. For example, the range from `f25d` to
/// `f25d~` contains all sort keys that begin with `f25d`.
const HIGHEST_CHAR: char = '~';
/// The distance in degrees by which a box is enlarged before its cells are chosen. A location this
/// close to an edge may be in the neighbouring sub-cell, because the edge and the geohash are
/// rounded differently.
const ROUNDING_DEGREES: f64 = 1e-9;

/// A rectangle of longitudes and latitudes, in degrees. If `west` is greater than `east`, the box
/// crosses the antimeridian [RFC 7946, 5.2].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct BoundingBox {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// A range of sort keys in one partition of the index by-place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellRange {
    /// The geohash of the cell, which is the key of the partition.
    pub(crate) cell: String,
    /// The first and the last sort key of the range, or `None` for the whole partition.
    pub(crate) keys: Option<(String, String)>,
}

impl BoundingBox {
    /// Parses `west,south,east,north`, in degrees. The box may have any size.
    ///
    /// # Errors
    /// Returns a sentence that explains what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let form = "It is west,south,east,north in degrees, such as -73.7,45.4,-73.5,45.6.";
        let numbers: Vec<f64> = text
            .split(',')
            .map(|number| number.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|_| form)?;
        let &[west, south, east, north] = numbers.as_slice() else {
            return Err(form.to_owned());
        };
        let within = |degrees: f64, max: f64| (-max..=max).contains(&degrees);
        if !within(west, 180.0)
            || !within(east, 180.0)
            || !within(south, 90.0)
            || !within(north, 90.0)
        {
            return Err(
                "Its longitudes lie from -180 to 180, its latitudes from -90 to 90.".to_owned(),
            );
        }
        if south > north {
            return Err("Its south is above its north; it is west,south,east,north.".to_owned());
        }
        Ok(BoundingBox {
            west,
            south,
            east,
            north,
        })
    }

    /// Counts the cells that the box touches.
    pub(crate) fn count_cells(&self) -> usize {
        self.columns(CELLS_PER_SIDE, 0.0).len() * self.rows(CELLS_PER_SIDE, 0.0).count()
    }

    /// Returns ranges of the index by-place. Together they contain all locations in the box, all
    /// locations at most `margin_degrees` away from the box, and few other locations.
    ///
    /// The ranges are in ascending order of cell and sort key. If the box and its margin touch at
    /// most [`MAX_CELLS`] cells, there are at most [`MAX_CELLS`] ranges. If they touch more cells,
    /// there is one range for each cell.
    pub(crate) fn cell_ranges(&self, margin_degrees: f64) -> Vec<CellRange> {
        let side = CELLS_PER_SIDE * PARTS_PER_SIDE;
        let margin = margin_degrees + ROUNDING_DEGREES;
        let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let rows = self.rows(side, margin);
        for column in self.columns(side, margin) {
            for row in rows.clone() {
                let cell = (column / PARTS_PER_SIDE, row / PARTS_PER_SIDE);
                let part = interleave_bits(column % PARTS_PER_SIDE, row % PARTS_PER_SIDE);
                cells.entry(cell).or_default().push(part);
            }
        }
        let ranges_per_cell = (MAX_CELLS / cells.len()).max(1);
        let named: BTreeMap<String, Vec<usize>> = cells
            .into_iter()
            .filter_map(|((column, row), parts)| Some((cell_name(column, row)?, parts)))
            .collect();
        named
            .into_iter()
            .flat_map(|(cell, parts)| {
                merge_into_runs(parts, ranges_per_cell)
                    .into_iter()
                    .map(move |run| CellRange::from_parts(&cell, run))
            })
            .collect()
    }

    /// Reports whether the box contains a location. A location on an edge is inside.
    pub(crate) fn contains(&self, location: &Location) -> bool {
        let (lat, lon) = (location.lat, location.lon);
        // -180 and 180 are the same meridian.
        let within = |lon: f64| {
            if self.west <= self.east {
                (self.west..=self.east).contains(&lon)
            } else {
                lon >= self.west || lon <= self.east
            }
        };
        (self.south..=self.north).contains(&lat)
            && (within(lon) || (lon.abs() == 180.0 && within(-lon)))
    }

    /// Returns the box as areas that do not cross the antimeridian. The two meridians -180 and 180
    /// are the same.
    pub(crate) fn areas(&self) -> Vec<Area> {
        let area = |west, east| Area {
            lat: (self.south, self.north),
            lon: (west, east),
        };
        if self.west > self.east {
            return vec![area(self.west, 180.0), area(-180.0, self.east)];
        }
        let mut areas = vec![area(self.west, self.east)];
        if self.west == -180.0 {
            areas.push(area(180.0, 180.0));
        }
        if self.east == 180.0 {
            areas.push(area(-180.0, -180.0));
        }
        areas
    }

    /// Returns the numbers of the columns that the box touches, in a grid with `side` columns
    /// around the globe. The box is enlarged by `margin` degrees first. Column 0 begins at
    /// longitude -180, and the numbers increase eastwards. Longitude 180 is in column 0 again.
    fn columns(&self, side: usize, margin: f64) -> BTreeSet<usize> {
        let width = if self.west <= self.east { 0.0 } else { 360.0 };
        let column = |degrees: f64| grid_index(degrees, 360.0, side);
        let (first, last) = (
            column(self.west - margin),
            column(self.east + width + margin),
        );
        let around = side as i64;
        (first..=last.min(first + around))
            .map(|column| column.rem_euclid(around) as usize)
            .collect()
    }

    /// Returns the numbers of the rows that the box touches, in a grid with `side` rows from pole
    /// to pole. The box is enlarged by `margin` degrees first. Row 0 is at the south pole. The last
    /// row includes the north pole.
    fn rows(&self, side: usize, margin: f64) -> RangeInclusive<usize> {
        let row =
            |degrees: f64| grid_index(degrees, 180.0, side).clamp(0, side as i64 - 1) as usize;
        row(self.south - margin)..=row(self.north + margin)
    }
}

impl CellRange {
    /// Returns the range of sort keys for a range of sub-cells. `parts` contains the numbers of the
    /// first and the last sub-cell.
    fn from_parts(cell: &str, parts: RangeInclusive<usize>) -> Self {
        let is_whole_cell = parts == (0..=PARTS_PER_SIDE * PARTS_PER_SIDE - 1);
        let key = |part| format!("{cell}{}", part_digits(part));
        let (from, to) = (key(*parts.start()), key(*parts.end()));
        CellRange {
            cell: cell.to_owned(),
            keys: (!is_whole_cell).then(|| (from, format!("{to}{HIGHEST_CHAR}"))),
        }
    }
}

/// Returns the geohash of the cell that contains a location. It is the key of the location's
/// partition in the index by-place.
fn find_cell(location: &Location) -> Option<String> {
    location.geohash(CELL_CHARS)
}

/// Returns the number of the column of a longitude, or of the row of a latitude. The grid has
/// `side` columns or rows, which together cover `span` degrees. For a value outside the globe, the
/// result is negative or at least `side`.
fn grid_index(degrees: f64, span: f64, side: usize) -> i64 {
    ((degrees + span / 2.0) / span * side as f64).floor() as i64
}

/// Returns the geohash of the cell in this column and row.
fn cell_name(column: usize, row: usize) -> Option<String> {
    let middle =
        |cell: usize, span: f64| (cell as f64 + 0.5) / CELLS_PER_SIDE as f64 * span - span / 2.0;
    find_cell(&Location {
        lat: middle(row, 180.0),
        lon: middle(column, 360.0),
        ..Location::default()
    })
}

/// Returns the number of the sub-cell in this column and row of its cell. The bits of the column
/// and the row alternate, as in a geohash. For example, column 1 and row 0 give 2, and column 1 and
/// row 1 give 3.
fn interleave_bits(column: usize, row: usize) -> usize {
    (0..PARTS_BITS).fold(0, |part, bit| {
        part | (column >> bit & 1) << (2 * bit + 1) | (row >> bit & 1) << (2 * bit)
    })
}

/// Returns the last two characters of the geohash of a sub-cell. `part` is the number of the
/// sub-cell in its cell.
fn part_digits(part: usize) -> String {
    [part >> PARTS_BITS, part % PARTS_PER_SIDE]
        .map(|digit| char::from(GEOHASH_DIGITS[digit]))
        .iter()
        .collect()
}

/// Returns at most `max_runs` ranges that together contain all numbers. The ranges are in ascending
/// order. Two neighbouring numbers are in the same range if they differ by at most
/// [`MAX_GAP_PARTS`]: for example, 1, 3 and 30 give the ranges 1 to 3 and 30 to 30. If there are
/// still too many ranges, the ranges with the smallest gaps between them are joined.
fn merge_into_runs(mut numbers: Vec<usize>, max_runs: usize) -> Vec<RangeInclusive<usize>> {
    numbers.sort_unstable();
    let mut gaps: Vec<(usize, usize)> = numbers
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1] - pair[0] > MAX_GAP_PARTS)
        .map(|(at, pair)| (pair[1] - pair[0], at))
        .collect();
    gaps.sort_unstable_by(|one, other| other.cmp(one));
    gaps.truncate(max_runs - 1);
    let mut ends: Vec<usize> = gaps.into_iter().map(|(_, at)| at).collect();
    ends.sort_unstable();
    ends.extend(numbers.len().checked_sub(1));
    let mut first = 0;
    ends.into_iter()
        .map(|end| {
            let run = numbers[first]..=numbers[end];
            first = end + 1;
            run
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::LocationPolicy;
    use proptest::prelude::*;

    fn at(lon: f64, lat: f64) -> Location {
        Location {
            lat,
            lon,
            ..Location::default()
        }
    }

    fn parse_box(text: &str) -> BoundingBox {
        BoundingBox::parse(text).expect("a box")
    }

    /// Reports whether a list of the photos in the box reads a photo at this location.
    fn reads(bounds: &BoundingBox, location: &Location) -> bool {
        reads_with_margin(bounds, location, 0.0)
    }

    fn reads_with_margin(bounds: &BoundingBox, location: &Location, margin_degrees: f64) -> bool {
        let cell = find_cell(location).expect("a cell");
        let sort = format!("{}#id", location.geohash(9).expect("a geohash"));
        bounds.cell_ranges(margin_degrees).iter().any(|range| {
            let holds = |(from, to): &(String, String)| *from <= sort && sort <= *to;
            range.cell == cell && range.keys.as_ref().is_none_or(holds)
        })
    }

    #[test]
    fn invalid_box_is_refused_with_a_reason() {
        let reason = |text: &str| BoundingBox::parse(text).expect_err("wrong");
        for text in ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1;2;3;4", "1,2,3,"] {
            assert!(reason(text).contains("west,south,east,north"), "{text}");
        }
        for text in ["-181,0,0,1", "0,-91,1,0", "0,0,nan,1", "0,0,1,inf"] {
            assert!(reason(text).contains("from -180 to 180"), "{text}");
        }
        assert!(reason("0,1,0.1,0").contains("south is above"));
    }

    #[test]
    fn box_consists_of_areas_that_do_not_cross_the_antimeridian() {
        let lons = |text: &str| {
            let areas = parse_box(text).areas();
            areas.iter().map(|area| area.lon).collect::<Vec<_>>()
        };
        assert_eq!(lons("1,2,3,4"), [(1.0, 3.0)]);
        assert_eq!(lons("179,-18,-179,-17"), [(179.0, 180.0), (-180.0, -179.0)]);
        assert_eq!(lons("-180,0,-179,1"), [(-180.0, -179.0), (180.0, 180.0)]);
        assert_eq!(lons("179,0,180,1"), [(179.0, 180.0), (-180.0, -180.0)]);
        // Nearly all around the globe.
        assert_eq!(lons("10,0,9.9,0.1"), [(10.0, 180.0), (-180.0, 9.9)]);
        assert!(parse_box("-180,-90,180,90").count_cells() > MAX_CELLS);
    }

    #[test]
    fn box_with_west_above_east_crosses_the_antimeridian() {
        let fiji = parse_box("179.8,-18,-179.8,-17.9");
        assert!(fiji.contains(&at(179.9, -17.95)) && fiji.contains(&at(-179.9, -17.95)));
        assert!(fiji.contains(&at(180.0, -17.95)) && fiji.contains(&at(-180.0, -17.95)));
        assert!(!fiji.contains(&at(0.0, -17.95)) && !fiji.contains(&at(179.7, -17.95)));
        // Two columns, one on either side, and two rows.
        assert_eq!(fiji.count_cells(), 4);
        for (lon, lat) in [(179.9, -17.95), (-179.9, -17.95), (-180.0, -17.95)] {
            assert!(reads(&fiji, &at(lon, lat)), "{lon}");
        }
    }

    #[test]
    fn box_contains_the_pole_or_antimeridian_that_it_touches() {
        assert!(parse_box("0,89.9,0.1,90").contains(&at(0.05, 90.0)));
        assert!(reads(&parse_box("0,89.9,0.1,90"), &at(0.05, 90.0)));
        assert!(reads(&parse_box("0,-90,0.1,-89.9"), &at(0.05, -90.0)));
        for text in ["179.9,0,180,0.1", "-180,0,-179.9,0.1"] {
            assert!(parse_box(text).contains(&at(-180.0, 0.05)), "{text}");
            assert!(reads(&parse_box(text), &at(-180.0, 0.05)), "{text}");
        }
    }

    #[test]
    fn small_box_reads_few_parts_of_its_cell() {
        let ranges = parse_box("-73.59,45.49,-73.55,45.53").cell_ranges(0.0);
        assert!((2..=MAX_CELLS).contains(&ranges.len()), "{ranges:?}");
        let part = |key: &str| -> usize {
            let digit = |byte| GEOHASH_DIGITS.iter().position(|known| *known == byte);
            let bytes = key.as_bytes();
            digit(bytes[4]).expect("a digit") * PARTS_PER_SIDE + digit(bytes[5]).expect("a digit")
        };
        let parts = ranges.iter().filter_map(|range| range.keys.as_ref());
        let parts: usize = parts.map(|(from, to)| part(to) - part(from) + 1).sum();
        // The box touches about 4 by 8 sub-cells, and a cell has 1,024.
        assert!((32..=100).contains(&parts), "{parts} of {ranges:?}");
        // This box is one point: a corner of four sub-cells.
        let edge = parse_box("-73.125,45,-73.125,45");
        assert!(reads(&edge, &at(-73.125, 45.0)));
    }

    #[test]
    fn box_reads_locations_within_its_margin() {
        // Next to the edge of a cell, and next to the antimeridian.
        for (text, location) in [
            ("-73.124,45.001,-73.12,45.01", at(-73.127, 45.005)),
            ("-73.124,45.001,-73.12,45.01", at(-73.122, 44.997)),
            ("-179.999,0,-179.9,0.1", at(179.997, 0.05)),
            ("179.9,0,179.999,0.1", at(-179.997, 0.05)),
        ] {
            assert!(!reads(&parse_box(text), &location), "{text}");
            assert!(
                reads_with_margin(&parse_box(text), &location, 0.005),
                "{text}"
            );
        }
    }

    #[test]
    fn cell_inside_the_box_is_read_whole() {
        let ranges = parse_box("-74,45,-73,45.5").cell_ranges(0.0);
        assert!(
            ranges.iter().any(|range| range.keys.is_none()),
            "{ranges:?}"
        );
    }

    proptest! {
        #[test]
        fn every_location_in_a_box_is_in_one_of_its_ranges(
            west in -180.0..180.0_f64, south in -90.0..89.5_f64,
            width in 0.0..1.0_f64, height in 0.0..0.5_f64, x in 0.0..=1.0_f64, y in 0.0..=1.0_f64,
        ) {
            let wrap = |lon: f64| if lon > 180.0 { lon - 360.0 } else { lon };
            let text = format!("{west},{south},{},{}", wrap(west + width), south + height);
            let bounds = parse_box(&text);
            if bounds.count_cells() <= MAX_CELLS {
                let inside = at(wrap(west + width * x), south + height * y);
                let ranges = bounds.cell_ranges(0.0);
                prop_assert!(ranges.len() <= MAX_CELLS);
                let follows = |one: &CellRange, other: &CellRange| {
                    let to = one.keys.as_ref().map(|(_, to)| to);
                    one.cell < other.cell || to < other.keys.as_ref().map(|(from, _)| from)
                };
                prop_assert!(ranges.is_sorted_by(follows), "{ranges:?}");
                if bounds.contains(&inside) {
                    prop_assert!(reads(&bounds, &inside), "{text} {inside:?} {ranges:?}");
                } else {
                    // It is outside only by a rounding error.
                    let rounding = 1e-9;
                    let near = [x * width, (1.0 - x) * width, y * height, (1.0 - y) * height];
                    prop_assert!(near.iter().any(|gap| gap.abs() < rounding), "{text} {inside:?}");
                }
            }
        }

        /// Checks a photo that was indexed by its exact location before the location policy became
        /// stricter.
        #[test]
        fn every_rounded_location_in_a_box_is_read(
            lon in -180.0..=180.0_f64, lat in -90.0..=90.0_f64, decimals in 0..5_u8,
            width in 0.0..0.3_f64, height in 0.0..0.1_f64,
        ) {
            let policy = LocationPolicy::Round(decimals);
            let taken = LocationPolicy::Exact.redact_location(&at(lon, lat)).expect("on the globe");
            let shown = policy.redact_location(&taken).expect("on the globe");
            let (west, south) = (shown.lon, (shown.lat - height).max(-90.0));
            let text = format!("{west},{south},{},{}", (west + width).min(180.0), shown.lat);
            let bounds = BoundingBox::parse(&text).expect("a small box");
            prop_assert!(bounds.contains(&shown));
            prop_assert!(reads_with_margin(&bounds, &taken, policy.max_rounding_degrees()), "{text} {taken:?}");
        }
    }
}
