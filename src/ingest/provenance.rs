//! The provenance of a copy: the source object and the bytes that it was made from. Organise writes
//! the provenance to the copy's user metadata, and index reads it.
//!
//! Every value is percent-encoded ASCII. Stores treat other characters differently: some return
//! them unchanged, some encode them as RFC 2047 describes, and some damage them. All user metadata
//! of an object together is at most 2 KB, which is S3's limit.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::catalogue::item::PartSource;
use crate::object::Bucket;
use crate::storage::ObjectProperties;

const OWNER: &str = "photo-owner";
const SOURCE: &str = "photo-source";
const SOURCE_ETAG: &str = "photo-source-etag";
const SOURCE_MODIFIED: &str = "photo-source-modified";
/// The maximum size of all names and values together, in bytes (S3 User Guide, "User-defined object
/// metadata").
const MAX_METADATA_BYTES: usize = 2048;
/// The maximum size of the percent-encoded source, in bytes. If the source is longer, its
/// `bucket/key` is written in base64, which is at most a third longer than the plain text.
const MAX_LEGIBLE_BYTES: usize = 1024;
const BASE64_MARK: &str = "base64:";
const HEADER_VALUE: &AsciiSet = &CONTROLS.add(b'%').add(b' ');

/// The provenance of a copy: its owner, and the source object that it was made from.
///
/// ```
/// use photo_catalogue::catalogue::item::PartSource;
/// use photo_catalogue::ingest::provenance::Provenance;
/// use photo_catalogue::storage::ObjectProperties;
///
/// let provenance = Provenance {
///     owner: "k3u1p0".to_owned(),
///     source: PartSource {
///         object: "s3://inbox/card 1/foobar.jpg".parse()?,
///         etag: "d41d8cd9".to_owned(),
///     },
///     last_modified: None,
/// };
/// let (metadata, left_out) = provenance.copy_metadata(&ObjectProperties::default().metadata);
/// assert_eq!(metadata["photo-source"], "inbox/card%201/foobar.jpg");
/// assert!(left_out.is_empty());
///
/// let copy = ObjectProperties { metadata, ..ObjectProperties::default() };
/// assert_eq!(Provenance::of(&copy), Some(provenance));
/// # Ok::<(), photo_catalogue::object::ObjectNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The owner of the copy. See [`crate::archive::Owner`].
    pub owner: String,
    /// The source object, and the ETag of the bytes that were copied.
    pub source: PartSource,
    /// Last-Modified of the source when it was copied, to the second. `None` if it is not recorded.
    pub last_modified: Option<DateTime<Utc>>,
}

impl Provenance {
    /// Reads the provenance from the user metadata of an object. Returns `None` if there is no
    /// provenance, because the object is not a copy that ingest made.
    pub fn of(object: &ObjectProperties) -> Option<Self> {
        let get = |name| object.metadata.get(name);
        let source = decode_source(get(SOURCE)?)?;
        let (bucket, key) = source.split_once('/')?;
        let modified =
            get(SOURCE_MODIFIED).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        Some(Provenance {
            owner: get(OWNER)?.clone(),
            source: PartSource {
                object: Bucket::new(bucket).ok()?.object(key),
                etag: get(SOURCE_ETAG)?.clone(),
            },
            last_modified: modified.map(|time| time.with_timezone(&Utc)),
        })
    }

    /// Builds the user metadata of a copy. It contains the provenance, and the source's own user
    /// metadata as far as it fits into 2 KB. Returns the metadata, and the names of the source's
    /// entries that did not fit.
    pub fn copy_metadata(
        &self,
        source_metadata: &BTreeMap<String, String>,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let source = format!("{}/{}", self.source.object.bucket, self.source.object.key);
        let mut metadata = BTreeMap::from([
            (OWNER.to_owned(), self.owner.clone()),
            (SOURCE.to_owned(), encode_source(&source)),
            (SOURCE_ETAG.to_owned(), self.source.etag.clone()),
        ]);
        if let Some(modified) = self.last_modified {
            metadata.insert(
                SOURCE_MODIFIED.to_owned(),
                modified.to_rfc3339_opts(SecondsFormat::Secs, true),
            );
        }
        let mut size: usize = metadata
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let mut left_out = Vec::new();
        for (name, value) in source_metadata {
            if metadata.contains_key(name) {
                continue;
            }
            // An ASCII value is copied unchanged. Any other value is percent-encoded once.
            let value = if value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                value.clone()
            } else {
                utf8_percent_encode(value, HEADER_VALUE).to_string()
            };
            if size + name.len() + value.len() <= MAX_METADATA_BYTES {
                size += name.len() + value.len();
                metadata.insert(name.clone(), value);
            } else {
                left_out.push(name.clone());
            }
        }
        (metadata, left_out)
    }
}

/// Encodes the text `bucket/key` as a header value: percent-encoded if that is short enough,
/// otherwise in base64.
fn encode_source(source: &str) -> String {
    let legible = utf8_percent_encode(source, HEADER_VALUE).to_string();
    if legible.len() <= MAX_LEGIBLE_BYTES {
        legible
    } else {
        format!("{BASE64_MARK}{}", BASE64URL_NOPAD.encode(source.as_bytes()))
    }
}

fn decode_source(text: &str) -> Option<String> {
    match text.strip_prefix(BASE64_MARK) {
        Some(base64) => String::from_utf8(BASE64URL_NOPAD.decode(base64.as_bytes()).ok()?).ok(),
        None => Some(percent_decode_str(text).decode_utf8().ok()?.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance(key: &str) -> Provenance {
        Provenance {
            owner: "o".repeat(26),
            source: PartSource {
                object: Bucket::new("inbox").expect("a bucket").object(key),
                etag: "e".repeat(35),
            },
            last_modified: DateTime::from_timestamp(1_517_474_467, 0),
        }
    }

    #[test]
    fn every_key_survives_the_round_trip_within_the_limit() {
        for key in [
            "a.jpg".to_owned(),
            "été/50 %20+.jpg".to_owned(),
            "é".repeat(512),
            "\u{1}".repeat(1024),
        ] {
            let (metadata, left_out) = provenance(&key).copy_metadata(&BTreeMap::new());
            let size: usize = metadata
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum();
            assert!(
                size <= MAX_METADATA_BYTES && metadata.values().all(|value| value.is_ascii()),
                "{size}"
            );
            assert!(left_out.is_empty());
            let copy = ObjectProperties {
                metadata,
                ..ObjectProperties::default()
            };
            assert_eq!(Provenance::of(&copy), Some(provenance(&key)));
        }
    }

    #[test]
    fn own_metadata_of_the_source_are_kept_up_to_the_limit() {
        let own = |name: &str, value: String| (name.to_owned(), value);
        let source = BTreeMap::from([
            own("a-note", "kept".to_owned()),
            own("b-long", "x".repeat(2000)),
            own("c-note", "été".to_owned()),
            own(OWNER, "owner of an older copy".to_owned()),
        ]);
        let (metadata, left_out) = provenance("a.jpg").copy_metadata(&source);
        assert_eq!(metadata.get("a-note").map(String::as_str), Some("kept"));
        assert_eq!(
            metadata.get("c-note").map(String::as_str),
            Some("%C3%A9t%C3%A9")
        );
        assert_eq!(metadata.get(OWNER), Some(&"o".repeat(26)));
        assert_eq!(left_out, ["b-long"]);
    }
}
