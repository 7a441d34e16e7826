//! Tests of `photos import`: from folders and from buckets, with and without a running server, once
//! and repeatedly.

use std::path::Path;

use serde_json::{Value, json};

use super::process::{Photos, files};
use crate::ingest::photos::TestShot;

fn examples() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    path.to_str().unwrap().to_owned()
}

/// Runs `photos import --json` with these arguments, and returns its report. Leaves out the fields
/// that differ from run to run.
fn run_import(photos: &Photos, arguments: &[&str]) -> Value {
    let output = photos.output(&[&["import", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&output).unwrap();
    let names = ["found", "new", "undated", "known", "skipped", "failed"];
    names
        .iter()
        .map(|name| ((*name).to_owned(), report[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn expected_counts(found: u64, new: u64, undated: u64, known: u64, skipped: u64) -> Value {
    json!({ "found": found, "new": new, "undated": undated, "known": known, "skipped": skipped, "failed": 0 })
}

/// Imports the archive's own folder, and checks the report. `found` is the expected number of
/// files. Each must be new or known. A file is known if its notification was processed before the
/// import looked it up.
fn import_in_place(photos: &Photos, found: u64) {
    let report = run_import(photos, &["photos-data/archive"]);
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(count("found"), found, "{report}");
    assert_eq!(count("new") + count("known"), found, "{report}");
}

fn list_photos(photos: &Photos) -> Vec<Value> {
    let lines = photos.output(&["list", "--json"]);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn second_import_of_a_folder_changes_nothing() {
    let photos = Photos::at_rest();
    std::fs::create_dir(photos.folder().join("more")).unwrap();
    std::fs::write(photos.folder().join("more/notes.txt"), "no photo").unwrap();
    let all = [examples(), "more".to_owned()];
    let before = files(Path::new(&all[0]));

    let dry = run_import(&photos, &["--dry-run", &all[0]]);
    assert_eq!(dry, expected_counts(14, 14, 1, 0, 0));
    assert!(
        !photos.data().exists(),
        "the dry run created the data folder"
    );

    assert_eq!(
        run_import(&photos, &[&all[0]]),
        expected_counts(14, 14, 1, 0, 0)
    );
    assert_eq!(
        run_import(&photos, &["more"]),
        expected_counts(1, 0, 0, 0, 1)
    );
    assert_eq!(list_photos(&photos).len(), 13);
    assert_eq!(files(Path::new(&all[0])), before, "the folder was changed");

    let tree = photos.tree("archive");
    let again = photos.output(&["import", "--json", &all[0]]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&again["known"], &again["new"]), (&json!(14), &json!(0)));
    // These are the requests of the listing and of the survey. No photo is read again.
    assert!(again["s3Requests"].as_u64().unwrap() <= 6, "{again}");
    assert_eq!(photos.tree("archive"), tree);
    assert_eq!(
        run_import(&photos, &["--dry-run", &all[0]]),
        expected_counts(14, 0, 0, 14, 0)
    );
}

#[tokio::test]
async fn import_while_serving_is_ingested_and_delays_the_hook() {
    let photos = Photos::serving();
    assert_eq!(
        run_import(&photos, &[&examples()]),
        expected_counts(14, 14, 1, 0, 0)
    );
    photos.photos(13).await;
    assert_eq!(
        run_import(&photos, &[&examples()]),
        expected_counts(14, 0, 0, 14, 0)
    );
    // The months are published, but the hook still waits, because the import has just ended.
    super::process::until("its months are published", || {
        let status = photos.output(&["hook", "status", "--json"]);
        let status: Value = serde_json::from_str(&status).unwrap();
        let why = status["why"].as_str()?.to_owned();
        (!status["pending"].is_null()).then(|| assert_eq!(why, "photos are being imported"))
    });
}

#[test]
fn archive_in_day_folders_is_catalogued_without_copies() {
    let filed = Photos::at_rest();
    run_import(&filed, &[&examples()]);
    let tree = filed.tree("archive");

    let photos = Photos::at_rest();
    for file in tree.keys() {
        let to = photos.data().join("archive").join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(filed.data().join("archive").join(file), to).unwrap();
    }
    import_in_place(&photos, 14);
    assert_eq!(photos.tree("archive"), tree);
    assert!(photos.tree("inbox").is_empty(), "something was copied");
    let fields = |photos: &Photos| -> Vec<Value> {
        let of = |photo: &Value| json!([photo["stem"], photo["takenAtLocal"], photo["camera"]]);
        list_photos(photos).iter().map(of).collect()
    };
    assert_eq!(fields(&photos), fields(&filed));
    assert_eq!(
        run_import(&photos, &["s3://archive"]),
        expected_counts(14, 0, 0, 14, 0)
    );
}

/// Programs that correct a date keep the modification time, and some disks lose it.
#[test]
fn old_modification_time_of_a_file_in_the_archive_does_not_change_its_date() {
    let photos = Photos::at_rest();
    let day = photos.data().join("archive/2018-02-01");
    std::fs::create_dir_all(&day).unwrap();
    let path = day.join("DSC_0001.JPG");
    std::fs::write(&path, TestShot::at("2018:02:01 09:41:07").jpeg()).unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_200_000_000);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(old).unwrap();
    import_in_place(&photos, 1);
    assert_eq!(list_photos(&photos)[0]["date"], "2018-02-01");
}

#[test]
fn import_finds_every_file_of_a_new_folder() {
    let photos = Photos::at_rest();
    let day = photos.data().join("archive/2018-02-01");
    std::fs::create_dir_all(&day).unwrap();
    let shot = TestShot::at("2018:02:01 09:41:07");
    for n in 0..250 {
        std::fs::write(day.join(format!("{n}.jpg")), shot.edited(n)).unwrap();
    }
    import_in_place(&photos, 250);
    // 50 is the default limit of a list.
    assert_eq!(list_photos(&photos).len(), 50);
    photos.output(&["reconcile"]);
}

#[tokio::test]
async fn bucket_of_an_older_tool_is_catalogued_in_place() {
    let shot = TestShot::at("2018:02:01 09:41:07");
    // The keys of the older tool begin with a slash. The tool used the year 1 for photos without a
    // date.
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
    // This is another photo with the same name and day. It is uploaded to the source.
    let newer = TestShot::at("2018:02:01 18:00:00").jpeg();
    photos.put("card/x.jpg", newer).await;
    photos.photos(1).await;
    photos.interrupt();

    let there = ["--archive-bucket", "old"];
    let dry = run_import(&photos, &[&["--dry-run", "s3://old"], &there[..]].concat());
    assert_eq!(dry, expected_counts(4, 3, 1, 0, 1));
    let report = run_import(&photos, &[&["s3://old"], &there[..]].concat());
    assert_eq!((&report["new"], &report["skipped"]), (&json!(3), &json!(1)));
    let dates: Vec<Value> = list_photos(&photos)
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
    // New photos also go to the bucket of the older tool. No existing key is overwritten.
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
fn import_reports_invalid_arguments() {
    let photos = Photos::at_rest();
    for (arguments, expected) in [
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
        assert!(errors.contains(expected), "{errors}");
    }
}
