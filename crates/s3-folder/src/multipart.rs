//! Multipart uploads. Parts are files of their own until the upload is completed; nothing of them is an object.

use std::io::{Read, Seek, SeekFrom};

use rusqlite::{Connection, params};
use s3s::dto::{
    AbortMultipartUploadInput, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, Initiator, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Part,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Result, s3_error};

use super::attributes::{date, metadata, parse_tags, without_chunking};
use super::conditions::{ReadConditions, WriteConditions, timestamp};
use super::copying::copy_source;
use super::database::{Attributes, Checksums, key_of, to_json};
use super::listing::{Spelling, owner};
use super::notification::Event;
use super::objects::require_bucket;
use super::parts::{
    Listed, StoredPart, all_files, assemble, chosen_parts, composite, copy_range, etag,
    find_upload, new_id, open_upload, parts, remove_files, require_open, store_part,
};
use super::receive::{self, Expected, Sink};
use super::writer::Put;
use super::{S3Store, database_error, file_error, now_ms, reading, refusal};

/// Largest object: 5 TiB.
const LARGEST_OBJECT: u64 = 5 << 40;

/// CreateMultipartUpload.
pub(super) async fn create(
    store: &S3Store,
    input: CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    require_bucket(store, &input.bucket).await?;
    let attributes = Attributes {
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
    let algorithm = input
        .checksum_algorithm
        .map(|algorithm| algorithm.as_str().to_ascii_uppercase());
    let kind = algorithm
        .as_deref()
        .map(|algorithm| match (input.checksum_type, algorithm) {
            (Some(kind), _) => kind.as_str().to_owned(),
            (None, "CRC64NVME") => ChecksumType::FULL_OBJECT.to_owned(),
            (None, _) => ChecksumType::COMPOSITE.to_owned(),
        });
    let id = new_id()?;
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(id.clone()),
        checksum_algorithm: algorithm.clone().map(Into::into),
        checksum_type: kind.clone().map(Into::into),
        ..CreateMultipartUploadOutput::default()
    };
    let insert = move |connection: &Connection| {
        let sql = "INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)";
        let attributes = to_json(&attributes).map_err(database_error)?;
        connection
            .execute(
                sql,
                params![
                    id,
                    input.bucket,
                    input.key.as_bytes(),
                    now_ms(),
                    attributes,
                    algorithm,
                    kind
                ],
            )
            .map_err(database_error)?;
        Ok(())
    };
    store.change(insert).await?;
    Ok(output)
}

/// UploadPart.
pub(super) async fn upload_part(
    store: &S3Store,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let S3Request {
        input,
        headers,
        trailing_headers,
        ..
    } = request;
    check_number(input.part_number)?;
    open_upload(store, &input.upload_id, &input.bucket, &input.key).await?;
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

/// UploadPartCopy.
pub(super) async fn upload_part_copy(
    store: &S3Store,
    input: UploadPartCopyInput,
) -> S3Result<UploadPartCopyOutput> {
    check_number(input.part_number)?;
    let upload = open_upload(store, &input.upload_id, &input.bucket, &input.key).await?;
    let (bucket, key) = copy_source(&input.copy_source)?;
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let range = input.copy_source_range;
    let received = store
        .blocking(move |store| {
            let mut found = reading::find(&store, &bucket, &key)?;
            conditions.check_copy(&found.object)?;
            let size = found.object.size();
            let range = match range {
                Some(range) => copy_range(&range, size)?,
                None => 0..size,
            };
            if range.end - range.start > receive::LARGEST_PUT {
                return Err(refusal(S3ErrorCode::EntityTooLarge));
            }
            let expected = Expected {
                algorithms: upload.algorithm.into_iter().collect(),
                ..Expected::default()
            };
            let mut sink = Sink::create(&store, expected.hasher())?;
            found
                .file
                .seek(SeekFrom::Start(range.start))
                .map_err(|error| file_error("read", error))?;
            sink.append(found.file.take(range.end - range.start))?;
            sink.finish()
        })
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

/// CompleteMultipartUpload. Repeated within a day, it answers as the first time.
pub(super) async fn complete(
    store: &S3Store,
    input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let (bucket, key, id) = (input.bucket, input.key, input.upload_id);
    let upload = find_upload(store, &id, &bucket, &key).await?;
    let answer = |etag: String, checksums: Checksums| CompleteMultipartUploadOutput {
        bucket: Some(bucket.clone()),
        key: Some(key.clone()),
        location: Some(format!("/{bucket}/{key}")),
        e_tag: Some(ETag::Strong(etag)),
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
        checksum_type: checksums.kind.map(Into::into),
        ..CompleteMultipartUploadOutput::default()
    };
    if let Some(etag) = upload.completed {
        return Ok(answer(etag, Checksums::default()));
    }
    let wanted = input
        .multipart_upload
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let parts = chosen_parts(&wanted, parts(store, &id).await?)?;
    let total = parts.iter().map(|part| part.size).sum::<u64>();
    if total > LARGEST_OBJECT {
        return Err(refusal(S3ErrorCode::EntityTooLarge));
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
    let digests: Vec<[u8; 16]> = parts.iter().map(|part| part.digest).collect();
    let etag = etag(&digests, true);
    let mut attributes = upload.attributes;
    attributes.parts = parts.iter().map(|part| part.size).collect();
    let whole = upload.kind.as_deref() == Some(ChecksumType::FULL_OBJECT);
    if let Some(algorithm) = upload.algorithm.as_deref().filter(|_| !whole) {
        attributes.checksums = composite(algorithm, &parts)?;
    }
    let files: Vec<String> = parts.iter().map(|part| part.file.clone()).collect();
    let algorithm = upload.algorithm.filter(|_| whole);
    let (file, identity, modified_ms, checksums) = {
        let files = files.clone();
        store
            .blocking(move |store| assemble(&store, &files, algorithm))
            .await?
    };
    if let Some(checksums) = checksums {
        for (said, computed) in [
            (&input.checksum_crc32, &checksums.crc32),
            (&input.checksum_crc32c, &checksums.crc32c),
            (&input.checksum_crc64nvme, &checksums.crc64nvme),
        ] {
            if said.is_some() && said != computed {
                return Err(s3_error!(
                    BadDigest,
                    "The checksum you specified did not match the object's."
                ));
            }
        }
        attributes.checksums = checksums;
    }
    let checksums = attributes.checksums.clone();
    let conditions = WriteConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        ..WriteConditions::default()
    };
    let put = Put {
        bucket: bucket.clone(),
        key: key.clone(),
        file,
        identity,
        etag: etag.clone(),
        modified_ms,
        attributes,
        conditions,
        event: Event::CompleteMultipartUpload,
        upload: Some(id),
    };
    store.put(put).await?;
    remove_files(store, files).await?;
    Ok(answer(etag, checksums))
}

/// AbortMultipartUpload.
pub(super) async fn abort(store: &S3Store, input: AbortMultipartUploadInput) -> S3Result {
    open_upload(store, &input.upload_id, &input.bucket, &input.key).await?;
    let id = input.upload_id;
    let delete = move |connection: &Connection| {
        require_open(connection, &id)?;
        let files = all_files(connection, &id).map_err(database_error)?;
        connection
            .execute("DELETE FROM parts WHERE upload = ?1", [&id])
            .map_err(database_error)?;
        connection
            .execute("DELETE FROM uploads WHERE id = ?1", [&id])
            .map_err(database_error)?;
        Ok(files)
    };
    let files = store.change(delete).await?;
    remove_files(store, files).await
}

/// ListParts.
pub(super) async fn list_parts(
    store: &S3Store,
    input: ListPartsInput,
) -> S3Result<ListPartsOutput> {
    let upload = open_upload(store, &input.upload_id, &input.bucket, &input.key).await?;
    let after = input
        .part_number_marker
        .as_ref()
        .and_then(|marker| marker.to_string().parse::<i32>().ok());
    let most = usize::try_from(input.max_parts.unwrap_or(1000))
        .unwrap_or(0)
        .min(1000);
    let mut all = parts(store, &input.upload_id).await?;
    all.retain(|part| part.number > after.unwrap_or(0));
    let truncated = all.len() > most;
    all.truncate(most);
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(truncated),
        max_parts: i32::try_from(most).ok(),
        part_number_marker: input.part_number_marker,
        next_part_number_marker: if truncated {
            all.last().map(|part| part.number)
        } else {
            None
        },
        checksum_algorithm: upload.algorithm.map(Into::into),
        checksum_type: upload.kind.map(Into::into),
        owner: Some(owner()),
        initiator: Some(initiator()),
        storage_class: upload.attributes.storage_class.map(Into::into),
        parts: Some(all.into_iter().map(described).collect()),
        ..ListPartsOutput::default()
    })
}

/// ListMultipartUploads, without delimiter.
pub(super) async fn list_uploads(
    store: &S3Store,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    require_bucket(store, &input.bucket).await?;
    let most = usize::try_from(input.max_uploads.unwrap_or(1000))
        .unwrap_or(0)
        .min(1000);
    let (bucket, prefix) = (
        input.bucket.clone(),
        input.prefix.clone().unwrap_or_default(),
    );
    let (key_marker, id_marker) = (input.key_marker.clone(), input.upload_id_marker.clone());
    let query = move |connection: &Connection| {
        let sql = "SELECT key, id, started_ms, algorithm, checksum_type FROM uploads
                   WHERE bucket = ?1 AND completed IS NULL ORDER BY key, started_ms, id";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([&bucket], |row| {
            Ok((
                key_of(row, 0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })?;
        let mut all = rows.collect::<rusqlite::Result<Vec<Listed>>>()?;
        all.retain(|(key, ..)| key.starts_with(&prefix));
        if let Some(marker) = key_marker.filter(|marker| !marker.is_empty()) {
            let at = id_marker.and_then(|id| {
                all.iter()
                    .position(|(key, other, ..)| *key == marker && *other == id)
            });
            let first = at.map_or_else(
                || all.partition_point(|(key, ..)| *key <= marker),
                |at| at + 1,
            );
            all.drain(..first);
        }
        Ok(all)
    };
    let mut all = store.query(query).await?;
    let truncated = all.len() > most;
    all.truncate(most);
    let spelling = Spelling::of(input.encoding_type.as_ref());
    let last = all
        .last()
        .filter(|_| truncated)
        .map(|(key, id, ..)| (spelling.spell(key.clone()), id.clone()));
    let (next_key, next_id) = last.unzip();
    let uploads = all
        .into_iter()
        .map(|(key, id, started_ms, algorithm, kind)| MultipartUpload {
            key: Some(spelling.spell(key)),
            upload_id: Some(id),
            initiated: Some(timestamp(started_ms)),
            initiator: Some(initiator()),
            owner: Some(owner()),
            checksum_algorithm: algorithm.map(Into::into),
            checksum_type: kind.map(Into::into),
            storage_class: None,
        });
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(truncated),
        max_uploads: i32::try_from(most).ok(),
        uploads: Some(uploads.collect()),
        next_key_marker: next_key,
        next_upload_id_marker: next_id,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        prefix: input.prefix,
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    })
}

fn described(part: StoredPart) -> Part {
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

fn check_number(number: i32) -> S3Result {
    if (1..=10_000).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "Part number must be an integer between 1 and 10000, inclusive"
    ))
}

fn initiator() -> Initiator {
    Initiator {
        display_name: Some("local".to_owned()),
        id: Some("local".to_owned()),
    }
}
