//! Tests of the files of the gallery page, and of the counts for its filters.

use std::time::Duration;

use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::catalogue::published::FilesState;
use photo_catalogue::map_tiles::MapTiles;
use photo_catalogue::object::Bucket;
use photo_catalogue::privacy::{LocationPolicy, Privacy};
use photo_catalogue::publish::{self, PublishSettings};
use serde_json::{Value, json};

use super::fixture::{BUCKET, PREFIX, PhotoChange, PublishWorld, settings};
use crate::gallery::fixture::{GalleryFixture, Shot};

/// The time that a cycle may take.
const CYCLE_TIME: Duration = Duration::from_secs(600);
/// The files that each gallery has, also an empty one, without the modules of the page.
const FILES: [&str; 6] = [
    "changes.json",
    "facets.json",
    "index.html",
    "index.json",
    "map.json",
    "photo-gallery.js",
];

impl PublishWorld {
    /// Returns the paths of the stored files outside of `app/`, and those in it. Leaves out the
    /// lists and the text index.
    async fn paths(&self) -> (Vec<String>, Vec<String>) {
        let paths = self.file_texts().await.into_keys();
        let (modules, others): (Vec<_>, Vec<_>) = paths.partition(|path| path.starts_with("app/"));
        let others = others.into_iter().filter(|path| !path.contains('/'));
        (others.collect(), modules)
    }

    /// Replaces a photo by another version, and runs cycles until no month is dirty.
    async fn replace(&mut self, before: Option<&PhotoItem>, after: Option<&PhotoItem>) {
        let change = PhotoChange::new(before.cloned(), after.cloned());
        self.write(&change).await;
        self.mark(&[change.record]).await;
        self.settle().await;
    }

    async fn delete_file(&self, path: &str) {
        let object = Bucket::new(BUCKET)
            .unwrap()
            .object(format!("{PREFIX}{path}"));
        self.storage.delete_object(&object).await.unwrap();
    }

    /// Checks that the page and the module for embedding import a module that is stored.
    async fn check_imports(&self, context: &str) {
        let (_, modules) = self.paths().await;
        for path in ["index.html", "photo-gallery.js"] {
            let text = self.file_text(path).await.expect(path);
            let imported = modules.iter().any(|module| text.contains(module.as_str()));
            assert!(imported, "{context}: {path} of {modules:?}: {text}");
        }
    }
}

/// Returns a photo with these keywords and five stars.
fn photo(shot: &Shot, keywords: &[&str]) -> PhotoItem {
    let mut item = shot.item();
    let record = &mut item.summary.as_mut().unwrap().record;
    record.keywords = keywords.iter().map(ToString::to_string).collect();
    record.rating = Some(5);
    item.photo.record = record.clone();
    item
}

#[tokio::test]
async fn empty_catalogue_has_a_page_and_the_modules_are_written_once() {
    let mut world = PublishWorld::new().await;
    world.run_cycle().await.unwrap();
    let (others, modules) = world.paths().await;
    assert_eq!(others, FILES);
    assert!(modules.len() >= 4, "{modules:?}");
    world.check_imports("empty").await;
    let index = world.file("index.json").await.unwrap();
    assert_eq!(
        (&index["photos"], &index["months"]),
        (&json!(0), &json!([]))
    );
    world.wire.take_requests();
    world.pass(60);
    world.run_cycle().await.unwrap();
    assert_eq!(world.wire.take_requests(), ["Query", "Query"]);

    let item = Shot::new("IMG_0001", "2018-02-01T09:00:00").item();
    world.replace(None, Some(&item)).await;
    let mut puts = world.wire.take_requests();
    puts.retain(|request| request == "PUT");
    // The month, `changes.json`, `facets.json`, `map.json`, `index.json` and the page.
    assert_eq!(puts.len(), 6);
    assert_eq!(world.paths().await.1, modules);
    let page = world.file_text("index.html").await.unwrap();
    let month = r#"<li><a href="2018-02.json">February 2018</a>, 1 photo</li>"#;
    assert!(page.contains(month), "{page}");
    world.replace(Some(&item), None).await;
    let page = world.file_text("index.html").await.unwrap();
    assert!(!page.contains("<li>"), "{page}");
    assert_eq!(
        world.paths().await,
        (FILES.map(String::from).to_vec(), modules)
    );
}

/// Interrupts the first cycle of a new version of the page at each place: before its first request,
/// after one request, and so on.
#[tokio::test]
async fn new_version_of_the_page_is_written_and_the_old_modules_are_kept() {
    let mut world = PublishWorld::new().await;
    let item = photo(&Shot::new("IMG_0001", "2018-02-01T09:00:00"), &["Kyoto"]);
    world.replace(None, Some(&item)).await;
    let (_, modules) = world.paths().await;
    let index = world.file("index.json").await.unwrap();
    for cut in 0.. {
        let state = world.published.state().await.unwrap().files;
        let page = "earlier".to_owned();
        let earlier = FilesState { page, ..state };
        world.published.put_files(&earlier).await.unwrap();
        for path in
            modules
                .iter()
                .map(String::as_str)
                .chain(["index.html", "facets.json", "map.json"])
        {
            world.delete_file(path).await;
        }
        world.pass(60);
        world.wire.cut_after(cut);
        let is_interrupted = world.run_cycle().await.is_err();
        world.wire.mend();
        // The lease of the interrupted cycle ends.
        world.pass(180);
        world.settle().await;
        world.check_imports(&format!("cut after {cut}")).await;
        assert_eq!(world.paths().await.1, modules, "cut after {cut}");
        let facets = world.file("facets.json").await.unwrap();
        assert_eq!(facets["keywords"][0]["slug"], "kyoto", "cut after {cut}");
        if !is_interrupted {
            assert!(cut > 10, "{cut} requests");
            break;
        }
    }
    let now = world.file("index.json").await.unwrap();
    assert_eq!(now["generation"], index["generation"]);
    assert_eq!(now["months"], index["months"]);
}

#[tokio::test]
async fn recount_restores_missing_files_of_the_page() {
    let mut world = PublishWorld::new().await;
    let item = Shot::new("IMG_0001", "2018-02-01T09:00:00").item();
    world.replace(None, Some(&item)).await;
    let before = world.paths().await;
    for path in ["index.html", "photo-gallery.js", "facets.json", "map.json"] {
        world.delete_file(path).await;
        let (catalogue, table) = (&world.catalogue, &world.published);
        publish::mark_all_months(catalogue, table, world.now)
            .await
            .unwrap();
        world.settle().await;
        assert_eq!(world.paths().await, before, "{path}");
    }
    world.check_imports("restored").await;
}

#[tokio::test]
async fn facets_and_aspects_follow_hidden_and_shown_photos() {
    let mut world = PublishWorld::new().await;
    let shot = |name| Shot::new(name, "2018-02-01T09:00:00").camera("nikon-d750");
    let shown = photo(&shot("IMG_0001"), &["Kyoto", "Places|Japan"]);
    world.replace(None, Some(&shown)).await;
    let alone = read_counts(&world).await;
    let public = photo(&shot("IMG_0002"), &["kyoto", "Secret Garden"]);
    let private = photo(&shot("IMG_0002").private(), &["kyoto", "Secret Garden"]);
    world.replace(None, Some(&private)).await;
    assert_eq!(read_counts(&world).await, alone);
    for _ in 0..2 {
        world.replace(Some(&private), Some(&public)).await;
        let (facets, aspects) = read_counts(&world).await;
        let month = |photos: u64| json!({ "2018-02": photos });
        let facet = |list: &str, slug: &str, name: &str, photos| {
            let path = format!("{list}/{slug}.json");
            json!({ "slug": slug, "name": name, "photos": photos, "list": path, "months": month(photos) })
        };
        let expected = json!({
            "cameras": [facet("camera", "nikon-d750", "nikon-d750", 2)],
            "lenses": [],
            "keywords": [
                facet("keyword", "kyoto", "kyoto", 2),
                facet("keyword", "places", "Places", 1),
                facet("keyword", "places-japan", "Places|Japan", 1),
                facet("keyword", "secret-garden", "Secret Garden", 1),
            ],
            "places": [],
            "ratings": [{ "rating": 5, "photos": 2, "months": month(2) }],
            "albums": [],
            "text": ["d", "g", "j", "k", "n", "p", "s"],
        });
        assert_eq!(facets, expected);
        // Two photos of 4000 by 3000 pixels.
        assert_eq!(aspects, json!(2.667));
        world.replace(Some(&public), Some(&private)).await;
        assert_eq!(read_counts(&world).await, alone);
    }
}

#[tokio::test]
async fn map_follows_hidden_photos_and_the_location_policy() {
    let mut world = PublishWorld::new().await;
    let shot = |name, day| {
        let time = format!("2018-{day}T09:00:00");
        Shot::new(name, &time).place(-73.5673, 45.5017, LocationPolicy::Exact)
    };
    let shown = shot("IMG_0001", "02-01").item();
    world.replace(None, Some(&shown)).await;
    let mut nowhere = Shot::new("IMG_0002", "2018-02-02T09:00:00").item();
    nowhere.photo.record.location = None;
    nowhere.summary.as_mut().unwrap().record.location = None;
    world.replace(None, Some(&nowhere)).await;
    let cell = |photos: u64, months: Value| {
        let (lat, lon) = (45.5017, -73.5673);
        json!([{ "cell": "f25d", "lat": lat, "lon": lon, "photos": photos, "months": months }])
    };
    let alone = (cell(1, json!({ "2018-02": 1 })), json!(1));
    assert_eq!(read_map(&world).await, alone);
    let public = shot("IMG_0003", "03-01").item();
    let private = shot("IMG_0003", "03-01").private().item();
    world.replace(None, Some(&public)).await;
    let both = cell(2, json!({ "2018-02": 1, "2018-03": 1 }));
    assert_eq!(read_map(&world).await, (both, json!(2)));
    world.replace(Some(&public), Some(&private)).await;
    assert_eq!(read_map(&world).await, alone);

    let hidden = (json!([]), json!(0));
    let zone = Privacy {
        home_zones: "45.5,-73.57,5000".parse().unwrap(),
        ..LocationPolicy::Exact.into()
    };
    for (privacy, expected) in [
        (LocationPolicy::Hide.into(), &hidden),
        (LocationPolicy::Exact.into(), &alone),
        (zone, &hidden),
    ] {
        let publish = world.other_publisher(settings(privacy));
        world.pass(60);
        publish.run_cycle(world.now, CYCLE_TIME).await.unwrap();
        assert_eq!(&read_map(&world).await, expected);
    }
    let publish = world.other_publisher(settings(LocationPolicy::Round(1)));
    world.pass(60);
    publish.run_cycle(world.now, CYCLE_TIME).await.unwrap();
    let (cells, _) = read_map(&world).await;
    assert_eq!(
        (&cells[0]["lat"], &cells[0]["lon"]),
        (&json!(45.5), &json!(-73.6))
    );
}

/// Returns the cells of `map.json`, and the number of photos with a position in the index.
async fn read_map(world: &PublishWorld) -> (Value, Value) {
    let map = world.file("map.json").await.unwrap();
    let index = world.file("index.json").await.unwrap();
    assert_eq!(map["generation"], index["generation"]);
    (map["cells"].clone(), index["positions"].clone())
}

#[tokio::test]
async fn page_follows_the_server_of_the_map_tiles() {
    let template = "https://tile.example/{z}/{x}/{y}.png";
    let tiles = MapTiles::parse(template, "© Example").unwrap();
    let mut world = PublishWorld::with(PublishSettings {
        map_tiles: Some(tiles),
        ..settings(LocationPolicy::Exact)
    })
    .await;
    world.run_cycle().await.unwrap();
    let page = world.file_text("index.html").await.unwrap();
    let attributes = format!(r#"map-tiles="{template}" map-attribution="© Example""#);
    assert!(page.contains(&attributes), "{page}");
    let modules = world.paths().await.1;
    world.wire.take_requests();
    world.pass(60);
    world.run_cycle().await.unwrap();
    assert_eq!(world.wire.take_requests(), ["Query", "Query"]);

    let publish = world.other_publisher(settings(LocationPolicy::Exact));
    world.pass(60);
    publish.run_cycle(world.now, CYCLE_TIME).await.unwrap();
    let page = world.file_text("index.html").await.unwrap();
    assert!(
        page.contains(r#"map-tiles="" map-attribution="""#),
        "{page}"
    );
    assert_eq!(world.paths().await.1, modules);
}

/// Returns `facets.json` without its generation, and the sum of aspect ratios of the newest month.
async fn read_counts(world: &PublishWorld) -> (Value, Value) {
    let mut facets = world.file("facets.json").await.unwrap();
    facets.as_object_mut().unwrap().remove("generation");
    let index = world.file("index.json").await.unwrap();
    (facets, index["months"][0]["aspects"].clone())
}

#[tokio::test]
async fn root_of_the_gallery_redirects_to_the_page() {
    let world = PublishWorld::new().await;
    for (url, page) in [
        (
            Some("https://cdn.test/gallery/"),
            Some("https://cdn.test/gallery/index.html"),
        ),
        (Some("/gallery"), Some("/gallery/index.html")),
        (None, None),
    ] {
        let gallery = GalleryFixture::over(world.client.clone(), |settings| {
            settings.gallery_url = url.map(str::to_owned);
        })
        .await;
        let answer = gallery.get("/").await;
        let location = answer.headers().get("location");
        assert_eq!(location.map(|page| page.to_str().unwrap()), page);
        let status = if page.is_some() { 302 } else { 404 };
        assert_eq!(answer.status(), status);
        // Only `photos serve` has the static files.
        assert_eq!(gallery.get("/gallery/").await.status(), 404);
    }
}
