//! Computes the monthly costs on AWS: `cargo run -p bench --bin cost`. docs/cost.md explains the
//! output.
//!
//! Proxies between ingest, render, publish and the embedded engines count the requests and the
//! DynamoDB capacity units. The proxy before DynamoDB asks the engine for the capacity of each
//! request. `bench/prices.json` contains the list prices, their source and their date. Free tiers
//! are left out. The program assumes the numbers that it cannot count, and prints these
//! assumptions.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bench::{
    BenchEngines, BenchResult, DatedPhoto, EngineStorage, LargePhoto, MeteredClients,
    RequestCounts, install_tls_provider, repository_root,
};
use chrono::{DateTime, TimeDelta, Utc};
use photo_catalogue::archive::Layout;
use photo_catalogue::background::BackgroundSlots;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::Clients;
use photo_catalogue::ingest::{Ingest, ItemRules};
use photo_catalogue::object::Bucket;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::pictures::PictureRecipe;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{HookRules, PublishSettings, Publisher};
use photo_catalogue::render::{PictureEvent, PictureKey, Render, RenderReport, RenderSettings};
use photo_catalogue::storage::Storage;
use photo_catalogue::view::PublicView;
use serde_json::{Value, json};

/// The example photo that is uploaded, and its capture time.
const EXAMPLE: &str = "fuji/DSCF2210.JPG";
const EXAMPLE_CLOCK: &str = "2020:10:18 11:32:09";
/// The picture of the counted photos. It is larger than all renditions, so that all are made.
const LARGE_PHOTO: LargePhoto = LargePhoto {
    width: 2_160,
    height: 1_440,
};
/// The assumed number of new photos in a day.
const PHOTOS_PER_DAY: u32 = 35;
const DAYS_PER_MONTH: u32 = 30;
/// The assumed number of photos in the library.
const LIBRARY: f64 = 55_000.0;
const MILLION: f64 = 1e6;
const JPEG_GB: f64 = 0.005;
const RAW_GB: f64 = 0.025;
/// The assumed size in GB of all table entries of one photo: the item, its copies in the indexes of
/// the table, and the ledger item.
const CATALOGUE_GB: f64 = 0.000_012;
const CYCLES_PER_MONTH: f64 = 43_200.0;
const ALARMS: f64 = 13.0;
/// The assumed size in GB of the four renditions of one photo.
const PICTURES_GB: f64 = 0.000_42;
/// The assumed number of requests to the gallery in a month. Each request is for a page of 100
/// photos.
const PAGES_PER_MONTH: f64 = 100_000.0;
const PAGE_READ_UNITS: f64 = 13.0;
/// The assumed number of times that publish rebuilds the counts and files of the same month during
/// the import of a library.
const REBUILDS_PER_IMPORT: f64 = 10.0;
/// The assumed GB-seconds of one invocation of the ingest function: the memory in GB times the
/// duration in seconds. AWS bills GB-seconds.
const INGEST_GB_SECONDS: f64 = 0.5 * 0.4;
/// The assumed GB-seconds of render for one photo of 24 MP: 1,769 MB for 1.2 seconds.
/// `lambda_start` prints the time on this machine.
const RENDER_GB_SECONDS: f64 = 1.769 / 1.024 * 1.2;
/// The goal for the costs of render for a million photos, in dollars.
const MAX_RENDER_OF_A_MILLION: f64 = 60.0;
/// The assumed GB-seconds of one invocation of the publish function: the memory in GB times the
/// duration in seconds.
const PUBLISH_GB_SECONDS: f64 = 0.5 * 0.1;
/// The assumed GB-seconds of one invocation of the gallery function: the memory in GB times the
/// duration in seconds.
const GALLERY_GB_SECONDS: f64 = 0.25 * 0.1;
/// The number of SQS requests for one message: S3 sends the message, Lambda receives it, and Lambda
/// deletes it.
const QUEUE_REQUESTS: f64 = 3.0;
/// The assumed number of requests in a month that ask the queue for messages and find none. Five
/// pollers of Lambda send three such requests a minute each.
const IDLE_POLLS: f64 = 5.0 * 3.0 * 43_200.0;
/// The time limit of a publish cycle, which is one run of publish. No cycle takes so long.
const CYCLE_TIME: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> BenchResult<()> {
    let prices = PriceList(serde_json::from_slice(&std::fs::read(
        repository_root().join("bench/prices.json"),
    )?)?);
    let counted = count_requests().await?;
    counted.print();
    let costs = UnitCosts::new(&prices, &counted);
    println!(
        "\n{} a month, list prices of {}, {}",
        prices.text("currency"),
        prices.text("date"),
        prices.text("region")
    );
    print_library(&prices, &costs);
    print_million(&prices, &costs);
    println!(
        "\nassumed: a JPEG of {JPEG_GB} GB, a RAW of {RAW_GB} GB; {CATALOGUE_GB} GB of tables a photo; GB-seconds an invocation: \
         ingest {INGEST_GB_SECONDS}, render {RENDER_GB_SECONDS:.2}, publish {PUBLISH_GB_SECONDS}, gallery {GALLERY_GB_SECONDS}; {IDLE_POLLS} empty receives a \
         month; {PAGE_READ_UNITS} read units a page; {REBUILDS_PER_IMPORT} rebuilds of a month in an import; {PICTURES_GB} GB of \
         pictures a photo. Left out: free tiers, logs, traffic out, CloudFront, retrieval from colder classes and their dearer requests."
    );
    println!("prices: {}", prices.text("source"));
    match MILLION * costs.render {
        dollars if dollars > MAX_RENDER_OF_A_MILLION => {
            Err(format!("render of a million photos costs {dollars:.2} USD, over the goal of {MAX_RENDER_OF_A_MILLION}").into())
        }
        _ => Ok(()),
    }
}

/// The numbers of requests and capacity units that the proxies counted.
struct CountedWork {
    /// The requests and capacity units that ingest needs for one new photo: the mean over the
    /// photos of one day.
    photo: RequestCounts,
    /// The requests and capacity units that render needs for the pictures of one new photo.
    pictures: RequestCounts,
    /// The requests and capacity units that publish needs for all new photos of one day.
    day: RequestCounts,
    /// The requests and capacity units of a publish cycle (one run of publish) that finds no
    /// changes.
    idle_cycle: RequestCounts,
}

/// Ingests and publishes a month of new photos. Counts only the requests for the photos of the last
/// day, and those of a publish cycle that finds no changes.
async fn count_requests() -> BenchResult<CountedWork> {
    let services = MeteredServices::start().await?;
    let uncounted = PHOTOS_PER_DAY * (DAYS_PER_MONTH - 1);
    for number in 0..uncounted {
        let (ingest, photo) = (&services.earlier_ingest, &services.photo);
        services.ingest(ingest, number, photo).await?;
    }
    services.publish(0).await?;
    services.take_counts();
    let counted = uncounted..uncounted + PHOTOS_PER_DAY;
    for number in counted.clone() {
        let (ingest, photo) = (&services.ingest, &services.large_photo);
        services.ingest(ingest, number, photo).await?;
    }
    let photo = services.take_counts() / f64::from(PHOTOS_PER_DAY);
    for number in counted {
        services.render(number).await?;
    }
    let pictures = services.take_counts() / f64::from(PHOTOS_PER_DAY);
    services.publish(1).await?;
    let day = services.take_counts();
    services
        .publisher
        .run_cycle(services.now + TimeDelta::hours(2), CYCLE_TIME)
        .await?;
    Ok(CountedWork {
        photo,
        pictures,
        day,
        idle_cycle: services.take_counts(),
    })
}

impl CountedWork {
    fn print(&self) {
        println!(
            "counted                                   S3 writes  S3 reads  S3 deletes  DynamoDB requests  write units  read units"
        );
        print_counts("a new photo, ingest", &self.photo);
        print_counts("its pictures, render", &self.pictures);
        let day = format!(
            "a day's {PHOTOS_PER_DAY} photos, publish (month of {})",
            PHOTOS_PER_DAY * DAYS_PER_MONTH
        );
        print_counts(&day, &self.day);
        print_counts("an idle cycle", &self.idle_cycle);
    }
}

fn print_counts(what: &str, counts: &RequestCounts) {
    println!(
        "{what:40}  {:9.2}  {:8.2}  {:10.2}  {:17.2}  {:11.2}  {:10.2}",
        counts.s3_writes,
        counts.s3_reads,
        counts.s3_deletes,
        counts.dynamodb,
        counts.write_units,
        counts.read_units
    );
}

/// The costs of each kind of work, in dollars. The requests of ingest and publish are counted by
/// this program. The requests to the gallery are assumed.
struct UnitCosts {
    /// The cost of ingest for one photo.
    ingest: f64,
    /// The cost of render for one photo.
    render: f64,
    /// The cost of ingest for all new photos of a month.
    new_photos: f64,
    /// The cost of publish for all new photos of a month.
    publish: f64,
    /// The cost of the publish cycles of a month that find no changes.
    idle_cycles: f64,
    /// The cost of the requests of a month that find the queue empty.
    idle_polls: f64,
    /// The cost of the requests to the gallery in a month.
    pages: f64,
    /// The cost of the CloudWatch alarms in a month.
    alarms: f64,
    /// The cost of one GB of tables for a month, with point-in-time recovery.
    table_gb: f64,
    /// The cost of reading one photo again when publish rebuilds the month of the photo.
    reread_photo: f64,
    /// The cost of one invocation of publish.
    publish_invocation: f64,
}

impl UnitCosts {
    fn new(prices: &PriceList, counted: &CountedWork) -> Self {
        let new_photos = f64::from(PHOTOS_PER_DAY * DAYS_PER_MONTH);
        let queue = QUEUE_REQUESTS * prices.price("/sqs/request");
        let publish_invocation = prices.invocation(PUBLISH_GB_SECONDS);
        // One event for the upload and one for the copy.
        let ingest =
            prices.requests(&counted.photo) + 2.0 * (prices.invocation(INGEST_GB_SECONDS) + queue);
        let render = prices.requests(&counted.pictures) + prices.invocation(RENDER_GB_SECONDS);
        let day = prices.requests(&counted.day) + 4.0 * publish_invocation;
        let idle_cycle = prices.requests(&counted.idle_cycle)
            + publish_invocation
            + prices.price("/scheduler/invocation");
        let read_unit = prices.price("/dynamodb/read_unit");
        UnitCosts {
            ingest,
            render,
            new_photos: new_photos * ingest,
            publish: f64::from(DAYS_PER_MONTH) * day,
            idle_cycles: CYCLES_PER_MONTH * idle_cycle,
            idle_polls: IDLE_POLLS * prices.price("/sqs/request"),
            pages: PAGES_PER_MONTH
                * (PAGE_READ_UNITS * read_unit + prices.invocation(GALLERY_GB_SECONDS)),
            alarms: ALARMS * prices.price("/cloudwatch/alarm_month"),
            table_gb: prices.price("/dynamodb/storage_gb_month")
                + prices.price("/dynamodb/recovery_gb_month"),
            reread_photo: counted.day.read_units / new_photos * read_unit,
            publish_invocation,
        }
    }
}

fn print_cost(what: &str, dollars: f64) {
    println!("{what:58}  {dollars:9.2}");
}

fn print_library(prices: &PriceList, costs: &UnitCosts) {
    let catalogue = LIBRARY * CATALOGUE_GB * costs.table_gb;
    let pictures = f64::from(PHOTOS_PER_DAY * DAYS_PER_MONTH) * costs.render;
    let stored_pictures = LIBRARY * PICTURES_GB * prices.storage("STANDARD");
    let all = costs.new_photos
        + pictures
        + stored_pictures
        + costs.publish
        + costs.idle_cycles
        + costs.idle_polls
        + costs.alarms
        + catalogue;
    println!("55,000 photos, {PHOTOS_PER_DAY} more a day");
    print_cost("  ingest of the new ones", costs.new_photos);
    print_cost("  render of them", pictures);
    print_cost("  publish of them", costs.publish);
    print_cost("  idle cycles of publish", costs.idle_cycles);
    print_cost("  waiting at the queue", costs.idle_polls);
    print_cost("  catalogue, with point-in-time recovery", catalogue);
    print_cost("  pictures of all photos, stored", stored_pictures);
    print_cost("  alarms", costs.alarms);
    print_cost("  all but storage of the photos", all);
    let pages = format!("  a gallery of {PAGES_PER_MONTH} pages of 100 a month");
    print_cost(&pages, costs.pages);
    let gb = LIBRARY * (JPEG_GB + RAW_GB);
    let standard = prices.storage("STANDARD");
    let instant = prices.storage("GLACIER_IR");
    println!("  storage of RAW and JPEG, {gb:.0} GB");
    print_cost("    source and archive, STANDARD", 2.0 * gb * standard);
    print_cost("    SOURCE_AFTER=delete", gb * standard);
    print_cost(
        "    the same, ARCHIVE_STORAGE_CLASS=STANDARD_IA",
        gb * prices.storage("STANDARD_IA"),
    );
    print_cost(
        "    the same, ARCHIVE_STORAGE_CLASS=GLACIER_IR",
        gb * instant,
    );
    print_cost(
        "    the same, RAW alone in GLACIER_IR",
        LIBRARY * (RAW_GB * instant + JPEG_GB * standard),
    );
}

fn print_million(prices: &PriceList, costs: &UnitCosts) {
    println!("a million photos");
    print_cost("  once: ingest", MILLION * costs.ingest);
    print_cost(
        &format!("  once: render (goal: at most {MAX_RENDER_OF_A_MILLION})"),
        MILLION * costs.render,
    );
    print_cost(
        "  once: publish",
        MILLION * REBUILDS_PER_IMPORT * costs.reread_photo
            + MILLION / 100.0 * costs.publish_invocation,
    );
    print_cost(
        "  catalogue, with point-in-time recovery",
        MILLION * CATALOGUE_GB * costs.table_gb,
    );
    print_cost(
        "  archive of JPEGs, STANDARD",
        MILLION * JPEG_GB * prices.storage("STANDARD"),
    );
    print_cost(
        "  pictures, STANDARD",
        MILLION * PICTURES_GB * prices.storage("STANDARD"),
    );
}

/// The content of `bench/prices.json`.
struct PriceList(Value);

impl PriceList {
    fn price(&self, pointer: &str) -> f64 {
        let price = self.0.pointer(pointer).and_then(Value::as_f64);
        price.unwrap_or_else(|| panic!("prices.json has no {pointer}"))
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// Returns the price in dollars of keeping one GB in a storage class for a month.
    fn storage(&self, class: &str) -> f64 {
        self.price(&format!("/s3/storage_gb_month/{class}"))
    }

    /// Returns the price in dollars of the requests and capacity units in `counts`. Delete requests
    /// are free.
    fn requests(&self, counts: &RequestCounts) -> f64 {
        counts.s3_writes * self.price("/s3/write_request")
            + counts.s3_reads * self.price("/s3/read_request")
            + counts.write_units * self.price("/dynamodb/write_unit")
            + counts.read_units * self.price("/dynamodb/read_unit")
    }

    /// Returns the price in dollars of one invocation of a Lambda function that uses `gb_seconds`.
    fn invocation(&self, gb_seconds: f64) -> f64 {
        self.price("/lambda/request") + gb_seconds * self.price("/lambda/gb_second")
    }
}

/// Ingest, render and publish, with counting proxies between them and the embedded engines.
struct MeteredServices {
    /// The clients that upload the photos. Their requests are not counted.
    uploader: Clients,
    ingest: Ingest,
    /// Ingest for the photos before the counted day. It plans no pictures, which would take minutes
    /// to make.
    earlier_ingest: Ingest,
    render: Render,
    /// A client of the photos table. Its requests are not counted.
    catalogue: Catalogue,
    publisher: Publisher,
    table: PublishTable,
    layout: Layout,
    now: DateTime<Utc>,
    photo: DatedPhoto,
    /// A photo that is larger than all renditions.
    large_photo: DatedPhoto,
    metered: MeteredClients,
    _engines: BenchEngines,
}

impl MeteredServices {
    async fn start() -> BenchResult<Self> {
        install_tls_provider();
        let engines = BenchEngines::start(EngineStorage::Memory).await?;
        engines
            .create_buckets(&["inbox", "archive", "site"])
            .await?;
        let uploader = engines.connect();
        Catalogue::new(uploader.dynamodb.clone(), "photos")
            .create_table()
            .await?;
        let table = PublishTable::new(uploader.dynamodb.clone(), "publish");
        table.create_table().await?;

        let metered = MeteredClients::start(&engines).await?;
        let catalogue = Catalogue::new(metered.clients.dynamodb.clone(), "photos");
        let storage = Storage::new(metered.clients.s3.clone());
        let layout = Layout::new("inbox", "", "archive", "")?;
        let policy = LocationPolicy::Hide;
        let rules = ItemRules {
            recipe: Some(PictureRecipe::default()),
            ..ItemRules::from(policy)
        };
        let render_settings = RenderSettings {
            archive: layout.archive_bucket().clone(),
            gallery: Bucket::new("site")?,
            prefix: "gallery/".to_owned(),
            key: PictureKey::new([7; 32]),
            rules: rules.clone(),
            cdn: None,
        };
        let settings = PublishSettings {
            bucket: Bucket::new("site")?,
            prefix: "gallery/".to_owned(),
            view: PublicView::new(policy, Some("https://photos.example/gallery".to_owned())),
            compress: true,
            album_folders: Default::default(),
            map_tiles: None,
            hook: None,
            rules: HookRules::default(),
        };
        let metered_table = PublishTable::new(metered.clients.dynamodb.clone(), "publish");
        let clock = Arc::new(Utc::now);
        Ok(MeteredServices {
            ingest: Ingest::new(
                storage.clone(),
                catalogue.clone(),
                layout.clone(),
                rules,
                clock.clone(),
            ),
            earlier_ingest: Ingest::new(
                storage.clone(),
                catalogue.clone(),
                layout.clone(),
                policy,
                clock.clone(),
            ),
            render: Render::new(
                catalogue.clone(),
                storage.clone(),
                render_settings,
                BackgroundSlots::default(),
                clock,
            ),
            publisher: Publisher::new(catalogue, metered_table, storage, settings),
            catalogue: Catalogue::new(uploader.dynamodb.clone(), "photos"),
            uploader,
            table,
            layout,
            now: Utc::now(),
            photo: DatedPhoto::read(EXAMPLE, EXAMPLE_CLOCK)?,
            large_photo: DatedPhoto::read(EXAMPLE, EXAMPLE_CLOCK)?.with_picture(&LARGE_PHOTO)?,
            metered,
            _engines: engines,
        })
    }

    /// Uploads `photo` as the `number`-th photo of a month. Then passes two events to ingest: one
    /// for the upload, and one for the copy in the archive.
    async fn ingest(&self, ingest: &Ingest, number: u32, photo: &DatedPhoto) -> BenchResult<()> {
        let (day, minute) = (number / PHOTOS_PER_DAY + 1, number % PHOTOS_PER_DAY);
        let clock = format!("2020:09:{day:02} 12:{minute:02}:00");
        let name = format!("DSCF{number:04}.JPG");
        let key = format!("card/{name}");
        let put = self.uploader.s3.put_object();
        put.bucket(self.layout.source_bucket().as_str())
            .key(&key)
            .body(ByteStream::from(photo.with_clock(&clock)))
            .send()
            .await?;
        let copy = format!("2020-09-{day:02}/{name}");
        for (bucket, key) in [
            (self.layout.source_bucket(), &key),
            (self.layout.archive_bucket(), &copy),
        ] {
            let event = json!({ "Records": [{ "eventSource": "aws:s3",
                "s3": { "bucket": { "name": bucket }, "object": { "key": key } } }] });
            ingest.handle_event(&event).await?;
        }
        Ok(())
    }

    /// Makes the pictures of the `number`-th photo of the month.
    async fn render(&self, number: u32) -> BenchResult<()> {
        let day = number / PHOTOS_PER_DAY + 1;
        let id = PhotoId::from_stem(&format!("2020-09-{day:02}/DSCF{number:04}"));
        let item = self.catalogue.item(&id).await?.ok_or("no item")?;
        let event = PictureEvent::of_item(&item).ok_or("the item is no work for render")?;
        match self.render.process(&id, self.render.tokens(&event)).await? {
            RenderReport::Made(_) => Ok(()),
            other => Err(format!("no pictures of {id}: {other:?}").into()),
        }
    }

    /// Passes to publish one stream record, which marks the month as dirty (to be rebuilt). Then
    /// runs the publish cycle that rebuilds the month. Publish gets these times as the current
    /// time: `hours` after the start of the program for the stream record, and one minute later for
    /// the cycle.
    async fn publish(&self, hours: i64) -> BenchResult<()> {
        let then = self.now + TimeDelta::hours(hours);
        let image = json!({ "datePartition": { "S": "2020" },
            "dateSort": { "S": "2020-09-30T12:00:00#x" }, "summary": { "M": {} } });
        let record = json!({ "eventSource": "aws:dynamodb", "eventName": "INSERT",
            "dynamodb": { "Keys": { "pk": { "S": "photo#x" } }, "NewImage": image } });
        let before = self.table.dirty_months().await?.len();
        self.publisher.mark_changed_months(&[record], then).await?;
        if self.table.dirty_months().await?.len() <= before {
            return Err("the record of the stream marked no month".into());
        }
        let report = self
            .publisher
            .run_cycle(then + TimeDelta::minutes(1), CYCLE_TIME)
            .await?;
        match report.changed {
            0 => Err("no month was rebuilt".into()),
            _ => Ok(()),
        }
    }

    /// Returns the numbers of requests and capacity units since the last call of this function.
    fn take_counts(&self) -> RequestCounts {
        self.metered.take_counts()
    }
}
