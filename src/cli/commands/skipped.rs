//! `photos skipped` lists the uploads and archived files that are not photos, or the photos without
//! pictures.

use std::io::Write;

use clap::Args;
use futures::{Stream, TryStreamExt};
use serde::Serialize;

use crate::catalogue::item::{LedgerEntry, LedgerOutcome};
use crate::cli::CommandStatus;
use crate::cli::output::{escape_control, json_line, stdout, table, write_table};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::object::{Bucket, ObjectVersion, Prefix};
use crate::pictures::{RenderOutcome, Renditions};
use crate::storage::StorageError;
use photo_metadata::EXTRACTOR_VERSION;

/// The arguments of `photos skipped`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SkippedArguments {
    /// Print one line of JSON for each file.
    #[arg(long)]
    json: bool,
    /// Print the photos whose pictures cannot be made instead, and the reasons.
    #[arg(long)]
    pictures: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// Runs the command: prints the files that ingest skipped because they are not photos, and the
/// reasons. These files stay in their bucket. Lists both buckets, because skips by name are not in
/// the ledger, and scans the table.
///
/// # Errors
/// Fails if the stores cannot be reached.
pub(in crate::cli) async fn run(arguments: SkippedArguments) -> anyhow::Result<CommandStatus> {
    let stores = &arguments.stores;
    let session = stores.open_existing(SessionPurpose::Read).await?;
    let written = match arguments.pictures {
        true => write_unrendered(&arguments, &session).await,
        false => write_skipped(&arguments, &session).await,
    };
    session.close(true).await;
    written.map(|()| CommandStatus::Success)
}

/// A line of the output of `--pictures --json`.
#[derive(Debug, Serialize)]
struct UnrenderedLine<'a> {
    stem: &'a str,
    part: &'a str,
    unrendered: &'a str,
}

/// Prints the photos whose pictures cannot be made, and the reasons. Scans the table.
async fn write_unrendered(arguments: &SkippedArguments, session: &Session) -> anyhow::Result<()> {
    let mut out = stdout();
    let mut rows = table(&["PHOTO", "FILE", "WHY"]);
    let mut items = std::pin::pin!(session.catalogue.scan_unrendered());
    while let Some(item) = items.try_next().await? {
        let Some(Renditions {
            part,
            outcome: RenderOutcome::Unrendered(reason),
            ..
        }) = item.renditions.as_deref()
        else {
            continue;
        };
        if arguments.json {
            let line = UnrenderedLine {
                stem: &item.stem,
                part,
                unrendered: reason,
            };
            json_line(&mut out, &line)?;
        } else {
            rows.add_row([&item.stem, part, reason].map(|text| escape_control(text).to_string()));
        }
    }
    if !arguments.json && !rows.is_empty() {
        write_table(&mut out, &mut rows)?;
    }
    out.flush()?;
    Ok(())
}

async fn write_skipped(arguments: &SkippedArguments, session: &Session) -> anyhow::Result<()> {
    let mut out = stdout();
    let mut rows = table(&["KEY", "WHY"]);
    let mut write = |entry: &LedgerEntry| -> anyhow::Result<()> {
        if arguments.json {
            return json_line(&mut out, entry).map_err(Into::into);
        }
        rows.add_row([
            escape_control(&entry.object.to_string()),
            escape_control(entry.reason.as_deref().unwrap_or_default()),
        ]);
        Ok(())
    };
    let ingest = &session.ingest;
    let layout = ingest.layout();
    let mut entries = std::pin::pin!(session.catalogue.scan_skipped_entries());
    while let Some(entry) = entries.try_next().await? {
        // An older version may have recorded a file that is now skipped by its name.
        let names = ingest.skipped_names();
        if names.reason_for_object(layout, &entry.object).is_none() {
            write(&entry)?;
        }
    }
    for (bucket, prefix) in [
        (layout.source_bucket(), layout.source_prefix()),
        (layout.archive_bucket(), layout.archive_prefix()),
    ] {
        let mut entries = std::pin::pin!(skipped_names_of(session, bucket, prefix));
        while let Some(entry) = entries.try_next().await? {
            write(&entry)?;
        }
    }
    if !arguments.json && !rows.is_empty() {
        write_table(&mut out, &mut rows)?;
    }
    out.flush()?;
    Ok(())
}

/// Returns the objects under a prefix whose names are never a photo's, in the form of the ledger
/// entries of other skips. Lists the bucket, and reads no object.
fn skipped_names_of<'a>(
    session: &'a Session,
    bucket: &'a Bucket,
    prefix: &Prefix,
) -> impl Stream<Item = Result<LedgerEntry, StorageError>> + 'a {
    let ingest = &session.ingest;
    let objects = session.storage.list_objects(bucket, prefix.as_str());
    objects.try_filter_map(move |listed| {
        let object = bucket.object(&listed.key);
        let reason = ingest
            .skipped_names()
            .reason_for_object(ingest.layout(), &object);
        let entry = reason.map(|reason| LedgerEntry {
            pk: LedgerEntry::pk(&object),
            object,
            version: ObjectVersion::new(&listed.etag, listed.last_modified),
            outcome: LedgerOutcome::Skipped,
            reason: Some(reason),
            archive_key: None,
            content: None,
            extractor_version: EXTRACTOR_VERSION,
        });
        std::future::ready(Ok(entry))
    })
}
