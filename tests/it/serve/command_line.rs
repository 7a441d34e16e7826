//! Tests of the command's messages and exit statuses.

use super::process::Photos;

#[test]
fn taken_port_is_reported_with_its_flag() {
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
fn data_folder_is_served_by_one_process() {
    let photos = Photos::serving();
    let output = photos.run(&["serve", "--port", "0", "--s3-port", "0"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with("photos: photos-data is in use by another `photos serve` (process "),
        "{message}"
    );
    assert!(
        message.ends_with("choose another folder with --data\n"),
        "{message}"
    );
}

#[test]
fn one_bucket_needs_separate_prefixes() {
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
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.starts_with("photos: ") && message.contains(why),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1);
    }
}

#[test]
fn invalid_setting_is_reported_with_the_valid_values() {
    for (flag, value, expected) in [
        (
            "--source-after",
            "shred",
            "SOURCE_AFTER is \"shred\"; it must be keep or delete",
        ),
        (
            "--archive-storage-class",
            "DEEP_ARCHIVE",
            "ARCHIVE_STORAGE_CLASS is \"DEEP_ARCHIVE\"; it must be a class whose objects can be read at once",
        ),
    ] {
        let output = Photos::at_rest().run(&["serve", flag, value]);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains(expected) && error.lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn other_listen_address_needs_location_policy() {
    let serve = |more: &[&str]| {
        let arguments = [&["serve", "--listen", "0.0.0.0"], more].concat();
        let output = Photos::at_rest().run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(serve(&[]).contains("--location"));
}

#[test]
fn wrong_usage_is_status_2_and_missing_catalogue_status_1() {
    let photos = Photos::at_rest();
    assert_eq!(photos.run(&["serve", "--prot", "1"]).status.code(), Some(2));
    assert_eq!(photos.run(&["extract"]).status.code(), Some(2));
    assert_eq!(photos.run(&["list", "--limit", "0"]).status.code(), Some(2));
    let output = photos.run(&["list"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("there is no catalogue in photos-data"),
        "{message}"
    );
    assert!(!photos.data().exists(), "the query created the data folder");
}

#[test]
fn extract_prints_one_line_per_file_and_reports_unreadable_ones() {
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
async fn list_and_show_work_while_serving() {
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

#[tokio::test]
async fn overrides_survive_a_new_upload() {
    let photos = Photos::serving();
    let photo = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/photos/fuji/DSCF2210.JPG"
    ));
    let photo = photo.unwrap();
    photos.put("DSCF2210.JPG", photo.clone()).await;
    let title_of_the_file = photos.photos(1).await[0]["title"].clone();
    const STEM: &str = "2020-10-18/DSCF2210";
    let listed = |more: &[&str]| {
        let lines = photos.output(&[&["list", "--json"], more].concat());
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<serde_json::Value>>()
    };

    let message = photos.run(&["set", "2020-10-18/DSCF2210.JPG", "--private"]);
    assert_eq!(
        String::from_utf8(message.stderr).unwrap(),
        format!("{STEM}: private as set, {title_of_the_file}\n")
    );
    assert_eq!(listed(&[]), [serde_json::Value::Null; 0]);
    assert_eq!(listed(&["--private"])[0]["stem"], STEM);
    assert_eq!(listed(&["--private", "--to", "2020-10-18"]).len(), 1);
    assert_eq!(listed(&["--private", "--from", "2020-10-19"]).len(), 0);
    assert!(photos.output(&["show", STEM]).contains("private"));
    photos.photos(0).await;

    // A new upload with other bytes is ingested, and the photo stays private.
    let edited = [photo, b"edited".to_vec()].concat();
    let bytes = edited.len() as u64;
    photos.put("DSCF2210.JPG", edited).await;
    let start = std::time::Instant::now();
    let archived_bytes = || {
        let shown = photos.output(&["show", "--json", STEM]);
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        shown["parts"]["JPG"]["bytes"].clone()
    };
    while archived_bytes() != bytes {
        assert!(
            start.elapsed().as_secs() < 60,
            "the new upload was not ingested"
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(listed(&[]), [serde_json::Value::Null; 0]);

    let title = ["--public", "--title", "Autumn <b>leaves</b>\u{1b}[31m"];
    photos.output(&[&["set", STEM], &title[..]].concat());
    let shown = &photos.photos(1).await[0];
    assert_eq!(shown["title"], "Autumn <b>leaves</b>[31m");
    let version = shown["version"].clone();
    photos.output(&["set", STEM, "--by-rules"]);
    let shown = &photos.photos(1).await[0];
    assert_eq!(
        shown["version"], version,
        "the version changed without a visible change"
    );
    photos.output(&["set", STEM, "--title", ""]);
    assert_eq!(photos.photos(1).await[0]["title"], title_of_the_file);

    let missing = photos.run(&["set", "2020-10-18/nothing", "--private"]);
    assert_eq!(missing.status.code(), Some(1));
    for wrong in [&["set", STEM][..], &["set", STEM, "--private", "--public"]] {
        assert_eq!(photos.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn invalid_home_zone_is_not_printed() {
    let serve = ["serve", "--home-zones", "45.4712,-73.6456;45.47"];
    let output = Photos::at_rest().run(&serve);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with("photos: HOME_ZONES: home zone 2 is neither"),
        "{message}"
    );
    assert!(!message.contains("45.4"), "{message}");
}

#[test]
fn privacy_rule_that_only_the_functions_can_read_is_refused() {
    let photos = Photos::at_rest();
    for rule in ["HOME_ZONES", "PRIVATE_KEYWORDS", "PRIVATE_SOURCES"] {
        let parameter = format!("{rule}_PARAMETER");
        let mut variables = vec![
            (parameter.as_str(), "/photos/rule:1"),
            ("AWS_REGION", "us-east-1"),
        ];
        for command in [
            &["serve"][..],
            &["reindex", "--aws", "--location", "exact"],
            &["recount", "--aws"],
        ] {
            let output = photos.run_with(&variables, command);
            assert_eq!(output.status.code(), Some(1), "{command:?}: {output:?}");
            let message = String::from_utf8(output.stderr).unwrap();
            let expected = format!("photos: {parameter} is set, but only the Lambda functions");
            assert!(message.starts_with(&expected), "{command:?}: {message}");
            assert!(message.contains(&format!("set {rule} to")), "{message}");
        }
        // If the rule itself is set, the parameter has no effect.
        variables.push((rule, "f25dv"));
        let output = photos.run_with(&variables, &["list"]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("there is no catalogue"), "{message}");
    }
}
