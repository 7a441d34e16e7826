//! S3 event notifications: their JSON, and the outbox that they wait in.
//!
//! The JSON is that of AWS, event version 2.3
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>). A record enters the
//! outbox in the transaction that makes the change visible and leaves it when its receiver acknowledged it. Nothing
//! is delivered here.

use chrono::{DateTime, SecondsFormat};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::database::Object;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Put,
    Post,
    Copy,
    CompleteMultipartUpload,
    Delete,
}

impl Event {
    /// `eventName`, without the `s3:` that filters have.
    pub(super) fn name(self) -> &'static str {
        match self {
            Event::Put => "ObjectCreated:Put",
            Event::Post => "ObjectCreated:Post",
            Event::Copy => "ObjectCreated:Copy",
            Event::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Event::Delete => "ObjectRemoved:Delete",
        }
    }
}

/// The objects whose changes are notified: those of one bucket whose keys begin with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationFilter {
    /// Name of the bucket.
    pub bucket: String,
    /// First characters of the keys. An empty prefix matches every key.
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

    pub(super) fn matches(&self, bucket: &str, key: &str) -> bool {
        self.bucket == bucket && key.starts_with(&self.prefix)
    }
}

/// Puts the record of a change into the outbox; `object` is `None` for one that was removed. Call it in the
/// transaction of the change.
pub(super) fn record(
    connection: &Connection,
    bucket: &str,
    key: &str,
    event_name: &str,
    object: Option<&Object>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let id = next_id(connection, now_ms)?;
    let body = body(bucket, key, event_name, object, id, now_ms).to_string();
    connection
        .prepare_cached(
            "INSERT INTO outbox (id, body, created_ms, due_ms) VALUES (?1, ?2, ?3, ?3)",
        )?
        .execute(params![id, body, now_ms])?;
    Ok(())
}

/// The S3 notification of one change.
fn body(
    bucket: &str,
    key: &str,
    event_name: &str,
    object: Option<&Object>,
    id: i64,
    now_ms: i64,
) -> Value {
    let time = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    let mut described = json!({ "key": encode_key(key) });
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

/// A key as notifications spell it: as in a form, but with `/` as it is.
pub(super) fn encode_key(key: &str) -> String {
    /// What `java.net.URLEncoder` leaves alone, and `/`.
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'*')
        .remove(b'/')
        .remove(b' ');
    utf8_percent_encode(key, ENCODED)
        .to_string()
        .replace(' ', "+")
}

/// Microseconds since 1970, or one more than the last id: it grows even where the clock goes back or where the
/// database was lost, so it serves as the sequencer too.
fn next_id(connection: &Connection, now_ms: i64) -> rusqlite::Result<i64> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok((now_ms * 1000).max(last.unwrap_or(0) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spelled_as_aws_spells_them() {
        for (key, spelled) in [
            ("2018-02-01/a b.jpg", "2018-02-01/a+b.jpg"),
            ("a+b%20.jpg", "a%2Bb%2520.jpg"),
            ("ä/(1)~*'.jpg", "%C3%A4/%281%29%7E*%27.jpg"),
            ("a=b&c;d:e,f@g$h!", "a%3Db%26c%3Bd%3Ae%2Cf%40g%24h%21"),
        ] {
            assert_eq!(encode_key(key), spelled);
        }
    }
}
