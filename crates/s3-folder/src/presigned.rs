//! The limit on presigned URLs. A person who has a presigned URL may send its request until it
//! expires.

use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Result, s3_error};

use crate::errors::custom_s3_error;

/// The longest time for which a presigned URL may be valid: twelve hours. S3 itself allows a week.
const MAX_VALID_SECONDS: u64 = 12 * 60 * 60;
/// The parameter with the time in seconds for which a presigned URL is valid.
const EXPIRES: &str = "X-Amz-Expires";

/// Refuses requests without a valid signature, and presigned URLs that are valid for too long.
#[derive(Debug)]
pub(crate) struct SignedRequestsOnly;

#[async_trait::async_trait]
impl S3Access for SignedRequestsOnly {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        if may_be_valid_too_long(context.uri()) {
            return Err(custom_s3_error(
                "AuthorizationQueryParametersError",
                StatusCode::BAD_REQUEST,
                "X-Amz-Expires must not be more than 43200 seconds (12 hours).",
            ));
        }
        Ok(())
    }
}

/// Reports whether a URL has a time of validity that is too long, or that is not a number.
fn may_be_valid_too_long(uri: &Uri) -> bool {
    uri.query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| percent_decode_str(name).eq(EXPIRES.bytes()))
        .any(|(_, value)| {
            let value = percent_decode_str(value).decode_utf8_lossy();
            !value
                .parse()
                .is_ok_and(|seconds: u64| seconds <= MAX_VALID_SECONDS)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_valid_for_too_long_are_found() {
        for (query, refused) in [
            ("", false),
            ("?prefix=X-Amz-Expires", false),
            ("?X-Amz-Expires=43200", false),
            ("?X-Amz-Expires=1%30", false),
            ("?X-Amz-Expires=43201", true),
            ("?a=b&X%2DAmz-Expires=2592000", true),
            ("?X-Amz-Expires=60&X-Amz-Expires=2592000", true),
            ("?X-Amz-Expires", true),
            ("?X-Amz-Expires=99999999999999999999999", true),
        ] {
            let uri: Uri = format!("/bucket/key{query}").parse().expect("a URI");
            assert_eq!(may_be_valid_too_long(&uri), refused, "{query}");
        }
    }
}
