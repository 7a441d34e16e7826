//! The query of the term index that a list request needs. Pure.

use super::bounding_box::MAX_CELLS;
use super::list_request::{ListFilters, ListOrder};
use crate::term_index::{
    IndexQuery, KEYWORD_KINDS, PLACE_KINDS, SortRange, Term, TermFilter, TermKind,
};

/// Reports whether a list comes from the term index. Otherwise, it comes from an index of the
/// photos table, which is more current: the term index is as current as the last cycle of publish.
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
        terms.extend(slug.as_ref().map(|slug| TermFilter::any_kind(kinds, slug)));
    };
    add(&filters.camera, &[TermKind::Camera]);
    add(&filters.lens, &[TermKind::Lens]);
    add(&filters.keyword, &KEYWORD_KINDS);
    add(&filters.place, &PLACE_KINDS);
    add(&filters.day_of_year, &[TermKind::Day]);
    terms.extend(filters.rating.map(TermFilter::min_rating));
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
    }
}

#[cfg(test)]
mod tests {
    use super::super::list_request::ListRequest;
    use super::*;
    use crate::catalogue::album::AlbumRule;

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
            place: Some("jp".to_owned()),
            camera: Some("nikon-d750".to_owned()),
            ..AlbumRule::default()
        };
        let query = "camera=nikon-d750&keyword=japan&place=jp&rating=3&from=2018-02&to=2018";
        assert_eq!(IndexQuery::of_rule(&rule), index_query(&filters(query)));
    }
}
