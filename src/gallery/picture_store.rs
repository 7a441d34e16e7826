//! Reads archived pictures and removes what must not be served.
//!
//! A picture is streamed and never kept in memory. It is read twice the first time: once to find
//! what is kept of it (see [`crate::strip`]), and once to serve it. Each read is one request to the
//! store. The result of the first read is an edit list: the byte ranges of the file that are
//! served, and the bytes that are inserted between them. The edit lists that were made last are
//! cached.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use futures::stream;
use futures::{Stream, TryStreamExt};
use ring::hmac;

use crate::background::BackgroundSlots;
use crate::object::Bucket;
use crate::storage::{ObjectBody, ObjectProperties, Storage, StorageError};
use crate::strip::{EditList, Span, SpanCutter, StripFormat, StripScanner};
use crate::view::{PictureSource, ServablePicture};

use super::PictureArchive;
use super::problem::Problem;

/// The version of the code that strips pictures. The ETag of a picture depends on it. It must be
/// increased when the code would strip a picture differently.
const STRIP_VERSION: u32 = 3;
/// The maximum number of cached edit lists.
const MAX_CACHED_EDITS: usize = 256;
/// The maximum memory of the cached edit lists, in bytes. Most lists have a few hundred bytes, but
/// a list with a large colour profile has some MiB.
const MAX_CACHED_BYTES: usize = 32 * 1024 * 1024;
/// The number of bytes of the keyed hash that an ETag contains.
const ETAG_BYTES: usize = 16;

/// Reads the archived pictures, and caches the edit lists that were made last.
#[derive(Debug)]
pub(super) struct PictureStore {
    storage: Storage,
    bucket: Bucket,
    etags: hmac::Key,
    cached_edits: Mutex<VecDeque<CachedEdits>>,
    background: BackgroundSlots,
}

/// The edit list of a picture that was served before, or `None` if the picture cannot be stripped.
#[derive(Debug)]
struct CachedEdits {
    /// Identifies the picture and its version. See [`picture_recipe`].
    recipe: String,
    edits: Option<Arc<EditList>>,
}

/// The result of the search for the edit list of a picture.
#[derive(Debug)]
pub(super) enum PictureEdits {
    /// The picture may be served with these edits.
    Ready(Arc<EditList>),
    /// The file cannot be stripped, so it must not be served.
    NotStrippable,
    /// The file no longer exists, or its bytes are not those that were indexed.
    Absent,
}

impl PictureStore {
    /// Creates a store for the pictures in this archive. The ETags of the pictures are made with
    /// the key `etags`.
    pub(super) fn new(archive: PictureArchive, etags: hmac::Key) -> Self {
        let PictureArchive {
            storage,
            bucket,
            background,
        } = archive;
        PictureStore {
            storage,
            bucket,
            etags,
            cached_edits: Mutex::default(),
            background,
        }
    }

    /// Returns the properties of an object, or `None` if the object does not exist.
    pub(super) async fn head_object(
        &self,
        key: &str,
    ) -> Result<Option<ObjectProperties>, StorageError> {
        self.storage.head_object(&self.bucket.object(key)).await
    }

    /// Returns the ETag of a picture, which is a strong ETag. It is a keyed hash. A person without
    /// the key cannot find out from it which file is the original of the picture.
    pub(super) fn picture_etag(
        &self,
        picture: &ServablePicture,
        object: &ObjectProperties,
    ) -> String {
        let recipe = picture_recipe(picture, object);
        let hash = hmac::sign(&self.etags, recipe.as_bytes());
        let hash = hash.as_ref().get(..ETAG_BYTES).unwrap_or_default();
        format!("\"{}\"", BASE64URL_NOPAD.encode(hash))
    }

    /// Returns the edit list of a picture: which byte ranges of its file are served, and which
    /// bytes replace the others. `object` are the present properties of the file. Sends at most one
    /// request to the store. May be repeated.
    ///
    /// # Errors
    /// Returns a problem with the status 503 if the store fails, or if the file changes during the
    /// read.
    pub(super) async fn find_edits(
        &self,
        picture: &ServablePicture,
        object: &ObjectProperties,
    ) -> Result<PictureEdits, Problem> {
        // The rules were applied to the labels and the position of the recorded bytes. Other bytes
        // are not public before they are indexed.
        if unquoted(&object.etag) != unquoted(&picture.etag) {
            return Ok(PictureEdits::Absent);
        }
        let (format, range) = match &picture.source {
            PictureSource::File(format) => (*format, 0..object.size_bytes),
            PictureSource::Preview(range) => (StripFormat::Jpeg, range.clone()),
        };
        if range.is_empty() || range.end > object.size_bytes {
            return Ok(PictureEdits::NotStrippable);
        }
        let recipe = picture_recipe(picture, object);
        if let Some(edits) = self.find_cached(&recipe) {
            return Ok(edits);
        }
        let mut scanner = StripScanner::new(format, range.start);
        let opened = self
            .storage
            .open_object(&self.bucket.object(&picture.key), Some(range))
            .await?;
        let Some((opened, mut bytes)) = opened else {
            return Ok(PictureEdits::Absent);
        };
        if opened.etag != object.etag {
            return Err(Problem::unavailable());
        }
        while let Some(chunk) = bytes.try_next().await? {
            if !scanner.feed(&chunk) {
                break;
            }
        }
        // Some files need work in this step: their colour profile is decompressed and rewritten.
        let added = picture.added.clone();
        let finish = move || scanner.finish(&added).ok();
        let edits = self.background.run(finish).await.map(Arc::new);
        if edits.is_none() {
            tracing::warn!(
                key = picture.key,
                "a picture cannot be stripped and is not served"
            );
        }
        self.cache_edits(recipe, edits.clone());
        Ok(PictureEdits::from_cached(edits))
    }

    /// Returns a response body that consists of these spans. A span is a range of an object, or
    /// bytes to insert. Sends at most one request to the store, even if there are many spans.
    /// Returns `None` if the object no longer has this ETag.
    pub(super) async fn open_body(
        &self,
        key: &str,
        etag: &str,
        spans: Vec<Span>,
    ) -> Result<Option<Body>, Problem> {
        let cutter = SpanCutter::new(spans);
        let Some(range) = cutter.file_range() else {
            return Ok(Some(Body::from_stream(cut_body(
                cutter,
                Box::pin(stream::empty()),
            ))));
        };
        // The object is opened before the response begins, so that most failures can still change
        // its status.
        let opened = self
            .storage
            .open_object(&self.bucket.object(key), Some(range))
            .await?;
        match opened {
            Some((object, bytes)) if object.etag == etag => {
                Ok(Some(Body::from_stream(cut_body(cutter, bytes))))
            }
            _ => Ok(None),
        }
    }

    fn find_cached(&self, recipe: &str) -> Option<PictureEdits> {
        let cached = self
            .cached_edits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = cached.iter().find(|cached| cached.recipe == recipe)?;
        Some(PictureEdits::from_cached(found.edits.clone()))
    }

    fn cache_edits(&self, recipe: String, edits: Option<Arc<EditList>>) {
        let mut cached = self
            .cached_edits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        cached.push_front(CachedEdits { recipe, edits });
        cached.truncate(MAX_CACHED_EDITS);
        let mut total_bytes: usize = cached.iter().map(CachedEdits::memory_bytes).sum();
        while total_bytes > MAX_CACHED_BYTES {
            let Some(oldest) = cached.pop_back() else {
                return;
            };
            total_bytes -= oldest.memory_bytes();
        }
    }
}

impl CachedEdits {
    fn memory_bytes(&self) -> usize {
        let edits = self.edits.as_ref().map_or(0, |edits| edits.memory_bytes());
        self.recipe.len() + edits
    }
}

impl PictureEdits {
    fn from_cached(edits: Option<Arc<EditList>>) -> Self {
        edits.map_or(PictureEdits::NotStrippable, PictureEdits::Ready)
    }
}

/// The reason why the body of a picture ends too early.
#[derive(Debug, thiserror::Error)]
enum PictureBodyError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the object ended before the picture")]
    TooShort,
}

/// Returns a stream of the bytes to serve. `bytes` must be the bytes of the file in the range
/// [`SpanCutter::file_range`].
fn cut_body(
    cutter: SpanCutter,
    bytes: ObjectBody,
) -> impl Stream<Item = Result<Bytes, PictureBodyError>> {
    // The first call of `cut` passes no bytes of the file, because the picture may begin with
    // inserted bytes, or consist only of them.
    let chunk = Some(Bytes::new());
    let parts = stream::try_unfold(
        (cutter, bytes, chunk),
        |(mut cutter, mut bytes, chunk)| async move {
            if cutter.is_done() {
                return Ok::<_, PictureBodyError>(None);
            }
            let chunk = match chunk {
                Some(chunk) => chunk,
                None => bytes.try_next().await?.ok_or(PictureBodyError::TooShort)?,
            };
            let served = cutter.cut(chunk);
            Ok(Some((served, (cutter, bytes, None))))
        },
    );
    parts
        .map_ok(|served| stream::iter(served.into_iter().map(Ok)))
        .try_flatten()
}

/// Returns a text that identifies a picture, its version, and the way it is stripped. It is not
/// public: it contains the ETag of the original, which may be a hash of it.
fn picture_recipe(picture: &ServablePicture, object: &ObjectProperties) -> String {
    let ServablePicture {
        key, source, added, ..
    } = picture;
    let etag = unquoted(&object.etag);
    format!("{STRIP_VERSION} {key} {etag} {source:?} {added:?}")
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}
