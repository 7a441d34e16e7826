//! Unwraps the events that tell of a change, whichever way they came, and words the answer in kind.
//!
//! Known shapes: S3's own notification (event versions 2.0 to 2.6, as AWS, MinIO and moto spell it), the same inside
//! SNS, inside SQS, inside SNS inside SQS (raw or not), EventBridge's S3 events (alone or inside SQS), S3 Batch
//! Operations 1.0 and 2.0, and the test event that S3 sends once. Only the fields that are read are looked at, since
//! other stores leave many of AWS's out. What happened to a key is not looked at either: created, removed or expired,
//! the key may have changed. An event of no known shape is an error that names what was seen.
//!
//! Sources: S3 User Guide, "Event message structure", "EventBridge event message structure", "Invoke AWS Lambda
//! function"; Lambda Developer Guide, "Using Lambda with Amazon SQS", "… with Amazon SNS".

use percent_encoding::percent_decode;
use serde_json::{Value, json};

/// How deep an event may be wrapped: SNS inside SQS is two.
const MAX_WRAPPINGS: usize = 4;
/// Longest reason given to S3 Batch Operations, whose report takes 1,024 characters.
const MAX_REASON_CHARS: usize = 1000;

/// A key that may have changed; what happened to it does not matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// Bucket.
    pub bucket: String,
    /// Key, decoded.
    pub key: String,
}

/// An event taken apart.
#[derive(Debug)]
pub struct Delivery {
    /// What each part of it tells.
    pub parcels: Vec<EventMessage>,
    /// The answer that it wants.
    reply: ReplyFormat,
}

/// A part of an event that is acknowledged by itself.
#[derive(Debug)]
pub struct EventMessage {
    /// By which the answer names it; empty where the event has one answer for all.
    pub id: String,
    /// What it tells.
    pub notices: Result<Vec<Notice>, EventError>,
}

/// How an event is answered.
#[derive(Debug)]
enum ReplyFormat {
    /// One answer for all: nothing, or an error.
    Direct,
    /// SQS: the messages that are to come again.
    Queue,
    /// S3 Batch Operations: a result for each task.
    Job { schema: String, invocation: Value },
}

/// How a parcel ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// All of it is made right; the outcomes, in words.
    Done(String),
    /// There is nothing for us to do with it; why. Who asked for exactly this key may want to know.
    Ignored(String),
    /// It is to come again; why.
    Retry(String),
    /// To come again would not help; why.
    Permanent(String),
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
pub fn unwrap(event: &Value) -> Result<Delivery, EventError> {
    if let (Some(schema), Some(tasks)) = (
        text(event, "/invocationSchemaVersion"),
        event.get("tasks").and_then(Value::as_array),
    ) {
        return Ok(Delivery {
            parcels: tasks.iter().map(task).collect::<Result<_, _>>()?,
            reply: ReplyFormat::Job {
                schema: schema.to_owned(),
                invocation: event.get("invocationId").cloned().unwrap_or_default(),
            },
        });
    }
    let records = event.get("Records").and_then(Value::as_array);
    let is_message = |record: &Value| text(record, "/eventSource") == Some("aws:sqs");
    match records {
        Some(records) if !records.is_empty() && records.iter().all(is_message) => Ok(Delivery {
            parcels: records.iter().map(message).collect::<Result<_, _>>()?,
            reply: ReplyFormat::Queue,
        }),
        _ => Ok(Delivery {
            parcels: vec![EventMessage {
                id: String::new(),
                notices: Ok(notices(event, 0)?),
            }],
            reply: ReplyFormat::Direct,
        }),
    }
}

impl Delivery {
    /// The answer, given how each parcel ended, in their order.
    ///
    /// # Errors
    /// The event has one answer for all and a parcel did not end well.
    pub fn answer(&self, endings: &[Disposition]) -> Result<Value, EventError> {
        let ended = self.parcels.iter().zip(endings);
        match &self.reply {
            ReplyFormat::Direct => match ended.map(|(_, ending)| ending).find(|e| !e.is_done()) {
                None => Ok(json!({})),
                Some(ending) => Err(EventError::Failed(ending.reason().to_owned())),
            },
            ReplyFormat::Queue => {
                let failed = ended.filter(|(_, ending)| !ending.is_done());
                let failed = failed.map(|(parcel, _)| json!({ "itemIdentifier": parcel.id }));
                Ok(json!({ "batchItemFailures": failed.collect::<Vec<_>>() }))
            }
            ReplyFormat::Job { schema, invocation } => {
                let results = ended.map(|(parcel, ending)| {
                    let reason: String = ending.reason().chars().take(MAX_REASON_CHARS).collect();
                    json!({ "taskId": parcel.id, "resultCode": ending.code(), "resultString": reason })
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
    /// Whether it need not come again.
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

    /// As S3 Batch Operations calls it.
    fn code(&self) -> &'static str {
        match self {
            Disposition::Done(_) => "Succeeded",
            Disposition::Retry(_) => "TemporaryFailure",
            Disposition::Ignored(_) | Disposition::Permanent(_) => "PermanentFailure",
        }
    }
}

/// A message of SQS.
fn message(record: &Value) -> Result<EventMessage, EventError> {
    let id = text(record, "/messageId")
        .ok_or_else(|| EventError::Unknown("an SQS record without messageId".to_owned()))?;
    let body = text(record, "/body").unwrap_or_default();
    Ok(EventMessage {
        id: id.to_owned(),
        notices: parse(body, "the body of an SQS message").and_then(|body| notices(&body, 1)),
    })
}

/// A task of S3 Batch Operations. Its key is encoded as the manifest's are; 1.0 names the bucket by its ARN, 2.0 by
/// its name.
fn task(task: &Value) -> Result<EventMessage, EventError> {
    let id = text(task, "/taskId")
        .ok_or_else(|| EventError::Unknown(format!("a task that is {}", described(task))))?;
    let bucket = text(task, "/s3Bucket").or_else(|| {
        let arn = text(task, "/s3BucketArn")?;
        arn.rsplit(':').next()
    });
    let notice = bucket.zip(text(task, "/s3Key")).and_then(|(bucket, key)| {
        Some(Notice {
            bucket: bucket.to_owned(),
            key: decode(key)?,
        })
    });
    Ok(EventMessage {
        id: id.to_owned(),
        notices: notice
            .map(|notice| vec![notice])
            .ok_or_else(|| EventError::Unknown(format!("a task that is {}", described(task)))),
    })
}

/// What an event tells, however it is wrapped.
fn notices(event: &Value, wrappings: usize) -> Result<Vec<Notice>, EventError> {
    let unknown = || EventError::Unknown(described(event));
    if wrappings > MAX_WRAPPINGS {
        return Err(EventError::Unknown(format!(
            "wrapped more than {MAX_WRAPPINGS} times"
        )));
    }
    // Sent once when a notification is configured; there is nothing to do.
    if text(event, "/Event") == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    // SNS, as SQS and HTTP get it.
    if let (Some("Notification"), Some(message)) = (text(event, "/Type"), text(event, "/Message")) {
        let message = parse(message, "the message of an SNS notification")?;
        return notices(&message, wrappings + 1);
    }
    if text(event, "/source") == Some("aws.s3") {
        // Unlike S3's own notifications, EventBridge gives the key as it is.
        let (bucket, key) = text(event, "/detail/bucket/name")
            .zip(text(event, "/detail/object/key"))
            .ok_or_else(unknown)?;
        return Ok(vec![Notice {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        }]);
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Err(unknown());
    };
    let mut found = Vec::new();
    for record in records {
        // SNS, as Lambda gets it.
        if let Some(message) = text(record, "/Sns/Message") {
            let message = parse(message, "the message of an SNS record")?;
            found.extend(notices(&message, wrappings + 1)?);
        } else {
            let unknown = || EventError::Unknown(format!("a record that is {}", described(record)));
            found.push(notice(record).ok_or_else(unknown)?);
        }
    }
    Ok(found)
}

fn notice(record: &Value) -> Option<Notice> {
    Some(Notice {
        bucket: text(record, "/s3/bucket/name")?.to_owned(),
        key: decode(text(record, "/s3/object/key")?)?,
    })
}

/// Keys are encoded as in a form: a space is a plus. Some stores encode the slashes too.
fn decode(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded.ok().map(std::borrow::Cow::into_owned)
}

fn parse(text: &str, what: &str) -> Result<Value, EventError> {
    serde_json::from_str(text)
        .map_err(|error| EventError::Unknown(format!("{what} is not JSON: {error}")))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// The names of what was seen, without its values.
fn described(event: &Value) -> String {
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
