//! Stores a file of this machine as an object, without an HTTP request.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::path::Path;

use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::address::ObjectAddress;
use crate::conditions::WriteConditions;
use crate::content_type::guess_content_type;
use crate::database::{ObjectAttributes, ObjectChecksums};
use crate::errors::{file_error, s3_error};
use crate::etag::{md5_of, whole_etag};
use crate::files::{FileIdentity, OpenTemporary, TemporaryFile};
use crate::notification::ObjectChange;
use crate::received_file::{ExpectedBody, HashingFile, MAX_PUT_BYTES, ReceivedFile, seal_file};
use crate::store::S3Store;
use crate::write_object::put_object;
use crate::write_request::PutRequest;

/// The maximum length of a key in bytes (S3 User Guide, "Naming Amazon S3 objects").
const MAX_KEY_BYTES: usize = 1024;

/// The error if a local file could not be stored as an object.
#[derive(Debug)]
pub struct PutLocalFileError {
    path: String,
    address: ObjectAddress,
    cause: S3Error,
}

impl fmt::Display for PutLocalFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PutLocalFileError {
            path,
            address,
            cause,
        } = self;
        let reason = cause.message().unwrap_or_else(|| cause.code().as_str());
        write!(f, "cannot store {path} as {address}: {reason}")
    }
}

impl Error for PutLocalFileError {
    /// Returns the error of the file system or of the database that caused the S3 error, if there
    /// is one. The S3 error itself is not returned, because its message is already in the displayed
    /// text.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source().map(|source| source as &dyn Error)
    }
}

impl S3Store {
    /// Stores a local file as an object and records a notification, as PutObject does. Returns the
    /// ETag, without quotes. Safe to repeat.
    ///
    /// If the file system can clone files (a reflink), the object is a clone, which shares the
    /// bytes of the file on disk. Otherwise the object is a copy. In both cases, later changes of
    /// the file do not change the object.
    ///
    /// ```
    /// use s3_folder::{ObjectAddress, S3Store};
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// let folder = tempfile::tempdir().unwrap();
    /// let letter = folder.path().join("letter.txt");
    /// std::fs::write(&letter, "Dear reader").unwrap();
    ///
    /// let store = S3Store::open(&folder.path().join("data")).unwrap();
    /// let address = ObjectAddress::new("documents", "letter.txt");
    /// // Buckets are created over HTTP, so this store has none yet.
    /// let error = store.put_local_file(&address, &letter).await.unwrap_err();
    /// assert!(error.to_string().ends_with("The specified bucket does not exist."));
    /// # }
    /// ```
    ///
    /// # Errors
    /// The file cannot be read, is larger than 5 GiB, or changes while it is read. The bucket does
    /// not exist, or the key is empty or too long. The disk or the database failed.
    pub async fn put_local_file(
        &self,
        address: &ObjectAddress,
        path: &Path,
    ) -> Result<String, PutLocalFileError> {
        put_file(self, address, path)
            .await
            .map_err(|cause| PutLocalFileError {
                path: path.display().to_string(),
                address: address.clone(),
                cause,
            })
    }
}

async fn put_file(store: &S3Store, address: &ObjectAddress, path: &Path) -> S3Result<String> {
    if address.key.is_empty() || address.key.len() > MAX_KEY_BYTES {
        return Err(s3_error!(KeyTooLongError, "Your key is too long"));
    }
    store.require_bucket(&address.bucket).await?;
    let path = path.to_owned();
    let received = store
        .run_blocking(move |store| copy_local_file(&store, &path))
        .await?;
    let etag = whole_etag(&received.md5);
    let put = PutRequest {
        address: address.clone(),
        file: received.file,
        identity: received.identity,
        etag: etag.clone(),
        modified_ms: received.modified_ms,
        attributes: ObjectAttributes {
            content_type: Some(guess_content_type(&address.key).to_owned()),
            ..ObjectAttributes::default()
        },
        conditions: WriteConditions::default(),
        change: ObjectChange::Put,
        upload: None,
    };
    put_object(store, put).await?;
    Ok(etag)
}

/// Clones or copies a local file to a temporary file, and hashes it. Fails if the local file
/// changes in the meantime.
fn copy_local_file(store: &S3Store, path: &Path) -> S3Result<ReceivedFile> {
    let cannot_read = |error| s3_error!(error, InvalidRequest, "the file cannot be read");
    let source = File::open(path).map_err(cannot_read)?;
    let metadata = || source.metadata().map_err(cannot_read);
    if !metadata()?.is_file() {
        return Err(s3_error!(InvalidRequest, "the path is not a regular file"));
    }
    let before = FileIdentity::from_metadata(&metadata()?);
    if before.size.cast_unsigned() > MAX_PUT_BYTES {
        return Err(s3_error(S3ErrorCode::EntityTooLarge));
    }
    let folder = store.context().folders.temporary();
    let cloned =
        TemporaryFile::clone_file(&folder, path).map_err(|error| file_error("copy", error))?;
    let received = match cloned {
        Some(clone) => hash_clone(clone)?,
        None => {
            let mut hashing = HashingFile::create(store, ExpectedBody::default().hasher())?;
            hashing.append(&source)?;
            hashing.finish()?
        }
    };
    let after = FileIdentity::from_metadata(&metadata()?);
    if after != before || received.identity.size != before.size {
        return Err(s3_error!(
            ServiceUnavailable,
            "the file is being changed by another program"
        ));
    }
    Ok(received)
}

/// Finishes the temporary clone of a local file: hashes the bytes, sets the modification time of
/// the clone, and syncs the clone to disk.
fn hash_clone(clone: OpenTemporary) -> S3Result<ReceivedFile> {
    let OpenTemporary {
        temporary,
        mut file,
    } = clone;
    let md5 = md5_of(&mut file).map_err(|error| file_error("read", error))?;
    let sealed = seal_file(&file)?;
    Ok(ReceivedFile {
        file: temporary,
        identity: sealed.identity,
        md5,
        checksums: ObjectChecksums::default(),
        modified_ms: sealed.modified_ms,
    })
}
