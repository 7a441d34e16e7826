//! Aborts multipart uploads that were left unfinished, as a lifecycle rule of AWS does. An upload
//! for which a request is running is never aborted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use s3s::S3Result;

use crate::errors::database_error;
use crate::store::S3Store;
use crate::store_context::StoreAccess;
use crate::times::now_ms;
use crate::upload_parts::remove_part_files;
use crate::upload_rows;

/// The time without a new part after which an open upload is aborted, in milliseconds: 7 days.
const UPLOAD_LIFETIME_MS: i64 = 7 * 24 * 3600 * 1000;

/// The pause between two searches for uploads to abort.
const EXPIRY_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// The ids of the multipart uploads for which a request is running, each with its number of
/// requests. Clones share the ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct UploadsInUse(Arc<Mutex<HashMap<String, usize>>>);

/// The mark that a request for an upload is running. Dropping the value ends the mark.
pub(crate) struct UploadInUse {
    id: String,
    uploads: UploadsInUse,
}

impl UploadsInUse {
    /// Marks an upload as in use until the returned value is dropped.
    pub(crate) fn add(&self, id: &str) -> UploadInUse {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(id.to_owned()).or_default() += 1;
        UploadInUse {
            id: id.to_owned(),
            uploads: self.clone(),
        }
    }

    fn contains(&self, id: &str) -> bool {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.contains_key(id)
    }
}

impl Drop for UploadInUse {
    fn drop(&mut self) {
        let mut counts = self.uploads.0.lock();
        let counts = counts.as_mut().unwrap_or_else(|error| error.get_mut());
        if let Some(count) = counts.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.id);
            }
        }
    }
}

impl S3Store {
    /// Aborts the multipart uploads that got no part for 7 days, as a lifecycle rule of AWS does.
    /// Does so at once, and then once a day. Never returns: run it as a task, and drop the task
    /// when the server stops. Does nothing if the store is open for reading only.
    pub async fn expire_uploads_daily(&self) {
        loop {
            let can_write = self.context().access != StoreAccess::ReadOnly;
            if can_write && let Err(error) = expire_uploads(self).await {
                tracing::error!(%error, "s3 store: cannot abort the unfinished uploads");
            }
            tokio::time::sleep(EXPIRY_PAUSE).await;
        }
    }
}

/// Aborts every open upload that got no part for 7 days and for which no request is running. Safe
/// to repeat.
async fn expire_uploads(store: &S3Store) -> S3Result {
    let in_use = store.context().uploads_in_use.clone();
    let before_ms = now_ms() - UPLOAD_LIFETIME_MS;
    let files = store
        .change_database(move |connection| {
            let idle = upload_rows::list_idle_uploads(connection, before_ms);
            let mut files = Vec::new();
            for upload in idle.map_err(database_error)? {
                // A request marks the upload before it looks for the row. So either the mark is
                // found here, or the request finds no upload.
                if in_use.contains(&upload.id) {
                    continue;
                }
                let parts = upload_rows::list_part_rows(connection, &upload.id);
                files.extend(
                    parts
                        .map_err(database_error)?
                        .into_iter()
                        .map(|part| part.file),
                );
                upload_rows::delete_upload(connection, &upload.id).map_err(database_error)?;
                tracing::info!(
                    address = %upload.address,
                    "s3 store: aborted an upload that got no part for 7 days"
                );
            }
            Ok(files)
        })
        .await?;
    remove_part_files(store, files).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ObjectAddress;
    use crate::database::{self, ObjectAttributes};
    use crate::upload_rows::NewUpload;

    #[tokio::test]
    async fn upload_in_use_does_not_expire() {
        let data = tempfile::tempdir().expect("a folder");
        let store = S3Store::open(data.path()).expect("open");
        let upload = NewUpload {
            id: "old".to_owned(),
            address: ObjectAddress::new("bucket", "film.mov"),
            started_ms: 0,
            attributes: ObjectAttributes::default(),
            algorithm: None,
            checksum_type: None,
        };
        let insert = move |connection: &rusqlite::Connection| {
            upload_rows::insert_upload(connection, &upload).map_err(database_error)
        };
        store.change_database(insert).await.expect("inserted");
        let count = || {
            let sql = "SELECT COUNT(*) FROM uploads";
            let count = store.read_database(|connection| database::query_count(connection, sql));
            count.expect("counted")
        };
        let uploads = &store.context().uploads_in_use;
        let (first, second) = (uploads.add("old"), uploads.add("old"));
        drop(first);
        expire_uploads(&store).await.expect("searched");
        assert_eq!(count(), 1);
        drop(second);
        expire_uploads(&store).await.expect("searched");
        assert_eq!(count(), 0);
    }
}
