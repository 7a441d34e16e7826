//! Parses the attributes in a request's headers and checks them against the limits of S3. No I/O.

use std::collections::{BTreeMap, HashSet};

use http::StatusCode;
use s3s::dto::Timestamp;
use s3s::{S3ErrorCode, S3Result, s3_error};

use crate::errors::{custom_s3_error, s3_error};
use crate::times::{http_date, unix_ms};

/// The maximum size of user metadata in bytes: names and values together.
const MAX_METADATA_BYTES: usize = 2048;

/// The maximum number of tags of an object.
const MAX_TAGS: usize = 10;

/// The maximum length of a tag's key, in characters.
const MAX_TAG_KEY_CHARS: usize = 128;

/// The maximum length of a tag's value, in characters.
const MAX_TAG_VALUE_CHARS: usize = 256;

/// Checks the size of user metadata. Returns the metadata, ordered by name.
///
/// # Errors
/// `MetadataTooLarge` if names and values together have more than 2,048 bytes.
pub(crate) fn check_metadata(
    given: Option<s3s::dto::Metadata>,
) -> S3Result<BTreeMap<String, String>> {
    let metadata: BTreeMap<_, _> = given.into_iter().flatten().collect();
    let size: usize = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > MAX_METADATA_BYTES {
        return Err(s3_error(S3ErrorCode::MetadataTooLarge));
    }
    Ok(metadata)
}

/// Parses and checks the tags in an `x-amz-tagging` header, which is a query string. Returns no
/// tags if there is no header.
///
/// # Errors
/// `InvalidArgument` if the tags are not UTF-8, and the errors of [`check_tags`].
pub(crate) fn parse_tags(header: Option<&str>) -> S3Result<Vec<(String, String)>> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8()
            .map(|text| text.into_owned())
    };
    let pairs = header
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(key)?, decode(value)?))
        });
    let tags: Result<_, std::str::Utf8Error> = pairs.collect();
    check_tags(tags.map_err(|error| s3_error!(error, InvalidArgument, "the tags are not UTF-8"))?)
}

/// Removes `aws-chunked` from the value of a `Content-Encoding` header: `aws-chunked,gzip` gives
/// `gzip`. This encoding is only the form in which the body was sent. Returns `None` if no other
/// encoding is left.
pub(crate) fn strip_chunked_encoding(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|name| *name != "aws-chunked")
        .collect();
    (!kept.is_empty() && kept != [""]).then(|| kept.join(","))
}

/// Formats the time of an `Expires` header as an HTTP date. The store keeps the time in this form.
pub(crate) fn format_expires(time: &Timestamp) -> String {
    http_date(unix_ms(time))
}

/// Checks tags against the limits of S3 and returns them.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>
///
/// # Errors
/// `BadRequest` if there are more than 10 tags. `InvalidTag` if a key is empty, a key or a value is
/// too long, or two tags have the same key.
pub(crate) fn check_tags(tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    if tags.len() > MAX_TAGS {
        return Err(custom_s3_error(
            "BadRequest",
            StatusCode::BAD_REQUEST,
            "Object tags cannot be greater than 10",
        ));
    }
    let mut keys = HashSet::new();
    for (key, value) in &tags {
        if key.is_empty() || key.chars().count() > MAX_TAG_KEY_CHARS {
            return Err(s3_error!(
                InvalidTag,
                "The TagKey you have provided is invalid"
            ));
        }
        if value.chars().count() > MAX_TAG_VALUE_CHARS {
            return Err(s3_error!(
                InvalidTag,
                "The TagValue you have provided is invalid"
            ));
        }
        if !keys.insert(key) {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
    }
    Ok(tags)
}
