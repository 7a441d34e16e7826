//! Tests of `photos reconcile` over real servers. The test creates the faults itself.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{TimeDelta, Utc};
use photo_catalogue::catalogue::WriteOutcome;
use photo_catalogue::catalogue::claim::ClaimOutcome;
use photo_catalogue::catalogue::item::{LedgerEntry, PhotoItem};
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::identity::Evidence;
use photo_catalogue::ingest::Outcome;
use photo_catalogue::object::{Bucket, ObjectVersion};
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{self, HookRules, PublishSettings, Publisher};
use photo_catalogue::storage::Storage;
use photo_catalogue::view::PublicView;
use serde_json::Value;

use super::process::Photos;
use crate::ingest::fixture::{ARCHIVE, IngestWorld, SOURCE, archive_object, layout, source_object};
use crate::ingest::photos::TestShot;

const KINDS: [&str; 12] = [
    "unarchived",
    "uncopied",
    "superseded",
    "orphaned",
    "unindexed",
    "outdated",
    "skipped-name",
    "missing",
    "unlisted",
    "unknown-year",
    "stub",
    "miscounted",
];

/// The faults that `photos reconcile` reports: the kind and the subject of each.
type Faults = BTreeSet<(String, String)>;

/// Stores and tables for a test. Ingest and publish run only when the test calls them.
struct ReconcileFixture {
    world: IngestWorld,
    dynamodb: aws_sdk_dynamodb::Client,
    published: PublishTable,
    publish: Publisher,
    photos: Photos,
}

impl ReconcileFixture {
    async fn new() -> Self {
        let world = IngestWorld::without_delivery(layout()).await;
        let endpoints = Endpoints {
            s3: Some(world.s3_endpoint.clone()),
            dynamodb: Some(world.dynamodb.clone()),
        };
        let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
        let published = PublishTable::new(clients.dynamodb.clone(), "publish");
        published.create_table().await.unwrap();
        let storage = Storage::new(clients.s3);
        let site = Bucket::new("site").unwrap();
        storage.create_bucket(&site).await.unwrap();
        let settings = PublishSettings {
            bucket: site,
            prefix: String::new(),
            view: PublicView::new(LocationPolicy::Exact, None),
            compress: false,
            album_folders: Default::default(),
            map_tiles: None,
            hook: None,
            rules: HookRules::default(),
        };
        let catalogue = world.catalogue.clone();
        ReconcileFixture {
            publish: Publisher::new(catalogue, published.clone(), storage, settings),
            dynamodb: clients.dynamodb,
            world,
            published,
            photos: Photos::at_rest(),
        }
    }

    async fn archived(&self, key: &str, taken: &'static str) {
        self.world.upload(key, TestShot::at(taken).jpeg()).await;
        self.world
            .ingest
            .sync_object(&source_object(key))
            .await
            .unwrap();
    }

    async fn item(&self, stem: &str) -> PhotoItem {
        self.world.item(stem).await.unwrap()
    }

    async fn write(&self, mut item: PhotoItem) {
        let read = item.revision;
        item.revision += 1;
        let written = self
            .world
            .catalogue
            .put_item(&item, Some(read))
            .await
            .unwrap();
        assert_eq!(written, WriteOutcome::Written);
    }

    async fn delete_item(&self, stem: &str) {
        let pk = AttributeValue::S(self.item(stem).await.pk);
        let delete = self.dynamodb.delete_item().table_name("photos");
        delete.key("pk", pk).send().await.unwrap();
    }

    async fn published(&self, years_later: i64) {
        let now = Utc::now() + TimeDelta::days(365 * years_later);
        self.publish
            .run_cycle(now, std::time::Duration::from_secs(60))
            .await
            .unwrap();
        assert!(self.published.dirty_months().await.unwrap().is_empty());
    }

    /// Runs `photos reconcile`. Returns the faults that it reports, and its exit status.
    fn reconcile(&self, arguments: &[&str]) -> (Faults, Option<i32>) {
        let all = [
            "reconcile",
            "--json",
            "--settle",
            "0",
            "--location",
            "exact",
        ];
        let output = self
            .photos
            .run_elsewhere(&self.world.elsewhere(), &[&all, arguments].concat());
        let lines = String::from_utf8(output.stdout.clone()).unwrap();
        let faults = lines.lines().map(|line| {
            let fault: Value = serde_json::from_str(line).unwrap();
            assert_eq!(fault["error"], Value::Null, "{line}");
            let text = |name: &str| fault[name].as_str().unwrap().to_owned();
            (text("fault"), text("of"))
        });
        let faults: Faults = faults.collect();
        let is_reported = output.status.success() || !faults.is_empty();
        assert!(is_reported, "{}", String::from_utf8_lossy(&output.stderr));
        (faults, output.status.code())
    }
}

/// The capture time of all photos in [`GROUPS`].
const MAY: &str = "2010:05:01 10:00:00";
/// The groups of photos: the name of the group, and its number of photos. Each group is named after
/// the damage that the test does to its photos. The photos of `well` stay intact.
const GROUPS: [(&str, usize); 8] = [
    ("edited", 6),
    ("uncopied", 10),
    ("superseded", 10),
    ("forgotten", 5),
    ("outdated", 10),
    ("missing", 10),
    ("unlisted", 10),
    ("well", 3),
];
/// The capture times of photos that are the only ones of their year or month.
const ALONE: [&str; 10] = [
    "1991:01:01 10:00:00",
    "1992:01:01 10:00:00",
    "1993:01:01 10:00:00",
    "1994:01:01 10:00:00",
    "1995:01:01 10:00:00",
    "2001:01:01 10:00:00",
    "2001:02:01 10:00:00",
    "2001:03:01 10:00:00",
    "2001:04:01 10:00:00",
    "2001:05:01 10:00:00",
];

impl ReconcileFixture {
    /// Uploads, ingests and publishes all photos. No fault exists after that.
    async fn fill(&self) {
        let world = &self.world;
        for (group, count) in GROUPS {
            for n in 0..count {
                self.archived(&format!("{group}{n}.jpg"), MAY).await;
            }
        }
        for taken in ALONE {
            self.archived(&format!("a{}.jpg", &taken[..7]), taken).await;
        }
        world.upload("notes.txt", "no photo").await;
        world
            .ingest
            .sync_object(&source_object("notes.txt"))
            .await
            .unwrap();
        self.archived("removed.jpg", MAY).await;
        world.delete_archived("2010-05-01/removed.jpg").await;
        let removed = archive_object("2010-05-01/removed.jpg");
        world.ingest.process_object(&removed).await.unwrap();
        let marked = publish::mark_all_months(&world.catalogue, &self.published, Utc::now());
        marked.await.unwrap();
        self.published(1).await;
    }

    async fn spoil_uploads(&self, put_in: &mut impl FnMut(&str, &str)) {
        let world = &self.world;
        for n in 0..6 {
            let key = format!("new{n}.jpg");
            world.upload(&key, TestShot::at(MAY).jpeg()).await;
            put_in("unarchived", &key);
            let key = format!("edited{n}.jpg");
            world.upload(&key, TestShot::at(MAY).edited(1)).await;
            put_in("unarchived", &key);
        }
        for n in 0..10 {
            let stem = format!("2010-05-01/uncopied{n}");
            world.delete_archived(&format!("{stem}.jpg")).await;
            self.delete_item(&stem).await;
            put_in("uncopied", &format!("uncopied{n}.jpg"));
        }
        for n in 0..8 {
            let entry = world.ledger_entry("well0.jpg").await.unwrap();
            let key = format!("gone{n}.jpg");
            let object = Bucket::new(SOURCE).unwrap().object(&key);
            let entry = LedgerEntry {
                pk: LedgerEntry::pk(&object),
                object,
                archive_key: (n % 2 == 0).then(|| format!("2010-05-01/{key}")),
                ..entry
            };
            world.catalogue.put_ledger_entry(&entry).await.unwrap();
            put_in("orphaned", &key);
        }
    }

    /// Simulates late copies: each has older bytes than its upload, and arrives after the item of
    /// the newer bytes was written. Passes each expected fault to `put_in`.
    async fn supersede(&self, put_in: &mut impl FnMut(&str, &str)) {
        let world = &self.world;
        for n in 0..10 {
            let key = format!("superseded{n}.jpg");
            let stem = format!("2010-05-01/superseded{n}");
            let copy = format!("{stem}.jpg");
            let older = self.item(&stem).await;
            self.copy(&copy, "kept").await;
            world.upload(&key, TestShot::at(MAY).edited(2)).await;
            world
                .ingest
                .sync_object(&source_object(&key))
                .await
                .unwrap();
            self.copy("kept", &copy).await;
            world.delete_archived("kept").await;
            let storage = Storage::new(world.s3.clone());
            let head = storage
                .head_object(&Bucket::new(ARCHIVE).unwrap().object(&copy))
                .await
                .unwrap()
                .unwrap();
            let mut part = older.parts["jpg"].clone();
            assert_eq!(head.etag, part.etag);
            part.last_modified = ObjectVersion::new(&head.etag, head.last_modified).last_modified;
            let mut item = self.item(&stem).await;
            item.parts.insert("jpg".to_owned(), part);
            self.write(item).await;
            put_in("superseded", &key);
        }
    }

    async fn copy(&self, from: &str, to: &str) {
        let request = self.world.s3.copy_object().bucket(ARCHIVE).key(to);
        let request = request.copy_source(format!("{ARCHIVE}/{from}"));
        request.send().await.unwrap();
    }

    async fn spoil_archive(&self, put_in: &mut impl FnMut(&str, &str)) {
        let world = &self.world;
        for n in 0..5 {
            let key = format!("2010-05-01/dropped{n}.jpg");
            world.put_archived(&key, TestShot::at(MAY).jpeg()).await;
            put_in("unindexed", &key);
            let stem = format!("2010-05-01/forgotten{n}");
            self.delete_item(&stem).await;
            put_in("unindexed", &format!("{stem}.jpg"));
        }
        for n in 0..10 {
            let key = format!("2010-05-01/outdated{n}.jpg");
            world.put_archived(&key, TestShot::at(MAY).edited(3)).await;
            put_in("outdated", &key);
            let key = format!("2010-05-01/missing{n}.jpg");
            world.delete_archived(&key).await;
            put_in("missing", &key);
        }
        // This file was indexed before hidden files were skipped.
        let hidden = "2010-05-01/.hidden.jpg";
        world.put_archived(hidden, TestShot::at(MAY).jpeg()).await;
        let before = world.ingest.clone();
        let before = before.with_skipped_names("!.*".parse().unwrap());
        let indexed = before.process_object(&archive_object(hidden)).await;
        assert_eq!(indexed.unwrap(), Outcome::Indexed);
        put_in("skipped-name", hidden);
    }

    async fn spoil_catalogue(&self, put_in: &mut impl FnMut(&str, &str)) {
        for n in 0..10 {
            let stem = format!("2010-05-01/unlisted{n}");
            let mut item = self.item(&stem).await;
            item.index = Default::default();
            self.write(item).await;
            put_in("unlisted", &stem);
            let stem = format!("2010-05-02/claimed.{n}");
            let evidence = Evidence::default();
            let claim = self.world.catalogue.claim_stem(&stem, &evidence, None);
            assert!(matches!(claim.await.unwrap(), ClaimOutcome::Claimed(_)));
            put_in("stub", &stem);
        }
        let years: Vec<String> = ALONE[..5]
            .iter()
            .map(|taken| taken[..4].to_owned())
            .collect();
        let forget = self.dynamodb.update_item().table_name("photos");
        forget
            .key("pk", AttributeValue::S("years".to_owned()))
            .update_expression("DELETE years :years")
            .expression_attribute_values(":years", AttributeValue::Ss(years.clone()))
            .send()
            .await
            .unwrap();
        for year in &years {
            put_in("unknown-year", year);
        }
        for mut month in self.published.months().await.unwrap() {
            if month.month.starts_with("2001-") {
                month.photos += 1;
                self.published.put_month(&month).await.unwrap();
                put_in("miscounted", &month.month);
            }
        }
        // A stream would have marked this month dirty after the direct changes above.
        self.published
            .mark_dirty("2010-05", Utc::now())
            .await
            .unwrap();
    }
}

// The servers need their own threads while the test waits for a command.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reconcile_finds_and_repairs_a_hundred_faults() {
    let library = Box::pin(ReconcileFixture::new()).await;
    let world = &library.world;
    Box::pin(library.fill()).await;
    assert_eq!(library.reconcile(&[]), (Faults::new(), Some(0)));

    let mut faults = Faults::new();
    let mut put_in = |kind: &str, of: &str| assert!(faults.insert((kind.into(), of.into())));
    Box::pin(library.spoil_uploads(&mut put_in)).await;
    Box::pin(library.supersede(&mut put_in)).await;
    Box::pin(library.spoil_archive(&mut put_in)).await;
    Box::pin(library.spoil_catalogue(&mut put_in)).await;
    assert_eq!(faults.len(), 101);
    let kinds: BTreeSet<&str> = faults.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, KINDS.into());

    let before = world.list_etags(ARCHIVE, "").await;
    assert_eq!(library.reconcile(&[]), (faults.clone(), Some(1)));
    assert_eq!(world.list_etags(ARCHIVE, "").await, before, "it only reads");
    assert_eq!(library.reconcile(&["--fix"]), (faults, Some(0)));
    assert_eq!(library.reconcile(&[]), (Faults::new(), Some(0)));
    // A new count of the months also leaves no fault.
    library.published(2).await;
    assert_eq!(library.reconcile(&[]), (Faults::new(), Some(0)));

    // The repaired state is correct.
    let sources = world.read_objects(SOURCE, "").await;
    let archive = world.archived_files().await;
    for key in ["new0", "edited0", "uncopied0", "superseded0"] {
        let key = format!("{key}.jpg");
        let copy = archive.iter().find(|(_, bytes)| **bytes == sources[&key]);
        assert!(copy.is_some(), "{key} is not in the archive");
    }
    assert!(!archive.contains_key("2010-05-01/missing0.jpg"));
    assert!(!archive.contains_key("2010-05-01/removed.jpg"));
    let item = library.item("2010-05-02/claimed.0").await;
    assert!(!item.evidence.is_empty() && !item.has_live_photo());
    for stem in ["unlisted0", "dropped0", "forgotten0", "uncopied0"] {
        let item = library.item(&format!("2010-05-01/{stem}")).await;
        assert!(item.is_public(), "{stem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn malformed_date_partitions_hide_only_what_they_belong_to() {
    let library = Box::pin(ReconcileFixture::new()).await;
    for (key, taken) in [
        ("a.jpg", "2018:02:01 09:41:07"),
        ("b.jpg", "2019:02:01 09:41:07"),
    ] {
        library.archived(key, taken).await;
    }
    // No version of the program writes these two values.
    let set = |pk: String, expression: &str, value: AttributeValue| {
        let update = library.dynamodb.update_item().table_name("photos");
        let update = update.key("pk", AttributeValue::S(pk));
        let update = update.update_expression(expression);
        update.expression_attribute_values(":value", value).send()
    };
    let registered = AttributeValue::Ss(vec!["2018x".to_owned()]);
    set("years".to_owned(), "ADD years :value", registered)
        .await
        .unwrap();
    let pk = library.item("2018-02-01/a").await.pk;
    let partition = AttributeValue::S("12018".to_owned());
    set(pk, "SET datePartition = :value", partition)
        .await
        .unwrap();

    let partitions = library.world.catalogue.date_partitions().await.unwrap();
    let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["2018", "2019"]);
    assert!(!library.item("2018-02-01/a").await.is_public());
    assert!(library.item("2019-02-01/b").await.is_public());

    library.published(1).await;
    let unlisted = ("unlisted".to_owned(), "2018-02-01/a".to_owned());
    let (faults, _) = library.reconcile(&["--fix"]);
    assert!(faults.contains(&unlisted), "{faults:?}");
    assert!(library.item("2018-02-01/a").await.is_public());
}
