//! The S3 operations, as s3s wants them: each a line to where it is done. What is not here is answered with
//! `NotImplemented`. Buckets are done here.

use async_trait::async_trait;
use s3s::dto::*;
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::conditions::timestamp;
use super::objects::require_bucket;
use super::{
    S3Store, adoption, copying, database, database_error, file_error, listing, multipart, now_ms,
    objects, refusal,
};

/// The store behind the protocol.
pub(super) struct Service {
    pub(super) store: S3Store,
}

#[async_trait]
impl S3 for Service {
    async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let prefix = request.input.prefix.unwrap_or_default();
        let buckets = self.store.query(database::buckets).await?;
        let buckets = buckets
            .into_iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .map(|(name, created_ms)| Bucket {
                name: Some(name),
                creation_date: Some(timestamp(created_ms)),
                bucket_region: None,
            });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            owner: Some(listing::owner()),
            ..ListBucketsOutput::default()
        }))
    }

    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = request.input.bucket;
        let location = Some(format!("/{bucket}"));
        let name = bucket.clone();
        let store = self.store.clone();
        let create = move |connection: &rusqlite::Connection| {
            let folder = store.shared().folders.bucket(&name);
            match std::fs::create_dir(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(file_error("create the folder of", error));
                }
                _ if !std::fs::symlink_metadata(&folder)
                    .is_ok_and(|metadata| metadata.is_dir()) =>
                {
                    return Err(s3_error!(
                        InvalidBucketName,
                        "in the data folder something else has this name"
                    ));
                }
                _ => {}
            }
            super::files::sync_folder(store.shared().folders.data())
                .map_err(|error| file_error("sync", error))?;
            let sql = "INSERT OR IGNORE INTO buckets VALUES (?1, ?2)";
            let created = connection
                .execute(sql, rusqlite::params![name, now_ms()])
                .map_err(database_error)?;
            if created == 0 {
                Err(refusal(S3ErrorCode::BucketAlreadyOwnedByYou))
            } else {
                Ok(())
            }
        };
        self.store.change(create).await?;
        // A folder that was there before brings its files along.
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || adoption::scan_bucket(&store, &bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        require_bucket(&self.store, &request.input.bucket).await?;
        let region = request.region.map(|region| region.as_str().to_owned());
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: region,
            ..HeadBucketOutput::default()
        }))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        require_bucket(&self.store, &request.input.bucket).await?;
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let bucket = request.input.bucket;
        require_bucket(&self.store, &bucket).await?;
        // A file that nobody has asked for yet counts, too.
        let scanned = bucket.clone();
        self.store
            .blocking(move |store| {
                adoption::scan_bucket(&store, &scanned);
                Ok(())
            })
            .await?;
        let store = self.store.clone();
        let delete = move |connection: &rusqlite::Connection| {
            let used = connection
                .prepare("SELECT 1 FROM objects WHERE bucket = ?1 LIMIT 1")
                .and_then(|mut statement| statement.exists([&bucket]))
                .map_err(database_error)?;
            if used {
                return Err(refusal(S3ErrorCode::BucketNotEmpty));
            }
            connection
                .execute("DELETE FROM buckets WHERE name = ?1", [&bucket])
                .map_err(database_error)?;
            // What is left, hidden files say, is not the store's to remove.
            let _ = std::fs::remove_dir(store.shared().folders.bucket(&bucket));
            Ok(())
        };
        self.store.change(delete).await?;
        Ok(S3Response::new(DeleteBucketOutput {}))
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        require_bucket(&self.store, &request.input.bucket).await?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        listing::list_v2(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        listing::list_v1(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        objects::get(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let get = GetObjectInput {
            bucket: input.bucket,
            key: input.key,
            checksum_mode: input.checksum_mode,
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
            part_number: input.part_number,
            range: input.range,
            version_id: input.version_id,
            ..GetObjectInput::default()
        };
        objects::head(&self.store, get).await
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        objects::put(&self.store, request)
            .await
            .map(S3Response::new)
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        copying::copy(&self.store, request)
            .await
            .map(S3Response::new)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        objects::delete(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        objects::delete_many(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        objects::tags(&self.store, request.input.bucket, request.input.key)
            .await
            .map(S3Response::new)
    }

    async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        objects::put_tags(&self.store, request.input).await?;
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }

    async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        objects::set_tags(
            &self.store,
            request.input.bucket,
            request.input.key,
            Vec::new(),
        )
        .await?;
        Ok(S3Response::with_status(
            DeleteObjectTaggingOutput::default(),
            http::StatusCode::NO_CONTENT,
        ))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        multipart::create(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::upload_part(&self.store, request)
            .await
            .map(S3Response::new)
    }

    async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        multipart::upload_part_copy(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        multipart::complete(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(&self.store, request.input).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        multipart::list_parts(&self.store, request.input)
            .await
            .map(S3Response::new)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        multipart::list_uploads(&self.store, request.input)
            .await
            .map(S3Response::new)
    }
}
