//! Overrides: the values that a person sets for a photo. They are shown instead of the values in
//! the file. They stay when the photo is indexed again, and they follow the photo: what is set at one
//! item is set at all its kin.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::catalogue::item::PhotoItem;
use crate::catalogue::{Catalogue, WriteOutcome};
use crate::photo_id::PhotoId;
use crate::pictures::Renditions;
use crate::privacy::Visibility;
use crate::retry::{Attempt, retry};

use super::{IngestError, ItemRules, MAX_ROUNDS, record};

/// An item whose overrides were changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedItem {
    /// The item before the change. `None` if there was no item.
    pub before: Option<PhotoItem>,
    /// The item after the change.
    pub after: PhotoItem,
}

/// Changes what is set at a photo and at all its kin, and derives their summaries and index keys
/// again. `change` may change only the overrides and `held_for`. Returns the items of the photo and
/// of its kin, the photo first. Returns no item if there is no such photo, or if its files are
/// gone.
///
/// Changes no other field of an item, even if ingest works on it at the same time. A kin without an
/// item gets one, because a file may come later. Writes nothing if an item stays the same. A repeat is
/// safe. If the call fails, some items may be changed: repeat it.
///
/// # Errors
/// Returns an error if the table fails, or [`IngestError::Busy`] if other writers keep changing an
/// item.
pub async fn update_overrides(
    catalogue: &Catalogue,
    rules: &ItemRules,
    now: DateTime<Utc>,
    id: &PhotoId,
    change: impl Fn(&mut PhotoItem),
) -> Result<Vec<ChangedItem>, IngestError> {
    let first = catalogue.item(id).await?;
    let Some(first) = first.filter(PhotoItem::has_live_photo) else {
        return Ok(Vec::new());
    };
    let mut changed = Vec::new();
    let mut visited = BTreeSet::new();
    let mut left = vec![first.stem];
    // The kin are read after the change was written. So a kin that is added at the same time is
    // found here, or its writer reads the change.
    while let Some(stem) = left.pop() {
        if !visited.insert(stem.clone()) {
            continue;
        }
        let item = update_item(catalogue, rules, now, &stem, &change).await?;
        left.extend(item.after.kin.iter().cloned());
        changed.push(item);
    }
    Ok(changed)
}

/// Derives the summary and the index keys of a photo again, and writes them if they differ. Returns
/// the item, or `None` if there is no such photo. A repeat is safe.
///
/// # Errors
/// Returns an error if the table fails, or [`IngestError::Busy`] if other writers keep changing the
/// item.
pub async fn rederive_item(
    catalogue: &Catalogue,
    rules: &ItemRules,
    now: DateTime<Utc>,
    id: &PhotoId,
) -> Result<Option<PhotoItem>, IngestError> {
    let Some(item) = catalogue.item(id).await? else {
        return Ok(None);
    };
    let changed = update_item(catalogue, rules, now, &item.stem, |_| ()).await?;
    Ok(Some(changed.after))
}

/// Makes render make the pictures of a photo again. The present pictures are shown until then. Returns
/// `false` if there is no such photo, or if it should have no pictures. A repeat makes them once more.
///
/// # Errors
/// Returns an error if the table fails, or [`IngestError::Busy`] if other writers keep changing the
/// item.
pub async fn renew_pictures(
    catalogue: &Catalogue,
    rules: &ItemRules,
    now: DateTime<Utc>,
    id: &PhotoId,
) -> Result<bool, IngestError> {
    let Some(item) = catalogue.item(id).await? else {
        return Ok(false);
    };
    let renew = |item: &mut PhotoItem| {
        if let Some(plan) = &mut item.picture_plan {
            plan.renew();
        }
    };
    let changed = update_item(catalogue, rules, now, &item.stem, renew).await?;
    Ok(changed.after.picture_work_due.is_some())
}

/// Writes the renditions of a photo to its item, and derives its summary and index keys again. `read`
/// is the item as the caller has read it. Writes nothing if the item has changed since then: returns
/// [`WriteOutcome::Stale`].
///
/// # Errors
/// Returns an error if the table fails.
pub async fn put_renditions(
    catalogue: &Catalogue,
    rules: &ItemRules,
    now: DateTime<Utc>,
    read: &PhotoItem,
    renditions: Option<Renditions>,
) -> Result<WriteOutcome, IngestError> {
    let mut item = read.clone();
    item.renditions = renditions.map(Box::new);
    let item = rederive(item, rules, now);
    if let Some(partition) = item.index.date_partition
        && read.index.date_partition != Some(partition)
    {
        catalogue.ensure_date_partition(partition).await?;
    }
    Ok(catalogue.put_item(&item, Some(read.revision)).await?)
}

/// Changes one item, or makes it if it does not exist.
pub(super) async fn update_item(
    catalogue: &Catalogue,
    rules: &ItemRules,
    now: DateTime<Utc>,
    stem: &str,
    change: impl Fn(&mut PhotoItem),
) -> Result<ChangedItem, IngestError> {
    let (change, id) = (&change, &PhotoId::from_stem(stem));
    let updated = retry(MAX_ROUNDS, || async move {
        let before = catalogue.item(id).await?;
        let mut item = before.clone().unwrap_or_else(|| PhotoItem::stub(stem));
        change(&mut item);
        let after = rederive(item, rules, now);
        if let Some(before) = &before
            && is_same_but_revision(&after, before)
        {
            return Ok::<_, IngestError>(Attempt::Done(ChangedItem {
                after: before.clone(),
                before: Some(before.clone()),
            }));
        }
        if let Some(partition) = after.index.date_partition {
            catalogue.ensure_date_partition(partition).await?;
        }
        let read_revision = before.as_ref().map(|item| item.revision);
        Ok(match catalogue.put_item(&after, read_revision).await? {
            WriteOutcome::Written => Attempt::Done(ChangedItem { before, after }),
            WriteOutcome::Stale => Attempt::Retry,
        })
    });
    updated
        .await?
        .ok_or_else(|| IngestError::Busy { id: id.to_string() })
}

/// Adds to an item what is set at another item that shows the same files. The item is hidden or
/// held if one of the two is. Any other value is taken only if the item itself has none.
pub(super) fn merge_set_values(item: &mut PhotoItem, other: &PhotoItem) {
    let visibilities = [item.overrides.visibility, other.overrides.visibility];
    let is_private = visibilities.contains(&Some(Visibility::Private));
    let held = [&*item, other].into_iter().find_map(|one| {
        let held_for = one.held_for.clone();
        held_for.filter(|_| one.overrides.visibility.is_none())
    });
    item.overrides = item.overrides.clone().or(other.overrides.clone());
    if is_private {
        item.overrides.visibility = Some(Visibility::Private);
    } else if held.is_some() {
        item.overrides.visibility = None;
    }
    if let Some(held) = held {
        item.held_for = Some(held);
    }
}

/// Returns `true` if the summary or the index keys of an item must be written again, because the
/// privacy rules or the form of items changed. To write them, call [`rederive_item`]. Sends no
/// request.
pub fn is_outdated(item: &PhotoItem, rules: &ItemRules, now: DateTime<Utc>) -> bool {
    !is_same_but_revision(&rederive(item.clone(), rules, now), item)
}

/// Derives the summary and the index keys again from the record and the overrides. Increases the
/// revision by one. Keeps the extractor version, because the record is not extracted again.
fn rederive(mut item: PhotoItem, rules: &ItemRules, now: DateTime<Utc>) -> PhotoItem {
    let extractor_version = item.extractor_version;
    item.revision += 1;
    record::derive_summary_and_keys(&mut item, rules, now);
    item.extractor_version = extractor_version;
    item
}

fn is_same_but_revision(item: &PhotoItem, before: &PhotoItem) -> bool {
    let item = PhotoItem {
        revision: before.revision,
        ..item.clone()
    };
    item == *before
}
