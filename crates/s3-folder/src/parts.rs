//! The parts of open uploads: their rows, their files, and how they are joined.

use std::fs::File;

use md5::{Digest, Md5};
use rusqlite::{Connection, OptionalExtension, params};
use s3s::checksum::ChecksumHasher;
use s3s::dto::{ChecksumType, CompletedPart};
use s3s::{S3ErrorCode, S3Result, s3_error};

use super::database::{Attributes, Checksums, from_json, to_json};
use super::files::{self, Temporary};
use super::objects::require_bucket;
use super::receive::{self, Expected, Received, Sink};
use super::writer::Shared;
use super::{S3Store, database_error, file_error, now_ms, refusal};

/// Least size of every part but the last.
const SMALLEST_PART: u64 = 5 << 20;

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
        Err(refusal(S3ErrorCode::NoSuchUpload))
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

/// Key, id, start, checksum algorithm and type of an upload.
pub(super) type Listed = (String, String, i64, Option<String>, Option<String>);

pub(super) struct Upload {
    pub(super) attributes: Attributes,
    pub(super) algorithm: Option<String>,
    /// The checksum's type.
    pub(super) kind: Option<String>,
    /// ETag of what it became.
    pub(super) completed: Option<String>,
}

pub(super) struct StoredPart {
    pub(super) number: i32,
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) digest: [u8; 16],
    pub(super) modified_ms: i64,
    pub(super) checksums: Checksums,
}

pub(super) async fn find_upload(
    store: &S3Store,
    id: &str,
    bucket: &str,
    key: &str,
) -> S3Result<Upload> {
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
        .ok_or_else(|| refusal(S3ErrorCode::NoSuchUpload))
}

pub(super) async fn open_upload(
    store: &S3Store,
    id: &str,
    bucket: &str,
    key: &str,
) -> S3Result<Upload> {
    let upload = find_upload(store, id, bucket, key).await?;
    if upload.completed.is_some() {
        Err(refusal(S3ErrorCode::NoSuchUpload))
    } else {
        Ok(upload)
    }
}

pub(super) async fn parts(store: &S3Store, id: &str) -> S3Result<Vec<StoredPart>> {
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

pub(super) struct Stored {
    pub(super) etag: String,
    pub(super) checksums: Checksums,
}

/// Keeps a received part; the one that had its number before is dropped.
pub(super) async fn store_part(
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
pub(super) fn chosen_parts(
    wanted: &[CompletedPart],
    stored: Vec<StoredPart>,
) -> S3Result<Vec<StoredPart>> {
    if wanted.is_empty() {
        return Err(refusal(S3ErrorCode::MalformedXML));
    }
    let mut by_number: std::collections::BTreeMap<i32, StoredPart> =
        stored.into_iter().map(|part| (part.number, part)).collect();
    let mut chosen: Vec<StoredPart> = Vec::new();
    for part in wanted {
        let number = part
            .part_number
            .ok_or_else(|| refusal(S3ErrorCode::MalformedXML))?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(refusal(S3ErrorCode::InvalidPartOrder));
        }
        let stored = by_number
            .remove(&number)
            .ok_or_else(|| refusal(S3ErrorCode::InvalidPart))?;
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
            return Err(refusal(S3ErrorCode::InvalidPart));
        }
        chosen.push(stored);
    }
    let (_, all_but_last) = chosen
        .split_last()
        .ok_or_else(|| refusal(S3ErrorCode::MalformedXML))?;
    if all_but_last.iter().any(|part| part.size < SMALLEST_PART) {
        return Err(refusal(S3ErrorCode::EntityTooSmall));
    }
    Ok(chosen)
}

pub(super) type Assembled = (Temporary, files::Identity, i64, Option<Checksums>);

/// Joins the parts into one synced file; hashes it whole only where a checksum of the whole is asked for.
pub(super) fn assemble(
    store: &S3Store,
    files: &[String],
    algorithm: Option<String>,
) -> S3Result<Assembled> {
    let folder = store.shared().folders.uploads();
    let open = |name: &String| {
        File::open(folder.join(name)).map_err(|error| match error.kind() {
            // Completed or aborted meanwhile by another request.
            std::io::ErrorKind::NotFound => refusal(S3ErrorCode::NoSuchUpload),
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
pub(super) fn composite(algorithm: &str, parts: &[StoredPart]) -> S3Result<Checksums> {
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
pub(super) fn copy_range(range: &str, size: u64) -> S3Result<std::ops::Range<u64>> {
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

pub(super) fn all_files(connection: &Connection, id: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT file FROM parts WHERE upload = ?1")?
        .query_map([id], |row| row.get(0))?
        .collect()
}

pub(super) async fn remove_files(store: &S3Store, names: Vec<String>) -> S3Result {
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

pub(super) fn new_id() -> S3Result<String> {
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
