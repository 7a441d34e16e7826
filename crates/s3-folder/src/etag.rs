//! Computes ETags as AWS does.

use std::io::{self, Read};

use md5::{Digest, Md5};

/// The number of bytes that are read at a time while a file is hashed.
const READ_BUFFER_BYTES: usize = 256 * 1024;

/// The MD5 digest of some bytes.
pub(crate) type Md5Digest = [u8; 16];

/// Returns the ETag of an object that was uploaded in one request: the MD5 digest of its bytes in
/// hexadecimal.
pub(crate) fn whole_etag(digest: &Md5Digest) -> String {
    data_encoding::HEXLOWER.encode(digest)
}

/// Returns the ETag of an object that was uploaded in parts: the MD5 digest of the parts' MD5
/// digests in hexadecimal, a hyphen, and the number of parts.
pub(crate) fn multipart_etag(digests: &[Md5Digest]) -> String {
    let digest = Md5::digest(digests.concat());
    format!(
        "{}-{}",
        data_encoding::HEXLOWER.encode(&digest),
        digests.len()
    )
}

/// Reads `source` to its end and returns the MD5 of what was read.
///
/// # Errors
/// `source` cannot be read.
pub(crate) fn md5_of(mut source: impl Read) -> io::Result<Md5Digest> {
    let mut md5 = Md5::new();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            return Ok(md5.finalize().into());
        }
        md5.update(&buffer[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_those_of_aws() {
        let digest = |bytes: &[u8]| md5_of(bytes).unwrap_or_default();
        assert_eq!(
            whole_etag(&digest(b"hello")),
            "5d41402abc4b2a76b9719d911017c592"
        );
        // The expected value is the output of `md5sum` for the two digests.
        assert_eq!(
            multipart_etag(&[digest(b"hello"), digest(b"world")]),
            "065947336a2f2a95ba8899f3675c3be6-2"
        );
    }
}
