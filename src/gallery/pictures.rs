//! `/photos/{file}`: the archived files themselves, for the owner of the photos (`photos serve` with
//! ORIGINALS on a loopback address).
//!
//! Only files of public photos are served, and they are found through the catalogue. A path is
//! never used as a storage key. Every picture is stripped of its metadata, under every location
//! policy. A picture that cannot be stripped is not served.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, Method};

use crate::view::{PictureAccess, PictureKind};

use super::photo_lookup::find_by_file;
use super::picture_response::{PictureResponse, PictureVersion, plan_response};
use super::picture_store::{PictureEdits, PictureStore};
use super::problem::Problem;
use super::query_string::parse_query;
use super::state::GalleryState;

/// The detail of the problem if a picture cannot be stripped.
const NOT_STRIPPABLE: &str = "This file is not served, because its metadata cannot be removed.";

/// Handles `GET /photos/{file}`. With `?preview=1`, the response is the JPEG embedded in the file.
///
/// # Errors
/// Returns 404 if there is no such public picture, or if it cannot be stripped of its metadata.
pub(super) async fn get_picture(
    State((gallery, store)): State<(GalleryState, Arc<PictureStore>)>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("There is no public picture of this name.");
    let not_strippable = || Problem::not_found(NOT_STRIPPABLE);
    let Path(path) = path.map_err(|_| not_found())?;
    let kind = parse_picture_kind(query.as_deref())?;
    let (item, part) = find_by_file(&gallery.catalogue, &path)
        .await?
        .ok_or_else(not_found)?;
    let picture = match gallery.view.find_picture(&item, &part, kind) {
        PictureAccess::Servable(picture) => picture,
        PictureAccess::NotStrippable => return Err(not_strippable()),
        PictureAccess::Absent => return Err(not_found()),
    };
    // The file may be edited between the two requests to the store. Then both requests are
    // repeated, once.
    for _ in 0..2 {
        let object = store
            .head_object(&picture.key)
            .await?
            .ok_or_else(not_found)?;
        let edits = match store.find_edits(&picture, &object).await? {
            PictureEdits::Ready(edits) => edits,
            PictureEdits::NotStrippable => return Err(not_strippable()),
            PictureEdits::Absent => return Err(not_found()),
        };
        let version = PictureVersion {
            etag: store.picture_etag(&picture, &object),
            last_modified: object.last_modified,
            size_bytes: edits.size_bytes(),
            mime: &picture.mime,
            file_name: &picture.file_name,
        };
        match plan_response(&method, &headers, &version)? {
            PictureResponse::WithoutBody(response) => return Ok(response),
            PictureResponse::WithBody(mut response, range) => {
                let spans = edits.slice(range);
                if let Some(body) = store.open_body(&picture.key, &object.etag, spans).await? {
                    *response.body_mut() = body;
                    return Ok(response);
                }
            }
        }
    }
    Err(Problem::unavailable())
}

/// Parses the query string. `preview=1` selects the embedded JPEG. An empty query string selects
/// the file itself.
fn parse_picture_kind(query: Option<&str>) -> Result<PictureKind, Problem> {
    match parse_query(query, &["preview"])?.first() {
        None => Ok(PictureKind::Original),
        Some((_, value)) if value == "1" => Ok(PictureKind::Preview),
        Some(_) => Err(Problem::invalid_parameter(
            "preview",
            "It is 1, or left out.",
        )),
    }
}
