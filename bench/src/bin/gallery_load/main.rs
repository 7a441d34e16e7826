//! Measures the gallery over catalogues of different sizes:
//! `cargo run --release -p bench --bin gallery_load -- 1000 1000000`.
//!
//! For each number of photos, the program fills a catalogue in the embedded DynamoDB, which keeps
//! it in a file. The photos are from 30 years, 40 cameras and 60 lenses, all near 25 places. They
//! have up to ten of 2,000 keywords, and some have a title, a caption or a rating. Publish then
//! counts and indexes the photos. After that, the program sends requests to each route over HTTP,
//! one after the other. It prints the median time and the 99th percentile. Then 100 clients send
//! requests at the same time for half a minute. Finally, it sends some of the requests again
//! through a proxy, which counts the requests to DynamoDB and the read units. Engine, gallery and
//! clients are one process. The program prints its memory (Linux).
//!
//! `--keep FOLDER` keeps the catalogues in this folder, or uses those that are there. Remove the
//! folder if the photos or the form of the term index have changed.
//!
//! A million photos need about 20 GB in the system's temporary folder, and half an hour to write.

#![expect(clippy::print_stdout, reason = "the report is its output")]

mod example_library;
mod routes;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{
    BenchEngines, BenchResult, EngineStorage, MeteredClients, ProcessMemory, RequestCounts,
    disable_stream, install_tls_provider, listen, percentile,
};
use chrono::{DateTime, TimeDelta, Utc};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::album_folders::AlbumFolders;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::Clients;
use photo_catalogue::gallery::{self, CursorKey, GallerySettings};
use photo_catalogue::object::Bucket;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{HookRules, PublishSettings, Publisher, mark_all_months};
use photo_catalogue::storage::Storage;
use serde_json::Value;

use example_library::fill_catalogue;
use routes::{ROUTES, Route};

/// The allocator that `photos` uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number of measured requests to each route.
const REQUESTS: usize = 500;
/// The number of requests to each route before the measurement begins.
const WARM_UP_REQUESTS: usize = REQUESTS / 10;
/// The number of requests to each route whose requests to DynamoDB are counted.
const METERED_REQUESTS: usize = 20;
const CLIENTS: usize = 100;
/// The time for which the clients send requests in the load test.
const LOAD_TIME: Duration = Duration::from_secs(30);
/// The time limit of a publish cycle, which is one run of publish. No cycle takes so long.
const CYCLE_TIME: Duration = Duration::from_secs(3600);
/// A request that needs the term index, and finds nothing.
const INDEX_REQUEST: &str = "/v1/photos?keyword=no-such-keyword";

#[tokio::main]
async fn main() -> BenchResult<()> {
    install_tls_provider();
    let (sizes, folder) = parse_arguments()?;
    let mut medians: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for size in sizes {
        let folder = folder.as_ref().map(|folder| folder.join(size.to_string()));
        let gallery = LoadedGallery::start(size, folder).await?;
        for (route, report) in gallery.measure().await? {
            medians.entry(route).or_default().push(report);
        }
    }
    println!("\nMedian of the last size to that of the first");
    for (route, medians) in medians {
        if let (Some(first), Some(last)) = (medians.first(), medians.last()) {
            println!("{route:38} {:.2}", last / first);
        }
    }
    Ok(())
}

/// Returns the numbers of photos, and the folder in which the catalogues are kept.
fn parse_arguments() -> BenchResult<(Vec<u32>, Option<PathBuf>)> {
    let (mut sizes, mut folder) = (Vec::new(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--keep" {
            let path = arguments.next().ok_or("--keep needs a folder")?;
            folder = Some(PathBuf::from(path));
        } else {
            sizes.push(argument.parse()?);
        }
    }
    if sizes.is_empty() {
        sizes = vec![1_000, 100_000];
    }
    Ok((sizes, folder))
}

/// The times of one route of the gallery.
struct RouteTimes {
    median_ms: f64,
    p99_ms: f64,
}

/// A running gallery with a catalogue of `size` photos.
struct LoadedGallery {
    size: u32,
    url: String,
    http: reqwest::Client,
    engines: BenchEngines,
}

impl LoadedGallery {
    /// Starts a gallery. If `folder` has a catalogue, uses it. Otherwise, writes a catalogue.
    async fn start(size: u32, folder: Option<PathBuf>) -> BenchResult<Self> {
        // The time to write the catalogue is not measured.
        let storage = EngineStorage::DiskWithoutSync;
        let engines = match folder {
            Some(folder) => BenchEngines::start_in(&folder, storage).await?,
            None => BenchEngines::start(storage).await?,
        };
        let clients = engines.connect();
        let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
        let table = PublishTable::new(clients.dynamodb.clone(), "publish");
        let is_kept = table
            .counts_version()
            .await
            .is_ok_and(|version| version.is_some());
        if !is_kept {
            engines.create_buckets(&["site"]).await?;
            catalogue.create_table().await?;
            table.create_table().await?;
            disable_stream(&clients.dynamodb, "photos").await?;
            let started = Instant::now();
            fill_catalogue(&clients, &catalogue, size).await?;
            let seconds = started.elapsed().as_secs_f64();
            println!("\n{size} photos written in {seconds:.0} s");
            let started = Instant::now();
            publish_all(&catalogue, &table, Storage::new(clients.s3.clone())).await?;
            let seconds = started.elapsed().as_secs_f64();
            println!("counted, indexed and published in {seconds:.0} s");
        }
        let url = serve_gallery(&clients).await?;
        Ok(LoadedGallery {
            size,
            url,
            http: reqwest::Client::new(),
            engines,
        })
    }

    /// Measures all routes and prints the results. Returns the name and the median of each route.
    async fn measure(&self) -> BenchResult<Vec<(&'static str, f64)>> {
        self.measure_first_load().await?;
        let mut routes = Vec::new();
        for route in ROUTES {
            let mut paths = route.paths(self.size, WARM_UP_REQUESTS + REQUESTS);
            if route.is_second_page {
                self.lead_to_second_pages(&mut paths).await?;
            }
            let times = self.measure_route(&paths).await?;
            routes.push((route, paths, times));
        }
        let paths = routes.iter().flat_map(|(_, paths, _)| paths.clone());
        self.measure_load(&paths.collect::<Vec<_>>()).await?;
        let metered = MeteredClients::start(&self.engines).await?;
        let metered_url = serve_gallery(&metered.clients).await?;
        self.send(&metered_url, INDEX_REQUEST).await?;
        let first = metered.take_counts();
        println!(
            "the first load of the index: {} requests to DynamoDB, {:.0} read units",
            first.dynamodb, first.read_units
        );
        println!(
            "\n| {} photos | median, ms | p99, ms | requests to DynamoDB | read units |",
            self.size
        );
        println!("| --- | --- | --- | --- | --- |");
        for (route, paths, times) in &routes {
            for path in &paths[..METERED_REQUESTS] {
                self.send(&metered_url, path).await?;
            }
            let counts = metered.take_counts() / METERED_REQUESTS as f64;
            print_route(route, times, &counts);
        }
        let medians = routes.into_iter();
        Ok(medians
            .map(|(route, _, times)| (route.name, times.median_ms))
            .collect())
    }

    /// Prints the time of the first request that needs the term index, and the size of the index.
    async fn measure_first_load(&self) -> BenchResult<()> {
        // The first request reads the counts of all months. The second one reads the index.
        self.send(&self.url, "/v1/timeline").await?;
        let before = ProcessMemory::of_this_process()?.resident;
        let started = Instant::now();
        self.send(&self.url, INDEX_REQUEST).await?;
        let seconds = started.elapsed().as_secs_f64();
        let after = ProcessMemory::of_this_process()?.resident;
        let table = PublishTable::new(self.engines.connect().dynamodb, "publish");
        let (mut parts, mut stored, mut memory) = (0, 0, 0);
        for month in table.months().await? {
            for (_, compressed) in table.index_parts(&month.index).await? {
                parts += 1;
                stored += compressed.len();
                memory += index_memory(&compressed)?;
            }
        }
        println!(
            "the first load of the index: {seconds:.2} s; {parts} parts, {:.1} MB stored, {:.1} MB in memory; the process grew by {} MB",
            stored as f64 / 1e6,
            memory as f64 / 1e6,
            after.saturating_sub(before) >> 20
        );
        Ok(())
    }

    /// Adds to each path the cursor of the second page. Leaves out the paths of lists of one page.
    async fn lead_to_second_pages(&self, paths: &mut Vec<String>) -> BenchResult<()> {
        let mut cursors: BTreeMap<String, Option<String>> = BTreeMap::new();
        for path in paths.iter() {
            if !cursors.contains_key(path) {
                let url = format!("{}{path}&fields=id", self.url);
                let page: Value = self.http.get(url).send().await?.json().await?;
                let next = page["next"].as_str().map(str::to_owned);
                cursors.insert(path.clone(), next);
            }
        }
        let second = paths.iter().filter_map(|path| {
            let cursor = cursors.get(path)?.as_ref()?;
            Some(format!("{path}&cursor={cursor}"))
        });
        *paths = second.collect();
        Ok(())
    }

    async fn measure_route(&self, paths: &[String]) -> BenchResult<RouteTimes> {
        let (warm_up, measured) = paths.split_at(WARM_UP_REQUESTS.min(paths.len() / 2));
        for path in warm_up {
            self.send(&self.url, path).await?;
        }
        let mut times = Vec::with_capacity(measured.len());
        for path in measured {
            let started = Instant::now();
            self.send(&self.url, path).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(RouteTimes {
            median_ms: percentile(&times, 50),
            p99_ms: percentile(&times, 99),
        })
    }

    /// Sends a request to a gallery, and reads the response.
    async fn send(&self, url: &str, path: &str) -> BenchResult<()> {
        let response = self.http.get(format!("{url}{path}")).send().await?;
        response.error_for_status()?.bytes().await?;
        Ok(())
    }

    /// Sends random requests to all routes, from many clients at the same time. Prints the number
    /// of responses per second and the memory.
    async fn measure_load(&self, paths: &[String]) -> BenchResult<()> {
        let megabytes = |bytes: u64| bytes >> 20;
        let before = ProcessMemory::of_this_process()?;
        let until = Instant::now() + LOAD_TIME;
        let clients = (0..CLIENTS).map(|client| self.send_requests(paths, client as u64, until));
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
            match self.send(&self.url, path).await {
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

fn print_route(route: &Route, times: &RouteTimes, counts: &RequestCounts) {
    let goal = route.goal_ms();
    let missed = match times.p99_ms > goal {
        true => format!(" (goal: {goal:.0})"),
        false => String::new(),
    };
    println!(
        "| {} | {:.2} | {:.2}{missed} | {:.2} | {:.1} |",
        route.name, times.median_ms, times.p99_ms, counts.dynamodb, counts.read_units
    );
}

/// Returns the memory that a part of the term index needs, in bytes.
fn index_memory(compressed: &[u8]) -> BenchResult<usize> {
    let mut json = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(compressed), &mut json)?;
    Ok(photo_catalogue::term_index::IndexPart::parse(&json)?.memory())
}

/// Starts a gallery that reads the tables through these clients. Returns its URL.
async fn serve_gallery(clients: &Clients) -> BenchResult<String> {
    let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
    let table = PublishTable::new(clients.dynamodb.clone(), "publish");
    let (listener, url) = listen().await?;
    let router = gallery::router(catalogue, table, gallery_settings());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

fn gallery_settings() -> GallerySettings {
    GallerySettings {
        album_folders: AlbumFolders::default(),
        privacy: LocationPolicy::Exact.into(),
        gallery_url: Some("https://photos.example.org/gallery".to_owned()),
        cursor_key: CursorKey::new([7; 32]),
        cors_origins: local_http::AllowedOrigins::OwnOnly,
        static_files: None,
        originals: None,
        now: Arc::new(Utc::now),
    }
}

/// Marks every month as dirty, and runs publish cycles until no month is dirty.
async fn publish_all(
    catalogue: &Catalogue,
    table: &PublishTable,
    storage: Storage,
) -> BenchResult<()> {
    let settings = PublishSettings {
        album_folders: AlbumFolders::default(),
        bucket: Bucket::new("site")?,
        prefix: "gallery/".to_owned(),
        view: gallery_settings().public_view(),
        compress: true,
        map_tiles: None,
        hook: None,
        rules: HookRules::default(),
    };
    let publisher = Publisher::new(catalogue.clone(), table.clone(), storage, settings);
    let mut now = DateTime::from_timestamp(1_800_000_000, 0).ok_or("not a time")?;
    mark_all_months(catalogue, table, now).await?;
    while !table.dirty_months().await?.is_empty() {
        now += TimeDelta::seconds(600);
        publisher.run_cycle(now, CYCLE_TIME).await?;
    }
    Ok(())
}
