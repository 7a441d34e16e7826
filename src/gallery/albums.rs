//! `/v1/albums`: the public albums with their numbers of photos. The albums are those of now. Their
//! photos are as current as the last cycle of publish.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;

use super::album_photos::{find_album_photos, find_public_albums};
use super::facets::read_covers;
use super::index_counts::MatchSummary;
use super::json_response::{JSON_MEDIA_TYPE, json_response};
use super::problem::Problem;
use super::query_string::reject_parameters;
use super::state::GalleryState;
use crate::catalogue::album::{Album, AlbumOrder};
use crate::view::{PhotoLink, clean_text};

/// An album, as JSON.
#[derive(Debug, Serialize)]
struct PublicAlbum {
    slug: String,
    title: String,
    description: Option<String>,
    /// The order in which the album is listed.
    order: AlbumOrder,
    photos: u64,
    /// The day of the oldest photo. `None` if no photo has a date.
    from: Option<String>,
    /// The day of the newest photo. `None` if no photo has a date.
    to: Option<String>,
    cover: Option<PhotoLink>,
}

/// Handles `GET /v1/albums`. An album without a public photo is not listed.
pub(super) async fn get_albums(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    reject_parameters(query.as_deref())?;
    let index = gallery.load_index().await?;
    let mut albums: Vec<(Album, MatchSummary)> = Vec::new();
    for album in find_public_albums(&gallery, &index).await? {
        let photos = find_album_photos(&gallery, &index, &album).await?;
        let matches = photos.summarise(&index).clone();
        if matches.photos > 0 {
            albums.push((album, matches));
        }
    }
    let stems = albums.iter().flat_map(|(album, matches)| {
        let chosen = album.cover.as_deref();
        chosen.into_iter().chain([matches.newest.as_str()])
    });
    let covers = read_covers(&gallery, stems.collect()).await?;
    let items = albums.into_iter().map(|(album, matches)| {
        let chosen = album.cover.as_ref().and_then(|stem| covers.get(stem));
        // If the chosen cover is not public, the newest photo takes its place.
        let cover = chosen.or_else(|| covers.get(&matches.newest)).cloned();
        PublicAlbum {
            slug: clean_text(&album.slug),
            title: clean_text(&album.title),
            description: album.description.as_deref().map(clean_text),
            order: album.order,
            photos: matches.photos,
            from: matches.first_day,
            to: matches.last_day,
            cover,
        }
    });
    let items: Vec<PublicAlbum> = items.collect();
    let body = serde_json::to_string(&serde_json::json!({ "items": items }));
    let body = body.map_err(|_| Problem::internal())?;
    json_response(&headers, JSON_MEDIA_TYPE, body)
}
