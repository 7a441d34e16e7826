//! The embedded DynamoDB: dynoxide, which stores tables, indexes and streams in one SQLite file.
//!
//! This module opens, serves and trims the database. It never reads the contents of an item.
//! Requests of this process need no connection. Other processes use a socket that only the owner
//! can open, or a TCP port that accepts only signed requests.

#![allow(
    clippy::disallowed_methods,
    reason = "the engine keeps its tables in a file"
)]

mod operations;
mod server;
mod signature;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use server::EngineAccess;

/// The maximum time that an SQL statement of this module waits for another writer of the database.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of database pages that SQLite keeps in memory: 16 MB. The default is 2 MB, but one
/// page of a gallery list reads more than 2 MB.
const CACHE_PAGES: u32 = 4096;

/// The SQL statement that creates an index, with which dynoxide finds the last sequence number of a
/// table's stream. dynoxide queries this number at every write. Without the index, it reads all
/// records of the stream. The columns are those of the pinned version of dynoxide.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS photos_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)";

/// An open database of the embedded DynamoDB server. Clones share the database.
#[derive(Clone)]
pub struct DynamoDbEngine {
    database: dynoxide::Database,
    file: Option<PathBuf>,
}

impl DynamoDbEngine {
    /// Opens the database `data/.engine/dynamodb.sqlite`. Creates the folder and the file if they
    /// do not exist.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be created, or if this version of dynoxide cannot read
    /// the file.
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
    /// Returns an error if SQLite cannot create the database, for example because memory is full.
    pub fn open_in_memory() -> io::Result<Self> {
        Ok(DynamoDbEngine {
            database: dynoxide::Database::memory().map_err(io::Error::other)?,
            file: None,
        })
    }

    /// Returns the database itself. Callers use it for operations that have no HTTP request: to
    /// read streams and to expire items.
    #[must_use]
    pub fn database(&self) -> &dynoxide::Database {
        &self.database
    }

    /// Defers fsync, so that many writes share one [`DynamoDbEngine::sync`]. A write then survives
    /// a process crash at once. It survives a power loss only after `sync` returns. A repeat is
    /// safe.
    ///
    /// # Errors
    /// Returns an error if SQLite rejects the setting.
    pub fn defer_sync(&self) -> io::Result<()> {
        // Despite its name, this function sets `synchronous = NORMAL`. dynoxide has no other
        // function for it.
        self.database
            .disable_bulk_loading()
            .map_err(io::Error::other)
    }

    /// Waits until all earlier writes are on disk. Does nothing if the database is in memory.
    /// Blocks the thread. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened or synced.
    pub fn sync(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        // This is enough: a checkpoint syncs the pages that it moves out of the log
        // (sqlite.org/wal.html).
        match std::fs::File::open(PathBuf::from(log)) {
            Ok(log) => log.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes the records of a table's stream that come before the record with this sequence
    /// number. The caller must make sure that no reader of the stream needs them any more. DynamoDB
    /// deletes records after 24 hours, but dynoxide never does. Does nothing if the database is in
    /// memory, or if the sequence number is not an integer. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn trim_stream(&self, table: &str, sequence: &str) -> io::Result<()> {
        let (Some(file), Ok(sequence)) = (&self.file, sequence.parse::<i64>()) else {
            return Ok(());
        };
        let trim = "DELETE FROM _stream_records
            WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2";
        execute_statement(file, trim, rusqlite::params![table, sequence]).map_err(io::Error::other)
    }
}

/// Executes one SQL statement on a new connection. Ignores the rows that the statement returns.
fn execute_statement(
    file: &Path,
    statement: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    let mut statement = connection.prepare(statement)?;
    // A pragma may return a row, so the statement runs as a query.
    let mut rows = statement.query(values)?;
    while rows.next()?.is_some() {}
    Ok(())
}
