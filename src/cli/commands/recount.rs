//! `photos recount`: counts and static files anew, or compared with the photos.

use std::io::Write;

use chrono::Utc;
use clap::Args;

use crate::cli::Ended;
use crate::cli::ask::Where;
use crate::cli::output::stdout;
use crate::cli::privacy::PrivacyArguments;
use crate::cli::progress::tell;
use crate::publish;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Change nothing: compare the counts with a scan of all photos, and name the months that are off.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    privacy: PrivacyArguments,
    #[command(flatten)]
    whence: Where,
}

/// Marks all months, or names those that are off; then the status is 1.
pub(in crate::cli) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let privacy = arguments.whence.privacy(arguments.privacy.given())?;
    let asked = arguments.whence.connect().await?;
    if !arguments.verify {
        publish::mark_all_months(&asked.catalogue, &asked.published, Utc::now()).await?;
        tell(
            "Every month will be counted and written anew, by `photos serve` or the publish function.",
        );
        return Ok(Ended::Well);
    }
    let off = publish::find_miscounted_months(&asked.catalogue, &asked.published, privacy).await?;
    let mut out = stdout();
    for month in &off {
        writeln!(out, "{month}")?;
    }
    out.flush()?;
    if off.is_empty() {
        tell("All counts are right.");
        return Ok(Ended::Well);
    }
    tell("These months are miscounted; `photos recount` has them counted anew.");
    Ok(Ended::WithFailures)
}
