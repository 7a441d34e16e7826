//! The rows of multipart uploads and of their parts. This module does not touch the files of parts.

use rusqlite::{Connection, OptionalExtension, params};
use s3s::{S3ErrorCode, S3Result};

use crate::address::ObjectAddress;
use crate::database::{ObjectAttributes, ObjectChecksums, read_json, read_key, to_json};
use crate::errors::{database_error, s3_error};
use crate::etag::Md5Digest;

/// A new multipart upload.
pub(crate) struct NewUpload {
    pub(crate) id: String,
    pub(crate) address: ObjectAddress,
    /// The time at which the upload was started, in milliseconds since 1970.
    pub(crate) started_ms: i64,
    /// The attributes of the object that the upload becomes.
    pub(crate) attributes: ObjectAttributes,
    /// The checksum algorithm, in upper case.
    pub(crate) algorithm: Option<String>,
    /// The checksum type: `FULL_OBJECT` or `COMPOSITE`.
    pub(crate) checksum_type: Option<String>,
}

/// The row of a multipart upload, open or completed.
pub(crate) struct UploadRow {
    pub(crate) attributes: ObjectAttributes,
    /// The checksum algorithm, in upper case.
    pub(crate) algorithm: Option<String>,
    /// The checksum type: `FULL_OBJECT` or `COMPOSITE`.
    pub(crate) checksum_type: Option<String>,
    /// The ETag of the object, if the upload is completed.
    pub(crate) completed_etag: Option<String>,
}

/// An open multipart upload, as a listing shows it.
pub(crate) struct ListedUpload {
    pub(crate) key: String,
    pub(crate) id: String,
    /// The time at which the upload was started, in milliseconds since 1970.
    pub(crate) started_ms: i64,
    pub(crate) algorithm: Option<String>,
    pub(crate) checksum_type: Option<String>,
}

/// An open multipart upload that got no part for a long time.
pub(crate) struct IdleUpload {
    pub(crate) id: String,
    pub(crate) address: ObjectAddress,
}

/// The row of a part that was uploaded.
pub(crate) struct PartRow {
    /// The part number, from 1.
    pub(crate) number: i32,
    /// The name of the part's file in the folder of uploads.
    pub(crate) file: String,
    /// The size in bytes.
    pub(crate) size: u64,
    pub(crate) etag: String,
    /// The time at which the part was uploaded, in milliseconds since 1970.
    pub(crate) modified_ms: i64,
    pub(crate) checksums: ObjectChecksums,
}

impl PartRow {
    /// Returns the MD5 of the part's bytes. The part's ETag is this digest in hexadecimal.
    pub(crate) fn md5(&self) -> Md5Digest {
        data_encoding::HEXLOWER
            .decode(self.etag.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default()
    }
}

/// Inserts a new upload.
///
/// # Errors
/// The database fails.
pub(crate) fn insert_upload(connection: &Connection, upload: &NewUpload) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)",
            params![
                upload.id,
                upload.address.bucket,
                upload.address.key.as_bytes(),
                upload.started_ms,
                to_json(&upload.attributes)?,
                upload.algorithm,
                upload.checksum_type
            ],
        )
        .map(drop)
}

/// Loads the upload with this id and address, open or completed. Returns `None` if there is none.
///
/// # Errors
/// The database fails.
pub(crate) fn load_upload(
    connection: &Connection,
    id: &str,
    address: &ObjectAddress,
) -> rusqlite::Result<Option<UploadRow>> {
    let sql = "SELECT attributes, algorithm, checksum_type, completed FROM uploads
               WHERE id = ?1 AND bucket = ?2 AND key = ?3";
    connection
        .prepare_cached(sql)?
        .query_row(params![id, address.bucket, address.key.as_bytes()], |row| {
            Ok(UploadRow {
                attributes: read_json(row, 0)?,
                algorithm: row.get(1)?,
                checksum_type: row.get(2)?,
                completed_etag: row.get(3)?,
            })
        })
        .optional()
}

/// Lists the open uploads of a bucket, ordered by key and then by the time of their start.
///
/// # Errors
/// The database fails.
pub(crate) fn list_open_uploads(
    connection: &Connection,
    bucket: &str,
) -> rusqlite::Result<Vec<ListedUpload>> {
    let sql = "SELECT key, id, started_ms, algorithm, checksum_type FROM uploads
               WHERE bucket = ?1 AND completed IS NULL ORDER BY key, started_ms, id";
    connection
        .prepare(sql)?
        .query_map([bucket], |row| {
            Ok(ListedUpload {
                key: read_key(row, 0)?,
                id: row.get(1)?,
                started_ms: row.get(2)?,
                algorithm: row.get(3)?,
                checksum_type: row.get(4)?,
            })
        })?
        .collect()
}

/// Checks that an upload is open.
///
/// # Errors
/// `NoSuchUpload` if the upload never existed, or is completed or aborted.
pub(crate) fn require_open_upload(connection: &Connection, id: &str) -> S3Result {
    let open = connection
        .prepare_cached("SELECT 1 FROM uploads WHERE id = ?1 AND completed IS NULL")
        .and_then(|mut statement| statement.exists([id]))
        .map_err(database_error)?;
    if open {
        Ok(())
    } else {
        Err(s3_error(S3ErrorCode::NoSuchUpload))
    }
}

/// Marks an upload as completed and deletes the rows of its parts. Keeps the ETag of the object,
/// for a client that repeats its request because it missed the response. Safe to repeat.
///
/// # Errors
/// The database fails.
pub(crate) fn mark_upload_completed(
    connection: &Connection,
    id: &str,
    etag: &str,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE uploads SET completed = ?2 WHERE id = ?1",
        params![id, etag],
    )?;
    connection.execute("DELETE FROM parts WHERE upload = ?1", [id])?;
    Ok(())
}

/// Deletes the row of an upload and the rows of its parts. Safe to repeat.
///
/// # Errors
/// The database fails.
pub(crate) fn delete_upload(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM parts WHERE upload = ?1", [id])?;
    connection.execute("DELETE FROM uploads WHERE id = ?1", [id])?;
    Ok(())
}

/// Lists the open uploads that were started before `before_ms` (in milliseconds since 1970) and
/// that got no part since then.
///
/// # Errors
/// The database fails.
pub(crate) fn list_idle_uploads(
    connection: &Connection,
    before_ms: i64,
) -> rusqlite::Result<Vec<IdleUpload>> {
    let sql = "SELECT id, bucket, key FROM uploads
               WHERE completed IS NULL AND started_ms < ?1 AND NOT EXISTS
                   (SELECT 1 FROM parts WHERE upload = uploads.id AND modified_ms >= ?1)";
    connection
        .prepare(sql)?
        .query_map([before_ms], |row| {
            Ok(IdleUpload {
                id: row.get(0)?,
                address: ObjectAddress {
                    bucket: row.get(1)?,
                    key: read_key(row, 2)?,
                },
            })
        })?
        .collect()
}

/// Deletes the rows of the completed uploads that were started before `before_ms`, in milliseconds
/// since 1970.
///
/// # Errors
/// The database fails.
pub(crate) fn delete_completed_uploads(
    connection: &Connection,
    before_ms: i64,
) -> rusqlite::Result<()> {
    connection
        .execute(
            "DELETE FROM uploads WHERE completed IS NOT NULL AND started_ms < ?1",
            [before_ms],
        )
        .map(drop)
}

/// Saves the row of a part. If there was a part with the same number, replaces its row and returns
/// the name of its file.
///
/// # Errors
/// The database fails.
pub(crate) fn save_part(
    connection: &Connection,
    upload: &str,
    part: &PartRow,
) -> rusqlite::Result<Option<String>> {
    let replaced = connection
        .prepare_cached("SELECT file FROM parts WHERE upload = ?1 AND number = ?2")?
        .query_row(params![upload, part.number], |row| row.get(0))
        .optional()?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            upload,
            part.number,
            part.file,
            part.size.cast_signed(),
            part.etag,
            part.modified_ms,
            to_json(&part.checksums)?
        ])?;
    Ok(replaced)
}

/// Lists the rows of an upload's parts, ordered by number.
///
/// # Errors
/// The database fails.
pub(crate) fn list_part_rows(
    connection: &Connection,
    upload: &str,
) -> rusqlite::Result<Vec<PartRow>> {
    let sql = "SELECT number, file, size, etag, modified_ms, checksums FROM parts
               WHERE upload = ?1 ORDER BY number";
    connection
        .prepare_cached(sql)?
        .query_map([upload], |row| {
            Ok(PartRow {
                number: row.get(0)?,
                file: row.get(1)?,
                size: row.get::<_, i64>(2)?.cast_unsigned(),
                etag: row.get(3)?,
                modified_ms: row.get(4)?,
                checksums: read_json(row, 5)?,
            })
        })?
        .collect()
}

/// Reports whether a file in the folder of uploads belongs to a part.
///
/// # Errors
/// The database fails.
pub(crate) fn is_part_file(connection: &Connection, file: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM parts WHERE file = ?1")?
        .exists([file])
}
