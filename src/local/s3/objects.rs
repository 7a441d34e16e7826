//! The operations on one object: get, head, put, copy, delete, tags.

use std::ops::Range;

use http::{HeaderMap, StatusCode};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag,
    ETagCondition, Error, GetObjectInput, GetObjectOutput, GetObjectTaggingOutput,
    HeadObjectOutput, MetadataDirective, PutObjectInput, PutObjectOutput, PutObjectTaggingInput,
    StorageClass, Tag, TaggingDirective, Timestamp, TimestampFormat,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::conditions::{
    ReadConditions, WriteConditions, http_date, raw_condition, timestamp, unix_ms,
};
use super::database::{self, Attributes, Checksums, Object};
use super::files::{Identity, Temporary};
use super::notification::Event;
use super::reading::{self, Found};
use super::receive::{self, Expected, Received, Sink};
use super::writer::{Delete, Put};
use super::{S3Store, custom, database_error, file_error, multipart};

/// Largest user metadata, names and values together, in bytes.
const LARGEST_METADATA: usize = 2048;

/// Most tags of an object.
const MOST_TAGS: usize = 10;

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
    let etag = multipart::etag(&[received.md5], false);
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

/// CopyObject.
pub(super) async fn copy(
    store: &S3Store,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let S3Request { input, headers, .. } = request;
    let (source_bucket, source_key) = copy_source(&input.copy_source)?;
    require_bucket(store, &input.bucket).await?;
    let from = ReadConditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    // s3s 0.14 does not know these two on a copy.
    let conditions = WriteConditions {
        if_match: raw_condition(&headers, "if-match")?,
        if_none_match: raw_condition(&headers, "if-none-match")?,
        ..WriteConditions::default()
    };
    let replace_metadata = input
        .metadata_directive
        .as_ref()
        .is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
    let replace_tags = input
        .tagging_directive
        .as_ref()
        .is_some_and(|d| d.as_str() == TaggingDirective::REPLACE);
    let given = Attributes {
        content_type: input.content_type,
        content_encoding: input.content_encoding.and_then(without_chunking),
        content_disposition: input.content_disposition,
        content_language: input.content_language,
        cache_control: input.cache_control,
        expires: input.expires.as_ref().map(date),
        website_redirect_location: input.website_redirect_location.clone(),
        metadata: metadata(input.metadata)?,
        ..Attributes::default()
    };
    let given_tags = input
        .tagging
        .as_deref()
        .map(parse_tags)
        .transpose()?
        .unwrap_or_default();
    let given_class = input.storage_class.map(|class| class.as_str().to_owned());
    let algorithm = input
        .checksum_algorithm
        .map(|algorithm| algorithm.as_str().to_owned());

    let onto_itself = source_bucket == input.bucket && source_key == input.key;
    let unchanged =
        !replace_metadata && !replace_tags && given_class.is_none() && algorithm.is_none();
    if onto_itself && unchanged && input.website_redirect_location.is_none() {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let (source, copied) = store
        .blocking(move |store| {
            let found = reading::find(&store, &source_bucket, &source_key)?;
            from.check_copy(&found.object)?;
            if found.object.size() > receive::LARGEST_PUT {
                return Err(s3_error!(
                    InvalidRequest,
                    "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
                ));
            }
            let (root, relative) =
                store.shared().folders.locate(&source_bucket, &source_key, found.object.location);
            copy_file(&store, found, &root.join(relative), algorithm)
        })
        .await?;
    let mut attributes = if replace_metadata {
        given
    } else {
        Attributes {
            tags: Vec::new(),
            parts: Vec::new(),
            ..source.attributes.clone()
        }
    };
    attributes.website_redirect_location = input.website_redirect_location;
    attributes.tags = if replace_tags {
        given_tags
    } else {
        source.attributes.tags
    };
    attributes.storage_class = given_class;
    attributes.checksums = copied.checksums;
    let result = CopyObjectResult {
        e_tag: Some(ETag::Strong(copied.etag.clone())),
        last_modified: Some(timestamp(copied.modified_ms)),
        checksum_crc32: attributes.checksums.crc32.clone(),
        checksum_crc32c: attributes.checksums.crc32c.clone(),
        checksum_crc64nvme: attributes.checksums.crc64nvme.clone(),
        checksum_sha1: attributes.checksums.sha1.clone(),
        checksum_sha256: attributes.checksums.sha256.clone(),
        checksum_type: attributes.checksums.kind.clone().map(Into::into),
    };
    let put = Put {
        bucket: input.bucket,
        key: input.key,
        file: copied.file,
        identity: copied.identity,
        etag: copied.etag,
        modified_ms: copied.modified_ms,
        attributes,
        conditions,
        event: Event::Copy,
        upload: None,
    };
    store.put(put).await?;
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        ..CopyObjectOutput::default()
    })
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
        return Err(s3_error!(MalformedXML));
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
        let mut object = current.ok_or_else(|| s3_error!(NoSuchKey))?;
        object.attributes.tags = tags;
        database::put_object(connection, &bucket, &key, None, &object).map_err(database_error)
    };
    store.change(change).await
}

/// Where a copy comes from.
pub(super) fn copy_source(source: &CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket {
            version_id: Some(_),
            ..
        } => Err(s3_error!(NotImplemented, "there are no versions here")),
        CopySource::Bucket { bucket, key, .. } => Ok((bucket.to_string(), key.to_string())),
        _ => Err(s3_error!(NotImplemented, "there are no access points here")),
    }
}

/// User metadata, as it is kept.
pub(super) fn metadata(
    given: Option<s3s::dto::Metadata>,
) -> S3Result<std::collections::BTreeMap<String, String>> {
    let metadata: std::collections::BTreeMap<_, _> = given.into_iter().flatten().collect();
    if metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>()
        > LARGEST_METADATA
    {
        return Err(s3_error!(MetadataTooLarge));
    }
    Ok(metadata)
}

/// Tags as the header has them: a query string.
pub(super) fn parse_tags(header: &str) -> S3Result<Vec<(String, String)>> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8()
            .map(|text| text.into_owned())
    };
    let pairs = header
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(key)?, decode(value)?))
        });
    let tags: Result<_, std::str::Utf8Error> = pairs.collect();
    checked_tags(tags.map_err(|error| s3_error!(error, InvalidArgument, "the tags are not UTF-8"))?)
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
        false => Err(s3_error!(NoSuchBucket)),
    }
}

/// `aws-chunked` says how the body came, not what it is.
pub(super) fn without_chunking(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|name| *name != "aws-chunked")
        .collect();
    (!kept.is_empty() && kept != [""]).then(|| kept.join(","))
}

/// An HTTP date, as it is kept.
pub(super) fn date(time: &Timestamp) -> String {
    http_date(unix_ms(time))
}

fn read(store: &S3Store, input: GetObjectInput, with_body: bool) -> S3Result<GetObjectOutput> {
    if input
        .version_id
        .as_deref()
        .is_some_and(|version| version != "null")
    {
        return Err(s3_error!(NoSuchVersion));
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

/// A copied file, ready to be put in place.
struct Copied {
    file: Temporary,
    identity: Identity,
    modified_ms: i64,
    etag: String,
    checksums: Checksums,
}

/// Copies an object's bytes: shared with the source where the file system can, without hashing where the source's
/// digest is that of the bytes.
fn copy_file(
    store: &S3Store,
    found: Found,
    path: &std::path::Path,
    algorithm: Option<String>,
) -> S3Result<(Object, Copied)> {
    let Found {
        object,
        file: mut source,
    } = found;
    let folder = store.shared().folders.temporary();
    let unhashed = object.attributes.parts.is_empty() && algorithm.is_none();
    let copied = if unhashed {
        let cloned =
            Temporary::reflink(&folder, path).map_err(|error| file_error("copy", error))?;
        let (temporary, file) = match cloned {
            // The clone goes by path: it is the right one if the path is still the object's file.
            Some(clone) if is_still(path, object.identity) => clone,
            _ => {
                let (temporary, mut file) =
                    Temporary::create(&folder).map_err(|error| file_error("create", error))?;
                // On Linux this is copy_file_range: the bytes stay in the kernel.
                std::io::copy(&mut source, &mut file).map_err(|error| file_error("copy", error))?;
                (temporary, file)
            }
        };
        let (identity, modified_ms) = receive::seal(&file)?;
        let (etag, checksums) = (object.etag.clone(), object.attributes.checksums.clone());
        Copied {
            file: temporary,
            identity,
            modified_ms,
            etag,
            checksums,
        }
    } else {
        let expected = Expected {
            algorithms: algorithm.into_iter().collect(),
            ..Expected::default()
        };
        let mut sink = Sink::create(store, expected.hasher())?;
        sink.append(&mut source)?;
        let Received {
            file,
            identity,
            md5,
            checksums,
            modified_ms,
        } = sink.finish()?;
        Copied {
            file,
            identity,
            modified_ms,
            etag: multipart::etag(&[md5], false),
            checksums,
        }
    };
    let after = source
        .metadata()
        .map_err(|error| file_error("look at", error))?;
    if Identity::of(&after) != object.identity || copied.identity.size != object.identity.size {
        return Err(s3_error!(
            ServiceUnavailable,
            "the source is being changed by another program"
        ));
    }
    Ok((object, copied))
}

fn no_such_part() -> S3Error {
    custom(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable",
    )
}

fn is_still(path: &std::path::Path, identity: Identity) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && Identity::of(&metadata) == identity)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>
fn checked_tags(tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    if tags.len() > MOST_TAGS {
        return Err(custom(
            "BadRequest",
            StatusCode::BAD_REQUEST,
            "Object tags cannot be greater than 10",
        ));
    }
    let mut keys = std::collections::HashSet::new();
    for (key, value) in &tags {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(s3_error!(
                InvalidTag,
                "The TagKey you have provided is invalid"
            ));
        }
        if value.chars().count() > 256 {
            return Err(s3_error!(
                InvalidTag,
                "The TagValue you have provided is invalid"
            ));
        }
        if !keys.insert(key) {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
    }
    Ok(tags)
}
