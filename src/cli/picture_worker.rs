//! Makes pictures in the background, in `photos serve` and `photos import`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::progress;
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

    /// Starts a task that works off the queue until `tasks` are stopped.
    pub(super) fn start(&self, tasks: &ServiceTasks) {
        let queue = self.clone();
        tasks.spawn("render", |shutdown| async move {
            queue.run(&shutdown).await;
            Ok(())
        });
    }

    async fn run(&self, shutdown: &CancellationToken) {
        let work = async {
            loop {
                if let Err(error) = self.sweep(&|_| ()).await {
                    let error = error_chain(error.as_ref());
                    tracing::warn!(error, "cannot read the queue of pictures; trying again");
                }
                // Failed jobs stay in the queue, and are tried again after the pause.
                let _ = tokio::time::timeout(PAUSE, self.added.notified()).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
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
