//! Tests of the commands on files whose names are never a photo's.

use serde_json::{Value, json};

use super::process::{Photos, until};
use crate::ingest::photos::TestShot;

/// Files that a NAS, a phone and a browser leave next to photos.
const NEVER_PHOTOS: [&str; 4] = [
    ".trashed-1650000000-IMG_9.JPG",
    "@eaDir/IMG_1.JPG/SYNOPHOTO_THUMB_XL.jpg",
    "#recycle/IMG_7.JPG",
    "IMG_6.JPG.part",
];

fn jpeg(taken: &'static str) -> Vec<u8> {
    TestShot::at(taken).jpeg()
}

/// Writes one photo and all files of [`NEVER_PHOTOS`] to a folder of the data folder or next to it.
fn fill_folder(photos: &Photos, folder: &str) {
    let write = |name: &str, bytes: Vec<u8>| {
        let path = photos.folder().join(folder).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("IMG_1.JPG", jpeg("2021:06:12 10:00:00"));
    for (name, taken) in NEVER_PHOTOS.iter().zip([
        "2021:06:12 10:00:01",
        "2021:06:12 10:00:02",
        "2021:06:12 10:00:03",
        "2021:06:12 10:00:04",
    ]) {
        write(name, jpeg(taken));
    }
}

#[test]
fn import_leaves_out_files_that_are_never_photos() {
    let photos = Photos::at_rest();
    fill_folder(&photos, "card");
    for dry in [&["--dry-run"][..], &[]] {
        let output = photos.run(&[&["import", "card", "--json"], dry].concat());
        assert!(output.status.success(), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&report["found"], &report["new"]),
            (&json!(1), &json!(1)),
            "{report}"
        );
        let messages = String::from_utf8(output.stderr).unwrap();
        assert!(messages.contains("1 × trash (.trashed-*)"), "{messages}");
        assert!(messages.contains("1 × thumbnail (@eaDir/)"), "{messages}");
    }
    assert_eq!(photos.listed_stems(), ["2021-06-12/IMG_1"]);
    // A path that is skipped as a whole is an error, and does not look like an empty folder.
    let output = photos.run(&["import", "card/#recycle"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");

    // Removed patterns make photos of these files, and an added pattern skips a photo.
    let setting = "!.trashed-*,!.*,!#recycle/,IMG_7*";
    let report = photos.output(&["import", "card", "--json", "--skip-names", setting]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["found"], &report["new"]), (&json!(2), &json!(1)));
}

#[test]
fn uploads_at_rest_are_skipped_listed_and_no_faults() {
    let photos = Photos::at_rest();
    fill_folder(&photos, "card");
    photos.output(&["import", "card"]);
    fill_folder(&photos, "photos-data/inbox/nas");
    fill_folder(&photos, "photos-data/archive/by-hand");
    photos.output(&["reconcile", "--fix"]);
    let all = photos.listed_stems();
    // The files of the folder `nas` have the bytes of those in `card`.
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(
        all.iter()
            .all(|stem| stem.ends_with("IMG_1") || stem.contains("/IMG_1~"))
    );
    // A file that begins with a dot in the folder itself is no object of the embedded store.
    let skipped = photos.skipped(2 * (NEVER_PHOTOS.len() - 1));
    assert_eq!(skipped["nas/#recycle/IMG_7.JPG"], "trash (#recycle/)");
    assert_eq!(
        skipped["by-hand/IMG_6.JPG.part"],
        "unfinished transfer (*.part)"
    );
    photos.output(&["reconcile"]);

    // The import of the uploads counts the skips by their reasons.
    let report = photos.output(&["import", "photos-data/inbox", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["skipped"], 3, "{report}");
    assert_eq!(report["skippedNames"]["trash (#recycle/)"], 1, "{report}");

    // After a pattern is removed, reconcile makes photos of the files.
    photos.output(&["reconcile", "--fix", "--skip-names", "!#recycle/"]);
    let all = photos.listed_stems();
    assert_eq!(all.len(), 4, "{all:?}");
    // After the pattern is added again, the archived file and the copy of the upload leave the
    // catalogue. Their files stay, and are no faults.
    let files = photos.tree("archive").len();
    photos.output(&["reindex"]);
    assert_eq!(photos.listed_stems().len(), 2);
    assert_eq!(photos.tree("archive").len(), files);
    photos.output(&["reconcile"]);
    // reconcile does the same as reindex.
    photos.output(&["reconcile", "--fix", "--skip-names", "!#recycle/"]);
    assert_eq!(photos.listed_stems().len(), 4);
    photos.output(&["reconcile", "--fix"]);
    assert_eq!(photos.listed_stems().len(), 2);
}

#[tokio::test]
async fn served_folder_skips_uploads_by_their_names_and_keeps_the_setting() {
    let mut photos = Photos::at_rest();
    photos.start(&["--skip-names", "draft-*"]);
    let s3 = photos.s3();
    let put = async |key: &str, taken: &'static str| {
        let put = s3.put_object().bucket("inbox").key(key);
        put.body(jpeg(taken).into()).send().await.unwrap();
    };
    put("c/.trashed-1-IMG_9.JPG", "2021:06:12 10:00:01").await;
    put("c/draft-1.jpg", "2021:06:12 10:00:02").await;
    put("c/IMG_1.JPG", "2021:06:12 10:00:00").await;
    until("the photo is listed", || {
        (photos.listed_stems() == ["2021-06-12/IMG_1"]).then_some(())
    });
    let skipped = photos.skipped(2);
    assert_eq!(skipped["c/draft-1.jpg"], "SKIP_NAMES (draft-*)");
    photos.interrupt();
    // A command applies the setting of the last `photos serve`.
    photos.output(&["reconcile", "--fix"]);
    photos.output(&["import", "photos-data/inbox"]);
    assert_eq!(photos.listed_stems(), ["2021-06-12/IMG_1"]);
    // A wrong copy would have stayed in the archive.
    assert_eq!(photos.tree("archive").len(), 1);

    let output = photos.run(&["serve", "--skip-names", "!*.foo"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("SKIP_NAMES: \"!*.foo\" removes no pattern"),
        "{message}"
    );
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
}
