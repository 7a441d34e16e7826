//! `photos reconcile` compares the archive, the source, the items, the ledger and the counts. It
//! reports or repairs the differences, which are called faults.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::archive::Layout;
use crate::catalogue::batch::ScannedItem;
use crate::cli::CommandStatus;
use crate::cli::output::{escape_control, json_line, stdout};
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::cli::unfinished_work::{UnfinishedWork, find_unfinished_work, unfinished_summary};
use crate::ingest::reconcile::{FaultKind, ReconcileFault, Reconciliation};
use crate::ingest::survey::ListedObject;
use crate::ingest::{self, IngestError};
use crate::object::{Bucket, Prefix};
use crate::photo_id::PhotoId;
use crate::pictures::PICTURE_FOLDER;
use crate::publish;
use crate::render::{PictureComparison, PictureFault};
use crate::telemetry::error_chain;

/// The maximum number of faults that are repaired at the same time.
const REPAIRS: usize = 8;
/// The maximum number of rounds of repair. Each round repairs the known faults and then compares
/// everything again, because a repair may reveal another fault.
const ROUNDS: usize = 3;

/// The arguments of `photos reconcile`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReconcileArguments {
    /// Repair the faults.
    #[arg(long)]
    fix: bool,
    /// Leave out files that arrived in the last seconds, because ingest may be working on them. Has
    /// no effect on a data folder that no process serves.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    settle: u32,
    /// Print one line of JSON for each fault.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// One line of the output of `--json`: a fault, and the result of its repair.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultLine<'a> {
    #[serde(flatten)]
    fault: &'a ReconcileFault,
    #[serde(skip_serializing_if = "Option::is_none")]
    mended: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs the command: reports the faults, which are the differences between archive, source and
/// catalogue. With `--fix`, also repairs them. Also reports unfinished uploads, and changes that
/// ingest could not process. A repeat is safe. The exit status is 1 if faults or unfinished work are
/// left.
pub(in crate::cli) async fn run(arguments: ReconcileArguments) -> anyhow::Result<CommandStatus> {
    let stores = &arguments.stores;
    let purpose = if arguments.fix {
        SessionPurpose::Write
    } else {
        SessionPurpose::Read
    };
    let layout = stores.layout()?;
    let session = stores.open_existing(purpose).await?;
    let result = reconcile_stores(&arguments, &session, &layout).await;
    session.close(true).await;
    result
}

/// Finds the faults and prints one line for each, and then a summary. With `--fix`, repairs the
/// faults.
async fn reconcile_stores(
    arguments: &ReconcileArguments,
    session: &Session,
    layout: &Layout,
) -> anyhow::Result<CommandStatus> {
    let settle = if session.is_at_rest() {
        Duration::ZERO
    } else {
        Duration::from_secs(arguments.settle.into())
    };
    let mut faults = find_faults(session, layout, settle).await?;
    let mut out = stdout();
    let mut failed = 0;
    if !arguments.fix {
        for fault in &faults {
            write_fault(arguments, &mut out, fault, None)?;
        }
    }
    let mut left = if arguments.fix {
        faults.clone()
    } else {
        vec![]
    };
    for _ in 0..ROUNDS {
        if left.is_empty() {
            break;
        }
        failed = 0;
        for kind in FaultKind::ALL {
            let of_kind = left.iter().filter(|fault| fault.kind == kind);
            let mut mended = stream::iter(of_kind)
                .map(|fault| async move { (fault, repair_fault(session, fault).await) })
                .buffered(REPAIRS);
            while let Some((fault, mended)) = mended.next().await {
                failed += u64::from(mended.is_err());
                write_fault(arguments, &mut out, fault, Some(mended))?;
            }
        }
        // Repairs change the photos of months. Perhaps no process reads the table's stream, so the
        // months are marked here.
        for month in find_unmarked_miscounts(session).await? {
            session.published.mark_dirty(&month, Utc::now()).await?;
        }
        if failed > 0 {
            break;
        }
        left = find_faults(session, layout, settle).await?;
        failed = left.len() as u64;
        faults.extend(left.iter().cloned());
    }
    let work = find_unfinished_work(session, layout).await?;
    write_unfinished_work(arguments, &mut out, session, &work)?;
    out.flush()?;
    let unfinished = unfinished_summary(&work);
    if let Some(message) = summary_text(&faults, arguments.fix, failed, unfinished.is_some()) {
        eprint_message(&message);
    }
    if let Some(unfinished) = &unfinished {
        eprint_message(&format!("Unfinished: {unfinished}."));
    }
    let no_faults = faults.is_empty() || (arguments.fix && failed == 0);
    Ok(if no_faults && unfinished.is_none() {
        CommandStatus::Success
    } else {
        CommandStatus::PartialFailure
    })
}

/// Returns all faults. Scans the table, then lists both buckets, and then compares the counts.
/// Leaves out files that are younger than `settle`, because ingest may be working on them.
async fn find_faults(
    session: &Session,
    layout: &Layout,
    settle: Duration,
) -> anyhow::Result<Vec<ReconcileFault>> {
    let settled = Utc::now() - TimeDelta::from_std(settle)?;
    let settled = if settle.is_zero() {
        chrono::DateTime::<Utc>::MAX_UTC
    } else {
        settled
    };
    let mut pictures = list_pictures(session).await?;
    let now = Utc::now();
    let partitions = session.catalogue.date_partitions().await?;
    let names = session.ingest.skipped_names();
    let mut books = Reconciliation::new(layout, names, settled, partitions);
    let bar = progress::bar(0, "Reading the catalogue: {human_pos}");
    let mut items = std::pin::pin!(session.catalogue.scan_items());
    while let Some(found) = items.try_next().await? {
        bar.inc(1);
        match found {
            ScannedItem::Photo(item) => {
                pictures.add_photo(&item, now);
                books.add_photo(item);
            }
            ScannedItem::Ledger(entry) => books.add_ledger_entry(entry),
        }
    }
    drop(bar);
    let source = list_objects(session, layout.source_bucket(), layout.source_prefix()).await?;
    let archive = list_objects(session, layout.archive_bucket(), layout.archive_prefix()).await?;
    let mut faults = books.into_faults(&source, &archive);
    let found = pictures.into_faults(settled).into_iter();
    faults.extend(found.map(|fault| picture_fault(fault, session)));
    let months = find_unmarked_miscounts(session).await?;
    faults.extend(months.into_iter().map(|month| ReconcileFault {
        kind: FaultKind::Miscounted,
        subject: month,
        bucket: None,
    }));
    Ok(faults)
}

/// Lists the stored pictures. If the gallery bucket does not exist, there are none.
async fn list_pictures(session: &Session) -> anyhow::Result<PictureComparison> {
    let mut pictures = PictureComparison::default();
    let (bucket, prefix) = session.gallery()?;
    let bar = progress::bar(0, "Listing {human_pos} pictures");
    let folder = format!("{prefix}{PICTURE_FOLDER}");
    let mut listed = std::pin::pin!(session.storage.list_objects(&bucket, &folder));
    loop {
        match listed.try_next().await {
            Ok(Some(entry)) => {
                bar.inc(1);
                let path = entry.key.strip_prefix(prefix).unwrap_or_default();
                pictures.add_stored(path, Some(entry.last_modified));
            }
            Ok(None) => return Ok(pictures),
            Err(error) if error.is_not_found() => return Ok(pictures),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns a difference between pictures and items as a fault. The subject of unnamed pictures is their
/// token.
fn picture_fault(fault: PictureFault, session: &Session) -> ReconcileFault {
    let (kind, subject, bucket) = match fault {
        PictureFault::Missing(stem) => (FaultKind::Unpictured, stem, None),
        PictureFault::Unwanted(stem) => (FaultKind::UnwantedPictures, stem, None),
        PictureFault::Unnamed(token) => {
            let bucket = session.gallery().ok().map(|(bucket, _)| bucket.to_string());
            (FaultKind::StrayPictures, token, bucket)
        }
    };
    ReconcileFault {
        kind,
        subject,
        bucket,
    }
}

/// Returns the months whose published counts are wrong. Leaves out the dirty months, because
/// publish rebuilds them in any case.
async fn find_unmarked_miscounts(session: &Session) -> anyhow::Result<Vec<String>> {
    let months = publish::find_miscounted_months(
        &session.catalogue,
        &session.published,
        session.rules.privacy.clone(),
        Utc::now(),
    );
    let mut months = months.await?;
    let dirty_months = session.published.dirty_months().await?;
    months.retain(|month| !dirty_months.iter().any(|dirty| dirty.month == *month));
    Ok(months)
}

/// Returns all objects of a bucket under a prefix. Shows a progress bar.
async fn list_objects(
    session: &Session,
    bucket: &Bucket,
    prefix: &Prefix,
) -> anyhow::Result<Vec<ListedObject>> {
    let bar = progress::bar(0, "Listing {human_pos}");
    let objects = session.storage.list_objects(bucket, prefix.as_str());
    let seen = objects.map_ok(|listed| {
        bar.inc(1);
        ListedObject::from(listed)
    });
    Ok(seen.try_collect().await?)
}

/// Repairs one fault. A repeat is safe. Ingest may run at the same time: the steps of a repair are
/// steps that ingest or publish does too, or conditional writes. The store refuses a conditional
/// write if the data has changed since it was read.
async fn repair_fault(session: &Session, fault: &ReconcileFault) -> anyhow::Result<()> {
    let Session {
        ingest,
        catalogue,
        published,
        ..
    } = session;
    let of = fault.subject.as_str();
    let bucket = fault.bucket.as_deref().unwrap_or_default();
    match fault.kind {
        FaultKind::Unarchived | FaultKind::Superseded | FaultKind::Uncopied => {
            ingest.sync_object(&Bucket::new(bucket)?.object(of)).await?;
        }
        FaultKind::Orphaned => {
            let object = Bucket::new(bucket)?.object(of);
            if let Some(entry) = catalogue.ledger_entry(&object).await? {
                catalogue
                    .delete_ledger_entry(&object, &entry.version)
                    .await?;
            }
            ingest.sync_object(&object).await?;
        }
        FaultKind::Unindexed
        | FaultKind::Outdated
        | FaultKind::SkippedName
        | FaultKind::Missing => {
            ingest
                .process_object(&Bucket::new(bucket)?.object(of))
                .await?;
        }
        FaultKind::Unlisted => {
            let id = PhotoId::from_stem(of);
            ingest::rederive_item(catalogue, &session.rules, Utc::now(), &id).await?;
        }
        FaultKind::UnregisteredPartition => catalogue
            .ensure_date_partition(of.parse()?)
            .await
            .map_err(IngestError::from)?,
        FaultKind::Stub => {
            ingest.tombstone_stub(of).await?;
        }
        FaultKind::Unpictured => {
            let fault = PictureFault::Missing(of.to_owned());
            session.render().await?.repair(&fault).await?;
        }
        FaultKind::UnwantedPictures => {
            let fault = PictureFault::Unwanted(of.to_owned());
            session.render().await?.repair(&fault).await?;
        }
        FaultKind::StrayPictures => {
            let fault = PictureFault::Unnamed(of.to_owned());
            session.render().await?.repair(&fault).await?;
        }
        FaultKind::Miscounted => published
            .mark_dirty(of, Utc::now())
            .await
            .context("cannot mark the month as dirty")?,
    }
    Ok(())
}

/// Writes one line for a fault. `mended` is the result of its repair, or `None` if no repair was
/// tried.
fn write_fault(
    arguments: &ReconcileArguments,
    out: &mut impl Write,
    fault: &ReconcileFault,
    mended: Option<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let error = match &mended {
        Some(Err(error)) => Some(error_chain(error.as_ref())),
        _ => None,
    };
    if arguments.json {
        let mended = mended.map(|mended| mended.is_ok());
        json_line(
            out,
            &FaultLine {
                fault,
                mended,
                error,
            },
        )?;
        return Ok(());
    }
    let kind = fault.kind;
    let ending = match (error, mended) {
        (Some(error), _) => format!("not repaired: {}", escape_control(&error)),
        (None, Some(_)) => "repaired".to_owned(),
        (None, None) => format!("would {}", kind.remedy()),
    };
    writeln!(
        out,
        "{}: {}: {ending}",
        escape_control(&fault.subject),
        kind.description()
    )?;
    Ok(())
}

/// Writes one line for each piece of unfinished work. A failed listing is a message, not a result.
fn write_unfinished_work(
    arguments: &ReconcileArguments,
    out: &mut impl Write,
    session: &Session,
    work: &[UnfinishedWork],
) -> anyhow::Result<()> {
    for found in work {
        let text = found.text(session.is_in_data_folder());
        if matches!(found, UnfinishedWork::UploadsNotListed { .. }) {
            eprint_message(&text);
        } else if arguments.json {
            json_line(out, found)?;
        } else {
            writeln!(out, "{text}")?;
        }
    }
    Ok(())
}

/// Returns the summary of the faults. It contains the number of faults of each kind, and whether
/// they are repaired. `failed` is the number of repairs that failed. Returns `None` if there are no
/// faults but some work is unfinished.
fn summary_text(
    faults: &[ReconcileFault],
    fix: bool,
    failed: u64,
    is_work_unfinished: bool,
) -> Option<String> {
    if faults.is_empty() {
        return (!is_work_unfinished).then(|| "Everything fits.".to_owned());
    }
    let mut kinds: BTreeMap<FaultKind, u64> = BTreeMap::new();
    for fault in faults {
        *kinds.entry(fault.kind).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} × {}", kind.description()))
        .collect();
    let ending = match (fix, failed) {
        (false, _) => "`photos reconcile --fix` mends it".to_owned(),
        (true, 0) => "all repaired".to_owned(),
        (true, failed) => format!("{failed} not repaired"),
    };
    let count = faults.len();
    Some(format!("{count} faults, {ending}: {}.", kinds.join(", ")))
}
