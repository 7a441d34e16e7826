//! Dead letters: notifications that failed too often. Each stays stored, and is sent once more when
//! the delivery starts and after a long pause. This module moves rows and sends nothing.

use percent_encoding::percent_decode_str;
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::address::ObjectAddress;
use crate::times::now_ms;

/// A notification that failed too often. It is sent again at the next start, or after a longer
/// pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The object that changed.
    pub object: ObjectAddress,
    /// The change, as AWS names it: `ObjectCreated:Put`, for example.
    pub event_name: String,
    /// The number of attempts that failed.
    pub attempts: u64,
    /// The time of the last attempt, in milliseconds since 1970.
    pub failed_ms: i64,
}

/// Lists the dead letters, the oldest change first.
///
/// # Errors
/// The database fails.
pub(crate) fn list_dead_letters(connection: &Connection) -> rusqlite::Result<Vec<DeadLetter>> {
    connection
        .prepare("SELECT body, attempts, died_ms FROM dead_letters ORDER BY id")?
        .query_map([], |row| {
            let body: String = row.get(0)?;
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let record = &body["Records"][0];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let key = text(&record["s3"]["object"]["key"]).replace('+', " ");
            let key = percent_decode_str(&key).decode_utf8_lossy().into_owned();
            Ok(DeadLetter {
                object: ObjectAddress::new(text(&record["s3"]["bucket"]["name"]), key),
                event_name: text(&record["eventName"]),
                attempts: row.get::<_, i64>(1)?.cast_unsigned(),
                failed_ms: row.get(2)?,
            })
        })?
        .collect()
}

/// Inserts the record with this id as a dead letter. `attempts` is the number of attempts that
/// failed. The caller must delete the record from the outbox (the table of notifications to send)
/// in the same transaction.
///
/// # Errors
/// The database fails.
pub(crate) fn insert_dead_letter(
    connection: &Connection,
    id: i64,
    body: &str,
    attempts: i64,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO dead_letters VALUES (?1, ?2, ?3, ?4)";
    connection
        .execute(sql, params![id, body, attempts, now_ms()])
        .map(drop)
}

/// Moves all dead letters back into the outbox (the table of notifications to send), due at once.
/// Keeps their numbers of attempts, so that a record that fails again is a dead letter again.
/// Returns the number of moved records. The caller must call this in a transaction. Safe to repeat.
///
/// # Errors
/// The database fails.
pub(crate) fn revive_dead_letters(connection: &Connection) -> rusqlite::Result<usize> {
    // The id of a record is the time of its change in microseconds.
    let sql = "INSERT OR IGNORE INTO outbox (id, body, created_ms, attempts, due_ms)
               SELECT id, body, id / 1000, attempts, ?1 FROM dead_letters";
    let moved = connection.execute(sql, [now_ms()])?;
    connection.execute("DELETE FROM dead_letters", [])?;
    Ok(moved)
}
