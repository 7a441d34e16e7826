//! Requests for many items: up to a hundred items by their keys in one request, or all items of the
//! table in a scan.
//!
//! Import and other commands use them to compare a listing with the catalogue.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::TryStreamExt;
use futures::stream::{self, Stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::date_partition::{DatePartition, deserialize_stored};
use super::item::{LedgerEntry, PHOTO_PREFIX, PhotoItem, PhotoItemHeader, photo_pk};
use super::{Attributes, Catalogue, CatalogueError, PK, from_attributes, request_error, text};
use crate::object::Bucket;
use crate::paging::read_pages;
use crate::photo_id::PhotoId;
use crate::privacy::Visibility;
use crate::request_failure::RequestFailure;
use crate::summary::Summary;

/// The maximum number of keys in one BatchGetItem request (DynamoDB API Reference).
pub const MAX_BATCH_KEYS: usize = 100;
/// The maximum number of responses in a row that contain no item. If one more is empty, the read
/// fails.
const MAX_EMPTY_RESPONSES: u32 = 8;
/// The pause before the program requests the keys again that DynamoDB did not process. The pause
/// doubles with each response in a row that contains no item.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The text that an error of a scan contains in place of a key.
const WHOLE_TABLE: &str = "the table";

/// An item that a scan returned.
#[derive(Debug, Clone, PartialEq)]
pub enum ScannedItem {
    /// The header of a photo's item.
    Photo(PhotoItemHeader),
    /// A ledger entry.
    Ledger(LedgerEntry),
}

impl Catalogue {
    /// Reads the ledger entries of the objects with these keys in a bucket. The reads are strongly
    /// consistent. Returns a map from object key to entry, without the objects that have no entry.
    /// Sends one request for each 100 keys, and more if DynamoDB leaves some keys unprocessed.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an entry cannot be read.
    pub async fn ledger_entries(
        &self,
        bucket: &Bucket,
        keys: &[&str],
    ) -> Result<HashMap<String, LedgerEntry>, CatalogueError> {
        let mut found = HashMap::new();
        for keys in keys.chunks(MAX_BATCH_KEYS) {
            let pks = keys.iter().map(|key| LedgerEntry::pk(&bucket.object(*key)));
            let entries: Vec<LedgerEntry> = self.get_items(pks.collect(), &[]).await?;
            let by_key = entries.into_iter();
            found.extend(by_key.map(|entry| (entry.object.key.clone(), entry)));
        }
        Ok(found)
    }

    /// Reads the headers ([`PhotoItemHeader`]) of the photo items with these stems. The reads are
    /// strongly consistent. Returns a map from stem to header, without the stems that have no item.
    /// Sends one request for each 100 stems, and more if DynamoDB leaves some keys unprocessed.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn photo_item_headers(
        &self,
        stems: &[&str],
    ) -> Result<HashMap<String, PhotoItemHeader>, CatalogueError> {
        let mut pks: Vec<String> = stems
            .iter()
            .map(|stem| photo_pk(&PhotoId::from_stem(stem)))
            .collect();
        // A RAW and its JPEG have the same item. DynamoDB refuses a request that contains a key
        // twice.
        pks.sort_unstable();
        pks.dedup();
        let mut found = HashMap::new();
        for pks in pks.chunks(MAX_BATCH_KEYS) {
            let headers: Vec<PhotoItemHeader> = self
                .get_items(pks.to_vec(), &PhotoItemHeader::ATTRIBUTES)
                .await?;
            found.extend(
                headers
                    .into_iter()
                    .map(|header| (header.stem.clone(), header)),
            );
        }
        Ok(found)
    }

    /// Reads the photo items with these stems. The reads are strongly consistent. Returns a map
    /// from stem to item, without the stems that have no item. Each stem must occur once. Sends one
    /// request for each 100 stems, and more if DynamoDB leaves some keys unprocessed.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn photo_items(
        &self,
        stems: &[&str],
    ) -> Result<HashMap<String, PhotoItem>, CatalogueError> {
        let mut found = HashMap::new();
        for stems in stems.chunks(MAX_BATCH_KEYS) {
            let pks = stems.iter().map(|stem| photo_pk(&PhotoId::from_stem(stem)));
            let items: Vec<PhotoItem> = self.get_items(pks.collect(), &[]).await?;
            found.extend(items.into_iter().map(|item| (item.stem.clone(), item)));
        }
        Ok(found)
    }

    /// Reads all ledger entries, and the header of every photo item ([`PhotoItemHeader`]), in no
    /// particular order. The scan reads the whole table, and DynamoDB charges for all of it. The
    /// scan sends requests only when the stream is polled: one for each 1 MB of the table.
    ///
    /// # Errors
    /// An element of the stream is an error if a request fails, or if an item cannot be read.
    pub fn scan_items(
        &self,
    ) -> impl Stream<Item = Result<ScannedItem, CatalogueError>> + Send + use<> {
        let mut attributes = PhotoItemHeader::ATTRIBUTES.to_vec();
        attributes.extend(LedgerEntry::SCANNED_ATTRIBUTES);
        let (projection, names) = projection(&attributes);
        let request = self
            .client
            .scan()
            .consistent_read(true)
            .projection_expression(projection)
            .set_expression_attribute_names(Some(names));
        self.scan_attributes(request)
            .try_filter_map(|item| async move {
                let pk = pk_of(&item);
                if pk.starts_with(LedgerEntry::PREFIX) {
                    Ok(Some(ScannedItem::Ledger(from_attributes(&pk, item)?)))
                } else if pk.starts_with(PHOTO_PREFIX) {
                    Ok(Some(ScannedItem::Photo(from_attributes(&pk, item)?)))
                } else {
                    Ok(None)
                }
            })
    }

    /// Reads the items of all photos with all their fields, in no particular order. The scan costs
    /// as much as [`Catalogue::scan_items`].
    ///
    /// # Errors
    /// If a request fails, the last element of the stream is [`CatalogueError::Request`]. If an
    /// item cannot be read, its element is [`CatalogueError::Shape`], and the other items follow.
    pub fn scan_photo_items(
        &self,
    ) -> impl Stream<Item = Result<PhotoItem, CatalogueError>> + Send + use<> {
        self.scan_photos_with("begins_with(pk, :photo)")
    }

    /// Reads the items of the photos for which render has work to do, in no particular order. The
    /// scan costs as much as [`Catalogue::scan_items`].
    ///
    /// # Errors
    /// Those of [`Catalogue::scan_photo_items`].
    pub fn scan_due_pictures(
        &self,
    ) -> impl Stream<Item = Result<PhotoItem, CatalogueError>> + Send + use<> {
        self.scan_photos_with("begins_with(pk, :photo) AND attribute_exists(pictureWork)")
    }

    /// Reads the items of the photos whose pictures cannot be made, in no particular order. The
    /// scan costs as much as [`Catalogue::scan_items`].
    ///
    /// # Errors
    /// Those of [`Catalogue::scan_photo_items`].
    pub fn scan_unrendered(
        &self,
    ) -> impl Stream<Item = Result<PhotoItem, CatalogueError>> + Send + use<> {
        self.scan_photos_with("begins_with(pk, :photo) AND attribute_exists(renditions.unrendered)")
    }

    /// Reads the photo items that fulfil a filter. The filter must use the value `:photo`.
    fn scan_photos_with(
        &self,
        filter: &str,
    ) -> impl Stream<Item = Result<PhotoItem, CatalogueError>> + Send + use<> {
        let request = self
            .client
            .scan()
            .consistent_read(true)
            .filter_expression(filter)
            .expression_attribute_values(":photo", text(PHOTO_PREFIX));
        self.scan_attributes(request)
            .and_then(|item| async move { from_attributes(&pk_of(&item), item) })
    }

    /// Runs a scan page by page. Each element of the stream is the attributes of one item.
    pub(super) fn scan_attributes(
        &self,
        request: ScanFluentBuilder,
    ) -> impl Stream<Item = Result<Attributes, CatalogueError>> + Send + use<> {
        let request = request.table_name(&self.table);
        read_pages(None, move |start| {
            let request = request.clone();
            async move {
                let page: ScanOutput = request
                    .set_exclusive_start_key(start)
                    .send()
                    .await
                    .map_err(|error| request_error("scan", WHOLE_TABLE, error))?;
                let items = page.items.unwrap_or_default().into_iter().map(Ok);
                Ok::<_, CatalogueError>((stream::iter(items), page.last_evaluated_key))
            }
        })
        .try_flatten()
    }

    /// Reads the items with these keys. The caller must pass at most [`MAX_BATCH_KEYS`] keys, all
    /// of them different. Returns the items that exist, in no particular order. `attributes` are
    /// the names of the attributes to read. Reads all attributes if `attributes` is empty.
    pub(super) async fn get_items<T: DeserializeOwned>(
        &self,
        pks: Vec<String>,
        attributes: &[&str],
    ) -> Result<Vec<T>, CatalogueError> {
        let key = |pk: String| HashMap::from([(PK.to_owned(), text(&pk))]);
        let keys = pks.into_iter().map(key).collect();
        let items = get_batch(&self.client, &self.table, keys, attributes).await?;
        let items = items.into_iter();
        items
            .map(|item| from_attributes(&pk_of(&item), item))
            .collect()
    }

    /// Reads the summaries of the public photos with these stems. The reads are strongly
    /// consistent. Returns a map from stem to summary, without the stems that have no public photo.
    /// Sends one request for each 100 stems, and more if DynamoDB leaves some keys unprocessed.
    ///
    /// If the stored summary of a photo cannot be read, an error is logged and the photo is left
    /// out.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails.
    pub async fn public_summaries(
        &self,
        stems: &[&str],
    ) -> Result<HashMap<String, Summary>, CatalogueError> {
        let mut found = HashMap::new();
        // DynamoDB refuses a request that contains a key twice.
        let mut pks: Vec<String> = stems
            .iter()
            .map(|stem| photo_pk(&PhotoId::from_stem(stem)))
            .collect();
        pks.sort_unstable();
        pks.dedup();
        for pks in pks.chunks(MAX_BATCH_KEYS) {
            let keys = pks
                .iter()
                .map(|pk| HashMap::from([(PK.to_owned(), text(pk))]));
            let attributes = [PK, "datePartition", "summary"];
            for item in get_batch(&self.client, &self.table, keys.collect(), &attributes).await? {
                let pk = pk_of(&item);
                match from_attributes::<SummaryItem>(&pk, item) {
                    Ok(item) => found.extend(item.public_summary()),
                    Err(error) => tracing::error!(pk, %error, "unreadable summary"),
                }
            }
        }
        Ok(found)
    }
}

/// The attributes of a photo item that a list needs.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SummaryItem {
    #[serde(deserialize_with = "deserialize_stored")]
    date_partition: Option<DatePartition>,
    summary: Option<Summary>,
}

impl SummaryItem {
    /// Returns the stem and the summary if the photo is in a public partition.
    fn public_summary(self) -> Option<(String, Summary)> {
        let partition = self.date_partition?;
        let summary = self.summary?;
        let is_public = partition.visibility == Visibility::Public;
        is_public.then(|| (summary.stem.clone(), summary))
    }
}

/// Reads the items of a table with these keys. The reads are strongly consistent. The caller must
/// pass at most [`MAX_BATCH_KEYS`] keys, all of them different. Returns the items that exist, in no
/// particular order. `attributes` are the names of the attributes to read. Reads all attributes if
/// `attributes` is empty.
///
/// # Errors
/// Returns a [`CatalogueError`] if a request fails, or if DynamoDB leaves keys unprocessed too
/// often.
pub(super) async fn get_batch(
    client: &aws_sdk_dynamodb::Client,
    table: &str,
    mut wanted: Vec<Attributes>,
    attributes: &[&str],
) -> Result<Vec<Attributes>, CatalogueError> {
    let first = wanted.first().map(pk_of).unwrap_or_default();
    let failure = |cause: Box<dyn Error + Send + Sync>| CatalogueError::Request {
        operation: "get",
        pk: first.clone(),
        cause: RequestFailure::Failed(cause),
    };
    let mut found = Vec::new();
    let mut empty_responses = 0;
    while !wanted.is_empty() {
        let mut keys = KeysAndAttributes::builder()
            .consistent_read(true)
            .set_keys(Some(wanted));
        if !attributes.is_empty() {
            let (projection, names) = projection(attributes);
            keys = keys
                .projection_expression(projection)
                .set_expression_attribute_names(Some(names));
        }
        let keys = keys.build().map_err(|error| failure(error.into()))?;
        let request = client.batch_get_item().request_items(table, keys);
        let response = request
            .send()
            .await
            .map_err(|error| request_error("get", &first, error))?;
        let items = response.responses.and_then(|mut all| all.remove(table));
        let items = items.unwrap_or_default();
        // The request was throttled, or the response would have more than 16 MB.
        let left = response
            .unprocessed_keys
            .and_then(|mut all| all.remove(table));
        wanted = left.map(|left| left.keys).unwrap_or_default();
        empty_responses = if items.is_empty() {
            empty_responses + 1
        } else {
            0
        };
        found.extend(items);
        if wanted.is_empty() {
            break;
        }
        if empty_responses > MAX_EMPTY_RESPONSES {
            let left = wanted.len();
            let cause = format!("{left} keys were not processed in {empty_responses} requests");
            return Err(failure(cause.into()));
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(empty_responses)).await;
    }
    Ok(found)
}

/// Returns the partition key of an item.
fn pk_of(item: &Attributes) -> String {
    let pk = item.get(PK).and_then(|pk| pk.as_s().ok());
    pk.cloned().unwrap_or_default()
}

/// Builds a projection expression of DynamoDB, which selects the attributes to read, and the map
/// from its placeholders to the attribute names. For example, `key` has the placeholder `#key`.
/// Placeholders are necessary because some names are reserved words of DynamoDB.
fn projection(attributes: &[&str]) -> (String, HashMap<String, String>) {
    let names = attributes
        .iter()
        .map(|name| (format!("#{name}"), (*name).to_owned()));
    let list: Vec<String> = attributes.iter().map(|name| format!("#{name}")).collect();
    (list.join(", "), names.collect())
}
