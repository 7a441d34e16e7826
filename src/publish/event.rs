//! Finds the months whose photos have changed, from a batch of records of the photos table's
//! stream. Marks these months as dirty.
//!
//! Stream records have the form in which Lambda receives them:
//! `{"Records":[{"dynamodb":{"OldImage":…,"NewImage":…}}]}`, with attributes in DynamoDB's own
//! JSON. Source: Lambda Developer Guide, "Using Lambda with Amazon DynamoDB".

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::error::PublishError;
use super::month_name::{UNDATED, month_of_sort_key};
use crate::catalogue::Catalogue;
use crate::catalogue::date_partition::DatePartition;
use crate::catalogue::item::PhotoItem;
use crate::catalogue::published::PublishTable;
use crate::privacy::Visibility;

/// The maximum number of months that are marked at the same time.
const CONCURRENT_MARKS: usize = 3;

/// Finds the months whose public photos have changed, and marks them as dirty. `records` are
/// records of the photos table's stream, in any order. A repeat is safe.
///
/// # Errors
/// Fails if a request to the table failed. Some of the months may already be marked.
pub async fn mark_changed_months(
    table: &PublishTable,
    records: &[Value],
    now: DateTime<Utc>,
) -> Result<(), PublishError> {
    mark_months(table, changed_months(records), now).await
}

/// Marks as dirty every month that has or once had photos, so that the next cycles rebuild all
/// months. They also check all list files. A repeat is safe.
///
/// # Errors
/// Fails if a request to one of the tables failed. Some of the months may already be marked.
pub async fn mark_all_months(
    catalogue: &Catalogue,
    table: &PublishTable,
    now: DateTime<Utc>,
) -> Result<(), PublishError> {
    mark_every_month(catalogue, table, now).await?;
    Ok(table.request_list_check(now).await?)
}

/// Marks as dirty every month that has or once had photos. Returns these months. A repeat is safe.
pub(super) async fn mark_every_month(
    catalogue: &Catalogue,
    table: &PublishTable,
    now: DateTime<Utc>,
) -> Result<BTreeSet<String>, PublishError> {
    let published = table.months().await?;
    let mut months: BTreeSet<String> = published.into_iter().map(|month| month.month).collect();
    for partition in catalogue.date_partitions().await? {
        let period = partition.period();
        if partition.is_undated() {
            months.insert(period);
        } else {
            months.extend((1..=12).map(|month| format!("{period}-{month:02}")));
        }
    }
    mark_months(table, months.clone(), now).await?;
    Ok(months)
}

/// Returns the month under which this photo is published: `2018-02`, or `undated`. Returns `None`
/// if the photo is not public.
pub fn public_month(item: &PhotoItem) -> Option<String> {
    let sort = item.index.date_sort.as_deref()?;
    item.is_public().then(|| month_of_sort_key(sort).to_owned())
}

async fn mark_months(
    table: &PublishTable,
    months: BTreeSet<String>,
    now: DateTime<Utc>,
) -> Result<(), PublishError> {
    stream::iter(months)
        .map(|month| async move { table.mark_dirty(&month, now).await })
        .buffer_unordered(CONCURRENT_MARKS)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// Returns the months whose public photos may have changed. Changes that affect only private
/// attributes are ignored.
fn changed_months(records: &[Value]) -> BTreeSet<String> {
    let mut months = BTreeSet::new();
    for record in records {
        let image = |name| {
            let image = record.pointer(&format!("/dynamodb/{name}"));
            image.and_then(public_image)
        };
        let (before, after) = (image("OldImage"), image("NewImage"));
        if before != after {
            let images = [before, after].into_iter().flatten();
            months.extend(images.map(|image| image.month.to_owned()));
        }
    }
    months
}

/// The public attributes of a photo's item, before or after the change that a stream record
/// describes.
#[derive(PartialEq)]
struct PublicStreamImage<'a> {
    month: &'a str,
    sort: &'a str,
    summary: &'a Value,
}

/// Returns the public attributes of an item in a stream record. Returns `None` if the item is a
/// private photo, a stub, a ledger entry or an album.
fn public_image(image: &Value) -> Option<PublicStreamImage<'_>> {
    let text = |attribute| image.pointer(attribute)?.as_str();
    let partition = text("/datePartition/S")?;
    let sort = text("/dateSort/S")?;
    Some(PublicStreamImage {
        month: month_of_partition(partition, sort)?,
        sort,
        summary: image.get("summary")?,
    })
}

/// Returns the month of a photo, from its partition and sort key in the index by-date. For example,
/// the partition `2018` and a sort key that begins with `2018-02-01` give `2018-02`. Returns `None`
/// if the partition is private.
fn month_of_partition<'a>(partition: &str, sort: &'a str) -> Option<&'a str> {
    let partition: DatePartition = partition.parse().ok()?;
    match partition.visibility {
        Visibility::Private => None,
        Visibility::Public if partition.is_undated() => Some(UNDATED),
        Visibility::Public => {
            let month = sort.get(..7);
            month.filter(|month| month.starts_with(&partition.period()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(partition: &str, sort: &str, title: &str) -> Value {
        json!({
            "pk": { "S": "photo#abc" },
            "datePartition": { "S": partition },
            "dateSort": { "S": sort },
            "summary": { "M": { "title": { "S": title } } },
            "exifWarnings": { "L": [] },
        })
    }

    fn touched_months(before: Option<Value>, after: Option<Value>) -> Vec<String> {
        let mut record = json!({ "eventSource": "aws:dynamodb", "dynamodb": {} });
        for (name, image) in [("OldImage", before), ("NewImage", after)] {
            if let Some(image) = image {
                record["dynamodb"][name] = image;
            }
        }
        changed_months(&[record]).into_iter().collect()
    }

    #[test]
    fn a_new_changed_moved_or_removed_photo_touches_its_months() {
        let february = || Some(image("2018", "2018-02-01T09:41:07#abc", "a"));
        let march = || Some(image("2018", "2018-03-01T09:41:07#abc", "a"));
        assert_eq!(touched_months(None, february()), ["2018-02"]);
        assert_eq!(touched_months(february(), None), ["2018-02"]);
        assert_eq!(touched_months(february(), march()), ["2018-02", "2018-03"]);
        let titled = Some(image("2018", "2018-02-01T09:41:07#abc", "b"));
        assert_eq!(touched_months(february(), titled), ["2018-02"]);
        let undated = Some(image("undated", "undated#a#abc", "a"));
        assert_eq!(touched_months(undated, february()), ["2018-02", "undated"]);
    }

    #[test]
    fn a_change_of_private_data_touches_no_month() {
        let public = || image("2018", "2018-02-01T09:41:07#abc", "a");
        let mut warned = public();
        warned["exifWarnings"] = json!({ "L": [{ "S": "cut short" }] });
        assert!(touched_months(Some(public()), Some(warned)).is_empty());
        let private = image("private#2018", "2018-02-01T09:41:07#abc", "a");
        assert!(touched_months(None, Some(private.clone())).is_empty());
        assert_eq!(touched_months(Some(public()), Some(private)), ["2018-02"]);
        let ledger = json!({ "pk": { "S": "ledger#inbox/a.jpg" } });
        assert!(touched_months(None, Some(ledger)).is_empty());
        let album = json!({
            "pk": { "S": "album#best" },
            "visibility": { "S": "public" },
            "list": { "L": [{ "S": "2018-02-01/a" }] },
        });
        let slugs = json!({ "pk": { "S": "albums" }, "albums": { "SS": ["best"] } });
        for item in [album, slugs] {
            assert!(touched_months(None, Some(item)).is_empty());
        }
        assert!(changed_months(&[json!({}), json!("text")]).is_empty());
    }
}
