//! A box on the globe, and the geohash cells that it touches. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::photo::Location;

/// Most cells that a list may read: one index query each.
pub(crate) const MAX_CELLS: usize = 16;
/// Characters of a cell's geohash: the partitions of by-place.
const CELL_CHARS: usize = 4;
/// Cells around the globe, and from pole to pole: 4 characters are 20 bits, shared alike.
const CELLS_A_SIDE: usize = 1024;

/// A box in degrees. Its west may lie east of its east: then it crosses the antimeridian [RFC 7946, 5.2].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Bounds {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
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
        self.columns().len() * self.rows().count()
    }

    /// The geohashes of the cells that it touches, in order.
    pub(crate) fn cells(&self) -> BTreeSet<String> {
        let middle =
            |cell: usize, span: f64| (cell as f64 + 0.5) / CELLS_A_SIDE as f64 * span - span / 2.0;
        let rows = self.rows();
        self.columns()
            .into_iter()
            .flat_map(|column| rows.clone().map(move |row| (column, row)))
            .filter_map(|(column, row)| {
                let (lon, lat) = (middle(column, 360.0), middle(row, 180.0));
                cell_of(&Location {
                    lat,
                    lon,
                    ..Location::default()
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

    fn columns(&self) -> BTreeSet<usize> {
        let (first, last) = (cell(self.west, 360.0), cell(self.east, 360.0));
        let mut columns: BTreeSet<usize> = if self.west <= self.east {
            (first..=last).collect()
        } else {
            (first..CELLS_A_SIDE).chain(0..=last).collect()
        };
        // A published longitude of 180 is written -180.
        if self.east == 180.0 {
            columns.insert(0);
        }
        columns
    }

    fn rows(&self) -> std::ops::RangeInclusive<usize> {
        cell(self.south, 180.0)..=cell(self.north, 180.0)
    }
}

/// The cell of a position: the partition of by-place that it belongs in.
pub(crate) fn cell_of(location: &Location) -> Option<String> {
    location.geohash(CELL_CHARS)
}

/// The column or row of a longitude or latitude; the last one holds the far edge too.
fn cell(degrees: f64, span: f64) -> usize {
    let cell = (degrees + span / 2.0) / span * CELLS_A_SIDE as f64;
    // Checked to lie on the globe, so never negative.
    (cell as usize).min(CELLS_A_SIDE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(fiji.cells().len(), 4);
    }

    #[test]
    fn the_poles_and_the_antimeridian_belong_to_the_boxes_that_touch_them() {
        assert!(bounds("0,89.9,0.1,90").contains(&at(0.05, 90.0)));
        assert!(
            bounds("0,89.9,0.1,90")
                .cells()
                .contains(&cell_of(&at(0.05, 90.0)).expect("a cell"))
        );
        assert!(
            bounds("0,-90,0.1,-89.9")
                .cells()
                .contains(&cell_of(&at(0.05, -90.0)).expect("a cell"))
        );
        for text in ["179.9,0,180,0.1", "-180,0,-179.9,0.1"] {
            assert!(bounds(text).contains(&at(-180.0, 0.05)), "{text}");
            assert!(
                bounds(text)
                    .cells()
                    .contains(&cell_of(&at(-180.0, 0.05)).expect("a cell")),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_lies_in_a_box_lies_in_one_of_its_cells(
            west in -180.0..180.0_f64, south in -90.0..89.5_f64,
            width in 0.0..1.0_f64, height in 0.0..0.5_f64, x in 0.0..=1.0_f64, y in 0.0..=1.0_f64,
        ) {
            let wrap = |lon: f64| if lon > 180.0 { lon - 360.0 } else { lon };
            let text = format!("{west},{south},{},{}", wrap(west + width), south + height);
            if let Ok(bounds) = Bounds::parse(&text) {
                let inside = at(wrap(west + width * x), south + height * y);
                let cells = bounds.cells();
                prop_assert!(cells.len() <= MAX_CELLS);
                if bounds.contains(&inside) {
                    prop_assert!(cells.contains(&cell_of(&inside).expect("a cell")));
                } else {
                    // Only by a hair of rounding is it outside.
                    let hair = 1e-9;
                    let near = [x * width, (1.0 - x) * width, y * height, (1.0 - y) * height];
                    prop_assert!(near.iter().any(|gap| gap.abs() < hair), "{text} {inside:?}");
                }
            }
        }
    }
}
