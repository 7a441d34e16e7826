//! `photos skipped` lists the uploads that are not photos.

use std::io::Write;

use clap::Args;
use futures::TryStreamExt;

use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::output::{escape_control, json_line, stdout, table, write_table};

/// The arguments of `photos skipped`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SkippedArguments {
    /// Print one line of JSON for each upload.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// Runs the command: prints the uploads that ingest skipped because they are not photos, and the
/// reasons. These uploads stay in the source bucket.
///
/// # Errors
/// Fails if the tables cannot be reached.
pub(in crate::cli) async fn run(arguments: SkippedArguments) -> anyhow::Result<CommandStatus> {
    let handle = arguments.target.connect_to_read().await?;
    let mut out = stdout();
    let mut rows = table(&["KEY", "WHY"]);
    let mut entries = std::pin::pin!(handle.catalogue.scan_skipped_entries());
    while let Some(entry) = entries.try_next().await? {
        if arguments.json {
            json_line(&mut out, &entry)?;
        } else {
            rows.add_row([
                escape_control(&entry.object.to_string()),
                escape_control(entry.reason.as_deref().unwrap_or_default()),
            ]);
        }
    }
    if !arguments.json && !rows.is_empty() {
        write_table(&mut out, &mut rows)?;
    }
    out.flush()?;
    Ok(CommandStatus::Success)
}
