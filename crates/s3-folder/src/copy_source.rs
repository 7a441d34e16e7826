//! Parses the source of a copy in a request.

use s3s::dto::CopySource;
use s3s::{S3Result, s3_error};

use crate::address::ObjectAddress;

/// Parses the source of a copy: the bucket and the key of the source object.
///
/// # Errors
/// `NotImplemented` if the source has a version id or is an access point.
pub(crate) fn parse_copy_source(source: &CopySource) -> S3Result<ObjectAddress> {
    match source {
        CopySource::Bucket {
            version_id: Some(_),
            ..
        } => Err(s3_error!(NotImplemented, "the store keeps no versions")),
        CopySource::Bucket { bucket, key, .. } => {
            Ok(ObjectAddress::new(bucket.to_string(), key.to_string()))
        }
        _ => Err(s3_error!(NotImplemented, "the store has no access points")),
    }
}

/// Parses the byte range of a part that is copied: `bytes=0-4` gives `0..5`. `size` is the size of
/// the source in bytes.
///
/// # Errors
/// `InvalidArgument` if `range` has another form. `InvalidRange` if it is not within the source.
pub(crate) fn parse_copy_range(range: &str, size: u64) -> S3Result<std::ops::Range<u64>> {
    let parsed = range.strip_prefix("bytes=").and_then(|range| {
        let (first, last) = range.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?))
    });
    match parsed {
        Some((first, last)) if first <= last && last < size => Ok(first..last + 1),
        Some(_) => Err(s3_error!(
            InvalidRange,
            "The copy source range is not within the source"
        )),
        None => Err(s3_error!(
            InvalidArgument,
            "x-amz-copy-source-range must be bytes=first-last"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_range_must_lie_within_its_source() {
        assert_eq!(parse_copy_range("bytes=0-4", 5).ok(), Some(0..5));
        for wrong in ["bytes=0-5", "bytes=3-2", "bytes=-5", "0-4", "bytes=a-b"] {
            assert!(parse_copy_range(wrong, 5).is_err(), "{wrong}");
        }
    }
}
