//! Follows the photos table's stream and hands its records to publish, as Lambda does where the table is DynamoDB's.

use std::time::Duration;

use anyhow::Context;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, ShardIteratorType};
use chrono::Utc;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use crate::catalogue::Catalogue;
use crate::catalogue::published::{PublishTable, StreamPosition};
use crate::dynamodb_engine::DynamoDbEngine;
use crate::publish;

/// How often it looks for new records.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it waits after something failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Records of one request.
const BATCH: i32 = 100;

/// A client of the embedded engine's streams.
pub(super) fn client(sdk: &aws_config::SdkConfig, dynamodb: &str) -> Client {
    let config = aws_sdk_dynamodbstreams::config::Builder::from(sdk);
    Client::from_conf(config.endpoint_url(dynamodb).build())
}

/// The stream of one table, and who is told of it.
pub(super) struct Follower {
    pub(super) client: Client,
    pub(super) engine: DynamoDbEngine,
    pub(super) table: String,
    pub(super) catalogue: Catalogue,
    pub(super) published: PublishTable,
}

impl Follower {
    /// Follows it until it is told to stop. What was read and not marked is read again at the next start.
    pub(super) async fn run(self, stopped: impl Future<Output = ()>) {
        let following = async {
            loop {
                let Err(error) = self.follow().await;
                tracing::warn!(error = format!("{error:#}"), "the stream is read again");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        };
        tokio::select! {
            () = stopped => {}
            () = following => {}
        }
    }

    /// The embedded engine's stream has one shard, which never ends.
    async fn follow(&self) -> anyhow::Result<std::convert::Infallible> {
        let (stream, shard) = self.shard().await?;
        let position = self.published.state().await?.stream;
        let position = position.filter(|at| at.stream == stream && at.shard == shard);
        let request = self
            .client
            .get_shard_iterator()
            .stream_arn(&stream)
            .shard_id(&shard);
        let request = match &position {
            Some(position) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(&position.sequence),
            None => {
                // Of what was catalogued before the stream was first followed, nothing else tells.
                publish::mark_all_months(&self.catalogue, &self.published, Utc::now()).await?;
                request.shard_iterator_type(ShardIteratorType::TrimHorizon)
            }
        };
        let mut iterator = request.send().await?.shard_iterator;
        loop {
            let at = iterator.take().context("the stream has ended")?;
            let read = self
                .client
                .get_records()
                .shard_iterator(at)
                .limit(BATCH)
                .send()
                .await?;
            iterator = read.next_shard_iterator;
            let records = read.records.unwrap_or_default();
            let last = records
                .last()
                .and_then(|record| record.dynamodb.as_ref()?.sequence_number.clone());
            let Some(sequence) = last else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let records: Vec<Value> = records.iter().map(as_lambda_has_it).collect();
            publish::mark_changed_months(&self.published, &records, Utc::now()).await?;
            let position = StreamPosition {
                stream: stream.clone(),
                shard: shard.clone(),
                sequence,
            };
            self.published.put_stream(&position).await?;
            let (engine, table) = (self.engine.clone(), self.table.clone());
            tokio::task::spawn_blocking(move || engine.trim_stream(&table, &position.sequence))
                .await??;
        }
    }

    async fn shard(&self) -> anyhow::Result<(String, String)> {
        let streams = self
            .client
            .list_streams()
            .table_name(&self.table)
            .send()
            .await?;
        let stream = streams
            .streams()
            .first()
            .and_then(|stream| stream.stream_arn());
        let stream = stream.context("the table has no stream")?.to_owned();
        let described = self
            .client
            .describe_stream()
            .stream_arn(&stream)
            .send()
            .await?;
        let shards = described
            .stream_description
            .and_then(|stream| stream.shards);
        let shard = shards
            .and_then(|shards| shards.into_iter().next()?.shard_id)
            .context("the stream has no shard")?;
        Ok((stream, shard))
    }
}

/// A record in the form that Lambda gets, as far as publish looks at it.
fn as_lambda_has_it(record: &Record) -> Value {
    let mut dynamodb = Map::new();
    if let Some(data) = &record.dynamodb {
        for (name, image) in [("OldImage", &data.old_image), ("NewImage", &data.new_image)] {
            if let Some(image) = image {
                let attributes = image
                    .iter()
                    .map(|(name, value)| (name.clone(), attribute(value)));
                dynamodb.insert(name.to_owned(), Value::Object(attributes.collect()));
            }
        }
    }
    json!({ "eventSource": "aws:dynamodb", "dynamodb": dynamodb })
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(truth) => json!({ "BOOL": truth }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::B(bytes) => json!({ "B": BASE64.encode(bytes.as_ref()) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::L(values) => {
            json!({ "L": values.iter().map(attribute).collect::<Vec<_>>() })
        }
        AttributeValue::M(map) => {
            let fields = map
                .iter()
                .map(|(name, value)| (name.clone(), attribute(value)));
            json!({ "M": fields.collect::<Map<_, _>>() })
        }
        _ => Value::Null,
    }
}
