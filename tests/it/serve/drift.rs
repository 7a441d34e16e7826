//! Tests that all commands use the same settings as `photos serve` and the functions: the storage
//! class of the archive, `SOURCE_AFTER`, and the privacy rules of the data folder.

use std::collections::BTreeSet;
use std::path::Path;

use aws_sdk_s3::types::StorageClass;

use super::process::Photos;
use crate::ingest::photos::TestShot;

const COPY: &str = "2018-02-01/a.jpg";
const STORAGE_CLASS: (&str, &str) = ("ARCHIVE_STORAGE_CLASS", "STANDARD_IA");
const DELETE_SOURCE: (&str, &str) = ("SOURCE_AFTER", "delete");

/// Creates a temporary folder with a folder `card`, which contains one photo. Starts no process.
fn create_card() -> Photos {
    let photos = Photos::at_rest();
    let card = photos.folder().join("card");
    std::fs::create_dir(&card).unwrap();
    let shot = TestShot::at("2018:02:01 09:41:07").jpeg();
    std::fs::write(card.join("a.jpg"), shot).unwrap();
    photos
}

/// Creates an empty catalogue, and copies the photo into the data folder. `key` is the bucket and
/// the object key, such as `archive/2018-02-01/a.jpg`. No process serves the data folder at that
/// time.
fn put_at_rest(photos: &Photos, key: &str) {
    std::fs::create_dir(photos.folder().join("empty")).unwrap();
    run_all(photos, &[], &[&["import", "empty"]]);
    let file = photos.data().join(key);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::copy(photos.folder().join("card/a.jpg"), file).unwrap();
}

/// Runs commands with these environment variables. Each command must succeed.
fn run_all(photos: &Photos, variables: &[(&str, &str)], commands: &[&[&str]]) {
    for command in commands {
        let output = photos.run_with(variables, command);
        assert!(output.status.success(), "{command:?}: {output:?}");
    }
}

/// Returns the storage class of an archived object, from a HEAD request.
async fn storage_class(photos: &mut Photos, key: &str) -> Option<StorageClass> {
    photos.start(&[]);
    let head = photos.s3().head_object().bucket("archive").key(key);
    let class = head.send().await.unwrap().storage_class;
    photos.interrupt();
    class
}

#[tokio::test]
async fn import_sets_the_storage_class() {
    let mut photos = create_card();
    run_all(&photos, &[STORAGE_CLASS], &[&["import", "card"]]);
    let class = storage_class(&mut photos, COPY).await;
    assert_eq!(class, Some(StorageClass::StandardIa));
}

#[tokio::test]
async fn restore_sets_the_storage_class() {
    let mut photos = create_card();
    run_all(
        &photos,
        &[],
        &[&["import", "card"], &["rm", "2018-02-01/a"]],
    );
    run_all(&photos, &[STORAGE_CLASS], &[&["restore", "2018-02-01/a"]]);
    let class = storage_class(&mut photos, COPY).await;
    assert_eq!(class, Some(StorageClass::StandardIa));
}

#[tokio::test]
async fn reconcile_sets_the_storage_class() {
    let mut photos = create_card();
    put_at_rest(&photos, "inbox/card/a.jpg");
    run_all(&photos, &[STORAGE_CLASS], &[&["reconcile", "--fix"]]);
    let class = storage_class(&mut photos, COPY).await;
    assert_eq!(class, Some(StorageClass::StandardIa));
}

#[tokio::test]
async fn reindex_sets_the_storage_class_of_moved_files() {
    let mut photos = create_card();
    put_at_rest(&photos, "archive/2017-01-01/a.jpg");
    run_all(&photos, &[], &[&["import", "photos-data/archive"]]);
    run_all(&photos, &[STORAGE_CLASS], &[&["reindex", "--move"]]);
    let class = storage_class(&mut photos, COPY).await;
    assert_eq!(class, Some(StorageClass::StandardIa));
}

#[test]
fn import_deletes_uploads_if_set() {
    let photos = create_card();
    run_all(&photos, &[DELETE_SOURCE], &[&["import", "card"]]);
    assert_eq!(photos.tree("inbox").len(), 0);
    assert!(photos.tree("archive").contains_key(COPY));
}

#[test]
fn restore_deletes_uploads_if_set() {
    let photos = create_card();
    run_all(
        &photos,
        &[],
        &[&["import", "card"], &["rm", "2018-02-01/a"]],
    );
    assert_eq!(photos.tree("inbox").len(), 1);
    run_all(&photos, &[DELETE_SOURCE], &[&["restore", "2018-02-01/a"]]);
    assert_eq!(photos.tree("inbox").len(), 0);
    assert!(photos.tree("archive").contains_key(COPY));
}

#[test]
fn reconcile_deletes_uploads_if_set() {
    let photos = create_card();
    put_at_rest(&photos, "inbox/card/a.jpg");
    run_all(&photos, &[DELETE_SOURCE], &[&["reconcile", "--fix"]]);
    assert_eq!(photos.tree("inbox").len(), 0);
    assert!(photos.tree("archive").contains_key(COPY));
}

#[test]
fn list_follows_the_private_keywords_of_the_data_folder() {
    let mut photos = Photos::at_rest();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    photos.output(&["import", examples.to_str().unwrap()]);
    let before = BTreeSet::from_iter(photos.listed_stems());
    photos.start(&["--private-keywords", "forest"]);
    photos.interrupt();
    let hidden: Vec<String> = before
        .difference(&BTreeSet::from_iter(photos.listed_stems()))
        .cloned()
        .collect();
    assert_eq!(hidden, ["2020-10-18/DSCF2210"]);
}

#[test]
fn empty_variable_does_not_replace_a_rule_of_the_data_folder() {
    let photos = create_card();
    let import = ["import", "card", "--visibility", "private"];
    run_all(&photos, &[], &[&import]);
    run_all(&photos, &[("VISIBILITY", "")], &[&["reindex"]]);
    let private = photos.output(&["list", "--json", "--private"]);
    assert!(private.contains("2018-02-01/a"), "{private}");
}
