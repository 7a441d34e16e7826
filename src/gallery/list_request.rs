//! The request for a list: its filters, its order and its page. Pure.

use serde::Serialize;

use super::bounding_box::BoundingBox;
use super::problem::Problem;
use super::query_string::parse_query;
use super::time_bound::TimeBound;
use crate::view::list_fields;

/// The names of the query parameters of `/v1/photos`.
pub(crate) const LIST_PARAMETERS: [&str; 9] = [
    "from", "to", "camera", "lens", "bbox", "order", "limit", "cursor", "fields",
];
/// The maximum number of photos on a page if the request has no parameter `limit`.
pub(crate) const DEFAULT_LIMIT: usize = 50;
/// The maximum number of photos that a request may ask for on one page.
pub(crate) const MAX_LIMIT: usize = 200;

/// A request for one page of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListRequest {
    /// The filters and the order of the list.
    pub(crate) filters: ListFilters,
    /// The maximum number of photos on this page: from 1 to [`MAX_LIMIT`].
    pub(crate) limit: usize,
    /// The encrypted cursor of this page, or `None` for the first page.
    pub(crate) cursor: Option<String>,
    /// The names of the fields to return, or `None` for all fields.
    pub(crate) fields: Option<Vec<&'static str>>,
}

/// The filters of a list, and its order. A cursor is valid only for the filters that it was made
/// for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct ListFilters {
    /// A text that sorts before the sort keys of the listed photos: a wall-clock time, as precise
    /// as the request gives it, for example `2018-02-01`.
    pub(crate) from: Option<String>,
    /// A text that sorts after the sort keys of the listed photos: the given day, minute, second or
    /// millisecond and a `~`, for example `2018-02-01~`.
    pub(crate) to: Option<String>,
    /// The slug of the camera with which the photos were taken. `None` for all cameras.
    pub(crate) camera: Option<String>,
    /// The slug of the lens with which the photos were taken. `None` for all lenses.
    pub(crate) lens: Option<String>,
    /// The box that contains the published locations of the photos. `None` for photos of all
    /// places.
    pub(crate) bbox: Option<BoundingBox>,
    /// The order by capture time. It has no effect if there is a box: the photos of a box are
    /// ordered by place.
    pub(crate) order: ListOrder,
}

/// The order by capture time. Photos without a date come last in both orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ListOrder {
    /// The newest photo first.
    #[default]
    Newest,
    /// The oldest photo first.
    Oldest,
}

impl ListRequest {
    /// Parses the query string of a list request.
    ///
    /// # Errors
    /// Returns a problem that names the parameter and shows which values are accepted.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut request = ListRequest {
            filters: ListFilters::default(),
            limit: DEFAULT_LIMIT,
            cursor: None,
            fields: None,
        };
        let mut order = None;
        let filters = &mut request.filters;
        for (name, value) in parse_query(query, &LIST_PARAMETERS)? {
            match name {
                "from" => filters.from = Some(TimeBound::parse("from", &value)?.lowest_sort_key()),
                "to" => filters.to = Some(TimeBound::parse("to", &value)?.highest_sort_key()),
                "camera" => filters.camera = Some(value),
                "lens" => filters.lens = Some(value),
                "bbox" => filters.bbox = Some(parse_box(&value)?),
                "order" => order = Some(parse_order(&value)?),
                "limit" => request.limit = parse_limit(&value)?,
                "cursor" => request.cursor = Some(value),
                _ => request.fields = Some(parse_fields(&value, &known_fields())?),
            }
        }
        if filters.bbox.is_some() && order.is_some() {
            let detail = "It cannot be had with bbox: the photos of a box are listed by place.";
            return Err(Problem::invalid_parameter("order", detail));
        }
        filters.order = order.unwrap_or_default();
        if let (Some(from), Some(to)) = (&filters.from, &filters.to)
            && from > to
        {
            return Err(Problem::invalid_parameter("from", "from is after to."));
        }
        Ok(request)
    }
}

/// Parses the query string of a request for one photo. Returns the names of the fields to return,
/// which may include `tags`, or `None` for all fields.
///
/// # Errors
/// Returns a problem that names the parameter.
pub(crate) fn parse_photo_fields(
    query: Option<&str>,
) -> Result<Option<Vec<&'static str>>, Problem> {
    let mut known = known_fields();
    known.push("tags");
    parse_query(query, &["fields"])?
        .first()
        .map(|(_, value)| parse_fields(value, &known))
        .transpose()
}

fn parse_order(value: &str) -> Result<ListOrder, Problem> {
    match value {
        "newest" => Ok(ListOrder::Newest),
        "oldest" => Ok(ListOrder::Oldest),
        _ => Err(Problem::invalid_parameter(
            "order",
            "It is newest (the default) or oldest.",
        )),
    }
}

fn parse_box(value: &str) -> Result<BoundingBox, Problem> {
    BoundingBox::parse(value).map_err(|reason| Problem::invalid_parameter("bbox", reason))
}

fn parse_limit(value: &str) -> Result<usize, Problem> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(limit @ 1..=MAX_LIMIT) if digits => Ok(limit),
        _ => Err(Problem::invalid_parameter(
            "limit",
            format!("It is a number from 1 to {MAX_LIMIT}."),
        )),
    }
}

/// Returns the names of the fields that a request may select.
fn known_fields() -> Vec<&'static str> {
    list_fields().iter().map(String::as_str).collect()
}

fn parse_fields(value: &str, known: &[&'static str]) -> Result<Vec<&'static str>, Problem> {
    let find_field = |name: &str| known.iter().copied().find(|field| *field == name);
    let fields: Option<Vec<_>> = value
        .split(',')
        .map(|name| find_field(name.trim()))
        .collect();
    fields.ok_or_else(|| {
        let known = known.join(", ");
        Problem::invalid_parameter("fields", format!("It is a list, with commas, of: {known}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(query: &str) -> ListFilters {
        ListRequest::parse(Some(query)).expect("valid").filters
    }

    #[test]
    fn no_parameters_mean_all_photos_newest_first() {
        let request = ListRequest::parse(None).expect("valid");
        assert_eq!(
            (request.limit, request.filters),
            (50, ListFilters::default())
        );
        assert_eq!(ListRequest::parse(Some("")), ListRequest::parse(None));
        assert_eq!(ListRequest::parse(Some("&&")), ListRequest::parse(None));
    }

    #[test]
    fn all_fields_can_be_asked_for_by_name() {
        let query = format!("fields={}", crate::view::list_fields().join(","));
        assert!(ListRequest::parse(Some(&query)).is_ok(), "{query}");
    }

    #[test]
    fn range_includes_all_of_the_day_or_time_that_ends_it() {
        let key = |local: &str| format!("{local}#été#abc");
        let cases = [
            (
                "2018-02-01",
                "2018-02-01T23:59:59.999",
                "2018-02-02T00:00:00",
            ),
            (
                "2018-02-01T09:41",
                "2018-02-01T09:41:59.999",
                "2018-02-01T09:42:00",
            ),
            (
                "2018-02-01T09:41:07",
                "2018-02-01T09:41:07.999",
                "2018-02-01T09:41:08",
            ),
            (
                "2018-02-01T09:41:07.67",
                "2018-02-01T09:41:07.670",
                "2018-02-01T09:41:07.671",
            ),
            (
                "2018-02-01T09:41:07.0",
                "2018-02-01T09:41:07",
                "2018-02-01T09:41:07.001",
            ),
        ];
        for (to, within, after) in cases {
            let highest = filters(&format!("to={to}")).to.expect("set");
            assert!(key(within) <= highest && highest < key(after), "{to}");
        }
    }

    #[test]
    fn range_begins_with_the_first_photo_of_its_first_day_or_time() {
        let key = |local: &str| format!("{local}#été#abc");
        let cases = [
            (
                "2018-02-01",
                "2018-01-31T23:59:59.999",
                "2018-02-01T00:00:00",
            ),
            (
                "2018-02-01T09:41:07",
                "2018-02-01T09:41:06.999",
                "2018-02-01T09:41:07",
            ),
            (
                "2018-02-01T09:41:07.000",
                "2018-02-01T09:41:06.999",
                "2018-02-01T09:41:07",
            ),
            (
                "2018-02-01T09:41:07.670",
                "2018-02-01T09:41:07.669",
                "2018-02-01T09:41:07.670",
            ),
        ];
        for (from, before, first) in cases {
            let lowest = filters(&format!("from={from}")).from.expect("set");
            assert!(key(before) < lowest && lowest <= key(first), "{from}");
        }
    }

    #[test]
    fn invalid_time_is_refused() {
        let wrong = [
            "2018",
            "2018-02",
            "2018-02-30",
            "2018-2-1",
            "+2018-02-01",
            "2018-02-01T24:00",
            "2018-02-01T09",
            "2018-02-01T09:41:07Z",
            "2018-02-01T09:41:07%2B01:00",
            "2018-02-01T09:41:07.",
            "2018-02-01.5",
            "2018-02-01T09:41:07.1234",
            "2018-02-01 09:41:07",
            "yesterday",
            "0000-00-00",
            "２018-02-01",
        ];
        for text in wrong {
            assert!(
                ListRequest::parse(Some(&format!("from={text}"))).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_parameter_is_refused() {
        let long = format!("camera={}", "a".repeat(10_000));
        let wrong = [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=%2B5",
            "limit=",
            "limit",
            "limit=1e2",
            "order=up",
            "camera=",
            "camera=a&camera=b",
            "camera=%ff",
            "fields=id,serial",
            "fields=,",
            "fields=tags",
            "page=2",
            "From=2018-02-01",
            "from=2018-02-02&to=2018-02-01",
            "bbox=1,2,3",
            "bbox=0,0,90,90",
            "bbox=1,2,1.1,2.1&order=newest",
            &long,
            "%ff=1",
        ];
        for query in wrong {
            assert!(ListRequest::parse(Some(query)).is_err(), "{query}");
        }
        assert!(ListRequest::parse(Some("from=2018-02-01&to=2018-02-01")).is_ok());
    }

    #[test]
    fn value_is_decoded_as_form_text() {
        assert_eq!(
            filters("camera=a%2Fb+c%2B").camera.as_deref(),
            Some("a/b c+")
        );
    }
}
