//! The identity of a list: its kind and its slug. They give the paths of its files. Pure.
//!
//! A new kind of lists needs a folder and a kind of terms in the term index here, and its name in
//! [`ListKey::name_in`].

use photo_metadata::{Camera, Lens};
use serde::Deserialize;

use crate::term_index::{TermKind, keyword_nodes};

/// The maximum length of a slug, in bytes. A list with a longer slug has no file. The names of
/// files have at most 255 bytes in most file systems.
pub(super) const MAX_SLUG_BYTES: usize = 200;
/// The end of the path of a list file.
const EXTENSION: &str = ".json";

/// A kind of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ListKind {
    Camera,
    Keyword,
    Lens,
}

/// The kind and the slug of a list that has files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListKey {
    kind: ListKind,
    slug: String,
}

/// The fields of a photo's JSON that contain the names of lists.
#[derive(Deserialize)]
struct NamedFields {
    camera: Option<Camera>,
    lens: Option<Lens>,
    keywords: Vec<String>,
}

impl ListKind {
    /// All kinds.
    pub(super) const ALL: [ListKind; 3] = [ListKind::Camera, ListKind::Keyword, ListKind::Lens];

    /// Returns the name of the kind. It is also the folder of the files.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            ListKind::Camera => "camera",
            ListKind::Keyword => "keyword",
            ListKind::Lens => "lens",
        }
    }

    /// Returns the kind of the terms that a photo of such a list has.
    pub(super) fn term_kind(self) -> TermKind {
        match self {
            ListKind::Camera => TermKind::Camera,
            ListKind::Keyword => TermKind::Keyword,
            ListKind::Lens => TermKind::Lens,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        ListKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl ListKey {
    /// Returns the key of a list. Returns `None` if the list has no file, because its slug is too
    /// long or is not a slug.
    pub(super) fn new(kind: ListKind, slug: &str) -> Option<Self> {
        let is_slug_byte =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let has_file = (1..=MAX_SLUG_BYTES).contains(&slug.len()) && slug.bytes().all(is_slug_byte);
        has_file.then(|| ListKey {
            kind,
            slug: slug.to_owned(),
        })
    }

    /// Parses the form of [`ListKey::to_stored`]. Returns `None` if it is the key of another
    /// version of the program.
    pub(super) fn from_stored(key: &str) -> Option<Self> {
        let (kind, slug) = key.split_once('#')?;
        ListKey::new(ListKind::parse(kind)?, slug)
    }

    /// Returns the key in the publish table, such as `keyword#japan`.
    pub(super) fn to_stored(&self) -> String {
        format!("{}#{}", self.kind.as_str(), self.slug)
    }

    pub(super) fn kind(&self) -> ListKind {
        self.kind
    }

    pub(super) fn slug(&self) -> &str {
        &self.slug
    }

    /// Returns the list to which the file with this path belongs, or `None` if it is no list file.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let (folder, name) = path.split_once('/')?;
        let stem = name.strip_suffix(EXTENSION)?;
        // The first file has no number.
        let slug = stem.split('.').next()?;
        ListKey::new(ListKind::parse(folder)?, slug)
    }

    /// Returns the path of the first file, such as `keyword/japan.json`.
    pub(super) fn first_path(&self) -> String {
        format!("{}/{}{EXTENSION}", self.kind.as_str(), self.slug)
    }

    /// Returns the path of another file. `number` is at least 2: `keyword/japan.2.json`.
    pub(super) fn numbered_path(&self, number: usize) -> String {
        format!("{}/{}.{number}{EXTENSION}", self.kind.as_str(), self.slug)
    }

    /// Returns the beginning of the paths of all files of the list, such as `keyword/japan.`. The
    /// file of no other list begins with it.
    pub(super) fn path_prefix(&self) -> String {
        format!("{}/{}.", self.kind.as_str(), self.slug)
    }

    /// Returns the name of the list as a photo spells it. `photo` is the JSON of a photo of the
    /// list.
    pub(super) fn name_in(&self, photo: &[u8]) -> Option<String> {
        let fields: NamedFields = serde_json::from_slice(photo).ok()?;
        match self.kind {
            ListKind::Camera => fields.camera.map(|camera| camera.name),
            ListKind::Lens => fields.lens.map(|lens| lens.name),
            ListKind::Keyword => {
                let keywords = fields.keywords.iter().rev();
                let nodes = keywords.flat_map(|keyword| keyword_nodes(keyword));
                let mut nodes = nodes.filter(|node| node.slug == self.slug);
                nodes.next().map(|node| node.name)
            }
        }
    }
}

/// Returns the path of the first file of a list, or `None` if the list has no file.
pub(super) fn list_path(kind: ListKind, slug: &str) -> Option<String> {
    ListKey::new(kind, slug).map(|key| key.first_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyword(slug: &str) -> Option<ListKey> {
        ListKey::new(ListKind::Keyword, slug)
    }

    #[test]
    fn key_gives_the_paths_and_paths_give_the_key() {
        let key = keyword("places-japan").expect("a list");
        assert_eq!(key.first_path(), "keyword/places-japan.json");
        assert_eq!(key.numbered_path(12), "keyword/places-japan.12.json");
        for path in [key.first_path(), key.numbered_path(12)] {
            assert!(path.starts_with(&key.path_prefix()));
            assert_eq!(ListKey::of_path(&path).as_ref(), Some(&key));
        }
        assert_eq!(ListKey::from_stored(&key.to_stored()), Some(key));
        for path in [
            "keyword/a.txt",
            "keyword/.json",
            "r/a.json",
            "index.json",
            "keyword/a/b.json",
        ] {
            assert_eq!(ListKey::of_path(path), None, "{path}");
        }
        assert_eq!(ListKey::from_stored("later#japan"), None);
    }

    #[test]
    fn a_text_that_is_no_short_slug_has_no_file() {
        assert!(keyword(&"x".repeat(MAX_SLUG_BYTES)).is_some());
        let long = "x".repeat(MAX_SLUG_BYTES + 1);
        for slug in [&long, "", "../a", "a.b", "a/b", "Kyoto", "é"] {
            assert_eq!(keyword(slug), None, "{slug}");
        }
    }

    #[test]
    fn name_is_the_spelling_of_the_photo() {
        let photo = br#"{"id":"a","camera":{"make":null,"model":null,"name":"Nikon D750","slug":"nikon-d750"},
            "lens":null,"keywords":["KYOTO","Places|Japan|Kyoto","kyoto"]}"#;
        let name = |kind, slug| ListKey::new(kind, slug).and_then(|key| key.name_in(photo));
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(name(ListKind::Camera, "nikon-d750"), some("Nikon D750"));
        assert_eq!(name(ListKind::Keyword, "kyoto"), some("kyoto"));
        assert_eq!(
            name(ListKind::Keyword, "places-japan"),
            some("Places|Japan")
        );
        assert_eq!(name(ListKind::Keyword, "osaka"), None);
        assert_eq!(name(ListKind::Lens, "nikkor"), None);
    }
}
