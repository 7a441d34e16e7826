//! Decides how a request for a picture is answered: with the whole picture, with a range of it, or
//! with a status 304. Pure. [RFC 9110, 13 and 14; RFC 6266]

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

use super::json_response::if_none_match_includes;
use super::problem::Problem;

/// The value of the header `Cache-Control`. Caches may use a picture for five minutes. For one more
/// day they may use it while they fetch a newer version, because a file may be edited in place.
const CACHE_RULES: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");
/// The format of an HTTP date [RFC 9110, 5.6.7].
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// The present version of a picture: the properties from which the headers of the response are
/// made.
#[derive(Debug, Clone)]
pub(super) struct PictureVersion<'a> {
    /// The ETag, with its quotes.
    pub(super) etag: String,
    pub(super) last_modified: DateTime<Utc>,
    pub(super) size_bytes: u64,
    pub(super) mime: &'a str,
    pub(super) file_name: &'a str,
}

/// The response to a request for a picture.
pub(super) enum PictureResponse {
    /// A complete response without bytes of the picture, for example with the status 304.
    WithoutBody(Response),
    /// The status and headers of the response, and the range of the picture that must become its
    /// body.
    WithBody(Response, Range<u64>),
}

/// Returns the response to a request for a picture. Its status is 200, 206 (a range), 304 (not
/// modified) or 416 (no such range).
pub(super) fn plan_response(
    method: &Method,
    request: &HeaderMap,
    picture: &PictureVersion<'_>,
) -> Result<PictureResponse, Problem> {
    let PictureVersion {
        etag,
        last_modified,
        size_bytes,
        ..
    } = picture;
    let http_date = last_modified.format(HTTP_DATE).to_string();
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(ETAG, header_value(etag)?);
    headers.insert(LAST_MODIFIED, header_value(&http_date)?);
    headers.insert(CACHE_CONTROL, CACHE_RULES);
    if client_has_version(request, etag, *last_modified) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(PictureResponse::WithoutBody(response));
    }
    insert_content_headers(headers, picture)?;
    let mut range = 0..*size_bytes;
    if method == Method::GET && range_applies(request, etag, &http_date) {
        match parse_range(request, *size_bytes) {
            RequestedRange::Everything => {}
            RequestedRange::Nothing => return reject_range(*size_bytes),
            RequestedRange::Part(part) => {
                let value = format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1);
                headers.insert(CONTENT_RANGE, header_value(&value)?);
                range = part;
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            }
        }
    }
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if method == Method::HEAD {
        return Ok(PictureResponse::WithoutBody(response));
    }
    Ok(PictureResponse::WithBody(response, range))
}

/// Inserts the headers that describe the content of a picture.
fn insert_content_headers(
    headers: &mut HeaderMap,
    picture: &PictureVersion<'_>,
) -> Result<(), Problem> {
    let mime = picture.mime;
    // A browser must not show a file that is not an image, because it could contain a script.
    let is_image = mime.starts_with("image/") && mime != "image/svg+xml";
    let (mime, disposition) = if is_image {
        (mime, "inline")
    } else {
        ("application/octet-stream", "attachment")
    };
    headers.insert(CONTENT_TYPE, header_value(mime)?);
    headers.insert(
        CONTENT_DISPOSITION,
        header_value(&content_disposition(disposition, picture.file_name))?,
    );
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(())
}

/// Returns the response 416, for a range that contains no byte of the picture.
fn reject_range(size_bytes: u64) -> Result<PictureResponse, Problem> {
    let mut response = Problem::range_not_satisfiable(size_bytes).into_response();
    response.headers_mut().insert(
        CONTENT_RANGE,
        header_value(&format!("bytes */{size_bytes}"))?,
    );
    Ok(PictureResponse::WithoutBody(response))
}

/// The bytes of a picture that a Range header selects.
#[derive(Debug, PartialEq, Eq)]
enum RequestedRange {
    /// All bytes, because no Range header applies.
    Everything,
    /// The bytes of this range. Its end is not included.
    Part(Range<u64>),
    /// No byte, because the range is outside the picture.
    Nothing,
}

/// Returns the bytes that the Range header selects. Several ranges, other units and malformed
/// values are ignored, as RFC 9110 (14.2) allows.
fn parse_range(request: &HeaderMap, size_bytes: u64) -> RequestedRange {
    let Some(spec) = request
        .get(RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().strip_prefix("bytes="))
    else {
        return RequestedRange::Everything;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number with too many digits is larger than any file.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return RequestedRange::Everything;
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size_bytes),
        (Some(first), None) if last.is_empty() => first..size_bytes,
        (None, Some(suffix)) if first.is_empty() => size_bytes.saturating_sub(suffix)..size_bytes,
        _ => return RequestedRange::Everything,
    };
    if range.start < range.end {
        RequestedRange::Part(range)
    } else {
        RequestedRange::Nothing
    }
}

/// Reports whether the Range header applies. It does not apply if the header If-Range contains the
/// ETag or the date of another version [RFC 9110, 13.1.5].
fn range_applies(request: &HeaderMap, etag: &str, last_modified: &str) -> bool {
    match request
        .get(IF_RANGE)
        .map(|value| value.to_str().unwrap_or_default().trim())
    {
        None => true,
        Some(validator) => validator == etag || validator == last_modified,
    }
}

/// Reports whether the client already has the current version. If-None-Match decides, or
/// If-Modified-Since if there is no If-None-Match [RFC 9110, 13.2.2].
fn client_has_version(request: &HeaderMap, etag: &str, last_modified: DateTime<Utc>) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        return if_none_match_includes(request, etag);
    }
    request
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| NaiveDateTime::parse_from_str(value.trim(), HTTP_DATE).ok())
        .is_some_and(|since| last_modified.timestamp() <= since.and_utc().timestamp())
}

/// Returns the value of the header Content-Disposition, with the file name in ASCII and in UTF-8
/// [RFC 6266].
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

fn header_value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| Problem::internal())
}

#[cfg(test)]
mod tests;
