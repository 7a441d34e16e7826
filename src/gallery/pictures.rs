//! `/photos/{file}`: the pictures themselves, for a server that answers for them (`photos serve`).
//!
//! Only files of public photos, found through the catalogue; a path is never turned into a storage key. A picture is
//! streamed, never held. What must be stripped is read twice the first time: once to find what of it is kept (see
//! [`super::strip`]), then to serve it; the edit lists of the last pictures are remembered, by ETag.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::storage::{Object, Storage, StorageError};

use super::answer::names_etag;
use super::parameters::pairs;
use super::problem::Problem;
use super::strip::{Edit, Format, Piece, Scanner};
use super::view::{Picture, Treatment};
use super::{Gallery, locate};

/// A picture may change in place: five minutes old is good, a day while a newer one is fetched.
const CACHED: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");
/// Bumped when stripping gives other bytes.
const STRIP_VERSION: u32 = 1;
/// Edit lists remembered; one is some hundred bytes.
const REMEMBERED: usize = 256;
/// HTTP-date [RFC 9110, 5.6.7].
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Where the pictures are, and what was found out about those served last.
#[derive(Debug)]
pub(super) struct Shelf {
    storage: Storage,
    bucket: String,
    edits: Mutex<VecDeque<(String, Arc<Edit>)>>,
}

/// `GET /photos/{file}`, with `?preview=1` for the JPEG embedded in it.
pub(super) async fn picture(
    State((gallery, shelf)): State<(Gallery, Arc<Shelf>)>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("There is no public picture of this name.");
    let Path(path) = path.map_err(|_| not_found())?;
    let preview = match pairs(query.as_deref(), &["preview"])?.first() {
        None => false,
        Some((_, value)) if value == "1" => true,
        Some(_) => {
            return Err(Problem::invalid_parameter(
                "preview",
                "It is 1, or left out.",
            ));
        }
    };
    let picture = locate::file(&gallery.catalogue, &path)
        .await?
        .and_then(|(item, part)| gallery.view.picture(&item, &part, preview))
        .ok_or_else(not_found)?;
    // An edit in place may come between two requests of ours; the second time it is over.
    for _ in 0..2 {
        let object = shelf
            .storage
            .head(&shelf.bucket, &picture.key)
            .await?
            .ok_or_else(not_found)?;
        let Some(edit) = shelf.edit(&picture, &object).await? else {
            return Err(not_found());
        };
        let served = Served {
            picture: &picture,
            object: &object,
            edit: &edit,
        };
        match decide(&method, &headers, &served)? {
            Decision::Head(response) => return Ok(response),
            Decision::Body(mut response, range) => {
                if let Some(body) = shelf
                    .body(&picture.key, &object.etag, edit.slice(range))
                    .await?
                {
                    *response.body_mut() = body;
                    return Ok(response);
                }
            }
        }
    }
    Err(Problem::unavailable())
}

/// What is about to be served.
struct Served<'a> {
    picture: &'a Picture,
    object: &'a Object,
    edit: &'a Edit,
}

/// What a request gets.
enum Decision {
    /// All of the answer: no body belongs to it.
    Head(Response),
    /// The head of the answer, and the bytes that belong to it.
    Body(Response, Range<u64>),
}

/// Decides between 200, 206, 304 and 416, and writes the headers. Pure.
fn decide(method: &Method, request: &HeaderMap, served: &Served<'_>) -> Result<Decision, Problem> {
    let Served {
        picture,
        object,
        edit,
    } = served;
    let size_bytes = edit.size_bytes();
    let etag = etag(picture, object);
    let last_modified = object.last_modified.format(HTTP_DATE).to_string();
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(ETAG, header(&etag)?);
    headers.insert(LAST_MODIFIED, header(&last_modified)?);
    headers.insert(CACHE_CONTROL, CACHED);
    if is_known(request, &etag, object.last_modified) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(Decision::Head(response));
    }
    // What is not an image by its bytes is not shown by a browser as one.
    let is_image = picture.mime.starts_with("image/") && picture.mime != "image/svg+xml";
    let (mime, disposition) = if is_image {
        (picture.mime.as_str(), "inline")
    } else {
        ("application/octet-stream", "attachment")
    };
    headers.insert(CONTENT_TYPE, header(mime)?);
    headers.insert(
        CONTENT_DISPOSITION,
        header(&content_disposition(disposition, &picture.file_name))?,
    );
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let mut range = 0..size_bytes;
    if method == Method::GET && range_is_wanted(request, &etag, &last_modified) {
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

impl Shelf {
    /// Pictures from this bucket.
    pub(super) fn new(storage: Storage, bucket: String) -> Self {
        Shelf {
            storage,
            bucket,
            edits: Mutex::default(),
        }
    }

    /// What is served of an object; `None` where it cannot be stripped of what must not be served, or is not the one
    /// whose preview was found.
    async fn edit(&self, picture: &Picture, object: &Object) -> Result<Option<Arc<Edit>>, Problem> {
        let (format, range, orientation) = match &picture.treatment {
            Treatment::AsIs => return Ok(Some(Arc::new(Edit::whole(0..object.size_bytes)))),
            Treatment::Strip(format) => (*format, 0..object.size_bytes, None),
            // The preview was found in these bytes and no others.
            Treatment::Preview { .. } if bare(&object.etag) != bare(&picture.etag) => {
                return Ok(None);
            }
            Treatment::Preview { range, orientation } => {
                (Format::Jpeg, range.clone(), *orientation)
            }
        };
        if range.is_empty() || range.end > object.size_bytes {
            return Ok(None);
        }
        let name = format!("{} {} {range:?}", picture.key, object.etag);
        if let Some(edit) = self.remembered(&name) {
            return Ok(Some(edit));
        }
        let mut scanner = Scanner::new(format, range.start);
        let opened = self
            .storage
            .open(&self.bucket, &picture.key, Some(range))
            .await?;
        let Some((opened, mut bytes)) = opened else {
            return Ok(None);
        };
        if opened.etag != object.etag {
            return Err(Problem::unavailable());
        }
        while let Some(chunk) = bytes.try_next().await? {
            if !scanner.feed(&chunk) {
                break;
            }
        }
        let Ok(edit) = scanner.finish(orientation) else {
            tracing::warn!(
                key = picture.key,
                "a picture cannot be stripped, and so is not served"
            );
            return Ok(None);
        };
        let edit = Arc::new(edit);
        self.remember(name, &edit);
        Ok(Some(edit))
    }

    /// The body of an answer; `None` where the object has become another.
    async fn body(
        &self,
        key: &str,
        etag: &str,
        pieces: Vec<Piece>,
    ) -> Result<Option<Body>, Problem> {
        let mut pieces: VecDeque<Piece> = pieces.into();
        // The first piece is opened before the head of the answer leaves, so that most failures still get a status.
        let Some(first) = pieces.pop_front() else {
            return Ok(Some(Body::empty()));
        };
        let first = match self.clone_source(key, etag).open(first).await {
            Ok(first) => first,
            Err(PieceError::Storage(error)) => return Err(error.into()),
            Err(PieceError::Changed) => return Ok(None),
        };
        let source = self.clone_source(key, etag);
        let rest = stream::iter(pieces)
            .then(move |piece| {
                let source = source.clone();
                async move { source.open(piece).await }
            })
            .try_flatten();
        Ok(Some(Body::from_stream(first.chain(rest))))
    }

    fn clone_source(&self, key: &str, etag: &str) -> Source {
        Source {
            storage: self.storage.clone(),
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            etag: etag.to_owned(),
        }
    }

    fn remembered(&self, name: &str) -> Option<Arc<Edit>> {
        let edits = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
        edits
            .iter()
            .find(|(remembered, _)| remembered == name)
            .map(|(_, edit)| Arc::clone(edit))
    }

    fn remember(&self, name: String, edit: &Arc<Edit>) {
        let mut edits = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
        edits.push_front((name, Arc::clone(edit)));
        edits.truncate(REMEMBERED);
    }
}

/// One object at one ETag.
#[derive(Clone)]
struct Source {
    storage: Storage,
    bucket: String,
    key: String,
    etag: String,
}

/// Why a piece could not be read.
#[derive(Debug, thiserror::Error)]
enum PieceError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the object has changed while it was served")]
    Changed,
}

impl Source {
    async fn open(
        &self,
        piece: Piece,
    ) -> Result<BoxStream<'static, Result<Bytes, PieceError>>, PieceError> {
        let range = match piece {
            Piece::Made(bytes) => return Ok(stream::iter([Ok(bytes)]).boxed()),
            Piece::Kept(range) => range,
        };
        let opened = self
            .storage
            .open(&self.bucket, &self.key, Some(range))
            .await?;
        match opened {
            Some((object, bytes)) if object.etag == self.etag => {
                Ok(bytes.map_err(PieceError::from).boxed())
            }
            _ => Err(PieceError::Changed),
        }
    }
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
        .and_then(|value| chrono::NaiveDateTime::parse_from_str(value.trim(), HTTP_DATE).ok())
        .is_some_and(|since| last_modified.timestamp() <= since.and_utc().timestamp())
}

/// Strong, and another one for each way of serving one file.
fn etag(picture: &Picture, object: &Object) -> String {
    let bare = bare(&object.etag);
    match &picture.treatment {
        Treatment::AsIs => format!("\"{bare}\""),
        Treatment::Strip(_) => format!("\"{bare}-s{STRIP_VERSION}\""),
        Treatment::Preview { orientation, .. } => {
            format!("\"{bare}-p{STRIP_VERSION}.{}\"", orientation.unwrap_or(0))
        }
    }
}

fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
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
