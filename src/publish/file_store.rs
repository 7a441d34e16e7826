//! Access to the static files, which are below one prefix of a bucket.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt;
use serde::Serialize;

use super::error::PublishError;
use super::stored_text::{compress, decompress};
use crate::object::{Bucket, ObjectRef};
use crate::storage::{ObjectHeaders, Storage};

/// The `Cache-Control` of each file that may change. Clients may use a file for a minute. For ten
/// more minutes they may use it while they fetch the next version.
const CACHE_CONTROL: &str = "public, max-age=60, stale-while-revalidate=600";
/// The `Cache-Control` of a file whose path is a digest of its contents. Clients may use it for a
/// year, without asking for a new version.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The HTTP headers of a static file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileHeaders {
    content_type: &'static str,
    cache_control: &'static str,
}

impl FileHeaders {
    /// A JSON file.
    pub(super) const JSON: FileHeaders = FileHeaders {
        content_type: "application/json",
        cache_control: CACHE_CONTROL,
    };
    /// An HTML page.
    pub(super) const PAGE: FileHeaders = FileHeaders {
        content_type: "text/html; charset=utf-8",
        cache_control: CACHE_CONTROL,
    };
    /// A JavaScript module that may change.
    pub(super) const MODULE: FileHeaders = FileHeaders {
        content_type: "text/javascript; charset=utf-8",
        cache_control: CACHE_CONTROL,
    };
    /// A JavaScript module in a folder whose name is a digest of its contents.
    pub(super) const IMMUTABLE_MODULE: FileHeaders = FileHeaders {
        content_type: "text/javascript; charset=utf-8",
        cache_control: IMMUTABLE,
    };
    /// A style sheet in such a folder.
    pub(super) const IMMUTABLE_STYLE_SHEET: FileHeaders = FileHeaders {
        content_type: "text/css; charset=utf-8",
        cache_control: IMMUTABLE,
    };
}

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
        self.put_text(path, &json, FileHeaders::JSON).await
    }

    /// Writes a text file with these headers. A repeat is safe.
    pub(super) async fn put_text(
        &self,
        path: &str,
        text: &[u8],
        headers: FileHeaders,
    ) -> Result<(), PublishError> {
        let compressed = compress(text).map_err(|error| PublishError::json(path, error))?;
        self.put_file(path, compressed, headers).await?;
        Ok(())
    }

    /// Writes a JSON file. `compressed` is the JSON, compressed by gzip. If files are stored
    /// without compression, the JSON is decompressed first. A repeat is safe.
    pub(super) async fn put_compressed(
        &self,
        path: &str,
        compressed: Vec<u8>,
    ) -> Result<StoredFile, PublishError> {
        self.put_file(path, compressed, FileHeaders::JSON).await
    }

    async fn put_file(
        &self,
        path: &str,
        compressed: Vec<u8>,
        headers: FileHeaders,
    ) -> Result<StoredFile, PublishError> {
        let body = if self.compress {
            compressed
        } else {
            decompress(&compressed).map_err(|error| PublishError::json(path, error))?
        };
        let headers = ObjectHeaders {
            content_type: Some(headers.content_type.to_owned()),
            content_encoding: self.compress.then(|| "gzip".to_owned()),
            cache_control: Some(headers.cache_control.to_owned()),
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
        Ok(stored.map(|bytes| decompress(&bytes).unwrap_or_default()))
    }

    /// Deletes a file. A repeat is safe.
    pub(super) async fn delete(&self, path: &str) -> Result<(), PublishError> {
        self.storage.delete_object(&self.object(path)).await?;
        Ok(())
    }

    /// Returns the stored files that are not in a subfolder: a map from the path of a file to its
    /// ETag. Sends one request for each 1,000 files.
    pub(super) async fn list_files(&self) -> Result<StoredETags, PublishError> {
        // The pictures, the lists and the modules of the page are in subfolders, and are left out.
        let objects = self.storage.list_folder(&self.bucket, &self.prefix);
        let files = objects.try_filter_map(|listed| {
            let path = listed.key.strip_prefix(&self.prefix);
            std::future::ready(Ok(path.map(|path| (path.to_owned(), listed.etag.clone()))))
        });
        Ok(files.try_collect().await?)
    }

    /// Returns the stored files whose paths begin with `start`, also those in subfolders: a map
    /// from the path of a file to its ETag. Sends one request for each 1,000 files.
    pub(super) async fn list_below(&self, start: &str) -> Result<StoredETags, PublishError> {
        let prefix = format!("{}{start}", self.prefix);
        let objects = self.storage.list_objects(&self.bucket, &prefix);
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
