//! `photos import` from outside: folders and buckets, at rest and served, twice over.

use std::path::Path;

use serde_json::{Value, json};

use super::process::{Photos, files};
use crate::ingest::photos::TestShot;

fn examples() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    path.to_str().unwrap().to_owned()
}

/// The report of an import, without what differs from run to run.
fn import(photos: &Photos, arguments: &[&str]) -> Value {
    let output = photos.output(&[&["import", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&output).unwrap();
    let names = ["found", "new", "undated", "known", "skipped", "failed"];
    names
        .iter()
        .map(|name| ((*name).to_owned(), report[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn counts(found: u64, new: u64, undated: u64, known: u64, skipped: u64) -> Value {
    json!({ "found": found, "new": new, "undated": undated, "known": known, "skipped": skipped, "failed": 0 })
}

/// Imports the archive's own folder. A file whose notification was worked off while it was surveyed may count as known.
fn in_place(photos: &Photos, found: u64) {
    let report = import(photos, &["photos-data/archive"]);
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(count("found"), found, "{report}");
    assert_eq!(count("new") + count("known"), found, "{report}");
}

fn listed(photos: &Photos) -> Vec<Value> {
    let lines = photos.output(&["list", "--json"]);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_folder_is_imported_once_and_known_the_second_time() {
    let photos = Photos::at_rest();
    std::fs::create_dir(photos.folder().join("more")).unwrap();
    std::fs::write(photos.folder().join("more/notes.txt"), "no photo").unwrap();
    let all = [examples(), "more".to_owned()];
    let before = files(Path::new(&all[0]));

    let dry = import(&photos, &["--dry-run", &all[0]]);
    assert_eq!(dry, counts(14, 14, 1, 0, 0));
    assert!(!photos.data().exists(), "a dry run made something");

    assert_eq!(import(&photos, &[&all[0]]), counts(14, 14, 1, 0, 0));
    assert_eq!(import(&photos, &["more"]), counts(1, 0, 0, 0, 1));
    assert_eq!(listed(&photos).len(), 13);
    assert_eq!(files(Path::new(&all[0])), before, "the folder was changed");

    let tree = photos.tree("archive");
    let again = photos.output(&["import", "--json", &all[0]]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&again["known"], &again["new"]), (&json!(14), &json!(0)));
    // A listing and a survey; nothing of a photo is read.
    assert!(again["s3Requests"].as_u64().unwrap() <= 6, "{again}");
    assert_eq!(photos.tree("archive"), tree);
    assert_eq!(
        import(&photos, &["--dry-run", &all[0]]),
        counts(14, 0, 0, 14, 0)
    );
}

#[tokio::test]
async fn a_running_server_ingests_what_is_imported_and_its_hook_waits() {
    let photos = Photos::serving();
    assert_eq!(import(&photos, &[&examples()]), counts(14, 14, 1, 0, 0));
    photos.photos(13).await;
    assert_eq!(import(&photos, &[&examples()]), counts(14, 0, 0, 14, 0));
    // Once a month is published, the hook still waits for the import's end to be past.
    super::process::until("its months are published", || {
        let status = photos.output(&["hook", "status", "--json"]);
        let status: Value = serde_json::from_str(&status).unwrap();
        let why = status["why"].as_str()?.to_owned();
        (!status["pending"].is_null()).then(|| assert_eq!(why, "photos are being imported"))
    });
}

#[test]
fn an_archive_in_date_folders_is_catalogued_in_place_without_one_copy() {
    let filed = Photos::at_rest();
    import(&filed, &[&examples()]);
    let tree = filed.tree("archive");

    let photos = Photos::at_rest();
    for file in tree.keys() {
        let to = photos.data().join("archive").join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(filed.data().join("archive").join(file), to).unwrap();
    }
    in_place(&photos, 14);
    assert_eq!(photos.tree("archive"), tree);
    assert!(photos.tree("inbox").is_empty(), "something was copied");
    let fields = |photos: &Photos| -> Vec<Value> {
        let of = |photo: &Value| json!([photo["stem"], photo["takenAtLocal"], photo["camera"]]);
        listed(photos).iter().map(of).collect()
    };
    assert_eq!(fields(&photos), fields(&filed));
    assert_eq!(import(&photos, &["s3://archive"]), counts(14, 0, 0, 14, 0));
}

#[test]
fn every_file_of_a_folder_that_nobody_has_looked_at_is_found() {
    let photos = Photos::at_rest();
    let day = photos.data().join("archive/2018-02-01");
    std::fs::create_dir_all(&day).unwrap();
    let shot = TestShot::at("2018:02:01 09:41:07");
    for n in 0..250 {
        std::fs::write(day.join(format!("{n}.jpg")), shot.edited(n)).unwrap();
    }
    in_place(&photos, 250);
    // As many as a page shows unless told.
    assert_eq!(listed(&photos).len(), 50);
    photos.output(&["reconcile"]);
}

#[tokio::test]
async fn a_bucket_that_an_older_tool_filled_is_catalogued_in_place_with_the_right_dates() {
    let shot = TestShot::at("2018:02:01 09:41:07");
    // The tool's keys begin with a slash, and what it could not date it filed under the year 1.
    let old = [
        ("/2018-02-01/x.jpg", shot.jpeg()),
        ("/0001-01-01/scan.jpg", TestShot::undated().jpeg()),
        (
            "0001-01-01/y.jpg",
            TestShot::at("2019:07:14 12:00:00").jpeg(),
        ),
        ("/0001-01-01/notes.txt", b"no photo".to_vec()),
    ];
    let mut photos = Photos::serving();
    let s3 = photos.s3();
    s3.create_bucket().bucket("old").send().await.unwrap();
    for (key, bytes) in &old {
        let put = s3
            .put_object()
            .bucket("old")
            .key(*key)
            .body(bytes.clone().into());
        put.send().await.unwrap();
    }
    // The same name on the same day, uploaded to ingest: another photo.
    let newer = TestShot::at("2018:02:01 18:00:00").jpeg();
    photos.put("card/x.jpg", newer).await;
    photos.photos(1).await;
    photos.interrupt();

    let there = ["--archive-bucket", "old"];
    let dry = import(&photos, &[&["--dry-run", "s3://old"], &there[..]].concat());
    assert_eq!(dry, counts(4, 3, 1, 0, 1));
    let report = import(&photos, &[&["s3://old"], &there[..]].concat());
    assert_eq!((&report["new"], &report["skipped"]), (&json!(3), &json!(1)));
    let dates: Vec<Value> = listed(&photos)
        .iter()
        .map(|photo| json!([photo["stem"], photo["date"]]))
        .collect();
    assert_eq!(
        json!(dates),
        json!([
            ["0001-01-01/y", "2019-07-14"],
            ["2018-02-01/x", "2018-02-01"],
            ["/2018-02-01/x", "2018-02-01"],
            ["/0001-01-01/scan", null],
        ])
    );
    // Now the tool's bucket takes new photos too, and none is in the way of another.
    photos.start(&there);
    let taken = TestShot::at("2018:02:01 20:00:00").jpeg();
    photos.put("card2/x.jpg", taken).await;
    photos.photos(5).await;
    let s3 = photos.s3();
    for (key, bytes) in &old {
        let got = s3
            .get_object()
            .bucket("old")
            .key(*key)
            .send()
            .await
            .unwrap();
        let got = got.body.collect().await.unwrap().to_vec();
        assert_eq!(&got, bytes, "{key}");
    }
}

#[test]
fn an_import_names_what_it_cannot_do() {
    let photos = Photos::at_rest();
    for (arguments, says) in [
        (vec!["missing"], "cannot read missing"),
        (vec!["s3://archive", "--dry-run"], "there is no data folder"),
        (
            vec!["s3://archive", "--archive-prefix", "filed/"],
            "both need a prefix",
        ),
        (
            vec!["s3://inbox", "--s3-endpoint", "http://127.0.0.1:1"],
            "--s3-endpoint and --dynamodb-endpoint go together",
        ),
    ] {
        let output = photos.run(&[&["import"], arguments.as_slice()].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains(says), "{errors}");
    }
}
