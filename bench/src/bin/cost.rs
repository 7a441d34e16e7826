//! What AWS asks for it: `cargo run -p bench --bin cost`. docs/cost.md explains what it prints.
//!
//! Requests and capacity units are counted between ingest, publish and the embedded engines, where a proxy asks DynamoDB's
//! engine for the capacity of every request; `prices.json` beside this file has the list prices, their source and date.
//! Free tiers are left out. What cannot be counted here is assumed, and the assumptions are printed.

#![expect(clippy::print_stdout, reason = "its report is what it is run for")]

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::dynamodb_engine::DynamoDbEngine;
use photo_catalogue::ingest::Ingest;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{HookRules, PublishSettings, Publisher};
use photo_catalogue::storage::Storage;
use photo_catalogue::view::{PictureHosting, PublicView};
use s3_folder::{KeyPair, S3Store};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Photos that come in a day.
const DAY: u32 = 35;
const DAYS: u32 = 30;
const LIBRARY: f64 = 55_000.0;
const MILLION: f64 = 1e6;
const JPEG_GB: f64 = 0.005;
const RAW_GB: f64 = 0.025;
/// An item of the catalogue with its indexes' copies and its ledger item.
const CATALOGUE_GB: f64 = 0.000_012;
const TICKS_A_MONTH: f64 = 43_200.0;
const ALARMS: f64 = 9.0;
/// Of a gallery that is looked at: requests a month, a page of 100 photos each.
const PAGES: f64 = 100_000.0;
const PAGE_READ_UNITS: f64 = 13.0;
/// How often a month is rebuilt while a library is imported.
const REBUILDS: f64 = 10.0;
/// Memory and time that an invocation is billed with.
const INGEST_GB_SECONDS: f64 = 0.5 * 0.4;
const PUBLISH_GB_SECONDS: f64 = 0.5 * 0.1;
const GALLERY_GB_SECONDS: f64 = 0.25 * 0.1;
/// Receive, delete, and the send that S3 makes, of a message.
const QUEUE_REQUESTS: f64 = 3.0;
/// Receives of an empty queue in a month: five pollers that wait 20 seconds each.
const IDLE_POLLS: f64 = 5.0 * 3.0 * 43_200.0;
const LONG: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<()> {
    let prices: Prices = Prices(serde_json::from_slice(&std::fs::read(
        root().join("bench/prices.json"),
    )?)?);
    let world = World::new().await?;
    // A month of a camera's use, of which the last day is counted.
    let counted = DAY * (DAYS - 1);
    for number in 0..counted {
        world.ingest(number).await?;
    }
    world.publish(0).await?;
    world.take();
    for number in counted..counted + DAY {
        world.ingest(number).await?;
    }
    let photo = world.take() / f64::from(DAY);
    world.publish(1).await?;
    let session = world.take();
    world
        .publish
        .run_cycle(world.now + TimeDelta::hours(2), LONG)
        .await?;
    let tick = world.take();

    println!(
        "counted                                   S3 writes  S3 reads  S3 deletes  DynamoDB requests  write units  read units"
    );
    photo.print("a new photo, ingest");
    session.print(&format!(
        "a day's {DAY} photos, publish (month of {})",
        DAY * DAYS
    ));
    tick.print("an idle tick");

    let ingest = prices.of(&photo)
        + 2.0 * (prices.lambda(INGEST_GB_SECONDS) + QUEUE_REQUESTS * prices.get("/sqs/request"));
    let new = f64::from(DAY * DAYS);
    let daily = f64::from(DAYS) * (prices.of(&session) + 4.0 * prices.lambda(PUBLISH_GB_SECONDS));
    let ticks = TICKS_A_MONTH
        * (prices.of(&tick)
            + prices.lambda(PUBLISH_GB_SECONDS)
            + prices.get("/scheduler/invocation"));
    let polls = IDLE_POLLS * prices.get("/sqs/request");
    let pages = PAGES
        * (PAGE_READ_UNITS * prices.get("/dynamodb/read_unit") + prices.lambda(GALLERY_GB_SECONDS));
    let alarms = ALARMS * prices.get("/cloudwatch/alarm_month");
    let table =
        prices.get("/dynamodb/storage_gb_month") + prices.get("/dynamodb/recovery_gb_month");

    println!(
        "\n{} a month, list prices of {}, {}",
        prices.text("currency"),
        prices.text("date"),
        prices.text("region")
    );
    let line = |what: &str, dollars: f64| println!("{what:58}  {dollars:9.2}");
    println!("55,000 photos, {DAY} more a day");
    line("  ingest of the new ones", new * ingest);
    line("  publish of them", daily);
    line("  idle ticks of publish", ticks);
    line("  waiting at the queue", polls);
    line(
        "  catalogue, with point-in-time recovery",
        LIBRARY * CATALOGUE_GB * table,
    );
    line("  alarms", alarms);
    line(
        "  all but storage",
        new * ingest + daily + ticks + polls + alarms + LIBRARY * CATALOGUE_GB * table,
    );
    line(
        &format!("  a gallery of {PAGES} pages of 100 a month"),
        pages,
    );
    let gb = LIBRARY * (JPEG_GB + RAW_GB);
    let class = |name: &str| prices.get(&format!("/s3/storage_gb_month/{name}"));
    println!("  storage of RAW and JPEG, {gb:.0} GB");
    line(
        "    source and archive, STANDARD",
        2.0 * gb * class("STANDARD"),
    );
    line("    SOURCE_AFTER=delete", gb * class("STANDARD"));
    line(
        "    the same, ARCHIVE_STORAGE_CLASS=STANDARD_IA",
        gb * class("STANDARD_IA"),
    );
    line(
        "    the same, ARCHIVE_STORAGE_CLASS=GLACIER_IR",
        gb * class("GLACIER_IR"),
    );
    line(
        "    the same, RAW alone in GLACIER_IR",
        LIBRARY * (RAW_GB * class("GLACIER_IR") + JPEG_GB * class("STANDARD")),
    );
    println!("a million photos");
    // Read units of a rebuild, of a photo of the month.
    let reread = session.read_units / f64::from(DAY * DAYS) * prices.get("/dynamodb/read_unit");
    line("  once: ingest", MILLION * ingest);
    line(
        "  once: publish",
        MILLION * REBUILDS * reread + MILLION / 100.0 * prices.lambda(PUBLISH_GB_SECONDS),
    );
    line(
        "  catalogue, with point-in-time recovery",
        MILLION * CATALOGUE_GB * table,
    );
    line(
        "  archive of JPEGs, STANDARD",
        MILLION * JPEG_GB * class("STANDARD"),
    );
    println!(
        "\nassumed: a JPEG of {JPEG_GB} GB, a RAW of {RAW_GB} GB; {CATALOGUE_GB} GB of tables a photo; GB-seconds an invocation: \
         ingest {INGEST_GB_SECONDS}, publish {PUBLISH_GB_SECONDS}, gallery {GALLERY_GB_SECONDS}; {IDLE_POLLS} empty receives a \
         month; {PAGE_READ_UNITS} read units a page; {REBUILDS} rebuilds of a month in an import. Left out: free tiers, logs, \
         traffic out, retrieval from colder classes and their dearer requests."
    );
    println!("prices: {}", prices.text("source"));
    Ok(())
}

/// `prices.json`.
struct Prices(Value);

impl Prices {
    fn get(&self, pointer: &str) -> f64 {
        let price = self.0.pointer(pointer).and_then(Value::as_f64);
        price.unwrap_or_else(|| panic!("prices.json has no {pointer}"))
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    fn of(&self, count: &Count) -> f64 {
        count.s3_writes * self.get("/s3/write_request")
            + count.s3_reads * self.get("/s3/read_request")
            + count.write_units * self.get("/dynamodb/write_unit")
            + count.read_units * self.get("/dynamodb/read_unit")
    }

    fn lambda(&self, gb_seconds: f64) -> f64 {
        self.get("/lambda/request") + gb_seconds * self.get("/lambda/gb_second")
    }
}

/// Requests and units. Deletes cost nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    s3_writes: f64,
    s3_reads: f64,
    s3_deletes: f64,
    dynamodb: f64,
    write_units: f64,
    read_units: f64,
}

impl Count {
    fn print(&self, what: &str) {
        println!(
            "{what:40}  {:9.2}  {:8.2}  {:10.2}  {:17.2}  {:11.2}  {:10.2}",
            self.s3_writes,
            self.s3_reads,
            self.s3_deletes,
            self.dynamodb,
            self.write_units,
            self.read_units
        );
    }
}

impl std::ops::Div<f64> for Count {
    type Output = Count;

    fn div(self, by: f64) -> Count {
        Count {
            s3_writes: self.s3_writes / by,
            s3_reads: self.s3_reads / by,
            s3_deletes: self.s3_deletes / by,
            dynamodb: self.dynamodb / by,
            write_units: self.write_units / by,
            read_units: self.read_units / by,
        }
    }
}

/// The engines, and ingest and publish over them through the counting proxies.
struct World {
    user: Clients,
    ingest: Ingest,
    publish: Publisher,
    published: PublishTable,
    layout: Layout,
    now: DateTime<Utc>,
    photo: Vec<u8>,
    count: Arc<Mutex<Count>>,
    _data: tempfile::TempDir,
}

impl World {
    async fn new() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let store = S3Store::open(data.path())?;
        let (listener, s3) = listen().await?;
        let keys = KeyPair {
            access_key: "test".to_owned(),
            secret_key: "secret".to_owned(),
        };
        tokio::spawn(store.serve(listener, keys, std::future::pending()));
        let (listener, dynamodb) = listen().await?;
        let engine = DynamoDbEngine::open_in_memory()?;
        tokio::spawn(engine.serve(listener, std::future::pending()));
        let connect = |s3: &str, dynamodb: &str| {
            let endpoints = Endpoints {
                s3: Some(s3.to_owned()),
                dynamodb: Some(dynamodb.to_owned()),
            };
            clients::connect(&clients::with_key_pair("test", "secret"), &endpoints)
        };
        let user = connect(&s3, &dynamodb);
        let layout = Layout::new("inbox", "", "archive", "")?;
        for bucket in ["inbox", "archive", "site"] {
            let storage = Storage::new(user.s3.clone());
            storage.create_bucket(bucket).await?;
        }
        let photos = Catalogue::new(user.dynamodb.clone(), "photos");
        photos.create_table().await?;
        let published = PublishTable::new(user.dynamodb.clone(), "publish");
        published.create_table().await?;

        let count = Arc::default();
        let counted = connect(
            &proxy(&s3, Arc::clone(&count)).await?,
            &proxy(&dynamodb, Arc::clone(&count)).await?,
        );
        let catalogue = Catalogue::new(counted.dynamodb.clone(), "photos");
        let storage = Storage::new(counted.s3);
        let settings = PublishSettings {
            bucket: "site".to_owned(),
            prefix: "gallery/".to_owned(),
            view: PublicView::new(LocationPolicy::Hide, PictureHosting::default()),
            compress: true,
            hook: None,
            rules: HookRules::default(),
        };
        Ok(World {
            ingest: Ingest::new(
                storage.clone(),
                catalogue.clone(),
                layout.clone(),
                LocationPolicy::Hide,
            ),
            publish: Publisher::new(
                catalogue,
                PublishTable::new(counted.dynamodb, "publish"),
                storage,
                settings,
            ),
            user,
            published,
            layout,
            now: Utc::now(),
            photo: std::fs::read(root().join("examples/photos/fuji/DSCF2210.JPG"))?,
            count,
            _data: data,
        })
    }

    /// Uploads the `number`-th photo of a month and wakes ingest for it and for its copy.
    async fn ingest(&self, number: u32) -> Result<()> {
        let old = b"2020:10:18 11:32:09";
        let (day, minute) = (number / DAY + 1, number % DAY);
        let new = format!("2020:09:{day:02} 12:{minute:02}:00");
        let mut photo = self.photo.clone();
        let clocks: Vec<usize> = (0..photo.len() - old.len())
            .filter(|&at| photo[at..].starts_with(old))
            .collect();
        for at in clocks {
            photo[at..at + new.len()].copy_from_slice(new.as_bytes());
        }
        let name = format!("DSCF{number:04}.JPG");
        let key = format!("card/{name}");
        let put = self.user.s3.put_object();
        let put = put.bucket(self.layout.source_bucket()).key(&key);
        put.body(ByteStream::from(photo)).send().await?;
        let copy = format!("2020-09-{day:02}/{name}");
        for (bucket, key) in [
            (self.layout.source_bucket(), &key),
            (self.layout.archive_bucket(), &copy),
        ] {
            let event = json!({ "Records": [{ "eventSource": "aws:s3",
                "s3": { "bucket": { "name": bucket }, "object": { "key": key } } }] });
            self.ingest.handle_event(&event).await?;
        }
        Ok(())
    }

    /// The month has changed, `hours` from the start, as the stream tells in one batch; it is rebuilt a minute later.
    async fn publish(&self, hours: i64) -> Result<()> {
        let then = self.now + TimeDelta::hours(hours);
        let image = json!({ "datePartition": { "S": "2020" },
            "dateSort": { "S": "2020-09-30T12:00:00#x" }, "summary": { "M": {} } });
        let record = json!({ "eventSource": "aws:dynamodb", "eventName": "INSERT",
            "dynamodb": { "Keys": { "pk": { "S": "photo#x" } }, "NewImage": image } });
        let before = self.published.dirty_months().await?.len();
        self.publish.mark_changed_months(&[record], then).await?;
        if self.published.dirty_months().await?.len() <= before {
            return Err("the stream's record marked no month".into());
        }
        let ticked = self
            .publish
            .run_cycle(then + TimeDelta::minutes(1), LONG)
            .await?;
        match ticked.changed {
            0 => Err("no month was rebuilt".into()),
            _ => Ok(()),
        }
    }

    /// What was counted since the last call.
    fn take(&self) -> Count {
        std::mem::take(
            &mut self
                .count
                .lock()
                .unwrap_or_else(|broken| broken.into_inner()),
        )
    }
}

struct Proxy {
    upstream: String,
    client: reqwest::Client,
    count: Arc<Mutex<Count>>,
}

/// A proxy before `upstream` that counts into `count`; its endpoint.
async fn proxy(upstream: &str, count: Arc<Mutex<Count>>) -> Result<String> {
    let _another_may_have_been_first = rustls::crypto::ring::default_provider().install_default();
    let (listener, endpoint) = listen().await?;
    let proxy = Arc::new(Proxy {
        upstream: upstream.to_owned(),
        client: reqwest::Client::new(),
        count,
    });
    let router = Router::new().fallback(pass).with_state(proxy);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(endpoint)
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    match proxy.pass(request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

impl Proxy {
    async fn pass(
        &self,
        request: Request,
    ) -> std::result::Result<Response, Box<dyn Error + Send + Sync>> {
        let (mut parts, body) = request.into_parts();
        let mut body = axum::body::to_bytes(body, usize::MAX).await?;
        let target = parts.headers.get("x-amz-target");
        let operation = target
            .and_then(|target| target.to_str().ok())
            .map(str::to_owned);
        if operation.is_some() {
            // The embedded engine does not look at the signature.
            let mut asked: Value = serde_json::from_slice(&body)?;
            asked["ReturnConsumedCapacity"] = json!("TOTAL");
            body = Bytes::from(asked.to_string());
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", self.upstream);
        let sent = self.client.request(parts.method.clone(), url);
        let answer = sent.headers(parts.headers).body(body).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        let body = answer.bytes().await?;
        {
            let mut count = self
                .count
                .lock()
                .unwrap_or_else(|broken| broken.into_inner());
            match &operation {
                Some(operation) => {
                    let told: Value = serde_json::from_slice(&body)?;
                    let units = told.pointer("/ConsumedCapacity/CapacityUnits");
                    let reads = operation.ends_with("GetItem") || operation.ends_with("Query");
                    // A condition that did not hold is billed as a write of one unit at least, and tells nothing.
                    let units = units.and_then(Value::as_f64).unwrap_or(1.0);
                    count.dynamodb += 1.0;
                    *(if reads {
                        &mut count.read_units
                    } else {
                        &mut count.write_units
                    }) += units;
                }
                None => match parts.method.as_str() {
                    "DELETE" => count.s3_deletes += 1.0,
                    "HEAD" => count.s3_reads += 1.0,
                    // A listing costs as much as a write.
                    "GET" if !path.contains("list-type") => count.s3_reads += 1.0,
                    _ => count.s3_writes += 1.0,
                },
            }
        }
        let mut passed = Response::new(Body::from(body));
        *passed.status_mut() = status;
        *passed.headers_mut() = headers;
        Ok(passed)
    }
}

async fn listen() -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    Ok((listener, endpoint))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
