//! `photos restore` archives removed files again from their uploads.

use std::collections::BTreeMap;

use clap::Args;
use futures::TryStreamExt;

use super::show;
use crate::archive::ArchiveKey;
use crate::catalogue::batch::ScannedItem;
use crate::catalogue::item::LedgerEntry;
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::ingest::Outcome;

/// The arguments of `photos restore`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreArguments {
    /// Photos, by their names in the archive (2018-02-01/foobar, with or without .jpg) or their
    /// ids.
    #[arg(value_name = "PHOTO", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    stores: StoreOptions,
}

/// Runs the command: restores the removed files of each photo from their uploads. A repeat is safe.
/// The exit status is 1 if a file is not restored. Scans the whole table once to read all ledger
/// entries, which have no index. A ledger entry shows under which archive key an upload was
/// archived.
pub(in crate::cli) async fn run(arguments: RestoreArguments) -> anyhow::Result<CommandStatus> {
    let session = arguments
        .stores
        .open_existing(SessionPurpose::Write)
        .await?;
    let result = restore_photos(&session, &arguments.names).await;
    session.close(true).await;
    result
}

async fn restore_photos(session: &Session, names: &[String]) -> anyhow::Result<CommandStatus> {
    let mut status = CommandStatus::Success;
    // The ledger entries of the uploads, by the archive keys of the removed files.
    let mut removed: BTreeMap<String, Option<LedgerEntry>> = BTreeMap::new();
    for name in names {
        let item = show::find_photo(&session.catalogue, name).await?;
        let parts = item.map(|item| item.parts).unwrap_or_default();
        let gone = parts.into_values().filter(|part| !part.is_live());
        let keys: Vec<String> = gone.map(|part| part.key).collect();
        if keys.is_empty() {
            eprint_message(&format!(
                "the catalogue records no removed file of \"{}\"",
                escape_control(name)
            ));
            status = CommandStatus::PartialFailure;
        }
        removed.extend(keys.into_iter().map(|key| (key, None)));
    }
    if !removed.is_empty() {
        let mut items = std::pin::pin!(session.catalogue.scan_items());
        while let Some(found) = items.try_next().await? {
            let ScannedItem::Ledger(entry) = found else {
                continue;
            };
            let key = entry.archive_key.clone().unwrap_or_default();
            if let Some(upload) = removed.get_mut(&key) {
                // Several uploads may have been archived as this file. The upload that was
                // modified last is used.
                let is_newer = upload
                    .as_ref()
                    .is_none_or(|other| other.version.last_modified < entry.version.last_modified);
                if is_newer {
                    *upload = Some(entry);
                }
            }
        }
    }
    for (key, upload) in removed {
        match restore_file(session, upload).await? {
            RestoreOutcome::Restored(copy) => {
                eprint_message(&format!("{}: restored", escape_control(copy.as_str())));
            }
            RestoreOutcome::Refused(cause) => {
                eprint_message(&format!("{}: {cause}", escape_control(&key)));
                status = CommandStatus::PartialFailure;
            }
        }
    }
    Ok(status)
}

/// The result of [`restore_file`] for one removed file.
enum RestoreOutcome {
    /// The file is in the archive again, under this key.
    Restored(ArchiveKey),
    /// The file cannot be restored. The text is the reason.
    Refused(&'static str),
}

/// Archives the upload of a removed file again. Deletes the ledger entry of the upload first,
/// because ingest skips an upload that has an entry. If the command is interrupted between the two
/// steps, the upload counts as new: its next event or `photos import` archives it. `upload` is
/// `None` if the ledger has no entry.
async fn restore_file(
    session: &Session,
    upload: Option<LedgerEntry>,
) -> anyhow::Result<RestoreOutcome> {
    let Some(LedgerEntry {
        object, version, ..
    }) = upload
    else {
        return Ok(RestoreOutcome::Refused("its upload is not recorded"));
    };
    let now = session.storage.head_object(&object).await?;
    if now.is_none_or(|now| now.etag != version.etag) {
        return Ok(RestoreOutcome::Refused("its upload is gone or has changed"));
    }
    session
        .catalogue
        .delete_ledger_entry(&object, &version)
        .await?;
    Ok(match session.ingest.sync_object(&object).await? {
        Outcome::Archived(copy) | Outcome::Undated(copy) => RestoreOutcome::Restored(copy),
        Outcome::Outside => {
            RestoreOutcome::Refused("its upload is under another prefix than --source-prefix")
        }
        _ => RestoreOutcome::Refused("its upload has just changed"),
    })
}
