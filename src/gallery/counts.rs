//! `/v1/timeline`, `/v1/cameras`, `/v1/lenses`, and the clusters of `/v1/map`: sums over the months that publish counts.
//! As exact as the last tick of publish.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::catalogue::published::{CellCount, FacetCount, PublishedMonth, sum_facets};
use photo_metadata::Location;

use super::bounds::Bounds;
use super::parameters::{self, MapRequest, Unit};
use super::problem::Problem;
use super::{Gallery, answer, photos};
use crate::view::clean_text;

/// The month of photos without a date.
const UNDATED: &str = "undated";
/// What a geohash is written in.
const GEOHASH_DIGITS: &str = "0123456789bcdefghjkmnpqrstuvwxyz";
/// Most clusters of a map: where there are more, larger cells are shown.
const MAX_CLUSTERS: usize = 500;

/// `GET /v1/timeline`.
pub(super) async fn timeline(
    State(gallery): State<Gallery>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unit = Unit::parse(query.as_deref())?;
    let months = gallery.months.all().await?;
    answer::json(
        &headers,
        answer::JSON,
        timeline_of(&months, unit).to_string(),
    )
}

/// `GET /v1/cameras`.
pub(super) async fn cameras(
    State(gallery): State<Gallery>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    facets(&gallery, query, &headers, |month| &month.cameras).await
}

/// `GET /v1/lenses`.
pub(super) async fn lenses(
    State(gallery): State<Gallery>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    facets(&gallery, query, &headers, |month| &month.lenses).await
}

/// `GET /v1/map`, as GeoJSON [RFC 7946]: the photos of a small box, page by page; of a larger one, clusters.
pub(super) async fn map(
    State(gallery): State<Gallery>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (features, next) = match MapRequest::parse(query.as_deref())? {
        MapRequest::Points(listing) => {
            let page = photos::page(&gallery, &listing, |listed| {
                // A photo that a box holds has a published place.
                let feature = listed.feature().ok_or_else(Problem::internal)?;
                Ok(feature.to_string())
            });
            let page = page.await?;
            (page.items, page.next)
        }
        MapRequest::Clusters(bounds) => {
            let months = gallery.months.all().await?;
            let positions = gallery.view.positions();
            // What was counted under another policy would tell what this one hides, until it is counted anew.
            let months = months.iter().filter(|month| month.positions == positions);
            let clusters = clusters(months, bounds.as_ref());
            let features = clusters
                .iter()
                .map(|(cell, sum)| {
                    cluster(
                        cell,
                        &middle(cell, sum, |point| gallery.view.hides(point)),
                        sum.photos,
                    )
                })
                .map(|cluster| cluster.to_string());
            (features.collect(), "null".to_owned())
        }
    };
    let features = features.join(",");
    answer::json(
        &headers,
        answer::GEOJSON,
        format!("{{\"type\":\"FeatureCollection\",\"features\":[{features}],\"next\":{next}}}"),
    )
}

async fn facets(
    gallery: &Gallery,
    query: Option<String>,
    headers: &HeaderMap,
    of: impl Fn(&PublishedMonth) -> &BTreeMap<String, FacetCount>,
) -> Result<Response, Problem> {
    parameters::none(query.as_deref())?;
    let months = gallery.months.all().await?;
    let sums = sum_facets(months.iter(), of).into_iter().map(|sum| {
        json!({ "slug": clean_text(sum.slug), "name": clean_text(sum.name), "photos": sum.photos })
    });
    let items: Vec<Value> = sums.collect();
    answer::json(headers, answer::JSON, json!({ "items": items }).to_string())
}

/// Counts by unit, newest first, and of the photos without a date.
fn timeline_of(months: &[PublishedMonth], unit: Unit) -> Value {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut undated = 0;
    for month in months {
        let name = month.month.as_str();
        match unit {
            _ if name == UNDATED => undated += month.photos,
            Unit::Year => {
                *counts
                    .entry(name.get(..4).unwrap_or(name).to_owned())
                    .or_default() += month.photos
            }
            Unit::Month => *counts.entry(name.to_owned()).or_default() += month.photos,
            Unit::Day => {
                let days = month.days.iter();
                counts.extend(days.map(|(day, photos)| (format!("{name}-{day}"), *photos)));
            }
        }
    }
    let items = counts
        .iter()
        .rev()
        .map(|(date, photos)| json!({ "date": date, "photos": photos }));
    json!({ "unit": unit, "items": items.collect::<Vec<_>>(), "undated": undated })
}

/// The cells of a box, as small as they may be and be few.
fn clusters<'a>(
    months: impl Iterator<Item = &'a PublishedMonth>,
    bounds: Option<&Bounds>,
) -> BTreeMap<String, CellCount> {
    let mut cells: BTreeMap<String, CellCount> = BTreeMap::new();
    for (name, cell) in months.flat_map(|month| &month.cells) {
        cells.entry(name.clone()).or_default().add(cell);
    }
    let holds = |cell: &CellCount| {
        let middle = Location {
            lat: cell.lat,
            lon: cell.lon,
            ..Location::default()
        };
        bounds.is_none_or(|bounds| bounds.contains(&middle))
    };
    cells.retain(|_, cell| holds(cell));
    // Months with many cells count larger ones, so that names may differ in length.
    let mut chars = cells.keys().map(String::len).min().unwrap_or(0);
    loop {
        let mut larger: BTreeMap<String, CellCount> = BTreeMap::new();
        for (name, cell) in &cells {
            let name = name.get(..chars).unwrap_or(name);
            larger.entry(name.to_owned()).or_default().add(cell);
        }
        if larger.len() <= MAX_CLUSTERS || chars <= 1 {
            return larger;
        }
        chars -= 1;
    }
}

/// A cluster: a point in the middle of its photos.
fn cluster(cell: &str, middle: &Location, photos: u64) -> Value {
    json!({
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [middle.lon, middle.lat] },
        "properties": { "cluster": true, "cell": cell, "photos": photos },
    })
}

/// The middle of a cell's photos. Where that is a place which is told of no photo, the middle of that of the cell's own
/// 32 cells which is nearest to it and is not.
fn middle(cell: &str, sum: &CellCount, hides: impl Fn(&Location) -> bool) -> Location {
    let point = |lat, lon| Location {
        lat,
        lon,
        ..Location::default()
    };
    let middle = point(sum.lat, sum.lon);
    if !hides(&middle) {
        return middle;
    }
    let inner = GEOHASH_DIGITS.chars().filter_map(|digit| {
        let (place, _, _) = geohash::decode(&format!("{cell}{digit}")).ok()?;
        Some(point(place.y, place.x))
    });
    let distance = |from: &Location| (from.lat - middle.lat).hypot(from.lon - middle.lon);
    let nearest = inner
        .filter(|place| !hides(place))
        .min_by(|one, other| distance(one).total_cmp(&distance(other)));
    // Only zones that are most of the cell, but not all of it, leave none: then its corner.
    nearest.unwrap_or_else(|| {
        geohash::decode_bbox(cell).map_or(middle.clone(), |cell| point(cell.min().y, cell.min().x))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_around_a_home_does_not_point_at_it() {
        let sum = CellCount {
            photos: 2,
            lat: 45.5,
            lon: -73.7,
        };
        let zones: crate::privacy::HomeZones = "45.5,-73.7,500".parse().expect("zones");
        let cell = "f25";
        let seen = middle(cell, &sum, |point| zones.contain(point));
        assert!(!zones.contain(&seen), "{seen:?}");
        assert_eq!(seen.geohash(3).as_deref(), Some(cell));
        assert_eq!(middle(cell, &sum, |_| false).lat, 45.5);
        assert_eq!(
            middle(cell, &sum, |_| true).geohash(3).as_deref(),
            Some(cell)
        );
    }

    fn month(name: &str, days: &[(&str, u64)], cells: &[(&str, u64, f64, f64)]) -> PublishedMonth {
        PublishedMonth {
            month: name.to_owned(),
            photos: days.iter().map(|(_, photos)| photos).sum(),
            days: days
                .iter()
                .map(|(day, photos)| ((*day).to_owned(), *photos))
                .collect(),
            cells: cells
                .iter()
                .map(|(name, photos, lon, lat)| {
                    let cell = CellCount {
                        photos: *photos,
                        lat: *lat,
                        lon: *lon,
                    };
                    ((*name).to_owned(), cell)
                })
                .collect(),
            ..PublishedMonth::default()
        }
    }

    #[test]
    fn a_timeline_counts_years_months_and_days_newest_first() {
        let mut undated = month(UNDATED, &[], &[]);
        undated.photos = 4;
        let months = [
            month("2017-12", &[("31", 1)], &[]),
            month("2018-02", &[("01", 2), ("03", 5)], &[]),
            undated,
        ];
        let counts = |unit| {
            let timeline = timeline_of(&months, unit);
            assert_eq!(timeline["undated"], 4);
            let items = timeline["items"].as_array().expect("items").clone();
            let item =
                |item: Value| format!("{} {}", item["date"].as_str().unwrap_or(""), item["photos"]);
            items.into_iter().map(item).collect::<Vec<_>>()
        };
        assert_eq!(counts(Unit::Year), ["2018 7", "2017 1"]);
        assert_eq!(counts(Unit::Month), ["2018-02 7", "2017-12 1"]);
        assert_eq!(
            counts(Unit::Day),
            ["2018-02-03 5", "2018-02-01 2", "2017-12-31 1"]
        );
    }

    #[test]
    fn clusters_are_sums_over_months_in_cells_of_one_size() {
        let months = [
            month(
                "2018-02",
                &[],
                &[("f25d", 1, -73.6, 45.5), ("f25e", 1, -73.2, 45.5)],
            ),
            month("2018-03", &[], &[("f25d", 3, -73.2, 45.1)]),
        ];
        let found = clusters(months.iter(), None);
        let (cell, sum) = (
            &found["f25d"],
            found.values().map(|cell| cell.photos).sum::<u64>(),
        );
        assert_eq!((cell.photos, sum), (4, 5));
        assert!((cell.lon + 73.3).abs() < 1e-9 && (cell.lat - 45.2).abs() < 1e-9);
        let coarse = [month("2018-04", &[], &[("f2", 2, -70.0, 45.0)])];
        let found = clusters(months.iter().chain(&coarse), None);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["f2"]);
        let west = Bounds::of_any_size("-180,0,-73.5,90").expect("a box");
        assert_eq!(clusters(months[..1].iter(), Some(&west)).len(), 1);
    }

    #[test]
    fn there_are_never_too_many_clusters() {
        let names: Vec<String> = ("bcdefghjkm".chars())
            .flat_map(|a| {
                ("0123456789".chars())
                    .flat_map(move |b| ('b'..='h').map(move |c| format!("{a}{b}{c}0")))
            })
            .collect();
        let cells: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), 1, 0.0, 0.0))
            .collect();
        let found = clusters([month("2018-02", &[], &cells)].iter(), None);
        assert!(
            found.len() <= MAX_CLUSTERS && found.len() > 1,
            "{}",
            found.len()
        );
        assert_eq!(
            found.values().map(|cell| cell.photos).sum::<u64>(),
            names.len() as u64
        );
    }
}
