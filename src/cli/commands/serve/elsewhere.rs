//! `photos serve` over stores elsewhere: ingest, publish and the gallery in one process, and a listing that is looked
//! through again and again in place of notifications.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};

use super::stack::{self, Tasks};
use super::{Arguments, Stopped};
use crate::catalogue::Catalogue;
use crate::catalogue::batch::ScannedItem;
use crate::catalogue::published::PublishTable;
use crate::cli::commands::import::pages;
use crate::cli::data::Running;
use crate::cli::interrupt::told_to_stop;
use crate::cli::progress::tell;
use crate::clients::{self, Endpoints};
use crate::config::{IngestSettings, Settings};
use crate::gallery;
use crate::ingest::survey::{IngestStatus, ListedObject, SURVEY_BATCH};
use crate::ingest::{Ingest, IngestError, Outcome};
use crate::photo_id::PhotoId;
use crate::publish::{self, Publisher};
use crate::storage::Storage;

/// Keys that are worked on at a time.
const CONCURRENCY: usize = 8;

/// Runs until Ctrl-C or SIGTERM. Makes buckets and tables where there are none.
pub(super) async fn run(
    arguments: &Arguments,
    settings: Settings,
    own: IngestSettings,
    (s3, dynamodb): (&str, &str),
) -> anyhow::Result<()> {
    let listener = stack::bind(arguments.listen, arguments.port, "--port").await?;
    let running = Running {
        pid: std::process::id(),
        s3: s3.to_owned(),
        dynamodb: dynamodb.to_owned(),
        gallery: stack::url(&listener)?,
    };
    let endpoints = Endpoints {
        s3: Some(running.s3.clone()),
        dynamodb: Some(running.dynamodb.clone()),
    };
    let clients = clients::connect(&clients::from_environment().await, &endpoints);
    let storage = Storage::new(clients.s3);
    let catalogue = Catalogue::new(clients.dynamodb.clone(), &settings.table);
    let published = PublishTable::new(clients.dynamodb, &arguments.publish_table);
    let layout = settings.layout.clone();
    for bucket in [
        layout.source_bucket(),
        layout.archive_bucket(),
        &arguments.gallery_bucket,
    ] {
        storage.create_bucket(bucket).await?;
    }
    catalogue.create_table().await?;
    published.create_table().await?;

    let gallery_settings = stack::gallery_settings(arguments, &settings, &storage, &running)?;
    let publish = Publisher::new(
        catalogue.clone(),
        published.clone(),
        storage.clone(),
        stack::publish_settings(arguments, &gallery_settings)?,
    );
    let router = gallery::router(catalogue.clone(), published.clone(), gallery_settings);
    let ingest = Ingest::new(
        storage.clone().copying(own.copying),
        catalogue.clone(),
        layout,
        settings.privacy,
    )
    .with_source_after(own.source_after);
    ingest
        .check_store_capabilities(&running.pid.to_string())
        .await?;

    let mut tasks = Tasks::new();
    tasks.spawn("the gallery", |stopped| async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(stopped)
            .await
    });
    tasks.spawn("publish", |stopped| async move {
        stack::tick(publish, stopped).await;
        Ok(())
    });
    let poller = Poller {
        storage,
        catalogue,
        published,
        ingest,
        every: Duration::from_secs(arguments.poll.into()),
    };
    tasks.spawn("ingest", |stopped| async move {
        poller.run(stopped).await;
        Ok(())
    });
    tell(&format!(
        "Upload   {}  bucket {}\nArchive  bucket {}\nGallery  {}/v1/photos\nLooked through every {} s; Ctrl-C stops.",
        running.s3,
        arguments.source_bucket,
        arguments.archive_bucket,
        running.gallery,
        arguments.poll,
    ));
    let ended = tokio::select! {
        signal = told_to_stop() => signal.map_err(Into::into),
        (name, ended) = tasks.next() => {
            let cause = ended.err().unwrap_or_else(|| "it just ended".to_owned());
            Err(anyhow::anyhow!("{name} stopped working: {cause}"))
        }
    };
    // What is broken off is found again by the next start.
    if tokio::time::timeout(stack::GRACE, tasks.stop())
        .await
        .is_err()
    {
        tell("Some work was broken off; the next start goes on with it.");
    }
    ended
}

/// Lists both buckets again and again, and makes right what has changed.
struct Poller {
    storage: Storage,
    catalogue: Catalogue,
    published: PublishTable,
    ingest: Ingest,
    every: Duration,
}

/// What a bucket was seen to hold and is made right for.
type Seen = HashMap<String, ListedObject>;

impl Poller {
    async fn run(self, stopped: Stopped) {
        let layout = self.ingest.layout().clone();
        let polling = async {
            let (mut source, mut archive) = (Seen::new(), None);
            loop {
                let looked = async {
                    let (bucket, prefix) = (layout.source_bucket(), layout.source_prefix());
                    self.follow(bucket, prefix, &mut source).await?;
                    let (bucket, prefix) = (layout.archive_bucket(), layout.archive_prefix());
                    if archive.is_none() {
                        archive = Some(self.recorded().await?);
                    }
                    if let Some(archive) = &mut archive {
                        self.follow(bucket, prefix, archive).await?;
                    }
                    Ok::<_, anyhow::Error>(())
                };
                if let Err(error) = looked.await {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "cannot look through the store; tried again"
                    );
                }
                tokio::time::sleep(self.every).await;
            }
        };
        tokio::select! {
            () = stopped => {}
            () = polling => {}
        }
    }

    /// The files that the catalogue knows of, so that those that went while nobody looked are missed. A scan.
    async fn recorded(&self) -> anyhow::Result<Seen> {
        let mut seen = Seen::new();
        let mut after = None;
        loop {
            let (page, next) = self.catalogue.scan(after).await?;
            for found in page {
                let ScannedItem::Photo(photo) = found else {
                    continue;
                };
                for part in photo.parts.into_values().filter(|part| !part.removed) {
                    // Of no bytes, so that it is surveyed where it is there.
                    let sighting = ListedObject {
                        key: part.key.clone(),
                        etag: String::new(),
                        size_bytes: 0,
                        last_modified: None,
                    };
                    seen.insert(part.key, sighting);
                }
            }
            after = next;
            if after.is_none() {
                return Ok(seen);
            }
        }
    }

    /// Makes right what a bucket holds otherwise than it was `seen`. What failed is forgotten, so that it is new again.
    async fn follow(&self, bucket: &str, prefix: &str, seen: &mut Seen) -> anyhow::Result<()> {
        let mut now = Seen::new();
        let mut pages = std::pin::pin!(pages(self.storage.clone(), bucket, prefix));
        while let Some(page) = pages.try_next().await? {
            let page = page.into_iter().map(ListedObject::from);
            now.extend(page.map(|sighting| (sighting.key.clone(), sighting)));
        }
        let mut changed: Vec<ListedObject> = now
            .values()
            .filter(|sighting| seen.get(&sighting.key) != Some(sighting))
            .cloned()
            .collect();
        // A RAW follows its JPEG closely, and a listing's order is the user's.
        changed.sort_by(|one, other| one.key.cmp(&other.key));
        let mut work = Vec::new();
        for chunk in changed.chunks(SURVEY_BATCH) {
            let standings = self.ingest.survey_objects(bucket, chunk).await?;
            for (sighting, standing) in chunk.iter().zip(standings) {
                let archive = self.ingest.layout().archive_bucket().to_owned();
                let key = sighting.key.clone();
                match standing {
                    IngestStatus::New => work.push((key.clone(), bucket.to_owned(), key)),
                    IngestStatus::Unindexed { archive_key } => {
                        work.push((key, archive, archive_key.as_str().to_owned()))
                    }
                    IngestStatus::Known { .. } | IngestStatus::Skipped | IngestStatus::Outside => {}
                }
            }
        }
        if bucket == self.ingest.layout().archive_bucket() {
            let gone = seen.keys().filter(|key| !now.contains_key(*key));
            work.extend(gone.map(|key| (key.clone(), bucket.to_owned(), key.clone())));
        }
        let worked: Vec<(String, Result<(), IngestError>)> =
            stream::iter(work)
                .map(|(seen_as, bucket, key)| async move {
                    (seen_as, self.make_right(&bucket, &key).await)
                })
                .buffer_unordered(CONCURRENCY)
                .collect()
                .await;
        for (key, ended) in worked {
            if let Err(error) = ended {
                tracing::warn!(s3.bucket = bucket, s3.key = key, %error, "to be tried again");
                match seen.remove(&key) {
                    // Gone, and still to be recorded.
                    Some(before) if !now.contains_key(&key) => {
                        now.insert(key, before);
                    }
                    _ => {
                        now.remove(&key);
                    }
                }
            }
        }
        *seen = now;
        Ok(())
    }

    /// Both steps, and a mark for every month that is shown otherwise: no stream tells of it here.
    async fn make_right(&self, bucket: &str, key: &str) -> Result<(), IngestError> {
        let layout = self.ingest.layout();
        let archive = layout.archive_bucket().to_owned();
        let copy = layout.archive_key(key).filter(|_| bucket == archive);
        let copy = match copy {
            Some(copy) => copy,
            None => match self.ingest.process_key(bucket, key).await? {
                Outcome::Archived(copy) | Outcome::Undated(copy) => copy,
                _ => return Ok(()),
            },
        };
        let id = PhotoId::from_stem(copy.stem());
        let month = async || -> Result<Option<String>, IngestError> {
            let item = self.catalogue.item(&id).await?;
            Ok(item.as_ref().and_then(publish::public_month))
        };
        let before = month().await?;
        // Marked before too: a month that is marked in vain is looked at in vain, and one that is not is never.
        self.mark(before.iter()).await?;
        self.ingest.process_key(&archive, copy.as_str()).await?;
        let after = month().await?;
        // And the one before again: publish may have looked at it in between.
        self.mark(before.iter().chain(&after)).await
    }

    async fn mark(&self, months: impl Iterator<Item = &String>) -> Result<(), IngestError> {
        for month in months.collect::<BTreeSet<_>>() {
            self.published.mark_dirty(month, Utc::now()).await?;
        }
        Ok(())
    }
}
