//! Many items at once: a hundred by their keys in one request, or all of them by a scan.
//!
//! For import and the owner's commands, which compare a listing with the catalogue.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde::de::DeserializeOwned;

use super::item::{Holding, LedgerEntry, photo_pk};
use super::query::ScanPosition;
use super::{Catalogue, CatalogueError, failed, from_attributes};
use crate::photo::PhotoId;

/// Most keys of one BatchGetItem (DynamoDB API Reference).
pub const BATCH: usize = 100;
/// How often keys that the table did not get to are asked for again, without one being answered.
const ATTEMPTS: u32 = 8;
/// First pause before that; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What a scan finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Scanned {
    /// A photo's item, without its record.
    Photo(Holding),
    /// A ledger entry.
    Ledger(LedgerEntry),
}

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
    pub async fn holdings(
        &self,
        stems: &[&str],
    ) -> Result<HashMap<String, Holding>, CatalogueError> {
        let mut pks: Vec<String> = stems
            .iter()
            .map(|stem| photo_pk(&PhotoId::of_stem(stem)))
            .collect();
        // A RAW and its JPEG are one item; asked for twice, the whole request is refused.
        pks.sort_unstable();
        pks.dedup();
        let mut found = HashMap::new();
        for pks in pks.chunks(BATCH) {
            let holdings: Vec<Holding> = self.batch(pks.to_vec(), &Holding::ATTRIBUTES).await?;
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
    ) -> Result<(Vec<Scanned>, Option<ScanPosition>), CatalogueError> {
        let mut attributes = Holding::ATTRIBUTES.to_vec();
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
        let mut request = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .projection_expression(projection)
            .set_expression_attribute_names(Some(names));
        if let Some(ScanPosition(pk)) = after {
            request = request.exclusive_start_key("pk", AttributeValue::S(pk));
        }
        let page = request
            .send()
            .await
            .map_err(|error| failed("scan", "the table", &error))?;
        let next = page
            .last_evaluated_key
            .as_ref()
            .and_then(|key| key.get("pk")?.as_s().ok())
            .map(|pk| ScanPosition(pk.clone()));
        let mut found = Vec::new();
        for item in page.items.unwrap_or_default() {
            let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
            let pk = pk.cloned().unwrap_or_default();
            if pk.starts_with(LedgerEntry::PREFIX) {
                found.push(Scanned::Ledger(from_attributes(&pk, item)?));
            } else if pk.starts_with(super::item::PHOTO_PREFIX) {
                found.push(Scanned::Photo(from_attributes(&pk, item)?));
            }
        }
        Ok((found, next))
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
