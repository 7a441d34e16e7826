//! `/v1/timeline`: the numbers of photos of each year, month or day. They are as current as the
//! last cycle of publish.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::archive::UNDATED;
use crate::catalogue::published::PublishedMonth;

use super::index_counts::{DayCounts, count_days};
use super::index_page::open_list;
use super::json_response::{JSON_MEDIA_TYPE, json_response};
use super::problem::Problem;
use super::state::GalleryState;
use super::timeline_unit::{TimelineRequest, TimelineUnit};

/// Handles `GET /v1/timeline`: the number of photos in each year, month or day.
pub(super) async fn get_timeline(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let TimelineRequest { filters, unit } = TimelineRequest::parse(query.as_deref())?;
    let timeline = if filters.is_empty() {
        build_timeline(&gallery.months.load_months().await?, unit)
    } else {
        let counts = match open_list(&gallery, &filters).await? {
            Some(list) => count_days(list.index(), list.query()),
            None => DayCounts::default(),
        };
        build_filtered_timeline(counts, unit)
    };
    json_response(&headers, JSON_MEDIA_TYPE, timeline.to_string())
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
    timeline_json(&counts, undated, unit)
}

/// Returns a timeline from the numbers of photos of each day.
fn build_filtered_timeline(counts: DayCounts, unit: TimelineUnit) -> Value {
    let chars = match unit {
        TimelineUnit::Year => "2018".len(),
        TimelineUnit::Month => "2018-02".len(),
        TimelineUnit::Day => "2018-02-01".len(),
    };
    let mut periods: BTreeMap<String, u64> = BTreeMap::new();
    for (day, photos) in &counts.days {
        let period = day.get(..chars).unwrap_or(day);
        *periods.entry(period.to_owned()).or_default() += photos;
    }
    timeline_json(&periods, counts.undated, unit)
}

/// Returns a timeline as JSON. `counts` are the numbers of photos of the periods.
fn timeline_json(counts: &BTreeMap<String, u64>, undated: u64, unit: TimelineUnit) -> Value {
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
