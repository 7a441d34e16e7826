//! JSON responses with an ETag and caching rules. A client that already has the current version of
//! a response gets the status 304 instead.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// The value of the header `Cache-Control`. Caches may use a response for a minute. For ten more
/// minutes they may use it while they fetch a newer response. Lists change whenever photos are
/// added.
const CACHE_RULES: HeaderValue =
    HeaderValue::from_static("public, max-age=60, stale-while-revalidate=600");

/// The media type of JSON.
pub(crate) const JSON_MEDIA_TYPE: &str = "application/json";
/// The media type of GeoJSON [RFC 7946, 12].
pub(crate) const GEOJSON_MEDIA_TYPE: &str = "application/geo+json";

/// Returns a response with the JSON text `body`. If the header If-None-Match of the request
/// contains the ETag of this text, returns the status 304 without a body.
///
/// The ETag is weak, because the compressed and the plain response have the same ETag.
pub(crate) fn json_response(
    request: &HeaderMap,
    media_type: &'static str,
    body: String,
) -> Result<Response, Problem> {
    let digest = Sha256::digest(body.as_bytes());
    let etag = format!(
        "W/\"{}\"",
        BASE64URL_NOPAD.encode(digest.get(..16).unwrap_or_default())
    );
    let mut response = if if_none_match_includes(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(body))
    };
    let headers = response.headers_mut();
    headers.insert(
        ETAG,
        HeaderValue::try_from(etag).map_err(|_| Problem::internal())?,
    );
    headers.insert(CACHE_CONTROL, CACHE_RULES);
    if response.status() == StatusCode::OK {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    Ok(response)
}

/// Reports whether If-None-Match contains this ETag, by the weak comparison [RFC 9110, 13.1.2].
pub(crate) fn if_none_match_includes(request: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let wanted = opaque(etag);
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == wanted)
}

/// Serialises a value as JSON text. With `fields`, the text has only these fields, in this order.
///
/// # Errors
/// Fails if the value cannot be serialised. That does not happen with any type of the public view.
pub(crate) fn to_json_text<T: Serialize>(
    value: &T,
    fields: Option<&[&str]>,
) -> Result<String, Problem> {
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
        tracing::error!(%error, "a response cannot be serialised as JSON");
        Problem::internal()
    })
}
