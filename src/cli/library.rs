//! Reaches everything that a command changes: the store, the tables and ingest over both, of a data folder, served or
//! at rest, or of stores elsewhere.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::data::{self, ACCESS_KEY, Held, Holder, SECRET_KEY};
use super::privacy::PrivacyArguments;
use super::progress::tell;
use super::stream::{self, Follower};
use super::sweep::AtWork;
use crate::archive::Layout;
use crate::catalogue::Catalogue;
use crate::catalogue::published::PublishTable;
use crate::clients::{self, Clients, Endpoints};
use crate::config::{self, Settings};
use crate::dynamodb_engine::DynamoDbEngine;
use crate::ingest::{Ingest, Outcome};
use crate::privacy::Privacy;
use crate::publish;
use crate::storage::Storage;
use crate::telemetry::RequestCounter;
use s3_folder::{KeyPair, NotificationFilter, S3Store};

/// Batches of notifications that are worked on at a time; each is at most ten photos.
const BATCHES: usize = 8;
/// Archive keys that are remembered for the report; beyond, some of what is new counts as known.
const MOST_REMEMBERED: usize = 100_000;
/// How long servers may take to finish their last requests.
const GRACE: Duration = Duration::from_secs(8);

/// Which library: the flags of `photos serve` and the variables of the Lambda functions.
#[derive(Debug, Args)]
pub(super) struct Library {
    /// The data folder of `photos serve`, running or not.
    #[arg(
        long,
        value_name = "DIR",
        env = "PHOTOS_DATA",
        default_value = "photos-data"
    )]
    pub(super) data: PathBuf,
    /// Access key id of the embedded S3.
    #[arg(long, env = "PHOTOS_ACCESS_KEY", default_value = ACCESS_KEY)]
    access_key: String,
    /// Secret access key of the embedded S3.
    #[arg(long, env = "PHOTOS_SECRET_KEY", default_value = SECRET_KEY, hide_env_values = true)]
    secret_key: String,
    /// Bucket that photos are uploaded to.
    #[arg(long, env = config::SOURCE_BUCKET, default_value = "inbox")]
    source_bucket: String,
    /// Folder in it, ending in a slash.
    #[arg(long, env = config::SOURCE_PREFIX, default_value = "")]
    source_prefix: String,
    /// Bucket that they are filed in.
    #[arg(long, env = config::ARCHIVE_BUCKET, default_value = "archive")]
    archive_bucket: String,
    /// Folder in it, ending in a slash.
    #[arg(long, env = config::ARCHIVE_PREFIX, default_value = "")]
    archive_prefix: String,
    /// The catalogue's table.
    #[arg(long, env = config::TABLE, default_value = "photos")]
    table: String,
    /// The table of what is published.
    #[arg(long, env = config::PUBLISH_TABLE, default_value = "publish")]
    publish_table: String,
    /// What the public learns of places (hide, round:N, exact), as it was said to `photos serve` or to the functions.
    #[arg(long, env = config::LOCATION)]
    location: Option<String>,
    #[command(flatten)]
    privacy: PrivacyArguments,
    /// Work on AWS, with the region and credentials that AWS's own tools use.
    #[arg(long)]
    aws: bool,
    /// Work on this S3-compatible store.
    #[arg(long, value_name = "URL", env = config::S3_ENDPOINT)]
    s3_endpoint: Option<String>,
    /// With the table of this DynamoDB-compatible store.
    #[arg(long, value_name = "URL", env = config::DYNAMODB_ENDPOINT)]
    dynamodb_endpoint: Option<String>,
}

/// What a library is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing is changed.
    Look,
    /// Something is.
    Change,
    /// The same, and the notifications of a data folder at rest are worked off meanwhile.
    Deliver,
}

/// A library, and what must live as long as it is worked on.
pub(super) struct Opened {
    pub(super) storage: Storage,
    pub(super) catalogue: Catalogue,
    pub(super) published: PublishTable,
    pub(super) ingest: Ingest,
    /// What is kept from the public.
    pub(super) privacy: Privacy,
    /// Whether an ingest that notifications wake is at work on it.
    pub(super) is_awake: bool,
    /// What the notifications of a data folder at rest have brought into the catalogue since it was opened.
    pub(super) indexed: Indexed,
    /// Whether it was opened to be changed, and no stream tells publish of that.
    is_told_at_the_end: bool,
    requests: (RequestCounter, RequestCounter),
    engines: Option<Engines>,
}

/// Archive keys, as they come into the catalogue; at most [`MOST_REMEMBERED`].
#[derive(Clone, Default)]
pub(super) struct Indexed(Arc<Mutex<HashSet<String>>>);

impl Indexed {
    fn add(&self, key: &str) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() < MOST_REMEMBERED {
            keys.insert(key.to_owned());
        }
    }

    /// Whether this key is one of them, told once.
    pub(super) fn take(&self, key: &str) -> bool {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(key)
    }
}

/// The embedded engines of a data folder at rest, which run as long as the command does.
struct Engines {
    stop_ingest: watch::Sender<bool>,
    stop_servers: watch::Sender<bool>,
    ingest: Option<JoinHandle<()>>,
    servers: Vec<JoinHandle<()>>,
    store: S3Store,
    dynamodb: DynamoDbEngine,
    _held: Held,
}

impl Library {
    /// Buckets and prefixes.
    pub(super) fn layout(&self) -> anyhow::Result<Layout> {
        Ok(self.settings()?.layout)
    }

    /// The folder of the archive, where it is one on this machine.
    pub(super) fn archive_folder(&self) -> Option<PathBuf> {
        let mut folder = self.data.join(&self.archive_bucket);
        folder.extend(self.archive_prefix.split_terminator('/'));
        (!self.is_elsewhere()).then_some(folder)
    }

    /// Whether there is something to open, without making it.
    pub(super) fn exists(&self) -> bool {
        self.is_elsewhere() || self.data.join(".engine/dynamodb.sqlite").is_file()
    }

    /// Opens the library; a data folder is made where there is none. `ingest` works between the buckets of `layout`. A
    /// data folder at rest is held until [`Opened::close`].
    pub(super) async fn open(&self, layout: Layout, purpose: Purpose) -> anyhow::Result<Opened> {
        let settings = self.settings()?;
        if self.is_elsewhere() {
            if !self.aws && (self.s3_endpoint.is_none() || self.dynamodb_endpoint.is_none()) {
                bail!(
                    "--s3-endpoint and --dynamodb-endpoint go together; with --aws, what is not set is on AWS"
                );
            }
            if purpose != Purpose::Look && !self.privacy()?.contains_key(config::LOCATION) {
                bail!(
                    "say with --location what the functions there publish of places: a photo is indexed by it"
                );
            }
            let endpoints = Endpoints {
                s3: self.s3_endpoint.clone(),
                dynamodb: self.dynamodb_endpoint.clone(),
            };
            let clients = clients::connect(&clients::from_environment().await, &endpoints);
            let mut opened = self.opened(clients, layout, &settings, false);
            opened.is_told_at_the_end =
                purpose != Purpose::Look && self.dynamodb_endpoint.is_some();
            return Ok(opened);
        }
        let data = self.data.display();
        match data::take(&self.data)? {
            Holder::Other(None) => {
                bail!("{data} is in use by a process that is starting or stopping; try again")
            }
            Holder::Other(Some(running)) => {
                let endpoints = Endpoints {
                    s3: Some(running.s3),
                    dynamodb: Some(running.dynamodb),
                };
                let keys = clients::with_key_pair(&self.access_key, &self.secret_key);
                Ok(self.opened(clients::connect(&keys, &endpoints), layout, &settings, true))
            }
            Holder::Us(held) => self.open_at_rest(held, layout, &settings, purpose).await,
        }
    }

    async fn open_at_rest(
        &self,
        held: Held,
        layout: Layout,
        settings: &Settings,
        purpose: Purpose,
    ) -> anyhow::Result<Opened> {
        if purpose != Purpose::Look && data::privacy(&self.data)?.is_empty() {
            held.keep_privacy(&self.privacy()?)?;
        }
        let own = &settings.layout;
        let store = S3Store::open(&self.data)?;
        // Before it serves: it tells at once of each file that was put there meanwhile.
        store.set_notification_filters(&[
            NotificationFilter::new(own.source_bucket(), own.source_prefix()),
            NotificationFilter::new(own.archive_bucket(), own.archive_prefix()),
        ]);
        let engine = DynamoDbEngine::open(&self.data)
            .with_context(|| format!("cannot open the catalogue in {}", self.data.display()))?;
        let s3 = TcpListener::bind(("127.0.0.1", 0)).await?;
        let dynamodb = TcpListener::bind(("127.0.0.1", 0)).await?;
        let dynamodb_url = format!("http://{}", dynamodb.local_addr()?);
        let endpoints = Endpoints {
            s3: Some(format!("http://{}", s3.local_addr()?)),
            dynamodb: Some(dynamodb_url.clone()),
        };
        let (stop_ingest, stop_servers) = (watch::Sender::new(false), watch::Sender::new(false));
        let credentials = KeyPair {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
        };
        let s3 = store.clone().serve(s3, credentials, told(&stop_servers));
        let dynamodb = engine.clone().serve(dynamodb, told(&stop_servers));
        let mut servers = vec![
            tokio::spawn(async move { report("S3", s3.await) }),
            tokio::spawn(async move { report("DynamoDB", dynamodb.await) }),
        ];
        let keys = clients::with_key_pair(ACCESS_KEY, SECRET_KEY);
        let clients = clients::connect(&keys, &endpoints);
        let deliver = purpose == Purpose::Deliver;
        let mut opened = self.opened(clients, layout, settings, deliver);
        for bucket in [own.source_bucket(), own.archive_bucket()] {
            opened.storage.create_bucket(bucket).await?;
        }
        opened.catalogue.create_table().await?;
        opened.published.create_table().await?;
        // A listing is to show what other programs have put there.
        let scanned = store.clone();
        tokio::task::spawn_blocking(move || scanned.rescan()).await?;
        if deliver {
            // Thousands of photos: a sync for each batch of them, in place of one for each write.
            engine.defer_sync()?;
        }
        let ingest = deliver.then(|| {
            let (store, stopped) = (store.clone(), told(&stop_ingest));
            // By its own layout: what is imported from another bucket has no notifications.
            let ingest = Ingest::new(
                opened.storage.clone(),
                opened.catalogue.clone(),
                own.clone(),
                settings.privacy.clone(),
            );
            let indexed = opened.indexed.clone();
            let ingest = ingest.with_observer(move |report| {
                if matches!(report.result, Ok(Outcome::Indexed)) {
                    indexed.add(&report.object.key);
                }
            });
            let synced = engine.clone();
            let handler = move |event| {
                let (ingest, engine) = (ingest.clone(), synced.clone());
                async move {
                    let handled = ingest.handle_event(&event).await;
                    let handled = handled.map_err(|error| error.to_string())?;
                    // Before it is acknowledged: no power cut takes both the notification and what it led to.
                    sync(engine).await.map_err(|error| error.to_string())?;
                    Ok(handled)
                }
            };
            tokio::spawn(
                async move { store.deliver_notifications(BATCHES, handler, stopped).await },
            )
        });
        if deliver {
            // The engine looks through all of the stream at every write, until somebody has read it.
            let follower = Follower {
                client: stream::client(&keys, &dynamodb_url),
                engine: engine.clone(),
                table: self.table.clone(),
                catalogue: opened.catalogue.clone(),
                published: opened.published.clone(),
            };
            let stopped = told(&stop_ingest);
            servers.push(tokio::spawn(follower.run(stopped)));
        }
        opened.engines = Some(Engines {
            stop_ingest,
            stop_servers,
            ingest,
            servers,
            store,
            dynamodb: engine,
            _held: held,
        });
        Ok(opened)
    }

    fn opened(
        &self,
        clients: Clients,
        layout: Layout,
        settings: &Settings,
        is_awake: bool,
    ) -> Opened {
        let storage = Storage::new(clients.s3);
        let catalogue = Catalogue::new(clients.dynamodb.clone(), &self.table);
        Opened {
            ingest: Ingest::new(
                storage.clone(),
                catalogue.clone(),
                layout,
                settings.privacy.clone(),
            ),
            storage,
            catalogue,
            published: PublishTable::new(clients.dynamodb, &self.publish_table),
            is_awake,
            privacy: settings.privacy.clone(),
            indexed: Indexed::default(),
            is_told_at_the_end: false,
            requests: (clients.s3_requests, clients.dynamodb_requests),
            engines: None,
        }
    }

    fn is_elsewhere(&self) -> bool {
        self.aws || self.s3_endpoint.is_some() || self.dynamodb_endpoint.is_some()
    }

    /// What is kept from the public, by its variables: what the flags say; else, of a data folder, what its `photos serve`
    /// was told, or what it takes for granted where nobody else can ask it.
    fn privacy(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut told = BTreeMap::new();
        if !self.is_elsewhere() {
            told.insert(config::LOCATION.to_owned(), "exact".to_owned());
            told.extend(data::privacy(&self.data)?);
        }
        told.extend(self.privacy.given());
        let location = self.location.clone();
        told.extend(location.map(|location| (config::LOCATION.to_owned(), location)));
        Ok(told)
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let privacy = self.privacy()?;
        Ok(Settings::read(|name| {
            Some(match name {
                config::SOURCE_BUCKET => self.source_bucket.clone(),
                config::SOURCE_PREFIX => self.source_prefix.clone(),
                config::ARCHIVE_BUCKET => self.archive_bucket.clone(),
                config::ARCHIVE_PREFIX => self.archive_prefix.clone(),
                config::TABLE => self.table.clone(),
                name => return privacy.get(name).cloned(),
            })
        })?)
    }
}

impl Opened {
    /// The embedded store, where it is this process's own.
    pub(super) fn store(&self) -> Option<&S3Store> {
        self.engines.as_ref().map(|engines| &engines.store)
    }

    /// Whether it is a data folder that nobody serves.
    pub(super) fn is_at_rest(&self) -> bool {
        self.engines.is_some()
    }

    /// How many the ingest that notifications wake has left; of one elsewhere nobody can say.
    pub(super) fn at_work(&self) -> AtWork {
        match &self.engines {
            Some(engines) => {
                let store = engines.store.clone();
                Box::new(move || Some(store.count_undelivered()))
            }
            None => Box::new(|| None),
        }
    }

    /// Requests sent so far, to S3 and to DynamoDB. Those of a running `photos serve` are its own.
    pub(super) fn requests(&self) -> (u64, u64) {
        (self.requests.0.count(), self.requests.1.count())
    }

    /// Waits until a data folder at rest has no notification left, then lets go of it. What is waiting when `now` is
    /// set is worked off at the next start. Over a table without a stream, every month is counted and published anew.
    pub(super) async fn close(mut self, now: bool) {
        if self.is_told_at_the_end
            && let Err(error) =
                publish::mark_all_months(&self.catalogue, &self.published, Utc::now()).await
        {
            tell(&format!(
                "publish does not know of this: {error}; `photos recount` has all published anew"
            ));
        }
        let Some(engines) = &mut self.engines else {
            return;
        };
        if let Some(ingest) = engines.ingest.take() {
            while !now && engines.store.count_undelivered() > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            engines.stop_ingest.send_replace(true);
            // What was not acknowledged comes again.
            let _ = tokio::time::timeout(GRACE, ingest).await;
        }
        engines.stop_servers.send_replace(true);
        for server in engines.servers.drain(..) {
            let _ = tokio::time::timeout(GRACE, server).await;
        }
        if let Err(error) = sync(engines.dynamodb.clone()).await {
            tell(&format!(
                "what was done last may not survive a power cut: {error}"
            ));
        }
    }
}

async fn sync(engine: DynamoDbEngine) -> std::io::Result<()> {
    let synced = tokio::task::spawn_blocking(move || engine.sync());
    synced.await.unwrap_or_else(|error| Err(error.into()))
}

async fn until_told(mut told: watch::Receiver<bool>) {
    // An error means that the sender is gone: then it is over too.
    let _ = told.wait_for(|told| *told).await;
}

fn told(stop: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + 'static {
    until_told(stop.subscribe())
}

fn report(server: &str, ended: std::io::Result<()>) {
    if let Err(error) = ended {
        tell(&format!("{server}: {error}"));
    }
}
