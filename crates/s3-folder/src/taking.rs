//! Taking: a file of this machine becomes an object, without a request.

use std::fs::File;
use std::path::Path;

use s3s::{S3ErrorCode, S3Result, s3_error};

use super::conditions::WriteConditions;
use super::database::Attributes;
use super::files::{Identity, Temporary};
use super::notification::Event;
use super::objects::require_bucket;
use super::receive::{self, Expected, LARGEST_PUT, Received, Sink};
use super::writer::Put;
use super::{ObjectAddress, S3Store, adoption, file_error, parts, refusal};

/// Longest key, bytes (S3 User Guide, "Naming Amazon S3 objects").
const MAX_KEY_BYTES: usize = 1024;

/// A file that was not taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot store {path} as {address}: {cause}")]
pub struct PutLocalFileError {
    path: String,
    address: ObjectAddress,
    cause: String,
}

impl S3Store {
    /// Stores a file as PutObject would, notification and all, its bytes shared with the file where the file system can
    /// (a reflink), else copied. Its ETag, without quotes. Nothing that is done to the file afterwards is seen here, which
    /// is why it is never a hard link. Safe to repeat.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 5 GiB or is changed meanwhile; the bucket or the key is none; the disk.
    pub async fn put_local_file(
        &self,
        address: &ObjectAddress,
        path: &Path,
    ) -> Result<String, PutLocalFileError> {
        self.take_file(&address.bucket, &address.key, path)
            .await
            .map_err(|error| PutLocalFileError {
                path: path.display().to_string(),
                address: address.clone(),
                cause: error
                    .message()
                    .unwrap_or_else(|| error.code().as_str())
                    .to_owned(),
            })
    }

    async fn take_file(&self, bucket: &str, key: &str, path: &Path) -> S3Result<String> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(s3_error!(KeyTooLongError, "Your key is too long"));
        }
        require_bucket(self, bucket).await?;
        let path = path.to_owned();
        let received = self.blocking(move |store| read(&store, &path)).await?;
        let etag = parts::etag(&[received.md5], false);
        let put = Put {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            file: received.file,
            identity: received.identity,
            etag: etag.clone(),
            modified_ms: received.modified_ms,
            attributes: Attributes {
                content_type: Some(adoption::content_type(key).to_owned()),
                ..Attributes::default()
            },
            conditions: WriteConditions::default(),
            event: Event::Put,
            upload: None,
        };
        self.put(put).await?;
        Ok(etag)
    }
}

/// The file as one of ours, if it is the same from beginning to end.
fn read(store: &S3Store, path: &Path) -> S3Result<Received> {
    let cannot_read = |error| s3_error!(error, InvalidRequest, "it cannot be read");
    let source = File::open(path).map_err(cannot_read)?;
    let metadata = || source.metadata().map_err(cannot_read);
    if !metadata()?.is_file() {
        return Err(s3_error!(InvalidRequest, "it is no file"));
    }
    let before = Identity::of(&metadata()?);
    if before.size.cast_unsigned() > LARGEST_PUT {
        return Err(refusal(S3ErrorCode::EntityTooLarge));
    }
    let folder = store.shared().folders.temporary();
    let cloned = Temporary::reflink(&folder, path).map_err(|error| file_error("copy", error))?;
    let received = match cloned {
        Some((temporary, file)) => receive::hash(temporary, file)?,
        None => {
            let mut sink = Sink::create(store, Expected::default().hasher())?;
            sink.append(&source)?;
            sink.finish()?
        }
    };
    if Identity::of(&metadata()?) != before || received.identity.size != before.size {
        return Err(s3_error!(
            ServiceUnavailable,
            "it is being changed by another program"
        ));
    }
    Ok(received)
}
