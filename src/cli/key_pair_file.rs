//! The key pair of a data folder: a random one, made at the first start, in a file that only the
//! owner can read.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use data_encoding::BASE32_NOPAD;
use ring::rand::{SecureRandom, SystemRandom};
use s3_folder::KeyPair;
use serde::{Deserialize, Serialize};

use crate::private_files::write_private_file;

/// The name of the file in the folder `.engine` of the data folder.
const KEY_PAIR: &str = "key-pair.json";
/// The number of random bytes of the access key id.
const ACCESS_KEY_BYTES: usize = 10;
/// The number of random bytes of the secret access key. They are 160 bits; the keys of AWS have
/// 240.
const SECRET_KEY_BYTES: usize = 20;

/// A key pair as the files of the data folder contain it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredKeyPair {
    /// The access key id.
    pub(super) access_key: String,
    /// The secret access key.
    pub(super) secret_key: String,
}

impl StoredKeyPair {
    /// Makes a random key pair.
    ///
    /// # Errors
    /// Fails if the system has no random numbers.
    pub(super) fn random() -> anyhow::Result<Self> {
        Ok(StoredKeyPair {
            access_key: format!("PHOTOS{}", random_text(ACCESS_KEY_BYTES)?),
            secret_key: random_text(SECRET_KEY_BYTES)?,
        })
    }

    /// Returns the key pair in the form that the S3 handler needs.
    pub(super) fn to_key_pair(&self) -> KeyPair {
        KeyPair::new(&self.access_key, &self.secret_key)
    }
}

/// Returns the key pair of the data folder whose folder `.engine` is `engine`. Makes a random key
/// pair if the folder has none. The caller must have locked the data folder. A repeat is safe.
///
/// # Errors
/// Fails if the file cannot be read or written, or is damaged.
pub(super) fn read_or_make(engine: &Path) -> anyhow::Result<StoredKeyPair> {
    match read(engine)? {
        Some(key_pair) => Ok(key_pair),
        None => make(engine),
    }
}

/// Returns the key pair of a data folder, or `None` if it has none yet.
///
/// # Errors
/// Fails if the file cannot be read or is damaged.
pub(super) fn read(engine: &Path) -> anyhow::Result<Option<StoredKeyPair>> {
    let path = engine.join(KEY_PAIR);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let stored = serde_json::from_slice(&bytes).with_context(|| {
        format!(
            "{} is damaged; remove it, and the next start makes a new key pair",
            path.display()
        )
    })?;
    Ok(Some(stored))
}

fn make(engine: &Path) -> anyhow::Result<StoredKeyPair> {
    let stored = StoredKeyPair::random()?;
    let path = engine.join(KEY_PAIR);
    write_private_file(&path, &serde_json::to_vec_pretty(&stored)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(stored)
}

fn random_text(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| anyhow::anyhow!("the system has no random numbers"))?;
    Ok(BASE32_NOPAD.encode(&random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_pair_is_random_and_stays_the_same() {
        let (one, other) = (tempfile::tempdir(), tempfile::tempdir());
        let (one, other) = (one.expect("a folder"), other.expect("a folder"));
        assert!(read(one.path()).expect("no file").is_none());
        let first = read_or_make(one.path()).expect("made");
        let again = read_or_make(one.path()).expect("read");
        assert_eq!(first, again);
        let second = read_or_make(other.path()).expect("made");
        assert_ne!(first.secret_key, second.secret_key);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        // An unfinished file of an earlier version, which everybody can read.
        std::fs::write(folder.path().join("key-pair.json.new"), "").expect("written");
        read_or_make(folder.path()).expect("made");
        let file = std::fs::metadata(folder.path().join(KEY_PAIR)).expect("a file");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn damaged_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(KEY_PAIR), "{").expect("written");
        let error = read_or_make(folder.path())
            .expect_err("damaged")
            .to_string();
        assert!(error.contains("is damaged"), "{error}");
    }
}
