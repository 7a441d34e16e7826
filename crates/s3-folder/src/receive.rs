//! Receiving: a body becomes a synced temporary file, hashed and checked on the way.
//!
//! A few hundred kilobytes of a body are in memory at a time. Nothing here makes an object of it.

use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::dto::StreamingBlob;
use s3s::{S3ErrorCode, S3Result, TrailingHeaders, s3_error};

use super::database::Checksums;
use super::files::{Identity, Temporary};
use super::{S3Store, custom, file_error, now_ms, refusal};

/// Largest object in one request, and largest part: 5 GiB.
pub(super) const LARGEST_PUT: u64 = 5 << 30;

/// Bytes gathered before they are written and hashed.
const PIECE: usize = 512 * 1024;

/// A body on disk.
pub(super) struct Received {
    pub(super) file: Temporary,
    /// Of the file, after it was synced.
    pub(super) identity: Identity,
    pub(super) md5: [u8; 16],
    pub(super) checksums: Checksums,
    /// Now, and the file's modification time: should the database be lost, the file still tells it.
    pub(super) modified_ms: i64,
}

impl Received {
    pub(super) fn size(&self) -> u64 {
        self.identity.size.cast_unsigned()
    }
}

/// What the client said of the body, to be checked.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) content_length: Option<i64>,
    pub(super) content_md5: Option<String>,
    pub(super) checksums: Checksums,
    /// The checksum that follows the body, or that the client wants computed.
    pub(super) algorithms: Vec<String>,
}

impl Expected {
    /// Adds the checksums that a chunked body announces as trailers.
    pub(super) fn announce(&mut self, headers: &HeaderMap) {
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

    fn wants(&self, algorithm: &str, given: Option<&String>) -> bool {
        given.is_some()
            || self
                .algorithms
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(algorithm))
    }

    pub(super) fn hasher(&self) -> ChecksumHasher {
        let given = &self.checksums;
        ChecksumHasher {
            crc32: self
                .wants("crc32", given.crc32.as_ref())
                .then(s3s::crypto::Crc32::new),
            crc32c: self
                .wants("crc32c", given.crc32c.as_ref())
                .then(s3s::crypto::Crc32c::new),
            sha1: self
                .wants("sha1", given.sha1.as_ref())
                .then(s3s::crypto::Sha1::new),
            sha256: self
                .wants("sha256", given.sha256.as_ref())
                .then(s3s::crypto::Sha256::new),
            crc64nvme: self
                .wants("crc64nvme", given.crc64nvme.as_ref())
                .then(s3s::crypto::Crc64Nvme::new),
        }
    }

    /// Compares what came with what was said before and after it.
    fn check(&self, received: &Received, trailers: Option<&HeaderMap>) -> S3Result {
        if let Some(length) = self.content_length
            && received.identity.size != length
        {
            return Err(refusal(S3ErrorCode::IncompleteBody));
        }
        if let Some(given) = &self.content_md5 {
            let given = data_encoding::BASE64
                .decode(given.as_bytes())
                .map_err(|e| s3_error!(e, InvalidDigest))?;
            if given.len() != 16 {
                return Err(refusal(S3ErrorCode::InvalidDigest));
            }
            if given != received.md5 {
                return Err(s3_error!(
                    BadDigest,
                    "The Content-MD5 you specified did not match what we received."
                ));
            }
        }
        let (said, computed) = (&self.checksums, &received.checksums);
        for (name, said, computed) in [
            ("crc32", &said.crc32, &computed.crc32),
            ("crc32c", &said.crc32c, &computed.crc32c),
            ("crc64nvme", &said.crc64nvme, &computed.crc64nvme),
            ("sha1", &said.sha1, &computed.sha1),
            ("sha256", &said.sha256, &computed.sha256),
        ] {
            let trailer =
                trailers.and_then(|trailers| trailers.get(format!("x-amz-checksum-{name}")));
            let trailer = trailer.and_then(|value| value.to_str().ok());
            for said in [said.as_deref(), trailer].into_iter().flatten() {
                if Some(said) != computed.as_deref() {
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

/// Writes a body to disk, synced, and checks it.
///
/// # Errors
/// `EntityTooLarge`, `IncompleteBody`, `BadDigest`, `InvalidDigest`; nothing of it stays then.
pub(super) async fn receive(
    store: &S3Store,
    body: Option<StreamingBlob>,
    expected: Expected,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    if expected
        .content_length
        .is_some_and(|length| length.cast_unsigned() > LARGEST_PUT)
    {
        return Err(refusal(S3ErrorCode::EntityTooLarge));
    }
    let mut sink: Option<Sink> = None;
    let mut gathered: Vec<Bytes> = Vec::new();
    let mut gathered_bytes = 0;
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(broken_body)?;
            gathered_bytes += piece.len();
            gathered.push(piece);
            if gathered_bytes >= PIECE {
                let pieces = std::mem::take(&mut gathered);
                gathered_bytes = 0;
                let hasher = || expected.hasher();
                let so_far = match sink.take() {
                    Some(sink) => Ok(sink),
                    None => Err(hasher()),
                };
                let written = store
                    .blocking(move |store| {
                        let mut sink = so_far.or_else(|hasher| Sink::create(&store, hasher))?;
                        sink.write(&pieces)?;
                        Ok(sink)
                    })
                    .await?;
                if written.size > LARGEST_PUT {
                    return Err(refusal(S3ErrorCode::EntityTooLarge));
                }
                sink = Some(written);
            }
        }
    }
    store
        .blocking(move |store| {
            let mut sink = match sink {
                Some(sink) => sink,
                None => Sink::create(&store, expected.hasher())?,
            };
            sink.write(&gathered)?;
            let received = sink.finish()?;
            let trailers = trailers.and_then(|trailers| trailers.take());
            expected.check(&received, trailers.as_ref())?;
            Ok(received)
        })
        .await
}

/// A file that is being written.
pub(super) struct Sink {
    temporary: Temporary,
    file: File,
    md5: Md5,
    checksums: ChecksumHasher,
    size: u64,
}

impl Sink {
    pub(super) fn create(store: &S3Store, checksums: ChecksumHasher) -> S3Result<Sink> {
        let (temporary, file) = Temporary::create(&store.shared().folders.temporary())
            .map_err(|error| file_error("create", error))?;
        Ok(Sink {
            temporary,
            file,
            md5: Md5::new(),
            checksums,
            size: 0,
        })
    }

    fn write(&mut self, pieces: &[Bytes]) -> S3Result {
        for piece in pieces {
            self.file
                .write_all(piece)
                .map_err(|error| file_error("write", error))?;
            self.md5.update(piece);
            self.checksums.update(piece);
            self.size += piece.len() as u64;
        }
        Ok(())
    }

    /// Appends all that `source` has, hashing it.
    pub(super) fn append(&mut self, mut source: impl Read) -> S3Result {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = source
                .read(&mut buffer)
                .map_err(|error| file_error("read", error))?;
            if read == 0 {
                return Ok(());
            }
            self.write(&[Bytes::copy_from_slice(&buffer[..read])])?;
        }
    }

    pub(super) fn finish(self) -> S3Result<Received> {
        let (identity, modified_ms) = seal(&self.file)?;
        Ok(Received {
            file: self.temporary,
            identity,
            md5: self.md5.finalize().into(),
            checksums: named(self.checksums),
            modified_ms,
        })
    }
}

/// MD5 of all that `source` has.
pub(super) fn digest(mut source: impl Read) -> std::io::Result<[u8; 16]> {
    let mut md5 = Md5::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            return Ok(md5.finalize().into());
        }
        md5.update(&buffer[..read]);
    }
}

/// A file that is written already, hashed by reading it.
pub(super) fn hash(temporary: Temporary, mut file: File) -> S3Result<Received> {
    let md5 = digest(&mut file).map_err(|error| file_error("read", error))?;
    let (identity, modified_ms) = seal(&file)?;
    Ok(Received {
        file: temporary,
        identity,
        md5,
        checksums: Checksums::default(),
        modified_ms,
    })
}

/// Stamps and syncs a finished file.
pub(super) fn seal(file: &File) -> S3Result<(Identity, i64)> {
    let modified_ms = now_ms();
    let sealed = file
        .set_modified(UNIX_EPOCH + Duration::from_millis(modified_ms.max(0).cast_unsigned()))
        .and_then(|()| file.sync_all())
        .and_then(|()| file.metadata());
    let metadata = sealed.map_err(|error| file_error("write", error))?;
    Ok((Identity::of(&metadata), modified_ms))
}

fn named(hasher: ChecksumHasher) -> Checksums {
    let done = hasher.finalize();
    let mut checksums = Checksums {
        crc32: done.checksum_crc32,
        crc32c: done.checksum_crc32c,
        crc64nvme: done.checksum_crc64nvme,
        sha1: done.checksum_sha1,
        sha256: done.checksum_sha256,
        kind: None,
    };
    if !checksums.is_empty() {
        checksums.kind = Some("FULL_OBJECT".to_owned());
    }
    checksums
}

/// A body that broke off or does not have the digest or signature that its head gave.
fn broken_body(error: s3s::StdError) -> s3s::S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        custom(
            "XAmzContentSHA256Mismatch",
            http::StatusCode::BAD_REQUEST,
            "The body is not the one that was signed.",
        )
    } else if text.contains("SignatureMismatch") {
        refusal(S3ErrorCode::SignatureDoesNotMatch)
    } else if text.contains("LengthMismatch")
        || text.contains("Incomplete")
        || text.contains("FormatError")
    {
        refusal(S3ErrorCode::IncompleteBody)
    } else {
        tracing::debug!(%error, "s3 store: a body broke off");
        s3_error!(IncompleteBody, "the request's body broke off")
    }
}
