//! `photos extract`: what ingest would record of files, without a catalogue.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use clap::Args;
use serde_json::json;

use super::Ended;
use super::output::{json_line, stdout};
use crate::exif::{Context, Extraction, Extractor, Step};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Every tag too, by IFD.
    #[arg(long)]
    tags: bool,
}

/// Prints a line for each file, `{"file", "photo", "error"}`; a file that is no photo is one with `error`.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Ended> {
    let mut out = stdout();
    let mut ended = Ended::Well;
    for path in &arguments.files {
        let file = path.display().to_string();
        let line = match read(path) {
            Ok(x) if arguments.tags => json!({
                "file": file, "photo": x.photo, "format": x.format.name(), "tags": x.tags, "omitted": x.omitted,
                "warnings": x.warnings, "preview": x.preview, "error": null,
            }),
            Ok(x) => {
                json!({ "file": file, "photo": x.photo, "warnings": x.warnings, "error": null })
            }
            Err(error) => {
                ended = Ended::WithFailures;
                json!({ "file": file, "photo": null, "error": format!("{error:#}") })
            }
        };
        json_line(&mut out, &line)?;
    }
    out.flush()?;
    Ok(ended)
}

/// The metadata of a local file, by ranged reads as of an object.
fn read(path: &Path) -> anyhow::Result<Extraction> {
    let mut file = File::open(path).context("cannot open it")?;
    let metadata = file.metadata().context("cannot read it")?;
    let context = Context {
        file_name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        not_after: Utc::now().naive_utc() + TimeDelta::days(1),
    };
    let mut extractor = Extractor::new(metadata.len(), context);
    loop {
        match extractor.step() {
            Step::Need(range) => {
                let mut bytes = Vec::new();
                file.seek(SeekFrom::Start(range.start))
                    .and_then(|_| {
                        (&mut file)
                            .take(range.end - range.start)
                            .read_to_end(&mut bytes)
                    })
                    .context("cannot read it")?;
                extractor.feed(range.start, Bytes::from(bytes));
            }
            Step::Done(result) => return Ok(result?),
        }
    }
}
