//! `photos reindex` updates the catalogue to what the present version of the program would write,
//! with the present privacy rules.

use anyhow::Context;
use chrono::Utc;
use clap::Args;
use futures::{StreamExt, TryStreamExt};

use crate::catalogue::CatalogueError;
use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::ingest::{self, IngestError, MisfiledPhotos};
use crate::photo_id::PhotoId;
use crate::telemetry::error_chain;
use photo_metadata::{EXTRACTOR_VERSION, PartialDateTime};

/// The maximum number of photos that are updated at the same time.
const AT_ONCE: usize = 16;

/// The arguments of `photos reindex`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReindexArguments {
    /// Read only the photos that an extractor older than this version has read [default: today's].
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u32).range(1..=i64::from(EXTRACTOR_VERSION)))]
    below: Option<u32>,
    /// Move each photo to the folder of its own day. Copies the files, then removes the old ones.
    #[arg(long = "move")]
    moves: bool,
    /// Make the pictures of all public photos again, also those that are up to date or could not be
    /// made. `photos serve` or the render function does this work.
    #[arg(long)]
    pictures: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// What the command does with each photo.
#[derive(Debug, Clone, Copy)]
struct ReindexWork {
    /// Files that an extractor of a lower version has read are read again.
    below: u32,
    /// `true` if the files are moved to the folder of the capture day.
    moves: bool,
    /// `true` if all pictures are made again.
    pictures: bool,
}

/// The changes that the command made to one photo.
#[derive(Debug, Default)]
struct ReindexedPhoto {
    stem: String,
    /// `true` if the files of the photo were read again, because an older extractor had read them.
    read: bool,
    /// `true` if the summary and the index keys were derived again from the stored record, without
    /// reading a file.
    derived: bool,
    /// `true` if the pictures of the photo are made again.
    renewed: bool,
    /// The capture day of the photo, if its files are in the folder of another day.
    other_day: Option<PartialDateTime>,
    /// The new stem of the photo, if it was moved.
    moved_to: Option<String>,
}

/// Runs the command: updates the photos of the catalogue that are outdated. If an older extractor
/// has read a file of a photo, reads the file again. If no file of a photo must be read again, but
/// the summary or the index keys are outdated, derives both again from the stored record and the
/// present privacy rules. Keeps the overrides that the owner has set.
///
/// Scans the table. A repeat is safe, and continues an interrupted run. The exit status is 1 if a
/// photo cannot be updated.
pub(in crate::cli) async fn run(arguments: ReindexArguments) -> anyhow::Result<CommandStatus> {
    let session = arguments
        .stores
        .open_existing(SessionPurpose::Write)
        .await?;
    let below = arguments.below.unwrap_or(EXTRACTOR_VERSION);
    let work = ReindexWork {
        below,
        moves: arguments.moves,
        pictures: arguments.pictures,
    };
    let result = reindex_photos(&session, work).await;
    session.close(true).await;
    result
}

/// The outcome for one photo of the scan, or the error that ended the scan.
enum ReindexOutcome {
    /// One photo was checked, and updated if it was outdated.
    Done(ReindexedPhoto),
    /// One photo could not be read or written. The command continues with the other photos.
    Failed(anyhow::Error),
    /// The scan of the catalogue failed. The command reads no more photos.
    ScanFailed(CatalogueError),
}

async fn reindex_photos(session: &Session, work: ReindexWork) -> anyhow::Result<CommandStatus> {
    let (mut read, mut derived, mut elsewhere, mut moved, mut failed) = (0_u64, 0, 0, 0, 0);
    let mut renewed = 0_u64;
    let bar = progress::bar(0, "Checking {human_pos}, {rate}");
    let photos = session
        .catalogue
        .scan_photo_items()
        .try_filter(|photo| std::future::ready(photo.has_live_photo()))
        .map(|photo| async move {
            let photo = match photo {
                Err(error @ CatalogueError::Request { .. }) => {
                    return ReindexOutcome::ScanFailed(error);
                }
                Err(error) => return ReindexOutcome::Failed(error.into()),
                Ok(photo) => photo,
            };
            let stem = photo.stem.clone();
            let done = reindex_photo(session, photo, work).await;
            match done.with_context(|| escape_control(&stem).to_string()) {
                Ok(photo) => ReindexOutcome::Done(photo),
                Err(error) => ReindexOutcome::Failed(error),
            }
        })
        .buffer_unordered(AT_ONCE);
    let mut photos = std::pin::pin!(photos);
    let mut scan_error = None;
    // After a failed scan the photos that are being moved must still be finished.
    while let Some(done) = photos.next().await {
        bar.inc(1);
        let found = match done {
            ReindexOutcome::Done(found) => found,
            ReindexOutcome::Failed(error) => {
                failed += 1;
                eprint_message(&error_chain(error.as_ref()));
                continue;
            }
            ReindexOutcome::ScanFailed(error) => {
                scan_error = Some(error);
                continue;
            }
        };
        read += u64::from(found.read);
        derived += u64::from(found.derived);
        renewed += u64::from(found.renewed);
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
    drop(bar);
    eprint_message(&format!(
        "{read} photos read again, {derived} derived again from their records, {moved} moved, {failed} failed."
    ));
    if work.pictures {
        eprint_message(&format!(
            "The pictures of {renewed} photos will be made again."
        ));
    }
    if let Some(error) = scan_error {
        return Err(error.into());
    }
    if elsewhere > 0 {
        eprint_message(&format!(
            "{elsewhere} are in the folder of another day; --move moves them to their own."
        ));
    }
    Ok(if failed > 0 {
        CommandStatus::PartialFailure
    } else {
        CommandStatus::Success
    })
}

/// Updates one photo. Reads each of its files again that an older extractor has read, as `work`
/// requires. Takes each file out of the catalogue whose name is never a photo's. If there is no such
/// file, derives the summary and the index keys again if they are outdated. Then does the other parts
/// of `work`.
async fn reindex_photo(
    session: &Session,
    mut photo: PhotoItem,
    work: ReindexWork,
) -> Result<ReindexedPhoto, IngestError> {
    let ingest = &session.ingest;
    let archive = ingest.layout().archive_bucket();
    let must_process = |part: &PhotoPart| {
        let is_skipped = || ingest.skip_reason_of_part(part).is_some();
        part.is_read_by_older_than(work.below)
            || part.is_live() && (part.content.is_none() || is_skipped())
    };
    let mut found = ReindexedPhoto {
        stem: photo.stem.clone(),
        read: photo.parts.values().any(must_process),
        ..ReindexedPhoto::default()
    };
    if found.read {
        for part in photo.parts.values().filter(|part| must_process(part)) {
            let object = archive.object(&part.key);
            ingest
                .process_object_and(&object, MisfiledPhotos::Stay)
                .await?;
        }
        let id = PhotoId::from_stem(&photo.stem);
        photo = session.catalogue.item(&id).await?.unwrap_or(photo);
    } else if ingest::is_outdated(&photo, &session.rules, Utc::now()) {
        let id = PhotoId::from_stem(&photo.stem);
        let written =
            ingest::rederive_item(&session.catalogue, &session.rules, Utc::now(), &id).await?;
        found.derived = written.is_some();
    }
    if work.pictures {
        let id = PhotoId::from_stem(&photo.stem);
        let (catalogue, rules) = (&session.catalogue, &session.rules);
        found.renewed = ingest::renew_pictures(catalogue, rules, Utc::now(), &id).await?;
    }
    if photo.is_misfiled() {
        found.other_day = photo.folder_date();
        if work.moves {
            found.moved_to = ingest.move_to_capture_day(&photo.stem).await?;
        }
    }
    Ok(found)
}
