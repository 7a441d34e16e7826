//! Creates the files and folders that only their owner may read. The modes do not depend on the
//! umask. On systems without modes, this module only creates the files and folders.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The mode of a folder that only its owner can open.
const PRIVATE_FOLDER: u32 = 0o700;

/// The mode of a file that only its owner can read and write.
const PRIVATE_FILE: u32 = 0o600;

/// Creates a folder that only its owner can open (mode 0700 on Unix, with any umask). Does
/// nothing if there is something at this path already. The folder above must exist.
///
/// # Errors
/// The folder cannot be created.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => set_mode(folder, PRIVATE_FOLDER),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Creates a folder and the folders above it. Each new folder can be opened by its owner only. If
/// the folder existed, takes the rights of everybody else away from it, but not from the folders
/// above it.
///
/// # Errors
/// A folder cannot be created.
pub(crate) fn create_internal_folder(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent()
        && !above.as_os_str().is_empty()
        && !above.exists()
    {
        create_internal_folder(above)?;
    }
    create_private_folder(folder)?;
    tighten(folder, PRIVATE_FOLDER);
    Ok(())
}

/// Creates an empty file that only its owner can read and write (mode 0600 on Unix, with any
/// umask). If the file existed, takes the rights of everybody else away and keeps its bytes.
///
/// # Errors
/// The file cannot be created.
pub(crate) fn create_private_file(file: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    match options.open(file) {
        Ok(_) => set_mode(file, PRIVATE_FILE),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            tighten(file, PRIVATE_FILE);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Sets the mode of an existing path if others than its owner have rights to it. Some file systems
/// have no modes, so a failure is only logged.
#[cfg(unix)]
fn tighten(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let is_open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if is_open && let Err(error) = set_mode(path, mode) {
        tracing::warn!(%error, path = %path.display(), "s3 store: others can read this path");
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
