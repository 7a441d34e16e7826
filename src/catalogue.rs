//! The catalogue: photo items and ledger items in one DynamoDB table, and what is published of them in another.
//!
//! Claims and writes are conditional puts and every read that a decision rests on is strongly consistent. Knows no HTTP
//! server, no Lambda, and neither ingest, publish nor gallery.

pub mod batch;
pub mod item;
pub mod ledger;
pub mod published;
pub mod query;
mod schema;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::photo_id::PhotoId;
use crate::telemetry::error_chain;
use item::{LedgerEntry, ObjectVersion, PhotoItem, photo_pk};

/// The item that names the years that hold photos.
const YEARS: &str = "years";
/// The condition of a write over a ledger entry.
const OF_THESE_BYTES: &str = "etag = :etag AND lastModified = :modified";

/// The table's client.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
}

/// A request that the table refused or that did not get through. Safe to try again.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// DynamoDB's own refusal, or no answer.
    #[error("{operation} {pk}: {cause}")]
    Request {
        /// What was asked.
        operation: &'static str,
        /// Of which item or partition.
        pk: String,
        /// Why not.
        cause: String,
    },
    /// An item that is not of this program's shape.
    #[error("item {pk} cannot be read: {cause}")]
    Shape {
        /// Which.
        pk: String,
        /// Why.
        cause: String,
    },
}

/// How a claim ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The stem is this owner's: by this claim or an earlier one.
    Ours,
    /// Another owner has it.
    Taken,
}

/// How a conditional write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is written.
    Written,
    /// The item is no longer at the revision of the condition.
    Stale,
}

impl Catalogue {
    /// The catalogue in this table.
    pub fn new(client: aws_sdk_dynamodb::Client, table: &str) -> Self {
        Catalogue {
            client,
            table: table.to_owned(),
        }
    }

    /// A photo's item, by a strongly consistent read.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn item(&self, id: &PhotoId) -> Result<Option<PhotoItem>, CatalogueError> {
        self.get(&photo_pk(id)).await
    }

    /// The ledger's entry of a key, by a strongly consistent read.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn ledger(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<LedgerEntry>, CatalogueError> {
        self.get(&LedgerEntry::pk(bucket, key)).await
    }

    /// Claims a stem: puts a stub IF no item has that stem. Safe to repeat: a second claim by the same owner is
    /// [`Claim::Ours`] too.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn claim(&self, stem: &str, owner: &str) -> Result<Claim, CatalogueError> {
        let stub = PhotoItem::stub(stem, owner);
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes(&stub.pk, &stub)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let holder = match request.send().await {
            Ok(_) => return Ok(Claim::Ours),
            Err(error) => match holder_of_failed_condition(&error) {
                None => return Err(failed("claim", &stub.pk, &error)),
                // Not every store returns the item with the refusal.
                Some(None) => self
                    .get::<PhotoItem>(&stub.pk)
                    .await?
                    .map(|item| item.owner),
                Some(Some(item)) => item
                    .get("owner")
                    .and_then(|owner| owner.as_s().ok())
                    .cloned(),
            },
        };
        Ok(if holder.as_deref() == Some(owner) {
            Claim::Ours
        } else {
            Claim::Taken
        })
    }

    /// Writes a photo's item, one revision on from the one that was read, IF the table still holds that one: revision
    /// `read`, or no item where `read` is `None`.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put(
        &self,
        item: &PhotoItem,
        read: Option<u64>,
    ) -> Result<WriteOutcome, CatalogueError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes(&item.pk, item)?));
        let request = match read {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(revision) => request
                .condition_expression("revision = :read")
                .expression_attribute_values(":read", AttributeValue::N(revision.to_string())),
        };
        match request.send().await {
            Ok(_) => Ok(WriteOutcome::Written),
            Err(error) if holder_of_failed_condition(&error).is_some() => Ok(WriteOutcome::Stale),
            Err(error) => Err(failed("put", &item.pk, &error)),
        }
    }

    /// Writes a ledger entry. Safe to repeat.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put_ledger(&self, entry: &LedgerEntry) -> Result<(), CatalogueError> {
        let request = self.client.put_item().table_name(&self.table);
        match request
            .set_item(Some(attributes(&entry.pk, entry)?))
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("put", &entry.pk, &error)),
        }
    }

    /// Puts a ledger entry over one that speaks of the same bytes; where that is no longer so, nothing. Safe to repeat.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn amend_ledger(&self, entry: &LedgerEntry) -> Result<(), CatalogueError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes(&entry.pk, entry)?))
            .condition_expression(OF_THESE_BYTES)
            .expression_attribute_values(":etag", text(&entry.version.etag))
            .expression_attribute_values(":modified", text(&entry.version.last_modified));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("put", &entry.pk, &error)),
        }
    }

    /// Takes a key's ledger entry out IF it still speaks of these bytes: they are new again. Safe to repeat.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn forget(
        &self,
        bucket: &str,
        key: &str,
        bytes: &ObjectVersion,
    ) -> Result<(), CatalogueError> {
        let pk = LedgerEntry::pk(bucket, key);
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(&pk))
            .condition_expression(OF_THESE_BYTES)
            .expression_attribute_values(":etag", text(&bytes.etag))
            .expression_attribute_values(":modified", text(&bytes.last_modified));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("delete", &pk, &error)),
        }
    }

    /// The date partitions that may hold photos: every year that ever held one, and `undated`.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn date_partitions(&self) -> Result<BTreeSet<String>, CatalogueError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(YEARS.to_owned()));
        let answer = request
            .send()
            .await
            .map_err(|error| failed("get", YEARS, &error))?;
        let years = answer
            .item
            .as_ref()
            .and_then(|item| item.get(YEARS))
            .and_then(|years| years.as_ss().ok());
        Ok(years
            .map(|years| years.iter().cloned().collect())
            .unwrap_or_default())
    }

    /// Adds a date partition to [`Catalogue::years`]. Safe to repeat; done before a photo is put into a new partition,
    /// so that the set is never short of one.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn ensure_date_partition(&self, year: &str) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(YEARS.to_owned()))
            .update_expression("ADD years :year")
            .expression_attribute_values(":year", AttributeValue::Ss(vec![year.to_owned()]));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("update", YEARS, &error)),
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        pk: &str,
    ) -> Result<Option<T>, CatalogueError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .consistent_read(true);
        let answer = request
            .send()
            .await
            .map_err(|error| failed("get", pk, &error))?;
        answer
            .item
            .map(|item| from_attributes(pk, item))
            .transpose()
    }
}

/// `None`: another failure. `Some`: the condition failed, with the item that is there where the store returns it.
fn holder_of_failed_condition(
    error: &SdkError<PutItemError, HttpResponse>,
) -> Option<Option<&HashMap<String, AttributeValue>>> {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failure)) => Some(failure.item()),
        _ => None,
    }
}

fn attributes<T: serde::Serialize>(
    pk: &str,
    value: &T,
) -> Result<HashMap<String, AttributeValue>, CatalogueError> {
    serde_dynamo::to_item(value).map_err(|error| CatalogueError::Shape {
        pk: pk.to_owned(),
        cause: error.to_string(),
    })
}

/// An item's attributes as the value that they hold.
pub(crate) fn from_attributes<T: serde::de::DeserializeOwned>(
    pk: &str,
    item: HashMap<String, AttributeValue>,
) -> Result<T, CatalogueError> {
    serde_dynamo::from_item(item).map_err(|error| CatalogueError::Shape {
        pk: pk.to_owned(),
        cause: error.to_string(),
    })
}

/// The error of a refused request, with what was asked for.
pub(crate) fn failed<E>(
    operation: &'static str,
    pk: &str,
    error: &SdkError<E, HttpResponse>,
) -> CatalogueError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let cause = match error.code() {
        Some(code) => format!("{code}: {}", error.message().unwrap_or("no message")),
        None => error_chain(error),
    };
    CatalogueError::Request {
        operation,
        pk: pk.to_owned(),
        cause,
    }
}
