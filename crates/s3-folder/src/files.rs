//! Files: their identities, temporary files, and opening a file without following links.
//!
//! Every path below a bucket is checked from the bucket's folder down. If one of its folders is not
//! a plain folder (a real folder, not a link), the file is neither read nor written. So no symbolic
//! link is followed. Another program could replace a folder by a link between the check and the
//! use. Such a program already runs as the user who owns the folder. This module does not decide
//! which path a key has.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::placement::ObjectFile;

/// The values that identify a file in one state. A rename of the file does not change them. A
/// rewrite of the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// The inode number, or 0 if the system has none.
    pub(crate) inode: i64,
    /// The size in bytes.
    pub(crate) size: i64,
    /// The modification time, in nanoseconds since 1970.
    pub(crate) mtime_ns: i64,
}

impl FileIdentity {
    /// Returns the identity of the file with this metadata.
    pub(crate) fn from_metadata(metadata: &Metadata) -> FileIdentity {
        let mtime_ns = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok())
            .unwrap_or(0);
        FileIdentity {
            inode: inode(metadata),
            size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            mtime_ns,
        }
    }
}

/// The state of a path at which an object's file may be.
pub(crate) enum PathState {
    /// The path is a regular file with this identity.
    File(FileIdentity),
    /// The path does not exist. All existing folders above it are plain folders (real folders, not
    /// links).
    Missing,
    /// The path cannot be used: it is not a regular file but, for example, a folder or a link. Or
    /// something above it is not a plain folder.
    Obstacle,
}

impl PathState {
    /// Reports whether the path is a file with this identity.
    pub(crate) fn is_file(&self, identity: FileIdentity) -> bool {
        matches!(self, PathState::File(found) if *found == identity)
    }
}

/// A regular file that is open for reading.
pub(crate) struct OpenedFile {
    pub(crate) file: File,
    /// The identity of the file when it was opened. Another file may be at the path now.
    pub(crate) identity: FileIdentity,
}

/// Returns the state of the path of an object's file. Follows no links.
///
/// # Errors
/// The file system cannot be read.
pub(crate) fn inspect_path(target: &ObjectFile) -> io::Result<PathState> {
    if !has_plain_parents(target)? {
        return Ok(PathState::Obstacle);
    }
    match fs::symlink_metadata(target.path()) {
        Ok(metadata) if metadata.is_file() => {
            Ok(PathState::File(FileIdentity::from_metadata(&metadata)))
        }
        Ok(_) => Ok(PathState::Obstacle),
        Err(error) => ignore_missing(error).map(|()| PathState::Missing),
    }
}

/// Opens a regular file for reading without following links. Returns `None` if the path is not a
/// regular file.
///
/// # Errors
/// The file system cannot be read, or the file cannot be opened.
pub(crate) fn open_file(target: &ObjectFile) -> io::Result<Option<OpenedFile>> {
    let PathState::File(seen) = inspect_path(target)? else {
        return Ok(None);
    };
    let file = match File::open(target.path()) {
        Ok(file) => file,
        Err(error) => return ignore_missing(error).map(|()| None),
    };
    let identity = FileIdentity::from_metadata(&file.metadata()?);
    // If the inode differs, the path was replaced after the inspection, perhaps by a link.
    Ok((identity.inode == seen.inode).then_some(OpenedFile { file, identity }))
}

/// Creates the folders above a path. Adds each folder that got a new entry to `unsynced`. The
/// caller must sync these folders. Safe to repeat.
///
/// # Errors
/// [`io::ErrorKind::NotADirectory`] if something that is not a plain folder (a real folder, not a
/// link) is in the way. Any other error if a folder cannot be created.
pub(crate) fn create_parents(target: &ObjectFile, unsynced: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut folder = target.root.clone();
    for segment in parent_segments(&target.relative) {
        let above = folder.clone();
        folder.push(segment);
        match fs::create_dir(&folder) {
            Ok(()) => unsynced.push(above),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(&folder)?.is_dir() {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes the empty folders above a path. Stops at the folder `root` of the target, which is not
/// removed. Safe to repeat.
pub(crate) fn remove_empty_parents(target: &ObjectFile) {
    let mut folder = target.path();
    while folder.pop() && folder != target.root {
        if fs::remove_dir(&folder).is_err() {
            return;
        }
    }
}

/// Syncs a folder, so that its entries survive a power loss. Does nothing if the folder no longer
/// exists. Does nothing on Windows, which cannot sync folders.
///
/// # Errors
/// The folder cannot be opened or synced.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    match File::open(folder) {
        Ok(open) => open.sync_all(),
        Err(error) => ignore_missing(error),
    }
}

/// A temporary file. Dropping the value removes the file, unless [`TemporaryFile::move_to`] has
/// moved it.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    path: PathBuf,
    placed: bool,
}

/// A temporary file that is open for reading and writing.
pub(crate) struct OpenTemporary {
    pub(crate) temporary: TemporaryFile,
    pub(crate) file: File,
}

impl TemporaryFile {
    /// Creates an empty file in `folder` under a new name.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn create(folder: &Path) -> io::Result<OpenTemporary> {
        loop {
            let path = Self::new_path(folder);
            match File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(file) => {
                    return Ok(OpenTemporary {
                        temporary: TemporaryFile {
                            path,
                            placed: false,
                        },
                        file,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Clones `source` to a new file in `folder` by a reflink: both files share their bytes on disk
    /// until one of them is changed. Returns `None` if the file system cannot do this.
    ///
    /// # Errors
    /// The clone cannot be opened.
    pub(crate) fn clone_file(folder: &Path, source: &Path) -> io::Result<Option<OpenTemporary>> {
        let temporary = TemporaryFile {
            path: Self::new_path(folder),
            placed: false,
        };
        if reflink_copy::reflink(source, &temporary.path).is_err() {
            return Ok(None);
        }
        let file = File::options()
            .read(true)
            .write(true)
            .open(&temporary.path)?;
        Ok(Some(OpenTemporary { temporary, file }))
    }

    /// Renames the file to `target`. Replaces a file that is there.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub(crate) fn move_to(&mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.placed = true;
        Ok(())
    }

    fn new_path(folder: &Path) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        folder.join(format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns `Ok` if the error means that the path does not exist. Otherwise returns the error.
pub(crate) fn ignore_missing(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(()),
        _ => Err(error),
    }
}

/// Reports whether the folder `root` and all existing folders above the path are plain folders
/// (real folders, not links).
fn has_plain_parents(target: &ObjectFile) -> io::Result<bool> {
    let mut folder = target.root.clone();
    let mut segments = parent_segments(&target.relative);
    loop {
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Ok(false),
            Err(error) => return ignore_missing(error).map(|()| true),
        }
        match segments.next() {
            Some(segment) => folder.push(segment),
            None => return Ok(true),
        }
    }
}

fn parent_segments(relative: &str) -> impl Iterator<Item = &str> {
    let folders = relative.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    metadata.ino().cast_signed()
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> i64 {
    0
}
