//! Reads archived pictures and removes what must not be served.
//!
//! A picture is streamed and never kept in memory. A picture that must be stripped is read twice
//! the first time: once to find what is kept of it (see [`crate::strip`]), and once to serve it.
//! The result of the first read is an edit list: the byte ranges of the file that are served, and
//! the bytes that are inserted between them. The edit lists of the last pictures are cached by
//! ETag.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use crate::object::Bucket;
use crate::storage::{ObjectProperties, Storage, StorageError};
use crate::strip::{EditList, Span, StripFormat, StripScanner};
use crate::view::{Redaction, ServablePicture};

use super::problem::Problem;

/// The version of the code that strips pictures. The ETag of a stripped picture contains this
/// version. It must be increased when the code would strip a picture differently.
const STRIP_VERSION: u32 = 1;
/// The maximum number of cached edit lists. Each has a few hundred bytes.
const MAX_CACHED_EDITS: usize = 256;

/// Reads the archived pictures, and caches the edit lists of the pictures that were served last.
#[derive(Debug)]
pub(super) struct PictureStore {
    storage: Storage,
    bucket: Bucket,
    cached_edits: Mutex<VecDeque<(String, Arc<EditList>)>>,
}

impl PictureStore {
    /// Creates a store for the pictures in this bucket.
    pub(super) fn new(storage: Storage, bucket: Bucket) -> Self {
        PictureStore {
            storage,
            bucket,
            cached_edits: Mutex::default(),
        }
    }

    /// Returns the properties of an object, or `None` if the object does not exist.
    pub(super) async fn head_object(
        &self,
        key: &str,
    ) -> Result<Option<ObjectProperties>, StorageError> {
        self.storage.head_object(&self.bucket.object(key)).await
    }

    /// Returns the edit list of a picture: which byte ranges of its file are served, and which
    /// bytes replace the others. `object` are the present properties of the file. Returns `None` if
    /// the file no longer exists, if it cannot be stripped, or if it has changed since ingest found
    /// the preview in it.
    pub(super) async fn find_edits(
        &self,
        picture: &ServablePicture,
        object: &ObjectProperties,
    ) -> Result<Option<Arc<EditList>>, Problem> {
        let (format, range, orientation) = match &picture.redaction {
            Redaction::Unmodified => {
                return Ok(Some(Arc::new(EditList::unmodified(0..object.size_bytes))));
            }
            Redaction::Strip(format) => (*format, 0..object.size_bytes, None),
            // The range of the preview is only valid for the bytes in which it was found.
            Redaction::Preview { .. } if unquoted(&object.etag) != unquoted(&picture.etag) => {
                return Ok(None);
            }
            Redaction::Preview { range, orientation } => {
                (StripFormat::Jpeg, range.clone(), *orientation)
            }
        };
        if range.is_empty() || range.end > object.size_bytes {
            return Ok(None);
        }
        let name = format!("{} {} {range:?}", picture.key, object.etag);
        if let Some(edits) = self.find_cached(&name) {
            return Ok(Some(edits));
        }
        let mut scanner = StripScanner::new(format, range.start);
        let opened = self
            .storage
            .open_object(&self.bucket.object(&picture.key), Some(range))
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
        let Ok(edits) = scanner.finish(orientation) else {
            tracing::warn!(
                key = picture.key,
                "a picture cannot be stripped and is not served"
            );
            return Ok(None);
        };
        let edits = Arc::new(edits);
        self.cache_edits(name, &edits);
        Ok(Some(edits))
    }

    /// Returns a response body that consists of these spans. A span is a range of an object, or
    /// bytes to insert. Returns `None` if the object no longer has this ETag.
    pub(super) async fn open_body(
        &self,
        key: &str,
        etag: &str,
        spans: Vec<Span>,
    ) -> Result<Option<Body>, Problem> {
        let mut spans: VecDeque<Span> = spans.into();
        // The first span is opened before the response begins, so that most failures can still
        // change its status.
        let Some(first) = spans.pop_front() else {
            return Ok(Some(Body::empty()));
        };
        let reader = ObjectReader {
            storage: self.storage.clone(),
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            etag: etag.to_owned(),
        };
        let first = match reader.open_span(first).await {
            Ok(first) => first,
            Err(SpanError::Storage(error)) => return Err(error.into()),
            Err(SpanError::Changed) => return Ok(None),
        };
        let rest = stream::iter(spans)
            .then(move |span| {
                let reader = reader.clone();
                async move { reader.open_span(span).await }
            })
            .try_flatten();
        Ok(Some(Body::from_stream(first.chain(rest))))
    }

    fn find_cached(&self, name: &str) -> Option<Arc<EditList>> {
        let cached = self
            .cached_edits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        cached
            .iter()
            .find(|(cached_name, _)| cached_name == name)
            .map(|(_, edits)| Arc::clone(edits))
    }

    fn cache_edits(&self, name: String, edits: &Arc<EditList>) {
        let mut cached = self
            .cached_edits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        cached.push_front((name, Arc::clone(edits)));
        cached.truncate(MAX_CACHED_EDITS);
    }
}

/// A reader of one version of an object: the version with the ETag `etag`.
#[derive(Clone)]
struct ObjectReader {
    storage: Storage,
    bucket: Bucket,
    key: String,
    etag: String,
}

/// The reason why a span of an object could not be read.
#[derive(Debug, thiserror::Error)]
enum SpanError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the object changed while it was being served")]
    Changed,
}

impl ObjectReader {
    /// Returns the bytes of a span as a stream. Fails if the object no longer has the ETag of the
    /// reader.
    async fn open_span(
        &self,
        span: Span,
    ) -> Result<BoxStream<'static, Result<Bytes, SpanError>>, SpanError> {
        let range = match span {
            Span::Made(bytes) => return Ok(stream::iter([Ok(bytes)]).boxed()),
            Span::Kept(range) => range,
        };
        let opened = self
            .storage
            .open_object(&self.bucket.object(&self.key), Some(range))
            .await?;
        match opened {
            Some((object, bytes)) if object.etag == self.etag => {
                Ok(bytes.map_err(SpanError::from).boxed())
            }
            _ => Err(SpanError::Changed),
        }
    }
}

/// Returns the ETag of a picture, which is a strong ETag. The unmodified file, the stripped file
/// and the preview have different ETags.
pub(super) fn picture_etag(picture: &ServablePicture, object: &ObjectProperties) -> String {
    let etag = unquoted(&object.etag);
    match &picture.redaction {
        Redaction::Unmodified => format!("\"{etag}\""),
        Redaction::Strip(_) => format!("\"{etag}-s{STRIP_VERSION}\""),
        Redaction::Preview { orientation, .. } => {
            format!("\"{etag}-p{STRIP_VERSION}.{}\"", orientation.unwrap_or(0))
        }
    }
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}
