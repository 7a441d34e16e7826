//! Tests the server over HTTP with aws-sdk-s3.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conditions;
mod crashes;
mod data_folder;
mod external_changes;
mod keys;
mod listing;
mod local_files;
mod multipart;
mod notifications;
mod objects;

use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use s3_folder::{KeyPair, S3Store};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The name of the bucket in every test's store.
const BUCKET: &str = "photos";

/// A store, the server that serves it, and a client of the server.
struct FolderServer {
    data: Arc<tempfile::TempDir>,
    store: S3Store,
    client: Client,
    address: String,
    stop: Arc<Notify>,
    running: JoinHandle<()>,
}

impl FolderServer {
    /// Starts a server over an empty folder and creates the bucket.
    async fn start() -> FolderServer {
        let server = FolderServer::start_in(Arc::new(tempfile::tempdir().unwrap())).await;
        server
            .client
            .create_bucket()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        server
    }

    /// Starts a server over this data folder.
    async fn start_in(data: Arc<tempfile::TempDir>) -> FolderServer {
        let store = S3Store::open(data.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let stop = Arc::new(Notify::new());
        let key_pair = KeyPair::new("test", "secret");
        let stopped = Arc::clone(&stop);
        let handler = store.handler(key_pair);
        let guard = local_http::RequestGuard::default();
        let expiring = store.clone();
        let running = tokio::spawn(async move {
            let shutdown = async move { stopped.notified().await };
            tokio::select! {
                () = local_http::serve(listener, handler, guard, shutdown) => {}
                () = expiring.expire_uploads_daily() => {}
            }
        });
        let client = client(
            &address,
            "secret",
            RequestChecksumCalculation::WhenSupported,
        );
        FolderServer {
            data,
            store,
            client,
            address,
            stop,
            running,
        }
    }

    /// Stops the server and starts another one over the same folder.
    async fn restart(self) -> FolderServer {
        let data = self.stop().await;
        FolderServer::start_in(data).await
    }

    /// Stops the server and waits until its database is closed. Returns the folder.
    async fn stop(self) -> Arc<tempfile::TempDir> {
        self.stop.notify_one();
        self.running.await.unwrap();
        let FolderServer { data, store, .. } = self;
        drop(store);
        // The last connection closes the database a moment later. SQLite then removes its log.
        for _ in 0..500 {
            if !data.path().join(".engine/s3.sqlite-wal").exists() {
                return data;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the store was not closed");
    }

    /// Returns the path of the file of `key`.
    fn file(&self, key: &str) -> std::path::PathBuf {
        self.data.path().join(BUCKET).join(key)
    }

    /// Puts an object. Returns its ETag.
    async fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> String {
        let body = ByteStream::from(body.into());
        let put = self
            .client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(body)
            .send()
            .await;
        put.unwrap_or_else(|error| panic!("{key}: {error:?}"))
            .e_tag
            .unwrap()
    }

    /// Returns the response of a HeadObject.
    async fn head(&self, key: &str) -> HeadObjectOutput {
        let head = self.client.head_object().bucket(BUCKET).key(key);
        head.send().await.unwrap()
    }

    /// Returns the response of a GetObject.
    async fn get_object(&self, key: &str) -> GetObjectOutput {
        let get = self.client.get_object().bucket(BUCKET).key(key);
        get.send().await.unwrap()
    }

    /// Returns the bytes of an object, or `None` if it does not exist.
    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        match self
            .client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
        {
            Ok(got) => Some(got.body.collect().await.unwrap().to_vec()),
            Err(error) => {
                assert_eq!(code(&error), "NoSuchKey", "{key}");
                None
            }
        }
    }

    /// Deletes an object.
    async fn delete(&self, key: &str) {
        self.client
            .delete_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
    }

    /// Lists the keys of all objects, sorted.
    async fn keys(&self) -> Vec<String> {
        let listed = self
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .encoding_type("url".into())
            .send()
            .await
            .unwrap();
        listed
            .contents()
            .iter()
            .map(|object| decode(object.key().unwrap()))
            .collect()
    }
}

/// Returns a client of the server that signs with `secret`.
fn client(address: &str, secret: &str, checksums: RequestChecksumCalculation) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", secret, None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(address)
        .request_checksum_calculation(checksums)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .force_path_style(true);
    Client::from_conf(config.build())
}

/// Returns the S3 error code of a failure.
fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    error.code().unwrap_or("none").to_owned()
}

/// Returns the HTTP status of a failure.
fn status<E>(
    error: &SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
) -> u16 {
    error
        .raw_response()
        .map_or(0, |response| response.status().as_u16())
}

/// Decodes a key from a listing with `encoding-type=url`.
fn decode(key: &str) -> String {
    percent_encoding::percent_decode_str(&key.replace('+', " "))
        .decode_utf8()
        .unwrap()
        .into_owned()
}

/// Lists every file below a folder, as paths relative to it.
fn files(folder: &Path) -> Vec<String> {
    fn visit(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, found);
            } else {
                found.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }
    let mut found = Vec::new();
    visit(folder, folder, &mut found);
    found.sort();
    found
}

/// Returns an HTTP client without certificates. reqwest is built without a TLS provider, and needs one
/// even for plain HTTP.
fn http_client() -> reqwest::Client {
    // This fails if another test has installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().tls_certs_only([]);
    builder.build().unwrap()
}
