//! `photos extract` prints what ingest would record for files. It needs no catalogue.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use clap::Args;

use crate::cli::CommandStatus;
use crate::cli::output::{json_line, stdout};
use crate::extract_report::report;
use photo_metadata::{ExtractError, Extraction, Extractor, FileContext};

/// The arguments of `photos extract`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExtractArguments {
    /// The files to read.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print every tag too, by IFD.
    #[arg(long)]
    tags: bool,
}

/// Runs the command: prints one line of JSON for each file, with the fields `file`, `photo` and
/// `error`. One of `photo` and `error` is null.
pub(in crate::cli) fn run(arguments: &ExtractArguments) -> anyhow::Result<CommandStatus> {
    let mut out = stdout();
    let mut status = CommandStatus::Success;
    for path in &arguments.files {
        let file = path.display().to_string();
        let line = match extract_file(path) {
            Ok((size, extraction)) => report::<&str>(&file, size, Ok(&extraction), arguments.tags),
            Err(error) => {
                status = CommandStatus::PartialFailure;
                report(&file, 0, Err(error), arguments.tags)
            }
        };
        json_line(&mut out, &line)?;
    }
    out.flush()?;
    Ok(status)
}

/// Returns the size of a local file in bytes, and the metadata of the file. Reads only the byte
/// ranges that the extractor needs.
///
/// # Errors
/// Fails if the file cannot be read, or if it is not a photo.
pub(in crate::cli) fn extract_file(
    path: &Path,
) -> Result<(u64, Extraction), ExtractError<io::Error>> {
    let mut file = File::open(path).map_err(ExtractError::Read)?;
    let size = file.metadata().map_err(ExtractError::Read)?.len();
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let context = FileContext {
        file_name: file_name.into_owned(),
        latest_credible_time: Utc::now().naive_utc() + TimeDelta::days(1),
    };
    let read_range = |range: Range<u64>| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(range.start))?;
        (&mut file)
            .take(range.end - range.start)
            .read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(Bytes::from(bytes))
    };
    let extraction = Extractor::new(size, context).run(read_range)?;
    Ok((size, extraction))
}
