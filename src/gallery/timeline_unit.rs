//! The unit of a timeline. Pure.

use serde::Serialize;

use super::problem::Problem;
use super::query_string::parse_query;

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

    /// Parses the query string of a timeline request.
    ///
    /// # Errors
    /// Returns a problem that names the parameter and shows which values are accepted.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let parameters = parse_query(query, &["unit"])?;
        match parameters.first().map(|(_, value)| value.as_str()) {
            None => Ok(TimelineUnit::DEFAULT),
            Some("month") => Ok(TimelineUnit::Month),
            Some("year") => Ok(TimelineUnit::Year),
            Some("day") => Ok(TimelineUnit::Day),
            Some(_) => Err(Problem::invalid_parameter(
                "unit",
                "It is year, month (the default) or day.",
            )),
        }
    }
}
