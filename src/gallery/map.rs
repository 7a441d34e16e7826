//! `/v1/map`: the photos of a small box as points, or the clusters of a larger box.
//!
//! Clusters are sums over the months that publish counts. They are as current as the last cycle of
//! publish.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::catalogue::published::{CellCount, PublishedMonth};
use photo_metadata::Location;

use super::bounding_box::BoundingBox;
use super::json_response::{GEOJSON_MEDIA_TYPE, json_response};
use super::map_request::MapRequest;
use super::photos::render_page;
use super::problem::Problem;
use super::state::GalleryState;

/// The maximum number of clusters in one response. If there are more clusters, larger cells are
/// used. A cluster is the photos of one geohash cell as one point.
const MAX_CLUSTERS: usize = 500;

/// Handles `GET /v1/map`. The response is GeoJSON [RFC 7946]: the photos of a small box, or the
/// clusters of a large box.
pub(super) async fn get_map(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (features, next) = match MapRequest::parse(query.as_deref())? {
        MapRequest::Points(request) => {
            let page = render_page(&gallery, &request, |listed| {
                // Every photo in a box has a published location.
                let feature = listed.to_geojson_feature().ok_or_else(Problem::internal)?;
                Ok(feature.to_string())
            });
            let page = page.await?;
            (page.items, page.next)
        }
        MapRequest::Clusters(bounds) => {
            let features = render_clusters(&gallery, bounds.as_ref()).await?;
            (features, "null".to_owned())
        }
    };
    let features = features.join(",");
    json_response(
        &headers,
        GEOJSON_MEDIA_TYPE,
        format!("{{\"type\":\"FeatureCollection\",\"features\":[{features}],\"next\":{next}}}"),
    )
}

/// Returns the clusters of a box, each as the JSON of a GeoJSON feature. Without a box, returns the
/// clusters of the globe.
async fn render_clusters(
    gallery: &GalleryState,
    bounds: Option<&BoundingBox>,
) -> Result<Vec<String>, Problem> {
    let months = gallery.months.load_months().await?;
    let fingerprint = gallery.view.location_policy_fingerprint();
    // A month that was counted under another location policy could reveal what this policy hides.
    // It is left out until it is counted again.
    let months = months.iter().filter(|month| month.positions == fingerprint);
    let features = merge_clusters(months, bounds)
        .iter()
        .map(|(cell, sum)| {
            let point = gallery.view.cluster_point(cell, sum);
            cluster_feature(cell, &point, sum.photos).to_string()
        })
        .collect();
    Ok(features)
}

/// Returns the cells whose mean position is in the box, as a map from geohash to counts. Without a
/// box, returns all cells. If there are more than [`MAX_CLUSTERS`], they are merged into larger
/// cells.
fn merge_clusters<'a>(
    months: impl Iterator<Item = &'a PublishedMonth>,
    bounds: Option<&BoundingBox>,
) -> BTreeMap<String, CellCount> {
    let mut cells: BTreeMap<String, CellCount> = BTreeMap::new();
    for (name, cell) in months.flat_map(|month| &month.cells) {
        cells.entry(name.clone()).or_default().add(cell);
    }
    let is_in_box = |cell: &CellCount| {
        let point = Location {
            lat: cell.lat,
            lon: cell.lon,
            ..Location::default()
        };
        bounds.is_none_or(|bounds| bounds.contains(&point))
    };
    cells.retain(|_, cell| is_in_box(cell));
    // A month with many cells is counted in larger cells, so the names may differ in length.
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

/// Returns a cluster as a GeoJSON feature at `point`. `cell` is the geohash of the cluster's cell,
/// and `photos` is the number of photos.
fn cluster_feature(cell: &str, point: &Location, photos: u64) -> Value {
    json!({
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [point.lon, point.lat] },
        "properties": { "cluster": true, "cell": cell, "photos": photos },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(name: &str, cells: &[(&str, u64, f64, f64)]) -> PublishedMonth {
        let cells = cells.iter().map(|(cell, photos, lon, lat)| {
            let sum = CellCount {
                photos: *photos,
                lat: *lat,
                lon: *lon,
            };
            ((*cell).to_owned(), sum)
        });
        PublishedMonth {
            month: name.to_owned(),
            cells: cells.collect(),
            ..PublishedMonth::default()
        }
    }

    #[test]
    fn clusters_are_sums_over_months_in_cells_of_one_size() {
        let months = [
            month(
                "2018-02",
                &[("f25d", 1, -73.6, 45.5), ("f25e", 1, -73.2, 45.5)],
            ),
            month("2018-03", &[("f25d", 3, -73.2, 45.1)]),
        ];
        let found = merge_clusters(months.iter(), None);
        let (cell, sum) = (
            &found["f25d"],
            found.values().map(|cell| cell.photos).sum::<u64>(),
        );
        assert_eq!((cell.photos, sum), (4, 5));
        assert!((cell.lon + 73.3).abs() < 1e-9 && (cell.lat - 45.2).abs() < 1e-9);
        let coarse = [month("2018-04", &[("f2", 2, -70.0, 45.0)])];
        let found = merge_clusters(months.iter().chain(&coarse), None);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["f2"]);
        let west = BoundingBox::parse("-180,0,-73.5,90").expect("a box");
        assert_eq!(merge_clusters(months[..1].iter(), Some(&west)).len(), 1);
    }

    #[test]
    fn number_of_clusters_is_limited() {
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
        let found = merge_clusters([month("2018-02", &cells)].iter(), None);
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
