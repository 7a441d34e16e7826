//! Names of photos in URLs and keys.

use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A photo's name in URLs and keys: the first 26 characters of the lower-case base32 of SHA-256(stem).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PhotoId(String);

impl PhotoId {
    /// The id of a stem such as `2018-02-01/foobar`.
    pub fn of_stem(stem: &str) -> Self {
        PhotoId(digest26(stem.as_bytes()))
    }

    /// An id as it came in a URL, where it has an id's form.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 26
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        valid.then(|| PhotoId(text.to_owned()))
    }

    /// The 26 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PhotoId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// 130 bits of SHA-256 as 26 lower-case base32 characters: safe in URLs, keys and file names.
pub(crate) fn digest26(bytes: &[u8]) -> String {
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
    fn an_id_is_26_characters_that_parse_back() {
        let id = PhotoId::of_stem("2018-02-01/foobar");
        assert_eq!(PhotoId::parse(id.as_str()), Some(id));
        assert_eq!(PhotoId::parse("../../../../../etc/passwd."), None);
    }
}
