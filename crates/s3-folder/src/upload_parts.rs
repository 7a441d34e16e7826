//! Stores, chooses and joins the parts of an open upload.

use std::collections::BTreeMap;
use std::fs::File;

use s3s::checksum::ChecksumHasher;
use s3s::dto::{ChecksumType, CompletedPart};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::database::ObjectChecksums;
use crate::errors::{database_error, file_error, s3_error};
use crate::etag::whole_etag;
use crate::files::{self, FileIdentity, OpenTemporary, TemporaryFile};
use crate::received_file::{ExpectedBody, HashingFile, ReceivedFile, seal_file};
use crate::store::S3Store;
use crate::upload_rows::{self, PartRow};

/// The minimum size in bytes of every part except the last one: 5 MiB.
const MIN_PART_BYTES: u64 = 5 << 20;

/// The ETag and the checksums of a part that was stored.
pub(crate) struct PartReceipt {
    /// The ETag, without quotes.
    pub(crate) etag: String,
    pub(crate) checksums: ObjectChecksums,
}

/// Stores a received file as a part of an upload. Removes an earlier part with the same number.
///
/// # Errors
/// `NoSuchUpload` if the upload is not open. `InternalError` if the disk or the database failed.
pub(crate) async fn store_part(
    store: &S3Store,
    upload: String,
    number: i32,
    received: ReceivedFile,
) -> S3Result<PartReceipt> {
    let part = PartRow {
        number,
        file: format!("{upload}.{number}.{}", new_random_id()?),
        size: received.size(),
        etag: whole_etag(&received.md5),
        modified_ms: received.modified_ms,
        checksums: received.checksums,
    };
    let receipt = PartReceipt {
        etag: part.etag.clone(),
        checksums: part.checksums.clone(),
    };
    let (mut file, name) = (received.file, part.file.clone());
    store
        .run_blocking(move |store| {
            let folder = store.context().folders.uploads();
            file.move_to(&folder.join(name))
                .and_then(|()| files::sync_folder(&folder))
                .map_err(|error| file_error("place", error))
        })
        .await?;
    let replaced = store
        .change_database(move |connection| {
            upload_rows::require_open_upload(connection, &upload)?;
            upload_rows::save_part(connection, &upload, &part).map_err(database_error)
        })
        .await?;
    remove_part_files(store, replaced.into_iter().collect()).await?;
    Ok(receipt)
}

/// Returns the stored parts that the client names, in the order of the client's list.
///
/// # Errors
/// `MalformedXML` if the list is empty or a part has no number. `InvalidPartOrder` if the numbers
/// do not increase. `InvalidPart` if a part is missing or has another ETag or checksum.
/// `EntityTooSmall` if a part other than the last one is smaller than 5 MiB.
pub(crate) fn choose_parts(
    wanted: &[CompletedPart],
    stored: Vec<PartRow>,
) -> S3Result<Vec<PartRow>> {
    let mut by_number: BTreeMap<i32, PartRow> =
        stored.into_iter().map(|part| (part.number, part)).collect();
    let mut chosen: Vec<PartRow> = Vec::new();
    for part in wanted {
        let number = part
            .part_number
            .ok_or_else(|| s3_error(S3ErrorCode::MalformedXML))?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error(S3ErrorCode::InvalidPartOrder));
        }
        let stored = by_number
            .remove(&number)
            .filter(|stored| is_same_part(part, stored))
            .ok_or_else(|| s3_error(S3ErrorCode::InvalidPart))?;
        chosen.push(stored);
    }
    let (_, all_but_last) = chosen
        .split_last()
        .ok_or_else(|| s3_error(S3ErrorCode::MalformedXML))?;
    if all_but_last.iter().any(|part| part.size < MIN_PART_BYTES) {
        return Err(s3_error(S3ErrorCode::EntityTooSmall));
    }
    Ok(chosen)
}

/// Reports whether a stored part has the ETag and the checksums in the client's list. A checksum
/// that only the list or only the stored part has is not compared.
fn is_same_part(given: &CompletedPart, stored: &PartRow) -> bool {
    let same_etag = given
        .e_tag
        .as_ref()
        .is_some_and(|etag| etag.value() == stored.etag);
    let kept = &stored.checksums;
    let checksums = [
        (&given.checksum_crc32, &kept.crc32),
        (&given.checksum_crc32c, &kept.crc32c),
        (&given.checksum_crc64nvme, &kept.crc64nvme),
        (&given.checksum_sha1, &kept.sha1),
        (&given.checksum_sha256, &kept.sha256),
    ];
    same_etag
        && checksums
            .iter()
            .all(|(given, kept)| given.is_none() || kept.is_none() || given == kept)
}

/// The parts of an upload, joined to one synced file.
pub(crate) struct JoinedFile {
    pub(crate) file: TemporaryFile,
    pub(crate) identity: FileIdentity,
    /// The modification time of the file, in milliseconds since 1970.
    pub(crate) modified_ms: i64,
    /// The checksums of the whole file. `None` if no algorithm was given.
    pub(crate) checksums: Option<ObjectChecksums>,
}

/// Joins the files of the parts to one file, in the order of `files`. Hashes the whole file only if
/// `algorithm` is given. Blocks.
///
/// # Errors
/// `NoSuchUpload` if another request has completed or aborted the upload. `InternalError` if the
/// disk failed.
pub(crate) fn join_parts(
    store: &S3Store,
    files: &[String],
    algorithm: Option<String>,
) -> S3Result<JoinedFile> {
    if algorithm.is_some() {
        let expected = ExpectedBody::with_algorithm(algorithm);
        let mut hashing = HashingFile::create(store, expected.hasher())?;
        for name in files {
            hashing.append(open_part_file(store, name)?)?;
        }
        let received = hashing.finish()?;
        return Ok(JoinedFile {
            file: received.file,
            identity: received.identity,
            modified_ms: received.modified_ms,
            checksums: Some(received.checksums),
        });
    }
    let OpenTemporary {
        temporary,
        mut file,
    } = TemporaryFile::create(&store.context().folders.temporary())
        .map_err(|error| file_error("create", error))?;
    for name in files {
        std::io::copy(&mut open_part_file(store, name)?, &mut file)
            .map_err(|error| file_error("copy", error))?;
    }
    let sealed = seal_file(&file)?;
    Ok(JoinedFile {
        file: temporary,
        identity: sealed.identity,
        modified_ms: sealed.modified_ms,
        checksums: None,
    })
}

fn open_part_file(store: &S3Store, name: &str) -> Result<File, S3Error> {
    let path = store.context().folders.uploads().join(name);
    File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => s3_error(S3ErrorCode::NoSuchUpload),
        _ => file_error("open", error),
    })
}

/// Returns the composite checksum of an object with these parts: the checksum of the parts'
/// checksums, a hyphen, and the number of parts. Returns no checksum if a part has none.
pub(crate) fn composite_checksums(algorithm: &str, parts: &[PartRow]) -> ObjectChecksums {
    let mut joined = Vec::new();
    for part in parts {
        let Some(bytes) = decode_checksum(algorithm, &part.checksums) else {
            return ObjectChecksums::default();
        };
        joined.extend(bytes);
    }
    let expected = ExpectedBody::with_algorithm(Some(algorithm.to_owned()));
    let mut hasher: ChecksumHasher = expected.hasher();
    hasher.update(&joined);
    let done = hasher.finalize();
    let numbered = |sum: Option<String>| sum.map(|sum| format!("{sum}-{}", parts.len()));
    ObjectChecksums {
        crc32: numbered(done.checksum_crc32),
        crc32c: numbered(done.checksum_crc32c),
        crc64nvme: None,
        sha1: numbered(done.checksum_sha1),
        sha256: numbered(done.checksum_sha256),
        kind: Some(ChecksumType::COMPOSITE.to_owned()),
    }
}

fn decode_checksum(algorithm: &str, checksums: &ObjectChecksums) -> Option<Vec<u8>> {
    let checksum = match algorithm {
        "CRC32" => &checksums.crc32,
        "CRC32C" => &checksums.crc32c,
        "SHA1" => &checksums.sha1,
        "SHA256" => &checksums.sha256,
        _ => &None,
    };
    let base64 = checksum.as_ref()?;
    data_encoding::BASE64.decode(base64.as_bytes()).ok()
}

/// Removes the files with these names in the folder of uploads. Ignores files that cannot be
/// removed. Safe to repeat.
///
/// # Errors
/// `InternalError` if the code that removes the files panics.
pub(crate) async fn remove_part_files(store: &S3Store, names: Vec<String>) -> S3Result {
    if names.is_empty() {
        return Ok(());
    }
    let remove = move |store: S3Store| {
        let folder = store.context().folders.uploads();
        for name in names {
            let _ = std::fs::remove_file(folder.join(name));
        }
        Ok(())
    };
    store.run_blocking(remove).await
}

/// Returns a new random id: 40 hexadecimal digits.
///
/// # Errors
/// `InternalError` if the system has no random numbers.
pub(crate) fn new_random_id() -> S3Result<String> {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 20];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| s3_error!(InternalError, "the system has no random numbers"))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}
