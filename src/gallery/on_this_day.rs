//! `/v1/on-this-day`: the photos that were taken on one day of the year, in all years. They are as
//! current as the last cycle of publish.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::NaiveDate;
use http::HeaderMap;

use super::list_request::{ListRequest, with_filters};
use super::photos::list_response;
use super::problem::Problem;
use super::query_string::parse_query;
use super::state::GalleryState;

/// The names of the query parameters of `/v1/on-this-day`.
pub(crate) const ON_THIS_DAY_PARAMETERS: [&str; 15] =
    with_filters(["date", "order", "limit", "cursor", "fields"]);
/// A leap year. It has every day that a year can have.
const LEAP_YEAR: &str = "2000";

/// Handles `GET /v1/on-this-day?date=02-01`.
pub(super) async fn get_on_this_day(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = parse_request(query.as_deref())?;
    list_response(&gallery, &request, &headers).await
}

/// Parses the query string of a request.
fn parse_request(query: Option<&str>) -> Result<ListRequest, Problem> {
    let mut request = ListRequest::default();
    for (name, value) in parse_query(query, &ON_THIS_DAY_PARAMETERS)? {
        match name {
            "date" => request.filters.day_of_year = Some(parse_day(&value)?),
            _ => request.set(name, &value)?,
        }
    }
    request.filters.check_range()?;
    if request.filters.day_of_year.is_none() {
        return Err(wrong_day());
    }
    Ok(request)
}

/// Parses a month and a day, such as `02-01`.
fn parse_day(value: &str) -> Result<String, Problem> {
    let has_form = value.len() == "02-01".len()
        && value.bytes().enumerate().all(|(at, byte)| match at {
            2 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date = NaiveDate::parse_from_str(&format!("{LEAP_YEAR}-{value}"), "%Y-%m-%d");
    match date {
        Ok(_) if has_form => Ok(value.to_owned()),
        _ => Err(wrong_day()),
    }
}

fn wrong_day() -> Problem {
    let detail = "It is required: a month and a day, such as 02-01 for the first of February.";
    Problem::invalid_parameter("date", detail)
}

#[cfg(test)]
mod tests {
    use super::super::list_request::FILTER_PARAMETERS;
    use super::*;

    #[test]
    fn date_is_a_day_that_a_year_can_have() {
        for date in ["02-01", "02-29", "12-31"] {
            let request = parse_request(Some(&format!("date={date}&limit=3"))).expect("valid");
            assert_eq!(request.filters.day_of_year.as_deref(), Some(date));
            assert_eq!(request.limit, 3);
        }
        let wrong = [
            "date=02-30",
            "date=2-1",
            "date=2018-02-01",
            "date=00-00",
            "date=0201",
            "",
        ];
        for query in wrong {
            assert!(parse_request(Some(query)).is_err(), "{query}");
        }
    }

    #[test]
    fn filters_are_those_of_a_list() {
        assert_eq!(
            ON_THIS_DAY_PARAMETERS[..FILTER_PARAMETERS.len()],
            FILTER_PARAMETERS
        );
        assert!(parse_request(Some("date=02-01&keyword=japan&order=oldest")).is_ok());
        assert!(parse_request(Some("date=02-01&date=02-02")).is_err());
    }
}
