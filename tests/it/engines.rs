//! The embedded engines over TCP, in the process of the tests.

use dynamodb_engine::{DynamoDbEngine, EngineAccess};
use local_http::RequestGuard;
use s3_folder::{KeyPair, S3Store};
use tokio::net::TcpListener;

/// Returns the key pair with which clients of these engines must sign.
fn key_pair() -> KeyPair {
    KeyPair::new("test", "secret")
}

/// Serves S3 on `listener` until the runtime of the test ends.
pub(crate) fn serve_s3(listener: TcpListener, store: &S3Store) {
    let handler = store.handler(key_pair());
    let guard = RequestGuard::default();
    let shutdown = std::future::pending();
    tokio::spawn(local_http::serve(listener, handler, guard, shutdown));
}

/// Serves DynamoDB on `listener` until the runtime of the test ends.
pub(crate) fn serve_dynamodb(listener: TcpListener, engine: DynamoDbEngine) {
    serve_dynamodb_for(listener, engine, key_pair());
}

/// Serves DynamoDB on `listener` to clients with this key pair, until the runtime of the test ends.
pub(crate) fn serve_dynamodb_for(listener: TcpListener, engine: DynamoDbEngine, key_pair: KeyPair) {
    let access = EngineAccess::Signed(key_pair);
    let guard = RequestGuard::default();
    tokio::spawn(engine.serve(listener, access, guard, std::future::pending()));
}
