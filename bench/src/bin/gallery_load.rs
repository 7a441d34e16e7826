//! Measures the gallery over catalogues of different sizes:
//! `cargo run --release -p bench --bin gallery_load -- 1000 1000000`.
//!
//! For each number of photos, the program fills a catalogue in the embedded DynamoDB, which keeps
//! it in a file. The photos are from 30 years, 40 cameras and 60 lenses, all near 25 places.
//! Publish then counts the photos. After that, the program sends requests to each route over HTTP,
//! one after the other. It prints the median time, the 99th percentile, the requests to DynamoDB,
//! and the read units that DynamoDB charges for the query. (An eventually consistent read of 8 KB
//! is one unit.) Finally, 100 clients send requests at the same time for half a minute. Engine,
//! gallery and clients are one process. The program prints its memory (Linux).
//!
//! A million photos need about 14 GB in the system's temporary folder, and twenty minutes to write.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, ReturnConsumedCapacity, WriteRequest};
use bench::{
    BenchEngines, BenchResult, EngineStorage, ProcessMemory, disable_stream, example_pictures,
    install_tls_provider, listen, percentile,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::date_partition::DatePartition;
use photo_catalogue::catalogue::item::{IndexKeys, PhotoItem, PhotoPart};
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::catalogue::query::date_sort;
use photo_catalogue::clients::Clients;
use photo_catalogue::gallery::{self, CursorKey};
use photo_catalogue::object::Bucket;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::{LocationPolicy, Visibility};
use photo_catalogue::publish::{HookRules, PublishSettings, Publisher, mark_all_months};
use photo_catalogue::storage::Storage;
use photo_catalogue::summary::Summary;
use photo_metadata::{
    Camera, CaptureTime, DateSource, Exposure, Lens, Location, LocationPrecision, PhotoMetadata,
    PhotoRecord, TagValue,
};

/// The allocator that `photos` uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const YEARS: u32 = 30;
const FIRST_YEAR: u32 = 1996;
const CAMERAS: u32 = 40;
const LENSES: u32 = 60;
/// The number of places near which the photos are taken. Places with low numbers have more photos.
const PLACES: u32 = 25;
/// The number of measured requests to each route.
const REQUESTS: usize = 500;
/// The number of requests to each route before the measurement begins.
const WARM_UP_REQUESTS: usize = REQUESTS / 10;
const CLIENTS: usize = 100;
/// The time for which the clients send requests in the load test.
const LOAD_TIME: Duration = Duration::from_secs(30);
/// The time limit of a publish cycle, which is one run of publish. No cycle takes so long.
const CYCLE_TIME: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> BenchResult<()> {
    install_tls_provider();
    let mut sizes = std::env::args()
        .skip(1)
        .map(|size| size.parse())
        .collect::<Result<Vec<u32>, _>>()?;
    if sizes.is_empty() {
        sizes = vec![1_000, 100_000];
    }
    let mut medians: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for size in sizes {
        let gallery = LoadedGallery::start(size).await?;
        println!("\n{size} photos           median      p99   requests   read units");
        for (route, paths) in gallery.routes() {
            let times = gallery.measure_route(&paths).await?;
            println!(
                "{route:22} {:>7.2} ms {:>6.2} ms {:>9.2}   {:>10}",
                times.median_ms,
                times.p99_ms,
                times.dynamodb_requests,
                gallery.read_units(route).await?
            );
            medians.entry(route).or_default().push(times.median_ms);
        }
        gallery.measure_load().await?;
    }
    println!("\nMedian of the last size to that of the first");
    for (route, medians) in medians {
        if let (Some(first), Some(last)) = (medians.first(), medians.last()) {
            println!("{route:22} {:.2}", last / first);
        }
    }
    Ok(())
}

/// The measurements of one route of the gallery.
struct RouteTimes {
    median_ms: f64,
    p99_ms: f64,
    /// The mean number of requests to DynamoDB for one request to the route.
    dynamodb_requests: f64,
}

/// A running gallery with a catalogue of `size` photos.
struct LoadedGallery {
    size: u32,
    clients: Clients,
    url: String,
    http: reqwest::Client,
    _engines: BenchEngines,
}

impl LoadedGallery {
    async fn start(size: u32) -> BenchResult<Self> {
        // The catalogue is temporary, and the time to write it is not measured.
        let engines = BenchEngines::start(EngineStorage::DiskWithoutSync).await?;
        engines.create_buckets(&["site"]).await?;
        let clients = engines.connect();
        let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
        let table = PublishTable::new(clients.dynamodb.clone(), "publish");
        catalogue.create_table().await?;
        table.create_table().await?;
        disable_stream(&clients.dynamodb, "photos").await?;

        let settings = gallery::GallerySettings {
            privacy: LocationPolicy::Exact.into(),
            gallery_url: Some("https://photos.example.org/gallery".to_owned()),
            album_folders: photo_catalogue::catalogue::album_folders::AlbumFolders::default(),
            cursor_key: CursorKey::new([7; 32]),
            cors_origins: local_http::AllowedOrigins::OwnOnly,
            static_files: None,
            originals: None,
            now: Arc::new(Utc::now),
        };
        let started = Instant::now();
        fill_catalogue(&clients, &catalogue, size).await?;
        let seconds = started.elapsed().as_secs_f64();
        println!("\n{size} photos written in {seconds:.0} s");
        let started = Instant::now();
        let publish_settings = PublishSettings {
            bucket: Bucket::new("site")?,
            prefix: "gallery/".to_owned(),
            view: settings.public_view(),
            compress: true,
            album_folders: Default::default(),
            map_tiles: None,
            hook: None,
            rules: HookRules::default(),
        };
        let storage = Storage::new(clients.s3.clone());
        publish_all(&catalogue, &table, storage, publish_settings).await?;
        let seconds = started.elapsed().as_secs_f64();
        println!("counted and published in {seconds:.0} s");

        let (listener, url) = listen().await?;
        let router = gallery::router(catalogue, table, settings);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(LoadedGallery {
            size,
            clients,
            url,
            http: reqwest::Client::new(),
            _engines: engines,
        })
    }

    /// Returns the name of each route, with the request paths for its measurement. Most paths ask
    /// for random dates, cameras, places or photos.
    fn routes(&self) -> Vec<(&'static str, Vec<String>)> {
        let paths = RandomPaths { size: self.size };
        let names: [(&'static str, PathGenerator); 12] = [
            ("newest", |_, _| "/v1/photos".to_owned()),
            ("a day", RandomPaths::day),
            ("a month", RandomPaths::month),
            ("a camera", RandomPaths::camera),
            ("a camera, some years", RandomPaths::camera_years),
            ("a lens", RandomPaths::lens),
            ("a box", RandomPaths::bounding_box),
            ("a photo", RandomPaths::photo),
            ("timeline by month", |_, _| "/v1/timeline".to_owned()),
            ("timeline by day", |_, _| "/v1/timeline?unit=day".to_owned()),
            ("cameras", |_, _| "/v1/cameras".to_owned()),
            ("map of the world", |_, _| "/v1/map".to_owned()),
        ];
        let mut random = fastrand::Rng::with_seed(7);
        let mut routes = Vec::new();
        for (name, path) in names {
            let requests = 0..REQUESTS + WARM_UP_REQUESTS;
            routes.push((name, requests.map(|_| path(&paths, &mut random)).collect()));
        }
        routes
    }

    async fn measure_route(&self, paths: &[String]) -> BenchResult<RouteTimes> {
        let (warm_up, measured) = paths.split_at(WARM_UP_REQUESTS);
        for path in warm_up {
            self.get(path).await?;
        }
        let before = self.clients.dynamodb_requests.count();
        let mut times = Vec::with_capacity(measured.len());
        for path in measured {
            let started = Instant::now();
            self.get(path).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let requests = (self.clients.dynamodb_requests.count() - before) as f64;
        times.sort_by(f64::total_cmp);
        Ok(RouteTimes {
            median_ms: percentile(&times, 50),
            p99_ms: percentile(&times, 99),
            dynamodb_requests: requests / times.len() as f64,
        })
    }

    async fn get(&self, path: &str) -> BenchResult<()> {
        let response = self.http.get(format!("{}{path}", self.url)).send().await?;
        response.error_for_status()?.bytes().await?;
        Ok(())
    }

    /// Returns the read units that DynamoDB charges for one page of this route, as text. Returns an
    /// empty text if the route needs more than one query or a request of another kind.
    async fn read_units(&self, route: &str) -> BenchResult<String> {
        let newest_year = (FIRST_YEAR + YEARS - 1).to_string();
        let (index, attribute, partition) = match route {
            "newest" => ("by-date", "datePartition", newest_year),
            "a camera" => ("by-camera", "cameraPartition", "camera-1".to_owned()),
            "a lens" => ("by-lens", "lensPartition", "lens-1".to_owned()),
            _ => return Ok(String::new()),
        };
        let query = self.clients.dynamodb.query();
        let query = query
            .table_name("photos")
            .index_name(index)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":partition", AttributeValue::S(partition))
            .limit(51)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let capacity = query.send().await?.consumed_capacity;
        let units = capacity.and_then(|capacity| capacity.capacity_units);
        Ok(units.map_or(String::new(), |units| units.to_string()))
    }

    /// Sends random requests to all routes, from many clients at the same time. Prints the number
    /// of responses per second and the memory.
    async fn measure_load(&self) -> BenchResult<()> {
        let routes = self.routes().into_iter();
        let paths: Vec<String> = routes.flat_map(|(_, paths)| paths).collect();
        let megabytes = |bytes: u64| bytes >> 20;
        let before = ProcessMemory::of_this_process()?;
        let until = Instant::now() + LOAD_TIME;
        let clients = (0..CLIENTS).map(|client| self.send_requests(&paths, client as u64, until));
        let (mut succeeded, mut failed) = (0_u64, 0_u64);
        for client in futures::future::join_all(clients).await {
            succeeded += client.0;
            failed += client.1;
        }
        let after = ProcessMemory::of_this_process()?;
        println!(
            "{CLIENTS} clients for {} s: {:.0} answers a second, {failed} failed; memory {} MB before, {} MB after, {} MB at most since the start",
            LOAD_TIME.as_secs(),
            succeeded as f64 / LOAD_TIME.as_secs_f64(),
            megabytes(before.resident),
            megabytes(after.resident),
            megabytes(after.peak),
        );
        Ok(())
    }

    /// Sends random requests until the time `until`. Returns the number of requests that succeeded
    /// and the number of those that failed.
    async fn send_requests(&self, paths: &[String], seed: u64, until: Instant) -> (u64, u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut succeeded, mut failed) = (0, 0);
        while Instant::now() < until {
            let path = &paths[random.usize(..paths.len())];
            match self.get(path).await {
                Ok(()) => succeeded += 1,
                Err(error) => {
                    if failed == 0 {
                        println!("failed: {path}: {error}");
                    }
                    failed += 1;
                }
            }
        }
        (succeeded, failed)
    }
}

/// A function that returns the path of a random request.
type PathGenerator = fn(&RandomPaths, &mut fastrand::Rng) -> String;

/// A generator of request paths for a gallery with `size` photos.
struct RandomPaths {
    size: u32,
}

impl RandomPaths {
    fn day(&self, random: &mut fastrand::Rng) -> String {
        let date = self.random_date(random);
        format!("/v1/photos?from={date}&to={date}")
    }

    fn month(&self, random: &mut fastrand::Rng) -> String {
        let date = self.random_date(random);
        let month = &date[..7];
        format!("/v1/photos?from={month}-01&to={month}-28")
    }

    fn camera(&self, random: &mut fastrand::Rng) -> String {
        format!("/v1/photos?camera=camera-{}", random.u32(..CAMERAS))
    }

    fn camera_years(&self, random: &mut fastrand::Rng) -> String {
        let year = FIRST_YEAR + random.u32(..YEARS - 5);
        let camera = random.u32(..CAMERAS);
        format!("/v1/photos?camera=camera-{camera}&from={year}-01-01&order=oldest")
    }

    fn lens(&self, random: &mut fastrand::Rng) -> String {
        format!("/v1/photos?lens=lens-{}", random.u32(..LENSES))
    }

    fn bounding_box(&self, random: &mut fastrand::Rng) -> String {
        let (lat, lon) = place(random.u32(..PLACES));
        let (west, south) = (lon - 0.02, lat - 0.02);
        let (east, north) = (lon + 0.02, lat + 0.02);
        format!("/v1/photos?bbox={west},{south},{east},{north}")
    }

    fn photo(&self, random: &mut fastrand::Rng) -> String {
        let photo = example_photo(random.u32(..self.size), self.size);
        format!("/v1/photos/{}", PhotoId::from_stem(&photo_stem(&photo)))
    }

    fn random_date(&self, random: &mut fastrand::Rng) -> String {
        let photo = example_photo(random.u32(..self.size), self.size);
        let day = photo.capture.day();
        day.map(|day| day.to_string()).unwrap_or_default()
    }
}

async fn fill_catalogue(clients: &Clients, catalogue: &Catalogue, size: u32) -> BenchResult<()> {
    for year in FIRST_YEAR..FIRST_YEAR + YEARS {
        let partition = year.to_string().parse()?;
        catalogue.ensure_date_partition(partition).await?;
    }
    let numbers: Vec<u32> = (0..size).collect();
    stream::iter(numbers.chunks(25))
        .map(|numbers| async move {
            let puts = numbers.iter().map(|n| {
                let item = serde_dynamo::to_item(photo_item(*n, size))?;
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                Ok(WriteRequest::builder().put_request(put).build())
            });
            let puts = puts.collect::<BenchResult<Vec<_>>>()?;
            let write = clients.dynamodb.batch_write_item();
            write.request_items("photos", puts).send().await?;
            Ok(())
        })
        .buffer_unordered(4)
        .try_for_each(|()| async { Ok(()) })
        .await
}

/// Marks every month as dirty, and runs publish cycles until no month is dirty.
async fn publish_all(
    catalogue: &Catalogue,
    table: &PublishTable,
    storage: Storage,
    settings: PublishSettings,
) -> BenchResult<()> {
    let publisher = Publisher::new(catalogue.clone(), table.clone(), storage, settings);
    let mut now = DateTime::from_timestamp(1_800_000_000, 0).ok_or("not a time")?;
    mark_all_months(catalogue, table, now).await?;
    while !table.dirty_months().await?.is_empty() {
        now += TimeDelta::seconds(600);
        publisher.run_cycle(now, CYCLE_TIME).await?;
    }
    Ok(())
}

/// Returns the latitude and the longitude of place number `n`, in degrees. They are random, but
/// always the same for one number.
fn place(n: u32) -> (f64, f64) {
    let mut random = fastrand::Rng::with_seed(u64::from(n));
    (random.f64() * 120.0 - 60.0, random.f64() * 340.0 - 170.0)
}

fn photo_stem(record: &PhotoRecord) -> String {
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

/// Returns the record of photo number `n` of a catalogue of `size` photos. The capture times are
/// spread evenly over 30 years.
fn example_photo(n: u32, size: u32) -> PhotoRecord {
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

/// Returns the catalogue item of photo number `n` of a catalogue of `size` photos, as ingest writes
/// it. The item has 60 EXIF tags, about as many as a camera writes.
fn photo_item(n: u32, size: u32) -> PhotoItem {
    let photo = example_photo(n, size);
    let stem = photo_stem(&photo);
    let mut item = PhotoItem::stub(&stem);
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
    let mut summary = Summary::new(&item.id, &stem, 1, photo.clone());
    summary.pictures = Some(Box::new(example_pictures(n)));
    let geohash = photo
        .location
        .as_ref()
        .and_then(|location| location.geohash(9))
        .unwrap_or_default();
    let slug = |slug: Option<&String>| slug.cloned();
    item.index = IndexKeys {
        date_partition: Some(DatePartition::of_time(
            Visibility::Public,
            photo.capture.start(),
        )),
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
