//! Stand-in until the real one is merged.
use aws_sdk_s3::error::SdkError;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

/// Storage.
#[derive(Debug, Clone)]
pub struct Storage {
    client: aws_sdk_s3::Client,
}

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
pub struct StorageError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// A body as it comes.
pub type Body = BoxStream<'static, Result<Bytes, StorageError>>;

impl Storage {
    /// New.
    pub fn new(client: aws_sdk_s3::Client) -> Self {
        Storage { client }
    }

    /// Head.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Option<Object>, StorageError> {
        match self
            .client
            .head_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
        {
            Ok(head) => Ok(Some(Object {
                etag: head.e_tag.unwrap_or_default(),
                last_modified: time(head.last_modified),
                size_bytes: u64::try_from(head.content_length.unwrap_or(0)).unwrap_or(0),
                content_type: head.content_type,
            })),
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => Ok(None),
            Err(error) => Err(StorageError(error.into())),
        }
    }

    /// Open.
    pub async fn open(
        &self,
        bucket: &str,
        key: &str,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Option<(Object, Body)>, StorageError> {
        let range =
            range.map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let get = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .set_range(range);
        match get.send().await {
            Ok(get) => {
                let object = Object {
                    etag: get.e_tag.unwrap_or_default(),
                    last_modified: time(get.last_modified),
                    size_bytes: u64::try_from(get.content_length.unwrap_or(0)).unwrap_or(0),
                    content_type: get.content_type,
                };
                let body = stream::unfold(get.body, |mut body| async {
                    let next = body.next().await?;
                    Some((next.map_err(|error| StorageError(error.into())), body))
                });
                Ok(Some((object, body.boxed())))
            }
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => Ok(None),
            Err(error) => Err(StorageError(error.into())),
        }
    }
}

fn time(time: Option<aws_sdk_s3::primitives::DateTime>) -> DateTime<Utc> {
    time.and_then(|time| DateTime::from_timestamp(time.secs(), 0))
        .unwrap_or_default()
}
