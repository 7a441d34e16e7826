//! `facets.json`: the cameras, lenses, keywords and ratings with their numbers of photos in each
//! month (docs/static-gallery.md). A page reads it when a visitor wants to filter. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::published::{FacetCount, FacetSum, PublishedMonth, sum_facets};

/// The name of the file with the numbers of photos of each camera, lens, keyword and rating.
pub(super) const FACETS_FILE: &str = "facets.json";

/// The contents of `facets.json`.
#[derive(Debug, Serialize)]
pub(super) struct GalleryFacets<'a> {
    /// The generation of the static files, as in `index.json`.
    generation: u64,
    /// The cameras. The camera with the most photos comes first.
    cameras: Vec<FacetEntry<'a>>,
    /// The lenses. The lens with the most photos comes first.
    lenses: Vec<FacetEntry<'a>>,
    /// The keywords. The keyword with the most photos comes first.
    keywords: Vec<FacetEntry<'a>>,
    /// The ratings from 5 stars to 1. A rating without photos is left out.
    ratings: Vec<RatingEntry<'a>>,
}

/// The numbers of photos of a month, by the name of the month. Months without photos are absent.
type MonthCounts<'a> = BTreeMap<&'a str, u64>;

#[derive(Debug, Serialize)]
struct FacetEntry<'a> {
    #[serde(flatten)]
    sum: FacetSum<'a>,
    months: MonthCounts<'a>,
}

#[derive(Debug, Serialize)]
struct RatingEntry<'a> {
    rating: u8,
    photos: u64,
    months: MonthCounts<'a>,
}

impl<'a> GalleryFacets<'a> {
    /// Returns the contents of `facets.json` for these months.
    pub(super) fn new(generation: u64, months: &'a BTreeMap<String, PublishedMonth>) -> Self {
        GalleryFacets {
            generation,
            cameras: facet_entries(months, |month| &month.cameras),
            lenses: facet_entries(months, |month| &month.lenses),
            keywords: facet_entries(months, |month| &month.keywords),
            ratings: rating_entries(months),
        }
    }
}

/// Returns the cameras, lenses or keywords of the months. `of` selects which of them.
fn facet_entries<'a>(
    months: &'a BTreeMap<String, PublishedMonth>,
    of: impl Fn(&'a PublishedMonth) -> &'a BTreeMap<String, FacetCount>,
) -> Vec<FacetEntry<'a>> {
    let mut by_slug: BTreeMap<&str, MonthCounts<'a>> = BTreeMap::new();
    for month in months.values() {
        for (slug, facet) in of(month) {
            let counts = by_slug.entry(slug).or_default();
            counts.insert(&month.month, facet.photos);
        }
    }
    let sums = sum_facets(months.values(), of).into_iter();
    sums.map(|sum| FacetEntry {
        months: by_slug.remove(sum.slug).unwrap_or_default(),
        sum,
    })
    .collect()
}

fn rating_entries(months: &BTreeMap<String, PublishedMonth>) -> Vec<RatingEntry<'_>> {
    let entries = (1..=5_u8).rev().map(|rating| {
        let stars = rating.to_string();
        let counts = months.values().filter_map(|month| {
            let photos = *month.ratings.get(&stars)?;
            Some((month.month.as_str(), photos))
        });
        let months: MonthCounts<'_> = counts.collect();
        RatingEntry {
            rating,
            photos: months.values().sum(),
            months,
        }
    });
    entries.filter(|entry| entry.photos > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn facets_are_summed_over_the_months() {
        let keyword = |slug: &str, name: &str, photos| {
            let name = name.to_owned();
            (slug.to_owned(), FacetCount { name, photos })
        };
        let month = |name: &str, keywords: Vec<_>, ratings: &[(&str, u64)]| {
            let ratings = ratings.iter();
            let month = PublishedMonth {
                month: name.to_owned(),
                photos: 9,
                keywords: keywords.into_iter().collect(),
                ratings: ratings.map(|&(stars, n)| (stars.to_owned(), n)).collect(),
                ..PublishedMonth::default()
            };
            (name.to_owned(), month)
        };
        let old = month(
            "2017-12",
            vec![keyword("cat", "cat", 2), keyword("zoo", "zoo", 9)],
            &[("1", 2)],
        );
        let new = month(
            "2018-02",
            vec![keyword("cat", "Cat", 1)],
            &[("1", 1), ("5", 4)],
        );
        let months = BTreeMap::from([old, new]);
        let json = serde_json::to_value(GalleryFacets::new(7, &months)).expect("JSON");
        let expected = json!({
            "generation": 7,
            "cameras": [],
            "lenses": [],
            "keywords": [
                { "slug": "zoo", "name": "zoo", "photos": 9, "months": { "2017-12": 9 } },
                { "slug": "cat", "name": "Cat", "photos": 3, "months": { "2017-12": 2, "2018-02": 1 } },
            ],
            "ratings": [
                { "rating": 5, "photos": 4, "months": { "2018-02": 4 } },
                { "rating": 1, "photos": 3, "months": { "2017-12": 2, "2018-02": 1 } },
            ],
        });
        assert_eq!(json, expected);
    }
}
