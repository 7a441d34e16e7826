//! What a client says of an object beside its bytes: read from headers, checked against S3's limits. Pure.

use http::StatusCode;
use s3s::dto::Timestamp;
use s3s::{S3ErrorCode, S3Result, s3_error};

use super::conditions::{http_date, unix_ms};
use super::{custom, refusal};

/// Largest user metadata, names and values together, in bytes.
const LARGEST_METADATA: usize = 2048;

/// Most tags of an object.
const MOST_TAGS: usize = 10;

/// User metadata, as it is kept.
pub(super) fn metadata(
    given: Option<s3s::dto::Metadata>,
) -> S3Result<std::collections::BTreeMap<String, String>> {
    let metadata: std::collections::BTreeMap<_, _> = given.into_iter().flatten().collect();
    if metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>()
        > LARGEST_METADATA
    {
        return Err(refusal(S3ErrorCode::MetadataTooLarge));
    }
    Ok(metadata)
}

/// Tags as the header has them: a query string.
pub(super) fn parse_tags(header: &str) -> S3Result<Vec<(String, String)>> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8()
            .map(|text| text.into_owned())
    };
    let pairs = header
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(key)?, decode(value)?))
        });
    let tags: Result<_, std::str::Utf8Error> = pairs.collect();
    checked_tags(tags.map_err(|error| s3_error!(error, InvalidArgument, "the tags are not UTF-8"))?)
}

/// `aws-chunked` says how the body came, not what it is.
pub(super) fn without_chunking(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|name| *name != "aws-chunked")
        .collect();
    (!kept.is_empty() && kept != [""]).then(|| kept.join(","))
}

/// An HTTP date, as it is kept.
pub(super) fn date(time: &Timestamp) -> String {
    http_date(unix_ms(time))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>
pub(super) fn checked_tags(tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    if tags.len() > MOST_TAGS {
        return Err(custom(
            "BadRequest",
            StatusCode::BAD_REQUEST,
            "Object tags cannot be greater than 10",
        ));
    }
    let mut keys = std::collections::HashSet::new();
    for (key, value) in &tags {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(s3_error!(
                InvalidTag,
                "The TagKey you have provided is invalid"
            ));
        }
        if value.chars().count() > 256 {
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
