//! Listings, compared with a sorted model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{BUCKET, FolderServer, code, decode};

/// Returns the entries that S3 defines for a listing: keys and common prefixes, in one sorted list
/// after `after`. The flag of an entry is `true` for a common prefix.
fn model(
    keys: &BTreeSet<String>,
    prefix: &str,
    delimiter: &str,
    after: &str,
) -> Vec<(String, bool)> {
    let mut entries = BTreeMap::new();
    for key in keys
        .iter()
        .filter(|key| key.starts_with(prefix) && key.as_str() > after)
    {
        let folder = Some(delimiter).filter(|delimiter| !delimiter.is_empty());
        let folder = folder.and_then(|delimiter| {
            let at = key[prefix.len()..].find(delimiter)?;
            Some(key[..prefix.len() + at + delimiter.len()].to_owned())
        });
        match folder {
            Some(folder) if folder == after => {}
            Some(folder) => drop(entries.insert(folder, true)),
            None => drop(entries.insert(key.clone(), false)),
        }
    }
    entries.into_iter().collect()
}

/// Lists all pages over HTTP, in the form of [`model`].
async fn listed(
    server: &FolderServer,
    prefix: &str,
    delimiter: &str,
    after: &str,
    page: i32,
) -> Vec<(String, bool)> {
    let mut entries = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let list = server
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .prefix(prefix)
            .max_keys(page);
        let list = list
            .encoding_type("url".into())
            .set_continuation_token(token);
        let list = list
            .set_delimiter(Some(delimiter.to_owned()).filter(|delimiter| !delimiter.is_empty()));
        let list = list.set_start_after(Some(after.to_owned()).filter(|after| !after.is_empty()));
        let got = list.send().await.unwrap();
        let mut here: Vec<(String, bool)> = Vec::new();
        here.extend(
            got.contents()
                .iter()
                .map(|object| (decode(object.key().unwrap()), false)),
        );
        here.extend(
            got.common_prefixes()
                .iter()
                .map(|common| (decode(common.prefix().unwrap()), true)),
        );
        assert_eq!(got.key_count(), Some(here.len() as i32));
        assert!(here.len() <= page as usize);
        here.sort();
        entries.extend(here);
        token = got.next_continuation_token().map(str::to_owned);
        assert_eq!(got.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            return entries;
        }
    }
}

#[test]
fn pages_agree_with_a_sorted_model() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(FolderServer::start());
    let mut keys = BTreeSet::new();
    for key in [
        "",
        "b",
        "b/",
        "b/a",
        "b//",
        "c/d/e",
        "ä",
        "ä/ö",
        "x y",
        "x+y",
        "\u{10ffff}",
        "a\u{fffd}/z",
    ] {
        keys.extend(["", "a", "a/", "b/"].map(|folder| format!("{folder}{key}")));
    }
    keys.remove("");
    for key in &keys {
        runtime.block_on(server.put(key, "x"));
    }
    let text = || {
        proptest::sample::select(vec![
            "", "a", "a/", "b", "b/", "b//", "ä", "c/d", "x", "zz", "a/b/a",
        ])
    };
    let delimiter = proptest::sample::select(vec!["", "/", "b", "/b", "ä"]);
    let mut runner = TestRunner::new(Config {
        cases: 150,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (text(), delimiter, text(), 1..12i32);
    let tested = runner.run(&strategy, |(prefix, delimiter, after, page)| {
        let got = runtime.block_on(listed(&server, prefix, delimiter, after, page));
        prop_assert_eq!(got, model(&keys, prefix, delimiter, after));
        Ok(())
    });
    tested.unwrap();
}

#[tokio::test]
async fn first_version_pages_with_markers() {
    let server = FolderServer::start().await;
    for key in ["a/1", "a/2", "b", "c/1", "d"] {
        server.put(key, "x").await;
    }
    let mut shown = Vec::new();
    let mut marker = None;
    loop {
        let list = server
            .client
            .list_objects()
            .bucket(BUCKET)
            .delimiter("/")
            .max_keys(1)
            .set_marker(marker);
        let got = list.send().await.unwrap();
        shown.extend(
            got.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
        shown.extend(
            got.common_prefixes()
                .iter()
                .map(|common| common.prefix().unwrap().to_owned()),
        );
        marker = got.next_marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(shown, ["a/", "b", "c/", "d"]);
}

#[tokio::test]
async fn entry_has_size_etag_and_time_of_the_object() {
    let server = FolderServer::start().await;
    let etag = server.put("k", "hello").await;
    let head = server.head("k").await;
    let listed = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let entry = &listed.contents()[0];
    assert_eq!(
        (entry.size(), entry.e_tag()),
        (Some(5), Some(etag.as_str()))
    );
    assert_eq!(
        entry.last_modified().unwrap().secs(),
        head.last_modified().unwrap().secs()
    );
    let wrong = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .continuation_token("?")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&wrong), "InvalidArgument");
    let none = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .max_keys(0)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (none.key_count(), none.is_truncated()),
        (Some(0), Some(false))
    );
}

#[tokio::test]
async fn many_objects_are_deleted_in_one_request() {
    use aws_sdk_s3::types::{Delete, ObjectIdentifier};
    let server = FolderServer::start().await;
    let keys: Vec<String> = (0..300).map(|i| format!("folder {}/{i}", i % 3)).collect();
    futures::future::join_all(keys.iter().map(|key| server.put(key, "x"))).await;
    let id = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let wrong = ObjectIdentifier::builder()
        .key(&keys[0])
        .e_tag("\"0\"")
        .build()
        .unwrap();
    let delete = Delete::builder().set_objects(Some(keys[1..].iter().map(|key| id(key)).collect()));
    let delete = delete.objects(id("never")).objects(wrong).build().unwrap();
    let done = server
        .client
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert_eq!(done.deleted().len(), 300);
    assert_eq!(done.errors().len(), 1);
    assert_eq!(done.errors()[0].code(), Some("PreconditionFailed"));
    assert_eq!(server.keys().await, [keys[0].clone()]);
}
