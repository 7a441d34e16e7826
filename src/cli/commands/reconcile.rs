//! `photos reconcile`: what does not fit between archive, source, items and ledger, and mending it.

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
use crate::cli::listing::list_pages;
use crate::cli::output::{escape_control, json_line, stdout};
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::ingest::reconcile::{FaultKind, ReconcileFault, Reconciliation};
use crate::ingest::survey::ListedObject;
use crate::ingest::{self, IngestError};
use crate::photo_id::PhotoId;
use crate::publish;

/// Faults that are mended at a time.
const MENDS: usize = 8;
/// How often what was mended is looked through again: what was in a fault's way may have been another.
const ROUNDS: usize = 3;

#[derive(Debug, Args)]
pub(in crate::cli) struct ReconcileArguments {
    /// Mend what is found.
    #[arg(long)]
    fix: bool,
    /// Leave out files that came in the last so many seconds: ingest may be at work on them. Not asked of a data folder
    /// that nobody serves.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    settle: u32,
    /// JSON lines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// A fault, and what became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(flatten)]
    fault: &'a ReconcileFault,
    #[serde(skip_serializing_if = "Option::is_none")]
    mended: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Tells what does not fit; the status is 1 where something is left.
pub(in crate::cli) async fn run(arguments: ReconcileArguments) -> anyhow::Result<CommandStatus> {
    let stores = &arguments.stores;
    let purpose = if arguments.fix {
        SessionPurpose::Write
    } else {
        SessionPurpose::Read
    };
    let layout = stores.layout()?;
    let session = stores.open_existing(purpose).await?;
    let ended = reconcile(&arguments, &session, &layout).await;
    session.close(true).await;
    ended
}

async fn reconcile(
    arguments: &ReconcileArguments,
    session: &Session,
    layout: &Layout,
) -> anyhow::Result<CommandStatus> {
    let settle = if session.is_at_rest() {
        Duration::ZERO
    } else {
        Duration::from_secs(arguments.settle.into())
    };
    let mut faults = find(session, layout, settle).await?;
    let mut out = stdout();
    let mut failed = 0;
    if !arguments.fix {
        for fault in &faults {
            write(arguments, &mut out, fault, None)?;
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
                .map(|fault| async move { (fault, mend(session, fault).await) })
                .buffered(MENDS);
            while let Some((fault, mended)) = mended.next().await {
                failed += u64::from(mended.is_err());
                write(arguments, &mut out, fault, Some(mended))?;
            }
        }
        // What was mended has changed the photos of months, and nobody may be there to read the stream.
        for month in miscounted(session).await? {
            session.published.mark_dirty(&month, Utc::now()).await?;
        }
        if failed > 0 {
            break;
        }
        left = find(session, layout, settle).await?;
        failed = left.len() as u64;
        faults.extend(left.iter().cloned());
    }
    out.flush()?;
    eprint_message(&summary(&faults, arguments.fix, failed));
    let is_well = faults.is_empty() || (arguments.fix && failed == 0);
    Ok(if is_well {
        CommandStatus::Success
    } else {
        CommandStatus::PartialFailure
    })
}

/// Scans the table, then lists both buckets, then compares the counts.
async fn find(
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
    let years = session.catalogue.date_partitions().await?;
    let mut books = Reconciliation::new(layout, settled, years);
    let bar = progress::bar(0, "Reading the catalogue: {human_pos}");
    let mut after = None;
    loop {
        let (page, next) = session.catalogue.scan(after).await?;
        bar.inc(page.len() as u64);
        for found in page {
            match found {
                ScannedItem::Photo(item) => books.add_photo(item),
                ScannedItem::Ledger(entry) => books.add_ledger_entry(entry),
            }
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    drop(bar);
    let source = list(session, layout.source_bucket(), layout.source_prefix()).await?;
    let archive = list(session, layout.archive_bucket(), layout.archive_prefix()).await?;
    let mut faults = books.into_faults(&source, &archive);
    let months = miscounted(session).await?;
    faults.extend(months.into_iter().map(|month| ReconcileFault {
        kind: FaultKind::Miscounted,
        subject: month,
        bucket: None,
    }));
    Ok(faults)
}

/// Months whose counts are off and that are not to be counted anew already.
async fn miscounted(session: &Session) -> anyhow::Result<Vec<String>> {
    let off = publish::find_miscounted_months(
        &session.catalogue,
        &session.published,
        session.privacy.clone(),
    );
    let mut off = off.await?;
    let marks = session.published.dirty_months().await?;
    off.retain(|month| !marks.iter().any(|mark| mark.month == *month));
    Ok(off)
}

async fn list(session: &Session, bucket: &str, prefix: &str) -> anyhow::Result<Vec<ListedObject>> {
    let bar = progress::bar(0, "Listing {human_pos}");
    let pages = list_pages(session.storage.clone(), bucket, prefix);
    let mut pages = std::pin::pin!(pages);
    let mut seen = Vec::new();
    while let Some(page) = pages.try_next().await? {
        bar.inc(page.len() as u64);
        seen.extend(page.into_iter().map(ListedObject::from));
    }
    Ok(seen)
}

/// Safe to repeat, and safe where ingest is at work: every step is one of its own, or bound to what was read.
async fn mend(session: &Session, fault: &ReconcileFault) -> anyhow::Result<()> {
    let Session {
        ingest,
        catalogue,
        published,
        ..
    } = session;
    let of = fault.subject.as_str();
    let bucket = fault.bucket.as_deref().unwrap_or_default();
    match fault.kind {
        FaultKind::Unarchived | FaultKind::Superseded => {
            ingest.sync_key(bucket, of).await?;
        }
        FaultKind::Uncopied | FaultKind::Orphaned => {
            if let Some(entry) = catalogue.ledger(bucket, of).await? {
                catalogue.forget(bucket, of, &entry.version).await?;
            }
            ingest.sync_key(bucket, of).await?;
        }
        FaultKind::Unindexed | FaultKind::Outdated | FaultKind::Missing => {
            ingest.process_key(bucket, of).await?;
        }
        FaultKind::Unlisted => {
            let id = PhotoId::from_stem(of);
            ingest::update_overrides(catalogue, &session.privacy, &id, |_| {}).await?;
        }
        FaultKind::UnknownYear => catalogue
            .ensure_date_partition(of)
            .await
            .map_err(IngestError::from)?,
        FaultKind::Stub => {
            ingest.tombstone_stub(of).await?;
        }
        FaultKind::Miscounted => published
            .mark_dirty(of, Utc::now())
            .await
            .context("cannot mark")?,
    }
    Ok(())
}

fn write(
    arguments: &ReconcileArguments,
    out: &mut impl Write,
    fault: &ReconcileFault,
    mended: Option<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let error = match &mended {
        Some(Err(error)) => Some(format!("{error:#}")),
        _ => None,
    };
    if arguments.json {
        let mended = mended.map(|mended| mended.is_ok());
        json_line(
            out,
            &Told {
                fault,
                mended,
                error,
            },
        )?;
        return Ok(());
    }
    let kind = fault.kind;
    let ending = match (error, mended) {
        (Some(error), _) => format!("not mended: {}", escape_control(&error)),
        (None, Some(_)) => "mended".to_owned(),
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

fn summary(faults: &[ReconcileFault], fix: bool, failed: u64) -> String {
    if faults.is_empty() {
        return "Everything fits.".to_owned();
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
        (true, 0) => "all mended".to_owned(),
        (true, failed) => format!("{failed} not mended"),
    };
    format!("{} faults, {ending}: {}.", faults.len(), kinds.join(", "))
}
