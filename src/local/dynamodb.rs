//! The embedded DynamoDB: dynoxide, which keeps tables, indexes and streams in one SQLite file.
//!
//! Only opening, serving and trimming live here. It never interprets an item, and it checks no credentials: bind it to the
//! loopback interface.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpListener;

/// How long trimming waits for a writer.
const TRIM_PATIENCE: Duration = Duration::from_secs(5);

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
        Ok(DynamoDbEngine {
            database: dynoxide::Database::new(name).map_err(io::Error::other)?,
            file: Some(file),
        })
    }

    /// An engine that forgets everything when it is dropped.
    ///
    /// # Errors
    /// SQLite is out of memory.
    pub fn memory() -> io::Result<Self> {
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

    /// Forgets the records of a table's stream before this sequence number, which its only reader has seen. DynamoDB
    /// forgets them after 24 hours; dynoxide never does, and looks through all of them at every write. Does nothing to
    /// an engine in memory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn trim_stream(&self, table: &str, sequence: &str) -> io::Result<()> {
        let (Some(file), Ok(sequence)) = (&self.file, sequence.parse::<i64>()) else {
            return Ok(());
        };
        let connection = rusqlite::Connection::open(file).map_err(io::Error::other)?;
        connection
            .busy_timeout(TRIM_PATIENCE)
            .and_then(|()| {
                connection.execute(
                    "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2",
                    rusqlite::params![table, sequence],
                )
            })
            .map(|_| ())
            .map_err(io::Error::other)
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
