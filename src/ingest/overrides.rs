//! What a person says of a photo: kept by every re-index, and shown in place of what its file says.

use crate::catalogue::item::{Overrides, PhotoItem};
use crate::catalogue::{Catalogue, WriteOutcome};
use crate::photo_id::PhotoId;
use crate::privacy::Privacy;

use super::{IngestError, ROUNDS, record};

/// Changes what a person has set for a photo, and its list form and index keys with it. The photo as it is now; `None`
/// where there is none: no such name, or its files are gone.
///
/// Nothing else of the photo changes, whatever ingest does meanwhile. Safe to repeat; what changes nothing writes
/// nothing.
///
/// # Errors
/// The table; [`IngestError::Busy`] where others keep changing the photo.
pub async fn update_overrides(
    catalogue: &Catalogue,
    privacy: &Privacy,
    id: &PhotoId,
    change: impl Fn(&mut Overrides),
) -> Result<Option<PhotoItem>, IngestError> {
    update_overrides_if(catalogue, privacy, id, PhotoItem::has_live_parts, change).await
}

/// The same, of whatever is a photo by `is_one`.
pub(super) async fn update_overrides_if(
    catalogue: &Catalogue,
    privacy: &Privacy,
    id: &PhotoId,
    is_one: impl Fn(&PhotoItem) -> bool,
    change: impl Fn(&mut Overrides),
) -> Result<Option<PhotoItem>, IngestError> {
    for _ in 0..ROUNDS {
        let Some(before) = catalogue.item(id).await?.filter(&is_one) else {
            return Ok(None);
        };
        let mut item = before.clone();
        change(&mut item.overrides);
        let item = follow(item, privacy);
        if is_same(&item, &before) {
            return Ok(Some(before));
        }
        if let Some(partition) = &item.index.date_partition {
            catalogue.ensure_date_partition(partition).await?;
        }
        if catalogue.put(&item, Some(before.revision)).await? == WriteOutcome::Written {
            return Ok(Some(item));
        }
    }
    Err(IngestError::Busy { id: id.to_string() })
}

/// Whether other list forms or index keys follow today from the record that is stored: the rules of privacy or the shape of
/// items are others than they were. [`update_overrides`] with no change writes what follows. Reads nothing.
pub fn is_outdated(item: &PhotoItem, privacy: &Privacy) -> bool {
    !is_same(&follow(item.clone(), privacy), item)
}

/// The item that follows from its record and from what was set, one revision later. Whether the record is today's
/// extractor's is not changed by this.
fn follow(mut item: PhotoItem, privacy: &Privacy) -> PhotoItem {
    let extractor_version = item.extractor_version;
    item.revision += 1;
    record::finish(&mut item, privacy);
    item.extractor_version = extractor_version;
    item
}

/// But for the revision.
fn is_same(now: &PhotoItem, before: &PhotoItem) -> bool {
    let now = PhotoItem {
        revision: before.revision,
        ..now.clone()
    };
    now == *before
}
