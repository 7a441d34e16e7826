//! `/v1/cameras`, `/v1/lenses`, `/v1/keywords` and `/v1/places`: the cameras, lenses, keywords and
//! places of the photos that match, with their numbers of photos. They are as current as the last
//! cycle of publish.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::cursor::ListPosition;
use super::index_counts::{TermCount, count_terms, sort_counts};
use super::index_page::open_list;
use super::json_response::{JSON_MEDIA_TYPE, json_response};
use super::list_request::{FACET_PAGE_PARAMETERS, FILTER_PARAMETERS, FacetRequest, ListFilters};
use super::page_cursor::{open_position, seal_position};
use super::problem::Problem;
use super::state::GalleryState;
use crate::catalogue::published::{FacetCount, PublishedMonth, sum_facets};
use crate::term_index::TermKind;
use crate::view::{PhotoLink, clean_text};

/// The character between the parts of the name of a keyword or a place in the term index.
const PATH_SEPARATOR: char = '|';

/// A keyword, as JSON.
#[derive(Debug, Serialize)]
struct KeywordFacet {
    slug: String,
    /// The last part of the path.
    name: String,
    /// The parts of the keyword, the outermost first. A flat keyword has one part.
    path: Vec<String>,
    photos: u64,
    cover: Option<PhotoLink>,
}

/// A place, as JSON.
#[derive(Debug, Serialize)]
struct PlaceFacet {
    slug: String,
    /// The name of the city, else of the region, else of the country.
    name: String,
    kind: PlaceKind,
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    photos: u64,
    cover: Option<PhotoLink>,
}

/// A kind of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PlaceKind {
    Country,
    Region,
    City,
}

/// Handles `GET /v1/cameras`: the cameras of the photos that match the filters.
pub(super) async fn get_cameras(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get_named(&gallery, query, &headers, TermKind::Camera, |month| {
        &month.cameras
    })
    .await
}

/// Handles `GET /v1/lenses`: the lenses of the photos that match the filters.
pub(super) async fn get_lenses(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get_named(&gallery, query, &headers, TermKind::Lens, |month| {
        &month.lenses
    })
    .await
}

/// Handles `GET /v1/keywords`: the keywords of the photos that match the filters, and their
/// parents.
pub(super) async fn get_keywords(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get_page(&gallery, query, &headers, TermKind::Keyword, |facet| {
        let path = facet.name.split(PATH_SEPARATOR).map(clean_text);
        let path: Vec<String> = path.filter(|part| !part.trim().is_empty()).collect();
        serde_json::to_value(KeywordFacet {
            slug: facet.slug,
            name: path.last().cloned().unwrap_or_default(),
            path,
            photos: facet.photos,
            cover: facet.cover,
        })
    })
    .await
}

/// Handles `GET /v1/places`: the countries, regions and cities of the photos that match the
/// filters.
pub(super) async fn get_places(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get_page(&gallery, query, &headers, TermKind::Place, |facet| {
        let mut levels = facet.name.split(PATH_SEPARATOR).map(clean_text);
        let mut level = || levels.next().filter(|name| !name.is_empty());
        let (country, region, city) = (level(), level(), level());
        let (kind, name) = match (&country, &region, &city) {
            (_, _, Some(city)) => (PlaceKind::City, city.clone()),
            (_, Some(region), None) => (PlaceKind::Region, region.clone()),
            (country, None, None) => (PlaceKind::Country, country.clone().unwrap_or_default()),
        };
        serde_json::to_value(PlaceFacet {
            slug: facet.slug,
            name,
            kind,
            country,
            region,
            city,
            photos: facet.photos,
            cover: facet.cover,
        })
    })
    .await
}

/// Returns the response with the cameras or lenses of the photos that match the filters, sorted by
/// their number of photos, largest first. `of` selects the cameras or the lenses of a month.
async fn get_named(
    gallery: &GalleryState,
    query: Option<String>,
    headers: &HeaderMap,
    kind: TermKind,
    of: impl Fn(&PublishedMonth) -> &BTreeMap<String, FacetCount>,
) -> Result<Response, Problem> {
    let request = FacetRequest::parse(query.as_deref(), &FILTER_PARAMETERS)?;
    let facet = |slug: &str, name: &str, photos: u64| json!({ "slug": clean_text(slug), "name": clean_text(name), "photos": photos });
    let items: Vec<Value> = if request.filters.is_empty() {
        let months = gallery.months.load_months().await?;
        let sums = sum_facets(months.iter(), of).into_iter();
        sums.map(|sum| facet(sum.slug, sum.name, sum.photos))
            .collect()
    } else {
        let counts = count_facets(gallery, &request.filters, kind).await?;
        counts
            .iter()
            .map(|(slug, count)| facet(slug, &count.name, count.photos))
            .collect()
    };
    let body = json!({ "items": items }).to_string();
    json_response(headers, JSON_MEDIA_TYPE, body)
}

/// A keyword or a place with its number of photos, and a photo that shows it.
struct CoveredFacet {
    slug: String,
    name: String,
    photos: u64,
    cover: Option<PhotoLink>,
}

/// Returns the response with one page of the keywords or places of the photos that match the
/// filters. `to_json` returns the JSON of one of them.
async fn get_page(
    gallery: &GalleryState,
    query: Option<String>,
    headers: &HeaderMap,
    kind: TermKind,
    to_json: impl Fn(CoveredFacet) -> serde_json::Result<Value>,
) -> Result<Response, Problem> {
    let request = FacetRequest::parse(query.as_deref(), &FACET_PAGE_PARAMETERS)?;
    let bound = (format!("{kind:?}"), &request.filters);
    let position = open_position(gallery, &bound, request.cursor.as_deref())?;
    let counts = count_facets(gallery, &request.filters, kind).await?;
    let mut rest: Vec<&(String, TermCount)> = counts
        .iter()
        .filter(|(slug, count)| is_after(position.as_ref(), slug, count))
        .take(request.limit + 1)
        .collect();
    let has_more = rest.len() > request.limit;
    rest.truncate(request.limit);
    let next = match rest.last() {
        Some((slug, count)) if has_more => {
            seal_position(gallery, &bound, &facet_position(slug, count))?
        }
        _ => "null".to_owned(),
    };
    let newest = rest.iter().map(|(_, count)| count.newest.as_str());
    let covers = read_covers(gallery, newest.collect()).await?;
    let items = rest.into_iter().map(|(slug, count)| {
        to_json(CoveredFacet {
            slug: clean_text(slug),
            cover: covers.get(&count.newest).cloned(),
            name: count.name.clone(),
            photos: count.photos,
        })
    });
    let items: Vec<Value> = items
        .collect::<Result<_, _>>()
        .map_err(|_| Problem::internal())?;
    let items = Value::from(items).to_string();
    let body = format!("{{\"items\":{items},\"next\":{next}}}");
    json_response(headers, JSON_MEDIA_TYPE, body)
}

/// Returns the terms of a kind that photos with these filters have, the most frequent first.
async fn count_facets(
    gallery: &GalleryState,
    filters: &ListFilters,
    kind: TermKind,
) -> Result<Arc<Vec<(String, TermCount)>>, Problem> {
    if filters.is_empty() {
        let index = gallery.load_index().await?;
        return Ok(gallery.index.count_all(&index, kind));
    }
    let Some(list) = open_list(gallery, filters).await? else {
        return Ok(Arc::default());
    };
    let counts = count_terms(list.index(), list.query(), kind);
    Ok(Arc::new(sort_counts(counts)))
}

/// Reads the photos with these stems. Returns links to those that are public now, by their stems.
pub(super) async fn read_covers(
    gallery: &GalleryState,
    mut stems: Vec<&str>,
) -> Result<HashMap<String, PhotoLink>, Problem> {
    stems.sort_unstable();
    stems.dedup();
    let now = (gallery.settings.now)();
    let summaries = gallery.catalogue.public_summaries(&stems).await?;
    let links = summaries.into_iter().filter_map(|(stem, summary)| {
        let listed = gallery.view.show_in_list(&summary, now)?;
        Some((stem, PhotoLink::from(listed)))
    });
    Ok(links.collect())
}

/// Returns the position of a term in the order of [`sort_counts`].
fn facet_position(slug: &str, count: &TermCount) -> ListPosition {
    ListPosition {
        partition: count.photos.to_string(),
        undated: false,
        after: Some(slug.to_owned()),
    }
}

/// Reports whether a term comes after a position in the order of [`sort_counts`].
fn is_after(position: Option<&ListPosition>, slug: &str, count: &TermCount) -> bool {
    position.is_none_or(|position| {
        let photos: u64 = position.partition.parse().unwrap_or_default();
        let after = position.after.as_deref().unwrap_or_default();
        count.photos < photos || (count.photos == photos && slug > after)
    })
}
