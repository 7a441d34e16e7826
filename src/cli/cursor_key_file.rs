//! The cursor key of a data folder: a random one, made at the first start, in a file that only the
//! owner can read. It stays the same, so cursors and the ETags of pictures outlive a restart.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use data_encoding::BASE64;
use ring::rand::{SecureRandom, SystemRandom};

use crate::gallery::CursorKey;
use crate::private_files::write_private_file;

/// The name of the file in the folder `.engine` of the data folder. It contains 32 bytes in base64.
const CURSOR_KEY_FILE: &str = "cursor-key";

/// Returns the cursor key of the data folder whose folder `.engine` is `engine`. Makes a random key
/// if the folder has none. The caller must have locked the data folder. A repeat is safe.
///
/// # Errors
/// Fails if the file cannot be read or written, or is damaged.
pub(super) fn read_or_make_cursor_key(engine: &Path) -> anyhow::Result<CursorKey> {
    let path = engine.join(CURSOR_KEY_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut secret = [0; 32];
            SystemRandom::new()
                .fill(&mut secret)
                .map_err(|_| anyhow::anyhow!("the system has no random numbers"))?;
            let text = BASE64.encode(&secret);
            write_private_file(&path, text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            text
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    text.parse().with_context(|| {
        format!(
            "{} is damaged; remove it, and the next start makes a new key",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_key_is_made_once_for_each_folder() {
        let stored = |folder: &Path| {
            read_or_make_cursor_key(folder).expect("a key");
            std::fs::read_to_string(folder.join(CURSOR_KEY_FILE)).expect("a file")
        };
        let (one, other) = (tempfile::tempdir(), tempfile::tempdir());
        let (one, other) = (one.expect("a folder"), other.expect("a folder"));
        let first = stored(one.path());
        assert_eq!(first, stored(one.path()));
        assert_ne!(first, stored(other.path()));
    }

    #[test]
    fn damaged_cursor_key_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(CURSOR_KEY_FILE), "short").expect("written");
        let error = read_or_make_cursor_key(folder.path()).expect_err("damaged");
        assert!(error.to_string().contains("is damaged"), "{error}");
    }
}
