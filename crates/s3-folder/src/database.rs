//! The store's SQLite database: its schema, its rows, and its connections.
//!
//! One connection writes (the writer's own), a few read. Nothing here touches the objects' files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use serde::{Deserialize, Serialize};

use super::files::Identity;
use super::location::Location;

/// `pending` 0 is what the object is, 1 what a write that has not yet renamed its file wants it to be.
/// `folded` (plain objects only) is the key as a file system without case sees it.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS objects (
        bucket TEXT NOT NULL, key BLOB NOT NULL, pending INTEGER NOT NULL,
        odd INTEGER NOT NULL, folded BLOB,
        size INTEGER NOT NULL, etag TEXT NOT NULL, modified_ms INTEGER NOT NULL,
        inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, attributes TEXT NOT NULL, event TEXT,
        PRIMARY KEY (bucket, key, pending)
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
    PRAGMA user_version = 1;
";

/// What a client said of an object beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<String>,
    /// As an HTTP date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) website_redirect_location: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Checksums::is_empty")]
    pub(super) checksums: Checksums,
    /// Sizes of the parts that it was uploaded in; empty where it came whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<u64>,
}

/// Checksums as S3 writes them: base64, those of an upload in parts with `-N`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Checksums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// `FULL_OBJECT` or `COMPOSITE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
}

impl Checksums {
    pub(super) fn is_empty(&self) -> bool {
        *self == Checksums::default()
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    pub(super) location: Location,
    pub(super) identity: Identity,
    /// Without quotes.
    pub(super) etag: String,
    pub(super) modified_ms: i64,
    pub(super) attributes: Attributes,
}

impl Object {
    pub(super) fn size(&self) -> u64 {
        self.identity.size.cast_unsigned()
    }
}

/// Opens a connection that may write. `full` commits survive a power cut, others survive the process.
pub(super) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.execute_batch(SCHEMA)?;
    prepare(&connection)?;
    Ok(connection)
}

/// Sets whether the next commits reach the disk before they return.
pub(super) fn set_durable(connection: &Connection, durable: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
}

/// Connections that only read, made when needed and kept.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Readers {
        Readers {
            path: path.to_path_buf(),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Runs `read` on a connection; it sees every commit that was acknowledged before.
    pub(super) fn with<T>(
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
            None => {
                let connection = Connection::open(&self.path)?;
                connection.busy_timeout(std::time::Duration::from_secs(10))?;
                connection.pragma_update(None, "query_only", true)?;
                prepare(&connection)?;
                connection
            }
        };
        let answer = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A burst may open many; each costs its cache.
        if idle.len() < 8 {
            idle.push(connection);
        }
        answer
    }
}

const COLUMNS: &str = "odd, size, etag, modified_ms, inode, mtime_ns, attributes";

/// The object, and the one that a write under way is about to make of it.
pub(super) fn object(
    connection: &Connection,
    bucket: &str,
    key: &str,
) -> rusqlite::Result<(Option<Object>, Option<Object>)> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, pending FROM objects WHERE bucket = ?1 AND key = ?2"
    ))?;
    let mut rows = statement.query(params![bucket, key.as_bytes()])?;
    let (mut current, mut pending) = (None, None);
    while let Some(row) = rows.next()? {
        let slot = if row.get::<_, bool>(7)? {
            &mut pending
        } else {
            &mut current
        };
        *slot = Some(read_object(row)?);
    }
    Ok((current, pending))
}

/// Writes an object's row, over the one that is there.
pub(super) fn put_object(
    connection: &Connection,
    bucket: &str,
    key: &str,
    pending: Option<&str>,
    object: &Object,
) -> rusqlite::Result<()> {
    let odd = object.location == Location::Odd;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO objects VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
        )?
        .execute(params![
            bucket,
            key.as_bytes(),
            pending.is_some(),
            odd,
            (!odd).then(|| super::location::fold(key).into_bytes()),
            object.identity.size,
            object.etag,
            object.modified_ms,
            object.identity.inode,
            object.identity.mtime_ns,
            to_json(&object.attributes)?,
            pending,
        ])?;
    Ok(())
}

/// Drops an object's row, or the one pending for it.
pub(super) fn delete_object(
    connection: &Connection,
    bucket: &str,
    key: &str,
    pending: bool,
) -> rusqlite::Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM objects WHERE bucket = ?1 AND key = ?2 AND pending = ?3")?
        .execute(params![bucket, key.as_bytes(), pending])?;
    Ok(deleted > 0)
}

/// Every pending row: bucket, key, object, event.
pub(super) fn pending(
    connection: &Connection,
) -> rusqlite::Result<Vec<(String, String, Object, String)>> {
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS}, bucket, key, event FROM objects WHERE pending = 1"
    ))?;
    statement
        .query_map([], |row| {
            Ok((row.get(7)?, key_of(row, 8)?, read_object(row)?, row.get(9)?))
        })?
        .collect()
}

/// Up to `limit` objects of a bucket after `after` (or at it, where `inclusive`), in byte order of their keys.
pub(super) fn range(
    connection: &Connection,
    bucket: &str,
    after: &[u8],
    inclusive: bool,
    limit: usize,
) -> rusqlite::Result<Vec<(String, Object)>> {
    let relation = if inclusive { ">=" } else { ">" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, key FROM objects WHERE bucket = ?1 AND key {relation} ?2 AND pending = 0
         ORDER BY key LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement
        .query_map(params![bucket, after, limit], |row| {
            Ok((key_of(row, 7)?, read_object(row)?))
        })?
        .collect()
}

/// Whether another key already uses `key`'s name on a file system that ignores case: as the same file, as a file
/// where `key` needs a folder, or as a folder where `key` needs a file.
pub(super) fn collides(connection: &Connection, bucket: &str, key: &str) -> rusqlite::Result<bool> {
    let folded = super::location::fold(key);
    let mut file = connection.prepare_cached(
        "SELECT 1 FROM objects WHERE bucket = ?1 AND folded = ?2 AND key <> ?3 AND folded IS NOT NULL LIMIT 1",
    )?;
    let ends = folded
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([folded.len()]);
    for end in ends {
        if file.exists(params![bucket, &folded.as_bytes()[..end], key.as_bytes()])? {
            return Ok(true);
        }
    }
    // '0' is the byte after '/'.
    connection
        .prepare_cached(
            "SELECT 1 FROM objects WHERE bucket = ?1 AND folded > ?2 AND folded < ?3 LIMIT 1",
        )?
        .exists(params![
            bucket,
            format!("{folded}/").as_bytes(),
            format!("{folded}0").as_bytes()
        ])
}

/// Whether a plain object of this bucket has another key that differs from `key` in case only, and which.
pub(super) fn same_name(
    connection: &Connection,
    bucket: &str,
    key: &str,
) -> rusqlite::Result<Vec<(String, Object)>> {
    // Left to itself, SQLite reads the whole bucket by its keys.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, key FROM objects INDEXED BY objects_folded
         WHERE bucket = ?1 AND folded = ?2 AND folded IS NOT NULL AND key <> ?3 AND pending = 0"
    ))?;
    let folded = super::location::fold(key).into_bytes();
    statement
        .query_map(params![bucket, folded, key.as_bytes()], |row| {
            Ok((key_of(row, 7)?, read_object(row)?))
        })?
        .collect()
}

pub(super) fn bucket_exists(connection: &Connection, bucket: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM buckets WHERE name = ?1")?
        .exists([bucket])
}

/// Every bucket with the time it was created, by name.
pub(super) fn buckets(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    connection
        .prepare("SELECT name, created_ms FROM buckets ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// What a query counts.
pub(super) fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    connection
        .query_row(sql, [], |row| row.get::<_, i64>(0))
        .optional()
        .map(|count| count.unwrap_or(0).cast_unsigned())
}

/// A value as the JSON text that its column holds.
pub(super) fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The value of a JSON column.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    row: &SqlRow<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    })
}

/// A key, which is always UTF-8.
pub(super) fn key_of(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<String> {
    String::from_utf8(row.get(column)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
    })
}

fn read_object(row: &SqlRow<'_>) -> rusqlite::Result<Object> {
    Ok(Object {
        location: if row.get(0)? {
            Location::Odd
        } else {
            Location::Plain
        },
        identity: Identity {
            size: row.get(1)?,
            inode: row.get(4)?,
            mtime_ns: row.get(5)?,
        },
        etag: row.get(2)?,
        modified_ms: row.get(3)?,
        attributes: from_json(row, 6)?,
    })
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    // In KiB when negative: a few connections of it stay within a few MB.
    connection.pragma_update(None, "cache_size", -1024)
}
