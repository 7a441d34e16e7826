//! `photos extract` prints what ingest would record for files. It needs no catalogue.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{NaiveDateTime, TimeDelta, Utc};
use clap::Args;

use crate::cli::CommandStatus;
use crate::cli::ordered_threads::map_in_order;
use crate::cli::output::{json_line, stdout};
use crate::extract_report::{FileReport, sidecar_report};
use photo_metadata::{
    ExtractError, Extraction, Extractor, FileContext, MAX_SIDECAR_BYTES, SidecarFormat,
    extract_sidecar, extract_sidecar_tags,
};

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

/// The number of files that a thread reads before it hands over their lines.
const FILES_PER_BATCH: usize = 8;

/// Runs the command: prints one line of JSON for each file, with the fields `file`, `photo` and
/// `error`. One of `photo` and `error` is null. The line of a sidecar has the fields of the
/// sidecar. The lines are in the order of the arguments. All cores read files.
pub(in crate::cli) fn run(arguments: &ExtractArguments) -> anyhow::Result<CommandStatus> {
    let mut out = stdout();
    let mut status = CommandStatus::Success;
    let batches: Vec<&[PathBuf]> = arguments.files.chunks(FILES_PER_BATCH).collect();
    let describe = |files: &&[PathBuf]| FileLines::describe(files, arguments.tags);
    map_in_order(&batches, describe, |lines| {
        let lines = lines?;
        if lines.has_error {
            status = CommandStatus::PartialFailure;
        }
        out.write_all(&lines.text)
    })?;
    out.flush()?;
    Ok(status)
}

/// The lines for some files.
#[derive(Default)]
struct FileLines {
    text: Vec<u8>,
    /// `true` if a line is an error: the file cannot be read, or is not a photo.
    has_error: bool,
}

impl FileLines {
    /// Returns the lines for some files.
    fn describe(files: &[PathBuf], every_tag: bool) -> io::Result<Self> {
        let mut lines = FileLines::default();
        for path in files {
            match sidecar_format(path) {
                Some(format) => lines.add_sidecar(path, format, every_tag)?,
                None => lines.add_photo(path, every_tag)?,
            }
        }
        Ok(lines)
    }

    /// Adds the line for a photo.
    fn add_photo(&mut self, path: &Path, every_tag: bool) -> io::Result<()> {
        let file = path.display().to_string();
        let extracted = extract_file(path);
        let (size, outcome) = match &extracted {
            Ok((size, extraction)) => (*size, Ok(extraction)),
            Err(error) => (0, Err(error)),
        };
        self.has_error |= outcome.is_err();
        json_line(
            &mut self.text,
            &FileReport::new(&file, size, outcome, every_tag),
        )
    }

    /// Adds the line for a sidecar.
    fn add_sidecar(
        &mut self,
        path: &Path,
        format: SidecarFormat,
        every_tag: bool,
    ) -> io::Result<()> {
        let file = path.display().to_string();
        let bytes = match read_sidecar(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.has_error = true;
                let report = FileReport::new(&file, 0, Err(error), every_tag);
                return json_line(&mut self.text, &report);
            }
        };
        let extraction = extract_sidecar(&bytes, format, latest_credible_time());
        let tags = every_tag.then(|| extract_sidecar_tags(&bytes, format));
        let report = sidecar_report(&file, &extraction, tags.as_ref());
        json_line(&mut self.text, &report)
    }
}

/// Reads a sidecar. If it is too large, reads one byte more than the maximum, which shows this.
fn read_sidecar(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_SIDECAR_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the format of a sidecar by the extension of its name, or `None` for another file.
fn sidecar_format(path: &Path) -> Option<SidecarFormat> {
    let extension = path.extension()?.to_ascii_lowercase();
    match extension.to_str()? {
        "xmp" => Some(SidecarFormat::Xmp),
        "json" => Some(SidecarFormat::Takeout),
        _ => None,
    }
}

/// Returns the present time in UTC plus one day.
fn latest_credible_time() -> NaiveDateTime {
    Utc::now().naive_utc() + TimeDelta::days(1)
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
        latest_credible_time: latest_credible_time(),
    };
    let read_range = |range: Range<u64>| {
        let length = range.end - range.start;
        // A range has at most a few megabytes. With room for all of it, no byte is copied again.
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.seek(SeekFrom::Start(range.start))?;
        (&mut file).take(length).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(Bytes::from(bytes))
    };
    let extraction = Extractor::new(size, context).run(read_range)?;
    Ok((size, extraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_are_recognised_by_their_extension() {
        for (name, format) in [
            ("IMG.xmp", Some(SidecarFormat::Xmp)),
            ("IMG.CR2.XMP", Some(SidecarFormat::Xmp)),
            (
                "IMG.jpg.supplemental-metadata.json",
                Some(SidecarFormat::Takeout),
            ),
            ("IMG.jpg", None),
            ("xmp", None),
        ] {
            assert_eq!(sidecar_format(Path::new(name)), format, "{name}");
        }
    }
}
