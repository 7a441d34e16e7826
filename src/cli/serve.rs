//! `photos serve`: the embedded engines, ingest fed by their notifications, and the gallery, in one process.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Ended;
use super::data::{self, ACCESS_KEY, Holder, Running, SECRET_KEY};
use super::progress::{self, tell};
use super::upload::{self, Found, Report};
use crate::catalogue::Catalogue;
use crate::clients::{self, Endpoints};
use crate::config::{self, Settings};
use crate::gallery::{self, CursorKey, Pictures};
use crate::ingest::{Ingest, Outcome};
use crate::local::dynamodb::DynamoDbEngine;
use crate::local::s3::{Credentials, S3Store};
use crate::storage::Storage;

/// Batches of notifications that are worked on at a time; each is at most ten photos.
const BATCHES: usize = 4;
/// How long servers may take to finish their last requests.
const GRACE: Duration = Duration::from_secs(8);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders (or files) to upload first; what is there already is left out.
    #[arg(value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Where everything is kept: the archive as plain files, and the engines' databases.
    #[arg(
        long,
        value_name = "DIR",
        env = "PHOTOS_DATA",
        default_value = "photos-data"
    )]
    data: PathBuf,
    /// Port of the gallery; 0 takes a free one.
    #[arg(long, env = "PHOTOS_PORT", default_value_t = 8080)]
    port: u16,
    /// Port of the embedded S3; 0 takes a free one.
    #[arg(long, env = "PHOTOS_S3_PORT", default_value_t = 9000)]
    s3_port: u16,
    /// Port of the embedded DynamoDB, which only this machine can reach; 0 takes a free one.
    #[arg(long, env = "PHOTOS_DYNAMODB_PORT", default_value_t = 8000)]
    dynamodb_port: u16,
    /// Address that gallery and S3 listen on. Any but this machine's own lets others in.
    #[arg(long, value_name = "ADDRESS", env = "PHOTOS_LISTEN", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
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
    /// What the gallery tells of places: hide, round:N (decimals) or exact. Default: exact while only this machine can ask.
    #[arg(long, env = config::LOCATION)]
    location: Option<String>,
    /// Where browsers reach the gallery, if not at its port; pictures are listed with this in front.
    #[arg(long, value_name = "URL", env = config::PHOTO_BASE_URL)]
    photo_base_url: Option<String>,
    /// Origins whose pages may read the gallery, separated by commas; * for all.
    #[arg(long, env = config::CORS_ORIGINS, value_delimiter = ',')]
    cors_origins: Vec<String>,
}

/// What ingest made of the photos so far.
#[derive(Debug, Default)]
struct Tally {
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

    fn line(&self) -> String {
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

/// Runs until Ctrl-C or SIGTERM.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let settings = settings(&arguments)?;
    let held = match data::take(&arguments.data)? {
        Holder::Us(held) => held,
        Holder::Other(running) => bail!(
            "{} is in use by another `photos serve`{}; stop that one, or choose another folder with --data",
            arguments.data.display(),
            running.map_or(String::new(), |running| format!(
                " (process {})",
                running.pid
            )),
        ),
    };
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

    let store = S3Store::open(&arguments.data)?;
    let engine = DynamoDbEngine::open(&arguments.data)
        .with_context(|| format!("cannot open the catalogue in {}", arguments.data.display()))?;
    let (stop, stopped) = watch::channel(false);
    let (stop_ingest, ingest_stopped) = watch::channel(false);
    let s3 = tokio::spawn(store.clone().serve(
        s3_listener,
        Credentials {
            access_key: arguments.access_key.clone(),
            secret_key: arguments.secret_key.clone(),
        },
        until(stopped.clone()),
    ));
    let dynamodb = tokio::spawn(engine.serve(dynamodb_listener, until(stopped.clone())));

    let sdk = clients::with_key_pair(&arguments.access_key, &arguments.secret_key);
    let endpoints = Endpoints {
        s3: Some(running.s3.clone()),
        dynamodb: Some(running.dynamodb.clone()),
    };
    let clients = clients::connect(&sdk, &endpoints);
    let storage = Storage::new(clients.s3);
    let catalogue = Catalogue::new(clients.dynamodb, &settings.table);
    let layout = &settings.layout;
    storage.create_bucket(layout.source_bucket()).await?;
    storage.create_bucket(layout.archive_bucket()).await?;
    catalogue.create_table().await?;
    store.notify_only(&[
        (layout.source_bucket(), layout.source_prefix()),
        (layout.archive_bucket(), layout.archive_prefix()),
    ]);

    let tally = Arc::new(Tally::default());
    let counted = Arc::clone(&tally);
    let ingest = Ingest::new(
        storage.clone(),
        catalogue.clone(),
        layout.clone(),
        settings.location,
    )
    .observed_by(move |_key, outcome| counted.add(outcome));
    let gallery = tokio::spawn(serve_gallery(
        gallery_listener,
        gallery::router(
            catalogue,
            gallery_settings(&arguments, &settings, &storage, &running)?,
        ),
        until(stopped.clone()),
    ));
    let deliver = tokio::spawn({
        let store = store.clone();
        async move {
            let handler = move |event| {
                let ingest = ingest.clone();
                async move {
                    ingest
                        .handle(&event)
                        .await
                        .map_err(|error| error.to_string())
                }
            };
            store.deliver(BATCHES, handler, until(ingest_stopped)).await;
            Ok(())
        }
    });
    held.announce(&running)?;
    tell(&welcome(&arguments, &running));

    let work = async {
        if arguments.paths.is_empty() {
            return Ok(());
        }
        let found = upload::find(&arguments.paths, layout.source_prefix(), &arguments.data);
        tell_found(&found);
        let failed = found.failures.len() as u64;
        let report = upload::upload(
            &storage,
            layout.source_bucket(),
            layout.source_prefix(),
            found.uploads,
        )
        .await?;
        wait_for_ingest(&store, &tally).await;
        tell(&uploaded(report, failed, &tally));
        anyhow::Ok(())
    };
    let mut told_to_stop = pin!(told_to_stop());
    tokio::select! {
        signal = &mut told_to_stop => signal?,
        result = work => {
            result?;
            told_to_stop.await?;
        }
    }
    tell("Stopping; a second Ctrl-C does so at once.");
    let again = tokio::spawn(async {
        if self::told_to_stop().await.is_ok() {
            std::process::exit(130);
        }
    });
    let finished = tokio::time::timeout(GRACE, async {
        // Ingest first, while the servers still answer it.
        stop_ingest.send_replace(true);
        joined("ingest", deliver).await;
        stop.send_replace(true);
        joined("the gallery", gallery).await;
        joined("S3", s3).await;
        joined("DynamoDB", dynamodb).await;
    });
    if finished.await.is_err() {
        stop.send_replace(true);
        tell("Some requests were broken off; what they had acknowledged is kept.");
    }
    again.abort();
    let waiting = store.undelivered();
    if waiting > 0 {
        tell(&format!(
            "{waiting} uploads and copies are still to be worked on; the next start goes on with them."
        ));
    }
    let given_up = store.dead_letters();
    if given_up > 0 {
        tell(&format!(
            "{given_up} notifications were given up after 20 attempts."
        ));
    }
    held.withdraw();
    Ok(Ended::Well)
}

/// The settings that Lambda reads from its environment, from the flags of the same meaning.
fn settings(arguments: &Arguments) -> anyhow::Result<Settings> {
    let ours_alone = arguments.listen.is_loopback();
    if !ours_alone && arguments.secret_key == SECRET_KEY {
        bail!(
            "--listen {} lets others upload: set a secret of your own with --secret-key",
            arguments.listen
        );
    }
    let location = match &arguments.location {
        Some(location) => location.clone(),
        None if ours_alone => "exact".to_owned(),
        None => bail!(
            "--listen {} lets others read: say with --location hide, round:N or exact what they may learn of places",
            arguments.listen
        ),
    };
    Ok(Settings::read(|name| {
        Some(match name {
            config::SOURCE_BUCKET => arguments.source_bucket.clone(),
            config::SOURCE_PREFIX => arguments.source_prefix.clone(),
            config::ARCHIVE_BUCKET => arguments.archive_bucket.clone(),
            config::ARCHIVE_PREFIX => arguments.archive_prefix.clone(),
            config::TABLE => arguments.table.clone(),
            config::LOCATION => location.clone(),
            _ => return None,
        })
    })?)
}

fn gallery_settings(
    arguments: &Arguments,
    settings: &Settings,
    storage: &Storage,
    running: &Running,
) -> anyhow::Result<gallery::Settings> {
    // Pages of a site that is being built here are on another port, so that a relative URL would not do.
    let own = arguments
        .listen
        .is_loopback()
        .then(|| format!("{}/photos", running.gallery));
    Ok(gallery::Settings {
        location: settings.location,
        photo_base_url: arguments.photo_base_url.clone().or(own),
        // The pictures route takes positions out itself.
        photo_base_url_stripped: true,
        cursor_key: CursorKey::random()?,
        cors_origins: arguments.cors_origins.clone(),
        pictures: Some(Pictures {
            storage: storage.clone(),
            bucket: settings.layout.archive_bucket().to_owned(),
        }),
        now: Arc::new(Utc::now),
    })
}

async fn bind(address: IpAddr, port: u16, flag: &str) -> anyhow::Result<TcpListener> {
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
fn url(listener: &TcpListener) -> anyhow::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(format!("http://{address}"))
}

async fn serve_gallery(
    listener: TcpListener,
    router: axum::Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
}

fn welcome(arguments: &Arguments, running: &Running) -> String {
    let mut archive = arguments.data.join(&arguments.archive_bucket);
    archive.extend(arguments.archive_prefix.split_terminator('/'));
    let secret = if arguments.secret_key == SECRET_KEY {
        SECRET_KEY
    } else {
        "as set"
    };
    format!(
        "Upload   {}  bucket {}, access key {}, secret key {secret}\n\
         Archive  {}\n\
         Gallery  {}/v1/photos\n\
         Ctrl-C stops; everything is kept in {}.",
        running.s3,
        arguments.source_bucket,
        arguments.access_key,
        archive.display(),
        running.gallery,
        arguments.data.display(),
    )
}

fn tell_found(found: &Found) {
    for failure in &found.failures {
        tell(failure);
    }
    if found.left_out > 0 {
        tell(&format!(
            "{} hidden files and links are left out.",
            found.left_out
        ));
    }
}

/// Waits until every notification so far is worked off.
async fn wait_for_ingest(store: &S3Store, tally: &Tally) {
    let bar = progress::bar(0, "{spinner} {msg}");
    loop {
        let waiting = store.undelivered();
        if waiting == 0 {
            return bar.finish_and_clear();
        }
        bar.set_message(format!(
            "Filing: {}; {waiting} events waiting",
            tally.line()
        ));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn uploaded(report: Report, unreadable: u64, tally: &Tally) -> String {
    let mut line = format!("{} uploaded", report.uploaded);
    if report.there > 0 {
        line += &format!(", {} there already", report.there);
    }
    let failed = report.failed + unreadable;
    if failed > 0 {
        line += &format!(", {failed} failed");
    }
    if report.uploaded > 0 {
        line += &format!(": {}", tally.line());
    }
    line + "."
}

/// Ctrl-C or, where there is such a thing, SIGTERM.
async fn told_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupt = tokio::signal::ctrl_c() => interrupt,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone: then it is over too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn joined(name: &str, task: JoinHandle<std::io::Result<()>>) {
    let failure = match task.await {
        Ok(ended) => ended.err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(failure) = failure {
        tell(&format!("{name}: {failure}"));
    }
}
