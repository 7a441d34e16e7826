//! The parts of an AWS account that the functions use: the embedded engines, and endpoints of Systems
//! Manager and CloudFront. A proxy in front of each of them records the requests of every function.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use axum::extract::{Path as Segment, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use dynamodb_engine::DynamoDbEngine;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use photo_catalogue::catalogue::album::{Album, AlbumContent};
use photo_catalogue::catalogue::published::PublishTable;
use photo_catalogue::catalogue::{AlbumWrite, Catalogue, WriteOutcome};
use photo_catalogue::clients::{self, Endpoints};
use photo_catalogue::ingest::{ItemRules, update_overrides};
use photo_catalogue::object::Bucket;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::pictures::PictureRecipe;
use photo_catalogue::privacy::{LocationPolicy, Visibility};
use photo_catalogue::storage::Storage;
use s3_folder::{NotificationFilter, S3Store};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::runtime::{FunctionHost, FunctionProcess};
use crate::engines::{serve_dynamodb, serve_s3};
use crate::ingest::proxy::StoreProxy;

/// The environment variable that contains the path of a JSON file. The file contains the
/// environment of each function, as Terraform renders it. `.ci/terraform functions` writes the
/// file.
const ENVIRONMENT: &str = "LAMBDA_ENVIRONMENT";
/// The URL of the build hook. The account has it in a parameter of Systems Manager.
pub(super) const HOOK_URL: &str = "https://api.netlify.com/build_hooks/t0ken";
/// The parameters of Systems Manager in a new account: the ends of their names, and their values.
pub(super) const PARAMETERS: [(&str, &str); 5] = [
    ("/hook-url", HOOK_URL),
    (
        "/cursor-key",
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    ),
    ("/home-zones", "f25dv;45.4712,-73.6456,500"),
    ("/private-keywords", "family,friends"),
    ("/private-sources", "private/"),
];

/// The parameters of Systems Manager. All are encrypted (SecureString), and all have version 1.
#[derive(Clone, Default)]
pub(super) struct ParameterStore {
    /// The values, by the name of the parameter.
    pub(super) values: Arc<Mutex<BTreeMap<String, String>>>,
    /// If it is `true`, the role of the functions may not read the parameters.
    pub(super) denied: Arc<AtomicBool>,
    /// The number of requests that are refused because there are too many at a time.
    pub(super) throttled: Arc<AtomicU32>,
}

/// The functions of the Terraform module.
pub(super) const FUNCTIONS: [&str; 4] = ["ingest", "publish", "gallery", "render"];

/// CloudFront's operation CreateInvalidation.
#[derive(Clone, Default)]
pub(super) struct FakeCloudFront {
    /// The bodies of all invalidations that were created.
    pub(super) invalidations: Arc<Mutex<Vec<String>>>,
    /// The errors with which the next requests are answered: status and code.
    pub(super) failures: Arc<Mutex<Vec<(StatusCode, &'static str)>>>,
}

/// A simulated AWS account with the buckets, tables and parameters of the Terraform module.
pub(super) struct FakeAccount {
    host: FunctionHost,
    environment: Value,
    pub(super) s3: Client,
    s3_endpoint: String,
    dynamodb: String,
    engine: DynamoDbEngine,
    ssm: String,
    pub(super) parameters: ParameterStore,
    /// The URL of CloudFront's API.
    cloudfront_endpoint: String,
    pub(super) cloudfront: FakeCloudFront,
    /// The number of records of the stream that render has got.
    rendered_records: usize,
    notifications: mpsc::UnboundedReceiver<Value>,
    pub(super) requests: Arc<Mutex<Vec<Value>>>,
    folder: tempfile::TempDir,
}

impl FakeAccount {
    /// Builds an account with empty buckets and tables, which have the names that the Terraform
    /// module gives them.
    pub(super) async fn new(host: FunctionHost) -> Self {
        let environment = function_variables();
        let folder = tempfile::tempdir().unwrap();
        let store = S3Store::open(folder.path()).unwrap();
        let (listener, s3_endpoint) = listen().await;
        serve_s3(listener, &store);
        let (listener, dynamodb) = listen().await;
        let engine = DynamoDbEngine::open_in_memory().unwrap();
        serve_dynamodb(listener, engine.clone());

        let endpoints = Endpoints {
            s3: Some(s3_endpoint.clone()),
            dynamodb: Some(dynamodb.clone()),
        };
        let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
        let ingest = &environment["ingest"];
        let [source, archive] = ["SOURCE", "ARCHIVE"].map(|which| {
            let get = |what| ingest[format!("{which}_{what}")].as_str();
            NotificationFilter::new(get("BUCKET").unwrap(), get("PREFIX").unwrap_or_default())
        });
        let publish = &environment["publish"];
        let storage = Storage::new(clients.s3.clone());
        let gallery = publish["GALLERY_BUCKET"].as_str().unwrap();
        for bucket in [source.bucket.as_str(), &archive.bucket, gallery] {
            let bucket = Bucket::new(bucket).unwrap();
            storage.create_bucket(&bucket).await.unwrap();
        }
        let tables = ["PHOTOS_TABLE", "PUBLISH_TABLE"].map(|name| publish[name].as_str().unwrap());
        let photos = Catalogue::new(clients.dynamodb.clone(), tables[0]);
        photos.create_table().await.unwrap();
        let published = PublishTable::new(clients.dynamodb, tables[1]);
        published.create_table().await.unwrap();

        store.set_notification_filters(&[source, archive]);
        let (sender, notifications) = mpsc::unbounded_channel();
        // The store sends batches as SQS does. Each body is a notification of S3.
        let forward = move |batch: Value| {
            for message in batch["Records"].as_array().unwrap() {
                let body = message["body"].as_str().unwrap();
                sender.send(serde_json::from_str(body).unwrap()).unwrap();
            }
            async { Ok(json!({ "batchItemFailures": [] })) }
        };
        tokio::spawn(async move {
            store
                .deliver_notifications(1, forward, std::future::pending())
                .await
        });

        let parameters = ParameterStore::default();
        let (listener, ssm) = listen().await;
        let router = Router::new()
            .route("/", post(get_parameters))
            .with_state(parameters.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let cloudfront = FakeCloudFront::default();
        let (listener, cloudfront_endpoint) = listen().await;
        let router = Router::new()
            .route(
                "/2020-05-31/distribution/{id}/invalidation",
                post(create_invalidation),
            )
            .with_state(cloudfront.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let account = FakeAccount {
            host,
            environment,
            s3: clients.s3,
            s3_endpoint,
            dynamodb,
            engine,
            ssm,
            parameters,
            cloudfront_endpoint,
            cloudfront,
            rendered_records: 0,
            notifications,
            requests: Arc::default(),
            folder,
        };
        for function in FUNCTIONS {
            for name in account.parameter_names(function) {
                let value = PARAMETERS.iter().find(|(end, _)| name.ends_with(end));
                account.set_parameter(&name, value.unwrap_or_else(|| panic!("{name}")).1);
            }
        }
        account
    }

    pub(super) fn set_parameter(&self, name: &str, value: &str) {
        let mut values = self.parameters.values.lock().unwrap();
        values.insert(name.to_owned(), value.to_owned());
    }

    /// Returns the names of all parameters that the function with this name reads, without their
    /// versions.
    pub(super) fn parameter_names(&self, function: &str) -> Vec<String> {
        let variables = self.environment[function].as_object().unwrap();
        let variables = variables.keys().filter(|name| name.ends_with("_PARAMETER"));
        variables
            .map(|variable| self.parameter_name(function, variable))
            .collect()
    }

    /// Returns the name of a parameter, without its version. `variable` is the environment variable
    /// of `function` that contains the name.
    pub(super) fn parameter_name(&self, function: &str, variable: &str) -> String {
        let value = self.variable(function, variable);
        value.split(':').next().unwrap().to_owned()
    }

    /// Returns the value of an environment variable of the function with this name.
    pub(super) fn variable(&self, function: &str, name: &str) -> String {
        let value = self.environment[function][name].as_str();
        value.unwrap_or_default().to_owned()
    }

    /// Starts the function with this name. All its requests to AWS are recorded.
    pub(super) async fn start(&self, name: &'static str) -> FunctionProcess {
        let mut environment = BTreeMap::new();
        for (name, value) in self.environment[name].as_object().unwrap() {
            environment.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
        for (service, variable, upstream) in [
            ("s3", "S3_ENDPOINT", &self.s3_endpoint),
            ("dynamodb", "DYNAMODB_ENDPOINT", &self.dynamodb),
            ("ssm", "AWS_ENDPOINT_URL_SSM", &self.ssm),
            (
                "cloudfront",
                "AWS_ENDPOINT_URL_CLOUDFRONT",
                &self.cloudfront_endpoint,
            ),
        ] {
            let requests = Arc::clone(&self.requests);
            let seen = move |request: &Parts, body: &Bytes| {
                let request = describe_request(name, service, request, body);
                requests.lock().unwrap().push(request);
            };
            let endpoint = StoreProxy::recording(upstream, seen).await;
            environment.insert(variable.to_owned(), endpoint);
        }
        FunctionProcess::start(&self.host, name, &environment, self.folder.path()).await
    }

    /// Uses the CloudFront API at `endpoint`, and this distribution.
    pub(super) fn use_cloudfront(&mut self, endpoint: &str, distribution: &str) {
        self.cloudfront_endpoint = endpoint.to_owned();
        self.environment["render"]["CDN_DISTRIBUTION"] = json!(distribution);
    }

    /// Makes CloudFront answer the next requests with these errors, the last one first.
    pub(super) fn fail_invalidations(&self, failures: &[(StatusCode, &'static str)]) {
        *self.cloudfront.failures.lock().unwrap() = failures.to_vec();
    }

    pub(super) async fn upload(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let bucket = self.variable("ingest", "SOURCE_BUCKET");
        let put = self.s3.put_object().bucket(bucket).key(key);
        let put = put.body(ByteStream::from(bytes.into()));
        put.send().await.unwrap();
    }

    /// Returns the keys of all objects in a bucket. `variable` is the environment variable of
    /// `function` that contains the name of the bucket.
    pub(super) async fn list_keys(&self, function: &str, variable: &str) -> Vec<String> {
        let bucket = self.variable(function, variable);
        let listed = self.s3.list_objects_v2().bucket(bucket).send();
        let objects = listed.await.unwrap().contents.unwrap_or_default();
        objects
            .into_iter()
            .filter_map(|object| object.key)
            .collect()
    }

    /// Waits until the store has sent `count` notifications, and returns them. Leaves out removals
    /// in the source, because the Terraform module does not subscribe to them.
    pub(super) async fn notifications(&mut self, count: usize) -> Vec<Value> {
        let source = self.variable("ingest", "SOURCE_BUCKET");
        let mut events = Vec::new();
        while events.len() < count {
            let event = self.notifications.recv().await.unwrap();
            let record = &event["Records"][0];
            let removed = record["eventName"].as_str().unwrap().contains("Removed");
            if !(removed && record["s3"]["bucket"]["name"] == source.as_str()) {
                events.push(event);
            }
        }
        events
    }

    /// Returns a client of the photos table with the rights of the owner.
    fn catalogue(&self) -> Catalogue {
        let endpoints = Endpoints {
            s3: Some(self.s3_endpoint.clone()),
            dynamodb: Some(self.dynamodb.clone()),
        };
        let clients = clients::connect(&clients::with_key_pair("test", "secret"), &endpoints);
        let table = self.variable("ingest", "PHOTOS_TABLE");
        Catalogue::new(clients.dynamodb, &table)
    }

    /// Adds an album with these photos, as `photos album add` does.
    pub(super) async fn add_album(&self, title: &str, stems: &[&str]) {
        let stems = stems.iter().map(|stem| (*stem).to_owned()).collect();
        let album = Album::new(title, AlbumContent::List(stems)).unwrap();
        let written = self.catalogue().put_album(&album, AlbumWrite::Create).await;
        assert_eq!(written.unwrap(), WriteOutcome::Written);
    }

    /// Hides a photo, as `photos set --private` does.
    pub(super) async fn hide(&self, stem: &str) {
        let catalogue = self.catalogue();
        let rules = ItemRules {
            recipe: Some(PictureRecipe::default()),
            ..ItemRules::from(LocationPolicy::Hide)
        };
        let id = PhotoId::from_stem(stem);
        let changed = update_overrides(&catalogue, &rules, chrono::Utc::now(), &id, |item| {
            item.overrides.visibility = Some(Visibility::Private);
        });
        assert_eq!(changed.await.unwrap().len(), 1, "{stem}");
    }

    /// Returns the event with which Lambda invokes publish: those records of the photos table's
    /// stream that pass the filter of the Terraform module.
    pub(super) async fn stream_batch(&self) -> Value {
        let mut records = self.stream_records().await;
        records.retain(|record| {
            let pk = record["dynamodb"]["Keys"]["pk"]["S"].as_str();
            let pk = pk.unwrap_or_else(|| panic!("{record}"));
            pk.starts_with("photo#")
        });
        json!({ "Records": records })
    }

    /// Returns the event with which Lambda invokes render: those records that are new since the last
    /// call, and pass the filter of the Terraform module.
    pub(super) async fn picture_batch(&mut self) -> Value {
        let mut records = self.stream_records().await;
        let new = records.split_off(self.rendered_records);
        self.rendered_records += new.len();
        let due = |record: &Value| record["dynamodb"]["NewImage"]["pictureWork"]["S"] == "due";
        json!({ "Records": new.into_iter().filter(due).collect::<Vec<_>>() })
    }

    /// Returns all records of the photos table's stream, in the form in which Lambda delivers them.
    async fn stream_records(&self) -> Vec<Value> {
        let table = self.variable("publish", "PHOTOS_TABLE");
        let streams = self.call_streams("ListStreams", json!({ "TableName": table }));
        let arn = streams.await["Streams"][0]["StreamArn"].clone();
        let stream = self
            .call_streams("DescribeStream", json!({ "StreamArn": arn }))
            .await;
        let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
        let start =
            json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
        let iterator = self.call_streams("GetShardIterator", start).await;
        let from = json!({ "ShardIterator": iterator["ShardIterator"] });
        let mut batch = self.call_streams("GetRecords", from).await;
        let records = batch["Records"].as_array_mut().unwrap();
        for record in records.iter_mut() {
            record["eventSource"] = json!("aws:dynamodb");
            record["eventSourceARN"] = arn.clone();
        }
        std::mem::take(records)
    }

    async fn call_streams(&self, operation: &str, request: Value) -> Value {
        let target = format!("DynamoDBStreams_20120810.{operation}");
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-amz-target"),
            HeaderValue::from_str(&target).unwrap(),
        )]);
        let answer = self
            .engine
            .respond(&headers, request.to_string().into())
            .await;
        let (head, body) = answer.into_parts();
        assert!(head.status.is_success(), "{operation}: {body:?}");
        serde_json::from_slice(&body).unwrap()
    }
}

/// Returns the properties of a request that decide which AWS permission it needs: action and
/// resource.
fn describe_request(function: &str, service: &str, request: &Parts, body: &Bytes) -> Value {
    let header = |name| {
        request
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    let body: Value = match service {
        "s3" | "cloudfront" => Value::Null,
        _ => serde_json::from_slice(body).unwrap(),
    };
    let of_body = |names: &[&str]| -> BTreeMap<String, Value> {
        let found = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), body.get(name)?.clone())));
        found.collect()
    };
    json!({
        "function": function,
        "service": service,
        "method": request.method.as_str(),
        "path": request.uri.path(),
        "query": request.uri.query(),
        "target": header("x-amz-target"),
        "copySource": header("x-amz-copy-source"),
        "taggingDirective": header("x-amz-tagging-directive"),
        "tagging": header("x-amz-tagging"),
        "names": of_body(&["TableName", "IndexName", "RequestItems", "Names", "WithDecryption"]),
    })
}

/// Serves the operation CreateInvalidation of CloudFront.
async fn create_invalidation(
    State(cdn): State<FakeCloudFront>,
    Segment(distribution): Segment<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(
        authorization.contains("/us-east-1/cloudfront/aws4_request"),
        "{authorization}"
    );
    if let Some((status, code)) = cdn.failures.lock().unwrap().pop() {
        let error = format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        return (status, error).into_response();
    }
    cdn.invalidations.lock().unwrap().push(body);
    let created = format!("<Invalidation><Id>I{distribution}</Id></Invalidation>");
    (StatusCode::CREATED, created).into_response()
}

/// Serves the operation GetParameters of AWS Systems Manager. A name may end in the version 1.
async fn get_parameters(
    State(store): State<ParameterStore>,
    headers: HeaderMap,
    request: Bytes,
) -> Response {
    let request: Value = serde_json::from_slice(&request).unwrap();
    assert_eq!(headers["x-amz-target"], "AmazonSSM.GetParameters");
    if store.denied.load(Ordering::Relaxed) {
        let error = json!({ "__type": "AccessDeniedException" });
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let counted = |left: u32| left.checked_sub(1);
    let throttled = store
        .throttled
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted);
    if throttled.is_ok() {
        let error = json!({ "__type": "ThrottlingException", "message": "Rate exceeded" });
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let names = request["Names"].as_array().unwrap();
    assert!((1..=10).contains(&names.len()), "{request}");
    let values = store.values.lock().unwrap();
    let (mut parameters, mut invalid) = (Vec::new(), Vec::new());
    for requested in names.iter().map(|name| name.as_str().unwrap()) {
        let name = requested.strip_suffix(":1").unwrap_or(requested);
        match values.get(name) {
            Some(value) => {
                let decrypted = request["WithDecryption"] == true;
                let value = if decrypted { value } else { "AQICAHh…" };
                let parameter = json!({ "Name": name, "Type": "SecureString", "Value": value });
                parameters.push(parameter);
            }
            None => invalid.push(requested),
        }
    }
    Json(json!({ "Parameters": parameters, "InvalidParameters": invalid })).into_response()
}

/// Returns the environment variables of each function. If the variable `LAMBDA_ENVIRONMENT` is set,
/// they come from the file at that path. Otherwise this function builds them itself.
fn function_variables() -> Value {
    if let Some(path) = std::env::var_os(ENVIRONMENT) {
        return serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    }
    json!({
        "ingest": {
            "SOURCE_BUCKET": "photo-catalogue-source-123456789012",
            "SOURCE_AFTER": "delete",
            "ARCHIVE_BUCKET": "photo-catalogue-archive-123456789012",
            "LOCATION": "round:1",
            "HOME_ZONES_PARAMETER": "/photo-catalogue/home-zones:1",
            "PRIVATE_KEYWORDS_PARAMETER": "/photo-catalogue/private-keywords:1",
            "PRIVATE_SOURCES_PARAMETER": "/photo-catalogue/private-sources:1",
            "PHOTOS_TABLE": "photo-catalogue-photos",
        },
        "publish": {
            "PHOTOS_TABLE": "photo-catalogue-photos",
            "PUBLISH_TABLE": "photo-catalogue-publish",
            "GALLERY_BUCKET": "photo-catalogue-gallery-123456789012",
            "GALLERY_PREFIX": "gallery/",
            "GALLERY_URL": "https://d0123456789.cloudfront.net/gallery",
            "HOOK_URL_PARAMETER": "/photo-catalogue/hook-url:1",
            "LOCATION": "round:1",
            "HOME_ZONES_PARAMETER": "/photo-catalogue/home-zones:1",
            "PRIVATE_KEYWORDS_PARAMETER": "/photo-catalogue/private-keywords:1",
            "PRIVATE_SOURCES_PARAMETER": "/photo-catalogue/private-sources:1",
        },
        "gallery": {
            "GALLERY_URL": "https://d0123456789.cloudfront.net/gallery",
            "PHOTOS_TABLE": "photo-catalogue-photos",
            "PUBLISH_TABLE": "photo-catalogue-publish",
            "CURSOR_KEY_PARAMETER": "/photo-catalogue/cursor-key:1",
            "LOCATION": "round:1",
            "HOME_ZONES_PARAMETER": "/photo-catalogue/home-zones:1",
            "PRIVATE_KEYWORDS_PARAMETER": "/photo-catalogue/private-keywords:1",
            "PRIVATE_SOURCES_PARAMETER": "/photo-catalogue/private-sources:1",
        },
        "render": {
            "SOURCE_BUCKET": "photo-catalogue-source-123456789012",
            "ARCHIVE_BUCKET": "photo-catalogue-archive-123456789012",
            "PHOTOS_TABLE": "photo-catalogue-photos",
            "GALLERY_BUCKET": "photo-catalogue-gallery-123456789012",
            "GALLERY_PREFIX": "gallery/",
            "CDN_DISTRIBUTION": "E0123456789",
            "LOCATION": "round:1",
            "HOME_ZONES_PARAMETER": "/photo-catalogue/home-zones:1",
            "PRIVATE_KEYWORDS_PARAMETER": "/photo-catalogue/private-keywords:1",
            "PRIVATE_SOURCES_PARAMETER": "/photo-catalogue/private-sources:1",
        },
    })
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}
