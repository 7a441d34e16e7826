//! Files: identities, temporary files, and opening without following a link.
//!
//! Every path below a bucket is walked from the bucket's folder down, and a step that is not a plain folder ends the
//! walk: a symbolic link planted there is neither read through nor written through. (Whoever swaps a folder for a
//! link between the check and the use already owns the folder; they are the same user.) It never decides what a key
//! means.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What tells one state of a file from another: rename keeps it, any rewriting changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// Inode number; 0 where the system has none.
    pub(super) inode: i64,
    /// Size in bytes.
    pub(super) size: i64,
    /// Modification time, nanoseconds since 1970.
    pub(super) mtime_ns: i64,
}

impl Identity {
    /// The identity that this metadata shows.
    pub(super) fn of(metadata: &Metadata) -> Identity {
        let mtime_ns = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok())
            .unwrap_or(0);
        Identity {
            inode: inode(metadata),
            size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            mtime_ns,
        }
    }
}

/// What stands at a path.
pub(super) enum Standing {
    /// A regular file.
    File(Identity),
    /// Nothing; every folder above it that exists is a plain one.
    Nothing,
    /// A folder, a link, a device, or a step above it that is no plain folder.
    Obstacle,
}

/// Looks at `relative` below `root` without following links. `root` itself must be a plain folder.
pub(super) fn look(root: &Path, relative: &str) -> io::Result<Standing> {
    if !walk(root, relative)? {
        return Ok(Standing::Obstacle);
    }
    match fs::symlink_metadata(root.join(relative)) {
        Ok(metadata) if metadata.is_file() => Ok(Standing::File(Identity::of(&metadata))),
        Ok(_) => Ok(Standing::Obstacle),
        Err(error) => absent(error).map(|()| Standing::Nothing),
    }
}

/// Opens the regular file `relative` below `root`, following no link; `None` where there is none.
pub(super) fn open(root: &Path, relative: &str) -> io::Result<Option<(File, Identity)>> {
    let Standing::File(seen) = look(root, relative)? else {
        return Ok(None);
    };
    let file = match File::open(root.join(relative)) {
        Ok(file) => file,
        Err(error) => return absent(error).map(|()| None),
    };
    let opened = Identity::of(&file.metadata()?);
    // Replaced between the look and the opening: what was opened may be anything.
    Ok((opened.inode == seen.inode).then_some((file, opened)))
}

/// Makes the folders above `relative` below `root`; adds to `unsynced` each folder that got a new entry.
///
/// # Errors
/// [`io::ErrorKind::NotADirectory`] where something that is no plain folder stands in the way.
pub(super) fn make_parents(
    root: &Path,
    relative: &str,
    unsynced: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let mut folder = root.to_path_buf();
    for segment in parents(relative) {
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

/// Removes the folders above `relative` that are now empty, up to but not including `root`.
pub(super) fn remove_empty_parents(root: &Path, relative: &str) {
    let mut folder = root.join(relative);
    while folder.pop() && folder != root {
        if fs::remove_dir(&folder).is_err() {
            return;
        }
    }
}

/// Makes a folder's entries durable. A folder that has gone meanwhile needs nothing.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    match File::open(folder) {
        Ok(open) => open.sync_all(),
        Err(error) => absent(error),
    }
}

/// A file of our own that is removed when dropped, unless it was renamed to its place.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    placed: bool,
}

impl Temporary {
    /// Creates an empty file in `folder` under a name that nothing else uses.
    pub(super) fn create(folder: &Path) -> io::Result<(Temporary, File)> {
        loop {
            let path = Self::name(folder);
            match File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(file) => {
                    return Ok((
                        Temporary {
                            path,
                            placed: false,
                        },
                        file,
                    ));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Clones `source` where the file system shares extents; `None` where it does not.
    pub(super) fn reflink(folder: &Path, source: &Path) -> io::Result<Option<(Temporary, File)>> {
        let temporary = Temporary {
            path: Self::name(folder),
            placed: false,
        };
        match reflink_copy::reflink(source, &temporary.path) {
            Ok(()) => {
                let file = File::options()
                    .read(true)
                    .write(true)
                    .open(&temporary.path)?;
                Ok(Some((temporary, file)))
            }
            Err(_) => Ok(None),
        }
    }

    /// Renames it onto `target`.
    pub(super) fn place(&mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.placed = true;
        Ok(())
    }

    fn name(folder: &Path) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        folder.join(format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// "There is nothing" is an answer, every other error is one.
pub(super) fn absent(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(()),
        _ => Err(error),
    }
}

/// Whether root and every existing folder above `relative` is a plain folder.
fn walk(root: &Path, relative: &str) -> io::Result<bool> {
    let mut folder = root.to_path_buf();
    let mut segments = parents(relative);
    loop {
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Ok(false),
            Err(error) => return absent(error).map(|()| true),
        }
        match segments.next() {
            Some(segment) => folder.push(segment),
            None => return Ok(true),
        }
    }
}

fn parents(relative: &str) -> impl Iterator<Item = &str> {
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
