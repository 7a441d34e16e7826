//! `photos serve`: the embedded engines, ingest fed by their notifications, and the gallery, in one process.

mod elsewhere;
mod stack;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use crate::cli::Ended;
use crate::cli::data::{self, ACCESS_KEY, Holder, Running, SECRET_KEY};
use crate::cli::interrupt::told_to_stop;
use crate::cli::privacy::PrivacyArguments;
use crate::cli::progress::tell;
use crate::cli::publishing::HookArguments;
use crate::cli::upload::{self, Found, Report};
use crate::config::{self, IngestSettings, Settings};
use stack::{Inbox, Stack, Stopped, Tally};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
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
    /// What becomes of an upload once it is archived: keep or delete.
    #[arg(long, env = config::SOURCE_AFTER, default_value = "keep")]
    source_after: String,
    /// Storage class of the archive's files. The embedded store keeps its name alone.
    #[arg(long, env = config::ARCHIVE_STORAGE_CLASS)]
    archive_storage_class: Option<String>,
    /// The catalogue's table.
    #[arg(long, env = config::TABLE, default_value = "photos")]
    table: String,
    /// The table of what is published.
    #[arg(long, env = config::PUBLISH_TABLE, default_value = "publish")]
    publish_table: String,
    /// Bucket of the static gallery files.
    #[arg(long, env = config::GALLERY_BUCKET, default_value = "site")]
    gallery_bucket: String,
    /// Folder in it, ending in a slash.
    #[arg(long, env = config::GALLERY_PREFIX, default_value = config::DEFAULT_GALLERY_PREFIX)]
    gallery_prefix: String,
    #[command(flatten)]
    hook: HookArguments,
    /// What the gallery tells of places: hide, round:N (decimals) or exact. Default: exact while only this machine can ask.
    #[arg(long, env = config::LOCATION)]
    location: Option<String>,
    #[command(flatten)]
    privacy: PrivacyArguments,
    /// Where browsers reach the gallery, if not at its port; pictures are listed with this in front.
    #[arg(long, value_name = "URL", env = config::PHOTO_BASE_URL)]
    photo_base_url: Option<String>,
    /// Instead of the embedded engines, work on this S3-compatible store, with the region and credentials that AWS's own
    /// tools use; with --dynamodb-endpoint.
    #[arg(long, value_name = "URL", env = config::S3_ENDPOINT, requires = "dynamodb_endpoint", conflicts_with = "paths")]
    s3_endpoint: Option<String>,
    /// And on the tables of this DynamoDB-compatible one.
    #[arg(long, value_name = "URL", env = config::DYNAMODB_ENDPOINT, requires = "s3_endpoint")]
    dynamodb_endpoint: Option<String>,
    /// How often such a store is looked through for what has come and gone.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    poll: u32,
    /// Origins whose pages may read the gallery, separated by commas; * for all.
    #[arg(long, env = config::CORS_ORIGINS, value_delimiter = ',')]
    cors_origins: Vec<String>,
}

/// Runs until Ctrl-C or SIGTERM.
pub(in crate::cli) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let Told { settings, privacy } = settings(&arguments)?;
    let ingest = ingest_settings(&arguments)?;
    if let (Some(s3), Some(dynamodb)) = (&arguments.s3_endpoint, &arguments.dynamodb_endpoint) {
        elsewhere::run(&arguments, settings, ingest, (s3, dynamodb)).await?;
        return Ok(Ended::Well);
    }
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
    held.keep_privacy(&privacy)?;
    let mut stack = Stack::start(&arguments, settings, ingest).await?;
    held.announce(&stack.running)?;
    tell(&welcome(&arguments, &stack.running));

    let upload = upload_first(&arguments, stack.inbox());
    let work = async {
        upload.await?;
        std::future::pending().await
    };
    let ended = tokio::select! {
        signal = told_to_stop() => signal.map_err(Into::into),
        error = stack.broke() => Err(error),
        failed = work => failed,
    };
    if ended.is_ok() {
        tell("Stopping; a second Ctrl-C does so at once.");
    }
    let again = tokio::spawn(async {
        if told_to_stop().await.is_ok() {
            std::process::exit(130);
        }
    });
    stack.stop().await;
    again.abort();
    held.withdraw();
    ended.map(|()| Ended::Well)
}

/// Uploads the folders that were named, and waits until ingest is through with them.
async fn upload_first(arguments: &Arguments, inbox: Inbox) -> anyhow::Result<()> {
    if arguments.paths.is_empty() {
        return Ok(());
    }
    let prefix = &arguments.source_prefix;
    let found = upload::find(&arguments.paths, prefix, &arguments.data);
    tell_found(&found);
    let failed = found.failures.len() as u64;
    let report = upload::upload(
        &inbox.storage,
        &arguments.source_bucket,
        prefix,
        found.uploads,
    )
    .await?;
    inbox.wait_for_ingest().await;
    tell(&uploaded(report, failed, &inbox.tally));
    Ok(())
}

/// What the flags say.
struct Told {
    settings: Settings,
    /// Those that say what is kept from the public, by their variables, for the commands that must do likewise.
    privacy: BTreeMap<String, String>,
}

/// The settings that Lambda reads from its environment, from the flags of the same meaning.
fn settings(arguments: &Arguments) -> anyhow::Result<Told> {
    let ours_alone = arguments.listen.is_loopback();
    let is_embedded = arguments.s3_endpoint.is_none();
    if !ours_alone && is_embedded && arguments.secret_key == SECRET_KEY {
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
    let mut privacy = arguments.privacy.given();
    privacy.insert(config::LOCATION.to_owned(), location);
    let settings = Settings::read(|name| {
        Some(match name {
            config::SOURCE_BUCKET => arguments.source_bucket.clone(),
            config::SOURCE_PREFIX => arguments.source_prefix.clone(),
            config::ARCHIVE_BUCKET => arguments.archive_bucket.clone(),
            config::ARCHIVE_PREFIX => arguments.archive_prefix.clone(),
            config::TABLE => arguments.table.clone(),
            name => return privacy.get(name).cloned(),
        })
    })?;
    Ok(Told { settings, privacy })
}

fn ingest_settings(arguments: &Arguments) -> anyhow::Result<IngestSettings> {
    Ok(IngestSettings::read(|name| match name {
        config::SOURCE_AFTER => Some(arguments.source_after.clone()),
        config::ARCHIVE_STORAGE_CLASS => arguments.archive_storage_class.clone(),
        _ => None,
    })?)
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
