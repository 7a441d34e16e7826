//! Serves a folder over S3 on the loopback interface until it is killed.
//!
//! `cargo run -p s3-folder --example serve_folder -- DATA 9000 ACCESS-KEY SECRET-KEY`

#![allow(
    clippy::print_stdout,
    reason = "an example reports on its standard output"
)]

use std::error::Error;
use std::path::Path;

use local_http::RequestGuard;
use s3_folder::{KeyPair, S3Store};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, port, access_key, secret_key] = &arguments[..] else {
        return Err("usage: serve_folder DATA PORT ACCESS-KEY SECRET-KEY".into());
    };
    let store = S3Store::open(Path::new(data))?;
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    println!("serving {data} on http://{}", listener.local_addr()?);
    let handler = store.handler(KeyPair::new(access_key, secret_key));
    // The program can be killed at any time: every acknowledged request is on disk.
    let shutdown = std::future::pending();
    local_http::serve(listener, handler, RequestGuard::default(), shutdown).await;
    Ok(())
}
