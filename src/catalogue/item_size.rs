//! The size of an item by DynamoDB's rules, and the check that DynamoDB accepts the item. This module
//! sends no request.
//!
//! The rules are those of the DynamoDB Developer Guide: "Item sizes and formats" and "Service,
//! account, and table quotas". The embedded engine does not check them all, so this program checks
//! them before every write. A test compares the results with DynamoDB Local.

use std::collections::HashMap;
use std::hash::BuildHasher;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

/// The maximum size of an item in bytes, with the names of its attributes.
pub const MAX_ITEM_BYTES: usize = 400 << 10;
/// The maximum size in bytes of an item to which a file is added. The rest is for the tombstone of the
/// first file that does not fit. Its labels may make the photo private, so the item must record it.
pub const MAX_BYTES_WITH_FILES: usize = MAX_ITEM_BYTES - (8 << 10);
/// The maximum size of a partition key in bytes, in a table or in an index.
pub const MAX_PARTITION_KEY_BYTES: usize = 2_048;
/// The maximum size of a sort key in bytes, in a table or in an index.
pub const MAX_SORT_KEY_BYTES: usize = 1_024;

/// The size of a list or map without its elements, in bytes.
const DOCUMENT_BYTES: usize = 3;
/// The size of each element of a list or map, in addition to its name and value, in bytes.
const ELEMENT_BYTES: usize = 1;
/// The number of mantissa bytes from which a negative number has no byte for its sign.
const LONG_MANTISSA_BYTES: usize = 20;

/// The attributes that are keys of a table or of its indexes.
#[derive(Debug, Clone, Copy)]
pub struct KeyAttributes {
    /// The names of the partition keys.
    pub partition: &'static [&'static str],
    /// The names of the sort keys.
    pub sort: &'static [&'static str],
}

/// The keys of the photos table and of its indexes. A test compares them with schema/tables.json.
pub const PHOTOS_KEYS: KeyAttributes = KeyAttributes {
    partition: &[
        "pk",
        "datePartition",
        "cameraPartition",
        "lensPartition",
        "placePartition",
    ],
    sort: &["dateSort", "placeSort"],
};

/// The keys of the publish table.
pub const PUBLISH_KEYS: KeyAttributes = KeyAttributes {
    partition: &["pk"],
    sort: &["sk"],
};

/// The reason why DynamoDB refuses an item. A repeat of the same write fails again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemSizeError {
    /// The whole item is too large.
    #[error("too large: {bytes} bytes; an item has at most {MAX_ITEM_BYTES}")]
    Item {
        /// The size of the item in bytes.
        bytes: usize,
    },
    /// The item fits, but no tombstone of a skipped file would fit into it any more.
    #[error("too large: {bytes} bytes; an item with files has at most {MAX_BYTES_WITH_FILES}")]
    NoRoomForTombstone {
        /// The size of the item in bytes.
        bytes: usize,
    },
    /// A key is too long or empty.
    #[error("too large: the key {name} has {bytes} bytes; allowed are 1 to {most}")]
    Key {
        /// The name of the attribute.
        name: &'static str,
        /// The size of its value in bytes.
        bytes: usize,
        /// The maximum size in bytes.
        most: usize,
    },
}

/// Returns the size of an item in bytes.
///
/// ```
/// use std::collections::HashMap;
///
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use photo_catalogue::catalogue::item_size::item_size;
///
/// let item = HashMap::from([("pk".to_owned(), AttributeValue::S("é".to_owned()))]);
/// assert_eq!(item_size(&item), 4);
/// ```
pub fn item_size<S: BuildHasher>(item: &HashMap<String, AttributeValue, S>) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_size(value))
        .sum()
}

/// Checks that DynamoDB accepts the size of an item and of its keys.
///
/// # Errors
/// Returns an [`ItemSizeError`] if the item or one of its keys is too large, or if a key is empty.
pub fn check_item_size<S: BuildHasher>(
    item: &HashMap<String, AttributeValue, S>,
    keys: KeyAttributes,
) -> Result<(), ItemSizeError> {
    let partition = keys
        .partition
        .iter()
        .map(|&name| (name, MAX_PARTITION_KEY_BYTES));
    let sort = keys.sort.iter().map(|&name| (name, MAX_SORT_KEY_BYTES));
    for (name, most) in partition.chain(sort) {
        let Some(AttributeValue::S(value)) = item.get(name) else {
            continue;
        };
        if value.is_empty() || value.len() > most {
            return Err(ItemSizeError::Key {
                name,
                bytes: value.len(),
                most,
            });
        }
    }
    match item_size(item) {
        bytes if bytes > MAX_ITEM_BYTES => Err(ItemSizeError::Item { bytes }),
        _ => Ok(()),
    }
}

/// Returns the size in bytes of the item that the table stores for `item`.
pub(crate) fn stored_item_size<T: Serialize>(item: &T) -> usize {
    let stored: Result<HashMap<String, AttributeValue>, _> = serde_dynamo::to_item(item);
    stored.map_or(0, |stored| item_size(&stored))
}

/// Returns the size in bytes of the value that the table stores for `value`, without the name of its
/// attribute.
pub(crate) fn stored_value_size<T: Serialize>(value: &T) -> usize {
    let stored: Result<AttributeValue, _> = serde_dynamo::to_attribute_value(value);
    stored.map_or(0, |stored| value_size(&stored))
}

/// Returns the size of a value in bytes, without the name of its attribute.
fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| number_size(number)).sum(),
        AttributeValue::Bs(all) => all.iter().map(|bytes| bytes.as_ref().len()).sum(),
        AttributeValue::L(list) => {
            let elements = list.iter().map(|value| ELEMENT_BYTES + value_size(value));
            DOCUMENT_BYTES + elements.sum::<usize>()
        }
        AttributeValue::M(map) => DOCUMENT_BYTES + map.len() * ELEMENT_BYTES + item_size(map),
        // The SDK marks the type as incomplete. DynamoDB has no other type.
        _ => 0,
    }
}

/// Returns the size of a number in bytes: one byte for the exponent, one for each two decimal digits
/// of the mantissa, and one for a negative sign. Zeros at the ends of the mantissa do not count. The
/// digits are paired from the decimal point on.
fn number_size(number: &str) -> usize {
    let (negative, unsigned) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let leading_zeros = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0').len();
    if significant == 0 {
        return 1;
    }
    // The number is 0.DIGITS times ten to the power of `point`.
    let point = whole.len() as i64 - leading_zeros as i64 + exponent.parse().unwrap_or(0);
    let unpaired = usize::from(point % 2 != 0);
    let mantissa_bytes = (significant + unpaired).div_ceil(2);
    1 + mantissa_bytes + usize::from(negative && mantissa_bytes < LONG_MANTISSA_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> AttributeValue {
        AttributeValue::S("x".repeat(length))
    }

    #[test]
    fn numbers_take_half_a_byte_per_digit() {
        for (number, bytes) in [
            ("0", 1),
            ("0.00", 1),
            ("1", 2),
            ("-1", 3),
            ("12", 2),
            ("123", 3),
            ("100", 2),
            ("0.5", 2),
            ("0.05", 2),
            ("1e10", 2),
            ("1.5", 3),
            ("123456789012345678", 10),
        ] {
            assert_eq!(number_size(number), bytes, "{number}");
        }
    }

    #[test]
    fn documents_count_their_elements() {
        let list = AttributeValue::L(vec![AttributeValue::Bool(true), text(4)]);
        assert_eq!(value_size(&list), 3 + 2 + 1 + 4);
        let map = AttributeValue::M(HashMap::from([("ab".to_owned(), list)]));
        assert_eq!(value_size(&map), 3 + 1 + 2 + 10);
    }

    #[test]
    fn largest_item_and_keys_are_accepted() {
        let check = |name: &str, length: usize, filler: usize| {
            let item = HashMap::from([
                ("pk".to_owned(), text(6)),
                (name.to_owned(), text(length)),
                ("filler".to_owned(), text(filler)),
            ]);
            check_item_size(&item, PHOTOS_KEYS)
        };
        assert_eq!(check("lensPartition", 2_048, 0), Ok(()));
        assert!(check("lensPartition", 2_049, 0).is_err());
        assert!(check("lensPartition", 0, 0).is_err());
        assert_eq!(check("dateSort", 1_024, 0), Ok(()));
        assert!(check("dateSort", 1_025, 0).is_err());
        let rest = MAX_ITEM_BYTES - "pk".len() - 6 - "a".len() - "filler".len();
        assert_eq!(check("a", 0, rest), Ok(()));
        let error = ItemSizeError::Item {
            bytes: MAX_ITEM_BYTES + 1,
        };
        assert_eq!(check("a", 1, rest), Err(error));
    }
}
