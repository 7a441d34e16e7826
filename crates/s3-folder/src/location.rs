//! Where an object's bytes lie: under its own name where the file system can carry it, else under a digest.
//!
//! Pure: it touches no file.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Folder below the data folder that holds everything that is no bucket. A bucket's name never starts with a dot.
pub(super) const INTERNAL: &str = ".engine";

/// Longest name of a file or folder, in bytes, that every common file system takes.
const LONGEST_SEGMENT: usize = 255;

/// Decided when an object is first written, and kept in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// `DATA/<bucket>/<key>`.
    Plain,
    /// `DATA/.engine/odd/<SHA-256 of bucket/key>`.
    Odd,
}

/// The folders of a store.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    data: PathBuf,
    internal: PathBuf,
}

impl Folders {
    pub(super) fn new(data: &Path) -> Folders {
        Folders {
            data: data.to_path_buf(),
            internal: data.join(INTERNAL),
        }
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn bucket(&self, bucket: &str) -> PathBuf {
        self.data.join(bucket)
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.internal.join("tmp")
    }

    pub(super) fn uploads(&self) -> PathBuf {
        self.internal.join("uploads")
    }

    pub(super) fn odd(&self) -> PathBuf {
        self.internal.join("odd")
    }

    pub(super) fn database(&self) -> PathBuf {
        self.internal.join("s3.sqlite")
    }

    /// The folder to start from and the path below it.
    pub(super) fn locate(&self, bucket: &str, key: &str, location: Location) -> (PathBuf, String) {
        match location {
            Location::Plain => (self.bucket(bucket), key.to_owned()),
            Location::Odd => (self.odd(), digest(bucket, key)),
        }
    }
}

/// Whether a file system can carry `key` as a path below a folder, as far as the name alone tells.
pub(super) fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.len() <= 1024 && key.split('/').all(is_plain_segment)
}

/// Whether a file that appears under this path is taken for an object: hidden ones (`.DS_Store`, half-copied
/// `.name.XYZ`) are not.
pub(super) fn is_adoptable(key: &str) -> bool {
    is_plain(key) && key.split('/').all(|segment| !segment.starts_with('.'))
}

/// The form under which names collide on a file system that ignores case.
pub(super) fn fold(key: &str) -> String {
    key.to_lowercase()
}

fn is_plain_segment(segment: &str) -> bool {
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && segment.len() <= LONGEST_SEGMENT
        && !segment.chars().any(char::is_control)
        && (!cfg!(windows) || is_windows_name(segment))
}

/// Names that Windows keeps for itself or spells otherwise.
fn is_windows_name(segment: &str) -> bool {
    let stem = segment
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let reserved = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    !reserved
        && !segment.ends_with(['.', ' '])
        && !segment.contains(['<', '>', ':', '"', '\\', '|', '?', '*'])
}

fn digest(bucket: &str, key: &str) -> String {
    let mut sha = Sha256::new();
    sha.update(bucket.as_bytes());
    sha.update(b"/");
    sha.update(key.as_bytes());
    data_encoding::HEXLOWER.encode(&sha.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_every_file_system_carries_are_plain() {
        for key in [
            "a",
            "2018-02-01/foobar.jpg",
            "ä/ß .jpg",
            "a+b/%20",
            ".hidden/x",
            "a\\b",
        ] {
            assert!(is_plain(key), "{key}");
        }
        let long = "x".repeat(256);
        for key in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\0b", "a\nb", &long,
        ] {
            assert!(!is_plain(key), "{key}");
        }
        assert!(!is_plain(&"a/".repeat(600)));
    }

    #[test]
    fn hidden_files_are_not_adopted() {
        assert!(is_adoptable("2018/a.jpg"));
        assert!(!is_adoptable(".DS_Store"));
        assert!(!is_adoptable("2018/.a.jpg.Xy12"));
        assert!(!is_adoptable(".git/config"));
    }
}
