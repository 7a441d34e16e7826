//! Tests of the commands that show, find, merge and split photos, and of imports of the same
//! photos.

use std::path::Path;

use serde_json::{Value, json};

use super::process::Photos;
use crate::ingest::photos::TestShot;

const FILES: usize = 1000;
const FIRST: &str = "2018:02:01 09:41:07";

fn import(photos: &Photos, folder: &str) -> Value {
    serde_json::from_str(&photos.output(&["import", "--json", folder])).unwrap()
}

/// Returns the numbers of new, edited and known files in the report of an import.
fn counts(report: &Value) -> [u64; 3] {
    assert_eq!(report["failed"], json!(0), "{report}");
    ["new", "edited", "known"].map(|name| report[name].as_u64().unwrap())
}

fn show(photos: &Photos, stem: &str) -> Value {
    serde_json::from_str(&photos.output(&["show", "--json", stem])).unwrap()
}

/// Returns the JPEG of a shot with a caption. Only its metadata differ.
fn captioned(shot: TestShot) -> Vec<u8> {
    let text = b"\xff\xfe\0\x0ba caption";
    shot.jpeg_with_segment(text)
}

fn write_files(folder: &Path, names: &[String], bytes: impl Fn(usize) -> Vec<u8>) {
    std::fs::create_dir_all(folder).unwrap();
    for (number, name) in names.iter().enumerate() {
        std::fs::write(folder.join(name), bytes(number)).unwrap();
    }
}

#[test]
fn import_finds_no_new_photo_in_copies_and_replaces_edits() {
    let photos = Photos::at_rest();
    let names: Vec<String> = (0..FILES).map(|n| format!("IMG_{n:04}.jpg")).collect();
    let shot = |number: usize| {
        let taken = format!("2018:02:01 {:02}:{:02}:07", number / 60, number % 60);
        TestShot::at(taken.leak())
    };
    let folder = photos.folder().to_path_buf();
    write_files(&folder.join("card"), &names, |number| shot(number).jpeg());
    let all = FILES as u64;
    assert_eq!(counts(&import(&photos, "card")), [all, 0, 0]);
    let archive = photos.tree("archive");

    // The same files come from another folder, and from a copy with other modification times.
    write_files(&folder.join("backup"), &names, |number| shot(number).jpeg());
    let report = import(&photos, "backup");
    assert_eq!(counts(&report), [0, 0, all]);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    for name in &names {
        let file = std::fs::File::options();
        let file = file
            .clone()
            .append(true)
            .open(folder.join("card").join(name));
        file.unwrap().set_modified(later).unwrap();
    }
    assert_eq!(counts(&import(&photos, "card")), [0, 0, all]);
    assert_eq!(photos.tree("archive"), archive);

    // Half of them get a caption.
    let half = FILES / 2;
    write_files(&folder.join("card"), &names[..half], |number| {
        captioned(shot(number))
    });
    let [new, edited, known] = counts(&import(&photos, "card"));
    assert_eq!((new, edited), (0, half as u64));
    assert_eq!(known, all - edited);
    assert_eq!(photos.tree("archive").len(), FILES);
    let listed = photos.output(&["list", "--json", "--limit", "2000"]);
    assert_eq!(listed.lines().count(), FILES);

    let shown = show(&photos, "2018-02-01/IMG_0999");
    let uploads = [
        "s3://inbox/backup/IMG_0999.jpg",
        "s3://inbox/card/IMG_0999.jpg",
    ];
    assert_eq!(shown["uploads"], json!(uploads));
    let removed = photos.run(&["rm", "2018-02-01/IMG_0999"]);
    let message = String::from_utf8(removed.stderr).unwrap();
    for upload in uploads {
        assert!(
            message.contains(&format!("its upload {upload} stays")),
            "{message}"
        );
    }
}

#[test]
fn edit_that_moves_its_photo_to_another_day_is_counted_as_an_edit() {
    for photos in [Photos::at_rest(), Photos::serving()] {
        let folder = photos.folder().join("card");
        std::fs::create_dir(&folder).unwrap();
        let write = |taken| {
            std::fs::write(folder.join("a.jpg"), TestShot::at(taken).jpeg()).unwrap();
            counts(&import(&photos, "card"))
        };
        assert_eq!(write(FIRST), [1, 0, 0]);
        assert_eq!(write("2018:02:02 15:00:00"), [0, 1, 0]);
        super::process::until("the photo has moved", || {
            let archive = photos.tree("archive");
            let files: Vec<&String> = archive.keys().collect();
            (files == ["2018-02-02/a.jpg"]).then_some(())
        });
    }
}

#[test]
fn duplicates_are_listed_merged_and_split() {
    let photos = Photos::at_rest();
    let shot = TestShot::at(FIRST);
    let folder = photos.folder().join("card");
    std::fs::create_dir(&folder).unwrap();
    for (name, bytes) in [
        ("a.jpg", shot.jpeg()),
        ("copy of a.jpg", shot.jpeg()),
        ("captioned.jpg", captioned(shot)),
        ("other.jpg", TestShot::at("2018:02:01 15:00:00").jpeg()),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    import(&photos, "card");
    let listed = photos.output(&["duplicates", "--json"]);
    let equal = json!({ "equal": "bytes", "photos": ["2018-02-01/a", "2018-02-01/copy of a"] });
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap(), equal);
    assert_eq!(
        photos.output(&["duplicates"]),
        "the same bytes: 2018-02-01/a, 2018-02-01/copy of a\n"
    );
    photos.output(&["set", "2018-02-01/copy of a", "--private"]);
    photos.output(&["duplicates", "--merge"]);
    assert_eq!(photos.output(&["duplicates"]), "");
    assert_eq!(
        photos.listed_stems(),
        ["2018-02-01/other", "2018-02-01/captioned"]
    );
    photos.output(&["reconcile"]);
    photos.output(&["split", "2018-02-01/a"]);
    assert!(
        photos
            .tree("archive")
            .contains_key("2018-02-01/copy of a.jpg")
    );
    photos.output(&["reconcile"]);

    let pictures = photos.output(&["duplicates", "--pictures", "--json"]);
    assert!(pictures.contains("2018-02-01/captioned"), "{pictures}");
    let nothing = photos.run(&["merge", "2018-02-01/a", "2018-02-01/nothing"]);
    let message = String::from_utf8(nothing.stderr).unwrap();
    assert_eq!(nothing.status.code(), Some(1));
    assert!(
        message.contains("there is no photo \"2018-02-01/nothing\""),
        "{message}"
    );
    photos.output(&["merge", "2018-02-01/other", "2018-02-01/captioned"]);
    photos.output(&["reconcile"]);
}

#[test]
fn date_and_offset_are_set_and_restored() {
    let photos = Photos::at_rest();
    let folder = photos.folder().join("card");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("scan.jpg"), TestShot::undated().jpeg()).unwrap();
    import(&photos, "card");
    let set = |arguments: &[&str]| {
        photos.output(&[&["set", "undated/scan"], arguments].concat());
        show(&photos, "undated/scan")["summary"].clone()
    };
    let summary = set(&["--date", "1985-06", "--offset", "+02:00"]);
    assert_eq!(
        (
            &summary["takenAtLocal"],
            &summary["datePrecision"],
            &summary["takenAt"]
        ),
        (&json!("1985-06"), &json!("month"), &Value::Null)
    );
    assert_eq!(summary["dateSource"], json!("SetByHand"));
    let listed = photos.output(&[
        "list",
        "--json",
        "--from",
        "1985-06-01",
        "--to",
        "1985-06-01",
    ]);
    assert!(listed.contains("undated/scan"), "{listed}");
    let summary = set(&["--date", "1985-06-14T10:00:00", "--offset", "-03:30"]);
    assert_eq!(summary["takenAt"], json!("1985-06-14T13:30:00Z"));
    assert_eq!(summary["datePrecision"], json!("second"));
    let summary = set(&["--date", "", "--offset", ""]);
    assert_eq!(summary["takenAtLocal"], Value::Null);
    for wrong in [["--date", "1985-13"], ["--offset", "2"]] {
        let refused = photos.run(&[&["set", "undated/scan"], wrong.as_slice()].concat());
        assert_eq!(refused.status.code(), Some(2));
    }
}
