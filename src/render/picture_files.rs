//! The stored pictures: objects in the gallery bucket.

use bytes::Bytes;
use futures::TryStreamExt;

use crate::object::Bucket;
use crate::pictures::{PICTURE_FOLDER, picture_path};
use crate::storage::{ObjectHeaders, Storage, StorageError};

/// A browser and a CDN may keep a picture for a year, because its name is never used for another one.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// The pictures in the gallery bucket.
pub(super) struct PictureFiles<'a> {
    pub(super) storage: &'a Storage,
    pub(super) bucket: &'a Bucket,
    /// The prefix of the static gallery files.
    pub(super) prefix: &'a str,
}

/// A picture that is ready to be stored.
pub(super) struct PictureFile {
    /// The name in the folder of the photo, such as `2048.jpg`.
    pub(super) name: String,
    /// The bytes of the JPEG.
    pub(super) jpeg: Vec<u8>,
}

impl PictureFiles<'_> {
    /// Stores the pictures of a photo. Also waits for the other pictures if one fails, so that no picture
    /// arrives after this call has ended. A repeat is safe.
    pub(super) async fn store(
        &self,
        token: &str,
        files: Vec<PictureFile>,
    ) -> Result<(), StorageError> {
        let puts = files.into_iter().map(|PictureFile { name, jpeg }| {
            let path = picture_path(token, &name);
            let object = self.bucket.object(format!("{}{path}", self.prefix));
            let headers = ObjectHeaders {
                content_type: Some("image/jpeg".to_owned()),
                cache_control: Some(CACHE_CONTROL.to_owned()),
                ..ObjectHeaders::default()
            };
            async move {
                let jpeg = Bytes::from(jpeg);
                self.storage.put_object(&object, jpeg, headers).await
            }
        });
        let results = futures::future::join_all(puts).await;
        results.into_iter().try_for_each(|stored| stored.map(drop))
    }

    /// Deletes all pictures with this token. Returns `false` if there were none. A repeat is safe.
    pub(super) async fn delete(&self, token: &str) -> Result<bool, StorageError> {
        let listed = self.storage.list_objects(self.bucket, &self.folder(token));
        let keys: Vec<String> = listed.map_ok(|entry| entry.key).try_collect().await?;
        for key in &keys {
            self.storage.delete_object(&self.bucket.object(key)).await?;
        }
        Ok(!keys.is_empty())
    }

    /// Returns the prefix of all pictures with this token.
    pub(super) fn folder(&self, token: &str) -> String {
        format!("{}{PICTURE_FOLDER}{token}/", self.prefix)
    }
}
