//! `photos serve` over a data folder: starts and stops the embedded engines, ingest, publish and
//! the gallery together.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use local_http::AllowedOrigins;
use s3_folder::S3Store;

use super::listeners::{bind, local_url, raise_open_file_limit, serve_gallery};
use super::{
    ServeArguments, default_gallery_url, original_access, publisher, report_unread_labels,
    start_pictures,
};
use crate::cli::data_dir::{DataDirLock, ServeEndpoints};
use crate::cli::engine_client;
use crate::cli::engine_socket::EngineSocket;
use crate::cli::engines::{EmbeddedEngines, EngineListeners, create_stores};
use crate::cli::progress::{self, eprint_message};
use crate::cli::shutdown::{ServiceTasks, TaskFailure};
use crate::cli::stream_poller::StreamPoller;
use crate::config::Settings;
use crate::ingest::{Ingest, Outcome};
use crate::services::{Deployment, Services};
use crate::storage::Storage;

/// The maximum number of batches of notifications that are processed at the same time. A batch has
/// at most ten notifications.
const BATCHES: usize = 4;
/// The maximum time of a shutdown. In this time, ingest, publish and the servers finish their
/// running work.
pub(super) const GRACE: Duration = Duration::from_secs(8);
/// The time between two updates of the progress display of ingest.
const POLL: Duration = Duration::from_millis(100);

/// The running servers and tasks of `photos serve` over a data folder.
pub(super) struct LocalServices {
    /// The process id and the addresses of the servers.
    pub(super) running: ServeEndpoints,
    /// The other origins whose pages may read the gallery.
    pub(super) origins: AllowedOrigins,
    /// The number of dead letters when the data folder was opened: notifications that failed too
    /// often in earlier runs.
    pub(super) dead_letters_at_start: u64,
    store: S3Store,
    services: Services,
    counts: Arc<IngestCounts>,
    /// The tasks of ingest and publish.
    work: ServiceTasks,
    /// The tasks of the S3 server, the DynamoDB server and the gallery.
    servers: ServiceTasks,
    _socket: EngineSocket,
}

/// The storage to which the files of the command line are uploaded, and the counts of the uploads
/// that ingest has processed.
pub(super) struct UploadTarget {
    pub(super) storage: Storage,
    pub(super) counts: Arc<IngestCounts>,
    store: S3Store,
}

/// The numbers of uploads that ingest has archived under their day, archived as undated, not copied
/// because the archive has the same bytes, or skipped because they are not photos.
#[derive(Debug, Default)]
pub(super) struct IngestCounts {
    filed: AtomicU64,
    undated: AtomicU64,
    duplicates: AtomicU64,
    skipped: AtomicU64,
}

impl IngestCounts {
    fn add(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Archived(_) => &self.filed,
            Outcome::Undated(_) => &self.undated,
            Outcome::Skipped(_) => &self.skipped,
            Outcome::Duplicate(_) => &self.duplicates,
            Outcome::Unchanged
            | Outcome::Indexed
            | Outcome::Removed
            | Outcome::Gone
            | Outcome::Outside => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts as text, for example `12 filed by day, 1 undated`.
    pub(super) fn summary(&self) -> String {
        let counters = [&self.filed, &self.undated, &self.duplicates, &self.skipped];
        let [filed, undated, duplicates, skipped] =
            counters.map(|counter| counter.load(Ordering::Relaxed));
        let mut parts = vec![format!("{filed} filed by day")];
        if undated > 0 {
            parts.push(format!("{undated} undated"));
        }
        if duplicates > 0 {
            parts.push(format!("{duplicates} in the archive already"));
        }
        if skipped > 0 {
            parts.push(format!("{skipped} not photos (`photos skipped` says why)"));
        }
        parts.join(", ")
    }
}

impl LocalServices {
    /// Opens the data folder, and starts the embedded servers, ingest, publish and the gallery.
    /// `lock` is the lock of the data folder.
    ///
    /// # Errors
    /// Fails if a port is in use, or if a folder or database cannot be opened. The error is one
    /// line and contains the remedy.
    pub(super) async fn start(
        arguments: &ServeArguments,
        mut settings: Settings,
        lock: &DataDirLock,
    ) -> anyhow::Result<LocalServices> {
        raise_open_file_limit();
        let mut key_pair = lock.key_pair()?;
        arguments.key_pair.replace_in(&mut key_pair);
        let (socket, engine_listeners) = bind_engines(arguments, lock).await?;
        let gallery_listener = bind(arguments.listen, arguments.port, "--port").await?;
        let dynamodb = engine_listeners.dynamodb.as_ref().map(local_url);
        let running = ServeEndpoints {
            pid: std::process::id(),
            s3: local_url(&engine_listeners.s3)?,
            dynamodb: dynamodb.transpose()?,
            socket: socket.path().to_owned(),
            gallery: local_url(&gallery_listener)?,
            key_pair: key_pair.clone(),
        };
        default_gallery_url(&mut settings, arguments.listen, &running.gallery);

        let engines = EmbeddedEngines::open(&arguments.data.data, &settings.layout()?, key_pair)?;
        let dead_letters_at_start = engines.store.count_dead_letters();
        let (work, servers) = (ServiceTasks::new(), ServiceTasks::new());
        engines.serve(&servers, engine_listeners, &arguments.engine_guard());
        let (sdk, endpoints) = engine_client::in_process(&engines);
        let services = Services::connect(&settings, &sdk, &endpoints)?;
        create_stores(&services).await?;
        let gallery_bucket = settings.gallery_bucket()?;
        services.storage.create_bucket(&gallery_bucket).await?;

        let originals = original_access(&settings, arguments.listen)?;
        let router = services.router(Deployment::Local, originals, lock.cursor_key()?)?;
        let guard = arguments.gallery_guard(&services);
        serve_gallery(&servers, gallery_listener, router, guard);
        let counts = Arc::new(IngestCounts::default());
        let counted = Arc::clone(&counts);
        let ingest = services.ingest()?.with_observer(move |report| {
            if let Ok(outcome) = report.result {
                counted.add(outcome);
            }
        });
        ingest
            .check_store_capabilities(&running.pid.to_string())
            .await?;
        deliver_notifications(&work, engines.store.clone(), ingest);
        let dynamodb = engines.dynamodb.clone();
        let pictures = start_pictures(&work, &services).await?;
        let poller = StreamPoller::new(&sdk, &endpoints, dynamodb, &services, pictures)?;
        poller.start(&work);
        publisher::start(&work, services.publish(Deployment::Local)?);
        Ok(LocalServices {
            running,
            origins: services.cors_origins(Deployment::Local),
            dead_letters_at_start,
            store: engines.store,
            services,
            counts,
            work,
            servers,
            _socket: socket,
        })
    }

    /// Returns what an upload of files needs: the storage to which they are written, and the counts
    /// that show how many of them ingest has processed.
    pub(super) fn upload_target(&self) -> UploadTarget {
        UploadTarget {
            storage: self.services.storage.clone(),
            counts: Arc::clone(&self.counts),
            store: self.store.clone(),
        }
    }

    /// Starts a task that prints how many photos are hidden until `photos reindex` has read their
    /// files again. Prints nothing if there are none.
    pub(super) fn report_unread_labels(&self) {
        report_unread_labels(&self.work, &self.services);
    }

    /// Waits until a task ends before it is stopped. Returns the failure of that task.
    pub(super) async fn first_failure(&mut self) -> TaskFailure {
        tokio::select! {
            failure = self.work.first_failure() => failure,
            failure = self.servers.first_failure() => failure,
        }
    }

    /// Stops all tasks. Ingest and publish stop first. All changes that a server has acknowledged are kept.
    pub(super) async fn stop(mut self) {
        let stopped = tokio::time::timeout(GRACE, async {
            self.work.stop().await;
            self.servers.stop().await;
        });
        if stopped.await.is_err() {
            eprint_message("Some requests were broken off; what they had acknowledged is kept.");
        }
        let waiting = self.store.count_undelivered();
        if waiting > 0 {
            eprint_message(&format!(
                "{waiting} uploads and copies are not processed yet; the next start goes on with them."
            ));
        }
        let given_up = self.store.count_dead_letters();
        if given_up > 0 {
            eprint_message(&format!(
                "Changes that could not be processed in 20 attempts: {given_up}. The next start tries \
                 them again."
            ));
        }
    }
}

impl UploadTarget {
    /// Returns the message for changes that ingest could not process in 20 attempts. Returns `None`
    /// if there are none.
    pub(super) fn dead_letter_text(&self) -> Option<String> {
        super::dead_letter_text(self.store.count_dead_letters())
    }

    /// Waits until ingest has processed all notifications. Shows a progress bar.
    pub(super) async fn wait_for_ingest(&self) {
        let bar = progress::bar(0, "{spinner} {msg}");
        loop {
            let waiting = self.store.count_undelivered();
            if waiting == 0 {
                return;
            }
            let counts = self.counts.summary();
            bar.set_message(format!("Filing: {counts}; {waiting} events waiting"));
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Binds the listeners of the embedded engines.
///
/// # Errors
/// Fails if a port is in use, or if the socket cannot be made.
async fn bind_engines(
    arguments: &ServeArguments,
    lock: &DataDirLock,
) -> anyhow::Result<(EngineSocket, EngineListeners)> {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let dynamodb = match arguments.dynamodb_port {
        Some(port) => Some(bind(loopback, port, "--dynamodb-port").await?),
        None => None,
    };
    let s3 = bind(arguments.listen, arguments.s3_port, "--s3-port").await?;
    let (socket, socket_listener) = EngineSocket::bind(lock.engine())?;
    let listeners = EngineListeners {
        s3,
        socket: socket_listener,
        dynamodb,
    };
    Ok((socket, listeners))
}

/// Starts a task that delivers the notifications of the embedded S3 server to ingest.
fn deliver_notifications(work: &ServiceTasks, store: S3Store, ingest: Ingest) {
    work.spawn("ingest", |shutdown| async move {
        let handler = move |event| {
            let ingest = ingest.clone();
            async move {
                let handled = ingest.handle_event(&event).await;
                handled.map_err(|error| error.to_string())
            }
        };
        store
            .deliver_notifications(BATCHES, handler, shutdown.cancelled_owned())
            .await;
        Ok(())
    });
}
