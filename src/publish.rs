//! Publish: exact counts, static gallery files, and a build hook that keeps to its budget.
//!
//! Level-triggered like ingest. The photos table's stream only marks months; [`Publisher::tick`], once a minute, rebuilds
//! each marked month from one index query: its counts and its files together. So they are exact whatever is delivered,
//! how often and in which order. A tick may be cut off at any line: what it had not finished is still marked.
//!
//! The order within a tick makes that true. A month's files are written first, then `changes.json` and `index.json`, then
//! the hook's state, then the month's item, and its mark goes last. A month whose files are not those of its item was
//! cut off, and is told to readers as one to be read anew.

mod changed;
mod files;
mod hook;
mod month;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use futures::stream::{self, BoxStream, Stream};
use futures::{StreamExt, TryStreamExt};
use ring::rand::SecureRandom;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::catalogue::item::{PRIVATE_PARTITION, PhotoItem};
use crate::catalogue::published::{
    DirtyMonth, FilesState, PublishState, PublishTable, PublishedFile, PublishedMonth,
};
use crate::catalogue::query::{PhotoIndex, PhotoPage, Segment};
use crate::catalogue::{Catalogue, CatalogueError};
use crate::privacy::Privacy;
use crate::storage::{ObjectHeaders, Storage, StorageError};
use crate::summary::Summary;
use crate::view::{PictureHosting, PublicView};
use files::{CHANGES, Change, Changes, INDEX};
use month::{Body, Builder, Difference, UNDATED};

pub use hook::{BuildHook, HookError, build_title};
pub use schedule::{HookDecision, HookResponse, HookRules, HookState, PendingBuild, WaitReason};

/// Raised when the form of counts or files changes, so that all are written anew.
const FORM: u32 = 2;
/// How long a tick has the table to itself. A tick that was cut off holds up the next ones for so long.
const LEASE: TimeDelta = TimeDelta::minutes(3);
/// Months that are rebuilt between two versions of `index.json`.
const MONTHS_AT_ONCE: usize = 24;
/// Of these, so many at the same time: a large one may take 80 MB.
const CONCURRENCY: usize = 3;
/// Photos of a page of a query; DynamoDB cuts it at 1 MB anyway.
const PAGE: u32 = 1_000;
/// Pages of a large month's second half that are read while its first is built.
const AHEAD: usize = 24;
/// Readers may keep a file for a minute, and show it for ten more while they ask for the next.
const CACHE_CONTROL: &str = "public, max-age=60, stale-while-revalidate=600";

type Pages = BoxStream<'static, Result<PhotoPage, CatalogueError>>;

/// The publish function.
#[derive(Debug, Clone)]
pub struct Publisher {
    catalogue: Catalogue,
    published: PublishTable,
    storage: Storage,
    settings: Arc<PublishSettings>,
    /// Tells this process from others that tick.
    holder: String,
}

/// What publish is told from outside.
#[derive(Debug, Clone)]
pub struct PublishSettings {
    /// Bucket of the static files. They are made to be public, so it is not the archive's.
    pub bucket: String,
    /// Folder in it: empty or ending in `/`.
    pub prefix: String,
    /// The public view, as the gallery has it.
    pub view: PublicView,
    /// Whether files are stored compressed, with `Content-Encoding: gzip`.
    pub compress: bool,
    /// The build hook; absent, nothing is called.
    pub hook: Option<BuildHook>,
    /// Its limits.
    pub rules: HookRules,
}

/// What a tick did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CycleReport {
    /// Months that were looked at.
    pub months: u64,
    /// Those of them whose public view had changed.
    pub changed: u64,
    /// Marked months that are left for the next tick.
    pub deferred: u64,
    /// How the hook answered, where it was called.
    pub hook: Option<HookResponse>,
}

/// Why a tick broke off. What it had not finished is still marked.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The tables.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The store of the files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file could not be written or read as JSON.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: String,
        /// Why.
        cause: String,
    },
    /// An event of no known shape.
    #[error("an event that is neither a batch of the photos table's stream nor a tick")]
    Event,
}

/// A month, rebuilt.
struct Rebuilt {
    mark: DirtyMonth,
    month: PublishedMonth,
    /// Absent where its files were as they should be.
    change: Option<Changed>,
}

/// How a month's files changed.
struct Changed {
    difference: Difference,
    /// Whether the difference is all that there is to tell.
    complete: bool,
    /// Files that it has no more.
    gone: BTreeSet<String>,
}

impl Publisher {
    /// A publish function over these tables and this store.
    pub fn new(
        catalogue: Catalogue,
        published: PublishTable,
        storage: Storage,
        settings: PublishSettings,
    ) -> Self {
        let mut holder = [0; 12];
        // Without randomness two processes would share a lease; ring has it wherever it runs.
        let _ = ring::rand::SystemRandom::new().fill(&mut holder);
        Publisher {
            catalogue,
            published,
            storage,
            settings: Arc::new(settings),
            holder: HEXLOWER.encode(&holder),
        }
    }

    /// Does what a Lambda event asks: a batch of the photos table's stream marks its months, and is answered with
    /// `batchItemFailures`, of which there are none; EventBridge's schedule is a tick. Safe to repeat.
    ///
    /// # Errors
    /// The whole event is to come again.
    pub async fn handle_event(
        &self,
        event: &Value,
        now: DateTime<Utc>,
        remaining: Duration,
    ) -> Result<Value, PublishError> {
        if let Some(records) = event.get("Records").and_then(Value::as_array) {
            let is_ours = |record: &Value| {
                record.get("eventSource").and_then(Value::as_str) == Some("aws:dynamodb")
            };
            if !records.iter().all(is_ours) {
                return Err(PublishError::Event);
            }
            self.mark_changed_months(records, now).await?;
            return Ok(json!({ "batchItemFailures": [] }));
        }
        // A schedule's payload is what Terraform writes; by hand, anything that is an object.
        if !event.is_object() {
            return Err(PublishError::Event);
        }
        let ticked = self.run_cycle(now, remaining).await?;
        Ok(json!({ "months": ticked.months, "changed": ticked.changed, "left": ticked.deferred }))
    }

    /// See [`mark`].
    ///
    /// # Errors
    /// The table; some months may be marked already.
    pub async fn mark_changed_months(
        &self,
        records: &[Value],
        now: DateTime<Utc>,
    ) -> Result<(), PublishError> {
        mark_changed_months(&self.published, records, now).await
    }

    /// Rebuilds the months that are due and calls the hook where it is. Does nothing where somebody else is at it.
    /// Begins no month when less than a third of `remaining` is left. An idle tick is two queries and no write.
    ///
    /// # Errors
    /// See [`PublishError`]. A hook that fails is none.
    pub async fn run_cycle(
        &self,
        now: DateTime<Utc>,
        remaining: Duration,
    ) -> Result<CycleReport, PublishError> {
        let deadline = tokio::time::Instant::now() + remaining * 2 / 3;
        let marks = self.published.dirty_months().await?;
        let state = self.published.state().await?;
        let is_new_view = state.files.view != self.fingerprint();
        let hook_is_due = self.hook_is_due(&parse_hook_state(&state)?, now);
        if !is_new_view
            && !hook_is_due
            && !marks.iter().any(|mark| schedule::month_is_due(mark, now))
        {
            return Ok(CycleReport {
                deferred: marks.len() as u64,
                ..CycleReport::default()
            });
        }
        if !self.published.lease(&self.holder, now, now + LEASE).await? {
            return Ok(CycleReport::default());
        }
        let worked = self.work(now, deadline).await;
        self.release_lease().await?;
        worked
    }

    /// Gives back the lease of a tick that was broken off, IF it still had it: the next one need not wait for its end.
    /// Safe to repeat.
    ///
    /// # Errors
    /// The table: the lease ends by itself.
    pub async fn release_lease(&self) -> Result<(), PublishError> {
        Ok(self.published.release(&self.holder).await?)
    }

    /// A tick's work, under the lease. What was read before it may be old.
    async fn work(
        &self,
        now: DateTime<Utc>,
        deadline: tokio::time::Instant,
    ) -> Result<CycleReport, PublishError> {
        let state = self.published.state().await?;
        let mut hook = parse_hook_state(&state)?;
        let mut files = state.files;
        let is_new_view = files.view != self.fingerprint();
        if is_new_view {
            // Nothing that was told under another view is told any more.
            mark_all_months(&self.catalogue, &self.published, now).await?;
            files.view = self.fingerprint();
            files.changes_since = files.generation;
            self.published.put_files(&files).await?;
        }
        let (due, later): (Vec<DirtyMonth>, Vec<DirtyMonth>) = self
            .published
            .dirty_months()
            .await?
            .into_iter()
            .partition(|mark| is_new_view || schedule::month_is_due(mark, now));
        let mut ticked = CycleReport {
            deferred: later.len() as u64,
            ..CycleReport::default()
        };
        let mut months = BTreeMap::new();
        if !due.is_empty() || is_new_view {
            let known = self.published.months().await?;
            months.extend(known.into_iter().map(|month| (month.month.clone(), month)));
        }
        let mut due = due.into_iter();
        loop {
            let mut batch: Vec<DirtyMonth> = Vec::new();
            if tokio::time::Instant::now() < deadline {
                batch.extend(due.by_ref().take(MONTHS_AT_ONCE));
            }
            if batch.is_empty() {
                break;
            }
            ticked.months += batch.len() as u64;
            let rebuilt: Vec<Rebuilt> = stream::iter(batch)
                .map(|mark| {
                    let before = months.get(&mark.month).cloned();
                    self.rebuild(mark, before)
                })
                .buffered(CONCURRENCY)
                .try_collect()
                .await?;
            ticked.changed += rebuilt.iter().filter(|one| one.change.is_some()).count() as u64;
            self.publish(rebuilt, &mut months, &mut files, &mut hook, now)
                .await?;
        }
        ticked.deferred += due.count() as u64;
        if is_new_view && ticked.changed == 0 {
            self.put_index(&files, &months, now).await?;
            self.put_changes(&files, Vec::new()).await?;
        }
        ticked.hook = self.call_hook(hook, now).await?;
        Ok(ticked)
    }

    /// Writes what follows from a batch of rebuilt months, in the order that makes a tick safe to cut off.
    async fn publish(
        &self,
        rebuilt: Vec<Rebuilt>,
        months: &mut BTreeMap<String, PublishedMonth>,
        files: &mut FilesState,
        hook: &mut HookState,
        now: DateTime<Utc>,
    ) -> Result<(), PublishError> {
        let mut changes = Vec::new();
        let mut gone = BTreeSet::new();
        let mut counted: Vec<(DirtyMonth, Option<PublishedMonth>)> = Vec::new();
        for one in rebuilt {
            let name = one.mark.month.clone();
            let is_other = months.get(&name) != Some(&one.month);
            if let Some(change) = one.change {
                files.generation += 1;
                // A month that was cut off may hold changes that are not to be told from here any more.
                let photos = change.difference.photos.max(1);
                let (from, to) = (change.difference.from.clone(), change.difference.to.clone());
                hook.add(photos, from, to, now);
                let told = change.complete.then_some(change.difference);
                changes.push(Change::new(files.generation, &name, told));
                gone.extend(change.gone);
            }
            if is_other {
                months.insert(name, one.month.clone());
            }
            counted.push((one.mark, is_other.then_some(one.month)));
        }
        months.retain(|_, month| month.photos > 0);
        if !changes.is_empty() {
            self.put_changes(files, changes).await?;
            self.put_index(files, months, now).await?;
            for path in gone {
                self.storage
                    .delete(&self.settings.bucket, &self.key(&path))
                    .await?;
            }
            self.published.put_files(files).await?;
            self.published.put_hook(hook).await?;
        }
        let (marks, counted): (Vec<DirtyMonth>, Vec<Option<PublishedMonth>>) =
            counted.into_iter().unzip();
        stream::iter(counted.into_iter().flatten())
            .map(|month| async move { self.published.put_month(&month).await })
            .buffer_unordered(CONCURRENCY)
            .try_collect::<()>()
            .await?;
        self.published.bump_counts_version().await?;
        stream::iter(marks)
            .map(|mark| async move { self.published.clear_dirty(&mark).await })
            .buffer_unordered(CONCURRENCY)
            .try_collect::<()>()
            .await?;
        Ok(())
    }

    /// One month from its photos: its counts, and its files, which are written where they are not so already.
    async fn rebuild(
        &self,
        mark: DirtyMonth,
        before: Option<PublishedMonth>,
    ) -> Result<Rebuilt, PublishError> {
        let (mut month, bodies) = self.build(&mark.month).await?;
        let is_known = before.is_some();
        let before = before.unwrap_or_default();
        let digests = |files: &[PublishedFile]| -> Vec<String> {
            files.iter().map(|file| file.digest.clone()).collect()
        };
        if digests(&before.files) == digests(&month.files) {
            month.files = before.files;
            return Ok(Rebuilt {
                mark,
                month,
                change: None,
            });
        }
        let is_same = |file: &PublishedFile| {
            before
                .files
                .iter()
                .any(|old| old.path == file.path && old.digest == file.digest)
        };
        let stays = |old: &PublishedFile| {
            month
                .files
                .iter()
                .any(|file| file.path == old.path && file.digest == old.digest)
        };
        let mut is_intact = is_known || before.files.is_empty();
        let mut old_json = Vec::new();
        for old in before.files.iter().filter(|old| !stays(old)) {
            let json = self.stored(&old.path).await?.unwrap_or_default();
            is_intact &= month::digest(&json) == old.digest;
            old_json.push(json);
        }
        let new: Vec<&Body> = bodies.iter().filter(|body| !is_same(&body.file)).collect();
        let new_json: Vec<Vec<u8>> = new
            .iter()
            .map(|body| self.plain(&body.file.path, &body.compressed))
            .collect::<Result<_, _>>()?;
        let (difference, is_told) =
            month::difference(&old_json, &new_json, files::MAX_CHANGE_BYTES)
                .map_err(|error| file_error(&mark.month, &error))?;
        let paths: BTreeSet<String> = month.files.iter().map(|file| file.path.clone()).collect();
        let mut gone: BTreeSet<String> =
            before.files.iter().map(|file| file.path.clone()).collect();
        if !is_known || !is_intact {
            // A tick that was cut off may have left files of which nothing is known.
            gone.extend(self.stored_paths(&mark.month).await?);
        }
        gone.retain(|path| !paths.contains(path));
        for file in &mut month.files {
            match before
                .files
                .iter()
                .find(|old| old.path == file.path && old.digest == file.digest)
            {
                Some(old) => file.clone_from(old),
                None => {
                    let body = bodies.iter().find(|body| body.file.path == file.path);
                    let compressed = body.map(|body| body.compressed.clone()).unwrap_or_default();
                    (file.etag, file.bytes) = self.store(&file.path, compressed).await?;
                }
            }
        }
        Ok(Rebuilt {
            mark,
            month,
            change: Some(Changed {
                difference,
                complete: is_told && is_intact,
                gone,
            }),
        })
    }

    /// A month's counts and files as its index has them now.
    async fn build(&self, month: &str) -> Result<(PublishedMonth, Vec<Body>), PublishError> {
        let mut builder = Builder::new(month, &self.settings.view);
        let mut pages = self.pages(month).await?;
        while let Some(page) = pages.try_next().await? {
            let built = page
                .entries
                .iter()
                .try_for_each(|entry| builder.push(&entry.summary));
            built.map_err(|error| file_error(month, &error))?;
        }
        builder.finish().map_err(|error| file_error(month, &error))
    }

    /// The pages of a month, in the order of its index. What follows the first page is read while that is built, and both
    /// halves of it at the same time.
    async fn pages(&self, month: &str) -> Result<Pages, PublishError> {
        let segment = segment(month);
        let first = self.catalogue.query(&segment, PAGE, None).await?;
        let after = first.next_after.clone();
        let pages = stream::iter([Ok(first)]);
        let Some(after) = after else {
            return Ok(pages.boxed());
        };
        let (near, far) = halves(month, segment, &after);
        let near = pages.chain(ahead(&self.catalogue, near, Some(after), 1));
        Ok(match far {
            Some(far) => near.chain(ahead(&self.catalogue, far, None, AHEAD)).boxed(),
            None => near.boxed(),
        })
    }

    async fn put_changes(&self, files: &FilesState, new: Vec<Change>) -> Result<(), PublishError> {
        let before: Changes = match self.stored(CHANGES).await? {
            // One that cannot be read is as good as none: readers begin anew.
            Some(json) => serde_json::from_slice(&json).unwrap_or_default(),
            None => Changes::default(),
        };
        let changes = if new.is_empty() {
            Changes {
                generation: files.generation,
                since: files.generation,
                changes: Vec::new(),
            }
        } else {
            before.add(files.changes_since, new)
        };
        self.put_json(CHANGES, &changes).await
    }

    async fn put_index(
        &self,
        files: &FilesState,
        months: &BTreeMap<String, PublishedMonth>,
        now: DateTime<Utc>,
    ) -> Result<(), PublishError> {
        self.put_json(INDEX, &files::index(files.generation, now, months))
            .await
    }

    async fn put_json<T: serde::Serialize>(
        &self,
        path: &str,
        value: &T,
    ) -> Result<(), PublishError> {
        let json = serde_json::to_vec(value).map_err(|error| file_error(path, &error))?;
        let compressed = month::compressed(&json).map_err(|error| file_error(path, &error))?;
        self.store(path, compressed).await.map(|_| ())
    }

    /// Stores a file; its ETag and its size as stored.
    async fn store(&self, path: &str, compressed: Vec<u8>) -> Result<(String, u64), PublishError> {
        let body = if self.settings.compress {
            compressed
        } else {
            self.plain(path, &compressed)?
        };
        let headers = ObjectHeaders {
            content_type: Some("application/json".to_owned()),
            content_encoding: self.settings.compress.then(|| "gzip".to_owned()),
            cache_control: Some(CACHE_CONTROL.to_owned()),
            ..ObjectHeaders::default()
        };
        let bytes = body.len() as u64;
        let key = self.key(path);
        let etag = self
            .storage
            .put(&self.settings.bucket, &key, Bytes::from(body), headers)
            .await?;
        Ok((etag, bytes))
    }

    /// The JSON of a stored file; `None` where there is no such file.
    async fn stored(&self, path: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let key = self.key(path);
        match self.storage.read(&self.settings.bucket, &key).await? {
            // One that is damaged is as good as none: it is written anew.
            Some(bytes) => Ok(Some(month::plain(&bytes).unwrap_or_default())),
            None => Ok(None),
        }
    }

    /// The files of a month that the store has.
    async fn stored_paths(&self, month: &str) -> Result<Vec<String>, PublishError> {
        let bucket = &self.settings.bucket;
        let (mut paths, mut token) = (Vec::new(), None);
        loop {
            let prefix = self.key(&format!("{month}."));
            let (page, next) = self.storage.list(bucket, &prefix, token).await?;
            let path = |key: &str| key.strip_prefix(&self.settings.prefix).map(str::to_owned);
            paths.extend(page.iter().filter_map(|listed| path(&listed.key)));
            token = next;
            if token.is_none() {
                return Ok(paths);
            }
        }
    }

    fn plain(&self, path: &str, stored: &[u8]) -> Result<Vec<u8>, PublishError> {
        month::plain(stored).map_err(|error| file_error(path, &error))
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.settings.prefix)
    }

    /// Two views that show the same photo differently have different ones.
    fn fingerprint(&self) -> String {
        month::digest(format!("{FORM} {:?}", self.settings.view).as_bytes())
    }

    fn hook_is_due(&self, hook: &HookState, now: DateTime<Utc>) -> bool {
        self.settings.hook.is_some() && hook.decide(&self.settings.rules, now) == HookDecision::Call
    }

    /// Calls the hook where it is due.
    async fn call_hook(
        &self,
        mut state: HookState,
        now: DateTime<Utc>,
    ) -> Result<Option<HookResponse>, PublishError> {
        let (Some(hook), Some(pending)) = (&self.settings.hook, state.pending.clone()) else {
            return Ok(None);
        };
        if !self.hook_is_due(&state, now) {
            return Ok(None);
        }
        state.record_call(now);
        self.published.put_hook(&state).await?;
        let answer = hook.call(&pending, now).await;
        if answer.is_success {
            tracing::info!(
                photos = pending.photos,
                answer = answer.description,
                "build hook called"
            );
        } else {
            tracing::warn!(
                answer = answer.description,
                "the build hook failed; it will be called again"
            );
        }
        state.record_response(answer.clone(), pending.generation);
        self.published.put_hook(&state).await?;
        Ok(Some(answer))
    }
}

/// Marks the months that these records of the photos table's stream touch. Safe to repeat, in any order.
///
/// # Errors
/// The table; some months may be marked already.
pub async fn mark_changed_months(
    published: &PublishTable,
    records: &[Value],
    now: DateTime<Utc>,
) -> Result<(), PublishError> {
    mark_months(published, changed::months(records), now).await
}

/// Marks every month that may hold a photo, or did: the next ticks count and write them anew. Safe to repeat.
///
/// # Errors
/// The tables; some months may be marked already.
pub async fn mark_all_months(
    catalogue: &Catalogue,
    published: &PublishTable,
    now: DateTime<Utc>,
) -> Result<(), PublishError> {
    let months = published.months().await?;
    let mut months: BTreeSet<String> = months.into_iter().map(|month| month.month).collect();
    for year in catalogue.date_partitions().await? {
        match year.strip_prefix(PRIVATE_PARTITION).unwrap_or(&year) {
            UNDATED => {
                months.insert(UNDATED.to_owned());
            }
            year => months.extend((1..=12).map(|month| format!("{year}-{month:02}"))),
        }
    }
    mark_months(published, months, now).await
}

/// The month that shows this photo to the public; `None` where none does.
pub fn public_month(item: &PhotoItem) -> Option<String> {
    let sort = item.index.date_sort.as_deref()?;
    item.is_public().then(|| month::of_sort(sort).to_owned())
}

async fn mark_months(
    published: &PublishTable,
    months: BTreeSet<String>,
    now: DateTime<Utc>,
) -> Result<(), PublishError> {
    stream::iter(months)
        .map(|month| async move { published.mark_dirty(&month, now).await })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// Calls the hook now, as a trial. It counts against the budgets, and what waits for a build still does.
///
/// # Errors
/// The publish table. A hook that fails is none.
pub async fn send_trial_call(
    published: &PublishTable,
    hook: &BuildHook,
    now: DateTime<Utc>,
) -> Result<HookResponse, PublishError> {
    let mut state = parse_hook_state(&published.state().await?)?;
    state.record_call(now);
    published.put_hook(&state).await?;
    let nothing = PendingBuild {
        since: now,
        last: now,
        photos: 0,
        from: None,
        to: None,
        generation: 0,
    };
    Ok(hook.call(&nothing, now).await)
}

/// Compares the counts with the photos themselves, by a scan of the whole table: the months whose photos, days, cameras
/// or lenses are miscounted, in order. A month that is marked may be among them until its next tick. Reads only.
///
/// # Errors
/// The tables.
pub async fn find_miscounted_months(
    catalogue: &Catalogue,
    published: &PublishTable,
    privacy: Privacy,
) -> Result<Vec<String>, PublishError> {
    // In order, since the newest photo names a camera.
    let mut photos: BTreeMap<String, Summary> = BTreeMap::new();
    let mut after = None;
    loop {
        let (page, next) = catalogue.public_photos(after).await?;
        photos.extend(page.into_iter().map(|entry| (entry.sort, entry.summary)));
        after = next;
        if after.is_none() {
            break;
        }
    }
    let view = PublicView::new(privacy, PictureHosting::default());
    let mut builders: BTreeMap<String, Builder<'_>> = BTreeMap::new();
    for (sort, summary) in &photos {
        let month = month::of_sort(sort);
        builders
            .entry(month.to_owned())
            .or_insert_with(|| Builder::new(month, &view))
            .push(summary)
            .map_err(|error| file_error(month, &error))?;
    }
    let mut expected = BTreeMap::new();
    for (name, builder) in builders {
        let (month, _) = builder
            .finish()
            .map_err(|error| file_error(&name, &error))?;
        expected.insert(name, month);
    }
    let counts = |month: &PublishedMonth| PublishedMonth {
        cells: BTreeMap::new(),
        positions: String::new(),
        files: Vec::new(),
        ..month.clone()
    };
    let mut off = BTreeSet::new();
    for found in published.months().await? {
        let expected = expected.remove(&found.month).unwrap_or_default();
        if counts(&expected) != counts(&found) {
            off.insert(found.month);
        }
    }
    off.extend(expected.into_keys());
    Ok(off.into_iter().collect())
}

/// A segment's pages after `after`, of which so many are read before they are asked for, by a task of its own; it ends with
/// the stream.
fn ahead(
    catalogue: &Catalogue,
    segment: Segment,
    after: Option<String>,
    pages: usize,
) -> impl Stream<Item = Result<PhotoPage, CatalogueError>> + Send + use<> {
    let (send, mut receive) = mpsc::channel(pages);
    let catalogue = catalogue.clone();
    tokio::spawn(async move {
        let mut after = after;
        loop {
            let page = catalogue.query(&segment, PAGE, after.as_deref()).await;
            after = page.as_ref().ok().and_then(|page| page.next_after.clone());
            if send.send(page).await.is_err() || after.is_none() {
                return;
            }
        }
    });
    stream::poll_fn(move |context| receive.poll_recv(context))
}

/// What is left of a month after this sort key, in two parts where it goes on beyond the month's middle.
fn halves(month: &str, segment: Segment, after: &str) -> (Segment, Option<Segment>) {
    // Between the last sort key of the 15th and the first of the 16th.
    let middle = format!("{month}-15~");
    if month == UNDATED || after > middle.as_str() {
        return (segment, None);
    }
    let far = Segment {
        from: Some(middle.clone()),
        ..segment.clone()
    };
    let near = Segment {
        to: Some(middle),
        ..segment
    };
    (near, Some(far))
}

/// The part of by-date that holds a month.
fn segment(month: &str) -> Segment {
    let (partition, from, to) = match month {
        UNDATED => (UNDATED, None, None),
        _ => (
            month.get(..4).unwrap_or(month),
            Some(format!("{month}-")),
            // After every sort key that begins so.
            Some(format!("{month}-~")),
        ),
    };
    Segment {
        index: PhotoIndex::ByDate,
        partition: partition.to_owned(),
        from,
        to,
        descending: false,
    }
}

/// The hook's state as the table holds it.
///
/// # Errors
/// It is of another shape.
pub fn parse_hook_state(state: &PublishState) -> Result<HookState, PublishError> {
    let mut hook: HookState = match &state.hook {
        None => HookState::default(),
        Some(hook) => serde_json::from_value(hook.clone())
            .map_err(|error| file_error("the hook's state", &error))?,
    };
    hook.held_until = state.held_until;
    Ok(hook)
}

fn file_error(path: &str, error: &dyn std::error::Error) -> PublishError {
    PublishError::File {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}
