//! The operations of the DynamoDB API: JSON in, JSON out, without HTTP.

use dynoxide::{Database, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::DynamoDbEngine;
use super::unfinished_tables::create_table;

/// The prefixes of the header `X-Amz-Target`: of the tables, and of their streams.
const TARGET_PREFIXES: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

/// A response of the DynamoDB API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiResponse {
    /// The HTTP status: 200, or that of the error.
    pub(super) status: u16,
    /// The JSON of the result or of the error.
    pub(super) json: String,
}

impl DynamoDbEngine {
    /// Runs an operation. `target` is the value of the header `X-Amz-Target`, such as
    /// `DynamoDB_20120810.GetItem`. `body` is the JSON of the request. Blocks the thread while the
    /// database works.
    pub(super) fn run_operation(&self, target: &str, body: &[u8]) -> ApiResponse {
        let operation = TARGET_PREFIXES
            .iter()
            .find_map(|prefix| target.strip_prefix(prefix));
        let call = OperationCall {
            database: &self.database,
            body,
        };
        let result = match operation {
            Some("BatchGetItem") => call.run(Database::batch_get_item),
            Some("BatchWriteItem") => call.run(Database::batch_write_item),
            Some("CreateTable") => call.run(|database, request| match &self.file {
                Some(file) => create_table(database, file, request),
                None => database.create_table(request),
            }),
            Some("DeleteItem") => call.run(Database::delete_item),
            Some("DeleteTable") => call.run(Database::delete_table),
            Some("DescribeStream") => call.run(Database::describe_stream),
            Some("DescribeTable") => call.run(Database::describe_table),
            Some("DescribeTimeToLive") => call.run(Database::describe_time_to_live),
            Some("GetItem") => call.run(Database::get_item),
            Some("GetRecords") => call.run(Database::get_records),
            Some("GetShardIterator") => call.run(Database::get_shard_iterator),
            Some("ListStreams") => call.run(Database::list_streams),
            Some("ListTables") => call.run(Database::list_tables),
            Some("PutItem") => call.run(Database::put_item),
            Some("Query") => call.run(Database::query),
            Some("Scan") => call.run(Database::scan),
            Some("TransactGetItems") => call.run(Database::transact_get_items),
            Some("TransactWriteItems") => call.run(Database::transact_write_items),
            Some("UpdateItem") => call.run(Database::update_item),
            Some("UpdateTable") => call.run(Database::update_table),
            Some("UpdateTimeToLive") => call.run(Database::update_time_to_live),
            _ => {
                let error = "com.amazon.coral.service#UnknownOperationException";
                return ApiResponse {
                    status: 400,
                    json: serde_json::json!({ "__type": error }).to_string(),
                };
            }
        };
        result.unwrap_or_else(|error| ApiResponse {
            status: error.status_code(),
            json: error.to_json(),
        })
    }
}

/// The database and the request of one call.
struct OperationCall<'a> {
    database: &'a Database,
    body: &'a [u8],
}

impl OperationCall<'_> {
    fn run<I: DeserializeOwned, O: Serialize>(
        &self,
        operation: impl FnOnce(&Database, I) -> Result<O>,
    ) -> Result<ApiResponse> {
        let malformed = |error: serde_json::Error| {
            dynoxide::DynoxideError::SerializationException(error.to_string())
        };
        let input = serde_json::from_slice(self.body).map_err(malformed)?;
        let output = operation(self.database, input)?;
        Ok(ApiResponse {
            status: 200,
            json: serde_json::to_string(&output).map_err(malformed)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(engine: &DynamoDbEngine, operation: &str, body: &str) -> ApiResponse {
        engine.run_operation(&format!("DynamoDB_20120810.{operation}"), body.as_bytes())
    }

    #[test]
    fn results_and_errors_have_the_shape_of_the_api() {
        let engine = DynamoDbEngine::open_in_memory().expect("a database");
        let table = r#"{"TableName":"photos","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}"#;
        let created = run(&engine, "CreateTable", table);
        assert_eq!(created.status, 200, "{}", created.json);
        let put = r#"{"TableName":"photos","Item":{"pk":{"S":"a"}},"ConditionExpression":"attribute_not_exists(pk)"}"#;
        assert_eq!(run(&engine, "PutItem", put).json, "{}");
        let refused = run(&engine, "PutItem", put);
        assert_eq!(refused.status, 400);
        assert!(
            refused.json.contains("ConditionalCheckFailedException"),
            "{refused:?}"
        );
        let get = run(
            &engine,
            "GetItem",
            r#"{"TableName":"photos","Key":{"pk":{"S":"a"}}}"#,
        );
        assert_eq!(get.json, r#"{"Item":{"pk":{"S":"a"}}}"#);
    }

    #[test]
    fn malformed_requests_are_refused() {
        let engine = DynamoDbEngine::open_in_memory().expect("a database");
        for (target, body) in [
            ("DynamoDB_20120810.GetItem", "not json"),
            ("DynamoDB_20120810.GetItem", ""),
            ("DynamoDB_20120810.Nothing", "{}"),
            ("GetItem", "{}"),
            ("", ""),
        ] {
            let response = engine.run_operation(target, body.as_bytes());
            assert_eq!(response.status, 400, "{target}");
            assert!(response.json.contains("__type"), "{response:?}");
        }
    }
}
