//! Copies within a store: in one request, or part by part where the object is too large for one.

use std::collections::BTreeMap;
use std::ops::Range;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{DateTime as SdkDateTime, DateTimeFormat};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, MetadataDirective, StorageClass};
use futures::{StreamExt, TryStreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    CopyOutcome, ObjectHeaders, ObjectProperties, Storage, StorageError, failed, quoted, status,
};

/// What `x-amz-copy-source` and `x-amz-tagging` leave as it is: RFC 3986's unreserved characters, and the slash.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// Parts that are copied at a time.
const PARTS_AT_A_TIME: usize = 4;
/// S3 User Guide, "Amazon S3 multipart upload limits".
const MOST_PARTS: u64 = 10_000;

/// How copies are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySettings {
    /// Storage class of the copy, `STANDARD_IA`; the store's own default where absent.
    pub storage_class: Option<String>,
    /// The largest object that is copied in one request, bytes.
    pub largest_bytes: u64,
    /// Size of the parts of a larger one, bytes; larger where they would be too many.
    pub part_bytes: u64,
}

impl Default for CopySettings {
    /// S3's own limit for one request, 5 GiB, and parts of half a GiB.
    fn default() -> Self {
        CopySettings {
            storage_class: None,
            largest_bytes: 5 << 30,
            part_bytes: 512 << 20,
        }
    }
}

impl CopySettings {
    /// The ranges of an object's parts, in order, without gaps. At most [`MOST_PARTS`] of them.
    fn parts(&self, size_bytes: u64) -> Vec<Range<u64>> {
        let length = self.part_bytes.max(size_bytes.div_ceil(MOST_PARTS)).max(1);
        let starts = (0..size_bytes.div_ceil(length)).map(|part| part * length);
        starts
            .map(|start| start..(start + length).min(size_bytes))
            .collect()
    }
}

impl Storage {
    /// Copies within the store IF the source still holds the bytes of `source.etag`, with the source's headers, this
    /// user metadata, and the source's tags where the store has tags. Above [`CopySettings::largest_bytes`], part by part.
    ///
    /// Safe to repeat. A store may ignore the condition: nothing rests on it. The copy appears whole or not at all.
    ///
    /// # Errors
    /// Anything but success, 404 and 412; also a 200 whose body is an error.
    pub async fn copy(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        source: &ObjectProperties,
        metadata: &BTreeMap<String, String>,
    ) -> Result<CopyOutcome, StorageError> {
        if source.size_bytes > self.copying.largest_bytes {
            return self.copy_in_parts(from, to, source, metadata).await;
        }
        let headers = source.headers.clone();
        let request = self
            .client
            .copy_object()
            .copy_source(copy_source(from))
            .copy_source_if_match(quoted(&source.etag))
            .bucket(to.0)
            .key(to.1)
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(metadata.clone().into_iter().collect()))
            .set_storage_class(self.storage_class())
            .set_expires(expires(&headers))
            .set_content_type(headers.content_type)
            .set_content_encoding(headers.content_encoding)
            .set_content_disposition(headers.content_disposition)
            .set_content_language(headers.content_language)
            .set_cache_control(headers.cache_control);
        match request.send().await {
            Ok(_) => Ok(CopyOutcome::Done),
            Err(error) if status(&error) == Some(412) => Ok(CopyOutcome::SourceChanged),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(CopyOutcome::SourceChanged),
            Err(error) => Err(failed("COPY to", to.0, to.1, &error)),
        }
    }

    /// The same for an object of any size. What a crash leaves behind is an unfinished upload, which nobody sees; the
    /// bucket's own rule removes it (`AbortIncompleteMultipartUpload`).
    async fn copy_in_parts(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        source: &ObjectProperties,
        metadata: &BTreeMap<String, String>,
    ) -> Result<CopyOutcome, StorageError> {
        let Some(tagging) = self.tags(from).await? else {
            return Ok(CopyOutcome::SourceChanged);
        };
        let headers = source.headers.clone();
        let request = self
            .client
            .create_multipart_upload()
            .bucket(to.0)
            .key(to.1)
            .set_metadata(Some(metadata.clone().into_iter().collect()))
            .set_storage_class(self.storage_class())
            .set_tagging(Some(tagging).filter(|tagging| !tagging.is_empty()))
            .set_expires(expires(&headers))
            .set_content_type(headers.content_type)
            .set_content_encoding(headers.content_encoding)
            .set_content_disposition(headers.content_disposition)
            .set_content_language(headers.content_language)
            .set_cache_control(headers.cache_control);
        let created = request
            .send()
            .await
            .map_err(|error| failed("begin the copy to", to.0, to.1, &error))?;
        let upload = created.upload_id.unwrap_or_default();
        let copied = match self.copy_parts(from, to, source, &upload).await {
            Ok(Some(parts)) => self
                .complete(to, &upload, parts)
                .await
                .map(|()| CopyOutcome::Done),
            Ok(None) => Ok(CopyOutcome::SourceChanged),
            Err(error) => Err(error),
        };
        if !matches!(copied, Ok(CopyOutcome::Done)) {
            let abort = self.client.abort_multipart_upload().bucket(to.0).key(to.1);
            // What is left of it, the bucket's own rule removes.
            if let Err(error) = abort.upload_id(&upload).send().await {
                let error = failed("give up the copy to", to.0, to.1, &error);
                tracing::warn!(%error, "an unfinished copy is left");
            }
        }
        copied
    }

    /// `None` where the source changed meanwhile.
    async fn copy_parts(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        source: &ObjectProperties,
        upload: &str,
    ) -> Result<Option<Vec<CompletedPart>>, StorageError> {
        let ranges = (1..).zip(self.copying.parts(source.size_bytes));
        let parts: Vec<Option<CompletedPart>> = stream::iter(ranges)
            .map(|(number, range)| self.copy_part(from, to, source, upload, number, range))
            .buffered(PARTS_AT_A_TIME)
            .try_collect()
            .await?;
        let Some(parts) = parts.into_iter().collect() else {
            return Ok(None);
        };
        // A store may ignore the parts' condition, and parts of two versions are no photo.
        let now = self.head(from.0, from.1).await?;
        Ok(now
            .is_some_and(|now| now.etag == source.etag)
            .then_some(parts))
    }

    async fn copy_part(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        source: &ObjectProperties,
        upload: &str,
        number: i32,
        range: Range<u64>,
    ) -> Result<Option<CompletedPart>, StorageError> {
        let request = self
            .client
            .upload_part_copy()
            .copy_source(copy_source(from))
            .copy_source_if_match(quoted(&source.etag))
            .copy_source_range(format!("bytes={}-{}", range.start, range.end - 1))
            .bucket(to.0)
            .key(to.1)
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
            Err(error) => Err(failed("copy a part to", to.0, to.1, &error)),
        }
    }

    async fn complete(
        &self,
        to: (&str, &str),
        upload: &str,
        parts: Vec<CompletedPart>,
    ) -> Result<(), StorageError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(to.0)
            .key(to.1)
            .upload_id(upload)
            .multipart_upload(parts.build());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("complete the copy to", to.0, to.1, &error)),
        }
    }

    /// An object's tags as `x-amz-tagging` takes them; empty where the store has none. `None` where there is no such
    /// object.
    async fn tags(&self, of: (&str, &str)) -> Result<Option<String>, StorageError> {
        let request = self.client.get_object_tagging().bucket(of.0).key(of.1);
        match request.send().await {
            Ok(tags) => {
                let encoded = |text: &str| utf8_percent_encode(text, COPY_SOURCE).to_string();
                let tags = tags.tag_set.iter();
                let tags =
                    tags.map(|tag| format!("{}={}", encoded(tag.key()), encoded(tag.value())));
                Ok(Some(tags.collect::<Vec<_>>().join("&")))
            }
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            // No tags on this object; no tags in this store.
            Err(error) if error.code() == Some("NoSuchTagSet") => Ok(Some(String::new())),
            Err(error) if matches!(status(&error), Some(405 | 501)) => Ok(Some(String::new())),
            Err(error) => Err(failed("read the tags of", of.0, of.1, &error)),
        }
    }

    /// Whether copies are given a storage class.
    pub fn sets_storage_class(&self) -> bool {
        self.copying.storage_class.is_some()
    }

    pub(super) fn storage_class(&self) -> Option<StorageClass> {
        self.copying
            .storage_class
            .as_deref()
            .map(StorageClass::from)
    }
}

fn copy_source(from: (&str, &str)) -> String {
    utf8_percent_encode(&format!("{}/{}", from.0, from.1), COPY_SOURCE).to_string()
}

fn expires(headers: &ObjectHeaders) -> Option<SdkDateTime> {
    let text = headers.expires.as_ref()?;
    SdkDateTime::from_str(text, DateTimeFormat::HttpDate).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_object_once_and_are_never_too_many() {
        let copying = CopySettings::default();
        for size_bytes in [1, (5 << 30) + 1, 512 << 20, 5 << 40, (48 << 40) + 7] {
            let parts = copying.parts(size_bytes);
            assert!(parts.len() as u64 <= MOST_PARTS, "{}", parts.len());
            let end = parts.iter().fold(0, |end, part| {
                assert!(part.start == end && part.end > end);
                part.end
            });
            assert_eq!(end, size_bytes);
        }
    }
}
