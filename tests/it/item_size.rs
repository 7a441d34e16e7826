//! Compares the size rules of `catalogue::item_size` with Amazon's own engine, DynamoDB Local. It
//! runs if `.ci/stores` has started it and has set CONFORMANCE_DYNAMODB_LOCAL to its URL. Otherwise
//! the test is ignored.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::item_size::{
    MAX_ITEM_BYTES, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES, PHOTOS_KEYS, check_item_size,
    item_size,
};
use photo_catalogue::clients::{self, Endpoints};

/// The number of random items.
const ITEMS: u64 = 1_000;
/// The name of the table in DynamoDB Local.
const TABLE: &str = "item-size";

/// Returns a text of `length` bytes. A part of it has two bytes for each character.
fn random_text(random: &mut fastrand::Rng, length: usize) -> String {
    let wide = random.usize(..=length / 2);
    "é".repeat(wide) + &"x".repeat(length - 2 * wide)
}

fn random_number(random: &mut fastrand::Rng) -> String {
    let sign = ["", "-"][random.usize(..2)];
    let digits = |random: &mut fastrand::Rng, count: usize| -> String {
        (0..count)
            .map(|_| ["0", "0", "1", "5", "9"][random.usize(..5)])
            .collect()
    };
    let (whole, fraction) = (random.usize(1..19), random.usize(..19));
    let mut number = format!("{sign}{}", digits(random, whole));
    if fraction > 0 {
        number += &format!(".{}", digits(random, fraction));
    }
    if random.bool() {
        number += &format!("e{}", random.i32(-80..80));
    }
    number
}

/// Returns a random value of any type. Lists and maps are at most `depth` deep.
fn random_value(random: &mut fastrand::Rng, depth: usize) -> AttributeValue {
    let count = random.usize(1..20);
    match random.usize(..if depth == 0 { 7 } else { 9 }) {
        0 => AttributeValue::Bool(random.bool()),
        1 => AttributeValue::Null(true),
        2 | 3 => AttributeValue::N(random_number(random)),
        4 => AttributeValue::B(Blob::new(vec![7; count])),
        5 => {
            // The elements of a set differ.
            let text = |index: usize| random_text(random, 5) + &index.to_string();
            AttributeValue::Ss((0..count).map(text).collect())
        }
        6 => AttributeValue::S(random_text(random, count)),
        7 => AttributeValue::L(
            (0..count)
                .map(|_| random_value(random, depth - 1))
                .collect(),
        ),
        _ => AttributeValue::M(random_attributes(random, count, depth - 1)),
    }
}

fn random_attributes(
    random: &mut fastrand::Rng,
    count: usize,
    depth: usize,
) -> HashMap<String, AttributeValue> {
    (0..count)
        .map(|index| {
            let length = random.usize(1..30);
            let name = random_text(random, length) + &index.to_string();
            (name, random_value(random, depth))
        })
        .collect()
}

/// Returns a random item. Its size, or the size of one of its keys, is within three bytes of the
/// limit.
fn item_at_the_limit(random: &mut fastrand::Rng) -> HashMap<String, AttributeValue> {
    let count = random.usize(..20);
    let mut item = random_attributes(random, count, 3);
    let near = |random: &mut fastrand::Rng, limit: usize| limit - 3 + random.usize(..7);
    let text = |length| AttributeValue::S("k".repeat(length));
    item.insert("pk".to_owned(), text(6));
    if random.bool() {
        let names = PHOTOS_KEYS.partition.iter().chain(PHOTOS_KEYS.sort);
        let names: Vec<&&str> = names.collect();
        let name = *names[random.usize(..names.len())];
        let limit = if PHOTOS_KEYS.sort.contains(&name) {
            MAX_SORT_KEY_BYTES
        } else {
            MAX_PARTITION_KEY_BYTES
        };
        item.insert(name.to_owned(), text(near(random, limit)));
    } else {
        let other = item_size(&item) + "filler".len();
        // A few items are over the limit without a filler.
        let filler = near(random, MAX_ITEM_BYTES).saturating_sub(other).max(1);
        item.insert(
            "filler".to_owned(),
            AttributeValue::S(random_text(random, filler)),
        );
    }
    item
}

test_support::needs_dynamodb_local! {
    #[tokio::test]
    async fn items_are_accepted_and_refused_as_by_dynamodb_local() {
        let endpoints = Endpoints {
            s3: None,
            dynamodb: Some(std::env::var("CONFORMANCE_DYNAMODB_LOCAL").unwrap()),
        };
        let client = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints).dynamodb;
        Catalogue::new(client.clone(), TABLE).create_table().await.unwrap();
        let mut accepted = 0;
        for seed in 0..ITEMS {
            let item = item_at_the_limit(&mut fastrand::Rng::with_seed(seed));
            let ours = check_item_size(&item, PHOTOS_KEYS);
            let request = client.put_item().table_name(TABLE).set_item(Some(item));
            match request.send().await {
                Ok(_) => {
                    assert_eq!(ours, Ok(()), "item {seed} is accepted");
                    accepted += 1;
                }
                Err(error) => {
                    assert_eq!(error.code(), Some("ValidationException"), "item {seed}: {error:?}");
                    assert!(ours.is_err(), "item {seed} is refused: {:?}", error.message());
                }
            }
        }
        // Both results occur often.
        assert!((ITEMS / 4..ITEMS * 3 / 4).contains(&accepted), "{accepted}");
    }
}
