//! `photos restore`: files that were removed from the archive come back, from what they were uploaded as.

use std::collections::BTreeMap;

use clap::Args;

use super::show;
use crate::catalogue::batch::ScannedItem;
use crate::catalogue::item::LedgerEntry;
use crate::cli::Ended;
use crate::cli::library::{Library, Opened, Purpose};
use crate::cli::output::harmless;
use crate::cli::progress::tell;
use crate::ingest::Outcome;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Photos by their names in the archive (2018-02-01/foobar, with or without .jpg) or their ids.
    #[arg(value_name = "PHOTO", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    library: Library,
}

/// Restores each; the status is 1 where a file stays away. Scans the table once: only the ledger knows what a file that
/// is gone was uploaded as, and it has no index.
pub(in crate::cli) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let library = &arguments.library;
    anyhow::ensure!(
        library.exists(),
        "there is no catalogue in {}",
        library.data.display()
    );
    let opened = library.open(library.layout()?, Purpose::Change).await?;
    let ended = restore(&opened, &arguments.names).await;
    opened.close(true).await;
    ended
}

async fn restore(opened: &Opened, names: &[String]) -> anyhow::Result<Ended> {
    let mut ended = Ended::Well;
    // By archive key.
    let mut removed: BTreeMap<String, Option<LedgerEntry>> = BTreeMap::new();
    for name in names {
        let item = show::find(&opened.catalogue, name).await?;
        let parts = item.map(|item| item.parts).unwrap_or_default();
        let gone = parts.into_values().filter(|part| part.removed);
        let keys: Vec<String> = gone.map(|part| part.key).collect();
        if keys.is_empty() {
            tell(&format!(
                "no file of \"{}\" was removed, as far as the catalogue knows",
                harmless(name)
            ));
            ended = Ended::WithFailures;
        }
        removed.extend(keys.into_iter().map(|key| (key, None)));
    }
    let mut after = None;
    while !removed.is_empty() {
        let (page, next) = opened.catalogue.scan(after).await?;
        for found in page {
            let ScannedItem::Ledger(entry) = found else {
                continue;
            };
            let key = entry.archive_key.clone().unwrap_or_default();
            if let Some(upload) = removed.get_mut(&key) {
                // An edit under another key of the source may have led here too; the last one counts.
                let is_newer = upload
                    .as_ref()
                    .is_none_or(|other| other.version.last_modified < entry.version.last_modified);
                if is_newer {
                    *upload = Some(entry);
                }
            }
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    for (key, upload) in removed {
        match again(opened, upload).await? {
            Ok(copy) => tell(&format!("{}: restored", harmless(&copy))),
            Err(cause) => {
                tell(&format!("{}: {cause}", harmless(&key)));
                ended = Ended::WithFailures;
            }
        }
    }
    Ok(ended)
}

/// Forgets that these bytes were archived, and archives them. Broken off between the two, they are an upload like any
/// other, which its next event or `photos import` archives.
async fn again(
    opened: &Opened,
    upload: Option<LedgerEntry>,
) -> anyhow::Result<Result<String, &'static str>> {
    let Some(LedgerEntry {
        bucket,
        key,
        version,
        ..
    }) = upload
    else {
        return Ok(Err("nothing says what it was uploaded as"));
    };
    let object = opened.storage.head(&bucket, &key).await?;
    if object.is_none_or(|object| object.etag != version.etag) {
        return Ok(Err("its upload is gone, or holds other bytes"));
    }
    opened.catalogue.forget(&bucket, &key, &version).await?;
    Ok(match opened.ingest.sync_key(&bucket, &key).await? {
        Outcome::Archived(copy) | Outcome::Undated(copy) => Ok(copy.as_str().to_owned()),
        Outcome::Outside => Err("its upload is under another prefix than --source-prefix"),
        _ => Err("its upload changed meanwhile"),
    })
}
