//! What `photos serve` runs: the embedded engines, ingest and the gallery, started and stopped together.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Arguments;
use crate::catalogue::Catalogue;
use crate::catalogue::published::PublishTable;
use crate::cli::data::Running;
use crate::cli::progress::{self, tell};
use crate::cli::stream::{self, Follower};
use crate::clients::{self, Endpoints};
use crate::config::{IngestSettings, Settings};
use crate::dynamodb_engine::DynamoDbEngine;
use crate::gallery::{self, CursorKey, PictureArchive};
use crate::ingest::{Ingest, Outcome};
use crate::publish::{self, Publisher};
use crate::storage::Storage;
use s3_folder::{KeyPair, NotificationFilter, S3Store};

/// Batches of notifications that are worked on at a time; each is at most ten photos.
const BATCHES: usize = 4;
/// How long servers may take to finish their last requests.
pub(super) const GRACE: Duration = Duration::from_secs(8);

/// How often publish looks for what is due; two queries, where nothing is.
const TICK: Duration = Duration::from_secs(5);
/// How long it may work before it looks again.
const TICK_MAY_TAKE: Duration = Duration::from_secs(120);
/// How much of that is left to it once all stops.
const LAST_TICK_MAY_TAKE: Duration = Duration::from_secs(3);

/// Everything that runs.
pub(super) struct Stack {
    /// Where it listens.
    pub(super) running: Running,
    store: S3Store,
    storage: Storage,
    tally: Arc<Tally>,
    work: Tasks,
    servers: Tasks,
}

/// Where photos go in, and what became of them.
pub(super) struct Inbox {
    pub(super) storage: Storage,
    pub(super) tally: Arc<Tally>,
    store: S3Store,
}

/// Tells a task to end.
pub(super) type Stopped = BoxFuture<'static, ()>;

/// Tasks that end when they are told to.
pub(super) struct Tasks {
    stop: watch::Sender<bool>,
    running: FuturesUnordered<BoxFuture<'static, (&'static str, Result<(), String>)>>,
}

/// What ingest made of the photos so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    filed: AtomicU64,
    undated: AtomicU64,
    skipped: AtomicU64,
}

impl Tally {
    fn add(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Archived(_) => &self.filed,
            Outcome::Undated(_) => &self.undated,
            Outcome::Skipped(_) => &self.skipped,
            Outcome::Unchanged
            | Outcome::Indexed
            | Outcome::Removed
            | Outcome::Gone
            | Outcome::Outside => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// For a person.
    pub(super) fn line(&self) -> String {
        let [filed, undated, skipped] = [&self.filed, &self.undated, &self.skipped]
            .map(|counter| counter.load(Ordering::Relaxed));
        let mut parts = vec![format!("{filed} filed by day")];
        if undated > 0 {
            parts.push(format!("{undated} undated"));
        }
        if skipped > 0 {
            parts.push(format!("{skipped} not photos (`photos skipped` says why)"));
        }
        parts.join(", ")
    }
}

impl Stack {
    /// Opens the data folder, which must be ours, and starts all that works on it.
    ///
    /// # Errors
    /// A port that is taken, a folder or database that cannot be opened; in one line that says what to do.
    pub(super) async fn start(
        arguments: &Arguments,
        settings: Settings,
        own: IngestSettings,
    ) -> anyhow::Result<Stack> {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let s3_listener = bind(arguments.listen, arguments.s3_port, "--s3-port").await?;
        let dynamodb_listener = bind(loopback, arguments.dynamodb_port, "--dynamodb-port").await?;
        let gallery_listener = bind(arguments.listen, arguments.port, "--port").await?;
        let running = Running {
            pid: std::process::id(),
            s3: url(&s3_listener)?,
            dynamodb: url(&dynamodb_listener)?,
            gallery: url(&gallery_listener)?,
        };

        let layout = &settings.layout;
        let store = S3Store::open(&arguments.data)?;
        // Before it serves: it tells at once of each file that was put there meanwhile.
        store.set_notification_filters(&[
            NotificationFilter::new(layout.source_bucket(), layout.source_prefix()),
            NotificationFilter::new(layout.archive_bucket(), layout.archive_prefix()),
        ]);
        let engine = DynamoDbEngine::open(&arguments.data).with_context(|| {
            format!("cannot open the catalogue in {}", arguments.data.display())
        })?;
        let mut servers = Tasks::new();
        let credentials = KeyPair {
            access_key: arguments.access_key.clone(),
            secret_key: arguments.secret_key.clone(),
        };
        servers.spawn("S3", |stopped| {
            store.clone().serve(s3_listener, credentials, stopped)
        });
        servers.spawn("DynamoDB", |stopped| {
            engine.clone().serve(dynamodb_listener, stopped)
        });

        let sdk = clients::with_key_pair(&arguments.access_key, &arguments.secret_key);
        let endpoints = Endpoints {
            s3: Some(running.s3.clone()),
            dynamodb: Some(running.dynamodb.clone()),
        };
        let clients = clients::connect(&sdk, &endpoints);
        let storage = Storage::new(clients.s3);
        let catalogue = Catalogue::new(clients.dynamodb.clone(), &settings.table);
        let published = PublishTable::new(clients.dynamodb, &arguments.publish_table);
        storage.create_bucket(layout.source_bucket()).await?;
        storage.create_bucket(layout.archive_bucket()).await?;
        storage.create_bucket(&arguments.gallery_bucket).await?;
        catalogue.create_table().await?;
        published.create_table().await?;

        let gallery_settings = gallery_settings(arguments, &settings, &storage, &running)?;
        let publish = Publisher::new(
            catalogue.clone(),
            published.clone(),
            storage.clone(),
            publish_settings(arguments, &gallery_settings)?,
        );
        let router = gallery::router(catalogue.clone(), published.clone(), gallery_settings);
        servers.spawn("the gallery", |stopped| async move {
            axum::serve(gallery_listener, router)
                .with_graceful_shutdown(stopped)
                .await
        });

        let tally = Arc::new(Tally::default());
        let counted = Arc::clone(&tally);
        let ingest = Ingest::new(
            storage.clone().copying(own.copying),
            catalogue.clone(),
            settings.layout,
            settings.privacy.clone(),
        )
        .with_source_after(own.source_after)
        .with_observer(move |report| {
            if let Ok(outcome) = report.result {
                counted.add(outcome);
            }
        });
        ingest
            .check_store_capabilities(&running.pid.to_string())
            .await?;
        let mut work = Tasks::new();
        let notifications = store.clone();
        work.spawn("ingest", |stopped| async move {
            let handler = move |event| {
                let ingest = ingest.clone();
                async move {
                    ingest
                        .handle_event(&event)
                        .await
                        .map_err(|error| error.to_string())
                }
            };
            notifications
                .deliver_notifications(BATCHES, handler, stopped)
                .await;
            Ok(())
        });
        let follower = Follower {
            client: stream::client(&sdk, &running.dynamodb),
            engine,
            table: arguments.table.clone(),
            catalogue,
            published,
        };
        work.spawn("publish", |stopped| async move {
            follower.run(stopped).await;
            Ok(())
        });
        work.spawn("publish", |stopped| async move {
            tick(publish, stopped).await;
            Ok(())
        });
        Ok(Stack {
            running,
            store,
            storage,
            tally,
            work,
            servers,
        })
    }

    /// Where photos go in.
    pub(super) fn inbox(&self) -> Inbox {
        Inbox {
            storage: self.storage.clone(),
            tally: Arc::clone(&self.tally),
            store: self.store.clone(),
        }
    }

    /// Waits until something ends that was not told to; says what and why.
    pub(super) async fn broke(&mut self) -> anyhow::Error {
        let (name, ended) = tokio::select! {
            ended = self.work.next() => ended,
            ended = self.servers.next() => ended,
        };
        let cause = ended.err().unwrap_or_else(|| "it just ended".to_owned());
        anyhow::anyhow!("{name} stopped working: {cause}; start again to go on where it was")
    }

    /// Ends it all: ingest and publish first, while the servers still answer them. What was acknowledged is kept in any case.
    pub(super) async fn stop(mut self) {
        let stopped = tokio::time::timeout(GRACE, async {
            self.work.stop().await;
            self.servers.stop().await;
        });
        if stopped.await.is_err() {
            tell("Some requests were broken off; what they had acknowledged is kept.");
        }
        let waiting = self.store.count_undelivered();
        if waiting > 0 {
            tell(&format!(
                "{waiting} uploads and copies are still to be worked on; the next start goes on with them."
            ));
        }
        let given_up = self.store.count_dead_letters();
        if given_up > 0 {
            tell(&format!(
                "{given_up} notifications were given up after 20 attempts."
            ));
        }
    }
}

impl Inbox {
    /// Waits until every notification so far is worked off.
    pub(super) async fn wait_for_ingest(&self) {
        let bar = progress::bar(0, "{spinner} {msg}");
        loop {
            let waiting = self.store.count_undelivered();
            if waiting == 0 {
                return;
            }
            bar.set_message(format!(
                "Filing: {}; {waiting} events waiting",
                self.tally.line()
            ));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Tasks {
    pub(super) fn new() -> Tasks {
        Tasks {
            stop: watch::Sender::new(false),
            running: FuturesUnordered::new(),
        }
    }

    /// Starts one, which is given what tells it to end.
    pub(super) fn spawn<F>(&mut self, name: &'static str, start: impl FnOnce(Stopped) -> F)
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let mut stop = self.stop.subscribe();
        let stopped = async move {
            // An error means that the sender is gone: then it is over too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let task = tokio::spawn(start(stopped.boxed()));
        let ended = async move {
            let ended = match task.await {
                Ok(ended) => ended.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            (name, ended)
        };
        self.running.push(ended.boxed());
    }

    /// The next that ends; never, where none runs.
    pub(super) async fn next(&mut self) -> (&'static str, Result<(), String>) {
        match self.running.next().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }

    pub(super) async fn stop(&mut self) {
        self.stop.send_replace(true);
        while let Some((name, ended)) = self.running.next().await {
            if let Err(cause) = ended {
                tell(&format!("{name}: {cause}"));
            }
        }
    }
}

pub(super) fn gallery_settings(
    arguments: &Arguments,
    settings: &Settings,
    storage: &Storage,
    running: &Running,
) -> anyhow::Result<gallery::GallerySettings> {
    // Pages of a site that is being built here are on another port, so that a relative URL would not do.
    let own = arguments
        .listen
        .is_loopback()
        .then(|| format!("{}/photos", running.gallery));
    Ok(gallery::GallerySettings {
        privacy: settings.privacy.clone(),
        photo_base_url: arguments.photo_base_url.clone().or(own),
        // The pictures route takes positions out itself.
        photo_base_url_stripped: true,
        cursor_key: CursorKey::random()?,
        cors_origins: arguments.cors_origins.clone(),
        pictures: Some(PictureArchive {
            storage: storage.clone(),
            bucket: settings.layout.archive_bucket().to_owned(),
        }),
        now: Arc::new(Utc::now),
    })
}

/// As the gallery shows photos, so they are published; compressed they would be of little use on one's own disk.
pub(super) fn publish_settings(
    arguments: &Arguments,
    gallery: &gallery::GallerySettings,
) -> anyhow::Result<publish::PublishSettings> {
    Ok(publish::PublishSettings {
        bucket: arguments.gallery_bucket.clone(),
        prefix: arguments.gallery_prefix.clone(),
        view: gallery.public_view(),
        compress: false,
        hook: arguments.hook.hook(true)?,
        rules: arguments.hook.rules()?,
    })
}

/// Publishes what is due, until it is told to stop. A tick that is cut off then is made up for by the next start, which
/// finds no lease of this one in its way.
pub(super) async fn tick(publish: Publisher, stopped: Stopped) {
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let mut ticked = std::pin::pin!(publish.run_cycle(Utc::now(), TICK_MAY_TAKE));
        let ended = tokio::select! {
            ended = &mut ticked => ended.map(|_| ()),
            () = &mut stopped => {
                if tokio::time::timeout(LAST_TICK_MAY_TAKE, ticked).await.is_err()
                    && let Err(error) = publish.release_lease().await
                {
                    tracing::warn!(%error, "nobody publishes until this one's lease is over");
                }
                return;
            }
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "what is published is out of date; tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = &mut stopped => return,
        }
    }
}

pub(super) async fn bind(address: IpAddr, port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(address, port);
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                anyhow::anyhow!(
                    "port {port} on {} is taken; choose another with {flag}",
                    address.ip()
                )
            }
            std::io::ErrorKind::PermissionDenied => {
                anyhow::anyhow!(
                    "port {port} needs more rights than this user has; choose another with {flag}"
                )
            }
            _ => anyhow::anyhow!("cannot listen on {address} ({flag}): {error}"),
        })
}

/// Where this machine reaches a listener.
pub(super) fn url(listener: &TcpListener) -> anyhow::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(format!("http://{address}"))
}
