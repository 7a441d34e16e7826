//! Errors as S3 clients know them: codes, statuses and messages.

use std::io;

use s3s::{S3Error, S3ErrorCode, s3_error};

/// The error of this code with the message that S3 gives.
pub(super) fn refusal(code: S3ErrorCode) -> S3Error {
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
            "You did not provide the number of bytes that the request said."
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

/// An error of S3 that s3s has no name for.
pub(super) fn custom(
    code: &'static str,
    status: http::StatusCode,
    message: &'static str,
) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// A database's failure as the client sees it.
pub(super) fn database_error(error: rusqlite::Error) -> S3Error {
    tracing::error!(%error, "s3 store: database");
    s3_error!(error, InternalError, "the store's database failed")
}

/// A file's failure as the client sees it.
pub(super) fn file_error(doing: &str, error: io::Error) -> S3Error {
    if error.kind() == io::ErrorKind::StorageFull {
        let mut full = s3_error!(error, InternalError, "the disk is full");
        full.set_status_code(http::StatusCode::INSUFFICIENT_STORAGE);
        return full;
    }
    tracing::error!(%error, "s3 store: cannot {doing} a file");
    s3_error!(error, InternalError, "cannot {doing} a file of the store")
}
