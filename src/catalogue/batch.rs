//! Many items at once: a hundred by their keys in one request, or all of them by a scan.
//!
//! For import and the owner's commands, which compare a listing with the catalogue.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde::de::DeserializeOwned;

use super::item::{LedgerEntry, PHOTO_PREFIX, PhotoItem, PhotoItemHeader, photo_pk};
use super::query::ScanPosition;
use super::{Catalogue, CatalogueError, failed, from_attributes};
use crate::photo_id::PhotoId;

/// Most keys of one BatchGetItem (DynamoDB API Reference).
pub const BATCH: usize = 100;
/// How often keys that the table did not get to are asked for again, without one being answered.
const ATTEMPTS: u32 = 8;
/// First pause before that; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What a scan finds.
#[derive(Debug, Clone, PartialEq)]
pub enum ScannedItem {
    /// A photo's item, without its record.
    Photo(PhotoItemHeader),
    /// A ledger entry.
    Ledger(LedgerEntry),
}

/// An item as the table holds it.
type Attributes = HashMap<String, AttributeValue>;

impl Catalogue {
    /// The ledger's entries of these keys, by key, by strongly consistent reads; one request for a hundred.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn ledgers(
        &self,
        bucket: &str,
        keys: &[&str],
    ) -> Result<HashMap<String, LedgerEntry>, CatalogueError> {
        let mut found = HashMap::new();
        for keys in keys.chunks(BATCH) {
            let pks = keys.iter().map(|key| LedgerEntry::pk(bucket, key));
            let entries: Vec<LedgerEntry> = self.batch(pks.collect(), &[]).await?;
            found.extend(entries.into_iter().map(|entry| (entry.key.clone(), entry)));
        }
        Ok(found)
    }

    /// What the items of these stems say of their files, by stem, by strongly consistent reads; one request for a
    /// hundred.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn photo_item_headers(
        &self,
        stems: &[&str],
    ) -> Result<HashMap<String, PhotoItemHeader>, CatalogueError> {
        let mut pks: Vec<String> = stems
            .iter()
            .map(|stem| photo_pk(&PhotoId::from_stem(stem)))
            .collect();
        // A RAW and its JPEG are one item; asked for twice, the whole request is refused.
        pks.sort_unstable();
        pks.dedup();
        let mut found = HashMap::new();
        for pks in pks.chunks(BATCH) {
            let holdings: Vec<PhotoItemHeader> = self
                .batch(pks.to_vec(), &PhotoItemHeader::ATTRIBUTES)
                .await?;
            found.extend(holdings.into_iter().map(|one| (one.stem.clone(), one)));
        }
        Ok(found)
    }

    /// A page of a scan over all photos and all of the ledger, in no order, and where the next page begins. A page may
    /// be empty and not be the last. Reads the whole table, 1 MB a page, and costs as much.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn scan(
        &self,
        after: Option<ScanPosition>,
    ) -> Result<(Vec<ScannedItem>, Option<ScanPosition>), CatalogueError> {
        let mut attributes = PhotoItemHeader::ATTRIBUTES.to_vec();
        attributes.extend([
            "bucket",
            "key",
            "etag",
            "lastModified",
            "outcome",
            "reason",
            "archiveKey",
        ]);
        let (projection, names) = projection(&attributes);
        let request = self
            .client
            .scan()
            .projection_expression(projection)
            .set_expression_attribute_names(Some(names));
        let (items, next) = self.scan_page(request, after).await?;
        let mut found = Vec::new();
        for (pk, item) in items {
            if pk.starts_with(LedgerEntry::PREFIX) {
                found.push(ScannedItem::Ledger(from_attributes(&pk, item)?));
            } else if pk.starts_with(PHOTO_PREFIX) {
                found.push(ScannedItem::Photo(from_attributes(&pk, item)?));
            }
        }
        Ok((found, next))
    }

    /// The same of whole photo items, the ledger left out; one that cannot be read hides no other. Costs as much.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn scan_items(
        &self,
        after: Option<ScanPosition>,
    ) -> Result<(Vec<Result<PhotoItem, CatalogueError>>, Option<ScanPosition>), CatalogueError>
    {
        let prefix = AttributeValue::S(PHOTO_PREFIX.to_owned());
        let request = self
            .client
            .scan()
            .filter_expression("begins_with(pk, :photo)")
            .expression_attribute_values(":photo", prefix);
        let (items, next) = self.scan_page(request, after).await?;
        let items = items
            .into_iter()
            .map(|(pk, item)| from_attributes(&pk, item));
        Ok((items.collect(), next))
    }

    /// A page's items with their keys, by a strongly consistent read.
    async fn scan_page(
        &self,
        request: ScanFluentBuilder,
        after: Option<ScanPosition>,
    ) -> Result<(Vec<(String, Attributes)>, Option<ScanPosition>), CatalogueError> {
        let start =
            after.map(|ScanPosition(pk)| HashMap::from([("pk".to_owned(), AttributeValue::S(pk))]));
        let page = request
            .table_name(&self.table)
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| failed("scan", "the table", &error))?;
        let pk = |item: &Attributes| item.get("pk")?.as_s().ok().cloned();
        let next = page.last_evaluated_key.as_ref().and_then(pk);
        let items = page.items.unwrap_or_default();
        let items = items
            .into_iter()
            .map(|item| (pk(&item).unwrap_or_default(), item));
        Ok((items.collect(), next.map(ScanPosition)))
    }

    /// Items by their keys, which are all different; those that are there, in no order. All attributes where none is named.
    async fn batch<T: DeserializeOwned>(
        &self,
        pks: Vec<String>,
        attributes: &[&str],
    ) -> Result<Vec<T>, CatalogueError> {
        let what = pks.first().cloned().unwrap_or_default();
        let key = |pk: String| HashMap::from([("pk".to_owned(), AttributeValue::S(pk))]);
        let mut wanted: Vec<_> = pks.into_iter().map(key).collect();
        let mut found = Vec::new();
        let mut attempts = 0;
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
            let keys = keys.build().map_err(|error| CatalogueError::Request {
                operation: "get",
                pk: what.clone(),
                cause: error.to_string(),
            })?;
            let request = self
                .client
                .batch_get_item()
                .request_items(&self.table, keys);
            let answer = request
                .send()
                .await
                .map_err(|error| failed("get", &what, &error))?;
            let answered = answer.responses.and_then(|mut all| all.remove(&self.table));
            let answered = answered.unwrap_or_default();
            // Throttled, or beyond the 16 MB of one answer.
            let left = answer
                .unprocessed_keys
                .and_then(|mut all| all.remove(&self.table));
            wanted = left.map(|left| left.keys).unwrap_or_default();
            attempts = if answered.is_empty() { attempts + 1 } else { 0 };
            for item in answered {
                found.push(from_attributes(&what, item)?);
            }
            if wanted.is_empty() {
                break;
            }
            if attempts > ATTEMPTS {
                return Err(CatalogueError::Request {
                    operation: "get",
                    pk: what,
                    cause: format!("{} keys were not got to, time and again", wanted.len()),
                });
            }
            tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempts)).await;
        }
        Ok(found)
    }
}

/// A projection expression; names go by placeholders, since some are reserved words.
fn projection(attributes: &[&str]) -> (String, HashMap<String, String>) {
    let names = attributes
        .iter()
        .map(|name| (format!("#{name}"), (*name).to_owned()));
    let list: Vec<String> = attributes.iter().map(|name| format!("#{name}")).collect();
    (list.join(", "), names.collect())
}
