//! Searches everything public for data that must not be public: positions at home, private photos,
//! serial numbers and source keys.

use std::collections::BTreeSet;
use std::time::Duration;

use photo_catalogue::catalogue::item::PartSource;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::{HomeZones, LocationPolicy, Privacy, VisibilityRules};
use photo_metadata::{Location, TagValue};
use serde_json::Value;

use super::counts::start_gallery;
use super::fixture::{PhotoChange, PublishWorld, settings};
use super::lists;
use crate::gallery::fixture::{GalleryFixture, Shot};

/// The latitude and the longitude of the home, which no public response may reveal.
const HOME: (f64, f64) = (45.471_234, -73.645_678);
const ZONES: &str = "45.471234,-73.645678,400";

fn home_zones() -> HomeZones {
    ZONES.parse().unwrap()
}

fn at(lat: f64, lon: f64) -> Location {
    Location {
        lat,
        lon,
        ..Location::default()
    }
}

/// Starts a world with photos at home, around it and abroad. Every fifth photo is private. Each
/// photo has all position fields that a camera writes. Returns the world and the photos.
async fn world_with_secrets() -> (PublishWorld, Vec<Shot>) {
    let mut world = PublishWorld::new().await;
    let mut shots = Vec::new();
    for n in 0..60_u32 {
        // The photos form a spiral from the front door to a distance of about 15 km.
        let (turn, away) = (f64::from(n), 0.000_03 * f64::from(n * n));
        let (lat, lon) = (HOME.0 + away * turn.sin(), HOME.1 + away * turn.cos());
        let day = format!("20{:02}-02-{:02}T09:00:00", 17 + n % 3, 1 + n % 28);
        let shot = Shot::new(&format!("IMG_{n:04}"), &day)
            .camera("nikon-d750")
            .place(lon, lat, LocationPolicy::Exact);
        shots.push(if n % 5 == 0 { shot.private() } else { shot });
    }
    let mut records = Vec::new();
    for shot in &shots {
        let mut item = shot.item();
        let location = item.photo.record.location.clone().unwrap();
        let tags = |tags: &[(&str, TagValue)]| {
            let owned = |(name, value): &(&str, TagValue)| ((*name).to_owned(), value.clone());
            tags.iter().map(owned).collect()
        };
        let text = |text: &str| TagValue::Text(text.to_owned());
        let position = [
            ("GPSLatitude", TagValue::Real(location.lat)),
            ("GPSLongitude", TagValue::Real(location.lon)),
        ];
        item.exif.insert("GPS".to_owned(), tags(&position));
        item.exif.insert("XMP-exif".to_owned(), tags(&position));
        let city = if home_zones().contains(&location) {
            "SECRET-HOME"
        } else {
            "Montréal"
        };
        item.exif
            .insert("XMP-photoshop".to_owned(), tags(&[("City", text(city))]));
        item.exif
            .insert("IPTC".to_owned(), tags(&[("Sub-location", text(city))]));
        let part = item.parts.get_mut("jpg").unwrap();
        part.source = Some(PartSource {
            object: "s3://SECRET-INBOX/SECRET-SOURCE/IMG.jpg".parse().unwrap(),
            etag: "SECRET-ETAG".to_owned(),
        });
        if shot.private {
            let summary = item.summary.as_mut().unwrap();
            summary.record.title = Some("SECRET-TITLE".to_owned());
            summary.record.keywords = vec!["SECRET-KEYWORD".to_owned()];
            summary.record.rating = Some(5);
        }
        let change = PhotoChange::new(None, Some(item));
        world.write(&change).await;
        records.push(change.record);
    }
    world.mark(&records).await;
    world.settle().await;
    (world, shots)
}

/// Checks that a response contains no secret text, and no position for which `hidden` returns
/// `true`. `origin` is the path of the response, for messages.
fn assert_no_secret(origin: &str, response: &Value, hidden: &dyn Fn(&Location) -> bool) {
    let text = response.to_string();
    assert!(!text.contains("SECRET"), "{origin}: {text}");
    visit_points(response, &mut |point| {
        assert!(!hidden(&point), "{origin}: {point:?} in {text}");
    });
}

/// Calls `visit` for every position (latitude and longitude) in a JSON value, in each of the forms
/// in which a response can contain one.
fn visit_points(value: &Value, visit: &mut dyn FnMut(Location)) {
    match value {
        Value::Object(fields) => {
            for (lat, lon) in [("lat", "lon"), ("GPSLatitude", "GPSLongitude")] {
                if let (Some(lat), Some(lon)) = (fields.get(lat), fields.get(lon)) {
                    visit(at(lat.as_f64().unwrap(), lon.as_f64().unwrap()));
                }
            }
            fields.values().for_each(|value| visit_points(value, visit));
        }
        Value::Array(values) => {
            if let [Value::Number(lon), Value::Number(lat), ..] = values.as_slice() {
                visit(at(lat.as_f64().unwrap(), lon.as_f64().unwrap()));
            }
            values.iter().for_each(|value| visit_points(value, visit));
        }
        _ => {}
    }
}

/// Reads all pages of a list, and checks that they contain no secret. Returns the names of the
/// photos.
async fn read_list(
    gallery: &GalleryFixture,
    path: &str,
    hidden: &dyn Fn(&Location) -> bool,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut page = gallery.json(path).await;
    loop {
        assert_no_secret(path, &page, hidden);
        let photos = page["items"]
            .as_array()
            .or(page["features"].as_array())
            .unwrap();
        let stem = |photo: &Value| {
            let stem = photo["stem"]
                .as_str()
                .or(photo["properties"]["stem"].as_str());
            stem.map(|stem| stem.rsplit('/').next().unwrap().to_owned())
        };
        names.extend(photos.iter().filter_map(stem));
        let Some(cursor) = page["next"].as_str() else {
            return names;
        };
        let separator = if path.contains('?') { '&' } else { '?' };
        page = gallery
            .json(&format!("{path}{separator}cursor={cursor}"))
            .await;
    }
}

#[tokio::test]
async fn hidden_data_is_on_no_route_and_in_no_file() {
    let (mut world, shots) = world_with_secrets().await;
    let zones = home_zones();
    let at_home = |shot: &Shot| {
        shot.place
            .is_some_and(|(lon, lat)| zones.contains(&at(lat, lon)))
    };
    assert!(
        shots.iter().filter(|shot| at_home(shot)).count() > 5,
        "the test has photos at home"
    );
    let with_zone = |location: LocationPolicy| Privacy {
        home_zones: ZONES.parse().unwrap(),
        ..location.into()
    };
    let everywhere = |_: &Location| true;
    let home = |point: &Location| zones.contains(point);
    for (privacy, hidden) in [
        (
            Privacy::from(LocationPolicy::Hide),
            &everywhere as &dyn Fn(&Location) -> bool,
        ),
        (with_zone(LocationPolicy::Round(2)), &home),
        (with_zone(LocationPolicy::Exact), &home),
    ] {
        check_files(&mut world, &privacy, hidden).await;
        let gallery = start_gallery(&world, privacy.clone()).await;
        check_lists(&gallery, &shots, hidden).await;
        check_details(&gallery, &shots, hidden).await;
        check_shrinking_boxes(&gallery, &shots, &privacy, hidden).await;
    }
}

/// Publishes everything again under the rules `privacy`, and checks that no static file contains a
/// secret.
async fn check_files(
    world: &mut PublishWorld,
    privacy: &Privacy,
    hidden: &dyn Fn(&Location) -> bool,
) {
    // Everything was published with exact positions before. The next cycles must remove them.
    let publish = world.other_publisher(settings(privacy.clone()));
    for _ in 0..3 {
        world.pass(60);
        publish
            .run_cycle(world.now, Duration::from_secs(600))
            .await
            .unwrap();
    }
    for (path, file) in world.files().await {
        // The lists of numbers in the text index are no positions on Earth.
        if !path.starts_with("text/") {
            assert_no_secret(&path, &file, hidden);
        }
    }
    lists::check_lists(world, privacy.clone()).await;
    for (path, text) in world.file_texts().await {
        assert!(!text.to_uppercase().contains("SECRET"), "{path}: {text}");
    }
    let facets = world.file("facets.json").await.unwrap();
    assert_eq!(facets["ratings"], serde_json::json!([]), "{facets}");
}

/// Checks that no list and no count contains a secret. The full list must contain exactly the
/// public photos.
async fn check_lists(gallery: &GalleryFixture, shots: &[Shot], hidden: &dyn Fn(&Location) -> bool) {
    let public: BTreeSet<String> = (shots.iter().filter(|shot| !shot.private))
        .map(|shot| shot.name.clone())
        .collect();
    assert_eq!(
        read_list(gallery, "/v1/photos?limit=7", hidden).await,
        public
    );
    for path in [
        "/v1/photos?camera=nikon-d750&limit=50",
        "/v1/photos?fields=id,stem,location,images",
        "/v1/photos?from=2018-01-01&order=oldest",
    ] {
        read_list(gallery, path, hidden).await;
    }
    for path in [
        "/v1/timeline?unit=day",
        "/v1/cameras",
        "/v1/lenses",
        "/v1/map",
        "/v1/map?bbox=-74,45,-73,46",
    ] {
        assert_no_secret(path, &gallery.json(path).await, hidden);
    }
}

/// Requests the detail of every photo by its id, by its stem and by its key. Checks that the
/// response contains no secret. For a private photo, the response must be 404.
async fn check_details(
    gallery: &GalleryFixture,
    shots: &[Shot],
    hidden: &dyn Fn(&Location) -> bool,
) {
    for shot in shots {
        for name in [
            PhotoId::from_stem(&shot.stem()).to_string(),
            shot.stem(),
            format!("{}.jpg", shot.stem()),
        ] {
            let path = format!("/v1/photos/{name}");
            if shot.private {
                assert_eq!(gallery.get(&path).await.status(), 404, "{path}");
            } else {
                assert_no_secret(&path, &gallery.json(&path).await, hidden);
            }
        }
    }
}

/// Requests the list and the map of smaller and smaller boxes around the front door of the home.
/// Each response must contain exactly the photos whose public position is in the box.
async fn check_shrinking_boxes(
    gallery: &GalleryFixture,
    shots: &[Shot],
    privacy: &Privacy,
    hidden: &dyn Fn(&Location) -> bool,
) {
    let mut size = 0.2;
    while size > 0.000_5 {
        for corner in 0..4 {
            let (south, west) = (
                HOME.0 - size * f64::from(corner / 2),
                HOME.1 - size * f64::from(corner % 2),
            );
            let bbox = format!("{west},{south},{},{}", west + size, south + size);
            let contains = |point: &Location| {
                (south..=south + size).contains(&point.lat)
                    && (west..=west + size).contains(&point.lon)
            };
            let shown: BTreeSet<String> = shots
                .iter()
                .filter(|shot| !shot.private)
                .filter(|shot| {
                    let (lon, lat) = shot.place.unwrap();
                    privacy
                        .redact_location(&at(lat, lon))
                        .is_some_and(|point| contains(&point))
                })
                .map(|shot| shot.name.clone())
                .collect();
            for route in ["/v1/photos", "/v1/map"] {
                let path = format!("{route}?bbox={bbox}");
                assert_eq!(read_list(gallery, &path, hidden).await, shown, "{path}");
            }
        }
        size /= 2.0;
    }
}

#[tokio::test]
async fn a_new_rule_hides_indexed_photos_at_once() {
    let (mut world, shots) = world_with_secrets().await;
    let mut item = shots[1].item();
    item.photo.record.keywords = vec!["Family".to_owned()];
    item.summary.as_mut().unwrap().record.keywords = item.photo.record.keywords.clone();
    item.exif.clear();
    let change = PhotoChange::new(None, Some(item));
    world.write(&change).await;
    let privacy = Privacy {
        visibility: VisibilityRules {
            private_keywords: vec!["family".to_owned()],
            ..VisibilityRules::default()
        },
        ..LocationPolicy::Exact.into()
    };
    let nothing = |_: &Location| false;
    let gallery = start_gallery(&world, privacy.clone()).await;
    let listed = read_list(&gallery, "/v1/photos?limit=5", &nothing).await;
    assert!(!listed.contains(&shots[1].name) && listed.contains(&shots[2].name));
    let path = format!("/v1/photos/{}", shots[1].stem());
    assert_eq!(gallery.get(&path).await.status(), 404);

    let publish = world.other_publisher(settings(privacy));
    world.pass(60);
    publish
        .run_cycle(world.now, Duration::from_secs(600))
        .await
        .unwrap();
    for (path, file) in world.files().await {
        let text = file.to_string();
        assert!(!text.contains(&shots[1].name), "{path}");
        assert!(!text.to_lowercase().contains("family"), "{path}");
    }
}

#[tokio::test]
async fn homes_of_one_block_give_the_same_public_data() {
    let (world, shots) = world_with_secrets().await;
    // The second home is 1.1 km from the first one. The third one is in another block.
    let homes = [ZONES, "45.465,-73.635,400", "45.49,-73.635,400"];
    let mut public_data = Vec::new();
    for home in homes {
        let privacy = Privacy {
            home_zones: home.parse().unwrap(),
            ..LocationPolicy::Exact.into()
        };
        let gallery = start_gallery(&world, privacy).await;
        let mut paths: Vec<String> = (shots.iter().filter(|shot| !shot.private))
            .map(|shot| format!("/v1/photos/{}", shot.stem()))
            .collect();
        paths.push("/v1/photos?limit=200".to_owned());
        paths.push("/v1/photos?limit=200&bbox=-73.8,45.4,-73.5,45.6".to_owned());
        let mut responses = Vec::new();
        for path in &paths {
            responses.push(gallery.json(path).await);
        }
        public_data.push(responses);
    }
    assert_eq!(public_data[0], public_data[1]);
    assert_ne!(public_data[0], public_data[2]);
}
