//! Both embedded engines over HTTP, publish over them, and helpers that change photos.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::StreamSpecification;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use chrono::{DateTime, TimeDelta, Utc};
use dynamodb_engine::DynamoDbEngine;
use futures::TryStreamExt;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::object::Bucket;
use photo_catalogue::privacy::{LocationPolicy, Privacy};
use photo_catalogue::publish::{CycleReport, HookRules, PublishError, PublishSettings, Publisher};
use photo_catalogue::storage::{ObjectHeaders, Storage};
use photo_catalogue::view::PublicView;
use s3_folder::S3Store;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::engines::{serve_dynamodb, serve_s3};
use crate::gallery::fixture::{GalleryFixture, Shot};

pub(super) const BUCKET: &str = "site";
pub(super) const PREFIX: &str = "gallery/";
/// The time limit of a cycle. Every cycle of a test ends much earlier.
const CYCLE_TIME: Duration = Duration::from_secs(600);

/// The embedded engines, publish over them, and a simulated clock.
pub(super) struct PublishWorld {
    pub(super) client: aws_sdk_dynamodb::Client,
    pub(super) catalogue: Catalogue,
    pub(super) published: PublishTable,
    pub(super) storage: Storage,
    pub(super) publish: Publisher,
    pub(super) now: DateTime<Utc>,
    /// The connection from publish to the engines. A test can make it fail.
    pub(super) wire: CuttableWire,
    _data: tempfile::TempDir,
}

/// A change of one photo that is not written yet: the record that the stream delivers for it, and
/// the new item.
pub(super) struct PhotoChange {
    pub(super) record: Value,
    after: Option<PhotoItem>,
    pk: String,
}

/// A generator of random numbers. It returns the same numbers in every run.
pub(super) struct TestRandom(pub(super) u64);

impl TestRandom {
    /// Returns a number below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX constants.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// Returns `true` once in `n` calls on average.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Returns settings of publish with these privacy rules and without a build hook.
pub(super) fn settings(privacy: impl Into<Privacy>) -> PublishSettings {
    PublishSettings {
        bucket: bucket(),
        prefix: PREFIX.to_owned(),
        view: PublicView::new(privacy, None),
        compress: true,
        album_folders: Default::default(),
        map_tiles: None,
        hook: None,
        rules: HookRules::default(),
    }
}

impl PublishWorld {
    pub(super) async fn new() -> Self {
        PublishWorld::with(settings(LocationPolicy::Exact)).await
    }

    pub(super) async fn with(settings: PublishSettings) -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = S3Store::open(data.path()).unwrap();
        let (listener, s3) = listen().await;
        serve_s3(listener, &store);
        let (listener, dynamodb) = listen().await;
        let engine = DynamoDbEngine::open_in_memory().unwrap();
        serve_dynamodb(listener, engine);

        let endpoints = Endpoints {
            s3: Some(s3),
            dynamodb: Some(dynamodb),
        };
        let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
        let storage = Storage::new(clients.s3.clone());
        storage.create_bucket(&bucket()).await.unwrap();
        let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
        let published = PublishTable::new(clients.dynamodb.clone(), "publish");
        catalogue.create_table().await.unwrap();
        published.create_table().await.unwrap();
        // The tests deliver the records of the stream themselves. With a stream, the engine would
        // search the whole stream at each write.
        let no_stream = StreamSpecification::builder().stream_enabled(false);
        let update = clients.dynamodb.update_table().table_name("photos");
        update
            .stream_specification(no_stream.build().unwrap())
            .send()
            .await
            .unwrap();

        let wire = CuttableWire::default();
        let s3 = clients.s3.config().to_builder().interceptor(wire.clone());
        let dynamodb = clients.dynamodb.config().to_builder();
        let dynamodb =
            aws_sdk_dynamodb::Client::from_conf(dynamodb.interceptor(wire.clone()).build());
        let publish = Publisher::new(
            Catalogue::new(dynamodb.clone(), "photos"),
            PublishTable::new(dynamodb, "publish"),
            Storage::new(aws_sdk_s3::Client::from_conf(s3.build())),
            settings,
        );
        PublishWorld {
            client: clients.dynamodb,
            catalogue,
            published,
            storage,
            publish,
            now: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            wire,
            _data: data,
        }
    }

    /// Builds a second publisher over the same tables and the same store, with these settings. Its
    /// requests do not go through the field `wire`.
    pub(super) fn other_publisher(&self, settings: PublishSettings) -> Publisher {
        Publisher::new(
            self.catalogue.clone(),
            self.published.clone(),
            self.storage.clone(),
            settings,
        )
    }

    /// Writes the items of these photos to the catalogue. Returns the records that the table's
    /// stream would deliver for these writes.
    pub(super) async fn change(&self, shots: &[Shot]) -> Vec<Value> {
        let mut records = Vec::new();
        for shot in shots {
            let item = shot.item();
            let change = PhotoChange::new(None, Some(item));
            self.write(&change).await;
            records.push(change.record);
        }
        records
    }

    /// Writes a change to the photos table. The indexes of the table contain the change at once.
    pub(super) async fn write(&self, change: &PhotoChange) {
        let Some(item) = &change.after else {
            let key = aws_sdk_dynamodb::types::AttributeValue::S(change.pk.clone());
            let delete = self
                .client
                .delete_item()
                .table_name("photos")
                .key("pk", key);
            delete.send().await.unwrap();
            return;
        };
        if let Some(partition) = item.index.date_partition {
            self.catalogue
                .ensure_date_partition(partition)
                .await
                .unwrap();
        }
        let item = serde_dynamo::to_item(item).unwrap();
        let put = self.client.put_item().table_name("photos");
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// Marks the months dirty that these stream records affect.
    pub(super) async fn mark(&self, records: &[Value]) {
        self.publish
            .mark_changed_months(records, self.now)
            .await
            .unwrap();
    }

    pub(super) async fn run_cycle(&self) -> Result<CycleReport, PublishError> {
        self.publish.run_cycle(self.now, CYCLE_TIME).await
    }

    /// Moves the simulated clock forward by this number of seconds.
    pub(super) fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    /// Runs cycles until no month is dirty.
    pub(super) async fn settle(&mut self) {
        for _ in 0..10 {
            self.pass(60);
            self.run_cycle().await.unwrap();
            if self.published.dirty_months().await.unwrap().is_empty() {
                return;
            }
        }
        panic!("months are still dirty after ten cycles");
    }

    /// Replaces the published file at this path by an uncompressed one.
    pub(super) async fn put_file(&self, path: &str, json: &str) {
        let object = bucket().object(format!("{PREFIX}{path}"));
        let body = bytes::Bytes::from(json.to_owned());
        let put = self
            .storage
            .put_object(&object, body, ObjectHeaders::default());
        put.await.unwrap();
    }

    /// Returns the JSON of the published file at this path, and checks its HTTP headers. Returns
    /// `None` if there is no such file.
    pub(super) async fn file(&self, path: &str) -> Option<Value> {
        let text = self.file_text(path).await?;
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Returns the text of the published file at this path. See [`PublishWorld::file`].
    pub(super) async fn file_text(&self, path: &str) -> Option<String> {
        let object = bucket().object(format!("{PREFIX}{path}"));
        let bytes = self.storage.read_object(&object).await.unwrap()?;
        let head = self.storage.head_object(&object).await.unwrap().unwrap();
        assert_eq!(head.headers.content_encoding.as_deref(), Some("gzip"));
        let expected_type = match path.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "application/json",
        };
        assert_eq!(head.headers.content_type.as_deref(), Some(expected_type));
        let cache_control = head.headers.cache_control.unwrap();
        assert!(cache_control.starts_with("public"));
        assert_eq!(
            cache_control.contains("immutable"),
            path.starts_with("app/")
        );
        let mut json = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*bytes), &mut json)
            .unwrap();
        Some(json)
    }

    /// Returns the JSON of all published JSON files, by path.
    pub(super) async fn files(&self) -> BTreeMap<String, Value> {
        let texts = self.file_texts().await.into_iter();
        texts
            .filter(|(path, _)| path.ends_with(".json"))
            .map(|(path, text)| (path, serde_json::from_str(&text).unwrap()))
            .collect()
    }

    /// Returns the text of all published files, by path. They include the files of the page.
    pub(super) async fn file_texts(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let listed = self.storage.list_objects(&bucket(), PREFIX);
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        for object in listed {
            let path = object.key.strip_prefix(PREFIX).unwrap().to_owned();
            let text = self.file_text(&path).await.unwrap();
            files.insert(path, text);
        }
        files
    }

    /// Returns the photos that a gallery with these privacy rules lists, by id.
    pub(super) async fn gallery_photos(
        &self,
        privacy: impl Into<Privacy>,
    ) -> BTreeMap<String, Value> {
        let gallery = GalleryFixture::over(self.client.clone(), |settings| {
            settings.privacy = privacy.into()
        })
        .await;
        let mut photos = BTreeMap::new();
        let mut page = gallery.json("/v1/photos?limit=200").await;
        loop {
            for photo in page["items"].as_array().unwrap() {
                photos.insert(photo["id"].as_str().unwrap().to_owned(), photo.clone());
            }
            let Some(cursor) = page["next"].as_str() else {
                return photos;
            };
            page = gallery
                .json(&format!("/v1/photos?limit=200&cursor={cursor}"))
                .await;
        }
    }
}

impl PhotoChange {
    pub(super) fn new(before: Option<PhotoItem>, after: Option<PhotoItem>) -> Self {
        let mut dynamodb = serde_json::Map::new();
        for (name, item) in [("OldImage", &before), ("NewImage", &after)] {
            if let Some(item) = item {
                let text =
                    |value: &Option<String>| value.as_ref().map(|value| json!({ "S": value }));
                let image = json!({
                    "datePartition": item.index.date_partition.map(|partition| json!({ "S": partition })),
                    "dateSort": text(&item.index.date_sort),
                    "summary": { "M": item.summary },
                });
                dynamodb.insert(name.to_owned(), image);
            }
        }
        let pk = before.as_ref().or(after.as_ref()).unwrap().pk.clone();
        PhotoChange {
            record: json!({ "eventSource": "aws:dynamodb", "dynamodb": dynamodb }),
            after,
            pk,
        }
    }
}

/// An SDK interceptor that records the requests of publish. It can make all requests fail after a
/// certain number of them.
#[derive(Debug, Clone)]
pub(super) struct CuttableWire {
    /// The number of requests that still succeed. After them, all requests fail.
    left: Arc<AtomicI64>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Default for CuttableWire {
    fn default() -> Self {
        CuttableWire {
            left: Arc::new(AtomicI64::new(i64::MAX)),
            sent: Arc::default(),
        }
    }
}

impl CuttableWire {
    /// Lets this number of requests succeed, and makes all later requests fail.
    pub(super) fn cut_after(&self, requests: i64) {
        self.left.store(requests, Ordering::SeqCst);
    }

    /// Lets all requests succeed again.
    pub(super) fn mend(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }

    /// Returns the names of the requests since the last call of this method, such as `Query` and
    /// `PUT`.
    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

impl Intercept for CuttableWire {
    fn name(&self) -> &'static str {
        "CuttableWire"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target");
        let operation = target.and_then(|target| target.rsplit('.').next());
        let operation = operation.unwrap_or(request.method()).to_owned();
        self.sent.lock().unwrap().push(operation);
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err("the wire is cut".into());
        }
        Ok(())
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

fn bucket() -> Bucket {
    Bucket::new(BUCKET).unwrap()
}
