//! The data folder itself: its modes, the version of its database, and reading it without a change.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_s3::config::RequestChecksumCalculation;
use s3_folder::{KeyPair, OpenError, S3Store};
use tokio::net::TcpListener;

use super::{BUCKET, FolderServer, client, code, files};

/// Returns the bytes and the modification time of every file below a folder, by path.
fn file_states(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let states = files(folder).into_iter().map(|name| {
        let path = folder.join(&name);
        let modified = path.metadata().unwrap().modified().unwrap();
        (name, (std::fs::read(path).unwrap(), modified))
    });
    states.collect()
}

fn open_database(data: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(data.join(".engine/s3.sqlite")).unwrap()
}

#[tokio::test]
async fn folder_of_a_newer_version_is_refused_and_unchanged() {
    let server = FolderServer::start().await;
    server.put("a.txt", "a").await;
    let data = server.stop().await;
    open_database(data.path())
        .execute_batch("PRAGMA user_version = 5")
        .unwrap();
    let before = file_states(data.path());
    let scratch = tempfile::tempdir().unwrap();
    let refused = [
        S3Store::open(data.path()),
        S3Store::open_to_read(data.path(), scratch.path()),
    ];
    for refused in refused {
        let Err(error @ OpenError::NewerVersion { .. }) = refused else {
            panic!("it was opened");
        };
        let path = data.path().join(".engine/s3.sqlite");
        let expected = format!(
            "the database {} was written by a newer version (schema 5; this one reads up to 2)",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(file_states(data.path()), before);
}

#[tokio::test]
async fn folder_of_the_first_version_is_brought_up_to_date() {
    let server = FolderServer::start().await;
    server.put("a.txt", "a").await;
    let data = server.stop().await;
    let sql = "ALTER TABLE objects DROP COLUMN upload; PRAGMA user_version = 1";
    open_database(data.path()).execute_batch(sql).unwrap();
    let server = FolderServer::start_in(data).await.restart().await;
    assert_eq!(server.get("a.txt").await.unwrap(), b"a");
    server.put("a.txt", "b").await;
    assert_eq!(server.get("a.txt").await.unwrap(), b"b");
    let version = "PRAGMA user_version";
    let version: i64 = open_database(server.data.path())
        .query_row(version, [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 2);
}

/// Copies a folder with all its files.
fn copy_folder(from: &Path, to: &Path) {
    for name in files(from) {
        let target = to.join(&name);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(from.join(name), target).unwrap();
    }
}

#[tokio::test]
async fn store_that_is_open_for_reading_changes_no_file() {
    let server = FolderServer::start().await;
    server.put("a.txt", "a").await;
    server.put("odd//key", "odd").await;
    server.begin_upload("film.mov").await;
    // The copy has the log of a process that was killed. Another program adds a file.
    let data = tempfile::tempdir().unwrap();
    copy_folder(server.data.path(), data.path());
    assert!(
        data.path()
            .join(".engine/s3.sqlite-wal")
            .metadata()
            .unwrap()
            .len()
            > 0
    );
    std::fs::write(data.path().join(BUCKET).join("new.txt"), "new").unwrap();
    let before = file_states(data.path());

    let scratch = tempfile::tempdir().unwrap();
    let store = S3Store::open_to_read(data.path(), scratch.path()).unwrap();
    let rescanned = store.clone();
    tokio::task::spawn_blocking(move || rescanned.rescan())
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let handler = store.handler(KeyPair::new("test", "secret"));
    let guard = local_http::RequestGuard::default();
    let shutdown = std::future::pending();
    tokio::spawn(local_http::serve(listener, handler, guard, shutdown));
    let reader = FolderServer {
        client: client(&address, "secret", RequestChecksumCalculation::WhenRequired),
        ..server.restart().await
    };
    assert_eq!(reader.keys().await, ["a.txt", "new.txt", "odd//key"]);
    assert_eq!(reader.get("odd//key").await.unwrap(), b"odd");
    let uploads = reader.client.list_multipart_uploads().bucket(BUCKET);
    assert_eq!(uploads.send().await.unwrap().uploads().len(), 1);

    let client = &reader.client;
    let put = client.put_object().bucket(BUCKET).key("b.txt").send();
    assert_eq!(code(&put.await.unwrap_err()), "AccessDenied");
    let delete = client.delete_object().bucket(BUCKET).key("a.txt").send();
    assert_eq!(code(&delete.await.unwrap_err()), "AccessDenied");
    let create = client.create_bucket().bucket("other").send();
    assert_eq!(code(&create.await.unwrap_err()), "AccessDenied");
    let upload = client.create_multipart_upload().bucket(BUCKET).key("c");
    assert_eq!(code(&upload.send().await.unwrap_err()), "AccessDenied");
    assert_eq!(file_states(data.path()), before);
}

#[cfg(unix)]
#[tokio::test]
async fn new_folders_and_databases_are_private_and_the_owner_can_open_them() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    drop(S3Store::open(&data).unwrap());
    for (path, expected) in [
        ("", 0o700),
        (".engine", 0o700),
        (".engine/tmp", 0o700),
        (".engine/uploads", 0o700),
        (".engine/odd", 0o700),
        (".engine/s3.sqlite", 0o600),
    ] {
        assert_eq!(mode(&data.join(path)), expected, "{path}");
    }
    let server = FolderServer::start().await;
    assert_eq!(mode(&server.data.path().join(BUCKET)), 0o700);
}

#[cfg(unix)]
#[tokio::test]
async fn modes_of_existing_folders_are_kept_but_the_engine_is_tightened() {
    use std::os::unix::fs::PermissionsExt;
    let data = FolderServer::start().await.stop().await;
    let set_mode = |path: &str, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(data.path().join(path), mode).unwrap();
    };
    set_mode("", 0o755);
    set_mode(BUCKET, 0o775);
    set_mode(".engine", 0o755);
    set_mode(".engine/s3.sqlite", 0o644);
    let server = FolderServer::start_in(Arc::clone(&data)).await;
    for (path, expected) in [
        ("", 0o755),
        (BUCKET, 0o775),
        (".engine", 0o700),
        (".engine/s3.sqlite", 0o600),
    ] {
        assert_eq!(mode(&server.data.path().join(path)), expected, "{path}");
    }
}

/// Returns the permission bits of a path.
#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o777
}
