//! Lists objects in pages, in byte order of their keys. If a delimiter is given, keys that are
//! equal up to the delimiter are listed as one entry, their common prefix. With the delimiter `/`,
//! the keys `a/1` and `a/2` have the common prefix `a/`.

use rusqlite::Connection;
use s3s::dto::{
    CommonPrefix, ETag, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ObjectStorageClass, Owner,
};
use s3s::{S3Result, s3_error};

use crate::database::{self, KeyRangeStart, KeyedObject};
use crate::key_encoding::KeyEncoding;
use crate::owner::local_owner;
use crate::store::S3Store;
use crate::times::timestamp;

/// The maximum number of entries in a page. An entry is a key or a common prefix.
const MAX_PAGE_ENTRIES: usize = 1000;

/// The maximum number of rows that one query of a listing with a delimiter reads. A row is a key.
/// The limit is low, because all keys after the first one may belong to the same common prefix.
const MAX_FOLDED_ROWS: usize = 100;

/// Carries out ListObjectsV2.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. `InvalidArgument` if the page size is negative or
/// the continuation token is invalid.
pub(crate) async fn list_objects_v2(
    store: &S3Store,
    input: ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    store.require_bucket(&input.bucket).await?;
    let size = page_size(input.max_keys)?;
    let after = match &input.continuation_token {
        Some(token) => ListingPosition::from_token(token)?,
        None => ListingPosition::Key(input.start_after.clone().unwrap_or_default()),
    };
    let request = PageRequest {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: non_empty(input.delimiter.clone()),
        after,
        size,
    };
    let page = store
        .query_database(move |connection| read_page(connection, &request))
        .await?;
    let encoding = KeyEncoding::requested(input.encoding_type.as_ref());
    let owner = input.fetch_owner.unwrap_or(false).then(local_owner);
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        key_count: i32::try_from(page.len()).ok(),
        max_keys: i32::try_from(size).ok(),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|position| position.to_token()),
        continuation_token: input.continuation_token,
        contents: Some(object_entries(page.objects, encoding, owner.as_ref())),
        common_prefixes: Some(prefix_entries(page.prefixes, encoding)),
        prefix: Some(encoding.encode(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(|delimiter| encoding.encode(delimiter)),
        start_after: input.start_after.map(|key| encoding.encode(key)),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// Carries out ListObjects, version 1 of the listing.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. `InvalidArgument` if the page size is negative.
pub(crate) async fn list_objects_v1(
    store: &S3Store,
    input: ListObjectsInput,
) -> S3Result<ListObjectsOutput> {
    store.require_bucket(&input.bucket).await?;
    let size = page_size(input.max_keys)?;
    let marker = input.marker.unwrap_or_default();
    let request = PageRequest {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: non_empty(input.delimiter.clone()),
        after: ListingPosition::Key(marker.clone()),
        size,
    };
    let page = store
        .query_database(move |connection| read_page(connection, &request))
        .await?;
    let encoding = KeyEncoding::requested(input.encoding_type.as_ref());
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        max_keys: i32::try_from(size).ok(),
        is_truncated: Some(page.next.is_some()),
        next_marker: page
            .next
            .map(|position| encoding.encode(position.into_marker())),
        contents: Some(object_entries(page.objects, encoding, Some(&local_owner()))),
        common_prefixes: Some(prefix_entries(page.prefixes, encoding)),
        prefix: Some(encoding.encode(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(|delimiter| encoding.encode(delimiter)),
        marker: Some(encoding.encode(marker)),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// The position of a client in a listing: the last entry of the page that it received. The next
/// page begins after this entry.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ListingPosition {
    /// The last entry is this key.
    Key(String),
    /// The last entry is this common prefix. The next page begins after all keys with this prefix.
    Prefix(String),
}

impl ListingPosition {
    /// Returns the position as a continuation token, the text with which a client asks for the next
    /// page.
    fn to_token(&self) -> String {
        let (kind, text) = match self {
            ListingPosition::Key(key) => ('k', key),
            ListingPosition::Prefix(prefix) => ('p', prefix),
        };
        let encoded = data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{kind}{encoded}")
    }

    /// Parses a continuation token, the text with which a client asks for the next page. The
    /// inverse of [`Self::to_token`].
    fn from_token(token: &str) -> S3Result<ListingPosition> {
        let parse = || {
            let encoded = token.get(1..)?.as_bytes();
            let text = data_encoding::BASE64URL_NOPAD.decode(encoded).ok()?;
            let text = String::from_utf8(text).ok()?;
            match token.as_bytes().first()? {
                b'k' => Some(ListingPosition::Key(text)),
                b'p' => Some(ListingPosition::Prefix(text)),
                _ => None,
            }
        };
        parse().ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })
    }

    /// Returns the position as a marker of ListObjects. A marker has the same form for a key and
    /// for a common prefix.
    fn into_marker(self) -> String {
        match self {
            ListingPosition::Key(text) | ListingPosition::Prefix(text) => text,
        }
    }
}

/// A request for one page of a listing.
struct PageRequest {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    after: ListingPosition,
    /// The maximum number of entries in the page. An entry is a key or a common prefix.
    size: usize,
}

impl PageRequest {
    /// Returns the common prefix that the listing shows instead of `key`. Returns `None` if the
    /// listing shows the key itself.
    fn common_prefix<'a>(&self, key: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let at = rest.find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }

    /// Returns the start of the range of keys that can be in the page.
    fn start(&self) -> KeyRangeStart {
        let start = match &self.after {
            ListingPosition::Prefix(prefix) => KeyRangeStart::From(prefix_successor(prefix)),
            // A marker of ListObjects can be a common prefix. Its keys were listed as that one
            // entry.
            ListingPosition::Key(key) if self.common_prefix(key) == Some(key) => {
                KeyRangeStart::From(prefix_successor(key))
            }
            ListingPosition::Key(key) if key.is_empty() => KeyRangeStart::From(Vec::new()),
            ListingPosition::Key(key) => KeyRangeStart::After(key.clone().into_bytes()),
        };
        if start.bytes() < self.prefix.as_bytes() {
            return KeyRangeStart::From(self.prefix.clone().into_bytes());
        }
        start
    }
}

/// A page of a listing.
#[derive(Default)]
struct ListingPage {
    objects: Vec<KeyedObject>,
    prefixes: Vec<String>,
    /// The last entry of the page if another page follows, else `None`.
    next: Option<ListingPosition>,
}

impl ListingPage {
    fn len(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }
}

/// Reads a page of a listing. After the first key with a common prefix, the other keys with this
/// prefix are skipped.
fn read_page(connection: &Connection, request: &PageRequest) -> rusqlite::Result<ListingPage> {
    let mut page = ListingPage::default();
    if request.size == 0 {
        return Ok(page);
    }
    let mut start = request.start();
    let mut last = None;
    loop {
        // One row more than the page needs shows whether another page follows.
        let missing = request.size - page.len() + 1;
        let limit = match request.delimiter {
            Some(_) => missing.min(MAX_FOLDED_ROWS),
            None => missing,
        };
        let rows = database::list_objects(connection, &request.bucket, &start, limit)?;
        let mut exhausted = rows.len() < limit;
        for row in rows {
            if !row.key.starts_with(&request.prefix) {
                return Ok(page);
            }
            if page.len() == request.size {
                page.next = last;
                return Ok(page);
            }
            if let Some(prefix) = request.common_prefix(&row.key) {
                start = KeyRangeStart::From(prefix_successor(prefix));
                last = Some(ListingPosition::Prefix(prefix.to_owned()));
                page.prefixes.push(prefix.to_owned());
                exhausted = false;
                break;
            }
            start = KeyRangeStart::After(row.key.clone().into_bytes());
            last = Some(ListingPosition::Key(row.key.clone()));
            page.objects.push(row);
        }
        if exhausted {
            return Ok(page);
        }
    }
}

/// Returns a byte string that is greater than every key that begins with `prefix`, and smaller than
/// every key that comes after these keys in byte order. The byte string ends in 0xFF, a byte that
/// UTF-8 does not have.
fn prefix_successor(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    bytes.push(0xFF);
    bytes
}

fn page_size(max_keys: Option<i32>) -> S3Result<usize> {
    let wanted = usize::try_from(max_keys.unwrap_or(1000))
        .map_err(|error| s3_error!(error, InvalidArgument, "max-keys must not be negative"))?;
    Ok(wanted.min(MAX_PAGE_ENTRIES))
}

fn non_empty(delimiter: Option<String>) -> Option<String> {
    delimiter.filter(|delimiter| !delimiter.is_empty())
}

fn object_entries(
    objects: Vec<KeyedObject>,
    encoding: KeyEncoding,
    owner: Option<&Owner>,
) -> Vec<s3s::dto::Object> {
    objects
        .into_iter()
        .map(|KeyedObject { key, object }| {
            let class = object
                .attributes
                .storage_class
                .unwrap_or_else(|| ObjectStorageClass::STANDARD.to_owned());
            s3s::dto::Object {
                key: Some(encoding.encode(key)),
                size: Some(object.identity.size),
                last_modified: Some(timestamp(object.modified_ms)),
                storage_class: Some(class.into()),
                owner: owner.cloned(),
                e_tag: Some(ETag::Strong(object.etag)),
                ..s3s::dto::Object::default()
            }
        })
        .collect()
}

fn prefix_entries(prefixes: Vec<String>, encoding: KeyEncoding) -> Vec<CommonPrefix> {
    prefixes
        .into_iter()
        .map(|prefix| CommonPrefix {
            prefix: Some(encoding.encode(prefix)),
        })
        .collect()
}
