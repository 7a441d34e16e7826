//! Records the responses of the gallery: status, headers and body of every route.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use futures::future::{join_all, join3};
use reqwest::{Method, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::normalise::{self, is_http_date};
use super::pretty::pretty;
use super::recording::{BASE_URL, Recorder};

/// The paths of the lists that are recorded. Lists with a limit have several pages, which are all
/// recorded.
const LISTS: [&str; 18] = [
    "/v1/photos",
    "/v1/photos?order=oldest&fields=stem,takenAtLocal,takenAt,version",
    "/v1/photos?fields=stem&limit=5",
    "/v1/photos?fields=stem&limit=5&order=oldest",
    "/v1/photos?fields=stem&from=2021-06-12&to=2022-07-16",
    "/v1/photos?fields=stem&from=2018-02-01T12:00&order=oldest",
    "/v1/photos?fields=stem&to=2018-02-01T09:41:07",
    "/v1/photos?fields=stem,camera&camera=nikon-d750",
    "/v1/photos?fields=stem,camera&camera=apple-iphone-12&limit=1",
    "/v1/photos?fields=stem&camera=no-such-camera",
    "/v1/photos?fields=stem,lens&lens=summilux-1-1-7-28-asph",
    "/v1/photos?fields=stem,lens&camera=nikon-d750&lens=50-0-mm-f-1-8",
    "/v1/photos?fields=stem,location&bbox=13.3,52.5,13.4,52.6",
    "/v1/photos?fields=stem,location&bbox=13.3,52.5,13.4,52.6&from=2023-01-01",
    "/v1/on-this-day?date=02-01",
    "/v1/on-this-day?date=02-01&fields=stem&limit=1",
    "/v1/photos/random?seed=7",
    "/v1/photos/random?seed=7&limit=3&fields=stem",
];
const COUNTS: [&str; 10] = [
    "/v1/timeline",
    "/v1/timeline?unit=year",
    "/v1/timeline?unit=month",
    "/v1/timeline?unit=day",
    "/v1/cameras",
    "/v1/lenses",
    "/v1/keywords",
    "/v1/keywords?limit=2",
    "/v1/places",
    "/v1/albums",
];
const MAPS: [&str; 4] = [
    "/v1/map",
    "/v1/map?bbox=13.3,52.5,13.4,52.6",
    "/v1/map?bbox=-130,-60,20,60",
    "/v1/map?bbox=100,-10,-100,60",
];
const ERRORS: [(&str, &str); 24] = [
    ("GET", "/v1/photos?bogus=1"),
    ("GET", "/v1/photos?limit=0"),
    ("GET", "/v1/photos?limit=201"),
    ("GET", "/v1/photos?order=up"),
    ("GET", "/v1/photos?from=2018-02-30"),
    ("GET", "/v1/photos?from=2018-02-02&to=2018-02-01"),
    ("GET", "/v1/photos?cursor=abc"),
    ("GET", "/v1/photos?bbox=1,2,3"),
    ("GET", "/v1/photos?rating=6"),
    ("GET", "/v1/photos?fields=serial"),
    ("GET", "/v1/photos?camera=a&camera=b"),
    ("GET", "/v1/photos/2018-02-01/nothing"),
    ("GET", "/v1/timeline?unit=week"),
    ("GET", "/v1/cameras?unit=year"),
    ("GET", "/v1/map?cursor=abc"),
    ("GET", "/v1/keywords?limit=0"),
    ("GET", "/v1/albums?album=a"),
    ("GET", "/v1/on-this-day?date=02-30"),
    ("GET", "/v1/photos/random?seed=x"),
    ("GET", "/openapi.json?a=b"),
    ("GET", "/nothing"),
    ("GET", "/gallery/nothing.json"),
    ("GET", "/gallery/r/"),
    ("POST", "/v1/photos"),
];

/// A client of the running gallery. It sends most requests at the same time, because an unoptimised
/// server is slow.
struct Gallery<'a>(&'a Recorder);

impl Gallery<'_> {
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let url = format!("{}{path}", self.0.photos.gallery());
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.0.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Sends a request. Returns the response twice: as the text for its file, without values that
    /// differ from run to run, and the unchanged body.
    async fn json(&self, method: &str, path: &str) -> (String, String) {
        let response = self.send(method, path, &[]).await;
        // The length is left out, because it changes with every change of the body.
        let head = head(&response, &["content-length"]);
        let body = response.text().await.unwrap();
        let text = normalise::cursor(&body);
        // The ETag is a digest of the body. A body with a cursor differs from run to run.
        let head = if text == body {
            head
        } else {
            let form = |etag: &str| etag.starts_with("W/\"") && etag.len() == 26;
            normalise::replace(&head, ("etag: ", "\n"), form, "<etag>")
        };
        let stored = format!(
            "{method} {}\n{head}\n{}\n\n",
            without_cursor(path),
            pretty(&text)
        );
        (stored, body)
    }

    /// Returns all pages of the list at a path, as one text.
    async fn pages(&self, path: &str) -> String {
        let (mut out, mut page) = (String::new(), path.to_owned());
        loop {
            let (stored, body) = self.json("GET", &page).await;
            out += &stored;
            let body: Value = serde_json::from_str(&body).unwrap();
            let Some(next) = body["next"].as_str() else {
                return out;
            };
            page = format!("{path}&cursor={next}");
        }
    }

    /// Returns the responses to these paths as one text, in this order. Each response contains all
    /// its pages.
    async fn answers(&self, paths: &[&str]) -> String {
        join_all(paths.iter().map(|path| self.pages(path)))
            .await
            .concat()
    }

    /// Requests a picture. Returns the status, the headers and the digest of the bytes as text.
    async fn picture(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let response = self.send(method, path, headers).await;
        let head = normalise::replace(
            &head(&response, &[]),
            ("last-modified: ", "\n"),
            is_http_date,
            "<time>",
        );
        let mut out = format!("{method} {path}\n");
        for (name, value) in headers {
            writeln!(out, "> {name}: {value}").unwrap();
        }
        let body = response.bytes().await.unwrap();
        let digest = HEXLOWER.encode(&Sha256::digest(&body));
        out + &format!("{head}{} bytes, sha-256 {digest}\n\n", body.len())
    }

    /// Requests every picture that the gallery lists, and returns the responses as text.
    async fn all_pictures(&self) -> String {
        let photos = self.listed("/v1/photos?fields=images&order=oldest").await;
        let images = photos
            .iter()
            .flat_map(|photo| photo["images"].as_array().unwrap());
        let pictures = images.map(|image| async {
            let url = image["url"].as_str().unwrap();
            // The gallery lists the pictures under another address, but also serves them itself.
            let path = url.strip_prefix(BASE_URL).unwrap();
            self.picture("GET", &format!("/gallery{path}"), &[]).await
        });
        join_all(pictures).await.concat()
    }

    /// Returns the photos on the first page of the list at a path.
    async fn listed(&self, path: &str) -> Vec<Value> {
        let list = self.send("GET", path, &[]).await;
        let list: Value = list.json().await.unwrap();
        list["items"].as_array().unwrap().clone()
    }
}

/// Records the response of every route, in a gallery that shows exact locations.
pub(super) fn record(recorder: &mut Recorder) {
    let gallery = Gallery(recorder);
    let ((errors, error_details), texts) = recorder.runtime.block_on(async {
        let texts = [
            ("lists", gallery.answers(&LISTS).await),
            ("details", details(&gallery).await),
            ("pictures", pictures(&gallery).await),
            ("counts", gallery.answers(&COUNTS).await),
            ("maps", gallery.answers(&MAPS).await),
            ("openapi", gallery.answers(&["/openapi.json"]).await),
            ("health", gallery.answers(&["/healthz"]).await),
        ];
        (errors(&gallery).await, texts)
    });
    for (name, text) in texts {
        recorder.add(&format!("gallery/{name}.txt"), text);
    }
    recorder.add("gallery/errors.txt", errors);
    recorder.add("gallery/error-details.txt", error_details);
}

/// Records the lists in a gallery that rounds locations.
pub(super) fn record_redacted(recorder: &mut Recorder) {
    let gallery = Gallery(recorder);
    let text = recorder.runtime.block_on(async {
        let lists = [
            "/v1/photos?fields=stem,location,images",
            "/v1/photos/2022-07-16/IMG_0412",
        ];
        gallery.answers(&lists).await
    });
    recorder.add("gallery/redacted.txt", text);
}

/// Requests the detail of every photo by its stem, and returns the responses as text. Checks that
/// the photo's id and slug give the same response.
async fn details(gallery: &Gallery<'_>) -> String {
    let photos = gallery
        .listed("/v1/photos?fields=id,stem,slug&order=oldest")
        .await;
    let details = photos.iter().map(|photo| async {
        let path = |name: &str| format!("/v1/photos/{}", photo[name].as_str().unwrap());
        let (by_stem, by_id, by_slug) = (path("stem"), path("id"), path("slug"));
        let ((stored, body), (_, of_id), (_, of_slug)) = join3(
            gallery.json("GET", &by_stem),
            gallery.json("GET", &by_id),
            gallery.json("GET", &by_slug),
        )
        .await;
        assert_eq!(body, of_id, "{by_stem} and {by_id}");
        assert_eq!(body, of_slug, "{by_stem} and {by_slug}");
        stored
    });
    let by_file = [
        "/v1/photos/2018-02-01/DSC_0001.JPG?fields=stem,exposure",
        "/v1/photos/2018-02-01-DSC_0001~2?fields=stem,slug,addedAt",
    ];
    join_all(details).await.concat() + &gallery.answers(&by_file).await
}

/// Requests every picture, and returns the responses as text. For one picture, also requests
/// ranges, sends the condition `If-None-Match`, and sends HEAD.
async fn pictures(gallery: &Gallery<'_>) -> String {
    let mut out = gallery.all_pictures().await;
    let photos = gallery.listed("/v1/photos?fields=images&limit=1").await;
    let url = photos[0]["images"][0]["url"].as_str().unwrap();
    let path = &format!("/gallery{}", url.strip_prefix(BASE_URL).unwrap());
    out += &gallery.picture("HEAD", path, &[]).await;
    for header in [
        ("range", "bytes=0-99"),
        ("range", "bytes=-1"),
        ("range", "bytes=999999-"),
        ("if-none-match", "*"),
    ] {
        out += &gallery.picture("GET", path, &[header]).await;
    }
    // Nobody asked for originals, so no file of the archive is served.
    let original = "/photos/2018-02-01/DSC_0001.JPG";
    out + &gallery.json("GET", original).await.0
}

/// Returns two texts: the problem responses without their details, and the details. The details are
/// texts for people, and may be reworded.
async fn errors(gallery: &Gallery<'_>) -> (String, String) {
    let (mut errors, mut details) = (String::new(), String::new());
    let answers = ERRORS.map(|(method, path)| gallery.json(method, path));
    let answers = join_all(answers).await;
    for ((method, path), (stored, body)) in ERRORS.into_iter().zip(answers) {
        let problem: Value = serde_json::from_str(&body).unwrap();
        let detail = problem["detail"].to_string();
        let with_detail = format!("\"detail\": {detail}");
        assert!(stored.contains(&with_detail), "{stored}");
        errors += &stored.replace(&with_detail, "\"detail\": \"<detail>\"");
        writeln!(details, "{method} {path}\n{detail}\n").unwrap();
    }
    (errors, details)
}

/// Returns the status and the headers of a response as text, sorted by name. Leaves out the date
/// and the headers in `left_out`.
fn head(response: &Response, left_out: &[&str]) -> String {
    let date = response.headers().get("date").unwrap().to_str().unwrap();
    assert!(is_http_date(date), "{date}");
    let mut lines: Vec<String> = response
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str() != "date" && !left_out.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    lines.sort();
    format!("{}\n{}", response.status().as_u16(), lines.concat())
}

/// Returns the path of a request without its cursor.
fn without_cursor(path: &str) -> String {
    match path.split_once("cursor=") {
        Some((head, cursor)) if cursor.len() > 64 => format!("{head}cursor=<cursor>"),
        _ => path.to_owned(),
    }
}
