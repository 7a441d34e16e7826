//! The operations on one object: get, head, put, delete, tags.

use std::ops::Range;

use http::{HeaderMap, StatusCode};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETag, ETagCondition, Error, GetObjectInput, GetObjectOutput, GetObjectTaggingOutput,
    HeadObjectOutput, PutObjectInput, PutObjectOutput, PutObjectTaggingInput, StorageClass, Tag,
    Timestamp, TimestampFormat,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::attributes::{checked_tags, date, metadata, parse_tags, without_chunking};
use super::conditions::{ReadConditions, WriteConditions, timestamp, unix_ms};
use super::database::{self, Attributes, Checksums};
use super::notification::Event;
use super::reading::{self, Found};
use super::receive::{self, Expected};
use super::writer::{Delete, Put};
use super::{S3Store, custom, database_error, parts, refusal};

/// GetObject; a HEAD is one whose body is thrown away, see [`head`].
pub(super) async fn get(store: &S3Store, input: GetObjectInput) -> S3Result<GetObjectOutput> {
    store.blocking(move |store| read(&store, input, true)).await
}

/// HeadObject.
pub(super) async fn head(
    store: &S3Store,
    input: GetObjectInput,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let got = store
        .blocking(move |store| read(&store, input, false))
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

/// PutObject, and PostObject, a form's upload, which s3s turns into one.
pub(super) async fn put(
    store: &S3Store,
    request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let S3Request {
        input,
        headers,
        trailing_headers,
        method,
        ..
    } = request;
    let event = if method == http::Method::POST {
        Event::Post
    } else {
        Event::Put
    };
    let (bucket, key) = (input.bucket, input.key);
    require_bucket(store, &bucket).await?;
    let mut attributes = Attributes {
        content_type: input.content_type,
        content_encoding: input.content_encoding.and_then(without_chunking),
        content_disposition: input.content_disposition,
        content_language: input.content_language,
        cache_control: input.cache_control,
        expires: input.expires.as_ref().map(date),
        storage_class: input.storage_class.map(|class| class.as_str().to_owned()),
        website_redirect_location: input.website_redirect_location,
        metadata: metadata(input.metadata)?,
        tags: input
            .tagging
            .as_deref()
            .map(parse_tags)
            .transpose()?
            .unwrap_or_default(),
        ..Attributes::default()
    };
    let conditions = WriteConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        ..WriteConditions::default()
    };
    // The body is read even where the condition fails already: a client that gets its answer before it has sent
    // everything often reports a broken connection instead.
    let mut expected = Expected {
        content_length: input.content_length,
        content_md5: input.content_md5,
        checksums: Checksums {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
            kind: None,
        },
        algorithms: input
            .checksum_algorithm
            .map(|algorithm| algorithm.as_str().to_owned())
            .into_iter()
            .collect(),
    };
    expected.announce(&headers);
    let received = receive::receive(store, input.body, expected, trailing_headers).await?;
    let etag = parts::etag(&[received.md5], false);
    attributes.checksums = received.checksums.clone();
    let answer = PutObjectOutput {
        e_tag: Some(ETag::Strong(etag.clone())),
        checksum_crc32: received.checksums.crc32.clone(),
        checksum_crc32c: received.checksums.crc32c.clone(),
        checksum_crc64nvme: received.checksums.crc64nvme.clone(),
        checksum_sha1: received.checksums.sha1.clone(),
        checksum_sha256: received.checksums.sha256.clone(),
        checksum_type: received.checksums.kind.clone().map(Into::into),
        ..PutObjectOutput::default()
    };
    let put = Put {
        bucket,
        key,
        file: received.file,
        identity: received.identity,
        etag,
        modified_ms: received.modified_ms,
        attributes,
        conditions,
        event,
        upload: None,
    };
    store.put(put).await?;
    Ok(answer)
}

/// DeleteObject. Deleting what does not exist succeeds.
pub(super) async fn delete(
    store: &S3Store,
    input: DeleteObjectInput,
) -> S3Result<DeleteObjectOutput> {
    let conditions = WriteConditions {
        if_match: input.if_match,
        if_none_match: None,
        if_match_size: input.if_match_size,
        if_match_modified_ms: input.if_match_last_modified_time.as_ref().map(unix_ms),
    };
    store
        .delete(Delete {
            bucket: input.bucket,
            key: input.key,
            conditions,
        })
        .await?;
    Ok(DeleteObjectOutput::default())
}

/// DeleteObjects: each key succeeds or fails by itself.
pub(super) async fn delete_many(
    store: &S3Store,
    input: DeleteObjectsInput,
) -> S3Result<DeleteObjectsOutput> {
    require_bucket(store, &input.bucket).await?;
    if input.delete.objects.len() > 1000 {
        return Err(refusal(S3ErrorCode::MalformedXML));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let deletes = input.delete.objects.into_iter().map(|object| {
        let bucket = input.bucket.clone();
        async move {
            let conditions = WriteConditions {
                if_match: object.e_tag.map(ETagCondition::ETag),
                if_none_match: None,
                if_match_size: object.size,
                if_match_modified_ms: object.last_modified_time.as_ref().map(unix_ms),
            };
            let key = object.key.clone();
            (
                object.key,
                store
                    .delete(Delete {
                        bucket,
                        key,
                        conditions,
                    })
                    .await,
            )
        }
    });
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for (key, result) in futures::future::join_all(deletes).await {
        match result {
            Ok(()) if quiet => {}
            Ok(()) => deleted.push(DeletedObject {
                key: Some(key),
                ..DeletedObject::default()
            }),
            Err(error) => errors.push(Error {
                key: Some(key),
                code: Some(error.code().as_str().to_owned()),
                message: Some(error.message().unwrap_or_default().to_owned()),
                version_id: None,
            }),
        }
    }
    Ok(DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        request_charged: None,
    })
}

/// GetObjectTagging.
pub(super) async fn tags(
    store: &S3Store,
    bucket: String,
    key: String,
) -> S3Result<GetObjectTaggingOutput> {
    let found = store
        .blocking(move |store| reading::find(&store, &bucket, &key))
        .await?;
    let tag = |(key, value)| Tag {
        key: Some(key),
        value: Some(value),
    };
    Ok(GetObjectTaggingOutput {
        tag_set: found.object.attributes.tags.into_iter().map(tag).collect(),
        version_id: None,
    })
}

/// PutObjectTagging.
pub(super) async fn put_tags(store: &S3Store, input: PutObjectTaggingInput) -> S3Result {
    let tags = input.tagging.tag_set.into_iter();
    let tags = tags
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect();
    set_tags(store, input.bucket, input.key, checked_tags(tags)?).await
}

/// Replaces an object's tags; the object's bytes, ETag and time stay.
pub(super) async fn set_tags(
    store: &S3Store,
    bucket: String,
    key: String,
    tags: Vec<(String, String)>,
) -> S3Result {
    let (find_bucket, find_key) = (bucket.clone(), key.clone());
    store
        .blocking(move |store| reading::find(&store, &find_bucket, &find_key).map(drop))
        .await?;
    let change = move |connection: &rusqlite::Connection| {
        let (current, _) = database::object(connection, &bucket, &key).map_err(database_error)?;
        let mut object = current.ok_or_else(|| refusal(S3ErrorCode::NoSuchKey))?;
        object.attributes.tags = tags;
        database::put_object(connection, &bucket, &key, None, &object).map_err(database_error)
    };
    store.change(change).await
}

/// # Errors
/// `NoSuchBucket`.
pub(super) async fn require_bucket(store: &S3Store, bucket: &str) -> S3Result {
    let bucket = bucket.to_owned();
    match store
        .query(move |connection| database::bucket_exists(connection, &bucket))
        .await?
    {
        true => Ok(()),
        false => Err(refusal(S3ErrorCode::NoSuchBucket)),
    }
}

fn read(store: &S3Store, input: GetObjectInput, with_body: bool) -> S3Result<GetObjectOutput> {
    if input
        .version_id
        .as_deref()
        .is_some_and(|version| version != "null")
    {
        return Err(refusal(S3ErrorCode::NoSuchVersion));
    }
    let Found { object, file } = reading::find(store, &input.bucket, &input.key)?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    conditions.check_read(&object)?;
    let size = object.size();
    let attributes = object.attributes;
    let wanted = wanted_range(input.range, input.part_number, size, &attributes.parts)?;
    let whole = wanted.is_none();
    let range = wanted.clone().unwrap_or(0..size);
    let length = range.end - range.start;
    let body = if with_body {
        Some(reading::body(file, range)?)
    } else {
        None
    };
    // A checksum of the whole says nothing of a part, and clients check it against what they get.
    let checksums = match input.checksum_mode {
        Some(_) if whole => attributes.checksums,
        _ => Checksums::default(),
    };
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body,
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
        content_length: Some(length.cast_signed()),
        content_range: wanted
            .map(|range| {
                format!(
                    "bytes {}-{}/{size}",
                    range.start,
                    range.end.saturating_sub(1)
                )
            })
            .filter(|_| size > 0),
        content_type: Some(
            attributes
                .content_type
                .unwrap_or_else(|| "binary/octet-stream".to_owned()),
        ),
        e_tag: Some(ETag::Strong(object.etag)),
        expires: attributes
            .expires
            .and_then(|date| Timestamp::parse(TimestampFormat::HttpDate, &date).ok()),
        last_modified: Some(timestamp(object.modified_ms)),
        metadata: Some(attributes.metadata.into_iter().collect()),
        parts_count: input
            .part_number
            .and(Some(count(attributes.parts.len())).filter(|parts| *parts > 0)),
        storage_class: attributes
            .storage_class
            .filter(|class| class != StorageClass::STANDARD)
            .map(Into::into),
        tag_count: Some(count(attributes.tags.len())).filter(|tags| *tags > 0),
        website_redirect_location: attributes.website_redirect_location,
        ..GetObjectOutput::default()
    })
}

/// The bytes that a request wants; `None` for all of them.
fn wanted_range(
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
        (Some(range), None) => {
            let checked = range.check(size);
            let Ok(checked) = checked else {
                let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
                let mut headers = HeaderMap::new();
                if let Ok(value) = http::HeaderValue::try_from(format!("bytes */{size}")) {
                    headers.insert(http::header::CONTENT_RANGE, value);
                }
                error.set_headers(headers);
                return Err(error);
            };
            Ok(Some(checked))
        }
        (None, Some(number)) => {
            let index = usize::try_from(number)
                .ok()
                .and_then(|number| number.checked_sub(1));
            let index =
                index.ok_or_else(|| s3_error!(InvalidArgument, "partNumber starts at 1"))?;
            if parts.is_empty() && index == 0 {
                return Ok(Some(0..size));
            }
            let length = parts.get(index).ok_or_else(no_such_part)?;
            let start = parts[..index].iter().sum::<u64>();
            Ok(Some(start..start + length))
        }
        (None, None) => Ok(None),
    }
}

fn no_such_part() -> S3Error {
    custom(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable",
    )
}
