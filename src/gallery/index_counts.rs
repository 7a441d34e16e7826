//! Numbers of photos by term and by time, counted in the term index. Pure.

use std::collections::BTreeMap;

use super::index_cache::IndexedMonth;
use crate::archive::UNDATED;
use crate::term_index::{IndexPart, IndexQuery, TermKind};

/// The number of photos with a term, and the newest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TermCount {
    pub(super) photos: u64,
    /// The name, as the newest photo spells it.
    pub(super) name: String,
    /// The stem of the newest photo. A photo without a date is newest only if no other one has a
    /// date.
    pub(super) newest: String,
}

/// The numbers of photos of each day, and of those without a date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DayCounts {
    /// The number of photos of each day, by its date, such as `2018-02-01`.
    pub(super) days: BTreeMap<String, u64>,
    /// The number of photos without a date.
    pub(super) undated: u64,
}

/// Counts the photos that match a query, for each term of a kind that has any. Returns a map from
/// the text of the term (a slug) to its count.
pub(super) fn count_terms(
    index: &[IndexedMonth],
    query: &IndexQuery,
    kind: TermKind,
) -> BTreeMap<String, TermCount> {
    let mut counts: BTreeMap<String, TermCount> = BTreeMap::new();
    // The undated month is the last one. It goes first, so that every dated photo is newer.
    let (undated, dated): (Vec<_>, Vec<_>) = index.iter().partition(|month| month.month == UNDATED);
    let months = undated.into_iter().chain(dated);
    for month in months.filter(|month| query.range.touches_month(&month.month)) {
        for part in &month.parts {
            count_terms_of_part(part, query, kind, &mut counts);
        }
    }
    counts
}

fn count_terms_of_part(
    part: &IndexPart,
    query: &IndexQuery,
    kind: TermKind,
    counts: &mut BTreeMap<String, TermCount>,
) {
    let mut matches = vec![false; part.len()];
    for row in query.matching_rows(part) {
        if let Some(matches) = matches.get_mut(row as usize) {
            *matches = true;
        }
    }
    for (slug, name, rows) in part.named_terms(kind) {
        let mut matching = rows.iter().filter(|row| matches[**row as usize]);
        let photos = matching.clone().count() as u64;
        if let Some(newest) = matching.next_back() {
            let stem = part.row(*newest).stem.to_owned();
            let count = counts.entry(slug.to_owned()).or_default();
            count.photos += photos;
            name.clone_into(&mut count.name);
            count.newest = stem;
        }
    }
}

/// Counts the photos that match a query by day. A photo of which only the year or the month is
/// known counts on the first day.
pub(super) fn count_days(index: &[IndexedMonth], query: &IndexQuery) -> DayCounts {
    let mut counts = DayCounts::default();
    let months = index.iter();
    for month in months.filter(|month| query.range.touches_month(&month.month)) {
        for part in &month.parts {
            for row in query.matching_rows(part) {
                let time = part.row(row).time;
                match time.get(.."2018-02-01".len()) {
                    Some(day) if month.month != UNDATED => match counts.days.get_mut(day) {
                        Some(photos) => *photos += 1,
                        None => {
                            counts.days.insert(day.to_owned(), 1);
                        }
                    },
                    _ => counts.undated += 1,
                }
            }
        }
    }
    counts
}

/// The photos that match a query, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MatchSummary {
    pub(super) photos: u64,
    /// The day of the oldest photo, such as `2018-02-01`. `None` if no photo has a date.
    pub(super) first_day: Option<String>,
    /// The day of the newest photo. `None` if no photo has a date.
    pub(super) last_day: Option<String>,
    /// The stem of the newest photo. A photo without a date is newest only if no other one has a
    /// date.
    pub(super) newest: String,
}

/// Counts the photos that match a query, and finds the oldest and the newest of them.
pub(super) fn summarise_matches(index: &[IndexedMonth], query: &IndexQuery) -> MatchSummary {
    let mut summary = MatchSummary::default();
    for month in index
        .iter()
        .filter(|month| query.range.touches_month(&month.month))
    {
        for part in &month.parts {
            let rows = query.matching_rows(part);
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                continue;
            };
            summary.photos += rows.len() as u64;
            let (first, last) = (part.row(*first), part.row(*last));
            let is_dated = month.month != UNDATED;
            if is_dated || summary.last_day.is_none() {
                last.stem.clone_into(&mut summary.newest);
            }
            if is_dated {
                let day = |time: &str| time.get(.."2018-02-01".len()).map(str::to_owned);
                summary.first_day = summary.first_day.or_else(|| day(first.time));
                summary.last_day = day(last.time);
            }
        }
    }
    summary
}

/// Returns the terms by their number of photos, the highest first, then by slug.
pub(super) fn sort_counts(counts: BTreeMap<String, TermCount>) -> Vec<(String, TermCount)> {
    let mut counts: Vec<(String, TermCount)> = counts.into_iter().collect();
    counts.sort_by(|(a, one), (b, other)| other.photos.cmp(&one.photos).then(a.cmp(b)));
    counts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::term_index::{IndexPartBuilder, IndexedPhoto, Term, TermFilter};
    use photo_metadata::{CaptureTime, PhotoRecord};

    /// Returns the index of a month with one photo for each time and list of keywords.
    fn month(name: &str, photos: &[(&str, &[&str])]) -> IndexedMonth {
        let mut builder = IndexPartBuilder::default();
        for (number, (time, keywords)) in photos.iter().enumerate() {
            let record = PhotoRecord {
                capture: CaptureTime {
                    local: time.parse().ok(),
                    ..CaptureTime::default()
                },
                keywords: keywords.iter().map(|text| (*text).to_owned()).collect(),
                ..PhotoRecord::default()
            };
            builder.add_photo(&IndexedPhoto {
                stem: &format!("{name}/{number}"),
                record: &record,
                location: None,
                added: 0,
                folders: &[],
            });
        }
        let part = IndexPart::parse(&builder.finish().expect("JSON")).expect("a part");
        IndexedMonth {
            month: name.to_owned(),
            parts: vec![Arc::new(part)],
        }
    }

    fn index() -> Vec<IndexedMonth> {
        vec![
            month("1985-06", &[("1985-06", &["Japan"])]),
            month(
                "2018-02",
                &[
                    ("2018-02-01T10:00:00", &["japan", "Night"]),
                    ("2018-02-03", &["Day"]),
                ],
            ),
            month(UNDATED, &[("", &["Night"]), ("", &["Old"])]),
        ]
    }

    #[test]
    fn keywords_have_their_number_of_photos_and_their_newest_photo() {
        let counts = count_terms(&index(), &IndexQuery::default(), TermKind::Keyword);
        let text = |(slug, count): (String, TermCount)| {
            format!("{slug} {} {} {}", count.name, count.photos, count.newest)
        };
        let counts: Vec<String> = sort_counts(counts).into_iter().map(text).collect();
        let expected = [
            "japan japan 2 2018-02/0",
            "night Night 2 2018-02/0",
            "day Day 1 2018-02/1",
            "old Old 1 undated/1",
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn only_photos_that_match_are_counted() {
        let night = Term::new(TermKind::Keyword, "night");
        let query = IndexQuery {
            filters: vec![TermFilter::AnyOf(vec![night])],
            ..IndexQuery::default()
        };
        let counts = count_terms(&index(), &query, TermKind::Keyword);
        let slugs: Vec<&str> = counts.keys().map(String::as_str).collect();
        assert_eq!(slugs, ["japan", "night"]);
        let days = count_days(&index(), &query);
        assert_eq!(days.days, BTreeMap::from([("2018-02-01".to_owned(), 1)]));
        assert_eq!(days.undated, 1);
    }

    #[test]
    fn matches_have_a_first_day_a_last_day_and_a_newest_photo() {
        let summary = summarise_matches(&index(), &IndexQuery::default());
        let expected = MatchSummary {
            photos: 5,
            first_day: Some("1985-06-01".to_owned()),
            last_day: Some("2018-02-03".to_owned()),
            newest: "2018-02/1".to_owned(),
        };
        assert_eq!(summary, expected);
        let undated = summarise_matches(&index()[2..], &IndexQuery::default());
        assert_eq!((undated.photos, undated.last_day), (2, None));
        assert_eq!(undated.newest, "undated/1");
        let nothing = summarise_matches(&index(), &IndexQuery::nothing());
        assert_eq!(nothing, MatchSummary::default());
    }

    #[test]
    fn photo_of_a_month_counts_on_its_first_day() {
        let counts = count_days(&index(), &IndexQuery::default());
        let days: Vec<&str> = counts.days.keys().map(String::as_str).collect();
        assert_eq!(days, ["1985-06-01", "2018-02-01", "2018-02-03"]);
        assert_eq!(counts.undated, 2);
    }
}
