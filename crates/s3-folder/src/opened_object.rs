//! Opens an object: finds its row in the database and the file that belongs to the row.
//!
//! A file is served only if a row has the identity of the file.

use std::fs::File;

use s3s::{S3ErrorCode, S3Result};

use crate::address::ObjectAddress;
use crate::database::{self, StoredObject};
use crate::errors::{file_error, s3_error};
use crate::external_changes::reconcile_object;
use crate::files::{self, OpenedFile};
use crate::placement::{Placement, is_registrable_key};
use crate::store::S3Store;

/// The maximum number of attempts to find a row and a file that belong together. An attempt can
/// fail because the object is being written.
const MAX_ATTEMPTS: usize = 20;

/// An object and its open file.
pub(crate) struct OpenedObject {
    pub(crate) object: StoredObject,
    pub(crate) file: File,
}

/// Loads an object from the database and opens its file. Blocks.
///
/// # Errors
/// `NoSuchKey` or `NoSuchBucket` if the object does not exist. `ServiceUnavailable` if another
/// program is writing the file. `InternalError` if the disk or the database failed.
pub(crate) fn open_object(store: &S3Store, address: &ObjectAddress) -> S3Result<OpenedObject> {
    // If a write comes between loading the row and opening the file, the second attempt succeeds.
    // If no row has the identity of the file even then, another program changed the file.
    for attempt in 0..MAX_ATTEMPTS {
        let rows = store.read_database(|connection| database::load_object(connection, address))?;
        let placement = match rows.current.as_ref().or(rows.pending.as_ref()) {
            Some(object) => object.placement,
            None if is_registrable_key(&address.key) => Placement::ByPath,
            None => break,
        };
        let target = store.context().folders.object_file(address, placement);
        match files::open_file(&target).map_err(|error| file_error("open", error))? {
            Some(OpenedFile { file, identity }) => {
                if let Some(object) = rows.with_identity(identity) {
                    return Ok(OpenedObject { object, file });
                }
            }
            None if rows.current.is_none() => break,
            None => {}
        }
        if attempt > 0 {
            store.require_bucket_blocking(&address.bucket)?;
            reconcile_object(store, address)?;
            let rows =
                store.read_database(|connection| database::load_object(connection, address))?;
            if rows.is_empty() {
                break;
            }
        }
    }
    store.require_bucket_blocking(&address.bucket)?;
    Err(s3_error(S3ErrorCode::NoSuchKey))
}
