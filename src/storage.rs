//! Stand-in until the real one is merged.
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

/// Storage.
#[derive(Debug, Clone)]
pub struct Storage {}

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    /// ETag.
    pub etag: String,
    /// Last-Modified.
    pub last_modified: DateTime<Utc>,
    /// Size, bytes.
    pub size_bytes: u64,
    /// Content type.
    pub content_type: Option<String>,
}

/// An error.
#[derive(Debug, thiserror::Error)]
#[error("storage")]
pub struct StorageError;

impl Storage {
    /// Head.
    pub async fn head(&self, _bucket: &str, _key: &str) -> Result<Option<Object>, StorageError> {
        Ok(None)
    }

    /// Open.
    #[expect(clippy::type_complexity)]
    pub async fn open(
        &self,
        _bucket: &str,
        _key: &str,
        _range: Option<std::ops::Range<u64>>,
    ) -> Result<Option<(Object, BoxStream<'static, Result<Bytes, StorageError>>)>, StorageError> {
        Ok(None)
    }
}
