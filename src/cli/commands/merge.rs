//! `photos merge` makes two photos one.

use anyhow::Context;
use clap::Args;

use super::show;
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::cli::session::{Session, SessionPurpose, StoreOptions};

/// The arguments of `photos merge`.
#[derive(Debug, Args)]
pub(in crate::cli) struct MergeArguments {
    /// The photo that stays, by its name in the archive (2018-02-01/foobar, with or without .jpg) or
    /// its id.
    #[arg(value_name = "PHOTO")]
    into: String,
    /// The photo whose files move to it.
    #[arg(value_name = "OTHER")]
    from: String,
    #[command(flatten)]
    stores: StoreOptions,
}

/// Runs the command: moves the files of the second photo to the first one. A repeat is safe, and
/// continues an interrupted run.
///
/// # Errors
/// Fails if a photo does not exist, if both have a file of one format that could not be restored
/// later, or if a store fails.
pub(in crate::cli) async fn run(arguments: MergeArguments) -> anyhow::Result<CommandStatus> {
    let session = arguments
        .stores
        .open_existing(SessionPurpose::Write)
        .await?;
    let merged = merge_photos(&session, &arguments).await;
    session.close(true).await;
    let (into, from) = merged?;
    eprint_message(&format!(
        "{}: merged into {}; `photos split` undoes it",
        escape_control(&from),
        escape_control(&into)
    ));
    Ok(CommandStatus::Success)
}

async fn merge_photos(
    session: &Session,
    arguments: &MergeArguments,
) -> anyhow::Result<(String, String)> {
    let into = find_stem(session, &arguments.into).await?;
    let from = find_stem(session, &arguments.from).await?;
    session.ingest.merge_photos(&into, &from).await?;
    Ok((into, from))
}

/// Returns the stem of a photo.
///
/// # Errors
/// Fails if there is no such photo, or if the table fails.
pub(super) async fn find_stem(session: &Session, name: &str) -> anyhow::Result<String> {
    let found = show::find_photo(&session.catalogue, name).await?;
    let found = found.with_context(|| {
        format!(
            "there is no photo \"{}\" in the catalogue",
            escape_control(name)
        )
    })?;
    Ok(found.stem)
}
