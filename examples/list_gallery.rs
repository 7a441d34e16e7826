//! Lists all photos of a running gallery, page by page.
//!
//! ```sh
//! cargo run -- serve examples/photos
//! cargo run --example list_gallery -- http://127.0.0.1:8080 camera=nikon-d750
//! ```
//!
//! The second argument is a filter, in the form that docs/gallery-api.md describes. It may be left
//! out.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program reads its arguments and prints"
)]

use std::error::Error;

use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let gallery = arguments
        .next()
        .unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let filter = arguments.next().unwrap_or_default();

    // reqwest needs a TLS provider even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let first = format!("{gallery}/v1/photos?limit=100&fields=stem,takenAtLocal,camera&{filter}");
    let mut url = first.clone();
    loop {
        let page: Value = client
            .get(&url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        for photo in page["items"].as_array().into_iter().flatten() {
            println!(
                "{:24} {:28} {}",
                photo["takenAtLocal"].as_str().unwrap_or("no date"),
                photo["stem"].as_str().unwrap_or_default(),
                photo["camera"]["name"].as_str().unwrap_or_default(),
            );
        }
        // The last page has no cursor.
        let Some(cursor) = page["next"].as_str() else {
            return Ok(());
        };
        url = format!("{first}&cursor={cursor}");
    }
}
