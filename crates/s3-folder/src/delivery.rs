//! Delivery of notifications: batches as a Lambda function gets them from SQS, until they are acknowledged.
//!
//! It never drops a record that was not acknowledged, and never decides what a record means.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use md5::{Digest, Md5};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::notification::NotificationFilter;
use super::{S3Store, database_error, now_ms, writer};

/// Records in one event, as SQS gives them by default.
const BATCH: usize = 10;

/// Attempts before a record becomes a dead letter.
const MOST_ATTEMPTS: i64 = 20;

/// Pause after the first failure; doubled after each further one.
const FIRST_PAUSE_MS: i64 = 500;

/// Longest pause.
const LONGEST_PAUSE_MS: i64 = 60_000;

/// See [`S3Store::deliver_notifications`].
pub(super) async fn deliver<H, F>(
    store: &S3Store,
    concurrency: usize,
    handler: H,
    shutdown: impl Future<Output = ()>,
) where
    H: Fn(Value) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Value, String>> + Send + 'static,
{
    let mut shutdown = std::pin::pin!(shutdown);
    let mut running: JoinSet<Vec<i64>> = JoinSet::new();
    let mut under_way: HashSet<i64> = HashSet::new();
    loop {
        let mut pause = Duration::from_secs(3600);
        while running.len() < concurrency.max(1) {
            let (batch, next_due_ms) = match due(store, &under_way).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(%error, "s3 notifications: cannot read the outbox");
                    pause = Duration::from_secs(1);
                    break;
                }
            };
            if batch.is_empty() {
                if let Some(due_ms) = next_due_ms {
                    let ms = (due_ms - now_ms()).clamp(1, LONGEST_PAUSE_MS);
                    pause = Duration::from_millis(ms.cast_unsigned());
                }
                break;
            }
            under_way.extend(batch.iter().map(|record| record.id));
            running.spawn(deliver_batch(store.clone(), batch, handler.clone()));
        }
        tokio::select! {
            () = &mut shutdown => break,
            () = store.shared().delivery.notified() => {}
            Some(done) = running.join_next() => {
                for id in done.unwrap_or_default() {
                    under_way.remove(&id);
                }
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
    while running.join_next().await.is_some() {}
}

/// What was asked for at the last start.
pub(super) fn filters(connection: &Connection) -> rusqlite::Result<Vec<NotificationFilter>> {
    connection
        .prepare("SELECT bucket, prefix FROM notifications")?
        .query_map([], |row| {
            Ok(NotificationFilter {
                bucket: row.get(0)?,
                prefix: row.get(1)?,
            })
        })?
        .collect()
}

/// Keeps what is asked for, for the next start.
pub(super) fn save_filters(
    connection: &Connection,
    filters: &[NotificationFilter],
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM notifications", [])?;
    for filter in filters {
        let sql = "INSERT OR IGNORE INTO notifications VALUES (?1, ?2)";
        connection.execute(sql, params![filter.bucket, filter.prefix])?;
    }
    Ok(())
}

struct Waiting {
    id: i64,
    body: String,
    created_ms: i64,
    attempts: i64,
}

impl Waiting {
    fn message_id(&self) -> String {
        format!("{:016x}", self.id)
    }
}

/// Records to deliver now; where there are none, when the next one is due.
async fn due(
    store: &S3Store,
    under_way: &HashSet<i64>,
) -> s3s::S3Result<(Vec<Waiting>, Option<i64>)> {
    let under_way = under_way.clone();
    let query = move |connection: &Connection| {
        let now = now_ms();
        // What is due later than any pause lasts was written before the clock was set back.
        // Each part by the index, however many wait.
        let sql = "SELECT * FROM (SELECT id, body, created_ms, attempts, due_ms FROM outbox
                       WHERE due_ms <= ?1 ORDER BY due_ms, id LIMIT ?3)
                   UNION ALL SELECT * FROM (SELECT id, body, created_ms, attempts, due_ms FROM outbox
                       WHERE due_ms > ?2 ORDER BY due_ms, id LIMIT ?3)
                   UNION ALL SELECT * FROM (SELECT id, body, created_ms, attempts, due_ms FROM outbox
                       WHERE due_ms > ?1 AND due_ms <= ?2 ORDER BY due_ms, id LIMIT 1)";
        let limit = i64::try_from(BATCH + under_way.len()).unwrap_or(i64::MAX);
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![now, now + 2 * LONGEST_PAUSE_MS, limit])?;
        let (mut batch, mut next_due_ms) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            let due_ms: i64 = row.get(4)?;
            if under_way.contains(&id) || batch.len() == BATCH {
                continue;
            }
            if due_ms > now && due_ms <= now + 2 * LONGEST_PAUSE_MS {
                next_due_ms = next_due_ms.or(Some(due_ms));
                continue;
            }
            batch.push(Waiting {
                id,
                body: row.get(1)?,
                created_ms: row.get(2)?,
                attempts: row.get(3)?,
            });
        }
        Ok((batch, next_due_ms))
    };
    store.query(query).await
}

async fn deliver_batch<H, F>(store: S3Store, batch: Vec<Waiting>, handler: H) -> Vec<i64>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<Value, String>> + Send + 'static,
{
    let ids: Vec<i64> = batch.iter().map(|record| record.id).collect();
    // A task of its own: its panic is a failed attempt, not the end of delivery.
    let answer = match tokio::spawn(handler(event(&batch))).await {
        Ok(answer) => answer,
        Err(error) => Err(format!("the handler broke off: {error}")),
    };
    let failed = match answer {
        Ok(answer) => failures(&answer),
        Err(error) => {
            tracing::warn!(
                error,
                records = batch.len(),
                "s3 notifications: a batch failed; it will come again"
            );
            Failures::All
        }
    };
    let settle = move |connection: &Connection| {
        let settled =
            batch
                .iter()
                .try_for_each(|record| match failed.include(&record.message_id()) {
                    true => postpone(connection, record),
                    false => connection
                        .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
                        .execute([record.id])
                        .map(drop),
                });
        settled.map_err(database_error)
    };
    // Not synced: what a power cut takes back of it comes twice.
    match store
        .inner
        .writer
        .change(false, settle)
        .await
        .map_err(writer::stopped)
    {
        Ok(Ok(())) => {}
        Ok(Err(error)) | Err(error) => {
            tracing::error!(%error, "s3 notifications: cannot settle a batch; it will come again");
            // Not at once, or it would come again and again.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    ids
}

fn postpone(connection: &Connection, record: &Waiting) -> rusqlite::Result<()> {
    let attempts = record.attempts + 1;
    if attempts >= MOST_ATTEMPTS {
        tracing::error!(
            message.id = record.message_id(),
            attempts,
            "s3 notifications: given up"
        );
        let sql = "INSERT OR REPLACE INTO dead_letters VALUES (?1, ?2, ?3, ?4)";
        connection.execute(sql, params![record.id, record.body, attempts, now_ms()])?;
        connection.execute("DELETE FROM outbox WHERE id = ?1", [record.id])?;
        return Ok(());
    }
    let pause = (FIRST_PAUSE_MS << (attempts - 1).min(16)).min(LONGEST_PAUSE_MS);
    let sql = "UPDATE outbox SET attempts = ?2, due_ms = ?3 WHERE id = ?1";
    connection.execute(sql, params![record.id, attempts, now_ms() + pause])?;
    Ok(())
}

/// The event that Lambda makes of SQS messages
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>).
fn event(batch: &[Waiting]) -> Value {
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

enum Failures {
    All,
    These(HashSet<String>),
}

impl Failures {
    fn include(&self, message_id: &str) -> bool {
        match self {
            Failures::All => true,
            Failures::These(ids) => ids.contains(message_id),
        }
    }
}

/// Lambda's reading of a partial batch response: none or an empty one is success, one that cannot be read fails all
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
fn failures(answer: &Value) -> Failures {
    let list = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Failures::These(HashSet::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Failures::All,
    };
    let ids = list.iter().map(|item| {
        item.get("itemIdentifier")
            .and_then(Value::as_str)
            .map(str::to_owned)
    });
    ids.collect::<Option<HashSet<String>>>()
        .filter(|ids| ids.iter().all(|id| !id.is_empty()))
        .map_or(Failures::All, Failures::These)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_lambda_reads_them() {
        let failed = |answer: Value, id: &str| failures(&answer).include(id);
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
