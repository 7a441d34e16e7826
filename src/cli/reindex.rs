//! `photos reindex`: photos that an older extractor has read are read again.

use clap::Args;
use futures::{StreamExt, stream};

use super::Ended;
use super::library::{Library, Opened, Purpose};
use super::output::harmless;
use super::progress::{self, tell};
use crate::catalogue::batch::Scanned;
use crate::catalogue::item::Holding;
use crate::exif::EXTRACTOR_VERSION;

/// Files that are read at a time.
const READS: usize = 16;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only what was read by an extractor older than this one [default: today's].
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u32).range(1..=i64::from(EXTRACTOR_VERSION)))]
    below: Option<u32>,
    #[command(flatten)]
    library: Library,
}

/// Reads them again, by ranged reads of their files; what a person has set stays. Safe to repeat, and goes on where it
/// was. Scans the table.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let library = &arguments.library;
    anyhow::ensure!(
        library.exists(),
        "there is no catalogue in {}",
        library.data.display()
    );
    let opened = library.open(library.layout()?, Purpose::Change).await?;
    let below = arguments.below.unwrap_or(EXTRACTOR_VERSION);
    let ended = reindex(&opened, below).await;
    opened.close(true).await;
    ended
}

async fn reindex(opened: &Opened, below: u32) -> anyhow::Result<Ended> {
    let (mut read, mut moved, mut failed) = (0_u64, 0_u64, 0_u64);
    let bar = progress::bar(0, "Reading {human_pos}, {rate}");
    let archive = opened.ingest.layout().archive_bucket();
    let mut after = None;
    loop {
        let (page, next) = opened.catalogue.scan(after).await?;
        let older = page.into_iter().filter_map(|found| match found {
            Scanned::Photo(photo) => Some(photo),
            Scanned::Ledger(_) => None,
        });
        let photos = stream::iter(older.filter(|photo| is_below(photo, below)))
            .map(|photo| async move {
                for part in photo.parts.values().filter(|part| part.is_below(below)) {
                    if let Err(error) = opened.ingest.process(archive, &part.key).await {
                        return (photo.stem, Err(error));
                    }
                }
                let stem = [photo.stem.as_str()];
                let now = opened.catalogue.holdings(&stem).await;
                let now = now.map(|mut now| now.remove(&photo.stem));
                (photo.stem, now.map_err(Into::into))
            })
            .buffer_unordered(READS);
        let mut photos = std::pin::pin!(photos);
        while let Some((stem, now)) = photos.next().await {
            bar.inc(1);
            read += 1;
            match now {
                Err(error) => {
                    failed += 1;
                    tell(&format!("{}: {error}", harmless(&stem)));
                }
                Ok(Some(now)) if other_day(&now) => {
                    moved += 1;
                    let day = now
                        .taken_at_local
                        .as_deref()
                        .and_then(|taken| taken.get(..10));
                    let day = day.unwrap_or("no day");
                    tell(&format!(
                        "{}: taken on {day}; its files stay",
                        harmless(&stem)
                    ));
                }
                Ok(_) => {}
            }
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    drop(bar);
    tell(&format!(
        "{read} photos read again, {failed} failed; {moved} of another day than their folder's."
    ));
    Ok(if failed > 0 {
        Ended::WithFailures
    } else {
        Ended::Well
    })
}

fn is_below(photo: &Holding, below: u32) -> bool {
    photo.parts.values().any(|part| part.is_below(below))
}

/// Whether the folder is a day, and the photo is of another one.
fn other_day(photo: &Holding) -> bool {
    let folder = photo.stem.split('/').next().unwrap_or_default();
    let taken = photo.taken_at_local.as_deref();
    folder.parse::<chrono::NaiveDate>().is_ok()
        && taken.and_then(|taken| taken.get(..10)) != Some(folder)
}
