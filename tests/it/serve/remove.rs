//! Tests of `photos rm` and `photos restore`.

use serde_json::Value;

use super::process::Photos;
use crate::ingest::photos::TestShot;

fn list_stems(photos: &Photos) -> Vec<String> {
    let lines = photos.output(&["list", "--json"]);
    let stem = |line: &str| serde_json::from_str::<Value>(line).unwrap()["stem"].clone();
    let stems = lines.lines().map(stem);
    stems
        .map(|stem| stem.as_str().unwrap().to_owned())
        .collect()
}

/// Imports a folder that contains a RAW and JPEG of one photo, and another photo. Returns the
/// temporary folder.
fn import_card() -> Photos {
    let photos = Photos::at_rest();
    let shot = TestShot::at("2018:02:01 09:41:07");
    let card = photos.folder().join("card");
    std::fs::create_dir(&card).unwrap();
    std::fs::write(card.join("a.jpg"), shot.jpeg()).unwrap();
    std::fs::write(card.join("a.dng"), shot.dng()).unwrap();
    std::fs::write(card.join("b.jpg"), shot.jpeg()).unwrap();
    photos.output(&["import", "card"]);
    assert_eq!(list_stems(&photos).len(), 2);
    photos
}

#[test]
fn removed_photo_stays_removed_until_it_is_restored() {
    let photos = import_card();
    let (inbox, archive) = (photos.tree("inbox"), photos.tree("archive"));
    photos.output(&["set", "2018-02-01/a", "--title", "kept"]);

    photos.output(&["rm", "2018-02-01/a.jpg"]);
    assert_eq!(list_stems(&photos), ["2018-02-01/b"]);
    let left = photos.tree("archive");
    assert_eq!(left.keys().collect::<Vec<_>>(), ["2018-02-01/b.jpg"]);
    assert_eq!(photos.tree("inbox"), inbox, "an upload was changed");
    // Neither a second import nor `reconcile --fix` restores it.
    photos.output(&["import", "card"]);
    photos.output(&["reconcile", "--fix"]);
    assert_eq!(photos.tree("archive"), left);
    let again = photos.run(&["rm", "2018-02-01/a"]);
    assert_eq!(again.status.code(), Some(1));

    photos.output(&["restore", "2018-02-01/a"]);
    assert_eq!(photos.tree("archive"), archive);
    assert_eq!(list_stems(&photos).len(), 2);
    let shown: Value =
        serde_json::from_str(&photos.output(&["show", "--json", "2018-02-01/a"])).unwrap();
    assert_eq!(shown["summary"]["title"], "kept");
    let again = photos.run(&["restore", "2018-02-01/a"]);
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn photo_without_a_source_is_removed_only_for_good() {
    let photos = import_card();
    let foreign = photos.data().join("archive/2018-02-01/c.jpg");
    std::fs::write(foreign, TestShot::at("2018:02:01 10:00:00").jpeg()).unwrap();
    photos.output(&["import", "photos-data/archive"]);
    let refused = photos.run(&["rm", "2018-02-01/c"]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{message}");
    assert!(message.contains("--for-good"), "{message}");
    assert!(photos.tree("archive").contains_key("2018-02-01/c.jpg"));
    photos.output(&["rm", "--for-good", "2018-02-01/c"]);
    assert!(!photos.tree("archive").contains_key("2018-02-01/c.jpg"));
    assert_eq!(
        photos.run(&["restore", "2018-02-01/c"]).status.code(),
        Some(1)
    );

    photos.output(&["rm", "--source", "2018-02-01/a"]);
    assert_eq!(
        photos.tree("inbox").keys().collect::<Vec<_>>(),
        ["card/b.jpg"]
    );
    assert_eq!(list_stems(&photos), ["2018-02-01/b"]);
    photos.output(&["reconcile"]);
}
