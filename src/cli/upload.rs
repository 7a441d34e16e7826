//! Uploads the files of folders through the S3 API. Files that are in the bucket already are left
//! out.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use walkdir::WalkDir;

use super::progress;
use crate::object::Bucket;
use crate::storage::{ListingEntry, Storage, StorageError};

/// The maximum number of files that are uploaded at the same time.
const CONCURRENCY: usize = 8;
/// The maximum number of failures that are printed one by one. Further failures are only counted.
const MAX_PRINTED: u64 = 20;

/// A local file to upload, and the key that it gets in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) path: PathBuf,
    pub(super) key: String,
    pub(super) size_bytes: u64,
    /// The time of the file's last change, if the file system records it.
    modified: Option<SystemTime>,
}

impl Upload {
    /// Reports whether the bucket has this file already. `listed` is the object with the key of the
    /// file. The object counts as a copy of the file if both have the same size and the object is
    /// not older.
    pub(super) fn is_there(&self, listed: &ListingEntry) -> bool {
        listed.size_bytes == self.size_bytes
            && self
                .modified
                .is_none_or(|modified| DateTime::<Utc>::from(modified) <= listed.last_modified)
    }
}

/// The files that [`find_files`] found.
#[derive(Debug, Default)]
pub(super) struct FoundFiles {
    /// The files to upload.
    pub(super) uploads: Vec<Upload>,
    /// The number of files that are not uploaded because they are hidden or symbolic links.
    pub(super) left_out: u64,
    /// One line of text for each file that could not be read: the path and the error.
    pub(super) failures: Vec<String>,
}

/// The numbers of files that were uploaded, found in the bucket, or failed.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct UploadReport {
    /// The number of files that were uploaded.
    pub(super) uploaded: u64,
    /// The number of files that were in the bucket already.
    pub(super) there: u64,
    /// The number of files that could not be uploaded.
    pub(super) failed: u64,
}

/// Returns the files of `paths`, which are folders or single files. The files of a folder are
/// sorted by name. Leaves out hidden files, hidden folders and the folder `except`. The key of each
/// file begins with `prefix`.
pub(super) fn find_files(paths: &[PathBuf], prefix: &str, except: &Path) -> FoundFiles {
    let mut found = FoundFiles::default();
    let except = except.canonicalize().ok();
    let is_except = |path: &Path| except.is_some() && path.canonicalize().ok() == except;
    for root in paths {
        let walk = WalkDir::new(root).sort_by_file_name().into_iter();
        let walk = walk.filter_entry(|entry| {
            entry.depth() == 0
                || !(entry.file_type().is_dir()
                    && (is_hidden(entry.path()) || is_except(entry.path())))
        });
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    found.failures.push(error.to_string());
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                continue;
            }
            if !entry.file_type().is_file() || is_hidden(entry.path()) {
                found.left_out += 1;
                continue;
            }
            match (key_of_path(entry.path()), entry.metadata()) {
                (Some(key), Ok(metadata)) => found.uploads.push(Upload {
                    path: entry.path().to_owned(),
                    key: format!("{prefix}{key}"),
                    size_bytes: metadata.len(),
                    modified: metadata.modified().ok(),
                }),
                (None, _) => found
                    .failures
                    .push(format!("{}: its name is not UTF-8", entry.path().display())),
                (_, Err(error)) => found.failures.push(error.to_string()),
            }
        }
    }
    found
}

/// Uploads each file that the bucket does not have already (see [`Upload::is_there`]). All keys of
/// the files begin with `prefix`. Prints and counts failures, and continues with the other files. A
/// repeat is safe.
///
/// # Errors
/// Fails if the bucket cannot be listed.
pub(super) async fn upload_files(
    storage: &Storage,
    bucket: &Bucket,
    prefix: &str,
    uploads: Vec<Upload>,
) -> Result<UploadReport, StorageError> {
    let there = list_by_key(storage, bucket, prefix).await?;
    let bar = progress::bar(
        uploads.len() as u64,
        "Uploading {bar:30} {pos}/{len}, {rate}, {eta} left",
    );
    let mut report = UploadReport::default();
    let mut results = stream::iter(uploads)
        .map(|upload| {
            let is_there = there
                .get(&upload.key)
                .is_some_and(|listed| upload.is_there(listed));
            async move {
                if is_there {
                    return (true, Ok(()));
                }
                (
                    false,
                    storage
                        .put_file(&bucket.object(&upload.key), &upload.path, None)
                        .await
                        .map(|_etag| ()),
                )
            }
        })
        .buffer_unordered(CONCURRENCY);
    while let Some(result) = results.next().await {
        bar.inc(1);
        match result {
            (true, _) => report.there += 1,
            (false, Ok(())) => report.uploaded += 1,
            (false, Err(error)) => {
                report.failed += 1;
                match report.failed {
                    ..=MAX_PRINTED => progress::eprint_message(&error.to_string()),
                    more if more == MAX_PRINTED + 1 => {
                        progress::eprint_message("more uploads failed; they are counted below")
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(report)
}

/// Returns all objects of a bucket under a prefix, as a map from key to object.
pub(super) async fn list_by_key(
    storage: &Storage,
    bucket: &Bucket,
    prefix: &str,
) -> Result<HashMap<String, ListingEntry>, StorageError> {
    let objects = storage.list_objects(bucket, prefix);
    let objects = objects.map_ok(|listed| (listed.key.clone(), listed));
    objects.try_collect().await
}

/// Reports whether the name of a file or folder begins with a dot.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Returns the key of a file: the path as the user gave it, so that files of the same name in two
/// folders have different keys. For example, `/home/me/a.jpg` gives `home/me/a.jpg`. If the path
/// contains `..`, returns the key of the absolute path. Returns `None` if the path is not UTF-8.
fn key_of_path(path: &Path) -> Option<String> {
    let climbs = path.components().any(|part| part == Component::ParentDir);
    let path = if climbs {
        &path.canonicalize().ok()?
    } else {
        path
    };
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_str()),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_the_path_as_given() {
        for (path, key) in [
            ("card/DSC_1.JPG", "card/DSC_1.JPG"),
            ("./card//DSC_1.JPG", "card/DSC_1.JPG"),
            ("/media/card/DSC_1.JPG", "media/card/DSC_1.JPG"),
        ] {
            assert_eq!(key_of_path(Path::new(path)).as_deref(), Some(key));
        }
    }

    #[test]
    fn hidden_files_links_and_the_data_folder_are_not_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in [
            "a.jpg",
            ".DS_Store",
            "sub/b.jpg",
            "sub/.git/c.jpg",
            "data/inbox/d.jpg",
        ] {
            std::fs::create_dir_all(at(name).parent().expect("a parent")).expect("made");
            std::fs::write(at(name), name).expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(at("a.jpg"), at("link.jpg")).expect("linked");
        let found = find_files(&[folder.path().to_owned()], "inbox/", &at("data"));
        let names: Vec<_> = found
            .uploads
            .iter()
            .map(|upload| upload.key.rsplit('/').next())
            .collect();
        assert_eq!(names, [Some("a.jpg"), Some("b.jpg")]);
        assert!(
            found
                .uploads
                .iter()
                .all(|upload| upload.key.starts_with("inbox/"))
        );
        assert_eq!(found.left_out, if cfg!(unix) { 2 } else { 1 });
        assert!(found.failures.is_empty());
        let missing = find_files(&[at("missing")], "", &at("data"));
        assert_eq!(missing.failures.len(), 1, "{missing:?}");
    }
}
