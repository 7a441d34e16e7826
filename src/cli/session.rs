//! Opens the stores that a command reads or changes: the buckets and tables. Also creates an ingest
//! that works on these stores. The stores are in a data folder or elsewhere. A data folder is
//! *served* if a `photos serve` runs on it, and otherwise *at rest*.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::bail;
use chrono::Utc;
use clap::Args;
use futures::TryStreamExt;
use s3_folder::{DeadLetter, S3Store};
use tokio::time::timeout;

use super::data_dir::{self, DataDirLock, LockOutcome};
use super::engine_client;
use super::engines::{EmbeddedEngines, check_folder_version, check_table_versions, create_stores};
use super::flags::{
    ArchiveFlags, DataFlags, IngestFlags, KeyPairFlags, PictureFlags, PrivacyFlags, PublishFlags,
    StoreEndpointFlags, TableFlags,
};
use super::key_pair_file::StoredKeyPair;
use super::picture_process::picture_renderer;
use super::picture_worker::PictureQueue;
use super::progress::eprint_message;
use super::shutdown::ServiceTasks;
use super::stream_poller::{StreamEnd, StreamPoller};
use crate::archive::Layout;
use crate::catalogue::Catalogue;
use crate::catalogue::picture_work::PictureWork;
use crate::catalogue::published::PublishTable;
use crate::clients::{self, Endpoints};
use crate::config::{self, Settings, SettingsError};
use crate::ingest::{Ingest, ItemRules, Outcome};
use crate::object::Bucket;
use crate::photo_id::PhotoId;
use crate::publish;
use crate::render::Render;
use crate::services::{RenderSetupError, Services};
use crate::skipped_names::SkippedNames;
use crate::storage::Storage;

/// The maximum number of batches of notifications that are processed at the same time. A batch has
/// at most ten notifications.
const BATCHES: usize = 8;
/// The maximum number of keys in [`IndexedKeys`]. If the background ingest indexes more files
/// during an import, the report of the import counts some new photos as known.
const MAX_REMEMBERED: usize = 100_000;
/// The maximum time that the background tasks may take at the end of a session to finish their
/// running work.
const GRACE: Duration = Duration::from_secs(8);
/// The time between two checks whether notifications are still undelivered, while a session closes.
const POLL: Duration = Duration::from_millis(50);

/// The flags that name the stores. They are the flags of `photos serve` and the variables of the
/// Lambda functions.
#[derive(Debug, Args)]
// These flags are hidden, because most commands do not need them. Commands that copy files or change
// the plan of pictures follow the variables of the same meaning.
#[command(mut_arg("source_after", |flag| flag.hide(true)))]
#[command(mut_arg("archive_storage_class", |flag| flag.hide(true)))]
#[command(mut_arg("gallery_bucket", |flag| flag.hide(true)))]
#[command(mut_arg("gallery_prefix", |flag| flag.hide(true)))]
#[command(mut_arg("renditions", |flag| flag.hide(true)))]
#[command(mut_arg("originals", |flag| flag.hide(true)))]
pub(super) struct StoreOptions {
    #[command(flatten)]
    data: DataFlags,
    #[command(flatten)]
    key_pair: KeyPairFlags,
    #[command(flatten)]
    archive: ArchiveFlags,
    #[command(flatten)]
    ingest: IngestFlags,
    #[command(flatten)]
    tables: TableFlags,
    #[command(flatten)]
    privacy: PrivacyFlags,
    #[command(flatten)]
    pictures: PictureFlags,
    #[command(flatten)]
    gallery: PublishFlags,
    /// Work on AWS, with the region and credentials that AWS's own tools use.
    #[arg(long)]
    aws: bool,
    #[command(flatten)]
    endpoints: StoreEndpointFlags,
}

/// The purpose for which a command opens the stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionPurpose {
    /// The command changes nothing. It works on a data folder that is read-only.
    Read,
    /// The command changes photos.
    Write,
    /// The command changes photos. If no `photos serve` runs on the data folder, this process also
    /// ingests the objects for which the embedded S3 server sends notifications.
    Ingest,
}

/// The connected stores of a command, with an ingest for them. If the stores are in a data folder
/// on which no `photos serve` runs, the folder is locked. Its engines are open in this process
/// until [`Session::close`].
pub(super) struct Session {
    pub(super) storage: Storage,
    pub(super) catalogue: Catalogue,
    pub(super) published: PublishTable,
    pub(super) ingest: Ingest,
    /// The rules by which this command indexes photos.
    pub(super) rules: ItemRules,
    /// `true` if an ingest runs in the background and processes the notifications of these stores.
    /// The background ingest may run in another process.
    pub(super) has_background_ingest: bool,
    /// The archive keys that the background ingest has indexed, if it runs in this process.
    pub(super) indexed: IndexedKeys,
    /// `true` if the command may change photos.
    writes: bool,
    /// `true` if [`Session::close`] must mark all months as dirty. This is necessary if the command
    /// may change photos and no process reads the stream of the photos table for publish.
    marks_on_close: bool,
    services: Services,
    /// The path of the data folder. `None` if the stores are outside a data folder.
    data: Option<PathBuf>,
    engines: Option<SessionEngines>,
    /// The end of the stream of the photos table, if this process reads the stream.
    stream_end: Option<StreamEnd>,
}

/// The archive keys that the background ingest has indexed in this session, at most
/// [`MAX_REMEMBERED`] of them. All clones share one set.
#[derive(Clone, Default)]
pub(super) struct IndexedKeys(Arc<Mutex<HashSet<String>>>);

/// A function that returns the number of notifications that the background ingest has not processed
/// yet. It returns `None` if the background ingest runs in another process.
pub(super) type BacklogProbe = Box<dyn Fn() -> Option<u64> + Send>;

/// The embedded engines of a data folder that are open in this process, and the tasks that use them.
struct SessionEngines {
    engines: EmbeddedEngines,
    /// The tasks of ingest and of the stream poller.
    background: ServiceTasks,
    _lock: DataDirLock,
}

impl IndexedKeys {
    fn add(&self, key: &str) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() < MAX_REMEMBERED {
            keys.insert(key.to_owned());
        }
    }

    /// Removes a key. Returns `true` if it was in the set.
    pub(super) fn remove(&self, key: &str) -> bool {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(key)
    }
}

impl StoreOptions {
    /// Returns the path of the data folder. It is not used if the stores are outside a data folder.
    pub(super) fn data_dir(&self) -> &PathBuf {
        &self.data.data
    }

    /// Returns the layout: the buckets and prefixes of source and archive.
    ///
    /// # Errors
    /// Fails if the settings do not form a valid layout, for example because source and archive
    /// overlap.
    pub(super) fn layout(&self) -> anyhow::Result<Layout> {
        Ok(self.archive.settings().layout()?)
    }

    /// Returns the names that are never a photo's.
    ///
    /// # Errors
    /// Fails if a setting of ingest is wrong, or if the data folder's settings cannot be read.
    pub(super) fn skipped_names(&self) -> anyhow::Result<SkippedNames> {
        Ok(self.settings()?.ingest()?.skipped_names)
    }

    /// Returns the path of the archive in the data folder, or `None` if the stores are outside a
    /// data folder.
    pub(super) fn archive_folder(&self) -> Option<PathBuf> {
        let mut folder = self.data.data.join(&self.archive.archive_bucket);
        folder.extend(self.archive.archive_prefix.split_terminator('/'));
        (!self.is_elsewhere()).then_some(folder)
    }

    /// Reports whether the stores exist, without creating them. Stores outside a data folder count
    /// as existing.
    pub(super) fn exists(&self) -> bool {
        self.is_elsewhere() || data_dir::has_catalogue(&self.data.data)
    }

    /// Opens stores that exist already. The ingest of the session reads from the configured source
    /// and writes to the configured archive.
    ///
    /// # Errors
    /// Fails if there is no catalogue, or if a store cannot be opened.
    pub(super) async fn open_existing(&self, purpose: SessionPurpose) -> anyhow::Result<Session> {
        if !self.exists() {
            bail!(
                "there is no catalogue in {}; name the data folder of `photos serve` with --data",
                self.data.data.display()
            );
        }
        self.open(self.layout()?, purpose).await
    }

    /// Opens the stores. The ingest of the session reads from the source of `layout` and writes to
    /// the archive of `layout`. Creates the data folder if it does not exist.
    ///
    /// # Errors
    /// Fails if a setting is wrong, if a store cannot be opened, or if a store does not support
    /// what the settings require.
    pub(super) async fn open(
        &self,
        layout: Layout,
        purpose: SessionPurpose,
    ) -> anyhow::Result<Session> {
        let settings = self.settings()?;
        let mut session = if self.is_elsewhere() {
            self.open_elsewhere(&settings, layout, purpose).await?
        } else {
            let data = &self.data.data;
            let lock = match purpose {
                SessionPurpose::Read => data_dir::lock_to_read(data)?,
                SessionPurpose::Write | SessionPurpose::Ingest => data_dir::lock(data)?,
            };
            match lock {
                LockOutcome::InUse(None) => bail!(
                    "{} is in use by a process that is starting or stopping; try again",
                    data.display()
                ),
                LockOutcome::InUse(Some(mut running)) => {
                    self.key_pair.replace_in(&mut running.key_pair);
                    let (sdk, endpoints) = engine_client::of_running_serve(&running);
                    let services = Services::connect(&settings, &sdk, &endpoints)?;
                    let mut session = Session::new(&services, layout)?;
                    session.has_background_ingest = true;
                    session
                }
                LockOutcome::Acquired(lock) => {
                    self.open_at_rest(&settings, lock, layout, purpose).await?
                }
            }
        };
        session.data = (!self.is_elsewhere()).then(|| self.data.data.clone());
        session.writes = purpose != SessionPurpose::Read;
        if let Err(error) = check_table_versions(&session.catalogue, &session.published).await {
            session.marks_on_close = false;
            session.close(true).await;
            return Err(error);
        }
        if purpose != SessionPurpose::Read {
            let tail = std::process::id().to_string();
            if let Err(error) = session.ingest.check_store_capabilities(&tail).await {
                // Nothing has changed, so publish has nothing to rebuild.
                session.marks_on_close = false;
                session.close(true).await;
                return Err(error.into());
            }
        }
        Ok(session)
    }

    async fn open_elsewhere(
        &self,
        settings: &Settings,
        layout: Layout,
        purpose: SessionPurpose,
    ) -> anyhow::Result<Session> {
        let endpoints = Endpoints {
            s3: self.endpoints.s3_endpoint.clone(),
            dynamodb: self.endpoints.tables.dynamodb_endpoint.clone(),
        };
        if !self.aws && (endpoints.s3.is_none() || endpoints.dynamodb.is_none()) {
            bail!(
                "--s3-endpoint and --dynamodb-endpoint go together; with --aws, the one that is not \
                 set is on AWS"
            );
        }
        let writes = purpose != SessionPurpose::Read;
        if writes {
            require_location(settings)?;
        }
        let sdk = clients::from_environment().await;
        let services = Services::connect(settings, &sdk, &endpoints)?;
        let mut session = Session::new(&services, layout)?;
        session.marks_on_close = writes && endpoints.dynamodb.is_some();
        Ok(session)
    }

    async fn open_at_rest(
        &self,
        settings: &Settings,
        lock: DataDirLock,
        layout: Layout,
        purpose: SessionPurpose,
    ) -> anyhow::Result<Session> {
        let data = &self.data.data;
        if purpose != SessionPurpose::Read && data_dir::privacy(data)?.is_empty() {
            check_folder_version(data)?;
            lock.keep_privacy(settings)?;
        }
        let own = settings.layout()?;
        // Only this process sends requests, so the key pair is of no use to others.
        let key_pair = StoredKeyPair::random()?;
        let engines = match purpose {
            SessionPurpose::Read => EmbeddedEngines::open_to_read(data, key_pair)?,
            SessionPurpose::Write | SessionPurpose::Ingest => {
                EmbeddedEngines::open(data, &own, key_pair)?
            }
        };
        let background = ServiceTasks::new();
        let (sdk, endpoints) = engine_client::in_process(&engines);
        let services = Services::connect(settings, &sdk, &endpoints)?;
        let mut session = Session::new(&services, layout)?;
        if purpose == SessionPurpose::Read {
            for bucket in [own.source_bucket(), own.archive_bucket()] {
                // If another program made the folder of a bucket, this call registers the bucket.
                // It changes only the copy of the database. A bucket without a folder is reported
                // when it is listed.
                let _ = services.storage.create_bucket(bucket).await;
            }
        } else {
            create_stores(&services).await?;
        }
        // Other programs may have put files into the folder. A listing must show them.
        let store = engines.store.clone();
        tokio::task::spawn_blocking(move || store.rescan()).await?;
        if purpose == SessionPurpose::Ingest {
            session.has_background_ingest = true;
            let indexed = session.indexed.clone();
            start_ingest(&background, &engines, &services, indexed)?;
            // The stream is read too, because the engine scans all unread records of the stream at
            // every write.
            let dynamodb = engines.dynamodb.clone();
            let pictures = session.picture_queue().await?;
            let poller = StreamPoller::new(&sdk, &endpoints, dynamodb, &services, pictures)?;
            session.stream_end = Some(poller.end());
            poller.start(&background);
        }
        session.engines = Some(SessionEngines {
            engines,
            background,
            _lock: lock,
        });
        Ok(session)
    }

    fn is_elsewhere(&self) -> bool {
        self.aws
            || self.endpoints.s3_endpoint.is_some()
            || self.endpoints.tables.dynamodb_endpoint.is_some()
    }

    /// Returns the settings from the flags and variables. If the stores are in a data folder, a
    /// privacy setting that is not given has the value that is stored in the folder. If no value is
    /// stored, the setting has the default for a gallery that only this machine can reach.
    fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::default();
        if !self.is_elsewhere() {
            settings.set(config::LOCATION, "exact");
            settings.extend(data_dir::privacy(&self.data.data)?);
        }
        settings.extend_unless_empty(self.privacy.settings());
        settings.extend_unless_empty(self.pictures.settings());
        settings.extend(self.archive.settings());
        settings.extend(self.ingest.settings());
        settings.extend(self.tables.settings());
        settings.extend(self.gallery.settings());
        Ok(settings)
    }
}

/// Checks that the setting LOCATION, which is the location policy, is set.
///
/// # Errors
/// Fails if LOCATION is not set. The error text explains which value to give.
pub(super) fn require_location(settings: &Settings) -> anyhow::Result<()> {
    if !settings.contains(config::LOCATION) {
        bail!(
            "LOCATION is not set; give --location the value that the functions there have, since a \
             photo is indexed by it"
        );
    }
    Ok(())
}

/// Starts an ingest that processes the notifications of the embedded S3 server. It always uses the
/// configured source and archive. That is correct even if an import reads from another bucket,
/// because other buckets send no notifications.
fn start_ingest(
    background: &ServiceTasks,
    engines: &EmbeddedEngines,
    services: &Services,
    indexed: IndexedKeys,
) -> anyhow::Result<()> {
    // An import makes thousands of writes. They are synced to the disk once for each batch, instead
    // of once for each write.
    engines.dynamodb.defer_sync()?;
    let ingest = services.ingest()?.with_observer(move |report| {
        if matches!(report.result, Ok(Outcome::Indexed)) {
            indexed.add(&report.object.key);
        }
    });
    let engines = engines.clone();
    background.spawn("ingest", |shutdown| async move {
        let store = engines.store.clone();
        let handler = move |event| {
            let (ingest, engines) = (ingest.clone(), engines.clone());
            async move {
                let handled = ingest.handle_event(&event).await;
                let handled = handled.map_err(|error| error.to_string())?;
                // The sync must come before the notification is acknowledged. Otherwise a power cut
                // could lose both the notification and its effect.
                engines.sync().await.map_err(|error| error.to_string())?;
                Ok(handled)
            }
        };
        store
            .deliver_notifications(BATCHES, handler, shutdown.cancelled_owned())
            .await;
        Ok(())
    });
    Ok(())
}

impl Session {
    fn new(services: &Services, layout: Layout) -> anyhow::Result<Self> {
        Ok(Session {
            storage: services.storage.clone(),
            catalogue: services.catalogue.clone(),
            published: services.published()?,
            ingest: services.ingest_between(layout)?,
            rules: services.settings().item_rules()?,
            has_background_ingest: false,
            indexed: IndexedKeys::default(),
            writes: false,
            marks_on_close: false,
            services: services.clone(),
            data: None,
            engines: None,
            stream_end: None,
        })
    }

    /// Builds the service that makes pictures. It renders AVIFs in processes of their own.
    ///
    /// # Errors
    /// Fails if a setting is wrong, or if the catalogue cannot be read.
    pub(super) async fn render(&self) -> Result<Render, RenderSetupError> {
        let render = self.services.render(None).await?;
        Ok(render.with_renderer(picture_renderer()))
    }

    /// Returns the queue of the photos whose pictures need work.
    ///
    /// # Errors
    /// Fails if a setting is wrong, or if the catalogue cannot be read.
    pub(super) async fn picture_queue(&self) -> anyhow::Result<PictureQueue> {
        Ok(PictureQueue::new(
            self.published.clone(),
            self.render().await?,
        ))
    }

    /// Waits until all changes of photos are processed: their months are marked, and their pictures are
    /// queued. Returns at once if this process does not read the stream of the photos table.
    pub(super) async fn wait_for_stream(&self) {
        if let Some(end) = &self.stream_end {
            end.wait().await;
        }
    }

    /// Returns the bucket of the static gallery files, and their prefix.
    ///
    /// # Errors
    /// Fails if the bucket is not set.
    pub(super) fn gallery(&self) -> Result<(Bucket, &str), SettingsError> {
        let settings = self.services.settings();
        Ok((settings.gallery_bucket()?, settings.gallery_prefix()))
    }

    /// Returns the embedded S3 store, or `None` if it does not run in this process.
    pub(super) fn store(&self) -> Option<&S3Store> {
        let engines = self.engines.as_ref()?;
        Some(&engines.engines.store)
    }

    /// Lists the dead letters of the embedded S3 store: the changes that ingest could not process
    /// in 20 attempts. Returns an empty list if the stores are outside a data folder.
    ///
    /// # Errors
    /// Fails if the database of the store cannot be read.
    pub(super) fn dead_letters(&self) -> anyhow::Result<Vec<DeadLetter>> {
        Ok(match (self.store(), &self.data) {
            (Some(store), _) => store.list_dead_letters()?,
            (None, Some(data)) => S3Store::list_dead_letters_of(data)?,
            (None, None) => Vec::new(),
        })
    }

    /// Reports whether the stores are in a data folder, served or at rest.
    pub(super) fn is_in_data_folder(&self) -> bool {
        self.data.is_some()
    }

    /// Reports whether the stores are in a data folder on which no `photos serve` runs.
    pub(super) fn is_at_rest(&self) -> bool {
        self.engines.is_some()
    }

    /// Returns a function that returns the number of notifications that the background ingest has
    /// not processed yet. That function returns `None` if the background ingest runs in another
    /// process.
    pub(super) fn backlog(&self) -> BacklogProbe {
        match self.store() {
            Some(store) => {
                let store = store.clone();
                Box::new(move || Some(store.count_undelivered()))
            }
            None => Box::new(|| None),
        }
    }

    /// Returns the number of requests that this process has sent to S3, and the number that it has
    /// sent to DynamoDB. Requests of other processes are not counted.
    pub(super) fn requests(&self) -> (u64, u64) {
        (
            self.services.clients.s3_requests.count(),
            self.services.clients.dynamodb_requests.count(),
        )
    }

    /// Closes the stores. If this process runs the background ingest, first waits until all
    /// notifications are processed. If `now` is `true`, does not wait: the remaining notifications
    /// are processed after the next start.
    ///
    /// If the stores are at rest and the command may have changed photos, deletes the pictures of photos
    /// that must have none. If the command may have changed photos and no process reads the stream of the photos table, marks
    /// all months as dirty, and queues the photos whose pictures need work.
    pub(super) async fn close(mut self, now: bool) {
        if self.marks_on_close
            && let Err(error) =
                publish::mark_all_months(&self.catalogue, &self.published, Utc::now()).await
        {
            eprint_message(&format!(
                "cannot mark the changed months: {error}; run `photos recount` to publish them"
            ));
        }
        if self.marks_on_close
            && let Err(error) = self.queue_pictures().await
        {
            eprint_message(&format!(
                "cannot queue the pictures of the changed photos: {error}; run `photos reconcile --fix`"
            ));
        }
        if self.is_at_rest()
            && self.writes
            && !now
            && let Err(error) = self.remove_unwanted_pictures().await
        {
            eprint_message(&format!(
                "cannot delete the pictures of hidden photos: {error}; the next `photos serve` does"
            ));
        }
        if let Some(engines) = self.engines.take() {
            engines.close(self.has_background_ingest && !now).await;
        }
    }
}

impl Session {
    /// Deletes the pictures of photos that must have none. Nothing else does it while no `photos serve`
    /// runs. Scans the table.
    async fn remove_unwanted_pictures(&self) -> anyhow::Result<()> {
        let render = self.render().await?;
        let mut due = std::pin::pin!(self.catalogue.scan_due_pictures());
        while let Some(item) = due.try_next().await? {
            if let (PictureWork::Remove(_), Some(id)) =
                (item.picture_work(), PhotoId::parse(&item.id))
            {
                render.process(&id, BTreeSet::new()).await?;
            }
        }
        Ok(())
    }

    /// Queues all photos whose pictures need work. Scans the table.
    async fn queue_pictures(&self) -> anyhow::Result<()> {
        self.picture_queue().await?.add_due(&self.catalogue).await
    }
}

impl SessionEngines {
    async fn close(mut self, drain: bool) {
        while drain && self.engines.store.count_undelivered() > 0 {
            tokio::time::sleep(POLL).await;
        }
        // Notifications that were not acknowledged are delivered again.
        let _ = timeout(GRACE, self.background.stop()).await;
        if let Err(error) = self.engines.sync().await {
            eprint_message(&format!(
                "a power cut may undo the last changes: cannot sync the catalogue: {error}"
            ));
        }
    }
}
