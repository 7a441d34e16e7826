//! Tests of `photos album`, and of albums of folders of uploads.

use photo_catalogue::catalogue::album::{AlbumContent, add_folder_albums};
use serde_json::{Value, json};

use super::amend::{run_reindex, start_world};
use super::process::{Photos, until};
use crate::ingest::fixture::source_object;
use crate::ingest::photos::TestShot;

/// Imports photos of three days.
fn photos_of_three_days() -> Photos {
    let photos = Photos::at_rest();
    let card = photos.folder().join("card");
    std::fs::create_dir(&card).unwrap();
    for (name, at) in [
        ("a", "2018:02:01 09:00:00"),
        ("b", "2018:02:02 09:00:00"),
        ("c", "2018:02:03 09:00:00"),
    ] {
        std::fs::write(card.join(format!("{name}.jpg")), TestShot::at(at).jpeg()).unwrap();
    }
    photos.output(&["import", "card"]);
    photos
}

/// Runs a command that must fail, and returns its message.
fn refusal(photos: &Photos, arguments: &[&str]) -> String {
    let output = photos.run(arguments);
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Returns the albums as JSON, in the order of `photos album list`.
fn albums(photos: &Photos) -> Vec<Value> {
    let lines = photos.output(&["album", "list", "--json"]);
    let parsed = lines.lines().map(serde_json::from_str);
    parsed.map(Result::unwrap).collect()
}

#[test]
fn list_album_is_added_changed_and_deleted() {
    let photos = photos_of_three_days();
    let title = ["album", "add", "The best"];
    // A photo is named by its stem, its file name or its id.
    let shown: Value =
        serde_json::from_str(&photos.output(&["show", "--json", "2018-02-01/a"])).unwrap();
    let id = shown["id"].as_str().unwrap();
    let cover = ["--cover", "2018-02-03/c", "--description", "Two days"];
    photos.output(&[&title[..], &["2018-02-02/b.jpg", id, id], &cover].concat());
    let mut expected = json!({
        "slug": "the-best", "title": "The best", "description": "Two days",
        "cover": "2018-02-03/c", "order": "listed", "visibility": "public",
        "list": ["2018-02-02/b", "2018-02-01/a"],
    });
    assert_eq!(albums(&photos), [expected.clone()]);
    let message = refusal(&photos, &[&title[..], &["2018-02-01/a"]].concat());
    assert!(message.contains("`photos album set the-best`"), "{message}");
    let message = refusal(
        &photos,
        &["album", "add", "Other", "2018-02-01/a", "2018-02-09/z"],
    );
    assert!(message.contains("no photo \"2018-02-09/z\""), "{message}");
    assert_eq!(albums(&photos), [expected.clone()]);

    // A photo that is in the list already keeps its place. A repeat changes nothing.
    let set = ["album", "set", "the-best"];
    for _ in 0..2 {
        photos.output(&[&set[..], &["--add", "2018-02-02/b", "2018-02-03/c"]].concat());
    }
    expected["list"] = json!(["2018-02-02/b", "2018-02-01/a", "2018-02-03/c"]);
    assert_eq!(albums(&photos), [expected.clone()]);
    let details = [
        "--title",
        "Best",
        "--description",
        "",
        "--cover",
        "",
        "--private",
        "--order",
        "newest",
    ];
    photos.output(&[&set[..], &details].concat());
    let remove = photos.run(&[&set[..], &["--remove", "2018-02-02/b", "2018-02-09/z"]].concat());
    assert_eq!(remove.status.code(), Some(1), "{remove:?}");
    expected["list"] = json!(["2018-02-01/a", "2018-02-03/c"]);
    expected["title"] = json!("Best");
    expected["visibility"] = json!("private");
    expected["order"] = json!("newest");
    for field in ["description", "cover"] {
        expected.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(albums(&photos), [expected]);
    let message = refusal(&photos, &[&set[..], &["--keyword", "japan"]].concat());
    assert!(message.contains("--add and --remove"), "{message}");
    let nothing = photos.run(&set);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");

    photos.output(&["album", "rm", "the-best"]);
    assert!(albums(&photos).is_empty());
    let message = refusal(&photos, &["album", "rm", "the-best"]);
    assert!(message.contains("no album \"the-best\""), "{message}");
    assert_eq!(photos.listed_stems().len(), 3);
}

#[test]
fn each_change_of_an_album_is_published() {
    let mut photos = photos_of_three_days();
    photos.output(&["album", "add", "Best", "2018-02-02/b", "2018-02-01/a"]);
    photos.start(&[]);
    until_published(&photos, &["Best"]);
    photos.output(&["album", "add", "All", "--from", "2018"]);
    until_published(&photos, &["All", "Best"]);
    photos.output(&["album", "set", "best", "--private"]);
    until_published(&photos, &["All"]);
    photos.output(&["album", "rm", "all"]);
    until_published(&photos, &[]);
    photos.interrupt();
}

/// Waits until these albums, and no others, are in the static files.
fn until_published(photos: &Photos, titles: &[&str]) {
    let gallery = photos.data().join("site/gallery");
    until("the albums are published", || {
        let facets = std::fs::read(gallery.join("facets.json")).ok()?;
        let facets: Value = serde_json::from_slice(&facets).ok()?;
        let listed = facets["albums"].as_array()?.iter();
        let listed: Vec<&str> = listed.filter_map(|album| album["title"].as_str()).collect();
        let files = std::fs::read_dir(gallery.join("album"));
        let files = files.into_iter().flatten().count();
        (listed == titles && files == titles.len()).then_some(())
    });
}

#[test]
fn rule_album_is_added_and_changed() {
    let photos = photos_of_three_days();
    let add = ["album", "add", "Japan 2026"];
    let rule = [
        "--keyword",
        "Places|Japan",
        "--camera",
        "Nikon D750",
        "--from",
        "2026-03",
        "--to",
        "2026-04",
    ];
    photos.output(&[&add[..], &rule, &["--private"]].concat());
    let expected = json!({
        "slug": "japan-2026", "title": "Japan 2026", "order": "oldest", "visibility": "private",
        "rule": {"keyword": "places-japan", "camera": "nikon-d750", "from": "2026-03", "to": "2026-04"},
    });
    assert_eq!(albums(&photos), std::slice::from_ref(&expected));
    let shown = photos.output(&["album", "show", "japan-2026"]);
    assert!(
        shown.contains("keyword places-japan, camera nikon-d750, from 2026-03, to 2026-04"),
        "{shown}"
    );

    let set = ["album", "set", "japan-2026"];
    for (flags, message) in [
        (["--to", "2026-02"], "is after the last time"),
        (["--from", "March"], "\"March\" is not a time"),
        (["--rating", "6"], "1 to 5 stars"),
        (["--keyword", "★"], "--keyword must contain"),
        (["--order", "listed"], "only a list"),
        (["--title", ""], "the title must be"),
        (["--add", "2018-02-01/a"], "no list"),
    ] {
        let refused = refusal(&photos, &[&set[..], &flags].concat());
        assert!(refused.contains(message), "{flags:?}: {refused}");
    }
    assert_eq!(albums(&photos), [expected]);
    photos.output(
        &[
            &set[..],
            &[
                "--keyword",
                "",
                "--from",
                "",
                "--to",
                "",
                "--rating",
                "4",
                "--public",
            ],
        ]
        .concat(),
    );
    let rule = json!({"camera": "nikon-d750", "rating": 4});
    assert_eq!(albums(&photos)[0]["rule"], rule);
    assert_eq!(albums(&photos)[0]["visibility"], "public");
    let message = refusal(
        &photos,
        &[&set[..], &["--camera", "", "--rating", ""]].concat(),
    );
    assert!(message.contains("no condition"), "{message}");

    // Photos or conditions are needed, and not both.
    for rest in [&[][..], &["2018-02-01/a", "--keyword", "japan"]] {
        let wrong = photos.run(&[&["album", "add", "Other"], rest].concat());
        assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn list_shows_a_merged_photo_once() {
    let photos = photos_of_three_days();
    photos.output(&[
        "album",
        "add",
        "Best",
        "2018-02-01/a",
        "2018-02-02/b",
        "2018-02-03/c",
    ]);
    photos.output(&["set", "--private", "2018-02-02/b"]);
    photos.output(&["merge", "2018-02-03/c", "2018-02-01/a"]);
    let shown = photos.output(&["album", "show", "best"]);
    let state = |stem: &str| {
        let line = shown.lines().find(|line| line.starts_with(stem));
        line.unwrap_or_default()
            .trim_start_matches(stem)
            .trim()
            .to_owned()
    };
    assert_eq!(state("2018-02-01/a"), "public, now 2018-02-03/c", "{shown}");
    assert_eq!(state("2018-02-02/b"), "private", "{shown}");
    assert!(
        state("2018-02-03/c").contains("earlier in the list"),
        "{shown}"
    );
    // The merged photo is removed by any of its names.
    photos.output(&["album", "set", "best", "--remove", "2018-02-03/c"]);
    assert_eq!(albums(&photos)[0]["list"], json!(["2018-02-02/b"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reindex_finds_the_folders_of_uploads_without_reading_files() {
    let world = start_world().await;
    let shot = TestShot::at("2018:02:01 09:41:07");
    for key in [
        "albums/Japan 2026/x/a.jpg",
        "albums/b.jpg",
        "albums/Family/c.jpg",
        "card/d.jpg",
    ] {
        world.upload(key, shot.jpeg()).await;
        world.ingest.sync_object(&source_object(key)).await.unwrap();
    }
    let folders = async || {
        let mut found = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let item = world.item(&format!("2018-02-01/{name}")).await.unwrap();
            found.push(item.summary.unwrap().folders);
        }
        found
    };
    // By default, no folder is an album.
    assert_eq!(folders().await, vec![Vec::<String>::new(); 4]);
    // The files are deleted, so a read of them would fail.
    for name in ["a", "b", "c", "d"] {
        world
            .delete_archived(&format!("2018-02-01/{name}.jpg"))
            .await;
    }
    let location = ["--location", "exact"];
    let hidden = ["--private-sources", "albums/Family/"];
    let messages = run_reindex(
        &world,
        &[&location[..], &hidden, &["--album-folders", "albums/"]].concat(),
    );
    assert!(
        messages.contains("0 photos read again, 2 derived again"),
        "{messages}"
    );
    let found = folders().await;
    assert_eq!(found[0], ["Japan 2026"]);
    assert!(found[1..].iter().all(Vec::is_empty), "{found:?}");

    let names = found.iter().flatten().map(String::as_str);
    let albums = add_folder_albums(world.catalogue.albums().await.unwrap(), names);
    let [album] = albums.as_slice() else {
        panic!("{albums:?}");
    };
    assert_eq!(
        (album.slug.as_str(), album.title.as_str()),
        ("japan-2026", "Japan 2026")
    );
    let AlbumContent::Rule(rule) = &album.content else {
        panic!("{album:?}");
    };
    assert!(rule.fits_folders(&found[0]) && !rule.fits_folders(&found[3]));

    // Without the setting, the names are removed.
    run_reindex(&world, &[&location[..], &hidden].concat());
    assert_eq!(folders().await, vec![Vec::<String>::new(); 4]);
}
