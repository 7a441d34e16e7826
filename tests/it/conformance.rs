//! One suite over every store that can be had here: what the program needs of any, and what each has beyond that, or has not.
//!
//! The embedded engines run always. moto, OpenStack Swift (s3api) and Garage run where `.ci/stores` has started them, which
//! says where in CONFORMANCE_MOTO, CONFORMANCE_SWIFT and CONFORMANCE_GARAGE; else they are named as skipped.

use std::collections::BTreeMap;

use bytes::Bytes;
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::item::{LedgerEntry, ObjectVersion, PhotoItem};
use photo_catalogue::catalogue::{Catalogue, Claim, WriteOutcome};
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::ingest::{Ingest, Outcome, SourceAfter, StoreCapabilityError};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::{CopyOutcome, CopySettings, ObjectHeaders, Storage};

use crate::ingest::fixture::{IngestWorld, layout};
use crate::ingest::photos::TestShot;
use crate::serve::process::Elsewhere;

/// What a store has beyond what every store must have (docs/guarantees.md, "What the store must offer").
struct Able {
    name: &'static str,
    /// Where it is, if it is not embedded.
    endpoint: Option<&'static str>,
    key_pair: (&'static str, &'static str),
    /// A copy fails where its source has other bytes than those of the condition. Nothing rests on it.
    copy_if_match: bool,
    /// So does a delete. `SOURCE_AFTER=delete` rests on it. (Swift asks with a HEAD of its own before it deletes, so another
    /// write may come between: `s3api`'s `gen_multipart_manifest_delete_query`.)
    delete_if_match: bool,
    /// An object keeps the storage class that it is given. `ARCHIVE_STORAGE_CLASS` rests on it.
    storage_classes: bool,
    /// Objects have tags, and a copy has its source's.
    tags: bool,
}

#[rustfmt::skip]
const STORES: [Able; 4] = [
    Able { name: "embedded", endpoint: None, key_pair: ("test", "secret"),
           copy_if_match: true, delete_if_match: true, storage_classes: true, tags: true },
    Able { name: "moto", endpoint: Some("CONFORMANCE_MOTO"), key_pair: ("test", "secret"),
           copy_if_match: false, delete_if_match: true, storage_classes: true, tags: true },
    Able { name: "Swift", endpoint: Some("CONFORMANCE_SWIFT"), key_pair: ("test:tester", "testing"),
           copy_if_match: true, delete_if_match: true, storage_classes: false, tags: false },
    Able { name: "Garage", endpoint: Some("CONFORMANCE_GARAGE"),
           key_pair: ("GK000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000000"),
           copy_if_match: true, delete_if_match: false, storage_classes: false, tags: false },
];
/// Those that have tables, too.
const TABLES: [&str; 2] = ["embedded", "moto"];
/// S3's smallest part but for the last.
const PART: u64 = 5 << 20;

/// A store that runs, and tables to go with it.
pub(crate) struct Running {
    able: &'static Able,
    endpoints: Endpoints,
    clients: Clients,
    /// The embedded tables, where the store has none.
    world: IngestWorld,
}

/// The stores that run; the others are named.
#[expect(clippy::print_stdout, reason = "what is skipped has to be said")]
pub(crate) async fn running() -> Vec<Running> {
    let mut running = Vec::new();
    for able in &STORES {
        let world = IngestWorld::without_delivery(layout()).await;
        let endpoint = match able.endpoint {
            None => Some(world.s3_endpoint.clone()),
            Some(variable) => std::env::var(variable).ok(),
        };
        let Some(endpoint) = endpoint else {
            println!("skipped: {} is not here (.ci/stores starts it)", able.name);
            continue;
        };
        let tables = match able.endpoint {
            Some(_) if TABLES.contains(&able.name) => endpoint.clone(),
            _ => world.dynamodb.clone(),
        };
        let endpoints = Endpoints {
            s3: Some(endpoint),
            dynamodb: Some(tables),
        };
        let (access, secret) = able.key_pair;
        let clients = clients::connect(&clients::with_key_pair(access, secret), &endpoints);
        running.push(Running {
            able,
            endpoints,
            clients,
            world,
        });
    }
    running
}

impl Running {
    pub(crate) fn name(&self) -> &'static str {
        self.able.name
    }

    /// Where it is, for a process of its own.
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

    /// Two new buckets of this test's.
    async fn layout(&self, test: &str) -> Layout {
        let [source, archive] = ["source", "archive"].map(|end| format!("{test}-{end}"));
        for bucket in [&source, &archive] {
            self.storage().create_bucket(bucket).await.unwrap();
        }
        Layout::new(&source, "in/", &archive, "").unwrap()
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> String {
        let headers = ObjectHeaders {
            content_type: Some("image/jpeg".to_owned()),
            cache_control: Some("max-age=60".to_owned()),
            ..ObjectHeaders::default()
        };
        let put = self
            .storage()
            .put(bucket, key, Bytes::from(bytes), headers)
            .await;
        put.unwrap_or_else(|error| panic!("{}: {error}", self.able.name))
    }

    async fn tags(&self, bucket: &str, key: &str) -> Option<usize> {
        let tags = self.clients.s3.get_object_tagging().bucket(bucket).key(key);
        tags.send().await.ok().map(|tags| tags.tag_set.len())
    }

    async fn catalogue(&self, table: &str) -> Catalogue {
        let catalogue = Catalogue::new(self.clients.dynamodb.clone(), table);
        catalogue.create_table().await.unwrap();
        catalogue
    }
}

#[tokio::test]
async fn every_store_reads_writes_lists_and_says_404_of_what_is_missing() {
    for running in running().await {
        let (name, storage) = (running.able.name, running.storage());
        let layout = running.layout("reads").await;
        let bucket = layout.source_bucket();
        assert_eq!(storage.head(bucket, "gone").await.unwrap(), None, "{name}");
        assert!(
            storage
                .read_head(bucket, "gone", 10)
                .await
                .unwrap()
                .is_none()
        );
        let keys = ["a b+c.jpg", "a/été~%20.jpg", "a/b/c.jpg", "b.jpg"];
        for key in keys {
            let etag = running.put(bucket, key, key.repeat(10).into_bytes()).await;
            let (object, head) = storage.read_head(bucket, key, 4).await.unwrap().unwrap();
            assert_eq!(object.etag, etag, "{name} {key}");
            assert_eq!(object.size_bytes, key.len() as u64 * 10, "{name} {key}");
            assert_eq!(&head[..], &key.as_bytes()[..4], "{name} {key}");
            assert_eq!(object.headers.content_type.as_deref(), Some("image/jpeg"));
            assert_eq!(storage.head(bucket, key).await.unwrap(), Some(object));
            let range = storage.read_range(bucket, key, 2..6, &etag).await.unwrap();
            assert_eq!(range.as_deref(), Some(&key.repeat(2).as_bytes()[2..6]));
            let other = "0".repeat(32);
            let range = storage.read_range(bucket, key, 2..6, &other).await;
            assert_eq!(range.unwrap(), None, "{name}: other bytes");
        }
        running.put(bucket, "empty", Vec::new()).await;
        let (empty, head) = storage
            .read_head(bucket, "empty", 9)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((empty.size_bytes, head.len()), (0, 0), "{name}");
        let (page, next) = storage.list(bucket, "a", None).await.unwrap();
        let listed: Vec<&str> = page.iter().map(|listed| listed.key.as_str()).collect();
        assert_eq!(
            listed,
            ["a b+c.jpg", "a/b/c.jpg", "a/été~%20.jpg"],
            "{name}"
        );
        assert_eq!(next, None, "{name}");
        storage.delete(bucket, "b.jpg").await.unwrap();
        assert_eq!(storage.head(bucket, "b.jpg").await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn every_store_copies_with_new_metadata_and_honours_what_the_table_says() {
    for running in running().await {
        let (able, storage) = (running.able, running.storage());
        let layout = running.layout("copies").await;
        let (from, to) = (layout.source_bucket(), layout.archive_bucket());
        let metadata: BTreeMap<String, String> = [
            ("photo-owner", "o".repeat(26)),
            ("photo-source", "copies-source/a%20b.jpg".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let key = "a b+é.jpg";
        running.put(from, key, b"a photo".to_vec()).await;
        let mut source = storage.head(from, key).await.unwrap().unwrap();
        let copied = storage.copy((from, key), (to, "x/y.jpg"), &source, &metadata);
        assert_eq!(copied.await.unwrap(), CopyOutcome::Done, "{}", able.name);
        let copy = storage.head(to, "x/y.jpg").await.unwrap().unwrap();
        assert_eq!((&copy.etag, copy.size_bytes), (&source.etag, 7));
        assert_eq!(copy.metadata, metadata, "{}", able.name);
        assert_eq!(copy.headers, source.headers, "{}", able.name);

        let tagged = running.clients.s3.put_object().bucket(from).key("tagged");
        let tagged = tagged
            .body(b"a photo".to_vec().into())
            .tagging("a=b")
            .send();
        let tagged = tagged.await.is_ok();
        if tagged {
            let object = storage.head(from, "tagged").await.unwrap().unwrap();
            let copied = storage.copy((from, "tagged"), (to, "tagged"), &object, &metadata);
            assert_eq!(copied.await.unwrap(), CopyOutcome::Done, "{}", able.name);
        }
        let kept = tagged && running.tags(to, "tagged").await == Some(1);
        assert_eq!(kept, able.tags, "{}: tags", able.name);

        source.etag = "0".repeat(32);
        let copied = storage.copy((from, key), (to, "stale"), &source, &metadata);
        let refused = copied.await.unwrap() == CopyOutcome::SourceChanged;
        assert_eq!(refused, able.copy_if_match, "{}: copy If-Match", able.name);
        let copied = storage.copy((from, "gone"), (to, "stale"), &source, &metadata);
        assert_eq!(copied.await.unwrap(), CopyOutcome::SourceChanged);

        // In parts.
        let bytes = vec![7; PART as usize + 1000];
        running.put(from, "large.jpg", bytes.clone()).await;
        let source = storage.head(from, "large.jpg").await.unwrap().unwrap();
        let in_parts = storage.clone().copying(CopySettings {
            largest_bytes: PART,
            part_bytes: PART,
            ..CopySettings::default()
        });
        let copied = in_parts.copy((from, "large.jpg"), (to, "large.jpg"), &source, &metadata);
        assert_eq!(copied.await.unwrap(), CopyOutcome::Done, "{}", able.name);
        let copy = storage.head(to, "large.jpg").await.unwrap().unwrap();
        assert_eq!(copy.metadata, metadata, "{}", able.name);
        assert!(storage.read(to, "large.jpg").await.unwrap().unwrap() == bytes);
    }
}

#[tokio::test]
async fn a_setting_is_refused_at_the_start_exactly_where_the_store_cannot_keep_it() {
    for running in running().await {
        let able = running.able;
        let layout = running.layout("settings").await;
        let ingest = |copying: CopySettings, source_after| {
            Ingest::new(
                running.storage().copying(copying),
                Catalogue::new(running.clients.dynamodb.clone(), "unasked"),
                layout.clone(),
                LocationPolicy::Exact,
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
        // A store may say no, or say nothing and drop it.
        assert_eq!(
            tried.is_ok(),
            able.storage_classes,
            "{}: {tried:?}",
            able.name
        );
        let (left, _) = running
            .storage()
            .list(layout.source_bucket(), "", None)
            .await
            .unwrap();
        assert!(left.is_empty(), "{}: {left:?}", able.name);
    }
}

#[tokio::test]
async fn every_table_claims_once_and_writes_on_condition() {
    for running in running().await {
        let (name, catalogue) = (running.able.name, running.catalogue("claims").await);
        let claims = (0..16).map(|owner| {
            let catalogue = catalogue.clone();
            async move {
                let owner = format!("owner {owner}");
                catalogue.claim("2018-02-01/a", &owner).await.unwrap()
            }
        });
        let claims = futures::future::join_all(claims).await;
        let won = claims.iter().filter(|claim| **claim == Claim::Ours);
        assert_eq!(won.count(), 1, "{name}");
        let id = PhotoId::from_stem("2018-02-01/a");
        let stub = catalogue.item(&id).await.unwrap().unwrap();
        let again = catalogue.claim("2018-02-01/a", &stub.owner).await;
        assert_eq!(again.unwrap(), Claim::Ours, "{name}");

        let next = PhotoItem {
            revision: 1,
            ..stub.clone()
        };
        let written = catalogue.put(&next, Some(0)).await.unwrap();
        assert_eq!(written, WriteOutcome::Written, "{name}");
        assert_eq!(
            catalogue.put(&next, Some(0)).await.unwrap(),
            WriteOutcome::Stale
        );
        assert_eq!(
            catalogue.put(&next, None).await.unwrap(),
            WriteOutcome::Stale
        );
        assert_eq!(catalogue.item(&id).await.unwrap(), Some(next), "{name}");

        let entry = LedgerEntry {
            pk: LedgerEntry::pk("inbox", "été+.jpg"),
            bucket: "inbox".to_owned(),
            key: "été+.jpg".to_owned(),
            version: ObjectVersion {
                etag: "e".to_owned(),
                last_modified: "2018-02-01T08:41:07Z".to_owned(),
            },
            outcome: "skipped".to_owned(),
            reason: Some("no photo".to_owned()),
            archive_key: None,
            owner: None,
            extractor_version: 1,
        };
        assert_eq!(catalogue.ledger("inbox", "été+.jpg").await.unwrap(), None);
        catalogue.put_ledger(&entry).await.unwrap();
        let read = catalogue.ledger("inbox", "été+.jpg").await.unwrap();
        assert_eq!(read, Some(entry), "{name}");
        for year in ["2018", "undated", "2018"] {
            catalogue.ensure_date_partition(year).await.unwrap();
        }
        assert_eq!(
            catalogue.date_partitions().await.unwrap().len(),
            2,
            "{name}"
        );
    }
}

#[tokio::test]
async fn over_every_store_a_photo_is_filed_edited_and_removed() {
    for running in running().await {
        let name = running.able.name;
        let layout = running.layout("whole").await;
        let ingest = Ingest::new(
            running.storage(),
            running.catalogue("whole").await,
            layout.clone(),
            LocationPolicy::Exact,
        );
        let catalogue = Catalogue::new(running.clients.dynamodb.clone(), "whole");
        let (from, to) = (layout.source_bucket(), layout.archive_bucket());
        let shot = TestShot::at("2018:02:01 09:41:07");
        let key = "2018-02-01/été+1.JPG";
        let id = PhotoId::from_stem("2018-02-01/été+1");
        for bytes in [shot.jpeg(), shot.edited(1)] {
            running.put(from, "in/card/été+1.JPG", bytes.clone()).await;
            let organised = ingest.process_key(from, "in/card/été+1.JPG").await.unwrap();
            assert_eq!(
                organised,
                Outcome::Archived(layout.archive_key(key).unwrap()),
                "{name}"
            );
            assert_eq!(ingest.process_key(to, key).await.unwrap(), Outcome::Indexed);
            let stored = running.storage().read(to, key).await.unwrap().unwrap();
            assert!(stored == bytes, "{name}");
            let item = catalogue.item(&id).await.unwrap().unwrap();
            assert_eq!(item.parts["JPG"].bytes, bytes.len() as u64, "{name}");
            let source = item.parts["JPG"].source.clone().unwrap();
            assert_eq!(source.key, "in/card/été+1.JPG", "{name}");
            for (bucket, key) in [(from, "in/card/été+1.JPG"), (to, key)] {
                let again = ingest.process_key(bucket, key).await.unwrap();
                assert_eq!(again, Outcome::Unchanged, "{name}");
            }
        }
        running.storage().delete(to, key).await.unwrap();
        assert_eq!(ingest.process_key(to, key).await.unwrap(), Outcome::Removed);
        let organised = ingest.process_key(from, "in/card/été+1.JPG").await.unwrap();
        assert_eq!(organised, Outcome::Unchanged, "{name}: stays removed");
        assert!(!catalogue.item(&id).await.unwrap().unwrap().has_live_parts());
        // The embedded engines stay until here.
        drop(running.world);
    }
}
