//! Both embedded engines over HTTP, ingest with the notifications of the store, and a record of the
//! requests that ingest sends.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::MetadataDirective;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use chrono::Utc;
use dynamodb_engine::DynamoDbEngine;
use futures::TryStreamExt;
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::item::{LedgerEntry, PhotoItem, photo_pk};
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::ingest::{Ingest, KeyReport, Outcome, SourceAfter};
use photo_catalogue::object::{Bucket, ObjectRef};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::{CopySettings, Storage};
use s3_folder::{NotificationFilter, S3Store};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::engines::{serve_dynamodb, serve_s3};
use crate::serve::process::Elsewhere;

pub(crate) const SOURCE: &str = "inbox";
pub(crate) const ARCHIVE: &str = "archive";

/// Returns a reference to an object of the source bucket.
pub(crate) fn source_object(key: &str) -> ObjectRef {
    Bucket::new(SOURCE).unwrap().object(key)
}

/// Returns a reference to an object of the archive bucket.
pub(crate) fn archive_object(key: &str) -> ObjectRef {
    Bucket::new(ARCHIVE).unwrap().object(key)
}

const TABLE: &str = "photos";
/// The maximum time that a test waits for something that should take milliseconds.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The world of an ingest test: the embedded engines, ingest over them, and an S3 client with which
/// the test acts as the user.
pub(crate) struct IngestWorld {
    pub(crate) store: S3Store,
    /// The S3 client with which a test acts as the user. The recorder in the field `wire` does not
    /// record the requests of this client.
    pub(crate) s3: Client,
    pub(crate) ingest: Ingest,
    pub(crate) catalogue: Catalogue,
    pub(crate) layout: Layout,
    /// The URL of the object store.
    pub(crate) s3_endpoint: String,
    /// The URL of the embedded DynamoDB server.
    pub(crate) dynamodb: String,
    pub(crate) wire: RequestRecorder,
    /// All events that were delivered to ingest.
    pub(crate) events: Arc<Mutex<Vec<Value>>>,
    /// The outcomes of all processed keys: key and outcome, in the order in which the work ended.
    pub(crate) outcomes: Arc<Mutex<Vec<(String, Outcome)>>>,
    _data: tempfile::TempDir,
}

fn record_outcome(outcomes: &Mutex<Vec<(String, Outcome)>>, report: &KeyReport<'_>) {
    if let Ok(outcome) = report.result {
        let ended = (report.object.key.clone(), outcome.clone());
        outcomes.lock().unwrap().push(ended);
    }
}

/// Returns a layout with two buckets and no prefixes.
pub(crate) fn layout() -> Layout {
    Layout::new(SOURCE, "", ARCHIVE, "").unwrap()
}

impl IngestWorld {
    /// Starts a world with two buckets and without prefixes. Notifications of the store are
    /// delivered to ingest.
    pub(crate) async fn new() -> Self {
        let world = IngestWorld::without_delivery(layout()).await;
        world.start_delivery();
        world
    }

    /// Starts a world with this layout. Notifications are not delivered until the test starts the
    /// delivery.
    pub(crate) async fn without_delivery(layout: Layout) -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = S3Store::open(data.path()).unwrap();
        let (s3_listener, s3_endpoint) = listen().await;
        serve_s3(s3_listener, &store);
        let (dynamodb_listener, dynamodb_endpoint) = listen().await;
        let engine = DynamoDbEngine::open_in_memory().unwrap();
        serve_dynamodb(dynamodb_listener, engine);

        let endpoints = Endpoints {
            s3: Some(s3_endpoint.clone()),
            dynamodb: Some(dynamodb_endpoint.clone()),
        };
        let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
        for bucket in [layout.source_bucket(), layout.archive_bucket()] {
            Storage::new(clients.s3.clone())
                .create_bucket(bucket)
                .await
                .unwrap();
        }
        store.set_notification_filters(&[
            NotificationFilter::new(
                layout.source_bucket().as_str(),
                layout.source_prefix().as_str(),
            ),
            NotificationFilter::new(
                layout.archive_bucket().as_str(),
                layout.archive_prefix().as_str(),
            ),
        ]);
        let wire = RequestRecorder::default();
        let s3 = clients.s3.config().to_builder().interceptor(wire.clone());
        let dynamodb = clients
            .dynamodb
            .config()
            .to_builder()
            .interceptor(wire.clone());
        let catalogue =
            Catalogue::new(aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), TABLE);
        catalogue.create_table().await.unwrap();
        wire.take();
        let outcomes: Arc<Mutex<Vec<(String, Outcome)>>> = Arc::default();
        let recorded = Arc::clone(&outcomes);
        let ingest = Ingest::new(
            Storage::new(Client::from_conf(s3.build())),
            catalogue.clone(),
            layout.clone(),
            LocationPolicy::Exact,
            Arc::new(Utc::now),
        )
        .with_observer(move |report| record_outcome(&recorded, report));
        IngestWorld {
            store,
            s3: clients.s3,
            ingest,
            // This is a separate client, so that the tests' own reads are not recorded.
            catalogue: Catalogue::new(clients.dynamodb, TABLE),
            layout,
            s3_endpoint,
            dynamodb: dynamodb_endpoint,
            wire,
            events: Arc::default(),
            outcomes,
            _data: data,
        }
    }

    /// Builds a client for the object store at this URL.
    pub(crate) fn s3_client(&self, s3: &str) -> Client {
        let endpoints = Endpoints {
            s3: Some(s3.to_owned()),
            dynamodb: None,
        };
        clients::connect(&clients::with_key_pair("test", "secret"), &endpoints).s3
    }

    /// Builds another ingest service over the same store and table, with these settings.
    pub(crate) fn ingest_with(&self, copying: CopySettings, source_after: SourceAfter) -> Ingest {
        Ingest::new(
            Storage::new(self.s3.clone()).with_copy_settings(copying),
            self.catalogue.clone(),
            self.layout.clone(),
            LocationPolicy::Exact,
            Arc::new(Utc::now),
        )
        .with_source_after(source_after)
    }

    /// Builds another ingest service over the stores at these URLs. It uses the program's own
    /// clients, which retry failed requests.
    pub(crate) fn ingest_over(&self, s3: &str, dynamodb: &str) -> Ingest {
        let endpoints = Endpoints {
            s3: Some(s3.to_owned()),
            dynamodb: Some(dynamodb.to_owned()),
        };
        let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
        let recorded = Arc::clone(&self.outcomes);
        Ingest::new(
            Storage::new(clients.s3),
            Catalogue::new(clients.dynamodb, TABLE),
            self.layout.clone(),
            LocationPolicy::Exact,
            Arc::new(Utc::now),
        )
        .with_observer(move |report| record_outcome(&recorded, report))
    }

    /// Starts to deliver the store's notifications to ingest.
    pub(crate) fn start_delivery(&self) {
        let (store, ingest, events) = (
            self.store.clone(),
            self.ingest.clone(),
            Arc::clone(&self.events),
        );
        let handler = move |event: Value| {
            events.lock().unwrap().push(event.clone());
            let ingest = ingest.clone();
            async move {
                ingest
                    .handle_event(&event)
                    .await
                    .map_err(|error| error.to_string())
            }
        };
        tokio::spawn(async move {
            store
                .deliver_notifications(2, handler, std::future::pending())
                .await
        });
    }

    /// Returns the URLs of the stores, for another process.
    pub(crate) fn elsewhere(&self) -> Elsewhere {
        Elsewhere {
            s3: self.s3_endpoint.clone(),
            dynamodb: self.dynamodb.clone(),
            key_pair: ("test", "secret"),
        }
    }

    pub(crate) async fn upload(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.put(&source_object(key), bytes.into()).await;
    }

    /// Puts a file into the archive, as a person does.
    pub(crate) async fn put_archived(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.put(&archive_object(key), bytes.into()).await;
    }

    pub(crate) async fn put(&self, object: &ObjectRef, bytes: Vec<u8>) {
        let put = self.s3.put_object().bucket(object.bucket.as_str());
        let put = put.key(&object.key).body(ByteStream::from(bytes));
        put.send().await.unwrap();
    }

    /// Copies an archived file to another archive key, or to the same one, with changed user
    /// metadata.
    pub(crate) async fn copy_archived(
        &self,
        from: &str,
        to: &str,
        change: impl FnOnce(&mut HashMap<String, String>),
    ) {
        let head = self.s3.head_object().bucket(ARCHIVE).key(from);
        let mut metadata = head.send().await.unwrap().metadata.unwrap();
        change(&mut metadata);
        let copy = self.s3.copy_object().bucket(ARCHIVE).key(to);
        copy.copy_source(format!("{ARCHIVE}/{from}"))
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(metadata))
            .send()
            .await
            .unwrap();
    }

    /// Deletes a file of the archive, as a person does.
    pub(crate) async fn delete_archived(&self, key: &str) {
        self.delete(&archive_object(key)).await;
    }

    pub(crate) async fn delete(&self, object: &ObjectRef) {
        let delete = self.s3.delete_object().bucket(object.bucket.as_str());
        delete.key(&object.key).send().await.unwrap();
    }

    /// Delivers all events so far again, from the first to the last, and then in the reverse order.
    pub(crate) async fn deliver_all_again(&self) {
        let events = self.events.lock().unwrap().clone();
        for event in events.iter().chain(events.iter().rev()) {
            let answer = self.ingest.handle_event(event).await.unwrap();
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
    }

    /// Waits until ingest has processed and acknowledged every notification.
    pub(crate) async fn wait_until_delivered(&self) {
        let start = std::time::Instant::now();
        while self.store.count_undelivered() > 0 {
            assert!(
                start.elapsed() < MAX_WAIT,
                "{} notifications are left",
                self.store.count_undelivered()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(self.store.count_dead_letters(), 0);
    }

    /// Returns the bytes of all archived files, by key.
    pub(crate) async fn archived_files(&self) -> BTreeMap<String, Vec<u8>> {
        let (bucket, prefix) = (self.layout.archive_bucket(), self.layout.archive_prefix());
        self.read_objects(bucket.as_str(), prefix.as_str()).await
    }

    pub(crate) async fn read_objects(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> BTreeMap<String, Vec<u8>> {
        let mut objects = BTreeMap::new();
        for key in self.list_etags(bucket, prefix).await.into_keys() {
            let got = self.s3.get_object().bucket(bucket).key(&key);
            let bytes = got.send().await.unwrap().body.collect().await.unwrap();
            objects.insert(key, bytes.to_vec());
        }
        objects
    }

    /// Lists the objects under a prefix of a bucket. Returns their ETags, by key.
    pub(crate) async fn list_etags(&self, bucket: &str, prefix: &str) -> BTreeMap<String, String> {
        let storage = Storage::new(self.s3.clone());
        let objects = storage.list_objects(&Bucket::new(bucket).unwrap(), prefix);
        let etags = objects.map_ok(|listed| (listed.key, listed.etag));
        etags.try_collect().await.unwrap()
    }

    /// Returns the keys of all objects in the archive bucket.
    pub(crate) async fn archive_keys(&self) -> Vec<String> {
        self.archived_files().await.into_keys().collect()
    }

    /// Returns the catalogue item with this stem.
    pub(crate) async fn item(&self, stem: &str) -> Option<PhotoItem> {
        self.catalogue
            .item(&PhotoId::from_stem(stem))
            .await
            .unwrap()
    }

    /// Returns the names of the live parts of the item with this stem.
    pub(crate) async fn live_parts(&self, stem: &str) -> Vec<String> {
        let item = self.item(stem).await.unwrap_or_default();
        let live = item.parts.into_iter().filter(|(_, part)| part.is_live());
        live.map(|(name, _)| name).collect()
    }

    /// Writes an item into the table without any check.
    pub(crate) async fn put_item(&self, item: &PhotoItem) {
        let item = serde_dynamo::to_item(item).unwrap();
        let put = self.dynamodb_client().put_item().table_name(TABLE);
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// Deletes the catalogue item with this stem.
    pub(crate) async fn delete_item(&self, stem: &str) {
        let pk = AttributeValue::S(photo_pk(&PhotoId::from_stem(stem)));
        let delete = self.dynamodb_client().delete_item().table_name(TABLE);
        delete.key("pk", pk).send().await.unwrap();
    }

    fn dynamodb_client(&self) -> aws_sdk_dynamodb::Client {
        let endpoints = Endpoints {
            s3: None,
            dynamodb: Some(self.dynamodb.clone()),
        };
        clients::connect(&clients::with_key_pair("test", "secret"), &endpoints).dynamodb
    }

    pub(crate) async fn ledger_entry(&self, key: &str) -> Option<LedgerEntry> {
        self.catalogue
            .ledger_entry(&self.layout.source_bucket().object(key))
            .await
            .unwrap()
    }

    /// Returns the outcomes since the last call, each with its key.
    pub(crate) fn take_outcomes(&self) -> Vec<(String, Outcome)> {
        std::mem::take(&mut self.outcomes.lock().unwrap())
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

/// An SDK interceptor that records the requests of the clients that use it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestRecorder(Arc<Mutex<RequestLog>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct RequestLog {
    /// The requests, such as `s3 GET` or `dynamodb PutItem`, in the order in which they were sent.
    pub(crate) requests: Vec<String>,
    /// The number of bytes in the responses to `s3 GET`.
    pub(crate) bytes_read: u64,
}

impl RequestLog {
    /// Returns the number of requests of each kind.
    pub(crate) fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for request in &self.requests {
            *counts.entry(request.as_str()).or_default() += 1;
        }
        counts
    }
}

impl RequestRecorder {
    /// Returns the requests that were recorded since the last call of this method.
    pub(crate) fn take(&self) -> RequestLog {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Intercept for RequestRecorder {
    fn name(&self) -> &'static str {
        "RequestRecorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let name = match request.headers().get("x-amz-target") {
            Some(target) => format!("dynamodb {}", target.rsplit('.').next().unwrap_or_default()),
            None if request.headers().contains_key("x-amz-copy-source") => "s3 COPY".to_owned(),
            None => format!("s3 {}", request.method()),
        };
        self.0.lock().unwrap().requests.push(name);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        let length = headers.get("content-length").map(str::parse::<u64>);
        // Every GET of ingest has a range, and no other request has one.
        if let (true, Some(Ok(length))) = (headers.contains_key("content-range"), length) {
            self.0.lock().unwrap().bytes_read += length;
        }
        Ok(())
    }
}
