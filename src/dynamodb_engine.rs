//! The embedded DynamoDB: dynoxide, which keeps tables, indexes and streams in one SQLite file.
//!
//! This module opens, serves and trims the database. It never interprets an item. The server checks
//! no credentials, so it must be bound to the loopback interface.

#![allow(
    clippy::disallowed_methods,
    reason = "the engine keeps its tables in a file"
)]

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpListener;

/// Time that a statement of this module waits for a writer.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages of the database that SQLite keeps in memory: 16 MB. Its default, 2 MB, is less than one page
/// of a gallery needs.
const CACHE_PAGES: u32 = 4096;

/// An index for the last sequence number of a table's stream, which dynoxide queries at every write.
/// Without the index it reads all records with their images. The columns are those of the pinned
/// version.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS photos_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)";

/// An open database and the HTTP service on it. Clones share the database.
#[derive(Clone)]
pub struct DynamoDbEngine {
    database: dynoxide::Database,
    file: Option<PathBuf>,
}

impl DynamoDbEngine {
    /// Opens the database `data/.engine/dynamodb.sqlite`. Creates the folder and the file if they do
    /// not exist.
    ///
    /// # Errors
    /// The folder cannot be created, or this version cannot read the file.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(".engine");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("dynamodb.sqlite");
        let name = file
            .to_str()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"))?;
        // SQLite saves this setting in the file, so it holds for the connection of dynoxide.
        let cache = format!("PRAGMA default_cache_size = {CACHE_PAGES}");
        execute_statement(&file, &cache, []).map_err(io::Error::other)?;
        let database = dynoxide::Database::new(name).map_err(io::Error::other)?;
        execute_statement(&file, STREAM_INDEX, []).map_err(io::Error::other)?;
        Ok(DynamoDbEngine {
            database,
            file: Some(file),
        })
    }

    /// Opens a new database in memory. It is lost when the last clone is dropped.
    ///
    /// # Errors
    /// SQLite has too little memory.
    pub fn open_in_memory() -> io::Result<Self> {
        Ok(DynamoDbEngine {
            database: dynoxide::Database::memory().map_err(io::Error::other)?,
            file: None,
        })
    }

    /// Returns the database, for operations that have no HTTP request: reading streams, expiring
    /// items.
    #[must_use]
    pub fn database(&self) -> &dynoxide::Database {
        &self.database
    }

    /// Defers fsync. Writes survive a process crash at once, and power loss only after
    /// [`DynamoDbEngine::sync`] returns. This is for many writes that share one sync. Safe to repeat.
    ///
    /// # Errors
    /// SQLite rejects the setting.
    pub fn defer_sync(&self) -> io::Result<()> {
        // Despite its name, this sets `synchronous = NORMAL`. dynoxide has no other function for it.
        self.database
            .disable_bulk_loading()
            .map_err(io::Error::other)
    }

    /// Returns when all earlier writes are on disk. Does nothing if the database is in memory.
    /// Blocks. Safe to repeat.
    ///
    /// # Errors
    /// The file cannot be opened or synced.
    pub fn sync(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        // A checkpoint syncs the pages that it moves out of the log (sqlite.org/wal.html).
        match std::fs::File::open(PathBuf::from(log)) {
            Ok(log) => log.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes the records of a table's stream before this sequence number, after the only reader of
    /// the stream has read them. DynamoDB deletes records after 24 hours; dynoxide never does. Does
    /// nothing if the database is in memory or if the sequence number is not an integer. Safe to
    /// repeat.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn trim_stream(&self, table: &str, sequence: &str) -> io::Result<()> {
        let (Some(file), Ok(sequence)) = (&self.file, sequence.parse::<i64>()) else {
            return Ok(());
        };
        let trim = "DELETE FROM _stream_records
            WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2";
        execute_statement(file, trim, rusqlite::params![table, sequence]).map_err(io::Error::other)
    }

    /// Serves HTTP on `listener` until `shutdown` is ready. Then it accepts no more connections and
    /// lets running requests finish.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        dynoxide::server::serve_with_shutdown(listener, self.database, shutdown)
            .await
            .map_err(io::Error::other)
    }
}

/// Executes one statement on a connection of its own.
fn execute_statement(
    file: &Path,
    statement: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    let mut statement = connection.prepare(statement)?;
    // A pragma may return a row.
    let mut rows = statement.query(values)?;
    while rows.next()?.is_some() {}
    Ok(())
}
