//! The query for the rule of an album.

use super::photo_terms::{KEYWORD_KINDS, PLACE_KINDS, TermKind};
use super::query::{IndexQuery, SortRange, TermFilter};
use super::time_bound::TimeBound;
use crate::catalogue::album::AlbumRule;

impl IndexQuery {
    /// Returns the query for the photos that fulfil the rule of an album. If the rule has a time
    /// that is not valid, no photo matches.
    ///
    /// ```
    /// use photo_catalogue::catalogue::album::AlbumRule;
    /// use photo_catalogue::term_index::IndexQuery;
    ///
    /// let rule = AlbumRule { from: Some("2018".to_owned()), ..AlbumRule::default() };
    /// assert!(IndexQuery::of_rule(&rule).range.touches_month("2018-02"));
    /// ```
    pub fn of_rule(rule: &AlbumRule) -> Self {
        let AlbumRule {
            keyword,
            camera,
            lens,
            place,
            rating,
            from,
            to,
            folder,
        } = rule;
        let Some(range) = sort_range(from.as_deref(), to.as_deref()) else {
            return IndexQuery::nothing();
        };
        let mut filters = Vec::new();
        let mut add = |slug: &Option<String>, kinds: &[TermKind]| {
            filters.extend(slug.as_ref().map(|slug| TermFilter::any_kind(kinds, slug)));
        };
        add(camera, &[TermKind::Camera]);
        add(lens, &[TermKind::Lens]);
        add(keyword, &KEYWORD_KINDS);
        add(place, &PLACE_KINDS);
        add(folder, &[TermKind::Folder]);
        filters.extend(rating.map(TermFilter::min_rating));
        IndexQuery {
            filters,
            range,
            ..IndexQuery::default()
        }
    }
}

/// Returns the range between two times. Returns `None` if a time is not valid.
fn sort_range(from: Option<&str>, to: Option<&str>) -> Option<SortRange> {
    let parse = |text: Option<&str>| match text {
        Some(text) => TimeBound::parse(text).map(Some),
        None => Some(None),
    };
    Some(SortRange {
        from: parse(from)?.map(|time| time.lowest_sort_key()),
        to: parse(to)?.map(|time| time.highest_sort_key()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_with_a_wrong_time_has_no_photo() {
        let rule = AlbumRule {
            to: Some("yesterday".to_owned()),
            ..AlbumRule::default()
        };
        assert_eq!(IndexQuery::of_rule(&rule), IndexQuery::nothing());
    }
}
