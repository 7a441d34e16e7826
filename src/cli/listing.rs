//! Listings of a bucket, page by page.

use futures::stream::{self, Stream};

use crate::storage::{Listed, Storage, StorageError};

/// Lists the objects under a prefix. Each page is requested when the stream is polled for it.
pub(super) fn list_pages(
    storage: Storage,
    bucket: &str,
    prefix: &str,
) -> impl Stream<Item = Result<Vec<Listed>, StorageError>> + Send + 'static {
    let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
    stream::try_unfold(Some(None), move |token| {
        let (storage, bucket, prefix) = (storage.clone(), bucket.clone(), prefix.clone());
        async move {
            let Some(token) = token else { return Ok(None) };
            let (page, next) = storage.list(&bucket, &prefix, token).await?;
            Ok(Some((page, next.map(Some))))
        }
    })
}
