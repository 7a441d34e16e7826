//! Creates the tables that schema/tables.json describes. The embedded engine and Terraform use the
//! same file.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use serde::Deserialize;

use super::published::PublishTable;
use super::{Catalogue, CatalogueError, request_error};

const TABLES: &str = include_str!("../../schema/tables.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TableSchema {
    partition_key: String,
    sort_key: Option<String>,
    stream: Option<String>,
    indexes: Vec<IndexSchema>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexSchema {
    name: String,
    partition_key: String,
    sort_key: String,
    project: Vec<String>,
}

impl Catalogue {
    /// Creates the photos table with its indexes and its stream, if it does not exist. A repeat is
    /// safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the store refuses the request for another reason than that
    /// the table exists.
    pub async fn create_table(&self) -> Result<(), CatalogueError> {
        create_from_schema(&self.client, "photos", &self.table).await
    }
}

impl PublishTable {
    /// Creates the publish table, if it does not exist. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the store refuses the request for another reason than that
    /// the table exists.
    pub async fn create_table(&self) -> Result<(), CatalogueError> {
        create_from_schema(&self.client, "publish", &self.table).await
    }
}

/// Creates a table with this name. `role` is its key in schema/tables.json: `photos` or `publish`.
async fn create_from_schema(
    client: &aws_sdk_dynamodb::Client,
    role: &str,
    name: &str,
) -> Result<(), CatalogueError> {
    let shape = |cause: Box<dyn Error + Send + Sync>| CatalogueError::Shape {
        pk: "schema/tables.json".to_owned(),
        cause,
    };
    let mut tables: BTreeMap<String, TableSchema> =
        serde_json::from_str(TABLES).map_err(|error| shape(error.into()))?;
    let table = tables
        .remove(role)
        .ok_or_else(|| shape(format!("no table \"{role}\"").into()))?;
    let built = |error: aws_sdk_dynamodb::error::BuildError| shape(error.into());

    let mut names = BTreeSet::from([table.partition_key.as_str()]);
    names.extend(table.sort_key.as_deref());
    let mut indexes = Vec::new();
    for index in &table.indexes {
        names.extend([index.partition_key.as_str(), index.sort_key.as_str()]);
        let projection = Projection::builder()
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(index.project.clone()))
            .build();
        indexes.push(
            GlobalSecondaryIndex::builder()
                .index_name(&index.name)
                .key_schema(key_element(&index.partition_key, KeyType::Hash).map_err(built)?)
                .key_schema(key_element(&index.sort_key, KeyType::Range).map_err(built)?)
                .projection(projection)
                .build()
                .map_err(built)?,
        );
    }
    let attributes = names.into_iter().map(|name| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
    });
    let stream = table.stream.as_deref().map(|view| {
        StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::from(view))
            .build()
    });
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key_element(&table.partition_key, KeyType::Hash).map_err(built)?)
        .set_attribute_definitions(Some(attributes.collect::<Result<_, _>>().map_err(built)?))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .set_stream_specification(stream.transpose().map_err(built)?);
    if let Some(sort_key) = &table.sort_key {
        request = request.key_schema(key_element(sort_key, KeyType::Range).map_err(built)?);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("ResourceInUseException") => Ok(()),
        Err(error) => Err(request_error("create table", name, error)),
    }
}

fn key_element(
    name: &str,
    kind: KeyType,
) -> Result<KeySchemaElement, aws_sdk_dynamodb::error::BuildError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
}

#[cfg(test)]
mod tests {
    use super::super::item_size::{KeyAttributes, PHOTOS_KEYS, PUBLISH_KEYS};
    use super::*;

    #[test]
    fn key_attributes_are_those_of_the_tables() {
        let tables: BTreeMap<String, TableSchema> = serde_json::from_str(TABLES).expect("JSON");
        let check = |role: &str, keys: KeyAttributes| {
            let table = &tables[role];
            let indexes = table.indexes.iter();
            let partition: BTreeSet<&str> = std::iter::once(table.partition_key.as_str())
                .chain(indexes.clone().map(|index| index.partition_key.as_str()))
                .collect();
            let sort: BTreeSet<&str> = table
                .sort_key
                .as_deref()
                .into_iter()
                .chain(indexes.map(|index| index.sort_key.as_str()))
                .collect();
            assert_eq!(partition, keys.partition.iter().copied().collect());
            assert_eq!(sort, keys.sort.iter().copied().collect());
        };
        check("photos", PHOTOS_KEYS);
        check("publish", PUBLISH_KEYS);
    }
}
