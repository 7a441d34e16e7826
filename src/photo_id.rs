//! The ids of photos in URLs and keys. This module does no I/O.

use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The id of a photo in URLs and keys. It is computed from the stem: the first 26 characters of the
/// SHA-256 of the stem, in lower-case base32.
///
/// ```
/// use photo_catalogue::photo_id::PhotoId;
///
/// let id = PhotoId::from_stem("2018-02-01/foobar");
/// assert_eq!(id.as_str().len(), 26);
/// assert_eq!(PhotoId::parse(id.as_str()), Some(id));
/// assert_eq!(PhotoId::parse("2018-02-01/foobar"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PhotoId(String);

impl PhotoId {
    /// Returns the id of a stem such as `2018-02-01/foobar`.
    pub fn from_stem(stem: &str) -> Self {
        PhotoId(short_digest(stem.as_bytes()))
    }

    /// Parses an id from a URL. Returns `None` if the text does not have the form of an id. Does
    /// not check that the photo exists.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 26
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        valid.then(|| PhotoId(text.to_owned()))
    }

    /// Returns the 26 characters of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PhotoId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the first 130 bits of the SHA-256 of `bytes`, as 26 lower-case base32 characters. They
/// are safe in URLs, keys and file names.
pub(crate) fn short_digest(bytes: &[u8]) -> String {
    let mut text = BASE32_NOPAD
        .encode(&Sha256::digest(bytes))
        .to_ascii_lowercase();
    text.truncate(26);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_parsed_from_its_own_text() {
        let id = PhotoId::from_stem("2018-02-01/foobar");
        assert_eq!(PhotoId::parse(id.as_str()), Some(id));
        assert_eq!(PhotoId::parse("../../../../../etc/passwd."), None);
    }
}
