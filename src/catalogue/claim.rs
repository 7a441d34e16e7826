//! Claims of stems: writes that record, before a copy is made, which file will use a stem.
//!
//! A claim is one conditional update. So two uploads of one shot can claim its stem at the same time,
//! and two uploads of different shots cannot.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use chrono::NaiveDateTime;
use photo_metadata::EXTRACTOR_VERSION;

use super::item::{PhotoItem, SCHEMA_VERSION, photo_pk};
use super::{
    Catalogue, CatalogueError, PK, from_attributes, is_failed_condition, request_error, text,
};
use crate::identity::{Evidence, NEAR_SECONDS};
use crate::photo_id::PhotoId;

/// The condition of a claim: there is no item, or the item is another format of the same shot.
/// `BETWEEN` compares texts, and the texts of times have the order of the times.
const FREE_OR_SAME_SHOT: &str = "attribute_not_exists(pk) OR (shotSecond BETWEEN :from AND :to \
     AND NOT contains(slots, :slot)";
/// The update of a claim.
const CLAIM: &str = "SET id = if_not_exists(id, :id), stem = if_not_exists(stem, :stem), \
     schemaVersion = if_not_exists(schemaVersion, :schema), \
     extractorVersion = if_not_exists(extractorVersion, :extractor), \
     revision = if_not_exists(revision, :none) + :one, \
     evidence = list_append(if_not_exists(evidence, :empty), :evidence), \
     slots = list_append(if_not_exists(slots, :empty), :slots)";

/// The result of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimOutcome {
    /// The evidence was added. The field is the item after the claim.
    Claimed(Box<PhotoItem>),
    /// Nothing was written, because the item may belong to another shot. The field is the item.
    Refused(Box<PhotoItem>),
}

impl Catalogue {
    /// Claims a stem for a file. Adds the evidence if the stem has no item, or if the item is the
    /// same shot in other formats only: the capture times are at most 2 s apart, neither model nor
    /// serial number contradicts, and the slot of the file is free. `held_for` is the stem of a hidden
    /// photo: if it is given, only a stem without an item can be claimed, and the new item is held.
    ///
    /// A repeat is safe: it is refused, and the returned item contains the evidence.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if the item cannot be read.
    pub async fn claim_stem(
        &self,
        stem: &str,
        evidence: &Evidence,
        held_for: Option<&str>,
    ) -> Result<ClaimOutcome, CatalogueError> {
        let pk = photo_pk(&PhotoId::from_stem(stem));
        let mut update = self.claim_request(stem, &pk, evidence)?;
        let mut condition = String::from("attribute_not_exists(pk)");
        let mut assignments = String::from(CLAIM);
        if let Some(held_for) = held_for {
            assignments.push_str(", heldFor = :held");
            update = update.expression_attribute_values(":held", text(held_for));
        } else if let Some(taken) = evidence.taken {
            condition = String::from(FREE_OR_SAME_SHOT);
            update = update
                .expression_attribute_values(":from", second_text(taken - NEAR_SECONDS))
                .expression_attribute_values(":to", second_text(taken + NEAR_SECONDS))
                .expression_attribute_values(":slot", text(evidence.slot.as_str()));
            for (name, known) in [
                ("shotModel", &evidence.model),
                ("shotSerial", &evidence.serial),
            ] {
                if known.is_some() {
                    condition.push_str(&format!(
                        " AND (attribute_not_exists({name}) OR {name} = :{name})"
                    ));
                }
            }
            condition.push(')');
        }
        let facts = [
            ("shotSecond", evidence.taken.map(second_text)),
            ("shotModel", evidence.model.as_deref().map(text)),
            ("shotSerial", evidence.serial.as_deref().map(text)),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                assignments.push_str(&format!(", {name} = if_not_exists({name}, :{name})"));
                update = update.expression_attribute_values(format!(":{name}"), value);
            }
        }
        let sent = update
            .update_expression(assignments)
            .condition_expression(condition)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(response) => Ok(ClaimOutcome::Claimed(Box::new(updated_item(
                &pk, response,
            )?))),
            Err(error) => match self.refused_item(&pk, "claim", error).await? {
                Some(item) => Ok(ClaimOutcome::Refused(Box::new(item))),
                // The condition holds if there is no item. So the store returned no item although
                // there was one, and items are never deleted.
                None => Err(CatalogueError::Shape {
                    pk,
                    cause: "the claim was refused, but there is no item".into(),
                }),
            },
        }
    }

    /// Adds a stem to the kin of an item, if there is such an item. Returns the item after that, or
    /// `None` if there is no such item. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if the item cannot be read.
    pub async fn add_kin(
        &self,
        id: &PhotoId,
        kin: &str,
    ) -> Result<Option<PhotoItem>, CatalogueError> {
        let pk = photo_pk(id);
        let kin = text(kin);
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, text(&pk))
            .update_expression(
                "SET kin = list_append(if_not_exists(kin, :empty), :list), revision = revision + :one",
            )
            .condition_expression("attribute_exists(pk) AND NOT contains(kin, :kin)")
            .expression_attribute_values(":empty", AttributeValue::L(vec![]))
            .expression_attribute_values(":list", AttributeValue::L(vec![kin.clone()]))
            .expression_attribute_values(":kin", kin)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(response) => Ok(Some(updated_item(&pk, response)?)),
            Err(error) => self.refused_item(&pk, "update", error).await,
        }
    }

    /// Builds the update of a claim, without its condition.
    fn claim_request(
        &self,
        stem: &str,
        pk: &str,
        evidence: &Evidence,
    ) -> Result<
        aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder,
        CatalogueError,
    > {
        let entry = serde_dynamo::to_attribute_value(evidence);
        let entry: AttributeValue = entry.map_err(|error| CatalogueError::Shape {
            pk: pk.to_owned(),
            cause: error.into(),
        })?;
        let number = |number: i64| AttributeValue::N(number.to_string());
        let slots = AttributeValue::L(vec![text(evidence.slot.as_str())]);
        Ok(self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, text(pk))
            .expression_attribute_values(":id", text(PhotoId::from_stem(stem).as_str()))
            .expression_attribute_values(":stem", text(stem))
            .expression_attribute_values(":schema", number(SCHEMA_VERSION.into()))
            .expression_attribute_values(":extractor", number(EXTRACTOR_VERSION.into()))
            .expression_attribute_values(":none", number(-1))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":empty", AttributeValue::L(vec![]))
            .expression_attribute_values(":evidence", AttributeValue::L(vec![entry]))
            .expression_attribute_values(":slots", slots))
    }

    /// Returns the item whose state was the reason that an update was refused. Reads the item if
    /// the store did not return it with the refusal. Returns `None` if there is no item.
    async fn refused_item(
        &self,
        pk: &str,
        operation: &'static str,
        error: SdkError<UpdateItemError, HttpResponse>,
    ) -> Result<Option<PhotoItem>, CatalogueError> {
        if !is_failed_condition(&error) {
            return Err(request_error(operation, pk, error));
        }
        let item = match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failure) => failure.item,
            _ => None,
        };
        match item {
            Some(item) => from_attributes(pk, item).map(Some),
            None => self.get_item(pk).await,
        }
    }
}

/// Reads the item in the response to an update.
fn updated_item(pk: &str, response: UpdateItemOutput) -> Result<PhotoItem, CatalogueError> {
    from_attributes(pk, response.attributes.unwrap_or_default())
}

/// Returns a time as the text that an item stores.
fn second_text(second: NaiveDateTime) -> AttributeValue {
    text(&second.format("%Y-%m-%dT%H:%M:%S").to_string())
}
