//! Reads the static gallery files, as a site build does, and prints a line for each month.
//!
//! ```sh
//! cargo run -- serve examples/photos
//! cargo run --example read_static_gallery -- photos-data/site/gallery
//! ```
//!
//! docs/static-gallery.md describes the files.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program reads files and prints"
)]

use std::error::Error;
use std::path::Path;

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "photos-data/site/gallery".to_owned());
    let read = |name: &str| -> Result<Value, Box<dyn Error>> {
        let path = Path::new(&folder).join(name);
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    };

    let index = read("index.json")?;
    println!("{} photos", index["photos"]);
    for month in index["months"].as_array().into_iter().flatten() {
        let mut stems = Vec::new();
        // A large month has several files.
        for file in month["files"].as_array().into_iter().flatten() {
            let photos = read(file["path"].as_str().unwrap_or_default())?;
            let items = photos["items"].as_array().into_iter().flatten();
            stems.extend(items.map(|photo| photo["stem"].to_string()));
        }
        println!("{}: {}", month["month"], stems.join(", "));
    }
    Ok(())
}
