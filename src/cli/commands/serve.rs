//! `photos serve` runs the embedded engines, ingest, publish and the gallery in one process. Over
//! stores elsewhere, it runs ingest, publish and the gallery.

mod listeners;
mod local_services;
mod publisher;
mod remote_stores;
mod store_poller;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use local_http::{AllowedOrigins, RequestGuard};

use crate::cli::CommandStatus;
use crate::cli::data_dir::{self, LockOutcome, ServeEndpoints};
use crate::cli::engines::check_folder_version;
use crate::cli::flags::{
    ArchiveFlags, DataFlags, HookFlags, IngestFlags, KeyPairFlags, MapFlags, PictureFlags,
    PrivacyFlags, PublishFlags, StoreEndpointFlags, TableFlags,
};
use crate::cli::picture_worker::PictureQueue;
use crate::cli::progress::eprint_message;
use crate::cli::shutdown::{ServiceTasks, shutdown_signal};
use crate::cli::unread_labels::describe_unread_labels;
use crate::cli::upload::{self, UploadReport};
use crate::config::{self, Settings};
use crate::object::Bucket;
use crate::pictures::OriginalCopies;
use crate::services::{Deployment, OriginalAccess, Services};
use local_services::{IngestCounts, LocalServices, UploadTarget};

#[derive(Debug, Args)]
#[command(mut_arg("s3_endpoint", |flag| flag.requires("dynamodb_endpoint").conflicts_with("paths")))]
#[command(mut_arg("dynamodb_endpoint", |flag| flag.requires("s3_endpoint")))]
pub(in crate::cli) struct ServeArguments {
    /// Folders (or files) to upload first. Files that are there already are not uploaded again.
    #[arg(value_name = "DIR")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    data: DataFlags,
    /// Port of the gallery; 0 picks a free one.
    #[arg(long, env = config::PORT, default_value_t = 8080)]
    port: u16,
    /// Port of the embedded S3 server; 0 picks a free one.
    #[arg(long, env = config::S3_PORT, default_value_t = 9000)]
    s3_port: u16,
    /// Opens a port of the embedded DynamoDB server, which only this machine can reach; 0 picks a
    /// free one. Requests must be signed with the key pair. Without this flag there is no port.
    #[arg(long, value_name = "PORT", env = config::DYNAMODB_PORT)]
    dynamodb_port: Option<u16>,
    /// Address that the gallery and the S3 server listen on. An address other than this machine's
    /// own lets others in.
    #[arg(long, value_name = "ADDRESS", env = config::LISTEN, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// More host names of these servers, separated by commas. Localhost and IP addresses always
    /// count. A request under another name is refused.
    #[arg(long = "host", value_name = "NAMES", env = config::HOSTS, value_delimiter = ',')]
    hosts: Vec<String>,
    #[command(flatten)]
    key_pair: KeyPairFlags,
    #[command(flatten)]
    archive: ArchiveFlags,
    #[command(flatten)]
    ingest: IngestFlags,
    #[command(flatten)]
    tables: TableFlags,
    #[command(flatten)]
    publish: PublishFlags,
    #[command(flatten)]
    map: MapFlags,
    #[command(flatten)]
    hook: HookFlags,
    #[command(flatten)]
    privacy: PrivacyFlags,
    #[command(flatten)]
    pictures: PictureFlags,
    /// URL at which browsers reach the pictures and static files, if not /gallery at the gallery's
    /// own port.
    #[arg(long, value_name = "URL", env = config::GALLERY_URL)]
    gallery_url: Option<String>,
    #[command(flatten)]
    endpoints: StoreEndpointFlags,
    /// Seconds between two listings of such a store, which find what was added and removed.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    poll: u32,
    /// Origins whose pages may read the gallery, separated by commas; * for all, empty for none. If
    /// it is not given, pages of this machine may read it.
    #[arg(long, value_name = "ORIGINS", env = config::CORS_ORIGINS)]
    cors_origins: Option<String>,
}

/// Runs the command until SIGINT or SIGTERM, or until a server, ingest or publish fails.
pub(in crate::cli) async fn run(arguments: ServeArguments) -> anyhow::Result<CommandStatus> {
    let settings = arguments.settings()?;
    // The settings are checked before anything is created.
    settings.ingest()?;
    settings.privacy()?;
    settings.layout()?;
    settings.hook(true)?;
    settings.hook_rules()?;
    settings.picture_recipe()?;
    settings.map_tiles()?;
    settings.album_folders()?;
    if arguments.endpoints.s3_endpoint.is_some() {
        remote_stores::run(&arguments, settings).await?;
        return Ok(CommandStatus::Success);
    }
    let data = &arguments.data.data;
    let lock = match data_dir::lock(data)? {
        LockOutcome::Acquired(lock) => lock,
        LockOutcome::InUse(running) => {
            let process = running.map(|running| format!(" (process {})", running.pid));
            bail!(
                "{} is in use by another `photos serve`{}; stop that one, or choose another folder \
                 with --data",
                data.display(),
                process.unwrap_or_default()
            )
        }
    };
    // The settings of a newer version must not be overwritten.
    check_folder_version(data)?;
    lock.keep_privacy(&settings)?;
    let mut services = LocalServices::start(&arguments, settings, &lock).await?;
    lock.announce(&services.running)?;
    eprint_message(&welcome(&arguments, &services.running, &services.origins));
    if let Some(message) = dead_letter_text(services.dead_letters_at_start) {
        eprint_message(&message);
    }
    services.report_unread_labels();

    let shutdown = shutdown_signal("Stopping; a second Ctrl-C does so at once.")?;
    let upload = upload_first(&arguments, services.upload_target());
    let work = async {
        upload.await?;
        std::future::pending().await
    };
    let ended = tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        failure = services.first_failure() => {
            Err(anyhow::Error::from(failure).context("start again to go on"))
        }
        failed = work => failed,
    };
    shutdown.cancel();
    services.stop().await;
    lock.withdraw();
    ended.map(|()| CommandStatus::Success)
}

/// Uploads the folders and files of the command line, waits until ingest has processed them, and
/// prints a summary.
async fn upload_first(arguments: &ServeArguments, inbox: UploadTarget) -> anyhow::Result<()> {
    if arguments.paths.is_empty() {
        return Ok(());
    }
    let prefix = &arguments.archive.source_prefix;
    let names = arguments.settings()?.ingest()?.skipped_names;
    let found = upload::find_files(&arguments.paths, prefix, &arguments.data.data, &names);
    for message in found.messages() {
        eprint_message(&message);
    }
    let failed = found.failures.len() as u64;
    let bucket = &arguments.archive.source_bucket;
    let report =
        upload::upload_files(&inbox.storage, &Bucket::new(bucket)?, prefix, found.uploads).await?;
    inbox.wait_for_ingest().await;
    eprint_message(&upload_summary(report, failed, &inbox.counts));
    if let Some(message) = inbox.dead_letter_text() {
        eprint_message(&message);
    }
    Ok(())
}

impl ServeArguments {
    /// Returns the settings from the flags, or from their variables if a flag is not given.
    ///
    /// # Errors
    /// Fails if `--listen` lets other machines reach the servers, and the location policy is not
    /// set.
    fn settings(&self) -> anyhow::Result<Settings> {
        let is_private = self.listen.is_loopback();
        let mut settings = self.privacy.settings();
        // An empty text is a choice too: it means `hide`.
        if !settings.contains(config::LOCATION) {
            if !is_private {
                bail!(
                    "--listen {} lets others read: set what they may see of positions with \
                     --location hide, round:N or exact",
                    self.listen
                );
            }
            settings.set(config::LOCATION, "exact");
        }
        settings.extend(self.archive.settings());
        settings.extend(self.ingest.settings());
        settings.extend(self.tables.settings());
        settings.extend(self.publish.settings());
        settings.extend(self.map.settings());
        settings.extend(self.hook.settings());
        if let Some(origins) = &self.cors_origins {
            settings.set(config::CORS_ORIGINS, origins);
        }
        settings.extend(self.pictures.settings());
        if let Some(url) = &self.gallery_url {
            settings.set(config::GALLERY_URL, url);
        }
        Ok(settings)
    }

    /// Returns the guard of the embedded engines: no page of another origin may send requests.
    fn engine_guard(&self) -> RequestGuard {
        RequestGuard::new(self.hosts.iter().cloned(), AllowedOrigins::OwnOnly)
    }

    /// Returns the guard of the gallery. The origins that may read it may also send requests.
    fn gallery_guard(&self, services: &Services) -> RequestGuard {
        let origins = services.cors_origins(Deployment::Local);
        RequestGuard::new(self.hosts.iter().cloned(), origins)
    }
}

/// Sets GALLERY_URL to the path of the static files at the gallery's own port, if it is not set. If
/// only this machine can reach the gallery, sets the whole URL: a site that is developed on this
/// machine has another port, so relative URLs would not work there. `gallery` is the base URL of
/// the gallery.
fn default_gallery_url(settings: &mut Settings, listen: IpAddr, gallery: &str) {
    if settings.gallery_url().is_none() {
        let host = if listen.is_loopback() { gallery } else { "" };
        settings.set(config::GALLERY_URL, format!("{host}/gallery"));
    }
}

/// Returns who may read files of the archive through the gallery: the owner, if ORIGINALS is set
/// and only this machine can reach the gallery.
///
/// # Errors
/// Fails if ORIGINALS is wrong.
fn original_access(settings: &Settings, listen: IpAddr) -> anyhow::Result<OriginalAccess> {
    let has_originals = settings.originals()? != OriginalCopies::None;
    Ok(match has_originals && listen.is_loopback() {
        true => OriginalAccess::Owner,
        false => OriginalAccess::Nobody,
    })
}

/// Starts a task that makes and deletes pictures. Returns their queue.
///
/// # Errors
/// Fails if a setting is wrong, or if the catalogue cannot be read.
async fn start_pictures(tasks: &ServiceTasks, services: &Services) -> anyhow::Result<PictureQueue> {
    let render = services.render(None).await?;
    let queue = PictureQueue::new(services.published()?, render);
    queue.start(tasks);
    Ok(queue)
}

fn welcome(
    arguments: &ServeArguments,
    running: &ServeEndpoints,
    origins: &AllowedOrigins,
) -> String {
    let mut archive = arguments.data.data.join(&arguments.archive.archive_bucket);
    archive.extend(arguments.archive.archive_prefix.split_terminator('/'));
    format!(
        "Page     {}/\n\
         Upload   {}  bucket {}, access key {}, secret key {}\n\
         Archive  {}\n\
         Gallery  {}/v1/photos  {}\n\
         Ctrl-C stops; everything is kept in {}.",
        running.gallery,
        running.s3,
        arguments.archive.source_bucket,
        running.key_pair.access_key,
        running.key_pair.secret_key,
        archive.display(),
        running.gallery,
        describe_readers(origins),
        arguments.data.data.display(),
    )
}

/// Returns a text for the messages of `photos serve`: which pages of other origins may read the
/// gallery.
fn describe_readers(origins: &AllowedOrigins) -> String {
    match origins {
        AllowedOrigins::OwnOnly => "no page of another origin may read it".to_owned(),
        AllowedOrigins::ThisMachine => "pages of this machine may read it".to_owned(),
        AllowedOrigins::Listed(origins) => format!("pages of {} may read it", origins.join(", ")),
        AllowedOrigins::Any => "pages of every origin may read it".to_owned(),
    }
}

/// Returns the message for notifications that failed too often before this start. Returns `None` if
/// there are none.
fn dead_letter_text(count: u64) -> Option<String> {
    (count > 0).then(|| {
        format!(
            "Changes that could not be processed in 20 attempts: {count}. They are tried again every \
             hour and at each start; `photos reconcile` lists them."
        )
    })
}

/// Starts a task of `work` that prints how many photos are hidden until `photos reindex` has read
/// their files again. The servers do not wait for the count.
fn report_unread_labels(work: &ServiceTasks, services: &Services) {
    // The settings were checked at the start.
    let Ok(privacy) = services.settings().privacy() else {
        return;
    };
    let (catalogue, rules) = (services.catalogue.clone(), privacy.visibility);
    work.spawn("the count of hidden photos", |shutdown| async move {
        let counted = describe_unread_labels(&catalogue, &rules);
        match shutdown.run_until_cancelled(counted).await {
            Some(Ok(Some(message))) => eprint_message(&message),
            Some(Err(error)) => tracing::warn!(%error, "cannot count the hidden photos"),
            Some(Ok(None)) | None => {}
        }
        // The end of a task stops the program.
        shutdown.cancelled().await;
        Ok(())
    });
}

fn upload_summary(report: UploadReport, unreadable: u64, counts: &IngestCounts) -> String {
    let mut line = format!("{} uploaded", report.uploaded);
    if report.there > 0 {
        line += &format!(", {} there already", report.there);
    }
    let failed = report.failed + unreadable;
    if failed > 0 {
        line += &format!(", {failed} failed");
    }
    if report.uploaded > 0 {
        line += &format!(": {}", counts.summary());
    }
    line + "."
}

#[cfg(test)]
mod tests {
    use clap::builder::Resettable;
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;
    use crate::privacy::LocationPolicy;

    #[derive(Parser)]
    struct ServeCommandLine {
        #[command(flatten)]
        serve: ServeArguments,
    }

    fn settings(flags: &[&str]) -> anyhow::Result<Settings> {
        // The variables of the developer must not change the result.
        let command = ServeCommandLine::command().mut_args(|flag| flag.env(Resettable::Reset));
        let matches = command.get_matches_from([&["serve"], flags].concat());
        ServeCommandLine::from_arg_matches(&matches)?
            .serve
            .settings()
    }

    #[test]
    fn empty_location_hides_all_positions() {
        let location = |flags: &[&str]| {
            let settings = settings(flags).expect("valid");
            settings.privacy().expect("valid").location
        };
        assert_eq!(location(&["--location", ""]), LocationPolicy::Hide);
        assert_eq!(location(&["--location", "hide"]), LocationPolicy::Hide);
        assert_eq!(location(&[]), LocationPolicy::Exact);
    }

    #[test]
    fn others_may_read_only_after_a_location_policy_is_set() {
        let public = ["--listen", "0.0.0.0"];
        let error = settings(&public).expect_err("no policy").to_string();
        assert!(error.contains("--location"), "{error}");
        assert!(settings(&[&public[..], &["--location", "hide"]].concat()).is_ok());
    }

    #[test]
    fn empty_gallery_prefix_is_the_bucket_itself() {
        let prefix = |flags: &[&str]| {
            let settings = settings(flags).expect("valid");
            settings.gallery_prefix().to_owned()
        };
        assert_eq!(prefix(&["--gallery-prefix", ""]), "");
        assert_eq!(prefix(&[]), "gallery/");
    }
}
