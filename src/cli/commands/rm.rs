//! `photos rm`: a photo goes, with all its files; its uploads too where that is asked.

use anyhow::bail;
use clap::Args;

use super::show;
use crate::catalogue::item::{PartSource, PhotoItem, PhotoPart};
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::storage::DeleteOutcome;

#[derive(Debug, Args)]
pub(in crate::cli) struct RmArguments {
    /// Photos by their names in the archive (2018-02-01/foobar, with or without .jpg) or their ids.
    #[arg(value_name = "PHOTO", required = true)]
    names: Vec<String>,
    /// Delete what they were uploaded as, too. They cannot be restored then.
    #[arg(long)]
    source: bool,
    /// Also where nothing is left to restore a file from: its upload is gone, or it was in the archive before us.
    #[arg(long)]
    for_good: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// Removes each; the status is 1 where one of them stays.
pub(in crate::cli) async fn run(arguments: RmArguments) -> anyhow::Result<CommandStatus> {
    let session = arguments
        .stores
        .open_existing(SessionPurpose::Write)
        .await?;
    let mut ended = CommandStatus::Success;
    for name in &arguments.names {
        match remove(&session, name, &arguments).await {
            Ok(stem) => eprint_message(&format!("{}: removed", escape_control(&stem))),
            Err(error) => {
                eprint_message(&format!("{}: {error:#}", escape_control(name)));
                ended = CommandStatus::PartialFailure;
            }
        }
    }
    session.close(true).await;
    Ok(ended)
}

/// Broken off anywhere, it is asked for again, and goes on: the uploads first, since the record of a file that is gone
/// does not name its upload any more.
async fn remove(session: &Session, name: &str, arguments: &RmArguments) -> anyhow::Result<String> {
    let found = show::find_photo(&session.catalogue, name).await?;
    let Some(item) = found.filter(PhotoItem::has_live_parts) else {
        bail!("there is no such photo in the catalogue");
    };
    let live: Vec<&PhotoPart> = item.parts.values().filter(|part| !part.removed).collect();
    if !arguments.source && !arguments.for_good {
        for part in &live {
            if !is_uploaded(session, part).await? {
                bail!(
                    "nothing is left to restore {} from; --for-good removes it all the same",
                    escape_control(&part.key)
                );
            }
        }
    }
    if arguments.source {
        for source in live.iter().filter_map(|part| part.source.as_ref()) {
            delete(session, &source.bucket, &source.key, &source.etag).await?;
        }
    }
    let archive = session.ingest.layout().archive_bucket();
    for part in live {
        delete(session, archive, &part.key, &part.etag).await?;
        session.ingest.process_key(archive, &part.key).await?;
    }
    Ok(item.stem)
}

/// Whether the upload that a file was copied from still holds its bytes.
async fn is_uploaded(session: &Session, part: &PhotoPart) -> anyhow::Result<bool> {
    let Some(PartSource { bucket, key, etag }) = &part.source else {
        return Ok(false);
    };
    let upload = session.storage.head(bucket, key).await?;
    Ok(upload.is_some_and(|upload| upload.etag == *etag))
}

/// Deletes an object that holds these bytes. Looked at first, since a store may ignore the condition.
async fn delete(session: &Session, bucket: &str, key: &str, etag: &str) -> anyhow::Result<()> {
    let Some(object) = session.storage.head(bucket, key).await? else {
        return Ok(());
    };
    let deleted = if object.etag == etag {
        session.storage.delete_if_match(bucket, key, etag).await?
    } else {
        DeleteOutcome::Changed
    };
    match deleted {
        DeleteOutcome::Done => Ok(()),
        DeleteOutcome::Changed => bail!(
            "s3://{bucket}/{} holds other bytes by now; it stays",
            escape_control(key)
        ),
    }
}
