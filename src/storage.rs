//! Objects in any S3-compatible store: head, ranged read, conditional copy and delete, put, list.
//!
//! Thin over aws-sdk-s3. What a caller branches on is a value (a missing object is `None`, a failed condition is
//! [`CopyOutcome::SourceChanged`]); every other refusal is a [`StorageError`], which means "try again". A 403 is an error
//! and never "gone": without `s3:ListBucket`, S3 answers 403 for a missing object. Knows nothing of photos.

mod copying;
mod probe;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime as SdkDateTime};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::telemetry::{cost, error_chain};

pub use copying::CopySettings;
pub use probe::StoreCapabilities;

/// A store's client.
#[derive(Debug, Clone)]
pub struct Storage {
    client: aws_sdk_s3::Client,
    copying: CopySettings,
}

/// A request that the store refused or that did not get through. Safe to try again.
#[derive(Debug, thiserror::Error)]
#[error("{operation} s3://{bucket}/{key}: {cause}")]
pub struct StorageError {
    operation: &'static str,
    bucket: String,
    key: String,
    cause: String,
    /// The answer's status; `None` where there was none.
    status: Option<u16>,
}

impl StorageError {
    /// Whether another attempt may go well although nothing was changed for it: no answer, a throttled request, a
    /// failure of the store's. Not a refusal.
    pub fn is_retryable(&self) -> bool {
        // A 200 is one whose body says that the copy failed, or that was cut short.
        !matches!(self.status, Some(400..=407 | 410..=428 | 430..=499))
    }
}

/// An object's properties, as HEAD and GET answer them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObjectProperties {
    /// Without quotes.
    pub etag: String,
    /// To the second.
    pub last_modified: DateTime<Utc>,
    /// Size of the whole object, bytes.
    pub size_bytes: u64,
    /// The headers that the object was stored with.
    pub headers: ObjectHeaders,
    /// User metadata, names in lower case.
    pub metadata: BTreeMap<String, String>,
}

/// The headers that are kept with an object and that a copy keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectHeaders {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
}

/// An object's bytes as they come.
pub type Body = BoxStream<'static, Result<Bytes, StorageError>>;

/// How a conditional copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The copy is there.
    Done,
    /// The source no longer holds the bytes of the condition, or is gone.
    SourceChanged,
}

/// How a conditional delete ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// It is gone.
    Done,
    /// It no longer holds the bytes of the condition.
    Changed,
}

/// One key of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// Without quotes.
    pub etag: String,
    /// Size, bytes.
    pub size_bytes: u64,
    /// To the second or better.
    pub last_modified: DateTime<Utc>,
}

impl Storage {
    /// A store behind this client.
    pub fn new(client: aws_sdk_s3::Client) -> Self {
        Storage {
            client,
            copying: CopySettings::default(),
        }
    }

    /// The same, which makes its copies so.
    #[must_use]
    pub fn copying(mut self, copying: CopySettings) -> Self {
        self.copying = copying;
        self
    }

    /// The object's properties; `None` where there is no such object.
    ///
    /// # Errors
    /// Anything but 200 and 404.
    pub async fn head(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<ObjectProperties>, StorageError> {
        match self
            .client
            .head_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
        {
            Ok(head) => Ok(Some(ObjectProperties {
                etag: bare_etag(head.e_tag()),
                last_modified: time(head.last_modified()),
                size_bytes: unsigned(head.content_length()),
                headers: ObjectHeaders {
                    content_type: head.content_type,
                    content_encoding: head.content_encoding,
                    content_disposition: head.content_disposition,
                    content_language: head.content_language,
                    cache_control: head.cache_control,
                    expires: head.expires_string,
                },
                metadata: head.metadata.unwrap_or_default().into_iter().collect(),
            })),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(failed("HEAD", bucket, key, &error)),
        }
    }

    /// The first bytes of the object, at most `length` of them, with its properties, in one request (two for an empty
    /// object). `None` where there is no such object.
    ///
    /// # Errors
    /// Anything but success, 404 and the 416 of an empty object.
    pub async fn read_head(
        &self,
        bucket: &str,
        key: &str,
        length: u64,
    ) -> Result<Option<(ObjectProperties, Bytes)>, StorageError> {
        match self.get(bucket, key, Some(0..length), None).await {
            Ok(got) => collect("GET", bucket, key, got).await.map(Some),
            Err(error) if status(&error) == Some(404) => Ok(None),
            // A range of an empty object cannot be satisfied (RFC 9110, 14.1.1).
            Err(error) if status(&error) == Some(416) => Ok(self
                .head(bucket, key)
                .await?
                .map(|object| (object, Bytes::new()))),
            Err(error) => Err(failed("GET", bucket, key, &error)),
        }
    }

    /// A range of the object as long as it holds the bytes of `etag`; `None` where it does not, or is gone.
    ///
    /// # Errors
    /// Anything but success, 404 and 412.
    pub async fn read_range(
        &self,
        bucket: &str,
        key: &str,
        range: Range<u64>,
        etag: &str,
    ) -> Result<Option<Bytes>, StorageError> {
        match self.get(bucket, key, Some(range), Some(etag)).await {
            // A store may ignore the condition.
            Ok(got) if bare_etag(got.e_tag()) != etag => Ok(None),
            Ok(got) => collect("GET", bucket, key, got)
                .await
                .map(|(_, bytes)| Some(bytes)),
            Err(error) if matches!(status(&error), Some(404 | 412 | 416)) => Ok(None),
            Err(error) => Err(failed("GET", bucket, key, &error)),
        }
    }

    /// The object, or a range of it, as a stream; `None` where there is no such object.
    ///
    /// # Errors
    /// Anything but success and 404; the stream's items fail where the connection does.
    pub async fn open(
        &self,
        bucket: &str,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<(ObjectProperties, Body)>, StorageError> {
        match self.get(bucket, key, range, None).await {
            Ok(got) => {
                let object = object(&got);
                let (bucket, key) = (bucket.to_owned(), key.to_owned());
                let stream = futures::stream::unfold(got.body, move |mut body| {
                    let (bucket, key) = (bucket.clone(), key.clone());
                    async move {
                        let item = body.next().await?.map_err(|error| StorageError {
                            operation: "GET",
                            bucket,
                            key,
                            cause: error.to_string(),
                            status: None,
                        });
                        Some((item, body))
                    }
                });
                Ok(Some((object, stream.boxed())))
            }
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(failed("GET", bucket, key, &error)),
        }
    }

    /// Uploads a file, streamed from disk; its ETag, without quotes.
    ///
    /// # Errors
    /// The file cannot be read, or the store refuses it.
    pub async fn put_file(
        &self,
        bucket: &str,
        key: &str,
        file: &Path,
        content_type: Option<&str>,
    ) -> Result<String, StorageError> {
        let body = ByteStream::from_path(file)
            .await
            .map_err(|error| StorageError {
                operation: "PUT",
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                cause: format!("{}: {}", file.display(), error_chain(&error)),
                status: None,
            })?;
        let request = self.client.put_object().bucket(bucket).key(key).body(body);
        match request
            .set_content_type(content_type.map(str::to_owned))
            .send()
            .await
        {
            Ok(stored) => Ok(bare_etag(stored.e_tag())),
            Err(error) => Err(failed("PUT", bucket, key, &error)),
        }
    }

    /// Stores an object whole; its ETag, without quotes. Safe to repeat.
    ///
    /// # Errors
    /// The store refuses it.
    pub async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        headers: ObjectHeaders,
    ) -> Result<String, StorageError> {
        let request = self
            .client
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(ByteStream::from(body))
            .set_content_type(headers.content_type)
            .set_content_encoding(headers.content_encoding)
            .set_content_disposition(headers.content_disposition)
            .set_content_language(headers.content_language)
            .set_cache_control(headers.cache_control);
        match request.send().await {
            Ok(stored) => Ok(bare_etag(stored.e_tag())),
            Err(error) => Err(failed("PUT", bucket, key, &error)),
        }
    }

    /// An object's bytes, whole: for those that are known to be small. `None` where there is no such object.
    ///
    /// # Errors
    /// Anything but 200 and 404.
    pub async fn read(&self, bucket: &str, key: &str) -> Result<Option<Bytes>, StorageError> {
        match self.get(bucket, key, None, None).await {
            Ok(got) => Ok(Some(collect("GET", bucket, key, got).await?.1)),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(failed("GET", bucket, key, &error)),
        }
    }

    /// Removes an object. Safe to repeat: one that is not there is removed already.
    ///
    /// # Errors
    /// The store refuses it.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<(), StorageError> {
        match self
            .client
            .delete_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("DELETE", bucket, key, &error)),
        }
    }

    /// Removes an object IF it still holds the bytes of `etag`. Safe to repeat. For a store that honours the condition:
    /// see [`Storage::probe`].
    ///
    /// # Errors
    /// Anything but success, 404, 409 and 412.
    pub async fn delete_if_match(
        &self,
        bucket: &str,
        key: &str,
        etag: &str,
    ) -> Result<DeleteOutcome, StorageError> {
        let request = self.client.delete_object().bucket(bucket).key(key);
        match request.if_match(quoted(etag)).send().await {
            Ok(_) => Ok(DeleteOutcome::Done),
            Err(error) if status(&error) == Some(404) => Ok(DeleteOutcome::Done),
            // 409: it is being written at this moment (ConditionalRequestConflict).
            Err(error) if matches!(status(&error), Some(409 | 412)) => Ok(DeleteOutcome::Changed),
            Err(error) => Err(failed("DELETE", bucket, key, &error)),
        }
    }

    /// One page of the keys under a prefix in key order, and the token of the next page.
    ///
    /// # Errors
    /// Anything but success.
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        token: Option<String>,
    ) -> Result<(Vec<Listed>, Option<String>), StorageError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .set_continuation_token(token);
        let page = request
            .send()
            .await
            .map_err(|error| failed("LIST", bucket, prefix, &error))?;
        let keys = page.contents().iter().filter_map(|object| {
            Some(Listed {
                key: object.key()?.to_owned(),
                etag: bare_etag(object.e_tag()),
                size_bytes: unsigned(object.size()),
                last_modified: time(object.last_modified()),
            })
        });
        let keys = keys.collect();
        Ok((keys, page.next_continuation_token))
    }

    /// Makes the bucket where there is none. Safe to repeat.
    ///
    /// # Errors
    /// The store refuses, other than because it is there and ours.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), StorageError> {
        match self.client.create_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.code(),
                    Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("create bucket", bucket, "", &error)),
        }
    }

    async fn get(
        &self,
        bucket: &str,
        key: &str,
        range: Option<Range<u64>>,
        etag: Option<&str>,
    ) -> Result<
        GetObjectOutput,
        SdkError<aws_sdk_s3::operation::get_object::GetObjectError, HttpResponse>,
    > {
        let range =
            range.map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let request = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .set_range(range);
        request.set_if_match(etag.map(quoted)).send().await
    }
}

async fn collect(
    operation: &'static str,
    bucket: &str,
    key: &str,
    got: GetObjectOutput,
) -> Result<(ObjectProperties, Bytes), StorageError> {
    let object = object(&got);
    match got.body.collect().await {
        Ok(bytes) => {
            let bytes = bytes.into_bytes();
            cost::count_read(bytes.len());
            Ok((object, bytes))
        }
        Err(error) => Err(StorageError {
            operation,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            cause: error_chain(&error),
            status: None,
        }),
    }
}

fn object(got: &GetObjectOutput) -> ObjectProperties {
    // `bytes 0-65535/8123456`: only the range's header tells the whole size.
    let whole = got
        .content_range()
        .and_then(|range| range.rsplit('/').next()?.parse().ok());
    ObjectProperties {
        etag: bare_etag(got.e_tag()),
        last_modified: time(got.last_modified()),
        size_bytes: whole.unwrap_or_else(|| unsigned(got.content_length())),
        headers: ObjectHeaders {
            content_type: got.content_type.clone(),
            content_encoding: got.content_encoding.clone(),
            content_disposition: got.content_disposition.clone(),
            content_language: got.content_language.clone(),
            cache_control: got.cache_control.clone(),
            expires: got.expires_string.clone(),
        },
        metadata: got
            .metadata
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect(),
    }
}

fn failed<E>(
    operation: &'static str,
    bucket: &str,
    key: &str,
    error: &SdkError<E, HttpResponse>,
) -> StorageError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let cause = match (error.code(), status(error)) {
        (Some(code), Some(status)) => format!(
            "{status} {code}: {}",
            error.message().unwrap_or("no message")
        ),
        (None, Some(status)) => format!("answered {status}"),
        _ => error_chain(error),
    };
    StorageError {
        operation,
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        cause,
        status: status(error),
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

fn bare_etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn time(time: Option<&SdkDateTime>) -> DateTime<Utc> {
    time.and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos()))
        .unwrap_or_default()
}

fn unsigned(length: Option<i64>) -> u64 {
    length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or_default()
}
