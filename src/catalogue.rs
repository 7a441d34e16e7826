//! The catalogue: photo items and ledger entries in one DynamoDB table, and the state of publish in
//! another table.
//!
//! Each claim of a stem and each write of a photo item is conditional: DynamoDB refuses it if
//! another writer came first. Photo items and ledger entries are read with strong consistency. This
//! module does not depend on an HTTP server, on Lambda, or on ingest, publish and gallery.

pub mod album;
pub mod album_folders;
mod album_store;
pub mod batch;
pub mod claim;
pub mod date_partition;
pub mod index_parts;
pub mod item;
pub mod item_size;
pub mod ledger;
pub mod listed_photos;
pub mod picture_queue;
mod picture_secret;
pub mod picture_work;
pub mod published;
pub mod published_albums;
pub mod published_lists;
pub mod query;
mod schema;
pub mod set_date;
pub mod upload_sidecars;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use self::album::InvalidAlbum;
pub use self::album_store::{AlbumWrite, StoredAlbum};
use self::date_partition::DatePartition;
use crate::newer_version::NewerVersionError;
use crate::object::{ObjectRef, ObjectVersion};
use crate::photo_id::PhotoId;
use crate::request_failure::RequestFailure;
use item::{LedgerEntry, PhotoItem, SCHEMA_VERSION, SCHEMA_VERSION_ATTRIBUTE, photo_pk};
use item_size::{ItemSizeError, PHOTOS_KEYS, check_item_size};

/// The name of the attribute that is the partition key of the photos table.
const PK: &str = "pk";
/// The key of the item that lists the registered date partitions. The attribute with the list has
/// the same name.
const DATE_PARTITIONS: &str = "years";
/// A condition of DynamoDB: the stored ledger entry describes the object version with the ETag
/// `:etag` and the Last-Modified `:modified`.
const SAME_VERSION: &str = "etag = :etag AND lastModified = :modified";
/// A condition of DynamoDB: the table has no item with this key.
const NO_ITEM: &str = "attribute_not_exists(pk)";

/// The attributes of an item, by name.
type Attributes = HashMap<String, AttributeValue>;

/// A client of the photos table.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
}

/// The error of a request to a table, or of an item that cannot be read or written. The caller may
/// safely send the request again.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// DynamoDB refused the request, or no response arrived.
    #[error("{operation} {pk}: {cause}")]
    Request {
        /// The operation, such as `put`.
        operation: &'static str,
        /// The key of the requested item or partition. If a request has no such key, a short
        /// description, such as `the table`.
        pk: String,
        /// The error of DynamoDB or of the connection.
        #[source]
        cause: RequestFailure,
    },
    /// An item is too large for DynamoDB. The request was not sent. A repeat fails again.
    #[error("item {pk} is {cause}")]
    TooLarge {
        /// The key of the item.
        pk: String,
        /// What is too large.
        #[source]
        cause: ItemSizeError,
    },
    /// An album is not valid. The request was not sent. A repeat fails again.
    #[error("item {pk} cannot be written: {cause}")]
    InvalidAlbum {
        /// The key of the album's item.
        pk: String,
        /// The reason.
        #[source]
        cause: InvalidAlbum,
    },
    /// An item cannot be read or written: its attributes do not have the form that this program
    /// expects.
    #[error("item {pk} cannot be read: {cause}")]
    Shape {
        /// The key of the item.
        pk: String,
        /// The error of the conversion.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer version of this program wrote the table or the item. This program must neither use
    /// nor change it.
    #[error(transparent)]
    NewerVersion(#[from] NewerVersionError),
}

/// The result of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The item was written.
    Written,
    /// Nothing was written: another writer changed the item first.
    Stale,
}

impl Catalogue {
    /// Builds a client of the photos table with this name. Sends no request.
    pub fn new(client: aws_sdk_dynamodb::Client, table: &str) -> Self {
        Catalogue {
            client,
            table: table.to_owned(),
        }
    }

    /// Reads the item of a photo. The read is strongly consistent. Returns `None` if there is no
    /// item.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails, or if the item cannot be read.
    pub async fn item(&self, id: &PhotoId) -> Result<Option<PhotoItem>, CatalogueError> {
        self.get_item(&photo_pk(id)).await
    }

    /// Reads the ledger entry of an object. The read is strongly consistent. Returns `None` if
    /// there is no entry.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails, or if the entry cannot be read.
    pub async fn ledger_entry(
        &self,
        object: &ObjectRef,
    ) -> Result<Option<LedgerEntry>, CatalogueError> {
        self.get_item(&LedgerEntry::pk(object)).await
    }

    /// Writes the item of a photo, if no other writer came first. `read` is the revision of the
    /// item that the caller has read, or `None` if there was no item. Returns
    /// [`WriteOutcome::Stale`] if the stored item has another revision now. The caller must have
    /// increased the revision of `item` by one.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_item(
        &self,
        item: &PhotoItem,
        read: Option<u64>,
    ) -> Result<WriteOutcome, CatalogueError> {
        let request = self.put_request(&item.pk, item)?;
        let request = match read {
            None => request.condition_expression(NO_ITEM),
            Some(revision) => request
                .condition_expression("revision = :read")
                .expression_attribute_values(":read", AttributeValue::N(revision.to_string())),
        };
        match request.send().await {
            Ok(_) => Ok(WriteOutcome::Written),
            Err(error) if is_failed_condition(&error) => Ok(WriteOutcome::Stale),
            Err(error) => Err(request_error("put", &item.pk, error)),
        }
    }

    /// Writes a ledger entry, and replaces any earlier entry of the object. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_ledger_entry(&self, entry: &LedgerEntry) -> Result<(), CatalogueError> {
        let request = self.put_request(&entry.pk, entry)?;
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("put", &entry.pk, error)),
        }
    }

    /// Writes a ledger entry, if the stored entry is still `read`: the entry that the caller has
    /// read, or `None` if there was none. Returns [`WriteOutcome::Stale`] if it is another one.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_ledger_entry_if(
        &self,
        entry: &LedgerEntry,
        read: Option<&LedgerEntry>,
    ) -> Result<WriteOutcome, CatalogueError> {
        let mut request = self.put_request(&entry.pk, entry)?;
        request = match read {
            None => request.condition_expression(NO_ITEM),
            Some(LedgerEntry {
                version,
                archive_key,
                ..
            }) => {
                let request = request
                    .expression_attribute_values(":etag", text(&version.etag))
                    .expression_attribute_values(":modified", text(&version.last_modified));
                match archive_key {
                    Some(key) => request
                        .condition_expression(format!("{SAME_VERSION} AND archiveKey = :archived"))
                        .expression_attribute_values(":archived", text(key)),
                    None => request.condition_expression(format!(
                        "{SAME_VERSION} AND attribute_not_exists(archiveKey)"
                    )),
                }
            }
        };
        match request.send().await {
            Ok(_) => Ok(WriteOutcome::Written),
            Err(error) if is_failed_condition(&error) => Ok(WriteOutcome::Stale),
            Err(error) => Err(request_error("put", &entry.pk, error)),
        }
    }

    /// Replaces the stored ledger entry of an object, if the stored entry describes the same
    /// version of the object (ETag and Last-Modified). Changes nothing if there is no entry, or if
    /// the entry describes another version. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn replace_ledger_entry(&self, entry: &LedgerEntry) -> Result<(), CatalogueError> {
        let request = self
            .put_request(&entry.pk, entry)?
            .condition_expression(SAME_VERSION)
            .expression_attribute_values(":etag", text(&entry.version.etag))
            .expression_attribute_values(":modified", text(&entry.version.last_modified));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("put", &entry.pk, error)),
        }
    }

    /// Deletes the ledger entry of an object, if the entry describes this version of the object
    /// (ETag and Last-Modified). Changes nothing if the entry describes another version. After the
    /// deletion, ingest treats the bytes of the object as new. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn delete_ledger_entry(
        &self,
        object: &ObjectRef,
        version: &ObjectVersion,
    ) -> Result<(), CatalogueError> {
        let pk = LedgerEntry::pk(object);
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(PK, text(&pk))
            .condition_expression(SAME_VERSION)
            .expression_attribute_values(":etag", text(&version.etag))
            .expression_attribute_values(":modified", text(&version.last_modified));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("delete", &pk, error)),
        }
    }

    /// Returns the registered date partitions. Every partition with photos is registered. A
    /// partition stays registered after its last photo is removed. If a stored partition cannot be
    /// read, an error is logged and the partition is left out, so that the gallery still lists the
    /// others.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails, or if a newer version of this program
    /// wrote the table.
    pub async fn date_partitions(&self) -> Result<BTreeSet<DatePartition>, CatalogueError> {
        let item = self.partitions_item().await?;
        let partitions = item
            .get(DATE_PARTITIONS)
            .and_then(|partitions| partitions.as_ss().ok());
        let partitions = partitions.into_iter().flatten();
        let readable = |text: &String| match text.parse::<DatePartition>() {
            Ok(partition) => Some(partition),
            Err(error) => {
                tracing::error!(%error, "unreadable date partition");
                None
            }
        };
        Ok(partitions.filter_map(readable).collect())
    }

    /// Checks that no newer version of this program wrote the table. Sends one request.
    ///
    /// # Errors
    /// Returns [`CatalogueError::NewerVersion`] if a newer version wrote the table, or another
    /// [`CatalogueError`] if the request fails.
    pub async fn check_version(&self) -> Result<(), CatalogueError> {
        self.partitions_item().await.map(drop)
    }

    /// Records in the table that this version writes to it. An older version that calls
    /// [`Catalogue::check_version`] then refuses the table. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn record_version(&self) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, text(DATE_PARTITIONS))
            .update_expression("SET #version = :version")
            .condition_expression("attribute_not_exists(#version) OR #version < :version")
            .expression_attribute_names("#version", SCHEMA_VERSION_ATTRIBUTE)
            .expression_attribute_values(":version", AttributeValue::N(SCHEMA_VERSION.to_string()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("update", DATE_PARTITIONS, error)),
        }
    }

    /// Reads the item with the date partitions and the schema version of the table. Returns no
    /// attributes if there is no such item yet.
    async fn partitions_item(&self) -> Result<Attributes, CatalogueError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PK, text(DATE_PARTITIONS));
        let response = request
            .send()
            .await
            .map_err(|error| request_error("get", DATE_PARTITIONS, error))?;
        let item = response.item.unwrap_or_default();
        NewerVersionError::check(schema_version(&item), SCHEMA_VERSION.into(), || {
            format!("the table {}", self.table)
        })?;
        Ok(item)
    }

    /// Registers a date partition: adds it to the set that [`Catalogue::date_partitions`] returns.
    /// A repeat is safe. Ingest calls this before it writes a photo into a partition, so every
    /// partition with photos is registered.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn ensure_date_partition(
        &self,
        partition: DatePartition,
    ) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, text(DATE_PARTITIONS))
            .update_expression(
                "SET #version = if_not_exists(#version, :version) ADD years :partition",
            )
            .expression_attribute_names("#version", SCHEMA_VERSION_ATTRIBUTE)
            .expression_attribute_values(":version", AttributeValue::N(SCHEMA_VERSION.to_string()))
            .expression_attribute_values(
                ":partition",
                AttributeValue::Ss(vec![partition.to_string()]),
            );
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("update", DATE_PARTITIONS, error)),
        }
    }

    /// Builds the request to write a photo item or a ledger entry.
    fn put_request<T: serde::Serialize>(
        &self,
        pk: &str,
        value: &T,
    ) -> Result<PutItemFluentBuilder, CatalogueError> {
        let request = self.client.put_item().table_name(&self.table);
        Ok(request.set_item(Some(photo_attributes(pk, value)?)))
    }

    async fn get_item<T: serde::de::DeserializeOwned>(
        &self,
        pk: &str,
    ) -> Result<Option<T>, CatalogueError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PK, text(pk))
            .consistent_read(true);
        let response = request
            .send()
            .await
            .map_err(|error| request_error("get", pk, error))?;
        response
            .item
            .map(|item| from_attributes(pk, item))
            .transpose()
    }
}

/// Returns `true` if DynamoDB refused a write because the condition of the write was not met.
fn is_failed_condition(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Converts an item of the photos table to its attributes. Returns an error if DynamoDB would
/// refuse their size.
fn photo_attributes<T: serde::Serialize>(
    pk: &str,
    value: &T,
) -> Result<Attributes, CatalogueError> {
    let attributes = to_attributes(pk, value)?;
    check_item_size(&attributes, PHOTOS_KEYS).map_err(|cause| CatalogueError::TooLarge {
        pk: pk.to_owned(),
        cause,
    })?;
    Ok(attributes)
}

fn to_attributes<T: serde::Serialize>(pk: &str, value: &T) -> Result<Attributes, CatalogueError> {
    serde_dynamo::to_item(value).map_err(|error| CatalogueError::Shape {
        pk: pk.to_owned(),
        cause: error.into(),
    })
}

/// Checks that no newer version of this program wrote an item. An item without a schema version
/// passes.
fn check_item_version(pk: &str, item: &Attributes) -> Result<(), NewerVersionError> {
    NewerVersionError::check(schema_version(item), SCHEMA_VERSION.into(), || {
        format!("the item {pk}")
    })
}

/// Returns the schema version in the attributes of an item, or 0 if there is none.
fn schema_version(item: &Attributes) -> u64 {
    let version = item.get(SCHEMA_VERSION_ATTRIBUTE);
    let version = version.and_then(|version| version.as_n().ok());
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}

/// Converts the attributes of an item to a value. `pk` is the key of the item. It is used only in
/// the text of an error.
pub(crate) fn from_attributes<T: serde::de::DeserializeOwned>(
    pk: &str,
    item: Attributes,
) -> Result<T, CatalogueError> {
    check_item_version(pk, &item)?;
    serde_dynamo::from_item(item).map_err(|error| CatalogueError::Shape {
        pk: pk.to_owned(),
        cause: error.into(),
    })
}

/// Builds the error of a failed request. `pk` is the requested key. It is used only in the text of
/// the error.
pub(crate) fn request_error<E>(
    operation: &'static str,
    pk: &str,
    error: SdkError<E, HttpResponse>,
) -> CatalogueError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let cause = match error.code() {
        Some(code) => {
            let message = error.message().unwrap_or("no message");
            RequestFailure::Refused(format!("{code}: {message}"))
        }
        None => RequestFailure::Failed(error.into()),
    };
    CatalogueError::Request {
        operation,
        pk: pk.to_owned(),
        cause,
    }
}
