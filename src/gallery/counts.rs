//! `/v1/timeline`, `/v1/cameras` and `/v1/lenses`: sums over the months that publish counts. They
//! are as current as the last cycle of publish.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::archive::UNDATED;
use crate::catalogue::published::{FacetCount, PublishedMonth, sum_facets};
use crate::view::clean_text;

use super::json_response::{JSON_MEDIA_TYPE, json_response};
use super::problem::Problem;
use super::query_string::reject_parameters;
use super::state::GalleryState;
use super::timeline_unit::TimelineUnit;

/// Handles `GET /v1/timeline`: the number of photos in each year, month or day.
pub(super) async fn get_timeline(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unit = TimelineUnit::parse(query.as_deref())?;
    let months = gallery.months.load_months().await?;
    json_response(
        &headers,
        JSON_MEDIA_TYPE,
        build_timeline(&months, unit).to_string(),
    )
}

/// Handles `GET /v1/cameras`: the cameras with their numbers of photos.
pub(super) async fn get_cameras(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get_facets(&gallery, query, &headers, |month| &month.cameras).await
}

/// Handles `GET /v1/lenses`: the lenses with their numbers of photos.
pub(super) async fn get_lenses(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get_facets(&gallery, query, &headers, |month| &month.lenses).await
}

/// Returns the response with the cameras or lenses of all months together, sorted by their number
/// of photos, largest first. `of` selects the cameras or the lenses of a month.
async fn get_facets(
    gallery: &GalleryState,
    query: Option<String>,
    headers: &HeaderMap,
    of: impl Fn(&PublishedMonth) -> &BTreeMap<String, FacetCount>,
) -> Result<Response, Problem> {
    reject_parameters(query.as_deref())?;
    let months = gallery.months.load_months().await?;
    let sums = sum_facets(months.iter(), of).into_iter().map(|sum| {
        json!({ "slug": clean_text(sum.slug), "name": clean_text(sum.name), "photos": sum.photos })
    });
    let items: Vec<Value> = sums.collect();
    json_response(
        headers,
        JSON_MEDIA_TYPE,
        json!({ "items": items }).to_string(),
    )
}

/// Returns the numbers of photos in each year, month or day as JSON, newest first, and the number
/// of photos without a date.
fn build_timeline(months: &[PublishedMonth], unit: TimelineUnit) -> Value {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut undated = 0;
    for month in months {
        let name = month.month.as_str();
        match unit {
            _ if name == UNDATED => undated += month.photos,
            TimelineUnit::Year => {
                *counts
                    .entry(name.get(..4).unwrap_or(name).to_owned())
                    .or_default() += month.photos
            }
            TimelineUnit::Month => *counts.entry(name.to_owned()).or_default() += month.photos,
            TimelineUnit::Day => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn month(name: &str, days: &[(&str, u64)]) -> PublishedMonth {
        let counts = days
            .iter()
            .map(|(day, photos)| ((*day).to_owned(), *photos));
        PublishedMonth {
            month: name.to_owned(),
            photos: days.iter().map(|(_, photos)| photos).sum(),
            days: counts.collect(),
            ..PublishedMonth::default()
        }
    }

    #[test]
    fn timeline_counts_years_months_and_days_newest_first() {
        let mut undated = month(UNDATED, &[]);
        undated.photos = 4;
        let months = [
            month("2017-12", &[("31", 1)]),
            month("2018-02", &[("01", 2), ("03", 5)]),
            undated,
        ];
        let counts = |unit| {
            let timeline = build_timeline(&months, unit);
            assert_eq!(timeline["undated"], 4);
            let items = timeline["items"].as_array().expect("items").clone();
            let item =
                |item: Value| format!("{} {}", item["date"].as_str().unwrap_or(""), item["photos"]);
            items.into_iter().map(item).collect::<Vec<_>>()
        };
        assert_eq!(counts(TimelineUnit::Year), ["2018 7", "2017 1"]);
        assert_eq!(counts(TimelineUnit::Month), ["2018-02 7", "2017-12 1"]);
        assert_eq!(
            counts(TimelineUnit::Day),
            ["2018-02-03 5", "2018-02-01 2", "2017-12-31 1"]
        );
    }
}
