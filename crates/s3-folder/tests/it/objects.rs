//! Objects are read back as they were put: bytes, ranges, metadata, tags, checksums.

use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, MetadataDirective, Tag, Tagging, TaggingDirective,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{BUCKET, FolderServer, client, code, status};

#[tokio::test]
async fn object_is_a_plain_file_and_is_read_back_whole() {
    let server = FolderServer::start().await;
    for (key, size) in [
        ("empty", 0),
        ("2018-02-01/small.jpg", 10),
        ("2018-02-01/large.jpg", 3_000_001),
    ] {
        let body: Vec<u8> = (0..size).map(|i: u32| (i % 251) as u8).collect();
        server.put(key, body.clone()).await;
        assert_eq!(server.get(key).await.as_deref(), Some(&body[..]));
        assert_eq!(std::fs::read(server.file(key)).unwrap(), body);
    }
    let hello = server.put("hello", "hello").await;
    assert_eq!(hello, "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(
        server.put("hello", "world").await,
        "\"7d793037a0760186574b0282f2f435e7\""
    );
    assert_eq!(server.get("hello").await.unwrap(), b"world");
    server.delete("2018-02-01/small.jpg").await;
    assert_eq!(server.get("2018-02-01/small.jpg").await, None);
    server.delete("2018-02-01/large.jpg").await;
    assert!(
        !server.file("2018-02-01").exists(),
        "an empty folder is removed with its last file"
    );
    server.delete("never/was").await;
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let server = FolderServer::start().await;
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("a/b.jpg")
        .metadata("owner", "x")
        .content_type("image/jpeg");
    put.body(ByteStream::from_static(b"bytes"))
        .send()
        .await
        .unwrap();
    let before = server.head("a/b.jpg").await;
    let server = server.restart().await;
    let after = server.head("a/b.jpg").await;
    assert_eq!(after.metadata().unwrap()["owner"], "x");
    assert_eq!(after.content_type(), Some("image/jpeg"));
    assert_eq!(
        (after.e_tag(), after.last_modified()),
        (before.e_tag(), before.last_modified())
    );
    assert_eq!(server.get("a/b.jpg").await.unwrap(), b"bytes");
}

#[tokio::test]
async fn headers_and_metadata_are_read_back() {
    let server = FolderServer::start().await;
    let expires = DateTime::from_str("2030-01-02T03:04:05Z", DateTimeFormat::DateTime).unwrap();
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("x.jpg")
        .content_type("image/jpeg");
    let put = put
        .content_encoding("gzip")
        .content_disposition("attachment; filename=\"x\"")
        .content_language("fr");
    let put = put
        .cache_control("max-age=60")
        .expires(expires)
        .metadata("one", "1")
        .metadata("two-words", "a b");
    put.body(ByteStream::from_static(b"body"))
        .send()
        .await
        .unwrap();
    let head = server.head("x.jpg").await;
    assert_eq!(head.content_type(), Some("image/jpeg"));
    assert_eq!(head.content_encoding(), Some("gzip"));
    assert_eq!(
        head.content_disposition(),
        Some("attachment; filename=\"x\"")
    );
    assert_eq!(head.content_language(), Some("fr"));
    assert_eq!(head.cache_control(), Some("max-age=60"));
    assert_eq!(head.expires_string(), Some("Wed, 02 Jan 2030 03:04:05 GMT"));
    assert_eq!(head.metadata().unwrap().len(), 2);
    assert_eq!(head.metadata().unwrap()["two-words"], "a b");
    assert_eq!(head.content_length(), Some(4));
    let big = "x".repeat(2045);
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("y")
        .metadata("abc", &big);
    put.body(ByteStream::from_static(b"")).send().await.unwrap();
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("z")
        .metadata("abcd", &big);
    assert_eq!(code(&put.send().await.unwrap_err()), "MetadataTooLarge");
}

#[tokio::test]
async fn range_returns_exactly_its_bytes() {
    let server = FolderServer::start().await;
    let body: Vec<u8> = (0..1_000_000u32).map(|i| (i / 3 % 256) as u8).collect();
    server.put("r", body.clone()).await;
    for (range, expected, header) in [
        ("bytes=0-0", &body[..1], "bytes 0-0/1000000"),
        ("bytes=5-65540", &body[5..=65540], "bytes 5-65540/1000000"),
        (
            "bytes=999990-",
            &body[999_990..],
            "bytes 999990-999999/1000000",
        ),
        (
            "bytes=100-2000000",
            &body[100..],
            "bytes 100-999999/1000000",
        ),
        ("bytes=-10", &body[999_990..], "bytes 999990-999999/1000000"),
        ("bytes=-2000000", &body[..], "bytes 0-999999/1000000"),
    ] {
        let got = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("r")
            .range(range)
            .send()
            .await
            .unwrap();
        assert_eq!(got.content_range(), Some(header));
        assert_eq!(got.content_length(), Some(expected.len() as i64));
        assert_eq!(
            got.body.collect().await.unwrap().to_vec(),
            expected,
            "{range}"
        );
    }
    let beyond = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("r")
        .range("bytes=1000000-")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (code(&beyond).as_str(), status(&beyond)),
        ("InvalidRange", 416)
    );
    server.put("nothing", "").await;
    let none = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("nothing")
        .range("bytes=0-5")
        .send()
        .await
        .unwrap_err();
    assert_eq!(status(&none), 416);
}

#[tokio::test]
async fn checksums_are_computed_and_returned() {
    let server = FolderServer::start().await;
    let algorithms = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    for algorithm in algorithms {
        let put = server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("sum")
            .checksum_algorithm(algorithm.clone());
        put.body(ByteStream::from_static(b"some bytes"))
            .send()
            .await
            .unwrap();
        let got = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("sum")
            .checksum_mode(ChecksumMode::Enabled);
        let got = got.send().await.unwrap();
        let sums = [
            got.checksum_crc32(),
            got.checksum_crc32_c(),
            got.checksum_crc64_nvme(),
            got.checksum_sha1(),
            got.checksum_sha256(),
        ];
        assert_eq!(sums.iter().flatten().count(), 1, "{algorithm:?}");
        assert_eq!(got.body.collect().await.unwrap().to_vec(), b"some bytes");
    }
}

#[tokio::test]
async fn wrong_checksums_and_digests_are_refused() {
    let server = FolderServer::start().await;
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("bad")
        .checksum_sha256("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let error = put
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&error), "BadDigest");
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("bad")
        .content_md5("AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(
        code(
            &put.body(ByteStream::from_static(b"x"))
                .send()
                .await
                .unwrap_err()
        ),
        "BadDigest"
    );
    assert_eq!(server.get("bad").await, None);
    let plain = client(
        &server.address,
        "secret",
        RequestChecksumCalculation::WhenRequired,
    );
    plain
        .put_object()
        .bucket(BUCKET)
        .key("plain")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    assert_eq!(server.get("plain").await.unwrap(), b"x");
}

#[tokio::test]
async fn requests_with_another_secret_are_refused() {
    let server = FolderServer::start().await;
    let other_user = client(
        &server.address,
        "guess",
        RequestChecksumCalculation::WhenSupported,
    );
    let error = other_user.list_buckets().send().await.unwrap_err();
    assert_eq!(
        (code(&error).as_str(), status(&error)),
        ("SignatureDoesNotMatch", 403)
    );
    let anonymous = crate::http_client()
        .get(format!("{}/{BUCKET}/x", server.address))
        .send()
        .await
        .unwrap();
    assert_eq!(anonymous.status(), 403);
}

#[tokio::test]
async fn presigned_url_is_valid_for_twelve_hours_at_most() {
    let server = FolderServer::start().await;
    put_copy_source(&server).await;
    let hour = std::time::Duration::from_secs(3600);
    for (valid, expected) in [(hour, 200), (hour * 12, 200), (hour * 24 * 7, 400)] {
        let presigned = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("src/ä b+.jpg")
            .presigned(PresigningConfig::expires_in(valid).unwrap())
            .await
            .unwrap();
        let response = crate::http_client().get(presigned.uri()).send().await;
        let response = response.unwrap();
        assert_eq!(response.status(), expected, "{valid:?}");
        let body = response.text().await.unwrap();
        let refused = body.contains("AuthorizationQueryParametersError");
        assert_eq!(refused, expected == 400, "{body}");
    }
}

#[tokio::test]
async fn form_upload_is_refused_before_its_body_is_read() {
    let server = FolderServer::start().await;
    let address = server.address.strip_prefix("http://").unwrap();
    for target in ["/", "/photos", "/photos/a.jpg"] {
        // The client sends the head, and then waits. No response comes if the server waits too.
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000\r\n\
             Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        );
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut response = String::new();
        let read = stream.read_to_string(&mut response);
        let read = tokio::time::timeout(std::time::Duration::from_secs(10), read);
        read.await.expect("a response").unwrap();
        assert!(response.starts_with("HTTP/1.1 501 "), "{response}");
        assert!(response.contains("<Code>NotImplemented</Code>"));
        assert!(response.contains("Uploads by HTML forms"), "{response}");
    }
}

/// The copy source that names the object of [`put_copy_source`], in URL encoding.
const COPY_SOURCE: &str = "photos/src/%C3%A4%20b%2B.jpg";

/// Puts an object with metadata and tags. Returns its ETag.
async fn put_copy_source(server: &FolderServer) -> String {
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("src/ä b+.jpg")
        .content_type("image/jpeg");
    let put = put
        .metadata("owner", "me")
        .cache_control("max-age=1")
        .tagging("a=1&b=x%20y");
    let put = put.body(ByteStream::from_static(b"photo")).send().await;
    put.unwrap().e_tag.unwrap()
}

#[tokio::test]
async fn copy_keeps_metadata_and_tags() {
    let server = FolderServer::start().await;
    let etag = put_copy_source(&server).await;
    let copied = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("kept.jpg")
        .copy_source(COPY_SOURCE)
        .send()
        .await
        .unwrap();
    let result = copied.copy_object_result().unwrap();
    assert_eq!(result.e_tag(), Some(etag.as_str()));
    let head = server.head("kept.jpg").await;
    assert_eq!(head.metadata().unwrap()["owner"], "me");
    assert_eq!(
        (head.content_type(), head.cache_control()),
        (Some("image/jpeg"), Some("max-age=1"))
    );
    assert_eq!(
        tags(&server, "kept.jpg").await,
        [("a", "1"), ("b", "x y")].map(to_owned_pair)
    );
    assert_eq!(server.get("kept.jpg").await.unwrap(), b"photo");
    let missing = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("x")
        .copy_source("photos/nope")
        .send()
        .await;
    assert_eq!(code(&missing.unwrap_err()), "NoSuchKey");
}

#[tokio::test]
async fn copy_replaces_metadata_and_tags() {
    let server = FolderServer::start().await;
    put_copy_source(&server).await;
    let copy = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("new.jpg")
        .copy_source(COPY_SOURCE);
    let copy = copy
        .metadata_directive(MetadataDirective::Replace)
        .metadata("other", "1")
        .content_type("image/x");
    copy.tagging_directive(TaggingDirective::Replace)
        .tagging("c=3")
        .send()
        .await
        .unwrap();
    let head = server.head("new.jpg").await;
    assert_eq!(head.metadata().unwrap().len(), 1);
    assert_eq!(
        (head.content_type(), head.cache_control()),
        (Some("image/x"), None)
    );
    assert_eq!(
        tags(&server, "new.jpg").await,
        [("c", "3")].map(to_owned_pair)
    );

    let onto_itself = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("new.jpg")
        .copy_source("photos/new.jpg");
    assert_eq!(
        code(&onto_itself.clone().send().await.unwrap_err()),
        "InvalidRequest"
    );
    onto_itself
        .metadata_directive(MetadataDirective::Replace)
        .metadata("k", "v")
        .send()
        .await
        .unwrap();
    let head = server.head("new.jpg").await;
    assert_eq!(head.metadata().unwrap()["k"], "v");
    assert_eq!(server.get("new.jpg").await.unwrap(), b"photo");
}

#[tokio::test]
async fn tags_are_put_read_and_deleted() {
    let server = FolderServer::start().await;
    server.put("t", "x").await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let tagging = Tagging::builder()
        .tag_set(tag("k", "v w"))
        .tag_set(tag("ä", "=&+"))
        .build()
        .unwrap();
    server
        .client
        .put_object_tagging()
        .bucket(BUCKET)
        .key("t")
        .tagging(tagging)
        .send()
        .await
        .unwrap();
    assert_eq!(
        tags(&server, "t").await,
        [("k", "v w"), ("ä", "=&+")].map(to_owned_pair)
    );
    let got = server.get_object("t").await;
    assert_eq!(got.tag_count(), Some(2));
    server
        .client
        .delete_object_tagging()
        .bucket(BUCKET)
        .key("t")
        .send()
        .await
        .unwrap();
    assert!(tags(&server, "t").await.is_empty());
    let twice = Tagging::builder()
        .tag_set(tag("k", "1"))
        .tag_set(tag("k", "2"))
        .build()
        .unwrap();
    let error = server
        .client
        .put_object_tagging()
        .bucket(BUCKET)
        .key("t")
        .tagging(twice)
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&error), "InvalidTag");
    let eleven = (0..11)
        .map(|i| tag(&i.to_string(), ""))
        .fold(Tagging::builder(), |tags, tag| tags.tag_set(tag));
    let error = server
        .client
        .put_object_tagging()
        .bucket(BUCKET)
        .key("t")
        .tagging(eleven.build().unwrap());
    assert_eq!(code(&error.send().await.unwrap_err()), "BadRequest");
    let error = server
        .client
        .get_object_tagging()
        .bucket(BUCKET)
        .key("none")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&error), "NoSuchKey");
}

#[tokio::test]
async fn buckets_are_created_and_deleted() {
    let server = FolderServer::start().await;
    let client = &server.client;
    client
        .create_bucket()
        .bucket("second")
        .send()
        .await
        .unwrap();
    let again = client
        .create_bucket()
        .bucket("second")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&again), "BucketAlreadyOwnedByYou");
    let listed = client.list_buckets().send().await.unwrap();
    let names: Vec<_> = listed
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .collect();
    assert_eq!(names, [BUCKET, "second"]);
    client.head_bucket().bucket("second").send().await.unwrap();
    client
        .get_bucket_location()
        .bucket("second")
        .send()
        .await
        .unwrap();
    client
        .put_object()
        .bucket("second")
        .key("a/b")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        code(
            &client
                .delete_bucket()
                .bucket("second")
                .send()
                .await
                .unwrap_err()
        ),
        "BucketNotEmpty"
    );
    client
        .delete_object()
        .bucket("second")
        .key("a/b")
        .send()
        .await
        .unwrap();
    client
        .delete_bucket()
        .bucket("second")
        .send()
        .await
        .unwrap();
    assert_eq!(
        status(
            &client
                .head_bucket()
                .bucket("second")
                .send()
                .await
                .unwrap_err()
        ),
        404
    );
}

#[tokio::test]
async fn requests_for_a_missing_bucket_fail() {
    let server = FolderServer::start().await;
    let client = &server.client;
    let get = client
        .get_object()
        .bucket("missing")
        .key("a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&get), "NoSuchBucket");
    let put = client
        .put_object()
        .bucket("missing")
        .key("a")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await;
    assert_eq!(code(&put.unwrap_err()), "NoSuchBucket");
    assert_eq!(
        code(
            &client
                .list_objects_v2()
                .bucket("missing")
                .send()
                .await
                .unwrap_err()
        ),
        "NoSuchBucket"
    );
}

/// Returns the tags of an object.
async fn tags(server: &FolderServer, key: &str) -> Vec<(String, String)> {
    let got = server
        .client
        .get_object_tagging()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap();
    got.tag_set()
        .iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

fn to_owned_pair((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}
