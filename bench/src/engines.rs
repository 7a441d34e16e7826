//! The embedded engines, which serve over HTTP in the process of the measuring program.

use std::future::pending;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::StreamSpecification;
use dynamodb_engine::{DynamoDbEngine, EngineAccess};
use local_http::RequestGuard;
use photo_catalogue::clients::{self, Clients, Endpoints};
use photo_catalogue::object::Bucket;
use photo_catalogue::storage::Storage;
use s3_folder::{KeyPair, S3Store};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::BenchResult;

/// The access key of the embedded engines.
pub const ACCESS_KEY: &str = "photos";
/// The secret key of the embedded engines.
pub const SECRET_KEY: &str = "photos-secret";

/// The place in which the embedded DynamoDB keeps its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineStorage {
    /// The tables are in memory.
    Memory,
    /// The tables are on disk, as in `photos serve`.
    Disk,
    /// The tables are on disk, and a write does not wait for the disk. This is for tables that are
    /// filled before the measurement.
    DiskWithoutSync,
}

/// A running embedded S3 server and a running embedded DynamoDB, over a folder.
pub struct BenchEngines {
    /// The store of the S3 server.
    pub store: S3Store,
    /// The engine of the embedded DynamoDB.
    pub engine: DynamoDbEngine,
    /// The URLs of both engines.
    pub endpoints: Endpoints,
    folder: PathBuf,
    /// The temporary folder, which is deleted when the value is dropped. `None` if the folder is
    /// kept.
    _temporary: Option<TempDir>,
}

impl BenchEngines {
    /// Starts both engines. They serve until the Tokio runtime ends. The temporary folder is
    /// deleted when the returned value is dropped.
    pub async fn start(storage: EngineStorage) -> BenchResult<Self> {
        let temporary = tempfile::tempdir()?;
        let mut engines = Self::start_in(temporary.path(), storage).await?;
        engines._temporary = Some(temporary);
        Ok(engines)
    }

    /// Starts both engines over a folder, which is created if it does not exist. They serve until
    /// the Tokio runtime ends. The folder is kept.
    pub async fn start_in(folder: &Path, storage: EngineStorage) -> BenchResult<Self> {
        std::fs::create_dir_all(folder.join(".engine"))?;
        let store = S3Store::open(folder)?;
        let key_pair = KeyPair::new(ACCESS_KEY, SECRET_KEY);
        let (listener, s3) = listen().await?;
        let handler = store.handler(key_pair.clone());
        let guard = RequestGuard::default();
        tokio::spawn(local_http::serve(listener, handler, guard, pending()));
        let engine = match storage {
            EngineStorage::Memory => DynamoDbEngine::open_in_memory()?,
            EngineStorage::Disk | EngineStorage::DiskWithoutSync => DynamoDbEngine::open(folder)?,
        };
        if storage == EngineStorage::DiskWithoutSync {
            engine.defer_sync()?;
        }
        let (listener, dynamodb) = listen().await?;
        let access = EngineAccess::Signed(key_pair);
        tokio::spawn(
            engine
                .clone()
                .serve(listener, access, RequestGuard::default(), pending()),
        );
        Ok(BenchEngines {
            store,
            engine,
            endpoints: Endpoints {
                s3: Some(s3),
                dynamodb: Some(dynamodb),
            },
            folder: folder.to_owned(),
            _temporary: None,
        })
    }

    /// Returns new clients of the engines, with request counters of their own.
    pub fn connect(&self) -> Clients {
        connect(&self.endpoints)
    }

    /// Returns the path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates buckets with these names.
    pub async fn create_buckets(&self, buckets: &[&str]) -> BenchResult<()> {
        let storage = Storage::new(self.connect().s3);
        for bucket in buckets {
            storage.create_bucket(&Bucket::new(bucket)?).await?;
        }
        Ok(())
    }
}

/// Returns new clients for these endpoints. They sign with the key pair of the embedded engines.
pub fn connect(endpoints: &Endpoints) -> Clients {
    clients::connect(&clients::with_key_pair(ACCESS_KEY, SECRET_KEY), endpoints)
}

/// Turns off the stream of a table. The embedded DynamoDB searches the whole stream at each write,
/// which would distort a measurement that does not read the stream.
pub async fn disable_stream(dynamodb: &aws_sdk_dynamodb::Client, table: &str) -> BenchResult<()> {
    let no_stream = StreamSpecification::builder().stream_enabled(false);
    let update = dynamodb.update_table().table_name(table);
    update
        .stream_specification(no_stream.build()?)
        .send()
        .await?;
    Ok(())
}

/// Listens on a free port of the loopback interface. Returns the listener and its URL.
pub async fn listen() -> BenchResult<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}
