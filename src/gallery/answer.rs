//! JSON answers: how they are tagged, cached and left out when the client has them already.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// Lists and pages change when photos are added: a minute old is good, ten are good while a newer one is fetched.
const CACHED: HeaderValue =
    HeaderValue::from_static("public, max-age=60, stale-while-revalidate=600");

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";
/// That of GeoJSON [RFC 7946, 12].
pub(crate) const GEOJSON: &str = "application/geo+json";

/// Answers with JSON text of a media type, or with 304 where the request names its ETag. The ETag is weak: a compressed answer and a
/// plain one carry the same.
pub(crate) fn json(
    request: &HeaderMap,
    media: &'static str,
    body: String,
) -> Result<Response, Problem> {
    let digest = Sha256::digest(body.as_bytes());
    let etag = format!(
        "W/\"{}\"",
        BASE64URL_NOPAD.encode(digest.get(..16).unwrap_or_default())
    );
    let mut response = if names_etag(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(body))
    };
    let headers = response.headers_mut();
    headers.insert(
        ETAG,
        HeaderValue::try_from(etag).map_err(|_| Problem::internal())?,
    );
    headers.insert(CACHE_CONTROL, CACHED);
    if response.status() == StatusCode::OK {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    Ok(response)
}

/// Whether If-None-Match names this ETag, by the weak comparison [RFC 9110, 13.1.2].
pub(crate) fn names_etag(request: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let wanted = opaque(etag);
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == wanted)
}

/// The JSON text of a value, with only the fields asked for, in the order asked for.
///
/// # Errors
/// It cannot be serialised, which none of the view's types can bring about.
pub(crate) fn text<T: Serialize>(value: &T, fields: Option<&[&str]>) -> Result<String, Problem> {
    let serialised = match fields {
        None => serde_json::to_string(value),
        Some(fields) => serde_json::to_value(value).and_then(|value| {
            let Value::Object(mut object) = value else {
                return serde_json::to_string(&value);
            };
            let chosen: serde_json::Map<String, Value> = fields
                .iter()
                .filter_map(|field| object.remove_entry(*field))
                .collect();
            serde_json::to_string(&chosen)
        }),
    };
    serialised.map_err(|error| {
        tracing::error!(%error, "an answer cannot be serialised");
        Problem::internal()
    })
}
