//! Puts and deletes objects. If another program changed an object's file, the change is registered
//! first, and the write is tried again.

use s3s::S3Result;

use crate::address::ObjectAddress;
use crate::external_changes;
use crate::store::S3Store;
use crate::write_request::{DeleteRequest, PutRequest, WriteRefusal};

/// Makes the file of a [`PutRequest`] the object at its address. Returns when the object is on
/// disk.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. `NoSuchUpload` if the request completes an upload
/// that is not open. The errors of
/// [`WriteConditions::check`](crate::conditions::WriteConditions::check). `InternalError` if the
/// disk or the database failed.
pub(crate) async fn put_object(store: &S3Store, put: PutRequest) -> S3Result {
    let mut put = Box::new(put);
    loop {
        match store.writer().put(put).await {
            Ok(()) => return Ok(()),
            Err(WriteRefusal::Error(error)) => return Err(error),
            Err(WriteRefusal::Stale(again)) => put = again,
        }
        reconcile_object(store, &put.address).await?;
    }
}

/// Deletes an object. Returns after the removal of its file was written to disk. If there is no
/// such object, the request succeeds too, except if it has a condition such as `If-Match`.
///
/// # Errors
/// `NoSuchBucket` if the bucket does not exist. The errors of
/// [`WriteConditions::check`](crate::conditions::WriteConditions::check). `InternalError` if the
/// disk or the database failed.
pub(crate) async fn delete_object(store: &S3Store, delete: DeleteRequest) -> S3Result {
    let mut delete = Box::new(delete);
    loop {
        match store.writer().delete(delete).await {
            Ok(()) => return Ok(()),
            Err(WriteRefusal::Error(error)) => return Err(error),
            Err(WriteRefusal::Stale(again)) => delete = again,
        }
        reconcile_object(store, &delete.address).await?;
    }
}

async fn reconcile_object(store: &S3Store, address: &ObjectAddress) -> S3Result {
    let address = address.clone();
    store
        .run_blocking(move |store| external_changes::reconcile_object(&store, &address))
        .await
}
