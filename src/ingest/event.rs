//! Unwraps the events that tell of a change: an S3 notification, alone or as the messages of an SQS batch.
//!
//! Only the fields that are read are looked at, since other stores leave many of AWS's out. An event of no known shape
//! is an error that names what was seen. Source: S3 User Guide, "Event message structure".

use percent_encoding::percent_decode;
use serde_json::Value;

/// A key that may have changed; what happened to it does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Bucket.
    pub bucket: String,
    /// Key, decoded.
    pub key: String,
}

/// What an event holds, by the answer that it wants.
#[derive(Debug)]
pub enum Batch {
    /// A notification delivered directly: one answer for all.
    Direct(Vec<Notice>),
    /// SQS messages: an answer for each.
    Queue(Vec<Message>),
}

/// One SQS message.
#[derive(Debug)]
pub struct Message {
    /// Its id, for `batchItemFailures`.
    pub id: String,
    /// What it tells.
    pub notices: Result<Vec<Notice>, EventError>,
}

/// Why an event has to be delivered again, or looked at.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// No shape that is known here.
    #[error("an event of no known shape: {0}")]
    Unknown(String),
    /// A key could not be dealt with.
    #[error("{0}")]
    Failed(String),
}

/// Takes an event apart.
///
/// # Errors
/// [`EventError::Unknown`], naming the event's fields.
pub fn unwrap(event: &Value) -> Result<Batch, EventError> {
    let records = event.get("Records").and_then(Value::as_array);
    let is_queue =
        |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
    match records {
        Some(records) if !records.is_empty() && records.iter().all(is_queue) => records
            .iter()
            .map(message)
            .collect::<Result<_, _>>()
            .map(Batch::Queue),
        _ => notification(event).map(Batch::Direct),
    }
}

fn message(record: &Value) -> Result<Message, EventError> {
    let id = record.get("messageId").and_then(Value::as_str);
    let id = id.ok_or_else(|| EventError::Unknown("an SQS record without messageId".to_owned()))?;
    let body = record
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let notices = match serde_json::from_str(body) {
        Ok(body) => notification(&body),
        Err(error) => Err(EventError::Unknown(format!(
            "the body of SQS message {id} is not JSON: {error}"
        ))),
    };
    Ok(Message {
        id: id.to_owned(),
        notices,
    })
}

fn notification(event: &Value) -> Result<Vec<Notice>, EventError> {
    // Sent once when a notification is configured; there is nothing to do.
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Err(EventError::Unknown(fields(event)));
    };
    records
        .iter()
        .map(|record| notice(record).ok_or_else(|| EventError::Unknown(fields(record))))
        .collect()
}

fn notice(record: &Value) -> Option<Notice> {
    let s3 = record.get("s3")?;
    let bucket = s3.get("bucket")?.get("name")?.as_str()?;
    let key = s3.get("object")?.get("key")?.as_str()?;
    // Keys are encoded as in a form: a space is a plus.
    let spaced: Vec<u8> = key
        .bytes()
        .map(|byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    let key = percent_decode(&spaced).decode_utf8().ok()?.into_owned();
    Some(Notice {
        bucket: bucket.to_owned(),
        key,
    })
}

/// The names of what was seen, without its values.
fn fields(event: &Value) -> String {
    match event {
        Value::Object(fields) => format!(
            "an object with {}",
            fields.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn s3(key: &str) -> Value {
        json!({ "Records": [{ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                              "s3": { "bucket": { "name": "inbox" }, "object": { "key": key } } }] })
    }

    fn direct(event: &Value) -> Vec<Notice> {
        match unwrap(event) {
            Ok(Batch::Direct(notices)) => notices,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        let notices = direct(&s3("a+b/%C3%A9t%C3%A9%2B%2520.jpg"));
        assert_eq!(
            notices,
            [Notice {
                bucket: "inbox".to_owned(),
                key: "a b/été+%20.jpg".to_owned()
            }]
        );
        assert_eq!(
            direct(&s3("2018-02-01%2Fx.jpg"))[0].key,
            "2018-02-01/x.jpg",
            "as moto spells it"
        );
    }

    #[test]
    fn a_queue_is_answered_message_by_message() {
        let message = |id: &str, body: String| json!({ "messageId": id, "eventSource": "aws:sqs", "body": body });
        let event = json!({ "Records": [message("1", s3("a.jpg").to_string()), message("2", "poison".to_owned())] });
        let Ok(Batch::Queue(messages)) = unwrap(&event) else {
            panic!("a queue")
        };
        assert_eq!(
            messages[0].notices.as_ref().expect("understood")[0].key,
            "a.jpg"
        );
        assert!(messages[1].notices.is_err());
    }

    #[test]
    fn a_test_event_is_acknowledged() {
        assert_eq!(
            direct(&json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox" })),
            []
        );
    }

    #[test]
    fn an_unknown_shape_is_named() {
        let error = unwrap(&json!({ "detail-type": "x", "secret": "y" }))
            .expect_err("unknown")
            .to_string();
        assert_eq!(
            error,
            "an event of no known shape: an object with detail-type, secret"
        );
        assert!(unwrap(&json!(null)).is_err());
    }
}
