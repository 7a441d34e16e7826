//! `photos reconcile`: what does not fit between archive, source, items and ledger, and mending it.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::import::pages;
use crate::archive::Layout;
use crate::catalogue::batch::ScannedItem;
use crate::cli::Ended;
use crate::cli::library::{Library, Opened, Purpose};
use crate::cli::output::{harmless, json_line, stdout};
use crate::cli::progress::{self, tell};
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
pub(in crate::cli) struct Arguments {
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
    library: Library,
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
pub(in crate::cli) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let library = &arguments.library;
    let purpose = if arguments.fix {
        Purpose::Change
    } else {
        Purpose::Look
    };
    anyhow::ensure!(
        library.exists(),
        "there is no catalogue in {}",
        library.data.display()
    );
    let layout = library.layout()?;
    let opened = library.open(layout.clone(), purpose).await?;
    let ended = reconcile(&arguments, &opened, &layout).await;
    opened.close(true).await;
    ended
}

async fn reconcile(
    arguments: &Arguments,
    opened: &Opened,
    layout: &Layout,
) -> anyhow::Result<Ended> {
    let settle = if opened.is_at_rest() {
        Duration::ZERO
    } else {
        Duration::from_secs(arguments.settle.into())
    };
    let mut faults = find(opened, layout, settle).await?;
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
                .map(|fault| async move { (fault, mend(opened, fault).await) })
                .buffered(MENDS);
            while let Some((fault, mended)) = mended.next().await {
                failed += u64::from(mended.is_err());
                write(arguments, &mut out, fault, Some(mended))?;
            }
        }
        // What was mended has changed the photos of months, and nobody may be there to read the stream.
        for month in miscounted(opened).await? {
            opened.published.mark_dirty(&month, Utc::now()).await?;
        }
        if failed > 0 {
            break;
        }
        left = find(opened, layout, settle).await?;
        failed = left.len() as u64;
        faults.extend(left.iter().cloned());
    }
    out.flush()?;
    tell(&summary(&faults, arguments.fix, failed));
    let is_well = faults.is_empty() || (arguments.fix && failed == 0);
    Ok(if is_well {
        Ended::Well
    } else {
        Ended::WithFailures
    })
}

/// Scans the table, then lists both buckets, then compares the counts.
async fn find(
    opened: &Opened,
    layout: &Layout,
    settle: Duration,
) -> anyhow::Result<Vec<ReconcileFault>> {
    let settled = Utc::now() - TimeDelta::from_std(settle)?;
    let settled = if settle.is_zero() {
        chrono::DateTime::<Utc>::MAX_UTC
    } else {
        settled
    };
    let years = opened.catalogue.date_partitions().await?;
    let mut books = Reconciliation::new(layout, settled, years);
    let bar = progress::bar(0, "Reading the catalogue: {human_pos}");
    let mut after = None;
    loop {
        let (page, next) = opened.catalogue.scan(after).await?;
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
    let source = list(opened, layout.source_bucket(), layout.source_prefix()).await?;
    let archive = list(opened, layout.archive_bucket(), layout.archive_prefix()).await?;
    let mut faults = books.into_faults(&source, &archive);
    let months = miscounted(opened).await?;
    faults.extend(months.into_iter().map(|month| ReconcileFault {
        kind: FaultKind::Miscounted,
        subject: month,
        bucket: None,
    }));
    Ok(faults)
}

/// Months whose counts are off and that are not to be counted anew already.
async fn miscounted(opened: &Opened) -> anyhow::Result<Vec<String>> {
    let off = publish::find_miscounted_months(
        &opened.catalogue,
        &opened.published,
        opened.privacy.clone(),
    );
    let mut off = off.await?;
    let marks = opened.published.dirty_months().await?;
    off.retain(|month| !marks.iter().any(|mark| mark.month == *month));
    Ok(off)
}

async fn list(opened: &Opened, bucket: &str, prefix: &str) -> anyhow::Result<Vec<ListedObject>> {
    let bar = progress::bar(0, "Listing {human_pos}");
    let pages = pages(opened.storage.clone(), bucket, prefix);
    let mut pages = std::pin::pin!(pages);
    let mut seen = Vec::new();
    while let Some(page) = pages.try_next().await? {
        bar.inc(page.len() as u64);
        seen.extend(page.into_iter().map(ListedObject::from));
    }
    Ok(seen)
}

/// Safe to repeat, and safe where ingest is at work: every step is one of its own, or bound to what was read.
async fn mend(opened: &Opened, fault: &ReconcileFault) -> anyhow::Result<()> {
    let Opened {
        ingest,
        catalogue,
        published,
        ..
    } = opened;
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
            ingest::update_overrides(catalogue, &opened.privacy, &id, |_| {}).await?;
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
    arguments: &Arguments,
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
        (Some(error), _) => format!("not mended: {}", harmless(&error)),
        (None, Some(_)) => "mended".to_owned(),
        (None, None) => format!("would {}", kind.remedy()),
    };
    writeln!(
        out,
        "{}: {}: {ending}",
        harmless(&fault.subject),
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
