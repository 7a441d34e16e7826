//! What a person says of a photo: kept by every re-index, and shown in place of what its file says.

use crate::catalogue::item::{Item, Overrides};
use crate::catalogue::{Catalogue, Written};
use crate::photo::{PhotoId, Privacy};

use super::{IngestError, ROUNDS, record};

/// Changes what a person has set for a photo, and its list form and index keys with it. The photo as it is now; `None`
/// where there is none: no such name, or its files are gone.
///
/// Nothing else of the photo changes, whatever ingest does meanwhile. Safe to repeat; what changes nothing writes
/// nothing.
///
/// # Errors
/// The table; [`IngestError::Busy`] where others keep changing the photo.
pub async fn amend(
    catalogue: &Catalogue,
    privacy: &Privacy,
    id: &PhotoId,
    change: impl Fn(&mut Overrides),
) -> Result<Option<Item>, IngestError> {
    for _ in 0..ROUNDS {
        let Some(mut item) = catalogue.item(id).await?.filter(Item::has_live_parts) else {
            return Ok(None);
        };
        let (read, before) = (item.revision, item.clone());
        change(&mut item.overrides);
        // Whether the record is today's extractor's is not changed by this.
        let extractor_version = item.extractor_version;
        item.revision = read + 1;
        record::finish(&mut item, privacy);
        item.extractor_version = extractor_version;
        let now = Item {
            revision: read,
            ..item.clone()
        };
        if now == before {
            return Ok(Some(before));
        }
        if let Some(partition) = &item.index.date_partition {
            catalogue.add_year(partition).await?;
        }
        if catalogue.put(&item, Some(read)).await? == Written::Done {
            return Ok(Some(item));
        }
    }
    Err(IngestError::Busy { id: id.to_string() })
}
