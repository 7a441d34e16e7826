//! `photos serve` over stores elsewhere. It runs ingest, publish and the gallery in one process.
//! These stores deliver no notifications to it, so it lists the buckets again and again.

use std::time::Duration;

use super::listeners::{bind, local_url, raise_open_file_limit, serve_gallery};
use super::local_services::GRACE;
use super::store_poller::StorePoller;
use super::{
    ServeArguments, default_gallery_url, original_access, publisher, report_unread_labels,
    start_pictures,
};
use crate::cli::engines::create_stores;
use crate::cli::progress::eprint_message;
use crate::cli::shutdown::{ServiceTasks, shutdown_signal};
use crate::clients::{self, Endpoints};
use crate::config::Settings;
use crate::gallery::CursorKey;
use crate::services::{Deployment, Services};

/// Runs ingest, publish and the gallery until SIGINT or SIGTERM. Creates the buckets and tables
/// that do not exist.
///
/// # Errors
/// Fails if the port is in use, if a store refuses a request, or if ingest, publish or the gallery
/// ends before the signal.
pub(super) async fn run(arguments: &ServeArguments, mut settings: Settings) -> anyhow::Result<()> {
    let listener = bind(arguments.listen, arguments.port, "--port").await?;
    let gallery_url = local_url(&listener)?;
    default_gallery_url(&mut settings, arguments.listen, &gallery_url);
    let endpoints = Endpoints {
        s3: arguments.endpoints.s3_endpoint.clone(),
        dynamodb: arguments.endpoints.tables.dynamodb_endpoint.clone(),
    };
    let sdk = clients::from_environment().await;
    let services = Services::connect(&settings, &sdk, &endpoints)?;
    create_stores(&services).await?;
    let gallery_bucket = settings.gallery_bucket()?;
    services.storage.create_bucket(&gallery_bucket).await?;

    raise_open_file_limit();
    let originals = original_access(&settings, arguments.listen)?;
    let router = services.router(Deployment::Local, originals, CursorKey::random()?)?;
    let publish = services.publish(Deployment::Local)?;
    let ingest = services.ingest()?;
    ingest
        .check_store_capabilities(&std::process::id().to_string())
        .await?;

    let mut tasks = ServiceTasks::new();
    let guard = arguments.gallery_guard(&services);
    serve_gallery(&tasks, listener, router, guard);
    publisher::start(&tasks, publish);
    let interval = Duration::from_secs(arguments.poll.into());
    let pictures = start_pictures(&tasks, &services).await?;
    StorePoller::new(&services, ingest, interval, pictures)?.start(&tasks);
    eprint_message(&format!(
        "Page     {gallery_url}/\nUpload   {}  bucket {}\nArchive  bucket {}\nGallery  {gallery_url}/v1/photos\n\
         Both buckets are listed every {} s; Ctrl-C stops.",
        endpoints.s3.unwrap_or_default(),
        arguments.archive.source_bucket,
        arguments.archive.archive_bucket,
        arguments.poll,
    ));
    report_unread_labels(&tasks, &services);
    let shutdown = shutdown_signal("Stopping; a second Ctrl-C does so at once.")?;
    let ended = tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        failure = tasks.first_failure() => Err(failure.into()),
    };
    shutdown.cancel();
    if tokio::time::timeout(GRACE, tasks.stop()).await.is_err() {
        eprint_message("Some work was broken off; the next start goes on with it.");
    }
    ended
}
