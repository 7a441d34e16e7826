//! Prints what the extraction makes of files, as JSON lines: `extract [--tags] FILE...`. A first argument `extract` is
//! passed over, so that this program stands in for `photos`.
//!
//! The bare library over ranged reads of local files, without catalogue, engines or the `photos` command.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use photo_catalogue::exif::{Context, Extraction, Extractor, NotAPhoto, report};

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "extract") {
        arguments.remove(0);
    }
    let every_tag = arguments.iter().any(|argument| argument == "--tags");
    for path in arguments.iter().filter(|a| !a.starts_with("--")) {
        let line = match read(path) {
            Ok((size, result)) => report(path, size, result.as_ref(), every_tag),
            Err(error) => report(path, 0, Err(error), every_tag),
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn read(path: &str) -> io::Result<(u64, Result<Extraction, NotAPhoto>)> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let context = Context {
        file_name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        not_after: Utc::now().naive_utc() + TimeDelta::days(1),
    };
    let read = |range| read_range(&file, range);
    Ok((size, Extractor::new(size, context).run(read)?))
}

fn read_range(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], range.start + filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}
