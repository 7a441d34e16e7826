//! Converts times between milliseconds since 1970 (UTC), which the store uses, and the forms that
//! the S3 protocol uses.

use std::time::{Duration, UNIX_EPOCH};

use s3s::dto::{Timestamp, TimestampFormat};

/// Returns the current time in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Converts milliseconds since 1970 to the time type of s3s. A negative time becomes 1970.
pub(crate) fn timestamp(ms: i64) -> Timestamp {
    let system = UNIX_EPOCH + Duration::from_millis(ms.max(0).cast_unsigned());
    Timestamp::from(system)
}

/// Formats milliseconds since 1970 as an HTTP date, as in `Last-Modified`.
pub(crate) fn http_date(ms: i64) -> String {
    let mut text = Vec::new();
    let _ = timestamp(ms).format(TimestampFormat::HttpDate, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Converts a time of s3s to milliseconds since 1970. Returns 0 if the time cannot be converted.
pub(crate) fn unix_ms(time: &Timestamp) -> i64 {
    let mut text = Vec::new();
    let _ = time.format(TimestampFormat::DateTime, &mut text);
    std::str::from_utf8(&text)
        .ok()
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
        .map_or(0, |time| time.timestamp_millis())
}

/// Converts a time of s3s to whole seconds since 1970, rounded down.
pub(crate) fn unix_seconds(time: &Timestamp) -> i64 {
    unix_ms(time).div_euclid(1000)
}
