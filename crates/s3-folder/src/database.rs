//! The store's SQLite database: its schema, its rows, and its connections.
//!
//! Only the writer's thread has a connection that writes. A few other connections read. This module
//! does not touch the files of objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row as SqlRow, params};
use serde::{Deserialize, Serialize};

use crate::address::ObjectAddress;
use crate::files::FileIdentity;
use crate::placement::{Placement, fold_key};

/// The tables of the database. In `objects`, a row with `pending` 0 is an object. A row with
/// `pending` 1 is a pending row. It belongs to a write that is not finished, and becomes the object
/// when the file of the write is in its place. `odd` is 1 if the object is placed by hash
/// ([`Placement::ByHash`]). `folded` is the key in lower case, as a file system that ignores case
/// sees it. It is NULL if the object is placed by hash. `upload` is the id of the multipart upload
/// that a pending write completes. It is NULL in every other row.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS objects (
        bucket TEXT NOT NULL, key BLOB NOT NULL, pending INTEGER NOT NULL,
        odd INTEGER NOT NULL, folded BLOB,
        size INTEGER NOT NULL, etag TEXT NOT NULL, modified_ms INTEGER NOT NULL,
        inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, attributes TEXT NOT NULL, event TEXT,
        upload TEXT, PRIMARY KEY (bucket, key, pending)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS objects_folded ON objects (bucket, folded) WHERE folded IS NOT NULL;
    CREATE INDEX IF NOT EXISTS objects_pending ON objects (pending) WHERE pending = 1;
    CREATE TABLE IF NOT EXISTS uploads (
        id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, started_ms INTEGER NOT NULL,
        attributes TEXT NOT NULL, algorithm TEXT, checksum_type TEXT, completed TEXT
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS uploads_key ON uploads (bucket, key, id);
    CREATE TABLE IF NOT EXISTS parts (
        upload TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
        etag TEXT NOT NULL, modified_ms INTEGER NOT NULL, checksums TEXT NOT NULL,
        PRIMARY KEY (upload, number)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS notifications (
        bucket TEXT NOT NULL, prefix TEXT NOT NULL, PRIMARY KEY (bucket, prefix)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, created_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_ms, id);
    CREATE TABLE IF NOT EXISTS dead_letters (
        id INTEGER PRIMARY KEY, body TEXT NOT NULL, attempts INTEGER NOT NULL, died_ms INTEGER NOT NULL
    );
";

/// The version of [`SCHEMA`]. It is stored in the database as `user_version`. Increase it with each
/// change of the tables, and add a step to [`migrate_tables`].
const SCHEMA_VERSION: i64 = 2;

/// The reason why the writing connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenDatabaseError {
    /// SQLite cannot read or write the file.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A newer program wrote the tables. The file is unchanged.
    #[error("schema {found}; this program reads up to {supported}")]
    NewerSchema {
        /// The version in the file.
        found: i64,
        /// The newest version that this program reads.
        supported: i64,
    },
}

/// The maximum number of idle connections that stay open for reading. The limit saves memory,
/// because each connection has a cache.
const MAX_IDLE_READERS: usize = 8;

/// The maximum time that a statement waits for a lock.
const LOCK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// The attributes of an object, apart from its bytes. Most of them are headers that the client
/// sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    /// The `Expires` header, as an HTTP date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website_redirect_location: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String)>,
    #[serde(skip_serializing_if = "ObjectChecksums::is_empty")]
    pub(crate) checksums: ObjectChecksums,
    /// The sizes in bytes of the parts in which the object was uploaded. Empty if it was uploaded
    /// in one request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<u64>,
}

/// The checksums of an object or of a part, in base64 as S3 writes them. A composite checksum of N
/// parts ends in `-N`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectChecksums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// The checksum type: `FULL_OBJECT` or `COMPOSITE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
}

impl ObjectChecksums {
    /// Reports whether there is no checksum.
    pub(crate) fn is_empty(&self) -> bool {
        *self == ObjectChecksums::default()
    }
}

/// One object, as its row in the database describes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredObject {
    pub(crate) placement: Placement,
    /// The identity of the object's file.
    pub(crate) identity: FileIdentity,
    /// The ETag, without quotes.
    pub(crate) etag: String,
    /// The time of the last change, in milliseconds since 1970.
    pub(crate) modified_ms: i64,
    pub(crate) attributes: ObjectAttributes,
}

impl StoredObject {
    /// Returns the size of the object in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.identity.size.cast_unsigned()
    }
}

/// The rows of one address in the table `objects`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ObjectRows {
    /// The row of the object. `None` if there is no object.
    pub(crate) current: Option<StoredObject>,
    /// The pending row, if a write of this address is not finished.
    pub(crate) pending: Option<StoredObject>,
}

impl ObjectRows {
    /// Reports whether the address has no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.current.is_none() && self.pending.is_none()
    }

    /// Returns the row whose file has this identity.
    pub(crate) fn with_identity(self, identity: FileIdentity) -> Option<StoredObject> {
        [self.current, self.pending]
            .into_iter()
            .flatten()
            .find(|object| object.identity == identity)
    }

    /// Reports whether the file of one of the rows has this identity.
    pub(crate) fn contains_identity(&self, identity: FileIdentity) -> bool {
        [&self.current, &self.pending]
            .into_iter()
            .flatten()
            .any(|object| object.identity == identity)
    }
}

/// An object with its key, for a listing.
#[derive(Debug)]
pub(crate) struct KeyedObject {
    pub(crate) key: String,
    pub(crate) object: StoredObject,
}

/// A write whose first transaction was committed, but not its second. [`crate::writer`] describes
/// both transactions.
#[derive(Debug)]
pub(crate) struct PendingWrite {
    pub(crate) address: ObjectAddress,
    pub(crate) object: StoredObject,
    /// The event name of the notification that is recorded when the write is completed.
    pub(crate) event_name: String,
    /// The id of the multipart upload that the write completes, if it completes one.
    pub(crate) upload: Option<String>,
}

/// The columns of a pending row that the row of an object does not have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingColumns<'a> {
    /// The event name of the notification that is recorded when the write is completed.
    pub(crate) event_name: &'a str,
    /// The id of the multipart upload that the write completes, if it completes one.
    pub(crate) upload: Option<&'a str>,
}

/// The row of a bucket.
#[derive(Debug)]
pub(crate) struct BucketRow {
    pub(crate) name: String,
    /// The time at which the bucket was created, in milliseconds since 1970.
    pub(crate) created_ms: i64,
}

/// The durability of a connection's commits: the kind of failure that the commits survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Commits survive a loss of power. A commit returns only when it is on disk.
    PowerLoss,
    /// Commits survive a crash of the process, but perhaps not a loss of power.
    ProcessCrash,
}

/// The start of a range of keys, in byte order.
#[derive(Debug, Clone)]
pub(crate) enum KeyRangeStart {
    /// The range begins with the first key that is equal to or greater than this byte string.
    From(Vec<u8>),
    /// The range begins with the first key that is greater than this byte string.
    After(Vec<u8>),
}

impl KeyRangeStart {
    /// Returns the byte string in the variant.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            KeyRangeStart::From(bytes) | KeyRangeStart::After(bytes) => bytes,
        }
    }
}

/// Opens the one connection that writes to the database at `path`. Creates tables that are missing,
/// and brings the tables of an older version up to date.
///
/// # Errors
/// The file is not a database, or it cannot be written. Or a newer program wrote it: then the file
/// is unchanged.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenDatabaseError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // The version is checked before anything is written, the journal mode included.
    let found = check_version(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    migrate_tables(&connection, found)?;
    configure_caches(&connection)?;
    Ok(connection)
}

/// Checks that no newer program wrote the tables. Returns the version of the tables, or 0 if there
/// are none yet.
///
/// # Errors
/// A newer program wrote the tables, or the database fails.
pub(crate) fn check_version(connection: &Connection) -> Result<i64, OpenDatabaseError> {
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found <= SCHEMA_VERSION {
        return Ok(found);
    }
    Err(OpenDatabaseError::NewerSchema {
        found,
        supported: SCHEMA_VERSION,
    })
}

/// Opens a connection that reads the database at `path` while another process writes to it.
///
/// # Errors
/// The file is not a database, or it cannot be read.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    Ok(connection)
}

/// Brings the tables from the version `found` to [`SCHEMA_VERSION`], in one transaction. Version 0
/// is an empty database.
fn migrate_tables(connection: &Connection, found: i64) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    if found == 1 {
        connection.execute_batch("ALTER TABLE objects ADD COLUMN upload TEXT")?;
    }
    connection.execute_batch(SCHEMA)?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

/// Sets the kind of failure that the next commits of a connection survive.
///
/// # Errors
/// SQLite does not allow the change, for example inside a transaction.
pub(crate) fn set_durability(
    connection: &Connection,
    durability: Durability,
) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::PowerLoss => "FULL",
        Durability::ProcessCrash => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

/// A pool of connections that only read. A read uses an idle connection, or opens a new one if none
/// is idle.
#[derive(Debug)]
pub(crate) struct ReaderPool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl ReaderPool {
    /// Returns an empty pool over the database at `path`.
    pub(crate) fn new(path: &Path) -> ReaderPool {
        ReaderPool {
            path: path.to_path_buf(),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Runs `read` on a connection of the pool, and returns its result. `read` sees every commit
    /// that was finished before this call. Blocks the thread.
    ///
    /// # Errors
    /// The database cannot be opened, or `read` fails.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A burst of requests may open more connections than are worth keeping.
        if idle.len() < MAX_IDLE_READERS {
            idle.push(connection);
        }
        result
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(LOCK_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        configure_caches(&connection)?;
        Ok(connection)
    }
}

const COLUMNS: &str = "odd, size, etag, modified_ms, inode, mtime_ns, attributes";

/// Loads the rows of an address: the row of the object, and the pending row of a write that is not
/// finished.
///
/// # Errors
/// The database fails.
pub(crate) fn load_object(
    connection: &Connection,
    address: &ObjectAddress,
) -> rusqlite::Result<ObjectRows> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, pending FROM objects WHERE bucket = ?1 AND key = ?2"
    ))?;
    let mut rows = statement.query(params![address.bucket, address.key.as_bytes()])?;
    let mut found = ObjectRows::default();
    while let Some(row) = rows.next()? {
        let slot = if row.get::<_, bool>(7)? {
            &mut found.pending
        } else {
            &mut found.current
        };
        *slot = Some(read_object(row)?);
    }
    Ok(found)
}

/// Writes the row of an object. Replaces an earlier row of the object.
///
/// # Errors
/// The database fails.
pub(crate) fn save_object(
    connection: &Connection,
    address: &ObjectAddress,
    object: &StoredObject,
) -> rusqlite::Result<()> {
    save_row(connection, address, object, None)
}

/// Writes the pending row of a write that will make `object`. Replaces an earlier pending row.
///
/// # Errors
/// The database fails.
pub(crate) fn save_pending_object(
    connection: &Connection,
    address: &ObjectAddress,
    object: &StoredObject,
    pending: PendingColumns<'_>,
) -> rusqlite::Result<()> {
    save_row(connection, address, object, Some(pending))
}

fn save_row(
    connection: &Connection,
    address: &ObjectAddress,
    object: &StoredObject,
    pending: Option<PendingColumns<'_>>,
) -> rusqlite::Result<()> {
    let by_hash = object.placement == Placement::ByHash;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO objects VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
        )?
        .execute(params![
            address.bucket,
            address.key.as_bytes(),
            pending.is_some(),
            by_hash,
            (!by_hash).then(|| fold_key(&address.key).into_bytes()),
            object.identity.size,
            object.etag,
            object.modified_ms,
            object.identity.inode,
            object.identity.mtime_ns,
            to_json(&object.attributes)?,
            pending.map(|pending| pending.event_name),
            pending.and_then(|pending| pending.upload),
        ])?;
    Ok(())
}

/// Deletes the row of an object. Returns `false` if there was no row.
///
/// # Errors
/// The database fails.
pub(crate) fn delete_object(
    connection: &Connection,
    address: &ObjectAddress,
) -> rusqlite::Result<bool> {
    delete_row(connection, address, false)
}

/// Deletes the pending row of an address, which is the row of a write that is not finished. Returns
/// `false` if there was no such row.
///
/// # Errors
/// The database fails.
pub(crate) fn delete_pending_object(
    connection: &Connection,
    address: &ObjectAddress,
) -> rusqlite::Result<bool> {
    delete_row(connection, address, true)
}

fn delete_row(
    connection: &Connection,
    address: &ObjectAddress,
    pending: bool,
) -> rusqlite::Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM objects WHERE bucket = ?1 AND key = ?2 AND pending = ?3")?
        .execute(params![address.bucket, address.key.as_bytes(), pending])?;
    Ok(deleted > 0)
}

/// Lists the writes that are not finished. Each has a pending row.
///
/// # Errors
/// The database fails.
pub(crate) fn list_pending_writes(connection: &Connection) -> rusqlite::Result<Vec<PendingWrite>> {
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS}, bucket, key, event, upload FROM objects WHERE pending = 1"
    ))?;
    statement
        .query_map([], |row| {
            Ok(PendingWrite {
                address: ObjectAddress {
                    bucket: row.get(7)?,
                    key: read_key(row, 8)?,
                },
                object: read_object(row)?,
                event_name: row.get(9)?,
                upload: row.get(10)?,
            })
        })?
        .collect()
}

/// Lists up to `limit` objects of a bucket in byte order of their keys, from `start` on.
///
/// # Errors
/// The database fails.
pub(crate) fn list_objects(
    connection: &Connection,
    bucket: &str,
    start: &KeyRangeStart,
    limit: usize,
) -> rusqlite::Result<Vec<KeyedObject>> {
    let relation = match start {
        KeyRangeStart::From(_) => ">=",
        KeyRangeStart::After(_) => ">",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, key FROM objects WHERE bucket = ?1 AND key {relation} ?2 AND pending = 0
         ORDER BY key LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement
        .query_map(params![bucket, start.bytes(), limit], read_keyed_object)?
        .collect()
}

/// Reports whether the bucket has neither an object nor a pending row (the row of a write that is
/// not finished).
///
/// # Errors
/// The database fails.
pub(crate) fn is_bucket_empty(connection: &Connection, bucket: &str) -> rusqlite::Result<bool> {
    let used = connection
        .prepare_cached("SELECT 1 FROM objects WHERE bucket = ?1 LIMIT 1")?
        .exists([bucket])?;
    Ok(!used)
}

/// Reports whether the path of this key collides with the path of another key in the bucket, on a
/// file system that ignores case. `a` collides with `A`, which would be the same file. `a` collides
/// with `A/b` too, because it would be both a file and a folder.
///
/// # Errors
/// The database fails.
pub(crate) fn name_collides(
    connection: &Connection,
    address: &ObjectAddress,
) -> rusqlite::Result<bool> {
    let folded = fold_key(&address.key);
    let mut same_file = connection.prepare_cached(
        "SELECT 1 FROM objects WHERE bucket = ?1 AND folded = ?2 AND key <> ?3 AND folded IS NOT NULL LIMIT 1",
    )?;
    let ends = folded
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([folded.len()]);
    for end in ends {
        let name = &folded.as_bytes()[..end];
        if same_file.exists(params![address.bucket, name, address.key.as_bytes()])? {
            return Ok(true);
        }
    }
    // '0' is the byte after '/', so this range has every key that begins with `folded/`.
    connection
        .prepare_cached(
            "SELECT 1 FROM objects WHERE bucket = ?1 AND folded > ?2 AND folded < ?3 LIMIT 1",
        )?
        .exists(params![
            address.bucket,
            format!("{folded}/").as_bytes(),
            format!("{folded}0").as_bytes()
        ])
}

/// Reports whether the file with this identity belongs to another object, whose key differs from
/// this key only in upper and lower case. On a file system that ignores case, both keys are the
/// path of that file.
///
/// # Errors
/// The database fails.
pub(crate) fn file_belongs_to_other_case(
    connection: &Connection,
    address: &ObjectAddress,
    identity: FileIdentity,
) -> rusqlite::Result<bool> {
    // Without the hint, SQLite reads the whole bucket by its keys.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM objects INDEXED BY objects_folded
         WHERE bucket = ?1 AND folded = ?2 AND folded IS NOT NULL AND key <> ?3 AND pending = 0"
    ))?;
    let folded = fold_key(&address.key).into_bytes();
    let others = statement.query_map(
        params![address.bucket, folded, address.key.as_bytes()],
        read_object,
    )?;
    for other in others {
        if other?.identity == identity {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Inserts a bucket. Returns `false` if it exists already.
///
/// # Errors
/// The database fails.
pub(crate) fn insert_bucket(
    connection: &Connection,
    name: &str,
    created_ms: i64,
) -> rusqlite::Result<bool> {
    let inserted = connection.execute(
        "INSERT OR IGNORE INTO buckets VALUES (?1, ?2)",
        params![name, created_ms],
    )?;
    Ok(inserted > 0)
}

/// Deletes a bucket's row.
///
/// # Errors
/// The database fails.
pub(crate) fn delete_bucket(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection
        .execute("DELETE FROM buckets WHERE name = ?1", [name])
        .map(drop)
}

/// Reports whether the bucket exists.
///
/// # Errors
/// The database fails.
pub(crate) fn bucket_exists(connection: &Connection, bucket: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM buckets WHERE name = ?1")?
        .exists([bucket])
}

/// Lists the buckets, ordered by name.
///
/// # Errors
/// The database fails.
pub(crate) fn list_buckets(connection: &Connection) -> rusqlite::Result<Vec<BucketRow>> {
    connection
        .prepare("SELECT name, created_ms FROM buckets ORDER BY name")?
        .query_map([], |row| {
            Ok(BucketRow {
                name: row.get(0)?,
                created_ms: row.get(1)?,
            })
        })?
        .collect()
}

/// Runs a query that returns one number, and returns this number.
///
/// # Errors
/// The database fails.
pub(crate) fn query_count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    connection
        .query_row(sql, [], |row| row.get::<_, i64>(0))
        .optional()
        .map(|count| count.unwrap_or(0).cast_unsigned())
}

/// Returns a value as JSON text, to store it in a column.
///
/// # Errors
/// The value has no JSON form.
pub(crate) fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Parses the JSON value in a column of a row.
///
/// # Errors
/// The column is not JSON of this type.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(
    row: &SqlRow<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    })
}

/// Returns the key in a column of a row.
///
/// # Errors
/// The column is not UTF-8. The store itself writes only UTF-8.
pub(crate) fn read_key(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<String> {
    String::from_utf8(row.get(column)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
    })
}

fn read_keyed_object(row: &SqlRow<'_>) -> rusqlite::Result<KeyedObject> {
    Ok(KeyedObject {
        key: read_key(row, 7)?,
        object: read_object(row)?,
    })
}

fn read_object(row: &SqlRow<'_>) -> rusqlite::Result<StoredObject> {
    Ok(StoredObject {
        placement: if row.get(0)? {
            Placement::ByHash
        } else {
            Placement::ByPath
        },
        identity: FileIdentity {
            size: row.get(1)?,
            inode: row.get(4)?,
            mtime_ns: row.get(5)?,
        },
        etag: row.get(2)?,
        modified_ms: row.get(3)?,
        attributes: read_json(row, 6)?,
    })
}

fn configure_caches(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    // A negative size is in KiB: nine connections stay within 9 MiB.
    connection.pragma_update(None, "cache_size", -1024)
}
