//! The embedded S3 server through aws-sdk-s3, over HTTP, as the rest of the crate uses it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod adoption;
mod bytes;
mod conditions;
mod crash;
mod keys;
mod listing;
mod multipart;
mod notifications;
mod taking;

use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use s3_folder::{KeyPair, S3Store};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The bucket that every test's store has.
const BUCKET: &str = "photos";

/// A store, its server and a client.
struct Server {
    data: Arc<tempfile::TempDir>,
    store: S3Store,
    client: Client,
    address: String,
    stop: Arc<Notify>,
    running: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Server {
        let server = Server::start_in(Arc::new(tempfile::tempdir().unwrap())).await;
        server
            .client
            .create_bucket()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        server
    }

    async fn start_in(data: Arc<tempfile::TempDir>) -> Server {
        let store = S3Store::open(data.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let stop = Arc::new(Notify::new());
        let key_pair = KeyPair {
            access_key: "test".to_owned(),
            secret_key: "secret".to_owned(),
        };
        let stopped = Arc::clone(&stop);
        let running = tokio::spawn(
            store
                .clone()
                .serve(listener, key_pair, async move { stopped.notified().await }),
        );
        let client = client(
            &address,
            "secret",
            RequestChecksumCalculation::WhenSupported,
        );
        Server {
            data,
            store,
            client,
            address,
            stop,
            running,
        }
    }

    /// Stops, and starts again on the same folder.
    async fn restart(self) -> Server {
        let data = self.stop().await;
        Server::start_in(data).await
    }

    async fn stop(self) -> Arc<tempfile::TempDir> {
        self.stop.notify_one();
        self.running.await.unwrap().unwrap();
        let Server { data, store, .. } = self;
        drop(store);
        // The last connection's end, a moment later, closes the database, which removes its log.
        for _ in 0..500 {
            if !data.path().join(".engine/s3.sqlite-wal").exists() {
                return data;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the store was not closed");
    }

    fn file(&self, key: &str) -> std::path::PathBuf {
        self.data.path().join(BUCKET).join(key)
    }

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

    async fn delete(&self, key: &str) {
        self.client
            .delete_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
    }

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

/// The S3 error code of a failure.
fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    error.code().unwrap_or("none").to_owned()
}

/// The HTTP status of a failure.
fn status<E>(
    error: &SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
) -> u16 {
    error
        .raw_response()
        .map_or(0, |response| response.status().as_u16())
}

/// A key as a listing with `encoding-type=url` spells it.
fn decode(key: &str) -> String {
    percent_encoding::percent_decode_str(&key.replace('+', " "))
        .decode_utf8()
        .unwrap()
        .into_owned()
}

/// Every file below a folder, as paths relative to it.
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

/// Returns an HTTP client. reqwest has no TLS provider of its own here, and needs one even for plain HTTP.
fn http_client() -> reqwest::Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
