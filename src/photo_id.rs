//! The ids of photos in URLs and keys. This module does no I/O.

use std::borrow::Cow;
use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use photo_metadata::make_slug;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::archive::UNDATED;

/// The number of characters of an id.
const ID_CHARS: usize = 26;
/// The form of a day folder in the archive. `0` stands for any digit.
const DAY_FORM: &str = "0000-00-00";

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
        let valid = text.len() == ID_CHARS
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        valid.then(|| PhotoId(text.to_owned()))
    }

    /// Returns the id of the photo that has this slug, if any photo has it. Returns `None` if the text
    /// cannot be a slug. See [`photo_slug`].
    ///
    /// A text may have the form of a slug without being one. So the caller must compare the slug of
    /// the photo that it finds.
    ///
    /// ```
    /// use photo_catalogue::photo_id::{PhotoId, photo_slug};
    ///
    /// for stem in ["2018-02-01/foobar", "2018-02-01/\u{c9}t\u{e9}", "1985/a/b"] {
    ///     assert_eq!(PhotoId::from_slug(&photo_slug(stem)), Some(PhotoId::from_stem(stem)));
    /// }
    /// assert_eq!(PhotoId::from_slug("foobar"), None);
    /// ```
    pub fn from_slug(slug: &str) -> Option<Self> {
        id_at_end(slug).or_else(|| {
            let folder_bytes = plain_folder_bytes(slug)?;
            let (folder, name) = slug.split_at_checked(folder_bytes)?;
            let name = name.strip_prefix('-')?;
            is_plain_name(name).then(|| PhotoId::from_stem(&format!("{folder}/{name}")))
        })
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

/// Returns the slug of the photo with this stem: a name for URLs that contains only the unreserved
/// characters of RFC 3986 (2.3). Different stems have different slugs.
///
/// The slug of a photo in a day folder or in `undated/` is its stem with a hyphen in place of the
/// slash, if its name has only unreserved characters. Any other slug ends with the id of the photo,
/// after the stem in lower-case ASCII. The same is true if the plain slug would end like an id.
///
/// ```
/// use photo_catalogue::photo_id::{PhotoId, photo_slug};
///
/// assert_eq!(photo_slug("2018-02-01/DSC_0001~2"), "2018-02-01-DSC_0001~2");
/// assert_eq!(photo_slug("undated/scan"), "undated-scan");
/// let stem = "2018-02-01/\u{c9}t\u{e9} \u{e0} Paris";
/// let id = PhotoId::from_stem(stem);
/// assert_eq!(photo_slug(stem), format!("2018-02-01-ete-a-paris-{id}"));
/// ```
pub fn photo_slug(stem: &str) -> String {
    if let Some((folder, name)) = stem.split_once('/')
        && plain_folder_bytes(folder) == Some(folder.len())
        && is_plain_name(name)
    {
        let plain = format!("{folder}-{name}");
        if id_at_end(&plain).is_none() {
            return plain;
        }
    }
    let id = PhotoId::from_stem(stem);
    match make_slug(stem).as_str() {
        "" => id.to_string(),
        readable => format!("{readable}-{id}"),
    }
}

/// Returns the length of the day folder, or of `undated`, at the beginning of a text.
fn plain_folder_bytes(text: &str) -> Option<usize> {
    let is_of_form = |(form, byte): (u8, u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => form == byte,
    };
    let mut bytes = DAY_FORM.bytes().zip(text.bytes());
    if text.len() >= DAY_FORM.len() && bytes.all(is_of_form) {
        return Some(DAY_FORM.len());
    }
    text.starts_with(UNDATED).then_some(UNDATED.len())
}

/// Reports whether a name is not empty and has only unreserved characters [RFC 3986, 2.3].
fn is_plain_name(name: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_unreserved)
}

/// Returns the id at the end of a slug. It is the whole slug, or a hyphen is before it.
fn id_at_end(slug: &str) -> Option<PhotoId> {
    let (before, id) = slug.split_at_checked(slug.len().checked_sub(ID_CHARS)?)?;
    let is_separate = before.is_empty() || before.ends_with('-');
    PhotoId::parse(id).filter(|_| is_separate)
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
    text.truncate(ID_CHARS);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slugs_of_similar_stems_differ() {
        let id = PhotoId::from_stem("2018-02-01/a");
        let stems = [
            "2018-02-01/a".to_owned(),
            "2018-02-01/A".to_owned(),
            "2018-02/01-a".to_owned(),
            "2018/02-01-a".to_owned(),
            "2018-02-01-a".to_owned(),
            "2018-02-01/a/b".to_owned(),
            "2018-02-01/a-b".to_owned(),
            "2018-02-01/a b".to_owned(),
            "2018-02-01/".to_owned(),
            "undated/a".to_owned(),
            "undated-a".to_owned(),
            "undated/\u{e9}".to_owned(),
            "undated/e\u{301}".to_owned(),
            format!("2018-02-01/a-{id}"),
            format!("2018-02-01/{id}"),
            format!("2018-02-01-{id}"),
            id.to_string(),
            String::new(),
            "/".to_owned(),
        ];
        let slugs: BTreeSet<String> = stems.iter().map(|stem| photo_slug(stem)).collect();
        assert_eq!(slugs.len(), stems.len());
        for (stem, slug) in [
            ("2018-02-01/a-b", "2018-02-01-a-b"),
            ("undated/a", "undated-a"),
        ] {
            assert_eq!(photo_slug(stem), slug);
        }
    }

    /// Returns stems that are likely to have similar slugs.
    fn arbitrary_stem() -> impl Strategy<Value = String> {
        let folder = prop_oneof![
            Just("2018-02-01"), Just("2018-02"), Just("2018"), Just("undated"), Just("")
        ];
        let separator = prop_oneof![Just("/"), Just("-"), Just("")];
        let name = prop_oneof![
            "[a-bA-B0-1./~_ -]{0,6}",
            "[a-b\u{e9}\u{301}/-]{0,4}",
            "[a-b-]{0,3}[a-z2-7]{25,27}",
            any::<String>(),
        ];
        (folder, separator, name).prop_map(|(folder, separator, name)| [folder, separator, &name].concat())
    }

    proptest! {
        #[test]
        fn photo_is_found_by_its_slug(stem in arbitrary_stem()) {
            let slug = photo_slug(&stem);
            prop_assert!(is_plain_name(&slug), "{}", slug);
            prop_assert_eq!(PhotoId::from_slug(&slug), Some(PhotoId::from_stem(&stem)));
        }

        #[test]
        fn slug_is_injective(one in arbitrary_stem(), other in arbitrary_stem()) {
            prop_assert_eq!(photo_slug(&one) == photo_slug(&other), one == other);
        }

        #[test]
        fn text_from_a_url_is_never_a_panic(text in any::<String>()) {
            let _ = PhotoId::from_slug(&text);
        }
    }

    #[test]
    fn id_is_parsed_from_its_own_text() {
        let id = PhotoId::from_stem("2018-02-01/foobar");
        assert_eq!(PhotoId::parse(id.as_str()), Some(id));
        assert_eq!(PhotoId::parse("../../../../../etc/passwd."), None);
    }
}
