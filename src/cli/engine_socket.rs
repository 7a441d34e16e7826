//! The Unix socket through which the owner's other commands reach the DynamoDB engine of a running
//! `photos serve`. Only the owner can open it, so requests need no signature. No web page can reach
//! it.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;
use tokio::net::UnixListener;

/// The name of the socket in its folder.
const SOCKET: &str = "dynamodb.sock";
/// The maximum length of a socket's path in bytes. The system's limit is 108 on Linux and 104 on
/// macOS, with a NUL at the end.
const MAX_PATH_BYTES: usize = 100;

/// A bound socket. Its file is removed when the value is dropped.
pub(super) struct EngineSocket {
    path: PathBuf,
    /// The folder that was made for the socket only.
    _own_folder: Option<TempDir>,
}

impl EngineSocket {
    /// Binds a socket in `engine`, the folder `.engine` of a data folder. If no socket can be made
    /// there (the path is too long, or the file system has no sockets), makes a private folder for
    /// it in the folder of temporary files. The caller must have locked the data folder: a socket
    /// that a killed process left behind is replaced.
    ///
    /// # Errors
    /// Fails if the socket or its folder cannot be made.
    pub(super) fn bind(engine: &Path) -> anyhow::Result<(Self, UnixListener)> {
        let engine = engine
            .canonicalize()
            .with_context(|| format!("cannot open {}", engine.display()))?;
        let path = engine.join(SOCKET);
        if path.as_os_str().len() <= MAX_PATH_BYTES {
            let socket = EngineSocket {
                path,
                _own_folder: None,
            };
            // Some file systems, such as exFAT, have no sockets.
            if let Ok(listener) = socket.listen() {
                return Ok((socket, listener));
            }
        }
        let socket = EngineSocket::in_own_folder()?;
        let listener = socket.listen();
        let listener =
            listener.with_context(|| format!("cannot listen on {}", socket.path.display()))?;
        Ok((socket, listener))
    }

    fn in_own_folder() -> anyhow::Result<Self> {
        // The folder has a random name, and only the owner can open it.
        let folder = tempfile::Builder::new().prefix("photos-").tempdir();
        let folder = folder.context("cannot create a temporary folder for a socket")?;
        Ok(EngineSocket {
            path: folder.path().join(SOCKET),
            _own_folder: Some(folder),
        })
    }

    fn listen(&self) -> std::io::Result<UnixListener> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&self.path)?;
        std::fs::set_permissions(&self.path, Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// Returns the absolute path of the socket.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for EngineSocket {
    fn drop(&mut self) {
        // A socket that stays behind does no harm: the next start replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_owner_can_open_the_socket_and_a_stale_one_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut deep = folder.path().to_owned();
        for engine in [folder.path().to_owned(), {
            deep.push("x".repeat(120));
            deep
        }] {
            std::fs::create_dir_all(&engine).expect("a folder");
            let (first, _listener) = EngineSocket::bind(&engine).expect("bound");
            // A killed process removes nothing.
            std::mem::forget(first);
            let (socket, _listener) = EngineSocket::bind(&engine).expect("bound again");
            let mode = std::fs::metadata(socket.path())
                .expect("a socket")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
            let path = socket.path().to_owned();
            assert!(tokio::net::UnixStream::connect(&path).await.is_ok());
            drop(socket);
            assert!(!path.exists());
        }
    }
}
