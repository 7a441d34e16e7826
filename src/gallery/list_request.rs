//! The request for a list: its filters, its order and its page. Pure.

use serde::Serialize;

use super::bounding_box::BoundingBox;
use super::problem::Problem;
use super::query_string::parse_query;
use crate::term_index::{TimeBound, split_words};
use crate::view::list_fields;

/// The names of the query parameters that filter photos.
pub(crate) const FILTER_PARAMETERS: [&str; 10] = [
    "from", "to", "camera", "lens", "keyword", "album", "place", "rating", "q", "bbox",
];
/// The names of the query parameters of `/v1/photos`.
pub(crate) const LIST_PARAMETERS: [&str; 14] = with_filters(["order", "limit", "cursor", "fields"]);
/// The names of the query parameters of `/v1/photos/{name}`.
pub(crate) const PHOTO_PARAMETERS: [&str; 12] = with_filters(["order", "fields"]);
/// The names of the query parameters of a route that returns facets page by page.
pub(crate) const FACET_PAGE_PARAMETERS: [&str; 12] = with_filters(["limit", "cursor"]);
/// The maximum number of photos on a page if the request has no parameter `limit`.
pub(crate) const DEFAULT_LIMIT: usize = 50;
/// The maximum number of photos that a request may ask for on one page.
pub(crate) const MAX_LIMIT: usize = 200;
/// The maximum number of words of a search.
pub(crate) const MAX_WORDS: usize = 16;

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
    /// A text that sorts after the sort keys of the listed photos: the given year, month, day,
    /// minute, second or millisecond and a `~`, for example `2018-02-01~`.
    pub(crate) to: Option<String>,
    /// The slug of the camera with which the photos were taken. `None` for all cameras.
    pub(crate) camera: Option<String>,
    /// The slug of the lens with which the photos were taken. `None` for all lenses.
    pub(crate) lens: Option<String>,
    /// The box that contains the published locations of the photos. `None` for photos of all
    /// places.
    pub(crate) bbox: Option<BoundingBox>,
    /// The slug of a keyword. A photo matches if it has this keyword, a child of it, or a
    /// hierarchical keyword with a part of this name.
    pub(crate) keyword: Option<String>,
    /// The slug of the album that contains the photos.
    pub(crate) album: Option<String>,
    /// The slug of a country, a region or a city, or a country code in lower case.
    pub(crate) place: Option<String>,
    /// The lowest rating, from 1 to 5 stars.
    pub(crate) rating: Option<u8>,
    /// The words of a search. Each of them must be the beginning of a word of the photo.
    pub(crate) words: Vec<String>,
    /// The month and the day on which the photos were taken, in any year: `02-01`.
    pub(crate) day_of_year: Option<String>,
    /// The order, if the request has one.
    pub(crate) order: Option<ListOrder>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ListOrder {
    /// By capture time, the newest photo first. Photos without a date come last.
    #[default]
    Newest,
    /// By capture time, the oldest photo first. Photos without a date come last.
    Oldest,
    /// By the time at which a photo first became public, the last one first.
    Added,
}

/// Returns the names of the filters, followed by these names.
pub(crate) const fn with_filters<const OTHERS: usize, const ALL: usize>(
    others: [&'static str; OTHERS],
) -> [&'static str; ALL] {
    let mut names = [""; ALL];
    let mut at = 0;
    while at < ALL {
        names[at] = if at < FILTER_PARAMETERS.len() {
            FILTER_PARAMETERS[at]
        } else {
            others[at - FILTER_PARAMETERS.len()]
        };
        at += 1;
    }
    names
}

impl ListRequest {
    /// Parses the query string of a list request.
    ///
    /// # Errors
    /// Returns a problem that names the parameter and shows which values are accepted.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut request = ListRequest::default();
        for (name, value) in parse_query(query, &LIST_PARAMETERS)? {
            request.set(name, &value)?;
        }
        request.filters.check_range()?;
        Ok(request)
    }

    /// Sets one parameter. `name` is one of [`LIST_PARAMETERS`].
    ///
    /// # Errors
    /// Returns a problem that names the parameter and shows which values are accepted.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "order" => self.filters.order = Some(parse_order(value)?),
            "limit" => self.limit = parse_limit(value)?,
            "cursor" => self.cursor = Some(value.to_owned()),
            "fields" => self.fields = Some(parse_fields(value, &known_fields())?),
            _ => self.filters.set(name, value)?,
        }
        Ok(())
    }
}

impl Default for ListRequest {
    /// Returns the request for the first page of all photos.
    fn default() -> Self {
        ListRequest {
            filters: ListFilters::default(),
            limit: DEFAULT_LIMIT,
            cursor: None,
            fields: None,
        }
    }
}

impl ListFilters {
    /// Returns the order of the list.
    pub(crate) fn order(&self) -> ListOrder {
        self.order.unwrap_or_default()
    }

    /// Reports whether there is no filter.
    pub(crate) fn is_empty(&self) -> bool {
        let unfiltered = ListFilters {
            order: self.order,
            ..ListFilters::default()
        };
        *self == unfiltered
    }

    /// Sets one filter. `name` is one of [`FILTER_PARAMETERS`].
    ///
    /// # Errors
    /// Returns a problem that names the parameter and shows which values are accepted.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let text = || Some(value.to_owned());
        match name {
            "from" => self.from = Some(parse_time(name, value)?.lowest_sort_key()),
            "to" => self.to = Some(parse_time(name, value)?.highest_sort_key()),
            "camera" => self.camera = text(),
            "lens" => self.lens = text(),
            "keyword" => self.keyword = text(),
            "album" => self.album = text(),
            "place" => self.place = text(),
            "rating" => self.rating = Some(parse_rating(value)?),
            "q" => self.words = parse_words(value)?,
            _ => self.bbox = Some(parse_box(value)?),
        }
        Ok(())
    }

    /// Checks that the date range is not empty.
    ///
    /// # Errors
    /// Returns a problem if `from` is after `to`.
    pub(crate) fn check_range(&self) -> Result<(), Problem> {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from > to => {
                Err(Problem::invalid_parameter("from", "from is after to."))
            }
            _ => Ok(()),
        }
    }
}

/// A request for facets: the filters of the photos that are counted, and the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FacetRequest {
    /// The filters.
    pub(crate) filters: ListFilters,
    /// The maximum number of facets on this page: from 1 to [`MAX_LIMIT`].
    pub(crate) limit: usize,
    /// The encrypted cursor of this page, or `None` for the first page.
    pub(crate) cursor: Option<String>,
}

impl FacetRequest {
    /// Parses the query string of a request for facets. `known` are the names of the parameters:
    /// [`FILTER_PARAMETERS`], and `limit` and `cursor` if the route has pages.
    ///
    /// # Errors
    /// Returns a problem that names the parameter.
    pub(crate) fn parse(query: Option<&str>, known: &[&'static str]) -> Result<Self, Problem> {
        let mut request = FacetRequest {
            filters: ListFilters::default(),
            limit: DEFAULT_LIMIT,
            cursor: None,
        };
        for (name, value) in parse_query(query, known)? {
            match name {
                "limit" => request.limit = parse_limit(&value)?,
                "cursor" => request.cursor = Some(value),
                _ => request.filters.set(name, &value)?,
            }
        }
        request.filters.check_range()?;
        Ok(request)
    }
}

/// A request for one photo.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PhotoRequest {
    /// The filters and the order of the list in which the photo has neighbours.
    pub(crate) filters: ListFilters,
    /// The names of the fields to return, or `None` for all fields.
    pub(crate) fields: Option<Vec<&'static str>>,
}

impl PhotoRequest {
    /// The fields of a photo that a list does not have.
    pub(crate) const MORE_FIELDS: [&str; 3] = ["tags", PREVIOUS_FIELD, NEXT_FIELD];

    /// Parses the query string of a request for one photo.
    ///
    /// # Errors
    /// Returns a problem that names the parameter.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut known = known_fields();
        known.extend(PhotoRequest::MORE_FIELDS);
        let mut request = PhotoRequest::default();
        for (name, value) in parse_query(query, &PHOTO_PARAMETERS)? {
            match name {
                "order" => request.filters.order = Some(parse_order(&value)?),
                "fields" => request.fields = Some(parse_fields(&value, &known)?),
                _ => request.filters.set(name, &value)?,
            }
        }
        request.filters.check_range()?;
        Ok(request)
    }

    /// Reports whether the response has the neighbours of the photo.
    pub(crate) fn has_neighbours(&self) -> bool {
        let wanted = [PREVIOUS_FIELD, NEXT_FIELD];
        let fields = self.fields.as_ref();
        fields.is_none_or(|fields| wanted.iter().any(|field| fields.contains(field)))
    }
}

/// The field with the photo before this one in the list.
pub(crate) const PREVIOUS_FIELD: &str = "previous";
/// The field with the photo after this one in the list.
pub(crate) const NEXT_FIELD: &str = "next";

fn parse_time(name: &str, value: &str) -> Result<TimeBound, Problem> {
    TimeBound::parse(value).ok_or_else(|| {
        let detail = "It is a year (2018), a month (2018-02), a day (2018-02-01) or a wall-clock \
                      time at the place of capture, without an offset (2018-02-01T09:41, \
                      2018-02-01T09:41:07 or 2018-02-01T09:41:07.670).";
        Problem::invalid_parameter(name, detail)
    })
}

fn parse_rating(value: &str) -> Result<u8, Problem> {
    match value.as_bytes() {
        [stars @ b'1'..=b'5'] => Ok(stars - b'0'),
        _ => Err(Problem::invalid_parameter(
            "rating",
            "It is a number of stars from 1 to 5. Photos with at least as many stars are listed.",
        )),
    }
}

/// Parses the words of a search.
fn parse_words(value: &str) -> Result<Vec<String>, Problem> {
    let mut words: Vec<String> = split_words(value).collect();
    words.sort();
    words.dedup();
    // A photo with a longer word has the beginning of it too.
    let begins_another = |word: &String| {
        let mut longer = words.iter().filter(|other| *other != word);
        longer.any(|other| other.starts_with(word.as_str()))
    };
    let words: Vec<String> = words
        .iter()
        .filter(|word| !begins_another(word))
        .cloned()
        .collect();
    match words.len() {
        1..=MAX_WORDS => Ok(words),
        0 => Err(Problem::invalid_parameter(
            "q",
            "It has no letter and no digit.",
        )),
        _ => Err(Problem::invalid_parameter(
            "q",
            format!("It has more than {MAX_WORDS} different words."),
        )),
    }
}

fn parse_order(value: &str) -> Result<ListOrder, Problem> {
    match value {
        "newest" => Ok(ListOrder::Newest),
        "oldest" => Ok(ListOrder::Oldest),
        "added" => Ok(ListOrder::Added),
        _ => Err(Problem::invalid_parameter(
            "order",
            "It is newest (the default), oldest or added.",
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
            ("2018", "2018-12-31T23:59:59.999", "2019-01-01T00:00:00"),
            ("2018-02", "2018-02-28T23:59:59.999", "2018-03-01T00:00:00"),
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
            ("2018", "2017-12-31T23:59:59.999", "2018-01-01T00:00:00"),
            ("2018-02", "2018-01-31T23:59:59.999", "2018-02-01T00:00:00"),
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
            "201",
            "2018-",
            "2018-13",
            "0000",
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
            "rating=0",
            "rating=6",
            "rating=%2B1",
            "q=-",
            "q=a b c d e f g h i j k l m n o p q",
            "keyword=",
            &long,
            "%ff=1",
        ];
        for query in wrong {
            assert!(ListRequest::parse(Some(query)).is_err(), "{query}");
        }
        let accepted = [
            "from=2018-02-01&to=2018-02-01",
            "from=2018-02&to=2018",
            "bbox=-180,-90,180,90&order=oldest",
            "q=Kyoto%20Temple&keyword=japan&rating=3&place=jp&album=best&order=added",
        ];
        for query in accepted {
            assert!(ListRequest::parse(Some(query)).is_ok(), "{query}");
        }
    }

    #[test]
    fn value_is_decoded_as_form_text() {
        assert_eq!(
            filters("camera=a%2Fb+c%2B").camera.as_deref(),
            Some("a/b c+")
        );
    }
}
