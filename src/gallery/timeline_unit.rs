//! The request for a timeline: its unit and its filters. Pure.

use serde::Serialize;

use super::list_request::{ListFilters, with_filters};
use super::problem::Problem;
use super::query_string::parse_query;

/// The names of the query parameters of `/v1/timeline`.
pub(crate) const TIMELINE_PARAMETERS: [&str; 11] = with_filters(["unit"]);

/// A request for a timeline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimelineRequest {
    /// The filters of the photos that are counted.
    pub(crate) filters: ListFilters,
    /// The unit.
    pub(crate) unit: TimelineUnit,
}

/// The unit by which a timeline counts photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TimelineUnit {
    /// A year, such as `2018`.
    Year,
    /// A month, such as `2018-02`.
    Month,
    /// A day, such as `2018-02-01`.
    Day,
}

impl TimelineUnit {
    /// All units.
    pub(crate) const ALL: [TimelineUnit; 3] =
        [TimelineUnit::Year, TimelineUnit::Month, TimelineUnit::Day];
    /// The unit if the request does not set one.
    pub(crate) const DEFAULT: TimelineUnit = TimelineUnit::Month;

    fn parse(value: &str) -> Result<Self, Problem> {
        match value {
            "month" => Ok(TimelineUnit::Month),
            "year" => Ok(TimelineUnit::Year),
            "day" => Ok(TimelineUnit::Day),
            _ => Err(Problem::invalid_parameter(
                "unit",
                "It is year, month (the default) or day.",
            )),
        }
    }
}

impl TimelineRequest {
    /// Parses the query string of a timeline request.
    ///
    /// # Errors
    /// Returns a problem that names the parameter and shows which values are accepted.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut request = TimelineRequest {
            filters: ListFilters::default(),
            unit: TimelineUnit::DEFAULT,
        };
        for (name, value) in parse_query(query, &TIMELINE_PARAMETERS)? {
            match name {
                "unit" => request.unit = TimelineUnit::parse(&value)?,
                _ => request.filters.set(name, &value)?,
            }
        }
        request.filters.check_range()?;
        Ok(request)
    }
}
