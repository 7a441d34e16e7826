//! `photos recount` rebuilds the counts and the static gallery files, or compares the counts with
//! the photos.

use std::io::Write;

use chrono::Utc;
use clap::Args;

use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::flags::VisibilityFlags;
use crate::cli::output::stdout;
use crate::cli::progress::eprint_message;
use crate::publish;

/// The arguments of `photos recount`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RecountArguments {
    /// Change nothing. Compare the counts with a scan of all photos, and print the months whose
    /// counts are wrong.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    privacy: VisibilityFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// Runs the command: marks all months as dirty, so that publish rebuilds them. A repeat is safe.
/// With `--verify`, only prints the months whose counts are wrong. The exit status is 1 if there
/// are any.
pub(in crate::cli) async fn run(arguments: RecountArguments) -> anyhow::Result<CommandStatus> {
    let privacy = arguments.target.privacy(arguments.privacy.settings())?;
    let target = &arguments.target;
    let handle = if arguments.verify {
        target.connect_to_read().await?
    } else {
        target.connect().await?
    };
    if !arguments.verify {
        publish::mark_all_months(&handle.catalogue, &handle.published, Utc::now()).await?;
        eprint_message(
            "`photos serve` or the publish function will rebuild the counts and files of every month.",
        );
        return Ok(CommandStatus::Success);
    }
    let miscounted = {
        let (catalogue, published) = (&handle.catalogue, &handle.published);
        publish::find_miscounted_months(catalogue, published, privacy, Utc::now()).await?
    };
    let mut out = stdout();
    for month in &miscounted {
        writeln!(out, "{month}")?;
    }
    out.flush()?;
    if miscounted.is_empty() {
        eprint_message("All counts are right.");
        return Ok(CommandStatus::Success);
    }
    eprint_message("The counts of these months are wrong; run `photos recount` to rebuild them.");
    Ok(CommandStatus::PartialFailure)
}
