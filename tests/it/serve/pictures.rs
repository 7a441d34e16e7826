//! Tests of the pictures that a real `photos serve` and `photos import` make.

use serde_json::Value;

use super::process::{Photos, until};
use super::upload::{examples, upload_examples};

/// The AVIFs that the tests of `photo-render` write.
#[allow(dead_code, reason = "those tests use the other items")]
#[path = "../../../crates/photo-render/src/tests/avif_files.rs"]
mod avif_files;

/// The number of photos in `examples/photos`. Two of the 14 files are one photo.
const PHOTOS: usize = 13;

/// Waits until the gallery lists all photos. A photo is listed when it has pictures.
async fn all_photos(photos: &Photos) -> Vec<Value> {
    loop {
        let list = photos.json("/v1/photos?limit=100").await;
        let items = list["items"].as_array().unwrap().clone();
        if items.len() == PHOTOS {
            return items;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Returns the URLs of the pictures of a photo.
fn urls(photo: &Value) -> Vec<String> {
    let images = photo["images"].as_array().unwrap().iter();
    images
        .map(|image| image["url"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_listed_photo_has_pictures_that_a_browser_can_show() {
    let mut photos = Photos::with_pictures();
    photos.start(&[]);
    upload_examples(&photos).await;
    for photo in all_photos(&photos).await {
        let stem = &photo["stem"];
        assert_ne!(photo["images"], serde_json::json!([]), "{stem}");
        assert!(
            photo["placeholder"].is_string() && photo["color"].is_string(),
            "{stem}"
        );
        for image in photo["images"].as_array().unwrap() {
            let response = photos.get(image["url"].as_str().unwrap()).await;
            assert_eq!(response.status(), 200, "{image}");
            assert_eq!(response.headers()["content-type"], "image/jpeg");
            let caching = response.headers()["cache-control"].to_str().unwrap();
            assert_eq!(caching, "public, max-age=31536000, immutable");
            let bytes = response.bytes().await.unwrap();
            assert_eq!(image["bytes"], bytes.len(), "{image}");
            let picture = image::load_from_memory(&bytes).unwrap();
            let size = (&image["width"], &image["height"]);
            assert_eq!(size, (&picture.width().into(), &picture.height().into()));
        }
    }
    // No file of the archive is served, and no folder is listed.
    for path in [
        "/photos/2018-02-01/DSC_0001.JPG",
        "/gallery/r/",
        "/gallery/../archive/2018-02-01/DSC_0001.JPG",
        "/gallery/..%2Farchive%2F2018-02-01%2FDSC_0001.JPG",
    ] {
        assert_eq!(photos.get(path).await.status(), 404, "{path}");
    }
    check_page(&photos).await;
    // The static files have the headers of a CDN. A small file is not compressed.
    until("the photos are published", || {
        let index = photos.data().join("site/gallery/index.json");
        let text = std::fs::read_to_string(index).ok()?;
        (text.len() > 1_024).then_some(())
    });
    let index = photos.get("/gallery/index.json").await;
    assert_eq!(index.headers()["content-type"], "application/json");
    let etag = index.headers()["etag"].to_str().unwrap().to_owned();
    let url = format!("{}/gallery/index.json", photos.gallery());
    let again = crate::http_client().get(&url).header("if-none-match", etag);
    assert!([200, 304].contains(&again.send().await.unwrap().status().as_u16()));
    // Browsers ask for compressed files.
    let zipped = crate::http_client()
        .get(&url)
        .header("accept-encoding", "gzip");
    let zipped = zipped.send().await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let zipped = zipped.bytes().await.unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*zipped), &mut text).unwrap();
    assert!(text.contains("\"photos\""), "{text}");
}

/// Checks that the root of the gallery leads to the page, and that a browser can run it.
async fn check_page(photos: &Photos) {
    let page = format!("{}/gallery/index.html", photos.gallery());
    for path in ["/", "/gallery", "/gallery/"] {
        let response = photos.get(path).await;
        assert_eq!(response.status(), 302, "{path}");
        assert_eq!(response.headers()["location"], page.as_str(), "{path}");
    }
    let response = photos.get("/gallery/index.html").await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("cache-control").contains("max-age=60"));
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = response.text().await.unwrap();
    let app = html.split("src=\"app/").nth(1).unwrap();
    let module = format!("/gallery/app/{}", app.split('"').next().unwrap());
    // Modules are loaded with the origin of the page.
    let origin = "http://localhost:4321";
    for (path, caching) in [
        (
            "/gallery/photo-gallery.js",
            "public, max-age=60, stale-while-revalidate=600",
        ),
        (&module, "public, max-age=31536000, immutable"),
    ] {
        let request = crate::http_client().get(format!("{}{path}", photos.gallery()));
        let response = request.header("origin", origin).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(headers["cache-control"], caching);
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["access-control-allow-origin"], origin);
    }
    let request = crate::http_client().get(format!("{}{module}", photos.gallery()));
    let foreign = request.header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn hidden_photo_loses_its_pictures_and_its_names() {
    let mut photos = Photos::with_pictures();
    photos.start(&[]);
    upload_examples(&photos).await;
    all_photos(&photos).await;
    let detail = "/v1/photos/2022-07-16/IMG_0412";
    let before = urls(&photos.json(detail).await);
    photos.output(&["set", "--private", "2022-07-16/IMG_0412"]);
    for url in &before {
        while photos.get(url).await.status() != 404 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    photos.output(&["set", "--public", "2022-07-16/IMG_0412"]);
    all_photos(&photos).await;
    let after = urls(&photos.json(detail).await);
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|url| !before.contains(url)));
    photos.output(&["reconcile", "--settle", "0"]);
}

#[tokio::test]
async fn originals_are_served_to_their_owner_only_if_asked_for() {
    let mut photos = Photos::with_pictures();
    photos.start(&["--originals", "jpeg"]);
    upload_examples(&photos).await;
    all_photos(&photos).await;
    let file = photos.get("/photos/2018-02-01/DSC_0001.JPG").await;
    assert_eq!(file.status(), 200);
    let photo = photos.json("/v1/photos/2018-02-01/DSC_0001").await;
    assert_eq!(photo["images"][0]["kind"], "original");
    let url = &urls(&photo)[0];
    assert!(url.ends_with("/original.jpg"), "{url}");
    let copy = photos.get(url).await.bytes().await.unwrap();
    let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap();
    assert_eq!(pixels(&copy), pixels(&file.bytes().await.unwrap()));
}

#[tokio::test]
async fn import_makes_the_pictures_if_nothing_serves_the_folder() {
    let mut photos = Photos::with_pictures();
    let folder = examples();
    photos.output(&["import", folder.to_str().unwrap()]);
    photos.output(&["reconcile"]);
    let listed = photos.output(&["list", "--json"]);
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), PHOTOS);
    for photo in &listed {
        let url = &urls(photo)[0];
        assert!(url.starts_with("/gallery/r/"), "{url}");
        assert!(
            photos.data().join("site").join(&url[1..]).is_file(),
            "{url}"
        );
    }
    // A lost picture, and one that belongs to no photo.
    let site = photos.data().join("site");
    std::fs::remove_file(site.join(&urls(&listed[0])[0][1..])).unwrap();
    let stray = site.join("gallery/r/stray/640.jpg");
    std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
    std::fs::write(&stray, "stray").unwrap();
    let found = photos.run(&["reconcile", "--json"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(
        found.contains("\"unpictured\"") && found.contains("\"stray-pictures\""),
        "{found}"
    );
    assert_eq!(found.lines().count(), 2, "{found}");
    photos.output(&["reconcile", "--fix"]);
    photos.output(&["reconcile"]);
    assert!(!stray.exists());

    photos.start(&[]);
    until("the first photo has its pictures again", || {
        let listed = photos.output(&["list", "--json", "--limit", "1"]);
        let photo: Value = serde_json::from_str(listed.lines().next()?).ok()?;
        let url = urls(&photo).into_iter().next()?;
        site.join(&url[1..]).is_file().then_some(())
    });
}

#[tokio::test]
async fn new_recipe_replaces_all_pictures() {
    let photos = Photos::with_pictures();
    let folder = examples();
    let small = ["--renditions", "64"];
    let import = ["import", folder.to_str().unwrap()];
    photos.output(&[&import[..], &small].concat());
    let widths = |photos: &Photos| -> Vec<Vec<u64>> {
        let listed = photos.output(&["list", "--json"]);
        let edges = |photo: Value| {
            let images = photo["images"].as_array().unwrap().clone();
            let edge = |image: &Value| image["width"].as_u64().max(image["height"].as_u64());
            images.iter().filter_map(edge).collect()
        };
        listed
            .lines()
            .map(|line| edges(serde_json::from_str(line).unwrap()))
            .collect()
    };
    assert_eq!(widths(&photos), vec![vec![64]; PHOTOS]);
    let large = ["--renditions", "96,48"];
    photos.output(&[&["reindex"][..], &large].concat());
    // An import without new photos makes the pictures that are due.
    photos.output(&[&import[..], &large].concat());
    assert_eq!(widths(&photos), vec![vec![96, 48]; PHOTOS]);
    photos.output(&[&["reconcile"][..], &large].concat());
}

#[tokio::test]
async fn avifs_are_rendered_in_a_process_of_their_own() {
    use avif_files::{TestItem, avif};

    let photos = Photos::with_pictures();
    let folder = photos.folder().join("avif");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("whole.avif"), avif(&[TestItem::squares()])).unwrap();
    let mut broken = TestItem::squares();
    // In the middle of the coded picture.
    broken.data.truncate(30);
    std::fs::write(folder.join("broken.avif"), avif(&[broken])).unwrap();
    // The commands run in the folder above. Its own name is that of a hidden one.
    photos.output(&["import", "avif"]);
    let listed = photos.output(&["list", "--json"]);
    let photo = |name: &str| -> Value {
        let mut lines = listed.lines();
        let line = lines.find(|line| line.contains(name)).unwrap();
        serde_json::from_str(line).unwrap()
    };
    let whole = photo("whole");
    assert_eq!(
        (&whole["width"], &whole["height"]),
        (&48.into(), &32.into())
    );
    let site = photos.data().join("site");
    let picture = image::open(site.join(&urls(&whole)[0][1..])).unwrap();
    let [red, green, blue, _] = picture.into_rgba8().get_pixel(12, 8).0;
    assert!(red > 240 && green < 20 && blue < 20, "{red} {green} {blue}");
    assert_eq!(photo("broken")["images"], serde_json::json!([]));
    let reasons = photos.output(&["skipped", "--pictures"]);
    assert!(reasons.contains("truncated AVIF"), "{reasons}");

    // The command is for this program only, and needs a request.
    let help = photos.output(&["--help"]);
    assert!(!help.contains("render-avif"), "{help}");
    assert_eq!(photos.run(&["render-avif"]).status.code(), Some(1));
}
