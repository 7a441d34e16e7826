//! The parameters of a request: read, checked and put into the form that the plan works with. Pure.
//!
//! Every parameter is known by name, comes once and is short; anything else is a problem that names it.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveDateTime};
use percent_encoding::percent_decode;
use serde::Serialize;

use super::bounds::{Bounds, MAX_CELLS};
use super::problem::Problem;
use crate::view::FIELDS;

/// Parameters of `/v1/photos`.
pub(crate) const LIST_PARAMETERS: [&str; 9] = [
    "from", "to", "camera", "lens", "bbox", "order", "limit", "cursor", "fields",
];
/// Parameters of `/v1/map`.
pub(crate) const MAP_PARAMETERS: [&str; 2] = ["bbox", "cursor"];
/// Points of one answer of a map.
const MAX_POINTS: usize = 1_000;
/// Photos on a page, where the request does not say.
pub(crate) const DEFAULT_LIMIT: usize = 50;
/// Most photos on a page.
pub(crate) const MAX_LIMIT: usize = 200;
/// Longest value, bytes.
pub(crate) const MAX_VALUE_BYTES: usize = 256;
/// Longest cursor, bytes.
const MAX_CURSOR_BYTES: usize = 2048;

/// A list request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listing {
    /// Which photos, in which order.
    pub(crate) filters: Filters,
    /// Photos on this page, 1 to [`MAX_LIMIT`].
    pub(crate) limit: usize,
    /// Where to go on, still sealed.
    pub(crate) cursor: Option<String>,
    /// The fields asked for; all where absent.
    pub(crate) fields: Option<Vec<&'static str>>,
}

/// Which photos, in which order: what a cursor is bound to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Filters {
    /// Lowest sort key, a wall-clock time cut to what was asked: `2018-02-01`.
    pub(crate) from: Option<String>,
    /// Highest sort key, past everything within the day, minute or second asked for: `2018-02-01~`.
    pub(crate) to: Option<String>,
    /// A camera's slug.
    pub(crate) camera: Option<String>,
    /// A lens's slug.
    pub(crate) lens: Option<String>,
    /// A box that the published position lies in.
    pub(crate) bbox: Option<Bounds>,
    /// The order; with a box, photos come by place instead.
    pub(crate) order: Order,
}

/// By capture time; undated photos come last in both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
}

impl Listing {
    /// Reads the query of a list request.
    ///
    /// # Errors
    /// A problem that names the parameter and says what would be right.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut listing = Listing {
            filters: Filters::default(),
            limit: DEFAULT_LIMIT,
            cursor: None,
            fields: None,
        };
        let mut ordered = false;
        let filters = &mut listing.filters;
        for (name, value) in pairs(query, &LIST_PARAMETERS)? {
            match name {
                "from" => filters.from = Some(Moment::parse("from", &value)?.lowest_sort()),
                "to" => filters.to = Some(Moment::parse("to", &value)?.highest_sort()),
                "camera" => filters.camera = Some(value),
                "lens" => filters.lens = Some(value),
                "bbox" => filters.bbox = Some(bounds(&value)?),
                "order" => (filters.order, ordered) = (order(&value)?, true),
                "limit" => listing.limit = limit(&value)?,
                "cursor" => listing.cursor = Some(value),
                _ => listing.fields = Some(fields(&value, &FIELDS)?),
            }
        }
        if filters.bbox.is_some() && ordered {
            let detail = "It cannot be had with bbox: the photos of a box are listed by place.";
            return Err(Problem::invalid_parameter("order", detail));
        }
        if let (Some(from), Some(to)) = (&filters.from, &filters.to)
            && from > to
        {
            return Err(Problem::invalid_parameter("from", "from is after to."));
        }
        Ok(listing)
    }
}

/// A map request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MapRequest {
    /// The photos of a small box, as points.
    Points(Listing),
    /// The clusters of a large box, or of the globe.
    Clusters(Option<Bounds>),
}

impl MapRequest {
    /// Reads the query of a map request.
    ///
    /// # Errors
    /// A problem that names the parameter and says what would be right.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let (mut bbox, mut cursor) = (None, None);
        for (name, value) in pairs(query, &MAP_PARAMETERS)? {
            match name {
                "bbox" => {
                    let bounds = Bounds::of_any_size(&value);
                    bbox =
                        Some(bounds.map_err(|reason| Problem::invalid_parameter("bbox", reason))?);
                }
                _ => cursor = Some(value),
            }
        }
        match bbox {
            Some(bounds) if bounds.count_cells() <= MAX_CELLS => Ok(MapRequest::Points(Listing {
                filters: Filters {
                    bbox,
                    ..Filters::default()
                },
                limit: MAX_POINTS,
                cursor,
                fields: None,
            })),
            _ if cursor.is_some() => {
                let detail =
                    "Clusters come all at once; only the points of a small box have pages.";
                Err(Problem::invalid_parameter("cursor", detail))
            }
            _ => Ok(MapRequest::Clusters(bbox)),
        }
    }
}

/// What a timeline counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// `2018`.
    Year,
    /// `2018-02`.
    Month,
    /// `2018-02-01`.
    Day,
}

impl Unit {
    /// All units.
    pub(crate) const ALL: [Unit; 3] = [Unit::Year, Unit::Month, Unit::Day];
    /// Where a request does not say.
    pub(crate) const DEFAULT: Unit = Unit::Month;

    /// Reads the query of a timeline request; months where it does not say.
    ///
    /// # Errors
    /// A problem that names the parameter and says what would be right.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let pairs = pairs(query, &["unit"])?;
        match pairs.first().map(|(_, value)| value.as_str()) {
            None => Ok(Unit::DEFAULT),
            Some("month") => Ok(Unit::Month),
            Some("year") => Ok(Unit::Year),
            Some("day") => Ok(Unit::Day),
            Some(_) => Err(Problem::invalid_parameter(
                "unit",
                "It is year, month (the default) or day.",
            )),
        }
    }
}

/// Reads the query of a request that takes no parameters.
///
/// # Errors
/// A problem that names the first.
pub(crate) fn none(query: Option<&str>) -> Result<(), Problem> {
    pairs(query, &[]).map(|_| ())
}

/// Reads the query of a photo's own page: only the fields asked for, `tags` among them.
///
/// # Errors
/// A problem that names the parameter.
pub(crate) fn detail_fields(query: Option<&str>) -> Result<Option<Vec<&'static str>>, Problem> {
    let known: Vec<&str> = FIELDS.into_iter().chain(["tags"]).collect();
    pairs(query, &["fields"])?
        .first()
        .map(|(_, value)| fields(value, &known))
        .transpose()
}

/// The parameters of a request by their known names, decoded, each once, none empty or long.
///
/// # Errors
/// A problem that names the first parameter which is not so.
pub(crate) fn pairs<'a>(
    query: Option<&str>,
    known: &[&'a str],
) -> Result<Vec<(&'a str, String)>, Problem> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for pair in query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name).unwrap_or(Cow::Borrowed(name));
        let Some(name) = known.iter().copied().find(|known| *known == name) else {
            return Err(Problem::unknown_parameter(&name, known));
        };
        let max_bytes = if name == "cursor" {
            MAX_CURSOR_BYTES
        } else {
            MAX_VALUE_BYTES
        };
        // Encoded, a value has at most three times its bytes.
        if value.len() > 3 * max_bytes {
            return Err(Problem::invalid_parameter(
                name,
                format!("It is longer than {max_bytes} bytes."),
            ));
        }
        let Some(value) = decode(value) else {
            return Err(Problem::invalid_parameter(name, "It is not UTF-8."));
        };
        if value.is_empty() {
            return Err(Problem::invalid_parameter(
                name,
                "It is empty; leave it out instead.",
            ));
        }
        if value.len() > max_bytes {
            return Err(Problem::invalid_parameter(
                name,
                format!("It is longer than {max_bytes} bytes."),
            ));
        }
        if pairs.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Problem::invalid_parameter(
                name,
                "It is given more than once.",
            ));
        }
        pairs.push((name, value.into_owned()));
    }
    Ok(pairs)
}

/// Decodes `application/x-www-form-urlencoded` text; `None` where it is not UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['+', '%']) {
        return Some(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes())
        .decode_utf8()
        .ok()
        .map(|text| Cow::Owned(text.into_owned()))
}

fn order(value: &str) -> Result<Order, Problem> {
    match value {
        "newest" => Ok(Order::Newest),
        "oldest" => Ok(Order::Oldest),
        _ => Err(Problem::invalid_parameter(
            "order",
            "It is newest (the default) or oldest.",
        )),
    }
}

fn bounds(value: &str) -> Result<Bounds, Problem> {
    Bounds::parse(value).map_err(|reason| Problem::invalid_parameter("bbox", reason))
}

fn limit(value: &str) -> Result<usize, Problem> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(limit @ 1..=MAX_LIMIT) if digits => Ok(limit),
        _ => Err(Problem::invalid_parameter(
            "limit",
            format!("It is a number from 1 to {MAX_LIMIT}."),
        )),
    }
}

fn fields(value: &str, known: &[&'static str]) -> Result<Vec<&'static str>, Problem> {
    let field = |name: &str| known.iter().copied().find(|field| *field == name);
    let fields: Option<Vec<_>> = value.split(',').map(|name| field(name.trim())).collect();
    fields.ok_or_else(|| {
        let known = known.join(", ");
        Problem::invalid_parameter("fields", format!("It is a list, with commas, of: {known}."))
    })
}

/// A wall-clock day, minute, second or millisecond.
struct Moment {
    /// As far as it was given, `2018-02-01T09:41`; without a fraction.
    text: String,
    milliseconds: Option<u32>,
}

impl Moment {
    fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        Moment::read(text).ok_or_else(|| {
            let detail = "It is a day (2018-02-01) or a wall-clock time at the place of capture, without an offset \
                          (2018-02-01T09:41, 2018-02-01T09:41:07 or 2018-02-01T09:41:07.670).";
            Problem::invalid_parameter(name, detail)
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        // chrono would take signs, spaces and single digits too.
        let form = b"dddd-dd-ddTdd:dd:dd";
        let formed = whole.len() <= form.len()
            && whole
                .bytes()
                .zip(form)
                .all(|(byte, expected)| match expected {
                    b'd' => byte.is_ascii_digit(),
                    _ => byte == *expected,
                });
        let valid = match whole.len() {
            10 => NaiveDate::parse_from_str(whole, "%Y-%m-%d").is_ok(),
            16 => NaiveDateTime::parse_from_str(whole, "%Y-%m-%dT%H:%M").is_ok(),
            19 => NaiveDateTime::parse_from_str(whole, "%Y-%m-%dT%H:%M:%S").is_ok(),
            _ => false,
        };
        let milliseconds = match fraction {
            None => None,
            Some(digits)
                if whole.len() == 19
                    && matches!(digits.len(), 1..=3)
                    && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Some(format!("{digits:0<3}").parse().ok()?)
            }
            Some(_) => return None,
        };
        (formed && valid).then(|| Moment {
            text: whole.to_owned(),
            milliseconds,
        })
    }

    /// Not above the sort key of any photo taken at or after it. Sort keys carry milliseconds only where there are
    /// any, and `#` sorts before `.`.
    fn lowest_sort(&self) -> String {
        match self.milliseconds {
            None | Some(0) => self.text.clone(),
            Some(milliseconds) => format!("{}.{milliseconds:03}", self.text),
        }
    }

    /// Not below the sort key of any photo taken within it; `~` sorts after all that a sort key holds.
    fn highest_sort(&self) -> String {
        match self.milliseconds {
            None => format!("{}~", self.text),
            Some(0) => format!("{}#~", self.text),
            Some(milliseconds) => format!("{}.{milliseconds:03}~", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(query: &str) -> Filters {
        Listing::parse(Some(query)).expect("valid").filters
    }

    #[test]
    fn nothing_asked_is_everything_newest_first() {
        let listing = Listing::parse(None).expect("valid");
        assert_eq!((listing.limit, listing.filters), (50, Filters::default()));
        assert_eq!(Listing::parse(Some("")), Listing::parse(None));
        assert_eq!(Listing::parse(Some("&&")), Listing::parse(None));
    }

    #[test]
    fn a_range_holds_all_of_the_day_minute_second_or_millisecond_that_ends_it() {
        let key = |local: &str| format!("{local}#abc");
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
    fn a_range_begins_with_the_first_photo_of_what_begins_it() {
        let key = |local: &str| format!("{local}#abc");
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
    fn what_is_no_wall_clock_time_is_refused() {
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
                Listing::parse(Some(&format!("from={text}"))).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn bad_parameters_are_refused() {
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
            assert!(Listing::parse(Some(query)).is_err(), "{query}");
        }
        assert!(Listing::parse(Some("from=2018-02-01&to=2018-02-01")).is_ok());
    }

    #[test]
    fn values_are_decoded_as_forms_are() {
        assert_eq!(
            filters("camera=a%2Fb+c%2B").camera.as_deref(),
            Some("a/b c+")
        );
    }
}
