//! The query of the term index that a list request needs. Pure.

use super::bounding_box::MAX_CELLS;
use super::list_request::{ListFilters, ListOrder};
use super::time_bound::TimeBound;
use crate::catalogue::album::AlbumRule;
use crate::term_index::{IndexQuery, SortRange, Term, TermFilter, TermKind};

/// The highest rating, in stars.
const MAX_STARS: u8 = 5;

/// Reports whether a list comes from the term index. Otherwise, it comes from an index of the photos
/// table, which is more current: the term index is as current as the last cycle of publish.
pub(super) fn needs_term_index(filters: &ListFilters) -> bool {
    let ListFilters {
        from: _,
        to: _,
        camera,
        lens,
        bbox,
        keyword,
        album,
        place,
        rating,
        words,
        day_of_year,
        order,
    } = filters;
    let is_large = bbox.is_some_and(|bounds| bounds.count_cells() > MAX_CELLS);
    let is_ordered_box = bbox.is_some() && order.is_some();
    keyword.is_some()
        || album.is_some()
        || place.is_some()
        || rating.is_some()
        || !words.is_empty()
        || day_of_year.is_some()
        || *order == Some(ListOrder::Added)
        || (camera.is_some() && lens.is_some())
        || is_large
        || is_ordered_box
}

/// Returns the query for these filters, except for the album.
pub(super) fn index_query(filters: &ListFilters) -> IndexQuery {
    let mut terms = Vec::new();
    let mut add = |slug: &Option<String>, kinds: &[TermKind]| {
        if let Some(slug) = slug {
            terms.push(any_of(kinds, slug));
        }
    };
    add(&filters.camera, &[TermKind::Camera]);
    add(&filters.lens, &[TermKind::Lens]);
    add(
        &filters.keyword,
        &[TermKind::Keyword, TermKind::KeywordPart],
    );
    add(&filters.place, &[TermKind::Place, TermKind::PlacePart]);
    if let Some(rating) = filters.rating {
        terms.push(at_least(rating));
    }
    for word in &filters.words {
        terms.push(TermFilter::BeginsWith(Term::new(TermKind::Word, word)));
    }
    IndexQuery {
        filters: terms,
        range: SortRange {
            from: filters.from.clone(),
            to: filters.to.clone(),
        },
        areas: filters.bbox.map(|bounds| bounds.areas()),
        stems: None,
        day_of_year: filters.day_of_year.clone(),
    }
}

/// Returns the query for the rule of an album. Returns `None` if a time of the rule is not valid.
pub(super) fn rule_query(rule: &AlbumRule) -> Option<IndexQuery> {
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
    let bound = |text: &Option<String>| match text {
        Some(text) => TimeBound::parse_text(text).map(Some),
        None => Some(None),
    };
    let filters = ListFilters {
        from: bound(from)?.map(|bound| bound.lowest_sort_key()),
        to: bound(to)?.map(|bound| bound.highest_sort_key()),
        camera: camera.clone(),
        lens: lens.clone(),
        keyword: keyword.clone(),
        place: place.clone(),
        rating: *rating,
        ..ListFilters::default()
    };
    let mut query = index_query(&filters);
    if let Some(folder) = folder {
        query.filters.push(any_of(&[TermKind::Folder], folder));
    }
    Some(query)
}

/// Returns the filter for photos that have a term of one of these kinds with this slug.
fn any_of(kinds: &[TermKind], slug: &str) -> TermFilter {
    TermFilter::AnyOf(kinds.iter().map(|kind| Term::new(*kind, slug)).collect())
}

/// Returns the filter for photos with at least this rating.
fn at_least(rating: u8) -> TermFilter {
    let stars = rating..=MAX_STARS;
    TermFilter::AnyOf(
        stars
            .map(|stars| Term::new(TermKind::Rating, &stars.to_string()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::list_request::ListRequest;
    use super::*;

    fn filters(query: &str) -> ListFilters {
        ListRequest::parse(Some(query)).expect("valid").filters
    }

    #[test]
    fn term_index_is_used_if_no_index_of_the_table_has_the_photos() {
        let from_table = [
            "",
            "from=2018&order=oldest",
            "camera=nikon-d750&order=newest",
            "lens=35mm",
            "bbox=2.2,48.8,2.3,48.9&camera=a&lens=b",
        ];
        for query in from_table {
            let needed = needs_term_index(&filters(query));
            let both = query.contains("camera=a&lens=b");
            assert_eq!(needed, both, "{query}");
        }
        let from_term_index = [
            "keyword=japan",
            "album=best",
            "place=jp",
            "rating=1",
            "q=x",
            "order=added",
            "camera=a&lens=b",
            "bbox=-10,40,10,50",
            "bbox=2.2,48.8,2.3,48.9&order=newest",
        ];
        for query in from_term_index {
            assert!(needs_term_index(&filters(query)), "{query}");
        }
    }

    #[test]
    fn rule_of_an_album_is_a_list_with_the_same_filters() {
        let rule = AlbumRule {
            keyword: Some("japan".to_owned()),
            rating: Some(3),
            from: Some("2018-02".to_owned()),
            to: Some("2018".to_owned()),
            ..AlbumRule::default()
        };
        let list = index_query(&filters("keyword=japan&rating=3&from=2018-02&to=2018"));
        assert_eq!(rule_query(&rule), Some(list));
        let wrong = AlbumRule {
            from: Some("yesterday".to_owned()),
            ..AlbumRule::default()
        };
        assert_eq!(rule_query(&wrong), None);
    }
}
