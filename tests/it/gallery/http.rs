//! HTTP behaviour: problems, invalid cursors, caching, compression and CORS.

use http::Method;
use local_http::AllowedOrigins;
use serde_json::Value;

use super::fixture::{GalleryFixture, Shot, client};

/// Starts a gallery with thirty photos.
async fn filled_gallery() -> GalleryFixture {
    let fixture = GalleryFixture::with(|settings| {
        settings.cors_origins = AllowedOrigins::parse("https://site.example/")
    })
    .await;
    for second in 10..40 {
        let shot = Shot::new(&format!("p{second}"), &format!("2018-02-01T10:00:{second}"));
        fixture.add(&shot.camera("nikon")).await;
    }
    fixture
}

/// Requests a path that must fail. Returns the status and the JSON body of the problem response
/// (RFC 9457).
async fn problem(fixture: &GalleryFixture, path: &str) -> (u16, Value) {
    let response = fixture.get(path).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json",
        "{path}"
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    (
        response.status().as_u16(),
        response.json().await.expect("JSON"),
    )
}

#[tokio::test]
async fn problems_name_the_parameter_and_what_is_accepted() {
    let fixture = GalleryFixture::new().await;
    let long = format!("/v1/photos?camera={}", "a".repeat(10_240));
    let mut problems = Vec::new();
    for path in [
        "/v1/photos?limit=0",
        "/v1/photos?order=up",
        "/v1/photos?from=2018-02-02&to=2018-02-01",
        "/v1/photos?to=2018-02-30",
        "/v1/photos?page=2",
        "/v1/photos?camera=a&camera=b",
        "/v1/photos?fields=id,serialNumber",
        "/v1/photos?cursor=abc",
        "/v1/photos/aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "/v1/photos/2018-02-01/x?limit=2",
        "/v2",
        "/photos/2018-02-01/x.jpg",
        &long,
    ] {
        problems.push((
            path.chars().take(60).collect::<String>(),
            problem(&fixture, path).await,
        ));
    }
    insta::assert_json_snapshot!(problems);
}

#[tokio::test]
async fn unknown_parameter_is_repeated_shortened_and_cleaned() {
    let fixture = GalleryFixture::new().await;
    let (status, problem) = problem(
        &fixture,
        &format!("/v1/photos?%1b%e2%80%ae{}=1", "x".repeat(500)),
    )
    .await;
    assert_eq!(status, 400);
    assert_eq!(problem["parameter"], "x".repeat(64));
}

#[tokio::test]
async fn other_methods_are_refused_with_an_allow_header() {
    let fixture = GalleryFixture::new().await;
    for path in ["/v1/photos", "/v1/photos/x", "/healthz"] {
        for method in [Method::POST, Method::DELETE, Method::PUT, Method::OPTIONS] {
            let request = fixture
                .http
                .request(method.clone(), format!("{}{path}", fixture.base));
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), 405, "{method} {path}");
            assert_eq!(response.headers()["allow"], "GET,HEAD");
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );
        }
    }
}

#[tokio::test]
async fn changed_moved_or_expired_cursor_is_refused() {
    let fixture = filled_gallery().await;
    let list = "/v1/photos?camera=nikon&limit=3";
    let page = fixture.json(list).await;
    let cursor = page["next"].as_str().expect("a cursor");
    let mut wrong: Vec<String> = Vec::new();
    for (at, from) in cursor.char_indices().step_by(7) {
        let to = if from == 'A' { 'B' } else { 'A' };
        wrong.push(format!(
            "{list}&cursor={}{to}{}",
            &cursor[..at],
            &cursor[at + 1..]
        ));
        wrong.push(format!("{list}&cursor={}", &cursor[..at.max(1)]));
    }
    for query in [
        "camera=canon",
        "camera=nikon&order=oldest",
        "camera=nikon&from=2018-02-01",
        "limit=3",
    ] {
        wrong.push(format!("/v1/photos?{query}&cursor={cursor}"));
    }
    for path in wrong {
        let (status, problem) = problem(&fixture, &path).await;
        assert_eq!(
            (status, problem["parameter"].as_str()),
            (400, Some("cursor")),
            "{path}"
        );
    }
    // The page size and the fields may change between pages.
    let other = format!("/v1/photos?camera=nikon&limit=5&fields=name&cursor={cursor}");
    assert_eq!(
        fixture.json(&other).await["items"].as_array().map(Vec::len),
        Some(5)
    );
    let kept = format!("{list}&cursor={cursor}");
    fixture.pass_days(7);
    fixture.json(&kept).await;
    fixture.pass_days(1);
    let (status, problem) = problem(&fixture, &kept).await;
    assert_eq!(
        (status, problem["type"].as_str()),
        (400, Some("/problems/invalid-cursor"))
    );
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("expired"))
    );
}

#[tokio::test]
async fn current_response_is_not_sent_again() {
    let fixture = filled_gallery().await;
    for path in ["/v1/photos?limit=3", "/v1/photos/2018-02-01/p10"] {
        let url = format!("{}{path}", fixture.base);
        let first = fixture.get(path).await;
        let etag = first.headers()["etag"].clone();
        assert!(
            first.headers()["cache-control"]
                .to_str()
                .expect("text")
                .contains("stale-while-revalidate")
        );
        for known in [
            etag.to_str().expect("text").to_owned(),
            format!("\"x\", {}", etag.to_str().expect("text")),
            "*".into(),
        ] {
            let again = fixture
                .http
                .get(&url)
                .header("if-none-match", known)
                .send()
                .await
                .expect("an answer");
            assert_eq!(again.status(), 304);
            assert_eq!(again.headers()["etag"], etag);
            assert_eq!(again.text().await.expect("text"), "");
        }
        let head = fixture.http.head(&url).send().await.expect("an answer");
        assert_eq!(
            (head.status().as_u16(), &head.headers()["etag"]),
            (200, &etag)
        );
        let stale = fixture
            .http
            .get(&url)
            .header("if-none-match", "\"x\"")
            .send()
            .await
            .expect("an answer");
        assert_eq!(stale.status(), 200);
    }
    let etag = fixture.get("/v1/photos?limit=3").await.headers()["etag"].clone();
    fixture.add(&Shot::new("new", "2018-02-01T11:00:00")).await;
    assert_ne!(
        fixture.get("/v1/photos?limit=3").await.headers()["etag"],
        etag
    );
}

#[tokio::test]
async fn only_long_responses_are_compressed() {
    let fixture = filled_gallery().await;
    for (path, encoding, expected) in [
        ("/v1/photos", "gzip", Some("gzip")),
        ("/v1/photos", "br, gzip", Some("br")),
        ("/v1/photos", "identity", None),
        ("/healthz", "gzip", None),
    ] {
        let request = fixture
            .http
            .get(format!("{}{path}", fixture.base))
            .header("accept-encoding", encoding);
        let response = request.send().await.expect("an answer");
        let used = response
            .headers()
            .get("content-encoding")
            .map(|value| value.to_str().expect("text"));
        assert_eq!(used, expected, "{path} {encoding}");
    }
}

#[tokio::test]
async fn only_configured_origins_are_allowed() {
    let fixture = filled_gallery().await;
    let url = format!("{}/v1/photos", fixture.base);
    let allowed = async |origin: &str| {
        let response = fixture
            .http
            .get(&url)
            .header("origin", origin)
            .send()
            .await
            .expect("an answer");
        response
            .headers()
            .get("access-control-allow-origin")
            .cloned()
    };
    assert_eq!(
        allowed("https://site.example").await.expect("allowed"),
        "https://site.example"
    );
    assert_eq!(allowed("https://other.example").await, None);
    let preflight = fixture
        .http
        .request(Method::OPTIONS, &url)
        .header("origin", "https://site.example")
        .header("access-control-request-method", "GET");
    let preflight = preflight.send().await.expect("an answer");
    assert_eq!(preflight.status(), 200);
    assert_eq!(
        preflight.headers()["access-control-allow-methods"],
        "GET,HEAD"
    );
    let closed = GalleryFixture::new().await;
    let response = closed
        .http
        .get(format!("{}/healthz", closed.base))
        .header("origin", "https://site.example");
    let response = response.send().await.expect("an answer");
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn unreachable_catalogue_gives_a_503_without_sdk_text() {
    // No server listens on port 9 (the discard service).
    let fixture = GalleryFixture::over(client("http://127.0.0.1:9"), |_| {}).await;
    for path in [
        "/v1/photos",
        "/v1/photos?camera=a",
        "/v1/photos/2018-02-01/a",
    ] {
        let response = fixture.get(path).await;
        assert_eq!(response.status(), 503, "{path}");
        assert!(response.headers().contains_key("retry-after"));
        let text = response.text().await.expect("text");
        for word in ["dispatch", "127.0.0.1", "Connect", "aws", "Query"] {
            assert!(!text.contains(word), "{text}");
        }
    }
    assert_eq!(fixture.get("/healthz").await.status(), 200);
}
