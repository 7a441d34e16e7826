//! The operations on one object: get, head, put and delete.

use std::fs::File;
use std::ops::Range;

use http::{HeaderMap, StatusCode};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETag, ETagCondition, Error, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ObjectIdentifier, PutObjectInput, PutObjectOutput, StorageClass, Timestamp, TimestampFormat,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use crate::address::ObjectAddress;
use crate::attributes::{check_metadata, format_expires, parse_tags, strip_chunked_encoding};
use crate::conditions::{ReadConditions, WriteConditions};
use crate::database::{ObjectAttributes, ObjectChecksums, StoredObject};
use crate::errors::{custom_s3_error, s3_error};
use crate::etag::whole_etag;
use crate::file_body::range_body;
use crate::notification::ObjectChange;
use crate::opened_object::{OpenedObject, open_object};
use crate::received_file::{ExpectedBody, receive_body};
use crate::store::S3Store;
use crate::times::{timestamp, unix_ms};
use crate::write_object;
use crate::write_request::{DeleteRequest, PutRequest};

/// The maximum number of keys in one DeleteObjects request.
const MAX_DELETED_KEYS: usize = 1000;

/// The content type of an object for which the client gave none.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Carries out GetObject.
///
/// # Errors
/// `NoSuchKey` or `NoSuchBucket` if the object does not exist. `InvalidRange` if the range is not
/// within the object. The errors of [`ReadConditions::check_read`].
pub(crate) async fn get_object(
    store: &S3Store,
    input: GetObjectInput,
) -> S3Result<GetObjectOutput> {
    store
        .run_blocking(move |store| {
            let read = read_object(&store, input)?;
            Ok(GetObjectOutput {
                body: Some(range_body(read.file, read.range)?),
                ..read.response
            })
        })
        .await
}

/// Carries out HeadObject. The response is that of GetObject, without a body.
///
/// # Errors
/// The errors of [`get_object`].
pub(crate) async fn head_object(
    store: &S3Store,
    input: HeadObjectInput,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = GetObjectInput {
        bucket: input.bucket,
        key: input.key,
        checksum_mode: input.checksum_mode,
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
        part_number: input.part_number,
        range: input.range,
        version_id: input.version_id,
        ..GetObjectInput::default()
    };
    let got = store
        .run_blocking(move |store| read_object(&store, input).map(|read| read.response))
        .await?;
    let partial = got.content_range.is_some();
    let mut response = S3Response::new(HeadObjectOutput {
        accept_ranges: got.accept_ranges,
        cache_control: got.cache_control,
        checksum_crc32: got.checksum_crc32,
        checksum_crc32c: got.checksum_crc32c,
        checksum_crc64nvme: got.checksum_crc64nvme,
        checksum_sha1: got.checksum_sha1,
        checksum_sha256: got.checksum_sha256,
        checksum_type: got.checksum_type,
        content_disposition: got.content_disposition,
        content_encoding: got.content_encoding,
        content_language: got.content_language,
        content_length: got.content_length,
        content_range: got.content_range,
        content_type: got.content_type,
        e_tag: got.e_tag,
        expires: got.expires,
        last_modified: got.last_modified,
        metadata: got.metadata,
        parts_count: got.parts_count,
        storage_class: got.storage_class,
        website_redirect_location: got.website_redirect_location,
        ..HeadObjectOutput::default()
    });
    if partial {
        response.status = Some(StatusCode::PARTIAL_CONTENT);
    }
    Ok(response)
}

/// Carries out PutObject.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. The errors of [`check_metadata`], [`parse_tags`],
/// [`receive_body`] and [`WriteConditions::check`].
pub(crate) async fn put_object(
    store: &S3Store,
    request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let mut input = request.input;
    store.require_bucket(&input.bucket).await?;
    let mut attributes = put_attributes(&mut input)?;
    let conditions = WriteConditions {
        if_match: input.if_match.take(),
        if_none_match: input.if_none_match.take(),
        ..WriteConditions::default()
    };
    let body = input.body.take();
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
    expected.add_algorithms(input.checksum_algorithm.as_ref(), &request.headers);
    // The body is read even if a condition fails already. A client that gets a response before it
    // has sent everything often reports a broken connection instead.
    let received = receive_body(store, body, expected, request.trailing_headers).await?;
    let etag = whole_etag(&received.md5);
    attributes.checksums = received.checksums.clone();
    let put = PutRequest {
        address: ObjectAddress::new(input.bucket, input.key),
        file: received.file,
        identity: received.identity,
        etag: etag.clone(),
        modified_ms: received.modified_ms,
        attributes,
        conditions,
        change: ObjectChange::Put,
        upload: None,
    };
    write_object::put_object(store, put).await?;
    Ok(put_output(etag, received.checksums))
}

fn put_attributes(input: &mut PutObjectInput) -> S3Result<ObjectAttributes> {
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

fn put_output(etag: String, checksums: ObjectChecksums) -> PutObjectOutput {
    PutObjectOutput {
        e_tag: Some(ETag::Strong(etag)),
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
        checksum_type: checksums.kind.map(Into::into),
        ..PutObjectOutput::default()
    }
}

/// Carries out DeleteObject. Succeeds if the object does not exist, unless the request has a
/// condition.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. The errors of [`WriteConditions::check`].
pub(crate) async fn delete_object(
    store: &S3Store,
    input: DeleteObjectInput,
) -> S3Result<DeleteObjectOutput> {
    let delete = DeleteRequest {
        address: ObjectAddress::new(input.bucket, input.key),
        conditions: WriteConditions {
            if_match: input.if_match,
            if_none_match: None,
            if_match_size: input.if_match_size,
            if_match_modified_ms: input.if_match_last_modified_time.as_ref().map(unix_ms),
        },
    };
    write_object::delete_object(store, delete).await?;
    Ok(DeleteObjectOutput::default())
}

/// Carries out DeleteObjects. If one key fails, the other objects are still deleted.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. `MalformedXML` if there are more than 1,000 keys.
pub(crate) async fn delete_objects(
    store: &S3Store,
    input: DeleteObjectsInput,
) -> S3Result<DeleteObjectsOutput> {
    store.require_bucket(&input.bucket).await?;
    if input.delete.objects.len() > MAX_DELETED_KEYS {
        return Err(s3_error(S3ErrorCode::MalformedXML));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let deletes = input
        .delete
        .objects
        .into_iter()
        .map(|object| delete_listed_object(store, &input.bucket, object));
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for result in futures::future::join_all(deletes).await {
        match result {
            Ok(_) if quiet => {}
            Ok(object) => deleted.push(object),
            Err(error) => errors.push(error),
        }
    }
    Ok(DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        request_charged: None,
    })
}

async fn delete_listed_object(
    store: &S3Store,
    bucket: &str,
    object: ObjectIdentifier,
) -> Result<DeletedObject, Error> {
    let key = object.key;
    let delete = DeleteRequest {
        address: ObjectAddress::new(bucket, &key),
        conditions: WriteConditions {
            if_match: object.e_tag.map(ETagCondition::ETag),
            if_none_match: None,
            if_match_size: object.size,
            if_match_modified_ms: object.last_modified_time.as_ref().map(unix_ms),
        },
    };
    match write_object::delete_object(store, delete).await {
        Ok(()) => Ok(DeletedObject {
            key: Some(key),
            ..DeletedObject::default()
        }),
        Err(error) => Err(Error {
            key: Some(key),
            code: Some(error.code().as_str().to_owned()),
            message: Some(error.message().unwrap_or_default().to_owned()),
            version_id: None,
        }),
    }
}

/// A read whose conditions hold: the response without its body, and the file and the byte range of
/// the body.
struct ObjectRead {
    response: GetObjectOutput,
    file: File,
    range: Range<u64>,
}

/// Opens an object, and checks the conditions and the range of a read. Returns the response without
/// its body. Blocks.
fn read_object(store: &S3Store, input: GetObjectInput) -> S3Result<ObjectRead> {
    if input
        .version_id
        .as_deref()
        .is_some_and(|version| version != "null")
    {
        return Err(s3_error(S3ErrorCode::NoSuchVersion));
    }
    let address = ObjectAddress::new(input.bucket, input.key);
    let OpenedObject { object, file } = open_object(store, &address)?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    conditions.check_read(&object)?;
    let size = object.size();
    let parts = &object.attributes.parts;
    let requested = requested_range(input.range, input.part_number, size, parts)?;
    let parts_count = input.part_number.and(positive_count(parts.len()));
    // The checksums are those of the whole object. Clients compare them with the bytes that they
    // receive, so a range must not have them.
    let with_checksums = input.checksum_mode.is_some() && requested.is_none();
    let range = requested.clone().unwrap_or(0..size);
    let response = GetObjectOutput {
        content_length: Some((range.end - range.start).cast_signed()),
        content_range: requested
            .filter(|_| size > 0)
            .map(|range| content_range(&range, size)),
        parts_count,
        ..object_headers(object, with_checksums)
    };
    Ok(ObjectRead {
        response,
        file,
        range,
    })
}

/// Returns the response headers of a read that do not depend on its range. If `with_checksums` is
/// `true`, the checksums of the object are among them.
fn object_headers(object: StoredObject, with_checksums: bool) -> GetObjectOutput {
    let attributes = object.attributes;
    let checksums = if with_checksums {
        attributes.checksums
    } else {
        ObjectChecksums::default()
    };
    let content_type = attributes
        .content_type
        .unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned());
    GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        cache_control: attributes.cache_control,
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
        checksum_type: checksums.kind.map(Into::into),
        content_disposition: attributes.content_disposition,
        content_encoding: attributes.content_encoding,
        content_language: attributes.content_language,
        content_type: Some(content_type),
        e_tag: Some(ETag::Strong(object.etag)),
        expires: attributes
            .expires
            .and_then(|date| Timestamp::parse(TimestampFormat::HttpDate, &date).ok()),
        last_modified: Some(timestamp(object.modified_ms)),
        metadata: Some(attributes.metadata.into_iter().collect()),
        storage_class: attributes
            .storage_class
            .filter(|class| class != StorageClass::STANDARD)
            .map(Into::into),
        tag_count: positive_count(attributes.tags.len()),
        website_redirect_location: attributes.website_redirect_location,
        ..GetObjectOutput::default()
    }
}

/// Returns a count in the integer type of the protocol, or `None` if the count is zero.
fn positive_count(count: usize) -> Option<i32> {
    (count > 0).then(|| i32::try_from(count).unwrap_or(i32::MAX))
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    let last = range.end.saturating_sub(1);
    format!("bytes {}-{last}/{size}", range.start)
}

/// Returns the byte range that a request asks for, by a range or by the number of a part. Returns
/// `None` if the request asks for the whole object. `size` and `parts` are the sizes in bytes of
/// the object and of its parts.
fn requested_range(
    range: Option<s3s::dto::Range>,
    part_number: Option<i32>,
    size: u64,
    parts: &[u64],
) -> S3Result<Option<Range<u64>>> {
    match (range, part_number) {
        (Some(_), Some(_)) => Err(s3_error!(
            InvalidRequest,
            "Cannot specify both Range header and partNumber"
        )),
        (Some(range), None) => match range.check(size) {
            Ok(checked) => Ok(Some(checked)),
            Err(_) => Err(invalid_range_error(size)),
        },
        (None, Some(number)) => part_range(number, size, parts).map(Some),
        (None, None) => Ok(None),
    }
}

/// Returns the byte range of the part with this number. The first part has the number 1. `parts`
/// are the sizes in bytes of all parts. An object that was uploaded in one request has one part.
fn part_range(number: i32, size: u64, parts: &[u64]) -> S3Result<Range<u64>> {
    let index = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1))
        .ok_or_else(|| s3_error!(InvalidArgument, "partNumber starts at 1"))?;
    if parts.is_empty() && index == 0 {
        return Ok(0..size);
    }
    let length = parts.get(index).ok_or_else(invalid_part_number_error)?;
    let start = parts[..index].iter().sum::<u64>();
    Ok(start..start + length)
}

fn invalid_range_error(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    let mut headers = HeaderMap::new();
    if let Ok(value) = http::HeaderValue::try_from(format!("bytes */{size}")) {
        headers.insert(http::header::CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

fn invalid_part_number_error() -> S3Error {
    custom_s3_error(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable",
    )
}
