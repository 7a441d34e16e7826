//! Copies objects within a store. A large object is copied in several pieces. This is a multipart
//! upload of S3, which calls the pieces parts.

use std::collections::BTreeMap;
use std::ops::Range;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{DateTime as SdkDateTime, DateTimeFormat};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, MetadataDirective, StorageClass};
use futures::{StreamExt, TryStreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    CopyOutcome, ObjectHeaders, ObjectProperties, Storage, StorageError, quoted_etag,
    request_error, status,
};
use crate::object::ObjectRef;

/// The characters that are percent-encoded in `x-amz-copy-source` and `x-amz-tagging`: all except
/// the slash and the unreserved characters of RFC 3986.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The maximum number of pieces of one object that are copied at the same time.
const PARTS_AT_A_TIME: usize = 4;
/// The maximum number of pieces of one upload (S3 User Guide, "Amazon S3 multipart upload limits").
const MAX_PARTS: u64 = 10_000;

/// The settings of copies: their storage class, and the sizes that decide about copies in several
/// pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySettings {
    /// The storage class of the copies, such as `STANDARD_IA`. If it is `None`, the store chooses.
    pub storage_class: Option<String>,
    /// The size of the largest object that is copied in one request, in bytes. A larger object is
    /// copied in pieces.
    pub largest_bytes: u64,
    /// The size of the pieces of a larger object, in bytes. The pieces are larger if there would be
    /// more than 10,000 of them.
    pub part_bytes: u64,
}

impl Default for CopySettings {
    /// Returns the default settings: S3's own limit of 5 GiB for one request, pieces of 512 MiB,
    /// and the store's storage class.
    fn default() -> Self {
        CopySettings {
            storage_class: None,
            largest_bytes: 5 << 30,
            part_bytes: 512 << 20,
        }
    }
}

impl CopySettings {
    /// Returns the byte ranges of the pieces of an object, in order and without gaps. There are at
    /// most [`MAX_PARTS`] ranges.
    fn part_ranges(&self, size_bytes: u64) -> Vec<Range<u64>> {
        let length = self.part_bytes.max(size_bytes.div_ceil(MAX_PARTS)).max(1);
        let starts = (0..size_bytes.div_ceil(length)).map(|part| part * length);
        starts
            .map(|start| start..(start + length).min(size_bytes))
            .collect()
    }
}

/// The arguments of a copy from one object to another in the same store.
#[derive(Clone, Copy)]
struct CopyRequest<'a> {
    from: &'a ObjectRef,
    to: &'a ObjectRef,
    source: &'a ObjectProperties,
    metadata: &'a BTreeMap<String, String>,
}

impl Storage {
    /// Copies an object within the store, if the source still has the ETag of `source`. `source` is
    /// the properties of the object as the caller has read them. The copy gets the headers in
    /// `source` and the user metadata `metadata`. If the store supports tags, the copy also gets
    /// the tags of the source. An object larger than [`CopySettings::largest_bytes`] is copied in
    /// pieces.
    ///
    /// A repeat is safe. The copy appears whole or not at all. Some stores ignore the condition on
    /// the ETag, so the caller must check the copy itself.
    ///
    /// # Errors
    /// Returns an error for any response other than success, 412 and NoSuchKey. These two are
    /// values of [`CopyOutcome`]. Also returns an error for a response 200 whose body is an error.
    pub async fn copy_object(
        &self,
        from: &ObjectRef,
        to: &ObjectRef,
        source: &ObjectProperties,
        metadata: &BTreeMap<String, String>,
    ) -> Result<CopyOutcome, StorageError> {
        if source.size_bytes > self.copy_settings.largest_bytes {
            let copy = CopyRequest {
                from,
                to,
                source,
                metadata,
            };
            return self.copy_in_parts(copy).await;
        }
        let headers = source.headers.clone();
        let request = self
            .client
            .copy_object()
            .copy_source(copy_source(from))
            .copy_source_if_match(quoted_etag(&source.etag))
            .bucket(to.bucket.as_str())
            .key(&to.key)
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(metadata.clone().into_iter().collect()))
            .set_storage_class(self.storage_class())
            .set_expires(expires_time(&headers))
            .set_content_type(headers.content_type)
            .set_content_encoding(headers.content_encoding)
            .set_content_disposition(headers.content_disposition)
            .set_content_language(headers.content_language)
            .set_cache_control(headers.cache_control);
        match request.send().await {
            Ok(_) => Ok(CopyOutcome::Done),
            Err(error) if status(&error) == Some(412) => Ok(CopyOutcome::SourceChanged),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(CopyOutcome::SourceChanged),
            Err(error) => Err(request_error("COPY to", to, error)),
        }
    }

    /// Copies an object of any size in pieces, with a multipart upload. If the process crashes, the
    /// unfinished multipart upload stays in the store, but no reader sees it. The lifecycle rule
    /// `AbortIncompleteMultipartUpload` of the bucket removes it later.
    async fn copy_in_parts(&self, copy: CopyRequest<'_>) -> Result<CopyOutcome, StorageError> {
        let Some(tagging) = self.read_tagging(copy.from).await? else {
            return Ok(CopyOutcome::SourceChanged);
        };
        let to = copy.to;
        let upload = self.create_upload(copy, tagging).await?;
        let outcome = match self.copy_parts(copy, &upload).await {
            Ok(Some(parts)) => self
                .complete_upload(to, &upload, parts)
                .await
                .map(|()| CopyOutcome::Done),
            Ok(None) => Ok(CopyOutcome::SourceChanged),
            Err(error) => Err(error),
        };
        if !matches!(outcome, Ok(CopyOutcome::Done)) {
            let abort = self.client.abort_multipart_upload();
            let abort = abort.bucket(to.bucket.as_str()).key(&to.key);
            // If this fails, the bucket's lifecycle rule removes the upload.
            if let Err(error) = abort.upload_id(&upload).send().await {
                let error = request_error("abort the copy to", to, error);
                tracing::warn!(%error, "an unfinished copy remains");
            }
        }
        outcome
    }

    async fn create_upload(
        &self,
        copy: CopyRequest<'_>,
        tagging: String,
    ) -> Result<String, StorageError> {
        let headers = copy.source.headers.clone();
        let request = self
            .client
            .create_multipart_upload()
            .bucket(copy.to.bucket.as_str())
            .key(&copy.to.key)
            .set_metadata(Some(copy.metadata.clone().into_iter().collect()))
            .set_storage_class(self.storage_class())
            .set_tagging(Some(tagging).filter(|tagging| !tagging.is_empty()))
            .set_expires(expires_time(&headers))
            .set_content_type(headers.content_type)
            .set_content_encoding(headers.content_encoding)
            .set_content_disposition(headers.content_disposition)
            .set_content_language(headers.content_language)
            .set_cache_control(headers.cache_control);
        match request.send().await {
            Ok(created) => Ok(created.upload_id.unwrap_or_default()),
            Err(error) => Err(request_error("begin the copy to", copy.to, error)),
        }
    }

    /// Copies all pieces of an object. Returns the list of the copied pieces, in order. Returns
    /// `None` if the source changed during the copy.
    async fn copy_parts(
        &self,
        copy: CopyRequest<'_>,
        upload: &str,
    ) -> Result<Option<Vec<CompletedPart>>, StorageError> {
        let ranges = (1..).zip(self.copy_settings.part_ranges(copy.source.size_bytes));
        let parts: Vec<Option<CompletedPart>> = stream::iter(ranges)
            .map(|(number, range)| self.copy_part(copy, upload, number, range))
            .buffered(PARTS_AT_A_TIME)
            .try_collect()
            .await?;
        let Some(parts) = parts.into_iter().collect() else {
            return Ok(None);
        };
        // Some stores ignore the condition of each request. Pieces of two versions of a file
        // together are not a photo.
        let now = self.head_object(copy.from).await?;
        Ok(now
            .is_some_and(|now| now.etag == copy.source.etag)
            .then_some(parts))
    }

    /// Copies one piece of an object. Returns `None` if the source changed.
    async fn copy_part(
        &self,
        copy: CopyRequest<'_>,
        upload: &str,
        number: i32,
        range: Range<u64>,
    ) -> Result<Option<CompletedPart>, StorageError> {
        let request = self
            .client
            .upload_part_copy()
            .copy_source(copy_source(copy.from))
            .copy_source_if_match(quoted_etag(&copy.source.etag))
            .copy_source_range(format!("bytes={}-{}", range.start, range.end - 1))
            .bucket(copy.to.bucket.as_str())
            .key(&copy.to.key)
            .upload_id(upload)
            .part_number(number);
        match request.send().await {
            Ok(copied) => {
                let etag = copied.copy_part_result.and_then(|result| result.e_tag);
                let part = CompletedPart::builder().part_number(number);
                Ok(Some(part.set_e_tag(etag).build()))
            }
            Err(error) if status(&error) == Some(412) => Ok(None),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(request_error("copy a part to", copy.to, error)),
        }
    }

    async fn complete_upload(
        &self,
        to: &ObjectRef,
        upload: &str,
        parts: Vec<CompletedPart>,
    ) -> Result<(), StorageError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(to.bucket.as_str())
            .key(&to.key)
            .upload_id(upload)
            .multipart_upload(parts.build());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("complete the copy to", to, error)),
        }
    }

    /// Reads the tags of an object (keys and values of S3, not metadata tags). Returns them in the
    /// form of the header `x-amz-tagging`, such as `project=web&year=2018`. The text is empty if
    /// the object has no tags, or if the store does not support tags. Returns `None` if there is no
    /// such object.
    async fn read_tagging(&self, object: &ObjectRef) -> Result<Option<String>, StorageError> {
        let request = self.client.get_object_tagging();
        let request = request.bucket(object.bucket.as_str()).key(&object.key);
        match request.send().await {
            Ok(tags) => {
                let encode = |text: &str| utf8_percent_encode(text, COPY_SOURCE).to_string();
                let tags = tags.tag_set.iter();
                let tags = tags.map(|tag| format!("{}={}", encode(tag.key()), encode(tag.value())));
                Ok(Some(tags.collect::<Vec<_>>().join("&")))
            }
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            // The object has no tags.
            Err(error) if error.code() == Some("NoSuchTagSet") => Ok(Some(String::new())),
            // The store does not support tags.
            Err(error) if matches!(status(&error), Some(405 | 501)) => Ok(Some(String::new())),
            Err(error) => Err(request_error("read the tags of", object, error)),
        }
    }

    /// Returns `true` if the settings require a storage class for copies.
    pub fn sets_storage_class(&self) -> bool {
        self.copy_settings.storage_class.is_some()
    }

    pub(super) fn storage_class(&self) -> Option<StorageClass> {
        self.copy_settings
            .storage_class
            .as_deref()
            .map(StorageClass::from)
    }
}

fn copy_source(from: &ObjectRef) -> String {
    utf8_percent_encode(&format!("{}/{}", from.bucket, from.key), COPY_SOURCE).to_string()
}

/// Parses the header `Expires`. Returns `None` if the header is absent or is not a date.
fn expires_time(headers: &ObjectHeaders) -> Option<SdkDateTime> {
    let text = headers.expires.as_ref()?;
    SdkDateTime::from_str(text, DateTimeFormat::HttpDate).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_ranges_cover_the_object_once() {
        let settings = CopySettings::default();
        for size_bytes in [1, (5 << 30) + 1, 512 << 20, 5 << 40, (48 << 40) + 7] {
            let ranges = settings.part_ranges(size_bytes);
            assert!(ranges.len() as u64 <= MAX_PARTS, "{}", ranges.len());
            let end = ranges.iter().fold(0, |end, range| {
                assert!(range.start == end && range.end > end);
                range.end
            });
            assert_eq!(end, size_bytes);
        }
    }
}
