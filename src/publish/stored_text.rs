//! The stored form of text files: compressed by gzip. JSON files are compared by a digest. Pure.

use std::io::{self, Read, Write};

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The number of hexadecimal characters of a digest.
const DIGEST_CHARS: usize = 32;
/// The first bytes of all data in gzip format [RFC 1952, 2.3.1].
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Returns the text of a stored file. Decompresses the file if it is in gzip format.
pub(super) fn decompress(stored: &[u8]) -> io::Result<Vec<u8>> {
    if !stored.starts_with(&GZIP_MAGIC) {
        return Ok(stored.to_vec());
    }
    let mut text = Vec::new();
    GzDecoder::new(stored).read_to_end(&mut text)?;
    Ok(text)
}

/// Compresses a text by gzip.
pub(super) fn compress(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text)?;
    encoder.finish()
}

/// Returns the digest of the JSON of a file: the first 32 hexadecimal characters of its SHA-256.
pub(super) fn json_digest(json: &[u8]) -> String {
    finish_digest(Sha256::new().chain_update(json))
}

/// Returns the digest of the bytes that were added to `digest`, in the form of [`json_digest`].
pub(super) fn finish_digest(digest: Sha256) -> String {
    let mut text = HEXLOWER.encode(&digest.finalize());
    text.truncate(DIGEST_CHARS);
    text
}
