//! The folders of uploads that are albums. This module does no I/O.
//!
//! Source keys are never public. Of a source key, only the name of the album's folder is taken, and
//! only below a prefix that the owner has set.

use std::str::FromStr;

use photo_metadata::make_slug;

use super::album::check_title;
use crate::photo_id::compose_letters;

/// The prefixes of source keys whose folders are albums. The default has none, so no folder is an
/// album.
///
/// ```
/// use photo_catalogue::catalogue::album_folders::AlbumFolders;
///
/// let folders: AlbumFolders = "albums/".parse()?;
/// assert_eq!(folders.folder_name("albums/Japan 2026/x/DSC_1.NEF").as_deref(), Some("Japan 2026"));
/// assert_eq!(folders.folder_name("albums/DSC_1.NEF"), None);
/// assert_eq!(folders.folder_name("card/Japan 2026/DSC_1.NEF"), None);
/// assert_eq!(AlbumFolders::default().folder_name("albums/Japan 2026/DSC_1.NEF"), None);
/// # Ok::<(), photo_catalogue::catalogue::album_folders::InvalidAlbumFolder>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlbumFolders {
    /// The prefixes, the longest first. Each is empty or ends in `/`.
    prefixes: Vec<String>,
}

/// The error of a text that is no list of prefixes. The field is the prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a folder of source keys, such as albums/; use / for the whole bucket")]
pub struct InvalidAlbumFolder(String);

impl AlbumFolders {
    /// Returns `true` if no folder is an album.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// Returns the name of the folder whose album has the upload with this source key: the first
    /// folder below the longest of the prefixes that the key has. The name is in the Unicode form
    /// NFC, without surrounding blanks.
    ///
    /// Returns `None` if the file is in no folder below a prefix, if one of the folders is hidden,
    /// or if the name cannot be the title of an album.
    pub fn folder_name(&self, key: &str) -> Option<String> {
        let below = |prefix: &String| key.strip_prefix(prefix.as_str());
        let below = self.prefixes.iter().find_map(below)?;
        let (folder, _) = below.split_once('/')?;
        if key
            .split('/')
            .any(|name| name.trim_start().starts_with('.'))
        {
            return None;
        }
        let name = compose_letters(folder.trim());
        let is_title = check_title(&name).is_ok() && !make_slug(&name).is_empty();
        is_title.then(|| name.into_owned())
    }
}

impl FromStr for AlbumFolders {
    type Err = InvalidAlbumFolder;

    /// Parses prefixes, separated by commas. Each ends in `/`. A `/` at the beginning does not
    /// count, because keys have none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let given = text.split(',').map(str::trim);
        let mut prefixes = Vec::new();
        for prefix in given.filter(|prefix| !prefix.is_empty()) {
            let is_folder = prefix.ends_with('/') && !prefix.contains("//");
            if !is_folder || prefix.chars().any(char::is_control) {
                return Err(InvalidAlbumFolder(prefix.to_owned()));
            }
            prefixes.push(prefix.trim_start_matches('/').to_owned());
        }
        prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        Ok(AlbumFolders { prefixes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(text: &str) -> AlbumFolders {
        text.parse().expect("prefixes")
    }

    #[test]
    fn first_folder_below_the_longest_prefix_counts() {
        let folders = folders("albums/, albums/trips/");
        for (key, name) in [
            ("albums/Japan/DSC_1.NEF", Some("Japan")),
            ("albums/Japan/RAW/DSC_1.NEF", Some("Japan")),
            ("albums/trips/Alps/DSC_1.NEF", Some("Alps")),
            ("albums/trips/DSC_1.NEF", None),
            ("albums//DSC_1.NEF", None),
            ("Albums/Japan/DSC_1.NEF", None),
        ] {
            assert_eq!(folders.folder_name(key).as_deref(), name, "{key}");
        }
    }

    #[test]
    fn slash_means_the_whole_bucket() {
        let name = folders("/").folder_name("Japan 2026/DSC_1.NEF");
        assert_eq!(name.as_deref(), Some("Japan 2026"));
        assert_eq!(folders("/").folder_name("DSC_1.NEF"), None);
        assert!(folders("").is_empty() && folders(" , ").is_empty());
    }

    #[test]
    fn hidden_folder_is_no_album() {
        let folders = folders("albums/");
        for key in [
            "albums/.private/DSC_1.NEF",
            "albums/ .private/DSC_1.NEF",
            "albums/Japan/.hidden/DSC_1.NEF",
            "albums/Japan/.DSC_1.NEF",
        ] {
            assert_eq!(folders.folder_name(key), None, "{key}");
        }
    }

    #[test]
    fn name_that_is_no_title_is_no_album() {
        let folders = folders("albums/");
        for name in ["★", " ", "a\u{202e}b", "a\nb", &"a".repeat(257)] {
            assert_eq!(
                folders.folder_name(&format!("albums/{name}/a.jpg")),
                None,
                "{name:?}"
            );
        }
        let decomposed = folders.folder_name("albums/ E\u{301}te\u{301} /a.jpg");
        assert_eq!(decomposed.as_deref(), Some("\u{c9}t\u{e9}"));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["albums", "albums/,trips", "albums//x/", "al\u{7}bums/"] {
            assert!(text.parse::<AlbumFolders>().is_err(), "{text}");
        }
    }
}
