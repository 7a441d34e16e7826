//! Measures the requests and the time of publish:
//! `cargo run --release -p bench --bin publish_cost`.
//!
//! It uses the embedded engines over HTTP. First the program counts the requests for a thousand
//! changes, within one month and over 300 months. Then it measures the time of the rebuild of a
//! month of 50,000 photos. Requests are counted when the SDK sends them. `publish_cost PHOTOS` uses
//! a smaller month.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use bench::{BenchEngines, BenchResult, EngineStorage, disable_stream, example_pictures};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::catalogue::query::{PhotoIndex, Segment, date_sort};
use photo_catalogue::clients::Clients;
use photo_catalogue::object::Bucket;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{HookRules, PublishSettings, Publisher};
use photo_catalogue::storage::Storage;
use photo_catalogue::summary::Summary;
use photo_catalogue::view::PublicView;
use photo_metadata::{Camera, CaptureTime, DateSource, Exposure, Lens, Location, PhotoRecord};
use serde_json::{Value, json};

/// The allocator that `photos` uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number of records in one batch of the stream. Lambda is configured with the same number.
const RECORDS_PER_BATCH: usize = 100;
/// The time limit of a publish cycle, which is one run of publish. No cycle takes so long.
const CYCLE_TIME: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> BenchResult<()> {
    let large = std::env::args().nth(1).map_or(Ok(50_000), |n| n.parse())?;
    println!("A thousand changes     batches  requests to DynamoDB  of them queries' pages  to S3");
    let one_month: Vec<Summary> = (0..1_000).map(|n| example_photo(n, 2018, 2)).collect();
    measure_changes("in one month", &one_month).await?;
    let scattered: Vec<Summary> = (0..1_000)
        .map(|n| example_photo(n, 1994 + n % 300 / 12, n % 12 + 1))
        .collect();
    measure_changes("over 300 months", &scattered).await?;
    measure_large_month(large).await
}

async fn measure_changes(what: &str, photos: &[Summary]) -> BenchResult<()> {
    let mut bench = PublishBench::start().await?;
    bench.put_photos(photos).await?;
    bench.take_requests();
    let records: Vec<Value> = photos.iter().map(stream_record).collect();
    for batch in records.chunks(RECORDS_PER_BATCH) {
        bench
            .publisher
            .mark_changed_months(batch, bench.now)
            .await?;
    }
    let mut pages = 0;
    loop {
        bench.now += TimeDelta::seconds(60);
        let report = bench.publisher.run_cycle(bench.now, CYCLE_TIME).await?;
        // Each of these months fits on one page.
        pages += report.months;
        if report.deferred == 0 {
            break;
        }
    }
    let requests = bench.take_requests();
    println!(
        "{what:21}  {:>7}  {:>20}  {pages:>22}  {:>5}",
        records.len().div_ceil(RECORDS_PER_BATCH),
        requests.dynamodb,
        requests.s3
    );
    Ok(())
}

async fn measure_large_month(size: u32) -> BenchResult<()> {
    let mut bench = PublishBench::start().await?;
    let photos: Vec<Summary> = (0..size).map(|n| example_photo(n, 2018, 2)).collect();
    bench.put_photos(&photos).await?;
    let records: Vec<Value> = photos.iter().map(stream_record).collect();
    measure_rebuild(&mut bench, &format!("{size}, first"), &records).await?;
    let added = [example_photo(size, 2018, 2)];
    bench.put_photos(&added).await?;
    let record = [stream_record(&added[0])];
    measure_rebuild(&mut bench, &format!("{size}, one more photo"), &record).await
}

/// Measures the publish cycle that follows these stream records, and prints the results. The caller
/// must pass records of one month.
async fn measure_rebuild(
    bench: &mut PublishBench,
    what: &str,
    records: &[Value],
) -> BenchResult<()> {
    bench
        .publisher
        .mark_changed_months(records, bench.now)
        .await?;
    bench.now += TimeDelta::seconds(60);
    let started = Instant::now();
    let pages = bench.read_month().await?;
    let read_seconds = started.elapsed().as_secs_f64();
    bench.take_requests();
    let started = Instant::now();
    let report = bench.publisher.run_cycle(bench.now, CYCLE_TIME).await?;
    let seconds = started.elapsed().as_secs_f64();
    let requests = bench.take_requests();
    let months = bench.table.months().await?;
    let files = months
        .first()
        .map(|month| &month.files[..])
        .unwrap_or_default();
    let largest = files.iter().map(|file| file.bytes).max().unwrap_or(0);
    println!(
        "\nA month of {what}: {seconds:.2} s; {} changed",
        report.changed
    );
    println!("  reading its {pages} pages alone: {read_seconds:.2} s");
    println!(
        "  {} requests to DynamoDB, {} to S3",
        requests.dynamodb, requests.s3
    );
    println!("  {} files of at most {largest} bytes", files.len());
    Ok(())
}

/// The numbers of requests to the embedded DynamoDB and to the embedded S3.
#[derive(Clone, Copy, Default)]
struct EngineRequests {
    dynamodb: u64,
    s3: u64,
}

/// A composition of publish and the embedded engines. Its clients count their requests.
struct PublishBench {
    clients: Clients,
    catalogue: Catalogue,
    table: PublishTable,
    publisher: Publisher,
    now: DateTime<Utc>,
    taken: EngineRequests,
    _engines: BenchEngines,
}

impl PublishBench {
    async fn start() -> BenchResult<Self> {
        let engines = BenchEngines::start(EngineStorage::Memory).await?;
        engines.create_buckets(&["site"]).await?;
        let clients = engines.connect();
        let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
        let table = PublishTable::new(clients.dynamodb.clone(), "publish");
        catalogue.create_table().await?;
        table.create_table().await?;
        disable_stream(&clients.dynamodb, "photos").await?;
        let gallery_url = Some("https://photos.example.org/gallery".to_owned());
        let settings = PublishSettings {
            bucket: Bucket::new("site")?,
            prefix: "gallery/".to_owned(),
            view: PublicView::new(LocationPolicy::Exact, gallery_url),
            compress: true,
            album_folders: Default::default(),
            map_tiles: None,
            hook: None,
            rules: HookRules::default(),
        };
        let storage = Storage::new(clients.s3.clone());
        let publisher = Publisher::new(catalogue.clone(), table.clone(), storage, settings);
        let now = DateTime::from_timestamp(1_800_000_000, 0).ok_or("not a time")?;
        // The first cycle only records the new public view.
        publisher.run_cycle(now, CYCLE_TIME).await?;
        Ok(PublishBench {
            clients,
            catalogue,
            table,
            publisher,
            now,
            taken: EngineRequests::default(),
            _engines: engines,
        })
    }

    /// Reads all photos of the measured month from the catalogue, page by page as publish does, and
    /// drops them. Returns the number of pages. The time of this call is the share of the embedded
    /// engine in the time of a rebuild.
    async fn read_month(&self) -> BenchResult<u32> {
        let segment = Segment {
            index: PhotoIndex::ByDate,
            partition: "2018".to_owned(),
            from: None,
            to: None,
            descending: false,
        };
        let (mut pages, mut after) = (0, None);
        loop {
            let page = self
                .catalogue
                .query_segment(&segment, 1_000, after.as_deref())
                .await?;
            (pages, after) = (pages + 1, page.next_after);
            if after.is_none() {
                return Ok(pages);
            }
        }
    }

    /// Returns the numbers of requests since the last call of this function.
    fn take_requests(&mut self) -> EngineRequests {
        let before = self.taken;
        self.taken = EngineRequests {
            dynamodb: self.clients.dynamodb_requests.count(),
            s3: self.clients.s3_requests.count(),
        };
        EngineRequests {
            dynamodb: self.taken.dynamodb - before.dynamodb,
            s3: self.taken.s3 - before.s3,
        }
    }

    /// Writes photos to the table. Writes only the attributes that the index `by-date` contains.
    async fn put_photos(&self, photos: &[Summary]) -> BenchResult<()> {
        let years: BTreeSet<String> = photos.iter().filter_map(year).collect();
        for year in years {
            self.catalogue.ensure_date_partition(year.parse()?).await?;
        }
        let requests = photos.iter().map(|photo| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let item = HashMap::from([
                ("pk".to_owned(), text(&format!("photo#{}", photo.id))),
                (
                    "datePartition".to_owned(),
                    text(year(photo).as_deref().unwrap_or("undated")),
                ),
                ("dateSort".to_owned(), text(&sort_key(photo))),
                (
                    "summary".to_owned(),
                    serde_dynamo::to_attribute_value(photo)?,
                ),
            ]);
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let requests = requests.collect::<BenchResult<Vec<WriteRequest>>>()?;
        stream::iter(requests.chunks(25).map(<[WriteRequest]>::to_vec))
            .map(|batch| {
                let write = self.clients.dynamodb.batch_write_item();
                write.request_items("photos", batch).send()
            })
            .buffer_unordered(4)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        Ok(())
    }
}

fn year(photo: &Summary) -> Option<String> {
    let day = photo.record.capture.day()?;
    Some(day.format("%Y").to_string())
}

fn sort_key(photo: &Summary) -> String {
    date_sort(&photo.record.capture, &photo.name, &photo.id)
}

/// Returns the record of a new photo in the DynamoDB stream.
fn stream_record(photo: &Summary) -> Value {
    json!({
        "eventSource": "aws:dynamodb",
        "dynamodb": { "NewImage": {
            "datePartition": { "S": year(photo) },
            "dateSort": { "S": sort_key(photo) },
            "summary": { "M": photo },
        } },
    })
}

fn example_photo(n: u32, year: u32, month: u32) -> Summary {
    let local = format!(
        "{year}-{month:02}-{:02}T{:02}:{:02}:{:02}",
        n % 28 + 1,
        n % 24,
        n / 28 % 60,
        n % 60
    );
    let date = &local[..10];
    let stem = format!("{date}/DSC_{n:05}");
    let id = PhotoId::from_stem(&stem).to_string();
    let record = PhotoRecord {
        capture: CaptureTime {
            local: local.parse().ok(),
            date_source: Some(DateSource::DateTimeOriginal),
            ..CaptureTime::default()
        },
        width: Some(6000),
        height: Some(4000),
        camera: Some(Camera {
            slug: format!("camera-{}", n % 5),
            name: format!("Camera {}", n % 5),
            make: Some("Maker".to_owned()),
            model: Some(format!("Camera {}", n % 5)),
        }),
        lens: Some(Lens {
            slug: format!("lens-{}", n % 7),
            name: format!("Lens {}", n % 7),
            ..Lens::default()
        }),
        exposure: Exposure {
            time: Some("1/250".to_owned()),
            seconds: Some(0.004),
            f_number: Some(2.8),
            iso: Some(100 + n % 50),
            ..Exposure::default()
        },
        location: Some(Location {
            lat: 45.0 + f64::from(n % 1000) / 500.0,
            lon: -73.0 - f64::from(n % 777) / 300.0,
            ..Location::default()
        }),
        ..PhotoRecord::default()
    };
    let mut summary = Summary::new(&id, &stem, 1, record);
    summary.pictures = Some(Box::new(example_pictures(n)));
    summary
}
