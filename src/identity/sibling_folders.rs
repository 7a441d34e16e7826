//! Folders that belong together: a folder, and the folders in it that only separate formats, such as
//! `JPEG/` and `RAW/`.

use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::list_changes::{ListChange, parse_list_changes};

/// The names of folders that separate the formats of one shot.
const DEFAULT_NAMES: [&str; 31] = [
    "jpeg", "jpegs", "jpg", "jpgs", "raw", "raws", "heic", "heif", "hif", "dng", "nef", "nrw",
    "cr2", "cr3", "crw", "arw", "raf", "rw2", "orf", "pef", "srw", "x3f", "3fr", "iiq", "tif",
    "tiff", "tiffs", "avif", "png", "webp", "original",
];

/// The names of folders that separate the formats of one shot. A photo may have its JPEG in `JPEG/`
/// and its RAW in `RAW/`, or one of them in the folder above.
///
/// ```
/// use photo_catalogue::identity::{FolderRelation, SiblingFolders};
///
/// let siblings = SiblingFolders::default();
/// let relation = siblings.relate("trip/JPEG/DSC_1.JPG", "trip/RAW/DSC_1.NEF");
/// assert_eq!(relation, FolderRelation::Related);
/// let relation = siblings.relate("trip/a/DSC_1.JPG", "trip/b/DSC_1.NEF");
/// assert_eq!(relation, FolderRelation::Unrelated);
///
/// // Adds a name, and removes a default one.
/// let siblings: SiblingFolders = "selects,!png".parse()?;
/// let relation = siblings.relate("trip/Selects/DSC_1.JPG", "trip/DSC_1.NEF");
/// assert_eq!(relation, FolderRelation::Related);
/// # Ok::<(), photo_catalogue::identity::InvalidFolderName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiblingFolders {
    /// The names in the form of [`compared_name`].
    names: Vec<String>,
}

/// The relation of the folders of two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderRelation {
    /// Both files are in one folder, or in sibling folders.
    Related,
    /// The folders are neither the same folder nor sibling folders.
    Unrelated,
}

/// The error of a list of folder names. The text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFolderName {
    /// The name contains a slash.
    #[error("\"{0}\" is not the name of one folder; write it without a slash")]
    Slash(String),
    /// The text removes a name that is not in the list.
    #[error(
        "\"!{0}\" removes no name, because there is no name \"{0}\"; docs/settings.md lists the \
         default names"
    )]
    NothingToRemove(String),
}

impl Default for SiblingFolders {
    fn default() -> Self {
        SiblingFolders {
            names: DEFAULT_NAMES.map(compared_name).to_vec(),
        }
    }
}

impl SiblingFolders {
    /// Returns the relation of the folders of two keys of one bucket.
    pub fn relate(&self, a: &str, b: &str) -> FolderRelation {
        match self.common_folder(a) == self.common_folder(b) {
            true => FolderRelation::Related,
            false => FolderRelation::Unrelated,
        }
    }

    /// Returns the folder of a key, without a last folder that only separates formats.
    fn common_folder<'a>(&self, key: &'a str) -> &'a str {
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
        match self.names.contains(&compared_name(last)) {
            true => above,
            false => folder,
        }
    }
}

impl FromStr for SiblingFolders {
    type Err = InvalidFolderName;

    /// Parses changes of the default names, separated by commas: `selects` adds a name, and `!png`
    /// removes one. An empty text changes nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut siblings = SiblingFolders::default();
        for change in parse_list_changes(text) {
            let (ListChange::Add(name) | ListChange::Remove(name)) = change;
            let name = name.strip_suffix('/').unwrap_or(name);
            if name.contains('/') {
                return Err(InvalidFolderName::Slash(name.to_owned()));
            }
            let compared = compared_name(name);
            let count = siblings.names.len();
            siblings.names.retain(|name| *name != compared);
            match change {
                ListChange::Remove(_) if siblings.names.len() == count => {
                    return Err(InvalidFolderName::NothingToRemove(name.to_owned()));
                }
                ListChange::Remove(_) => {}
                ListChange::Add(_) => siblings.names.push(compared),
            }
        }
        Ok(siblings)
    }
}

/// Returns a name in the Unicode form NFC and in lower case.
fn compared_name(name: &str) -> String {
    let normalizer = const { ComposingNormalizerBorrowed::new_nfc() };
    normalizer.normalize(&name.to_lowercase()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_separate_formats_are_siblings() {
        let siblings = SiblingFolders::default();
        let related = |a: &str, b: &str| siblings.relate(a, b) == FolderRelation::Related;
        assert!(related("a.jpg", "a.nef") && related("t/a.jpg", "t/a.nef"));
        assert!(related("t/JPEG/a.jpg", "t/raw/a.nef") && related("t/a.jpg", "t/RAW/a.nef"));
        assert!(related("JPEG/a.jpg", "a.nef"));
        assert!(!related("t/JPEG/x/a.jpg", "t/RAW/x/a.nef"));
        assert!(!related("t/a.jpg", "u/a.nef") && !related("t/JPEG/a.jpg", "u/RAW/a.nef"));
        assert!(!related("t/RAW/RAW/a.nef", "t/a.jpg"));
    }

    #[test]
    fn names_are_added_and_removed() {
        let siblings: SiblingFolders = " Été , !RAW/ ".parse().expect("names");
        let related = |a: &str, b: &str| siblings.relate(a, b) == FolderRelation::Related;
        assert!(related("t/E\u{301}te\u{301}/a.jpg", "t/a.nef"));
        assert!(!related("t/RAW/a.nef", "t/a.jpg"));
        let error = "!nothing"
            .parse::<SiblingFolders>()
            .expect_err("no such name");
        assert!(
            error
                .to_string()
                .starts_with("\"!nothing\" removes no name")
        );
        assert!("a/b".parse::<SiblingFolders>().is_err());
    }
}
