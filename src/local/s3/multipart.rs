//! Multipart uploads. Parts are files of their own until the upload is completed; nothing of them is an object.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use md5::{Digest, Md5};
use rusqlite::{Connection, OptionalExtension, params};
use s3s::checksum::ChecksumHasher;
use s3s::dto::{
    AbortMultipartUploadInput, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, Initiator, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Part,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::conditions::{ReadConditions, WriteConditions, timestamp};
use super::database::{Attributes, Checksums, from_json, key_of, to_json};
use super::files::{self, Temporary};
use super::listing::{Spelling, owner};
use super::notification::Event;
use super::objects::{self, metadata, parse_tags, require_bucket, without_chunking};
use super::receive::{self, Expected, Received, Sink};
use super::writer::{Put, Shared};
use super::{S3Store, database_error, file_error, now_ms, reading};

/// Least size of every part but the last.
const SMALLEST_PART: u64 = 5 << 20;

/// Largest object: 5 TiB.
const LARGEST_OBJECT: u64 = 5 << 40;

/// The ETag of an object: MD5 of its bytes, or, in parts, MD5 of the parts' MD5s and their number.
pub(super) fn etag(digests: &[[u8; 16]], in_parts: bool) -> String {
    if let ([digest], false) = (digests, in_parts) {
        return data_encoding::HEXLOWER.encode(digest);
    }
    let digest = Md5::digest(digests.concat());
    format!(
        "{}-{}",
        data_encoding::HEXLOWER.encode(&digest),
        digests.len()
    )
}

/// # Errors
/// `NoSuchUpload` where it is not open, or not any more.
pub(super) fn require_open(connection: &Connection, upload: &str) -> S3Result {
    let open = connection
        .prepare_cached("SELECT 1 FROM uploads WHERE id = ?1 AND completed IS NULL")
        .and_then(|mut statement| statement.exists([upload]))
        .map_err(database_error)?;
    if open {
        Ok(())
    } else {
        Err(s3_error!(NoSuchUpload))
    }
}

/// Remembers how the upload ended, for a client that asks again because it missed the answer.
pub(super) fn mark_completed(
    connection: &Connection,
    upload: &str,
    etag: &str,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE uploads SET completed = ?2 WHERE id = ?1",
        params![upload, etag],
    )?;
    connection.execute("DELETE FROM parts WHERE upload = ?1", [upload])?;
    Ok(())
}

/// Removes the part files that no upload knows, and forgets uploads completed more than a day ago.
pub(super) fn clean(connection: &Connection, shared: &Shared) -> rusqlite::Result<()> {
    let day_ago = now_ms() - 24 * 3600 * 1000;
    connection.execute(
        "DELETE FROM uploads WHERE completed IS NOT NULL AND started_ms < ?1",
        [day_ago],
    )?;
    for entry in std::fs::read_dir(shared.folders.uploads())
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !connection
            .prepare_cached("SELECT 1 FROM parts WHERE file = ?1")?
            .exists([name])?
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

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
        expires: input.expires.as_ref().map(objects::date),
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
    let (bucket, key) = objects::copy_source(&input.copy_source)?;
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
                return Err(s3_error!(EntityTooLarge));
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
        return Err(s3_error!(EntityTooLarge));
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

/// Key, id, start, checksum algorithm and type of an upload.
type Listed = (String, String, i64, Option<String>, Option<String>);

struct Upload {
    attributes: Attributes,
    algorithm: Option<String>,
    /// The checksum's type.
    kind: Option<String>,
    /// ETag of what it became.
    completed: Option<String>,
}

struct StoredPart {
    number: i32,
    file: String,
    size: u64,
    etag: String,
    digest: [u8; 16],
    modified_ms: i64,
    checksums: Checksums,
}

async fn find_upload(store: &S3Store, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
    require_bucket(store, bucket).await?;
    let (id, bucket, key) = (id.to_owned(), bucket.to_owned(), key.to_owned());
    let query = move |connection: &Connection| {
        let sql = "SELECT attributes, algorithm, checksum_type, completed FROM uploads
                   WHERE id = ?1 AND bucket = ?2 AND key = ?3";
        connection
            .prepare_cached(sql)?
            .query_row(params![id, bucket, key.as_bytes()], |row| {
                Ok(Upload {
                    attributes: from_json(row, 0)?,
                    algorithm: row.get(1)?,
                    kind: row.get(2)?,
                    completed: row.get(3)?,
                })
            })
            .optional()
    };
    store
        .query(query)
        .await?
        .ok_or_else(|| s3_error!(NoSuchUpload))
}

async fn open_upload(store: &S3Store, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
    let upload = find_upload(store, id, bucket, key).await?;
    if upload.completed.is_some() {
        Err(s3_error!(NoSuchUpload))
    } else {
        Ok(upload)
    }
}

async fn parts(store: &S3Store, id: &str) -> S3Result<Vec<StoredPart>> {
    let id = id.to_owned();
    let query = move |connection: &Connection| {
        let sql = "SELECT number, file, size, etag, modified_ms, checksums FROM parts WHERE upload = ?1 ORDER BY number";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([id], |row| {
            let etag: String = row.get(3)?;
            let mut digest = [0; 16];
            if let Ok(bytes) = data_encoding::HEXLOWER.decode(etag.as_bytes())
                && bytes.len() == 16
            {
                digest.copy_from_slice(&bytes);
            }
            Ok(StoredPart {
                number: row.get(0)?,
                file: row.get(1)?,
                size: row.get::<_, i64>(2)?.cast_unsigned(),
                etag,
                digest,
                modified_ms: row.get(4)?,
                checksums: from_json(row, 5)?,
            })
        })?;
        rows.collect()
    };
    store.query(query).await
}

struct Stored {
    etag: String,
    checksums: Checksums,
}

/// Keeps a received part; the one that had its number before is dropped.
async fn store_part(
    store: &S3Store,
    id: String,
    number: i32,
    received: Received,
) -> S3Result<Stored> {
    let etag = etag(&[received.md5], false);
    let stored = Stored {
        etag: etag.clone(),
        checksums: received.checksums.clone(),
    };
    let name = format!("{id}.{number}.{}", new_id()?);
    let placed = name.clone();
    let (size, modified_ms, checksums) =
        (received.size(), received.modified_ms, received.checksums);
    let mut file = received.file;
    store
        .blocking(move |store| {
            let folder = store.shared().folders.uploads();
            file.place(&folder.join(placed))
                .and_then(|()| files::sync_folder(&folder))
                .map_err(|error| file_error("place", error))
        })
        .await?;
    let insert = move |connection: &Connection| {
        require_open(connection, &id)?;
        let change = || -> rusqlite::Result<Option<String>> {
            let sql = "SELECT file FROM parts WHERE upload = ?1 AND number = ?2";
            let replaced = connection
                .prepare_cached(sql)?
                .query_row(params![id, number], |r| r.get(0))
                .optional()?;
            let sql = "INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let checksums = to_json(&checksums)?;
            connection.prepare_cached(sql)?.execute(params![
                id,
                number,
                name,
                size.cast_signed(),
                etag,
                modified_ms,
                checksums
            ])?;
            Ok(replaced)
        };
        change().map_err(database_error)
    };
    let replaced = store.change(insert).await?;
    remove_files(store, replaced.into_iter().collect()).await?;
    Ok(stored)
}

/// The stored parts that the client names, in its order.
fn chosen_parts(wanted: &[CompletedPart], stored: Vec<StoredPart>) -> S3Result<Vec<StoredPart>> {
    if wanted.is_empty() {
        return Err(s3_error!(MalformedXML));
    }
    let mut by_number: std::collections::BTreeMap<i32, StoredPart> =
        stored.into_iter().map(|part| (part.number, part)).collect();
    let mut chosen: Vec<StoredPart> = Vec::new();
    for part in wanted {
        let number = part.part_number.ok_or_else(|| s3_error!(MalformedXML))?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(InvalidPartOrder));
        }
        let stored = by_number
            .remove(&number)
            .ok_or_else(|| s3_error!(InvalidPart))?;
        let same = part
            .e_tag
            .as_ref()
            .is_some_and(|etag| etag.value() == stored.etag);
        let kept = &stored.checksums;
        let differs = [
            (&part.checksum_crc32, &kept.crc32),
            (&part.checksum_crc32c, &kept.crc32c),
            (&part.checksum_crc64nvme, &kept.crc64nvme),
            (&part.checksum_sha1, &kept.sha1),
            (&part.checksum_sha256, &kept.sha256),
        ];
        if !same
            || differs
                .iter()
                .any(|(said, kept)| said.is_some() && kept.is_some() && said != kept)
        {
            return Err(s3_error!(InvalidPart));
        }
        chosen.push(stored);
    }
    let (_, all_but_last) = chosen.split_last().ok_or_else(|| s3_error!(MalformedXML))?;
    if all_but_last.iter().any(|part| part.size < SMALLEST_PART) {
        return Err(s3_error!(EntityTooSmall));
    }
    Ok(chosen)
}

type Assembled = (Temporary, files::Identity, i64, Option<Checksums>);

/// Joins the parts into one synced file; hashes it whole only where a checksum of the whole is asked for.
fn assemble(store: &S3Store, files: &[String], algorithm: Option<String>) -> S3Result<Assembled> {
    let folder = store.shared().folders.uploads();
    let open = |name: &String| {
        File::open(folder.join(name)).map_err(|error| match error.kind() {
            // Completed or aborted meanwhile by another request.
            std::io::ErrorKind::NotFound => s3_error!(NoSuchUpload),
            _ => file_error("open", error),
        })
    };
    if let Some(algorithm) = algorithm {
        let expected = Expected {
            algorithms: vec![algorithm],
            ..Expected::default()
        };
        let mut sink = Sink::create(store, expected.hasher())?;
        for name in files {
            sink.append(open(name)?)?;
        }
        let received = sink.finish()?;
        return Ok((
            received.file,
            received.identity,
            received.modified_ms,
            Some(received.checksums),
        ));
    }
    let (temporary, mut file) = Temporary::create(&store.shared().folders.temporary())
        .map_err(|error| file_error("create", error))?;
    for name in files {
        std::io::copy(&mut open(name)?, &mut file).map_err(|error| file_error("copy", error))?;
    }
    let (identity, modified_ms) = receive::seal(&file)?;
    Ok((temporary, identity, modified_ms, None))
}

/// The checksum of the parts' checksums; none where a part came without.
fn composite(algorithm: &str, parts: &[StoredPart]) -> S3Result<Checksums> {
    let mut together = Vec::new();
    for part in parts {
        let sums = &part.checksums;
        let sum = match algorithm {
            "CRC32" => &sums.crc32,
            "CRC32C" => &sums.crc32c,
            "SHA1" => &sums.sha1,
            "SHA256" => &sums.sha256,
            _ => &None,
        };
        let Some(bytes) = sum
            .as_ref()
            .and_then(|sum| data_encoding::BASE64.decode(sum.as_bytes()).ok())
        else {
            return Ok(Checksums::default());
        };
        together.extend(bytes);
    }
    let expected = Expected {
        algorithms: vec![algorithm.to_owned()],
        ..Expected::default()
    };
    let mut hasher: ChecksumHasher = expected.hasher();
    hasher.update(&together);
    let done = hasher.finalize();
    let numbered = |sum: Option<String>| sum.map(|sum| format!("{sum}-{}", parts.len()));
    Ok(Checksums {
        crc32: numbered(done.checksum_crc32),
        crc32c: numbered(done.checksum_crc32c),
        crc64nvme: None,
        sha1: numbered(done.checksum_sha1),
        sha256: numbered(done.checksum_sha256),
        kind: Some(ChecksumType::COMPOSITE.to_owned()),
    })
}

/// `bytes=first-last`, both within the source.
fn copy_range(range: &str, size: u64) -> S3Result<std::ops::Range<u64>> {
    let parsed = range.strip_prefix("bytes=").and_then(|range| {
        let (first, last) = range.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?))
    });
    match parsed {
        Some((first, last)) if first <= last && last < size => Ok(first..last + 1),
        Some(_) => Err(s3_error!(
            InvalidRange,
            "The copy source range is not within the source"
        )),
        None => Err(s3_error!(
            InvalidArgument,
            "x-amz-copy-source-range must be bytes=first-last"
        )),
    }
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

fn all_files(connection: &Connection, id: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT file FROM parts WHERE upload = ?1")?
        .query_map([id], |row| row.get(0))?
        .collect()
}

async fn remove_files(store: &S3Store, names: Vec<String>) -> S3Result {
    if names.is_empty() {
        return Ok(());
    }
    let remove = move |store: S3Store| {
        let folder = store.shared().folders.uploads();
        for name in names {
            let _ = std::fs::remove_file(folder.join(name));
        }
        Ok(())
    };
    store.blocking(remove).await
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

fn new_id() -> S3Result<String> {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 20];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| s3_error!(InternalError, "no random numbers"))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_of_parts_are_those_of_aws() {
        let digest = |bytes: &[u8]| <[u8; 16]>::from(Md5::digest(bytes));
        assert_eq!(
            etag(&[digest(b"hello")], false),
            "5d41402abc4b2a76b9719d911017c592"
        );
        // printf of two MD5s | md5sum
        assert_eq!(
            etag(&[digest(b"hello"), digest(b"world")], true),
            "065947336a2f2a95ba8899f3675c3be6-2"
        );
    }

    #[test]
    fn a_copied_range_lies_within_its_source() {
        assert_eq!(copy_range("bytes=0-4", 5).ok(), Some(0..5));
        for wrong in ["bytes=0-5", "bytes=3-2", "bytes=-5", "0-4", "bytes=a-b"] {
            assert!(copy_range(wrong, 5).is_err(), "{wrong}");
        }
    }
}
