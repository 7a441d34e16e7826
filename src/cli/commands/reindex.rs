//! `photos reindex`: the catalogue as today's program would have written it.

use anyhow::Context;
use chrono::NaiveDate;
use clap::Args;
use futures::{StreamExt, stream};

use crate::archive;
use crate::catalogue::item::PhotoItem;
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::ingest::{self, IngestError};
use crate::photo_id::PhotoId;
use photo_metadata::EXTRACTOR_VERSION;

/// Photos that are worked on at a time.
const AT_ONCE: usize = 16;

#[derive(Debug, Args)]
pub(in crate::cli) struct ReindexArguments {
    /// Only what was read by an extractor older than this one [default: today's].
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u32).range(1..=i64::from(EXTRACTOR_VERSION)))]
    below: Option<u32>,
    /// File each photo under its own day where its folder is named as another: copies, then the old files go.
    #[arg(long = "move")]
    moves: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// How a photo was found, and what became of it.
#[derive(Debug, Default)]
struct Found {
    stem: String,
    /// An older extractor had read it; its files were read.
    read: bool,
    /// List form and index keys were others than follow from its record by today's rules; no file was read.
    derived: bool,
    /// Its day, where its folder says another.
    other_day: Option<NaiveDate>,
    moved_to: Option<String>,
}

/// Reads again what an older extractor has read, by ranged reads of the files; of all others, list form and index keys
/// follow from the record that is stored, by today's rules of privacy. What a person has set stays. Safe to repeat, and
/// goes on where it was. Scans the table.
pub(in crate::cli) async fn run(arguments: ReindexArguments) -> anyhow::Result<CommandStatus> {
    let session = arguments
        .stores
        .open_existing(SessionPurpose::Write)
        .await?;
    let below = arguments.below.unwrap_or(EXTRACTOR_VERSION);
    let ended = reindex(&session, below, arguments.moves).await;
    session.close(true).await;
    ended
}

async fn reindex(session: &Session, below: u32, moves: bool) -> anyhow::Result<CommandStatus> {
    let (mut read, mut derived, mut elsewhere, mut moved, mut failed) = (0_u64, 0, 0, 0, 0);
    let bar = progress::bar(0, "Looking at {human_pos}, {rate}");
    let mut after = None;
    loop {
        let (page, next) = session.catalogue.scan_items(after).await?;
        let photos = page.into_iter().filter(|photo| {
            let is_there = |photo: &PhotoItem| photo.has_live_parts();
            photo.as_ref().map_or(true, is_there)
        });
        let photos = stream::iter(photos)
            .map(|photo| async move {
                let photo = photo?;
                let stem = photo.stem.clone();
                let done = sync_key(session, photo, below, moves).await;
                done.with_context(|| escape_control(&stem).to_string())
            })
            .buffer_unordered(AT_ONCE);
        let mut photos = std::pin::pin!(photos);
        while let Some(done) = photos.next().await {
            bar.inc(1);
            let found = match done {
                Ok(found) => found,
                Err(error) => {
                    failed += 1;
                    eprint_message(&format!("{error:#}"));
                    continue;
                }
            };
            read += u64::from(found.read);
            derived += u64::from(found.derived);
            let stem = escape_control(&found.stem);
            match (&found.moved_to, &found.other_day) {
                (Some(to), _) => {
                    moved += 1;
                    eprint_message(&format!("{stem}: moved to {}", escape_control(to)));
                }
                (None, Some(day)) => {
                    elsewhere += 1;
                    if found.read {
                        eprint_message(&format!("{stem}: taken on {day}; its files stay"));
                    }
                }
                (None, None) => {}
            }
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    drop(bar);
    eprint_message(&format!(
        "{read} photos read again, {derived} derived anew from what is stored, {moved} moved, {failed} failed."
    ));
    if elsewhere > 0 {
        eprint_message(&format!(
            "{elsewhere} of another day than their folder's stay there: --move files them under their own."
        ));
    }
    Ok(if failed > 0 {
        CommandStatus::PartialFailure
    } else {
        CommandStatus::Success
    })
}

async fn sync_key(
    session: &Session,
    mut photo: PhotoItem,
    below: u32,
    moves: bool,
) -> Result<Found, IngestError> {
    let ingest = &session.ingest;
    let mut found = Found {
        stem: photo.stem.clone(),
        read: photo.parts.values().any(|part| part.is_below(below)),
        ..Found::default()
    };
    if found.read {
        let archive = ingest.layout().archive_bucket();
        for part in photo.parts.values().filter(|part| part.is_below(below)) {
            ingest.process_key(archive, &part.key).await?;
        }
        let id = PhotoId::from_stem(&photo.stem);
        photo = session.catalogue.item(&id).await?.unwrap_or(photo);
    } else if ingest::is_outdated(&photo, &session.privacy) {
        let id = PhotoId::from_stem(&photo.stem);
        let written =
            ingest::update_overrides(&session.catalogue, &session.privacy, &id, |_| ()).await?;
        found.derived = written.is_some();
    }
    let day = photo.photo.record.capture.day();
    if archive::is_misfiled(&photo.stem, day) {
        found.other_day = day;
        if moves {
            found.moved_to = ingest.move_to_capture_day(&photo.stem).await?;
        }
    }
    Ok(found)
}
