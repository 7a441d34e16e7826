//! What a store can be seen to do, tried on an object of our own.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::{DeleteOutcome, Storage, StorageError, bare_etag, failed};

/// What a probe saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreCapabilities {
    /// An object is not deleted where it holds other bytes than those of the condition.
    pub honours_delete_if_match: bool,
    /// An object keeps the storage class of [`super::CopySettings`]; true where none is set.
    pub keeps_storage_class: bool,
}

impl Storage {
    /// Puts a small object under this key, which must be nobody's, tries what can be tried, and deletes it.
    ///
    /// # Errors
    /// A request was refused; then nothing is known.
    pub async fn probe(&self, bucket: &str, key: &str) -> Result<StoreCapabilities, StorageError> {
        let put = self.client.put_object().bucket(bucket).key(key);
        let put = put
            .body(ByteStream::from(Bytes::from_static(b"a probe")))
            .set_storage_class(self.storage_class())
            .send()
            .await
            .map_err(|error| failed("PUT", bucket, key, &error))?;
        let etag = bare_etag(put.e_tag());
        let head = self.client.head_object().bucket(bucket).key(key);
        let head = head
            .send()
            .await
            .map_err(|error| failed("HEAD", bucket, key, &error))?;
        // Not told: the standard class.
        let class = head.storage_class().map(|class| class.as_str().to_owned());
        let class = class.unwrap_or_else(|| "STANDARD".to_owned());
        let wanted = self.copying.storage_class.as_deref();
        let other_bytes = "0".repeat(32);
        let refused = matches!(
            self.delete_if_match(bucket, key, &other_bytes).await,
            Ok(DeleteOutcome::Changed)
        );
        let honours = refused
            && self.head(bucket, key).await?.is_some()
            && self.delete_if_match(bucket, key, &etag).await? == DeleteOutcome::Done
            && self.head(bucket, key).await?.is_none();
        if !honours {
            self.delete(bucket, key).await?;
        }
        Ok(StoreCapabilities {
            honours_delete_if_match: honours,
            keeps_storage_class: wanted.is_none_or(|wanted| wanted == class),
        })
    }
}
