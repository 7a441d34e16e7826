//! One cycle of publish. It takes the lease, which is the right to publish alone for some minutes.
//! Then it rebuilds the dirty months and calls the build hook.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::album_writer::{AlbumWriter, PublishedAlbums};
use super::changes_file::{CHANGES_FILE, ChangesFile, MonthChange};
use super::error::PublishError;
use super::event::{mark_changed_months, mark_every_month};
use super::facets_file::{FACETS_FILE, GalleryFacets};
use super::file_store::{FileHeaders, StaticFileStore, StoredETags};
use super::hook::BuildHook;
use super::hook_calls::{call_hook_if_due, parse_hook_state};
use super::index_file::{GalleryIndex, INDEX_FILE};
use super::lease::PublishLease;
use super::list_changes::PublishedMonths;
use super::list_progress::{ListProgress, needs_cycle, unmarked_months};
use super::list_writer::ListWriter;
use super::map_file::{GalleryMap, MAP_FILE};
use super::month_contents::MonthContents;
use super::page_files::{EMBED_FILE, PAGE_FILE, app_files, embed_module, page_html, page_version};
use super::rebuild::{MonthRebuilder, RebuiltMonth};
use super::schedule::{
    HookDecision, HookResponse, HookRules, HookState, MonthDecision, decide_month, month_is_due,
    shortened_hook_hold,
};
use super::stored_text::json_digest;
use super::text_writer::TextWriter;
use crate::catalogue::Catalogue;
use crate::catalogue::album_folders::AlbumFolders;
use crate::catalogue::published::{
    DirtyMonth, FilesState, PUBLISH_FORMAT_VERSION, PublishState, PublishTable, PublishedMonth,
    WaitingMonths,
};
use crate::catalogue::published_albums::PublishedAlbum;
use crate::map_tiles::MapTiles;
use crate::object::Bucket;
use crate::storage::Storage;
use crate::view::PublicView;

/// The maximum number of months in one batch. `index.json` is written after each batch.
const MONTHS_PER_BATCH: usize = 24;
/// The maximum number of months that are rebuilt at the same time. A large month may need 80 MB of
/// memory.
const CONCURRENT_MONTHS: usize = 3;
/// The size of the JSON of changed months, in bytes, after which a batch gets no further month. The
/// photos of a batch are kept in memory for the lists.
const MAX_BATCH_BYTES: usize = 64_000_000;

/// Keeps counts and static files up to date with the photos table.
#[derive(Debug, Clone)]
pub struct Publisher {
    catalogue: Catalogue,
    table: PublishTable,
    files: StaticFileStore,
    settings: Arc<PublishSettings>,
    lease: PublishLease,
}

/// The settings of publish.
#[derive(Debug, Clone)]
pub struct PublishSettings {
    /// The bucket of the static files. It is not the archive bucket, because these files are meant
    /// to be public.
    pub bucket: Bucket,
    /// The prefix of the static files in the bucket. It is empty or ends in `/`.
    pub prefix: String,
    /// The rules about what the public may see. They must be the same as the rules of the gallery.
    pub view: PublicView,
    /// The prefixes of source keys whose folders are albums. They must be the same as those of the
    /// gallery.
    pub album_folders: AlbumFolders,
    /// The server of the map tiles of the gallery page, if the owner has chosen one.
    pub map_tiles: Option<MapTiles>,
    /// `true` if the files are stored compressed, with `Content-Encoding: gzip`.
    pub compress: bool,
    /// The build hook, if there is one.
    pub hook: Option<BuildHook>,
    /// The limits of the build hook.
    pub rules: HookRules,
}

/// The result of one cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CycleReport {
    /// The number of months that were rebuilt.
    pub months: u64,
    /// The number of rebuilt months whose files have changed.
    pub changed: u64,
    /// The number of dirty months that a later cycle must rebuild. It is 0 if another process has
    /// the lease.
    pub deferred: u64,
    /// The response of the build hook, if it was called.
    pub hook: Option<HookResponse>,
}

/// The state of a running cycle. It is updated after each batch of months.
struct CycleProgress {
    now: DateTime<Utc>,
    /// All published months: a map from the name of a month to its item.
    months: BTreeMap<String, PublishedMonth>,
    /// All published albums.
    albums: PublishedAlbums,
    /// The ETags of the stored files at the start of the cycle. Each month is rebuilt at most once
    /// in a cycle, so the ETags of a month are still right when it is rebuilt.
    stored: StoredETags,
    /// The contents of `changes.json`.
    changes: ChangesFile,
    files: FilesState,
    hook: HookState,
    /// The months in which photos wait for their pictures.
    waiting: WaitingMonths,
    /// The state of the lists and of the text index.
    lists: ListProgress,
    /// `true` if this cycle has written `index.json`.
    has_index: bool,
    report: CycleReport,
}

/// The writes that a batch of months still needs after its files are written.
#[derive(Default)]
struct BatchWrites {
    /// The changes to append to `changes.json`.
    changes: Vec<MonthChange>,
    /// The paths of the files that must be deleted, because they no longer belong to a month.
    obsolete: BTreeSet<String>,
    /// The new items of the months, if they differ from the stored items.
    months: Vec<PublishedMonth>,
    /// The keys of the parts of the term index that must be deleted.
    obsolete_index: BTreeSet<String>,
    /// The dirty marks that must be removed, because the months are rebuilt.
    dirty: Vec<DirtyMonth>,
}

impl Publisher {
    /// Creates a publisher. It reads photos from `catalogue`, and writes counts and its state to
    /// `table` and static files to `storage`.
    pub fn new(
        catalogue: Catalogue,
        table: PublishTable,
        storage: Storage,
        settings: PublishSettings,
    ) -> Self {
        let (bucket, prefix) = (&settings.bucket, &settings.prefix);
        Publisher {
            catalogue,
            lease: PublishLease::new(table.clone()),
            table,
            files: StaticFileStore::new(storage, bucket, prefix, settings.compress),
            settings: Arc::new(settings),
        }
    }

    /// Handles a Lambda event, which is of one of two kinds:
    ///
    /// - A batch of records of the photos table's stream: marks the changed months as dirty.
    ///   Returns an empty list `batchItemFailures`.
    /// - Any other JSON object, such as an event of EventBridge's schedule: runs a cycle. Returns
    ///   the numbers of rebuilt months, of changed months and of months that are left for a later
    ///   cycle.
    ///
    /// `remaining` is the time until Lambda stops the function. A repeat is safe.
    ///
    /// # Errors
    /// Fails if the event has an unknown shape or a request failed. The whole event must then be
    /// delivered again.
    pub async fn handle_event(
        &self,
        event: &Value,
        now: DateTime<Utc>,
        remaining: Duration,
    ) -> Result<Value, PublishError> {
        if let Some(records) = event.get("Records").and_then(Value::as_array) {
            let is_stream_record = |record: &Value| {
                record.get("eventSource").and_then(Value::as_str) == Some("aws:dynamodb")
            };
            if !records.iter().all(is_stream_record) {
                return Err(PublishError::UnknownEvent);
            }
            self.mark_changed_months(records, now).await?;
            return Ok(json!({ "batchItemFailures": [] }));
        }
        // The payload of the schedule is defined in Terraform. A person may send any other object
        // to start a cycle.
        if !event.is_object() {
            return Err(PublishError::UnknownEvent);
        }
        let report = self.run_cycle(now, remaining).await?;
        Ok(json!({
            "months": report.months,
            "changed": report.changed,
            "left": report.deferred,
        }))
    }

    /// Marks as dirty the months that these stream records change. See [`mark_changed_months`].
    ///
    /// # Errors
    /// Fails if a request to the table failed. Some of the months may already be marked.
    pub async fn mark_changed_months(
        &self,
        records: &[Value],
        now: DateTime<Utc>,
    ) -> Result<(), PublishError> {
        mark_changed_months(&self.table, records, now).await
    }

    /// Runs a cycle: rebuilds the dirty months that are due, and then calls the build hook if a
    /// call is due. Does nothing if another process has the lease. `remaining` is the time that the
    /// cycle may take. When less than a third of it is left, no further batch of months is started.
    /// If nothing is due, a cycle costs two queries and no write.
    ///
    /// If the clock was set back, some stored times are in the future. The cycle corrects them, so
    /// that the work is done after the usual wait.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`]. A failed call of the hook is not an error.
    pub async fn run_cycle(
        &self,
        now: DateTime<Utc>,
        remaining: Duration,
    ) -> Result<CycleReport, PublishError> {
        let deadline = Instant::now() + remaining * 2 / 3;
        let dirty = self.table.dirty_months().await?;
        let mut state = self.table.state().await?;
        self.correct_future_times(&dirty, &mut state, now).await?;
        let is_new_view = state.files.view != self.view_fingerprint();
        let is_new_page = state.files.page != self.page_version();
        let hook_is_due = self.hook_is_due(parse_hook_state(&state)?, now);
        let has_due_work = dirty.iter().any(|month| month_is_due(month, now))
            || state.waiting.due(now).next().is_some()
            || state.album_update.is_some()
            || needs_cycle(&state.lists, &dirty);
        if !is_new_view && !is_new_page && !hook_is_due && !has_due_work {
            return Ok(CycleReport {
                deferred: dirty.len() as u64,
                ..CycleReport::default()
            });
        }
        if !self.lease.acquire(state.leased_until, now).await? {
            return Ok(CycleReport::default());
        }
        let result = self.run_under_lease(now, deadline).await;
        self.release_lease().await?;
        result
    }

    /// Releases the lease after an interrupted cycle, so that the next cycle need not wait until
    /// the lease ends. Does nothing if this process does not have the lease. A repeat is safe.
    ///
    /// # Errors
    /// Fails if the request to the table failed. The lease then ends by itself.
    pub async fn release_lease(&self) -> Result<(), PublishError> {
        self.lease.release().await
    }

    /// Corrects those stored times in the future that need no lease: the times of dirty months, and
    /// the end of the hook's delay by an import. Does nothing if there are none.
    async fn correct_future_times(
        &self,
        dirty: &[DirtyMonth],
        state: &mut PublishState,
        now: DateTime<Utc>,
    ) -> Result<(), PublishError> {
        for mark in dirty {
            if let MonthDecision::Correct { since } = decide_month(mark, now) {
                self.table.correct_mark(mark, since, now).await?;
            }
        }
        if let Some(from) = state.held_until
            && let Some(until) = shortened_hook_hold(from, now)
        {
            self.table.shorten_hook_hold(from, until).await?;
            state.held_until = Some(until);
        }
        Ok(())
    }

    /// Does the work of a cycle. The caller must have the lease. Reads the state again, because
    /// another process may have changed it before this process got the lease. Starts no batch of
    /// months after `deadline`.
    async fn run_under_lease(
        &self,
        now: DateTime<Utc>,
        deadline: Instant,
    ) -> Result<CycleReport, PublishError> {
        let state = self.table.state().await?;
        let is_new_view = state.files.view != self.view_fingerprint();
        let is_new_page = state.files.page != self.page_version();
        let mut progress = CycleProgress {
            now,
            months: BTreeMap::new(),
            albums: PublishedAlbums::new(),
            stored: StoredETags::new(),
            changes: ChangesFile::default(),
            hook: parse_hook_state(&state)?,
            files: FilesState {
                format: PUBLISH_FORMAT_VERSION,
                ..state.files
            },
            waiting: state.waiting,
            lists: ListProgress::new(state.lists, state.text),
            has_index: false,
            report: CycleReport::default(),
        };
        progress.lists.needs_albums |= state.album_update.is_some();
        if self.settings.hook.is_some() && progress.hook.correct_clock(now) {
            self.table.put_hook(&progress.hook).await?;
        }
        if is_new_view {
            self.read_published(&mut progress).await?;
            self.start_new_view(&mut progress).await?;
        }
        self.mark_waiting_months(&mut progress).await?;
        let dirty = self.table.dirty_months().await?;
        for month in unmarked_months(&progress.lists.pending, &dirty) {
            self.table.mark_dirty(month, now).await?;
        }
        let has_due_month = dirty.iter().any(|month| month_is_due(month, now));
        let has_work = is_new_view
            || is_new_page
            || has_due_month
            || progress.lists.needs_text
            || progress.lists.needs_albums
            || progress.lists.must_check_files();
        if has_work && let Some(requested) = state.list_check {
            self.start_list_check(&dirty, requested, &mut progress)
                .await?;
        }
        if has_work && !is_new_view {
            self.read_published(&mut progress).await?;
        }
        if has_work {
            self.put_modules(&mut progress).await?;
        }
        // Changes that were made under an earlier public view, for example under other privacy
        // settings, must not stay, even if no month changes. The file is replaced before the dirty
        // marks are removed. So if the cycle is interrupted here, the next cycle replaces it.
        if has_work && progress.changes.since < progress.files.changes_since {
            progress.changes = ChangesFile::empty(progress.files.generation);
            self.files.put_json(CHANGES_FILE, &progress.changes).await?;
        }
        let (mut due, later): (Vec<DirtyMonth>, Vec<DirtyMonth>) = dirty
            .into_iter()
            .partition(|month| is_new_view || month_is_due(month, now));
        let mut is_last = due.is_empty() || Instant::now() >= deadline;
        while !is_last {
            is_last = self
                .rebuild_batch(&mut due, &mut progress, deadline)
                .await?;
        }
        if has_work && due.is_empty() {
            let later = later.iter().map(|mark| mark.month.as_str()).collect();
            self.finish_lists(&later, &mut progress).await?;
            if let Some(generation) = state.album_update {
                self.table.clear_album_update(generation).await?;
            }
        }
        if has_work {
            self.record_lists(&mut progress).await?;
        }
        progress.report.deferred = (due.len() + later.len()) as u64;
        if has_work && !progress.has_index && (is_new_view || progress.lacks_index()) {
            self.put_index(&mut progress).await?;
        }
        if is_new_view && progress.report.changed == 0 {
            self.files
                .put_json(CHANGES_FILE, &ChangesFile::empty(progress.files.generation))
                .await?;
        }
        if is_new_page && progress.report.changed == 0 {
            self.table.put_files(&progress.files).await?;
        }
        if let Some(hook) = &self.settings.hook {
            let rules = &self.settings.rules;
            progress.report.hook =
                call_hook_if_due(&self.table, hook, rules, progress.hook, now).await?;
        }
        Ok(progress.report)
    }

    /// Marks as dirty the months in which photos have waited for their pictures for too long. A
    /// later cycle rebuilds these months, and lists the photos without pictures.
    async fn mark_waiting_months(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        let due: Vec<String> = progress.waiting.due(progress.now).cloned().collect();
        if due.is_empty() {
            return Ok(());
        }
        for month in due {
            self.table.mark_dirty(&month, progress.now).await?;
            progress.waiting.set(&month, None);
        }
        Ok(self.table.put_waiting(&progress.waiting).await?)
    }

    /// Reads what the earlier cycles have published: the items of the months, the list of the
    /// stored files, and `changes.json`.
    ///
    /// If an earlier cycle was interrupted, the generation in `changes.json` may be higher than the
    /// stored generation. The next generation must be higher than both. Otherwise, a reader that
    /// has read the files of the interrupted cycle would miss the next change.
    async fn read_published(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        let months = self.table.months().await?.into_iter();
        progress.months = months.map(|month| (month.month.clone(), month)).collect();
        let albums = self.table.published_albums().await?.into_iter();
        progress.albums = albums.map(|album| (album.slug.clone(), album)).collect();
        progress.stored = self.files.list_files().await?;
        if progress.stored.contains_key(CHANGES_FILE) {
            let json = self
                .files
                .read_json(CHANGES_FILE)
                .await?
                .unwrap_or_default();
            // If the file cannot be parsed, it is replaced, and readers read everything again.
            progress.changes = serde_json::from_slice(&json).unwrap_or_default();
        }
        let written = progress.changes.generation;
        progress.files.generation = progress.files.generation.max(written);
        Ok(())
    }

    /// Writes the modules of the gallery page, if this version of the page was not written yet, or
    /// if a file of the page is missing. Each page that this cycle writes imports them.
    async fn put_modules(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        let has_embed_file = progress.stored.contains_key(EMBED_FILE);
        let version = self.page_version();
        if progress.files.page == version && has_embed_file {
            return Ok(());
        }
        for (path, text) in app_files() {
            let headers = if path.ends_with(".css") {
                FileHeaders::IMMUTABLE_STYLE_SHEET
            } else {
                FileHeaders::IMMUTABLE_MODULE
            };
            self.files.put_text(&path, text.as_bytes(), headers).await?;
        }
        let text = embed_module();
        self.files
            .put_text(EMBED_FILE, text.as_bytes(), FileHeaders::MODULE)
            .await?;
        // The page must be written too. It may link the modules of another version.
        progress.stored.remove(PAGE_FILE);
        progress.files.page = version;
        Ok(())
    }

    /// Marks all months as dirty, because the public view has changed. Stores the fingerprint of
    /// the new view. The next write of `changes.json` drops the changes that were made under the
    /// previous view.
    async fn start_new_view(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        let months = mark_every_month(&self.catalogue, &self.table, progress.now).await?;
        // Before the view is stored. So if the cycle is interrupted here, the next one starts
        // again.
        progress.lists.check_all(months);
        self.table
            .put_pending_lists(&progress.lists.pending)
            .await?;
        progress.lists.mark_recorded();
        progress.files.view = self.view_fingerprint();
        progress.files.changes_since = progress.files.generation;
        self.table.put_files(&progress.files).await?;
        Ok(())
    }

    /// Starts a check of all lists, which was requested at the time `requested`. The lists of each
    /// dirty month are then compared with their files, and other files are deleted.
    async fn start_list_check(
        &self,
        dirty: &[DirtyMonth],
        requested: DateTime<Utc>,
        progress: &mut CycleProgress,
    ) -> Result<(), PublishError> {
        let months = dirty.iter().map(|month| month.month.clone());
        progress.lists.check_all(months);
        self.table
            .put_pending_lists(&progress.lists.pending)
            .await?;
        progress.lists.mark_recorded();
        Ok(self.table.clear_list_check(requested).await?)
    }

    /// Rebuilds the first of these months: writes their files, lists, counts and items, and removes
    /// their dirty marks. Leaves the other months in `due`.
    async fn rebuild_batch(
        &self,
        due: &mut Vec<DirtyMonth>,
        progress: &mut CycleProgress,
        deadline: Instant,
    ) -> Result<bool, PublishError> {
        let mut rebuilt = self.rebuild_months(due, progress).await?;
        progress.report.months += rebuilt.len() as u64;
        let waited = progress.waiting.clone();
        for built in &rebuilt {
            progress.waiting.set(&built.dirty.month, built.waits_until);
        }
        if progress.waiting != waited {
            self.table.put_waiting(&progress.waiting).await?;
        }
        self.update_lists(&mut rebuilt, progress).await?;
        let names: Vec<String> = rebuilt
            .iter()
            .map(|built| built.dirty.month.clone())
            .collect();
        let writes = progress.add_rebuilt_months(rebuilt);
        // At the deadline too: the words of a hidden photo must not stay until all months are
        // rebuilt.
        let is_last = due.is_empty() || Instant::now() >= deadline;
        if is_last && progress.lists.needs_text {
            self.write_text(progress).await?;
        }
        self.write_batch(writes, progress).await?;
        progress.lists.finish_months(&names);
        Ok(is_last)
    }

    /// Rebuilds the first of these months, as many as a batch may have. Removes them from `due`.
    async fn rebuild_months(
        &self,
        due: &mut Vec<DirtyMonth>,
        progress: &CycleProgress,
    ) -> Result<Vec<RebuiltMonth>, PublishError> {
        let rebuilder = MonthRebuilder {
            catalogue: &self.catalogue,
            table: &self.table,
            files: &self.files,
            stored: &progress.stored,
            view: &self.settings.view,
            pending: &progress.lists.pending,
            now: progress.now,
        };
        let months = &progress.months;
        let bytes = &AtomicUsize::new(0);
        let mut waiting = due.iter().take(MONTHS_PER_BATCH).cloned();
        let batch = std::iter::from_fn(|| {
            let is_full = bytes.load(Ordering::Relaxed) >= MAX_BATCH_BYTES;
            if is_full { None } else { waiting.next() }
        });
        let rebuilt: Vec<RebuiltMonth> = stream::iter(batch)
            .map(|dirty| {
                let before = months.get(&dirty.month).cloned();
                let rebuild = rebuilder.rebuild(dirty, before);
                async move {
                    let built = rebuild.await?;
                    let size = built.contents.as_ref().map_or(0, MonthContents::bytes);
                    bytes.fetch_add(size, Ordering::Relaxed);
                    Ok::<_, PublishError>(built)
                }
            })
            .buffered(CONCURRENT_MONTHS)
            .try_collect()
            .await?;
        due.drain(..rebuilt.len());
        Ok(rebuilt)
    }

    /// Writes the lists that the rebuilt months change. First records the months and the lists, so
    /// that the next cycle checks them if this one is interrupted.
    async fn update_lists(
        &self,
        rebuilt: &mut [RebuiltMonth],
        progress: &mut CycleProgress,
    ) -> Result<(), PublishError> {
        let writer = self.list_writer(progress);
        let changes = writer
            .find_changes(rebuilt, &progress.lists.pending)
            .await?;
        let needs_text = progress.lists.needs_text || changes.changes_text;
        let needs_albums = progress.lists.needs_albums || changes.changes_albums();
        if !changes.is_empty() || changes.changes_text || changes.changes_albums() {
            let mut pending = progress.lists.pending.clone();
            changes.add_to(&mut pending);
            pending.text |= needs_text;
            pending.albums |= needs_albums;
            self.table.put_pending_lists(&pending).await?;
            writer
                .apply_changes(changes, &progress.lists.pending)
                .await?;
            progress.lists.set_recorded(&pending);
        }
        progress.lists.needs_text = needs_text;
        progress.lists.needs_albums = needs_albums;
        Ok(())
    }

    /// Writes the shards of the text index that have changed. The term indexes of all months must
    /// be stored. Obsolete shards are deleted at the end of the cycle, when `facets.json` does not
    /// name them any more.
    async fn write_text(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        let writer = TextWriter {
            table: &self.table,
            files: &self.files,
        };
        let lists = &mut progress.lists;
        let before = (!lists.has_unknown_text).then_some(&lists.shards);
        let generation = progress.files.generation;
        let written = writer.write(&progress.months, before, generation).await?;
        lists.set_shards(written.shards, written.obsolete);
        if written.lost.is_empty() {
            return Ok(());
        }
        // The rebuild of these months stores their term index, and then the text index is written
        // again.
        self.table.request_list_check(progress.now).await?;
        for month in written.lost {
            self.table.mark_dirty(&month, progress.now).await?;
        }
        Ok(())
    }

    /// Writes the files of the albums that have changed, and deletes those of albums that are not
    /// public any more. The files and the term indexes of all months must be stored. `later` are
    /// the dirty months that this cycle does not rebuild.
    ///
    /// The items of the albums are written last. So if the cycle is interrupted, the next one finds
    /// the same difference, and gives it a generation and a call of the hook again.
    async fn write_albums(
        &self,
        later: &BTreeSet<&str>,
        progress: &mut CycleProgress,
    ) -> Result<(), PublishError> {
        let before = std::mem::take(&mut progress.albums);
        let privacy = self.settings.view.privacy_fingerprint();
        let writer = self.album_writer(&progress.months, &privacy);
        let checks_files = progress.lists.has_unknown_albums;
        let plan = writer.plan(&before, checks_files).await?;
        let has_changes = !plan.is_empty(&before);
        if has_changes && let Some(record) = progress.lists.record_of_albums() {
            self.table.put_pending_lists(&record).await?;
            progress.lists.set_recorded(&record);
        }
        let written = writer.write(plan, &before).await?;
        progress.albums = written.albums;
        let is_same = |(old, new): (&PublishedAlbum, &PublishedAlbum)| old.is_same_content(new);
        let has_same_slugs = before.keys().eq(progress.albums.keys());
        if !has_same_slugs || !before.values().zip(progress.albums.values()).all(is_same) {
            self.put_album_generation(progress).await?;
        }
        for path in &written.obsolete {
            self.files.delete(path).await?;
        }
        for (slug, album) in &progress.albums {
            if before.get(slug) != Some(album) {
                self.table.put_published_album(album).await?;
            }
        }
        for slug in before.keys() {
            if !progress.albums.contains_key(slug) {
                self.table.delete_published_album(slug).await?;
            }
        }
        progress.lists.finish_albums(written.lost.is_empty());
        for month in written.lost {
            if !later.contains(month.as_str()) {
                self.table.mark_dirty(&month, progress.now).await?;
            }
        }
        Ok(())
    }

    /// Gives the static files the next generation, because albums have changed.
    async fn put_album_generation(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        progress.files.generation += 1;
        progress.hook.add_change(0, None, None, progress.now);
        let changes = std::mem::take(&mut progress.changes);
        let FilesState {
            generation,
            changes_since,
            ..
        } = progress.files;
        progress.changes = changes.advance(changes_since, generation);
        self.files.put_json(CHANGES_FILE, &progress.changes).await?;
        self.put_index(progress).await?;
        self.table.put_files(&progress.files).await?;
        Ok(self.table.put_hook(&progress.hook).await?)
    }

    fn album_writer<'a>(
        &'a self,
        published: &'a PublishedMonths,
        privacy: &'a str,
    ) -> AlbumWriter<'a> {
        AlbumWriter {
            catalogue: &self.catalogue,
            table: &self.table,
            files: &self.files,
            published,
            folders: &self.settings.album_folders,
            privacy,
        }
    }

    /// Does what remains after the last batch: writes the text index if no batch has done so,
    /// updates the albums, checks the files of all lists if that is necessary, and deletes obsolete
    /// shards. `later` are the dirty months that this cycle does not rebuild.
    async fn finish_lists(
        &self,
        later: &BTreeSet<&str>,
        progress: &mut CycleProgress,
    ) -> Result<(), PublishError> {
        if progress.lists.needs_text {
            self.write_text(progress).await?;
        }
        if progress.lists.needs_albums {
            self.write_albums(later, progress).await?;
        }
        if progress.lists.has_old_facets {
            self.put_index(progress).await?;
        }
        if progress.lists.must_check_files() {
            self.list_writer(progress).check_all().await?;
            progress.lists.pending.all = false;
        }
        for path in std::mem::take(&mut progress.lists.obsolete_text) {
            self.files.delete(&path).await?;
        }
        if std::mem::take(&mut progress.lists.has_new_shards) {
            self.table.put_text_shards(&progress.lists.shards).await?;
        }
        Ok(())
    }

    /// Writes or removes the record of the pending lists at the end of a cycle.
    async fn record_lists(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        match progress.lists.final_record() {
            None => {}
            Some(pending) if pending.is_empty() => self.table.delete_pending_lists().await?,
            Some(pending) => self.table.put_pending_lists(&pending).await?,
        }
        Ok(())
    }

    fn list_writer<'a>(&'a self, progress: &'a CycleProgress) -> ListWriter<'a> {
        ListWriter {
            table: &self.table,
            files: &self.files,
            published: &progress.months,
            now: progress.now,
        }
    }

    /// Writes `changes.json`, the files that are made of all months, the state and the items of a
    /// batch of months, and removes the dirty marks. The caller must write the files of the months
    /// first. The order of these writes makes it safe to interrupt a cycle between any two of them:
    /// see [`crate::publish`].
    async fn write_batch(
        &self,
        writes: BatchWrites,
        progress: &mut CycleProgress,
    ) -> Result<(), PublishError> {
        if !writes.changes.is_empty() {
            let changes = std::mem::take(&mut progress.changes);
            let since = progress.files.changes_since;
            progress.changes = changes.append(since, writes.changes);
            self.files.put_json(CHANGES_FILE, &progress.changes).await?;
            self.put_index(progress).await?;
            for path in &writes.obsolete {
                self.files.delete(path).await?;
            }
            self.table.put_files(&progress.files).await?;
            self.table.put_hook(&progress.hook).await?;
        } else if writes.months.iter().any(|month| month.photos > 0) {
            // Only counts have changed, after an update of this program.
            self.put_index(progress).await?;
        }
        stream::iter(writes.months)
            .map(|month| async move { self.table.put_month(&month).await })
            .buffer_unordered(CONCURRENT_MONTHS)
            .try_collect::<()>()
            .await?;
        self.table.bump_counts_version().await?;
        for key in &writes.obsolete_index {
            self.table.delete_index_part(key).await?;
        }
        stream::iter(writes.dirty)
            .map(|dirty| async move { self.table.clear_dirty(&dirty).await })
            .buffer_unordered(CONCURRENT_MONTHS)
            .try_collect::<()>()
            .await?;
        Ok(())
    }

    /// Writes the files that are made of all months: `facets.json`, `map.json`, `index.json` and
    /// the page.
    async fn put_index(&self, progress: &mut CycleProgress) -> Result<(), PublishError> {
        let generation = progress.files.generation;
        let shards = progress.lists.shards.shards.keys();
        let facets = GalleryFacets::new(generation, &progress.months, &progress.albums, shards);
        self.files.put_json(FACETS_FILE, &facets).await?;
        let map = GalleryMap::new(generation, &progress.months, &self.settings.view);
        self.files.put_json(MAP_FILE, &map).await?;
        let (now, months) = (progress.now, &progress.months);
        let index = GalleryIndex::new(generation, now, map.photos(), months);
        self.files.put_json(INDEX_FILE, &index).await?;
        let html = page_html(months, self.settings.map_tiles.as_ref());
        self.files
            .put_text(PAGE_FILE, html.as_bytes(), FileHeaders::PAGE)
            .await?;
        progress.has_index = true;
        progress.lists.has_old_facets = false;
        Ok(())
    }

    /// Returns the version of the gallery page with the settings of this publisher.
    fn page_version(&self) -> String {
        page_version(self.settings.map_tiles.as_ref())
    }

    /// Returns a digest of the public view, the format version and whether folders are albums. If
    /// two views show a photo differently, their digests differ.
    fn view_fingerprint(&self) -> String {
        let settings = &self.settings;
        let mut text = format!("{PUBLISH_FORMAT_VERSION} {:?}", settings.view);
        if !settings.album_folders.is_empty() {
            text.push_str(" album folders");
        }
        json_digest(text.as_bytes())
    }

    /// Reports whether the hook must be called, or its state must be corrected because the clock
    /// was set back.
    fn hook_is_due(&self, mut hook: HookState, now: DateTime<Utc>) -> bool {
        let is_wrong = hook.correct_clock(now);
        let decision = hook.decide(&self.settings.rules, now);
        self.settings.hook.is_some() && (is_wrong || decision == HookDecision::Call)
    }
}

impl CycleProgress {
    /// Reports whether `index.json`, `facets.json`, `map.json` or the page was missing when the
    /// cycle started.
    fn lacks_index(&self) -> bool {
        let files = [INDEX_FILE, FACETS_FILE, MAP_FILE, PAGE_FILE];
        files.iter().any(|file| !self.stored.contains_key(*file))
    }

    /// Replaces the items of the rebuilt months in `months`, and removes months without photos.
    /// Gives each month whose files have changed the next generation. Returns what must still be
    /// written.
    fn add_rebuilt_months(&mut self, rebuilt: Vec<RebuiltMonth>) -> BatchWrites {
        let mut writes = BatchWrites::default();
        for RebuiltMonth {
            dirty,
            month,
            change,
            obsolete_index,
            waits_until: _,
            contents: _,
        } in rebuilt
        {
            writes.obsolete_index.extend(obsolete_index);
            if let Some(change) = change {
                self.report.changed += 1;
                self.files.generation += 1;
                let difference = change.difference;
                // After an interrupted cycle the difference may be empty, although earlier changes
                // of the month were never listed.
                let photos = difference.photos.max(1);
                let (from, to) = (difference.from.clone(), difference.to.clone());
                self.hook.add_change(photos, from, to, self.now);
                let listed = change.is_complete.then_some(difference);
                let change_entry = MonthChange::new(self.files.generation, &dirty.month, listed);
                writes.changes.push(change_entry);
                writes.obsolete.extend(change.obsolete);
            }
            if self.months.get(&dirty.month) != Some(&month) {
                self.months.insert(dirty.month.clone(), month.clone());
                writes.months.push(month);
            }
            writes.dirty.push(dirty);
        }
        self.months.retain(|_, month| month.photos > 0);
        writes
    }
}
