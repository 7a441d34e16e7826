//! Overrides: the values that a person sets for a photo. They are shown instead of the values in
//! the file. They stay when the photo is indexed again.

use crate::catalogue::item::{Overrides, PhotoItem};
use crate::catalogue::{Catalogue, WriteOutcome};
use crate::photo_id::PhotoId;
use crate::privacy::Privacy;
use crate::retry::{Attempt, retry};

use super::{IngestError, MAX_ROUNDS, record};

/// Changes the overrides of a photo, and derives its summary and index keys again. Returns the
/// changed item. Returns `None` if there is no such photo, or if its files are gone.
///
/// Changes no other field of the photo, even if ingest works on the photo at the same time. Writes
/// nothing if the item stays the same. A repeat is safe.
///
/// # Errors
/// Returns an error if the table fails, or [`IngestError::Busy`] if other writers keep changing the
/// photo.
pub async fn update_overrides(
    catalogue: &Catalogue,
    privacy: &Privacy,
    id: &PhotoId,
    change: impl Fn(&mut Overrides),
) -> Result<Option<PhotoItem>, IngestError> {
    update_overrides_if(catalogue, privacy, id, PhotoItem::has_live_parts, change).await
}

/// Changes the overrides of a photo as [`update_overrides`] does, if the item satisfies
/// `condition`. If the item does not, changes nothing and returns `None`.
pub(super) async fn update_overrides_if(
    catalogue: &Catalogue,
    privacy: &Privacy,
    id: &PhotoId,
    condition: impl Fn(&PhotoItem) -> bool,
    change: impl Fn(&mut Overrides),
) -> Result<Option<PhotoItem>, IngestError> {
    let (condition, change) = (&condition, &change);
    let updated = retry(MAX_ROUNDS, || async move {
        let Some(before) = catalogue.item(id).await?.filter(condition) else {
            return Ok::<_, IngestError>(Attempt::Done(None));
        };
        let mut item = before.clone();
        change(&mut item.overrides);
        let item = rederive(item, privacy);
        if is_same_but_revision(&item, &before) {
            return Ok(Attempt::Done(Some(before)));
        }
        if let Some(partition) = item.index.date_partition {
            catalogue.ensure_date_partition(partition).await?;
        }
        Ok(
            match catalogue.put_item(&item, Some(before.revision)).await? {
                WriteOutcome::Written => Attempt::Done(Some(item)),
                WriteOutcome::Stale => Attempt::Retry,
            },
        )
    });
    updated
        .await?
        .ok_or_else(|| IngestError::Busy { id: id.to_string() })
}

/// Returns `true` if the summary or the index keys of an item must be written again, because the
/// privacy rules or the form of items changed. To write them, call [`update_overrides`] without a
/// change. Sends no request.
pub fn is_outdated(item: &PhotoItem, privacy: &Privacy) -> bool {
    !is_same_but_revision(&rederive(item.clone(), privacy), item)
}

/// Derives the summary and the index keys again from the record and the overrides. Increases the
/// revision by one. Keeps the extractor version, because the record is not extracted again.
fn rederive(mut item: PhotoItem, privacy: &Privacy) -> PhotoItem {
    let extractor_version = item.extractor_version;
    item.revision += 1;
    record::derive_summary_and_keys(&mut item, privacy);
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
