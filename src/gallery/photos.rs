//! The handlers of `/v1/photos` and `/v1/photos/{id or name}`.
//!
//! A page that the term index answers needs one request for each hundred photos (see
//! `index_page.rs`). Any other page needs one index query if one partition contains the page and
//! the query applies all filters, and otherwise at most [`MAX_QUERIES`] queries. Reading stops when
//! [`MAX_READ`] photos have been read and the page has at least one photo. A page that would cost
//! more ends early, and its cursor continues from there. So a page may be short or empty although
//! more pages follow.

use std::collections::BTreeSet;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::HeaderMap;

use crate::catalogue::query::Segment;
use crate::photo_id::PhotoId;
use crate::view::ListedPhoto;

use super::cursor::ListPosition;
use super::index_list::Direction;
use super::index_page::{IndexPages, open_list};
use super::index_query::needs_term_index;
use super::json_response::{JSON_MEDIA_TYPE, json_response, to_json_text};
use super::list_plan::{
    filters_after_query, matches_filters, needs_partitions, plan_segments, position_in_segment,
    resume_segments,
};
use super::list_request::{ListFilters, ListRequest, MAX_LIMIT, PhotoRequest};
use super::neighbours::{Neighbours, PhotoWithNeighbours, find_neighbours};
use super::page_cursor::{open_position, seal_position};
use super::photo_lookup::find_by_name;
use super::problem::Problem;
use super::state::GalleryState;

/// The maximum number of index queries for one request.
const MAX_QUERIES: u32 = 16;
/// The number of photos after which a request reads no more, if its page has at least one photo. If
/// a filter removes most photos, a short page now is better than a full page much later. If the
/// page is still empty, reading continues.
const MAX_READ: usize = 800;
/// The size of a page's JSON in bytes after which no more photos are added. A page can be larger by
/// one photo.
const MAX_PAGE_BYTES: usize = 1_000_000;

/// Handles `GET /v1/photos`.
pub(super) async fn list_photos(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = ListRequest::parse(query.as_deref())?;
    list_response(&gallery, &request, &headers).await
}

/// Returns the response with one page of a list.
pub(super) async fn list_response(
    gallery: &GalleryState,
    request: &ListRequest,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let fields = request.fields.as_deref();
    let page = render_page(gallery, request, |listed| to_json_text(listed, fields)).await?;
    json_response(
        headers,
        JSON_MEDIA_TYPE,
        format!(
            "{{\"items\":[{}],\"next\":{}}}",
            page.items.join(","),
            page.next
        ),
    )
}

/// A page of a list as JSON.
pub(super) struct RenderedPage {
    /// The photos of the page, each as JSON.
    pub(super) items: Vec<String>,
    /// The cursor of the next page as a JSON string, or `null`.
    pub(super) next: String,
}

/// Returns the page of the list that a request asks for. `render` returns the JSON of one photo.
pub(super) async fn render_page(
    gallery: &GalleryState,
    request: &ListRequest,
    render: impl Fn(&ListedPhoto) -> Result<String, Problem>,
) -> Result<RenderedPage, Problem> {
    let filters = &request.filters;
    let page = if needs_term_index(filters) {
        let position = open_position(gallery, &request.filters, request.cursor.as_deref())?;
        fill_page_from_term_index(gallery, request, position, render).await?
    } else {
        fill_page_from_table(gallery, request, render).await?
    };
    let next = match page.next {
        None => "null".to_owned(),
        Some(position) => seal_position(gallery, &request.filters, &position)?,
    };
    Ok(RenderedPage {
        items: page.items,
        next,
    })
}

/// Fills a page from the indexes of the photos table.
async fn fill_page_from_table(
    gallery: &GalleryState,
    request: &ListRequest,
    render: impl Fn(&ListedPhoto) -> Result<String, Problem>,
) -> Result<FilledPage, Problem> {
    let filters = &request.filters;
    let position = open_position(gallery, &request.filters, request.cursor.as_deref())?;
    let partitions = if needs_partitions(filters) {
        gallery.catalogue.date_partitions().await?
    } else {
        BTreeSet::new()
    };
    let segments = if filters.bbox.is_some() && !gallery.view.publishes_locations() {
        Vec::new()
    } else {
        plan_segments(filters, &partitions, gallery.view.max_rounding_degrees())
    };
    let (segments, after) = resume_segments(segments, position);
    fill_page(gallery, request, segments, after, render).await
}

/// Fills a page from the term index.
async fn fill_page_from_term_index(
    gallery: &GalleryState,
    request: &ListRequest,
    position: Option<ListPosition>,
    render: impl Fn(&ListedPhoto) -> Result<String, Problem>,
) -> Result<FilledPage, Problem> {
    let (mut items, mut bytes) = (Vec::new(), 0);
    let Some(list) = open_list(gallery, &request.filters).await? else {
        return Ok(FilledPage { items, next: None });
    };
    let mut pages = IndexPages::new(gallery, &list, position, Direction::Forward);
    while items.len() < request.limit && !pages.is_finished() {
        for placed in pages.read(request.limit - items.len()).await? {
            let item = render(&placed.photo)?;
            bytes += item.len();
            items.push(item);
            if bytes > MAX_PAGE_BYTES {
                let next = Some(placed.position);
                return Ok(FilledPage { items, next });
            }
        }
    }
    let next = pages.position().filter(|_| pages.has_more()).cloned();
    Ok(FilledPage { items, next })
}

/// Handles `GET /v1/photos/{name}`. The name is an id, a slug (`2018-02-01-foobar`), a stem
/// (`2018-02-01/foobar`) or the name of a file (`2018-02-01/foobar.jpg`).
pub(super) async fn get_photo(
    State(gallery): State<GalleryState>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("There is no public photo of this id or name.");
    let Path(name) = name.map_err(|_| not_found())?;
    let request = PhotoRequest::parse(query.as_deref())?;
    let item = match PhotoId::parse(&name) {
        Some(id) => gallery.catalogue.item(&id).await?,
        None => find_by_name(&gallery.catalogue, &name).await?,
    };
    let now = (gallery.settings.now)();
    let shown = item.and_then(|item| Some((gallery.view.show_details(&item, now)?, item)));
    let (details, item) = shown.ok_or_else(not_found)?;
    let neighbours = match request.has_neighbours() {
        true => find_neighbours(&gallery, &item, &request.filters).await?,
        false => Neighbours::default(),
    };
    let photo = PhotoWithNeighbours {
        details,
        neighbours,
    };
    json_response(
        &headers,
        JSON_MEDIA_TYPE,
        to_json_text(&photo, request.fields.as_deref())?,
    )
}

/// The photos of a page as JSON, and the position of the next page.
struct FilledPage {
    items: Vec<String>,
    /// The position at which the next page begins, or `None` if this is the last page.
    next: Option<ListPosition>,
}

/// Reads the segments one after the other until a page is full, and returns the page. `after` is
/// the sort key after which the first segment is read, or `None` to read that segment from its
/// start.
async fn fill_page(
    gallery: &GalleryState,
    request: &ListRequest,
    segments: Vec<Segment>,
    mut after: Option<String>,
    render: impl Fn(&ListedPhoto) -> Result<String, Problem>,
) -> Result<FilledPage, Problem> {
    let ListRequest { filters, limit, .. } = request;
    let now = (gallery.settings.now)();
    let (mut items, mut bytes, mut queries, mut read) = (Vec::new(), 0, 0, 0);
    for segment in segments {
        loop {
            let is_enough = read >= MAX_READ && !items.is_empty();
            if queries == MAX_QUERIES || bytes > MAX_PAGE_BYTES || is_enough {
                return Ok(FilledPage {
                    items,
                    next: Some(position_in_segment(&segment, after)),
                });
            }
            queries += 1;
            let wanted = index_query_limit(filters, limit - items.len());
            let page = gallery
                .catalogue
                .query_segment(&segment, wanted, after.as_deref())
                .await?;
            read += page.entries.len();
            for entry in page.entries {
                let published = gallery.view.published_location(&entry.summary);
                if !matches_filters(filters, &entry, published.as_ref()) {
                    continue;
                }
                let Some(listed) = gallery.view.show_in_list(&entry.summary, now) else {
                    continue;
                };
                // This photo does not fit, so there is a next page.
                if items.len() == *limit || bytes > MAX_PAGE_BYTES {
                    return Ok(FilledPage {
                        items,
                        next: Some(position_in_segment(&segment, after)),
                    });
                }
                let item = render(&listed)?;
                bytes += item.len();
                items.push(item);
                after = Some(entry.sort);
            }
            if page.next_after.is_none() {
                break;
            }
            after = page.next_after;
        }
        after = None;
    }
    Ok(FilledPage { items, next: None })
}

/// Returns the maximum number of photos that the next index query returns, if the page needs
/// `missing` more photos. The limit is `missing` and one, so that the result shows whether more
/// photos follow. If photos are filtered after the query, the limit is [`MAX_LIMIT`] and one, so
/// that few queries are needed.
fn index_query_limit(filters: &ListFilters, missing: usize) -> u32 {
    let wanted = if filters_after_query(filters) {
        MAX_LIMIT
    } else {
        missing
    };
    u32::try_from(wanted + 1).unwrap_or(u32::MAX)
}
