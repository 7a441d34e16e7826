//! What a crash left: completed or undone before the store serves. See [`super::writer`] for why this is enough.

use rusqlite::Connection;

use super::database;
use super::files::Standing;
use super::writer::Shared;

/// Makes every pending row an object, where its file reached its place, or drops it; removes unfinished files.
pub(super) fn recover(connection: &Connection, shared: &Shared) -> rusqlite::Result<()> {
    database::set_durable(connection, true)?;
    let transaction = connection.unchecked_transaction()?;
    for (bucket, key, object, event) in database::pending(connection)? {
        let standing = shared.look(&bucket, &key, object.location);
        database::delete_object(connection, &bucket, &key, true)?;
        if matches!(standing, Ok(Standing::File(identity)) if identity == object.identity) {
            database::put_object(connection, &bucket, &key, None, &object)?;
            shared.record(connection, &bucket, &key, &event, Some(&object))?;
            tracing::info!(
                bucket,
                key,
                "s3 store: completed a write that a crash had broken off"
            );
        }
    }
    transaction.commit()?;
    // Only then: a temporary file's inode must not be used again before it was compared.
    for leftover in std::fs::read_dir(shared.folders.temporary())
        .into_iter()
        .flatten()
        .flatten()
    {
        let _ = std::fs::remove_file(leftover.path());
    }
    super::parts::clean(connection, shared)?;
    for (bucket, _) in database::buckets(connection)? {
        let _ = std::fs::create_dir(shared.folders.bucket(&bucket));
    }
    Ok(())
}
