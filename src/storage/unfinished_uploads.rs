//! Lists multipart uploads that were begun and neither completed nor aborted.

use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::types::MultipartUpload;
use chrono::{DateTime, Utc};

use super::{Storage, StorageError, request_error};
use crate::object::{Bucket, ObjectRef};

/// A multipart upload that is neither completed nor aborted. There is no object yet, but the store
/// keeps the parts that have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// The object that the upload would become.
    pub object: ObjectRef,
    /// The time at which the upload was begun. `None` if the store does not return it.
    pub begun: Option<DateTime<Utc>>,
    /// The time at which the last part arrived, or the upload was begun if there is no part. `None`
    /// if the store does not return it.
    pub last_activity: Option<DateTime<Utc>>,
    /// The total size in bytes of the parts that have arrived.
    pub size_bytes: u64,
}

/// The place at which the next page of a listing of uploads begins.
#[derive(Default)]
struct UploadMarker {
    key: Option<String>,
    upload_id: Option<String>,
}

impl Storage {
    /// Lists the unfinished multipart uploads whose keys begin with `prefix`, with the sizes of
    /// their parts. Leaves out those that were begun after `before`. Sends one request for each
    /// 1,000 uploads, and one for each 1,000 parts of a listed upload.
    ///
    /// # Errors
    /// Returns an error if a request fails. Some stores do not support these requests at all.
    pub async fn list_unfinished_uploads(
        &self,
        bucket: &Bucket,
        prefix: &str,
        before: DateTime<Utc>,
    ) -> Result<Vec<UnfinishedUpload>, StorageError> {
        let mut uploads = Vec::new();
        let mut marker = UploadMarker::default();
        loop {
            let page = self.list_uploads_page(bucket, prefix, marker).await?;
            for listed in page.uploads() {
                let begun = listed.initiated().and_then(to_utc);
                // Without a time, the upload counts as old: it is only reported.
                if begun.is_some_and(|begun| begun >= before) {
                    continue;
                }
                uploads.extend(self.measure_upload(bucket, listed, begun).await?);
            }
            marker = UploadMarker {
                key: page.next_key_marker,
                upload_id: page.next_upload_id_marker,
            };
            if page.is_truncated != Some(true) || marker.key.is_none() {
                return Ok(uploads);
            }
        }
    }

    async fn list_uploads_page(
        &self,
        bucket: &Bucket,
        prefix: &str,
        marker: UploadMarker,
    ) -> Result<ListMultipartUploadsOutput, StorageError> {
        let request = self.client.list_multipart_uploads().bucket(bucket.as_str());
        let request = request
            .prefix(prefix)
            .set_key_marker(marker.key)
            .set_upload_id_marker(marker.upload_id);
        request
            .send()
            .await
            .map_err(|error| request_error("LIST UPLOADS", &bucket.object(prefix), error))
    }

    /// Returns an upload with the size of its parts. Returns `None` if the upload was completed or
    /// aborted since it was listed.
    async fn measure_upload(
        &self,
        bucket: &Bucket,
        listed: &MultipartUpload,
        begun: Option<DateTime<Utc>>,
    ) -> Result<Option<UnfinishedUpload>, StorageError> {
        let object = bucket.object(listed.key().unwrap_or_default());
        let mut upload = UnfinishedUpload {
            begun,
            last_activity: begun,
            size_bytes: 0,
            object,
        };
        let mut marker = None;
        loop {
            let request = self.client.list_parts().bucket(bucket.as_str());
            let request = request
                .key(&upload.object.key)
                .upload_id(listed.upload_id().unwrap_or_default())
                .set_part_number_marker(marker);
            let page = match request.send().await {
                Ok(page) => page,
                Err(error) if super::status(&error) == Some(404) => return Ok(None),
                Err(error) => return Err(request_error("LIST PARTS", &upload.object, error)),
            };
            for part in page.parts() {
                upload.size_bytes += u64::try_from(part.size().unwrap_or_default()).unwrap_or(0);
                let arrived = part.last_modified().and_then(to_utc);
                upload.last_activity = upload.last_activity.max(arrived);
            }
            marker = page.next_part_number_marker;
            if page.is_truncated != Some(true) || marker.is_none() {
                return Ok(Some(upload));
            }
        }
    }
}

fn to_utc(time: &aws_sdk_s3::primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
