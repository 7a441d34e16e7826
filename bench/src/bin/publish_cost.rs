//! What publishing costs: `cargo run --release -p bench --bin publish_cost`.
//!
//! Over the embedded engines and HTTP: the requests of a thousand changes within one month, and scattered over 300; then
//! how long a month of 50,000 photos takes to be rebuilt. Requests are counted where the SDK sends.

#![expect(clippy::print_stdout, reason = "its report is what it is run for")]

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, StreamSpecification, WriteRequest};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::catalogue::query::{PhotoIndex, Segment, date_sort};
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::dynamodb_engine::DynamoDbEngine;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{HookRules, PublishSettings, Publisher};
use photo_catalogue::storage::Storage;
use photo_catalogue::summary::{ImageKind, PhotoImage, Summary};
use photo_catalogue::view::{PictureHosting, PublicView};
use photo_metadata::{Camera, CaptureTime, DateSource, Exposure, Lens, Location, PhotoRecord};
use s3_folder::{KeyPair, S3Store};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// As in `photos`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Records of a batch of the stream, as Lambda is set to take them.
const BATCH: usize = 100;
const LONG: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<()> {
    println!("A thousand changes     batches  requests to DynamoDB  of them queries' pages  to S3");
    let one: Vec<Summary> = (0..1_000).map(|n| photo(n, 2018, 2)).collect();
    thousand("in one month", &one).await?;
    let scattered: Vec<Summary> = (0..1_000)
        .map(|n| photo(n, 1994 + n % 300 / 12, n % 12 + 1))
        .collect();
    thousand("over 300 months", &scattered).await?;
    large().await
}

async fn thousand(what: &str, photos: &[Summary]) -> Result<()> {
    let mut world = World::new().await?;
    world.put(photos).await?;
    world.count();
    let records: Vec<Value> = photos.iter().map(record).collect();
    for batch in records.chunks(BATCH) {
        world.publish.mark_changed_months(batch, world.now).await?;
    }
    let mut pages = 0;
    loop {
        world.now += TimeDelta::seconds(60);
        let ticked = world.publish.run_cycle(world.now, LONG).await?;
        // One page holds any of these months.
        pages += ticked.months;
        if ticked.deferred == 0 {
            break;
        }
    }
    let (dynamodb, s3) = world.count();
    println!(
        "{what:21}  {:>7}  {dynamodb:>20}  {pages:>22}  {s3:>5}",
        records.len().div_ceil(BATCH)
    );
    Ok(())
}

async fn large() -> Result<()> {
    let mut world = World::new().await?;
    let photos: Vec<Summary> = (0..50_000).map(|n| photo(n, 2018, 2)).collect();
    world.put(&photos).await?;
    for change in ["first", "one more photo"] {
        let records = match change {
            "first" => photos.iter().map(record).collect(),
            _ => {
                let more = [photo(50_000, 2018, 2)];
                world.put(&more).await?;
                vec![record(&more[0])]
            }
        };
        world
            .publish
            .mark_changed_months(&records, world.now)
            .await?;
        world.now += TimeDelta::seconds(60);
        let started = Instant::now();
        let pages = world.read_month().await?;
        let reading = started.elapsed();
        world.count();
        let started = Instant::now();
        let ticked = world.publish.run_cycle(world.now, LONG).await?;
        let took = started.elapsed();
        let (dynamodb, s3) = world.count();
        let month = world.published.months().await?;
        let files = month
            .first()
            .map(|month| month.files.clone())
            .unwrap_or_default();
        let largest = files.iter().map(|file| file.bytes).max().unwrap_or(0);
        println!(
            "\nA month of 50,000, {change}: {:.2} s (its {pages} pages alone, read and dropped: {:.2} s), {dynamodb} requests to DynamoDB, {s3} to S3, {} files of at most {largest} bytes; {} changed",
            took.as_secs_f64(),
            reading.as_secs_f64(),
            files.len(),
            ticked.changed,
        );
    }
    Ok(())
}

/// The engines, and publish over them.
struct World {
    clients: Clients,
    catalogue: Catalogue,
    published: PublishTable,
    publish: Publisher,
    now: DateTime<Utc>,
    counted: (u64, u64),
    _data: tempfile::TempDir,
}

impl World {
    async fn new() -> Result<Self> {
        let data = tempfile::tempdir()?;
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
        tokio::spawn(DynamoDbEngine::open_in_memory()?.serve(dynamodb, std::future::pending()));
        let clients = clients::connect(&clients::with_key_pair("photos", "secret"), &endpoints);
        let storage = Storage::new(clients.s3.clone());
        storage.create_bucket("site").await?;
        let catalogue = Catalogue::new(clients.dynamodb.clone(), "photos");
        let published = PublishTable::new(clients.dynamodb.clone(), "publish");
        catalogue.create_table().await?;
        published.create_table().await?;
        // The engine looks through all of a stream at every write, and nobody reads it here.
        let none = StreamSpecification::builder().stream_enabled(false);
        let update = clients.dynamodb.update_table().table_name("photos");
        update.stream_specification(none.build()?).send().await?;
        let settings = PublishSettings {
            bucket: "site".to_owned(),
            prefix: "gallery/".to_owned(),
            view: PublicView::new(
                LocationPolicy::Exact,
                PictureHosting {
                    base_url: Some("https://photos.example.org".to_owned()),
                    ..PictureHosting::default()
                },
            ),
            compress: true,
            hook: None,
            rules: HookRules::default(),
        };
        let publish = Publisher::new(catalogue.clone(), published.clone(), storage, settings);
        let now = DateTime::from_timestamp(1_800_000_000, 0).ok_or("a time")?;
        // The view is new to it once.
        publish.run_cycle(now, LONG).await?;
        Ok(World {
            clients,
            catalogue,
            published,
            publish,
            now,
            counted: (0, 0),
            _data: data,
        })
    }

    /// Queries the month of [`large`] as publish does, and does nothing with it: the engine's share of the time.
    async fn read_month(&self) -> Result<u32> {
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
                .query(&segment, 1_000, after.as_deref())
                .await?;
            (pages, after) = (pages + 1, page.next_after);
            if after.is_none() {
                return Ok(pages);
            }
        }
    }

    /// Requests to DynamoDB and S3 since the last time.
    fn count(&mut self) -> (u64, u64) {
        let before = self.counted;
        self.counted = (
            self.clients.dynamodb_requests.count(),
            self.clients.s3_requests.count(),
        );
        (self.counted.0 - before.0, self.counted.1 - before.1)
    }

    /// Writes what the index shows of photos.
    async fn put(&self, photos: &[Summary]) -> Result<()> {
        let years: std::collections::BTreeSet<String> = photos.iter().filter_map(year).collect();
        for year in years {
            self.catalogue.ensure_date_partition(&year).await?;
        }
        let requests = photos.iter().map(|photo| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let year = year(photo);
            let item = HashMap::from([
                ("pk".to_owned(), text(&format!("photo#{}", photo.id))),
                (
                    "datePartition".to_owned(),
                    text(year.as_deref().unwrap_or("undated")),
                ),
                ("dateSort".to_owned(), text(&sort(photo))),
                (
                    "summary".to_owned(),
                    serde_dynamo::to_attribute_value(photo)?,
                ),
            ]);
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let requests = requests.collect::<Result<Vec<WriteRequest>>>()?;
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

fn sort(photo: &Summary) -> String {
    date_sort(&photo.record.capture, &photo.name, &photo.id)
}

/// A photo as the stream tells that it has come.
fn record(photo: &Summary) -> Value {
    let year = year(photo);
    json!({
        "eventSource": "aws:dynamodb",
        "dynamodb": { "NewImage": {
            "datePartition": { "S": year },
            "dateSort": { "S": sort(photo) },
            "summary": { "M": photo },
        } },
    })
}

fn photo(n: u32, year: u32, month: u32) -> Summary {
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
    let image = PhotoImage {
        key: format!("{stem}.JPG"),
        mime: "image/jpeg".to_owned(),
        bytes: 8_000_000 + u64::from(n),
        kind: ImageKind::Original,
        ..PhotoImage::default()
    };
    Summary::new(&id, &stem, 1, record, vec![image])
}
