//! The data folder of `photos serve`: whose it is now, and where its servers listen.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// Key pair of the embedded S3, where nothing else is said. The servers listen on this machine only.
pub(super) const ACCESS_KEY: &str = "photos";
pub(super) const SECRET_KEY: &str = "photos-secret";

/// In `DATA/.engine`: what is kept from the public.
const PRIVACY: &str = "privacy.json";

/// Where a running `photos serve` answers; `DATA/.engine/serve.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    /// Process id.
    pub(super) pid: u32,
    /// `http://127.0.0.1:9000`.
    pub(super) s3: String,
    /// `http://127.0.0.1:8000`.
    pub(super) dynamodb: String,
    /// `http://127.0.0.1:8080`.
    pub(super) gallery: String,
}

/// A data folder that is this process's alone, until it is dropped or the process ends in any way.
#[derive(Debug)]
pub(super) struct Held {
    engine: PathBuf,
    _lock: File,
}

/// Who has a data folder.
#[derive(Debug)]
pub(super) enum Holder {
    Us(Held),
    Other(Option<Running>),
}

/// Takes the folder, which is created where there is none, unless another process has it.
pub(super) fn take(data: &Path) -> anyhow::Result<Holder> {
    let engine = data.join(".engine");
    std::fs::create_dir_all(&engine)
        .with_context(|| format!("cannot make {}", engine.display()))?;
    let path = engine.join("lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(Holder::Us(Held {
            engine,
            _lock: lock,
        })),
        Err(TryLockError::WouldBlock) => Ok(Holder::Other(running(&engine)?)),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

impl Held {
    /// Says where the servers of this process listen.
    pub(super) fn announce(&self, running: &Running) -> anyhow::Result<()> {
        let path = self.engine.join("serve.json");
        // Renamed into place: who reads it never sees half of it.
        let draft = self.engine.join("serve.json.new");
        std::fs::write(&draft, serde_json::to_vec_pretty(running)?)
            .and_then(|()| std::fs::rename(&draft, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Keeps what is kept from the public, by its variables, for commands that change photos.
    pub(super) fn keep_privacy(&self, privacy: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let path = self.engine.join(PRIVACY);
        std::fs::write(&path, serde_json::to_vec_pretty(privacy)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes the announcement back.
    pub(super) fn withdraw(&self) {
        // Left behind, it is not believed: it counts only while the lock is held.
        let _ = std::fs::remove_file(self.engine.join("serve.json"));
    }
}

/// What the last `photos serve` of a data folder kept from the public, by its variables; nothing before the first.
pub(super) fn privacy(data: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let path = data.join(".engine").join(PRIVACY);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "{} is damaged; `photos serve` writes it anew",
                path.display()
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => bail!("cannot read {}: {error}", path.display()),
    }
}

fn running(engine: &Path) -> anyhow::Result<Option<Running>> {
    let path = engine.join("serve.json");
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .with_context(|| format!("{} is damaged", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("cannot read {}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_who_says_where_it_listens() {
        let folder = tempfile::tempdir().expect("a folder");
        let Holder::Us(held) = take(folder.path()).expect("taken") else {
            panic!("nobody else has it");
        };
        assert!(matches!(take(folder.path()), Ok(Holder::Other(None))));
        let running = Running {
            pid: 1,
            s3: "http://127.0.0.1:9000".to_owned(),
            dynamodb: "http://127.0.0.1:8000".to_owned(),
            gallery: "http://127.0.0.1:8080".to_owned(),
        };
        held.announce(&running).expect("announced");
        match take(folder.path()).expect("read") {
            Holder::Other(Some(read)) => assert_eq!(read, running),
            other => panic!("{other:?}"),
        }
        drop(held);
        assert!(matches!(take(folder.path()), Ok(Holder::Us(_))));
    }
}
