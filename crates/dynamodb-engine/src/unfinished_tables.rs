//! Tables whose creation a crash interrupted.
//!
//! dynoxide creates a table in several transactions: its description, its items, each index, and
//! the stream. After a crash between two of them, CreateTable reports that the table exists, but an
//! index or the stream is missing. So this module records the name of a table before its creation,
//! and deletes the record afterwards. A table whose name is still recorded when the database is
//! opened is deleted, and its owner creates it again.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use dynoxide::actions::create_table::{CreateTableRequest, CreateTableResponse};
use dynoxide::actions::delete_table::DeleteTableRequest;
use dynoxide::{Database, DynoxideError};
use rusqlite::{Connection, OptionalExtension};

use super::open_connection;

const CREATE_LIST: &str =
    "CREATE TABLE IF NOT EXISTS photos_unfinished_tables (name TEXT PRIMARY KEY) WITHOUT ROWID";

/// Records a table, unless it exists. The request to create an existing table must never lead to
/// its deletion.
const RECORD: &str = "INSERT OR IGNORE INTO photos_unfinished_tables
    SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM _tables WHERE table_name = ?1)";

const FORGET: &str = "DELETE FROM photos_unfinished_tables WHERE name = ?1";

/// Held while a table is created, so that a second request for the same table cannot delete the
/// record of the first. Tables are rarely created, so one lock for all databases is enough.
static CREATION: Mutex<()> = Mutex::new(());

/// Creates a table, so that [`delete_unfinished_tables`] finds it if a crash interrupts the
/// creation. `file` is the file of the database.
///
/// # Errors
/// Returns the error of dynoxide, or of SQLite if the record cannot be written.
pub(super) fn create_table(
    database: &Database,
    file: &Path,
    request: CreateTableRequest,
) -> dynoxide::Result<CreateTableResponse> {
    let failed = |error: rusqlite::Error| DynoxideError::InternalServerError(error.to_string());
    let _creation = CREATION.lock().unwrap_or_else(PoisonError::into_inner);
    let name = request.table_name.clone();
    let connection = open_connection(file).map_err(failed)?;
    connection.execute(RECORD, [&name]).map_err(failed)?;
    let created = database.create_table(request)?;
    connection.execute(FORGET, [&name]).map_err(failed)?;
    Ok(created)
}

/// Deletes the tables whose creation a crash interrupted. They are empty, because the response to
/// CreateTable was never sent. A table that contains items is kept. This function must be called
/// before the first request. A repeat is safe.
///
/// # Errors
/// Returns an error if the file cannot be read or written.
pub(super) fn delete_unfinished_tables(database: &Database, file: &Path) -> io::Result<()> {
    let connection = open_connection(file).map_err(io::Error::other)?;
    connection
        .execute(CREATE_LIST, [])
        .map_err(io::Error::other)?;
    for name in unfinished_tables(&connection).map_err(io::Error::other)? {
        if !has_items(&connection, &name).map_err(io::Error::other)? {
            let table_name = name.clone();
            match database.delete_table(DeleteTableRequest { table_name }) {
                Ok(_) | Err(DynoxideError::ResourceNotFoundException(_)) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        connection
            .execute(FORGET, [&name])
            .map_err(io::Error::other)?;
    }
    Ok(())
}

fn unfinished_tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names = connection.prepare("SELECT name FROM photos_unfinished_tables")?;
    names.query_map([], |row| row.get(0))?.collect()
}

/// Returns `true` if the table has items. Returns `false` if it has none, or if the crash came
/// before the SQL table for its items was created.
fn has_items(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    if !connection.table_exists(None, name)? {
        return Ok(false);
    }
    let any = format!("SELECT 1 FROM \"{}\" LIMIT 1", name.replace('"', "\"\""));
    let found = connection.query_row(&any, [], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::super::{DynamoDbEngine, database_file, with_suffix};

    /// The bytes before the first frame of a log, and before the page of a frame
    /// (sqlite.org/fileformat2.html, "The Write-Ahead Log").
    const LOG_HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;

    fn run(engine: &DynamoDbEngine, operation: &str, body: &serde_json::Value) -> String {
        let target = format!("DynamoDB_20120810.{operation}");
        let response = engine.run_operation(&target, body.to_string().as_bytes());
        format!("{} {}", response.status, response.json)
    }

    fn table() -> serde_json::Value {
        let key = |pk: &str| json!([{ "AttributeName": pk, "KeyType": "HASH" }]);
        json!({
            "TableName": "photos",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "place", "AttributeType": "S" },
                { "AttributeName": "camera", "AttributeType": "S" },
            ],
            "KeySchema": key("pk"),
            "GlobalSecondaryIndexes": [
                { "IndexName": "by-place", "KeySchema": key("place"), "Projection": { "ProjectionType": "ALL" } },
                { "IndexName": "by-camera", "KeySchema": key("camera"), "Projection": { "ProjectionType": "ALL" } },
            ],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
        })
    }

    /// Creates the table if it does not exist, and checks that an item reaches each part of it.
    fn check_table(engine: &DynamoDbEngine, crash: &str) {
        let created = run(engine, "CreateTable", &table());
        assert!(
            created.starts_with("200") || created.contains("ResourceInUseException"),
            "{crash}: {created}"
        );
        let item = json!({ "pk": { "S": "a" }, "place": { "S": "p" }, "camera": { "S": "c" } });
        let put = json!({ "TableName": "photos", "Item": item });
        assert_eq!(run(engine, "PutItem", &put), "200 {}", "{crash}");
        for (index, key) in [("by-place", "place"), ("by-camera", "camera")] {
            let query = json!({
                "TableName": "photos", "IndexName": index,
                "KeyConditionExpression": format!("{key} = :key"),
                "ExpressionAttributeValues": { ":key": item[key] },
            });
            let found = run(engine, "Query", &query);
            assert!(found.contains(r#""Count":1"#), "{crash}: {found}");
        }
        let described = run(engine, "DescribeTable", &json!({ "TableName": "photos" }));
        assert!(
            described.contains("LatestStreamArn"),
            "{crash}: {described}"
        );
    }

    /// A crash keeps a prefix of the log. Tries all of them, for the creation of the database and
    /// of a table.
    #[test]
    fn a_crash_at_any_moment_leaves_no_unfinished_table() {
        let original = tempfile::tempdir().expect("a folder");
        let engine = DynamoDbEngine::open(original.path()).expect("a database");
        let created = run(&engine, "CreateTable", &table());
        assert!(created.starts_with("200"), "{created}");
        let file = database_file(original.path());
        let database = fs::read(&file).expect("the database");
        let log = fs::read(with_suffix(&file, "-wal")).expect("the log");
        let page_bytes: [u8; 4] = log[8..12].try_into().expect("four bytes");
        let frame = FRAME_HEADER + u32::from_be_bytes(page_bytes) as usize;
        let frames = (log.len() - LOG_HEADER) / frame;
        assert!(frames > 20, "the log has only {frames} frames");
        for kept in 0..=frames {
            let crashed = tempfile::tempdir().expect("a folder");
            let file = database_file(crashed.path());
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(&file, &database).expect("the database");
            let log = &log[..LOG_HEADER + kept * frame];
            fs::write(with_suffix(&file, "-wal"), log).expect("the log");
            let crash = format!("{kept} of {frames} frames");
            let engine = DynamoDbEngine::open(crashed.path());
            check_table(
                &engine.unwrap_or_else(|error| panic!("{crash}: {error}")),
                &crash,
            );
        }
    }

    #[test]
    fn an_existing_table_survives_another_creation() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = DynamoDbEngine::open(folder.path()).expect("a database");
        check_table(&engine, "first");
        let again = run(&engine, "CreateTable", &table());
        assert!(again.contains("ResourceInUseException"), "{again}");
        drop(engine);
        let engine = DynamoDbEngine::open(folder.path()).expect("a database");
        let get = json!({ "TableName": "photos", "Key": { "pk": { "S": "a" } } });
        let item = run(&engine, "GetItem", &get);
        assert!(item.contains(r#""place""#), "{item}");
    }
}
