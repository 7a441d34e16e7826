//! Errors as S3 clients receive them: codes, statuses and messages.

use std::io;

use s3s::{S3Error, S3ErrorCode, s3_error};

/// Returns an S3 error with this code and a standard message for the code.
pub(crate) fn s3_error(code: S3ErrorCode) -> S3Error {
    let message = match code {
        S3ErrorCode::BucketAlreadyOwnedByYou => {
            "Your previous request to create the named bucket succeeded."
        }
        S3ErrorCode::BucketNotEmpty => "The bucket you tried to delete is not empty.",
        S3ErrorCode::EntityTooLarge => {
            "Your proposed upload exceeds the maximum allowed object size."
        }
        S3ErrorCode::EntityTooSmall => {
            "Your proposed upload is smaller than the minimum allowed object size."
        }
        S3ErrorCode::IncompleteBody => {
            "You did not provide the number of bytes specified by the Content-Length HTTP header."
        }
        S3ErrorCode::InvalidDigest => "The Content-MD5 you specified is not valid.",
        S3ErrorCode::InvalidPart => {
            "One or more of the specified parts could not be found or have another ETag."
        }
        S3ErrorCode::InvalidPartOrder => "The list of parts was not in ascending order.",
        S3ErrorCode::MalformedXML => {
            "The XML you provided was not well-formed or did not validate."
        }
        S3ErrorCode::MetadataTooLarge => {
            "Your metadata headers exceed the maximum allowed metadata size."
        }
        S3ErrorCode::NoSuchBucket => "The specified bucket does not exist.",
        S3ErrorCode::NoSuchKey => "The specified key does not exist.",
        S3ErrorCode::NoSuchUpload => {
            "The specified upload does not exist; it may have been aborted or completed."
        }
        S3ErrorCode::NoSuchVersion => "The specified version does not exist.",
        S3ErrorCode::PreconditionFailed => {
            "At least one of the preconditions you specified did not hold."
        }
        S3ErrorCode::SignatureDoesNotMatch => {
            "The signature we calculated does not match the one you provided."
        }
        _ => "The request cannot be carried out.",
    };
    S3Error::with_message(code, message)
}

/// Returns an error with a code for which s3s has no constant.
pub(crate) fn custom_s3_error(
    code: &'static str,
    status: http::StatusCode,
    message: &'static str,
) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// Logs a failure of the database. Returns the error for the client.
pub(crate) fn database_error(error: rusqlite::Error) -> S3Error {
    tracing::error!(%error, "s3 store: the database failed");
    s3_error!(error, InternalError, "the store's database failed")
}

/// Returns the error for the client after an operation on a file failed. `doing` is the operation
/// as a verb, such as "read". If the disk is full, the error has the HTTP status 507. Every other
/// failure is logged.
pub(crate) fn file_error(doing: &str, error: io::Error) -> S3Error {
    if error.kind() == io::ErrorKind::StorageFull {
        let mut full = s3_error!(error, InternalError, "the disk is full");
        full.set_status_code(http::StatusCode::INSUFFICIENT_STORAGE);
        return full;
    }
    tracing::error!(%error, "s3 store: cannot {doing} a file");
    s3_error!(error, InternalError, "cannot {doing} a file of the store")
}

/// Returns the error for a request that would change a store that is open for reading only.
pub(crate) fn read_only_error() -> S3Error {
    s3_error!(AccessDenied, "the store is open for reading only")
}

/// Returns the error for a request that came after the writer's thread ended.
pub(crate) fn shutdown_error() -> S3Error {
    s3_error!(ServiceUnavailable, "the store is shutting down")
}
