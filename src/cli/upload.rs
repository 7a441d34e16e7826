//! Uploads the files of folders through the S3 API. Files that are in the bucket already are left
//! out.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use walkdir::WalkDir;

use super::output::escape_control;
use super::progress;
use crate::object::Bucket;
use crate::skipped_names::SkippedNames;
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
    /// The number of symbolic links, sockets and the like. They are not uploaded.
    pub(super) links: u64,
    /// The reasons why files and folders are not uploaded whose names are never a photo's, with
    /// their numbers. A folder counts as one.
    pub(super) skipped: SkipCounts,
    /// One line of text for each file that could not be read: the path and the error.
    pub(super) failures: Vec<String>,
}

/// The reasons for skips by name, with the number of files or objects for each.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SkipCounts(BTreeMap<String, u64>);

impl SkipCounts {
    /// Counts one file or object that was skipped for this reason.
    pub(super) fn add(&mut self, reason: String) {
        *self.0.entry(reason).or_default() += 1;
    }

    /// Returns the number of skips.
    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Reports whether nothing was skipped.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the counts as text, such as `2 × trash (.trashed-*), 1 × hidden (.*)`.
    pub(super) fn text(&self) -> String {
        let counts = self.0.iter();
        let counts = counts.map(|(reason, count)| format!("{count} × {reason}"));
        counts.collect::<Vec<_>>().join(", ")
    }
}

impl FoundFiles {
    /// Returns the messages about files that are not uploaded, one line for each.
    pub(super) fn messages(&self) -> Vec<String> {
        let failures = self.failures.iter();
        let mut lines: Vec<String> = failures
            .map(|failure| escape_control(failure).to_string())
            .collect();
        if self.links > 0 {
            lines.push(format!("{} links are left out.", self.links));
        }
        if !self.skipped.is_empty() {
            lines.push(format!(
                "{} files and folders are left out, because their names are never those of photos: {}.",
                self.skipped.total(),
                escape_control(&self.skipped.text())
            ));
        }
        lines
    }
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
/// sorted by name. Leaves out links, the folder `except`, and files and folders that `names` skips.
/// The key of each file begins with `prefix`. If `names` skips the whole of a path, that is a
/// failure, because the caller has named that path.
pub(super) fn find_files(
    paths: &[PathBuf],
    prefix: &str,
    except: &Path,
    names: &SkippedNames,
) -> FoundFiles {
    let mut found = FoundFiles::default();
    let except = except.canonicalize().ok();
    let is_except = |path: &Path| except.is_some() && path.canonicalize().ok() == except;
    for root in paths {
        if let Some(reason) = skip_reason(root, root.is_dir(), names) {
            let remedy = if root.is_dir() {
                "nothing there is ever a photo; run the command in that folder with the path \".\", or \
                 remove the pattern with --skip-names"
            } else {
                "such a file is never a photo; remove the pattern with --skip-names"
            };
            let message = format!("{}: {reason}: {remedy}", root.display());
            found.failures.push(message);
            continue;
        }
        let mut walk = WalkDir::new(root).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    found.failures.push(error.to_string());
                    continue;
                }
            };
            let is_folder = entry.file_type().is_dir();
            if is_folder && entry.depth() > 0 && is_except(entry.path()) {
                walk.skip_current_dir();
            } else if let Some(reason) = skip_reason(entry.path(), is_folder, names) {
                found.skipped.add(reason);
                if is_folder {
                    walk.skip_current_dir();
                }
            } else if entry.file_type().is_file() {
                found.add_file(&entry, prefix);
            } else if !is_folder {
                found.links += 1;
            }
        }
    }
    found
}

impl FoundFiles {
    /// Adds a file to the uploads, or to the failures if it has no key or cannot be read.
    fn add_file(&mut self, entry: &walkdir::DirEntry, prefix: &str) {
        match (key_of_path(entry.path()), entry.metadata()) {
            (Some(key), Ok(metadata)) => self.uploads.push(Upload {
                path: entry.path().to_owned(),
                key: format!("{prefix}{key}"),
                size_bytes: metadata.len(),
                modified: metadata.modified().ok(),
            }),
            (None, _) => self
                .failures
                .push(format!("{}: its name is not UTF-8", entry.path().display())),
            (_, Err(error)) => self.failures.push(error.to_string()),
        }
    }
}

/// Returns the reason why ingest would skip a file, or all files of a folder, by the name of its
/// key.
fn skip_reason(path: &Path, is_folder: bool, names: &SkippedNames) -> Option<String> {
    let key = key_of_path(path)?;
    names.reason(&if is_folder { format!("{key}/") } else { key })
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
        let folder = tempfile::Builder::new().prefix("photos").tempdir();
        let folder = folder.expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in [
            "a.jpg",
            ".DS_Store",
            "sub/b.jpg",
            "sub/.git/c.jpg",
            "sub/.git/d.jpg",
            "sub/@eaDir/b.jpg/SYNOPHOTO_THUMB_XL.jpg",
            "sub/.trashed-1-b.jpg",
            "data/inbox/d.jpg",
        ] {
            std::fs::create_dir_all(at(name).parent().expect("a parent")).expect("made");
            std::fs::write(at(name), name).expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(at("a.jpg"), at("link.jpg")).expect("linked");
        let names = SkippedNames::default();
        let find = |paths: &[PathBuf]| find_files(paths, "inbox/", &at("data"), &names);
        let found = find(&[folder.path().to_owned()]);
        let files: Vec<_> = found
            .uploads
            .iter()
            .map(|upload| upload.key.rsplit('/').next())
            .collect();
        assert_eq!(files, [Some("a.jpg"), Some("b.jpg")]);
        assert!(
            found
                .uploads
                .iter()
                .all(|upload| upload.key.starts_with("inbox/"))
        );
        assert_eq!(found.links, u64::from(cfg!(unix)));
        assert_eq!(
            found.skipped.text(),
            "1 × file of a system (.DS_Store), 1 × hidden (.*/), 1 × thumbnail (@eaDir/), \
             1 × trash (.trashed-*)"
        );
        assert!(found.failures.is_empty());
        assert_eq!(find(&[at("missing")]).failures.len(), 1);
        // A path that is skipped as a whole is a failure, and does not look like an empty folder.
        for skipped in ["sub/.git", "sub/.git/c.jpg", "sub/@eaDir/b.jpg"] {
            let found = find(&[at(skipped)]);
            let text = found.failures.join("\n");
            assert!(
                found.uploads.is_empty() && text.contains("ever a photo"),
                "{text}"
            );
        }
    }

    #[test]
    fn hidden_files_are_found_if_their_pattern_is_removed() {
        let folder = tempfile::Builder::new().prefix("photos").tempdir();
        let folder = folder.expect("a folder");
        std::fs::write(folder.path().join(".a.jpg"), "a").expect("written");
        let names: SkippedNames = "!.*".parse().expect("valid");
        let found = find_files(
            &[folder.path().to_owned()],
            "",
            &folder.path().join("data"),
            &names,
        );
        assert_eq!(found.uploads.len(), 1);
    }
}
