//! `photos rm` removes photos with all their files, and with `--source` their uploads too.

use anyhow::bail;
use clap::Args;

use super::show;
use crate::catalogue::item::{PartSource, PhotoItem, PhotoPart};
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::object::ObjectRef;
use crate::storage::DeleteOutcome;
use crate::telemetry::error_chain;

/// The arguments of `photos rm`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RmArguments {
    /// Photos, by their names in the archive (2018-02-01/foobar, with or without .jpg) or their
    /// ids.
    #[arg(value_name = "PHOTO", required = true)]
    names: Vec<String>,
    /// Delete their uploads too. The photos cannot be restored then.
    #[arg(long)]
    source: bool,
    /// Remove files that cannot be restored too, because the upload is gone or because the file was
    /// in the archive before this program.
    #[arg(long)]
    for_good: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// Runs the command: removes all files of each photo from the archive. A repeat is safe. The exit
/// status is 1 if a photo is not removed.
pub(in crate::cli) async fn run(arguments: RmArguments) -> anyhow::Result<CommandStatus> {
    let session = arguments
        .stores
        .open_existing(SessionPurpose::Write)
        .await?;
    let mut status = CommandStatus::Success;
    for name in &arguments.names {
        match remove_photo(&session, name, &arguments).await {
            Ok(removed) => {
                eprint_message(&format!("{}: removed", escape_control(&removed.stem)));
                for upload in &removed.uploads_left {
                    eprint_message(&format!(
                        "{}: its upload {} stays, and is not archived again; `photos restore` \
                         archives it",
                        escape_control(&removed.stem),
                        escape_control(&upload.to_string())
                    ));
                }
            }
            Err(error) => {
                eprint_message(&format!(
                    "{}: {}",
                    escape_control(name),
                    error_chain(error.as_ref())
                ));
                status = CommandStatus::PartialFailure;
            }
        }
    }
    session.close(true).await;
    Ok(status)
}

/// A photo that was removed.
struct RemovedPhoto {
    stem: String,
    /// The uploads of the photo that still exist.
    uploads_left: Vec<ObjectRef>,
}

/// Removes all files of one photo from the archive. With `--source`, deletes the uploads first,
/// because the catalogue no longer records the upload of a removed file. If the command is
/// interrupted, a repeat continues the work.
///
/// # Errors
/// Fails if the photo does not exist, if a file has changed, or if a store fails. Without
/// `--source` and `--for-good`, also fails if a file could not be restored later.
async fn remove_photo(
    session: &Session,
    name: &str,
    arguments: &RmArguments,
) -> anyhow::Result<RemovedPhoto> {
    let found = show::find_photo(&session.catalogue, name).await?;
    let has_file = |item: &PhotoItem| item.parts.values().any(PhotoPart::is_live);
    let Some(item) = found.filter(has_file) else {
        bail!("there is no such photo in the catalogue");
    };
    let live: Vec<&PhotoPart> = item.parts.values().filter(|part| part.is_live()).collect();
    if !arguments.source && !arguments.for_good {
        for part in &live {
            if !has_upload(session, part).await? {
                bail!(
                    "{} could not be restored later; --for-good removes it too",
                    escape_control(&part.key)
                );
            }
        }
    }
    if arguments.source {
        for source in live.iter().filter_map(|part| part.source.as_ref()) {
            delete_object(session, &source.object, &source.etag).await?;
        }
    }
    let archive = session.ingest.layout().archive_bucket();
    for part in live {
        let object = archive.object(&part.key);
        delete_object(session, &object, &part.etag).await?;
        session.ingest.process_object(&object).await?;
    }
    let uploads = session.catalogue.uploads_of(&item).await?;
    let mut uploads_left = Vec::new();
    for upload in uploads {
        if session.storage.head_object(&upload.object).await?.is_some() {
            uploads_left.push(upload.object);
        }
    }
    Ok(RemovedPhoto {
        stem: item.stem,
        uploads_left,
    })
}

/// Reports whether the upload from which a file was copied still exists with the same bytes.
async fn has_upload(session: &Session, part: &PhotoPart) -> anyhow::Result<bool> {
    let Some(PartSource { object, etag }) = part.copied_from() else {
        return Ok(false);
    };
    let upload = session.storage.head_object(object).await?;
    Ok(upload.is_some_and(|upload| upload.etag == *etag))
}

/// Deletes an object if the object still has this ETag. Compares the ETag before the delete
/// request, because a store may ignore the condition of the request. A repeat is safe.
///
/// # Errors
/// Fails if the object has another ETag, or if the store fails.
async fn delete_object(session: &Session, object: &ObjectRef, etag: &str) -> anyhow::Result<()> {
    let Some(now) = session.storage.head_object(object).await? else {
        return Ok(());
    };
    let deleted = if now.etag == etag {
        session.storage.delete_if_match(object, etag).await?
    } else {
        DeleteOutcome::Changed
    };
    match deleted {
        DeleteOutcome::Done => Ok(()),
        DeleteOutcome::Changed => bail!(
            "s3://{}/{} has been changed; it is not deleted",
            object.bucket,
            escape_control(&object.key)
        ),
    }
}
