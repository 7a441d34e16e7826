//! The request for a map: the photos of a small box, or the clusters of a larger box. Pure.

use super::bounding_box::{BoundingBox, MAX_CELLS};
use super::list_request::{ListFilters, ListRequest};
use super::problem::Problem;
use super::query_string::parse_query;

/// The names of the query parameters of `/v1/map`.
pub(crate) const MAP_PARAMETERS: [&str; 2] = ["bbox", "cursor"];
/// The maximum number of points in one response.
const MAX_POINTS: usize = 1_000;

/// A request for a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MapRequest {
    /// The photos of a small box, as points.
    Points(Box<ListRequest>),
    /// The clusters of a large box. `None` for the clusters of the whole globe.
    Clusters(Option<BoundingBox>),
}

impl MapRequest {
    /// Parses the query string of a map request.
    ///
    /// # Errors
    /// Returns a problem that names the parameter and shows which values are accepted.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let (mut bbox, mut cursor) = (None, None);
        for (name, value) in parse_query(query, &MAP_PARAMETERS)? {
            match name {
                "bbox" => {
                    let bounds = BoundingBox::parse(&value);
                    bbox =
                        Some(bounds.map_err(|reason| Problem::invalid_parameter("bbox", reason))?);
                }
                _ => cursor = Some(value),
            }
        }
        match bbox {
            Some(bounds) if bounds.count_cells() <= MAX_CELLS => {
                Ok(MapRequest::Points(Box::new(ListRequest {
                    filters: ListFilters {
                        bbox,
                        ..ListFilters::default()
                    },
                    limit: MAX_POINTS,
                    cursor,
                    fields: None,
                })))
            }
            _ if cursor.is_some() => {
                let detail =
                    "Clusters come all at once; only the points of a small box have pages.";
                Err(Problem::invalid_parameter("cursor", detail))
            }
            _ => Ok(MapRequest::Clusters(bbox)),
        }
    }
}
