//! Creates the files and folders that only their owner may read: settings, databases and their
//! folders. The modes do not depend on the umask. On systems without modes, this module only
//! creates the files and folders. `s3-folder` has a copy, because it shares no code with the
//! catalogue.

#![allow(clippy::disallowed_methods, reason = "this module writes files")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The mode of a folder that only its owner can open.
const PRIVATE_FOLDER: u32 = 0o700;
/// The mode of a file that only its owner can read and write.
const PRIVATE_FILE: u32 = 0o600;

/// Creates a folder, and the folders above it that are missing, with mode 0700. If the folder
/// exists, changes nothing. A repeat is safe.
///
/// # Errors
/// Fails if a folder cannot be created.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent()
        && !above.as_os_str().is_empty()
        && !above.exists()
    {
        create_private_folder(above)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => set_mode(folder, PRIVATE_FOLDER),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes the rights to an existing folder away from everybody but its owner. Only logs a failure,
/// because some file systems have no modes. A repeat is safe.
pub fn tighten_folder(folder: &Path) {
    tighten(folder, PRIVATE_FOLDER);
}

/// Opens a file for writing, and keeps its bytes. Creates the file with mode 0600 if it does not
/// exist. Takes the rights to an existing file away from everybody but its owner. A repeat is safe.
///
/// # Errors
/// Fails if the file cannot be created or opened.
pub fn open_private_file(file: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    match options.open(file) {
        Ok(created) => set_mode(file, PRIVATE_FILE).map(|()| created),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            tighten(file, PRIVATE_FILE);
            File::options().write(true).open(file)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file with mode 0600, and replaces an earlier file. A reader sees the old bytes or the
/// new ones, and never an incomplete file. A repeat is safe.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write_private_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = file.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    let mut open = open_private_file(draft)?;
    open.set_len(0)?;
    open.write_all(bytes)?;
    fs::rename(draft, file)
}

#[cfg(unix)]
fn tighten(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let is_open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if is_open && let Err(error) = set_mode(path, mode) {
        tracing::warn!(%error, path = %path.display(), "others can read this path");
    }
}

#[cfg(not(unix))]
fn tighten(_: &Path, _: u32) {}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
