//! Tests of the ranges, conditions and headers of a picture.

use super::*;

const MODIFIED: &str = "Thu, 01 Feb 2018 08:41:07 GMT";

fn picture() -> PictureVersion<'static> {
    PictureVersion {
        etag: "\"abc-s1\"".to_owned(),
        last_modified: "2018-02-01T08:41:07.900Z".parse().expect("a time"),
        size_bytes: 1000,
        mime: "image/jpeg",
        file_name: "foo \"bär\".jpg",
    }
}

/// The status, the Content-Range, the Content-Length and the range of the body.
type ResponseParts = (u16, Option<String>, Option<String>, Option<Range<u64>>);

fn respond_to(headers: &[(&'static str, &str)]) -> ResponseParts {
    let named = |(name, value): &(&'static str, &str)| {
        (
            http::HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a value"),
        )
    };
    let request = headers.iter().map(named).collect();
    let (response, range) =
        match plan_response(&Method::GET, &request, &picture()).expect("an answer") {
            PictureResponse::WithoutBody(response) => (response, None),
            PictureResponse::WithBody(response, range) => (response, Some(range)),
        };
    let text = |name| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("text").to_owned())
    };
    (
        response.status().as_u16(),
        text(CONTENT_RANGE),
        text(CONTENT_LENGTH),
        range,
    )
}

#[test]
fn ranges_follow_rfc_9110() {
    let part = |first: u64, last: u64| {
        let range = Some(format!("bytes {first}-{last}/1000"));
        (
            206,
            range,
            Some((last + 1 - first).to_string()),
            Some(first..last + 1),
        )
    };
    let whole = || (200, None, Some("1000".to_owned()), Some(0..1000));
    for (range, expected) in [
        ("bytes=0-0", part(0, 0)),
        ("bytes=10-19", part(10, 19)),
        ("bytes=990-", part(990, 999)),
        ("bytes=990-5000", part(990, 999)),
        ("bytes=0-99999999999999999999999", part(0, 999)),
        ("bytes=-10", part(990, 999)),
        ("bytes=-5000", part(0, 999)),
        // These are ignored: several ranges, malformed ranges, another unit.
        ("bytes=0-1,5-6", whole()),
        ("bytes=5-4", whole()),
        ("bytes=a-b", whole()),
        ("bytes=--5", whole()),
        ("bytes=+1-2", whole()),
        ("bytes=-", whole()),
        ("lines=1-2", whole()),
    ] {
        assert_eq!(respond_to(&[("range", range)]), expected, "{range}");
    }
    for range in [
        "bytes=1000-",
        "bytes=1000-2000",
        "bytes=-0",
        "bytes=99999999999999999999999-",
    ] {
        let (status, content_range, _, body) = respond_to(&[("range", range)]);
        assert_eq!((status, body), (416, None), "{range}");
        assert_eq!(content_range.as_deref(), Some("bytes */1000"));
    }
}

#[test]
fn range_of_another_version_returns_the_whole() {
    let status = |validator| respond_to(&[("range", "bytes=0-9"), ("if-range", validator)]).0;
    assert_eq!(status("\"abc-s1\""), 206);
    assert_eq!(status(MODIFIED), 206);
    assert_eq!(status("\"old\""), 200);
    assert_eq!(status("W/\"abc-s1\""), 200);
}

#[test]
fn current_version_is_not_sent_again() {
    for (name, value, status) in [
        ("if-none-match", "\"abc-s1\"", 304),
        ("if-none-match", "\"x\", W/\"abc-s1\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"abc\"", 200),
        ("if-modified-since", MODIFIED, 304),
        ("if-modified-since", "Thu, 01 Feb 2018 08:41:08 GMT", 304),
        ("if-modified-since", "Thu, 01 Feb 2018 08:41:06 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ] {
        assert_eq!(respond_to(&[(name, value)]).0, status, "{name}: {value}");
    }
    // If-None-Match takes precedence over If-Modified-Since.
    assert_eq!(
        respond_to(&[("if-none-match", "\"x\""), ("if-modified-since", MODIFIED)]).0,
        200
    );
}

#[test]
fn head_has_the_headers_of_a_get() {
    let Ok(PictureResponse::WithoutBody(response)) =
        plan_response(&Method::HEAD, &HeaderMap::new(), &picture())
    else {
        panic!("a HEAD has no body")
    };
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-length"), "1000");
    assert_eq!(header("content-type"), "image/jpeg");
    assert_eq!(header("last-modified"), MODIFIED);
    assert_eq!(header("etag"), "\"abc-s1\"");
    assert_eq!(
        header("content-disposition"),
        "inline; filename=\"foo _b_r_.jpg\"; filename*=UTF-8''foo%20%22b%C3%A4r%22%2Ejpg"
    );
}

#[test]
fn other_files_are_never_shown_as_images() {
    for mime in ["text/html", "image/svg+xml", "application/xhtml+xml"] {
        let picture = PictureVersion { mime, ..picture() };
        let Ok(PictureResponse::WithBody(response, _)) =
            plan_response(&Method::GET, &HeaderMap::new(), &picture)
        else {
            panic!("it has a body")
        };
        assert_eq!(
            response.headers()["content-type"],
            "application/octet-stream"
        );
        let disposition = response.headers()["content-disposition"]
            .to_str()
            .expect("text");
        assert!(disposition.starts_with("attachment"));
    }
}
