//! The redirects to the gallery page, which is one of the static files.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode};

/// The page, relative to the URL of the static files.
const PAGE: &str = "index.html";
/// The path of the static files in `photos serve`.
const STATIC_FILES: &str = "/gallery";

/// Returns the route `/`, which redirects to the page. There is no such route if the URL of the static
/// files is unknown. `gallery_url` is this URL. `has_static_files` is `true` if the router serves the
/// static files itself. Then their folder redirects to the page too.
pub(super) fn routes(gallery_url: Option<&str>, has_static_files: bool) -> Router {
    let url = gallery_url.or(has_static_files.then_some(STATIC_FILES));
    let page = url.map(|url| format!("{}/{PAGE}", url.trim_end_matches('/')));
    let page = page.and_then(|page| HeaderValue::try_from(page).ok());
    let Some(page) = page else {
        return Router::new();
    };
    let redirect = get(move || std::future::ready(redirect_to(page.clone())));
    let router = Router::new().route("/", redirect.clone());
    match has_static_files {
        true => router
            .route(STATIC_FILES, redirect.clone())
            .route(&format!("{STATIC_FILES}/"), redirect),
        false => router,
    }
}

/// Returns a redirect. A cache may keep it for a minute, because the URL is a setting.
fn redirect_to(page: HeaderValue) -> Response {
    let cache_control = HeaderValue::from_static("public, max-age=60");
    (
        StatusCode::FOUND,
        [(LOCATION, page), (CACHE_CONTROL, cache_control)],
    )
        .into_response()
}
