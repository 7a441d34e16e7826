//! What reading costs, per format, as a Markdown table: `cargo run --release -p bench --bin reads -- FOLDER`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use photo_metadata::{ExtractError, Extractor, FileContext};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut files = Vec::new();
    for folder in std::env::args().skip(1) {
        collect(Path::new(&folder), &mut files)?;
    }
    let mut formats: BTreeMap<&str, Vec<(u32, u64)>> = BTreeMap::new();
    let mut no_photos = 0;
    for path in &files {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let context = FileContext {
            file_name: String::new(),
            latest_credible_time: NaiveDateTime::MAX,
        };
        let read = |range: std::ops::Range<u64>| {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            file.read_exact_at(&mut bytes, range.start)?;
            Ok::<_, io::Error>(bytes.into())
        };
        match Extractor::new(size, context).run(read) {
            Ok(x) => formats
                .entry(x.format.name())
                .or_default()
                .push((x.reads.count, x.reads.bytes)),
            Err(ExtractError::UnsupportedFormat(_)) => no_photos += 1,
            Err(ExtractError::Read(error)) => return Err(error),
        }
    }
    writeln!(
        out,
        "| format | files | in one read | most reads | median bytes | most bytes |\n| --- | --- | --- | --- | --- | --- |"
    )?;
    for (format, reads) in formats {
        let mut bytes: Vec<u64> = reads.iter().map(|read| read.1).collect();
        bytes.sort_unstable();
        writeln!(
            out,
            "| {format} | {} | {} | {} | {} | {} |",
            reads.len(),
            reads.iter().filter(|read| read.0 <= 1).count(),
            reads.iter().map(|read| read.0).max().unwrap_or(0),
            bytes[bytes.len() / 2],
            bytes[bytes.len() - 1],
        )?;
    }
    writeln!(
        out,
        "\n{} files, {no_photos} of them no photos",
        files.len()
    )
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.is_file() {
        files.push(folder.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
