//! Conditional requests, also when they race.

use aws_sdk_s3::primitives::{ByteStream, DateTime};

use super::{BUCKET, FolderServer, code, status};

/// An ETag that no object has.
const OTHER: &str = "\"00000000000000000000000000000000\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_sixteen_racing_creators_wins() {
    let server = FolderServer::start().await;
    for round in 0..20 {
        let key = format!("folder/{round}");
        let writers = (0..16).map(|i| {
            let put = server
                .client
                .put_object()
                .bucket(BUCKET)
                .key(&key)
                .if_none_match("*");
            put.body(ByteStream::from(format!("writer {i}").into_bytes()))
                .send()
        });
        let results = futures::future::join_all(writers).await;
        let winners: Vec<usize> = (0..16).filter(|&i| results[i].is_ok()).collect();
        assert_eq!(winners.len(), 1);
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(
                (code(error).as_str(), status(error)),
                ("PreconditionFailed", 412)
            );
        }
        assert_eq!(
            server.get(&key).await.unwrap(),
            format!("writer {}", winners[0]).into_bytes()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_sixteen_racing_updates_of_one_version_wins() {
    let server = FolderServer::start().await;
    let first = server.put("k", "first").await;
    let writers = (0..16).map(|i| {
        let put = server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .if_match(&first);
        put.body(ByteStream::from(format!("writer {i}").into_bytes()))
            .send()
    });
    let results = futures::future::join_all(writers).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn writes_check_their_conditions() {
    let server = FolderServer::start().await;
    let put = || {
        server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(ByteStream::from_static(b"x"))
    };
    assert_eq!(
        code(&put().if_match(OTHER).send().await.unwrap_err()),
        "NoSuchKey"
    );
    let etag = put()
        .if_none_match("*")
        .send()
        .await
        .unwrap()
        .e_tag
        .unwrap();
    assert_eq!(
        code(&put().if_none_match("*").send().await.unwrap_err()),
        "PreconditionFailed"
    );
    assert_eq!(
        code(&put().if_match(OTHER).send().await.unwrap_err()),
        "PreconditionFailed"
    );
    put().if_match(&etag).send().await.unwrap();

    let delete = || server.client.delete_object().bucket(BUCKET).key("k");
    let refused = delete().if_match(OTHER).send().await.unwrap_err();
    assert_eq!(
        (code(&refused).as_str(), status(&refused)),
        ("PreconditionFailed", 412)
    );
    assert!(server.get("k").await.is_some());
    delete().if_match(&etag).send().await.unwrap();
    assert_eq!(
        code(&delete().if_match(&etag).send().await.unwrap_err()),
        "NoSuchKey"
    );
}

#[tokio::test]
async fn copies_check_conditions_on_source_and_target() {
    let server = FolderServer::start().await;
    let etag = server.put("source", "x").await;
    let copy = || {
        server
            .client
            .copy_object()
            .bucket(BUCKET)
            .key("target")
            .copy_source("photos/source")
    };
    for refused in [
        copy().copy_source_if_match(OTHER).send().await,
        copy().copy_source_if_none_match(&etag).send().await,
        copy()
            .copy_source_if_modified_since(DateTime::from_secs(4_000_000_000))
            .send()
            .await,
        copy()
            .copy_source_if_unmodified_since(DateTime::from_secs(1))
            .send()
            .await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(
            (code(&error).as_str(), status(&error)),
            ("PreconditionFailed", 412)
        );
    }
    assert_eq!(server.get("target").await, None);
    copy()
        .copy_source_if_match(&etag)
        .if_none_match("*")
        .send()
        .await
        .unwrap();
    assert_eq!(
        code(&copy().if_none_match("*").send().await.unwrap_err()),
        "PreconditionFailed"
    );
    assert_eq!(
        code(&copy().if_match(OTHER).send().await.unwrap_err()),
        "PreconditionFailed"
    );
    copy()
        .if_match(&etag)
        .copy_source_if_none_match(OTHER)
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copy_never_mixes_two_versions_of_its_source() {
    let server = FolderServer::start().await;
    let put = |version: usize| {
        let put = server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("source")
            .metadata("version", version.to_string());
        put.body(ByteStream::from(
            format!("version {version}").repeat(1000).into_bytes(),
        ))
        .send()
    };
    put(0).await.unwrap();
    let writes = async {
        for version in 1..60 {
            put(version).await.unwrap();
        }
    };
    let copies = async {
        for i in 0..60 {
            let key = format!("copy {i}");
            let copy = server
                .client
                .copy_object()
                .bucket(BUCKET)
                .key(&key)
                .copy_source("photos/source");
            let copied = copy.send().await.unwrap();
            let got = server.get_object(&key).await;
            assert_eq!(got.e_tag(), copied.copy_object_result().unwrap().e_tag());
            let version = got.metadata().unwrap()["version"].clone();
            let body = got.body.collect().await.unwrap().to_vec();
            assert_eq!(body, format!("version {version}").repeat(1000).into_bytes());
        }
    };
    tokio::join!(writes, copies);
}

#[tokio::test]
async fn reads_check_their_conditions() {
    let server = FolderServer::start().await;
    let etag = server.put("k", "x").await;
    let get = || server.client.get_object().bucket(BUCKET).key("k");
    let (past, future) = (DateTime::from_secs(1), DateTime::from_secs(4_000_000_000));
    assert_eq!(
        status(&get().if_none_match(&etag).send().await.unwrap_err()),
        304
    );
    assert_eq!(
        status(&get().if_modified_since(future).send().await.unwrap_err()),
        304
    );
    assert_eq!(
        status(&get().if_match(OTHER).send().await.unwrap_err()),
        412
    );
    assert_eq!(
        status(&get().if_unmodified_since(past).send().await.unwrap_err()),
        412
    );
    get()
        .if_match(&etag)
        .if_unmodified_since(past)
        .send()
        .await
        .unwrap();
    get()
        .if_none_match(OTHER)
        .if_modified_since(future)
        .send()
        .await
        .unwrap();
    get()
        .if_modified_since(past)
        .if_unmodified_since(future)
        .send()
        .await
        .unwrap();
    let head = || server.client.head_object().bucket(BUCKET).key("k");
    assert_eq!(
        status(&head().if_none_match(&etag).send().await.unwrap_err()),
        304
    );
    assert_eq!(
        status(&head().if_match(OTHER).send().await.unwrap_err()),
        412
    );
    head().if_match(&etag).send().await.unwrap();
    let missing = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("none")
        .send()
        .await
        .unwrap_err();
    assert!(missing.into_service_error().is_not_found());
}
