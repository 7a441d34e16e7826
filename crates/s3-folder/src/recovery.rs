//! Recovery after a crash: completes or undoes every write that a crash interrupted, before the
//! store serves requests. [`crate::writer`] explains why this is enough.

use rusqlite::Connection;

use crate::database::{self, Durability, PendingWrite};
use crate::private_files;
use crate::store_context::{StoreAccess, StoreContext};
use crate::times::now_ms;
use crate::upload_rows;

/// The minimum time for which the row of a completed upload is kept, in milliseconds since the
/// start of the upload: one day. While the row exists, a repeated completion gets the same ETag.
const COMPLETED_UPLOAD_LIFETIME_MS: i64 = 24 * 3600 * 1000;

/// Completes or undoes every interrupted write. Safe to repeat.
///
/// If the file of a write is already at its final path, the write is completed: its pending row
/// becomes the row of the object. If the write was the end of a multipart upload, that upload is
/// completed too. Otherwise the write is undone: its pending row and its unfinished file are
/// deleted.
///
/// # Errors
/// The database fails.
pub(crate) fn recover(connection: &Connection, context: &StoreContext) -> rusqlite::Result<()> {
    database::set_durability(connection, Durability::PowerLoss)?;
    let transaction = connection.unchecked_transaction()?;
    for write in database::list_pending_writes(connection)? {
        recover_write(connection, context, &write)?;
    }
    transaction.commit()?;
    // Only after the commit: removing a file frees its inode number, and a new file must not get
    // this number before all pending rows are compared.
    remove_temporary_files(context);
    upload_rows::delete_completed_uploads(connection, now_ms() - COMPLETED_UPLOAD_LIFETIME_MS)?;
    remove_stray_part_files(connection, context)?;
    if context.access == StoreAccess::ReadOnly {
        return Ok(());
    }
    for bucket in database::list_buckets(connection)? {
        let folder = context.folders.bucket(&bucket.name);
        if let Err(error) = private_files::create_private_folder(&folder) {
            tracing::warn!(%error, bucket = bucket.name, "s3 store: cannot create a folder");
        }
    }
    Ok(())
}

fn recover_write(
    connection: &Connection,
    context: &StoreContext,
    write: &PendingWrite,
) -> rusqlite::Result<()> {
    let PendingWrite {
        address,
        object,
        event_name,
        upload,
    } = write;
    let state = context.inspect_object(address, object.placement);
    database::delete_pending_object(connection, address)?;
    if state.is_ok_and(|state| state.is_file(object.identity)) {
        database::save_object(connection, address, object)?;
        if let Some(upload) = upload {
            upload_rows::mark_upload_completed(connection, upload, &object.etag)?;
        }
        context.record_change(connection, address, event_name, Some(object))?;
        tracing::info!(%address, "s3 store: completed a write that a crash had interrupted");
    }
    Ok(())
}

fn remove_temporary_files(context: &StoreContext) {
    let entries = std::fs::read_dir(context.folders.temporary());
    for entry in entries.into_iter().flatten().flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
}

/// Removes the files in the folder of uploads that belong to no part of an open upload.
fn remove_stray_part_files(
    connection: &Connection,
    context: &StoreContext,
) -> rusqlite::Result<()> {
    let entries = std::fs::read_dir(context.folders.uploads());
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !upload_rows::is_part_file(connection, &name)? {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}
