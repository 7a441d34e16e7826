//! The place of an object's bytes. If the key can be a path on the file system, the place is the
//! file at that path. Otherwise it is a file whose name is the SHA-256 digest of bucket and key.
//!
//! This module does no I/O.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::address::ObjectAddress;

/// The name of the folder for everything that is not a bucket. No bucket name starts with a dot.
const INTERNAL_FOLDER: &str = ".engine";

/// The maximum length in bytes of a file or folder name that every common file system accepts.
const MAX_SEGMENT_BYTES: usize = 255;

/// The placement of an object's file: the rule that determines the path of the file. The placement
/// is chosen when the object is first written, and is stored in the object's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// The file is `DATA/<bucket>/<key>`.
    ByPath,
    /// The file is `DATA/.engine/odd/<SHA-256 of bucket/key>`. This is for a key that cannot be a
    /// path, or whose path is needed for another key.
    ByHash,
}

/// The path of an object's file, split at the folder `root`. The folders below `root` are checked
/// one by one, so that a link among them is noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectFile {
    /// The folder at which the check starts: the folder of the bucket, or [`StoreFolders::hashed`]
    /// if the placement is [`Placement::ByHash`].
    pub(crate) root: PathBuf,
    /// The path below `root`, with `/` between its segments.
    pub(crate) relative: String,
}

impl ObjectFile {
    /// Returns the whole path.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(&self.relative)
    }
}

/// The paths of a store's folders.
#[derive(Debug, Clone)]
pub(crate) struct StoreFolders {
    data: PathBuf,
    /// The folder of the database and of unfinished files.
    internal: PathBuf,
    /// The folder of the files whose placement is [`Placement::ByHash`].
    hashed: PathBuf,
}

impl StoreFolders {
    /// Returns the paths below the data folder `data`.
    pub(crate) fn new(data: &Path) -> StoreFolders {
        StoreFolders::with_internal(data, &data.join(INTERNAL_FOLDER))
    }

    /// Returns the paths below the data folder `data`, but with the database and the unfinished
    /// files in the folder `internal`.
    pub(crate) fn with_internal(data: &Path, internal: &Path) -> StoreFolders {
        StoreFolders {
            data: data.to_path_buf(),
            internal: internal.to_path_buf(),
            hashed: data.join(INTERNAL_FOLDER).join("odd"),
        }
    }

    /// Returns the folder of the database and of unfinished files.
    pub(crate) fn internal(&self) -> &Path {
        &self.internal
    }

    /// Returns the data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the folder of a bucket.
    pub(crate) fn bucket(&self, bucket: &str) -> PathBuf {
        self.data.join(bucket)
    }

    /// Returns the folder of files that are still being written.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.internal.join("tmp")
    }

    /// Returns the folder of the parts of open multipart uploads.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.internal.join("uploads")
    }

    /// Returns the folder of the files whose placement is [`Placement::ByHash`].
    pub(crate) fn hashed(&self) -> PathBuf {
        self.hashed.clone()
    }

    /// Returns the path of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.internal.join("s3.sqlite")
    }

    /// Returns the path of an object's file.
    pub(crate) fn object_file(&self, address: &ObjectAddress, placement: Placement) -> ObjectFile {
        match placement {
            Placement::ByPath => ObjectFile {
                root: self.bucket(&address.bucket),
                relative: address.key.clone(),
            },
            Placement::ByHash => ObjectFile {
                root: self.hashed(),
                relative: hash_address(address),
            },
        }
    }
}

/// Reports whether `key` can be the path of a file below a bucket's folder. Checks the name only,
/// not the disk.
pub(crate) fn is_path_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= 1024 && key.split('/').all(is_path_segment)
}

/// Reports whether a file that another program creates at the path `key` becomes an object. Hidden
/// files (`.DS_Store`, or the `.name.XYZ` of a running copy) do not become objects.
pub(crate) fn is_registrable_key(key: &str) -> bool {
    is_path_key(key) && key.split('/').all(|segment| !segment.starts_with('.'))
}

/// Returns the key in lower case. If two keys have the same result, a file system that ignores case
/// cannot distinguish them.
pub(crate) fn fold_key(key: &str) -> String {
    key.to_lowercase()
}

fn is_path_segment(segment: &str) -> bool {
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && segment.len() <= MAX_SEGMENT_BYTES
        && !segment.chars().any(char::is_control)
        && (!cfg!(windows) || is_windows_name(segment))
}

/// Reports whether Windows accepts this name and keeps it unchanged.
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

fn hash_address(address: &ObjectAddress) -> String {
    let digest = Sha256::digest(address.to_string().as_bytes());
    data_encoding::HEXLOWER.encode(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_every_file_system_carries_are_paths() {
        for key in [
            "a",
            "2018-02-01/foobar.jpg",
            "ä/ß .jpg",
            "a+b/%20",
            ".hidden/x",
            "a\\b",
        ] {
            assert!(is_path_key(key), "{key}");
        }
        let long = "x".repeat(256);
        for key in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\0b", "a\nb", &long,
        ] {
            assert!(!is_path_key(key), "{key}");
        }
        assert!(!is_path_key(&"a/".repeat(600)));
    }

    #[test]
    fn hidden_files_are_not_registered() {
        assert!(is_registrable_key("2018/a.jpg"));
        assert!(!is_registrable_key(".DS_Store"));
        assert!(!is_registrable_key("2018/.a.jpg.Xy12"));
        assert!(!is_registrable_key(".git/config"));
    }
}
