//! The operations on multipart uploads. Each part is a file of its own until the upload is
//! completed. Only then is there an object.

use std::io::{Read, Seek, SeekFrom};

use s3s::dto::{
    AbortMultipartUploadInput, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Result, s3_error};

use crate::address::ObjectAddress;
use crate::attributes::{check_metadata, format_expires, parse_tags, strip_chunked_encoding};
use crate::conditions::{ReadConditions, WriteConditions};
use crate::copy_source::{parse_copy_range, parse_copy_source};
use crate::database::{ObjectAttributes, ObjectChecksums};
use crate::errors::{database_error, file_error, s3_error};
use crate::etag::{Md5Digest, multipart_etag};
use crate::notification::ObjectChange;
use crate::opened_object::open_object;
use crate::received_file::{ExpectedBody, HashingFile, MAX_PUT_BYTES, ReceivedFile, receive_body};
use crate::store::S3Store;
use crate::times::{now_ms, timestamp};
use crate::upload_parts::{
    choose_parts, composite_checksums, join_parts, new_random_id, remove_part_files, store_part,
};
use crate::upload_rows::{self, NewUpload, PartRow, UploadRow};
use crate::write_object::put_object;
use crate::write_request::PutRequest;

/// The maximum size of an object in bytes: 5 TiB.
const MAX_OBJECT_BYTES: u64 = 5 << 40;

/// Carries out CreateMultipartUpload.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. The errors of [`check_metadata`] and
/// [`parse_tags`].
pub(crate) async fn create_upload(
    store: &S3Store,
    mut input: CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    store.context().access.require_write()?;
    store.require_bucket(&input.bucket).await?;
    let attributes = upload_attributes(&mut input)?;
    let algorithm = input
        .checksum_algorithm
        .map(|algorithm| algorithm.as_str().to_ascii_uppercase());
    let checksum_type =
        algorithm
            .as_deref()
            .map(|algorithm| match (input.checksum_type, algorithm) {
                (Some(given), _) => given.as_str().to_owned(),
                (None, "CRC64NVME") => ChecksumType::FULL_OBJECT.to_owned(),
                (None, _) => ChecksumType::COMPOSITE.to_owned(),
            });
    let upload = NewUpload {
        id: new_random_id()?,
        address: ObjectAddress::new(input.bucket, input.key),
        started_ms: now_ms(),
        attributes,
        algorithm,
        checksum_type,
    };
    let output = CreateMultipartUploadOutput {
        bucket: Some(upload.address.bucket.clone()),
        key: Some(upload.address.key.clone()),
        upload_id: Some(upload.id.clone()),
        checksum_algorithm: upload.algorithm.clone().map(Into::into),
        checksum_type: upload.checksum_type.clone().map(Into::into),
        ..CreateMultipartUploadOutput::default()
    };
    store
        .change_database(move |connection| {
            upload_rows::insert_upload(connection, &upload).map_err(database_error)
        })
        .await?;
    Ok(output)
}

fn upload_attributes(input: &mut CreateMultipartUploadInput) -> S3Result<ObjectAttributes> {
    let class = input.storage_class.as_ref();
    Ok(ObjectAttributes {
        content_type: input.content_type.take(),
        content_encoding: input
            .content_encoding
            .take()
            .and_then(strip_chunked_encoding),
        content_disposition: input.content_disposition.take(),
        content_language: input.content_language.take(),
        cache_control: input.cache_control.take(),
        expires: input.expires.as_ref().map(format_expires),
        storage_class: class.map(|class| class.as_str().to_owned()),
        website_redirect_location: input.website_redirect_location.take(),
        metadata: check_metadata(input.metadata.take())?,
        tags: parse_tags(input.tagging.as_deref())?,
        ..ObjectAttributes::default()
    })
}

/// Carries out UploadPart.
///
/// # Errors
/// `NoSuchUpload` if there is no such open upload. `NoSuchBucket` if the bucket does not exist.
/// `InvalidArgument` if the part number is not valid. The errors of [`receive_body`].
pub(crate) async fn upload_part(
    store: &S3Store,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let S3Request {
        input,
        headers,
        trailing_headers,
        ..
    } = request;
    check_part_number(input.part_number)?;
    let address = ObjectAddress::new(input.bucket, input.key);
    // The upload cannot expire while the body arrives.
    let _in_use = store.context().uploads_in_use.add(&input.upload_id);
    require_open_upload(store, &input.upload_id, &address).await?;
    let mut expected = ExpectedBody {
        content_length: input.content_length,
        content_md5: input.content_md5,
        checksums: ObjectChecksums {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
            kind: None,
        },
        algorithms: Vec::new(),
    };
    expected.add_algorithms(input.checksum_algorithm.as_ref(), &headers);
    let received = receive_body(store, input.body, expected, trailing_headers).await?;
    let stored = store_part(store, input.upload_id, input.part_number, received).await?;
    Ok(UploadPartOutput {
        e_tag: Some(ETag::Strong(stored.etag)),
        checksum_crc32: stored.checksums.crc32,
        checksum_crc32c: stored.checksums.crc32c,
        checksum_crc64nvme: stored.checksums.crc64nvme,
        checksum_sha1: stored.checksums.sha1,
        checksum_sha256: stored.checksums.sha256,
        ..UploadPartOutput::default()
    })
}

/// Carries out UploadPartCopy.
///
/// # Errors
/// `NoSuchUpload` if there is no such open upload. `NoSuchKey` or `NoSuchBucket` if the source or
/// the bucket does not exist. `InvalidArgument` if the part number or the form of the range is not
/// valid. `InvalidRange` if the range is not within the source. `EntityTooLarge` if the range is
/// longer than 5 GiB. `PreconditionFailed` if a condition for the source does not hold.
pub(crate) async fn upload_part_copy(
    store: &S3Store,
    input: UploadPartCopyInput,
) -> S3Result<UploadPartCopyOutput> {
    check_part_number(input.part_number)?;
    let address = ObjectAddress::new(input.bucket, input.key);
    let _in_use = store.context().uploads_in_use.add(&input.upload_id);
    let upload = require_open_upload(store, &input.upload_id, &address).await?;
    let source = CopiedPartSource {
        address: parse_copy_source(&input.copy_source)?,
        conditions: ReadConditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        },
        range: input.copy_source_range,
    };
    let received = store
        .run_blocking(move |store| copy_part(&store, source, upload.algorithm))
        .await?;
    let modified = timestamp(received.modified_ms);
    let stored = store_part(store, input.upload_id, input.part_number, received).await?;
    let result = CopyPartResult {
        e_tag: Some(ETag::Strong(stored.etag)),
        last_modified: Some(modified),
        checksum_crc32: stored.checksums.crc32,
        checksum_crc32c: stored.checksums.crc32c,
        checksum_crc64nvme: stored.checksums.crc64nvme,
        checksum_sha1: stored.checksums.sha1,
        checksum_sha256: stored.checksums.sha256,
    };
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..UploadPartCopyOutput::default()
    })
}

/// The source object of a part that is copied.
struct CopiedPartSource {
    address: ObjectAddress,
    conditions: ReadConditions,
    /// The range, as `bytes=first-last`, or `None` for the whole source.
    range: Option<String>,
}

/// Copies a range of an object to a temporary file and syncs the file. If `algorithm` is given,
/// computes this checksum. Blocks.
fn copy_part(
    store: &S3Store,
    source: CopiedPartSource,
    algorithm: Option<String>,
) -> S3Result<ReceivedFile> {
    let mut opened = open_object(store, &source.address)?;
    source.conditions.check_copy(&opened.object)?;
    let size = opened.object.size();
    let range = match source.range {
        Some(range) => parse_copy_range(&range, size)?,
        None => 0..size,
    };
    let length = range.end - range.start;
    if length > MAX_PUT_BYTES {
        return Err(s3_error(S3ErrorCode::EntityTooLarge));
    }
    let expected = ExpectedBody::with_algorithm(algorithm);
    let mut hashing = HashingFile::create(store, expected.hasher())?;
    opened
        .file
        .seek(SeekFrom::Start(range.start))
        .map_err(|error| file_error("read", error))?;
    hashing.append(opened.file.take(length))?;
    hashing.finish()
}

/// Carries out CompleteMultipartUpload. If a client repeats the request, it gets the same ETag, at
/// least until one day after the start of the upload.
///
/// # Errors
/// `NoSuchUpload` if there is no such upload. `NoSuchBucket` if the bucket does not exist.
/// `BadDigest` if the checksum of the object is not the one in the request. `EntityTooLarge` if the
/// object is larger than 5 TiB. `InvalidRequest` if the size of the object is not the one in the
/// request. `PreconditionFailed` if a condition does not hold. The errors of [`choose_parts`].
pub(crate) async fn complete_upload(
    store: &S3Store,
    mut input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let address = ObjectAddress::new(input.bucket.clone(), input.key.clone());
    let _in_use = store.context().uploads_in_use.add(&input.upload_id);
    let upload = find_upload(store, &input.upload_id, &address).await?;
    if let Some(etag) = upload.completed_etag {
        return Ok(complete_output(address, etag, ObjectChecksums::default()));
    }
    let parts = wanted_parts(store, &mut input).await?;
    let digests: Vec<Md5Digest> = parts.iter().map(PartRow::md5).collect();
    let etag = multipart_etag(&digests);
    let mut attributes = upload.attributes;
    attributes.parts = parts.iter().map(|part| part.size).collect();
    let whole = upload.checksum_type.as_deref() == Some(ChecksumType::FULL_OBJECT);
    if let Some(algorithm) = upload.algorithm.as_deref().filter(|_| !whole) {
        attributes.checksums = composite_checksums(algorithm, &parts);
    }
    let files: Vec<String> = parts.into_iter().map(|part| part.file).collect();
    let algorithm = upload.algorithm.filter(|_| whole);
    let joined = {
        let files = files.clone();
        store
            .run_blocking(move |store| join_parts(&store, &files, algorithm))
            .await?
    };
    if let Some(checksums) = joined.checksums {
        check_whole_checksums(&input, &checksums)?;
        attributes.checksums = checksums;
    }
    let checksums = attributes.checksums.clone();
    let put = PutRequest {
        address: address.clone(),
        file: joined.file,
        identity: joined.identity,
        etag: etag.clone(),
        modified_ms: joined.modified_ms,
        attributes,
        conditions: WriteConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            ..WriteConditions::default()
        },
        change: ObjectChange::CompleteMultipartUpload,
        upload: Some(input.upload_id),
    };
    put_object(store, put).await?;
    remove_part_files(store, files).await?;
    Ok(complete_output(address, etag, checksums))
}

/// Returns the stored parts that the client lists in a CompleteMultipartUpload request. Checks
/// their total size.
async fn wanted_parts(
    store: &S3Store,
    input: &mut CompleteMultipartUploadInput,
) -> S3Result<Vec<PartRow>> {
    let wanted = input
        .multipart_upload
        .take()
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let parts = choose_parts(&wanted, load_parts(store, &input.upload_id).await?)?;
    let total = parts.iter().map(|part| part.size).sum::<u64>();
    if total > MAX_OBJECT_BYTES {
        return Err(s3_error(S3ErrorCode::EntityTooLarge));
    }
    if input
        .mpu_object_size
        .is_some_and(|size| size.cast_unsigned() != total)
    {
        return Err(s3_error!(
            InvalidRequest,
            "The provided x-amz-mp-object-size does not match the parts"
        ));
    }
    Ok(parts)
}

fn check_whole_checksums(
    input: &CompleteMultipartUploadInput,
    computed: &ObjectChecksums,
) -> S3Result {
    for (given, computed) in [
        (&input.checksum_crc32, &computed.crc32),
        (&input.checksum_crc32c, &computed.crc32c),
        (&input.checksum_crc64nvme, &computed.crc64nvme),
    ] {
        if given.is_some() && given != computed {
            return Err(s3_error!(
                BadDigest,
                "The checksum you specified did not match the object's."
            ));
        }
    }
    Ok(())
}

fn complete_output(
    address: ObjectAddress,
    etag: String,
    checksums: ObjectChecksums,
) -> CompleteMultipartUploadOutput {
    CompleteMultipartUploadOutput {
        location: Some(format!("/{address}")),
        bucket: Some(address.bucket),
        key: Some(address.key),
        e_tag: Some(ETag::Strong(etag)),
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
        checksum_type: checksums.kind.map(Into::into),
        ..CompleteMultipartUploadOutput::default()
    }
}

/// Carries out AbortMultipartUpload.
///
/// # Errors
/// `NoSuchUpload` if there is no such open upload. `NoSuchBucket` if the bucket does not exist.
pub(crate) async fn abort_upload(store: &S3Store, input: AbortMultipartUploadInput) -> S3Result {
    let address = ObjectAddress::new(input.bucket, input.key);
    let id = input.upload_id;
    require_open_upload(store, &id, &address).await?;
    let files = store
        .change_database(move |connection| {
            upload_rows::require_open_upload(connection, &id)?;
            let parts = upload_rows::list_part_rows(connection, &id).map_err(database_error)?;
            upload_rows::delete_upload(connection, &id).map_err(database_error)?;
            Ok(parts.into_iter().map(|part| part.file).collect())
        })
        .await?;
    remove_part_files(store, files).await
}

/// Loads an upload that is open or completed. Fails if there is no such upload.
async fn find_upload(store: &S3Store, id: &str, address: &ObjectAddress) -> S3Result<UploadRow> {
    store.require_bucket(&address.bucket).await?;
    let (id, address) = (id.to_owned(), address.clone());
    store
        .query_database(move |connection| upload_rows::load_upload(connection, &id, &address))
        .await?
        .ok_or_else(|| s3_error(S3ErrorCode::NoSuchUpload))
}

/// Loads an upload that is open.
///
/// # Errors
/// `NoSuchUpload` if there is no such open upload. `NoSuchBucket` if the bucket does not exist.
pub(crate) async fn require_open_upload(
    store: &S3Store,
    id: &str,
    address: &ObjectAddress,
) -> S3Result<UploadRow> {
    let upload = find_upload(store, id, address).await?;
    if upload.completed_etag.is_some() {
        Err(s3_error(S3ErrorCode::NoSuchUpload))
    } else {
        Ok(upload)
    }
}

/// Lists the stored parts of an upload, ordered by number.
///
/// # Errors
/// `InternalError` if the database failed.
pub(crate) async fn load_parts(store: &S3Store, upload: &str) -> S3Result<Vec<PartRow>> {
    let upload = upload.to_owned();
    store
        .query_database(move |connection| upload_rows::list_part_rows(connection, &upload))
        .await
}

fn check_part_number(number: i32) -> S3Result {
    if (1..=10_000).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "Part number must be an integer between 1 and 10000, inclusive"
    ))
}
