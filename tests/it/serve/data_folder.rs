//! Tests of the data folder: its version, its modes, reading without writing, and unfinished work.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use dynamodb_engine::{DynamoDbEngine, EngineAccess};
use local_http::RequestGuard;
use photo_catalogue::catalogue::item::SCHEMA_VERSION;
use photo_catalogue::catalogue::published::PUBLISH_FORMAT_VERSION;
use photo_catalogue::clients::{self, Endpoints};
use rusqlite::Connection;
use s3_folder::KeyPair;
use serde_json::Value;

use super::process::{Photos, files, until};

const PHOTO: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/photos/fuji/DSCF2210.JPG"
);
const STEM: &str = "2020-10-18/DSCF2210";

/// Imports the example photo into the data folder. No process uses the folder after that.
fn imported() -> Photos {
    let photos = Photos::at_rest();
    photos.output(&["import", PHOTO]);
    photos
}

/// Returns the bytes and the modification time of every file in the data folder, by path.
fn file_states(data: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let states = files(data).into_keys().filter_map(|name| {
        let path = data.join(&name);
        let metadata = path.metadata().unwrap();
        // A killed process leaves its socket behind.
        let bytes = metadata.is_file().then(|| std::fs::read(&path).unwrap())?;
        Some((name, (bytes, metadata.modified().unwrap())))
    });
    states.collect()
}

fn database(photos: &Photos, name: &str) -> Connection {
    Connection::open(photos.data().join(".engine").join(name)).unwrap()
}

fn message(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The commands that work on a data folder, each with its arguments.
const COMMANDS: [&[&str]; 14] = [
    &["serve", "--port", "0", "--s3-port", "0"],
    &["import", PHOTO],
    &["import", PHOTO, "--dry-run"],
    &["list"],
    &["show", STEM],
    &["set", STEM, "--private"],
    &["skipped"],
    &["recount"],
    &["recount", "--verify"],
    &["reconcile"],
    &["reconcile", "--fix"],
    &["rm", STEM],
    &["reindex"],
    &["hook", "status"],
];

/// Asserts that every command refuses the data folder with this line.
fn assert_all_commands_refuse(photos: &Photos, expected: &str) {
    for command in COMMANDS {
        let output = photos.run(command);
        assert_eq!(
            message(&output),
            format!("photos: {expected}\n"),
            "{command:?}"
        );
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(output.stdout.is_empty(), "{command:?}");
    }
}

/// Makes a data folder look as if a newer version wrote it.
type DamageFolder<'a> = &'a dyn Fn(&Photos);

#[test]
fn databases_of_a_newer_version_are_refused_and_unchanged() {
    let newer_settings = |photos: &Photos| {
        let settings = r#"{"LOCATION":"hide","HIDE_ON_SUNDAYS":"1"}"#;
        std::fs::write(photos.data().join(".engine/privacy.json"), settings).unwrap();
    };
    let newer_store = |photos: &Photos| {
        let store = database(photos, "s3.sqlite");
        store.execute_batch("PRAGMA user_version = 5").unwrap();
    };
    let newer_catalogue = |photos: &Photos| {
        let sql = "UPDATE _config SET value = '99' WHERE key = 'schema_version'";
        database(photos, "dynamodb.sqlite")
            .execute_batch(sql)
            .unwrap();
    };
    let cases: [(DamageFolder<'_>, &str); 3] = [
        (
            &newer_settings,
            "photos-data was written by a newer version of photos (it has the setting \
             HIDE_ON_SUNDAYS, which this one does not know). Use a newer version.",
        ),
        (
            &newer_store,
            "photos-data was written by a newer version of photos (schema 5; this one reads up to \
             2). Use a newer version.",
        ),
        (
            &newer_catalogue,
            "photos-data was written by a newer version of photos (schema 99; this one reads up to \
             11). Use a newer version.",
        ),
    ];
    for (make_newer, expected) in cases {
        let photos = imported();
        make_newer(&photos);
        let before = file_states(&photos.data());
        // Commands that read only the catalogue do not open the store of the objects.
        let is_store_newer = expected.contains("schema 5");
        let refuses = |command: &&&[&str]| !is_store_newer || uses_objects(command);
        for command in COMMANDS.iter().filter(refuses) {
            let output = photos.run(command);
            assert_eq!(
                message(&output),
                format!("photos: {expected}\n"),
                "{command:?}"
            );
            assert_eq!(output.status.code(), Some(1), "{command:?}");
        }
        let lasting = |states: &BTreeMap<String, (Vec<u8>, SystemTime)>| {
            let mut states = states.clone();
            states.retain(|name, _| !name.ends_with("-shm") && !name.ends_with("-wal"));
            states
        };
        assert_eq!(
            lasting(&file_states(&photos.data())),
            lasting(&before),
            "{expected}"
        );
    }
}

/// Reports whether a command opens the objects of a data folder, and not only its catalogue.
fn uses_objects(command: &[&str]) -> bool {
    !(["list", "show", "skipped", "hook"].contains(&command[0]) || command.contains(&"--verify"))
}

/// Updates one item of a table in the data folder.
async fn update_item(photos: &Photos, table: &str, key: &[(&str, &str)], update: &str) {
    let engine = DynamoDbEngine::open(&photos.data()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let access = EngineAccess::Signed(KeyPair::new("test", "secret"));
    let shutdown = async move { drop(stopped.await) };
    let server = tokio::spawn(engine.serve(listener, access, RequestGuard::default(), shutdown));
    let endpoints = Endpoints {
        s3: None,
        dynamodb: Some(endpoint),
    };
    let dynamodb = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints).dynamodb;
    let mut request = dynamodb.update_item().table_name(table);
    for (name, value) in key {
        request = request.key(*name, AttributeValue::S((*value).to_owned()));
    }
    let newer = AttributeValue::N("99".to_owned());
    let request = request
        .update_expression(update)
        .expression_attribute_names("#version", update_name(table))
        .expression_attribute_values(":newer", newer);
    request.send().await.unwrap();
    drop(dynamodb);
    stop.send(()).unwrap();
    server.await.unwrap();
}

fn update_name(table: &str) -> &'static str {
    match table {
        "photos" => "schemaVersion",
        _ => "format",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_newer_version_are_refused() {
    let set = "SET #version = :newer";
    let photos = imported();
    update_item(&photos, "photos", &[("pk", "years")], set).await;
    assert_all_commands_refuse(
        &photos,
        &format!(
            "the table photos was written by a newer version of photos (schema 99; this one reads up to \
             {SCHEMA_VERSION}). Use a newer version."
        ),
    );
    let photos = imported();
    let files = [("pk", "state"), ("sk", "files")];
    update_item(&photos, "publish", &files, set).await;
    assert_all_commands_refuse(
        &photos,
        &format!(
            "the table publish was written by a newer version of photos (schema 99; this one reads up to \
             {PUBLISH_FORMAT_VERSION}). Use a newer version."
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn item_of_a_newer_version_is_neither_read_nor_changed() {
    let photos = imported();
    let shown: Value = serde_json::from_str(&photos.output(&["show", STEM, "--json"])).unwrap();
    let pk = shown["pk"].as_str().unwrap();
    update_item(&photos, "photos", &[("pk", pk)], "SET #version = :newer").await;
    for command in [
        &["show", STEM][..],
        &["set", STEM, "--title", "x"],
        &["rm", STEM],
    ] {
        let output = photos.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let message = message(&output);
        let expected =
            format!("the item {pk} was written by a newer version of photos (schema 99;");
        assert!(message.contains(&expected), "{command:?}: {message}");
    }
    assert_eq!(photos.tree("archive").len(), 1);
}

/// The commands that change nothing.
const READING_COMMANDS: [&[&str]; 9] = [
    &["list"],
    &["list", "--private"],
    &["show", STEM],
    &["skipped"],
    &["recount", "--verify"],
    &["reconcile"],
    &["hook", "status"],
    &["import", PHOTO, "--dry-run"],
    &["extract", "photos-data/archive/2020-10-18/DSCF2210.JPG"],
];

/// Takes the right to write away from everybody, for a folder and everything in it. Others may
/// read.
#[cfg(unix)]
fn make_read_only(folder: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            make_read_only(&path, mode);
        } else {
            let file_mode = mode & 0o666;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(file_mode)).unwrap();
        }
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Asserts that all reading commands give their usual output over a read-only data folder of
/// another user, and change no file.
#[cfg(unix)]
fn assert_reading_changes_nothing(photos: &Photos) {
    make_read_only(&photos.data(), 0o555);
    let before = file_states(&photos.data());
    for command in READING_COMMANDS {
        let output = photos.run_without_rights(command);
        // Publish has not counted the photo, so these two report that and have another status.
        let reports_counts = matches!(command[0], "recount" | "reconcile")
            && ["counts", "Everything fits"]
                .iter()
                .any(|text| message(&output).contains(text));
        let is_success = output.status.success() || reports_counts;
        assert!(is_success, "{command:?}: {}", message(&output));
        let output = String::from_utf8(output.stdout).unwrap();
        if ["list", "show", "extract"].contains(&command[0]) && !command.contains(&"--private") {
            assert!(output.contains("X-T4"), "{command:?}: {output}");
        }
        assert_eq!(file_states(&photos.data()), before, "{command:?}");
    }
    let refused = photos.run_without_rights(&["set", STEM, "--private"]);
    assert_eq!(refused.status.code(), Some(1));
    make_read_only(&photos.data(), 0o755);
}

#[cfg(unix)]
#[test]
fn reading_commands_work_on_a_read_only_folder_of_another_user() {
    assert_reading_changes_nothing(&imported());
}

#[cfg(unix)]
#[tokio::test]
async fn reading_commands_work_on_a_read_only_folder_after_a_crash() {
    let mut photos = Photos::serving();
    photos
        .put("DSCF2210.JPG", std::fs::read(PHOTO).unwrap())
        .await;
    photos.photos(1).await;
    photos.kill();
    let log = photos.data().join(".engine/dynamodb.sqlite-wal");
    assert!(log.metadata().unwrap().len() > 0);
    assert_reading_changes_nothing(&photos);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_private_files_under_every_umask() {
    use std::os::unix::fs::PermissionsExt;
    for umask in ["000", "022", "277"] {
        let photos = Photos::at_rest();
        let output = photos.run_with_umask(umask, &["import", PHOTO]);
        if umask != "277" {
            assert!(output.status.success(), "{}", message(&output));
        }
        let mode = |path: &str| {
            let metadata = photos.data().join(path).metadata().unwrap();
            metadata.permissions().mode() & 0o777
        };
        for folder in [
            "",
            ".engine",
            ".engine/tmp",
            ".engine/uploads",
            ".engine/odd",
        ] {
            assert_eq!(mode(folder), 0o700, "{umask} {folder}");
        }
        for file in ["lock", "privacy.json", "s3.sqlite", "dynamodb.sqlite"] {
            assert_eq!(mode(&format!(".engine/{file}")), 0o600, "{umask} {file}");
        }
        if umask != "277" {
            assert_eq!([mode("inbox"), mode("archive")], [0o700, 0o700], "{umask}");
        }
    }
}

#[cfg(unix)]
#[test]
fn existing_engine_and_settings_are_tightened_and_the_archive_stays() {
    use std::os::unix::fs::PermissionsExt;
    let mut photos = imported();
    let data = photos.data();
    let set_mode = |path: &str, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(data.join(path), mode).unwrap();
    };
    let private_files = [
        ".engine/lock",
        ".engine/privacy.json",
        ".engine/s3.sqlite",
        ".engine/dynamodb.sqlite",
    ];
    for (path, open) in [("", 0o755), (".engine", 0o755), ("archive", 0o750)] {
        set_mode(path, open);
    }
    for file in private_files {
        set_mode(file, 0o644);
    }
    photos.start(&[]);
    let mode = |path: &str| {
        let metadata = data.join(path).metadata().unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(
        [mode(""), mode(".engine"), mode("archive")],
        [0o755, 0o700, 0o750]
    );
    for file in private_files {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert_eq!(mode(".engine/serve.json"), 0o600);
}

#[tokio::test]
async fn unfinished_uploads_are_reported_after_a_day() {
    let mut photos = Photos::serving();
    for key in ["old.mov", "new.mov"] {
        let upload = photos
            .s3()
            .create_multipart_upload()
            .bucket("inbox")
            .key(key);
        let upload = upload.send().await.unwrap().upload_id.unwrap();
        let part = photos.s3().upload_part().bucket("inbox").key(key);
        let part = part.upload_id(upload).part_number(1);
        part.body(vec![7; 1234].into()).send().await.unwrap();
    }
    photos.interrupt();
    let store = database(&photos, "s3.sqlite");
    let sql = "UPDATE uploads SET started_ms = started_ms - 2 * 86400000
                   WHERE key = CAST('old.mov' AS BLOB);
               UPDATE parts SET modified_ms = modified_ms - 2 * 86400000
                   WHERE upload = (SELECT id FROM uploads WHERE key = CAST('old.mov' AS BLOB));";
    store.execute_batch(sql).unwrap();
    drop(store);

    let assert_reported = |photos: &Photos| {
        let output = photos.run(&["reconcile", "--json"]);
        assert_eq!(output.status.code(), Some(1));
        let lines = String::from_utf8(output.stdout.clone()).unwrap();
        let mut line: Value = serde_json::from_str(lines.trim()).unwrap();
        assert!(line["begun"].take().is_string());
        let expected = serde_json::json!({
            "notice": "unfinished-upload", "of": "old.mov", "bucket": "inbox", "bytes": 1234,
            "begun": null,
        });
        assert_eq!(line, expected);
        let expected = "Unfinished: 1 × unfinished upload (1234 bytes).\n";
        assert_eq!(message(&output), expected);
    };
    assert_reported(&photos);
    let text = String::from_utf8(photos.run(&["reconcile"]).stdout).unwrap();
    assert!(
        text.starts_with("old.mov: unfinished upload of 1234 bytes, begun ")
            && text.ends_with(": `photos serve` aborts it 7 days after its last part\n"),
        "{text}"
    );
    photos.start(&[]);
    assert_reported(&photos);
    let uploads = photos.s3().list_multipart_uploads().bucket("inbox");
    assert_eq!(uploads.send().await.unwrap().uploads().len(), 2);
}

#[tokio::test]
async fn dead_letters_are_reported_and_tried_again_at_the_next_start() {
    let mut photos = Photos::serving();
    photos
        .put("DSCF2210.JPG", std::fs::read(PHOTO).unwrap())
        .await;
    photos.photos(1).await;
    photos.interrupt();
    // A dead letter of an upload that a later upload replaced.
    let store = database(&photos, "s3.sqlite");
    let body = r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put",
        "s3":{"bucket":{"name":"inbox"},"object":{"key":"DSCF2210.JPG","sequencer":"1"}}}]}"#;
    let sql = "INSERT INTO dead_letters VALUES (1, ?1, 20, 0)";
    store.execute(sql, [body]).unwrap();
    drop(store);

    let output = photos.run(&["reconcile", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = serde_json::json!({
        "notice": "dead-letter", "of": "DSCF2210.JPG", "bucket": "inbox", "attempts": 20,
    });
    assert_eq!(notices(&output), [expected]);
    let expected = "Unfinished: 1 × change that could not be processed.\n";
    assert!(message(&output).ends_with(expected), "{}", message(&output));
    photos.start(&[]);
    let reported = "Changes that could not be processed in 20 attempts: 1. They are tried again";
    until("it is reported", || {
        photos.messages().contains(reported).then_some(())
    });
    until("it is processed", || {
        let output = photos.run(&["reconcile", "--json"]);
        notices(&output).is_empty().then_some(())
    });
}

/// Returns the lines of `photos reconcile --json` that report unfinished work.
fn notices(output: &Output) -> Vec<Value> {
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["notice"].is_string())
        .collect()
}
