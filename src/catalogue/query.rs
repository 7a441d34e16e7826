//! Index queries: one partition of one index, in order, a page at a time.
//!
//! Every answer comes from an index's projection (the list form of a photo): no scan, no second read. Index reads are
//! eventually consistent, as DynamoDB's secondary indexes are. Which partitions answer a question is not decided here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Catalogue, CatalogueError, failed, from_attributes};
use crate::summary::Summary;
use photo_metadata::CaptureTime;

/// What the sort keys of undated photos begin with: after every date, so that in an index that holds both (a camera's
/// photos) the undated ones are a range of their own, whatever their names look like.
pub const UNDATED_SORT_PREFIX: &str = "undated#";

/// The sort key of a photo in by-date, by-camera and by-lens: `takenAtLocal#id`; undated, `undated#name#id`. Unique
/// within a partition, and in the order of the wall clock.
pub fn date_sort(capture: &CaptureTime, name: &str, id: &str) -> String {
    match capture.local_text() {
        Some(local) => format!("{local}#{id}"),
        None => format!("{UNDATED_SORT_PREFIX}{name}#{id}"),
    }
}

/// The indexes of the `photos` table (schema/tables.json).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoIndex {
    /// Public photos by year, or `undated`; private ones apart.
    ByDate,
    /// Public photos by camera slug.
    ByCamera,
    /// Public photos by lens slug.
    ByLens,
    /// Public photos by the geohash cell of their published position.
    ByPlace,
}

impl PhotoIndex {
    /// The index's name.
    pub fn name(self) -> &'static str {
        match self {
            PhotoIndex::ByDate => "by-date",
            PhotoIndex::ByCamera => "by-camera",
            PhotoIndex::ByLens => "by-lens",
            PhotoIndex::ByPlace => "by-place",
        }
    }

    fn partition_attribute(self) -> &'static str {
        match self {
            PhotoIndex::ByDate => "datePartition",
            PhotoIndex::ByCamera => "cameraPartition",
            PhotoIndex::ByLens => "lensPartition",
            PhotoIndex::ByPlace => "placePartition",
        }
    }

    fn sort_attribute(self) -> &'static str {
        match self {
            PhotoIndex::ByDate | PhotoIndex::ByCamera | PhotoIndex::ByLens => "dateSort",
            PhotoIndex::ByPlace => "placeSort",
        }
    }
}

/// A part of one partition: sort keys from `from` to `to`, both included, where set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Which index.
    pub index: PhotoIndex,
    /// The partition's key; not empty.
    pub partition: String,
    /// Lowest sort key.
    pub from: Option<String>,
    /// Highest sort key; not below `from`.
    pub to: Option<String>,
    /// From the highest sort key down.
    pub descending: bool,
}

/// One photo of a page and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoEntry {
    /// Its sort key: what to start after to go on from here.
    pub sort: String,
    /// Its list form, as stored.
    pub summary: Summary,
}

/// One page of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoPage {
    /// In the segment's order.
    pub entries: Vec<PhotoEntry>,
    /// The sort key to start after for the next page; `None` at the segment's end. There may be one although nothing
    /// follows: DynamoDB says so of a page that its limit filled exactly.
    pub next_after: Option<String>,
}

impl Catalogue {
    /// At most `limit` photos of a segment, after the sort key `after`, in one Query request. DynamoDB cuts a page at
    /// 1 MB too. A photo need not be there any more to start after it.
    ///
    /// A photo whose stored list form cannot be read is left out and logged, so that one bad item does not hide the
    /// others.
    ///
    /// # Errors
    /// The request failed, after the SDK's own retries.
    pub async fn query(
        &self,
        segment: &Segment,
        limit: u32,
        after: Option<&str>,
    ) -> Result<PhotoPage, CatalogueError> {
        let Segment {
            index,
            partition,
            from,
            to,
            descending,
        } = segment;
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let condition = match (from, to) {
            (None, None) => "#p = :p",
            (Some(_), None) => "#p = :p AND #s >= :from",
            (None, Some(_)) => "#p = :p AND #s <= :to",
            (Some(_), Some(_)) => "#p = :p AND #s BETWEEN :from AND :to",
        };
        let mut request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index.name())
            .key_condition_expression(condition)
            .expression_attribute_names("#p", index.partition_attribute())
            .expression_attribute_values(":p", text(partition))
            .scan_index_forward(!descending)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX));
        if from.is_some() || to.is_some() {
            request = request.expression_attribute_names("#s", index.sort_attribute());
        }
        if let Some(from) = from {
            request = request.expression_attribute_values(":from", text(from));
        }
        if let Some(to) = to {
            request = request.expression_attribute_values(":to", text(to));
        }
        if let Some(sort) = after {
            // Every sort key ends in the photo's id, so the whole key can be told from it.
            let id = sort.rsplit('#').next().unwrap_or(sort);
            request = request
                .exclusive_start_key("pk", text(&format!("photo#{id}")))
                .exclusive_start_key(index.partition_attribute(), text(partition))
                .exclusive_start_key(index.sort_attribute(), text(sort));
        }
        let output = request
            .send()
            .await
            .map_err(|error| failed("query", partition, &error))?;
        let sort_of = |item: &HashMap<String, AttributeValue>| {
            item.get(index.sort_attribute())
                .and_then(|value| value.as_s().ok())
                .cloned()
        };
        let next_after = output.last_evaluated_key.as_ref().and_then(sort_of);
        let entries = output
            .items
            .unwrap_or_default()
            .into_iter()
            .filter_map(|mut item| {
                let sort = sort_of(&item)?;
                let summary = item.remove("summary")?;
                match serde_dynamo::from_attribute_value(summary) {
                    Ok(summary) => Some(PhotoEntry { sort, summary }),
                    Err(error) => {
                        tracing::error!(index = index.name(), sort, %error, "unreadable list form");
                        None
                    }
                }
            });
        Ok(PhotoPage {
            entries: entries.collect(),
            next_after,
        })
    }
}

/// Where a scan of the photos goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPosition(pub(super) String);

impl Catalogue {
    /// A page of the public photos, in no order, and where the next page begins. A page may be empty and not be the
    /// last. For the owner's comparisons only: reads the whole table, 1 MB a page, and costs as much.
    ///
    /// # Errors
    /// The request failed, after the SDK's own retries, or an item is of another shape.
    pub async fn public_photos(
        &self,
        after: Option<ScanPosition>,
    ) -> Result<(Vec<PhotoEntry>, Option<ScanPosition>), CatalogueError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let mut request = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression(
                "attribute_exists(summary) AND attribute_exists(dateSort) AND NOT begins_with(datePartition, :private)",
            )
            .expression_attribute_values(":private", text("private#"))
            .projection_expression("pk, dateSort, summary");
        if let Some(ScanPosition(pk)) = after {
            request = request.exclusive_start_key("pk", AttributeValue::S(pk));
        }
        let page = request
            .send()
            .await
            .map_err(|error| failed("scan", "photo#", &error))?;
        let next = page
            .last_evaluated_key
            .as_ref()
            .and_then(|key| key.get("pk")?.as_s().ok())
            .map(|pk| ScanPosition(pk.clone()));
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Row {
            date_sort: String,
            summary: Summary,
        }
        let rows = page.items.unwrap_or_default().into_iter();
        let entries = rows.map(|item| {
            let Row { date_sort, summary } = from_attributes("photo#", item)?;
            Ok(PhotoEntry {
                sort: date_sort,
                summary,
            })
        });
        Ok((entries.collect::<Result<_, CatalogueError>>()?, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sort_keys_follow_the_wall_clock_and_undated_ones_come_last() {
        let at = |local: &str| CaptureTime {
            local: Some(local.parse().expect("a local time")),
            ..CaptureTime::default()
        };
        let keys = [
            date_sort(&at("2018-02-01T09:41:07"), "a", "zzz"),
            date_sort(&at("2018-02-01T09:41:07.001"), "a", "aaa"),
            date_sort(&at("2018-02-01T09:41:08"), "a", "aaa"),
            date_sort(&at("9999-12-31T23:59:59"), "a", "aaa"),
            date_sort(&CaptureTime::default(), "2018-02-01T09:41:07", "aaa"),
        ];
        assert!(keys.is_sorted(), "{keys:?}");
    }
}
