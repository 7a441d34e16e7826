//! Listing: pages of keys in byte order, folded at a delimiter.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::Connection;
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ObjectStorageClass, Owner,
};
use s3s::{S3Result, s3_error};

use super::S3Store;
use super::conditions::timestamp;
use super::database::{self, Object};
use super::objects::require_bucket;

/// Most entries in a page.
const LONGEST_PAGE: usize = 1000;

/// ListObjectsV2.
pub(super) async fn list_v2(
    store: &S3Store,
    input: ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    require_bucket(store, &input.bucket).await?;
    let size = page_size(input.max_keys)?;
    let after = match &input.continuation_token {
        Some(token) => After::parse(token)?,
        None => After::key(input.start_after.as_deref().unwrap_or_default()),
    };
    let wanted = Wanted {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input
            .delimiter
            .clone()
            .filter(|delimiter| !delimiter.is_empty()),
        after,
        size,
    };
    let page = store
        .query(move |connection| page(connection, &wanted))
        .await?;
    let spelling = Spelling::of(input.encoding_type.as_ref());
    let owner = input.fetch_owner.unwrap_or(false).then(owner);
    let count = page.objects.len() + page.prefixes.len();
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        key_count: i32::try_from(count).ok(),
        max_keys: i32::try_from(size).ok(),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|after| after.token()),
        continuation_token: input.continuation_token,
        contents: Some(
            page.objects
                .into_iter()
                .map(|(key, object)| entry(key, object, &spelling, &owner))
                .collect(),
        ),
        common_prefixes: Some(
            page.prefixes
                .into_iter()
                .map(|prefix| common(prefix, &spelling))
                .collect(),
        ),
        prefix: Some(spelling.spell(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(|delimiter| spelling.spell(delimiter)),
        start_after: input.start_after.map(|key| spelling.spell(key)),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// ListObjects, the first version.
pub(super) async fn list_v1(
    store: &S3Store,
    input: ListObjectsInput,
) -> S3Result<ListObjectsOutput> {
    require_bucket(store, &input.bucket).await?;
    let size = page_size(input.max_keys)?;
    let marker = input.marker.clone().unwrap_or_default();
    let wanted = Wanted {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input
            .delimiter
            .clone()
            .filter(|delimiter| !delimiter.is_empty()),
        after: After::key(&marker),
        size,
    };
    let page = store
        .query(move |connection| page(connection, &wanted))
        .await?;
    let spelling = Spelling::of(input.encoding_type.as_ref());
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        max_keys: i32::try_from(size).ok(),
        is_truncated: Some(page.next.is_some()),
        next_marker: page.next.map(|after| spelling.spell(after.0)),
        contents: Some(
            page.objects
                .into_iter()
                .map(|(key, object)| entry(key, object, &spelling, &Some(owner())))
                .collect(),
        ),
        common_prefixes: Some(
            page.prefixes
                .into_iter()
                .map(|prefix| common(prefix, &spelling))
                .collect(),
        ),
        prefix: Some(spelling.spell(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(|delimiter| spelling.spell(delimiter)),
        marker: Some(spelling.spell(marker)),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// Whoever the store belongs to.
pub(super) fn owner() -> Owner {
    Owner {
        display_name: Some("local".to_owned()),
        id: Some("local".to_owned()),
    }
}

/// How keys are written into XML, which cannot hold every character.
pub(super) struct Spelling {
    url: bool,
}

impl Spelling {
    pub(super) fn of(encoding: Option<&EncodingType>) -> Spelling {
        Spelling {
            url: encoding.is_some_and(|encoding| encoding.as_str() == EncodingType::URL),
        }
    }

    pub(super) fn spell(&self, key: String) -> String {
        const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'_')
            .remove(b'.')
            .remove(b'*')
            .remove(b'/')
            .remove(b' ');
        if self.url {
            utf8_percent_encode(&key, ENCODED)
                .to_string()
                .replace(' ', "+")
        } else {
            key
        }
    }
}

/// The place in a listing that a page starts behind: a key, or everything under a common prefix.
struct After(String, bool);

impl After {
    fn key(key: &str) -> After {
        After(key.to_owned(), false)
    }

    fn token(&self) -> String {
        let kind = if self.1 { 'p' } else { 'k' };
        format!(
            "{kind}{}",
            data_encoding::BASE64URL_NOPAD.encode(self.0.as_bytes())
        )
    }

    fn parse(token: &str) -> S3Result<After> {
        let parsed = || {
            let whole = match token.as_bytes().first()? {
                b'p' => true,
                b'k' => false,
                _ => return None,
            };
            let key = data_encoding::BASE64URL_NOPAD
                .decode(token.get(1..)?.as_bytes())
                .ok()?;
            Some(After(String::from_utf8(key).ok()?, whole))
        };
        parsed().ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })
    }
}

struct Wanted {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    after: After,
    size: usize,
}

#[derive(Default)]
struct Page {
    objects: Vec<(String, Object)>,
    prefixes: Vec<String>,
    /// Where the next page starts; `None` after the last.
    next: Option<After>,
}

fn page(connection: &Connection, wanted: &Wanted) -> rusqlite::Result<Page> {
    let mut page = Page::default();
    if wanted.size == 0 {
        return Ok(page);
    }
    let prefix = wanted.prefix.as_bytes();
    // The least key that may come.
    let (mut from, mut inclusive) = match &wanted.after {
        After(key, true) => (beyond(key), true),
        After(key, false) => {
            // Starting behind a key inside a folded folder, or behind the folder's own entry as the first version of
            // the listing names it, that folder has been shown.
            match wanted
                .delimiter
                .as_deref()
                .and_then(|d| common_prefix(key, &wanted.prefix, d))
            {
                Some(shown) if shown == *key => (beyond(key), true),
                _ => (key.as_bytes().to_vec(), key.is_empty()),
            }
        }
    };
    if from.as_slice() < prefix {
        (from, inclusive) = (prefix.to_vec(), true);
    }
    let mut last = None;
    loop {
        let missing = wanted.size - page.objects.len() - page.prefixes.len();
        // One more than fits tells whether there is more.
        let limit = if wanted.delimiter.is_some() {
            (missing + 1).min(100)
        } else {
            missing + 1
        };
        let found = database::range(connection, &wanted.bucket, &from, inclusive, limit)?;
        let exhausted = found.len() < limit;
        let mut skipped = false;
        for (key, object) in found {
            if !key.starts_with(&wanted.prefix) {
                return Ok(page);
            }
            let folder = wanted
                .delimiter
                .as_deref()
                .and_then(|d| common_prefix(&key, &wanted.prefix, d));
            let full = page.objects.len() + page.prefixes.len() == wanted.size;
            if full {
                page.next = last;
                return Ok(page);
            }
            match folder {
                Some(folder) => {
                    // On to what comes after everything in the folder.
                    (from, inclusive) = (beyond(folder), true);
                    last = Some(After(folder.to_owned(), true));
                    page.prefixes.push(folder.to_owned());
                    skipped = true;
                    break;
                }
                None => {
                    (from, inclusive) = (key.as_bytes().to_vec(), false);
                    last = Some(After(key.clone(), false));
                    page.objects.push((key, object));
                }
            }
        }
        if exhausted && !skipped {
            return Ok(page);
        }
    }
}

/// The part of `key` that a listing folds into one entry.
fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    let rest = key.strip_prefix(prefix)?;
    let at = rest.find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

/// The least byte string after every key that starts with `prefix`: UTF-8 has no byte 0xFF.
fn beyond(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    bytes.push(0xFF);
    bytes
}

fn page_size(max_keys: Option<i32>) -> S3Result<usize> {
    let wanted = usize::try_from(max_keys.unwrap_or(1000))
        .map_err(|error| s3_error!(error, InvalidArgument, "max-keys must not be negative"))?;
    Ok(wanted.min(LONGEST_PAGE))
}

fn entry(
    key: String,
    object: Object,
    spelling: &Spelling,
    owner: &Option<Owner>,
) -> s3s::dto::Object {
    let class = object
        .attributes
        .storage_class
        .clone()
        .unwrap_or_else(|| ObjectStorageClass::STANDARD.to_owned());
    s3s::dto::Object {
        key: Some(spelling.spell(key)),
        size: Some(object.identity.size),
        last_modified: Some(timestamp(object.modified_ms)),
        storage_class: Some(class.into()),
        owner: owner.clone(),
        e_tag: Some(ETag::Strong(object.etag)),
        ..s3s::dto::Object::default()
    }
}

fn common(prefix: String, spelling: &Spelling) -> CommonPrefix {
    CommonPrefix {
        prefix: Some(spelling.spell(prefix)),
    }
}
