//! A simple function for comparison with ingest. It downloads a whole photo, reads its EXIF with
//! kamadak-exif, uploads it to a folder named after its day, and puts one item. It has no
//! conditions, no ledger and no checks: a second photo of the same name replaces the first.
//! `cargo run -p bench --bin lambda_start` compares ingest with it.

use std::collections::HashMap;
use std::io::Cursor;

use aws_sdk_dynamodb::types::AttributeValue;
use exif::{DateTime, In, Tag, Value as ExifValue};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::config;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let endpoints = Endpoints {
        s3: variable(config::S3_ENDPOINT),
        dynamodb: variable(config::DYNAMODB_ENDPOINT),
    };
    let clients = clients::connect(&clients::from_environment().await, &endpoints);
    let archive = std::env::var(config::ARCHIVE_BUCKET)?;
    let table = std::env::var(config::TABLE)?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let (clients, archive, table) = (&clients, &archive, &table);
        async move {
            for record in event.payload["Records"].as_array().into_iter().flatten() {
                archive_photo(clients, record, archive, table).await?;
            }
            Ok::<_, Error>(json!({}))
        }
    }))
    .await
}

async fn archive_photo(
    clients: &Clients,
    record: &Value,
    archive: &str,
    table: &str,
) -> Result<(), Error> {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
    let bucket = text("/s3/bucket/name").ok_or("no bucket")?;
    let key = text("/s3/object/key").ok_or("no key")?;
    let get = clients.s3.get_object().bucket(bucket).key(key);
    let bytes = get.send().await?.body.collect().await?.into_bytes();
    let exif = exif::Reader::new().read_from_container(&mut Cursor::new(&bytes))?;
    let taken = exif
        .get_field(Tag::DateTimeOriginal, In::PRIMARY)
        .ok_or("no date")?;
    let ExifValue::Ascii(taken) = &taken.value else {
        return Err("no date".into());
    };
    let taken = DateTime::from_ascii(taken.first().ok_or("no date")?)?;
    let name = key.rsplit('/').next().unwrap_or(key);
    let day = format!("{:04}-{:02}-{:02}", taken.year, taken.month, taken.day);
    let to = format!("{day}/{name}");
    let put = clients.s3.put_object().bucket(archive).key(&to);
    put.body(bytes.into()).send().await?;
    let tags: HashMap<String, AttributeValue> = exif
        .fields()
        .map(|field| {
            let value = field.display_value().with_unit(&exif).to_string();
            (field.tag.to_string(), AttributeValue::S(value))
        })
        .collect();
    let put = clients.dynamodb.put_item().table_name(table);
    put.item("pk", AttributeValue::S(format!("downloaded#{to}")))
        .item("tags", AttributeValue::M(tags))
        .send()
        .await?;
    Ok(())
}
