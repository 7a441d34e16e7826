//! The embedded DynamoDB: dynoxide, which keeps tables, indexes and streams in one SQLite file.
//!
//! Only opening, serving and trimming live here. It never interprets an item, and it checks no credentials: bind it to the
//! loopback interface.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpListener;

/// How long a statement of ours waits for a writer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pages of the database that are kept in memory: 16 MB. SQLite's own default, 2 MB, holds less than a page of a gallery.
const CACHE_PAGES: u32 = 4096;

/// At every write dynoxide asks for the last number of the table's stream: without this it looks through all records, images
/// and all. The columns are those of its pinned version.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS photos_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)";

/// An open database and the HTTP service on it. Clones share the database.
#[derive(Clone)]
pub struct DynamoDbEngine {
    database: dynoxide::Database,
    file: Option<PathBuf>,
}

impl DynamoDbEngine {
    /// Opens the engine below `data`, in `data/.engine/dynamodb.sqlite`; creates what is missing.
    ///
    /// # Errors
    /// The folder cannot be made, or the file is no database that this version reads.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(".engine");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("dynamodb.sqlite");
        let name = file
            .to_str()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "path is not UTF-8"))?;
        // Kept in the file, and read by whoever opens it next.
        let cache = format!("PRAGMA default_cache_size = {CACHE_PAGES}");
        execute(&file, &cache, []).map_err(io::Error::other)?;
        let database = dynoxide::Database::new(name).map_err(io::Error::other)?;
        execute(&file, STREAM_INDEX, []).map_err(io::Error::other)?;
        Ok(DynamoDbEngine {
            database,
            file: Some(file),
        })
    }

    /// An engine that forgets everything when it is dropped.
    ///
    /// # Errors
    /// SQLite is out of memory.
    pub fn open_in_memory() -> io::Result<Self> {
        Ok(DynamoDbEngine {
            database: dynoxide::Database::memory().map_err(io::Error::other)?,
            file: None,
        })
    }

    /// The database itself, for what has no HTTP operation here: reading its streams, expiring items.
    #[must_use]
    pub fn database(&self) -> &dynoxide::Database {
        &self.database
    }

    /// From now on a write is safe from a power cut only once [`DynamoDbEngine::sync`] has returned; from the end of the
    /// process it is safe at once, as ever. For who writes much, and can tell when it must last.
    ///
    /// # Errors
    /// SQLite refuses.
    pub fn defer_sync(&self) -> io::Result<()> {
        // dynoxide's name for SQLite's `synchronous = NORMAL`, its only way there.
        self.database
            .disable_bulk_loading()
            .map_err(io::Error::other)
    }

    /// Returns when everything that was written before is on disk. Blocks. Safe to repeat; does nothing to an engine in
    /// memory.
    ///
    /// # Errors
    /// The disk.
    pub fn sync(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        // What is no longer in the log was synced by the checkpoint that took it out (sqlite.org/wal.html).
        match std::fs::File::open(PathBuf::from(log)) {
            Ok(log) => log.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Forgets the records of a table's stream before this sequence number, which its only reader has seen. DynamoDB
    /// forgets them after 24 hours; dynoxide never does. Does nothing to an engine in memory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn trim_stream(&self, table: &str, sequence: &str) -> io::Result<()> {
        let (Some(file), Ok(sequence)) = (&self.file, sequence.parse::<i64>()) else {
            return Ok(());
        };
        let trim = "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2";
        execute(file, trim, rusqlite::params![table, sequence]).map_err(io::Error::other)
    }

    /// Serves HTTP on `listener` until `shutdown`; then accepts nothing more and lets running requests finish.
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

/// One statement, over a connection of its own.
fn execute(file: &Path, statement: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    let mut statement = connection.prepare(statement)?;
    // A pragma may answer with a row.
    let mut rows = statement.query(values)?;
    while rows.next()?.is_some() {}
    Ok(())
}
