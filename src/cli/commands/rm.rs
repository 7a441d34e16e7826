//! `photos rm`: a photo goes, with all its files; its uploads too where that is asked.

use anyhow::bail;
use clap::Args;

use super::show;
use crate::catalogue::item::{PartSource, PhotoItem, PhotoPart};
use crate::cli::Ended;
use crate::cli::library::{Library, Opened, Purpose};
use crate::cli::output::harmless;
use crate::cli::progress::tell;
use crate::storage::DeleteOutcome;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
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
    library: Library,
}

/// Removes each; the status is 1 where one of them stays.
pub(in crate::cli) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let library = &arguments.library;
    anyhow::ensure!(
        library.exists(),
        "there is no catalogue in {}",
        library.data.display()
    );
    let opened = library.open(library.layout()?, Purpose::Change).await?;
    let mut ended = Ended::Well;
    for name in &arguments.names {
        match remove(&opened, name, &arguments).await {
            Ok(stem) => tell(&format!("{}: removed", harmless(&stem))),
            Err(error) => {
                tell(&format!("{}: {error:#}", harmless(name)));
                ended = Ended::WithFailures;
            }
        }
    }
    opened.close(true).await;
    Ok(ended)
}

/// Broken off anywhere, it is asked for again, and goes on: the uploads first, since the record of a file that is gone
/// does not name its upload any more.
async fn remove(opened: &Opened, name: &str, arguments: &Arguments) -> anyhow::Result<String> {
    let found = show::find(&opened.catalogue, name).await?;
    let Some(item) = found.filter(PhotoItem::has_live_parts) else {
        bail!("there is no such photo in the catalogue");
    };
    let live: Vec<&PhotoPart> = item.parts.values().filter(|part| !part.removed).collect();
    if !arguments.source && !arguments.for_good {
        for part in &live {
            if !is_uploaded(opened, part).await? {
                bail!(
                    "nothing is left to restore {} from; --for-good removes it all the same",
                    harmless(&part.key)
                );
            }
        }
    }
    if arguments.source {
        for source in live.iter().filter_map(|part| part.source.as_ref()) {
            delete(opened, &source.bucket, &source.key, &source.etag).await?;
        }
    }
    let archive = opened.ingest.layout().archive_bucket();
    for part in live {
        delete(opened, archive, &part.key, &part.etag).await?;
        opened.ingest.process_key(archive, &part.key).await?;
    }
    Ok(item.stem)
}

/// Whether the upload that a file was copied from still holds its bytes.
async fn is_uploaded(opened: &Opened, part: &PhotoPart) -> anyhow::Result<bool> {
    let Some(PartSource { bucket, key, etag }) = &part.source else {
        return Ok(false);
    };
    let upload = opened.storage.head(bucket, key).await?;
    Ok(upload.is_some_and(|upload| upload.etag == *etag))
}

/// Deletes an object that holds these bytes. Looked at first, since a store may ignore the condition.
async fn delete(opened: &Opened, bucket: &str, key: &str, etag: &str) -> anyhow::Result<()> {
    let Some(object) = opened.storage.head(bucket, key).await? else {
        return Ok(());
    };
    let deleted = if object.etag == etag {
        opened.storage.delete_if_match(bucket, key, etag).await?
    } else {
        DeleteOutcome::Changed
    };
    match deleted {
        DeleteOutcome::Done => Ok(()),
        DeleteOutcome::Changed => bail!(
            "s3://{bucket}/{} holds other bytes by now; it stays",
            harmless(key)
        ),
    }
}
