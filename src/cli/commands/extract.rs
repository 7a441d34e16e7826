//! `photos extract`: what ingest would record of files, without a catalogue.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use clap::Args;

use crate::cli::Ended;
use crate::cli::output::{json_line, stdout};
use crate::extract_report::report;
use photo_metadata::{Context, Extraction, Extractor, NotAPhoto};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Every tag too, by IFD.
    #[arg(long)]
    tags: bool,
}

/// Prints a line for each file, `{"file", "photo", "error"}`; one of the last two is null.
pub(in crate::cli) fn run(arguments: &Arguments) -> anyhow::Result<Ended> {
    let mut out = stdout();
    let mut ended = Ended::Well;
    for path in &arguments.files {
        let file = path.display().to_string();
        let line = match read(path) {
            Ok((size, outcome)) => {
                if outcome.is_err() {
                    ended = Ended::WithFailures;
                }
                report(&file, size, outcome.as_ref(), arguments.tags)
            }
            Err(error) => {
                ended = Ended::WithFailures;
                report(&file, 0, Err(error), arguments.tags)
            }
        };
        json_line(&mut out, &line)?;
    }
    out.flush()?;
    Ok(ended)
}

/// The size of a local file and its metadata, by ranged reads as of an object.
pub(in crate::cli) fn read(path: &Path) -> io::Result<(u64, Result<Extraction, NotAPhoto>)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let context = Context {
        file_name: file_name.into_owned(),
        not_after: Utc::now().naive_utc() + TimeDelta::days(1),
    };
    let read = |range: Range<u64>| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(range.start))?;
        (&mut file)
            .take(range.end - range.start)
            .read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(Bytes::from(bytes))
    };
    Ok((size, Extractor::new(size, context).run(read)?))
}
