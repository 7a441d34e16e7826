//! `/v1/photos` and `/v1/photos/{id or name}`.
//!
//! A page costs one index query where one partition holds it, at most [`MAX_QUERIES`] otherwise, and no more once
//! [`MAX_READ`] photos were read for those that it has; a page that would cost more ends early, and `next` goes on from
//! there. So a page may be short, or empty, and still not be the last.

use std::collections::BTreeSet;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::HeaderMap;

use crate::catalogue::query::Segment;
use crate::photo_id::PhotoId;

use super::answer;
use super::cursor::{self, Position};
use super::parameters::{Filters, Listing, MAX_LIMIT, detail_fields};
use super::plan;
use super::problem::Problem;
use super::{Gallery, locate};
use crate::view::Listed;

/// Index queries that one request may make.
const MAX_QUERIES: u32 = 16;
/// Photos that are read for a page which has some: where a filter leaves most of them out, a short page soon is better than
/// a full one late. While it has none, more are read.
const MAX_READ: usize = 800;
/// Bytes of JSON after which a page ends.
const MAX_PAGE_BYTES: usize = 1_000_000;

/// `GET /v1/photos`.
pub(super) async fn list(
    State(gallery): State<Gallery>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listing = Listing::parse(query.as_deref())?;
    let fields = listing.fields.as_deref();
    let page = page(&gallery, &listing, |listed| answer::text(listed, fields)).await?;
    answer::json(
        &headers,
        answer::JSON,
        format!(
            "{{\"items\":[{}],\"next\":{}}}",
            page.items.join(","),
            page.next
        ),
    )
}

/// A page of a list, each photo in the form that `render` gives it.
pub(super) struct Rendered {
    pub(super) items: Vec<String>,
    /// JSON: the cursor of the next page, or `null`.
    pub(super) next: String,
}

/// Answers a list request.
pub(super) async fn page(
    gallery: &Gallery,
    listing: &Listing,
    render: impl Fn(&Listed) -> Result<String, Problem>,
) -> Result<Rendered, Problem> {
    let filters = &listing.filters;
    // What a cursor is bound to; filters are plain strings, which always serialise.
    let bound = serde_json::to_string(filters).map_err(|_| Problem::internal())?;
    let settings = &gallery.settings;
    let position = match &listing.cursor {
        None => None,
        Some(token) => Some(
            cursor::open(&settings.cursor_key, &bound, token, (settings.now)())
                .map_err(|error| Problem::invalid_cursor(&error.to_string()))?,
        ),
    };
    let years = if plan::needs_years(filters) {
        gallery.catalogue.date_partitions().await?
    } else {
        BTreeSet::new()
    };
    let segments = if filters.bbox.is_some() && !gallery.view.publishes_positions() {
        Vec::new()
    } else {
        plan::segments(filters, &years, gallery.view.moved())
    };
    let (segments, after) = plan::resume(segments, position);
    let page = walk(gallery, listing, segments, after, render).await?;
    let next = match page.next {
        None => "null".to_owned(),
        Some(position) => {
            let sealed = cursor::seal(&settings.cursor_key, &bound, &position, (settings.now)());
            // Base64url needs no escapes.
            format!("\"{}\"", sealed.ok_or_else(Problem::internal)?)
        }
    };
    Ok(Rendered {
        items: page.items,
        next,
    })
}

/// `GET /v1/photos/{name}`: an id, a stem (`2018-02-01/foobar`) or the name of a file (`2018-02-01/foobar.jpg`).
pub(super) async fn detail(
    State(gallery): State<Gallery>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("There is no public photo of this id or name.");
    let Path(name) = name.map_err(|_| not_found())?;
    let fields = detail_fields(query.as_deref())?;
    let item = match PhotoId::parse(&name) {
        Some(id) => gallery.catalogue.item(&id).await?,
        None => match locate::file(&gallery.catalogue, &name).await? {
            Some((item, _)) => Some(item),
            None => locate::stem(&gallery.catalogue, &name).await?,
        },
    };
    let detailed = item
        .and_then(|item| gallery.view.detailed(&item))
        .ok_or_else(not_found)?;
    answer::json(
        &headers,
        answer::JSON,
        answer::text(&detailed, fields.as_deref())?,
    )
}

/// A page, its items as JSON.
struct Page {
    items: Vec<String>,
    /// Where the next page begins; `None` where nothing follows.
    next: Option<Position>,
}

/// Fills a page from segments, one query after the other.
async fn walk(
    gallery: &Gallery,
    listing: &Listing,
    segments: Vec<Segment>,
    mut after: Option<String>,
    render: impl Fn(&Listed) -> Result<String, Problem>,
) -> Result<Page, Problem> {
    let Listing { filters, limit, .. } = listing;
    let (mut items, mut bytes, mut queries, mut read) = (Vec::new(), 0, 0, 0);
    for segment in segments {
        loop {
            let is_enough = read >= MAX_READ && !items.is_empty();
            if queries == MAX_QUERIES || bytes > MAX_PAGE_BYTES || is_enough {
                return Ok(Page {
                    items,
                    next: Some(plan::position(&segment, after)),
                });
            }
            queries += 1;
            let wanted = query_limit(filters, limit - items.len());
            let page = gallery
                .catalogue
                .query(&segment, wanted, after.as_deref())
                .await?;
            read += page.entries.len();
            for entry in page.entries {
                let published = gallery.view.position(&entry.summary);
                if !plan::admits(filters, &entry, published.as_ref()) {
                    continue;
                }
                let Some(listed) = gallery.view.listed(&entry.summary) else {
                    continue;
                };
                // One more than the page holds: something follows.
                if items.len() == *limit || bytes > MAX_PAGE_BYTES {
                    return Ok(Page {
                        items,
                        next: Some(plan::position(&segment, after)),
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
    Ok(Page { items, next: None })
}

/// How many photos to ask an index for, to find this many: one more, which tells whether any follow. Where photos are
/// left out after the query, a full page, so that few queries find them.
fn query_limit(filters: &Filters, missing: usize) -> u32 {
    let wanted = if plan::narrows(filters) {
        MAX_LIMIT
    } else {
        missing
    };
    u32::try_from(wanted + 1).unwrap_or(u32::MAX)
}
