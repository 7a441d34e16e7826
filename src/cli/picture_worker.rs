//! Makes pictures in the background, in `photos serve` and `photos import`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::progress::{self, eprint_message};
use super::shutdown::ServiceTasks;
use crate::catalogue::item::PhotoItem;
use crate::catalogue::picture_queue::{JobUrgency, PictureJob};
use crate::catalogue::published::PublishTable;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::render::{PictureEvent, Render, RenderReport, picture_events};
use crate::telemetry::error_chain;

/// The maximum number of jobs that are read at once.
const PAGE: i32 = 64;
/// The pause before the queue is read again, if it is empty. A job that this process adds ends the
/// pause.
const PAUSE: Duration = Duration::from_secs(5);
/// The time between two checks whether a message about the backlog is due.
const BACKLOG_CHECK: Duration = Duration::from_secs(10);
/// The minimum number of waiting photos for a message. The photos of a normal day are no backlog.
const MIN_BACKLOG: u64 = 50;
/// The minimum time between two messages about the backlog.
const BACKLOG_INTERVAL: Duration = Duration::from_mins(5);
/// The number of jobs at the same time, for each processor that makes pictures. While one is decoded,
/// another is read or stored.
const JOBS_PER_SLOT: usize = 2;

/// The queue of photos whose pictures need work. A clone is cheap, and shares the queue.
#[derive(Clone)]
pub(super) struct PictureQueue {
    table: PublishTable,
    render: Render,
    added: Arc<Notify>,
}

impl PictureQueue {
    pub(super) fn new(table: PublishTable, render: Render) -> Self {
        PictureQueue {
            table,
            render,
            added: Arc::default(),
        }
    }

    /// Adds the photos of these stream records that need work. A repeat is safe.
    ///
    /// # Errors
    /// Fails if a request to the table fails.
    pub(super) async fn add_records(&self, records: &[Value]) -> Result<(), CatalogueError> {
        let event = serde_json::json!({ "Records": records });
        for event in picture_events(&event) {
            self.add(&event).await?;
        }
        Ok(())
    }

    /// Adds a photo, if its pictures need work. A repeat is safe.
    ///
    /// # Errors
    /// Fails if the request to the table fails.
    pub(super) async fn add_item(&self, item: &PhotoItem) -> Result<(), CatalogueError> {
        match PictureEvent::of_item(item) {
            Some(event) => self.add(&event).await,
            None => Ok(()),
        }
    }

    /// Adds all photos of a catalogue whose pictures need work. Scans the table. A repeat is safe.
    ///
    /// # Errors
    /// Fails if a request to a table fails.
    pub(super) async fn add_due(&self, catalogue: &Catalogue) -> anyhow::Result<()> {
        let mut due = std::pin::pin!(catalogue.scan_due_pictures());
        while let Some(item) = due.try_next().await? {
            self.add_item(&item).await?;
        }
        Ok(())
    }

    async fn add(&self, event: &PictureEvent) -> Result<(), CatalogueError> {
        let urgency = match event.planned {
            Some(_) => JobUrgency::Make,
            None => JobUrgency::Remove,
        };
        let tokens = self.render.tokens(event);
        self.table
            .add_picture_job(&event.id, urgency, tokens)
            .await?;
        self.added.notify_one();
        Ok(())
    }

    /// Returns the number of photos whose pictures need work.
    ///
    /// # Errors
    /// Fails if a request to the table fails.
    pub(super) async fn count(&self) -> Result<u64, CatalogueError> {
        self.table.count_picture_jobs().await
    }

    /// Makes and deletes pictures until the queue is empty, or until `shutdown` is cancelled. Shows a
    /// progress bar. Returns the number of photos that are left.
    ///
    /// # Errors
    /// Fails if a request to a table fails.
    pub(super) async fn drain(&self, shutdown: &CancellationToken) -> anyhow::Result<u64> {
        let total = self.count().await?;
        if total == 0 {
            return Ok(0);
        }
        let bar = progress::bar(
            total,
            "Making pictures {bar:30} {human_pos}/{human_len}, {rate}, {eta} left",
        );
        let done = |job: &PictureJob| {
            tracing::debug!(photo = ?job.photo_id(), "the pictures of a photo are done");
            bar.inc(1);
        };
        if let Some(swept) = shutdown.run_until_cancelled(self.sweep(&done)).await {
            swept?;
        }
        Ok(self.count().await?)
    }

    /// Starts a task that works off the queue until `tasks` are stopped. If many photos wait, the task
    /// prints their number from time to time.
    pub(super) fn start(&self, tasks: &ServiceTasks) {
        let queue = self.clone();
        tasks.spawn("render", |shutdown| async move {
            let work = async { tokio::join!(queue.run(), queue.report_backlog()) };
            shutdown.run_until_cancelled(work).await;
            Ok(())
        });
    }

    async fn run(&self) {
        loop {
            if let Err(error) = self.sweep(&|_| ()).await {
                let error = error_chain(error.as_ref());
                tracing::warn!(error, "cannot read the queue of pictures; trying again");
            }
            // Failed jobs stay in the queue, and are tried again after the pause.
            let _ = tokio::time::timeout(PAUSE, self.added.notified()).await;
        }
    }

    async fn report_backlog(&self) {
        let mut reporter = BacklogReporter::default();
        loop {
            // If the queue cannot be read, the worker logs it.
            if let Ok(waiting) = self.count().await
                && let Some(message) = reporter.next_message(waiting, Instant::now())
            {
                eprint_message(&message);
            }
            tokio::time::sleep(BACKLOG_CHECK).await;
        }
    }

    /// Does all jobs of the queue once. Pictures that must be deleted come first. Calls `done` after each
    /// job, also after a failed one.
    async fn sweep(&self, done: &(dyn Fn(&PictureJob) + Sync)) -> anyhow::Result<()> {
        let mut last: Option<PictureJob> = None;
        loop {
            let urgent = self
                .table
                .picture_jobs(JobUrgency::Remove, None, PAGE)
                .await?;
            self.process_jobs(&urgent, done).await;
            let jobs = self
                .table
                .picture_jobs(JobUrgency::Make, last.as_ref(), PAGE)
                .await?;
            self.process_jobs(&jobs, done).await;
            match jobs.into_iter().last() {
                Some(job) => last = Some(job),
                None => return Ok(()),
            }
        }
    }

    async fn process_jobs(&self, jobs: &[PictureJob], done: &(dyn Fn(&PictureJob) + Sync)) {
        let concurrency = JOBS_PER_SLOT * self.render.slots();
        stream::iter(jobs)
            .for_each_concurrent(concurrency, |job| async move {
                if let Err(error) = self.process_job(job).await {
                    let error = error_chain(error.as_ref());
                    tracing::warn!(error, "cannot make the pictures of a photo; trying again");
                }
                done(job);
            })
            .await;
    }

    async fn process_job(&self, job: &PictureJob) -> anyhow::Result<()> {
        if let Some(id) = job.photo_id() {
            let tokens: BTreeSet<String> = job.tokens.clone();
            let report = self.render.process(&id, tokens).await?;
            if let RenderReport::Unrendered(reason) = report {
                tracing::info!(photo = id.as_str(), reason, "a photo has no pictures");
            }
        }
        Ok(self.table.finish_picture_job(job).await?)
    }
}

/// Decides when a message about photos that wait for their pictures is due.
#[derive(Debug, Default)]
struct BacklogReporter {
    /// The last message: its time, and the number of waiting photos in it. `None` if there is no
    /// backlog.
    last: Option<(Instant, u64)>,
}

impl BacklogReporter {
    /// Returns the message that is due if `waiting` photos wait at the time `now`.
    fn next_message(&mut self, waiting: u64, now: Instant) -> Option<String> {
        match self.last {
            None if waiting < MIN_BACKLOG => None,
            None => {
                self.last = Some((now, waiting));
                Some(format!(
                    "{waiting} photos wait for their pictures, which are made in the background."
                ))
            }
            Some(_) if waiting == 0 => {
                self.last = None;
                Some("No photo waits for its pictures any more.".to_owned())
            }
            Some((time, before)) => {
                let elapsed = now.saturating_duration_since(time);
                if elapsed < BACKLOG_INTERVAL {
                    return None;
                }
                self.last = Some((now, waiting));
                // More photos may have come than were done. Then the time that is left is unknown.
                let left = before.checked_sub(waiting).filter(|done| *done > 0);
                let left = left.map(|done| (elapsed.as_secs() * waiting / done).div_ceil(60));
                let left = left.map_or_else(String::new, |minutes| {
                    format!(" Time left: about {minutes} min.")
                });
                Some(format!("{waiting} photos wait for their pictures.{left}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backlog_is_reported_at_its_start_in_intervals_and_at_its_end() {
        let mut reporter = BacklogReporter::default();
        let start = Instant::now();
        let mut check = |minutes: u64, waiting: u64, expected: Option<&str>| {
            let message = reporter.next_message(waiting, start + Duration::from_mins(minutes));
            assert_eq!(message.as_deref(), expected, "{waiting}");
        };
        check(0, 49, None);
        let first = "50 photos wait for their pictures, which are made in the background.";
        check(1, 50, Some(first));
        check(5, 400, None);
        check(6, 450, Some("450 photos wait for their pictures."));
        let later = "300 photos wait for their pictures. Time left: about 10 min.";
        check(11, 300, Some(later));
        check(12, 1, None);
        check(13, 0, Some("No photo waits for its pictures any more."));
        check(60, 0, None);
    }
}
