//! What a copy says of where it came from: user metadata that organise writes and index reads.
//!
//! Every value is percent-encoded ASCII, since stores disagree on anything else (raw, RFC 2047, mojibake), and all user
//! metadata together stay under S3's 2 KB.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::catalogue::item::PartSource;
use crate::storage::ObjectProperties;

const OWNER: &str = "photo-owner";
const SOURCE: &str = "photo-source";
const SOURCE_ETAG: &str = "photo-source-etag";
const SOURCE_MODIFIED: &str = "photo-source-modified";
/// Names and values together (S3 User Guide, "User-defined object metadata").
const MAX_METADATA_BYTES: usize = 2048;
/// A source whose percent-encoded form is longer is written in base64 instead, which is at most a third longer than it.
const MAX_LEGIBLE_BYTES: usize = 1024;
const BASE64_MARK: &str = "base64:";
const HEADER_VALUE: &AsciiSet = &CONTROLS.add(b'%').add(b' ');

/// Whose a copy is and which bytes of which source it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Provenance {
    pub(super) owner: String,
    pub(super) source: PartSource,
    pub(super) last_modified: Option<DateTime<Utc>>,
}

impl Provenance {
    /// What the object says; `None` where it is not a copy of ours.
    pub(super) fn of(object: &ObjectProperties) -> Option<Self> {
        let get = |name| object.metadata.get(name);
        let source = get(SOURCE)?;
        let source = match source.strip_prefix(BASE64_MARK) {
            Some(base64) => {
                String::from_utf8(BASE64URL_NOPAD.decode(base64.as_bytes()).ok()?).ok()?
            }
            None => percent_decode_str(source).decode_utf8().ok()?.into_owned(),
        };
        let (bucket, key) = source.split_once('/')?;
        let modified =
            get(SOURCE_MODIFIED).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        Some(Provenance {
            owner: get(OWNER)?.clone(),
            source: PartSource {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                etag: get(SOURCE_ETAG)?.clone(),
            },
            last_modified: modified.map(|time| time.with_timezone(&Utc)),
        })
    }

    /// The user metadata of the copy: ours, then the source's own as far as there is room, and the names of those for
    /// which there was none.
    pub(super) fn metadata(
        &self,
        source: &ObjectProperties,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let name = format!("{}/{}", self.source.bucket, self.source.key);
        let legible = utf8_percent_encode(&name, HEADER_VALUE).to_string();
        let source_name = if legible.len() <= MAX_LEGIBLE_BYTES {
            legible
        } else {
            format!("{BASE64_MARK}{}", BASE64URL_NOPAD.encode(name.as_bytes()))
        };
        let mut metadata = BTreeMap::from([
            (OWNER.to_owned(), self.owner.clone()),
            (SOURCE.to_owned(), source_name),
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
        for (name, value) in &source.metadata {
            if metadata.contains_key(name) {
                continue;
            }
            // An ASCII value goes through as it is; anything else is percent-encoded once.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance(key: &str) -> Provenance {
        Provenance {
            owner: "o".repeat(26),
            source: PartSource {
                bucket: "inbox".to_owned(),
                key: key.to_owned(),
                etag: "e".repeat(35),
            },
            last_modified: DateTime::from_timestamp(1_517_474_467, 0),
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_fits_whatever_the_key() {
        for key in [
            "a.jpg".to_owned(),
            "été/50 %20+.jpg".to_owned(),
            "é".repeat(512),
            "\u{1}".repeat(1024),
        ] {
            let (metadata, left_out) = provenance(&key).metadata(&ObjectProperties::default());
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
    fn the_sources_own_metadata_are_kept_as_far_as_there_is_room() {
        let own = |name: &str, value: String| (name.to_owned(), value);
        let source = ObjectProperties {
            metadata: BTreeMap::from([
                own("a-note", "kept".to_owned()),
                own("b-long", "x".repeat(2000)),
                own("c-note", "été".to_owned()),
                own(OWNER, "an older copy's".to_owned()),
            ]),
            ..ObjectProperties::default()
        };
        let (metadata, left_out) = provenance("a.jpg").metadata(&source);
        assert_eq!(metadata.get("a-note").map(String::as_str), Some("kept"));
        assert_eq!(
            metadata.get("c-note").map(String::as_str),
            Some("%C3%A9t%C3%A9")
        );
        assert_eq!(metadata.get(OWNER), Some(&"o".repeat(26)));
        assert_eq!(left_out, ["b-long"]);
    }
}
