//! Stand-in until the real one is merged.
pub mod item;
pub mod query;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::photo::PhotoId;
use item::Item;

/// The catalogue.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
}

/// An error.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A request failed.
    #[error("{operation} failed")]
    Request {
        /// Operation.
        operation: &'static str,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item cannot be read.
    #[error("decode")]
    Decode(#[source] Box<serde_dynamo::Error>),
}

impl Catalogue {
    /// New.
    pub fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Catalogue { client, table }
    }

    /// Item.
    pub async fn item(&self, id: &PhotoId) -> Result<Option<Item>, CatalogueError> {
        let pk = AttributeValue::S(item::photo_pk(id));
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", pk)
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| CatalogueError::Request { operation: "GetItem", source: e.into() })?;
        output
            .item
            .map(|item| serde_dynamo::from_item(item).map_err(|e| CatalogueError::Decode(Box::new(e))))
            .transpose()
    }

    /// Years.
    pub async fn years(&self) -> Result<BTreeSet<String>, CatalogueError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S("years".into()))
            .send()
            .await
            .map_err(|e| CatalogueError::Request { operation: "GetItem", source: e.into() })?;
        let item: HashMap<_, _> = output.item.unwrap_or_default();
        match item.get("years") {
            Some(AttributeValue::Ss(years)) => Ok(years.iter().cloned().collect()),
            _ => Ok(BTreeSet::new()),
        }
    }
}
