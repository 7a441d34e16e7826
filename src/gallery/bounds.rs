//! A box on the globe, and the geohash cells that it touches. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::Serialize;

use photo_metadata::Location;

/// Most cells that a list may read: one index query each.
pub(crate) const MAX_CELLS: usize = 16;
/// Characters of a cell's geohash: the partitions of by-place.
const CELL_CHARS: usize = 4;
/// Cells around the globe, and from pole to pole: 4 characters are 20 bits, shared alike.
const CELLS_A_SIDE: usize = 1 << 10;
/// Two characters more, of ten bits: what a box is cut to within a cell, 1.2 by 0.6 km.
const PARTS_BITS: usize = 5;
const PARTS_A_SIDE: usize = 1 << PARTS_BITS;
/// What a geohash is written in, in the order of its values, which is that of the characters.
const GEOHASH_DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// Parts that are read in vain rather than skipped by one more query.
const WORTH_A_QUERY: usize = 8;
/// After any sort key that begins as what it follows.
const AFTER_ALL: char = '~';
/// Degrees within which a position may count to the neighbouring part: an edge's rounding is not the geohash's.
const HAIR: f64 = 1e-9;

/// A box in degrees. Its west may lie east of its east: then it crosses the antimeridian [RFC 7946, 5.2].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Bounds {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// A part of one partition of by-place: sort keys from and to, where it is not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strip {
    pub(crate) cell: String,
    pub(crate) keys: Option<(String, String)>,
}

impl Bounds {
    /// Reads `west,south,east,north` of a box that a list can answer.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let bounds = Bounds::of_any_size(text)?;
        let cells = bounds.count_cells();
        if cells > MAX_CELLS {
            return Err(format!(
                "It is too large: it touches {cells} cells of 0.35 by 0.18 degrees, and a list may touch {MAX_CELLS}."
            ));
        }
        Ok(bounds)
    }

    /// Reads `west,south,east,north`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(crate) fn of_any_size(text: &str) -> Result<Self, String> {
        let form = "It is west,south,east,north in degrees, such as -73.7,45.4,-73.5,45.6.";
        let numbers: Vec<f64> = text
            .split(',')
            .map(|number| number.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|_| form)?;
        let &[west, south, east, north] = numbers.as_slice() else {
            return Err(form.to_owned());
        };
        let globe = |degrees: f64, most: f64| (-most..=most).contains(&degrees);
        if !globe(west, 180.0) || !globe(east, 180.0) || !globe(south, 90.0) || !globe(north, 90.0)
        {
            return Err(
                "Its longitudes lie from -180 to 180, its latitudes from -90 to 90.".to_owned(),
            );
        }
        if south > north {
            return Err("Its south is above its north; it is west,south,east,north.".to_owned());
        }
        Ok(Bounds {
            west,
            south,
            east,
            north,
        })
    }

    /// How many cells it touches.
    pub(crate) fn count_cells(&self) -> usize {
        self.columns(CELLS_A_SIDE, 0.0).len() * self.rows(CELLS_A_SIDE, 0.0).count()
    }

    /// Parts of by-place that together hold every position in it, or not more than `moved` degrees beside it, and few
    /// others: in order, at most [`MAX_CELLS`], or one of each cell.
    pub(crate) fn strips(&self, moved: f64) -> Vec<Strip> {
        let side = CELLS_A_SIDE * PARTS_A_SIDE;
        let margin = moved + HAIR;
        let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let rows = self.rows(side, margin);
        for column in self.columns(side, margin) {
            for row in rows.clone() {
                let cell = (column / PARTS_A_SIDE, row / PARTS_A_SIDE);
                let part = interleaved(column % PARTS_A_SIDE, row % PARTS_A_SIDE);
                cells.entry(cell).or_default().push(part);
            }
        }
        let each = (MAX_CELLS / cells.len()).max(1);
        let cells = cells
            .into_iter()
            .filter_map(|((column, row), parts)| Some((name_of(column, row)?, parts)));
        let cells: BTreeMap<String, Vec<usize>> = cells.collect();
        cells
            .into_iter()
            .flat_map(|(cell, parts)| {
                runs(parts, each).into_iter().map(move |run| {
                    let is_all = run == (0..=PARTS_A_SIDE * PARTS_A_SIDE - 1);
                    let key = |part| format!("{cell}{}", digits(part));
                    let (from, to) = (key(*run.start()), key(*run.end()));
                    Strip {
                        cell: cell.clone(),
                        keys: (!is_all).then(|| (from, format!("{to}{AFTER_ALL}"))),
                    }
                })
            })
            .collect()
    }

    /// Whether a position lies in it, its edges included.
    pub(crate) fn contains(&self, location: &Location) -> bool {
        let (lat, lon) = (location.lat, location.lon);
        // -180 and 180 are one meridian.
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

    /// Around the globe: 180, and what lies beyond it, is in the columns after -180.
    fn columns(&self, side: usize, margin: f64) -> BTreeSet<usize> {
        let width = if self.west <= self.east { 0.0 } else { 360.0 };
        let column = |degrees: f64| steps(degrees, 360.0, side);
        let (first, last) = (
            column(self.west - margin),
            column(self.east + width + margin),
        );
        let around = side as i64;
        (first..=last.min(first + around))
            .map(|column| column.rem_euclid(around) as usize)
            .collect()
    }

    /// From pole to pole: the last row holds the pole too.
    fn rows(&self, side: usize, margin: f64) -> RangeInclusive<usize> {
        let row = |degrees: f64| steps(degrees, 180.0, side).clamp(0, side as i64 - 1) as usize;
        row(self.south - margin)..=row(self.north + margin)
    }
}

/// The cell of a position: the partition of by-place that it belongs in.
fn cell_of(location: &Location) -> Option<String> {
    location.geohash(CELL_CHARS)
}

/// The column or row of a longitude or latitude, where so many are a side; beyond the globe they go on.
fn steps(degrees: f64, span: f64, side: usize) -> i64 {
    ((degrees + span / 2.0) / span * side as f64).floor() as i64
}

/// The geohash of a cell, by its middle.
fn name_of(column: usize, row: usize) -> Option<String> {
    let middle =
        |cell: usize, span: f64| (cell as f64 + 0.5) / CELLS_A_SIDE as f64 * span - span / 2.0;
    cell_of(&Location {
        lat: middle(row, 180.0),
        lon: middle(column, 360.0),
        ..Location::default()
    })
}

/// Where a part stands in its cell's order: the bits of a geohash are those of longitude and latitude in turn.
fn interleaved(column: usize, row: usize) -> usize {
    (0..PARTS_BITS).fold(0, |part, bit| {
        part | (column >> bit & 1) << (2 * bit + 1) | (row >> bit & 1) << (2 * bit)
    })
}

/// A part's characters, after its cell's.
fn digits(part: usize) -> String {
    [part >> PARTS_BITS, part % PARTS_A_SIDE]
        .map(|digit| char::from(GEOHASH_DIGITS[digit]))
        .iter()
        .collect()
}

/// The runs that hold these numbers, in order, at most so many: those with little between them, or the least, are one.
fn runs(mut numbers: Vec<usize>, most: usize) -> Vec<RangeInclusive<usize>> {
    numbers.sort_unstable();
    let mut gaps: Vec<(usize, usize)> = numbers
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1] - pair[0] > WORTH_A_QUERY)
        .map(|(at, pair)| (pair[1] - pair[0], at))
        .collect();
    gaps.sort_unstable_by(|one, other| other.cmp(one));
    gaps.truncate(most - 1);
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

    fn bounds(text: &str) -> Bounds {
        Bounds::parse(text).expect("a box")
    }

    /// Whether one of its strips holds a photo of this position.
    fn reads(bounds: &Bounds, location: &Location) -> bool {
        reads_moved(bounds, location, 0.0)
    }

    fn reads_moved(bounds: &Bounds, location: &Location, moved: f64) -> bool {
        let cell = cell_of(location).expect("a cell");
        let sort = format!("{}#id", location.geohash(9).expect("a geohash"));
        bounds.strips(moved).iter().any(|strip| {
            let holds = |(from, to): &(String, String)| *from <= sort && sort <= *to;
            strip.cell == cell && strip.keys.as_ref().is_none_or(holds)
        })
    }

    #[test]
    fn wrong_boxes_are_refused_with_a_reason() {
        let reason = |text: &str| Bounds::parse(text).expect_err("wrong");
        for text in ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1;2;3;4", "1,2,3,"] {
            assert!(reason(text).contains("west,south,east,north"), "{text}");
        }
        for text in ["-181,0,0,1", "0,-91,1,0", "0,0,nan,1", "0,0,1,inf"] {
            assert!(reason(text).contains("from -180 to 180"), "{text}");
        }
        assert!(reason("0,1,0.1,0").contains("south is above"));
        assert!(reason("-180,-90,180,90").contains("too large"));
        // Nearly all around.
        assert!(reason("10,0,9.9,0.1").contains("too large"));
    }

    #[test]
    fn west_of_east_crosses_the_antimeridian() {
        let fiji = bounds("179.8,-18,-179.8,-17.9");
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
    fn the_poles_and_the_antimeridian_belong_to_the_boxes_that_touch_them() {
        assert!(bounds("0,89.9,0.1,90").contains(&at(0.05, 90.0)));
        assert!(reads(&bounds("0,89.9,0.1,90"), &at(0.05, 90.0)));
        assert!(reads(&bounds("0,-90,0.1,-89.9"), &at(0.05, -90.0)));
        for text in ["179.9,0,180,0.1", "-180,0,-179.9,0.1"] {
            assert!(bounds(text).contains(&at(-180.0, 0.05)), "{text}");
            assert!(reads(&bounds(text), &at(-180.0, 0.05)), "{text}");
        }
    }

    #[test]
    fn a_box_within_a_cell_reads_little_else() {
        let strips = bounds("-73.59,45.49,-73.55,45.53").strips(0.0);
        assert!((2..=MAX_CELLS).contains(&strips.len()), "{strips:?}");
        let part = |key: &str| -> usize {
            let digit = |byte| GEOHASH_DIGITS.iter().position(|known| *known == byte);
            let bytes = key.as_bytes();
            digit(bytes[4]).expect("a digit") * PARTS_A_SIDE + digit(bytes[5]).expect("a digit")
        };
        let parts = strips.iter().filter_map(|strip| strip.keys.as_ref());
        let parts: usize = parts.map(|(from, to)| part(to) - part(from) + 1).sum();
        // About 4 by 8 parts hold it; a cell has 1,024.
        assert!((32..=100).contains(&parts), "{parts} of {strips:?}");
        // The edges of parts: of binary fractions of a degree.
        let edge = bounds("-73.125,45,-73.125,45");
        assert!(reads(&edge, &at(-73.125, 45.0)));
    }

    #[test]
    fn a_box_reads_as_far_around_as_positions_are_moved() {
        // Beside a cell's edges, and the antimeridian.
        for (text, location) in [
            ("-73.124,45.001,-73.12,45.01", at(-73.127, 45.005)),
            ("-73.124,45.001,-73.12,45.01", at(-73.122, 44.997)),
            ("-179.999,0,-179.9,0.1", at(179.997, 0.05)),
            ("179.9,0,179.999,0.1", at(-179.997, 0.05)),
        ] {
            assert!(!reads(&bounds(text), &location), "{text}");
            assert!(reads_moved(&bounds(text), &location, 0.005), "{text}");
        }
    }

    #[test]
    fn a_cell_that_lies_within_is_read_whole() {
        let strips = bounds("-74,45,-73,45.5").strips(0.0);
        assert!(
            strips.iter().any(|strip| strip.keys.is_none()),
            "{strips:?}"
        );
    }

    proptest! {
        #[test]
        fn what_lies_in_a_box_lies_in_one_of_its_strips(
            west in -180.0..180.0_f64, south in -90.0..89.5_f64,
            width in 0.0..1.0_f64, height in 0.0..0.5_f64, x in 0.0..=1.0_f64, y in 0.0..=1.0_f64,
        ) {
            let wrap = |lon: f64| if lon > 180.0 { lon - 360.0 } else { lon };
            let text = format!("{west},{south},{},{}", wrap(west + width), south + height);
            if let Ok(bounds) = Bounds::parse(&text) {
                let inside = at(wrap(west + width * x), south + height * y);
                let strips = bounds.strips(0.0);
                prop_assert!(strips.len() <= MAX_CELLS);
                let follows = |one: &Strip, other: &Strip| {
                    let to = one.keys.as_ref().map(|(_, to)| to);
                    one.cell < other.cell || to < other.keys.as_ref().map(|(from, _)| from)
                };
                prop_assert!(strips.is_sorted_by(follows), "{strips:?}");
                if bounds.contains(&inside) {
                    prop_assert!(reads(&bounds, &inside), "{text} {inside:?} {strips:?}");
                } else {
                    // Only by a hair of rounding is it outside.
                    let hair = 1e-9;
                    let near = [x * width, (1.0 - x) * width, y * height, (1.0 - y) * height];
                    prop_assert!(near.iter().any(|gap| gap.abs() < hair), "{text} {inside:?}");
                }
            }
        }

        /// Indexed as it was taken, shown rounded: the rules were made stricter since.
        #[test]
        fn what_is_shown_in_a_box_is_read(
            lon in -180.0..=180.0_f64, lat in -90.0..=90.0_f64, decimals in 0..5_u8,
            width in 0.0..0.3_f64, height in 0.0..0.1_f64,
        ) {
            let policy = LocationPolicy::Round(decimals);
            let taken = LocationPolicy::Exact.publish(&at(lon, lat)).expect("on the globe");
            let shown = policy.publish(&taken).expect("on the globe");
            let (west, south) = (shown.lon, (shown.lat - height).max(-90.0));
            let text = format!("{west},{south},{},{}", (west + width).min(180.0), shown.lat);
            let bounds = Bounds::parse(&text).expect("a small box");
            prop_assert!(bounds.contains(&shown));
            prop_assert!(reads_moved(&bounds, &taken, policy.moved()), "{text} {taken:?}");
        }
    }
}
