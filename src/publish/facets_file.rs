//! `facets.json`: the cameras, lenses, keywords, places and ratings with their numbers of photos in
//! each month, and the albums (docs/static-gallery.md). A page reads it when a visitor wants to
//! filter. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::album_writer::PublishedAlbums;
use super::index_file::{ListedFacet, listed_facets};
use super::list_key::ListKind;
use crate::catalogue::published::{FacetCount, PublishedMonth, sum_facets};
use crate::catalogue::published_albums::PublishedAlbum;

/// The name of the file with the numbers of photos of each camera, lens, keyword, place and rating.
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
    /// The keywords, and the parents of hierarchical keywords. The keyword with the most photos
    /// comes first.
    keywords: Vec<FacetEntry<'a>>,
    /// The countries, regions and cities. The place with the most photos comes first.
    places: Vec<PlaceEntry<'a>>,
    /// The ratings from 5 stars to 1. A rating without photos is left out.
    ratings: Vec<RatingEntry<'a>>,
    /// The public albums that have photos, by title.
    albums: Vec<AlbumEntry<'a>>,
    /// The names of the shards of the text index, in order.
    text: Vec<&'a str>,
}

/// The numbers of photos of a month, by the name of the month. Months without photos are absent.
type MonthCounts<'a> = BTreeMap<&'a str, u64>;

#[derive(Debug, Serialize)]
struct FacetEntry<'a> {
    #[serde(flatten)]
    facet: ListedFacet<'a>,
    months: MonthCounts<'a>,
}

#[derive(Debug, Serialize)]
struct PlaceEntry<'a> {
    slug: &'a str,
    /// The name of the city, else of the region, else of the country.
    name: &'a str,
    country: Option<&'a str>,
    region: Option<&'a str>,
    city: Option<&'a str>,
    photos: u64,
    months: MonthCounts<'a>,
}

#[derive(Debug, Serialize)]
struct AlbumEntry<'a> {
    slug: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    photos: u64,
    /// The day of the oldest photo. `None` if no photo has a date.
    from: Option<&'a str>,
    /// The day of the newest photo. `None` if no photo has a date.
    to: Option<&'a str>,
    /// The path of the first file with the photos. `None` if there is no such file, because the
    /// slug is too long.
    list: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct RatingEntry<'a> {
    rating: u8,
    photos: u64,
    months: MonthCounts<'a>,
}

impl<'a> GalleryFacets<'a> {
    /// Returns the contents of `facets.json` for these months and albums. `shards` are the names of
    /// the shards of the text index.
    pub(super) fn new(
        generation: u64,
        months: &'a BTreeMap<String, PublishedMonth>,
        albums: &'a PublishedAlbums,
        shards: impl Iterator<Item = &'a String>,
    ) -> Self {
        GalleryFacets {
            generation,
            cameras: facet_entries(months, ListKind::Camera, |month| &month.cameras),
            lenses: facet_entries(months, ListKind::Lens, |month| &month.lenses),
            keywords: facet_entries(months, ListKind::Keyword, |month| &month.keywords),
            places: place_entries(months),
            ratings: rating_entries(months),
            albums: album_entries(albums),
            text: shards.map(String::as_str).collect(),
        }
    }
}

/// Returns the cameras, lenses or keywords of the months. `of` selects which of them, and `kind` is
/// the kind of their lists.
fn facet_entries<'a>(
    months: &'a BTreeMap<String, PublishedMonth>,
    kind: ListKind,
    of: impl Fn(&'a PublishedMonth) -> &'a BTreeMap<String, FacetCount> + Copy,
) -> Vec<FacetEntry<'a>> {
    let mut by_slug = counts_by_slug(months, of);
    let facets = listed_facets(months, kind, of).into_iter();
    facets
        .map(|facet| FacetEntry {
            months: by_slug.remove(facet.sum.slug).unwrap_or_default(),
            facet,
        })
        .collect()
}

fn place_entries(months: &BTreeMap<String, PublishedMonth>) -> Vec<PlaceEntry<'_>> {
    let mut by_slug = counts_by_slug(months, |month| &month.places);
    let sums = sum_facets(months.values(), |month| &month.places).into_iter();
    sums.map(|sum| {
        // The name of a place contains its country, its region and its city.
        let mut levels = sum.name.split('|');
        let mut level = || levels.next().filter(|name| !name.is_empty());
        let (country, region, city) = (level(), level(), level());
        PlaceEntry {
            slug: sum.slug,
            name: city.or(region).or(country).unwrap_or_default(),
            country,
            region,
            city,
            photos: sum.photos,
            months: by_slug.remove(sum.slug).unwrap_or_default(),
        }
    })
    .collect()
}

/// Returns the numbers of photos of each month, by the slug of a facet. `of` selects the facets of
/// a month.
fn counts_by_slug<'a>(
    months: &'a BTreeMap<String, PublishedMonth>,
    of: impl Fn(&'a PublishedMonth) -> &'a BTreeMap<String, FacetCount>,
) -> BTreeMap<&'a str, MonthCounts<'a>> {
    let mut by_slug: BTreeMap<&str, MonthCounts<'a>> = BTreeMap::new();
    for month in months.values() {
        for (slug, facet) in of(month) {
            let counts = by_slug.entry(slug).or_default();
            counts.insert(&month.month, facet.photos);
        }
    }
    by_slug
}

fn album_entries(albums: &PublishedAlbums) -> Vec<AlbumEntry<'_>> {
    let mut albums: Vec<&PublishedAlbum> = albums.values().collect();
    albums.sort_by_key(|album| (&album.title, &album.slug));
    let entries = albums.into_iter().map(|album| AlbumEntry {
        slug: &album.slug,
        title: &album.title,
        description: album.description.as_deref(),
        photos: album.photos,
        from: album.from.as_deref(),
        to: album.to.as_deref(),
        list: album.files.first().map(|file| file.path.as_str()),
    });
    entries.collect()
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
        let mut months = BTreeMap::from([old, new]);
        let long = "x".repeat(201);
        let places = keyword("japan-kyoto", "Japan||Kyoto", 4);
        if let Some(month) = months.get_mut("2018-02") {
            month.places.extend([places]);
            month.keywords.extend([keyword(&long, "long", 1)]);
        }
        let shards = ["a".to_owned(), "u4e".to_owned()];
        let album = |slug: &str, title: &str| {
            let album = PublishedAlbum {
                slug: slug.to_owned(),
                title: title.to_owned(),
                photos: 2,
                ..PublishedAlbum::default()
            };
            (slug.to_owned(), album)
        };
        let albums = PublishedAlbums::from([album("a", "Zoo"), album("b", "Best")]);
        let facets = GalleryFacets::new(7, &months, &albums, shards.iter());
        let json = serde_json::to_value(facets).expect("JSON");
        let expected = json!({
            "generation": 7,
            "cameras": [],
            "lenses": [],
            "keywords": [
                { "slug": "zoo", "name": "zoo", "photos": 9, "list": "keyword/zoo.json", "months": { "2017-12": 9 } },
                { "slug": "cat", "name": "Cat", "photos": 3, "list": "keyword/cat.json", "months": { "2017-12": 2, "2018-02": 1 } },
                { "slug": long, "name": "long", "photos": 1, "list": null, "months": { "2018-02": 1 } },
            ],
            "places": [{
                "slug": "japan-kyoto", "name": "Kyoto", "country": "Japan", "region": null, "city": "Kyoto",
                "photos": 4, "months": { "2018-02": 4 },
            }],
            "ratings": [
                { "rating": 5, "photos": 4, "months": { "2018-02": 4 } },
                { "rating": 1, "photos": 3, "months": { "2017-12": 2, "2018-02": 1 } },
            ],
            "albums": [
                { "slug": "b", "title": "Best", "description": null, "photos": 2, "from": null, "to": null, "list": null },
                { "slug": "a", "title": "Zoo", "description": null, "photos": 2, "from": null, "to": null, "list": null },
            ],
            "text": ["a", "u4e"],
        });
        assert_eq!(json, expected);
    }
}
