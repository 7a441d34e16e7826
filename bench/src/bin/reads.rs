//! Counts the reads of an extraction for each format and prints them as a Markdown table:
//! `cargo run --release -p bench --bin reads -- FOLDER...`

#![expect(clippy::print_stdout, reason = "the table is its output")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use bench::{BenchResult, extract_file, list_files};
use photo_metadata::ExtractError;

/// The number of reads of a file, and the number of bytes that they returned.
type FileReads = (u32, u64);

fn main() -> BenchResult<()> {
    let mut files = Vec::new();
    for folder in std::env::args().skip(1) {
        files.extend(list_files(Path::new(&folder))?);
    }
    let mut formats: BTreeMap<&str, Vec<FileReads>> = BTreeMap::new();
    let mut unsupported = 0;
    for path in &files {
        match extract_file(&File::open(path)?, "") {
            Ok(extraction) => formats
                .entry(extraction.format.name())
                .or_default()
                .push((extraction.reads.count, extraction.reads.bytes)),
            Err(ExtractError::UnsupportedFormat(_)) => unsupported += 1,
            Err(ExtractError::Read(error)) => return Err(error.into()),
        }
    }
    println!("| format | files | in one read | most reads | median bytes | most bytes |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (format, reads) in formats {
        let mut bytes: Vec<u64> = reads.iter().map(|(_, bytes)| *bytes).collect();
        bytes.sort_unstable();
        println!(
            "| {format} | {} | {} | {} | {} | {} |",
            reads.len(),
            reads.iter().filter(|(count, _)| *count <= 1).count(),
            reads.iter().map(|(count, _)| *count).max().unwrap_or(0),
            bytes[bytes.len() / 2],
            bytes[bytes.len() - 1],
        );
    }
    println!("\n{} files, {unsupported} of them no photos", files.len());
    Ok(())
}
