//! The query of the term index that a list request needs. Pure.

use super::bounding_box::MAX_CELLS;
use super::list_request::{ListFilters, ListOrder};
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
