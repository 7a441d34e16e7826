//! The embedded DynamoDB: dynoxide, which keeps tables, indexes and streams in one SQLite file.
//!
//! Only opening and serving live here. It never interprets an item, and it checks no credentials: bind it to the
//! loopback interface.

use std::future::Future;
use std::io;
use std::path::Path;

use tokio::net::TcpListener;

/// An open database and the HTTP service on it. Clones share the database.
#[derive(Clone)]
pub struct DynamoDbEngine {
    database: dynoxide::Database,
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
        })
    }

    /// An engine that forgets everything when it is dropped.
    ///
    /// # Errors
    /// SQLite is out of memory.
    pub fn memory() -> io::Result<Self> {
        Ok(DynamoDbEngine {
            database: dynoxide::Database::memory().map_err(io::Error::other)?,
        })
    }

    /// The database itself, for what has no HTTP operation here: reading its streams, expiring items.
    #[must_use]
    pub fn database(&self) -> &dynoxide::Database {
        &self.database
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
