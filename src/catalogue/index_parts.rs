//! The parts of the term index in the publish table.
//!
//! A part never changes, because its key contains a digest of it. The item of a month lists the
//! keys of its parts. So a reader that has the item of a month reads exactly the parts that belong
//! to it, or finds that a part is gone because the month has changed.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::batch::{MAX_BATCH_KEYS, get_batch};
use super::item_size::{PUBLISH_KEYS, check_item_size};
use super::published::PublishTable;
use super::{Attributes, CatalogueError, request_error, text};

/// The partition key of the items that contain the parts of the term index. Their sort key begins
/// with the month.
const INDEX: &str = "index";
/// The attribute that contains a part, compressed by gzip.
const DATA: &str = "data";

/// A part of the term index of a month in its stored form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredIndexPart {
    /// The key: the month, the number of the part and its digest, such as `2018-02#1#5f0c…`.
    pub key: String,
    /// The JSON of the part, compressed by gzip.
    pub compressed: Vec<u8>,
}

impl PublishTable {
    /// Writes a part of the term index. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails, or if the part is too large for an item.
    pub async fn put_index_part(&self, part: StoredIndexPart) -> Result<(), CatalogueError> {
        let mut item = part_key(&part.key);
        let data = AttributeValue::B(Blob::new(part.compressed));
        item.insert(DATA.to_owned(), data);
        check_item_size(&item, PUBLISH_KEYS).map_err(|cause| CatalogueError::TooLarge {
            pk: part.key.clone(),
            cause,
        })?;
        let request = self.client.put_item().table_name(&self.table);
        match request.set_item(Some(item)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("put", &part.key, error)),
        }
    }

    /// Deletes a part of the term index. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn delete_index_part(&self, key: &str) -> Result<(), CatalogueError> {
        let request = self.client.delete_item().table_name(&self.table);
        match request.set_key(Some(part_key(key))).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("delete", key, error)),
        }
    }

    /// Returns the keys of all stored parts of a month. The read is strongly consistent. Sends one
    /// query for each 1 MB.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails.
    pub async fn index_part_keys(&self, month: &str) -> Result<BTreeSet<String>, CatalogueError> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :month)")
            .expression_attribute_values(":pk", text(INDEX))
            .expression_attribute_values(":month", text(&format!("{month}#")))
            .projection_expression("sk");
        let mut keys = BTreeSet::new();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| request_error("query", month, error))?;
            keys.extend(page.items.unwrap_or_default().iter().filter_map(sort_key));
        }
        Ok(keys)
    }

    /// Reads the parts of the term index with these keys. The reads are strongly consistent.
    /// Returns a map from the key of a part to its JSON, compressed by gzip. A part that does not
    /// exist any more is not in the map. Sends one request for each 100 keys, and more if the parts
    /// have over 16 MB.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails.
    pub async fn index_parts(
        &self,
        keys: &[String],
    ) -> Result<HashMap<String, Vec<u8>>, CatalogueError> {
        let mut found = HashMap::new();
        for keys in keys.chunks(MAX_BATCH_KEYS) {
            let keys = keys.iter().map(|key| part_key(key)).collect();
            for mut item in get_batch(&self.client, &self.table, keys, &[]).await? {
                let data = item.remove(DATA);
                if let (Some(key), Some(AttributeValue::B(data))) = (sort_key(&item), data) {
                    found.insert(key, data.into_inner());
                }
            }
        }
        Ok(found)
    }
}

fn part_key(key: &str) -> Attributes {
    HashMap::from([("pk".to_owned(), text(INDEX)), ("sk".to_owned(), text(key))])
}

fn sort_key(item: &Attributes) -> Option<String> {
    item.get("sk").and_then(|sk| sk.as_s().ok()).cloned()
}
