//! The operations on buckets.

use s3s::dto::{Bucket, CreateBucketOutput, ListBucketsOutput};
use s3s::{S3ErrorCode, S3Result, s3_error};

use crate::database;
use crate::errors::{database_error, file_error, s3_error};
use crate::external_changes::scan_bucket;
use crate::files;
use crate::owner::local_owner;
use crate::private_files;
use crate::store::S3Store;
use crate::store_context::{StoreAccess, StoreContext};
use crate::times::{now_ms, timestamp};

/// Carries out ListBuckets. Returns the buckets whose names begin with `prefix`.
///
/// # Errors
/// `InternalError` if the database failed.
pub(crate) async fn list_buckets(store: &S3Store, prefix: &str) -> S3Result<ListBucketsOutput> {
    let buckets = store.query_database(database::list_buckets).await?;
    let buckets = buckets
        .into_iter()
        .filter(|bucket| bucket.name.starts_with(prefix))
        .map(|bucket| Bucket {
            name: Some(bucket.name),
            creation_date: Some(timestamp(bucket.created_ms)),
            bucket_region: None,
        });
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        owner: Some(local_owner()),
        ..ListBucketsOutput::default()
    })
}

/// Carries out CreateBucket. If the bucket's folder exists already, its files become objects. The
/// files are registered in the background, after the response.
///
/// # Errors
/// `BucketAlreadyOwnedByYou` if the bucket exists. `InvalidBucketName` if something that is not a
/// folder has this name in the data folder. `InternalError` if the disk or the database failed.
pub(crate) async fn create_bucket(store: &S3Store, bucket: String) -> S3Result<CreateBucketOutput> {
    let location = Some(format!("/{bucket}"));
    let (name, context) = (bucket.clone(), store.context().clone());
    store
        .change_database(move |connection| {
            create_bucket_folder(&context, &name)?;
            if database::insert_bucket(connection, &name, now_ms()).map_err(database_error)? {
                Ok(())
            } else {
                Err(s3_error(S3ErrorCode::BucketAlreadyOwnedByYou))
            }
        })
        .await?;
    let store = store.clone();
    tokio::task::spawn_blocking(move || scan_bucket(&store, &bucket));
    Ok(CreateBucketOutput { location })
}

fn create_bucket_folder(context: &StoreContext, bucket: &str) -> S3Result {
    let folder = context.folders.bucket(bucket);
    // A bucket whose folder exists can be added to the copied database of a read-only store.
    if !folder.is_dir() {
        context.access.require_write()?;
    }
    private_files::create_private_folder(&folder)
        .map_err(|error| file_error("create the folder of", error))?;
    if !std::fs::symlink_metadata(&folder).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(s3_error!(
            InvalidBucketName,
            "the data folder has something else of this name"
        ));
    }
    if context.access == StoreAccess::ReadOnly {
        return Ok(());
    }
    files::sync_folder(context.folders.data()).map_err(|error| file_error("sync", error))
}

/// Carries out DeleteBucket. Files in the bucket's folder that are not objects are not deleted.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. `BucketNotEmpty` if it has objects. `InternalError`
/// if the disk or the database failed.
pub(crate) async fn delete_bucket(store: &S3Store, bucket: String) -> S3Result {
    store.context().access.require_write()?;
    store.require_bucket(&bucket).await?;
    // A file that another program added makes the bucket non-empty. The scan registers it, if no
    // request has done so yet.
    let scanned = bucket.clone();
    store
        .run_blocking(move |store| {
            scan_bucket(&store, &scanned);
            Ok(())
        })
        .await?;
    let context = store.context().clone();
    store
        .change_database(move |connection| {
            if !database::is_bucket_empty(connection, &bucket).map_err(database_error)? {
                return Err(s3_error(S3ErrorCode::BucketNotEmpty));
            }
            database::delete_bucket(connection, &bucket).map_err(database_error)?;
            // This fails if the folder still has files, for example hidden ones. They do not belong
            // to the store.
            let _ = std::fs::remove_dir(context.folders.bucket(&bucket));
            Ok(())
        })
        .await
}
