//! `photos duplicates` lists the photos that have the same bytes or the same picture. With
//! `--merge`, it merges them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::Args;
use futures::TryStreamExt;
use photo_metadata::PictureData;
use serde::Serialize;

use crate::archive::SidecarKind;
use crate::catalogue::batch::ScannedItem;
use crate::catalogue::item::{PhotoItemHeader, PhotoPart, part_slot};
use crate::cli::CommandStatus;
use crate::cli::output::{escape_control, json_line, stdout};
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::ingest::COMPARED_BYTES;
use crate::telemetry::error_chain;

/// The arguments of `photos duplicates`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DuplicatesArguments {
    /// Compare the pictures without their metadata too. Reads a part of each file that may be equal.
    #[arg(long)]
    pictures: bool,
    /// Merge the photos of each group into its first one. `photos split` undoes it.
    #[arg(long)]
    merge: bool,
    /// Print one line of JSON for each group.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// A group of photos that have a file in common.
#[derive(Debug, Serialize)]
struct DuplicateGroup {
    /// What is equal: the bytes of a file, or only its picture.
    equal: EqualThing,
    /// The stems of the photos. A merge keeps the first one.
    photos: Vec<String>,
}

/// What the photos of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum EqualThing {
    Bytes,
    Picture,
}

/// A live file whose picture data may be equal to those of another file.
struct PictureCandidate {
    stem: String,
    part: PhotoPart,
    picture: PictureData,
}

/// Runs the command: lists the groups, and with `--merge` merges them. Scans the whole table. A
/// repeat is safe. The exit status is 1 if a group cannot be merged.
///
/// # Errors
/// Fails if a store fails.
pub(in crate::cli) async fn run(arguments: DuplicatesArguments) -> anyhow::Result<CommandStatus> {
    let purpose = match arguments.merge {
        true => SessionPurpose::Write,
        false => SessionPurpose::Read,
    };
    let session = arguments.stores.open_existing(purpose).await?;
    let result = find_and_merge(&session, &arguments).await;
    session.close(true).await;
    result
}

async fn find_and_merge(
    session: &Session,
    arguments: &DuplicatesArguments,
) -> anyhow::Result<CommandStatus> {
    let groups = find_groups(session, arguments.pictures).await?;
    let mut out = stdout();
    for group in &groups {
        if arguments.json {
            json_line(&mut out, group)?;
        } else {
            let equal = match group.equal {
                EqualThing::Bytes => "the same bytes",
                EqualThing::Picture => "the same picture",
            };
            let photos: Vec<String> = group
                .photos
                .iter()
                .map(|stem| escape_control(stem))
                .collect();
            writeln!(out, "{equal}: {}", photos.join(", "))?;
        }
    }
    out.flush()?;
    if !arguments.merge {
        return Ok(CommandStatus::Success);
    }
    let mut status = CommandStatus::Success;
    for DuplicateGroup { photos, .. } in &groups {
        let Some((into, others)) = photos.split_first() else {
            continue;
        };
        for from in others {
            match session.ingest.merge_photos(into, from).await {
                Ok(()) => eprint_message(&format!(
                    "{}: merged into {}",
                    escape_control(from),
                    escape_control(into)
                )),
                Err(error) => {
                    status = CommandStatus::PartialFailure;
                    let cause = escape_control(&error_chain(&error));
                    eprint_message(&format!("{}: not merged: {cause}", escape_control(from)));
                }
            }
        }
    }
    Ok(status)
}

/// Returns the groups of photos with equal bytes, and with `pictures` those with equal pictures. A
/// photo is in one group at most.
async fn find_groups(session: &Session, pictures: bool) -> anyhow::Result<Vec<DuplicateGroup>> {
    let bar = progress::bar(0, "Reading the catalogue: {human_pos}");
    let mut by_content: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut by_length: BTreeMap<(String, u64), Vec<PictureCandidate>> = BTreeMap::new();
    let mut items = std::pin::pin!(session.catalogue.scan_items());
    while let Some(found) = items.try_next().await? {
        let ScannedItem::Photo(PhotoItemHeader { stem, parts, .. }) = found else {
            continue;
        };
        bar.inc(1);
        for (name, part) in parts {
            // Two photos may have equal sidecars.
            let is_photo = SidecarKind::of_part(&name).is_none();
            let Some(content) = part.content_id().filter(|_| is_photo) else {
                continue;
            };
            let stems = by_content.entry(content.as_str().to_owned()).or_default();
            stems.insert(stem.clone());
            if let Some(picture) = part.picture.filter(|_| pictures) {
                let slot = part_slot(&name).as_str().to_owned();
                let candidates = by_length.entry((slot, picture.length)).or_default();
                candidates.push(PictureCandidate {
                    stem: stem.clone(),
                    part,
                    picture,
                });
            }
        }
    }
    drop(bar);
    let mut by_picture: BTreeMap<(String, u64, Vec<u8>), BTreeSet<String>> = BTreeMap::new();
    for ((slot, length), candidates) in by_length {
        if candidates.len() < 2 {
            continue;
        }
        for candidate in candidates {
            if let Some(beginning) = read_picture(session, &candidate).await? {
                let key = (slot.clone(), length, beginning);
                by_picture.entry(key).or_default().insert(candidate.stem);
            }
        }
    }
    let of_bytes = by_content
        .into_values()
        .map(|stems| (EqualThing::Bytes, stems));
    let of_picture = by_picture
        .into_values()
        .map(|stems| (EqualThing::Picture, stems));
    let mut grouped = BTreeSet::new();
    let mut groups = Vec::new();
    for (equal, stems) in of_bytes.chain(of_picture) {
        let mut photos: Vec<String> = stems
            .into_iter()
            .filter(|stem| !grouped.contains(stem))
            .collect();
        if photos.len() < 2 {
            continue;
        }
        grouped.extend(photos.iter().cloned());
        // The name without a number comes first.
        photos.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        groups.push(DuplicateGroup { equal, photos });
    }
    groups.sort_by(|one, other| one.photos.cmp(&other.photos));
    Ok(groups)
}

/// Reads the beginning of the picture data of a file. Returns `None` if the file has changed.
async fn read_picture(
    session: &Session,
    candidate: &PictureCandidate,
) -> anyhow::Result<Option<Vec<u8>>> {
    let PictureCandidate { part, picture, .. } = candidate;
    let object = session.ingest.layout().archive_bucket().object(&part.key);
    let range = picture.offset..picture.offset + picture.length.min(COMPARED_BYTES);
    let bytes = session
        .storage
        .read_range(&object, range, &part.etag)
        .await?;
    Ok(bytes.map(|bytes| bytes.to_vec()))
}
