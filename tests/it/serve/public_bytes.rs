//! A scanner over everything public of a running `photos serve`: every route, every static file,
//! every picture with its headers, and the messages. The photos contain planted secrets, and are
//! then hidden, removed, uploaded again or moved into a home zone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::process::{Photos, files};
use crate::ingest::photos::TestShot;

/// A part of each planted text. No public byte may contain it.
const SECRET: &str = "SECRET";
/// The place of the home, and another place that becomes a home zone later.
const HOME: (f64, f64) = (45.471_234, -73.645_678);
const AWAY: (f64, f64) = (48.858_412, 2.294_531);
/// The days of the photos.
const DAYS: [&str; 8] = [
    "2018:02:01 09:41:07",
    "2018:02:02 09:41:07",
    "2018:02:03 09:41:07",
    "2018:02:04 09:41:07",
    "2018:02:05 09:41:07",
    "2018:02:06 09:41:07",
    "2018:02:07 09:41:07",
    "2018:02:08 09:41:07",
];

fn shot(number: usize) -> TestShot {
    TestShot {
        taken: Some(DAYS[number]),
        serial: "SECRET-SERIAL",
    }
}

/// Returns a coordinate as XMP contains it, such as `45,28.274040N`.
fn xmp_coordinate(degrees: f64, letters: [char; 2]) -> String {
    let letter = letters[usize::from(degrees < 0.0)];
    let degrees = degrees.abs();
    format!("{},{:.6}{letter}", degrees.floor(), degrees.fract() * 60.0)
}

fn packet(title: &str, place: Option<(f64, f64)>, keyword: &str) -> String {
    let position = place.map_or_else(String::new, |(lat, lon)| {
        let (lat, lon) = (
            xmp_coordinate(lat, ['N', 'S']),
            xmp_coordinate(lon, ['E', 'W']),
        );
        format!("exif:GPSLatitude='{lat}' exif:GPSLongitude='{lon}'")
    });
    // Programs write the names of places and of people. The home zones and the people policy hide
    // them. The place of a photo without a position may be in a home zone.
    let city = match place {
        Some(AWAY) => "Paris",
        _ => "SECRET-CITY",
    };
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
         xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
         xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
         xmlns:aux='http://ns.adobe.com/exif/1.0/aux/' aux:SerialNumber='SECRET-BODY' \
         aux:LensSerialNumber='SECRET-LENS' aux:OwnerName='SECRET-OWNER' {position} \
         xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:City='{city}' \
         xmlns:ext='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' \
         xmlns:rs='http://www.metadataworkinggroup.com/schemas/regions/'>\
         <ext:PersonInImage><rdf:Bag><rdf:li>SECRET-PERSON</rdf:li></rdf:Bag></ext:PersonInImage>\
         <rs:Regions rdf:parseType='Resource'><rs:RegionList><rdf:Bag><rdf:li>\
         <rdf:Description rs:Type='Face' rs:Name='SECRET-FACE'/></rdf:li></rdf:Bag></rs:RegionList></rs:Regions>\
         <dc:title><rdf:Alt><rdf:li xml:lang='x-default'>{title}</rdf:li></rdf:Alt></dc:title>\
         <dc:subject><rdf:Bag><rdf:li>{keyword}</rdf:li></rdf:Bag></dc:subject>\
         </rdf:Description></rdf:RDF></x:xmpmeta>"
    )
}

fn jpeg(number: usize, packet: &str) -> Vec<u8> {
    let body = [b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    shot(number).jpeg_with_segment(&[&[0xff, 0xe1][..], &length, &body].concat())
}

/// Uploads the photos. Those with a secret title become private, are removed, or are private from
/// the start.
async fn upload(photos: &Photos) {
    let cut = packet("SECRET-CUT", Some(HOME), "x");
    let cut = cut.split_once("</dc:title>").unwrap().0;
    let uploads = [
        ("home.jpg", jpeg(0, &packet("Shown", Some(HOME), "garden"))),
        (
            "away.jpg",
            jpeg(1, &packet("Shown too", Some(AWAY), "tower")),
        ),
        ("hand.jpg", jpeg(2, &packet("SECRET-HAND", Some(AWAY), "x"))),
        (
            "rule.jpg",
            jpeg(3, &packet("SECRET-RULE", Some(AWAY), "Private")),
        ),
        (
            "removed.jpg",
            jpeg(4, &packet("SECRET-REMOVED", Some(AWAY), "x")),
        ),
        (
            "again.jpg",
            jpeg(5, &packet("SECRET-AGAIN", Some(AWAY), "x")),
        ),
        ("pair.jpg", shot(6).jpeg()),
        (
            "pair.dng",
            shot(6).dng_with_xmp(&packet("SECRET-PAIR", Some(HOME), "Private")),
        ),
        ("cut.jpg", jpeg(7, cut)),
    ];
    for (key, bytes) in uploads {
        photos.put(&format!("SECRET-INBOX/{key}"), bytes).await;
    }
}

/// A request that the gallery refuses. The response must not repeat its value.
const REFUSED: &str = "/v1/photos?order=SECRE";

/// Returns everything that the public can read, by its origin: a path of the gallery, a static
/// file, or the messages.
async fn public_bytes(photos: &Photos) -> BTreeMap<String, Vec<u8>> {
    let mut paths: Vec<String> = [
        "/v1/photos?limit=200",
        "/v1/photos?limit=200&order=oldest",
        "/v1/photos?camera=nikon-d750",
        "/v1/photos?limit=200&order=added",
        "/v1/photos?limit=200&q=secret",
        "/v1/photos?limit=200&keyword=private",
        "/v1/photos?limit=200&bbox=-180,-90,180,90",
        "/v1/photos/random?limit=200&seed=1",
        "/v1/on-this-day?date=02-01&limit=200",
        "/v1/timeline",
        "/v1/timeline?unit=day",
        "/v1/timeline?unit=day&q=secret",
        "/v1/cameras",
        "/v1/cameras?q=secret",
        "/v1/lenses",
        "/v1/keywords?limit=200",
        "/v1/keywords?limit=200&q=secret",
        "/v1/places?limit=200",
        "/v1/albums",
        "/v1/map?bbox=-180,-90,180,90",
        "/v1/map?bbox=2.2,48.8,2.4,48.9",
        "/openapi.json",
        "/healthz",
        REFUSED,
    ]
    .map(str::to_owned)
    .to_vec();
    for (number, day) in DAYS.iter().enumerate() {
        let names = [
            "home", "away", "hand", "rule", "removed", "again", "pair", "cut",
        ];
        let stem = format!("{}/{}", day[..10].replace(':', "-"), names[number]);
        paths.push(format!("/v1/photos/{stem}"));
        for extension in ["jpg", "JPG", "dng"] {
            paths.push(format!("/photos/{stem}.{extension}"));
            paths.push(format!("/photos/{stem}.{extension}?preview"));
        }
    }
    let listed = photos.json("/v1/photos?limit=200").await;
    for photo in listed["items"].as_array().unwrap() {
        paths.push(format!("/v1/photos/{}", photo["id"].as_str().unwrap()));
        for image in photo["images"].as_array().unwrap() {
            paths.push(image["url"].as_str().unwrap().to_owned());
        }
    }
    let mut found = BTreeMap::new();
    for path in paths {
        let response = photos.get(&path).await;
        let is_refused = path == REFUSED;
        let is_list = path.starts_with("/v1/") && (path.contains('?') || !path.contains("photos/"));
        assert!(
            !is_list || (response.status() == 400) == is_refused,
            "{path}"
        );
        let headers = format!("{:?}", response.headers()).into_bytes();
        let body = response.bytes().await.unwrap();
        if path.starts_with("/v1/") {
            // Slugs are in lower case.
            found.insert(format!("{path} in capitals"), body.to_ascii_uppercase());
        }
        found.insert(path, [headers, body.to_vec()].concat());
    }
    let site = photos.data().join("site");
    for name in files(&site).into_keys() {
        // Publish may remove the file at this moment.
        if let Ok(bytes) = std::fs::read(site.join(&name)) {
            // The names of list files and the words of the text index are in lower case.
            if name.ends_with(".json") {
                let text = [name.as_bytes(), &bytes].concat();
                found.insert(
                    format!("site/{name} in capitals"),
                    text.to_ascii_uppercase(),
                );
            }
            found.insert(format!("site/{name}"), bytes);
        }
    }
    found.insert("messages".to_owned(), photos.messages().into_bytes());
    found
}

/// Returns the texts that reveal a place: in JSON, in XMP, and in the EXIF of a picture.
fn place_texts((lat, lon): (f64, f64)) -> Vec<Vec<u8>> {
    let mut texts = vec![
        format!("{:.3}", lat.abs() - 0.0005).into_bytes(),
        format!("{:.3}", lon.abs() - 0.0005).into_bytes(),
        xmp_coordinate(lat, ['N', 'S']).into_bytes(),
        xmp_coordinate(lon, ['E', 'W']).into_bytes(),
    ];
    for degrees in [lat.abs(), lon.abs()] {
        let (whole, minutes) = (
            degrees.floor() as u32,
            (degrees.fract() * 60.0).floor() as u32,
        );
        let numbers = [whole, 1, minutes, 1];
        texts.push(
            numbers
                .iter()
                .flat_map(|number| number.to_be_bytes())
                .collect(),
        );
        texts.push(
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect(),
        );
    }
    texts
}

/// Returns the origins whose bytes contain one of these texts.
fn origins_with(public: &BTreeMap<String, Vec<u8>>, texts: &[Vec<u8>]) -> Vec<String> {
    let contains = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|found| found == text);
    let revealing = public
        .iter()
        .filter(|(_, bytes)| texts.iter().any(|text| contains(bytes, text)));
    revealing.map(|(origin, _)| origin.clone()).collect()
}

/// Waits until no public byte contains one of these texts.
async fn wait_until_absent(photos: &Photos, what: &str, texts: &[Vec<u8>]) {
    let start = std::time::Instant::now();
    loop {
        let origins = origins_with(&public_bytes(photos).await, texts);
        if origins.is_empty() {
            return;
        }
        let waited = start.elapsed();
        assert!(
            waited.as_secs() < 60,
            "{what} is still in {origins:?}\n{}",
            photos.messages()
        );
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}

/// Waits until a file of the static gallery contains the text.
async fn wait_until_published(photos: &Photos, text: &str) {
    let start = std::time::Instant::now();
    loop {
        let public = public_bytes(photos).await;
        let origins = origins_with(&public, &[text.as_bytes().to_vec()]);
        if origins.iter().any(|origin| origin.starts_with("site/")) {
            return;
        }
        assert!(
            start.elapsed().as_secs() < 60,
            "{text} is in {origins:?}\n{}",
            photos.messages()
        );
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}

/// Returns the ids of the photos that the public does not see.
fn hidden_ids(photos: &Photos) -> Vec<Vec<u8>> {
    let lines = photos.output(&["list", "--private", "--json"]);
    let ids = lines.lines().map(|line| {
        let photo: Value = serde_json::from_str(line).unwrap();
        photo["id"].as_str().unwrap().as_bytes().to_vec()
    });
    ids.collect()
}

/// Uploads, hides and removes under one location policy, and scans after each step.
async fn scan(location: &str, is_away_shown: bool) {
    let policy = ["--location", location, "--private-keywords", "private"];
    let home = format!("{},{},400", HOME.0, HOME.1);
    let mut photos = Photos::at_rest();
    let flags = ["--home-zones", &home, "--originals", "jpeg"];
    photos.start(&[&policy[..], &flags].concat());
    upload(&photos).await;
    photos.photos(5).await;
    wait_until_published(&photos, "SECRET-HAND").await;
    // The text index is the last file with the photo.
    wait_until_published(&photos, "\"HAND\":{\"2018-02\"").await;
    let public = public_bytes(&photos).await;
    let away_is_found = !origins_with(&public, &place_texts(AWAY)).is_empty();
    assert_eq!(away_is_found, is_away_shown, "{location}");
    for start in ["camera/", "keyword/", "text/"] {
        let start = format!("site/gallery/{start}");
        let is_scanned = public.keys().any(|origin| origin.starts_with(&start));
        assert!(is_scanned, "{start} in {:?}", public.keys());
    }
    assert!(!origins_with(&public, &[b"SECRET-HAND".to_vec()]).is_empty());
    let words = origins_with(&public, &[b"\"HAND\":{\"2018-02\"".to_vec()]);
    assert_eq!(words, ["site/gallery/text/h.json in capitals"]);
    let never_public = hidden_ids(&photos);
    assert_eq!(never_public.len(), 3);
    assert_eq!(origins_with(&public, &never_public), Vec::<String>::new());

    photos.output(&["set", "2018-02-03/hand", "--private"]);
    photos.output(&["rm", "2018-02-05/removed"]);
    let plain = jpeg(5, &packet("Without a place", None, "x"));
    photos.put("SECRET-INBOX/again.jpg", plain).await;
    wait_until_absent(&photos, "a secret", &[SECRET.as_bytes().to_vec()]).await;
    wait_until_absent(&photos, "the home", &place_texts(HOME)).await;
    wait_until_absent(&photos, "a hidden id", &never_public).await;
    photos.photos(3).await;

    photos.interrupt();
    let homes = format!("{home};{},{},400", AWAY.0, AWAY.1);
    let flags = ["--home-zones", &homes, "--originals", "jpeg"];
    photos.start(&[&policy[..], &flags].concat());
    photos.photos(3).await;
    for (what, texts) in [
        ("a secret", vec![SECRET.as_bytes().to_vec()]),
        ("the home", place_texts(HOME)),
        ("the new home", place_texts(AWAY)),
    ] {
        wait_until_absent(&photos, what, &texts).await;
    }
    assert!(photos.data().join("site/gallery/index.json").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_public_byte_contains_a_secret_if_positions_are_hidden() {
    scan("hide", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_public_byte_contains_a_secret_if_positions_are_rounded() {
    scan("round:1", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_public_byte_contains_a_secret_if_positions_are_exact() {
    scan("exact", true).await;
}
