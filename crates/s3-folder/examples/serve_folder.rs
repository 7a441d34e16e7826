//! Serves a folder over S3 on the loopback interface until it is killed.
//!
//! `cargo run -p s3-folder --example serve_folder -- DATA 9000`

#![allow(
    clippy::print_stdout,
    reason = "an example reports on its standard output"
)]

use std::error::Error;
use std::path::Path;

use s3_folder::{KeyPair, S3Store};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().unwrap_or_else(|| "data".to_owned());
    let port = arguments.next().map_or(Ok(9000), |port| port.parse())?;
    let store = S3Store::open(Path::new(&data))?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("serving {data} on http://{}", listener.local_addr()?);
    println!("access key \"local\", secret key \"local-secret\"");
    // The program can be killed at any time: every acknowledged request is on disk.
    store
        .serve(
            listener,
            KeyPair::new("local", "local-secret"),
            std::future::pending(),
        )
        .await?;
    Ok(())
}
