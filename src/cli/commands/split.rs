//! `photos split` makes several photos of one.

use clap::Args;

use super::merge::find_stem;
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::cli::session::{Session, SessionPurpose, StoreOptions};

/// The arguments of `photos split`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SplitArguments {
    /// A photo, by its name in the archive (2018-02-01/foobar, with or without .jpg) or its id.
    #[arg(value_name = "PHOTO")]
    name: String,
    #[command(flatten)]
    stores: StoreOptions,
}

/// Runs the command: gives the photos that were merged into this one their files back. If there are
/// none, moves all files except the primary one together to the next free name. A repeat continues
/// an interrupted run.
///
/// # Errors
/// Fails if the photo does not exist, if there is nothing to split, or if a store fails.
pub(in crate::cli) async fn run(arguments: SplitArguments) -> anyhow::Result<CommandStatus> {
    let session = arguments
        .stores
        .open_existing(SessionPurpose::Write)
        .await?;
    let split = split_photo(&session, &arguments.name).await;
    session.close(true).await;
    let (stem, others) = split?;
    for other in others {
        eprint_message(&format!(
            "{}: split from {}; `photos merge` undoes it",
            escape_control(&other),
            escape_control(&stem)
        ));
    }
    Ok(CommandStatus::Success)
}

async fn split_photo(session: &Session, name: &str) -> anyhow::Result<(String, Vec<String>)> {
    let stem = find_stem(session, name).await?;
    let others = session.ingest.split_photo(&stem).await?;
    Ok((stem, others))
}
