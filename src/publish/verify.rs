//! Comparison of the published counts with the photos themselves: `photos recount --verify`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;

use super::error::PublishError;
use super::month_builder::MonthBuilder;
use super::month_name::month_of_sort_key;
use crate::catalogue::Catalogue;
use crate::catalogue::published::{PublishTable, PublishedMonth};
use crate::privacy::Privacy;
use crate::summary::Summary;
use crate::view::PublicView;

/// Scans the whole photos table and counts the photos again, as they are listed at the time `now`.
/// Returns, in ascending order, the
/// months whose published counts by day, camera or lens are wrong. A dirty month may be among them
/// until the next cycle rebuilds it. Writes nothing.
///
/// # Errors
/// Fails if a request to one of the tables failed.
pub async fn find_miscounted_months(
    catalogue: &Catalogue,
    table: &PublishTable,
    privacy: Privacy,
    now: DateTime<Utc>,
) -> Result<Vec<String>, PublishError> {
    let photos = read_public_photos(catalogue).await?;
    let mut expected = count_months(&photos, &PublicView::new(privacy, None), now)?;
    let mut miscounted = BTreeSet::new();
    for published in table.months().await? {
        let expected = expected.remove(&published.month).unwrap_or_default();
        if comparable_counts(&expected) != comparable_counts(&published) {
            miscounted.insert(published.month);
        }
    }
    miscounted.extend(expected.into_keys());
    Ok(miscounted.into_iter().collect())
}

/// Returns the summaries of all public photos, as a map from the sort key of the index by-date to
/// the summary. The order is important, because the newest photo of a camera determines the name of
/// the camera.
async fn read_public_photos(
    catalogue: &Catalogue,
) -> Result<BTreeMap<String, Summary>, PublishError> {
    let photos = catalogue.scan_public_photos();
    let photos = photos.map_ok(|entry| (entry.sort, entry.summary));
    Ok(photos.try_collect().await?)
}

fn count_months(
    photos: &BTreeMap<String, Summary>,
    view: &PublicView,
    now: DateTime<Utc>,
) -> Result<BTreeMap<String, PublishedMonth>, PublishError> {
    let mut builders: BTreeMap<&str, MonthBuilder<'_>> = BTreeMap::new();
    for (sort, summary) in photos {
        let month = month_of_sort_key(sort);
        builders
            .entry(month)
            .or_insert_with(|| MonthBuilder::new(month, view, now))
            .add_photo(summary)
            .map_err(|error| PublishError::json(month, error))?;
    }
    let mut months = BTreeMap::new();
    for (name, builder) in builders {
        let built = builder
            .finish()
            .map_err(|error| PublishError::json(name, error))?;
        months.insert(name.to_owned(), built.month);
    }
    Ok(months)
}

/// Returns a month without its cells and files, so that only the other counts are compared. Cells
/// and files depend on the rules of the public view. The rules of publish may differ from the rules
/// of this comparison.
fn comparable_counts(month: &PublishedMonth) -> PublishedMonth {
    PublishedMonth {
        cells: BTreeMap::new(),
        positions: String::new(),
        files: Vec::new(),
        ..month.clone()
    }
}
