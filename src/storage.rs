//! Objects in any S3-compatible store: HEAD, ranged GET, conditional copy and delete, PUT, list.
//!
//! This module is a thin layer over aws-sdk-s3. If a caller reacts to a result, the result is a
//! value and not an error. For example, a missing object is `None`, and a copy whose source has
//! changed is [`CopyOutcome::SourceChanged`]. Every other refusal is a [`StorageError`]. A status
//! of 403 is always an error, and does not mean that the object is gone: S3 also returns 403 for a
//! missing object if the program does not have the permission `s3:ListBucket`. This module contains
//! nothing about photos.

mod copying;
mod probe;
mod unfinished_uploads;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::{ByteStream, DateTime as SdkDateTime};
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, ServerSideEncryption};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, Stream};
use futures::{StreamExt, TryStreamExt};

use crate::object::{Bucket, ObjectRef, ObjectVersion};
use crate::paging::read_pages;
use crate::request_failure::RequestFailure;
use crate::telemetry::{cost, error_chain};

pub use copying::CopySettings;
pub use probe::StoreCapabilities;
pub use unfinished_uploads::UnfinishedUpload;

/// A client of an S3-compatible store.
#[derive(Debug, Clone)]
pub struct Storage {
    client: aws_sdk_s3::Client,
    copy_settings: CopySettings,
}

/// The error of a request to the store. The store refused the request, or no complete response
/// arrived. The caller may safely send the request again.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {target}: {cause}")]
pub struct StorageError {
    operation: &'static str,
    /// The object, bucket or prefix of the request, in the form `s3://bucket/key`.
    target: String,
    #[source]
    cause: RequestFailure,
    /// The HTTP status of the response. `None` if there was no response.
    status: Option<u16>,
}

impl StorageError {
    /// Returns `true` if the same request may succeed later: there was no response, the request was
    /// throttled or conflicted with another request, or the store failed. Returns `false` if the
    /// store refused the request for another reason.
    pub fn is_retryable(&self) -> bool {
        // A status of 200 is possible: a copy may report an error in its body, and a body may end
        // too early.
        !matches!(self.status, Some(400..=407 | 410..=428 | 430..=499))
    }

    /// Returns `true` if the object or the bucket does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }

    /// Builds the error of a request that has no status: the body of a response could not be read,
    /// or a file could not be sent.
    fn without_status(
        operation: &'static str,
        object: &ObjectRef,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        StorageError {
            operation,
            target: object.to_string(),
            cause: RequestFailure::Failed(cause.into()),
            status: None,
        }
    }
}

/// The properties of an object, as HEAD and GET return them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObjectProperties {
    /// The ETag, without quotes.
    pub etag: String,
    /// Whether equal bytes have this ETag too.
    pub etag_kind: EtagKind,
    /// Last-Modified, to the second.
    pub last_modified: DateTime<Utc>,
    /// The size of the whole object, in bytes.
    pub size_bytes: u64,
    /// The HTTP headers, such as `Content-Type`, with which the object was stored.
    pub headers: ObjectHeaders,
    /// The user metadata, with names in lower case.
    pub metadata: BTreeMap<String, String>,
}

impl ObjectProperties {
    /// Returns the version (ETag and Last-Modified) that these properties describe.
    pub fn version(&self) -> ObjectVersion {
        ObjectVersion::new(&self.etag, self.last_modified)
    }
}

/// The kind of an ETag: what it shows of the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EtagKind {
    /// The ETag is the MD5 of the bytes, or of the MD5s of the parts in which they were uploaded.
    Md5,
    /// The ETag only identifies a version of the object: the store encrypts the object with a key
    /// that is not its own, or the ETag does not have the form of an MD5 (S3 API Reference, "Object").
    #[default]
    Opaque,
}

impl EtagKind {
    /// Finds the kind of an ETag. `sse` is the server-side encryption of the object, and
    /// `customer_algorithm` the one with a key of the customer.
    fn of(
        etag: &str,
        sse: Option<&ServerSideEncryption>,
        customer_algorithm: Option<&str>,
    ) -> EtagKind {
        let (digest, parts) = etag.split_once('-').unwrap_or((etag, "1"));
        let is_md5 = digest.len() == 32
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
            && parts.bytes().all(|byte| byte.is_ascii_digit());
        let keeps_md5 = sse.is_none_or(|sse| *sse == ServerSideEncryption::Aes256);
        match is_md5 && keeps_md5 && customer_algorithm.is_none() {
            true => EtagKind::Md5,
            false => EtagKind::Opaque,
        }
    }
}

/// The HTTP headers that a store keeps with an object, and returns with it. A copy gets the same
/// headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectHeaders {
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// The header `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// The header `Content-Language`.
    pub content_language: Option<String>,
    /// The header `Cache-Control`.
    pub cache_control: Option<String>,
    /// The header `Expires`.
    pub expires: Option<String>,
}

/// The bytes of an object, as a stream.
pub type ObjectBody = BoxStream<'static, Result<Bytes, StorageError>>;

/// The result of a conditional copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The copy is complete.
    Done,
    /// Nothing was copied: the source object is gone, or has another ETag than the caller required.
    SourceChanged,
}

/// The result of a conditional delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The object was deleted, or it was gone before.
    Done,
    /// The object was not deleted: it has another ETag than the caller required.
    Changed,
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct ListingEntry {
    /// The key.
    pub key: String,
    /// The ETag, without quotes.
    pub etag: String,
    /// The size in bytes.
    pub size_bytes: u64,
    /// Last-Modified. Some stores return it to the second, some with a fraction of a second.
    pub last_modified: DateTime<Utc>,
}

impl Storage {
    /// Builds a client of a store, with the default [`CopySettings`]. Sends no request.
    pub fn new(client: aws_sdk_s3::Client) -> Self {
        Storage {
            client,
            copy_settings: CopySettings::default(),
        }
    }

    /// Sets the settings of copies, such as their storage class.
    #[must_use]
    pub fn with_copy_settings(mut self, copy_settings: CopySettings) -> Self {
        self.copy_settings = copy_settings;
        self
    }

    /// Returns the properties of an object. Returns `None` if there is no such object.
    ///
    /// # Errors
    /// Returns an error for any status other than 200 and 404.
    pub async fn head_object(
        &self,
        object: &ObjectRef,
    ) -> Result<Option<ObjectProperties>, StorageError> {
        let request = self.client.head_object().bucket(object.bucket.as_str());
        match request.key(&object.key).send().await {
            Ok(head) => Ok(Some(ObjectProperties {
                etag: bare_etag(head.e_tag()),
                etag_kind: EtagKind::of(
                    &bare_etag(head.e_tag()),
                    head.server_side_encryption(),
                    head.sse_customer_algorithm(),
                ),
                last_modified: utc_time(head.last_modified()),
                size_bytes: byte_count(head.content_length()),
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
            Err(error) => Err(request_error("HEAD", object, error)),
        }
    }

    /// Returns the CRC64NVME of the whole object, in base64. Returns `None` if the store has none, or
    /// if the object is gone or has another ETag.
    ///
    /// # Errors
    /// Returns an error for any status other than 200 and 404.
    pub async fn read_crc64nvme(
        &self,
        object: &ObjectRef,
        etag: &str,
    ) -> Result<Option<String>, StorageError> {
        let request = self.client.head_object().bucket(object.bucket.as_str());
        let request = request
            .key(&object.key)
            .checksum_mode(ChecksumMode::Enabled);
        match request.send().await {
            Ok(head) => {
                let is_same = bare_etag(head.e_tag()) == etag;
                let is_whole = head.checksum_type() != Some(&ChecksumType::Composite);
                let crc = head.checksum_crc64_nvme;
                Ok(crc.filter(|_| is_same && is_whole))
            }
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(request_error("HEAD", object, error)),
        }
    }

    /// Reads the beginning of an object, at most `length` bytes, and its properties. Returns `None`
    /// if there is no such object. Sends one request. Sends a second one if the object is empty.
    ///
    /// # Errors
    /// Returns an error for any status other than success, 404, and the 416 of an empty object.
    pub async fn read_beginning(
        &self,
        object: &ObjectRef,
        length: u64,
    ) -> Result<Option<(ObjectProperties, Bytes)>, StorageError> {
        match self.get_object(object, Some(0..length), None).await {
            Ok(response) => collect_body(object, response).await.map(Some),
            Err(error) if status(&error) == Some(404) => Ok(None),
            // A range of an empty object cannot be satisfied (RFC 9110, 14.1.1).
            Err(error) if status(&error) == Some(416) => Ok(self
                .head_object(object)
                .await?
                .map(|properties| (properties, Bytes::new()))),
            Err(error) => Err(request_error("GET", object, error)),
        }
    }

    /// Reads a range of an object, if the object has this ETag. Returns `None` if the object has
    /// another ETag, is gone, or does not have this range.
    ///
    /// # Errors
    /// Returns an error for any status other than success, 404, 412 and 416.
    pub async fn read_range(
        &self,
        object: &ObjectRef,
        range: Range<u64>,
        etag: &str,
    ) -> Result<Option<Bytes>, StorageError> {
        match self.get_object(object, Some(range), Some(etag)).await {
            // Some stores ignore the condition, so the ETag of the response is checked too.
            Ok(response) if bare_etag(response.e_tag()) != etag => Ok(None),
            Ok(response) => collect_body(object, response)
                .await
                .map(|(_, bytes)| Some(bytes)),
            Err(error) if matches!(status(&error), Some(404 | 412 | 416)) => Ok(None),
            Err(error) => Err(request_error("GET", object, error)),
        }
    }

    /// Opens an object, or a range of it, as a stream of bytes. Returns `None` if there is no such
    /// object.
    ///
    /// # Errors
    /// Returns an error for any status other than success and 404. An element of the stream is an
    /// error if the connection fails.
    pub async fn open_object(
        &self,
        object: &ObjectRef,
        range: Option<Range<u64>>,
    ) -> Result<Option<(ObjectProperties, ObjectBody)>, StorageError> {
        match self.get_object(object, range, None).await {
            Ok(response) => {
                let properties = object_properties(&response);
                let object = object.clone();
                let body = stream::unfold(response.body, move |mut body| {
                    let object = object.clone();
                    async move {
                        let item = body
                            .next()
                            .await?
                            .map_err(|error| StorageError::without_status("GET", &object, error));
                        Some((item, body))
                    }
                });
                // Compression polls a body again after its end.
                Ok(Some((properties, body.fuse().boxed())))
            }
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(request_error("GET", object, error)),
        }
    }

    /// Uploads a file, and returns its ETag without quotes. The file is streamed from disk. A
    /// repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or if the store refuses the request.
    pub async fn put_file(
        &self,
        object: &ObjectRef,
        file: &Path,
        content_type: Option<&str>,
    ) -> Result<String, StorageError> {
        let body = ByteStream::from_path(file).await.map_err(|error| {
            let cause = format!("{}: {}", file.display(), error_chain(&error));
            StorageError::without_status("PUT", object, cause)
        })?;
        let headers = ObjectHeaders {
            content_type: content_type.map(str::to_owned),
            ..ObjectHeaders::default()
        };
        self.put_stream(object, body, headers).await
    }

    /// Stores an object in one request, and returns its ETag without quotes. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the store refuses the request.
    pub async fn put_object(
        &self,
        object: &ObjectRef,
        body: Bytes,
        headers: ObjectHeaders,
    ) -> Result<String, StorageError> {
        self.put_stream(object, ByteStream::from(body), headers)
            .await
    }

    async fn put_stream(
        &self,
        object: &ObjectRef,
        body: ByteStream,
        headers: ObjectHeaders,
    ) -> Result<String, StorageError> {
        let request = self
            .client
            .put_object()
            .bucket(object.bucket.as_str())
            .key(&object.key)
            .body(body)
            .set_content_type(headers.content_type)
            .set_content_encoding(headers.content_encoding)
            .set_content_disposition(headers.content_disposition)
            .set_content_language(headers.content_language)
            .set_cache_control(headers.cache_control);
        match request.send().await {
            Ok(stored) => Ok(bare_etag(stored.e_tag())),
            Err(error) => Err(request_error("PUT", object, error)),
        }
    }

    /// Reads a whole object into memory. Use it only for small objects. Returns `None` if there is
    /// no such object.
    ///
    /// # Errors
    /// Returns an error for any status other than 200 and 404.
    pub async fn read_object(&self, object: &ObjectRef) -> Result<Option<Bytes>, StorageError> {
        match self.get_object(object, None, None).await {
            Ok(response) => Ok(Some(collect_body(object, response).await?.1)),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(request_error("GET", object, error)),
        }
    }

    /// Deletes an object. A repeat is safe, because the deletion of a missing object succeeds.
    ///
    /// # Errors
    /// Returns an error if the store refuses the request.
    pub async fn delete_object(&self, object: &ObjectRef) -> Result<(), StorageError> {
        let request = self.client.delete_object().bucket(object.bucket.as_str());
        match request.key(&object.key).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("DELETE", object, error)),
        }
    }

    /// Deletes an object, if it has this ETag. A repeat is safe. Some stores ignore the condition
    /// and always delete. The caller must check the store first with
    /// [`Storage::probe_capabilities`].
    ///
    /// # Errors
    /// Returns an error for any status other than success, 404, 409 and 412.
    pub async fn delete_if_match(
        &self,
        object: &ObjectRef,
        etag: &str,
    ) -> Result<DeleteOutcome, StorageError> {
        let request = self.client.delete_object().bucket(object.bucket.as_str());
        let request = request.key(&object.key).if_match(quoted_etag(etag));
        match request.send().await {
            Ok(_) => Ok(DeleteOutcome::Done),
            Err(error) if status(&error) == Some(404) => Ok(DeleteOutcome::Done),
            // 409 means that a write to the object is in progress (ConditionalRequestConflict).
            Err(error) if matches!(status(&error), Some(409 | 412)) => Ok(DeleteOutcome::Changed),
            Err(error) => Err(request_error("DELETE", object, error)),
        }
    }

    /// Lists the objects whose keys begin with `prefix`, in the order of their keys. Sends one
    /// request for each 1,000 keys, when the stream is polled.
    ///
    /// # Errors
    /// If a request fails, the last element of the stream is an error.
    pub fn list_objects(
        &self,
        bucket: &Bucket,
        prefix: &str,
    ) -> impl Stream<Item = Result<ListingEntry, StorageError>> + Send + use<> {
        self.list_with_delimiter(bucket, prefix, None)
    }

    /// Lists the objects as [`Storage::list_objects`] does, but only those that have no further `/` in
    /// their keys after the prefix. So the objects in subfolders cost no request.
    ///
    /// # Errors
    /// If a request fails, the last element of the stream is an error.
    pub fn list_folder(
        &self,
        bucket: &Bucket,
        prefix: &str,
    ) -> impl Stream<Item = Result<ListingEntry, StorageError>> + Send + use<> {
        self.list_with_delimiter(bucket, prefix, Some("/"))
    }

    fn list_with_delimiter(
        &self,
        bucket: &Bucket,
        prefix: &str,
        delimiter: Option<&'static str>,
    ) -> impl Stream<Item = Result<ListingEntry, StorageError>> + Send + use<> {
        let (storage, bucket, prefix) = (self.clone(), bucket.clone(), prefix.to_owned());
        read_pages(None, move |token| {
            let (storage, bucket, prefix) = (storage.clone(), bucket.clone(), prefix.clone());
            async move {
                let page = storage
                    .list_page(&bucket, &prefix, delimiter, token)
                    .await?;
                let entries: Vec<_> = listing_entries(&page).map(Ok).collect();
                Ok((stream::iter(entries), page.next_continuation_token))
            }
        })
        .try_flatten()
    }

    async fn list_page(
        &self,
        bucket: &Bucket,
        prefix: &str,
        delimiter: Option<&str>,
        token: Option<String>,
    ) -> Result<ListObjectsV2Output, StorageError> {
        let request = self.client.list_objects_v2().bucket(bucket.as_str());
        let request = request.prefix(prefix).set_continuation_token(token);
        let request = request.set_delimiter(delimiter.map(str::to_owned));
        request
            .send()
            .await
            .map_err(|error| request_error("LIST", &bucket.object(prefix), error))
    }

    /// Creates a bucket, if it does not exist. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the store refuses the request for another reason than that the bucket
    /// exists.
    pub async fn create_bucket(&self, bucket: &Bucket) -> Result<(), StorageError> {
        match self
            .client
            .create_bucket()
            .bucket(bucket.as_str())
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.code(),
                    Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(request_error("create bucket", &bucket.object(""), error)),
        }
    }

    async fn get_object(
        &self,
        object: &ObjectRef,
        range: Option<Range<u64>>,
        etag: Option<&str>,
    ) -> Result<GetObjectOutput, SdkError<GetObjectError, HttpResponse>> {
        let range =
            range.map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let request = self
            .client
            .get_object()
            .bucket(object.bucket.as_str())
            .key(&object.key)
            .set_range(range);
        request.set_if_match(etag.map(quoted_etag)).send().await
    }
}

fn listing_entries(page: &ListObjectsV2Output) -> impl Iterator<Item = ListingEntry> {
    page.contents().iter().filter_map(|object| {
        Some(ListingEntry {
            key: object.key()?.to_owned(),
            etag: bare_etag(object.e_tag()),
            size_bytes: byte_count(object.size()),
            last_modified: utc_time(object.last_modified()),
        })
    })
}

/// Reads the whole body of a GET response. Returns the properties of the object and the bytes.
async fn collect_body(
    object: &ObjectRef,
    response: GetObjectOutput,
) -> Result<(ObjectProperties, Bytes), StorageError> {
    let properties = object_properties(&response);
    match response.body.collect().await {
        Ok(bytes) => {
            let bytes = bytes.into_bytes();
            cost::count_read(bytes.len());
            Ok((properties, bytes))
        }
        Err(error) => Err(StorageError::without_status("GET", object, error)),
    }
}

fn object_properties(response: &GetObjectOutput) -> ObjectProperties {
    // For a range, only this header contains the size of the whole object: `bytes 0-65535/8123456`.
    let whole_size = response
        .content_range()
        .and_then(|range| range.rsplit('/').next()?.parse().ok());
    ObjectProperties {
        etag: bare_etag(response.e_tag()),
        etag_kind: EtagKind::of(
            &bare_etag(response.e_tag()),
            response.server_side_encryption(),
            response.sse_customer_algorithm(),
        ),
        last_modified: utc_time(response.last_modified()),
        size_bytes: whole_size.unwrap_or_else(|| byte_count(response.content_length())),
        headers: ObjectHeaders {
            content_type: response.content_type.clone(),
            content_encoding: response.content_encoding.clone(),
            content_disposition: response.content_disposition.clone(),
            content_language: response.content_language.clone(),
            cache_control: response.cache_control.clone(),
            expires: response.expires_string.clone(),
        },
        metadata: response
            .metadata
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect(),
    }
}

fn request_error<E>(
    operation: &'static str,
    object: &ObjectRef,
    error: SdkError<E, HttpResponse>,
) -> StorageError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = status(&error);
    let cause = match (error.code(), status) {
        (Some(code), Some(status)) => {
            let message = error.message().unwrap_or("no message");
            RequestFailure::Refused(format!("{status} {code}: {message}"))
        }
        (None, Some(status)) if matches!(error, SdkError::ServiceError(_)) => {
            RequestFailure::Refused(format!("answered {status}"))
        }
        _ => RequestFailure::Failed(error.into()),
    };
    StorageError {
        operation,
        target: object.to_string(),
        cause,
        status,
    }
}

/// Returns the HTTP status of a failed request. Returns `None` if there was no response.
fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

fn bare_etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

fn quoted_etag(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn utc_time(time: Option<&SdkDateTime>) -> DateTime<Utc> {
    time.and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos()))
        .unwrap_or_default()
}

fn byte_count(length: Option<i64>) -> u64 {
    length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_is_an_md5_by_its_form_and_encryption() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let multipart = format!("{md5}-12");
        let aes = Some(&ServerSideEncryption::Aes256);
        let kms = Some(&ServerSideEncryption::AwsKms);
        assert_eq!(EtagKind::of(md5, None, None), EtagKind::Md5);
        assert_eq!(EtagKind::of(&multipart, aes, None), EtagKind::Md5);
        assert_eq!(EtagKind::of(md5, kms, None), EtagKind::Opaque);
        assert_eq!(EtagKind::of(md5, None, Some("AES256")), EtagKind::Opaque);
        assert_eq!(
            EtagKind::of("0x8D4BCC2E4835CD0", None, None),
            EtagKind::Opaque
        );
        assert_eq!(
            EtagKind::of(&format!("{md5}-x"), None, None),
            EtagKind::Opaque
        );
    }
}
