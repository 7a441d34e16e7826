//! The catalogue: photo items and ledger entries in one DynamoDB table, and the state of publish in
//! another.
//!
//! Claims and writes are conditional puts. Every read that a decision depends on is strongly
//! consistent. This module does not depend on an HTTP server, on Lambda, or on ingest, publish and
//! gallery.

pub mod batch;
pub mod date_partition;
pub mod item;
pub mod ledger;
pub mod published;
pub mod query;
mod schema;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use self::date_partition::{DatePartition, InvalidDatePartition};
use crate::object::{ObjectRef, ObjectVersion};
use crate::photo_id::PhotoId;
use crate::request_failure::RequestFailure;
use item::{LedgerEntry, PhotoItem, photo_pk};

/// The partition key of the photos table.
const PK: &str = "pk";
/// The item with the set of date partitions, and its attribute.
const YEARS: &str = "years";
/// The condition that a ledger entry describes the given version of an object.
const SAME_VERSION: &str = "etag = :etag AND lastModified = :modified";
/// The condition that there is no item with this key.
const NO_ITEM: &str = "attribute_not_exists(pk)";

/// The attributes of an item.
type Attributes = HashMap<String, AttributeValue>;

/// A client of the photos table.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
}

/// A failed request, or an item that cannot be read. A retry is safe.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// DynamoDB refused the request, or there was no answer.
    #[error("{operation} {pk}: {cause}")]
    Request {
        /// The operation.
        operation: &'static str,
        /// The item or the partition.
        pk: String,
        /// The cause.
        #[source]
        cause: RequestFailure,
    },
    /// The item does not have the shape that this program writes.
    #[error("item {pk} cannot be read: {cause}")]
    Shape {
        /// The item.
        pk: String,
        /// The cause.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The result of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// This owner has the stem, by this claim or by an earlier one.
    Ours,
    /// Another owner has the stem.
    Taken,
}

/// The result of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The item is written.
    Written,
    /// The item does not have the revision of the condition any more.
    Stale,
}

impl Catalogue {
    /// Builds a client of this table.
    pub fn new(client: aws_sdk_dynamodb::Client, table: &str) -> Self {
        Catalogue {
            client,
            table: table.to_owned(),
        }
    }

    /// Reads a photo's item, strongly consistent. Returns `None` if there is none.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn item(&self, id: &PhotoId) -> Result<Option<PhotoItem>, CatalogueError> {
        self.get_item(&photo_pk(id)).await
    }

    /// Reads the ledger entry of an object, strongly consistent. Returns `None` if there is none.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn ledger_entry(
        &self,
        object: &ObjectRef,
    ) -> Result<Option<LedgerEntry>, CatalogueError> {
        self.get_item(&LedgerEntry::pk(object)).await
    }

    /// Claims a stem: puts a stub IF no item has this stem. A repeat is safe: a second claim by the
    /// same owner is [`Claim::Ours`] too.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn claim_stem(&self, stem: &str, owner: &str) -> Result<Claim, CatalogueError> {
        let stub = PhotoItem::stub(stem, owner);
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_attributes(&stub.pk, &stub)?))
            .condition_expression(NO_ITEM)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match request.send().await {
            Ok(_) => return Ok(Claim::Ours),
            Err(error) if is_failed_condition(&error) => error,
            Err(error) => return Err(request_error("claim", &stub.pk, error)),
        };
        let holder = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failure))
                if let Some(item) = failure.item() =>
            {
                let owner = item.get("owner").and_then(|owner| owner.as_s().ok());
                owner.cloned()
            }
            // Not every store returns the item with the refusal.
            _ => {
                let item = self.get_item::<PhotoItem>(&stub.pk).await?;
                item.map(|item| item.owner)
            }
        };
        Ok(if holder.as_deref() == Some(owner) {
            Claim::Ours
        } else {
            Claim::Taken
        })
    }

    /// Writes a photo's item IF the table still has the revision `read`, or no item if `read` is
    /// `None`. The item's own revision must be the next one.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put_item(
        &self,
        item: &PhotoItem,
        read: Option<u64>,
    ) -> Result<WriteOutcome, CatalogueError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_attributes(&item.pk, item)?));
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

    /// Writes a ledger entry. A repeat is safe.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put_ledger_entry(&self, entry: &LedgerEntry) -> Result<(), CatalogueError> {
        let request = self.client.put_item().table_name(&self.table);
        match request
            .set_item(Some(to_attributes(&entry.pk, entry)?))
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("put", &entry.pk, error)),
        }
    }

    /// Replaces a ledger entry IF the stored one describes the same version of the object.
    /// Otherwise it changes nothing. A repeat is safe.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn replace_ledger_entry(&self, entry: &LedgerEntry) -> Result<(), CatalogueError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_attributes(&entry.pk, entry)?))
            .condition_expression(SAME_VERSION)
            .expression_attribute_values(":etag", text(&entry.version.etag))
            .expression_attribute_values(":modified", text(&entry.version.last_modified));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("put", &entry.pk, error)),
        }
    }

    /// Deletes the ledger entry of an object IF it describes this version. Then ingest treats the
    /// version as new. A repeat is safe.
    ///
    /// # Errors
    /// See [`CatalogueError`].
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

    /// Returns the date partitions that may have photos: each year that had one at any time, and
    /// `undated`, each of them also as a private partition.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn date_partitions(&self) -> Result<BTreeSet<DatePartition>, CatalogueError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PK, text(YEARS));
        let response = request
            .send()
            .await
            .map_err(|error| request_error("get", YEARS, error))?;
        let partitions = response
            .item
            .as_ref()
            .and_then(|item| item.get(YEARS))
            .and_then(|partitions| partitions.as_ss().ok());
        let partitions = partitions.into_iter().flatten();
        partitions
            .map(|partition| {
                partition
                    .parse()
                    .map_err(|error: InvalidDatePartition| CatalogueError::Shape {
                        pk: YEARS.to_owned(),
                        cause: error.into(),
                    })
            })
            .collect()
    }

    /// Adds a date partition to [`Catalogue::date_partitions`]. A repeat is safe. Ingest calls this
    /// before it puts a photo into a new partition, so the set is always complete.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn ensure_date_partition(
        &self,
        partition: DatePartition,
    ) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, text(YEARS))
            .update_expression("ADD years :year")
            .expression_attribute_values(":year", AttributeValue::Ss(vec![partition.to_string()]));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("update", YEARS, error)),
        }
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

/// Returns `true` if the condition of a write did not hold.
fn is_failed_condition(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn to_attributes<T: serde::Serialize>(pk: &str, value: &T) -> Result<Attributes, CatalogueError> {
    serde_dynamo::to_item(value).map_err(|error| CatalogueError::Shape {
        pk: pk.to_owned(),
        cause: error.into(),
    })
}

/// Deserializes the attributes of an item.
pub(crate) fn from_attributes<T: serde::de::DeserializeOwned>(
    pk: &str,
    item: Attributes,
) -> Result<T, CatalogueError> {
    serde_dynamo::from_item(item).map_err(|error| CatalogueError::Shape {
        pk: pk.to_owned(),
        cause: error.into(),
    })
}

/// Builds the error of a refused request.
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
        None => RequestFailure::Interrupted(error.into()),
    };
    CatalogueError::Request {
        operation,
        pk: pk.to_owned(),
        cause,
    }
}
