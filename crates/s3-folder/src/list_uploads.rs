//! The listings of open multipart uploads and of their parts.

use s3s::S3Result;
use s3s::dto::{
    ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput,
    MultipartUpload, Part,
};

use crate::address::ObjectAddress;
use crate::key_encoding::KeyEncoding;
use crate::multipart::{load_parts, require_open_upload};
use crate::owner::{local_initiator, local_owner};
use crate::store::S3Store;
use crate::times::timestamp;
use crate::upload_rows::{self, ListedUpload, PartRow};

/// The maximum number of entries in a page. An entry is an upload or a part.
const MAX_PAGE_ENTRIES: usize = 1000;

/// Carries out ListParts.
///
/// # Errors
/// `NoSuchUpload` if there is no such open upload. `NoSuchBucket` if the bucket does not exist.
pub(crate) async fn list_parts(
    store: &S3Store,
    input: ListPartsInput,
) -> S3Result<ListPartsOutput> {
    let address = ObjectAddress::new(input.bucket, input.key);
    let upload = require_open_upload(store, &input.upload_id, &address).await?;
    let after = input
        .part_number_marker
        .as_ref()
        .and_then(|marker| marker.to_string().parse::<i32>().ok())
        .unwrap_or(0);
    let size = page_size(input.max_parts);
    let mut parts = load_parts(store, &input.upload_id).await?;
    parts.retain(|part| part.number > after);
    let truncated = parts.len() > size;
    parts.truncate(size);
    Ok(ListPartsOutput {
        bucket: Some(address.bucket),
        key: Some(address.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(truncated),
        max_parts: i32::try_from(size).ok(),
        part_number_marker: input.part_number_marker,
        next_part_number_marker: parts.last().filter(|_| truncated).map(|part| part.number),
        checksum_algorithm: upload.algorithm.map(Into::into),
        checksum_type: upload.checksum_type.map(Into::into),
        owner: Some(local_owner()),
        initiator: Some(local_initiator()),
        storage_class: upload.attributes.storage_class.map(Into::into),
        parts: Some(parts.into_iter().map(part_entry).collect()),
        ..ListPartsOutput::default()
    })
}

/// Carries out ListMultipartUploads. Ignores the delimiter of the request.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist.
pub(crate) async fn list_uploads(
    store: &S3Store,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    store.require_bucket(&input.bucket).await?;
    let size = page_size(input.max_uploads);
    let bucket = input.bucket.clone();
    let mut uploads = store
        .query_database(move |connection| upload_rows::list_open_uploads(connection, &bucket))
        .await?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    uploads.retain(|upload| upload.key.starts_with(prefix));
    skip_to_marker(
        &mut uploads,
        input.key_marker.as_deref(),
        input.upload_id_marker.as_deref(),
    );
    let truncated = uploads.len() > size;
    uploads.truncate(size);
    let encoding = KeyEncoding::requested(input.encoding_type.as_ref());
    let last = uploads.last().filter(|_| truncated);
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(truncated),
        max_uploads: i32::try_from(size).ok(),
        next_key_marker: last.map(|upload| encoding.encode(upload.key.clone())),
        next_upload_id_marker: last.map(|upload| upload.id.clone()),
        uploads: Some(
            uploads
                .into_iter()
                .map(|upload| upload_entry(upload, encoding))
                .collect(),
        ),
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        prefix: input.prefix,
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    })
}

/// Removes the uploads that earlier pages listed. The last of them has the key `key_marker` and the
/// id `id_marker`. If this upload does not exist any more, or if `id_marker` is `None`, removes all
/// uploads up to and including those with the key `key_marker`. Without `key_marker`, removes
/// nothing.
fn skip_to_marker(
    uploads: &mut Vec<ListedUpload>,
    key_marker: Option<&str>,
    id_marker: Option<&str>,
) {
    let Some(marker) = key_marker.filter(|marker| !marker.is_empty()) else {
        return;
    };
    let position = id_marker.and_then(|id| {
        uploads
            .iter()
            .position(|upload| upload.key == marker && upload.id == id)
    });
    let first = match position {
        Some(position) => position + 1,
        None => uploads.partition_point(|upload| upload.key.as_str() <= marker),
    };
    uploads.drain(..first);
}

fn page_size(most: Option<i32>) -> usize {
    usize::try_from(most.unwrap_or(1000))
        .unwrap_or(0)
        .min(MAX_PAGE_ENTRIES)
}

fn part_entry(part: PartRow) -> Part {
    Part {
        part_number: Some(part.number),
        size: Some(part.size.cast_signed()),
        e_tag: Some(ETag::Strong(part.etag)),
        last_modified: Some(timestamp(part.modified_ms)),
        checksum_crc32: part.checksums.crc32,
        checksum_crc32c: part.checksums.crc32c,
        checksum_crc64nvme: part.checksums.crc64nvme,
        checksum_sha1: part.checksums.sha1,
        checksum_sha256: part.checksums.sha256,
    }
}

fn upload_entry(upload: ListedUpload, encoding: KeyEncoding) -> MultipartUpload {
    MultipartUpload {
        key: Some(encoding.encode(upload.key)),
        upload_id: Some(upload.id),
        initiated: Some(timestamp(upload.started_ms)),
        initiator: Some(local_initiator()),
        owner: Some(local_owner()),
        checksum_algorithm: upload.algorithm.map(Into::into),
        checksum_type: upload.checksum_type.map(Into::into),
        storage_class: None,
    }
}
