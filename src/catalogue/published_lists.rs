//! The lists of photos in the publish table: which files contain the photos of a keyword, a camera
//! or a lens. Also the record of the lists that a cycle changes, and the shards of the text index.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::batch::{MAX_BATCH_KEYS, get_batch};
use super::published::{PublishTable, STATE, millis};
use super::{
    Attributes, CatalogueError, from_attributes, is_failed_condition, request_error, text,
};

/// The partition key of the items that describe lists.
const LIST: &str = "list";
/// The sort key of the item with the lists that a cycle changes, in the partition `state`.
pub(super) const LISTS: &str = "lists";
/// The sort key of the item with the shards of the text index, in the partition `state`.
pub(super) const TEXT: &str = "text";
/// The sort key of the item that requests a check of all lists, in the partition `state`.
pub(super) const LIST_CHECK: &str = "listCheck";
/// The maximum size of the names of lists in one [`PendingLists`] item, in bytes. An item of
/// DynamoDB has at most 400 KB.
const MAX_PENDING_BYTES: usize = 200_000;

/// The stored state of a list: its name, its number of photos, and its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PublishedList {
    /// The kind and the slug, such as `keyword#japan`. It is the sort key.
    #[serde(rename = "sk", skip_serializing)]
    pub key: String,
    /// The name, as the newest photo of the list spells it.
    pub name: String,
    /// The number of photos in the list.
    pub photos: u64,
    /// The files, in the order of the photos: the newest first.
    pub parts: Vec<ListPart>,
}

/// One file of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListPart {
    /// The path relative to `index.json`, such as `keyword/japan.2.json`.
    pub path: String,
    /// The number of photos in the file.
    pub photos: u64,
    /// The newest month of the photos in the file.
    pub newest: String,
    /// The oldest month of the photos in the file. `undated` is older than every date.
    pub oldest: String,
    /// The first 32 hexadecimal characters of the SHA-256 of the file's JSON.
    pub digest: String,
    /// The ETag that the store returned, without quotes.
    pub etag: String,
}

/// The lists whose files may differ from their items, because a cycle has begun to change them, or
/// because they must be checked. Publish writes it before it changes a list, and removes it at the
/// end of the cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingLists {
    /// The months whose photos the lists may contain in an old version. Each of them is dirty.
    pub months: BTreeSet<String>,
    /// The keys of the lists.
    pub lists: BTreeSet<String>,
    /// `true` if any list may be concerned.
    pub all: bool,
    /// `true` if the text index may be out of date.
    pub text: bool,
    /// `true` if the files of albums may be out of date, or may differ from their items.
    pub albums: bool,
}

/// The stored shards of the text index: a map from the name of a shard to the digest of its words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextShards {
    /// The digests by the names.
    pub shards: BTreeMap<String, String>,
}

impl PendingLists {
    /// Reports whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        *self == PendingLists::default()
    }

    /// Returns the stored form. If it would be too large for an item, `all` stands for the lists.
    fn to_stored(&self) -> PendingLists {
        let bytes: usize = self.lists.iter().map(|key| key.len() + 4).sum();
        let mut stored = self.clone();
        if bytes > MAX_PENDING_BYTES {
            stored.lists.clear();
            stored.all = true;
        }
        stored
    }
}

impl PublishTable {
    /// Reads the states of the lists with these keys, which must be different. The reads are
    /// strongly consistent. Returns a map from key to state, without the lists that have none.
    /// Sends one request for each 100 keys.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn lists(
        &self,
        keys: &[String],
    ) -> Result<HashMap<String, PublishedList>, CatalogueError> {
        let mut found = HashMap::new();
        for keys in keys.chunks(MAX_BATCH_KEYS) {
            let keys = keys.iter().map(|key| list_key(key)).collect();
            for item in get_batch(&self.client, &self.table, keys, &[]).await? {
                let list: PublishedList = from_attributes(LIST, item)?;
                found.insert(list.key.clone(), list);
            }
        }
        Ok(found)
    }

    /// Reads the states of all lists, by key. Sends one query for each 1 MB.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn all_lists(&self) -> Result<HashMap<String, PublishedList>, CatalogueError> {
        let lists: Vec<PublishedList> = self.read_partition(LIST).await?;
        Ok(lists
            .into_iter()
            .map(|list| (list.key.clone(), list))
            .collect())
    }

    /// Writes the state of a list. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_list(&self, list: &PublishedList) -> Result<(), CatalogueError> {
        self.put_value(LIST, &list.key, list).await
    }

    /// Deletes the state of a list. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn delete_list(&self, key: &str) -> Result<(), CatalogueError> {
        self.delete_value(list_key(key), key).await
    }

    /// Writes the lists that are pending. If there are too many for an item, the stored form names
    /// all lists. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_pending_lists(&self, pending: &PendingLists) -> Result<(), CatalogueError> {
        self.put_value(STATE, LISTS, &pending.to_stored()).await
    }

    /// Removes the record of the pending lists. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn delete_pending_lists(&self) -> Result<(), CatalogueError> {
        self.delete_value(state_key(LISTS), LISTS).await
    }

    /// Writes the shards of the text index that are stored. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_text_shards(&self, shards: &TextShards) -> Result<(), CatalogueError> {
        self.put_value(STATE, TEXT, shards).await
    }

    /// Requests that the next cycle that rebuilds a month checks the files of all lists. A repeat
    /// is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn request_list_check(&self, now: DateTime<Utc>) -> Result<(), CatalogueError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(STATE))
            .item("sk", text(LIST_CHECK))
            .item("until", millis(now));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("put", LIST_CHECK, error)),
        }
    }

    /// Removes the request of a check, if it is still the one of the time `requested`. A repeat is
    /// safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn clear_list_check(&self, requested: DateTime<Utc>) -> Result<(), CatalogueError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(state_key(LIST_CHECK)))
            .condition_expression("#until = :read")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":read", millis(requested));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("clear", LIST_CHECK, error)),
        }
    }

    async fn delete_value(&self, key: Attributes, name: &str) -> Result<(), CatalogueError> {
        let request = self.client.delete_item().table_name(&self.table);
        match request.set_key(Some(key)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("delete", name, error)),
        }
    }
}

fn list_key(key: &str) -> Attributes {
    item_key(LIST, key)
}

fn state_key(key: &str) -> Attributes {
    item_key(STATE, key)
}

fn item_key(pk: &str, sk: &str) -> Attributes {
    let value = |value: &str| -> AttributeValue { text(value) };
    HashMap::from([("pk".to_owned(), value(pk)), ("sk".to_owned(), value(sk))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_pending_lists_become_all_lists() {
        let pending = |count: u32| PendingLists {
            lists: (0..count).map(|n| format!("keyword#{n:0>190}")).collect(),
            ..PendingLists::default()
        };
        assert_eq!(pending(900).to_stored(), pending(900));
        let stored = pending(2_000).to_stored();
        assert!(stored.all && stored.lists.is_empty());
        assert!(pending(0).is_empty() && !stored.is_empty());
    }
}
