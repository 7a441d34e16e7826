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
/// The forms of the archive's folders: a day, a month, a year, and the folder of undated photos.
/// `0` stands for any digit. If a slug fits to several of them, the first one counts.
const FOLDER_FORMS: [&str; 4] = ["0000-00-00", "0000-00", "0000", UNDATED];

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

    /// Returns the ids that a photo with this stem can have, most probable first. They differ only
    /// if the stem has accented letters: macOS writes such a letter as a letter and an accent (the
    /// Unicode form NFD), and keyboards as one character (NFC). Ingest writes NFC. Files that
    /// people put into the archive keep their names.
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

    /// Returns the id of the photo that has this slug, if any photo has it. Returns `None` if the
    /// text cannot be a slug. See [`photo_slug`].
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
            let stem = stem_of_plain_slug(slug)?;
            Some(PhotoId::from_stem(&stem))
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
/// The slug of most photos is the stem with a hyphen in place of the slash. Such a slug is used
/// only if the stem follows from it: the folder is that of a day, a month, a year or `undated`, the
/// name has only unreserved characters, and the slug does not end like an id. Any other slug is the
/// stem in lower-case ASCII and the id of the photo.
///
/// ```
/// use photo_catalogue::photo_id::{PhotoId, photo_slug};
///
/// assert_eq!(photo_slug("2018-02-01/DSC_0001~2"), "2018-02-01-DSC_0001~2");
/// assert_eq!(photo_slug("1985-06/scan"), "1985-06-scan");
/// let stem = "2018-02-01/\u{c9}t\u{e9} \u{e0} Paris";
/// let id = PhotoId::from_stem(stem);
/// assert_eq!(photo_slug(stem), format!("2018-02-01-ete-a-paris-{id}"));
/// ```
pub fn photo_slug(stem: &str) -> String {
    let plain = stem.replacen('/', "-", 1);
    let is_plain = id_at_end(&plain).is_none()
        && stem_of_plain_slug(&plain).is_some_and(|meant| meant == stem);
    if is_plain {
        return plain;
    }
    let id = PhotoId::from_stem(stem);
    match make_slug(stem).as_str() {
        "" => id.to_string(),
        readable => format!("{readable}-{id}"),
    }
}

/// Returns the stem that a slug without an id means. Returns `None` if it has no such form.
fn stem_of_plain_slug(slug: &str) -> Option<String> {
    FOLDER_FORMS.iter().find_map(|form| {
        let (folder, name) = slug.split_at_checked(form.len())?;
        let name = name.strip_prefix('-').filter(|name| is_plain_name(name))?;
        has_form(folder, form).then(|| format!("{folder}/{name}"))
    })
}

/// Reports whether a text has this form, in which `0` stands for any digit.
fn has_form(text: &str, form: &str) -> bool {
    let mut pairs = text.bytes().zip(form.bytes());
    text.len() == form.len()
        && pairs.all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        })
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
            ("1985/scan", "1985-scan"),
            ("1985-06/scan", "1985-06-scan"),
        ] {
            assert_eq!(photo_slug(stem), slug);
        }
    }

    /// Returns stems that are likely to have similar slugs.
    fn arbitrary_stem() -> impl Strategy<Value = String> {
        let folder = prop_oneof![
            Just("2018-02-01"),
            Just("2018-02"),
            Just("2018"),
            Just("undated"),
            Just("")
        ];
        let separator = prop_oneof![Just("/"), Just("-"), Just("")];
        let name = prop_oneof![
            "[a-bA-B0-1./~_ -]{0,6}",
            "[a-b\u{e9}\u{301}/-]{0,4}",
            "[a-b-]{0,3}[a-z2-7]{25,27}",
            any::<String>(),
        ];
        (folder, separator, name)
            .prop_map(|(folder, separator, name)| [folder, separator, &name].concat())
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
