//! Ranges, conditions and headers of a picture.

use super::*;

const MODIFIED: &str = "Thu, 01 Feb 2018 08:41:07 GMT";

fn picture() -> Representation<'static> {
    Representation {
        etag: "\"abc-s1\"".to_owned(),
        last_modified: "2018-02-01T08:41:07.900Z".parse().expect("a time"),
        size_bytes: 1000,
        mime: "image/jpeg",
        file_name: "foo \"bär\".jpg",
    }
}

/// What a request with these headers gets: status, Content-Range, Content-Length and the bytes of the body.
type Answer = (u16, Option<String>, Option<String>, Option<Range<u64>>);

fn answer(headers: &[(&'static str, &str)]) -> Answer {
    let named = |(name, value): &(&'static str, &str)| {
        (
            http::HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a value"),
        )
    };
    let request = headers.iter().map(named).collect();
    let (response, range) = match decide(&Method::GET, &request, &picture()).expect("an answer") {
        Decision::Head(response) => (response, None),
        Decision::Body(response, range) => (response, Some(range)),
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
fn a_range_is_served_as_rfc_9110_says() {
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
        // Ignored: several, malformed, another unit.
        ("bytes=0-1,5-6", whole()),
        ("bytes=5-4", whole()),
        ("bytes=a-b", whole()),
        ("bytes=--5", whole()),
        ("bytes=+1-2", whole()),
        ("bytes=-", whole()),
        ("lines=1-2", whole()),
    ] {
        assert_eq!(answer(&[("range", range)]), expected, "{range}");
    }
    for range in [
        "bytes=1000-",
        "bytes=1000-2000",
        "bytes=-0",
        "bytes=99999999999999999999999-",
    ] {
        let (status, content_range, _, body) = answer(&[("range", range)]);
        assert_eq!((status, body), (416, None), "{range}");
        assert_eq!(content_range.as_deref(), Some("bytes */1000"));
    }
}

#[test]
fn a_range_of_another_version_is_the_whole() {
    let status = |validator| answer(&[("range", "bytes=0-9"), ("if-range", validator)]).0;
    assert_eq!(status("\"abc-s1\""), 206);
    assert_eq!(status(MODIFIED), 206);
    assert_eq!(status("\"old\""), 200);
    assert_eq!(status("W/\"abc-s1\""), 200);
}

#[test]
fn what_the_client_has_is_not_sent_again() {
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
        assert_eq!(answer(&[(name, value)]).0, status, "{name}: {value}");
    }
    // An ETag outweighs a date.
    assert_eq!(
        answer(&[("if-none-match", "\"x\""), ("if-modified-since", MODIFIED)]).0,
        200
    );
}

#[test]
fn a_head_says_what_a_get_would() {
    let Ok(Decision::Head(response)) = decide(&Method::HEAD, &HeaderMap::new(), &picture()) else {
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
fn what_is_no_image_is_never_shown_as_one() {
    for mime in ["text/html", "image/svg+xml", "application/xhtml+xml"] {
        let picture = Representation { mime, ..picture() };
        let Ok(Decision::Body(response, _)) = decide(&Method::GET, &HeaderMap::new(), &picture)
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
