//! `map.json`: the geohash cells of the published positions with their numbers of photos in each
//! month (docs/static-gallery.md). A page reads it when a visitor opens the map. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::published::{CellCount, PublishedMonth};
use crate::view::PublicView;

/// The name of the file with the cells of the map.
pub(super) const MAP_FILE: &str = "map.json";
/// The maximum number of cells. If there are more, photos are counted in larger cells.
const MAX_CELLS: usize = 2_000;
/// The maximum number of the months of all cells together. If there are more, photos are counted in
/// larger cells.
const MAX_MONTHS: usize = 20_000;

/// The contents of `map.json`.
#[derive(Debug, Serialize)]
pub(super) struct GalleryMap<'a> {
    /// The generation of the static files, as in `index.json`.
    generation: u64,
    /// The cells that have photos, by the name of the cell. All names have the same length.
    cells: Vec<MapCell<'a>>,
}

#[derive(Debug, Serialize)]
struct MapCell<'a> {
    /// The geohash of the cell.
    cell: String,
    /// The mean position of the photos, or a point outside the home zones.
    lat: f64,
    lon: f64,
    photos: u64,
    /// The number of photos of each month. Months without photos are absent.
    months: BTreeMap<&'a str, u64>,
}

/// The photos of a cell in all months and in each month.
#[derive(Debug, Clone, Default)]
struct CellSum<'a> {
    sum: CellCount,
    months: BTreeMap<&'a str, u64>,
}

/// A map from the geohash of a cell to its photos.
type CellSums<'a> = BTreeMap<String, CellSum<'a>>;

impl<'a> GalleryMap<'a> {
    /// Returns the contents of `map.json` for these months. A month that was counted under another
    /// location policy is left out, because it could reveal what the policy of `view` hides.
    pub(super) fn new(
        generation: u64,
        months: &'a BTreeMap<String, PublishedMonth>,
        view: &PublicView,
    ) -> Self {
        let fingerprint = view.location_policy_fingerprint();
        let months = months.values();
        let cells = sum_cells(months.filter(|month| month.positions == fingerprint));
        let cells = cells
            .into_iter()
            .filter(|(_, CellSum { sum, .. })| sum.photos > 0);
        let cells = cells.map(|(cell, CellSum { sum, months })| {
            let point = view.cluster_point(&cell, &sum);
            MapCell {
                lat: point.lat,
                lon: point.lon,
                photos: sum.photos,
                months,
                cell,
            }
        });
        GalleryMap {
            generation,
            cells: cells.collect(),
        }
    }

    /// Returns the number of photos in all cells.
    pub(super) fn photos(&self) -> u64 {
        self.cells.iter().map(|cell| cell.photos).sum()
    }
}

/// Adds up the cells of the months. All cells have the same size: that of the largest cell of a
/// month, or a larger one if there would be too many cells.
fn sum_cells<'a>(months: impl Iterator<Item = &'a PublishedMonth>) -> CellSums<'a> {
    let mut sums = CellSums::new();
    for month in months {
        for (name, count) in &month.cells {
            let cell = sums.entry(name.clone()).or_default();
            cell.sum.add(count);
            *cell.months.entry(&month.month).or_default() += count.photos;
        }
    }
    let mut chars = sums.keys().map(String::len).min().unwrap_or(0);
    loop {
        let enlarged = enlarge_cells(&sums, chars);
        let months: usize = enlarged.values().map(|cell| cell.months.len()).sum();
        if chars <= 1 || enlarged.len() <= MAX_CELLS && months <= MAX_MONTHS {
            return enlarged;
        }
        chars -= 1;
    }
}

/// Merges the cells into those whose geohashes have at most `chars` characters.
fn enlarge_cells<'a>(sums: &CellSums<'a>, chars: usize) -> CellSums<'a> {
    let mut enlarged = CellSums::new();
    for (name, CellSum { sum, months }) in sums {
        let name = name.get(..chars).unwrap_or(name);
        let cell = enlarged.entry(name.to_owned()).or_default();
        cell.sum.add(sum);
        for (month, photos) in months {
            *cell.months.entry(month).or_default() += photos;
        }
    }
    enlarged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{HomeZones, LocationPolicy, Privacy};
    use photo_metadata::Location;
    use serde_json::json;

    /// The name of a cell, its number of photos, and their mean latitude and longitude.
    type TestCell<'a> = (&'a str, u64, f64, f64);

    fn exact() -> PublicView {
        PublicView::new(LocationPolicy::Exact, None)
    }

    fn months(
        view: &PublicView,
        counts: &[(&str, &[TestCell<'_>])],
    ) -> BTreeMap<String, PublishedMonth> {
        let month = |&(name, cells): &(&str, &[TestCell<'_>])| {
            let cells = cells.iter().map(|&(cell, photos, lat, lon)| {
                let count = CellCount { photos, lat, lon };
                (cell.to_owned(), count)
            });
            let month = PublishedMonth {
                month: name.to_owned(),
                photos: 9,
                cells: cells.collect(),
                positions: view.location_policy_fingerprint(),
                ..PublishedMonth::default()
            };
            (name.to_owned(), month)
        };
        counts.iter().map(month).collect()
    }

    #[test]
    fn cells_are_summed_over_the_months() {
        let view = exact();
        let months = months(
            &view,
            &[
                (
                    "2018-02",
                    &[("f25d", 1, 45.5, -73.6), ("xn0x", 2, 35.0, 135.7)],
                ),
                ("2018-03", &[("f25d", 3, 45.1, -73.212_345_678)]),
                ("2018-04", &[("f25e", 0, 0.0, 0.0)]),
            ],
        );
        let map = GalleryMap::new(7, &months, &view);
        assert_eq!(map.photos(), 6);
        let expected = json!({
            "generation": 7,
            "cells": [
                { "cell": "f25d", "lat": 45.2, "lon": -73.3092593, "photos": 4, "months": { "2018-02": 1, "2018-03": 3 } },
                { "cell": "xn0x", "lat": 35.0, "lon": 135.7, "photos": 2, "months": { "2018-02": 2 } },
            ],
        });
        assert_eq!(serde_json::to_value(&map).expect("JSON"), expected);
    }

    #[test]
    fn month_of_another_location_policy_is_left_out() {
        let exact = exact();
        let months = months(&exact, &[("2018-02", &[("f25d", 1, 45.5, -73.6)])]);
        for view in [
            PublicView::new(LocationPolicy::Hide, None),
            PublicView::new(LocationPolicy::Round(1), None),
            view_with_home_zone("10,10,500"),
        ] {
            let map = GalleryMap::new(1, &months, &view);
            assert_eq!((map.photos(), map.cells.len()), (0, 0));
        }
        assert_eq!(GalleryMap::new(1, &months, &exact).photos(), 1);
    }

    fn view_with_home_zone(zones: &str) -> PublicView {
        let privacy = Privacy {
            location: LocationPolicy::Exact,
            home_zones: zones.parse::<HomeZones>().expect("zones"),
            ..Privacy::default()
        };
        PublicView::new(privacy, None)
    }

    #[test]
    fn no_point_is_in_a_home_zone() {
        // The photos around a home zone have their mean position in it.
        let view = view_with_home_zone("45.5,-73.7,500");
        let months = months(&view, &[("2018-02", &[("f25d", 2, 45.5, -73.7)])]);
        let map = GalleryMap::new(1, &months, &view);
        let point = Location {
            lat: map.cells[0].lat,
            lon: map.cells[0].lon,
            ..Location::default()
        };
        assert!(!view.is_in_home_zone(&point), "{point:?}");
        assert_eq!(point.geohash(4).as_deref(), Some("f25d"));
    }

    #[test]
    fn number_of_cells_and_months_is_bounded() {
        let digits = || "bcdefghjkmnpqrstuvwxyz".chars();
        let view = exact();
        let cells: BTreeMap<String, CellCount> = digits()
            .flat_map(|a| digits().flat_map(move |b| digits().map(move |c| format!("{a}{b}{c}0"))))
            .map(|cell| {
                let count = CellCount {
                    photos: 1,
                    ..CellCount::default()
                };
                (cell, count)
            })
            .collect();
        let many_cells = cells.len() as u64;
        let month = |name: &str, cells: &BTreeMap<String, CellCount>| PublishedMonth {
            month: name.to_owned(),
            cells: cells.clone(),
            positions: view.location_policy_fingerprint(),
            ..PublishedMonth::default()
        };
        let one = BTreeMap::from([("2018-02".to_owned(), month("2018-02", &cells))]);
        let map = GalleryMap::new(1, &one, &view);
        assert!(map.cells.len() <= MAX_CELLS && map.cells.len() > 1);
        assert_eq!(map.photos(), many_cells);

        let few: BTreeMap<String, CellCount> = cells.into_iter().take(900).collect();
        let names = (0..360).map(|at| format!("{}-{:02}", 1990 + at / 12, at % 12 + 1));
        let long = names.map(|name| (name.clone(), month(&name, &few)));
        let long = long.collect();
        let map = GalleryMap::new(1, &long, &view);
        let entries: usize = map.cells.iter().map(|cell| cell.months.len()).sum();
        assert!(entries <= MAX_MONTHS, "{entries}");
        assert_eq!(map.photos(), 360 * 900);
    }

    #[test]
    fn cells_have_the_size_of_the_largest_one() {
        let view = exact();
        let months = months(
            &view,
            &[
                (
                    "2018-02",
                    &[("f25d", 1, 45.5, -73.6), ("xn0x", 2, 35.0, 135.7)],
                ),
                ("2018-03", &[("f2", 3, 45.5, -73.6)]),
            ],
        );
        let map = GalleryMap::new(1, &months, &view);
        let names: Vec<_> = map.cells.iter().map(|cell| cell.cell.as_str()).collect();
        assert_eq!(names, ["f2", "xn"]);
    }
}
