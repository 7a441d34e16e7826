//! `/photos/{file}`: the pictures themselves, for a server that answers for them (`photos serve`).
//!
//! Only files of public photos, found through the catalogue; a path is never turned into a storage key. A picture is
//! streamed, never held. What must be stripped is read twice the first time: once to find what of it is kept (see
//! [`super::strip`]), then to serve it; the edit lists of the last pictures are remembered, by ETag.

mod conditions;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, Method};

use crate::storage::{ObjectProperties, Storage, StorageError};

use super::parameters::pairs;
use super::problem::Problem;
use super::strip::{Edit, Format, Piece, Scanner};
use super::{Gallery, locate};
use crate::view::{Picture, Treatment};
use conditions::{Decision, Representation, decide};

/// Bumped when stripping gives other bytes.
const STRIP_VERSION: u32 = 1;
/// Edit lists remembered; one is some hundred bytes.
const REMEMBERED: usize = 256;
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
        let served = Representation {
            etag: etag(&picture, &object),
            last_modified: object.last_modified,
            size_bytes: edit.size_bytes(),
            mime: &picture.mime,
            file_name: &picture.file_name,
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
    async fn edit(
        &self,
        picture: &Picture,
        object: &ObjectProperties,
    ) -> Result<Option<Arc<Edit>>, Problem> {
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

/// Strong, and another one for each way of serving one file.
fn etag(picture: &Picture, object: &ObjectProperties) -> String {
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
