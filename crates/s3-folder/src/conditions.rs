//! Conditional requests: checks whether an object has the state that a request demands. No I/O.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>. The read
//! conditions are checked in the order of RFC 9110, section 13.2.2.

use http::{HeaderMap, HeaderValue};
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::database::StoredObject;
use crate::errors::s3_error;
use crate::times::{http_date, unix_seconds};

/// The conditions under which a write or a delete is carried out.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteConditions {
    /// The object must have this ETag. `Any` means that the object must exist.
    pub(crate) if_match: Option<ETagCondition>,
    /// The object must not have this ETag. `Any` means that there must be no object.
    pub(crate) if_none_match: Option<ETagCondition>,
    /// The object must have this size in bytes.
    pub(crate) if_match_size: Option<i64>,
    /// The object must have this time of the last change, in milliseconds since 1970.
    pub(crate) if_match_modified_ms: Option<i64>,
}

impl WriteConditions {
    /// Reports whether there is no condition.
    pub(crate) fn is_empty(&self) -> bool {
        !self.demands_object() && self.if_none_match.is_none()
    }

    /// Checks the conditions against the current object. `current` is `None` if there is no object.
    ///
    /// # Errors
    /// `NoSuchKey` if a condition demands an object and there is none. `PreconditionFailed` if a
    /// condition does not hold.
    pub(crate) fn check(&self, current: Option<&StoredObject>) -> S3Result {
        match current {
            None if self.demands_object() => Err(s3_error(S3ErrorCode::NoSuchKey)),
            None => Ok(()),
            Some(object) if self.all_hold(object) => Ok(()),
            Some(_) => Err(s3_error(S3ErrorCode::PreconditionFailed)),
        }
    }

    fn demands_object(&self) -> bool {
        self.if_match.is_some()
            || self.if_match_size.is_some()
            || self.if_match_modified_ms.is_some()
    }

    fn all_hold(&self, object: &StoredObject) -> bool {
        let etag_holds = self
            .if_match
            .as_ref()
            .is_none_or(|condition| etag_matches(condition, object));
        let other_etag_holds = self
            .if_none_match
            .as_ref()
            .is_none_or(|condition| !etag_matches(condition, object));
        let size_holds = self
            .if_match_size
            .is_none_or(|size| size == object.identity.size);
        // A client has the time in whole seconds from a header, or in milliseconds from a listing.
        let time_holds = self
            .if_match_modified_ms
            .is_none_or(|ms| ms == object.modified_ms || ms == whole_seconds(object.modified_ms));
        etag_holds && other_etag_holds && size_holds && time_holds
    }
}

/// The conditions under which a read is carried out. A copy has the same conditions for its source.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// The result of checking read conditions.
enum ConditionOutcome {
    Met,
    Failed,
    NotModified,
}

impl ReadConditions {
    /// Checks the conditions of a read against the object.
    ///
    /// # Errors
    /// `PreconditionFailed` if the condition `if_match` or `if_unmodified_since` does not hold.
    /// `NotModified`, with the headers of a 304 response, if the client already has these bytes:
    /// the object has the ETag in `if_none_match`, or has not changed since `if_modified_since`.
    pub(crate) fn check_read(&self, object: &StoredObject) -> S3Result {
        match self.evaluate(object) {
            ConditionOutcome::Met => Ok(()),
            ConditionOutcome::Failed => Err(s3_error(S3ErrorCode::PreconditionFailed)),
            ConditionOutcome::NotModified => Err(not_modified_error(object)),
        }
    }

    /// Checks the conditions that a copy has for its source. `object` is the source.
    ///
    /// # Errors
    /// `PreconditionFailed` if a condition does not hold.
    pub(crate) fn check_copy(&self, object: &StoredObject) -> S3Result {
        match self.evaluate(object) {
            ConditionOutcome::Met => Ok(()),
            ConditionOutcome::Failed | ConditionOutcome::NotModified => {
                Err(s3_error(S3ErrorCode::PreconditionFailed))
            }
        }
    }

    fn evaluate(&self, object: &StoredObject) -> ConditionOutcome {
        let modified_s = object.modified_ms.div_euclid(1000);
        if let Some(condition) = &self.if_match {
            if !etag_matches(condition, object) {
                return ConditionOutcome::Failed;
            }
        } else if let Some(time) = &self.if_unmodified_since
            && modified_s > unix_seconds(time)
        {
            return ConditionOutcome::Failed;
        }
        if let Some(condition) = &self.if_none_match {
            if etag_matches(condition, object) {
                return ConditionOutcome::NotModified;
            }
        } else if let Some(time) = &self.if_modified_since
            && modified_s <= unix_seconds(time)
        {
            return ConditionOutcome::NotModified;
        }
        ConditionOutcome::Met
    }
}

/// Parses the header `name`, an ETag condition such as `if-match`. The version of s3s in use does
/// not parse this header. Returns `None` if the request does not have the header.
///
/// # Errors
/// `InvalidArgument` if the header is not an ETag or `*`.
pub(crate) fn parse_condition_header(
    headers: &HeaderMap,
    name: &str,
) -> S3Result<Option<ETagCondition>> {
    headers
        .get(name)
        .map(|value| ETagCondition::parse_http_header(value.as_bytes()))
        .transpose()
        .map_err(|error| s3_error!(error, InvalidArgument, "{name} is not an ETag"))
}

fn not_modified_error(object: &StoredObject) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(value) = ETag::Strong(object.etag.clone()).to_http_header() {
        headers.insert(http::header::ETAG, value);
    }
    if let Ok(value) = HeaderValue::from_str(&http_date(object.modified_ms)) {
        headers.insert(http::header::LAST_MODIFIED, value);
    }
    error.set_headers(headers);
    error
}

fn etag_matches(condition: &ETagCondition, object: &StoredObject) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    }
}

fn whole_seconds(ms: i64) -> i64 {
    ms.div_euclid(1000) * 1000
}
