//! What a request for a picture gets: all of it, a range, or the word that the client has it already. Pure.
//! [RFC 9110, 13 and 14; RFC 6266]

use std::ops::Range;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDateTime, Utc};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::gallery::answer::names_etag;
use crate::gallery::problem::Problem;

/// A picture may change in place: five minutes old is good, a day while a newer one is fetched.
const CACHED: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");
/// HTTP-date [RFC 9110, 5.6.7].
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// A picture as it is about to be served.
#[derive(Debug, Clone)]
pub(super) struct Representation<'a> {
    /// Quoted.
    pub(super) etag: String,
    pub(super) last_modified: DateTime<Utc>,
    pub(super) size_bytes: u64,
    pub(super) mime: &'a str,
    pub(super) file_name: &'a str,
}

/// What a request gets.
pub(super) enum Decision {
    /// All of the answer: no body belongs to it.
    Head(Response),
    /// The head of the answer, and the bytes that belong to it.
    Body(Response, Range<u64>),
}

/// Decides between 200, 206, 304 and 416, and writes the headers. Pure.
pub(super) fn decide(
    method: &Method,
    request: &HeaderMap,
    picture: &Representation<'_>,
) -> Result<Decision, Problem> {
    let Representation {
        etag,
        last_modified,
        size_bytes,
        mime,
        file_name,
    } = picture;
    let (modified, size_bytes) = (*last_modified, *size_bytes);
    let last_modified = modified.format(HTTP_DATE).to_string();
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(ETAG, header(etag)?);
    headers.insert(LAST_MODIFIED, header(&last_modified)?);
    headers.insert(CACHE_CONTROL, CACHED);
    if is_known(request, etag, modified) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(Decision::Head(response));
    }
    // What is not an image by its bytes is not shown by a browser as one.
    let is_image = mime.starts_with("image/") && *mime != "image/svg+xml";
    let (mime, disposition) = if is_image {
        (*mime, "inline")
    } else {
        ("application/octet-stream", "attachment")
    };
    headers.insert(CONTENT_TYPE, header(mime)?);
    headers.insert(
        CONTENT_DISPOSITION,
        header(&content_disposition(disposition, file_name))?,
    );
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let mut range = 0..size_bytes;
    if method == Method::GET && range_is_wanted(request, etag, &last_modified) {
        match requested_range(request, size_bytes) {
            Requested::Everything => {}
            Requested::Nothing => {
                let mut response = Problem::range_not_satisfiable(size_bytes).into_response();
                response
                    .headers_mut()
                    .insert(CONTENT_RANGE, header(&format!("bytes */{size_bytes}"))?);
                return Ok(Decision::Head(response));
            }
            Requested::Part(part) => {
                let value = format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1);
                headers.insert(CONTENT_RANGE, header(&value)?);
                range = part;
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            }
        }
    }
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if method == Method::HEAD {
        return Ok(Decision::Head(response));
    }
    Ok(Decision::Body(response, range))
}

/// What a Range header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Requested {
    Everything,
    Part(Range<u64>),
    Nothing,
}

/// Reads the Range header. Several ranges, other units and what is malformed are ignored, as RFC 9110 (14.2) allows.
fn requested_range(request: &HeaderMap, size_bytes: u64) -> Requested {
    let Some(spec) = request
        .get(RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().strip_prefix("bytes="))
    else {
        return Requested::Everything;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than fit are more bytes than there are.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Requested::Everything;
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size_bytes),
        (Some(first), None) if last.is_empty() => first..size_bytes,
        (None, Some(suffix)) if first.is_empty() => size_bytes.saturating_sub(suffix)..size_bytes,
        _ => return Requested::Everything,
    };
    if range.start < range.end {
        Requested::Part(range)
    } else {
        Requested::Nothing
    }
}

/// Whether a Range header holds for what would be served now [RFC 9110, 13.1.5].
fn range_is_wanted(request: &HeaderMap, etag: &str, last_modified: &str) -> bool {
    match request
        .get(IF_RANGE)
        .map(|value| value.to_str().unwrap_or_default().trim())
    {
        None => true,
        Some(validator) => validator == etag || validator == last_modified,
    }
}

/// Whether the client has it already [RFC 9110, 13.2.2].
fn is_known(request: &HeaderMap, etag: &str, last_modified: DateTime<Utc>) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        return names_etag(request, etag);
    }
    request
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| NaiveDateTime::parse_from_str(value.trim(), HTTP_DATE).ok())
        .is_some_and(|since| last_modified.timestamp() <= since.and_utc().timestamp())
}

/// [RFC 6266]: the name in ASCII, and as it is.
fn content_disposition(disposition: &str, file_name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
            c
        } else {
            '_'
        }
    };
    let ascii: String = file_name.chars().map(plain).collect();
    let encoded = utf8_percent_encode(file_name, NON_ALPHANUMERIC);
    format!("{disposition}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

fn header(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| Problem::internal())
}

#[cfg(test)]
mod tests;
