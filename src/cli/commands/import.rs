//! `photos import`: a folder or a bucket becomes a catalogue.
//!
//! Level-triggered, like everything else: what is there is listed, what the ledger and the catalogue know is left out, and
//! the rest goes through ingest. Killed anywhere, it is begun again and goes on where it was.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{TimeDelta, Utc};
use clap::Args;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::extract;
use crate::archive::Layout;
use crate::catalogue::published::PublishTable;
use crate::cli::CommandStatus;
use crate::cli::listing::list_pages;
use crate::cli::output::{escape_control, json_line, stdout};
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::cli::shutdown::shutdown_signal;
use crate::cli::sweep::{Candidate, Done, Sweep};
use crate::cli::upload::{self, Upload};
use crate::ingest::survey::{ExpectedOutcome, IngestStatus, ListedObject};
use crate::publish;
use crate::storage::{Storage, StorageError};
use photo_metadata::ExtractError;

/// Objects whose metadata are read at a time in a dry run.
const READS: usize = 16;
/// Most failures that are told one by one.
const TOLD: u64 = 20;
/// How long the build hook is held back from the last sign of life on.
const HOLD: TimeDelta = TimeDelta::minutes(3);
/// How often there is one.
const HOLD_AGAIN: Duration = Duration::from_secs(60);
/// How long it is held back after the end: by then the last month is published, and all of it is one call.
const HOLD_AFTER: TimeDelta = TimeDelta::minutes(2);

/// Requests that photos take, by the protocol (docs/ingest-protocol.md, "What a photo costs").
mod costs {
    /// S3 and DynamoDB, of a new photo in the source.
    pub(in crate::cli) const NEW: (u64, u64) = (5, 5);
    /// Of one that is indexed where it lies.
    pub(in crate::cli) const IN_PLACE: (u64, u64) = (2, 2);
    /// Of what turns out to be no photo.
    pub(in crate::cli) const NOT_A_PHOTO: (u64, u64) = (1, 2);
    /// Keys of one page of a listing.
    pub(in crate::cli) const PAGE: u64 = 1000;
    /// Keys that two requests to the table survey.
    pub(in crate::cli) const SURVEY: u64 = 100;
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArguments {
    /// A folder, whose files are uploaded first, or s3://BUCKET/FOLDER. What lies in the archive is catalogued where it is.
    #[arg(value_name = "DIR|s3://BUCKET/FOLDER")]
    what: String,
    /// Say what there is to do, and change nothing. Reads the metadata of every new photo.
    #[arg(long)]
    dry_run: bool,
    /// Photos that are worked on at a time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Leave the work to the ingest that the bucket's notifications wake, and wait for it.
    #[arg(long)]
    wait: bool,
    /// The report as a line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// Keys to be made right, as they are found.
type Candidates = BoxStream<'static, Result<Candidate, StorageError>>;

/// What is imported.
enum What {
    /// Files, under keys of the source bucket.
    Files(Vec<Upload>),
    /// What a bucket holds under a prefix.
    Objects { prefix: String },
}

/// What is imported, from where, between which buckets.
struct Target {
    what: What,
    bucket: String,
    layout: Layout,
    in_place: bool,
    failures: u64,
}

/// What became of everything, or would.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Objects or files that were looked at.
    found: u64,
    /// In the catalogue by this run.
    new: u64,
    /// Of these, without a believable date.
    undated: u64,
    /// In the catalogue before.
    known: u64,
    /// No photos, by their bytes.
    skipped: u64,
    failed: u64,
    /// Of those that are new.
    bytes: u64,
    /// Of the files that were not in the source bucket yet.
    uploaded_bytes: u64,
    s3_requests: u64,
    dynamodb_requests: u64,
    seconds: f64,
    dry_run: bool,
    /// Whether it was stopped before it was through.
    stopped: bool,
}

/// Imports, or says what that would be.
pub(in crate::cli) async fn run(arguments: ImportArguments) -> anyhow::Result<CommandStatus> {
    let start = Instant::now();
    let target = target(&arguments)?;
    let mut report = Report {
        failed: target.failures,
        dry_run: arguments.dry_run,
        ..Report::default()
    };
    if arguments.dry_run && !arguments.stores.exists() {
        let What::Files(uploads) = target.what else {
            bail!(
                "there is no data folder {}",
                arguments.stores.data_dir().display()
            );
        };
        for upload in uploads {
            report.uploaded_bytes += upload.size_bytes;
            count_file(&mut report, &upload);
        }
        report.estimate(false, true);
        return finish(&arguments, report, start);
    }
    let purpose = if arguments.dry_run {
        SessionPurpose::Read
    } else {
        SessionPurpose::Ingest
    };
    let session = arguments.stores.open(target.layout.clone(), purpose);
    let session = session.await?;
    let shutdown = shutdown_signal("Finishing what is under way; a second Ctrl-C stops at once.")?;
    let in_place = target.in_place;
    let worked = if arguments.dry_run {
        look(&session, target, &mut report).await
    } else {
        work(&arguments, &session, target, &mut report, &shutdown).await
    };
    if arguments.dry_run {
        report.estimate(in_place, session.is_at_rest());
    } else {
        (report.s3_requests, report.dynamodb_requests) = session.requests();
    }
    session.close(report.stopped || worked.is_err()).await;
    worked?;
    finish(&arguments, report, start)
}

async fn work(
    arguments: &ImportArguments,
    session: &Session,
    target: Target,
    report: &mut Report,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    session.published.hold_hook(Utc::now() + HOLD).await?;
    let hold = tokio::spawn(hold(session.published.clone()));
    let own = arguments.stores.layout()?;
    // What is imported from another bucket wakes nobody.
    let wait = (session.has_background_ingest || arguments.wait) && target.layout == own;
    let wait = wait.then(|| session.backlog());
    let jobs = usize::from(arguments.jobs);
    let sweep = Sweep::new(session, &target.bucket, jobs, wait);
    let in_place = target.in_place;
    let (candidates, total, upload_bytes) = candidates(&session.storage, target).await?;
    report.uploaded_bytes = upload_bytes;
    let bar = progress::bar(
        total,
        "Importing {bar:30} {human_pos}/{human_len}, {rate}, {eta} left",
    );
    let swept = sweep
        .run(candidates, shutdown, |key, bytes, done| {
            bar.inc(1);
            let done = match done {
                // The notification of a file that was found in the archive was quicker than the survey.
                Done::Known { undated } if in_place && session.indexed.remove(key) => {
                    Done::New { undated }
                }
                done => done,
            };
            report.add(key, bytes, done);
        })
        .await;
    drop(bar);
    report.stopped = shutdown.is_cancelled() && report.found < total;
    hold.abort();
    session.published.hold_hook(Utc::now() + HOLD_AFTER).await?;
    if session.is_at_rest() && report.new > 0 {
        // What the stream still holds is read by the next that serves or imports; `photos reconcile` is to know now.
        publish::mark_all_months(&session.catalogue, &session.published, Utc::now()).await?;
    }
    swept
}

/// Holds the build hook back until it is broken off, and a little longer.
async fn hold(published: PublishTable) {
    loop {
        tokio::time::sleep(HOLD_AGAIN).await;
        if let Err(error) = published.hold_hook(Utc::now() + HOLD).await {
            tracing::warn!(%error, "the build hook may be called before the import is through");
        }
    }
}

/// A dry run.
async fn look(session: &Session, target: Target, report: &mut Report) -> anyhow::Result<()> {
    let sweep = Sweep::new(session, &target.bucket, 1, None);
    let bucket = target.bucket.clone();
    let (candidates, total, upload_bytes) = candidates(&session.storage, target).await?;
    report.uploaded_bytes = upload_bytes;
    let bar = progress::bar(
        total,
        "Looking {bar:30} {human_pos}/{human_len}, {rate}, {eta} left",
    );
    let looked = sweep.survey(candidates).map_ok(|(candidate, standing)| {
        let bucket = &bucket;
        async move {
            let preview = match (&standing, &candidate.upload) {
                (IngestStatus::New, None) => Some(
                    session
                        .ingest
                        .predict_outcome(bucket, &candidate.key)
                        .await?,
                ),
                _ => None,
            };
            Ok((candidate, standing, preview))
        }
    });
    let mut looked = std::pin::pin!(looked.try_buffer_unordered(READS));
    while let Some((candidate, standing, preview)) = looked.try_next().await? {
        bar.inc(1);
        if let Some(upload) = &candidate.upload {
            count_file(report, upload);
            continue;
        }
        let done = match (standing, preview) {
            (IngestStatus::Known { undated }, _) => Done::Known { undated },
            (IngestStatus::Skipped, _) => Done::KnownNotAPhoto,
            (_, Some(ExpectedOutcome::Gone)) => Done::Gone,
            (_, Some(ExpectedOutcome::NotAPhoto(_))) => Done::NotAPhoto,
            (_, preview) => Done::New {
                undated: preview == Some(ExpectedOutcome::Undated),
            },
        };
        report.add(&candidate.key, candidate.bytes, done);
    }
    Ok(())
}

/// A file that is not uploaded yet, by its own bytes.
fn count_file(report: &mut Report, upload: &Upload) {
    let done = match extract::extract_file(&upload.path) {
        Err(ExtractError::Read(error)) => {
            Done::Failed(format!("{}: {error}", upload.path.display()))
        }
        Err(ExtractError::UnsupportedFormat(_)) => Done::NotAPhoto,
        Ok((_, extraction)) => Done::New {
            undated: extraction.photo.record.capture.local.is_none(),
        },
    };
    report.add(&upload.key, upload.size_bytes, done);
}

/// What there is, how many, and how many bytes are to be uploaded first.
async fn candidates(storage: &Storage, target: Target) -> anyhow::Result<(Candidates, u64, u64)> {
    match target.what {
        What::Files(uploads) => {
            let total = uploads.len() as u64;
            let mut there = if uploads.is_empty() {
                HashMap::new()
            } else {
                upload::listing(storage, &target.bucket, target.layout.source_prefix()).await?
            };
            let is_there = |upload: &Upload| {
                let listed = there.get(&upload.key);
                listed.is_some_and(|listed| upload.is_there(listed))
            };
            let missing = uploads.iter().filter(|upload| !is_there(upload));
            let bytes = missing.map(|upload| upload.size_bytes).sum();
            let candidates = uploads.into_iter().map(move |upload| {
                let listed = there.remove(&upload.key);
                let listed = listed.filter(|listed| upload.is_there(listed));
                Ok(Candidate {
                    key: upload.key.clone(),
                    bytes: upload.size_bytes,
                    upload: listed.is_none().then_some(upload),
                    seen: listed.map(ListedObject::from),
                })
            });
            Ok((stream::iter(candidates).boxed(), total, bytes))
        }
        What::Objects { prefix } => {
            // Counted first, so that the time left can be told; a page is a thousand.
            let bar = progress::bar(0, "Listing {human_pos}");
            let mut total = 0;
            let mut pages = std::pin::pin!(list_pages(storage.clone(), &target.bucket, &prefix));
            while let Some(page) = pages.try_next().await? {
                total += page.len() as u64;
                bar.set_position(total);
            }
            let objects = list_pages(storage.clone(), &target.bucket, &prefix);
            let objects = objects
                .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
                .try_flatten()
                .map_ok(|listed| Candidate {
                    key: listed.key.clone(),
                    bytes: listed.size_bytes,
                    upload: None,
                    seen: Some(ListedObject::from(listed)),
                });
            Ok((objects.boxed(), total, 0))
        }
    }
}

/// What was named.
fn target(arguments: &ImportArguments) -> anyhow::Result<Target> {
    let own = arguments.stores.layout()?;
    if let Some(place) = arguments.what.strip_prefix("s3://") {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        return objects(bucket, prefix, &own);
    }
    let path = PathBuf::from(&arguments.what);
    let full = path
        .canonicalize()
        .with_context(|| format!("cannot read {}", path.display()))?;
    if let Some(prefix) = inside(&full, arguments.stores.archive_folder().as_deref()) {
        return objects(
            own.archive_bucket(),
            &format!("{}{prefix}", own.archive_prefix()),
            &own,
        );
    }
    let data = arguments.stores.data_dir();
    let source = arguments
        .stores
        .archive_folder()
        .map(|_| data.join(own.source_bucket()));
    if let Some(prefix) = inside(&full, source.as_deref()) {
        return objects(own.source_bucket(), &prefix, &own);
    }
    let found = upload::find(&[path], own.source_prefix(), data);
    for failure in &found.failures {
        eprint_message(&escape_control(failure));
    }
    if found.left_out > 0 {
        eprint_message(&format!(
            "{} hidden files and links are left out.",
            found.left_out
        ));
    }
    Ok(Target {
        what: What::Files(found.uploads),
        bucket: own.source_bucket().to_owned(),
        layout: own,
        in_place: false,
        failures: found.failures.len() as u64,
    })
}

/// The objects of a bucket under a prefix, which is a folder.
fn objects(bucket: &str, prefix: &str, own: &Layout) -> anyhow::Result<Target> {
    let mut prefix = prefix.to_owned();
    if !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    let in_place = bucket == own.archive_bucket() && prefix.starts_with(own.archive_prefix());
    let is_source = bucket == own.source_bucket() && prefix.starts_with(own.source_prefix());
    let layout = if in_place || is_source {
        own.clone()
    } else {
        Layout::new(bucket, &prefix, own.archive_bucket(), own.archive_prefix())?
    };
    Ok(Target {
        what: What::Objects { prefix },
        bucket: bucket.to_owned(),
        layout,
        in_place,
        failures: 0,
    })
}

/// The key prefix of a folder inside another: empty, or ending in a slash.
fn inside(folder: &Path, of: Option<&Path>) -> Option<String> {
    let below = folder.strip_prefix(of?.canonicalize().ok()?).ok()?;
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    let parts = parts?;
    Some(parts.iter().map(|part| format!("{part}/")).collect())
}

impl Report {
    fn add(&mut self, key: &str, bytes: u64, done: Done) {
        self.found += 1;
        match done {
            Done::Known { .. } => self.known += 1,
            Done::New { undated } => {
                self.new += 1;
                self.undated += u64::from(undated);
                self.bytes += bytes;
            }
            Done::NotAPhoto | Done::KnownNotAPhoto => self.skipped += 1,
            // Removed while it went on: there is nothing to do.
            Done::Gone => self.found -= 1,
            Done::Failed(cause) => {
                self.failed += 1;
                match self.failed {
                    ..=TOLD => eprint_message(&format!(
                        "{}: {}",
                        escape_control(key),
                        escape_control(&cause)
                    )),
                    more if more == TOLD + 1 => {
                        eprint_message("more failed; they are counted below")
                    }
                    _ => {}
                }
            }
        }
    }

    /// What a run would take, by the protocol's own count. What the store of this process takes as a file is no request.
    fn estimate(&mut self, in_place: bool, is_taken: bool) {
        let (s3, dynamodb) = if in_place {
            costs::IN_PLACE
        } else {
            costs::NEW
        };
        let uploads = if self.uploaded_bytes > 0 && !is_taken {
            self.new + self.skipped
        } else {
            0
        };
        self.s3_requests = self.new * s3
            + self.skipped * costs::NOT_A_PHOTO.0
            + uploads
            + self.found.div_ceil(costs::PAGE) * 2;
        self.dynamodb_requests = self.new * dynamodb
            + self.skipped * costs::NOT_A_PHOTO.1
            + self.found.div_ceil(costs::SURVEY) * 2;
    }

    fn lines(&self) -> String {
        let mut parts = vec![format!("{} new", self.new)];
        if self.undated > 0 {
            parts.push(format!("{} of them undated", self.undated));
        }
        parts.push(format!("{} known", self.known));
        if self.skipped > 0 {
            parts.push(format!("{} not photos", self.skipped));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        let mut lines = format!("{} found: {}.\n", self.found, parts.join(", "));
        let requests = format!(
            "{} requests to S3 and {} to DynamoDB",
            self.s3_requests, self.dynamodb_requests
        );
        if self.dry_run {
            lines += &format!(
                "It would read or copy {} of photos ({} to upload), with about {requests}.",
                size(self.bytes),
                size(self.uploaded_bytes)
            );
            return lines;
        }
        let rate = if self.seconds > 0.0 {
            self.found as f64 / self.seconds
        } else {
            0.0
        };
        lines += &format!(
            "{} of photos in {:.0} s, {rate:.0} a second; {requests}.",
            size(self.bytes),
            self.seconds
        );
        if self.stopped {
            lines += "\nStopped; the same command goes on where it was.";
        }
        lines
    }
}

fn finish(
    arguments: &ImportArguments,
    mut report: Report,
    start: Instant,
) -> anyhow::Result<CommandStatus> {
    report.seconds = (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    if arguments.json {
        let mut out = stdout();
        json_line(&mut out, &report)?;
        out.flush()?;
    } else {
        eprint_message(&report.lines());
    }
    Ok(if report.failed > 0 || report.stopped {
        CommandStatus::PartialFailure
    } else {
        CommandStatus::Success
    })
}

/// `8.1 GB`.
fn size(bytes: u64) -> String {
    let units = ["bytes", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} bytes")
    } else {
        format!("{value:.1} {}", units.get(unit).unwrap_or(&""))
    }
}
