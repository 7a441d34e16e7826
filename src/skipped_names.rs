//! The names that are never a photo's: thumbnails, trash, unfinished uploads, hidden files. This
//! module does no I/O.
//!
//! NAS, phones, sync programs and editors leave such files next to photos. Ingest skips an object by
//! its name alone, so a skip costs no request. The setting SKIP_NAMES adds and removes patterns.

use std::fmt;
use std::str::FromStr;

use glob::{MatchOptions, Pattern};
use icu_normalizer::ComposingNormalizerBorrowed;

use crate::archive::{KeyPlace, Layout, is_visible};
use crate::list_changes::{ListChange, parse_list_changes};
use crate::object::ObjectRef;

/// The options of all matches. `*` also matches a leading dot. The case of ASCII letters does not
/// matter.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: false,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

const THUMBNAIL: &str = "thumbnail";
const TRASH: &str = "trash";
const UNFINISHED: &str = "unfinished transfer";
const OLDER_VERSION: &str = "older version of a file";
const EDITOR_CACHE: &str = "cache of an editor";
const SYSTEM: &str = "file of a system";
const HIDDEN: &str = "hidden";
/// The reason for a pattern that the owner has added.
const ADDED: &str = "SKIP_NAMES";

/// The default patterns, with the reason for each. The first pattern that matches gives the reason,
/// so the general patterns for hidden files come last.
#[rustfmt::skip]
const DEFAULT_PATTERNS: [(&str, &str); 66] = [
    // Phones and desktops (Android, GNOME), Synology, QNAP, Sony's and GoPro's films.
    (".thumbnails/", THUMBNAIL), (".sh_thumbnails/", THUMBNAIL), ("@eaDir/", THUMBNAIL), (".@__thumb/", THUMBNAIL),
    ("THMBNL/", THUMBNAIL), ("*.lrv", THUMBNAIL), ("Thumbs.db", THUMBNAIL), ("ehthumbs*.db", THUMBNAIL),
    // Android, Linux and macOS, Windows, Synology, QNAP, Samba, Buffalo, digiKam, Nextcloud, Google Takeout.
    (".trashed-*", TRASH), (".Trash*/", TRASH), ("$RECYCLE.BIN/", TRASH), ("RECYCLER/", TRASH),
    ("RECYCLED/", TRASH), ("#recycle/", TRASH), ("@Recycle/", TRASH), (".recycle/", TRASH), ("trashbox/", TRASH),
    (".dtrash/", TRASH), ("files_trashbin/", TRASH), ("Google Photos/Trash/", TRASH), ("Google Photos/Bin/", TRASH),
    // Browsers, WinSCP, rclone, rsync, s3fs, Resilio, Syncthing, Nextcloud, office programs, torrents.
    ("*.part", UNFINISHED), ("*.partial", UNFINISHED), ("*.tmp", UNFINISHED), ("*.temp", UNFINISHED), ("*.filepart", UNFINISHED),
    ("*.crdownload", UNFINISHED), ("*.download", UNFINISHED), ("*.download/", UNFINISHED), ("*.opdownload", UNFINISHED),
    ("*.!sync", UNFINISHED), ("*.bts", UNFINISHED), ("*.!qb", UNFINISHED), ("*.!ut", UNFINISHED), (".rsync-partial/", UNFINISHED),
    (".fuse_hidden*", UNFINISHED), (".pending-*", UNFINISHED), (".syncthing.*", UNFINISHED), (".~*", UNFINISHED),
    ("@tmp/", UNFINISHED), ("~*", UNFINISHED),
    // Picasa, ACDSee, PaintShop, ExifTool, editors of Unix, Resilio, Syncthing, Nextcloud, snapshots of NAS.
    (".picasaoriginals/", OLDER_VERSION), ("[[]Originals]/", OLDER_VERSION), ("Corel Auto-Preserve/", OLDER_VERSION),
    ("*_original", OLDER_VERSION), ("*~", OLDER_VERSION), ("*.bak", OLDER_VERSION), (".sync/", OLDER_VERSION),
    (".stversions/", OLDER_VERSION), ("files_versions/", OLDER_VERSION), ("#snapshot/", OLDER_VERSION),
    ("@Recently-Snapshot/", OLDER_VERSION), ("~snapshot/", OLDER_VERSION), (".snapshot/", OLDER_VERSION),
    // Lightroom (its smart previews are DNG files), Capture One, Nextcloud.
    ("*.lrdata/", EDITOR_CACHE), ("CaptureOne/Cache/", EDITOR_CACHE), ("appdata_*/", EDITOR_CACHE),
    // macOS, Windows, Synology.
    ("._*", SYSTEM), (".DS_Store", SYSTEM), ("__MACOSX/", SYSTEM), ("System Volume Information/", SYSTEM), ("desktop.ini", SYSTEM),
    ("*@SynoEAStream", SYSTEM), ("*@SynoResource", SYSTEM),
    (".*", HIDDEN), (".*/", HIDDEN),
];

/// The patterns of the names that are never a photo's. The default has the default patterns.
///
/// ```
/// use photo_catalogue::skipped_names::SkippedNames;
///
/// let names = SkippedNames::default();
/// assert_eq!(names.reason("card/DSC_1.JPG"), None);
/// let reason = names.reason("nas/@eaDir/DSC_1.JPG/SYNOPHOTO_THUMB_XL.jpg");
/// assert_eq!(reason.as_deref(), Some("thumbnail (@eaDir/)"));
///
/// // Adds a pattern, and removes a default one.
/// let names: SkippedNames = "*-draft.jpg,!*.tmp".parse()?;
/// assert_eq!(names.reason("a-draft.jpg").as_deref(), Some("SKIP_NAMES (*-draft.jpg)"));
/// assert_eq!(names.reason("a.tmp"), None);
/// # Ok::<(), photo_catalogue::skipped_names::InvalidNamePattern>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedNames {
    patterns: Vec<NamePattern>,
}

/// One pattern of [`SkippedNames`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamePattern {
    /// The pattern as it was written, such as `CaptureOne/Cache/`.
    text: String,
    /// `true` if the pattern ends in a slash. It then matches folders, and otherwise files.
    is_folder: bool,
    /// One pattern for each name between the slashes.
    names: Vec<Pattern>,
    reason: &'static str,
}

/// The error of a pattern. The text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNamePattern {
    /// The text is not a pattern. The fields are the text and the cause.
    #[error(
        "\"{0}\" is not a pattern of names: {1}; use * for any text, ? for one character, [ab] for \
         one of these, and a final / for folders"
    )]
    Malformed(String, String),
    /// The pattern would skip every file.
    #[error("\"{0}\" would skip every photo")]
    MatchesAll(String),
    /// The text removes a pattern that is not in the list.
    #[error(
        "\"!{0}\" removes no pattern, because there is no pattern \"{0}\"; docs/settings.md lists the \
         default patterns"
    )]
    NothingToRemove(String),
}

impl Default for SkippedNames {
    fn default() -> Self {
        let patterns = DEFAULT_PATTERNS.iter();
        let patterns = patterns.filter_map(|(text, reason)| NamePattern::new(text, reason).ok());
        SkippedNames {
            patterns: patterns.collect(),
        }
    }
}

impl SkippedNames {
    /// Returns the reason why the object with this key is never a photo, or `None` if its name is
    /// that of an ordinary file. `key` is the key below its prefix. The reason contains the pattern,
    /// such as `trash (#recycle/)`.
    ///
    /// Backslashes separate names too. Characters that [`crate::archive`] removes from names do not
    /// count, so a name that begins with a dot in the archive is hidden here.
    pub fn reason(&self, key: &str) -> Option<String> {
        let names: Vec<String> = key.split(['/', '\\']).map(compared_text).collect();
        let (file, folders) = names.split_last()?;
        let is_name = |name: &&str| !matches!(*name, "" | "." | "..");
        let folders: Vec<&str> = folders.iter().map(String::as_str).filter(is_name).collect();
        let file = Some(file.as_str()).filter(is_name);
        let mut patterns = self.patterns.iter();
        let found = patterns.find(|pattern| pattern.matches(&folders, file))?;
        Some(found.to_string())
    }

    /// Returns the reason why an object of the source or the archive is never a photo. Returns
    /// `None` if its name is that of an ordinary file, or if it is under neither prefix.
    pub fn reason_for_object(&self, layout: &Layout, object: &ObjectRef) -> Option<String> {
        let prefix = match layout.place(object)? {
            KeyPlace::Source(_) => layout.source_prefix(),
            KeyPlace::Archive(_) => layout.archive_prefix(),
        };
        self.reason(prefix.strip(&object.key)?)
    }

    /// Adds or removes a pattern.
    fn change(&mut self, change: ListChange<'_>) -> Result<(), InvalidNamePattern> {
        let removed = match change {
            // The owner's patterns come first, so that the reason names them.
            ListChange::Add(added) => {
                self.patterns.insert(0, NamePattern::new(added, ADDED)?);
                return Ok(());
            }
            ListChange::Remove(removed) => removed,
        };
        let count = self.patterns.len();
        self.patterns
            .retain(|pattern| !pattern.text.eq_ignore_ascii_case(removed));
        if self.patterns.len() == count {
            return Err(InvalidNamePattern::NothingToRemove(removed.to_owned()));
        }
        Ok(())
    }
}

impl FromStr for SkippedNames {
    type Err = InvalidNamePattern;

    /// Changes the default patterns by a list with commas: `*.draft` adds a pattern, and `!*.tmp`
    /// removes one. An empty text changes nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut names = SkippedNames::default();
        for change in parse_list_changes(text) {
            names.change(change)?;
        }
        Ok(names)
    }
}

impl NamePattern {
    fn new(text: &str, reason: &'static str) -> Result<Self, InvalidNamePattern> {
        let malformed = |cause: &str| {
            let cause = cause.to_owned();
            InvalidNamePattern::Malformed(text.to_owned(), cause)
        };
        let (path, is_folder) = match text.strip_suffix('/') {
            Some(path) => (path, true),
            None => (text, false),
        };
        let names = path.split('/').map(|name| match name {
            "" => Err(malformed("a name is empty")),
            name => Pattern::new(&compared_text(name)).map_err(|error| malformed(error.msg)),
        });
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let is_any = |name: &Pattern| {
            let text = name.as_str();
            text == "*.*" || (text.contains('*') && text.chars().all(|c| matches!(c, '*' | '?')))
        };
        if names.iter().all(is_any) {
            return Err(InvalidNamePattern::MatchesAll(text.to_owned()));
        }
        // In a path, ** would match exactly one name, and not any number of folders.
        if names.iter().any(|name| name.as_str().contains("**")) {
            return Err(malformed("it contains **"));
        }
        Ok(NamePattern {
            text: text.to_owned(),
            is_folder,
            names,
            reason,
        })
    }

    /// Reports whether the pattern matches a file in these folders. A pattern of folders matches if
    /// any neighbouring folders have its names. A pattern of files is compared with the file and the
    /// folders that contain it.
    fn matches(&self, folders: &[&str], file: Option<&str>) -> bool {
        let is_match = |names: &[&str]| {
            let mut pairs = self.names.iter().zip(names);
            pairs.all(|(pattern, name)| pattern.matches_with(name, OPTIONS))
        };
        let count = self.names.len();
        if self.is_folder {
            return folders.windows(count).any(is_match);
        }
        let (Some(file), Some(first)) = (file, (folders.len() + 1).checked_sub(count)) else {
            return false;
        };
        let path: Vec<&str> = folders.iter().skip(first).copied().chain([file]).collect();
        is_match(&path)
    }
}

/// Writes the reason with the pattern, such as `trash (#recycle/)`.
impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.text)
    }
}

/// Returns a name in the Unicode form NFC, without the characters that a name has not in the archive.
/// macOS writes an accented letter as two characters.
fn compared_text(name: &str) -> String {
    let visible: String = name.chars().filter(|c| is_visible(*c)).collect();
    let normalizer = const { ComposingNormalizerBorrowed::new_nfc() };
    normalizer.normalize(&visible).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(key: &str) -> Option<String> {
        SkippedNames::default().reason(key)
    }

    #[test]
    fn every_default_pattern_is_valid_and_documented() {
        assert_eq!(
            SkippedNames::default().patterns.len(),
            DEFAULT_PATTERNS.len()
        );
        let settings = include_str!("../docs/settings.md");
        for (pattern, _) in DEFAULT_PATTERNS {
            assert!(settings.contains(&format!("`{pattern}`")), "{pattern}");
        }
    }

    #[test]
    fn names_of_real_software_are_skipped_with_a_reason() {
        for (key, expected) in [
            ("c/@eaDir/IMG_1.JPG/SYNOPHOTO_THUMB_XL.jpg", THUMBNAIL),
            ("c/.thumbnails/7.jpg", THUMBNAIL),
            ("c/.@__thumb/s100IMG_1.JPG", THUMBNAIL),
            ("PRIVATE/M4ROOT/THMBNL/C0001T01.JPG", THUMBNAIL),
            ("c/.trashed-1650000000-IMG_9.JPG", TRASH),
            ("c/.Trash-1000/files/IMG_8.JPG", TRASH),
            (".Trashes/501/IMG_8.JPG", TRASH),
            ("c/#recycle/IMG_7.JPG", TRASH),
            ("$Recycle.Bin/S-1-5-21/$R1.jpg", TRASH),
            ("Takeout/Google Photos/Trash/IMG_1.jpg", TRASH),
            ("c/IMG_6.JPG.part", UNFINISHED),
            ("c/IMG_6.jpg.1a2b3c4d.partial", UNFINISHED),
            ("c/IMG_6.JPG.filepart", UNFINISHED),
            ("Unconfirmed 123.crdownload", UNFINISHED),
            ("c/~syncthing~IMG_6.JPG.tmp", UNFINISHED),
            ("c/.fuse_hidden0000001200000001", UNFINISHED),
            ("c/~$IMG_6.JPG", UNFINISHED),
            ("c/.picasaoriginals/IMG_1.JPG", OLDER_VERSION),
            ("c/[Originals]/IMG_1.JPG", OLDER_VERSION),
            ("c/IMG_1.JPG_original", OLDER_VERSION),
            ("c/.sync/Archive/IMG_1.JPG", OLDER_VERSION),
            (
                "Lightroom Catalog Smart Previews.lrdata/0/1/01.dng",
                EDITOR_CACHE,
            ),
            ("2021/CaptureOne/Cache/Proxies/IMG.jpg", EDITOR_CACHE),
            ("c/._IMG_1.JPG", SYSTEM),
            ("__MACOSX/c/IMG_1.JPG", SYSTEM),
            ("c/.IMG_1.JPG.x7Yz12", HIDDEN),
            (".hidden/IMG_1.JPG", HIDDEN),
            ("a/.hidden/b/IMG_1.JPG", HIDDEN),
            (".IMG_1.JPG", HIDDEN),
        ] {
            let found = reason(key).unwrap_or_default();
            assert!(found.starts_with(expected), "{key}: {found}");
        }
    }

    #[test]
    fn names_of_photos_are_not_skipped() {
        for key in [
            "DSC_1.JPG",
            "card/DCIM/100NIKON/DSC_1.NEF",
            "Trash/IMG_1.jpg",
            "recycle bin/IMG_1.jpg",
            "party.part1.jpg",
            "part/IMG_1.jpg",
            "x.part/IMG_1.jpg",
            "~ Italy/IMG_1.jpg",
            "a~2.jpg",
            "CaptureOne/IMG_1.jpg",
            "CaptureOne/Settings/Cache/IMG_1.jpg",
            "./IMG_1.jpg",
            "../IMG_1.jpg",
            "x/..",
            "x/",
            "",
            "/IMG_1.jpg",
            "Screenshot.2021.jpg",
            "originals/IMG_1.jpg",
        ] {
            assert_eq!(reason(key), None, "{key}");
        }
    }

    #[test]
    fn dot_behind_unseen_characters_or_a_backslash_hides_too() {
        for key in [
            "c/\u{202e}.trashed-1.jpg",
            "c/\n.hidden.jpg",
            "c\\.thumbnails\\7.jpg",
            "c/\u{7}.hidden/a.jpg",
        ] {
            assert!(reason(key).is_some(), "{key:?}");
        }
    }

    #[test]
    fn setting_adds_and_removes_patterns() {
        let names: SkippedNames = " *-draft.jpg, exports/ ,!*.TMP, !.*/ ,"
            .parse()
            .expect("valid");
        assert_eq!(
            names.reason("a-Draft.JPG").as_deref(),
            Some("SKIP_NAMES (*-draft.jpg)")
        );
        assert!(names.reason("x/exports/a.jpg").is_some());
        assert_eq!(names.reason("a.tmp"), None);
        assert_eq!(names.reason(".pics/a.jpg"), None);
        assert!(names.reason(".pics/.a.jpg").is_some());
        assert!(names.reason(".thumbnails/a.jpg").is_some());
        assert_eq!("".parse(), Ok(SkippedNames::default()));
    }

    #[test]
    fn unicode_form_does_not_matter() {
        let (composed, decomposed) = ("B\u{fc}ro/", "Bu\u{308}ro/");
        for (pattern, folder) in [(composed, decomposed), (decomposed, composed)] {
            let names: SkippedNames = pattern.parse().expect("a pattern");
            assert!(names.reason(&format!("{folder}a.jpg")).is_some());
        }
    }

    #[test]
    fn wrong_setting_gets_one_clear_line() {
        for (text, part) in [
            ("[ab", "\"[ab\" is not a pattern of names"),
            ("a//b", "a name is empty"),
            ("/a", "a name is empty"),
            ("/", "a name is empty"),
            ("*", "would skip every photo"),
            ("**/", "would skip every photo"),
            ("?*", "would skip every photo"),
            ("*.*", "would skip every photo"),
            ("Family/**", "it contains **"),
            ("!*.foo", "there is no pattern \"*.foo\""),
            ("!", "removes no pattern"),
        ] {
            let error = text.parse::<SkippedNames>().expect_err(text).to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        }
    }

    proptest! {
        #[test]
        fn key_with_a_name_that_begins_with_a_dot_is_always_skipped(
            before in "([a-z0-9 ]{1,8}/){0,3}",
            name in "\\.[a-zA-Z0-9_]{1,12}",
            after in "(/[a-z0-9]{1,8}){0,3}",
        ) {
            let key = format!("{before}{name}{after}");
            prop_assert!(reason(&key).is_some());
        }

        #[test]
        fn no_key_makes_the_match_fail(key in "\\PC{0,80}") {
            let _ = reason(&key);
        }
    }
}
