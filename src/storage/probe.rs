//! Tests what a store supports. For this, writes a small object, a probe, and deletes it.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::{DeleteOutcome, Storage, StorageError, bare_etag, request_error};
use crate::object::ObjectRef;

/// The storage class of an object if its HEAD has no `x-amz-storage-class`.
const DEFAULT_CLASS: &str = "STANDARD";

/// The capabilities of a store that a probe has tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreCapabilities {
    /// `true` if the store respects the condition of a delete: if an object has another ETag than
    /// the request requires, the store does not delete it.
    pub honours_delete_if_match: bool,
    /// `true` if an object gets the storage class of [`super::CopySettings`], or if no class is
    /// set.
    pub keeps_storage_class: bool,
}

impl Storage {
    /// Tests a store: writes a small object, tests the store with it, and deletes it. The caller
    /// must choose a key that no other object has.
    ///
    /// # Errors
    /// Returns an error if the store refuses a request. Then nothing is known about its
    /// capabilities.
    pub async fn probe_capabilities(
        &self,
        object: &ObjectRef,
    ) -> Result<StoreCapabilities, StorageError> {
        let put = self.client.put_object().bucket(object.bucket.as_str());
        let put = put
            .key(&object.key)
            .body(ByteStream::from(Bytes::from_static(b"a probe")))
            .set_storage_class(self.storage_class())
            .send()
            .await
            .map_err(|error| request_error("PUT", object, error))?;
        let etag = bare_etag(put.e_tag());
        let head = self.client.head_object().bucket(object.bucket.as_str());
        let head = head
            .key(&object.key)
            .send()
            .await
            .map_err(|error| request_error("HEAD", object, error))?;
        let class = head.storage_class().map(|class| class.as_str());
        let class = class.unwrap_or(DEFAULT_CLASS);
        let wanted = self.copy_settings.storage_class.as_deref();
        let other_etag = "0".repeat(32);
        let refused = matches!(
            self.delete_if_match(object, &other_etag).await,
            Ok(DeleteOutcome::Changed)
        );
        let honours = refused
            && self.head_object(object).await?.is_some()
            && self.delete_if_match(object, &etag).await? == DeleteOutcome::Done
            && self.head_object(object).await?.is_none();
        if !honours {
            self.delete_object(object).await?;
        }
        Ok(StoreCapabilities {
            honours_delete_if_match: honours,
            keeps_storage_class: wanted.is_none_or(|wanted| wanted == class),
        })
    }
}
