//! Evaluates a query over a part of the term index.

use std::collections::BTreeSet;

use super::part::{IndexPart, IndexedPhoto};
use super::photo_terms::TermKind;
use super::photo_terms::{Term, photo_terms, photo_words};
use crate::archive::UNDATED;

/// The highest rating, in stars.
const MAX_STARS: u8 = 5;

/// A filter that a photo matches if it has a certain term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermFilter {
    /// The photo has at least one of these terms.
    AnyOf(Vec<Term>),
    /// The photo has a term that begins with this one.
    BeginsWith(Term),
}

impl TermFilter {
    /// Returns the filter for photos that have a term of one of these kinds with this text.
    pub fn any_kind(kinds: &[TermKind], text: &str) -> Self {
        TermFilter::AnyOf(kinds.iter().map(|kind| Term::new(*kind, text)).collect())
    }

    /// Returns the filter for photos with at least this number of stars.
    pub fn min_rating(stars: u8) -> Self {
        let stars = stars..=MAX_STARS;
        let term = |stars: u8| Term::new(TermKind::Rating, &stars.to_string());
        TermFilter::AnyOf(stars.map(term).collect())
    }
}

/// A range of sort keys of the index by-date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortRange {
    /// A text that is not above the sort keys of the range. `None` means no limit.
    pub from: Option<String>,
    /// A text that is not below the sort keys of the range. `None` means no limit.
    pub to: Option<String>,
}

impl SortRange {
    /// Reports whether the range has no limit. A range with a limit contains no undated photo.
    pub fn is_unlimited(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Returns the range of the sort keys that are in both ranges.
    fn and(self, other: SortRange) -> SortRange {
        SortRange {
            from: self.from.max(other.from),
            to: match (self.to, other.to) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        }
    }

    /// Reports whether the range contains a photo. `time` is the beginning of its sort key.
    fn contains(&self, time: &str) -> bool {
        if self.is_unlimited() {
            return true;
        }
        // `#` follows the time in a sort key. No limit contains this character.
        let sort = format!("{time}#");
        let from = self.from.as_ref().is_none_or(|from| *from <= sort);
        let to = self.to.as_ref().is_none_or(|to| sort <= *to);
        time != UNDATED && from && to
    }

    /// Reports whether the range can contain a photo of a month, such as `2018-02` or `undated`.
    pub fn touches_month(&self, month: &str) -> bool {
        if month == UNDATED {
            return self.is_unlimited();
        }
        let from = self
            .from
            .as_ref()
            .is_none_or(|from| *from <= format!("{month}~"));
        let to = self.to.as_ref().is_none_or(|to| month <= to.as_str());
        from && to
    }
}

/// A rectangle of latitudes and longitudes, in degrees. It does not cross the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// The lowest and the highest latitude.
    pub lat: (f64, f64),
    /// The lowest and the highest longitude.
    pub lon: (f64, f64),
}

impl Area {
    fn contains(&self, (lat, lon): (f64, f64)) -> bool {
        let within = |value: f64, (low, high): (f64, f64)| low <= value && value <= high;
        within(lat, self.lat) && within(lon, self.lon)
    }
}

/// A query: the filters that a photo must all match.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexQuery {
    /// The filters by terms.
    pub filters: Vec<TermFilter>,
    /// The range of sort keys.
    pub range: SortRange,
    /// The areas of which one contains the published position. `None` for photos of all places.
    pub areas: Option<Vec<Area>>,
    /// The stems of the photos. `None` for all photos.
    pub stems: Option<BTreeSet<String>>,
}

impl IndexQuery {
    /// Returns a query that no photo matches.
    pub fn nothing() -> Self {
        IndexQuery {
            stems: Some(BTreeSet::new()),
            ..IndexQuery::default()
        }
    }

    /// Returns the query for the photos that match both queries.
    #[must_use]
    pub fn and(mut self, other: IndexQuery) -> Self {
        self.filters.extend(other.filters);
        self.range = self.range.and(other.range);
        self.areas = match (self.areas, other.areas) {
            (Some(one), Some(other)) => Some(common_areas(&one, &other)),
            (one, other) => one.or(other),
        };
        self.stems = match (self.stems, other.stems) {
            (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
            (one, other) => one.or(other),
        };
        self
    }

    /// Returns the rows of a part that match, in ascending order.
    pub fn matching_rows(&self, part: &IndexPart) -> Vec<u32> {
        // Most parts lack one of the words of a search. To find that out costs little.
        if self.filters.iter().any(|filter| !has_rows(filter, part)) {
            return Vec::new();
        }
        let filters = self.filters.iter();
        let mut lists: Vec<Vec<u32>> = filters.map(|filter| rows_of_filter(filter, part)).collect();
        lists.sort_by_key(Vec::len);
        let mut lists = lists.into_iter();
        let all = || (0..u32::try_from(part.len()).unwrap_or(u32::MAX)).collect();
        let mut rows = lists.next().unwrap_or_else(all);
        for other in lists {
            rows.retain(|row| other.binary_search(row).is_ok());
        }
        if self.filters_rows() {
            rows.retain(|row| self.matches_row(part, *row));
        }
        rows
    }

    /// Reports whether a photo matches. This is exact.
    pub fn matches_photo(&self, photo: &IndexedPhoto<'_>) -> bool {
        let (mut terms, _) = photo_terms(photo.record, photo.folders);
        let words = photo_words(photo.record);
        terms.extend(words.iter().map(|word| Term::new(TermKind::Word, word)));
        let matches = |filter: &TermFilter| match filter {
            TermFilter::AnyOf(any) => any.iter().any(|term| terms.contains(term)),
            TermFilter::BeginsWith(start) => terms
                .range(start..)
                .next()
                .is_some_and(|term| term.as_str().starts_with(start.as_str())),
        };
        let capture = &photo.record.capture;
        let time = capture.start().map(photo_metadata::PartialDateTime::from);
        let time = time.map_or_else(|| UNDATED.to_owned(), |time| time.to_string());
        let position = photo.location.map(|location| (location.lat, location.lon));
        self.filters.iter().all(matches)
            && self.range.contains(&time)
            && self.contains_position(position)
            && self
                .stems
                .as_ref()
                .is_none_or(|stems| stems.contains(photo.stem))
    }

    /// Reports whether there is a filter that needs each row.
    fn filters_rows(&self) -> bool {
        !self.range.is_unlimited() || self.areas.is_some() || self.stems.is_some()
    }

    fn matches_row(&self, part: &IndexPart, row: u32) -> bool {
        let fields = part.row(row);
        self.range.contains(fields.time)
            && self.contains_position(part.position(row))
            && self
                .stems
                .as_ref()
                .is_none_or(|stems| stems.contains(fields.stem))
    }

    fn contains_position(&self, position: Option<(f64, f64)>) -> bool {
        let Some(areas) = &self.areas else {
            return true;
        };
        position.is_some_and(|position| areas.iter().any(|area| area.contains(position)))
    }
}

/// Returns the areas that are in one of `one` and in one of `other`.
fn common_areas(one: &[Area], other: &[Area]) -> Vec<Area> {
    let common = |a: (f64, f64), b: (f64, f64)| (a.0.max(b.0), a.1.min(b.1));
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    let areas = pairs.map(|(a, b)| Area {
        lat: common(a.lat, b.lat),
        lon: common(a.lon, b.lon),
    });
    let is_possible = |(low, high): (f64, f64)| low <= high;
    areas
        .filter(|area| is_possible(area.lat) && is_possible(area.lon))
        .collect()
}

/// Reports whether a row of a part matches a filter.
fn has_rows(filter: &TermFilter, part: &IndexPart) -> bool {
    match filter {
        TermFilter::AnyOf(terms) => terms.iter().any(|term| !part.rows_of(term).is_empty()),
        TermFilter::BeginsWith(start) => part.terms_from(start).next().is_some(),
    }
}

/// Returns the rows that match a filter, in ascending order.
fn rows_of_filter(filter: &TermFilter, part: &IndexPart) -> Vec<u32> {
    let lists: Vec<&[u32]> = match filter {
        TermFilter::AnyOf(terms) => terms.iter().map(|term| part.rows_of(term)).collect(),
        TermFilter::BeginsWith(start) => part.terms_from(start).map(|(_, rows)| rows).collect(),
    };
    let mut rows = lists.concat();
    if lists.len() > 1 {
        rows.sort_unstable();
        rows.dedup();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::{build_part, record};
    use super::*;
    use photo_metadata::{Location, PhotoRecord};

    fn with_position(lat: f64, lon: f64) -> PhotoRecord {
        PhotoRecord {
            location: Some(Location {
                lat,
                lon,
                ..Location::default()
            }),
            ..record(Some("2018-02-03T10:00:00"), "Far", "Sea")
        }
    }

    fn photos() -> Vec<(&'static str, PhotoRecord)> {
        vec![
            ("1985-06-01/y", record(Some("1985-06"), "Old", "Japan")),
            (
                "2018-02-01/a",
                record(Some("2018-02-01T09:41:07"), "Night train", "Japan"),
            ),
            (
                "2018-02-01/b",
                record(Some("2018-02-01T09:41:08.5"), "Day", "Places|Japan"),
            ),
            ("2018-02-03/c", with_position(45.0, 179.99995)),
            ("2018-02-03/d", with_position(45.0, -73.5)),
            ("undated/u", record(None, "Night", "Japan")),
        ]
    }

    /// Checks that both evaluations of a query find the photos with these rows.
    fn check(query: &IndexQuery, expected: &[u32]) {
        let photos = photos();
        let part = build_part(&photos);
        assert_eq!(query.matching_rows(&part), expected, "{query:?}");
        let exact: Vec<u32> = (0..)
            .zip(&photos)
            .filter(|(_, (stem, record))| {
                query.matches_photo(&IndexedPhoto {
                    stem,
                    record,
                    location: record.location.as_ref(),
                    added: 0,
                    folders: &[],
                })
            })
            .map(|(row, _)| row)
            .collect();
        assert_eq!(exact, expected, "{query:?}");
    }

    fn terms(filters: Vec<TermFilter>) -> IndexQuery {
        IndexQuery {
            filters,
            ..IndexQuery::default()
        }
    }

    fn keyword(slug: &str) -> TermFilter {
        let kinds = [TermKind::Keyword, TermKind::KeywordPart];
        TermFilter::AnyOf(kinds.map(|kind| Term::new(kind, slug)).into())
    }

    fn word(start: &str) -> TermFilter {
        TermFilter::BeginsWith(Term::new(TermKind::Word, start))
    }

    #[test]
    fn all_filters_must_match() {
        check(&IndexQuery::default(), &[0, 1, 2, 3, 4, 5]);
        check(&terms(vec![keyword("japan")]), &[0, 1, 2, 5]);
        check(&terms(vec![keyword("places")]), &[2]);
        check(&terms(vec![keyword("japan"), word("nig")]), &[1, 5]);
        check(&terms(vec![word("night"), word("tra")]), &[1]);
        check(&terms(vec![word("nightt")]), &[]);
        check(&terms(vec![TermFilter::AnyOf(Vec::new())]), &[]);
    }

    #[test]
    fn range_leaves_out_undated_photos() {
        let range = |from: Option<&str>, to: Option<&str>| IndexQuery {
            range: SortRange {
                from: from.map(str::to_owned),
                to: to.map(str::to_owned),
            },
            ..IndexQuery::default()
        };
        check(&range(Some("2018-02-01"), None), &[1, 2, 3, 4]);
        check(&range(None, Some("2018-02-01~")), &[0, 1, 2]);
        check(
            &range(Some("2018-02-01T09:41:08"), Some("2018-02-01~")),
            &[2],
        );
        let year = SortRange {
            from: Some("2018".to_owned()),
            to: Some("2018-02~".to_owned()),
        };
        let touched = ["1985-06", "2018-01", "2018-02", "2018-03", "undated"];
        let touched: Vec<&str> = touched
            .into_iter()
            .filter(|month| year.touches_month(month))
            .collect();
        assert_eq!(touched, ["2018-01", "2018-02"]);
        assert!(SortRange::default().touches_month("undated"));
    }

    #[test]
    fn area_contains_published_positions() {
        let query = |lon| IndexQuery {
            areas: Some(vec![Area {
                lat: (44.0, 46.0),
                lon,
            }]),
            ..IndexQuery::default()
        };
        check(&query((-74.0, -73.0)), &[4]);
        check(&query((-180.0, 180.0)), &[3, 4]);
        check(&query((0.0, 1.0)), &[]);
    }

    #[test]
    fn stems_and_days_of_the_year_select_photos() {
        let stems = ["2018-02-01/b", "undated/u", "2018-02-01/x"];
        let query = IndexQuery {
            stems: Some(stems.map(str::to_owned).into()),
            ..IndexQuery::default()
        };
        check(&query, &[2, 5]);
        let day = |day| terms(vec![TermFilter::any_kind(&[TermKind::Day], day)]);
        check(&day("02-01"), &[1, 2]);
        // Of the first photo, only the month is known.
        check(&day("06-01"), &[]);
    }

    #[test]
    fn photo_must_match_both_of_two_queries() {
        let range = |from: &str, to: &str| IndexQuery {
            range: SortRange {
                from: Some(from.to_owned()),
                to: Some(to.to_owned()),
            },
            ..IndexQuery::default()
        };
        let both = range("2018", "2018~").and(range("2018-02-01T09:41:08", "2018-02-01~"));
        check(&both, &[2]);
        let both = terms(vec![keyword("japan")]).and(terms(vec![word("night")]));
        check(&both, &[1, 5]);
        check(&both.clone().and(IndexQuery::default()), &[1, 5]);
        check(&both.and(IndexQuery::nothing()), &[]);
        let area = |lon| IndexQuery {
            areas: Some(vec![Area {
                lat: (44.0, 46.0),
                lon,
            }]),
            ..IndexQuery::default()
        };
        check(&area((-180.0, 0.0)).and(area((-74.0, 180.0))), &[4]);
        check(&area((-180.0, -170.0)).and(area((-74.0, 180.0))), &[]);
    }
}
