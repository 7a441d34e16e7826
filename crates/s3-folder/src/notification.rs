//! S3 event notifications: filters, the JSON of a record, and the outbox. A record is one
//! notification. The outbox is the table of records that are not delivered yet.
//!
//! The JSON is that of AWS, event version 2.3
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>). A
//! record enters the outbox in the transaction that makes the change visible. [`crate::delivery`]
//! delivers the records.

use chrono::{DateTime, SecondsFormat};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use crate::address::ObjectAddress;
use crate::database::StoredObject;
use crate::key_encoding::encode_key;

/// A change of an object that can be notified, named after the operation that makes the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectChange {
    Put,
    Copy,
    CompleteMultipartUpload,
    Delete,
}

impl ObjectChange {
    /// Returns the `eventName` that AWS uses. Unlike the event names in AWS filters, it does not
    /// begin with `s3:`.
    pub(crate) fn event_name(self) -> &'static str {
        match self {
            ObjectChange::Put => "ObjectCreated:Put",
            ObjectChange::Copy => "ObjectCreated:Copy",
            ObjectChange::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            ObjectChange::Delete => "ObjectRemoved:Delete",
        }
    }
}

/// A filter for the objects whose changes are notified: the objects of one bucket whose keys begin
/// with a prefix.
///
/// ```
/// use s3_folder::NotificationFilter;
///
/// let inbox = NotificationFilter::new("documents", "inbox/");
/// assert_eq!(inbox.prefix, "inbox/");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationFilter {
    /// The name of the bucket.
    pub bucket: String,
    /// The beginning of the keys. An empty prefix matches every key.
    pub prefix: String,
}

impl NotificationFilter {
    /// Returns the filter for the keys of `bucket` that begin with `prefix`.
    pub fn new(bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        NotificationFilter {
            bucket: bucket.into(),
            prefix: prefix.into(),
        }
    }

    /// Reports whether the filter matches an object, so that changes of the object are notified.
    pub(crate) fn matches(&self, address: &ObjectAddress) -> bool {
        self.bucket == address.bucket && address.key.starts_with(&self.prefix)
    }
}

/// Loads the notification filters that are saved in the database.
///
/// # Errors
/// The database fails.
pub(crate) fn load_filters(connection: &Connection) -> rusqlite::Result<Vec<NotificationFilter>> {
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

/// Replaces the saved filters in the database. The store loads them when it is opened.
///
/// # Errors
/// The database fails.
pub(crate) fn save_filters(
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

/// Inserts the record of a change into the outbox, the table of notifications that are not
/// delivered yet. `object` is `None` if the object was removed. The caller must call this in the
/// transaction that makes the change.
///
/// # Errors
/// The database fails.
pub(crate) fn insert_record(
    connection: &Connection,
    address: &ObjectAddress,
    event_name: &str,
    object: Option<&StoredObject>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let id = next_id(connection, now_ms)?;
    let body = record_body(address, event_name, object, id, now_ms).to_string();
    connection
        .prepare_cached(
            "INSERT INTO outbox (id, body, created_ms, due_ms) VALUES (?1, ?2, ?3, ?3)",
        )?
        .execute(params![id, body, now_ms])?;
    Ok(())
}

/// Returns the S3 notification of one change, as JSON.
fn record_body(
    address: &ObjectAddress,
    event_name: &str,
    object: Option<&StoredObject>,
    id: i64,
    now_ms: i64,
) -> Value {
    let time = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    let bucket = &address.bucket;
    let mut described = json!({ "key": encode_key(&address.key) });
    if let Some(object) = object {
        described["size"] = object.size().into();
        described["eTag"] = object.etag.as_str().into();
    }
    described["sequencer"] = format!("{id:018X}").into();
    json!({ "Records": [{
        "eventVersion": "2.3",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": time.to_rfc3339_opts(SecondsFormat::Millis, true),
        "eventName": event_name,
        "userIdentity": { "principalId": "local" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": format!("{id:016X}"), "x-amz-id-2": format!("{id:016X}") },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "local",
            "bucket": {
                "name": bucket,
                "ownerIdentity": { "principalId": "local" },
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": described,
        },
    }] })
}

/// Returns the id of the next record: microseconds since 1970, or the last id plus one if this is
/// larger. Ids always grow, even if the clock is set back or a new database is created. So a
/// notification also has this id as its sequencer, the value by which receivers order
/// notifications.
fn next_id(connection: &Connection, now_ms: i64) -> rusqlite::Result<i64> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok((now_ms * 1000).max(last.unwrap_or(0) + 1))
}
