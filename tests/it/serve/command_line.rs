//! What the command says to its user, and how it ends.

use super::process::Photos;

#[test]
fn a_taken_port_is_one_line_that_names_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--port", "--s3-port", "--dynamodb-port"] {
        let mut arguments = vec!["serve", flag, &port];
        for other in ["--port", "--s3-port", "--dynamodb-port"] {
            if other != flag {
                arguments.extend([other, "0"]);
            }
        }
        let output = Photos::at_rest().run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("photos: port {port} on 127.0.0.1 is taken; choose another with {flag}\n")
        );
    }
}

#[test]
fn a_folder_is_served_once() {
    let photos = Photos::serving();
    let output = photos.run(&[
        "serve",
        "--port",
        "0",
        "--s3-port",
        "0",
        "--dynamodb-port",
        "0",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("photos: photos-data is in use by another `photos serve` (process "),
        "{said}"
    );
    assert!(
        said.ends_with("choose another folder with --data\n"),
        "{said}"
    );
}

#[test]
fn one_bucket_for_both_needs_prefixes_that_lie_apart() {
    let serve = ["serve", "--source-bucket", "one", "--archive-bucket", "one"];
    for (source, archive, why) in [
        ("", "", "both need a prefix"),
        ("inbox/", "", "both need a prefix"),
        ("", "archive/", "both need a prefix"),
        ("photos/", "photos/", "overlap"),
        ("photos/", "photos/archive/", "overlap"),
        ("photos/inbox/", "photos/", "overlap"),
        ("inbox", "archive/", "SOURCE_PREFIX is \"inbox\""),
    ] {
        let prefixes = ["--source-prefix", source, "--archive-prefix", archive];
        let output = Photos::at_rest().run(&[&serve[..], &prefixes].concat());
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("photos: ") && said.contains(why), "{said}");
        assert_eq!(said.lines().count(), 1);
    }
}

#[test]
fn a_setting_that_is_none_is_named_with_what_it_takes() {
    for (flag, value, said) in [
        (
            "--source-after",
            "shred",
            "SOURCE_AFTER is \"shred\"; it takes keep or delete",
        ),
        (
            "--archive-storage-class",
            "DEEP_ARCHIVE",
            "ARCHIVE_STORAGE_CLASS is \"DEEP_ARCHIVE\"; it takes a class that answers at once",
        ),
    ] {
        let output = Photos::at_rest().run(&["serve", flag, value]);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains(said) && error.lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn letting_others_in_needs_a_secret_and_a_word_on_places() {
    let serve = |more: &[&str]| {
        let arguments = [&["serve", "--listen", "0.0.0.0"], more].concat();
        let output = Photos::at_rest().run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(serve(&[]).contains("--secret-key"));
    assert!(serve(&["--secret-key", "hush"]).contains("--location"));
}

#[test]
fn wrong_use_is_status_2_and_nothing_there_status_1() {
    let photos = Photos::at_rest();
    assert_eq!(photos.run(&["serve", "--prot", "1"]).status.code(), Some(2));
    assert_eq!(photos.run(&["extract"]).status.code(), Some(2));
    assert_eq!(photos.run(&["list", "--limit", "0"]).status.code(), Some(2));
    let output = photos.run(&["list"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("there is no catalogue in photos-data"),
        "{said}"
    );
    assert!(!photos.data().exists(), "asking makes nothing");
}

#[test]
fn extract_prints_a_line_for_each_file_and_says_when_one_is_no_photo() {
    let photos = Photos::at_rest();
    let photo = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/photos/fuji/DSCF2210.JPG"
    );
    std::fs::write(photos.folder().join("text.jpg"), "not a photo").unwrap();
    let good: serde_json::Value =
        serde_json::from_str(&photos.output(&["extract", photo])).unwrap();
    assert_eq!(good["photo"]["camera"]["name"], "Fujifilm X-T4");
    let output = photos.run(&["extract", photo, "text.jpg", "missing.jpg"]);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], good);
    assert!(lines[1]["photo"].is_null() && lines[1]["error"].is_string());
    assert!(
        lines[2]["error"].as_str().unwrap().contains("No such file"),
        "{}",
        lines[2]
    );
}

#[tokio::test]
async fn a_photo_is_listed_and_shown_by_its_name_while_serving() {
    let photos = Photos::serving();
    let photo = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/photos/fuji/DSCF2210.JPG"
    );
    photos
        .put("DSCF2210.JPG", std::fs::read(photo).unwrap())
        .await;
    photos.photos(1).await;
    insta::assert_snapshot!("list_table", photos.output(&["list"]));
    for name in ["2020-10-18/DSCF2210", "2020-10-18/DSCF2210.JPG"] {
        let shown = photos.output(&["show", name]);
        assert!(
            shown.contains("Fujifilm X-T4") && shown.contains("from s3://inbox/DSCF2210.JPG"),
            "{shown}"
        );
    }
    let tags = photos.output(&["show", "2020-10-18/DSCF2210", "--tags"]);
    assert!(tags.contains("ExifIFD\n"), "{tags}");
    let unknown = photos.run(&["show", "2020-10-18/nothing"]);
    assert_eq!(unknown.status.code(), Some(1));
}
