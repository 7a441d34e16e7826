//! Serves gallery JSON from the catalogue and, if configured, the pictures themselves. The gallery
//! is an axum router, which the gallery function on Lambda and `photos serve` run.
//!
//! The gallery never reads the environment or the system clock, never calls AWS except through the
//! catalogue and the storage, and never writes anything. Everything it shows of a photo goes
//! through the public view.

mod album_photos;
mod albums;
mod bounding_box;
mod counts;
mod cursor;
mod facets;
mod index_cache;
mod index_counts;
mod index_list;
mod index_page;
mod index_query;
mod json_response;
mod list_plan;
mod list_request;
mod map;
mod map_request;
mod month_cache;
mod neighbours;
mod on_this_day;
mod openapi;
mod page_cursor;
mod page_redirect;
mod photo_lookup;
mod photos;
mod picture_response;
mod picture_store;
mod pictures;
mod problem;
mod query_string;
mod random_photos;
mod state;
mod static_files;
mod timeline_unit;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use local_http::AllowedOrigins;
use serde_json::json;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::catalogue::Catalogue;
use crate::catalogue::published::PublishTable;

pub use crate::clock::Clock;
use album_photos::AlbumCache;
pub use cursor::{CursorKey, InvalidCursorKey};
use index_cache::IndexCache;
use json_response::{JSON_MEDIA_TYPE, json_response};
use month_cache::MonthCache;
pub use openapi::openapi_document;
use picture_store::PictureStore;
use problem::Problem;
use state::GalleryState;
pub use state::{GallerySettings, PictureArchive};
pub use static_files::StaticGallery;

/// The maximum time from the arrival of a request to the beginning of its response.
const RESPONSE_DEADLINE: Duration = Duration::from_secs(10);
/// The size in bytes above which a response is compressed.
const COMPRESS_ABOVE_BYTES: u16 = 1024;
/// The time for which a browser may cache the result of a CORS preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

/// Creates the router with all routes of the gallery.
///
/// The routes are `/v1/photos`, `/v1/photos/{id or name}`, `/v1/timeline`, `/v1/cameras`,
/// `/v1/lenses`, `/v1/map`, `/openapi.json`, `/healthz`, with [`GallerySettings::gallery_url`] `/`,
/// which redirects to the gallery page, with [`GallerySettings::static_files`] `/gallery/{path}`,
/// and with [`GallerySettings::originals`] `/photos/{file}`. Every route accepts GET and HEAD.
/// Every error is a problem as RFC 9457 defines it. The routes only read, so a request may be
/// repeated.
pub fn router(catalogue: Catalogue, published: PublishTable, settings: GallerySettings) -> Router {
    let cors = cors_layer(&settings.cors_origins);
    let originals = settings.originals.clone();
    let static_files = settings.static_files.clone();
    let redirects = page_redirect::routes(settings.gallery_url.as_deref(), static_files.is_some());
    let months = MonthCache::new(published.clone());
    let state = GalleryState {
        catalogue,
        albums: AlbumCache::default(),
        index: IndexCache::new(published, months.clone()),
        months,
        view: Arc::new(settings.public_view()),
        settings: Arc::new(settings),
    };
    let mut router = Router::new()
        .route("/healthz", get(get_health))
        .route("/openapi.json", get(get_openapi))
        .route("/v1/photos", get(photos::list_photos))
        .route("/v1/photos/random", get(random_photos::get_random_photos))
        .route("/v1/photos/{*name}", get(photos::get_photo))
        .route("/v1/on-this-day", get(on_this_day::get_on_this_day))
        .route("/v1/timeline", get(counts::get_timeline))
        .route("/v1/cameras", get(facets::get_cameras))
        .route("/v1/lenses", get(facets::get_lenses))
        .route("/v1/keywords", get(facets::get_keywords))
        .route("/v1/albums", get(albums::get_albums))
        .route("/v1/places", get(facets::get_places))
        .route("/v1/map", get(map::get_map))
        .with_state(state.clone())
        .merge(redirects);
    if let Some(files) = static_files {
        router = router.merge(
            Router::new()
                .route("/gallery/{*path}", get(static_files::get_static_file))
                .with_state(files),
        );
    }
    if let Some(archive) = originals {
        let etags = state.settings.cursor_key.picture_etags().clone();
        let store = Arc::new(PictureStore::new(archive, etags));
        router = router.merge(
            Router::new()
                .route("/photos/{*path}", get(pictures::get_picture))
                .with_state((state, store)),
        );
    }
    let router = router
        .fallback(reject_unknown_route)
        .layer(middleware::from_fn(limit_response_time));
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let compressible = SizeAbove::new(COMPRESS_ABOVE_BYTES)
        .and(NotForContentType::const_new("image/"))
        .and(NotForContentType::const_new("application/octet-stream"));
    router
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(middleware::map_response(finish_response))
}

/// Handles `GET /healthz`. The response only shows that this process runs: the catalogue and the
/// store are not checked.
async fn get_health() -> Response {
    (
        [(CACHE_CONTROL, "no-store")],
        Json(json!({ "status": "ok" })),
    )
        .into_response()
}

/// Handles `GET /openapi.json`. Returns the OpenAPI document.
async fn get_openapi(RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    query_string::reject_parameters(query.as_deref())?;
    json_response(&headers, JSON_MEDIA_TYPE, openapi_document().to_string())
}

async fn reject_unknown_route() -> Problem {
    Problem::not_found("There is no such route.")
}

/// Runs the route and returns its response. If the response does not begin within
/// [`RESPONSE_DEADLINE`], returns a problem instead.
async fn limit_response_time(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    tokio::time::timeout(RESPONSE_DEADLINE, next.run(request))
        .await
        .unwrap_or_else(|_| {
            tracing::error!(path, "the response did not begin before the deadline");
            Problem::unavailable().into_response()
        })
}

/// Adds the header `X-Content-Type-Options`. Replaces axum's response 405 (method not allowed) by a
/// problem. Axum adds the header `Allow` after this function.
async fn finish_response(response: Response) -> Response {
    let mut response = match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed().into_response(),
        _ => response,
    };
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Returns the layer that allows pages of other origins to read responses (CORS). Returns `None` if
/// no other origin is allowed. A browser then lets no page of another origin read them.
fn cors_layer(origins: &AllowedOrigins) -> Option<CorsLayer> {
    const EXPOSED_HEADERS: [HeaderName; 4] = [
        header::ETAG,
        header::CONTENT_RANGE,
        header::ACCEPT_RANGES,
        header::RETRY_AFTER,
    ];
    let allowed = match origins {
        AllowedOrigins::OwnOnly => return None,
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::ThisMachine | AllowedOrigins::Listed(_) => {
            let origins = origins.clone();
            AllowOrigin::predicate(move |origin, _| {
                origin.to_str().is_ok_and(|origin| origins.allow(origin))
            })
        }
    };
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD])
            .allow_headers([
                header::IF_NONE_MATCH,
                header::IF_MODIFIED_SINCE,
                header::RANGE,
            ])
            .expose_headers(EXPOSED_HEADERS)
            .max_age(PREFLIGHT_MAX_AGE),
    )
}
