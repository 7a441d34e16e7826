//! `photos recount`: counts and static files anew, or compared with the photos.

use std::io::Write;

use chrono::Utc;
use clap::Args;

use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::flags::VisibilityFlags;
use crate::cli::output::stdout;
use crate::cli::progress::eprint_message;
use crate::publish;

#[derive(Debug, Args)]
pub(in crate::cli) struct RecountArguments {
    /// Change nothing: compare the counts with a scan of all photos, and name the months that are off.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    privacy: VisibilityFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// Marks all months, or names those that are off; then the status is 1.
pub(in crate::cli) async fn run(arguments: RecountArguments) -> anyhow::Result<CommandStatus> {
    let privacy = arguments.target.privacy(arguments.privacy.settings())?;
    let handle = arguments.target.connect().await?;
    if !arguments.verify {
        publish::mark_all_months(&handle.catalogue, &handle.published, Utc::now()).await?;
        eprint_message(
            "Every month will be counted and written anew, by `photos serve` or the publish function.",
        );
        return Ok(CommandStatus::Success);
    }
    let off =
        publish::find_miscounted_months(&handle.catalogue, &handle.published, privacy).await?;
    let mut out = stdout();
    for month in &off {
        writeln!(out, "{month}")?;
    }
    out.flush()?;
    if off.is_empty() {
        eprint_message("All counts are right.");
        return Ok(CommandStatus::Success);
    }
    eprint_message("These months are miscounted; `photos recount` has them counted anew.");
    Ok(CommandStatus::PartialFailure)
}
