//! The data folder of `photos serve`: its lock, the addresses of its servers, and the privacy
//! settings that it keeps for the other commands.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::cursor_key_file::read_or_make_cursor_key;
use super::key_pair_file::{self, StoredKeyPair};
use crate::config::{PRIVACY_VARIABLES, Settings};
use crate::gallery::CursorKey;
use crate::private_files::{
    create_private_folder, open_private_file, tighten_folder, write_private_file,
};

/// The name of the file with the privacy settings, in the folder `.engine` of the data folder.
const PRIVACY: &str = "privacy.json";

/// The process id, the addresses and the key pair of a running `photos serve`. They are stored in
/// the file `.engine/serve.json` of the data folder, which only the owner can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServeEndpoints {
    /// The process id of `photos serve`.
    pub(super) pid: u32,
    /// The base URL of the S3 server, for example `http://127.0.0.1:9000`.
    pub(super) s3: String,
    /// The base URL of the DynamoDB server, for example `http://127.0.0.1:8000`. It is `None` if no
    /// port was asked for.
    pub(super) dynamodb: Option<String>,
    /// The path of the socket of the DynamoDB server.
    pub(super) socket: PathBuf,
    /// The base URL of the gallery, for example `http://127.0.0.1:8080`.
    pub(super) gallery: String,
    /// The key pair of these servers.
    #[serde(flatten)]
    pub(super) key_pair: StoredKeyPair,
}

/// The lock on a data folder. It is released when this value is dropped, and also when the process
/// ends for any reason.
#[derive(Debug)]
pub(super) struct DataDirLock {
    /// The path of the folder `.engine` in the data folder.
    engine: PathBuf,
    /// The locked file. `None` if the folder is only read and has no lock file.
    _lock: Option<File>,
}

/// The result of [`lock`] or [`lock_to_read`].
#[derive(Debug)]
pub(super) enum LockOutcome {
    /// This process has the lock.
    Acquired(DataDirLock),
    /// Another process has locked the folder. If that process is a running `photos serve`, the
    /// value contains its addresses. Otherwise the value is `None`: a `photos serve` is starting or
    /// stopping, or another command uses the folder.
    InUse(Option<ServeEndpoints>),
}

/// Tries to lock a data folder for this process, and does not wait if another process has the lock.
/// Creates the folder if it does not exist. On Unix, only its owner can then open it. Also takes
/// the rights to an existing `.engine` away from everybody but its owner.
///
/// # Errors
/// Fails if the folder or its lock file cannot be written.
pub(super) fn lock(data: &Path) -> anyhow::Result<LockOutcome> {
    let engine = data.join(".engine");
    create_private_folder(&engine)
        .with_context(|| format!("cannot create {}", engine.display()))?;
    tighten_folder(&engine);
    let path = engine.join("lock");
    let lock =
        open_private_file(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let locked = lock.try_lock();
    let outcome = lock_outcome(engine, lock, locked)?;
    if let LockOutcome::Acquired(lock) = &outcome {
        // A killed `photos serve` leaves its addresses behind. Another command must not use them
        // while this process has the lock.
        lock.withdraw();
    }
    Ok(outcome)
}

/// Tries to lock a data folder that this process only reads, and does not wait if a process that
/// writes has the lock. Several processes may read a folder at the same time. Writes nothing, so
/// the folder may be read-only.
///
/// # Errors
/// Fails if the lock file exists but cannot be read.
pub(super) fn lock_to_read(data: &Path) -> anyhow::Result<LockOutcome> {
    let engine = data.join(".engine");
    let path = engine.join("lock");
    let lock = match File::open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(LockOutcome::Acquired(DataDirLock {
                engine,
                _lock: None,
            }));
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let locked = lock.try_lock_shared();
    lock_outcome(engine, lock, locked)
}

fn lock_outcome(
    engine: PathBuf,
    lock: File,
    locked: Result<(), TryLockError>,
) -> anyhow::Result<LockOutcome> {
    match locked {
        Ok(()) => Ok(LockOutcome::Acquired(DataDirLock {
            engine,
            _lock: Some(lock),
        })),
        Err(TryLockError::WouldBlock) => Ok(LockOutcome::InUse(serve_endpoints(&engine)?)),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", engine.join("lock").display()))
        }
    }
}

impl DataDirLock {
    /// Writes the process id and the addresses of this process's servers to `serve.json`. Other
    /// commands read them there.
    pub(super) fn announce(&self, endpoints: &ServeEndpoints) -> anyhow::Result<()> {
        let path = self.engine.join("serve.json");
        write_private_file(&path, &serde_json::to_vec_pretty(endpoints)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns the path of the folder `.engine` in the data folder.
    pub(super) fn engine(&self) -> &Path {
        &self.engine
    }

    /// Returns the key pair of the data folder. Makes a random one at the first call.
    pub(super) fn key_pair(&self) -> anyhow::Result<StoredKeyPair> {
        key_pair_file::read_or_make(&self.engine)
    }

    /// Returns the cursor key of the data folder. Makes a random one at the first call.
    pub(super) fn cursor_key(&self) -> anyhow::Result<CursorKey> {
        read_or_make_cursor_key(&self.engine)
    }

    /// Stores the privacy settings in the data folder. Later commands that change photos use them.
    pub(super) fn keep_privacy(&self, settings: &Settings) -> anyhow::Result<()> {
        let path = self.engine.join(PRIVACY);
        // An empty text is kept: an empty LOCATION means `hide`, a missing one `exact`.
        let given: BTreeMap<&str, &str> = PRIVACY_VARIABLES
            .into_iter()
            .filter(|variable| settings.contains(variable))
            .map(|variable| (variable, settings.get(variable).unwrap_or_default()))
            .collect();
        write_private_file(&path, &serde_json::to_vec_pretty(&given)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes `serve.json`: this process has no servers, or they have stopped.
    pub(super) fn withdraw(&self) {
        // An error is ignored, because the file is read only if another process has the lock.
        let _ = std::fs::remove_file(self.engine.join("serve.json"));
    }
}

/// Returns the privacy settings that are stored in a data folder. The last `photos serve` stored
/// them there, or an earlier command if there was no `photos serve` yet. Returns empty settings if
/// none are stored.
///
/// # Errors
/// Fails if the file cannot be read or is damaged, or if it contains a setting that this version
/// does not have. Then a newer version wrote the setting, which may hide photos or positions.
pub(super) fn privacy(data: &Path) -> anyhow::Result<Settings> {
    let path = data.join(".engine").join(PRIVACY);
    match std::fs::read(&path) {
        Ok(bytes) => {
            let values: BTreeMap<String, String> =
                serde_json::from_slice(&bytes).with_context(|| {
                    format!(
                        "{} is damaged; `photos serve` writes a new one",
                        path.display()
                    )
                })?;
            let is_known = |name: &&String| PRIVACY_VARIABLES.contains(&name.as_str());
            if let Some(unknown) = values.keys().find(|name| !is_known(name)) {
                return Err(UnknownSettingError {
                    data: data.display().to_string(),
                    setting: unknown.clone(),
                }
                .into());
            }
            Ok(values.into_iter().collect())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => bail!("cannot read {}: {error}", path.display()),
    }
}

/// The error for a stored privacy setting that this version of the program does not have.
#[derive(Debug, thiserror::Error)]
#[error(
    "{data} was written by a newer version of photos (it has the setting {setting}, which this one \
     does not know). Use a newer version."
)]
struct UnknownSettingError {
    data: String,
    setting: String,
}

/// Checks that this version of the program has all stored privacy settings. A damaged file passes,
/// because `photos serve` writes a new one.
///
/// # Errors
/// Fails if this version does not have one of the settings.
pub(super) fn check_privacy_version(data: &Path) -> anyhow::Result<()> {
    match privacy(data) {
        Err(error) if error.is::<UnknownSettingError>() => Err(error),
        _ => Ok(()),
    }
}

/// Reports whether a data folder has a catalogue: the database of the embedded DynamoDB.
pub(super) fn has_catalogue(data: &Path) -> bool {
    catalogue_file(data).is_file()
}

/// Returns the path of the database of the embedded DynamoDB.
pub(super) fn catalogue_file(data: &Path) -> PathBuf {
    data.join(".engine/dynamodb.sqlite")
}

fn serve_endpoints(engine: &Path) -> anyhow::Result<Option<ServeEndpoints>> {
    let path = engine.join("serve.json");
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
            format!(
                "{} is damaged, or an older version of `photos serve` is running; stop it first",
                path.display()
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("cannot read {}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::privacy::LocationPolicy;

    #[test]
    fn a_folder_has_one_lock_and_announces_its_servers() {
        let folder = tempfile::tempdir().expect("a folder");
        let LockOutcome::Acquired(held) = lock(folder.path()).expect("locked") else {
            panic!("no other process has it");
        };
        assert!(matches!(lock(folder.path()), Ok(LockOutcome::InUse(None))));
        let endpoints = ServeEndpoints {
            pid: 1,
            s3: "http://127.0.0.1:9000".to_owned(),
            dynamodb: None,
            socket: PathBuf::from("/data/.engine/dynamodb.sock"),
            gallery: "http://127.0.0.1:8080".to_owned(),
            key_pair: StoredKeyPair::random().expect("random"),
        };
        held.announce(&endpoints).expect("announced");
        match lock(folder.path()).expect("read") {
            LockOutcome::InUse(Some(read)) => assert_eq!(read, endpoints),
            other => panic!("{other:?}"),
        }
        // A process that is killed does not withdraw its addresses.
        drop(held);
        let next = lock(folder.path()).expect("locked");
        assert!(matches!(next, LockOutcome::Acquired(_)));
        assert!(matches!(lock(folder.path()), Ok(LockOutcome::InUse(None))));
    }

    #[test]
    fn empty_location_is_kept_because_it_hides_all_positions() {
        let folder = tempfile::tempdir().expect("a folder");
        let LockOutcome::Acquired(held) = lock(folder.path()).expect("locked") else {
            panic!("no other process has it");
        };
        let mut given = Settings::default();
        given.set(config::LOCATION, "");
        held.keep_privacy(&given).expect("kept");
        let kept = privacy(folder.path()).expect("read");
        assert!(kept.contains(config::LOCATION));
        assert!(!kept.contains(config::HOME_ZONES));
        let policy = kept.privacy().expect("valid").location;
        assert_eq!(policy, LocationPolicy::Hide);
    }
}
