//! Answers gallery JSON from the catalogue and, where it is asked to, the pictures themselves: an axum router that
//! Lambda and `photos serve` run alike.
//!
//! It never reads the environment or a clock of its own, never speaks to AWS but through the catalogue and the storage,
//! and never writes anything. All that it says of a photo goes through the public view.

mod answer;
mod bounds;
mod counts;
mod cursor;
mod locate;
mod months;
mod openapi;
mod parameters;
mod photos;
mod pictures;
mod plan;
mod problem;
pub(crate) mod strip;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::json;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::catalogue::Catalogue;
use crate::catalogue::published::PublishTable;
use crate::privacy::Privacy;
use crate::storage::Storage;

use crate::view::PublicView;
pub use cursor::{CursorKey, InvalidCursorKey};
use months::Months;
pub use openapi::document as openapi_document;
use pictures::Shelf;
use problem::Problem;

/// How long an answer may take to begin.
const DEADLINE: Duration = Duration::from_secs(10);
/// Answers are compressed above this size, bytes.
const COMPRESS_ABOVE_BYTES: u16 = 1024;
/// How long a browser may remember what a preflight allowed.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3600);

/// What a gallery is told from outside.
#[derive(Clone)]
pub struct Settings {
    /// What is kept from the public.
    pub privacy: Privacy,
    /// Where the archive below its prefix is reached, without a trailing slash: `https://photos.example.org`. Pictures
    /// are listed with this in front. With [`Settings::pictures`] it is where this router's own `/photos` is reached,
    /// and may be left out (URLs are then relative to the host); without, and absent, no pictures are listed.
    pub photo_base_url: Option<String>,
    /// States that what `photo_base_url` serves carries no positions. Without it, and unless the policy is `exact`,
    /// nothing is listed there.
    pub photo_base_url_stripped: bool,
    /// What cursors are sealed with.
    pub cursor_key: CursorKey,
    /// Origins whose pages may read the answers: `https://example.org`; `*` for all.
    pub cors_origins: Vec<String>,
    /// The pictures, where this router serves them too.
    pub pictures: Option<Pictures>,
    /// The time, for cursors.
    pub now: Clock,
}

/// Tells the time: `Arc::new(Utc::now)`, or a test's own.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Where the archived files are.
#[derive(Clone)]
pub struct Pictures {
    /// The store.
    pub storage: Storage,
    /// The archive bucket.
    pub bucket: String,
}

impl Settings {
    /// The view that these settings give.
    pub fn view(&self) -> PublicView {
        PublicView::new(
            self.privacy.clone(),
            self.photo_base_url.as_deref(),
            self.photo_base_url_stripped,
            self.pictures.is_some(),
        )
    }
}

/// What every handler has.
#[derive(Clone)]
struct Gallery {
    catalogue: Catalogue,
    months: Months,
    settings: Arc<Settings>,
    view: Arc<PublicView>,
}

/// The gallery's routes: `/v1/photos`, `/v1/photos/{id or name}`, `/v1/timeline`, `/v1/cameras`, `/v1/lenses`,
/// `/v1/map`, `/openapi.json`, `/healthz` and, with [`Settings::pictures`],
/// `/photos/{file}`. Every route answers GET and HEAD; every error is a problem as RFC 9457 has it. Reading only: safe
/// to repeat.
pub fn router(catalogue: Catalogue, published: PublishTable, settings: Settings) -> Router {
    let view = settings.view();
    let cors = cors(&settings.cors_origins);
    let pictures = settings.pictures.clone();
    let gallery = Gallery {
        catalogue,
        months: Months::new(published),
        settings: Arc::new(settings),
        view: Arc::new(view),
    };
    let mut router = Router::new()
        .route("/healthz", get(healthz))
        .route("/openapi.json", get(openapi))
        .route("/v1/photos", get(photos::list))
        .route("/v1/photos/{*name}", get(photos::detail))
        .route("/v1/timeline", get(counts::timeline))
        .route("/v1/cameras", get(counts::cameras))
        .route("/v1/lenses", get(counts::lenses))
        .route("/v1/map", get(counts::map))
        .with_state(gallery.clone());
    if let Some(Pictures { storage, bucket }) = pictures {
        let shelf = Arc::new(Shelf::new(storage, bucket));
        router = router.merge(
            Router::new()
                .route("/photos/{*path}", get(pictures::picture))
                .with_state((gallery, shelf)),
        );
    }
    let router = router
        .fallback(no_such_route)
        .layer(middleware::from_fn(within_deadline));
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let compressible = SizeAbove::new(COMPRESS_ABOVE_BYTES)
        .and(NotForContentType::const_new("image/"))
        .and(NotForContentType::const_new("application/octet-stream"));
    router
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(middleware::map_response(finish))
}

/// That the process answers; nothing of what it depends on is asked.
async fn healthz() -> Response {
    (
        [(CACHE_CONTROL, "no-store")],
        Json(json!({ "status": "ok" })),
    )
        .into_response()
}

/// What the API is.
async fn openapi(RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    parameters::none(query.as_deref())?;
    answer::json(&headers, answer::JSON, openapi::document().to_string())
}

async fn no_such_route() -> Problem {
    Problem::not_found("There is no such route.")
}

/// A request that takes too long is answered, if not as asked.
async fn within_deadline(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    tokio::time::timeout(DEADLINE, next.run(request))
        .await
        .unwrap_or_else(|_| {
            tracing::error!(path, "no answer within the deadline");
            Problem::unavailable().into_response()
        })
}

/// What all answers have in common. The router's own 405 becomes a problem too; it adds Allow after us.
async fn finish(response: Response) -> Response {
    let mut response = match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed().into_response(),
        _ => response,
    };
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Cross-origin reading for the configured origins; none configured, none allowed.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        // An origin has no trailing slash [RFC 6454, 6.2]; people write one.
        AllowOrigin::list(origins.iter().filter_map(|origin| {
            let value = HeaderValue::from_str(origin.trim_end_matches('/'));
            value
                .inspect_err(|_| tracing::warn!(origin, "not an origin; ignored"))
                .ok()
        }))
    };
    const EXPOSED: [HeaderName; 4] = [
        header::ETAG,
        header::CONTENT_RANGE,
        header::ACCEPT_RANGES,
        header::RETRY_AFTER,
    ];
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD])
            .allow_headers([
                header::IF_NONE_MATCH,
                header::IF_MODIFIED_SINCE,
                header::RANGE,
            ])
            .expose_headers(EXPOSED)
            .max_age(PREFLIGHT_AGE),
    )
}
