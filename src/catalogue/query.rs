//! Queries of the photos table: one Query request for one page of one index. Also a scan of the
//! public photos, for the commands `photos recount` and `photos reconcile`.
//!
//! A query returns the attributes that the index contains. One of them is the summary of the photo,
//! so no second read is needed. Reads of an index are eventually consistent, as in all secondary
//! indexes of DynamoDB. A query reads a [`Segment`]: a range of one partition of an index. The
//! caller decides which segments it needs.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::TryStreamExt;
use futures::stream::Stream;

use super::date_partition::PRIVATE_PREFIX;
use super::item::PHOTO_PREFIX;
use super::item_size::MAX_SORT_KEY_BYTES;
use super::{Attributes, Catalogue, CatalogueError, PK, from_attributes, request_error, text};
use crate::paging::read_pages;
use crate::summary::Summary;
use photo_metadata::{CaptureTime, PartialDateTime};

/// The first characters of the sort keys of undated photos. These keys sort after every date, so
/// the undated photos of a camera come after all dated photos.
pub const UNDATED_SORT_PREFIX: &str = "undated#";

/// Returns the sort key of a photo in the indexes by-date, by-camera and by-lens. It is
/// `time#name#id`, or `undated#name#id` for an undated photo. The keys are unique within a partition.
/// They sort by wall-clock time, then by file name, so that a burst of photos within a second keeps
/// its order. If the time is not known, the start of the day, the month or the year is used. A long
/// name is cut, so that DynamoDB accepts the key.
///
/// ```
/// use photo_catalogue::catalogue::query::date_sort;
/// use photo_metadata::{CaptureTime, PartialDateTime};
///
/// let capture = |text: &str| -> Result<_, photo_metadata::InvalidPartialDate> {
///     Ok(CaptureTime { local: Some(text.parse()?), ..CaptureTime::default() })
/// };
/// let second = capture("2018-02-01T09:41:07")?;
/// assert_eq!(date_sort(&second, "foobar", "1a2b"), "2018-02-01T09:41:07#foobar#1a2b");
/// let month = capture("1985-06")?;
/// assert_eq!(date_sort(&month, "foobar", "1a2b"), "1985-06-01T00:00:00#foobar#1a2b");
/// assert_eq!(date_sort(&CaptureTime::default(), "foobar", "1a2b"), "undated#foobar#1a2b");
/// # Ok::<(), photo_metadata::InvalidPartialDate>(())
/// ```
pub fn date_sort(capture: &CaptureTime, name: &str, id: &str) -> String {
    let before = match capture.start() {
        Some(start) => format!("{}#", PartialDateTime::from(start)),
        None => UNDATED_SORT_PREFIX.to_owned(),
    };
    let others = before.len() + "#".len() + id.len();
    let room = MAX_SORT_KEY_BYTES.saturating_sub(others);
    let name = &name[..name.floor_char_boundary(room)];
    format!("{before}{name}#{id}")
}

/// An index of the photos table (schema/tables.json).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoIndex {
    /// All photos by date partition. Public photos are in a year or in `undated`, private photos in
    /// a `private#` partition.
    ByDate,
    /// Public photos by the slug of their camera.
    ByCamera,
    /// Public photos by the slug of their lens.
    ByLens,
    /// Public photos by the geohash cell of their published position.
    ByPlace,
}

impl PhotoIndex {
    /// Returns the name of the index in DynamoDB.
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

/// A segment: a range of sort keys in one partition of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The index.
    pub index: PhotoIndex,
    /// The key of the partition. It is not empty.
    pub partition: String,
    /// The lowest sort key that belongs to the segment. `None` means no limit.
    pub from: Option<String>,
    /// The highest sort key that belongs to the segment. It is not below `from`. `None` means no
    /// limit.
    pub to: Option<String>,
    /// `true` if the photos come in descending order of their sort keys.
    pub descending: bool,
}

/// A photo on a page, and its position in the segment.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoEntry {
    /// The sort key of the photo. To continue a query after this photo, pass this key as `after`.
    pub sort: String,
    /// The stored summary of the photo, before the public view is applied.
    pub summary: Summary,
}

/// One page of the photos of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoPage {
    /// The photos, in the order of the segment.
    pub entries: Vec<PhotoEntry>,
    /// The sort key after which the next page starts. `None` at the end of the segment. The next
    /// page may be empty: DynamoDB also returns a key if the page ends exactly at the end of the
    /// segment.
    pub next_after: Option<String>,
}

impl Catalogue {
    /// Reads all photos of a segment that follow the sort key `after`, page by page. A page has at
    /// most `limit` photos. Each page is one call of [`Catalogue::query_segment`], which is made
    /// only when the stream is polled.
    ///
    /// # Errors
    /// If a request fails, the last element of the stream is an error.
    pub fn query_pages(
        &self,
        segment: Segment,
        limit: u32,
        after: Option<String>,
    ) -> impl Stream<Item = Result<PhotoPage, CatalogueError>> + Send + use<> {
        let catalogue = self.clone();
        read_pages(after, move |after: Option<String>| {
            let (catalogue, segment) = (catalogue.clone(), segment.clone());
            async move {
                let page = catalogue
                    .query_segment(&segment, limit, after.as_deref())
                    .await?;
                let next_after = page.next_after.clone();
                Ok((page, next_after))
            }
        })
    }

    /// Reads one page of a segment: at most `limit` photos after the sort key `after`. Sends one
    /// Query request. DynamoDB also ends a page at 1 MB. The photo with the sort key `after` may be
    /// deleted already.
    ///
    /// If the stored summary of a photo cannot be read, an error is logged and the photo is left
    /// out. So one damaged item does not hide the others.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails after the retries of the SDK.
    pub async fn query_segment(
        &self,
        segment: &Segment,
        limit: u32,
        after: Option<&str>,
    ) -> Result<PhotoPage, CatalogueError> {
        let index = segment.index;
        let request = self
            .segment_query(segment)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|sort| segment.start_after(sort)));
        let output = request
            .send()
            .await
            .map_err(|error| request_error("query", &segment.partition, error))?;
        let sort_of = |item: &Attributes| {
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
                        tracing::error!(index = index.name(), sort, %error, "unreadable summary");
                        None
                    }
                }
            });
        Ok(PhotoPage {
            entries: entries.collect(),
            next_after,
        })
    }

    /// Builds the query of a segment, without a page size and without a start key.
    fn segment_query(&self, segment: &Segment) -> QueryFluentBuilder {
        let Segment {
            index,
            partition,
            from,
            to,
            descending,
        } = segment;
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
            .scan_index_forward(!descending);
        if from.is_some() || to.is_some() {
            request = request.expression_attribute_names("#s", index.sort_attribute());
        }
        if let Some(from) = from {
            request = request.expression_attribute_values(":from", text(from));
        }
        if let Some(to) = to {
            request = request.expression_attribute_values(":to", text(to));
        }
        request
    }

    /// Reads all public photos, in no particular order. The reads are strongly consistent. The scan
    /// reads the whole table, and DynamoDB charges for all of it, so only `photos recount` and
    /// `photos reconcile` use it. The scan sends requests only when the stream is polled: one for
    /// each 1 MB of the table.
    ///
    /// # Errors
    /// An element of the stream is an error if a request fails after the retries of the SDK, or if
    /// an item cannot be read.
    pub fn scan_public_photos(
        &self,
    ) -> impl Stream<Item = Result<PhotoEntry, CatalogueError>> + Send + use<> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ScannedPhoto {
            date_sort: String,
            summary: Summary,
        }
        let request = self
            .client
            .scan()
            .consistent_read(true)
            .filter_expression(
                "attribute_exists(summary) AND attribute_exists(dateSort) \
                 AND NOT begins_with(datePartition, :private)",
            )
            .expression_attribute_values(":private", text(PRIVATE_PREFIX))
            .projection_expression("pk, dateSort, summary");
        self.scan_attributes(request).and_then(|item| async move {
            let ScannedPhoto { date_sort, summary } = from_attributes(PHOTO_PREFIX, item)?;
            Ok(PhotoEntry {
                sort: date_sort,
                summary,
            })
        })
    }
}

impl Segment {
    /// Builds the start key that DynamoDB needs for a query that begins after this sort key.
    fn start_after(&self, sort: &str) -> Attributes {
        // Each sort key ends in the photo's id, so the key of the item can be derived from it.
        let id = sort.rsplit('#').next().unwrap_or(sort);
        Attributes::from([
            (PK.to_owned(), text(&format!("{PHOTO_PREFIX}{id}"))),
            (
                self.index.partition_attribute().to_owned(),
                text(&self.partition),
            ),
            (self.index.sort_attribute().to_owned(), text(sort)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::UNDATED;

    #[test]
    fn sort_keys_follow_the_wall_clock_with_undated_last() {
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
        assert_eq!(UNDATED_SORT_PREFIX, format!("{UNDATED}#"));
    }
}
