//! Adds and changes albums: finds the photos that the command names, and writes the album.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};

use super::{AlbumDetails, RuleFlags};
use crate::catalogue::album::{Album, AlbumContent, AlbumOrder};
use crate::catalogue::{AlbumWrite, Catalogue, CatalogueError, WriteOutcome};
use crate::cli::commands::show;
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::privacy::Visibility;
use crate::retry::{Attempt, retry};

/// The maximum number of photos that are searched at the same time.
const AT_ONCE: usize = 16;
/// The maximum number of attempts to change an album that other commands change at the same time.
const MAX_ATTEMPTS: usize = 16;

/// The changes that `photos album set` makes. A field without a value changes nothing.
pub(super) struct AlbumChange {
    pub(super) title: Option<String>,
    /// The description. An empty text removes it.
    pub(super) description: Option<String>,
    /// The stem of the cover. `None` inside removes it.
    pub(super) cover: Option<Option<String>>,
    pub(super) order: Option<AlbumOrder>,
    pub(super) visibility: Option<Visibility>,
    pub(super) rule: RuleFlags,
    /// The present stems of the photos to add.
    pub(super) added: Vec<String>,
    /// The photos to remove.
    pub(super) removed: Vec<NamedPhoto>,
}

/// A photo that the command line names, and that a list may contain.
pub(super) struct NamedPhoto {
    /// The name in the command line.
    name: String,
    /// The stems with which a list may contain the photo: its name, the stem of its item, and the
    /// present stem of the photo.
    stems: BTreeSet<String>,
}

/// The result of a change.
pub(super) struct UpdatedAlbum {
    pub(super) album: Album,
    /// The names of the photos that should be removed, but are not in the list.
    pub(super) not_listed: Vec<String>,
}

impl AlbumDetails {
    /// Sets the description, the cover and the order of a new album.
    ///
    /// # Errors
    /// Fails if there is no such cover, or if the table fails.
    pub(super) async fn apply(
        &self,
        catalogue: &Catalogue,
        album: &mut Album,
    ) -> anyhow::Result<()> {
        album.description = self.description.clone().filter(|text| !text.is_empty());
        if let Some(name) = &self.cover {
            album.cover = find_cover(catalogue, name).await?;
        }
        album.order = self.order.unwrap_or(album.order);
        Ok(())
    }
}

/// Returns the stem of a cover, or `None` if the name is empty.
///
/// # Errors
/// Fails if there is no such photo, or if the table fails.
pub(super) async fn find_cover(
    catalogue: &Catalogue,
    name: &str,
) -> anyhow::Result<Option<String>> {
    if name.is_empty() {
        return Ok(None);
    }
    let stems = find_photos(catalogue, &[name.to_owned()]).await?;
    Ok(stems.into_iter().next())
}

/// Returns the present stems of these photos, in their order and each once.
///
/// # Errors
/// Fails if one of the photos is not in the catalogue, after a message for each of them. Also fails
/// if the table fails.
pub(super) async fn find_photos(
    catalogue: &Catalogue,
    names: &[String],
) -> anyhow::Result<Vec<String>> {
    let found = find_named_photos(catalogue, names).await?;
    let missing = found.iter().filter(|(_, present)| present.is_none());
    let missing: Vec<String> = missing
        .map(|(named, _)| escape_control(&named.name))
        .collect();
    if let Some((last, others)) = missing.split_last() {
        for name in others {
            eprint_message(&format!("there is no photo \"{name}\" in the catalogue"));
        }
        bail!("there is no photo \"{last}\" in the catalogue");
    }
    let mut seen = BTreeSet::new();
    let present = found.into_iter().filter_map(|(_, present)| present);
    Ok(present.filter(|stem| seen.insert(stem.clone())).collect())
}

/// Returns these photos with all stems with which a list may contain them. A photo that is not in
/// the catalogue is returned too, because a list may contain a photo that was removed.
///
/// # Errors
/// Fails if the table fails.
pub(super) async fn find_listed_stems(
    catalogue: &Catalogue,
    names: &[String],
) -> anyhow::Result<Vec<NamedPhoto>> {
    let found = find_named_photos(catalogue, names).await?;
    Ok(found.into_iter().map(|(named, _)| named).collect())
}

/// Finds the photos with these names. Returns each with the present stem of the photo, or without
/// one if no file of it is in the archive.
async fn find_named_photos(
    catalogue: &Catalogue,
    names: &[String],
) -> anyhow::Result<Vec<(NamedPhoto, Option<String>)>> {
    let found: Vec<(String, Option<String>)> = stream::iter(names.to_vec())
        .map(|name| async move {
            let item = show::find_photo(catalogue, &name).await?;
            anyhow::Ok((name, item.map(|item| item.stem)))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let stems = found.iter().filter_map(|(_, stem)| stem.clone());
    let stems: BTreeSet<String> = stems.collect();
    let present = present_stems(catalogue, &Vec::from_iter(stems)).await?;
    let named = found.into_iter().map(|(name, stem)| {
        let now = stem.as_ref().and_then(|stem| present.get(stem)).cloned();
        let stems = [Some(name.clone()), stem, now.clone()];
        let stems = stems.into_iter().flatten().collect();
        (NamedPhoto { name, stems }, now)
    });
    Ok(named.collect())
}

/// Returns the present stem of each photo. Leaves out a photo that is not in the archive any more.
async fn present_stems(
    catalogue: &Catalogue,
    stems: &[String],
) -> Result<BTreeMap<String, String>, CatalogueError> {
    let found = catalogue.present_stems(stems).await?;
    let pairs = stems.iter().cloned().zip(found);
    let pairs = pairs.filter_map(|(stem, present)| Some((stem, present?)));
    Ok(pairs.collect())
}

/// Writes a new album.
///
/// # Errors
/// Fails if the album exists, if it is not valid or too large, or if the table fails.
pub(super) async fn put_new_album(catalogue: &Catalogue, album: &Album) -> anyhow::Result<()> {
    album.validate()?;
    match put_album(catalogue, album, AlbumWrite::Create).await? {
        WriteOutcome::Written => Ok(()),
        WriteOutcome::Stale => {
            let slug = &album.slug;
            bail!("the album {slug} exists already; `photos album set {slug}` changes it")
        }
    }
}

/// Changes an album. Reads it again if another command changes it at the same time. Returns `None`
/// if there is no such album.
///
/// # Errors
/// Fails if the changed album is not valid or too large, or if the table fails.
pub(super) async fn update_album(
    catalogue: &Catalogue,
    slug: &str,
    change: &AlbumChange,
) -> anyhow::Result<Option<UpdatedAlbum>> {
    let updated = retry(MAX_ATTEMPTS, || async move {
        let Some(stored) = catalogue.album(slug).await? else {
            return anyhow::Ok(Attempt::Done(None));
        };
        let updated = change.apply(catalogue, stored.album).await?;
        updated.album.validate()?;
        let revision = stored.revision;
        let replace = AlbumWrite::Replace { revision };
        Ok(match put_album(catalogue, &updated.album, replace).await? {
            WriteOutcome::Written => Attempt::Done(Some(updated)),
            WriteOutcome::Stale => Attempt::Retry,
        })
    });
    let updated = updated.await?;
    updated.context("other commands keep changing the album; try again")
}

/// Writes an album.
async fn put_album(
    catalogue: &Catalogue,
    album: &Album,
    write: AlbumWrite,
) -> anyhow::Result<WriteOutcome> {
    let written = catalogue.put_album(album, write).await;
    if let Err(CatalogueError::TooLarge { cause, .. }) = written {
        bail!(
            "the list is {cause}; make two albums of it, or give its photos a keyword and use --keyword"
        );
    }
    Ok(written?)
}

impl AlbumChange {
    /// Returns the changed album.
    async fn apply(&self, catalogue: &Catalogue, album: Album) -> anyhow::Result<UpdatedAlbum> {
        let mut album = album;
        let mut not_listed = Vec::new();
        if let Some(title) = &self.title {
            album.title.clone_from(title);
        }
        if let Some(description) = &self.description {
            album.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        if let Some(cover) = &self.cover {
            album.cover.clone_from(cover);
        }
        album.order = self.order.unwrap_or(album.order);
        album.visibility = self.visibility.unwrap_or(album.visibility);
        match &mut album.content {
            AlbumContent::Rule(rule) => {
                if !self.added.is_empty() || !self.removed.is_empty() {
                    bail!(
                        "the album has a rule and no list; change it with --keyword and the like"
                    );
                }
                self.rule.apply(rule)?;
            }
            AlbumContent::List(stems) => {
                if !self.rule.is_empty() {
                    bail!("the album is a list; change it with --add and --remove");
                }
                if !self.added.is_empty() || !self.removed.is_empty() {
                    let present = present_stems(catalogue, stems).await?;
                    not_listed = self.change_list(stems, &present);
                }
            }
        }
        Ok(UpdatedAlbum { album, not_listed })
    }

    /// Removes and adds photos. `present` has the present stems of the photos of the list. A photo
    /// that is in the list already is not added again. Returns the names of the photos that should
    /// be removed, but are not in the list.
    fn change_list(
        &self,
        stems: &mut Vec<String>,
        present: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let is_named = |named: &NamedPhoto, listed: &String| {
            let now = present.get(listed);
            named.stems.contains(listed) || now.is_some_and(|now| named.stems.contains(now))
        };
        let is_listed = |named: &&NamedPhoto| stems.iter().any(|stem| is_named(named, stem));
        let missing = self.removed.iter().filter(|named| !is_listed(named));
        let missing: Vec<String> = missing.map(|named| named.name.clone()).collect();
        stems.retain(|stem| !self.removed.iter().any(|named| is_named(named, stem)));
        let listed: BTreeSet<String> = stems
            .iter()
            .map(|stem| present.get(stem).unwrap_or(stem).clone())
            .collect();
        let added = self.added.iter().filter(|stem| !listed.contains(*stem));
        stems.extend(added.cloned());
        missing
    }
}
