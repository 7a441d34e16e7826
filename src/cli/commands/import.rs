//! `photos import` archives and catalogues the photos of a folder or a bucket.
//!
//! It lists all files, leaves out those that the ledger and the catalogue record already, and
//! ingests the others. It may be stopped at any point. The next run then continues.

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
use crate::archive::{Layout, SidecarName};
use crate::catalogue::published::PublishTable;
use crate::cli::CommandStatus;
use crate::cli::output::{escape_control, json_line, stdout};
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::cli::shutdown::shutdown_signal;
use crate::cli::sweep::{Candidate, KeyResult, Sweep};
use crate::cli::upload::{self, SkipCounts, Upload};
use crate::identity::BytesRelation;
use crate::ingest::survey::{ExpectedOutcome, IngestStatus, ListedObject};
use crate::object::{Bucket, file_name};
use crate::publish;
use crate::storage::{Storage, StorageError};
use photo_metadata::ExtractError;

/// The maximum number of objects whose metadata is read at the same time in a dry run.
const MAX_READS: usize = 16;
/// The maximum number of failures that are printed one by one. Further failures are only counted.
const MAX_PRINTED_FAILURES: u64 = 20;
/// The duration of a hold: the build hook must not be called for this time after a renewal of the
/// hold. An import renews its hold until the import ends.
const HOLD: TimeDelta = publish::MAX_HOOK_HOLD;
/// The time between two renewals of the hold.
const HOLD_INTERVAL: Duration = Duration::from_secs(60);
/// The duration of the last hold, which begins at the end of an import. In this time, publish
/// rebuilds the last months of the import. So one call of the build hook covers the whole import.
const HOLD_AFTER: TimeDelta = TimeDelta::minutes(2);

/// The numbers from which a dry run estimates the requests of an import. docs/ingest-protocol.md
/// explains the numbers under "What a photo costs".
mod costs {
    /// The requests for each new photo in the source: the number of requests to S3, and the number
    /// of requests to DynamoDB.
    pub(in crate::cli) const NEW: (u64, u64) = (5, 5);
    /// The requests for each photo that is already in the archive: the number of requests to S3,
    /// and the number of requests to DynamoDB.
    pub(in crate::cli) const IN_PLACE: (u64, u64) = (2, 2);
    /// The requests for each sidecar in the source: the number of requests to S3, and the number of
    /// requests to DynamoDB.
    pub(in crate::cli) const SIDECAR: (u64, u64) = (6, 6);
    /// The requests for each object that is not a photo: the number of requests to S3, and the
    /// number of requests to DynamoDB.
    pub(in crate::cli) const NOT_A_PHOTO: (u64, u64) = (1, 2);
    /// The maximum number of keys in one response when a bucket is listed.
    pub(in crate::cli) const PAGE: u64 = 1000;
    /// The maximum number of objects that one survey looks up in the table. A survey finds out
    /// which objects are already ingested, with two requests to DynamoDB.
    pub(in crate::cli) const SURVEY: u64 = 100;
}

/// The arguments of `photos import`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArguments {
    /// A folder, whose files are uploaded first, or s3://BUCKET/FOLDER. Files in the archive are
    /// catalogued where they are.
    #[arg(value_name = "DIR|s3://BUCKET/FOLDER")]
    what: String,
    /// Change nothing. Print what an import would do. Reads the metadata of every new photo.
    #[arg(long)]
    dry_run: bool,
    /// Photos that are processed at a time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Leave the work to the ingest that the bucket's notifications start, and wait for it.
    #[arg(long)]
    wait: bool,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// A stream of the files and objects to import, in the order in which they are found.
type CandidateStream = BoxStream<'static, Result<Candidate, StorageError>>;

/// The files or objects to import.
enum ImportInput {
    /// Local files, each with the key that it gets in the source bucket. A file is uploaded if the
    /// bucket does not have it yet.
    Files(Vec<Upload>),
    /// The objects of a bucket whose keys begin with `prefix`.
    Objects { prefix: String },
}

/// The plan of an import: the input, and the buckets that are used.
struct ImportPlan {
    what: ImportInput,
    bucket: Bucket,
    /// The source bucket and prefix from which photos are copied, and the archive bucket and
    /// prefix.
    layout: Layout,
    /// `true` if the photos are already in the archive. They are then indexed and not copied.
    in_place: bool,
    /// The number of local files that could not be read.
    failures: u64,
}

/// The result of an import. In a dry run, the result that an import would have.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportReport {
    /// The number of files or objects that were processed. Objects that no longer exist do not
    /// count.
    found: u64,
    /// The number of files or objects that this run added to the catalogue.
    new: u64,
    /// The number of added files or objects whose photo has no credible date.
    undated: u64,
    /// The number of files or objects that replaced their photos as edits.
    edited: u64,
    /// The number of files or objects whose photos were in the catalogue already.
    known: u64,
    /// The number of sidecars: files that belong to a photo and describe it. They are in none of the
    /// other counts, apart from `found` and `failed`.
    #[serde(skip_serializing_if = "is_zero")]
    sidecars: u64,
    /// The number of objects that are not photos, by their bytes or by their names.
    skipped: u64,
    /// The reasons for the skips by name, with the number of objects for each.
    #[serde(skip_serializing_if = "SkipCounts::is_empty")]
    skipped_names: SkipCounts,
    /// The number of files or objects that could not be read or processed.
    failed: u64,
    /// The total size of the added files or objects, in bytes.
    bytes: u64,
    /// The total size of the local files that were not in the source bucket yet, in bytes.
    uploaded_bytes: u64,
    s3_requests: u64,
    dynamodb_requests: u64,
    seconds: f64,
    dry_run: bool,
    /// `true` if a signal stopped the import before its end.
    stopped: bool,
    /// The number of photos whose pictures are not made yet. `photos serve` makes them.
    #[serde(skip_serializing_if = "is_zero")]
    pictures_left: u64,
}

/// Runs the command: imports the photos. With `--dry-run`, prints what an import would do. A repeat
/// is safe. The exit status is 1 if a file failed or if the import was stopped.
pub(in crate::cli) async fn run(arguments: ImportArguments) -> anyhow::Result<CommandStatus> {
    let start = Instant::now();
    let target = plan_import(&arguments)?;
    let mut report = ImportReport {
        failed: target.failures,
        dry_run: arguments.dry_run,
        ..ImportReport::default()
    };
    if arguments.dry_run && !arguments.stores.exists() {
        let ImportInput::Files(uploads) = target.what else {
            bail!(
                "there is no data folder {}",
                arguments.stores.data_dir().display()
            );
        };
        for upload in uploads {
            report.uploaded_bytes += upload.size_bytes;
            count_local_file(&mut report, &upload);
        }
        report.estimate_requests(false, true);
        return print_report(&arguments, report, start);
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
    let result = if arguments.dry_run {
        preview_import(&session, target, &mut report).await
    } else {
        ingest_all(&arguments, &session, target, &mut report, &shutdown).await
    };
    if arguments.dry_run {
        report.estimate_requests(in_place, session.is_at_rest());
    } else {
        (report.s3_requests, report.dynamodb_requests) = session.requests();
    }
    if session.is_at_rest() && !arguments.dry_run && result.is_ok() {
        report.pictures_left = make_pictures(&session, &shutdown).await?;
    }
    session.close(report.stopped || result.is_err()).await;
    result?;
    print_report(&arguments, report, start)
}

/// Makes the pictures of the imported photos, if no `photos serve` does. Returns the number of photos
/// that are left if `shutdown` is cancelled.
async fn make_pictures(session: &Session, shutdown: &CancellationToken) -> anyhow::Result<u64> {
    let (bucket, _) = session.gallery()?;
    session.storage.create_bucket(&bucket).await?;
    let queue = session.picture_queue().await?;
    session.wait_for_stream().await;
    let left = queue.drain(shutdown).await?;
    // The months of the photos with new pictures are marked before the session ends.
    session.wait_for_stream().await;
    Ok(left)
}

/// Ingests the files or objects of the plan, and adds the results to `report`. Prevents calls of
/// the build hook until shortly after the end of the import. If `shutdown` is cancelled, finishes
/// the files that are in work and starts no others.
async fn ingest_all(
    arguments: &ImportArguments,
    session: &Session,
    target: ImportPlan,
    report: &mut ImportReport,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    session.published.hold_hook(Utc::now() + HOLD).await?;
    let hold = tokio::spawn(renew_hook_hold(session.published.clone()));
    let own = arguments.stores.layout()?;
    // The background ingest gets no notifications about objects of another bucket.
    let wait = (session.has_background_ingest || arguments.wait) && target.layout == own;
    let wait = wait.then(|| session.backlog());
    let jobs = usize::from(arguments.jobs);
    let sweep = Sweep::new(session, &target.bucket, jobs, wait);
    let in_place = target.in_place;
    let (candidates, total, upload_bytes) = list_candidates(&session.storage, target).await?;
    report.uploaded_bytes = upload_bytes;
    let bar = progress::bar(
        total,
        "Importing {bar:30} {human_pos}/{human_len}, {rate}, {eta} left",
    );
    let swept = sweep
        .run(candidates, shutdown, |key, bytes, done| {
            bar.inc(1);
            let done = match done {
                // The background ingest indexed this archived file before the survey.
                KeyResult::Known { undated } if in_place && session.indexed.remove(key) => {
                    KeyResult::New { undated }
                }
                done => done,
            };
            report.add_result(key, bytes, done);
        })
        .await;
    drop(bar);
    report.stopped = shutdown.is_cancelled() && report.found < total;
    hold.abort();
    session.published.hold_hook(Utc::now() + HOLD_AFTER).await?;
    if session.is_at_rest() && report.new > 0 {
        // The next `photos serve` or `photos import` reads the rest of the table's stream. Until
        // then, `photos reconcile` does not report wrong counts of these months, because they are
        // marked.
        publish::mark_all_months(&session.catalogue, &session.published, Utc::now()).await?;
    }
    swept
}

/// Renews the hold of the build hook every [`HOLD_INTERVAL`], until this task is aborted. The hook
/// may be called [`HOLD`] after the last renewal.
async fn renew_hook_hold(published: PublishTable) {
    loop {
        tokio::time::sleep(HOLD_INTERVAL).await;
        if let Err(error) = published.hold_hook(Utc::now() + HOLD).await {
            tracing::warn!(%error, "the build hook may be called before the end of the import");
        }
    }
}

/// Adds to `report` the results that an import would have. Changes nothing in the stores.
async fn preview_import(
    session: &Session,
    target: ImportPlan,
    report: &mut ImportReport,
) -> anyhow::Result<()> {
    let sweep = Sweep::new(session, &target.bucket, 1, None);
    let bucket = target.bucket.clone();
    let (candidates, total, upload_bytes) = list_candidates(&session.storage, target).await?;
    report.uploaded_bytes = upload_bytes;
    let bar = progress::bar(
        total,
        "Checking {bar:30} {human_pos}/{human_len}, {rate}, {eta} left",
    );
    let checked = sweep.survey(candidates).map_ok(|(candidate, status)| {
        let bucket = &bucket;
        async move {
            let preview = match (&status, &candidate.upload) {
                (IngestStatus::New | IngestStatus::Changed { .. }, None) => Some(
                    session
                        .ingest
                        .predict_outcome(&bucket.object(&candidate.key))
                        .await?,
                ),
                _ => None,
            };
            Ok((candidate, status, preview))
        }
    });
    let mut checked = std::pin::pin!(checked.try_buffer_unordered(MAX_READS));
    while let Some((candidate, status, preview)) = checked.try_next().await? {
        bar.inc(1);
        if let Some(upload) = &candidate.upload {
            match &candidate.replaced {
                Some(_) => report.add_result(&upload.key, upload.size_bytes, KeyResult::Edited),
                None => count_local_file(report, upload),
            }
            continue;
        }
        let done = match (status, preview) {
            (IngestStatus::Known { undated, .. } | IngestStatus::Duplicate { undated }, _) => {
                KeyResult::Known { undated }
            }
            (IngestStatus::Skipped, _) => KeyResult::KnownNotAPhoto,
            (IngestStatus::SkippedName(reason), _) => KeyResult::SkippedName(reason),
            (_, Some(ExpectedOutcome::Gone)) => KeyResult::Gone,
            (_, Some(ExpectedOutcome::NotAPhoto(_))) => KeyResult::NotAPhoto,
            (_, Some(ExpectedOutcome::Sidecar)) => KeyResult::New { undated: false },
            (IngestStatus::Changed { bytes, .. }, _) => match bytes {
                BytesRelation::Equal => KeyResult::Known { undated: false },
                BytesRelation::Other => KeyResult::Edited,
            },
            (_, preview) => KeyResult::New {
                undated: preview == Some(ExpectedOutcome::Undated),
            },
        };
        report.add_result(&candidate.key, candidate.bytes, done);
    }
    Ok(())
}

/// Adds a local file that is not uploaded yet to the report of a dry run. Reads the metadata of the
/// file to find out whether the file is a photo and has a date.
fn count_local_file(report: &mut ImportReport, upload: &Upload) {
    if SidecarName::parse(file_name(&upload.key)).is_some() {
        return report.add_result(
            &upload.key,
            upload.size_bytes,
            KeyResult::New { undated: false },
        );
    }
    let done = match extract::extract_file(&upload.path) {
        Err(ExtractError::Read(error)) => {
            KeyResult::Failed(format!("{}: {error}", upload.path.display()))
        }
        Err(ExtractError::UnsupportedFormat(_)) => KeyResult::NotAPhoto,
        Ok((_, extraction)) => KeyResult::New {
            undated: extraction.photo.record.capture.local.is_none(),
        },
    };
    report.add_result(&upload.key, upload.size_bytes, done);
}

/// Returns the files or objects to import, their number, and the total size in bytes of the files
/// that must be uploaded first.
async fn list_candidates(
    storage: &Storage,
    target: ImportPlan,
) -> anyhow::Result<(CandidateStream, u64, u64)> {
    match target.what {
        ImportInput::Files(uploads) => {
            let total = uploads.len() as u64;
            let mut there = if uploads.is_empty() {
                HashMap::new()
            } else {
                upload::list_by_key(
                    storage,
                    &target.bucket,
                    target.layout.source_prefix().as_str(),
                )
                .await?
            };
            let is_there = |upload: &Upload| {
                let listed = there.get(&upload.key);
                listed.is_some_and(|listed| upload.is_there(listed))
            };
            let missing = uploads.iter().filter(|upload| !is_there(upload));
            let bytes = missing.map(|upload| upload.size_bytes).sum();
            let candidates = uploads.into_iter().map(move |upload| {
                let listed = there.remove(&upload.key);
                let is_there = listed
                    .as_ref()
                    .is_some_and(|listed| upload.is_there(listed));
                let listed = listed.map(ListedObject::from);
                let (seen, replaced) = match is_there {
                    true => (listed, None),
                    false => (None, listed),
                };
                Ok(Candidate {
                    key: upload.key.clone(),
                    bytes: upload.size_bytes,
                    upload: (!is_there).then_some(upload),
                    seen,
                    replaced,
                })
            });
            Ok((stream::iter(candidates).boxed(), total, bytes))
        }
        ImportInput::Objects { prefix } => {
            // The objects are counted first, which costs one request per thousand keys. With their
            // number, the progress bar can show the remaining time.
            let bar = progress::bar(0, "Listing {human_pos}");
            let mut total = 0;
            let mut objects = std::pin::pin!(storage.list_objects(&target.bucket, &prefix));
            while objects.try_next().await?.is_some() {
                total += 1;
                bar.set_position(total);
            }
            let objects = storage
                .list_objects(&target.bucket, &prefix)
                .map_ok(|listed| Candidate {
                    key: listed.key.clone(),
                    bytes: listed.size_bytes,
                    upload: None,
                    replaced: None,
                    seen: Some(ListedObject::from(listed)),
                });
            Ok((objects.boxed(), total, 0))
        }
    }
}

/// Returns the plan for the argument of `photos import`, which is `s3://BUCKET/FOLDER` or a local
/// path. If the path is a folder inside the archive or the source of the data folder, the plan
/// imports the files of the folder as objects, without an upload. For any other path, the plan
/// uploads the files first.
fn plan_import(arguments: &ImportArguments) -> anyhow::Result<ImportPlan> {
    let own = arguments.stores.layout()?;
    if let Some(place) = arguments.what.strip_prefix("s3://") {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        return plan_objects(&Bucket::new(bucket)?, prefix, &own);
    }
    let path = PathBuf::from(&arguments.what);
    let full = path
        .canonicalize()
        .with_context(|| format!("cannot read {}", path.display()))?;
    if let Some(prefix) = key_prefix_within(&full, arguments.stores.archive_folder().as_deref()) {
        return plan_objects(
            own.archive_bucket(),
            &format!("{}{prefix}", own.archive_prefix()),
            &own,
        );
    }
    let data = arguments.stores.data_dir();
    let source = arguments
        .stores
        .archive_folder()
        .map(|_| data.join(own.source_bucket().as_str()));
    if let Some(prefix) = key_prefix_within(&full, source.as_deref()) {
        return plan_objects(own.source_bucket(), &prefix, &own);
    }
    let names = arguments.stores.skipped_names()?;
    let found = upload::find_files(&[path], own.source_prefix().as_str(), data, &names);
    for message in found.messages() {
        eprint_message(&message);
    }
    Ok(ImportPlan {
        what: ImportInput::Files(found.uploads),
        bucket: own.source_bucket().clone(),
        layout: own,
        in_place: false,
        failures: found.failures.len() as u64,
    })
}

/// Returns the plan to import the objects of a bucket whose keys begin with `prefix`. `own` is the
/// configured layout: if its archive contains the objects, they are indexed and not copied.
fn plan_objects(bucket: &Bucket, prefix: &str, own: &Layout) -> anyhow::Result<ImportPlan> {
    let mut prefix = prefix.to_owned();
    if !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    let in_place = bucket == own.archive_bucket() && own.archive_prefix().strip(&prefix).is_some();
    let is_source = bucket == own.source_bucket() && own.source_prefix().strip(&prefix).is_some();
    let layout = if in_place || is_source {
        own.clone()
    } else {
        Layout::new(
            bucket.as_str(),
            &prefix,
            own.archive_bucket().as_str(),
            own.archive_prefix().as_str(),
        )?
    };
    Ok(ImportPlan {
        what: ImportInput::Objects { prefix },
        bucket: bucket.clone(),
        layout,
        in_place,
        failures: 0,
    })
}

/// Returns the path of `folder` relative to `outer`, in the form of a key prefix. For example, the
/// folder `2018/02` in `outer` gives `2018/02/`, and `outer` itself gives an empty text. Returns
/// `None` if `outer` is `None` or does not contain the folder.
fn key_prefix_within(folder: &Path, outer: Option<&Path>) -> Option<String> {
    let below = folder.strip_prefix(outer?.canonicalize().ok()?).ok()?;
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    let parts = parts?;
    Some(parts.iter().map(|part| format!("{part}/")).collect())
}

impl ImportReport {
    /// Adds the result of one file or object to the counts. Prints the error if the result is a
    /// failure.
    fn add_result(&mut self, key: &str, bytes: u64, done: KeyResult) {
        self.found += 1;
        let is_sidecar = SidecarName::parse(file_name(key)).is_some();
        match done {
            KeyResult::New { .. } | KeyResult::Edited if is_sidecar => {
                self.sidecars += 1;
                self.bytes += bytes;
            }
            // A sidecar without a photo waits, so it counts as skipped in the ledger.
            KeyResult::Known { .. } | KeyResult::NotAPhoto | KeyResult::KnownNotAPhoto
                if is_sidecar =>
            {
                self.sidecars += 1;
            }
            KeyResult::Known { .. } => self.known += 1,
            KeyResult::New { undated } => {
                self.new += 1;
                self.undated += u64::from(undated);
                self.bytes += bytes;
            }
            KeyResult::Edited => {
                self.edited += 1;
                self.bytes += bytes;
            }
            KeyResult::NotAPhoto | KeyResult::KnownNotAPhoto => self.skipped += 1,
            KeyResult::SkippedName(reason) => {
                self.skipped += 1;
                self.skipped_names.add(reason);
            }
            // The object was removed during the import.
            KeyResult::Gone => self.found -= 1,
            KeyResult::Failed(cause) => {
                self.failed += 1;
                match self.failed {
                    ..=MAX_PRINTED_FAILURES => eprint_message(&format!(
                        "{}: {}",
                        escape_control(key),
                        escape_control(&cause)
                    )),
                    more if more == MAX_PRINTED_FAILURES + 1 => {
                        eprint_message("more failed; they are counted below")
                    }
                    _ => {}
                }
            }
        }
    }

    /// Sets the numbers of requests in the report of a dry run, estimated with the numbers in
    /// [`costs`]. `in_place` is `true` if the photos are already in the archive. `copies_files` is
    /// `true` if the embedded S3 server would run in this process: files are then uploaded without
    /// requests.
    fn estimate_requests(&mut self, in_place: bool, copies_files: bool) {
        let (s3, dynamodb) = if in_place {
            costs::IN_PLACE
        } else {
            costs::NEW
        };
        let uploads = if self.uploaded_bytes > 0 && !copies_files {
            self.new + self.sidecars + self.skipped
        } else {
            0
        };
        // A skip by name costs no request.
        let not_photos = self.skipped - self.skipped_names.total();
        self.s3_requests = self.new * s3
            + self.sidecars * costs::SIDECAR.0
            + not_photos * costs::NOT_A_PHOTO.0
            + uploads
            + self.found.div_ceil(costs::PAGE) * 2;
        self.dynamodb_requests = self.new * dynamodb
            + self.sidecars * costs::SIDECAR.1
            + not_photos * costs::NOT_A_PHOTO.1
            + self.found.div_ceil(costs::SURVEY) * 2;
    }

    /// Returns the report as text for people.
    fn summary_text(&self) -> String {
        let mut parts = vec![format!("{} new", self.new)];
        if self.undated > 0 {
            parts.push(format!("{} of them undated", self.undated));
        }
        if self.edited > 0 {
            parts.push(format!("{} edited", self.edited));
        }
        parts.push(format!("{} known", self.known));
        if self.sidecars > 0 {
            parts.push(format!("{} sidecars", self.sidecars));
        }
        if self.skipped > 0 {
            let names = if self.skipped_names.is_empty() {
                String::new()
            } else {
                let text = self.skipped_names.text();
                format!(" (by name: {})", escape_control(&text))
            };
            parts.push(format!("{} not photos{names}", self.skipped));
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
                format_size(self.bytes),
                format_size(self.uploaded_bytes)
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
            format_size(self.bytes),
            self.seconds
        );
        if self.pictures_left > 0 {
            lines += &format!(
                "\nThe pictures of {} photos are not made yet; `photos serve` makes them.",
                self.pictures_left
            );
        }
        if self.stopped {
            lines += "\nStopped. Run the same command again to continue.";
        }
        lines
    }
}

/// Sets the duration in the report, prints the report, and returns the status of the command.
fn print_report(
    arguments: &ImportArguments,
    mut report: ImportReport,
    start: Instant,
) -> anyhow::Result<CommandStatus> {
    report.seconds = (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    if arguments.json {
        let mut out = stdout();
        json_line(&mut out, &report)?;
        out.flush()?;
    } else {
        eprint_message(&report.summary_text());
    }
    Ok(if report.failed > 0 || report.stopped {
        CommandStatus::PartialFailure
    } else {
        CommandStatus::Success
    })
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Returns a size as text with a unit, such as `8.1 GB`.
fn format_size(bytes: u64) -> String {
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
