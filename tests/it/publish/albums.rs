//! Checks that the files of albums contain exactly the photos that the gallery lists in each album,
//! after any changes and interruptions.

use std::collections::{BTreeMap, BTreeSet};

use photo_catalogue::catalogue::album::{Album, AlbumContent, AlbumOrder, AlbumRule};
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::catalogue::{AlbumWrite, WriteOutcome};
use photo_catalogue::object::Bucket;
use photo_catalogue::privacy::{LocationPolicy, Visibility};
use photo_catalogue::publish::{self, HookRules};
use serde_json::{Value, json};

use super::fixture::{BUCKET, PREFIX, PhotoChange, PublishWorld, TestRandom, settings};
use super::hook::{hook_state, world_with_rules};
use crate::gallery::fixture::{GalleryFixture, Shot};

/// The maximum size of a file of an album, compressed.
const MAX_FILE_BYTES: u64 = 1_000_000;

/// Starts a world in which the folders of uploads in `albums/` are albums.
async fn world_with_folders() -> PublishWorld {
    let mut settings = settings(LocationPolicy::Exact);
    settings.album_folders = "albums/".parse().unwrap();
    PublishWorld::with(settings).await
}

fn keyword_album(title: &str, keyword: &str) -> Album {
    let rule = AlbumRule {
        keyword: Some(keyword.to_owned()),
        ..AlbumRule::default()
    };
    Album::new(title, AlbumContent::Rule(rule)).unwrap()
}

fn list_album(title: &str, shots: &[&Shot]) -> Album {
    let stems = shots.iter().map(|shot| shot.stem());
    Album::new(title, AlbumContent::List(stems.collect())).unwrap()
}

fn shot(name: &str, local: &str, keyword: &str) -> Shot {
    Shot {
        keywords: vec![keyword.to_owned()],
        ..Shot::new(name, local)
    }
}

impl PublishWorld {
    /// Writes an album, and requests an update of the albums, as `photos album` does.
    async fn put_album(&self, album: &Album) {
        let stored = self.catalogue.album(&album.slug).await.unwrap();
        let write = match stored.map(|stored| stored.revision) {
            None => AlbumWrite::Create,
            Some(revision) => AlbumWrite::Replace { revision },
        };
        let written = self.catalogue.put_album(album, write).await.unwrap();
        assert_eq!(written, WriteOutcome::Written);
        self.published.request_album_update().await.unwrap();
    }

    async fn remove_album(&self, slug: &str) {
        assert!(self.catalogue.delete_album(slug).await.unwrap());
        self.published.request_album_update().await.unwrap();
    }

    /// Replaces the item of a photo, and marks its month dirty.
    async fn put_shot(&self, before: Option<&Shot>, after: &Shot) {
        let change = PhotoChange::new(before.map(Shot::item), Some(after.item()));
        self.write(&change).await;
        self.mark(&[change.record]).await;
    }

    async fn add_shots(&self, shots: &[Shot]) {
        for shot in shots {
            self.put_shot(None, shot).await;
        }
    }
}

/// Reads the photos of an album from its files. Returns the first file, the photos, and the paths
/// of all files.
async fn read_album(world: &PublishWorld, slug: &str) -> (Value, Vec<Value>, BTreeSet<String>) {
    let (mut photos, mut paths) = (Vec::new(), BTreeSet::new());
    let first = world.file(&format!("album/{slug}.json")).await.unwrap();
    let mut next = Some(format!("{slug}.json"));
    while let Some(name) = next {
        let path = format!("album/{name}");
        let file = world.file(&path).await.unwrap();
        assert_eq!(file["kind"], "album");
        assert_eq!(file["slug"], slug);
        photos.extend(file["items"].as_array().unwrap().iter().cloned());
        next = file["next"].as_str().map(str::to_owned);
        assert!(paths.insert(path), "{slug}");
    }
    (first, photos, paths)
}

/// Returns the text of all published files by path, except the modules of the page, which contain
/// words of their own.
async fn public_texts(world: &PublishWorld) -> BTreeMap<String, String> {
    let mut texts = world.file_texts().await;
    texts.retain(|path, _| !path.ends_with(".js") && !path.ends_with(".css"));
    texts
}

/// Returns the photos that the gallery lists in an album.
async fn gallery_album(gallery: &GalleryFixture, slug: &str) -> Vec<Value> {
    let path = format!("/v1/photos?album={slug}&limit=200");
    let mut photos = Vec::new();
    let mut page = gallery.json(&path).await;
    loop {
        photos.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next"].as_str() else {
            return photos;
        };
        page = gallery.json(&format!("{path}&cursor={cursor}")).await;
    }
}

/// Checks the files, the facets and the publish table against the gallery, which has the same
/// folders. Returns the slugs of the albums.
async fn check_albums(world: &PublishWorld, folders: &str) -> Vec<String> {
    let folders = folders.parse().unwrap();
    let gallery = GalleryFixture::over(world.client.clone(), |settings| {
        settings.privacy = LocationPolicy::Exact.into();
        settings.album_folders = folders;
    });
    let gallery = gallery.await;
    let answer = gallery.json("/v1/albums").await;
    let facets = world.file("facets.json").await.unwrap();
    let mut expected = Vec::new();
    let mut slugs = Vec::new();
    let mut paths = BTreeSet::new();
    for album in answer["items"].as_array().unwrap() {
        let slug = album["slug"].as_str().unwrap();
        let (first, photos, of_album) = read_album(world, slug).await;
        assert_eq!(photos, gallery_album(&gallery, slug).await, "{slug}");
        for (field, of_gallery) in [
            ("name", "title"),
            ("description", "description"),
            ("order", "order"),
            ("photos", "photos"),
        ] {
            assert_eq!(first[field], album[of_gallery], "{slug} {field}");
        }
        expected.push(json!({
            "slug": slug, "title": album["title"], "description": album["description"],
            "photos": photos.len(), "from": album["from"], "to": album["to"],
            "list": format!("album/{slug}.json"),
        }));
        slugs.push(slug.to_owned());
        paths.extend(of_album);
    }
    assert_eq!(facets["albums"], Value::from(expected));
    let files = world.file_texts().await.into_keys();
    let stored: BTreeSet<String> = files.filter(|path| path.starts_with("album/")).collect();
    assert_eq!(stored, paths);
    check_state(world, &slugs).await;
    slugs
}

/// Checks that the publish table has an item for each album and no other, that nothing is pending,
/// and that all files have one generation.
async fn check_state(world: &PublishWorld, slugs: &[String]) {
    let items = world.published.published_albums().await.unwrap();
    let items: BTreeSet<String> = items.into_iter().map(|album| album.slug).collect();
    assert_eq!(items, slugs.iter().cloned().collect());
    let state = world.published.state().await.unwrap();
    assert!(state.lists.is_empty(), "{:?}", state.lists);
    assert_eq!(state.album_update, None);
    for file in ["index.json", "facets.json", "changes.json"] {
        let generation = world.file(file).await.unwrap()["generation"].clone();
        assert_eq!(generation, state.files.generation, "{file}");
    }
}

#[tokio::test]
async fn albums_have_files_in_their_order() {
    let mut world = world_with_folders().await;
    let one = shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto");
    let two = shot("IMG_0002", "2018-02-03T09:00:00", "Kyoto");
    let mut three = shot("IMG_0003", "2018-03-01T09:00:00", "Kyoto");
    three.folders = vec!["Japan 2018".to_owned(), "Drafts".to_owned()];
    three.added = Some(1_500_000_000);
    let hidden = shot("IMG_0004", "2018-03-02T09:00:00", "Kyoto").private();
    let undated = Shot {
        keywords: vec!["Kyoto".to_owned()],
        added: Some(1_600_000_000),
        ..Shot::undated("IMG_0005")
    };
    let also_undated = Shot {
        keywords: vec!["Kyoto".to_owned()],
        ..Shot::undated("IMG_0006")
    };
    let shots = [&one, &two, &three, &hidden, &undated, &also_undated].map(Shot::clone);
    world.add_shots(&shots).await;
    for order in [AlbumOrder::Newest, AlbumOrder::Oldest, AlbumOrder::Added] {
        let mut album = keyword_album(&format!("By {order}"), "kyoto");
        album.order = order;
        album.description = Some("Two\nlines \"here\".".to_owned());
        world.put_album(&album).await;
    }
    let listed = list_album("Best", &[&undated, &hidden, &three, &one]);
    world.put_album(&listed).await;
    let mut sorted = list_album("Sorted", &[&three, &undated, &one]);
    sorted.order = AlbumOrder::Newest;
    world.put_album(&sorted).await;
    world.put_album(&keyword_album("Empty", "nothing")).await;
    world.put_album(&list_album("Hidden", &[&hidden])).await;
    let mut private = keyword_album("Secret", "kyoto");
    private.visibility = Visibility::Private;
    world.put_album(&private).await;
    let mut drafts = keyword_album("Drafts", "kyoto");
    drafts.visibility = Visibility::Private;
    world.put_album(&drafts).await;
    world.settle().await;
    let slugs = check_albums(&world, "albums/").await;
    assert_eq!(
        slugs,
        [
            "best",
            "by-added",
            "by-newest",
            "by-oldest",
            "japan-2018",
            "sorted"
        ]
    );
    let (_, photos, _) = read_album(&world, "best").await;
    let stems = photos.iter().map(|photo| photo["stem"].as_str().unwrap());
    let expected = [undated.stem(), three.stem(), one.stem()];
    assert!(stems.eq(expected.iter().map(String::as_str)));
    for (path, text) in public_texts(&world).await {
        let text = format!("{path} {text}").to_lowercase();
        assert!(
            !text.contains("secret") && !text.contains("drafts"),
            "{path}"
        );
    }
    // The line of a photo is the same in all files.
    let month = world.file_text("2018-03.json").await.unwrap();
    let line = month
        .lines()
        .find(|line| line.contains("IMG_0003"))
        .unwrap();
    let album = world.file_text("album/japan-2018.json").await.unwrap();
    assert!(album.lines().any(|other| other == line));
}

#[tokio::test]
async fn hidden_photo_leaves_its_albums_with_its_month() {
    let mut world = world_with_folders().await;
    let kept = shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto");
    let mut planted = shot("IMG_0002", "2018-03-01T09:00:00", "Kyoto");
    planted.title = Some("Planted".to_owned());
    planted.folders = vec!["Party".to_owned()];
    world.add_shots(&[kept.clone(), planted.clone()]).await;
    world.put_album(&keyword_album("Rule", "kyoto")).await;
    world
        .put_album(&list_album("List", &[&planted, &kept]))
        .await;
    world.settle().await;
    assert_eq!(
        check_albums(&world, "albums/").await,
        ["list", "party", "rule"]
    );
    // A change that only the JSON of the photo contains is in the albums too.
    let mut titled = planted.clone();
    titled.title = Some("Planted again".to_owned());
    world.put_shot(Some(&planted), &titled).await;
    world.settle().await;
    check_albums(&world, "albums/").await;

    world
        .put_shot(Some(&titled), &titled.clone().private())
        .await;
    world.pass(60);
    world.run_cycle().await.unwrap();
    assert_eq!(check_albums(&world, "albums/").await, ["list", "rule"]);
    for (path, text) in public_texts(&world).await {
        let text = format!("{path} {text}").to_lowercase();
        assert!(
            !text.contains("planted") && !text.contains("party"),
            "{path}"
        );
    }
    world.put_shot(None, &titled).await;
    world.settle().await;
    assert_eq!(
        check_albums(&world, "albums/").await,
        ["list", "party", "rule"]
    );
}

#[tokio::test]
async fn changed_album_is_published_by_the_next_cycle() {
    let mut world = PublishWorld::new().await;
    let one = shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto");
    let two = shot("IMG_0002", "2018-03-01T09:00:00", "Kyoto");
    world.add_shots(&[one.clone(), two.clone()]).await;
    world.settle().await;
    assert!(check_albums(&world, "").await.is_empty());
    let generation = |index: Value| index["generation"].as_u64().unwrap();
    let mut last = generation(world.file("index.json").await.unwrap());

    let mut album = list_album("Best", &[&one, &two]);
    for change in 0..6 {
        match change {
            0 => world.put_album(&album).await,
            1 => album.content = AlbumContent::List(vec![two.stem(), one.stem()]),
            2 => album.description = Some("What I would print.".to_owned()),
            3 => album.visibility = Visibility::Private,
            4 => album.visibility = Visibility::Public,
            _ => world.remove_album("best").await,
        }
        if (1..=4).contains(&change) {
            world.put_album(&album).await;
        }
        world.pass(60);
        world.run_cycle().await.unwrap();
        let is_shown = !matches!(change, 3 | 5);
        let expected: &[&str] = if is_shown { &["best"] } else { &[] };
        assert_eq!(check_albums(&world, "").await, expected, "{change}");
        let now = generation(world.file("index.json").await.unwrap());
        assert_eq!(now, last + 1, "{change}");
        last = now;
    }
    for (path, text) in public_texts(&world).await {
        assert!(
            !format!("{path} {text}").contains("I would print"),
            "{path}"
        );
    }
    // A request without a change writes no file.
    world.published.request_album_update().await.unwrap();
    world.wire.take_requests();
    world.pass(60);
    world.run_cycle().await.unwrap();
    let sent = world.wire.take_requests();
    assert!(!sent.iter().any(|request| request == "PUT"), "{sent:?}");
    world.run_cycle().await.unwrap();
    assert_eq!(world.wire.take_requests(), ["Query", "Query"]);
}

#[tokio::test]
async fn changed_album_calls_the_hook() {
    // No server listens there, and the rules delay the call for a day.
    let rules = HookRules {
        quiet: chrono::TimeDelta::days(1),
        max_wait: chrono::TimeDelta::days(1),
        ..HookRules::default()
    };
    let mut world = world_with_rules("http://127.0.0.1:9/hook", rules).await;
    world.settle().await;
    assert_eq!(hook_state(&world).await.pending, None);
    world.put_album(&keyword_album("Kyoto", "kyoto")).await;
    world.settle().await;
    assert_eq!(hook_state(&world).await.pending, None, "it has no photo");

    world
        .add_shots(&[shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto")])
        .await;
    world.settle().await;
    let pending = hook_state(&world).await.pending.unwrap();
    assert_eq!(pending.photos, 1);
    world.put_album(&keyword_album("All", "kyoto")).await;
    world.settle().await;
    let later = hook_state(&world).await.pending.unwrap();
    assert_eq!(later.photos, 1);
    assert!(later.generation > pending.generation);
    let only_albums = publish::PendingBuild {
        photos: 0,
        from: None,
        to: None,
        ..later
    };
    assert_eq!(publish::build_title(&only_albums), "albums");
}

/// Interrupts a cycle at each place. It adds, changes, hides and deletes albums, and hides a photo.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_cycle_leaves_no_photo_and_no_album() {
    let kept = shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto");
    let mut planted = shot("IMG_0002", "2018-03-01T09:00:00", "Kyoto");
    planted.title = Some("Planted".to_owned());
    for cut in (0..).step_by(2) {
        let mut world = PublishWorld::new().await;
        world.add_shots(&[kept.clone(), planted.clone()]).await;
        world.put_album(&keyword_album("Rule", "kyoto")).await;
        let secret = list_album("Secret", &[&kept]);
        world.put_album(&secret).await;
        world.settle().await;

        let both = list_album("Ephemeral", &[&planted, &kept]);
        world.put_album(&both).await;
        let mut titled = planted.clone();
        titled.title = Some("Planted again".to_owned());
        world.put_shot(Some(&planted), &titled).await;
        world.pass(60);
        world.wire.cut_after(cut);
        let is_interrupted = world.run_cycle().await.is_err();
        world.wire.mend();
        world.pass(600);

        world
            .put_shot(Some(&titled), &titled.clone().private())
            .await;
        let private = Album {
            visibility: Visibility::Private,
            ..secret
        };
        world.put_album(&private).await;
        world.remove_album("ephemeral").await;
        world.pass(60);
        world.wire.cut_after(cut + 1);
        let is_interrupted = world.run_cycle().await.is_err() || is_interrupted;
        world.wire.mend();
        world.pass(600);
        world.settle().await;
        assert_eq!(check_albums(&world, "").await, ["rule"], "cut after {cut}");
        for (path, text) in public_texts(&world).await {
            let text = format!("{path} {text}").to_lowercase();
            let is_gone = ["planted", "secret", "ephemeral"].map(|name| !text.contains(name));
            assert_eq!(is_gone, [true; 3], "cut after {cut}: {path}");
        }
        if !is_interrupted {
            assert!(cut > 40, "{cut} requests");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_album_is_split() {
    let mut world = PublishWorld::new().await;
    let mut random = TestRandom(7);
    let mut shots = Vec::new();
    for number in 0..90_u32 {
        let hexadecimal = std::iter::repeat_with(|| format!("{:08x}", random.below(1 << 31)));
        let mut shot = shot(
            &format!("IMG_{number:04}"),
            &format!("2018-{:02}-01T09:00:00", number % 12 + 1),
            "Kyoto",
        );
        shot.title = Some(hexadecimal.take(5_000).collect());
        shots.push(shot);
    }
    world.add_shots(&shots).await;
    world.put_album(&keyword_album("Kyoto", "kyoto")).await;
    world.settle().await;
    check_albums(&world, "").await;
    let files = |albums: Vec<photo_catalogue::catalogue::published_albums::PublishedAlbum>| {
        albums.into_iter().flat_map(|album| album.files)
    };
    let before = files(world.published.published_albums().await.unwrap());
    let before: Vec<_> = before.collect();
    assert!(before.len() > 2, "{before:?}");
    for file in &before {
        assert!(file.bytes < MAX_FILE_BYTES, "{file:?}");
    }
    for shot in &shots[10..] {
        world.put_shot(Some(shot), &shot.clone().private()).await;
    }
    world.settle().await;
    check_albums(&world, "").await;
    let after = files(world.published.published_albums().await.unwrap());
    assert_eq!(after.count(), 1);
}

#[tokio::test]
async fn damaged_files_are_restored() {
    let mut world = PublishWorld::new().await;
    let one = shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto");
    let two = shot("IMG_0002", "2018-03-01T09:00:00", "Kyoto");
    world.add_shots(&[one.clone(), two.clone()]).await;
    world.put_album(&keyword_album("Kyoto", "kyoto")).await;
    world.settle().await;
    check_albums(&world, "").await;
    // A recount restores a file of an album, and deletes a foreign one.
    world.put_file("album/kyoto.json", "{}").await;
    world.put_file("album/other.json", "{}").await;
    publish::mark_all_months(&world.catalogue, &world.published, world.now)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(check_albums(&world, "").await, ["kyoto"]);
    // If a month cannot be read, its photos are missing until it is rebuilt.
    let bucket = Bucket::new(BUCKET).unwrap();
    let object = bucket.object(format!("{PREFIX}2018-02.json"));
    world.storage.delete_object(&object).await.unwrap();
    let mut titled = two.clone();
    titled.title = Some("Temple".to_owned());
    world.put_shot(Some(&two), &titled).await;
    world.pass(60);
    world.run_cycle().await.unwrap();
    let (first, photos, _) = read_album(&world, "kyoto").await;
    assert_eq!(first["photos"], 1);
    assert_eq!(photos[0]["stem"], two.stem().as_str());
    world.settle().await;
    assert_eq!(check_albums(&world, "").await, ["kyoto"]);
    let (first, ..) = read_album(&world, "kyoto").await;
    assert_eq!(first["photos"], 2);
}

#[tokio::test]
async fn folders_leave_the_files_with_the_setting() {
    let mut world = world_with_folders().await;
    let mut photo = shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto");
    photo.folders = vec!["Japan 2018".to_owned()];
    world.add_shots(&[photo]).await;
    world.settle().await;
    assert_eq!(check_albums(&world, "albums/").await, ["japan-2018"]);
    world.publish = world.other_publisher(settings(LocationPolicy::Exact));
    world.settle().await;
    world.settle().await;
    assert!(check_albums(&world, "").await.is_empty());
}

#[tokio::test]
async fn request_without_a_publish_table_is_no_error() {
    let world = PublishWorld::new().await;
    let none = PublishTable::new(world.client.clone(), "none");
    none.request_album_update().await.unwrap();
}

#[tokio::test]
async fn album_files_have_the_documented_form() {
    let mut world = PublishWorld::new().await;
    let one = shot("IMG_0001", "2018-02-01T09:00:00", "Kyoto");
    world.add_shots(std::slice::from_ref(&one)).await;
    world.put_album(&list_album("Best", &[&one])).await;
    world.settle().await;
    let file = world.file("album/best.json").await.unwrap();
    let fields: BTreeMap<String, Value> = serde_json::from_value(file).unwrap();
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "description",
            "items",
            "kind",
            "name",
            "next",
            "order",
            "photos",
            "slug"
        ]
    );
}
