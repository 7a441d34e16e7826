#![doc = include_str!("../README.md")]

mod operations;
mod server;
mod signature;
mod unfinished_tables;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dynoxide::storage_backend::sql_builders::{GET_SCHEMA_VERSION, SCHEMA_VERSION};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

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

/// The error for a database that a newer version of dynoxide wrote. The database is unchanged.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a newer version wrote the database (schema {found}; this one reads up to {supported})")]
pub struct NewerDatabaseError {
    /// The schema version of the database.
    pub found: u64,
    /// The newest schema version that the linked version of dynoxide reads.
    pub supported: u64,
}

/// An open database of the embedded DynamoDB. Clones share the database.
#[derive(Clone)]
pub struct DynamoDbEngine {
    database: dynoxide::Database,
    /// The file of the database. `None` if the database is in memory or only read.
    file: Option<PathBuf>,
    /// The folder of a copy of the database. It is removed when the last clone is dropped.
    _copy: Option<Arc<TempDir>>,
}

impl DynamoDbEngine {
    /// Opens the database `data/.engine/dynamodb.sqlite`. Creates the folder and the file if they
    /// do not exist. SQLite gives the files of its log the mode of the database. If a crash
    /// interrupted the creation of a table, the table does not exist afterwards.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be created, or if this version of dynoxide cannot read
    /// the file. If a newer version wrote the file, the error contains a [`NewerDatabaseError`],
    /// and the file is unchanged.
    pub fn open(data: &Path) -> io::Result<Self> {
        let file = database_file(data);
        Self::check_version(data)?;
        std::fs::create_dir_all(data.join(".engine"))?;
        let name = utf8_path(&file)?;
        // SQLite saves this setting in the file, so it holds for the connection of dynoxide.
        let cache = format!("PRAGMA default_cache_size = {CACHE_PAGES}");
        execute_statement(&file, &cache, []).map_err(io::Error::other)?;
        let database = dynoxide::Database::new(name).map_err(io::Error::other)?;
        execute_statement(&file, STREAM_INDEX, []).map_err(io::Error::other)?;
        unfinished_tables::delete_unfinished_tables(&database, &file)?;
        Ok(DynamoDbEngine {
            database,
            file: Some(file),
            _copy: None,
        })
    }

    /// Opens the database `data/.engine/dynamodb.sqlite` for reading, and writes nothing in the
    /// data folder. Requests that would change the database fail. If a crash left changes in the
    /// log of the database, works on a copy in a private temporary folder. No other process may
    /// have the database open.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or copied, or if an older version wrote it and
    /// it must be converted first. If a newer version wrote the file, the error contains a
    /// [`NewerDatabaseError`].
    pub fn open_to_read(data: &Path) -> io::Result<Self> {
        let file = database_file(data);
        let log = with_suffix(&file, "-wal");
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            let folder = tempfile::tempdir()?;
            let copy = folder.path().join("dynamodb.sqlite");
            for (from, to) in [(file, copy.clone()), (log, with_suffix(&copy, "-wal"))] {
                let mut bytes = std::fs::File::open(from)?;
                io::copy(&mut bytes, &mut std::fs::File::create(to)?)?;
            }
            check_file_version(&copy)?;
            let database = dynoxide::Database::new(utf8_path(&copy)?).map_err(io::Error::other)?;
            unfinished_tables::delete_unfinished_tables(&database, &copy)?;
            return Ok(DynamoDbEngine {
                database,
                file: None,
                _copy: Some(Arc::new(folder)),
            });
        }
        // SQLite then takes no lock and creates no log. The caller's lock keeps writers away.
        let uri = format!("file:{}?immutable=1", escape_uri_path(utf8_path(&file)?));
        check_file_version(Path::new(&uri))?;
        Ok(DynamoDbEngine {
            database: dynoxide::Database::new(&uri).map_err(io::Error::other)?,
            file: None,
            _copy: None,
        })
    }

    /// Checks that no newer version of this program wrote the database of a data folder. Does
    /// nothing if there is no database.
    ///
    /// # Errors
    /// Returns an error that contains a [`NewerDatabaseError`] if a newer version wrote the
    /// database, or another error if the database cannot be read.
    pub fn check_version(data: &Path) -> io::Result<()> {
        let file = database_file(data);
        if !file.exists() {
            return Ok(());
        }
        check_file_version(&file)
    }

    /// Opens a new database in memory. It is lost when the last clone is dropped.
    ///
    /// # Errors
    /// Returns an error if SQLite cannot create the database, for example because memory is full.
    pub fn open_in_memory() -> io::Result<Self> {
        Ok(DynamoDbEngine {
            database: dynoxide::Database::memory().map_err(io::Error::other)?,
            file: None,
            _copy: None,
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
        let log = with_suffix(file, "-wal");
        // This is enough: a checkpoint syncs the pages that it moves out of the log
        // (sqlite.org/wal.html).
        match std::fs::File::open(log) {
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

fn database_file(data: &Path) -> PathBuf {
    data.join(".engine/dynamodb.sqlite")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn utf8_path(path: &Path) -> io::Result<&str> {
    path.to_str()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"))
}

/// Escapes the characters of a path that have a meaning in a URI of SQLite.
fn escape_uri_path(path: &str) -> String {
    path.replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23")
}

/// Checks the version that dynoxide recorded in a database. `file` is a path or a URI.
fn check_file_version(file: &Path) -> io::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(file, flags).map_err(io::Error::other)?;
    connection
        .busy_timeout(LOCK_TIMEOUT)
        .map_err(io::Error::other)?;
    // A new file has no such table yet. Another failure is reported when the database is opened.
    let recorded = connection.query_row(GET_SCHEMA_VERSION, [], |row| row.get::<_, String>(0));
    let recorded = recorded.ok().and_then(|version| version.parse().ok());
    let (found, supported) = (recorded.unwrap_or_default(), u64::from(SCHEMA_VERSION));
    if found <= supported {
        return Ok(());
    }
    Err(io::Error::other(NewerDatabaseError { found, supported }))
}

/// Opens a connection that waits for other writers of the database.
fn open_connection(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    Ok(connection)
}

/// Executes one SQL statement on a new connection. Ignores the rows that the statement returns.
fn execute_statement(
    file: &Path,
    statement: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    let connection = open_connection(file)?;
    let mut statement = connection.prepare(statement)?;
    // A pragma may return a row, so the statement runs as a query.
    let mut rows = statement.query(values)?;
    while rows.next()?.is_some() {}
    Ok(())
}
