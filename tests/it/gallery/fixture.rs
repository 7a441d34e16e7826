//! A gallery on an embedded DynamoDB server, and photos for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use chrono::DateTime;
use dynamodb_engine::DynamoDbEngine;
use local_http::AllowedOrigins;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::date_partition::DatePartition;
use photo_catalogue::catalogue::item::{IndexKeys, Overrides, PhotoItem, PhotoPart};
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::catalogue::query::date_sort;
use photo_catalogue::gallery::{CursorKey, GallerySettings, router};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::pictures::{PictureSet, RenditionFile};
use photo_catalogue::privacy::{LocationPolicy, Visibility};
use photo_catalogue::summary::Summary;
use photo_metadata::{
    Camera, CaptureTime, DateSource, FileLabels, Lens, Location, PartialDateTime, PhotoMetadata,
    PhotoRecord, Place, TagValue,
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::engines::serve_dynamodb;

const TABLE: &str = "photos";
const PUBLISH_TABLE: &str = "publish";
/// The maximum number of pages that a test reads of one list. A list with more pages fails the
/// test.
pub(crate) const MAX_PAGES: usize = 300;
/// The time at which the tests begin, in seconds since 1970: noon on 2026-01-01 in UTC.
const START: i64 = 1_767_268_800;

/// A running gallery over an embedded DynamoDB server, with a simulated clock.
pub(crate) struct GalleryFixture {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) client: Client,
    now: Arc<AtomicI64>,
    queries: Arc<AtomicU32>,
}

/// An interceptor that counts the Query requests of the SDK.
#[derive(Debug)]
struct QueryCounter(Arc<AtomicU32>);

impl Intercept for QueryCounter {
    fn name(&self) -> &'static str {
        "QueryCounter"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target");
        if target.is_some_and(|target| target.ends_with(".Query")) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

impl GalleryFixture {
    /// Starts a gallery with an empty catalogue. The gallery hides all locations.
    pub(crate) async fn new() -> Self {
        GalleryFixture::with(|_| {}).await
    }

    /// Starts a gallery with an empty catalogue. The function `change` changes the settings before
    /// the start.
    pub(crate) async fn with(change: impl FnOnce(&mut GallerySettings)) -> Self {
        let client = client(&embedded_dynamodb().await);
        let catalogue = Catalogue::new(client.clone(), TABLE);
        catalogue
            .create_table()
            .await
            .expect("the table is created");
        let published = PublishTable::new(client.clone(), PUBLISH_TABLE);
        published
            .create_table()
            .await
            .expect("the table is created");
        GalleryFixture::over(client, change).await
    }

    /// Starts a gallery over this DynamoDB client, whose server may be unreachable. The function
    /// `change` changes the settings before the start.
    pub(crate) async fn over(client: Client, change: impl FnOnce(&mut GallerySettings)) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&now);
        let mut settings = GallerySettings {
            privacy: LocationPolicy::Hide.into(),
            gallery_url: None,
            album_folders: "albums/".parse().expect("a prefix"),
            cursor_key: CursorKey::new([7; 32]),
            cors_origins: AllowedOrigins::OwnOnly,
            static_files: None,
            originals: None,
            now: Arc::new(move || {
                DateTime::from_timestamp(clock.load(Ordering::SeqCst), 0).expect("a time")
            }),
        };
        change(&mut settings);
        let queries = Arc::new(AtomicU32::new(0));
        let counted = client
            .config()
            .to_builder()
            .interceptor(QueryCounter(Arc::clone(&queries)));
        let counted = Client::from_conf(counted.build());
        let published = PublishTable::new(counted.clone(), PUBLISH_TABLE);
        let router = router(Catalogue::new(counted, TABLE), published, settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        GalleryFixture {
            base,
            http: crate::http_client(),
            client,
            now,
            queries,
        }
    }

    /// Requests a path. Returns the JSON of the response, and the number of Query requests that the
    /// gallery sent to DynamoDB for it.
    pub(crate) async fn json_and_queries(&self, path: &str) -> (Value, u32) {
        let before = self.queries.load(Ordering::SeqCst);
        let json = self.json(path).await;
        (json, self.queries.load(Ordering::SeqCst) - before)
    }

    /// Moves the simulated clock forward by this number of days.
    pub(crate) fn pass_days(&self, days: i64) {
        self.now.fetch_add(days * 86_400, Ordering::SeqCst);
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .expect("an answer")
    }

    /// Requests a path, and returns the JSON of the response. The status must be 200.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.expect("JSON")
    }

    /// Returns the names of all photos in the list at a path, from its first page to its last.
    pub(crate) async fn names(&self, path: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut page = self.json(path).await;
        // A list without an end must fail the test and not block it.
        for _ in 0..MAX_PAGES {
            let items = page["items"].as_array().expect("items");
            names.extend(
                items
                    .iter()
                    .map(|item| item["name"].as_str().expect("a name").to_owned()),
            );
            let Some(cursor) = page["next"].as_str() else {
                return names;
            };
            let separator = if path.contains('?') { '&' } else { '?' };
            page = self
                .json(&format!("{path}{separator}cursor={cursor}"))
                .await;
        }
        panic!("{path}: more than {MAX_PAGES} pages")
    }

    /// Adds a photo to the catalogue in the same way as ingest: first its date partition, then its
    /// item.
    pub(crate) async fn add(&self, shot: &Shot) -> PhotoItem {
        let item = shot.item();
        if let Some(partition) = item.index.date_partition {
            let catalogue = Catalogue::new(self.client.clone(), TABLE);
            catalogue
                .ensure_date_partition(partition)
                .await
                .expect("the year is written");
        }
        self.put(&item).await;
        item
    }

    pub(crate) async fn put(&self, item: &PhotoItem) {
        let item = serde_dynamo::to_item(item).expect("an item");
        self.client
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item))
            .send()
            .await
            .expect("the item is written");
    }

    pub(crate) async fn delete(&self, pk: &str) {
        let delete = self
            .client
            .delete_item()
            .table_name(TABLE)
            .key("pk", text(pk));
        delete.send().await.expect("the item is deleted");
    }
}

/// A description of a photo that a test puts into the catalogue.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shot {
    pub(crate) name: String,
    /// The capture time, such as `2018-02-01T09:41:07.670`, or a part of it, such as `2018-02`.
    /// `None` for a photo without a date.
    pub(crate) local: Option<String>,
    pub(crate) camera: Option<String>,
    pub(crate) lens: Option<String>,
    pub(crate) private: bool,
    /// The longitude and the latitude of the photo. The default is the home of the fictional
    /// photographer.
    pub(crate) place: Option<(f64, f64)>,
    /// The location policy under which the index keys of the photo are derived.
    pub(crate) policy: LocationPolicy,
    pub(crate) title: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) rating: Option<i8>,
    /// The city and the country.
    pub(crate) city: Option<(String, String)>,
    /// The time at which the photo became public, in seconds since 1970. `None` for the same time
    /// for all photos.
    pub(crate) added: Option<i64>,
    /// The names of the folders of uploads that are albums.
    pub(crate) folders: Vec<String>,
}

impl Shot {
    pub(crate) fn new(name: &str, local: &str) -> Self {
        Shot {
            name: name.to_owned(),
            local: Some(local.to_owned()),
            ..Shot::default()
        }
    }

    pub(crate) fn undated(name: &str) -> Self {
        Shot {
            name: name.to_owned(),
            ..Shot::default()
        }
    }

    /// Returns the time by which the photo is sorted. Unknown parts are those of the start of the
    /// year, the month or the day.
    pub(crate) fn start(&self) -> Option<String> {
        let local = self.local.as_ref()?;
        let start = "0000-01-01T00:00:00";
        Some(format!(
            "{local}{}",
            start.get(local.len()..).unwrap_or_default()
        ))
    }

    pub(crate) fn camera(mut self, slug: &str) -> Self {
        self.camera = Some(slug.to_owned());
        self
    }

    pub(crate) fn lens(mut self, slug: &str) -> Self {
        self.lens = Some(slug.to_owned());
        self
    }

    pub(crate) fn private(mut self) -> Self {
        self.private = true;
        self
    }

    pub(crate) fn place(mut self, lon: f64, lat: f64, policy: LocationPolicy) -> Self {
        (self.place, self.policy) = (Some((lon, lat)), policy);
        self
    }

    pub(crate) fn stem(&self) -> String {
        let local = self.local.as_deref();
        let folder = local.map_or("undated", |local| &local[..local.len().min(10)]);
        format!("{folder}/{}", self.name)
    }

    /// Returns the catalogue item of the photo, as ingest would store it.
    pub(crate) fn item(&self) -> PhotoItem {
        let stem = self.stem();
        let id = PhotoId::from_stem(&stem).to_string();
        let photo = self.metadata();
        let part = jpeg_part(format!("archive/{stem}.jpg"));
        let mut item = PhotoItem::stub(&stem);
        item.revision = 1;
        item.parts = BTreeMap::from([("jpg".to_owned(), part)]);
        let mut summary = Summary::new(&id, &stem, 1, photo.record.clone());
        summary.labels = Some(FileLabels::default());
        summary.pictures = Some(Box::new(pictures()));
        summary.folders.clone_from(&self.folders);
        let added = self.added.unwrap_or(1_767_323_045);
        item.added_at = DateTime::from_timestamp(added, 0);
        (summary.added_at, summary.changed_at) = (item.added_at, item.added_at);
        item.summary = Some(summary);
        item.index = self.index_keys(&photo.record, &id);
        item.photo = photo;
        item.exif = BTreeMap::from([("ExifIFD".to_owned(), exif_tags())]);
        if self.private {
            item.overrides = Overrides {
                visibility: Some(Visibility::Private),
                ..Overrides::default()
            };
        }
        item
    }

    fn metadata(&self) -> PhotoMetadata {
        let capture = self
            .local
            .as_ref()
            .map_or_else(CaptureTime::default, |local| {
                let local: PartialDateTime = local.parse().expect("a local time");
                CaptureTime::new(local, DateSource::DateTimeOriginal, None)
            });
        let (lon, lat) = self.place.unwrap_or((-73.645_678, 45.471_234));
        let record = PhotoRecord {
            capture,
            width: Some(4000),
            height: Some(3000),
            camera: self.camera.as_ref().map(|slug| Camera {
                slug: slug.clone(),
                name: slug.clone(),
                ..Camera::default()
            }),
            lens: self.lens.as_ref().map(|slug| Lens {
                slug: slug.clone(),
                name: slug.clone(),
                ..Lens::default()
            }),
            location: Some(Location {
                lat,
                lon,
                ..Location::default()
            }),
            title: self.title.clone(),
            keywords: self.keywords.clone(),
            rating: self.rating,
            place: self.city.as_ref().map(|(city, country)| Place {
                city: Some(city.clone()),
                country: Some(country.clone()),
                ..Place::default()
            }),
            ..PhotoRecord::default()
        };
        PhotoMetadata {
            record,
            body_serial: Some("SECRET-SERIAL".to_owned()),
            ..PhotoMetadata::default()
        }
    }

    fn index_keys(&self, record: &PhotoRecord, id: &str) -> IndexKeys {
        let place = record
            .location
            .as_ref()
            .and_then(|location| self.policy.redact_location(location))
            .filter(|_| !self.private)
            .and_then(|location| location.geohash(9));
        IndexKeys {
            date_partition: Some(DatePartition {
                visibility: if self.private {
                    Visibility::Private
                } else {
                    Visibility::Public
                },
                year: self.local.as_ref().map(|local| local[..4].parse().unwrap()),
            }),
            date_sort: Some(date_sort(&record.capture, &self.name, id)),
            camera_partition: self.camera.clone().filter(|_| !self.private),
            lens_partition: self.lens.clone().filter(|_| !self.private),
            place_partition: place.as_ref().map(|place| place[..4].to_owned()),
            place_sort: place.as_ref().map(|place| format!("{place}#{id}")),
        }
    }
}

fn jpeg_part(key: String) -> PhotoPart {
    PhotoPart {
        key,
        etag: "e1".to_owned(),
        mime: "image/jpeg".to_owned(),
        bytes: 1234,
        labels: Some(FileLabels::default()),
        ..PhotoPart::default()
    }
}

/// Returns the pictures of every photo.
fn pictures() -> PictureSet {
    let file = |width, height, bytes| RenditionFile {
        width,
        height,
        bytes,
    };
    PictureSet {
        token: "k3ab7qxn2m5zc4hv6tyw1rsdfg".to_owned(),
        width: 6000,
        height: 4000,
        files: vec![file(2048, 1365, 263_687), file(320, 213, 20_480)],
        original: None,
        placeholder: "1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned(),
        color: "#6b5a48".to_owned(),
    }
}

fn exif_tags() -> BTreeMap<String, TagValue> {
    BTreeMap::from([
        (
            "FNumber".to_owned(),
            TagValue::Rational {
                value: 2.8,
                fraction: "28/10".to_owned(),
            },
        ),
        (
            "SerialNumber".to_owned(),
            TagValue::Text("SECRET-SERIAL".to_owned()),
        ),
    ])
}

pub(crate) async fn embedded_dynamodb() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let engine = DynamoDbEngine::open_in_memory().expect("a database");
    serve_dynamodb(listener, engine);
    endpoint
}

pub(crate) fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "secret", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}
