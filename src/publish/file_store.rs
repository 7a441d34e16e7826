//! Access to the static files, which are below one prefix of a bucket.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt;
use serde::Serialize;

use super::error::PublishError;
use super::json_file::{compress_json, decompress_json};
use crate::object::{Bucket, ObjectRef};
use crate::storage::{ObjectHeaders, Storage};

/// The `Cache-Control` of each file. Clients may use a file for a minute. For ten more minutes they
/// may use it while they fetch the next version.
const CACHE_CONTROL: &str = "public, max-age=60, stale-while-revalidate=600";

/// Reads and writes the static files. The paths of files are relative to the prefix of the static
/// files.
#[derive(Debug, Clone)]
pub(super) struct StaticFileStore {
    storage: Storage,
    bucket: Bucket,
    prefix: String,
    compress: bool,
}

/// The ETags of the stored files, by path.
pub(super) type StoredETags = BTreeMap<String, String>;

/// The ETag and the size of a file that was written.
pub(super) struct StoredFile {
    pub(super) etag: String,
    /// The size of the stored file in bytes. If files are stored compressed, it is the compressed
    /// size.
    pub(super) bytes: u64,
}

impl StaticFileStore {
    /// Creates a store of the static files whose keys begin with `prefix`. `prefix` is empty or
    /// ends in `/`. If `compress` is `true`, files are stored with `Content-Encoding: gzip`.
    pub(super) fn new(storage: Storage, bucket: &Bucket, prefix: &str, compress: bool) -> Self {
        StaticFileStore {
            storage,
            bucket: bucket.clone(),
            prefix: prefix.to_owned(),
            compress,
        }
    }

    /// Writes a value as a JSON file. A repeat is safe.
    pub(super) async fn put_json<T: Serialize>(
        &self,
        path: &str,
        value: &T,
    ) -> Result<(), PublishError> {
        let json = serde_json::to_vec(value).map_err(|error| PublishError::json(path, error))?;
        let compressed = compress_json(&json).map_err(|error| PublishError::json(path, error))?;
        self.put_compressed(path, compressed).await?;
        Ok(())
    }

    /// Writes a JSON file. `compressed` is the JSON, compressed by gzip. If files are stored
    /// without compression, the JSON is decompressed first. A repeat is safe.
    pub(super) async fn put_compressed(
        &self,
        path: &str,
        compressed: Vec<u8>,
    ) -> Result<StoredFile, PublishError> {
        let body = if self.compress {
            compressed
        } else {
            decompress_json(&compressed).map_err(|error| PublishError::json(path, error))?
        };
        let headers = ObjectHeaders {
            content_type: Some("application/json".to_owned()),
            content_encoding: self.compress.then(|| "gzip".to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..ObjectHeaders::default()
        };
        let bytes = body.len() as u64;
        let etag = self
            .storage
            .put_object(&self.object(path), Bytes::from(body), headers)
            .await?;
        Ok(StoredFile { etag, bytes })
    }

    /// Returns the JSON of a stored file, or `None` if there is no such file. If the file is
    /// damaged, returns an empty list of bytes, so that the caller replaces the file.
    pub(super) async fn read_json(&self, path: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let stored = self.storage.read_object(&self.object(path)).await?;
        Ok(stored.map(|bytes| decompress_json(&bytes).unwrap_or_default()))
    }

    /// Deletes a file. A repeat is safe.
    pub(super) async fn delete(&self, path: &str) -> Result<(), PublishError> {
        self.storage.delete_object(&self.object(path)).await?;
        Ok(())
    }

    /// Returns all stored files: a map from the path of a file to its ETag. Sends one request for
    /// each 1,000 files.
    pub(super) async fn list_files(&self) -> Result<StoredETags, PublishError> {
        // The pictures are in a subfolder, and are left out.
        let objects = self.storage.list_folder(&self.bucket, &self.prefix);
        let files = objects.try_filter_map(|listed| {
            let path = listed.key.strip_prefix(&self.prefix);
            std::future::ready(Ok(path.map(|path| (path.to_owned(), listed.etag.clone()))))
        });
        Ok(files.try_collect().await?)
    }

    fn object(&self, path: &str) -> ObjectRef {
        self.bucket.object(format!("{}{path}", self.prefix))
    }
}
