//! How quick the gallery is, and whether it stays so: `cargo run --release -p bench --bin gallery_load -- 1000 1000000`.
//!
//! For each number of photos: a catalogue of them (30 years, 40 cameras, 60 lenses, clustered places) on the embedded
//! DynamoDB over a file, counted by publish; then each route over HTTP, one request after the other, with its median and
//! 99th percentile, its requests to DynamoDB, and the read units that DynamoDB charges for its query (2 for 8 KB,
//! eventually consistent). At the end, 100 clients at once for half a minute. Engine, gallery and clients are one
//! process, whose memory (`VmRSS`, Linux) is told. A million photos take about 14 GB of disk in the folder of temporary
//! files, and twenty minutes to write.

#![expect(clippy::print_stdout, reason = "its report is what it is run for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{
    AttributeValue, PutRequest, ReturnConsumedCapacity, StreamSpecification, WriteRequest,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::item::{IndexKeys, PhotoItem, PhotoPart};
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::catalogue::query::date_sort;
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::dynamodb_engine::DynamoDbEngine;
use photo_catalogue::gallery::{self, CursorKey};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{self, HookRules, Publisher};
use photo_catalogue::storage::Storage;
use photo_catalogue::summary::{ImageKind, PhotoImage, Summary};
use photo_metadata::{
    Camera, CaptureTime, DateSource, Exposure, Lens, Location, LocationPrecision, PhotoMetadata,
    PhotoRecord, TagValue,
};
use s3_folder::{KeyPair, S3Store};
use serde_json::Value;
use tokio::net::TcpListener;

/// As in `photos`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const YEARS: u32 = 30;
const FIRST_YEAR: u32 = 1996;
const CAMERAS: u32 = 40;
const LENSES: u32 = 60;
/// Where most photos are taken: home, and journeys.
const PLACES: u32 = 25;
/// Requests of each route that are timed, after a tenth as many that are not.
const REQUESTS: usize = 500;
const CLIENTS: usize = 100;
const LOAD: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<()> {
    // Two TLS providers are linked, and reqwest asks for one even where no TLS is spoken.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sizes: Vec<u32> = std::env::args()
        .skip(1)
        .map(|size| size.parse())
        .collect::<std::result::Result<_, _>>()?;
    let sizes = if sizes.is_empty() {
        vec![1_000, 100_000]
    } else {
        sizes
    };
    let mut medians: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for size in sizes {
        let world = World::new(size).await?;
        println!("\n{size} photos           median      p99   requests   read units");
        for (route, paths) in world.routes() {
            let measured = world.measure(&paths).await?;
            println!(
                "{route:22} {:>7.2} ms {:>6.2} ms {:>9.2}   {:>10}",
                measured.median,
                measured.p99,
                measured.requests,
                world.read_units(route).await?
            );
            medians.entry(route).or_default().push(measured.median);
        }
        world.load().await?;
    }
    println!("\nMedian of the last size to that of the first");
    for (route, medians) in medians {
        if let (Some(first), Some(last)) = (medians.first(), medians.last()) {
            println!("{route:22} {:.2}", last / first);
        }
    }
    Ok(())
}

/// What a route took.
struct Measured {
    /// Milliseconds.
    median: f64,
    /// Milliseconds.
    p99: f64,
    /// To DynamoDB, a request.
    requests: f64,
}

/// A gallery over a catalogue of a size.
struct World {
    size: u32,
    clients: Clients,
    base: String,
    http: reqwest::Client,
    _data: tempfile::TempDir,
}

impl World {
    async fn new(size: u32) -> Result<Self> {
        let data = tempfile::tempdir()?;
        std::fs::create_dir_all(data.path().join(".engine"))?;
        let store = S3Store::open(data.path())?;
        let s3 = TcpListener::bind("127.0.0.1:0").await?;
        let dynamodb = TcpListener::bind("127.0.0.1:0").await?;
        let endpoints = Endpoints {
            s3: Some(format!("http://{}", s3.local_addr()?)),
            dynamodb: Some(format!("http://{}", dynamodb.local_addr()?)),
        };
        let keys = KeyPair {
            access_key: "photos".to_owned(),
            secret_key: "secret".to_owned(),
        };
        tokio::spawn(store.serve(s3, keys, std::future::pending()));
        let engine = DynamoDbEngine::open(data.path())?;
        // The catalogue is thrown away, and writing it is not what is timed.
        engine.defer_sync()?;
        tokio::spawn(engine.serve(dynamodb, std::future::pending()));
        let clients = clients::connect(&clients::with_key_pair("photos", "secret"), &endpoints);
        let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
        let published = PublishTable::new(clients.dynamodb.clone(), "publish");
        catalogue.create_table().await?;
        published.create_table().await?;
        // The engine looks through all of a stream at every write, and nobody reads it here.
        let none = StreamSpecification::builder().stream_enabled(false);
        let update = clients.dynamodb.update_table().table_name("photos");
        update.stream_specification(none.build()?).send().await?;

        let settings = gallery::GallerySettings {
            privacy: LocationPolicy::Exact.into(),
            photo_base_url: Some("https://photos.example.org".to_owned()),
            photo_base_url_stripped: false,
            cursor_key: CursorKey::new([7; 32]),
            cors_origins: Vec::new(),
            pictures: None,
            now: Arc::new(Utc::now),
        };
        let started = Instant::now();
        fill(&clients, &catalogue, size).await?;
        println!(
            "\n{size} photos written in {:.0} s",
            started.elapsed().as_secs_f64()
        );
        let started = Instant::now();
        let storage = Storage::new(clients.s3.clone());
        count(&catalogue, &published, &storage, &settings).await?;
        println!(
            "counted and published in {:.0} s",
            started.elapsed().as_secs_f64()
        );

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let router = gallery::router(catalogue, published, settings);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(World {
            size,
            clients,
            base,
            http: reqwest::Client::new(),
            _data: data,
        })
    }

    /// The routes, each with requests that ask for ever other photos.
    fn routes(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut random = fastrand::Rng::with_seed(7);
        let mut each = |path: &mut dyn FnMut(&mut fastrand::Rng) -> String| -> Vec<String> {
            (0..REQUESTS + REQUESTS / 10)
                .map(|_| path(&mut random))
                .collect()
        };
        let size = self.size;
        let date = |random: &mut fastrand::Rng| {
            shot(random.u32(..size), size)
                .capture
                .day()
                .unwrap_or_default()
        };
        vec![
            ("newest", each(&mut |_| "/v1/photos".to_owned())),
            (
                "a day",
                each(&mut |random| {
                    let date = date(random);
                    format!("/v1/photos?from={date}&to={date}")
                }),
            ),
            (
                "a month",
                each(&mut |random| {
                    let month = date(random).format("%Y-%m");
                    format!("/v1/photos?from={month}-01&to={month}-28")
                }),
            ),
            (
                "a camera",
                each(&mut |random| format!("/v1/photos?camera=camera-{}", random.u32(..CAMERAS))),
            ),
            (
                "a camera, some years",
                each(&mut |random| {
                    let year = FIRST_YEAR + random.u32(..YEARS - 5);
                    format!(
                        "/v1/photos?camera=camera-{}&from={year}-01-01&order=oldest",
                        random.u32(..CAMERAS)
                    )
                }),
            ),
            (
                "a lens",
                each(&mut |random| format!("/v1/photos?lens=lens-{}", random.u32(..LENSES))),
            ),
            (
                "a box",
                each(&mut |random| {
                    let (lat, lon) = place(random.u32(..PLACES));
                    format!(
                        "/v1/photos?bbox={},{},{},{}",
                        lon - 0.02,
                        lat - 0.02,
                        lon + 0.02,
                        lat + 0.02
                    )
                }),
            ),
            (
                "a photo",
                each(&mut |random| {
                    format!(
                        "/v1/photos/{}",
                        PhotoId::from_stem(&stem(&shot(random.u32(..size), size)))
                    )
                }),
            ),
            (
                "timeline by month",
                each(&mut |_| "/v1/timeline".to_owned()),
            ),
            (
                "timeline by day",
                each(&mut |_| "/v1/timeline?unit=day".to_owned()),
            ),
            ("cameras", each(&mut |_| "/v1/cameras".to_owned())),
            ("map of the world", each(&mut |_| "/v1/map".to_owned())),
        ]
    }

    async fn measure(&self, paths: &[String]) -> Result<Measured> {
        let (first, rest) = paths.split_at(paths.len() - REQUESTS);
        for path in first {
            self.get(path).await?;
        }
        let before = self.clients.dynamodb_requests.count();
        let mut took = Vec::with_capacity(REQUESTS);
        for path in rest {
            let started = Instant::now();
            self.get(path).await?;
            took.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let requests = (self.clients.dynamodb_requests.count() - before) as f64;
        took.sort_by(f64::total_cmp);
        Ok(Measured {
            median: took[took.len() / 2],
            p99: took[took.len() * 99 / 100],
            requests: requests / took.len() as f64,
        })
    }

    async fn get(&self, path: &str) -> Result<usize> {
        let response = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(response.error_for_status()?.bytes().await?.len())
    }

    /// What DynamoDB charges for the query behind a page, where that is one.
    async fn read_units(&self, route: &str) -> Result<String> {
        let (index, attribute, partition) = match route {
            "newest" => (
                "by-date",
                "datePartition",
                (FIRST_YEAR + YEARS - 1).to_string(),
            ),
            "a camera" => ("by-camera", "cameraPartition", "camera-1".to_owned()),
            "a lens" => ("by-lens", "lensPartition", "lens-1".to_owned()),
            _ => return Ok(String::new()),
        };
        let query = self
            .clients
            .dynamodb
            .query()
            .table_name("photos")
            .index_name(index);
        let query = query
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":partition", AttributeValue::S(partition))
            .limit(51)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let units = query
            .send()
            .await?
            .consumed_capacity
            .and_then(|capacity| capacity.capacity_units);
        Ok(units.map_or(String::new(), |units| units.to_string()))
    }

    /// All routes by many at once.
    async fn load(&self) -> Result<()> {
        let paths: Vec<String> = self
            .routes()
            .into_iter()
            .flat_map(|(_, paths)| paths)
            .collect();
        let before = memory("VmRSS:")?;
        let until = Instant::now() + LOAD;
        let clients = (0..CLIENTS).map(|client| {
            let paths = &paths;
            async move {
                let mut random = fastrand::Rng::with_seed(client as u64);
                let (mut answered, mut failed) = (0_u64, 0_u64);
                while Instant::now() < until {
                    let path = &paths[random.usize(..paths.len())];
                    match self.get(path).await {
                        Ok(_) => answered += 1,
                        Err(error) => {
                            if failed == 0 {
                                println!("failed: {path}: {error}");
                            }
                            failed += 1;
                        }
                    }
                }
                (answered, failed)
            }
        });
        let done = futures::future::join_all(clients).await;
        let answered: u64 = done.iter().map(|(answered, _)| answered).sum();
        let failed: u64 = done.iter().map(|(_, failed)| failed).sum();
        println!(
            "{CLIENTS} clients for {} s: {:.0} answers a second, {failed} failed; memory {before} MB before, {} MB after, {} MB at most since the start",
            LOAD.as_secs(),
            answered as f64 / LOAD.as_secs_f64(),
            memory("VmRSS:")?,
            memory("VmHWM:")?,
        );
        Ok(())
    }
}

async fn fill(clients: &Clients, catalogue: &Catalogue, size: u32) -> Result<()> {
    for year in FIRST_YEAR..FIRST_YEAR + YEARS {
        catalogue.ensure_date_partition(&year.to_string()).await?;
    }
    let numbers: Vec<u32> = (0..size).collect();
    stream::iter(numbers.chunks(25))
        .map(|numbers| async move {
            let puts = numbers.iter().map(|n| {
                let item = serde_dynamo::to_item(item(*n, size))?;
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                Ok(WriteRequest::builder().put_request(put).build())
            });
            let puts = puts.collect::<Result<Vec<_>>>()?;
            let write = clients
                .dynamodb
                .batch_write_item()
                .request_items("photos", puts);
            write.send().await?;
            Ok(())
        })
        .buffer_unordered(4)
        .try_for_each(|()| async { Ok(()) })
        .await
}

/// Counts every month, as ticks do.
async fn count(
    catalogue: &Catalogue,
    published: &PublishTable,
    storage: &Storage,
    settings: &gallery::GallerySettings,
) -> Result<()> {
    storage.create_bucket("site").await?;
    let settings = publish::PublishSettings {
        bucket: "site".to_owned(),
        prefix: "gallery/".to_owned(),
        view: settings.public_view(),
        compress: true,
        hook: None,
        rules: HookRules::default(),
    };
    let publish = Publisher::new(
        catalogue.clone(),
        published.clone(),
        storage.clone(),
        settings,
    );
    let mut now = DateTime::from_timestamp(1_800_000_000, 0).ok_or("a time")?;
    publish::mark_all_months(catalogue, published, now).await?;
    while !published.dirty_months().await?.is_empty() {
        now += TimeDelta::seconds(600);
        publish.run_cycle(now, LONG).await?;
    }
    Ok(())
}

fn place(n: u32) -> (f64, f64) {
    let mut random = fastrand::Rng::with_seed(u64::from(n));
    (random.f64() * 120.0 - 60.0, random.f64() * 340.0 - 170.0)
}

fn stem(record: &PhotoRecord) -> String {
    let capture = &record.capture;
    let date = capture.day().map(|day| day.to_string());
    let name: String = capture
        .local_text()
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    format!("{}/DSC_{name}", date.unwrap_or_default())
}

/// Photo `n` of so many, in order of capture: each is taken so much later than the one before.
fn shot(n: u32, size: u32) -> PhotoRecord {
    let mut random = fastrand::Rng::with_seed(u64::from(n) + 1_000);
    let span = i64::from(YEARS) * 365 * 86_400 * 1_000;
    let start = DateTime::from_timestamp(820_454_400, 0).unwrap_or_default();
    let local = start + TimeDelta::milliseconds(span / i64::from(size) * i64::from(n));
    let (lat, lon) = place(random.u32(..PLACES).min(random.u32(..PLACES)));
    let (camera, lens) = (random.u32(..CAMERAS), random.u32(..LENSES));
    PhotoRecord {
        capture: CaptureTime::new(local.naive_utc(), DateSource::DateTimeOriginal, None),
        width: Some(6000),
        height: Some(4000),
        camera: Some(Camera {
            slug: format!("camera-{camera}"),
            name: format!("Camera {camera}"),
            make: Some("Maker".to_owned()),
            model: Some(format!("Camera {camera}")),
        }),
        lens: Some(Lens {
            slug: format!("lens-{lens}"),
            name: format!("Lens {lens} 24-70mm f/2.8"),
            make: None,
            model: Some(format!("Lens {lens} 24-70mm f/2.8")),
        }),
        exposure: Exposure {
            time: Some("1/250".to_owned()),
            seconds: Some(0.004),
            f_number: Some(2.8),
            iso: Some(100 * random.u32(1..64)),
            focal_length: Some(50.0),
            ..Exposure::default()
        },
        location: Some(Location {
            lat: lat + random.f64() * 0.1 - 0.05,
            lon: lon + random.f64() * 0.1 - 0.05,
            alt: Some(31.0),
            precision: LocationPrecision::Exact,
            ..Location::default()
        }),
        artist: Some("A. Photographer".to_owned()),
        ..PhotoRecord::default()
    }
}

/// The item of a photo as ingest writes it, with as many tags as a camera writes.
fn item(n: u32, size: u32) -> PhotoItem {
    let photo = shot(n, size);
    let stem = stem(&photo);
    let mut item = PhotoItem::stub(&stem, "owner");
    item.revision = 1;
    let part = PhotoPart {
        key: format!("{stem}.JPG"),
        etag: "0123456789abcdef0123456789abcdef".to_owned(),
        last_modified: "2026-01-01T00:00:00Z".to_owned(),
        bytes: 8_000_000 + u64::from(n),
        mime: "image/jpeg".to_owned(),
        width: photo.width,
        height: photo.height,
        ..PhotoPart::default()
    };
    let image = PhotoImage {
        key: part.key.clone(),
        width: part.width,
        height: part.height,
        mime: part.mime.clone(),
        bytes: part.bytes,
        kind: ImageKind::Original,
    };
    let summary = Summary::new(&item.id, &stem, 1, photo.clone(), vec![image]);
    let geohash = photo
        .location
        .as_ref()
        .and_then(|location| location.geohash(9))
        .unwrap_or_default();
    let slug = |slug: Option<&String>| slug.cloned();
    item.index = IndexKeys {
        date_partition: photo.capture.day().map(|day| day.format("%Y").to_string()),
        date_sort: Some(date_sort(&photo.capture, &summary.name, &summary.id)),
        camera_partition: slug(photo.camera.as_ref().map(|camera| &camera.slug)),
        lens_partition: slug(photo.lens.as_ref().map(|lens| &lens.slug)),
        place_partition: Some(geohash[..4].to_owned()),
        place_sort: Some(format!("{geohash}#{}", item.id)),
    };
    let tags = (0..60).map(|tag| (format!("Tag{tag:02}"), TagValue::Integer(tag)));
    item.exif.insert("ExifIFD".to_owned(), tags.collect());
    item.parts.insert("JPG".to_owned(), part);
    item.summary = Some(summary);
    item.photo = PhotoMetadata {
        record: photo,
        orientation: Some(1),
        ..PhotoMetadata::default()
    };
    item
}

/// A line of `/proc/self/status`, MB.
fn memory(name: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes: Value = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no such line")?
        .parse()?;
    Ok(kilobytes.as_u64().unwrap_or_default() / 1024)
}
