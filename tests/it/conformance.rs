//! One suite of tests that runs against every supported object store. It checks what the program
//! needs from each store, and what each store supports beyond that.
//!
//! The embedded engines always run. moto, OpenStack Swift (s3api) and Garage run if `.ci/stores`
//! has started them and has set CONFORMANCE_MOTO, CONFORMANCE_SWIFT and CONFORMANCE_GARAGE to their
//! endpoints. Otherwise their tests are ignored.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{NaiveDate, Utc};
use dynamodb_engine::DynamoDbEngine;
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::album::{Album, AlbumContent, AlbumRule};
use photo_catalogue::catalogue::claim::ClaimOutcome;
use photo_catalogue::catalogue::item::{LedgerEntry, LedgerOutcome, PhotoItem};
use photo_catalogue::catalogue::{AlbumWrite, Catalogue, CatalogueError, WriteOutcome};
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::identity::{ContentId, Evidence, Slot};
use photo_catalogue::ingest::{Ingest, Outcome, SourceAfter, StoreCapabilityError};
use photo_catalogue::object::{ObjectRef, ObjectVersion};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::{CopyOutcome, CopySettings, ObjectHeaders, Storage};
use s3_folder::KeyPair;
use tokio::net::TcpListener;

use crate::engines::serve_dynamodb_for;
use crate::ingest::fixture::{IngestWorld, layout};
use crate::ingest::photos::TestShot;
use crate::serve::process::Elsewhere;

/// One object store of the suite, and the optional capabilities that it has. docs/guarantees.md,
/// "What the store must offer", lists the capabilities that every store must have.
struct StoreProfile {
    name: &'static str,
    /// The environment variable that contains the URL of the store. `None` for the embedded store.
    endpoint: Option<&'static str>,
    key_pair: (&'static str, &'static str),
    /// `true` if the store respects the condition of a copy: the copy fails if its source has
    /// another ETag than the request requires. The program does not depend on this.
    copy_if_match: bool,
    /// `true` if the store respects the condition of a delete: the delete fails if the object has
    /// another ETag than the request requires. `SOURCE_AFTER=delete` depends on this. Swift first
    /// sends a HEAD of its own, so another write may come between HEAD and delete: see
    /// `gen_multipart_manifest_delete_query` in `s3api`.
    delete_if_match: bool,
    /// `true` if an object keeps the storage class that a request sets. `ARCHIVE_STORAGE_CLASS`
    /// depends on this.
    storage_classes: bool,
    /// `true` if the store supports tags (keys and values of an object), and a copy gets the tags
    /// of its source.
    tags: bool,
    /// `true` if the table checks a condition and writes in one step, as DynamoDB does. moto checks
    /// and writes in threads without a lock, so two writes at the same time may both succeed.
    atomic_conditions: bool,
}

#[rustfmt::skip]
const STORES: [StoreProfile; 4] = [
    StoreProfile { name: "embedded", endpoint: None, key_pair: ("test", "secret"),
           copy_if_match: true, delete_if_match: true, storage_classes: true, tags: true, atomic_conditions: true },
    StoreProfile { name: "moto", endpoint: Some("CONFORMANCE_MOTO"), key_pair: ("test", "secret"),
           copy_if_match: false, delete_if_match: true, storage_classes: true, tags: true, atomic_conditions: false },
    StoreProfile { name: "Swift", endpoint: Some("CONFORMANCE_SWIFT"), key_pair: ("test:tester", "testing"),
           copy_if_match: true, delete_if_match: true, storage_classes: false, tags: false, atomic_conditions: true },
    StoreProfile { name: "Garage", endpoint: Some("CONFORMANCE_GARAGE"),
           key_pair: ("GK000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000000"),
           copy_if_match: true, delete_if_match: false, storage_classes: false, tags: false, atomic_conditions: true },
];
/// The names of the stores that also have a DynamoDB server. The others use the embedded tables.
const TABLES: [&str; 2] = ["embedded", "moto"];
/// The minimum size of one piece of a multipart upload in S3, in bytes. Only the last piece may be
/// smaller.
const PART: u64 = 5 << 20;

/// A running object store, and the tables that its tests use.
pub(crate) struct RunningStore {
    able: &'static StoreProfile,
    endpoints: Endpoints,
    clients: Clients,
    /// The embedded engines. Their tables are used if the store has no tables.
    world: IngestWorld,
}

/// Generates one test for each store from a check: an async function that gets a running store. The
/// test of a store that is not running is ignored.
macro_rules! test_every_store {
    (#[$test:meta] $check:ident) => {
        mod $check {
            use $crate::conformance::connect_store;

            #[$test]
            async fn embedded() {
                Box::pin(super::$check(connect_store("embedded").await)).await;
            }
            test_support::needs_moto! {
                #[$test]
                async fn moto() {
                    Box::pin(super::$check(connect_store("moto").await)).await;
                }
            }
            test_support::needs_swift! {
                #[$test]
                async fn swift() {
                    Box::pin(super::$check(connect_store("Swift").await)).await;
                }
            }
            test_support::needs_garage! {
                #[$test]
                async fn garage() {
                    Box::pin(super::$check(connect_store("Garage").await)).await;
                }
            }
        }
    };
}
pub(crate) use test_every_store;

/// Connects to the store with this name. If the store has no tables, uses the embedded tables.
///
/// # Panics
/// Panics if the environment variable of the store is not set.
pub(crate) async fn connect_store(name: &str) -> RunningStore {
    let able = STORES.iter().find(|store| store.name == name).unwrap();
    let world = IngestWorld::without_delivery(layout()).await;
    let endpoint = match able.endpoint {
        None => world.s3_endpoint.clone(),
        Some(variable) => std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: run the tests by .ci/stores")),
    };
    let tables = match able.endpoint {
        Some(_) if TABLES.contains(&able.name) => endpoint.clone(),
        // A client has one key pair for both stores.
        Some(_) => start_tables(able.key_pair).await,
        None => world.dynamodb.clone(),
    };
    let endpoints = Endpoints {
        s3: Some(endpoint),
        dynamodb: Some(tables),
    };
    let (access, secret) = able.key_pair;
    let clients = clients::connect(&clients::with_key_pair(access, secret), &endpoints);
    RunningStore {
        able,
        endpoints,
        clients,
        world,
    }
}

/// Starts embedded tables that accept this key pair. Returns their URL.
async fn start_tables((access_key, secret_key): (&str, &str)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let engine = DynamoDbEngine::open_in_memory().unwrap();
    serve_dynamodb_for(listener, engine, KeyPair::new(access_key, secret_key));
    url
}

impl RunningStore {
    pub(crate) fn name(&self) -> &'static str {
        self.able.name
    }

    /// Returns the URLs of the store and of its tables, for another process.
    pub(crate) fn elsewhere(&self) -> Elsewhere {
        let url = |endpoint: &Option<String>| endpoint.clone().unwrap_or_default();
        Elsewhere {
            s3: url(&self.endpoints.s3),
            dynamodb: url(&self.endpoints.dynamodb),
            key_pair: self.able.key_pair,
        }
    }

    pub(crate) fn storage(&self) -> Storage {
        Storage::new(self.clients.s3.clone())
    }

    /// Creates a source bucket and an archive bucket for the test with this name. Returns their
    /// layout.
    async fn layout(&self, test: &str) -> Layout {
        let [source, archive] = ["source", "archive"].map(|end| format!("{test}-{end}"));
        let layout = Layout::new(&source, "in/", &archive, "").unwrap();
        for bucket in [layout.source_bucket(), layout.archive_bucket()] {
            self.storage().create_bucket(bucket).await.unwrap();
        }
        layout
    }

    pub(crate) async fn put(&self, object: &ObjectRef, bytes: Vec<u8>) -> String {
        let headers = ObjectHeaders {
            content_type: Some("image/jpeg".to_owned()),
            cache_control: Some("max-age=60".to_owned()),
            ..ObjectHeaders::default()
        };
        let storage = self.storage();
        let put = storage
            .put_object(object, Bytes::from(bytes), headers)
            .await;
        put.unwrap_or_else(|error| panic!("{}: {error}", self.able.name))
    }

    async fn count_tags(&self, object: &ObjectRef) -> Option<usize> {
        let tags = self.clients.s3.get_object_tagging();
        let tags = tags.bucket(object.bucket.as_str()).key(&object.key);
        tags.send().await.ok().map(|tags| tags.tag_set.len())
    }

    async fn catalogue(&self, table: &str) -> Catalogue {
        let catalogue = Catalogue::new(self.clients.dynamodb.clone(), table);
        catalogue.create_table().await.unwrap();
        catalogue
    }
}

test_every_store! { #[tokio::test] reads_writes_lists_and_answers_404 }

async fn reads_writes_lists_and_answers_404(running: RunningStore) {
    let (store, storage) = (running.able.name, running.storage());
    let layout = running.layout("reads").await;
    let bucket = layout.source_bucket();
    assert_eq!(
        storage.head_object(&bucket.object("gone")).await.unwrap(),
        None,
        "{store}"
    );
    assert!(
        storage
            .read_beginning(&bucket.object("gone"), 10)
            .await
            .unwrap()
            .is_none()
    );
    let keys = ["a b+c.jpg", "a/été~%20.jpg", "a/b/c.jpg", "b.jpg"];
    for key in keys {
        let name = bucket.object(key);
        let etag = running.put(&name, key.repeat(10).into_bytes()).await;
        let (object, head) = storage.read_beginning(&name, 4).await.unwrap().unwrap();
        assert_eq!(object.etag, etag, "{store} {key}");
        assert_eq!(object.size_bytes, key.len() as u64 * 10, "{store} {key}");
        assert_eq!(&head[..], &key.as_bytes()[..4], "{store} {key}");
        assert_eq!(object.headers.content_type.as_deref(), Some("image/jpeg"));
        assert_eq!(storage.head_object(&name).await.unwrap(), Some(object));
        let range = storage.read_range(&name, 2..6, &etag).await.unwrap();
        assert_eq!(range.as_deref(), Some(&key.repeat(2).as_bytes()[2..6]));
        let other = "0".repeat(32);
        let range = storage.read_range(&name, 2..6, &other).await;
        assert_eq!(range.unwrap(), None, "{store}: other ETag");
    }
    let empty = bucket.object("empty");
    running.put(&empty, Vec::new()).await;
    let (empty, head) = storage.read_beginning(&empty, 9).await.unwrap().unwrap();
    assert_eq!((empty.size_bytes, head.len()), (0, 0), "{store}");
    let listed = storage.list_objects(bucket, "a");
    let listed: Vec<String> = listed.map_ok(|one| one.key).try_collect().await.unwrap();
    assert_eq!(
        listed,
        ["a b+c.jpg", "a/b/c.jpg", "a/été~%20.jpg"],
        "{store}"
    );
    let deleted = bucket.object("b.jpg");
    storage.delete_object(&deleted).await.unwrap();
    assert_eq!(
        storage.head_object(&deleted).await.unwrap(),
        None,
        "{store}"
    );
}

/// Returns an example of the user metadata that ingest writes to a copy.
fn copy_metadata() -> BTreeMap<String, String> {
    [
        ("photo-content", "7:md5:e".to_owned()),
        ("photo-source", "copies-source/a%20b.jpg".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

test_every_store! { #[tokio::test] copies_as_its_profile_states }

async fn copies_as_its_profile_states(running: RunningStore) {
    let (able, storage) = (running.able, running.storage());
    let layout = running.layout("copies").await;
    let (from, to) = (layout.source_bucket(), layout.archive_bucket());
    let metadata = copy_metadata();
    let photo = from.object("a b+é.jpg");
    running.put(&photo, b"a photo".to_vec()).await;
    let mut source = storage.head_object(&photo).await.unwrap().unwrap();
    let copied = storage
        .copy_object(&photo, &to.object("x/y.jpg"), &source, &metadata)
        .await;
    assert_eq!(copied.unwrap(), CopyOutcome::Done, "{}", able.name);
    let copy = storage
        .head_object(&to.object("x/y.jpg"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&copy.etag, copy.size_bytes), (&source.etag, 7));
    assert_eq!(copy.metadata, metadata, "{}", able.name);
    assert_eq!(copy.headers, source.headers, "{}", able.name);

    let tagged = running.clients.s3.put_object();
    let tagged = tagged.bucket(from.as_str()).key("tagged");
    let tagged = tagged
        .body(b"a photo".to_vec().into())
        .tagging("a=b")
        .send();
    let tagged = tagged.await.is_ok();
    if tagged {
        let object = storage
            .head_object(&from.object("tagged"))
            .await
            .unwrap()
            .unwrap();
        let copied = storage
            .copy_object(
                &from.object("tagged"),
                &to.object("tagged"),
                &object,
                &metadata,
            )
            .await;
        assert_eq!(copied.unwrap(), CopyOutcome::Done, "{}", able.name);
    }
    let kept = tagged && running.count_tags(&to.object("tagged")).await == Some(1);
    assert_eq!(kept, able.tags, "{}: tags", able.name);

    source.etag = "0".repeat(32);
    let copied = storage
        .copy_object(&photo, &to.object("stale"), &source, &metadata)
        .await;
    let refused = copied.unwrap() == CopyOutcome::SourceChanged;
    assert_eq!(refused, able.copy_if_match, "{}: copy If-Match", able.name);
    let copied = storage
        .copy_object(
            &from.object("gone"),
            &to.object("stale"),
            &source,
            &metadata,
        )
        .await;
    assert_eq!(copied.unwrap(), CopyOutcome::SourceChanged);
}

test_every_store! { #[tokio::test] copies_a_large_object_in_parts }

async fn copies_a_large_object_in_parts(running: RunningStore) {
    let (able, storage) = (running.able, running.storage());
    let layout = running.layout("large").await;
    let (from, to) = (layout.source_bucket(), layout.archive_bucket());
    let metadata = copy_metadata();
    let bytes = vec![7; PART as usize + 1000];
    running.put(&from.object("large.jpg"), bytes.clone()).await;
    let source = storage
        .head_object(&from.object("large.jpg"))
        .await
        .unwrap()
        .unwrap();
    let in_parts = storage.clone().with_copy_settings(CopySettings {
        largest_bytes: PART,
        part_bytes: PART,
        ..CopySettings::default()
    });
    let copied = in_parts
        .copy_object(
            &from.object("large.jpg"),
            &to.object("large.jpg"),
            &source,
            &metadata,
        )
        .await;
    assert_eq!(copied.unwrap(), CopyOutcome::Done, "{}", able.name);
    let copy = storage
        .head_object(&to.object("large.jpg"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(copy.metadata, metadata, "{}", able.name);
    assert!(
        storage
            .read_object(&to.object("large.jpg"))
            .await
            .unwrap()
            .unwrap()
            == bytes
    );
}

test_every_store! { #[tokio::test] refuses_unsupported_settings_at_start }

async fn refuses_unsupported_settings_at_start(running: RunningStore) {
    let able = running.able;
    let layout = running.layout("settings").await;
    let ingest = |copying: CopySettings, source_after| {
        Ingest::new(
            running.storage().with_copy_settings(copying),
            Catalogue::new(running.clients.dynamodb.clone(), "unasked"),
            layout.clone(),
            LocationPolicy::Exact,
            Arc::new(Utc::now),
        )
        .with_source_after(source_after)
    };
    let delete = ingest(CopySettings::default(), SourceAfter::Delete);
    let tried = delete.check_store_capabilities("delete").await;
    match able.delete_if_match {
        true => tried.unwrap(),
        false => assert!(
            matches!(tried, Err(StoreCapabilityError::DeleteIfMatch)),
            "{}: {tried:?}",
            able.name
        ),
    }
    let class = CopySettings {
        storage_class: Some("STANDARD_IA".to_owned()),
        ..CopySettings::default()
    };
    let tried = ingest(class, SourceAfter::Keep)
        .check_store_capabilities("class")
        .await;
    // A store may refuse the storage class, or ignore it.
    assert_eq!(
        tried.is_ok(),
        able.storage_classes,
        "{}: {tried:?}",
        able.name
    );
    let left = running.storage().list_objects(layout.source_bucket(), "");
    let left: Vec<_> = left.try_collect().await.unwrap();
    assert!(left.is_empty(), "{}: {left:?}", able.name);
}

test_every_store! { #[tokio::test] claims_once_and_writes_conditionally }

async fn claims_once_and_writes_conditionally(running: RunningStore) {
    let (name, catalogue) = (running.able.name, running.catalogue("claims").await);
    let stem = "2018-02-01/a";
    let evidence = |content: u64, extension, second: u32| Evidence {
        content: ContentId::of_md5(content, "e"),
        slot: Slot::of_extension(Some(extension)),
        taken: NaiveDate::from_ymd_opt(2018, 2, 1).and_then(|day| day.and_hms_opt(9, 41, second)),
        serial: Some("1".to_owned()),
        ..Evidence::default()
    };
    let claims = (0..16).map(|number| {
        let (catalogue, evidence) = (catalogue.clone(), evidence(number, "jpg", 7));
        async move { catalogue.claim_stem(stem, &evidence, None).await.unwrap() }
    });
    let claims: Vec<ClaimOutcome> = match running.able.atomic_conditions {
        true => futures::future::join_all(claims).await,
        false => stream::iter(claims).then(|claim| claim).collect().await,
    };
    let is_won = |claim: &&ClaimOutcome| matches!(claim, ClaimOutcome::Claimed(_));
    assert_eq!(claims.iter().filter(is_won).count(), 1, "{name}");
    let id = PhotoId::from_stem(stem);
    let stub = catalogue.item(&id).await.unwrap().unwrap();
    assert_eq!((stub.revision, stub.evidence.iter().count()), (0, 1));
    // Another format of the shot joins, and no other shot does.
    let other_body = Evidence {
        serial: Some("2".to_owned()),
        ..evidence(16, "nef", 7)
    };
    for refused in [evidence(16, "nef", 10), evidence(16, "JPG", 7), other_body] {
        let claim = catalogue.claim_stem(stem, &refused, None).await.unwrap();
        assert_eq!(
            claim,
            ClaimOutcome::Refused(Box::new(stub.clone())),
            "{name}"
        );
    }
    let raw = evidence(16, "nef", 9);
    let held = catalogue.claim_stem(stem, &raw, Some("2018-02-01/b")).await;
    assert!(matches!(held.unwrap(), ClaimOutcome::Refused(_)), "{name}");
    let joined = catalogue.claim_stem(stem, &raw, None).await.unwrap();
    let ClaimOutcome::Claimed(joined) = joined else {
        panic!("{name}: {joined:?}");
    };
    assert_eq!((joined.revision, joined.evidence.iter().count()), (1, 2));
    let beside = catalogue.claim_stem("2018-02-01/c", &raw, Some(stem)).await;
    let ClaimOutcome::Claimed(beside) = beside.unwrap() else {
        panic!("{name}: the stem is free");
    };
    assert_eq!(beside.held_for.as_deref(), Some(stem), "{name}");

    // Kin are added once.
    for _ in 0..2 {
        let item = catalogue.add_kin(&id, "2018-02-02/a").await.unwrap();
        let item = item.expect("an item");
        assert_eq!((item.revision, item.kin.len()), (2, 1), "{name}");
    }
    let nothing = PhotoId::from_stem("2018-02-01/nothing");
    assert_eq!(catalogue.add_kin(&nothing, stem).await.unwrap(), None);

    let read = catalogue.item(&id).await.unwrap().unwrap();
    let next = PhotoItem {
        revision: 3,
        ..read
    };
    let written = catalogue.put_item(&next, Some(2)).await.unwrap();
    assert_eq!(written, WriteOutcome::Written, "{name}");
    assert_eq!(
        catalogue.put_item(&next, Some(2)).await.unwrap(),
        WriteOutcome::Stale
    );
    assert_eq!(
        catalogue.put_item(&next, None).await.unwrap(),
        WriteOutcome::Stale
    );
    assert_eq!(catalogue.item(&id).await.unwrap(), Some(next), "{name}");
}

test_every_store! { #[tokio::test] keeps_ledger_entries_and_date_partitions }

async fn keeps_ledger_entries_and_date_partitions(running: RunningStore) {
    let (name, catalogue) = (running.able.name, running.catalogue("ledger").await);
    let object: ObjectRef = "s3://inbox/été+.jpg".parse().unwrap();
    let entry = LedgerEntry {
        pk: LedgerEntry::pk(&object),
        object: object.clone(),
        version: ObjectVersion {
            etag: "e".to_owned(),
            last_modified: "2018-02-01T08:41:07Z".to_owned(),
        },
        outcome: LedgerOutcome::Skipped,
        reason: Some("no photo".to_owned()),
        archive_key: None,
        content: None,
        extractor_version: 1,
    };
    assert_eq!(catalogue.ledger_entry(&object).await.unwrap(), None);
    catalogue.put_ledger_entry(&entry).await.unwrap();
    let read = catalogue.ledger_entry(&object).await.unwrap();
    assert_eq!(read.as_ref(), Some(&entry), "{name}");
    let archived = LedgerEntry {
        archive_key: Some("2018-02-01/a.jpg".to_owned()),
        ..entry.clone()
    };
    for (read, expected) in [
        (None, WriteOutcome::Stale),
        (Some(&archived), WriteOutcome::Stale),
        (Some(&entry), WriteOutcome::Written),
        (Some(&entry), WriteOutcome::Stale),
        (Some(&archived), WriteOutcome::Written),
    ] {
        let written = catalogue.put_ledger_entry_if(&archived, read).await;
        assert_eq!(written.unwrap(), expected, "{name}");
    }
    for year in ["2018", "undated", "2018"] {
        let partition = year.parse().unwrap();
        catalogue.ensure_date_partition(partition).await.unwrap();
    }
    assert_eq!(
        catalogue.date_partitions().await.unwrap().len(),
        2,
        "{name}"
    );
}

test_every_store! { #[tokio::test] keeps_albums }

async fn keeps_albums(running: RunningStore) {
    let (name, catalogue) = (running.able.name, running.catalogue("albums").await);
    assert_eq!(catalogue.albums().await.unwrap(), [], "{name}");
    let rule = AlbumRule {
        keyword: Some("japan".to_owned()),
        rating: Some(4),
        ..AlbumRule::default()
    };
    let japan = Album::new("Japan 2026", AlbumContent::Rule(rule)).unwrap();
    let stems = vec!["2018-02-01/b".to_owned(), "2018-02-01/a".to_owned()];
    let best = Album::new("Best", AlbumContent::List(stems)).unwrap();
    for album in [&japan, &best] {
        for expected in [WriteOutcome::Written, WriteOutcome::Stale] {
            let written = catalogue.put_album(album, AlbumWrite::Create).await;
            assert_eq!(written.unwrap(), expected, "{name}: {}", album.slug);
        }
    }
    let albums = catalogue.albums().await.unwrap();
    assert_eq!(albums, [best.clone(), japan.clone()], "{name}");

    // A writer that has read an older revision changes nothing.
    let stored = catalogue.album("best").await.unwrap().unwrap();
    assert_eq!((&stored.album, stored.revision), (&best, 1), "{name}");
    let renamed = Album {
        title: "Very best".to_owned(),
        ..best
    };
    for (revision, expected) in [(2, WriteOutcome::Stale), (1, WriteOutcome::Written)] {
        let replace = AlbumWrite::Replace { revision };
        let written = catalogue.put_album(&renamed, replace).await;
        assert_eq!(written.unwrap(), expected, "{name}: {revision}");
    }
    let gone = Album::new("Gone", AlbumContent::List(vec![])).unwrap();
    let replaced = catalogue.put_album(&gone, AlbumWrite::Replace { revision: 1 });
    assert_eq!(replaced.await.unwrap(), WriteOutcome::Stale, "{name}");
    let albums = catalogue.albums().await.unwrap();
    assert_eq!(albums, [japan.clone(), renamed], "{name}");

    // A list that does not fit is refused before a request.
    let stems = (0..20_000).map(|number| format!("2018-02-01/DSC_{number:05}"));
    let large = Album::new("Large", AlbumContent::List(stems.collect())).unwrap();
    let written = catalogue.put_album(&large, AlbumWrite::Create).await;
    assert!(
        matches!(written, Err(CatalogueError::TooLarge { .. })),
        "{name}: {written:?}"
    );

    for existed in [true, false] {
        let deleted = catalogue.delete_album("best").await.unwrap();
        assert_eq!(deleted, existed, "{name}");
    }
    for slug in ["best", "", "Best", "a/b", &"a".repeat(3_000)] {
        assert_eq!(catalogue.album(slug).await.unwrap(), None, "{name}: {slug}");
    }
    assert_eq!(catalogue.albums().await.unwrap(), [japan], "{name}");
    assert!(catalogue.delete_album("japan-2026").await.unwrap());
    assert_eq!(catalogue.albums().await.unwrap(), [], "{name}");
}

test_every_store! { #[tokio::test] archives_replaces_and_removes_a_photo }

async fn archives_replaces_and_removes_a_photo(running: RunningStore) {
    let name = running.able.name;
    let layout = running.layout("whole").await;
    let ingest = Ingest::new(
        running.storage(),
        running.catalogue("whole").await,
        layout.clone(),
        LocationPolicy::Exact,
        Arc::new(Utc::now),
    );
    let catalogue = Catalogue::new(running.clients.dynamodb.clone(), "whole");
    let (from, to) = (layout.source_bucket(), layout.archive_bucket());
    let shot = TestShot::at("2018:02:01 09:41:07");
    let key = "2018-02-01/été+1.JPG";
    let id = PhotoId::from_stem("2018-02-01/été+1");
    let source_object = from.object("in/card/été+1.JPG");
    for bytes in [shot.jpeg(), shot.edited(1)] {
        running.put(&source_object, bytes.clone()).await;
        let organised = ingest.process_object(&source_object).await.unwrap();
        assert_eq!(
            organised,
            Outcome::Archived(layout.archive_key(key).unwrap()),
            "{name}"
        );
        assert_eq!(
            ingest.process_object(&to.object(key)).await.unwrap(),
            Outcome::Indexed
        );
        let stored = running
            .storage()
            .read_object(&to.object(key))
            .await
            .unwrap()
            .unwrap();
        assert!(stored == bytes, "{name}");
        let item = catalogue.item(&id).await.unwrap().unwrap();
        assert_eq!(item.parts["JPG"].bytes, bytes.len() as u64, "{name}");
        let source = item.parts["JPG"].source.clone().unwrap();
        assert_eq!(source.object, source_object, "{name}");
        for object in [&source_object, &to.object(key)] {
            let again = ingest.process_object(object).await.unwrap();
            assert_eq!(again, Outcome::Unchanged, "{name}");
        }
    }
    running
        .storage()
        .delete_object(&to.object(key))
        .await
        .unwrap();
    assert_eq!(
        ingest.process_object(&to.object(key)).await.unwrap(),
        Outcome::Removed
    );
    let organised = ingest.process_object(&source_object).await.unwrap();
    assert_eq!(organised, Outcome::Unchanged, "{name}: stays removed");
    assert!(!catalogue.item(&id).await.unwrap().unwrap().has_live_photo());
    // The embedded engines must run until here.
    drop(running.world);
}
