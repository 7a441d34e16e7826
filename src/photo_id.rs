//! The ids of photos in URLs and keys. This module does no I/O.

use std::borrow::Cow;
use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
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

    /// Returns the ids that a photo with this stem can have, most probable first. They differ only if
    /// the stem has accented letters: macOS writes such a letter as a letter and an accent (the
    /// Unicode form NFD), and keyboards as one character (NFC). Ingest writes NFC. Files that people
    /// put into the archive keep their names.
    ///
    /// ```
    /// use photo_catalogue::photo_id::PhotoId;
    ///
    /// assert_eq!(PhotoId::candidates("2018-02-01/foobar").len(), 1);
    /// let composed = PhotoId::candidates("2018-02-01/\u{c9}t\u{e9}");
    /// let decomposed = PhotoId::candidates("2018-02-01/E\u{301}te\u{301}");
    /// assert_eq!(composed, decomposed);
    /// ```
    pub fn candidates(stem: &str) -> Vec<PhotoId> {
        let composed = compose_letters(stem);
        let decomposed = decompose_letters(stem);
        let mut ids = vec![
            PhotoId::from_stem(&composed),
            PhotoId::from_stem(&decomposed),
            // A text can be in neither form.
            PhotoId::from_stem(stem),
        ];
        let mut known = BTreeSet::new();
        ids.retain(|id| known.insert(id.clone()));
        ids
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

/// Returns a name in the Unicode form NFC, in which names are compared.
pub(crate) fn compose_letters(name: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(name)
}

/// Returns a name in the Unicode form NFD, in which macOS writes names.
pub(crate) fn decompose_letters(name: &str) -> Cow<'_, str> {
    DecomposingNormalizerBorrowed::new_nfd().normalize(name)
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
