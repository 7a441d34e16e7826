//! Reads the stream of the photos table, which is the log of its changes, from the embedded
//! DynamoDB engine. Passes the records of the stream to publish. On AWS, Lambda does this.

use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, ShardIteratorType};
use chrono::Utc;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::picture_worker::PictureQueue;
use super::shutdown::ServiceTasks;
use crate::catalogue::Catalogue;
use crate::catalogue::published::{PublishTable, StreamPosition};
use crate::clients::Endpoints;
use crate::config::{self, SettingsError};
use crate::publish;
use crate::services::Services;
use crate::telemetry::error_chain;
use dynamodb_engine::DynamoDbEngine;

/// The pause before the next request, if a request returned no stream records.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause after an error, before the stream is opened again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// The maximum number of stream records in the response to one request.
const MAX_RECORDS: i32 = 100;

/// A task that reads the stream of the photos table. It marks the months of the changed photos as
/// dirty, and queues the photos whose pictures need work.
pub(super) struct StreamPoller {
    client: Client,
    engine: DynamoDbEngine,
    table: String,
    catalogue: Catalogue,
    published: PublishTable,
    /// The queue of photos whose pictures need work.
    pictures: PictureQueue,
    /// The number of times that the stream was read to its end.
    ends: watch::Sender<u64>,
}

/// Waits until a [`StreamPoller`] has read the stream to its end.
pub(super) struct StreamEnd(watch::Receiver<u64>);

impl StreamEnd {
    /// Waits until all changes that were made before this call are processed. Returns at once if the
    /// poller has stopped.
    pub(super) async fn wait(&self) {
        let mut ends = self.0.clone();
        let before = *ends.borrow_and_update();
        // A read that is running now may have begun before the last change.
        let _ = ends.wait_for(|ends| *ends >= before + 2).await;
    }
}

impl StreamPoller {
    /// Creates a poller for the stream of the photos table. `engine` is the embedded DynamoDB that
    /// has the table, and `endpoints` has the URL with which the client of `sdk` reaches it.
    ///
    /// # Errors
    /// Fails if the name of a table is not set.
    pub(super) fn new(
        sdk: &SdkConfig,
        endpoints: &Endpoints,
        engine: DynamoDbEngine,
        services: &Services,
        pictures: PictureQueue,
    ) -> Result<Self, SettingsError> {
        let mut client = aws_sdk_dynamodbstreams::config::Builder::from(sdk);
        client.set_endpoint_url(endpoints.dynamodb.clone());
        Ok(StreamPoller {
            client: Client::from_conf(client.build()),
            engine,
            table: services.settings().require(config::TABLE)?.to_owned(),
            catalogue: services.catalogue.clone(),
            published: services.published()?,
            pictures,
            ends: watch::Sender::default(),
        })
    }

    /// Returns a value with which a task can wait for the end of the stream.
    pub(super) fn end(&self) -> StreamEnd {
        StreamEnd(self.ends.subscribe())
    }

    /// Starts a task that reads the stream until `tasks` are stopped.
    pub(super) fn start(self, tasks: &ServiceTasks) {
        tasks.spawn("publish", |shutdown| async move {
            self.run(shutdown).await;
            Ok(())
        });
    }

    /// Reads the stream until `shutdown` is cancelled. A stream record that was not processed
    /// before the shutdown is read again after the next start.
    async fn run(self, shutdown: CancellationToken) {
        let poll = async {
            loop {
                let Err(error) = self.poll_shard().await;
                let error = error_chain(error.as_ref());
                tracing::warn!(error, "cannot read the table's stream; trying again");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        };
        shutdown.run_until_cancelled(poll).await;
    }

    /// Reads the stream until an error occurs, beginning after the last processed record. The
    /// stream has one shard (section), which never ends.
    async fn poll_shard(&self) -> anyhow::Result<std::convert::Infallible> {
        let (stream, shard) = self.find_shard().await?;
        let mut iterator = self.open_iterator(&stream, &shard).await?;
        loop {
            let at = iterator.take().context("the stream has ended")?;
            let request = self
                .client
                .get_records()
                .shard_iterator(at)
                .limit(MAX_RECORDS);
            let read = request.send().await?;
            iterator = read.next_shard_iterator;
            let records = read.records.unwrap_or_default();
            let last = records
                .last()
                .and_then(|record| record.dynamodb.as_ref()?.sequence_number.clone());
            let Some(sequence) = last else {
                self.ends.send_modify(|ends| *ends += 1);
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let records: Vec<Value> = records.iter().map(lambda_record).collect();
            publish::mark_changed_months(&self.published, &records, Utc::now()).await?;
            self.pictures.add_records(&records).await?;
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

    /// Returns an iterator that begins after the last processed stream record of the shard. If no
    /// position is stored, the iterator begins with the first record of the stream. In this case,
    /// also marks all months as dirty and queues all photos whose pictures need work, because the stream
    /// does not contain the changes before its first record.
    async fn open_iterator(&self, stream: &str, shard: &str) -> anyhow::Result<Option<String>> {
        let position = self.published.state().await?.stream;
        let position = position.filter(|at| at.stream == stream && at.shard == shard);
        let request = self.client.get_shard_iterator();
        let request = request.stream_arn(stream).shard_id(shard);
        let request = match &position {
            Some(position) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(&position.sequence),
            None => {
                publish::mark_all_months(&self.catalogue, &self.published, Utc::now()).await?;
                self.pictures.add_due(&self.catalogue).await?;
                request.shard_iterator_type(ShardIteratorType::TrimHorizon)
            }
        };
        Ok(request.send().await?.shard_iterator)
    }

    async fn find_shard(&self) -> anyhow::Result<(String, String)> {
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

/// Returns a stream record as JSON, in the form in which a Lambda function receives it. The JSON
/// has only the fields that publish reads.
fn lambda_record(record: &Record) -> Value {
    let mut dynamodb = Map::new();
    if let Some(data) = &record.dynamodb {
        for (name, image) in [("OldImage", &data.old_image), ("NewImage", &data.new_image)] {
            if let Some(image) = image {
                let attributes = image
                    .iter()
                    .map(|(name, value)| (name.clone(), attribute_json(value)));
                dynamodb.insert(name.to_owned(), Value::Object(attributes.collect()));
            }
        }
    }
    json!({ "eventSource": "aws:dynamodb", "dynamodb": dynamodb })
}

/// Returns an attribute value in DynamoDB's JSON form, such as `{"S":"text"}`.
fn attribute_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(truth) => json!({ "BOOL": truth }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::B(bytes) => json!({ "B": BASE64.encode(bytes.as_ref()) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::L(values) => {
            json!({ "L": values.iter().map(attribute_json).collect::<Vec<_>>() })
        }
        AttributeValue::M(map) => {
            let fields = map
                .iter()
                .map(|(name, value)| (name.clone(), attribute_json(value)));
            json!({ "M": fields.collect::<Map<_, _>>() })
        }
        _ => Value::Null,
    }
}
