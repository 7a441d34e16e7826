//! The provenance of a copy: the source object and the bytes that it was made from, and the archive
//! key that it was made for. Organise writes the provenance to the copy's user metadata, and index
//! reads it.
//!
//! Every value is percent-encoded ASCII. Stores treat other characters differently: some return
//! them unchanged, some encode them as RFC 2047 describes, and some damage them. All user metadata
//! of an object together is at most 2 KB, which is S3's limit.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::catalogue::item::PartSource;
use crate::identity::ContentId;
use crate::object::Bucket;
use crate::storage::ObjectProperties;

/// The entry of copies that an older version of this program made. Copies do not get it any more.
const OLD_OWNER: &str = "photo-owner";
const SOURCE: &str = "photo-source";
const SOURCE_ETAG: &str = "photo-source-etag";
const SOURCE_MODIFIED: &str = "photo-source-modified";
const TARGET: &str = "photo-target";
const CONTENT: &str = "photo-content";
/// The maximum size of all names and values together, in bytes (S3 User Guide, "User-defined object
/// metadata").
const MAX_METADATA_BYTES: usize = 2048;
/// The maximum size of the percent-encoded source, in bytes. If the source is longer, its
/// `bucket/key` is written in base64, which is at most a third longer than the plain text.
const MAX_LEGIBLE_BYTES: usize = 1024;
/// The maximum size of the percent-encoded archive key, in bytes. The key without its prefix has at
/// most 267 bytes, so it has at most 363 bytes in base64.
const MAX_LEGIBLE_TARGET_BYTES: usize = 363;
/// The names of the entries that belong to the provenance.
const OWN_NAMES: [&str; 6] = [
    OLD_OWNER,
    SOURCE,
    SOURCE_ETAG,
    SOURCE_MODIFIED,
    TARGET,
    CONTENT,
];
const BASE64_MARK: &str = "base64:";
const HEADER_VALUE: &AsciiSet = &CONTROLS.add(b'%').add(b' ');

/// The provenance of a copy: the source object that it was made from, and the archive key that it
/// was made for.
///
/// ```
/// use photo_catalogue::catalogue::item::PartSource;
/// use photo_catalogue::identity::ContentId;
/// use photo_catalogue::ingest::provenance::Provenance;
/// use photo_catalogue::storage::ObjectProperties;
///
/// let provenance = Provenance {
///     source: PartSource {
///         object: "s3://inbox/card 1/foobar.jpg".parse()?,
///         etag: "d41d8cd9".to_owned(),
///     },
///     content: Some(ContentId::of_md5(1, "d41d8cd9")),
///     target: Some("2018-02-01/foobar.jpg".to_owned()),
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
    /// The source object, and the ETag of the bytes that were copied.
    pub source: PartSource,
    /// The content id of the bytes that were copied. `None` if an older version of this program made
    /// the copy.
    pub content: Option<ContentId>,
    /// The archive key that the copy was made for, without the archive prefix. If the copy has
    /// another key, a person copied or renamed it. `None` if an older version of this program made
    /// the copy.
    pub target: Option<String>,
    /// Last-Modified of the source when it was copied, to the second. `None` if it is not recorded.
    pub last_modified: Option<DateTime<Utc>>,
}

impl Provenance {
    /// Reads the provenance from the user metadata of an object. Returns `None` if there is no
    /// provenance, because the object is not a copy that ingest made.
    pub fn of(object: &ObjectProperties) -> Option<Self> {
        let get = |name| object.metadata.get(name);
        let source = decode_text(get(SOURCE)?)?;
        let (bucket, key) = source.split_once('/')?;
        let modified =
            get(SOURCE_MODIFIED).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        Some(Provenance {
            source: PartSource {
                object: Bucket::new(bucket).ok()?.object(key),
                etag: get(SOURCE_ETAG)?.clone(),
            },
            content: get(CONTENT).map(|content| ContentId::stored(content)),
            target: get(TARGET).and_then(|target| decode_text(target)),
            last_modified: modified.map(|time| time.with_timezone(&Utc)),
        })
    }

    /// Returns the content id of a copy with this provenance and this size in bytes. The content id
    /// of an older copy is that of an MD5.
    pub fn content_id(&self, bytes: u64) -> ContentId {
        let of_etag = || ContentId::of_md5(bytes, &self.source.etag);
        self.content.clone().unwrap_or_else(of_etag)
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
            (SOURCE.to_owned(), encode_text(&source, MAX_LEGIBLE_BYTES)),
            (SOURCE_ETAG.to_owned(), self.source.etag.clone()),
        ]);
        if let Some(content) = &self.content {
            metadata.insert(CONTENT.to_owned(), content.as_str().to_owned());
        }
        if let Some(target) = &self.target {
            let target = encode_text(target, MAX_LEGIBLE_TARGET_BYTES);
            metadata.insert(TARGET.to_owned(), target);
        }
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
            // A source that was itself a copy may have entries of its own provenance.
            if OWN_NAMES.contains(&name.as_str()) {
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

/// Encodes a text as a header value: percent-encoded if that has at most `max_legible` bytes,
/// otherwise in base64.
fn encode_text(text: &str, max_legible: usize) -> String {
    let legible = utf8_percent_encode(text, HEADER_VALUE).to_string();
    if legible.len() <= max_legible {
        legible
    } else {
        format!("{BASE64_MARK}{}", BASE64URL_NOPAD.encode(text.as_bytes()))
    }
}

fn decode_text(text: &str) -> Option<String> {
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
            source: PartSource {
                object: Bucket::new("inbox").expect("a bucket").object(key),
                etag: "e".repeat(35),
            },
            content: Some(ContentId::of_md5(u64::MAX, &"e".repeat(35))),
            target: Some(format!("2018-02-01/{}é.jpg", "é".repeat(125))),
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
            own(OLD_OWNER, "owner of an older copy".to_owned()),
            own(TARGET, "the key of an older copy".to_owned()),
        ]);
        let (metadata, left_out) = provenance("a.jpg").copy_metadata(&source);
        assert_eq!(metadata.get("a-note").map(String::as_str), Some("kept"));
        assert_eq!(
            metadata.get("c-note").map(String::as_str),
            Some("%C3%A9t%C3%A9")
        );
        assert!(!metadata.contains_key(OLD_OWNER));
        assert!(metadata[TARGET].starts_with(BASE64_MARK));
        assert_eq!(left_out, ["b-long"]);
    }
}
