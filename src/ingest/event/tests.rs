//! Tests of every known event shape, in the spelling of its sender.

use super::*;

/// Builds a record of S3's notification, with only the fields that every version has.
fn record(version: &str, source: &str, key: &str) -> Value {
    json!({ "eventVersion": version, "eventSource": source, "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "inbox" }, "object": { "key": key } } })
}

fn s3(key: &str) -> Value {
    json!({ "Records": [record("2.3", "aws:s3", key)] })
}

fn sqs(id: &str, body: &Value) -> Value {
    let body = body
        .as_str()
        .map_or_else(|| body.to_string(), str::to_owned);
    json!({ "messageId": id, "receiptHandle": "r", "body": body, "attributes": {}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "awsRegion": "us-east-1" })
}

fn sns_to_sqs(message: &Value) -> Value {
    json!({ "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:000000000000:t",
            "Subject": "Amazon S3 Notification", "Message": message.to_string(), "SignatureVersion": "1" })
}

fn sns_to_lambda(message: &Value) -> Value {
    json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn",
                          "Sns": { "Type": "Notification", "MessageId": "m", "Message": message.to_string() } }] })
}

fn event_bridge(kind: &str, key: &str) -> Value {
    json!({ "version": "0", "id": "i", "detail-type": kind, "source": "aws.s3", "account": "000000000000",
            "region": "us-east-1", "resources": ["arn:aws:s3:::inbox"],
            "detail": { "version": "0", "bucket": { "name": "inbox" }, "object": { "key": key, "sequencer": "0" },
                        "reason": "PutObject" } })
}

fn minio(key: &str) -> Value {
    json!({ "EventName": "s3:ObjectCreated:Put", "Key": "inbox/x", "Records": [record("2.0", "minio:s3", key)] })
}

fn job(schema: &str, task: Value) -> Value {
    json!({ "invocationSchemaVersion": schema, "invocationId": "abc", "job": { "id": "j" }, "tasks": [task] })
}

fn test_event() -> Value {
    json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2018-02-01T09:41:07.000Z", "Bucket": "inbox",
            "RequestId": "r", "HostId": "h" })
}

/// Returns the object keys in all messages of an event. All messages must parse, and all objects
/// must be in the bucket `inbox`.
fn keys(event: &Value) -> Vec<String> {
    let unwrapped = unwrap_event(event).unwrap_or_else(|error| panic!("{event}: {error}"));
    let objects = unwrapped
        .messages
        .into_iter()
        .flat_map(|message| message.objects.expect("parsed"));
    objects
        .map(|object| {
            assert_eq!(object.bucket, "inbox");
            object.key
        })
        .collect()
}

#[test]
fn every_known_shape_yields_its_key() {
    let key = "card 1/été+%20.jpg";
    let form = "card+1/%C3%A9t%C3%A9%2B%2520.jpg";
    let all_encoded = "card+1%2F%C3%A9t%C3%A9%2B%2520.jpg";
    let percent_only = "card%201/%C3%A9t%C3%A9%2B%2520.jpg";
    let mut removed = s3(form);
    removed["Records"][0]["eventName"] = "ObjectRemoved:DeleteMarkerCreated".into();
    let mut expired = s3(form);
    expired["Records"][0]["eventName"] = "LifecycleExpiration:Delete".into();
    let queue = |body: &Value| json!({ "Records": [sqs("1", body)] });
    let shapes = [
        ("AWS", s3(form)),
        ("a removal", removed),
        ("an expiry", expired),
        ("MinIO", minio(all_encoded)),
        (
            "moto",
            json!({ "Records": [record("2.1", "aws:s3", all_encoded)] }),
        ),
        ("spaces as %20", s3(percent_only)),
        ("SNS to Lambda", sns_to_lambda(&s3(form))),
        ("SQS", queue(&s3(form))),
        ("SNS to SQS", queue(&sns_to_sqs(&s3(form)))),
        ("SNS to SQS, raw", queue(&s3(form))),
        ("EventBridge, created", event_bridge("Object Created", key)),
        ("EventBridge, deleted", event_bridge("Object Deleted", key)),
        (
            "EventBridge to SQS",
            queue(&event_bridge("Object Created", key)),
        ),
        (
            "EventBridge to SNS",
            sns_to_lambda(&event_bridge("Object Created", key)),
        ),
        (
            "Batch Operations 1.0",
            job(
                "1.0",
                json!({ "taskId": "t", "s3Key": form, "s3VersionId": null,
                                                    "s3BucketArn": "arn:aws:s3:::inbox" }),
            ),
        ),
        (
            "the same with a region",
            job(
                "1.0",
                json!({ "taskId": "t", "s3Key": form,
                                                      "s3BucketArn": "arn:aws:s3:us-east-1:0123456788:inbox" }),
            ),
        ),
        (
            "Batch Operations 2.0",
            job(
                "2.0",
                json!({ "taskId": "t", "s3Key": form, "s3Bucket": "inbox" }),
            ),
        ),
    ];
    for (name, event) in shapes {
        assert_eq!(keys(&event), [key], "{name}");
    }
    for version in ["2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"] {
        assert_eq!(
            keys(&json!({ "Records": [record(version, "aws:s3", form)] })),
            [key],
            "{version}"
        );
    }
}

#[test]
fn test_event_is_acknowledged_in_every_envelope() {
    for event in [
        test_event(),
        sns_to_lambda(&test_event()),
        json!({ "Records": [sqs("1", &test_event())] }),
        json!({ "Records": [sqs("1", &sns_to_sqs(&test_event()))] }),
    ] {
        assert_eq!(keys(&event), [""; 0], "{event}");
    }
}

#[test]
fn error_for_an_unknown_shape_lists_fields_without_values() {
    let error = |event: Value| match unwrap_event(&event) {
        Err(error) => error.to_string(),
        Ok(unwrapped) => panic!("{event}: {unwrapped:?}"),
    };
    for (event, seen) in [
        (json!(null), "null"),
        (json!({}), "an empty object"),
        (json!("secret"), "a string"),
        (json!([{ "key": "secret" }]), "a list of 1"),
        (
            json!({ "detail-type": "x", "secret": "y" }),
            "an object with detail-type, secret",
        ),
        (
            json!({ "source": "aws.s3", "detail": {} }),
            "an object with source, detail",
        ),
        (
            json!({ "source": "aws.ec2", "detail": {} }),
            "an object with source, detail",
        ),
        (
            json!({ "Records": [{ "dynamodb": {} }] }),
            "a record that is an object with dynamodb",
        ),
        (
            json!({ "Records": [{ "s3": { "bucket": {} } }] }),
            "a record that is an object with s3",
        ),
        (
            json!({ "Records": [{ "eventSource": "aws:sqs", "body": "{}" }] }),
            "an SQS record without messageId",
        ),
        (
            json!({ "Type": "SubscriptionConfirmation", "Message": "{}" }),
            "an object with Type, Message",
        ),
        (
            job("1.0", json!({ "s3Key": "a" })),
            "a task that is an object with s3Key",
        ),
        (
            s3("%ff.jpg"),
            "a record that is an object with eventVersion, eventSource, eventName, s3",
        ),
    ] {
        assert_eq!(error(event), format!("an event of no known shape: {seen}"));
    }
    let mut wrapped = s3("a.jpg");
    for _ in 0..9 {
        wrapped = sns_to_sqs(&wrapped);
    }
    assert!(error(wrapped).ends_with("wrapped more than 4 times"));
}

#[test]
fn unparsable_message_does_not_affect_the_others() {
    let event = json!({ "Records": [sqs("1", &s3("a.jpg")), sqs("2", &json!("poison")), sqs("3", &json!({ "x": 1 }))] });
    let unwrapped = unwrap_event(&event).expect("a queue");
    let parsed: Vec<bool> = unwrapped
        .messages
        .iter()
        .map(|message| message.objects.is_ok())
        .collect();
    assert_eq!(parsed, [true, false, false]);
}

#[test]
fn response_has_the_format_of_the_sender() {
    let done = || Disposition::Done("archived".to_owned());
    let retry = || Disposition::Retry("throttled".to_owned());
    let permanent = || Disposition::Permanent("no such prefix".to_owned());

    let direct = unwrap_event(&s3("a.jpg")).expect("known");
    let ignored = || Disposition::Ignored("outside".to_owned());
    for disposition in [done(), ignored()] {
        assert_eq!(direct.response(&[disposition]).expect("success"), json!({}));
    }
    for disposition in [retry(), permanent()] {
        assert!(direct.response(&[disposition]).is_err());
    }

    let queue = json!({ "Records": [sqs("1", &s3("a.jpg")), sqs("2", &s3("b.jpg")), sqs("3", &s3("c.jpg"))] });
    let queue = unwrap_event(&queue).expect("known");
    assert_eq!(
        queue
            .response(&[done(), retry(), permanent()])
            .expect("partial"),
        json!({ "batchItemFailures": [{ "itemIdentifier": "2" }, { "itemIdentifier": "3" }] })
    );

    for (schema, disposition, code) in [
        ("1.0", done(), "Succeeded"),
        ("2.0", retry(), "TemporaryFailure"),
        ("2.0", permanent(), "PermanentFailure"),
        ("2.0", ignored(), "PermanentFailure"),
    ] {
        let task = json!({ "taskId": "t", "s3Key": "a.jpg", "s3Bucket": "inbox" });
        let answer = unwrap_event(&job(schema, task))
            .expect("known")
            .response(std::slice::from_ref(&disposition));
        assert_eq!(
            answer.expect("a result for each task"),
            json!({ "invocationSchemaVersion": schema, "treatMissingKeysAs": "TemporaryFailure", "invocationId": "abc",
                    "results": [{ "taskId": "t", "resultCode": code, "resultString": disposition.reason() }] })
        );
    }
}
