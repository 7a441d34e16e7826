//! Delivers notifications in batches, in the form in which a Lambda function receives them from
//! SQS.
//!
//! A record is a notification in the outbox, the table of notifications that are not delivered yet.
//! A record stays in the outbox until it is acknowledged, or until it becomes a dead letter after
//! too many attempts. A dead letter is sent again only at the next start and after a long pause
//! ([`crate::dead_letters`]). This module does not read the content of a record.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use md5::{Digest, Md5};
use rusqlite::{Connection, Row as SqlRow, params};
use s3s::S3Result;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::database::Durability;
use crate::dead_letters;
use crate::errors::database_error;
use crate::store::S3Store;
use crate::times::now_ms;

/// The maximum number of notifications in one batch. This is the default of Lambda for SQS.
const MAX_BATCH_RECORDS: usize = 10;

/// The number of failed attempts after which a notification becomes a dead letter.
const MAX_ATTEMPTS: i64 = 20;

/// The pause after the first failed attempt, in milliseconds. It doubles after each further failed
/// attempt.
const FIRST_PAUSE_MS: i64 = 500;

/// The maximum pause between two attempts, in milliseconds.
const MAX_PAUSE_MS: i64 = 60_000;

/// The pause after an operation on the database failed.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// The pause between two attempts to deliver a dead letter.
const DEAD_LETTER_PAUSE: Duration = Duration::from_secs(3600);

/// The maximum pause while no notification waits for delivery. A new notification ends the pause.
const IDLE_PAUSE: Duration = Duration::from_secs(3600);

impl S3Store {
    /// Delivers notifications until `shutdown` is ready. Then waits until the running batches are
    /// done.
    ///
    /// Up to 10 notifications at a time become one Lambda event in the form of SQS.
    /// `Records[].body` of the event is the S3 notification. At most `concurrency` batches run at a
    /// time.
    ///
    /// `handler` returns Lambda's partial batch response,
    /// `{"batchItemFailures":[{"itemIdentifier":messageId}]}`. It lists the notifications that
    /// failed. They are sent again after a growing pause. If the handler fails or panics, the whole
    /// batch is sent again. After 20 attempts a notification becomes a dead letter. Each dead
    /// letter is sent once more when this function starts, and then once every hour.
    ///
    /// A notification stays stored until `handler` has processed it, so it may be sent twice, for
    /// example after a crash.
    ///
    /// ```
    /// use s3_folder::S3Store;
    /// use serde_json::{Value, json};
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// let data = tempfile::tempdir().unwrap();
    /// let store = S3Store::open(data.path()).unwrap();
    /// let handler = |event: Value| async move {
    ///     for record in event["Records"].as_array().into_iter().flatten() {
    ///         println!("{}", record["body"]);
    ///     }
    ///     Ok(json!({ "batchItemFailures": [] }))
    /// };
    /// // Here it ends at once. A server passes a future that waits for a signal.
    /// store.deliver_notifications(2, handler, async {}).await;
    /// # }
    /// ```
    pub async fn deliver_notifications<H, F>(
        &self,
        concurrency: usize,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) where
        H: Fn(Value) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut running: JoinSet<Vec<i64>> = JoinSet::new();
        let mut in_delivery: HashSet<i64> = HashSet::new();
        let mut next_revival = Instant::now();
        loop {
            if next_revival <= Instant::now() {
                revive_dead_letters(self).await;
                next_revival = Instant::now() + DEAD_LETTER_PAUSE;
            }
            let mut pause = IDLE_PAUSE;
            while running.len() < concurrency.max(1) {
                match next_step(self, &in_delivery).await {
                    DeliveryStep::Deliver(batch) => {
                        in_delivery.extend(batch.iter().map(|record| record.id));
                        running.spawn(deliver_batch(self.clone(), batch, handler.clone()));
                    }
                    DeliveryStep::Wait(wait) => {
                        pause = wait;
                        break;
                    }
                }
            }
            tokio::select! {
                () = &mut shutdown => break,
                () = self.context().delivery.notified() => {}
                Some(done) = running.join_next() => {
                    for id in done.unwrap_or_default() {
                        in_delivery.remove(&id);
                    }
                }
                () = tokio::time::sleep(pause) => {}
                () = tokio::time::sleep_until(next_revival) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }
}

/// The next step of the delivery: deliver these records, or wait for this time.
enum DeliveryStep {
    Deliver(Vec<OutboxRecord>),
    Wait(Duration),
}

async fn next_step(store: &S3Store, in_delivery: &HashSet<i64>) -> DeliveryStep {
    match load_due_records(store, in_delivery).await {
        Ok(due) if !due.batch.is_empty() => DeliveryStep::Deliver(due.batch),
        Ok(due) => DeliveryStep::Wait(due.next_due_ms.map_or(IDLE_PAUSE, |due_ms| {
            let ms = (due_ms - now_ms()).clamp(1, MAX_PAUSE_MS);
            Duration::from_millis(ms.cast_unsigned())
        })),
        Err(error) => {
            tracing::error!(%error, "s3 notifications: cannot read the outbox");
            DeliveryStep::Wait(DATABASE_PAUSE)
        }
    }
}

/// A record in the outbox: one notification that is not delivered yet.
struct OutboxRecord {
    id: i64,
    /// The S3 notification, as JSON.
    body: String,
    /// The time at which the record was inserted, in milliseconds since 1970.
    created_ms: i64,
    /// The number of attempts that failed.
    attempts: i64,
    /// The earliest time of the next attempt, in milliseconds since 1970.
    due_ms: i64,
}

impl OutboxRecord {
    fn from_row(row: &SqlRow<'_>) -> rusqlite::Result<OutboxRecord> {
        Ok(OutboxRecord {
            id: row.get(0)?,
            body: row.get(1)?,
            created_ms: row.get(2)?,
            attempts: row.get(3)?,
            due_ms: row.get(4)?,
        })
    }

    fn message_id(&self) -> String {
        format!("{:016x}", self.id)
    }
}

/// The stored notifications that must be sent now, and the time at which the next one must be sent.
#[derive(Default)]
struct DueRecords {
    batch: Vec<OutboxRecord>,
    /// The time at which the next record is due, in milliseconds since 1970. `None` if no other
    /// record waits.
    next_due_ms: Option<i64>,
}

async fn load_due_records(store: &S3Store, in_delivery: &HashSet<i64>) -> S3Result<DueRecords> {
    let in_delivery = in_delivery.clone();
    store
        .query_database(move |connection| query_due_records(connection, &in_delivery))
        .await
}

fn query_due_records(
    connection: &Connection,
    in_delivery: &HashSet<i64>,
) -> rusqlite::Result<DueRecords> {
    let now = now_ms();
    // No pause is this long. A record that is due later was written before the clock was set back,
    // so it is delivered now.
    let latest = now + 2 * MAX_PAUSE_MS;
    // SQLite reads each SELECT of the union by the index `outbox_due`, so the number of waiting
    // records does not matter.
    let sql = "SELECT * FROM (SELECT id, body, created_ms, attempts, due_ms FROM outbox
                   WHERE due_ms <= ?1 ORDER BY due_ms, id LIMIT ?3)
               UNION ALL SELECT * FROM (SELECT id, body, created_ms, attempts, due_ms FROM outbox
                   WHERE due_ms > ?2 ORDER BY due_ms, id LIMIT ?3)
               UNION ALL SELECT * FROM (SELECT id, body, created_ms, attempts, due_ms FROM outbox
                   WHERE due_ms > ?1 AND due_ms <= ?2 ORDER BY due_ms, id LIMIT 1)";
    let limit = i64::try_from(MAX_BATCH_RECORDS + in_delivery.len()).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let records = statement.query_map(params![now, latest, limit], OutboxRecord::from_row)?;
    let mut due = DueRecords::default();
    for record in records {
        let record = record?;
        if in_delivery.contains(&record.id) || due.batch.len() == MAX_BATCH_RECORDS {
            continue;
        }
        if record.due_ms > now && record.due_ms <= latest {
            due.next_due_ms = due.next_due_ms.or(Some(record.due_ms));
        } else {
            due.batch.push(record);
        }
    }
    Ok(due)
}

/// Moves all dead letters back into the outbox (the table of notifications to send), so that each
/// is sent once more.
async fn revive_dead_letters(store: &S3Store) {
    let revived = store
        .change_database(|connection| {
            dead_letters::revive_dead_letters(connection).map_err(database_error)
        })
        .await;
    match revived {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "s3 notifications: trying the dead letters again"),
        Err(error) => {
            tracing::error!(%error, "s3 notifications: cannot try the dead letters again");
        }
    }
}

/// Sends one batch to the handler. Then deletes the acknowledged records and postpones the others.
/// Returns the ids of all records of the batch.
async fn deliver_batch<H, F>(store: S3Store, batch: Vec<OutboxRecord>, handler: H) -> Vec<i64>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<Value, String>> + Send + 'static,
{
    let ids: Vec<i64> = batch.iter().map(|record| record.id).collect();
    // The handler runs in a task of its own. A panic is then a failed attempt, and does not end the
    // delivery.
    let response = match tokio::spawn(handler(sqs_event(&batch))).await {
        Ok(response) => response,
        Err(error) => Err(format!("the handler did not finish: {error}")),
    };
    let failures = match response {
        Ok(response) => BatchFailures::from_response(&response),
        Err(error) => {
            tracing::warn!(
                error,
                records = batch.len(),
                "s3 notifications: a batch failed and will be sent again"
            );
            BatchFailures::All
        }
    };
    // This is not synced: if a power loss undoes it, the records are sent twice.
    let settled = store
        .writer()
        .change_database(Durability::ProcessCrash, move |connection| {
            settle_batch(connection, &batch, &failures).map_err(database_error)
        })
        .await;
    if let Err(error) = settled {
        tracing::error!(%error, "s3 notifications: cannot settle a batch; it will be sent again");
        tokio::time::sleep(DATABASE_PAUSE).await;
    }
    ids
}

/// Deletes the acknowledged records of a batch and postpones the others.
fn settle_batch(
    connection: &Connection,
    batch: &[OutboxRecord],
    failures: &BatchFailures,
) -> rusqlite::Result<()> {
    for record in batch {
        if failures.include(&record.message_id()) {
            postpone_record(connection, record)?;
        } else {
            delete_record(connection, record)?;
        }
    }
    Ok(())
}

fn delete_record(connection: &Connection, record: &OutboxRecord) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
        .execute([record.id])
        .map(drop)
}

/// Counts a failed attempt to deliver a record. Sets the time of the next attempt, or makes the
/// record a dead letter after too many attempts.
fn postpone_record(connection: &Connection, record: &OutboxRecord) -> rusqlite::Result<()> {
    let attempts = record.attempts + 1;
    if attempts >= MAX_ATTEMPTS {
        tracing::error!(
            message.id = record.message_id(),
            attempts,
            "s3 notifications: a notification failed too often; it is sent again after a long pause"
        );
        dead_letters::insert_dead_letter(connection, record.id, &record.body, attempts)?;
        return delete_record(connection, record);
    }
    let pause = (FIRST_PAUSE_MS << (attempts - 1).min(16)).min(MAX_PAUSE_MS);
    let sql = "UPDATE outbox SET attempts = ?2, due_ms = ?3 WHERE id = ?1";
    connection.execute(sql, params![record.id, attempts, now_ms() + pause])?;
    Ok(())
}

/// Returns a batch in the form in which a Lambda function receives messages from SQS
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>).
fn sqs_event(batch: &[OutboxRecord]) -> Value {
    let records = batch.iter().map(|record| {
        json!({
            "messageId": record.message_id(),
            "receiptHandle": record.message_id(),
            "body": record.body,
            "attributes": {
                "ApproximateReceiveCount": (record.attempts + 1).to_string(),
                "SentTimestamp": record.created_ms.to_string(),
                "SenderId": "local",
                "ApproximateFirstReceiveTimestamp": record.created_ms.to_string(),
            },
            "messageAttributes": {},
            "md5OfBody": data_encoding::HEXLOWER.encode(&Md5::digest(record.body.as_bytes())),
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:local",
            "awsRegion": "us-east-1",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// The failures of a batch: the records that were not acknowledged.
enum BatchFailures {
    All,
    /// The records with these message ids.
    Listed(HashSet<String>),
}

impl BatchFailures {
    /// Parses a partial batch response as Lambda does. A response without a list, or with an empty
    /// one, acknowledges all records. A response that cannot be parsed acknowledges none
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
    fn from_response(response: &Value) -> BatchFailures {
        let list = match response.get("batchItemFailures") {
            None | Some(Value::Null) => return BatchFailures::Listed(HashSet::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return BatchFailures::All,
        };
        let ids = list.iter().map(|item| {
            item.get("itemIdentifier")
                .and_then(Value::as_str)
                .map(str::to_owned)
        });
        ids.collect::<Option<HashSet<String>>>()
            .filter(|ids| ids.iter().all(|id| !id.is_empty()))
            .map_or(BatchFailures::All, BatchFailures::Listed)
    }

    fn include(&self, message_id: &str) -> bool {
        match self {
            BatchFailures::All => true,
            BatchFailures::Listed(ids) => ids.contains(message_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_parsed_as_lambda_does() {
        let failed =
            |response: Value, id: &str| BatchFailures::from_response(&response).include(id);
        assert!(!failed(Value::Null, "a"));
        assert!(!failed(json!({}), "a"));
        assert!(!failed(json!({"batchItemFailures": []}), "a"));
        assert!(failed(
            json!({"batchItemFailures": [{"itemIdentifier": "a"}]}),
            "a"
        ));
        assert!(!failed(
            json!({"batchItemFailures": [{"itemIdentifier": "a"}]}),
            "b"
        ));
        for unreadable in [
            json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            json!({"batchItemFailures": [{"itemIdentifier": null}]}),
            json!({"batchItemFailures": [{"id": "a"}]}),
            json!({"batchItemFailures": "a"}),
        ] {
            assert!(failed(unreadable, "b"));
        }
    }
}
