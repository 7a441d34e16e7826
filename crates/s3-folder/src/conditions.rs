//! Conditional requests: which object a request insists on. Pure.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>; the order of the read
//! conditions is that of RFC 9110, section 13.2.2.

use http::{HeaderMap, HeaderValue};
use s3s::dto::{ETag, ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::database::Object;
use super::refusal;

/// What a write or a delete insists on.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_match_size: Option<i64>,
    pub(super) if_match_modified_ms: Option<i64>,
}

impl WriteConditions {
    pub(super) fn is_empty(&self) -> bool {
        self.if_match.is_none()
            && self.if_none_match.is_none()
            && self.if_match_size.is_none()
            && self.if_match_modified_ms.is_none()
    }

    /// # Errors
    /// `PreconditionFailed`; `NoSuchKey` where the object that it insists on does not exist.
    pub(super) fn check(&self, current: Option<&Object>) -> S3Result {
        let Some(object) = current else {
            let insists = self.if_match.is_some()
                || self.if_match_size.is_some()
                || self.if_match_modified_ms.is_some();
            return if insists {
                Err(refusal(S3ErrorCode::NoSuchKey))
            } else {
                Ok(())
            };
        };
        let matches = self.if_match.as_ref().is_none_or(|condition| holds(condition, object))
            && self.if_none_match.as_ref().is_none_or(|condition| !holds(condition, object))
            && self.if_match_size.is_none_or(|size| size == object.identity.size)
            // Clients only have whole seconds from the header, or milliseconds from a listing.
            && self.if_match_modified_ms.is_none_or(|ms| ms == object.modified_ms || ms == seconds(object.modified_ms));
        if matches {
            Ok(())
        } else {
            Err(refusal(S3ErrorCode::PreconditionFailed))
        }
    }
}

/// What a read insists on, or what a copy insists on of its source.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// # Errors
    /// `PreconditionFailed`, or `NotModified` with the headers that a 304 carries.
    pub(super) fn check_read(&self, object: &Object) -> S3Result {
        match self.judge(object) {
            Judgement::Met => Ok(()),
            Judgement::Failed => Err(refusal(S3ErrorCode::PreconditionFailed)),
            Judgement::NotModified => {
                let mut error = S3Error::new(S3ErrorCode::NotModified);
                let mut headers = HeaderMap::new();
                if let Ok(value) = ETag::Strong(object.etag.clone()).to_http_header() {
                    headers.insert(http::header::ETAG, value);
                }
                if let Ok(value) = HeaderValue::from_str(&http_date(object.modified_ms)) {
                    headers.insert(http::header::LAST_MODIFIED, value);
                }
                error.set_headers(headers);
                Err(error)
            }
        }
    }

    /// # Errors
    /// `PreconditionFailed`.
    pub(super) fn check_copy(&self, object: &Object) -> S3Result {
        match self.judge(object) {
            Judgement::Met => Ok(()),
            Judgement::Failed | Judgement::NotModified => {
                Err(refusal(S3ErrorCode::PreconditionFailed))
            }
        }
    }

    fn judge(&self, object: &Object) -> Judgement {
        let modified_s = object.modified_ms.div_euclid(1000);
        if let Some(condition) = &self.if_match {
            if !holds(condition, object) {
                return Judgement::Failed;
            }
        } else if let Some(time) = &self.if_unmodified_since
            && modified_s > unix_seconds(time)
        {
            return Judgement::Failed;
        }
        if let Some(condition) = &self.if_none_match {
            if holds(condition, object) {
                return Judgement::NotModified;
            }
        } else if let Some(time) = &self.if_modified_since
            && modified_s <= unix_seconds(time)
        {
            return Judgement::NotModified;
        }
        Judgement::Met
    }
}

/// A header that this version of s3s does not read.
///
/// # Errors
/// `InvalidArgument`.
pub(super) fn raw_condition(headers: &HeaderMap, name: &str) -> S3Result<Option<ETagCondition>> {
    headers
        .get(name)
        .map(|value| ETagCondition::parse_http_header(value.as_bytes()))
        .transpose()
        .map_err(|error| s3_error!(error, InvalidArgument, "{name} is not an ETag"))
}

/// A time as `Last-Modified` has it.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    let system =
        std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms.max(0).cast_unsigned());
    Timestamp::from(system)
}

/// An HTTP date.
pub(super) fn http_date(ms: i64) -> String {
    let mut text = Vec::new();
    let _ = timestamp(ms).format(TimestampFormat::HttpDate, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Milliseconds since 1970.
pub(super) fn unix_ms(time: &Timestamp) -> i64 {
    let mut text = Vec::new();
    let _ = time.format(TimestampFormat::DateTime, &mut text);
    std::str::from_utf8(&text)
        .ok()
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
        .map_or(0, |time| time.timestamp_millis())
}

enum Judgement {
    Met,
    Failed,
    NotModified,
}

fn holds(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    }
}

fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000) * 1000
}

fn unix_seconds(time: &Timestamp) -> i64 {
    unix_ms(time).div_euclid(1000)
}
