//! Finds the changed objects in S3 events, and builds the response that each sender expects. Other
//! services may wrap an event in messages of their own. These wrappers are called envelopes here.
//!
//! The known shapes are:
//! - S3's own notification, in event versions 2.0 to 2.6, as AWS, MinIO and moto write it;
//! - the same notification inside SNS, inside SQS, or inside SNS inside SQS (raw or not);
//! - S3 events from EventBridge, directly or inside SQS;
//! - S3 Batch Operations 1.0 and 2.0;
//! - the test event that S3 sends once.
//!
//! Other stores leave out many of AWS's fields, so only the necessary fields are read. The name of
//! the event is ignored. A creation, a removal and an expiry all mean that the key may have
//! changed. An event of an unknown shape is an error that lists the event's field names.
//!
//! Sources: S3 User Guide, "Event message structure", "EventBridge event message structure",
//! "Invoke AWS Lambda function"; Lambda Developer Guide, "Using Lambda with Amazon SQS", "… with
//! Amazon SNS".

use crate::object::{Bucket, ObjectRef};
use percent_encoding::percent_decode;
use serde_json::{Value, json};

/// The maximum number of envelopes around a notification. A notification inside SNS inside SQS has
/// two.
const MAX_WRAPPINGS: usize = 4;
/// The maximum length of a reason in a result for S3 Batch Operations, in characters. The report of
/// a job allows 1,024 characters.
const MAX_REASON_CHARS: usize = 1000;

/// An event without its envelopes: the messages of other services, such as SNS, around it.
#[derive(Debug)]
pub struct UnwrappedEvent {
    /// The messages of the event, in their original order.
    pub messages: Vec<EventMessage>,
    /// The format of the response to the event.
    response: ResponseFormat,
}

/// One message of an event. If a message failed, the sender delivers only this message again.
#[derive(Debug)]
pub struct EventMessage {
    /// The id of the message, for the response. It is empty if the event has a single response.
    pub id: String,
    /// The objects that may have changed. An error if the message cannot be parsed.
    pub objects: Result<Vec<ObjectRef>, EventError>,
}

/// The format of the response to an event.
#[derive(Debug)]
enum ResponseFormat {
    /// One response for the whole event: an empty object for success, or an error.
    Direct,
    /// A response for SQS: the ids of the messages that SQS must deliver again.
    Queue,
    /// A response for S3 Batch Operations: one result for each task.
    BatchJob { schema: String, invocation: Value },
}

/// The disposition of a message: the result, which decides whether the message is delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// All objects of the message are processed. The text describes the outcome.
    Done(String),
    /// The object is in neither the source nor the archive, so nothing was done. The text is the
    /// reason. It is part of the report of an S3 Batch Operations job, for a person who started a
    /// job for exactly this object.
    Ignored(String),
    /// The message must be delivered again. The text is the reason.
    Retry(String),
    /// The message failed, and a second delivery cannot succeed either. The text is the reason.
    Permanent(String),
}

/// The error of an event: its shape is unknown, or a key could not be processed.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The event has an unknown shape. The text describes the shape.
    #[error("an event of no known shape: {0}")]
    UnknownShape(String),
    /// A key could not be processed. The text is the reason.
    #[error("{0}")]
    Failed(String),
}

/// Removes the envelopes of an event (the messages of other services, such as SNS, around it), and
/// finds the objects that may have changed.
///
/// ```
/// use photo_catalogue::ingest::event::unwrap_event;
/// use serde_json::json;
///
/// let event = json!({ "Records": [{
///     "eventSource": "aws:s3",
///     "s3": { "bucket": { "name": "inbox" }, "object": { "key": "card+1/%C3%A9t%C3%A9.jpg" } },
/// }] });
/// let unwrapped = unwrap_event(&event)?;
/// let objects = unwrapped.messages[0].objects.as_ref().unwrap();
/// assert_eq!(objects[0].key, "card 1/été.jpg");
/// # Ok::<(), photo_catalogue::ingest::event::EventError>(())
/// ```
///
/// # Errors
/// Returns [`EventError::UnknownShape`] if the shape of the event is unknown. The text contains the
/// names of the event's fields, and no values.
pub fn unwrap_event(event: &Value) -> Result<UnwrappedEvent, EventError> {
    if let (Some(schema), Some(tasks)) = (
        text_at(event, "/invocationSchemaVersion"),
        event.get("tasks").and_then(Value::as_array),
    ) {
        return Ok(UnwrappedEvent {
            messages: tasks.iter().map(parse_task).collect::<Result<_, _>>()?,
            response: ResponseFormat::BatchJob {
                schema: schema.to_owned(),
                invocation: event.get("invocationId").cloned().unwrap_or_default(),
            },
        });
    }
    let records = event.get("Records").and_then(Value::as_array);
    let is_sqs = |record: &Value| text_at(record, "/eventSource") == Some("aws:sqs");
    match records {
        Some(records) if !records.is_empty() && records.iter().all(is_sqs) => Ok(UnwrappedEvent {
            messages: records
                .iter()
                .map(parse_sqs_message)
                .collect::<Result<_, _>>()?,
            response: ResponseFormat::Queue,
        }),
        _ => Ok(UnwrappedEvent {
            messages: vec![EventMessage {
                id: String::new(),
                objects: Ok(parse_notification(event, 0)?),
            }],
            response: ResponseFormat::Direct,
        }),
    }
}

impl UnwrappedEvent {
    /// Builds the response to the event. The caller must pass one disposition for each message, in
    /// the order of the messages.
    ///
    /// ```
    /// use photo_catalogue::ingest::event::{Disposition, unwrap_event};
    /// use serde_json::json;
    ///
    /// let message = |id: &str| json!({
    ///     "eventSource": "aws:sqs",
    ///     "messageId": id,
    ///     "body": r#"{"Event": "s3:TestEvent"}"#,
    /// });
    /// let event = unwrap_event(&json!({ "Records": [message("1"), message("2")] }))?;
    /// let done = Disposition::Done("archived".to_owned());
    /// let retry = Disposition::Retry("throttled".to_owned());
    /// assert_eq!(
    ///     event.response(&[done, retry])?,
    ///     json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] })
    /// );
    /// # Ok::<(), photo_catalogue::ingest::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`EventError::Failed`] if the event has a single response and its message failed.
    pub fn response(&self, dispositions: &[Disposition]) -> Result<Value, EventError> {
        let results = self.messages.iter().zip(dispositions);
        match &self.response {
            ResponseFormat::Direct => {
                match results
                    .map(|(_, result)| result)
                    .find(|result| !result.is_done())
                {
                    None => Ok(json!({})),
                    Some(result) => Err(EventError::Failed(result.reason().to_owned())),
                }
            }
            ResponseFormat::Queue => {
                let failed = results.filter(|(_, result)| !result.is_done());
                let failed = failed.map(|(message, _)| json!({ "itemIdentifier": message.id }));
                Ok(json!({ "batchItemFailures": failed.collect::<Vec<_>>() }))
            }
            ResponseFormat::BatchJob { schema, invocation } => {
                let results = results.map(|(message, result)| {
                    let reason: String = result.reason().chars().take(MAX_REASON_CHARS).collect();
                    json!({
                        "taskId": message.id,
                        "resultCode": result.batch_result_code(),
                        "resultString": reason,
                    })
                });
                Ok(json!({
                    "invocationSchemaVersion": schema,
                    "treatMissingKeysAs": "TemporaryFailure",
                    "invocationId": invocation,
                    "results": results.collect::<Vec<_>>(),
                }))
            }
        }
    }
}

impl Disposition {
    /// Returns `true` if the message was processed or ignored. The sender must not deliver it
    /// again.
    pub fn is_done(&self) -> bool {
        matches!(self, Disposition::Done(_) | Disposition::Ignored(_))
    }

    fn reason(&self) -> &str {
        let (Disposition::Done(reason)
        | Disposition::Ignored(reason)
        | Disposition::Retry(reason)
        | Disposition::Permanent(reason)) = self;
        reason
    }

    /// Returns the result code for S3 Batch Operations.
    fn batch_result_code(&self) -> &'static str {
        match self {
            Disposition::Done(_) => "Succeeded",
            Disposition::Retry(_) => "TemporaryFailure",
            Disposition::Ignored(_) | Disposition::Permanent(_) => "PermanentFailure",
        }
    }
}

/// Parses an SQS message. If the body has an unknown shape, only this message fails.
fn parse_sqs_message(record: &Value) -> Result<EventMessage, EventError> {
    let id = text_at(record, "/messageId")
        .ok_or_else(|| EventError::UnknownShape("an SQS record without messageId".to_owned()))?;
    let body = text_at(record, "/body").unwrap_or_default();
    Ok(EventMessage {
        id: id.to_owned(),
        objects: parse_json(body, "the body of an SQS message")
            .and_then(|body| parse_notification(&body, 1)),
    })
}

/// Parses a task of S3 Batch Operations. The key is encoded as in the manifest of the job. In
/// schema 1.0 the bucket is an ARN, in schema 2.0 it is a name.
fn parse_task(task: &Value) -> Result<EventMessage, EventError> {
    let unknown = || EventError::UnknownShape(format!("a task that is {}", describe_shape(task)));
    let id = text_at(task, "/taskId").ok_or_else(unknown)?;
    let bucket = text_at(task, "/s3Bucket").or_else(|| {
        let arn = text_at(task, "/s3BucketArn")?;
        arn.rsplit(':').next()
    });
    let object = bucket
        .zip(text_at(task, "/s3Key"))
        .and_then(|(bucket, key)| Some(Bucket::new(bucket).ok()?.object(decode_key(key)?)));
    Ok(EventMessage {
        id: id.to_owned(),
        objects: object.map(|object| vec![object]).ok_or_else(unknown),
    })
}

/// Parses a notification. First removes its envelopes, at most [`MAX_WRAPPINGS`]. `wrappings` is
/// the number of envelopes that are removed already.
fn parse_notification(event: &Value, wrappings: usize) -> Result<Vec<ObjectRef>, EventError> {
    let unknown = || EventError::UnknownShape(describe_shape(event));
    if wrappings > MAX_WRAPPINGS {
        return Err(EventError::UnknownShape(format!(
            "wrapped more than {MAX_WRAPPINGS} times"
        )));
    }
    // S3 sends this once, when a notification is configured. There is nothing to do.
    if text_at(event, "/Event") == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    // SNS uses this form in SQS and HTTP.
    if let (Some("Notification"), Some(message)) =
        (text_at(event, "/Type"), text_at(event, "/Message"))
    {
        let message = parse_json(message, "the message of an SNS notification")?;
        return parse_notification(&message, wrappings + 1);
    }
    if text_at(event, "/source") == Some("aws.s3") {
        // Unlike S3's own notifications, EventBridge does not encode the key.
        let (bucket, key) = text_at(event, "/detail/bucket/name")
            .and_then(|bucket| Bucket::new(bucket).ok())
            .zip(text_at(event, "/detail/object/key"))
            .ok_or_else(unknown)?;
        return Ok(vec![bucket.object(key)]);
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Err(unknown());
    };
    let mut objects = Vec::new();
    for record in records {
        // SNS uses this form in Lambda.
        if let Some(message) = text_at(record, "/Sns/Message") {
            let message = parse_json(message, "the message of an SNS record")?;
            objects.extend(parse_notification(&message, wrappings + 1)?);
        } else {
            objects.push(parse_record(record).ok_or_else(|| {
                EventError::UnknownShape(format!("a record that is {}", describe_shape(record)))
            })?);
        }
    }
    Ok(objects)
}

/// Parses a record of S3's own notification. Returns `None` if the record has another shape.
fn parse_record(record: &Value) -> Option<ObjectRef> {
    let bucket = Bucket::new(text_at(record, "/s3/bucket/name")?).ok()?;
    Some(bucket.object(decode_key(text_at(record, "/s3/object/key")?)?))
}

/// Decodes a form-encoded key, in which a plus is a space: `card+1%2Fa.jpg` gives `card 1/a.jpg`.
/// Some stores also encode the slashes, as in this example. Returns `None` if the result is not
/// UTF-8.
fn decode_key(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded.ok().map(std::borrow::Cow::into_owned)
}

fn parse_json(text: &str, what: &str) -> Result<Value, EventError> {
    serde_json::from_str(text)
        .map_err(|error| EventError::UnknownShape(format!("{what} is not JSON: {error}")))
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Describes a JSON value by its type and field names. Leaves out all values, because they may be
/// private.
fn describe_shape(event: &Value) -> String {
    match event {
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
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
mod tests;
