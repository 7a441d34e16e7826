//! `photos skipped`: what was uploaded and is no photo.

use std::io::Write;

use clap::Args;

use crate::cli::Ended;
use crate::cli::ask::Where;
use crate::cli::output::{harmless, json_line, stdout, table, write_table};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// A line of JSON for each.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whence: Where,
}

/// Prints the ledger's entries of uploads that were left where they are.
pub(in crate::cli) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let asked = arguments.whence.connect().await?;
    let mut out = stdout();
    let mut rows = table(&["KEY", "WHY"]);
    let mut start = None;
    loop {
        let (entries, next) = asked.catalogue.skipped(start).await?;
        for entry in entries {
            if arguments.json {
                json_line(&mut out, &entry)?;
            } else {
                rows.add_row([
                    harmless(&format!("s3://{}/{}", entry.bucket, entry.key)),
                    harmless(entry.reason.as_deref().unwrap_or_default()),
                ]);
            }
        }
        start = next;
        if start.is_none() {
            break;
        }
    }
    if !arguments.json && !rows.is_empty() {
        write_table(&mut out, &mut rows)?;
    }
    out.flush()?;
    Ok(Ended::Well)
}
