//! Golden tests: the output of the whole program over `examples/photos` is the same as the stored
//! output, byte for byte.
//!
//! One recording runs the real `photos` command, and uses its servers from outside: the gallery
//! over HTTP, the embedded S3 server with the AWS SDK, and the embedded DynamoDB server with its
//! own protocol. It also runs the other commands. Each test compares one folder of that recording
//! with the files in `tests/it/golden/expected`.
//!
//! If you change the output on purpose, write the files again, and read the difference before you
//! commit it:
//!
//! ```sh
//! UPDATE_GOLDEN=1 cargo test --test it golden
//! git diff tests/it/golden
//! ```
//!
//! Values that differ from run to run are replaced by a name in angle brackets, such as `<time>`.
//! The form of each such value is checked before it is replaced.

mod commands;
mod engines;
mod gallery;
mod normalise;
mod pretty;
mod recording;
mod schemas;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::serve::process::files;
use recording::RECORDING;

/// The environment variable that makes the tests rewrite the stored files instead of comparing
/// them.
const UPDATE: &str = "UPDATE_GOLDEN";

#[test]
fn gallery_answers_are_unchanged() {
    compare("gallery");
}

#[test]
fn table_items_are_unchanged() {
    compare("dynamodb");
}

#[test]
fn stored_objects_and_their_metadata_are_unchanged() {
    compare("s3");
}

#[test]
fn static_gallery_files_are_unchanged() {
    compare("site");
}

#[test]
fn command_output_is_unchanged() {
    compare("cli");
}

/// Compares one folder of the recording with the stored files. If [`UPDATE`] is set, rewrites the
/// stored files.
///
/// # Panics
/// Panics if a file differs, is missing or is not expected. The message contains the name of each
/// such file and its first line that differs.
fn compare(folder: &str) {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/golden/expected")
        .join(folder);
    let prefix = format!("{folder}/");
    let recorded: BTreeMap<&str, &str> = RECORDING
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix(&prefix)?, text.as_str())))
        .collect();
    assert!(!recorded.is_empty(), "nothing was recorded for {folder}");
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        rewrite(&stored, &recorded);
        return;
    }
    let mut differences: Vec<String> = recorded
        .iter()
        .filter_map(|(name, text)| difference(&stored.join(name), text))
        .collect();
    for name in files(&stored).into_keys() {
        if !recorded.contains_key(name.as_str()) {
            let path = stored.join(name);
            differences.push(format!("{}: no longer produced", path.display()));
        }
    }
    assert!(
        differences.is_empty(),
        "{}\n\nIf this is intended: {UPDATE}=1 cargo test --test it golden\n",
        differences.join("\n")
    );
}

/// Deletes the stored files of a folder, and writes the recorded ones.
fn rewrite(stored: &Path, recorded: &BTreeMap<&str, &str>) {
    if stored.exists() {
        fs::remove_dir_all(stored).unwrap();
    }
    for (name, text) in recorded {
        let path: PathBuf = stored.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Compares a stored file with the recorded text. Returns a description of the first line that
/// differs, or `None` if they are equal.
fn difference(path: &Path, recorded: &str) -> Option<String> {
    let name = path.display();
    let Ok(stored) = fs::read_to_string(path) else {
        return Some(format!("{name}: not stored yet"));
    };
    if stored == recorded {
        return None;
    }
    let (mut before, mut after) = (stored.split('\n'), recorded.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        let pair = (before.next(), after.next());
        if pair.0 != pair.1 {
            let [before, after] = [pair.0, pair.1].map(|line| line.unwrap_or("(end of file)"));
            let same = before.chars().zip(after.chars());
            let same = same.take_while(|(before, after)| before == after).count();
            return Some(format!(
                "{name}:{number}\n  stored:   {}\n  recorded: {}",
                excerpt(before, same),
                excerpt(after, same)
            ));
        }
    }
}

/// Returns a line for a message. If the line is long, returns only the text around the character
/// with the index `place`.
fn excerpt(line: &str, place: usize) -> String {
    const MAX_CHARS: usize = 160;
    if line.chars().count() <= MAX_CHARS {
        return line.to_owned();
    }
    let from = place.saturating_sub(MAX_CHARS / 2);
    let part: String = line.chars().skip(from).take(MAX_CHARS).collect();
    format!("… {part} …")
}
