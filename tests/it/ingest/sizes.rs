//! Tests of photos whose metadata are larger than an item of DynamoDB may be.

use std::fmt::Write as _;

use photo_catalogue::catalogue::item::PhotoPart;
use photo_catalogue::catalogue::item_size::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};
use photo_catalogue::ingest::Outcome;
use test_support::hostile_files;

use super::fixture::{IngestWorld, archive_object, layout};
use super::photos::TestShot;

/// Returns a WebP whose XMP has this number of keywords of 1,000 characters.
fn photo_of_keywords(count: usize) -> Vec<u8> {
    let words = (0..count).fold(String::new(), |mut words, n| {
        let _ = write!(words, "<r:li>{n:01000}</r:li>");
        words
    });
    let packet = format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><r:RDF><r:Description><dc:subject><r:Bag>{words}</r:Bag></dc:subject></r:Description></r:RDF></x:xmpmeta>"#
    );
    let mut bytes = b"RIFF\0\0\0\0WEBPXMP ".to_vec();
    bytes.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
    bytes.extend(packet.as_bytes());
    bytes
}

#[tokio::test]
async fn photo_with_too_many_keywords_is_catalogued_with_a_warning() {
    let world = IngestWorld::new().await;
    world.upload("keywords.webp", photo_of_keywords(256)).await;
    world.wait_until_delivered().await;
    let item = world.item("undated/keywords").await.unwrap();
    // A record has at most 64 KB of keywords, and the labels of a file at most 16 KB.
    assert_eq!(item.photo.record.keywords.len(), 65);
    let summary = item.summary.unwrap();
    assert_eq!(summary.record.keywords, item.photo.record.keywords);
    assert!(summary.labels.is_some_and(|labels| labels.gap.is_some()));
    let warning = "more keywords than a record contains: the last ones are missing";
    assert_eq!(item.exif_warnings, [warning]);
}

#[tokio::test]
async fn long_names_give_keys_that_dynamodb_accepts() {
    let world = IngestWorld::new().await;
    let name = "n".repeat(1_000);
    let key = format!("{name}.jpg");
    world.put_archived(&key, TestShot::undated().jpeg()).await;
    world.wait_until_delivered().await;
    let index = world.item(&name).await.unwrap().index;
    assert!(index.date_sort.unwrap().len() <= MAX_SORT_KEY_BYTES);
    let slug = index.camera_partition.unwrap_or_default();
    assert!(slug.len() <= MAX_PARTITION_KEY_BYTES);
}

/// The number of parts that the test adds to an item by itself. Ingest would add them one by one, and
/// read and write the whole item for each.
const ADDED_PARTS: usize = 230;

#[tokio::test]
async fn file_whose_item_does_not_fit_is_skipped_and_not_retried() {
    let world = IngestWorld::without_delivery(layout()).await;
    let stem = format!("2018-02-01/{}", "n".repeat(980));
    let photo = TestShot::at("2018:02:01 09:41:07").jpeg();
    let key_of_part = |number: usize| format!("{stem}.E{number:03}");
    let process = async |number: usize| {
        let key = key_of_part(number);
        world.put_archived(&key, photo.clone()).await;
        let outcome = world.ingest.process_object(&archive_object(&key)).await;
        outcome.unwrap()
    };
    assert_eq!(process(0).await, Outcome::Indexed);
    // The item gets almost as many parts as it may have.
    let mut item = world.item(&stem).await.unwrap();
    let part = item.parts["E000"].clone();
    for number in 1..=ADDED_PARTS {
        let name = format!("E{number:03}");
        let key = key_of_part(number);
        item.parts.insert(
            name,
            PhotoPart {
                key,
                ..part.clone()
            },
        );
    }
    world.put_item(&item).await;
    let mut skipped = None;
    for number in ADDED_PARTS + 1..400 {
        if let Outcome::Skipped(reason) = process(number).await {
            skipped = Some((number, key_of_part(number), reason));
            break;
        }
    }
    let (number, key, reason) = skipped.expect("a part that does not fit");
    assert!(reason.starts_with("too large"), "{reason}");
    // The photo keeps the parts that fit, and `photos skipped` lists the other one.
    assert_eq!(world.live_parts(&stem).await.len(), number);
    // The file that was skipped may have keywords that make the photo private.
    let gap = world.item(&stem).await.unwrap().labels().gap;
    assert!(gap.is_some_and(|gap| gap.contains("was skipped: too large")));
    let skipped: Vec<_> =
        futures::TryStreamExt::try_collect::<Vec<_>>(world.catalogue.scan_skipped_entries())
            .await
            .unwrap();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].object, archive_object(&key));
}

#[tokio::test]
async fn hostile_file_is_catalogued_with_a_warning() {
    let world = IngestWorld::new().await;
    let (_, bytes) = hostile_files::all()
        .into_iter()
        .find(|file| file.0 == "JXL of Brotli windows")
        .unwrap();
    world.put_archived("hostile.jxl", bytes).await;
    world.wait_until_delivered().await;
    let item = world.item("hostile").await.unwrap();
    assert!(item.exif_warnings[0].contains("too much work"));
}
