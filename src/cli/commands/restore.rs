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
use crate::identity::ContentId;
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
    // The removed files, by their archive keys.
    let mut removed: BTreeMap<String, RemovedFile> = BTreeMap::new();
    for name in names {
        let item = show::find_photo(&session.catalogue, name).await?;
        let parts = item.map(|item| item.parts).unwrap_or_default();
        let gone = parts.into_values().filter(|part| !part.is_live());
        let files = gone.map(|part| {
            let file = RemovedFile {
                content: part.content,
                uploads: Vec::new(),
            };
            (part.key, file)
        });
        let files: Vec<(String, RemovedFile)> = files.collect();
        if files.is_empty() {
            eprint_message(&format!(
                "the catalogue records no removed file of \"{}\"",
                escape_control(name)
            ));
            status = CommandStatus::PartialFailure;
        }
        removed.extend(files);
    }
    if !removed.is_empty() {
        let mut items = std::pin::pin!(session.catalogue.scan_items());
        while let Some(found) = items.try_next().await? {
            let ScannedItem::Ledger(entry) = found else {
                continue;
            };
            let file = entry.copied_to().and_then(|key| removed.get_mut(key));
            if let Some(file) = file {
                file.uploads.push(entry);
            }
        }
    }
    for (key, file) in removed {
        match restore_file(session, file).await? {
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

/// A file that was removed from the archive.
struct RemovedFile {
    /// Its content id. `None` if an older version of this program recorded the removal.
    content: Option<ContentId>,
    /// The ledger entries of all uploads that were archived as this file.
    uploads: Vec<LedgerEntry>,
}

impl RemovedFile {
    /// Returns the uploads in the order in which they are tried: first those with the bytes of the
    /// removed file, and of them the one that was modified last.
    fn candidates(self) -> Vec<LedgerEntry> {
        let mut uploads = self.uploads;
        let has_bytes =
            |entry: &LedgerEntry| self.content.is_some() && entry.content == self.content;
        uploads.sort_by_key(|entry| (has_bytes(entry), entry.version.last_modified.clone()));
        uploads.reverse();
        uploads
    }
}

/// Archives an upload of a removed file again. First makes the catalogue forget that the file was
/// removed, because ingest does not archive a removed file again. If the command is interrupted
/// between the two steps, the next event of the upload archives it.
async fn restore_file(session: &Session, file: RemovedFile) -> anyhow::Result<RestoreOutcome> {
    let mut refused = RestoreOutcome::Refused("its upload is not recorded");
    for entry in file.candidates() {
        let LedgerEntry {
            object,
            version,
            archive_key: Some(archive_key),
            content,
            ..
        } = entry
        else {
            continue;
        };
        let now = session.storage.head_object(&object).await?;
        if now.is_none_or(|now| now.etag != version.etag) {
            refused = RestoreOutcome::Refused("its upload is gone or has changed");
            continue;
        }
        session
            .ingest
            .forget_removal(&archive_key, &object, content.as_ref())
            .await?;
        return Ok(match session.ingest.sync_object(&object).await? {
            Outcome::Archived(copy) | Outcome::Undated(copy) | Outcome::Duplicate(copy) => {
                RestoreOutcome::Restored(copy)
            }
            Outcome::Unchanged => RestoreOutcome::Refused("it is in the archive already"),
            Outcome::Outside => {
                RestoreOutcome::Refused("its upload is under another prefix than --source-prefix")
            }
            _ => RestoreOutcome::Refused("its upload has just changed"),
        });
    }
    Ok(refused)
}
