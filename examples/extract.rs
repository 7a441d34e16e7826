//! Prints what the extraction makes of files, as JSON lines: `extract [extract] [--tags] [--reads] -- FILE...`.
//!
//! The bare library over ranged reads of local files, without catalogue, engines or the `photos` command.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use photo_catalogue::exif::{Context, Extraction, Extractor, Step};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    for path in arguments
        .iter()
        .filter(|a| !a.starts_with("--") && *a != "extract")
    {
        let line = match read(path) {
            Ok(x) if has("--tags") => {
                json!({"file": path, "photo": x.photo, "format": x.format.name(), "tags": x.tags, "omitted": x.omitted,
                    "warnings": x.warnings, "preview": x.preview, "reads": [x.reads.count, x.reads.bytes], "error": null})
            }
            Ok(x) if has("--reads") => {
                json!({"file": path, "format": x.format.name(), "reads": x.reads.count, "bytes": x.reads.bytes})
            }
            Ok(x) => json!({"file": path, "photo": x.photo, "warnings": x.warnings, "error": null}),
            Err(error) => json!({"file": path, "photo": null, "error": error.to_string()}),
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn read(path: &str) -> Result<Extraction, Box<dyn Error>> {
    let file = File::open(path)?;
    let file_name = path.rsplit('/').next().unwrap_or(path).to_owned();
    let not_after = Utc::now().naive_utc() + TimeDelta::days(1);
    let mut extractor = Extractor::new(
        file.metadata()?.len(),
        Context {
            file_name,
            not_after,
        },
    );
    loop {
        match extractor.step() {
            Step::Need(range) => {
                let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
                let mut filled = 0;
                while filled < bytes.len() {
                    match file.read_at(&mut bytes[filled..], range.start + filled as u64)? {
                        0 => break,
                        n => filled += n,
                    }
                }
                bytes.truncate(filled);
                extractor.feed(range.start, Bytes::from(bytes));
            }
            Step::Done(result) => return Ok(result?),
        }
    }
}
