//! Writes a request's body to a temporary file, and hashes, checks and syncs it.
//!
//! At most a few hundred kilobytes of a body are in memory at a time. This module does not turn the
//! file into an object.

use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::dto::{ChecksumAlgorithm, ChecksumType, StreamingBlob};
use s3s::{S3ErrorCode, S3Result, TrailingHeaders, s3_error};

use crate::database::ObjectChecksums;
use crate::errors::{custom_s3_error, file_error, s3_error};
use crate::etag::Md5Digest;
use crate::files::{FileIdentity, OpenTemporary, TemporaryFile};
use crate::store::S3Store;
use crate::times::now_ms;

/// The maximum size in bytes of a part, and of an object that is uploaded in one request: 5 GiB.
pub(crate) const MAX_PUT_BYTES: u64 = 5 << 30;

/// The number of bytes of a body that are collected before they are written and hashed.
const WRITE_BUFFER_BYTES: usize = 512 * 1024;

/// The number of bytes that are read at a time while a file is copied.
const COPY_BUFFER_BYTES: usize = 256 * 1024;

/// A finished and synced file that can become an object or a part.
pub(crate) struct ReceivedFile {
    pub(crate) file: TemporaryFile,
    /// The identity of the file after the sync.
    pub(crate) identity: FileIdentity,
    pub(crate) md5: Md5Digest,
    pub(crate) checksums: ObjectChecksums,
    /// The time of the last change, in milliseconds since 1970. This is also the modification time
    /// of the file, so that the time is not lost with the database.
    pub(crate) modified_ms: i64,
}

impl ReceivedFile {
    /// Returns the size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.identity.size.cast_unsigned()
    }
}

/// The length, digests and checksums that a client states for a body before or after sending it.
#[derive(Default)]
pub(crate) struct ExpectedBody {
    /// The length of the body in bytes.
    pub(crate) content_length: Option<i64>,
    /// The MD5 of the body, in base64.
    pub(crate) content_md5: Option<String>,
    pub(crate) checksums: ObjectChecksums,
    /// The algorithms of the checksums that follow the body, or that the store must compute.
    pub(crate) algorithms: Vec<String>,
}

impl ExpectedBody {
    /// Returns a value in which the client states nothing about the body, and only asks for a
    /// checksum of this algorithm. If `algorithm` is `None`, no checksum is computed.
    pub(crate) fn with_algorithm(algorithm: Option<String>) -> ExpectedBody {
        ExpectedBody {
            algorithms: algorithm.into_iter().collect(),
            ..ExpectedBody::default()
        }
    }

    /// Adds the checksum algorithm that the request names, which is `named`. Also adds the
    /// algorithms of the checksums that follow the body as trailers: the header `x-amz-trailer`
    /// lists them.
    pub(crate) fn add_algorithms(
        &mut self,
        named: Option<&ChecksumAlgorithm>,
        headers: &HeaderMap,
    ) {
        self.algorithms
            .extend(named.map(|algorithm| algorithm.as_str().to_owned()));
        let trailers = headers
            .get_all("x-amz-trailer")
            .iter()
            .filter_map(|value| value.to_str().ok());
        for name in trailers.flat_map(|names| names.split(',')) {
            if let Some(algorithm) = name
                .trim()
                .to_ascii_lowercase()
                .strip_prefix("x-amz-checksum-")
            {
                self.algorithms.push(algorithm.to_owned());
            }
        }
    }

    /// Returns a hasher for all checksums that the client states or asks for.
    pub(crate) fn hasher(&self) -> ChecksumHasher {
        let given = &self.checksums;
        ChecksumHasher {
            crc32: self
                .wants_checksum("crc32", given.crc32.as_ref())
                .then(s3s::crypto::Crc32::new),
            crc32c: self
                .wants_checksum("crc32c", given.crc32c.as_ref())
                .then(s3s::crypto::Crc32c::new),
            sha1: self
                .wants_checksum("sha1", given.sha1.as_ref())
                .then(s3s::crypto::Sha1::new),
            sha256: self
                .wants_checksum("sha256", given.sha256.as_ref())
                .then(s3s::crypto::Sha256::new),
            crc64nvme: self
                .wants_checksum("crc64nvme", given.crc64nvme.as_ref())
                .then(s3s::crypto::Crc64Nvme::new),
        }
    }

    fn wants_checksum(&self, algorithm: &str, given: Option<&String>) -> bool {
        given.is_some()
            || self
                .algorithms
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(algorithm))
    }

    /// Compares a received file with the values that the client stated in the headers, and in the
    /// trailers after the body. Fails if one of them differs.
    fn check(&self, received: &ReceivedFile, trailers: Option<&HeaderMap>) -> S3Result {
        if let Some(length) = self.content_length
            && received.identity.size != length
        {
            return Err(s3_error(S3ErrorCode::IncompleteBody));
        }
        if let Some(content_md5) = &self.content_md5 {
            check_content_md5(content_md5, &received.md5)?;
        }
        let (given, computed) = (&self.checksums, &received.checksums);
        for (name, given, computed) in [
            ("crc32", &given.crc32, &computed.crc32),
            ("crc32c", &given.crc32c, &computed.crc32c),
            ("crc64nvme", &given.crc64nvme, &computed.crc64nvme),
            ("sha1", &given.sha1, &computed.sha1),
            ("sha256", &given.sha256, &computed.sha256),
        ] {
            let trailer = trailers
                .and_then(|trailers| trailers.get(format!("x-amz-checksum-{name}")))
                .and_then(|value| value.to_str().ok());
            for given in [given.as_deref(), trailer].into_iter().flatten() {
                if Some(given) != computed.as_deref() {
                    return Err(s3_error!(
                        BadDigest,
                        "The {name} you specified did not match what we received."
                    ));
                }
            }
        }
        Ok(())
    }
}

fn check_content_md5(given: &str, computed: &Md5Digest) -> S3Result {
    let given = data_encoding::BASE64
        .decode(given.as_bytes())
        .map_err(|error| s3_error!(error, InvalidDigest))?;
    if given.len() != computed.len() {
        return Err(s3_error(S3ErrorCode::InvalidDigest));
    }
    if given != computed {
        return Err(s3_error!(
            BadDigest,
            "The Content-MD5 you specified did not match what we received."
        ));
    }
    Ok(())
}

/// Writes a request's body to a synced file and checks the file. If that fails, the file is
/// removed.
///
/// # Errors
/// `EntityTooLarge` if the body is larger than 5 GiB. `IncompleteBody` if the body ends too early.
/// `InvalidDigest` if the MD5 in the headers has a wrong form. `BadDigest` if the MD5 or a checksum
/// is not that of the body. `InternalError` if the disk failed.
pub(crate) async fn receive_body(
    store: &S3Store,
    body: Option<StreamingBlob>,
    expected: ExpectedBody,
    trailers: Option<TrailingHeaders>,
) -> S3Result<ReceivedFile> {
    let announced = expected.content_length.map(i64::cast_unsigned);
    if announced.is_some_and(|length| length > MAX_PUT_BYTES) {
        return Err(s3_error(S3ErrorCode::EntityTooLarge));
    }
    let mut hashing: Option<HashingFile> = None;
    let mut gathered: Vec<Bytes> = Vec::new();
    let mut gathered_bytes = 0;
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(body_error)?;
            gathered_bytes += piece.len();
            gathered.push(piece);
            if gathered_bytes >= WRITE_BUFFER_BYTES {
                gathered_bytes = 0;
                let (file, hasher) = (hashing.take(), expected.hasher());
                let pieces = std::mem::take(&mut gathered);
                let written = store
                    .run_blocking(move |store| append_pieces(&store, file, hasher, &pieces))
                    .await?;
                if written.size > MAX_PUT_BYTES {
                    return Err(s3_error(S3ErrorCode::EntityTooLarge));
                }
                hashing = Some(written);
            }
        }
    }
    store
        .run_blocking(move |store| {
            let hashing = append_pieces(&store, hashing, expected.hasher(), &gathered)?;
            let received = hashing.finish()?;
            let trailers = trailers.and_then(|trailers| trailers.take());
            expected.check(&received, trailers.as_ref())?;
            Ok(received)
        })
        .await
}

/// Appends pieces of a body to its file. Creates the file with `hasher` if there is none yet.
fn append_pieces(
    store: &S3Store,
    hashing: Option<HashingFile>,
    hasher: ChecksumHasher,
    pieces: &[Bytes],
) -> S3Result<HashingFile> {
    let mut hashing = match hashing {
        Some(hashing) => hashing,
        None => HashingFile::create(store, hasher)?,
    };
    for piece in pieces {
        hashing.write(piece)?;
    }
    Ok(hashing)
}

/// A temporary file that is being written. Everything that is written to it is hashed.
pub(crate) struct HashingFile {
    temporary: TemporaryFile,
    file: File,
    md5: Md5,
    checksums: ChecksumHasher,
    size: u64,
}

impl HashingFile {
    /// Creates an empty temporary file. `checksums` hashes everything that is written to it.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn create(store: &S3Store, checksums: ChecksumHasher) -> S3Result<HashingFile> {
        let OpenTemporary { temporary, file } =
            TemporaryFile::create(&store.context().folders.temporary())
                .map_err(|error| file_error("create", error))?;
        Ok(HashingFile {
            temporary,
            file,
            md5: Md5::new(),
            checksums,
            size: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> S3Result {
        self.file
            .write_all(bytes)
            .map_err(|error| file_error("write", error))?;
        self.md5.update(bytes);
        self.checksums.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Reads `source` to its end and appends what was read.
    ///
    /// # Errors
    /// `source` cannot be read or the file cannot be written.
    pub(crate) fn append(&mut self, mut source: impl Read) -> S3Result {
        let mut buffer = vec![0; COPY_BUFFER_BYTES];
        loop {
            let read = source
                .read(&mut buffer)
                .map_err(|error| file_error("read", error))?;
            if read == 0 {
                return Ok(());
            }
            self.write(&buffer[..read])?;
        }
    }

    /// Syncs the file and returns it with its digests.
    ///
    /// # Errors
    /// The disk failed.
    pub(crate) fn finish(self) -> S3Result<ReceivedFile> {
        let sealed = seal_file(&self.file)?;
        Ok(ReceivedFile {
            file: self.temporary,
            identity: sealed.identity,
            md5: self.md5.finalize().into(),
            checksums: finish_checksums(self.checksums),
            modified_ms: sealed.modified_ms,
        })
    }
}

/// The identity and the modification time of a file that will not change any more.
pub(crate) struct SealedFile {
    pub(crate) identity: FileIdentity,
    /// The modification time, in milliseconds since 1970.
    pub(crate) modified_ms: i64,
}

/// Sets the modification time of a finished file to now, and syncs the file.
///
/// # Errors
/// The disk failed.
pub(crate) fn seal_file(file: &File) -> S3Result<SealedFile> {
    let modified_ms = now_ms();
    let modified = UNIX_EPOCH + Duration::from_millis(modified_ms.max(0).cast_unsigned());
    let metadata = file
        .set_modified(modified)
        .and_then(|()| file.sync_all())
        .and_then(|()| file.metadata())
        .map_err(|error| file_error("write", error))?;
    Ok(SealedFile {
        identity: FileIdentity::from_metadata(&metadata),
        modified_ms,
    })
}

fn finish_checksums(hasher: ChecksumHasher) -> ObjectChecksums {
    let done = hasher.finalize();
    let mut checksums = ObjectChecksums {
        crc32: done.checksum_crc32,
        crc32c: done.checksum_crc32c,
        crc64nvme: done.checksum_crc64nvme,
        sha1: done.checksum_sha1,
        sha256: done.checksum_sha256,
        kind: None,
    };
    if !checksums.is_empty() {
        checksums.kind = Some(ChecksumType::FULL_OBJECT.to_owned());
    }
    checksums
}

/// Converts a failure to read a body to the error for the client. The body broke off, or its digest
/// or signature is not the one in the headers. s3s has no types for these failures, so this
/// function compares their texts.
fn body_error(error: s3s::StdError) -> s3s::S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        custom_s3_error(
            "XAmzContentSHA256Mismatch",
            http::StatusCode::BAD_REQUEST,
            "The body is not the one that was signed.",
        )
    } else if text.contains("SignatureMismatch") {
        s3_error(S3ErrorCode::SignatureDoesNotMatch)
    } else if text.contains("LengthMismatch")
        || text.contains("Incomplete")
        || text.contains("FormatError")
    {
        s3_error(S3ErrorCode::IncompleteBody)
    } else {
        tracing::debug!(%error, "s3 store: a request's body broke off");
        s3_error!(IncompleteBody, "the request's body broke off")
    }
}
