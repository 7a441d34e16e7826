//! The operations on the tags of an object.

use s3s::dto::{GetObjectTaggingOutput, PutObjectTaggingInput, Tag};
use s3s::{S3ErrorCode, S3Result};

use crate::address::ObjectAddress;
use crate::attributes::check_tags;
use crate::database;
use crate::errors::{database_error, s3_error};
use crate::opened_object::open_object;
use crate::store::S3Store;

/// Carries out GetObjectTagging.
///
/// # Errors
/// `NoSuchKey` or `NoSuchBucket` if the object does not exist.
pub(crate) async fn get_tags(
    store: &S3Store,
    address: ObjectAddress,
) -> S3Result<GetObjectTaggingOutput> {
    let opened = store
        .run_blocking(move |store| open_object(&store, &address))
        .await?;
    let tag = |(key, value)| Tag {
        key: Some(key),
        value: Some(value),
    };
    let tags = opened.object.attributes.tags.into_iter();
    Ok(GetObjectTaggingOutput {
        tag_set: tags.map(tag).collect(),
        version_id: None,
    })
}

/// Carries out PutObjectTagging: replaces the tags of an object.
///
/// # Errors
/// `NoSuchKey` or `NoSuchBucket` if the object does not exist. The errors of [`check_tags`].
pub(crate) async fn put_tags(store: &S3Store, input: PutObjectTaggingInput) -> S3Result {
    let tags = input.tagging.tag_set.into_iter();
    let tags = tags
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect();
    let address = ObjectAddress::new(input.bucket, input.key);
    replace_tags(store, address, check_tags(tags)?).await
}

/// Replaces the tags of an object. The bytes, the ETag and the time of the last change stay the
/// same. Safe to repeat.
///
/// # Errors
/// `NoSuchKey` or `NoSuchBucket` if the object does not exist.
pub(crate) async fn replace_tags(
    store: &S3Store,
    address: ObjectAddress,
    tags: Vec<(String, String)>,
) -> S3Result {
    store.context().access.require_write()?;
    // Opening the object first registers a file that another program wrote.
    let opened = address.clone();
    store
        .run_blocking(move |store| open_object(&store, &opened).map(drop))
        .await?;
    let change = move |connection: &rusqlite::Connection| {
        let rows = database::load_object(connection, &address).map_err(database_error)?;
        let mut object = rows
            .current
            .ok_or_else(|| s3_error(S3ErrorCode::NoSuchKey))?;
        object.attributes.tags = tags;
        database::save_object(connection, &address, &object).map_err(database_error)
    };
    store.change_database(change).await
}
